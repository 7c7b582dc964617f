"""Compiled kernels of the exact nearest-neighbour search.

All of them use one definition of distance: squared differences of the numeric columns, summed in float64 in column
order, then one penalty for every nominal column in which two rows differ. Every kernel orders neighbours by
(distance, row number), so they return the same rows whichever of them is used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from repro.ground.compiling import kernel
from repro.sampling._tree_kernels import NO_ROW, Tree

Array = npt.NDArray[Any]

# Constants and helper kernels live in the module that compiles them in: numba's cache looks at that file only.
LEAF_SIZE = 96
BLOCK = 1024
GROUPS = 128
TINY = 1e-300


@kernel
def _insert(distances: Array, rows: Array, distance: float, row: int) -> None:
    """Put a neighbour into the list sorted by (distance, row); the last one falls out."""
    place = distances.size - 1
    while place > 0 and (
        distances[place - 1] > distance or (distances[place - 1] == distance and rows[place - 1] > row)
    ):
        distances[place] = distances[place - 1]
        rows[place] = rows[place - 1]
        place -= 1
    distances[place] = distance
    rows[place] = row


@kernel
def _box_distance(low: Array, high: Array, point: Array, n_numeric: int, penalty: float, enough: float) -> float:
    """Smallest distance that a point of the box can have; may stop early once it is above `enough`.

    Rounding is monotone and the terms are added in the order of :func:`_leaf_distances`, so the result is never above
    the distance computed for a point of the box: no allowance for rounding errors is needed.
    """
    total = 0.0
    for column in range(n_numeric):
        gap = max(low[column] - point[column], point[column] - high[column], 0.0)
        total += gap * gap
        if total > enough:
            break
    for column in range(n_numeric, point.size):
        if low[column] == high[column] and low[column] != point[column]:
            total += penalty
    return total


@kernel
def _leaf_distances(leaf: Array, point: Array, n_numeric: int, penalty: float, distances: Array) -> None:
    """Distances of all points of a leaf; four columns in one pass, added one after the other."""
    for lane in range(LEAF_SIZE):
        distances[lane] = 0.0
    column = 0
    while column + 4 <= n_numeric:
        first, second, third, fourth = point[column], point[column + 1], point[column + 2], point[column + 3]
        for lane in range(LEAF_SIZE):
            one, two = leaf[column, lane] - first, leaf[column + 1, lane] - second
            three, four = leaf[column + 2, lane] - third, leaf[column + 3, lane] - fourth
            distances[lane] = (((distances[lane] + one * one) + two * two) + three * three) + four * four
        column += 4
    while column < n_numeric:
        first = point[column]
        for lane in range(LEAF_SIZE):
            one = leaf[column, lane] - first
            distances[lane] += one * one
        column += 1
    for nominal in range(n_numeric, point.size):
        first = point[nominal]
        for lane in range(LEAF_SIZE):
            distances[lane] += penalty if leaf[nominal, lane] != first else 0.0


@kernel
def search_tree(tree: Tree, points: Array, queries: Array, n_numeric: int, penalty: float, neighbours: Array) -> int:
    """Write the nearest rows of every query row into `neighbours[query]`; return the number of leaves visited."""
    k = neighbours.shape[1]
    distances, rows = np.empty(k), np.empty(k, dtype=np.int32)
    lanes = np.empty(LEAF_SIZE)
    stack_bound, stack_node = np.empty(128), np.empty(128, dtype=np.int32)
    visited = 0
    for query in queries:
        point = points[query]
        distances[:] = np.inf
        rows[:] = NO_ROW
        stack_bound[0], stack_node[0] = 0.0, 0
        depth = 1
        while depth > 0:
            depth -= 1
            bound, node = stack_bound[depth], stack_node[depth]
            farthest = distances[k - 1]
            if bound > farthest or (bound == farthest and tree.smallest_row[node] > rows[k - 1]):
                continue
            first = tree.child[node]
            if first < 0:
                visited += 1
                leaf = -1 - first
                _leaf_distances(tree.leaf_points[leaf], point, n_numeric, penalty, lanes)
                near = np.uint8(0)
                for lane in range(LEAF_SIZE):
                    near |= np.uint8(lanes[lane] <= farthest)
                if near == 0:
                    continue
                for lane in range(LEAF_SIZE):
                    distance, row = lanes[lane], tree.leaf_rows[leaf, lane]
                    if row != query and (
                        distance < distances[k - 1] or (distance == distances[k - 1] and row < rows[k - 1])
                    ):
                        _insert(distances, rows, distance, row)
                continue
            left = _box_distance(tree.low[first], tree.high[first], point, n_numeric, penalty, farthest)
            right = _box_distance(tree.low[first + 1], tree.high[first + 1], point, n_numeric, penalty, farthest)
            left_is_nearer = left < right or (left == right and tree.smallest_row[first] < tree.smallest_row[first + 1])
            # the nearer child is put down last and so taken up first
            stack_bound[depth], stack_node[depth] = (right, first + 1) if left_is_nearer else (left, first)
            stack_bound[depth + 1], stack_node[depth + 1] = (left, first) if left_is_nearer else (right, first + 1)
            depth += 2
        neighbours[query] = rows
    return visited


@kernel
def _distance(points: Array, first: int, second: int) -> float:
    """Distance of two rows by the definition at the top of this module, numeric columns only."""
    total = 0.0
    for column in range(points.shape[1]):
        difference = points[first, column] - points[second, column]
        total += difference * difference
    return total


@kernel
def _group_minima(products: Array, minima: Array) -> None:
    """Smallest product of every group; a group takes every `GROUPS`-th place, so that the loop is one of vectors."""
    minima[:] = products[:GROUPS]
    for start in range(GROUPS, BLOCK, GROUPS):
        row = products[start : start + GROUPS]
        for group in range(row.size):
            value = row[group]
            minima[group] = value if value < minima[group] else minima[group]


@kernel
def _keep_smallest(minima: Array, smallest: Array) -> None:
    """Keep the smallest values seen so far in the sorted list `smallest`."""
    last = smallest.size - 1
    for value in minima:
        if value < smallest[last]:
            place = last
            while place > 0 and smallest[place - 1] > value:
                smallest[place] = smallest[place - 1]
                place -= 1
            smallest[place] = value


@kernel
def screen(
    products: Array,
    points: Array,
    queries: Array,
    candidates: Array,
    offsets: Array,
    tolerances: Array,
    scale: float,
    rounding: float,
    smallest: Array,
    distances: Array,
    rows: Array,
) -> int:
    """Take over the candidates of one block that may be nearer than the neighbours found so far.

    ``products[i, j] + norm_i`` is, up to an error that `offsets` allows for, the scaled distance between the rows
    ``queries[i]`` and ``candidates[j]``. Exact distances are computed first where a product is about as small as the
    smallest ones seen, then wherever a product does not exceed the limit, which is the scaled distance of the k-th
    neighbour with its allowance: usually nowhere else.

    Parameters
    ----------
    products : ndarray of shape (n_queries, BLOCK), float32 or float64
        Approximate scaled distance less the scaled squared norm of the query; infinity beyond `candidates`.
    points : ndarray of shape (n_rows, n_columns), float64
        All rows.
    queries : ndarray of shape (n_queries,), int32
        Row numbers of the queries.
    candidates : ndarray of shape (n_candidates,), int32
        Row numbers of the candidates, at most BLOCK.
    offsets : ndarray of shape (n_queries,), float64
        What is added to a scaled distance to give the limit for `products`.
    tolerances : ndarray of shape (n_queries,), type of `products`
        How far above the smallest products the first step goes; any value gives the same result.
    scale : float
        Factor by which the coordinates were multiplied for the approximation.
    rounding : float
        Relative allowance for rounding the limit to the type of `products`.
    smallest : ndarray of shape (n_queries, k + 1), type of `products`
        The smallest group minima seen so far, one of which may be the query itself; changed in place.
    distances, rows : ndarray of shape (n_queries, k), float64 and int32
        The neighbours found so far, changed in place.

    Returns
    -------
    int
        Number of distances computed exactly.
    """
    last = distances.shape[1] - 1
    minima = np.empty(GROUPS, dtype=products.dtype)
    # arrays, because a value put into them is rounded to the type of the products
    first, limit = np.empty(1, dtype=products.dtype), np.empty(1, dtype=products.dtype)
    exact = 0
    for local in range(queries.size):
        values, query, found, found_rows = products[local], queries[local], distances[local], rows[local]
        _group_minima(values, minima)
        _keep_smallest(minima, smallest[local])
        first[0] = smallest[local, -1] + tolerances[local]
        for step in range(2):
            threshold = (found[last] * scale) * scale + offsets[local]
            limit[0] = threshold + abs(threshold) * rounding
            if step == 1 and limit[0] <= first[0]:
                break
            for group in range(GROUPS):
                if minima[group] > limit[0] or (step == 0 and minima[group] > first[0]):
                    continue
                for position in range(group, candidates.size, GROUPS):
                    value, row = values[position], candidates[position]
                    if value > limit[0] or (value <= first[0]) == (step == 1) or row == query:
                        continue
                    if found[last] == 0.0 and row > found_rows[last]:
                        continue
                    distance = _distance(points, query, row)
                    exact += 1
                    if distance < found[last] or (distance == found[last] and row < found_rows[last]):
                        _insert(found, found_rows, distance, row)
                        threshold = (found[last] * scale) * scale + offsets[local]
                        limit[0] = threshold + abs(threshold) * rounding
    return exact


@kernel
def _sparse_distance(data: Array, indices: Array, indptr: Array, first: int, second: int) -> float:
    """Distance of two rows of a CSR matrix with sorted indices; equals the dense one, columns of zeros add nothing."""
    left, left_stop = indptr[first], indptr[first + 1]
    right, right_stop = indptr[second], indptr[second + 1]
    total = 0.0
    while left < left_stop or right < right_stop:
        if right >= right_stop or (left < left_stop and indices[left] < indices[right]):
            difference = data[left]
            left += 1
        elif left >= left_stop or indices[right] < indices[left]:
            difference = data[right]
            right += 1
        else:
            difference = data[left] - data[right]
            left += 1
            right += 1
        total += difference * difference
    return total


@kernel
def search_sparse(
    data: Array,
    indices: Array,
    indptr: Array,
    n_columns: int,
    squared_norms: Array,
    error: float,
    queries: Array,
    neighbours: Array,
) -> None:
    """Nearest rows of a CSR matrix: inner products with one densified query first, exact distances where needed."""
    k = neighbours.shape[1]
    distances, rows = np.empty(k), np.empty(k, dtype=np.int32)
    dense = np.zeros(n_columns)
    for query in queries:
        distances[:] = np.inf
        rows[:] = NO_ROW
        for entry in range(indptr[query], indptr[query + 1]):
            dense[indices[entry]] = data[entry]
        for row in range(indptr.size - 1):
            if distances[k - 1] == 0.0:
                break
            if row == query:
                continue
            product = 0.0
            for entry in range(indptr[row], indptr[row + 1]):
                product += data[entry] * dense[indices[entry]]
            norms = squared_norms[query] + squared_norms[row]
            # written so that a NaN from an overflow leads to the exact distance
            if norms - 2.0 * product - error * norms - TINY > distances[k - 1]:
                continue
            distance = _sparse_distance(data, indices, indptr, query, row)
            if distance < distances[k - 1] or (distance == distances[k - 1] and row < rows[k - 1]):
                _insert(distances, rows, distance, row)
        for entry in range(indptr[query], indptr[query + 1]):
            dense[indices[entry]] = 0.0
        neighbours[query] = rows


@kernel
def search_nominal(codes: Array, shares: Array, first_value: Array, squared: bool, neighbours: Array) -> None:
    """Nearest rows of a nominal table by the value difference metric.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_columns), int
        Values, numbered through all columns.
    shares : ndarray of shape (n_values, n_classes), float64
        Share of every class among the rows with a value.
    first_value : ndarray of shape (n_columns + 1,), int
        Number of the first value of every column, and one past the last.
    squared : bool
        Whether value differences are squared before they are added.
    neighbours : ndarray of shape (n_rows, k), int32
        Receives the row numbers, ordered by (distance, row number).
    """
    n_rows, n_columns = codes.shape
    k = neighbours.shape[1]
    distances, rows = np.empty(k), np.empty(k, dtype=np.int32)
    differences = np.empty(shares.shape[0])
    for query in range(n_rows):
        distances[:] = np.inf
        rows[:] = NO_ROW
        for column in range(n_columns):
            own = codes[query, column]
            for value in range(first_value[column], first_value[column + 1]):
                total = 0.0
                for label in range(shares.shape[1]):
                    total += abs(shares[own, label] - shares[value, label])
                differences[value] = total * total if squared else total
        for row in range(n_rows):
            if row == query:
                continue
            distance = 0.0
            for column in range(n_columns):
                distance += differences[codes[row, column]]
            if distance < distances[k - 1]:
                _insert(distances, rows, distance, row)
        neighbours[query] = rows
