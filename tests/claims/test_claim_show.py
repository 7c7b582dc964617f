"""Cards and tables as a reader meets them, and numbers with the digits their interval supports."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from repro.claims import (
    card,
    claims_frame,
    criterion_words,
    find_claim,
    format_estimate,
    format_interval,
    format_number,
    quantity_words,
    table,
)
from repro.claims.cards import Card
from repro.ground.exceptions import UnknownName
from repro.protocol.claim import Criterion

BASE = np.array([0.5, 0.7, 0.6])
SPREAD = np.array([-1.0, 0.0, 1.0])


class Strict(HTMLParser):
    """Parser that notices tags that are not closed in order, and collects text and attributes."""

    VOID = frozenset({"br"})

    def __init__(self, html):
        super().__init__()
        self.open, self.words, self.attributes = [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.attributes.append((tag, dict(attrs)))
        assert all(value is not None for _, value in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def evidence(study, make_rows, write_evidence):
    hashes = {name: find_claim(name).specification_hash() for name in ("toy-c1", "toy-c2")}
    good = make_rows({("p", "a"): BASE + 0.0345 + 0.001 * SPREAD, ("p", "b"): BASE})
    lower = {("q", "a"): BASE - 0.5 + 0.1 * SPREAD, ("q", "b"): BASE}
    bad = make_rows(lower)
    write_evidence(pd.concat([good, bad]), "paper", hashes)
    write_evidence(good, "quick", {"toy-c1": "mixed"})
    write_evidence(make_rows(lower, variant="flipped").assign(dataset="p"), "control")


def test_the_card_says_what_the_verdict_rests_on(evidence):
    text = Strict(card("toy-c1")._repr_html_()).text
    for words in (
        "toy-c1 · someone2020, Table 1",
        "A is better than B.",
        "Published: p: auc_difference = 0.0125.",
        "Reproduced when the 95 % interval lies above 0 in the claimed direction (Student's t over replicates).",
        "quick ✔ reproduced mechanism demo: a stand-in for the paper's data or system criterion changed after the run",
        "Estimate 0.0345 , 95 % interval [0.0320, 0.0370] (auc: a − b; 3 × partition)",
        "paper ◐ partly, 1 of 2; 1 against mixed: conditions on both sides",
        "Control flipped: ✓ the claim fails there, as it must",
        "All 2 conditions judged together, sharing an error of 5 % (Bonferroni): 1 reproduced, 1 against.",
        "commit 0123456789ab; a <fast> processor, 2 cores; 2 min of computing; finished 2026-01-02",
        "toy/trial.paper.csv",
    ):
        assert words in text
    assert "0.0777" not in text  # known from memory only


def test_the_card_says_that_cells_were_computed_again_with_newer_code(study, make_rows, write_evidence):
    renewal = {
        "code_hash": "cd" * 32,
        "commit": "fedcba9876543210",
        "versions": {},
        "python": "3.11.9",
        "processor": "another",
        "cells": ["000000000001", "000000000002"],
        "kinds": 1,
        "largest_difference": 0.0,
        "tolerance": 0.0,
        "when": "2026-02-03T04:05:06Z",
    }
    rows = make_rows({("p", "a"): BASE + 0.1, ("p", "b"): BASE, ("q", "a"): BASE + 0.2, ("q", "b"): BASE})
    write_evidence(rows, "paper", renewals=[renewal])
    text = Strict(card("toy-c1", ["paper"])._repr_html_()).text
    assert "finished 2026-01-02; 2 cells computed again with commit fedcba987654 came out equal" in text


def test_the_card_of_another_criterion(evidence):
    text = Strict(card("toy-c2")._repr_html_()).text
    for words in (
        "a question of this book, our question",
        "B & A differ by < 0.1.",
        "the 90 % interval lies between −0.1 and 0.1 (corrected for reused folds after Nadeau and Bengio)",
        "plain t interval [0.0320, 0.0370]",
        "90 % interval [",
    ):
        assert words in text


def test_conditions_stand_in_a_labelled_box_that_scrolls_by_keyboard(evidence):
    parsed = Strict(card("toy-c1", ["paper"])._repr_html_())
    boxes = [attributes for tag, attributes in parsed.attributes if attributes.get("role") == "region"]
    assert [(box["tabindex"], box["aria-label"]) for box in boxes] == [("0", "Conditions of toy-c1, profile paper")]
    for words in (
        "Condition Verdict Estimate 95 % interval Replicates Paper",
        "p ✔ reproduced 0.0345 [0.0320, 0.0370] 3 0.0125",
        "q ✘ not reproduced −0.50 [−0.75, −0.25] 3",
        "auc: a − b; replicate: partition",
    ):
        assert words in parsed.text


def test_names_of_conditions_and_levels_are_shown_with_blanks(study, make_rows, write_evidence):
    study.write_text(study.read_text().replace("contrast: [a, b]", "contrast: [a_new, b]"))
    pairs = {(name, level): BASE + (level == "a_new") for name in ("one_set", "two_sets") for level in ("a_new", "b")}
    write_evidence(make_rows(pairs), "paper")
    shown = card("toy-c1", ["paper"])
    assert "one set ✔ reproduced" in Strict(shown._repr_html_()).text
    assert "auc: a new − b" in Strict(shown._repr_html_()).text
    assert "- two sets: reproduced" in str(shown)


def test_many_conditions_are_folded_under_the_count_of_their_verdicts(study, write_evidence, make_rows):
    """Differences are 1 +- 0.001 on eight sets and -1 +- 0.001 on a ninth: more than a card shows at once."""
    signs = {f"set{number}": -1 if number == 8 else 1 for number in range(9)}
    pairs = {(name, level): BASE + sign * (level == "a") * (1 + BASE) for name, sign in signs.items() for level in "ab"}
    write_evidence(make_rows(pairs), "paper")
    folded = card("toy-c1", ["paper"])._repr_html_()
    assert "<details><summary>9 conditions: 8 reproduced, 1 not reproduced</summary>" in folded
    assert "set8 ✘ not reproduced" in Strict(folded).text
    write_evidence(make_rows(dict(list(pairs.items())[:16])), "paper")
    assert "<details>" not in card("toy-c1", ["paper"])._repr_html_()


def test_conditions_with_quantities_and_intervals_of_their_own_say_so(evidence, study):
    parts = "parts: [{name: up}, {name: down, contrast: [b, a], criterion: {kind: equivalence, margin: 9}}]"
    text = study.read_text().replace("conditions: dataset", f"where: {{dataset: p}}, {parts}")
    study.write_text(text.replace("interval: t\n", "interval: nadeau_bengio\n  folds: 10\n"))
    parsed = Strict(card("toy-c1", ["paper"])._repr_html_())
    for words in (
        "Condition Verdict Estimate 95 % interval 90 % interval Plain t interval Replicates",
        "up auc: a − b ✔ reproduced 0.0345 [0.0293, 0.0397] – [0.0320, 0.0370] 3",
        "down auc: b − a ✔ reproduced −0.0345 [−0.0397, −0.0293] [−0.0380, −0.0310] [−0.0370, −0.0320] 3",
    ):
        assert words in parsed.text


def test_colour_is_left_to_the_page(evidence):
    html = card("toy-c1")._repr_html_()
    assert "background:transparent" in html
    assert "color:inherit" in html
    assert not [attributes for _, attributes in Strict(html).attributes if "style" in attributes]


def test_text_is_escaped(evidence):
    assert "<p>B &amp; A differ by &lt; 0.1.</p>" in card("toy-c2")._repr_html_()
    assert "a &lt;fast&gt; processor" in card("toy-c2")._repr_html_()
    assert "<td>B &amp; A differ by &lt; 0.1.</td>" in table("toy")._repr_html_()


def test_the_table_is_linked_when_the_page_has_an_address_for_it(evidence):
    plain = card("toy-c1", ["paper"])
    assert "<a " not in plain._repr_html_()
    linked = card("toy-c1", ["paper"], table_url=lambda experiment, profile: f"../{experiment}.{profile}.csv?a&b")
    links = [attributes for tag, attributes in Strict(linked._repr_html_()).attributes if tag == "a"]
    assert links == [{"href": "../toy.trial.paper.csv?a&b"}]
    assert "[toy/trial.paper.csv](../toy.trial.paper.csv?a&b)" in linked._repr_markdown_()


def test_markdown_and_plain_text_say_the_same(evidence):
    shown = card("toy-c1")
    for words in (
        "- p: reproduced, estimate 0.0345, 95 % interval [0.0320, 0.0370], 3 × partition",
        "**paper**: ◐ **partly, 1 of 2; 1 against** (mixed: conditions on both sides)",
        "- control flipped: ✓ the claim fails there, as it must",
    ):
        assert words in shown._repr_markdown_()
        assert words.replace("**", "") in str(shown)
    assert "0.0777" not in str(shown)


def test_a_claim_that_was_not_run_says_how(study):
    text = Strict(card("toy-c2")._repr_html_()).text
    assert "paper – not run no table; repro run toy.trial --profile paper computes it" in text
    assert "Control flipped: – not run" in text


def test_a_card_of_an_unknown_profile_suggests_one(study):
    with pytest.raises(UnknownName, match="did you mean 'paper'"):
        card("toy-c1", ["papers"])


def test_claims_frame_has_one_row_for_each_claim_and_profile(evidence):
    frame = claims_frame("toy")
    assert frame[["id", "profile", "verdict"]].to_numpy().tolist() == [
        ["toy-c1", "quick", "reproduced"],
        ["toy-c1", "paper", "partly"],
        ["toy-c2", "paper", "reproduced"],
    ]
    assert frame["mechanism_demo"].tolist() == [True, False, False]
    assert frame["criterion_changed"].tolist() == [True, False, False]
    assert frame["control_verdict"].tolist() == ["not reproduced", "not reproduced", "inconclusive"]
    first = frame.iloc[0]
    assert (first["estimate"], first["replicates"]) == (pytest.approx(0.0345), 3)
    assert first["low"] < first["estimate"] < first["high"]
    assert np.isnan(frame.iloc[1]["estimate"])
    assert claims_frame("toy", "quick")["id"].tolist() == ["toy-c1"]


def test_the_table_for_a_notebook_lists_the_same(evidence):
    shown = table("toy")
    text = Strict(shown._repr_html_()).text
    assert "toy-c1 A is better than B. paper ◐ partly, 1 of 2; 1 against 1 of 2 conditions 3 × partition" in text
    assert "toy-c2 B & A differ by < 0.1. paper ✔ reproduced 0.0345 [" in text
    assert "| toy-c1 | A is better than B. | quick | ✔ reproduced | 0.0345 [0.0320, 0.0370] | 3 × partition |" in str(
        shown
    )


@pytest.mark.parametrize(
    ("estimate", "interval", "texts"),
    [
        (0.00312, (0.00121, 0.00503), ("0.0031", "[0.0012, 0.0050]")),
        (-12.34, (-22.3, -2.38), ("−12.3", "[−22.3, −2.4]")),
        (1234.5, (1000.1, 1468.9), ("1234", "[1000, 1469]")),
        (0.0103, (0.0003, 0.0203), ("0.0103", "[0.0003, 0.0203]")),
        (-0.00001, (-0.1, 0.1), ("0.00", "[−0.10, 0.10]")),
        (0.25, (0.25, 0.25), ("0.2500", "[0.2500, 0.2500]")),
        (0.123456, None, ("0.123", "–")),
        (None, None, ("–", "–")),
        (1e-9, (-1e-3, 1e-3), ("0.0000", "[−0.0010, 0.0010]")),
    ],
)
def test_numbers_have_the_digits_that_their_interval_supports(estimate, interval, texts):
    assert format_estimate(estimate, interval) == texts


def test_a_bound_that_is_not_zero_does_not_look_like_zero():
    assert format_interval((0.0003, 0.09)) == "[0.0003, 0.0900]"
    assert format_interval((-0.0003, 0.09)) == "[−0.0003, 0.0900]"
    assert format_interval((1e-9, 0.09)) == "[0.000, 0.090]"
    assert format_number(-0.0) == "0"


@pytest.mark.parametrize(
    ("criterion", "words"),
    [
        ({"kind": "direction", "non_inferiority": 0.02}, "the 95 % interval lies above −0.02 in the claimed direction"),
        ({"kind": "within", "tolerance": 0.1}, "the 95 % interval of ours minus published lies within ±0.1"),
        ({"kind": "order"}, "the 95 % interval of every adjacent difference lies above 0"),
        ({"kind": "identity", "bound": 1e-6}, "no deviation exceeds 1e-06"),
    ],
)
def test_criteria_in_words(criterion, words):
    assert criterion_words(Criterion.model_validate(criterion), 0.0) == words


def test_the_quantity_in_words_has_the_sign_that_counts_as_claimed(make_claim):
    negative = {"kind": "direction", "sign": "negative"}
    assert quantity_words(make_claim()) == "auc: a − b"
    assert quantity_words(make_claim(criterion=negative)) == "auc: b − a"
    assert quantity_words(make_claim(quantity={"contrast": None}, criterion=negative)) == "−auc"
    assert quantity_words(make_claim(quantity={"scale": "log_ratio"})) == "logarithm of auc: a / b"
    order = make_claim(quantity={"contrast": None, "order": ["a", "b", 3]}, criterion={"kind": "order"})
    assert quantity_words(order) == "auc, adjacent differences of a > b > 3"


def test_parts_with_criteria_of_their_own_are_told_apart(study):
    parts = "parts: [{name: first}, {name: second, criterion: {kind: equivalence, margin: 0.5}}]"
    study.write_text(study.read_text().replace("conditions: dataset", parts))
    text = Strict(card("toy-c1")._repr_html_()).text
    assert "Reproduced (first) when the 95 % interval lies above 0" in text
    assert "Reproduced (second) when the 90 % interval lies between −0.5 and 0.5" in text


def test_many_published_values_are_folded_under_their_number():
    claim = find_claim("presto-m1")
    parsed = Strict(Card(claim, ())._repr_html_())
    assert f"Published: {len(claim.published)} values" in parsed.text
    assert [tag for tag, _ in parsed.attributes].count("summary") == 1
    few = Strict(Card(find_claim("presto-s5"), ())._repr_html_())
    assert "summary" not in [tag for tag, _ in few.attributes]
    assert "Published: sparse 1/3: median_ratio = 1.04 (measured from a figure)" in few.text
