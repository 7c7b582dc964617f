"""A face of the quadratic model: some coefficients are zero, the others keep their signs, some gaps are zero.

The Cholesky factor of the matrix of the free coefficients follows every change of the face, so that a move of the
active-set method takes quadratic instead of cubic time.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from repro.ordinal._compile import kernel, summing_kernel

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]

SINGULAR = 1e-13
REFINEMENTS = 2


@summing_kernel
def _forward(factor: Array, size: int, vector: Array) -> None:
    """Overwrite the first entries of `vector` with the solution of ``factor @ x = vector``."""
    for i in range(size):
        products = 0.0
        for k in range(i):
            products += factor[i, k] * vector[k]
        vector[i] = (vector[i] - products) / factor[i, i]


@kernel
def _backward(factor: Array, size: int, vector: Array) -> None:
    """Overwrite the first entries of `vector` with the solution of ``factor.T @ x = vector``."""
    for i in range(size - 1, -1, -1):
        vector[i] /= factor[i, i]
        for k in range(i):
            vector[k] -= factor[i, k] * vector[i]


@summing_kernel
def _inner(first: Array, second: Array, size: int) -> float:
    total = 0.0
    for i in range(size):
        total += first[i] * second[i]
    return total


@kernel
def _append(H: Array, factor: Array, free: Array, size: int, v: int, A: Array, halves: Array) -> None:
    """Make coefficient `v` the last of the free ones."""
    for r in range(size):
        factor[size, r] = H[v, free[r]]
    _forward(factor, size, factor[size])
    rest = H[v, v] - _inner(factor[size], factor[size], size)
    factor[size, size] = math.sqrt(max(rest, 1e-15 * H[v, v]))
    free[size] = v
    for k in range(A.shape[0]):
        halves[k, size] = (A[k, v] - _inner(halves[k], factor[size], size)) / factor[size, size]


@kernel
def _remove(factor: Array, free: Array, size: int, position: int, halves: Array, n_equations: int) -> None:
    """Take the free coefficient at `position` out; rotations make the factor triangular again."""
    for i in range(position, size - 1):
        free[i] = free[i + 1]
        for k in range(i + 2):
            factor[i, k] = factor[i + 1, k]
        radius = math.hypot(factor[i, i], factor[i, i + 1])
        cosine, sine = factor[i, i] / radius, factor[i, i + 1] / radius
        factor[i, i], factor[i, i + 1] = radius, 0.0
        for r in range(i + 2, size):
            left, right = factor[r, i], factor[r, i + 1]
            factor[r, i], factor[r, i + 1] = cosine * left + sine * right, cosine * right - sine * left
        for k in range(n_equations):
            left, right = halves[k, i], halves[k, i + 1]
            halves[k, i], halves[k, i + 1] = cosine * left + sine * right, cosine * right - sine * left


@kernel
def _solve(
    factor: Array, size: int, halves: Array, products: Array, target: Array, equations: Array
) -> tuple[Array, Array]:
    """Solve ``H x - A' m = target`` and ``A x = equations`` from the Cholesky factors of H and of A H^-1 A'."""
    n_equations = products.shape[0]
    part, multipliers = target.copy(), equations.copy()
    _forward(factor, size, part)
    for k in range(n_equations):
        multipliers[k] -= _inner(halves[k], part, size)
    _forward(products, n_equations, multipliers)
    _backward(products, n_equations, multipliers)
    for k in range(n_equations):
        for r in range(size):
            part[r] += halves[k, r] * multipliers[k]
    _backward(factor, size, part)
    return part, multipliers


@kernel
def _minimum(
    H: Array, pull: Array, factor: Array, free: Array, size: int, A: Array, values: Array, halves: Array
) -> tuple[Array, Array, int]:
    """Minimise ``1/2 x'Hx - pull'x`` under ``A x = values``; the last result is a dependent equation or -1."""
    n_equations = A.shape[0]
    products = np.zeros((n_equations, n_equations))
    x, multipliers = np.zeros(H.shape[0]), np.zeros(n_equations)
    for k in range(n_equations):
        for m in range(k + 1):
            products[k, m] = _inner(halves[k], halves[m], size)
    for k in range(n_equations):
        before = products[k, k]
        _forward(products, k, products[k])
        rest = before - _inner(products[k], products[k], k)
        if not rest > SINGULAR * before:
            return x, multipliers, k
        products[k, k] = math.sqrt(rest)
    target = np.empty(size)
    for r in range(size):
        target[r] = pull[free[r]]
    part, multipliers = _solve(factor, size, halves, products, target, values)
    for _ in range(REFINEMENTS):
        missing, crossing = target.copy(), values.copy()
        for r in range(size):
            row = H[free[r]]
            for s in range(size):
                missing[r] -= row[free[s]] * part[s]
        for k in range(n_equations):
            for r in range(size):
                missing[r] += A[k, free[r]] * multipliers[k]
                crossing[k] -= A[k, free[r]] * part[r]
        more, more_multipliers = _solve(factor, size, halves, products, missing, crossing)
        part += more
        multipliers += more_multipliers
    for r in range(size):
        x[free[r]] = part[r]
    return x, multipliers, -1


class Face:
    """A face and its minimum.

    Parameters
    ----------
    H : ndarray of shape (n, n)
        Positive definite.
    c, l1 : ndarray of shape (n,)
        Linear term and penalties.
    signs : ndarray of shape (n,)
        Signs of the coefficients; a coefficient with sign 0 and a penalty stays zero.

    Attributes
    ----------
    signs : ndarray of shape (n,)
    equations : ndarray of shape (n_equations, n)
        Vectors a of the equations ``a'x = value``.
    """

    def __init__(self, H: Floats, c: Floats, l1: Floats, signs: Floats) -> None:
        n = c.size
        self._H, self._c, self._l1 = H, c, l1
        self.signs = np.zeros(n)
        self.equations = np.zeros((0, n))
        self._values = np.zeros(0)
        self._factor = np.zeros((n, n))
        self._free = np.zeros(n, dtype=np.intp)
        self._size = 0
        self._halves = np.zeros((0, n))
        for v in np.flatnonzero((signs != 0) | (l1 == 0)):
            self.release(int(v), float(signs[v]))

    def release(self, v: int, sign: float) -> None:
        """Let a coefficient leave zero with the given sign."""
        _append(self._H, self._factor, self._free, self._size, v, self.equations, self._halves)
        self._size += 1
        self.signs[v] = sign

    def fix(self, v: int) -> None:
        """Hold a coefficient at zero."""
        position = int(np.flatnonzero(self._free[: self._size] == v)[0])
        _remove(self._factor, self._free, self._size, position, self._halves, len(self.equations))
        self._size -= 1
        self.signs[v] = 0.0

    def hold(self, equation: Floats, value: float) -> None:
        """Add an equation."""
        half = np.zeros(equation.size)
        half[: self._size] = equation[self._free[: self._size]]
        _forward(self._factor, self._size, half)
        self.equations = np.vstack([self.equations, equation])
        self._values = np.append(self._values, value)
        self._halves = np.vstack([self._halves, half])

    def let_go(self, k: int) -> None:
        """Drop an equation."""
        self.equations = np.delete(self.equations, k, axis=0)
        self._values = np.delete(self._values, k)
        self._halves = np.delete(self._halves, k, axis=0)

    def minimum(self) -> tuple[Floats, Floats, int]:
        """Minimise the model on the face, whether or not the signs come out right.

        Returns
        -------
        x : ndarray of shape (n,)
        multipliers : ndarray of shape (n_equations,)
            Of either sign.
        dependent : int
            Number of the first equation that follows from those before it, or -1; then `x` is of no use.
        """
        pull = -self._c - self._l1 * self.signs
        return _minimum(self._H, pull, self._factor, self._free, self._size, self.equations, self._values, self._halves)
