"""Soup and PreDiabetes: the published analysis, and the same with a sound score (Section 4.3, Appendix B)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
import pandas as pd

from repro.data import PREDIABETES_PREDICTORS, load, prediabetes_response
from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.presto.competitors import PAPER_METHODS, REAL, SINGLE, Training, fit_methods
from repro.studies.presto.missing import MISSING
from repro.studies.presto.scores import all_scores
from repro.studies.presto.selecting import N_FOLDS
from repro.trials.folds import held_out, repetitions, shuffled_folds
from repro.trials.table_tasks import ClassTask, TableTask, numeric_matrix

SOUP_PREDICTORS: Final = (
    "PROD",
    "DAY",
    "SOUPTYPE",
    "SOUPFREQ",
    "COLD",
    "EASY",
    "GENDER",
    "AGEGROUP",
    "LOCATION",
)
CUTOFFS: Final = (30, 35, 40, 45, 50, 55, 60, 65)
TEST_SHARE: Final = 0.1
METHODS: Final = (*PAPER_METHODS, *MISSING)

STAND_IN_CUTOFF: Final = 50
STAND_IN_GROUP: Final = 10
"""Where PreDiabetes stands for soup in a control: its cutoff, and how many neighbouring rows make a respondent."""

SOUP_SETTINGS: Final = ("split_by", "method")
PREDIABETES_SETTINGS: Final = ("cutoff", "method")


@cache
def soup() -> ClassTask:
    """Soup with the response turned round: class 5 is SURENESS 1; 22 dummies, first levels left out.

    Raises
    ------
    DataUnavailable
        If the file is neither in the cache nor at the mirror or its origin.
    """
    loaded = load("soup")
    assert loaded.groups is not None  # respondents
    X, _ = numeric_matrix(loaded.features[list(SOUP_PREDICTORS)], "dummies")
    sureness = loaded.target.astype(int).to_numpy()
    return TableTask("soup", X, (6 - sureness).astype(np.intp), groups=loaded.groups["RESP"].to_numpy(dtype=np.intp))


@cache
def prediabetes(cutoff: int) -> ClassTask:
    """PreDiabetes at an age cutoff: five predictors, class 2 is diabetes before that age."""
    loaded = load("prediabetes")
    X = loaded.features[list(PREDIABETES_PREDICTORS)].to_numpy(dtype=np.float64)
    classes = prediabetes_response(loaded, cutoff).astype(int).to_numpy() - 1
    return TableTask("prediabetes", X, classes.astype(np.intp))


def _stand_in() -> ClassTask:
    """PreDiabetes with blocks of rows as respondents, so that controls of soup need no download."""
    task = prediabetes(STAND_IN_CUTOFF)
    return replace(task, groups=np.arange(task.y.size) // STAND_IN_GROUP)


def _scores_of_splits(task: ClassTask, cell: Cell, rows: Rows) -> pd.DataFrame:
    for replicate, seed in repetitions(cell, "splits"):
        generator = np.random.default_rng(seed)
        train, test = (task.rows(part) for part in held_out(task.y, generator, TEST_SHARE, groups=task.groups))
        folds = shuffled_folds(train.y.size, generator, N_FOLDS, groups=train.groups)
        training = Training(train.X, train.y, task.n_classes, folds, REAL)
        is_rare = test.y == task.n_classes - 1
        for name, predictor in fit_methods(training, METHODS, single=SINGLE | MISSING).items():
            rows.add(all_scores(is_rare, predictor(test.X)), method=name, replicate=replicate)
    return rows.frame()


def soup_splits(cell: Cell) -> pd.DataFrame:
    """Score all methods on random splits of soup, by rows as published or by respondents.

    Parameters
    ----------
    cell : Cell
        Parameters ``dataset``, ``split_by`` (``rows`` or ``respondents``), ``batch`` and ``splits``; with
        ``stands_for`` PreDiabetes is read instead, for controls.

    Returns
    -------
    DataFrame
        Columns ``split_by, method, replicate, metric, value`` with the metrics of
        :func:`repro.studies.presto.scores.all_scores`. ``presto_published`` is fitted as published.
    """
    split_by = cell.text("split_by")
    task = _stand_in() if "stands_for" in cell.parameters else soup()
    if split_by == "rows":
        task = replace(task, groups=None)
    return _scores_of_splits(task, cell, Rows(*SOUP_SETTINGS, split_by=split_by))


def prediabetes_splits(cell: Cell) -> pd.DataFrame:
    """Score all methods on random splits of PreDiabetes at one age cutoff.

    Parameters
    ----------
    cell : Cell
        Parameters ``dataset``, ``cutoff``, ``batch`` and ``splits``.

    Returns
    -------
    DataFrame
        Columns ``cutoff, method, replicate, metric, value``, metrics as in :func:`soup_splits`.
    """
    cutoff = cell.whole("cutoff")
    return _scores_of_splits(prediabetes(cutoff), cell, Rows(*PREDIABETES_SETTINGS, cutoff=cutoff))
