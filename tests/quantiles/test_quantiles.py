"""Quantile forecasts against scikit-learn, closed forms and exact coverage."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import beta, norm
from sklearn.base import clone
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import mean_pinball_loss

from repro.quantiles import (
    BoostedQuantiles,
    GaussianQuantiles,
    GlobalAggregator,
    LinearQuantiles,
    NeighbourQuantiles,
    QuantileRegressionAverage,
    checked_levels,
    conformalise,
    isotonic_levels,
    pinball_loss,
    running_levels,
    sort_levels,
    weighted_interval_score,
)
from repro.quantiles.local import LocalAggregator

LEVELS = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(77)


@pytest.fixture
def table(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X = generator.normal(size=(150, 3))
    return X, X @ [1.0, -1.0, 0.5] + generator.standard_t(4, size=150) * (1 + np.abs(X[:, 0]))


@pytest.fixture
def stacked(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Forecasts of three models, responses, and one feature: the first model is right on its left, the second right."""
    X = generator.uniform(-1, 1, size=(600, 1))
    y = generator.normal(size=600)
    right = np.broadcast_to(norm.ppf(LEVELS), (600, 7))
    off = 3 * (X > 0)
    return np.stack([right + off, right + 3 - off, right - 4], axis=1), y, X


# Scores


def test_pinball_loss_is_scikit_learns(generator: np.random.Generator) -> None:
    y, forecasts = generator.normal(size=80), generator.normal(size=(80, 7))
    found = pinball_loss(y, forecasts, LEVELS).mean(axis=0)
    assert found == pytest.approx([mean_pinball_loss(y, forecasts[:, t], alpha=a) for t, a in enumerate(LEVELS)])


