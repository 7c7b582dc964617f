"""Checks of arguments that the metrics share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.ground.arrays import as_array, one_column
from repro.ground.labels import label_array


def binary_labels(y_true: ArrayLike, name: str = "y_true") -> NDArray[np.bool_]:
    """Give labels as booleans.

    Raises
    ------
    ValueError
        If they are no vector, or hold anything but 0 and 1 (False and True).
    """
    labels = label_array(name, y_true)
    if labels.ndim != 1 or labels.size == 0:
        raise ValueError(f"{name} must be a vector with at least 1 entry, got shape {labels.shape}")
    if labels.dtype != np.bool_ and not np.isin(labels, (0, 1)).all():
        found = ", ".join(map(repr, np.unique(labels.astype(str))[:4].tolist()))
        raise ValueError(f"{name} must hold 0 and 1, or False and True, got {found}; write y == positive_class")
    return labels.astype(np.bool_)


def same_length(first: NDArray[np.bool_], second: ArrayLike, names: str) -> None:
    """Refuse two vectors of different lengths.

    Raises
    ------
    ValueError
        Names both shapes.
    """
    if first.shape != np.shape(second):
        raise ValueError(f"{names} must be vectors of one length, got shapes {first.shape} and {np.shape(second)}")


def probabilities(probability: ArrayLike) -> NDArray[np.float64]:
    """Give probabilities as float64.

    Raises
    ------
    ValueError
        If one is missing or lies outside [0, 1].
    """
    found = as_array(one_column(probability)).astype(np.float64, copy=False)
    if not ((found >= 0) & (found <= 1)).all():
        wrong = found[~((found >= 0) & (found <= 1))]
        raise ValueError(
            f"probability must lie between 0 and 1, got {wrong.size} values that do not, such as {wrong[0]:g}"
        )
    return found
