"""Directives that say what came out: ``chapter-list``, ``finding``, ``risk-picture`` and ``guess-list``.

Sentences come from the studies (``findings.yml``) or stand on the page; either way with the numbers of today's tables
and only as long as their condition holds.
"""

from __future__ import annotations

import math
from itertools import zip_longest
from typing import Any, Final

import book_evidence as evidence
from claims_dashboard import CHAPTERS, DASHBOARD, chapter_names, raw
from docutils import nodes
from docutils.parsers.rst import directives
from markdown_it import MarkdownIt
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from repro.claims import Count, Findings, Said, Sentence, say, sentences
from repro.ground.exceptions import ReproError, StudyError
from repro.studies import chapter_of, chapters

PICTURE: Final = {"phoneme": "Phoneme", "adult_continuous": "Adult", "mammography": "Mammography"}
WIDEST: Final = 12.0
"""Right end of the axis of the risk picture: predicted over observed risk."""


def card_address(app: Sphinx, docname: str, claim: str) -> str:
    """Address of a claim's card in its chapter, or of its row in the dashboard where no chapter is built."""
    chapter = chapter_of(claim.partition("-")[0])
    if chapter in chapter_names(app):
        return app.builder.get_relative_uri(docname, CHAPTERS + chapter) + f"#card-{claim}"
    return f"{app.builder.get_relative_uri(docname, DASHBOARD)}#{claim}"


def html_of(said: Said, app: Sphinx, docname: str) -> str:
    """Sentence as HTML, with links to its claims."""
    return str(MarkdownIt().renderInline(said.markdown(lambda claim: card_address(app, docname, claim))))


class chapter_list(nodes.General, nodes.Element):  # noqa: N801 - docutils names nodes in lower case
    """Place of the list of chapters, filled in when all titles are known."""


class ChapterList(SphinxDirective):
    """Every chapter of the table of contents, by part, with what came out of its studies."""

    def run(self) -> list[nodes.Node]:
        """Return the place that is filled in later."""
        return [chapter_list()]


def parts_of(app: Sphinx) -> list[tuple[str, list[str]]]:
    """Captions of the parts that hold chapters, with the names of these, in the order of the table of contents."""
    site_map = app.config.external_site_map
    found = []
    for part in site_map.root.subtrees:
        names = [str(name).removesuffix(".ipynb") for name in part.items]
        listed = [name.removeprefix(CHAPTERS) for name in names if name.startswith(CHAPTERS)]
        if listed:
            found.append((str(part.caption or ""), listed))
    return found


def chapter_content(app: Sphinx, docname: str, name: str) -> dict[str, Any]:
    """Say what came out of the studies of a chapter: the first sentence of each, and their claims by verdict."""
    studies = chapters().get(name, [])
    before = name.rpartition("_")[0]
    goes_on = not studies and before in chapter_names(app)
    first = [said[0] for study in studies if (said := sentences(study))]
    claims = [entry for entry in evidence.all_evidence().values() if entry.claim.study in studies]
    return {
        "title": app.env.titles[CHAPTERS + name].astext(),
        "address": app.builder.get_relative_uri(docname, CHAPTERS + name),
        "goes_on_with": app.env.titles[CHAPTERS + before].astext() if goes_on else "",
        "dashboard": app.builder.get_relative_uri(docname, DASHBOARD),
        "findings": [html_of(say(sentence), app, docname) for sentence in first],
        "tallies": evidence.tally(claims),
        "papers": sorted({evidence.paper_of(entry.claim).name for entry in claims if not entry.own}),
    }


def fill_chapter_lists(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the places of chapter lists by the lists."""
    for node in list(doctree.findall(chapter_list)):
        parts = [
            {"caption": caption, "chapters": [chapter_content(app, docname, name) for name in names]}
            for caption, names in parts_of(app)
        ]
        node.replace_self(raw(evidence.render("chapters.html", parts=parts)))


class Finding(SphinxDirective):
    """A sentence with numbers of claims, said as long as the expression of the option ``holds`` is true."""

    has_content = True
    option_spec = {"holds": directives.unchanged_required}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Return the paragraph."""
        if "holds" not in self.options:
            raise self.error("finding needs the option holds: an expression that is true as long as the sentence is")
        try:
            said = say(Sentence(say="\n".join(self.content), holds=self.options["holds"]))
        except StudyError as problem:
            raise self.error(str(problem)) from problem
        style = "finding" if said.holds else "finding finding-changed"
        return [raw(f'<p class="{style}">{html_of(said, self.env.app, self.env.docname)}</p>')]


class RiskPicture(SphinxDirective):
    """Predicted over observed risk after over-sampling, and after the correction of the prior, on three data sets."""

    def run(self) -> list[nodes.Node]:
        """Return the picture, or nothing where its claims have no tables."""
        found = Findings("paper", dataset=list(PICTURE))
        try:
            sampled = found.conditions("smote-m2", method="over", metric="log_risk_ratio")
            corrected = found.conditions("smote-m4", method="over_corrected", metric="log_risk_ratio")
        except ReproError:
            return []
        if Count.of(sampled).reproduced < len(sampled) or Count.of(corrected).against:
            return []  # the title would not be true
        open_on = sorted({PICTURE[str(one.settings["dataset"])] for one in corrected if one.verdict != "reproduced"})
        after = {condition.settings["dataset"]: condition.estimate for condition in corrected}
        rows = []
        for condition in sampled:
            dataset = str(condition.settings["dataset"])
            pair = [math.exp(value) for value in (condition.estimate, after.get(dataset)) if value is not None]
            if len(pair) == 2:
                places = [100 * math.log(ratio) / math.log(WIDEST) for ratio in pair]
                rows.append({"name": PICTURE[dataset], "ratios": pair, "places": places})
        rows.sort(key=lambda row: row["ratios"][0])
        links = {claim: card_address(self.env.app, self.env.docname, claim) for claim in ("smote-m2", "smote-m4")}
        ticks = [(tick, 100 * math.log(tick) / math.log(WIDEST)) for tick in (1, 2, 4, 8)]
        if not rows:
            return []
        return [raw(evidence.render("risk_picture.html", rows=rows, links=links, ticks=ticks, open_on=open_on))]


class GuessList(SphinxDirective):
    """Statements of papers that were judged, at most three a study, to be guessed before their verdict is shown."""

    def run(self) -> list[nodes.Node]:
        """Return the list, the studies taking turns."""
        by_study: dict[str, list[evidence.Evidence]] = {}
        for entry in evidence.all_evidence().values():
            if not entry.own and entry.headline.decides and entry.headline.verdict != "inconclusive":
                by_study.setdefault(entry.claim.study, []).append(entry)
        spread = {study: entries[:: max(len(entries) // 3, 1)][:3] for study, entries in by_study.items()}
        turns = [entry for turn in zip_longest(*spread.values()) for entry in turn if entry is not None]
        addresses = {entry.claim.id: card_address(self.env.app, self.env.docname, entry.claim.id) for entry in turns}
        return [raw(evidence.render("guess.html", entries=turns, addresses=addresses))]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_node(chapter_list)
    app.add_directive("chapter-list", ChapterList)
    app.add_directive("finding", Finding)
    app.add_directive("risk-picture", RiskPicture)
    app.add_directive("guess-list", GuessList)
    app.connect("doctree-resolved", fill_chapter_lists)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
