"""Partitions of the rows of a task, and the seeds of what is repeated inside a cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from repro.protocol.experiment import Cell, child_seed

Positions = npt.NDArray[np.intp]
Labels = npt.NDArray[Any]
Folds = Sequence[tuple[Positions, Positions]]

FOLDS: Final = 10
ATTEMPTS: Final = 1000
"""How often a test part is drawn anew while a class is missing on one side."""


def repetitions(cell: Cell, count: str) -> Iterator[tuple[int, np.random.SeedSequence]]:
    """Yield the number and the seed of each repetition inside a cell; more repetitions do not move the first ones.

    Parameters
    ----------
    cell : Cell
        A parameter ``batch``, where it has one, counts the cells before it: numbers go on from theirs.
    count : str
        Name of the parameter that says how many there are.
    """
    number = cell.whole(count)
    first = number * cell.whole("batch") if "batch" in cell.parameters else 0
    yield from enumerate(cell.seed_sequence().spawn(number), start=first)


def stratified_folds(
    y: Labels, seed: np.random.SeedSequence, n_folds: int = FOLDS, *, groups: Positions | None = None
) -> Iterator[tuple[int, Positions, Positions]]:
    """Yield number, training rows and test rows of stratified folds.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Labels.
    seed : SeedSequence
        Seed of the partition.
    n_folds : int, default=10
    groups : ndarray of shape (n_rows,) or None
        Rows of one group stay in one fold; the shares of the classes are then kept as far as groups allow.

    Raises
    ------
    ValueError
        If a class has fewer rows than there are folds, or there is only one class.
    """
    labels, counts = np.unique(y, return_counts=True)
    if labels.size < 2:
        raise ValueError(f"y must hold at least two classes, found only {labels.tolist()}")
    if counts.min() < n_folds:
        raise ValueError(
            f"n_folds must be at most the rows of the smallest class, {counts.min()} of "
            f"{labels.tolist()[int(counts.argmin())]!r}, got {n_folds}"
        )
    splitter = (StratifiedKFold if groups is None else StratifiedGroupKFold)(
        n_folds, shuffle=True, random_state=int(seed.generate_state(1)[0])
    )
    for number, (train, test) in enumerate(splitter.split(np.empty(y.size), y, groups)):
        yield number, train, test


def stratified_partitions(
    y: Labels, n_partitions: int, seed: np.random.SeedSequence, n_folds: int = FOLDS
) -> Iterator[tuple[int, int, Positions, Positions]]:
    """Yield partition, fold, training rows and test rows of several stratified partitions, each with a seed of its own.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Labels.
    n_partitions : int
    seed : SeedSequence
        Partition k is that of its child k, so further ones do not move the first.
    n_folds : int, default=10
    """
    for partition in range(n_partitions):
        for number, train, test in stratified_folds(y, child_seed(seed, partition), n_folds):
            yield partition, number, train, test


def shuffled_folds(
    n_rows: int, generator: np.random.Generator, n_folds: int, *, groups: Positions | None = None
) -> Folds:
    """Random folds of equal size, not stratified; whole groups where there are any."""
    state = int(generator.integers(2**31))
    splitter = (KFold if groups is None else GroupKFold)(n_folds, shuffle=True, random_state=state)
    return list(splitter.split(np.empty(n_rows), groups=groups))


def held_out(
    y: Positions, generator: np.random.Generator, share: float, *, groups: Positions | None = None
) -> tuple[Positions, Positions]:
    """Draw a share of the rows, or of the groups, as test part; again until both parts hold every class.

    Parameters
    ----------
    y : ndarray of shape (n_rows,), intp
        Classes from 0.
    generator : Generator
    share : float
        Of the rows, between 0 and 1.
    groups : ndarray of shape (n_rows,) or None
        Rows of one group stay on one side.

    Returns
    -------
    train, test : ndarray of intp

    Raises
    ------
    ValueError
        If no draw had every class on both sides, for example because one has a single row.
    """
    units = np.arange(y.size) if groups is None else groups
    every = np.unique(units)
    n_classes = int(y.max()) + 1
    for _ in range(ATTEMPTS):
        test = np.isin(units, generator.permutation(every)[: round(share * every.size)])
        if all(np.bincount(y[part], minlength=n_classes).all() for part in (test, ~test)):
            return np.flatnonzero(~test), np.flatnonzero(test)
    counts = np.bincount(y, minlength=n_classes).tolist()
    raise ValueError(
        f"no test part with a share of {share} in {ATTEMPTS} draws left every class on both sides; rows of the "
        f"classes: {counts}"
    )
