"""The committed notebooks: both halves agree, outputs are stripped, and they read well outside the book."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import jupytext
import nbformat
import pytest
import yaml

import repro

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TEXTS = sorted((ROOT / "notebooks").glob("*.py"))
REPOSITORY = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str | None = None) -> list[nbformat.NotebookNode]:
    return [cell for cell in jupytext.read(path).cells if kind in (None, cell.cell_type)]


def test_every_notebook_has_its_text_half_and_stands_in_the_table_of_contents() -> None:
    assert NOTEBOOKS
    assert [path.stem for path in NOTEBOOKS] == [path.stem for path in TEXTS]
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        assert f"notebooks/{path.stem}" in toc


@by_name
def test_both_halves_of_a_pair_hold_the_same_cells(path: Path) -> None:
    halves = [[(cell.cell_type, cell.source) for cell in cells(half)] for half in (path, path.with_suffix(".py"))]
    assert halves[0] == halves[1], "run: jupytext --sync notebooks/*.py"


@by_name
def test_both_halves_of_a_pair_hold_the_same_tags_and_alternative_texts(path: Path) -> None:
    def wanted(half: Path) -> list[tuple[object, object]]:
        return [(cell.metadata.get("tags", []), cell.metadata.get("mystnb", {})) for cell in cells(half)]

    assert wanted(path) == wanted(path.with_suffix(".py"))


@by_name
def test_committed_notebook_is_valid_and_has_no_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@by_name
def test_prose_needs_no_markup_that_only_the_book_understands(path: Path) -> None:
    for cell in cells(path, "markdown"):
        assert not re.search(r"\{[a-z:_-]+\}`", cell.source), f"a role: {cell.source[:80]}"
        assert not re.search(r"^\s*(:{3,}|`{3,}\{)", cell.source, re.MULTILINE), f"a directive: {cell.source[:80]}"
        assert not re.search(r"^\s*\(\w[\w-]*\)=", cell.source, re.MULTILINE), f"a label: {cell.source[:80]}"
    for cell in cells(path, "code"):
        assert "glue(" not in cell.source


@by_name
def test_first_code_cell_installs_in_colab_only_and_is_hidden_in_the_book(path: Path) -> None:
    first = cells(path, "code")[0]
    assert "remove-cell" in first.metadata.get("tags", [])
    tree = ast.parse(first.source)
    acting = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    assert len(acting) == 1
    assert isinstance(acting[0], ast.If)
    assert "'google.colab' in sys.modules" in ast.unparse(acting[0].test)
    assert not acting[0].orelse
    assert "--no-deps" in first.source
    assert f"{REPOSITORY}@v{repro.__version__}" in first.source
    opened = re.findall(
        r"colab\.research\.google\.com/github/[\w-]+/[\w-]+/blob/([^/]+)/", cells(path, "markdown")[0].source
    )
    assert opened == [f"v{repro.__version__}"], "Colab opens the release that the cell installs"
    assert not re.search(r"\b(numpy|scipy|pandas|torch|scikit-learn)\s*==", first.source)


@by_name
def test_every_code_cell_is_plain_python(path: Path) -> None:
    for cell in cells(path, "code"):
        ast.parse(cell.source)


@by_name
def test_links_of_a_chapter_are_ordinary_and_lead_somewhere(path: Path) -> None:
    for cell in cells(path, "markdown"):
        for target in re.findall(r"\]\(([^)\s]+)\)", cell.source):
            if not target.startswith(("http://", "https://", "#", "mailto:")):
                assert (path.parent / target.partition("#")[0]).exists(), target


@by_name
def test_chapter_opens_with_a_question_and_offers_hidden_solutions(path: Path) -> None:
    prose = "\n".join(cell.source for cell in cells(path, "markdown"))
    assert re.match(r"# .+\?", prose.lstrip()), "the title is a question"
    for tag in ("details", "summary"):
        opened = prose.count(f"<{tag}")
        assert opened == prose.count(f"</{tag}>"), f"each <{tag}> is closed"
        assert opened >= 3, f"a chapter has at least three exercises with hidden solutions, this one has {opened}"


def searches_in_names(source: str) -> list[str]:
    """Places where code compares or takes apart what an attribute ``name`` holds."""

    def speaks_of_a_name(node: ast.AST) -> bool:
        return any(isinstance(part, ast.Attribute) and part.attr == "name" for part in ast.walk(node))

    found = []
    for node in ast.walk(ast.parse(source)):
        of_a_name = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.value
        pattern = isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.")
        looked_at = [node] if isinstance(node, ast.Compare) or pattern else [of_a_name] if of_a_name else []
        if any(map(speaks_of_a_name, looked_at)):
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize(
    "source",
    [
        "[one for one in judged if 'digits' in one.name]",
        "[one for one in judged if one.name.startswith(part)]",
        "next(one.verdict for one in judged if one.name == 'full_file')",
        "*_, method, test_set = one.name.split(', ')",
        "re.search('weak', one.name)",
    ],
)
def test_a_search_in_names_is_found(source: str) -> None:
    assert searches_in_names(source)
    assert not searches_in_names("rows[one.settings['method']] = one.name")


@by_name
def test_chapter_asks_for_conditions_by_their_settings(path: Path) -> None:
    for cell in cells(path, "code"):
        assert not searches_in_names(cell.source), "repro.claims.Findings selects conditions by their settings"
        assert "judge_claim" not in cell.source, "repro.claims.Findings counts conditions and words effects"


@by_name
def test_cells_before_the_first_picture_are_short(path: Path) -> None:
    every = cells(path)
    picture = next(place for place, cell in enumerate(every) if re.match("#{2,3} The idea in one picture", cell.source))
    opening = [cell.source for cell in every[:picture] if cell.cell_type == "code"]
    assert opening
    assert [len(source.splitlines()) for source in opening if len(source.splitlines()) > 15] == []
