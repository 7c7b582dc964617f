"""Recall by class, and its mean over classes with many, a medium number of and few training images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.ground.arrays import as_array, class_labels
from repro.ground.checks import whole_number


@dataclass(frozen=True)
class ShotGroups:
    """Classes by the number of their training images.

    Attributes
    ----------
    many, medium, few : ndarray of bool, shape (C,)
        Which classes belong to the group; every class belongs to one of them.
    """

    many: NDArray[np.bool_]
    medium: NDArray[np.bool_]
    few: NDArray[np.bool_]


@dataclass(frozen=True)
class ShotRecalls:
    """Mean recall of each group of classes.

    Attributes
    ----------
    many, medium, few : float
        NaN where the group has no class.
    """

    many: float
    medium: float
    few: float


def class_sizes(name: str, counts: Any, n_classes: int | None = None) -> NDArray[np.int64]:
    """Give numbers of images per class as int64.

    Parameters
    ----------
    name : str
        Name of the argument.
    counts : array-like or tensor of int, shape (C,)
    n_classes : int, optional
        None: any number of at least one.

    Returns
    -------
    ndarray of int64, shape (C,)

    Raises
    ------
    TypeError
        If the entries are no whole numbers.
    ValueError
        If they are no vector of this length, or one is negative.
    """
    found = as_array(counts)
    if found.ndim != 1 or found.size == 0 or n_classes not in (None, found.size):
        wanted = "one or more classes" if n_classes is None else f"{n_classes} classes"
        raise ValueError(f"{name} must be a vector with one entry for each of {wanted}, got shape {found.shape}")
    if found.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold whole numbers, got entries of type {found.dtype}")
    if found.min() < 0:
        raise ValueError(f"{name} must not be negative, got {found.min()} for class {int(found.argmin())}")
    return found.astype(np.int64)


def shot_groups(counts: Any, *, many: int = 100, few: int = 20) -> ShotGroups:
    """Split the classes by their number of training images, as evaluations on long-tailed sets do.

    Parameters
    ----------
    counts : array-like of int, shape (C,)
        Training images of every class.
    many : int, default=100
        A class with more images than this belongs to "many".
    few : int, default=20
        A class with fewer images than this belongs to "few"; all others, both bounds included, are "medium".

    Returns
    -------
    ShotGroups

    Raises
    ------
    TypeError
        If counts or bounds are no whole numbers.
    ValueError
        If counts are no vector or negative, or `few` is above `many` plus one, so that a class would belong to both.

    Examples
    --------
    >>> groups = shot_groups([500, 60, 5])
    >>> groups.many, groups.medium, groups.few
    (array([ True, False, False]), array([False,  True, False]), array([False, False,  True]))
    """
    sizes = class_sizes("counts", counts)
    above, below = whole_number("many", many, at_least=0), whole_number("few", few, at_least=0)
    if below > above + 1:
        raise ValueError(f"few must be at most many + 1 = {above + 1}, got {below}")
    return ShotGroups(sizes > above, (sizes >= below) & (sizes <= above), sizes < below)


def class_recalls(labels: Any, predictions: Any, n_classes: int) -> NDArray[np.float64]:
    """Share of the images of every class that is predicted as this class.

    Parameters
    ----------
    labels, predictions : array-like or tensor of int, shape (n,)
    n_classes : int
        C.

    Returns
    -------
    ndarray of float64, shape (C,)
        NaN for a class without images.

    Raises
    ------
    TypeError
        If labels or predictions are no whole numbers.
    ValueError
        If their shapes differ, or one lies outside [0, C).

    Examples
    --------
    >>> class_recalls([0, 0, 1, 1], [0, 1, 1, 1], 2)
    array([0.5, 1. ])
    """
    wanted = whole_number("n_classes", n_classes, at_least=1)
    true = class_labels(labels, wanted, np.size(as_array(labels)))
    found = as_array(predictions)
    if found.shape != true.shape or found.dtype.kind not in "iu":
        raise ValueError(
            f"predictions must be whole numbers of shape {true.shape} as labels are, got {found.dtype} of shape "
            f"{found.shape}"
        )
    wrong = found[(found < 0) | (found >= wanted)]
    if wrong.size:
        raise ValueError(
            f"predictions must lie between 0 and {wanted - 1}, got {wrong.size} outside, such as {wrong[0]}"
        )
    sizes = np.bincount(true, minlength=wanted)
    hits = np.bincount(true[found == true], minlength=wanted)
    recalls = np.full(wanted, np.nan)
    np.divide(hits, sizes, out=recalls, where=sizes > 0)
    return recalls


def shot_recalls(recalls: Any, counts: Any, *, many: int = 100, few: int = 20) -> ShotRecalls:
    """Mean recall of the classes of each group.

    Parameters
    ----------
    recalls : array-like of float, shape (C,)
        Recall of every class, see :func:`class_recalls`; NaN for a class without test images, which is left out.
    counts : array-like of int, shape (C,)
        Training images of every class.
    many, few : int, default=100 and 20
        See :func:`shot_groups`.

    Returns
    -------
    ShotRecalls
        NaN where a group has no class with a recall: there is nothing to take a mean of.

    Raises
    ------
    TypeError
        If an argument holds no numbers.
    ValueError
        If shapes differ, a recall lies outside [0, 1], or counts or bounds are no valid ones.

    Examples
    --------
    >>> shot_recalls([0.9, 0.6, 0.2], [500, 60, 5])
    ShotRecalls(many=0.9, medium=0.6, few=0.2)
    """
    groups = shot_groups(counts, many=many, few=few)
    values = checked_recalls(recalls, len(groups.many))

    def mean_over(group: NDArray[np.bool_]) -> float:
        known = values[group & ~np.isnan(values)]
        return float(known.mean()) if known.size else float("nan")

    return ShotRecalls(mean_over(groups.many), mean_over(groups.medium), mean_over(groups.few))


def checked_recalls(recalls: Any, n_classes: int) -> NDArray[np.float64]:
    """Give recalls as a vector; entries lie in [0, 1] or are NaN.

    Parameters
    ----------
    recalls : array-like or tensor of float
    n_classes : int

    Returns
    -------
    ndarray of float64, shape (n_classes,)

    Raises
    ------
    TypeError
        If they are no real numbers.
    ValueError
        If the shape is another one, or a recall lies outside [0, 1].
    """
    found = as_array(recalls)
    if found.dtype.kind not in "iuf":
        raise TypeError(f"recalls must hold real numbers, got entries of type {found.dtype}")
    if found.shape != (n_classes,):
        raise ValueError(f"recalls must have shape ({n_classes},), one for each class of counts, got {found.shape}")
    values = found.astype(np.float64)
    wrong = values[(values < 0) | (values > 1)]
    if wrong.size:
        raise ValueError(f"recalls must lie between 0 and 1, got {wrong.size} outside, such as {wrong[0]:g}")
    return values
