"""How evidence judges a claim."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import pandas as pd

from repro import studies
from repro.claims.accepted import expected_specifications
from repro.claims.criteria import judge_condition
from repro.claims.evidence import collect_evidence
from repro.claims.exchanging import exchange_values
from repro.claims.judgement import ControlJudgement, Judgement, overall_verdict
from repro.claims.kept import kept_intervals
from repro.claims.loading import all_claims, find_claim
from repro.claims.spelling import misspelt_values
from repro.claims.tidy import TidyRows
from repro.ground.exceptions import ResultsError, UnknownName
from repro.protocol.claim import Claim
from repro.protocol.exchange import Exchange
from repro.protocol.experiment import VARIANT
from repro.protocol.profile import CONTROL, PROFILES, check_profile
from repro.results import Provenance, find_table, provenance_path, readable_paths, stored_files


def judge(
    claim: Claim,
    frame: pd.DataFrame | TidyRows,
    *,
    profile: str | None = None,
    source: str | None = None,
    partial: bool = False,
) -> Judgement:
    """Judge a claim on tidy result rows; nothing else is looked at.

    Parameters
    ----------
    claim : Claim
        The claim.
    frame : pandas.DataFrame or TidyRows
        Result rows: setting columns, ``replicate``, ``metric``, ``value``. A column ``variant`` is ignored, so
        rows of other variants must have been left out.
    profile : str or None
        Profile the rows belong to; decides whether the verdict is marked as a mechanism demo.
    source : str or None
        Name of the table in error messages; by default the experiment of the claim.
    partial : bool, default=False
        Whether cells of the experiment have not been run yet; conditions that need them count as not run.

    Returns
    -------
    Judgement
        Without control and provenance.

    Raises
    ------
    ResultsError
        If the rows cannot answer the claim; the message names claim, table and what is missing.
    """
    evidence = collect_evidence(claim, frame, source or claim.experiment, partial=partial)
    looks = sum(bool(entry.series) for entry in evidence)
    conditions = tuple(judge_condition(claim, entry, looks) for entry in evidence)
    kept_intervals().write()
    not_run = sum(condition.verdict == "not run" for condition in conditions)
    note = ""
    if not_run:
        note = f"{not_run} of {len(conditions)} conditions have no rows in this table and do not count"
    return Judgement(
        claim=claim,
        profile=profile,
        verdict=overall_verdict([condition.verdict for condition in conditions], universal=claim.universal),
        conditions=conditions,
        mechanism_demo=claim.profiles.get(profile) == "mechanism demo",  # type: ignore[call-overload]
        note=note,
    )


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A result table that was read and prepared once for all claims that ask it."""

    path: Path
    provenance: Provenance
    rows: TidyRows


@lru_cache(maxsize=256)
def _read_once(experiment: str, profile: str, stamps: tuple[tuple[Path, int, int], ...]) -> _Prepared | None:
    table = find_table(experiment, profile)
    return None if table is None else _Prepared(table.path, table.provenance, TidyRows.of(table.frame))


def _table(experiment: str, profile: str) -> _Prepared | None:
    """Table of an experiment, read again only when one of its files has changed."""
    stamps = []
    for path in readable_paths(experiment, profile):
        for file in (*stored_files(path), provenance_path(path)):
            if file.is_file():
                status = file.stat()
                stamps.append((file, status.st_mtime_ns, status.st_size))
    return _read_once(experiment, profile, tuple(stamps))


def check_spelling(claim: Claim) -> None:
    """Refuse a claim that names a value which no table of its experiment holds.

    Raises
    ------
    ResultsError
        With claim, key, value and the nearest values that exist. Nothing is refused while a table of a profile that the
        experiment declares is not at hand or lacks cells.
    """
    experiment = studies.experiment(claim.experiment)
    tables = {profile: _table(claim.experiment, profile) for profile in experiment.cells}
    frames = {profile: table.rows for profile, table in tables.items() if table and not table.provenance.partial}
    messages = misspelt_values(claim, experiment, frames)
    if messages:
        raise ResultsError("\n".join(messages))


def control_verdict(claim: Claim | str, frame: pd.DataFrame | None = None) -> ControlJudgement:
    """Judge a claim on its control: evidence on which it must not come out as reproduced.

    Parameters
    ----------
    claim : Claim or str
        The claim or its id.
    frame : pandas.DataFrame or None
        Rows of control runs with the column ``variant``; None takes the control table of the claim's experiment or, for
        a control that is an exchange, the smallest table of the claim.

    Returns
    -------
    ControlJudgement
        ``not run`` when there are no rows of the claim's control.
    """
    claim = find_claim(claim) if isinstance(claim, str) else claim
    exchange = studies.experiment(claim.experiment).exchanged.get(claim.control)
    if frame is None and exchange is not None:
        return _exchanged_verdict(claim, exchange)
    source, changed = f"{claim.experiment}, control {claim.control!r}", None
    if frame is None:
        table = _table(claim.experiment, CONTROL)
        if table is None:
            return ControlJudgement(claim.control, "not run")
        rows, source = table.rows, f"{table.path.name}, control {claim.control!r}"
        changed = table.provenance.changed.get(claim.control)
    else:
        rows = TidyRows.of(frame)
    rows = rows.having(VARIANT, claim.control)
    verdict = judge(claim, rows, source=source).verdict if rows.rows.size else "not run"
    return ControlJudgement(claim.control, verdict, changed)


