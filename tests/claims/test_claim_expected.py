"""Accepted verdicts: what counts as a difference, and what accepting writes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from repro import studies
from repro.claims import accept, card, compare_with_expected, find_claim, judge_claim, not_yet_run
from repro.cli import main
from repro.ground.exceptions import ResultsError, UnknownName
from repro.protocol.exchange import Exchange

BASE = np.array([0.5, 0.7, 0.6])
SPREAD = np.array([-1.0, 0.0, 1.0])


@pytest.fixture
def put(study, make_rows, write_evidence):
    """Write a table in which a - b is `centre` on data set p; that of the controls is there from the start."""

    def put(centre, profile="paper", *, changed=None, **columns):
        hashes = {name: find_claim(name).specification_hash() for name in ("toy-c1", "toy-c2")}
        rows = make_rows({("p", "a"): BASE + centre + 0.1 * SPREAD, ("p", "b"): BASE}, **columns)
        return write_evidence(rows, profile, hashes, changed=changed or {})

    put(-3.0, "control", changed={"flipped": 0.5}, variant="flipped")
    return put


def differences():
    return [str(difference) for difference in compare_with_expected("toy")]


def test_nothing_differs_after_accepting(study, put):
    put(3.0)
    path = accept("toy")
    assert path == study.parent / "results/toy/expected.json"
    assert differences() == []
    assert json.loads(path.read_text()) == {
        "toy-c1": {
            "specification": find_claim("toy-c1").specification_hash(),
            "profiles": {"paper": {"verdict": "reproduced", "conditions": {"p": "reproduced"}}},
        },
        "toy-c2": {
            "specification": find_claim("toy-c2").specification_hash(),
            "profiles": {"paper": {"verdict": "not reproduced", "conditions": {}}},
        },
    }


def test_claims_that_were_never_accepted_are_differences(put):
    put(3.0)
    assert differences() == [
        "toy-c1: claim: expected nothing accepted yet, found a new claim",
        "toy-c2: claim: expected nothing accepted yet, found a new claim",
    ]


def test_a_changed_verdict_is_named_with_its_condition(put):
    put(3.0)
    accept("toy")
    put(-3.0)
    assert differences() == [
        "toy-c1 (paper): verdict: expected reproduced, found not reproduced",
        "toy-c1 (paper): condition p: expected reproduced, found not reproduced",
    ]


def test_a_verdict_that_became_better_is_a_difference_too(put):
    put(-3.0)
    accept("toy")
    put(3.0)
    assert differences() == [
        "toy-c1 (paper): verdict: expected not reproduced, found reproduced",
        "toy-c1 (paper): condition p: expected not reproduced, found reproduced",
    ]


def test_a_vanished_committed_table_is_a_difference(put):
    path = put(3.0)
    accept("toy")
    path.unlink()
    assert "toy-c1 (paper): verdict: expected reproduced, found not run" in differences()


def test_a_quick_table_that_is_not_there_yet_is_reported_but_no_difference(put):
    put(3.0)
    quick = put(3.0, "quick")
    accept("toy")
    assert not_yet_run("toy") == []
    quick.unlink()
    assert differences() == []
    assert not_yet_run("toy") == [("toy-c1", "quick")]
    accept("toy")  # keeps what was accepted before
    put(-3.0, "quick")
    assert "toy-c1 (quick): verdict: expected reproduced, found not reproduced" in differences()


def test_a_first_quick_verdict_must_be_accepted_too(put):
    put(3.0)
    accept("toy")
    put(3.0, "quick")
    assert differences() == ["toy-c1 (quick): verdict: expected nothing accepted yet, found reproduced"]


def test_a_changed_criterion_is_a_difference_and_marked_until_run_again_and_accepted(study, put):
    put(3.0)
    accept("toy")
    before = find_claim("toy-c1").specification_hash()
    study.write_text(study.read_text().replace("{kind: direction}", "{kind: direction, non_inferiority: 0.1}"))
    after = find_claim("toy-c1").specification_hash()
    assert differences() == [f"toy-c1: specification: expected {before}, found {after}"]
    assert judge_claim("toy-c1", "paper").criterion_changed
    put(3.0)
    assert judge_claim("toy-c1", "paper").criterion_changed  # not accepted yet
    accept("toy")
    assert not judge_claim("toy-c1", "paper").criterion_changed


def test_claims_and_profiles_that_are_gone_are_differences(study, put):
    put(3.0)
    put(3.0, "quick")
    accept("toy")
    text = study.read_text()
    study.write_text(text[: text.index("- id: toy-c2")].replace("quick: mechanism demo, ", ""))
    assert differences() == [
        "toy-c1 (quick): profile: expected judged, found no longer judged",
        "toy-c2: claim: expected a claim, found no such claim",
    ]


@pytest.mark.parametrize(
    ("centre", "changed", "found", "message"),
    [
        (3.0, 0.5, "reproduced", "claim toy-c1: the claim is reproduced on its control 'flipped', so it cannot fail"),
        (0.05, 0.5, "inconclusive", "claim toy-c1: the claim is inconclusive on its control 'flipped'"),
        (-3.0, 0.0, "no value changed", "claim toy-c1: its control 'flipped' changes none of the values"),
    ],
)
def test_a_control_that_fails_is_a_difference_and_cannot_be_accepted(put, centre, changed, found, message):
    put(3.0)
    path = accept("toy")
    before = path.read_text()
    put(centre, "control", changed={"flipped": changed}, variant="flipped")
    wanted = f"control flipped: expected not reproduced on changed values, found {found}"
    assert f"toy-c1 (quick): {wanted}" in differences()
    assert f"toy-c1 (paper): {wanted}" in differences()
    with pytest.raises(ResultsError, match=message):
        accept("toy")
    assert path.read_text() == before


def test_without_its_control_no_verdict_is_accepted(put):
    put(3.0)
    path = put(-3.0, "control", variant="flipped")
    message = r"claim toy-c1: it is not known how much its control 'flipped' changes; repro run toy\.trial --controls"
    with pytest.raises(ResultsError, match=message):
        accept("toy")
    path.unlink()
    with pytest.raises(
        ResultsError,
        match=r"claim toy-c1: its control 'flipped' has not been run; repro run toy\.trial --controls computes it",
    ):
        accept("toy")


def test_a_control_without_cells_is_named_and_no_command_is_promised(put, study, monkeypatch):
    declared = replace(studies.experiment("toy.trial"), cells={"control": lambda: [], "quick": lambda: []})
    monkeypatch.setattr(studies, "experiment", lambda name: declared)
    put(3.0)
    put(-3.0, "control", variant="flipped").unlink()
    message = r"profile 'control' of toy\.trial has no cell with variant 'flipped', its control; declare one"
    with pytest.raises(ResultsError, match=message):
        accept("toy")


def test_a_table_to_be_exchanged_is_asked_for_by_its_profile(put, study, monkeypatch):
    declared = replace(
        studies.experiment("toy.trial"), exchanged={"flipped": Exchange(metrics={"auc": "auc"}, profile="quick")}
    )
    monkeypatch.setattr(studies, "experiment", lambda name: declared)
    put(3.0)
    with pytest.raises(ResultsError, match=r"has not been run; repro run toy\.trial --profile quick computes it"):
        accept("toy")


def test_verdicts_are_accepted_in_a_checkout_only(study, monkeypatch):
    monkeypatch.setattr("repro.ground.files.project_root", lambda: None)
    with pytest.raises(ResultsError, match="in a checkout of the project only"):
        accept("toy")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"toy-c1": {"specification": "x"}}', "key 'toy-c1.profiles': Field required"),
        ('{"toy-c1": ', "key '': Invalid JSON"),
        (
            '{"toy-c1": {"specification": "x", "profiles": {"paper": {"verdict": "good", "conditions": {}}}}}',
            "key 'toy-c1.profiles.paper.verdict': Input should be 'reproduced'",
        ),
    ],
)
def test_a_malformed_file_names_the_key(study, text, message):
    path = study.parent / "results/toy/expected.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ResultsError) as caught:
        compare_with_expected("toy")
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_unknown_study_suggests_the_nearest(study):
    with pytest.raises(UnknownName, match="unknown study 'toyy'"):
        compare_with_expected("toyy")


@pytest.mark.parametrize(
    ("centre", "changed", "sentence"),
    [
        (3.0, 0.5, "the claim is reproduced on its control 'flipped', so it cannot fail as it must"),
        (-3.0, 0.0, "its control 'flipped' changes none of the values"),
    ],
)
def test_the_command_and_the_card_mark_a_control_that_fails(put, capsys, centre, changed, sentence):
    put(3.0)
    assert main(["claims", "toy"]) == 0
    assert "control fails" not in capsys.readouterr().out
    put(centre, "control", changed={"flipped": changed}, variant="flipped")
    assert main(["claims", "toy"]) == 0
    out = capsys.readouterr().out
    assert f"control fails: claim toy-c1: {sentence}\n" in out
    assert out.count("control fails") > out.count("control fails: claim")  # in the column of marks too
    assert f"control fails: {sentence}" in str(card("toy-c1"))
    assert "repro-mark" in card("toy-c1")._repr_html_().partition("control fails")[0]
    assert main(["claims", "toy", "--accept"]) != 0
    assert sentence in capsys.readouterr().err


def test_the_card_says_how_much_the_control_changes(put):
    put(3.0)
    assert "the claim fails there, as it must; it changes 50 % of the values" in str(card("toy-c1"))


def test_strict_advises_what_accept_will_do(put, capsys):
    put(3.0)
    accept("toy")
    put(-3.0)
    assert main(["claims", "toy", "--strict"]) == 1
    assert "differences from the accepted verdicts; repro claims --accept accepts them" in capsys.readouterr().err
    put(3.0, "control", variant="flipped")
    assert main(["claims", "toy", "--strict"]) == 1
    assert "a claim must fail on its control before verdicts can be accepted" in capsys.readouterr().err
