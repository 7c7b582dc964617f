"""AUROC and average precision with their intervals, of all rows and of every group."""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from repro.metrics._ranking import rank_rows
from repro.metrics.delong import FEWEST_FOR_DELONG, delong_interval, newcombe_interval
from repro.metrics.ranking_intervals import average_precision_interval

ALL_ROWS: Final = "all rows"
"""Name of the group of all rows."""

COLUMNS: Final = ("group", "metric", "estimate", "low", "high", "method", "n_positive", "n_negative")


def ranking_by_group(y_true: ArrayLike, y_score: ArrayLike, *, groups: Any = None, level: float = 0.95) -> pd.DataFrame:
    """AUROC and average precision with intervals, of all rows and of every group.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Booleans, 0 and 1, or -1 and 1.
    y_score : array-like of shape (n_samples,)
        Finite scores, larger for the positives; ties count half.
    groups : array-like of shape (n_samples,), optional
        Label of the group of each row.
    level : float, default=0.95
        Coverage.

    Returns
    -------
    DataFrame
        Columns ``group``, ``metric`` ("auroc" or "average_precision"), ``estimate``, ``low``, ``high``, ``method``,
        ``n_positive``, ``n_negative``; first the group "all rows". The AUROC has DeLong's interval, Newcombe's where a
        class has fewer than 20 rows; the average precision that of its logit. A group of one class has NaN.

    Raises
    ------
    ValueError
        If an input is refused by :func:`repro.metrics.auroc`, a group is called "all rows", or `level` is no
        probability.

    Examples
    --------
    >>> found = ranking_by_group([0, 1, 0, 1, 1, 0], [1, 2, 3, 4, 5, 6], groups=list("aaabbb"))
    >>> found.loc[found["metric"] == "auroc", ["group", "estimate"]].round(3).to_numpy().tolist()
    [['all rows', 0.556], ['a', 0.5], ['b', 0.0]]
    """
    ranking = rank_rows(y_true, y_score, groups=groups)
    if ALL_ROWS in ranking.group_names:
        raise ValueError(f"groups must not hold the name {ALL_ROWS!r}, which stands for all rows")
    parts: list[tuple[Any, Any]] = [(ALL_ROWS, np.ones(ranking.order.size, dtype=np.bool_))]
    parts += [(name, ranking.group == number) for number, name in enumerate(ranking.group_names)]
    rows: list[tuple[Any, ...]] = []
    for name, here in parts:
        positive, score = ranking.positive[here], ranking.score[here]
        counts = int(positive.sum()), int((~positive).sum())
        if min(counts) == 0:
            rows += [(name, metric, np.nan, np.nan, np.nan, "", *counts) for metric in ("auroc", "average_precision")]
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the counts stand beside the bounds
            auroc = (newcombe_interval if min(counts) < FEWEST_FOR_DELONG else delong_interval)(
                positive, score, level=level
            )
            precision = average_precision_interval(positive, score, level=level)
        for metric, found in (("auroc", auroc), ("average_precision", precision)):
            rows.append((name, metric, found.estimate, found.low, found.high, found.method, *counts))
    return pd.DataFrame(rows, columns=list(COLUMNS))
