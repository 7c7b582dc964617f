"""Tables as tasks: named rows in plain arrays, with the checks that a method for imbalanced classes needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Generic, Literal, Self, TypeVar, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.data import Dataset, load, load_csv, names
from repro.ground.exceptions import UnknownName
from repro.protocol.experiment import Parameters

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]
Label = TypeVar("Label", bound=np.generic)

NominalColumns = Literal["codes", "one_hot", "dummies", "left_out"]
"""What becomes of nominal columns: category codes, a 0/1 column for each level, the same without the first level, or
nothing."""

FEWEST_ROWS: Final = 10
"""Rows that each class must have, one for each of ten folds."""

ADULT_SAMPLE_ROWS: Final = 4000
SIMULATED_ROWS: Final = 1500


@dataclass(frozen=True, eq=False)
class TableTask(Generic[Label]):
    """Rows with labels in plain arrays.

    Attributes
    ----------
    name : str
        Name of the task.
    X : ndarray of shape (n_rows, n_features), float64
        Features; nominal columns hold category codes.
    y : ndarray of shape (n_rows,), bool or intp
        True for the minority, or classes from 0.
    nominal : tuple of int
        Positions of the nominal columns.
    groups : ndarray of shape (n_rows,), intp, or None
        Rows of one group belong together, for example to the same person.
    """

    name: str
    X: Floats
    y: npt.NDArray[Label]
    nominal: tuple[int, ...] = ()
    groups: Positions | None = None

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.y.max()) + 1

    def rows(self, index: npt.NDArray[Any]) -> Self:
        """Return the task restricted to the rows `index`, whole numbers or flags."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: value[index] for name, value in values.items() if isinstance(value, np.ndarray)})

    def with_permuted_labels(self, generator: np.random.Generator) -> Self:
        """Return the same rows with the labels in random order: nothing can be learnt."""
        return replace(self, y=generator.permutation(self.y))


BinaryTask = TableTask[np.bool_]
"""Two classes; True is the minority."""

ClassTask = TableTask[np.intp]
"""Classes from 0, in their order where they have one."""


def numeric_matrix(
    features: pd.DataFrame, nominal: NominalColumns = "codes", *, source: str = "the table"
) -> tuple[Floats, tuple[int, ...]]:
    """Turn columns into numbers.

    Parameters
    ----------
    features : DataFrame of shape (n_rows, n_columns)
    nominal : {"codes", "one_hot", "dummies", "left_out"}, default="codes"
        What becomes of columns that hold no numbers. Codes count from 0 in the order of the categories that occur.
    source : str, default="the table"
        How errors name the table.

    Returns
    -------
    X : ndarray of shape (n_rows, n_features), float64
        In the order of the columns.
    positions : tuple of int
        Features that hold category codes.

    Raises
    ------
    ValueError
        If a column that is kept holds missing or infinite values, or none is kept.
    """
    if nominal not in get_args(NominalColumns):
        raise UnknownName("treatment of nominal columns", nominal, get_args(NominalColumns))
    blocks: list[Floats] = []
    positions: list[int] = []
    for column in features.columns:
        values = features[column]
        is_nominal = not pd.api.types.is_numeric_dtype(values)
        if is_nominal and nominal == "left_out":
            continue
        missing = int(values.isna().sum())
        if missing:
            raise ValueError(f"column {column!r} of {source} holds {missing} missing values; fill or drop them first")
        if is_nominal:
            values = values.astype("category").cat.remove_unused_categories()
        if is_nominal and nominal != "codes":
            block = pd.get_dummies(values, drop_first=nominal == "dummies").to_numpy(dtype=np.float64)
        else:
            block = np.asarray(values.cat.codes if is_nominal else values, dtype=np.float64)[:, np.newaxis]
            if is_nominal:
                positions.append(sum(found.shape[1] for found in blocks))
        if not np.isfinite(block).all():
            raise ValueError(f"column {column!r} of {source} holds infinite values")
        blocks.append(block)
    if not sum(block.shape[1] for block in blocks):
        raise ValueError(f"{source} has no column of numbers, and nominal columns are {nominal.replace('_', ' ')}")
    return np.ascontiguousarray(np.hstack(blocks)), tuple(positions)


