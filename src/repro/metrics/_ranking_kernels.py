"""Compiled kernels of the ranking metrics: one pass over ranked rows with counters of every group."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from repro.ground.compiling import kernel

Array = npt.NDArray[Any]


class Pass(NamedTuple):
    """What one walk down a ranking has counted.

    Attributes
    ----------
    n_rows : ndarray of shape (n_groups, 2), int64
        Negatives and positives of every group.
    positives, negatives : ndarray of shape (n_groups,), float64
        Their weight.
    above_twice : ndarray of shape (n_groups, n_groups), float64
        Entry (a, b): over the rows of the smaller class in group a, twice the weight of the larger class in group b
        that stands above, rows of equal score counted half.
    gained : ndarray of shape (n_groups,), float64
        Sum over blocks of the weight of a group's positives times the precision within the group.
    gained_overall : float
        The same for all rows.
    found : ndarray of shape (n_depths,), float64
        Weight of the positives down to every depth, growing evenly within a block of equal scores.
    """

    n_rows: Array
    positives: Array
    negatives: Array
    above_twice: Array
    gained: Array
    gained_overall: float
    found: Array


@kernel
def group_pass(
    positive: Array,
    weight: Array | None,
    group: Array,
    block_end: Array,
    n_groups: int,
    few_positive: bool,
    depths: Array,
) -> Pass:
    """Walk down the blocks of equal scores.

    Parameters
    ----------
    positive, weight, group : ndarray of shape (n,)
        bool, float64 and intp, from the highest score down; without weights (None) every row counts 1.
    block_end : ndarray of shape (n_distinct,), intp
        Last position of every block.
    n_groups : int
        Number of groups.
    few_positive : bool
        Whether the positives are the smaller class. Only rows of the smaller class are compared with every group, so
        that a pass takes O(n + min(n1, n0) n_groups) steps.
    depths : ndarray of shape (n_depths,), float64
        Ascending, at most the weight of all rows.

    Returns
    -------
    Pass
    """
    n_rows = np.zeros((n_groups, 2), dtype=np.int64)
    above_twice = np.zeros((n_groups, n_groups))
    seen_twice, positives, fired = np.zeros(n_groups), np.zeros(n_groups), np.zeros(n_groups)
    before, gained = np.zeros(n_groups), np.zeros(n_groups)
    found = np.zeros(depths.size)
    all_positives, all_fired, gained_overall = 0.0, 0.0, 0.0
    start, depth = 0, 0
    for last in block_end:
        positives_above, fired_above = all_positives, all_fired
        for row in range(start, last + 1):
            a = group[row]
            amount = 1.0 if weight is None else weight[row]
            fired[a] += amount
            all_fired += amount
            if positive[row]:
                n_rows[a, 1] += 1
                positives[a] += amount
                all_positives += amount
            else:
                n_rows[a, 0] += 1
            if positive[row] != few_positive:
                seen_twice[a] += amount
        for row in range(start, last + 1):
            a = group[row]
            if positive[row] and positives[a] > before[a]:
                gained[a] += (positives[a] - before[a]) * (positives[a] / fired[a])
                before[a] = positives[a]
            if positive[row] == few_positive:
                amount = 1.0 if weight is None else weight[row]
                for b in range(n_groups):
                    above_twice[a, b] += amount * seen_twice[b]
        for row in range(start, last + 1):
            if positive[row] != few_positive:
                seen_twice[group[row]] += 1.0 if weight is None else weight[row]
        block_positives, block_fired = all_positives - positives_above, all_fired - fired_above
        if block_positives > 0:
            gained_overall += block_positives * (all_positives / all_fired)
        while depth < depths.size and depths[depth] <= all_fired:
            found[depth] = positives_above + (depths[depth] - fired_above) / block_fired * block_positives
            depth += 1
        start = last + 1
    # a weight of all rows that was summed in another order may be larger by a rounding
    found[depth:] = all_positives
    return Pass(n_rows, positives, fired - positives, above_twice, gained, gained_overall, found)
