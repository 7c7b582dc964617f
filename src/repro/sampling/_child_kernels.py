"""Compiled kernels that write synthetic rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from repro.ground.compiling import kernel

Array = npt.NDArray[Any]


@kernel
def _between(start: float, end: float, gap: float) -> float:
    """``start + gap * (end - start)``, kept within the two values whatever the rounding."""
    value = start + gap * (end - start)
    return min(max(value, min(start, end)), max(start, end))


@kernel
def interpolate(rows: Array, parents: Array, neighbours: Array, gaps: Array, children: Array) -> None:
    """Write one child per pair; `gaps` has one column (segment) or one for every column of `rows` (box)."""
    n_columns = rows.shape[1]
    one_gap = gaps.shape[1] == 1
    for child in range(parents.size):
        parent, neighbour, gap = parents[child], neighbours[child], gaps[child, 0]
        for column in range(n_columns):
            if not one_gap:
                gap = gaps[child, column]
            children[child, column] = _between(rows[parent, column], rows[neighbour, column], gap)


@kernel
def count_stored(indices: Array, indptr: Array, parents: Array, neighbours: Array, counts: Array) -> None:
    """Count the columns stored in the parent or the neighbour of every child (CSR with sorted indices)."""
    for child in range(parents.size):
        left, left_stop = indptr[parents[child]], indptr[parents[child] + 1]
        right, right_stop = indptr[neighbours[child]], indptr[neighbours[child] + 1]
        counts[child] = (left_stop - left) + (right_stop - right)
        while left < left_stop and right < right_stop:
            difference = indices[left] - indices[right]
            left += difference <= 0
            right += difference >= 0
            counts[child] -= difference == 0


@kernel
def interpolate_sparse(
    data: Array,
    indices: Array,
    indptr: Array,
    parents: Array,
    neighbours: Array,
    gaps: Array,
    one_gap: bool,
    child_data: Array,
    child_indices: Array,
) -> None:
    """Write the stored values of the children one after the other; one gap per child, or one per stored value (box)."""
    written = 0
    for child in range(parents.size):
        left, left_stop = indptr[parents[child]], indptr[parents[child] + 1]
        right, right_stop = indptr[neighbours[child]], indptr[neighbours[child] + 1]
        while left < left_stop or right < right_stop:
            start, end = 0.0, 0.0
            take_left = left < left_stop and (right >= right_stop or indices[left] <= indices[right])
            take_right = right < right_stop and (left >= left_stop or indices[right] <= indices[left])
            if take_left:
                start, child_indices[written] = data[left], indices[left]
                left += 1
            if take_right:
                end, child_indices[written] = data[right], indices[right]
                right += 1
            child_data[written] = _between(start, end, gaps[child] if one_gap else gaps[written])
            written += 1


@kernel
def vote(codes: Array, voters: Array, parents: Array, chances: Array, donors: Array) -> None:
    """Find for every child and nominal column a voter that has the most frequent value.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_nominal), int
        Values of the nominal columns as numbers.
    voters : ndarray of shape (n_rows, n_voters), int
        Rows that vote for the children of each row.
    parents : ndarray of shape (n_children,), int
        Parent of every child.
    chances : ndarray of shape (n_children, n_nominal), float64
        Numbers in [0, 1) that decide between values that are equally frequent.
    donors : ndarray of shape (n_children, n_nominal), int
        Receives the row whose value the child takes.
    """
    n_voters = voters.shape[1]
    votes = np.empty(n_voters, dtype=np.int64)
    for child in range(parents.size):
        those = voters[parents[child]]
        for column in range(codes.shape[1]):
            most, tied = 0, 0
            for voter in range(n_voters):
                # a value is counted at the first voter that has it
                first = 0
                while codes[those[first], column] != codes[those[voter], column]:
                    first += 1
                votes[voter] = 0
                votes[first] += 1
            for place in range(n_voters):
                if votes[place] > most:
                    most, tied = votes[place], 0
                tied += votes[place] == most
            chosen = int(chances[child, column] * tied)
            for place in range(n_voters):
                if votes[place] == most:
                    if chosen == 0:
                        donors[child, column] = those[place]
                        break
                    chosen -= 1
