"""The two-class problems of the study and what the paper prints about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.data import Dataset, load, load_csv
from repro.protocol.experiment import Parameters

UNDER_LEVELS: Final = (5, 10, 15, 25, 50, 75, 100, 125, 150, 175, 200, 300, 400, 500, 600, 700, 800, 1000, 2000)
"""Under-sampling levels of the paper: the minority as a percentage of the majority that is left."""

THRESHOLDS: Final = (0.5, 0.45, 0.42, 0.4, 0.35, 0.32, 0.3, 0.27, 0.25, 0.22, 0.2, 0.17, 0.15, 0.12, 0.1, 0.05, 0.0)
"""Leaf thresholds of Figure 24."""

SMOTE_LEVELS: Final[Mapping[str, tuple[int, ...]]] = {
    "pima": (100,),
    "phoneme": (100, 200),
    "mammography": (100, 200, 300, 400, 500),
    "adult": (50, 100, 200, 300),
    "adult_continuous": (50, 100, 200, 300),
    "adult_continuous_sample": (50, 300),
    "simulated": (100, 200, 400),
    "breast_cancer": (100, 200),
}
"""Amounts of SMOTE in percent; the rows of Table 3 name those of Pima, Phoneme and Mammography."""

OTHER_LEVELS: Final = (100, 200, 300, 400, 500)
"""Amounts for a data set that is not in the paper."""

FIXED_LEVEL: Final[Mapping[str, int]] = {
    "pima": 100,
    "phoneme": 200,
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
    "mammography": {0: 9260, 100: 9250, 200: 9265, 300: 9311, 400: 9330, 500: 9304},
}
"""Published areas times 10,000 (Table 3, C4.5); level 0 is plain under-sampling."""

FEWEST_ROWS: Final = 10
ADULT_SAMPLE_ROWS: Final = 4000
SIMULATED_ROWS: Final = 1500
DERIVED: Final[Mapping[str, str | None]] = {
    "adult_continuous": "adult",
    "adult_continuous_sample": "adult",
    "simulated": None,
    "simulated_repeated": None,
}
"""Problems made from a registered data set, or from random numbers (None)."""


@dataclass(frozen=True)
class Problem:
    """Two classes in plain arrays.

    Attributes
    ----------
    name : str
        Name of the problem.
    X : ndarray of shape (n_samples, n_features), float64
        Features; nominal columns hold category codes.
    y : ndarray of shape (n_samples,), bool
        True for the minority.
    nominal : tuple of int
        Positions of the nominal columns.
    """

    name: str
    X: npt.NDArray[np.float64]
    y: npt.NDArray[np.bool_]
    nominal: tuple[int, ...] = ()

    @property
    def levels(self) -> tuple[int, ...]:
        """Amounts of SMOTE in percent that are run on this problem."""
        return SMOTE_LEVELS.get(self.name, OTHER_LEVELS)

    @property
    def fixed_level(self) -> int:
        """Amount of SMOTE that is fixed before running."""
        return FIXED_LEVEL.get(self.name, OTHER_FIXED_LEVEL)

    def with_permuted_labels(self, generator: np.random.Generator) -> Problem:
        """Return the same rows with the labels in random order: nothing can be learnt."""
        return replace(self, y=generator.permutation(self.y))

    def rows(self, index: npt.NDArray[np.intp]) -> Problem:
        """Return the problem restricted to the rows `index`."""
        return replace(self, X=self.X[index], y=self.y[index])


def registered_data(parameters: Parameters) -> tuple[str, ...]:
    """Names in the data registry that a cell reads."""
    if parameters.get("csv") is not None:
        return ()
    name = str(parameters["dataset"])
    source = DERIVED.get(name, name)
    return () if source is None else (source,)


def load_problem(parameters: Parameters) -> Problem:
    """Load the problem that the parameter ``dataset`` names, or the reader's own file under ``csv``.

    Parameters
    ----------
    parameters : mapping
        ``dataset``; for an own file ``csv`` (path), ``target`` (column) and ``positive`` (label or None). In a control
        ``stands_for`` gives a small embedded problem the name, and with it the levels, of the one it replaces.

    Raises
    ------
    ValueError
        If an own file holds missing or infinite values or does not have exactly two classes.
    """
    problem = _load(parameters)
    stands_for = parameters.get("stands_for")
    return problem if stands_for is None else replace(problem, name=str(stands_for))


def _load(parameters: Parameters) -> Problem:
    name = str(parameters["dataset"])
    if parameters.get("csv") is not None:
        positive = parameters.get("positive")
        return as_problem(load_csv(str(parameters["csv"]), str(parameters["target"]), positive), name=name)
    if name == "simulated":
        return simulated_problem(SIMULATED_ROWS)
    if name == "simulated_repeated":
        return _with_repeated_rows(simulated_problem(SIMULATED_ROWS), share=0.3)
    problem = as_problem(
        load(DERIVED.get(name) or name), name=name, continuous_only=name.startswith("adult_continuous")
    )
    if name == "adult_continuous_sample":
        generator = np.random.default_rng(48842)
        problem = problem.rows(np.sort(generator.choice(problem.y.size, ADULT_SAMPLE_ROWS, replace=False)))
    return problem


def as_problem(dataset: Dataset, *, name: str | None = None, continuous_only: bool = False) -> Problem:
    """Turn a loaded data set into plain arrays.

    Parameters
    ----------
    dataset : Dataset
        A data set with two classes.
    name : str or None
        Name of the problem; by default that of the data set.
    continuous_only : bool, default=False
        Leave nominal columns out.

    Raises
    ------
    ValueError
        If there are not exactly two classes, fewer than 10 rows of one of them, missing or infinite values, or if the
        positive class is the larger one.
    """
    features = dataset.features
    counts: dict[object, int] = dict(dataset.target.value_counts().items())
    if len(counts) != 2:
        raise ValueError(f"the sweep needs a target with two classes, found {len(counts)} in {dataset.name}")
    smaller = min(counts, key=lambda label: counts[label])
    if counts[smaller] < FEWEST_ROWS:
        raise ValueError(
            f"the sweep needs at least {FEWEST_ROWS} rows of each class, one a fold; "
            f"{dataset.name} has {counts[smaller]} of class {smaller!r}"
        )
    if counts[dataset.positive] > counts[smaller]:
        raise ValueError(
            f"positive must be the smaller class, SMOTE adds to it; {dataset.name} has {counts[dataset.positive]} rows "
            f"of {dataset.positive!r} and {counts[smaller]} of {smaller!r}"
        )
    nominal = [not pd.api.types.is_numeric_dtype(features[column]) for column in features.columns]
    columns: list[npt.NDArray[np.float64]] = []
    for column, is_nominal in zip(features.columns, nominal, strict=True):
        values = features[column]
        missing = int(values.isna().sum())
        if missing:
            raise ValueError(
                f"column {column!r} of {dataset.name} holds {missing} missing values; fill or drop them first"
            )
        codes = values.astype("category").cat.codes.to_numpy() if is_nominal else values.to_numpy()
        columns.append(np.asarray(codes, dtype=np.float64))
        if not np.isfinite(columns[-1]).all():
            raise ValueError(f"column {column!r} of {dataset.name} holds infinite values")
    keep = [position for position, flag in enumerate(nominal) if not (flag and continuous_only)]
    X = np.ascontiguousarray(np.column_stack([columns[position] for position in keep]))
    return Problem(
        name or dataset.name,
        X,
        np.asarray(dataset.is_positive, dtype=bool),
        tuple(new for new, old in enumerate(keep) if nominal[old]),
    )


def simulated_problem(n_rows: int, *, minority_share: float = 0.07, seed: int = 16) -> Problem:
    """Simulate a broad majority that holds three small clusters of the minority, in five columns.

    The minority's clusters lie inside the majority's cloud, so the classes overlap and no single cut
    separates them: a situation that SMOTE is made for.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    minority_share : float, default=0.07
        Share of the minority.
    seed : int, default=16
        Seed of the simulation.
    """
    generator = np.random.default_rng(seed)
    n_minority = round(n_rows * minority_share)
    centres = np.array([[1.6, 0.0, 0.6, 0.0, 0.0], [-1.2, 1.4, 0.0, 0.6, 0.0], [0.0, -1.6, -0.6, 0.0, 0.6]])
    minority = centres[generator.integers(3, size=n_minority)] + generator.normal(scale=0.55, size=(n_minority, 5))
    majority = generator.normal(scale=1.3, size=(n_rows - n_minority, 5))
    y = np.repeat([True, False], [n_minority, n_rows - n_minority])
    order = generator.permutation(n_rows)
    return Problem("simulated", np.vstack([minority, majority])[order], y[order])


def _with_repeated_rows(problem: Problem, *, share: float) -> Problem:
    """Append exact copies of randomly drawn rows until they make up `share` of all rows."""
    generator = np.random.default_rng(30)
    n_copies = round(problem.y.size * share / (1 - share))
    copies = generator.integers(problem.y.size, size=n_copies)
    return replace(problem.rows(np.concatenate([np.arange(problem.y.size), copies])), name="simulated_repeated")
