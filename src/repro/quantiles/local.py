"""Weights of models that vary with the features: a small network, trained with PyTorch."""

from __future__ import annotations

from typing import Self, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted
from torch import nn

from repro.ground.arrays import real_vector
from repro.ground.checks import not_negative, positive_number, whole_number
from repro.quantiles.pooling import Weights
from repro.quantiles.scores import checked_forecasts, checked_levels

Floats = NDArray[np.float64]

__all__ = ["LocalAggregator"]


class LocalAggregator(BaseEstimator):  # type: ignore[misc]
    r"""Convex combination of forecasts whose weights are a softmax of a network of the features (Fakoor et al. 2021).

    One hidden layer with ELU; the last layer starts at zero, so that training starts at the plain average. Adam on all
    rows at once. The network is far smaller than the paper's.

    Parameters
    ----------
    levels : array-like of shape (T,)
    weights : {"coarse", "medium"}, default="coarse"
        One weight for each model, or one for each model and level.
    width : int, default=16
    n_steps : int, default=300
    learning_rate : float, default=0.01
    decay : float, default=1e-3
        Weight decay of Adam, as a squared penalty.
    random_state : int, default=0

    Attributes
    ----------
    network_ : torch.nn.Module

    Examples
    --------
    >>> X = np.linspace(-1, 1, 60)[:, None]
    >>> forecasts = np.stack([X * 0, X * 0 + 1], axis=1)
    >>> model = LocalAggregator([0.5]).fit(forecasts, (X[:, 0] > 0).astype(float), X)
    >>> weights = model.weights_at([[-1.0], [1.0]])[:, 1, 0]
    >>> bool(weights[0] < 0.2 and weights[1] > 0.8)
    True
    """

    network_: nn.Module

    def __init__(
        self,
        levels: ArrayLike,
        weights: Weights = "coarse",
        *,
        width: int = 16,
        n_steps: int = 300,
        learning_rate: float = 0.01,
        decay: float = 1e-3,
        random_state: int = 0,
    ) -> None:
        self.levels = levels
        self.weights = weights
        self.width = width
        self.n_steps = n_steps
        self.learning_rate = learning_rate
        self.decay = decay
        self.random_state = random_state

    def fit(self, forecasts: ArrayLike, y: ArrayLike, X: ArrayLike) -> Self:
        """Train the network.

        Parameters
        ----------
        forecasts : array-like of shape (n, J, T)
            Of rows that the models have not seen.
        y : array-like of shape (n,)
        X : array-like of shape (n, d)
            Features of these rows; they are standardised here.

        Raises
        ------
        TypeError, ValueError
            If a setting, a shape or a number is wrong.
        """
        levels = checked_levels(self.levels)
        if self.weights not in get_args(Weights):
            raise ValueError(f"weights must be one of {get_args(Weights)}, got {self.weights!r}")
        width, n_steps = (whole_number(name, getattr(self, name), at_least=1) for name in ("width", "n_steps"))
        rate, decay = positive_number("learning_rate", self.learning_rate), not_negative("decay", self.decay)
        stacked = checked_forecasts(forecasts, levels.size, ndim=3)
        rows, responses = check_array(X, dtype=np.float64), real_vector("y", y).astype(np.float64)
        if not len(rows) == len(responses) == len(stacked):
            raise ValueError(
                f"X, y and forecasts must have one length, got {len(rows)}, {len(responses)} and {len(stacked)}"
            )
        spread = rows.std(axis=0)
        self.center_, self.spread_ = rows.mean(axis=0), np.where(spread > 0, spread, 1.0)
        self.n_models_, self.n_levels_ = stacked.shape[1:]
        n_outputs = self.n_models_ * (self.n_levels_ if self.weights == "medium" else 1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(whole_number("random_state", self.random_state, at_least=0))
            first, last = nn.Linear(rows.shape[1], width).double(), nn.Linear(width, n_outputs).double()
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.network_ = nn.Sequential(first, nn.ELU(), last)
        inputs, known = torch.from_numpy((rows - self.center_) / self.spread_), torch.from_numpy(stacked)
        target, taus = torch.from_numpy(responses)[:, None], torch.from_numpy(levels)
        unit = target.std() if len(responses) > 1 and float(target.std()) > 0 else torch.ones(())
        optimiser = torch.optim.Adam(self.network_.parameters(), lr=rate, weight_decay=decay)
        for _ in range(n_steps):
            rest = (target - (self._weights(inputs) * known).sum(dim=1)) / unit
            optimiser.zero_grad()
            loss = torch.maximum(taus * rest, (taus - 1) * rest).mean()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        return self

    def _weights(self, inputs: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network_(inputs)
        return logits.reshape(len(inputs), self.n_models_, -1).softmax(dim=1)

    def weights_at(self, X: ArrayLike) -> Floats:
        """Weights of shape (n, J, T), or (n, J, 1) where they are coarse, at rows of features."""
        check_is_fitted(self, "network_")
        rows = check_array(X, dtype=np.float64)
        if rows.shape[1] != self.center_.size:
            raise ValueError(f"X must have {self.center_.size} features, as in fit, got {rows.shape[1]}")
        with torch.no_grad():
            return np.asarray(self._weights(torch.from_numpy((rows - self.center_) / self.spread_)).numpy())

    def predict(self, forecasts: ArrayLike, X: ArrayLike) -> Floats:
        """Pooled forecasts of shape (n, T), not sorted; arguments as in :meth:`fit`."""
        weights = self.weights_at(X)
        stacked = checked_forecasts(forecasts, self.n_levels_, ndim=3)
        if stacked.shape[:2] != weights.shape[:2]:
            raise ValueError(f"forecasts must have shape {(*weights.shape[:2], self.n_levels_)}, got {stacked.shape}")
        return np.asarray((stacked * weights).sum(axis=1))
