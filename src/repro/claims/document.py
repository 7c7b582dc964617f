"""All claims with their verdicts as one document for programs: JSON with a published schema, and rows for a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from repro.claims.judgement import ConditionJudgement, Judgement, headline
from repro.claims.judging import judge_profiles
from repro.claims.loading import all_claims
from repro.claims.naming import condition_names, quantity_words
from repro.claims.wording import change_words
from repro.protocol.claim import Claim, Verdict
from repro.protocol.experiment import Scalar
from repro.protocol.profile import PROFILES
from repro.studies import chapter_of

SCHEMA_VERSION: Final = 1
ROW_COLUMNS: Final = (
    *("claim", "study", "paper", "locator", "statement", "profile", "stand_in", "verdict", "condition"),
    *("condition_verdict", "estimate", "low", "high", "replicates", "replicate_unit", "published", "commit"),
)
"""Columns of :func:`document_rows`."""

Address = Callable[[str, Claim, str], str | None]
"""``address(kind, claim, profile)`` gives where a ``card``, a ``table`` or a ``provenance`` is published."""


def _finite(value: float | None) -> float | None:
    return value if value is None or math.isfinite(value) else None


Number = Annotated[float | None, BeforeValidator(_finite)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ConditionRecord(_Record):
    """One condition of a claim: an effect, signed so that the claimed direction is positive, and its verdict."""

    name: str = Field(description="As a reader says it; settings and part tell it apart.")
    part: str
    metric: str
    settings: dict[str, Scalar] = Field(description="What all rows of the condition share in the result table.")
    verdict: Verdict
    estimate: Number
    low: Number = Field(description="Lower end of the 95 % interval.")
    high: Number = Field(description="Upper end of the 95 % interval.")
    replicates: int
    published: Number = Field(description="The paper's value on the same scale, where it was read.")
    marks: list[str] = Field(description="Notes beside the verdict: negligible, fragile.")


class ControlRecord(_Record):
    """The run in which the statement is false by construction; it must not come out as reproduced."""

    name: str
    verdict: Verdict
    changed: Number = Field(description="Share of values that the control changes.")


class RunRecord(_Record):
    """Verdict of a claim in one profile."""

    profile: str
    verdict: Verdict
    words: str = Field(description="The verdict as it is shown, with counts where conditions disagree.")
    stand_in: bool = Field(description="Whether the evidence is a stand-in for the paper's data or system.")
    marks: list[str]
    changes: list[str] = Field(description="What was changed after the run: criterion, statement or profiles.")
    replicates: int
    conditions: list[ConditionRecord]
    control: ControlRecord
    commit: str | None = Field(description="Commit of the code that computed the table.")
    finished: str | None = Field(description="When its last cell was computed, ISO 8601 in UTC.")
    table: str | None = Field(description="Address of the table.")
    provenance: str | None = Field(description="Address of its provenance.")


class ClaimRecord(_Record):
    """One statement with the rule that judges it and its verdicts."""

    id: str
    study: str
    chapter: str
    paper: str = Field(description="Key in the book's bibliography; book for a question of its own.")
    locator: str
    statement: str
    statement_from: str = Field(description="Where the statement was taken from: the paper's text, its abstract, …")
    universal: bool = Field(description="Whether one failing condition is enough against it.")
    experiment: str
    quantity: str
    replicate_unit: str
    criterion: dict[str, Any]
    smallest_effect: float
    headline: str = Field(description="Profile that speaks for the claim: the largest that decides it.")
    verdict: Verdict = Field(description="Verdict of the headline.")
    words: str
    stand_in: bool
    card: str | None = Field(description="Address of its card on the page of its chapter.")
    runs: list[RunRecord]


class ClaimsDocument(_Record):
    """Every claim of the book with its verdicts."""

    schema_version: Literal[1] = SCHEMA_VERSION
    title: str
    version: str
    license: str
    claims: list[ClaimRecord]


def _condition(name: str, found: ConditionJudgement) -> ConditionRecord:
    low, high = found.interval or (None, None)
    return ConditionRecord(
        name=name,
        part=found.part,
        metric=found.metric,
        settings=dict(found.settings),
        verdict=found.verdict,
        estimate=found.estimate,
        low=low,
        high=high,
        replicates=found.replicates,
        published=found.published,
        marks=list(found.marks),
    )


def _run(found: Judgement, address: Address) -> RunRecord:
    claim, control, profile = found.claim, found.control, str(found.profile)
    return RunRecord(
        profile=profile,
        verdict=found.verdict,
        words=found.words,
        stand_in=found.mechanism_demo,
        marks=list(found.marks),
        changes=list(change_words(found)),
        replicates=found.replicates,
        conditions=[_condition(*pair) for pair in zip(condition_names(found), found.conditions, strict=True)],
        control=ControlRecord(
            name=claim.control,
            verdict=control.verdict if control else "not run",
            changed=control.changed if control else None,
        ),
        commit=found.provenance.commit if found.provenance else None,
        finished=found.provenance.finished if found.provenance else None,
        table=address("table", claim, profile) if found.provenance else None,
        provenance=address("provenance", claim, profile) if found.provenance else None,
    )


def _claim(claim: Claim, address: Address) -> ClaimRecord:
    judgements = judge_profiles(claim, [profile for profile in PROFILES if profile in claim.profiles])
    shown = headline(list(judgements))
    return ClaimRecord(
        id=claim.id,
        study=claim.study,
        chapter=chapter_of(claim.study),
        paper=claim.paper,
        locator=claim.locator,
        statement=claim.statement,
        statement_from=claim.statement_from,
        universal=claim.universal,
        experiment=claim.experiment,
        quantity=quantity_words(claim, None),
        replicate_unit=claim.quantity.replicate,
        criterion=claim.criterion.model_dump(mode="json", exclude_none=True),
        smallest_effect=claim.smallest_effect,
        headline=str(shown.profile),
        verdict=shown.verdict,
        words=shown.words,
        stand_in=shown.mechanism_demo,
        card=address("card", claim, str(shown.profile)),
        runs=[_run(judgement, address) for judgement in judgements],
    )


def claims_document(
    *, title: str, version: str, licence: str, study: str | None = None, address: Address | None = None
) -> ClaimsDocument:
    """Judge all claims and put what came out into one document.

    Parameters
    ----------
    title, version, licence : str
        Of the edition that the verdicts belong to.
    study : str or None
        Only the claims of this study.
    address : callable or None
        ``address(kind, claim, profile)`` gives the address of a ``card``, a ``table`` or a ``provenance``, or None.

    Raises
    ------
    UnknownName
        If there is no such study.
    ResultsError
        If a table cannot answer its claim.
    """
    find = address or (lambda kind, claim, profile: None)
    records = [_claim(claim, find) for claim in all_claims(study).values()]
    return ClaimsDocument(title=title, version=version, license=licence, claims=records)


def document_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the document."""
    schema = ClaimsDocument.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def document_rows(document: ClaimsDocument) -> Iterator[tuple[object, ...]]:
    """One row for each claim, profile and condition, with the columns :data:`ROW_COLUMNS`."""
    for claim in document.claims:
        for run in claim.runs:
            conditions: list[ConditionRecord | None] = [*run.conditions] or [None]
            for condition in conditions:
                numbers: tuple[object, ...] = ("", None, None, None, None, 0)
                if condition is not None:
                    numbers = (
                        *(condition.name, condition.verdict, condition.estimate),
                        *(condition.low, condition.high, condition.replicates),
                    )
                yield (
                    *(claim.id, claim.study, claim.paper, claim.locator, claim.statement),
                    *(run.profile, run.stand_in, run.verdict, *numbers, claim.replicate_unit),
                    *(condition.published if condition else None, run.commit),
                )
