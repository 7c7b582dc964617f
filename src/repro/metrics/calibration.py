"""Calibration of probabilities, and the correction of a prior that sampling has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from repro.ground.checks import positive_number
from repro.ground.exceptions import UnknownName
from repro.metrics._checks import binary_labels, probabilities, same_length

TIES = ("shared", "row_order")

CLIP = 1e-6
"""Probabilities are kept this far from 0 and 1 before their logit is taken."""


@dataclass(frozen=True)
class CalibrationLine:
    """Logistic recalibration of probabilities (Cox 1958).

    Attributes
    ----------
    slope : float
        Slope of the log odds of the outcome on the log odds of the prediction; 1 is ideal, below 1 too extreme.
        Infinite when the probabilities separate the classes (no finite slope is most likely then), NaN when all of them
        are equal.
    intercept : float
        Intercept of the same line, in log odds; NaN when the slope is infinite or NaN.
    intercept_in_the_large : float
        Intercept with the slope fixed at 1, in log odds; 0 is ideal, below 0 the risk is over-estimated.
    """

    slope: float
    intercept: float
    intercept_in_the_large: float


def _both_classes(y_true: ArrayLike, probability: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    labels, predicted = binary_labels(y_true), probabilities(probability)
    same_length(labels, predicted, "y_true and probability")
    if labels.all() or not labels.any():
        raise ValueError(f"y_true must hold both classes, got {int(labels.sum())} positives among {labels.size}")
    return labels, predicted


def calibration_line(y_true: ArrayLike, probability: ArrayLike) -> CalibrationLine:
    """Regress the outcome on the log odds of the predicted probability.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        0 and 1, or booleans.
    probability : array-like of shape (n_samples,)
        Predicted probability of class 1; kept :data:`CLIP` away from 0 and 1.

    Returns
    -------
    CalibrationLine

    Raises
    ------
    ValueError
        If there is one class only, a probability outside [0, 1], or lengths differ.

    Examples
    --------
    >>> import numpy as np
    >>> generator = np.random.default_rng(0)
    >>> risk = generator.uniform(0.05, 0.6, 20_000)
    >>> y = generator.random(20_000) < risk
    >>> odds = 4 * risk / (1 - risk)  # as after over-sampling by four
    >>> line = calibration_line(y, odds / (1 + odds))
    >>> round(line.slope, 1), round(line.intercept, 1), round(float(-np.log(4)), 1)
    (1.0, -1.4, -1.4)
    """
    labels, predicted = _both_classes(y_true, probability)
    score = logit(np.clip(predicted, CLIP, 1 - CLIP))
    bound = np.abs(score).max() + 50.0
    in_the_large = brentq(lambda shift: float(expit(score + shift).mean() - labels.mean()), -bound, bound)
    slope, intercept = np.nan, np.nan
    if score.min() == score.max():
        pass
    elif score[~labels].max() <= score[labels].min():
        slope = np.inf
    elif score[labels].max() <= score[~labels].min():
        slope = -np.inf
    else:
        model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10, max_iter=1000)
        model.fit(score[:, None], labels)
        slope, intercept = model.coef_[0, 0], model.intercept_[0]
    return CalibrationLine(float(slope), float(intercept), float(in_the_large))


def risk_ratio(y_true: ArrayLike, probability: ArrayLike) -> float:
    """Mean predicted over observed risk; above 1 the risk is over-estimated.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        0 and 1, or booleans.
    probability : array-like of shape (n_samples,)
        Predicted probability of class 1.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If there is one class only, a probability outside [0, 1], or lengths differ.

    Examples
    --------
    >>> risk_ratio([0, 0, 0, 1], [0.4, 0.5, 0.5, 0.6])
    2.0
    """
    labels, predicted = _both_classes(y_true, probability)
    return float(predicted.mean() / labels.mean())


def binned_probability_error(
    y_true: ArrayLike, probability: ArrayLike, *, n_bins: int = 10, ties: Literal["shared", "row_order"] = "shared"
) -> float:
    """Mean squared difference of each predicted probability and the observed share of its bin.

    The rows are put in order of their prediction and cut into bins of equal count (which differ by one row at most);
    the share of class 1 in a bin stands for the unknown true probability of its rows. The error of a share counts too:
    a perfect prediction p scores about p (1 - p) / rows in a bin, not 0.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        0 and 1, or booleans.
    probability : array-like of shape (n_samples,)
        Predicted probability of class 1.
    n_bins : int, default=10
        At most the number of rows.
    ties : {"shared", "row_order"}, default="shared"
        Rows of equal prediction share their mean outcome, so that the value does not depend on the order of the rows,
        wherever a bin ends; or they fall into bins as they stand in the data.

    Returns
    -------
    float

    Raises
    ------
    UnknownName
        If there is no such rule for ties.
    ValueError
        If there is one class only, a probability outside [0, 1], lengths differ, or `n_bins` is below 1 or above the
        number of rows.

    Examples
    --------
    >>> round(binned_probability_error([0, 0, 1, 1], [0.1, 0.1, 0.9, 0.9], n_bins=2), 3)
    0.01
    """
    if ties not in TIES:
        raise UnknownName("rule for ties", ties, TIES)
    labels, predicted = _both_classes(y_true, probability)
    if not 1 <= n_bins <= labels.size:
        raise ValueError(f"n_bins must lie between 1 and the number of rows, {labels.size}, got {n_bins}")
    order = np.argsort(predicted, kind="stable")
    ranked, outcome = predicted[order], labels[order]
    if ties == "shared":
        block = np.cumsum(np.append(False, ranked[1:] != ranked[:-1]))
        outcome = (np.bincount(block, outcome) / np.bincount(block))[block]
    bins = np.array_split(np.arange(labels.size), n_bins)
    squares = [((ranked[rows] - outcome[rows].mean()) ** 2).sum() for rows in bins]
    return float(sum(squares) / labels.size)


def prior_correction(probability: ArrayLike, *, sampled_odds: float, original_odds: float) -> NDArray[np.float64]:
    """Probabilities under the original prior, from a model that was trained under a sampled one.

    With b = `original_odds` / `sampled_odds` it is p' = p b / (p b + 1 - p) (Elkan 2001, Saerens et al. 2002).
    Exact when sampling changed nothing but the prior.

    Parameters
    ----------
    probability : array-like
        Predicted probability of the minority.
    sampled_odds, original_odds : float
        Minority to majority in the sampled training part and before sampling; positive.

    Returns
    -------
    ndarray
        Of the shape of `probability`, float64.

    Raises
    ------
    ValueError
        If odds are not positive or a probability lies outside [0, 1].

    Examples
    --------
    >>> prior_correction([0.5, 0.9], sampled_odds=1, original_odds=1 / 9).round(3)
    array([0.1, 0.5])
    """
    positive_number("sampled_odds", sampled_odds)
    positive_number("original_odds", original_odds)
    predicted = probabilities(probability)
    raised = predicted * (original_odds / sampled_odds)
    return np.asarray(raised / (raised + (1 - predicted)))
