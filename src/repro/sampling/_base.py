"""What all samplers share: checks, labels, random numbers, how many children each class and parent gets."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, TypeVar, cast

import numpy as np
import numpy.typing as npt
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_sampling_strategy, check_target_type
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import validate_data

from repro.ground.labels import label_array
from repro.ground.random_state import RandomState, as_generator
from repro.sampling._tables import RowNumbers, append_rows, kind_of

Features = TypeVar("Features")
Target = TypeVar("Target")


@dataclass(frozen=True)
class Labels:
    """The class of every row.

    Attributes
    ----------
    values : ndarray of shape (n_samples,)
        One label per row; the number of the column with a one for an indicator matrix.
    classes : ndarray of shape (n_classes,)
        The different labels, sorted.
    counts : ndarray of shape (n_classes,), int
        Rows of every class.
    """

    values: npt.NDArray[Any]
    classes: npt.NDArray[Any]
    counts: npt.NDArray[np.intp]

    @property
    def smallest(self) -> Any:
        """The class with the fewest rows; the first in sorted order when several have as few."""
        return self.classes[np.argmin(self.counts)]

    @property
    def largest(self) -> Any:
        """The class with the most rows; the first in sorted order when several have as many."""
        return self.classes[np.argmax(self.counts)]


def read_labels(target: Any) -> Labels:
    """Read and check a target.

    Parameters
    ----------
    target : array-like of shape (n_samples,), or (n_samples, 1), or an indicator matrix of shape (n_samples, n_classes)
        NumPy, list, pandas or polars; numbers or text.

    Returns
    -------
    Labels
        Its labels, their different values and counts.

    Raises
    ------
    ValueError
        If a label is missing, the target is continuous or has several labels per row, or holds one class only.
    TypeError
        If labels are of several types, or neither numbers nor text.
    """
    if target is None:
        raise ValueError("resampling requires y to be passed, but the target y is None")
    values = target if kind_of(target) == "sparse" else label_array("y", target)
    found = type_of_target(values, input_name="y")
    if found not in ("binary", "multiclass"):
        check_classification_targets(values)
    if found == "multilabel-indicator" or values.ndim != 1:
        values = check_target_type(values)
    values = np.asarray(values)
    classes, counts = np.unique(values, return_counts=True)
    if classes.size == 0:
        raise ValueError("y is empty; resampling needs rows of at least 2 classes")
    if classes.size == 1:
        raise ValueError(f"y holds 1 class ({classes.tolist()[0]!r}); resampling needs at least 2")
    return Labels(values, classes, counts)


ROUNDING_UP = 1 + 1e-15
"""Takes a product that is whole, but for a rounding of its factors and its own, to the whole number or just above."""

RANDOM_STATE: list[object] = ["random_state", np.random.Generator]
"""What `random_state` may be, in the form of scikit-learn's parameter checks."""


class Resampler:
    """Checks and the order of steps, in front of a base class of imbalanced-learn."""

    sampling_strategy: Any
    _sampling_type: ClassVar[str]

    @abstractmethod
    def _read_features(self, X: Any) -> Any:
        """Check the features and wrap them in what the sampler works with; it has `n_rows`."""

    def _target_counts(self, labels: Labels) -> dict[Any, int]:
        """Rows to make (over-sampling) or to keep (under-sampling) for every class that is touched."""
        strategy = self.sampling_strategy
        if isinstance(strategy, Real):
            # imbalanced-learn cuts ratio * rows and rows / ratio: 0.29 of 100 rows would be 28
            more = self._sampling_type == "over-sampling"
            strategy = min(1.0, float(strategy) * ROUNDING_UP if more else float(strategy) / ROUNDING_UP)
        counts = check_sampling_strategy(strategy, labels.values, self._sampling_type)
        return {label.item() if isinstance(label, np.generic) else label: int(count) for label, count in counts.items()}

    def _check(self, X: Any, y: Any) -> tuple[Any, Labels]:
        cast("Any", self)._validate_params()
        labels = read_labels(y)
        features = self._read_features(X)
        if features.n_rows != labels.values.shape[0]:
            raise ValueError(
                f"X and y must have the same number of rows, found {features.n_rows} and {labels.values.shape[0]}"
            )
        validate_data(self, X, skip_check_array=True)
        self.sampling_strategy_ = self._target_counts(labels)
        return features, labels

    def fit(self, X: Any, y: Any) -> Any:
        """Check the input and work out `sampling_strategy_`, without resampling.

        Parameters
        ----------
        X : array, list, sparse matrix or DataFrame of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Class labels.

        Returns
        -------
        self : object
            The sampler.

        Raises
        ------
        ValueError
            As :meth:`fit_resample`.
        """
        self._check(X, y)
        return self


