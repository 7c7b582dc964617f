"""Semi-parallel cumulative logit model: common weights, and deviations of every boundary from them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike
from scipy.special import expit, log_expit
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions

from repro.ordinal._base import CumulativeLogitPredictions, keep_classes, read_rows
from repro.ordinal._probabilities import Repair
from repro.ordinal._quadratic import lasso_quadratic
from repro.ordinal._rows import Floats
from repro.ordinal._targets import OrderedTarget

HALVINGS = 50
PROXIMAL = 1e-9

_CONSTRAINTS: dict[str, list[Any]] = {
    "deviation_penalty": [Interval(Real, 0, None, closed="left")],
    "standardize": ["boolean"],
    "class_order": ["array-like", None],
    "tol": [Interval(Real, 0, None, closed="neither")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
}


@dataclass(frozen=True)
class SemiParallelPath:
    """Solutions down a sequence of penalties.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        From the first to the last.
    lambdas : ndarray of shape (n_lambdas,)
        Descending.
    intercepts : ndarray of shape (n_lambdas, n_classes - 1)
        On the original scale. Infinite next to a declared class without rows at either end.
    coefs : ndarray of shape (n_lambdas, n_classes - 1, n_features)
        Weights by boundary, common part and deviation together, on the original scale.
    common : ndarray of shape (n_lambdas, n_features)
        Common weights on the original scale.
    objectives : ndarray of shape (n_lambdas,)
    kkt_residuals : ndarray of shape (n_lambdas,)
        Largest violation of an optimality condition, on the scale of the standardised columns.
    n_iter : ndarray of shape (n_lambdas,), intp
        Newton steps.
    """

    classes: npt.NDArray[Any]
    lambdas: Floats
    intercepts: Floats
    coefs: Floats
    common: Floats
    objectives: Floats
    kkt_residuals: Floats
    n_iter: npt.NDArray[np.intp]


@dataclass(frozen=True)
class _Fit:
    intercept: Floats
    coef: Floats
    common: Floats
    objective: float
    kkt_residual: float
    n_iter: int


class _Problem:
    """Standardised rows of the classes that occur, and the solver.

    The solver's vector holds K - 1 intercepts, p common weights and (K - 1) p deviations. `lift` takes it to the
    intercepts and weights of every boundary, boundary by boundary.
    """

    def __init__(self, X: Floats, target: OrderedTarget, weight: Floats, penalty: float, standardize: bool) -> None:
        used = weight > 0
        X, positions, weight = X[used], target.positions[used], weight[used]
        self.n_declared = target.classes.size
        self.present = np.bincount(positions, minlength=self.n_declared) > 0
        self.classes = (np.cumsum(self.present) - 1)[positions]
        self.weight = weight / weight.sum()
        self.n_boundaries = int(self.present.sum()) - 1
        self.mean = self.weight @ X
        deviation = np.sqrt(self.weight @ (X - self.mean) ** 2)
        self.scale = np.where((deviation > 0) & standardize, deviation, 1.0)
        self.Z = np.column_stack([np.ones(len(X)), (X - self.mean) / self.scale])
        p, boundaries = X.shape[1], self.n_boundaries
        of_weights = np.vstack([np.zeros(p), np.eye(p)])
        self.lift = np.hstack(
            [
                np.kron(np.eye(boundaries), np.eye(p + 1)[:, :1]),
                np.tile(of_weights, (boundaries, 1)),
                np.kron(np.eye(boundaries), of_weights),
            ]
        )
        self.unit = np.concatenate([np.zeros(boundaries), np.ones(p), np.full(boundaries * p, penalty)])

    def start(self) -> Floats:
        """Zero weights, intercepts that reproduce the class shares."""
        shares = np.cumsum(np.bincount(self.classes, self.weight))[:-1]
        x = np.zeros(self.unit.size)
        x[: self.n_boundaries] = np.log(shares / (1.0 - shares))
        return x

    def linear(self, x: Floats) -> Floats:
        """Linear predictors of the boundaries, shape (n, K - 1)."""
        predictors: Floats = self.Z @ (self.lift @ x).reshape(self.n_boundaries, -1).T
        return predictors

    def loss(self, linear: Floats) -> float:
        """Mean loss; infinite when an observed class has no probability."""
        low, high = self._around_observed(linear)
        if (low >= high).any():
            return np.inf
        # the logarithm of s(high) - s(low) without cancellation
        return float(-(self.weight @ (log_expit(high) + log_expit(-low) + np.log(-np.expm1(low - high)))))

    def _around_observed(self, linear: Floats) -> tuple[Floats, Floats]:
        """Linear predictors of the boundaries below and above the class of every row, infinite at both ends."""
        rows = np.arange(self.classes.size)
        padded = np.pad(linear, ((0, 0), (1, 1)), constant_values=((0.0, 0.0), (-np.inf, np.inf)))
        return padded[rows, self.classes], padded[rows, self.classes + 1]

    def model(self, linear: Floats) -> tuple[Floats, Floats]:
        """Gradient and Hessian of the mean loss in the solver's vector."""
        boundaries = self.n_boundaries
        low, high = self._around_observed(linear)
        width = -np.expm1(low - high)
        upper = self.classes[:, np.newaxis] == np.arange(boundaries)
        lower = self.classes[:, np.newaxis] == np.arange(1, boundaries + 1)
        sign = upper * 1.0 - lower
        # slope of a boundary's cumulative probability, divided by the probability of the observed class
        share = upper * (np.exp(log_expit(-high) - log_expit(-low)) / width)[:, np.newaxis]
        share += lower * (np.exp(log_expit(low) - log_expit(high)) / width)[:, np.newaxis]
        weight = self.weight[:, np.newaxis]
        first = -weight * sign * share
        second = weight * share * (share - sign * (1.0 - 2.0 * expit(linear)))
        beside = -weight * (lower[:, :-1] & upper[:, 1:]) * share[:, :-1] * share[:, 1:]
        size = self.Z.shape[1]
        gradient = (first.T @ self.Z).ravel()
        hessian = np.zeros((boundaries * size, boundaries * size))
        for k in range(boundaries):
            mine = slice(k * size, (k + 1) * size)
            hessian[mine, mine] = (self.Z * second[:, k, np.newaxis]).T @ self.Z
            if k + 1 < boundaries:
                following = slice((k + 1) * size, (k + 2) * size)
                hessian[mine, following] = (self.Z * beside[:, k, np.newaxis]).T @ self.Z
                hessian[following, mine] = hessian[mine, following].T
        return self.lift.T @ gradient, self.lift.T @ hessian @ self.lift

    def lambda_max(self) -> float:
        """Smallest penalty at which all weights are zero."""
        gradient, _ = self.model(self.linear(self.start()))
        penalised = self.unit > 0
        largest = float((np.abs(gradient[penalised]) / self.unit[penalised]).max(initial=0.0))
        return largest if largest > 1e-12 else 1.0

    def residual(self, x: Floats, gradient: Floats, l1: Floats) -> float:
        """Largest violation of an optimality condition."""
        moved, still = np.abs(gradient + l1 * np.sign(x)), np.maximum(np.abs(gradient) - l1, 0.0)
        return float(np.where((x != 0) | (l1 == 0), moved, still).max())

    def path(self, lambdas: Floats, tol: float, max_iter: int) -> Iterator[_Fit]:
        """Proximal Newton steps for one penalty after the other, each from the solution before."""
        x = self.start()
        linear = self.linear(x)
        loss = self.loss(linear)
        for lam in lambdas.tolist():
            l1 = lam * self.unit
            n_iter = 0
            while True:
                gradient, H = self.model(linear)
                residual = self.residual(x, gradient, l1)
                if residual <= tol or n_iter == max_iter:
                    break
                n_iter += 1
                proximal = PROXIMAL * float(np.trace(H)) / x.size
                H[np.diag_indices_from(H)] += proximal
                wanted, _ = lasso_quadratic(H, gradient - H @ x, l1, x)
                step = wanted - x
                move = self.linear(step)
                objective = loss + float(l1 @ np.abs(x))
                decrease = float(gradient @ step + l1 @ (np.abs(wanted) - np.abs(x)))
                length = 1.0
                for _ in range(HALVINGS):
                    new = wanted if length == 1.0 else x + length * step
                    new_loss = self.loss(linear + length * move)
                    allowed = objective + 1e-4 * length * min(decrease, 0.0) + 4e-16 * max(1.0, abs(objective))
                    if new_loss + float(l1 @ np.abs(new)) <= allowed:
                        break
                    length /= 2
                else:
                    break
                x, loss = new, new_loss
                linear = self.linear(x)
            yield self._fit(x, loss + float(l1 @ np.abs(x)), residual, n_iter)

    def _fit(self, x: Floats, objective: float, residual: float, n_iter: int) -> _Fit:
        by_boundary = (self.lift @ x).reshape(self.n_boundaries, -1)
        weights = by_boundary[:, 1:] / self.scale
        intercepts = by_boundary[:, 0] - weights @ self.mean
        below = np.cumsum(self.present)[:-1]
        inside = (below > 0) & (below <= self.n_boundaries)
        intercept = np.where(below == 0, -np.inf, np.inf)
        coef = np.zeros((self.n_declared - 1, weights.shape[1]))
        intercept[inside] = intercepts[below[inside] - 1]
        coef[inside] = weights[below[inside] - 1]
        common = x[self.n_boundaries : self.n_boundaries + weights.shape[1]] / self.scale
        return _Fit(intercept, coef, common, objective, residual, n_iter)


