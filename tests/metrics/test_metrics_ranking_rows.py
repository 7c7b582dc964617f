"""What rankings accept, what they refuse and say, and the order of the rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from repro.metrics import (
    auroc,
    average_precision,
    average_precision_at_prevalence,
    fix_mistakes,
    mistakes,
    positive_thresholds,
    ranking_summary,
)
from repro.metrics._ranking import (
    auroc_of_weights,
    average_precision_of_weights,
    cumulative_weights,
    rank_rows,
)

METRICS: list[Callable[..., Any]] = [
    auroc,
    average_precision,
    positive_thresholds,
    ranking_summary,
    mistakes,
    lambda y, score: average_precision_at_prevalence(y, score, 0.5),
    lambda y, score: fix_mistakes(y, score, steps=1),
]

BAD_ROWS = [
    ([0, 1, 1], [1.0, 2.0], "y_true and y_score must have one length, got 3 and 2"),
    ([], [], r"y_true must be a vector with at least 1 entry, got shape \(0,\)"),
    ([[0, 1]], [1.0, 2.0], r"y_true must be a vector with at least 1 entry, got shape \(1, 2\)"),
    ([0, 1], [[0.2, 0.8], [0.9, 0.1]], r"got shape \(2, 2\); of predict_proba take the column of the positive class"),
    ([0, 1, 1], [1.0, np.nan, np.inf], "y_score must be finite, got 1 NaN and 1 infinite values among 3"),
    ([0, 1, 1], [1.0, np.nan, np.nan], "y_score must be finite, got 2 NaN and 0 infinite values among 3"),
    ([0, 1], pd.Series([1.0, None], dtype="Float64"), "y_score must be finite, got 1 NaN"),
    ([1, 1, 1], [1.0, 2.0, 3.0], "y_true must hold both classes, got 3 positives and nothing else"),
    ([0, 0], [1.0, 2.0], "y_true must hold both classes, got 2 negatives and nothing else"),
    ([-1, -1], [1.0, 2.0], "y_true must hold both classes, got 2 negatives and nothing else"),
    ([0, 1, 2], [1.0, 2.0, 3.0], "got 0, 1, 2; binarise with y_true == positive_label"),
    ([-1, 0, 1], [1.0, 2.0, 3.0], "must hold booleans, 0 and 1, or -1 and 1, got -1, 0, 1; binarise"),
    (["no", "yes"], [1.0, 2.0], "got 'no', 'yes'; binarise with y_true == positive_label"),
    (["0", "1"], [1.0, 2.0], "got '0', '1'; binarise"),
    ([1, 2], [1.0, 2.0], "got 1, 2; binarise"),
    ([0.0, 0.5, 1.0], [1.0, 2.0, 3.0], "got 0.0, 0.5, 1.0; binarise"),
    (list(range(9)), list(range(9)), "got 0, 1, 2, 3, 4 and 4 others; binarise"),
    ([0.0, np.nan, 1.0], [1.0, 2.0, 3.0], r"y_true holds 1 missing labels \(NaN or None\); every row needs a class"),
    (pd.Series([0, None, 1], dtype="Int64"), [1.0, 2.0, 3.0], "y_true holds 1 missing labels"),
]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("y_true", "y_score", "message"), BAD_ROWS)
def test_bad_labels_and_scores_are_named(metric: Callable[..., Any], y_true: Any, y_score: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metric(y_true, y_score)


@pytest.mark.parametrize("score", [["a", "b"], [1j, 2.0], [{}, 2.0], np.array(["2020-01-01"] * 2, dtype="M8[D]")])
def test_scores_that_are_no_numbers_are_named(score: Any) -> None:
    with pytest.raises(TypeError, match="y_score must hold real numbers, got"):
        auroc([0, 1], score)


BAD_WEIGHTS = [
    ([1.0, 2.0], "y_true and sample_weight must have one length, got 3 and 2"),
    ([1.0, -2.0, -0.5], "sample_weight must not be negative, got 2 negative values, the smallest -2"),
    ([1.0, np.nan, 1.0], "sample_weight must be finite, got 1 NaN and 0 infinite"),
    ([1.0, np.inf, 1.0], "sample_weight must be finite, got 0 NaN and 1 infinite"),
    ([0.0, 0.0, 0.0], "sample_weight must not be zero in every row"),
    ([1.0, 0.0, 0.0], "sample_weight is zero for all 2 positives; both classes need weight"),
    ([0.0, 1.0, 1.0], "sample_weight is zero for all 1 negatives; both classes need weight"),
    ([[1.0], [1.0], [1.0]], "sample_weight must be a vector"),
]


@pytest.mark.parametrize("metric", [auroc, average_precision, positive_thresholds, ranking_summary])
@pytest.mark.parametrize(("weight", "message"), BAD_WEIGHTS)
def test_bad_weights_are_named(metric: Callable[..., Any], weight: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metric([0, 1, 1], [1.0, 2.0, 3.0], sample_weight=weight)


BAD_GROUPS = [
    (["a", "b"], "y_true and groups must have one length, got 3 and 2"),
    (["a", None, "b"], "groups holds 1 missing values; leave these rows out or name them"),
    (["a", float("nan"), "b"], "groups holds 1 missing values"),
    (pd.Categorical(["a", None, None]), "groups holds 2 missing values"),
    (pd.Series([1, None, 2], dtype="Int64"), "groups holds 1 missing values"),
    (pl.Series(["a", None, "b"]), "groups holds 1 missing values"),
    (np.zeros((3, 2)), "groups must be a vector"),
]


@pytest.mark.parametrize("metric", [ranking_summary, lambda *a, groups: fix_mistakes(*a, steps=1, groups=groups)])
@pytest.mark.parametrize(("groups", "message"), BAD_GROUPS)
def test_bad_groups_are_named(metric: Callable[..., Any], groups: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metric([0, 1, 1], [1.0, 2.0, 3.0], groups=groups)


def test_groups_that_cannot_be_sorted_are_named() -> None:
    with pytest.raises(TypeError, match="groups must hold labels that can be sorted"):
        ranking_summary([0, 1], [1.0, 2.0], groups=[{"a": 1}, {"b": 2}])


@pytest.mark.parametrize(
    "coding",
    [
        lambda y: y,
        lambda y: y.tolist(),
        lambda y: y.astype(int),
        lambda y: y.astype(np.uint8),
        lambda y: y.astype(float),
        lambda y: np.where(y, 1, -1),
        lambda y: np.where(y, 1.0, -1.0),
        lambda y: y.astype(object),
        lambda y: pd.Series(y.astype(int), index=np.arange(y.size)[::-1]),
        lambda y: pd.Series(y).astype("boolean"),
        lambda y: pd.Series(y.astype(int)).astype("category"),
        lambda y: pl.Series(y),
    ],
)
def test_all_codings_of_two_classes_are_the_same(coding: Callable[[np.ndarray], Any]) -> None:
    generator = np.random.default_rng(0)
    y, score = generator.random(50) < 0.4, generator.random(50).round(1)
    assert auroc(coding(y), score) == auroc(y, score)
    assert average_precision(coding(y), pd.Series(score)) == average_precision(y, score)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, np.uint8, object, bool])
def test_scores_of_any_real_type_are_taken(dtype: Any) -> None:
    y, score = [0, 1, 1, 0], np.array([0, 1, 0, 0])
    assert auroc(y, score.astype(dtype)) == auroc(y, score)


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        (["b", "a", "b", "c"], ("a", "b", "c")),
        ((3, 1, 3, 2), (1, 2, 3)),
        (np.array([300, -5, 300, 7]), (-5, 7, 300)),
        (np.array([-128, 127, -128, 0], dtype=np.int8), (-128, 0, 127)),
        (np.array([2, 1, 2, 1], dtype=np.uint64), (1, 2)),
        (np.array([True, False, True, True]), (False, True)),
        (np.array([0.5, -1.0, 0.5, 2.0]), (-1.0, 0.5, 2.0)),
        (np.array(["y", "x", "y", "y"]), ("x", "y")),
        (pd.Series(["b", "a", "b", "a"], index=[7, 8, 9, 10]), ("a", "b")),
        (pd.Categorical(["old", "young", "old", "old"], ["young", "old", "unused"], ordered=True), ("young", "old")),
        (pd.Series(["v", "u", "v", "v"], dtype="category"), ("u", "v")),
        (pl.Series(["b", "a", "b", "a"]), ("a", "b")),
    ],
)
def test_groups_get_codes_in_the_order_of_their_sorted_labels(groups: Any, names: tuple[Any, ...]) -> None:
    found = rank_rows([0, 1, 1, 0], [4.0, 3.0, 2.0, 1.0], groups=groups)
    assert found.group_names == names
    assert found.group is not None
    assert found.group.dtype == np.intp
    assert [names[code] for code in found.group] == list(groups)


def test_more_groups_than_a_byte_can_hold_keep_their_codes() -> None:
    labels = np.arange(1000)[::-1] * 10**9
    found = rank_rows(np.arange(1000) % 2, np.arange(1000), groups=labels)
    assert found.group is not None
    assert np.array(found.group_names)[found.group].tolist() == np.sort(labels).tolist()
    near = rank_rows(np.arange(1000) % 2, np.arange(1000), groups=np.arange(1000)[::-1])
    assert near.group is not None
    assert near.group.tolist() == list(range(1000))


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([-1.5, -0.0, 0.0, 2.0, 1e300])), min_size=1, max_size=40))
def test_rows_stand_in_stable_order_with_the_ends_of_their_blocks(rows: list[tuple[bool, float]]) -> None:
    y, score = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    found = rank_rows(y, score, both_classes=False, sample_weight=np.arange(1, y.size + 1), groups=score > 0)
    expected = sorted(range(y.size), key=lambda row: -score[row])
    assert found.order.tolist() == expected
    assert found.score.tolist() == score[expected].tolist()
    assert found.positive.tolist() == y[expected].tolist()
    assert found.weight is not None
    assert np.ldexp(found.weight, found.weight_exponent).tolist() == [row + 1 for row in expected]
    assert 0.5 <= found.weight.max() < 1
    below = rankdata(-found.score, method="max").astype(int) - 1
    assert found.block_end.tolist() == sorted(set(below.tolist()))


def test_one_class_is_accepted_on_request() -> None:
    found = rank_rows([1, 1], [1.0, 2.0], both_classes=False, sample_weight=[1.0, 0.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(auroc_of_weights(*cumulative_weights(found)))
        assert average_precision_of_weights(*cumulative_weights(found)) == 1.0


def test_many_sets_of_weights_at_once_equal_one_after_the_other() -> None:
    generator = np.random.default_rng(1)
    y, score = generator.random(200) < 0.3, generator.random(200).round(1)
    counts = generator.integers(0, 4, size=(3, 5, 200)).astype(float)
    ranking = rank_rows(y, score)
    cumulative = cumulative_weights(ranking, counts[..., ranking.order])
    found = np.stack([auroc_of_weights(*cumulative), average_precision_of_weights(*cumulative)])
    assert found.shape == (2, 3, 5)
    for place in np.ndindex(3, 5):
        assert found[(0, *place)] == auroc(y, score, sample_weight=counts[place])
        assert found[(1, *place)] == average_precision(y, score, sample_weight=counts[place])


def test_input_is_left_as_it_was() -> None:
    y, score, weight = np.array([0, 1, 1, 0]), np.array([4.0, 4.0, 2.0, 1.0]), np.array([1.0, 2.0, 1.0, 3.0])
    groups = np.array([1, 2, 1, 2])
    before = [array.copy() for array in (y, score, weight, groups)]
    ranking_summary(y, score, sample_weight=weight, groups=groups)
    auroc(y, score, sample_weight=weight)
    average_precision(y, score, sample_weight=weight)
    fix_mistakes(y, np.arange(4.0), steps=2, groups=groups)
    for array, copy in zip((y, score, weight, groups), before, strict=True):
        assert np.array_equal(array, copy)


def test_large_whole_numbers_are_ranked_as_whole_numbers() -> None:
    y = np.array([0, 1, 0, 1, 0, 1, 0, 1])
    exact = (1 + 2 + 3 + 4) / 16  # negatives below the first, second, ... positive
    for score in (
        1_700_000_000_000_000_000 + np.arange(8),
        np.iinfo(np.int64).min + np.arange(8),
        np.arange(2**63, 2**63 + 8, dtype=np.uint64),
    ):
        assert auroc(y, score) == exact
        assert positive_thresholds(y, score).auroc == exact
        assert ranking_summary(y, score).auroc == exact
        assert average_precision(y, score) == average_precision(y, np.arange(8))
        assert len(mistakes(y, score)) == len(mistakes(y, np.arange(8)))  # no ties
        assert rank_rows(y, score).score.tolist() == score[::-1].tolist()


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.floats(0.01, 100)), min_size=2, max_size=20),
    st.sampled_from([-900, -530, 0, 530, 900]),
)
def test_metrics_do_not_know_the_unit_of_the_weights(rows: list[tuple[bool, int, float]], power: int) -> None:
    y, score, weight = (np.array(column) for column in zip(*rows, strict=True))
    if y.all() or not y.any():
        return
    other = weight * 2.0**power  # exact
    for metric in (auroc, average_precision):
        assert metric(y, score, sample_weight=other) == metric(y, score, sample_weight=weight)
    ours, theirs = (ranking_summary(y, score, sample_weight=w, groups=score % 2) for w in (weight, other))
    assert (ours.auroc, ours.average_precision, ours.prevalence) == (
        theirs.auroc,
        theirs.average_precision,
        theirs.prevalence,
    )
    pd.testing.assert_frame_equal(ours.by_group, theirs.by_group, check_exact=True)
    assert positive_thresholds(y, score, sample_weight=other).auroc == pytest.approx(
        auroc(y, score, sample_weight=weight)
    )


def test_depths_count_weight_in_its_own_unit() -> None:
    y, score = [1, 0, 1, 0], [4, 3, 2, 1]
    found = ranking_summary(y, score, sample_weight=[3.0, 1.0, 1.0, 2.0], k=[1, 3, 4, 7]).at_k
    # rows of weight 1, in the order of the scores: 1 1 1 0 1 0 0
    assert found["precision"].tolist() == pytest.approx([1, 1, 3 / 4, 4 / 7])
    assert found["recall"].tolist() == pytest.approx([1 / 4, 3 / 4, 3 / 4, 1])


def test_weights_that_vanish_beside_others_are_named() -> None:
    with pytest.raises(ValueError, match="sample_weight is zero beside the largest weight for all 1 positives"):
        auroc([0, 1], [1.0, 2.0], sample_weight=[1e300, 1e-300])
