"""Widgets: the resting state has the package's numbers, the script the same ones, and bad input is refused."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import ttest_1samp
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from repro.metrics import auroc, average_precision, best_threshold, mistakes, risk_ratio
from repro.ordinal import PrestoClassifier
from repro.plotting.widgets import (
    COUNTEREXAMPLE,
    borrowing_from_frequent_steps,
    does_smote_help,
    grand_tour_of_collapse,
    price_of_one_mistake,
    same_auroc_different_life,
    three_experts_one_slider,
)
from repro.results import find_table


def data_of(markup: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json">(.*?)</script>', markup)
    assert found
    return dict(json.loads(found[1]))


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
    data = data_of(widget.markup)
    settings = {(one["learner"], one["amount"]): one for one in data["settings"]}
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


def test_the_less_the_rare_step_is_like_the_others_the_smaller_the_best_penalty() -> None:
    widget = borrowing_from_frequent_steps()
    data = data_of(widget.markup)
    worlds = {str(world["name"]): world for world in data["worlds"]}
    best = [int(np.argmin(world["errors"])) for world in worlds.values()]
    assert best == data["best"] == sorted(best), "penalties descend"
    for place in best:
        assert f"{data['lambdas'][place]:.2g}" in widget.markup.partition("<svg")[0], "the title names them"
    alike, middle, other = worlds.values()
    assert alike["errors"][0] < alike["errors"][-1], "shared is better where steps are alike"
    assert other["errors"][0] > 2 * other["errors"][-1], "separate where they are not"
    assert min(middle["errors"]) < min(middle["errors"][0], middle["errors"][-1])
    shared = np.array(middle["fits"][0]["coefs"])
    assert np.ptp(shared, axis=0) == pytest.approx(0, abs=1e-6), "proportional odds under the largest penalty"
    fit, row = middle["fits"][best[1]], np.array(data["start"])
    chance = 100 / (1 + np.exp(fit["intercepts"][2] + np.dot(fit["coefs"][2], row)))
    truth = 100 / (1 + np.exp(4.6 + np.dot([2.0, 0.8], row)))
    assert f"<td>{truth:.2f} %</td><td>{chance:.2f} %</td>" in widget.markup
    assert f"{middle['errors'][best[1]]:.2f} points" in widget.markup
    assert f"{other['errors'][0]:.2f} shared" in widget.alt
    assert '<a href="#card-presto-s2">' in widget.markup


def test_the_error_is_that_of_the_true_rare_probability() -> None:
    """One set, drawn and fitted again with the classifier of one penalty."""
    world = data_of(borrowing_from_frequent_steps(1).markup)["worlds"][2]
    generator, slopes = np.random.default_rng(5), np.array([[1.5, 1.5], [1.5, 1.5], [2.2, -0.3]])
    X = generator.uniform(-1, 1, (1000, 2))
    y = (generator.random((1000, 1)) > 1 / (1 + np.exp(-(X @ slopes.T + [0, 2, 4.6])))).sum(axis=1)
    assert world["count"] == (y == 3).sum()
    square = np.array([(x, z) for z in np.linspace(-0.95, 0.95, 20) for x in np.linspace(-0.95, 0.95, 20)])
    truth = 1 / (1 + np.exp(4.6 + square @ slopes[2]))
    for place, penalty in ((0, 0.05), (-1, 4e-4)):
        model = PrestoClassifier(lam=penalty, level_penalty=0).fit(X, y)
        assert np.array(world["fits"][place]["coefs"]) == pytest.approx(model.coef_, abs=1e-3)
        off = model.predict_proba(square)[:, 3] - truth
        assert world["errors"][place] == pytest.approx(100 * np.sqrt((off**2).mean()), abs=1e-3)


def test_a_title_says_what_the_simulated_sets_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here all three worlds are one, so that the best penalty cannot go down."""
    alike = dict.fromkeys(("as the others", "a little otherwise", "another way"), (1.5, 1.5))
    monkeypatch.setattr("repro.plotting.widgets.borrow.TRUTHS", alike)
    assert "the less to borrow" not in borrowing_from_frequent_steps(1).markup


def test_no_simulated_set_is_refused() -> None:
    with pytest.raises(ValueError, match="draws must be at least 1, got 0"):
        borrowing_from_frequent_steps(0)


@pytest.fixture(scope="module")
def on_digits() -> pd.DataFrame:
    stored = find_table("sade.experts", "standard")
    assert stored
    return stored.frame[stored.frame["recipe"] == "digits with tau 2"]