def _warn_if_unfinished(fit: _Fit, lam: float, tol: float, max_iter: int) -> None:
    if fit.kkt_residual > tol:
        warnings.warn(
            f"after {fit.n_iter} of max_iter={max_iter} steps an optimality condition is violated by "
            f"{fit.kkt_residual:.1g} (tol={tol:g}) at lam={lam:g}; if the columns separate the classes a larger lam is "
            "needed, otherwise allow more steps",
            ConvergenceWarning,
            stacklevel=3,
        )


class _PathRequest(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Parameters of :func:`semi_parallel_path`, checked as those of an estimator."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_CONSTRAINTS,
        "n_lambdas": [Interval(Integral, 1, None, closed="left")],
        "lambda_ratio": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(self, **parameters: Any) -> None:
        self.parameters = parameters

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name."""
        return self.parameters


def semi_parallel_path(
    X: ArrayLike,
    y: ArrayLike,
    lambdas: ArrayLike | None = None,
    *,
    n_lambdas: int = 20,
    lambda_ratio: float = 0.01,
    deviation_penalty: float = 1.0,
    standardize: bool = True,
    class_order: Sequence[Any] | npt.NDArray[Any] | None = None,
    sample_weight: ArrayLike | None = None,
    tol: float = 1e-8,
    max_iter: int = 100,
) -> SemiParallelPath:
    """Fit the semi-parallel model for a whole sequence of penalties, each fit starting from the one before.

    Parameters
    ----------
    X : array of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    lambdas : array-like of shape (n_lambdas,) or None, default=None
        Penalties in any order. None: `n_lambdas` values in geometric sequence from the smallest penalty at which all
        weights are zero down to that times `lambda_ratio`.
    n_lambdas : int, default=20
    lambda_ratio : float, default=0.01
    deviation_penalty, standardize, class_order, tol, max_iter
        As in :class:`SemiParallelClassifier`.
    sample_weight : array-like of shape (n_samples,) or None

    Returns
    -------
    SemiParallelPath

    Raises
    ------
    ValueError
        As :meth:`SemiParallelClassifier.fit`, and for `lambdas` that are negative or no vector.

    Warns
    -----
    ConvergenceWarning
        As :meth:`SemiParallelClassifier.fit`, for the smallest penalty.

    Examples
    --------
    >>> import numpy as np
    >>> generator = np.random.default_rng(0)
    >>> X = generator.normal(size=(300, 2))
    >>> step = np.digitize(X[:, 0] + generator.logistic(size=300), [0, 1, 3])
    >>> semi_parallel_path(X, step, n_lambdas=3).coefs.shape
    (3, 3, 2)
    """
    request = _PathRequest(
        deviation_penalty=deviation_penalty,
        standardize=standardize,
        class_order=class_order,
        tol=tol,
        max_iter=max_iter,
        n_lambdas=n_lambdas,
        lambda_ratio=lambda_ratio,
    )
    request._validate_params()
    matrix, target, weight = read_rows(request, X, y, sample_weight, class_order, None, accept_sparse=False)
    problem = _Problem(matrix, target, weight, float(deviation_penalty), standardize)
    if lambdas is None:
        sequence = problem.lambda_max() * np.geomspace(1.0, lambda_ratio, n_lambdas)
    else:
        sequence = np.sort(np.asarray(lambdas, dtype=np.float64).ravel())[::-1]
        if np.ndim(lambdas) != 1 or not sequence.size or not np.isfinite(sequence).all() or sequence[-1] < 0:
            raise ValueError(f"lambdas must be a vector of finite numbers that are not negative, got {lambdas!r}")
    fits = list(problem.path(sequence, tol, max_iter))
    _warn_if_unfinished(fits[-1], float(sequence[-1]), tol, max_iter)
    return SemiParallelPath(
        classes=target.classes,
        lambdas=sequence,
        intercepts=np.array([fit.intercept for fit in fits]),
        coefs=np.array([fit.coef for fit in fits]),
        common=np.array([fit.common for fit in fits]),
        objectives=np.array([fit.objective for fit in fits]),
        kkt_residuals=np.array([fit.kkt_residual for fit in fits]),
        n_iter=np.array([fit.n_iter for fit in fits]),
    )


class SemiParallelClassifier(CumulativeLogitPredictions):
    r"""Cumulative logit model with common weights and a deviation of every boundary from them.

    .. math:: P(y \le k \mid x) = s(\alpha_k + x'(b + d_k)), \qquad k = 1, \dots, K - 1,

    with the logistic function s, estimated by minimising [1]_

    .. math::

        -\frac1n \sum_i \log P(y_i \mid x_i) + \lambda \sum_j \Bigl[ |b_j| + c \sum_k |d_{kj}| \Bigr],
        \qquad c = \text{deviation\_penalty},

    over all coefficients that give the observed class of every training row a positive probability. The intercepts are
    free. PRESTO penalises the difference of neighbouring boundaries in place of the deviations.

    Parameters
    ----------
    lam : float, default=0.01
        Penalty :math:`\lambda \ge 0`, on the scale of the standardised columns. With 0 the split into common weights
        and deviations is arbitrary.
    deviation_penalty : float, default=1.0
        Penalty of the deviations relative to that of the common weights; a large value gives the proportional-odds
        model with an L1 penalty. Below ``1 / (n_classes - 1)`` the common weights are zero; with 0 the
        deviations are free and no `lam` makes all weights zero.
    standardize : bool, default=True
        Whether to divide the columns by their standard deviation (divisor n; weighted) before they are penalised.
    class_order : array-like or None, default=None
        All labels from the first to the last, as in :class:`PrestoClassifier`.
    repair : None, "cumulative_max" or "isotonic", default=None
        How `predict_proba` mends boundaries that cross in a row, as in :class:`PrestoClassifier`.
    tol : float, default=1e-8
        Largest violation of an optimality condition.
    max_iter : int, default=100
        Most Newton steps.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted, as everywhere in scikit-learn; columns of `predict_proba` follow it.
    class_order_ : ndarray of shape (n_classes,)
        The same labels from the first to the last; boundaries follow it.
    intercept_ : ndarray of shape (n_classes - 1,)
        On the original scale. Infinite next to a declared class without rows at either end.
    coef_ : ndarray of shape (n_classes - 1, n_features)
        Weights by boundary, common part and deviation together, on the original scale.
    common_ : ndarray of shape (n_features,)
    objective_, kkt_residual_ : float
    n_iter_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only when `X` had names.

    References
    ----------
    .. [1] Wurm, M. J., Rathouz, P. J. and Hanlon, B. M. (2021). Regularized ordinal regression and the ordinalNet R
       package. Journal of Statistical Software 99(6), 1-42.

    Examples
    --------
    >>> import numpy as np
    >>> from repro.ordinal import SemiParallelClassifier
    >>> generator = np.random.default_rng(0)
    >>> X = generator.uniform(-1, 1, (500, 3))
    >>> y = (X[:, 0] + generator.logistic(size=500) > [[0], [3]]).sum(axis=0)
    >>> model = SemiParallelClassifier(lam=0.02).fit(X, y)
    >>> model.coef_.shape, model.kkt_residual_ < 1e-8
    ((2, 3), True)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "lam": [Interval(Real, 0, None, closed="left")],
        "repair": [StrOptions({"cumulative_max", "isotonic"}), None],
        **_CONSTRAINTS,
    }

    def __init__(
        self,
        lam: float = 0.01,
        *,
        deviation_penalty: float = 1.0,
        standardize: bool = True,
        class_order: Sequence[Any] | npt.NDArray[Any] | None = None,
        repair: Repair = None,
        tol: float = 1e-8,
        max_iter: int = 100,
    ) -> None:
        self.lam = lam
        self.deviation_penalty = deviation_penalty
        self.standardize = standardize
        self.class_order = class_order
        self.repair = repair
        self.tol = tol
        self.max_iter = max_iter

    def __sklearn_tags__(self) -> Tags:
        """Dense input only."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Minimise the penalised likelihood.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            Finite numbers.
        y : array-like of shape (n_samples,)
            Class labels, as for :class:`PrestoClassifier`.
        sample_weight : array-like of shape (n_samples,) or None
            Not negative.

        Returns
        -------
        SemiParallelClassifier
            The fitted classifier.

        Raises
        ------
        ValueError
            For parameters outside their range, missing or infinite values, labels without a known order, fewer than
            two classes with rows.

        Warns
        -----
        ConvergenceWarning
            When `max_iter` is too small, which happens when the classes are separated and `lam` is tiny.
        UserWarning
            When a declared class has no row.
        """
        self._validate_params()
        matrix, target, weight = read_rows(self, X, y, sample_weight, self.class_order, None, accept_sparse=False)
        problem = _Problem(matrix, target, weight, float(self.deviation_penalty), self.standardize)
        (fit,) = problem.path(np.array([float(self.lam)]), self.tol, self.max_iter)
        _warn_if_unfinished(fit, self.lam, self.tol, self.max_iter)
        keep_classes(self, target)
        self.intercept_, self.coef_, self.common_ = fit.intercept, fit.coef, fit.common
        self.objective_, self.kkt_residual_, self.n_iter_ = fit.objective, fit.kkt_residual, fit.n_iter
        return self
