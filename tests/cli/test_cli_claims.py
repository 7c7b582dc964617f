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
