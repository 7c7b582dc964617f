"""Samplers and learners against scikit-learn, imbalanced-learn and counts."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, balanced_accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from repro.ground.exceptions import UnknownName
from repro.protocol.experiment import child_seed
from repro.trials.learners import (
    base_rate,
    cross_validated,
    firth_regression,
    fitted,
    fold_metrics,
    gradient_boosting,
    logistic_regression,
    over_sampled,
    pooled_metrics,
    probabilities,
    pruned_tree,
    smote_sampled,
    under_sampled,
    unpenalised_regression,
    untouched,
    with_exchanged_labels,
)
from repro.trials.table_tasks import BinaryTask, TableTask, simulated_task

SEED = np.random.SeedSequence(5)
SAMPLERS = {"none": untouched, "under": under_sampled, "over": over_sampled, "smote": smote_sampled}
LEARNERS = {
    one.__name__: one
    for one in (
        base_rate,
        pruned_tree,
        logistic_regression,
        unpenalised_regression,
        firth_regression,
        gradient_boosting,
    )
}


@pytest.fixture(scope="module")
def task() -> BinaryTask:
    return simulated_task(400, minority_share=0.15)


@pytest.fixture(scope="module")
def mixed() -> BinaryTask:
    """A nominal column of three codes that decides about the class, beside a column of noise."""
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 3, 300)
    y = generator.random(300) < np.array([0.05, 0.6, 0.05])[codes]
    return TableTask("mixed", np.column_stack([codes, generator.normal(size=300)]), y, (0,))


@pytest.mark.parametrize("sampler", ["under", "over", "smote"])
def test_samplers_make_the_classes_equal_and_keep_the_minority(task: BinaryTask, sampler: str) -> None:
    X, y = SAMPLERS[sampler](task, SEED)
    assert y.sum() == (~y).sum() == (60 if sampler == "under" else 340)
    rows = {tuple(row) for row in X}
    assert {tuple(row) for row in task.X[task.y]} <= rows
    again = SAMPLERS[sampler](task, SEED)
    assert np.array_equal(X, again[0])
    invented = rows - {tuple(row) for row in task.X}
    assert bool(invented) == (sampler == "smote")


def test_smote_invents_no_codes(mixed: BinaryTask) -> None:
    X, y = SAMPLERS["smote"](mixed, SEED)
    assert y.sum() == (~y).sum()
    assert set(X[:, 0]) == {0.0, 1.0, 2.0}


@pytest.mark.parametrize("learner", list(LEARNERS))
def test_every_learner_gives_probabilities_of_the_minority(mixed: BinaryTask, learner: str) -> None:
    probability = fitted(LEARNERS[learner], mixed.X, mixed.y, mixed.nominal)(mixed.X)
    assert probability.shape == (300,)
    assert ((probability >= 0) & (probability <= 1)).all()
    if learner == "base_rate":
        assert probability == pytest.approx(np.full(300, mixed.y.mean()))
    elif learner != "firth_regression":  # takes the codes for numbers, and the middle code is the rare one
        assert roc_auc_score(mixed.y, probability) > 0.8


def test_the_logistic_regression_is_scikit_learns_on_standardised_columns(task: BinaryTask) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(task.X, task.y)
    assert np.array_equal(
        fitted(logistic_regression, task.X, task.y)(task.X), model.predict_proba(task.X)[:, 1].astype(float)
    )
    balanced = unpenalised_regression(class_weight="balanced").fit(task.X, task.y)
    shares = balanced.predict_proba(task.X)[:, 1]
    assert np.average(shares, weights=np.where(task.y, 1 / 60, 1 / 340)) == pytest.approx(0.5, abs=1e-6)


def test_an_unknown_sampler_suggests_its_neighbour(task: BinaryTask) -> None:
    with pytest.raises(UnknownName, match=r"unknown sampler 'smoote'; did you mean 'smote'"):
        cross_validated(task, base_rate, SEED, SAMPLERS, only=["none", "smoote"])


def test_the_corrected_probability_has_the_odds_times_the_ratio_of_the_priors(task: BinaryTask) -> None:
    raw, corrected = probabilities(task, task.X, logistic_regression, under_sampled, SEED)
    # equal classes in training, 60 to 340 in truth
    assert corrected / (1 - corrected) == pytest.approx(raw / (1 - raw) * 60 / 340)


def test_fold_metrics_at_each_threshold_agree_with_counts() -> None:
    y = np.array([True, True, True, False, False, False, False, False])
    probability = np.array([0.9, 0.45, 0.1, 0.6, 0.3, 0.2, 0.12, 0.05])
    found = fold_metrics(y, probability, 0.4, (9.0, 1.0))
    assert found["auroc"] == roc_auc_score(y, probability)
    assert found["average_precision"] == average_precision_score(y, probability)
    for name, threshold, misses, alarms in (("half", 0.5, 2, 1), ("tuned", 0.4, 1, 1), ("known_costs", 0.1, 0, 4)):
        assert found[f"balanced_accuracy_{name}"] == balanced_accuracy_score(y, probability >= threshold)
        assert found[f"cost_{name}"] == pytest.approx((9 * misses + alarms) / 8)


def test_pooled_metrics_survive_the_zeros_of_a_tree() -> None:
    y = np.array([True, False, False, True, False, False])
    found = pooled_metrics(y, np.array([0.0, 0.0, 0.2, 1.0, 0.4, 0.2]))
    clipped = np.array([1e-6, 1e-6, 0.2, 1 - 1e-6, 0.4, 0.2])
    assert found["log_loss"] == pytest.approx(log_loss(y, clipped))
    assert found["brier"] == pytest.approx(np.mean((clipped - y) ** 2))
    assert found["log_risk_ratio"] == pytest.approx(np.log(1.8 / 2), abs=1e-5)


def test_a_cross_validation_ranks_like_scikit_learns_by_hand(task: BinaryTask) -> None:
    found = cross_validated(task, logistic_regression, SEED, SAMPLERS, only=["none"], n_folds=5).whole
    state = int(child_seed(SEED, 0).generate_state(1)[0])
    areas, pooled = [], np.empty(task.y.size)
    for train, test in StratifiedKFold(5, shuffle=True, random_state=state).split(task.X, task.y):
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(task.X[train], task.y[train])
        pooled[test] = model.predict_proba(task.X[test])[:, 1]
        areas.append(roc_auc_score(task.y[test], pooled[test]))
    assert list(found) == ["none"]
    assert found["none"]["auroc"] == pytest.approx(np.mean(areas))
    assert found["none"]["log_loss"] == pytest.approx(log_loss(task.y, pooled))


def test_a_sampler_sees_the_same_draws_whichever_others_there_are(task: BinaryTask) -> None:
    alone = cross_validated(task, logistic_regression, SEED, SAMPLERS, only=["smote"], n_folds=3).whole
    beside = cross_validated(task, logistic_regression, SEED, SAMPLERS, only=["over", "smote"], n_folds=3).whole
    assert list(beside) == ["over", "over_corrected", "smote", "smote_corrected"]
    assert alone["smote"] == beside["smote"]
    assert beside["smote"]["auroc"] != beside["over"]["auroc"]
    # the prior moves all probabilities up together, so it changes the calibration and not the ranking
    assert beside["smote_corrected"]["auroc"] == pytest.approx(beside["smote"]["auroc"])
    assert abs(beside["smote_corrected"]["log_risk_ratio"]) < beside["smote"]["log_risk_ratio"] / 3


def test_controls_put_a_sampler_in_place_of_another(task: BinaryTask) -> None:
    instead = {"none": with_exchanged_labels(untouched), "smote": untouched}
    found = cross_validated(task, logistic_regression, SEED, instead, correct_prior=False, n_folds=3).whole
    plain = cross_validated(task, logistic_regression, SEED, SAMPLERS, only=["none"], n_folds=3).whole
    assert found["smote"]["auroc"] == plain["none"]["auroc"]
    assert found["none"]["auroc"] == pytest.approx(1 - plain["none"]["auroc"], abs=0.02)
    assert found["smote_corrected"] == found["smote"]
