"""``repro new``: what it writes works before anything is edited."""

from __future__ import annotations

import json
import re
import shlex
import sys
import textwrap
from itertools import groupby
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

STUDIES = {"demo": "recall", "demo_exact": "threshold", "demo_network": "rare_recall"}
"""Studies of the copy and their experiments; the last two share a chapter."""
WRITTEN = (
    *(
        f"src/repro/studies/{name}/{file}"
        for name in STUDIES
        for file in ("__init__.py", "experiments.py", "claims.yml", "findings.yml")
    ),
    *(f"tests/studies/test_{name}.py" for name in STUDIES),
    *(f"notebooks/{name}{suffix}" for name in ("demo", "demos") for suffix in (".py", ".ipynb")),
    *(f"book/teaching/{name}.md" for name in ("demo", "demos")),
)
ROOT = Path(__file__).resolve().parents[2]
LONGEST = "of_a_length_that_no_name_of_a_study_has_"
TOOLS = Path(sys.executable).parent
pytestmark = pytest.mark.xdist_group("demo")


def tool(checkout: Any, *command: str) -> Any:
    """Run a command in a copy, one after the other if it is a program of this environment."""
    code = f"import subprocess, sys; sys.exit(subprocess.call({[str(TOOLS / command[0]), *command[1:]]!r}))"
    return checkout.python("-c", code)


def test_every_part_of_a_study_is_there(with_demo: Any) -> None:
    for name in WRITTEN:
        text = (with_demo.folder / name).read_text()
        assert re.findall(r"@(?:study|title|chapter|chapter_title|section|slug|address|version|year)@", text) == [], (
            name
        )
    for name in ("demo", "demos"):
        nbformat.validate(nbformat.read(with_demo.folder / "notebooks" / f"{name}.ipynb", as_version=4))
    chapters = [
        chapter["file"]
        for part in yaml.safe_load((with_demo.folder / "_toc.yml").read_text())["parts"]
        for chapter in part["chapters"]
    ]
    studies = [place for place, chapter in enumerate(chapters) if chapter.startswith("notebooks/")]
    found = [chapters[place] for place in studies[-2:]]
    assert found == ["notebooks/demo", "notebooks/demos"], "the new chapters come after the others, each once"
    assert studies == list(range(studies[0], studies[-1] + 1)), "and stand among them"
    toc = (with_demo.folder / "_toc.yml").read_text()
    lessons = re.findall(r"- file: book/teaching/(\w+)", toc)
    assert lessons[-2:] == ["demo", "demos"], "each new chapter has a page for teachers"
    references = (with_demo.folder / "book" / "references.bib").read_text()
    assert [references.count(f"@misc{{{name}_paper,") for name in STUDIES] == [1, 1, 1]
    size = sum(
        (with_demo.folder / name).read_text().count("\n")
        for name in WRITTEN
        if re.search(r"(?<!teaching/)demo[./]", name)
    )
    assert size - (with_demo.folder / "notebooks" / "demo.ipynb").read_text().count("\n") < 275


def test_a_study_that_joins_a_chapter_adds_a_section_before_the_provenance(with_demo: Any) -> None:
    text = (with_demo.folder / "notebooks" / "demos.py").read_text()
    heads = ["# # Demos: what", "# ## Demo exact: where", "# ## Demo network: does", "# ## Provenance"]
    places = [text.index(head) for head in heads]
    assert places == sorted(places)
    names = [cell["id"] for cell in json.loads((with_demo.folder / "notebooks" / "demos.ipynb").read_text())["cells"]]
    assert len(set(names)) == len(names)
    prefixes = [prefix for prefix, _ in groupby(names, key=lambda name: name[:-3])]
    assert prefixes == ["demos", "demo-network", "demos"], "cells that were there keep their names"
    listed = with_demo.json("list", "--format", "json")
    assert [(entry["study"], entry["chapter"]) for entry in listed] == [
        ("demo", "demo"),
        ("demo_exact", "demos"),
        ("demo_network", "demos"),
    ]


@pytest.fixture(scope="module")
def judged(with_demo: Any) -> dict[str, tuple[str, str]]:
    """What running and judging each study printed, all in one process."""
    commands = [
        command
        for study in STUDIES
        for command in (("run", study, "--controls", "--format", "json"), ("claims", study, "--format", "json"))
    ]
    said = [answer.stdout for answer in with_demo.repro_each(*commands)]
    return dict(zip(STUDIES, zip(said[::2], said[1::2], strict=True), strict=True))


