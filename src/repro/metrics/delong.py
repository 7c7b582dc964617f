"""Intervals of the AUROC without resampling: DeLong's, Newcombe's for few positives, and a paired test."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.optimize import brentq
from scipy.special import expit, logit

from repro.ground.exceptions import UnknownName
from repro.metrics._ranking import Ranking, rank_rows
from repro.metrics._uncertainty import Floats, checked_level, placements, rank_named
from repro.metrics.intervals import Interval

FEWEST_FOR_DELONG = 20
"""Rows of the smaller class below which the intervals of DeLong's variance cover too little."""


@dataclass(frozen=True)
class DelongTest:
    """Comparison of the AUROCs of two scores on the same rows.

    Attributes
    ----------
    auroc_a, auroc_b : float
        AUROC of each score.
    difference : float
        `auroc_a` - `auroc_b`.
    standard_error : float
        Of the difference; infinite when a class has one row.
    z, p_value : float
        Difference over standard error, and its two-sided p value.
    interval : Interval
        Of the difference, kept inside [-1, 1].
    """

    auroc_a: float
    auroc_b: float
    difference: float
    standard_error: float
    z: float
    p_value: float
    interval: Interval


def _by_class(ranking: Ranking) -> tuple[Floats, Floats]:
    """Placements of the positives and of the negatives, in the order of the input."""
    found, positive = np.empty(ranking.order.size), np.empty(ranking.order.size, dtype=np.bool_)
    found[ranking.order], positive[ranking.order] = placements(ranking), ranking.positive
    return found[positive], found[~positive]


def _standard_error(components: tuple[Floats, Floats]) -> float:
    """Root of the summed variances of both means; infinite when one of them cannot be estimated."""
    if min(part.size for part in components) < 2:
        return float("inf")
    return float(np.sqrt(sum(part.var(ddof=1) / part.size for part in components)))


def _warn_of_few(components: tuple[Floats, Floats], instead: str) -> None:
    n_positive, n_negative = (part.size for part in components)
    if min(n_positive, n_negative) < FEWEST_FOR_DELONG:
        warnings.warn(
            f"DeLong's method wants at least {FEWEST_FOR_DELONG} rows of each class, got {n_positive} positives and "
            f"{n_negative} negatives; {instead}",
            UserWarning,
            stacklevel=3,
        )


