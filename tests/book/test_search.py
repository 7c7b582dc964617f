"""The search: what its index holds, and what questions find in a real browser, from a server and from a file."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import book_links
import pytest
from book_inputs import toc_files
from book_search import places, text_of
from book_site import ROOT, parsed, rare_words
from docutils import nodes
from sphinx import addnodes

from repro.claims import all_claims

CHAPTERS = [name for name in toc_files() if (ROOT / f"{name}.ipynb").is_file()]

QUESTIONS = {
    "balanced softmax": ["glossary.html#term-balanced-softmax", "sade.html#"],
    "calibration": ["glossary.html#term-calibration", r"mixup_collapse.html#.*calibrate"],
    "prior": ["glossary.html#term-prior"],
    "what should I do": ["what-to-(do|use)"],
    "smote": ["glossary.html#term-SMOTE", "smote.html$"],
    "AUROC or AUPRC": ["auroc_auprc.html$"],
    "neural collapse": ["glossary.html#term-neural-collapse", "neural_collapse.html$"],
    "mixup calibration": ["mixup_collapse.html#"],
    "how to cite": ["how-to-cite.html"],
    "convex hull": ["glossary.html#term-convex-hull", "smote.html#"],
    "temperature scaling": ["glossary.html#term-temperature-scaling", "mixup_collapse.html#"],
    "gpu": ["how-to-run.html#on-a-gpu"],
    "nadeau bengio interval": ["how-to-read.html#"],
    "PrestoClassifierCV": ["repro.ordinal.PrestoClassifierCV.html"],
    "row": ["glossary.html#term-row-of-a-classifier"],
    "Errata": ["about.html#errata"],
}
"""What the first result leads to, and what is among the first five, by what was asked."""


def page(*children: nodes.Node) -> nodes.document:
    document = nodes.document(None, None)
    section = nodes.section("", nodes.title("", "A page"), *children, ids=["a-page"])
    document += section
    return document


def test_text_holds_what_is_read_and_neither_code_nor_formulas() -> None:
    read = nodes.paragraph("", "", nodes.Text("A score "), nodes.math("", r"\pi_k = \frac{1}{2}"), nodes.Text(" of "))
    read += [nodes.math("", "K = 3"), nodes.Text(" classes in "), nodes.literal("", "fit")]
    hidden = [
        nodes.literal_block("", "import repro"),
        nodes.raw("", "<b>card</b>", format="html"),
        nodes.comment("", "x"),
    ]
    assert text_of(read, *hidden) == "A score … of K = 3 classes in fit"


def test_every_section_is_a_place_of_its_own_with_its_own_text() -> None:
    inner = nodes.section("", nodes.title("", "Inside"), nodes.paragraph("", "Inner words."), ids=["inside", "other"])
    found = list(places(page(nodes.paragraph("", "Outer words."), inner), "book/page", "book/page.html"))
    assert found == [
        ["page", "A page", "A page", "book/page.html", "Outer words."],
        ["section", "A page", "Inside", "book/page.html#inside", "Inner words."],
    ]


def test_the_line_that_opens_a_chapter_elsewhere_is_no_text() -> None:
    link = nodes.reference("", "Open in Colab", refuri="https://colab.research.google.com/github/x")
    assert text_of(nodes.paragraph("", "", link, nodes.Text(" · Reading time 8 minutes"))) == ""


def glossary(*items: tuple[str, str]) -> nodes.document:
    listed = nodes.definition_list()
    for name, text in items:
        cited = addnodes.pending_xref("", nodes.Text("key"), refdomain="cite")
        meaning = nodes.definition(
            "", nodes.paragraph("", "", nodes.Text(text), nodes.Text(" "), cited, nodes.Text("."))
        )
        listed += nodes.definition_list_item("", nodes.term("", name, ids=[f"term-{name}"]), meaning)
    document = nodes.document(None, None)
    document += listed
    return document


def parts(text: str, *names: str, docname: str = "notebooks/toy") -> str:
    """The text with its links in brackets."""
    waiting = {entry.anchor: entry for entry in book_links.entries_of(glossary(*((name, "It is") for name in names)))}
    pieces = book_links.split(text, waiting, docname, "glossary.html")
    shown = (re.sub(r"^<a [^>]*>(.*?)</a>.*$", r"[\1]", piece.astext(), flags=re.DOTALL) for piece in pieces)
    return "".join(shown)


@pytest.mark.parametrize(
    ("names", "text", "linked"),
    [
        (["prior"], "A prior and a prior", "A [prior] and a prior"),
        (["prior"], "Two priors, prioritised", "Two [priors], prioritised"),
        (["prior"], "prioritised, a-priori", "prioritised, a-priori"),
        (["study"], "the Health Study. Study of one", "the Health Study. [Study] of one"),
        (["ROC curve"], "its ROC\ncurve, no roc curve", "its [ROC\ncurve], no roc curve"),
        (["long tail", "tail"], "in a long tail a tail", "in a [long tail] a [tail]"),
        (["over-sampling"], "oversampling", "[oversampling]"),
        (["level (SMOTE)"], "a level", "a level"),
    ],
)
def test_the_first_use_of_a_word_is_linked_and_nothing_like_it(names: list[str], text: str, linked: str) -> None:
    assert parts(text, *names) == linked


def test_a_word_with_other_meanings_is_linked_only_where_it_means_this() -> None:
    assert parts("a level", "level (SMOTE)", docname="notebooks/smote") == "a [level]"
    assert parts("a row", "row (of a classifier)", docname="notebooks/neural_collapse") == "a row"


def test_an_explanation_is_escaped_and_loses_its_citations() -> None:
    (entry,) = book_links.entries_of(glossary(("prior", "Less < more")))
    html = book_links.explained("prior", "glossary.html", entry).astext()
    assert entry.explanation == "Less < more."
    assert 'role="tooltip" id="note-term-prior" hidden>Less &lt; more.</span>' in html


def test_names_that_a_notebook_takes_from_the_package_are_found(tmp_path: Path) -> None:
    code = "%matplotlib inline\nfrom repro import data as d\nfrom repro.sampling import SMOTE as S\nd.load(1)\nS.fit"
    cells = [{"cell_type": "code", "source": [code]}, {"cell_type": "markdown", "source": ["from repro import x"]}]
    (tmp_path / "toy.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    assert book_links.names_in(tmp_path / "toy.ipynb") == {
        "repro.data",
        "repro.data.load",
        "repro.sampling.SMOTE",
        "repro.sampling.SMOTE.fit",
    }


@pytest.fixture(scope="module")
def index(site: Path) -> list[list[str]]:
    """The index that the site's pages read."""
    text = (site / "_static" / "search-index.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("window.bookIndex=").rstrip(";\n"))


@pytest.mark.book
def test_the_index_knows_the_words_of_every_chapter(index: list[list[str]]) -> None:
    for name in CHAPTERS:
        text = " ".join(
            f"{entry[2]} {entry[4]}" for entry in index if entry[3].partition("#")[0] == f"{name}.html"
        ).lower()
        words = rare_words(name)
        assert words, name
        assert [word for word in words if word not in text] == [], name


@pytest.mark.book
def test_the_index_knows_every_claim_and_shows_no_code_and_no_formula(index: list[list[str]]) -> None:
    claims = {entry[2]: entry for entry in index if entry[0] == "claim"}
    assert set(claims) == set(all_claims())
    for _, _, _, address, text in index:
        assert not re.search(r"\\[a-mo-z(\[{]\w|\{share\(|\bdisplay\(", text), (address, text[:200])


@pytest.mark.book
def test_every_place_of_the_index_is_there(index: list[list[str]], site: Path) -> None:
    for address in {entry[3] for entry in index}:
        path, _, anchor = address.partition("#")
        assert not anchor or parsed(site / path).find(id=anchor) is not None, address


@pytest.fixture(scope="module")
def search(browser: Any, site: Path, address: str) -> Callable[..., list[str]]:
    """Ask the search from a file, or from a server; gives the addresses it leads to, the best first."""
    opened = browser.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda problem: problems.append(str(problem)))

    def ask(question: str, at: str = site.as_uri()) -> list[str]:
        opened.goto(f"{at}/search.html?q={urllib.parse.quote(question)}")
        opened.wait_for_function("() => document.getElementById('search-status').textContent")
        assert problems == []
        return opened.eval_on_selector_all("#search-results > li > a", "links => links.map((link) => link.href)")

    ask.page = opened  # type: ignore[attr-defined]
    return ask


