"""Why the code of today does not stand behind a table, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from repro.data import load_csv, own_file
from repro.protocol.experiment import Cell, Experiment, Parameters
from repro.protocol.own_data import OwnArgument, OwnCell, OwnData
from repro.results import ResultTable, data_checksums, experiment_hash, is_current, reasons_to_renew
from repro.results.currency import reasons_to_renew as same_function


def compute(cell: Cell) -> pd.DataFrame:
    return pd.DataFrame({"level": [cell.parameters["level"]], "replicate": 0, "metric": "m", "value": 1.0})


def levels(*values: int) -> Callable[[], list[Parameters]]:
    return lambda: [{"level": value} for value in values]


EXPERIMENT = Experiment(
    name="toy.trial",
    summary="a trial",
    settings=("level",),
    compute=compute,
    cells={"quick": levels(1, 2, 3)},
    datasets=lambda parameters: ("adult",),
)


@pytest.fixture
def table(make_provenance: Callable[..., object]) -> ResultTable:
    """Table that the experiment would give today."""
    cells = EXPERIMENT.cells_of("quick")
    frame = pd.concat([compute(cell).assign(cell=cell.id) for cell in cells], ignore_index=True)
    frame = frame[["level", "cell", "replicate", "metric", "value"]]
    provenance = make_provenance(
        code_hash=experiment_hash(EXPERIMENT), data=data_checksums(EXPERIMENT, cells[0]), cells=3
    )
    return ResultTable(frame, provenance, Path("trial.quick.csv"))


def with_provenance(table: ResultTable, **changes: object) -> ResultTable:
    return replace(table, provenance=table.provenance.model_copy(update=changes))


def test_a_table_of_today_is_current(table: ResultTable) -> None:
    assert reasons_to_renew(table, EXPERIMENT) == []
    assert is_current(table, EXPERIMENT)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"code_hash": "0" * 64}, "the code has changed since commit 0123456789ab"),
        ({"seeds": {"root": 7}}, "the seed is 2002, the table has {'root': 7}"),
        ({"data": {"adult": "0" * 64}}, "the data adult have changed"),
        ({"data": {"gone": "0" * 64}}, "the data gone have changed"),
    ],
)
def test_what_has_changed_is_said(table: ResultTable, changes: dict[str, object], reason: str) -> None:
    assert reasons_to_renew(with_provenance(table, **changes), EXPERIMENT) == [reason]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ((1, 2), "1 of its cells are declared no longer"),
        ((1, 2, 3, 4), "1 declared cells are not in it"),
        ((3, 2, 1), "its cells are in another order"),
    ],
)
def test_other_cells_are_said(table: ResultTable, values: tuple[int, ...], reason: str) -> None:
    assert reasons_to_renew(table, replace(EXPERIMENT, cells={"quick": levels(*values)})) == [reason]


def test_cells_that_are_still_to_come_are_no_reason(table: ResultTable) -> None:
    under_way = with_provenance(table, cells_declared=4)
    assert is_current(under_way, replace(EXPERIMENT, cells={"quick": levels(1, 2, 3, 4)}))


def test_other_columns_are_said(table: ResultTable) -> None:
    renamed = replace(table, frame=table.frame.rename(columns={"level": "amount"}))
    assert reasons_to_renew(renamed, EXPERIMENT) == ["its setting columns are amount, declared are level"]


def test_newer_code_puts_what_is_kept_not_out_of_date_but_other_data_do(table: ResultTable) -> None:
    older = with_provenance(table, code_hash="0" * 64)
    kept = replace(EXPERIMENT, kept=lambda parameters: True)
    assert is_current(older, kept)
    assert not is_current(older, replace(EXPERIMENT, kept=lambda parameters: parameters["level"] != 2))
    assert reasons_to_renew(with_provenance(older, data={"adult": "0" * 64}), kept) == ["the data adult have changed"]


def test_the_columns_of_a_table_are_part_of_the_hash() -> None:
    assert experiment_hash(EXPERIMENT) != experiment_hash(replace(EXPERIMENT, settings=("level", "more")))
    assert same_function is reasons_to_renew


def test_a_readers_own_file_counts_by_what_is_read_from_it(tmp_path: Path) -> None:
    first, second, other = (tmp_path / name for name in ("a.csv", "b.csv", "c.csv"))
    first.write_text("x,y\n1,a\n2,b\n3,a\n")
    second.write_text("x;y\n1;a\n2;b\n3;a\n")
    other.write_text("x,y\n1,a\n2,b\n4,a\n")

    def checksum(path: Path) -> str:
        cell = OwnCell("toy.trial", {"csv": str(path), "target": "y"}, 1, files=("csv",))
        arguments = [
            OwnArgument(name, "X", "x", kind, required=True) for name, kind in (("csv", "file"), ("target", "text"))
        ]
        read = OwnData(arguments, lambda given: own_file(load_csv(given["csv"], given["target"])), None, None)
        own = replace(EXPERIMENT, datasets=lambda parameters: (), own_data=read)
        return data_checksums(own, cell)[str(path)]

    assert checksum(first) == checksum(second)
    assert checksum(first) != checksum(other)
