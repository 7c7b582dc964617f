"""The file of accepted verdicts, ``results/<study>/expected.json``."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, RootModel, ValidationError

import repro
from repro import studies
from repro.ground import files
from repro.ground.exceptions import ResultsError
from repro.protocol.claim import Verdict


class ExpectedVerdict(BaseModel):
    """Accepted verdict of a claim in one profile, and of its conditions by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verdict: Verdict
    conditions: dict[str, Verdict]


class ExpectedClaim(BaseModel):
    """Accepted verdicts of a claim and the hash of the specification they belong to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    specification: str
    profiles: dict[str, ExpectedVerdict]


class ExpectedFile(RootModel[dict[str, ExpectedClaim]]):
    """Accepted verdicts of a study, by claim."""


def expected_path(study: str) -> Path:
    """File with the accepted verdicts of a study, in the checkout or brought along by an installed package.

    Raises
    ------
    UnknownName
        If there is no such study.
    """
    root = files.project_root()
    folder = root / "results" if root else Path(repro.__file__).parent / "_results"
    return folder / studies.check_study(study) / "expected.json"


def read_expected(study: str) -> dict[str, ExpectedClaim]:
    """Read the accepted verdicts of a study by claim; empty when none were accepted yet.

    Raises
    ------
    ResultsError
        If the file is malformed.
    """
    path = expected_path(study)
    return parse_expected(path.read_bytes(), str(path)) if path.is_file() else {}


def parse_expected(content: bytes, place: str) -> dict[str, ExpectedClaim]:
    """Read accepted verdicts by claim from the bytes of their file.

    Raises
    ------
    ResultsError
        If they are malformed; the message begins with `place`.
    """
    try:
        return ExpectedFile.model_validate_json(content).root
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(step) for step in first["loc"])
        raise ResultsError(f"{place}: key {key!r}: {first['msg']}") from error


def expected_specifications(study: str) -> dict[str, str]:
    """Hash of the specification that was accepted, by claim."""
    return {identifier: entry.specification for identifier, entry in read_expected(study).items()}
