"""Where the built site lies, and what a visit to one of its pages notes."""

from __future__ import annotations

import http.server
import re
import shutil
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jupytext
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
sys.path.insert(0, str(ROOT / "book" / "_ext"))


@cache
def parsed(path: Path) -> BeautifulSoup:
    """A page as a reader without scripts gets it."""
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def rare_words(notebook: str) -> list[str]:
    """Return the ten longest words of a notebook's prose, formulas, code and addresses left out, the longest first."""
    cells = jupytext.read(ROOT / f"{notebook}.ipynb").cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    plain = re.sub(r"\$[^$]*\$|`[^`]*`|\([^)]*\)|<[^>]*>", " ", prose)
    return sorted(set(re.findall(r"\b[a-z]{8,}\b", plain)), key=lambda word: (-len(word), word))[:10]


def chromium() -> str | None:
    """Path of a Chromium, None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves the site and says nothing."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, directory=str(SITE), **options)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@dataclass
class Visit:
    """An open page with what went wrong on it so far."""

    page: Any
    console: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
