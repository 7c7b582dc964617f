"""The Makefile's search for an interpreter, run with a PATH that holds only stand-ins."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT_ENSUREPIP = "real = u.find_spec; u.find_spec = lambda name: None if name == 'ensurepip' else real(name)"


@pytest.fixture
def search(root: Path, tmp_path: Path):
    """Return a function that runs the search with the stand-ins made so far."""

    def run(python: str = "") -> subprocess.CompletedProcess[str]:
        script = root / "scripts" / "find_python.sh"
        environment = {"PATH": str(tmp_path), "PYTHON": python}
        return subprocess.run(["/bin/sh", script], env=environment, capture_output=True, text=True, check=False)

    return run


def interpreter(folder: Path, name: str, change: str = "") -> Path:
    """Make a command that is this Python with something changed before it answers ``-c``."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    program = f"import sys, importlib.util as u; {change or 'pass'}; exec(sys.argv[1])"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{program}" "$2"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def test_takes_the_first_that_works(search, tmp_path: Path) -> None:
    broken = tmp_path / "python3.13"
    broken.write_text("#!/bin/sh\necho 'this version is not selected' >&2\nexit 127\n", encoding="utf-8")
    broken.chmod(0o755)
    interpreter(tmp_path, "python3.12", "sys.version_info = (3, 10, 4)")
    interpreter(tmp_path, "python3")
    found = search()
    assert found.returncode == 0
    assert Path(found.stdout.strip()).resolve() == Path(sys.executable).resolve()
    assert found.stderr == ""


def test_leaves_the_virtual_environment_that_is_active(search, tmp_path: Path) -> None:
    interpreter(tmp_path, "python3", "sys._base_executable = '/opt/base/python3'")
    assert search().stdout.strip() == "/opt/base/python3"


def test_names_a_version_that_is_too_old(search, tmp_path: Path) -> None:
    interpreter(tmp_path, "python3", "sys.version_info = (3, 9, 2)")
    found = search()
    assert found.returncode == 1
    assert found.stdout == ""
    assert "python3 is version 3.9.2, and 3.11 or newer is needed" in found.stderr


def test_names_the_module_that_a_split_installation_lacks_and_its_package(search, tmp_path: Path) -> None:
    interpreter(tmp_path, "python3.11", WITHOUT_ENSUREPIP)
    found = search()
    assert found.returncode == 1
    assert "python3.11 lacks the modules ensurepip" in found.stderr
    assert "apt-get install python3-venv" in found.stderr


def test_says_when_there_is_no_python_at_all(search) -> None:
    found = search()
    assert found.returncode == 1
    assert "No Python found" in found.stderr
    assert "make PYTHON=" in found.stderr


def test_a_chosen_interpreter_is_the_only_one_tried(search, tmp_path: Path) -> None:
    interpreter(tmp_path, "python3")
    found = search("python9")
    assert found.returncode == 1
    assert "PYTHON=python9: there is no such command" in found.stderr


def test_a_chosen_path_may_contain_spaces(search, tmp_path: Path) -> None:
    chosen = interpreter(tmp_path / "my tools", "python3")
    assert search(str(chosen)).returncode == 0


def test_the_version_asked_for_is_that_of_the_package(root: Path, project) -> None:
    text = (root / "scripts" / "find_python.sh").read_text(encoding="utf-8")
    major, minor = re.search(r"sys\.version_info < \((\d+), (\d+)\)", text).groups()
    assert project["project"]["requires-python"] == f">={major}.{minor}"
