"""Links that nobody has to write: from the first use of a word to the glossary, from a name to the reference and back.

The explanation of a word stands beside its link, hidden until the link is pointed at or has the focus, so that it needs
no script and a screen reader gives it as the description of the link.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

GLOSSARY = "book/glossary"
REFERENCE = "book/api/generated/"
CHAPTERS = "notebooks/"
LEFT_ALONE = (
    nodes.title, nodes.literal, nodes.literal_block, nodes.reference, nodes.math, nodes.math_block, nodes.raw,
    nodes.image, nodes.figure, nodes.table, nodes.term, nodes.rubric, nodes.citation, nodes.footnote, addnodes.desc,
    addnodes.toctree,
)  # fmt: skip
"""Nodes in which no word becomes a link."""


@dataclass(frozen=True)
class Entry:
    """A word of the glossary.

    Parameters
    ----------
    anchor : str
        Id of the entry in the glossary.
    explanation : str
        Its text, without citations.
    names : tuple of (str, str)
        Each name with what stands in brackets behind it, which says where the word is meant this way; empty for a word
        that means this everywhere.
    """

    anchor: str
    explanation: str
    names: tuple[tuple[str, str], ...]

    def pattern(self, docname: str) -> str:
        """Regular expression of the names that mean this word on a page; empty where none does."""
        # a page for teachers speaks of levels and steps of its own, so that no word has a chapter's meaning there
        page = "" if docname.startswith("book/teaching/") else docname.lower().replace("_", " ")
        return "|".join(pattern_of(name) for name, where in self.names if not where or where.lower() in page)


def pattern_of(name: str) -> str:
    """Regular expression of a word in running text: plural, other spacing, a capital where a sentence starts."""
    written = re.sub(r"(?:\\?\s)+", r"\\s+", re.escape(name)).replace(r"\-", "-?")
    if name == name.lower() and name[0].isalpha():
        written = rf"(?:{name[0]}|(?<![\w,;]\s){name[0].upper()}){written[1:]}"
    return rf"(?<![\w-]){written}(?:e?s)?(?![\w-])"


def entries_of(glossary: nodes.document) -> list[Entry]:
    """Words of the glossary in its order."""
    found = []
    for item in glossary.findall(nodes.definition_list_item):
        terms = [child for child in item.children if isinstance(child, nodes.term)]
        definition = next(item.findall(nodes.definition)).deepcopy()
        for citation in [node for node in definition.findall(addnodes.pending_xref) if node.get("refdomain") == "cite"]:
            citation.parent.remove(citation)
        text = re.sub(r"\s+([.,;:])", r"\1", " ".join(definition.astext().split()))
        names = [re.fullmatch(r"(.+?)(?: \(([^)]+)\))?", next(term.findall(nodes.Text))) for term in terms]
        found.append(Entry(terms[0]["ids"][0], text, tuple((name[1], name[2] or "") for name in names if name)))
    return found


class Words:
    """The words of the glossary, read once, and their links."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def link(self, app: Sphinx, doctree: nodes.document, docname: str) -> None:
        """Link the first use of each word of the glossary in a page."""
        if docname == GLOSSARY or docname.startswith(REFERENCE) or GLOSSARY not in app.env.found_docs:
            return
        self.entries = self.entries or entries_of(app.env.get_doctree(GLOSSARY))
        address = app.builder.get_relative_uri(docname, GLOSSARY)
        waiting = {entry.anchor: entry for entry in self.entries}
        for node in list(doctree.findall(lambda node: isinstance(node, nodes.Text | nodes.reference))):
            if isinstance(node, nodes.reference):
                target, _, anchor = str(node.get("refuri", "")).partition("#")
                if target == address and anchor in waiting:
                    node.replace_self(explained(node.astext(), address, waiting.pop(anchor)))
            elif not any(isinstance(parent, LEFT_ALONE) for parent in parents_of(node)):
                parts = list(split(str(node), waiting, docname, address))
                if any(isinstance(part, nodes.raw) for part in parts):
                    node.parent.replace(node, parts)


def parents_of(node: nodes.Node) -> Iterator[nodes.Node]:
    """All nodes that a node stands in, the nearest first."""
    while node.parent is not None:
        node = node.parent
        yield node


