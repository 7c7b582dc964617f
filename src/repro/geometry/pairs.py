"""Means and variances over pairs of vectors, in blocks by matrix products."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

BLOCK = 256
"""Rows of a block: its distances (0.5 MB) stay in the cache."""

CLOSE = 1e-4
"""Squared distances below this share of the squared norms would lose digits as a difference; they are computed anew."""

Indices = NDArray[np.intp]
PairFunction = Callable[[Indices, Indices, NDArray[np.float64]], NDArray[np.float64]]


def pair_moments(vectors: NDArray[np.float64], functions: Mapping[str, PairFunction]) -> dict[str, tuple[float, float]]:
    """Mean and variance over all pairs i < j of functions of the squared distance.

    Parameters
    ----------
    vectors : ndarray of shape (n_vectors, n_features), float64
        At least two.
    functions : mapping of str to callable
        Each gets numbers i, numbers j and squared distances, which broadcast against each other, and returns values
        of the shape of the distances.

    Returns
    -------
    dict of str to (float, float)
        Mean and variance (divided by the number of pairs).

    Notes
    -----
    O(K^2 D) in matrix products, with memory for one block of distances.
    """
    moments = {name: _Moments() for name in functions}
    for first, second, squared in _squared_distances(vectors):
        for name, function in functions.items():
            moments[name].add(function(first, second, squared))
    return {name: (moment.mean, moment.total / moment.count) for name, moment in moments.items()}


def log_kernel_moments(vectors: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and variance over pairs of minus the logarithm of their distance, the kernel of GNC2.

    Parameters
    ----------
    vectors : ndarray of shape (n_vectors, n_features), float64
        Unit vectors u; at least two.

    Returns
    -------
    mean, variance : float
        Infinite and NaN where two vectors coincide.

    Examples
    --------
    >>> import numpy as np
    >>> mean, variance = log_kernel_moments(np.array([[1.0, 0.0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]]))
    >>> round(mean, 3), round(variance, 12)
    (-0.549, 0.0)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return pair_moments(vectors, {"log": negative_log})["log"]


def negative_log(first: Indices, second: Indices, squared: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give -log of the distances."""
    return np.asarray(-0.5 * np.log(squared))


def _squared_distances(vectors: NDArray[np.float64]) -> Iterator[tuple[Indices, Indices, NDArray[np.float64]]]:
    """Give i, j and |v_i - v_j|^2 of all pairs i < j, block by block."""
    squares = np.einsum("ij,ij->i", vectors, vectors)
    numbers = np.arange(len(vectors))
    for top in range(0, len(vectors), BLOCK):
        rows = slice(top, top + BLOCK)
        for left in range(top, len(vectors), BLOCK):
            columns = slice(left, left + BLOCK)
            sums = squares[rows, None] + squares[columns]
            block = vectors[rows] @ vectors[columns].T
            block *= -2
            block += sums
            sums *= CLOSE
            near = np.nonzero(block < sums)
            block[near] = _directly(vectors, near[0] + top, near[1] + left)
            if left > top:
                yield numbers[rows, None], numbers[columns], block
            else:
                above = np.triu_indices(len(block), 1)
                yield above[0] + top, above[1] + left, block[above]


def _directly(vectors: NDArray[np.float64], first: Indices, second: Indices) -> NDArray[np.float64]:
    """Squared distances as sums of squared differences, BLOCK pairs at a time."""
    squared = np.empty(len(first))
    for start in range(0, len(first), BLOCK):
        some = slice(start, start + BLOCK)
        difference = vectors[first[some]] - vectors[second[some]]
        squared[some] = np.einsum("ij,ij->i", difference, difference)
    return squared


class _Moments:
    """Count, mean and sum of squared deviations, block by block (Chan, Golub and LeVeque 1983)."""

    def __init__(self) -> None:
        self.count, self.mean, self.total = 0, 0.0, 0.0

    def add(self, values: NDArray[np.float64]) -> None:
        if not values.size:
            return
        mean = float(values.mean())
        deviations = values - mean
        gap, count = mean - self.mean, self.count + values.size
        self.total += float(np.vdot(deviations, deviations)) + gap**2 * self.count * values.size / count
        self.mean += gap * values.size / count
        self.count = count
