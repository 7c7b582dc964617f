"""Losses of quantile forecasts, and the checks that all modules of this room share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.ground.arrays import real_vector

Floats = NDArray[np.float64]

__all__ = ["checked_forecasts", "checked_levels", "pinball_loss", "weighted_interval_score"]


def checked_levels(levels: ArrayLike, *, symmetric: bool = False) -> Floats:
    """Give quantile levels as a vector.

    Parameters
    ----------
    levels : array-like of shape (T,)
    symmetric : bool, default=False
        Whether 1 minus a level must be a level too.

    Raises
    ------
    TypeError
        If they are no numbers.
    ValueError
        If one is missing or lies outside (0, 1), they do not rise strictly, or are not symmetric where that is needed.

    Examples
    --------
    >>> checked_levels([0.1, 0.5, 0.9], symmetric=True).tolist()
    [0.1, 0.5, 0.9]
    """
    found = real_vector("levels", levels).astype(np.float64, copy=False)
    if found.min() <= 0 or found.max() >= 1:
        raise ValueError(f"levels must lie between 0 and 1, got {found.tolist()}")
    if (np.diff(found) <= 0).any():
        raise ValueError(f"levels must rise strictly, got {found.tolist()}")
    if symmetric and not np.allclose(found + found[::-1], 1):
        raise ValueError(f"levels must be symmetric about 0.5, got {found.tolist()}")
    return found


def checked_forecasts(forecasts: ArrayLike, n_levels: int, *, ndim: int | None = None) -> Floats:
    """Give quantile forecasts as an array whose last axis runs over the levels.

    Parameters
    ----------
    forecasts : array-like of shape (..., T)
    n_levels : int
    ndim : int, optional
        Number of axes that are asked for.

    Raises
    ------
    ValueError
        If the shape is another one, or a quantile is missing or infinite.

    Examples
    --------
    >>> checked_forecasts([[0, 1, 2]], 3).shape
    (1, 3)
    """
    found = np.asarray(forecasts, dtype=np.float64)
    if found.ndim == 0 or found.shape[-1] != n_levels or ndim not in (None, found.ndim):
        shape = {2: "(rows, {})", 3: "(rows, models, {})"}.get(ndim or 0, "(..., {})").format(n_levels)
        raise ValueError(f"forecasts must have shape {shape}, one quantile for each level, got {found.shape}")
    if not np.isfinite(found).all():
        raise ValueError(f"forecasts must be finite, got {int((~np.isfinite(found)).sum())} NaN or infinite quantiles")
    return found


def pinball_loss(y: ArrayLike, forecasts: ArrayLike, levels: ArrayLike) -> Floats:
    r"""Loss of each quantile.

    .. math:: \rho_\tau(y - q) = \max(\tau (y - q), (\tau - 1)(y - q))

    Its expectation is least at the quantile of level :math:`\tau`.

    Parameters
    ----------
    y : array-like of shape (...)
    forecasts : array-like of shape (..., T)
    levels : array-like of shape (T,)

    Returns
    -------
    ndarray of shape (..., T)

    Raises
    ------
    ValueError
        If levels are wrong (:func:`checked_levels`), a number is missing, or shapes do not fit.

    Examples
    --------
    >>> pinball_loss([3.0], [[1.0, 4.0]], [0.25, 0.75]).tolist()
    [[0.5, 0.25]]
    """
    taus = checked_levels(levels)
    quantiles, responses = checked_forecasts(forecasts, taus.size), np.asarray(y, dtype=np.float64)
    if responses.shape != quantiles.shape[:-1]:
        raise ValueError(f"y must have shape {quantiles.shape[:-1]}, that of the forecasts, got {responses.shape}")
    if not np.isfinite(responses).all():
        raise ValueError(f"y must be finite, got {int((~np.isfinite(responses)).sum())} NaN or infinite values")
    rest = responses[..., None] - quantiles
    return np.asarray(np.maximum(taus * rest, (taus - 1) * rest))


def weighted_interval_score(y: ArrayLike, forecasts: ArrayLike, levels: ArrayLike) -> Floats:
    r"""Mean of interval scores of central intervals, each with the weight of half its error rate (Bracher et al. 2021).

    For levels that are symmetric about one half it is twice the mean pinball loss over the levels, which is how it is
    computed; so it is defined for forecasts that cross, too.

    Parameters
    ----------
    y : array-like of shape (...)
    forecasts : array-like of shape (..., T)
    levels : array-like of shape (T,)
        Symmetric about one half.

    Returns
    -------
    ndarray of shape (...)

    Raises
    ------
    ValueError
        As :func:`pinball_loss`; also if levels are not symmetric.

    Examples
    --------
    >>> weighted_interval_score([3.0], [[1.0, 2.0, 4.0]], [0.25, 0.5, 0.75]).round(3).tolist()
    [0.833]
    """
    taus = checked_levels(levels, symmetric=True)
    return np.asarray(2 * pinball_loss(y, forecasts, taus).mean(axis=-1))
