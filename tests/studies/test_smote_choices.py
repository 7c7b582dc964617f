"""Nothing that is chosen may look at the rows that judge: with the labels of a test part permuted it stays the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from repro.protocol.experiment import Cell
from repro.studies.smote import sweep
from repro.studies.smote.sweep import Curve, chosen_level, curve_areas
from repro.trials import learners
from repro.trials.folds import FOLDS, stratified_folds
from repro.trials.learners import (
    cross_validated,
    logistic_regression,
    over_sampled,
    smote_sampled,
    under_sampled,
    untouched,
)
from repro.trials.table_tasks import BinaryTask, simulated_task

SEED = np.random.SeedSequence(7)
SAMPLERS = {"none": untouched, "under": under_sampled, "over": over_sampled, "smote": smote_sampled}

Split = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def problem() -> BinaryTask:
    return simulated_task(300, minority_share=0.2)


@pytest.fixture(scope="module")
def split(problem: BinaryTask) -> Split:
    _, train, test = next(iter(stratified_folds(problem.y, SEED)))
    return train, test


def poisoned(problem: BinaryTask, split: Split) -> BinaryTask:
    """The same problem with the labels of its test part in another order."""
    y, test = problem.y.copy(), split[1]
    y[test] = np.roll(y[test], 7)
    assert (y != problem.y).sum() > 5
    return replace(problem, y=y)


def one_fold(split: Split, whole: int) -> Callable[..., Iterator[tuple[int, np.ndarray, np.ndarray]]]:
    """Stand in for the folds of a whole problem, `whole` rows, by a single one; folds inside of it are as they are."""

    def folds(y: np.ndarray, seed: np.random.SeedSequence, n_folds: int = FOLDS, **options: Any) -> Any:
        if y.size == whole:
            yield 0, *split
        else:
            yield from stratified_folds(y, seed, n_folds, **options)

    return folds


def test_the_level_of_smote_is_chosen_without_the_test_part(
    problem: BinaryTask, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, bytes, bytes]] = []

    def spy(train: BinaryTask, *arguments: Any) -> int:
        level = chosen_level(train, *arguments)
        seen.append((level, train.X.tobytes(), train.y.tobytes()))
        return level

    monkeypatch.setattr(sweep, "chosen_level", spy)
    monkeypatch.setattr(sweep, "stratified_folds", one_fold(split, problem.y.size))
    cell = Cell("smote.roc_sweep", {"dataset": "simulated", "partition": 0}, 2002)
    tables = []
    for task in (problem, poisoned(problem, split)):
        monkeypatch.setattr(sweep, "load_problem", lambda parameters, task=task: task)
        tables.append(sweep.roc_sweep(cell))
    clean, poison = seen
    assert clean == poison
    assert clean[1] == problem.X[split[0]].tobytes()
    areas = [table.query("metric == 'auc_paper'").set_index("method")["value"] for table in tables]
    judged = ["under", "smote_fixed_level", "smote_chosen_level"]
    assert (areas[0][judged] != areas[1][judged]).all(), "the poison must be felt by what is measured"
    for table, of_method in zip(tables, areas, strict=True):
        assert of_method["smote_chosen_level"] == of_method[f"smote_{clean[0]}"]
        levels = of_method[of_method.index.str.fullmatch(r"smote_\d+")]
        assert of_method["smote_best_on_test"] == levels.max()
        best = table.query("method == 'smote_best_on_test'")["level"].iloc[0]
        assert of_method[f"smote_{int(best)}"] == levels.max()


def test_the_chosen_level_has_the_largest_area_inside_the_training_part(
    problem: BinaryTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    heights = {100: 0.7, 200: 0.9, 400: 0.8, 500: 0.9}
    asked: list[tuple[set[bytes], set[bytes]]] = []

    def curves(
        part: BinaryTask, X: np.ndarray, y: np.ndarray, amounts: tuple[int, ...], *arguments: Any, **options: Any
    ) -> dict[int, Curve]:
        asked.append(({row.tobytes() for row in part.X}, {row.tobytes() for row in X}))
        return {amount: {0: (0.1, heights[amount]), 50: (0.4, heights[amount])} for amount in amounts}

    monkeypatch.setattr(sweep, "fold_curves", curves)
    assert chosen_level(problem, (100, 200, 400, 500), SEED, None) == 200  # the smaller of two that are best
    assert chosen_level(problem, (100, 400), SEED, None) == 400
    everything = {row.tobytes() for row in problem.X}
    held_out = [test for _, test in asked[: sweep.INNER_FOLDS]]
    assert set.union(*held_out) == everything
    for fitted, test in asked:
        assert not fitted & test
        assert fitted | test == everything
        assert len(fitted) > len(test)


def test_the_chosen_level_follows_the_areas_that_its_own_folds_give(problem: BinaryTask) -> None:
    """Not a constant: the choice is the argument of the maximum of areas computed here once more."""
    amounts = (100, 200, 400)
    inner: dict[int, list[Curve]] = {amount: [] for amount in amounts}
    for number, fit, test in stratified_folds(problem.y, sweep.child_seed(SEED, 0), sweep.INNER_FOLDS):
        found = sweep.fold_curves(
            problem.rows(fit), problem.X[test], problem.y[test], amounts, sweep.child_seed(SEED, 1, number)
        )
        for amount in amounts:
            inner[amount].append(found[amount])
    areas = [curve_areas(sweep.mean_curve(inner[amount]))["auc_paper"] for amount in amounts]
    assert len(set(areas)) == 3
    assert chosen_level(problem, amounts, SEED, None) == amounts[int(np.argmax(areas))]


def test_thresholds_and_probabilities_come_from_the_training_part(
    problem: BinaryTask, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learners, "stratified_folds", one_fold(split, problem.y.size))
    measure = learners.fold_metrics
    seen: list[tuple[float, bytes]] = []

    def spy(y: np.ndarray, probability: np.ndarray, tuned: float, costs: tuple[float, float]) -> dict[str, float]:
        seen.append((tuned, probability.tobytes()))
        return measure(y, probability, tuned, costs)

    monkeypatch.setattr(learners, "fold_metrics", spy)
    found = []
    for task in (problem, poisoned(problem, split)):
        found.append(cross_validated(task, logistic_regression, SEED, SAMPLERS).whole)
    half = len(seen) // 2
    assert half == 7
    assert seen[:half] == seen[half:]
    for method, metrics in found[0].items():
        assert metrics["auroc"] != found[1][method]["auroc"], "the poison must be felt by what is measured"


def test_a_threshold_is_tuned_on_rows_that_its_model_has_not_seen(problem: BinaryTask) -> None:
    """A learner that knows its training rows by heart would be tuned to perfection on them."""
    rows_of: list[set[bytes]] = []
    asked: list[set[bytes]] = []

    class Recorder:
        def fit(self, X: np.ndarray, y: np.ndarray) -> Recorder:
            rows_of.append({row.tobytes() for row in X})
            return self

        def predict_proba(self, X: np.ndarray) -> np.ndarray:
            asked.append({row.tobytes() for row in X})
            share = np.linspace(0.1, 0.9, len(X))
            return np.column_stack([1 - share, share])

    cross_validated(problem, lambda nominal, **options: Recorder(), SEED, {"none": untouched}, n_folds=3)
    assert len(rows_of) == len(asked) == 6
    for known, judged in zip(rows_of, asked, strict=True):
        assert not known & judged
    for place in range(0, 6, 2):  # tuning part and what it is tuned for make the training part of the outer fit
        assert rows_of[place] | asked[place] == rows_of[place + 1]


def test_a_miss_costs_what_the_classes_are_apart(problem: BinaryTask, monkeypatch: pytest.MonkeyPatch) -> None:
    costs = []
    choose = learners.best_threshold

    def spy(y: np.ndarray, probability: np.ndarray, **options: float) -> float:
        costs.append(options)
        return float(choose(y, probability, **options))

    monkeypatch.setattr(learners, "best_threshold", spy)
    cross_validated(problem, logistic_regression, SEED, SAMPLERS, only=["none"], n_folds=3)
    assert costs == [{"cost_of_miss": pytest.approx(240 / 60), "cost_of_false_alarm": 1.0}] * 3


def test_values_of_folds_are_those_of_their_rows(problem: BinaryTask, monkeypatch: pytest.MonkeyPatch) -> None:
    labels: list[np.ndarray] = []
    predicted: list[np.ndarray] = []
    measure = learners.risk_metrics

    def spy(y: np.ndarray, probability: np.ndarray) -> dict[str, float]:
        labels.append(y)
        predicted.append(probability)
        return measure(y, probability)

    monkeypatch.setattr(learners, "risk_metrics", spy)
    found = cross_validated(problem, logistic_regression, SEED, SAMPLERS, only=["over"], n_folds=4)
    folds = pd.DataFrame(found.folds["over"])
    assert len(folds) == 4
    assert folds["auroc"].mean() == pytest.approx(found.whole["over"]["auroc"])
    for number, (y, probability) in enumerate(zip(labels[0:8:2], predicted[0:8:2], strict=True)):
        assert folds["log_risk_ratio"][number] == pytest.approx(np.log(probability.sum() / y.sum()))
        log_odds = np.where(y, np.log(probability), np.log1p(-probability))
        assert folds["log_loss"][number] == pytest.approx(-log_odds.mean())
    # equal classes in training, a fifth in truth: the risk is far too large, and the correction mends it
    assert (folds["log_risk_ratio"] > np.log(1.5)).all()
    corrected = pd.DataFrame(found.folds["over_corrected"])
    assert abs(corrected["log_risk_ratio"].mean()) < 0.1
