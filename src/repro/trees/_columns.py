"""From a table with numeric and nominal columns to one matrix of numbers, and back to names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from repro.ground.exceptions import UnknownName

CategoricalFeatures: TypeAlias = Literal["auto"] | Sequence[int] | Sequence[bool] | Sequence[str] | NDArray[Any] | None


@dataclass(frozen=True)
class Columns:
    """Names and kinds of the columns of a table.

    Attributes
    ----------
    names : tuple of str
        Column names; ``column 0``, ``column 1``, ... when the table has none.
    nominal : bool array of shape (n_features,)
        Which columns are nominal.
    categories : tuple of (array or None)
        Categories of every nominal column in the order of their numbers; None for a numeric column.
    """

    names: tuple[str, ...]
    nominal: NDArray[np.bool_]
    categories: tuple[NDArray[Any] | None, ...]

    @property
    def n_categories(self) -> NDArray[np.int64]:
        """Number of categories of every column, 0 for a numeric one: int64 array of shape (n_features,)."""
        return np.array([0 if values is None else len(values) for values in self.categories], dtype=np.int64)


def is_frame(X: Any) -> bool:
    """Tell whether `X` is a table with named columns (pandas, polars)."""
    return hasattr(X, "columns") and hasattr(X, "__getitem__")


def _column(X: Any, j: int) -> pd.Series[Any]:
    """Column `j` of a table or array as a pandas Series."""
    if isinstance(X, pd.DataFrame):
        return X.iloc[:, j]
    if is_frame(X):
        return pd.Series(X[X.columns[j]].to_list())
    return pd.Series(X[:, j])


def _is_text(series: pd.Series[Any]) -> bool:
    dtype = series.dtype
    return (
        isinstance(dtype, pd.CategoricalDtype)
        or pd.api.types.is_string_dtype(dtype)
        or pd.api.types.is_object_dtype(dtype)
    )


def _nominal_mask(X: Any, names: tuple[str, ...], categorical_features: CategoricalFeatures) -> NDArray[np.bool_]:
    n_features = len(names)
    mask = np.zeros(n_features, dtype=np.bool_)
    if categorical_features is None:
        return mask
    if isinstance(categorical_features, str):
        if is_frame(X):
            mask[:] = [_is_text(_column(X, j)) for j in range(n_features)]
        return mask
    chosen = np.asarray(categorical_features)
    if chosen.ndim != 1:
        raise ValueError(f"categorical_features must be one-dimensional, got shape {chosen.shape}")
    if chosen.size == 0:
        return mask
    if chosen.dtype.kind == "b":
        if len(chosen) != n_features:
            raise ValueError(
                f"categorical_features as booleans must have one entry for each of the {n_features} columns, "
                f"got {len(chosen)}"
            )
        return np.asarray(chosen, dtype=np.bool_)
    if chosen.dtype.kind in "iu":
        if chosen.min() < 0 or chosen.max() >= n_features:
            raise ValueError(
                f"categorical_features must hold column numbers from 0 to {n_features - 1}, got {chosen.tolist()}"
            )
        mask[chosen] = True
        return mask
    if not is_frame(X):
        raise ValueError("categorical_features by name needs a table with column names; give column numbers instead")
    for name in chosen.tolist():
        if name not in names:
            raise UnknownName("column in categorical_features", str(name), names)
        mask[names.index(name)] = True
    return mask


def learn_columns(X: Any, n_features: int, categorical_features: CategoricalFeatures) -> Columns:
    """Find names, kinds and categories of the columns of `X`.

    Parameters
    ----------
    X : pandas or polars DataFrame, or array of shape (n_samples, n_features)
    n_features : int
    categorical_features : "auto", None or list
        Nominal columns by name, by number or as booleans; ``"auto"``: the text, object and category columns of a table.

    Raises
    ------
    ValueError
        For column numbers out of range, a wrong number of booleans, names without a table, or missing values in a
        nominal column.
    UnknownName
        For a name that is no column.
    """
    names = tuple(map(str, X.columns)) if is_frame(X) else tuple(f"column {j}" for j in range(n_features))
    nominal = _nominal_mask(X, names, categorical_features)
    categories: list[NDArray[Any] | None] = []
    for j in range(n_features):
        if not nominal[j]:
            categories.append(None)
            continue
        series = _column(X, j)
        if isinstance(series.dtype, pd.CategoricalDtype):
            categories.append(series.cat.categories.to_numpy())
        else:
            values = pd.unique(series.dropna())
            try:
                categories.append(np.sort(np.asarray(values)))
            except TypeError:
                categories.append(
                    np.array(sorted(values, key=lambda value: (str(type(value)), str(value))), dtype=object)
                )
    return Columns(names, nominal, tuple(categories))


def _numbers(series: pd.Series[Any], name: str) -> NDArray[np.float64]:
    """Values of a numeric column; missing ones become NaN."""
    if not (_is_text(series) or pd.api.types.is_numeric_dtype(series)) or pd.api.types.is_complex_dtype(series):
        raise ValueError(f"X holds values of type {series.dtype} in the column {name!r}, only real numbers are allowed")
    try:
        numbers: NDArray[np.float64] = series.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"X holds values in the numeric column {name!r} that are no numbers ({error}); "
            "if the column is nominal, name it in categorical_features"
        ) from error
    return numbers


def encode(X: Any, columns: Columns) -> NDArray[np.float64]:
    """Give the table as numbers: values of numeric columns, category numbers of nominal ones.

    Parameters
    ----------
    X : pandas or polars DataFrame, or array of shape (n_samples, n_features)
    columns : Columns

    Returns
    -------
    float64 array of shape (n_samples, n_features), C-ordered
        A category that `columns` does not know becomes -1.

    Raises
    ------
    TypeError, ValueError
        For text, dates or complex numbers in a numeric column and for missing values in a nominal one; the message
        names the column.
    """
    encoded = np.empty((len(X), len(columns.names)), dtype=np.float64)
    for j, (name, categories) in enumerate(zip(columns.names, columns.categories, strict=True)):
        series = _column(X, j)
        if categories is None:
            encoded[:, j] = _numbers(series, name)
            continue
        if series.isna().any():
            raise ValueError(
                f"X has {int(series.isna().sum())} missing values in the nominal column {name!r}; missing values are "
                "not supported: drop the rows or give the missing values a category of their own"
            )
        encoded[:, j] = pd.Index(categories).get_indexer(pd.Index(series))
    return encoded


def check_finite(encoded: ArrayLike, names: Sequence[str]) -> None:
    """Refuse NaN and infinite values by the name of their column.

    Raises
    ------
    ValueError
        Names the first column with such values and their number.
    """
    matrix = np.asarray(encoded)
    if np.isfinite(matrix).all():
        return
    for j, name in enumerate(names):
        missing = int(np.isnan(matrix[:, j]).sum())
        infinite = int(np.isinf(matrix[:, j]).sum())
        if missing or infinite:
            found = f"{missing} missing values (NaN)" if missing else f"{infinite} infinite values (inf)"
            raise ValueError(
                f"X has {found} in the column {name!r}; only finite numbers are supported: drop the rows or impute them"
            )
