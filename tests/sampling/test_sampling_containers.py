"""Every container comes back as it was passed: names, types, order and values of the original rows."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from repro.sampling import SMOTE, RandomUnderSampler

N_ROWS, N_MINORITY = 40, 10
LABELS = np.repeat([0, 1], [N_ROWS - N_MINORITY, N_MINORITY])
GENERATOR = np.random.default_rng(0)
WHOLE = GENERATOR.integers(0, 100, N_ROWS)
REAL = GENERATOR.standard_normal(N_ROWS)

PANDAS_COLUMNS = {
    "float64": pd.Series(REAL),
    "float32": pd.Series(REAL, dtype="float32"),
    "int64": pd.Series(WHOLE),
    "uint8": pd.Series(WHOLE, dtype="uint8"),
    "bool": pd.Series(WHOLE > 50),
    "Int64": pd.Series(WHOLE, dtype="Int64"),
    "Float64": pd.Series(REAL, dtype="Float64"),
    "boolean": pd.Series(WHOLE > 50, dtype="boolean"),
    "arrow int16": pd.Series(WHOLE, dtype="int16[pyarrow]"),
    "arrow double": pd.Series(REAL, dtype="double[pyarrow]"),
    "sparse float": pd.Series(np.where(WHOLE > 50, REAL, 0.0)).astype(pd.SparseDtype(float, 0)),
    "sparse int": pd.Series(np.where(WHOLE > 50, WHOLE, 0)).astype(pd.SparseDtype("int64", 0)),
    "object": pd.Series([int(value) if value > 50 else float(value) for value in WHOLE], dtype=object),
}
POLARS_COLUMNS = {
    "f64": pl.Series(REAL),
    "f32": pl.Series(REAL, dtype=pl.Float32),
    "i8": pl.Series(WHOLE, dtype=pl.Int8),
    "u64": pl.Series(WHOLE, dtype=pl.UInt64),
    "bool": pl.Series(WHOLE > 50),
    "decimal": pl.Series(np.round(REAL, 2)).cast(pl.Decimal(10, 2)),
}
TARGETS = {
    "array": LABELS,
    "text array": np.where(LABELS == 1, "yes", "no"),
    "objects": np.where(LABELS == 1, "yes", "no").astype(object),
    "list": LABELS.tolist(),
    "floats": LABELS.astype(float),
    "bools": LABELS == 1,
    "column": LABELS.reshape(-1, 1),
    "series": pd.Series(LABELS, name="class", index=range(100, 100 + N_ROWS)),
    "categorical": pd.Series(np.where(LABELS == 1, "yes", "no"), name="class", dtype="category"),
    "string": pd.Series(np.where(LABELS == 1, "yes", "no"), name="class", dtype="string"),
    "Int64": pd.Series(LABELS, name="class", dtype="Int64"),
    "frame": pd.DataFrame({"class": LABELS}),
    "polars": pl.Series("class", LABELS),
    "polars text": pl.Series("class", np.where(LABELS == 1, "yes", "no")),
    "polars categorical": pl.Series("class", np.where(LABELS == 1, "yes", "no").tolist(), dtype=pl.Categorical),
    "polars bool": pl.Series("class", LABELS == 1),
    "indicator": np.column_stack([LABELS == 0, LABELS == 1]).astype(int),
}


def as_plain(target):
    return np.asarray(target.to_numpy() if hasattr(target, "to_numpy") else target)


def test_pandas_types_names_and_original_values_are_kept():
    X = pd.DataFrame(PANDAS_COLUMNS).set_index(pd.Index(range(7, 7 + N_ROWS)))
    sampler = SMOTE(300, random_state=0)
    found, _ = sampler.fit_resample(X, LABELS)
    assert found.dtypes.equals(X.dtypes)
    assert found.index.equals(pd.RangeIndex(N_ROWS + 30))
    pd.testing.assert_frame_equal(found[:N_ROWS], X.reset_index(drop=True))
    np.testing.assert_array_equal(sampler.feature_names_in_, X.columns)


def test_polars_types_names_and_original_values_are_kept():
    X = pl.DataFrame(POLARS_COLUMNS)
    sampler = SMOTE(300, random_state=0)
    found, _ = sampler.fit_resample(X, LABELS)
    assert found.schema == X.schema
    assert found[:N_ROWS].equals(X)
    np.testing.assert_array_equal(sampler.feature_names_in_, X.columns)


@pytest.mark.parametrize("interpolation", ["segment", "box"])
def test_frames_hold_the_values_of_arrays_with_whole_numbers_rounded_half_to_even(interpolation):
    values = np.column_stack([WHOLE, REAL, WHOLE > 50]).astype(float)
    expected, _ = SMOTE(300, interpolation=interpolation, random_state=0).fit_resample(values, LABELS)
    for column in (0, 2):
        expected[:, column] = np.rint(expected[:, column])
    columns = {"a": WHOLE, "b": REAL, "c": WHOLE > 50}
    for frame in (pd.DataFrame(columns), pl.DataFrame(columns)):
        found, _ = SMOTE(300, interpolation=interpolation, random_state=0).fit_resample(frame, LABELS)
        np.testing.assert_array_equal(found.to_numpy().astype(float), expected)


def test_no_children_at_all_leave_the_table_as_it_was():
    for X in (pd.DataFrame(PANDAS_COLUMNS), pl.DataFrame(POLARS_COLUMNS)):
        found, y_found = SMOTE(0).fit_resample(X, LABELS)
        assert found.equals(X)
        assert y_found.tolist() == LABELS.tolist()


def test_halves_are_rounded_to_even_and_not_cut_off():
    # all children of these pairs lie within half a unit of a whole number on either side
    X = pd.DataFrame({"x": [10, 11, *[500] * 4]})
    found, _ = SMOTE(100_000, k_neighbors=1, random_state=0).fit_resample(X, [1, 1, 0, 0, 0, 0])
    children = found["x"][6:]
    # 10 + gap is cut off to 10 always, but rounded to 11 for half of the gaps
    assert abs((children == 11).mean() - 0.5) < 5 * 0.5 / np.sqrt(len(children))


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("sampler", [SMOTE(100, random_state=0), RandomUnderSampler(100, random_state=0)], ids=str)
def test_targets_of_every_kind_come_back_alike(sampler, target):
    X = REAL.reshape(-1, 1)
    found, y_found = sampler.fit_resample(X, target)
    assert type(y_found) is type(target)
    assert len(y_found) == len(found)
    for attribute in ("dtype", "name"):
        assert getattr(y_found, attribute, None) == getattr(target, attribute, None)
    rows = np.arange(N_ROWS)
    rows = np.append(rows, sampler.parents_[:, 0]) if isinstance(sampler, SMOTE) else sampler.sample_indices_
    np.testing.assert_array_equal(as_plain(y_found), as_plain(target)[rows])


def test_frame_and_target_share_the_new_index():
    X, y = pd.DataFrame({"a": REAL}), pd.Series(LABELS, index=range(100, 100 + N_ROWS))
    found, y_found = SMOTE(random_state=0).fit_resample(X, y)
    assert found.index.equals(y_found.index)


def test_lists_come_back_as_lists():
    X = [[float(value), float(other)] for value, other in zip(WHOLE, REAL, strict=True)]
    found, y_found = SMOTE(random_state=0).fit_resample(X, LABELS.tolist())
    assert isinstance(found, list)
    assert isinstance(y_found, list)
    assert found[:N_ROWS] == X
    expected, _ = SMOTE(random_state=0).fit_resample(np.array(X), LABELS)
    assert found == expected.tolist()


@given(
    names=st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=4, unique=True),
    data=st.data(),
)
@settings(max_examples=20, deadline=None)
def test_any_mixture_of_column_types_is_kept(names, data):
    kinds = [data.draw(st.sampled_from(sorted(PANDAS_COLUMNS))) for _ in names]
    X = pd.DataFrame({name: PANDAS_COLUMNS[kind] for name, kind in zip(names, kinds, strict=True)})
    found, _ = SMOTE(random_state=0).fit_resample(X, LABELS)
    assert found.dtypes.equals(X.dtypes)
    assert list(found.columns) == names
    kinds = [data.draw(st.sampled_from(sorted(POLARS_COLUMNS))) for _ in names]
    frame = pl.DataFrame({name: POLARS_COLUMNS[kind] for name, kind in zip(names, kinds, strict=True)})
    assert SMOTE(random_state=0).fit_resample(frame, LABELS)[0].schema == frame.schema


def test_columns_may_have_numbers_as_names_but_not_share_one():
    X = pd.DataFrame(np.column_stack([REAL, WHOLE]), columns=[3, 5])
    found, _ = SMOTE(random_state=0).fit_resample(X, LABELS)
    assert list(found.columns) == [3, 5]
    X.columns = ["a", "a"]
    with pytest.raises(ValueError, match="X has 2 columns named 'a'"):
        SMOTE(random_state=0).fit_resample(X, LABELS)


def test_input_is_not_changed():
    X, frame = np.column_stack([REAL, WHOLE]), pd.DataFrame(PANDAS_COLUMNS)
    before, frame_before = X.copy(), frame.copy(deep=True)
    matrix = sparse.csr_matrix(X)
    SMOTE(random_state=0).fit_resample(X, LABELS)
    SMOTE(random_state=0).fit_resample(frame, LABELS)
    SMOTE(random_state=0).fit_resample(matrix, LABELS)
    np.testing.assert_array_equal(X, before)
    pd.testing.assert_frame_equal(frame, frame_before)
    np.testing.assert_array_equal(matrix.toarray(), before)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, np.nan, np.nan] + [2.0] * 37, "column 'age' holds 2 NaN; impute"),
        ([np.inf] + [2.0] * 39, "column 'age' holds 1 infinite"),
        ([np.nan, -np.inf] + [2.0] * 38, "column 'age' holds 1 NaN and 1 infinite"),
        (pd.array([None, 1] * 20, dtype="Int64"), "column 'age' holds 20 NaN"),
        (["x"] * 40, "column 'age' holds text, for example 'x'"),
        ([1] * 39 + ["12"], "column 'age' holds text, for example '12'"),
        (pd.Categorical(["x", "y"] * 20), "column 'age' has type category"),
        (pd.Categorical([1, 2] * 20), "column 'age' has type category"),
        ([datetime.datetime(2002, 6, 1)] * 40, "column 'age' has type datetime64"),
        ([2**53 + 1] * 40, "column 'age' holds whole numbers beyond 2"),
        (pd.array([None] * 40, dtype="Int64"), "column 'age' holds 40 NaN"),
        ([1j] * 40, "Complex data not supported: column 'age'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_pandas_columns_that_cannot_be_interpolated_are_named(values, message):
    X = pd.DataFrame({"income": REAL, "age": values})
    with pytest.raises(ValueError, match=message):
        SMOTE().fit_resample(X, LABELS)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([None] + [2.0] * 39, "column 'age' holds 1 NaN"),
        ([float("inf")] + [2.0] * 39, "column 'age' holds 1 infinite"),
        (["x"] * 40, "column 'age' holds text, for example 'x'"),
        (pl.Series(["x"] * 40, dtype=pl.Categorical), "column 'age' has type Categorical"),
        ([datetime.date(2002, 6, 1)] * 40, "column 'age' has type Date"),
        ([2**60] * 40, "column 'age' holds whole numbers beyond 2"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_polars_columns_that_cannot_be_interpolated_are_named(values, message):
    X = pl.DataFrame({"income": REAL, "age": values})
    with pytest.raises(ValueError, match=message):
        SMOTE().fit_resample(X, LABELS)


def test_array_columns_that_cannot_be_interpolated_are_numbered():
    X = np.column_stack([REAL, REAL])
    X[3, 1] = np.nan
    for faulty in (X, X.astype(np.float32), np.asfortranarray(X), X.astype(object), X.tolist(), sparse.csr_matrix(X)):
        with pytest.raises(ValueError, match="column 1 holds 1 NaN"):
            SMOTE().fit_resample(faulty, LABELS)
    with pytest.raises(ValueError, match="column 0 holds text, for example"):
        SMOTE().fit_resample(X.astype(str), LABELS)
    with pytest.raises(ValueError, match="column 1 holds text, for example 'x'"):
        SMOTE().fit_resample([[1.0, "x"]] * N_ROWS, LABELS)
    with pytest.raises(ValueError, match=r"column 1 holds whole numbers beyond 2\*\*53"):
        SMOTE().fit_resample(np.column_stack([WHOLE, WHOLE + 2**60]), LABELS)
    with pytest.raises(ValueError, match=r"column 0 has type datetime64"):
        SMOTE().fit_resample(np.full((N_ROWS, 1), np.datetime64("2002-06-01")), LABELS)


def test_large_values_whose_sum_overflows_are_accepted():
    X = np.full((N_ROWS, 1), np.finfo(float).max)
    assert np.isfinite(SMOTE(random_state=0).fit_resample(X, LABELS)[0]).all()


def test_lazy_frames_and_series_are_explained():
    with pytest.raises(TypeError, match="LazyFrame has no rows yet; call its collect"):
        SMOTE().fit_resample(pl.LazyFrame({"a": REAL}), LABELS)
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array instead"):
        SMOTE().fit_resample(pd.Series(REAL), LABELS)
    with pytest.raises(ValueError, match=r"Found 0 feature\(s\)"):
        SMOTE().fit_resample(pd.DataFrame(index=range(N_ROWS)), LABELS)


@pytest.mark.parametrize("sampler", [SMOTE(random_state=0), RandomUnderSampler(random_state=0)])
def test_whole_numbers_among_objects_are_read_as_numbers_and_given_back_as_objects(sampler):
    X, y = np.random.default_rng(1).normal(size=(40, 2)), np.repeat([0, 1], [28, 12])
    X_expected, y_expected = sampler.fit_resample(X, y)
    for target in (pd.Series(y, dtype=object), y.astype(object)):
        X_found, y_found = sampler.fit_resample(X, target)
        np.testing.assert_array_equal(X_found, X_expected)
        assert y_found.dtype == object
        assert list(y_found) == y_expected.tolist()
        assert set(sampler.sampling_strategy_) <= {0, 1}
    X_found, y_found = sampler.fit_resample(X, pd.DataFrame({"y": y}))
    assert y_found.columns.tolist() == ["y"]
    assert y_found["y"].tolist() == y_expected.tolist()
