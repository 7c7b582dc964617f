"""Material for teachers: every chapter has all of it, quizzes agree with the evidence, slides stand alone."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import book_evidence
import pytest
import teaching
import yaml
from book_inputs import ROOT, toc_files
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.utils import new_document

from repro.claims import Sentence, say
from repro.plotting import show
from repro.studies import chapters

PAGES = [Path(name).name for name in toc_files() if name.startswith("book/teaching/")]
HEADS = [
    "Learning goals", "What one must know", "A plan for 45 minutes", "A plan for 90 minutes", "Exercises", "Quiz",
    "Slides",
]  # fmt: skip
by_chapter = pytest.mark.parametrize("chapter", chapters())


def sections(chapter: str) -> dict[str, str]:
    text = (ROOT / "book" / "teaching" / f"{chapter}.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def questions(chapter: str) -> list[dict[str, Any]]:
    (content,) = re.findall(r"```\{quiz\}\n(.*?)```", sections(chapter)["Quiz"], re.DOTALL)
    return yaml.safe_load(content)


def test_every_chapter_has_a_page_and_the_overview_leads_to_it() -> None:
    assert set(PAGES) == set(chapters())
    overview = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
    assert {name for name in PAGES if f"](teaching/{name}.md)" in overview} == set(PAGES)
    units = overview.partition("## A course of five units")[2].partition("\n## ")[0]
    assert re.findall(r"^\| (\d) \|", units, re.MULTILINE) == ["1", "2", "3", "4", "5"]
    assert ":link: teaching\n" in (ROOT / "book" / "index.md").read_text(encoding="utf-8")


@by_chapter
def test_page_has_goals_prerequisites_and_plans_that_add_up(chapter: str) -> None:
    found = sections(chapter)
    assert list(found) == HEADS
    assert len(re.findall(r"^- ", found["Learning goals"], re.MULTILINE)) >= 2
    assert len(found["What one must know"].split()) >= 5
    for minutes in (45, 90):
        times = re.findall(r"^\| (\d+)–(\d+) \|", found[f"A plan for {minutes} minutes"], re.MULTILINE)
        ends = [int(end) for _, end in times]
        assert [int(start) for start, _ in times] == [0, *ends[:-1]], "no gap and no overlap"
        assert ends[-1] == minutes


@by_chapter
def test_five_exercises_of_three_levels_two_without_published_answers(chapter: str) -> None:
    text = sections(chapter)["Exercises"]
    found = re.findall(r"^\d+\. \*\*Level (\d)\*\*, (.+?):(.*?)(?=^\d+\. |\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(found) >= 5
    assert {level for level, _, _ in found} == {"1", "2", "3"}
    own = [task for _, where, task in found if where == "without a published answer"]
    assert len(own) == 2
    assert all("*A full answer has*" in " ".join(task.split()) for task in own)
    notebook = (ROOT / "notebooks" / f"{chapter}.py").read_text(encoding="utf-8")
    told = [where for _, where, _ in found if where == "in the chapter, with an answer that runs"]
    assert len(told) == len(found) - len(own)
    assert 3 <= len(told) <= len(re.findall(r"\*\*Exercise \d+\.\*\*", notebook))


@by_chapter
def test_quiz_has_one_right_answer_each_all_explained_and_true_today(chapter: str) -> None:
    asked = questions(chapter)
    assert len(asked) >= 3
    places = []
    for entry in asked:
        assert say(Sentence(say=entry["ask"], holds=str(entry["holds"]))).holds, entry["ask"]
        right = [bool(answer.get("right")) for answer in entry["answers"]]
        assert right.count(True) == 1
        places.append(right.index(True))
        assert len(right) >= 2
        for answer in entry["answers"]:
            assert len(say(Sentence(say=answer["why"], holds="true")).text.split()) >= 5
        typed = " ".join(answer["why"] for answer in entry["answers"])
        assert not re.search(r"\b\d+ of \d+\b", typed), "counts come from claims"
    assert len(set(places)) > 1, "the right answer is not always in the same place"


@by_chapter
def test_plans_name_parts_and_cards_that_the_chapter_has(chapter: str) -> None:
    found = sections(chapter)
    plans = found["A plan for 45 minutes"] + found["A plan for 90 minutes"]
    notebook = (ROOT / "notebooks" / f"{chapter}.py").read_text(encoding="utf-8")
    for claim in re.findall(r"`([a-z0-9_]+-[a-z0-9]+)`", plans):
        assert f'"{claim}"' in notebook, claim
    heads = re.sub(r"[`*]", "", " ".join(re.findall(r"^# #{2,4} (.+)$", notebook, re.MULTILINE)))
    for part in re.findall(r"\*([A-Z][^*|]+)\*", plans):
        assert part in heads or part in notebook, part


def test_a_question_whose_evidence_has_changed_is_not_asked() -> None:
    entry = {"ask": "Why?", "holds": "1 > 2", "answers": [{"say": "a", "why": "b", "right": True}]}
    directive = SimpleNamespace(env=SimpleNamespace(app=None, docname=""))
    asked = teaching.Quiz.question(directive, entry)
    html = book_evidence.render("quiz.html", questions=[asked])
    assert "finding-changed" in html
    assert "<details" not in html


def test_a_question_needs_exactly_one_right_answer() -> None:
    def error(text: str) -> Exception:
        return ValueError(text)

    entry = {"ask": "Why?", "holds": "true", "answers": [{"say": "a", "why": "b"}]}
    with pytest.raises(ValueError, match="one answer must be right: Why"):
        teaching.Quiz.question(SimpleNamespace(error=error), entry)


def test_a_slide_is_the_figure_with_title_text_and_licence_in_plain_colours() -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(4, 3))
    axes.plot([0, 1], [0, 1], color="#0072b2")
    shown = show(figure, title="A & B rise <together>", alt="A line.", caption="Two points.", key=[])
    slide = teaching.Slide.of(shown._repr_html_())
    picture = slide.svg("The Book · CC BY 4.0")
    root = ElementTree.fromstring(picture)
    name = "{http://www.w3.org/2000/svg}"
    assert root.find(f"{name}title").text == "A & B rise <together>"
    assert root.find(f"{name}desc").text == "A line."
    texts = ["".join(node.itertext()) for node in root.iter(f"{name}text")]
    assert texts[0] == "A & B rise <together>"
    assert {"Two points.", "The Book · CC BY 4.0"} <= set(texts)
    assert "var(" not in picture
    assert "currentColor" not in picture
    assert "#0072b2" in picture
    (panel,) = root.findall(f"{name}svg")
    assert float(panel.get("x")) >= 0
    assert float(panel.get("x")) + float(panel.get("width")) <= teaching.WIDTH
    assert float(panel.get("y")) + float(panel.get("height")) <= teaching.HEIGHT


def figure_cell(*titles: str) -> nodes.container:
    import matplotlib.pyplot as plt

    shown = [show(plt.figure(), title=title, alt="A line.", caption="Points.") for title in titles]
    html = "".join(one._repr_html_() for one in shown)
    return nodes.container("", nodes.raw("", html, format="html"), classes=["cell"])


@pytest.mark.parametrize(
    ("chapter", "wanted"),
    [
        (
            "closed_form",
            ["first", "second", "other study", "third study"],
        ),  # three studies: one figure of each and a fourth
        ("sade", ["first", "second", "third", "other study"]),  # one study: the first four
    ],
)
def test_slides_begin_with_a_figure_of_each_study(chapter: str, wanted: list[str]) -> None:
    sections = [
        nodes.section("", figure_cell("first", "second"), nodes.section("", figure_cell("third"))),
        nodes.section("", figure_cell("other study"), figure_cell("more of it")),
        nodes.section("", nodes.section("", figure_cell("third study"))),
        nodes.section("", nodes.paragraph("", "Provenance")),
    ]
    doctree = new_document("chapter")
    doctree += nodes.section("", nodes.title("", "Why?"), *sections)
    app: Any = SimpleNamespace(env=SimpleNamespace(get_doctree=lambda name: doctree))
    assert [slide.title for slide in teaching.slides_of(app, chapter)] == wanted


@pytest.mark.book
@pytest.mark.xdist_group("book")
@by_chapter
def test_slides_of_a_chapter_are_there_light_and_described(site: Path, chapter: str) -> None:
    page = BeautifulSoup((site / "book" / "teaching" / f"{chapter}.html").read_text(encoding="utf-8"), "html.parser")
    pictures = page.select(".slides img")
    assert 2 <= len(pictures) <= teaching.MOST
    for picture in pictures:
        assert 20 < len(picture["alt"]) <= 300
        path = (site / "book" / "teaching" / picture["src"]).resolve()
        assert path.stat().st_size < 250_000
        text = path.read_text(encoding="utf-8")
        assert ElementTree.fromstring(text).find("{http://www.w3.org/2000/svg}desc").text == picture["alt"]
        assert "CC BY 4.0" in text
    deck = BeautifulSoup((site / "_static" / "slides" / f"{chapter}.html").read_text(encoding="utf-8"), "html.parser")
    assert len(deck.select("section img")) == len(pictures)
    assert len(deck.select("section.words li")) >= 1
    assert not deck.find("script")


@pytest.mark.book
@pytest.mark.xdist_group("book")
@by_chapter
def test_quiz_on_the_page_explains_every_answer_without_scripts(pages: dict[str, BeautifulSoup], chapter: str) -> None:
    page = pages[f"book/teaching/{chapter}.html"]
    assert len(page.select(".quiz > li")) == len(questions(chapter))
    for question in page.select(".quiz > li"):
        told = [answer.find("strong").get_text() for answer in question.select("details > p")]
        assert told.count("Right.") == 1
        assert set(told) == {"Right.", "No."}
    assert not page.select(".quiz summary a"), "an answer opens its explanation; a link in it could not be reached"
    assert not page.select(".finding-changed")
