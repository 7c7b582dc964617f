"""What teachers get: the directives ``quiz`` and ``slides``, and the slides themselves in ``_static/slides``.

A quiz needs no script: each answer opens and says whether it is right, and why. Slides are made of the figures that the
executed chapters show: one picture each (SVG), and one page a chapter to present or print them.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import book_evidence as evidence
import yaml
from chapter_pages import html_of
from claims_dashboard import CHAPTERS, address, chapter_names, raw
from docutils import nodes
from markdown_it import MarkdownIt
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from repro.claims import Said, Sentence, in_short, say
from repro.ground import files
from repro.ground.exceptions import StudyError
from repro.studies import chapters

FOLDER: Final = "_static/slides"
TEACHING: Final = "book/teaching/"
WIDTH, HEIGHT, EDGE = 1280, 720, 48
MOST, FEWEST = 8, 4
"""Figures of a chapter that become slides."""
INK: Final = "#1a1d21"
FIGURE: Final = re.compile(r'<figure class="repro-figure">.*?</figure>', re.DOTALL)
CARDS: Final = re.compile(r'id="card-([a-z0-9_-]+)"')


class Quiz(SphinxDirective):
    """Questions with answers that explain themselves, in YAML.

    Each question has ``ask``, ``holds`` (the condition under which its right answer is right, as in ``finding``) and
    ``answers``: a list of ``say`` and ``why``, of which exactly one has ``right: true``. All texts may ask claims for
    numbers.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the questions."""
        try:
            found = [self.question(entry) for entry in yaml.safe_load("\n".join(self.content))]
        except (yaml.YAMLError, KeyError, TypeError, StudyError) as problem:
            raise self.error(f"quiz: {type(problem).__name__}: {problem}") from problem
        return [raw(evidence.render("quiz.html", questions=found))]

    def question(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Fill in the texts of a question; where its answer no longer holds, only that is said."""
        if [bool(answer.get("right")) for answer in entry["answers"]].count(True) != 1:
            raise self.error(f"quiz: one answer must be right: {entry['ask']}")
        holds = str(entry["holds"])
        checked = say(Sentence(say=entry["ask"], holds=holds))

        def told(text: str) -> Said:
            return say(Sentence(say=text, holds="true"))

        def unlinked(text: str) -> str:
            # an answer is a control that opens its explanation, and no control may hold a link
            return str(MarkdownIt().renderInline(told(text).text))

        def filled(text: str) -> str:
            return html_of(told(text), self.env.app, self.env.docname)

        return {
            "holds": checked.holds,
            "ask": html_of(checked, self.env.app, self.env.docname),
            "answers": [
                {"say": unlinked(one["say"]), "why": filled(one["why"]), "right": one.get("right", False)}
                for one in entry["answers"]
            ],
        }