def as_task(
    dataset: Dataset,
    *,
    name: str | None = None,
    nominal: NominalColumns = "codes",
    fewest: int = FEWEST_ROWS,
    imbalanced: bool = True,
) -> BinaryTask:
    """Turn a data set with two classes into plain arrays.

    Parameters
    ----------
    dataset : Dataset
        Its positive class becomes True.
    name : str or None
        Name of the task; by default that of the data set.
    nominal : {"codes", "one_hot", "dummies", "left_out"}, default="codes"
        As in :func:`numeric_matrix`.
    fewest : int, default=10
        Rows that each class must have.
    imbalanced : bool, default=True
        Whether the positive class must be a minority.

    Raises
    ------
    ValueError
        If there are not exactly two classes or too few rows of one of them, if a minority is asked for and the positive
        class is none, or if a column holds missing or infinite values.
    """
    counts: dict[object, int] = dict(dataset.target.value_counts().items())
    if len(counts) != 2:
        raise ValueError(f"the task needs a target with two classes, found {len(counts)} in {dataset.name}")
    smaller, larger = sorted(counts, key=lambda label: counts[label])
    if counts[smaller] < fewest:
        raise ValueError(
            f"the task needs at least {fewest} rows of each class; "
            f"{dataset.name} has {counts[smaller]} of class {smaller!r}"
        )
    if imbalanced and counts[smaller] == counts[larger]:
        raise ValueError(
            f"the task needs a minority; both classes of {dataset.name} have {counts[smaller]} rows, "
            f"{smaller!r} and {larger!r}"
        )
    if imbalanced and dataset.positive == larger:
        raise ValueError(
            f"positive must be the smaller class; {dataset.name} has {counts[larger]} rows of {larger!r} "
            f"and {counts[smaller]} of {smaller!r}"
        )
    X, positions = numeric_matrix(dataset.features, nominal, source=dataset.name)
    return TableTask(name or dataset.name, X, np.asarray(dataset.is_positive, dtype=bool), positions)


def simulated_task(n_rows: int, *, minority_share: float = 0.07, seed: int = 16) -> BinaryTask:
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
    return TableTask("simulated", np.vstack([minority, majority])[order], y[order])


def with_repeated_rows(task: BinaryTask, share: float) -> BinaryTask:
    """Append exact copies of randomly drawn rows until they make up `share` of all rows."""
    generator = np.random.default_rng(30)
    n_copies = round(task.y.size * share / (1 - share))
    copies = generator.integers(task.y.size, size=n_copies)
    return task.rows(np.concatenate([np.arange(task.y.size), copies]))


def row_groups(task: BinaryTask) -> Positions:
    """Give equal feature vectors the same number, shape (n_rows,)."""
    return np.asarray(np.unique(task.X, axis=0, return_inverse=True)[1].ravel())


def distinct_rows(task: BinaryTask) -> BinaryTask:
    """First copy of every distinct pair of feature vector and label, in the order of the rows."""
    labelled = np.column_stack([task.X, task.y])
    return task.rows(np.sort(np.unique(labelled, axis=0, return_index=True)[1]))


def _adult_continuous_sample() -> BinaryTask:
    task = as_task(load("adult"), nominal="left_out")
    generator = np.random.default_rng(48842)
    return task.rows(np.sort(generator.choice(task.y.size, ADULT_SAMPLE_ROWS, replace=False)))


@dataclass(frozen=True)
class _Derived:
    make: Callable[[], BinaryTask]
    source: str | None


DERIVED: Final[Mapping[str, _Derived]] = {
    "adult_continuous": _Derived(lambda: as_task(load("adult"), nominal="left_out"), "adult"),
    "adult_continuous_sample": _Derived(_adult_continuous_sample, "adult"),
    "simulated": _Derived(lambda: simulated_task(SIMULATED_ROWS), None),
    "simulated_repeated": _Derived(lambda: with_repeated_rows(simulated_task(SIMULATED_ROWS), 0.3), None),
}
"""Tasks made from a registered data set, or from random numbers. All other names are those of the registry."""


def table_task(name: str) -> BinaryTask:
    """Give the task of a name: one of :data:`DERIVED`, or a registered table with two classes.

    Raises
    ------
    UnknownName
        If there is no such task; the message suggests the nearest.
    DataUnavailable
        If its data are nowhere to be found.
    ValueError
        If the table has no minority class, as in :func:`as_task`.
    """
    if name in DERIVED:
        return replace(DERIVED[name].make(), name=name)
    if name not in names():
        raise UnknownName("table task", name, [*DERIVED, *names()])
    return as_task(load(name), name=name)


def task_of(parameters: Parameters) -> BinaryTask:
    """Give the task that the parameters of a cell ask for.

    Parameters
    ----------
    parameters : mapping
        ``dataset``, a name for :func:`table_task`; for the reader's own file ``csv`` (path), ``target`` (column) and
        ``positive`` (label or None), and ``dataset`` only names it.
    """
    name = str(parameters["dataset"])
    if parameters.get("csv") is None:
        return table_task(name)
    return as_task(load_csv(str(parameters["csv"]), str(parameters["target"]), parameters.get("positive")), name=name)


def data_of_task(parameters: Parameters) -> tuple[str, ...]:
    """Names in the data registry that :func:`task_of` reads, for ``Experiment(datasets=...)``."""
    if parameters.get("csv") is not None:
        return ()
    name = str(parameters["dataset"])
    source = DERIVED[name].source if name in DERIVED else name
    return () if source is None else (source,)
