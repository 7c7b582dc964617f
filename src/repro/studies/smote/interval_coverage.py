"""How often intervals from repeated cross-validation hold the mean over new samples, on data that can be drawn anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn import config_context
from sklearn.ensemble import HistGradientBoostingClassifier

from repro.metrics import auroc, mean_interval, nadeau_bengio_interval
from repro.protocol.experiment import Cell, child_seed
from repro.protocol.rows import Rows
from repro.trials import named
from repro.trials.folds import FOLDS, repetitions, stratified_partitions
from repro.trials.learners import Learner, fitted, logistic_regression, pruned_tree, smote_sampled
from repro.trials.table_tasks import BinaryTask, simulated_task

SAMPLE_ROWS: Final = 200
MINORITY_SHARE: Final = 0.2
PARTITIONS: Final = 10
DEMANDED: Final = 0.93
"""Coverage that a claim asks for; intervals aim at 0.95."""
COVERAGE_SETTINGS: Final = ("learner", "method")


def small_boosting(nominal: tuple[int, ...] = ()) -> HistGradientBoostingClassifier:
    """Give ten rounds of boosting with trees of four leaves: small, because it is fitted twenty thousand times."""
    return HistGradientBoostingClassifier(max_iter=10, max_leaf_nodes=4, min_samples_leaf=10, random_state=0)


COVERAGE_LEARNERS: Final[Mapping[str, Learner]] = {
    "pruned_tree": pruned_tree,
    "logistic_regression": logistic_regression,
    "small_boosting": small_boosting,
}


def fold_gains(task: BinaryTask, learner: Learner, seed: np.random.SeedSequence) -> npt.NDArray[np.float64]:
    """AUROC after SMOTE minus AUROC without, in every fold, shape (partitions, folds)."""
    gains = np.empty((PARTITIONS, FOLDS))
    for partition, fold, train_rows, test_rows in stratified_partitions(task.y, PARTITIONS, child_seed(seed, 1)):
        train, test = task.rows(train_rows), task.rows(test_rows)
        sampled = smote_sampled(train, child_seed(seed, 2, partition, fold))
        after, without = (fitted(learner, X, y)(test.X) for X, y in (sampled, (train.X, train.y)))
        gains[partition, fold] = auroc(test.y, after) - auroc(test.y, without)
    return gains


def interval_coverage(cell: Cell) -> pd.DataFrame:
    """Draw many samples from one population, cross-validate in each, and count which intervals hold the true mean gain.

    The true gain, the mean over samples of this size, is estimated by the mean of all samples of the cell.

    Parameters
    ----------
    cell : Cell
        Parameters ``learner`` and ``samples``.

    Returns
    -------
    DataFrame
        Columns ``learner, method, replicate, metric, value``: for each sample and each of the methods ``folds`` and
        ``partitions`` (Nadeau-Bengio on fold values and on means of whole partitions) and ``plain_t`` (Student on means
        of partitions) whether the 95 % interval ``covered`` the truth (0 or 1), the ``surplus`` of that over what is
        demanded, and the ``width``.
    """
    name = cell.text("learner")
    learner = named("learner", name, COVERAGE_LEARNERS)
    gains = []
    with config_context(skip_parameter_validation=True):  # many small fits, all with the same options
        for _, seed in repetitions(cell, "samples"):
            state = int(child_seed(seed, 0).generate_state(1)[0])
            task = simulated_task(SAMPLE_ROWS, minority_share=MINORITY_SHARE, seed=state)
            gains.append(fold_gains(task, learner, seed))
    truth = float(np.mean(gains))
    rows = Rows(*COVERAGE_SETTINGS, learner=name)
    for number, values in enumerate(gains):
        means = values.mean(axis=1)
        intervals = {
            "folds": nadeau_bengio_interval(values.ravel(), folds=FOLDS),
            "partitions": nadeau_bengio_interval(means, folds=FOLDS, folds_per_value=FOLDS),
            "plain_t": mean_interval(means),
        }
        for method, interval in intervals.items():
            covered = float(interval.low <= truth <= interval.high)
            rows.add(
                {"covered": covered, "surplus": covered - DEMANDED, "width": interval.high - interval.low},
                method=method,
                replicate=number,
            )
    return rows.frame()
