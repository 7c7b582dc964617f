"""Calibration, prior correction, costs and thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit, logit

from repro.metrics import (
    best_threshold,
    binned_probability_error,
    calibration_line,
    cost_threshold,
    expected_cost,
    prior_correction,
    risk_ratio,
)


def simulated(slope: float, intercept: float, n: int = 400_000) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    probability = expit(generator.normal(-1, 1.2, size=n))
    return generator.random(n) < expit(intercept + slope * logit(probability)), probability


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.6, -0.8), (1.7, 0.5)])
def test_calibration_line_finds_the_line_that_made_the_data(slope: float, intercept: float) -> None:
    line = calibration_line(*simulated(slope, intercept))
    assert line.slope == pytest.approx(slope, abs=0.02)
    assert line.intercept == pytest.approx(intercept, abs=0.02)


def test_calibration_line_maximises_the_likelihood() -> None:
    y, probability = simulated(0.6, -0.8, n=300)
    score = logit(probability)

    def loss(parameters: np.ndarray) -> float:
        margin = parameters[0] + parameters[1] * score
        return float(np.logaddexp(0, np.where(y, -margin, margin)).sum())

    found = minimize(loss, [0.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).x
    large = minimize(
        lambda shift: loss(np.array([shift[0], 1.0])), [0.0], method="Nelder-Mead", options={"xatol": 1e-9}
    )
    line = calibration_line(y, probability)
    assert (line.intercept, line.slope) == pytest.approx(tuple(found), abs=1e-5)
    assert line.intercept_in_the_large == pytest.approx(large.x[0], abs=1e-4)


def test_intercept_in_the_large_balances_predicted_and_observed() -> None:
    y, probability = simulated(0.6, -0.8, n=5000)
    shift = calibration_line(y, probability).intercept_in_the_large
    assert expit(logit(probability) + shift).mean() == pytest.approx(y.mean(), abs=1e-10)
    assert risk_ratio(y, expit(logit(probability) + shift)) == pytest.approx(1.0)
    assert (shift < 0) == (risk_ratio(y, probability) > 1)


def test_probabilities_of_zero_and_one_are_clipped() -> None:
    y = np.array([0, 1, 0, 1, 1, 0])
    hard = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0])
    assert calibration_line(y, hard) == calibration_line(y, np.clip(hard, 1e-6, 1 - 1e-6))
    # Two of three right on both sides: the line joins log 2 at logit(1 - 1e-6) and -log 2 at logit(1e-6).
    assert calibration_line(y, hard).slope == pytest.approx(np.log(2) / logit(1 - 1e-6), rel=1e-6)


def test_separated_classes_and_constant_predictions_have_no_finite_slope() -> None:
    line = calibration_line([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert line.slope == np.inf
    assert np.isnan(line.intercept)
    assert np.isfinite(line.intercept_in_the_large)
    assert calibration_line([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9]).slope == -np.inf
    line = calibration_line([0, 1, 1, 1], [0.5] * 4)
    assert np.isnan(line.slope)
    assert line.intercept_in_the_large == pytest.approx(np.log(3))


def test_risk_ratio_by_hand() -> None:
    assert risk_ratio([0, 0, 0, 1], [0.5, 0.5, 0.5, 0.5]) == pytest.approx(2.0)


def test_prior_correction_is_bayes_rule() -> None:
    # Two normal classes with known densities: posterior under the sampled prior, corrected, is that under the original.
    x = np.linspace(-4, 5, 50)
    ratio = np.exp(-((x - 1) ** 2) / 2 + x**2 / 2)
    sampled = ratio * 1.0 / (ratio * 1.0 + 1)  # equal classes
    original = ratio * (5 / 95) / (ratio * (5 / 95) + 1)
    np.testing.assert_allclose(prior_correction(sampled, sampled_odds=1.0, original_odds=5 / 95), original)
    # The correction shifts the log odds, and leaves the ends alone.
    shifted = prior_correction(sampled, sampled_odds=2.0, original_odds=0.5)
    np.testing.assert_allclose(logit(shifted), logit(sampled) - np.log(4))
    assert prior_correction([0.0, 1.0], sampled_odds=1, original_odds=0.01).tolist() == [0.0, 1.0]


def test_prior_correction_there_and_back_changes_nothing() -> None:
    probability = np.random.default_rng(0).random((3, 4))
    there = prior_correction(probability, sampled_odds=1, original_odds=0.1)
    np.testing.assert_allclose(prior_correction(there, sampled_odds=0.1, original_odds=1), probability)


def test_cost_threshold_by_hand() -> None:
    assert cost_threshold(cost_of_miss=9, cost_of_false_alarm=1) == pytest.approx(0.1)
    assert cost_threshold(cost_of_miss=2, cost_of_false_alarm=2) == 0.5


def test_cost_threshold_is_the_best_one_for_calibrated_probabilities() -> None:
    y, probability = simulated(1.0, 0.0)
    costs = {"cost_of_miss": 4.0, "cost_of_false_alarm": 1.0}
    found = best_threshold(y, probability, **costs)
    assert found == pytest.approx(cost_threshold(**costs), abs=0.02)


def test_expected_cost_by_hand() -> None:
    y, decided = [1, 1, 0, 0, 0], [1, 0, 1, 1, 0]
    assert expected_cost(y, decided, cost_of_miss=10, cost_of_false_alarm=2) == pytest.approx((10 + 4) / 5)


scores = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=25)


@given(scores, st.sampled_from([0.1, 1.0, 3.0, 9.7]), st.sampled_from([0.3, 1.0, 2.0]))
def test_best_threshold_is_the_highest_of_the_cheapest(rows: list[tuple[bool, int]], miss: float, alarm: float) -> None:
    y, score = np.array(rows).T
    y = y.astype(bool)
    costs = {"cost_of_miss": miss, "cost_of_false_alarm": alarm}
    candidates = [np.inf, *sorted(set(score.tolist()), reverse=True)]
    by_hand = [expected_cost(y, score >= threshold, **costs) for threshold in candidates]
    cheapest = next(t for t, cost in zip(candidates, by_hand, strict=True) if cost <= min(by_hand) + 1e-9)
    assert best_threshold(y, score, **costs) == cheapest


@given(scores)
def test_best_threshold_moves_with_a_monotone_transform(rows: list[tuple[bool, int]]) -> None:
    y, score = np.array(rows).T
    y = y.astype(bool)
    costs = {"cost_of_miss": 3.0, "cost_of_false_alarm": 1.0}
    assert best_threshold(y, np.exp(score), **costs) == np.exp(best_threshold(y, score, **costs))


def test_costs_that_tie_only_up_to_rounding_still_give_the_highest_threshold() -> None:
    # Calling nothing costs 0.1 * 3, calling everything 0.3: equal on paper, not in floating point.
    y, score = [1, 1, 1, 0], [1, 1, 1, 2]
    assert 0.1 * 3 != 0.3
    assert best_threshold(y, score, cost_of_miss=0.1, cost_of_false_alarm=0.3) == np.inf


def test_binned_error_by_hand() -> None:
    y, probability = [1, 0, 0, 1, 1, 0], [0.9, 0.1, 0.3, 0.7, 0.6, 0.2]
    # sorted: 0.1 0.2 0.3 | 0.6 0.7 0.9 with shares 0 and 1
    by_hand = (0.01 + 0.04 + 0.09 + 0.16 + 0.09 + 0.01) / 6
    assert binned_probability_error(y, probability, n_bins=2) == pytest.approx(by_hand)
    assert binned_probability_error(y, [0.5] * 6, n_bins=1) == 0.0
    # one row a bin: the Brier score
    brier = np.mean((np.array(y) - probability) ** 2)
    assert binned_probability_error(y, probability, n_bins=6) == pytest.approx(brier)


def test_binned_error_knows_no_order_of_rows_and_near_its_floor_for_the_truth() -> None:
    generator = np.random.default_rng(0)
    truth = generator.beta(1, 3, 20_000)
    y = generator.random(20_000) < truth
    order = generator.permutation(20_000)
    found = binned_probability_error(y, truth, n_bins=200)
    assert binned_probability_error(y[order], truth[order], n_bins=200) == pytest.approx(found)
    assert found == pytest.approx((truth * (1 - truth)).mean() / 100, rel=0.25)


def test_binned_error_refuses_bad_bins() -> None:
    for n_bins in (0, 3):
        with pytest.raises(ValueError, match=f"n_bins must lie between 1 and the number of rows, 2, got {n_bins}"):
            binned_probability_error([0, 1], [0.2, 0.8], n_bins=n_bins)


BAD_LABELS = [
    ([-1, 1], "y_true must hold 0 and 1, or False and True, got '-1', '1'; write y == positive_class"),
    (["no", "yes"], "got 'no', 'yes'"),
    ([0.0, np.nan], "got '0.0', 'nan'"),
    ([1, 0, 1], "must be vectors of one length"),
    ([[0, 1]], "y_true must be a vector"),
    ([], "at least 1 entry"),
]


@pytest.mark.parametrize(("y", "message"), BAD_LABELS)
def test_bad_labels_are_refused(y: Any, message: str) -> None:
    costs = {"cost_of_miss": 1.0, "cost_of_false_alarm": 1.0}
    with pytest.raises(ValueError, match=message):
        calibration_line(y, [0.2, 0.8])
    with pytest.raises(ValueError, match=message):
        risk_ratio(y, [0.2, 0.8])
    with pytest.raises(ValueError, match=message):
        best_threshold(y, [0.2, 0.8], **costs)
    with pytest.raises(ValueError, match=message):
        expected_cost(y, [0, 1], **costs)


def test_one_class_has_no_calibration() -> None:
    for function in (calibration_line, risk_ratio):
        with pytest.raises(ValueError, match="both classes, got 0 positives among 2"):
            function([0, 0], [0.2, 0.8])


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"probability must lie between 0 and 1, got 1 values .* such as 1.5"):
        calibration_line([0, 1], [0.2, 1.5])
    with pytest.raises(ValueError, match=r"probability must lie between 0 and 1, got 1 values .* such as -0.1"):
        risk_ratio([0, 1], [-0.1, 0.5])
    with pytest.raises(ValueError, match=r"probability must lie between 0 and 1, got 1 values .* such as nan"):
        prior_correction([0.2, np.nan], sampled_odds=1, original_odds=1)
    with pytest.raises(ValueError, match="sampled_odds must be above 0 and finite, got 0"):
        prior_correction([0.2], sampled_odds=0, original_odds=1)
    with pytest.raises(ValueError, match="cost_of_miss must be above 0 and finite, got -1"):
        cost_threshold(cost_of_miss=-1, cost_of_false_alarm=1)
    with pytest.raises(ValueError, match="cost_of_false_alarm must be above 0 and finite, got inf"):
        expected_cost([0, 1], [0, 1], cost_of_miss=1, cost_of_false_alarm=np.inf)
    with pytest.raises(ValueError, match="y_score holds NaN"):
        best_threshold([0, 1], [0.1, np.nan], cost_of_miss=1, cost_of_false_alarm=1)
