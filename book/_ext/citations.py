"""How to cite the book, a chapter and a single verdict, and what state of a chapter a page shows.

The directive ``citation-list`` has the entries of the book and of its chapters; each verdict card gets a fold with its
own entry; ``citations.bib`` in the site has all of them. A chapter says its version, and how old text and results are.
"""

from __future__ import annotations

import datetime
import re
import subprocess
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

import book_evidence as evidence
from claims_dashboard import CHAPTERS, chapter_names, raw
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from repro.ground import files
from repro.protocol.claim import Claim
from repro.results import available_tables, provenance_path
from repro.results.tables import read_provenance
from repro.studies import chapter_of, chapters

FILE: Final = "citations.bib"
TEX: Final = str.maketrans({sign: f"\\{sign}" for sign in "&%$#_"})
CARD: Final = re.compile(
    r'(id="card-([a-z0-9_-]+)"(?:(?!id="card-).)*?)(<details><summary>How it was judged</summary>)', re.DOTALL
)


@dataclass(frozen=True)
class Edition:
    """What all entries share.

    Parameters
    ----------
    author, title, year, version : str
        Of the book.
    repository, site : str
        Addresses; that of the site ends with a slash.
    """

    author: str
    title: str
    year: str
    version: str
    repository: str
    site: str

    @classmethod
    def of(cls, app: Sphinx) -> Edition:
        """Edition that a page build makes."""
        config = app.config
        repository = str(config.html_theme_options["repository_url"])
        return cls(config.author, config.project, config.copyright, config.release, repository, config.html_baseurl)


def entry(kind: str, key: str, **fields: str) -> str:
    """BibTeX entry with its fields one below the other."""
    width = max(map(len, fields))
    lines = [f"  {name:<{width}} = {{{value}}}" for name, value in fields.items()]
    return f"@{kind}{{{key},\n" + ",\n".join(lines) + "\n}"


def protected(title: str) -> str:
    """Title in which words with several capitals keep them, and whose signs TeX reads as they are."""
    return re.sub(r"\b\w*[A-Z]\w*[A-Z]\w*\b", r"{\g<0>}", title.translate(TEX))


def book_entry(edition: Edition) -> str:
    """Entry of the whole book."""
    return entry(
        "misc", "imbalancebook", author=f"{{{edition.author}}}", title=edition.title, year=edition.year,
        version=edition.version, url=edition.repository,
    )  # fmt: skip


def chapter_entry(edition: Edition, name: str, title: str) -> str:
    """Entry of a chapter; its address is that of the release and does not change."""
    return entry(
        "incollection", f"imbalancebook-{name}", author=f"{{{edition.author}}}", title=protected(title),
        booktitle=edition.title, year=edition.year, version=edition.version,
        url=f"{edition.repository}/blob/v{edition.version}/notebooks/{name}.ipynb",
    )  # fmt: skip


def claim_entry(edition: Edition, found: evidence.Evidence) -> str:
    """Entry of a verdict: the statement, what came out in which run of which commit, and the address of its card."""
    claim, shown = found.claim, found.headline
    commit = f", commit {shown.provenance.commit[:12]}" if shown.provenance else ""
    run = f" in the {shown.profile} run{commit}" if shown.verdict != evidence.NOT_RUN else ""
    return entry(
        "misc", f"imbalancebook-{claim.id}", author=f"{{{edition.author}}}",
        title=f"Claim {claim.id.translate(TEX)}: {protected(claim.statement)}",
        howpublished=edition.title, year=edition.year, version=edition.version,
        note=f"Verdict: {shown.words.translate(TEX)}{run}", url=edition.site + card_of(claim),
    )  # fmt: skip


def card_of(claim: Claim) -> str:
    """Address of a claim's card, from the root of the site."""
    return f"{CHAPTERS}{chapter_of(claim.study)}.html#card-{claim.id}"


def block(text: str) -> str:
    """Entry as HTML that the copy button knows."""
    return f'<div class="highlight-bibtex"><div class="highlight"><pre>{escape(text, quote=False)}</pre></div></div>'


def fold(summary: str, text: str) -> str:
    """Entry behind a line that opens it."""
    return f"<details><summary>{escape(summary)}</summary>{block(text)}</details>"


