"""The paper's rank correlation over eight tasks, recomputed from its stored task table, with its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows

SEEDS: Final = 20
"""Seeds behind every stored mean."""

HEADLINE_SETTINGS: Final = ("ratios", "tasks", "resampled")
PUBLISHED_SPEARMAN: Final = 0.905
ALL_EQUAL: Final = "no_task_differs"


@dataclass(frozen=True)
class StoredTask:
    """What the authors' public notebook stores of one task.

    Attributes
    ----------
    first_split_ratio : float
        Prevalence ratio of the groups in one test split, the number on the paper's axis.
    full_file_ratio : float
        The same ratio in the whole file as far as it is at hand; else that of the split.
    mean, standard_deviation : float
        Over 20 seeds, of the rank correlation between validation AUPRC and gap minus that of validation AUROC.
    """

    first_split_ratio: float
    full_file_ratio: float
    mean: float
    standard_deviation: float


STORED_TASKS: Final[Mapping[str, StoredTask]] = {
    "lsac sex": StoredTask(1.000, 1.0135, -0.0169, 0.018),
    "mimic sex": StoredTask(1.034, 1.034, -0.0055, 0.118),
    "compas sex": StoredTask(1.264, 1.349, -0.0348, 0.078),
    "lsac race": StoredTask(1.271, 1.2434, 0.0183, 0.055),
    "compas race": StoredTask(1.422, 1.319, 0.0060, 0.066),
    "mimic race": StoredTask(1.435, 1.435, 0.0266, 0.101),
    "adult race": StoredTask(2.183, 2.065, 0.0282, 0.080),
    "adult sex": StoredTask(2.721, 2.808, 0.0702, 0.062),
}
"""MIMIC-III is not at hand: its two ratios are those of the split in both columns."""


def spearman_over_tasks(ratios: npt.ArrayLike, differences: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Rank correlation of prevalence ratio and difference over the last axis, the tasks; 0 where one does not vary."""
    x, y = (rankdata(values, axis=-1) for values in np.broadcast_arrays(ratios, differences))
    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    scale = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    return np.asarray((x * y).sum(axis=-1) / np.where(scale > 0, scale, 1.0))


def exact_p_value(ratios: npt.ArrayLike, differences: npt.ArrayLike) -> float:
    """Share of all orders of the tasks that give a rank correlation as large as the one found, or larger.

    Parameters
    ----------
    ratios, differences : array-like of shape (n_tasks,)
        Up to eight or nine tasks: every order is tried.
    """
    y = np.asarray(differences, dtype=np.float64)
    orders = np.array(list(permutations(range(y.size))))
    found = spearman_over_tasks(ratios, y)
    return float((spearman_over_tasks(np.asarray(ratios)[None, :], y[orders]) >= found - 1e-9).mean())


def spearman_draws(
    ratios: npt.ArrayLike,
    means: npt.ArrayLike,
    standard_errors: npt.ArrayLike,
    *,
    resample_tasks: bool,
    n_draws: int,
    generator: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """Parametric bootstrap of :func:`spearman_over_tasks`.

    The means carry the error of their seeds already, and a draw adds it once more: draws are drawn towards 0 and their
    median lies below the value of the table.

    Parameters
    ----------
    ratios, means, standard_errors : array-like of shape (n_tasks,)
        Prevalence ratio of each task, mean difference over seeds and its standard error.
    resample_tasks : bool
        Whether tasks are drawn with replacement as well; else only the means vary, by their standard errors.
    n_draws : int
        Number of draws.
    generator : Generator
        Source of randomness.

    Returns
    -------
    ndarray of shape (n_draws,), float64
    """
    x, y, error = (np.asarray(values, dtype=np.float64) for values in (ratios, means, standard_errors))
    noisy = y + error * generator.standard_normal((n_draws, y.size))
    rows = generator.integers(y.size, size=(n_draws, y.size)) if resample_tasks else np.arange(y.size)[None, :]
    rows = np.broadcast_to(rows, noisy.shape)
    return spearman_over_tasks(x[rows], np.take_along_axis(noisy, rows, axis=1))


def headline(cell: Cell) -> pd.DataFrame:
    """Recompute the rank correlation over the stored tasks with one set of ratios, and draw from its bootstrap.

    Parameters
    ----------
    cell : Cell
        Parameters ``ratios`` (``first_split`` or ``full_file``), ``tasks`` (``all`` or ``without_adult``),
        ``resampled`` (``seeds`` or ``seeds_and_tasks``) and ``draws``.

    Returns
    -------
    DataFrame
        Columns ``ratios, tasks, resampled, replicate, metric, value``: ``spearman`` for every draw, and once
        ``point_estimate``, ``deviation_from_published`` and ``exact_p_value``, the share of all orders of the tasks
        that correlate as closely.
    """
    settings = {name: cell.text(name) for name in HEADLINE_SETTINGS}
    used = {
        name: task for name, task in STORED_TASKS.items() if settings["tasks"] == "all" or not name.startswith("adult")
    }
    ratios = [getattr(task, f"{settings['ratios']}_ratio") for task in used.values()]
    means = [task.mean for task in used.values()]
    errors = [task.standard_deviation / np.sqrt(SEEDS) for task in used.values()]
    if cell.variant == ALL_EQUAL:
        means, errors = [float(np.mean(means))] * len(used), [0.0] * len(used)
    draws = spearman_draws(
        ratios,
        means,
        errors,
        resample_tasks=settings["resampled"] == "seeds_and_tasks",
        n_draws=cell.whole("draws"),
        generator=cell.generator(),
    )
    point = float(spearman_over_tasks(ratios, means))
    rows = Rows(*HEADLINE_SETTINGS, **settings)
    for replicate, draw in enumerate(draws):
        rows.add({"spearman": float(draw)}, replicate=replicate)
    found = {
        "point_estimate": point,
        "deviation_from_published": point - PUBLISHED_SPEARMAN,
        "exact_p_value": exact_p_value(ratios, means),
    }
    rows.add(found, replicate=0)
    return rows.frame()
