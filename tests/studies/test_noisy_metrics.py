"""The study `noisy_metrics`: its experiments against closed forms and computations of another kind."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau, multivariate_normal, norm
from sklearn.metrics import average_precision_score

from repro.metrics import Counts
from repro.protocol.experiment import Cell
from repro.studies import experiment
from repro.studies.noisy_metrics import experiments as study
from repro.trials.table_tasks import TableTask

PI = 492 / 284_807


def cell(name: str, **parameters: object) -> Cell:
    return Cell(f"noisy_metrics.{name}", parameters, experiment(f"noisy_metrics.{name}").seed)


def test_detectors_lie_on_the_curve_of_two_normals_in_the_stated_ranges() -> None:
    separation, tpr, fpr = study.draw_detectors(np.random.default_rng(0))
    assert len(fpr) == 200
    assert (separation >= 1.5).all()
    assert (separation <= 4.5).all()
    assert (fpr >= 1e-4).all()
    assert (fpr <= 10**-1.5).all()
    assert norm.isf(tpr) == pytest.approx(norm.isf(fpr) - separation)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_two_normals_below_two_bounds(correlation: float) -> None:
    first = np.array([-2.0, 0.3, 1.5])
    expected = [
        multivariate_normal.cdf([one, 0.4], cov=[[1, correlation], [correlation, 1]], abseps=1e-10) for one in first
    ]
    assert study.both_above(first, 0.4, correlation) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 1.0])
def test_verified_counts_are_those_of_simulated_alarms(correlation: float) -> None:
    generator, n, tpr, fpr = np.random.default_rng(0), 400_000, 0.8, 0.01
    own = generator.standard_normal(n)
    other = correlation * own + np.sqrt(1 - correlation**2) * generator.standard_normal(n)
    called, alarm = own > norm.isf(tpr), other > norm.isf(0.6)
    found = study.verified_counts(np.array([tpr]), np.array([fpr]), correlation)
    assert found.tp / PI == pytest.approx((called & alarm).mean(), abs=0.003)
    assert found.fn / PI == pytest.approx((~called & alarm).mean(), abs=0.003)
    assert found.fp == pytest.approx((1 - PI) * fpr + PI * (called & ~alarm).mean(), abs=1e-5)
    assert found.tp + found.fp + found.fn + found.tn == pytest.approx(1)


def test_ties_of_f1_within_a_hundredth_are_broken_by_g_mean_and_nothing_else_is() -> None:
    counts = Counts.from_rates(0.1, np.array([0.50, 0.52, 0.90, 0.30]), np.array([0.0100, 0.0150, 0.02, 0.0]))
    found = study.scores_of(counts)
    assert round(float(found["f1"][0]), 2) == round(float(found["f1"][1]), 2)
    assert found["f1"][0] > found["f1"][1]
    assert np.argsort(found["f1_then_gmean"]).tolist() == [3, 0, 1, 2]


def test_areas_of_curves_are_the_closed_form_and_that_of_a_large_sample() -> None:
    separation = np.array([1.5, 3.0])
    curve = norm.sf(study.GRID - separation[:, None]), np.tile(norm.sf(study.GRID), (2, 1))
    found = study.scores_of(Counts.from_rates(PI, *(rate[:, 0] for rate in curve)), Counts.from_rates(0.1, *curve))
    assert found["auroc"] == pytest.approx(norm.cdf(separation / np.sqrt(2)), abs=1e-3)
    generator = np.random.default_rng(0)
    y = np.arange(300_000) % 10 == 0
    sampled = [average_precision_score(y, generator.standard_normal(y.size) + shift * y) for shift in separation]
    assert found["average_precision"] == pytest.approx(sampled, abs=0.01)


def test_the_table_of_a_draw_is_that_of_counts_made_by_hand() -> None:
    drawn = cell("ordering", draw=7, noises="all")
    table = study.ordering(drawn)
    _, tpr, fpr = study.draw_detectors(drawn.generator())
    cost = 50 * PI * (1 - tpr) + (1 - PI) * fpr
    a, b = 0.3, 0.001
    tp = PI * tpr * (1 - a) + (1 - PI) * fpr * b
    called, positive = PI * tpr + (1 - PI) * fpr, PI * (1 - a) + (1 - PI) * b
    f1 = 2 * tp / (called + positive)
    rows = table[(table["cost"] == "50") & (table["missed"] == a) & (table["labels"] == "recorded")]
    found = rows.set_index(["method", "metric"])["value"]
    assert found["f1", "kendall"] == pytest.approx(kendalltau(f1, -cost).statistic, abs=1e-3)
    assert found["f1", "regret"] == pytest.approx(cost[f1.argmax()] / cost.min() - 1, abs=1e-3)
    assert found["f1", "f1_of_best"] == pytest.approx(f1[cost.argmin()], abs=1e-3)
    assert found["recall", "kendall"] == pytest.approx(kendalltau(tp, -cost).statistic, abs=1e-3)


def test_only_verification_lets_the_cost_itself_mistake_the_order() -> None:
    table = study.ordering(cell("ordering", draw=1, noises="all"))
    rows = table[(table["method"] == "expected_cost") & (table["metric"] == "kendall") & (table["cost"] == "500")]
    tau = rows[rows["labels"] == "recorded"].groupby("noise")["value"].min()
    assert tau["independent"] > 0.98
    assert tau["verification 1"] < 0.9


def test_the_control_turns_round_f1_alone_and_first_of_a_pair() -> None:
    plain, turned = (
        study.ordering(cell("ordering", draw=2, noises="all", **more)) for more in ({}, {"variant": "order_reversed"})
    )
    changed = plain[(plain["metric"] == "kendall") & (plain["value"] != turned["value"])]
    assert set(changed["method"]) == {"f1", "f1_then_gmean"}
    assert set(changed["labels"]) == {"recorded"}
    assert (changed["value"] == -turned.loc[changed.index, "value"]).all()


@pytest.mark.parametrize("share", [0.01, 0.1])
def test_thinning_leaves_the_stated_share_and_every_negative(share: float) -> None:
    y = np.arange(5000) % 4 == 0
    task = study._thinned(TableTask("x", np.arange(5000.0)[:, None], y), share, np.random.default_rng(0))
    assert task.y.mean() == pytest.approx(share, abs=1e-3)
    assert (~task.y).sum() == (~y).sum()
    assert (np.diff(task.X[:, 0]) > 0).all()


def test_counts_of_simulated_rows_do_not_fit_exchanged_rates() -> None:
    where = {"prevalence": PI, "missed": 0.3, "invented": 0.05, "rows": 10**5}
    plain, exchanged = (
        study.counts(cell("counts", **where, **more))["value"].item()
        for more in ({}, {"variant": "error_rates_exchanged"})
    )
    assert plain < 5 < 50 < exchanged
