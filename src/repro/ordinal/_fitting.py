"""From checked arrays to fitted coefficients: one penalty or a whole path."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from repro.ordinal._rows import Floats, Rows, as_csr, make_rows
from repro.ordinal._solver import Penalty, Solution, State, minimise, null_state

SETTLED = 1e-4
SMALLEST_RATIO_FOR_LAMBDA_MAX = 0.01
SEPARATED_LOSS = 1e-2
NO_PENALTY_WORKS = 1e-12


@dataclass(frozen=True)
class Settings:
    """What the fits of a path have in common.

    Attributes
    ----------
    l1_ratio, level_penalty : float
    standardize : bool
    constrained : bool
        Whether every class must keep a probability of at least zero in every training row.
    parallel : bool
        One weight vector for all boundaries.
    tol : float
        Largest duality gap.
    max_iter : int
    """

    l1_ratio: float
    level_penalty: float
    standardize: bool
    constrained: bool
    parallel: bool
    tol: float
    max_iter: int


@dataclass(frozen=True)
class Fit:
    """Coefficients on the original scale.

    Attributes
    ----------
    lam : float
    intercept : ndarray of shape (K - 1,)
        Minus or plus infinity in front of and behind the classes that have rows.
    coef : ndarray of shape (K - 1, p)
    n_nonzero : int
        Differences of weights, the first vector included, that are not zero.
    solution : Solution
    """

    lam: float
    intercept: Floats
    coef: Floats
    n_nonzero: int
    solution: Solution


class Problem:
    """Rows, classes and settings of a fit; classes without a row are left out and put back afterwards.

    Parameters
    ----------
    X : ndarray or sparse array of shape (n, p)
    positions : ndarray of shape (n,)
        Class of every row.
    weight : ndarray of shape (n,)
        Not negative; rows with weight 0 are left out. At least two classes have others.
    n_classes : int
        Declared classes.
    settings : Settings
    """

    def __init__(
        self, X: Any, positions: npt.NDArray[np.intp], weight: Floats, n_classes: int, settings: Settings
    ) -> None:
        used = weight > 0
        if not used.all():
            X = as_csr(X)[used] if sparse.issparse(X) else X[used]
            positions, weight = positions[used], weight[used]
        self.present = np.bincount(positions, minlength=n_classes) > 0
        self.settings = settings
        classes = (np.cumsum(self.present) - 1)[positions]
        self.rows: Rows = make_rows(
            X, classes, weight / weight.sum(), int(self.present.sum()), standardize=settings.standardize
        )
        self._start: State | None = None

    def penalty(self, lam: float, *, level_only: bool = False) -> Penalty:
        """Weights of the penalty; ``level_only`` keeps the differences at zero."""
        shape = (self.rows.constant.size + 1, self.rows.n_boundaries)
        size = np.zeros(shape)
        size[1:] = lam
        size[1:, 0] *= self.settings.level_penalty
        allowed = np.ones(shape, dtype=np.bool_)
        allowed[1:] = ~self.rows.constant[:, np.newaxis]
        if level_only or self.settings.parallel:
            allowed[1:, 1:] = False
        ratio = self.settings.l1_ratio
        return Penalty(ratio * size, (1.0 - ratio) * size, allowed)

    def _minimise(self, penalty: Penalty, state: State, part: float) -> tuple[Solution, State]:
        settings = self.settings
        return minimise(
            self.rows,
            penalty,
            state,
            constrained=settings.constrained,
            tol=settings.tol,
            settle=SETTLED,
            max_iter=settings.max_iter,
            part=part,
        )

    @property
    def start(self) -> State:
        """Optimum of an infinite penalty."""
        if self._start is None:
            self._start = null_state(self.rows)
            if self.settings.level_penalty == 0:
                _, self._start = self._minimise(self.penalty(0.0, level_only=True), self._start, 1.0)
        return self._start

    def lambda_max(self) -> float:
        """Smallest penalty at which no penalised weight differs from zero; for ``l1_ratio`` below 0.01 as at 0.01."""
        unit = self.penalty(1.0)
        asking = (np.abs(self.start.pull(self.rows)) * unit.allowed)[1:]
        size = unit.l1[1:] + unit.ridge[1:]
        largest = float((asking[size > 0] / size[size > 0]).max(initial=0.0))
        largest /= max(self.settings.l1_ratio, SMALLEST_RATIO_FOR_LAMBDA_MAX)
        return largest if largest > NO_PENALTY_WORKS else 1.0

    def lambdas(self, n_lambdas: int, lambda_ratio: float) -> Floats:
        """Geometric sequence from :meth:`lambda_max` down."""
        sequence: Floats = self.lambda_max() * np.geomspace(1.0, lambda_ratio, n_lambdas)
        return sequence

    def path(self, lambdas: Floats) -> Iterator[Fit]:
        """Fit one penalty after the other, from the largest down, each from the one before.

        Only the coefficients that the sequential strong rule lets through enter the first step; the gradient of all
        coefficients is looked at before every further one.
        """
        state, before = self.start, np.inf
        for lam in lambdas.tolist():
            part = 1.0 if not np.isfinite(before) or lam == 0 else min(1.0, max(0.1, 2.0 - before / lam))
            solution, state = self._minimise(self.penalty(lam), state, part)
            before = lam
            yield self._fit(lam, solution)

    def fit(self, lam: float) -> Fit:
        """Fit one penalty."""
        return next(self.path(np.array([lam])))

    def _fit(self, lam: float, solution: Solution) -> Fit:
        rows = self.rows
        by_boundary = np.cumsum(solution.coefficients, axis=1)
        weights = (by_boundary[1:] / rows.scale[:, np.newaxis]).T
        intercepts = by_boundary[0] - weights @ rows.mean
        first_with_rows = np.cumsum(self.present)[:-1]
        intercept = np.empty(first_with_rows.size)
        coef = np.zeros((first_with_rows.size, rows.constant.size))
        inside = (first_with_rows > 0) & (first_with_rows < rows.n_classes)
        intercept[first_with_rows == 0] = -np.inf
        intercept[first_with_rows == rows.n_classes] = np.inf
        intercept[inside] = intercepts[first_with_rows[inside] - 1]
        coef[inside] = weights[first_with_rows[inside] - 1]
        return Fit(lam, intercept, coef, int(np.count_nonzero(solution.coefficients[1:])), solution)


def warn_if_unfinished(fit: Fit, tol: float, max_iter: int) -> None:
    """Say when the optimum was not reached, or when there is none with finite coefficients."""
    solution = fit.solution
    if not solution.settled and solution.gap <= tol:
        warnings.warn(
            f"the classes are separated by the columns of X; lam={fit.lam:g} does not hold the coefficients back: "
            f"the objective is within {solution.gap:.1g} of its infimum, but the coefficients still grow; use a larger "
            "lam",
            ConvergenceWarning,
            stacklevel=3,
        )
    elif solution.gap > tol:
        warnings.warn(
            f"after {solution.n_iter} of max_iter={max_iter} steps the objective may be up to {solution.gap:.1g} above "
            f"its minimum (tol={tol:g}); allow more steps, a larger lam or a larger tol",
            ConvergenceWarning,
            stacklevel=3,
        )
    elif solution.smallest_margin > 0 and solution.loss < SEPARATED_LOSS:
        warnings.warn(
            f"the classes are separated by the columns of X: every row is on the right side of its boundaries, and the "
            f"size of the coefficients depends on lam={fit.lam:g} alone; use a larger lam",
            ConvergenceWarning,
            stacklevel=3,
        )
