"""A copy of the checkout in which commands may write, without the studies that take long."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP_LEVEL = ("_config.yml", "_toc.yml", "CITATION.cff", "CONTRIBUTING.md", "README.md", "pyproject.toml")

EACH = """
import contextlib, io, json, sys
from repro.cli import main
answers = []
for command in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(command)
    answers.append((command, status, out.getvalue(), err.getvalue()))
print(json.dumps(answers))
"""


@dataclass(frozen=True)
class Checkout:
    """A checkout in a folder of its own."""

    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("REPRO_")}
        own = {"PYTHONPATH": str(self.folder / "src"), "HOME": str(self.folder), "COLUMNS": "200"}
        return kept | own | {"LOKY_MAX_CPU_COUNT": "1"}  # a second process costs more to begin than its cells

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def repro(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "repro.cli", *arguments)

    def repro_each(self, *commands: tuple[str, ...]) -> list[subprocess.CompletedProcess[str]]:
        """Run commands one after the other in one process."""
        answer = self.python("-c", EACH, json.dumps(commands))
        assert answer.returncode == 0, answer.stderr
        return [subprocess.CompletedProcess(*entry) for entry in json.loads(answer.stdout)]

    def json(self, *arguments: str) -> Any:
        answer = self.repro(*arguments)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)


def copy_of_the_checkout(folder: Path) -> Checkout:
    for name in TOP_LEVEL:
        shutil.copy(ROOT / name, folder / name)
    unwanted = shutil.ignore_patterns("__pycache__", "generated", "mathjax", "*.png")
    shutil.copytree(ROOT / "src", folder / "src", ignore=unwanted)
    for name in ("book", "notebooks", "tests/notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    (folder / "tests" / "studies").mkdir()
    for study in (folder / "src" / "repro" / "studies").iterdir():
        if study.is_dir():
            shutil.rmtree(study)
    return Checkout(folder)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A fresh copy without any study."""
    return copy_of_the_checkout(tmp_path)


@pytest.fixture(scope="session")
def with_demo(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy in which ``repro new`` wrote a study of each kind; tests that share it only add to its build folder."""
    made = copy_of_the_checkout(tmp_path_factory.mktemp("demo"))
    commands = (
        ("new", "demo"),
        ("new", "demo_exact", "--kind", "exact", "--chapter", "demos", "--begin"),
        ("new", "demo_network", "--kind", "network", "--chapter", "demos"),
    )
    for answer in made.repro_each(*commands):
        assert answer.returncode == 0, answer.stderr
    return made
