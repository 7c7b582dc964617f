from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TARGETS = {
    "env",
    "book",
    "chapter",
    "test",
    "check",
    "check-clean",
    "verify",
    "mutations",
    "pdf",
    "bench",
    "clean",
    "help",
}
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(folder: Path, *arguments: str) -> str:
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_make_alone_lists_every_target(root: Path) -> None:
    listed = set(re.findall(r"^  ([a-z-]+) ", make(root), flags=re.MULTILINE))
    assert listed == TARGETS


def test_test_makes_environment_and_book_first(root: Path) -> None:
    plan = make(root, "-n", "test")
    order = [plan.index(part) for part in ("environment.py", "book/build.py", "-m pytest")]
    assert order == sorted(order)


def test_what_a_target_imports_is_compiled_once(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(root / "Makefile", tmp_path)
    interpreter, page = tmp_path / ".venv" / "bin" / "python", tmp_path / "book" / "build.py"
    for path in (interpreter, page, tmp_path / "scripts" / "environment.py"):
        path.parent.mkdir(parents=True)
        path.write_text("import imported", encoding="utf-8")
    interpreter.unlink()
    interpreter.symlink_to(sys.executable)
    for folder in (page.parent, tmp_path / "scripts"):
        (folder / "imported.py").write_text("", encoding="utf-8")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    make(tmp_path, "book")
    assert list((page.parent / "__pycache__").glob("imported.*.pyc"))


def test_every_file_that_a_target_runs_exists(root: Path) -> None:
    files = re.findall(r"(?:scripts|book|benchmarks)/\w+\.(?:py|sh)", (root / "Makefile").read_text(encoding="utf-8"))
    assert files
    assert [name for name in files if not (root / name).is_file()] == []


def test_clean_removes_what_is_built_and_says_what_stays(root: Path, tmp_path: Path) -> None:
    shutil.copy(root / "Makefile", tmp_path)
    built = ["_build/html", ".mypy_cache", "src/repro/__pycache__", "book/api/generated"]
    kept = [".venv/lib/__pycache__", "_build/cells", "results/smote", "src/repro/data"]
    for name in [*built, *kept]:
        (tmp_path / name).mkdir(parents=True)
    said = make(tmp_path, "clean")
    assert [name for name in built if (tmp_path / name).exists()] == []
    assert [name for name in kept if not (tmp_path / name).exists()] == []
    for word in (".venv", "_build/cells", "results", "downloaded data"):
        assert word in said.partition("Kept")[2]
