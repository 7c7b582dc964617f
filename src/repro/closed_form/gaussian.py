"""Gaussian classes with one shared covariance: linear classifiers from means and variances."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from repro.ground.checks import not_negative

Floats = NDArray[np.float64]


class PooledNaiveBayes(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    r"""Gaussian naive Bayes whose classes share the variance of every feature, which makes it linear.

    The score of class k is :math:`\log \pi_k + \sum_j (x_j \mu_{kj} - \mu_{kj}^2 / 2) / \sigma_j^2`, where
    :math:`\sigma_j^2` is the mean over the rows of the squared distance to the own class mean.
    :class:`sklearn.naive_bayes.GaussianNB` has variances of each class instead, and curved boundaries.

    Parameters
    ----------
    prior : "empirical" or "uniform", default="empirical"
        Class shares :math:`\pi_k`: those of the training rows, or equal ones.
    var_smoothing : float, default=1e-9
        Share of the largest variance of a feature that is added to all pooled variances.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    class_prior_ : ndarray of shape (n_classes,)
    means_ : ndarray of shape (n_classes, n_features)
    variances_ : ndarray of shape (n_features,)
    coef_ : ndarray of shape (n_classes, n_features), or (1, n_features) for two classes
    intercept_ : ndarray of shape (n_classes,), or (1,) for two classes
    n_features_in_ : int

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [4.0, 5.0], [5.0, 4.0]])
    >>> model = PooledNaiveBayes().fit(X, ["no", "no", "yes", "yes"])
    >>> model.predict([[4.0, 4.0], [0.5, 0.5]]).tolist()
    ['yes', 'no']
    """

    def __init__(self, prior: Literal["empirical", "uniform"] = "empirical", var_smoothing: float = 1e-9) -> None:
        self.prior = prior
        self.var_smoothing = var_smoothing

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Estimate means, pooled variances and class shares.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)

        Returns
        -------
        PooledNaiveBayes

        Raises
        ------
        ValueError
            If there are fewer than two classes, all features are constant, or a parameter is not allowed.
        """
        if not isinstance(self.prior, str) or self.prior not in ("empirical", "uniform"):
            raise ValueError(f"prior must be 'empirical' or 'uniform', got {self.prior!r}")
        smoothing = not_negative("var_smoothing", self.var_smoothing)
        rows, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y must hold at least two classes, got one class: {self.classes_[0]!r}")
        members = (places == np.arange(len(self.classes_))[:, None]).astype(np.float64)
        self._centre: Floats = rows.mean(axis=0)
        rows = rows - self._centre  # numbers far from 0 would lose the digits that tell the classes apart
        centred = members @ rows / counts[:, None]
        self.means_: Floats = centred + self._centre
        spread = float(rows.var(axis=0).max())
        if spread == 0:
            raise ValueError("X must have a feature that is not constant, got none")
        self.variances_: Floats = ((rows - centred[places]) ** 2).mean(axis=0) + smoothing * spread
        shares = counts / len(labels) if self.prior == "empirical" else np.full(len(counts), 1 / len(counts))
        self.class_prior_: Floats = shares
        with np.errstate(divide="ignore", invalid="ignore"):
            weights = centred / self.variances_
        if not np.isfinite(weights).all():
            raise ValueError("a feature does not vary within its classes: var_smoothing must be above 0, got 0")
        offsets = np.log(shares) - (weights * centred).sum(axis=1) / 2
        binary = len(counts) == 2
        self.coef_: Floats = np.diff(weights, axis=0) if binary else weights
        self._centred_intercept: Floats = np.diff(offsets) if binary else offsets
        self.intercept_: Floats = self._centred_intercept - self.coef_ @ self._centre
        return self

    def decision_function(self, X: ArrayLike) -> Floats:
        """Scores: of the second class over the first, shape (n,), or of every class, shape (n, n_classes).

        With three classes and more they are known up to a number that all classes of a row share.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        scores: Floats = (rows - self._centre) @ self.coef_.T + self._centred_intercept
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Class with the highest score, shape (n,)."""
        scores = self.decision_function(X)
        places = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        predicted: NDArray[Any] = self.classes_[places]
        return predicted


def linear_error_rates(weights: ArrayLike, bias: float, means: ArrayLike, variances: ArrayLike) -> Floats:
    r"""Error rates of a linear rule on two Gaussian classes with the same diagonal covariance, without a test sample.

    The score of a row of class k is normal with mean :math:`w \cdot \mu_k + b` and variance
    :math:`\sum_j w_j^2 \sigma_j^2`.

    Parameters
    ----------
    weights : array-like of shape (n_features,)
    bias : float
        The second class is predicted where ``x @ weights + bias`` is above 0.
    means : array-like of shape (2, n_features)
    variances : array-like of shape (n_features,)
        Each at least 0.

    Returns
    -------
    ndarray of shape (2,)
        Probability of an error on a row of the first and of the second class.

    Raises
    ------
    ValueError
        If shapes do not fit or a variance is negative or no number.

    Examples
    --------
    >>> linear_error_rates([1.0], 0.0, [[-1.0], [1.0]], [1.0]).round(4)  # both classes: P(Z > 1)
    array([0.1587, 0.1587])
    """
    weights, means, variances = (np.asarray(values, dtype=np.float64) for values in (weights, means, variances))
    if means.shape != (2, *weights.shape) or variances.shape != weights.shape or weights.ndim != 1:
        raise ValueError(
            f"weights, means and variances must have the shapes (n,), (2, n) and (n,), got {weights.shape}, "
            f"{means.shape} and {variances.shape}"
        )
    if not (variances >= 0).all():
        raise ValueError(f"variances must be at least 0, got {variances[~(variances >= 0)][0]:g}")
    scores = means @ weights + bias
    spread = float(np.sqrt(weights**2 @ variances))
    if spread == 0:
        return np.array([float(bias > 0), float(bias <= 0)])
    return np.asarray(ndtr(np.array([1.0, -1.0]) * scores / spread))
