"""Class probabilities of a cumulative logit model from its linear predictors, and the repair of crossing boundaries."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import expit

from repro.ordinal._rows import Floats

Repair = Literal["cumulative_max", "isotonic"] | None
ROUNDING = 1e-12
TOUCHING = 1e-9
"""Boundaries that cross by less than this on the scale of the linear predictor are taken as touching."""


def class_probabilities(scores: Floats, repair: Repair) -> Floats:
    """Give the probabilities of all classes.

    Parameters
    ----------
    scores : ndarray of shape (n, K - 1)
        Linear predictors of ``P(y <= k)``, infinite ones allowed.
    repair : None, "cumulative_max" or "isotonic"
        What to do with rows whose boundaries cross.

    Returns
    -------
    ndarray of shape (n, K)
        Rows sum to 1. Middle classes may be negative without repair.
    """
    if repair == "cumulative_max":
        scores = np.maximum.accumulate(scores, axis=1)
    below, above = scores[:, :-1], scores[:, 1:]
    with np.errstate(invalid="ignore"):
        gap = np.where(above == below, 0.0, above - below)
    low, high = np.where(gap < 0, above, below), np.where(gap < 0, below, above)
    # s(high) - s(low) without cancellation
    size = expit(high) * expit(-low) * -np.expm1(-np.abs(gap))
    middle = np.where(gap < 0, -size, size)
    with np.errstate(invalid="ignore"):
        rounding = ROUNDING * (1.0 + np.abs(below) + np.abs(above))
    middle[((gap < 0) & (gap > -TOUCHING)) | (np.abs(gap) <= np.where(np.isfinite(rounding), rounding, 0.0))] = 0.0
    probabilities: Floats = np.hstack([expit(scores[:, :1]), middle, expit(-scores[:, -1:])])
    if repair == "isotonic":
        for row in np.flatnonzero((middle < 0).any(axis=1)):
            cumulative = isotonic_regression(expit(scores[row])).x
            probabilities[row] = np.diff(cumulative, prepend=0.0, append=1.0)
    return probabilities
