"""The containers that samplers accept, read column by column and given back as they came."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils import check_array

from repro.ground.arrays import LARGEST_INTEGER

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.float64]
RowNumbers = npt.NDArray[np.intp]
Container = TypeVar("Container")

_NUMBERS_IN_OBJECTS = frozenset({"boolean", "integer", "floating", "mixed-integer-float", "decimal", "empty"})


def kind_of(container: object) -> Literal["pandas", "polars", "sparse", "list", "array"]:
    """Tell which library a container belongs to, without importing a library that is not in use."""
    package = type(container).__module__.partition(".")[0]
    if package == "polars" and type(container).__name__ == "LazyFrame":
        raise TypeError("a polars LazyFrame has no rows yet; call its collect() first")
    if package in ("pandas", "polars") and type(container).__name__ in ("DataFrame", "Series"):
        return cast("Literal['pandas', 'polars']", package)
    if sparse.issparse(container):
        return "sparse"
    return "list" if isinstance(container, list) else "array"


def take_rows(container: Container, rows: RowNumbers) -> Container:
    """Rows of a container in the order given; frames keep their index labels."""
    kind, anything = kind_of(container), cast("Any", container)
    if kind == "pandas":
        return cast("Container", anything.iloc[rows])
    if kind == "list":
        return cast("Container", [anything[row] for row in rows])
    return cast("Container", (anything if kind in ("polars", "sparse") else np.asarray(anything))[rows])


def append_rows(container: Container, rows: RowNumbers) -> Container:
    """Put copies of some rows of a container after all of its rows; a pandas index starts again at 0."""
    kind, anything = kind_of(container), cast("Any", container)
    if kind == "list":
        return cast("Container", anything + take_rows(anything, rows))
    if kind == "array":
        values = np.asarray(anything)
        longer = np.empty((len(values) + rows.size, *values.shape[1:]), dtype=values.dtype)
        longer[: len(values)] = values
        longer[len(values) :] = values[rows]
        return cast("Container", longer)
    all_rows = np.concatenate([np.arange(anything.shape[0]), rows])
    longer_container = take_rows(container, all_rows)
    return cast("Any", longer_container).reset_index(drop=True) if kind == "pandas" else longer_container


class Table(ABC):
    """Features of a sampler's input: numeric columns as numbers, nominal columns as codes.

    Attributes
    ----------
    n_rows, n_columns : int
        Size of the input.
    names : sequence or None
        Column names, if it has any.
    numeric, nominal : sequence of int
        Columns of the children that are interpolated, and that are copied; set by :meth:`make_room`.
    children : ndarray of shape (n_children, n_numeric), float
        The interpolated values, to be filled in.
    donors : ndarray of shape (n_children, n_nominal), int
        Rows whose values the children take in the nominal columns, to be filled in.
    """

    numeric: Sequence[int]
    nominal: Sequence[int]
    children: Array
    donors: RowNumbers

    def __init__(self, n_rows: int, names: Sequence[object] | None, n_columns: int) -> None:
        self.n_rows, self.names, self.n_columns = n_rows, names, n_columns

    def title(self, column: int) -> str:
        """Give the column's name as it stands in messages."""
        return f"column {column}" if self.names is None else f"column {self.names[column]!r}"

    @abstractmethod
    def numbers(self, column: int) -> Numbers:
        """Values of a column, missing ones as NaN; a column without numbers is refused by name."""

    @abstractmethod
    def values(self, column: int) -> Any:
        """Values of a column as they are, for telling them apart."""

    @abstractmethod
    def is_nominal(self, column: int) -> bool:
        """Whether the column's type says that its values are names and not numbers."""

    @abstractmethod
    def finish(self) -> Any:
        """Original rows, then the children."""

    def make_room(self, n_children: int, numeric: Sequence[int], nominal: Sequence[int]) -> None:
        """Prepare `children` and `donors`; calls after the first change nothing."""
        if not hasattr(self, "children"):
            self.numeric, self.nominal = numeric, nominal
            self.donors = np.empty((n_children, len(nominal)), dtype=np.intp)
            self.children = self._allocate(n_children)

    def _allocate(self, n_children: int) -> Array:
        return np.empty((n_children, len(self.numeric)))

    def check_numbers(self, columns: Sequence[int]) -> None:
        """Refuse columns that hold something other than finite numbers that float64 can hold."""
        for column in columns:
            self._check_finite(column, self.numbers(column))

    def _check_finite(self, column: int, numbers: Numbers) -> None:
        missing, infinite = int(np.isnan(numbers).sum()), int(np.isinf(numbers).sum())
        if missing or infinite:
            found = " and ".join(
                f"{count} {name}" for count, name in ((missing, "NaN"), (infinite, "infinite")) if count
            )
            raise ValueError(f"{self.title(column)} holds {found}; impute or drop these rows first")

    def _check_exact(self, column: int, low: int, high: int) -> None:
        if max(-low, high) > LARGEST_INTEGER:
            raise ValueError(
                f"{self.title(column)} holds whole numbers beyond 2**53 in size, which cannot be interpolated exactly; "
                "convert it to float if it is a quantity, leave it out if it is an identifier"
            )

    def gather(self, rows: RowNumbers, columns: Sequence[int]) -> Numbers:
        """Numbers of some rows and columns, shape (n_rows, n_columns), float64, C order."""
        gathered = np.empty((rows.size, len(columns)))
        for place, column in enumerate(columns):
            gathered[:, place] = self.numbers(column)[rows]
        return gathered

    def codes(self, column: int) -> npt.NDArray[np.intp]:
        """Give every different value of a nominal column a number from 0; missing ones are refused by name."""
        import pandas as pd

        codes, values = pd.factorize(self.values(column))
        missing = int(np.count_nonzero(codes < 0))
        if any(isinstance(value, float | np.floating) and np.isinf(value) for value in values):
            raise ValueError(f"{self.title(column)} holds infinite values (inf); impute or drop these rows first")
        if missing:
            raise ValueError(
                f"{self.title(column)} holds {missing} missing values (NaN or None); make them a category of their own "
                "or drop these rows first"
            )
        return np.asarray(codes, dtype=np.intp)

    def _numbers_from_objects(self, column: int, objects: Array) -> Numbers:
        from pandas.api.types import infer_dtype

        if infer_dtype(objects, skipna=True) in _NUMBERS_IN_OBJECTS:
            return objects.astype(np.float64)
        for value in objects:
            if isinstance(value, str | bytes):
                self._refuse_text(column, value)
            try:
                float(value)
            except TypeError as error:
                raise TypeError(f"{self.title(column)} holds {value!r}: {error}") from error
        return objects.astype(np.float64)

    def _refuse_text(self, column: int, example: object) -> None:
        raise ValueError(
            f"{self.title(column)} holds text, for example {example!r}, where numbers are needed; "
            "use SMOTENC or SMOTEN and name it as a nominal column, or encode it"
        )

    def _refuse_type(self, column: int, dtype: object) -> None:
        raise ValueError(
            f"{self.title(column)} has type {dtype}, which holds no numbers to interpolate; use SMOTENC or SMOTEN and "
            "name it as a nominal column, or convert it"
        )


