"""Run every check of ``make check``, all of them even when one fails, and say in one line each how it went."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
CHECKS: dict[str, list[str]] = {
    "formatting": [str(TOOLS / "ruff"), "format", "--check", "."],
    "lint": [str(TOOLS / "ruff"), "check", "."],
    "types": [str(TOOLS / "mypy")],
    "import contracts": [str(TOOLS / "lint-imports")],
    "pairing of the notebooks": [*PYTEST, "tests/notebooks"],
    "pins, address, workflows, documents": [*PYTEST, "tests/project"],
    "book is built": [sys.executable, "book/build.py"],
    "internal links": [*PYTEST, "tests/book", "-m", "not browser", "-k", "link"],
}


def main() -> int:
    """Run the checks one after the other; the exit status is 1 when any failed."""
    failed = 0
    for name, command in CHECKS.items():
        begin = time.monotonic()
        finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        good = finished.returncode == 0
        print(f"{'ok    ' if good else 'FAILED'}  {name} ({time.monotonic() - begin:.0f} s)", flush=True)
        if not good:
            failed += 1
            print(finished.stdout + finished.stderr, flush=True)
    print(f"checks: {len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
