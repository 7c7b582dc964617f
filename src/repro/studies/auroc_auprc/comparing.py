"""Our runs on real data beside the stored means of the paper: what could have been told from zero, and the headline."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.metrics import Interval, nadeau_bengio_interval
from repro.studies.auroc_auprc.fairness import TASK_SETTINGS
from repro.studies.auroc_auprc.headline import SEEDS, STORED_TASKS, exact_p_value, spearman_over_tasks

FOLDS: Final = 3
"""Training to test rows are two to one: the test part is a third of both together."""


def differences(table: pd.DataFrame) -> pd.DataFrame:
    """Rank correlation of the gap with validation AUPRC minus that with AUROC, one row a task, weighting and split.

    Parameters
    ----------
    table : DataFrame
        Table of ``auroc_auprc.fairness`` or ``auroc_auprc.lsac``, or both.

    Returns
    -------
    DataFrame
        Columns ``dataset, attribute, weighting, replicate, difference``.
    """
    rows = table[table["metric"] == "rho_with_gap"]
    wide = rows.pivot_table(index=[*TASK_SETTINGS, "replicate"], columns="method", values="value")
    return (wide["average_precision"] - wide["auroc"]).rename("difference").reset_index()


def _with_moments(mean: float, standard_deviation: float, size: int) -> npt.NDArray[np.float64]:
    """Values that have just this mean and sample standard deviation."""
    values = np.arange(size, dtype=np.float64)
    return np.asarray(mean + standard_deviation * (values - values.mean()) / values.std(ddof=1))


def published_interval(task: str) -> Interval:
    """95 % interval of a published mean by the rule of this book, from the stored spread over the paper's 20 splits.

    Raises
    ------
    KeyError
        If there is no such task among :data:`STORED_TASKS`.
    """
    stored = STORED_TASKS[task]
    values = _with_moments(stored.mean, stored.standard_deviation, SEEDS)
    return nadeau_bengio_interval(values, folds=FOLDS)


def beside_the_paper(table: pd.DataFrame) -> pd.DataFrame:
    """Set the difference found for each task and weighting beside the published one.

    Parameters
    ----------
    table : DataFrame
        As in :func:`differences`.

    Returns
    -------
    DataFrame
        One row a task and weighting: ``dataset, attribute, weighting, splits, ratio`` (of the prevalences, mean over
        splits), ``ours, low, high`` (interval that allows for reused rows), ``published``, ``published_low``,
        ``published_high`` (the same rule on the stored spread), ``published_stands_out`` (whether that interval leaves
        out zero) and ``would_stand_out`` (whether the published mean is larger than half the width of our interval).
    """
    found = []
    ratios = table[table["metric"] == "prevalence_ratio"].groupby(list(TASK_SETTINGS))["value"].mean().to_dict()
    for key, part in differences(table).groupby(list(TASK_SETTINGS), sort=False):
        ours = nadeau_bengio_interval(part["difference"].to_numpy(), folds=FOLDS)
        paper = published_interval(f"{key[0]} {key[1]}")
        found.append(
            dict(zip(TASK_SETTINGS, key, strict=True))
            | {
                "splits": len(part),
                "ratio": ratios[key],
                "ours": ours.estimate,
                "low": ours.low,
                "high": ours.high,
                "published": paper.estimate,
                "published_low": paper.low,
                "published_high": paper.high,
                "published_stands_out": not paper.low <= 0 <= paper.high,
                "would_stand_out": abs(paper.estimate) > (ours.high - ours.low) / 2,
            }
        )
    return pd.DataFrame(found).sort_values(["ratio", *TASK_SETTINGS], ignore_index=True)


def own_headline(compared: pd.DataFrame, weighting: str) -> dict[str, float]:
    """Rank correlation of ratio and difference over the tasks that were run, ours and that of the published means.

    Parameters
    ----------
    compared : DataFrame
        Result of :func:`beside_the_paper`.
    weighting : {"first_code", "higher_prevalence"}
        Which group was weighted.

    Returns
    -------
    dict of str to float
        ``tasks``, ``ours``, ``published`` (over the same tasks) and ``exact_p_value`` of ours: the share of all orders
        of the tasks that correlate as closely.
    """
    rows = compared[compared["weighting"] == weighting]
    return {
        "tasks": float(len(rows)),
        "ours": float(spearman_over_tasks(rows["ratio"], rows["ours"])),
        "published": float(spearman_over_tasks(rows["ratio"], rows["published"])),
        "exact_p_value": exact_p_value(rows["ratio"], rows["ours"]),
    }
