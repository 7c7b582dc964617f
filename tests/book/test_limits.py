"""What a page may weigh and how wide its code may be."""

from __future__ import annotations

from pathlib import Path

import jupytext
import pytest
from book_inputs import toc_files
from book_site import ROOT

HEAVIEST = 1_200_000
"""Bytes of a page of HTML, figures within it included."""

WIDEST = 79
"""Columns of a line of code, so that it fits the width of the text."""

UNSEEN = {"remove-cell", "remove-input"}
NOTEBOOKS = [name for name in toc_files() if (ROOT / f"{name}.ipynb").is_file()]


@pytest.mark.book
@pytest.mark.xdist_group("book")
def test_no_page_is_too_heavy(site: Path) -> None:
    sizes = {str(path.relative_to(site)): path.stat().st_size for path in site.rglob("*.html")}
    assert sizes
    assert {name: size for name, size in sizes.items() if size > HEAVIEST} == {}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_line_of_code_that_is_shown_is_too_wide(name: str) -> None:
    cells = [cell for cell in jupytext.read(ROOT / f"{name}.ipynb").cells if cell.cell_type == "code"]
    lines = [
        (number, line)
        for number, cell in enumerate(cells, 1)
        if not UNSEEN & set(cell.metadata.get("tags", []))
        for line in cell.source.splitlines()
    ]
    assert len(lines) > 50
    assert [f"cell {number}: {line}" for number, line in lines if len(line) > WIDEST] == []
