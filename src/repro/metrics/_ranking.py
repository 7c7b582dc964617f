"""Rows sorted once by score: the checked input of every ranking metric, and the metrics on cumulative counts."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from repro.ground.arrays import as_array, real_vector, shown
from repro.ground.labels import label_array

LABEL_CODINGS = "booleans, 0 and 1, or -1 and 1"
"""What `y_true` may hold."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows from the highest score down.

    Attributes
    ----------
    positive : ndarray of shape (n,), bool
        Whether the row is a positive.
    order : ndarray of shape (n,), intp
        Row numbers; rows of equal score keep their order in the input.
    weight : ndarray of shape (n,), float64, or None
        Sample weights, divided by a power of two such that the largest lies between 1/2 and 1.
    block_end : ndarray of shape (n_distinct,), intp
        Position of the last row of every block of equal scores.
    score : ndarray of shape (n,)
        Scores, float64 or, beyond 2**53, whole numbers.
    group : ndarray of shape (n,), intp, or None
        Position of the row's group in `group_names`.
    group_names : tuple
        Labels of the groups, sorted; empty without groups.
    weight_exponent : int
        The power of two.
    """

    positive: NDArray[np.bool_]
    order: NDArray[np.intp]
    weight: NDArray[np.float64] | None
    block_end: NDArray[np.intp]
    score: NDArray[Any]
    group: NDArray[np.intp] | None
    group_names: tuple[Hashable, ...]
    weight_exponent: int = 0


def _labels(y_true: ArrayLike) -> NDArray[np.bool_]:
    labels = label_array("y_true", y_true)
    if labels.ndim != 1 or labels.size == 0:
        raise ValueError(f"y_true must be a vector with at least 1 entry, got shape {labels.shape}")
    if labels.dtype == np.bool_:
        return labels
    positive = np.asarray(labels == 1, dtype=np.bool_)
    n_negative = labels.size - np.count_nonzero(positive)
    if n_negative not in (np.count_nonzero(labels == 0), np.count_nonzero(labels == -1)):
        raise ValueError(
            f"y_true must hold {LABEL_CODINGS}, got {shown(labels)}; binarise with y_true == positive_label"
        )
    return positive


def _one_length(name: str, size: int, expected: int) -> None:
    if size != expected:
        raise ValueError(f"y_true and {name} must have one length, got {expected} and {size}")


def _weights(
    sample_weight: ArrayLike, positive: NDArray[np.bool_], both_classes: bool
) -> tuple[NDArray[np.float64], int]:
    """Give weights of which the largest is near 1, so that no product of two sums overflows, and their power of two."""
    given = real_vector("sample_weight", sample_weight).astype(np.float64, copy=False)
    _one_length("sample_weight", given.size, positive.size)
    if given.min() < 0:
        raise ValueError(
            f"sample_weight must not be negative, got {int((given < 0).sum())} negative values, "
            f"the smallest {given.min():g}"
        )
    if not given.any():
        raise ValueError("sample_weight must not be zero in every row")
    exponent = int(np.frexp(given.max())[1])
    weight: NDArray[np.float64] = np.ldexp(given, -exponent)
    if both_classes:
        for name, rows in (("positives", positive), ("negatives", ~positive)):
            if not weight[rows].any():
                vanishing = " beside the largest weight" if given[rows].any() else ""
                raise ValueError(
                    f"sample_weight is zero{vanishing} for all {int(rows.sum())} {name}; both classes need weight"
                )
    return weight, exponent


def _groups(groups: Any, n_rows: int) -> tuple[NDArray[np.integer[Any]], tuple[Hashable, ...]]:
    """Give the code of every row, in a small integer type that is quick to reorder, and the sorted labels."""
    categorical = isinstance(getattr(groups, "dtype", None), pd.CategoricalDtype)
    if isinstance(groups, list | tuple):
        # of a list that mixes strings and NaN, NumPy would make the string "nan"
        groups = np.array(groups, dtype=object)
    labels = groups if categorical else as_array(groups)
    if labels.ndim != 1 or labels.size == 0:
        raise ValueError(f"groups must be a vector with at least 1 entry, got shape {labels.shape}")
    _one_length("groups", len(labels), n_rows)
    whole = not categorical and labels.dtype.kind in "iu" and labels.dtype != np.uint64
    if whole and int(labels.max()) - int(labels.min()) < n_rows:
        # a table of this length instead of a hash table of the size of the data
        lowest = int(labels.min())
        distance = labels.astype(np.int64, copy=False) - lowest
        used = np.flatnonzero(np.bincount(distance))
        code = np.zeros(used[-1] + 1, dtype=np.min_scalar_type(used.size))
        code[used] = np.arange(used.size)
        return code[distance], tuple((used + lowest).tolist())
    try:
        codes, names = pd.factorize(labels, sort=True)
    except TypeError as problem:
        raise TypeError(f"groups must hold labels that can be sorted, got {shown(labels)}") from problem
    if codes.min() < 0:
        raise ValueError(f"groups holds {int((codes < 0).sum())} missing values; leave these rows out or name them")
    return codes.astype(np.min_scalar_type(len(names))), tuple(np.asarray(names).tolist())


def _descending(score: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the stable order from the highest score down and the last position of each block of equal scores."""
    n_rows = score.size
    # of whole numbers the complement reverses the order, also of those whose negative does not exist
    order = np.argsort(~score if score.dtype.kind in "iu" else -score)
    ranked = score[order]
    ends_block = np.append(ranked[1:] != ranked[:-1], True)
    block_end = np.flatnonzero(ends_block)
    if block_end.size < n_rows:
        # NumPy's own stable sort is several times slower than its default and a sort of these integers
        block = np.cumsum(ends_block) - ends_block
        order = np.sort(block * n_rows + order) % n_rows
    return order, block_end


