"""Labels of the test part are permuted: nothing that is trained, chosen or measured before the test may change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from repro.protocol.experiment import Cell
from repro.studies import experiment
from repro.studies.auroc_auprc import fairness as models_room
from repro.studies.auroc_auprc import selection as top_k_room
from repro.studies.auroc_auprc.fairness import Population, model_table, split
from repro.studies.auroc_auprc.selection import DEPTHS, TEST_ROWS, VALIDATION_ROWS

SEED = 11


def two_groups(n: int = 900) -> Population:
    """Rows whose feature says something about the label in both groups; the number of a row stands in `sensitive`."""
    generator = np.random.default_rng(3)
    second = np.arange(n) % 3 == 0
    y = generator.random(n) < np.where(second, 0.5, 0.2)
    X = generator.standard_normal((n, 3)) + y[:, None] * np.array([1.5, 0.5, 0.0])
    numbers = np.column_stack([np.arange(n, dtype=float), second.astype(float)])
    return Population("made", X, y, sensitive=numbers, second=second)


def poisoned(sample: Population, part: int) -> Population:
    """The sample with the labels of one part of its split (0 training, 1 validation, 2 test) in random order."""
    split_seed, _ = np.random.SeedSequence(SEED).spawn(2)
    rows = split(sample, int(split_seed.generate_state(1)[0] // 2))[part].sensitive[:, 0].astype(int)
    y = sample.y.copy()
    y[rows] = np.random.default_rng(5).permutation(y[rows])
    assert (y != sample.y).sum() > len(rows) / 10
    return replace(sample, y=y)


def trained(monkeypatch: pytest.MonkeyPatch, sample: Population, prevalences: tuple[float, float]) -> pd.DataFrame:
    # the prevalences of the whole sample name the group that is weighted and the sign of the gap; they are no choice
    monkeypatch.setattr(Population, "prevalences", lambda self: prevalences)
    return model_table(sample, "higher_prevalence", (1, 5), 2, np.random.SeedSequence(SEED))


def test_models_and_their_validation_metrics_do_not_see_the_labels_of_the_test_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sample = two_groups()
    clean = trained(monkeypatch, sample, (0.2, 0.5))
    other = trained(monkeypatch, poisoned(sample, 2), (0.2, 0.5))
    before = ["draw", "weight", "auroc", "average_precision"]
    pd.testing.assert_frame_equal(other[before], clean[before])
    assert (other["test_auroc"] < clean["test_auroc"] - 0.05).all()
    assert (other["gap"] != clean["gap"]).all()


def test_models_are_not_fitted_to_the_validation_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop that looks at validation rows would change the scores of the test part."""
    sample = two_groups()
    clean = trained(monkeypatch, sample, (0.2, 0.5))
    other = trained(monkeypatch, poisoned(sample, 1), (0.2, 0.5))
    after = ["gap", "test_auroc"]
    pd.testing.assert_frame_equal(other[after], clean[after])
    assert (other["auroc"] < clean["auroc"] - 0.05).all()


def test_the_training_part_is_what_models_are_fitted_to(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = two_groups()
    clean = trained(monkeypatch, sample, (0.2, 0.5))
    other = trained(monkeypatch, poisoned(sample, 0), (0.2, 0.5))
    assert (other["test_auroc"] < clean["test_auroc"] - 0.05).all()


def top_of_the_list(monkeypatch: pytest.MonkeyPatch, poison: bool) -> tuple[list[Any], pd.DataFrame]:
    """Scores of the test rows under every model whose top is read, in the order of reading, and the table."""
    drawn = top_k_room.Task.sample
    looked_at: list[np.ndarray] = []
    original = top_k_room.found_in_top

    def sample(self: top_k_room.Task, rows: int, rng: np.random.Generator) -> Any:
        X, y, groups = drawn(self, rows, rng)
        if poison and rows == TEST_ROWS:
            y = np.random.default_rng(9).permutation(y)
        return X, y, groups

    def spy(labels: np.ndarray, scores: np.ndarray, k: int) -> np.ndarray:
        if len(labels) == 2 * TEST_ROWS and k in DEPTHS:
            looked_at.append(scores)
        return original(labels, scores, k)

    with monkeypatch.context() as patch:
        patch.setattr(top_k_room.Task, "sample", sample)
        patch.setattr(top_k_room, "found_in_top", spy)
        found = experiment("auroc_auprc.top_k")
        table = found.compute(Cell(found.name, {"batch": 0, "seeds": 3}, found.seed))
    return looked_at, table


def test_the_model_for_the_top_of_the_list_is_chosen_without_the_labels_of_the_test_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whichever of the three metrics chooses: the test rows get their scores from the same models."""
    clean, table = top_of_the_list(monkeypatch, poison=False)
    other, spoilt = top_of_the_list(monkeypatch, poison=True)
    assert len(clean) == len(other) == 3 * len(DEPTHS) * 3  # tasks, depths, metrics that choose
    for ours, theirs in zip(clean, other, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    precision = [found[found["metric"] == "precision"]["value"].mean() for found in (table, spoilt)]
    assert precision[1] < precision[0] / 2


def test_validation_rows_choose_the_model_for_the_top_of_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counterpart: with other validation labels other models are chosen."""
    drawn = top_k_room.Task.sample

    def sample(self: top_k_room.Task, rows: int, rng: np.random.Generator) -> Any:
        X, y, groups = drawn(self, rows, rng)
        return X, np.random.default_rng(9).permutation(y) if rows == VALIDATION_ROWS else y, groups

    found = experiment("auroc_auprc.top_k")
    cell = Cell(found.name, {"batch": 0, "seeds": 3}, found.seed)
    clean = found.compute(cell)
    monkeypatch.setattr(top_k_room.Task, "sample", sample)
    other = found.compute(cell)
    assert not np.array_equal(clean["value"], other["value"])


def test_the_top_that_chooses_is_the_same_share_of_the_validation_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    original = top_k_room.found_in_top

    def spy(labels: np.ndarray, scores: np.ndarray, k: int) -> np.ndarray:
        read.append(k / len(labels))
        return original(labels, scores, k)

    monkeypatch.setattr(top_k_room, "found_in_top", spy)
    found = experiment("auroc_auprc.top_k")
    found.compute(Cell(found.name, {"batch": 0, "seeds": 1}, found.seed))
    assert set(read) == {k / (2 * TEST_ROWS) for k in DEPTHS}


def test_no_model_is_trained_on_more_than_the_training_part(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    original = models_room._fitted_scores

    def spy(parts: Any, *rest: Any) -> Any:
        sizes.append([len(part.y) for part in parts])
        return original(parts, *rest)

    monkeypatch.setattr(models_room, "_fitted_scores", spy)
    model_table(two_groups(), "first_code", (1,), 1, np.random.SeedSequence(SEED))
    assert sizes == [[450, 225, 225]]
