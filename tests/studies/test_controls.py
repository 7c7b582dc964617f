"""Every claim names a control; here each is judged at the smallest size that decides it.

A control that comes out as anything but not reproduced cannot tell a claim that holds from one that does not, and one
that changes nothing is no control. Tables that are current are read; what is missing is computed, one experiment at a
time, so that ``pytest -k name`` computes nothing of other studies.
"""

from __future__ import annotations

from functools import cache

import pytest

from repro.claims import all_claims, control_verdict
from repro.protocol.claim import Claim
from repro.protocol.profile import CONTROL, PROFILES
from repro.running import results
from repro.studies import experiment, experiments, study_names

CLAIMS = {claim.id: claim for study in study_names() for claim in all_claims(study).values()}


@cache
def at_hand(name: str, profile: str) -> bool:
    """Make sure that a quick or control table is there and current."""
    results(name, profile, progress=False)
    return True


@pytest.fixture
def claim(request: pytest.FixtureRequest) -> Claim:
    """The claim, when the table that its control is judged on is at hand."""
    found = CLAIMS[request.param]
    declared = experiment(found.experiment)
    exchange = declared.exchanged.get(found.control)
    profile = CONTROL if exchange is None else exchange.profile or min(found.profiles, key=PROFILES.index)
    assert exchange is None or profile in found.profiles
    if profile in ("quick", CONTROL):
        at_hand(found.experiment, profile)
    return found


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(name, marks=pytest.mark.xdist_group(f"control of {CLAIMS[name].experiment}"))
        for name in sorted(CLAIMS)
    ],
    indirect=True,
)
def test_a_claim_is_not_reproduced_on_its_control(claim: Claim) -> None:
    control = control_verdict(claim)
    assert control.verdict == "not reproduced"
    assert control.changed is not None, "the control table does not say how much the control changes"
    assert control.changed > 0, "the control changes nothing"


@pytest.mark.parametrize("name", sorted(experiments()))
def test_a_control_is_run_or_exchanged_and_says_why_the_statement_is_false_there(name: str) -> None:
    declared = experiment(name)
    run = {cell.variant for cell in declared.cells_of(CONTROL)} if CONTROL in declared.cells else set()
    assert run | set(declared.exchanged) == set(declared.variants)
    assert set(declared.plain_twins()) | set(declared.compared) == run
    named = {claim.control for claim in CLAIMS.values() if claim.experiment == name}
    assert named == set(declared.variants), "every control belongs to a claim"
    for reason in declared.variants.values():
        assert len(reason.split()) >= 4
