"""Features, labels and classifiers as NumPy arrays, from NumPy or from PyTorch on any device."""

from __future__ import annotations

import sys
from numbers import Integral
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LARGEST_INTEGER: Final = 2**53
"""Whole numbers beyond this size are not all different in float64."""


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


def one_column(values: Any) -> Any:
    """Give the column of a table that has a single one, and anything else as it is.

    Parameters
    ----------
    values : DataFrame, Series, array-like or tensor
        Tables of pandas or polars.
    """
    if hasattr(values, "columns") and hasattr(values, "shape") and values.shape[1] == 1:
        return values.iloc[:, 0] if hasattr(values, "iloc") else values[values.columns[0]]
    return values


def real_vector(name: str, values: Any, *, hint: str = "") -> NDArray[Any]:
    """Give real numbers as a vector in which different numbers stay different.

    A table with one column counts as this column.

    Parameters
    ----------
    name : str
        Name of the argument.
    values : array-like or tensor of shape (n,)
    hint : str
        What is added to the message about a wrong shape.

    Returns
    -------
    ndarray of shape (n,)
        In float64; whole numbers that reach beyond 2**53, and floats wider than float64, keep their type.

    Raises
    ------
    TypeError
        If the entries are no real numbers.
    ValueError
        If they are no vector, there is none, entries are NaN or infinite (says how many), or whole numbers do not fit
        into 64 bits.
    """
    found = as_array(one_column(values))
    if found.ndim != 1 or found.size == 0:
        raise ValueError(f"{name} must be a vector with at least 1 entry, got shape {found.shape}{hint}")
    if found.dtype.kind == "O":
        found = _numbers_of_objects(name, found)
    if found.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, got {shown(found)}")
    if found.dtype.kind in "iu" and max(-int(found.min()), int(found.max())) > LARGEST_INTEGER:
        return found
    numbers = found if found.dtype == np.longdouble else found.astype(np.float64, copy=False)
    finite = np.isfinite(numbers)
    if not finite.all():
        n_nan = int(np.isnan(numbers).sum())
        raise ValueError(
            f"{name} must be finite, got {n_nan} NaN and {numbers.size - int(finite.sum()) - n_nan} infinite values "
            f"among {numbers.size}"
        )
    return numbers


def _numbers_of_objects(name: str, objects: NDArray[np.object_]) -> NDArray[Any]:
    """Whole numbers in an integer type, all others in float64; the NA of pandas, which float() refuses, as NaN."""
    import pandas as pd

    missing = pd.isna(objects)
    if not missing.any() and all(isinstance(value, Integral) for value in objects):
        whole = np.array([int(value) for value in objects])
        if whole.dtype.kind not in "iu":
            raise ValueError(f"{name} holds whole numbers beyond 64 bits, got {shown(objects)}; give their ranks")
        return whole
    try:
        return np.where(missing, np.nan, objects).astype(np.float64)
    except (TypeError, ValueError) as problem:
        raise TypeError(f"{name} must hold real numbers, got {shown(objects)}") from problem


def shown(values: Any) -> str:
    """Up to five different values, for an error message."""
    distinct = list(dict.fromkeys(map(repr, np.asarray(values, dtype=object).tolist())))
    return ", ".join(distinct[:5]) + (f" and {len(distinct) - 5} others" if len(distinct) > 5 else "")


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
