from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from repro import studies
from repro.claims import all_claims, judge_all, judge_claim
from repro.claims.judging import check_spelling
from repro.claims.spelling import misspelt_values
from repro.claims.tidy import TidyRows
from repro.ground.exceptions import ResultsError
from repro.results import find_table

TRIAL = "toy.trial"


def _tables(make_rows, *profiles):
    rows = make_rows({("p", "a"): [2.0, 3.0], ("p", "b"): [0.0, 0.5]})
    return dict.fromkeys(profiles, TidyRows.of(rows))


@pytest.mark.parametrize(
    ("quantity", "key", "near"),
    [
        ({"where": {"dataset": ["p", "pp"]}}, "quantity.where.dataset", "'pp'; did you mean 'p'"),
        ({"contrast": ["a", "bb"]}, "quantity.contrast", "'bb'; did you mean 'b'"),
        ({"contrast": None, "order": ["a", "b", "aa"]}, "quantity.order", "'aa'; did you mean 'a'"),
        ({"parts": [{"name": "x", "where": {"dataset": "q"}}]}, r"quantity.parts\[0\].where.dataset", "known: p"),
        ({"parts": [{"name": "x", "contrast": ["a", "ab"]}]}, r"quantity.parts\[0\].contrast", "did you mean"),
    ],
)
def test_a_value_that_no_table_holds_is_named_with_its_key_and_the_nearest_values(
    study, make_claim, make_rows, quantity, key, near
):
    criterion = {"kind": "order"} if "order" in quantity else {"kind": "direction"}
    claim = make_claim(quantity=quantity, criterion=criterion)
    (message,) = misspelt_values(claim, studies.experiment(TRIAL), _tables(make_rows, "quick", "paper", "control"))
    assert message.startswith("claim toy-c1: key 'quantity")
    assert pd.Series([message]).str.contains(key).all()
    assert near in message


def test_a_value_of_any_table_or_of_a_cell_to_come_is_known(study, make_claim, make_rows):
    tables = _tables(make_rows, "quick", "control") | {"paper": TidyRows.of(make_rows({("q", "c"): [1.0]}))}
    experiment = studies.experiment(TRIAL)
    claim = make_claim(quantity={"where": {"dataset": ["p", "q", "r"]}, "contrast": ["a", "c"]})
    assert len(misspelt_values(claim, experiment, tables)) == 1
    later = replace(experiment, cells={**experiment.cells, "paper": lambda: [{"dataset": "r"}]})
    assert misspelt_values(claim, later, tables) == []


def test_nothing_is_said_while_a_table_is_not_at_hand(study, make_claim, make_rows):
    claim = make_claim(quantity={"where": {"dataset": "pp"}})
    assert misspelt_values(claim, studies.experiment(TRIAL), _tables(make_rows, "quick", "control")) == []


def test_judging_refuses_a_misspelt_value_once_all_tables_are_there(study, make_rows, write_evidence):
    rows = make_rows({("p", "a"): [2.0, 3.0], ("p", "b"): [0.0, 0.5]})
    study.write_text(study.read_text().replace("where: {dataset: p}", "where: {dataset: pp}"))
    for profile in ("quick", "paper"):
        write_evidence(rows, profile)
    assert judge_claim("toy-c2", "paper").verdict == "not run"
    write_evidence(make_rows({("p", "a"): [0.0, 0.5], ("p", "b"): [2.0, 3.0]}, variant="flipped"), "control")
    with pytest.raises(ResultsError, match=r"toy-c2: key 'quantity.where.dataset'.*'pp'; did you mean 'p'"):
        judge_claim("toy-c2", "paper")
    with pytest.raises(ResultsError, match="toy-c2"):
        judge_all("toy")


def test_judging_refuses_no_value_while_a_table_lacks_cells(study, make_rows, write_evidence):
    rows = make_rows({("p", "a"): [2.0, 3.0], ("p", "b"): [0.0, 0.5]})
    study.write_text(study.read_text().replace("where: {dataset: p}", "where: {dataset: pp}"))
    write_evidence(rows, "quick")
    write_evidence(rows, "paper", cells=2, cells_declared=3)
    write_evidence(make_rows({("p", "a"): [0.0, 0.5], ("p", "b"): [2.0, 3.0]}, variant="flipped"), "control")
    assert judge_claim("toy-c2", "paper").verdict == "not run"


@pytest.mark.parametrize("name", studies.study_names())
def test_every_value_that_a_claim_names_occurs_in_the_tables_at_hand(name: str) -> None:
    for claim in all_claims(name).values():
        check_spelling(claim)


@pytest.mark.parametrize("name", studies.study_names())
def test_a_claim_judged_in_one_committed_table_alone_names_values_of_that_table(name: str) -> None:
    """Without the tables of the quick run: what the claim asks of its only profile must stand there."""
    for claim in all_claims(name).values():
        table = find_table(claim.experiment, "paper")
        if set(claim.profiles) == {"paper"} and table is not None and not table.provenance.partial:
            experiment = replace(studies.experiment(claim.experiment), cells={"paper": list})
            assert misspelt_values(claim, experiment, {"paper": TidyRows.of(table.frame)}) == []
