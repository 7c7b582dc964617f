from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import recall_score

from repro.data import long_tail_counts
from repro.longtail import class_recalls, shot_groups, shot_recalls


# sizes of the groups of CIFAR-100-LT, and totals that papers quote
@pytest.mark.parametrize(
    ("ratio", "total", "sizes"), [(10, 19573, (69, 31, 0)), (50, 12608, (41, 41, 18)), (100, 10847, (35, 35, 30))]
)
def test_groups_of_the_published_training_sets(ratio: int, total: int, sizes: tuple[int, int, int]) -> None:
    counts = long_tail_counts(500, 100, ratio)
    groups = shot_groups(counts)
    assert counts.sum() == total
    assert (groups.many.sum(), groups.medium.sum(), groups.few.sum()) == sizes
    assert np.all(groups.many.astype(int) + groups.medium + groups.few == 1)


@pytest.mark.parametrize(("ratio", "total"), [(10, 20431), (50, 13996), (100, 12406)])
def test_totals_of_the_published_sets_with_ten_classes(ratio: int, total: int) -> None:
    assert long_tail_counts(5000, 10, ratio).sum() == total


def test_both_bounds_belong_to_the_middle() -> None:
    groups = shot_groups([101, 100, 20, 19])
    assert groups.many.tolist() == [True, False, False, False]
    assert groups.medium.tolist() == [False, True, True, False]
    assert groups.few.tolist() == [False, False, False, True]
    assert shot_groups([3, 2, 1], many=2, few=2).medium.tolist() == [False, True, False]


def test_recalls_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    labels, predictions = generator.integers(0, 6, (2, 500))
    np.testing.assert_allclose(
        class_recalls(labels, predictions, 6), recall_score(labels, predictions, average=None), rtol=1e-15
    )
    with_absent = class_recalls([0, 0, 2], [0, 1, 1], 4)
    np.testing.assert_array_equal(with_absent, [0.5, np.nan, 0.0, np.nan])


def test_means_are_over_classes_and_an_empty_group_has_none() -> None:
    found = shot_recalls([1.0, 0.5, 0.2, 0.4], [500, 101, 30, 20])
    assert (found.many, found.medium) == (0.75, pytest.approx(0.3))
    assert np.isnan(found.few)


def test_classes_without_test_images_are_left_out() -> None:
    found = shot_recalls([1.0, np.nan, np.nan], [500, 101, 30])
    assert found.many == 1.0
    assert np.isnan(found.medium)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([[1, 2]],), ValueError, r"counts must be a vector .* got shape \(1, 2\)"),
        (([],), ValueError, r"counts must be a vector with one entry for each of one or more classes"),
        (([1.5],), TypeError, "counts must hold whole numbers, got entries of type float64"),
        (([3, -1],), ValueError, "counts must not be negative, got -1 for class 1"),
    ],
)
def test_bad_counts_are_refused(arguments, error, message) -> None:
    with pytest.raises(error, match=message):
        shot_groups(*arguments)


def test_bad_bounds_and_recalls_are_refused() -> None:
    with pytest.raises(ValueError, match=r"few must be at most many \+ 1 = 11, got 12"):
        shot_groups([1], many=10, few=12)
    with pytest.raises(TypeError, match="many must be a whole number"):
        shot_groups([1], many=10.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"recalls must have shape \(2,\), one for each class of counts, got \(1,\)"):
        shot_recalls([1.0], [3, 4])
    with pytest.raises(ValueError, match=r"recalls must lie between 0 and 1, got 1 outside, such as 50"):
        shot_recalls([50, 1], [3, 4])
    with pytest.raises(TypeError, match="recalls must hold real numbers"):
        shot_recalls(["a", "b"], [3, 4])


def test_bad_labels_and_predictions_are_refused() -> None:
    with pytest.raises(ValueError, match="labels must lie between 0 and 1, got 1 outside, such as 2"):
        class_recalls([0, 2], [0, 1], 2)
    with pytest.raises(ValueError, match="predictions must lie between 0 and 1, got 1 outside, such as -1"):
        class_recalls([0, 1], [0, -1], 2)
    with pytest.raises(ValueError, match=r"predictions must be whole numbers of shape \(2,\)"):
        class_recalls([0, 1], [0], 2)
    with pytest.raises(ValueError, match="predictions must be whole numbers"):
        class_recalls([0, 1], [0.5, 1], 2)
