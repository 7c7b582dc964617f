"""A penalty chosen by cross-validation: correctly, and as the authors' published code does it.

Three facts about the published code matter (section 6 of the project's specification). Its intercepts, brought back to
the scale of the columns, take off the mean times the *difference* of the weights where the cumulative weights belong
(D1). Its cross-validation predicts with these differences in place of the weights (D2). Its score on real data compares
values of one row with the bin of another (D3, in :mod:`repro.studies.presto.scores`). None of this is in
:mod:`repro.ordinal`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from repro.trials.folds import Folds

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]

N_FOLDS: Final = 5


class Path(Protocol):
    """Solutions down a sequence of penalties."""

    @property
    def lambdas(self) -> Floats:
        """Shape (n_lambdas,), descending."""

    @property
    def intercepts(self) -> Floats:
        """Shape (n_lambdas, n_classes - 1)."""

    @property
    def coefs(self) -> Floats:
        """Weights by boundary, shape (n_lambdas, n_classes - 1, n_features)."""


PathFunction = Callable[[Floats, Positions, Floats | None], Path]
"""``path(X, y, lambdas)``; None makes the sequence from the data."""


@dataclass(frozen=True, eq=False)
class Model:
    """Boundaries of a cumulative logit model.

    Attributes
    ----------
    intercept : ndarray of shape (n_classes - 1,)
    coef : ndarray of shape (n_classes - 1, n_features)
        Weights by boundary.
    lam : float
    """

    intercept: Floats
    coef: Floats
    lam: float

    def rare_probability(self, X: Floats) -> Floats:
        """Probability of the last class, shape (n,)."""
        probability: Floats = expit(-(self.intercept[-1] + X @ self.coef[-1]))
        return probability


def published_intercepts(intercepts: Floats, coefs: Floats, mean: Floats) -> Floats:
    """Move intercepts to where the authors' code returns them (D1): right where all means are 0, and at the first.

    Parameters
    ----------
    intercepts : ndarray of shape (..., n_classes - 1)
        Correct ones.
    coefs : ndarray of shape (..., n_classes - 1, n_features)
    mean : ndarray of shape (n_features,)
        Means of the columns that were fitted.

    Returns
    -------
    ndarray of the shape of `intercepts`
    """
    moved = intercepts.copy()
    moved[..., 1:] += coefs[..., :-1, :] @ mean
    return moved


def _mean_brier(linear: Floats, observed: Positions) -> float:
    """Squared error over all classes, mean over rows, from linear predictors of shape (n, n_classes - 1)."""
    cumulative = expit(linear)
    probabilities = np.diff(cumulative, axis=1, prepend=0.0, append=1.0)
    probabilities[np.arange(observed.size), observed] -= 1.0
    return float((probabilities**2).sum(axis=1).mean())


def select(X: Floats, y: Positions, folds: Folds, path: PathFunction) -> tuple[Model, Model]:
    """Choose the penalty by the Brier score of all classes, and fit it to all rows.

    The sequence of penalties comes from all rows; the largest one that attains the smallest mean score is chosen.

    Parameters
    ----------
    X : ndarray of shape (n, p)
    y : ndarray of shape (n,), intp
        Classes from 0; the last is the rare one.
    folds : sequence of (train, test)
    path : callable
        ``path(X, y, lambdas)``.

    Returns
    -------
    corrected, published : Model
        Chosen and predicted correctly, and with D1 and D2.
    """
    with warnings.catch_warnings():
        # small penalties on separable folds, and folds without a class, are part of what is studied
        warnings.simplefilter("ignore")
        whole = path(X, y, None)
        correct, as_published = np.empty((2, len(folds), whole.lambdas.size))
        for number, (train, test) in enumerate(folds):
            part = path(X[train], y[train], whole.lambdas)
            mean = X[train].mean(axis=0)
            moved = published_intercepts(part.intercepts, part.coefs, mean)
            differences = np.diff(part.coefs, axis=1, prepend=0.0)
            for place in range(whole.lambdas.size):
                linear = part.intercepts[place] + X[test] @ part.coefs[place].T
                correct[number, place] = _mean_brier(linear, y[test])
                linear = moved[place] + X[test] @ differences[place].T
                as_published[number, place] = _mean_brier(linear, y[test])
    best, chosen = (int(np.argmin(scores.mean(axis=0))) for scores in (correct, as_published))
    moved = published_intercepts(whole.intercepts, whole.coefs, X.mean(axis=0))
    return (
        Model(whole.intercepts[best], whole.coefs[best], float(whole.lambdas[best])),
        Model(moved[chosen], whole.coefs[chosen], float(whole.lambdas[chosen])),
    )
