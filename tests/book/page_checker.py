"""What is wrong with an open page: noise, requests to others, width, figures, formulas, accessibility."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from book_site import Visit

SCREENS = [(1366, "light"), (2560, "dark"), (390, "dark"), (320, "light")]
WHOLE_WITH_AXE, AROUND_WITH_AXE = (390, "dark"), (1366, "light")
MARK = "data-contrast-sample"
THEME = "() => document.documentElement.dataset.theme"
AXE = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "resultTypes": ["violations"],
    "preload": False,  # it would fetch style sheets by addresses that do not exist
}
AROUND = {**AXE, "rules": {"page-has-heading-one": {"enabled": False}}}
"""For what stands around the article, where another screen shows other things; the heading stands in the article."""

WITHOUT_ARTICLE = """() => {
  const gone = [...document.querySelectorAll("article")].map((article) => [article, document.createElement("article")]);
  for (const [article, empty] of gone) article.replaceWith(empty);
  window.restoreCondensed = () => gone.forEach(([article, empty]) => empty.replaceWith(article));
}"""

SAMPLED = f"""axe.configure({{ rules: [{{ id: "color-contrast", selector: "[{MARK}]" }}] }})"""

OVERFLOW = """() => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide <= 0) return [];
  const edge = document.documentElement.clientWidth + 1;
  const beyond = (element) => element.getBoundingClientRect().right > edge;
  const far = [...document.querySelectorAll("body *")].filter(beyond);
  return [`${wide} pixels too wide`, ...far.slice(0, 5).map((element) => element.outerHTML.slice(0, 120))];
}"""

HIDDEN_FIGURES = """() => [...document.querySelectorAll("article img")]
  .filter((image) => !(image.complete && image.naturalWidth > 0 && image.getBoundingClientRect().width > 20))
  .map((image) => image.src)"""

RAW_FORMULAS = r"""() => [...document.querySelectorAll("article .math")]
  .filter((formula) => !formula.querySelector("mjx-container svg"))
  .map((formula) => formula.textContent.slice(0, 80))"""

SHARED_NAMES = """() => {
  const of = (attribute) => [...document.querySelectorAll(`[${attribute}]`)]
    .flatMap((element) => element.getAttribute(attribute).split(/\\s+/));
  const meant = ["aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "for"].flatMap(of);
  const ids = of("id");
  return [...new Set(meant)].filter((id) => ids.indexOf(id) !== ids.lastIndexOf(id));
}"""

CONDENSE = (Path(__file__).parent / "condense.js").read_text(encoding="utf-8")
LOOKS = {
    "overflow": OVERFLOW,
    "figure": HIDDEN_FIGURES,
    "formula": RAW_FORMULAS,
    "two elements": SHARED_NAMES,
    "contrast": (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8"),
}


def unfold(page: Any) -> None:
    """Open everything that is folded."""
    page.evaluate("() => document.querySelectorAll('details').forEach((element) => { element.open = true })")
    page.evaluate("() => window.MathJax?.startup?.promise")


def violations(page: Any, options: dict[str, Any] = AXE) -> list[str]:
    """What axe refuses; the page has it loaded."""
    results = AxeResults(page.evaluate(f"axe.run({json.dumps(options)})"))
    return [results.generate_report()] if results.violations_count else []


def problems_of(seen: Visit) -> list[str]:
    """Look at an open page on every screen.

    What is quick is done on every screen, contrast of every text with what is behind it included. Axe takes long. It
    sees the whole page on a phone in the dark, of what is repeated one, and judges the contrast of one text of each
    kind. On a desktop it sees what stands around the article: what is in it has the same elements, names and roles
    there, and more room.

    Parameters
    ----------
    seen : Visit
        Its page is left with all folded parts open, on the last screen.

    Returns
    -------
    list of str
        One entry for each thing that should not be, with the screen on which it is so.
    """
    page = seen.page
    unfold(page)
    page.evaluate(AXE_SCRIPT)
    page.evaluate(SAMPLED)
    found = []
    for width, theme in SCREENS:
        seen.show(width, theme)
        here = [] if page.evaluate(THEME) == theme else [f"theme: {page.evaluate(THEME)}"]
        for name, code in LOOKS.items():
            here += [f"{name}: {line}" for line in page.evaluate(code, MARK)]
        if (width, theme) in (WHOLE_WITH_AXE, AROUND_WITH_AXE):
            whole = (width, theme) == WHOLE_WITH_AXE
            page.evaluate(*((CONDENSE, MARK) if whole else (WITHOUT_ARTICLE,)))
            here += violations(page, AXE if whole else AROUND)
            page.evaluate("() => window.restoreCondensed()")
        found += [f"{width} {theme}: {line}" for line in here]
    return [*found, *seen.noise()]