class ArrayTable(Table):
    """A NumPy array or a list of lists."""

    def __init__(self, features: Any) -> None:
        self.as_list = isinstance(features, list)
        if self.as_list and np.asarray(features).dtype.kind in "US":
            features = np.array(features, dtype=object)
        self.array: Array = check_array(features, dtype=None, ensure_all_finite=False)
        super().__init__(self.array.shape[0], None, self.array.shape[1])

    def values(self, column: int) -> Any:
        return self.array[:, column]

    def is_nominal(self, column: int) -> bool:
        raise ValueError(
            "categorical_features='auto' needs a pandas or polars DataFrame, whose columns have types; "
            f"for {'a list' if self.as_list else 'an array'} give the numbers of the nominal columns"
        )

    def numbers(self, column: int) -> Numbers:
        values = self.array[:, column]
        if values.dtype.kind == "O":
            return self._numbers_from_objects(column, values)
        if values.dtype.kind in "US":
            self._refuse_text(column, values[0])
        if values.dtype.kind not in "biuf":
            self._refuse_type(column, values.dtype)
        return values.astype(np.float64)

    def check_numbers(self, columns: Sequence[int]) -> None:
        kind = self.array.dtype.kind
        if kind in "iu" and self.array.dtype.itemsize == 8:
            for column in columns:
                self._check_exact(column, int(self.array[:, column].min()), int(self.array[:, column].max()))
        if kind == "f" and len(columns) == self.n_columns:
            with np.errstate(over="ignore", invalid="ignore"):
                if np.isfinite(self.array.sum()):
                    return
        if kind not in "biu":
            super().check_numbers(columns)

    def gather(self, rows: RowNumbers, columns: Sequence[int]) -> Numbers:
        if self.array.dtype.kind == "O":
            return super().gather(rows, columns)
        some = self.array[rows] if len(columns) == self.n_columns else self.array[np.ix_(rows, np.array(columns))]
        return np.ascontiguousarray(some, dtype=np.float64)

    def _allocate(self, n_children: int) -> Array:
        # values that are copied keep their type, points between whole numbers need a float
        dtype = np.dtype(np.float64) if self.array.dtype.kind in "biu" and len(self.numeric) else self.array.dtype
        dtype = dtype.newbyteorder("=")
        self.result = np.empty((self.n_rows + n_children, self.n_columns), dtype=dtype)
        self.result[: self.n_rows] = self.array
        self.in_place = dtype in (np.float64, np.float32) and len(self.numeric) == self.n_columns
        return self.result[self.n_rows :] if self.in_place else super()._allocate(n_children)

    def finish(self) -> Any:
        below = self.result[self.n_rows :]
        if not self.in_place:
            below[:, self.numeric] = self.children
        for place, column in enumerate(self.nominal):
            below[:, column] = self.array[self.donors[:, place], column]
        return self.result.tolist() if self.as_list else self.result


