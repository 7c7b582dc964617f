"""Samplers say what is wrong, what was found and what is allowed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from repro.sampling import SMOTE, SMOTEN, SMOTENC, RandomUnderSampler

X = np.random.default_rng(0).integers(0, 4, (20, 3)).astype(float)
Y = np.repeat([0, 1], [16, 4])
SAMPLERS = [SMOTE(), SMOTENC([2]), SMOTEN(), RandomUnderSampler()]
each_sampler = pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: type(sampler).__name__)


@pytest.mark.parametrize("sampler", SAMPLERS[:3], ids=lambda sampler: type(sampler).__name__)
def test_too_few_minority_rows_name_both_numbers_and_the_remedy(sampler):
    message = (
        "class 1 has 4 rows, but k_neighbors=5 needs at least 6; use a smaller k_neighbors or random over-sampling"
    )
    with pytest.raises(ValueError, match=message):
        sampler.fit_resample(X, Y)
    with pytest.raises(ValueError, match="class 1 has 5 rows, but k_neighbors=5 needs at least 6"):
        sampler.fit_resample(X, np.repeat([0, 1], [15, 5]))  # the row itself is no neighbour


def test_classes_that_are_not_over_sampled_may_be_small():
    X_found, y_found = SMOTE(sampling_strategy={1: 6}, k_neighbors=3, random_state=0).fit_resample(
        X, [0] * 14 + [1] * 4 + [2] * 2
    )
    assert np.bincount(y_found).tolist() == [14, 6, 2]
    assert len(X_found) == 22


@each_sampler
@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1] * 20, r"y holds 1 class \(1\); resampling needs at least 2"),
        (Y[:-1], "same number of rows, found 20 and 19"),
        ([np.nan] * 2 + [0.0] * 9 + [1.0] * 9, "y holds 2 missing labels"),
        (pd.Series(["a", None] * 10), "y holds 10 missing labels"),
        (["good"] * 15 + ["bad"] * 4 + [float("nan")], "y holds 1 missing labels"),
        (["good"] * 15 + ["bad"] * 4 + [None], "y holds 1 missing labels"),
        (pl.Series(["a", "b"] * 9 + [None] * 2), "y holds 2 missing labels"),
        (pd.Series([1, 2] * 9 + [None] * 2, dtype="Int64"), "y holds 2 missing labels"),
        (np.linspace(0, 1, 20), "Unknown label type"),
        (np.ones((20, 2), dtype=int), "Multilabel and multioutput targets are not supported"),
        (None, "the target y is None"),
    ],
    ids=[
        "one class",
        "length",
        "NaN",
        "None",
        "NaN in text",
        "None in text",
        "polars",
        "NA",
        "continuous",
        "multilabel",
        "None at all",
    ],
)
def test_targets_that_cannot_be_used(sampler, y, message):
    with pytest.raises(ValueError, match=message):
        sampler.fit_resample(X, y)


@each_sampler
@pytest.mark.parametrize("method", ["fit", "fit_resample"])
def test_empty_input(sampler, method):
    with pytest.raises(ValueError, match="y is empty"):
        getattr(sampler, method)(np.empty((0, 3)), [])
    with pytest.raises(ValueError, match="1D array"):
        getattr(sampler, method)(X[:, 0], Y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"amount": -100}, "The 'amount' parameter of SMOTE must be a float in the range"),
        ({"amount": float("nan")}, "The 'amount' parameter"),
        ({"amount": float("inf")}, "The 'amount' parameter"),
        ({"amount": "200"}, "The 'amount' parameter"),
        ({"k_neighbors": 0}, "The 'k_neighbors' parameter of SMOTE must be an int in the range"),
        ({"interpolation": "line"}, "The 'interpolation' parameter of SMOTE must be a str among"),
        ({"parents": "some"}, "The 'parents' parameter"),
        ({"neighbor_replacement": "yes"}, "The 'neighbor_replacement' parameter"),
        ({"sampling_strategy": "majority"}, "The 'sampling_strategy' parameter"),
        ({"random_state": "seed"}, "The 'random_state' parameter"),
        ({"amount": 100, "sampling_strategy": 0.5}, "both say how many rows to make"),
        ({"amount": 100, "sampling_strategy": {1: 10}}, "both say how many rows to make"),
        ({"sampling_strategy": {7: 10}}, "not present in the data"),
        ({"sampling_strategy": {1: 2}}, "greater or equal to the original number"),
    ],
    ids=str,
)
def test_parameters_out_of_range(parameters, message):
    with pytest.raises(ValueError, match=message):
        SMOTE(**{"k_neighbors": 2} | parameters).fit_resample(X, Y)


@pytest.mark.parametrize("exponent", [0, 3, 1.5])
def test_distance_exponent_out_of_range(exponent):
    with pytest.raises(ValueError, match="The 'distance_exponent' parameter of SMOTEN must be"):
        SMOTEN(k_neighbors=2, distance_exponent=exponent).fit_resample(X, Y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"minority_percentage": 20}, "asks for 20 rows of class 0, which has 16; allowed are 1 to 16 rows"),
        (
            {"minority_percentage": 100, "minority_count": 30},
            "of 30 minority rows asks for 30 rows of class 0, which has 16",
        ),
        ({"minority_percentage": 2000}, "asks for 0 rows of class 0"),
        ({"minority_percentage": 0}, "The 'minority_percentage' parameter"),
        ({"minority_percentage": -5}, "The 'minority_percentage' parameter"),
        ({"minority_percentage": 100, "minority_count": 0}, "The 'minority_count' parameter"),
        (
            {"minority_percentage": 100, "majority_class": "no"},
            r"majority_class='no' is not a class of y, which holds \[0, 1\]",
        ),
        ({"minority_percentage": 100, "sampling_strategy": "all"}, "both say how many rows to keep"),
        ({"minority_count": 4}, "need minority_percentage, which is None"),
        ({"sampling_strategy": {0: 17}}, "less or equal to the original number"),
    ],
    ids=str,
)
def test_under_sampling_parameters_out_of_range(parameters, message):
    with pytest.raises(ValueError, match=message):
        RandomUnderSampler(**parameters).fit_resample(X, Y)


@each_sampler
def test_labels_of_several_types_are_refused_with_the_remedy(sampler):
    with pytest.raises(TypeError, match=r"y holds labels of several types \(int, str\) .* astype\(str\)"):
        sampler.fit_resample(X, ["good"] * 15 + [1] * 5)
