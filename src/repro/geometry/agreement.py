"""NC4: whether a linear classifier decides as the nearest class mean does. Needs the class means, so a second pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.ground.arrays import as_array, bias_vector, finite_matrix, finite_rows


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

    Examples
    --------
    >>> import numpy as np
    >>> means = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> agreement = NearestMeanAgreement(means, means)
    >>> agreement.update(np.array([[0.9, 0.2], [0.1, 0.8]]))
    >>> agreement.compute()
    1.0
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
        self._single = [part.astype(np.float32) for part in (self._centre, self._weights, self._offsets)]
        self._longest = float(np.linalg.norm(self._weights, axis=0).max())
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
        rows = finite_rows("features", features, self.n_features)
        if rows.dtype in (np.float16, np.float32):
            agreed, unsure = self._decide_in_single_precision(rows.astype(np.float32, copy=False))
            agreed[unsure] = self._decide(rows[unsure])
        else:
            agreed = self._decide(rows)
        self.n_samples += len(rows)
        self.n_agreed += int(agreed.sum())

    def _decide(self, rows: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether both decide alike, in float64, shape (n_samples,)."""
        # the nearest mean has the largest h . mu - |mu|^2 / 2
        scores = (rows - self._centre) @ self._weights
        scores += self._offsets
        nearest, chosen = scores.reshape(len(rows), 2, len(self._offsets) // 2).argmax(axis=2).T
        return np.asarray(nearest == chosen)

    def _decide_in_single_precision(self, rows: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Decide fast, and say for which rows a rounding error could have changed one of the two decisions.

        A score is a sum of D products; its error is below (D + 4) eps |h| |w| plus what centre and offset lose.
        """
        centre, weights, offsets = self._single
        centred = rows - centre
        with np.errstate(over="ignore", invalid="ignore"):
            scores = centred @ weights
            scores += offsets
            lengths = np.sqrt(np.einsum("ij,ij->i", centred, centred))
        scores = scores.reshape(len(rows), 2, len(self._offsets) // 2)
        best = scores.argmax(axis=2)
        place = best[:, :, None]
        first = np.take_along_axis(scores, place, axis=2)[:, :, 0]
        np.put_along_axis(scores, place, -np.inf, axis=2)
        second = scores.max(axis=2)
        epsilon = float(np.finfo(np.float32).eps)
        reach = self._longest * ((self.n_features + 4) * lengths + 2.0 * np.linalg.norm(self._centre))
        error = epsilon * (reach + 4.0 * np.abs(self._offsets).max())
        with np.errstate(invalid="ignore"):
            sure = ((first - second) > 2.0 * error[:, None]).all(axis=1)
        return np.asarray(best[:, 0] == best[:, 1]), ~sure

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
