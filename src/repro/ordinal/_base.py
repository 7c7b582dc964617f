"""What the classifiers of this room share: checked input, predictions."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from repro.ground.labels import label_vector
from repro.ordinal._fitting import Problem, Settings
from repro.ordinal._probabilities import Repair, class_probabilities
from repro.ordinal._rows import Floats, as_csr
from repro.ordinal._targets import ClassWeight, OrderedTarget, ordered_target, refuse_one_class, row_weights

Positivity = Literal["all", "observed"]


def read_rows(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    class_order: Any,
    class_weight: ClassWeight,
    *,
    accept_sparse: bool = True,
) -> tuple[Any, OrderedTarget, Floats]:
    """Check the training data of an estimator.

    Returns
    -------
    X : float64 array or CSR array of shape (n, p)
    target : OrderedTarget
    weight : ndarray of shape (n,)
        Weight of every row, the one of its class included.

    Raises
    ------
    TypeError, ValueError
        Also if fewer than two classes have rows of positive weight.
    """
    formats = "csr" if accept_sparse else False
    labels = None if y is None else label_vector("y", y)
    X, labels = validate_data(estimator, X, labels, accept_sparse=formats, dtype=np.float64, ensure_min_samples=2)
    target = ordered_target(y, labels, class_order)
    weight = row_weights(target, _check_sample_weight(sample_weight, X, dtype=np.float64), class_weight)
    refuse_one_class(target, weight, slice(None), "y")
    counts = np.bincount(target.positions, weight > 0, minlength=target.classes.size)
    if (counts == 0).any():
        absent = ", ".join(repr(label) for label in target.classes[counts == 0].tolist())
        warnings.warn(
            f"no row with a positive weight has the class {absent}; its probability will be 0 everywhere", stacklevel=3
        )
    return X, target, weight


def keep_classes(estimator: Any, target: OrderedTarget) -> None:
    """Set `classes_`, sorted as scikit-learn's functions expect them, and `class_order_`."""
    estimator.classes_ = np.sort(target.classes)
    estimator.class_order_ = target.classes


def as_classes_(estimator: Any, by_class: Floats) -> Floats:
    """Columns of the classes in their order, put in the order of `classes_`."""
    places = np.argsort(estimator.class_order_)
    return by_class if (np.diff(places) > 0).all() else np.take(by_class, places, axis=1)


class CumulativeLogitPredictions(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Predictions of a fitted cumulative logit model."""

    classes_: npt.NDArray[Any]
    class_order_: npt.NDArray[Any]
    intercept_: Floats
    coef_: Floats

    def __sklearn_tags__(self) -> Tags:
        """Sparse input is fine."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def boundary_scores(self, X: ArrayLike) -> Floats:
        """Linear predictors ``alpha_k + x'beta_k`` of ``P(y <= k | x)``, equation (1).

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        float64 array of shape (n_samples, n_classes - 1)
            May decrease from one boundary to the next in rows that were not trained on.
        """
        check_is_fitted(self)
        matrix: Any = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        scores: Floats = np.asarray(matrix @ np.atleast_2d(self.coef_).T) + self.intercept_
        return scores

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Probabilities of all classes.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        float64 array of shape (n_samples, n_classes)
            Columns in the order of `classes_`, rows sum to 1. Where boundaries cross, the probability of a middle class
            is negative unless `repair` says otherwise; a warning tells how many rows are concerned.
        """
        repair: Repair = getattr(self, "repair", None)
        probabilities = class_probabilities(self.boundary_scores(X), repair)
        n_negative = int((probabilities < 0).any(axis=1).sum())
        if n_negative:
            warnings.warn(
                f"boundaries cross in {n_negative} of {len(probabilities)} rows, whose middle classes get a negative "
                "probability; repair='cumulative_max' or repair='isotonic' mends them",
                stacklevel=2,
            )
        return as_classes_(self, probabilities)

    def predict_rare_proba(self, X: ArrayLike) -> Floats:
        """Probability of the last class of `class_order_`, ``1 - s(alpha_{K-1} + x'beta_{K-1})``, equation (2).

        It depends on one boundary only, lies in [0, 1] for every row and is not touched by `repair`.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        float64 array of shape (n_samples,)
        """
        probabilities: Floats = expit(-self.boundary_scores(X)[:, -1])
        return probabilities

    def decision_function(self, X: ArrayLike) -> Floats:
        """Scores in scikit-learn's sense: the larger, the more likely the class.

        The linear predictors of the boundaries are in :meth:`boundary_scores`.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        float64 array of shape (n_samples, n_classes), or (n_samples,) for two classes
            Logarithms of the class probabilities (those that are not positive count as the smallest positive number);
            in the order of `classes_`; for two classes the log-odds of the second one.
        """
        scores = self.boundary_scores(X)
        if scores.shape[1] == 1:
            return -scores[:, 0] if self.classes_[1] == self.class_order_[1] else scores[:, 0]
        probabilities = class_probabilities(scores, getattr(self, "repair", None))
        decision: Floats = np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
        return as_classes_(self, decision)

    def predict(self, X: ArrayLike) -> npt.NDArray[Any]:
        """Most probable class.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,)
            The first in `class_order_` of equally probable ones.
        """
        scores = self.boundary_scores(X)
        probabilities = class_probabilities(scores, getattr(self, "repair", None))
        labels: npt.NDArray[Any] = self.class_order_[probabilities.argmax(axis=1)]
        return labels


class CumulativeLogitClassifier(CumulativeLogitPredictions):
    """A cumulative logit model that the solver of this room fits."""

    @abstractmethod
    def _settings(self) -> Settings:
        """Give the settings of the solver."""

    def _problem(self, X: Any, y: Any, sample_weight: Any) -> Problem:
        self._validate_params()
        estimator: Any = self
        X, target, weight = read_rows(self, X, y, sample_weight, estimator.class_order, estimator.class_weight)
        problem = Problem(X, target.positions, weight, target.classes.size, self._settings())
        keep_classes(self, target)
        return problem


def take_rows(X: Any, rows: npt.NDArray[np.intp]) -> Any:
    """Rows of an array or a sparse matrix."""
    return as_csr(X)[rows] if sparse.issparse(X) else X[rows]
