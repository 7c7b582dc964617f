"""Bringing quantiles that cross into order, and intervals to their coverage."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.isotonic import isotonic_regression

from repro.ground.arrays import real_vector
from repro.ground.checks import share
from repro.quantiles.scores import checked_forecasts, checked_levels

Floats = NDArray[np.float64]

__all__ = ["conformalise", "isotonic_levels", "running_levels", "sort_levels"]


def _quantiles(forecasts: ArrayLike) -> Floats:
    found = np.asarray(forecasts, dtype=np.float64)
    return checked_forecasts(found, found.shape[-1] if found.ndim else 1)


def sort_levels(forecasts: ArrayLike) -> Floats:
    """Sort the quantiles of each forecast.

    The mean pinball loss over the levels never rises, whatever the response (rearrangement inequality); with unequal
    weights of the levels it may.

    Parameters
    ----------
    forecasts : array-like of shape (..., T)

    Examples
    --------
    >>> sort_levels([[2.0, 1.0, 3.0]]).tolist()
    [[1.0, 2.0, 3.0]]
    """
    return np.sort(_quantiles(forecasts), axis=-1)


def isotonic_levels(forecasts: ArrayLike) -> Floats:
    """Replace each forecast by the nearest one in order, by isotonic regression over its levels.

    The mean pinball loss over the levels never rises.

    Parameters
    ----------
    forecasts : array-like of shape (..., T)

    Examples
    --------
    >>> isotonic_levels([[2.0, 1.0, 3.0]]).tolist()
    [[1.5, 1.5, 3.0]]
    """
    found = _quantiles(forecasts)
    rows = found.reshape(-1, found.shape[-1]).copy()
    for row in np.flatnonzero((np.diff(rows, axis=1) < 0).any(axis=1)):
        rows[row] = isotonic_regression(rows[row])
    return rows.reshape(found.shape)


def running_levels(forecasts: ArrayLike, levels: ArrayLike) -> Floats:
    """Keep the quantile nearest to the median; from there on take the running maximum upwards and minimum downwards.

    In order, but without a guarantee: the loss can rise.

    Parameters
    ----------
    forecasts : array-like of shape (..., T)
    levels : array-like of shape (T,)

    Examples
    --------
    >>> running_levels([[2.0, 1.0, 0.0]], [0.1, 0.5, 0.9]).tolist()
    [[1.0, 1.0, 1.0]]
    """
    taus = checked_levels(levels)
    found = checked_forecasts(forecasts, taus.size)
    middle = int(np.abs(taus - 0.5).argmin())
    below = np.minimum.accumulate(found[..., middle::-1], axis=-1)[..., ::-1]
    return np.concatenate([below, np.maximum.accumulate(found[..., middle:], axis=-1)[..., 1:]], axis=-1)


def conformalise(lower: ArrayLike, upper: ArrayLike, y: ArrayLike, *, coverage: float = 0.9) -> float:
    r"""By how much to widen intervals on both sides so that they cover new rows (conformalised quantile regression).

    The quantile of rank :math:`\lceil (n + 1) c \rceil` among :math:`\max(l_i - y_i, y_i - u_i)`. If calibration rows
    and a new one are exchangeable, the widened interval of the new one holds its response with a probability of at
    least c, and without ties of at most c + 1 / (n + 1) (Romano et al. 2019). A negative number narrows.

    Parameters
    ----------
    lower, upper, y : array-like of shape (n,)
        Intervals and responses of rows that the model has not seen.
    coverage : float, default=0.9

    Raises
    ------
    ValueError
        If the ends of an interval cross (sort them before), lengths differ, numbers are missing, or there are too few
        rows for this coverage; says how many are needed.

    Examples
    --------
    >>> conformalise([0.0] * 4, [1.0] * 4, [0.5, 1.5, 2.0, -0.25], coverage=0.75)
    1.0
    """
    low, high, responses = (real_vector(*pair) for pair in (("lower", lower), ("upper", upper), ("y", y)))
    if not low.shape == high.shape == responses.shape:
        raise ValueError(f"lower, upper and y must have one length, got {low.size}, {high.size} and {responses.size}")
    if (low > high).any():
        raise ValueError(
            f"lower must not exceed upper, but {int((low > high).sum())} intervals cross; sort them before"
        )
    rank = max(1, math.ceil((responses.size + 1) * share("coverage", coverage) - 1e-9))
    if rank > responses.size:
        rest = 1 - coverage
        needed = f"at least {math.ceil(coverage / rest - 1e-9)} rows" if rest > 0 else "infinitely many rows"
        raise ValueError(f"coverage {coverage:g} needs {needed}, got {responses.size}")
    return float(np.sort(np.maximum(low - responses, responses - high))[rank - 1])
