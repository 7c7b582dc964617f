// What pages do beyond HTML: boxes that scroll sideways take keyboard focus, explanations of words open and close.
(function () {
  "use strict";

  const BOXES =
    ".pst-scrollable-table-container, mjx-container[display='true'], .cell_output .output, .text_html, .repro-figure";

  function mark() {
    for (const box of document.querySelectorAll(BOXES)) {
      if (box.scrollWidth > box.clientWidth) {
        box.tabIndex = 0;
      } else {
        box.removeAttribute("tabindex");
      }
    }
  }

  // Explanations of words: Escape closes them; on a screen that is touched the first touch opens, the second follows.
  const words = [...document.querySelectorAll(".glossary-link")];

  function close() {
    for (const word of words) word.classList.remove("is-open");
  }

  for (const word of words) {
    let opened = false;
    word.addEventListener("pointerdown", (event) => {
      opened = event.pointerType === "touch" && !word.classList.contains("is-open");
    });
    word.addEventListener("click", (event) => {
      if (!opened) return;
      opened = false;
      event.preventDefault();
      close();
      word.classList.add("is-open");
    });
    for (const left of ["pointerleave", "blur"]) word.addEventListener(left, () => word.classList.remove("is-closed"));
  }
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".glossary-link, .glossary-note")) close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    close();
    for (const word of words) word.classList.toggle("is-closed", word.matches(":hover, :focus"));
  });

  // What is folded is open on paper, and folded again afterwards; code that only shows something stays folded.
  const folded = new Set();
  window.addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details:not([open], .hide)")) {
      folded.add(part);
      part.open = true;
    }
  });
  window.addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
    folded.clear();
  });

  window.addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    await document.fonts.ready;
    window.addEventListener("resize", mark);
    // the theme does the same for code, but looked before the fonts were there
    window.dispatchEvent(new Event("resize"));
  });
})();
