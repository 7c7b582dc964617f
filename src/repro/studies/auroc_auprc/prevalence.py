"""What the base rate alone does to average precision, and to the average precision at a reference prevalence."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from repro.metrics import auroc, average_precision, average_precision_at_prevalence
from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.auroc_auprc.samplers import binormal_scores
from repro.trials.folds import repetitions

POOL: Final = 10_000
"""Rows of each class; a lower base rate keeps all negatives and fewer positives."""

PREVALENCE_SETTINGS: Final = ("auroc", "prevalence")
BASE_RATES: Final = (0.5, 0.1, 0.02, 0.01)
REFERENCE: Final = 0.5


def prevalence_shift(cell: Cell) -> pd.DataFrame:
    """Measure one model on populations that differ in nothing but the share of positives.

    Parameters
    ----------
    cell : Cell
        Parameters ``auroc``, ``batch`` and ``seeds`` (draws in a batch).

    Returns
    -------
    DataFrame
        Columns ``auroc, prevalence, replicate, metric, value``; metrics ``area`` (AUROC), ``average_precision`` and
        ``average_precision_at_half`` (as it would be at prevalence 0.5).
    """
    expected = cell.number("auroc")
    rows = Rows(*PREVALENCE_SETTINGS, auroc=expected)
    for replicate, seed in repetitions(cell, "seeds"):
        rng = np.random.default_rng(seed)
        labels, scores = binormal_scores(POOL, POOL, expected, rng)
        for rate in BASE_RATES:
            kept = np.arange(POOL - round(POOL * rate / (1 - rate)), 2 * POOL)
            y, s = labels[kept], scores[kept]
            values = {
                "area": auroc(y, s),
                "average_precision": average_precision(y, s),
                "average_precision_at_half": average_precision_at_prevalence(y, s, REFERENCE),
            }
            rows.add(values, prevalence=rate, replicate=replicate)
    return rows.frame()
