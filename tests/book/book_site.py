"""Where the built site lies, and what a visit to one of its pages notes."""

from __future__ import annotations

import http.server
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
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
    plain = re.sub(r"\$[^$]*\$|`[^`]*`|\([^)]*\)|<[^>]*>|https?:\S+", " ", prose)
    return sorted(set(re.findall(r"\b[a-z]{8,}\b", plain)), key=lambda word: (-len(word), word))[:10]


def chromium() -> str | None:
    """Path of a Chromium, None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder that does not change, and says nothing."""

    protocol_version = "HTTP/1.1"

    def end_headers(self) -> None:
        """Let the browser keep what it has."""
        self.send_header("Cache-Control", "max-age=3600")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder; gives the address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


SOONER = """const real = window.setTimeout;
window.setTimeout = (then, wait = 0, ...rest) => real(then, Math.min(wait, 20), ...rest);
window.settled = async () => {
  const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  await drawn();  // what was changed is laid out, and the scripts that watch for it have set their clocks
  await new Promise((done) => real(done, 60));
  await drawn();
};"""
"""The theme's scripts follow a change after 300 ms of quiet; on these visits after 20, so that nobody has to wait."""

SETTLED = "() => window.settled()"


@dataclass
class Visit:
    """An open page with what went wrong on it so far."""

    page: Any
    console: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def show(self, width: int, theme: str) -> None:
        """Show the page on another screen and wait until its scripts have followed (the theme takes a little)."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=theme)
        self.page.evaluate(SETTLED)

    def noise(self) -> list[str]:
        """One line for each thing that went wrong."""
        return [f"{kind}: {entry}" for kind in ("console", "elsewhere", "failed") for entry in getattr(self, kind)]


def visit_in(context: Any, address: str, name: str, width: int = 1366, theme: str = "light") -> Visit:
    """Open a page of a served folder on a screen and note what it asks of other hosts (the browser reaches none)."""
    page = context.new_page()
    page.add_init_script(SOONER)
    page.goto("about:blank")
    seen = Visit(page)
    seen.show(width, theme)

    def asked(request: Any) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            seen.elsewhere.append(request.url)

    page.on("request", asked)
    page.on("console", lambda message: seen.console.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda problem: seen.console.append(str(problem)))
    page.on("response", lambda answer: seen.failed.append(answer.url) if answer.status >= 400 else None)
    page.goto(f"{address}/{name}", wait_until="load")
    page.evaluate("() => window.MathJax?.startup?.promise")
    page.evaluate("() => document.fonts.ready")
    page.evaluate(SETTLED)
    page.add_style_tag(content="*, *::before, *::after { transition: none !important; animation: none !important }")
    return seen
