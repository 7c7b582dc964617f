"""NC4: whether a linear classifier decides as the nearest class mean does. Needs the class means, so a second pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from repro.geometry._arrays import as_array, bias_vector, finite_matrix, finite_rows


class NearestMeanAgreement:
    """Share of samples for which argmax_k (w_k . h + b_k) is the class of the nearest mean.

    Parameters
    ----------
    class_means : array-like or tensor of shape (n_classes, n_features)
        For example `class_means` of a :class:`CollapseMeter`. A class whose row is NaN (it had no samples) is left out
        of both decisions.
    W : array-like or tensor of shape (n_classes, n_features)
        Rows of the classifier.
    b : array-like or tensor of shape (n_classes,), optional
        Its bias.

    Attributes
    ----------
    n_samples, n_agreed : int
        Samples so far, and those decided alike.

    Raises
    ------
    TypeError
        If entries are no real numbers.
    ValueError
        If shapes do not fit, entries are not finite (rows of `class_means` apart), or fewer than two classes have
        means.
    """

    def __init__(self, class_means: Any, W: Any, b: Any = None) -> None:
        means = as_array(class_means)
        if means.ndim != 2:
            raise ValueError(f"class_means must have shape (n_classes, n_features), got {means.shape}")
        n_classes, self.n_features = means.shape
        empty = np.isnan(means).all(axis=1) if means.dtype.kind == "f" else np.zeros(n_classes, dtype=np.bool_)
        if n_classes - empty.sum() < 2:
            raise ValueError(f"class_means must have at least 2 rows that are not NaN, got {n_classes - empty.sum()}")
        kept = finite_rows("class_means", means[~empty], self.n_features).astype(np.float64)
        # distances are taken relative to a point among the means, where they do not cancel
        self._centre = kept.mean(axis=0)
        centred = kept - self._centre
        rows = finite_matrix("W", W, (n_classes, self.n_features))[~empty]
        nearest, linear = -0.5 * np.einsum("ij,ij->i", centred, centred), rows @ self._centre
        self._weights = np.concatenate([centred, rows]).T
        self._offsets = np.concatenate([nearest, linear + bias_vector(b, n_classes)[~empty]])
        self.n_samples, self.n_agreed = 0, 0

    def update(self, features: Any) -> None:
        """Add a batch of shape (n_samples, n_features).

        Raises
        ------
        TypeError
            If features are no real numbers.
        ValueError
            If the shape does not fit, or a feature is NaN or infinite.
        """
        rows = finite_rows("features", features, self.n_features) - self._centre
        # the nearest mean has the largest h . mu - |mu|^2 / 2
        scores = rows @ self._weights
        scores += self._offsets
        nearest, chosen = scores.reshape(len(rows), 2, -1).argmax(axis=2).T
        agreed = nearest == chosen
        self.n_samples += len(rows)
        self.n_agreed += int(agreed.sum())

    def compute(self) -> float:
        """Share of samples decided alike, the measure `nc4_agree`.

        Raises
        ------
        ValueError
            If there are no samples yet.
        """
        if not self.n_samples:
            raise ValueError("no samples have been added")
        return self.n_agreed / self.n_samples
