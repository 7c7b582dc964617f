"""Displays of a reader's own predictions and features: the numbers drawn, against scikit-learn; what they refuse."""

from __future__ import annotations

import doctest
import io
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import BeautifulSoup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, roc_auc_score

from repro.metrics import delong_interval, newcombe_interval, ranking_by_group
from repro.plotting import CollapseDisplay, RankingDisplay, ReliabilityDisplay, displays

GENERATOR = np.random.default_rng(0)
ILL = GENERATOR.random(200) < 0.3
RISK = np.clip(0.3 + 0.2 * ILL + 0.2 * GENERATOR.normal(size=200), 0.01, 0.99)
SEX = np.where(np.arange(200) < 120, "men", "women")


def test_examples_in_the_documentation_give_what_they_say() -> None:
    result = doctest.testmod(displays)
    assert result.attempted > 5
    assert result.failed == 0


def test_rankings_are_drawn_with_their_intervals_by_group() -> None:
    display = RankingDisplay.from_predictions(ILL, RISK, groups=SEX)
    assert isinstance(display.ax_, Axes)
    assert isinstance(display.figure_, Figure)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["all rows", "men", "women"]
    drawn = sorted(x for line in display.ax_.lines for x in line.get_xdata() if len(line.get_xdata()) == 3)
    parts = [np.ones(200, bool), SEX == "men", SEX == "women"]
    wanted = [score(ILL[part], RISK[part]) for part in parts for score in (roc_auc_score, average_precision_score)]
    assert drawn == pytest.approx(sorted(wanted))
    page = BeautifulSoup(display._repr_html_(), "html.parser")
    assert page.find("figure")
    assert page.find(attrs={"aria-label": True})
    saved = io.BytesIO()
    display.figure_.savefig(saved, format="png")
    assert saved.getvalue().startswith(b"\x89PNG"), "the figure can still be saved"


def test_intervals_by_group_are_newcombes_where_a_class_is_small_and_none_where_it_is_missing() -> None:
    groups = np.r_[["many"] * 170, ["few"] * 25, ["none"] * 5]
    ill = ILL & (groups != "none")
    found = ranking_by_group(ill, RISK, groups=groups).set_index(["group", "metric"])
    many, few = (groups == name for name in ("many", "few"))
    assert found.loc[("many", "auroc"), "high"] == pytest.approx(delong_interval(ill[many], RISK[many]).high)
    assert 0 < ill[few].sum() < 20
    assert found.loc[("few", "auroc"), "high"] == pytest.approx(newcombe_interval(ill[few], RISK[few]).high)
    assert found.loc["none", ["estimate", "low", "high"]].isna().all(axis=None)
    assert found.loc[("none", "auroc"), ["n_positive", "n_negative"]].tolist() == [0, 5]
    with pytest.raises(ValueError, match="groups must not hold the name 'all rows'"):
        ranking_by_group(ILL, RISK, groups=["all rows"] * 200)


def test_reliability_of_two_classes_is_that_of_scikit_learn() -> None:
    display = ReliabilityDisplay.from_predictions(ILL.astype(int), RISK, n_bins=10, name="risk model")
    sure, right = np.maximum(RISK, 1 - RISK), (RISK > 0.5) == ILL
    accuracy, confidence = calibration_curve(right, sure, n_bins=10)
    assert display.numbers["accuracy"].to_numpy() == pytest.approx(accuracy)
    assert display.numbers["confidence"].to_numpy() == pytest.approx(confidence)
    assert "risk model" in repr(display)
    assert display.ax_.get_ylabel() == "accuracy on test rows"


def test_coinciding_classes_are_found_among_the_cosines() -> None:
    features = np.eye(4)[[0, 0, 1, 1, 1, 1, 3, 3]]
    display = CollapseDisplay.from_features(features, list("aabbccdd"))
    assert display.numbers.loc["b", "c"] == pytest.approx(1.0)
    assert display.shown.title.startswith("The means of b and c are nearest, at a cosine of 1;")
    assert len(display.ax_.texts) == 16


MAKERS = [
    lambda **given: RankingDisplay.from_predictions(ILL, RISK, groups=SEX, **given),
    lambda **given: ReliabilityDisplay.from_predictions(ILL.astype(int), RISK, **given),
    lambda **given: CollapseDisplay.from_features(np.eye(4)[[0, 0, 1, 1, 3, 3]], list("aabbcc"), **given),
]


@pytest.mark.parametrize("make", MAKERS)
def test_a_display_draws_into_axes_that_are_given_as_into_its_own(make: Callable[..., Any]) -> None:
    own = make()
    figure, axes = plt.subplots(1, 2)
    axes[1].set_title("mine")
    try:
        display = make(ax=axes[1])
        assert display.ax_ is axes[1]
        assert display.figure_ is figure
        assert plt.fignum_exists(figure.number), "a reader's figure stays open"
        assert axes[1].get_title() == "mine"
        assert not axes[0].lines, "the other axes stay as they were"
        assert not axes[0].collections
        for kind in ("lines", "collections", "texts"):
            assert len(getattr(axes[1], kind)) == len(getattr(own.ax_, kind))
        for drawn, wanted in zip(axes[1].lines, own.ax_.lines, strict=True):
            assert drawn.get_xydata() == pytest.approx(wanted.get_xydata())
        legend = axes[1].get_legend()
        assert (legend is not None) == isinstance(display, RankingDisplay), "two series need names"
        assert repr(display) == repr(own)
        before = set(plt.get_fignums())
        make(ax=axes[0])
        assert set(plt.get_fignums()) == before, "no figure is made beside"
    finally:
        plt.close(figure)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RankingDisplay.from_predictions([1, 1], [0.1, 0.2]), "y_true must hold both classes"),
        (lambda: RankingDisplay.from_predictions([1, 0], [0.1, np.nan]), "y_score must be finite"),
        (lambda: ReliabilityDisplay.from_predictions([0, 1], [0.5, 1.5]), "probability must hold rows of numbers"),
        (lambda: ReliabilityDisplay.from_predictions([0, 1, 1], [0.5, 0.5]), "one row for each of the labels"),
        (lambda: CollapseDisplay.from_features(np.eye(2), [1, 1]), "labels must hold 2 to 20 classes, got 1"),
        (lambda: CollapseDisplay.from_features(np.eye(30), range(30)), "labels must hold 2 to 20 classes, got 30"),
        (lambda: CollapseDisplay.from_features(np.full((2, 2), np.nan), [0, 1]), "features must be finite"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
