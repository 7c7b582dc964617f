"""What the compiled kernels of :class:`repro.trees.C45Classifier` share: the arrays of a tree.

A tree is a set of flat arrays indexed by node. The children of a node have consecutive numbers from ``first_child``
on; the training rows of a node are the segment ``start:end`` of ``rows``. Nothing here is recursive, so depth is no
limit.

numba renews a cached kernel when the file of that kernel changes, not when a kernel that it calls from another file
does: keep here only what will not change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from repro.ground import compiling

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
RowNumbers: TypeAlias = NDArray[np.int32]
Flags: TypeAlias = NDArray[np.bool_]

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def kernel(function: Kernel) -> Kernel:
    """Compile as :func:`repro.ground.compiling.kernel`; divisions by zero follow NumPy."""
    return compiling.kernel(function, error_model="numpy")


SMALL = 1e-6  # J48's tolerance between two real numbers
LEAF = -1


class Nodes(NamedTuple):
    """Arrays of a tree.

    feature : int64 (n_nodes,)
        Column that is tested, or ``LEAF``.
    threshold : float64 (n_nodes,)
        Values up to it go to the first child (numeric columns).
    first_child, n_children : int64 (n_nodes,)
        In a nominal column the children are in the order of its categories.
    counts : int64 (n_nodes, n_classes)
        Training rows by class.
    start, end : int64 (n_nodes,)
        Segment of ``rows`` that belongs to the node.
    rows : int32 (n_samples,)
        Row numbers of the training data.
    """

    feature: Integers
    threshold: Floats
    first_child: Integers
    n_children: Integers
    counts: Integers
    start: Integers
    end: Integers
    rows: RowNumbers


@kernel
def largest(counts: Integers) -> int:
    """Return the largest count."""
    best: int = counts[0]
    for c in range(1, counts.shape[0]):
        best = max(best, counts[c])
    return best


@kernel
def total(counts: Integers) -> int:
    """Return the sum of the counts."""
    rows = 0
    for c in range(counts.shape[0]):
        rows += counts[c]
    return rows


@kernel
def partition(array: NDArray[Any], branch: RowNumbers, rows: RowNumbers, ends: Integers, buffer: NDArray[Any]) -> None:
    """Stable partition of `array` by ``branch[rows]``; `ends` holds the running size of the branches.

    `rows` may be `array` itself; `buffer` is scratch of at least its length.
    """
    n = array.shape[0]
    if ends.shape[0] == 2:
        left = 0
        right = 0
        for i in range(n):
            side = branch[rows[i]]
            value = array[i]
            array[left] = value
            buffer[right] = value
            right += side
            left += 1 - side
        for i in range(right):
            array[left + i] = buffer[i]
        return
    position = np.zeros(ends.shape[0], dtype=np.int64)
    for k in range(1, ends.shape[0]):
        position[k] = ends[k - 1]
    for i in range(n):
        side = branch[rows[i]]
        buffer[position[side]] = array[i]
        position[side] += 1
    for i in range(n):
        array[i] = buffer[i]
