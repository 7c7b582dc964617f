"""Order of the classes, weights of the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets

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
    """

    classes: Labels
    positions: npt.NDArray[np.intp]


def ordered_target(y: Any, labels: Labels, class_order: Sequence[Any] | npt.NDArray[Any] | None) -> OrderedTarget:
    """Find the order of the classes.

    Parameters
    ----------
    y : array-like of shape (n,)
        The target as the user gave it; an ordered categorical knows its order.
    labels : ndarray of shape (n,)
        The target as an array.
    class_order : sequence or None
        All labels from the first to the rare end.

    Raises
    ------
    ValueError
        If the labels are text without an order, not in `class_order`, or continuous; if `class_order` repeats a label.
    """
    if pd.isna(labels).any():
        raise ValueError(f"y has {int(pd.isna(labels).sum())} missing values (NaN); every row needs a class")
    categories = _categories(y)
    if class_order is not None:
        classes = np.asarray(class_order)
        if classes.ndim != 1 or np.unique(classes).size != classes.size or classes.size < 2:
            raise ValueError(f"class_order must name at least 2 different labels, each once, got {list(class_order)!r}")
    elif categories is not None:
        classes = categories
    else:
        if labels.dtype.kind == "O" and all(isinstance(label, Real) for label in labels):
            labels = np.array(labels.tolist())
        if labels.dtype.kind not in "biuf":
            found = ", ".join(repr(label) for label in pd.unique(labels)[:4].tolist())
            raise ValueError(
                f"y holds labels without a known order ({found}); give class_order=[...] with all labels from the "
                "first to the rare end, an ordered pandas Categorical, or integers"
            )
        check_classification_targets(labels)
        classes, positions = np.unique(labels, return_inverse=True)
        return OrderedTarget(classes, positions.astype(np.intp))
    positions = pd.Index(classes).get_indexer(pd.Index(labels))
    if (positions < 0).any():
        unknown = ", ".join(repr(label) for label in pd.unique(labels[positions < 0])[:4].tolist())
        raise ValueError(f"y holds labels that class_order does not name: {unknown}; it names {classes.tolist()}")
    return OrderedTarget(classes, positions.astype(np.intp))


def _categories(y: Any) -> Labels | None:
    dtype = getattr(y, "dtype", None)
    if isinstance(dtype, pd.CategoricalDtype) and dtype.ordered:
        return np.asarray(dtype.categories)
    return None


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
    known = {label: place for place, label in enumerate(target.classes.tolist())}
    factors = np.ones(n_classes)
    for label, factor in class_weight.items():
        if label not in known:
            raise ValueError(f"class_weight names the class {label!r}, which is not among {target.classes.tolist()}")
        if not (np.isfinite(factor) and factor > 0):
            raise ValueError(f"class_weight must be positive and finite, got {factor} for the class {label!r}")
        factors[known[label]] = factor
    weighted: npt.NDArray[np.float64] = sample_weight * factors[target.positions]
    return weighted
