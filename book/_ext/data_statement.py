"""The directive ``data-statement``: every data set with its source, terms, route, known problems and use."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import book_evidence as evidence
from claims_dashboard import CHAPTERS, raw
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from repro.claims import paper_named
from repro.data.registry import ImageEntry, Route, TableEntry, registry
from repro.results import available_tables, provenance_path
from repro.results.tables import read_provenance
from repro.studies import chapter_of

GROUPS: Final = {
    "embedded": "Part of the package",
    "scikit-learn": "Part of scikit-learn",
    "looked up": "Looked up when asked for, never part of the package",
}


def routes_of(entry: TableEntry | ImageEntry) -> dict[Any, Route]:
    """Ways to a data set; of an image set those of one of its splits, which are the same."""
    return entry.routes if isinstance(entry, TableEntry) else next(iter(entry.splits.values())).routes


def obtained(routes: dict[Any, Route]) -> str:
    """Say in words how a data set reaches the reader."""
    if "embedded" in routes:
        return "a file of the package, its checksum known"
    if "scikit-learn" in routes:
        return "from the installed scikit-learn"
    origin = routes.get("origin")
    hosts = sorted({str(urlsplit(file.url or "").hostname) for file in origin.files if file.url}) if origin else []
    place = f", then {' and '.join(hosts)}" if hosts else ""
    untested = "" if origin is None or origin.tested else " (which could not be reached when this was written)"
    return f"cache folder, then a mirror that you name{place}{untested}; checked against known checksums"


def size(entry: TableEntry | ImageEntry) -> str:
    """Rows, columns and classes in words."""
    if isinstance(entry, ImageEntry):
        parts = [f"{split.images:,} images ({name})" for name, split in entry.splits.items()]
        return f"{', '.join(parts)}; {entry.classes} classes"
    counts = ", ".join(f"{label}: {count:,}" for label, count in entry.class_counts.items())
    return f"{entry.rows:,} rows, {entry.features} columns; {counts}"


def uses() -> dict[str, list[str]]:
    """Chapters by data set that their tables were computed from."""
    found: dict[str, set[str]] = {}
    for (experiment, _), path in available_tables().items():
        for name in read_provenance(provenance_path(path)).data:
            found.setdefault(name, set()).add(chapter_of(experiment.partition(".")[0]))
    return {name: sorted(names) for name, names in found.items()}


class data_statement(nodes.General, nodes.Element):  # noqa: N801 - docutils names nodes in lower case
    """Place of the statement, filled in when the titles of all chapters are known."""


class DataStatement(SphinxDirective):
    """What the registry says of every data set, by the way it is obtained; the sets of KEEL as one."""

    def run(self) -> list[nodes.Node]:
        """Return the place that is filled in later."""
        return [data_statement()]


def statement(app: Sphinx, docname: str) -> list[dict[str, Any]]:
    """Sort the data sets into groups, with what is said about each."""
    used, known = uses(), registry()
    groups: dict[str, list[dict[str, Any]]] = {name: [] for name in GROUPS}
    keel = [name for name in known if name.startswith("keel/")]
    for name, entry in known.items():
        if name in keel[1:]:
            continue
        routes = routes_of(entry)
        group = next((kind for kind in ("embedded", "scikit-learn") if kind in routes), "looked up")
        several = name in keel
        told = sorted({chapter for one in (keel if several else [name]) for chapter in used.get(one, [])})
        groups[group].append(
            {
                "name": "keel/*" if several else name,
                "title": f"KEEL, {len(keel)} two-class sets" if several else entry.title,
                "size": "sizes and classes: repro data list 'keel/*'" if several else size(entry),
                "entry": entry,
                "obtained": obtained(routes),
                "address": paper_named(entry.citation_key).address,
                "chapters": [
                    (app.builder.get_relative_uri(docname, CHAPTERS + one), app.env.titles[CHAPTERS + one].astext())
                    for one in told
                    if CHAPTERS + one in app.env.titles
                ],
                "traps": entry.traps[:1] if several else entry.traps,
            }
        )
    return [{"title": GROUPS[kind], "entries": entries} for kind, entries in groups.items()]


def fill_statements(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the places by the statement."""
    for node in list(doctree.findall(data_statement)):
        node.replace_self(raw(evidence.render("data.html", groups=statement(app, docname))))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_node(data_statement)
    app.add_directive("data-statement", DataStatement)
    app.connect("doctree-resolved", fill_statements)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
