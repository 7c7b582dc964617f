"""Exact nearest neighbours within one set of rows, ties broken by row number."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

Rows = npt.NDArray[np.float64]
Neighbours = npt.NDArray[np.int32]

_QUERY_BLOCK = 256
_LONG_WORK = 5e6
"""Work, in steps of about a nanosecond, from which it pays to start threads."""


def nearest_neighbors(
    rows: npt.ArrayLike | sparse.csr_matrix | sparse.csr_array,
    k: int,
    *,
    n_nominal: int = 0,
    nominal_penalty: float = 0.0,
) -> Neighbours:
    """Find the `k` nearest other rows of every row, exactly.

    The distance of two rows is the sum of the squared differences of their numeric columns, accumulated in float64 in
    column order, plus `nominal_penalty` for every nominal column in which they differ. A row is left out as its own
    neighbour by its number, so a twin at distance 0 is a neighbour like any other. Of rows at equal distance the one
    with the smaller number comes first. The result depends on neither the method chosen inside nor the number of
    threads.

    Parameters
    ----------
    rows : array-like or CSR matrix of shape (n_rows, n_columns)
        Finite numbers; converted to float64. The nominal columns, if any, come last and hold one number per value.
    k : int
        Neighbours per row, from 1 to ``n_rows - 1``.
    n_nominal : int, default=0
        Number of columns at the end that are nominal; 0 for a CSR matrix.
    nominal_penalty : float, default=0.0
        What a differing nominal column adds to the squared distance; not negative.

    Returns
    -------
    ndarray of shape (n_rows, k), int32
        Row numbers, nearest first.

    Raises
    ------
    ValueError
        If `k` is not within 1 and ``n_rows - 1``, `rows` is not two-dimensional or holds NaN or infinity, or the
        nominal columns are out of range.

    Notes
    -----
    Two methods share the work. A k-d tree with tight boxes needs no allowance for rounding, because rounding is
    monotone and a box distance is added up in the same order as the distance itself. Where a trial with a few rows
    shows that the tree would have to look at too much, rows are compared in blocks by matrix products in single
    precision; a bound on their rounding error decides which pairs need the exact distance. A CSR matrix is compared
    with one densified row at a time.

    Examples
    --------
    >>> from repro.sampling.neighbors import nearest_neighbors
    >>> nearest_neighbors([[0.0], [1.0], [2.0], [10.0]], k=2)
    array([[1, 2],
           [0, 2],
           [1, 0],
           [2, 1]], dtype=int32)
    """
    if sparse.issparse(rows):
        if n_nominal:
            raise ValueError("n_nominal must be 0 for a sparse matrix, found " + str(n_nominal))
        matrix = sparse.csr_matrix(rows, dtype=np.float64, copy=True)
        matrix.sum_duplicates()
        _check(matrix.shape, matrix.data, k)
        return _search_sparse(matrix, k)
    points = np.ascontiguousarray(rows, dtype=np.float64)
    if points.ndim != 2:
        raise ValueError(f"rows must have two dimensions, found shape {points.shape}")
    _check(points.shape, points, k)
    n_columns = points.shape[1]
    if not 0 <= n_nominal <= n_columns:
        raise ValueError(f"n_nominal must lie within 0 and the {n_columns} columns of rows, found {n_nominal}")
    if not nominal_penalty >= 0.0:
        raise ValueError(f"nominal_penalty must not be negative, found {nominal_penalty}")
    return _search_dense(points, k, n_columns - n_nominal, float(nominal_penalty))


def _check(shape: tuple[int, ...], values: npt.NDArray[Any], k: int) -> None:
    if not 1 <= k < shape[0]:
        raise ValueError(f"k must lie within 1 and {shape[0] - 1} for {shape[0]} rows, found {k}")
    if not np.isfinite(values).all():
        raise ValueError(f"rows must be finite, found {np.count_nonzero(~np.isfinite(values))} NaN or infinite values")


def _n_threads(work: float) -> int:
    from repro.sampling._threads import thread_count

    return thread_count() if work > _LONG_WORK else 1


def _blocked_work(n_rows: int, n_columns: int) -> float:
    """Estimate the time of the search in blocks in nanoseconds; coefficients fitted on one machine."""
    return 1e5 + n_rows * (1500.0 + n_rows * (0.75 + 0.024 * n_columns))


def _search_dense(points: Rows, k: int, n_numeric: int, penalty: float) -> Neighbours:
    """Search by the tree, or in blocks where the tree would look at too many points."""
    from repro.sampling._search_kernels import LEAF_SIZE, search_tree
    from repro.sampling._threads import run_in_threads
    from repro.sampling._tree_kernels import build_tree

    n_rows, n_columns = points.shape
    tree = build_tree(points, n_numeric, penalty, LEAF_SIZE)
    queries = tree.leaf_rows.ravel()[:n_rows]
    neighbours = np.empty((n_rows, k), dtype=np.int32)
    trial = queries[:: max(1, n_rows // max(8, min(64, n_rows // 100)))]
    leaves = search_tree(tree, points, trial, n_numeric, penalty, neighbours) / trial.size
    tree_work = n_rows * leaves * (150.0 + 13.0 * n_columns)
    if n_numeric == n_columns and tree_work > _blocked_work(n_rows, n_columns):
        del tree
        return _search_blocked(points, k)
    n_threads = _n_threads(tree_work)

    def search(some: npt.NDArray[np.int32]) -> None:
        search_tree(tree, points, some, n_numeric, penalty, neighbours)

    run_in_threads(search, np.array_split(queries, 8 * n_threads) if n_threads > 1 else [queries], n_threads)
    return neighbours


def _search_blocked(points: Rows, k: int) -> Neighbours:
    """Compare blocks of rows by matrix products and compute only the distances that may matter exactly."""
    from repro.sampling._threads import run_in_threads, single_threaded_blas

    n_rows = points.shape[0]
    neighbours = np.empty((n_rows, k), dtype=np.int32)
    starts = range(0, n_rows, _QUERY_BLOCK)
    n_threads = _n_threads(_blocked_work(*points.shape)) if len(starts) > 1 else 1
    screening = _Screening(points, np.float32)
    with single_threaded_blas():
        exact = screening.search(starts[0], neighbours)
        if exact > 0.02 * _QUERY_BLOCK * n_rows and n_rows > 4096:
            # most pairs are closer than single precision can tell apart
            screening = _Screening(points, np.float64)
        run_in_threads(lambda start: screening.search(start, neighbours), starts[1:], n_threads)
    return neighbours


class _Screening:
    """The rows in the form needed for screening by matrix products in one precision.

    Let a, b be two rows, centred, scaled by a power of two into (-1, 1) and rounded to the working precision with unit
    roundoff u. Rounding them and forming ``|b|^2 - 2 a.b`` as one inner product of ``n_columns + 1`` terms together err
    by at most a multiple ``(2 n_columns + const) u`` of ``|a|^2 + |b|^2``, plus a tiny absolute term for underflow. The
    part of that bound with b is taken off the entry ``|b|^2``, the part with a goes into the limit, so that a pair
    whose product exceeds the limit is farther than the k-th neighbour found so far.
    """

    def __init__(self, points: Rows, dtype: type[np.float32] | type[np.float64]) -> None:
        from repro.sampling._search_kernels import BLOCK

        n_rows, n_columns = points.shape
        self.points, self.dtype = points, dtype
        # a fixed random order makes the k-th distance shrink early whatever the order of the rows
        self.order = np.random.default_rng(0).permutation(n_rows).astype(np.int32)
        low, high = points.min(axis=0), points.max(axis=0)
        self.centre = points.mean(axis=0) if max(-low.min(), high.max()) < 1e300 else np.zeros(n_columns)
        largest = float(np.maximum(high - self.centre, self.centre - low).max())
        self.scale = float(np.ldexp(1.0, -int(np.frexp(largest)[1]))) if largest > 0.0 else 1.0
        self.unit = float(np.finfo(dtype).eps) / 2
        self.error = (4 * n_columns + 64) * self.unit
        # underflow in the working precision, and in the float64 distances when everything is tiny
        self.smallest = (n_columns + 2) * (float(np.finfo(dtype).tiny) * 64 + (self.scale * 2.0**-537) ** 2)
        self.candidates = np.empty((n_rows, n_columns + 1), dtype=dtype)
        for start in range(0, n_rows, BLOCK):
            block = slice(start, start + BLOCK)
            scaled, norms = self._scaled(points[self.order[block]])
            self.candidates[block, :-1] = scaled * dtype(-2)
            self.candidates[block, -1] = norms * (1.0 - self.error)

    def _scaled(self, points: Rows) -> tuple[npt.NDArray[Any], Rows]:
        scaled: npt.NDArray[Any] = ((points - self.centre) * self.scale).astype(self.dtype)
        return scaled, np.square(scaled, dtype=np.float64).sum(axis=1)

    def search(self, start: int, neighbours: Neighbours) -> int:
        """Write the neighbours of one block of queries; return how many distances were computed exactly."""
        from repro.sampling._search_kernels import BLOCK, screen
        from repro.sampling._tree_kernels import NO_ROW

        points = self.points[start : start + _QUERY_BLOCK]
        queries = np.arange(start, start + len(points), dtype=np.int32)
        scaled, norms = self._scaled(points)
        left = np.hstack([scaled, np.ones((queries.size, 1), dtype=self.dtype)])
        offsets = self.smallest - norms * (1.0 - self.error)
        tolerances = (4.0 * self.error * norms).astype(self.dtype)
        distances = np.full((queries.size, neighbours.shape[1]), np.inf)
        rows = np.full(distances.shape, NO_ROW, dtype=np.int32)
        smallest = np.full((queries.size, neighbours.shape[1] + 1), np.inf, dtype=self.dtype)
        products = np.empty((queries.size, BLOCK), dtype=self.dtype)
        exact = 0
        for first in range(0, self.order.size, BLOCK):
            block = slice(first, first + BLOCK)
            candidates = self.order[block]
            np.matmul(left, self.candidates[block].T, out=products[:, : candidates.size])
            products[:, candidates.size :] = np.inf
            exact += screen(
                products,
                self.points,
                queries,
                candidates,
                offsets,
                tolerances,
                self.scale,
                16 * self.unit,
                smallest,
                distances,
                rows,
            )
        neighbours[start : start + queries.size] = rows
        return exact


def _search_sparse(matrix: sparse.csr_matrix, k: int) -> Neighbours:
    from repro.sampling._search_kernels import search_sparse
    from repro.sampling._threads import run_in_threads

    n_rows, n_columns = matrix.shape
    neighbours = np.empty((n_rows, k), dtype=np.int32)
    squared_norms = np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
    longest = int(np.diff(matrix.indptr).max(initial=0))
    error = (4 * longest + 64) * float(np.finfo(np.float64).eps)
    n_threads = _n_threads(float(n_rows) * (matrix.nnz + n_rows))

    def search(queries: npt.NDArray[np.int32]) -> None:
        search_sparse(matrix.data, matrix.indices, matrix.indptr, n_columns, squared_norms, error, queries, neighbours)

    run_in_threads(search, np.array_split(np.arange(n_rows, dtype=np.int32), 8 * n_threads), n_threads)
    return neighbours
