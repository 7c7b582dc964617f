"""Every claim with its control: the evidence on which it must not come out as reproduced."""

from __future__ import annotations

from dataclasses import dataclass

from repro import studies
from repro.claims.loading import all_claims
from repro.protocol.claim import Claim
from repro.protocol.experiment import Experiment


@dataclass(frozen=True)
class Control:
    """The control of a claim.

    Parameters
    ----------
    claim : Claim
        The claim.
    experiment : Experiment
        The experiment that runs the control as a variant.
    name : str
        Name of the variant.
    reason : str
        Why the statement is false there by construction.
    """

    claim: Claim
    experiment: Experiment
    name: str
    reason: str


def controls(study: str | None = None) -> list[Control]:
    """Every claim of a study, or of all, with its control.

    Raises
    ------
    UnknownName
        If there is no such study.
    """
    return [
        Control(claim, experiment, claim.control, experiment.variants[claim.control])
        for claim in all_claims(study).values()
        for experiment in [studies.experiment(claim.experiment)]
    ]
