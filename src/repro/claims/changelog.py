"""What changed in the accepted verdicts between a commit and now: the changelog of findings."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from repro import studies
from repro.claims.accepted import ExpectedClaim, parse_expected, read_expected
from repro.claims.expected import Difference
from repro.ground import files
from repro.ground.exceptions import ResultsError


def _git(root: Path, *arguments: str) -> bytes:
    try:
        answer = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise ResultsError("verdicts of another commit are read with git, which is not installed") from None
    if answer.returncode:
        said = answer.stderr.decode(errors="replace").strip().splitlines()
        raise ResultsError(f"git {' '.join(arguments[:2])}: {said[0] if said else 'no answer'}")
    return answer.stdout


def accepted_at(reference: str) -> dict[str, ExpectedClaim]:
    """Verdicts that were accepted in a commit, by claim, over all studies that it has.

    Parameters
    ----------
    reference : str
        A commit, tag or branch.

    Raises
    ------
    ResultsError
        If this is no checkout, there is no such commit, or a file of it is malformed.
    """
    root = files.project_root()
    if root is None:
        raise ResultsError("verdicts can be compared in a checkout of the project only")
    try:
        commit = _git(root, "rev-parse", "--verify", "--end-of-options", f"{reference}^{{commit}}").decode().strip()
    except ResultsError as error:
        raise ResultsError(f"compare must name a commit, tag or branch, got {reference!r}: {error}") from error
    names = _git(root, "ls-tree", "-r", "--name-only", commit, "results").decode().splitlines()
    found: dict[str, ExpectedClaim] = {}
    for name in names:
        if name.endswith("/expected.json"):
            content = _git(root, "show", f"{commit}:{name}")
            found |= parse_expected(content, f"{reference}:{name}")
    return found


def differences(before: Mapping[str, ExpectedClaim], now: Mapping[str, ExpectedClaim]) -> Iterator[Difference]:
    """Yield what is another in `now` than in `before`: claims, profiles, verdicts, conditions, specifications."""
    for claim in dict.fromkeys([*before, *now]):
        old, new = before.get(claim), now.get(claim)
        if old is None or new is None:
            yield Difference(
                claim, None, "claim", *(("no claim", "a claim") if old is None else ("a claim", "no claim"))
            )
        if old and new and old.specification != new.specification:
            yield Difference(claim, None, "specification", old.specification, new.specification)
        profiles = [*(old.profiles if old else ()), *(new.profiles if new else ())]
        for profile in dict.fromkeys(profiles):
            first = old.profiles.get(profile) if old else None
            last = new.profiles.get(profile) if new else None
            verdicts = tuple(entry.verdict if entry else "not judged" for entry in (first, last))
            if verdicts[0] != verdicts[1]:
                yield Difference(claim, profile, "verdict", *verdicts)
            if first and last:
                for name in dict.fromkeys([*first.conditions, *last.conditions]):
                    texts = tuple(entry.conditions.get(name, "no such condition") for entry in (first, last))
                    if texts[0] != texts[1]:
                        yield Difference(claim, profile, f"condition {name}", *texts)


def changes_of_verdicts(reference: str, study: str | None = None) -> list[Difference]:
    """List what changed in the accepted verdicts since a commit.

    Parameters
    ----------
    reference : str
        A commit, tag or branch.
    study : str or None
        Only this study.

    Raises
    ------
    UnknownName
        If there is no such study.
    ResultsError
        As :func:`accepted_at` does.
    """
    names = studies.study_names() if study is None else [studies.check_study(study)]
    now = {claim: entry for name in names for claim, entry in read_expected(name).items()}
    before = {
        claim: entry
        for claim, entry in accepted_at(reference).items()
        if study is None or claim.partition("-")[0] == study
    }
    return list(differences(before, now))
