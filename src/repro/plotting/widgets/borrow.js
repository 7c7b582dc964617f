// Borrowing from frequent steps: PRESTO's path, with the penalty, the truth and a row by hand.
(() => {
  const book = globalThis.imbalanceBook;
  const sigmoid = (value) => 1 / (1 + Math.exp(-value));

  // Probabilities of the ordered classes at a row; each boundary has an intercept and weights.
  function probabilities(intercepts, coefs, row) {
    const scores = intercepts.map((one, step) => one + coefs[step].reduce((sum, weight, column) => sum + weight * row[column], 0));
    const cumulative = scores.map(sigmoid);
    return [cumulative[0], ...cumulative.slice(1).map((one, step) => one - cumulative[step]), sigmoid(-scores.at(-1))];
  }

  // Ends of the line on which a share of the rows passes a step; null where no weight tells a direction.
  function line(intercept, [first, second], share) {
    const size = first ** 2 + second ** 2, far = 3 / Math.sqrt(size), level = -intercept - Math.log(share / (1 - share));
    if (!(size > 1e-24)) return null;
    const middle = [(level * first) / size, (level * second) / size];
    return [[middle[0] + far * second, middle[1] - far * first], [middle[0] - far * second, middle[1] + far * first]];
  }

  book.borrow = { line, probabilities };

  const valid = ({ worlds, lambdas }) => worlds.length === 3 && worlds.every(({ fits, errors }) =>
    fits.length === lambdas.length && errors.length === lambdas.length && errors.every(Number.isFinite) &&
    fits.every(({ intercepts, coefs }) => [...intercepts, ...coefs.flat()].every(Number.isFinite)));

  book.parts.mount("borrow", valid, ({ body, controls, data, say }) => {
    const choice = { world: 1, penalty: data.best[1], row: [...data.start] };
    const [left, top, wide, high, most] = data.frame;
    const find = (name) => body.querySelector(`.borrow-${name}`);
    const cells = body.querySelectorAll("tbody td"), plane = find("plane"), curves = body.querySelectorAll(".borrow-curve");
    const set = (element, attributes) => Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    const pair = (values) => values.map((one) => one.toFixed(2)).join(" and ");

    function update() {
      const world = data.worlds[choice.world], fit = world.fits[choice.penalty], error = world.errors[choice.penalty];
      const [truth, estimate] = [probabilities(data.intercepts, world.slopes, choice.row), probabilities(fit.intercepts, fit.coefs, choice.row)]
        .map((all) => `${(100 * all.at(-1)).toFixed(2)} %`);
      const steps = [[fit.intercepts[0], fit.coefs[0], data.shares[0]], [fit.intercepts.at(-1), fit.coefs.at(-1), data.shares[1]],
        [data.intercepts.at(-1), world.slopes.at(-1), data.shares[1]]];
      body.querySelectorAll(".borrow-line").forEach((element, place) => {
        const ends = line(...steps[place]);
        element.style.display = ends ? "" : "none";
        if (ends) set(element, { x1: ends[0][0], y1: -ends[0][1], x2: ends[1][0], y2: -ends[1][1] });
      });
      find("others").setAttribute("d", world.others);
      find("rare").setAttribute("d", world.rare);
      set(find("row"), { cx: choice.row[0], cy: -choice.row[1] });
      curves.forEach((curve, place) => curve.classList.toggle("borrow-here", place === choice.world));
      const x = left + (wide * choice.penalty) / (data.lambdas.length - 1);
      set(find("now"), { x1: x, x2: x });
      set(find("dot"), { cx: x, cy: top + high * (1 - Math.min(error / most, 1)) });
      [pair(world.slopes.at(-1)), pair(fit.coefs.at(-1)), truth, estimate, "", `${error.toFixed(2)} points`]
        .forEach((text, place) => { cells[place].textContent = text; });
      set(plane, { "aria-label": `${world.count} rare rows, and which way the steps go` });
      return `Weights of the rare step ${cells[1].textContent}, in truth ${cells[0].textContent}. Its probability at the ` +
        `ringed row ${estimate}, in truth ${truth}. Mean error ${cells[5].textContent}.`;
    }

    const places = Array.from({ length: 21 }, (_, step) => (step - 10) / 10);
    const add = (name, values, start, words, change) => {
      const slider = book.parts.slider(name, values, start, words, (value) => { change(value); say(update()); });
      controls.append(slider);
      return slider.querySelector("input");
    };
    const every = (list) => list.map((_, place) => place);
    add("Penalty, from shared to separate", every(data.lambdas), choice.penalty,
      (place) => data.lambdas[place].toPrecision(2), (place) => { choice.penalty = place; });
    add("The rare step truly goes", every(data.worlds), choice.world,
      (place) => data.worlds[place].name, (place) => { choice.world = place; });
    const [across, up] = ["Ringed row, across", "Ringed row, up"].map((name, column) => add(name, places, choice.row[column],
      (value) => value.toFixed(1), (value) => { choice.row[column] = value; }));
    plane.addEventListener("click", (event) => { // a touch moves the row: the two sliders follow
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(plane.getScreenCTM().inverse());
      for (const [input, value] of [[across, at.x], [up, -at.y]]) {
        input.value = Math.round(10 * value) + 10;
        input.dispatchEvent(new Event("input"));
      }
    });
    update();
  });
})();
