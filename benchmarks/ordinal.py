"""Speed of repro.ordinal: PRESTO's path beside the authors' R functions, proportional odds beside other libraries.

    python benchmarks/ordinal.py                 # both tables, about a minute
    python benchmarks/ordinal.py --part paths    # one of them: paths or proportional_odds

The R functions cannot be run here: their seconds are references measured once, elsewhere, on one core of a similar
machine, and are printed with that origin. Their problems had the same sizes and the same kind of data, not the same
numbers. The other libraries are measured side by side with ours where they are installed (mord, skordinal and
statsmodels are no dependencies of the project; an environment of its own that has them will do) and named as missing
otherwise.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy.special import expit
from side_by_side import peak_memory, provenance, time_in_turn
from threadpoolctl import threadpool_limits

from repro.ground.files import atomic_write_text
from repro.ordinal import PrestoClassifierCV, ProportionalOddsClassifier, presto_path

TABLE = Path(__file__).parent / "results" / "ordinal.csv"
RECORD = TABLE.with_suffix(".json")
MODULES = ("repro.ordinal",)
REFERENCE = {(500, 5, 3): 4.3, (2500, 10, 4): 14.1, (20_000, 20, 4): 146.0, (1000, 100, 4): 88.0}
GOAL = {(500, 5, 3): 50, (2500, 10, 4): 100, (20_000, 20, 4): 50, (1000, 100, 4): 50}
ORIGIN = (
    "ordinalNetMod of the authors (GitHub gregfaletto/presto, commit 9ff94a4), R 4.2.2, 20 penalties, one core of a "
    "similar machine; not measured in this run"
)
PEERS = ("statsmodels", "skordinal", "mord")
DATA = (
    "Columns uniform on (-1, 1); intercepts 0, 3, 5; weights 0.5 with probability q, differences of +0.5 or -0.5 with "
    "probability q, q = 1/2 (5/p for 100 columns); responses are drawn after crossing boundaries have been made to "
    "touch; seed 0."
)


def make_data(n: int, p: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw rows as in the sparse experiment of the PRESTO paper."""
    generator = np.random.default_rng(0)
    X = generator.uniform(-1, 1, (n, p))
    part = 0.5 if p <= 20 else 5 / p
    weights = [0.5 * (generator.random(p) < part)]
    for _ in range(n_classes - 2):
        signs = generator.choice([-1.0, 1.0], p)
        weights.append(weights[-1] + 0.5 * (generator.random(p) < part) * signs)
    intercepts = np.array([0.0, 3.0, 5.0][: n_classes - 1])
    cumulative = np.maximum.accumulate(expit(X @ np.array(weights).T + intercepts), axis=1)
    return X, (generator.random((n, 1)) > cumulative).sum(axis=1)


def processor_seconds(program: Callable[[], object], times: int = 3) -> float:
    """Shortest processor time, which a busy machine does not stretch."""
    shortest = np.inf
    for _ in range(times):
        start = time.process_time()
        program()
        shortest = min(shortest, time.process_time() - start)
    return float(shortest)


def measure_paths() -> list[dict[str, Any]]:
    """Paths of 20 penalties on the four problems, and one cross-validated fit."""
    rows: list[dict[str, Any]] = []
    presto_path(*make_data(300, 40, 4))  # compile
    for size, reference in REFERENCE.items():
        X, y = make_data(*size)
        path = presto_path(X, y)
        program = {"ours": lambda X=X, y=y: presto_path(X, y)}
        times, rounds = time_in_turn(program, seconds=6, at_most=15, at_least=3)
        rows.append(
            dict(zip(("rows", "columns", "classes"), size, strict=True))
            | {
                "task": "path of 20 penalties",
                "program": "repro.ordinal.presto_path",
                "seconds": times["ours"],
                "processor_seconds": processor_seconds(program["ours"]),
                "rounds": rounds,
                "reference_seconds": reference,
                "speed_ratio": reference / times["ours"],
                "objective": path.objectives[-1],
                "largest_gap": path.gaps.max(),
                "peak_megabytes": (peak_memory(program["ours"]) or np.nan) / 1e6,
            }
        )
    X, y = make_data(2500, 10, 4)
    program = {"ours": lambda: PrestoClassifierCV(cv=5).fit(X, y)}
    times, rounds = time_in_turn(program, seconds=6, at_most=10, at_least=3)
    rows.append(
        {"rows": 2500, "columns": 10, "classes": 4, "task": "5-fold cross-validated fit, 20 penalties"}
        | {"program": "repro.ordinal.PrestoClassifierCV", "seconds": times["ours"], "rounds": rounds}
        | {"processor_seconds": processor_seconds(program["ours"])}
    )
    return rows


