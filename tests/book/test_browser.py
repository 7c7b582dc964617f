"""The built pages in a real browser, on desktop and phone, light and dark, with the network off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from book_inputs import toc_files
from book_site import ROOT, Visit, rare_words

pytestmark = [pytest.mark.book, pytest.mark.browser, pytest.mark.xdist_group("book")]

PAGES = [*(f"{name}.html" for name in toc_files()), "search.html"]
NOTEBOOKS = [f"{name}.html" for name in toc_files() if (ROOT / f"{name}.ipynb").is_file()]
SCREENS = [(1366, "light"), (1366, "dark"), (390, "light"), (390, "dark")]
AXE = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "resultTypes": ["violations"],
    "preload": False,  # it would fetch style sheets by addresses that do not exist
}

SHOWN = "table.dashboard > tbody:not([hidden])"

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


@dataclass(frozen=True)
class Observed:
    """What one look at a page found."""

    theme: str
    console: list[str]
    elsewhere: list[str]
    failed: list[str]
    overflow: list[str]
    hidden_figures: list[str]
    raw_formulas: list[str]
    violations: str

    def problems(self) -> list[str]:
        """One line for each thing that should not be."""
        kinds = ("console", "elsewhere", "failed", "overflow", "hidden_figures", "raw_formulas")
        found = [f"{kind}: {entry}" for kind in kinds for entry in getattr(self, kind)]
        return [*found, self.violations] if self.violations else found


@pytest.fixture(scope="session")
def observe(visit: Callable[..., Visit]) -> Callable[[str, int, str], Observed]:
    """Look at a page once and remember what was found."""
    known: dict[tuple[str, int, str], Observed] = {}

    def look(name: str, width: int, theme: str) -> Observed:
        if (name, width, theme) not in known:
            seen = visit(name, width, theme)
            page = seen.page
            page.evaluate("() => document.querySelectorAll('details').forEach((element) => { element.open = true })")
            page.evaluate("() => window.MathJax?.startup?.promise")
            results = Axe().run(page, options=AXE)
            known[name, width, theme] = Observed(
                theme=page.evaluate("() => document.documentElement.dataset.theme"),
                console=seen.console,
                elsewhere=seen.elsewhere,
                failed=seen.failed,
                overflow=page.evaluate(OVERFLOW),
                hidden_figures=page.evaluate(HIDDEN_FIGURES),
                raw_formulas=page.evaluate(RAW_FORMULAS),
                violations=results.generate_report() if results.violations_count else "",
            )
            page.close()
        return known[name, width, theme]

    return look


@pytest.fixture(scope="session")
def reference_page(site: Path) -> str:
    """A page of the generated reference."""
    return str(next(iter(sorted((site / "book/api/generated").glob("repro.trees.*.html")))).relative_to(site))


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("width", "theme"), SCREENS)
def test_page_is_quiet_self_contained_whole_and_accessible(observe: Any, name: str, width: int, theme: str) -> None:
    seen = observe(name, width, theme)
    assert seen.theme == theme
    assert not seen.problems(), "\n".join(seen.problems())


@pytest.mark.parametrize(("width", "theme"), SCREENS)
def test_reference_page_is_quiet_whole_and_accessible(
    observe: Any, reference_page: str, width: int, theme: str
) -> None:
    seen = observe(reference_page, width, theme)
    assert not seen.problems(), "\n".join(seen.problems())


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_chapters_show_rendered_formulas(visit: Callable[..., Visit], name: str) -> None:
    page = visit(name).page
    assert page.locator("article mjx-container svg").count() > 0
    assert "\\(" not in page.locator("article").inner_text()
    page.close()


WIDE_TABLES = """() => [...document.querySelectorAll("article table.dataframe:not(:has(th[rowspan]))")].map((table) => {
  const box = table.closest(".text_html");
  box.scrollLeft = box.scrollWidth;
  const edges = [...table.querySelectorAll("tbody tr > th:first-child")].map((name) => name.getBoundingClientRect());
  const left = box.getBoundingClientRect().left;
  return { scrolled: box.scrollLeft, hidden: edges.filter((edge) => edge.left < left - 2).length,
           widest: Math.max(...edges.map((edge) => edge.width)), room: box.clientWidth };
})"""


def test_on_a_phone_names_of_wide_tables_stay_in_sight(visit: Callable[..., Visit]) -> None:
    page = visit("notebooks/sade.html", 390).page
    tables = page.evaluate(WIDE_TABLES)
    assert any(table["scrolled"] > 0 for table in tables)
    for table in tables:
        assert not table["hidden"], table
        assert table["widest"] < 0.5 * table["room"], table
    page.close()


def shown_claims(page: Any) -> list[str]:
    """Ids of the claims that the dashboard shows, in the order shown."""
    shown: list[str] = page.eval_on_selector_all(SHOWN, "groups => groups.map((group) => group.id)")
    return shown


def ranks(page: Any) -> list[int]:
    """Places of the shown verdicts in the order of verdicts."""
    shown: list[int] = page.eval_on_selector_all(SHOWN, "groups => groups.map((group) => +group.dataset.verdict)")
    return shown


def test_dashboard_is_sorted_by_keyboard_and_says_so(visit: Callable[..., Visit]) -> None:
    page = visit("book/claims.html").page
    original = shown_claims(page)
    page.get_by_role("button", name="Verdict").focus()
    page.keyboard.press("Enter")
    header = page.get_by_role("columnheader", name="Verdict")
    assert header.get_attribute("aria-sort") == "ascending"
    assert ranks(page) == sorted(ranks(page))
    page.keyboard.press("Space")
    assert header.get_attribute("aria-sort") == "descending"
    assert ranks(page) == sorted(ranks(page), reverse=True)
    assert "ordered by verdict, descending" in page.get_by_role("status").first.inner_text()
    assert set(shown_claims(page)) == set(original)
    page.close()


def test_dashboard_is_filtered_by_text_and_verdict_and_says_so(visit: Callable[..., Visit]) -> None:
    page = visit("book/claims.html").page
    everything = shown_claims(page)
    page.get_by_label("Text").fill(everything[-1])
    assert shown_claims(page) == [everything[-1]]
    assert f"1 of {len(everything)} claims shown" in page.locator(".dashboard-status").inner_text()
    page.get_by_label("Text").fill("no claim says this")
    assert shown_claims(page) == []
    page.get_by_label("Text").fill("")
    verdict = page.eval_on_selector("table.dashboard > tbody", "group => group.dataset.verdicts.split('|')[0]")
    page.get_by_label("Verdict", exact=True).select_option(verdict)
    left = page.eval_on_selector_all(SHOWN, "groups => groups.map((group) => group.dataset.verdicts)")
    assert left
    assert all(verdict in verdicts.split("|") for verdicts in left)
    page.close()


def test_permalink_of_a_claim_shows_its_row(visit: Callable[..., Visit]) -> None:
    page = visit("book/claims.html").page
    last = shown_claims(page)[-1]
    page.close()
    page = visit(f"book/claims.html#{last}").page
    box = page.locator(f"#{last}").bounding_box()
    assert box["y"] < 900
    assert box["y"] + box["height"] > 0
    page.close()


def test_without_scripts_the_dashboard_is_a_plain_table(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/book/claims.html")
    assert page.locator("table.dashboard > tbody").first.is_visible()
    assert not page.locator(".dashboard-tools").is_visible()
    assert page.locator("table.dashboard button").count() == 0
    context.close()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_search_finds_a_word_of_a_chapter_and_the_result_lands(visit: Callable[..., Visit], name: str) -> None:
    word = rare_words(name.removesuffix(".html"))[0]
    page = visit(f"search.html?q={word}").page
    result = page.locator(f"#search-results a[href*='{Path(name).stem}']").first
    result.wait_for()
    result.click()
    page.wait_for_url(f"**/{name}*")
    assert word in page.locator("article").text_content().lower()
    page.close()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_solutions_open_by_keyboard(visit: Callable[..., Visit], name: str) -> None:
    page = visit(name).page
    solutions = page.locator("article details:not(.toggle-details):not(.hide)")
    assert solutions.count() > 0
    for number in range(solutions.count()):
        assert solutions.nth(number).get_attribute("open") is None
        solutions.nth(number).locator("summary").first.focus()
        page.keyboard.press("Enter")
        assert solutions.nth(number).get_attribute("open") is not None
    page.close()


@pytest.mark.parametrize("name", [*NOTEBOOKS, "book/claims.html"])
def test_printed_page_keeps_its_text_and_drops_the_navigation(visit: Callable[..., Visit], name: str) -> None:
    page = visit(name).page
    page.emulate_media(media="print")
    assert page.locator("h1:visible").count() > 0
    assert page.locator("article").is_visible()
    assert not page.locator(".bd-sidebar-primary").is_visible()
    assert page.locator(".dashboard-tools:visible").count() == 0
    page.close()