def rank_rows(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    groups: Any = None,
    both_classes: bool = True,
) -> Ranking:
    """Check labels, scores, weights and groups, and sort the rows once.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        Booleans, 0 and 1, or -1 and 1.
    y_score : array-like of shape (n,)
        Finite scores; higher means more likely positive. Whole numbers are compared as such.
    sample_weight : array-like of shape (n,), optional
        Not negative, finite, with a positive total in each class.
    groups : array-like of shape (n,), optional
        Labels without missing values. Groups are sorted by label; the categories of a pandas Categorical keep theirs.
    both_classes : bool, default=True
        Whether one class alone is refused.

    Returns
    -------
    Ranking

    Raises
    ------
    ValueError
        If the lengths differ, labels hold anything else, scores or weights are not finite, weights are negative or all
        zero (in a class), group labels are missing, or (with `both_classes`) there is one class only.
    TypeError
        If scores or weights are no real numbers, or group labels cannot be sorted.
    """
    positive = _labels(y_true)
    n_rows = positive.size
    score = real_vector("y_score", y_score, hint="; of predict_proba take the column of the positive class")
    _one_length("y_score", score.size, n_rows)
    if both_classes:
        n_positive = int(np.count_nonzero(positive))
        if n_positive in (0, n_rows):
            found = "positives" if n_positive else "negatives"
            raise ValueError(f"y_true must hold both classes, got {n_rows} {found} and nothing else")
    weight, exponent = (None, 0) if sample_weight is None else _weights(sample_weight, positive, both_classes)
    codes, names = (None, ()) if groups is None else _groups(groups, n_rows)
    order, block_end = _descending(score)
    return Ranking(
        positive[order],
        order,
        None if weight is None else weight[order],
        block_end,
        score[order],
        None if codes is None else codes[order].astype(np.intp),
        names,
        exponent,
    )


def cumulative_weights(
    ranking: Ranking, weight: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weight of the positives and of the negatives down to the end of every block of equal scores.

    Parameters
    ----------
    ranking : Ranking
    weight : ndarray of shape (..., n), optional
        Weights in the order of the ranking, any number of sets at once. By default those of the ranking, or 1 a row.

    Returns
    -------
    positives, negatives : ndarray of shape (..., n_distinct), float64
        Whole weights give whole numbers, without rounding below 2**53.
    """
    if weight is None:
        weight = ranking.weight
    if weight is None:
        positives = np.cumsum(ranking.positive)[ranking.block_end].astype(np.float64)
        return positives, ranking.block_end + 1.0 - positives
    # np.take, unlike an index, keeps every set in one piece of memory, so that sums do not depend on how many there are
    positives, negatives = (
        np.take(np.cumsum(np.where(ranking.positive == side, weight, 0.0), axis=-1), ranking.block_end, axis=-1)
        for side in (True, False)
    )
    return positives, negatives


def _steps(cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
    steps = cumulative.copy()
    steps[..., 1:] -= cumulative[..., :-1]
    return steps


def auroc_of_weights(positives: NDArray[np.float64], negatives: NDArray[np.float64]) -> NDArray[np.float64]:
    """AUROC from the cumulative weights at the ends of the blocks; NaN where a class has no weight.

    Twice the number of ordered pairs, with half credit inside a block, is summed before the one division, so whole
    weights give the correctly rounded fraction as long as 2 n1 n0 < 2**53.

    Parameters
    ----------
    positives, negatives : ndarray of shape (..., n_distinct), float64
        As :func:`cumulative_weights` gives them.

    Returns
    -------
    ndarray of shape (...), float64
    """
    total_positive, total_negative = positives[..., -1], negatives[..., -1]
    lost_twice = negatives.copy()
    lost_twice[..., 1:] += negatives[..., :-1]
    lost_twice *= _steps(positives)
    all_twice = 2 * total_positive * total_negative
    with np.errstate(invalid="ignore"):
        return np.asarray((all_twice - lost_twice.sum(axis=-1)) / all_twice)


def average_precision_of_weights(positives: NDArray[np.float64], negatives: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average precision from the cumulative weights at the ends of the blocks; NaN where no positive has weight.

    Parameters
    ----------
    positives, negatives : ndarray of shape (..., n_distinct), float64
        As :func:`cumulative_weights` gives them.

    Returns
    -------
    ndarray of shape (...), float64
    """
    gained = positives + negatives
    # leading blocks without weight have no precision, and no positives to count it for: they stay 0
    np.divide(positives, gained, out=gained, where=gained > 0)
    gained *= _steps(positives)
    # added one after the other, blocks without weight change nothing, so repeated rows give the same last bit
    np.cumsum(gained, axis=-1, out=gained)
    with np.errstate(invalid="ignore"):
        return np.asarray(gained[..., -1] / positives[..., -1])
