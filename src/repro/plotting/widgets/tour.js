// Grand tour of collapse: size of a class, step of the training and view by hand; the closed form on top.
(() => {
  const book = globalThis.imbalanceBook;
  const dot = (first, second) => first.reduce((sum, one, place) => sum + one * second[place], 0);
  const length = (vector) => Math.sqrt(dot(vector, vector));

  // Exact optimum under one linear layer without bias: lengths of class means and of rows of the classifier.
  function optimum(sizes, lambdaW, lambdaH) {
    const total = sizes.reduce((sum, size) => sum + size, 0), threshold = total ** 2 * lambdaW * lambdaH;
    const weights = sizes.map((size) => threshold / size), x = weights.map((b) => (b < 1 ? 1 / Math.sqrt(b) - 1 : 0));
    return {
      threshold,
      means: x.map((one) => Math.sqrt(one / (total * lambdaH)) / (1 + one)),
      rows: x.map((one) => Math.sqrt(total * lambdaH * one)),
      loss: x.reduce((sum, one, k) => sum + sizes[k] * (1 / (1 + one) + weights[k] * one), 0) / (2 * total),
    };
  }

  // Goes through the features of a state, of which each stands for several rows of its class: what the classifier says of
  // it, minus 1 for its own class.
  function visit({ sizes }, { classifier, features }, seen) {
    const each = features.length / sizes.length;
    features.forEach((feature, place) => {
      const own = Math.floor(place / each);
      seen(feature, classifier.map((row, k) => dot(row, feature) - (k === own)), sizes[own] / each);
    });
  }

  const count = ({ sizes }) => sizes.reduce((sum, size) => sum + size, 0);

  function loss(problem, state) {
    let sum = problem.lambdaW * state.classifier.reduce((all, row) => all + dot(row, row), 0);
    visit(problem, state, (feature, wrong, size) => {
      sum += size * (dot(wrong, wrong) / count(problem) + problem.lambdaH * dot(feature, feature));
    });
    return sum / 2;
  }

  // Step of gradient descent in which every row of the data has a feature of its own.
  function step(problem, state, rate) {
    const next = { classifier: state.classifier.map((row) => row.map((one) => one * (1 - rate * problem.lambdaW))), features: [] };
    const share = rate / count(problem);
    visit(problem, state, (feature, wrong, size) => {
      const moved = feature.map((one) => one * (1 - rate * problem.lambdaH));
      wrong.forEach((error, k) => {
        for (let column = 0; column < feature.length; column++) {
          next.classifier[k][column] -= share * size * error * feature[column];
          moved[column] -= share * error * state.classifier[k][column];
        }
      });
      next.features.push(moved);
    });
    return next;
  }

  // Axes along the rows of a matrix, one after the other; where a row adds nothing, any direction that is left.
  function axes(rows) {
    const found = [];
    const units = rows.map((_, place) => rows[0].map((__, column) => Number(place === column)));
    for (const row of rows) {
      for (const candidate of [row, ...units]) {
        const rest = found.reduce((vector, axis) => vector.map((one, column) => one - dot(vector, axis) * axis[column]), candidate);
        if (length(rest) > 1e-3 * (length(candidate) || 1) && length(rest) > 1e-6) {
          found.push(rest.map((one) => one / length(rest)));
          break;
        }
      }
    }
    return found;
  }

  // The plane of the first view, turned in four dimensions: two rows at right angles, of length 1.
  function view(plane, angle) {
    const turned = plane.map((row) => [...row]);
    for (const [first, second, speed] of [[0, 2, 1], [1, 3, 2], [0, 1, 1]]) {
      const cosine = Math.cos(speed * angle), sine = Math.sin(speed * angle);
      for (const row of turned) [row[first], row[second]] = [cosine * row[first] - sine * row[second], sine * row[first] + cosine * row[second]];
    }
    return turned;
  }

  const average = (vectors) => vectors[0].map((_, column) => vectors.reduce((sum, one) => sum + one[column], 0) / vectors.length);

  book.tour = { axes, loss, optimum, step, view };

  const valid = ({ classifier, features, view: plane, sizes, steps }) => sizes.length && steps.length && plane.length === 2 &&
    [...classifier, ...features, ...plane].every((row) => row.length === 4 && row.every(Number.isFinite)) &&
    classifier.length === 4 && features.length % 4 === 0;

  book.parts.mount("tour", valid, ({ body, controls, data, say }) => {
    const choice = { size: data.start, time: data.steps.length - 1, angle: 0 };
    const [left, top, wide, high, longest] = data.frame, [meanScale, rowScale] = data.scale;
    const all = (name) => [...body.querySelectorAll(`.tour-${name}`)];
    const space = body.querySelector(".tour-space"), rings = [...space.querySelectorAll(".tour-ring")];
    const marks = [...space.querySelectorAll(".tour-mean")], axisLines = all("axis"), rows = all("row"), group = all("points")[0];
    const [now] = all("now"), [trained] = all("trained"), [told] = all("told");
    const set = (element, attributes) => Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    const draw = (tag, name, colour) => {
      const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
      element.setAttribute("class", name);
      element.style.color = colour;
      group.append(element);
      return element;
    };
    const points = data.features.map((_, place) => {
      const colour = rings[Math.floor((4 * place) / data.features.length)].style.stroke;
      return [draw("line", "tour-thread", colour), draw("circle", "tour-point", colour)];
    });
    const cells = [...body.querySelectorAll("tbody tr")].map((row) => row.querySelectorAll("td"));

    let problem, moments, frame, best;
    function train() {
      problem = { sizes: [...data.others, choice.size], lambdaW: data.lambda, lambdaH: data.lambda };
      best = optimum(problem.sizes, data.lambda, data.lambda);
      let state = { classifier: data.classifier, features: data.features };
      moments = [];
      for (let done = 0; done <= data.steps.at(-1); done++) {
        if (data.steps.includes(done)) moments.push(state);
        state = step(problem, state, data.rate);
      }
      frame = axes(moments.at(-1).classifier);
    }

    function update() {
      const state = moments[choice.time], plane = view(data.view, (choice.angle * Math.PI) / 180);
      const seen = (vector, scale) => { // in the axes of the frame, then from the plane; up is negative
        const turned = frame.map((axis) => dot(axis, vector));
        return [scale * dot(plane[0], turned), -scale * dot(plane[1], turned)];
      };
      const each = data.features.length / 4;
      const means = best.means.map((_, k) => average(state.features.slice(k * each, (k + 1) * each)));
      let spread = 0;
      means.forEach((mean, k) => {
        const [x, y] = seen(mean, meanScale), ring = seen(frame[k], meanScale * best.means[k]), end = seen(frame[k], 100);
        const row = seen(state.classifier[k], rowScale);
        set(marks[k], { x, y });
        set(rings[k], { cx: ring[0], cy: ring[1] });
        set(axisLines[k], { x2: end[0], y2: end[1] });
        set(rows[k], { x2: row[0], y2: row[1] });
        for (let place = k * each; place < (k + 1) * each; place++) {
          const [across, up] = seen(state.features[place], meanScale);
          set(points[place][0], { x1: x, y1: y, x2: across, y2: up });
          set(points[place][1], { cx: across, cy: up, r: 2 });
          spread = Math.max(spread, length(state.features[place].map((one, column) => one - mean[column])));
        }
        cells[k][0].textContent = problem.sizes[k];
        [[best.means[k], length(mean)], [best.rows[k], length(state.classifier[k])]].forEach(([formula, training], column) => {
          const small = Object.assign(document.createElement("small"), { textContent: ` ${training.toFixed(3)} in training` });
          cells[k][column + 1].replaceChildren(formula.toFixed(3), small);
        });
      });
      const x = left + (wide * Math.log(choice.size / data.sizes[0])) / Math.log(data.sizes.at(-1) / data.sizes[0]);
      const height = (value) => top + high * (1 - Math.min(value / longest, 1));
      set(now, { cx: x, cy: height(best.means[3]) });
      set(trained, { x, y: height(length(means[3])) });
      const gap = Math.max(loss(problem, state) / best.loss - 1, 0); // below 0 by rounding alone
      told.textContent = `Threshold ${best.threshold.toFixed(1)} rows: the fourth class is ${best.means[3] > 0 ? "kept" : "given up"}. ` +
        `After ${data.steps[choice.time]} steps the loss is ${(100 * gap).toFixed(1)} % above the least possible, and no feature ` +
        `is farther than ${spread.toFixed(3)} from its mean.`;
      space.setAttribute("aria-label", `Means of four classes in four dimensions. ${told.textContent}`);
      return told.textContent;
    }

    const add = (name, values, start, words, change) => {
      const slider = book.parts.slider(name, values, start, words, (value) => { change(value); say(update()); });
      controls.append(slider);
      return slider.querySelector("input");
    };
    add("Rows of the fourth class", data.sizes, choice.size, String, (size) => { choice.size = size; train(); });
    const time = add("Training", data.steps.map((_, place) => place), choice.time,
      (place) => `${data.steps[place]} steps`, (place) => { choice.time = place; });
    const turn = add("View", Array.from({ length: 73 }, (_, place) => 5 * place), 0, (degrees) => `${degrees}°`,
      (degrees) => { choice.angle = degrees; });

    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: "play the training" });
      let timer;
      const stop = () => {
        clearInterval(timer);
        timer = undefined;
        button.textContent = "play the training";
      };
      button.addEventListener("click", () => {
        if (timer) return void stop();
        if (choice.time === data.steps.length - 1) choice.time = 0;
        button.textContent = "stop";
        timer = setInterval(() => {
          choice.angle = (choice.angle + 5) % 360;
          turn.value = choice.angle / 5;
          if (choice.angle % 20 === 0) choice.time += 1;
          time.value = choice.time;
          update();
          if (choice.time === data.steps.length - 1) {
            stop();
            [time, turn].forEach((input) => input.dispatchEvent(new Event("input")));
          }
        }, 100);
      });
      controls.append(button);
    }
    train();
    update();
  });
})();
