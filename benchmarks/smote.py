"""Speed and memory of repro.sampling.SMOTE against imbalanced-learn, side by side in one run.

    python benchmarks/smote.py --cells small     # a few cells, to see how it goes
    python benchmarks/smote.py --cells all       # the whole table; goes on where it stopped
    python benchmarks/smote.py --cells all --retry-left-out    # after a run on a busy machine

Every cell runs in a process of its own. Cells in which imbalanced-learn needs more than a minute are left out and
named. The table belongs to one state of code, libraries and machine; when one of these changes it starts anew.
"""

from __future__ import annotations

import argparse
import itertools
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table
from side_by_side import machine, peak_memory, provenance, time_in_turn

from repro.ground.code import code_hash
from repro.ground.files import atomic_write_text

TABLE = Path(__file__).parent / "results" / "smote.csv"
RECORD = TABLE.with_suffix(".json")
MODULES = ("repro.sampling",)
CELL = ("rows", "columns", "minority")
GRIDS = {
    "small": list(itertools.product((10_000, 100_000), (2, 15, 100), (0.01, 0.1))),
    "all": list(itertools.product((10_000, 100_000, 1_000_000), (2, 8, 15, 30, 100), (0.01, 0.1, 0.3))),
}
PEER_LIMIT = 60
SMALLEST_MEMORY = 30_000_000
DATA = (
    "Mixture of 8 Gaussian clusters with unit variance in every column, centres drawn with standard deviation 2; the "
    "classes share the clusters, the minority is drawn at random from the rows; seed 0."
)