class FrameTable(Table):
    """A pandas or polars DataFrame: columns keep their types, whole numbers are rounded half to even."""

    def __init__(self, features: Any) -> None:
        self.frame = features
        if features.shape[0] == 0 or features.shape[1] == 0:
            what = "sample(s)" if features.shape[0] == 0 else "feature(s)"
            raise ValueError(f"Found 0 {what} (shape={features.shape}) while a minimum of 1 is required.")
        names = [*features.columns]
        name, count = Counter(names).most_common(1)[0]
        if count > 1:
            raise ValueError(f"X has {count} columns named {name!r}; column names must differ")
        super().__init__(features.shape[0], names, features.shape[1])


class PandasTable(FrameTable):
    """A pandas DataFrame."""

    frame: pd.DataFrame

    def _whole(self, column: int) -> bool:
        from pandas.api import types

        dtype = getattr(self.frame.dtypes.iloc[column], "subtype", self.frame.dtypes.iloc[column])
        return types.is_integer_dtype(dtype) or types.is_bool_dtype(dtype)

    def values(self, column: int) -> Any:
        return self.frame.iloc[:, column]

    def is_nominal(self, column: int) -> bool:
        from pandas.api import types

        dtype = self.frame.dtypes.iloc[column]
        return bool(
            isinstance(dtype, _categorical())
            or types.is_bool_dtype(dtype)
            or types.is_string_dtype(self.frame.iloc[:, column])
            or types.is_object_dtype(dtype)
        )

    def numbers(self, column: int) -> Numbers:
        from pandas.api import types

        series = self.frame.iloc[:, column]
        if isinstance(series.dtype, _categorical()):
            self._refuse_type(column, "category")
        if types.is_object_dtype(series.dtype):
            return self._numbers_from_objects(column, series.to_numpy())
        if types.is_string_dtype(series.dtype):
            self._refuse_text(column, series.iloc[0])
        if types.is_complex_dtype(series.dtype):
            raise ValueError(f"Complex data not supported: {self.title(column)}")
        if not (types.is_numeric_dtype(series.dtype) or types.is_bool_dtype(series.dtype)):
            self._refuse_type(column, series.dtype)
        if self._whole(column) and series.notna().any():
            self._check_exact(column, int(series.min()), int(series.max()))
        return series.to_numpy(dtype=np.float64, na_value=np.nan)

    def finish(self) -> pd.DataFrame:
        import pandas as pd

        columns: list[pd.Series[Any]] = [pd.Series(dtype=float)] * self.n_columns
        for place, column in enumerate(self.numeric):
            values = np.rint(self.children[:, place]) if self._whole(column) else self.children[:, place]
            columns[column] = pd.Series(values).astype(self.frame.dtypes.iloc[column])
        for place, column in enumerate(self.nominal):
            columns[column] = self.frame.iloc[:, column].take(self.donors[:, place]).reset_index(drop=True)
        children = pd.concat(columns, axis=1)
        children.columns = self.frame.columns
        return pd.concat([self.frame, children], ignore_index=True)