def test_three_experts_are_shown_with_the_means_and_intervals_of_the_table(on_digits: pd.DataFrame) -> None:
    widget = three_experts_one_slider(on_digits)
    data = data_of(widget.markup)
    here = on_digits[(on_digits["test_set"] == "forward-50") & (on_digits["metric"] == "accuracy")]
    by_method = {method: 100 * part.sort_values("replicate")["value"] for method, part in here.groupby("method")}
    for method, values in zip(data["methods"], data["accuracy"], strict=True):
        found = ttest_1samp(by_method[method], 0).confidence_interval()
        assert values[0] == pytest.approx(by_method[method].to_numpy())
        assert f"<td>{np.mean(values[0]):.1f} ({found.low:.1f} to {found.high:.1f})</td>" in widget.markup
    gap = by_method["learned"].to_numpy() - by_method["three_balanced_power"].to_numpy()
    assert f"minus one number: {gap.mean():+.1f} points" in widget.markup
    learned = on_digits[on_digits["method"] == "learned"]
    for metric, words in (("weight_1", "of the first expert goes"), ("weight_3", "that of the third")):
        of_it = learned[learned["metric"] == metric].groupby("test_set")["value"].mean()
        assert f"{words} from {of_it['forward-50']:.2f} to {of_it['backward-50']:.2f}" in widget.markup
    grid = on_digits[(on_digits["method"] == "grid") & (on_digits["test_set"] == "uniform")]
    uniform = grid[grid["metric"] == "accuracy"].sort_values("class_label")["value"]
    assert data["grid"]["accuracy"][5] == pytest.approx(100 * uniform.to_numpy(), abs=0.005)
    assert np.sum(data["grid"]["weights"], axis=1) == pytest.approx(1)
    assert data["grid"]["weights"][0] == [1, 0, 0], "in the order of the grid"
    for claim in ("sade-t3", "sade-f"):
        assert f'<a href="#card-{claim}">' in widget.markup


def test_the_place_of_learned_weights_nears_the_corner_that_has_more(on_digits: pd.DataFrame) -> None:
    data = data_of(three_experts_one_slider(on_digits).markup)
    first, _, third = np.mean(data["learned"], axis=2)
    assert first[0] > 0.5 > first[-1]
    assert third[-1] > 0.5 > third[0]
    training = data["grid"]["training"]
    grid = np.array(data["grid"]["accuracy"])
    best = np.array(data["accuracy"][data["methods"].index("oracle")])[:, training]
    assert grid.max(axis=1) == pytest.approx(best, abs=0.005), "the shades are of the training that is named"


def test_tables_that_cannot_be_compared_are_refused(on_digits: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="one recipe and one ratio"):
        three_experts_one_slider(pd.concat([on_digits, on_digits.assign(recipe="other")]))
    with pytest.raises(ValueError, match="rows of method 'grid'"):
        three_experts_one_slider(on_digits[on_digits["method"] != "grid"])
    with pytest.raises(ValueError, match="accuracy of method 'oracle' in every set"):
        three_experts_one_slider(on_digits[(on_digits["method"] != "oracle") | (on_digits["test_set"] != "uniform")])


def best_lengths(size: int, total: int, penalty: float) -> tuple[float, float]:
    """Lengths of mean and classifier row of one class, found by a search from a start that is not zero."""

    def loss(lengths: np.ndarray) -> float:
        mean, row = lengths
        return size * (mean * row - 1) ** 2 / (2 * total) + penalty / 2 * (row**2 + size * mean**2)

    found = minimize(loss, [0.3, 1.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-15, "maxiter": 9999})
    return abs(found.x[0]), abs(found.x[1])


def test_the_tour_rests_at_the_lengths_that_a_search_finds() -> None:
    widget = grand_tour_of_collapse()
    data = data_of(widget.markup)
    sizes = [*data["others"], data["start"]]
    rows = re.findall(r"</span> \w+</th><td>(\d+)</td><td>([\d.]+)</td><td>([\d.]+)</td>", widget.markup)
    assert [int(row[0]) for row in rows] == sizes
    for size, (_, mean, row) in zip(sizes, rows, strict=True):
        wanted = best_lengths(size, sum(sizes), data["lambda"])
        assert (float(mean), float(row)) == pytest.approx(wanted, abs=6e-4)
    assert rows[-1][1:] == ("0.000", "0.000"), "given up"
    assert "a class of 8 is given up" in widget.markup
    assert "From 9 rows on" in widget.markup
    assert best_lengths(8, 198, data["lambda"])[0] < 1e-3 < best_lengths(9, 199, data["lambda"])[0]
    assert np.array(data["view"]) @ np.array(data["view"]).T == pytest.approx(np.eye(2)), "the view is a plane"
    for claim in ("neural_collapse-nc1", "neural_collapse-nc5"):
        assert f'<a href="#card-{claim}">' in widget.markup
    assert widget == grand_tour_of_collapse()
