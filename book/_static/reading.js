// Boxes that scroll sideways take keyboard focus, so that they can be read without a mouse.
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

  window.addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    await document.fonts.ready;
    window.addEventListener("resize", mark);
    // the theme does the same for code, but looked before the fonts were there
    window.dispatchEvent(new Event("resize"));
  });
})();
