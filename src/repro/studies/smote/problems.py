"""The levels that the paper runs on each data set, and what it prints about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from repro.protocol.experiment import Parameters
from repro.trials.table_tasks import BinaryTask, task_of

UNDER_LEVELS: Final = (5, 10, 15, 25, 50, 75, 100, 125, 150, 175, 200, 300, 400, 500, 600, 700, 800, 1000, 2000)
"""Under-sampling levels of the paper: the minority as a percentage of the majority that is left."""

THRESHOLDS: Final = (0.5, 0.45, 0.42, 0.4, 0.35, 0.32, 0.3, 0.27, 0.25, 0.22, 0.2, 0.17, 0.15, 0.12, 0.1, 0.05, 0.0)
"""Leaf thresholds of Figure 24."""

SMOTE_LEVELS: Final[Mapping[str, tuple[int, ...]]] = {
    "pima": (100,),
    "phoneme": (100, 200),
    "satimage": (100, 200, 300, 400, 500),
    "forest_cover": (100, 200, 300, 400, 500),
    "oil_spill": (100, 200, 300, 400, 500),
    "mammography": (100, 200, 300, 400, 500),
    "adult": (50, 100, 200, 300),
    "adult_continuous": (50, 100, 200, 300),
    "adult_continuous_sample": (50, 300),
    "simulated": (100, 200, 400),
    "breast_cancer": (100, 200),
}
"""Amounts of SMOTE in percent; the rows of Table 3 name those of its data sets."""

OTHER_LEVELS: Final = (100, 200, 300, 400, 500)
"""Amounts for a data set that is not in the paper."""

FIXED_LEVEL: Final[Mapping[str, int]] = {
    "pima": 100,
    "phoneme": 200,
    "satimage": 200,
    "forest_cover": 300,
    "oil_spill": 500,
    "mammography": 400,
    "adult": 50,
    "adult_continuous": 50,
    "adult_continuous_sample": 50,
}
"""The level of SMOTE that is fixed before running: the one that the paper's figures call best."""

OTHER_FIXED_LEVEL: Final = 200

TABLE_3: Final[Mapping[str, Mapping[int, int]]] = {
    "pima": {0: 7242, 100: 7307},
    "phoneme": {0: 8622, 100: 8644, 200: 8661},
    "satimage": {0: 8900, 100: 8957, 200: 8979, 300: 8963, 400: 8975, 500: 8960},
    "forest_cover": {0: 9807, 100: 9832, 200: 9834, 300: 9849, 400: 9841, 500: 9842},
    "oil_spill": {0: 8524, 100: 8523, 200: 8368, 300: 8161, 400: 8339, 500: 8537},
    "mammography": {0: 9260, 100: 9250, 200: 9265, 300: 9311, 400: 9330, 500: 9304},
}
"""Published areas times 10,000 (Table 3, C4.5; the rows E-state and Can are left out, their data were never public).

Level 0 is plain under-sampling.
"""


def levels_of(problem: BinaryTask) -> tuple[int, ...]:
    """Amounts of SMOTE in percent that are run on a problem."""
    return SMOTE_LEVELS.get(problem.name, OTHER_LEVELS)


def fixed_level(problem: BinaryTask) -> int:
    """Amount of SMOTE that is fixed before running."""
    return FIXED_LEVEL.get(problem.name, OTHER_FIXED_LEVEL)


def load_problem(parameters: Parameters) -> BinaryTask:
    """Load the task of a cell (:func:`repro.trials.table_tasks.task_of`).

    In a control the parameter ``stands_for`` gives a small embedded problem the name, and with it the levels, of the
    one it replaces.
    """
    problem = task_of(parameters)
    stands_for = parameters.get("stands_for")
    return problem if stands_for is None else replace(problem, name=str(stands_for))
