"""What growth costs: the table of the design, measured for the studies there are and for thirty more from the skeleton.

    python benchmarks/house.py                     # all parts, about an hour on two cores
    python benchmarks/house.py --part stale        # one of them: stale, present or grown

Works on clones of the last commit in a temporary folder, with this interpreter and nothing computed:

- ``stale``: for typical edits, how many experiments and notebooks have to be computed again;
- ``present``: the book cold and warm, one chapter after an edit of its text, and the tests;
- ``grown``: the same with thirty studies that ``repro new`` wrote, of the tests only theirs, and what one more study
  costs.

Times are wall time, beside them the processor time of all processes; the page of results says on which machine.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
from side_by_side import parts_parser, provenance, show, store

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "benchmarks" / "results" / "house.csv"
STUDIES = 30
PARTS = ("stale", "present", "grown")

HASHES = r"""
import hashlib, re, sys
from pathlib import Path
sys.path.insert(0, "book/_ext")
from book_notebooks import fingerprint
from repro.data import names
from repro.protocol.used import Use
from repro.results import experiment_hash
from repro.studies import chapter_of, experiments, study_names
for name, experiment in experiments().items():
    print("experiment", name, experiment_hash(experiment))
for name in study_names():
    notebook = Path("notebooks", f"{chapter_of(name)}.ipynb").resolve()
    text = notebook.read_text(encoding="utf-8")
    uses = [Use("claims", name), *(Use("experiment", found) for found in experiments(name))]
    uses += [Use("data set", found) for found in names() if f'{found}\\"' in text]
    print("notebook", name, fingerprint(notebook, uses))
"""

EDITS = {
    "a new metric": (
        "src/repro/metrics/ranking.py",
        "\n\ndef ranking_summary(",
        "\n\ndef new_metric() -> float:\n    return 0.5\n\n\ndef ranking_summary(",
    ),
    "a docstring": ("src/repro/sampling/smote.py", '"""', '"""Edited. '),
    "the progress bar": ("src/repro/running/progress.py", "from __future__", "COLOUR = 'red'\nfrom __future__"),
    "downloading": ("src/repro/data/store.py", "TIMEOUT_SECONDS = (10, 60)", "TIMEOUT_SECONDS = (20, 60)"),
    "a new data set": ("src/repro/data/registry.yml", "\ntables:\n", "\n# edited\ntables:\n"),
    "one sampler": ("src/repro/sampling/under_sampling.py", "    def __init__(", "    edited = 1\n\n    def __init__("),
    "the wording of a claim": ("src/repro/studies/smote/claims.yml", "statement: ", "statement: Edited. "),
    "one figure": (
        "src/repro/plotting/smote.py",
        "def replication(table: pd.DataFrame) -> Shown:\n",
        "def replication(table: pd.DataFrame, edited: int = 0) -> Shown:\n",
    ),
    "a colour of all figures": ("src/repro/plotting/styles.py", "#0072b2", "#0072b3"),
    "the text of a notebook": ("notebooks/smote.py", "# # ", "# # Edited: "),
    "a page": ("book/how-to-read.md", "# ", "# Edited: "),
}


def clone(folder: Path) -> Path:
    """Clone the last commit into a folder."""
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder)], check=True)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """Environment in which the package of a clone is imported."""
    return {**os.environ, "PYTHONPATH": str(folder / "src"), "REPRO_PROFILE": "quick"}


def timed(folder: Path, *command: str) -> dict[str, float]:
    """Run a command in a clone; wall and processor seconds of it and all it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    finished = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if finished.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{finished.stdout[-3000:]}\n{finished.stderr[-3000:]}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": wall, "processor_seconds": used}


def hashes(folder: Path) -> dict[str, str]:
    """Hashes of all experiments and of the code of all notebooks of a clone."""
    answer = subprocess.run(
        [sys.executable, "-c", HASHES], cwd=folder, env=environment(folder), capture_output=True, text=True, check=True
    )
    return {" ".join(line.split(" ")[:2]): line.split(" ")[2] for line in answer.stdout.splitlines()}


def stale(scratch: Path) -> list[dict[str, Any]]:
    """For each typical edit the number of experiments and notebooks that it makes stale."""
    folder = clone(scratch / "stale")
    before, rows = hashes(folder), []
    for name, (file, old, new) in EDITS.items():
        path = folder / file
        text = path.read_text(encoding="utf-8")
        if old not in text:
            raise SystemExit(f"{file} does not contain {old!r} any more: renew the edit {name!r}")
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        after = hashes(folder)
        path.write_text(text, encoding="utf-8")
        changed = [key for key in before if after[key] != before[key]]
        for kind in ("experiment", "notebook"):
            count = sum(key.startswith(kind) for key in changed)
            rows.append({"part": "stale", "what": f"{kind}s after an edit of {name}", "count": count})
    return rows


