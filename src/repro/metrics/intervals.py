"""Intervals for the mean of repeated runs, and tests of equivalence."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from repro.ground.checks import positive_number
from repro.ground.exceptions import UnknownName
from repro.ground.random_state import RandomState, as_generator

Method = Literal["t", "nadeau_bengio", "bca"]


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval.

    Attributes
    ----------
    estimate, low, high : float
        In the unit of the values.
    level : float
        Coverage that the method aims at.
    method : str
        ``"t"``, ``"nadeau_bengio"``, ``"bca"``, ``"percentile"`` (see :func:`bca_interval`), or the method that the
        function which returned it names.
    n : int
        Number of values.
    """

    estimate: float
    low: float
    high: float
    level: float
    method: str
    n: int


@dataclass(frozen=True)
class Equivalence:
    """Outcome of two one-sided tests.

    Attributes
    ----------
    interval : Interval
        The interval of level 1 - 2 alpha, 90 % for alpha = 0.05.
    margin : float
        Values inside (-margin, margin) count as equivalent.
    equivalent : bool
        Whether the interval lies inside.
    p_value : float
        The larger of the two one-sided p values.
    """

    interval: Interval
    margin: float
    equivalent: bool
    p_value: float


def _replicates(values: ArrayLike, level: float) -> NDArray[np.float64]:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or found.size < 2:
        raise ValueError(f"values must be a vector of at least 2 replicates, got shape {found.shape}")
    if not np.isfinite(found).all():
        raise ValueError(f"values must be finite, got {np.count_nonzero(~np.isfinite(found))} that are not")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    return found


@lru_cache(maxsize=1024)
def _student_quantile(level: float, degrees_of_freedom: int) -> float:
    """Quantile of Student's t that bounds a two-sided interval."""
    return float(stats.t.ppf((1 + level) / 2, degrees_of_freedom))


def _student(values: NDArray[np.float64], factor: float, level: float, method: str) -> Interval:
    mean = float(values.mean())
    half = float(_student_quantile(level, values.size - 1) * values.std(ddof=1) * np.sqrt(factor))
    return Interval(mean, mean - half, mean + half, level, method, values.size)


def mean_interval(values: ArrayLike, *, level: float = 0.95) -> Interval:
    """Student's t interval for the mean of independent values.

    Parameters
    ----------
    values : array-like of shape (n,)
        At least two.
    level : float, default=0.95
        Coverage.

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        If there are fewer than two values, one is not finite, or `level` is no probability.

    Examples
    --------
    >>> interval = mean_interval([0.7, 0.8, 0.9])
    >>> round(interval.estimate, 2), round(interval.low, 2), round(interval.high, 2)
    (0.8, 0.55, 1.05)
    """
    found = _replicates(values, level)
    return _student(found, 1 / found.size, level, "t")


def _variance_factor(n: int, folds: int, folds_per_value: int) -> float:
    if folds < 2:
        raise ValueError(f"folds must be at least 2, got {folds}")
    if not 1 <= folds_per_value <= folds:
        raise ValueError(f"folds_per_value must lie between 1 and folds ({folds}), got {folds_per_value}")
    return 1 / n + folds_per_value / (folds - 1)


