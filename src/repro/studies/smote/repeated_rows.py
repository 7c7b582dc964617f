"""What exact copies of rows on both sides of a split are worth (Mammography repeats 30 % of its rows)."""

from __future__ import annotations

from typing import Final

import pandas as pd

from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.smote.problems import fixed_level, load_problem
from repro.studies.smote.sweep import Curve, curve_areas, fold_curves, mean_curve
from repro.trials.folds import stratified_folds
from repro.trials.table_tasks import distinct_rows, row_groups

REPEATED_ROWS_SETTINGS: Final = ("dataset", "handling", "method")


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
    amount = fixed_level(problem)
    distinct = distinct_rows(problem)
    plans = {
        "all_rows": (problem, stratified_folds(problem.y, cell.child(0))),
        "distinct_rows": (distinct, stratified_folds(distinct.y, cell.child(0))),
        "grouped_folds": (problem, stratified_folds(problem.y, cell.child(0), groups=row_groups(problem))),
    }
    rows = Rows(*REPEATED_ROWS_SETTINGS, dataset=problem.name, replicate=cell.whole("partition"))
    for handling, (used, folds) in plans.items():
        curves: dict[str, list[Curve]] = {"under": [], "smote_fixed_level": []}
        for number, train_rows, test_rows in folds:
            test = used.rows(test_rows)
            found = fold_curves(used.rows(train_rows), test.X, test.y, (0, amount), cell.child(1, number))
            curves["under"].append(found[0])
            curves["smote_fixed_level"].append(found[amount])
        for method, of_folds in curves.items():
            rows.add(curve_areas(mean_curve(of_folds)), handling=handling, method=method)
    return rows.frame()
