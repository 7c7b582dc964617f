"""Random under-sampling by the percentage of Chawla et al. (JAIR 16, 2002)."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
from imblearn.under_sampling.base import BaseUnderSampler
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions

from repro.ground.random_state import RandomState, as_generator
from repro.sampling._base import RANDOM_STATE, Features, Labels, Resampler, Target
from repro.sampling._tables import kind_of, take_rows


class RandomUnderSampler(Resampler, BaseUnderSampler):  # type: ignore[misc]  # imbalanced-learn has no types
    """Remove rows of the majority class at random.

    Unlike :class:`imblearn.under_sampling.RandomUnderSampler` it has the paper's percentage, and the rows that remain
    keep their order.

    Parameters
    ----------
    minority_percentage : float or None, default=None
        How many percent of the majority the minority is to be, as in the paper: ``minority_count / (minority_percentage
        / 100)`` majority rows remain, rounded half to even. At 200 there are half as many majority as minority rows.
        None leaves the numbers to `sampling_strategy`.
    minority_count : int or None, default=None
        Number of minority rows that the percentage refers to. In the paper this is the number in the original training
        part, also when synthetic rows have been added since, so that the points of different curves hold the same
        number of majority rows. None takes the number present.
    majority_class : label or None, default=None
        The class that `minority_percentage` reduces. None takes the largest; name it when the minority has been
        over-sampled and may be the larger one now. Other classes keep all their rows.
    sampling_strategy : float, str, dict or callable, default="auto"
        Without `minority_percentage` as in imbalanced-learn: a float is the wanted ratio of minority to majority rows;
        ``"majority"``, ``"not minority"``, ``"not majority"``, ``"all"`` make the named classes as small as the
        smallest, ``"auto"`` means ``"not minority"``; a dict or a callable gives the wanted number of rows per class.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Source of randomness; an int gives the same result at every call.

    Attributes
    ----------
    sample_indices_ : ndarray of shape (n_samples_new,), int64
        Numbers of the rows that remain, in increasing order.
    sampling_strategy_ : dict
        Number of rows that remain of every class that was reduced.
    n_features_in_ : int
        Number of columns seen.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, if `X` had names that are text.

    See Also
    --------
    SMOTE : Over-samples the minority; in the paper it comes first.

    Notes
    -----
    Rows are drawn without replacement, as the first ones of one random permutation of the class: with the same int as
    `random_state` a smaller sample is part of a larger one (nested draws along a curve), with different ones the draws
    are independent, which is the plain reading of the paper.

    Values are not looked at, so text, missing values and every container that SMOTE takes are welcome. DataFrames keep
    the index labels of the rows that remain.

    References
    ----------
    N. V. Chawla, K. W. Bowyer, L. O. Hall, W. P. Kegelmeyer: SMOTE: Synthetic Minority Over-sampling Technique. Journal
    of Artificial Intelligence Research 16 (2002), 321-357.

    Examples
    --------
    >>> import numpy as np
    >>> from repro.sampling import RandomUnderSampler
    >>> X, y = np.arange(250).reshape(-1, 1), np.repeat([0, 1], [200, 50])
    >>> X_resampled, y_resampled = RandomUnderSampler(200, random_state=0).fit_resample(X, y)
    >>> np.bincount(y_resampled)
    array([25, 50])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "minority_percentage": [Interval(Real, 0, None, closed="neither"), None],
        "minority_count": [Interval(Integral, 1, None, closed="left"), None],
        "majority_class": "no_validation",
        "sampling_strategy": [
            Interval(Real, 0, 1, closed="right"),
            StrOptions({"auto", "majority", "not minority", "not majority", "all"}),
            Mapping,
            callable,
        ],
        "random_state": RANDOM_STATE,
    }

    def __init__(
        self,
        minority_percentage: float | None = None,
        minority_count: int | None = None,
        *,
        majority_class: Any = None,
        sampling_strategy: Any = "auto",
        random_state: RandomState = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.minority_percentage = minority_percentage
        self.minority_count = minority_count
        self.majority_class = majority_class
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        """Say that any value will do and that `sample_indices_` exists."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.sampler_tags.sample_indices = True
        return tags

    def fit_resample(self, X: Features, y: Target) -> tuple[Features, Target]:
        """Remove rows.

        Parameters
        ----------
        X : array, list, sparse matrix or DataFrame of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Class labels: numbers or text, without missing ones. A column of shape (n_samples, 1) or an indicator
            matrix of shape (n_samples, n_classes) with a single one per row will do as well.

        Returns
        -------
        X_resampled : like X, shape (n_samples_new, n_features)
            The rows that remain, in their order.
        y_resampled : like y, shape (n_samples_new,)
            Their labels.

        Raises
        ------
        ValueError
            If a parameter is out of range, more rows are asked for than there are, none would remain, `y` has one class
            or missing labels, or lengths differ.
        TypeError
            If `X` is a lazy frame.
        """
        features, labels = self._check(X, y)
        generator = as_generator(self.random_state)
        keep = np.ones(labels.values.shape[0], dtype=bool)
        for label, n_rows in self.sampling_strategy_.items():
            members = np.flatnonzero(labels.values == label)
            keep[generator.permutation(members)[n_rows:]] = False
        self.sample_indices_ = np.flatnonzero(keep)
        return take_rows(features.rows, self.sample_indices_), take_rows(y, self.sample_indices_)

    def _fit_resample(self, X: Any, y: Any) -> Any:
        # the abstract method of imbalanced-learn's base class, whose own fit_resample is replaced above
        return self.fit_resample(X, y)

    def _read_features(self, X: Any) -> SimpleNamespace:
        kind = kind_of(X)
        if kind in ("array", "sparse"):
            X = check_array(X, accept_sparse=("csr", "csc"), dtype=None, ensure_all_finite=False)
        elif kind == "list":
            check_array(X, dtype=None, ensure_all_finite=False)
        return SimpleNamespace(rows=X, n_rows=len(X) if kind == "list" else X.shape[0])

    def _target_counts(self, labels: Labels) -> dict[Any, int]:
        counts = dict(zip(labels.classes.tolist(), labels.counts.tolist(), strict=True))
        if self.minority_percentage is None:
            if self.minority_count is not None or self.majority_class is not None:
                raise ValueError("minority_count and majority_class need minority_percentage, which is None")
            return super()._target_counts(labels)
        if self.sampling_strategy != "auto":
            raise ValueError(
                f"minority_percentage={self.minority_percentage} and sampling_strategy={self.sampling_strategy!r} "
                "both say how many rows to keep; give one of them"
            )
        majority = labels.largest if self.majority_class is None else self.majority_class
        majority = majority.item() if isinstance(majority, np.generic) else majority
        if majority not in counts:
            raise ValueError(f"majority_class={majority!r} is not a class of y, which holds {list(counts)}")
        minority_count = self.minority_count
        if minority_count is None:
            minority_count = min(count for label, count in counts.items() if label != majority)
        wanted = round(minority_count * 100 / self.minority_percentage)
        if not 1 <= wanted <= counts[majority]:
            raise ValueError(
                f"minority_percentage={self.minority_percentage} of {minority_count} minority rows asks for {wanted} "
                f"rows of class {majority!r}, which has {counts[majority]}; allowed are 1 to {counts[majority]} rows"
            )
        return {majority: wanted}
