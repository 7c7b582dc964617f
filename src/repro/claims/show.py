"""How verdicts are shown: frames, cards and tables for notebooks and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pandas as pd

from repro.claims.cards import Card, ClaimsTable
from repro.claims.judgement import Judgement
from repro.claims.judging import judge_all, judge_profiles
from repro.claims.loading import find_claim

TableUrl = Callable[[str, str], str | None]


def claims_frame(
    study: str | None = None, profile: str | None = None, *, judgements: Iterable[Judgement] | None = None
) -> pd.DataFrame:
    """Verdicts as a data frame, one row for each claim and profile.

    Parameters
    ----------
    study, profile : str or None
        As in :func:`repro.claims.judge_all`.
    judgements : iterable of Judgement or None
        Judgements to list instead.

    Returns
    -------
    pandas.DataFrame
        Columns ``id, study, paper, locator, statement, profile, verdict, estimate, low, high, replicates,
        replicate_unit, control, control_verdict, mechanism_demo, criterion_changed``.
    """
    listed = judge_all(study, profile) if judgements is None else list(judgements)
    columns = "id study paper locator statement profile verdict estimate low high replicates replicate_unit control"
    names = [*columns.split(), "control_verdict", "mechanism_demo", "criterion_changed"]
    rows = []
    for judgement in listed:
        content = judgement.to_dict()
        low, high = content["interval"] or (None, None)
        content |= {"low": low, "high": high, "control": content["control"]["name"]}
        content["control_verdict"] = judgement.control.verdict if judgement.control else "not run"
        rows.append({name: content[name] for name in names})
    frame = pd.DataFrame(rows, columns=names)
    return frame.astype({"estimate": "float64", "low": "float64", "high": "float64"})


def card(claim_id: str, profiles: Sequence[str] | None = None, *, table_url: TableUrl | None = None) -> Card:
    """Verdict card of a claim, for a notebook or a page.

    Parameters
    ----------
    claim_id : str
        Id of the claim.
    profiles : sequence of str or None
        Profiles to show; None for all in which the claim is judged.
    table_url : callable or None
        ``table_url(experiment, profile)`` gives the address of the table, or None where there is none. Without it the
        card names the file.

    Raises
    ------
    UnknownName
        If there is no such claim, or it is not judged in one of the profiles.
    """
    claim = find_claim(claim_id)
    judged = judge_profiles(claim, claim.profiles if profiles is None else profiles)
    return Card(claim, tuple(judged), table_url)


def table(study: str | None = None, profile: str | None = None) -> ClaimsTable:
    """Table of the verdicts of a study, for a notebook; parameters as in :func:`claims_frame`."""
    return ClaimsTable(tuple(judge_all(study, profile)))
