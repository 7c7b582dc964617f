"""The forest strip: where dots, bars and lines stand, read back from its paths."""

from __future__ import annotations

import re

import numpy as np
import pytest
from bs4 import BeautifulSoup

from repro.claims import ConditionJudgement, Judgement, forest_svg
from repro.claims.strip import strip_of


def condition(name, estimate, low, high, verdict="reproduced", **changes):
    return ConditionJudgement(
        name, verdict, estimate=estimate, interval=(low, high), settings={"dataset": name}, replicates=5, **changes
    )


@pytest.fixture
def judgement(make_claim):
    def judged(*conditions, **changes):
        return Judgement(make_claim(**changes), "paper", "partly", tuple(conditions))

    return judged


def numbers(path):
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", path)]


def test_a_few_conditions_are_rows_in_the_order_of_the_claim_with_their_names(judgement):
    strip = strip_of(
        judgement(
            condition("pima", 1.0, 0.5, 1.5),
            condition("oil_spill", -1.0, -1.5, -0.5, "not reproduced"),
            smallest_effect=0.5,
        )
    )
    assert strip.names == ("Pima", "Oil")
    (zero, *_), (mark, *_) = numbers(strip.zero), numbers(strip.marks)
    dot, row, _ = numbers(strip.dots["reproduced"])
    left, same_row, right = numbers(strip.bars["reproduced"])
    against, below, _ = numbers(strip.dots["not reproduced"])
    assert against < zero < mark < dot
    assert mark == left < dot < right  # the interval begins at the smallest effect
    assert row == same_row < below
    assert (zero - against) == pytest.approx(dot - zero, abs=1)
    assert "right is as claimed" in strip.caption
    assert "dashed: smallest effect that matters, 0.5" in strip.caption


def test_forty_conditions_are_columns_that_do_not_touch_and_rise_with_the_effect(judgement):
    effects = np.random.default_rng(1).permutation(40) / 10 - 1.0
    strip = strip_of(judgement(*(condition(f"set{n}", x, x - 0.05, x + 0.05) for n, x in enumerate(effects))))
    assert (strip.names, strip.height) == ((), 60)
    places = np.array(numbers(strip.dots["reproduced"])).reshape(40, 3)
    assert np.diff(places[:, 0]).min() > 20  # of a thousand: at 330 pixels more than six
    assert (np.diff(places[:, 1]) <= 0).all()
    heights = np.interp(np.sort(effects), (effects.min() - 0.05, effects.max() + 0.05), (55, 5))
    assert places[:, 1] == pytest.approx(heights, abs=0.51)
    assert places.min() >= 0
    assert places[:, 0].max() <= strip.width
    assert strip.text == "Forest plot of 40 conditions, effects with 95 % intervals: 40 reproduced."


def test_effects_of_two_units_have_a_scale_each(judgement):
    parts = [{"name": "nodes", "metric": "nodes"}, {"name": "recall", "metric": "recall"}]
    found = [
        ConditionJudgement(part, "reproduced", part=part, metric=part, estimate=size, interval=(size / 2, 2 * size))
        for part, size in (("nodes", 50.0), ("recall", 0.01))
    ]
    claim = {"quantity": {"conditions": None, "parts": parts}}
    strip = strip_of(judgement(*found, **claim))
    first, second = (numbers(part)[0] for part in strip.dots["reproduced"].split("h0")[:2])
    assert first == second
    assert strip.zero.count("M") == 2
    assert "2 panels, each on its own scale" in strip.caption


def test_an_interval_that_would_flatten_all_others_is_cut_and_said_to_be(judgement):
    strip = strip_of(judgement(condition("p", 1.0, 0.9, 1.1), condition("q", 0.5, -100, 101, "inconclusive")))
    left, _, right = numbers(strip.bars["reproduced"])
    assert right - left > 50
    assert min(numbers(strip.bars["inconclusive"])[::2]) >= 0
    assert strip.caption.endswith("longer intervals are cut.")


def test_what_was_not_run_is_not_drawn(judgement):
    missing = ConditionJudgement("q", "not run", settings={"dataset": "q"})
    assert strip_of(judgement(missing)) is None
    assert strip_of(judgement(condition("p", 1.0, 0.5, 1.5), missing)).names == ("p",)
    assert forest_svg(judgement(missing)) == ""


def test_a_replicate_without_interval_and_an_effect_of_exactly_zero_are_dots(judgement):
    single = ConditionJudgement("p", "inconclusive", estimate=0.0, settings={"dataset": "p"}, replicates=1)
    strip = strip_of(judgement(single))
    assert strip.bars == {}
    assert numbers(strip.dots["inconclusive"])[0] == numbers(strip.zero)[0]


def test_the_drawing_says_what_it_shows_and_takes_its_colours_from_classes(judgement):
    svg = BeautifulSoup(forest_svg(judgement(condition("<p>", 1.0, 0.5, 1.5))), "html.parser").svg
    assert (svg["role"], svg["preserveaspectratio"]) == ("img", "none")
    assert svg["aria-label"] == "Forest plot of 1 condition, effects with 95 % intervals: 1 reproduced."
    assert svg.find("g")["class"] == ["verdict-reproduced"]
    assert not svg.find_all(attrs={"fill": True}) + svg.find_all(attrs={"stroke": True})
    assert not svg.find_all(["text", "style"])
