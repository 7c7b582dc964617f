from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp, softmax
from scipy.stats import multivariate_normal
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import confusion_matrix

from repro.ground.exceptions import UnknownName
from repro.longtail import estimate_prior_bbse, estimate_prior_em, estimate_prior_power
from repro.longtail.priors import _climb

TRAIN = np.array([0.5, 0.25, 0.15, 0.1])
MEANS = np.array([[0.0, 0.0], [1.5, 0.0], [0.0, 1.5], [1.5, 1.5]])


def draw(prior: np.ndarray, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, log densities of the classes and exact posteriors under the training prior."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(4, n, p=prior)
    points = MEANS[labels] + generator.normal(size=(n, 2))
    densities = np.stack([multivariate_normal(mean).logpdf(points) for mean in MEANS], axis=1)
    return labels, densities, softmax(densities + np.log(TRAIN), axis=1)


SHIFTED = np.array([0.1, 0.1, 0.3, 0.5])


def test_em_finds_a_shifted_prior_within_sampling_error() -> None:
    _, _, posteriors = draw(SHIFTED, 20_000, 0)
    found = estimate_prior_em(posteriors, TRAIN)
    assert found.converged
    np.testing.assert_allclose(found.prior, SHIFTED, atol=0.02)
    assert np.all(found.interval.low <= SHIFTED)
    assert np.all(found.interval.high >= SHIFTED)
    assert (found.interval.level, found.interval.n_bootstrap) == (0.95, 200)
    assert found.prior.sum() == pytest.approx(1, abs=1e-12)
    assert len(found.log_likelihood) == found.iterations + 1


def test_em_is_the_maximum_that_a_general_optimiser_finds() -> None:
    _, _, posteriors = draw(SHIFTED, 800, 1)
    found = estimate_prior_em(posteriors, TRAIN, tolerance=1e-8, max_iterations=100_000, n_bootstrap=0)

    def loss(scores: np.ndarray) -> float:
        return -np.log((posteriors / TRAIN) @ softmax(scores)).sum()

    other = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-7})
    np.testing.assert_allclose(found.prior, softmax(other.x), atol=1e-4)
    assert found.log_likelihood[-1] == pytest.approx(-other.fun, abs=1e-6)
    assert found.interval is None


def test_one_iteration_is_the_published_one() -> None:
    _, _, posteriors = draw(SHIFTED, 300, 2)
    with pytest.warns(ConvergenceWarning, match="stopped after 2 iterations"):
        found = estimate_prior_em(posteriors, TRAIN, tolerance=1e-12, max_iterations=2, n_bootstrap=0)
    prior = TRAIN
    for _ in range(2):
        corrected = posteriors * prior / TRAIN
        prior = (corrected / corrected.sum(axis=1, keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(found.prior, prior, rtol=1e-12)
    assert not found.converged
    assert found.log_likelihood[0] == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.2, 6.0))
def test_the_likelihood_never_falls(seed: int, sharpness: float) -> None:
    generator = np.random.default_rng(seed)
    rows = softmax(sharpness * generator.normal(size=(60, 5)), axis=1)
    train = generator.dirichlet(np.ones(5)) + 1e-3
    found = estimate_prior_em(rows, train / train.sum(), n_bootstrap=0, max_iterations=20_000)
    assert np.all(np.diff(found.log_likelihood) > -1e-9)
    assert found.prior.min() >= 0


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("seed", range(4))
def test_resampled_sets_are_solved_as_well_as_the_set_itself(sharpness: float, seed: int) -> None:
    n, n_classes = 150, 12
    rows = softmax(sharpness * np.random.default_rng(seed).normal(size=(n, n_classes)), axis=1)
    train = np.arange(1, n_classes + 1) / np.arange(1, n_classes + 1).sum()
    found = estimate_prior_em(rows, train, n_bootstrap=1, tolerance=1e-4, max_iterations=100_000, random_state=seed)
    # one resampled set: both bounds are its prior
    np.testing.assert_array_equal(found.interval.low, found.interval.high)
    prior = found.interval.low
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n))
    ratios = rows / train
    # the log-likelihood is concave: nothing lies higher than its tangent, which is highest in a corner
    slopes = (drawn / (ratios @ prior)) @ ratios
    assert slopes.max() - n <= 1e-4
    assert prior.sum() == pytest.approx(1, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.3, 1.0, 4.0, 10.0]))
