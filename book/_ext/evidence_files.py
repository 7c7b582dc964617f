"""Files of the site for programs: claims as JSON and CSV, a research object crate, and every page as Markdown.

``claims.json`` follows ``claims.schema.json``; ``ro-crate-metadata.json`` describes the result tables (RO-Crate 1.1);
``llms.txt`` lists the pages, each with its text in Markdown beside it. All addresses are relative to the site.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import json
from pathlib import Path
from typing import Any, Final

import book_evidence as evidence
from bs4 import BeautifulSoup
from claims_dashboard import CHAPTERS
from markdownify import MarkdownConverter
from sphinx.application import Sphinx

from repro.claims.document import ROW_COLUMNS, ClaimsDocument, claims_document, document_rows, document_schema
from repro.ground import files
from repro.protocol.claim import Claim
from repro.results import available_tables, provenance_path
from repro.results.tables import read_provenance
from repro.studies import chapter_of

LICENCE: Final = "https://creativecommons.org/licenses/by/4.0/"
AUTHORS: Final = "#contributors"
JSON, SCHEMA, ROWS, CRATE, LIST = (
    "claims.json",
    "claims.schema.json",
    "claims.csv",
    "ro-crate-metadata.json",
    "llms.txt",
)
DROPPED: Final = (
    "script, style, svg, button, input, label, nav, .headerlink, .dashboard-tools, .chapter-tools, details.above-input"
)


def site_address(kind: str, claim: Claim, profile: str) -> str | None:
    """Address, from the root of the site, of a claim's card, table or provenance."""
    if kind == "card":
        return f"{CHAPTERS}{chapter_of(claim.study)}.html#card-{claim.id}"
    if (claim.experiment, profile) not in available_tables():
        return None
    return evidence.table_address(claim.experiment, profile, ".csv" if kind == "table" else ".json")


def write_claims(app: Sphinx, folder: Path) -> ClaimsDocument:
    """Write the claims as JSON with its schema, and as CSV."""
    document = claims_document(
        title=str(app.config.project),
        version=importlib.metadata.version("imbalance-book"),
        licence=LICENCE,
        address=site_address,
    )
    files.atomic_write_text(folder / JSON, document.model_dump_json(indent=1) + "\n")
    files.atomic_write_text(folder / SCHEMA, json.dumps(document_schema(), indent=1) + "\n")
    with (folder / ROWS).open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(ROW_COLUMNS)
        lines.writerows(document_rows(document))
    return document


def crate(title: str, repository: str, folder: Path) -> dict[str, Any]:
    """Describe the result tables of a site as a research object crate (RO-Crate 1.1), in JSON-LD.

    Its validator (roc-validator 0.13) finds all required and recommended properties.
    """
    parts: list[dict[str, Any]] = []
    finished = []
    for name, about, form in (
        (JSON, "All claims with their verdicts; the schema is claims.schema.json.", "application/json"),
        (SCHEMA, "JSON Schema of claims.json.", "application/schema+json"),
        (ROWS, "One row for each claim, profile and condition.", "text/csv"),
    ):
        parts.append({"@id": name, "@type": "File", "name": name, "description": about, "encodingFormat": form})
    for (experiment, profile), path in sorted(available_tables().items()):
        provenance = read_provenance(provenance_path(path))
        table, record = (evidence.table_address(experiment, profile, suffix) for suffix in (".csv", ".json"))
        finished.append(provenance.finished)
        content = (folder / table).read_bytes()
        parts.append(
            {
                "@id": table,
                "@type": "File",
                "name": f"Result table of {experiment}, profile {profile}",
                "encodingFormat": "text/csv",
                "contentSize": str(len(content)),
                "sha256": hashlib.sha256(content).hexdigest(),
                "dateModified": provenance.finished,
                "subjectOf": {"@id": record},
            }
        )
        parts.append(
            {
                "@id": record,
                "@type": "File",
                "name": f"Provenance of {experiment}, profile {profile}",
                "description": f"Code of commit {provenance.commit}, versions, seeds, data and hardware.",
                "encodingFormat": "application/json",
            }
        )
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"{title}: claims, verdicts and result tables",
        "description": "Statements of papers about class-imbalanced learning, the rules that judge them, the verdicts, "
        "and the tables they rest on.",
        "datePublished": max(finished, default="")[:10],
        "license": {"@id": LICENCE},
        "author": {"@id": AUTHORS},
        "publisher": {"@id": AUTHORS},
        "hasPart": [{"@id": part["@id"]} for part in parts],
    }
    descriptor = {
        "@id": CRATE,
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }
    licence = {
        "@id": LICENCE,
        "@type": "CreativeWork",
        "name": "Creative Commons Attribution 4.0 International",
        "identifier": "CC-BY-4.0",
    }
    authors = {"@id": AUTHORS, "@type": "Organization", "name": f"{title} contributors", "url": repository}
    graph = [descriptor, root, licence, authors, *parts]
    return {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}


def as_markdown(html: str) -> tuple[str, str]:
    """Title and text, in Markdown, of the article of a page; both empty where there is none."""
    article = BeautifulSoup(html, "html.parser").select_one("article.bd-article")
    if article is None:
        return "", ""
    for needless in article.select(DROPPED):
        needless.decompose()
    for picture in article.find_all("img"):
        picture.replace_with(f"[Figure: {picture.get('alt', '')}]")
    heading = article.find("h1")
    text = MarkdownConverter(heading_style="ATX", bullets="-").convert_soup(article)
    lines = [line.rstrip() for line in text.splitlines()]
    kept = [line for place, line in enumerate(lines) if line or (place and lines[place - 1])]
    return heading.get_text().strip() if heading else "", "\n".join(kept).strip() + "\n"


def write_pages(app: Sphinx, folder: Path) -> None:
    """Write each page of the table of contents as Markdown beside it, and the list of all."""
    lines = [f"# {app.config.project}", ""]
    lines += ["> Statements of papers about class-imbalanced learning, each judged by code that can be run again.", ""]
    lines += ["## Evidence", ""]
    lines += [f"- [{JSON}]({JSON}): every claim with its verdicts, effects and intervals ({SCHEMA} is its schema)"]
    lines += [f"- [{ROWS}]({ROWS}): the same as a table", f"- [{CRATE}]({CRATE}): description of all result tables"]
    lines += ["", "## Pages", ""]
    for name in app.config.external_site_map:
        docname = str(name).removesuffix(".md").removesuffix(".ipynb")
        page = folder / f"{docname}.html"
        title, text = as_markdown(page.read_text(encoding="utf-8")) if page.is_file() else ("", "")
        if title:
            files.atomic_write_text(folder / f"{docname}.md", text)
            lines.append(f"- [{title}]({docname}.md)")
    files.atomic_write_text(folder / LIST, "\n".join(lines) + "\n")


def write_files(app: Sphinx, exception: Exception | None) -> None:
    """Write all of them once the pages stand."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    write_claims(app, folder)
    repository = str(app.config.html_theme_options["repository_url"])
    described = crate(str(app.config.project), repository, folder)
    files.atomic_write_text(folder / CRATE, json.dumps(described, indent=1) + "\n")
    write_pages(app, folder)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the writing of the files, after the tables have been copied."""
    app.connect("build-finished", write_files, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
