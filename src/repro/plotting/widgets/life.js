// Same AUROC, different life: prevalence, cost of a miss and number of positives by hand.
(() => {
  const book = globalThis.imbalanceBook;
  const Z = 1.959963984540054; // normal quantile of a 95 % interval

  // Shares of the positives and negatives at or above each row; labels from the highest score, no ties.
  function rates(labels) {
    const all = [0, 0], found = [{ hits: 0, alarms: 0 }], seen = [0, 0];
    for (const label of labels) all[label] += 1;
    for (const label of labels) {
      seen[label] += 1;
      found.push({ hits: seen[1] / all[1], alarms: seen[0] / all[0] });
    }
    return found;
  }

  function auroc(labels) {
    const curve = rates(labels);
    return curve.slice(1).reduce((sum, { hits, alarms }, place) => sum + hits * (alarms - curve[place].alarms), 0);
  }

  // Average precision as it would be at another share of positives.
  function averagePrecision(labels, prevalence) {
    const curve = rates(labels).slice(1).filter((_, place) => labels[place] === 1);
    const precision = ({ hits, alarms }) => (prevalence * hits) / (prevalence * hits + (1 - prevalence) * alarms);
    return curve.reduce((sum, point) => sum + precision(point), 0) / curve.length;
  }

  // Least mean cost of a row, in false alarms, and where it is; of equal costs the highest threshold.
  function leastCost(labels, prevalence, miss) {
    const points = rates(labels).map((point) => ({
      ...point, cost: prevalence * miss * (1 - point.hits) + (1 - prevalence) * point.alarms }));
    const least = Math.min(...points.map((point) => point.cost));
    return points.find((point) => point.cost <= least * (1 + 1e-12));
  }

  // Root of a function that has another sign at the ends.
  function root(f, low, high) {
    const rising = f(high) > 0;
    for (let step = 0; step < 200; step++) {
      const middle = (low + high) / 2;
      if (f(middle) > 0 === rising) high = middle;
      else low = middle;
    }
    return (low + high) / 2;
  }

  // Newcombe's interval (2006, method 5) of an AUROC.
  function newcombe(area, positives, negatives) {
    const shared = (positives + negatives) / 2 - 1;
    const error = (value) => Math.sqrt(value * (1 - value) * (1 + shared * ((1 - value) / (2 - value) + value / (1 + value)))
      / (positives * negatives));
    return [
      area <= 0 ? 0 : root((value) => area - value - Z * error(value), 0, Math.min(area, 1 - 1e-12)),
      area >= 1 ? 1 : root((value) => value - area - Z * error(value), Math.max(area, 1e-12), 1)];
  }

  // Interval of an average precision, taken for a share of the positives, symmetric in its logit.
  function binomial(precision, positives) {
    if (precision >= 1) return [0.025 ** (1 / positives), 1];
    const middle = Math.log(precision / (1 - precision)), width = Z / Math.sqrt(positives * precision * (1 - precision));
    return [middle - width, middle + width].map((value) => 1 / (1 + Math.exp(-value)));
  }

  book.life = { auroc, averagePrecision, binomial, leastCost, newcombe };

  const valid = (data) => data.rankings.length === 4 && data.rankings.every(({ labels }) =>
    labels.length && labels.every((label) => label === 0 || label === 1) && new Set(labels).size === 2);
  const percent = (share) => `${+(100 * share).toPrecision(2)} %`;

  book.parts.mount("life", valid, ({ body, controls, data, say }) => {
    const choice = { prevalence: 0.05, miss: 50, positives: 50 };
    const rows = [...body.querySelectorAll("tbody tr")], marks = [...body.querySelectorAll(".life-mark")];
    const [left, top, side] = data.frame;

    function fill(cell, value, more) {
      const small = document.createElement("small");
      small.textContent = ` ${more}`;
      cell.replaceChildren(value, small);
    }

    function update() {
      const { prevalence, miss, positives } = choice;
      const negatives = Math.max(Math.round((positives * (1 - prevalence)) / prevalence), 1);
      const found = data.rankings.map(({ name, labels }, place) => {
        const area = auroc(labels), precision = averagePrecision(labels, prevalence), best = leastCost(labels, prevalence, miss);
        const cells = rows[place].querySelectorAll("td");
        const [areas, precisions] = [newcombe(area, positives, negatives), binomial(precision, positives)].map(
          (ends) => ends.map((value) => value.toFixed(2)).join(" to "));
        fill(cells[0], area.toFixed(2), areas);
        fill(cells[1], precision.toFixed(2), precisions);
        const called = best.hits + best.alarms === 0 ? "nobody is called"
          : `${(100 * best.hits).toFixed(0)} % caught, ${(100 * best.alarms).toFixed(0)} % false alarms`;
        fill(cells[2], (1000 * best.cost).toFixed(prevalence < 0.01 ? 2 : 0), called);
        marks[place].setAttribute("x", left + side * best.alarms);
        marks[place].setAttribute("y", top + side * (1 - best.hits));
        return { name, precision, cost: best.cost };
      });
      const highest = found.reduce((best, one) => (one.precision > best.precision ? one : best));
      const cheapest = Math.min(...found.map((one) => one.cost));
      const names = found.filter((one) => one.cost <= cheapest * (1 + 1e-12)).map((one) => one.name);
      const told = `Highest average precision: ${highest.name}. Least cost: ${names.length === 4 ? "all the same" : names.join(", ")}.` +
        (positives < 10 ? " With fewer than 10 positives the interval of the average precision is not to be trusted." : "");
      body.querySelector(".life-setting").textContent = told;
      body.querySelector("svg").setAttribute("aria-label", `Four ROC curves of one area, each marked where decisions cost least. ${told}`);
      return told;
    }

    const add = (name, key, values, words) => controls.append(book.parts.slider(name, values, choice[key], words, (value) => {
      choice[key] = value;
      say(update());
    }));
    add("Share of positives", "prevalence", data.prevalences, percent);
    add("Cost of a miss", "miss", data.costs, (value) => (value === 1 ? "1 false alarm" : `${value} false alarms`));
    add("Positives in the sample", "positives", data.counts, String);
    update();
  });
})();
