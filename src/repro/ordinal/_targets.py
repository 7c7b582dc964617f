"""Order of the classes, weights of the rows."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets

from repro.ground.labels import label_array, one_column

ClassWeight = Mapping[Any, float] | str | None
Labels = npt.NDArray[Any]


@dataclass(frozen=True)
class OrderedTarget:
    """Classes in their order and the class of every row.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        All declared classes, with or without rows; the last one is the rare end.
    positions : ndarray of shape (n,), intp
        Positions in `classes`.
    names : ndarray of shape (n_classes,)
        The classes as the user calls them; others than `classes` where a target arrived as positions.
    """

    classes: Labels
    positions: npt.NDArray[np.intp]
    names: Labels


def ordered_target(y: Any, labels: Labels, class_order: Sequence[Any] | npt.NDArray[Any] | None) -> OrderedTarget:
    """Find the order of the classes.

    Parameters
    ----------
    y : array-like of shape (n,)
        The target as the user gave it; an ordered categorical knows its order.
    labels : ndarray of shape (n,)
        The target as :func:`repro.ground.labels.label_vector` gives it.
    class_order : sequence or None
        All labels from the first to the rare end. Where none of them stands in `labels`, which hold 0 to K - 1 instead,
        these are taken for positions among the sorted labels, which is how scikit-learn's cross_val_predict and
        ensembles encode a target.

    Raises
    ------
    ValueError
        If the labels are text without an order, not in `class_order`, or continuous; if `class_order` repeats a label.
    TypeError
        If `class_order` holds labels of several types.

    Warns
    -----
    UserWarning
        When positions are taken for labels, and the sorted labels are not in the order of `class_order`.
    """
    categories = _categories(y)
    if class_order is not None:
        classes = label_array("class_order", list(class_order))
        if classes.ndim != 1 or np.unique(classes).size != classes.size or classes.size < 2:
            raise ValueError(f"class_order must name at least 2 different labels, each once, got {list(class_order)!r}")
    elif categories is not None:
        classes = categories
    else:
        if labels.dtype.kind not in "biuf":
            found = ", ".join(repr(label) for label in pd.unique(labels)[:4].tolist())
            raise ValueError(
                f"y holds labels without a known order ({found}); give class_order=[...] with all labels from the "
                "first to the rare end, an ordered pandas Categorical, or integers"
            )
        check_classification_targets(labels)
        classes, positions = np.unique(labels, return_inverse=True)
        return OrderedTarget(classes, positions.astype(np.intp), classes)
    positions = pd.Index(classes).get_indexer(pd.Index(labels))
    if (positions < 0).any():
        if labels.dtype.kind in "iu" and np.array_equal(np.unique(labels), np.arange(classes.size)):
            return _encoded_target(classes, labels)
        unknown = ", ".join(repr(label) for label in pd.unique(labels[positions < 0])[:4].tolist())
        raise ValueError(
            f"y holds labels that class_order does not name: {unknown}; it names {classes.tolist()}. Positions of "
            f"sorted labels, as some of scikit-learn's functions encode them, are read where all of 0 to "
            f"{classes.size - 1} are there"
        )
    return OrderedTarget(classes, positions.astype(np.intp), classes)


def _encoded_target(classes: Labels, labels: Labels) -> OrderedTarget:
    """Read positions among the sorted labels; they become the classes."""
    in_order = np.argsort(np.argsort(classes))
    if (np.diff(in_order) < 0).any():
        warnings.warn(
            f"y holds 0 to {classes.size - 1} in place of the labels that class_order names; they are taken for the "
            f"sorted labels {np.sort(classes).tolist()}, as cross_val_predict and ensembles of scikit-learn encode "
            f"them, and keep the order {classes.tolist()}",
            stacklevel=5,
        )
    return OrderedTarget(in_order, np.argsort(in_order)[labels], classes)


def _categories(y: Any) -> Labels | None:
    dtype = getattr(one_column(y), "dtype", None)
    if isinstance(dtype, pd.CategoricalDtype) and dtype.ordered:
        return label_array("the categories of y", dtype.categories)
    if type(dtype).__module__.startswith("polars") and type(dtype).__name__ == "Enum":
        return label_array("the categories of y", dtype.categories)
    return None


def refuse_one_class(
    target: OrderedTarget, weight: npt.NDArray[np.float64], rows: npt.NDArray[np.intp] | slice, where: str
) -> None:
    """Refuse rows of a single class.

    Parameters
    ----------
    target : OrderedTarget
    weight : ndarray of shape (n,)
        Rows with weight 0 do not count.
    rows : ndarray of row numbers, or slice
    where : str
        What these rows are.

    Raises
    ------
    ValueError
        Names the class that is there.
    """
    counts = weight[rows] > 0
    present = np.unique(target.positions[rows][counts])
    if present.size < 2:
        found = "".join(f" ({label!r})" for label in target.classes[present].tolist())
        counted = "" if counts.all() else " with rows of positive weight"
        raise ValueError(f"{where} holds {present.size} class{found}{counted}; 2 are needed")


def row_weights(
    target: OrderedTarget, sample_weight: npt.NDArray[np.float64], class_weight: ClassWeight
) -> npt.NDArray[np.float64]:
    """Multiply the weights of rows and classes, shape (n,).

    ``"balanced"`` gives every class the same total weight.

    Raises
    ------
    ValueError
        If a weight of a row is negative or infinite, a weight of a class is not positive, or `class_weight` names a
        class that does not exist.
    """
    if not (np.isfinite(sample_weight).all() and (sample_weight >= 0).all()):
        raise ValueError("sample_weight must be finite and not negative")
    if class_weight is None:
        return sample_weight
    n_classes = target.classes.size
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ValueError(f"class_weight must be None, 'balanced' or a mapping, got {class_weight!r}")
        totals = np.bincount(target.positions, sample_weight, minlength=n_classes)
        present = totals > 0
        factors = np.ones(n_classes)
        factors[present] = totals.sum() / (present.sum() * totals[present])
        balanced: npt.NDArray[np.float64] = sample_weight * factors[target.positions]
        return balanced
    known = {label: place for place, label in enumerate(target.names.tolist())}
    factors = np.ones(n_classes)
    for label, factor in class_weight.items():
        if label not in known:
            raise ValueError(f"class_weight names the class {label!r}, which is not among {target.names.tolist()}")
        if not (np.isfinite(factor) and factor > 0):
            raise ValueError(f"class_weight must be positive and finite, got {factor} for the class {label!r}")
        factors[known[label]] = factor
    weighted: npt.NDArray[np.float64] = sample_weight * factors[target.positions]
    return weighted
