"""Run every check of ``make check``, all of them even when one fails, and say in one line each how it went.

python scripts/check.py                  everything
python scripts/check.py --study smote    what belongs to one study: its tables and tests, and the checks of all code
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
TABLES = [str(TOOLS / "repro"), "tables", "--strict"]
VERDICTS = [str(TOOLS / "repro"), "claims", "--strict"]
CODE: dict[str, list[str]] = {
    "formatting": [str(TOOLS / "ruff"), "format", "--check", "."],
    "lint": [str(TOOLS / "ruff"), "check", "."],
    "types": [str(TOOLS / "mypy")],
    "import contracts": [str(TOOLS / "lint-imports")],
}
CHECKS: dict[str, list[str]] = {
    **CODE,
    "committed tables are current": TABLES,
    "verdicts are the accepted ones": VERDICTS,
    "pairing of the notebooks": [*PYTEST, "tests/notebooks"],
    "pins, address, workflows, documents": [*PYTEST, "tests/project"],
    "book is built": [sys.executable, "book/build.py"],
    "internal links": [*PYTEST, "tests/book", "-m", "not browser", "-k", "link"],
}


def checks_of(study: str) -> dict[str, list[str]]:
    """Return the checks that concern one study; they need no built book."""
    return {
        **CODE,
        "committed tables are current": [*TABLES, study],
        "verdicts are the accepted ones": [*VERDICTS, study],
        f"tests of {study}": [*PYTEST, "tests", "--ignore=tests/book", "--ignore=tests/faults", "-k", study],
    }


def main() -> int:
    """Run the checks one after the other; the exit status is 1 when any failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", default="", help="only what belongs to this study")
    study = parser.parse_args().study
    studies = sorted(path.parent.name for path in (ROOT / "src" / "repro" / "studies").glob("*/claims.yml"))
    if study and study not in studies:
        print(f"there is no study {study!r}; there are {', '.join(studies)}", file=sys.stderr)
        return 2
    failed = 0
    checks = checks_of(study) if study else CHECKS
    for name, command in checks.items():
        begin = time.monotonic()
        finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        good = finished.returncode == 0
        print(f"{'ok    ' if good else 'FAILED'}  {name} ({time.monotonic() - begin:.0f} s)", flush=True)
        if not good:
            failed += 1
            print(finished.stdout + finished.stderr, flush=True)
    print(f"checks: {len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
