"""Compiled kernel that repairs a ranking one atomic mistake at a time."""

from __future__ import annotations

import heapq
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from repro.ground.compiling import kernel

Array = npt.NDArray[Any]

RANDOM, HIGHEST, LARGEST_AP_GAIN = 0, 1, 2


class Repair(NamedTuple):
    """A repaired ranking and the fixes that led there.

    Attributes
    ----------
    n_fixes : int
        Fixes made.
    place : ndarray of shape (n_row,), intp
        Rows from the highest score down after the last fix.
    negative, positive : ndarray of shape (n_steps,), intp
        The rows that exchanged their scores; -1 for steps without a fix.
    rank : ndarray of shape (n_steps,), intp
        Rank of the negative before the fix; -1 for steps without a fix.
    gain : ndarray of shape (n_steps,), float64
        n1 times the gain in average precision.
    group_gain : ndarray of shape (n_steps,), float64
        The same within the group of both rows; 0 for a fix across groups.
    """

    n_fixes: int
    place: Array
    negative: Array
    positive: Array
    rank: Array
    gain: Array
    group_gain: Array


@kernel
def repair(
    is_positive: Array, row_at: Array, group: Array, n_groups: int, n_steps: int, policy: int, uniform: Array
) -> Repair:
    """Fix up to `n_steps` mistakes.

    A fix exchanges a negative with the positive directly below. Mistakes never share a row, so it touches no other
    mistake; it may make one with the row above and one with the row below. How many positives stand above a negative
    changes only for the negative that moves down, overall and within its group, and ranks within a group change only
    when both rows belong to it. So a step takes constant time, and logarithmic time where a heap chooses.

    Parameters
    ----------
    is_positive, row_at, group : ndarray of shape (n,)
        bool, intp, intp: label, row number and group from the highest score down.
    n_groups : int
        Number of groups.
    n_steps : int
        Fixes asked for.
    policy : int
        `RANDOM`, `HIGHEST` or `LARGEST_AP_GAIN`.
    uniform : ndarray of shape (n_steps,), float64
        Numbers in [0, 1) that choose for `RANDOM`.

    Returns
    -------
    Repair
    """
    n_rows = is_positive.size
    label, place, member = is_positive.copy(), row_at.copy(), group.copy()
    above, group_above, group_rank = np.zeros(n_rows, np.int64), np.zeros(n_rows, np.int64), np.zeros(n_rows, np.int64)
    seen, group_seen, group_size = 0, np.zeros(n_groups, np.int64), np.zeros(n_groups, np.int64)
    for at in range(n_rows):
        a = member[at]
        group_size[a] += 1
        above[at], group_above[at], group_rank[at] = seen, group_seen[a], group_size[a]
        if label[at]:
            seen += 1
            group_seen[a] += 1

    waiting = np.empty(n_rows // 2 + 1, np.int64)
    n_waiting = 0
    for at in range(n_rows - 2, -1, -1):
        if not label[at] and label[at + 1]:
            waiting[n_waiting] = at
            n_waiting += 1
    heap = [(0.0, 0) for _ in range(0)]
    if policy == LARGEST_AP_GAIN:
        for at in waiting[:n_waiting]:
            heap.append((-(above[at] + 1) / ((at + 1.0) * (at + 2.0)), at))
        heapq.heapify(heap)

    negative, positive, rank = np.full(n_steps, -1), np.full(n_steps, -1), np.full(n_steps, -1)
    gain, group_gain = np.zeros(n_steps), np.zeros(n_steps)
    n_fixes = 0
    while n_fixes < n_steps and n_waiting > 0:
        if policy == LARGEST_AP_GAIN:
            at = heapq.heappop(heap)[1]
        else:
            # the mistakes that wait stand with the highest on top when the highest is asked for
            chosen = n_waiting - 1
            if policy == RANDOM:
                chosen = int(uniform[n_fixes] * n_waiting)
            at = waiting[chosen]
            waiting[chosen] = waiting[n_waiting - 1]
        n_waiting -= 1
        below = at + 1

        negative[n_fixes], positive[n_fixes], rank[n_fixes] = place[at], place[below], at + 1
        gain[n_fixes] = (above[at] + 1) / ((at + 1.0) * (at + 2.0))
        if member[at] == member[below]:
            r = float(group_rank[at])
            group_gain[n_fixes] = (group_above[at] + 1) / (r * (r + 1.0))
            group_above[at] += 1
            group_rank[at], group_rank[below] = group_rank[below], group_rank[at]
        n_fixes += 1

        label[at], label[below] = True, False
        place[at], place[below] = place[below], place[at]
        member[at], member[below] = member[below], member[at]
        group_rank[at], group_rank[below] = group_rank[below], group_rank[at]
        group_above[at], group_above[below] = group_above[below], group_above[at]
        above[below] = above[at] + 1

        for new in (below, at - 1):
            if 0 <= new < n_rows - 1 and not label[new] and label[new + 1]:
                if policy == LARGEST_AP_GAIN:
                    heapq.heappush(heap, (-(above[new] + 1) / ((new + 1.0) * (new + 2.0)), new))
                else:
                    waiting[n_waiting] = new
                n_waiting += 1
    return Repair(n_fixes, place, negative, positive, rank, gain, group_gain)
