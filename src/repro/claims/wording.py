"""Plain words and symbols for verdicts, criteria and what stands beside them."""

from __future__ import annotations

from typing import Final

from repro.claims.judgement import ConditionJudgement, ControlJudgement, Judgement
from repro.claims.naming import measure_name, setting_words
from repro.claims.numbers import MINUS, format_interval, format_number, readable_number, supported_decimals
from repro.protocol.claim import Claim, Criterion, Published, Verdict

SYMBOLS: Final[dict[Verdict, str]] = {
    "reproduced": "\N{HEAVY CHECK MARK}",
    "partly": "\N{CIRCLE WITH LEFT HALF BLACK}",
    "not reproduced": "\N{HEAVY BALLOT X}",
    "inconclusive": "\N{QUESTION MARK}",
    "not run": "\N{EN DASH}",
}
"""A sign for every verdict, so that it does not depend on colour."""

STATEMENT_FROM: Final = {
    "text": "",
    "abstract": "statement as the abstract has it; the full text was not at hand",
    "code": "statement as the authors' code has it; the full text was not at hand",
    "summary": "statement from a summary by others; the full text was not at hand",
    "memory": "statement known from memory; the full text was not at hand",
}
"""What a card says about a statement that was not read in the paper."""

MARKS: Final = {
    "mixed": "mixed: conditions on both sides",
    "fragile": "fragile: another verdict without one of the replicates",
}
"""What the notes beside a verdict mean."""

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
    number = format_number
    if criterion.kind == "direction":
        floor = f"above {MINUS}{number(criterion.non_inferiority)}" if criterion.non_inferiority else "above 0"
        smallest = f"; smallest effect of interest {number(smallest_effect)}" if smallest_effect else ""
        return f"the 95 % interval lies {floor} in the claimed direction{smallest}"
    if criterion.kind == "equivalence":
        return f"the 90 % interval lies between {MINUS}{number(criterion.margin)} and {number(criterion.margin)}"
    if criterion.kind == "within":
        deviation = "ours over published minus 1" if criterion.relative else "ours minus published"
        return f"the 95 % interval of {deviation} lies within ±{number(criterion.tolerance)}"
    if criterion.kind == "order":
        return "the 95 % interval of every adjacent difference lies above 0"
    return f"no deviation exceeds {number(criterion.bound)}"


def published_words(claim: Claim, entry: Published) -> str:
    """One published value with what it belongs to and how it was taken."""
    settings = " · ".join(
        setting_words(claim.study, column, value) for column, value in (entry.model_extra or {}).items()
    )
    mark = "" if entry.source == "read" else " (measured from a figure)"
    metric, _, kind = entry.quantity.rpartition("_")
    what = measure_name(claim.study, metric) if kind in ("difference", "ratio") and metric else entry.quantity
    name = f"{what}, {kind}" if what != entry.quantity else measure_name(claim.study, entry.quantity)
    return f"{settings + ': ' if settings else ''}{name} = {readable_number(f'{entry.value:g}')}{mark}"


def hardware_words(processor: str, cores: int, gpu: str | None) -> str:
    """One line about a machine."""
    return f"{processor}, {cores} {'core' if cores == 1 else 'cores'}{f', {gpu}' if gpu else ''}"


def mark_words(judgement: Judgement) -> list[str]:
    """Everything that is said beside the verdict of one profile, each in a few words."""
    marks = [MARKS.get(mark, mark) for mark in judgement.marks]
    if judgement.mechanism_demo:
        marks.insert(0, "mechanism demo: a stand-in for the paper's data or system")
    if judgement.under_way:
        marks.append(f"under way: {judgement.under_way}")
    marks.extend(change_words(judgement))
    if judgement.control and judgement.control.problem:
        marks.append(f"control fails: {judgement.control.problem}")
    return marks


def change_words(judgement: Judgement) -> list[str]:
    """Name what of the claim is another than at the time of the run: ``criterion changed after the run``."""
    return [f"{change if 'left out' in change else f'{change} changed'} after the run" for change in judgement.changes]


def condition_note(condition: ConditionJudgement) -> str:
    """Join the notes on one condition: marks, the median of skewed replicates, remarks of the rule."""
    notes = list(condition.marks)
    if condition.median is not None:
        places = None if condition.median_interval is None else supported_decimals(condition.median_interval)
        median = format_number(condition.median, places)
        notes.append(f"skewed: median {median} {format_interval(condition.median_interval, places)}")
    return "; ".join([*notes, condition.note] if condition.note else notes)


def family_words(judgement: Judgement) -> str:
    """How many conditions stand when all of them share the error of 5 %; empty for a single one."""
    counts = judgement.family_wise
    if counts is None:
        return ""
    return (
        f"All {counts.total} conditions judged together, sharing an error of 5 % (Bonferroni): "
        f"{counts.reproduced} reproduced, {counts.against} against."
    )


def control_words(control: ControlJudgement) -> str:
    """How a control came out: that the claim fails there, as it must, or with which verdict it does not."""
    changed = "" if control.changed is None else f"; it changes {100 * control.changed:.3g} % of the values"
    if control.verdict == "not reproduced" and not control.problem:
        return f"\N{CHECK MARK} the claim fails there, as it must{changed}"
    return f"{SYMBOLS[control.verdict]} {control.verdict}{changed}"
