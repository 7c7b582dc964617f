"""The rules that turn replicated values into a verdict."""

from __future__ import annotations

from collections.abc import Callable
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


def _oriented(criterion: Criterion, values: Values) -> Values:
    """Values signed so that the claimed direction is positive."""
    return -values if criterion.sign == "negative" and criterion.kind in ("direction", "order") else values


def _deviation(criterion: Criterion, published: Published | None, values: Values) -> Values:
    """Values as they are judged: against the published one for ``within``, else signed as claimed."""
    if criterion.kind == "within" and published is not None:
        return values / published.value - 1.0 if criterion.relative else values - published.value
    return _oriented(criterion, values)


def _judge_identity(evidence: Evidence, shown: dict[str, Any]) -> ConditionJudgement:
    deviations = np.abs(next(iter(evidence.series.values())))
    bound = evidence.criterion.bound
    assert bound is not None  # the claim's own check
    largest = float(deviations.max())
    return ConditionJudgement(
        verdict=identity_verdict(largest, bound), estimate=largest, replicates=len(deviations), **shown
    )


def judge_condition(claim: Claim, evidence: Evidence) -> ConditionJudgement:
    """Verdict of one condition.

    Parameters
    ----------
    claim : Claim
        The claim; its interval method and statistic are used.
    evidence : Evidence
        Values, criterion and smallest effect of the condition.

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
    }
    if not evidence.series:
        return ConditionJudgement(verdict="not run", note="the table has no row of this condition", **shown)
    if criterion.kind == "identity":
        return _judge_identity(evidence, shown)
    series = {name: _deviation(criterion, published, values) for name, values in evidence.series.items()}
    replicates = len(next(iter(series.values())))
    shown["replicates"] = replicates
    if replicates == 1:
        weakest = min(float(values[0]) for values in series.values())
        return ConditionJudgement(
            verdict="inconclusive", estimate=weakest, note="a single replicate has no interval", **shown
        )
    bounds = {name: _bounds(claim, values, LEVEL) for name, values in series.items()}
    notes = ["the replicates do not differ"] if all(np.ptp(values) == 0 for values in series.values()) else []
    deciding = next(iter(series))
    bounds_90 = None
    if criterion.kind == "direction":
        margin = criterion.non_inferiority
        low, high = bounds[deciding]
        verdict = direction_verdict((low + margin, high + margin), evidence.smallest_effect)
        if verdict == "reproduced" and _summary(claim, series[deciding]) + margin < evidence.smallest_effect:
            notes.append(f"the estimate is below the smallest effect of interest, {evidence.smallest_effect:g}")
    elif criterion.kind == "equivalence":
        assert criterion.margin is not None
        bounds_90 = _bounds(claim, series[deciding], EQUIVALENCE_LEVEL)
        verdict = equivalence_verdict(bounds_90, bounds[deciding], criterion.margin)
    elif criterion.kind == "within":
        assert criterion.tolerance is not None
        verdict = within_verdict(bounds[deciding], criterion.tolerance)
    else:
        verdict = order_verdict(list(bounds.values()))
        end = 1 if verdict == "not reproduced" else 0
        deciding = min(bounds, key=lambda name: bounds[name][end])
        notes.append(f"the step that decides: {deciding}")
    return ConditionJudgement(
        verdict=verdict,
        estimate=_summary(claim, series[deciding]),
        interval=bounds[deciding],
        plain_interval=_plain_bounds(claim, series[deciding]),
        interval_90=bounds_90,
        note="; ".join(notes),
        **shown,
    )
