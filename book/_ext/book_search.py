"""The search of the book: an index of its sections, words, claims and names, and the page that looks things up in it.

Sphinx' own index knows pages only, shows what it finds in their sources and ranks the reference first. This one is
written from the text that a reader sees, without code and formulas, one entry for each place that can be linked to.
``_static/search.js`` reads it, from a file as well as from a server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import book_evidence as evidence
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

INDEX = "_static/search-index.js"
DASHBOARD = "book/claims"
GLOSSARY = "book/glossary"
REFERENCE = "book/api/generated/"
SUMMARY = 300
"""Characters that are kept of the description of a name of the package."""

UNREAD = (
    nodes.comment, nodes.image, nodes.literal_block, nodes.raw, nodes.system_message, nodes.title,
    addnodes.desc_signature, addnodes.index,
)  # fmt: skip


def launches(node: nodes.Node) -> bool:
    """Whether a node is a link that opens the chapter elsewhere."""
    return isinstance(node, nodes.reference) and "colab.research.google.com" in node.get("refuri", "")


def words_of(node: nodes.Node) -> str:
    """Text of a node as it reads on the page: no code, no formula that needs to be set, no raw HTML."""
    if isinstance(node, nodes.Text):
        return str(node)
    if isinstance(node, nodes.math | nodes.math_block):
        plain = re.sub(r"[\s{}$]+", " ", node.astext()).strip()
        return plain if re.fullmatch(r"[\w\s=<>+\-.,()/%]*", plain) else "…"
    if isinstance(node, UNREAD) or (isinstance(node, nodes.paragraph) and any(map(launches, node.children))):
        return ""
    apart = "" if isinstance(node, nodes.TextElement) and not isinstance(node, nodes.Structural) else " "
    return apart.join(words_of(child) for child in node.children)


def text_of(*found: nodes.Node) -> str:
    """Text of nodes in one line."""
    return " ".join(" ".join(map(words_of, found)).split())


def places(doctree: nodes.document, docname: str, target: str) -> Iterator[list[str]]:
    """Entries of a page: kind, title of the page, title of the place, address, text.

    Parameters
    ----------
    doctree : docutils.nodes.document
        Of the page, resolved.
    docname : str
        Name of the page.
    target : str
        Its address within the site.

    Yields
    ------
    list of str
        One for the page and each of its sections, for each word of the glossary, or for the name that a page of the
        reference describes.
    """
    title = next((node.astext() for node in doctree.findall(nodes.title)), docname)
    if docname.startswith(REFERENCE):
        described = next(doctree.findall(addnodes.desc_content), doctree)
        yield ["name", "Reference", title, target, text_of(*described.children[:2])[:SUMMARY]]
        return
    for section in doctree.findall(nodes.section):
        own = [child for child in section.children if not isinstance(child, nodes.section | addnodes.glossary)]
        heading = next((child.astext() for child in own if isinstance(child, nodes.title)), title)
        whole = isinstance(section.parent, nodes.document)
        address = target if whole else f"{target}#{section['ids'][0]}"
        yield ["page" if whole else "section", title, heading, address, text_of(*own)]
    for item in doctree.findall(nodes.definition_list_item):
        terms = [child for child in item.children if isinstance(child, nodes.term) and child["ids"]]
        if docname == GLOSSARY and terms:
            names = ", ".join(next(term.findall(nodes.Text)) for term in terms)
            yield ["term", title, names, f"{target}#{terms[0]['ids'][0]}", text_of(*item.children[len(terms) :])]


def cards_of(doctree: nodes.document) -> Iterator[str]:
    """Ids of the cards that a page shows, each the id of a claim after ``card-``."""
    for node in doctree.findall(nodes.raw):
        yield from re.findall(r'\bid="card-([\w-]+)"', node.astext())


class Index:
    """What the search looks things up in, collected while the pages are written."""

    def __init__(self) -> None:
        self.entries: list[list[str]] = []
        self.cards: dict[str, tuple[str, str]] = {}

    def add(self, app: Sphinx, doctree: nodes.document, docname: str) -> None:
        """Take in a page."""
        target = app.builder.get_target_uri(docname)
        self.entries += places(doctree, docname, target)
        title = next((node.astext() for node in doctree.findall(nodes.title)), docname)
        for name in cards_of(doctree):
            self.cards.setdefault(name, (title, f"{target}#card-{name}"))

    def claims(self, app: Sphinx) -> Iterator[list[str]]:
        """Entries of all claims, each with the card that a chapter shows, or else its row in the dashboard."""
        row = app.builder.get_target_uri(DASHBOARD)
        for name, entry in evidence.all_evidence().items():
            title, target = self.cards.get(name, ("All claims", f"{row}#{name}"))
            paper = f"{evidence.paper_of(entry.claim).name}, {entry.claim.locator}"
            text = f"{entry.claim.statement} {paper}: {entry.headline.words}."
            yield ["claim", title, name, target, text]

    def write(self, app: Sphinx, exception: Exception | None) -> None:
        """Write the index into the finished site."""
        if exception is None and app.builder.name == "html":
            content = json.dumps([*self.entries, *self.claims(app)], ensure_ascii=False, separators=(",", ":"))
            Path(app.outdir, INDEX).write_text(f"window.bookIndex={content};\n", encoding="utf-8")


def replace_the_search_of_sphinx(app: Sphinx) -> None:
    """Let Sphinx write neither its index nor its page."""
    if hasattr(app.builder, "search"):
        app.builder.search = False


def search_page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Give the page of the search."""
    yield "search", {"title": "Search"}, "search.html"


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the index to the build."""
    index = Index()
    app.connect("builder-inited", replace_the_search_of_sphinx)
    app.connect("doctree-resolved", index.add, priority=800)  # what other extensions fill in stands there by then
    app.connect("html-collect-pages", search_page)
    app.connect("build-finished", index.write)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
