"""Numbers for sentences: counts, effects and conditions that are selected by their settings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from repro import studies
from repro.claims import Count, Findings, find_claim
from repro.ground.exceptions import ResultsError, UnknownName

BASE = np.array([0.5, 0.7, 0.6])
SPREAD = np.array([-1.0, 0.0, 1.0])
PARTS = "parts: [{name: higher}, {name: lower loss, metric: loss, contrast: [b, a]}]"


@pytest.fixture
def evidence(study, make_rows, write_evidence, monkeypatch):
    """Effects on three sets at two levels; in the quick table all are positive."""
    trial = replace(studies.experiment("toy.trial"), settings=("dataset", "level", "method"))
    monkeypatch.setitem(studies.experiments(), trial.name, trial)
    study.write_text(
        study.read_text()
        .replace("conditions: dataset", f"conditions: [dataset, level], {PARTS}")
        .replace("where: {dataset: p}, replicate", "where: {dataset: p, level: 300}, replicate")
    )
    effects = {("p", 300): 0.2, ("p", 500): 0.0, ("q", 300): -0.4, ("with, comma", 300): 0.0}

    def rows(shift, metric):
        frames = [
            make_rows(
                {(dataset, "a"): BASE + effect + shift + 0.01 * SPREAD, (dataset, "b"): BASE}, metric, level=level
            )
            for (dataset, level), effect in effects.items()
        ]
        return pd.concat(frames)

    hashes = {name: find_claim(name).specification_hash() for name in ("toy-c1", "toy-c2")}
    write_evidence(pd.concat([rows(0.0, "auc"), rows(0.0, "loss")]), "paper", hashes)
    write_evidence(pd.concat([rows(9.0, "auc"), rows(-9.0, "loss")]), "quick", hashes)
    return Findings("paper")


def test_a_count_says_how_many_are_reproduced_against_and_run(evidence):
    """auc: 0.2 is for, -0.4 against, 0 open at both; loss the other way round."""
    assert evidence.count("toy-c1") == Count(reproduced=2, against=2, total=8, excluded=2)
    assert f"{evidence.count('toy-c1')} conditions" == "2 of 8 conditions"
    assert [f"{Count(3, 1, 9, 4):{which}}" for which in ("", "reproduced", "against", "excluded")] == [
        "3 of 9",
        "3 of 9",
        "1 of 9",
        "4 of 9",
    ]
    with pytest.raises(ValueError, match="'reproduced', 'against' or 'excluded', got 'for'"):
        format(Count(3, 1, 9), "for")
    assert evidence.count("toy-c1", part="higher", level=300) == Count(1, 1, 3, 1)
    assert evidence.count("toy-c1", metric="loss", dataset=["p", "q"]) == Count(1, 1, 3, 1)
    assert evidence.count("toy-c1", dataset="with, comma") == Count(0, 0, 2)


def test_the_profile_is_that_of_the_chapter(evidence):
    assert Findings("quick").count("toy-c1") == Count(8, 0, 8)


def test_conditions_are_selected_by_settings_in_the_order_of_the_claim(evidence):
    found = evidence.conditions("toy-c1", dataset="p")
    assert [(one.part, one.settings["level"]) for one in found] == [
        ("higher", 300),
        ("higher", 500),
        ("lower loss", 300),
        ("lower loss", 500),
    ]
    assert evidence.conditions("toy-c1", dataset="p", level=300.0, part="higher")[0].estimate == pytest.approx(0.2)
    assert len(evidence.conditions("toy-c1")) == 8
    assert evidence.condition("toy-c1", level="500", part="lower loss").verdict == "inconclusive"


def test_settings_of_all_selections_may_be_given_once_and_replaced(evidence):
    higher = Findings("paper", part="higher", level=300)
    assert higher.count("toy-c1") == Count(1, 1, 3, 1)
    assert higher.condition("toy-c1", level=500).estimate == pytest.approx(0.0)


def test_an_effect_is_shown_with_its_interval(evidence):
    """Half of the interval of three values one hundredth apart is 0.0248, corrected for reused folds 0.0517."""
    higher = Findings("paper", part="higher")
    assert higher.effect("toy-c1", dataset="p", level=300) == "+0.200 (+0.175 to +0.225)"
    assert higher.effect("toy-c1", dataset="q", unit="points", decimals=1) == (
        "\N{MINUS SIGN}40.0 points (\N{MINUS SIGN}42.5 to \N{MINUS SIGN}37.5)"
    )
    assert higher.effect("toy-c1", level=500, unit="s", decimals=2) == "+0.00 s (\N{MINUS SIGN}0.02 to +0.02)"
    assert higher.effect("toy-c1", level=500, decimals=1, unit="%") == "+0.0 % (\N{MINUS SIGN}2.5 to +2.5)"
    assert higher.effect("toy-c1", dataset="p", level=300, signed=False, decimals=1) == "0.2 (0.2 to 0.2)"
    assert evidence.effect("toy-c2") == "+0.200 (+0.148 to +0.252)"


def test_an_effect_without_an_interval_stands_alone(study, make_rows, write_evidence):
    write_evidence(make_rows({("p", "a"): BASE[:1] + 0.25, ("p", "b"): BASE[:1]}), "paper")
    assert Findings("paper").effect("toy-c1", unit="points") == "+25 points"


@pytest.mark.parametrize(
    ("claim", "settings", "message"),
    [
        ("toy-c3", {}, "unknown claim 'toy-c3'; did you mean"),
        ("toy-c1", {"data_set": "p"}, "unknown setting of claim toy-c1 'data_set'; did you mean 'dataset'"),
        ("toy-c1", {"dataset": "phoneme"}, "unknown dataset of claim toy-c1 in profile 'paper' 'phoneme'; known: p, q"),
        ("toy-c1", {"dataset": ["p", "r"]}, "unknown dataset of claim toy-c1 in profile 'paper' 'r'"),
        ("toy-c2", {"part": "higher"}, "unknown setting of claim toy-c2 'part'"),
    ],
)
def test_unknown_names_are_refused_with_those_that_exist(evidence, claim, settings, message):
    for ask in (evidence.conditions, evidence.condition, evidence.count, evidence.effect):
        with pytest.raises(UnknownName, match=f"^{message}"):
            ask(claim, **settings)


def test_a_selection_that_matches_nothing_or_several_is_refused(evidence):
    with pytest.raises(ResultsError, match="toy-c1: no condition has dataset q, level 500; its conditions: higher, p"):
        evidence.count("toy-c1", dataset="q", level=500)
    with pytest.raises(ResultsError, match="2 conditions fit, one is wanted; they differ in level: higher, p, level 3"):
        evidence.effect("toy-c1", dataset="p", part="higher")


def test_a_claim_without_a_table_says_how_to_get_one(study):
    with pytest.raises(ResultsError, match=r"toy-c1 has no verdict in profile 'quick': no table; repro run toy\.trial"):
        Findings("quick").count("toy-c1")
    with pytest.raises(UnknownName, match="profile of claim toy-c2"):
        Findings("quick").count("toy-c2")


def test_conditions_that_were_not_run_do_not_count_and_have_no_effect(study, make_rows, write_evidence):
    rows = make_rows({("p", "a"): BASE + 0.2 + 0.01 * SPREAD, ("p", "b"): BASE, ("q", "b"): BASE})
    write_evidence(rows, "paper", cells=1, cells_declared=3)
    findings = Findings("paper")
    assert [one.verdict for one in findings.conditions("toy-c1")] == ["reproduced", "not run"]
    assert findings.count("toy-c1") == Count(1, 0, 1)
    with pytest.raises(ResultsError, match="condition 'q' has no effect: the table has no row of this condition"):
        findings.effect("toy-c1", dataset="q")
