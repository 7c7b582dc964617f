"""Labels and numbers are read as what they are: nothing becomes text, nothing is missing, nothing ties that differs."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.exceptions import DataConversionWarning

from repro.ground.arrays import real_vector
from repro.ground.labels import label_array, label_vector


@pytest.mark.parametrize(
    ("labels", "kind", "expected"),
    [
        (pd.Series([0, 1, 1], dtype=object), "i", [0, 1, 1]),
        (np.array([0, 1, 1], dtype=object), "i", [0, 1, 1]),
        ([np.int8(0), np.int8(1)], "i", [0, 1]),
        (np.array([True, False], dtype=object), "b", [True, False]),
        (np.array([1, 2.0, 0.5], dtype=object), "f", [1.0, 2.0, 0.5]),
        (pd.Series([1, 0], dtype="Int64"), "i", [1, 0]),
        (pd.Series([True, False], dtype="boolean"), "b", [True, False]),
        (pl.Series([1, 0]), "i", [1, 0]),
        (torch.tensor([1, 0]), "i", [1, 0]),
        (pd.Categorical([3, 1, 3]), "i", [3, 1, 3]),
        (pd.DataFrame({"y": pd.Categorical([3, 1])}), "i", [3, 1]),
        (pl.DataFrame({"y": [3, 1]}), "i", [3, 1]),
        (["good", "bad"], "U", ["good", "bad"]),
        (["1", "2"], "U", ["1", "2"]),
    ],
)
def test_labels_keep_or_get_the_type_that_they_are_of(labels: Any, kind: str, expected: list[Any]) -> None:
    found = label_vector("y", labels)
    assert found.dtype.kind == kind
    assert found.tolist() == expected


@pytest.mark.parametrize(
    "labels",
    [pd.Series(["good", "bad"], dtype=object), pd.Series(["good", "bad"]), pl.Series(["good", "bad"])],
)
def test_text_of_tables_stays_text(labels: Any) -> None:
    found = label_vector("y", labels)
    assert found.tolist() == ["good", "bad"]
    assert found.dtype.kind in "OU"


@pytest.mark.parametrize(
    "missing",
    [
        ["good", "bad", float("nan")],
        ("good", None, "bad"),
        [1.0, 2.0, np.nan],
        np.array(["good", np.nan, "bad"], dtype=object),
        pd.Series(["good", pd.NA, "bad"], dtype="string"),
        pd.Series([1, pd.NA, 2], dtype="Int64"),
        pl.Series([1, None, 2]),
        pl.Series(["a", None, "b"]),
        np.array(["2020-01-01", "NaT", "2020-01-02"], dtype="M8[D]"),
        [["good"], ["bad"], [None]],
    ],
)
def test_missing_labels_are_counted_and_never_become_a_class(missing: Any) -> None:
    with pytest.raises(ValueError, match=r"^y holds 1 missing labels \(NaN or None\); every row needs a class"):
        label_array("y", missing)


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ([1, "a"], r"several types \(int, str\)"),
        (np.array(["a", 1.5, True], dtype=object), r"several types \(bool, float, str\)"),
        (np.array([datetime.date(2020, 1, 1)], dtype=object), "the type date"),
    ],
)
def test_labels_of_several_types_are_refused_with_the_remedy(labels: Any, found: str) -> None:
    with pytest.raises(
        TypeError, match=rf"target holds labels of {found} as objects; .* astype\(int\) or astype\(str\)"
    ):
        label_array("target", labels)


def test_a_column_of_an_array_is_read_with_the_warning_of_scikit_learn() -> None:
    with pytest.warns(DataConversionWarning, match="column-vector"):
        assert label_vector("y", np.array([[1], [2]])).tolist() == [1, 2]
    with pytest.raises(ValueError, match="1d array"):
        label_vector("y", np.eye(2))


LARGE = 1_700_000_000_000_000_000


@pytest.mark.parametrize(
    "values",
    [
        LARGE + np.arange(3),
        [LARGE, LARGE + 1, LARGE + 2],
        pd.Series(LARGE + np.arange(3), dtype="Int64"),
        pl.Series(LARGE + np.arange(3)),
        np.array([LARGE, LARGE + 1, LARGE + 2], dtype=object),
        np.uint64(2**63) + np.arange(3, dtype=np.uint64),
        -LARGE + np.arange(3),
        torch.tensor([LARGE, LARGE + 1, LARGE + 2]),
        np.longdouble(1) + np.arange(3) * np.finfo(np.longdouble).eps,
    ],
)
def test_different_numbers_stay_different(values: Any) -> None:
    assert (np.diff(real_vector("y_score", values)) > 0).all()


def test_ordinary_numbers_come_in_double_precision() -> None:
    for values in (
        [1, 2],
        [0.5, 1],
        np.array([1, 2], dtype=np.float32),
        pd.DataFrame({"score": [1, 2]}),
        [True, False],
    ):
        assert real_vector("y_score", values).dtype == np.float64


def test_whole_numbers_beyond_64_bits_are_refused() -> None:
    with pytest.raises(ValueError, match=r"y_score holds whole numbers beyond 64 bits, got 1.*; give their ranks"):
        real_vector("y_score", [10**30, 1])
