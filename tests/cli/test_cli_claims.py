"""What the table of verdicts says beside a verdict."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from repro import claims
from repro.claims import ControlJudgement, Judgement
from repro.cli import app
from repro.protocol.claim import Verdict


@pytest.mark.parametrize(
    ("control", "problem"),
    [
        (ControlJudgement("flipped", "not reproduced", 0.5), None),
        (ControlJudgement("flipped", "reproduced", 0.5), "the claim is reproduced on its control 'flipped'"),
        (ControlJudgement("flipped", "not reproduced", 0.0), "its control 'flipped' changes none of the values"),
    ],
)
def test_a_control_that_fails_is_marked_in_its_row_and_explained(
    monkeypatch: pytest.MonkeyPatch, control: ControlJudgement, problem: str | None
) -> None:
    claim = next(iter(claims.all_claims("smote").values()))
    found = Judgement(claim, "paper", "reproduced", control=control, changes=("criterion",))
    monkeypatch.setattr(claims, "judge_all", lambda study, profile: [found])
    answer = CliRunner().invoke(app, ["claims", "smote"])
    row = next(line for line in answer.stdout.splitlines() if claim.id in line)
    assert row.rstrip().endswith("criterion changed, control fails" if problem else "criterion changed")
    sentence = f"control fails: claim {claim.id}: {problem}"
    assert (sentence in answer.stdout) is (problem is not None)
    assert ("control fails:" in answer.stdout) is (problem is not None)


@pytest.mark.parametrize(
    ("smallest_effect", "verdict", "advised"),
    [(0.0, "inconclusive", True), (0.0, "reproduced", False), (0.1, "inconclusive", False)],
)
def test_a_direction_without_a_smallest_effect_is_advised_to_have_one(
    monkeypatch: pytest.MonkeyPatch, smallest_effect: float, verdict: Verdict, advised: bool
) -> None:
    claim = claims.all_claims("naive_bayes")["naive_bayes-n1"].model_copy(update={"smallest_effect": smallest_effect})
    found = Judgement(claim, "quick", "reproduced", control=ControlJudgement("same_method", verdict, 0.5))
    monkeypatch.setattr(claims, "judge_all", lambda study, profile: [found])
    answer = CliRunner().invoke(app, ["claims", "naive_bayes"])
    assert f"the claim is {verdict} on its control" in answer.stdout
    assert ("without a smallest_effect a control on which nothing happens" in answer.stdout) is advised


def test_why_says_what_was_shown_what_not_and_what_would_change_it() -> None:
    answer = CliRunner().invoke(app, ["claims", "--why", "smote-c2"])
    assert answer.exit_code == 0, answer.output
    judged = claims.judge_claim("smote-c2", "paper")
    assert answer.stdout.startswith(f"smote-c2 (paper): {judged.words}\n")
    titles = ["What was established", "What was not", "What would change the verdict"]
    places = [answer.stdout.index(title) for title in titles]
    assert places == sorted(places)
    quick = CliRunner().invoke(app, ["claims", "--why", "smote-c2", "--profile", "quick"])
    assert quick.stdout.startswith("smote-c2 (quick): ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--why", "smote-c22"], "did you mean 'smote-c2'"),
        (["--why", "smote-c2", "--profile", "standard"], "unknown profile of claim smote-c2 'standard'"),
        (["--compare", "no-such-tag"], "compare must name a commit, tag or branch, got 'no-such-tag'"),
    ],
)
def test_questions_about_what_is_not_there_are_refused(arguments: list[str], said: str) -> None:
    answer = CliRunner().invoke(app, ["claims", *arguments])
    assert answer.exit_code != 0
    assert said in f"{answer.output} {answer.exception}"


@pytest.mark.parametrize(("layout", "wanted"), [("table", "claim"), ("json", "[]"), ("markdown", "| claim |")])
def test_nothing_changed_since_the_verdicts_of_now(monkeypatch: pytest.MonkeyPatch, layout: str, wanted: str) -> None:
    monkeypatch.setattr(claims, "changes_of_verdicts", lambda reference, study: [])
    answer = CliRunner().invoke(app, ["claims", "smote", "--compare", "HEAD", "--format", layout])
    assert answer.exit_code == 0
    assert wanted in answer.stdout
    assert "0 changes of accepted verdicts since HEAD" in answer.stderr


def test_changes_are_listed_with_before_and_now(monkeypatch: pytest.MonkeyPatch) -> None:
    change = claims.Difference("smote-c1", "paper", "verdict", "partly", "reproduced")
    monkeypatch.setattr(claims, "changes_of_verdicts", lambda reference, study: [change])
    answer = CliRunner().invoke(app, ["claims", "--compare", "v0.1.0", "--format", "json"])
    assert '"expected": "partly"' in answer.stdout
    table = CliRunner().invoke(app, ["claims", "--compare", "v0.1.0"])
    row = next(line for line in table.stdout.splitlines() if "smote-c1" in line)
    assert row.split() == ["smote-c1", "paper", "verdict", "partly", "reproduced"]
