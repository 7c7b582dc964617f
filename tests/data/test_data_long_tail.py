from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.data import long_tail_counts, make_long_tail
from repro.ground.exceptions import UnknownName


# Totals and first and last classes of the published CIFAR-LT training sets (Cao et al. 2019 and later papers).
@pytest.mark.parametrize(
    ("n_max", "n_classes", "ratio", "total", "first", "last"),
    [
        (500, 100, 10, 19573, [500, 488, 477, 466, 455], [54, 53, 52, 51, 50]),
        (500, 100, 50, 12608, [500, 480, 462, 444, 426], [11, 11, 10, 10, 10]),
        (500, 100, 100, 10847, [500, 477, 455, 434, 415], [6, 5, 5, 5, 5]),
        (5000, 10, 10, 20431, [5000, 3871, 2997, 2320, 1796], [1391, 1077, 834, 645, 500]),
        (5000, 10, 50, 13996, [5000, 3237, 2096, 1357, 878], [568, 368, 238, 154, 100]),
        (5000, 10, 100, 12406, [5000, 2997, 1796, 1077, 645], [387, 232, 139, 83, 50]),
    ],
)
def test_exponential_counts_are_the_published_ones(
    n_max: int, n_classes: int, ratio: int, total: int, first: list[int], last: list[int]
) -> None:
    counts = long_tail_counts(n_max, n_classes, ratio)
    assert counts.dtype == np.int64
    assert counts.sum() == total
    assert counts[:5].tolist() == first
    assert counts[-5:].tolist() == last


@pytest.mark.parametrize(("ratio", "groups"), [(10, (69, 31, 0)), (50, (41, 41, 18)), (100, (35, 35, 30))])
def test_many_medium_few_groups_are_the_published_ones(ratio: int, groups: tuple[int, int, int]) -> None:
    counts = long_tail_counts(500, 100, ratio)
    assert (np.sum(counts > 100), np.sum((counts >= 20) & (counts <= 100)), np.sum(counts < 20)) == groups


@pytest.mark.parametrize(
    ("ratio", "total", "smallest"), [(50, 2486, 2), (25, 2956, 4), (10, 3876, 10), (5, 4932, 20), (2, 7166, 50)]
)
def test_shifted_test_sets_have_the_published_sizes(ratio: int, total: int, smallest: int) -> None:
    forward = long_tail_counts(100, 100, ratio)
    assert (forward.sum(), forward[-1]) == (total, smallest)
    assert long_tail_counts(100, 100, ratio, reverse=True).tolist() == forward[::-1].tolist()


def test_step_and_linear_profiles() -> None:
    assert long_tail_counts(100, 4, 10, "step").tolist() == [100, 100, 10, 10]
    assert long_tail_counts(100, 5, 10, "step").tolist() == [100, 100, 100, 10, 10]
    assert long_tail_counts(100, 4, 10, "linear").tolist() == [100, 70, 40, 10]
    assert long_tail_counts(7, 1, 7).tolist() == [7]


def test_the_last_count_is_not_lost_to_rounding() -> None:
    assert 49 * (1 / 49) < 1  # the trap
    for kind in ("exponential", "step", "linear"):
        assert long_tail_counts(49, 3, 49, kind)[-1] == 1