class CitationList(SphinxDirective):
    """The entry of the book, and that of each chapter, folded."""

    def run(self) -> list[nodes.Node]:
        """Return the place that is filled in when all titles are known."""
        return [nodes.raw("", block(book_entry(Edition.of(self.env.app))), format="html"), citation_list()]


class citation_list(nodes.General, nodes.Element):  # noqa: N801 - docutils names nodes in lower case
    """Place of the entries of the chapters."""


def fill_lists(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the places of lists by the entries."""
    for node in list(doctree.findall(citation_list)):
        titles = {name: app.env.titles[CHAPTERS + name].astext() for name in chapter_names(app)}
        edition = Edition.of(app)
        folds = [fold(title, chapter_entry(edition, name, title)) for name, title in titles.items()]
        node.replace_self(raw(f'<div class="citations">{"".join(folds)}</div>'))


def cite_cards(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give every verdict card a fold with its entry."""
    if not docname.startswith(CHAPTERS):
        return
    edition, known = Edition.of(app), evidence.all_evidence()

    def with_entry(found: re.Match[str]) -> str:
        cited = fold("Cite", claim_entry(edition, known[found[2]])) if found[2] in known else ""
        return found[1] + cited + found[3]

    for node in list(doctree.findall(nodes.raw)):
        if 'id="card-' in node.astext():
            node.replace_self(raw(CARD.sub(with_entry, node.astext())))


def day(moment: datetime.date) -> str:
    """Day in words."""
    return f"{moment:%-d %B %Y}"


def text_day(root: Path, name: str) -> str:
    """Day of the last change of a chapter's text; empty where the history is not at hand, or cut off."""
    if not (root / ".git").exists() or (root / ".git" / "shallow").exists():
        return ""
    command = ["git", "log", "-1", "--format=%cs", "--", f"notebooks/{name}.py"]
    answer = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    found = answer.stdout.strip()
    return day(datetime.date.fromisoformat(found)) if answer.returncode == 0 and found else ""


def result_day(studies: list[str]) -> str:
    """Day of the newest table of some studies; empty where they have none."""
    paths = [path for (experiment, _), path in available_tables().items() if experiment.partition(".")[0] in studies]
    newest = max((read_provenance(provenance_path(path)).finished for path in paths), default="")
    return day(datetime.datetime.fromisoformat(newest.replace("Z", "+00:00"))) if newest else ""


def state_version(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Say below the opening lines of a chapter which version it is, and how old its text and its results are."""
    name = docname.removeprefix(CHAPTERS)
    if not docname.startswith(CHAPTERS) or name not in chapter_names(app):
        return
    studies = chapters().get(name) or chapters().get(name.rpartition("_")[0], [])
    days = {"text": text_day(Path(app.srcdir), name), "newest result": result_day(studies)}
    words = [f"Version {app.config.release}", *(f"{what} of {when}" for what, when in days.items() if when)]
    cite = app.builder.get_relative_uri(docname, "book/how-to-cite")
    section = next(doctree.findall(nodes.section))
    opening = [place for place, node in enumerate(section.children) if isinstance(node, nodes.paragraph)][:2]
    links = f'<a href="{cite}">Cite</a>'
    if (teaching := f"book/teaching/{name}") in app.env.found_docs:
        links += f' · <a href="{app.builder.get_relative_uri(docname, teaching)}">Teach</a>'
    line = f'<p class="chapter-state small">{" · ".join(words)} · {links}</p>'
    section.insert(opening[-1] + 1 if opening else 1, raw(line))


def write_file(app: Sphinx, exception: Exception | None) -> None:
    """Write all entries into one file of the site."""
    if exception is not None or app.builder.format != "html":
        return
    edition = Edition.of(app)
    entries = [book_entry(edition)]
    entries += [chapter_entry(edition, name, app.env.titles[CHAPTERS + name].astext()) for name in chapter_names(app)]
    entries += [claim_entry(edition, found) for found in evidence.all_evidence().values()]
    files.atomic_write_text(Path(app.outdir, FILE), "\n\n".join(entries) + "\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive and connect what every chapter gets."""
    app.add_node(citation_list)
    app.add_directive("citation-list", CitationList)
    app.connect("doctree-resolved", fill_lists)
    app.connect("doctree-resolved", cite_cards, priority=600)
    app.connect("doctree-resolved", state_version, priority=600)
    app.connect("build-finished", write_file)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
