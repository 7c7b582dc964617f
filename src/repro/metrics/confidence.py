"""Calibration of multi-class probabilities: reliability by bins of confidence, temperature scaling."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from repro.ground.arrays import as_array
from repro.ground.labels import label_array

Floats = NDArray[np.float64]
LARGEST = 5.0
"""Logarithm of the largest temperature that is looked for, and minus that of the smallest."""


def _classes(y_true: ArrayLike, scores: NDArray[Any], name: str) -> NDArray[np.int64]:
    """Check labels and one row of scores for each."""
    labels = label_array("y_true", y_true)
    if scores.ndim != 2 or labels.ndim != 1 or len(scores) != len(labels) or not len(labels):
        raise ValueError(
            f"{name} must have one row for each of the labels, at least one; got shape {scores.shape} and labels of "
            f"shape {labels.shape}"
        )
    if labels.dtype.kind not in "iu":
        raise TypeError(f"y_true must hold whole numbers, got entries of type {labels.dtype}")
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise ValueError(f"y_true must lie between 0 and {scores.shape[1] - 1}, got {labels.min()} to {labels.max()}")
    return labels.astype(np.int64)


def reliability(
    y_true: ArrayLike, probability: ArrayLike, *, n_bins: int = 15
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Mean confidence and accuracy in bins of equal width of the confidence, the largest probability of a row.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Classes 0 to K - 1.
    probability : array-like of shape (n_samples, K)
        Each row adds up to 1.
    n_bins : int, default=15
        Bin m holds confidences above (m - 1) / n_bins and up to m / n_bins.

    Returns
    -------
    confidence, accuracy : ndarray of shape (n_bins,)
        NaN for an empty bin.
    count : ndarray of shape (n_bins,), int64

    Raises
    ------
    TypeError
        If labels are no whole numbers.
    ValueError
        If lengths differ or there is no row, a label or probability is out of its range, rows do not add up to 1, or
        `n_bins` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> probability = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]])
    >>> confidence, accuracy, rows = reliability([0, 1, 1], probability, n_bins=5)
    >>> confidence[rows > 0].round(3), accuracy[rows > 0], rows
    (array([0.8, 0.9]), array([1. , 0.5]), array([0, 0, 0, 1, 2]))
    """
    found = as_array(probability).astype(np.float64, copy=False)
    labels = _classes(y_true, found, "probability")
    if not (found.min() >= 0 and np.allclose(found.sum(axis=1), 1.0)):
        raise ValueError("probability must hold rows of numbers that are not negative and add up to 1")
    if n_bins < 1:
        raise ValueError(f"n_bins must be at least 1, got {n_bins}")
    sure = found.max(axis=1)
    right = found.argmax(axis=1) == labels
    # a confidence m / n_bins equals this quotient to the last bit; times n_bins it may exceed m
    place = np.searchsorted(np.arange(1, n_bins) / n_bins, sure, side="left")
    count = np.bincount(place, minlength=n_bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(place, sure, n_bins) / count
        accuracy = np.bincount(place, right, n_bins) / count
    return confidence, accuracy, count


def expected_calibration_error(y_true: ArrayLike, probability: ArrayLike, *, n_bins: int = 15) -> float:
    """Mean distance of confidence and accuracy over bins, weighted by their rows (Guo et al. 2017, equation 3).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
    probability : array-like of shape (n_samples, K)
    n_bins : int, default=15

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        As in :func:`reliability`.

    Examples
    --------
    >>> import numpy as np
    >>> probability = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8]])
    >>> round(expected_calibration_error([0, 1, 1], probability), 3)
    0.333
    """
    confidence, accuracy, count = reliability(y_true, probability, n_bins=n_bins)
    filled = count > 0
    return float((count[filled] * np.abs(confidence - accuracy)[filled]).sum() / count.sum())


def fit_temperature(y_true: ArrayLike, logits: ArrayLike) -> float:
    """Positive number by which logits are divided for the least log-loss (Guo et al. 2017, section 4.2).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Classes 0 to K - 1 of rows that the model was not trained on.
    logits : array-like of shape (n_samples, K)

    Returns
    -------
    float
        Between exp(-5) and exp(5).

    Warns
    -----
    UserWarning
        When it is one of these bounds: all predictions are right or none of the scores helps, and there is no best one.

    Raises
    ------
    TypeError
        If labels are no whole numbers.
    ValueError
        If lengths differ or there is no row, a label is out of its range, or a logit is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.array([[2.0, 0.0], [2.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
    >>> round(fit_temperature([0, 0, 1, 1], logits), 2)  # three of four are right, the logits say 88 %
    1.82
    """
    scores = as_array(logits).astype(np.float64, copy=False)
    labels = _classes(y_true, scores, "logits")
    if not np.isfinite(scores).all():
        raise ValueError(f"logits must be finite, got {int((~np.isfinite(scores)).sum())} that are not")

    def loss(log_temperature: float) -> float:
        return -float(log_softmax(scores * np.exp(-log_temperature), axis=1)[np.arange(len(labels)), labels].mean())

    found = float(minimize_scalar(loss, bounds=(-LARGEST, LARGEST), method="bounded", options={"xatol": 1e-8}).x)
    if abs(found) > LARGEST - 1e-6:
        warnings.warn(
            f"the temperature {np.exp(found):.4g} is at the bound of the search, exp({'-' if found < 0 else ''}5); the "
            "log-loss may fall further beyond it",
            stacklevel=2,
        )
    return float(np.exp(found))
