"""Papers as they are named beside a claim, from the bibliography of the book."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from repro.ground import files

_ENTRY: Final = re.compile(r"^@\w+\{([^,\s]+),(.*?)^\}", re.DOTALL | re.MULTILINE)
_FIELD: Final = re.compile(r"^\s*(\w+)\s*=\s*\{(.*?)\},?\s*$", re.DOTALL | re.MULTILINE)
_ACCENT: Final = re.compile(r"\{\\([\^\"'`~])\{?(\w)\}?\}")
_MARKS: Final = {"^": "\u0302", '"': "\u0308", "'": "\u0301", "`": "\u0300", "~": "\u0303"}


@dataclass(frozen=True)
class Paper:
    """A paper as it is named beside a claim: authors and year, and its address where it has one."""

    name: str
    address: str | None


OWN_QUESTION: Final = Paper("A question of our own", None)
"""Stands for the paper of a claim that is taken from none."""


def papers() -> dict[str, Paper]:
    """Papers of the bibliography by key; none where the bibliography is not at hand."""
    root = files.project_root()
    return _read(root / "book" / "references.bib" if root else Path(__file__).parent / "references.bib")


@cache
def _read(bibliography: Path) -> dict[str, Paper]:
    text = bibliography.read_text(encoding="utf-8") if bibliography.is_file() else ""
    found = {}
    for key, body in _ENTRY.findall(text):
        fields = {name.lower(): " ".join(value.split()) for name, value in _FIELD.findall(body)}
        names = [_family_name(person) for person in fields.get("author", key).split(" and ")]
        authors = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
        name = f"{authors} {fields['year']}" if "year" in fields else authors
        found[key] = Paper(name, _address(fields))
    return found


def _address(fields: Mapping[str, str]) -> str | None:
    """Where a paper is found: by its DOI, else by its arXiv identifier, else where its entry says."""
    if doi := fields.get("doi"):
        return f"https://doi.org/{doi}"
    if "eprint" in fields and fields.get("archiveprefix", "").lower() == "arxiv":
        return f"https://arxiv.org/abs/{fields['eprint']}"
    return fields.get("url")


def _family_name(person: str) -> str:
    """Family name of ``Family, Given``, with its accents and without the braces of BibTeX."""
    plain = _ACCENT.sub(lambda accent: accent[2] + _MARKS[accent[1]], person.partition(",")[0])
    return unicodedata.normalize("NFC", plain).replace("{", "").replace("}", "")


def paper_named(key: str) -> Paper:
    """Paper of a claim by its key; the key itself where the bibliography does not hold it."""
    return OWN_QUESTION if key == "book" else papers().get(key, Paper(key, None))
