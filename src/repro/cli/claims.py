"""``repro claims``."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli.output import emit, json_text, say, table_text

if TYPE_CHECKING:
    from repro.claims import Judgement

__all__ = ["claims"]

CHANGE_HEAD = ("claim", "profile", "what", "before", "now")


class ClaimFormat(StrEnum):
    """How verdicts are printed."""

    table = "table"
    json = "json"
    markdown = "markdown"


def _advice(judgement: Judgement) -> str:
    """Say what is missing when a claimed direction cannot fail on a control without any effect."""
    claim, control = judgement.claim, judgement.control
    effects = {claim.smallest_effect, *(part.smallest_effect for part in claim.quantity.parts if part.smallest_effect)}
    if claim.criterion.kind == "direction" and effects == {0} and control and control.verdict == "inconclusive":
        return "; without a smallest_effect a control on which nothing happens can only be inconclusive: give one"
    return ""


def _table(judgements: list[Judgement]) -> str:
    from repro.claims import SYMBOLS, format_estimate, mark_words

    rows: list[tuple[object, ...]] = []
    for judgement in judgements:
        effect = " ".join(format_estimate(judgement.estimate, judgement.interval))
        several = len(judgement.conditions) > 1
        rows.append(
            (
                judgement.claim.id,
                judgement.profile,
                f"{SYMBOLS[judgement.verdict]} {judgement.words}",
                "" if several else effect,
                judgement.replicates or "",
                judgement.control.verdict if judgement.control else "not run",
                ", ".join(mark.partition(":")[0].removesuffix(" after the run") for mark in mark_words(judgement)),
            )
        )
        for condition in judgement.conditions if several else ():
            effect = " ".join(format_estimate(condition.estimate, condition.interval))
            verdict = f"{SYMBOLS[condition.verdict]} {condition.verdict}"
            replicates, marks = condition.replicates or "", ", ".join(condition.marks)
            rows.append((f"  {condition.name}", "", verdict, effect, replicates, "", marks))
    head = ("claim", "profile", "verdict", "effect and 95 % interval", "replicates", "control", "marks")
    judged = sum(judgement.verdict != "not run" for judgement in judgements)
    note = f"{judged} of {len(judgements)} judged; one in twenty 95 % intervals misses its value by chance\n"
    failing = {
        judgement.claim.id: judgement.control.problem + _advice(judgement)
        for judgement in judgements
        if judgement.control and judgement.control.problem
    }
    sentences = "".join(f"control fails: claim {name}: {problem}\n" for name, problem in failing.items())
    return table_text(head, rows) + note + sentences


def _reasons(identifier: str, profile: str | None) -> str:
    """Say what came out of a claim and why, in the profile that speaks for it or in the one that is named."""
    from repro import claims as room

    claim = room.find_claim(identifier)
    judged = room.judge_profiles(claim, list(claim.profiles) if profile is None else [profile])
    judgement = room.headline(list(judged))
    reasons = room.why(judgement)
    lines = [
        f"{claim.id} ({judgement.profile}): {judgement.words}",
        "",
        claim.statement,
        room.plain_sentence(judgement),
    ]
    for title, sentences in (
        ("What was established", reasons.shown),
        ("What was not", reasons.open),
        ("What would change the verdict", reasons.change),
    ):
        lines += ["", title, *(f"  - {sentence}" for sentence in sentences)] if sentences else []
    return "\n".join(lines) + "\n"


def claims(
    study: Annotated[str | None, typer.Argument(help="A study; all when left out.")] = None,
    profile: Annotated[str | None, typer.Option("--profile", "-p", help="Only this profile.")] = None,
    layout: Annotated[ClaimFormat, typer.Option("--format", help="How to print the verdicts.")] = ClaimFormat.table,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with status 1 when a verdict differs from the accepted ones.")
    ] = False,
    accept: Annotated[bool, typer.Option("--accept", help="Make the present verdicts the accepted ones.")] = False,
    why: Annotated[
        str | None, typer.Option("--why", help="Say in words why this claim has its verdict.", metavar="ID")
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            help="List what changed in the accepted verdicts since this commit, tag or branch.", metavar="REF"
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", help="Write to this file.", dir_okay=False)] = None,
) -> None:
    """Judge the claims on the tables at hand and print the verdicts."""
    from repro import claims as room
    from repro import studies

    if why is not None:
        emit(_reasons(why, profile), output)
        return
    if compare is not None:
        changes = room.changes_of_verdicts(compare, study)
        rows = [(change.claim, change.profile or "", change.what, change.expected, change.found) for change in changes]
        if layout is ClaimFormat.json:
            emit(json_text([asdict(change) for change in changes]), output)
        elif layout is ClaimFormat.markdown:
            emit(room.markdown_table(CHANGE_HEAD, rows) + "\n", output)
        else:
            emit(table_text(CHANGE_HEAD, rows), output)
        say(f"{len(changes)} changes of accepted verdicts since {compare}")
        return
    judgements = room.judge_all(study, profile)
    if layout is ClaimFormat.json:
        emit(json_text([judgement.to_dict() for judgement in judgements]), output)
    elif layout is ClaimFormat.markdown:
        emit(f"{room.ClaimsTable(tuple(judgements))}\n", output)
    else:
        emit(_table(judgements), output)
    names = [study] if study else studies.study_names()
    if accept:
        for name in names:
            say(f"{name}: verdicts accepted in {room.accept(name)}")
    if not strict:
        return
    differences = [difference for name in names for difference in room.compare_with_expected(name)]
    for name in names:
        waiting = room.not_yet_run(name)
        if waiting:
            say(f"{name}: {len(waiting)} quick verdicts are missing here; repro run {name} --controls computes them")
    for difference in differences:
        say(f"differs: {difference}")
    if differences:
        failing = any(difference.what.startswith("control") for difference in differences)
        advice = (
            "a claim must fail on its control before verdicts can be accepted"
            if failing
            else "repro claims --accept accepts them"
        )
        say(f"{len(differences)} differences from the accepted verdicts; {advice}")
        raise typer.Exit(1)
