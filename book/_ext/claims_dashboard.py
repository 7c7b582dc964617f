"""Directives that show all claims at once, or the means of a result table.

They are ``claims-table``, ``claims-summary``, ``verdict-legend`` and ``result-table``.

The result tables that the verdicts rest on are copied into the site, so that every row links to its numbers.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import book_evidence as evidence
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import relative_uri

from repro import claims
from repro.ground.exceptions import UnknownName
from repro.protocol.names import name_of
from repro.protocol.profile import PROFILES
from repro.results import available_tables, provenance_path, read_bytes
from repro.studies import chapter_of, study_names

CHAPTERS = "notebooks/"
DASHBOARD = "book/claims"
VERDICTS_TABLE = "claims.csv"
"""Written by ``evidence_files``, with the other files for programs."""
SHOWN_CLAIM = re.compile(r'class="repro-(?:card|claims)[" ]')
STYLE = Path(claims.__file__).parent / "templates" / "style"
"""What verdicts look like: one folder for the cards in notebooks and for every page."""

MEANINGS = {
    "reproduced": "The whole interval agrees with the statement, in every condition of the claim.",
    "partly": "Some of the claim's conditions came out as stated, others did not. How many stands beside the word.",
    "not reproduced": (
        "The whole interval speaks against the statement, or rules out an effect that matters. For a statement about "
        "every case one counterexample is enough."
    ),
    "inconclusive": "The interval is too wide to tell. More repetitions or more data would be needed.",
    "not run": "There is no result table for this claim at this size yet. Nothing is said about it.",
}


def raw(html: str) -> nodes.raw:
    """Docutils node that holds HTML."""
    return nodes.raw("", html, format="html")


def address(app: Sphinx, docname: str, target: str) -> str:
    """Address of a file of the site, given from its root, as seen from a page."""
    return relative_uri(app.builder.get_target_uri(docname), target)


def filters(entries: list[evidence.Evidence]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return what the dashboard is filtered by: key, label, and the values that occur with their names."""
    papers = {entry.claim.paper: evidence.paper_of(entry.claim).name for entry in entries}
    verdicts = {entry.headline.verdict for entry in entries}
    profiles = {entry.headline.profile for entry in entries if entry.headline.verdict != evidence.NOT_RUN}
    datasets = {name: name_of(name, "dataset") for entry in entries for name in entry.datasets}
    kinds = {"paper": "statement of a paper", "own": "question of our own", "stand-in": "judged on a stand-in"}
    return [
        ("verdict", "Verdict", [(name, name) for name in evidence.VERDICTS if name in verdicts]),
        ("paper", "Paper", sorted(papers.items(), key=lambda item: (item[0] == "book", item[1].lower()))),
        ("kind", "Kind", list(kinds.items())),
        ("dataset", "Data set", sorted(datasets.items(), key=lambda item: item[1].lower())),
        ("profile", "Run", [(name, name) for name in PROFILES if name in profiles]),
    ]


class ClaimsTable(SphinxDirective):
    """The dashboard: every claim with its verdicts, as a table that works without scripts."""

    option_spec = {"study": directives.unchanged}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        app, docname = self.env.app, self.env.docname
        study = self.options.get("study")
        if study is not None and study not in study_names():
            raise self.error(f"unknown study {study!r}; known: {', '.join(study_names())}")
        entries = [entry for entry in evidence.all_evidence().values() if study in (None, entry.claim.study)]
        repository = str(app.config.html_theme_options["repository_url"])
        available = available_tables()
        told = {study: chapter_of(study) for study in study_names() if chapter_of(study) in chapter_names(app)}

        def table(experiment: str, profile: str, suffix: str) -> str | None:
            if (experiment, profile) not in available:
                return None
            return address(app, docname, evidence.table_address(experiment, profile, suffix))

        return [
            raw(
                evidence.render(
                    "dashboard.html",
                    name=f"dashboard-{self.env.new_serialno('dashboard')}",
                    entries=entries,
                    filters=filters(entries),
                    verdicts_csv=address(app, docname, VERDICTS_TABLE),
                    chapters={
                        study: app.builder.get_relative_uri(docname, CHAPTERS + name) for study, name in told.items()
                    },
                    table=table,
                    disagreement=lambda entry: evidence.disagreement_address(repository, entry),
                    script=address(app, docname, "_static/dashboard.js"),
                )
            )
        ]


