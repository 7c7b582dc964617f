"""Heads for features: Gaussian discriminant analysis with a shrunken covariance, and the nearest class mean."""

from __future__ import annotations

import warnings
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.covariance import LedoitWolf, shrunk_covariance
from sklearn.discriminant_analysis import DiscriminantAnalysisPredictionMixin
from sklearn.preprocessing import normalize
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from repro.ground.checks import whole_number
from repro.ground.exceptions import UnknownName
from repro.ground.random_state import RandomState, as_generator

Floats = NDArray[np.float64]
Shrinkage = Literal["trace", "ledoit_wolf", "none", "identity"]
CHOICES: Final = {
    "shrinkage": ("trace", "ledoit_wolf", "none", "identity"),
    "prior": ("uniform", "empirical"),
    "covariance": ("tied", "class"),
}


class GaussianDiscriminant(DiscriminantAnalysisPredictionMixin, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    r"""Gaussian discriminant analysis: class means and a shrunken covariance, without training.

    The score of class k is :math:`\log \pi_k - (x - \mu_k)^\top P_k (x - \mu_k) / 2 + \log \det P_k / 2`. With one
    covariance for all classes what they share drops out, and the score is linear. scikit-learn's
    :class:`~sklearn.discriminant_analysis.LinearDiscriminantAnalysis` weighs the covariances of the classes by the
    prior that it predicts with and shrinks each of them; here rows less their class mean are pooled and shrunk once,
    whatever the prior, so that classes with a single row do no harm.

    Parameters
    ----------
    shrinkage : "trace", "ledoit_wolf", "none", "identity" or float, default="trace"
        How the precision :math:`P` comes from the N centred rows and their covariance S in d dimensions.
        ``"trace"``: :math:`d \, [(N - 1) S + \mathrm{tr}(S) I]^{-1}`, as in the released code of Wang and colleagues
        (2024), S with the divisor N - 1. ``"ledoit_wolf"``: scikit-learn's estimator. ``"none"``: the inverse.
        ``"identity"``: no covariance. A number s from 0 to 1: the inverse of (1 - s) S + s tr(S) / d I.
        S has the divisor N but for ``"trace"``.
    prior : "uniform" or "empirical", default="uniform"
        Class shares :math:`\pi_k`: equal ones, or those of the training rows.
    covariance : "tied" or "class", default="tied"
        One for all classes, or one for each, which makes the score quadratic.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    class_prior_ : ndarray of shape (n_classes,)
    means_ : ndarray of shape (n_classes, n_features)
    precision_ : ndarray of shape (n_features, n_features), or (n_classes, n_features, n_features)
    coef_ : ndarray of shape (n_classes, n_features)
        Only for a tied covariance.
    intercept_ : ndarray of shape (n_classes,)
        Only for a tied covariance.
    n_features_in_ : int

    Warns
    -----
    UserWarning
        If the rows do not vary within their classes, as with one row of each, and the shrinkage is ``"trace"`` or
        ``"ledoit_wolf"``: nothing can be said of the covariance, and the nearest class mean decides.

    See Also
    --------
    PooledNaiveBayes : The same with a diagonal covariance.
    NearestClassMean : The same without a covariance.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.0], [4.0, 5.0], [5.0, 4.0], [4.5, 5.0]])
    >>> model = GaussianDiscriminant().fit(X, [0, 0, 0, 1, 1, 1])
    >>> model.predict([[4.0, 4.0], [0.5, 0.5]]).tolist()
    [1, 0]
    """

    def __init__(
        self,
        shrinkage: Shrinkage | float = "trace",
        prior: Literal["uniform", "empirical"] = "uniform",
        covariance: Literal["tied", "class"] = "tied",
    ) -> None:
        self.shrinkage = shrinkage
        self.prior = prior
        self.covariance = covariance

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Estimate means, covariance and class shares.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)

        Returns
        -------
        GaussianDiscriminant

        Raises
        ------
        UnknownName
            If a parameter is not allowed.
        ValueError
            If there are fewer than two classes, or a covariance is singular.
        """
        for name, allowed in CHOICES.items():
            chosen = getattr(self, name)
            if name == "shrinkage" and isinstance(chosen, float | int) and 0 <= chosen <= 1:
                continue
            if not isinstance(chosen, str) or chosen not in allowed:
                also = " (or a number from 0 to 1)" if name == "shrinkage" else ""
                raise UnknownName(name + also, str(chosen), allowed)
        rows, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y must hold at least two classes, got one class: {self.classes_[0]!r}")
        self._centre: Floats = rows.mean(axis=0)
        rows = rows - self._centre  # numbers far from 0 would lose the digits that tell the classes apart
        means: Floats = np.stack([rows[places == k].mean(axis=0) for k in range(len(counts))])
        self.means_: Floats = means + self._centre
        shares = counts / len(labels) if self.prior == "empirical" else np.full(len(counts), 1 / len(counts))
        self.class_prior_: Floats = shares
        centred = rows - means[places]
        if self.covariance == "class":
            self.precision_: Floats = np.stack([self._precision(centred[places == k]) for k in range(len(counts))])
        else:
            self.precision_ = self._precision(centred)
            self.coef_: Floats = means @ self.precision_
            self._centred_intercept: Floats = np.log(shares) - (self.coef_ * means).sum(axis=1) / 2
            self.intercept_: Floats = self._centred_intercept - self.coef_ @ self._centre
        return self

    def _precision(self, centred: Floats) -> Floats:
        """Precision matrix from rows less their class mean."""
        n_rows, d = centred.shape
        scatter = centred.T @ centred
        total = float(np.trace(scatter))
        if self.shrinkage == "identity":
            return np.eye(d)
        if self.shrinkage in ("trace", "ledoit_wolf") and not total > 0:
            warnings.warn("rows do not vary within their classes: the nearest class mean decides", stacklevel=3)
            return np.eye(d)
        if self.shrinkage == "trace":
            return np.asarray(d * np.linalg.inv(scatter + total / (n_rows - 1) * np.eye(d)))
        if self.shrinkage == "ledoit_wolf":
            matrix = LedoitWolf(assume_centered=True, store_precision=False).fit(centred).covariance_
        else:
            amount = 0.0 if self.shrinkage == "none" else float(self.shrinkage)
            matrix = shrunk_covariance(scatter / n_rows, shrinkage=amount)
        rank = int(np.linalg.matrix_rank(matrix, hermitian=True))
        if rank < d:
            raise ValueError(
                f"the covariance of {n_rows} rows is singular, of rank {rank} in {d} features; shrinkage must be "
                f"'trace', 'ledoit_wolf', 'identity' or a number above 0, got {self.shrinkage!r}"
            )
        return np.asarray(np.linalg.inv(matrix))

    def _decision_function(self, X: ArrayLike) -> Floats:
        """Scores of every class, shape (n, n_classes); tied: up to a number that all classes of a row share."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        if self.covariance == "tied":
            return np.asarray((rows - self._centre) @ self.coef_.T + self._centred_intercept)
        apart = rows[:, None] - self.means_
        distances = np.einsum("nkd,kde,nke->nk", apart, self.precision_, apart, optimize=True)
        return np.asarray(np.log(self.class_prior_) + (np.linalg.slogdet(self.precision_)[1] - distances) / 2)

    def sample(self, n_per_class: int, random_state: RandomState = None) -> tuple[Floats, NDArray[Any]]:
        """Draw virtual rows from the fitted classes, equally many of each.

        Parameters
        ----------
        n_per_class : int
        random_state : int, numpy Generator, numpy RandomState or None

        Returns
        -------
        X : ndarray of shape (n_classes * n_per_class, n_features)
        y : ndarray of shape (n_classes * n_per_class,)
        """
        check_is_fitted(self)
        whole_number("n_per_class", n_per_class, at_least=1)
        generator = as_generator(random_state)
        roots = np.linalg.cholesky(np.linalg.inv(self.precision_))
        noise = generator.standard_normal((len(self.classes_), n_per_class, self.n_features_in_))
        rows = self.means_[:, None] + noise @ np.swapaxes(roots, -1, -2)
        return rows.reshape(-1, self.n_features_in_), np.repeat(self.classes_, n_per_class)


