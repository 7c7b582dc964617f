"""Making the environment: what makes it out of date, when it is made anew, and what is said when it cannot be made."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "example"
version = "1"
dependencies = ["numpy>=2"]
[tool.ruff]
line-length = 100
"""


@pytest.fixture(scope="module")
def environment() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "scripts" / "environment.py"
    spec = importlib.util.spec_from_file_location("project_environment", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "constraints.txt").write_text("numpy==2.4.6\n", encoding="utf-8")
    return tmp_path


def stamped(environment: ModuleType, checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (checkout / ".venv" / ".stamp").write_text(environment.stamp(checkout), encoding="utf-8")


def test_a_stamped_environment_is_current(environment: ModuleType, checkout: Path) -> None:
    assert not environment.is_current(checkout)
    stamped(environment, checkout)
    assert environment.is_current(checkout)


@pytest.mark.parametrize(
    ("file", "old", "new", "current"),
    [
        ("constraints.txt", "2.4.6", "2.4.5", False),
        ("pyproject.toml", "numpy>=2", "numpy>=2.1", False),
        ("pyproject.toml", "line-length = 100", "line-length = 120", True),
    ],
)
def test_only_what_decides_the_packages_makes_it_out_of_date(
    environment: ModuleType, checkout: Path, file: str, old: str, new: str, current: bool
) -> None:
    stamped(environment, checkout)
    path = checkout / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert environment.is_current(checkout) is current


def test_a_moved_checkout_is_out_of_date(environment: ModuleType, checkout: Path, tmp_path: Path) -> None:
    stamped(environment, checkout)
    moved = shutil.copytree(checkout, tmp_path / "moved", symlinks=True)
    assert not environment.is_current(moved)


def test_a_working_environment_is_kept(environment: ModuleType, checkout: Path) -> None:
    assert environment.reason_to_start_over(checkout) is None
    stamped(environment, checkout)
    assert environment.reason_to_start_over(checkout) is None
    assert environment.reason_to_start_over(checkout, version_wanted="{}.{}".format(*sys.version_info)) is None


def test_half_made_and_broken_environments_are_made_anew(environment: ModuleType, checkout: Path) -> None:
    stamped(environment, checkout)
    (checkout / ".venv" / ".unfinished").touch()
    assert "did not finish" in environment.reason_to_start_over(checkout)
    (checkout / ".venv" / ".unfinished").unlink()
    (checkout / ".venv" / "bin" / "python").unlink()
    (checkout / ".venv" / "bin" / "python").symlink_to("/usr/bin/python-that-was-removed")
    assert "Python does not work" in environment.reason_to_start_over(checkout)


def test_another_version_asked_for_means_a_new_environment(environment: ModuleType, checkout: Path) -> None:
    stamped(environment, checkout)
    assert "PYTHON asks for 3.99" in environment.reason_to_start_over(checkout, version_wanted="3.99")


def test_a_full_disk_is_named_before_anything_is_written(environment: ModuleType, tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    other = tmp_path / "other"
    other.mkdir()
    assert environment.shortage_of_space({tmp_path: 1.0, other: 1.0}) is None
    problem = environment.shortage_of_space({tmp_path: 0.75 * free, other: 0.75 * free})
    assert "Not enough space" in problem
    assert str(tmp_path) in problem


def test_without_a_package_index_the_message_says_what_is_needed(root: Path, checkout: Path) -> None:
    (checkout / "scripts").mkdir()
    shutil.copy(root / "scripts" / "environment.py", checkout / "scripts")
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    settings |= {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "HOME": str(checkout)}
    script = checkout / "scripts" / "environment.py"
    finished = subprocess.run([sys.executable, script], env=settings, capture_output=True, text=True, check=False)
    assert finished.returncode == 1
    assert "package index" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert (checkout / ".venv" / ".unfinished").exists()
    assert not (checkout / ".venv" / ".stamp").exists()
