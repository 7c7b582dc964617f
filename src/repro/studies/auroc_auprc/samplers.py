"""Scores with a chosen AUROC, the paper's two groups, and the metrics of many score vectors at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from repro.protocol.experiment import Cell

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]

AREAS: Final = ("auroc", "average_precision")
HIGHER: Final = "higher"
LOWER: Final = "lower"
"""Names of the group with the higher and of the group with the lower prevalence."""

GROUP_SIZE: Final = 200
PREVALENCES: Final = (0.05, 0.01)
"""Size of a group and prevalences of the two groups in Section 3.1 of the paper."""


def generators(cell: Cell, count: int) -> Iterator[np.random.Generator]:
    """Yield independent generators, one for each run inside a cell; more runs do not move the first ones."""
    yield from map(np.random.default_rng, cell.seed_sequence().spawn(count))


def n_positives(n_samples: int, prevalence: float) -> int:
    """Round ``n_samples * prevalence`` to a number of positives that leaves at least one row in each class."""
    return min(max(round(n_samples * prevalence), 1), n_samples - 1)


def binomial_scores(n_positive: int, n_negative: int, auroc: float, rng: np.random.Generator) -> tuple[Labels, Scores]:
    """Draw scores as the paper's public code does: negatives between the sorted scores of positives.

    Positives are uniform on (0, 1). A negative draws how many positives lie below it from Binomial(`n_positive`,
    1 - `auroc`) and is uniform between its two neighbours, so the expected AUROC is `auroc` exactly. Negatives crowd
    around the (1 - `auroc`) quantile of the positives: the top of the ranking is almost pure.

    Parameters
    ----------
    n_positive, n_negative : int
        Rows of each class, at least 1.
    auroc : float
        Expected AUROC, between 0 and 1.
    rng : Generator
        Source of randomness.

    Returns
    -------
    labels : ndarray of shape (n_positive + n_negative,), bool
        Positives first.
    scores : ndarray of shape (n_positive + n_negative,), float64
        Between 0 and 1, without ties (almost surely).
    """
    positives = np.sort(rng.random(n_positive))
    edges = np.concatenate([[0.0], positives, [1.0]])
    below = rng.binomial(n_positive, 1 - auroc, size=n_negative)
    negatives = rng.uniform(edges[below], edges[below + 1])
    return np.arange(n_positive + n_negative) < n_positive, np.concatenate([positives, negatives])


def binormal_scores(n_positive: int, n_negative: int, auroc: float, rng: np.random.Generator) -> tuple[Labels, Scores]:
    """Draw standard normal negatives and positives shifted by ``sqrt(2) * Phi^-1(auroc)``, mapped by ``Phi`` to (0, 1).

    The map changes no ranking; it gives `normalise` a scale that starts at 0.

    Parameters
    ----------
    n_positive, n_negative, auroc, rng
        As in :func:`binomial_scores`.

    Returns
    -------
    labels, scores
        As in :func:`binomial_scores`.
    """
    labels = np.arange(n_positive + n_negative) < n_positive
    shift = np.sqrt(2) * ndtri(auroc)
    return labels, np.asarray(ndtr(rng.standard_normal(labels.size) + shift * labels))


SAMPLERS: Final[Mapping[str, Callable[[int, int, float, np.random.Generator], tuple[Labels, Scores]]]] = {
    "binomial": binomial_scores,
    "binormal": binormal_scores,
}


@dataclass(frozen=True, eq=False)
class TwoGroups:
    """Scores, labels and groups of one simulated sample.

    Attributes
    ----------
    labels : ndarray of shape (n,), bool
        Whether the row is a positive.
    scores : ndarray of shape (n,), float64
        Higher means more likely positive.
    groups : ndarray of shape (n,), str
        :data:`HIGHER` or :data:`LOWER`.
    """

    labels: Labels
    scores: Scores
    groups: NDArray[np.str_]


def two_groups(
    sampler: str,
    auroc: float,
    rng: np.random.Generator,
    *,
    normalise: bool,
    n_samples: int = GROUP_SIZE,
    prevalences: Sequence[float] = PREVALENCES,
) -> TwoGroups:
    """Draw two groups of equal size and equal expected AUROC that differ in prevalence.

    Parameters
    ----------
    sampler : {"binomial", "binormal"}
        How scores are drawn.
    auroc : float
        Expected AUROC of each group.
    rng : Generator
        Source of randomness.
    normalise : bool
        Whether the scores of a group are rescaled, multiplied so that their mean is the prevalence of the group. That
        leaves the order within a group alone; scores whose mean is right are not calibrated by it.
    n_samples : int, default=200
        Rows of each group.
    prevalences : (float, float), default=(0.05, 0.01)
        Prevalence of the higher, then of the lower group.

    Returns
    -------
    TwoGroups
    """
    labels, scores = [], []
    for prevalence in prevalences:
        positive = n_positives(n_samples, prevalence)
        y, s = SAMPLERS[sampler](positive, n_samples - positive, auroc, rng)
        labels.append(y)
        scores.append(s * (prevalence / s.mean()) if normalise else s)
    return TwoGroups(np.concatenate(labels), np.concatenate(scores), np.repeat([HIGHER, LOWER], n_samples))


def areas_of_each(labels: Labels, scores: Scores) -> tuple[Scores, Scores]:
    """AUROC and average precision of many score vectors for the same labels; ties count as in the single functions.

    Parameters
    ----------
    labels : ndarray of shape (n,), bool
    scores : ndarray of shape (n_vectors, n), float64

    Returns
    -------
    auroc, average_precision : ndarray of shape (n_vectors,), float64
    """
    order = np.argsort(-scores, axis=1)
    hit, ranked = labels[order], np.take_along_axis(scores, order, axis=1)
    positives_down_to = np.cumsum(hit, axis=1)
    position = np.arange(labels.size)
    n1, n0 = int(labels.sum()), int((~labels).sum())
    changes = ranked[:, 1:] != ranked[:, :-1]
    edge = np.ones((len(scores), 1), dtype=bool)
    end = np.where(np.hstack([changes, edge]), position, labels.size)
    end = np.minimum.accumulate(end[:, ::-1], axis=1)[:, ::-1]
    start = np.maximum.accumulate(np.where(np.hstack([edge, changes]), position, 0), axis=1)
    positives = np.take_along_axis(positives_down_to, end, axis=1)
    negatives = end + 1 - positives
    before: NDArray[np.intp] = np.take_along_axis(positives_down_to, start, axis=1) - np.take_along_axis(
        hit, start, axis=1
    )
    negatives_before = start - before
    average_precision = np.where(hit, positives / (end + 1), 0.0).sum(axis=1) / n1
    twice = np.where(hit, 2 * n0 - negatives - negatives_before, 0).sum(axis=1)
    return twice / (2 * n1 * n0), average_precision


def over_seeds(values: NDArray[np.float64]) -> dict[str, float]:
    """Mean, 5 % and 95 % quantile of the values of all seeds."""
    low, high = np.quantile(values, [0.05, 0.95])
    return {"mean": float(values.mean()), "p5": float(low), "p95": float(high)}
