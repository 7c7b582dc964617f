"""Compiled kernel that builds the k-d tree of the nearest-neighbour search."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from repro.ground.compiling import kernel

Array = npt.NDArray[Any]

NO_ROW = np.iinfo(np.int32).max
"""Row number of an unused place; later than every row."""


class Tree(NamedTuple):
    """A k-d tree with tight boxes whose leaves hold their points column by column.

    Attributes
    ----------
    leaf_points : ndarray of shape (n_leaves, n_columns, leaf_size), float64
        Coordinates; unused places of a leaf hold infinity.
    leaf_rows : ndarray of shape (n_leaves, leaf_size), int32
        Row numbers; unused places hold `NO_ROW`.
    low, high : ndarray of shape (n_nodes, n_columns), float64
        Smallest and largest value of every column among the points below a node.
    child : ndarray of shape (n_nodes,), int32
        The first of the two children of a node, which are neighbours in this numbering; ``-1 - leaf`` for a leaf.
    smallest_row : ndarray of shape (n_nodes,), int32
        Smallest row number below a node.
    """

    leaf_points: Array
    leaf_rows: Array
    low: Array
    high: Array
    child: Array
    smallest_row: Array


@kernel
def _partition(keys: Array, rows: Array, start: int, stop: int, middle: int) -> None:
    """Reorder `keys[start:stop]` and `rows` so that the smallest stand before `middle` (Hoare's selection)."""
    stop -= 1
    while start < stop:
        pivot = keys[(start + stop) // 2]
        left, right = start, stop
        while left <= right:
            while keys[left] < pivot:
                left += 1
            while keys[right] > pivot:
                right -= 1
            if left <= right:
                keys[left], keys[right] = keys[right], keys[left]
                rows[left], rows[right] = rows[right], rows[left]
                left += 1
                right -= 1
        if middle <= right:
            stop = right
        elif middle >= left:
            start = left
        else:
            return


@kernel
def build_tree(points: Array, n_numeric: int, penalty: float, leaf_size: int) -> Tree:
    """Build the tree: a node is split at a multiple of `leaf_size` points, along the column in which it is widest."""
    n_rows, n_columns = points.shape
    n_leaves = (n_rows + leaf_size - 1) // leaf_size
    n_nodes = 2 * n_leaves - 1
    leaf_points = np.full((n_leaves, n_columns, leaf_size), np.inf)
    leaf_rows = np.full((n_leaves, leaf_size), NO_ROW, dtype=np.int32)
    low = np.full((n_nodes, n_columns), np.inf)
    high = np.full((n_nodes, n_columns), -np.inf)
    child = np.empty(n_nodes, dtype=np.int32)
    smallest_row = np.full(n_nodes, NO_ROW, dtype=np.int32)
    order = np.arange(n_rows).astype(np.int32)
    keys = np.empty(n_rows)
    nominal_width = np.sqrt(penalty)

    stack = np.empty((64, 3), dtype=np.int64)
    stack[0] = (0, 0, n_leaves)
    depth, next_node = 1, 1
    while depth > 0:
        depth -= 1
        node, first_leaf, last_leaf = stack[depth]
        start, stop = first_leaf * leaf_size, min(last_leaf * leaf_size, n_rows)
        for position in range(start, stop):
            row = order[position]
            smallest_row[node] = min(smallest_row[node], row)
            for column in range(n_columns):
                value = points[row, column]
                low[node, column] = min(low[node, column], value)
                high[node, column] = max(high[node, column], value)
        if last_leaf - first_leaf == 1:
            child[node] = -1 - first_leaf
            for position in range(start, stop):
                leaf_rows[first_leaf, position - start] = order[position]
                for column in range(n_columns):
                    leaf_points[first_leaf, column, position - start] = points[order[position], column]
            continue
        widest, width = -1, 0.0
        for column in range(n_columns):
            extent = high[node, column] - low[node, column]
            if column >= n_numeric and extent > 0.0:
                extent = nominal_width
            if extent > width:
                widest, width = column, extent
        middle_leaf = (first_leaf + last_leaf) // 2
        for position in range(start, stop):
            # equal points are split by row number, so that the search can leave out the later ones
            keys[position] = points[order[position], widest] if widest >= 0 else float(order[position])
        _partition(keys, order, start, stop, middle_leaf * leaf_size)
        child[node] = next_node
        stack[depth] = (next_node, first_leaf, middle_leaf)
        stack[depth + 1] = (next_node + 1, middle_leaf, last_leaf)
        depth += 2
        next_node += 2
    return Tree(leaf_points, leaf_rows, low, high, child, smallest_row)
