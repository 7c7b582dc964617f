"""One PDF of the built book: every page of the table of contents, printed by a browser, in order.

``python book/pdf.py`` reads ``_build/html`` (``make book`` writes it) and writes ``_build/imbalance-book.pdf``, with an
outline of its pages. It needs Chromium or Chrome on the PATH and no network.
"""

from __future__ import annotations

import http.server
import io
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "_ext"))

from book_inputs import BUILD, toc_files

SITE = BUILD / "html"
BOOK = BUILD / "imbalance-book.pdf"
PAPER = {
    "format": "A4",
    "print_background": True,
    "margin": {"top": "16mm", "bottom": "18mm", "left": "16mm", "right": "16mm"},
}
UNFOLD = """async () => {
  document.querySelectorAll("article details:not(.hide)").forEach((part) => { part.open = true });
  for (const picture of document.images) picture.loading = "eager";
  await Promise.all([...document.images].map((picture) => picture.decode().catch(() => null)));
  await window.MathJax?.startup?.promise;
  await document.fonts.ready;
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder to this machine; gives the address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def printed(page: Any, address: str) -> bytes:
    """Print a page as PDF, in the light theme, with all that is folded open."""
    page.goto(address, wait_until="load")
    page.evaluate(UNFOLD)
    content: bytes = page.pdf(**PAPER)
    return content


Places = dict[tuple[str, str], tuple[int, float | None]]
"""Sheet, and height on it, of a page (with an empty anchor) or of one of its anchors."""


def link_inside(book: Any, address: str, places: Places, owners: list[str], published: str) -> None:
    """Let links between printed pages lead to their places, and those to other pages of the site to where it is read.

    Parameters
    ----------
    book : pypdf.PdfWriter
        All sheets.
    address : str
        Where the pages were served while they were printed.
    places : dict
        Where printed pages and their anchors stand.
    owners : list of str
        Name of the printed page of each sheet.
    published : str
        Address of the site.
    """
    from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, NullObject, TextStringObject

    for sheet, owner in zip(book.pages, owners, strict=True):
        for entry in (found.get_object() for found in sheet.get("/Annots", ())):
            target = str(entry.get("/A", {}).get("/URI", ""))
            if "/Dest" in entry:  # two pages may have an anchor of the same name
                name, anchor = owner, str(entry.pop(NameObject("/Dest"))).removeprefix("/")
            elif target.startswith(f"{address}/"):
                name, _, anchor = target.removeprefix(f"{address}/").partition("#")
            else:
                continue
            name = name.removesuffix(".html")
            place = places.get((name, anchor), places.get((name, "")))
            if place is None:
                entry["/A"][NameObject("/URI")] = TextStringObject(published + target.removeprefix(f"{address}/"))
                continue
            number, top = place
            height = NullObject() if top is None else FloatObject(top)
            view = [book.pages[number].indirect_reference, NameObject("/XYZ"), NullObject(), height, NullObject()]
            inside = {NameObject("/S"): NameObject("/GoTo"), NameObject("/D"): ArrayObject(view)}
            entry[NameObject("/A")] = DictionaryObject(inside)


def make(program: str, site: Path, names: list[str], target: Path) -> int:
    """Write the pages `names` of a site into one PDF and return the number of its sheets."""
    from playwright.sync_api import sync_playwright
    from pypdf import PdfReader, PdfWriter

    book, places, owners = PdfWriter(), Places(), list[str]()
    with served(site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        page = browser.new_context(color_scheme="light", reduced_motion="reduce").new_page()
        for name in names:
            sheets = PdfReader(io.BytesIO(printed(page, f"{address}/{name}.html")))
            first = places[name, ""] = (len(owners), None)
            for anchor, found in sheets.named_destinations.items():
                place = (first[0] + sheets.get_destination_page_number(found), float(found.top or 0) or None)
                places[name, anchor.removeprefix("/")] = place
            owners += [name] * len(sheets.pages)
            book.append(sheets, import_outline=False)
            book.add_outline_item(page.title().rpartition(" — ")[0] or page.title(), first[0])
            print(f"[pdf] {name}: {len(sheets.pages)} sheets", flush=True)
        canonical = page.evaluate("() => document.querySelector('link[rel=canonical]').href")
        browser.close()
    link_inside(book, address, places, owners, canonical.removesuffix(f"{names[-1]}.html"))
    book.compress_identical_objects()
    book.write(target)
    return len(book.pages)


def main() -> int:
    """Print the book and return the exit code."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        print("[pdf] error: no Chromium on the PATH (Debian: apt-get install chromium)", file=sys.stderr)
        return 1
    missing = [name for name in toc_files() if not (SITE / name).with_suffix(".html").is_file()]
    if missing:
        print(f"[pdf] error: no page for {', '.join(missing)} in {SITE}; run: make book", file=sys.stderr)
        return 1
    print(f"[pdf] {make(program, SITE, toc_files(), BOOK)} sheets in {BOOK}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