class NearestClassMean(GaussianDiscriminant):
    """Class whose mean is nearest, by Euclidean distance or by angle.

    scikit-learn's :class:`~sklearn.neighbors.NearestCentroid` predicts the same by Euclidean distance, but knows no
    angle, scores by distances in other units than it predicts by, and divides by zero where each class has one row.

    Parameters
    ----------
    metric : "euclidean" or "cosine", default="euclidean"
        With ``"cosine"`` rows and means are brought to length 1, and the score is the cosine between them.

    Attributes
    ----------
    classes_, class_prior_, means_, coef_, intercept_, n_features_in_
        As in :class:`GaussianDiscriminant`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    >>> NearestClassMean(metric="cosine").fit(X, ["a", "a", "b", "b"]).predict([[9.0, 1.0]]).tolist()
    ['a']
    """

    shrinkage, prior, covariance = "identity", "uniform", "tied"

    def __init__(self, metric: Literal["euclidean", "cosine"] = "euclidean") -> None:
        self.metric = metric

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Estimate the means, as :meth:`GaussianDiscriminant.fit`."""
        if not isinstance(self.metric, str) or self.metric not in ("euclidean", "cosine"):
            raise UnknownName("metric", str(self.metric), ("euclidean", "cosine"))
        if self.metric == "euclidean":
            return super().fit(X, y)
        rows, labels = validate_data(self, X, y, dtype=np.float64)
        super().fit(normalize(rows), labels)
        self.means_ = self.coef_ = normalize(self.means_)
        self._centre = np.zeros(rows.shape[1])
        self._centred_intercept = self.intercept_ = np.zeros(len(self.classes_))
        return self

    def _decision_function(self, X: ArrayLike) -> Floats:
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        return super()._decision_function(normalize(rows) if self.metric == "cosine" else rows)
