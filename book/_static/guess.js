// Would you have believed it? The reader says how sure she is of each statement before its verdict is shown.
(() => {
  const book = (globalThis.imbalanceBook ??= {});
  const STORE = "imbalance-book-guesses";

  // Mean squared distance of the stated probabilities from what came out (1 reproduced, 0 not).
  const brier = (guesses) => guesses.reduce((sum, [said, out]) => sum + (said - out) ** 2, 0) / guesses.length;

  // Guesses in bins of equal width: how many, what was said on average, what share came out.
  function reliability(guesses, bins = 5) {
    const found = Array.from({ length: bins }, () => ({ count: 0, said: 0, out: 0 }));
    for (const [said, out] of guesses) {
      const bin = found[Math.min(Math.floor(said * bins), bins - 1)];
      bin.count += 1;
      bin.said += said;
      bin.out += out;
    }
    return found.map(({ count, said, out }) => ({ count, said: count ? said / count : NaN, out: count ? out / count : NaN }));
  }

  book.guess = { brier, reliability };

  function stored() {
    try {
      const kept = JSON.parse(localStorage.getItem(STORE) ?? "{}");
      return kept && typeof kept === "object" && !Array.isArray(kept) ? kept : {};
    } catch {
      return {};
    }
  }

  function keep(guesses) {
    try {
      localStorage.setItem(STORE, JSON.stringify(guesses));
    } catch {
      // nothing is kept where the browser forbids it; the page works all the same
    }
  }

  function mount(root) {
    const items = [...root.querySelectorAll(".guess-item")];
    const result = root.querySelector(".guess-result");
    const known = new Set(items.map((item) => item.dataset.claim));
    let guesses = Object.fromEntries(Object.entries(stored()).filter(
      ([claim, said]) => known.has(claim) && typeof said === "number" && said >= 0 && said <= 1));

    function score() {
      const pairs = items.filter((item) => item.dataset.claim in guesses)
        .map((item) => [guesses[item.dataset.claim], Number(item.dataset.out)]);
      if (!pairs.length) {
        result.textContent = `Nothing guessed yet of ${items.length} statements.`;
        return;
      }
      const share = pairs.reduce((sum, [, out]) => sum + out, 0) / pairs.length;
      const constant = brier(pairs.map(([, out]) => [share, out]));
      const lines = reliability(pairs).map(({ count, said, out }) => count
        ? `You said ${(100 * said).toFixed(0)} % on average of ${count}; ${(100 * out).toFixed(0)} % of them were reproduced.` : "");
      result.replaceChildren(
        Object.assign(document.createElement("p"), { textContent:
          `${pairs.length} of ${items.length} guessed. Your mean squared error is ${brier(pairs).toFixed(3)}; ` +
          `saying ${(100 * share).toFixed(0)} % every time would have had ${constant.toFixed(3)}, and 50 % every time 0.250. Smaller is better.` }),
        ...lines.filter(Boolean).map((line) => Object.assign(document.createElement("p"), { textContent: line })));
    }

    for (const item of items) {
      const details = item.querySelector("details");
      const form = document.createElement("form");
      const slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 100, step: 5, value: 50 });
      slider.setAttribute("aria-label", "How sure are you that it was reproduced, in per cent?");
      const shown = Object.assign(document.createElement("output"), { textContent: "50 %" });
      const button = Object.assign(document.createElement("button"), { type: "submit", textContent: "show the verdict" });
      slider.addEventListener("input", () => { shown.textContent = `${slider.value} %`; });
      const reveal = (said) => {
        form.remove();
        details.hidden = false;
        details.open = true;
        item.querySelector(".guess-said").textContent = `You said ${Math.round(100 * said)} %.`;
      };
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        guesses[item.dataset.claim] = Number(slider.value) / 100;
        keep(guesses);
        reveal(guesses[item.dataset.claim]);
        details.querySelector("summary").focus();
        score();
      });
      form.append(slider, shown, button);
      details.hidden = true;
      details.before(form);
      if (item.dataset.claim in guesses) reveal(guesses[item.dataset.claim]);
    }
    const again = root.querySelector(".guess-again");
    again.hidden = false;
    again.addEventListener("click", () => {
      guesses = {};
      keep(guesses);
      location.reload();
    });
    score();
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".guess").forEach(mount));
})();
