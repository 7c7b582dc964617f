"""Over-sampling by SMOTE against replication: tree size and recall (Figures 4, 5 and 19)."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.protocol.experiment import Cell
from repro.studies.smote.problems import load_problem
from repro.studies.smote.sweep import fit_tree, roc_point, synthetic_rows
from repro.trials.folds import stratified_folds

LEVELS: Final = (0, 100, 200, 300, 400, 500)
JITTER: Final = 1e-6
"""Standard deviation of a copy around its parent in a control, as a share of that of the column."""


def jittered_copies(rows: npt.NDArray[np.float64], level: int, seed: np.random.SeedSequence) -> npt.NDArray[np.float64]:
    """Children for a control, as many as SMOTE has: each lies next to its parent, so they are hardly more than copies.

    Parameters
    ----------
    rows : ndarray of shape (n_minority, n_features)
    level : int
        Children of each row times 100.
    seed : SeedSequence

    Returns
    -------
    ndarray of shape (n_minority * level / 100, n_features)
    """
    copies = np.repeat(rows, level // 100, axis=0)
    return copies + np.random.default_rng(seed).normal(scale=JITTER * rows.std(axis=0), size=copies.shape)


def replication(cell: Cell) -> pd.DataFrame:
    """Grow pruned trees on all majority rows with the minority over-sampled to each level, on one partition.

    Replication repeats every minority row the same number of times, so that both methods add equally many rows
    for each parent.

    Parameters
    ----------
    cell : Cell
        Parameters ``dataset`` and ``partition``.

    Returns
    -------
    DataFrame
        Columns ``dataset, method, level, replicate, metric, value``; metrics ``nodes`` and ``leaves`` of the pruned
        tree, ``recall`` and ``fpr``, each the mean over ten folds.
    """
    problem = load_problem(cell.parameters)
    measured = []
    for number, train_rows, test_rows in stratified_folds(problem.y, cell.child(0)):
        train, test = problem.rows(train_rows), problem.rows(test_rows)
        minority = train.X[train.y]
        for level in LEVELS:
            seed = cell.child(1, number, level)
            if cell.variant == "children_jittered":
                smote = jittered_copies(minority, level, seed)
            else:
                smote, _ = synthetic_rows(train, level, seed)
            for method, added in (("smote", smote), ("replication", np.repeat(minority, level // 100, axis=0))):
                X = np.vstack([train.X, added])
                y = np.concatenate([train.y, np.ones(len(added), dtype=bool)])
                tree = fit_tree(train, X, y)
                fpr, recall = roc_point(test.y, tree.predict(test.X))
                measured.append((method, level, tree.node_count_, tree.leaf_count_, recall, fpr))
    frame = pd.DataFrame(measured, columns=["method", "level", "nodes", "leaves", "recall", "fpr"])
    means = frame.groupby(["method", "level"], sort=False).mean().reset_index()
    tidy = means.melt(["method", "level"], var_name="metric", value_name="value")
    return tidy.assign(dataset=problem.name, replicate=cell.whole("partition"))
