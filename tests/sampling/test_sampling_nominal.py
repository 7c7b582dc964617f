"""SMOTE-NC and SMOTE-N follow sections 6.1 and 6.2 of Chawla et al. (2002)."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.metrics.pairwise import ValueDifferenceMetric
from scipy import sparse
from sklearn.preprocessing import OrdinalEncoder

from repro.ground.exceptions import UnknownName
from repro.sampling import SMOTEN, SMOTENC, nearest_neighbors, value_differences


def mixed_table(n_rows, seed=0):
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": generator.integers(18, 80, n_rows),
            "job": generator.choice(["clerk", "cook", "nurse"], n_rows),
            "income": generator.standard_normal(n_rows),
            "grade": pd.Categorical(
                generator.choice(["low", "mid", "high"], n_rows), ["low", "mid", "high"], ordered=True
            ),
        }
    )


def test_example_of_the_paper_for_the_distance():
    # F1 = (1,2,3,A,B,C), F2 = (4,6,5,A,D,E), F3 = (3,5,6,A,B,K): population Med = 1.247219,
    # d(F1,F2) = 5.666667, d(F1,F3) = 4.853407
    X = np.array([[1, 2, 3, 0, 0, 0], [4, 6, 5, 0, 1, 1], [3, 5, 6, 0, 0, 2], *[[9] * 6] * 4], dtype=float)
    sampler = SMOTENC([3, 4, 5], amount=100, k_neighbors=2, random_state=0)
    sampler.fit_resample(X, [1, 1, 1, 0, 0, 0, 0])
    median = sampler.median_std_[1]
    assert median == pytest.approx(1.247219, abs=1e-6)
    assert np.sqrt(9 + 16 + 4 + 2 * median**2) == pytest.approx(5.666667, abs=1e-6)
    assert np.sqrt(4 + 9 + 9 + median**2) == pytest.approx(4.853407, abs=1e-6)
    found = nearest_neighbors(X[:3], 2, n_nominal=3, nominal_penalty=median**2)
    np.testing.assert_array_equal(found[0], [2, 1])


@given(seed=st.integers(0, 50), amount=st.sampled_from([50, 100, 300]), k=st.integers(1, 4))
@settings(max_examples=12, deadline=None)
def test_children_mix_numbers_and_take_the_most_frequent_value_of_the_neighbours(seed, amount, k):
    X, y = mixed_table(60, seed), np.repeat([0, 1], [45, 15])
    sampler = SMOTENC(["job", "grade"], amount, k_neighbors=k, random_state=seed)
    found, y_found = sampler.fit_resample(X, y)
    pd.testing.assert_frame_equal(found[:60], X)
    assert (y_found[60:] == 1).all()

    minority = X[45:]
    median = np.median(minority[["age", "income"]].std(ddof=0))
    assert sampler.median_std_ == {1: pytest.approx(median)}
    codes = np.column_stack([pd.factorize(minority[name])[0] for name in ("job", "grade")])
    rows = np.hstack([minority[["age", "income"]].to_numpy(float), codes])
    nearest = 45 + nearest_neighbors(rows, k, n_nominal=2, nominal_penalty=median**2)
    columns = {name: X[name].to_numpy() for name in X}
    for (_, child), (parent, neighbour) in zip(found[60:].iterrows(), sampler.parents_, strict=True):
        assert neighbour in nearest[parent - 45]
        for name in ("age", "income"):
            low, high = sorted([columns[name][parent], columns[name][neighbour]])
            assert low <= child[name] <= high
        for name in ("job", "grade"):
            votes = Counter(columns[name][nearest[parent - 45]])
            assert votes[child[name]] == max(votes.values())


def test_ties_between_values_are_broken_at_random():
    X = pd.DataFrame({"x": [0.0, 1.0, 1.0, *[50.0] * 5], "v": ["p", "q", "r", *["z"] * 5]})
    sampler = SMOTENC(["v"], 40_000, k_neighbors=2, random_state=0)
    found, _ = sampler.fit_resample(X, [1] * 3 + [0] * 5)
    votes = Counter(found["v"][8:][sampler.parents_[:, 0] == 0])
    assert set(votes) == {"q", "r"}
    assert abs(votes["q"] - 200) < 5 * 10  # five standard deviations of a fair coin thrown 400 times


@pytest.mark.parametrize(
    "columns",
    [[1, 3], ["job", "grade"], [False, True, False, True], np.array([3, 1]), [-1, 1], "auto", ("job", 3)],
    ids=str,
)
def test_nominal_columns_can_be_named_in_every_way(columns):
    X, y = mixed_table(40), np.repeat([0, 1], [30, 10])
    sampler = SMOTENC(columns, random_state=0)
    found, _ = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(sampler.categorical_features_, [1, 3])
    assert found.dtypes.equals(X.dtypes)


def test_polars_columns_are_found_by_type_and_keep_it():
    frame = pl.from_pandas(mixed_table(40)).with_columns(
        pl.col("job").cast(pl.Enum(["clerk", "cook", "nurse"])), (pl.col("age") > 40).alias("older")
    )
    y = pl.Series("class", ["no"] * 30 + ["yes"] * 10)
    sampler = SMOTENC(random_state=0)
    found, y_found = sampler.fit_resample(frame, y)
    np.testing.assert_array_equal(sampler.categorical_features_, [1, 3, 4])
    assert found.schema == frame.schema
    assert found[:40].equals(frame)
    assert y_found.name == "class"
    assert y_found.to_list() == [*y, *["yes"] * 20]


def test_arrays_of_objects_keep_their_values():
    X = np.array([[20 + row, "ab"[row % 2], row / 2] for row in range(24)], dtype=object)
    found, _ = SMOTENC([1], random_state=0).fit_resample(X, [0] * 16 + [1] * 8)
    assert found.dtype == object
    assert found.shape == (32, 3)
    assert set(found[:, 1]) == {"a", "b"}
    np.testing.assert_array_equal(found[:24], X)


def test_results_are_reproducible():
    X, y = mixed_table(60), np.repeat([0, 1], [45, 15])
    first, second = (SMOTENC("auto", 300, random_state=3).fit_resample(X, y)[0] for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        (["jobs"], UnknownName, "unknown column in categorical_features 'jobs'; did you mean 'job'"),
        ([7], ValueError, "holds 7, which must be below n_features=4"),
        ([True, False], ValueError, "mask of 2 values, but X has 4 columns"),
        ([], ValueError, "use SMOTE for numeric tables"),
        ([0, 1, 2, 3], ValueError, "use SMOTEN for nominal tables"),
        ([1.5], TypeError, "column numbers, names or a mask, found 1.5"),
        ([3], ValueError, "column 'job' holds text, for example"),
    ],
)
def test_wrong_columns_are_explained(columns, error, message):
    with pytest.raises(error, match=message):
        SMOTENC(columns).fit_resample(mixed_table(40), np.repeat([0, 1], [30, 10]))


def test_what_smote_nc_cannot_take_is_explained():
    X, y = mixed_table(40), np.repeat([0, 1], [30, 10])
    with pytest.raises(ValueError, match="'auto' needs a pandas or polars DataFrame"):
        SMOTENC().fit_resample(X.to_numpy(), y)
    with pytest.raises(ValueError, match="but X has no column names"):
        SMOTENC(["job"]).fit_resample(X.to_numpy(), y)
    with pytest.raises(TypeError, match="sparse matrix was passed"):
        SMOTENC([0]).fit_resample(sparse.eye(40, format="csr"), y)
    X.loc[3, "job"] = None
    with pytest.raises(ValueError, match="column 'job' holds 1 missing values"):
        SMOTENC().fit_resample(X, y)


def test_example_of_the_paper_for_the_vote():
    # Table 7: ABCDE with its two neighbours AFCGN and HBCDN gives ABCDN
    X = np.array([list("ABCDE"), list("AFCGN"), list("HBCDN"), *[list("VWXYZ")] * 5])
    for exponent in (1, 2):
        sampler = SMOTEN(100, k_neighbors=2, distance_exponent=exponent, random_state=0)
        found, _ = sampler.fit_resample(X, [1] * 3 + [0] * 5)
        assert "".join(found[8]) == "ABCDN"
        np.testing.assert_array_equal(sampler.parents_[0], [0, 1, 2])


def test_value_differences_of_the_specification():
    # class counts (majority, minority): a (6, 2), b (3, 3), c (0, 4)
    column = ["a"] * 8 + ["b"] * 6 + ["c"] * 4
    y = [0] * 6 + [1] * 2 + [0] * 3 + [1] * 3 + [1] * 4
    values, differences = value_differences(column, y)
    assert values.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(differences, [[0, 0.5, 1.5], [0.5, 0, 1.0], [1.5, 1.0, 0]])
    with pytest.raises(ValueError, match="same length, found 18 and 2"):
        value_differences(column, [0, 1])


@pytest.mark.parametrize("exponent", [1, 2])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_neighbours_of_nominal_rows_agree_with_imbalanced_learn(exponent, n_classes):
    generator = np.random.default_rng(n_classes)
    X = generator.choice(list("abcdefgh"), (150, 7)).astype(object)
    y = np.sort(generator.integers(n_classes, size=150))
    sampler = SMOTEN(100, k_neighbors=4, distance_exponent=exponent, random_state=0)
    sampler.fit_resample(X, y)
    codes = OrdinalEncoder(dtype=np.int32).fit_transform(X)
    members = np.flatnonzero(y == next(iter(sampler.sampling_strategy_)))
    distances = ValueDifferenceMetric(r=exponent).fit(codes, y).pairwise(codes[members])
    np.fill_diagonal(distances, np.inf)
    for parent, *neighbours in sampler.parents_:
        own = distances[np.searchsorted(members, parent)]
        np.testing.assert_allclose(own[np.searchsorted(members, neighbours)], np.sort(own)[:4], atol=1e-12)


@given(seed=st.integers(0, 50), k=st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_children_of_nominal_rows_take_the_vote_of_parent_and_neighbours(seed, k):
    generator = np.random.default_rng(seed)
    X = generator.choice(list("abc"), (40, 4))
    sampler = SMOTEN(150, k_neighbors=k, random_state=seed)
    found, _ = sampler.fit_resample(X, np.repeat([0, 1], [30, 10]))
    assert sampler.parents_.shape == (10, k + 1)
    for child, voters in zip(found[40:], sampler.parents_, strict=True):
        for column, value in enumerate(child):
            votes = Counter(X[voters, column])
            assert votes[value] == max(votes.values())


def test_nominal_types_are_kept():
    X = mixed_table(40)[["job", "grade"]].assign(
        code=pd.array([1, 2] * 20, dtype="Int64"), day=pd.Timestamp("2002-06-01")
    )
    y = pd.Series(np.repeat(["no", "yes"], [30, 10]), dtype="category", name="class")
    found, y_found = SMOTEN(random_state=0).fit_resample(X, y)
    assert found.dtypes.equals(X.dtypes)
    assert y_found.dtype == y.dtype
    assert Counter(y_found) == {"no": 30, "yes": 30}
    whole = np.random.default_rng(0).integers(0, 3, (40, 3))
    assert SMOTEN(random_state=0).fit_resample(whole, y)[0].dtype == whole.dtype


def test_missing_nominal_values_are_refused_by_name():
    X = pd.DataFrame({"a": ["x", "y"] * 10, "b": ["x", None] * 10})
    with pytest.raises(ValueError, match="column 'b' holds 10 missing values"):
        SMOTEN().fit_resample(X, np.repeat([0, 1], [12, 8]))
    with pytest.raises(TypeError, match="sparse"):
        SMOTEN().fit_resample(sparse.eye(20, format="csr"), np.repeat([0, 1], [12, 8]))


def test_text_columns_are_read_without_a_warning_of_any_allowed_pandas():
    generator = np.random.default_rng(0)
    X = pd.DataFrame({"a": generator.normal(size=60), "c": pd.Series(generator.choice(["u", "v"], 60), dtype=object)})
    y = np.repeat([0, 1], [48, 12])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SMOTENC(categorical_features=["c"], random_state=0).fit_resample(X, y)
        SMOTEN(random_state=0).fit_resample(X[["c"]], y)
