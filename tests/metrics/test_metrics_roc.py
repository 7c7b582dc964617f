"""Areas, hulls and dominance of ROC sweeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull
from sklearn.metrics import auc, roc_curve

from repro.ground.exceptions import UnknownName
from repro.metrics import dominance, interpolate_roc, roc_convex_hull, sweep_auc

# The toy example of the SMOTE study: (10, 60), (20, 75), (40, 90) percent.
FPR, TPR = [0.1, 0.2, 0.4], [0.6, 0.75, 0.9]

rates = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=12).map(
    lambda points: np.array(points, dtype=float).T / 20
)


def test_toy_points_have_the_areas_of_both_rules() -> None:
    assert sweep_auc(FPR, TPR, rule="paper") == pytest.approx(0.8025)
    assert sweep_auc(FPR, TPR, rule="full") == pytest.approx(0.8325)


def test_rules_differ_by_the_triangle_left_of_the_first_point() -> None:
    assert sweep_auc(FPR, TPR, rule="full") - sweep_auc(FPR, TPR, rule="paper") == pytest.approx(0.1 * 0.6 / 2)


def test_order_of_the_points_does_not_matter_and_equal_fpr_goes_up() -> None:
    assert sweep_auc(FPR[::-1], TPR[::-1]) == sweep_auc(FPR, TPR)
    # Up the left side, along the top: a perfect curve, whatever the order of its points.
    assert sweep_auc([0.0, 0.0, 0.0], [1.0, 0.2, 0.7]) == 1.0
    # From (0.5, 0.2) straight up to (0.5, 0.8): 0.5 * 0.2 / 2 + 0.5 * (0.8 + 1) / 2.
    assert sweep_auc([0.5, 0.5], [0.8, 0.2]) == pytest.approx(0.05 + 0.45)


def test_full_rule_is_the_ordinary_area_under_a_threshold_curve() -> None:
    generator = np.random.default_rng(0)
    y = generator.random(300) < 0.2
    fpr, tpr, _ = roc_curve(y, y + generator.normal(size=300))
    assert sweep_auc(fpr, tpr) == pytest.approx(auc(fpr, tpr))
    # The curve starts in (0, 0) and ends in (1, 1), so the rules agree.
    assert sweep_auc(fpr, tpr, rule="paper") == pytest.approx(auc(fpr, tpr))


BAD_RATES = [
    ([10, 20], [60, 75], "fractions between 0 and 1, got values from 10 to 20; divide percentages by 100"),
    ([-0.1], [0.5], "fpr must hold fractions"),
    ([0.1], [1.5], "tpr must hold fractions"),
    ([0.1, 0.2], [0.5], "same length, got 2 and 1"),
    ([0.1, np.nan], [0.5, 0.6], "fpr holds 1 NaN or infinite"),
    ([0.1], [np.inf], "tpr holds 1 NaN or infinite"),
    ([], [], "at least 1 entry"),
    ([[0.1]], [[0.2]], "must be a vector"),
]


@pytest.mark.parametrize(("fpr", "tpr", "message"), BAD_RATES)
def test_bad_rates_are_refused(fpr: Any, tpr: Any, message: str) -> None:
    for function in (sweep_auc, roc_convex_hull):
        with pytest.raises(ValueError, match=message):
            function(fpr, tpr)
    with pytest.raises(ValueError, match=message):
        interpolate_roc(fpr, tpr, [0.5])


def test_unknown_rule_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'paper'"):
        sweep_auc(FPR, TPR, rule="papers")  # type: ignore[arg-type]


def test_hull_of_the_toy_points() -> None:
    # Slopes 6, 1.5, 0.75, 1/6 fall: all points are vertices, and the hull is the curve.
    hull = roc_convex_hull(FPR, TPR)
    assert hull.vertices.tolist() == [-1, 0, 1, 2, -1]
    assert hull.area == pytest.approx(0.8325)
    # A point below the chord and one on it are no vertices.
    hull = roc_convex_hull([*FPR, 0.3, 0.3], [*TPR, 0.7, 0.825])
    assert hull.vertices.tolist() == [-1, 0, 1, 2, -1]
    assert hull.area == pytest.approx(0.8325)


def test_of_equal_points_the_first_is_the_vertex_and_corners_of_the_input_are_named() -> None:
    hull = roc_convex_hull([0.2, 0.1, 0.1, 1.0, 0.0], [0.5, 0.8, 0.8, 1.0, 0.0])
    assert hull.vertices.tolist() == [4, 1, 3]


def test_hull_with_points_on_the_left_and_right_edge() -> None:
    hull = roc_convex_hull([0.0, 0.0, 1.0], [0.2, 0.6, 0.7])
    assert hull.vertices.tolist() == [-1, 1, -1]
    assert hull.area == pytest.approx(0.8)
    assert roc_convex_hull([0.5], [0.5]).vertices.tolist() == [-1, -1]  # on the diagonal
    assert roc_convex_hull([0.5], [0.1]).area == 0.5  # below it


def test_points_on_an_edge_up_to_rounding_are_no_vertices() -> None:
    along = np.arange(1, 100) / 99
    hull = roc_convex_hull(0.3 * along, 0.7 * along)
    assert hull.vertices.tolist() == [-1, 98, -1]


@given(rates)
def test_hull_agrees_with_qhull(points: np.ndarray) -> None:
    fpr, tpr = points
    hull = roc_convex_hull(fpr, tpr)
    # With (1, 0) added, the convex hull of everything is the region below the curve.
    corners = np.array([[0, 0], [1, 1], [1, 0]], dtype=float)
    assert hull.area == pytest.approx(ConvexHull(np.vstack([points.T, corners])).volume)
    slopes = np.diff(hull.tpr) / np.where(np.diff(hull.fpr) > 0, np.diff(hull.fpr), 1e-9)
    assert (np.diff(slopes) < 0).all()


@given(rates)
def test_hull_lies_above_every_curve_and_every_point(points: np.ndarray) -> None:
    fpr, tpr = points
    hull = roc_convex_hull(fpr, tpr)
    for rule in ("paper", "full"):
        assert hull.area >= sweep_auc(fpr, tpr, rule=rule) - 1e-12
    assert (interpolate_roc(hull.fpr, hull.tpr, fpr) >= tpr - 1e-12).all()
    assert sweep_auc(hull.fpr, hull.tpr) == pytest.approx(hull.area)
    inner = hull.vertices >= 0
    np.testing.assert_array_equal(np.array([fpr, tpr])[:, hull.vertices[inner]], [hull.fpr[inner], hull.tpr[inner]])


@given(rates)
def test_interpolation_integrates_to_the_area(points: np.ndarray) -> None:
    # The curve is linear between multiples of 1/20, so the mean over the middles of fine cells is its area.
    fpr, tpr = points
    middles = (np.arange(400) + 0.5) / 400
    assert interpolate_roc(fpr, tpr, middles).mean() == pytest.approx(sweep_auc(fpr, tpr))


def test_interpolation_by_hand() -> None:
    # (0, 0) - (0.2, 0.4) up to (0.2, 0.6) - (0.6, 0.8) - (1, 1).
    read = interpolate_roc([0.2, 0.6, 0.2], [0.6, 0.8, 0.4], [0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0])
    np.testing.assert_allclose(read, [0.0, 0.2, 0.6, 0.7, 0.8, 0.9, 1.0])


def test_interpolation_refuses_a_grid_outside_the_unit_interval() -> None:
    with pytest.raises(ValueError, match=r"grid must hold fractions between 0 and 1, got values from 0 to 50"):
        interpolate_roc(FPR, TPR, [0, 50])


def test_dominance_by_hand() -> None:
    # Curve a passes (0.5, 0.9), curve b (0.5, 0.7): a lies above on the open interval, and they meet in the corners.
    found = dominance([0.5], [0.9], [0.5], [0.7], grid=[0, 0.25, 0.5, 1])
    assert (found.share_above, found.share_equal, found.largest_deficit) == (0.5, 0.5, 0.0)
    reversed_ = dominance([0.5], [0.7], [0.5], [0.9], grid=[0, 0.25, 0.5, 1])
    assert (reversed_.share_above, reversed_.share_equal) == (0.0, 0.5)
    assert reversed_.largest_deficit == pytest.approx(0.2)


def test_a_curve_does_not_dominate_itself_through_rounding() -> None:
    # The same line with more points on it.
    generator = np.random.default_rng(0)
    more = generator.random(50)
    found = dominance([0.3], [0.7], [0.3, *(0.3 * more)], [0.7, *(0.7 * more)], grid=np.linspace(0, 1, 101))
    assert (found.share_above, found.share_equal, found.largest_deficit) == (0.0, 1.0, 0.0)
