"""Features, labels and classifiers as NumPy arrays, from NumPy or from PyTorch on any device."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_array(values: Any) -> NDArray[Any]:
    """Give an array-like or a tensor as an array; a tensor is detached and copied from its device.

    PyTorch is not imported: whoever holds a tensor has imported it.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(values, torch.Tensor):
        tensor = values.detach().cpu()
        # NumPy has no bfloat16
        return np.asarray((tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy())
    return np.asarray(values)


def finite_matrix(name: str, values: Any, shape: tuple[int | None, int]) -> NDArray[np.float64]:
    """Give real numbers as a matrix in float64.

    Parameters
    ----------
    name : str
        Name of the argument.
    values : array-like or tensor
    shape : tuple of 2
        Wanted numbers of rows (None: any) and columns.

    Raises
    ------
    TypeError
        If the entries are no real numbers.
    ValueError
        If the shape is another one, or entries are NaN or infinite; says how many.
    """
    found = as_array(values)
    if found.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got entries of type {found.dtype}")
    rows, columns = shape
    if found.ndim != 2 or found.shape[1] != columns or (rows is not None and found.shape[0] != rows):
        wanted = f"({'n_samples' if rows is None else rows}, {columns})"
        raise ValueError(f"{name} must have shape {wanted}, got {found.shape}")
    numbers = found.astype(np.float64, copy=False)
    wrong = numbers.size - int(np.isfinite(numbers).sum())
    if wrong:
        missing = int(np.isnan(numbers).sum())
        raise ValueError(f"{name} must be finite, got {missing} NaN and {wrong - missing} infinite of {numbers.size}")
    return numbers


def class_labels(labels: Any, n_classes: int, n_samples: int) -> NDArray[np.intp]:
    """Give labels as a vector of class numbers.

    Raises
    ------
    TypeError
        If they are no whole numbers.
    ValueError
        If they are no vector with one label for each row of features, or one lies outside [0, n_classes).
    """
    found = as_array(labels)
    if found.shape != (n_samples,):
        raise ValueError(f"labels must have shape ({n_samples},), one for each row of features, got {found.shape}")
    if found.size and found.dtype.kind not in "iu":
        raise TypeError(f"labels must be whole numbers, got entries of type {found.dtype}")
    wrong = found[(found < 0) | (found >= n_classes)]
    if wrong.size:
        raise ValueError(f"labels must lie between 0 and {n_classes - 1}, got {wrong.size} outside, such as {wrong[0]}")
    return found.astype(np.intp, copy=False)


def bias_vector(bias: Any, n_classes: int) -> NDArray[np.float64]:
    """Give the bias of a classifier in float64; None stands for zeros.

    Raises
    ------
    TypeError, ValueError
        As :func:`finite_matrix`.
    """
    if bias is None:
        return np.zeros(n_classes)
    found = as_array(bias)
    if found.shape != (n_classes,):
        raise ValueError(f"b must have shape ({n_classes},), got {found.shape}")
    return finite_matrix("b", found[None], (1, n_classes)).ravel()
