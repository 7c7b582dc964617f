"""Models whose prediction is a vector of conditional quantiles, scikit-learn's interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.validation import check_is_fitted, validate_data

from repro.ground.checks import whole_number
from repro.quantiles.pooling import pinball_coefficients
from repro.quantiles.scores import checked_levels, pinball_loss

Floats = NDArray[np.float64]

__all__ = ["BoostedQuantiles", "GaussianQuantiles", "LinearQuantiles", "NeighbourQuantiles"]


class _QuantileModel(RegressorMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """What the models share: checks, and a prediction of shape (n, T)."""

    levels: ArrayLike
    levels_: Floats

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit all levels.

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : array-like of shape (n,)

        Raises
        ------
        ValueError
            If levels are wrong, or numbers are missing.
        """
        self.levels_ = checked_levels(self.levels)
        rows, responses = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        self._fit(rows, np.asarray(responses, dtype=np.float64))
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Quantiles of shape (n, T), not sorted."""
        check_is_fitted(self)
        return self._predict(validate_data(self, X, dtype=np.float64, reset=False))

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Mean pinball loss over levels and rows, with a minus: the larger the better, as a search over models expects.

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), optional
        """
        losses = pinball_loss(y, self.predict(X), self.levels_).mean(axis=1)
        return -float(np.average(losses, weights=sample_weight))  # type: ignore[arg-type]

    @abstractmethod
    def _fit(self, X: Floats, y: Floats) -> None:
        """Fit all levels to rows that have been checked."""

    @abstractmethod
    def _predict(self, X: Floats) -> Floats:
        """Quantiles of rows that have been checked, shape (n, T)."""


class LinearQuantiles(_QuantileModel):
    """Linear quantile regression at several levels; the loss is that of scikit-learn's ``QuantileRegressor(alpha=0)``.

    Quantiles of different levels can cross.

    Parameters
    ----------
    levels : array-like of shape (T,)

    Attributes
    ----------
    coef_ : ndarray of shape (d, T)
    intercept_ : ndarray of shape (T,)

    Examples
    --------
    >>> LinearQuantiles([0.25, 0.75]).fit([[0.0], [0], [0], [0]], [1.0, 2, 3, 4]).predict([[0.0]]).shape
    (1, 2)
    """

    coef_: Floats
    intercept_: Floats

    def __init__(self, levels: ArrayLike) -> None:
        self.levels = levels

    def _fit(self, X: Floats, y: Floats) -> None:
        columns = np.column_stack([np.ones(len(X)), X])
        found = np.stack([pinball_coefficients(columns, y, level) for level in self.levels_], axis=1)
        self.intercept_, self.coef_ = found[0], found[1:]

    def _predict(self, X: Floats) -> Floats:
        return np.asarray(self.intercept_ + X @ self.coef_)


class NeighbourQuantiles(_QuantileModel):
    """Quantiles of the responses of the nearest training rows; features should have like scales.

    Parameters
    ----------
    levels : array-like of shape (T,)
    n_neighbors : int, default=30

    Examples
    --------
    >>> NeighbourQuantiles([0.25, 0.5], n_neighbors=3).fit([[0.0], [0], [0]], [1.0, 2, 3]).predict([[0.0]]).tolist()
    [[1.5, 2.0]]
    """

    def __init__(self, levels: ArrayLike, n_neighbors: int = 30) -> None:
        self.levels = levels
        self.n_neighbors = n_neighbors

    def _fit(self, X: Floats, y: Floats) -> None:
        count = whole_number("n_neighbors", self.n_neighbors, at_least=1)
        if count > len(X):
            raise ValueError(f"n_neighbors must be at most the {len(X)} training rows, got {count}")
        self.neighbors_, self.responses_ = NearestNeighbors(n_neighbors=count).fit(X), y

    def _predict(self, X: Floats) -> Floats:
        near = self.neighbors_.kneighbors(X, return_distance=False)
        return np.asarray(np.quantile(self.responses_[near], self.levels_, axis=1).T)


class GaussianQuantiles(_QuantileModel):
    """Least squares with normal errors of one variance; the quantiles are parallel.

    Parameters
    ----------
    levels : array-like of shape (T,)

    Attributes
    ----------
    scale_ : float
        Standard deviation of the errors, with d + 1 fewer degrees of freedom than rows.

    Examples
    --------
    >>> GaussianQuantiles([0.5]).fit([[0.0], [1], [2], [3]], [1.0, 3, 5, 7]).predict([[4.0]]).round(6).tolist()
    [[9.0]]
    """

    scale_: float

    def __init__(self, levels: ArrayLike) -> None:
        self.levels = levels

    def _fit(self, X: Floats, y: Floats) -> None:
        free = len(X) - X.shape[1] - 1
        if free < 1:
            raise ValueError(f"X must have at least {X.shape[1] + 2} rows for {X.shape[1]} features, got {len(X)}")
        self.mean_: Any = LinearRegression().fit(X, y)
        self.scale_ = float(np.sqrt(((y - self.mean_.predict(X)) ** 2).sum() / free))

    def _predict(self, X: Floats) -> Floats:
        return np.asarray(self.mean_.predict(X)[:, None] + self.scale_ * norm.ppf(self.levels_))


class BoostedQuantiles(_QuantileModel):
    """Histogram gradient boosting of scikit-learn with the pinball loss, one ensemble for each level.

    Parameters
    ----------
    levels : array-like of shape (T,)
    max_iter : int, default=60
    max_leaf_nodes : int, default=8

    Examples
    --------
    >>> X = np.arange(100.0)[:, None]
    >>> BoostedQuantiles([0.1, 0.9], max_iter=5).fit(X, X[:, 0]).predict(X).shape
    (100, 2)
    """

    def __init__(self, levels: ArrayLike, max_iter: int = 60, max_leaf_nodes: int = 8) -> None:
        self.levels = levels
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes

    def _fit(self, X: Floats, y: Floats) -> None:
        self.ensembles_ = [
            HistGradientBoostingRegressor(
                loss="quantile",
                quantile=level,
                max_iter=self.max_iter,
                max_leaf_nodes=self.max_leaf_nodes,
                early_stopping=False,
                random_state=0,
            ).fit(X, y)
            for level in self.levels_
        ]

    def _predict(self, X: Floats) -> Floats:
        return np.stack([ensemble.predict(X) for ensemble in self.ensembles_], axis=1)
