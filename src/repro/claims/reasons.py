"""What came out, in one plain sentence, and why: what was shown, what was not, and what would change the verdict."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from repro.claims.judgement import ConditionJudgement, Judgement
from repro.claims.naming import condition_names, conditions_noun, part_of, quantity_words
from repro.claims.scales import Scale, effect_words, rule_of
from repro.protocol.claim import Claim

_NAMED: Final = 3
"""So many conditions are named; of more, the number of the others is said."""

_COUNTED: Final = 4
"""So many parts of a claim are counted one by one in its sentence."""

_TOO_MANY: Final = 100
"""More than so many times the present replicates is not a number that anybody would run."""


def plain_sentence(judgement: Judgement) -> str:
    """Say in one sentence what came out, for a reader who does not know the words of statistics."""
    if judgement.verdict == "not run":
        return f"Not run yet: {judgement.note}." if judgement.note else "Not run yet."
    if not judgement.decides:
        begun = judgement.under_way or f"one {judgement.claim.quantity.replicate} for each condition"
        return f"Under way with {begun}: there is no interval yet, and nothing can be said."
    names = condition_names(judgement)
    run = [pair for pair in zip(names, judgement.conditions, strict=True) if pair[1].verdict != "not run"]
    if len(run) == 1:
        return _of_one(judgement.claim, run[0][1])
    return _of_several(judgement.claim, run)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _of_one(claim: Claim, condition: ConditionJudgement) -> str:
    scale = Scale.of(claim, condition)
    quantity = _capital(quantity_words(claim, part_of(claim, condition)))
    if scale.kind == "identity":
        limit = scale.mark(scale.marks[0]) if scale.marks else "0"
        return f"{quantity}: the largest is {scale.texts(condition)[0]}, and at most {limit} is allowed."
    return f"{quantity} = {effect_words(scale, condition)}; {where_it_lies(scale, condition)}."


def where_it_lies(scale: Scale, condition: ConditionJudgement) -> str:
    """Say where the interval of a condition lies, as its criterion reads it."""
    verdict, marks = condition.verdict, [scale.mark(mark) for mark in scale.marks]
    if not condition.decides:
        return "a single replicate has no interval"
    if scale.kind == "identity":
        inside = "stays within" if verdict == "reproduced" else "exceeds"
        return f"the deviation {inside} its bound, {marks[0] if marks else '0'}"
    if scale.kind in ("equivalence", "within"):
        place = {"reproduced": "lies inside", "not reproduced": "lies outside"}.get(verdict, "crosses the limits of")
        return f"the interval {place} {marks[0]} to {marks[1]}"
    if verdict == "reproduced":
        return f"the interval lies above {_floor(scale)}, as claimed{_but_small(scale, condition)}"
    if verdict == "not reproduced":
        return f"the interval lies below {_smallest(scale) or _floor(scale)}"
    return f"the interval crosses {_floor(scale).partition(',')[0]}"


def _floor(scale: Scale) -> str:
    shortfall = next((mark for mark in scale.marks if mark < 0), None)
    return scale.zero if shortfall is None else f"{scale.mark(shortfall)}, the shortfall that is allowed"


def _smallest(scale: Scale) -> str:
    smallest = next((mark for mark in scale.marks if mark > 0), None)
    return "" if smallest is None else f"{scale.mark(smallest)}, the smallest effect that matters"


def _but_small(scale: Scale, condition: ConditionJudgement) -> str:
    return f", but below {_smallest(scale)}" if condition.negligible and _smallest(scale) else ""


def _of_several(claim: Claim, run: Sequence[tuple[str, ConditionJudgement]]) -> str:
    preposition, noun = conditions_noun(claim)
    verdicts = Counter(condition.verdict for _, condition in run)
    scales = {Scale.of(claim, condition) for _, condition in run}
    good, against, total = verdicts["reproduced"], verdicts["not reproduced"], len(run)
    share = f"{'both' if total == 2 else f'all {total}'}" if good == total else f"{good or 'none'} of {total}"
    text = f"{preposition} {share} {noun} {_met(scales)}"
    if against and against != total:
        text += f", {preposition.lower()} {against} {_unmet(scales)}"
    parts = list(dict.fromkeys(condition.part for _, condition in run if condition.part))
    if 1 < len(parts) <= _COUNTED and len(run) > len(parts) and 0 < good < total:
        counts = []
        for part in parts:
            of_part = [condition.verdict for _, condition in run if condition.part == part]
            counts.append(f"{part} {of_part.count('reproduced')} of {len(of_part)}")
        return f"{text}: {'; '.join(counts)}."
    return f"{text}; {_range(scales.pop(), run)}." if len(scales) == 1 else f"{text}."


def _met(scales: set[Scale]) -> str:
    kinds, floors = {scale.kind for scale in scales}, {_floor(scale) for scale in scales}
    if len(kinds) > 1 or ("direction" in kinds and len(floors) > 1):
        return "it came out as stated"
    return {
        "direction": f"the interval lies above {floors.pop()}, as claimed",
        "equivalence": "the difference is too small to matter",
        "within": "our number is close enough to the paper's",
        "order": "the claimed order holds",
        "identity": "the deviation stays within its bound",
    }[kinds.pop()]


def _unmet(scales: set[Scale]) -> str:
    if {scale.kind for scale in scales} == {"direction"} and all(map(_smallest, scales)):
        return "an effect that matters is ruled out"
    return "the data speak against it"


def _range(scale: Scale, run: Sequence[tuple[str, ConditionJudgement]]) -> str:
    found = [(condition.estimate, name, condition) for name, condition in run if condition.estimate is not None]
    (_, least, first), (_, most, last) = min(found, key=lambda one: one[0]), max(found, key=lambda one: one[0])
    if scale.kind == "identity":
        return f"the largest deviation is {scale.texts(last)[0]} ({most})"
    what = {"within": "difference from the paper", "equivalence": "difference", "order": "step"}.get(
        scale.kind, "effect"
    )
    return f"smallest {what} {scale.texts(first)[0]} ({least}), largest {scale.texts(last)[0]} ({most})"


@dataclass(frozen=True)
class Why:
    """Reasons of a verdict, each a list of sentences.

    Parameters
    ----------
    shown : tuple of str
        What was established.
    open : tuple of str
        What was not, and why.
    change : tuple of str
        What would change the verdict.
    """

    shown: tuple[str, ...]
    open: tuple[str, ...]
    change: tuple[str, ...]


def why(judgement: Judgement) -> Why:
    """Say what a verdict established, what it did not, and what would change it."""
    claim = judgement.claim
    named = list(zip(condition_names(judgement), judgement.conditions, strict=True))
    shown = [(name, one) for name, one in named if one.verdict == "reproduced"]
    against = [(name, one) for name, one in named if one.verdict == "not reproduced"]
    unclear = [(name, one) for name, one in named if one.verdict == "inconclusive"]
    waiting = [name for name, one in named if one.verdict == "not run"]
    change = [_needed(claim, unclear)] if unclear else []
    if judgement.hangs_on_one:
        change.append("Leaving out one single replicate: the verdict hangs on it.")
    if any(one.would_resolve is False for _, one in unclear):
        change.append("Less spread: an effect as large as the paper's could not be shown with this one.")
    change += _opposite(claim, shown, against, change)
    if judgement.mechanism_demo:
        change.append("A run on the paper's own data or system: this one stands in for it.")
    if judgement.verdict == "not run":
        change = [f"A run: {judgement.note}." if judgement.note else "A run."]
    return Why(
        shown=tuple(_listed(claim, shown)),
        open=(
            *_listed(claim, against),
            *_listed(claim, unclear),
            *([f"Not run: {_names(waiting)}."] if waiting else []),
        ),
        change=tuple(change),
    )


def _names(names: Sequence[str]) -> str:
    kept = list(names) if len(names) <= _NAMED + 1 else [*names[:_NAMED], f"{len(names) - _NAMED} others"]
    return "; ".join(kept[:-1]) + (" and " if len(kept) > 1 else "") + kept[-1]


def _listed(claim: Claim, conditions: Sequence[tuple[str, ConditionJudgement]]) -> list[str]:
    """One sentence for all conditions of which the same is said."""
    reasons: dict[str, list[str]] = {}
    for name, condition in conditions:
        reasons.setdefault(where_it_lies(Scale.of(claim, condition), condition), []).append(name)
    return [
        f"{_capital(_names(names))}: {reason}." if names[0] else f"{_capital(reason)}."
        for reason, names in reasons.items()
    ]


def _opposite(
    claim: Claim,
    shown: Sequence[tuple[str, ConditionJudgement]],
    against: Sequence[tuple[str, ConditionJudgement]],
    said: Sequence[str],
) -> list[str]:
    """Say what new data would have to show where the present ones are clear."""
    clear = against or shown
    if said or not clear:
        return []
    name, nearest = min(clear, key=lambda pair: _distance(claim, pair[1]))
    if nearest.interval is None:
        return ["Another bound: the deviation is no matter of chance." if against else "One deviation above the bound."]
    scale = Scale.of(claim, nearest)
    if scale.kind == "direction":
        wanted = (
            f"reach {_smallest(scale) or _floor(scale)}"
            if against
            else f"reach below {_floor(scale).partition(',')[0]}"
        )
    else:
        low, high = (scale.mark(mark) for mark in scale.marks) if scale.marks else (scale.zero, scale.zero)
        wanted = f"reach {'inside' if against else 'outside'} {low} to {high}"
    which = f" for {name}, which is nearest to it" if name and len(clear) > 1 else f" for {name}" if name else ""
    low, high = scale.texts(nearest)[1].strip("[]").split(", ")
    return [f"New data{which}: the interval, now {low} to {high}, would have to {wanted}."]


def _distance(claim: Claim, condition: ConditionJudgement) -> float:
    """How far the interval of a clear condition is from the mark that would make it unclear, in half widths."""
    if condition.interval is None or condition.estimate is None:
        return math.inf
    low, high = condition.interval
    criterion, smallest = rule_of(claim, part_of(claim, condition))
    half = (high - low) / 2 or math.inf
    around = criterion.margin or criterion.tolerance
    if around:
        return min(abs(around - abs(low)), abs(around - abs(high))) / half
    floor = -criterion.non_inferiority
    return (low - floor if condition.verdict == "reproduced" else floor + smallest - high) / half


def _needed(claim: Claim, unclear: Sequence[tuple[str, ConditionJudgement]]) -> str:
    """How many replicates would make unclear conditions clear, if their effects stayed as they are."""
    unit = claim.quantity.replicate
    needed = {name: found for name, one in unclear if (found := replicates_needed(claim, one)) is not None}
    single = sum(not one.decides for _, one in unclear)
    stuck = len(unclear) - len(needed) - single
    said = []
    if needed:
        name, (now, wanted) = min(needed.items(), key=lambda item: item[1][1])
        where = f" for {name}" if name else ""
        said.append(f"about {wanted:,} replicates ({unit}) instead of {now}{where}, if the effect stays as it is")
    if single:
        said.append(
            f"a second replicate ({unit}) where there is one" + (f", {single} of {len(unclear)}" if said else "")
        )
    if stuck:
        where = f" for {stuck} of {len(unclear)}" if said else ""
        said.append(f"other or more data{where}: no number of further replicates ({unit}) would decide")
    return f"{_capital('; '.join(said))}."


def replicates_needed(claim: Claim, condition: ConditionJudgement) -> tuple[int, int] | None:
    """Replicates of a condition so far, and about how many would decide it if estimate and spread stayed as they are.

    None where more of them would not help: the interval has a part that only more rows make smaller, or the estimate
    lies on the mark.
    """
    criterion, smallest = rule_of(claim, part_of(claim, condition))
    if condition.interval is None or condition.estimate is None or claim.interval in ("draws", "none"):
        return None
    estimate, around = condition.estimate, criterion.margin or criterion.tolerance
    inside = around is not None and abs(estimate) < around
    low, high = condition.interval_90 if inside and condition.interval_90 else condition.interval
    half = (high - low) / 2
    if around:
        room = abs(around - abs(estimate))
    elif criterion.kind == "direction":
        above = estimate + criterion.non_inferiority
        room = max(above, smallest - above)
    else:
        return None
    now, share = condition.replicates, max(room / half, 0.0) ** 2 if half else 0.0
    folds = (claim.folds_per_value or claim.folds) / (claim.folds - 1) if claim.interval == "nadeau_bengio" else 0.0
    left = share * (1 / now + folds) - folds  # what 1 / replicates may be, so that the half width is the room
    if left <= 0 or 1 / left > _TOO_MANY * now:
        return None
    wanted = max(math.ceil(1 / left), now + 1)
    digits = 10 ** max(len(str(wanted)) - 2, 0)
    return now, math.ceil(wanted / digits) * digits
