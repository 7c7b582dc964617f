"""Confusion counts against scikit-learn, closed forms and loops; label errors; thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as peer

from repro.ground.exceptions import UnknownName
from repro.metrics import (
    Counts,
    best_metric_threshold,
    best_threshold,
    confusion_metrics,
    f_score,
    multiclass_auroc,
    multiclass_average_precision,
    recorded_counts,
    threshold_counts,
)

PEERS = {
    "accuracy": peer.accuracy_score,
    "balanced_accuracy": peer.balanced_accuracy_score,
    "f1": lambda y, called: peer.f1_score(y, called, zero_division=0),
    "f2": lambda y, called: peer.fbeta_score(y, called, beta=2, zero_division=0),
    "g_mean": lambda y, called: np.sqrt(peer.recall_score(y, called) * peer.recall_score(y, called, pos_label=0)),
    "kappa": peer.cohen_kappa_score,
    "mcc": peer.matthews_corrcoef,
    "precision": lambda y, called: peer.precision_score(y, called, zero_division=0),
    "recall": peer.recall_score,
    "specificity": lambda y, called: peer.recall_score(y, called, pos_label=0),
}


def rows(seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    y = np.append([0, 1], generator.random(n) < 0.2).astype(int)
    return y, np.round(generator.normal(size=y.size) + y, 1)


@pytest.mark.parametrize("seed", range(3))
def test_metrics_at_every_threshold_are_those_of_scikit_learn(seed: int) -> None:
    y, score = rows(seed)
    thresholds, counts = threshold_counts(y, score)
    found = confusion_metrics(counts)
    assert sorted(found) == sorted(PEERS)
    assert thresholds[0] == np.inf
    assert thresholds[1:].tolist() == sorted(set(score), reverse=True)
    for name, metric in PEERS.items():
        assert found[name] == pytest.approx([metric(y, score >= level) for level in thresholds]), name


@pytest.mark.parametrize("name", PEERS)
def test_the_best_threshold_is_that_of_a_loop_and_the_highest_of_several(name: str) -> None:
    y, score = rows(3)
    levels = [np.inf, *sorted(set(score), reverse=True)]
    values = [PEERS[name](y, score >= level) for level in levels]
    first = next(place for place, value in enumerate(values) if value >= max(values) - 1e-12)
    found = best_metric_threshold(y, score, name)
    assert found == (levels[first], pytest.approx(values[first]))


def test_any_metric_of_counts_can_be_searched_and_costs_give_the_threshold_of_costs() -> None:
    y, score = rows(4)
    found = best_metric_threshold(y, score, lambda counts: -(7 * counts.fn + counts.fp))
    assert found.threshold == best_threshold(y, score, cost_of_miss=7, cost_of_false_alarm=1)


def test_large_whole_scores_stay_apart() -> None:
    assert best_metric_threshold([0, 1], [2**60, 2**60 + 1], "f1").threshold == 2**60 + 1


@given(st.floats(0.01, 0.99), st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.49), st.floats(0, 0.49))
def test_recorded_counts_mix_the_columns_of_the_matrix(pi: float, tpr: float, fpr: float, a: float, b: float) -> None:
    true = Counts.from_rates(pi, tpr, fpr)
    seen = recorded_counts(true, missed=a, invented=b)
    flip = np.array([[1 - a, b], [a, 1 - b]])
    called = flip @ [true.tp, true.fp]
    left = flip @ [true.fn, true.tn]
    assert [seen.tp, seen.fp, seen.fn, seen.tn] == pytest.approx([*called, *left], abs=1e-12)
    assert seen.tp + seen.fp == pytest.approx(true.tp + true.fp)


def test_a_perfect_detector_shows_recall_one_half_where_as_many_frauds_are_invented_as_there_are() -> None:
    pi = 492 / 284_807
    seen = recorded_counts(Counts.from_rates(pi, 1.0, 0.0), invented=pi / (1 - pi))
    found = confusion_metrics(seen)
    assert (found["recall"], found["precision"]) == (pytest.approx(0.5), 1.0)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_a_miss_costs_in_the_f_score_what_its_slope_says(beta: float) -> None:
    """Along a level line of F a miss is exchanged for ((1 + beta^2) - F) / F ... false alarms."""
    counts = Counts(300.0, 100.0, 192.0, 284_215.0)
    value = float(f_score(counts, beta))
    cost = (1 + beta**2 - value) / value
    step = 1e-4
    moved = Counts(counts.tp + step, counts.fp + cost * step, counts.fn - step, counts.tn - cost * step)
    assert float(f_score(moved, beta)) == pytest.approx(value, abs=1e-12)


def test_shapes_broadcast_and_an_index_picks() -> None:
    counts = Counts.from_rates(np.array([[0.1], [0.5]]), np.array([0.2, 0.4, 0.6]), 0.1)
    assert confusion_metrics(counts)["f1"].shape == (2, 3)
    assert float(counts.at((1, 2)).tp) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Counts.from_rates(0.0, 0.5, 0.5), "prevalence must lie above 0 and below 1, got 0"),
        (lambda: Counts.from_rates(1.0, 0.5, 0.5), "prevalence must lie above 0 and below 1, got 1"),
        (lambda: Counts.from_rates(0.5, 1.2, 0.5), "tpr must lie between 0 and 1, got 1.2"),
        (lambda: Counts.from_rates(0.5, 0.5, float("nan")), "fpr must lie between 0 and 1, got nan"),
        (lambda: Counts(1, -1, 1, 1), "fp must be at least 0 and finite, got -1"),
        (lambda: Counts(0, 1, 0, 1), "counts must have positive rows, got none"),
        (lambda: Counts(1, 0, 1, 0), "counts must have negative rows, got none"),
        (
            lambda: recorded_counts(Counts(1, 1, 1, 1), missed=0.6, invented=0.4),
            "missed and invented must sum to less than 1, got 1",
        ),
        (lambda: recorded_counts(Counts(1, 1, 1, 1), missed=-0.1), "missed must lie between 0 and 1, got -0.1"),
        (lambda: f_score(Counts(1, 1, 1, 1), 0.0), "beta must be above 0"),
        (lambda: best_metric_threshold([0, 1], [1, 2], lambda counts: 1.0), r"shape \(3,\).*, got \(\)"),
        (lambda: best_metric_threshold([0, 1], [1, 2], lambda counts: counts.tp * np.nan), "got NaN at all"),
        (lambda: best_metric_threshold([0, 0], [1, 2], "f1"), "y_true must hold both classes"),
    ],
)
def test_what_cannot_be_is_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]


def test_an_unknown_metric_is_named() -> None:
    with pytest.raises(UnknownName, match="g_means"):
        best_metric_threshold([0, 1], [1, 2], "g_means")


def several_classes(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    y = np.append([0, 1, 2], generator.choice(3, 80, p=[0.7, 0.2, 0.1]))
    logits = generator.normal(size=(y.size, 3)) + 1.5 * np.eye(3)[y]
    return y, logits, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("ours", "theirs"), [("macro", "macro"), ("prevalence", "weighted"), (None, None)])
def test_metrics_of_several_classes_are_those_of_scikit_learn(ours: str | None, theirs: str | None) -> None:
    y, _, probability = several_classes(0)
    assert multiclass_auroc(y, probability, average=ours) == pytest.approx(
        peer.roc_auc_score(y, probability, multi_class="ovr", average=theirs)
    )
    assert multiclass_average_precision(y, probability, average=ours) == pytest.approx(
        peer.average_precision_score(np.eye(3)[y], probability, average=theirs)
    )


def test_pairs_of_classes_are_those_of_hand_and_till_and_scores_need_not_be_probabilities() -> None:
    y, logits, probability = several_classes(1)
    expected = peer.roc_auc_score(y, probability, multi_class="ovo")
    assert multiclass_auroc(y, probability, scheme="ovo") == pytest.approx(expected)
    names = np.array(["c", "a", "b"])
    assert multiclass_auroc(names[y], logits, classes=["c", "a", "b"]) == pytest.approx(
        np.mean([peer.roc_auc_score(y == place, logits[:, place]) for place in range(3)])
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda y, s: multiclass_auroc(y, s[:, :2]), r"y_score must have shape \(83, 3\), got \(83, 2\)"),
        (lambda y, s: multiclass_auroc(y, s, classes=[0, 1, 7]), r"y_true must hold the classes \[0, 1, 7\], got .*2"),
        (lambda y, s: multiclass_auroc(y, np.c_[s, s[:, :1]], classes=[0, 1, 2, 3]), "of each, got .* 0] rows"),
        (lambda y, s: multiclass_auroc(y * 0, s[:, :1]), "rows of at least two classes"),
        (lambda y, s: multiclass_auroc(y, s, scheme="ovo", average=None), "average must be 'macro' with scheme 'ovo'"),
        (lambda y, s: multiclass_auroc(y, s * np.inf), "y_score must be finite"),
    ],
)
def test_several_classes_that_do_not_fit_are_refused(call: object, message: str) -> None:
    y, _, probability = several_classes(2)
    with pytest.raises(ValueError, match=message):
        call(y, probability)  # type: ignore[operator]


@pytest.mark.parametrize("wrong", [{"scheme": "all"}, {"average": "micro"}])
def test_unknown_averages_and_schemes_are_named(wrong: dict[str, str]) -> None:
    y, _, probability = several_classes(2)
    with pytest.raises(UnknownName):
        multiclass_auroc(y, probability, **wrong)
