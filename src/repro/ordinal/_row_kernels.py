"""Compiled passes over the training rows of a cumulative logit model.

Rows are sorted by class; those of class c are ``start[c]:start[c + 1]``. `gaps` of shape (K - 1, n) holds the first
linear predictor of every row and then the differences of neighbouring ones, so that the linear predictor of boundary k
is ``gaps[:k + 1].sum(axis=0)``. With a, the predictor below the class of a row, and d, the gap that belongs to the
class, the loss of a row is a sum of functions of one number,

    log(1 + exp(a)) + log(1 + exp(-(a + d))) - log(1 - exp(-d)),

without the first term in the first class, without the second in the last and without the third in both. Their
weighted slopes are kept without signs: `lower` in a, `upper` in a + d and `barrier` in d.
Every kernel calls kernels of this file only, because numba renews its cache file by file.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from repro.ordinal._compile import kernel, summing_kernel

Array = npt.NDArray[Any]

CHUNK = 512


@kernel
def evaluate(gaps: Array, start: Array, weight: Array, lower: Array, upper: Array, barrier: Array) -> float:
    """Return the weighted loss and write its slopes; infinite as soon as one observed class has probability 0."""
    n_boundaries = gaps.shape[0]
    value = 0.0
    for c in range(n_boundaries + 1):
        for i in range(start[c], start[c + 1]):
            w = weight[i]
            loss = 0.0
            below = 0.0
            if c > 0:
                for b in range(c):
                    below += gaps[b, i]
                e = math.exp(-abs(below))
                loss += math.log1p(e) + max(below, 0.0)
                lower[i] = w / (1.0 + e) if below >= 0 else w * e / (1.0 + e)
            if c < n_boundaries:
                gap = gaps[c, i]
                if c > 0:
                    if not gap > 0.0:
                        return math.inf
                    shrunk = -math.expm1(-gap)
                    loss -= math.log(shrunk)
                    barrier[i] = w * (1.0 - shrunk) / shrunk
                above = below + gap
                e = math.exp(-abs(above))
                loss += math.log1p(e) + max(-above, 0.0)
                upper[i] = w * e / (1.0 + e) if above >= 0 else w / (1.0 + e)
            value += w * loss
    return value if not math.isnan(value) else math.inf


@kernel
def dual_value(start: Array, weight: Array, lower: Array, upper: Array, barrier: Array, scale: float) -> float:
    """Minus the sum of the conjugates of the losses at the slopes times `scale`; -inf outside their domain.

    The conjugates are ``p log(p) + (1 - p) log(1 - p)`` of the logistic losses and
    ``t log(t) - (1 + t) log(1 + t)`` of ``-log(1 - exp(-d))``.
    """
    n_classes = start.shape[0] - 1
    value = 0.0
    for c in range(n_classes):
        for i in range(start[c], start[c + 1]):
            w = weight[i]
            conjugate = 0.0
            if c > 0:
                share = scale * lower[i] / w
                if not 0.0 <= share <= 1.0:
                    return -math.inf
                if 0.0 < share < 1.0:
                    conjugate += share * math.log(share) + (1.0 - share) * math.log1p(-share)
            if c < n_classes - 1:
                share = scale * upper[i] / w
                if not 0.0 <= share <= 1.0:
                    return -math.inf
                if 0.0 < share < 1.0:
                    conjugate += share * math.log(share) + (1.0 - share) * math.log1p(-share)
                if c > 0:
                    steepness = scale * barrier[i] / w
                    if not steepness >= 0.0:
                        return -math.inf
                    if steepness > 0.0:
                        conjugate -= steepness * math.log1p(1.0 / steepness) + math.log1p(steepness)
            value -= w * conjugate
    return value


@kernel
def move_slopes(
    gaps: Array, start: Array, weight: Array, at: tuple[Array, Array, Array], moved: tuple[Array, Array, Array]
) -> None:
    """Add to the slopes `moved` what a small change `gaps` makes of the slopes `at`, as far as their domain goes."""
    lower, upper, barrier = at
    n_boundaries = gaps.shape[0]
    for c in range(n_boundaries + 1):
        for i in range(start[c], start[c + 1]):
            below = 0.0
            if c > 0:
                for b in range(c):
                    below += gaps[b, i]
                moved[0][i] += lower[i] * (1.0 - lower[i] / weight[i]) * below
                moved[0][i] = min(max(moved[0][i], 0.0), weight[i])
            if c < n_boundaries:
                moved[1][i] -= upper[i] * (1.0 - upper[i] / weight[i]) * (below + gaps[c, i])
                moved[1][i] = min(max(moved[1][i], 0.0), weight[i])
                if c > 0:
                    moved[2][i] -= barrier[i] * (1.0 + barrier[i] / weight[i]) * gaps[c, i]
                    moved[2][i] = max(moved[2][i], 0.0)


@kernel
def residuals(start: Array, lower: Array, upper: Array, barrier: Array, own: Array, earlier: Array) -> None:
    """Write the slope of the loss of every row in the gap of its own class, and in each gap before it."""
    n_classes = start.shape[0] - 1
    for c in range(n_classes):
        for i in range(start[c], start[c + 1]):
            own[i] = 0.0
            earlier[i] = lower[i] if c > 0 else 0.0
            if c < n_classes - 1:
                own[i] = -upper[i] - (barrier[i] if c > 0 else 0.0)
                earlier[i] -= upper[i]


@kernel
def curvatures(
    start: Array, weight: Array, lower: Array, upper: Array, barrier: Array, earlier: Array, mixed: Array, own: Array
) -> None:
    """Write the second derivatives of every row: twice in an earlier gap, mixed, and twice in the gap of its class."""
    n_classes = start.shape[0] - 1
    for c in range(n_classes):
        for i in range(start[c], start[c + 1]):
            w = weight[i]
            earlier[i] = lower[i] * (1.0 - lower[i] / w) if c > 0 else 0.0
            mixed[i] = 0.0
            own[i] = 0.0
            if c < n_classes - 1:
                mixed[i] = upper[i] * (1.0 - upper[i] / w)
                earlier[i] += mixed[i]
                own[i] = mixed[i] + (barrier[i] * (1.0 + barrier[i] / w) if c > 0 else 0.0)


@kernel
def predict_gaps(columns: Array, coefficients: Array, gaps: Array) -> None:
    """Write ``coefficients.T @ columns``; `columns` of shape (p + 1, n) starts with a row of ones."""
    n_columns, n = columns.shape
    for b in range(gaps.shape[0]):
        for first in range(0, n, 4 * CHUNK):
            last = min(n, first + 4 * CHUNK)
            gaps[b, first:last] = coefficients[0, b]
            for j in range(1, n_columns):
                amount = coefficients[j, b]
                if amount != 0.0:
                    for i in range(first, last):
                        gaps[b, i] += amount * columns[j, i]


@summing_kernel
def gradient(columns: Array, start: Array, own: Array, earlier: Array, result: Array) -> None:
    """Write the gradient in the coefficients, shape (p + 1, K - 1), from the residuals of the rows."""
    n_columns = columns.shape[0]
    n_boundaries = result.shape[1]
    for j in range(n_columns):
        from_later = 0.0
        for c in range(n_boundaries, -1, -1):
            in_own = 0.0
            in_earlier = 0.0
            for i in range(start[c], start[c + 1]):
                in_own += columns[j, i] * own[i]
                in_earlier += columns[j, i] * earlier[i]
            if c < n_boundaries:
                result[j, c] = from_later + in_own
            from_later += in_earlier


@summing_kernel
def _add_products(
    columns: Array, left: Array, right: Array, weight: Array, first: int, last: int, symmetric: bool, result: Array
) -> None:
    """Add ``sum_i weight[i] columns[left[r], i] columns[right[s], i]`` over a range of rows; s <= r if symmetric."""
    n_left, n_right = left.shape[0], right.shape[0]
    if n_left == 0 or n_right == 0:
        return
    weighted = np.empty((n_left, CHUNK))
    for begin in range(first, last, CHUNK):
        size = min(CHUNK, last - begin)
        for r in range(n_left):
            for i in range(size):
                weighted[r, i] = weight[begin + i] * columns[left[r], begin + i]
        for r in range(0, n_left, 2):
            a0 = weighted[r]
            a1 = weighted[min(r + 1, n_left - 1)]
            stop = min(n_right, r + 2) if symmetric else n_right
            for s in range(0, stop, 2):
                b0 = columns[right[s], begin : begin + size]
                b1 = columns[right[min(s + 1, n_right - 1)], begin : begin + size]
                s00 = 0.0
                s01 = 0.0
                s10 = 0.0
                s11 = 0.0
                for i in range(size):
                    s00 += a0[i] * b0[i]
                    s01 += a0[i] * b1[i]
                    s10 += a1[i] * b0[i]
                    s11 += a1[i] * b1[i]
                result[r, s] += s00
                if s + 1 < n_right:
                    result[r, s + 1] += s01
                if r + 1 < n_left:
                    result[r + 1, s] += s10
                    if s + 1 < n_right:
                        result[r + 1, s + 1] += s11


@kernel
def hessian(
    columns: Array,
    start: Array,
    earlier: Array,
    mixed: Array,
    own: Array,
    order: Array,
    n_before: Array,
    place: Array,
    offset: Array,
    result: Array,
) -> None:
    """Write the second derivatives in the chosen coefficients.

    The rows of class c see the sum of the gaps before c and the gap of c, so they need three weighted products of the
    columns, whatever the number of classes.

    Parameters
    ----------
    columns : ndarray of shape (p + 1, n)
    start : ndarray of shape (K + 1,)
    earlier, mixed, own : ndarray of shape (n,)
        From :func:`curvatures`.
    order : ndarray of shape (m,)
        The columns that occur, those of the first boundary first, then those that the second adds, and so on.
    n_before : ndarray of shape (K,)
        How many of them occur in the boundaries before each.
    place : ndarray of shape (n_chosen,)
        Positions in `order` of the chosen coefficients, boundary by boundary.
    offset : ndarray of shape (K,)
        Where the boundaries begin in `place`; its last entry is n_chosen.
    result : ndarray of shape (n_chosen, n_chosen)
    """
    n_boundaries = offset.shape[0] - 1
    shared = np.zeros((order.shape[0], order.shape[0]))
    for c in range(n_boundaries, -1, -1):
        before = order[: n_before[c]]
        if c < n_boundaries:
            here = place[offset[c] : offset[c + 1]]
            size = here.shape[0]
            twice = np.zeros((size, size))
            _add_products(columns, order[here], order[here], own, start[c], start[c + 1], True, twice)
            cross = np.zeros((size, before.shape[0]))
            _add_products(columns, order[here], before, mixed, start[c], start[c + 1], False, cross)
            for r in range(size):
                row = offset[c] + r
                for s in range(r + 1):
                    column = offset[c] + s
                    result[row, column] = twice[r, s] + shared[max(here[r], here[s]), min(here[r], here[s])]
                    result[column, row] = result[row, column]
                for column in range(offset[c]):
                    s = place[column]
                    result[row, column] = cross[r, s] + shared[max(here[r], s), min(here[r], s)]
                    result[column, row] = result[row, column]
        if c > 0:
            _add_products(columns, before, before, earlier, start[c], start[c + 1], True, shared)


@kernel
def first_touch(gaps: Array, directions: Array, start: Array) -> tuple[float, int, int]:
    """Part of the way, at most 1, at which the first gap in front of an unobserved class falls to zero.

    Returns
    -------
    length : float
    row, boundary : int
        The gap; -1 for none.
    """
    length, row, boundary = 1.0, -1, -1
    n_boundaries, n = gaps.shape
    largest = 0.0
    for b in range(1, n_boundaries):
        for i in range(n):
            largest = max(largest, abs(directions[b, i]))
    for b in range(1, n_boundaries):
        for i in range(n):
            fall = -directions[b, i]
            if fall > 1e-11 * largest + 1e-14 and gaps[b, i] < length * fall and not start[b] <= i < start[b + 1]:
                length, row, boundary = max(gaps[b, i] / fall, 0.0), i, b
    return length, row, boundary
