"""Widgets in a real browser: values as the package has them, mouse, keyboard, damaged data, scripts off."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from book_site import ROOT
from scipy.stats import t as student
from sklearn.metrics import brier_score_loss

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