def test_accelerated_iterations_never_lower_the_likelihood(seed: int, sharpness: float) -> None:
    generator = np.random.default_rng(seed)
    rows = softmax(sharpness * generator.normal(size=(60, 6)), axis=1)
    train, start = generator.dirichlet(np.ones(6)) + 1e-3, generator.dirichlet(0.3 * np.ones(6)) + 1e-6
    ratios, shares = rows / train, np.full((1, 60), 1 / 60)
    likelihoods = [
        np.log(ratios @ _climb(ratios, shares, start / start.sum(), 1e-12, 2 * rounds)[0]).mean() for rounds in range(9)
    ]
    assert np.all(np.diff(likelihoods) > -1e-12)


def test_a_class_that_is_never_seen_gets_nothing() -> None:
    found = estimate_prior_em(np.tile([0.7, 0.3, 0.0], (50, 1)), [0.4, 0.3, 0.3], n_bootstrap=3)
    np.testing.assert_allclose(found.prior, [1, 0, 0], atol=1e-3)


@pytest.mark.parametrize("soft", [False, True])
def test_bbse_is_the_solution_of_the_published_equations(soft: bool) -> None:
    n = 100_000
    labels, _, posteriors = draw(TRAIN, n, 4)
    _, _, test = draw(SHIFTED, n, 5)
    predictions = [rows if soft else rows.argmax(axis=1) for rows in (posteriors, test)]
    found = estimate_prior_bbse(labels, *predictions, n_bootstrap=10)
    # joint shares of prediction (rows) and label (columns), weights w = C^-1 m, prior w p
    if soft:
        joint = posteriors.T @ np.eye(4)[labels] / n
        mean = test.mean(axis=0)
    else:
        joint = confusion_matrix(labels, predictions[0], normalize="all").T
        mean = np.bincount(predictions[1], minlength=4) / n
    weights = np.linalg.solve(joint, mean)
    np.testing.assert_allclose(found.solution, weights * np.bincount(labels) / n, rtol=1e-9)
    np.testing.assert_allclose(found.prior, SHIFTED, atol=0.02)
    assert found.prior.sum() == pytest.approx(1)
    assert found.condition >= 1
    assert np.all(found.interval.low < found.interval.high)


def test_intervals_of_bbse_have_the_width_of_the_sampling_error() -> None:
    # perfect predictions: the estimate is the share of a class, a binomial proportion
    labels = np.arange(40) % 4
    test = np.repeat(np.arange(4), [100, 100, 300, 500])
    error = np.sqrt(np.array([0.1, 0.1, 0.3, 0.5]) * np.array([0.9, 0.9, 0.7, 0.5]) / 1000)
    for some, others in ((labels, test), (np.eye(4)[labels], np.eye(4)[test])):
        found = estimate_prior_bbse(labels, some, others, n_bootstrap=2000)
        np.testing.assert_allclose(found.prior, [0.1, 0.1, 0.3, 0.5], rtol=1e-12)
        np.testing.assert_allclose(found.interval.high - found.interval.low, 3.92 * error, rtol=0.12)


def test_negative_solutions_are_cut_and_kept() -> None:
    labels = np.repeat([0, 1], 10)
    predictions = np.r_[np.zeros(8, int), [1, 1], np.ones(8, int), [0, 0]]
    found = estimate_prior_bbse(labels, predictions, np.zeros(10, int))
    np.testing.assert_allclose(found.solution, [4 / 3, -1 / 3])
    assert found.prior.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("beta", [1.0, 0.0, -0.85])
