"""What the pages say about claims: judgements, the order of verdicts, numbers as text, addresses of tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlencode

import jinja2

from repro.claims import (
    SYMBOLS,
    ConditionJudgement,
    Judgement,
    Paper,
    Scale,
    all_claims,
    change_words,
    control_words,
    forest_svg,
    format_estimate,
    headline,
    judge_profiles,
    larger_under_way,
    paper_named,
    papers,
    why,
)
from repro.ground.exceptions import UnknownName
from repro.protocol.claim import Claim, Verdict
from repro.protocol.profile import PROFILES
from repro.results import available_tables, find_table

if TYPE_CHECKING:
    import pandas as pd

VERDICTS: tuple[str, ...] = get_args(Verdict)
NOT_RUN = "not run"
TABLES = "_tables"
"""Folder of the site that holds copies of the result tables."""

TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Evidence:
    """One claim, judged when a page asks for it."""

    claim: Claim

    @cached_property
    def judgements(self) -> dict[str, Judgement]:
        """Judgement in each profile that the claim is judged in, smallest profile first."""
        profiles = [profile for profile in PROFILES if profile in self.claim.profiles]
        return dict(zip(profiles, judge_profiles(self.claim, profiles), strict=True))

    @cached_property
    def headline(self) -> Judgement:
        """The judgement that speaks for the claim: of the largest profile that decides it."""
        return headline(list(self.judgements.values()))

    @cached_property
    def under_way(self) -> Judgement | None:
        """Judgement of a larger profile that was begun and does not decide yet."""
        return larger_under_way(list(self.judgements.values()))

    @property
    def own(self) -> bool:
        """Whether the claim is a question of our own and no statement of a paper."""
        return self.claim.paper == "book"

    @property
    def intervals(self) -> int:
        """Number of intervals that verdicts were read from, over conditions and profiles."""
        parts = [part for judgement in self.judgements.values() for part in judgement.conditions or (judgement,)]
        return sum(part.interval is not None for part in parts)

    @property
    def kinds(self) -> list[str]:
        """What the claim is: ``paper`` or ``own``, and ``stand-in`` where it was judged on one."""
        demo = self.headline.mechanism_demo and self.headline.verdict != NOT_RUN
        return ["own" if self.own else "paper", *(["stand-in"] if demo else [])]

    @property
    def datasets(self) -> list[str]:
        """Data sets that the headline rests on: those of its conditions, else those that its run loaded."""
        conditions, provenance = self.headline.conditions, self.headline.provenance
        found = [str(one.settings["dataset"]) for one in conditions if one.settings.get("dataset")]
        return list(dict.fromkeys(found or (provenance.data if provenance else [])))


@cache
def all_evidence() -> dict[str, Evidence]:
    """All claims by id, in the order of the studies and their claim files; none is judged yet."""
    return {name: Evidence(claim) for name, claim in all_claims().items()}


def paper_of(claim: Claim) -> Paper:
    """Paper that a claim is taken from; a question of our own has none to link to.

    Raises
    ------
    UnknownName
        If the bibliography does not hold it.
    """
    if claim.paper not in ("book", *papers()):
        raise UnknownName(f"paper of {claim.id} in book/references.bib", claim.paper, papers())
    return paper_named(claim.paper)


@dataclass(frozen=True)
class Tally:
    """Claims of one source, counted by headline verdict.

    Parameters
    ----------
    title : str
        What is counted.
    kind : str
        The same for the address of the dashboard: ``paper`` or ``own``.
    counts : dict of str to int
        Claims by verdict, those that occur, in the order of the verdicts.
    stand_ins : dict of str to int
        How many of them were judged on a stand-in for the paper's data or system.
    """

    title: str
    kind: str
    counts: dict[str, int]
    stand_ins: dict[str, int]


def tally(evidence: list[Evidence]) -> list[Tally]:
    """Count claims by headline verdict: statements of papers and questions of our own apart, those that there are."""
    found = []
    for own, title in ((False, "Statements of papers"), (True, "Questions of our own")):
        shown = [entry.headline for entry in evidence if entry.own == own]
        demos = [judgement.verdict for judgement in shown if judgement.mechanism_demo and judgement.verdict != NOT_RUN]
        verdicts = [judgement.verdict for judgement in shown]
        counts = {verdict: verdicts.count(verdict) for verdict in VERDICTS if verdict in verdicts}
        if counts:
            found.append(
                Tally(title, "own" if own else "paper", counts, {verdict: demos.count(verdict) for verdict in counts})
            )
    return found


@dataclass(frozen=True)
class Multiplicity:
    """How many looks the verdicts of all claims rest on, and what is left when those of one claim share their error.

    Parameters
    ----------
    claims : int
        Claims whose headline has several conditions with an interval.
    reproduced : int
        Conditions of theirs that are reproduced.
    together : int
        Those that stay so when all conditions of their claim share the error of 5 % (Bonferroni).
    intervals : int
        Intervals behind all verdicts, over conditions and profiles.
    """

    claims: int
    reproduced: int
    together: int
    intervals: int


def multiplicity(evidence: list[Evidence]) -> Multiplicity:
    """Count looks over the claims that have been judged."""
    shown = [(entry.headline, entry.headline.family_wise) for entry in evidence]
    families = [(judgement.counts, family) for judgement, family in shown if family is not None]
    return Multiplicity(
        claims=len(families),
        reproduced=sum(alone.reproduced for alone, _ in families),
        together=sum(family.reproduced for _, family in families),
        intervals=sum(entry.intervals for entry in evidence),
    )


def means(experiment: str, profile: str, metric: str, rows: str, columns: str) -> pd.DataFrame:
    """Means of a metric over replicates, by one setting down and another across, in the order of the table.

    Raises
    ------
    UnknownName
        If there is no such table, metric or setting.
    """
    table = find_table(experiment, profile)
    if table is None:
        raise UnknownName("table", f"{experiment}.{profile}", [".".join(key) for key in available_tables()])
    frame = table.frame
    for name in (rows, columns):
        if name not in frame.columns:
            raise UnknownName(f"column of {experiment}", name, frame.columns)
    chosen = frame[frame["metric"] == metric]
    if chosen.empty:
        raise UnknownName(f"metric of {experiment}", metric, frame["metric"].unique())
    found = chosen.groupby([rows, columns], sort=False)["value"].mean().unstack(sort=False)
    return found.rename(
        index=lambda text: str(text).replace("_", " "), columns=lambda text: str(text).replace("_", " ")
    )


def effect(found: Judgement | ConditionJudgement) -> str:
    """Text of an effect with its interval, as readable as its interval allows; of several, how many are reproduced."""
    if isinstance(found, ConditionJudgement):
        return " ".join(text for text in format_estimate(found.estimate, found.interval) if text != "–") or "–"
    run = [condition for condition in found.conditions if condition.verdict != NOT_RUN]
    if len(run) > 1:
        return f"{found.counts} conditions reproduced"
    return " ".join(text for text in Scale.of(found.claim, run[0]).texts(run[0]) if text != "–") if run else "–"


def verdict_class(verdict: str) -> str:
    """Name of the style class of a verdict."""
    return "verdict-" + verdict.replace(" ", "-")


def table_address(experiment: str, profile: str, suffix: str = ".csv") -> str:
    """Address of a copied table within the site."""
    study, _, short = experiment.partition(".")
    return f"{TABLES}/{study}/{short}.{profile}{suffix}"


def disagreement_address(repository: str, entry: Evidence) -> str:
    """Address of a new issue of the repository, filled in with what the book says about a claim."""
    claim, shown = entry.claim, entry.headline
    commit = shown.provenance.commit[:12] if shown.provenance else "no table"
    lines = [
        f"**Claim** `{claim.id}`: {claim.statement}",
        f"**What the book says** {shown.words} (`{shown.profile}`; {effect(shown)}; {commit})",
        "**What I disagree with, and why**",
        "**How to see it** (table, code, reference)",
    ]
    query = urlencode({"title": f"Disagreement about {claim.id}", "body": "\n\n".join(lines), "labels": "claim"})
    return f"{repository}/issues/new?{query}"


def render(template: str, **values: Any) -> str:
    """HTML of one of the templates beside this module; all values are escaped."""
    return TEMPLATES.get_template(template).render(
        symbols=SYMBOLS,
        verdict_class=verdict_class,
        effect=effect,
        why=why,
        forest_svg=forest_svg,
        paper_of=paper_of,
        change_words=change_words,
        control_words=control_words,
        **values,
    )
