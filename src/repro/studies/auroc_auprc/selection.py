"""Which metric chooses the model that is best at the top of the list: 200 random models, chosen on one sample."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.metrics import auroc, average_precision
from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.auroc_auprc.samplers import HIGHER, LOWER, PREVALENCES, areas_of_each, n_positives
from repro.trials.folds import repetitions

FEATURES: Final = 8
MODELS: Final = 200
CONCENTRATION: Final = 0.3
"""Of the Dirichlet distribution of a model's weights; below 1 most weight falls on few features."""

VALIDATION_ROWS: Final = 1000
TEST_ROWS: Final = 5000
"""Rows of each of the two groups."""

DEPTHS: Final = (10, 50, 200)
ALL: Final = "all"
TOP_K_SETTINGS: Final = ("method", "k", "group")


class Task:
    """A population in which every feature marks a share of the positives only.

    A feature is standard normal; in a positive it is raised by `shift` with probability `share`. Features with a small
    share and a large shift fill the top of a ranking, features with a large share order all of it.

    Parameters
    ----------
    rng : Generator
        Draws share from U(0.1, 1) and shift from U(0.5, 3) for each of 8 features.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.share = rng.uniform(0.1, 1, FEATURES)
        self.shift = rng.uniform(0.5, 3, FEATURES)

    def sample(
        self, rows: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.str_]]:
        """Draw features, labels and groups of `rows` rows of each group, whose prevalences are 0.05 and 0.01."""
        labels = np.concatenate([np.arange(rows) < n_positives(rows, prevalence) for prevalence in PREVALENCES])
        raised = labels[:, None] & (rng.random((labels.size, FEATURES)) < self.share)
        X = rng.standard_normal((labels.size, FEATURES)) + raised * self.shift
        return X, labels, np.repeat([HIGHER, LOWER], rows)


def found_in_top(labels: NDArray[np.bool_], scores: NDArray[np.float64], k: int) -> NDArray[np.intp]:
    """Rows of the positives among the k highest scores."""
    top = np.argpartition(-scores, k - 1)[:k]
    return np.asarray(top[labels[top]])


def choose(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> dict[str, int]:
    """Find the model that AUROC and that average precision prefers; ties go to the first.

    Parameters
    ----------
    labels : ndarray of shape (n,), bool
    scores : ndarray of shape (n_models, n), float64

    Returns
    -------
    dict of str to int
        Number of the chosen model.
    """
    areas, precisions = areas_of_each(labels, scores)
    return {"auroc": int(np.argmax(areas)), "average_precision": int(np.argmax(precisions))}


def top_k(cell: Cell) -> pd.DataFrame:
    """Choose among random linear models on a validation sample and look at the top of the list on a test sample.

    Parameters
    ----------
    cell : Cell
        Parameters ``batch`` and ``seeds`` (tasks in a batch).

    Returns
    -------
    DataFrame
        Columns ``method, k, group, replicate, metric, value``; ``method`` is the metric that chooses
        (``auroc``, ``average_precision`` or, on the same share of the rows, ``precision_at_k``). ``precision`` at
        k for the group ``all``, ``recall`` at k for it and for both groups; rows without k give the test AUROC and
        average precision. One replicate a task.
    """
    rows = Rows(*TOP_K_SETTINGS)
    for replicate, seed in repetitions(cell, "seeds"):
        rng = np.random.default_rng(seed)
        task = Task(rng)
        weights = rng.dirichlet(np.full(FEATURES, CONCENTRATION), MODELS)
        X, y, _ = task.sample(VALIDATION_ROWS, rng)
        X_test, y_test, groups = task.sample(TEST_ROWS, rng)
        validation = weights @ X.T
        chosen = choose(y, validation)
        total = {group: int((y_test & ((groups == group) | (group == ALL))).sum()) for group in (ALL, HIGHER, LOWER)}
        for method, model in chosen.items():
            scores = X_test @ weights[model]
            areas = {"auroc": auroc(y_test, scores), "average_precision": average_precision(y_test, scores)}
            rows.add(areas, method=method, group=ALL, replicate=replicate)
        for k in DEPTHS:
            depth = k * y.size // y_test.size  # the same share of the rows
            chosen["precision_at_k"] = int(np.argmax([found_in_top(y, model, depth).size for model in validation]))
            for method, model in chosen.items():
                found = groups[found_in_top(y_test, X_test @ weights[model], k)]
                rows.add({"precision": found.size / k}, method=method, k=k, group=ALL, replicate=replicate)
                for group in (ALL, HIGHER, LOWER):
                    hits = int(((found == group) | (group == ALL)).sum())
                    rows.add({"recall": hits / total[group]}, method=method, k=k, group=group, replicate=replicate)
    return rows.frame()
