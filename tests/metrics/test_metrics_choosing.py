"""The metric chooser: every rule, the weights against their formulas, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from repro.ground.exceptions import UnknownName
from repro.metrics import choose_metric, cost_threshold, mistakes

TWO_GROUPS = ["a", "b"] * 500


def test_comparing_models_for_no_known_use_asks_for_the_auroc() -> None:
    found = choose_metric(cost_of_miss=None)
    assert (found.setting, found.metrics, found.avoid) == ("comparison", ("auroc",), ("average_precision",))
    assert (found.threshold, found.firing_rate, found.region) == (None, None, (0.0, 1.0))
    assert found.agreement["auroc"] == 1.0
    assert (found.weights["deployment"] == 1).all()


@pytest.mark.parametrize(("cost", "prevalence"), [(20, None), (500, 0.01), (3, 0.5), (0.5, 0.9)])
def test_screening_where_misses_outweigh_asks_for_the_auroc(cost: float, prevalence: float | None) -> None:
    found = choose_metric(cost_of_miss=cost, prevalence=prevalence)
    assert found.setting == "screening"
    assert found.metrics == ("auroc", "partial_auroc")
    assert found.avoid == ("average_precision",)
    assert found.agreement["auroc"] > found.agreement["average_precision"]


@pytest.mark.parametrize(("cost", "prevalence"), [(1, None), (99, 0.01), (2, None), (0.5, None)])
def test_errors_of_about_equal_weight_ask_for_the_auroc(cost: float, prevalence: float | None) -> None:
    found = choose_metric(cost_of_miss=cost, prevalence=prevalence)
    assert (found.setting, found.metrics, found.report) == ("balanced", ("auroc",), ("expected_cost",))


def test_a_rare_class_turns_a_costly_miss_into_a_question_of_alarms() -> None:
    found = choose_metric(cost_of_miss=20, prevalence=0.01)
    assert (found.setting, found.metrics) == ("alarms", ("expected_cost", "average_precision"))
    assert "negatives are 99 times as frequent" in found.reasons[0]
    assert choose_metric(cost_of_miss=20, prevalence=0.2).setting == "screening"


def test_alarms_take_the_ranking_metric_that_agrees_more() -> None:
    for n_rows in (200, 10_000, 1_000_000):
        found = choose_metric(cost_of_miss=1, prevalence=0.2, n_rows=n_rows)
        assert found.setting == "alarms"
        assert found.metrics[1] == max(found.agreement, key=lambda name: found.agreement[name])
        assert {found.metrics[1], *found.report} == {"auroc", "average_precision"}


def test_one_stream_with_a_capacity_asks_for_its_top() -> None:
    found = choose_metric(cost_of_miss=None, capacity=50, n_rows=1000)
    assert (found.setting, found.metrics) == ("retrieval", ("precision_at_k", "average_precision"))
    assert (found.firing_rate, found.region, found.avoid) == (0.05, (0.0, 0.05), ())
    assert found.agreement["average_precision"] > found.agreement["auroc"]


def test_a_scarce_resource_for_each_group_is_judged_inside_the_groups() -> None:
    found = choose_metric(cost_of_miss=10, capacity=50, selection="per_group", groups=TWO_GROUPS)
    assert (found.setting, found.metrics) == ("shared_resource", ("precision_at_k_by_group",))
    assert all(name.endswith("_by_group") for name in found.report)
    assert found.avoid == ("average_precision",)
    assert any("higher prevalence" in reason for reason in found.reasons)


def test_groups_that_compete_for_a_scarce_resource_are_shown_one_by_one() -> None:
    found = choose_metric(cost_of_miss=10, capacity=50, groups=TWO_GROUPS)
    assert (found.setting, found.metrics) == ("shared_resource", ("precision_at_k",))
    assert "recall_at_k_by_group" in found.report
    assert found.avoid == ("average_precision",)


def test_a_capacity_beyond_what_pays_is_not_scarce() -> None:
    arguments: dict[str, Any] = {"cost_of_miss": 20, "prevalence": 0.01, "n_rows": 1000}
    by_costs = choose_metric(**arguments)
    assert by_costs.firing_rate is not None
    ample = choose_metric(**arguments, capacity=by_costs.firing_rate * 1.1)
    assert (ample.setting, ample.region) == (by_costs.setting, by_costs.region)
    assert "is not scarce" in ample.reasons[0]
    scarce = choose_metric(**arguments, capacity=by_costs.firing_rate * 0.9)
    assert scarce.setting == "retrieval"
    everything = choose_metric(cost_of_miss=None, capacity=1000, n_rows=1000)
    assert everything.setting == "comparison"
    assert everything.reasons[0] == "The capacity covers all rows, so it decides nothing."


@pytest.mark.parametrize(
    ("arguments", "metrics"),
    [
        ({"cost_of_miss": None}, ("auroc_by_group",)),
        ({"cost_of_miss": 20}, ("auroc_by_group", "partial_auroc_by_group")),
        ({"cost_of_miss": 20, "prevalence": 0.01}, ("expected_cost_by_group", "average_precision_by_group")),
    ],
)
def test_selection_inside_groups_computes_the_metrics_there(arguments: Any, metrics: tuple[str, ...]) -> None:
    found = choose_metric(**arguments, selection="per_group", groups=TWO_GROUPS)
    assert found.metrics == metrics
    assert all(name.endswith("_by_group") for name in found.report)


@pytest.mark.parametrize("cost", [None, 0.1, 1, 20])
@pytest.mark.parametrize("capacity", [None, 50])
def test_average_precision_over_all_rows_is_never_advised_for_several_groups(cost: Any, capacity: Any) -> None:
    found = choose_metric(cost_of_miss=cost, capacity=capacity, groups=TWO_GROUPS)
    assert "average_precision" not in found.metrics + found.report
    assert found.avoid == ("average_precision",)
    assert any(name.endswith("_by_group") for name in found.report)


def test_threshold_is_that_of_the_costs_and_pays_in_the_reference_ranking() -> None:
    found = choose_metric(cost_of_miss=9, cost_of_false_alarm=2, prevalence=0.1, reference_auroc=0.75)
    assert found.threshold == cost_threshold(cost_of_miss=9, cost_of_false_alarm=2)
    generator = np.random.default_rng(0)
    y = generator.random(400_000) < 0.1
    shift = np.sqrt(2) * stats.norm.ppf(0.75)
    score = generator.normal(size=y.size) + shift * y
    odds = 0.1 / 0.9 * np.exp(shift * score - shift**2 / 2)
    assert found.firing_rate == pytest.approx(np.mean(odds / (1 + odds) > found.threshold), abs=0.003)
    for bound, factor in zip(found.region, (0.5, 2.0), strict=True):
        costs = choose_metric(cost_of_miss=9 * factor, cost_of_false_alarm=2, prevalence=0.1, reference_auroc=0.75)
        assert bound == pytest.approx(costs.firing_rate)


def test_weights_average_to_one_and_cover_every_rank_once() -> None:
    for arguments in ({"capacity": 40}, {"capacity": None}, {"capacity": 1}):
        for cost in (None, 5):
            table = choose_metric(cost_of_miss=cost, n_rows=700, **arguments).weights
            assert table["first_rank"].tolist() == [1, *(table["last_rank"][:-1] + 1)]
            assert table["last_rank"].iloc[-1] == 699
            width = table["last_rank"] - table["first_rank"] + 1
            for name in ("deployment", "auroc", "average_precision"):
                assert (table[name] * width).sum() == pytest.approx(699)
            assert (table["auroc"] == 1).all()
            assert table["average_precision"].is_monotonic_decreasing


def test_weight_of_a_capacity_is_the_same_down_to_it_and_zero_below() -> None:
    table = choose_metric(cost_of_miss=None, capacity=10, n_rows=1000).weights
    assert np.allclose(table.loc[table["last_rank"] <= 10, "deployment"], 99.9)
    assert (table.loc[table["first_rank"] > 10, "deployment"] == 0).all()


def test_weight_of_the_average_precision_is_the_mean_gain_of_simulated_mistakes() -> None:
    n, prevalence, auroc = 400, 0.2, 0.8
    generator = np.random.default_rng(1)
    gain, count = np.zeros(n + 1), np.zeros(n + 1)
    for _ in range(400):
        y = np.arange(n) < n * prevalence
        found = mistakes(y, generator.normal(size=n) + np.sqrt(2) * stats.norm.ppf(auroc) * y)
        rank = found["rank_of_negative"].to_numpy()
        gain[rank] += found["delta_ap"]
        count[rank] += 1
    table = choose_metric(cost_of_miss=None, prevalence=prevalence, n_rows=n, reference_auroc=auroc).weights
    simulated = [
        gain[first : last + 1].sum() / count[first : last + 1].sum()
        for first, last in zip(table["first_rank"], table["last_rank"], strict=True)
    ]
    rows = (table["first_rank"] > 10) & (table["first_rank"] < 200)
    ratio = table.loc[rows, "average_precision"] / np.array(simulated)[rows]
    assert (ratio / ratio.mean()).between(0.85, 1.15).all()


def test_agreement_is_the_shared_weight() -> None:
    found = choose_metric(cost_of_miss=None, capacity=100, n_rows=1000)
    assert found.agreement["auroc"] == pytest.approx(100 / 999)
    width = found.weights["last_rank"] - found.weights["first_rank"] + 1
    shared = np.minimum(found.weights["average_precision"], found.weights["deployment"]) * width
    assert found.agreement["average_precision"] == pytest.approx(shared.sum() / 999, abs=0.02)


def test_what_was_not_said_is_named() -> None:
    silent = choose_metric(cost_of_miss=20, capacity=30)
    assert any("prevalence not given" in text for text in silent.assumptions)
    assert any("one row in 10" in text for text in silent.assumptions)
    assert silent.weights["last_rank"].iloc[-1] == 299
    full = choose_metric(cost_of_miss=20, capacity=30, prevalence=0.1, groups=pd.Series(TWO_GROUPS))
    assert full.assumptions == ("weights are those of a binormal ranking of AUROC 0.8",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cost_of_miss": -1}, "cost_of_miss must be above 0 and finite, got -1"),
        ({"cost_of_miss": 0}, "cost_of_miss must be above 0"),
        ({"cost_of_miss": np.nan}, "cost_of_miss must be above 0"),
        ({"cost_of_false_alarm": -2}, "cost_of_false_alarm must be above 0 and finite, got -2"),
        ({"prevalence": 1.0}, "prevalence must lie between 0 and 1, got 1.0"),
        ({"reference_auroc": 0.5}, "reference_auroc must lie between 0.5 and 1, got 0.5"),
        ({"capacity": 1001, "n_rows": 1000}, r"capacity must not be larger than the number of rows \(1000\), got 1001"),
        ({"capacity": 1001, "groups": TWO_GROUPS}, "capacity must not be larger than the number of rows"),
        ({"capacity": 0}, "capacity must be at least 1 row, got 0"),
        ({"capacity": 1.5}, "capacity must be a whole number of rows or a share between 0 and 1, got 1.5"),
        ({"capacity": -0.1}, "capacity must be a whole number of rows or a share"),
        ({"n_rows": 1}, "n_rows must be a whole number of at least 2, got 1"),
        ({"n_rows": 10.5}, "n_rows must be a whole number of at least 2, got 10.5"),
        ({"selection": "per_group"}, "selection='per_group' needs groups with at least 2 different labels, got none"),
        ({"selection": "per_group", "groups": ["a"] * 9}, "at least 2 different labels, got one group only"),
        ({"groups": ["a", None, "b"]}, "groups holds 1 missing values"),
        ({"groups": ["a"]}, "groups must hold the group of each row, at least 2, got 1"),
        ({"groups": TWO_GROUPS, "n_rows": 999}, r"one label for each of n_rows \(999\) rows, got 1000"),
    ],
)
def test_bad_input_is_refused_by_name(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose_metric(**{"cost_of_miss": 10, **arguments})


def test_unknown_selection_and_boolean_capacity_are_refused() -> None:
    with pytest.raises(UnknownName, match="unknown selection 'per_grp'; did you mean 'per_group'"):
        choose_metric(cost_of_miss=10, selection="per_grp")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="capacity must be a whole number of rows or a share between 0 and 1, got True"):
        choose_metric(cost_of_miss=10, capacity=True)


@pytest.mark.parametrize("cost", [1e-9, 1e9])
def test_extreme_costs_end_at_an_end_of_the_ranking(cost: float) -> None:
    found = choose_metric(cost_of_miss=cost, n_rows=50)
    place = found.weights["deployment"].to_numpy().nonzero()[0]
    assert place.tolist() == [0 if cost < 1 else len(found.weights) - 1]
