"""The study `naive_bayes`: its experiments against closed forms and computations of another kind."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from repro.closed_form import linear_error_rates
from repro.protocol.experiment import Cell
from repro.studies import experiment
from repro.studies.naive_bayes import experiments as study
from repro.studies.naive_bayes.features import features_and_labels


def cell(name: str, **parameters: object) -> Cell:
    return Cell(f"naive_bayes.{name}", parameters, experiment(f"naive_bayes.{name}").seed)


@pytest.mark.parametrize("n", [20, 101])
def test_the_bayes_error_falls_in_one_design_and_stays_in_the_other(n: int) -> None:
    found = {}
    for design in ("paper", "constant"):
        means, variances = study.two_classes(design, n)
        assert sorted(set(variances)) == [1.0, float(n)]
        found[design] = linear_error_rates(means[1] / variances, 0.0, means, variances).mean()
    half = n // 2
    assert found["paper"] == pytest.approx(norm.sf(np.sqrt(half / n + (n - half))))
    assert found["constant"] == pytest.approx(0.10)


@pytest.mark.parametrize("bound", [200.0, 55.0, 10.0])
def test_bisection_finds_what_a_walk_along_the_grid_finds(bound: float) -> None:
    grid = np.arange(1, 90)
    assert study.first_below(lambda m: 100.0 / m, bound, grid) == next(m for m in grid if 100.0 / m < bound)


def test_a_curve_that_stays_above_its_bound_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"stays above 0.5 up to 20; the grid must reach further"):
        study.first_below(lambda m: 1.0, 0.5, np.arange(1, 21))


def test_naive_bayes_needs_what_the_noise_of_its_means_predicts() -> None:
    """With known variances the margin of the rule is d^2 / (2 sqrt(d^2 + 4 n / m)), d the distance of the means."""
    rows = study.growth(cell("growth", design="constant", seed=0, largest=100, largest_rival=40, rivals=False))
    needed = rows[(rows["metric"] == "examples") & (rows["method"] == "naive_bayes")].set_index("dimension")["value"]
    squared = (2 * norm.isf(0.10)) ** 2
    for n, m in needed.items():
        expected = next(k for k in range(4, 10_000) if norm.sf(squared / 2 / np.sqrt(squared + 4 * n / k)) < 0.12)
        assert m == pytest.approx(expected, rel=0.35), n
    powers = rows[rows["metric"] == "power"].set_index("method")["value"]
    sizes = np.log(needed.index.to_numpy(float))
    slope = np.cov(sizes, np.log(needed))[0, 1] / np.var(sizes, ddof=1)
    assert powers["naive_bayes"] == pytest.approx(slope)


def test_errors_of_a_mean_follow_the_law_of_the_largest_and_of_the_sum() -> None:
    largest = study.coordinates(cell("coordinates", seed=0, largest=1000)).set_index("dimension")["value"]
    n = 1000
    expected = (norm.isf(1 / (2 * n)) / 0.3) ** 2  # the quantile near which the largest of n normals lies
    assert largest[n] == pytest.approx(expected, rel=0.15)
    total = study.coordinates(cell("coordinates", seed=0, largest=100, variant="total")).set_index("dimension")["value"]
    assert total[100] == pytest.approx(100 / 0.3**2, rel=0.05)


def test_balanced_accuracy_is_that_of_a_large_test_sample() -> None:
    where = cell("imbalance", ratio=10, seed=0)
    found = study.imbalance(where).set_index("method")["value"]
    means, variances = study.two_classes("paper", 40)
    y = np.repeat([0, 1], [273, 27])
    scores = []
    for draw in range(5):
        X = means[y] + np.random.default_rng(where.child(draw)).standard_normal((300, 40)) * np.sqrt(variances)
        model = LogisticRegression(max_iter=1000).fit(X, y)
        truth = np.repeat([0, 1], 20_000)
        test = means[truth] + np.random.default_rng(draw).standard_normal((40_000, 40)) * np.sqrt(variances)
        adjusted = model.decision_function(test) - np.log(27 / 273)
        scores.append(
            [balanced_accuracy_score(truth, model.predict(test)), balanced_accuracy_score(truth, adjusted > 0)]
        )
    expected = np.mean(scores, axis=0)
    assert found[["logistic", "logistic_adjusted"]].to_numpy() == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(("kind", "classes", "width", "n_pool"), [("pixels", 10, 40, 1000), ("rotations", 5, 64, 2000)])
def test_training_rows_come_in_rounds_of_all_classes(kind: str, classes: int, width: int, n_pool: int) -> None:
    X, y, pool = features_and_labels(cell("features", features=kind, seed=0, rivals=False))
    assert (X.shape[1], pool) == (width, n_pool)
    assert len(X) > pool
    assert [sorted(y[start : start + classes]) for start in (0, classes)] == [list(range(classes))] * 2


def test_the_control_misleads_the_leader_of_each_regime_and_nobody_else() -> None:
    plain, misled = (
        study.features(cell("features", features="pixels", seed=0, rivals=False, **more))
        for more in ({}, {"variant": "leaders_misled"})
    )
    rows = plain["metric"] == "accuracy"
    changed = plain[rows & (plain["value"] != misled["value"])]
    assert set(zip(changed["method"], changed["examples"], strict=True)) == {("naive_bayes", 20), ("logistic", 1000)}
