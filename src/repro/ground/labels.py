"""Class labels, read in one way everywhere."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import column_or_1d

from repro.ground.arrays import as_array, one_column

Labels = NDArray[Any]


def label_array(name: str, labels: Any) -> Labels:
    """Give labels as an array whose type says what they are.

    A table with one column counts as this column. Numbers and truth values among Python objects become an array of
    numbers or truth values. In a list with text nothing is turned into text: NumPy would make "nan" of NaN, and "1" of
    1.

    Parameters
    ----------
    name : str
        Name of the argument.
    labels : array-like, tensor, pandas or polars Series or DataFrame
        Of any shape.

    Returns
    -------
    ndarray
        Truth values, numbers, dates or text, of the shape of `labels`.

    Raises
    ------
    ValueError
        If labels are missing (NaN, None, NA, NaT); says how many.
    TypeError
        If labels are of several types, or are Python objects that are neither numbers nor text.
    """
    column = one_column(labels)
    values = as_array(column)
    if values.dtype.kind in "US" and isinstance(column, list | tuple):
        objects = np.array(column, dtype=object)
        if all(isinstance(value, str | bytes) for value in objects.ravel()):
            return values
        values = objects
    if values.dtype.kind == "O":
        return _typed(name, values)
    if values.dtype.kind in "fc":
        _refuse_missing(name, int(np.isnan(values).sum()))
    elif values.dtype.kind in "mM":
        _refuse_missing(name, int(np.isnat(values).sum()))
    return values


def label_vector(name: str, labels: Any) -> Labels:
    """Give labels as a vector whose type says what they are; see :func:`label_array`.

    Raises
    ------
    ValueError
        As :func:`label_array`, and if they are neither a vector nor one column.
    TypeError
        As :func:`label_array`.

    Warns
    -----
    DataConversionWarning
        When an array has shape (n, 1), as scikit-learn does.
    """
    vector: Labels = column_or_1d(label_array(name, labels), warn=True)
    return vector


def _refuse_missing(name: str, missing: int) -> None:
    if missing:
        raise ValueError(f"{name} holds {missing} missing labels (NaN or None); every row needs a class")


def _typed(name: str, objects: NDArray[np.object_]) -> Labels:
    """Python objects as an array of truth values or numbers; text stays as it is."""
    import pandas as pd

    _refuse_missing(name, int(pd.isna(objects).sum()))
    types = {type(value) for value in objects.ravel()}
    if all(issubclass(found, str) for found in types):
        return objects
    if all(issubclass(found, Real | np.bool_) for found in types):
        numbers = np.array(objects.tolist())
        if numbers.dtype.kind in "biuf":
            return numbers
    found = ", ".join(sorted(found.__name__ for found in types))
    several = f"several types ({found})" if len(types) > 1 else f"the type {found}"
    raise TypeError(
        f"{name} holds labels of {several} as objects; give them one type, truth values, whole numbers or text, for "
        "example by astype(int) or astype(str)"
    )
