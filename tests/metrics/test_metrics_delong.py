"""DeLong's and Newcombe's intervals of the AUROC, checked by the definition and by simulated coverage."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from repro.ground.exceptions import UnknownName
from repro.metrics import delong_interval, delong_test, newcombe_interval
from repro.metrics._ranking import rank_rows
from repro.metrics._uncertainty import auroc_without_each_row

Z = 1.959963984540054


def components(y: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Structural components by comparing every pair (DeLong et al. 1988)."""
    positives, negatives = score[y == 1], score[y == 0]
    kernel = np.sign(positives[:, None] - negatives[None, :]) / 2 + 0.5
    return kernel.mean(axis=1), kernel.mean(axis=0)


def published_covariance(y: np.ndarray, scores: list[np.ndarray]) -> np.ndarray:
    of_positives, of_negatives = zip(*(components(y, score) for score in scores), strict=True)
    return np.cov(of_positives) / len(of_positives[0]) + np.cov(of_negatives) / len(of_negatives[0])


def binormal(seed: int, n_positive: int, n_negative: int, auroc: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    y = np.repeat([1, 0], [n_positive, n_negative])
    return y, generator.normal(size=y.size) + np.sqrt(2) * stats.norm.ppf(auroc) * y


@pytest.fixture
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


@pytest.mark.usefixtures("quiet")
@given(data=st.data(), ties=st.booleans())
@settings(max_examples=80, deadline=None)
def test_interval_and_test_equal_the_quadratic_form(data: st.DataObject, ties: bool) -> None:
    n = data.draw(st.integers(4, 40))
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    y = generator.permutation(np.repeat([1, 0], [data.draw(st.integers(2, n - 2)), n])[:n])
    draw = (lambda: generator.integers(0, 4, n).astype(float)) if ties else (lambda: generator.normal(size=n))
    a, b = draw(), draw()
    covariance = published_covariance(y, [a, b])
    found = delong_test(y, a, b)
    assert (found.auroc_a, found.auroc_b) == pytest.approx((roc_auc_score(y, a), roc_auc_score(y, b)), abs=1e-12)
    variance = np.array([1, -1]) @ covariance @ np.array([1, -1])
    assert found.standard_error**2 == pytest.approx(variance, abs=1e-12)
    assert found.interval.low == pytest.approx(max(-1, found.difference - Z * np.sqrt(max(variance, 0))), abs=1e-6)
    assert found.interval.high == pytest.approx(min(1, found.difference + Z * np.sqrt(max(variance, 0))), abs=1e-6)
    if 0 < found.auroc_a < 1:
        interval, error = delong_interval(y, a, transform=None), np.sqrt(covariance[0, 0])
        assert interval.low == pytest.approx(max(0, found.auroc_a - Z * error), abs=1e-9)
        assert interval.high == pytest.approx(min(1, found.auroc_a + Z * error), abs=1e-9)


def test_logit_interval_is_the_delta_method() -> None:
    y, score = binormal(0, 60, 300)
    auroc = roc_auc_score(y, score)
    error = np.sqrt(sum(part.var(ddof=1) / part.size for part in components(y, score)))
    half = stats.norm.ppf(0.95) * error / (auroc * (1 - auroc))
    found = delong_interval(y, score, level=0.9)
    assert np.log(found.low / (1 - found.low)) == pytest.approx(np.log(auroc / (1 - auroc)) - half)
    assert np.log(found.high / (1 - found.high)) == pytest.approx(np.log(auroc / (1 - auroc)) + half)
    assert (found.level, found.method, found.n) == (0.9, "delong_logit", 360)


def test_a_strictly_increasing_transform_of_a_score_changes_nothing() -> None:
    y, score = binormal(1, 30, 100)
    other = score + np.random.default_rng(2).normal(size=130)
    assert delong_interval(y, score) == delong_interval(y, np.exp(score))
    assert delong_test(y, score, other) == delong_test(y, np.arctan(score), other**3)


def test_exchanging_the_scores_changes_the_sign() -> None:
    y, a = binormal(3, 40, 200)
    b = a + np.random.default_rng(4).normal(size=240)
    first, second = delong_test(y, a, b), delong_test(y, b, a)
    assert (first.difference, first.z) == pytest.approx((-second.difference, -second.z))
    assert (first.interval.low, first.interval.high) == pytest.approx((-second.interval.high, -second.interval.low))
    assert first.p_value == pytest.approx(second.p_value)
    assert first.p_value == pytest.approx(2 * stats.norm.sf(abs(first.difference) / first.standard_error))
    assert (first.p_value < 0.05) == (first.interval.low > 0 or first.interval.high < 0)


def test_p_values_of_equal_models_are_uniform() -> None:
    generator = np.random.default_rng(5)
    y = np.repeat([1, 0], [60, 240])
    values = []
    for _ in range(400):
        shared = generator.normal(size=300) + y
        values.append(delong_test(y, shared + generator.normal(size=300), shared + generator.normal(size=300)).p_value)
    assert stats.kstest(values, "uniform").pvalue > 0.01
    assert np.mean(np.array(values) < 0.05) == pytest.approx(0.05, abs=0.025)


def test_two_scores_that_order_alike_do_not_differ() -> None:
    y, score = binormal(6, 30, 30)
    found = delong_test(y, score, 2 * score + 1)
    assert (found.difference, found.standard_error, found.z, found.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert (found.interval.low, found.interval.high) == (0.0, 0.0)


def test_differences_without_variance_are_named() -> None:
    y = np.repeat([1, 0], 25)
    with pytest.warns(UserWarning, match="every row contributes the same difference of 1,"):
        found = delong_test(y, y, -y)
    assert (found.difference, found.standard_error, found.z, found.p_value) == (1.0, 0.0, np.inf, 0.0)
    with pytest.warns(UserWarning, match=r"the same difference of -0.5,"):
        found = delong_test(y, np.zeros(50), y)
    assert (found.z, found.p_value, found.interval.low, found.interval.high) == (-np.inf, 0.0, -0.5, -0.5)


@pytest.mark.parametrize("transform", ["logit", None])
def test_separated_classes_have_the_exact_interval(transform: Any) -> None:
    y = np.repeat([1, 0], [20, 50])
    for score, low, high in ((y, 0.025 ** (1 / 20), 1.0), (-y, 0.0, 1 - 0.025 ** (1 / 20))):
        found = delong_interval(y, score, transform=transform)
        assert (found.low, found.high) == pytest.approx((low, high))
        assert (found.estimate, found.method) == (float(score[0] == 1), "exact")


def test_exact_bound_is_rarely_above_the_truth() -> None:
    generator = np.random.default_rng(7)
    bound = 0.025 ** (1 / 5)
    y = np.repeat([1, 0], [5, 200])
    shift = np.sqrt(2) * stats.norm.ppf(bound)
    separated = [roc_auc_score(y, generator.normal(size=205) + shift * y) == 1 for _ in range(2000)]
    assert np.mean(separated) <= 0.025 + 0.01


@pytest.mark.parametrize("transform", ["logit", None])
def test_equal_scores_have_an_interval_without_width(transform: Any) -> None:
    found = delong_interval(np.repeat([1, 0], 30), np.ones(60), transform=transform)
    assert (found.estimate, found.low, found.high) == (0.5, 0.5, 0.5)


def test_one_row_of_a_class_says_nothing_about_the_variance() -> None:
    y, score = np.array([1, 0, 0, 0]), np.array([0.5, 0.1, 0.9, 0.2])
    with pytest.warns(UserWarning, match="got 1 positives and 3 negatives; newcombe_interval covers better"):
        found = delong_interval(y, score)
    assert (found.low, found.estimate, found.high) == (0.0, pytest.approx(2 / 3), 1.0)
    with pytest.warns(UserWarning, match="got 1 positives"):
        test = delong_test(y, score, -score)
    assert (test.standard_error, test.z, test.p_value) == (np.inf, 0.0, 1.0)
    assert (test.interval.low, test.interval.high) == (-1.0, 1.0)


def test_twenty_rows_of_each_class_are_enough() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        delong_interval(*binormal(8, 20, 20))
        newcombe_interval(*binormal(8, 2, 20))
    with pytest.warns(UserWarning, match="at least 20 rows of each class, got 20 positives and 19 negatives"):
        delong_interval(*binormal(8, 20, 19))


def newcombe_variance(value: float, n_positive: int, n_negative: int) -> float:
    half = (n_positive + n_negative) / 2
    pairs = 1 + (half - 1) * ((1 - value) / (2 - value) + value / (1 + value))
    return value * (1 - value) * pairs / (n_positive * n_negative)


@pytest.mark.parametrize(("n_positive", "n_negative"), [(1, 1), (3, 40), (50, 7)])
def test_newcombe_bounds_are_z_of_their_own_errors_away(n_positive: int, n_negative: int) -> None:
    y, score = binormal(9, n_positive, n_negative)
    for values in (score, y.astype(float), -y.astype(float)):
        found = newcombe_interval(y, values)
        assert found.low <= found.estimate <= found.high
        for bound in (found.low, found.high):
            if bound not in (0.0, 1.0):
                distance = abs(found.estimate - bound) / np.sqrt(newcombe_variance(bound, n_positive, n_negative))
                assert distance == pytest.approx(Z, rel=1e-6)


def test_newcombe_interval_has_a_width_when_the_classes_are_separated() -> None:
    y = np.repeat([1, 0], [4, 100])
    above, below = newcombe_interval(y, y), newcombe_interval(y, -y)
    assert above.high == 1.0
    assert above.low < 0.9
    assert (below.low, below.high) == pytest.approx((0.0, 1 - above.low))


def coverage(method: Any, auroc: float, n_positive: int, trials: int) -> float:
    intervals = (method(*binormal(seed, n_positive, 300, auroc)) for seed in range(trials))
    return float(np.mean([interval.low <= auroc <= interval.high for interval in intervals]))


@pytest.mark.usefixtures("quiet")
def test_coverage_is_the_reason_for_the_numbers_in_the_warnings() -> None:
    assert coverage(delong_interval, 0.8, 5, 400) < 0.9
    assert coverage(newcombe_interval, 0.8, 5, 400) == pytest.approx(0.95, abs=0.03)
    assert coverage(delong_interval, 0.8, 20, 400) == pytest.approx(0.95, abs=0.035)
    assert coverage(delong_interval, 0.8, 100, 400) == pytest.approx(0.95, abs=0.03)
    assert coverage(newcombe_interval, 0.9, 20, 400) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("ties", [False, True])
def test_leaving_a_row_out_needs_no_second_sort(ties: bool) -> None:
    generator = np.random.default_rng(10)
    y = np.repeat([1, 0], [6, 14])
    score = generator.integers(0, 5, 20) if ties else generator.normal(size=20)
    ranking = rank_rows(y, score)
    found = dict(zip(ranking.order.tolist(), auroc_without_each_row(ranking), strict=True))
    for row in range(20):
        kept = np.arange(20) != row
        assert found[row] == pytest.approx(roc_auc_score(y[kept], score[kept]), abs=1e-12)


def test_bad_input_is_refused_by_name() -> None:
    y, score = binormal(11, 25, 25)
    for function in (delong_interval, newcombe_interval):
        with pytest.raises(ValueError, match="level must lie between 0 and 1, got 95"):
            function(y, score, level=95)
        with pytest.raises(ValueError, match="y_score must be finite"):
            function(y, np.where(score > 0, np.nan, score))
        with pytest.raises(ValueError, match="y_true must hold both classes"):
            function(np.ones(50), score)
    with pytest.raises(UnknownName, match="unknown transform 'logis'; did you mean 'logit'"):
        delong_interval(y, score, transform="logis")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="score_b must be finite"):
        delong_test(y, score, np.full(50, np.inf))
    with pytest.raises(ValueError, match="y_true and score_a must have one length, got 50 and 49"):
        delong_test(y, score[1:], score)
    with pytest.raises(ValueError, match="level must lie between 0 and 1, got 0"):
        delong_test(y, score, score, level=0)
