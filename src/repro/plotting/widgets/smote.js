// Does SMOTE help you? One simulated cloud; learner, amount, threshold and correction by hand, three bars.
(() => {
  const book = (globalThis.imbalanceBook ??= {});

  // Area under the ROC curve; equal scores count half.
  function auroc(labels, scores) {
    const order = scores.map((_, place) => place).sort((a, b) => scores[a] - scores[b]);
    let positives = 0, negatives = 0, sum = 0;
    for (let first = 0; first < order.length; ) {
      let last = first, here = 0;
      while (last < order.length && scores[order[last]] === scores[order[first]]) here += labels[order[last++]];
      const others = last - first - here;
      sum += here * (negatives + others / 2);
      positives += here;
      negatives += others;
      first = last;
    }
    return positives && negatives ? sum / (positives * negatives) : NaN;
  }

  const corrected = (probability, factor) => (probability * factor) / (probability * factor + 1 - probability);

  // Shares of the positives and of the negatives at or above a threshold.
  function rates(labels, scores, threshold) {
    const hit = [0, 0], all = [0, 0];
    labels.forEach((label, place) => {
      all[label] += 1;
      hit[label] += scores[place] >= threshold;
    });
    return { recall: all[1] ? hit[1] / all[1] : NaN, alarms: all[0] ? hit[0] / all[0] : NaN };
  }

  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const riskRatio = (labels, scores) => mean(scores) / mean(labels);

  book.smote = { auroc, corrected, rates, riskRatio };

  const percent = (share) => (Number.isNaN(share) ? "not defined" : `${(100 * share).toFixed(0)} %`);

  function mount(root) {
    const status = root.querySelector("[role=status]");
    let data;
    try {
      data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
      if (!data.settings.length || data.settings.some((one) => one.probability.length !== data.labels.length)) throw new Error();
    } catch {
      status.textContent = "The data of this picture cannot be read; it stays as it is.";
      return;
    }
    const place = root.querySelector(".smote-body");
    const choice = { learner: data.settings[0].learner, amount: data.clouds.at(-1).amount, moved: false, repaired: false };

    function picked() {
      return data.settings.find((one) => one.learner === choice.learner && one.amount === choice.amount);
    }

    function shown() {
      const setting = picked();
      const factor = choice.repaired ? data.odds / setting.odds : 1;
      const scores = setting.probability.map((one) => corrected(one, factor));
      const threshold = choice.moved ? corrected(setting.threshold, factor) : 0.5;
      const { recall, alarms } = rates(data.labels, scores, threshold);
      return [
        { name: "ranking (AUROC)", value: auroc(data.labels, scores), text: (one) => one.toFixed(3) },
        { name: "recall of the rare class", value: recall, text: (one) => `${percent(one)}, false alarms ${percent(alarms)}` },
        { name: "mean predicted risk over the observed", value: riskRatio(data.labels, scores), most: 4, text: (one) => `${one.toFixed(2)} times` },
      ];
    }

    function group(title, key, options) {
      const box = document.createElement("fieldset");
      box.append(Object.assign(document.createElement("legend"), { textContent: title }));
      for (const [value, words] of options) {
        const label = document.createElement("label");
        const input = Object.assign(document.createElement("input"), { type: "radio", name: `${key}-${data.name}`, checked: choice[key] === value });
        input.addEventListener("change", () => {
          choice[key] = value;
          fill();
          status.textContent = shown().map((one) => `${one.name}: ${one.text(one.value)}`).join("; ");
        });
        label.append(input, ` ${words}`);
        box.append(label);
      }
      return box;
    }

    const cloud = document.createElement("div"), bars = document.createElement("div");
    cloud.className = "smote-cloud";
    bars.className = "smote-bars";

    function fill() {
      const svg = (tag, attributes) => {
        const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
        for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
        return element;
      };
      const { synthetic } = data.clouds.find((one) => one.amount === choice.amount);
      const picture = svg("svg", { viewBox: "-4 -4 8 8", role: "img", "aria-label": `${data.majority.length} majority rows, ${data.minority.length} minority rows, ${synthetic.length} synthetic rows` });
      for (const [x, y] of data.majority) picture.append(svg("circle", { cx: x, cy: -y, r: 0.05, class: "smote-majority" }));
      for (const [x, y] of synthetic) picture.append(svg("path", { d: `M${x} ${-y - 0.08}l.08 .14h-.16z`, class: "smote-synthetic" }));
      for (const [x, y] of data.minority) picture.append(svg("rect", { x: x - 0.06, y: -y - 0.06, width: 0.12, height: 0.12, class: "smote-minority" }));
      cloud.replaceChildren(picture);
      bars.replaceChildren(...shown().map((one) => {
        const line = document.createElement("div");
        line.className = "smote-bar";
        const meter = Object.assign(document.createElement("meter"), { min: 0, max: one.most ?? 1, value: one.value || 0 });
        meter.setAttribute("aria-label", one.name);
        const [name, number] = [one.name, one.text(one.value)].map((words) => Object.assign(document.createElement("span"), { textContent: words }));
        line.append(name, meter, number);
        return line;
      }));
    }

    const unique = (key) => [...new Set(data.settings.map((one) => one[key]))];
    const controls = document.createElement("div");
    controls.className = "smote-controls";
    controls.append(
      group("Learner", "learner", unique("learner").map((one) => [one, one])),
      group("SMOTE", "amount", unique("amount").map((one) => [one, one ? `${one} %` : "none"])),
      group("Threshold", "moved", [[false, "0.5"], [true, "moved"]]),
      group("Prior", "repaired", [[false, "as sampled"], [true, "corrected"]]));
    fill();
    place.replaceChildren(controls, bars, cloud);
    root.dataset.ready = "yes";
  }

  for (const root of document.querySelectorAll("[data-widget=smote]:not([data-ready])")) mount(root);
})();
