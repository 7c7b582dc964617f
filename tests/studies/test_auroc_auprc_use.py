"""What to report: models chosen for the top of a list, other base rates, and how often intervals cover."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from repro.protocol.experiment import Cell
from repro.studies import experiment
from repro.studies.auroc_auprc.experiments import SIMULATED
from repro.studies.auroc_auprc.samplers import HIGHER, LOWER, binormal_scores
from repro.studies.auroc_auprc.selection import TEST_ROWS, Task, choose, found_in_top
from repro.studies.auroc_auprc.uncertainty import binormal_average_precision, bounds, population_sample


def compute(name: str, parameters: dict[str, object]) -> pd.DataFrame:
    found = experiment(f"auroc_auprc.{name}")
    return found.compute(Cell(found.name, parameters, found.seed))  # type: ignore[arg-type]


# --- The top of a list ---


def test_a_feature_of_a_task_marks_its_share_of_the_positives() -> None:
    task = Task(np.random.default_rng(0))
    X, y, groups = task.sample(40_000, np.random.default_rng(1))
    assert X.shape == (80_000, 8)
    assert [int(y[groups == group].sum()) for group in (HIGHER, LOWER)] == [2000, 400]
    expected = task.share * task.shift
    spread = np.sqrt((1 + task.share * task.shift**2) / y.sum())
    assert (np.abs(X[y].mean(axis=0) - expected) < 4.5 * spread).all()
    assert (np.abs(X[~y].mean(axis=0)) < 4.5 / np.sqrt((~y).sum())).all()


def test_the_chosen_models_are_the_best_ones_by_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    labels = rng.random(300) < 0.1
    scores = rng.standard_normal((30, 300)) + rng.uniform(0, 2, (30, 1)) * labels
    chosen = choose(labels, scores)
    assert chosen["auroc"] == np.argmax([roc_auc_score(labels, model) for model in scores])
    assert chosen["average_precision"] == np.argmax([average_precision_score(labels, model) for model in scores])


def test_positives_in_the_top_are_those_of_a_full_sort() -> None:
    rng = np.random.default_rng(3)
    labels, scores = rng.random(100) < 0.3, rng.standard_normal(100)
    top = np.argsort(-scores)[:17]
    assert set(found_in_top(labels, scores, 17)) == set(top[labels[top]])


def test_precision_and_recall_of_the_groups_add_up() -> None:
    table = compute("top_k", {"batch": 1, "seeds": 2})
    assert set(table["replicate"]) == {2, 3}
    positives = {HIGHER: 0.05 * TEST_ROWS, LOWER: 0.01 * TEST_ROWS}
    at = table[table["k"].notna()].set_index(["replicate", "method", "k", "metric", "group"]).sort_index()["value"]
    for replicate in (2, 3):
        for method in ("auroc", "average_precision", "precision_at_k"):
            for k in (10, 50, 200):
                one = at[replicate, method, k]
                found = sum(one["recall", group] * count for group, count in positives.items())
                assert one["precision", "all"] * k == pytest.approx(found)
                assert one["recall", "all"] * sum(positives.values()) == pytest.approx(found)


# --- Other base rates ---


def test_only_the_base_rate_changes_between_populations() -> None:
    table = compute("prevalence_shift", {"auroc": 0.85, "batch": 0, "seeds": 4})
    mean = table.groupby(["metric", "prevalence"])["value"].mean()
    assert mean["area"].to_numpy() == pytest.approx(np.full(4, 0.85), abs=0.03)
    for prevalence in (0.5, 0.1, 0.02):
        expected = binormal_average_precision(0.85, prevalence)
        assert mean["average_precision", prevalence] == pytest.approx(expected, abs=0.03)
        assert mean["average_precision_at_half", prevalence] == pytest.approx(
            binormal_average_precision(0.85, 0.5), abs=0.03
        )


# --- Intervals ---


@pytest.mark.parametrize(("auroc", "prevalence"), [(0.85, 0.1), (0.7, 0.5), (0.95, 0.02)])
def test_the_average_precision_of_a_population_is_that_of_a_large_sample(auroc: float, prevalence: float) -> None:
    rng = np.random.default_rng(4)
    size = 400_000
    samples = [binormal_scores(int(size * prevalence), int(size * (1 - prevalence)), auroc, rng) for _ in range(3)]
    found = np.mean([average_precision_score(*sample) for sample in samples])
    assert binormal_average_precision(auroc, prevalence) == pytest.approx(found, abs=0.004)


def test_scores_without_signal_have_the_prevalence_as_average_precision() -> None:
    assert binormal_average_precision(0.5, 0.07) == pytest.approx(0.07, abs=1e-8)


def test_the_number_of_positives_of_a_sample_is_random_and_none_gives_no_sample() -> None:
    rng = np.random.default_rng(5)
    drawn = [population_sample(200, 0.01, 0.85, rng) for _ in range(400)]
    counts = np.array([0 if sample is None else sample[0].sum() for sample in drawn])
    assert counts.mean() == pytest.approx(2, abs=4 * np.sqrt(2 / 400))
    assert (counts == 0).mean() == pytest.approx(0.99**200, abs=0.07)


def test_every_method_gives_ordered_bounds_around_the_estimate() -> None:
    labels, scores = binormal_scores(40, 400, 0.85, np.random.default_rng(6))
    found = bounds(labels, scores, 300, np.random.default_rng(7))
    assert len(found) == 9
    estimates = {"auroc": roc_auc_score(labels, scores), "average_precision": average_precision_score(labels, scores)}
    for (area, _), (low, high) in found.items():
        assert 0 <= low < estimates[area] < high <= 1


def test_coverage_counts_intervals_that_hold_the_true_value() -> None:
    table = compute(
        "interval_coverage",
        {"n": 400, "prevalence": 0.3, "auroc": 0.85, "batch": 3, "simulations": 60, "resamples": 200},
    )
    value = table.set_index(["area", "method", "metric"]).sort_index()["value"]
    assert set(table["replicate"]) == {3}
    assert value["auroc", "sample", "truth"] == 0.85
    assert value["average_precision", "sample", "truth"] == binormal_average_precision(0.85, 0.3)
    for area in ("auroc", "average_precision"):
        for method in set(table.loc[table["area"] == area, "method"]) - {"sample"}:
            shares = value[area, method]
            assert shares["coverage"] + shares["above"] + shares["below"] == pytest.approx(1)
            # 120 positives: every method should work
            assert shares["coverage"] > 0.85
            assert 0 < shares["width"] < 0.3


# --- All experiments ---


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("identity", {"rankings": "weights", "batches": 2, "size": 3}),
        ("one_fix", {"batches": 2, "size": 2}),
        ("best_fix", {"n": 300, "prevalence": 0.05, "auroc": 0.75, "count": 40}),
        ("path_facts", {"batches": 1, "size": 2}),
        ("top_k", {"batch": 0, "seeds": 1}),
        ("prevalence_shift", {"auroc": 0.75, "batch": 0, "seeds": 1}),
        (
            "interval_coverage",
            {"n": 200, "prevalence": 0.1, "auroc": 0.85, "batch": 0, "simulations": 3, "resamples": 50},
        ),
    ],
)
def test_the_same_cell_gives_the_same_rows(name: str, parameters: dict[str, object]) -> None:
    first = compute(name, parameters)
    pd.testing.assert_frame_equal(first, compute(name, parameters))
    assert first["value"].notna().all()


@pytest.mark.parametrize("declared", SIMULATED, ids=lambda declared: declared.name)
def test_every_cell_of_a_profile_has_parameters_of_its_own(declared) -> None:  # type: ignore[no-untyped-def]
    for profile in declared.cells:
        cells = declared.cells_of(profile)
        assert len(cells) >= 1
        assert all(declared.seconds(cell.parameters) > 0 for cell in cells)