def delong_interval(
    y_true: ArrayLike, y_score: ArrayLike, *, level: float = 0.95, transform: Literal["logit"] | None = "logit"
) -> Interval:
    r"""Interval of the AUROC from DeLong's variance, in O(n log n).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Booleans, 0 and 1, or -1 and 1.
    y_score : array-like of shape (n_samples,)
        Finite scores, larger for the positives; ties count half.
    level : float, default=0.95
        Coverage.
    transform : {"logit"} or None, default="logit"
        Scale on which the interval is symmetric. On the logit scale it stays inside (0, 1) and covers better near 1;
        None gives the interval of the publication, cut at 0 and 1.

    Returns
    -------
    Interval
        Its method is ``"delong_logit"``, ``"delong"`` or ``"exact"`` (see Notes); its n the number of rows.

    Raises
    ------
    ValueError
        If an input is refused by :func:`repro.metrics.auroc`, or `level` is no probability.
    UnknownName
        If `transform` is unknown.

    Warns
    -----
    UserWarning
        If a class has fewer than 20 rows. A variance from so few placements is uncertain itself, often far too small,
        and the interval covers less than its level; :func:`newcombe_interval` holds it. In simulations with binormal
        scores 20 rows are enough up to an AUROC of about 0.9. Above that, most placements are equal and more rows
        are needed: compare both methods.

    Notes
    -----
    Let :math:`V_{10}` be the share of negatives that a positive stands above, and :math:`V_{01}` the share of positives
    that a negative stands below, ties counting half [1]_. Both have the AUROC as mean, and

    .. math:: \operatorname{var} = \frac{s^2(V_{10})}{n_1} + \frac{s^2(V_{01})}{n_0}

    with sample variances of n - 1 degrees of freedom; cumulative counts after one sort give all of them, as the
    midranks of [2]_ do. The logit interval has the half width :math:`z \sqrt{\operatorname{var}} / (A (1 - A))`.

    The variance is zero in three cases only. When a score separates the classes (AUROC 1 or 0), the interval is the
    exact one for min(n1, n0) independent pairs, all of them in order: its lower bound is
    :math:`(\alpha/2)^{1/\min(n_1, n_0)}`. It is conservative, because disjoint pairs are independent and every one of
    them has to be in order. When all scores are equal, the AUROC is 0.5 whatever the labels, and so are both bounds.
    With one row in a class the variance cannot be estimated and the interval is [0, 1] (unless the score separates).

    References
    ----------
    .. [1] E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, Comparing the areas under two or more correlated receiver
       operating characteristic curves: a nonparametric approach, Biometrics 44 (1988) 837-845.
    .. [2] X. Sun, W. Xu, Fast implementation of DeLong's algorithm for comparing the areas under correlated receiver
       operating characteristic curves, IEEE Signal Processing Letters 21 (2014) 1389-1393.

    Examples
    --------
    >>> import numpy as np
    >>> generator = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], [300, 30])
    >>> score = y + generator.normal(size=330)
    >>> interval = delong_interval(y, score)
    >>> round(interval.estimate, 3), round(interval.low, 3), round(interval.high, 3)
    (0.785, 0.695, 0.854)
    """
    checked_level(level)
    if transform not in ("logit", None):
        raise UnknownName("transform", str(transform), ("logit", "None"))
    components = _by_class(rank_rows(y_true, y_score))
    _warn_of_few(components, "newcombe_interval covers better")
    auroc, error = float(components[0].mean()), _standard_error(components)
    n_rows = components[0].size + components[1].size
    if auroc in (0.0, 1.0):
        bound = float(((1 - level) / 2) ** (1 / min(part.size for part in components)))
        low, high = (bound, 1.0) if auroc == 1 else (0.0, 1 - bound)
        return Interval(auroc, low, high, level, "exact", n_rows)
    z = float(stats.norm.ppf((1 + level) / 2))
    if transform is None:
        low, high = max(0.0, auroc - z * error), min(1.0, auroc + z * error)
        return Interval(auroc, low, high, level, "delong", n_rows)
    if error == 0:
        return Interval(auroc, auroc, auroc, level, "delong_logit", n_rows)
    half = z * error / (auroc * (1 - auroc))
    low, high = (float(expit(logit(auroc) + shift)) for shift in (-half, half))
    return Interval(auroc, low, high, level, "delong_logit", n_rows)


def newcombe_interval(y_true: ArrayLike, y_score: ArrayLike, *, level: float = 0.95) -> Interval:
    r"""Interval of the AUROC for few positives: Newcombe's method 5 (2006).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Booleans, 0 and 1, or -1 and 1.
    y_score : array-like of shape (n_samples,)
        Finite scores, larger for the positives; ties count half.
    level : float, default=0.95
        Coverage.

    Returns
    -------
    Interval
        Its method is ``"newcombe"``, its n the number of rows.

    Raises
    ------
    ValueError
        If an input is refused by :func:`repro.metrics.auroc`, or `level` is no probability.

    Notes
    -----
    The bounds are the values :math:`\theta` whose distance to the estimate is z of their own standard errors, under the
    variance of Hanley and McNeil for exponential scores with both class sizes replaced by their mean
    :math:`N = (n_1 + n_0)/2` where they count pairs that share a row:

    .. math:: \operatorname{var}(\theta) = \frac{\theta(1-\theta)}{n_1 n_0}
              \Bigl(1 + (N - 1)\Bigl(\frac{1-\theta}{2-\theta} + \frac{\theta}{1+\theta}\Bigr)\Bigr)

    It does not look at the scores beyond their AUROC, so it needs no variance from a handful of positives, and it has
    a width when the AUROC is 0 or 1. In simulations with binormal scores it holds its level from 3 positives on. Its
    variance is that of a model: where the classes differ much in spread, prefer :func:`delong_interval` as soon as
    there are enough rows.

    References
    ----------
    R. G. Newcombe, Confidence intervals for an effect size measure based on the Mann-Whitney statistic. Part 2,
    Statistics in Medicine 25 (2006) 559-573.

    Examples
    --------
    >>> y = [0, 0, 0, 0, 0, 1, 0, 1]
    >>> score = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    >>> interval = newcombe_interval(y, score)
    >>> round(interval.estimate, 3), round(interval.low, 3), round(interval.high, 3)
    (0.917, 0.432, 0.993)
    """
    checked_level(level)
    of_positives, of_negatives = _by_class(rank_rows(y_true, y_score))
    auroc, n_positive, n_negative = float(of_positives.mean()), of_positives.size, of_negatives.size
    z = float(stats.norm.ppf((1 + level) / 2))
    shared = (n_positive + n_negative) / 2 - 1

    def error(value: float) -> float:
        pairs = 1 + shared * ((1 - value) / (2 - value) + value / (1 + value))
        return float(np.sqrt(value * (1 - value) * pairs / (n_positive * n_negative)))

    # both sides are zero at 0 and 1, which is no bound: search strictly inside
    top, bottom = min(auroc, 1 - 1e-12), max(auroc, 1e-12)
    low = 0.0 if auroc == 0 else brentq(lambda value: auroc - value - z * error(value), 0.0, top)
    high = 1.0 if auroc == 1 else brentq(lambda value: value - auroc - z * error(value), bottom, 1.0)
    return Interval(auroc, float(low), float(high), level, "newcombe", n_positive + n_negative)


