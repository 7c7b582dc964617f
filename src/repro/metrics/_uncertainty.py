"""What the intervals of ranking metrics share: how much one row moves AUROC and average precision, in O(n)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.metrics._ranking import Ranking, rank_rows

Floats = NDArray[np.float64]


def checked_level(level: float) -> float:
    """Give the level back if it is a probability.

    Raises
    ------
    ValueError
        If it does not lie between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    return level


def rank_named(y_true: ArrayLike, score: ArrayLike, name: str) -> Ranking:
    """Sort rows by a score that the caller knows under another name than y_score.

    Raises
    ------
    ValueError, TypeError
        Those of :func:`repro.metrics._ranking.rank_rows`, with this name.
    """
    try:
        return rank_rows(y_true, score)
    except (ValueError, TypeError) as problem:
        raise type(problem)(str(problem).replace("y_score", name)) from problem


def block_of_row(ranking: Ranking) -> NDArray[np.intp]:
    """Give the number of the block of equal scores that each row of the ranking is in."""
    return np.repeat(np.arange(ranking.block_end.size), np.diff(ranking.block_end, prepend=-1))


def _counts(ranking: Ranking) -> tuple[NDArray[Any], NDArray[Any]]:
    """Positives and all rows down to the end of every block."""
    return np.cumsum(ranking.positive)[ranking.block_end], ranking.block_end + 1


def _down_to_the_end(values: Floats) -> Floats:
    """Sum of the values from each place to the last."""
    return np.asarray(np.cumsum(values[::-1])[::-1])


def placements(ranking: Ranking) -> Floats:
    """Share of the other class that each row is ordered correctly against, ties counting half.

    Parameters
    ----------
    ranking : Ranking
        With both classes; its weights are not used.

    Returns
    -------
    ndarray of shape (n,), float64
        In the order of the ranking. The mean over the positives is the AUROC, and so is the mean over the negatives.

    Notes
    -----
    These are the structural components of DeLong et al. (1988). Cumulative counts at the ends of the blocks of equal
    scores give them after one sort, as the midranks of [1]_ do.

    References
    ----------
    .. [1] X. Sun, W. Xu, Fast implementation of DeLong's algorithm for comparing the areas under correlated receiver
       operating characteristic curves, IEEE Signal Processing Letters 21 (2014) 1389-1393.
    """
    positives, rows = _counts(ranking)
    negatives = rows - positives
    # twice the counts, so that half credits stay whole numbers
    negatives_below = 2 * negatives[-1] - negatives - np.append(0, negatives[:-1])
    positives_above = positives + np.append(0, positives[:-1])
    block = block_of_row(ranking)
    of_positive, of_negative = negatives_below / (2 * negatives[-1]), positives_above / (2 * positives[-1])
    return np.asarray(np.where(ranking.positive, of_positive[block], of_negative[block]))


def auroc_without_each_row(ranking: Ranking) -> Floats:
    """AUROC of the other rows, for each row.

    Parameters
    ----------
    ranking : Ranking
        With both classes; its weights are not used.

    Returns
    -------
    ndarray of shape (n,), float64
        In the order of the ranking; NaN where the row is the only one of its class.
    """
    placement = placements(ranking)
    of_class = np.where(ranking.positive, ranking.positive.sum(), (~ranking.positive).sum())
    auroc = placement[ranking.positive].mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(of_class > 1, (of_class * auroc - placement) / (of_class - 1), np.nan)


def average_precision_without_each_row(ranking: Ranking) -> Floats:
    """Average precision of the other rows, for each row.

    Parameters
    ----------
    ranking : Ranking
        With both classes; its weights are not used.

    Returns
    -------
    ndarray of shape (n,), float64
        In the order of the ranking; NaN where the row is the only positive.

    Notes
    -----
    Let block b hold P of the n1 positives, with T positives and N rows down to its end; the average precision is the
    sum of P T / N over n1. Leaving out a negative of block b lowers N by one in b and below; leaving out a positive
    lowers N and T there, and P in b. Sums from the top and from the bottom give all n values in O(n).
    """
    positives, rows = _counts(ranking)
    inside = np.diff(positives, prepend=0)
    total = positives[-1]
    fewer = np.maximum(rows - 1, 1)
    term = inside * positives / rows
    above = np.cumsum(term) - term
    without_negative = (above + _down_to_the_end(inside * positives / fewer)) / total
    changed = inside * (positives - 1) / fewer
    with np.errstate(invalid="ignore", divide="ignore"):
        without_positive = (above + _down_to_the_end(changed) - (positives - 1) / fewer) / (total - 1)
    if total == 1:
        without_positive = np.full(rows.size, np.nan)
    block = block_of_row(ranking)
    return np.asarray(np.where(ranking.positive, without_positive[block], without_negative[block]))


def average_precision_influence(ranking: Ranking) -> Floats:
    r"""Influence of each row on the average precision.

    Parameters
    ----------
    ranking : Ranking
        With both classes; its weights are not used.

    Returns
    -------
    ndarray of shape (n,), float64
        In the order of the ranking. Their sum is 0; their mean square over n estimates the sampling variance.

    Notes
    -----
    With A(s) = P(y = 1, S >= s), B(s) = P(S >= s), precision p = A/B and prevalence :math:`\pi` the average precision
    is :math:`\theta = \pi^{-1} E[y\,p(S)]`. Its derivative in the direction of the row :math:`(y_i, s_i)` is

    .. math:: \varphi_i = \frac{1}{\pi}\Bigl( y_i\,(p(s_i) - \theta)
              + E\Bigl[ y\,\mathbf 1\{S \le s_i\}\,\frac{y_i - p(S)}{B(S)} \Bigr] \Bigr):

    what the row adds to the mean precision of the positives, and how it changes the precision at every positive that
    it stands above. With counts for probabilities (>= in both, so ties are exact) it is n times the derivative of the
    weighted average precision by the weight of the row.
    """
    positives, rows = _counts(ranking)
    inside = np.diff(positives, prepend=0)
    precision = positives / rows
    average = (inside * precision).sum() / positives[-1]
    of_negative = -_down_to_the_end(inside * precision / rows)
    of_positive = precision - average + _down_to_the_end(inside * (1 - precision) / rows)
    block = block_of_row(ranking)
    influence = np.where(ranking.positive, of_positive[block], of_negative[block])
    return np.asarray(rows[-1] / positives[-1] * influence)
