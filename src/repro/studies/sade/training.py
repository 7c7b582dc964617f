"""How networks are trained on CIFAR-100-LT, and under what names trained ones are kept."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from repro.data import long_tail_counts
from repro.protocol.experiment import Cell, canonical_json
from repro.trials import (
    LONG_TAIL_METHODS,
    LONG_TAIL_PUBLISHED,
    LONG_TAIL_SHORT,
    ImageTask,
    Keeping,
    Method,
    Recipe,
    Seeds,
    long_tailed,
    named,
)

COLUMNS: Final = ("recipe", "ratio", "test_set", "method", "class_label")
"""Setting columns of the table."""

MEAN: Final = (0.4914, 0.4822, 0.4465)
DEVIATION: Final = (0.2023, 0.1994, 0.2010)
N_CLASSES: Final = 100
LARGEST: Final = 500

RECIPES: Final[Mapping[str, Recipe]] = {"published": LONG_TAIL_PUBLISHED, "short": LONG_TAIL_SHORT}
"""200 epochs as published, or the 40 epochs that fit on two cores."""

SEVERAL_EXPERTS: Final = ("sade", "three_balanced", "ride")

ROOTS: Final[Mapping[int, int]] = {2107: 2022}
"""Roots of the seeds of trainings that are records, where they are not the seed of the experiment."""


@cache
def counts_of(ratio: int) -> npt.NDArray[np.int64]:
    """Training images of every class of CIFAR-100-LT."""
    return long_tail_counts(LARGEST, N_CLASSES, ratio)


def task_of(cell: Cell) -> ImageTask:
    """CIFAR-100-LT with the ratio of a cell: the rule of the published subset on our order of the images."""
    return long_tailed("cifar100", LARGEST, cell.whole("ratio"), MEAN, DEVIATION)


def method_of(cell: Cell) -> Method:
    """Network and loss of a cell.

    Raises
    ------
    UnknownName
        If there is no such method.
    """
    return named("method", cell.text("method"), LONG_TAIL_METHODS)


def recipe_of(cell: Cell) -> Recipe:
    """Recipe of a cell.

    Raises
    ------
    UnknownName
        If there is no such recipe.
    """
    return named("recipe", cell.text("recipe"), RECIPES)


def seeds_of(cell: Cell) -> Seeds:
    """Seeds of initial weights, order and augmentation; the training set is the same for all seeds."""
    root = np.random.SeedSequence([ROOTS.get(cell.seed, cell.seed), cell.whole("seed")])
    return Seeds(*(int(one.generate_state(1, np.uint64)[0] >> np.uint64(1)) for one in root.spawn(2)))


def keeping_of(cell: Cell) -> Keeping:
    """Name under which the network of a cell is kept: it is a record of a training of hours."""
    told = {"method": cell.text("method"), "ratio": cell.whole("ratio"), "recipe": cell.text("recipe")}
    label = "{method}-ir{ratio}-{recipe}".format(**told) + f"-seed{cell.whole('seed')}"
    earlier = canonical_json({**told, "seed": cell.whole("seed"), "version": 1})
    return Keeping(f"sade/{label}", record=True, earlier=earlier)
