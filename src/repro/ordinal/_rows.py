"""Training rows in the form the solver works on: sorted by class, on the scale of the penalty, dense or sparse."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from repro.ordinal import _row_kernels

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]


ALLOWANCE = 1e-10
"""Largest amount by which a gap may fall below zero, on the scale of the linear predictor."""


class Slopes(NamedTuple):
    """Slopes of the loss of every row, each of shape (n,) and not negative; see :mod:`repro.ordinal._row_kernels`."""

    lower: Floats
    upper: Floats
    barrier: Floats


@dataclass(frozen=True)
class Chosen:
    """Coefficients that a Newton step may move, sorted by boundary.

    Attributes
    ----------
    column, boundary : ndarray of shape (n_chosen,), intp
        Place of each coefficient in the matrix of shape (p + 1, K - 1).
    n_boundaries : int
    """

    column: Integers
    boundary: Integers
    n_boundaries: int

    @classmethod
    def where(cls, mask: npt.NDArray[np.bool_]) -> Chosen:
        """Choose the true entries of a mask of shape (p + 1, K - 1)."""
        boundary, column = np.nonzero(mask.T)
        return cls(column, boundary, mask.shape[1])

    def layout(self) -> tuple[Integers, Integers, Integers, Integers]:
        """Give `order`, `n_before`, `place` and `offset` as :func:`repro.ordinal._row_kernels.hessian` wants them."""
        order, first = np.unique(self.column, return_index=True)
        begins = self.boundary[first]
        by_boundary = np.argsort(begins, kind="stable")
        rank = np.empty_like(by_boundary)
        rank[by_boundary] = np.arange(by_boundary.size)
        place = rank[np.searchsorted(order, self.column)]
        boundaries = np.arange(self.n_boundaries + 1)
        n_before = np.searchsorted(begins[by_boundary], boundaries)
        offset = np.searchsorted(self.boundary, boundaries)
        return order[by_boundary], n_before, place, offset


class Rows(ABC):
    """Rows of a cumulative logit model; a column of ones comes first.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, p)
    classes : ndarray of shape (n,), intp
        Positions of the classes, each of 0, ..., K - 1 at least once.
    weight : ndarray of shape (n,)
        Positive, with sum 1.
    n_classes : int
    standardize : bool
        Whether to divide by the standard deviations.

    Attributes
    ----------
    mean, scale : ndarray of shape (p,)
        A column x has become ``(x - mean) / scale``. Sparse columns keep their zeros: their `mean` is 0, and the
        intercepts, which are free, take up the difference.
    constant : ndarray of shape (p,), bool
        Columns with one value.
    """

    mean: Floats
    scale: Floats
    constant: npt.NDArray[np.bool_]

    def __init__(self, classes: Integers, weight: Floats, n_classes: int) -> None:
        self.n_classes = n_classes
        self.n_boundaries = n_classes - 1
        self.n = classes.shape[0]
        self.sorted_rows = np.argsort(classes, kind="stable")
        self.start: Integers = np.concatenate([[0], np.cumsum(np.bincount(classes, minlength=n_classes))])
        # different for every gap, so that no more gaps can be at their limits in one point than there are dimensions
        self.allowance = ALLOWANCE * np.random.default_rng(0).uniform(0.5, 1.0, (self.n_boundaries, self.n))
        self.weight = np.ascontiguousarray(weight[self.sorted_rows])
        self.class_weight = np.array([self.weight[i:j].sum() for i, j in zip(self.start, self.start[1:], strict=False)])

    def empty_slopes(self) -> Slopes:
        """Room for the slopes of all rows."""
        return Slopes(np.zeros(self.n), np.zeros(self.n), np.zeros(self.n))

    def evaluate(self, gaps: Floats, slopes: Slopes) -> float:
        """Weighted mean loss; writes the slopes."""
        return float(_row_kernels.evaluate(gaps, self.start, self.weight, *slopes))

    def dual_value(self, slopes: Slopes, scale: float) -> float:
        """Lower bound of the mean loss plus a linear function, without its linear part."""
        return float(_row_kernels.dual_value(self.start, self.weight, *slopes, scale))

    def moved_slopes(self, gaps: Floats, at: Slopes, slopes: Slopes) -> Slopes:
        """Slopes plus the change that a step makes of them in the quadratic model built on `at`."""
        moved = Slopes(slopes.lower.copy(), slopes.upper.copy(), slopes.barrier.copy())
        _row_kernels.move_slopes(gaps, self.start, self.weight, at, moved)
        return moved

    @abstractmethod
    def gaps(self, coefficients: Floats) -> Floats:
        """Linear predictor of the first boundary and the gaps to the next ones, shape (K - 1, n)."""

    @abstractmethod
    def gradient(self, slopes: Slopes) -> Floats:
        """Gradient of the mean loss in the coefficients, shape (p + 1, K - 1)."""

    @abstractmethod
    def hessian(self, slopes: Slopes, chosen: Chosen) -> Floats:
        """Second derivatives of the mean loss in the chosen coefficients."""

    @abstractmethod
    def one_row(self, row: int) -> Floats:
        """Columns of a (sorted) row, shape (p + 1,)."""

    def smallest_room(self, gaps: Floats) -> float:
        """Smallest distance of a gap in front of a class that the row does not have from its limit."""
        smallest = np.inf
        for boundary in range(1, self.n_boundaries):
            room = gaps[boundary] + self.allowance[boundary]
            for part in (room[: self.start[boundary]], room[self.start[boundary + 1] :]):
                if part.size:
                    smallest = min(smallest, float(part.min()))
        return smallest


class DenseRows(Rows):
    """Rows of an array, kept as one block of shape (p + 1, n)."""

    def __init__(self, X: Floats, classes: Integers, weight: Floats, n_classes: int, *, standardize: bool) -> None:
        super().__init__(classes, weight, n_classes)
        n, p = X.shape
        self._columns = np.empty((p + 1, n))
        self._columns[0] = 1.0
        self._columns[1:] = X.T[:, self.sorted_rows]
        features = self._columns[1:]
        self.constant = features.max(axis=1) == features.min(axis=1)
        self.mean = np.where(self.constant, features[:, 0], features @ self.weight)
        features -= self.mean[:, np.newaxis]
        self.scale = np.ones(p)
        if standardize:
            deviation = np.sqrt(np.einsum("ji,ji,i->j", features, features, self.weight))
            self.scale[deviation > 0] = deviation[deviation > 0]
            features /= self.scale[:, np.newaxis]

    def gaps(self, coefficients: Floats) -> Floats:
        """See the base class."""
        gaps = np.empty((self.n_boundaries, self.n))
        _row_kernels.predict_gaps(self._columns, coefficients, gaps)
        return gaps

    def gradient(self, slopes: Slopes) -> Floats:
        """See the base class."""
        own, earlier = np.empty(self.n), np.empty(self.n)
        _row_kernels.residuals(self.start, *slopes, own, earlier)
        result = np.empty((self._columns.shape[0], self.n_boundaries))
        _row_kernels.gradient(self._columns, self.start, own, earlier, result)
        return result

    def hessian(self, slopes: Slopes, chosen: Chosen) -> Floats:
        """See the base class."""
        earlier, mixed, own = np.empty(self.n), np.empty(self.n), np.empty(self.n)
        _row_kernels.curvatures(self.start, self.weight, *slopes, earlier, mixed, own)
        result = np.empty((chosen.column.size, chosen.column.size))
        _row_kernels.hessian(self._columns, self.start, earlier, mixed, own, *chosen.layout(), result)
        return result

    def one_row(self, row: int) -> Floats:
        """See the base class."""
        return self._columns[:, row]


class SparseRows(Rows):
    """Rows of a sparse matrix, never filled in."""

    def __init__(self, X: Any, classes: Integers, weight: Floats, n_classes: int, *, standardize: bool) -> None:
        super().__init__(classes, weight, n_classes)
        X = as_csr(X)[self.sorted_rows]
        n, p = X.shape
        by_column = X.tocsc()
        largest, smallest = by_column.max(axis=0).toarray().ravel(), by_column.min(axis=0).toarray().ravel()
        self.constant = largest == smallest
        self.mean = np.zeros(p)
        self.scale = np.ones(p)
        if standardize:
            column = np.repeat(np.arange(p), np.diff(by_column.indptr))
            weights = self.weight[by_column.indices]
            centre = np.bincount(column, weights * by_column.data, minlength=p)
            variance = np.bincount(column, weights * (by_column.data - centre[column]) ** 2, minlength=p)
            variance += np.maximum(1.0 - np.bincount(column, weights, minlength=p), 0.0) * centre**2
            varies = ~self.constant & (variance > 0)
            self.scale[varies] = np.sqrt(variance[varies])
        ones = sparse.csr_array(np.ones((n, 1)))
        self._matrix = sparse.hstack([ones, X @ sparse.diags_array(1.0 / self.scale)], format="csr")

    def gaps(self, coefficients: Floats) -> Floats:
        """See the base class."""
        return np.ascontiguousarray((self._matrix @ coefficients).T)

    def gradient(self, slopes: Slopes) -> Floats:
        """See the base class."""
        own, earlier = np.empty(self.n), np.empty(self.n)
        _row_kernels.residuals(self.start, *slopes, own, earlier)
        by_gap = np.zeros((self.n, self.n_boundaries))
        for boundary in range(self.n_boundaries):
            stop = self.start[boundary + 1]
            by_gap[self.start[boundary] : stop, boundary] = own[self.start[boundary] : stop]
            by_gap[stop:, boundary] = earlier[stop:]
        return np.ascontiguousarray(self._matrix.T @ by_gap)

    def hessian(self, slopes: Slopes, chosen: Chosen) -> Floats:
        """See the base class."""
        earlier, mixed, own = np.empty(self.n), np.empty(self.n), np.empty(self.n)
        _row_kernels.curvatures(self.start, self.weight, *slopes, earlier, mixed, own)
        order, n_before, place, offset = chosen.layout()
        result = np.empty((chosen.column.size, chosen.column.size))
        shared = np.zeros((order.size, order.size))
        for c in range(self.n_boundaries, -1, -1):
            rows = slice(self.start[c], self.start[c + 1])
            block = self._matrix[rows][:, order]
            if c < self.n_boundaries:
                here = place[offset[c] : offset[c + 1]]
                earlier_places = place[: offset[c]]
                mine = slice(offset[c], offset[c + 1])
                twice = _products(block[:, here], own[rows], block[:, here])
                result[mine, mine] = twice + shared[np.ix_(here, here)]
                cross = _products(block[:, here], mixed[rows], block)
                result[mine, : offset[c]] = cross[:, earlier_places] + shared[np.ix_(here, earlier_places)]
                result[: offset[c], mine] = result[mine, : offset[c]].T
            if c > 0:
                before = block[:, : n_before[c]]
                shared[: n_before[c], : n_before[c]] += _products(before, earlier[rows], before)
        return result

    def one_row(self, row: int) -> Floats:
        """See the base class."""
        values: Floats = self._matrix[[row]].toarray().ravel()
        return values


def as_csr(X: Any) -> Any:
    """Give a sparse matrix of any kind as a CSR array."""
    return sparse.csr_array(X)


def _products(left: Any, weight: Floats, right: Any) -> Floats:
    products: Floats = (left.T @ (sparse.diags_array(weight) @ right)).toarray()
    return products


def make_rows(X: Any, classes: Integers, weight: Floats, n_classes: int, *, standardize: bool) -> Rows:
    """Choose the form that fits `X`."""
    kind = SparseRows if sparse.issparse(X) else DenseRows
    return kind(X, classes, weight, n_classes, standardize=standardize)