def _exchanged_verdict(claim: Claim, exchange: Exchange) -> ControlJudgement:
    """Judge a claim on a finished table whose values are exchanged; which table is said before it is looked at."""
    wanted = [name for name in PROFILES if name in claim.profiles] if exchange.profile is None else [exchange.profile]
    for profile in wanted:
        table = _table(claim.experiment, profile)
        if table is not None:
            source, partial = f"{table.path.name}, control {claim.control!r}", table.provenance.partial
            rows, changed = exchange_values(table.rows, exchange, source, partial=partial)
            verdict = judge(claim, rows, source=source, partial=partial).verdict
            return ControlJudgement(claim.control, verdict, changed, profile)
    return ControlJudgement(claim.control, "not run", profile=wanted[0])


def judge_claim(claim: Claim | str, profile: str) -> Judgement:
    """Judge a claim on the table of its experiment, and on its control.

    Parameters
    ----------
    claim : Claim or str
        The claim or its id.
    profile : str
        One of the profiles in which the claim is judged.

    Returns
    -------
    Judgement
        With control, provenance and the mark of a changed criterion. ``not run`` when there is no table.

    Raises
    ------
    UnknownName
        If there is no such claim or profile, or the claim is not judged in it.
    ResultsError
        If a table is damaged or cannot answer the claim, or the claim names a value that no table holds.
    """
    return judge_profiles(claim, [profile])[0]


def judge_profiles(claim: Claim | str, profiles: Iterable[str]) -> list[Judgement]:
    """Judge a claim in several profiles; its control is judged once.

    Parameters
    ----------
    claim : Claim or str
        The claim or its id.
    profiles : iterable of str
        Profiles in which the claim is judged.

    Returns
    -------
    list of Judgement
        One for each profile, as :func:`judge_claim` gives it.

    Raises
    ------
    UnknownName, ResultsError
        As :func:`judge_claim` does.
    """
    claim = find_claim(claim) if isinstance(claim, str) else claim
    wanted = [check_profile(profile) for profile in profiles]
    for profile in wanted:
        if profile not in claim.profiles:
            raise UnknownName(f"profile of claim {claim.id}", profile, claim.profiles)
    check_spelling(claim)
    control = control_verdict(claim) if wanted else None
    accepted = expected_specifications(claim.study).get(claim.id)
    return [_judged(claim, profile, control, accepted) for profile in wanted]


def _judged(claim: Claim, profile: str, control: ControlJudgement | None, accepted: str | None) -> Judgement:
    table = _table(claim.experiment, profile)
    if table is None:
        judgement = Judgement(
            claim=claim,
            profile=profile,
            verdict="not run",
            mechanism_demo=claim.profiles[profile] == "mechanism demo",  # type: ignore[index]
            note=f"no table; repro run {claim.experiment} --profile {profile} computes it",
        )
    else:
        partial = table.provenance.partial
        judgement = judge(claim, table.rows, profile=profile, source=table.path.name, partial=partial)
    recorded = ([table.provenance.claims.get(claim.id)] if table else []) + ([accepted] if accepted else [])
    return replace(
        judgement,
        control=control,
        changes=tuple(dict.fromkeys(change for entry in recorded for change in claim.changes_since(entry))),
        provenance=table.provenance if table else None,
        begun=_begun(judgement, table.rows.columns["cell"].texts) if table and table.provenance.partial else None,
    )


def _begun(judgement: Judgement, cells: Collection[str]) -> tuple[int, int] | None:
    """Replicates so far and declared, of the condition that has the fewest among those with cells still to run.

    A condition is complete when all cells have run that have the settings of those it rests on.
    """
    experiment = studies.experiment(judgement.claim.experiment)
    groups: dict[tuple[object, ...], list[str]] = {}
    for cell in experiment.cells_of(str(judgement.profile)):
        groups.setdefault(tuple(cell.parameters.get(name) for name in experiment.settings), []).append(cell.id)
    found = []
    for condition in judgement.conditions:
        own = [group for group in groups.values() if not set(group).isdisjoint(condition.cells)]
        share = min((sum(cell in cells for cell in group) / len(group) for group in own), default=1.0)
        if share < 1.0 and condition.replicates:
            found.append((condition.replicates, round(condition.replicates / share)))
    return min(found, default=None)


def judge_all(study: str | None = None, profile: str | None = None) -> list[Judgement]:
    """Judge the claims of a study, or of all, in every profile in which they are judged.

    Parameters
    ----------
    study : str or None
        Name of a study; None for all.
    profile : str or None
        Only this profile; claims that are not judged in it are left out.

    Raises
    ------
    UnknownName
        If there is no such study or profile.
    ResultsError
        If a table is damaged or cannot answer its claims.
    """
    wanted = None if profile is None else check_profile(profile)
    return [
        judgement
        for claim in all_claims(study).values()
        for judgement in judge_profiles(claim, [name for name in claim.profiles if wanted in (None, name)])
    ]