@pytest.mark.parametrize("study", STUDIES)
def test_it_runs_and_its_claim_is_judged_with_its_control(with_demo: Any, judged: Any, study: str) -> None:
    tables, (claim,) = (json.loads(text) for text in judged[study])
    assert [(entry["experiment"], entry["profile"]) for entry in tables] == [
        (f"{study}.{STUDIES[study]}", "quick"),
        (f"{study}.{STUDIES[study]}", "control"),
    ]
    assert all(Path(entry["table"]).is_relative_to(with_demo.folder) for entry in tables)
    assert claim["id"] == f"{study}-c1"
    assert claim["verdict"] == "reproduced"
    assert claim["control"].pop("changed") > 0
    assert claim["control"].pop("name")
    assert claim["control"] == {"verdict": "not reproduced"}
    assert claim["mechanism_demo"] is (study != "demo_exact")
    assert claim["criterion_changed"] is False


def test_criterion_changed_after_the_run_is_shown_as_changed(with_demo: Any) -> None:
    path = with_demo.folder / "src" / "repro" / "studies" / "demo_exact" / "claims.yml"
    before = path.read_text()
    run = ("run", "demo_exact", "--format", "json")
    with_demo.json(*run)
    try:
        path.write_text(before.replace("bound: 1.0e-05", "bound: 2.0e-05"))
        again, judged = with_demo.repro_each(run, ("claims", "demo_exact", "--format", "json"))
        assert again.returncode == 0, again.stderr
        (claim,) = json.loads(judged.stdout)
        assert claim["criterion_changed"] is True, "running again does not hide it: the cells are the old ones"
    finally:
        path.write_text(before)


def test_accepted_verdicts_are_compared_strictly(with_demo: Any) -> None:
    strict, accept = ("claims", "demo_exact", "--strict"), ("claims", "demo_exact", "--accept")
    _, before, accepted, after = with_demo.repro_each(("run", "demo_exact", "--controls"), strict, accept, strict)
    assert before.returncode == 1
    assert "differs: demo_exact-c1" in before.stderr
    assert accepted.returncode == 0, accepted.stderr
    assert after.returncode == 0, after.stderr
    expected = with_demo.folder / "results" / "demo_exact" / "expected.json"
    assert '"reproduced"' in expected.read_text()
    expected.write_text(expected.read_text().replace('"reproduced"', '"inconclusive"'))
    answer = with_demo.repro(*strict, "--format", "json")
    assert answer.returncode == 1
    assert "expected inconclusive, found reproduced" in answer.stderr
    expected.unlink()


