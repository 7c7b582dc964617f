"""Two searches near a ranking, by noise and by small permutations, each kept by one metric (Figure 2 c-d)."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.metrics import auroc
from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.auroc_auprc.samplers import (
    HIGHER,
    LOWER,
    TwoGroups,
    areas_of_each,
    generators,
    over_seeds,
    two_groups,
)

NOISE_STEP: Final = 0.002
NOISE_VECTORS: Final = 100
PERMUTATIONS: Final = 10
REACH: Final = 1.5
"""Ranks move by U(-REACH, REACH) before they are sorted again: no row moves more than 3 ranks."""

NEARBY_SETTINGS: Final = ("change", "normalise", "method", "step", "statistic")
SHOWN_EVERY: Final = 5
METHODS: Final = ("auroc", "average_precision")
SHOWN: Final = ("auroc", "average_precision", "auroc_higher", "auroc_lower", "gap")


def banded_permutations(n_rows: int, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw permutations that move no row more than 3 places.

    Returns
    -------
    ndarray of shape (count, n_rows), intp
        Entry ``[i, j]`` is the row that comes to place j. Rows three or more places apart keep their order.
    """
    return np.argsort(np.arange(n_rows) + rng.uniform(-REACH, REACH, size=(count, n_rows)), axis=1)


def _measures(sample: TwoGroups, scores: NDArray[np.float64]) -> list[float]:
    """Values of :data:`SHOWN` for one score vector."""
    (overall,), (precision,) = areas_of_each(sample.labels, scores[None])
    higher, lower = (
        auroc(sample.labels[rows], scores[rows]) for rows in (sample.groups == HIGHER, sample.groups == LOWER)
    )
    return [float(overall), float(precision), higher, lower, higher - lower]


def noise_path(sample: TwoGroups, steps: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Add noise of growing size to the original scores and keep, at every size, the best of 100 vectors.

    At step k the noise is U(-0.002 k, 0.002 k), drawn afresh, and scores are clipped to [0, 1]. Both metrics choose
    among the same vectors.

    Returns
    -------
    ndarray of shape (2, steps + 1, 5), float64
        For both :data:`METHODS` the values of :data:`SHOWN`; step 0 is the original.
    """
    path = np.empty((len(METHODS), steps + 1, len(SHOWN)))
    path[:, 0] = _measures(sample, sample.scores)
    for step in range(1, steps + 1):
        width = NOISE_STEP * step
        noise = rng.uniform(-width, width, size=(NOISE_VECTORS, sample.scores.size))
        candidates = np.clip(sample.scores + noise, 0, 1)
        areas = areas_of_each(sample.labels, candidates)
        for place in range(len(METHODS)):
            best = int(np.argmax(areas[place]))
            path[place, step] = _measures(sample, candidates[best])
    return path


def permutation_path(sample: TwoGroups, steps: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Move to the best of 10 permutations of neighbouring ranks, again and again.

    Both metrics draw the same permutations of places; their rankings part after the first different choice.

    Returns
    -------
    ndarray of shape (2, steps + 1, 5), float64
        As for :func:`noise_path`.
    """
    path = np.empty((len(METHODS), steps + 1, len(SHOWN)))
    path[:, 0] = _measures(sample, sample.scores)
    descending = -np.sort(-sample.scores)
    rows = [np.argsort(-sample.scores, kind="stable")] * len(METHODS)
    for step in range(1, steps + 1):
        places = banded_permutations(descending.size, PERMUTATIONS, rng)
        for place in range(len(METHODS)):
            moved = rows[place][places]
            candidates = np.empty(moved.shape)
            np.put_along_axis(candidates, moved, np.broadcast_to(descending, moved.shape), axis=1)
            best = int(np.argmax(areas_of_each(sample.labels, candidates)[place]))
            rows[place] = moved[best]
            path[place, step] = _measures(sample, candidates[best])
    return path


PATHS: Final = {"noise": noise_path, "permutations": permutation_path}


def gap_change(change: str, gap: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much the gap has grown: over all sizes of the noise on average, or at the end of the permutations.

    Noise is added to the original scores, so its steps are independent trials; permutations add up to a path.

    Parameters
    ----------
    change : {"noise", "permutations"}
    gap : ndarray of shape (..., steps + 1), float64

    Returns
    -------
    ndarray of shape (...), float64
    """
    later = gap[..., 1:].mean(axis=-1) if change == "noise" else gap[..., -1]
    return np.asarray(later - gap[..., 0])


def nearby(cell: Cell) -> pd.DataFrame:
    """Search near the rankings of many seeds.

    Parameters
    ----------
    cell : Cell
        Parameters ``change`` (noise or permutations), ``normalise``, ``auroc`` (expected in each group), ``n_samples``
        (rows of each group), ``steps`` and ``seeds``.

    Returns
    -------
    DataFrame
        Columns ``change, normalise, method, step, statistic, replicate, metric, value``; ``method`` is the metric that
        selects. ``gap_change`` has one row a seed. Rows with a ``step`` give mean, 5 % and 95 % quantile over the
        seeds (``statistic``, replicate 0) of the overall and group AUROC, the average precision and the gap.
    """
    change, normalise = cell.text("change"), cell.flag("normalise")
    steps, seeds, n_samples = (cell.whole(name) for name in ("steps", "seeds", "n_samples"))
    paths = np.empty((seeds, len(METHODS), steps + 1, len(SHOWN)))
    for seed, rng in enumerate(generators(cell, seeds)):
        sample = two_groups("binomial", cell.number("auroc"), rng, normalise=normalise, n_samples=n_samples)
        paths[seed] = PATHS[change](sample, steps, rng)
    changes = gap_change(change, paths[..., SHOWN.index("gap")])
    rows = Rows(*NEARBY_SETTINGS, change=change, normalise=normalise)
    for place, method in enumerate(METHODS):
        for seed in range(seeds):
            rows.add({"gap_change": float(changes[seed, place])}, method=method, replicate=seed)
    for place, method in enumerate(METHODS):
        for step in sorted({*range(0, steps + 1, SHOWN_EVERY), steps}):
            for column, metric in enumerate(SHOWN):
                for statistic, value in over_seeds(paths[:, place, step, column]).items():
                    rows.add({metric: value}, method=method, step=step, statistic=statistic, replicate=0)
    return rows.frame()
