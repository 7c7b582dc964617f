"""Growth of a C4.5 tree: compiled kernels.

Every numeric column is sorted once. A split is a stable partition of the rows and of every sorted column, so a node
finds its rows in order in each of them. Class counts are integers, and comparisons of real numbers use the tolerances
of J48 (``1e-6`` between criteria, ``1e-3`` below the average gain), so that ties break as they do there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.trees._c45_nodes import (
    LEAF,
    SMALL,
    Flags,
    Floats,
    Integers,
    Nodes,
    RowNumbers,
    kernel,
    largest,
    partition,
    total,
)


@kernel
def numeric_cut(
    values: Floats,
    rows: RowNumbers,
    labels: RowNumbers,
    counts: Integers,
    left: Integers,
    min_leaf: int,
    value_tolerance: float,
    entropy: float,
    xlogx: Floats,
) -> tuple[int, float, float]:
    """Best cut of one sorted numeric column at one node.

    Returns the number of rows on the left (0 when no cut is useful), the gain in bits per row after the charge
    ``log2(number of candidate cuts) / n``, and the gain ratio.
    """
    n: int = values.shape[0]
    n_classes = counts.shape[0]
    smallest = max(float(min_leaf), min(0.1 * n / n_classes, 25.0))
    if n < 2 * smallest - SMALL:
        return 0, 0.0, 0.0
    first = int(np.ceil(smallest - SMALL))
    best_gain = 0.0
    best_left = 0
    candidates = 0
    left[:] = 0
    for i in range(first - 1):
        left[labels[rows[i]]] += 1
    for i in range(first - 1, n - first):
        left[labels[rows[i]]] += 1
        if values[i] + value_tolerance < values[i + 1]:
            n_left = i + 1
            children = xlogx[n_left] + xlogx[n - n_left]
            for c in range(n_classes):
                children -= xlogx[left[c]] + xlogx[counts[c] - left[c]]
            candidates += 1
            gain = entropy - children
            if gain >= SMALL and gain / n - best_gain > SMALL:
                best_gain = gain / n
                best_left = n_left
    if best_left == 0:
        return 0, 0.0, 0.0
    best_gain -= np.log2(candidates) / n
    if best_gain < SMALL:
        return 0, 0.0, 0.0
    split_entropy: float = xlogx[n] - xlogx[best_left] - xlogx[n - best_left]
    return best_left, best_gain, best_gain * n / split_entropy


@kernel
def nominal_split(
    column: Floats,
    rows: RowNumbers,
    labels: RowNumbers,
    table: Integers,
    min_leaf: int,
    entropy: float,
    xlogx: Floats,
) -> tuple[int, float, float]:
    """Judge the multiway split of one nominal column at one node.

    `table` (n_categories, n_classes) is overwritten with the counts. Returns 1 if two branches hold `min_leaf` rows and
    0 otherwise, the gain in bits per row and the gain ratio.
    """
    n: int = rows.shape[0]
    table[:, :] = 0
    for i in range(n):
        table[int(column[rows[i]]), labels[rows[i]]] += 1
    large_enough = 0
    children: float = 0.0
    split_entropy: float = xlogx[n]
    for category in range(table.shape[0]):
        n_branch: int = 0
        for c in range(table.shape[1]):
            n_branch += table[category, c]
            children -= xlogx[table[category, c]]
        children += xlogx[n_branch]
        split_entropy -= xlogx[n_branch]
        if n_branch >= min_leaf:
            large_enough += 1
    if large_enough < 2:
        return 0, 0.0, 0.0
    gain: float = entropy - children
    if gain < SMALL:
        return 1, 0.0, 0.0
    return 1, gain / n, gain / split_entropy


@kernel
def enlarged(array: NDArray[Any], n_rows: int) -> NDArray[Any]:
    """Copy of a two-dimensional array with room for `n_rows` rows; the new ones are zero."""
    result = np.zeros((n_rows, array.shape[1]), dtype=array.dtype)
    for i in range(array.shape[0]):
        for j in range(array.shape[1]):
            result[i, j] = array[i, j]
    return result


@kernel
def threshold_between(sorted_values: Floats, low: float, high: float, value_tolerance: float) -> float:
    """Threshold that separates the neighbours `low` and `high` of a node: the largest value up to their middle.

    It may occur anywhere in the column. The middle is taken a little higher, because in decimal data it often is such a
    value up to rounding.
    """
    middle = low / 2 + high / 2 + value_tolerance / 10
    first = 0
    last = sorted_values.shape[0]
    while first < last:
        position = (first + last) // 2
        if sorted_values[position] <= middle and sorted_values[position] < high:
            first = position + 1
        else:
            last = position
    threshold: float = sorted_values[first - 1] + 0.0  # no negative zero
    return threshold


@kernel
def find_test(
    columns: Floats,
    n_categories: Integers,
    in_average: Flags,
    slot: Integers,
    rows: RowNumbers,
    sorted_rows: RowNumbers,
    sorted_values: Floats,
    first: int,
    last: int,
    labels: RowNumbers,
    counts: Integers,
    min_leaf: int,
    value_tolerance: float,
    xlogx: Floats,
    left: Integers,
    table: Integers,
    tests: Floats,
) -> int:
    """Choose the column to test at the node with the rows ``first:last``: -1 when no test is useful.

    The column with the largest gain ratio among those whose gain reaches the average, up to 1e-3 bits. `tests`
    (n_features, 3) is overwritten: rows on the left of the best cut (1 for a valid nominal column, 0 for no test),
    gain, gain ratio.
    """
    entropy = xlogx[last - first]
    for c in range(counts.shape[0]):
        entropy -= xlogx[counts[c]]
    total_gain = 0.0
    n_valid = 0
    for j in range(columns.shape[0]):
        if n_categories[j] == 0:
            k = slot[j]
            cut, gain, ratio = numeric_cut(
                sorted_values[k, first:last], sorted_rows[k, first:last], labels, counts, left,
                min_leaf, value_tolerance, entropy, xlogx,
            )  # fmt: skip
        else:
            cut, gain, ratio = nominal_split(
                columns[j], rows[first:last], labels, table[: n_categories[j]], min_leaf, entropy, xlogx
            )
        tests[j, 0] = cut
        tests[j, 1] = gain
        tests[j, 2] = ratio
        if cut > 0 and in_average[j]:
            total_gain += gain
            n_valid += 1
    best = -1
    if n_valid > 0:
        best_ratio = 0.0
        for j in range(columns.shape[0]):
            enough = tests[j, 0] > 0 and tests[j, 1] >= total_gain / n_valid - 1e-3
            if enough and tests[j, 2] - best_ratio > SMALL:
                best = j
                best_ratio = tests[j, 2]
    return best


@kernel
def grow(
    columns: Floats,
    n_categories: Integers,
    in_average: Flags,
    slot: Integers,
    sorted_rows: RowNumbers,
    sorted_values: Floats,
    labels: RowNumbers,
    n_classes: int,
    min_leaf: int,
    value_tolerance: float,
    xlogx: Floats,
) -> Nodes:
    """Grow a tree until no test is useful.

    Parameters
    ----------
    columns : float64 (n_features, n_samples)
        Numeric values, or category numbers in nominal columns.
    n_categories : int64 (n_features,)
        0 for a numeric column.
    in_average : bool (n_features,)
        Whether the column takes part in the average gain.
    slot : int64 (n_features,)
        Row of a numeric column in the next two arrays.
    sorted_rows, sorted_values : int32, float64 (n_numeric_features, n_samples)
        Row numbers and values of every numeric column in ascending order; `sorted_rows` is overwritten.
    labels : int32 (n_samples,)
    xlogx : float64 (at least n_samples + 1,)
        ``k * log2(k)``.
    """
    n_features, n_samples = columns.shape
    rows = np.empty(n_samples, dtype=np.int32)
    branch = np.zeros(n_samples, dtype=np.int32)
    ordered_values = sorted_values.copy()
    row_buffer = np.empty(n_samples, dtype=np.int32)
    value_buffer = np.empty(n_samples, dtype=np.float64)
    most_categories = 1
    for j in range(n_features):
        most_categories = max(most_categories, n_categories[j])
    table = np.zeros((most_categories, n_classes), dtype=np.int64)
    left = np.zeros(n_classes, dtype=np.int64)
    tests = np.zeros((n_features, 3))

    thresholds = np.zeros((64, 1))
    links = np.zeros((64, 6), dtype=np.int64)  # feature, first child, number of children, start, end; the stack
    counts = np.zeros((64, n_classes), dtype=np.int64)
    n_nodes = 1
    links[0, 0] = LEAF
    links[0, 4] = n_samples
    for i in range(n_samples):
        rows[i] = i
        counts[0, labels[i]] += 1
    waiting = 1
    while waiting > 0:
        waiting -= 1
        node = links[waiting, 5]
        first, last = links[node, 3], links[node, 4]
        if last - first < 2 * min_leaf or largest(counts[node]) == last - first:
            continue
        best = find_test(
            columns, n_categories, in_average, slot, rows, sorted_rows, ordered_values, first, last, labels,
            counts[node], min_leaf, value_tolerance, xlogx, left, table, tests,
        )  # fmt: skip
        if best < 0:
            continue

        width = 2 if n_categories[best] == 0 else n_categories[best]
        children = n_nodes
        n_nodes += width
        if n_nodes > links.shape[0]:
            thresholds = enlarged(thresholds, 2 * n_nodes)
            links = enlarged(links, 2 * n_nodes)
            counts = enlarged(counts, 2 * n_nodes)
        links[node, 0] = best
        links[node, 1] = children
        links[node, 2] = width
        if n_categories[best] == 0:
            k = slot[best]
            middle = first + int(tests[best, 0])
            low, high = ordered_values[k, middle - 1], ordered_values[k, middle]
            thresholds[node, 0] = threshold_between(sorted_values[k], low, high, value_tolerance)
            for i in range(first, last):
                branch[sorted_rows[k, i]] = 1 if i >= middle else 0
        else:
            for i in range(first, last):
                branch[rows[i]] = int(columns[best, rows[i]])
        for i in range(first, last):
            counts[children + branch[rows[i]], labels[rows[i]]] += 1

        ends = np.zeros(width, dtype=np.int64)
        reached = 0
        splittable = False
        for child in range(children, children + width):
            size = total(counts[child])
            links[child, 0] = LEAF
            links[child, 3] = first + reached
            reached += size
            links[child, 4] = first + reached
            ends[child - children] = reached
            if size >= 2 * min_leaf and largest(counts[child]) < size:
                splittable = True
                links[waiting, 5] = child
                waiting += 1
        if splittable:
            for j in range(n_features):
                if n_categories[j] == 0 and j != best:
                    k = slot[j]
                    partition(ordered_values[k, first:last], branch, sorted_rows[k, first:last], ends, value_buffer)
                    partition(sorted_rows[k, first:last], branch, sorted_rows[k, first:last], ends, row_buffer)
        partition(rows[first:last], branch, rows[first:last], ends, row_buffer)
    return Nodes(
        links[:n_nodes, 0].copy(), thresholds[:n_nodes, 0].copy(), links[:n_nodes, 1].copy(),
        links[:n_nodes, 2].copy(), counts[:n_nodes], links[:n_nodes, 3].copy(), links[:n_nodes, 4].copy(), rows,
    )  # fmt: skip
