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


def finite_matrix(name: str, values: Any, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Give real numbers as a matrix of this shape in float64.

    Raises
    ------
    TypeError, ValueError
        As :func:`finite_rows`.
    """
    return finite_rows(name, values, shape[1], n_rows=shape[0]).astype(np.float64, copy=False)


def finite_rows(name: str, values: Any, n_columns: int, *, n_rows: int | None = None) -> NDArray[Any]:
    """Give real numbers as a matrix of their own type.

    Parameters
    ----------
    name : str
        Name of the argument.
    values : array-like or tensor
    n_columns : int
    n_rows : int, optional
        None: any number.

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
    if found.ndim != 2 or found.shape[1] != n_columns or n_rows not in (None, len(found)):
        wanted = f"({'n_samples' if n_rows is None else n_rows}, {n_columns})"
        raise ValueError(f"{name} must have shape {wanted}, got {found.shape}")
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(found.sum())  # much faster than a look at each number; may also be an overflow
    wrong = found.size - int(np.isfinite(found).sum()) if suspicious else 0
    if wrong:
        missing = int(np.isnan(found).sum())
        raise ValueError(f"{name} must be finite, got {missing} NaN and {wrong - missing} infinite of {found.size}")
    return found


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