def book_and_tests(folder: Path, part: str, *chosen: str) -> list[dict[str, Any]]:
    """Measure the book cold and warm, one chapter after an edit of its text, and the tests or those chosen of them."""
    build = (sys.executable, "book/build.py")
    rows = [{"part": part, "what": "book, nothing built", **timed(folder, *build)}]
    rows.append({"part": part, "what": "book, nothing changed", **timed(folder, *build)})
    timed(folder, *build, "--chapter", "smote")
    for name in ("smote.py", "smote.ipynb"):
        path = folder / "notebooks" / name
        path.write_text(re.sub(r"SMOTE", "SMOTE itself", path.read_text(encoding="utf-8"), count=1), encoding="utf-8")
    rows.append(
        {"part": part, "what": "one chapter after an edit of its text", **timed(folder, *build, "--chapter", "smote")}
    )
    subprocess.run(["git", "checkout", "--quiet", "--", "notebooks"], cwd=folder, check=True)
    tests = (sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "tests", *chosen)
    rows.append({"part": part, "what": "tests", **timed(folder, *tests)})
    return rows


def present(scratch: Path) -> list[dict[str, Any]]:
    """Measure the studies there are."""
    return book_and_tests(clone(scratch / "present"), "present")


EACH = """
import sys
from repro.cli import main
for name in sys.argv[2:]:
    status = main([*sys.argv[1].format(name).split(" ")])
    if status:
        sys.exit(f"{sys.argv[1]} of {name} ended with status {status}")
"""
"""Runs one command for each of several studies in one process."""


def grown(scratch: Path) -> list[dict[str, Any]]:
    """Measure the same with thirty studies more."""
    folder = clone(scratch / "grown")
    names = [f"synthetic_{number:02d}" for number in range(STUDIES)]
    timed(folder, sys.executable, "-c", EACH, "new {}", *names)
    running = timed(folder, sys.executable, "-m", "repro.cli", "run", *names, "--profile", "quick", "--controls")
    timed(folder, sys.executable, "-c", EACH, "claims {} --accept", *names)
    git = ("git", "-c", "user.name=benchmark", "-c", "user.email=benchmark@example.org")
    timed(folder, "git", "add", "--all")
    timed(folder, *git, "commit", "--quiet", "--message", "Studies from the skeleton")
    rows = [{"part": "grown", "what": "quick tables and controls of a study", "seconds": running["seconds"] / STUDIES}]
    rows += book_and_tests(folder, "grown", "-k", "synthetic")
    more = {key: rows[-1][key] / STUDIES for key in ("seconds", "processor_seconds")}
    rows[-1]["what"] = "tests of the studies added"
    return [*rows, {"part": "one more study", "what": "tests", **more}]


def with_growth(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add what one more study adds to the book, where both sizes have been measured."""
    what = "book, nothing built"
    rows = [row for row in rows if (row["part"], row["what"]) != ("one more study", what)]
    by_part = {row["part"]: row for row in rows if row["what"] == what}
    if {"present", "grown"} <= by_part.keys():
        keys = ("seconds", "processor_seconds")
        more = {key: (by_part["grown"][key] - by_part["present"][key]) / STUDIES for key in keys}
        rows.append({"part": "one more study", "what": what, **more})
    return rows


def main() -> None:
    """Measure, print and store; what one part measures joins what the table has of the others."""
    part = parts_parser(__doc__, PARTS).parse_args().part
    for name in PARTS if part == "all" else (part,):
        with tempfile.TemporaryDirectory() as folder:
            scratch = Path(folder)
            found = {"stale": stale, "present": present, "grown": grown}[name](scratch)
        replaced = {name, *(["one more study"] if name == "grown" else [])}
        earlier = pd.read_csv(TABLE).to_dict("records") if TABLE.is_file() else []
        rows = with_growth([row for row in earlier if row["part"] not in replaced] + found)
        rows.sort(key=lambda row: [*PARTS, "one more study"].index(row["part"]))
        about = provenance("python benchmarks/house.py", ["repro.ground.code"]) | {"studies_added": STUDIES}
        store(TABLE, pd.DataFrame(rows), about, missing="")
    show(rows, ("part", "what", "count", "seconds", "processor_seconds"))


if __name__ == "__main__":
    main()
