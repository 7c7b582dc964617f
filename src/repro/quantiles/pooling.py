"""One forecast from those of several models: weights that sum to one, or free coefficients; both exact optima."""

from __future__ import annotations

from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from repro.ground.arrays import real_vector
from repro.quantiles.scores import checked_forecasts, checked_levels

Floats = NDArray[np.float64]
Weights = Literal["coarse", "medium"]

__all__ = ["GlobalAggregator", "QuantileRegressionAverage", "Weights", "pinball_coefficients"]


def pinball_coefficients(columns: Floats, y: Floats, levels: Floats | float, *, convex: bool = False) -> Floats:
    r"""Coefficients with the least pinball loss of a linear combination of columns, by the dual linear programme.

    The loss is :math:`\max_a a^\top (y - C b)` over :math:`\tau - 1 \le a \le \tau`, so the dual has one constraint
    a column, and the coefficients are its multipliers: much smaller than the primal with two slacks a row.

    Parameters
    ----------
    columns : ndarray of shape (n, p)
    y : ndarray of shape (n,)
    levels : float or ndarray of shape (n,)
        Level of each row.
    convex : bool, default=False
        Whether coefficients are at least 0 and sum to one.

    Returns
    -------
    ndarray of shape (p,)

    Raises
    ------
    RuntimeError
        If the solver finds no optimum; the message is the solver's.

    Examples
    --------
    >>> pinball_coefficients(np.ones((5, 1)), np.array([1.0, 2, 3, 4, 50]), 0.5).round(6).tolist()
    [3.0]
    """
    n_columns = columns.shape[1]
    limits: Any = np.stack(np.broadcast_arrays(np.subtract(levels, 1.0), levels, y), axis=-1)[:, :2]
    if convex:
        constraints = np.column_stack([columns.T, -np.ones(n_columns)])
        bounds: Any = np.vstack([limits, [-np.inf, np.inf]])
        found = linprog(np.append(-y, 1.0), A_ub=constraints, b_ub=np.zeros(n_columns), bounds=bounds, method="highs")
    else:
        found = linprog(-y, A_eq=columns.T, b_eq=np.zeros(n_columns), bounds=limits, method="highs")
    if found.status != 0:
        raise RuntimeError(f"no optimum found: {found.message}")
    if not convex:
        return np.asarray(-found.eqlin.marginals)
    weights = np.clip(-found.ineqlin.marginals, 0, None)
    return np.asarray(weights / weights.sum())


def _training(forecasts: ArrayLike, y: ArrayLike, levels: Floats) -> tuple[Floats, Floats]:
    stacked = checked_forecasts(forecasts, levels.size, ndim=3)
    responses = real_vector("y", y).astype(np.float64)
    if responses.size != len(stacked):
        raise ValueError(f"y must have one response for each of the {len(stacked)} forecasts, got {responses.size}")
    return stacked, responses


