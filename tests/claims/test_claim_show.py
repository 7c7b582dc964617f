"""Cards and tables as a reader meets them, and numbers with the digits their interval supports."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from repro.claims import (
    all_claims,
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
        "◐ partly, 1 of 2; 1 against · paper run toy-c1 # someone2020, Table 1 mixed",
        "A is better than B.",
        "On 1 of 2 data sets the interval lies above zero, as claimed, on 1 the data speak against it; smallest effect "
        "−0.50 (q), largest 0.0345 (p).",
        "Reproduced when the 95 % interval lies above 0 in the claimed direction (Student's t over replicates).",
        "Published: p: auc, difference = 0.0125.",
        "quick ✔ reproduced mechanism demo criterion changed after the run Auc: a − b = 0.0345 (0.0320 to 0.0370); the "
        "interval lies above zero, as claimed.",
        "Mixed: conditions on both sides.",
        "Control, flipped: ✓ the claim fails there, as it must",
        "All 2 conditions judged together, sharing an error of 5 % (Bonferroni): 1 reproduced, 1 against.",
        "commit 0123456789ab; a <fast> processor, 2 cores; 2 min of computing; finished 2026-01-02",
        "toy/trial.paper.csv",
    ):
        assert words in text
    assert "0.0777" not in text  # known from memory only


def test_only_the_run_that_speaks_for_the_claim_is_open_and_folds_are_one_deep(evidence):
    """What is open is short; criterion, published values, control, provenance and the other run are folded."""
    html = card("toy-c1")._repr_html_()
    page = BeautifulSoup(html, "html.parser")
    folds = page.find_all("details")
    assert [fold.summary.get_text() for fold in folds] == [
        "2 conditions in numbers",
        "quick ✔ reproduced",
        "How it was judged",
    ]
    assert not [fold for fold in folds if fold.has_attr("open") or fold.find("details")]
    for fold in [*folds, page.style]:
        fold.extract()
    for words in ("Published", "Control", "commit", "Reproduced when", "0.0320"):
        assert words not in page.get_text()
    assert len(page.get_text().split()) < 70


def test_a_terminal_shows_words_and_not_what_cards_are_made_of(evidence):
    shown, rows = repr(card("toy-c1")), repr(table("toy"))
    assert "A is better than B." in shown
    assert "partly, 1 of 2" in rows
    for text in (shown, rows):
        assert not {"Judgement(", "Claim(", "Provenance("} & set(re.findall(r"\w+\(", text))


def test_a_card_can_be_linked_to(evidence):
    page = BeautifulSoup(card("toy-c1")._repr_html_(), "html.parser")
    link = page.find("a", class_="headerlink")
    assert page.find(id="card-toy-c1").find("a", class_="headerlink") is link
    assert link["href"] == "#card-toy-c1"


def test_papers_are_named_by_authors_and_year_outside_the_book_too():
    page = BeautifulSoup(card("smote-i1")._repr_html_(), "html.parser")
    assert "A question of our own" in page.get_text()
    page = BeautifulSoup(card("smote-c3")._repr_html_(), "html.parser")
    assert page.find("a", string="Chawla et al. 2002")["href"] == "https://doi.org/10.1613/jair.953"


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
        "A question of our own, our question",
        "B & A differ by < 0.1.",
        "the 90 % interval lies between −0.1 and 0.1 (corrected for reused folds after Nadeau and Bengio)",
        "plain t interval [0.0320, 0.0370]",
        "90 % interval [",
    ):
        assert words in text


def test_conditions_stand_in_a_table_whose_numbers_are_named_where_it_is_stacked(evidence):
    page = BeautifulSoup(card("toy-c1", ["paper"])._repr_html_(), "html.parser")
    head, *rows = page.find("table").find_all("tr")
    assert [cell.get_text() for cell in head] == [
        "Condition", "Verdict", "Estimate", "95 % interval", "Replicates", "Paper",
    ]  # fmt: skip
    assert [[cell.get_text() for cell in row] for row in rows] == [
        ["p", "✔ reproduced", "0.0345", "[0.0320, 0.0370]", "3", "0.0125"],
        ["q", "✘ not reproduced", "−0.50", "[−0.75, −0.25]", "3", "–"],
    ]
    for row in rows:
        assert [cell["data-label"] for cell in row.find_all("td")] == [cell.get_text() for cell in head][1:]
    assert "auc: a − b; replicate: partition" in page.get_text()


def test_names_of_conditions_and_levels_are_shown_with_blanks(study, make_rows, write_evidence):
    study.write_text(study.read_text().replace("contrast: [a, b]", "contrast: [a_new, b]"))
    pairs = {(name, level): BASE + (level == "a_new") for name in ("one_set", "two_sets") for level in ("a_new", "b")}
    write_evidence(make_rows(pairs), "paper")
    shown = card("toy-c1", ["paper"])
    assert "one set ✔ reproduced" in Strict(shown._repr_html_()).text
    assert "auc: a new − b" in Strict(shown._repr_html_()).text
    assert "- two sets: reproduced" in str(shown)


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
    assert re.search(r"\.repro-card, \.repro-claims \{ background: transparent; color: inherit;", html)
    assert not [attributes for _, attributes in Strict(html).attributes if "style" in attributes]


def test_text_is_escaped(evidence):
    assert '<p class="repro-statement">B &amp; A differ by &lt; 0.1.</p>' in card("toy-c2")._repr_html_()
    assert "a &lt;fast&gt; processor" in card("toy-c2")._repr_html_()
    assert "B &amp; A differ by &lt; 0.1.</th>" in table("toy")._repr_html_()


def test_the_table_is_linked_when_the_page_has_an_address_for_it(evidence):
    plain = card("toy-c1", ["paper"])
    assert [link["href"] for link in BeautifulSoup(plain._repr_html_(), "html.parser").find_all("a")] == [
        "#card-toy-c1"
    ]
    linked = card("toy-c1", ["paper"], table_url=lambda experiment, profile: f"../{experiment}.{profile}.csv?a&b")
    links = [attributes for tag, attributes in Strict(linked._repr_html_()).attributes if tag == "a"]
    assert links[1:] == [{"href": "../toy.trial.paper.csv?a&b"}]
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


def test_a_claim_that_was_not_run_takes_one_line_and_says_how_to_run_it(study):
    page = BeautifulSoup(card("toy-c2")._repr_html_(), "html.parser")
    (fold,) = page.find_all("details")
    assert fold["id"] == "card-toy-c2"
    assert " ".join(fold.summary.get_text().split()) == "– not run toy-c2 B & A differ by < 0.1."
    fold.summary.extract()
    text = " ".join(fold.get_text().split())
    assert "Not run yet: no table; repro run toy.trial --profile paper computes it." in text
    assert "Control, flipped: – not run" in text


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


def test_the_table_for_a_notebook_has_one_row_for_each_claim(evidence):
    shown = table("toy")
    first, second = BeautifulSoup(shown._repr_html_(), "html.parser").find("tbody").find_all("tr")
    assert first.th.get_text() == "toy-c1 A is better than B."
    assert first.td.get_text(" ", strip=True) == ("◐ partly, 1 of 2; 1 against paper, mixed quick: ✔ reproduced")
    assert second.td.get_text(" ", strip=True).startswith("✔ reproduced 0.0345 [")
    assert (
        "| toy-c1 | A is better than B. | ◐ partly, 1 of 2; 1 against |  | paper, mixed; quick: ✔ reproduced |"
        in str(shown)
    )
    assert str(shown).count("toy-c1") == 1


@pytest.mark.parametrize(
    ("estimate", "interval", "texts"),
    [
        (0.00312, (0.00121, 0.00503), ("0.0031", "[0.0012, 0.0050]")),
        (-12.34, (-22.3, -2.38), ("−12.3", "[−22.3, −2.4]")),
        (1234.5, (1000.1, 1468.9), ("1234", "[1000, 1469]")),
        (0.0103, (0.0003, 0.0203), ("0.0103", "[0.0003, 0.0203]")),
        (-0.00001, (-0.1, 0.1), ("0.00", "[−0.10, 0.10]")),
        (0.25, (0.25, 0.25), ("0.2500", "[0.2500, 0.2500]")),
        (0.179661791, (0.179661772, 0.179661810), ("0.1797", "[0.1797, 0.1797]")),
        (0.0, (0.0, 0.0), ("0", "[0, 0]")),
        (7.77e-16, None, ("7.77 × 10⁻¹⁶", "–")),
        (12345.6, None, ("12346", "–")),
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
        ({"kind": "identity", "bound": 1e-6}, "no deviation exceeds 10⁻⁶"),
    ],
)
def test_criteria_in_words(criterion, words):
    assert criterion_words(Criterion.model_validate(criterion), 0.0) == words


def test_the_quantity_in_words_has_the_sign_that_counts_as_claimed(make_claim):
    negative = {"kind": "direction", "sign": "negative"}
    assert quantity_words(make_claim()) == "auc: a − b"
    assert quantity_words(make_claim(criterion=negative)) == "auc: b − a"
    assert quantity_words(make_claim(quantity={"contrast": None}, criterion=negative)) == "auc, sign turned round"
    assert quantity_words(make_claim(quantity={"scale": "log_ratio"})) == "auc: a / b"
    order = make_claim(quantity={"contrast": None, "order": ["a", "b", 3]}, criterion={"kind": "order"})
    assert quantity_words(order) == "auc, steps of method a > b > 3"


def test_parts_with_criteria_of_their_own_are_told_apart(study):
    parts = "parts: [{name: first}, {name: second, criterion: {kind: equivalence, margin: 0.5}}]"
    study.write_text(study.read_text().replace("conditions: dataset", parts))
    text = Strict(card("toy-c1")._repr_html_()).text
    assert "Reproduced (first) when the 95 % interval lies above 0" in text
    assert "Reproduced (second) when the 90 % interval lies between −0.5 and 0.5" in text


def test_ratios_are_shown_as_ratios_though_logarithms_are_judged(study, write_evidence, make_rows):
    """The values of a are twice those of b, but for a spread that cancels."""
    text = study.read_text().replace("replicate: partition}", "replicate: partition, scale: log_ratio}", 1)
    study.write_text(text.replace("auc_difference", "auc_ratio"))
    write_evidence(make_rows({("p", "a"): 2 * BASE * np.exp(0.01 * SPREAD), ("p", "b"): BASE}), "paper")
    text = Strict(card("toy-c1", ["paper"])._repr_html_()).text
    assert "Auc: a / b = 2.000 (1.951 to 2.050); the interval lies above one, as claimed." in text
    assert "Judged on logarithms, shown as ratios." in text


def test_published_values_are_named_as_people_say_them():
    text = Strict(card("presto-s5")._repr_html_()).text
    assert "Published: sparse 1/3: median, ratio = 1.04 (measured from a figure)" in text
    assert "Pima: area, paper's rule = 0.7242" in Strict(card("smote-c1")._repr_html_()).text


@pytest.mark.parametrize("identifier", ["presto-r4", "smote-c2", "neural_collapse-nc10", "auroc_auprc-a8"])
def test_no_key_of_a_table_is_shown_to_a_reader(identifier):
    page = BeautifulSoup(card(identifier)._repr_html_(), "html.parser")
    for place in page.find_all(["style", "code", "strong", "svg"]):
        place.extract()
    assert "_" not in page.get_text()


def test_papers_without_a_doi_are_linked_by_their_arxiv_id():
    from repro.claims import papers

    found = papers()
    assert found["faletto2023"].address == "https://arxiv.org/abs/2305.18700"
    assert found["garrod2025"].address == "https://arxiv.org/abs/2410.23169"
    assert found["fang2021"].address.startswith("https://doi.org/10."), "the DOI comes first"
    assert found["laldin2022"].address.startswith("https://github.com/")
    claimed = {claim.paper for claim in all_claims().values()} - {"book"}
    assert [name for name in claimed if found[name].address is None] == []
