"""Claims for programs: the document and its schema, its rows, and what changed since a commit."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest

from repro.claims import Findings, changes_of_verdicts, find_claim, judge_claim
from repro.claims import changelog as room
from repro.claims import document as documents
from repro.claims.accepted import ExpectedClaim, ExpectedVerdict, expected_path, read_expected
from repro.claims.document import ROW_COLUMNS, ClaimsDocument, claims_document, document_rows, document_schema
from repro.ground import files
from repro.ground.exceptions import ResultsError, UnknownName


@pytest.fixture(scope="module")
def document() -> ClaimsDocument:
    return claims_document(title="Book", version="1", licence="CC BY 4.0", study="mixup_collapse")


def test_the_document_follows_its_published_schema(document: ClaimsDocument) -> None:
    schema = document_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    content = json.loads(document.model_dump_json())
    jsonschema.Draft202012Validator(schema).validate(content)
    content["claims"][0]["verdict"] = "certainly"
    with pytest.raises(jsonschema.ValidationError, match="certainly"):
        jsonschema.Draft202012Validator(schema).validate(content)


def test_a_record_says_what_the_judge_says(document: ClaimsDocument) -> None:
    record = next(claim for claim in document.claims if claim.id == "mixup_collapse-mx4")
    judged = judge_claim("mixup_collapse-mx4", "standard")
    assert (record.headline, record.words, record.stand_in) == ("standard", judged.words, True)
    run = next(run for run in record.runs if run.profile == "standard")
    effects = {condition.settings["rows"]: (condition.estimate, condition.low) for condition in run.conditions}
    found = Findings("standard").condition("mixup_collapse-mx4", rows=100)
    assert found.interval is not None
    assert effects[100] == (found.estimate, found.interval[0])
    assert run.control.verdict == "not reproduced"
    assert run.table is None, "without a site there is no address"
    assert {run.verdict for run in record.runs if run.profile == "paper"} == {"not run"}


def test_a_record_holds_the_papers_value_beside_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = find_claim("presto-m2")
    monkeypatch.setattr(documents, "all_claims", lambda _: {claim.id: claim})
    rows = [
        dict(zip(ROW_COLUMNS, row, strict=True))
        for row in document_rows(claims_document(title="", version="", licence=""))
    ]
    found = [row["published"] for row in rows if row["profile"] == "paper"]
    assert found == [condition.published for condition in judge_claim("presto-m2", "paper").conditions]
    assert set(found) == {printed.value for printed in claim.published}


def test_addresses_are_asked_for_what_exists() -> None:
    asked = []

    def address(kind: str, claim: object, profile: str) -> str:
        asked.append((kind, profile))
        return f"{kind}/{profile}"

    found = claims_document(title="", version="", licence="", study="mixup_collapse", address=address)  # type: ignore[arg-type]
    assert found.claims[0].card == "card/standard"
    assert ("table", "standard") in asked
    assert ("table", "paper") not in asked, "a run that has no table has no address"


def test_numbers_that_json_cannot_hold_are_left_out(document: ClaimsDocument) -> None:
    condition = document.claims[0].runs[0].conditions[0]
    content = condition.model_dump() | {"estimate": float("nan"), "high": float("inf")}
    again = type(condition).model_validate(content)
    assert (again.estimate, again.high, again.low) == (None, None, condition.low)


def test_there_is_a_row_for_each_condition_and_one_for_a_run_without(document: ClaimsDocument) -> None:
    rows = [dict(zip(ROW_COLUMNS, row, strict=True)) for row in document_rows(document)]
    wanted = sum(max(len(run.conditions), 1) for claim in document.claims for run in claim.runs)
    assert len(rows) == wanted
    conditions = [one for claim in document.claims for run in claim.runs for one in run.conditions]
    told = [(row["estimate"], row["low"], row["high"], row["replicates"]) for row in rows if row["replicates"]]
    assert told == [(one.estimate, one.low, one.high, one.replicates) for one in conditions if one.replicates]
    assert all(low <= estimate <= high for estimate, low, high, _ in told if low is not None)
    waiting = [row for row in rows if row["verdict"] == "not run"]
    assert waiting
    assert {row["condition_verdict"] for row in waiting} <= {None, "not run"}


def test_an_unknown_study_is_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean"):
        claims_document(title="", version="", licence="", study="mixup_colapse")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of its own whose only commit has accepted verdicts of one study, changed since."""
    now = expected_path("smote").read_text(encoding="utf-8")
    expected = tmp_path / "results" / "smote" / "expected.json"
    expected.parent.mkdir(parents=True)
    content = json.loads(now)
    content["smote-c2"]["profiles"]["paper"]["verdict"] = "reproduced"
    content["smote-gone"] = content.pop("smote-c1")
    expected.write_text(json.dumps(content))
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"], ["tag", "first"]):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *command], cwd=tmp_path, check=True
        )
    expected.write_text(now)
    monkeypatch.setattr(files, "project_root", lambda: tmp_path)
    return tmp_path


def test_what_changed_since_a_commit_is_listed(checkout: Path) -> None:
    changes = {str(change) for change in changes_of_verdicts("first", "smote")}
    verdict = read_expected("smote")["smote-c2"].profiles["paper"].verdict
    assert f"smote-c2 (paper): verdict: expected reproduced, found {verdict}" in changes
    assert "smote-c1: claim: expected no claim, found a claim" in changes
    assert "smote-gone: claim: expected a claim, found no claim" in changes
    assert not any("smote-c3" in change for change in changes)


@pytest.mark.parametrize("reference", ["no-such-tag", "", "--all"])
def test_a_reference_that_is_none_is_refused(checkout: Path, reference: str) -> None:
    with pytest.raises(ResultsError, match="compare must name a commit, tag or branch"):
        changes_of_verdicts(reference)


def test_a_file_of_the_past_that_is_damaged_is_named(checkout: Path) -> None:
    (checkout / "results" / "smote" / "expected.json").write_text('{"smote-c1": 3}')
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qam", "bad"]
    subprocess.run(command, cwd=checkout, check=True)
    with pytest.raises(ResultsError, match=r"HEAD:results/smote/expected\.json: key 'smote-c1'"):
        changes_of_verdicts("HEAD", "sade")


def test_outside_a_checkout_nothing_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "project_root", lambda: None)
    with pytest.raises(ResultsError, match="in a checkout"):
        changes_of_verdicts("HEAD")


def test_every_kind_of_change_is_told_apart() -> None:
    def claim(specification: str, **profiles: dict[str, str]) -> ExpectedClaim:
        return ExpectedClaim.model_validate(
            {
                "specification": specification,
                "profiles": {
                    name: {"verdict": conditions.pop("all"), "conditions": conditions}
                    for name, conditions in profiles.items()
                },
            }
        )

    before = {"a-1": claim("s", quick={"all": "partly", "x": "reproduced", "y": "inconclusive"})}
    after = {
        "a-1": claim(
            "t", quick={"all": "partly", "x": "not reproduced", "z": "reproduced"}, paper={"all": "reproduced"}
        )
    }
    found = [(change.profile, change.what, change.expected, change.found) for change in room.differences(before, after)]
    assert found == [
        (None, "specification", "s", "t"),
        ("quick", "condition x", "reproduced", "not reproduced"),
        ("quick", "condition y", "inconclusive", "no such condition"),
        ("quick", "condition z", "no such condition", "reproduced"),
        ("paper", "verdict", "not judged", "reproduced"),
    ]
    assert list(room.differences(after, after)) == []
    assert ExpectedVerdict(verdict="partly", conditions={}) != after["a-1"].profiles["paper"]
