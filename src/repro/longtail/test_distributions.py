"""Test sets whose class prior differs from that of the training set: long-tailed the same way, uniform, inversely."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.data import long_tail_counts
from repro.geometry._arrays import as_array, class_labels
from repro.geometry._checks import whole_number
from repro.longtail.groups import checked_recalls, class_sizes
from repro.protocol.exceptions import UnknownName

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
    """
    if name not in TEST_DISTRIBUTIONS:
        raise UnknownName("test distribution", str(name), TEST_DISTRIBUTIONS)
    kind, _, ratio = name.partition("-")
    return long_tail_counts(n_max, n_classes, float(ratio or 1), reverse=kind == "backward")


def seeded_subset(labels: Any, counts: Any, *, seed: int = 0) -> NDArray[np.int64]:
    """Subset by the rule that published CIFAR-LT sets share (Cao et al. 2019).

    One legacy NumPy stream is seeded once. Then, for class 0, 1, 2 and so on, the positions of the class, in the order
    of the file, are shuffled and the first ones kept. A class takes as many draws from the stream whatever its count,
    so subsets of one seed are nested.

    Parameters
    ----------
    labels : array-like or tensor of int, shape (n,)
        Classes of all images, in the order of the file.
    counts : array-like of int, shape (C,)
        Images to keep of class 0, 1, ..., C - 1.
    seed : int, default=0
        Published sets use 0.

    Returns
    -------
    ndarray of int64, shape (sum of counts,)
        Positions in ascending order.

    Raises
    ------
    TypeError
        If labels or counts are no whole numbers.
    ValueError
        If a label lies outside [0, C), a count is negative, or a class has fewer images than asked for.
    """
    wanted = class_sizes("counts", counts)
    classes = class_labels(labels, len(wanted), np.size(as_array(labels)))
    sizes = np.bincount(classes, minlength=len(wanted))
    short = np.flatnonzero(sizes < wanted)
    if short.size:
        raise ValueError(f"class {short[0]} has {sizes[short[0]]} images, {wanted[short[0]]} were asked for")
    stream = np.random.RandomState(whole_number("seed", seed, at_least=0))
    kept = []
    for number, count in enumerate(wanted.tolist()):
        positions = np.flatnonzero(classes == number)
        stream.shuffle(positions)
        kept.append(positions[:count])
    return np.sort(np.concatenate(kept)).astype(np.int64)


def shifted_test_indices(labels: Any, name: str, *, n_max: int | None = None, seed: int = 0) -> NDArray[np.int64]:
    """Test images of one of the eleven distributions, drawn by :func:`seeded_subset`.

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
    return seeded_subset(found, shifted_counts(len(sizes), largest, name), seed=seed)


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
    """
    sizes = class_sizes("counts", counts)
    values = checked_recalls(recalls, len(sizes))
    if sizes.sum() == 0:
        raise ValueError("counts must not all be 0")
    unknown = np.flatnonzero(np.isnan(values) & (sizes > 0))
    if unknown.size:
        raise ValueError(f"recalls must be known for every class with a count, class {unknown[0]} has NaN")
    return float(np.average(np.where(sizes > 0, values, 0.0), weights=sizes))
