"""Soup and PreDiabetes as the PRESTO study uses them: rows, splits, scores, and the missing baselines."""

from __future__ import annotations

import os

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss

from repro.metrics import binned_probability_error
from repro.protocol.experiment import Cell
from repro.results import find_table
from repro.studies import experiment
from repro.studies.presto.competitors import REAL, SINGLE, SYNTHETIC, Training, fit_methods
from repro.studies.presto.missing import MISSING
from repro.studies.presto.real_data import (
    METHODS,
    prediabetes,
    soup,
    soup_splits,
)
from repro.studies.presto.scores import all_scores, coded_error, n_bins
from repro.trials.folds import held_out, shuffled_folds

needs_soup = pytest.mark.skipif("REPRO_DATA_MIRROR" not in os.environ, reason="needs REPRO_DATA_MIRROR for soup")


def test_prediabetes_has_the_rows_and_shares_of_its_description():
    for cutoff, counts in ((30, [3020, 11, 28]), (45, [2748, 75, 236]), (65, [1336, 165, 1558])):
        task = prediabetes(cutoff)
        assert task.X.shape == (3059, 5)
        assert np.bincount(task.y).tolist() == counts


@pytest.mark.mirror
@needs_soup
def test_soup_is_turned_round_and_has_22_dummies():
    task = soup()
    assert task.X.shape == (1847, 22)
    assert set(np.unique(task.X)) == {0.0, 1.0}
    # SURENESS 1 to 6 has the shares 0.12344, 0.14077, 0.06226, 0.05306, 0.14997, 0.47049
    np.testing.assert_allclose(
        np.bincount(task.y) / 1847, [0.47049, 0.14997, 0.05306, 0.06226, 0.14077, 0.12344], atol=1e-5
    )
    assert np.unique(task.groups).size == 185


def test_a_tenth_of_the_rows_is_held_out_and_every_class_is_on_both_sides():
    task = prediabetes(30)
    for seed in range(20):
        train, test = held_out(task.y, np.random.default_rng(seed), 0.1)
        assert (train.size, test.size) == (2753, 306)
        assert sorted([*train, *test]) == list(range(3059))
        for part in (train, test):
            assert set(task.y[part]) == {0, 1, 2}


def test_folds_without_groups_are_random_and_of_equal_size():
    folds = shuffled_folds(103, np.random.default_rng(0), 5)
    assert sorted(len(test) for _, test in folds) == [20, 20, 21, 21, 21]
    assert any(np.diff(test).max() > 1 for _, test in folds)


def test_the_coded_score_pairs_bins_of_sorted_rows_with_predictions_of_unsorted_ones():
    generator = np.random.default_rng(0)
    probability = generator.random(40)
    is_rare = generator.random(40) < probability
    order = sorted(range(40), key=lambda row: probability[row])
    by_hand = 0.0
    for b in range(10):
        share = sum(is_rare[order[4 * b + i]] for i in range(4)) / 4
        by_hand += sum((probability[4 * b + i] - share) ** 2 for i in range(4)) / 40
    assert coded_error(is_rare, probability) == pytest.approx(by_hand)
    # in sorted order it is the score as meant
    assert coded_error(is_rare[order], probability[order]) == pytest.approx(
        binned_probability_error(is_rare, probability, ties="row_order")
    )


def test_the_coded_score_prefers_a_constant_to_the_truth():
    generator = np.random.default_rng(0)
    truth = generator.beta(0.5, 0.5, 306)
    is_rare = generator.random(306) < truth
    constant = np.full(306, is_rare.mean())
    assert coded_error(is_rare, constant) < 0.1 * coded_error(is_rare, truth)
    assert brier_score_loss(is_rare, truth) < brier_score_loss(is_rare, constant)


def test_bins_hold_a_hundred_rows_but_there_are_ten_at_least():
    assert [n_bins(rows) for rows in (185, 306, 1000, 2540)] == [10, 10, 10, 25]


def test_all_scores_are_those_of_scikit_learn_and_finite_at_the_ends():
    is_rare = np.array([True, False] * 20)
    probability = np.where(is_rare, 0.0, 1.0)
    scores = all_scores(is_rare, probability)
    assert scores["brier"] == 1.0
    assert scores["log_loss"] == pytest.approx(log_loss(is_rare, probability))
    assert np.isfinite(list(scores.values())).all()


