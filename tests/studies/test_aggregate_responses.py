"""The study `aggregate_responses`: its experiments against estimators solved in another way."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from repro.closed_form import BagClassifier, BagRegressor, bag_means
from repro.protocol.experiment import Cell
from repro.studies import experiment
from repro.studies.aggregate_responses import experiments as study


def cell(name: str, **parameters: object) -> Cell:
    return Cell(f"aggregate_responses.{name}", parameters, experiment(f"aggregate_responses.{name}").seed)


@pytest.fixture
def design() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(5)
    X, bags = generator.normal(size=(240, 6)), np.repeat(np.arange(60), 4)
    return X, bag_means(X.sum(axis=1) + generator.normal(size=240), bags), bags


def test_solutions_along_both_penalties_are_those_of_the_estimator(design: tuple[np.ndarray, ...]) -> None:
    X, means, bags = design
    known = study.Bags(X, means, bags)
    for kind, place in (("interpolated", 0), ("interpolated", 5), ("interpolated", -1), ("ridge", 5)):
        strength = study.STRENGTHS[place]
        options = {"interpolation": strength} if kind == "interpolated" else {"ridge": strength * 180 / 240}
        model = BagRegressor(**options, fit_intercept=False).fit(X, means[bags], bags)
        assert known.path(kind)[place] == pytest.approx(model.coef_), (kind, strength)


def test_too_few_bags_give_the_solution_of_smallest_norm() -> None:
    generator = np.random.default_rng(5)
    X, bags = generator.normal(size=(40, 12)), np.repeat(np.arange(10), 4)
    means = generator.normal(size=10)
    known = study.Bags(X, means, bags)
    assert known.few()
    assert known.path("interpolated")[0] == pytest.approx(np.linalg.pinv(known.X) @ means)
    assert known.path("ridge")[0] == pytest.approx(np.linalg.pinv(known.X) @ means)


def test_a_strength_is_chosen_without_the_bags_that_judge_it(design: tuple[np.ndarray, ...]) -> None:
    X, means, bags = design
    known, order = study.Bags(X, means, bags), np.random.default_rng(0).permutation(60)
    losses = np.zeros(len(study.STRENGTHS))
    for fold in np.array_split(order, study.N_FOLDS):
        rest = np.setdiff1d(order, fold)
        solved = known.part(rest).path("ridge")
        by_hand = [
            np.linalg.solve(
                4 * known.X[rest].T @ known.X[rest] + strength * 3 * len(rest) * np.eye(6),
                4 * known.X[rest].T @ means[rest],
            )
            for strength in study.STRENGTHS
        ]
        assert solved == pytest.approx(np.array(by_hand))
        losses += [((means[fold] - known.X[fold] @ one) ** 2).sum() for one in by_hand]
    assert known.chosen("ridge", order) == losses.argmin()


def test_ridge_without_bags_is_scikit_learns_under_every_penalty() -> None:
    generator = np.random.default_rng(5)
    X, y, penalties = generator.normal(size=(50, 3)), generator.normal(size=50), np.array(study.PENALTIES)
    found = study.Bags(X, y, np.arange(50), penalties).path("ridge")
    for penalty, coefficients in zip(penalties, found, strict=True):
        assert coefficients == pytest.approx(Ridge(alpha=50 * penalty, fit_intercept=False).fit(X, y).coef_)
    assert np.linalg.norm(found[-1]) < 0.05 * np.linalg.norm(found[0])


def test_errors_of_a_draw_are_those_of_estimators_on_the_same_rows() -> None:
    drawn = cell("risk", rows=1000, dimension=50, covariance="falling", bag_size=5, noise=1.0, draws=1, block=0)
    found = study.risk(drawn).set_index("method")["value"]
    generator, scale = drawn.generator(), np.geomspace(1.0, 0.1, 50)
    X, truth = generator.normal(size=(1000, 50)) * scale, generator.normal(size=50)
    truth /= np.linalg.norm(truth * scale)
    y, bags = X @ truth + generator.normal(size=1000), np.repeat(np.arange(200), 5)
    fresh = np.random.default_rng(1).normal(size=(200_000, 50)) * scale
    for method, rho in (("bag", 0.0), ("instance", 1.0)):
        model = BagRegressor(interpolation=rho, fit_intercept=False).fit(X, y, bags)
        assert found[method] == pytest.approx(np.mean((fresh @ (model.coef_ - truth)) ** 2), rel=0.02)
    assert found["interpolated_oracle"] <= min(found["interpolated"], found["bag"], found["instance"])
    assert found["ridge_oracle"] <= found["ridge"]


def test_private_noise_hides_a_single_response() -> None:
    """A clipped response moves a mean of k by at most 6 / k, and the noise has that over epsilon as its scale."""
    sizes: list[tuple[float, int]] = []

    class Watched(np.random.Generator):
        def laplace(self, loc: float = 0.0, scale: float = 1.0, size: int = 1) -> np.ndarray:
            sizes.append((scale, size))
            return super().laplace(loc, scale, size)

    drawn = cell("privacy", epsilon=0.5, draw=0)
    generator = Watched(np.random.PCG64(drawn.seed_sequence()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cell, "generator", lambda _: generator)
        study.privacy(drawn)
    assert sizes == [(pytest.approx(6 / (k * 0.5)), 2000 // k) for k in study.SIZES]


def test_bags_sorted_by_a_feature_hold_neighbours_and_random_ones_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    spread = {}

    class Watched(study.BagClassifier):
        def fit(self, X: np.ndarray, y: np.ndarray, bags: np.ndarray | None = None) -> Watched:
            if bags is not None:
                within = X[:, 0] - bag_means(X[:, 0], bags)[np.unique(bags, return_inverse=True)[1]]
                spread[kind] = float(within.std())
            return super().fit(X, y, bags)

    monkeypatch.setattr(study, "BagClassifier", Watched)
    for kind in ("random", "sorted"):
        table = study.rare(cell("rare", dataset="simulated", bags=kind, bag_size=5, seed=0))
        assert table["value"].between(0.5, 1).all()
    assert spread["sorted"] < 0.05 < 0.8 < spread["random"]


def test_the_penalty_of_rare_labels_is_chosen_on_bags_that_are_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(2)
    X, bags = generator.normal(size=(400, 3)), np.repeat(np.arange(80), 5)
    y = (generator.random(400) < 1 / (1 + np.exp(-2 * X[:, 0]))).astype(int)
    seen = []

    class Watched(study.BagClassifier):
        def fit(self, X: np.ndarray, y: np.ndarray, bags: np.ndarray | None = None) -> Watched:
            seen.append(set(bags))
            return super().fit(X, y, bags)

    monkeypatch.setattr(study, "BagClassifier", Watched)
    chosen = study._chosen_ridge(X, y, bags, np.random.default_rng(0))
    held = set(np.random.default_rng(0).permutation(80)[:16])
    assert all(found == set(range(80)) - held for found in seen)
    inside = ~np.isin(bags, list(held))
    losses = {}
    for ridge in study.RIDGES:
        chance = BagClassifier(ridge=ridge).fit(X[inside], y[inside], bags[inside]).predict_proba(X[~inside])[:, 1]
        means, shares = chance.reshape(16, 5).mean(axis=1), y[~inside].reshape(16, 5).mean(axis=1)
        losses[ridge] = -np.mean(shares * np.log(means) + (1 - shares) * np.log1p(-means))
    assert chosen == min(losses, key=losses.get)
