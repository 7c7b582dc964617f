"""Speed and memory of the ranking metrics against what a reader would write with scikit-learn and NumPy.

    python benchmarks/ranking.py                    # every case, a few minutes
    python benchmarks/ranking.py --case delong      # one case, printed as JSON

Every case runs in a process of its own; both programs run in turn on the same data. The table belongs to one state of
code, libraries and machine, and is written when all cases are done.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table
from side_by_side import peak_memory, provenance, time_in_turn
from sklearn.metrics import average_precision_score, roc_auc_score

from repro import metrics
from repro.ground.files import atomic_write_text

TABLE = Path(__file__).parent / "results" / "ranking.csv"
MODULES = ("repro.metrics",)
MIB = 2**20
GOALS = {
    "bootstrap": ("speed_ratio", ">=", 20),
    "bootstrap_memory": ("ours_peak_mib", "<", 1024),
    "summary": ("speed_ratio", ">=", 5),
    "summary_groups_only": ("speed_ratio", ">=", 5),
    "delong": ("largest_difference", "<=", 1e-12),
    "fix_mistakes": None,
}
ABOUT = {
    "bootstrap": (
        "1,000 resamples of AUROC and average precision, percentiles; peer: the two functions of scikit-learn on the "
        "same resampled rows"
    ),
    "bootstrap_memory": "2,000 resamples; no peer",
    "summary": (
        "both metrics overall and in 10 groups; peer: the two functions of scikit-learn for all rows and for each group"
    ),
    "summary_groups_only": "as summary, but the peer leaves out the calls for all rows",
    "delong": "test of two scores; peer: structural components from a matrix of all pairs, as published",
    "fix_mistakes": (
        "seconds of one step, policy random: 100,000 steps; peer: 10 steps that look for all mistakes and call the two "
        "functions of scikit-learn"
    ),
}
DATA = "Normal scores, shifted by 1 for the positives (a tenth of the rows, drawn at random); groups at random; seed 0."


def make_data(n_rows: int) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """Draw labels and scores."""
    generator = np.random.default_rng(0)
    y = (generator.random(n_rows) < 0.1).astype(np.int64)
    return y, generator.normal(size=n_rows) + y, generator


def both(y: np.ndarray, score: np.ndarray) -> tuple[float, float]:
    """Give both metrics by scikit-learn."""
    return float(roc_auc_score(y, score)), float(average_precision_score(y, score))


def in_turn(ours: Callable[[], Any], peer: Callable[[], Any], seconds: float) -> dict[str, Any]:
    """Time both programs and compare their results, which are arrays of one shape."""
    difference = float(np.max(np.abs(np.asarray(ours()) - np.asarray(peer()))))
    times, rounds = time_in_turn({"ours": ours, "peer": peer}, seconds=seconds, at_least=3, at_most=25)
    return {
        "ours_seconds": times["ours"],
        "peer_seconds": times["peer"],
        "speed_ratio": times["peer"] / times["ours"],
        "largest_difference": difference,
        "rounds": rounds,
    }


def measure_bootstrap() -> dict[str, Any]:
    """Compare the bootstrap with a loop over scikit-learn."""
    n_rows, n_resamples = 10_000, 1000
    y, score, _ = make_data(n_rows)

    def ours() -> np.ndarray:
        found = metrics.bootstrap_ranking(y, score, n_resamples=n_resamples, random_state=1)
        return found[["low", "high"]].to_numpy().T

    def peer() -> np.ndarray:
        generator = np.random.default_rng(1)
        values = []
        for _ in range(n_resamples):
            rows = generator.integers(n_rows, size=n_rows, dtype=np.int32)
            values.append(both(y[rows], score[rows]))
        return np.quantile(values, [0.025, 0.975], axis=0)

    return {"rows": n_rows} | in_turn(ours, peer, 30)


def measure_bootstrap_memory() -> dict[str, Any]:
    """Measure what two thousand resamples of a million rows need."""
    y, score, _ = make_data(1_000_000)
    metrics.bootstrap_ranking(y[:1000], score[:1000], n_resamples=10, random_state=1)
    seconds: dict[str, float] = {}

    def program() -> None:
        run = {"ours": lambda: metrics.bootstrap_ranking(y, score, n_resamples=2000, random_state=1)}
        seconds.update(time_in_turn(run, seconds=0, at_most=1)[0])

    peak = peak_memory(program)
    return {
        "rows": 1_000_000,
        "ours_seconds": seconds["ours"],
        "ours_peak_mib": float("nan") if peak is None else peak / MIB,
        "rounds": 1,
    }


def measure_summary(overall: bool = True) -> dict[str, Any]:
    """Compare the summary by group with calls of scikit-learn."""
    n_rows = 1_000_000
    y, score, generator = make_data(n_rows)
    groups = generator.integers(10, size=n_rows)

    def ours() -> list[tuple[float, ...]]:
        found = metrics.ranking_summary(y, score, groups=groups)
        by_group = list(found.by_group[["auroc", "average_precision"]].itertuples(index=False, name=None))
        return [(found.auroc, found.average_precision), *by_group] if overall else by_group

    def peer() -> list[tuple[float, float]]:
        by_group = [both(y[rows], score[rows]) for rows in (groups == group for group in range(10))]
        return [both(y, score), *by_group] if overall else by_group

    return {"rows": n_rows, "groups": 10} | in_turn(ours, peer, 30)


def measure_delong() -> dict[str, Any]:
    """Compare the test with its published form."""
    n_rows = 10_000
    y, score, generator = make_data(n_rows)
    # two decimals, so that there are ties
    score, other = np.round(score, 2), np.round(score + generator.normal(size=n_rows), 2)

    def ours() -> tuple[float, float, float]:
        found = metrics.delong_test(y, score, other)
        return found.auroc_a, found.auroc_b, found.standard_error

    def peer() -> tuple[float, float, float]:
        of_positives, of_negatives = [], []
        for values in (score, other):
            positives, negatives = values[y == 1][:, None], values[y == 0][None, :]
            pairs = (positives > negatives) + 0.5 * (positives == negatives)
            of_positives.append(pairs.mean(axis=1))
            of_negatives.append(pairs.mean(axis=0))
        covariance = np.cov(of_positives) / y.sum() + np.cov(of_negatives) / (n_rows - y.sum())
        error = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
        return float(of_positives[0].mean()), float(of_positives[1].mean()), float(error)

    return {"rows": n_rows} | in_turn(ours, peer, 15)


def measure_fix_mistakes() -> dict[str, Any]:
    """Compare one step of the repair with one that looks for the mistakes and computes the metrics anew."""
    n_rows, steps, peer_steps = 100_000, 100_000, 10
    y, score, _ = make_data(n_rows)
    order = np.argsort(-score)

    def ours() -> None:
        metrics.fix_mistakes(y, score, policy="random", steps=steps, random_state=1)

    def peer() -> None:
        generator, ranked, height = np.random.default_rng(1), y[order].copy(), score[order]
        for _ in range(peer_steps):
            found = np.flatnonzero((ranked[:-1] == 0) & (ranked[1:] == 1))
            place = found[generator.integers(found.size)]
            ranked[place], ranked[place + 1] = 1, 0
            both(ranked, height)

    ours()
    peer()
    times, rounds = time_in_turn({"ours": ours, "peer": peer}, seconds=15, at_least=3, at_most=25)
    seconds = {"ours_seconds": times["ours"] / steps, "peer_seconds": times["peer"] / peer_steps}
    return (
        {"rows": n_rows}
        | seconds
        | {"speed_ratio": seconds["peer_seconds"] / seconds["ours_seconds"], "rounds": rounds}
    )


CASES: dict[str, Callable[[], dict[str, Any]]] = {
    "bootstrap": measure_bootstrap,
    "bootstrap_memory": measure_bootstrap_memory,
    "summary": measure_summary,
    "summary_groups_only": lambda: measure_summary(overall=False),
    "delong": measure_delong,
    "fix_mistakes": measure_fix_mistakes,
}
COLUMNS = (
    *("case", "rows", "groups", "ours_seconds", "peer_seconds", "speed_ratio", "ours_peak_mib", "largest_difference"),
    *("rounds", "goal", "met"),
)


def run_case(case: str) -> dict[str, Any]:
    """Measure one case in a process of its own, and compare it with its goal."""
    finished = subprocess.run([sys.executable, __file__, "--case", case], capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise RuntimeError(f"case {case} failed:\n{finished.stderr}")
    row = {"case": case} | json.loads(finished.stdout.splitlines()[-1])
    goal = GOALS[case]
    if goal is None:
        return row | {"goal": "", "met": ""}
    column, sign, bound = goal
    value = row[column]
    met = {">=": value >= bound, "<": value < bound, "<=": value <= bound}[sign]
    return row | {"goal": f"{column} {sign} {bound:g}", "met": "yes" if met else "no"}


def store(rows: list[dict[str, Any]]) -> None:
    """Write the table and where it comes from."""
    table = pd.DataFrame(rows).reindex(columns=COLUMNS).astype({"groups": "Int64"})
    atomic_write_text(TABLE, table.to_csv(index=False, float_format="%.5g", na_rep="nan"))
    about = provenance("python benchmarks/ranking.py", MODULES) | {
        "peer": "sklearn.metrics.roc_auc_score, sklearn.metrics.average_precision_score, NumPy",
        "data": DATA,
        "cases": ABOUT,
        "columns": {
            "ours_seconds, peer_seconds": "shortest time of `rounds` runs in turn",
            "speed_ratio": "peer_seconds / ours_seconds",
            "ours_peak_mib": "peak resident memory above that before the call, in MiB",
            "largest_difference": "largest absolute difference between the results of both programs",
        },
    }
    atomic_write_text(TABLE.with_suffix(".json"), json.dumps(about, indent=2) + "\n")


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table."""
    shown = ("ours_seconds", "peer_seconds", "speed_ratio", "ours_peak_mib", "largest_difference")
    table = Table("case", "rows", "ours, s", "peer, s", "ratio", "peak, MiB", "difference", "goal", "met")
    for row in rows:
        numbers = (f"{row[key]:.3g}" if key in row else "" for key in shown)
        table.add_row(row["case"], f"{row['rows']:,}", *numbers, row["goal"], row["met"])
    Console().print(table)


def main() -> None:
    """Run every case and print the table, or measure one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES, help="measure one case, print JSON")
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(CASES[arguments.case]()))
        return
    rows = [run_case(case) for case in track(CASES, "cases")]
    store(rows)
    show(rows)


if __name__ == "__main__":
    main()
