"""Random under-sampling keeps the number of majority rows that section 4.1 of Chawla et al. (2002) asks for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from repro.sampling import SMOTE, RandomUnderSampler


def test_example_of_the_paper():
    # 50 minority rows: 200 % leaves 25 majority rows
    y = np.repeat([0, 1], [200, 50])
    X = np.arange(250).reshape(-1, 1)
    _, y_found = RandomUnderSampler(200, random_state=0).fit_resample(X, y)
    assert np.bincount(y_found).tolist() == [25, 50]


@given(
    n_majority=st.integers(20, 60),
    n_minority=st.integers(2, 20),
    percentage=st.sampled_from([50, 75, 100, 125, 150, 200, 400]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_rows_that_remain_keep_their_order_and_only_the_majority_shrinks(n_majority, n_minority, percentage, seed):
    generator = np.random.default_rng(seed)
    y = generator.permutation(np.repeat(["big", "small"], [n_majority, n_minority]))
    X = np.arange(len(y)).reshape(-1, 1)
    wanted = round(n_minority / (percentage / 100))
    sampler = RandomUnderSampler(percentage, majority_class="big", random_state=seed)
    if not 1 <= wanted <= n_majority:
        with pytest.raises(ValueError, match=f"asks for {wanted} rows of class 'big', which has {n_majority}"):
            sampler.fit_resample(X, y)
        return
    X_found, y_found = sampler.fit_resample(X, y)
    assert (np.diff(sampler.sample_indices_) > 0).all()
    np.testing.assert_array_equal(X_found.ravel(), sampler.sample_indices_)
    np.testing.assert_array_equal(y_found, y[sampler.sample_indices_])
    assert (y_found == "small").sum() == n_minority
    assert (y_found == "big").sum() == wanted
    np.testing.assert_array_equal(sampler.fit_resample(X, y)[0], X_found)


def test_the_percentage_refers_to_the_original_minority_also_after_smote():
    generator = np.random.default_rng(0)
    y = np.repeat([0, 1], [120, 60])
    X = generator.standard_normal((180, 2))
    X_more, y_more = SMOTE(300, random_state=0).fit_resample(X, y)
    assert np.bincount(y_more).tolist() == [120, 240]
    sampler = RandomUnderSampler(75, minority_count=60, majority_class=0, random_state=1)
    _, y_found = sampler.fit_resample(X_more, y_more)
    assert np.bincount(y_found).tolist() == [80, 240]
    # the plain curve and the SMOTE curve hold the same majority rows with the same seed
    plain = RandomUnderSampler(75, majority_class=0, random_state=1)
    plain.fit_resample(X, y)
    np.testing.assert_array_equal(plain.sample_indices_[:80], sampler.sample_indices_[:80])


def test_the_same_seed_gives_nested_samples_and_another_seed_another_sample():
    y = np.repeat([0, 1], [300, 100])
    X = np.zeros((400, 1))
    samples = []
    for percentage in (50, 100, 200, 400):
        sampler = RandomUnderSampler(percentage, random_state=3)
        sampler.fit_resample(X, y)
        samples.append(set(sampler.sample_indices_.tolist()))
    assert samples[0] > samples[1] > samples[2] > samples[3]
    other = RandomUnderSampler(200, random_state=4).fit(X, y)
    other.fit_resample(X, y)
    assert set(other.sample_indices_.tolist()) != samples[2]


def test_every_majority_row_is_equally_likely():
    y = np.repeat([0, 1], [20, 5])
    counts = np.zeros(20)
    generator = np.random.default_rng(0)
    for _ in range(600):
        sampler = RandomUnderSampler(100, random_state=generator)
        sampler.fit_resample(np.zeros((25, 1)), y)
        counts[sampler.sample_indices_[:5]] += 1
    assert stats.chisquare(counts).pvalue > 1e-4


def test_more_than_two_classes():
    y = np.repeat(["a", "b", "c"], [60, 30, 10])
    X = np.zeros((100, 1))
    _, found = RandomUnderSampler(50, random_state=0).fit_resample(X, y)
    assert dict(zip(*np.unique(found, return_counts=True), strict=True)) == {"a": 20, "b": 30, "c": 10}
    _, found = RandomUnderSampler(random_state=0).fit_resample(X, y)
    assert set(np.unique(found, return_counts=True)[1]) == {10}
    _, found = RandomUnderSampler(sampling_strategy={"a": 12}, random_state=0).fit_resample(X, y)
    assert np.unique(found, return_counts=True)[1].tolist() == [12, 30, 10]


@pytest.mark.parametrize(
    "rows",
    [
        np.array([["a", None]] * 30, dtype=object),
        np.full((30, 2), np.nan),
        pd.DataFrame({"a": ["x"] * 30, "b": [np.inf] * 30}, index=range(5, 35)),
        pl.DataFrame({"a": ["x"] * 30, "b": [None] * 30}),
        sparse.eye(30, format="csc"),
        [[1, "x"]] * 30,
    ],
    ids=["objects", "NaN", "pandas", "polars", "sparse", "list"],
)
def test_values_are_not_looked_at(rows):
    sampler = RandomUnderSampler(100, random_state=0)
    found, y_found = sampler.fit_resample(rows, [0] * 20 + [1] * 10)
    assert type(found) is type(rows)
    assert y_found == [0] * 10 + [1] * 10
    if isinstance(rows, pd.DataFrame):
        pd.testing.assert_frame_equal(found, rows.iloc[sampler.sample_indices_])


@pytest.mark.parametrize("percent", range(10, 100))
def test_a_ratio_whose_target_is_whole_keeps_or_makes_it(percent):
    ratio = percent / 100
    X, y = np.zeros((200, 1)), np.repeat([0, 1], [100, 9])
    found = SMOTE(sampling_strategy=ratio, random_state=0).fit_resample(X[:109], y)[1]
    assert np.bincount(found).tolist() == [100, percent]
    kept = RandomUnderSampler(sampling_strategy=ratio, random_state=0)
    assert kept.fit_resample(np.zeros((100 + percent, 1)), np.repeat([0, 1], [100, percent]))[1].sum() == percent
    assert kept.sampling_strategy_ == {0: 100}


def test_a_ratio_whose_target_is_not_whole_is_cut():
    X, y = np.zeros((109, 1)), np.repeat([0, 1], [100, 9])
    assert SMOTE(sampling_strategy=0.2999, random_state=0).fit_resample(X, y)[1].sum() == 29
    y = np.repeat([0, 1], [102, 7])
    assert np.bincount(RandomUnderSampler(sampling_strategy=0.1401).fit_resample(X, y)[1]).tolist() == [49, 7]


@pytest.mark.parametrize("percent", range(1, 100))
def test_a_percentage_of_children_is_not_lost_to_rounding(percent):
    X, y = np.zeros((400, 1)), np.repeat([0, 1], [300, 100])
    assert SMOTE(percent / 100 * 100, random_state=0).fit_resample(X, y)[1].sum() == 100 + percent
