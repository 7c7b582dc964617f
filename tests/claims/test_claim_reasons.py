"""What came out in one sentence, why, and what would change it; against constructed evidence and simulation."""

from __future__ import annotations

import re

import numpy as np
import pytest

from repro.claims import ConditionJudgement, Judgement, judge, judge_all, plain_sentence, setting_words, why
from repro.claims.naming import condition_names, measure_name
from repro.claims.reasons import replicates_needed

BASE = np.linspace(0.4, 0.8, 12)
NOISE = np.tile([-1.0, 1.0], 6)


@pytest.fixture
def judged(make_claim, make_rows):
    """Judge toy-c1 on differences of given mean and spread, one pair for each data set."""

    def judgement(effects, quantity=None, **changes):
        rows = {(name, "a"): BASE + mean + spread * NOISE for name, (mean, spread) in effects.items()}
        rows |= {(name, "b"): BASE for name in effects}
        return judge(make_claim(quantity=quantity, **changes), make_rows(rows), profile="paper")

    return judgement


@pytest.mark.parametrize(
    ("effects", "changes", "sentence"),
    [
        (
            {"oil_spill": (0.3, 0.01), "pima": (-0.2, 0.01), "phoneme": (0.0, 0.5)},
            {},
            "On 1 of 3 data sets the interval lies above zero, as claimed, on 1 the data speak against it; smallest "
            "effect −0.2000 (Pima), largest 0.3000 (Oil).",
        ),
        (
            {"pima": (0.3, 0.01), "phoneme": (0.2, 0.01)},
            {"smallest_effect": 0.1},
            "On both data sets the interval lies above zero, as claimed; smallest effect 0.2000 (Phoneme), largest "
            "0.3000 (Pima).",
        ),
        (
            {"pima": (0.05, 0.01), "phoneme": (0.2, 0.01), "satimage": (-0.2, 0.01)},
            {"smallest_effect": 0.1},
            "On 2 of 3 data sets the interval lies above zero, as claimed, on 1 an effect that matters is ruled out; "
            "smallest effect −0.2000 (Satimage), largest 0.2000 (Phoneme).",
        ),
        (
            {"pima": (0.3, 0.01)},
            {"criterion": {"kind": "equivalence", "margin": 0.1}},
            "Auc: a − b = 0.3000 (0.2934 to 0.3066); the interval lies outside −0.1 to 0.1.",
        ),
        (
            {"pima": (-0.01, 0.001)},
            {"criterion": {"kind": "direction", "non_inferiority": 0.02}},
            "Auc: a − b = −0.01000 (−0.01066 to −0.00934); the interval lies above −0.02, the shortfall that is "
            "allowed, as claimed.",
        ),
        (
            {"pima": (0.0, 0.5)},
            {},
            "Auc: a − b = 0.00 (−0.33 to 0.33); the interval crosses zero.",
        ),
        (
            {"pima": (0.1, 0.0), "phoneme": (0.2, 0.0)},
            {"criterion": {"kind": "identity", "bound": 0.15}, "interval": "none"},
            "On 1 of 2 data sets the deviation stays within its bound, on 1 the data speak against it; the largest "
            "deviation is 0.2 (Phoneme).",
        ),
    ],
)
def test_one_sentence_says_what_came_out(judged, effects, changes, sentence):
    assert plain_sentence(judged(effects, **changes)) == sentence


def test_parts_are_counted_one_by_one(judged):
    """Part up has a − b, part down b − a: of two data sets with opposite effects each part wins one."""
    parts = [{"name": "up"}, {"name": "down", "contrast": ["b", "a"], "where": {"dataset": ["pima"]}}]
    found = judged({"pima": (0.3, 0.01), "phoneme": (-0.3, 0.01)}, quantity={"parts": parts})
    assert plain_sentence(found) == (
        "In 1 of 3 conditions the interval lies above zero, as claimed, in 2 the data speak against it: up 1 of 2; "
        "down 0 of 1."
    )


def test_a_run_that_was_begun_says_nothing_but_that(make_claim):
    one = ConditionJudgement("p", "inconclusive", estimate=0.1, replicates=1, decides=False)
    begun = Judgement(make_claim(), "paper", "inconclusive", (one,), begun=(1, 3))
    assert plain_sentence(begun) == (
        "Under way with 1 of 3 partitions: there is no interval yet, and nothing can be said."
    )
    assert why(begun).change == ("A second replicate (partition) where there is one.",)
    assert plain_sentence(Judgement(make_claim(), "paper", "not run", note="no table")) == "Not run yet: no table."


def test_why_names_what_was_shown_what_was_not_and_what_would_change_it(judged):
    reasons = why(judged({"pima": (0.3, 0.01), "phoneme": (-0.3, 0.01), "satimage": (0.02, 0.1)}))
    assert reasons.shown == ("Pima: the interval lies above zero, as claimed.",)
    assert reasons.open == ("Phoneme: the interval lies below zero.", "Satimage: the interval crosses zero.")
    (change,) = reasons.change
    assert re.fullmatch(
        r"About \d+ replicates \(partition\) instead of 12 for Satimage, if the effect stays as it is\.", change
    )