def nadeau_bengio_interval(values: ArrayLike, *, folds: int, folds_per_value: int = 1, level: float = 0.95) -> Interval:
    r"""Corrected resampled t interval for results of repeated cross-validation.

    Parameters
    ----------
    values : array-like of shape (n,)
        One value for each fold, or the mean of each whole partition into folds.
    folds : int
        Folds of the cross-validation, k.
    folds_per_value : int, default=1
        Folds that one value averages: 1 for single folds, `folds` for means of whole partitions.
    level : float, default=0.95
        Coverage.

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        If there are fewer than two values, one is not finite, or an argument is out of range.

    Notes
    -----
    Training parts of the same rows overlap, so folds are correlated. Let every fold value have the variance
    :math:`\sigma^2` and every two of them the correlation :math:`\rho = 1/k`, the share of test rows [1]_. Let n values
    be given, each the mean of m folds (`folds_per_value`). Their mean has the variance
    :math:`\sigma^2 (\rho + (1 - \rho) / (nm))`, but their sample variance :math:`s^2` has only the expectation
    :math:`\sigma^2 (1 - \rho) / m`: what all of them share does not show in their spread. Since
    :math:`\rho / (1 - \rho) = 1 / (k - 1)`, the ratio of test to training rows, the variance of the mean is estimated
    by

    .. math:: s^2 \left(\frac{1}{n} + \frac{m}{k - 1}\right)

    with n - 1 degrees of freedom. For single folds, m = 1, this is the formula of [1]_, and of [2]_ for repeated
    cross-validation. For means of whole partitions, m = k, the factor is 1/n + k/(k - 1). It does not shrink to zero
    with more partitions of the same rows: they cannot replace new data.

    References
    ----------
    .. [1] C. Nadeau, Y. Bengio, Inference for the generalization error, Machine Learning 52 (2003) 239-281.
    .. [2] R. R. Bouckaert, E. Frank, Evaluating the replicability of significance tests for comparing learning
       algorithms, PAKDD 2004, 3-12.

    Examples
    --------
    >>> folds = [0.71, 0.74, 0.69, 0.73, 0.72]
    >>> plain, corrected = mean_interval(folds), nadeau_bengio_interval(folds, folds=5)
    >>> round(plain.high - plain.low, 3), round(corrected.high - corrected.low, 3)
    (0.048, 0.072)
    """
    found = _replicates(values, level)
    return _student(found, _variance_factor(found.size, folds, folds_per_value), level, "nadeau_bengio")


