"""Near-optimal logistic models: how far one row's risk moves among models whose loss is close to the least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from repro.ground.checks import flag, positive_number, share, whole_number
from repro.ground.exceptions import UnknownName
from repro.ground.random_state import RandomState, as_generator

Floats = NDArray[np.float64]
Method = Literal["exact", "ellipsoid"]

MOST_NUMBERS: Final = 4_000_000
"""Numbers in the largest array of a batch of models; more models are taken in turn."""
MOST_STEPS: Final = 100
JOINT_STEPS: Final = 12
NEAR: Final = 1e-7
"""Certified distance in log-odds from which the end of a range counts as found."""


@dataclass(frozen=True, eq=False)
class ViableRanges:
    """Least and largest predicted probability of each row over a level set.

    Attributes
    ----------
    baseline, low, high : ndarray of shape (n,)
        Probability by the best model, and the ends of its range.
    low_coef, high_coef : ndarray of shape (n, n_features + 1)
        Models at the ends, the intercept last. Exact ones lie in the level set.
    gap : ndarray of shape (n,)
        Certificate: at most this far beyond the ends, in log-odds, a model of the level set can predict. NaN for the
        ellipsoid, which certifies nothing.
    """

    baseline: Floats
    low: Floats
    high: Floats
    low_coef: Floats
    high_coef: Floats
    gap: Floats

    def moves(self) -> Floats:
        """Largest distance of each row's range from its baseline, shape (n,)."""
        return np.maximum(self.high - self.baseline, self.baseline - self.low)


