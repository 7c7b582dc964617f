"""AUROC, average precision, groups, depths, other prevalences and rates at positive scores."""

from __future__ import annotations

import doctest
import importlib
import itertools
import json
import warnings
from fractions import Fraction
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import auc as trapezoid
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from repro.metrics import (
    auroc,
    average_precision,
    average_precision_at_prevalence,
    positive_thresholds,
    ranking_summary,
)

FIXTURES = Path(__file__).parent / "fixtures"
RANKINGS = ["counterexample_n8", "mixed_n12", "two_groups_n16"]


def fixture(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    return found


def fraction(entry: dict[str, Any]) -> Fraction:
    return Fraction(entry["num"], entry["den"])


def exact_auroc(y: Any, score: Any, weight: Any = None) -> Fraction:
    """Count all pairs."""
    weight = [1] * len(y) if weight is None else weight
    rows = [(bool(a), float(b), Fraction(c)) for a, b, c in zip(y, score, weight, strict=True)]
    won = total = Fraction(0)
    for (_, up, w), (_, down, v) in itertools.product((r for r in rows if r[0]), [r for r in rows if not r[0]]):
        won += w * v * (Fraction(int(up > down)) + Fraction(int(up == down), 2))
        total += w * v
    return won / total


def exact_ap(y: Any, score: Any, weight: Any = None) -> Fraction:
    """Step through the thresholds."""
    weight = [1] * len(y) if weight is None else weight
    rows = [(bool(a), float(b), Fraction(c)) for a, b, c in zip(y, score, weight, strict=True)]
    total, recall, area = sum(r[2] for r in rows if r[0]), Fraction(0), Fraction(0)
    for threshold in sorted({r[1] for r in rows}, reverse=True):
        fired = [r for r in rows if r[1] >= threshold]
        hits = sum(r[2] for r in fired if r[0])
        if hits:
            area += (hits / total - recall) * hits / sum(r[2] for r in fired)
            recall = Fraction(hits, total)
    return area


@st.composite
def rankings(draw: st.DrawFn, n_groups: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels of both classes, scores with ties, whole weights (some 0) and groups."""
    n = draw(st.integers(2, 14))
    y = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    y[:2] = [True, False]
    score = np.array(draw(st.lists(st.integers(0, draw(st.sampled_from([0, 3, 50]))), min_size=n, max_size=n)))
    weight = np.array(draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)))
    weight[:2] += 1
    groups = np.array(draw(st.lists(st.integers(0, n_groups - 1), min_size=n, max_size=n)))
    shuffled = np.array(draw(st.permutations(range(n))))
    return y[shuffled], score[shuffled] / 7, weight[shuffled], groups[shuffled]


def data(n: int, seed: int, prevalence: float = 0.2, decimals: int = 1) -> tuple[np.ndarray, ...]:
    generator = np.random.default_rng(seed)
    y = generator.random(n) < prevalence
    return y, (generator.normal(size=n) + y).round(decimals), generator.gamma(0.5, size=n), generator.integers(0, 4, n)


@pytest.mark.parametrize("name", RANKINGS)
def test_fixture_rankings_have_their_exact_values(name: str) -> None:
    case = fixture(name)
    y, score = case["labels_descending"], case["scores_descending"]
    assert auroc(y, score) == float(fraction(case["auroc"]))
    assert average_precision(y, score) == pytest.approx(float(fraction(case["ap"])), abs=1e-15)


def test_fixture_with_ties_has_its_exact_values_with_and_without_weights() -> None:
    case = fixture("ties_n8")
    for weight, key in ((None, "unweighted"), (case["weights"], "weighted")):
        found = auroc(case["labels"], case["scores"], sample_weight=weight)
        assert found == float(fraction(case[key]["auroc"]))
        found = average_precision(case["labels"], case["scores"], sample_weight=weight)
        assert found == pytest.approx(float(fraction(case[key]["ap"])), abs=1e-15)


def test_fixture_groups_have_their_exact_values() -> None:
    case = fixture("two_groups_n16")
    found = ranking_summary(case["labels_descending"], case["scores_descending"], groups=case["groups_descending"])
    assert found.by_group.index.tolist() == ["A", "B"]
    for name, values in case["per_group"].items():
        row = found.by_group.loc[name]
        assert (row["n_positive"], row["n_positive"] + row["n_negative"]) == (values["n_pos"], values["n"])
        assert row["auroc"] == float(fraction(values["auroc"]))
        assert row["average_precision"] == pytest.approx(float(fraction(values["ap"])), abs=1e-15)
        assert row["prevalence"] == values["n_pos"] / values["n"]
        assert row["defined"]


def test_average_precision_is_not_the_trapezoid_area() -> None:
    case = fixture("ties_n8")
    precision, recall, _ = precision_recall_curve(case["labels"], case["scores"])
    assert trapezoid(recall, precision) == pytest.approx(0.3625)
    assert average_precision(case["labels"], case["scores"]) == pytest.approx(0.575)


@settings(deadline=None)
@given(rankings())
def test_values_are_the_exact_fractions_with_ties_and_weights(rows: tuple[np.ndarray, ...]) -> None:
    y, score, weight, _ = rows
    for weights in (None, weight):
        assert auroc(y, score, sample_weight=weights) == float(exact_auroc(y, score, weights))
        exact = float(exact_ap(y, score, weights))
        assert average_precision(y, score, sample_weight=weights) == pytest.approx(exact, abs=1e-15)


@pytest.mark.parametrize("prevalence", [0.01, 0.2, 0.95])
@pytest.mark.parametrize("decimals", [0, 1, 6])
@pytest.mark.parametrize("weighted", [False, True])
def test_values_are_those_of_scikit_learn(prevalence: float, decimals: int, weighted: bool) -> None:
    y, score, weight, _ = data(5000, 0, prevalence, decimals)
    weights = weight if weighted else None
    assert auroc(y, score, sample_weight=weights) == pytest.approx(
        roc_auc_score(y, score, sample_weight=weights), abs=1e-12
    )
    assert average_precision(y, score, sample_weight=weights) == pytest.approx(
        average_precision_score(y, score, sample_weight=weights), abs=1e-12
    )


@settings(deadline=None)
@given(rankings())
def test_whole_weights_are_repeated_rows_to_the_last_bit(rows: tuple[np.ndarray, ...]) -> None:
    y, score, weight, groups = rows
    again = np.repeat(np.arange(y.size), weight)
    assert auroc(y, score, sample_weight=weight) == auroc(y[again], score[again])
    assert average_precision(y, score, sample_weight=weight) == average_precision(y[again], score[again])
    weighted = ranking_summary(y, score, groups=groups, sample_weight=weight)
    repeated = ranking_summary(y[again], score[again], groups=groups[again])
    for name in ("auroc", "average_precision", "prevalence"):
        assert getattr(weighted, name) == getattr(repeated, name)
        left, right = weighted.by_group[name].align(repeated.by_group[name])
        assert np.array_equal(left, right, equal_nan=True)
    assert weighted.at_k.equals(repeated.at_k)


@pytest.mark.parametrize("seed", range(5))
def test_rows_of_weight_zero_leave_every_bit_of_both_metrics(seed: int) -> None:
    y, score, weight, _ = data(400, seed, 0.4, decimals=3)
    kept = weight > 0.1
    weight = np.where(kept, np.ceil(weight), 0)
    for metric in (auroc, average_precision):
        found = metric(y, score, sample_weight=weight)
        assert found == metric(y[kept], score[kept], sample_weight=weight[kept])


@settings(deadline=None)
@given(rankings(), st.permutations(range(14)))
def test_order_of_the_rows_does_not_matter(rows: tuple[np.ndarray, ...], places: list[int]) -> None:
    y, score, weight, _ = rows
    moved = np.array([place for place in places if place < y.size])
    for metric in (auroc, average_precision):
        assert metric(y[moved], score[moved], sample_weight=weight[moved]) == metric(y, score, sample_weight=weight)


@settings(deadline=None)
@given(rankings())
def test_only_the_order_of_the_scores_counts_and_turning_it_reflects_auroc(rows: tuple[np.ndarray, ...]) -> None:
    y, score, weight, _ = rows
    assert auroc(y, np.exp(score) - 5, sample_weight=weight) == auroc(y, score, sample_weight=weight)
    assert average_precision(y, 3 * score, sample_weight=weight) == average_precision(y, score, sample_weight=weight)
    assert auroc(y, -score, sample_weight=weight) == pytest.approx(1 - auroc(y, score, sample_weight=weight), abs=1e-15)
    assert auroc(~y, score, sample_weight=weight) == auroc(y, -score, sample_weight=weight)


@pytest.mark.parametrize("n_positive", [1, 30, 99])
def test_equal_scores_give_one_half_and_the_prevalence(n_positive: int) -> None:
    y = np.arange(100) < n_positive
    assert auroc(y, np.full(100, 0.3)) == 0.5
    assert average_precision(y, np.full(100, 0.3)) == pytest.approx(n_positive / 100, abs=1e-15)
    found = ranking_summary(y, np.full(100, 0.3), k=[1, 40, 100])
    assert (found.auroc, found.average_precision) == (0.5, pytest.approx(n_positive / 100, abs=1e-15))
    assert found.at_k["precision"].tolist() == pytest.approx([n_positive / 100] * 3)
    assert found.at_k["recall"].tolist() == pytest.approx([0.01, 0.4, 1.0])
    at = positive_thresholds(y, np.full(100, 0.3))
    assert (at.auroc, at.average_precision) == (pytest.approx(0.5), pytest.approx(n_positive / 100))


def test_perfect_and_reversed_rankings_have_their_closed_forms() -> None:
    y = np.arange(10) < 3
    assert (auroc(y, -np.arange(10)), average_precision(y, -np.arange(10))) == (1.0, 1.0)
    # Reversed: the positives stand at ranks 8, 9 and 10.
    assert auroc(y, np.arange(10)) == 0.0
    assert average_precision(y, np.arange(10)) == pytest.approx((1 / 8 + 2 / 9 + 3 / 10) / 3)


def test_rows_without_weight_at_the_top_do_not_disturb() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ranking_summary([0, 1, 1, 0], [4, 3, 2, 1], sample_weight=[0, 0, 2, 3], groups=[0, 0, 1, 1], k=[1, 5])
        value = average_precision([0, 1, 1, 0], [4, 3, 2, 1], sample_weight=[0, 0, 2, 3])
    assert (found.auroc, found.average_precision, value) == (1.0, 1.0, 1.0)
    assert found.at_k["precision"].tolist() == [1.0, 0.4]
    assert found.by_group["defined"].tolist() == [False, True]
    # The group without weight still shows its rows.
    assert found.by_group.loc[0, ["n_positive", "n_negative"]].tolist() == [1, 1]
    assert np.isnan(found.by_group.loc[0, "prevalence"])


def test_pairs_are_counted_without_rounding_in_large_samples() -> None:
    n = 100_000
    y = np.arange(n) % 3 == 0
    score = (np.arange(n) * 7919) % n
    ranks = np.empty(n, dtype=np.int64)
    ranks[np.argsort(score)] = np.arange(n)
    n_positive = int(y.sum())
    won = int(ranks[y].sum()) - n_positive * (n_positive - 1) // 2
    exact = float(Fraction(won, n_positive * (n - n_positive)))
    assert auroc(y, score) == exact
    assert ranking_summary(y, score, groups=np.arange(n) % 5).auroc == exact


@pytest.mark.parametrize("prevalence", [0.1, 0.9])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("decimals", [1, 6])
def test_summary_of_groups_is_that_of_each_group_alone(prevalence: float, weighted: bool, decimals: int) -> None:
    y, score, weight, groups = data(3000, 1, prevalence, decimals)
    weights = weight if weighted else None
    found = ranking_summary(y, score, groups=groups, sample_weight=weights)
    assert found.auroc == pytest.approx(roc_auc_score(y, score, sample_weight=weights), abs=1e-12)
    expected = average_precision_score(y, score, sample_weight=weights)
    assert found.average_precision == pytest.approx(expected, abs=1e-12)
    assert found.prevalence == pytest.approx(np.average(y, weights=weights), abs=1e-12)
    assert (found.n_positive, found.n_negative) == (y.sum(), (~y).sum())
    assert found.by_group.index.tolist() == [0, 1, 2, 3]
    for name, row in found.by_group.iterrows():
        own = groups == name
        inside = None if weights is None else weights[own]
        assert row["auroc"] == pytest.approx(roc_auc_score(y[own], score[own], sample_weight=inside), abs=1e-12)
        assert row["average_precision"] == pytest.approx(
            average_precision_score(y[own], score[own], sample_weight=inside), abs=1e-12
        )
        assert row["prevalence"] == pytest.approx(np.average(y[own], weights=inside), abs=1e-12)
        assert (row["n_positive"], row["n_negative"]) == (y[own].sum(), (~y[own]).sum())


@settings(deadline=None)
@given(rankings(), st.booleans())
def test_overall_auroc_is_the_weighted_sum_over_pairs_of_groups(rows: tuple[np.ndarray, ...], turned: bool) -> None:
    y, score, weight, groups = rows
    if turned:  # so that either class is the smaller one
        y = ~y
    found = ranking_summary(y, score, groups=groups, sample_weight=weight)
    names = found.by_group.index
    assert found.pair_auroc.index.tolist() == found.pair_auroc.columns.tolist() == names.tolist()
    n_pairs = int(weight[y].sum()) * int(weight[~y].sum())
    for a, b in itertools.product(names, names):
        part = (y & (groups == a)) | (~y & (groups == b))
        pairs = int(weight[y & (groups == a)].sum()) * int(weight[~y & (groups == b)].sum())
        assert found.pair_weight.loc[a, b] == pytest.approx(pairs / n_pairs, abs=1e-15)
        if pairs:
            exact = float(exact_auroc(y[part], score[part], weight[part]))
            assert found.pair_auroc.loc[a, b] == pytest.approx(exact, abs=1e-15)
        else:
            assert np.isnan(found.pair_auroc.loc[a, b])
    assert np.array_equal(np.diag(found.pair_auroc), found.by_group["auroc"], equal_nan=True)
    assert np.nansum(found.pair_auroc * found.pair_weight) == pytest.approx(found.auroc, abs=1e-14)
    assert found.auroc == pytest.approx(float(exact_auroc(y, score, weight)), abs=1e-15)


def test_a_good_ranking_between_groups_can_hide_a_useless_one_within() -> None:
    # Everybody of group a scores above everybody of group b; within a group scores say nothing.
    y = np.array([1, 1, 1, 0, 1, 0, 0, 0])
    score = np.array([2, 2, 2, 2, 1, 1, 1, 1])
    found = ranking_summary(y, score, groups=list("aaaabbbb"))
    assert found.by_group["auroc"].tolist() == [0.5, 0.5]
    assert found.pair_auroc.loc["a", "b"] == 1.0
    assert found.pair_auroc.loc["b", "a"] == 0.0
    # Of 16 pairs 9 are between a's positives and b's negatives, 6 within a group, 1 is lost: (9 + 6 / 2) / 16.
    assert found.auroc == 0.75


def test_a_group_with_one_class_is_undefined_and_shows_its_counts() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ranking_summary([1, 0, 1, 1, 0, 0], [6, 5, 4, 3, 2, 1], groups=list("aabbcc"))
    table = found.by_group
    assert table["defined"].tolist() == [True, False, False]
    assert table["auroc"].isna().tolist() == table["average_precision"].isna().tolist() == [False, True, True]
    assert table["n_positive"].tolist() == [1, 2, 0]
    assert table["n_negative"].tolist() == [1, 0, 2]
    assert table["prevalence"].tolist() == [0.5, 1.0, 0.0]
    # Pairs across groups exist where the one has positives and the other negatives.
    assert found.pair_auroc.notna().to_numpy().tolist() == [[True, False, True], [True, False, True], [False] * 3]
    assert found.pair_weight.to_numpy().sum() == pytest.approx(1.0)


def test_without_groups_all_rows_are_one_group() -> None:
    y, score, *_ = data(200, 2)
    found = ranking_summary(y, score)
    assert found.by_group.index.tolist() == ["all"]
    assert found.by_group.loc["all", "auroc"] == found.auroc == auroc(y, score)
    assert found.by_group.loc["all", "average_precision"] == found.average_precision
    assert found.average_precision == average_precision(y, score)
    assert found.pair_weight.to_numpy().tolist() == [[1.0]]


def test_depths_without_ties_count_the_rows_above() -> None:
    y, score, *_ = data(60, 3, decimals=12)
    found = ranking_summary(y, score, k=[60, 1, 7, 7]).at_k
    assert found.index.tolist() == [1, 7, 60]
    top = y[np.argsort(-score)]
    assert found["precision"].tolist() == [top[:k].mean() for k in (1, 7, 60)]
    assert found["recall"].tolist() == [top[:k].sum() / y.sum() for k in (1, 7, 60)]
    assert ranking_summary(y, score, k=7).at_k.equals(found.loc[[7]])


def test_default_depths_run_through_the_rows() -> None:
    y, score, *_ = data(60, 3)
    assert ranking_summary(y, score).at_k.index.tolist() == [1, 2, 5, 10, 20, 50]
    assert ranking_summary([0, 1], [0.3, 0.3]).at_k.index.tolist() == [1, 2]


@settings(deadline=None)
@given(rankings())
def test_depths_that_cut_a_block_give_the_mean_over_its_orders(rows: tuple[np.ndarray, ...]) -> None:
    y, score, *_ = rows
    found = ranking_summary(y, score, k=range(1, y.size + 1)).at_k
    for k in range(1, y.size + 1):
        border = np.sort(score)[::-1][k - 1]
        sure, block = y[score > border], y[score == border]
        drawn, hits = k - sure.size, int(block.sum())
        # Mean of the hypergeometric distribution, from its probabilities.
        ways = [comb(hits, i) * comb(block.size - hits, drawn - i) for i in range(drawn + 1)]
        expected = sum(i * way for i, way in enumerate(ways)) / sum(ways) + sure.sum()
        assert found.loc[k, "precision"] == pytest.approx(expected / k, abs=1e-14)
        assert found.loc[k, "recall"] == pytest.approx(expected / y.sum(), abs=1e-14)


def test_depth_equal_to_all_weight_finds_every_positive_despite_rounding() -> None:
    weight = np.full(120, 0.1)
    # Summed one after the other they stay below 12, summed in pairs they do not.
    assert np.cumsum(weight)[-1] < 12 <= weight.sum()
    y = np.arange(120) % 3 == 0
    found = ranking_summary(y, np.arange(120.0), sample_weight=weight, k=12).at_k
    assert found.loc[12, "recall"] == 1.0
    assert found.loc[12, "precision"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("k", "error", "message"),
    [
        (5, ValueError, r"k must lie between 1 and the number of rows \(or their weight\), 4, got 5"),
        ([1, 0], ValueError, "got 0"),
        (-3, ValueError, "got -3"),
        (1.5, TypeError, "k must be a whole number or a sequence of them, got 1.5"),
        ([], TypeError, r"got \[\]"),
        ([[1, 2]], TypeError, "whole number"),
        (True, TypeError, "whole number"),
        ("3", TypeError, "whole number"),
    ],
)
def test_bad_depths_are_named(k: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ranking_summary([0, 1, 1, 0], [4, 3, 2, 1], k=k)


def test_positive_class_in_the_majority_needs_no_special_care() -> None:
    y, score, _, groups = data(2000, 6, prevalence=0.95)
    assert auroc(y, score) == pytest.approx(roc_auc_score(y, score), abs=1e-12)
    found = ranking_summary(y, score, groups=groups)
    assert found.prevalence > 0.9
    assert found.auroc == pytest.approx(roc_auc_score(y, score), abs=1e-12)
    at = positive_thresholds(y, score)
    assert at.average_precision == pytest.approx(average_precision_score(y, score), abs=1e-12)


@settings(deadline=None)
@given(rankings())
def test_both_metrics_are_means_over_the_scores_of_positives(rows: tuple[np.ndarray, ...]) -> None:
    y, score, weight, _ = rows
    for weights in (None, weight):
        at = positive_thresholds(y, score, sample_weight=weights)
        assert at.auroc == pytest.approx(auroc(y, score, sample_weight=weights), abs=1e-12)
        assert at.average_precision == pytest.approx(average_precision(y, score, sample_weight=weights), abs=1e-12)


def test_rates_at_positive_scores_are_counted_as_stated() -> None:
    y, score, weight, _ = data(300, 7)
    at = positive_thresholds(y, score, sample_weight=weight)
    assert at.score.tolist() == score[y].tolist()
    assert at.weight == pytest.approx(weight[y] / weight[y].sum())
    assert at.share_negative == pytest.approx(weight[~y].sum() / weight.sum())
    for place, threshold in enumerate(at.score):
        above, equal = weight * (score > threshold) * ~y, weight * (score == threshold) * ~y
        assert at.fpr[place] == pytest.approx((above + equal / 2).sum() / weight[~y].sum())
        assert at.fpr_closed[place] == pytest.approx((above + equal).sum() / weight[~y].sum())
        assert at.firing_rate[place] == pytest.approx(weight[score >= threshold].sum() / weight.sum())
    unweighted = positive_thresholds(y, score)
    assert unweighted.firing_rate.tolist() == [(score >= t).mean() for t in score[y]]


@pytest.mark.parametrize("weighted", [False, True])
def test_prevalence_shift_changes_nothing_at_the_observed_prevalence(weighted: bool) -> None:
    y, score, weight, _ = data(1000, 8)
    weights = weight if weighted else None
    observed = np.average(y, weights=weights)
    shifted = average_precision_at_prevalence(y, score, observed, sample_weight=weights)
    assert shifted == pytest.approx(average_precision(y, score, sample_weight=weights), abs=1e-12)


@pytest.mark.parametrize("prevalence", [0.001, 0.05, 0.5, 0.99])
def test_prevalence_shift_is_a_weight_on_each_class(prevalence: float) -> None:
    y, score, *_ = data(1000, 9)
    weight = np.where(y, prevalence / y.sum(), (1 - prevalence) / (~y).sum())
    expected = average_precision_score(y, score, sample_weight=weight)
    assert average_precision_at_prevalence(y, score, prevalence) == pytest.approx(expected, abs=1e-12)


def test_average_precision_at_one_prevalence_does_not_move_when_negatives_are_thinned() -> None:
    y, score, *_ = data(100, 10, 0.5)
    more = np.concatenate([np.flatnonzero(y), np.repeat(np.flatnonzero(~y), 50)])
    assert average_precision(y[more], score[more]) < average_precision(y, score) - 0.2
    assert auroc(y[more], score[more]) == pytest.approx(auroc(y, score), abs=1e-12)
    for prevalence in (0.05, 0.5):
        assert average_precision_at_prevalence(y[more], score[more], prevalence) == pytest.approx(
            average_precision_at_prevalence(y, score, prevalence), abs=1e-12
        )


def test_average_precision_grows_with_the_assumed_prevalence_between_its_limits() -> None:
    y, score, *_ = data(500, 11)
    path = [average_precision_at_prevalence(y, score, pi) for pi in (1e-9, 0.01, 0.1, 0.5, 0.9, 1 - 1e-9)]
    assert path == sorted(path)
    assert path[-1] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("prevalence", [0, 1, -0.1, 1.2, float("nan")])
def test_prevalence_outside_the_open_interval_is_named(prevalence: float) -> None:
    with pytest.raises(ValueError, match="prevalence must lie strictly between 0 and 1, got"):
        average_precision_at_prevalence([0, 1], [1.0, 2.0], prevalence)


@pytest.mark.parametrize("name", ["ranking", "by_group", "mistakes"])
def test_examples_in_the_documentation_give_what_they_say(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"repro.metrics.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
