"""Soup and PreDiabetes: the published analysis, and the same with a sound score (Section 4.3, Appendix B)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold

from repro.data import PREDIABETES_PREDICTORS, load, prediabetes_response
from repro.protocol.experiment import Cell
from repro.studies.presto.competitors import PAPER_METHODS, REAL, SINGLE, Training, fit_methods
from repro.studies.presto.missing import MISSING
from repro.studies.presto.scores import all_scores
from repro.studies.presto.selecting import N_FOLDS, Floats, Folds, Positions

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

Groups = npt.NDArray[np.intp] | None


@dataclass(frozen=True, eq=False)
class Task:
    """Rows of a data set with an ordered response.

    Attributes
    ----------
    X : ndarray of shape (n, p), float64
    y : ndarray of shape (n,), intp
        Classes from 0; the last is the one called rare.
    groups : ndarray of shape (n,), intp, or None
        Rows of one group come from the same person.
    """

    X: Floats
    y: Positions
    groups: Groups

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.y.max()) + 1


@cache
def soup() -> Task:
    """Soup with the response turned round: class 5 is SURENESS 1; 22 dummies, first levels left out.

    Raises
    ------
    DataUnavailable
        If the file is neither in the cache nor at the mirror or its origin.
    """
    loaded = load("soup")
    assert loaded.groups is not None  # respondents
    dummies = pd.get_dummies(loaded.features[list(SOUP_PREDICTORS)], drop_first=True)
    sureness = loaded.target.astype(int).to_numpy()
    return Task(
        dummies.to_numpy(dtype=np.float64),
        (6 - sureness).astype(np.intp),
        loaded.groups["RESP"].to_numpy(dtype=np.intp),
    )


@cache
def prediabetes(cutoff: int) -> Task:
    """PreDiabetes at an age cutoff: five predictors, class 2 is diabetes before that age."""
    loaded = load("prediabetes")
    X = loaded.features[list(PREDIABETES_PREDICTORS)].to_numpy(dtype=np.float64)
    classes = prediabetes_response(loaded, cutoff).astype(int).to_numpy() - 1
    return Task(X, classes.astype(np.intp), None)


def _stand_in() -> Task:
    """PreDiabetes with blocks of rows as respondents, so that controls of soup need no download."""
    task = prediabetes(STAND_IN_CUTOFF)
    return Task(task.X, task.y, np.arange(task.y.size) // STAND_IN_GROUP)


def draw_split(task: Task, generator: np.random.Generator) -> tuple[Positions, Positions]:
    """Draw a tenth of the rows, or of the groups, as test part; again until both parts hold every class."""
    units = np.arange(task.y.size) if task.groups is None else task.groups
    names = np.unique(units)
    while True:
        test_units = generator.permutation(names)[: round(TEST_SHARE * names.size)]
        test = np.isin(units, test_units)
        if all(np.bincount(task.y[part], minlength=task.n_classes).all() for part in (test, ~test)):
            return np.flatnonzero(~test), np.flatnonzero(test)


def draw_folds(rows: int, groups: Groups, generator: np.random.Generator) -> Folds:
    """Five random folds of equal size, not stratified; whole groups where there are any."""
    state = int(generator.integers(2**31))
    if groups is None:
        return list(KFold(N_FOLDS, shuffle=True, random_state=state).split(np.empty(rows)))
    return list(GroupKFold(N_FOLDS, shuffle=True, random_state=state).split(np.empty(rows), groups=groups))


def _scores_of_splits(task: Task, cell: Cell, setting: str | int) -> pd.DataFrame:
    splits = int(cell.parameters["splits"] or 0)
    first = splits * int(cell.parameters["batch"] or 0)
    rows: list[tuple[str | int, str, int, str, float]] = []
    for replicate, seed in enumerate(cell.seed_sequence().spawn(splits), start=first):
        generator = np.random.default_rng(seed)
        train, test = draw_split(task, generator)
        folds = draw_folds(train.size, None if task.groups is None else task.groups[train], generator)
        training = Training(task.X[train], task.y[train], task.n_classes, folds, REAL)
        is_rare = task.y[test] == task.n_classes - 1
        predictors = fit_methods(training, METHODS, single=SINGLE | MISSING)
        for name, predictor in predictors.items():
            scores = all_scores(is_rare, predictor(task.X[test]))
            rows += [(setting, name, replicate, metric, value) for metric, value in scores.items()]
    return pd.DataFrame(rows, columns=["setting", "method", "replicate", "metric", "value"])


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
    split_by = str(cell.parameters["split_by"])
    task = _stand_in() if "stands_for" in cell.parameters else soup()
    if split_by == "rows":
        task = Task(task.X, task.y, None)
    return _scores_of_splits(task, cell, split_by).rename(columns={"setting": "split_by"})


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
    cutoff = int(cell.parameters["cutoff"] or 0)
    return _scores_of_splits(prediabetes(cutoff), cell, cutoff).rename(columns={"setting": "cutoff"})