@pytest.mark.parametrize("calibrated_to", ["uniform", "train"])
def test_the_power_of_the_prior_is_found(beta: float, calibrated_to) -> None:
    prior = TRAIN**beta / (TRAIN**beta).sum()
    _, densities, posteriors = draw(prior, 20_000, 6)
    logits = densities if calibrated_to == "uniform" else np.log(posteriors)
    found = estimate_prior_power(logits, TRAIN, calibrated_to=calibrated_to)
    assert found.beta.estimate == pytest.approx(beta, abs=0.06)
    assert found.beta.low <= beta <= found.beta.high
    assert (found.beta.method, found.beta.n, found.at_bound) == ("percentile", 20_000, False)
    np.testing.assert_allclose(found.prior, TRAIN**found.beta.estimate / (TRAIN**found.beta.estimate).sum())
    assert np.all(found.interval.low <= prior)
    assert np.all(found.interval.high >= prior)


def test_both_calibrations_give_one_exponent() -> None:
    _, densities, posteriors = draw(SHIFTED, 2000, 7)
    uniform = estimate_prior_power(densities, TRAIN)
    train = estimate_prior_power(torch.tensor(np.log(posteriors)), TRAIN, calibrated_to="train")
    assert uniform.beta.estimate == pytest.approx(train.beta.estimate, abs=1e-6)
    assert uniform.beta.low == pytest.approx(train.beta.low, abs=1e-6)
    # the same densities, relative to another prior
    offset = logsumexp(densities - np.log(4), axis=1) - logsumexp(densities + np.log(TRAIN), axis=1)
    assert train.log_likelihood - uniform.log_likelihood == pytest.approx(offset.sum())


def test_the_exponent_maximises_the_likelihood_that_em_maximises() -> None:
    _, densities, _ = draw(SHIFTED, 1000, 8)
    found = estimate_prior_power(densities, TRAIN, n_bootstrap=0)

    def likelihood(beta: float) -> float:
        prior = log_softmax(beta * np.log(TRAIN))
        return float(logsumexp(log_softmax(densities, axis=1) + prior + np.log(4), axis=1).sum())

    dense = np.linspace(-2, 2, 401)
    values = [likelihood(beta) for beta in dense]
    assert found.beta.estimate == pytest.approx(dense[np.argmax(values)], abs=0.01)
    assert found.log_likelihood == pytest.approx(likelihood(found.beta.estimate), rel=1e-9)
    assert found.log_likelihood >= max(values) - 1e-9
    best = estimate_prior_em(softmax(densities, axis=1), np.full(4, 0.25), n_bootstrap=0)
    assert best.log_likelihood[-1] + 0.01 >= found.log_likelihood
    assert found.interval is None
    assert np.isnan(found.beta.low)


def test_resampled_exponents_are_those_of_the_resampled_sets() -> None:
    _, densities, _ = draw(SHIFTED, 300, 9)
    found = estimate_prior_power(densities, TRAIN, n_bootstrap=20, random_state=3)
    drawn = np.random.default_rng(3).multinomial(300, np.full(300, 1 / 300), size=20)
    betas = [
        estimate_prior_power(np.repeat(densities, row, axis=0), TRAIN, n_bootstrap=0).beta.estimate for row in drawn
    ]
    np.testing.assert_allclose((found.beta.low, found.beta.high), np.quantile(betas, [0.025, 0.975]), atol=1e-3)


def test_an_exponent_at_its_bound_is_said_to_be_there() -> None:
    _, densities, _ = draw(np.array([0.01, 0.01, 0.01, 0.97]), 2000, 10)
    found = estimate_prior_power(densities, TRAIN, bounds=(-1.0, 1.0))
    assert found.at_bound
    assert (found.beta.estimate, found.beta.low, found.beta.high) == (-1.0, -1.0, -1.0)


