"""What one fixed mistake is worth under each metric, and which mistake average precision values most (Theorem 2)."""

from __future__ import annotations

from itertools import product
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import pearsonr, spearmanr

from repro.metrics import auroc, average_precision, mistakes
from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.auroc_auprc.calibrating import platt
from repro.studies.auroc_auprc.samplers import (
    AREAS,
    Labels,
    Scores,
    binomial_scores,
    binormal_scores,
    generators,
    n_positives,
)

BEST_FIX_SETTINGS: Final = ("rankings", "n", "prevalence", "auroc")

BATCH: Final = 20
"""Rankings whose correlations make one replicate."""

GRID_ROWS: Final = 250
GRID_SEEDS: Final = 4
FEWEST_MISTAKES: Final = 10


def exchange(labels: Labels, scores: Scores, rank: int) -> Labels:
    """Labels after the rows at `rank` and `rank` + 1 (1 is the highest score) have exchanged their scores.

    To exchange two scores is to exchange two labels; the sorted scores stay.
    """
    above, below = np.argsort(-scores)[rank - 1 : rank + 1]
    fixed = labels.copy()
    fixed[[above, below]] = labels[[below, above]]
    return fixed


def gains(labels: Labels, scores: Scores) -> NDArray[np.float64]:
    """Change of both metrics for every mistake, each fixed alone, by computing the metrics again.

    Returns
    -------
    ndarray of shape (n_mistakes, 2), float64
        AUROC and average precision, in the order of :func:`repro.metrics.mistakes`.
    """
    before = np.array([auroc(labels, scores), average_precision(labels, scores)])
    after = [
        [metric(fixed, scores) for metric in (auroc, average_precision)]
        for fixed in (exchange(labels, scores, rank) for rank in mistakes(labels, scores)["rank_of_negative"])
    ]
    return np.asarray(np.array(after).reshape(-1, 2) - before)


def one_fix(cell: Cell) -> pd.DataFrame:
    """Compare the change after every single fix with the closed forms.

    Rankings have 20 to 150 rows, a prevalence of 0.02 to 0.8 and an AUROC around 0.5 to 0.95.

    Parameters
    ----------
    cell : Cell
        Parameters ``batches`` and ``size`` (rankings in a batch).

    Returns
    -------
    DataFrame
        Columns ``area, replicate, metric, value``; ``deviation`` is the largest absolute difference in a batch,
        ``mistakes`` their number.
    """
    rows = Rows("area")
    for batch, rng in enumerate(generators(cell, cell.whole("batches"))):
        largest, count = np.zeros(2), 0
        for _ in range(cell.whole("size")):
            size = int(rng.integers(20, 151))
            n1 = n_positives(size, rng.uniform(0.02, 0.8))
            labels, scores = binormal_scores(n1, size - n1, rng.uniform(0.5, 0.95), rng)
            rank = np.asarray(mistakes(labels, scores)["rank_of_negative"], dtype=np.int64)
            above = np.cumsum(labels[np.argsort(-scores)])[rank - 1]
            if cell.variant == "inverse_firing_rate_alone":
                expected = np.column_stack([1 / (n1 * (rank + 1))] * 2)
            else:
                gain = (above + 1) / (n1 * rank * (rank + 1))
                expected = np.column_stack([np.full(rank.size, 1 / (n1 * (size - n1))), gain])
            deviation = np.abs(gains(labels, scores) - expected)
            largest, count = np.maximum(largest, deviation.max(axis=0, initial=0.0)), count + rank.size
        rows.add_curves("area", AREAS, {"deviation": largest, "mistakes": [float(count)] * 2}, replicate=batch)
    return rows.frame()


def _best_is_proposed(found: pd.DataFrame, proposed: int) -> bool:
    """Tell whether no mistake gains more average precision than the proposed one, compared as whole numbers."""
    rank = found["rank_of_negative"].to_numpy(dtype=np.int64)
    gain = found["positives_above"].to_numpy(dtype=np.int64) + 1
    cost = rank * (rank + 1)
    return bool((gain * cost[proposed] <= gain[proposed] * cost).all())