@pytest.mark.book
@pytest.mark.browser
@pytest.mark.xdist_group("browser-1")
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_leads_to_the_right_place(search: Callable[..., list[str]], question: str) -> None:
    found = search(question)
    first, *others = QUESTIONS[question]
    assert re.search(first, found[0]), found[:4]
    for wanted in others:
        assert any(re.search(wanted, address) for address in found[:5]), (wanted, found[:5])


@pytest.mark.book
@pytest.mark.browser
@pytest.mark.xdist_group("browser-1")
def test_the_id_of_a_claim_leads_first_to_its_card_or_its_row(search: Callable[..., list[str]], address: str) -> None:
    found, *_ = search("presto-s1", address)
    assert re.search(r"notebooks/presto\.html#card-presto-s1$|book/claims\.html#presto-s1$", found)


@pytest.mark.book
@pytest.mark.browser
@pytest.mark.xdist_group("browser-1")
def test_a_question_is_asked_and_its_result_followed_by_keyboard(search: Callable[..., list[str]]) -> None:
    search("")
    page = search.page  # type: ignore[attr-defined]
    page.keyboard.type("threshold moving")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=threshold**")
    page.wait_for_function("() => document.querySelector('#search-results a')")
    assert "found for “threshold moving”" in page.get_by_role("status").inner_text()
    page.locator("#search-results a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/book/glossary.html#term-threshold-moving")


@pytest.mark.book
@pytest.mark.browser
@pytest.mark.xdist_group("browser-1")
def test_what_nobody_wrote_is_not_found_and_marks_are_no_markup(search: Callable[..., list[str]]) -> None:
    assert search("zzqx<zzqy>[(") == []
    page = search.page  # type: ignore[attr-defined]
    assert page.locator("#search-status").inner_text() == "Nothing found for “zzqx<zzqy>[(”."
    search("prevalence")
    assert page.locator("#search-results mark").first.inner_text().lower().startswith("prevalen")