def test_constants_and_extremes_of_logits_do_no_harm() -> None:
    _, densities, _ = draw(SHIFTED, 500, 11)
    found = estimate_prior_power(densities, TRAIN, n_bootstrap=5)
    shifted = estimate_prior_power(densities + 1e4, TRAIN, n_bootstrap=5)
    assert shifted.beta.estimate == pytest.approx(found.beta.estimate, abs=1e-5)
    extreme = estimate_prior_power(1e4 * densities, TRAIN, n_bootstrap=5)
    assert np.isfinite(extreme.log_likelihood)


ROWS = np.full((3, 4), 0.25)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((ROWS[0], TRAIN), {}, ValueError, r"probabilities must have shape \(n, C\)"),
        ((ROWS * 2, TRAIN), {}, ValueError, "probabilities must sum to 1 in every row, got 2 in row 0"),
        ((ROWS - [[1, -1, 0, 0]], TRAIN), {}, ValueError, "probabilities must not be negative"),
        ((ROWS * np.nan, TRAIN), {}, ValueError, "probabilities must be finite, got 12 NaN"),
        ((ROWS, TRAIN[:3]), {}, ValueError, r"train_prior must have shape \(4,\), one share for each class"),
        ((ROWS, [5, 1, 1, 1]), {}, ValueError, "train_prior must sum to 1, got 8; divide counts by their sum"),
        ((ROWS, [0.5, 0.5, 0, 0]), {}, ValueError, "train_prior must be above 0 for every class, got 0 for class 2"),
        ((ROWS, ["a"] * 4), {}, TypeError, "train_prior must hold real numbers"),
        ((ROWS, TRAIN), {"tolerance": 0}, ValueError, "tolerance must be above 0"),
        ((ROWS, TRAIN), {"max_iterations": 0}, ValueError, "max_iterations must be at least 1"),
        ((ROWS, TRAIN), {"n_bootstrap": -1}, ValueError, "n_bootstrap must be at least 0"),
        ((ROWS, TRAIN), {"level": 95}, ValueError, "level must lie between 0 and 1, got 95"),
    ],
)
def test_bad_input_of_em_is_refused(arguments, options, error, message) -> None:
    with pytest.raises(error, match=message):
        estimate_prior_em(*arguments, **options)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0, 2], [0, 2], [0]), ValueError, "every class needs a validation image, class 1 has none"),
        (([0, 1], [0, 0], [0]), ValueError, "the confusion matrix is singular"),
        (([0, 1], [0, 1], [2]), ValueError, "test_predictions must lie between 0 and 1, got 1 outside, such as 2"),
        (([0, 1], [0, 1], [0.5]), TypeError, "test_predictions must be whole numbers where they are classes"),
        (([0, 1], [0, 1, 1], [0]), ValueError, "validation_predictions must have 2 rows as labels do, got 3"),
        (([0, 1], np.eye(2), [0]), ValueError, "must both be classes or both be probabilities"),
        (([0, 1], np.eye(3), [0]), ValueError, "validation_predictions must have 2 columns"),
        (([0, 1], [0, 1], []), ValueError, r"test_predictions must be classes of shape \(n,\)"),
        (([0.5], [0], [0]), TypeError, "validation_labels must be whole numbers"),
        (([], [0], [0]), ValueError, "validation_labels must be a non-empty vector"),
    ],
)
def test_bad_input_of_bbse_is_refused(arguments, error, message) -> None:
    with pytest.raises(error, match=message):
        estimate_prior_bbse(*arguments)


def test_bad_input_of_the_power_is_refused() -> None:
    with pytest.raises(UnknownName, match="unknown calibration 'training'; did you mean 'train'"):
        estimate_prior_power(ROWS, TRAIN, calibrated_to="training")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="train_prior must not be uniform"):
        estimate_prior_power(ROWS, np.full(4, 0.25))
    with pytest.raises(ValueError, match="bounds must be two finite numbers in ascending order"):
        estimate_prior_power(ROWS, TRAIN, bounds=(1.0, -1.0))
    with pytest.raises(ValueError, match="logits must have 2 axes"):
        estimate_prior_power(ROWS[0], TRAIN)
