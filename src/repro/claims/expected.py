"""What changed since the verdicts of a study were accepted.

A verdict that changes without being accepted again is a difference, so that no change stays silent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repro import studies
from repro.claims.accepted import ExpectedClaim, ExpectedFile, ExpectedVerdict, expected_path, read_expected
from repro.claims.judgement import Judgement
from repro.claims.judging import judge_all
from repro.ground import files
from repro.ground.exceptions import ResultsError
from repro.protocol.profile import CONTROL


@dataclass(frozen=True)
class Difference:
    """Something that is not as it was accepted.

    Parameters
    ----------
    claim : str
        Id of the claim.
    profile : str or None
        Profile; None when it concerns the claim as a whole.
    what : str
        ``claim``, ``specification``, ``profile``, ``verdict``, ``condition <name>`` or ``control <name>``.
    expected, found : str
        What was accepted and what is there now.
    """

    claim: str
    profile: str | None
    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        place = f" ({self.profile})" if self.profile else ""
        return f"{self.claim}{place}: {self.what}: expected {self.expected}, found {self.found}"


def _judgements(study: str) -> dict[str, dict[str, Judgement]]:
    found: dict[str, dict[str, Judgement]] = {}
    for judgement in judge_all(study):
        found.setdefault(judgement.claim.id, {})[str(judgement.profile)] = judgement
    return found


def _awaits_table(judgement: Judgement) -> bool:
    """Whether a quick run, which is never committed, has not been made yet."""
    return judgement.profile == "quick" and judgement.provenance is None


def not_yet_run(study: str) -> list[tuple[str, str]]:
    """Claims and profiles without a verdict because their quick table has not been computed here yet.

    They are no differences: ``repro run <study>`` computes the tables.
    """
    return [
        (identifier, profile)
        for identifier, profiles in _judgements(study).items()
        for profile, judgement in profiles.items()
        if _awaits_table(judgement)
    ]


def _profile_differences(judgement: Judgement, expected: ExpectedVerdict | None) -> Iterator[Difference]:
    identifier, profile = judgement.claim.id, judgement.profile
    control = judgement.control
    if control is not None and control.problem:
        found = control.verdict if control.verdict != "not reproduced" else "no value changed"
        yield Difference(identifier, profile, f"control {control.name}", "not reproduced on changed values", found)
    if _awaits_table(judgement):
        return
    if expected is None:
        yield Difference(identifier, profile, "verdict", "nothing accepted yet", judgement.verdict)
        return
    if judgement.verdict != expected.verdict:
        yield Difference(identifier, profile, "verdict", expected.verdict, judgement.verdict)
    conditions = {condition.name: condition.verdict for condition in judgement.conditions}
    for name in dict.fromkeys([*expected.conditions, *conditions]):
        before, now = expected.conditions.get(name, "no such condition"), conditions.get(name, "no such condition")
        if name and before != now:
            yield Difference(identifier, profile, f"condition {name}", before, now)


def compare_with_expected(study: str) -> list[Difference]:
    """Everything that differs from the accepted verdicts of a study.

    A changed verdict or specification, a claim or profile that is new or gone, a committed table that vanished, a
    control on which the claim is anything but not reproduced, or that changes nothing. A quick table that has not been
    computed is none (:func:`not_yet_run`).

    Parameters
    ----------
    study : str
        Name of the study.

    Raises
    ------
    UnknownName
        If there is no such study.
    ResultsError
        If a table or ``expected.json`` is damaged.
    """
    expected, found = read_expected(study), _judgements(study)
    differences = []
    for identifier in dict.fromkeys([*expected, *found]):
        if identifier not in found:
            differences.append(Difference(identifier, None, "claim", "a claim", "no such claim"))
            continue
        accepted, judgements = expected.get(identifier), found[identifier]
        if accepted is None:
            differences.append(Difference(identifier, None, "claim", "nothing accepted yet", "a new claim"))
        else:
            claim = next(iter(judgements.values())).claim
            changes = claim.changes_since(accepted.specification)
            if any(not change.endswith("left out") for change in changes):  # profiles that are gone are named below
                differences.append(
                    Difference(identifier, None, "specification", accepted.specification, claim.specification_hash())
                )
            differences.extend(
                Difference(identifier, profile, "profile", "judged", "no longer judged")
                for profile in accepted.profiles
                if profile not in judgements
            )
        for profile, judgement in judgements.items():
            before = accepted.profiles.get(profile) if accepted else None
            if accepted is not None:
                differences.extend(_profile_differences(judgement, before))
    return differences


def _require_control(judgement: Judgement) -> None:
    """Refuse a claim whose control is missing or does not do what it must.

    Raises
    ------
    ResultsError
        The message names the claim, what is wrong, and the command that computes what is missing.
    """
    claim, control = judgement.claim, judgement.control
    assert control is not None  # judged beside every claim
    if control.problem:
        raise ResultsError(f"claim {claim.id}: {control.problem}; verdicts are accepted when it is repaired")
    options = "--controls" if control.profile == CONTROL else f"--profile {control.profile}"
    problem = ""
    if control.verdict == "not run":
        experiment = studies.experiment(claim.experiment)
        run = CONTROL in experiment.cells and control.name not in experiment.exchanged
        if run and control.name not in {cell.variant for cell in experiment.cells_of(CONTROL)}:
            raise ResultsError(
                f"claim {claim.id}: profile {CONTROL!r} of {claim.experiment} has no cell with variant "
                f"{control.name!r}, its control; declare one"
            )
        problem = f"its control {control.name!r} has not been run"
    elif control.changed is None:
        problem = f"it is not known how much its control {control.name!r} changes"
    if problem:
        raise ResultsError(f"claim {claim.id}: {problem}; repro run {claim.experiment} {options} computes it")


def accept(study: str) -> Path:
    """Write the present verdicts of a study as the accepted ones.

    A quick profile whose table has not been computed keeps what was accepted before.

    Returns
    -------
    pathlib.Path
        The file, ``results/<study>/expected.json``.

    Raises
    ------
    ResultsError
        If this is no checkout, or a claim has no control on which it is not reproduced and that changes some values.
    """
    if files.project_root() is None:
        raise ResultsError("verdicts can be accepted in a checkout of the project only")
    before = read_expected(study)
    content: dict[str, ExpectedClaim] = {}
    for identifier, judgements in _judgements(study).items():
        profiles: dict[str, ExpectedVerdict] = {}
        for profile, judgement in judgements.items():
            _require_control(judgement)
            if _awaits_table(judgement):
                kept = before[identifier].profiles.get(profile) if identifier in before else None
                if kept is not None:
                    profiles[profile] = kept
                continue
            conditions = {condition.name: condition.verdict for condition in judgement.conditions if condition.name}
            profiles[profile] = ExpectedVerdict(verdict=judgement.verdict, conditions=conditions)
        specification = next(iter(judgements.values())).claim.specification_hash()
        content[identifier] = ExpectedClaim(specification=specification, profiles=profiles)
    path = expected_path(study)
    text = json.dumps(ExpectedFile(content).model_dump(mode="json"), indent=2, ensure_ascii=False)
    files.atomic_write_text(path, text + "\n")
    return path
