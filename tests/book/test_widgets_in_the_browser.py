"""Widgets in a real browser: values as the package has them, mouse, keyboard, damaged data, scripts off."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from book_site import ROOT
from scipy.stats import t as student
from sklearn.metrics import brier_score_loss

from repro.geometry import ufm_gap, ufm_mse
from repro.longtail import simplex_grid
from repro.metrics import (
    auroc,
    average_precision,
    average_precision_at_prevalence,
    average_precision_interval,
    best_threshold,
    expected_cost,
    mean_interval,
    mistakes,
    newcombe_interval,
    prior_correction,
    risk_ratio,
)
from repro.ordinal import PrestoClassifier
from repro.plotting.widgets import (
    COUNTEREXAMPLE,
    Widget,
    borrowing_from_frequent_steps,
    does_smote_help,
    grand_tour_of_collapse,
    price_of_one_mistake,
    same_auroc_different_life,
    three_experts_one_slider,
)
from repro.results import find_table

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-2")]


@pytest.fixture
def opened(context: Any) -> Iterator[Any]:
    """Open a widget on a page of its own."""
    pages = []

    def open_page(widget: Widget, markup: str | None = None) -> Any:
        page = context.new_page()
        pages.append(page)
        page.set_viewport_size({"width": 390, "height": 800})
        page.set_content(f"<!doctype html><html lang=en><title>w</title><body>{markup or widget.markup}")
        return page

    yield open_page
    for page in pages:
        page.close()


def test_a_thousand_rankings_have_the_values_of_the_package(opened: Any) -> None:
    page = opened(price_of_one_mistake())
    generator = np.random.default_rng(0)
    sizes = generator.integers(2, 40, size=1000)
    rankings = [generator.integers(0, 2, size=size) for size in sizes]
    rankings = [labels for labels in rankings if 0 < labels.sum() < labels.size]
    assert len(rankings) > 900
    found = page.evaluate(
        "all => all.map(labels => [imbalanceBook.price.auroc(labels), imbalanceBook.price.averagePrecision(labels), "
        "imbalanceBook.price.mistakes(labels).map(one => [one.rank, one.auroc, one.precision])])",
        [labels.tolist() for labels in rankings],
    )
    for labels, (area, precision, prices) in zip(rankings, found, strict=True):
        score = -np.arange(labels.size, dtype=float)
        assert area == pytest.approx(auroc(labels, score), abs=1e-9)
        assert precision == pytest.approx(average_precision(labels, score), abs=1e-9)
        wanted = mistakes(labels, score)[["rank_of_negative", "delta_auroc", "delta_ap"]].to_numpy()
        assert np.asarray(prices).reshape(-1, 3) == pytest.approx(wanted, abs=1e-9)


def test_groups_have_the_area_of_their_own_rows_and_extremes_are_said(opened: Any) -> None:
    page = opened(price_of_one_mistake())
    within = page.evaluate("imbalanceBook.price.within([0, 1, 1, 0], ['A', 'A', 'B', 'B'], 'B')")
    assert within == 1
    assert page.evaluate("Number.isNaN(imbalanceBook.price.auroc([1, 1]))")
    assert page.evaluate("Number.isNaN(imbalanceBook.price.averagePrecision([0]))")
    for ball in range(8):  # all negative: nothing is defined, and it says so
        if page.locator(".price-ball").nth(ball).inner_text() == "+":
            page.locator(".price-ball").nth(ball).press("Space")
    assert "not defined" in page.locator(".price-bars").inner_text()


def test_the_arrow_keys_move_a_row_and_the_change_is_spoken(opened: Any) -> None:
    page = opened(price_of_one_mistake())
    fourth = page.locator(".price-ball").nth(3)
    fourth.focus()
    page.keyboard.press("ArrowRight")
    said = page.locator("[role=status]").inner_text()
    gain = mistakes(COUNTEREXAMPLE, [-place for place in range(8)]).iloc[0]
    assert f"(+{gain['delta_auroc']:.3f})" in said
    assert f"(+{gain['delta_ap']:.3f})" in said
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("rank 5 of 8, negative")


def test_a_row_is_dragged_and_the_dearest_repair_is_named(opened: Any) -> None:
    page = opened(price_of_one_mistake())
    table = page.locator(".price table tbody tr")
    assert [row.count("worth most") for row in table.all_inner_texts()] == [0, 1]
    boxes = [page.locator(".price-ball").nth(place).bounding_box() for place in (7, 0)]
    page.mouse.move(boxes[0]["x"] + 10, boxes[0]["y"] + 10)
    page.mouse.down()
    page.mouse.move(boxes[1]["x"] + 10, boxes[1]["y"] + 10, steps=4)
    page.mouse.up()
    assert page.locator(".price-ball").all_inner_texts() == list("+−−−−++−")
    page.get_by_role("button", name="start again").click()
    assert page.locator(".price-ball").all_inner_texts() == list("−−−−++−+")
    page.get_by_role("button", name="exchange ranks 7 and 8").click()
    assert page.locator(".price-ball").all_inner_texts() == list("−−−−+++−")
    page.get_by_role("button", name="two groups").click()
    assert "AUROC within B" in page.locator(".price-bars").inner_text()


def test_damaged_data_leaves_the_still_picture_and_a_message(opened: Any) -> None:
    widget = price_of_one_mistake()
    page = opened(widget, widget.markup.replace('"label": 0', '"label": 7', 1))
    assert "cannot be read" in page.locator("[role=status]").inner_text()
    assert page.locator("span.price-ball").count() == 8


def test_it_fits_a_narrow_screen_and_the_still_picture_needs_no_script(browser: Any) -> None:
    quiet = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 700})
    page = quiet.new_page()
    page.set_content(f"<!doctype html><html lang=en><title>w</title><body>{price_of_one_mistake().markup}")
    assert "average precision" in page.locator(".price").inner_text()
    assert page.locator("span.price-ball").count() == 8
    box = page.locator(".price").bounding_box()
    assert box["x"] + box["width"] <= 320
    quiet.close()


@pytest.fixture(scope="module")
def cloud() -> Widget:
    return does_smote_help((0, 400))


def test_a_thousand_scores_have_the_metrics_of_the_package(opened: Any, cloud: Widget) -> None:
    page = opened(cloud)
    generator = np.random.default_rng(1)
    cases = []
    for size in generator.integers(2, 30, size=1000):
        labels, scores = generator.integers(0, 2, size=size), generator.random(size).round(1)  # with ties
        if 0 < labels.sum() < size:
            threshold = round(float(generator.random()), len(cases) % 2 + 1)  # every second one is a score
            cases.append((labels, scores, threshold, float(generator.uniform(0.01, 100))))
    assert len(cases) > 900
    found = page.evaluate(
        "all => all.map(([labels, scores, threshold, factor]) => [imbalanceBook.smote.auroc(labels, scores), "
        "imbalanceBook.smote.rates(labels, scores, threshold).recall, imbalanceBook.smote.rates(labels, scores, "
        "threshold).alarms, imbalanceBook.smote.riskRatio(labels, scores), "
        "scores.map(one => imbalanceBook.smote.corrected(one, factor))])",
        [[labels.tolist(), scores.tolist(), threshold, factor] for labels, scores, threshold, factor in cases],
    )
    for (labels, scores, threshold, factor), (area, recall, alarms, ratio, repaired) in zip(cases, found, strict=True):
        assert area == pytest.approx(auroc(labels, scores), abs=1e-9)
        assert recall == pytest.approx((scores[labels == 1] >= threshold).mean(), abs=1e-9)
        assert alarms == pytest.approx((scores[labels == 0] >= threshold).mean(), abs=1e-9)
        assert ratio == pytest.approx(risk_ratio(labels, scores), abs=1e-9)
        wanted = prior_correction(scores, sampled_odds=1.0, original_odds=factor)
        assert repaired == pytest.approx(wanted, abs=1e-9)


def test_choices_change_the_bars_and_are_spoken(opened: Any, cloud: Widget) -> None:
    page = opened(cloud)
    bars = page.locator(".smote-bars")
    before = bars.inner_text()
    page.get_by_label("none").check()
    assert bars.inner_text() != before
    page.get_by_label("400 %").check()
    assert bars.inner_text() == before, "it starts with SMOTE, and with what that does to the risk"
    inflated = float(bars.locator(".smote-bar").nth(2).inner_text().split()[-2])
    page.get_by_label("corrected").check()
    repaired = float(bars.locator(".smote-bar").nth(2).inner_text().split()[-2])
    assert abs(repaired - 1) < abs(inflated - 1)
    assert "AUROC" in page.locator("[role=status]").inner_text()
    page.get_by_label("gradient boosting").focus()
    page.keyboard.press("Space")
    assert page.get_by_label("gradient boosting").is_checked()
    assert page.locator(".smote-cloud svg").get_attribute("aria-label").endswith("synthetic rows")


def test_correcting_the_prior_moves_threshold_and_risks_together(opened: Any, cloud: Widget) -> None:
    """The order of the rows stays, so that the moved threshold finds as many rare rows as before."""
    page = opened(cloud)
    recall = page.locator(".smote-bar").nth(1)
    page.get_by_label("moved").check()
    before = recall.inner_text()
    page.get_by_label("corrected").check()
    assert recall.inner_text() == before
    page.get_by_label("0.5").check()
    assert recall.inner_text() != before


def test_rows_stand_where_their_numbers_are(opened: Any, cloud: Widget) -> None:
    """The rare class lies above and to the right of the other."""
    page = opened(cloud)
    heights = {
        mark: page.locator(f".smote-{mark}").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect()).reduce((sum, box) => sum + box.y, 0) / all.length"
        )
        for mark in ("majority", "minority", "synthetic")
    }
    assert max(heights["minority"], heights["synthetic"]) < heights["majority"]


def test_a_cloud_without_settings_stays_as_it_is(opened: Any, cloud: Widget) -> None:
    page = opened(cloud, cloud.markup.replace('"settings": [{', '"settings": [], "unused": [{', 1))
    assert "cannot be read" in page.locator("[role=status]").inner_text()
    assert "rows as they are" in page.locator(".smote table").inner_text()


def set_slider(page: Any, name: str, place: int) -> None:
    """Move a slider with the keyboard to one of its values."""
    slider = page.get_by_role("slider", name=name)
    slider.focus()
    page.keyboard.press("Home")
    for _ in range(place):
        page.keyboard.press("ArrowRight")


@pytest.fixture(scope="module")
def lives() -> Widget:
    return same_auroc_different_life()


def cheapest_decisions(labels: Any, score: Any, prevalence: float, miss: float) -> float:
    """Least mean cost in a population with another share of positives: costs are weighted by how many there are."""
    costs = {
        "cost_of_miss": miss * prevalence / labels.mean(),
        "cost_of_false_alarm": (1 - prevalence) / (1 - labels.mean()),
    }
    return expected_cost(labels, score >= best_threshold(labels, score, **costs), **costs)


@pytest.mark.filterwarnings("ignore:.*positives:UserWarning")
def test_a_thousand_rankings_have_the_costs_and_intervals_of_the_package(opened: Any, lives: Widget) -> None:
    page = opened(lives)
    generator = np.random.default_rng(4)
    cases = [
        (labels, float(generator.uniform(0.001, 0.999)), float(10 ** generator.uniform(-2, 3)))
        for labels in (generator.integers(0, 2, size=size) for size in generator.integers(2, 60, size=1200))
        if 0 < labels.sum() < labels.size
    ]
    cases += [(np.array(labels), 0.3, 4.0) for labels in ([1, 0], [0, 1], [1, 1, 0], [0, 0, 1])]  # AUROC of 1 and 0
    assert len(cases) > 1000
    found = page.evaluate(
        """all => all.map(([labels, prevalence, miss]) => {
          const { auroc, averagePrecision, binomial, leastCost, newcombe } = imbalanceBook.life;
          const positives = labels.filter(one => one).length, area = auroc(labels);
          const here = averagePrecision(labels, positives / labels.length);
          return [area, averagePrecision(labels, prevalence), leastCost(labels, prevalence, miss).cost,
            ...newcombe(area, positives, labels.length - positives), ...binomial(here, positives)];
        })""",
        [(labels.tolist(), prevalence, miss) for labels, prevalence, miss in cases],
    )
    for (labels, prevalence, miss), values in zip(cases, found, strict=True):
        score = -np.arange(labels.size, dtype=float)
        area = newcombe_interval(labels, score)
        precision = average_precision_interval(labels, score, method="logit_binomial")
        wanted = [
            auroc(labels, score),
            average_precision_at_prevalence(labels, score, prevalence),
            cheapest_decisions(labels, score, prevalence, miss),
            area.low,
            area.high,
            precision.low,
            precision.high,
        ]
        assert values == pytest.approx(wanted, abs=1e-9)


def test_the_script_starts_with_the_numbers_of_the_still_picture(browser: Any, opened: Any, lives: Widget) -> None:
    quiet = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 700})
    still = quiet.new_page()
    still.set_content(f"<!doctype html><html lang=en><title>w</title><body>{lives.markup}")
    page = opened(lives)
    assert page.locator(".life").get_attribute("data-ready") == "quiet"
    assert page.locator(".life tbody").inner_text() == still.locator(".life tbody").inner_text()
    for mark in range(4):
        boxes = [one.locator(".life-mark").nth(mark) for one in (page, still)]
        for side in "xy":
            assert float(boxes[0].get_attribute(side)) == pytest.approx(float(boxes[1].get_attribute(side)), abs=1e-3)
    box = still.locator(".life").bounding_box()
    assert box["x"] + box["width"] <= 320
    assert not still.locator(".widget-controls").is_visible()
    quiet.close()


def test_sliders_move_by_keyboard_and_extremes_are_said(opened: Any, lives: Widget) -> None:
    page = opened(lives)
    costs = page.locator(".life tbody tr td:last-child")
    set_slider(page, "Share of positives", 0)
    set_slider(page, "Cost of a miss", 0)
    assert page.get_by_role("slider", name="Share of positives").get_attribute("aria-valuetext") == "0.1 %"
    assert all("caught" in text or "nobody is called" in text for text in costs.all_inner_texts())
    assert "nobody is called" in costs.nth(3).inner_text()
    set_slider(page, "Share of positives", 9)
    set_slider(page, "Cost of a miss", 9)
    assert all("100 % caught" in text for text in costs.all_inner_texts()), "a miss is too dear"
    before = page.locator(".life tbody tr td:nth-child(2)").first.inner_text()
    set_slider(page, "Positives in the sample", 0)
    assert page.locator(".life tbody tr td:nth-child(2)").first.inner_text() != before, "the interval widens"
    assert "fewer than 10 positives" in page.locator("[role=status]").inner_text()
    assert "Least cost" in page.locator(".life svg").get_attribute("aria-label")


def test_rankings_of_one_class_leave_the_still_picture(opened: Any, lives: Widget) -> None:
    page = opened(lives, lives.markup.replace('"labels": [0', '"labels": [7', 1))
    assert "cannot be read" in page.locator("[role=status]").inner_text()
    assert "fooled at the top" in page.locator(".life table").inner_text()
    assert page.locator(".widget-controls").count() == 0


@pytest.fixture(scope="module")
def borrowed() -> Widget:
    return borrowing_from_frequent_steps(1)


def test_a_thousand_rows_have_the_probabilities_of_the_package(opened: Any, borrowed: Widget) -> None:
    page = opened(borrowed)
    generator = np.random.default_rng(6)
    cases = []
    for _ in range(1000):
        steps, columns = generator.integers(1, 6), generator.integers(1, 5)
        apart = generator.exponential(2, size=steps)
        intercepts, coefs = apart.cumsum() - 4, generator.normal(size=(steps, columns)) * generator.choice([0, 0.3, 20])
        cases.append((intercepts, coefs, generator.uniform(-1, 1, columns)))
    found = page.evaluate(
        "all => all.map(one => imbalanceBook.borrow.probabilities(...one))",
        [[part.tolist() for part in case] for case in cases],
    )
    for (intercepts, coefs, row), probabilities in zip(cases, found, strict=True):
        model = PrestoClassifier()
        model.intercept_, model.coef_, model.n_features_in_ = intercepts, coefs, len(row)
        model.classes_ = model.class_order_ = np.arange(len(intercepts) + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # boundaries that cross are said, and the script has them too
            wanted = model.predict_proba(row[np.newaxis])[0]
        assert probabilities == pytest.approx(wanted, abs=1e-9)


def test_lines_stand_where_a_share_of_the_rows_passes(opened: Any, borrowed: Widget) -> None:
    page = opened(borrowed)
    generator = np.random.default_rng(7)
    for intercept, first, second, share in generator.uniform(0.01, 0.99, (20, 4)):
        ends = np.array(page.evaluate("one => imbalanceBook.borrow.line(...one)", [intercept, [first, second], share]))
        assert 1 / (1 + np.exp(intercept + ends @ [first, second])) == pytest.approx(share, abs=1e-9)
        assert np.linalg.norm(ends[0] - ends[1]) == pytest.approx(6)
    assert page.evaluate("imbalanceBook.borrow.line(1, [0, 0], 0.5)") is None, "no weights, no direction"


def borrow_cells(page: Any) -> list[str]:
    texts: list[str] = page.locator(".borrow tbody td").all_inner_texts()
    return texts


def test_the_path_is_walked_by_keyboard_and_by_touch(browser: Any, opened: Any, borrowed: Widget) -> None:
    quiet = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 700})
    still = quiet.new_page()
    still.set_content(f"<!doctype html><html lang=en><title>w</title><body>{borrowed.markup}")
    box = still.locator(".borrow").bounding_box()
    assert box["x"] + box["width"] <= 320
    page = opened(borrowed)
    assert borrow_cells(page) == borrow_cells(still), "the script starts with the still picture"
    for step in range(3):
        ends = [
            [float(one.locator(".borrow-line").nth(step).get_attribute(name)) for name in ("x1", "y1", "x2", "y2")]
            for one in (page, still)
        ]
        assert ends[0] == pytest.approx(ends[1], abs=1e-3) or ends[0] == pytest.approx(
            [*ends[1][2:], *ends[1][:2]], abs=1e-3
        )
    quiet.close()
    set_slider(page, "The rare step truly goes", 2)
    set_slider(page, "Penalty, from shared to separate", 0)
    shared = borrow_cells(page)
    set_slider(page, "Penalty, from shared to separate", 12)
    separate = borrow_cells(page)
    assert shared[0] == separate[0] == "2.20 and -0.30"
    assert float(shared[5].split()[0]) > float(separate[5].split()[0]), "another way: sharing misleads"
    assert "Its probability at the ringed row" in page.locator("[role=status]").inner_text()
    plane = page.locator(".borrow-plane").bounding_box()
    page.mouse.click(plane["x"] + plane["width"] * 0.75, plane["y"] + plane["height"] * 0.75)
    values = [page.get_by_role("slider", name=f"Ringed row, {way}") for way in ("across", "up")]
    assert [value.get_attribute("aria-valuetext") for value in values] == ["0.5", "-0.5"]
    assert borrow_cells(page)[2] != separate[2]


def test_a_path_without_a_number_leaves_the_still_picture(opened: Any, borrowed: Widget) -> None:
    page = opened(borrowed, re.sub(r'"errors": \[[\d.]+', '"errors": [null', borrowed.markup, count=1))
    assert "cannot be read" in page.locator("[role=status]").inner_text()
    assert "ringed row" in page.locator(".borrow table").inner_text()


@pytest.fixture(scope="module")
def experts() -> Widget:
    stored = find_table("sade.experts", "standard")
    assert stored
    return three_experts_one_slider(stored.frame[stored.frame["recipe"] == "digits with tau 2"])


def test_a_thousand_means_have_the_interval_of_the_package(opened: Any, experts: Widget) -> None:
    page = opened(experts)
    generator = np.random.default_rng(8)
    samples = [
        generator.normal(generator.normal(), 10 ** generator.uniform(-3, 1), size)
        for size in generator.integers(2, 40, size=1000)
    ]
    samples[0] = np.full(5, 3.25)  # no spread, no width
    found = page.evaluate(
        "all => all.map(([values, quantile]) => imbalanceBook.experts.interval(values, quantile))",
        [[values.tolist(), float(student.ppf(0.975, values.size - 1))] for values in samples],
    )
    for values, ends in zip(samples, found, strict=True):
        wanted = mean_interval(values)
        assert ends == pytest.approx([wanted.estimate, wanted.low, wanted.high], abs=1e-9)


def test_a_thousand_places_in_the_triangle_are_those_of_their_weights(opened: Any, experts: Widget) -> None:
    page = opened(experts)
    weights = np.random.default_rng(9).dirichlet(np.ones(3), size=1000)
    corners = np.array([[0, 0], [0.5, -np.sqrt(3) / 2], [1, 0]])
    found = page.evaluate("all => all.map(imbalanceBook.experts.corner)", weights.tolist())
    assert np.array(found) == pytest.approx(weights @ corners, abs=1e-9)
    back = page.evaluate("all => all.map(imbalanceBook.experts.weightsAt)", found)
    assert np.array(back) == pytest.approx(weights, abs=1e-9)
    outside = np.array(page.evaluate("[[-1, 0], [2, 0.5], [0.5, -2]].map(imbalanceBook.experts.weightsAt)"))
    assert (outside >= 0).all()
    assert outside.sum(axis=1) == pytest.approx(1)
    grid = simplex_grid()
    near = page.evaluate(
        "([grid, all]) => all.map(one => imbalanceBook.experts.nearest(grid, one))", [grid.tolist(), weights.tolist()]
    )
    distance = np.linalg.norm(grid[:, np.newaxis] - weights, axis=2)
    assert distance[near, np.arange(1000)] == pytest.approx(distance.min(axis=0), abs=1e-9)


def test_the_test_images_and_the_weights_are_set_by_keyboard_and_touch(
    browser: Any, opened: Any, experts: Widget
) -> None:
    quiet = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 700})
    still = quiet.new_page()
    still.set_content(f"<!doctype html><html lang=en><title>w</title><body>{experts.markup}")
    box = still.locator(".experts").bounding_box()
    assert box["x"] + box["width"] <= 320
    page = opened(experts)
    cells = page.locator(".experts tbody td")
    assert cells.all_inner_texts()[:7] == still.locator(".experts tbody td").all_inner_texts()
    assert page.locator(".experts-told").inner_text() == still.locator(".experts-told").inner_text()
    shades = [
        one.locator(".experts-dot").evaluate_all("all => all.map(dot => Number(dot.getAttribute('fill-opacity')))")
        for one in (page, still)
    ]
    assert shades[0] == pytest.approx(shades[1], abs=1e-3)
    quiet.close()
    left = page.locator(".experts-mean").bounding_box()["x"]
    set_slider(page, "Test images", 10)
    right = page.locator(".experts-mean").bounding_box()["x"]
    assert right > left + 50, "towards the third expert"
    assert "Inverse tail, ratio 50" in page.locator(".experts-told").inner_text()
    set_slider(page, "Your weight of the first expert", 20)
    assert "1.00, 0.00, 0.00" in cells.nth(7).inner_text()
    set_slider(page, "Your weight of the third", 12)
    assert "0.40, 0.00, 0.60" in cells.nth(7).inner_text(), "the other weight gives way"
    assert page.get_by_role("slider", name="Your weight of the first expert").input_value() == "8"
    triangle = page.locator(".experts-triangle").bounding_box()
    page.mouse.click(triangle["x"] + triangle["width"] / 2, triangle["y"] + triangle["height"] * 0.12)
    assert "0.00, 1.00, 0.00" in cells.nth(7).inner_text()
    assert "With your weights" in page.locator("[role=status]").inner_text()


def test_experts_with_a_missing_training_leave_the_still_picture(opened: Any, experts: Widget) -> None:
    page = opened(experts, re.sub(r'"accuracy": \[\[\[[\d.]+', '"accuracy": [[[null', experts.markup, count=1))
    assert "cannot be read" in page.locator("[role=status]").inner_text()
    assert page.locator("[role=status]").bounding_box()["height"] > 10, "it is seen"
    assert "learned weights" in page.locator(".experts table").inner_text()


@pytest.fixture(scope="module")
def tour() -> Widget:
    return grand_tour_of_collapse()


def test_a_thousand_closed_forms_are_those_of_the_package(opened: Any, tour: Widget) -> None:
    page = opened(tour)
    generator = np.random.default_rng(10)
    cases = [
        (
            generator.integers(1, 300, size=generator.integers(2, 9)).tolist(),
            *(10 ** generator.uniform(-4, 0, 2)).tolist(),
        )
        for _ in range(1000)
    ]
    found = page.evaluate("all => all.map(one => imbalanceBook.tour.optimum(...one))", cases)
    dead = 0
    for (sizes, lambda_w, lambda_h), ours in zip(cases, found, strict=True):
        wanted = ufm_mse(sizes, [lambda_w], lambda_h)
        assert ours["means"] == pytest.approx(wanted.h_norms, abs=1e-9)
        assert ours["rows"] == pytest.approx(wanted.w_norms, abs=1e-9)
        assert ours["loss"] == pytest.approx(wanted.loss, abs=1e-9)
        assert ours["threshold"] == pytest.approx(wanted.thresholds.class_size, rel=1e-9)
        dead += not wanted.alive.all()
    assert 100 < dead < 1000, "some classes are kept and some given up"


def test_a_thousand_steps_of_the_training_go_down_the_slope_of_the_loss(opened: Any, tour: Widget) -> None:
    """Against PyTorch: every row of the data has a feature of its own, and those of one point move together."""
    page = opened(tour)
    generator = np.random.default_rng(11)
    cases = []
    for _ in range(1000):
        n_classes, each, width = generator.integers(2, 5), generator.integers(1, 4), generator.integers(1, 5)
        problem = {
            "sizes": (each * generator.integers(1, 9, size=n_classes)).tolist(),
            "lambdaW": generator.uniform(0, 1),
            "lambdaH": generator.uniform(0, 1),
        }
        state = {
            "classifier": generator.normal(size=(n_classes, width)).tolist(),
            "features": generator.normal(size=(n_classes * each, width)).tolist(),
        }
        cases.append((problem, state, generator.uniform(0.01, 2)))
    found = page.evaluate(
        "all => all.map(([problem, state, rate]) => "
        "[imbalanceBook.tour.loss(problem, state), imbalanceBook.tour.step(problem, state, rate)])",
        cases,
    )
    for (problem, state, rate), (loss, after) in zip(cases, found, strict=True):
        copies = np.repeat(problem["sizes"], len(state["features"]) // len(problem["sizes"])) // (
            len(state["features"]) // len(problem["sizes"])
        )
        W = torch.tensor(state["classifier"], dtype=torch.float64, requires_grad=True)
        H = torch.tensor(state["features"], dtype=torch.float64).repeat_interleave(torch.tensor(copies), 0)
        H.requires_grad_()
        labels = torch.arange(len(problem["sizes"])).repeat_interleave(torch.tensor(problem["sizes"]))
        wrong = H @ W.T - torch.nn.functional.one_hot(labels, W.shape[0])
        wanted = (wrong**2).sum() / (2 * len(H)) + (problem["lambdaW"] * W**2).sum() / 2
        wanted = wanted + (problem["lambdaH"] * H**2).sum() / 2
        wanted.backward()
        assert loss == pytest.approx(wanted.item(), abs=1e-9)
        first = np.concatenate([[0], copies.cumsum()[:-1]])
        assert np.array(after["classifier"]) == pytest.approx((W - rate * W.grad).detach().numpy(), abs=1e-9)
        assert np.array(after["features"]) == pytest.approx((H - rate * H.grad).detach().numpy()[first], abs=1e-9)


def test_every_view_is_a_plane_and_every_frame_has_axes_at_right_angles(opened: Any, tour: Widget) -> None:
    page = opened(tour)
    start = np.linalg.qr(np.random.default_rng(12).normal(size=(4, 2)))[0].T.tolist()
    angles = np.linspace(0, 2 * np.pi, 1000).tolist()
    views = np.array(
        page.evaluate("([plane, all]) => all.map(one => imbalanceBook.tour.view(plane, one))", [start, angles])
    )
    assert views @ views.transpose(0, 2, 1) == pytest.approx(np.tile(np.eye(2), (1000, 1, 1)), abs=1e-9)
    assert views[0] == pytest.approx(views[-1], abs=1e-9), "it comes back"
    rows = np.random.default_rng(13).normal(size=(4, 4))
    rows[2] = 1e-12 * rows[0]  # a class that was given up
    axes = np.array(page.evaluate("rows => imbalanceBook.tour.axes(rows)", rows.tolist()))
    assert axes @ axes.T == pytest.approx(np.eye(4), abs=1e-9)
    assert axes[0] == pytest.approx(rows[0] / np.linalg.norm(rows[0]))
    assert axes[:2] @ rows[1] @ (axes[:2] @ rows[1]) == pytest.approx(rows[1] @ rows[1]), "the plane of the first two"


def test_training_ends_at_the_closed_form_for_every_size(opened: Any, tour: Widget) -> None:
    page = opened(tour)
    table = page.locator(".tour tbody tr")
    for place, size in enumerate((1, 2, 3, 5, 8, 10, 12, 15, 20, 30, 50, 100)):
        page.get_by_role("slider", name="Rows of the fourth class").fill(str(place))
        wanted = ufm_mse([100, 60, 30, size], [0.015], 0.015)
        for row, cells in enumerate(table.all_inner_texts()):
            numbers = [float(number) for number in re.findall(r"\d\.\d{3}", cells)]
            of_class = [wanted.h_norms[row], wanted.w_norms[row]]
            assert numbers == pytest.approx(np.repeat(of_class, 2), abs=2e-3), (size, row)
        kept = "kept" if wanted.alive[3] else "given up"
        assert f"the fourth class is {kept}" in page.locator(".tour-told").inner_text()
        mark, ring = (page.locator(f".tour-space .tour-{name}").nth(3) for name in ("mean", "ring"))
        at = [
            [float(part.get_attribute(name)) for name in names]
            for part, names in ((mark, ("x", "y")), (ring, ("cx", "cy")))
        ]
        assert at[0] == pytest.approx(at[1], abs=1.5), "the mark stands in its ring"


def test_the_training_and_the_view_are_moved_and_nothing_plays_where_motion_is_unwanted(
    browser: Any, opened: Any, tour: Widget
) -> None:
    page = opened(tour)
    assert page.get_by_role("button").count() == 0, "this reader wants no motion"
    set_slider(page, "Training", 0)
    told = page.locator("[role=status]").inner_text()
    gap = float(re.search(r"loss is ([\d.]+) %", told)[1])
    data = json.loads(page.locator(".tour script[type='application/json']").inner_text())
    features, classifier = np.array(data["features"]), np.array(data["classifier"])
    sizes = np.array([100, 60, 30, 8])
    weights = np.repeat(sizes / 6, 6)
    wrong = features @ classifier.T - np.repeat(np.eye(4), 6, axis=0)
    loss = weights @ (wrong**2).sum(1) / 396 + 0.015 / 2 * ((classifier**2).sum() + weights @ (features**2).sum(1))
    assert gap == pytest.approx(100 * ufm_gap(loss, sizes, [0.015], 0.015), abs=0.051)
    before = page.locator(".tour-space .tour-mean").first.get_attribute("x")
    set_slider(page, "View", 9)
    assert page.locator(".tour-space .tour-mean").first.get_attribute("x") != before
    moving = browser.new_context(reduced_motion="no-preference")
    other = moving.new_page()
    other.set_content(f"<!doctype html><html lang=en><title>w</title><body>{tour.markup}")
    other.get_by_role("button", name="play the training").click()
    other.get_by_role("button", name="stop").wait_for()
    other.wait_for_function("document.querySelectorAll('input')[1].getAttribute('aria-valuetext') === '4000 steps'")
    other.get_by_role("button", name="play the training").wait_for(timeout=20_000)
    assert "4000 steps" in other.locator("[role=status]").inner_text()
    moving.close()


def test_a_tour_without_a_start_leaves_the_still_picture(browser: Any, opened: Any, tour: Widget) -> None:
    page = opened(tour, tour.markup.replace('"features": [[', '"features": [[null, ', 1))
    assert "cannot be read" in page.locator("[role=status]").inner_text()
    quiet = browser.new_context(java_script_enabled=False, viewport={"width": 320, "height": 700})
    still = quiet.new_page()
    still.set_content(f"<!doctype html><html lang=en><title>w</title><body>{tour.markup}")
    assert "Threshold 8.8 rows" in still.locator(".tour").inner_text()
    assert still.locator(".tour-ring").count() == 5
    box = still.locator(".tour").bounding_box()
    assert box["x"] + box["width"] <= 320
    quiet.close()


NEW = ("life", "borrow", "experts", "tour")


@pytest.fixture(scope="module")
def widgets(lives: Widget, borrowed: Widget, experts: Widget, tour: Widget) -> dict[str, Widget]:
    return dict(zip(NEW, (lives, borrowed, experts, tour), strict=True))


@pytest.mark.parametrize("kind", NEW)
def test_it_runs_from_a_file_asks_for_nothing_and_takes_forced_colours(
    browser: Any, tmp_path: Path, widgets: dict[str, Widget], kind: str
) -> None:
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><title>w</title><body>{2 * widgets[kind].markup}", "utf-8")
    context = browser.new_context(forced_colors="active", reduced_motion="reduce")
    page = context.new_page()
    asked, problems = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    page.goto(path.as_uri())
    assert asked == [path.as_uri()]
    assert problems == []
    assert page.locator("[data-ready=quiet]").count() == 2, "two of one kind do not disturb each other"
    first, second = (page.locator(f".{kind}").nth(place) for place in (0, 1))
    before = second.inner_text()
    first.locator("input").first.press("ArrowLeft" if kind != "experts" else "ArrowRight")
    assert second.inner_text() == before != first.inner_text()
    colours = page.evaluate(
        """kind => {
          const parts = document.querySelectorAll(`.${kind} svg :is(polyline, circle, line)`);
          const lines = [...parts].map((one) => getComputedStyle(one));
          return [getComputedStyle(document.body).color, ...new Set(lines.map((one) => one.stroke))];
        }""",
        kind,
    )
    assert colours[0] in colours[1:]
    assert not {"rgb(0, 114, 178)", "rgb(213, 94, 0)", "rgb(0, 122, 94)"} & set(colours)
    context.close()


@pytest.mark.parametrize(
    ("kind", "picture", "slider"), [("borrow", "plane", "across"), ("experts", "triangle", "third")]
)
def test_a_tap_on_the_picture_moves_what_the_sliders_move(
    browser: Any, widgets: dict[str, Widget], kind: str, picture: str, slider: str
) -> None:
    context = browser.new_context(has_touch=True, viewport={"width": 390, "height": 1200})
    page = context.new_page()
    page.set_content(f"<!doctype html><html lang=en><title>w</title><body>{widgets[kind].markup}")
    value = page.get_by_role("slider", name=slider)
    before = value.input_value()
    box = page.locator(f".{kind}-{picture}").bounding_box()
    page.touchscreen.tap(box["x"] + 0.7 * box["width"], box["y"] + 0.85 * box["height"])
    assert int(value.input_value()) > int(before)
    assert page.locator("[role=status]").inner_text()
    context.close()


GUESS = (ROOT / "book" / "_static" / "guess.js").read_text(encoding="utf-8")
ITEM = (
    '<li class="guess-item" data-claim="{0}" data-out="{1}"><p>{0}</p>'
    '<details><summary>What came out</summary><p>verdict of {0} <span class="guess-said"></span></p></details></li>'
)


@pytest.fixture
def guesses(tmp_path: Path, address: str, site: Path, context: Any) -> Iterator[Any]:
    """Page with three statements, of which the first was reproduced, under the address of the site."""
    items = "".join(ITEM.format(f"toy-c{number}", int(number == 1)) for number in (1, 2, 3))
    markup = (
        f"<!doctype html><html lang=en><title>g</title><script>{GUESS}</script><div class=guess>"
        f"<div class=guess-result></div><ol>{items}</ol><button class=guess-again hidden>again</button></div>"
    )
    page = context.new_page()
    page.route("**/guess-test.html", lambda route: route.fulfill(body=markup, content_type="text/html"))
    page.goto(f"{address}/guess-test.html")
    page.evaluate("localStorage.clear()")
    page.reload()
    yield page
    page.evaluate("localStorage.clear()")
    page.close()


def test_scores_of_guesses_are_those_of_scikit_learn(guesses: Any) -> None:
    generator = np.random.default_rng(2)
    cases = [
        np.column_stack([generator.random(size).round(2), generator.integers(0, 2, size)])
        for size in generator.integers(1, 30, size=1000)
    ]
    found = guesses.evaluate(
        "all => all.map(one => [imbalanceBook.guess.brier(one), imbalanceBook.guess.reliability(one, 5)])",
        [case.tolist() for case in cases],
    )
    for case, (error, bins) in zip(cases, found, strict=True):
        said, out = case.T
        assert error == pytest.approx(brier_score_loss(out, said, labels=[0, 1]), abs=1e-9)
        places = np.minimum((said * 5).astype(int), 4)
        for place, one in enumerate(bins):
            here = places == place
            assert one["count"] == here.sum()
            if here.any():
                assert (one["said"], one["out"]) == pytest.approx((said[here].mean(), out[here].mean()), abs=1e-9)


def test_a_verdict_is_hidden_until_it_is_guessed_and_guesses_are_kept(guesses: Any) -> None:
    assert not guesses.get_by_text("What came out").first.is_visible()
    slider = guesses.locator("input[type=range]").first
    slider.focus()
    guesses.keyboard.press("End")
    guesses.get_by_role("button", name="show the verdict").first.click()
    assert guesses.get_by_text("verdict of toy-c1").is_visible()
    assert guesses.get_by_text("You said 100 %.").is_visible()
    assert "1 of 3 guessed. Your mean squared error is 0.000" in guesses.locator(".guess-result").inner_text()
    guesses.locator("input[type=range]").first.focus()
    guesses.keyboard.press("End")
    guesses.get_by_role("button", name="show the verdict").first.click()
    result = guesses.locator(".guess-result").inner_text()
    assert "2 of 3 guessed. Your mean squared error is 0.500; saying 50 % every time would have had 0.250" in result
    assert "You said 100 % on average of 2; 50 % of them were reproduced." in result
    guesses.reload()
    assert guesses.get_by_text("You said 100 %.").first.is_visible()
    guesses.get_by_role("button", name="again").click()
    assert "Nothing guessed yet of 3" in guesses.locator(".guess-result").inner_text()


def test_guesses_that_were_tampered_with_are_ignored(guesses: Any) -> None:
    for kept in ('{"toy-c1": 7, "toy-c2": "x", "other": 0.5}', "[1]", "{", "null"):
        guesses.evaluate("kept => localStorage.setItem('imbalance-book-guesses', kept)", kept)
        guesses.reload()
        assert "Nothing guessed yet of 3" in guesses.locator(".guess-result").inner_text()