def _simulated(cell: Cell, proposed: int) -> list[tuple[int, str, float]]:
    """Rows for random binormal rankings: how often the proposal fails, and the correlations in batches."""
    size, auroc_wanted, count = cell.whole("n"), cell.number("auroc"), cell.whole("count")
    n1 = n_positives(size, cell.number("prevalence"))
    failed, correlations = [], []
    for rng in generators(cell, count):
        found = mistakes(*binormal_scores(n1, size - n1, auroc_wanted, rng))
        failed.append(len(found) > 0 and not _best_is_proposed(found, proposed))
        if len(found) > 2:
            gain = found["delta_ap"].to_numpy()
            weight = 1 / (found["rank_of_negative"].to_numpy() + 1)
            if cell.variant == "gains_shuffled":
                gain = rng.permutation(gain)
            if cell.variant == "gains_are_the_weights":
                gain = weight
            correlations.append(float(spearmanr(weight, gain).statistic))
    rows = [(0, "share_not_best", float(np.mean(failed))), (0, "smallest_spearman", min(correlations))]
    batches = np.array_split(np.array(correlations), count // BATCH)
    for batch, values in enumerate(batches):
        mean = float(values.mean())
        rows += [(batch, "spearman", mean), (batch, "excess_over_0.9", mean - 0.9), (batch, "short_of_1", 1 - mean)]
    return rows


def _exhaustive(size: int, proposed: int) -> list[tuple[int, str, float]]:
    """Rows for all rankings of `size` rows that have a mistake."""
    scores = -np.arange(size, dtype=np.float64)
    failed = []
    for labels in product([False, True], repeat=size):
        if any(labels) and not all(labels):
            found = mistakes(np.array(labels), scores)
            if len(found):
                failed.append(not _best_is_proposed(found, proposed))
    return [
        (0, "share_not_best", float(np.mean(failed))),
        (0, "counterexamples", float(sum(failed))),
        (0, "all_rankings", float(len(failed))),
    ]


def best_fix(cell: Cell) -> pd.DataFrame:
    """Ask whether the highest-scored mistake gains most average precision, and how gains go with 1 / (r + 1).

    Parameters
    ----------
    cell : Cell
        Parameters ``n`` and, for random rankings, ``prevalence``, ``auroc`` and ``count``; without them all rankings of
        n rows are tried.

    Returns
    -------
    DataFrame
        Columns ``rankings, n, prevalence, auroc, replicate, metric, value``. ``share_not_best`` is the share of
        rankings in which another mistake gains more than the highest-scored one, over all (replicate 0). The mean rank
        correlation of gain and 1 / (r + 1) has one row a batch of 20 rankings: ``spearman``, and the same
        as ``excess_over_0.9`` and ``short_of_1``; rankings with fewer than three mistakes do not count there.
    """
    proposed = -1 if cell.variant == "lowest_is_proposed" else 0
    size = cell.whole("n")
    prevalence, wanted = cell.parameters.get("prevalence"), cell.parameters.get("auroc")
    if prevalence is None:
        name, found = f"all of {size} rows", _exhaustive(size, proposed)
    else:
        name, found = f"prevalence {prevalence}, AUROC {wanted}", _simulated(cell, proposed)
    rows = Rows(*BEST_FIX_SETTINGS, rankings=name, n=size, prevalence=prevalence, auroc=wanted)
    for replicate, metric, value in found:
        rows.add({metric: value}, replicate=replicate)
    return rows.frame()


def fixes_grid(cell: Cell) -> pd.DataFrame:
    """Fix every mistake alone on one row of the paper's grid: one target AUROC, all prevalences, 4 seeds, 250 rows.

    Scores are drawn by the paper's sampler and calibrated by Platt on their own labels; rankings with fewer than 10
    mistakes are left out.

    Parameters
    ----------
    cell : Cell
        Parameters ``auroc`` (target) and ``prevalences`` (number of interior grid points).

    Returns
    -------
    DataFrame
        Columns ``auroc, replicate, metric, value``: ``trials``, the largest ``auroc_discrepancy`` between the gains of
        two mistakes of a trial, and for the correlation of the gain in average precision with 1 / (r + 1) the largest
        p value and the smallest coefficient (``pearson_p``, ``pearson``, ``spearman_p``, ``spearman``). Only ``trials``
        where there is none.
    """
    target, count = cell.number("auroc"), cell.whole("prevalences")
    prevalences = [step / (count + 1) for step in range(1, count + 1) for _ in range(GRID_SEEDS)]
    trials = []
    for prevalence, rng in zip(prevalences, generators(cell, len(prevalences)), strict=True):
        n1 = n_positives(GRID_ROWS, prevalence)
        labels, raw = binomial_scores(n1, GRID_ROWS - n1, target, rng)
        scores = platt(labels, raw)
        found = mistakes(labels, scores)
        if len(found) >= FEWEST_MISTAKES:
            gain = gains(labels, scores)
            weight = 1 / (found["rank_of_negative"].to_numpy() + 1)
            pearson, spearman = pearsonr(weight, gain[:, 1]), spearmanr(weight, gain[:, 1])
            trials.append(
                (np.ptp(gain[:, 0]), pearson.pvalue, -pearson.statistic, spearman.pvalue, -spearman.statistic)
            )
    rows = Rows("auroc", auroc=target, replicate=0)
    rows.add({"trials": float(len(trials))})
    if trials:
        discrepancy, pearson_p, minus_pearson, spearman_p, minus_spearman = np.max(trials, axis=0)
        largest = {
            "auroc_discrepancy": discrepancy,
            "pearson_p": pearson_p,
            "pearson": -minus_pearson,
            "spearman_p": spearman_p,
            "spearman": -minus_spearman,
        }
        rows.add({metric: float(value) for metric, value in largest.items()})
    return rows.frame()
