"""Test sets whose class prior differs from that of the training set: long-tailed the same way, uniform, inversely."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data import long_tail_counts, make_long_tail
from repro.ground.arrays import as_array, class_labels
from repro.ground.checks import whole_number
from repro.ground.exceptions import UnknownName
from repro.longtail.groups import checked_recalls, class_sizes

_RATIOS = (50, 25, 10, 5, 2)
TEST_DISTRIBUTIONS: tuple[str, ...] = (
    *(f"forward-{ratio}" for ratio in _RATIOS),
    "uniform",
    *(f"backward-{ratio}" for ratio in reversed(_RATIOS)),
)


def shifted_counts(n_classes: int, n_max: int, name: str) -> NDArray[np.int64]:
    r"""Test images of every class under one of the eleven distributions.

    "forward-r" follows :math:`\lfloor n_{max} r^{-i/(C-1)} \rfloor` for class i, "backward-r" the same from the last
    class to the first, "uniform" keeps :math:`n_{max}` of every class (Zhang et al. 2022).

    Parameters
    ----------
    n_classes : int
        C.
    n_max : int
        Images of the largest class.
    name : str
        One of ``TEST_DISTRIBUTIONS``.

    Returns
    -------
    ndarray of int64, shape (C,)

    Raises
    ------
    UnknownName
        If there is no such distribution; it names the eleven.
    ValueError
        If a number is not positive, or the smallest class would be empty.

    Examples
    --------
    >>> shifted_counts(4, 100, "forward-10")
    array([100,  46,  21,  10])
    >>> shifted_counts(4, 100, "backward-10")
    array([ 10,  21,  46, 100])
    """
    if name not in TEST_DISTRIBUTIONS:
        raise UnknownName("test distribution", str(name), TEST_DISTRIBUTIONS)
    kind, _, ratio = name.partition("-")
    return long_tail_counts(n_max, n_classes, float(ratio or 1), reverse=kind == "backward")


def shifted_test_indices(labels: Any, name: str, *, n_max: int | None = None, seed: int = 0) -> NDArray[np.int64]:
    """Test images of one of the eleven distributions, drawn by the rule of published CIFAR-LT sets.

    As :func:`repro.data.make_long_tail` with a legacy NumPy stream of that seed.

    Parameters
    ----------
    labels : array-like or tensor of int, shape (n,)
        Classes 0, ..., C - 1 of the whole test set, in the order of the file; every class has images.
    name : str
        One of ``TEST_DISTRIBUTIONS``.
    n_max : int or None, default=None
        Images of the largest class; None: the size of the smallest class of `labels`, so that every class can be the
        largest one.
    seed : int, default=0
        Seed of the shuffle. The sets of one seed are nested per class.

    Returns
    -------
    ndarray of int64, shape (sum of the counts,)
        Positions in ascending order.

    Raises
    ------
    UnknownName
        If there is no such distribution; it names the eleven.
    TypeError
        If labels are no whole numbers.
    ValueError
        If labels are no vector, a class between 0 and the largest label has no image, or fewer images than asked for.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.repeat([0, 1, 2], 100)
    >>> np.bincount(labels[shifted_test_indices(labels, "forward-10")])
    array([100,  31,  10])
    """
    found = as_array(labels)
    if found.ndim != 1 or found.size == 0:
        raise ValueError(f"labels must be a non-empty vector, got shape {found.shape}")
    if found.dtype.kind not in "iu":
        raise TypeError(f"labels must be whole numbers, got entries of type {found.dtype}")
    sizes = np.bincount(class_labels(found, int(found.max()) + 1, found.size))
    if sizes.min() == 0:
        raise ValueError(f"every class from 0 to {len(sizes) - 1} needs test images, class {sizes.argmin()} has none")
    largest = int(sizes.min()) if n_max is None else n_max
    stream = np.random.RandomState(whole_number("seed", seed, at_least=0))
    return make_long_tail(found, shifted_counts(len(sizes), largest, name), random_state=stream)


def reweighted_accuracy(recalls: Any, counts: Any) -> float:
    r"""Accuracy under another class prior, from recalls on the whole test set.

    :math:`\sum_i m_i R_i / \sum_i m_i` for recalls R and counts m: what the accuracy of a shifted test set estimates,
    without the sampling error of drawing it.

    Parameters
    ----------
    recalls : array-like of float, shape (C,)
        Recall of every class on all its test images.
    counts : array-like of int, shape (C,)
        Images of every class in the shifted test set, see :func:`shifted_counts`.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If an argument holds no numbers.
    ValueError
        If shapes differ, a recall lies outside [0, 1], counts are negative or all 0, or a class with a count has no
        recall (NaN).

    Examples
    --------
    >>> round(reweighted_accuracy([0.9, 0.4], [80, 20]), 2)
    0.8
    """
    sizes = class_sizes("counts", counts)
    values = checked_recalls(recalls, len(sizes))
    if sizes.sum() == 0:
        raise ValueError("counts must not all be 0")
    unknown = np.flatnonzero(np.isnan(values) & (sizes > 0))
    if unknown.size:
        raise ValueError(f"recalls must be known for every class with a count, class {unknown[0]} has NaN")
    return float(np.average(np.where(sizes > 0, values, 0.0), weights=sizes))