def test_their_tests_and_the_rules_of_notebooks_pass(with_demo: Any) -> None:
    tests = [f"tests/studies/test_{name}.py" for name in STUDIES]
    chosen = ("tests/notebooks", "-k", "demo")
    answer = with_demo.python("-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, *chosen)
    assert answer.returncode == 0, answer.stdout
    assert "warning" not in answer.stdout


def test_its_code_is_formatted_linted_and_typed(with_demo: Any) -> None:
    code = [name for name in WRITTEN if name.endswith(".py")]
    for command in (("ruff", "check", *code), ("ruff", "format", "--check", *code)):
        answer = tool(with_demo, *command)
        assert answer.returncode == 0, answer.stdout
    kept = f"--cache-dir={ROOT / '.mypy_cache' / 'demo'}"  # what it knows of the packages is the same in every copy
    answer = with_demo.python("-m", "mypy", kept, *(f"src/repro/studies/{name}" for name in STUDIES))
    assert answer.returncode == 0, answer.stdout


def test_names_of_any_length_keep_the_lines_short(checkout: Any) -> None:
    short, long = "x", "a" + LONGEST[:39]
    commands = [("new", name, "--kind", kind) for name, kind in ((short, "network"), (long, "table"))]
    commands += [("new", f"b{long[1:]}", "--kind", "exact", "--chapter", f"c{long[1:]}", "--begin")]
    commands += [("new", f"d{long[1:]}", "--kind", "network", "--chapter", f"c{long[1:]}")]
    commands += [("new", "y", "--kind", "exact", "--chapter", "smote"), ("new", f"{long}d")]
    answers = checkout.repro_each(*commands)
    assert [answer.returncode for answer in answers] == [0, 0, 0, 0, 0, 2], [answer.stderr for answer in answers]
    assert "40 at most" in answers[-1].stderr
    folders = ("src/repro/studies", "tests/studies", "notebooks")
    for command in (("ruff", "check", "--ignore=I001"), ("ruff", "format", "--check")):  # other studies are not there
        answer = tool(checkout, *command, *folders)
        assert answer.returncode == 0, answer.stdout


def test_their_notebooks_run(with_demo: Any) -> None:
    code = "import runpy\nfor name in ('demo', 'demos'):\n    runpy.run_path(f'notebooks/{name}.py')\n"
    answer = with_demo.python("-c", code)
    assert answer.returncode == 0, answer.stderr


def test_the_worked_example_of_the_guide_runs_word_for_word(checkout: Any) -> None:
    text = (checkout.folder / "CONTRIBUTING.md").read_text()
    section = text[text.index("## Adding a study: a worked example") : text.index("## When the code changes")]
    steps = re.findall(r"^ *```(bash|yaml)\n(.*?)^ *```", section, flags=re.DOTALL | re.MULTILINE)
    assert [kind for kind, _ in steps] == ["bash", "yaml", "bash"]
    claims = checkout.folder / "src" / "repro" / "studies" / "costs" / "claims.yml"
    said = []
    for kind, block in steps:
        lines = textwrap.dedent(block).splitlines()
        if kind == "yaml":
            claims.write_text("\n".join([claims.read_text(), *lines, ""]))
            continue
        commands = [shlex.split(line, comments=True) for line in lines if line.strip()]
        assert {command[0] for command in commands} == {"repro"}
        for answer in checkout.repro_each(*(tuple(command[1:]) for command in commands)):
            assert answer.returncode == 0, answer.stderr
            said.append(answer.stdout)
    rows = [line for line in said[-1].splitlines() if "costs-c" in line]
    assert [re.findall(r"costs-c\d|(?:not )?reproduced", row) for row in rows] == [
        ["costs-c1", "reproduced", "not reproduced"],
        ["costs-c2", "reproduced", "not reproduced"],
    ]
    assert "criterion changed" not in said[-1]
    assert (checkout.folder / "results" / "costs" / "expected.json").is_file()
    for name in re.findall(r"^ *\| (.+?) \|", section, flags=re.MULTILINE):
        for path in re.findall(r"`([^`]+/[^`]+)`", name):
            assert (checkout.folder / path).is_file(), path


REFUSED = (
    (("demo",), "study 'demo' exists already"),
    (("demo_network",), "chapter 'demos'"),
    (("demos",), "'demos' is the name of a chapter"),
    (("Demo",), "must be lower-case letters"),
    (("two-words",), "must be lower-case letters"),
    (("3d",), "a letter first and 40 at most"),
    (("class",), "must not be a word of Python"),
    (("repro",), "is the name of a Python module"),
    (("shared",), "which the project uses for something else"),
    (("statistics",), "is the name of a Python module"),
    (("numpy",), "is the name of a Python module"),
    (("experiments",), "would hide repro.studies.experiments"),
    (("notebooks",), "test_notebooks.py exists already"),
    (("costs", "--chapter", "smoke"), "unknown chapter 'smoke'; did you mean 'smote'?"),
    (("costs", "--chapter", "smote", "--begin"), "--begin needs --chapter with the name of a new chapter"),
    (("costs", "--begin"), "--begin needs --chapter with the name of a new chapter, got None"),
    (("costs", "--chapter", "New", "--begin"), "chapter must be lower-case letters"),
    (("costs", "--kind", "picture"), "'picture' is not one of 'table', 'network', 'exact'"),
)


def test_taken_and_impossible_names_are_refused(with_demo: Any) -> None:
    answers = with_demo.repro_each(*(("new", *arguments) for arguments, _ in REFUSED))
    for (arguments, message), answer in zip(REFUSED, answers, strict=True):
        assert answer.returncode == 2, arguments
        assert message in answer.stderr, arguments
        assert "Traceback" not in answer.stderr
    assert not (with_demo.folder / "src" / "repro" / "studies" / "costs").exists()


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