@given(
    st.integers(1, 10_000),
    st.integers(1, 50),
    st.floats(1, 1000),
    st.sampled_from(["exponential", "step", "linear"]),
)
def test_counts_fall_from_the_largest_to_the_smallest(n_max: int, n_classes: int, ratio: float, kind) -> None:
    if n_max / ratio < 1:
        return
    counts = long_tail_counts(n_max, n_classes, ratio, kind)
    assert counts[0] == n_max
    assert np.all(np.diff(counts) <= 0)
    if n_classes > 1:
        assert abs(counts[-1] - n_max / ratio) <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 10, 10), "n_max must be at least 1, got 0"),
        ((10.5, 10, 10), "n_max must be a whole number of at least 1, got 10.5"),
        ((100, True, 10), "n_classes must be a whole number of at least 1, got True"),
        ((100, 10, 0.5), "imbalance_ratio must be a number of at least 1, got 0.5"),
        ((100, 10, float("nan")), "imbalance_ratio"),
        ((100, 10, 200), "smallest class would be empty: n_max / imbalance_ratio = 100 / 200"),
    ],
)
def test_impossible_profiles_are_refused(arguments: tuple[int, int, float], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        long_tail_counts(*arguments)


def test_an_unknown_kind_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'exponential'"):
        long_tail_counts(100, 10, 10, "exponental")  # type: ignore[arg-type]


LABELS = np.random.default_rng(3).permutation(np.repeat(["a", "b", "c"], [50, 40, 60]))


def test_a_subset_has_the_counts_asked_for() -> None:
    rows = make_long_tail(LABELS, [20, 10, 5], random_state=1)
    assert np.all(np.diff(rows) > 0)
    assert np.unique(LABELS[rows], return_counts=True)[1].tolist() == [20, 10, 5]


def test_a_ratio_takes_the_smallest_class_as_the_head() -> None:
    rows = make_long_tail(LABELS, imbalance_ratio=4, random_state=1)
    assert np.unique(LABELS[rows], return_counts=True)[1].tolist() == long_tail_counts(40, 3, 4).tolist()


def test_the_class_order_says_who_is_the_head() -> None:
    rows = make_long_tail(LABELS, [20, 10, 5], class_order=["c", "a", "b"], random_state=1)
    assert dict(zip(*np.unique(LABELS[rows], return_counts=True), strict=True)) == {"a": 10, "b": 5, "c": 20}


def test_subsets_of_one_seed_are_nested_and_repeatable() -> None:
    large = make_long_tail(LABELS, [30, 30, 30], random_state=7)
    small = make_long_tail(LABELS, [30, 10, 3], random_state=7)
    assert set(small) < set(large)
    np.testing.assert_array_equal(large, make_long_tail(LABELS, [30, 30, 30], random_state=7))
    assert set(large) != set(make_long_tail(LABELS, [30, 30, 30], random_state=8))


@pytest.mark.parametrize("kind", [np.random.default_rng, np.random.RandomState])
def test_every_kind_of_random_state_is_taken(kind) -> None:
    first, second = (make_long_tail(LABELS, [9, 9, 9], random_state=kind(5)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    generator = kind(5)
    make_long_tail(LABELS, [9, 9, 9], random_state=generator)
    assert set(first) != set(make_long_tail(LABELS, [9, 9, 9], random_state=generator))


def test_all_rows_are_kept_where_all_are_asked_for() -> None:
    assert make_long_tail(LABELS, [50, 40, 60]).tolist() == list(range(150))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"counts": [51, 1, 1]}, "class 'a' has 50 rows, 51 were asked for"),
        ({"counts": [1, 1]}, "counts must be 3 whole numbers"),
        ({"counts": [1, -1, 1]}, "none negative"),
        ({"counts": [1.5, 1, 1]}, "counts must be 3 whole numbers"),
        ({}, "either counts or imbalance_ratio"),
        ({"counts": [1, 1, 1], "imbalance_ratio": 2}, "either counts or imbalance_ratio"),
        ({"counts": [1, 1, 1], "class_order": ["a", "b"]}, r"each of the labels \['a', 'b', 'c'\] once"),
        ({"counts": [1, 1, 1], "class_order": ["a", "b", "b"]}, "class_order must list"),
    ],
)
def test_impossible_subsets_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_long_tail(LABELS, **options)  # type: ignore[arg-type]


def test_bad_labels_and_random_states_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one-dimensional array of labels, got shape \(0,\)"):
        make_long_tail([], [])
    with pytest.raises(TypeError, match="random_state must be"):
        make_long_tail(LABELS, [1, 1, 1], random_state="7")  # type: ignore[arg-type]


def test_a_legacy_stream_gives_the_rule_of_published_sets() -> None:
    stream, by_hand = np.random.RandomState(0), []
    for label, count in zip("abc", [20, 10, 5], strict=True):
        positions = [row for row, found in enumerate(LABELS) if found == label]
        stream.shuffle(positions)
        by_hand += positions[:count]
    rows = make_long_tail(LABELS, [20, 10, 5], random_state=np.random.RandomState(0))
    assert rows.tolist() == sorted(by_hand)
