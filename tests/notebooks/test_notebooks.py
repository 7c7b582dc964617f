"""The committed notebooks: both halves agree, outputs are stripped, and they read well outside the book."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import jupytext
import nbformat
import pytest
import yaml

import repro
from repro.claims import in_short
from repro.studies import chapters

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TEXTS = sorted((ROOT / "notebooks").glob("*.py"))
REPOSITORY = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
CONTINUED = [path for path in NOTEBOOKS if path.stem not in chapters()]
"""Pages that go on with a chapter: they hold no study of their own."""
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
def test_first_code_cell_installs_in_colab_only_and_is_folded_under_a_title(path: Path) -> None:
    first = cells(path, "code")[0]
    assert first.metadata["tags"] == ["hide-input"], "folded in the book, so every page has an install line"
    assert first.metadata["mystnb"] == {"code_prompt_show": "Install the package"}
    assert re.match(r"# @title .+ \{display-mode: \"form\"\}\n", first.source), "Colab shows a title in its place"
    acting = [node for node in ast.parse(first.source).body if isinstance(node, ast.If)]
    assert [ast.unparse(node.test) for node in acting] == ["'google.colab' in sys.modules"]
    assert "--no-deps" in first.source
    assert f"{REPOSITORY}@v{repro.__version__}" in first.source
    opened = re.findall(
        r"colab\.research\.google\.com/github/[\w-]+/[\w-]+/blob/([^/]+)/", cells(path, "markdown")[0].source
    )
    assert opened == [f"v{repro.__version__}"], "Colab opens the release that the cell installs"
    assert not re.search(r"\b(numpy|scipy|pandas|torch|scikit-learn)\s*==", first.source)


def test_all_notebooks_install_in_the_same_words() -> None:
    template = (ROOT / "src" / "repro" / "cli" / "templates" / "notebook.py.txt").read_text(encoding="utf-8")
    template = template.replace("@address@", REPOSITORY).replace("@version@", repro.__version__)
    words = {cells(path, "code")[0].source for path in NOTEBOOKS}
    assert len(words) == 1
    assert words.pop() in template


def test_install_cell_says_what_to_type_where_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    source = cells(NOTEBOOKS[0], "code")[0].source
    exec(source, {})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'pip install "imbalance-book\[torch\] @ git\+https://'):
        exec(source, {})


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
        assert prose.count(f"<{tag}") == prose.count(f"</{tag}>"), f"each <{tag}> is closed"
    if path not in CONTINUED:
        exercises = [part for part in prose.split("**Exercise")[1:] if "<details><summary>Answer" in part]
        assert len(exercises) >= 3, f"three exercises with hidden answers are wanted, there are {len(exercises)}"


@by_name
def test_five_minute_part_stands_before_the_details(path: Path) -> None:
    every = cells(path)
    text = "\n".join(cell.source for cell in every)
    opening = every[0].source
    if path in CONTINUED:
        assert re.search(rf"\]\(({'|'.join(chapters())})\.ipynb\)", opening), "names the chapter that it continues"
        return
    for part in ("Read", "Run", "Not here"):
        assert f"**{part}:**" in text.replace("\n", " "), f"says in bold what belongs to {part!r}"
    assert "](#the-idea-in-one-picture)" in opening
    assert "](#what-to-use-instead)" in opening
    heads = [r"in_short\(", "^#{2,3} The idea in one picture$", "^#{2,3} What to use instead$", "^#{2,3} In detail: "]
    places = [[found.start() for found in re.finditer(head, text, re.MULTILINE)] for head in heads]
    assert all(places), "findings, picture, advice and details are there"
    assert [first for first, *_ in places] == sorted(first for first, *_ in places)
    assert "](../book/what-to-do.md)" in text[places[2][0] : places[3][0]], "the advice leads to that of all chapters"


@by_name
def test_findings_of_every_study_of_the_chapter_are_told(path: Path) -> None:
    told = re.findall(r"in_short\(([^)]*)\)", "\n".join(cell.source for cell in cells(path, "code")))
    assert set(re.findall(r"[a-z_]+", " ".join(told))) == set(chapters().get(path.stem, ()))


def reading_minutes(path: Path) -> float:
    """Minutes for 220 words a minute, up to the provenance, and ten seconds for each figure."""
    every = cells(path)
    end = next((place for place, cell in enumerate(every) if "# Provenance" in cell.source), None)
    words = figures = 0
    for cell in every[:end]:
        if cell.cell_type == "markdown":
            text = re.sub(r"(?s)```.*?```|\]\([^)]*\)|^\[\w+\]:.*?$|<[^>]+>", " ", cell.source)
            words += len(re.findall(r"[^\W_]{2,}", text))
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
                words += len(node.value.split())
            shown = [node.value] if isinstance(node, ast.Expr) else []
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "display":
                shown = node.args
            figures += sum(ast.unparse(one).startswith(("figures.", "paired(")) for one in shown)
    words += sum(len(said.text.split()) for said in in_short(*chapters().get(path.stem, ())).sentences)
    return words / 220 + figures / 6


@by_name
def test_stated_reading_time_is_that_of_the_text(path: Path) -> None:
    (stated,) = re.findall(r"Reading time (\d+) minutes?", cells(path)[0].source.replace("\n", " "))
    computed = reading_minutes(path)
    off = abs(int(stated) - computed)
    assert off <= max(0.2 * computed, 2), f"about {computed:.1f} minutes: within a fifth, or two minutes"


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


@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if path not in CONTINUED], ids=lambda path: path.stem)
def test_cells_before_the_first_picture_are_short(path: Path) -> None:
    every = cells(path)
    picture = next(place for place, cell in enumerate(every) if re.search("^#{2,3} The idea in", cell.source, re.M))
    opening = [cell.source for cell in every[:picture] if cell.cell_type == "code"]
    assert opening
    assert [len(source.splitlines()) for source in opening if len(source.splitlines()) > 15] == []


SHOWING = re.compile(r"(figures\.\w+|([\w.]*\.)?(card|table|display|find_table|results)|paired|print)$")


def only_shows(source: str) -> bool:
    """Whether code calls nothing but cards, figures and tables that were made elsewhere."""
    calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return bool(calls) and calls != ["print"] and all(SHOWING.match(call) for call in calls)


def test_code_that_only_shows_is_told_from_code_that_computes() -> None:
    assert only_shows("display(figures.risk(modern), card('smote-m2'))")
    assert only_shows("from repro.plotting import paired\nrows = results('a.b', 'quick').frame\npaired(rows, ['a'])")
    assert not only_shows("model.fit(X, y)\nfigures.drift(model)")
    assert not only_shows("x = 1")


@by_name
def test_code_that_only_shows_is_hidden(path: Path) -> None:
    hidden = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
    shown = [cell.source for cell in cells(path, "code") if not hidden & set(cell.metadata.get("tags", []))]
    assert [source for source in shown if only_shows(source)] == []
