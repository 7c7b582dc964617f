"""The rules that turn replicated values into a verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from repro.claims.evidence import Evidence
from repro.claims.judgement import Bounds, ConditionJudgement
from repro.claims.kept import kept_intervals
from repro.protocol.claim import Claim, Criterion, Published, Verdict

LEVEL: Final = 0.95
EQUIVALENCE_LEVEL: Final = 0.90
"""Level of the interval that lies inside the margin exactly when two one-sided tests at 5 % both reject."""

FRAGILE: Final = {"t": (4, 60), "nadeau_bengio": (4, 60), "bca": (4, 20), "none": (3, 60)}
"""Fewest and most replicates of which each is left out once to see whether the verdict hangs on it, by interval method.

With fewer the interval of those that are left is wide whatever they are; with more no single one weighs much.
"""

SKEWED: Final = 3.0
"""A sample skewness of more than this many of its standard errors puts the median beside the mean."""

FEW: Final = (6, 60)
"""Fewest replicates for which the median has a 95 % interval, and most for which one of them can make the mean."""

Values = NDArray[np.float64]


def direction_verdict(bounds: Bounds, smallest_effect: float) -> Verdict:
    """Reproduced when the interval lies above zero, not reproduced when it lies below the smallest effect."""
    low, high = bounds
    if low > 0:
        return "reproduced"
    return "not reproduced" if high < smallest_effect else "inconclusive"


def equivalence_verdict(bounds_90: Bounds, bounds_95: Bounds, margin: float) -> Verdict:
    """Reproduced when the 90 % interval lies inside (-margin, margin), not reproduced when the 95 % one is outside."""
    if -margin < bounds_90[0] and bounds_90[1] < margin:
        return "reproduced"
    return "not reproduced" if bounds_95[0] >= margin or bounds_95[1] <= -margin else "inconclusive"


def within_verdict(bounds: Bounds, tolerance: float) -> Verdict:
    """Reproduced when the interval lies inside [-tolerance, tolerance], not reproduced when it lies outside."""
    low, high = bounds
    if -tolerance <= low and high <= tolerance:
        return "reproduced"
    return "not reproduced" if low > tolerance or high < -tolerance else "inconclusive"


def order_verdict(steps: list[Bounds]) -> Verdict:
    """Reproduced when every adjacent difference lies above zero, not reproduced when one lies below."""
    if all(low > 0 for low, _ in steps):
        return "reproduced"
    return "not reproduced" if any(high < 0 for _, high in steps) else "inconclusive"


def identity_verdict(largest_deviation: float, bound: float) -> Verdict:
    """Reproduced when no deviation exceeds the bound."""
    return "reproduced" if largest_deviation <= bound else "not reproduced"


def _quantiles(values: Values, level: float) -> Bounds:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _interval_method(claim: Claim) -> Callable[[Values, float], Any]:
    from repro.metrics import intervals  # SciPy takes a while to import

    statistic = np.median if claim.quantity.statistic == "median" else np.mean
    methods: dict[str, Callable[[Values, float], Any]] = {
        "t": lambda values, level: intervals.mean_interval(values, level=level),
        "bca": lambda values, level: intervals.bca_interval(values, statistic=statistic, level=level, random_state=0),
        "nadeau_bengio": lambda values, level: intervals.nadeau_bengio_interval(
            values, folds=claim.folds, folds_per_value=claim.folds_per_value or claim.folds, level=level
        ),
    }
    return methods[claim.interval]


def _summary(claim: Claim, values: Values) -> float:
    return float(np.median(values) if claim.quantity.statistic == "median" else np.mean(values))


def _bounds(claim: Claim, values: Values, level: float) -> Bounds:
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    if claim.interval == "draws":
        return _quantiles(values, level)

    def computed() -> Bounds:
        interval = _interval_method(claim)(values, level)
        return float(interval.low), float(interval.high)

    if claim.interval == "bca":
        return kept_intervals().get(values, f"bca {claim.quantity.statistic} {level} seed 0", computed)
    return computed()


def _plain_bounds(claim: Claim, values: Values) -> Bounds | None:
    if claim.interval != "nadeau_bengio" or len(values) < 2:
        return None
    from repro.metrics.intervals import mean_interval

    interval = mean_interval(values, level=LEVEL)
    return float(interval.low), float(interval.high)


def _median_beside_mean(claim: Claim, values: Values) -> tuple[float, Bounds] | None:
    """Median and the interval of the sign test, where few independent values make the mean a poor summary."""
    if claim.interval != "t" or not FEW[0] <= len(values) <= FEW[1] or np.ptp(values) == 0:
        return None
    n, centred = len(values), values - values.mean()
    skewness = np.sqrt(n * (n - 1)) / (n - 2) * np.mean(centred**3) / np.mean(centred**2) ** 1.5
    error = np.sqrt(6 * n * (n - 1) / ((n - 2) * (n + 1) * (n + 3)))
    if abs(skewness) <= SKEWED * error:
        return None
    from scipy.stats import quantile_test

    interval: Any = quantile_test(values, p=0.5).confidence_interval(LEVEL)
    return float(np.median(values)), (float(interval.low), float(interval.high))


def _oriented(criterion: Criterion, values: Values) -> Values:
    """Values signed so that the claimed direction is positive."""
    return -values if criterion.sign == "negative" and criterion.kind in ("direction", "order") else values


def _deviation(criterion: Criterion, published: Published | None, values: Values) -> Values:
    """Values as they are judged: against the published one for ``within``, else signed as claimed."""
    if criterion.kind == "within" and published is not None:
        return values / published.value - 1.0 if criterion.relative else values - published.value
    return _oriented(criterion, values)


def _possible(claim: Claim, evidence: Evidence) -> Bounds | None:
    """Values that the estimate can have, from the range of the metric."""
    if claim.quantity.range is None:
        return None
    low, high = claim.quantity.range
    if evidence.contrasted:
        low, high = low - high, high - low
    ends = _deviation(evidence.criterion, evidence.published, np.array([low, high]))
    return float(ends.min()), float(ends.max())


@dataclass(frozen=True)
class _Rule:
    """The rule of one condition: from replicated values, signed as claimed, to a verdict."""

    claim: Claim
    criterion: Criterion
    smallest_effect: float
    possible: Bounds | None

    def bounds(self, values: Values, level: float = LEVEL) -> Bounds:
        """Interval of the values, which never leaves what the quantity can be."""
        low, high = _bounds(self.claim, values, level)
        if self.possible is None:
            return low, high
        least, most = self.possible
        return min(max(low, least), most), max(min(high, most), least)

    def verdict(self, series: Mapping[str, Values], error: float = 1 - LEVEL) -> Verdict:
        """Verdict on the values of one condition, or of all adjacent pairs; `error` is 1 minus the level."""
        criterion = self.criterion
        values = next(iter(series.values()))
        if criterion.kind == "identity":
            assert criterion.bound is not None  # the claim's own check
            return identity_verdict(float(np.abs(values).max()), criterion.bound)
        if criterion.kind == "order":
            return order_verdict([self.bounds(entry, 1 - error) for entry in series.values()])
        low, high = self.bounds(values, 1 - error)
        if criterion.kind == "direction":
            margin = criterion.non_inferiority
            return direction_verdict((low + margin, high + margin), self.smallest_effect)
        if criterion.kind == "equivalence":
            assert criterion.margin is not None
            return equivalence_verdict(self.bounds(values, 1 - 2 * error), (low, high), criterion.margin)
        assert criterion.tolerance is not None
        return within_verdict((low, high), criterion.tolerance)

    def excludes(self, bounds: Bounds) -> bool:
        """Whether the whole interval lies below the smallest effect, so that a gain worth mentioning is excluded."""
        smallest = self.smallest_effect
        return self.criterion.kind == "direction" and bounds[1] + self.criterion.non_inferiority < smallest

    def without_each(self, series: Mapping[str, Values]) -> list[Verdict]:
        """Verdicts when each replicate is left out once; empty where that is not asked."""
        replicates = len(next(iter(series.values())))
        fewest, most = FRAGILE.get(self.claim.interval, (1, 0))
        if not fewest <= replicates <= most:
            return []
        return [
            self.verdict({name: np.delete(values, place) for name, values in series.items()})
            for place in range(replicates)
        ]

    def would_resolve(self, published: Published | None, values: Values) -> bool | None:
        """Whether the effect that the paper prints would be reproduced with the spread of these values."""
        if published is None or self.criterion.kind != "direction":
            return None
        theirs = float(_oriented(self.criterion, np.array([published.value]))[0])
        if theirs <= 0:
            return None
        return self.verdict({"": values - _summary(self.claim, values) + theirs}) == "reproduced"


def judge_condition(claim: Claim, evidence: Evidence, looks: int = 1) -> ConditionJudgement:
    """Verdict of one condition.

    Parameters
    ----------
    claim : Claim
        The claim; its interval method and statistic are used.
    evidence : Evidence
        Values, criterion and smallest effect of the condition.
    looks : int, default=1
        Conditions that the claim is judged on; the family-wise verdict shares the error of 5 % among them (Bonferroni).

    Returns
    -------
    ConditionJudgement
        ``not run`` without values, ``inconclusive`` for a single replicate (but ``identity`` needs no spread).
    """
    criterion = evidence.criterion
    published = evidence.published
    shown: dict[str, Any] = {
        "name": evidence.name,
        "part": evidence.part,
        "metric": evidence.metric,
        "settings": evidence.settings,
        "published": published.value if published else None,
        "published_source": published.source if published else None,
        "cells": evidence.cells,
    }
    if not evidence.series:
        return ConditionJudgement(verdict="not run", note="the table has no row of this condition", **shown)
    rule = _Rule(claim, criterion, evidence.smallest_effect, _possible(claim, evidence))
    series = {name: _deviation(criterion, published, values) for name, values in evidence.series.items()}
    replicates = len(next(iter(series.values())))
    shown["replicates"] = replicates
    if criterion.kind != "identity" and replicates == 1:
        weakest = min(float(values[0]) for values in series.values())
        return ConditionJudgement(
            verdict="inconclusive", estimate=weakest, note="a single replicate has no interval", decides=False, **shown
        )
    verdict = rule.verdict(series)
    others = [other for other in rule.without_each(series) if other != verdict]
    shown |= {"verdict": verdict, "flips": len(others), "otherwise": tuple(sorted(set(others)))}
    if criterion.kind == "identity":
        return ConditionJudgement(estimate=float(np.abs(series[next(iter(series))]).max()), **shown)
    bounds = {name: rule.bounds(values) for name, values in series.items()}
    notes = ["the replicates do not differ"] if all(np.ptp(values) == 0 for values in series.values()) else []
    deciding = next(iter(series))
    if criterion.kind == "order":
        end = 1 if verdict == "not reproduced" else 0
        deciding = min(bounds, key=lambda name: bounds[name][end])
        notes.append(f"the step that decides: {deciding}")
    values, estimate = series[deciding], _summary(claim, series[deciding])
    excludes = rule.excludes(bounds[deciding])
    if verdict == "reproduced" and not excludes and criterion.kind == "direction":  # noqa: SIM102
        if estimate + criterion.non_inferiority < evidence.smallest_effect:
            notes.append(f"the estimate is below the smallest effect of interest, {evidence.smallest_effect:g}")
    resolved = rule.would_resolve(published, values)
    if resolved is False:
        notes.append("an effect as large as the paper's would not be reproduced with this spread")
    beside = _median_beside_mean(claim, values)
    return ConditionJudgement(
        estimate=estimate,
        interval=bounds[deciding],
        plain_interval=_plain_bounds(claim, values),
        interval_90=rule.bounds(values, EQUIVALENCE_LEVEL) if criterion.kind == "equivalence" else None,
        median=beside[0] if beside else None,
        median_interval=beside[1] if beside else None,
        excludes=excludes,
        family_wise=rule.verdict(series, (1 - LEVEL) / looks) if looks > 1 else verdict,
        would_resolve=resolved,
        note="; ".join(notes),
        **shown,
    )
