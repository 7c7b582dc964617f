"""Both metrics as means over the scores of the positives, against the metrics themselves (Theorem 1)."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.metrics import auroc, average_precision, positive_thresholds
from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.auroc_auprc.calibrating import platt
from repro.studies.auroc_auprc.samplers import AREAS, binomial_scores, generators, n_positives

RANKINGS: Final = ("no ties", "ties", "weights")
IDENTITY_SETTINGS: Final = ("area", "rankings")
IDENTITY_GRID_SETTINGS: Final = ("auroc", "calibration", "area")
LARGEST_SAMPLE: Final = 200

GRID: Final = 50
GRID_ROWS: Final = 1000
GRID_SEEDS: Final = 5


def grid_points(count: int) -> list[float]:
    """Interior points of an even grid on [0, 1]."""
    return [step / (count + 1) for step in range(1, count + 1)]


def random_ranking(
    kind: str, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64] | None]:
    """Draw labels, scores and weights of a ranking of 10 to 200 rows with both classes.

    Parameters
    ----------
    kind : {"no ties", "ties", "weights"}
        Distinct scores; scores of few levels; few levels with weights, whole ones or real ones.
    rng : Generator
        Source of randomness.
    """
    size = int(rng.integers(10, LARGEST_SAMPLE + 1))
    labels = rng.random(size) < rng.uniform(0.02, 0.98)
    labels[rng.choice(size, 2, replace=False)] = [True, False]
    scores = rng.standard_normal(size) + rng.uniform(-1, 3) * labels
    if kind != "no ties":
        scores = np.round(scores * rng.uniform(0.3, 3))
    if kind != "weights":
        return labels, scores, None
    return labels, scores, rng.integers(1, 6, size).astype(float) if rng.random() < 0.5 else rng.uniform(0.1, 5, size)


def strict_expectations(
    labels: NDArray[np.bool_], scores: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> tuple[float, float]:
    """Theorem 1 with ``>`` in all counts, as the formula reads for a continuous distribution: wrong in a sample.

    Returns
    -------
    auroc, average_precision : float
        Where no row lies above a positive, its precision counts as 1.
    """
    weight = np.ones(labels.size) if weights is None else weights
    above = scores[None, :] > scores[labels][:, None]
    share_negative = weight[~labels].sum() / weight.sum()
    fpr = above[:, ~labels] @ weight[~labels] / weight[~labels].sum()
    firing = above @ weight / weight.sum()
    ratio = np.divide(fpr, firing, out=np.zeros_like(fpr), where=firing > 0)
    own = weight[labels] / weight[labels].sum()
    return float(1 - own @ fpr), float(1 - share_negative * (own @ ratio))


def identity(cell: Cell) -> pd.DataFrame:
    """Compare both sides of Theorem 1 on random rankings.

    Parameters
    ----------
    cell : Cell
        Parameters ``rankings`` (kind), ``batches`` and ``size`` (rankings in a batch).

    Returns
    -------
    DataFrame
        Columns ``area, rankings, replicate, metric, value``; ``deviation`` is the largest absolute difference of
        a batch.
    """
    kind = cell.text("rankings")
    rows = Rows(*IDENTITY_SETTINGS, rankings=kind)
    for batch, rng in enumerate(generators(cell, cell.whole("batches"))):
        largest = np.zeros(2)
        for _ in range(cell.whole("size")):
            labels, scores, weights = random_ranking(kind, rng)
            measured = [metric(labels, scores, sample_weight=weights) for metric in (auroc, average_precision)]
            if cell.variant == "strict_firing_rate":
                expected = strict_expectations(labels, scores, weights)
            else:
                at = positive_thresholds(labels, scores, sample_weight=weights)
                expected = (at.auroc, at.average_precision)
            largest = np.maximum(largest, np.abs(np.subtract(measured, expected)))
        rows.add_curves("area", AREAS, {"deviation": largest}, replicate=batch)
    return rows.frame()


def identity_grid(cell: Cell) -> pd.DataFrame:
    """Check Theorem 1 on one row of the paper's grid: one target AUROC, all prevalences, 5 seeds, 1,000 rows.

    Scores are drawn by the paper's sampler and used as drawn and after Platt's calibration on their own labels.

    Parameters
    ----------
    cell : Cell
        Parameters ``auroc`` (target) and ``prevalences`` (number of interior grid points).

    Returns
    -------
    DataFrame
        Columns ``auroc, calibration, area, replicate, metric, value``; for both areas ``deviation`` (the largest),
        ``mean``, ``minimum`` and ``maximum`` over the row, and ``runs``.
    """
    target = cell.number("auroc")
    prevalences = grid_points(cell.whole("prevalences"))
    values: dict[tuple[str, str], list[tuple[float, float]]] = {}
    runs = [prevalence for prevalence in prevalences for _ in range(GRID_SEEDS)]
    for prevalence, rng in zip(runs, generators(cell, len(runs)), strict=True):
        positive = n_positives(GRID_ROWS, prevalence)
        labels, raw = binomial_scores(positive, GRID_ROWS - positive, target, rng)
        for calibration, scores in (("none", raw), ("platt", platt(labels, raw))):
            at = positive_thresholds(labels, scores)
            for area, metric, other in (
                ("auroc", auroc, at.auroc),
                ("average_precision", average_precision, at.average_precision),
            ):
                value = metric(labels, scores)
                values.setdefault((calibration, area), []).append((value, abs(value - other)))
    rows = Rows(*IDENTITY_GRID_SETTINGS, auroc=target, replicate=0)
    for (calibration, area), pairs in values.items():
        found, deviation = np.array(pairs).T
        summary = {
            "deviation": deviation.max(),
            "mean": found.mean(),
            "minimum": found.min(),
            "maximum": found.max(),
            "runs": len(pairs),
        }
        rows.add({metric: float(value) for metric, value in summary.items()}, calibration=calibration, area=area)
    return rows.frame()