def split(text: str, waiting: dict[str, Entry], docname: str, address: str) -> Iterator[nodes.Node]:
    """Parts of a text, with a link for each word that waits; those are taken out of `waiting`."""
    while True:
        found = {anchor: re.search(entry.pattern(docname) or r"(?!)", text) for anchor, entry in waiting.items()}
        matches = [(match.start(), -match.end(), anchor, match) for anchor, match in found.items() if match]
        if not matches:
            break
        *_, anchor, match = min(matches, key=lambda entry: entry[:2])
        if match.start():
            yield nodes.Text(text[: match.start()])
        yield explained(match[0], address, waiting.pop(anchor))
        text = text[match.end() :]
    if text:
        yield nodes.Text(text)


def explained(word: str, address: str, entry: Entry) -> nodes.raw:
    """Link from a word to its entry, with the explanation beside it."""
    note = f"note-{entry.anchor}"
    return nodes.raw(
        "",
        f'<a class="glossary-link" href="{escape(address)}#{entry.anchor}" aria-describedby="{note}">{escape(word)}</a>'
        f'<span class="glossary-note" role="tooltip" id="{note}" hidden>{escape(entry.explanation)}</span>',
        format="html",
    )


def described(app: Sphinx) -> dict[str, tuple[str, str]]:
    """Page and anchor of every name of the package in the reference."""
    objects = app.env.get_domain("py").get_objects()
    return {name: (docname, anchor) for name, _, _, docname, anchor, _ in objects if docname.startswith(REFERENCE)}


def link_names(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link inline code that names something of the package to the reference.

    A full name links where the reference knows it; a bare one where only one class or function has it and it cannot be
    an ordinary word.
    """
    if docname.startswith(REFERENCE):
        return
    known = described(app)
    short: dict[str, list[str]] = {}
    for name, (page, _) in known.items():
        if page == REFERENCE + name:
            short.setdefault(name.rpartition(".")[2], []).append(name)
    for node in list(doctree.findall(nodes.literal)):
        code = re.match(r"[\w.]*", node.astext())[0]
        names = [code] if code in known else short.get(code, []) if re.search(r"_|[a-z][A-Z]|^[A-Z]{2}", code) else []
        if len(names) == 1 and not any(isinstance(parent, LEFT_ALONE) for parent in parents_of(node)):
            page, anchor = known[names[0]]
            link = nodes.reference(
                "",
                "",
                internal=True,
                refuri=f"{app.builder.get_relative_uri(docname, page)}#{anchor}",
                classes=["name-link"],
            )
            node.replace_self(link)
            link += node


@cache
def names_in(notebook: Path) -> frozenset[str]:
    """Full names of what the code of a notebook takes from the package."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    lines = [line for cell in cells if cell["cell_type"] == "code" for line in "".join(cell["source"]).splitlines()]
    tree = ast.parse("\n".join(line for line in lines if not line.lstrip().startswith(("%", "!"))))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
    taken = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in imports
        if f"{node.module}.".startswith("repro.")
        for alias in node.names
    }
    attributes = {
        f"{taken[node.value.id]}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in taken
    }
    return frozenset(taken.values()) | attributes


def name_chapters(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Say on a page of the reference in which chapters the name, or something of the room, is used."""
    if not docname.startswith(REFERENCE):
        return
    name = docname.removeprefix(REFERENCE)
    # a name is used by itself; a room also through what stands in it
    used = [
        chapter
        for chapter in (entry.removesuffix(".ipynb") for entry in app.config.external_site_map)
        if chapter.startswith(CHAPTERS) and (notebook := Path(app.srcdir, f"{chapter}.ipynb")).is_file()
        if any(f"{taken}.".startswith(f"{name}.") for taken in names_in(notebook))
    ]
    if used:
        line = nodes.paragraph("", "Used in: ", classes=["used-in"])
        for number, chapter in enumerate(used):
            address = app.builder.get_relative_uri(docname, chapter)
            line += [nodes.Text(", ")] * bool(number)
            line += nodes.reference("", app.env.titles[chapter].astext(), internal=True, refuri=address)
        section = next(doctree.findall(nodes.section))
        section.insert(section.first_child_matching_class(nodes.title) + 1, line)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the links; the search has read the page by then."""
    app.connect("doctree-resolved", link_names, priority=890)
    app.connect("doctree-resolved", name_chapters, priority=890)
    app.connect("doctree-resolved", Words().link, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
