"""Where the mistake that average precision values most lies when subpopulations differ in prevalence (Theorem 3)."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from repro.metrics import mistakes
from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.auroc_auprc.samplers import HIGHER, LOWER, TwoGroups, generators

ROWS: Final = 500
"""Rows of each subpopulation."""

SUBPOPULATIONS_SETTINGS: Final = ("scores", "p_lower", "method")
P_HIGHER: Final = 0.2
CONCENTRATION: Final = 4.0
"""Scores of a subpopulation of prevalence p follow Beta(4 p, 4 (1 - p)), whose mean is p."""


def calibrated_sample(p_lower: float, rng: np.random.Generator) -> TwoGroups:
    """Draw two subpopulations whose scores are the probabilities that their labels are drawn with.

    Parameters
    ----------
    p_lower : float
        Prevalence of the second subpopulation; that of the first is 0.2.
    rng : Generator
        Source of randomness.
    """
    scores = np.concatenate([rng.beta(CONCENTRATION * p, CONCENTRATION * (1 - p), ROWS) for p in (P_HIGHER, p_lower)])
    return TwoGroups(rng.random(scores.size) < scores, scores, np.repeat([HIGHER, LOWER], ROWS))


def ranked_within_groups(sample: TwoGroups) -> TwoGroups:
    """Replace scores by ranks within the subpopulation: the same AUROC in each, and no calibration."""
    scores = np.empty_like(sample.scores)
    for group in (HIGHER, LOWER):
        rows = sample.groups == group
        scores[rows] = np.argsort(np.argsort(sample.scores[rows]))
    return TwoGroups(sample.labels, scores, sample.groups)


def inside_higher(sample: TwoGroups, rng: np.random.Generator) -> tuple[float, float] | None:
    """Tell whether the AP-best mistake lies wholly in the first subpopulation, and what share of all mistakes does.

    Rows of equal scores are put in random order: at a prevalence of 0.001 some scores are too small for float64 and 0.

    Returns
    -------
    (float, float) or None
        0 or 1 for the mistake whose fix raises average precision most; the share of all mistakes. None when a class
        is missing or the ranking has no mistake.
    """
    if sample.labels.all() or not sample.labels.any():
        return None
    descending = np.lexsort((rng.random(sample.scores.size), -sample.scores))
    found = mistakes(sample.labels[descending], -np.arange(descending.size))
    if found.empty:
        return None
    inside = sample.groups[descending] == HIGHER
    rank = found["rank_of_negative"].to_numpy()
    wholly = inside[rank - 1] & inside[rank]
    return float(wholly[int(np.argmax(found["delta_ap"].to_numpy()))]), float(wholly.mean())


def subpopulations(cell: Cell) -> pd.DataFrame:
    """Draw batches of samples and count whose mistakes are valued most.

    Parameters
    ----------
    cell : Cell
        Parameters ``scores`` (calibrated or ranks), ``p_lower``, ``batches`` and ``draws`` (in each batch).

    Returns
    -------
    DataFrame
        Columns ``scores, p_lower, method, replicate, metric, value``; ``share_inside_higher`` for the methods
        ``ap_best`` (share of draws) and ``uniform`` (mean share of the mistakes, what a metric without preference
        expects). One replicate a batch.
    """
    construction, p_lower = cell.text("scores"), cell.number("p_lower")
    rows = Rows(*SUBPOPULATIONS_SETTINGS, scores=construction, p_lower=p_lower)
    for batch, rng in enumerate(generators(cell, cell.whole("batches"))):
        counted = []
        for _ in range(cell.whole("draws")):
            sample = calibrated_sample(p_lower, rng)
            found = inside_higher(ranked_within_groups(sample) if construction == "ranks" else sample, rng)
            if found is not None:
                counted.append(found)
        shares = np.mean(counted, axis=0)
        rows.add_curves("method", ("ap_best", "uniform"), {"share_inside_higher": shares}, replicate=batch)
    return rows.frame()
