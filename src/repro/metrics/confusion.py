"""Confusion counts, the metrics made of them, what label errors do to them, and the best threshold for any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.ground.checks import positive_number
from repro.ground.exceptions import UnknownName
from repro.metrics._ranking import cumulative_weights, rank_rows

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Counts:
    """Confusion matrices, one or an array of them; counts of rows or shares of all rows.

    Parameters
    ----------
    tp, fp, fn, tn : array-like of one shape, or shapes that broadcast
        True positives, false positives, false negatives, true negatives; not negative.

    Raises
    ------
    ValueError
        If an entry is negative or not finite, or a matrix has no positive or no negative row.
    """

    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats

    def __post_init__(self) -> None:
        names = [field.name for field in fields(self)]
        given = [np.asarray(getattr(self, name), dtype=np.float64) for name in names]
        for name, values in zip(names, np.broadcast_arrays(*given), strict=True):
            if not (np.isfinite(values) & (values >= 0)).all():
                wrong = values[~(np.isfinite(values) & (values >= 0))]
                raise ValueError(f"{name} must be at least 0 and finite, got {wrong[0]:g}")
            object.__setattr__(self, name, values)
        for name, rows in (("positive", self.tp + self.fn), ("negative", self.fp + self.tn)):
            if not (rows > 0).all():
                raise ValueError(f"counts must have {name} rows, got none")

    @classmethod
    def from_rates(cls, prevalence: ArrayLike, tpr: ArrayLike, fpr: ArrayLike) -> Self:
        """Give shares of rows from prevalence, true positive rate and false positive rate.

        Parameters
        ----------
        prevalence : array-like
            Share of positives, above 0 and below 1.
        tpr, fpr : array-like
            Between 0 and 1.

        Raises
        ------
        ValueError
            If one of them is out of its range.
        """
        pi = _rates("prevalence", prevalence, inside=True)
        hit, alarm = _rates("tpr", tpr), _rates("fpr", fpr)
        return cls(pi * hit, (1 - pi) * alarm, pi * (1 - hit), (1 - pi) * (1 - alarm))

    def at(self, index: Any) -> Counts:
        """Those at an index of the arrays."""
        return Counts(self.tp[index], self.fp[index], self.fn[index], self.tn[index])


def _rates(name: str, values: ArrayLike, *, inside: bool = False) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    right = (found > 0) & (found < 1) if inside else (found >= 0) & (found <= 1)
    if not right.all():
        allowed = "lie above 0 and below 1" if inside else "lie between 0 and 1"
        raise ValueError(f"{name} must {allowed}, got {found[~right].flat[0]:g}")
    return found


def recorded_counts(counts: Counts, *, missed: ArrayLike = 0.0, invented: ArrayLike = 0.0) -> Counts:
    r"""Give the expected counts against recorded labels that contain errors independent of the decision.

    With :math:`a` = `missed` and :math:`b` = `invented`, :math:`TP' = TP (1 - a) + FP\, b`,
    :math:`FP' = FP (1 - b) + TP\, a`, :math:`FN' = FN (1 - a) + TN\, b`, :math:`TN' = TN (1 - b) + FN\, a`.

    Parameters
    ----------
    counts : Counts
        Against the true labels.
    missed, invented : array-like
        Probability that a positive row is recorded as negative, and a negative as positive; their sum is below 1,
        because from 1 on the records say nothing about the truth, or its contrary.

    Returns
    -------
    Counts
        Of the broadcast shape.

    Raises
    ------
    ValueError
        If a rate lies outside [0, 1] or both sum to 1 or more.

    Examples
    --------
    >>> recorded_counts(Counts(tp=80, fp=10, fn=20, tn=890), missed=0.25)  # a quarter of the positives is not recorded
    Counts(tp=array(60.), fp=array(30.), fn=array(15.), tn=array(895.))
    """
    a, b = _rates("missed", missed), _rates("invented", invented)
    if not (a + b < 1).all():
        raise ValueError(f"missed and invented must sum to less than 1, got {np.max(a + b):g}")
    return Counts(
        tp=counts.tp * (1 - a) + counts.fp * b,
        fp=counts.fp * (1 - b) + counts.tp * a,
        fn=counts.fn * (1 - a) + counts.tn * b,
        tn=counts.tn * (1 - b) + counts.fn * a,
    )


def f_score(counts: Counts, beta: float = 1.0) -> Floats:
    """F score, in which recall weighs `beta` times as much as precision; beta**2 misses cost as much as one alarm.

    Examples
    --------
    >>> counts = Counts(tp=8, fp=2, fn=4, tn=86)
    >>> float(f_score(counts).round(3)), float(f_score(counts, beta=2).round(3))
    (0.727, 0.69)
    """
    square = positive_number("beta", beta) ** 2
    hits = (1 + square) * counts.tp
    return np.asarray(hits / (hits + square * counts.fn + counts.fp))


def _recall(counts: Counts) -> Floats:
    return counts.tp / (counts.tp + counts.fn)


def _specificity(counts: Counts) -> Floats:
    return counts.tn / (counts.tn + counts.fp)


def _precision(counts: Counts) -> Floats:
    called = counts.tp + counts.fp
    return counts.tp / np.where(called > 0, called, 1.0)


def _accuracy(counts: Counts) -> Floats:
    return (counts.tp + counts.tn) / (counts.tp + counts.fp + counts.fn + counts.tn)


def _mcc(counts: Counts) -> Floats:
    called, left = counts.tp + counts.fp, counts.tn + counts.fn
    # a product of four roots: the product of four counts of a million rows each would lose digits
    scale = np.sqrt(called) * np.sqrt(left) * np.sqrt(counts.tp + counts.fn) * np.sqrt(counts.tn + counts.fp)
    return (counts.tp * counts.tn - counts.fp * counts.fn) / np.where(scale > 0, scale, 1.0)


def _kappa(counts: Counts) -> Floats:
    called, left = counts.tp + counts.fp, counts.tn + counts.fn
    beyond_chance = called * (counts.fp + counts.tn) + left * (counts.tp + counts.fn)
    return 2 * (counts.tp * counts.tn - counts.fp * counts.fn) / beyond_chance


Metric = Callable[[Counts], Floats]
"""From confusion matrices to one number each, the larger the better."""

METRICS: Final[Mapping[str, Metric]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": lambda counts: (_recall(counts) + _specificity(counts)) / 2,
    "f1": f_score,
    "f2": lambda counts: f_score(counts, 2.0),
    "g_mean": lambda counts: np.sqrt(_recall(counts) * _specificity(counts)),
    "kappa": _kappa,
    "mcc": _mcc,
    "precision": _precision,
    "recall": _recall,
    "specificity": _specificity,
}
"""Metrics by name."""


def confusion_metrics(counts: Counts) -> dict[str, Floats]:
    """Metrics of confusion matrices.

    Parameters
    ----------
    counts : Counts

    Returns
    -------
    dict of str to ndarray
        ``accuracy``, ``balanced_accuracy``, ``f1``, ``f2``, ``g_mean``, ``kappa``, ``mcc``, ``precision``, ``recall``
        and ``specificity``, each of the shape of the counts. Where no row is called positive precision is 0, and MCC
        is 0 where all rows are called the same.

    Examples
    --------
    >>> found = confusion_metrics(Counts(tp=30, fp=10, fn=20, tn=940))
    >>> {name: round(float(value), 3) for name, value in found.items() if name in ("f1", "precision", "recall")}
    {'f1': 0.667, 'precision': 0.75, 'recall': 0.6}
    """
    return {name: np.asarray(metric(counts)) for name, metric in METRICS.items()}


def _ranked_counts(y_true: ArrayLike, y_score: ArrayLike) -> tuple[NDArray[Any], Counts]:
    """Distinct scores from the highest down, and the confusion matrices of no row and of the rows down to each."""
    ranking = rank_rows(y_true, y_score)
    hits, alarms = (np.append(0.0, found) for found in cumulative_weights(ranking))
    return ranking.score[ranking.block_end], Counts(hits, alarms, hits[-1] - hits, alarms[-1] - alarms)


def threshold_counts(y_true: ArrayLike, y_score: ArrayLike) -> tuple[Floats, Counts]:
    """Confusion matrices at every threshold, from one sort.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Booleans, 0 and 1, or -1 and 1; both classes.
    y_score : array-like of shape (n,)
        Finite scores, larger for the positive class.

    Returns
    -------
    thresholds : ndarray of shape (n_distinct + 1,)
        A row is called positive when its score is at least the threshold: infinity, then the distinct scores from the
        highest down.
    counts : Counts
        One for each threshold.

    Raises
    ------
    ValueError, TypeError
        As :func:`repro.metrics.auroc`.

    Examples
    --------
    >>> thresholds, counts = threshold_counts([0, 1, 0, 1], [0.1, 0.4, 0.6, 0.9])
    >>> thresholds, counts.tp, counts.fp
    (array([inf, 0.9, 0.6, 0.4, 0.1]), array([0., 1., 1., 2., 2.]), array([0., 0., 1., 1., 2.]))
    """
    scores, counts = _ranked_counts(y_true, y_score)
    return np.append(np.inf, scores), counts


class ThresholdChoice(NamedTuple):
    """A threshold and the value of the metric there."""

    threshold: float
    value: float


def best_metric_threshold(y_true: ArrayLike, y_score: ArrayLike, metric: str | Metric) -> ThresholdChoice:
    """Threshold at which a metric of the confusion matrix is largest: call a row positive when its score reaches it.

    The value is that on the rows the threshold was chosen on, and flatters. For costs that are known there is
    :func:`repro.metrics.best_threshold`.

    Parameters
    ----------
    y_true, y_score : array-like of shape (n,)
        As in :func:`threshold_counts`.
    metric : str or callable
        A name in :func:`confusion_metrics`, or ``metric(counts)`` with one number for each confusion matrix, the larger
        the better.

    Returns
    -------
    ThresholdChoice
        Of several thresholds with the same value, up to rounding, the highest; infinity calls no row positive.

    Raises
    ------
    UnknownName
        If there is no metric of that name.
    ValueError, TypeError
        If the metric gives another shape or is nowhere a number, and as :func:`repro.metrics.auroc`.

    Notes
    -----
    One sort, O(n log n), and no loop over thresholds.

    Examples
    --------
    >>> best_metric_threshold([0, 0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4, 0.9], "f1")
    ThresholdChoice(threshold=0.3, value=0.8)
    """
    if isinstance(metric, str) and metric not in METRICS:
        raise UnknownName("metric", metric, METRICS)
    scores, counts = _ranked_counts(y_true, y_score)
    values = np.asarray(METRICS[metric](counts) if isinstance(metric, str) else metric(counts), dtype=np.float64)
    if values.shape != counts.tp.shape:
        raise ValueError(f"metric must give shape {counts.tp.shape}, a number for each threshold, got {values.shape}")
    if np.isnan(values).all():
        raise ValueError("metric must be a number at one threshold at least, got NaN at all of them")
    best = np.nanmax(values)
    place = int(np.argmax(values >= best - 1e-12 * abs(best)))
    return ThresholdChoice(float("inf") if place == 0 else scores[place - 1].item(), float(values[place]))
