"""The step of the solver: a quadratic with an L1 penalty, and with linear inequalities where boundaries touch.

    minimise 1/2 x'Hx + c'x + sum_v l1_v |x_v|   subject to   A x >= 0

Here without the inequalities: a guess of the signs solved exactly, in turn with coordinate descent that improves the
guess. With them: :mod:`repro.ordinal._active_set`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from repro.ordinal._compile import kernel, summing_kernel

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]

ROUNDING = 1e-13


@summing_kernel
def _cholesky_or_row(matrix: Array) -> int:
    """Overwrite the lower triangle with its Cholesky factor; the row that is singular to rounding, or -1."""
    n = matrix.shape[0]
    for i in range(n):
        before = matrix[i, i]
        for j in range(i + 1):
            total = matrix[i, j]
            products = 0.0
            for k in range(j):
                products += matrix[i, k] * matrix[j, k]
            total -= products
            if i == j:
                if not total > 1e-13 * before:
                    return i
                matrix[i, i] = math.sqrt(total)
            else:
                matrix[i, j] = total / matrix[j, j]
    return -1


@kernel
def _cholesky(matrix: Array) -> bool:
    """Overwrite the lower triangle with its Cholesky factor; False when the matrix is singular to rounding."""
    return _cholesky_or_row(matrix) < 0


@summing_kernel
def _substitute_half(factor: Array, vector: Array) -> None:
    """Overwrite `vector` with the solution of ``factor @ x = vector``."""
    for i in range(factor.shape[0]):
        products = 0.0
        for k in range(i):
            products += factor[i, k] * vector[k]
        vector[i] = (vector[i] - products) / factor[i, i]


@kernel
def _substitute(factor: Array, vector: Array) -> None:
    """Overwrite `vector` with the solution of ``factor @ factor.T @ x = vector``."""
    _substitute_half(factor, vector)
    for i in range(factor.shape[0] - 1, -1, -1):
        vector[i] /= factor[i, i]
        for k in range(i):
            vector[k] -= factor[i, k] * vector[i]


@kernel
def solve_symmetric(matrix: Array, vector: Array) -> tuple[Array, bool]:
    """Solve ``matrix @ x = vector`` by Cholesky; False when the matrix is singular to rounding."""
    factor = matrix.copy()
    solution = vector.copy()
    if not _cholesky(factor):
        return solution, False
    _substitute(factor, solution)
    return solution, True


@kernel
def _solve_signs(H: Array, c: Array, l1: Array, x: Array) -> tuple[Array, bool]:
    """Minimise with the signs of `x`, zeros kept; False when a sign turns or the system is singular."""
    n = x.shape[0]
    support = np.empty(n, dtype=np.intp)
    size = 0
    for v in range(n):
        if x[v] != 0.0 or l1[v] == 0.0:
            support[size] = v
            size += 1
    result = np.zeros(n)
    factor = np.empty((size, size))
    target = np.empty(size)
    for r in range(size):
        v = support[r]
        for s in range(r + 1):
            factor[r, s] = H[v, support[s]]
        target[r] = -c[v] - l1[v] * np.sign(x[v])
    if not _cholesky(factor):
        return result, False
    _substitute(factor, target)
    for r in range(size):
        v = support[r]
        if l1[v] > 0.0 and target[r] * x[v] <= 0.0:
            return result, False
        result[v] = target[r]
    return result, True


@kernel
def lasso_quadratic(H: Array, c: Array, l1: Array, x: Array) -> tuple[Array, bool]:
    """Minimise the quadratic without inequalities, from `x`.

    Returns
    -------
    x : ndarray of shape (n_chosen,)
    exact : bool
        Whether the optimality conditions hold to rounding.
    """
    n = x.shape[0]
    x = x.copy()
    slope = np.empty(n)
    for attempt in range(16):
        solved, same_signs = _solve_signs(H, c, l1, x)
        if same_signs:
            x = solved
        for v in range(n):
            slope[v] = c[v]
        for v in range(n):
            if x[v] != 0.0:
                for u in range(n):
                    slope[u] += H[v, u] * x[v]
        if same_signs:
            optimal = True
            for v in range(n):
                if x[v] == 0.0 and abs(slope[v]) > l1[v] + ROUNDING:
                    optimal = False
                    break
            if optimal:
                return x, True
        largest = 0.0
        for _ in range(10 * (attempt + 1)):
            largest = 0.0
            for v in range(n):
                diagonal = H[v, v]
                if diagonal <= 0.0:
                    continue
                wanted = x[v] - slope[v] / diagonal
                margin = l1[v] / diagonal
                new = max(wanted - margin, 0.0) + min(wanted + margin, 0.0)
                move = new - x[v]
                if move != 0.0:
                    x[v] = new
                    for u in range(n):
                        slope[u] += H[v, u] * move
                    largest = max(largest, diagonal * move * move)
            if largest < 1e-28:
                return x, True
    return x, False