@dataclass(frozen=True)
class Slide:
    """A figure as a page shows it.

    Parameters
    ----------
    title, alt, caption : str
        The finding, what is seen, and what stands below.
    key : tuple of (xml.etree.ElementTree.Element, str)
        Entries of the legend: drawing and name.
    panels : tuple of xml.etree.ElementTree.Element
        Its pictures.
    """

    title: str
    alt: str
    caption: str
    key: tuple[tuple[ElementTree.Element, str], ...]
    panels: tuple[ElementTree.Element, ...]

    @classmethod
    def of(cls, html: str) -> Slide:
        """Read a figure; what the package writes is XML but for the end of ``img``."""
        root = ElementTree.fromstring(re.sub(r"(<img [^>]*[^/])>", r"\1/>", html))
        box = root.find("div[@class='repro-panels']")
        key = box.find("div[@class='repro-key']")
        caption = root.find("figcaption")
        return cls(
            title="".join(root.find("p[@class='repro-title']").itertext()),
            alt=str(box.get("aria-label")),
            caption=str(caption.text or ""),
            key=tuple((entry.find("svg"), "".join(entry.itertext())) for entry in key) if key is not None else (),
            panels=tuple(child for child in box if child.tag in ("svg", "img")),
        )

    def svg(self, credit: str) -> str:
        """Slide as one picture of 1280 x 720, which needs nothing else; `credit` is its last line."""
        title = textwrap.wrap(self.title, 62)
        caption = textwrap.wrap(self.caption, 112)[:3]
        parts = lines_of(title, EDGE, 64, 30, "font-weight:600")
        top = 64 + 38 * len(title)
        below = HEIGHT - 46 - 24 * len(caption)
        left = EDGE
        for drawing, name in self.key:
            width = 46 + 10 * len(name)
            if left + width > WIDTH - EDGE and left > EDGE:
                left, top = EDGE, top + 28
            parts += [placed(drawing, left, top - 14, 28, 14), *lines_of([name], left + 34, top - 1, 18)]
            left += width + 18
        top += 16 if self.key else -8
        parts += self.arranged(top, below - 26 - top)
        parts += lines_of(caption, EDGE, below, 18, "fill:#444b54")
        parts += lines_of([credit], EDGE, HEIGHT - 18, 14, "fill:#444b54")
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f"style=\"font-family:system-ui,'Segoe UI','DejaVu Sans',sans-serif;color:{INK};fill:{INK}\">"
            f"<title>{escape(self.title)}</title><desc>{escape(self.alt)}</desc>"
            f'<rect width="{WIDTH}" height="{HEIGHT}" style="fill:#fff"/>{"".join(parts)}</svg>\n'
        )

    def arranged(self, top: float, height: float) -> list[str]:
        """Place the panels in as many columns as make them largest."""
        sizes = [(float(panel.get("width", "1")), panel_height(panel)) for panel in self.panels]
        widest, highest = max(width for width, _ in sizes), max(tall for _, tall in sizes)

        def scale(columns: int) -> float:
            rows = -(-len(sizes) // columns)
            return min((WIDTH - 2 * EDGE) / columns / (widest + 16), height / rows / (highest + 12), 2.0)

        columns = max(range(1, len(sizes) + 1), key=scale)
        factor = scale(columns)
        across, down = (widest + 16) * factor, (highest + 12) * factor
        start = (WIDTH - across * min(columns, len(sizes))) / 2
        return [
            placed(
                panel,
                start + across * (place % columns),
                top + down * (place // columns),
                width * factor,
                tall * factor,
            )
            for place, (panel, (width, tall)) in enumerate(zip(self.panels, sizes, strict=True))
        ]


def panel_height(panel: ElementTree.Element) -> float:
    """Height of a panel; a picture in pixels states only its width, and is taken for three quarters as high."""
    return float(panel.get("height") or 0.75 * float(panel.get("width", "1")))


def lines_of(lines: list[str], left: float, top: float, size: int, style: str = "") -> list[str]:
    """Lines of text, one below the other."""
    return [
        f'<text x="{left}" y="{top + place * size * 1.27:.0f}" style="font-size:{size}px;{style}">{escape(line)}</text>'
        for place, line in enumerate(lines)
    ]


def placed(picture: ElementTree.Element, left: float, top: float, width: float, height: float) -> str:
    """Picture within a slide, in the colours of the light theme, which a program for slides knows."""
    where = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"'
    if picture.tag == "img":
        return f'<image {where} href="{picture.get("src")}"/>'
    inner = (str(picture.text or "")) + "".join(ElementTree.tostring(child, encoding="unicode") for child in picture)
    style = escape(picture.get("style", ""))
    text = f'<svg {where} viewBox="{picture.get("viewBox")}" overflow="visible" style="{style}">{inner}</svg>'
    text = re.sub(r"var\(--[\w-]+,\s*([^)]+)\)", r"\1", text)
    return text.replace("currentColor", INK).replace('aria-hidden="true"', "")


def key_claims(chapter: str) -> set[str]:
    """Claims behind the findings of a chapter."""
    told = chapters().get(chapter)
    return {claim for sentence in in_short(*told).sentences for claim in sentence.claims} if told else set()


def parts_of(doctree: nodes.document, studies: int) -> list[nodes.Element]:
    """Sections of the studies of a chapter; all of it where there is one study."""
    if studies < 2:
        return [doctree]
    return [part for part in next(doctree.findall(nodes.section)) if isinstance(part, nodes.section)]


def slides_of(app: Sphinx, chapter: str) -> list[Slide]:
    """Slides of a chapter: a figure of each study, those beside cards of findings, and others until there are four."""
    wanted = key_claims(chapter)
    found: list[tuple[bool, str]] = []
    for part in parts_of(app.env.get_doctree(CHAPTERS + chapter), len(chapters().get(chapter, ()))):
        opens = True
        for cell in part.findall(nodes.container):
            if "cell" not in cell["classes"]:
                continue
            html = "\n".join(node.astext() for node in cell.findall(nodes.raw) if node.get("format") == "html")
            shows = bool(wanted & set(CARDS.findall(html)))
            for figure in FIGURE.findall(html):
                found.append((shows or opens, figure))
                opens = False
    key = [place for place, (shows, _) in enumerate(found) if shows]
    others = [place for place in range(len(found)) if place not in key]
    chosen = sorted((key + others[: max(FEWEST - len(key), 0)])[:MOST])
    return [Slide.of(found[place][1]) for place in chosen]


def credit_of(app: Sphinx, chapter: str) -> str:
    """Line that names source and licence."""
    where = f"{app.config.html_baseurl}{CHAPTERS}{chapter}.html"
    return f"{app.config.project}, version {app.config.release} · CC BY 4.0 · {where}"


class slide_list(nodes.General, nodes.Element):  # noqa: N801 - docutils names nodes in lower case
    """Place of the slides of a chapter, filled in when all chapters have been read."""


class Slides(SphinxDirective):
    """Small pictures of the slides of the chapter that is the argument, with links to them."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the place that is filled in later."""
        if self.arguments[0] not in chapter_names(self.env.app):
            raise self.error(f"slides: there is no chapter {self.arguments[0]!r}")
        return [slide_list("", chapter=self.arguments[0])]


def fill_lists(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the places of slides by small pictures."""
    for node in list(doctree.findall(slide_list)):
        chapter = node["chapter"]
        folder = address(app, docname, f"{FOLDER}/{chapter}")
        shown = slides_of(app, chapter)
        node.replace_self(raw(evidence.render("slides.html", slides=shown, folder=folder)))


def write_slides(app: Sphinx, exception: Exception | None) -> None:
    """Write the slides of every chapter that has a page for teachers."""
    if exception is not None or app.builder.format != "html":
        return
    for chapter in chapter_names(app):
        if TEACHING + chapter not in app.env.found_docs:
            continue
        folder, title = Path(app.outdir, FOLDER), app.env.titles[CHAPTERS + chapter].astext()
        (folder / chapter).mkdir(parents=True, exist_ok=True)
        shown, credit = slides_of(app, chapter), credit_of(app, chapter)
        for number, slide in enumerate(shown, 1):
            files.atomic_write_text(folder / chapter / f"{number}.svg", slide.svg(credit))
        findings = [html_of(said, app, TEACHING + chapter) for said in in_short(*chapters()[chapter]).sentences]
        page = evidence.render(
            "deck.html", title=title, chapter=chapter, slides=shown, credit=credit,
            findings=[re.sub(r"</?a\b[^>]*>", "", text) for text in findings],
        )  # fmt: skip
        files.atomic_write_text(folder / f"{chapter}.html", page)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives and the writing of the slides."""
    app.add_node(slide_list)
    app.add_directive("quiz", Quiz)
    app.add_directive("slides", Slides)
    app.connect("doctree-resolved", fill_lists)
    app.connect("build-finished", write_slides)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
