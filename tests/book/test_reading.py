"""What pages offer beyond their text: head, foot, words, names, the page for lost addresses, and who can read them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import yaml
from book_inputs import toc_files
from book_site import ROOT, parsed
from bs4 import BeautifulSoup
from PIL import Image

import repro

pytestmark = [pytest.mark.book, pytest.mark.xdist_group("book")]

Pages = dict[str, BeautifulSoup]
ADDRESS = "https://{}.github.io/{}/".format(
    *urlsplit(yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]).path.split("/")[
        1:3
    ]
)
CHAPTER = "notebooks/smote.html"


def head(page: BeautifulSoup, key: str, name: str) -> list[str]:
    return [tag["content"] for tag in page.find_all("meta", attrs={key: name})]


def test_every_page_describes_itself_once_and_shows_a_picture_that_is_there(pages: Pages, site: Path) -> None:
    described: dict[str, str] = {}
    for name in toc_files():
        page = pages[f"{name}.html"]
        (text,), (title,), (address,), (picture,) = (
            head(page, *key)
            for key in (
                ("name", "description"),
                ("property", "og:title"),
                ("property", "og:url"),
                ("property", "og:image"),
            )
        )
        assert 40 <= len(text) <= 210, (name, text)
        assert head(page, "property", "og:description") == [text]
        assert head(page, "name", "twitter:card") == ["summary_large_image"]
        assert title == page.find("h1").find(string=True), name
        assert address == urljoin(ADDRESS, f"{name}.html")
        with Image.open(site / picture.removeprefix(ADDRESS)) as image:
            assert image.size == (1200, 630)
        described[name] = text
    assert len(set(described.values())) == len(described), "two pages say the same of themselves"


def test_every_page_says_once_how_wide_its_window_is(pages: Pages) -> None:
    for name, page in pages.items():
        assert len(head(page, "name", "viewport")) == (name != "index.html"), name


def test_no_page_loads_the_script_of_the_icons(pages: Pages) -> None:
    for name, page in pages.items():
        assert not [tag["src"] for tag in page.find_all("script", src=True) if "fontawesome" in tag["src"]], name


def test_every_page_names_version_day_changes_errata_and_contact(pages: Pages) -> None:
    about = pages["book/about.html"]
    for name in toc_files():
        foot = pages[f"{name}.html"].select_one(".bd-footer-content .imprint")
        assert re.search(rf"Version {re.escape(repro.__version__)}, built on \d+ \w+ 20\d\d", foot.get_text()), name
        for link in foot.find_all("a"):
            assert about.find(id=urlsplit(link["href"]).fragment or True) is not None, link
    version = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None
    assert version[1] == repro.__version__
    assert any(version[1] in heading.get_text() for heading in about.find_all("h3"))


def test_the_page_for_lost_addresses_works_at_any_depth(site: Path) -> None:
    page = parsed(site / "404.html")
    addresses = [tag["href"] for tag in page.find_all("a")] + [page.find("form")["action"]]
    assert len(addresses) > 5
    for address in addresses:
        assert (site / address.removeprefix(ADDRESS)).is_file(), address
    assert not page.find_all(["link", "script", "img"]), "what is loaded by a relative address is not found"


def test_a_word_is_explained_where_it_is_first_used(pages: Pages) -> None:
    glossary = pages["book/glossary.html"]
    for name in (name for name in toc_files() if name.startswith("notebooks/")):
        links = pages[f"{name}.html"].select("article a.glossary-link")
        assert len(links) >= 5, name
        targets = [urlsplit(link["href"]).fragment for link in links]
        assert len(targets) == len(set(targets)), name
        for link, target in zip(links, targets, strict=True):
            term = glossary.find("dt", id=target)
            note = link.find_next_sibling("span")
            assert note["id"] == link["aria-describedby"]
            assert " ".join(note.get_text().split())[:25] in " ".join(term.find_next_sibling("dd").get_text().split())
            assert not link.find_parents(["h1", "h2", "h3", "code", "pre", "table", "figure"]), link


def test_every_entry_of_the_glossary_is_a_sentence_or_two(pages: Pages) -> None:
    entries = pages["book/glossary.html"].select("dl.glossary > dd")
    assert len(entries) > 80
    for entry in entries:
        text = " ".join(entry.get_text().split())
        assert text.endswith("."), text
        assert len(text.split()) <= 75, text


def test_names_of_the_package_link_to_the_reference_and_it_names_the_chapters(pages: Pages) -> None:
    links = pages[CHAPTER].select("article a.name-link")
    assert any(link["href"].endswith("repro.sampling.SMOTE.html#repro.sampling.SMOTE") for link in links)
    used = pages["book/api/generated/repro.sampling.SMOTE.html"].select_one(".used-in")
    assert [link["href"] for link in used.find_all("a")] == [f"../../../{CHAPTER}"]


def test_copy_buttons_stand_on_what_is_typed_alone(site: Path) -> None:
    script = (site / "_static" / "copybutton.js").read_text(encoding="utf-8")
    selector = re.search(r"const COPYBUTTON_SELECTOR = '(.*)';|querySelectorAll\('(.*?)'\)", script)
    assert selector is not None
    chosen = parsed(site / CHAPTER).select(selector[1] or selector[2])
    assert chosen
    entries = [code for code in chosen if code.find_parent(class_="highlight-bibtex")]
    assert [code for code in entries if code.find_parent(class_="repro-card")], "entries of cards can be copied"
    assert not [code for code in chosen if code.find_parent(class_="output") and code not in entries]


@pytest.fixture
def plain(browser: Any, address: str) -> Any:
    """A page with scripts switched off."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 900})
    page = context.new_page()
    page.goto(f"{address}/{CHAPTER}")
    yield page
    context.close()


