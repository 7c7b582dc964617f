"""Atomic mistakes, their worth, and paths of fixes."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from repro.ground.exceptions import UnknownName
from repro.metrics import RepairPath, auroc, average_precision, fix_mistakes, mistakes

FIXTURES = Path(__file__).parent / "fixtures"
POLICIES = ["random", "highest", "largest_ap_gain"]

rankings = st.lists(st.booleans(), min_size=2, max_size=24).filter(lambda y: 0 < sum(y) < len(y))
grouped = st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), min_size=2, max_size=24).filter(
    lambda rows: 0 < sum(row[0] for row in rows) < len(rows)
)


def descending(n: int) -> np.ndarray:
    return -np.arange(float(n))


def exact(descending_labels: Any) -> tuple[Fraction, Fraction]:
    """AUROC and average precision of ranked labels, by counting."""
    labels = [bool(label) for label in descending_labels]
    ranks = [rank for rank, label in enumerate(labels, 1) if label]
    pairs = len(ranks) * (len(labels) - len(ranks))
    lost = sum(rank - place for place, rank in enumerate(ranks, 1))
    ap = sum((Fraction(place, rank) for place, rank in enumerate(ranks, 1)), Fraction(0)) / len(ranks)
    return 1 - Fraction(lost, pairs), ap


def fixed(labels: Any, at: int) -> list[bool]:
    changed = [bool(label) for label in labels]
    changed[at], changed[at + 1] = changed[at + 1], changed[at]
    return changed


@pytest.mark.parametrize("name", ["counterexample_n8", "mixed_n12", "two_groups_n16"])
def test_fixture_mistakes_have_their_exact_gains(name: str) -> None:
    case = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    found = mistakes(case["labels_descending"], case["scores_descending"])
    assert found["rank_of_negative"].tolist() == [row["rank_of_negative"] for row in case["mistakes"]]
    assert found["positives_above"].tolist() == [row["positives_above"] for row in case["mistakes"]]
    for column in ("delta_auroc", "delta_ap"):
        expected = [row[column]["num"] / row[column]["den"] for row in case["mistakes"]]
        assert found[column].tolist() == pytest.approx(expected, rel=1e-15)
    assert found["delta_ap"].argmax() == case["index_of_largest_ap_gain"]
    assert (found["delta_ap"].argmax() == 0) == case["highest_scored_mistake_is_ap_best"]


@settings(deadline=None)
@given(rankings, st.randoms(use_true_random=False))
def test_gains_are_the_exact_differences_of_both_metrics(labels: list[bool], shuffle: Any) -> None:
    n = len(labels)
    rows = list(range(n))
    shuffle.shuffle(rows)
    found = mistakes([labels[row] for row in rows], [-row for row in rows])
    assert found["rank_of_negative"].is_monotonic_increasing
    expected = [at for at in range(n - 1) if labels[at + 1] and not labels[at]]
    assert found["rank_of_negative"].tolist() == [at + 1 for at in expected]
    before = exact(labels)
    for at, row in zip(expected, found.itertuples(), strict=True):
        after = exact(fixed(labels, at))
        assert row.positives_above == sum(labels[:at])
        assert row.delta_auroc == pytest.approx(float(after[0] - before[0]), rel=1e-14)
        assert row.delta_ap == pytest.approx(float(after[1] - before[1]), rel=1e-14)


def test_smallest_ranking_whose_highest_mistake_is_not_the_best_has_eight_rows() -> None:
    def exceptions(n: int) -> list[tuple[int, ...]]:
        return [
            labels
            for labels in itertools.product((0, 1), repeat=n)
            if 0 < sum(labels) < n and (gain := mistakes(labels, descending(n))["delta_ap"]).size and gain.argmax() != 0
        ]

    assert [exceptions(n) for n in range(2, 8)] == [[]] * 6
    assert (0, 0, 0, 0, 0, 1, 0, 1) in exceptions(8)


def test_perfect_ranking_has_no_mistakes_but_all_columns() -> None:
    found = mistakes([1, 1, 0], [3, 2, 1])
    assert found.shape == (0, 4)
    assert found.columns.tolist() == ["rank_of_negative", "positives_above", "delta_auroc", "delta_ap"]


def test_gains_in_a_large_sample_do_not_overflow() -> None:
    n = 4_000_000
    y = np.arange(n) % 2 == 1
    found = mistakes(y, -np.arange(n)).iloc[-1]
    assert found["rank_of_negative"] == n - 1
    assert found["delta_ap"] == pytest.approx(float(Fraction(n // 2, (n // 2) * (n - 1) * n)), rel=1e-14)
    assert found["delta_auroc"] == 4 / n**2


@pytest.mark.parametrize("metric", [mistakes, lambda y, score: fix_mistakes(y, score, steps=1)])
def test_tied_scores_are_counted(metric: Any) -> None:
    with pytest.raises(ValueError, match="y_score must hold distinct scores, got 5 tied scores in 2 blocks"):
        metric([0, 1, 0, 1, 0, 1], [1.0, 1.0, 1.0, 2.0, 3.0, 3.0])
    with pytest.raises(ValueError, match="got 2 tied scores in 1 blocks"):
        metric([0, 1, 0], [0.0, -0.0, 1.0])


def replayed(y: np.ndarray, score: np.ndarray, path: RepairPath) -> list[np.ndarray]:
    """Scores after every step, from the rows that the path says were exchanged."""
    history = [score.copy()]
    for negative, positive in zip(path.negative_row, path.positive_row, strict=True):
        now = history[-1].copy()
        if negative >= 0:
            now[[negative, positive]] = now[[positive, negative]]
        history.append(now)
    return history


@pytest.mark.parametrize("policy", POLICIES)
@settings(deadline=None)
@given(rows=grouped, steps=st.integers(0, 60), seed=st.integers(0, 5))
def test_path_is_what_recomputing_from_the_exchanged_rows_gives(
    policy: Any, rows: list[tuple[bool, str]], steps: int, seed: int
) -> None:
    y, groups = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    score = np.random.default_rng(seed).permutation(len(rows)).astype(float)
    path = fix_mistakes(y, score, policy=policy, steps=steps, groups=groups, random_state=seed)
    n_possible = int(sum(score[~y][:, None] > score[y]).sum())
    assert path.n_possible == n_possible
    assert path.n_fixes == min(steps, n_possible)
    assert path.perfect == (steps >= n_possible)
    history = replayed(y, score, path)
    assert len(path.auroc) == len(path.average_precision) == len(history) == steps + 1
    assert path.by_group.index.tolist() == sorted(set(groups.tolist()))
    for step, now in enumerate(history):
        ranked = y[np.argsort(-now)]
        values = exact(ranked)
        assert path.auroc[step] == float(values[0])
        assert path.average_precision[step] == pytest.approx(float(values[1]), abs=1e-14)
        for column, name in enumerate(path.by_group.index):
            own = ranked[groups[np.argsort(-now)] == name]
            if path.by_group.loc[name, "defined"]:
                values = exact(own)
                assert path.group_auroc[step, column] == float(values[0])
                assert path.group_average_precision[step, column] == pytest.approx(float(values[1]), abs=1e-14)
            else:
                assert own.all() or not own.any()
                assert np.isnan(path.group_auroc[step, column])
                assert np.isnan(path.group_average_precision[step, column])
    assert path.order.tolist() == np.argsort(-history[-1]).tolist()
    made = slice(path.n_fixes)
    assert (path.negative_row[path.n_fixes :] == -1).all()
    assert (path.positive_row[path.n_fixes :] == -1).all()
    assert (path.rank_of_negative[path.n_fixes :] == -1).all()
    for now, negative, positive, rank in zip(
        history, path.negative_row[made], path.positive_row[made], path.rank_of_negative[made], strict=False
    ):
        order = np.argsort(-now)
        assert (order[rank - 1], order[rank]) == (negative, positive)
        assert (y[negative], y[positive]) == (False, True)


@pytest.mark.parametrize("policy", POLICIES)
def test_long_path_in_a_large_sample_ends_where_scikit_learn_says(policy: Any) -> None:
    generator = np.random.default_rng(0)
    n = 100_000
    y, groups = generator.random(n) < 0.05, generator.integers(0, 3, n)
    score = generator.normal(size=n) + y
    path = fix_mistakes(y, score, policy=policy, steps=200_000, groups=groups, random_state=1)
    assert path.n_fixes == 200_000
    now = np.empty(n)
    now[path.order] = descending(n)
    assert path.auroc[-1] == pytest.approx(roc_auc_score(y, now), abs=1e-12)
    assert path.average_precision[-1] == pytest.approx(average_precision_score(y, now), abs=1e-12)
    for a in range(3):
        own = groups == a
        assert path.group_auroc[-1, a] == pytest.approx(roc_auc_score(y[own], now[own]), abs=1e-12)
        ap = average_precision_score(y[own], now[own])
        assert path.group_average_precision[-1, a] == pytest.approx(ap, abs=1e-12)


@settings(deadline=None)
@given(rankings)
def test_highest_policy_takes_the_first_mistake_of_every_ranking(labels: list[bool]) -> None:
    path = fix_mistakes(labels, descending(len(labels)), policy="highest", steps=200)
    now = list(labels)
    for rank in path.rank_of_negative[: path.n_fixes]:
        assert rank == mistakes(now, descending(len(now)))["rank_of_negative"].iloc[0]
        now = fixed(now, rank - 1)


@settings(deadline=None)
@given(rankings)
def test_largest_gain_policy_takes_the_best_mistake_of_every_ranking(labels: list[bool]) -> None:
    path = fix_mistakes(labels, descending(len(labels)), policy="largest_ap_gain", steps=200)
    now = list(labels)
    for rank in path.rank_of_negative[: path.n_fixes]:
        # Of equal fractions the highest, so compare exactly.
        offers = [
            (Fraction(int(row.positives_above) + 1, int(row.rank_of_negative * (row.rank_of_negative + 1))), row)
            for row in mistakes(now, descending(len(now))).itertuples()
        ]
        best = max(offer[0] for offer in offers)
        assert rank == next(row.rank_of_negative for gain, row in offers if gain == best)
        now = fixed(now, rank - 1)


@pytest.mark.parametrize("seed", range(6))
def test_largest_gain_policy_stays_the_best_in_long_rankings_with_few_positives(seed: int) -> None:
    generator = np.random.default_rng(seed)
    now = generator.random(150) < 0.1
    path = fix_mistakes(now, descending(150), policy="largest_ap_gain", steps=400)
    passed_over_the_highest = 0
    for rank in path.rank_of_negative[: path.n_fixes]:
        offers = mistakes(now, descending(150)).set_index("rank_of_negative")["delta_ap"]
        assert offers[rank] == offers.max()
        passed_over_the_highest += rank != offers.index[0]
        now[[rank - 1, rank]] = now[[rank, rank - 1]]
    assert passed_over_the_highest > 0


def test_policies_part_on_the_counterexample() -> None:
    labels = [0, 0, 0, 0, 0, 1, 0, 1]
    assert fix_mistakes(labels, descending(8), policy="highest", steps=1).rank_of_negative.tolist() == [5]
    assert fix_mistakes(labels, descending(8), policy="largest_ap_gain", steps=1).rank_of_negative.tolist() == [7]


def test_random_policy_takes_every_mistake_equally_often() -> None:
    labels = [0, 1, 0, 1, 0, 0, 1, 0, 1]
    generator = np.random.default_rng(0)
    ranks = [
        fix_mistakes(labels, descending(9), steps=1, random_state=generator).rank_of_negative[0] for _ in range(4000)
    ]
    counts = pd.Series(ranks).value_counts()
    assert sorted(counts.index) == mistakes(labels, descending(9))["rank_of_negative"].tolist() == [1, 3, 6, 8]
    # Four binomial counts with mean 1000 and standard deviation 27.
    assert counts.between(1000 - 110, 1000 + 110).all()


@settings(deadline=None)
@given(rankings, st.integers(0, 3))
def test_every_policy_walks_the_same_auroc_line_to_a_perfect_ranking(labels: list[bool], seed: int) -> None:
    score = np.random.default_rng(seed).permutation(len(labels)) / 3
    pairs = sum(labels) * (len(labels) - sum(labels))
    n_possible = round((1 - auroc(labels, score)) * pairs)
    paths = [fix_mistakes(labels, score, policy=p, steps=n_possible + 3, random_state=seed) for p in POLICIES]
    for path in paths:
        assert (path.n_fixes, path.n_possible, path.perfect) == (n_possible, n_possible, True)
        assert path.auroc.tolist() == paths[0].auroc.tolist()
        assert path.auroc[[-1, -4]].tolist() == [1.0, 1.0]
        assert path.average_precision[-4:] == pytest.approx(1.0, abs=1e-14)
        assert np.diff(path.auroc[:-3]) == pytest.approx(1 / pairs, abs=1e-15)
        assert (np.diff(path.average_precision[:-3]) > 0).all()
        assert (path.average_precision[-3:] == path.average_precision[-4]).all()
    assert paths[0].average_precision[0] == pytest.approx(average_precision(labels, score), abs=1e-15)


@settings(deadline=None)
@given(grouped, st.integers(0, 3))
def test_only_fixes_within_a_group_move_its_auroc(rows: list[tuple[bool, str]], seed: int) -> None:
    y, groups = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    path = fix_mistakes(y, descending(len(rows)), steps=40, groups=groups, random_state=seed)
    moved = np.diff(path.group_auroc, axis=0)
    for step in range(path.n_fixes):
        first, second = groups[path.negative_row[step]], groups[path.positive_row[step]]
        for column, (name, row) in enumerate(path.by_group.iterrows()):
            if row["defined"]:
                expected = (first == second == name) / (row["n_positive"] * row["n_negative"])
                assert moved[step, column] == pytest.approx(expected, abs=1e-15)


def test_groups_with_one_class_are_shown_as_undefined() -> None:
    path = fix_mistakes([0, 1, 1, 0], [4, 3, 2, 1], policy="highest", steps=3, groups=["x", "x", "y", "z"])
    assert path.by_group["defined"].tolist() == [True, False, False]
    assert path.by_group["n_positive"].tolist() == [1, 1, 0]
    assert path.by_group["n_negative"].tolist() == [1, 0, 1]
    assert path.group_auroc[:, 0].tolist() == [0.0, 1.0, 1.0, 1.0]
    assert np.isnan(path.group_auroc[:, 1:]).all()
    assert np.isnan(path.group_average_precision[:, 1:]).all()
    # A positive of y passes the negative of x: a fix across groups.
    assert path.positive_row.tolist() == [1, 2, -1]
    assert (path.n_fixes, path.n_possible) == (2, 2)


def test_without_groups_there_are_no_group_columns() -> None:
    path = fix_mistakes([0, 1], [2, 1], steps=4)
    assert path.group_auroc.shape == path.group_average_precision.shape == (5, 0)
    assert path.by_group.empty
    assert path.by_group.columns.tolist() == ["n_positive", "n_negative", "defined"]


def test_no_steps_give_the_values_as_they_are() -> None:
    path = fix_mistakes([0, 1, 0, 1], [4, 3, 2, 1], steps=0)
    assert path.auroc.tolist() == [0.25]
    assert path.average_precision.tolist() == [0.5]
    assert path.order.tolist() == [0, 1, 2, 3]
    assert not path.perfect


def test_equal_seeds_give_equal_paths_and_other_seeds_do_not() -> None:
    y, score = np.arange(60) % 3 == 0, np.random.default_rng(0).random(60)

    def rows(seed: Any) -> list[int]:
        return fix_mistakes(y, score, steps=30, random_state=seed).negative_row.tolist()

    assert rows(3) == rows(3) == rows(np.random.default_rng(3))
    assert rows(3) != rows(4)
    assert rows(np.random.RandomState(3)) == rows(np.random.RandomState(3))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"policy": "highst", "steps": 1}, UnknownName, "unknown policy 'highst'; did you mean 'highest'"),
        ({"steps": -1}, ValueError, "steps must not be negative, got -1"),
        ({"steps": 2.5}, TypeError, "steps must be a whole number, got 2.5"),
        ({"steps": None}, TypeError, "steps must be a whole number, got None"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fix_mistakes([0, 1], [2, 1], **options)
