"""The trial of the builder's successor: it reports whatever comes out, and touches nothing but its copy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAKE = """#!/bin/sh
case "$1" in
--version) echo v9.9 ;;
init) touch myst.yml ;;
build)
  test -f myst.yml || exit 3
  echo "⛔️ book/api.md:59 unknown directive: eval-rst"
  echo "⛔️ book/api.md:69 unknown directive: eval-rst"
  printf '\\033[33m⚠️  notebooks/a.ipynb:1:2 odd | thing\\033[0m\\n'
  mkdir -p _build/html && echo '<script src="https://cdn.example/x.js"></script>' > _build/html/a.html
  exit {status} ;;
esac
"""


@pytest.mark.parametrize("status", [0, 1])
def test_the_report_names_what_is_missing_and_the_job_never_fails(tmp_path: Path, status: int) -> None:
    program, report = tmp_path / "jupyter-book", tmp_path / "report.md"
    program.write_text(FAKE.replace("{status}", str(status)), encoding="utf-8")
    program.chmod(0o755)
    before = (ROOT / "myst.yml").exists()
    command = [sys.executable, str(ROOT / "scripts" / "try_successor.py"), str(program), str(report)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    text = report.read_text(encoding="utf-8")
    assert "Jupyter Book v9.9" in text
    assert f"Exit status {status}; 1 pages" in text
    assert "| unknown directive: eval-rst | 2 |" in text
    assert r"| odd \| thing | 1 |" in text
    assert "| loads from cdn.example | 1 |" in text
    assert (ROOT / "myst.yml").exists() == before
