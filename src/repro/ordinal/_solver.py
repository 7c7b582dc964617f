"""Minimiser of a penalised cumulative logit likelihood, with a certificate of how far it can be from the optimum.

Proximal Newton steps on a working set of coefficients. A step minimises the exact quadratic model together with the L1
penalty and, where boundaries would cross in a training row, together with the linear inequalities that forbid it; the
inequalities that matter are collected by a cutting-plane loop. The step ends in a line search between two feasible
points, so the method keeps Newton's speed on the boundary of the feasible region and cannot stall there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from repro.ordinal._active_set import Model, minimise_touching
from repro.ordinal._quadratic import lasso_quadratic, solve_symmetric
from repro.ordinal._rows import ALLOWANCE, Chosen, Floats, Rows, Slopes

ADDED_AT_ONCE = 200
HALVINGS = 40
UNSETTLED_STEPS = 6
ROUNDING = 1e-13
PROXIMAL = 1e-9
SINGULAR = 1e-10


@dataclass(frozen=True)
class Penalty:
    """Elastic-net penalty of every coefficient on the scale of the solver.

    Attributes
    ----------
    l1, ridge : ndarray of shape (p + 1, K - 1)
        Zero in the first row, which belongs to the intercepts.
    allowed : ndarray of shape (p + 1, K - 1), bool
        Coefficients that may differ from zero.
    """

    l1: Floats
    ridge: Floats
    allowed: npt.NDArray[np.bool_]

    def value(self, coefficients: Floats) -> float:
        """Penalty of the coefficients."""
        return float((self.l1 * np.abs(coefficients) + 0.5 * self.ridge * coefficients**2).sum())


@dataclass
class State:
    """A feasible point and what is known about it.

    Attributes
    ----------
    coefficients : ndarray of shape (p + 1, K - 1)
        Column b holds the intercept and the weights of the gap in front of boundary b.
    gaps : ndarray of shape (K - 1, n)
    slopes : Slopes
    loss : float
        Mean loss.
    gradient : ndarray of shape (p + 1, K - 1)
        Of the mean loss.
    touching : list of (row, boundary)
        Gaps that are held at zero.
    multipliers : ndarray of shape (n_touching,)
        Their prices, not negative.
    """

    coefficients: Floats
    gaps: Floats
    slopes: Slopes
    loss: float
    gradient: Floats
    touching: list[tuple[int, int]]
    multipliers: Floats

    def pull(self, rows: Rows) -> Floats:
        """Gradient of the Lagrangian without the penalty."""
        if not self.touching:
            return self.gradient
        gradient = self.gradient.copy()
        for (row, boundary), multiplier in zip(self.touching, self.multipliers, strict=True):
            gradient[:, boundary] -= multiplier * rows.one_row(row)
        return gradient


@dataclass(frozen=True)
class Solution:
    """A minimum.

    Attributes
    ----------
    coefficients : ndarray of shape (p + 1, K - 1)
    objective, loss : float
        Penalised and mean loss.
    gap : float
        The objective exceeds its minimum by no more than this.
    kkt_residual : float
        Largest violation of an optimality condition.
    n_iter : int
        Newton steps.
    settled : bool
        Whether the last step was short: without a finite minimiser the objective converges and the steps do not.
    smallest_margin : float
        Smallest signed linear predictor of the boundaries next to the class of a row, over all rows; positive when the
        classes are separated.
    """

    coefficients: Floats
    objective: float
    loss: float
    gap: float
    kkt_residual: float
    n_iter: int
    settled: bool
    smallest_margin: float


def null_state(rows: Rows) -> State:
    """Start where all weights are zero and the intercepts reproduce the class shares."""
    below = np.cumsum(rows.class_weight)[:-1]
    intercepts = np.log(below) - np.log(np.cumsum(rows.class_weight[::-1])[::-1][1:])
    return _state_at(rows, intercepts)


def _state_at(rows: Rows, intercepts: Floats) -> State:
    slopes = rows.empty_slopes()
    coefficients = np.zeros((rows.constant.size + 1, rows.n_boundaries))
    coefficients[0] = np.diff(intercepts, prepend=0.0)
    gaps = rows.gaps(coefficients)
    loss = rows.evaluate(gaps, slopes)
    return State(coefficients, gaps, slopes, loss, rows.gradient(slopes), [], np.zeros(0))


def _working_set(
    penalty: Penalty, coefficients: Floats, pull: Floats, before: npt.NDArray[np.bool_] | None, part: float
) -> npt.NDArray[np.bool_]:
    """Coefficients that the next step may move: those that are not zero, and those whose gradient asks for it."""
    kept = (coefficients != 0) | (penalty.l1 == 0)
    if before is not None:
        kept |= before
    kept &= penalty.allowed
    asking = (np.abs(pull) > part * penalty.l1) & penalty.allowed & ~kept
    n_asking, limit = int(asking.sum()), max(ADDED_AT_ONCE, int(kept.sum()))
    if n_asking > limit:
        excess = np.where(asking, np.abs(pull) / np.where(penalty.l1 > 0, penalty.l1, 1.0), 0.0)
        asking &= excess >= np.partition(excess.ravel(), -limit)[-limit]
    chosen: npt.NDArray[np.bool_] = kept | asking
    return chosen


def _model_minimum(
    rows: Rows, penalty: Penalty, state: State, chosen: Chosen, curvature: Floats, *, constrained: bool
) -> tuple[Floats, Floats, list[tuple[int, int]], Floats]:
    """Minimise the quadratic model; returns coefficients, gaps, touching pairs and their multipliers."""
    at = (chosen.column, chosen.boundary)

    def spread(x: Floats) -> Floats:
        coefficients = np.zeros_like(state.coefficients)
        coefficients[at] = x
        return coefficients

    def inequality_of(pair: tuple[int, int]) -> Floats:
        row, boundary = pair
        inequality: Floats = np.where(chosen.boundary == boundary, rows.one_row(row)[chosen.column], 0.0)
        return inequality

    current, l1 = state.coefficients[at], penalty.l1[at]
    H = curvature.copy()
    # a proximal term: it keeps singular models solvable and vanishes with the length of the step
    proximal = PROXIMAL * float(np.trace(curvature)) / current.size
    H[np.diag_indices_from(H)] += penalty.ridge[at] + proximal
    c = state.gradient[at] - curvature @ current - proximal * current
    if not state.touching:
        x, exact = lasso_quadratic(H, c, l1, current)
        gaps = rows.gaps(spread(x))
        if exact and (not constrained or rows.smallest_room(gaps) >= 0):
            return spread(x), gaps, [], np.zeros(0)
    allowance = rows.allowance if constrained else np.full_like(state.gaps, np.inf)
    model = Model(H, c, l1, rows.start, allowance, lambda x: rows.gaps(spread(x)), inequality_of)
    pairs = [pair for pair in state.touching if state.gaps[pair[1], pair[0]] <= ALLOWANCE]
    found = minimise_touching(model, current, pairs)
    coefficients = spread(found.x)
    held = np.flatnonzero(found.multipliers > 0)
    return coefficients, rows.gaps(coefficients), [found.pairs[k] for k in held], found.multipliers[held]


def minimise(
    rows: Rows,
    penalty: Penalty,
    state: State,
    *,
    constrained: bool,
    tol: float,
    settle: float,
    max_iter: int,
    part: float = 1.0,
) -> tuple[Solution, State]:
    """Minimise mean loss plus penalty from a feasible point.

    Parameters
    ----------
    rows : Rows
    penalty : Penalty
    state : State
        Not changed.
    constrained : bool
        Whether all gaps of all rows must stay at or above zero, or only those in front of observed classes.
    tol : float
        Largest duality gap to stop at.
    settle : float
        Largest change of a gap in the last step to stop at.
    max_iter : int
        Most Newton steps.
    part : float
        The first working set takes coefficients whose gradient exceeds this part of their penalty.

    Returns
    -------
    Solution
    State
        Where it ended.
    """
    working: npt.NDArray[np.bool_] | None = None
    n_iter, unsettled, settled = 0, 0, False
    gap: float | None = None
    spare = rows.empty_slopes()
    while n_iter < max_iter:
        n_iter += 1
        gap = None
        working = _working_set(penalty, state.coefficients, state.pull(rows), working, part)
        part = 1.0
        chosen = Chosen.where(working)
        model_at = state.slopes
        curvature = rows.hessian(model_at, chosen)
        target, target_gaps, touching, multipliers = _model_minimum(
            rows, penalty, state, chosen, curvature, constrained=constrained
        )
        direction = target - state.coefficients
        before = penalty.value(state.coefficients)
        decrease = float((state.gradient * direction).sum()) + penalty.value(target) - before
        objective = state.loss + before
        length = 1.0
        coefficients, gaps = target, target_gaps
        for _ in range(HALVINGS):
            loss = rows.evaluate(gaps, spare)
            if loss + penalty.value(coefficients) <= objective + 1e-4 * length * min(decrease, 0.0) + 4e-16 * max(
                1.0, abs(objective)
            ):
                break
            length /= 2
            coefficients = state.coefficients + length * direction
            gaps = state.gaps + length * (target_gaps - state.gaps)
        else:
            break
        gaps_before = state.gaps
        state = State(coefficients, gaps, spare, loss, rows.gradient(spare), touching, multipliers)
        spare = rows.empty_slopes()
        moved = length * float(np.abs(target_gaps - gaps_before).max())
        settled = moved <= settle
        if settled or -decrease <= tol:
            gap = _certified_gap(rows, penalty, state, chosen, curvature, model_at)
            unsettled += not settled
            if (gap <= tol and (settled or unsettled >= UNSETTLED_STEPS)) or moved <= ROUNDING:
                break
    if gap is None:
        gap = _certified_gap(rows, penalty, state, chosen, curvature, model_at)
    return _solution(rows, penalty, state, gap, n_iter, settled), state


def _certified_gap(
    rows: Rows, penalty: Penalty, state: State, chosen: Chosen, curvature: Floats, model_at: Slopes
) -> float:
    """Bound the distance to the minimum by a feasible point of the dual problem.

    The dual variables are the slopes of the losses and the multipliers. They are feasible when the gradient that they
    make is zero for every coefficient without a penalty and at most `l1` in size where there is no ridge part. The
    slopes of the point violate this a little; a linear change of them along ``curvature`` repairs the coefficients that
    are not zero exactly, and a common factor below 1 the rest. What rounding leaves in
    coefficients without a penalty is charged as if these were, at the minimum, twice as large as here and 1 larger.
    """
    objective = state.loss + penalty.value(state.coefficients)
    at = (chosen.column, chosen.boundary)
    l1, x = penalty.l1[at], state.coefficients[at]
    repaired = np.flatnonzero(((x != 0) | (l1 == 0)) & (penalty.ridge[at] == 0))
    misfit = (state.pull(rows)[at] + l1 * np.sign(x))[repaired]
    system = np.ascontiguousarray(curvature[np.ix_(repaired, repaired)])
    change, regular = solve_symmetric(system, -misfit)
    if not regular:
        change = np.linalg.lstsq(system, -misfit, rcond=SINGULAR)[0]
    correction = np.zeros_like(state.coefficients)
    correction[chosen.column[repaired], chosen.boundary[repaired]] = change
    slopes = rows.moved_slopes(rows.gaps(correction), model_at, state.slopes)
    dual = State(state.coefficients, state.gaps, slopes, 0.0, rows.gradient(slopes), state.touching, state.multipliers)
    pull = np.abs(dual.pull(rows))
    hard = penalty.allowed & (penalty.l1 > 0) & (penalty.ridge == 0)
    excess = float((pull[hard] / penalty.l1[hard]).max(initial=1.0))
    scale = 1.0 / excess
    bound = rows.dual_value(slopes, scale)
    soft = penalty.allowed & (penalty.ridge > 0)
    bound -= float((np.maximum(scale * pull[soft] - penalty.l1[soft], 0.0) ** 2 / (2.0 * penalty.ridge[soft])).sum())
    free = penalty.allowed & (penalty.l1 == 0) & (penalty.ridge == 0)
    bound -= scale * float((pull[free] * (1.0 + 2.0 * np.abs(state.coefficients[free]))).sum())
    # losses and penalties are not negative, so the minimum is not either
    return max(0.0, objective - max(bound, 0.0))


def _solution(rows: Rows, penalty: Penalty, state: State, gap: float, n_iter: int, settled: bool) -> Solution:
    coefficients = state.coefficients
    pull = state.pull(rows) + penalty.ridge * coefficients
    moved = np.abs(pull + penalty.l1 * np.sign(coefficients))
    still = np.maximum(np.abs(pull) - penalty.l1, 0.0)
    violation = np.where((coefficients != 0) | (penalty.l1 == 0), moved, still)[penalty.allowed]
    residual = float(violation.max())
    if state.touching:
        held = np.array([state.gaps[boundary, row] for row, boundary in state.touching])
        residual = max(residual, float(np.abs(held).max()))
    predictors = np.cumsum(state.gaps, axis=0)
    margin = np.inf
    for c in range(rows.n_classes):
        mine = slice(rows.start[c], rows.start[c + 1])
        if c > 0:
            margin = min(margin, float((-predictors[c - 1, mine]).min()))
        if c < rows.n_boundaries:
            margin = min(margin, float(predictors[c, mine].min()))
    return Solution(
        coefficients=coefficients,
        objective=state.loss + penalty.value(coefficients),
        loss=state.loss,
        gap=gap,
        kkt_residual=residual,
        n_iter=n_iter,
        settled=settled,
        smallest_margin=margin,
    )