class LogisticLevelSet(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    r"""Logistic models whose penalised loss is within a tolerance of the least.

    The loss is :math:`J(\theta) = \frac1n \sum_i \log(1 + e^{-y_i x_i^\top \theta}) + \frac{\lambda}{2}
    \lVert\theta\rVert^2`, the intercept included in :math:`\theta` and in the penalty. The level set
    :math:`\{J \le (1 + \epsilon) J^*\}` is convex, so the ends of a row's range of predictions are found exactly
    (Watson-Daniels, Parkes and Ustun 2022 call it the viable prediction range).

    Parameters
    ----------
    l2 : float, default=1e-4
        Penalty :math:`\lambda`, above 0: without one the loss of separable rows has no minimum.
    epsilon : float, default=0.01
        Tolerance, above 0.
    relative : bool, default=True
        Whether the tolerance is a share of the least loss or a number of nats added to it. A relative one shrinks with
        the loss, that is for rare classes.
    fit_intercept : bool, default=True

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        Probabilities are those of the second.
    coef_ : ndarray of shape (1, n_features)
    intercept_ : ndarray of shape (1,)
    loss_, level_ : float
        Least loss, and the largest in the set.
    hessian_ : ndarray of shape (n_parameters, n_parameters)
        Second derivative of the loss at the best model.
    n_features_in_ : int

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), [0, 1, 0, 1]
    >>> LogisticLevelSet(epsilon=0.1).fit(X, y).ambiguity(X, delta=0.2)
    1.0
    """

    def __init__(
        self, l2: float = 1e-4, epsilon: float = 0.01, relative: bool = True, fit_intercept: bool = True
    ) -> None:
        self.l2 = l2
        self.epsilon = epsilon
        self.relative = relative
        self.fit_intercept = fit_intercept

    def __sklearn_tags__(self) -> Tags:
        """Two classes only."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Find the best model and the level.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)

        Raises
        ------
        ValueError
            If there are not two classes, or a parameter is out of its range.
        """
        positive_number("l2", self.l2)
        epsilon = positive_number("epsilon", self.epsilon)
        flag("relative", self.relative)
        rows, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, places = np.unique(labels, return_inverse=True)
        if len(self.classes_) != 2:
            kind = type_of_target(labels)
            raise ValueError(
                f"y must hold two classes, got {len(self.classes_)} class{'es' * (len(self.classes_) > 1)}. Only "
                f"binary classification is supported. The type of the target is {kind}."
            )
        self._rows = self._with_intercept(rows)
        self._labels = places.astype(np.float64)
        n, n_parameters = self._rows.shape
        # with few columns the Hessians of many models are one product of matrices
        few = n * n_parameters**2 <= MOST_NUMBERS
        products = self._rows[:, :, None] * self._rows[:, None, :] if few else None
        self._products: Floats | None = None if products is None else products.reshape(n, -1)
        theta, _ = self._newton(np.zeros((1, n_parameters)), np.zeros((1, n_parameters)))
        self._theta: Floats = theta[0]
        loss, _, hessian = self._derivatives(theta)
        self.loss_, self.hessian_ = float(loss[0]), hessian[0]
        self.level_: float = self.loss_ * (1 + epsilon) if self.relative else self.loss_ + epsilon
        self.coef_: Floats = theta[:, : rows.shape[1]]
        self.intercept_: Floats = theta[:, -1] if self.fit_intercept else np.zeros(1)
        return self

    def _with_intercept(self, rows: Floats) -> Floats:
        return np.column_stack([rows, np.ones(len(rows))]) if flag("fit_intercept", self.fit_intercept) else rows

    def _checked(self, X: ArrayLike) -> Floats:
        check_is_fitted(self)
        return self._with_intercept(validate_data(self, X, dtype=np.float64, reset=False))

    def losses(self, coefs: ArrayLike) -> Floats:
        """Penalised loss of models on the rows of the fit, shape (n_models,).

        Parameters
        ----------
        coefs : array-like of shape (n_models, n_parameters)
            Intercept last.
        """
        check_is_fitted(self)
        theta = np.asarray(coefs, dtype=np.float64)
        if theta.ndim != 2 or theta.shape[1] != self._rows.shape[1]:
            raise ValueError(f"coefs must have shape (n_models, {self._rows.shape[1]}), got {theta.shape}")
        return self._loss(theta)

    def _loss(self, theta: Floats) -> Floats:
        scores = theta @ self._rows.T
        return self._loss_of(theta, scores, expit(scores))

    def _loss_of(self, theta: Floats, scores: Floats, risk: Floats) -> Floats:
        # log(1 + exp(s)) without overflow, and with one logarithm
        surprise = np.maximum(scores, 0.0) - np.log(np.maximum(risk, 1 - risk))
        fit = surprise.mean(axis=1) - scores @ self._labels / len(self._labels)
        return np.asarray(fit + self.l2 / 2 * (theta**2).sum(axis=1))

    def _slopes(self, theta: Floats) -> tuple[Floats, Floats, Floats]:
        """Loss, gradient and predicted risks of each model."""
        scores = theta @ self._rows.T
        risk = expit(scores)
        gradient = (risk - self._labels) @ self._rows / len(self._rows) + self.l2 * theta
        return self._loss_of(theta, scores, risk), gradient, risk

    def _derivatives(self, theta: Floats) -> tuple[Floats, Floats, Floats]:
        """Loss, gradient and Hessian of each model."""
        n, d = self._rows.shape
        loss, gradient, risk = self._slopes(theta)
        weights = risk * (1 - risk) / n
        if self._products is not None:
            hessian = (weights @ self._products).reshape(-1, d, d)
        else:
            hessian = np.stack([(self._rows.T * weight) @ self._rows for weight in weights])
        return loss, gradient, hessian + self.l2 * np.eye(d)

    def _newton(self, theta: Floats, tilt: Floats) -> tuple[Floats, Floats]:
        """Minimise the loss minus ``theta @ tilt`` for each model, by Newton's method with backtracking.

        Give the models, and what remains of their gradients.
        """
        theta = theta.copy()
        active = np.arange(len(theta))
        left = np.zeros_like(theta)
        for _ in range(MOST_STEPS):
            here, pull = theta[active], tilt[active]
            loss, gradient, hessian = self._derivatives(here)
            gradient = gradient - pull
            left[active] = gradient
            step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
            decrement = (step * gradient).sum(axis=1)
            value = loss - (here * pull).sum(axis=1)
            going = decrement > 1e-22 + 1e-30 * np.abs(value)
            if not going.any():
                return theta, left
            active, here, pull = active[going], here[going], pull[going]
            step, decrement, value = step[going], decrement[going], value[going]
            # where less is to be gained than the loss is rounded by, no comparison tells a good step from a bad one
            size, waiting = np.ones(len(active)), decrement > 1e-12 * (1 + np.abs(value))
            for _ in range(40):
                trial = here - size[:, None] * step
                new = self._loss(trial) - (trial * pull).sum(axis=1)
                waiting &= new > value - 1e-4 * size * decrement + 1e-15 * (1 + np.abs(value))
                if not waiting.any():
                    break
                size[waiting] /= 2
            theta[active] = trial
        return theta, left

    def ranges(self, X: ArrayLike, *, method: Method = "exact") -> ViableRanges:
        r"""Find the viable range of each row.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        method : "exact" or "ellipsoid", default="exact"
            The ellipsoid replaces the loss by its second-order expansion: :math:`x^\top\theta^* \pm
            \sqrt{2 (L - J^*)\, x^\top H^{-1} x}` for the level :math:`L`. It needs no iterations, and its error goes
            to 0 with the tolerance.

        Returns
        -------
        ViableRanges

        Notes
        -----
        The exact ends solve :math:`\nabla J(\theta) = \pm u x` with the :math:`u > 0` at which :math:`J(\theta) = L`.
        All rows go through Newton's method for both together; those where it fails go through a safe search for
        :math:`u`. Weak duality certifies them: no model of the set predicts more
        than :math:`x^\top \theta - (J(\theta) - L) / u` plus what is left of the gradient allows.
        """
        if method not in get_args(Method):
            raise UnknownName("method", method, get_args(Method))
        rows = self._checked(X)
        batch = max(1, MOST_NUMBERS // self._rows.size)
        ends = {}
        for name, sign in (("low", -1.0), ("high", 1.0)):
            parts = [self._ends(sign * rows[at : at + batch], method) for at in range(0, len(rows), batch)]
            ends[name] = [np.concatenate(found) for found in zip(*parts, strict=True)]
        (low, gap_low), (high, gap_high) = ends["low"], ends["high"]
        baseline, *risks = (expit((rows * theta).sum(axis=1)) for theta in (self._theta, low, high))
        return ViableRanges(baseline, risks[0], risks[1], low, high, np.maximum(gap_low, gap_high))

    def _ends(self, directions: Floats, method: Method) -> tuple[Floats, Floats]:
        """Models of the level set with the largest score along each direction, and certified gaps."""
        room = self.level_ - self.loss_
        ahead = np.linalg.solve(self.hessian_, directions.T).T
        reach = (directions * ahead).sum(axis=1)
        moving = reach > 0  # a row of zeros without an intercept has one score only
        tilt = np.sqrt(2 * room / np.where(moving, reach, 1.0)) * moving
        theta = self._theta + tilt[:, None] * ahead
        if method == "ellipsoid":
            return theta, np.full(len(theta), np.nan)
        gap, active = np.zeros(len(theta)), np.flatnonzero(moving)
        for search in (self._joint_steps, self._nested_steps):
            if active.size:
                found, gaps, done = search(directions[active], tilt[active], theta[active])
                theta[active[done]], gap[active[done]] = found[done], gaps[done]
                active = active[~done]
        if active.size:
            raise ValueError(
                f"the ends of {active.size} ranges did not converge in {MOST_STEPS} steps; l2 must be larger or the "
                f"columns of X be brought to one scale, got l2 = {self.l2:g}"
            )
        return theta, gap

    def _certified(
        self, directions: Floats, tilt: Floats, theta: Floats, loss: Floats, left: Floats
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Models moved into the level set, how far a better one could be, and whether that is near enough."""
        room = self.level_ - self.loss_
        # along the line to the best model the loss is convex
        inside = np.minimum(1.0, room / np.maximum(loss - self.loss_, room))
        inner = self._theta + inside[:, None] * (theta - self._theta)
        bound = (directions * theta).sum(axis=1) - (loss - self.level_) / tilt
        bound += (left**2).sum(axis=1) / (2 * self.l2 * tilt)
        gap = bound - (directions * inner).sum(axis=1)
        return inner, gap, (np.abs(loss - self.level_) <= 1e-10 * self.level_) & (gap <= NEAR)

    def _joint_steps(self, directions: Floats, tilt: Floats, theta: Floats) -> tuple[Floats, Floats, Any]:
        """Newton's method for tilt and model together: few steps where it converges, and no guarantee that it does."""
        inner, gap, done = theta.copy(), np.full(len(theta), np.inf), np.zeros(len(theta), dtype=bool)
        active, u = np.arange(len(theta)), tilt
        for _ in range(JOINT_STEPS):
            along = directions[active]
            loss, gradient, hessian = self._derivatives(theta)
            left = gradient - u[:, None] * along
            inner[active], gap[active], done[active] = self._certified(along, u, theta, loss, left)
            solved = np.linalg.solve(hessian, np.stack([along, left], axis=2))
            ahead, back = solved[:, :, 0], solved[:, :, 1]
            with np.errstate(all="ignore"):
                change = (self.level_ - loss + (gradient * back).sum(axis=1)) / (gradient * ahead).sum(axis=1)
            going = ~done[active] & np.isfinite(change) & (u + change > u / 10) & (change < 10 * u)
            if not going.any():
                break
            active, u, change = active[going], (u + change)[going], change[going]
            theta = theta[going] + change[:, None] * ahead[going] - back[going]
        return inner, gap, done

    def _nested_steps(self, directions: Floats, tilt: Floats, theta: Floats) -> tuple[Floats, Floats, Any]:
        """Bisection of the tilt, sped up by secants, around Newton's method with backtracking: slower, and safe."""
        theta, tilt = theta.copy(), tilt.copy()
        gap, done = np.full(len(theta), np.inf), np.zeros(len(theta), dtype=bool)
        least, most = np.zeros(len(theta)), np.full(len(theta), np.inf)
        inner = theta.copy()
        for _ in range(MOST_STEPS):
            active = np.flatnonzero(~done)
            if not active.size:
                break
            u, along = tilt[active], directions[active]
            theta[active], left = self._newton(theta[active], u[:, None] * along)
            loss, _, hessian = self._derivatives(theta[active])
            inner[active], gap[active], _ = self._certified(along, u, theta[active], loss, left)
            done[active] = (np.abs(loss - self.level_) <= 1e-8 * self.level_) & (gap[active] <= NEAR)
            # the root of the excess loss is nearly linear in the tilt
            root = np.sqrt(np.maximum(loss - self.loss_, 1e-300))
            ahead = np.linalg.solve(hessian, along[:, :, None])[:, :, 0]
            slope = u * (along * ahead).sum(axis=1) / (2 * root)
            below = loss < self.level_
            least[active], most[active] = np.where(below, u, least[active]), np.where(below, most[active], u)
            new = u + (np.sqrt(self.level_ - self.loss_) - root) / slope
            outside = (new <= least[active]) | (new >= most[active])
            middle = np.where(np.isinf(most[active]), 2 * u, (least[active] + most[active]) / 2)
            tilt[active] = np.where(outside, middle, new)
            theta[active] += (tilt[active] - u)[:, None] * ahead
        return inner, gap, done

    def ambiguity(self, X: ArrayLike, *, delta: float = 0.1, method: Method = "exact") -> float:
        """Share of rows whose probability can move by at least `delta` from the best model's inside the level set.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        delta : float, default=0.1
            Between 0 and 1.
        method : "exact" or "ellipsoid", default="exact"
            As in :meth:`ranges`.
        """
        share("delta", delta)
        return float((self.ranges(X, method=method).moves() >= delta).mean())

    def discrepancy(self, X: ArrayLike, *, delta: float = 0.1) -> float:
        """Largest share of rows that one model found moves by at least `delta`; a lower bound of the largest at all.

        The models are those at the ends of the rows' exact ranges. Never above :meth:`ambiguity`.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        delta : float, default=0.1
            Between 0 and 1.
        """
        share("delta", delta)
        rows, found = self._checked(X), self.ranges(X)
        moved = (
            (np.abs(expit(rows @ theta) - found.baseline) >= delta).mean()
            for theta in (*found.low_coef, *found.high_coef)
        )
        return float(max(moved))

    def sample(self, n: int, *, on_boundary: bool = False, random_state: RandomState = None) -> Floats:
        """Draw models of the level set.

        Directions are uniform in the metric of the Hessian, and each is followed to the boundary. The draws fill the
        set, but are uniform only where it is an ellipsoid.

        Parameters
        ----------
        n : int
        on_boundary : bool, default=False
            Whether models lie on the boundary, or anywhere between it and the best model.
        random_state : int, Generator or None

        Returns
        -------
        ndarray of shape (n, n_parameters)
            Intercept last.
        """
        check_is_fitted(self)
        whole_number("n", n, at_least=1)
        generator = as_generator(random_state)
        d, room = len(self._theta), self.level_ - self.loss_
        drawn = generator.standard_normal((n, d))
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        steps = np.sqrt(2 * room) * np.linalg.solve(np.linalg.cholesky(self.hessian_).T, drawn.T).T
        scale = np.ones(n)
        for _ in range(MOST_STEPS):  # Newton's method: the loss is convex along every direction
            loss, gradient, _ = self._slopes(self._theta + scale[:, None] * steps)
            excess = loss - self.level_
            if (np.abs(excess) <= 1e-12 * self.level_).all():
                break
            scale = scale - excess / (gradient * steps).sum(axis=1)
        scale *= np.minimum(1.0, room / np.maximum(loss - self.loss_, room))
        if not on_boundary:
            scale *= generator.random(n) ** (1 / d)
        return np.asarray(self._theta + scale[:, None] * steps)

    def decision_function(self, X: ArrayLike) -> Floats:
        """Log-odds of the second class by the best model, shape (n,)."""
        return np.asarray(self._checked(X) @ self._theta)

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Probabilities of both classes by the best model, shape (n, 2)."""
        risk = expit(self.decision_function(X))
        return np.column_stack([1 - risk, risk])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Class with the larger probability by the best model, shape (n,)."""
        places = (self.decision_function(X) > 0).astype(np.intp)
        predicted: NDArray[Any] = self.classes_[places]
        return predicted
