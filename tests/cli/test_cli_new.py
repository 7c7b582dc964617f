"""``repro new``: what it writes works before anything is edited."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

WRITTEN = (
    "src/repro/studies/demo/__init__.py",
    "src/repro/studies/demo/experiments.py",
    "src/repro/studies/demo/claims.yml",
    "src/repro/plotting/demo.py",
    "notebooks/demo.py",
    "notebooks/demo.ipynb",
    "tests/studies/test_demo.py",
)
ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.xdist_group("demo")


def test_every_part_of_a_study_is_there(with_demo: Any) -> None:
    for name in WRITTEN:
        text = (with_demo.folder / name).read_text()
        assert re.findall(r"@(?:study|title|key|slug|address|version|year)@", text) == [], name
    notebook = nbformat.read(with_demo.folder / "notebooks" / "demo.ipynb", as_version=4)
    nbformat.validate(notebook)
    chapters = [
        chapter["file"]
        for part in yaml.safe_load((with_demo.folder / "_toc.yml").read_text())["parts"]
        for chapter in part["chapters"]
    ]
    studies = [place for place, chapter in enumerate(chapters) if chapter.startswith("notebooks/")]
    assert chapters[studies[-1]] == "notebooks/demo", "the new chapter comes after the others"
    assert studies == list(range(studies[0], studies[-1] + 1)), "and stands among them"
    assert "@misc{demo_paper," in (with_demo.folder / "book" / "references.bib").read_text()


def test_it_runs_and_its_claim_is_judged_with_its_control(with_demo: Any) -> None:
    tables = with_demo.json("run", "demo", "--controls", "--format", "json")
    assert [(entry["experiment"], entry["profile"], entry["cells"]) for entry in tables] == [
        ("demo.recall", "quick", 10),
        ("demo.recall", "control", 3),
    ]
    assert all(Path(entry["table"]).is_relative_to(with_demo.folder) for entry in tables)
    (claim,) = with_demo.json("claims", "demo", "--format", "json")
    assert claim["id"] == "demo-c1"
    assert claim["verdict"] == "reproduced"
    assert claim["control"].pop("changed") > 0
    assert claim["control"] == {"name": "weights_left_out", "verdict": "not reproduced"}
    assert claim["replicates"] == 10
    assert claim["mechanism_demo"] is True
    assert claim["criterion_changed"] is False


def test_criterion_changed_after_the_run_is_shown_as_changed(with_demo: Any) -> None:
    path = with_demo.folder / "src" / "repro" / "studies" / "demo" / "claims.yml"
    before = path.read_text()
    with_demo.json("run", "demo", "--jobs", "1", "--format", "json")
    try:
        path.write_text(before.replace("smallest_effect: 0.02", "smallest_effect: 0.01"))
        with_demo.json("run", "demo", "--jobs", "1", "--format", "json")
        (claim,) = with_demo.json("claims", "demo", "--format", "json")
        assert claim["criterion_changed"] is True, "running again does not hide it: the cells are the old ones"
    finally:
        path.write_text(before)


def test_accepted_verdicts_are_compared_strictly(with_demo: Any) -> None:
    with_demo.json("run", "demo", "--controls", "--format", "json")
    strict, accept = ("claims", "demo", "--strict"), ("claims", "demo", "--accept")
    before, accepted, after = with_demo.repro_each(strict, accept, strict)
    assert before.returncode == 1
    assert "differs: demo-c1" in before.stderr
    assert accepted.returncode == 0, accepted.stderr
    assert after.returncode == 0, after.stderr
    expected = with_demo.folder / "results" / "demo" / "expected.json"
    assert '"reproduced"' in expected.read_text()
    expected.write_text(expected.read_text().replace('"reproduced"', '"inconclusive"'))
    answer = with_demo.repro("claims", "demo", "--strict", "--format", "json")
    assert answer.returncode == 1
    assert "expected inconclusive, found reproduced" in answer.stderr
    expected.unlink()


def test_its_test_passes(with_demo: Any) -> None:
    answer = with_demo.python("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/studies/test_demo.py")
    assert answer.returncode == 0, answer.stdout


def test_its_code_is_formatted_linted_and_typed(with_demo: Any) -> None:
    tool = str(Path(sys.executable).with_name("ruff"))
    code = [name for name in WRITTEN if name.endswith(".py")]
    for command in (["check", *code], ["format", "--check", *code]):
        answer = with_demo.python("-c", f"import subprocess, sys; sys.exit(subprocess.call([{tool!r}, *{command!r}]))")
        assert answer.returncode == 0, answer.stdout
    kept = f"--cache-dir={ROOT / '.mypy_cache' / 'demo'}"  # what it knows of the packages is the same in every copy
    answer = with_demo.python("-m", "mypy", kept, "src/repro/studies/demo", "src/repro/plotting/demo.py")
    assert answer.returncode == 0, answer.stdout


def test_its_notebook_follows_the_rules_and_runs(with_demo: Any) -> None:
    answer = with_demo.python("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/notebooks", "-k", "demo")
    assert answer.returncode == 0, answer.stdout
    answer = with_demo.python("notebooks/demo.py")
    assert answer.returncode == 0, answer.stderr


def test_taken_and_impossible_names_are_refused(with_demo: Any) -> None:
    names = ("demo", "Demo", "two-words", "class")
    for name, answer in zip(names, with_demo.repro_each(*(("new", name) for name in names)), strict=True):
        assert answer.returncode == 2, name
        message = "study 'demo' exists already" if name == "demo" else "must be lower-case letters"
        assert message in answer.stderr, name
        assert "Traceback" not in answer.stderr, name


def test_nothing_is_written_when_a_file_is_in_the_way(checkout: Any) -> None:
    obstacle = checkout.folder / "notebooks" / "costs.py"
    obstacle.write_text("# mine\n")
    toc = (checkout.folder / "_toc.yml").read_text()
    answer = checkout.repro("new", "costs")
    assert answer.returncode == 2
    assert "exists already; nothing was written" in answer.stderr
    assert obstacle.read_text() == "# mine\n"
    assert not (checkout.folder / "src" / "repro" / "studies" / "costs").exists()
    assert (checkout.folder / "_toc.yml").read_text() == toc
