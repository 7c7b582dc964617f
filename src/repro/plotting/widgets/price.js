// The price of one mistake: a ranking as a row of balls. Drag one, or move it with the arrow keys.
(() => {
  const book = (globalThis.imbalanceBook ??= {});

  // Labels from the highest score to the lowest, 1 for a positive; no ties.
  const count = (labels, value) => labels.filter((label) => label === value).length;

  function auroc(labels) {
    const positives = count(labels, 1), negatives = count(labels, 0);
    if (!positives || !negatives) return NaN;
    let above = 0, pairs = 0;
    for (const label of labels) {
      if (label) above += 1;
      else pairs += above;
    }
    return pairs / (positives * negatives);
  }

  function averagePrecision(labels) {
    const positives = count(labels, 1);
    let found = 0, sum = 0;
    labels.forEach((label, place) => {
      if (label) sum += ++found / (place + 1);
    });
    return positives ? sum / positives : NaN;
  }

  // Atomic mistakes: a negative directly above a positive, and what repairing it adds.
  function mistakes(labels) {
    const positives = count(labels, 1), negatives = count(labels, 0), list = [];
    let above = 0;
    labels.forEach((label, place) => {
      const rank = place + 1;
      if (!label && labels[rank] === 1) {
        const precision = (above + 1) / (positives * rank * (rank + 1));
        list.push({ rank, auroc: 1 / (positives * negatives), precision });
      }
      above += label;
    });
    return list;
  }

  const within = (labels, groups, group) => auroc(labels.filter((_, place) => groups[place] === group));

  book.price = { auroc, averagePrecision, mistakes, within };

  const text = (value) => (Number.isNaN(value) ? "not defined" : value.toFixed(3));
  const change = (value) => (Number.isNaN(value) ? "" : `${value < -5e-10 ? "−" : "+"}${Math.abs(value).toFixed(3)}`);

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "onclick") element.addEventListener("click", value);
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  function mount(root) {
    let start;
    try {
      start = JSON.parse(root.querySelector("script[type='application/json']").textContent).rows;
      if (!Array.isArray(start) || start.length < 2 || start.some((row) => ![0, 1].includes(row.label))) throw new Error();
    } catch {
      root.querySelector("[role=status]").textContent = "The data of this picture cannot be read; it stays as it is.";
      return;
    }
    const place = root.querySelector(".price-body"), status = root.querySelector("[role=status]");
    let rows, groups = false, before;
    const labels = () => rows.map((row) => row.label);
    const values = () => {
      const all = labels(), members = rows.map((row) => row.group);
      const shown = [["AUROC", auroc(all)], ["average precision", averagePrecision(all)]];
      if (groups) for (const group of ["A", "B"]) shown.push([`AUROC within ${group}`, within(all, members, group)]);
      return shown;
    };
    const name = (row) => (row.label ? "positive" : "negative") + (groups ? `, group ${row.group}` : "");

    function reset() {
      rows = start.map((row, number) => ({ ...row, number }));
      before = values();
    }

    function move(from, to) {
      if (to < 0 || to >= rows.length || from === to) return;
      before = values();
      rows.splice(to, 0, rows.splice(from, 1)[0]);
      draw(rows[to].number);
      status.textContent = values()
        .map(([label, value], which) => `${label} ${text(value)} (${change(value - before[which][1])})`)
        .join(", ");
    }

    function change_row(position, key) {
      const row = rows[position];
      if (key === "label") row.label = 1 - row.label;
      else row.group = row.group === "A" ? "B" : "A";
      before = values();
      draw(row.number);
      status.textContent = `Rank ${position + 1} is now ${name(row)}.`;
    }

    function ball(row, position) {
      const element = make("button", {
        type: "button",
        class: `price-ball price-${row.label ? "positive" : "negative"}${groups && row.group === "B" ? " price-square" : ""}`,
        "aria-label": `rank ${position + 1} of ${rows.length}, ${name(row)}`,
      }, row.label ? "+" : "−");
      element.dataset.number = row.number;
      element.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (step) move(position, position + step);
        else if (event.key === " ") change_row(position, "label");
        else if (event.key === "g" && groups) change_row(position, "group");
        else return;
        event.preventDefault();
      });
      element.addEventListener("pointerdown", (event) => {
        element.setPointerCapture(event.pointerId);
        const origin = event.clientX;
        const follow = (moved) => { element.style.translate = `${moved.clientX - origin}px 0`; };
        const drop = (ended) => {
          element.removeEventListener("pointermove", follow);
          element.style.translate = "";
          const centres = [...place.querySelectorAll(".price-ball")].map((other) => {
            const box = other.getBoundingClientRect();
            return Math.hypot(ended.clientX - box.x - box.width / 2, ended.clientY - box.y - box.height / 2);
          });
          if (ended.type === "pointerup") move(position, centres.indexOf(Math.min(...centres)));
        };
        element.addEventListener("pointermove", follow);
        element.addEventListener("pointerup", drop, { once: true });
        element.addEventListener("pointercancel", drop, { once: true });
      });
      return element;
    }

    function bars() {
      return make("div", { class: "price-bars" }, ...values().map(([label, value], which) =>
        make("div", { class: "price-bar" },
          make("span", {}, label),
          make("meter", { min: 0, max: 1, value: Number.isNaN(value) ? 0 : value, "aria-label": label }),
          make("span", { class: "price-number" }, `${text(value)} ${value === before[which][1] ? "" : change(value - before[which][1])}`))));
    }

    function repairs() {
      const list = mistakes(labels());
      if (!list.length) return make("p", {}, "No negative stands directly above a positive: nothing is left to repair.");
      const best = Math.max(...list.map((one) => one.precision));
      const table = make("table", {}, make("thead", {}, make("tr", {},
        ...["Repair", "adds to AUROC", "adds to average precision", "which is"].map((head) => make("th", { scope: "col" }, head)))));
      table.append(make("tbody", {}, ...list.map((one, which) => {
        const notes = [];
        if (which === 0 && list.length > 1) notes.push("highest score");
        if (one.precision > best - 1e-12) notes.push("worth most");
        return make("tr", {},
          make("th", { scope: "row" }, make("button", {
            type: "button",
            onclick: () => move(one.rank - 1, one.rank),
          }, `exchange ranks ${one.rank} and ${one.rank + 1}`)),
          make("td", {}, change(one.auroc)), make("td", {}, change(one.precision)), make("td", {}, notes.join(", ")));
      })));
      return table;
    }

    function draw(focus) {
      const tools = make("p", { class: "price-tools" },
        make("button", { type: "button", onclick: () => { reset(); draw(); status.textContent = "Back to the start."; } }, "start again"), " ",
        make("button", { type: "button", onclick: () => {
          before = values();
          for (let last = rows.length - 1; last > 0; last--) {
            const other = Math.floor(Math.random() * (last + 1));
            [rows[last], rows[other]] = [rows[other], rows[last]];
          }
          draw();
          status.textContent = "Shuffled.";
        } }, "shuffle"), " ",
        make("button", { type: "button", "aria-pressed": String(groups), onclick: () => { groups = !groups; before = values(); draw(); } }, "two groups"));
      place.replaceChildren(
        make("div", { class: "price-row", role: "group", "aria-label": "Ranking, highest score first" }, ...rows.map(ball)),
        bars(), repairs(), tools);
      if (focus !== undefined) place.querySelector(`[data-number="${focus}"]`).focus();
    }

    reset();
    draw();
    root.dataset.ready = "yes";
  }

  for (const root of document.querySelectorAll("[data-widget=price]:not([data-ready])")) mount(root);
})();