def test_a_clear_verdict_says_how_far_new_data_would_have_to_move_it(judged):
    assert why(judged({"pima": (0.3, 0.01), "phoneme": (0.1, 0.01)})).change == (
        "New data for Phoneme, which is nearest to it: the interval, now 0.0934 to 0.1066, would have to reach below "
        "zero.",
    )
    nearest = why(judged({"pima": (0.3, 0.01), "phoneme": (0.2, 0.001)})).change[0]
    assert "for Pima, which is nearest" in nearest, "seen from Phoneme zero is 300 half widths away"
    against = why(judged({"pima": (-0.3, 0.01)}, smallest_effect=0.1))
    assert against.change[0].endswith("would have to reach 0.1, the smallest effect that matters.")
    outside = why(judged({"pima": (0.3, 0.01)}, criterion={"kind": "equivalence", "margin": 0.1}))
    assert outside.change[0].endswith("would have to reach inside −0.1 to 0.1.")
    inside = why(judged({"pima": (0.03, 0.01)}, criterion={"kind": "equivalence", "margin": 0.1}))
    assert inside.change[0].endswith("would have to reach outside −0.1 to 0.1.")


def test_a_value_beyond_the_allowed_shortfall_is_told_against_it_and_not_against_zero(judged):
    """Logarithms of ratios: the shortfall of 0.0202027 is a ratio of 0.98."""
    quantity, criterion = {"scale": "log_ratio"}, {"kind": "direction", "non_inferiority": 0.0202027}
    reasons = why(judged({"pima": (-0.1, 0.001)}, quantity=quantity, criterion=criterion))
    assert reasons.open == ("Pima: the interval lies below 0.98, the shortfall that is allowed.",)
    assert reasons.change[0].endswith("would have to reach 0.98, the shortfall that is allowed.")


@pytest.mark.parametrize(
    ("mean", "changes"),
    [
        (0.02, {}),
        (0.02, {"smallest_effect": 0.05}),
        (-0.01, {"criterion": {"kind": "direction", "non_inferiority": 0.03}}),
        (0.0, {"criterion": {"kind": "direction", "non_inferiority": 0.03}, "smallest_effect": 0.05}),
        (0.06, {"criterion": {"kind": "equivalence", "margin": 0.1}}),
        (0.01, {"interval": "nadeau_bengio", "folds": 10, "folds_per_value": 1}),
        (0.06, {"interval": "nadeau_bengio", "folds": 10, "folds_per_value": 1}),
    ],
)
def test_so_many_replicates_would_decide_and_a_fifth_fewer_would_not(make_claim, make_rows, mean, changes):
    """The same mean and spread with as many replicates as are said to be needed, and with fewer."""
    claim = make_claim(quantity={"conditions": None}, **changes)

    def verdict(number):
        noise = np.resize([-1.0, 1.0], number) - np.resize([-1.0, 1.0], number).mean()
        rows = make_rows({("p", "a"): mean + 0.05 * noise, ("p", "b"): np.zeros(number)})
        return judge(claim, rows).conditions[0]

    now = verdict(10) if changes.get("interval") != "nadeau_bengio" else verdict(6)
    if now.verdict != "inconclusive":
        now = verdict(4)
    assert now.verdict == "inconclusive"
    needed = replicates_needed(claim, now)
    if changes.get("interval") == "nadeau_bengio" and mean < 0.02:
        assert needed is None  # the part of the interval that reused rows add is wider than the effect
        assert verdict(1000).verdict == "inconclusive"
        return
    assert needed is not None
    assert needed[0] == now.replicates
    assert verdict(needed[1]).verdict != "inconclusive"
    assert verdict(max(int(0.4 * needed[1]), 3)).verdict == "inconclusive"


@pytest.fixture(scope="module")
def all_judged():
    return [found for found in judge_all() if found.verdict != "not run"]


def test_every_claim_is_told_without_keys_of_tables(all_judged):
    for found in all_judged:
        reasons = why(found)
        names = condition_names(found)
        assert len(set(names)) == len(names), found.claim.id
        texts = [plain_sentence(found), *names, *reasons.shown, *reasons.open, *reasons.change]
        assert not [text for text in texts if "_" in text], found.claim.id
        assert texts[0].endswith("."), found.claim.id
        assert texts[0].count(". ") == 0, texts[0]
        assert reasons.change, found.claim.id
        assert bool(reasons.shown) == any(one.verdict == "reproduced" for one in found.conditions)


@pytest.mark.parametrize(
    ("study", "metric", "words"),
    [
        ("neural_collapse", "nc2_gof_err_W", "distance of the classifier from the frame"),
        ("neural_collapse", "lost", "share of classes lost"),
        ("sade", "lost", "accuracy lost by the augmentation"),
        ("mixup_collapse", "ece", "expected calibration error"),
        ("toy", "a_new_measure", "a new measure"),
    ],
)
def test_measures_read_as_people_say_them(study, metric, words):
    assert measure_name(study, metric) == words


@pytest.mark.parametrize(
    ("study", "column", "value", "words"),
    [
        ("auroc_auprc", "p_lower", 0.1, "prevalence 0.1 in the lower group"),
        ("auroc_auprc", "normalise", False, "scores as they are"),
        ("presto", "intercepts", "(0, 3.5, 5.5)", "intercepts 0, 3.5, 5.5"),
        ("presto", "rare", 1e-07, "rare probability 10⁻⁷"),
        ("presto", "n", 32000, "32,000 rows"),
        ("presto", "design", "sparse 1/2", "sparse 1/2"),
        ("naive_bayes", "design", "paper", "the paper's design"),
        ("sade", "method", "balanced", "balanced softmax"),
        ("smote", "dataset", "oil_spill", "Oil"),
        ("toy", "new_setting", 3, "new setting 3"),
        ("toy", "new_setting", "some_word", "some word"),
    ],
)
def test_settings_read_as_people_say_them(study, column, value, words):
    assert setting_words(study, column, value) == words
