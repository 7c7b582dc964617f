"""Partitions against scikit-learn's own splitters, and the seeds of repetitions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

from repro.protocol.experiment import Cell
from repro.trials.folds import held_out, repetitions, shuffled_folds, stratified_folds, stratified_partitions
from repro.trials.table_tasks import row_groups, table_task

SEED = np.random.SeedSequence(3)
LABELS = np.arange(400) % 20 < 3


def test_stratified_folds_are_those_of_scikit_learn_and_keep_the_shares() -> None:
    state = int(SEED.generate_state(1)[0])
    expected = list(StratifiedKFold(10, shuffle=True, random_state=state).split(np.zeros((400, 1)), LABELS))
    found = list(stratified_folds(LABELS, SEED))
    assert [number for number, _, _ in found] == list(range(10))
    for (_, train, test), (train_too, test_too) in zip(found, expected, strict=True):
        assert np.array_equal(train, train_too)
        assert np.array_equal(test, test_too)
        assert LABELS[test].sum() == 6


def test_copies_of_a_row_stay_in_one_fold() -> None:
    repeated = table_task("simulated_repeated")
    tests = []
    for _, train, test in stratified_folds(repeated.y, SEED, groups=row_groups(repeated)):
        seen = {tuple(row) for row in repeated.X[train]}
        assert not any(tuple(row) in seen for row in repeated.X[test])
        tests.append(test)
    assert np.array_equal(np.sort(np.concatenate(tests)), np.arange(repeated.y.size))


def test_more_folds_than_rows_of_a_class_or_a_single_class_are_refused() -> None:
    with pytest.raises(ValueError, match=r"rows of the smallest class, 4 of True, got 5"):
        next(stratified_folds(np.arange(40) < 4, SEED, 5))
    with pytest.raises(ValueError, match=r"at least two classes, found only \[False\]"):
        next(stratified_folds(np.zeros(40, dtype=bool), SEED))


def test_further_partitions_do_not_move_the_first_ones() -> None:
    two = list(stratified_partitions(LABELS, 2, SEED, 5))
    three = list(stratified_partitions(LABELS, 3, SEED, 5))
    assert [(partition, number) for partition, number, _, _ in three] == [(p, n) for p in range(3) for n in range(5)]
    for first, again in zip(two, three[:10], strict=True):
        assert np.array_equal(first[3], again[3])
    assert not np.array_equal(three[0][3], three[5][3])


def test_shuffled_folds_are_those_of_scikit_learn() -> None:
    groups = np.repeat(np.arange(25), 4)
    state = int(np.random.default_rng(0).integers(2**31))
    plain = KFold(5, shuffle=True, random_state=state).split(np.zeros(103))
    grouped = GroupKFold(5, shuffle=True, random_state=state).split(np.zeros(100), groups=groups)
    for found, expected in (
        (shuffled_folds(103, np.random.default_rng(0), 5), plain),
        (shuffled_folds(100, np.random.default_rng(0), 5, groups=groups), grouped),
    ):
        for (train, test), (train_too, test_too) in zip(found, expected, strict=True):
            assert np.array_equal(train, train_too)
            assert np.array_equal(test, test_too)


def test_a_held_out_part_has_the_share_and_every_class() -> None:
    y = np.array([0] * 180 + [1] * 17 + [2] * 3)
    for seed in range(20):
        train, test = held_out(y, np.random.default_rng(seed), 0.1)
        assert (train.size, test.size) == (180, 20)
        assert sorted([*train, *test]) == list(range(200))
        assert set(y[train]) == set(y[test]) == {0, 1, 2}


def test_groups_are_held_out_whole() -> None:
    groups = np.repeat(np.arange(60), 10)
    y = np.random.default_rng(0).integers(0, 3, 600)
    train, test = held_out(y, np.random.default_rng(1), 0.1, groups=groups)
    assert not set(groups[train]) & set(groups[test])
    assert np.unique(groups[test]).size == 6


def test_a_class_of_one_row_cannot_be_on_both_sides() -> None:
    with pytest.raises(ValueError, match=r"every class on both sides; rows of the classes: \[39, 1\]"):
        held_out(np.arange(40) // 39, np.random.default_rng(0), 0.5)


def test_repetitions_are_numbered_on_from_batch_to_batch_and_seeded_by_the_cell() -> None:
    cell = Cell("study.numbers", {"batch": 2, "splits": 3}, 7)
    found = list(repetitions(cell, "splits"))
    assert [number for number, _ in found] == [6, 7, 8]
    for (_, seed), child in zip(found, cell.seed_sequence().spawn(3), strict=True):
        assert seed.generate_state(4).tolist() == child.generate_state(4).tolist()
    alone = Cell("study.numbers", {"splits": 2}, 7)
    assert [number for number, _ in repetitions(alone, "splits")] == [0, 1]
    with pytest.raises(KeyError, match="no parameter 'draws'"):
        list(repetitions(alone, "draws"))
