"""A reader's own files, as experiments of several studies ask for them and read them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.data import load_csv, own_file
from repro.protocol.experiment import Parameters
from repro.protocol.own_data import OwnArgument, OwnFile, names_in
from repro.trials.table_tasks import FEWEST_ROWS, ClassTask, TableTask, numeric_matrix

CSV: Final = OwnArgument("csv", "FILE", "your CSV file", "file", required=True)
TARGET: Final = OwnArgument("target", "COLUMN", "the column with the class", required=True)
POSITIVE: Final = OwnArgument("positive", "LABEL", "the label of the positive class")
SCORE: Final = OwnArgument("score", "COLUMN", "the column with the model's score", required=True)
GROUP: Final = OwnArgument("group", "COLUMN", "the column with the group of each row")

TABLE_ARGUMENTS: Final = (CSV, TARGET, POSITIVE)
"""A table of features with a class; without ``positive`` the rarer class is it."""

ORDER: Final = OwnArgument("order", "A,B,C", "the classes in their order, the rare one last", "list", required=True)

ORDERED_ARGUMENTS: Final = (CSV, TARGET, ORDER)
"""A table of features with three or more classes in an order."""

SCORE_ARGUMENTS: Final = (CSV, TARGET, SCORE, GROUP, POSITIVE)
"""Scores of a model with the true class, and perhaps a group."""

CONVENTIONS: Final = ({"0", "1"}, {"-1", "1"}, {"0.0", "1.0"}, {"-1.0", "1.0"}, {"false", "true"})
"""Labels of two classes that say themselves which is the positive one."""


def _text(parameters: Parameters, name: str) -> str | None:
    value = parameters.get(name)
    return None if value is None else str(value)


def own_table(parameters: Parameters) -> OwnFile:
    """Read the file of :data:`TABLE_ARGUMENTS`; parameters and errors as in :func:`repro.data.load_csv`."""
    return own_file(load_csv(str(parameters["csv"]), str(parameters["target"]), _text(parameters, "positive")))


@dataclass(frozen=True, eq=False)
class OwnScores:
    """Scores of a reader's model.

    Attributes
    ----------
    positive : ndarray of shape (n,), bool
    score : ndarray of shape (n,), float64
    group : ndarray of shape (n,), of str, or None
    file : OwnFile
        Checksum, and remarks on how the file was read.
    """

    positive: npt.NDArray[np.bool_]
    score: npt.NDArray[np.float64]
    group: npt.NDArray[Any] | None
    file: OwnFile


def own_scores(parameters: Parameters) -> OwnScores:
    """Read scores, classes and groups from the file of :data:`SCORE_ARGUMENTS`; no other column is looked at.

    Without ``positive``, 1 or true is the positive class where the labels are :data:`CONVENTIONS`, else the rarer one:
    a score is usually that of class 1, whichever is rarer.

    Raises
    ------
    FileNotFoundError, UnknownName, ValueError
        As :func:`repro.data.load_csv`. ValueError also if there is one class only, a score is missing, infinite or no
        number, or a group is missing; the message names column and file.
    """
    path, target, score = (str(parameters[name]) for name in ("csv", "target", "score"))
    group, positive = _text(parameters, "group"), _text(parameters, "positive")
    columns = [score] if group is None else [score, group]
    loaded = load_csv(path, target, positive, columns=columns)
    labels = set(loaded.metadata.class_counts)
    by_convention = [label for label in labels if str(label).casefold() in ("1", "1.0", "true")]
    said = []
    if positive is None and len(by_convention) == 1 and {str(label).casefold() for label in labels} in CONVENTIONS:
        loaded = load_csv(path, target, str(by_convention[0]), columns=columns)
        said.append(f"{by_convention[0]!r} is taken as the positive class, as such labels are usually meant")
    if loaded.positive is None:
        raise ValueError(
            f"{path}: column {target!r} holds one class only, {next(iter(labels))!r}; scores are compared between two"
        )
    found = loaded.features[score]
    if not pd.api.types.is_numeric_dtype(found):
        texts = [str(value) for value in found.dropna().unique()[:3]]
        raise ValueError(
            f"{path}: score must be a column of numbers, but {score!r} holds {', '.join(map(repr, texts))}"
        )
    names = None if group is None else loaded.features[group]
    for name, column in (("score", found), ("group", names)):
        if column is not None and column.isna().any():
            raise ValueError(
                f"{path}: {name} must have no missing values, column {column.name!r} lacks {int(column.isna().sum())} "
                f"of {len(column)}, the first in row {int(column.isna().to_numpy().argmax()) + 1} after the header"
            )
    numbers = found.to_numpy(dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError(
            f"{path}: score must be finite, column {score!r} holds {int(np.isinf(numbers).sum())} infinite"
        )
    used = own_file(replace(loaded, metadata=replace(loaded.metadata, repeated_rows=0)))  # equal scores are no copies
    tied = int(found.duplicated(keep=False).sum())
    said += used.remarks
    if tied:
        said.append(f"{tied} of {len(found)} rows share their score with another row; such ties count half")
    return OwnScores(
        loaded.is_positive,
        numbers,
        None if names is None else names.astype(str).to_numpy(),
        OwnFile(used.checksum, said),
    )


def _label_text(label: object) -> str:
    return f"{label:g}" if isinstance(label, float) else str(label)


def own_classes(parameters: Parameters) -> tuple[ClassTask, OwnFile]:
    """Read a table with ordered classes from the file of :data:`ORDERED_ARGUMENTS`.

    Columns of text become a 0/1 column for each value but the first; constant columns are left out.

    Raises
    ------
    FileNotFoundError, UnknownName, ValueError
        As :func:`repro.data.load_csv`. ValueError also if the order repeats, misses or adds a class, there are fewer
        than three, a class has fewer than ten rows, or a column holds missing values.
    """
    path, target, order = str(parameters["csv"]), str(parameters["target"]), names_in(str(parameters["order"]))
    loaded = load_csv(path, target)
    counts = {_label_text(label): count for label, count in loaded.metadata.class_counts.items()}
    repeated = sorted({name for name in order if order.count(name) > 1})
    missing, added = [name for name in counts if name not in order], [name for name in order if name not in counts]
    problems = [
        f"{verb} {', '.join(map(repr, names))}"
        for verb, names in (("names twice", repeated), ("misses", missing), ("adds", added))
        if names
    ]
    if problems:
        there = ", ".join(f"{name} ({count} rows)" for name, count in counts.items())
        raise ValueError(
            f"order must name each class of column {target!r} once: it {', '.join(problems)}. It has {there}"
        )
    if len(order) < 3:
        raise ValueError(f"{path}: classes in an order are at least 3, column {target!r} has {len(order)}")
    few = [f"{name!r} has {counts[name]}" for name in order if counts[name] < FEWEST_ROWS]
    if few:
        raise ValueError(f"{path}: each class needs at least {FEWEST_ROWS} rows, {', '.join(few)}")
    X, _ = numeric_matrix(loaded.features, "dummies", source=path)
    varying = np.ptp(X, axis=0) > 0
    if not varying.any():
        raise ValueError(f"{path}: no column beside {target!r} varies")
    places = {name: place for place, name in enumerate(order)}
    y = np.array([places[_label_text(label)] for label in loaded.target], dtype=np.intp)
    used = own_file(loaded)
    said = [remark for remark in used.remarks if "positive" not in remark]  # the order says which class is rare
    if counts[order[-1]] > min(counts.values()):
        rarest = min(counts, key=lambda name: counts[name])
        said.append(f"the last class, {order[-1]!r}, is not the rarest: {rarest!r} has {counts[rarest]} rows")
    return TableTask(Path(path).name, X[:, varying], y), OwnFile(used.checksum, said)
