"""Linear models of rows whose responses are known as means of bags only, and what their risk is."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from repro.ground.checks import not_negative, share

Floats = NDArray[np.float64]

__all__ = [
    "BagClassifier",
    "BagRegressor",
    "bag_loss",
    "bag_means",
    "bag_risk",
    "instance_loss",
    "interpolation_variance",
]


def _numbered(bags: ArrayLike | None, n_rows: int) -> NDArray[np.intp]:
    """Bags as numbers from 0; every row is one of its own where none are given."""
    if bags is None:
        return np.arange(n_rows)
    labels = np.asarray(bags)
    if labels.shape != (n_rows,):
        raise ValueError(f"bags must name the bag of each of the {n_rows} rows, got an array of shape {labels.shape}")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError("bags must not hold missing values, got some")
    return np.asarray(np.unique(labels, return_inverse=True)[1], dtype=np.intp)


def bag_means(values: ArrayLike, bags: ArrayLike) -> Floats:
    """Mean of the rows of each bag.

    Parameters
    ----------
    values : array-like of shape (n,) or (n, d)
    bags : array-like of shape (n,)
        Name of the bag of each row; bags may differ in size.

    Returns
    -------
    ndarray of shape (m,) or (m, d)
        In the sorted order of the names.

    Raises
    ------
    ValueError
        If there are no rows, or names and rows differ in number.

    Examples
    --------
    >>> bag_means([1.0, 3.0, 5.0], ["b", "b", "a"]).tolist()
    [5.0, 2.0]
    """
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim not in (1, 2) or len(rows) == 0:
        raise ValueError(f"values must have shape (n,) or (n, d) with n at least 1, got {rows.shape}")
    places = _numbered(bags, len(rows))
    sizes = np.bincount(places)
    table = rows.reshape(len(rows), -1)
    sums = np.stack([np.bincount(places, weights=column) for column in table.T], axis=1)
    return np.asarray((sums / sizes[:, None]).reshape(len(sizes), *rows.shape[1:]))


def _losses(responses: Floats, predictions: Floats, loss: str) -> Floats:
    if loss == "squared":
        return (responses - predictions) ** 2
    if loss == "logistic":
        inside = np.clip(predictions, 1e-15, 1 - 1e-15)
        return -(responses * np.log(inside) + (1 - responses) * np.log1p(-inside))
    raise ValueError(f"loss must be 'squared' or 'logistic', got {loss!r}")


def bag_loss(y: ArrayLike, predictions: ArrayLike, bags: ArrayLike, *, loss: str = "squared") -> float:
    """Loss of mean predictions against mean responses of bags, each bag with the weight of its rows.

    Parameters
    ----------
    y, predictions : array-like of shape (n,)
        Only the means in each bag count.
    bags : array-like of shape (n,)
    loss : {"squared", "logistic"}, default="squared"
        Of responses and predictions; for the logistic loss both are shares or probabilities.

    Raises
    ------
    ValueError
        If the loss is unknown, or lengths differ.

    Examples
    --------
    >>> bag_loss([1.0, 0.0], [0.4, 0.4], [0, 0]), instance_loss([1.0, 0.0], [0.3, 0.5], [0, 0])
    (0.009999999999999995, 0.020000000000000004)
    """
    means, sizes = _means(y, predictions, bags)
    return float(np.average(_losses(means[:, 0], means[:, 1], loss), weights=sizes))


def instance_loss(y: ArrayLike, predictions: ArrayLike, bags: ArrayLike, *, loss: str = "squared") -> float:
    """Loss of the prediction of every row against the mean response of its bag, mean over the rows.

    Parameters and errors as of :func:`bag_loss`. With the squared loss it is the bag loss plus the mean variance of the
    predictions within bags; with any convex loss it is no smaller than the bag loss.

    Examples
    --------
    >>> y, predictions, bags = [0.0, 2.0, 5.0, 5.0], [0.0, 2.0, 4.0, 6.0], [0, 0, 1, 1]
    >>> bag_loss(y, predictions, bags), instance_loss(y, predictions, bags)
    (0.0, 1.0)
    """
    means, _ = _means(y, predictions, bags)
    predicted = np.asarray(predictions, dtype=np.float64)
    return float(_losses(means[_numbered(bags, len(predicted)), 0], predicted, loss).mean())


def _means(y: ArrayLike, predictions: ArrayLike, bags: ArrayLike) -> tuple[Floats, NDArray[np.intp]]:
    responses, predicted = (np.asarray(values, dtype=np.float64) for values in (y, predictions))
    if responses.ndim != 1 or responses.shape != predicted.shape:
        raise ValueError(f"y and predictions must have one length, got shapes {responses.shape} and {predicted.shape}")
    places = _numbered(bags, len(responses))
    return bag_means(np.stack([responses, predicted], axis=1), places), np.bincount(places)


class BagRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    r"""Linear regression on mean responses of bags: bag loss, instance loss, what lies between, and ridge.

    Minimises :math:`L_{bag} + \rho \, V + \lambda \lVert\theta\rVert^2`, where V is the mean variance of the
    predictions within bags. Rho 0 is the bag loss, 1 the instance loss (Javanmard et al. 2024). The solution is
    :math:`(A + \rho B + n \lambda I)^{-1} X^\top P y` with :math:`A = X^\top P X`, :math:`B = X^\top (I - P) X` and P
    the averaging within bags; where that has no inverse, the solution of smallest norm.

    Parameters
    ----------
    interpolation : float, default=0.0
        Rho, from 0 to 1.
    ridge : float, default=0.0
        Lambda, at least 0; the intercept is not shrunk.
    fit_intercept : bool, default=True

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
    intercept_ : float
    n_features_in_ : int

    Examples
    --------
    >>> import numpy as np
    >>> X, bags = np.arange(6.0)[:, None], [0, 0, 1, 1, 2, 2]
    >>> BagRegressor().fit(X, 2 * X[:, 0] + 1, bags=bags).coef_.round(6).tolist()
    [2.0]
    """

    def __init__(self, *, interpolation: float = 0.0, ridge: float = 0.0, fit_intercept: bool = True) -> None:
        self.interpolation = interpolation
        self.ridge = ridge
        self.fit_intercept = fit_intercept

    def fit(self, X: ArrayLike, y: ArrayLike, bags: ArrayLike | None = None) -> Self:
        """Solve for the coefficients.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)
            Only its means in the bags are used, so every row may carry the mean of its bag.
        bags : array-like of shape (n,), optional
            Bag of each row; without it every row is a bag, and this is ridge regression.

        Returns
        -------
        BagRegressor

        Raises
        ------
        ValueError
            If a parameter is not allowed, or bags and rows differ in number.
        """
        rho, ridge = share("interpolation", self.interpolation), not_negative("ridge", self.ridge)
        rows, responses = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        places = _numbered(bags, len(rows))
        center, mean = (rows.mean(axis=0), responses.mean()) if self.fit_intercept else (0.0, 0.0)
        rows, responses = rows - center, responses - mean
        roots = np.sqrt(np.bincount(places))[:, None]
        between, within = roots * bag_means(rows, places), rows - bag_means(rows, places)[places]
        means = roots[:, 0] * bag_means(responses, places)
        stacked = np.vstack([between, math.sqrt(rho) * within, math.sqrt(len(rows) * ridge) * np.eye(rows.shape[1])])
        targets = np.concatenate([means, np.zeros(len(stacked) - len(means))])
        self.coef_ = np.linalg.lstsq(stacked, targets, rcond=None)[0]
        self.intercept_ = float(mean - center @ self.coef_) if self.fit_intercept else 0.0
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Predicted response of each row, shape (n,)."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(rows @ self.coef_ + self.intercept_)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Coefficient of determination of the predictions of rows, 1 at best.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), optional
        """
        return float(super().score(X, y, sample_weight))


class BagClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    r"""Logistic model of rows of which only the share of the class 1 in each bag is known.

    Minimises (1 - rho) times the log-loss of the bags' mean probabilities plus rho times that of every row's
    probability against the share of its bag, plus :math:`\lambda \lVert\theta\rVert^2`, by L-BFGS from zero.

    Parameters
    ----------
    interpolation : float, default=0.0
        Rho, from 0 (bag loss) to 1 (instance loss).
    ridge : float, default=1e-3
        Lambda, at least 0; the intercept is not shrunk.
    max_iter : int, default=500

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
    coef_ : ndarray of shape (1, n_features)
    intercept_ : ndarray of shape (1,)
    n_iter_ : int
    n_features_in_ : int

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[-2.0], [-1.0], [1.0], [2.0], [-1.5], [1.5]])
    >>> model = BagClassifier().fit(X, [0, 0, 1, 1, 0, 1], bags=[0, 0, 1, 1, 2, 2])
    >>> model.predict([[-3.0], [3.0]]).tolist()
    [0, 1]
    """

    def __init__(self, *, interpolation: float = 0.0, ridge: float = 1e-3, max_iter: int = 500) -> None:
        self.interpolation = interpolation
        self.ridge = ridge
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y: ArrayLike, bags: ArrayLike | None = None) -> Self:
        """Fit to the shares of the bags.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)
            Two classes; only the share of the second one in each bag is used.
        bags : array-like of shape (n,), optional
            Bag of each row; without it every row is a bag, and this is logistic regression.

        Returns
        -------
        BagClassifier

        Raises
        ------
        ValueError
            If a parameter is not allowed, there are not two classes, or bags and rows differ in number.
        """
        rho, ridge = share("interpolation", self.interpolation), not_negative("ridge", self.ridge)
        rows, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, positive = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y must hold two classes, got one class: {self.classes_[0]!r}")
        if len(self.classes_) > 2:
            raise ValueError(f"Only binary classification is supported, got {len(self.classes_)} classes in y")
        places = _numbered(bags, len(rows))
        sizes = np.bincount(places)
        shares = bag_means(positive, places)
        design = np.column_stack([rows, np.ones(len(rows))])
        shrunk = np.append(np.ones(rows.shape[1]), 0.0)

        def objective(parameters: Floats) -> tuple[float, Floats]:
            score = design @ parameters
            probability = expit(score)
            means = np.clip(bag_means(probability, places), 1e-12, 1 - 1e-12)
            of_bags = np.average(_losses(shares, means, "logistic"), weights=sizes)
            of_rows = float(np.mean(np.logaddexp(0, score) - shares[places] * score))
            slope = ((means - shares) / (means * (1 - means)))[places] * probability * (1 - probability)
            slope = ((1 - rho) * slope + rho * (probability - shares[places])) / len(rows)
            value = (1 - rho) * of_bags + rho * of_rows + ridge * shrunk @ parameters**2
            return float(value), design.T @ slope + 2 * ridge * shrunk * parameters

        found = minimize(
            objective, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": self.max_iter}
        )
        self.coef_, self.intercept_ = found.x[None, :-1], found.x[-1:]
        self.n_iter_ = int(found.nit)
        return self

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that there are two classes."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def decision_function(self, X: ArrayLike) -> Floats:
        """Log-odds of the second class, shape (n,)."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(rows @ self.coef_[0] + self.intercept_[0])

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Probabilities of the two classes, shape (n, 2)."""
        probability = expit(self.decision_function(X))
        return np.column_stack([1 - probability, probability])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Class of each row, shape (n,)."""
        positive = self.decision_function(X) > 0
        return np.asarray(self.classes_[positive.astype(np.intp)])


def _sizes(noise: float, n_features: int, n_bags: int) -> float:
    if not isinstance(n_features, int | np.integer) or n_features < 1:
        raise ValueError(f"n_features must be a whole number of at least 1, got {n_features!r}")
    if not isinstance(n_bags, int | np.integer) or n_bags < 1:
        raise ValueError(f"n_bags must be a whole number of at least 1, got {n_bags!r}")
    return not_negative("noise", noise)


def bag_risk(noise: float, n_features: int, n_bags: int) -> float:
    r"""Give the expected squared error of the coefficients by the bag loss: :math:`\sigma^2 d / (m - d - 1)`.

    Exact for rows with independent standard normal features, m bags of one size, no intercept, and responses with
    noise of variance :math:`\sigma^2` per row.

    Parameters
    ----------
    noise : float
        Variance of a row's response given its features.
    n_features, n_bags : int
        Dimension d and number m of bags.

    Raises
    ------
    ValueError
        If a number is not allowed, or m is below d + 2: there the risk is not finite.

    Examples
    --------
    >>> round(bag_risk(1.0, 50, 200), 4)
    0.3356
    """
    variance = _sizes(noise, n_features, n_bags)
    if n_bags < n_features + 2:
        raise ValueError(f"n_bags must be at least n_features + 2 = {n_features + 2} for a finite risk, got {n_bags}")
    return variance * n_features / (n_bags - n_features - 1)


def interpolation_variance(noise: float, n_features: int, n_bags: int, n_rows: int, interpolation: float) -> float:
    r"""Give the variance part of the risk of the interpolating estimator, for d proportional to n.

    With :math:`G = (A + \rho B)^{-1}` for independent Wishart matrices A (m degrees of freedom) and B (n - m), the
    variance is :math:`\sigma^2 E\,\mathrm{tr}(G A G)`. Its limit follows from the solution :math:`\gamma` of
    :math:`d = m \gamma / (1 + \gamma) + (n - m) \rho \gamma / (1 + \rho \gamma)`.

    Parameters
    ----------
    noise : float
        Variance of a row's response given its features.
    n_features, n_bags, n_rows : int
        Dimension d, numbers m of bags and n of rows.
    interpolation : float
        Rho, from 0 to 1.

    Raises
    ------
    ValueError
        If a number is not allowed, there are fewer rows than bags, or no solution: with rho 0 m must exceed d, else n.

    Examples
    --------
    >>> round(interpolation_variance(1.0, 50, 200, 1000, 0.0), 4), round(50 / 150, 4)
    (0.3333, 0.3333)
    """
    variance, rho = _sizes(noise, n_features, n_bags), share("interpolation", interpolation)
    if n_rows < n_bags:
        raise ValueError(f"n_rows must be at least n_bags = {n_bags}, got {n_rows}")
    if (n_rows if rho > 0 else n_bags) <= n_features:
        name, found = ("n_rows", n_rows) if rho > 0 else ("n_bags", n_bags)
        raise ValueError(f"{name} must exceed n_features = {n_features}, got {found}")
    inside = n_rows - n_bags

    def missing(gamma: float) -> float:
        return n_bags * gamma / (1 + gamma) + inside * rho * gamma / (1 + rho * gamma) - n_features

    upper = 1.0
    while missing(upper) < 0:
        upper *= 2
    gamma = float(brentq(missing, 0.0, upper, xtol=1e-14, rtol=1e-14))
    slope = n_bags / (1 + gamma) ** 2
    return variance * gamma * slope / (slope + inside * rho / (1 + rho * gamma) ** 2)
