"""Theorems 1 and 2 on rankings: identities, single fixes, the AP-best mistake, paths."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from repro.protocol.experiment import Cell
from repro.studies import experiment
from repro.studies.auroc_auprc.paths import FACTS, deviations, small_groups
from repro.studies.auroc_auprc.samplers import Labels, Scores
from repro.studies.auroc_auprc.single_fixes import exchange, gains
from repro.studies.auroc_auprc.theorem1 import RANKINGS, grid_points, random_ranking, strict_expectations

FIXTURES = Path(__file__).parents[1] / "metrics" / "fixtures"


def compute(name: str, parameters: dict[str, object]) -> pd.DataFrame:
    found = experiment(f"auroc_auprc.{name}")
    return found.compute(Cell(found.name, parameters, found.seed))  # type: ignore[arg-type]


def exact_ap(descending: tuple[int, ...]) -> Fraction:
    hits = [rank for rank, label in enumerate(descending, start=1) if label]
    return sum((Fraction(found, rank) for found, rank in enumerate(hits, start=1)), Fraction()) / len(hits)


def random_labels(seed: int, size: int = 40) -> tuple[Labels, Scores]:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(size) < 9)
    return labels, rng.standard_normal(size)


# --- Theorem 1 ---


@pytest.mark.parametrize("kind", RANKINGS)
def test_random_rankings_are_what_their_kind_says(kind: str) -> None:
    rng = np.random.default_rng(0)
    tied = 0
    for _ in range(50):
        labels, scores, weights = random_ranking(kind, rng)
        assert 0 < labels.sum() < labels.size
        assert (weights is not None) == (kind == "weights")
        tied += len(np.unique(scores)) < scores.size
    assert tied == 0 if kind == "no ties" else tied > 40


def test_strict_counts_leave_out_the_positive_itself() -> None:
    # descending 1, 0, 1: nothing above the first, one negative among two rows above the second
    auroc, precision = strict_expectations(np.array([True, False, True]), np.array([3.0, 2.0, 1.0]), None)
    assert auroc == pytest.approx(1 - 1 / 2)
    # FPR 1, F 2/3, P(y = 0) 1/3
    assert precision == pytest.approx(1 - (1 / 3) * (0 + 1 / (2 / 3)) / 2)
    assert precision != pytest.approx(average_precision_score([1, 0, 1], [3, 2, 1]))


def test_theorem_1_holds_on_the_grid_and_calibration_turns_bad_orders_round() -> None:
    table = compute("identity_grid", {"auroc": 0.3, "prevalences": 12}).set_index(["calibration", "area", "metric"])
    value = table["value"]
    assert value[:, :, "deviation"].max() < 1e-12
    assert (value[:, :, "runs"] == 60).all()
    assert value["none", "auroc", "mean"] == pytest.approx(0.3, abs=0.005)
    assert value["platt", "auroc", "mean"] == pytest.approx(0.7, abs=0.01)
    assert value["platt", "auroc", "minimum"] > 0.65


def test_grid_points_are_the_interior_of_an_even_grid() -> None:
    assert grid_points(4) == pytest.approx([0.2, 0.4, 0.6, 0.8])


# --- Theorem 2, single fixes ---


def test_an_exchange_swaps_two_neighbours_of_the_order() -> None:
    labels, scores = random_labels(1)
    order = np.argsort(-scores)
    fixed = exchange(labels, scores, 5)
    expected = labels[order].copy()
    expected[[4, 5]] = expected[[5, 4]]
    assert np.array_equal(fixed[order], expected)


def test_gains_are_those_of_scikit_learn_after_the_scores_are_exchanged() -> None:
    labels, scores = random_labels(2)
    order = np.argsort(-scores)
    at = [place for place in range(39) if not labels[order[place]] and labels[order[place + 1]]]
    expected = []
    for place in at:
        moved = scores.copy()
        moved[order[[place, place + 1]]] = scores[order[[place + 1, place]]]
        expected.append(
            [
                roc_auc_score(labels, moved) - roc_auc_score(labels, scores),
                average_precision_score(labels, moved) - average_precision_score(labels, scores),
            ]
        )
    assert gains(labels, scores) == pytest.approx(np.array(expected), abs=1e-12)


def test_one_fix_checks_many_mistakes_and_its_control_fails_on_both_metrics() -> None:
    parameters = {"batches": 2, "size": 10}
    table = compute("one_fix", parameters)
    assert (table.loc[table["metric"] == "mistakes", "value"] > 50).all()
    assert table.loc[table["metric"] == "deviation", "value"].max() < 1e-12
    control = compute("one_fix", parameters | {"variant": "inverse_firing_rate_alone"})
    assert control.loc[control["metric"] == "deviation", "value"].min() > 1e-3


def test_the_grid_of_theorem_2_leaves_out_rankings_with_few_mistakes() -> None:
    table = compute("fixes_grid", {"auroc": 0.6, "prevalences": 6}).set_index("metric")["value"]
    assert 0 < table["trials"] <= 24
    assert table["auroc_discrepancy"] < 1e-12
    assert 0 < table["spearman"] <= 1
    assert 0 <= table["pearson_p"] < 0.2


# --- The highest-scored and the AP-best mistake ---


@pytest.mark.parametrize("size", range(4, 9))
def test_the_smallest_counterexamples_have_8_rows(size: int) -> None:
    table = compute("best_fix", {"n": size}).set_index("metric")["value"]
    counterexamples, rankings = [], 0
    for labels in product((0, 1), repeat=size):
        at = [place for place in range(size - 1) if labels[place : place + 2] == (0, 1)]
        if at:
            rankings += 1
            after = [exact_ap((*labels[:place], 1, 0, *labels[place + 2 :])) for place in at]
            if max(after) > after[0]:
                counterexamples.append(labels)
    assert table["all_rankings"] == rankings
    assert table["counterexamples"] == len(counterexamples)
    assert table["share_not_best"] == len(counterexamples) / rankings
    assert bool(counterexamples) == (size == 8)
    if size == 8:
        assert (0, 0, 0, 0, 0, 1, 0, 1) in counterexamples


SHARES = {
    0.01: {0.65: 0.217, 0.75: 0.180, 0.85: 0.097, 0.95: 0.003},
    0.05: {0.65: 0.127, 0.75: 0.027, 0.85: 0, 0.95: 0},
    0.2: {0.65: 0.033, 0.75: 0, 0.85: 0, 0.95: 0},
    0.5: {0.65: 0.003, 0.75: 0, 0.85: 0, 0.95: 0},
}
"""How often the highest-scored mistake is not the AP-best one in 300 rankings, from an independent simulation."""


@pytest.mark.parametrize("prevalence", sorted(SHARES))
def test_the_share_of_rankings_with_a_better_mistake_agrees_within_5_points(prevalence: float) -> None:
    for auroc, share in SHARES[prevalence].items():
        table = compute("best_fix", {"n": 1000, "prevalence": prevalence, "auroc": auroc, "count": 300})
        found = table.set_index("metric")["value"]
        assert found["share_not_best"] == pytest.approx(share, abs=0.05)
        if (prevalence, auroc) == (0.01, 0.65):
            assert found["spearman"].mean() == pytest.approx(0.947, abs=0.05)
            assert found["smallest_spearman"] < 0.7
        if prevalence == 0.5:
            assert found["spearman"].mean() == pytest.approx(1, abs=1e-3)


# --- Paths ---


def test_facts_hold_on_paths_and_none_holds_when_pairs_across_groups_are_misread() -> None:
    rng = np.random.default_rng(8)
    for _ in range(3):
        sample = small_groups(rng)
        assert max(deviations(sample, rng)) < 1e-12
    assert min(deviations(small_groups(rng), rng, misread=True)) > 1e-3
    assert len(FACTS) == 4


def test_the_fixture_counterexample_is_one_of_ours() -> None:
    case = json.loads((FIXTURES / "counterexample_n8.json").read_text())
    labels, scores = np.array(case["labels_descending"], dtype=bool), np.array(case["scores_descending"])
    expected = [mistake["delta_ap"]["num"] / mistake["delta_ap"]["den"] for mistake in case["mistakes"]]
    assert gains(labels, scores)[:, 1] == pytest.approx(expected, abs=1e-12)
    assert np.argmax(expected) == 1
