"""Widgets: the resting state has the package's numbers, the script the same ones, and bad input is refused."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from repro.metrics import auroc, average_precision, best_threshold, mistakes, risk_ratio
from repro.plotting.widgets import (
    COUNTEREXAMPLE,
    does_smote_help,
    price_of_one_mistake,
    same_auroc_different_life,
)


def data_of(markup: str) -> dict[str, list[dict[str, object]]]:
    found = re.search(r'<script type="application/json">(.*?)</script>', markup)
    assert found
    return json.loads(found[1])


def test_the_resting_state_tells_the_finding_with_the_packages_numbers() -> None:
    widget = price_of_one_mistake()
    score = [-place for place in range(8)]
    prices = mistakes(COUNTEREXAMPLE, score)["delta_ap"]
    assert prices.idxmax() != 0, "the counterexample: the first mistake is not worth most"
    assert "The highest-scored mistake is not the one that is worth most" in widget.markup
    for number in (auroc(COUNTEREXAMPLE, score), average_precision(COUNTEREXAMPLE, score), *prices):
        assert f"{number:.3f}" in widget.markup
    assert f"+{prices.max():.3f}" in widget.alt
    assert [row["label"] for row in data_of(widget.markup)["rows"]] == list(COUNTEREXAMPLE)
    assert "src=" not in widget.markup, "it needs nothing but itself"


def test_a_perfect_ranking_has_nothing_to_repair() -> None:
    widget = price_of_one_mistake([1, 1, 0], groups=["A", "A", "B"])
    assert "There is no mistake in it." in widget.alt
    assert "What one mistake is worth" in widget.markup
    assert [row["group"] for row in data_of(widget.markup)["rows"]] == ["A", "A", "B"]
    assert repr(widget) == f"[{widget.alt}]"


@pytest.mark.parametrize("labels", [[1], [1, 1], [0, 2], [[0, 1]], [0, 1] * 21, [0.5, 1]])
def test_labels_that_are_no_ranking_are_refused(labels: list[object]) -> None:
    with pytest.raises(ValueError, match=r"labels must be 2 to 40 zeros and ones, both there, got"):
        price_of_one_mistake(labels)


@pytest.mark.parametrize("groups", [["A"], ["A", "C"]])
def test_groups_of_another_kind_are_refused(groups: list[str]) -> None:
    with pytest.raises(ValueError, match=r"groups must be 2 times 'A' or 'B', got"):
        price_of_one_mistake([0, 1], groups=groups)


def test_the_cloud_shows_what_smote_does_to_two_learners() -> None:
    widget = does_smote_help((0, 400))
    data: dict[str, object] = dict(data_of(widget.markup))
    settings = {(one["learner"], one["amount"]): one for one in data["settings"]}  # type: ignore[attr-defined,index]
    labels = np.asarray(data["labels"])
    areas = {key: auroc(labels, np.asarray(one["probability"])) for key, one in settings.items()}
    assert areas["pruned tree", 400] > areas["pruned tree", 0] + 0.1, "a weak learner ranks better after SMOTE"
    assert abs(areas["gradient boosting", 400] - areas["gradient boosting", 0]) < 0.05, "a strong one does not"
    for (learner, amount), one in settings.items():
        assert (risk_ratio(labels, one["probability"]) > 1.5) == (amount > 0), "sampling inflates the risk"
        assert 0 <= one["threshold"] <= 1
        probability = np.asarray(one["probability"])
        recall = (probability[labels == 1] >= 0.5).mean()
        told = (
            f"{areas[learner, amount]:.3f}</td><td>{100 * recall:.0f} %</td><td>{risk_ratio(labels, probability):.2f}"
        )
        assert told in widget.markup
    assert widget == does_smote_help((0, 400)), "the same picture every time"


def test_the_threshold_that_is_offered_was_chosen_without_the_rows_that_judge_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []

    def watched(y: np.ndarray, probability: np.ndarray, **costs: float) -> float:
        seen.append((y.tolist(), probability.tolist()))
        return best_threshold(y, probability, **costs)

    monkeypatch.setattr("repro.plotting.widgets.smote.best_threshold", watched)
    data = data_of(does_smote_help((0, 400)).markup)
    assert len(seen) == len(data["settings"]) == 4
    for (labels, probability), one in zip(seen, data["settings"], strict=True):
        assert labels != data["labels"]
        assert probability != one["probability"]


@pytest.mark.parametrize("amounts", [(0,), (100, 200), (0, -100), (0, 100, 100)])
def test_amounts_of_another_kind_are_refused(amounts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="amounts must be different, at least 0, and begin with 0"):
        does_smote_help(amounts)


def test_four_rankings_have_one_auroc_and_nothing_else_in_common() -> None:
    widget = same_auroc_different_life()
    rankings = {str(one["name"]): np.asarray(one["labels"]) for one in data_of(widget.markup)["rankings"]}
    found = {}
    for name, labels in rankings.items():
        score = -np.arange(labels.size)
        assert roc_auc_score(labels, score) == pytest.approx(0.8, abs=1e-12)
        false_alarms, recall, _ = roc_curve(labels, score, drop_intermediate=False)
        cost = 1000 * (0.05 * 50 * (1 - recall) + 0.95 * false_alarms).min()
        weights = np.where(labels == 1, 0.05, 0.95)
        precision = average_precision_score(labels, score, sample_weight=weights)
        found[name] = precision, cost
        row = re.search(rf"</span> {name}</th>(.*?)</tr>", widget.markup)
        assert row
        numbers = re.findall(r"<td>([\d.]+)<small>", row[1])
        assert numbers == ["0.80", f"{precision:.2f}", f"{cost:.0f}"]
    by_precision, by_cost = (sorted(found, key=lambda name: found[name][which]) for which in (0, 1))
    assert by_precision[0] == by_cost[0] == "fooled at the top"
    assert by_precision[-1] == by_cost[-1] == "sure at the top", "dearest where a miss is dear"
    assert "the lowest goes with the cheapest decisions" in widget.markup
    assert '<a href="#card-auroc_auprc-b1">' in widget.markup
    assert widget.alt in widget.markup, "the picture has its text"
    assert widget.markup.count("<polyline") == 4
    assert "src=" not in widget.markup
