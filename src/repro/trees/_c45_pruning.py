"""What happens to a grown C4.5 tree: collapse, pessimistic pruning, descent of new rows. Compiled kernels."""

from __future__ import annotations

import numpy as np

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
def added_errors(n: float, errors: float, confidence: float, z: float) -> float:
    """Errors that the upper limit of a binomial proportion adds to `errors` among `n` rows, as J48 computes it.

    `confidence` is the chance left above the limit, `z` its standard normal quantile, ``ndtri(1 - confidence)``.
    """
    without_error: float = n * (1.0 - confidence ** (1.0 / n))
    if errors == 0.0:
        return without_error
    if errors + 0.5 >= n:
        return max(n - errors, 0.0)
    rate = (errors + 0.5) / n
    spread = np.sqrt(rate / n - rate * rate / n + z * z / (4.0 * n * n))
    upper: float = (rate + z * z / (2.0 * n) + z * spread) / (1.0 + z * z / n)
    return upper * n - errors


@kernel
def estimated_errors(counts: Integers, confidence: float, z: float) -> float:
    """Pessimistic number of errors of a leaf with these class counts."""
    n = total(counts)
    if n == 0:
        return 0.0
    errors = float(n - largest(counts))
    return errors + added_errors(float(n), errors, confidence, z)


@kernel
def collapse(tree: Nodes) -> None:
    """Turn every node into a leaf whose subtree makes no fewer errors on the training data."""
    errors = np.zeros(tree.feature.shape[0], dtype=np.int64)
    for node in range(tree.feature.shape[0] - 1, -1, -1):
        errors[node] = total(tree.counts[node]) - largest(tree.counts[node])
        if tree.feature[node] != LEAF:
            children = tree.first_child[node]
            subtree_errors = total(errors[children : children + tree.n_children[node]])
            if subtree_errors >= errors[node]:
                tree.feature[node] = LEAF
            else:
                errors[node] = subtree_errors


@kernel
def descend(tree: Nodes, nominal: Flags, node: int, row: Floats) -> int:
    """Return the node where `row` ends below `node`: a leaf, or a node that has no branch for its category."""
    while tree.feature[node] != LEAF:
        value = row[tree.feature[node]]
        if not nominal[tree.feature[node]]:
            node = tree.first_child[node] + (0 if value <= tree.threshold[node] else 1)
        elif value < 0.0 or value >= tree.n_children[node]:
            return node
        else:
            node = tree.first_child[node] + int(value)
    return node


@kernel
def apply(tree: Nodes, nominal: Flags, features: Floats) -> Integers:
    """Node in which every row of `features`, float64 (n_samples, n_features), ends."""
    nodes = np.empty(features.shape[0], dtype=np.int64)
    for i in range(features.shape[0]):
        nodes[i] = descend(tree, nominal, 0, features[i])
    return nodes


@kernel
def refill(
    tree: Nodes,
    nominal: Flags,
    node: int,
    features: Floats,
    labels: RowNumbers,
    stack: Integers,
    branch: RowNumbers,
    buffer: RowNumbers,
) -> None:
    """Send the rows of `node` down its (new) subtree: renews segments and class counts below it."""
    stack[0] = node
    waiting = 1
    while waiting > 0:
        waiting -= 1
        parent = stack[waiting]
        if tree.feature[parent] == LEAF:
            continue
        j = tree.feature[parent]
        children = tree.first_child[parent]
        width = tree.n_children[parent]
        segment = tree.rows[tree.start[parent] : tree.end[parent]]
        for child in range(children, children + width):
            for c in range(tree.counts.shape[1]):
                tree.counts[child, c] = 0
        for row in segment:
            value = features[row, j]
            side = int(value) if nominal[j] else int(value > tree.threshold[parent])
            branch[row] = side
            tree.counts[children + side, labels[row]] += 1
        ends = np.empty(width, dtype=np.int64)
        reached = 0
        for child in range(children, children + width):
            tree.start[child] = tree.start[parent] + reached
            reached += total(tree.counts[child])
            tree.end[child] = tree.start[parent] + reached
            ends[child - children] = reached
            stack[waiting] = child
            waiting += 1
        partition(segment, branch, segment, ends, buffer)