def delong_test(y_true: ArrayLike, score_a: ArrayLike, score_b: ArrayLike, *, level: float = 0.95) -> DelongTest:
    r"""Test whether two scores have the same AUROC on the same rows (DeLong et al. 1988), in O(n log n).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Booleans, 0 and 1, or -1 and 1.
    score_a, score_b : array-like of shape (n_samples,)
        Finite scores of the same rows, each larger for the positives; they need no common scale.
    level : float, default=0.95
        Coverage of the interval.

    Returns
    -------
    DelongTest

    Raises
    ------
    ValueError
        If an input is refused by :func:`repro.metrics.auroc`, or `level` is no probability.

    Warns
    -----
    UserWarning
        If a class has fewer than 20 rows, or the variance is zero although the AUROCs differ.

    Notes
    -----
    The variance of the difference is that of the mean differences of the structural components (see
    :func:`delong_interval`), :math:`s^2(V_{10}^a - V_{10}^b)/n_1 + s^2(V_{01}^a - V_{01}^b)/n_0`, which contains the
    covariance of both AUROCs.

    Zero variance: two scores that order every pair of a positive and a negative alike give z = 0 and p = 1. When the
    AUROCs differ although every row contributes the same difference (one score separates the classes, the other
    reverses them or is constant), z is infinite, p is 0, the interval is the difference alone, and a warning says so.
    With one row in a class the variance cannot be estimated: the standard error is infinite, z = 0, p = 1 and the
    interval [-1, 1].

    Examples
    --------
    >>> import numpy as np
    >>> generator = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], [300, 30])
    >>> score = y + generator.normal(size=330)
    >>> test = delong_test(y, score, score + generator.normal(size=330))  # the same score with noise
    >>> round(test.difference, 3), bool(test.p_value < 0.05)
    (0.079, True)
    """
    checked_level(level)
    first = _by_class(rank_named(y_true, score_a, "score_a"))
    second = _by_class(rank_named(y_true, score_b, "score_b"))
    components = (first[0] - second[0], first[1] - second[1])
    _warn_of_few(components, "bound each AUROC with newcombe_interval and read the p value as a hint")
    auroc_a, auroc_b = float(first[0].mean()), float(second[0].mean())
    difference, error = auroc_a - auroc_b, _standard_error(components)
    if error == 0 and difference != 0:
        warnings.warn(
            f"every row contributes the same difference of {difference:g}, so its variance is estimated as zero; read "
            "the intervals of both AUROCs by delong_interval instead of the p value",
            UserWarning,
            stacklevel=2,
        )
    z = float(np.copysign(np.inf, difference) if difference else 0.0) if error == 0 else difference / error + 0.0
    half = float(stats.norm.ppf((1 + level) / 2)) * error
    n_rows = components[0].size + components[1].size
    interval = Interval(difference, max(-1.0, difference - half), min(1.0, difference + half), level, "delong", n_rows)
    return DelongTest(auroc_a, auroc_b, difference, error, z, float(2 * stats.norm.sf(abs(z))), interval)