def peer_programs(X: np.ndarray, y: np.ndarray) -> dict[str, Callable[[], np.ndarray]]:
    """Unpenalised proportional-odds fits; each gives the class probabilities of the training rows."""
    programs: dict[str, Callable[[], np.ndarray]] = {
        "repro.ordinal.ProportionalOddsClassifier": lambda: ProportionalOddsClassifier().fit(X, y).predict_proba(X)
    }
    if importlib.util.find_spec("statsmodels"):
        from statsmodels.miscmodels.ordinal_model import OrderedModel

        def with_statsmodels() -> np.ndarray:
            result = OrderedModel(y, X, distr="logit").fit(method="bfgs", maxiter=1000, disp=False)
            return np.asarray(result.model.predict(result.params, exog=X))

        programs["statsmodels OrderedModel"] = with_statsmodels
    if importlib.util.find_spec("skordinal"):
        from skordinal.classifiers import POM

        programs["skordinal POM"] = lambda: POM().fit(X, y).predict_proba(X)
        programs["skordinal POM, tol 1e-10"] = lambda: POM(tol=1e-10, max_iter=10_000).fit(X, y).predict_proba(X)
    if importlib.util.find_spec("mord"):
        import mord

        # mord has no maximum likelihood; its loss for neighbouring thresholds comes closest
        programs["mord LogisticIT (another loss)"] = lambda: mord.LogisticIT(alpha=0.0).fit(X, y).predict_proba(X)
    return programs


def measure_proportional_odds() -> list[dict[str, Any]]:
    """Unpenalised proportional-odds fits on the same problems."""
    rows: list[dict[str, Any]] = []
    for size in REFERENCE:
        X, y = make_data(*size)
        programs = peer_programs(X, y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loss = {
                name: float(-np.log(np.maximum(program()[np.arange(len(y)), y], 1e-300)).mean())
                for name, program in programs.items()
            }
            times, rounds = time_in_turn(programs, seconds=8, at_most=10)
        best = min(loss.values())
        for name, seconds in times.items():
            rows.append(
                dict(zip(("rows", "columns", "classes"), size, strict=True))
                | {"task": "unpenalised proportional odds", "program": name, "seconds": seconds, "rounds": rounds}
                | {"objective": loss[name], "above_best": loss[name] - best}
                | {"speed_ratio": seconds / times["repro.ordinal.ProportionalOddsClassifier"]}
            )
    return rows


def store(rows: list[dict[str, Any]], command: str) -> None:
    """Write the table and where it comes from."""
    columns = ["task", "rows", "columns", "classes", "program", "seconds", "processor_seconds", "rounds"]
    columns += ["reference_seconds", "speed_ratio", "objective", "above_best", "largest_gap", "peak_megabytes"]
    table = pd.DataFrame(rows).reindex(columns=columns).astype({"rounds": "Int64"})
    atomic_write_text(TABLE, table.to_csv(index=False, float_format="%.10g", na_rep="nan"))
    versions = {name: importlib.metadata.version(name) for name in PEERS if importlib.util.find_spec(name)}
    about = provenance(command, MODULES) | {
        "peers": {name: versions.get(name, "not installed, left out") for name in PEERS},
        "reference": ORIGIN,
        "data": DATA,
        "columns": {
            "seconds": "shortest of `rounds` runs in turn, one BLAS thread, compiled kernels loaded",
            "processor_seconds": "shortest processor time of three runs",
            "reference_seconds": "see `reference`",
            "speed_ratio": "paths: reference_seconds / seconds; proportional odds: seconds of the program / ours",
            "objective": (
                "paths: equation (3) at the smallest penalty; proportional odds: mean negative log-likelihood, "
                "probabilities below 1e-300 counted as that"
            ),
            "above_best": "objective minus the smallest one of the programs",
            "largest_gap": "largest certified distance of an objective on the path from its minimum",
            "peak_megabytes": "peak resident memory of a path above the state before it",
        },
    }
    atomic_write_text(RECORD, json.dumps(about, indent=2) + "\n")


def show(rows: list[dict[str, Any]]) -> None:
    """Print the tables and whether the goals are met."""
    console = Console(width=120)
    paths = [row for row in rows if "reference_seconds" in row]
    if paths:
        table = Table("rows", "columns", "classes", "ours, s", "processor, s", "R reference, s", "ratio", "goal", "gap")
        for row in paths:
            size = (row["rows"], row["columns"], row["classes"])
            table.add_row(
                *map(str, size),
                *(f"{row[key]:.3g}" for key in ("seconds", "processor_seconds", "reference_seconds", "speed_ratio")),
                str(GOAL[size]),
                f"{row['largest_gap']:.1g}",
            )
        console.print(table)
        console.print(f"R reference: {ORIGIN}")
    for row in rows:
        if "cross-validated" in row["task"]:
            console.print(
                f"{row['task']}, 2500 x 10: {row['seconds']:.3g} s ({row['processor_seconds']:.3g} s processor)"
            )
    fits = [row for row in rows if "above_best" in row]
    if fits:
        table = Table("rows", "columns", "program", "seconds", "times ours", "mean loss", "above the best")
        for row in fits:
            table.add_row(
                str(row["rows"]),
                str(row["columns"]),
                row["program"],
                f"{row['seconds']:.3g}",
                f"{row['speed_ratio']:.3g}",
                f"{row['objective']:.10f}",
                f"{row['above_best']:.1e}",
            )
        console.print(table)
        for name in PEERS:
            if not importlib.util.find_spec(name):
                console.print(f"left out, not installed: {name}")


def main() -> None:
    """Measure, store, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("all", "paths", "proportional_odds"), default="all", help="which table")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with threadpool_limits(1):
        if arguments.part in ("all", "paths"):
            rows += measure_paths()
        if arguments.part in ("all", "proportional_odds"):
            rows += measure_proportional_odds()
    if arguments.part == "all":
        store(rows, "python benchmarks/ordinal.py")
    show(rows)


if __name__ == "__main__":
    main()