class _Bootstrap:
    """Resampled values of a statistic, from which intervals of any level are read."""

    def __init__(
        self, values: NDArray[np.float64], statistic: Callable[..., Any], n_resamples: int, random_state: RandomState
    ) -> None:
        if n_resamples < 1:
            raise ValueError(f"n_resamples must be at least 1, got {n_resamples}")
        self.values = values
        self.estimate = float(statistic(values, axis=-1))
        self._statistic = statistic
        self._result: Any = None
        if np.ptp(values) > 0:
            self._result = stats.bootstrap(
                (values,),
                statistic,
                n_resamples=n_resamples,
                batch=self._batch,
                method="percentile",
                vectorized=True,
                rng=as_generator(random_state),
            )

    @property
    def _batch(self) -> int:
        """Resamples to hold at a time: at most 32 MB."""
        return max(1, 4_000_000 // self.values.size)

    def _bounds(self, level: float, alternative: Literal["two-sided", "less"]) -> tuple[float, float]:
        """Bounds by the BCa method, NaN where bias or acceleration are not defined."""
        with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
            warnings.simplefilter("ignore", stats.DegenerateDataWarning)
            found = stats.bootstrap(
                (self.values,),
                self._statistic,
                n_resamples=0,
                batch=self._batch,
                confidence_level=level,
                alternative=alternative,
                method="BCa",
                vectorized=True,
                bootstrap_result=self._result,
            )
        return float(found.confidence_interval.low), float(found.confidence_interval.high)

    def interval(self, level: float) -> Interval:
        """Two-sided interval of the given level."""
        low, high, method = self.estimate, self.estimate, "bca"
        if self._result is not None:
            low, high = self._bounds(level, "two-sided")
            if np.isnan(low) or np.isnan(high):
                tails = np.quantile(self._result.bootstrap_distribution, [(1 - level) / 2, (1 + level) / 2])
                low, high, method = float(tails[0]), float(tails[1]), "percentile"
        return Interval(self.estimate, low, high, level, method, self.values.size)

    def p_value_below(self, margin: float) -> float:
        """Smallest alpha at which the upper bound of level 1 - alpha lies below `margin`, up to 1e-4."""
        if self._result is None:
            return float(self.estimate >= margin)
        low, high = 0.0, 1.0
        while high - low > 1e-4:
            middle = (low + high) / 2
            low, high = (low, middle) if self._bounds(1 - middle, "less")[1] < margin else (middle, high)
        return high


def bca_interval(
    values: ArrayLike,
    statistic: Callable[..., Any] = np.mean,
    *,
    n_resamples: int = 9999,
    level: float = 0.95,
    random_state: RandomState = 0,
) -> Interval:
    """Bias-corrected and accelerated bootstrap interval (Efron 1987) over the unit of replication.

    Parameters
    ----------
    values : array-like of shape (n,)
        One value for each unit.
    statistic : callable, default=numpy.mean
        Takes an array and the keyword ``axis``.
    n_resamples : int, default=9999
        Bootstrap samples.
    level : float, default=0.95
        Coverage.
    random_state : None, int, Generator or RandomState, default=0
        Seed of the resampling.

    Returns
    -------
    Interval
        Of zero width when all values are equal. Where bias or acceleration are not defined (for example when leaving
        out any one value does not change the statistic) it is the percentile interval, and its method says so.

    Raises
    ------
    ValueError
        If there are fewer than two values, one is not finite, or `level` is no probability.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.random.default_rng(0).lognormal(size=40)
    >>> interval = bca_interval(values, np.median, random_state=0)
    >>> bool(interval.low < np.median(values) < interval.high)
    True
    """
    found = _replicates(values, level)
    return _Bootstrap(found, statistic, n_resamples, random_state).interval(level)


def equivalence_test(
    values: ArrayLike,
    margin: float,
    *,
    method: Method = "t",
    folds: int = 10,
    folds_per_value: int = 1,
    alpha: float = 0.05,
    random_state: RandomState = 0,
) -> Equivalence:
    """Two one-sided tests (Schuirmann 1987) of a mean inside (-margin, margin).

    Parameters
    ----------
    values : array-like of shape (n,)
        Paired differences.
    margin : float
        Positive; in the unit of the values.
    method : {"t", "nadeau_bengio", "bca"}, default="t"
        How the interval is computed: :func:`mean_interval`, :func:`nadeau_bengio_interval` or :func:`bca_interval`.
    folds, folds_per_value : int, default=10 and 1
        As in :func:`nadeau_bengio_interval`; other methods ignore them.
    alpha : float, default=0.05
        Level of each test; the interval has level 1 - 2 alpha.
    random_state : None, int, Generator or RandomState, default=0
        Seed of the resampling of ``"bca"``.

    Returns
    -------
    Equivalence

    Raises
    ------
    ValueError
        If `margin` is not positive or another argument is out of range.
    UnknownName
        If `method` is unknown.

    Examples
    --------
    >>> equivalence_test([0.001, -0.002, 0.002, 0.0, -0.001], margin=0.01).equivalent
    True
    """
    positive_number("margin", margin)
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha must lie between 0 and 0.5, got {alpha}")
    if method not in get_args(Method):
        raise UnknownName("method", str(method), get_args(Method))
    level = 1 - 2 * alpha
    found = _replicates(values, level)
    if method == "bca":
        interval = _Bootstrap(found, np.mean, 9999, random_state).interval(level)
        sides = [_Bootstrap(side * found, np.mean, 9999, random_state) for side in (1, -1)]
        p_value = max(side.p_value_below(margin) for side in sides)
    else:
        factor = 1 / found.size if method == "t" else _variance_factor(found.size, folds, folds_per_value)
        interval = _student(found, factor, level, method)
        error = float(found.std(ddof=1) * np.sqrt(factor))
        distance = margin - abs(interval.estimate)
        p_value = float(distance <= 0) if error == 0 else float(stats.t.sf(distance / error, found.size - 1))
    return Equivalence(interval, margin, -margin < interval.low and interval.high < margin, p_value)
