// What widgets share: elements, sliders, and what is said when the data of one cannot be read.
(() => {
  const book = (globalThis.imbalanceBook ??= {});

  // A slider over given values; every change is told by its place among them.
  function slider(name, values, start, words, changed) {
    const input = Object.assign(document.createElement("input"), { type: "range", min: 0, max: values.length - 1, step: 1 });
    const label = document.createElement("label"), shown = Object.assign(document.createElement("span"), { ariaHidden: "true" });
    const tell = () => {
      shown.textContent = words(values[input.value]);
      input.setAttribute("aria-valuetext", shown.textContent);
    };
    input.value = Math.max(values.indexOf(start), 0);
    input.setAttribute("aria-label", name);
    input.addEventListener("input", () => {
      tell();
      changed(values[input.value]);
    });
    tell();
    label.append(Object.assign(document.createElement("span"), { textContent: name }), shown, input);
    return label;
  }

  // Start the widgets of a kind whose data are valid; the others stay as they are and say so.
  function mount(kind, valid, start) {
    for (const root of document.querySelectorAll(`[data-widget=${kind}]:not([data-ready])`)) {
      const status = root.querySelector("[role=status]");
      let data;
      try {
        data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
        if (!valid(data)) throw new Error();
      } catch {
        status.textContent = "The data of this picture cannot be read; it stays as it is.";
        continue;
      }
      const controls = Object.assign(document.createElement("div"), { className: "widget-controls" });
      start({ body: root.querySelector(`.${kind}-body`), controls, data, say: (words) => { status.textContent = words; } });
      root.querySelector(`.${kind}-body`).before(controls);
      root.dataset.ready = "quiet"; // what is said is seen in the picture: for screen readers alone
    }
  }

  book.parts = { mount, slider };
})();
