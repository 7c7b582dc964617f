// Three experts, one slider: the test distribution and weights of one's own by hand.
(() => {
  const book = globalThis.imbalanceBook;
  const HEIGHT = Math.sqrt(3) / 2;

  // Mean of independent values with Student's interval; the quantile is that of their number.
  function interval(values, quantile) {
    const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
    const squares = values.reduce((sum, one) => sum + (one - mean) ** 2, 0);
    const half = quantile * Math.sqrt(squares / (values.length - 1) / values.length);
    return [mean, mean - half, mean + half];
  }

  // Place of weights in the triangle, and the weights of a place; outside of it those of the nearest side.
  const corner = ([, second, third]) => [third + second / 2, -second * HEIGHT];
  function weightsAt([x, y]) {
    const second = -y / HEIGHT, third = x - second / 2;
    const positive = [1 - second - third, second, third].map((one) => Math.max(one, 0));
    const sum = positive.reduce((all, one) => all + one, 0);
    return positive.map((one) => one / sum);
  }

  // Number of the point of a grid of weights that is nearest.
  function nearest(grid, weights) {
    const far = grid.map((one) => one.reduce((sum, part, expert) => sum + (part - weights[expert]) ** 2, 0));
    return far.indexOf(Math.min(...far));
  }

  book.experts = { corner, interval, nearest, weightsAt };

  const valid = ({ sets, accuracy, grid, learned }) => accuracy.length === 7 && learned.length === 3 &&
    grid.accuracy.every((one) => one.length === grid.weights.length) &&
    [...accuracy, ...learned].every((rows) => rows.length === sets.length && rows.flat().every(Number.isFinite));

  book.parts.mount("experts", valid, ({ body, controls, data, say }) => {
    const choice = { set: 0, point: nearest(data.grid.weights, data.start) };
    const [left, wide] = data.frame;
    const all = (name) => [...body.querySelectorAll(`.experts-${name}`)], find = (name) => all(name)[0];
    const cells = [...body.querySelectorAll("tbody td")], triangle = find("triangle"), dots = all("dot"), rings = all("ring");
    const put = (element, [x, y], names = ["cx", "cy"]) => {
      element.setAttribute(names[0], x);
      element.setAttribute(names[1], y);
    };
    const signed = (value) => `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(1)}`;
    const pair = (weights) => weights.map((one) => one.toFixed(2)).join(", ");
    const own = document.createElement("tr");
    own.append(Object.assign(document.createElement("th"), { scope: "row", textContent: "your weights, in the training of the shades" }),
      document.createElement("td"));
    body.querySelector("tbody").append(own);

    function update() {
      const { set, point } = choice, shades = data.grid.accuracy[set], high = Math.max(...shades);
      dots.forEach((dot, place) => dot.setAttribute("fill-opacity", 0.8 * 2 ** ((shades[place] - high) / data.halved)));
      const ends = rings.map((_, training) => data.learned.map((expert) => expert[set][training]));
      rings.forEach((ring, training) => put(ring, corner(ends[training])));
      const mean = data.learned.map((expert) => interval(expert[set], 0)[0]);
      put(find("mean"), corner(mean));
      put(find("best"), corner(data.grid.weights[shades.indexOf(high)]), ["x", "y"]);
      find("own").setAttribute("transform", `translate(${corner(data.grid.weights[point]).join(" ")})`);
      const x = left + (wide * set) / (data.sets.length - 1);
      put(find("now"), [x, x], ["x1", "x2"]);
      data.accuracy.forEach((rows, method) => {
        const [middle, least, most] = interval(rows[set], data.quantile);
        cells[method].textContent = `${middle.toFixed(1)} (${least.toFixed(1)} to ${most.toFixed(1)})`;
      });
      const [learned, number] = ["learned", "three_balanced_power"].map((name) => data.accuracy[data.methods.indexOf(name)][set]);
      const gap = interval(learned.map((one, training) => one - number[training]), data.quantile).map(signed);
      const name = data.sets[set];
      find("told").textContent = `${name[0].toUpperCase()}${name.slice(1)}. Learned weights ${pair(mean)} on average. ` +
        `Learned weights minus one number: ${gap[0]} points (${gap[1]} to ${gap[2]}).`;
      own.lastChild.textContent = `${shades[point].toFixed(1)} with ${pair(data.grid.weights[point])}; ` +
        `learned weights ${learned[data.grid.training].toFixed(1)}`;
      return `${find("told").textContent} With your weights ${own.lastChild.textContent}.`;
    }

    const add = (name, values, start, words, change) => {
      const slider = book.parts.slider(name, values, start, words, (value) => { change(value); say(update()); });
      controls.append(slider);
      return slider.querySelector("input");
    };
    const places = Array.from({ length: 21 }, (_, step) => step / 20);
    add("Test images", data.sets.map((_, place) => place), 0, (place) => data.sets[place], (place) => { choice.set = place; });

    // The weight that is moved stays; the other gives way, and the second expert has the rest.
    const kept = { 0: data.start[0], 2: data.start[2] };
    const inputs = {};
    for (const [expert, other, name] of [[0, 2, "Your weight of the first expert"], [2, 0, "Your weight of the third"]]) {
      inputs[expert] = add(name, places, data.start[expert], (value) => value.toFixed(2), (value) => {
        kept[expert] = value;
        if (kept[0] + kept[2] > 1 + 1e-9) {
          inputs[other].value = Math.round(20 * (1 - value));
          inputs[other].dispatchEvent(new Event("input"));
        }
        choice.point = nearest(data.grid.weights, [kept[0], 1 - kept[0] - kept[2], kept[2]]);
      });
    }
    triangle.addEventListener("click", (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(triangle.getScreenCTM().inverse());
      const [first, , third] = data.grid.weights[nearest(data.grid.weights, weightsAt([at.x, at.y]))];
      kept[2] = third;
      for (const [expert, value] of [[0, first], [2, third]]) {
        inputs[expert].value = Math.round(20 * value);
        inputs[expert].dispatchEvent(new Event("input"));
      }
    });
    update();
  });
})();
