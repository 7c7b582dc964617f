"""Logistic regression with Firth's penalty: finite and nearly unbiased for rare events and separated classes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike
from scipy.linalg import solve_triangular
from scipy.special import expit, log_expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from repro.ordinal._base import as_classes_, keep_classes, read_rows
from repro.ordinal._rows import Floats

LARGEST_STEP = 5.0
HALVINGS = 40
RANK_TOLERANCE = 1e-10


class FirthLogisticRegression(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""Binary logistic regression with Jeffreys' prior as penalty.

    Maximises

    .. math:: \sum_i w_i \log P(y_i \mid x_i) + \tfrac12 \log\det I(\theta), \qquad
        I(\theta) = \sum_i w_i\, p_i (1 - p_i)\, z_i z_i',

    with the intercept among the coefficients :math:`\theta` and a leading one in :math:`z_i`. The penalty removes the
    leading term of the bias of maximum likelihood [1]_ and keeps the coefficients finite when the classes are separated
    [2]_.

    Parameters
    ----------
    class_order : array-like of two labels or None, default=None
        The second one is the event. Not needed for numbers, which are taken in numerical order, nor for an ordered
        pandas Categorical; see :class:`PrestoClassifier`.
    tol : float, default=1e-8
        Largest entry of the modified score, on standardised columns and divided by the total weight, at which to stop.
    max_iter : int, default=100
        Most Newton steps.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        Sorted, as everywhere in scikit-learn; columns of `predict_proba` follow it.
    class_order_ : ndarray of shape (2,)
        The same labels, the event last.
    coef_ : ndarray of shape (1, n_features)
        Weights of the log-odds of the event.
    intercept_ : ndarray of shape (1,)
    penalized_log_likelihood_ : float
        The maximum, with the information on the original scale.
    n_iter_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only when `X` had names.

    Notes
    -----
    The predicted probabilities are pulled towards one half: on average they exceed the observed share of a rare event,
    by about half an event for each coefficient (Puhr et al. 2017).

    References
    ----------
    .. [1] Firth, D. (1993). Bias reduction of maximum likelihood estimates. Biometrika 80, 27-38.
    .. [2] Heinze, G. and Schemper, M. (2002). A solution to the problem of separation in logistic regression.
       Statistics in Medicine 21, 2409-2419.

    Examples
    --------
    >>> import numpy as np
    >>> from repro.ordinal import FirthLogisticRegression
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> model = FirthLogisticRegression().fit(X, [0, 0, 1, 1])  # separated
    >>> bool(np.isfinite(model.coef_).all())
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "class_order": ["array-like", None],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }

    classes_: npt.NDArray[Any]
    class_order_: npt.NDArray[Any]
    coef_: Floats
    intercept_: Floats

    def __init__(
        self,
        *,
        class_order: Sequence[Any] | npt.NDArray[Any] | None = None,
        tol: float = 1e-8,
        max_iter: int = 100,
    ) -> None:
        self.class_order = class_order
        self.tol = tol
        self.max_iter = max_iter

    def __sklearn_tags__(self) -> Tags:
        """Two classes only."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Maximise the penalised likelihood.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            Finite numbers.
        y : array-like of shape (n_samples,)
            Labels of two classes.
        sample_weight : array-like of shape (n_samples,) or None
            Not negative; a row of weight 2 counts like two rows.

        Returns
        -------
        FirthLogisticRegression
            The fitted classifier.

        Raises
        ------
        ValueError
            For missing or infinite values, other than two classes, columns that are constant or depend on each other,
            or parameters outside their range.

        Warns
        -----
        ConvergenceWarning
            When `max_iter` is too small.
        """
        self._validate_params()
        matrix, target, weight = read_rows(self, X, y, sample_weight, self.class_order, None, accept_sparse=False)
        if target.classes.size > 2:
            raise ValueError(
                f"Only binary classification is supported. y holds {target.classes.size} classes; "
                "FirthLogisticRegression needs two"
            )
        keep_classes(self, target)
        mean = np.average(matrix, axis=0, weights=weight)
        scale = np.sqrt(np.average((matrix - mean) ** 2, axis=0, weights=weight))
        scale[scale == 0] = 1.0
        Z = np.column_stack([np.ones(len(matrix)), (matrix - mean) / scale])
        _refuse_dependent(Z, weight)
        theta, value, self.n_iter_, residual = _maximise(Z, target.positions == 1, weight, self.tol, self.max_iter)
        if residual > self.tol:
            warnings.warn(
                f"after {self.n_iter_} of max_iter={self.max_iter} steps the modified score is {residual:.1g} "
                f"(tol={self.tol:g}); allow more steps or a larger tol",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.coef_ = (theta[1:] / scale)[np.newaxis]
        self.intercept_ = np.array([theta[0] - self.coef_[0] @ mean])
        self.penalized_log_likelihood_ = float(value + np.log(scale).sum())
        return self

    def _log_odds(self, X: ArrayLike) -> Floats:
        """Log-odds of the event, shape (n_samples,)."""
        check_is_fitted(self)
        matrix: Any = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(matrix @ self.coef_[0] + self.intercept_[0], dtype=np.float64)

    def decision_function(self, X: ArrayLike) -> Floats:
        """Log-odds of the second class of `classes_`, as scikit-learn's functions read them.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)

        Returns
        -------
        float64 array of shape (n_samples,)
        """
        log_odds = self._log_odds(X)
        return log_odds if self.classes_[1] == self.class_order_[1] else -log_odds

    def predict(self, X: ArrayLike) -> npt.NDArray[Any]:
        """Label of the more probable class.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,)
        """
        event = self._log_odds(X) > 0
        labels: npt.NDArray[Any] = self.class_order_[event.astype(np.intp)]
        return labels

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Probabilities of both classes.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)

        Returns
        -------
        float64 array of shape (n_samples, 2)
            Columns in the order of `classes_`.
        """
        log_odds = self._log_odds(X)
        return as_classes_(self, np.column_stack([expit(-log_odds), expit(log_odds)]))

    def predict_rare_proba(self, X: ArrayLike) -> Floats:
        """Probability of the event, the second class of `class_order_`.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)

        Returns
        -------
        float64 array of shape (n_samples,)
        """
        probability: Floats = expit(self._log_odds(X))
        return probability