def make_data(n_rows: int, n_columns: int, minority: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw the data of a cell in place, so that making them needs no more memory than they do."""
    generator = np.random.default_rng(0)
    centres = 2.0 * generator.standard_normal((8, n_columns))
    X = np.empty((n_rows, n_columns))
    generator.standard_normal(out=X)
    for start in range(0, n_rows, 10_000):
        piece = X[start : start + 10_000]
        piece += centres[generator.integers(8, size=len(piece))]
    y = np.zeros(n_rows, dtype=np.int64)
    y[generator.permutation(n_rows)[: round(n_rows * minority)]] = 1
    return X, y


def measure_cell(n_rows: int, n_columns: int, minority: float) -> dict[str, Any]:
    """Measure one cell; ends this process if the peer exceeds its limit."""
    from imblearn import over_sampling as peer

    from repro import sampling as ours

    # compile, load and start what is done once in a process
    few_rows, few_labels = make_data(3_000, n_columns, 0.3)
    for sampler in (ours.SMOTE(random_state=0), peer.SMOTE(random_state=0)):
        sampler.fit_resample(few_rows, few_labels)
        sampler.fit_resample(few_rows[:500], few_labels[:500])

    X, y = make_data(n_rows, n_columns, minority)
    programs = {
        "ours": lambda: ours.SMOTE(random_state=0).fit_resample(X, y),
        "peer": lambda: peer.SMOTE(random_state=0).fit_resample(X, y),
    }
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(PEER_LIMIT)
    peer_peak = peak_memory(programs["peer"])
    signal.alarm(0)
    result = ours.SMOTE(random_state=0).fit_resample(X, y)
    input_size, output_size = X.nbytes + y.nbytes, sum(part.nbytes for part in result)
    del result
    ours_peak = peak_memory(programs["ours"])
    times, rounds = time_in_turn(programs, seconds=15, at_most=25)

    def memory_ratio(peak: int | None) -> float:
        if peak is None or input_size + output_size < SMALLEST_MEMORY:
            return float("nan")
        return (input_size + peak) / (input_size + output_size)

    return {
        "ours_seconds": times["ours"],
        "peer_seconds": times["peer"],
        "speed_ratio": times["peer"] / times["ours"],
        "ours_memory_ratio": memory_ratio(ours_peak),
        "peer_memory_ratio": memory_ratio(peer_peak),
        "rounds": rounds,
        "left_out": "",
    }


def run_cell(cell: tuple[int, int, float]) -> dict[str, Any]:
    """Measure one cell in a process of its own."""
    finished = subprocess.run(
        [sys.executable, __file__, "--cell", *map(str, cell)], capture_output=True, text=True, check=False
    )
    named = dict(zip(CELL, cell, strict=True)) | {"minority_rows": round(cell[0] * cell[2])}
    if finished.returncode == -signal.SIGALRM:
        return named | {"left_out": f"imbalanced-learn needs more than {PEER_LIMIT} s"}
    if finished.returncode != 0:
        raise RuntimeError(f"cell {cell} failed:\n{finished.stderr}")
    return named | json.loads(finished.stdout.splitlines()[-1])


def stored_rows() -> list[dict[str, Any]]:
    """Rows of an earlier run on the same code, libraries and machine."""
    if not (TABLE.exists() and RECORD.exists()):
        return []
    before = json.loads(RECORD.read_text(encoding="utf-8"))
    if before.get("code") != code_hash(MODULES) or before.get("machine") != machine():
        return []
    return [dict(row) for row in pd.read_csv(TABLE, keep_default_na=False, na_values=["nan"]).to_dict("records")]


def store(rows: list[dict[str, Any]], command: str) -> None:
    """Write the table and where it comes from."""
    table = pd.DataFrame(rows).sort_values(list(CELL)).astype({"rounds": "Int64"})
    atomic_write_text(TABLE, table.to_csv(index=False, float_format="%.5g", na_rep="nan"))
    about = provenance(command, MODULES) | {
        "peer": "imblearn.over_sampling.SMOTE",
        "data": DATA,
        "columns": {
            "rows, columns, minority": "size of the data, part of the rows in the minority class",
            "ours_seconds, peer_seconds": "shortest time of `rounds` runs in turn, default threads",
            "speed_ratio": "peer_seconds / ours_seconds",
            "ours_memory_ratio, peer_memory_ratio": (
                "peak resident memory, input included, over input plus output; nan where these are below 30 MB"
            ),
            "left_out": "why a cell was not measured",
        },
    }
    atomic_write_text(RECORD, json.dumps(about, indent=2) + "\n")


def show(rows: list[dict[str, Any]]) -> None:
    """Print the ratios, what was left out, and whether the goals are met."""
    console = Console()
    table = Table("rows", "columns", "minority", "ours, s", "peer, s", "ratio", "memory", "peer's memory")
    measured = [row for row in rows if not row["left_out"]]
    for row in measured:
        table.add_row(
            str(row["rows"]),
            str(row["columns"]),
            f"{row['minority']:.0%}",
            *(f"{row[key]:.3g}" for key in ("ours_seconds", "peer_seconds", "speed_ratio")),
            *(f"{row[key]:.2f}" for key in ("ours_memory_ratio", "peer_memory_ratio")),
        )
    console.print(table)
    for row in rows:
        if row["left_out"]:
            console.print(f"left out: {row['rows']:,} x {row['columns']}, {row['minority']:.0%}: {row['left_out']}")
    if measured:
        slowest = min(row["speed_ratio"] for row in measured)
        console.print(f"smallest ratio {slowest:.2f} (goal: at least 0.95 in every cell)")
        fivefold = [
            row["speed_ratio"]
            for row in measured
            if (row["rows"], row["columns"]) == (100_000, 15) and row["minority"] >= 0.1
        ]
        if fivefold:
            console.print(f"smallest ratio at 100,000 x 15, 10-30 %: {min(fivefold):.2f} (goal: at least 5)")
        memory = np.nanmax([row["ours_memory_ratio"] for row in measured])
        console.print(f"largest memory ratio {memory:.2f} (goal: at most 1.5)")


def main() -> None:
    """Run the cells that are missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", choices=GRIDS, default="small", help="which grid to run (default: small)")
    parser.add_argument("--cell", nargs=3, metavar=("ROWS", "COLUMNS", "MINORITY"), help="measure one cell, print JSON")
    parser.add_argument("--retry-left-out", action="store_true", help="measure cells again that were left out")
    arguments = parser.parse_args()
    if arguments.cell:
        n_rows, n_columns, minority = arguments.cell
        print(json.dumps(measure_cell(int(n_rows), int(n_columns), float(minority))))
        return
    rows = [row for row in stored_rows() if not (arguments.retry_left_out and row["left_out"])]
    done = {(row["rows"], row["columns"], row["minority"]) for row in rows}
    for cell in track([cell for cell in GRIDS[arguments.cells] if cell not in done], "cells"):
        rows.append(run_cell(cell))
        store(rows, f"python benchmarks/smote.py --cells {arguments.cells}")
    show(sorted(rows, key=lambda row: tuple(row[key] for key in CELL)))


if __name__ == "__main__":
    main()
