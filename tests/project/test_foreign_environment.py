"""The trial of the notebooks on a stranger's machine, with an interpreter that only writes down what it is told."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
FAKE = """#!/bin/sh
echo "$@" | head -c 300 | tr '\\n' ' ' >> "$(dirname "$0")/calls"
echo >> "$(dirname "$0")/calls"
case "$2" in
*NotebookClient*) env > "$(dirname "$0")/environment"; ls > "$(dirname "$0")/beside"; {end} ;;
*) exit 0 ;;
esac
"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = ROOT / "scripts" / "foreign_environment.py"
    spec = importlib.util.spec_from_file_location("foreign_environment", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["foreign_environment"] = module
    spec.loader.exec_module(module)
    return module


def fake(folder: Path, end: str) -> str:
    path = folder / "python"
    path.write_text(FAKE.replace("{end}", end), encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_the_install_cell_of_every_notebook_takes_the_wheel_and_nothing_else_changes(script: ModuleType) -> None:
    wheel = Path("/somewhere/imbalance_book-1.0-py3-none-any.whl")
    paths = script.chapters([])
    assert len(paths) == len(list((ROOT / "notebooks").glob("*.ipynb")))
    for path in paths:
        before, after = json.loads(path.read_text(encoding="utf-8")), json.loads(script.with_wheel(path, wheel))
        changed = [
            new["source"]
            for old, new in zip(before["cells"], after["cells"], strict=True)
            if "".join(old["source"]) != "".join(new["source"])
        ]
        assert len(changed) == 1
        assert f'book = "{wheel}"' in changed[0]
        assert "git+" not in changed[0]


def test_a_notebook_without_an_address_to_install_from_is_refused(script: ModuleType, tmp_path: Path) -> None:
    cell = {"cell_type": "code", "source": ["import repro"], "metadata": {}}
    (tmp_path / "own.ipynb").write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"own\.ipynb: the first code cell must name one address"):
        script.with_wheel(tmp_path / "own.ipynb", Path("w.whl"))


def test_a_notebook_runs_alone_and_knows_nothing_of_this_checkout(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setenv("REPRO_DATA_MIRROR", "/data")
    outcome = script.run(ROOT / "notebooks" / "smote.ipynb", Path("w.whl"), fake(tmp_path, "exit 0"), tmp_path)
    assert (outcome.notebook, outcome.error) == ("smote", "")
    assert (tmp_path / "beside").read_text().split() == ["smote.ipynb"]
    assert not re.search(r"^(REPRO_|PYTHONPATH)", (tmp_path / "environment").read_text(), re.MULTILINE)
    assert "pip uninstall --quiet --yes imbalance-book" in (tmp_path / "calls").read_text()


def test_the_report_says_what_ended_a_notebook(script: ModuleType, tmp_path: Path) -> None:
    python = fake(tmp_path, 'printf "Traceback\\n\\033[31mTypeError\\033[0m: a|b\\n" >&2; exit 1')
    outcome = script.run(ROOT / "notebooks" / "smote.ipynb", Path("w.whl"), python, tmp_path)
    assert outcome.error == "TypeError: a|b"
    text = "\n".join(script.report("colab", {"Python": "3.13.0"}, [outcome, script.Outcome("sade", 61.2, "")]))
    assert "1 of 2 run to their end" in text
    assert r"| TypeError: a\|b |" in text
    assert "| sade | 61 | runs |" in text


def test_what_the_package_needs_is_there_before_or_comes_with_the_install_cell(script: ModuleType) -> None:
    """The install cell brings no dependencies, so that NumPy and PyTorch of Colab stay as they are."""
    import tomllib

    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [*needed["dependencies"], *needed["optional-dependencies"]["torch"]]
    names = {Requirement(line).name for line in declared} - {"xgboost-cpu"}
    cells = json.loads((ROOT / "notebooks" / "smote.ipynb").read_text(encoding="utf-8"))["cells"]
    first = next("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    brought = {Requirement(name).name for name in ast.literal_eval(re.search(r"others = (\[.*\])", first)[1])}
    assert {"imbalanced-learn", "pooch", "sklearn-compat"} <= brought
    assert names <= brought | set(script.BROUGHT_ALONG)


def test_versions_of_colab_are_within_the_declared_ranges(script: ModuleType) -> None:
    import tomllib

    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [*needed["dependencies"], *needed["optional-dependencies"]["torch"]]
    ranges = {Requirement(line).name: Requirement(line).specifier for line in declared}
    for name, version in script.COLAB.items():
        assert version.replace("*", "0") in ranges[name], name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["colab"], "name a folder"),
        (["colab", "F", "--only", "smoot"], "there is no notebook 'smoot'; there are auroc_auprc, "),
        (["here", "F"], "the package is installed for this interpreter"),
        (["kaggle", "F"], "invalid choice: 'kaggle'"),
    ],
)
def test_wrong_arguments_are_named(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        script.main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
