"""AUROC and average precision of several classes, from scores that need not be probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.ground.arrays import finite_rows
from repro.ground.exceptions import UnknownName
from repro.ground.labels import label_vector
from repro.metrics.ranking import auroc, average_precision

Average = Literal["macro", "prevalence"]
AVERAGES: Final = ("macro", "prevalence")
SCHEMES: Final = ("ovr", "ovo")


def _checked(
    y_true: ArrayLike, y_score: ArrayLike, classes: Sequence[Any] | None, average: str | None
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[Any]]:
    """Positions of the labels among the classes, scores, and the number of rows of each class."""
    if average is not None and average not in AVERAGES:
        raise UnknownName("average", average, AVERAGES)
    labels = label_vector("y_true", y_true)
    names = np.unique(labels) if classes is None else np.asarray(classes)
    scores = finite_rows("y_score", y_score, len(names), n_rows=len(labels)).astype(np.float64, copy=False)
    same = labels[:, None] == names
    if not same.any(axis=1).all():
        raise ValueError(f"y_true must hold the classes {names.tolist()}, got {labels[~same.any(axis=1)][0]!r}")
    rows = same.sum(axis=0)
    if len(names) < 2 or not rows.all():
        raise ValueError(f"y_true must hold rows of at least two classes and of each, got {rows.tolist()} rows")
    return same.argmax(axis=1), scores, rows


def _averaged(values: NDArray[np.float64], rows: NDArray[Any], average: str | None) -> Any:
    if average is None:
        return values
    return float(np.average(values, weights=rows if average == "prevalence" else None))


def _one_against_rest(
    metric: Callable[..., float],
    y_true: ArrayLike,
    y_score: ArrayLike,
    classes: Sequence[Any] | None,
    average: str | None,
) -> Any:
    places, scores, rows = _checked(y_true, y_score, classes, average)
    values = np.array([metric(places == place, scores[:, place]) for place in range(len(rows))])
    return _averaged(values, rows, average)


def multiclass_auroc(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    classes: Sequence[Any] | None = None,
    scheme: Literal["ovr", "ovo"] = "ovr",
    average: Average | None = "macro",
) -> Any:
    """AUROC of several classes.

    Parameters
    ----------
    y_true : array-like of shape (n,)
    y_score : array-like of shape (n, n_classes)
        Finite scores, a column for each class; they need not sum to 1.
    classes : sequence or None
        Labels of the columns; None for the sorted labels of `y_true`.
    scheme : "ovr" or "ovo", default="ovr"
        Each class against all others, which depends on how frequent these are; or the mean over pairs of classes of
        both directions, which does not (Hand and Till 2001).
    average : "macro", "prevalence" or None, default="macro"
        Classes count alike, or by their rows; None gives a value for each class. Pairs are averaged alike.

    Returns
    -------
    float, or ndarray of shape (n_classes,) with ``average=None``

    Raises
    ------
    UnknownName
        For an unknown scheme or average.
    ValueError
        If shapes do not fit, scores are not finite, a class has no rows, or "ovo" is asked for another average than
        "macro".

    Examples
    --------
    >>> import numpy as np
    >>> score = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.3, 0.4, 0.3], [0.1, 0.2, 0.7]])
    >>> float(multiclass_auroc([0, 1, 0, 2], score))
    1.0
    """
    if scheme not in SCHEMES:
        raise UnknownName("scheme", scheme, SCHEMES)
    if scheme == "ovr":
        return _one_against_rest(auroc, y_true, y_score, classes, average)
    if average != "macro":
        raise ValueError(f"average must be 'macro' with scheme 'ovo', got {average!r}")
    places, scores, rows = _checked(y_true, y_score, classes, average)
    found = []
    for first, second in combinations(range(len(rows)), 2):
        both = (places == first) | (places == second)
        found += [auroc(places[both] == one, scores[both, one]) for one in (first, second)]
    return float(np.mean(found))


def multiclass_average_precision(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    classes: Sequence[Any] | None = None,
    average: Average | None = "macro",
) -> Any:
    """Average precision of each class against all others.

    Parameters
    ----------
    y_true, y_score, classes, average
        As in :func:`multiclass_auroc`.

    Returns
    -------
    float, or ndarray of shape (n_classes,) with ``average=None``

    Raises
    ------
    UnknownName, ValueError
        As :func:`multiclass_auroc`.

    Examples
    --------
    >>> import numpy as np
    >>> score = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.3, 0.4, 0.3], [0.1, 0.2, 0.7]])
    >>> float(multiclass_average_precision([0, 1, 0, 2], score))
    1.0
    """
    return _one_against_rest(average_precision, y_true, y_score, classes, average)
