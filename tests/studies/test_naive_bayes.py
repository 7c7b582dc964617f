"""The study `naive_bayes`: its experiments against closed forms and computations of another kind."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import linregress, norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from repro.closed_form import PooledNaiveBayes, linear_error_rates
from repro.protocol.experiment import Cell
from repro.running import results
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
    """With known variances the margin of the rule is d^2 / (2 sqrt(d^2 + 4 n / m)), d the distance of the means.

    Estimated variances, estimated class shares and the next entry of a grid of ratio 1.1 only add to what is needed.
    """
    rows = results("naive_bayes.growth", "quick", progress=False).frame
    rows = rows[(rows["design"] == "constant") & (rows["method"] == "naive_bayes")]
    needed = rows[rows["metric"] == "examples"].pivot(index="dimension", columns="replicate", values="value")
    squared = (2 * norm.isf(0.10)) ** 2
    for n, found in np.exp(np.log(needed).mean(axis=1)).items():
        expected = next(m for m in range(4, 10_000) if norm.sf(squared / 2 / np.sqrt(squared + 4 * n / m)) < 0.12)
        assert 1.0 < found / expected < 1.35, n
    powers = rows[rows["metric"] == "power"].set_index("replicate")["value"]
    sizes = np.log(needed.index.to_numpy(float))
    for seed, counts in needed.items():
        assert powers[seed] == pytest.approx(linregress(sizes, np.log(counts)).slope)


def test_errors_of_a_mean_follow_the_law_of_the_largest_and_of_the_sum() -> None:
    largest = study.coordinates(cell("coordinates", seed=0, largest=1000)).set_index("dimension")["value"]
    n = 1000
    expected = (norm.isf(1 / (2 * n)) / 0.3) ** 2  # the quantile near which the largest of n normals lies
    assert largest[n] == pytest.approx(expected, rel=0.15)
    total = study.coordinates(cell("coordinates", seed=0, largest=100, variant="total")).set_index("dimension")["value"]
    assert total[100] == pytest.approx(100 / 0.3**2, rel=0.05)


@pytest.mark.parametrize("design", ["paper", "constant"])
def test_balanced_accuracy_is_that_of_a_large_test_sample(design: str) -> None:
    where = cell("imbalance", design=design, ratio=10, seed=0)
    found = study.imbalance(where).set_index("method")["value"]
    means, variances = study.two_classes(design, 40)
    y = np.repeat([0, 1], [273, 27])
    models = {
        "logistic": LogisticRegression(max_iter=1000),
        "logistic_standardised": make_pipeline(StandardScaler(), LogisticRegression()),
        "naive_bayes": PooledNaiveBayes(),
    }
    scores: dict[str, list[float]] = {}
    for draw in range(5):
        X = means[y] + np.random.default_rng(where.child(draw)).standard_normal((300, 40)) * np.sqrt(variances)
        truth = np.repeat([0, 1], 20_000)
        test = means[truth] + np.random.default_rng(draw).standard_normal((40_000, 40)) * np.sqrt(variances)
        for name, model in models.items():
            score = model.fit(X, y).decision_function(test)
            scores.setdefault(name, []).append(balanced_accuracy_score(truth, score > 0))
            adjusted = balanced_accuracy_score(truth, score - np.log(27 / 273) > 0)
            scores.setdefault(f"{name}, adjusted", []).append(adjusted)
    for name, values in scores.items():
        assert found[name] == pytest.approx(np.mean(values), abs=0.005), name


def test_a_rule_on_standardised_columns_does_not_depend_on_their_units() -> None:
    generator = np.random.default_rng(0)
    X, y = generator.standard_normal((60, 5)), np.arange(60) % 2
    units, origin = np.array([1.0, 10.0, 0.1, 3.0, 1.0]), np.arange(5.0)
    (plain, bias), (scaled, moved) = (study.logistic(rows, y, standardised=True) for rows in (X, X * units + origin))
    assert (X * units + origin) @ scaled + moved == pytest.approx(X @ plain + bias, abs=1e-3)
    without = study.logistic(X * units + origin, y)[0] * units
    assert np.abs(without - study.logistic(X, y)[0]).max() > 0.05


@pytest.mark.parametrize(("kind", "classes", "width", "n_pool"), [("pixels", 10, 40, 1000), ("rotations", 5, 64, 2000)])
def test_training_rows_come_in_rounds_of_all_classes(kind: str, classes: int, width: int, n_pool: int) -> None:
    X, y, pool = features_and_labels(cell("features", features=kind, seed=0))
    assert (X.shape[1], pool) == (width, n_pool)
    assert len(X) > pool
    assert [sorted(y[start : start + classes]) for start in (0, classes)] == [list(range(classes))] * 2


def test_the_control_misleads_the_leader_of_each_regime_and_nobody_else() -> None:
    plain, misled = (
        study.features(cell("features", features="pixels", seed=0, **more))
        for more in ({}, {"variant": "leaders_misled"})
    )
    rows = plain["metric"] == "accuracy"
    changed = plain[rows & (plain["value"] != misled["value"])]
    assert set(zip(changed["method"], changed["examples"], strict=True)) == {("naive_bayes", 20), ("logistic", 1000)}