class ClaimsSummary(SphinxDirective):
    """How many claims were judged, with which verdicts, and how many intervals miss by chance.

    With the option ``looks`` only the sentences about chance.
    """

    option_spec = {"looks": directives.flag}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Return the tally and what to think of it."""
        entries = list(evidence.all_evidence().values())
        judged = [entry for entry in entries if entry.headline.verdict != evidence.NOT_RUN]
        return [
            raw(
                evidence.render(
                    "summary.html",
                    tallies=[] if "looks" in self.options else evidence.tally(entries),
                    looks=evidence.multiplicity(judged),
                    only_looks="looks" in self.options,
                    judged=len(judged),
                    waiting=len(entries) - len(judged),
                    papers=len({entry.claim.study for entry in judged}),
                    dashboard=self.env.app.builder.get_relative_uri(self.env.docname, DASHBOARD),
                    here=self.env.docname == DASHBOARD,
                    reading=self.env.app.builder.get_relative_uri(self.env.docname, "book/how-to-read"),
                )
            )
        ]


class ResultTable(SphinxDirective):
    """Means of a metric of a result table, by one setting down and another across.

    The argument names the experiment, the options ``profile``, ``metric``, ``rows`` and ``columns`` what is shown; with
    ``percent`` shares are shown as whole percentages.
    """

    required_arguments = 1
    option_spec = {  # noqa: RUF012
        **dict.fromkeys(("profile", "metric", "rows", "columns"), directives.unchanged_required),
        "percent": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        missing = [name for name in ("profile", "metric", "rows", "columns") if name not in self.options]
        if missing:
            raise self.error(f"result-table needs the options {', '.join(missing)}")
        experiment, profile = self.arguments[0], self.options["profile"]
        try:
            shown = evidence.means(experiment, *(self.options[key] for key in ("profile", "metric", "rows", "columns")))
        except (UnknownName, ValueError) as problem:
            raise self.error(str(problem)) from problem
        factor, form = (100, "{:.0f} %") if "percent" in self.options else (1, "{:.3g}")
        texts = (factor * shown).map(lambda value: "–" if value != value else form.format(value))
        address_of = address(self.env.app, self.env.docname, evidence.table_address(experiment, profile))
        return [raw(evidence.render("result_table.html", table=texts, name=experiment, csv=address_of))]


class VerdictLegend(SphinxDirective):
    """The five verdicts and what each means."""

    def run(self) -> list[nodes.Node]:
        """Return the list."""
        return [raw(evidence.render("legend.html", meanings={name: MEANINGS[name] for name in evidence.VERDICTS}))]


def chapter_names(app: Sphinx) -> list[str]:
    """Names of the chapters in the order of the table of contents."""
    site_map = app.config.external_site_map
    names = [name.removesuffix(".ipynb") for name in site_map if name.startswith(CHAPTERS)]
    return [name.removeprefix(CHAPTERS) for name in names]


def link_cards(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link the verdict cards that a notebook shows to the dashboard and to the tables of this site.

    A card names its claim and its table and links to neither: in plain Jupyter and in Colab there is no site. What it
    looks like is the same here and there, so that one copy of its style serves all cards.
    """
    available = {evidence.table_address(*key): key for key in available_tables()}
    dashboard = app.builder.get_relative_uri(docname, DASHBOARD)
    shown = [node for node in doctree.findall(nodes.raw) if SHOWN_CLAIM.search(node.astext())]
    cards = {found for node in shown for found in re.findall(r'id="card-([a-z0-9_-]+)"', node.astext())}

    def table_link(found: re.Match[str]) -> str:
        target = f"{evidence.TABLES}/{found[1]}"
        if target not in available:
            return found[0]
        return f'<a href="{address(app, docname, target)}" download>{found[1]}</a>'

    def claim_link(found: re.Match[str]) -> str:
        if found[3] not in evidence.all_evidence():
            return found[0]
        if found[1] == "span" and found[3] not in cards:  # no card on this page: the row of the table stands for it
            return f'<a id="card-{found[3]}" href="{dashboard}#{found[3]}">{found[0]}</a>'
        target = f"#card-{found[3]}" if found[1] == "span" and found[3] in cards else f"{dashboard}#{found[3]}"
        return f'<a href="{target}">{found[0]}</a>'

    for node in shown:
        html = re.sub(r"<style>.*?</style>", "", node.astext(), flags=re.DOTALL)
        html = re.sub(r"<code>([a-z0-9_]+/[a-z0-9_]+\.[a-z]+\.csv)</code>", table_link, html)
        html = re.sub(r'<(strong|span)( class="repro-id")>([a-z0-9_-]+)</\1>', claim_link, html)
        node.replace_self(raw(html))


def add_styles(app: Sphinx, config: object) -> None:
    """Let every page have the style of verdicts and cards, which belongs to the package, and that of the dashboard."""
    app.config.html_static_path.append(str(STYLE))
    for name in ("verdicts.css", "card.css", "dashboard.css"):
        app.add_css_file(name)


def copy_tables(app: Sphinx, exception: Exception | None) -> None:
    """Copy all result tables, unpacked, and their provenance into the site."""
    if exception is not None or app.builder.format != "html":
        return
    for (experiment, profile), path in available_tables().items():
        target = Path(app.outdir, evidence.table_address(experiment, profile))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(read_bytes(path))
        shutil.copyfile(provenance_path(path), provenance_path(target))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("claims-table", ClaimsTable)
    app.add_directive("claims-summary", ClaimsSummary)
    app.add_directive("verdict-legend", VerdictLegend)
    app.add_directive("result-table", ResultTable)
    app.connect("config-inited", add_styles)
    app.connect("doctree-resolved", link_cards)
    app.connect("build-finished", copy_tables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
