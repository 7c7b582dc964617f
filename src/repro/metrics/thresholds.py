"""Decisions: costs, and the threshold that follows from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from repro.ground.arrays import real_vector
from repro.ground.checks import positive_number
from repro.metrics._checks import binary_labels, same_length


def cost_threshold(*, cost_of_miss: float, cost_of_false_alarm: float) -> float:
    """Threshold of least expected cost for calibrated probabilities: alarm / (alarm + miss) (Elkan 2001).

    Parameters
    ----------
    cost_of_miss, cost_of_false_alarm : float
        Cost of a minority row that is not called so, and of a majority row that is; positive, in one unit.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If a cost is not positive.

    Examples
    --------
    >>> cost_threshold(cost_of_miss=9, cost_of_false_alarm=1)
    0.1
    """
    positive_number("cost_of_miss", cost_of_miss)
    positive_number("cost_of_false_alarm", cost_of_false_alarm)
    return cost_of_false_alarm / (cost_of_false_alarm + cost_of_miss)


def expected_cost(y_true: ArrayLike, decided: ArrayLike, *, cost_of_miss: float, cost_of_false_alarm: float) -> float:
    """Mean cost of a row.

    Parameters
    ----------
    y_true, decided : array-like of shape (n_samples,)
        Truth and decision for the minority: booleans, or 0 and 1.
    cost_of_miss, cost_of_false_alarm : float
        Cost of a minority row that is not called so, and of a majority row that is.

    Returns
    -------
    float
        In the unit of the costs.

    Raises
    ------
    ValueError
        If a cost is not positive, lengths differ, there is no row, or a label is not 0 or 1.

    Examples
    --------
    >>> expected_cost([0, 0, 0, 1], [0, 1, 0, 0], cost_of_miss=5, cost_of_false_alarm=1)
    1.5
    """
    positive_number("cost_of_miss", cost_of_miss)
    positive_number("cost_of_false_alarm", cost_of_false_alarm)
    truth, decision = binary_labels(y_true), binary_labels(decided, "decided")
    same_length(truth, decision, "y_true and decided")
    return float((cost_of_miss * (truth & ~decision) + cost_of_false_alarm * (~truth & decision)).mean())


def best_threshold(y_true: ArrayLike, y_score: ArrayLike, *, cost_of_miss: float, cost_of_false_alarm: float) -> float:
    """Threshold of least cost: call a row minority when its score is at least this.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Truth: booleans, or 0 and 1.
    y_score : array-like of shape (n_samples,)
        Score, larger for the minority.
    cost_of_miss, cost_of_false_alarm : float
        As in :func:`expected_cost`.

    Returns
    -------
    float
        One of the scores, or infinity when calling nothing minority is cheapest. Of several thresholds with the
        same cost, up to rounding, the highest.

    Raises
    ------
    ValueError
        If a cost is not positive, lengths differ, there is no row, a label is not 0 or 1, or a score is not finite.

    Notes
    -----
    One sort, O(n log n).

    Examples
    --------
    >>> y = [0, 0, 0, 0, 0, 1, 0, 1]
    >>> score = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    >>> best_threshold(y, score, cost_of_miss=5, cost_of_false_alarm=1)
    0.6
    >>> best_threshold(y, score, cost_of_miss=0.5, cost_of_false_alarm=1)
    0.8
    """
    positive_number("cost_of_miss", cost_of_miss)
    positive_number("cost_of_false_alarm", cost_of_false_alarm)
    truth, score = binary_labels(y_true), real_vector("y_score", y_score)
    same_length(truth, score, "y_true and y_score")
    order = np.argsort(~score if score.dtype.kind in "iu" else -score, kind="stable")
    sorted_score, sorted_truth = score[order], truth[order]
    last_of_ties = np.append(sorted_score[1:] != sorted_score[:-1], True)
    hits, alarms = np.cumsum(sorted_truth)[last_of_ties], np.cumsum(~sorted_truth)[last_of_ties]
    cost = cost_of_miss * (truth.sum() - np.append(0, hits)) + cost_of_false_alarm * np.append(0, alarms)
    cheapest = np.argmax(cost <= cost.min() * (1 + 1e-12))
    return float("inf") if cheapest == 0 else sorted_score[last_of_ties][cheapest - 1].item()
