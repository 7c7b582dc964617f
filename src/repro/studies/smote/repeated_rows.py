"""What exact copies of rows on both sides of a split are worth (Mammography repeats 30 % of its rows)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from repro.protocol.experiment import Cell
from repro.studies.smote.problems import Problem, load_problem
from repro.studies.smote.sweep import FOLDS, Curve, child_seed, curve_areas, fold_curves, folds_of, mean_curve


def _row_groups(problem: Problem) -> npt.NDArray[np.intp]:
    """Give equal feature vectors the same number."""
    return np.unique(problem.X, axis=0, return_inverse=True)[1].ravel()


def distinct_rows(problem: Problem) -> Problem:
    """First copy of every distinct pair of feature vector and label, in the order of the rows."""
    labelled = np.column_stack([problem.X, problem.y])
    return problem.rows(np.sort(np.unique(labelled, axis=0, return_index=True)[1]))


def grouped_folds(
    problem: Problem, seed: np.random.SeedSequence
) -> Iterator[tuple[int, npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Yield number, training rows and test rows of stratified folds that keep copies of a row together."""
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=int(seed.generate_state(1)[0]))
    for number, (train, test) in enumerate(splitter.split(problem.X, problem.y, _row_groups(problem))):
        yield number, train, test


def repeated_rows(cell: Cell) -> pd.DataFrame:
    """Areas of the sweep with all rows, with distinct rows only, and with copies kept in one fold, on one partition.

    Parameters
    ----------
    cell : Cell
        Parameters ``dataset`` and ``partition``.

    Returns
    -------
    DataFrame
        Columns ``dataset, handling, method, replicate, metric, value``.
    """
    problem = load_problem(cell.parameters)
    seed = cell.seed_sequence()
    amount = problem.fixed_level
    distinct = distinct_rows(problem)
    plans = {
        "all_rows": (problem, folds_of(problem, child_seed(seed, 0))),
        "distinct_rows": (distinct, folds_of(distinct, child_seed(seed, 0))),
        "grouped_folds": (problem, grouped_folds(problem, child_seed(seed, 0))),
    }
    rows = []
    for handling, (used, folds) in plans.items():
        curves: dict[str, list[Curve]] = {"under": [], "smote_fixed_level": []}
        for number, train_rows, test_rows in folds:
            test = used.rows(test_rows)
            found = fold_curves(used.rows(train_rows), test.X, test.y, (0, amount), child_seed(seed, 1, number))
            curves["under"].append(found[0])
            curves["smote_fixed_level"].append(found[amount])
        rows += [
            (problem.name, handling, method, cell.parameters["partition"], metric, value)
            for method, of_folds in curves.items()
            for metric, value in curve_areas(mean_curve(of_folds)).items()
        ]
    return pd.DataFrame(rows, columns=["dataset", "handling", "method", "replicate", "metric", "value"])
