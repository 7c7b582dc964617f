"""The study `subpopulation_curve`: its tasks and measures against computations of another kind."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from repro.data import load
from repro.protocol.experiment import Cell
from repro.studies import experiment
from repro.studies.subpopulation_curve import experiments as study
from repro.studies.subpopulation_curve.tasks import group_task


def cell(name: str, **parameters: object) -> Cell:
    return Cell(f"subpopulation_curve.{name}", parameters, experiment(f"subpopulation_curve.{name}").seed)


WHERE = {"data": "cue_digits", "agreement": 0.9, "amplitude": 0.5, "family": "mlp", "seed": 100}


@pytest.mark.parametrize("agreement", [0.5, 0.9])
def test_the_cue_agrees_with_the_class_as_often_as_stated(agreement: float) -> None:
    task = group_task("cue_digits", agreement, 0.5, np.random.default_rng(0))
    assert (~task.minority).mean() == pytest.approx(agreement, abs=1e-3)
    assert task.minority_test.mean() == pytest.approx(0.5, abs=1e-3)
    assert task.minority_test.sum() >= 400
    says = np.where(task.y_test ^ task.minority_test, 0.5, -0.5)
    assert task.X_test[:, 64:].mean(axis=1) @ says / len(says) == pytest.approx(0.25, abs=0.02)
    assert (task.X_test[:, 64:] - says[:, None]).std() == pytest.approx(0.5, abs=0.03)
    assert len(task.X) + len(task.X_test) == 1797


def test_rare_digits_are_a_tenth_of_their_class_in_training() -> None:
    task = group_task("rare_digits", 0.9, 0.5, np.random.default_rng(0))
    for side in (False, True):
        assert task.minority[task.y == side].mean() == pytest.approx(0.1, abs=0.01)
    digits = load("digits")
    rare = (digits.features.to_numpy() / 16).astype(np.float32)[np.isin(digits.target, [2, 7])]
    found = np.vstack([task.X[task.minority], task.X_test[task.minority_test]])
    assert sorted(map(tuple, found)) == sorted(map(tuple, rare))


def test_a_patch_stands_in_the_corner_of_its_class() -> None:
    task = group_task("mnist_patch", 0.9, 1.0, np.random.default_rng(0))
    images, says = task.X_test.reshape(-1, 28, 28), task.y_test ^ task.minority_test
    assert (images[says, :3, -3:] == 1).all()
    assert (images[~says, :3, :3] == 1).all()


def test_polynomials_are_judged_on_models_they_did_not_see() -> None:
    generator, seed = np.random.default_rng(0), np.random.SeedSequence(3)
    u = generator.uniform(0.5, 1, 80)
    v = u**2 + generator.normal(0, 0.05, 80)
    folds = KFold(10, shuffle=True, random_state=int(seed.generate_state(1)[0]))
    for degree in (1, 2):
        peer = make_pipeline(PolynomialFeatures(degree), LinearRegression())
        missed = v - cross_val_predict(peer, u[:, None], v, cv=folds)
        assert study.r_squared(u, v, degree, seed) == pytest.approx(1 - (missed**2).mean() / v.var())


def test_linear_classifiers_lie_on_the_ellipse_in_a_large_sample() -> None:
    """The identity with accuracies that are counted, not computed."""
    generator, core, cue = np.random.default_rng(0), 1.0, 0.7
    weights = np.array([1.0, 0.8, 0.6])
    score = generator.standard_normal((400_000, 3)) @ weights
    u, v = (norm.ppf((score + core * weights[0] + sign * cue * weights[1] > 0).mean()) for sign in (1, -1))
    assert ((u + v) / (2 * core)) ** 2 + ((u - v) / (2 * cue)) ** 2 == pytest.approx(1 - 0.36 / 2.0, abs=0.02)


def test_models_are_many_and_their_accuracies_are_those_of_their_groups() -> None:
    task, right = study.cloud(cell("models", **WHERE))
    assert right.shape == (160, len(task.y_test))
    major, minor = study.accuracies(right, task.minority_test)
    assert (major + minor) / 2 == pytest.approx(right.mean(axis=1), abs=1e-3)
    assert major.max() > 0.9
    assert major.mean() > minor.mean(), "the cue helps the majority"


def test_the_choice_by_worst_group_is_made_on_one_half_and_judged_on_the_other() -> None:
    drawn = cell("models", **WHERE)
    found = study.models(drawn).set_index(["chosen_by", "metric"])["value"]
    task, right = study.cloud(drawn)
    first = np.random.default_rng(drawn.child(4)).permutation(len(task.y_test)) < len(task.y_test) // 2
    rare = task.minority_test
    worst = np.minimum(right[:, first & rare].mean(axis=1), right[:, first & ~rare].mean(axis=1)).argmax()
    expected = right[worst, ~first & rare].mean()
    assert found["worst_group", "minority_accuracy"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("family", ["forest", "neighbours", "linear"])
def test_every_family_gives_as_many_models(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "NETWORKS", 6)
    monkeypatch.setattr(study, "READINGS", 2)
    _, right = study.cloud(cell("models", **WHERE | {"family": family}))
    assert len(right) == 12
    assert right.mean() > 0.5
