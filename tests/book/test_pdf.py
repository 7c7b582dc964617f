"""The book as one PDF: all pages in order, unfolded, with links that lead to their sheets."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from book_site import ROOT, chromium

pypdf = pytest.importorskip("pypdf")

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-2")]
ADDRESS = "https://reader.example/book/"


@pytest.fixture(scope="module")
def pdf() -> ModuleType:
    specification = importlib.util.spec_from_file_location("book_pdf", ROOT / "book" / "pdf.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def book(pdf: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A book of three pages, printed by a process of its own."""
    if chromium() is None:
        pytest.skip("no Chromium on the PATH")
    folder = tmp_path_factory.mktemp("site")
    (folder / "a").mkdir()
    texts = {
        "a/one": "<a href='../three.html'>three</a> <a href='two.html'>two</a>"
        "<details><summary>s</summary>hidden words</details>",
        "a/two": "<a href='other.html'>other</a> <a href='https://elsewhere.example/'>elsewhere</a><p id=x>"
        + "<p>line" * 90,
        "three": "<a href='#x'>here</a><p id=x>last",
    }
    for name, text in texts.items():
        head = f"<title>{name} — Toy</title><link rel=canonical href={ADDRESS}{name}.html>"
        content = f"<!doctype html><meta charset=utf-8>{head}<article>{text}</article>"
        (folder / f"{name}.html").write_text(content, encoding="utf-8")
    command = f"import sys; sys.path.insert(0, {str(ROOT / 'book')!r}); from pathlib import Path; import pdf; " + (
        f"pdf.make({chromium()!r}, Path({str(folder)!r}), {list(texts)!r}, Path({str(folder / 'out.pdf')!r}))"
    )
    finished = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return pypdf.PdfReader(folder / "out.pdf")


def test_all_pages_stand_in_order_and_nothing_is_folded(book: Any) -> None:
    texts = [sheet.extract_text() for sheet in book.pages]
    assert len(texts) >= 4
    assert "hidden words" in texts[0]
    assert "last" in texts[-1]
    assert [entry.title for entry in book.outline] == ["a/one", "a/two", "three"]
    assert [book.get_destination_page_number(entry) for entry in book.outline] == [0, 1, len(texts) - 1]


def test_links_lead_inside_the_book_or_to_where_it_is_read(book: Any) -> None:
    actions = [entry.get_object()["/A"] for sheet in book.pages for entry in sheet.get("/Annots", ())]
    addresses = [str(action["/URI"]) for action in actions if "/URI" in action]
    assert set(addresses) == {f"{ADDRESS}a/other.html", "https://elsewhere.example/"}
    inside = [action["/D"][0].get_object() for action in actions if action.get("/S") == "/GoTo"]
    last = len(book.pages) - 1
    assert [book.get_page_number(sheet) for sheet in inside] == [last, 1, last]


def test_a_book_that_is_not_built_is_refused_with_what_to_do(
    pdf: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pdf, "SITE", tmp_path)
    monkeypatch.setattr(pdf.shutil, "which", lambda name: "/bin/chromium")
    assert pdf.main() == 1
    assert "run: make book" in capsys.readouterr().err
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    assert pdf.main() == 1
    assert "apt-get install chromium" in capsys.readouterr().err