def test_weighted_interval_score_is_the_sum_of_interval_scores(generator: np.random.Generator) -> None:
    y, forecasts = generator.normal(size=80), np.sort(generator.normal(size=(80, 7)), axis=1)
    total = np.abs(y - forecasts[:, 3]) / 2
    for place, level in enumerate(LEVELS[:3]):
        low, high, alpha = forecasts[:, place], forecasts[:, -1 - place], 2 * level
        score = high - low + 2 / alpha * (np.maximum(low - y, 0) + np.maximum(y - high, 0))
        total += alpha / 2 * score
    assert weighted_interval_score(y, forecasts, LEVELS) == pytest.approx(total / 3.5)


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([0.5, 0.1], "rise strictly"),
        ([0.5, 0.5], "rise strictly"),
        ([0.0, 0.5], "between 0 and 1"),
        ([0.5, 1.5], "between 0 and 1"),
        ([0.5, np.nan], "1 NaN"),
        ([], "at least 1"),
    ],
)
def test_wrong_levels_are_refused(levels: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pinball_loss([0.0], np.zeros((1, len(levels))), levels)


def test_levels_that_are_not_symmetric_have_no_interval_score() -> None:
    with pytest.raises(ValueError, match=r"symmetric about 0\.5, got \[0\.1, 0\.5, 0\.8\]"):
        weighted_interval_score([0.0], [[0.0, 1.0, 2.0]], [0.1, 0.5, 0.8])
    assert checked_levels([0.1, 0.9], symmetric=True).tolist() == [0.1, 0.9]


@pytest.mark.parametrize(
    ("y", "forecasts", "message"),
    [
        ([0.0], [[0.0, np.nan]], "1 NaN or infinite quantiles"),
        ([0.0], [[0.0]], "one quantile for each level"),
        ([np.inf], [[0.0, 1.0]], "y must be finite"),
        ([0.0, 1.0], [[0.0, 1.0]], "that of the forecasts"),
    ],
)
def test_wrong_forecasts_are_refused(y: list[float], forecasts: list[list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pinball_loss(y, forecasts, [0.1, 0.9])


# Repairs


def test_isotonic_levels_are_scikit_learns(generator: np.random.Generator) -> None:
    forecasts = generator.normal(size=(5, 6, 7))
    peer = IsotonicRegression()
    expected = [peer.fit_transform(np.arange(7), row) for row in forecasts.reshape(-1, 7)]
    assert isotonic_levels(forecasts).reshape(-1, 7) == pytest.approx(np.array(expected))


def test_sorting_and_isotonic_regression_never_raise_the_score_of_any_order() -> None:
    """All orders of four quantiles, and responses in every gap."""
    levels = [0.1, 0.4, 0.6, 0.9]
    for order, y in itertools.product(itertools.permutations([0.0, 1.0, 2.5, 4.0]), [-1, 0.5, 2, 3, 6]):
        before = weighted_interval_score(float(y), order, levels)
        for repaired in (sort_levels(order), isotonic_levels(order)):
            assert (np.diff(repaired) >= 0).all()
            assert weighted_interval_score(float(y), repaired, levels) <= before + 1e-12


def test_running_levels_keep_the_median_and_can_raise_the_score() -> None:
    assert running_levels([3.0, 1.0, 2.0, 0.0, 1.0], [0.1, 0.3, 0.5, 0.7, 0.9]).tolist() == [1.0, 1.0, 2.0, 2.0, 2.0]
    crossing = [[0.0, 5.0, 0.0]]
    levels = [0.1, 0.5, 0.9]
    risen = weighted_interval_score([0.0], running_levels(crossing, levels), levels)
    assert risen > weighted_interval_score([0.0], crossing, levels)


def test_sorting_can_raise_a_loss_with_unequal_weights() -> None:
    """Two levels: q = (2, 1), y = 2; nearly all weight on the first level, which was exactly right."""
    change = pinball_loss([2.0], sort_levels([[2.0, 1.0]]), [0.3, 0.7]) - pinball_loss([2.0], [[2.0, 1.0]], [0.3, 0.7])
    assert (change @ [0.9, 0.1]).item() == pytest.approx(0.9 * 0.3 - 0.1 * 0.7)


def test_calibrated_intervals_have_the_exact_coverage_of_order_statistics(generator: np.random.Generator) -> None:
    """Coverage of new rows is a beta variable with parameters rank and n + 1 - rank, whatever the interval."""
    n, coverage = 39, 0.8
    margins = [conformalise(np.zeros(n), np.zeros(n), generator.uniform(-1, 1, size=n), coverage=coverage)
               for _ in range(4000)]  # fmt: skip
    rank = 32
    assert np.mean(margins) == pytest.approx(beta(rank, n + 1 - rank).mean(), abs=0.004)
    assert np.var(margins) == pytest.approx(beta(rank, n + 1 - rank).var(), rel=0.1)


def test_wide_intervals_are_narrowed() -> None:
    assert conformalise([-9.0] * 9, [9.0] * 9, np.arange(9.0), coverage=0.9) == -1.0


@pytest.mark.parametrize(
    ("lower", "upper", "coverage", "message"),
    [
        ([1.0, 0.0], [0.0, 1.0], 0.5, "1 intervals cross; sort them before"),
        ([0.0, 0.0], [1.0, 1.0], 0.9, "at least 9 rows, got 2"),
        ([0.0, 0.0], [1.0], 0.5, "one length, got 2, 1 and 2"),
        ([0.0, np.nan], [1.0, 1.0], 0.5, "lower must be finite"),
        ([0.0, 0.0], [1.0, 1.0], 1.0, "infinitely many rows"),
    ],
)
def test_wrong_intervals_are_refused(lower: list[float], upper: list[float], coverage: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        conformalise(lower, upper, [0.5, 0.5], coverage=coverage)


# Models


def test_linear_quantiles_have_the_loss_of_scikit_learns(table: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = table
    found = LinearQuantiles(LEVELS).fit(X, y).predict(X)
    for place, level in enumerate(LEVELS):
        peer = QuantileRegressor(quantile=level, alpha=0).fit(X, y).predict(X)
        assert mean_pinball_loss(y, found[:, place], alpha=level) == pytest.approx(
            mean_pinball_loss(y, peer, alpha=level), rel=1e-6
        )


def test_the_score_of_a_model_is_scikit_learns_mean_pinball_loss_with_a_minus(
    table: tuple[np.ndarray, np.ndarray], generator: np.random.Generator
) -> None:
    X, y = table
    model, weights = LinearQuantiles(LEVELS).fit(X, y), generator.uniform(size=len(y))
    found = model.predict(X)
    losses = [
        mean_pinball_loss(y, found[:, place], alpha=level, sample_weight=weights) for place, level in enumerate(LEVELS)
    ]
    assert model.score(X, y, weights) == pytest.approx(-np.mean(losses))


def test_neighbour_quantiles_are_those_of_the_nearest_rows(table: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = table
    found = NeighbourQuantiles(LEVELS, 12).fit(X, y).predict(X[:5] + 0.1)
    near = np.linalg.norm(X[:5, None] + 0.1 - X, axis=2).argsort(axis=1)[:, :12]
    assert found == pytest.approx(np.quantile(y[near], LEVELS, axis=1).T)


def test_gaussian_quantiles_have_their_normal_coverage(generator: np.random.Generator) -> None:
    X = generator.normal(size=(20_000, 2))
    y = X[:, 0] + 2 * generator.normal(size=20_000)
    model = GaussianQuantiles(LEVELS).fit(X, y)
    assert model.scale_ == pytest.approx(2, rel=0.02)
    assert (y[:, None] <= model.predict(X)).mean(axis=0) == pytest.approx(LEVELS, abs=0.01)


def test_boosted_quantiles_follow_the_spread(generator: np.random.Generator) -> None:
    X = generator.uniform(size=(1500, 1))
    y = (0.1 + X[:, 0]) * generator.normal(size=1500)
    found = BoostedQuantiles([0.1, 0.9]).fit(X, y).predict([[0.05], [0.95]])
    assert found[1, 1] - found[1, 0] > 3 * (found[0, 1] - found[0, 0])


def test_models_refuse_what_they_cannot_fit() -> None:
    X, y = np.zeros((4, 1)), np.arange(4.0)
    with pytest.raises(ValueError, match="at most the 4 training rows, got 9"):
        NeighbourQuantiles(LEVELS, 9).fit(X, y)
    with pytest.raises(ValueError, match="at least 5 rows for 3 features"):
        GaussianQuantiles(LEVELS).fit(np.zeros((4, 3)), y)
    for model in (LinearQuantiles([0.9, 0.1]), GaussianQuantiles([0.9, 0.1])):
        with pytest.raises(ValueError, match="rise strictly"):
            clone(model).fit(X, y)
    with pytest.raises(ValueError, match="NaN"):
        LinearQuantiles([0.5]).fit([[np.nan]], [1.0])


# Pooling


def test_coarse_weights_are_the_best_on_a_grid(generator: np.random.Generator) -> None:
    y = generator.normal(size=200)
    stacked = norm.ppf(LEVELS) * np.array([0.3, 1.8])[:, None] + np.array([0.4, -0.2])[:, None] + np.zeros((200, 1, 1))
    found = GlobalAggregator(LEVELS).fit(stacked, y)
    grid = np.linspace(0, 1, 1001)
    losses = [pinball_loss(y, w * stacked[:, 0] + (1 - w) * stacked[:, 1], LEVELS).mean() for w in grid]
    assert 0.1 < found.weights_[0, 0] < 0.9
    assert found.weights_[0] == pytest.approx(grid[np.argmin(losses)], abs=2e-3)
    assert pinball_loss(y, found.predict(stacked), LEVELS).mean() <= min(losses) + 1e-9


def test_weights_are_convex_and_ordered_forecasts_stay_ordered(
    stacked: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    forecasts, y, _ = stacked
    for kind in ("coarse", "medium"):
        model = GlobalAggregator(LEVELS, kind).fit(forecasts, y)
        assert model.weights_.min() >= 0
        assert model.weights_.sum(axis=0) == pytest.approx(np.ones(7))
        if kind == "coarse":
            assert (np.diff(model.predict(forecasts), axis=1) >= 0).all()


def test_medium_weights_are_coarse_ones_of_each_level(stacked: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    forecasts, y, _ = stacked
    found = GlobalAggregator(LEVELS, "medium").fit(forecasts, y)
    for place, level in enumerate(LEVELS):
        alone = GlobalAggregator([level]).fit(forecasts[:, :, [place]], y)
        assert found.weights_[:, place] == pytest.approx(alone.weights_[:, 0])


def test_quantile_regression_average_mends_a_common_bias(stacked: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    _, y, X = stacked
    forecasts = np.stack([norm.ppf(LEVELS) + X + 5, norm.ppf(LEVELS) - X + 5], axis=1)
    pooled = QuantileRegressionAverage(LEVELS).fit(forecasts, y).predict(forecasts)
    assert (y[:, None] <= pooled).mean(axis=0) == pytest.approx(LEVELS, abs=0.01)
    start = QuantileRegressor(quantile=0.9, alpha=0).fit(forecasts[:, :, 5], y).predict(forecasts[:, :, 5])
    assert mean_pinball_loss(y, pooled[:, 5], alpha=0.9) == pytest.approx(mean_pinball_loss(y, start, alpha=0.9))


def test_local_weights_find_which_model_is_right_where(stacked: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    forecasts, y, X = stacked
    forecasts = forecasts[:, :2]
    for kind in ("coarse", "medium"):
        model = LocalAggregator(LEVELS, kind).fit(forecasts, y, X)
        left, right = model.weights_at([[-0.7], [0.7]]).mean(axis=2)
        assert left[0] > 0.8
        assert right[1] > 0.8
        local = pinball_loss(y, model.predict(forecasts, X), LEVELS).mean()
        constant = pinball_loss(y, GlobalAggregator(LEVELS).fit(forecasts, y).predict(forecasts), LEVELS).mean()
        assert local < 0.8 * constant


def test_local_weights_without_use_of_features_are_the_global_optimum(generator: np.random.Generator) -> None:
    """With a constant feature the network is a softmax of constants, whose optimum another solver finds."""
    y = generator.normal(size=300)
    forecasts = norm.ppf(LEVELS) * np.array([0.2, 2.5])[:, None] + np.zeros((300, 1, 1))
    model = LocalAggregator(LEVELS, decay=0.0, n_steps=600).fit(forecasts, y, np.ones((300, 1)))

    def loss(logit: np.ndarray) -> float:
        weight = 1 / (1 + np.exp(-logit[0]))
        return float(pinball_loss(y, weight * forecasts[:, 0] + (1 - weight) * forecasts[:, 1], LEVELS).mean())

    best = minimize(loss, [0.0], method="Nelder-Mead").fun
    assert pinball_loss(y, model.predict(forecasts, np.ones((300, 1))), LEVELS).mean() == pytest.approx(best, rel=1e-3)


def test_a_network_is_the_same_twice_and_leaves_the_seed_of_torch_alone(
    stacked: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    import torch

    forecasts, y, X = stacked
    state = torch.get_rng_state()
    once, twice = (LocalAggregator(LEVELS, n_steps=3, random_state=4).fit(forecasts, y, X) for _ in range(2))
    assert (once.weights_at(X) == twice.weights_at(X)).all()
    assert torch.equal(state, torch.get_rng_state())


def test_pooling_refuses_what_does_not_fit(stacked: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    forecasts, y, X = stacked
    with pytest.raises(ValueError, match=r"weights must be one of .* got 'fine'"):
        GlobalAggregator(LEVELS, "fine").fit(forecasts, y)
    with pytest.raises(ValueError, match=r"shape \(rows, models, 7\)"):
        GlobalAggregator(LEVELS).fit(forecasts[:, 0], y)
    with pytest.raises(ValueError, match="one response for each of the 600"):
        QuantileRegressionAverage(LEVELS).fit(forecasts, y[:-1])
    with pytest.raises(ValueError, match="those of 3 models, as in fit, got 2"):
        GlobalAggregator(LEVELS).fit(forecasts, y).predict(forecasts[:, :2])
    with pytest.raises(ValueError, match="one length, got 599, 600 and 600"):
        LocalAggregator(LEVELS).fit(forecasts, y, X[:-1])
    local = LocalAggregator(LEVELS, n_steps=1).fit(forecasts, y, X)
    with pytest.raises(ValueError, match="1 features, as in fit, got 2"):
        local.weights_at(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="forecasts must have shape"):
        local.predict(forecasts[:5], X)
    with pytest.raises(TypeError, match="n_steps"):
        LocalAggregator(LEVELS, n_steps=1.5).fit(forecasts, y, X)
