"""A reader's own files, as experiments of several studies ask for them and read them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.data import Dataset, counted, csv_lines, load_csv, own_file
from repro.protocol.experiment import Parameters
from repro.protocol.own_data import OwnArgument, OwnFile, names_in
from repro.trials.table_tasks import FEWEST_ROWS, BinaryTask, ClassTask, TableTask, numeric_matrix

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

MOST_NAMED: Final = 6
"""Labels or columns that a message names."""

SMALLEST: Final = 1e-50
LARGEST: Final = 1e50
"""Range within which a column of numbers may vary: its squares and their squares have to fit into a float."""

CONVENTIONS: Final = ({"0", "1"}, {"-1", "1"}, {"0.0", "1.0"}, {"-1.0", "1.0"}, {"false", "true"})
"""Labels of two classes that say themselves which is the positive one."""


def _text(parameters: Parameters, name: str) -> str | None:
    value = parameters.get(name)
    return None if value is None else str(value)


def own_table(parameters: Parameters) -> OwnFile:
    """Read the file of :data:`TABLE_ARGUMENTS`, a table with two labels.

    Raises
    ------
    FileNotFoundError, UnknownName, ValueError
        As :func:`repro.data.load_csv`. ValueError also if there are more than two labels, or a column cannot be used.
    """
    path, target = str(parameters["csv"]), str(parameters["target"])
    loaded = load_csv(path, target, _text(parameters, "positive"))
    counts = loaded.metadata.class_counts
    if len(counts) > 2:
        raise ValueError(
            f"{path}: column {target!r} must have two classes, it has {_labels(counts)}; leave rows out, or give "
            "several classes one label"
        )
    _check_columns(path, target, loaded)
    return own_file(loaded)


def _labels(counts: Mapping[Any, int]) -> str:
    """Write how many labels there are, and the first of them with their rows."""
    named = [f"{label!r} ({counted(count, 'rows')})" for label, count in list(counts.items())[:MOST_NAMED]]
    more = f" and {len(counts) - MOST_NAMED} more" if len(counts) > MOST_NAMED else ""
    return f"{len(counts)}: {', '.join(named)}{more}"


def own_two_classes(parameters: Parameters) -> tuple[BinaryTask, OwnFile]:
    """Read a table with two classes from the file of :data:`TABLE_ARGUMENTS`; constant columns are left out.

    Of more than two labels the positive one is set against all others. Columns of text become a 0/1 column for each
    value but the first.

    Raises
    ------
    FileNotFoundError, UnknownName, ValueError
        As :func:`repro.data.load_csv`. ValueError also if there are more than two labels and none is said to be
        positive, a class has fewer than ten rows, or a column cannot be used.
    """
    path, target, positive = str(parameters["csv"]), str(parameters["target"]), _text(parameters, "positive")
    loaded = load_csv(path, target, positive)
    _check_two_classes(path, target, loaded, positive)
    _check_columns(path, target, loaded)
    y = np.asarray(loaded.is_positive, dtype=bool)
    for name, count in (("positive", y.sum()), ("negative", (~y).sum())):
        if count < FEWEST_ROWS:
            raise ValueError(
                f"{path}: each class needs at least {FEWEST_ROWS} rows, the {name} one of column {target!r} has {count}"
            )
    return TableTask(Path(path).name, _varying(path, target, loaded), y), own_file(loaded)


def _check_two_classes(path: str, target: str, loaded: Dataset, positive: str | None) -> None:
    """Raise the error of labels that are no two classes."""
    counts = loaded.metadata.class_counts
    if loaded.positive is None:
        raise ValueError(
            f"{path}: column {target!r} holds one class only, {next(iter(counts))!r}; two are compared here"
        )
    if positive is None and len(counts) > 2:
        first = str(next(iter(counts)))
        raise ValueError(
            f"{path}: column {target!r} must have two classes, or one must be said to be positive; it has "
            f"{_labels(counts)}. Name one, for example --positive {shlex.quote(first)} (positive={first!r} in Python); "
            "all others are negative then"
        )


def _check_columns(path: str, target: str, loaded: Dataset) -> None:
    """Raise the error of the first column that no model can take: missing, infinite, or numbers of extreme size."""
    for name in loaded.features.columns:
        column = loaded.features[name]
        _check_complete(path, target, f"column {name!r}", column)
        if not pd.api.types.is_numeric_dtype(column):
            continue
        numbers = column.to_numpy(dtype=np.float64)
        if np.isinf(numbers).any():
            line = csv_lines(path, target)[int(np.isinf(numbers).argmax())]
            raise ValueError(
                f"{path}: column {name!r} must be finite, it holds {int(np.isinf(numbers).sum())} infinite of "
                f"{len(numbers)}, the first in line {line} of the file"
            )
        low, high = numbers.min(), numbers.max()
        if high != low and not SMALLEST <= high / 2 - low / 2 <= LARGEST / 2:
            raise ValueError(
                f"{path}: the numbers of column {name!r} must differ by {SMALLEST:g} to {LARGEST:g}, they lie between "
                f"{low:g} and {high:g}; write them in another unit, or leave the column out"
            )


def _check_complete(path: str, target: str, name: str, column: pd.Series[Any]) -> None:
    absent = int(column.isna().sum())
    if absent:
        line = csv_lines(path, target)[int(column.isna().to_numpy().argmax())]
        raise ValueError(
            f"{path}: {name} must have no missing values, it lacks {absent} of {len(column)}, the first in line {line} "
            "of the file; fill them in or remove the rows"
        )


def _varying(path: str, target: str, loaded: Dataset) -> npt.NDArray[np.float64]:
    """Columns as numbers, without those that do not vary."""
    X, _ = numeric_matrix(loaded.features, "dummies", source=path)
    varying = np.ptp(X, axis=0) > 0
    if not varying.any():
        constant = ", ".join(map(repr, loaded.features.columns[:MOST_NAMED]))
        raise ValueError(f"{path}: no column beside {target!r} varies, of {constant}; at least one must")
    return X[:, varying]


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
    a score is usually that of class 1, whichever is rarer. Of more than two labels one must be named.

    Raises
    ------
    FileNotFoundError, UnknownName, ValueError
        As :func:`repro.data.load_csv`. ValueError also if there is one class only, or more than two and none is named,
        a score is missing, infinite or no number, or a group is missing; the message names column and file.
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
    _check_two_classes(path, target, loaded, positive)
    found = loaded.features[score]
    if not pd.api.types.is_numeric_dtype(found):
        texts = [str(value) for value in found.dropna().unique()[:3]]
        raise ValueError(
            f"{path}: score must be a column of numbers, but {score!r} holds {', '.join(map(repr, texts))}"
        )
    names = None if group is None else loaded.features[group]
    for name, column in (("score", found), ("group", names)):
        if column is not None:
            _check_complete(path, target, f"{name}, column {column.name!r},", column)
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
        than three, a class has fewer than ten rows, or a column cannot be used.
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
    _check_columns(path, target, loaded)
    X = _varying(path, target, loaded)
    places = {name: place for place, name in enumerate(order)}
    y = np.array([places[_label_text(label)] for label in loaded.target], dtype=np.intp)
    used = own_file(loaded)
    said = [remark for remark in used.remarks if "positive" not in remark]  # the order says which class is rare
    if counts[order[-1]] > min(counts.values()):
        rarest = min(counts, key=lambda name: counts[name])
        said.append(f"the last class, {order[-1]!r}, is not the rarest: {rarest!r} has {counts[rarest]} rows")
    return TableTask(Path(path).name, X, y), OwnFile(used.checksum, said)
