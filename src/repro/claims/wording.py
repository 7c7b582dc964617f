"""Plain words and symbols for verdicts, criteria and quantities."""

from __future__ import annotations

from typing import Final

from repro.claims.numbers import MINUS
from repro.protocol.claim import Claim, Criterion, Part, Published, Verdict
from repro.results import scalar_text

SYMBOLS: Final[dict[Verdict, str]] = {
    "reproduced": "\N{HEAVY CHECK MARK}",
    "partly": "\N{CIRCLE WITH LEFT HALF BLACK}",
    "not reproduced": "\N{HEAVY BALLOT X}",
    "inconclusive": "\N{QUESTION MARK}",
    "not run": "\N{EN DASH}",
}
"""A sign for every verdict, so that it does not depend on colour."""

_INTERVALS: Final = {
    "t": "Student's t over replicates",
    "bca": "BCa bootstrap over replicates",
    "nadeau_bengio": "corrected for reused folds after Nadeau and Bengio",
    "draws": "quantiles of bootstrap draws",
    "none": "no interval",
}


def interval_words(claim: Claim) -> str:
    """Name of the interval method of a claim."""
    return _INTERVALS[claim.interval]


def criterion_words(criterion: Criterion, smallest_effect: float) -> str:
    """When the criterion counts as met, in one sentence without its full stop."""
    if criterion.kind == "direction":
        floor = f"above {MINUS}{criterion.non_inferiority:g}" if criterion.non_inferiority else "above 0"
        smallest = f"; smallest effect of interest {smallest_effect:g}" if smallest_effect else ""
        return f"the 95 % interval lies {floor} in the claimed direction{smallest}"
    if criterion.kind == "equivalence":
        return f"the 90 % interval lies between {MINUS}{criterion.margin:g} and {criterion.margin:g}"
    if criterion.kind == "within":
        deviation = "ours over published minus 1" if criterion.relative else "ours minus published"
        return f"the 95 % interval of {deviation} lies within ±{criterion.tolerance:g}"
    if criterion.kind == "order":
        return "the 95 % interval of every adjacent difference lies above 0"
    return f"no deviation exceeds {criterion.bound:g}"


def quantity_words(claim: Claim, part: Part | None = None) -> str:
    """Name what is estimated: the metric and what is compared, with the sign that counts as claimed."""
    quantity = claim.quantity
    criterion = part.criterion if part and part.criterion else claim.criterion
    metric = part.metric if part and part.metric else quantity.metric
    contrast = part.contrast if part and part.contrast else quantity.contrast
    if criterion.kind == "order":
        return f"{metric}, adjacent differences of {' > '.join(scalar_text(level) for level in quantity.order or ())}"
    first, second = (scalar_text(level) for level in contrast) if contrast else ("", "")
    if criterion.sign == "negative" and criterion.kind == "direction":
        first, second = second, first
        metric = metric if contrast else f"{MINUS}{metric}"
    joint = f" {MINUS} " if quantity.scale == "difference" else " / "
    text = f"{metric}: {first}{joint}{second}" if contrast else metric
    if contrast and quantity.scale == "log_ratio":
        text = f"logarithm of {text}"
    if criterion.kind != "within":
        return text
    return f"{text}, ours / published {MINUS} 1" if criterion.relative else f"{text}, ours {MINUS} published"


def published_words(entry: Published) -> str:
    """One published value with what it belongs to and how it was taken."""
    settings = ", ".join(scalar_text(value) for value in (entry.model_extra or {}).values())
    mark = "" if entry.source == "read" else " (measured from a figure)"
    value = f"{entry.value:g}".replace("-", MINUS)
    return f"{settings + ': ' if settings else ''}{entry.quantity} = {value}{mark}"


def hardware_words(processor: str, cores: int, gpu: str | None) -> str:
    """One line about a machine."""
    return f"{processor}, {cores} {'core' if cores == 1 else 'cores'}{f', {gpu}' if gpu else ''}"
