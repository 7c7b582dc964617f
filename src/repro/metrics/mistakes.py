"""Atomic mistakes of a ranking: what fixing one is worth, and paths of many fixes."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from repro.ground.exceptions import UnknownName
from repro.ground.random_state import RandomState, as_generator
from repro.metrics._ranking import Ranking, rank_rows

RepairPolicy = Literal["random", "highest", "largest_ap_gain"]
"""Which mistake is fixed next."""


def _without_ties(y_true: ArrayLike, y_score: ArrayLike, groups: Any = None) -> Ranking:
    ranking = rank_rows(y_true, y_score, groups=groups)
    block_size = np.diff(ranking.block_end, prepend=-1)
    n_tied = int(block_size[block_size > 1].sum())
    if n_tied:
        raise ValueError(
            f"y_score must hold distinct scores, got {n_tied} tied scores in {int((block_size > 1).sum())} blocks; "
            "a mistake is defined between neighbours of different scores"
        )
    return ranking


def mistakes(y_true: ArrayLike, y_score: ArrayLike) -> pd.DataFrame:
    """List the atomic mistakes: a negative directly above a positive in the order of the scores.

    To fix a mistake is to exchange the two scores. With the negative at rank r and T positives above it, fixing it
    alone raises the metrics by (McDermott et al. 2024, Theorem 2, in exact form)::

        delta AUROC             = 1 / (n1 n0)
        delta average precision = (T + 1) / (n1 r (r + 1))

    The second is (T + 1) / r, the precision at rank r after the fix, times 1 / (n1 (r + 1)). So a mistake at a high
    score is worth more, but not always: precision counts as well, and the best may be further down.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Booleans, 0 and 1, or -1 and 1.
    y_score : array-like of shape (n,)
        Finite, distinct scores; higher means more likely positive.

    Returns
    -------
    DataFrame
        One row per mistake from the highest score down; no rows for a perfect ranking. Columns: ``rank_of_negative``
        (r, from 1) and ``positives_above`` (T), int64; ``delta_auroc`` and ``delta_ap``, float64.

    Raises
    ------
    ValueError
        If scores are tied (says how many), lengths differ, scores are not finite, there is one class only, or labels
        hold other values.
    TypeError
        If scores are no real numbers.

    Examples
    --------
    >>> mistakes([0, 0, 0, 0, 0, 1, 0, 1], [8, 7, 6, 5, 4, 3, 2, 1]).round(4)
       rank_of_negative  positives_above  delta_auroc  delta_ap
    0                 5                0       0.0833    0.0167
    1                 7                1       0.0833    0.0179
    """
    ranking = _without_ties(y_true, y_score)
    at = np.flatnonzero(~ranking.positive[:-1] & ranking.positive[1:])
    above = np.cumsum(ranking.positive)
    n_positive, n_negative = float(above[-1]), float(above.size - above[-1])
    return pd.DataFrame(
        {
            "rank_of_negative": at + 1,
            "positives_above": above[at],
            "delta_auroc": np.full(at.size, 1 / (n_positive * n_negative)),
            "delta_ap": (above[at] + 1) / (n_positive * (at + 1.0) * (at + 2.0)),
        }
    )


@dataclass(frozen=True, eq=False)
class RepairPath:
    """Both metrics while mistakes are fixed one after the other.

    Entry j of a path is the value after j fixes, entry 0 that of the scores as given. When no mistake is left before
    all steps are done, the paths hold their last value and the remaining rows are -1.

    Attributes
    ----------
    n_fixes : int
        Fixes that were made.
    n_possible : int
        Fixes from the given scores to a perfect ranking, (1 - AUROC) n1 n0, whatever their order.
    auroc, average_precision : ndarray of shape (steps + 1,), float64
        Of all rows. AUROC is the same straight line under every policy.
    by_group : DataFrame
        Indexed by group: ``n_positive``, ``n_negative``, and ``defined``, whether the group has both classes. No rows
        without groups.
    group_auroc, group_average_precision : ndarray of shape (steps + 1, n_groups), float64
        Within each group, in the order of `by_group`; NaN where not `defined`. Only fixes within the group move them.
    negative_row, positive_row : ndarray of shape (steps,), intp
        The rows of the input that exchanged their scores.
    rank_of_negative : ndarray of shape (steps,), intp
        Rank of the negative before the fix, from 1.
    order : ndarray of shape (n,), intp
        Rows of the input from the highest score down, after the last fix.
    """

    n_fixes: int
    n_possible: int
    auroc: NDArray[np.float64]
    average_precision: NDArray[np.float64]
    by_group: pd.DataFrame
    group_auroc: NDArray[np.float64]
    group_average_precision: NDArray[np.float64]
    negative_row: NDArray[np.intp]
    positive_row: NDArray[np.intp]
    rank_of_negative: NDArray[np.intp]
    order: NDArray[np.intp]

    @property
    def perfect(self) -> bool:
        """Whether the path ends with every positive above every negative."""
        return self.n_fixes == self.n_possible


def _pairs(descending: NDArray[np.bool_]) -> tuple[int, int]:
    """Pairs of a negative and a positive, and those with the negative above."""
    wrong = np.cumsum(~descending)[descending]
    return wrong.size * (descending.size - wrong.size), int(wrong.sum())


def _ap_path(descending: NDArray[np.bool_], gains: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average precision of ranked labels and after every gain, which is given times the number of positives."""
    ranks = np.flatnonzero(descending) + 1
    start = np.sum(np.arange(1, ranks.size + 1) / ranks)
    return np.cumsum(np.append(start, gains)) / ranks.size


