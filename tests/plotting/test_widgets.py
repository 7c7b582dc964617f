"""Widgets: the resting state has the package's numbers, the script the same ones, and bad input is refused."""

from __future__ import annotations

import json
import re

import pytest

from repro.metrics import auroc, average_precision, mistakes
from repro.plotting.widgets import COUNTEREXAMPLE, price_of_one_mistake


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