def test_ties_move_the_binned_error_of_no_method_that_is_judged_by_it():
    """The claims on sound scores compare PRESTO, logistic regression and proportional odds, which hardly ever tie."""
    task = prediabetes(50)
    generator = np.random.default_rng(0)
    train, test = held_out(task.y, generator, 0.1)
    training = Training(task.X[train], task.y[train], 3, shuffled_folds(train.size, generator, 5), SYNTHETIC)
    is_rare = task.y[test] == 2
    for name, predictor in fit_methods(training, ("presto", "logit", "proportional_odds", "base_rate")).items():
        probability = predictor(task.X[test])
        shared = binned_probability_error(is_rare, probability)
        stored = all_scores(is_rare, probability)["binned_error"]
        assert (stored == pytest.approx(shared, rel=1e-12)) == (name != "base_rate"), name


def small_training(seed=0):
    task = prediabetes(50)
    generator = np.random.default_rng(seed)
    rows = generator.permutation(task.y.size)[:800]
    return Training(task.X[rows], task.y[rows], 3, shuffled_folds(800, generator, 5), REAL)


def test_the_prior_corrected_regression_is_calibrated_in_the_large():
    training = small_training()
    X, is_rare = training.X, training.is_rare
    balanced = LogisticRegression(C=np.inf, class_weight="balanced", solver="newton-cholesky", max_iter=1000)
    odds = balanced.fit(X, is_rare).predict_proba(X)[:, 1]
    odds = odds / (1 - odds) * is_rare.mean() / (1 - is_rare.mean())
    np.testing.assert_allclose(MISSING["prior_corrected_logit"](training)(X), odds / (1 + odds), rtol=1e-3, atol=1e-6)
    assert MISSING["prior_corrected_logit"](training)(X).mean() == pytest.approx(is_rare.mean(), rel=0.15)


@pytest.mark.parametrize("name", [*MISSING, "logit", "proportional_odds", "presto_ridge", "base_rate"])
def test_every_method_gives_probabilities_better_than_a_constant(name):
    training = small_training()
    fitted = fit_methods(training, [name, "base_rate"], single=SINGLE | MISSING)
    fresh = prediabetes(50)
    predicted = fitted[name](fresh.X)
    assert predicted.shape == (3059,)
    assert ((predicted >= 0) & (predicted <= 1)).all()
    constant = brier_score_loss(fresh.y == 2, fitted["base_rate"](fresh.X))
    score = brier_score_loss(fresh.y == 2, predicted)
    assert score < 0.3 * constant if name != "base_rate" else score == pytest.approx(constant)


@pytest.mark.parametrize("cutoff", [40])
def test_a_split_of_the_stored_table_comes_out_again(cutoff):
    stored = find_table("presto.prediabetes", "paper").frame
    cell = next(
        cell for cell in experiment("presto.prediabetes").cells_of("paper") if cell.parameters["cutoff"] == cutoff
    )
    task, generator = prediabetes(cutoff), np.random.default_rng(cell.seed_sequence().spawn(1)[0])
    train, test = held_out(task.y, generator, 0.1)
    folds = shuffled_folds(train.size, generator, 5)
    names = ("presto", "presto_published", "proportional_odds", "base_rate")
    fitted = fit_methods(Training(task.X[train], task.y[train], 3, folds, REAL), names)
    rows = stored[(stored["cell"] == cell.id) & (stored["replicate"] == 0)].set_index(["method", "metric"])["value"]
    for name, predictor in fitted.items():
        for metric, value in all_scores(task.y[test] == 2, predictor(task.X[test])).items():
            assert value == pytest.approx(rows[name, metric], rel=1e-5), (name, metric)


@pytest.mark.mirror
@needs_soup
def test_soup_is_split_by_rows_or_by_respondents():
    for split_by in ("rows", "respondents"):
        cell = Cell("presto.soup", {"dataset": "soup", "split_by": split_by, "batch": 0, "splits": 1}, 1)
        frame = soup_splits(cell)
        assert set(frame["split_by"]) == {split_by}
        assert set(frame["method"]) == set(METHODS)
        assert frame["value"].notna().all()
