"""Speed of repro.closed_form's random-vector networks over a grid of penalties against scikit-learn's Ridge.

    python benchmarks/random_vector_link.py                  # the 102 sets of KEEL, minutes; needs them at hand
    python benchmarks/random_vector_link.py --part path      # penalties of one set

Part ``keel``: every set in five folds, networks of 23, 103 and 203 nodes and four penalties, weighted by class, on two
cores. Part ``path``: the penalties of one set of features. The peer is one ``Ridge`` for each penalty, on the same
features, rows and weights; both give the same outputs.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from side_by_side import parts_parser, provenance, show, store, time_in_turn
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from repro.closed_form import solve_link
from repro.data import names
from repro.protocol.experiment import child_seed
from repro.studies.fuzzy_rvfl.tables import table
from repro.trials.folds import stratified_folds

TABLE = Path(__file__).parent / "results" / "random_vector_link.csv"
MODULES = ("repro.closed_form",)
NODES = (23, 103, 203)
C = (1e-2, 1.0, 1e2, 1e4)
MANY = tuple(np.logspace(-3, 5, 32))
FOLDS = 5
PARTS = ("path", "keel")
COLUMNS = ("part", "rows", "features", "penalties", "ours_seconds", "peer_seconds", "ratio", "largest_difference")

Floats = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


def features(X: Floats, nodes: int, generator: np.random.Generator) -> Floats:
    """Standardised inputs, a random hidden layer and a constant."""
    rows = StandardScaler().fit_transform(X)
    hidden = np.maximum(rows @ generator.uniform(-1, 1, (rows.shape[1], nodes)) + generator.uniform(0, 1, nodes), 0)
    return np.hstack([rows, hidden, np.ones((len(rows), 1))])


def ours(Z: Floats, y: Flags, penalties: tuple[float, ...]) -> Floats:
    """Output weights for all penalties."""
    return solve_link(Z, y, penalties, weights="classes")[0]


def peer(Z: Floats, y: Flags, penalties: tuple[float, ...]) -> Floats:
    """Output weights by one ridge regression for each penalty."""
    weights = (len(y) / np.bincount(y)[y.astype(int)]) ** 2.0
    scale = len(y) / np.bincount(y).min()
    models = (Ridge(scale / value, fit_intercept=False, solver="cholesky") for value in penalties)
    return np.stack([model.fit(Z, np.where(y, 1.0, -1.0), sample_weight=weights).coef_ for model in models])


def one_path(name: str, nodes: int, penalties: tuple[float, ...]) -> dict[str, Any]:
    """Measure the penalties of one set of features, in turn."""
    task = table(name)
    Z = features(task.X, nodes, np.random.default_rng(0))
    programs = {"ours": lambda: ours(Z, task.y, penalties), "peer": lambda: peer(Z, task.y, penalties)}
    difference = np.abs((programs["ours"]() - programs["peer"]()) @ Z.T).max()
    times, _ = time_in_turn(programs, seconds=10, at_most=50)
    return _row("path", len(Z), Z.shape[1], len(penalties), times["ours"], times["peer"], difference)


def _row(
    part: str, rows: int, width: int, penalties: int, own: float, other: float, difference: float
) -> dict[str, Any]:
    return dict(zip(COLUMNS, (part, rows, width, penalties, own, other, other / own, float(difference)), strict=True))


def one_set(name: str) -> tuple[int, float, float, float]:
    """Rows, seconds of both programs on all folds and sizes of a set, and the largest difference of outputs."""
    task = table(name)
    spent, largest = {"ours": 0.0, "peer": 0.0}, 0.0
    for number, train, _ in stratified_folds(task.y, np.random.SeedSequence(0), FOLDS):
        for nodes in NODES:
            generator = np.random.default_rng(child_seed(np.random.SeedSequence(0), number, nodes))
            Z, found = features(task.X[train], nodes, generator), {}
            for program, solve in {"ours": ours, "peer": peer}.items():
                start = time.perf_counter()
                found[program] = solve(Z, task.y[train], C)
                spent[program] += time.perf_counter() - start
            largest = max(largest, float(np.abs((found["ours"] - found["peer"]) @ Z.T).max()))
    return task.y.size, spent["ours"], spent["peer"], largest


def keel() -> dict[str, Any]:
    """Measure all sets on two cores; seconds are those of the wall for ours, in proportion to those spent."""
    found = names("keel/*")
    start = time.perf_counter()
    measured = Parallel(n_jobs=2)(delayed(one_set)(name) for name in found)
    wall = time.perf_counter() - start
    rows, own, other, differences = (list(column) for column in zip(*measured, strict=True))
    print(f"{len(found)} sets x {FOLDS} folds x {len(NODES) * len(C)} settings: {wall:.0f} s for both, on two cores")
    share = wall / (sum(own) + sum(other))
    return _row("keel", sum(rows), max(NODES), len(C), share * sum(own), share * sum(other), max(differences))


def main() -> int:
    """Measure, store and show."""
    chosen = parts_parser(__doc__, PARTS).parse_args().part
    rows: list[dict[str, Any]] = []
    if chosen in ("all", "path"):
        rows += [one_path("german_credit", 203, penalties) for penalties in (C, MANY)]
    if chosen in ("all", "keel"):
        rows.append(keel())
    if chosen == "all":
        about = provenance("python benchmarks/random_vector_link.py", MODULES) | {
            "peer": "sklearn.linear_model.Ridge, one for each penalty, on the same features",
            "columns": {
                "penalties": "solved for on each set of features",
                "ours_seconds, peer_seconds": "part keel: seconds on two cores, all 102 sets, 5 folds, 3 sizes",
                "ratio": "peer_seconds / ours_seconds",
                "largest_difference": "between the outputs of both, which have the size of 1",
            },
        }
        store(TABLE, pd.DataFrame(rows), about)
    show(rows, COLUMNS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
