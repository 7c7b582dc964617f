"""How often intervals for AUROC and average precision cover the value of the population, down to a few positives."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.integrate import quad
from scipy.special import ndtr, ndtri
from scipy.stats import norm

from repro.metrics import (
    Interval,
    auroc,
    average_precision,
    average_precision_interval,
    bootstrap_ranking,
    delong_interval,
    newcombe_interval,
)
from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.auroc_auprc.samplers import (
    Labels,
    Scores,
    binormal_scores,
    generators,
)

MEASURED: Final = {"auroc": auroc, "average_precision": average_precision}
CLOSED_FORMS: Final[Mapping[tuple[str, str], Callable[[ArrayLike, ArrayLike], Interval]]] = {
    ("auroc", "delong"): lambda y, s: delong_interval(y, s, transform=None),
    ("auroc", "delong_logit"): delong_interval,
    ("auroc", "newcombe"): newcombe_interval,
    ("average_precision", "logit_influence"): average_precision_interval,
    ("average_precision", "logit_binomial"): lambda y, s: average_precision_interval(y, s, method="logit_binomial"),
}
COVERAGE_SETTINGS: Final = ("n", "prevalence", "area", "method")
RESAMPLED: Final = ("percentile", "bca")


def binormal_average_precision(area: float, prevalence: float) -> float:
    """Average precision of a population with standard normal negatives and shifted standard normal positives.

    It is the mean precision at the score of a positive,
    ``E[ pi Phi(mu - t) / (pi Phi(mu - t) + (1 - pi) Phi(-t)) ]`` with ``t ~ N(mu, 1)``, ``mu = sqrt(2) Phi^-1(AUROC)``.
    """
    shift = float(np.sqrt(2) * ndtri(area))

    def integrand(t: float) -> float:
        found, false = prevalence * ndtr(shift - t), (1 - prevalence) * ndtr(-t)
        return float(norm.pdf(t - shift) * found / (found + false))

    return float(quad(integrand, shift - 9, shift + 9, limit=200, epsabs=1e-10)[0])


def population_sample(
    n_samples: int, prevalence: float, area: float, rng: np.random.Generator
) -> tuple[Labels, Scores] | None:
    """Draw rows of the population, the number of positives at random; None when there is no positive."""
    positive = int(rng.binomial(n_samples, prevalence))
    return binormal_scores(positive, n_samples - positive, area, rng) if positive else None


def bounds(
    labels: Labels, scores: Scores, resamples: int, rng: np.random.Generator
) -> dict[tuple[str, str], tuple[float, float]]:
    """Lower and upper bound of the nominal 95 % interval by area and method; bootstraps see the same resamples."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of few positives, which is what is studied here
        for key, interval in CLOSED_FORMS.items():
            computed = interval(labels, scores)
            found[key] = (computed.low, computed.high)
        seed = int(rng.integers(2**32))
        for method in RESAMPLED:
            table = bootstrap_ranking(
                labels,
                scores,
                n_resamples=resamples,
                method=method,
                random_state=seed,
            )
            for area, low, high in zip(table["metric"], table["low"], table["high"], strict=True):
                found[area, method] = (float(low), float(high))
    return found


def interval_coverage(cell: Cell) -> pd.DataFrame:
    """Simulate samples of a binormal population and count the intervals that hold its AUROC and average precision.

    Parameters
    ----------
    cell : Cell
        Parameters ``n`` (rows), ``prevalence``, ``auroc``, ``batch``, ``simulations`` and ``resamples``.

    Returns
    -------
    DataFrame
        Columns ``n, prevalence, area, method, replicate, metric, value``; shares of the simulations with a positive:
        ``coverage``, ``above`` and ``below`` (the whole interval lies above or below the true value), and the mean
        ``width``. The method ``sample`` holds the true value (``truth``), the mean ``estimate`` and the share of
        simulations ``without_positives``, which do not count. One replicate a batch.
    """
    n_samples, prevalence, target = cell.whole("n"), cell.number("prevalence"), cell.number("auroc")
    truth = {"auroc": target, "average_precision": binormal_average_precision(target, prevalence)}
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    estimates, drawn = [], cell.whole("simulations")
    for rng in generators(cell, drawn):
        sample = population_sample(n_samples, prevalence, target, rng)
        if sample is not None:
            estimates.append([measured(*sample) for measured in MEASURED.values()])
            for key, interval in bounds(*sample, cell.whole("resamples"), rng).items():
                found.setdefault(key, []).append(interval)
    rows = Rows(*COVERAGE_SETTINGS, n=n_samples, prevalence=prevalence, replicate=cell.whole("batch"))
    for place, (area, value) in enumerate(truth.items()):
        sampled = {
            "truth": value,
            "estimate": float(np.mean(estimates, axis=0)[place]),
            "without_positives": 1 - len(estimates) / drawn,
        }
        rows.add(sampled, area=area, method="sample")
    for (area, method), intervals in found.items():
        low, high = np.array(intervals).T
        above, below = low > truth[area], high < truth[area]
        shares = {
            "coverage": 1 - above.mean() - below.mean(),
            "above": above.mean(),
            "below": below.mean(),
            "width": (high - low).mean(),
        }
        rows.add({metric: float(value) for metric, value in shares.items()}, area=area, method=method)
    return rows.frame()