class SyntheticOverSampler(Resampler, BaseOverSampler):  # type: ignore[misc]  # imbalanced-learn has no types
    """Base of the samplers that append synthetic rows; subclasses write the children of one class.

    Parameters are described in the subclasses.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "amount": [Interval(Real, 0, None, closed="left"), None],
        "sampling_strategy": [
            Interval(Real, 0, 1, closed="right"),
            StrOptions({"auto", "minority", "not minority", "not majority", "all"}),
            Mapping,
            callable,
        ],
        "k_neighbors": [Interval(Integral, 1, None, closed="left")],
        "parents": [StrOptions({"fixed", "random"})],
        "random_state": RANDOM_STATE,
    }

    amount: float | None
    k_neighbors: int
    parents: str
    random_state: RandomState

    def fit_resample(self, X: Features, y: Target) -> tuple[Features, Target]:
        """Append synthetic rows.

        Parameters
        ----------
        X : array, list, sparse matrix or DataFrame of shape (n_samples, n_features)
            Features, as described in the class.
        y : array-like of shape (n_samples,)
            Class labels: numbers or text, without missing ones. A column of shape (n_samples, 1) or an indicator
            matrix of shape (n_samples, n_classes) with a single one per row will do as well.

        Returns
        -------
        X_resampled : like X, shape (n_samples + n_children, n_features)
            The original rows in their order, then the synthetic ones, class by class and parent by parent.
        y_resampled : like y, shape (n_samples + n_children,)
            Their labels.

        Raises
        ------
        ValueError
            If a parameter is out of range, `X` holds values that cannot be used (the column is named), `y` has one
            class or missing labels, lengths differ, or a class to be over-sampled has fewer than ``k_neighbors + 1``
            rows.
        TypeError
            If `X` is a container that the sampler does not take.
        """
        table, labels = self._check(X, y)
        generator = as_generator(self.random_state)
        total = sum(self.sampling_strategy_.values())
        self.parents_ = np.empty((total, self._parents_width()), dtype=np.int64)
        self._begin(labels)
        stop = 0
        for label, n_children in self.sampling_strategy_.items():
            members = np.flatnonzero(labels.values == label)
            if n_children > 0:
                if members.size <= self.k_neighbors:
                    raise ValueError(
                        f"class {label!r} has {members.size} rows, but k_neighbors={self.k_neighbors} needs at least "
                        f"{self.k_neighbors + 1}; use a smaller k_neighbors or random over-sampling"
                    )
                start, stop = stop, stop + n_children
                self._write_children(table, label, members, slice(start, stop), generator)
        return self._end(table), append_rows(y, self.parents_[:, 0])

    def _fit_resample(self, X: Any, y: Any) -> Any:
        # the abstract method of imbalanced-learn's base class, whose own fit_resample is replaced above
        return self.fit_resample(X, y)

    def _parents_width(self) -> int:
        return 2

    def _begin(self, labels: Labels) -> None:
        """Prepare what does not depend on the class to be over-sampled."""

    @abstractmethod
    def _write_children(
        self, table: Any, label: Any, members: RowNumbers, place: slice, generator: np.random.Generator
    ) -> None:
        """Make the children of the class with the rows `members` and put them, and `parents_`, into `place`."""

    @abstractmethod
    def _end(self, table: Any) -> Any:
        """Original rows and children in the container of the input."""

    def _target_counts(self, labels: Labels) -> dict[Any, int]:
        if self.amount is None:
            return super()._target_counts(labels)
        strategy = self.sampling_strategy
        if not isinstance(strategy, str):
            raise ValueError(  # noqa: TRY004 - a legal type, but not together with amount
                f"amount={self.amount} and sampling_strategy={strategy!r} both say how many rows to make; with amount, "
                "sampling_strategy names classes: 'auto', 'minority', 'not majority', 'not minority' or 'all'"
            )
        counts = dict(zip(labels.classes.tolist(), labels.counts.tolist(), strict=True))
        return {
            label: _children_by_percent(count, self.amount)
            for label, count in counts.items()
            if strategy == "all"
            or (strategy in ("auto", "minority") and label == labels.smallest)
            or (strategy == "not majority" and label != labels.largest)
            or (strategy == "not minority" and label != labels.smallest)
        }

    def _children_per_parent(
        self, n_parents: int, n_children: int, generator: np.random.Generator
    ) -> npt.NDArray[np.intp]:
        """Choose the number of children of every parent, shape (n_parents,): equal up to one, or drawn at random."""
        if self.parents == "random":
            return np.bincount(generator.integers(n_parents, size=n_children), minlength=n_parents)
        rounds, remainder = divmod(n_children, n_parents)
        children = np.full(n_parents, rounds)
        children[generator.permutation(n_parents)[:remainder]] += 1
        return children


def _children_by_percent(n_rows: int, amount: float) -> int:
    """Children of a class of `n_rows`: whole hundreds of percent per parent, below 100 a part of the parents."""
    if amount < 100:
        return math.floor(n_rows * amount / 100 * ROUNDING_UP)
    return n_rows * math.floor(amount / 100 * ROUNDING_UP)
