from __future__ import annotations

import itertools

import numpy as np
import pytest

from repro.ground.exceptions import UnknownName
from repro.longtail import (
    TEST_DISTRIBUTIONS,
    class_recalls,
    reweighted_accuracy,
    shifted_counts,
    shifted_test_indices,
)

SIZES = {50: (2486, 2), 25: (2956, 4), 10: (3876, 10), 5: (4932, 20), 2: (7166, 50)}
LABELS = np.random.default_rng(4).permutation(np.repeat(np.arange(100), 100))


def test_there_are_eleven_in_order() -> None:
    assert TEST_DISTRIBUTIONS == (
        "forward-50",
        "forward-25",
        "forward-10",
        "forward-5",
        "forward-2",
        "uniform",
        "backward-2",
        "backward-5",
        "backward-10",
        "backward-25",
        "backward-50",
    )


@pytest.mark.parametrize("name", TEST_DISTRIBUTIONS)
def test_sets_have_the_published_sizes_and_counts(name: str) -> None:
    counts = shifted_counts(100, 100, name)
    rows = shifted_test_indices(LABELS, name)
    kind, _, ratio = name.partition("-")
    total, smallest = SIZES[int(ratio)] if ratio else (10_000, 100)
    assert (len(rows), counts.sum(), counts.min()) == (total, total, smallest)
    np.testing.assert_array_equal(np.bincount(LABELS[rows], minlength=100), counts)
    assert np.all(np.diff(rows) > 0)
    assert counts[0] == (smallest if kind == "backward" else 100)


@pytest.mark.parametrize("name", ["forward-50", "backward-5", "uniform"])
def test_images_are_those_of_one_legacy_stream_seeded_with_zero(name: str) -> None:
    np.random.seed(0)  # noqa: NPY002 - the rule that published sets share
    expected = []
    kind, _, ratio = name.partition("-")
    factor = 1 / int(ratio or 1)
    for number in range(100):
        positions = np.flatnonzero(number == LABELS)
        np.random.shuffle(positions)  # noqa: NPY002
        place = number if kind == "forward" else 99 - number
        expected += positions[: int(100 * factor ** (place / 99) + 1e-9)].tolist()
    assert shifted_test_indices(LABELS, name).tolist() == sorted(expected)


def test_sets_are_nested_per_class_and_depend_on_the_seed() -> None:
    names = [name for name in TEST_DISTRIBUTIONS if not name.startswith("backward")]
    sets = [set(shifted_test_indices(LABELS, name).tolist()) for name in names]
    assert all(small < large for small, large in itertools.pairwise(sets))
    for number in (0, 50, 99):
        forward, backward = (
            {row for row in shifted_test_indices(LABELS, name).tolist() if LABELS[row] == number}
            for name in ("forward-50", "backward-50")
        )
        assert forward <= backward or backward <= forward
    assert set(shifted_test_indices(LABELS, "forward-50", seed=1).tolist()) != sets[0]


def test_the_largest_class_has_as_many_images_as_every_class_can_give() -> None:
    labels = np.repeat([0, 1, 2], [9, 8, 10])
    assert np.bincount(labels[shifted_test_indices(labels, "forward-2")]).tolist() == [8, 5, 4]
    assert np.bincount(labels[shifted_test_indices(labels, "uniform", n_max=5)]).tolist() == [5, 5, 5]


def test_accuracy_under_another_prior() -> None:
    generator = np.random.default_rng(1)
    predictions = np.where(generator.random(len(LABELS)) < LABELS / 100, LABELS, (LABELS + 1) % 100)
    recalls = class_recalls(LABELS, predictions, 100)
    accuracy = np.mean(predictions == LABELS)
    assert reweighted_accuracy(recalls, shifted_counts(100, 100, "uniform")) == pytest.approx(accuracy)
    assert reweighted_accuracy([0.5, 1.0], [3, 1]) == 0.625
    assert reweighted_accuracy([0.5, np.nan], [3, 0]) == 0.5


def test_unknown_names_are_answered_with_the_eleven() -> None:
    with pytest.raises(UnknownName, match=r"unknown test distribution 'inverse'; known: forward-50, .*backward-50"):
        shifted_counts(100, 100, "inverse")
    with pytest.raises(UnknownName, match="did you mean"):
        shifted_test_indices(LABELS, "forward-100")


@pytest.mark.parametrize(
    ("labels", "options", "error", "message"),
    [
        ([], {}, ValueError, r"labels must be a non-empty vector, got shape \(0,\)"),
        ([0.5], {}, TypeError, "labels must be whole numbers"),
        ([0, 2], {}, ValueError, "every class from 0 to 2 needs test images, class 1 has none"),
        ([0, -1], {}, ValueError, "labels must lie between 0 and 0, got 1 outside, such as -1"),
        ([0, 1, 1], {"n_max": 2}, ValueError, "class 0 has 1 rows, 2 were asked for"),
        ([0, 1], {"n_max": 0}, ValueError, "n_max must be at least 1, got 0"),
        ([0, 1], {"seed": -1}, ValueError, "seed must be at least 0, got -1"),
    ],
)
def test_bad_test_sets_are_refused(labels, options, error, message) -> None:
    with pytest.raises(error, match=message):
        shifted_test_indices(labels, "uniform", **options)


def test_a_profile_that_would_empty_a_class_is_refused() -> None:
    with pytest.raises(ValueError, match=r"smallest class would be empty: n_max / imbalance_ratio = 20 / 50"):
        shifted_counts(10, 20, "backward-50")


def test_impossible_reweighting_is_refused() -> None:
    with pytest.raises(ValueError, match="recalls must be known for every class with a count, class 1 has NaN"):
        reweighted_accuracy([0.5, np.nan], [3, 1])
    with pytest.raises(ValueError, match="counts must not all be 0"):
        reweighted_accuracy([0.5], [0])