class PolarsTable(FrameTable):
    """A polars DataFrame."""

    frame: pl.DataFrame

    def values(self, column: int) -> Any:
        series = self.frame.to_series(column)
        return series.to_numpy() if series.dtype.is_numeric() else np.array(series.to_list(), dtype=object)

    def is_nominal(self, column: int) -> bool:
        import polars as pl

        return self.frame.dtypes[column] in (pl.Categorical, pl.Enum, pl.String, pl.Boolean)

    def numbers(self, column: int) -> Numbers:
        import polars as pl

        series = self.frame.to_series(column)
        if series.dtype == pl.String:
            self._refuse_text(column, series[0])
        if not (series.dtype.is_numeric() or series.dtype == pl.Boolean):
            self._refuse_type(column, series.dtype)
        if series.dtype.is_integer():
            low, high = cast("int | None", series.min()), cast("int | None", series.max())
            self._check_exact(column, low or 0, high or 0)
        return series.cast(pl.Float64).to_numpy()

    def finish(self) -> pl.DataFrame:
        import polars as pl

        columns: list[pl.Series] = [pl.Series()] * self.n_columns
        for place, column in enumerate(self.numeric):
            dtype, name = self.frame.dtypes[column], self.frame.columns[column]
            whole = dtype.is_integer() or dtype == pl.Boolean
            values = np.rint(self.children[:, place]) if whole else self.children[:, place]
            columns[column] = pl.Series(name, values).cast(dtype)
        for place, column in enumerate(self.nominal):
            columns[column] = self.frame.to_series(column).gather(self.donors[:, place])
        return pl.concat([self.frame, pl.DataFrame(columns)])


def _categorical() -> type[pd.CategoricalDtype]:
    import pandas as pd

    return pd.CategoricalDtype


def read_table(features: object) -> Table:
    """Wrap a dense container.

    Raises
    ------
    TypeError
        If `features` is sparse or lazy.
    ValueError
        If `features` has no rows or no columns, or not two dimensions.
    """
    kind = kind_of(features)
    if kind == "sparse":
        raise TypeError("a sparse matrix was passed, but nominal columns need a dense table; use its toarray()")
    if kind in ("pandas", "polars"):
        if type(features).__name__ == "Series":
            raise ValueError("Expected 2D array, got 1D array instead: X is a Series; use its to_frame()")
        return PandasTable(features) if kind == "pandas" else PolarsTable(features)
    return ArrayTable(features)