class GlobalAggregator(BaseEstimator):  # type: ignore[misc]
    r"""Convex combination of forecasts, the same for all rows (Fakoor et al. 2021).

    Minimises the mean pinball loss of :math:`\sum_j w_{jt} q_{jt}(x)` over weights that are not negative and sum to one
    over the models. The problem is a linear programme and solved as one, so there is no learning rate. With coarse
    weights, forecasts in order give a forecast in order; with medium ones it can cross.

    Parameters
    ----------
    levels : array-like of shape (T,)
    weights : {"coarse", "medium"}, default="coarse"
        One weight for each model, or one for each model and level.

    Attributes
    ----------
    weights_ : ndarray of shape (J, T)
        Equal along the levels where they are coarse.

    Examples
    --------
    >>> generator = np.random.default_rng(0)
    >>> y = generator.normal(size=200)
    >>> forecasts = np.array([[-0.7, 0.0, 0.7], [-3.0, 1.0, 4.0]]) + np.zeros((200, 1, 1))
    >>> GlobalAggregator([0.25, 0.5, 0.75]).fit(forecasts, y).weights_[:, 0].round(2).tolist()
    [1.0, 0.0]
    """

    weights_: Floats

    def __init__(self, levels: ArrayLike, weights: Weights = "coarse") -> None:
        self.levels = levels
        self.weights = weights

    def fit(self, forecasts: ArrayLike, y: ArrayLike) -> Self:
        """Find the weights.

        Parameters
        ----------
        forecasts : array-like of shape (n, J, T)
            Of rows that the models have not seen: in-sample forecasts give weight to models that over-fit.
        y : array-like of shape (n,)

        Raises
        ------
        ValueError
            If levels, weights or shapes are wrong, or numbers are missing.
        """
        levels = checked_levels(self.levels)
        if self.weights not in get_args(Weights):
            raise ValueError(f"weights must be one of {get_args(Weights)}, got {self.weights!r}")
        stacked, responses = _training(forecasts, y, levels)
        n, n_models, n_levels = stacked.shape
        if self.weights == "coarse":
            columns = stacked.transpose(0, 2, 1).reshape(-1, n_models)
            found = pinball_coefficients(columns, responses.repeat(n_levels), np.tile(levels, n), convex=True)
            self.weights_ = np.repeat(found[:, None], n_levels, axis=1)
        else:
            each = [
                pinball_coefficients(stacked[:, :, place], responses, level, convex=True)
                for place, level in enumerate(levels)
            ]
            self.weights_ = np.stack(each, axis=1)
        return self

    def predict(self, forecasts: ArrayLike) -> Floats:
        """Pooled forecasts of shape (n, T), not sorted, from those of the models of shape (n, J, T)."""
        check_is_fitted(self)
        stacked = _same_models(forecasts, *self.weights_.shape)
        return np.asarray((stacked * self.weights_).sum(axis=1))


class QuantileRegressionAverage(BaseEstimator):  # type: ignore[misc]
    """Linear quantile regression of the response on the models' quantiles, level by level.

    The old stand-by: coefficients are free and there is an intercept, so that a bias common to all models is mended.

    Parameters
    ----------
    levels : array-like of shape (T,)

    Attributes
    ----------
    coef_ : ndarray of shape (J, T)
    intercept_ : ndarray of shape (T,)

    Examples
    --------
    >>> y = np.arange(9.0)
    >>> forecasts = np.stack([y - 2, y + 1], axis=1)[:, None] + 10
    >>> pooled = QuantileRegressionAverage([0.25, 0.75]).fit(forecasts, y)
    >>> bool(np.allclose(pooled.predict(forecasts), y[:, None]))
    True
    """

    coef_: Floats
    intercept_: Floats

    def __init__(self, levels: ArrayLike) -> None:
        self.levels = levels

    def fit(self, forecasts: ArrayLike, y: ArrayLike) -> Self:
        """Find the coefficients; arguments and errors as of :meth:`GlobalAggregator.fit`."""
        levels = checked_levels(self.levels)
        stacked, responses = _training(forecasts, y, levels)
        ones = np.ones((len(stacked), 1))
        found = np.stack(
            [
                pinball_coefficients(np.hstack([ones, stacked[:, :, place]]), responses, level)
                for place, level in enumerate(levels)
            ],
            axis=1,
        )
        self.intercept_, self.coef_ = found[0], found[1:]
        return self

    def predict(self, forecasts: ArrayLike) -> Floats:
        """Pooled forecasts of shape (n, T), not sorted, from those of the models of shape (n, J, T)."""
        check_is_fitted(self)
        stacked = _same_models(forecasts, *self.coef_.shape)
        return np.asarray(self.intercept_ + (stacked * self.coef_).sum(axis=1))


def _same_models(forecasts: ArrayLike, n_models: int, n_levels: int) -> Floats:
    stacked = checked_forecasts(forecasts, n_levels, ndim=3)
    if stacked.shape[1] != n_models:
        raise ValueError(f"forecasts must be those of {n_models} models, as in fit, got {stacked.shape[1]}")
    return stacked
