"""Rows of a result table whose settings are compared by their canonical text, prepared once for a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.protocol.experiment import RESERVED_COLUMNS, VARIANT, Scalar
from repro.results import scalar_text

Codes = NDArray[np.intp]
Rows = NDArray[np.intp]
"""Positions of rows in the table."""


def _plain(value: Scalar, text: str) -> Scalar:
    """Value of a canonical text, independent of how pandas stored its column."""
    if not text:
        return None
    whole = isinstance(value, float) and text.removeprefix("-").isdigit()
    return int(text) if whole else value


@dataclass(frozen=True, eq=False)
class Column:
    """Canonical texts of a column, and what they stand for.

    Attributes
    ----------
    codes : ndarray of shape (n_rows,), intp
        For each row the place of its text in `texts`.
    texts : tuple of str
        The distinct texts, in the order of their first rows.
    values : tuple of scalar
        The value of each text as a plain Python object: a whole number is an int, however the column stores it, a
        missing value is None.
    """

    codes: Codes
    texts: tuple[str, ...]
    values: tuple[Scalar, ...]

    @classmethod
    def of(cls, values: pd.Series) -> Self:
        """Canonical texts of a column of a frame.

        Entries that are different to pandas may have the same text, as 1 and 1.0 have.
        """
        if values.dtype == object:  # True and 1 would count as the same entry
            texts = [scalar_text(value) for value in values]
            first = dict(zip(reversed(texts), reversed(values.tolist()), strict=True))
            place = {text: number for number, text in enumerate(dict.fromkeys(texts))}
            plain = tuple(_plain(first[text], text) for text in place)
            return cls(np.array([place[text] for text in texts], dtype=np.intp), tuple(place), plain)
        codes, distinct = pd.factorize(values, use_na_sentinel=False)
        found = tuple(scalar_text(value) for value in distinct)
        return cls(codes, found, tuple(map(_plain, distinct.tolist(), found)))

    def code(self, text: str) -> int:
        """Code of a text, -1 if no row has it."""
        return self.texts.index(text) if text in self.texts else -1

    def among(self, rows: Rows, wanted: Sequence[str]) -> NDArray[np.bool_]:
        """Which of the given rows have one of the wanted texts."""
        allowed = np.array([text in wanted for text in self.texts], dtype=bool)
        return np.asarray(allowed[self.codes[rows]])


@dataclass(frozen=True, eq=False)
class TidyRows:
    """Rows of a result table, or some of them.

    Attributes
    ----------
    columns : mapping of str to Column
        All columns of the table but ``value``.
    values : ndarray of shape (n_rows,), float64
        The column ``value``.
    rows : ndarray of shape (n,), intp
        Those that count.
    """

    columns: Mapping[str, Column]
    values: NDArray[np.float64]
    rows: Rows

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Self:
        """Prepare the rows of a frame."""
        columns = {str(name): Column.of(frame[name]) for name in frame.columns if name != "value"}
        return cls(columns, frame["value"].to_numpy(dtype=np.float64), np.arange(len(frame)))

    @property
    def settings(self) -> list[str]:
        """Names of the setting columns."""
        return [name for name in self.columns if name not in (*RESERVED_COLUMNS, VARIANT)]

    def having(self, column: str, text: str) -> TidyRows:
        """Return the rows that have a text in a column; everything else is shared."""
        rows = self.rows[self.columns[column].among(self.rows, [text])]
        return TidyRows(self.columns, self.values, rows)