@pytest.mark.browser
@pytest.mark.xdist_group("browser-2")
def test_without_scripts_a_chapter_has_its_colours_and_explains_its_words(plain: Any) -> None:
    badge = plain.locator("a.glossary-link:visible").first
    note = plain.locator(f"[id='{badge.get_attribute('aria-describedby')}']")
    assert not note.is_visible()
    badge.hover()
    assert note.is_visible()
    box = note.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert plain.locator("html[data-theme='light']").count() == 1


@pytest.mark.browser
@pytest.mark.xdist_group("browser-2")
def test_an_explanation_opens_by_focus_and_by_touch_and_closes_by_escape(browser: Any, address: str) -> None:
    context = browser.new_context(has_touch=True, viewport={"width": 390, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{address}/{CHAPTER}")
    name = page.locator("a.glossary-link:visible").nth(1).get_attribute("aria-describedby")
    link, note = page.locator(f"a[aria-describedby='{name}']"), page.locator(f"[id='{name}']")
    link.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert note.is_visible()
    page.keyboard.press("Escape")
    assert not note.is_visible()
    page.evaluate("() => document.activeElement.blur()")
    link.tap()
    assert note.is_visible()
    assert page.url.endswith(CHAPTER)
    link.tap()
    page.wait_for_url("**/book/glossary.html#**")
    context.close()


@pytest.mark.browser
@pytest.mark.xdist_group("browser-2")
def test_forced_colours_keep_the_edges_of_verdicts_and_nothing_moves_for_those_who_asked(
    browser: Any, address: str
) -> None:
    context = browser.new_context(forced_colors="active", reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{address}/book/index.html")
    edges = page.eval_on_selector_all(".verdict", "all => all.map((one) => getComputedStyle(one).borderTopWidth)")
    assert edges
    assert "0px" not in edges
    moving = """() => [document.documentElement, ...document.body.querySelectorAll("*")].filter((one) => {
      const { transitionDuration, animationName, animationDuration, scrollBehavior } = getComputedStyle(one);
      const long = (text) => text.split(", ").some((part) => parseFloat(part) > 0.001);
      return long(transitionDuration) || scrollBehavior === "smooth"
        || (animationName !== "none" && long(animationDuration));
    }).map((one) => one.outerHTML.slice(0, 100))"""
    assert page.evaluate(moving) == []
    context.close()


@pytest.mark.browser
@pytest.mark.xdist_group("browser-2")
def test_icons_are_drawn_by_fonts(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/{CHAPTER}")
    page.evaluate("() => document.fonts.ready")
    drawn = """() => [...document.querySelectorAll("i.fa-solid, i.fa-brands, i.fa-regular, i.fas, i.fab, i.fa")]
      .filter((icon) => icon.getClientRects().length).map((icon) => {
        const { content, fontFamily, fontWeight } = getComputedStyle(icon, "::before");
        const there = document.fonts.check(`${fontWeight} 16px ${fontFamily}`, "\\uf000");
        return [icon.className, content !== "none", there];
      })"""
    icons = page.evaluate(drawn)
    assert len(icons) >= 5
    assert [icon for icon in icons if not all(icon[1:])] == []
    page.close()


@pytest.mark.browser
@pytest.mark.xdist_group("browser-2")
def test_on_paper_what_is_folded_is_open(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/{CHAPTER}")
    folded = "() => document.querySelectorAll('article details:not([open], .hide)').length"
    before = page.evaluate(folded)
    assert before > 0
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(folded) == 0
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(folded) == before
    page.close()
