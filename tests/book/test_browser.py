"""The built pages in a real browser, on desktop and phone, light and dark, with the network off."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from book_inputs import toc_files
from book_site import ROOT, Visit, parsed
from page_checker import LOOKS, MARK, problems_of

pytestmark = [pytest.mark.book, pytest.mark.browser]

CHAPTERS = [f"{name}.html" for name in toc_files() if (ROOT / f"{name}.ipynb").is_file()]
PAGES = [*(f"{name}.html" for name in toc_files()), "search.html", "a page of the reference"]
ONE, OTHER = (pytest.mark.xdist_group(f"browser-{number}") for number in (1, 2))
CLAIMS = (ONE, OTHER)[PAGES.index("book/claims.html") % 2]
SHOWN = "table.dashboard > tbody:not([hidden])"


def each(names: list[str]) -> list[Any]:
    """Parameters that keep all tests of a page in one process, and every other page in another one."""
    return [pytest.param(name, marks=(ONE, OTHER)[PAGES.index(name) % 2]) for name in names]


WIDE_TABLES = """() => [...document.querySelectorAll("article table.dataframe:not(:has(th[rowspan]))")].map((table) => {
  const box = table.closest(".text_html");
  box.scrollLeft = box.scrollWidth;
  const edges = [...table.querySelectorAll("tbody tr > th:first-child")].map((name) => name.getBoundingClientRect());
  const left = box.getBoundingClientRect().left;
  return { scrolled: box.scrollLeft, hidden: edges.filter((edge) => edge.left < left - 2).length,
           widest: Math.max(...edges.map((edge) => edge.width)), room: box.clientWidth };
})"""


CUT = """(room) => {
  const scrolls = (box) => box.scrollWidth > box.clientWidth + 2 && getComputedStyle(box).overflowX !== "visible";
  const cut = (element) => {
    for (let box = element; box && box !== document.body; box = box.parentElement) {
      if (box.clientWidth > 0 && scrolls(box)) return true;
    }
    return element.getBoundingClientRect().right > room + 2;
  };
  const parts = [...document.querySelectorAll("article pre, article table")];
  const shown = parts.filter((part) => part.getClientRects().length);
  return [shown.length, ...shown.filter(cut).map((part) => part.outerHTML.slice(0, 120))];
}"""
"""How many blocks of code and tables there are, and those of which a part is out of reach."""

PAPER = 718
"""Pixels between the margins of A4, as browsers set them."""

PHONE = 360


SOLUTIONS = "article details:not(.toggle-details):not(.hide)"
FIRST_OF_A_KIND = """(all) => {
  const known = new Set();
  return all.map((part, place) => {
    const made = part.closest("figure, .repro-card, table");
    const kind = made && `${made.className} ${part.querySelector("summary").textContent.replace(/\\d+/g, "")}`;
    const fresh = !kind || !known.has(kind);
    known.add(kind);
    return fresh ? place : -1;
  }).filter((place) => place >= 0);
}"""
"""Places of the folded parts that were written by hand, and of one of each kind in figures, cards and tables."""


@dataclass
class Observed:
    """What one visit to a page found."""

    opened: list[Any] = field(default_factory=list)
    overflow: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    formulas: int = 0
    text: str = ""
    solutions: list[tuple[bool, bool]] = field(default_factory=list)
    printed: dict[str, bool] = field(default_factory=dict)
    cut_on_paper: list[Any] = field(default_factory=list)
    wide_tables: list[dict[str, float]] = field(default_factory=list)


def opened_by_keyboard(page: Any) -> list[tuple[bool, bool]]:
    """Whether each solution is open before and after Enter was pressed on it."""
    known = page.query_selector_all(SOLUTIONS)
    parts = [known[place] for place in page.locator(SOLUTIONS).evaluate_all(FIRST_OF_A_KIND)]
    is_open = "(parts) => parts.map((part) => part.open)"
    before = page.evaluate(is_open, parts)
    for part in parts:
        part.evaluate("(part) => part.querySelector('summary').focus({ preventScroll: true })")
        page.keyboard.press("Enter")
    return list(zip(before, page.evaluate(is_open, parts), strict=True))


def printed(page: Any) -> dict[str, bool]:
    """What is visible on paper."""
    page.emulate_media(media="print")
    parts = {"title": "h1", "text": "article", "navigation": ".bd-sidebar-primary", "tools": ".dashboard-tools"}
    shown = {name: page.locator(f"{place}:visible").count() > 0 for name, place in parts.items()}
    page.emulate_media(media="screen")
    return shown


@pytest.fixture(scope="session")
def observe(visit: Callable[..., Visit], reference_page: str) -> Callable[[str], Observed]:
    """Visit a page once, look at it in every way and remember what was found."""
    known: dict[str, Observed] = {}

    def look(name: str) -> Observed:
        if name not in known:
            screen = (390, "dark") if name == CHAPTERS[0] else (1366, "light")
            seen = visit(reference_page if name == PAGES[-1] else name, *screen)
            page, found = seen.page, Observed()
            found.opened = page.evaluate("() => [innerWidth, document.documentElement.dataset.theme]")
            found.overflow = page.evaluate(LOOKS["overflow"])
            found.formulas = page.locator("article mjx-container svg").count()
            found.text = page.evaluate("() => document.querySelector('article')?.innerText ?? ''")
            found.solutions = opened_by_keyboard(page) if name in CHAPTERS else []
            found.printed = printed(page)
            found.problems = problems_of(seen)
            seen.show(PAPER, "light")
            page.emulate_media(media="print")
            found.cut_on_paper = page.evaluate(CUT, PAPER)
            page.emulate_media(media="screen")
            seen.show(390, "light")
            found.wide_tables = page.evaluate(WIDE_TABLES)
            page.close()
            known[name] = found
        return known[name]

    return look


@pytest.fixture(scope="session")
def reference_page(site: Path) -> str:
    """A page of the generated reference."""
    return str(next(iter(sorted((site / "book/api/generated").glob("repro.trees.*.html")))).relative_to(site))


@pytest.mark.parametrize("name", each(PAGES))
def test_page_is_quiet_self_contained_whole_and_accessible(observe: Callable[[str], Observed], name: str) -> None:
    seen = observe(name)
    assert not seen.problems, "\n".join(seen.problems)


@pytest.mark.parametrize("name", each(CHAPTERS[:1]))
def test_a_page_that_is_opened_in_the_dark_on_a_phone_is_dark_and_narrow(
    observe: Callable[[str], Observed], name: str
) -> None:
    assert observe(name).opened == [390, "dark"]
    assert not observe(name).overflow


@OTHER
def test_pages_of_the_reference_with_the_longest_words_are_no_wider_than_a_phone(
    visit: Callable[..., Visit], site: Path
) -> None:
    words = {
        str(path.relative_to(site)): re.sub(r"<[^>]*>", " ", path.read_text("utf-8").split("<article")[1]).split()
        for path in sorted((site / "book/api/generated").glob("*.html"))
    }
    longest = {name: max(map(len, found)) for name, found in words.items()}
    for name in sorted(longest, key=lambda name: (-longest[name], name))[:4]:
        page = visit(name, PHONE).page
        assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE, name
        page.close()


@ONE
def test_the_search_field_opens_by_keyboard_and_can_be_read(visit: Callable[..., Visit]) -> None:
    seen = visit("book/index.html")
    assert not seen.page.locator("#pst-search-dialog input").is_visible()
    seen.page.keyboard.press("Control+k")
    seen.page.locator("#pst-search-dialog input").wait_for()
    for theme in ("light", "dark"):
        seen.show(1366, theme)
        assert seen.page.evaluate(LOOKS["contrast"], MARK) == []
    seen.page.close()


@pytest.mark.parametrize("name", each(CHAPTERS))
def test_chapters_show_rendered_formulas(observe: Callable[[str], Observed], name: str) -> None:
    assert observe(name).formulas > 0
    assert "\\(" not in observe(name).text


@pytest.mark.parametrize("name", each(CHAPTERS))
def test_on_a_phone_names_of_wide_tables_stay_in_sight(observe: Callable[[str], Observed], name: str) -> None:
    for table in observe(name).wide_tables:
        assert not table["hidden"], table
        assert table["widest"] < 0.5 * table["room"], table


@pytest.mark.parametrize("name", each(["notebooks/sade.html"]))
def test_there_are_tables_that_have_to_be_scrolled_on_a_phone(observe: Callable[[str], Observed], name: str) -> None:
    assert any(table["scrolled"] > 0 for table in observe(name).wide_tables)


def shown_claims(page: Any) -> list[str]:
    """Ids of the claims that the dashboard shows, in the order shown."""
    shown: list[str] = page.eval_on_selector_all(SHOWN, "groups => groups.map((group) => group.id)")
    return shown


@pytest.fixture(scope="session")
def open_dashboard(site: Path, visit: Callable[..., Visit]) -> tuple[Any, dict[str, float]]:
    """The dashboard, opened once, by the permalink of its last claim, and where the row of that was then."""
    last = parsed(site / "book/claims.html").select("table.dashboard > tbody")[-1]["id"]
    page = visit(f"book/claims.html#{last}").page
    return page, page.locator(f"#{last}").bounding_box()


@CLAIMS
def test_every_badge_of_the_tally_leads_to_as_many_claims_as_it_counts(visit: Callable[..., Visit]) -> None:
    page = visit("book/claims.html").page
    links = page.eval_on_selector_all(".tally a", "links => links.map((link) => [link.href, parseInt(link.innerText)])")
    assert links
    for address, count in links:
        page.goto(address)
        assert len(shown_claims(page)) == count, address
    page.close()


@CLAIMS
def test_the_way_from_a_row_to_its_card_ends_at_the_card(visit: Callable[..., Visit]) -> None:
    page = visit("book/claims.html").page
    page.locator("#smote-c2").get_by_role("link", name="Card of smote-c2").click()
    page.wait_for_url("**/smote.html#card-smote-c2")
    assert 0 <= page.locator("#card-smote-c2").bounding_box()["y"] < 900
    page.close()


@CLAIMS
def test_the_dashboard_finds_claims_by_text_and_says_how_many(visit: Callable[..., Visit]) -> None:
    page = visit("book/claims.html").page
    everything = shown_claims(page)
    page.get_by_label("Text").fill(everything[-1])
    assert shown_claims(page) == [everything[-1]]
    assert f"1 of {len(everything)} claims shown" in page.locator(".dashboard-status").inner_text()
    page.close()


@CLAIMS
def test_permalink_of_a_claim_shows_its_row(open_dashboard: tuple[Any, dict[str, float]]) -> None:
    _, box = open_dashboard
    assert box["y"] < 900
    assert box["y"] + box["height"] > 0


@CLAIMS
def test_without_scripts_the_dashboard_is_a_plain_table(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/book/claims.html")
    rows = page.locator("table.dashboard > tbody")
    assert all(row.is_visible() for row in rows.all())
    assert not page.locator(".dashboard-tools").is_visible()
    assert page.locator("table.dashboard button").count() == 0
    context.close()


@pytest.mark.parametrize("name", each(CHAPTERS))
def test_solutions_open_by_keyboard(observe: Callable[[str], Observed], name: str) -> None:
    assert observe(name).solutions
    assert set(observe(name).solutions) == {(False, True)}


@pytest.mark.parametrize("name", each([*CHAPTERS, "book/claims.html"]))
def test_printed_page_keeps_its_text_and_drops_the_navigation(observe: Callable[[str], Observed], name: str) -> None:
    assert observe(name).printed == {"title": True, "text": True, "navigation": False, "tools": False}


@pytest.mark.parametrize("name", each([*CHAPTERS, "book/claims.html"]))
def test_nothing_on_paper_is_out_of_reach(observe: Callable[[str], Observed], name: str) -> None:
    number, *cut = observe(name).cut_on_paper
    assert number > 0
    assert not cut
