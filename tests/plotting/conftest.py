"""What all tests of figures need: no window, and a way to read the numbers of a figure."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator

import matplotlib as mpl
import pytest

from repro.plotting import Shown

mpl.use("Agg")

Read = Callable[..., list[float]]


@pytest.fixture
def read() -> Read:
    """Numbers in the last column of the one row of a figure's table that has all the entries given."""

    def numbers(shown: Shown, *entries: object) -> list[float]:
        assert shown.table is not None
        rows = shown.table[
            shown.table.apply(lambda row: {str(entry) for entry in entries} <= set(map(str, row)), axis=1)
        ]
        assert len(rows) == 1, f"{len(rows)} rows have {entries}:\n{shown.table}"
        text = str(rows.iloc[0, -1]).replace("\N{MINUS SIGN}", "-")
        return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e[-+]\d+)?", text)]

    return numbers


@pytest.fixture(autouse=True)
def _no_warning() -> Iterator[None]:
    """A warning would stand in the chapter above its figure."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield
