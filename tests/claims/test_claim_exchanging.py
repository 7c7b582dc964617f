"""Controls that exchange the values of a finished table: which values, how many, and what they are judged on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from repro import studies
from repro.claims import control_verdict, judge_claim
from repro.claims.exchanging import exchange_values
from repro.claims.tidy import TidyRows
from repro.ground.exceptions import ResultsError
from repro.protocol.exchange import Exchange, replaced

BASE = np.array([0.5, 0.7, 0.6])
SPREAD = np.array([-0.1, 0.0, 0.1])


@pytest.fixture
def table() -> pd.DataFrame:
    """Errors of three methods at two levels, a slope ahead of ``new``, and errors that only two methods have."""
    rows = [
        ("new", 1, "error", 1.0),
        ("old", 1, "error", 3.0),
        ("base", 1, "error", 9.0),
        ("new", 2, "error", 2.0),
        ("old", 2, "error", 5.0),
        ("base", 2, "error", 9.0),
        ("old", None, "ahead", 0.7),
        ("base", None, "ahead", 0.2),
        ("new", 1, "other", 4.0),
        ("old", 1, "other", np.nan),
    ]
    frame = pd.DataFrame(rows, columns=["method", "level", "metric", "value"])
    frame.insert(2, "cell", [f"{number:012x}" for number in range(len(frame))])
    frame.insert(3, "replicate", 0)
    return frame


def exchange_frame(
    frame: pd.DataFrame, exchange: Exchange, *, partial: bool = False
) -> tuple[dict[tuple[str, ...], float], float]:
    """Values by method, level and metric after the exchange, and the share that has changed."""
    found, changed = exchange_values(TidyRows.of(frame), exchange, "a table", partial=partial)
    columns = [found.columns[name] for name in ("method", "level", "metric")]
    keys = [tuple(column.texts[column.codes[row]] for column in columns) for row in found.rows]
    return dict(zip(keys, found.values[found.rows].tolist(), strict=True)), changed


def test_rows_of_a_level_get_the_values_of_the_other(table):
    found, changed = exchange_frame(table, replaced("method", {"new": "base"}))
    assert found["new", "1", "error"] == 9.0
    assert found["new", "2", "error"] == 9.0
    assert found["old", "1", "error"] == 3.0
    assert len(found) == 9
    assert ("new", "1", "other") not in found  # base has none
    assert changed == pytest.approx(3 / 10)


def test_two_levels_change_places(table):
    found, changed = exchange_frame(table, replaced("method", {"new": "old", "old": "new"}))
    assert found["new", "1", "error"] == 3.0
    assert found["old", "1", "error"] == 1.0
    assert found["base", "2", "error"] == 9.0
    assert ("old", "", "ahead") not in found  # "new" is not ahead of itself
    assert changed == pytest.approx(7 / 10)


def test_numbers_and_truth_values_are_levels_too(table):
    found, _ = exchange_frame(table, replaced("level", {1: 2}))
    assert found["old", "1", "error"] == 5.0
    flags = table.assign(level=[True, True, True, False, False, False, None, None, True, True])
    found, _ = exchange_frame(flags, replaced("level", {False: True}))
    assert found["old", "False", "error"] == 3.0


def test_levels_of_several_columns_belong_together(table):
    found, changed = exchange_frame(
        table, Exchange(("method", "level"), {("new", 1): ("old", 2), ("old", 2): ("new", 1)})
    )
    assert found["new", "1", "error"] == 5.0
    assert found["old", "2", "error"] == 1.0
    assert found["new", "2", "error"] == 2.0
    assert changed == pytest.approx(3 / 10)


def test_metrics_get_the_values_of_others_and_change_sign(table):
    found, _ = exchange_frame(table, Exchange(metrics={"other": "error"}))
    assert found["old", "1", "other"] == 3.0
    found, changed = exchange_frame(table, Exchange(negated=["ahead"]))
    assert found["old", "", "ahead"] == -0.7
    assert changed == pytest.approx(2 / 10)


def test_a_lead_over_the_replaced_level_is_recomputed_against_what_stands_in_its_place(table):
    found, _ = exchange_frame(table, replaced("method", {"new": "old"}, relative=["ahead"]))
    assert found["old", "", "ahead"] == 0.0
    assert found["base", "", "ahead"] == pytest.approx(-0.5)


def test_an_exchange_of_equal_values_changes_nothing(table):
    same = table.assign(value=1.0)
    assert exchange_frame(same, replaced("method", {"new": "old"}))[1] == 0.0
    missing = table.assign(value=np.nan)
    assert exchange_frame(missing, replaced("method", {"new": "old"}))[1] == 0.0


@pytest.mark.parametrize(
    ("exchange", "message"),
    [
        (replaced("method", {"neu": "old"}), r"table a table: cannot be exchanged: no row has \{'method': 'neu'\}"),
        (replaced("method", {"new": "odl"}), r"no row has \{'method': 'odl'\}"),
        (Exchange(metrics={"eror": "other"}), "unknown metric 'eror'; did you mean 'error'"),
        (Exchange(negated=["eror"]), "unknown metric 'eror'; did you mean 'error'"),
    ],
)
def test_what_the_table_does_not_hold_is_named(table, exchange, message):
    with pytest.raises(ResultsError, match=message):
        exchange_frame(table, exchange)
    assert len(exchange_frame(table, exchange, partial=True)[0]) <= len(table)


def test_rows_must_be_told_apart(table):
    with pytest.raises(ResultsError, match="do not tell rows apart, for example"):
        exchange_frame(pd.concat([table, table]), replaced("method", {"new": "old"}))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs levels, metrics or negated, got none"),
        ({"columns": ["a", "b"], "levels": {("x",): ("y",)}}, r"one entry for each of the columns \['a', 'b'\]"),
        ({"negated": ["m"], "relative": ["m"]}, "relative needs exactly one replaced level, got 0"),
    ],
)
def test_a_declaration_that_means_nothing_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Exchange(**arguments)


@pytest.fixture
def exchanged(study, monkeypatch):
    """The study toy, where the control of both claims makes the methods change places."""

    def declare(exchange: Exchange) -> None:
        plain = studies.experiments()["toy.trial"]
        declared = replace(plain, cells={"quick": list, "paper": list}, exchanged={"flipped": exchange})
        monkeypatch.setattr(studies, "experiment", lambda name: declared)

    declare(replaced("method", {"a": "b", "b": "a"}))
    return declare


def test_a_claim_is_judged_on_the_exchanged_values_of_its_smallest_table(exchanged, make_rows, write_evidence):
    write_evidence(make_rows({("p", "a"): BASE + 3 + SPREAD, ("p", "b"): BASE}), "paper")
    control = control_verdict("toy-c1")
    assert (control.verdict, control.changed, control.profile) == ("not reproduced", 1.0, "paper")
    write_evidence(make_rows({("p", "a"): BASE - 3 + SPREAD, ("p", "b"): BASE}), "quick")
    control = judge_claim("toy-c1", "paper").control
    assert (control.verdict, control.profile) == ("reproduced", "quick")
    exchanged(Exchange(("method",), {("a",): ("b",), ("b",): ("a",)}, profile="paper"))
    assert control_verdict("toy-c1").verdict == "not reproduced"


def test_without_a_table_an_exchange_is_not_run(exchanged):
    control = control_verdict("toy-c1")
    assert (control.verdict, control.changed, control.profile) == ("not run", None, "quick")


def test_the_share_is_that_of_the_whole_table(exchanged, make_rows, write_evidence):
    rows = make_rows({("p", "a"): BASE + 3 + SPREAD, ("p", "b"): BASE, ("p", "c"): BASE})
    write_evidence(rows, "paper")
    assert control_verdict("toy-c1").changed == pytest.approx(2 / 3)
    assert judge_claim("toy-c1", "paper").to_dict()["control"]["changed"] == pytest.approx(2 / 3)