def fix_mistakes(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    policy: RepairPolicy = "random",
    steps: int,
    groups: Any = None,
    random_state: RandomState = None,
) -> RepairPath:
    """Fix one atomic mistake after the other and follow both metrics, overall and by group.

    Every fix raises AUROC by 1 / (n1 n0), and the AUROC of a group by 1 / (n1_a n0_a) when both rows belong to it.
    A step takes O(log n) after the sort.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Booleans, 0 and 1, or -1 and 1.
    y_score : array-like of shape (n,)
        Finite, distinct scores; higher means more likely positive.
    policy : {"random", "highest", "largest_ap_gain"}, default="random"
        The mistake that is fixed next: any with equal probability, as AUROC is indifferent; the one with the highest
        scores; the one whose fix raises average precision most (of gains equal in float64, the highest).
    steps : int
        Number of fixes, not negative. May exceed what is possible: see :class:`RepairPath`.
    groups : array-like of shape (n,), optional
        Labels of groups without missing values.
    random_state : None, int, Generator or RandomState, default=None
        Chooses under the policy ``"random"``; unused otherwise.

    Returns
    -------
    RepairPath

    Raises
    ------
    ValueError
        If scores are tied (says how many), `steps` is negative, group labels are missing, lengths differ, scores are
        not finite, there is one class only, or labels hold other values.
    UnknownName
        If `policy` is unknown.
    TypeError
        If `steps` is no whole number, scores are no real numbers, or group labels cannot be sorted.

    Examples
    --------
    >>> path = fix_mistakes([0, 1, 0, 1], [4, 3, 2, 1], policy="highest", steps=5)
    >>> path.auroc.tolist(), path.n_fixes, path.perfect
    ([0.25, 0.5, 0.75, 1.0, 1.0, 1.0], 3, True)
    """
    from repro.metrics._mistake_kernels import repair

    policies = get_args(RepairPolicy)
    if policy not in policies:
        raise UnknownName("policy", str(policy), policies)
    try:
        n_steps = index(steps)
    except TypeError as problem:
        raise TypeError(f"steps must be a whole number, got {steps!r}") from problem
    if n_steps < 0:
        raise ValueError(f"steps must not be negative, got {n_steps}")
    ranking = _without_ties(y_true, y_score, groups)
    uniform = as_generator(random_state).random(n_steps) if policy == "random" else np.zeros(0)
    n_groups = len(ranking.group_names)
    group = np.zeros(ranking.order.size, dtype=np.intp) if ranking.group is None else ranking.group
    done = repair(ranking.positive, ranking.order, group, max(n_groups, 1), n_steps, policies.index(policy), uniform)

    step = np.arange(n_steps + 1)
    n_pairs, n_possible = _pairs(ranking.positive)
    group_of_row = np.empty_like(group)
    group_of_row[ranking.order] = group
    group_of_fix = np.where(group_of_row[done.negative] == group_of_row[done.positive], group_of_row[done.negative], -1)
    group_of_fix[done.n_fixes :] = -1
    n_positive, n_negative = np.zeros(n_groups, dtype=np.int64), np.zeros(n_groups, dtype=np.int64)
    group_auroc, group_ap = np.full((2, n_steps + 1, n_groups), np.nan)
    for a in range(n_groups):
        own, within = ranking.positive[group == a], group_of_fix == a
        n_positive[a], n_negative[a] = np.count_nonzero(own), np.count_nonzero(~own)
        own_pairs, wrong = _pairs(own)
        if own_pairs:
            group_auroc[:, a] = (own_pairs - wrong + np.append(0, np.cumsum(within))) / own_pairs
            group_ap[:, a] = _ap_path(own, np.where(within, done.group_gain, 0.0))
    return RepairPath(
        done.n_fixes,
        n_possible,
        (n_pairs - n_possible + np.minimum(step, done.n_fixes)) / n_pairs,
        _ap_path(ranking.positive, done.gain),
        pd.DataFrame(
            {"n_positive": n_positive, "n_negative": n_negative, "defined": (n_positive > 0) & (n_negative > 0)},
            index=pd.Index(list(ranking.group_names), name="group", tupleize_cols=False),
        ),
        group_auroc,
        group_ap,
        done.negative,
        done.positive,
        done.rank,
        done.place,
    )
