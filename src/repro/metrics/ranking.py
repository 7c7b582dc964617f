"""AUROC and average precision: exact values, groups, depths of a ranking, other prevalences, positive thresholds."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from repro.metrics._ranking import (
    auroc_of_weights,
    average_precision_of_weights,
    cumulative_weights,
    rank_rows,
)

if TYPE_CHECKING:
    from repro.metrics._ranking_kernels import Pass


def auroc(y_true: ArrayLike, y_score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Area under the ROC curve: P(s+ > s-) + P(s+ = s-) / 2 for a random positive and a random negative.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Booleans, 0 and 1, or -1 and 1.
    y_score : array-like of shape (n,)
        Finite scores; higher means more likely positive.
    sample_weight : array-like of shape (n,), optional
        Not negative. Whole weights give exactly the value of repeated rows.

    Returns
    -------
    float
        0.5 when all scores are equal. Without weights the correctly rounded fraction while 2 n1 n0 < 2**53.

    Raises
    ------
    ValueError
        If lengths differ, scores or weights are not finite, weights are negative or zero throughout a class, there is
        one class only, or labels hold other values.
    TypeError
        If scores or weights are no real numbers.

    Examples
    --------
    >>> auroc([0, 1, 0, 1, 1, 0, 1, 0], [0.2, 0.2, 0.2, 0.5, 0.5, 0.5, 0.5, 0.9])
    0.53125
    """
    return float(auroc_of_weights(*cumulative_weights(rank_rows(y_true, y_score, sample_weight=sample_weight))))


