"""Every claim names a control; here each is run at the smallest size that decides it.

A control that comes out as anything but not reproduced cannot tell a claim that holds from one that does not.
"""

from __future__ import annotations

import pandas as pd
import pytest

from repro.claims import all_claims, control_verdict
from repro.protocol.profile import CONTROL
from repro.running import run
from repro.studies import experiment, study_names

CLAIMS = {claim.id: claim for study in study_names() for claim in all_claims(study).values()}


@pytest.fixture(scope="session")
def control_tables() -> dict[str, pd.DataFrame]:
    """Tables of all control runs; cells that the book has computed already are reused."""
    names = sorted({claim.experiment for claim in CLAIMS.values()})
    return {name: run(name, CONTROL, progress=False).frame for name in names}


@pytest.mark.xdist_group("controls")
@pytest.mark.parametrize("claim_id", sorted(CLAIMS))
def test_a_claim_is_not_reproduced_on_its_control(claim_id: str, control_tables: dict[str, pd.DataFrame]) -> None:
    claim = CLAIMS[claim_id]
    table = control_tables[claim.experiment]
    assert claim.control in set(table["variant"]), "the control was not run"
    verdict = control_verdict(claim)
    assert verdict is not None
    assert verdict.verdict == "not reproduced"


@pytest.mark.parametrize("name", sorted({claim.experiment for claim in CLAIMS.values()}))
def test_a_control_says_why_the_statement_is_false_there(name: str) -> None:
    variants = experiment(name).variants
    for claim in CLAIMS.values():
        if claim.experiment == name:
            assert len(variants[claim.control].split()) >= 4
