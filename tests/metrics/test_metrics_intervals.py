"""Intervals for means of repeated runs, checked by formulas and by the coverage in simulations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from repro.ground.exceptions import UnknownName
from repro.metrics import bca_interval, equivalence_test, mean_interval, nadeau_bengio_interval

VALUES = np.array([0.71, 0.74, 0.69, 0.73, 0.75, 0.70, 0.72, 0.68])


def test_mean_interval_is_that_of_the_t_test() -> None:
    found = mean_interval(VALUES, level=0.9)
    expected = stats.ttest_1samp(VALUES, 0).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert (found.estimate, found.level, found.method, found.n) == (pytest.approx(0.715), 0.9, "t", 8)


def test_half_width_of_the_corrected_interval_is_its_formula() -> None:
    s, t = VALUES.std(ddof=1), stats.t.ppf(0.975, 7)
    single = nadeau_bengio_interval(VALUES, folds=10)
    assert (single.high - single.low) / 2 == pytest.approx(t * s * np.sqrt(1 / 8 + 1 / 9))
    whole = nadeau_bengio_interval(VALUES, folds=10, folds_per_value=10)
    assert (whole.high - whole.low) / 2 == pytest.approx(t * s * np.sqrt(1 / 8 + 10 / 9))
    assert whole.method == "nadeau_bengio"
    assert whole.estimate == pytest.approx(VALUES.mean())


def test_more_partitions_of_the_same_rows_do_not_shrink_the_interval_to_nothing() -> None:
    generator = np.random.default_rng(0)
    many = generator.normal(size=20_000)
    assert mean_interval(many).high - mean_interval(many).low < 0.03
    width = nadeau_bengio_interval(many, folds=10, folds_per_value=10)
    assert (width.high - width.low) / 2 == pytest.approx(1.96 * np.sqrt(10 / 9), rel=0.02)


def fold_values(generator: np.random.Generator, trials: int, partitions: int, folds: int) -> np.ndarray:
    """Normal fold results of mean 0 and variance 1, any two of one trial correlated by 1 / folds."""
    shared = generator.normal(size=(trials, 1, 1)) * np.sqrt(1 / folds)
    return shared + generator.normal(size=(trials, partitions, folds)) * np.sqrt(1 - 1 / folds)


@pytest.mark.parametrize("folds", [5, 10])
def test_corrected_variance_is_unbiased_in_the_model_of_nadeau_and_bengio(folds: int) -> None:
    partitions, trials = 4, 40_000
    results = fold_values(np.random.default_rng(1), trials, partitions, folds)
    true_variance = results.mean(axis=(1, 2)).var()
    single = results.reshape(trials, -1).var(axis=1, ddof=1).mean() * (1 / (partitions * folds) + 1 / (folds - 1))
    whole = results.mean(axis=2).var(axis=1, ddof=1).mean() * (1 / partitions + folds / (folds - 1))
    assert single == pytest.approx(true_variance, rel=0.03)
    assert whole == pytest.approx(true_variance, rel=0.03)


@pytest.mark.parametrize("per_partition", [True, False])
def test_corrected_interval_covers_where_the_plain_one_does_not(per_partition: bool) -> None:
    folds, partitions, trials = 10, 10, 1500
    results = fold_values(np.random.default_rng(2), trials, partitions, folds)
    values = results.mean(axis=2) if per_partition else results.reshape(trials, -1)
    corrected = plain = 0
    for row in values:
        interval = nadeau_bengio_interval(row, folds=folds, folds_per_value=folds if per_partition else 1)
        corrected += interval.low <= 0 <= interval.high
        interval = mean_interval(row)
        plain += interval.low <= 0 <= interval.high
    assert corrected / trials == pytest.approx(0.95, abs=0.025)
    assert plain / trials < 0.6


def test_bootstrap_interval_of_a_mean_is_close_to_the_t_interval_for_many_normal_values() -> None:
    values = np.random.default_rng(3).normal(5, 2, size=400)
    bootstrap, student = bca_interval(values), mean_interval(values)
    assert (bootstrap.low, bootstrap.high) == pytest.approx((student.low, student.high), abs=0.02)
    assert bootstrap.method == "bca"


def test_bootstrap_interval_leans_towards_the_long_tail() -> None:
    values = np.random.default_rng(4).exponential(size=60)
    found = bca_interval(values)
    assert found.high - found.estimate > 1.1 * (found.estimate - found.low)


def test_bootstrap_interval_covers_the_median_of_a_skewed_distribution() -> None:
    generator = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        interval = bca_interval(generator.exponential(size=40), np.median, n_resamples=499, random_state=generator)
        covered += interval.low <= np.log(2) <= interval.high
    assert covered / 200 == pytest.approx(0.95, abs=0.05)


@pytest.mark.parametrize("seed", [7, np.random.default_rng(7), np.random.RandomState(7)])
def test_bootstrap_seed_may_be_an_integer_or_a_generator(seed: Any) -> None:
    found = bca_interval(VALUES, random_state=seed, n_resamples=999)
    assert found.low < VALUES.mean() < found.high
    assert bca_interval(VALUES, random_state=7) == bca_interval(VALUES, random_state=7)
    assert bca_interval(VALUES, random_state=7) != bca_interval(VALUES, random_state=8)


def test_equal_values_give_zero_width() -> None:
    for found in (
        bca_interval([2.0, 2.0, 2.0]),
        mean_interval([2.0, 2.0, 2.0]),
        nadeau_bengio_interval([2.0, 2.0, 2.0], folds=5),
    ):
        assert (found.low, found.estimate, found.high) == (2.0, 2.0, 2.0)


def test_degenerate_jackknife_falls_back_to_percentiles_and_says_so() -> None:
    # Leaving out any one value leaves the median at 0, so the acceleration is 0/0.
    found = bca_interval([0.0, 0.0, 0.0, 0.0, 1.0], np.median)
    assert found.method == "percentile"
    assert (found.low, found.high) == (0.0, 1.0)


@pytest.mark.parametrize("function", [mean_interval, bca_interval, lambda v: nadeau_bengio_interval(v, folds=10)])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0], "at least 2 replicates"),
        ([], "at least 2 replicates"),
        ([[1.0, 2.0]], "must be a vector"),
        ([1.0, np.nan], "must be finite, got 1"),
    ],
)
def test_bad_values_are_refused(function: Any, values: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        function(values)


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="level must lie between 0 and 1, got 95"):
        mean_interval(VALUES, level=95)
    with pytest.raises(ValueError, match="folds must be at least 2, got 1"):
        nadeau_bengio_interval(VALUES, folds=1)
    with pytest.raises(ValueError, match=r"folds_per_value must lie between 1 and folds .5., got 6"):
        nadeau_bengio_interval(VALUES, folds=5, folds_per_value=6)
    with pytest.raises(ValueError, match="n_resamples must be at least 1, got 0"):
        bca_interval(VALUES, n_resamples=0)


def test_equivalence_by_t_is_the_larger_of_two_one_sided_t_tests() -> None:
    differences = VALUES - 0.714
    found = equivalence_test(differences, 0.02)
    lower = stats.ttest_1samp(differences, -0.02, alternative="greater").pvalue
    upper = stats.ttest_1samp(differences, 0.02, alternative="less").pvalue
    assert found.p_value == pytest.approx(max(lower, upper))
    assert found.equivalent == (max(lower, upper) < 0.05)
    assert found.interval == mean_interval(differences, level=0.9)


@pytest.mark.parametrize("method", ["t", "nadeau_bengio", "bca"])
@pytest.mark.parametrize("margin", [0.0005, 0.01, 0.015, 0.02, 0.03, 0.1])
def test_verdict_interval_and_p_value_agree(method: Any, margin: float) -> None:
    found = equivalence_test(VALUES - 0.714, margin, method=method, folds_per_value=10)
    assert found.equivalent == (-margin < found.interval.low and found.interval.high < margin)
    assert found.equivalent == (found.p_value < 0.05)
    assert found.interval.level == pytest.approx(0.9)
    assert found.interval.method == method


@pytest.mark.parametrize("method", ["t", "nadeau_bengio", "bca"])
def test_an_estimate_outside_the_margin_has_a_p_value_above_one_half(method: Any) -> None:
    for sign in (1, -1):
        found = equivalence_test(sign * VALUES, 0.5, method=method)
        assert found.p_value > 0.5
        assert not found.equivalent


@pytest.mark.parametrize("method", ["t", "nadeau_bengio", "bca"])
def test_equivalence_of_equal_differences_is_certain(method: Any) -> None:
    assert equivalence_test([0.1] * 5, 0.2, method=method).p_value == 0
    assert equivalence_test([0.3] * 5, 0.2, method=method).p_value == 1


def test_bootstrap_p_value_is_close_to_that_of_t() -> None:
    differences = np.random.default_rng(6).normal(0.1, 1, size=200)
    by_t = equivalence_test(differences, 0.2).p_value
    assert equivalence_test(differences, 0.2, method="bca").p_value == pytest.approx(by_t, abs=0.02)


def test_bad_equivalence_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="margin must be above 0 and finite, got 0"):
        equivalence_test(VALUES, 0)
    with pytest.raises(ValueError, match=r"alpha must lie between 0 and 0.5, got 0.5"):
        equivalence_test(VALUES, 0.1, alpha=0.5)
    with pytest.raises(UnknownName, match="unknown method 'nadeau'; did you mean 'nadeau_bengio'"):
        equivalence_test(VALUES, 0.1, method="nadeau")  # type: ignore[arg-type]