def _refuse_dependent(Z: Floats, weight: Floats) -> None:
    used = Z[weight > 0]
    values = np.linalg.svd(used, compute_uv=False)
    rank = int((values > RANK_TOLERANCE * values[0]).sum())
    if rank < Z.shape[1]:
        raise ValueError(
            f"X and the intercept span {rank} of {Z.shape[1]} dimensions in {len(used)} rows of positive weight: "
            "columns are constant or depend on each other, and Firth's penalty has no maximum; leave columns out"
        )


def _maximise(
    Z: Floats, event: npt.NDArray[np.bool_], weight: Floats, tol: float, max_iter: int
) -> tuple[Floats, float, int, float]:
    """Newton steps with the modified score; gives coefficients, penalised log-likelihood, steps, largest score."""
    sign = np.where(event, 1.0, -1.0)
    total = weight.sum()

    def penalised(theta: Floats) -> tuple[float, Floats]:
        score = Z @ theta
        root = np.sqrt(weight * expit(score) * expit(-score))[:, np.newaxis] * Z
        R: Any = np.linalg.qr(root, mode="r")
        diagonal = np.abs(np.diag(R))
        if not diagonal.all():
            return -np.inf, R
        return float((weight * log_expit(sign * score)).sum() + np.log(diagonal).sum()), R

    theta = np.zeros(Z.shape[1])
    value, R = penalised(theta)
    residual, n_iter = np.inf, 0
    while True:
        score = Z @ theta
        p = expit(score)
        variance = p * expit(-score)
        whitened = solve_triangular(R, Z.T, trans="T").T
        root = np.sqrt(weight * variance)[:, np.newaxis] * whitened
        leverage = (root**2).sum(axis=1)
        residuals = weight * np.where(event, expit(-score), -p) + leverage * (0.5 - p)
        residual = float(np.abs(Z.T @ residuals).max() / total)
        if residual <= tol or n_iter == max_iter:
            return theta, value, n_iter, residual
        n_iter += 1
        curvature = _Curvature(whitened, root, weight * variance + leverage * (3.0 * variance - 0.5), expit(-score) - p)
        step = solve_triangular(R, _newton_step(curvature, whitened.T @ residuals))
        step *= min(1.0, LARGEST_STEP / np.abs(step).max())
        for _ in range(HALVINGS):
            new_value, new_R = penalised(theta + step)
            if new_value >= value - 1e-12 * abs(value):
                break
            step /= 2
        else:
            return theta, value, n_iter, residual
        theta, value, R = theta + step, new_value, new_R


@dataclass(frozen=True)
class _Curvature:
    """Minus the second derivatives of the penalised likelihood, in coordinates in which the information is one.

    With hat matrix H, variances v, information weights W and skewness c = 1 - 2p it is, before whitening,
    ``Z' diag(W + h (3v - 1/2)) Z + 1/2 (cZ)' (H * H) (cZ)``, the square taken entry by entry.
    """

    whitened: Floats
    root: Floats
    diagonal: Floats
    skewness: Floats

    def times(self, vector: Floats) -> Floats:
        """Multiply with a vector; costs n p^2 and never forms the hat matrix."""
        along = self.whitened @ vector
        inner = (self.root * (self.skewness * along)[:, np.newaxis]).T @ self.root
        squared_hat = ((self.root @ inner) * self.root).sum(axis=1)
        product: Floats = self.whitened.T @ (self.diagonal * along + 0.5 * self.skewness * squared_hat)
        return product


def _newton_step(curvature: _Curvature, score: Floats) -> Floats:
    """Conjugate gradients, ended early where the likelihood bends upwards; the first direction is Fisher scoring."""
    step = np.zeros_like(score)
    rest, direction = score, score
    size = float(rest @ rest)
    enough = size * min(0.01, size)
    for place in range(score.size):
        bent = curvature.times(direction)
        bend = float(direction @ bent)
        if bend <= 0:
            return score if place == 0 else step
        step = step + size / bend * direction
        rest = rest - size / bend * bent
        before, size = size, float(rest @ rest)
        if size <= enough:
            break
        direction = rest + size / before * direction
    return step
