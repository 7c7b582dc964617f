"""Scores with a chosen AUROC, two groups, and the metrics of many score vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import norm
from sklearn.metrics import average_precision_score, roc_auc_score

from repro.protocol.experiment import Cell
from repro.studies.auroc_auprc.calibrating import platt
from repro.studies.auroc_auprc.samplers import (
    HIGHER,
    LOWER,
    SAMPLERS,
    areas_of_each,
    binomial_scores,
    binormal_scores,
    generators,
    n_positives,
    over_seeds,
    two_groups,
)


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
@pytest.mark.parametrize("target", [0.3, 0.65, 0.85])
def test_the_expected_auroc_of_a_sampler_is_the_target(sampler: str, target: float) -> None:
    rng = np.random.default_rng(1)
    found = [roc_auc_score(*SAMPLERS[sampler](20, 180, target, rng)) for _ in range(500)]
    assert np.mean(found) == pytest.approx(target, abs=4 * np.std(found) / np.sqrt(500))


def test_a_negative_stands_above_a_binomial_number_of_positives() -> None:
    labels, scores = binomial_scores(10, 50_000, 0.7, np.random.default_rng(2))
    below = (scores[~labels][:, None] > scores[labels]).sum(axis=1)
    assert below.mean() == pytest.approx(10 * 0.3, abs=4 * np.sqrt(10 * 0.3 * 0.7 / 50_000))
    assert below.var() == pytest.approx(10 * 0.3 * 0.7, rel=0.03)
    assert 0 < scores.min() < scores.max() < 1


def test_binormal_scores_are_normal_with_the_shift_of_the_closed_form() -> None:
    labels, scores = binormal_scores(40_000, 40_000, 0.85, np.random.default_rng(3))
    latent = norm.ppf(scores)
    assert latent[labels].mean() - latent[~labels].mean() == pytest.approx(np.sqrt(2) * norm.ppf(0.85), abs=0.03)
    assert latent[labels].std() == pytest.approx(1, abs=0.02)
    assert latent[~labels].std() == pytest.approx(1, abs=0.02)


def test_normalised_groups_have_the_mean_of_their_prevalence_and_keep_their_order() -> None:
    plain = two_groups("binomial", 0.85, np.random.default_rng(4), normalise=False)
    scaled = two_groups("binomial", 0.85, np.random.default_rng(4), normalise=True)
    for group, prevalence, positives in ((HIGHER, 0.05, 10), (LOWER, 0.01, 2)):
        rows = plain.groups == group
        assert rows.sum() == 200
        assert scaled.labels[rows].sum() == positives
        assert scaled.scores[rows].mean() == pytest.approx(prevalence)
        assert np.array_equal(np.argsort(plain.scores[rows]), np.argsort(scaled.scores[rows]))


def test_every_sample_has_both_classes() -> None:
    assert [n_positives(1000, share) for share in (0.0001, 0.05, 0.9999)] == [1, 50, 999]


@pytest.mark.parametrize(
    ("positives", "size", "auroc"), [(60, 500, 0.7), (12, 250, 0.76), (245, 250, 0.9), (5, 60, 1.0)]
)
def test_platt_calibration_minimises_the_log_loss_of_platts_targets(positives: int, size: int, auroc: float) -> None:
    for seed in range(20):
        labels, scores = binomial_scores(positives, size - positives, auroc, np.random.default_rng(seed))
        target = np.where(labels, (positives + 1) / (positives + 2), 1 / (size - positives + 2))

        def loss(line: NDArray[np.float64], target=target, scores=scores) -> float:  # type: ignore[no-untyped-def]
            odds = line[0] + line[1] * scores
            return float(np.sum(np.logaddexp(0, odds) - target * odds))

        best = minimize(
            loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 4000}
        )
        found = platt(labels, scores)
        assert found == pytest.approx(expit(best.x[0] + best.x[1] * scores), abs=1e-4)
        assert len(np.unique(found)) == size


def test_platt_calibration_turns_a_bad_order_round() -> None:
    labels, scores = binomial_scores(300, 300, 0.2, np.random.default_rng(6))
    assert roc_auc_score(labels, platt(labels, scores)) == pytest.approx(1 - roc_auc_score(labels, scores))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), levels=st.integers(1, 30))
def test_areas_of_many_score_vectors_are_those_of_scikit_learn(seed: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.append(rng.random(23) < 0.3, [True, False])
    scores = rng.integers(0, levels, (4, labels.size)).astype(float)
    auroc, precision = areas_of_each(labels, scores)
    assert auroc == pytest.approx([roc_auc_score(labels, row) for row in scores], abs=1e-12)
    assert precision == pytest.approx([average_precision_score(labels, row) for row in scores], abs=1e-12)


def test_more_runs_do_not_move_the_first_ones() -> None:
    cell = Cell("auroc_auprc.repair", {"seeds": 3}, 2002)
    few = [rng.random() for rng in generators(cell, 3)]
    many = [rng.random() for rng in generators(cell, 5)]
    assert many[:3] == few
    assert len(set(many)) == 5


def test_summaries_over_seeds_are_mean_and_quantiles() -> None:
    assert over_seeds(np.arange(101.0)) == {"mean": 50, "p5": 5, "p95": 95}
