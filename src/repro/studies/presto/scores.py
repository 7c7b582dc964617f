"""Scores of estimated rare probabilities where the truth is not known."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import brier_score_loss, log_loss

from repro.metrics import binned_probability_error

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FEWEST_BINS: Final = 10
ROWS_A_BIN: Final = 100


def n_bins(rows: int) -> int:
    """Bins of the paper's estimate: one for every hundred test rows, at least ten."""
    return max(FEWEST_BINS, round(rows / ROWS_A_BIN))


def coded_error(is_rare: Flags, probability: Floats) -> float:
    """Estimate the squared error of the rare probability as the authors' code does (D3).

    The shares come from bins of the rows in order of their prediction, the predictions from the rows in the order of
    the file: the value depends on that order. :func:`repro.metrics.binned_probability_error` is what was meant.

    Parameters
    ----------
    is_rare : ndarray of shape (n,), bool
    probability : ndarray of shape (n,)
        Predicted probability of the rare class.
    """
    ordered = is_rare[np.argsort(probability, kind="stable")]
    bins = np.array_split(np.arange(is_rare.size), n_bins(is_rare.size))
    return float(sum(((probability[rows] - ordered[rows].mean()) ** 2).sum() for rows in bins) / is_rare.size)


def all_scores(is_rare: Flags, probability: Floats) -> dict[str, float]:
    """Compute the published score and three sound ones, all the smaller the better.

    Returns
    -------
    dict of str to float
        ``coded_error``, ``binned_error``, ``brier`` and ``log_loss`` of the rare class against the rest. The binned
        error takes rows of equal prediction as they stand, as the published score does.
    """
    return {
        "coded_error": coded_error(is_rare, probability),
        "binned_error": binned_probability_error(is_rare, probability, n_bins=n_bins(is_rare.size), ties="row_order"),
        "brier": float(brier_score_loss(is_rare, probability)),
        "log_loss": float(log_loss(is_rare, probability, labels=[False, True])),
    }