@kernel
def change_of_errors(
    tree: Nodes,
    nominal: Flags,
    node: int,
    branch: int,
    features: Floats,
    labels: RowNumbers,
    extra: Integers,
    touched: Integers,
    confidence: float,
    z: float,
) -> float:
    """Change of the estimated errors of the child `branch` if it took over all rows of its parent `node`.

    `extra` (n_nodes, n_classes) is zero before and after; `touched` (n_nodes,) is scratch.
    """
    n_touched = 0
    for i in range(tree.start[node], tree.end[node]):
        if tree.start[branch] <= i < tree.end[branch]:
            continue
        row = tree.rows[i]
        leaf = descend(tree, nominal, branch, features[row])
        if total(extra[leaf]) == 0:
            touched[n_touched] = leaf
            n_touched += 1
        extra[leaf, labels[row]] += 1
    change = 0.0
    for k in range(n_touched):
        leaf = touched[k]
        change -= estimated_errors(tree.counts[leaf], confidence, z)
        for c in range(extra.shape[1]):
            extra[leaf, c] += tree.counts[leaf, c]
        change += estimated_errors(extra[leaf], confidence, z)
        for c in range(extra.shape[1]):
            extra[leaf, c] = 0
    return change


@kernel
def prune(
    tree: Nodes,
    nominal: Flags,
    features: Floats,
    labels: RowNumbers,
    confidence: float,
    z: float,
    subtree_raising: bool,
) -> None:
    """Prune from the leaves up: a node becomes a leaf, or its largest branch, where that is estimated no worse."""
    n_nodes = tree.feature.shape[0]
    n_samples = tree.rows.shape[0]
    errors = np.zeros(n_nodes)
    extra = np.zeros_like(tree.counts)
    touched = np.empty(n_nodes, dtype=np.int64)
    scratch = np.empty(n_nodes, dtype=np.int64)
    row_branch = np.empty(n_samples, dtype=np.int32)
    buffer = np.empty(n_samples, dtype=np.int32)
    stack = np.empty(n_nodes, dtype=np.int64)
    children_done = np.zeros(n_nodes, dtype=np.bool_)
    stack[0] = 0
    waiting = 1
    while waiting > 0:
        node = stack[waiting - 1]
        first = tree.first_child[node]
        last = first + tree.n_children[node]
        if tree.feature[node] == LEAF:
            errors[node] = estimated_errors(tree.counts[node], confidence, z)
            waiting -= 1
            continue
        if not children_done[node]:
            children_done[node] = True
            for child in range(first, last):
                children_done[child] = False
                stack[waiting] = child
                waiting += 1
            continue
        waiting -= 1
        subtree_errors = 0.0
        for child in range(first, last):
            subtree_errors += errors[child]
        leaf_errors = estimated_errors(tree.counts[node], confidence, z)
        branch_errors = np.inf
        branch = first
        if subtree_raising:
            for child in range(first, last):
                if tree.end[child] - tree.start[child] >= tree.end[branch] - tree.start[branch]:
                    branch = child
            if tree.feature[branch] == LEAF:
                branch_errors = leaf_errors
            else:
                branch_errors = errors[branch] + change_of_errors(
                    tree, nominal, node, branch, features, labels, extra, touched, confidence, z
                )
        if leaf_errors < subtree_errors + 0.1 + SMALL and leaf_errors < branch_errors + 0.1 + SMALL:
            tree.feature[node] = LEAF
            errors[node] = leaf_errors
        elif branch_errors < subtree_errors + 0.1 + SMALL:
            tree.feature[node] = tree.feature[branch]
            tree.threshold[node] = tree.threshold[branch]
            tree.first_child[node] = tree.first_child[branch]
            tree.n_children[node] = tree.n_children[branch]
            refill(tree, nominal, node, features, labels, scratch, row_branch, buffer)
            children_done[node] = False
            stack[waiting] = node
            waiting += 1
        else:
            errors[node] = subtree_errors


@kernel
def reachable(tree: Nodes, order: Integers, first_child: Integers) -> int:
    """Return how many nodes can be reached from the root.

    `order` receives their numbers breadth first, `first_child` the place of their first child in that order.
    """
    order[0] = 0
    n_nodes = 1
    position = 0
    while position < n_nodes:
        node = order[position]
        if tree.feature[node] != LEAF:
            first_child[position] = n_nodes
            for child in range(tree.first_child[node], tree.first_child[node] + tree.n_children[node]):
                order[n_nodes] = child
                n_nodes += 1
        position += 1
    return n_nodes


def compact(tree: Nodes) -> Nodes:
    """Copy of the tree without the nodes that cannot be reached any more and without row numbers."""
    order = np.zeros_like(tree.feature)
    first_child = np.zeros_like(tree.feature)
    n_nodes = reachable(tree, order, first_child)
    kept = order[:n_nodes]
    inner = tree.feature[kept] != LEAF
    return Nodes(
        tree.feature[kept],
        np.where(inner, tree.threshold[kept], 0.0),
        first_child[:n_nodes].copy(),
        np.where(inner, tree.n_children[kept], 0),
        tree.counts[kept],
        np.empty(0, dtype=np.int64),
        np.empty(0, dtype=np.int64),
        np.empty(0, dtype=np.int32),
    )