def average_precision(y_true: ArrayLike, y_score: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """Average precision: the sum over distinct thresholds of the gain in recall times the precision.

    It is what "AUPRC" means in this package; the trapezoid area below the points of the precision-recall curve differs.
    Rows of equal score are one threshold.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Booleans, 0 and 1, or -1 and 1.
    y_score : array-like of shape (n,)
        Finite scores; higher means more likely positive.
    sample_weight : array-like of shape (n,), optional
        Not negative. Whole weights give exactly the value of repeated rows.

    Returns
    -------
    float
        The prevalence when all scores are equal.

    Raises
    ------
    ValueError
        As for :func:`auroc`.
    TypeError
        As for :func:`auroc`.

    Examples
    --------
    >>> average_precision([0, 1, 0, 1, 1, 0, 1, 0], [0.2, 0.2, 0.2, 0.5, 0.5, 0.5, 0.5, 0.9])
    0.575
    """
    ranking = rank_rows(y_true, y_score, sample_weight=sample_weight)
    return float(average_precision_of_weights(*cumulative_weights(ranking)))


def average_precision_at_prevalence(
    y_true: ArrayLike, y_score: ArrayLike, prevalence: float, *, sample_weight: ArrayLike | None = None
) -> float:
    """Average precision as it would be if only the base rate were different.

    The scores within each class stay as they are, so TPR and FPR do, and the precision at a threshold becomes
    pi TPR / (pi TPR + (1 - pi) FPR). At the observed prevalence the result is :func:`average_precision`.

    Average precision moves with the base rate alone, so values of populations (groups, years, hospitals) with
    different prevalences say nothing about which of them is ranked better. Compared at one reference prevalence they
    do: this is the calibrated average precision of Siblini et al. (2020), "Master your metrics with calibration".
    Take as reference the prevalence where the model will be used, or that of the pooled data; 0.5 when there is
    neither. The order of two rankings may depend on it, so report it with the value.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Booleans, 0 and 1, or -1 and 1.
    y_score : array-like of shape (n,)
        Finite scores; higher means more likely positive.
    prevalence : float
        Share of positives to assume (pi), strictly between 0 and 1.
    sample_weight : array-like of shape (n,), optional
        Not negative. Only weights within a class matter.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If `prevalence` does not lie between 0 and 1, and as for :func:`auroc`.
    TypeError
        As for :func:`auroc`.

    Examples
    --------
    >>> round(average_precision([1, 0, 1, 0], [4, 3, 2, 1]), 4)
    0.8333
    >>> round(average_precision_at_prevalence([1, 0, 1, 0], [4, 3, 2, 1], 0.5), 4)
    0.8333
    >>> round(average_precision_at_prevalence([1, 0, 1, 0], [4, 3, 2, 1], 0.1), 4)
    0.5909
    """
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence must lie strictly between 0 and 1, got {prevalence}")
    positives, negatives = cumulative_weights(rank_rows(y_true, y_score, sample_weight=sample_weight))
    shift = prevalence / (1 - prevalence) * (negatives[-1] / positives[-1])
    return float(average_precision_of_weights(positives * shift, negatives))


@dataclass(frozen=True, eq=False)
class PositiveThresholds:
    """What a threshold at the score of each positive costs, from which both metrics are means.

    Attributes
    ----------
    score : ndarray of shape (n1,), float64
        Scores t of the positives, in the order of the input; whole numbers beyond 2**53 keep their type.
    weight : ndarray of shape (n1,), float64
        Their weights, with sum 1.
    fpr : ndarray of shape (n1,), float64
        Share of the negatives with s > t, and half of those with s = t.
    fpr_closed : ndarray of shape (n1,), float64
        Share of the negatives with s >= t.
    firing_rate : ndarray of shape (n1,), float64
        Share F of all rows with s >= t; never 0, the positive itself is among them.
    share_negative : float
        P(y = 0).
    """

    score: NDArray[Any]
    weight: NDArray[np.float64]
    fpr: NDArray[np.float64]
    fpr_closed: NDArray[np.float64]
    firing_rate: NDArray[np.float64]
    share_negative: float

    @property
    def auroc(self) -> float:
        """1 - E[FPR]."""
        return float(self.weight @ (1 - self.fpr))

    @property
    def average_precision(self) -> float:
        """1 - P(y = 0) E[FPR / F], the precision at every positive's score and its mean."""
        return float(self.weight @ (1 - self.share_negative * self.fpr_closed / self.firing_rate))


def positive_thresholds(
    y_true: ArrayLike, y_score: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> PositiveThresholds:
    """Read the rates at the score of every positive (McDermott et al. 2024, Theorem 1, for finite samples with ties).

    With t drawn from the scores of the positives::

        AUROC             = 1 - E[ FPR(t) ]
        average precision = 1 - P(y = 0) E[ FPR(t) / F(t) ]

    so the two differ by the weight 1 / F(t). Exact in a sample when AUROC counts tied negatives half, and average
    precision counts s >= t in both rates. Computed by binary search in sorted scores, apart from :func:`auroc` and
    :func:`average_precision`.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Booleans, 0 and 1, or -1 and 1.
    y_score : array-like of shape (n,)
        Finite scores; higher means more likely positive.
    sample_weight : array-like of shape (n,), optional
        Not negative. Positives of weight 0 are left out.

    Returns
    -------
    PositiveThresholds

    Raises
    ------
    ValueError
        As for :func:`auroc`.
    TypeError
        As for :func:`auroc`.

    Examples
    --------
    >>> at = positive_thresholds([1, 0, 1, 0], [4, 3, 2, 1])
    >>> at.firing_rate.tolist()
    [0.25, 0.75]
    >>> at.auroc, round(at.average_precision, 4)
    (0.75, 0.8333)
    """
    ranking = rank_rows(y_true, y_score, sample_weight=sample_weight)
    back = np.argsort(ranking.order)
    positive, score = ranking.positive[back], ranking.score[back]
    weight = np.ones(score.size) if ranking.weight is None else ranking.weight[back]
    at = score[positive & (weight > 0)]
    own = weight[positive & (weight > 0)]

    def share_above(rows: NDArray[np.bool_], side: Any) -> NDArray[np.float64]:
        ascending = np.argsort(score[rows], kind="stable")
        total_from = np.append(np.cumsum(weight[rows][ascending][::-1])[::-1], 0.0)
        found = total_from[np.searchsorted(score[rows][ascending], at, side=side)]
        return np.asarray(found / total_from[0])

    closed = share_above(~positive, "left")
    return PositiveThresholds(
        at,
        own / own.sum(),
        (share_above(~positive, "right") + closed) / 2,
        closed,
        share_above(np.ones_like(positive), "left"),
        float(weight[~positive].sum() / weight.sum()),
    )


@dataclass(frozen=True, eq=False)
class RankingSummary:
    """A ranking, overall, by group and by depth.

    Attributes
    ----------
    auroc, average_precision : float
        As :func:`auroc` and :func:`average_precision` give them.
    prevalence : float
        Share of positives (of their weight).
    n_positive, n_negative : int
        Rows of each class.
    by_group : DataFrame
        One row a group: ``auroc``, ``average_precision``, ``prevalence``, ``n_positive``, ``n_negative`` within the
        group, and ``defined``. A group in which a class has no rows (or no weight) is not `defined`: its metrics are
        NaN, its counts are shown. Without `groups` all rows are one group, named "all".
    pair_auroc : DataFrame
        Row a, column b: P(score of a positive of a > score of a negative of b), ties counted half; NaN where there is
        no such pair. The diagonal holds the AUROC of the groups.
    pair_weight : DataFrame
        Share of all pairs of a positive and a negative that `pair_auroc` is about, n1_a n0_b / (n1 n0). The sum of
        their products is the overall AUROC.
    at_k : DataFrame
        Indexed by k: ``precision`` and ``recall`` among the k rows of the highest scores. Where k cuts a block of
        equal scores, their mean over all orders of the block.
    """

    auroc: float
    average_precision: float
    prevalence: float
    n_positive: int
    n_negative: int
    by_group: pd.DataFrame
    pair_auroc: pd.DataFrame
    pair_weight: pd.DataFrame
    at_k: pd.DataFrame


def _depths(k: int | Sequence[int] | None, total: float) -> NDArray[np.int64]:
    if k is None:
        series = np.array([step * 10**power for power in range(16) for step in (1, 2, 5)])
        return series[series <= total].astype(np.int64)
    wanted = np.atleast_1d(np.asarray(k))
    if wanted.ndim != 1 or wanted.size == 0 or wanted.dtype.kind not in "iu":
        raise TypeError(f"k must be a whole number or a sequence of them, got {k!r}")
    wanted = np.unique(wanted)
    if wanted[0] < 1 or wanted[-1] > total:
        wrong = wanted[0] if wanted[0] < 1 else wanted[-1]
        raise ValueError(f"k must lie between 1 and the number of rows (or their weight), {total:g}, got {wrong}")
    return wanted.astype(np.int64)


def _group_tables(
    counted: Pass, pairs: NDArray[np.float64], won_twice: NDArray[np.float64], names: tuple[Hashable, ...]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    defined = np.diag(pairs) > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        pair_auroc = np.where(pairs > 0, won_twice / (2 * pairs), np.nan)
        by_group = {
            "auroc": np.diag(pair_auroc),
            "average_precision": np.where(defined, counted.gained / counted.positives, np.nan),
            "prevalence": counted.positives / (counted.positives + counted.negatives),
            "n_positive": counted.n_rows[:, 1],
            "n_negative": counted.n_rows[:, 0],
            "defined": defined,
        }
    index = pd.Index(list(names), name="group", tupleize_cols=False)
    rows, columns = index.rename("group_of_positive"), index.rename("group_of_negative")
    return (
        pd.DataFrame(by_group, index=index),
        pd.DataFrame(pair_auroc, index=rows, columns=columns),
        pd.DataFrame(pairs / pairs.sum(), index=rows, columns=columns),
    )


def ranking_summary(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    groups: Any = None,
    sample_weight: ArrayLike | None = None,
    k: int | Sequence[int] | None = None,
) -> RankingSummary:
    """Summarise a ranking overall, by group, between groups and at depths k, from one sort.

    The overall AUROC is a weighted mean over pairs of groups::

        AUROC = sum over (a, b) of n1_a n0_b / (n1 n0) * P(score of a positive of a > score of a negative of b)

    so a good overall value can stand beside a poor one within every group. Average precision has no such parts, and
    the values of groups with different prevalences cannot be compared
    (see :func:`average_precision_at_prevalence`).

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Booleans, 0 and 1, or -1 and 1.
    y_score : array-like of shape (n,)
        Finite scores; higher means more likely positive.
    groups : array-like of shape (n,), optional
        Labels of groups without missing values.
    sample_weight : array-like of shape (n,), optional
        Not negative. Whole weights give exactly the summary of repeated rows, apart from the counts of rows; k then
        counts weight.
    k : int or sequence of int, optional
        Depths of `at_k`, from 1 to n. By default 1, 2, 5, 10, 20, 50, ... as far as the rows go.

    Returns
    -------
    RankingSummary

    Raises
    ------
    ValueError
        If a k is smaller than 1 or larger than the number (weight) of rows, group labels are missing, and as for
        :func:`auroc`.
    TypeError
        If k is no whole number, group labels cannot be sorted, and as for :func:`auroc`.

    Examples
    --------
    >>> y = [0, 0, 0, 0, 0, 1, 0, 1]
    >>> score = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    >>> summary = ranking_summary(y, score, groups=["a", "b"] * 4)
    >>> round(summary.auroc, 3)
    0.917
    >>> summary.by_group["n_positive"].to_dict()
    {'a': 0, 'b': 2}
    """
    from repro.metrics._ranking_kernels import group_pass

    ranking = rank_rows(y_true, y_score, sample_weight=sample_weight, groups=groups)
    n_rows = ranking.positive.size
    n_positive = int(np.count_nonzero(ranking.positive))
    group, names = ranking.group, ranking.group_names
    if group is None:
        group, names = np.zeros(n_rows, dtype=np.intp), ("all",)
    with np.errstate(over="ignore"):
        total = float(n_rows if ranking.weight is None else np.ldexp(ranking.weight.sum(), ranking.weight_exponent))
    depths = _depths(k, total)
    reached = np.ldexp(depths.astype(np.float64), -ranking.weight_exponent)
    few_positive = 2 * n_positive <= n_rows
    counted = group_pass(ranking.positive, ranking.weight, group, ranking.block_end, len(names), few_positive, reached)
    pairs = np.outer(counted.positives, counted.negatives)
    won_twice = 2 * pairs - counted.above_twice if few_positive else counted.above_twice.T
    positives, negatives = float(counted.positives.sum()), float(counted.negatives.sum())
    return RankingSummary(
        float(won_twice.sum() / (2 * positives * negatives)),
        float(counted.gained_overall / positives),
        positives / (positives + negatives),
        n_positive,
        n_rows - n_positive,
        *_group_tables(counted, pairs, won_twice, names),
        pd.DataFrame(
            {"precision": counted.found / reached, "recall": counted.found / positives},
            index=pd.Index(depths, name="k"),
        ),
    )
