"""On which scale the effect of a condition is shown, and against which marks it is read."""

from __future__ import annotations

import math
from dataclasses import dataclass

from repro.claims.judgement import Bounds, ConditionJudgement
from repro.claims.naming import part_of
from repro.claims.numbers import format_estimate, format_number
from repro.protocol.claim import Claim, Criterion, Part


def rule_of(claim: Claim, part: Part | None) -> tuple[Criterion, float]:
    """Criterion and smallest effect of interest by which a part of a claim is judged, or the claim without parts."""
    criterion = part.criterion if part and part.criterion else claim.criterion
    return criterion, claim.smallest_effect if part is None or part.smallest_effect is None else part.smallest_effect


@dataclass(frozen=True)
class Scale:
    """Scale of an effect.

    Parameters
    ----------
    metric : str
        What was measured; effects of different metrics are not drawn on one scale.
    kind : str
        Kind of the criterion.
    marks : tuple of float
        Where the criterion draws its lines besides zero.
    ratio : bool
        Whether the effect is the logarithm of a ratio, which is shown as the ratio.
    percent : bool
        Whether the effect is a share of the published value, which is shown in percent.
    """

    metric: str
    kind: str
    marks: tuple[float, ...] = ()
    ratio: bool = False
    percent: bool = False

    @classmethod
    def of(cls, claim: Claim, condition: ConditionJudgement) -> Scale:
        """Scale on which a condition of a claim is shown."""
        part, quantity = part_of(claim, condition), claim.quantity
        criterion, smallest = rule_of(claim, part)
        around = criterion.margin or criterion.tolerance
        marks: tuple[float, ...] = (-around, around) if around else ()
        if criterion.kind == "direction":
            marks = tuple(mark for mark in (-criterion.non_inferiority, smallest) if mark)
        elif criterion.bound:
            marks = (criterion.bound,)
        contrasted = bool((part and part.contrast) or quantity.contrast)
        ratio = contrasted and quantity.scale == "log_ratio" and criterion.kind in ("direction", "equivalence")
        return cls(condition.metric or quantity.metric, criterion.kind, marks, ratio, criterion.relative)

    def shown(self, value: float) -> float:
        """Value as it is shown: a ratio, a percentage or what it is."""
        return math.exp(value) if self.ratio else 100 * value if self.percent else value

    def published(self, value: float) -> float:
        """Value of the paper as it is shown beside ours; a relative criterion compares with what is printed."""
        return math.exp(value) if self.ratio else value

    @property
    def zero(self) -> str:
        """Word for no effect."""
        return "one" if self.ratio else "zero"

    def mark(self, value: float) -> str:
        """Text of a mark."""
        return format_number(self.shown(value)) + (" %" if self.percent else "")

    def bounds(self, interval: Bounds | None) -> Bounds | None:
        """Interval as it is shown."""
        return None if interval is None else (self.shown(interval[0]), self.shown(interval[1]))

    def texts(self, condition: ConditionJudgement) -> tuple[str, str]:
        """Texts of estimate and interval, both with the digits that the interval supports."""
        estimate = None if condition.estimate is None else self.shown(condition.estimate)
        number, interval = format_estimate(estimate, self.bounds(condition.interval))
        return number + (" %" if self.percent and estimate is not None else ""), interval


def effect_words(scale: Scale, condition: ConditionJudgement) -> str:
    """Effect with its interval as a sentence says it, for example ``0.0345 (0.0320 to 0.0370)``."""
    estimate, interval = scale.texts(condition)
    return estimate if condition.interval is None else f"{estimate} ({interval.strip('[]').replace(', ', ' to ')})"
