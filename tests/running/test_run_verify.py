"""Computing cells of a table again: what is chosen, what counts as equal, and what is renewed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_experiments import NUMBERS

from repro.ground.exceptions import ResultsError
from repro.protocol.experiment import Cell, Experiment
from repro.results import ResultTable, find_table, is_current, provenance_path, write_table
from repro.running import cells_to_check, kind_of, run, verify
from repro.running.sweep import SweepOptions
from repro.running.verify import compare_rows, verification_lines

QUIET = SweepOptions(n_jobs=1, backend="sequential", progress=False)


@pytest.fixture
def table(build: Path) -> ResultTable:
    return run(NUMBERS, "paper", backend="sequential", n_jobs=1, progress=False)


def rewritten(table: ResultTable, *, value: float = 0.0, **provenance: object) -> ResultTable:
    """The table with another provenance, and another number in its first row."""
    frame = table.frame.copy()
    frame.loc[0, "value"] += value
    return write_table(frame, table.provenance.model_copy(update=provenance), table.path)


def with_kinds() -> Experiment:
    """The experiment with two kinds of cells that take different times."""
    cells = [{"level": level, "method": method} for method in ("slow", "fast") for level in (3, 1, 2)]
    return replace(
        NUMBERS,
        cells={"paper": lambda: cells},
        seconds=lambda parameters: parameters["level"] * (100.0 if parameters["method"] == "slow" else 1.0),
    )


def test_a_table_that_is_right_is_found_equal(table: ResultTable) -> None:
    found = verify(NUMBERS, "paper", options=QUIET)
    assert [check.identical for check in found.checks] == [True]
    assert found.tolerance == 0.0
    assert not found.differing


def test_a_changed_number_is_found_and_named(table: ResultTable) -> None:
    rewritten(table, value=1e-9)
    found = verify(NUMBERS, "paper", options=QUIET)
    (check,) = found.differing
    assert check.largest_difference == pytest.approx(1e-9 / (1 + abs(table.frame["value"][0])), rel=1e-3)
    lines = list(verification_lines(found, NUMBERS, renewed=False))
    assert "equal bytes expected" in lines[1]
    assert "in the table, now" in lines[1]


def test_on_another_platform_the_tolerance_of_the_experiment_decides(table: ResultTable) -> None:
    elsewhere = table.provenance.hardware.model_copy(update={"processor": "another"})
    rewritten(table, value=1e-9, hardware=elsewhere)
    assert not verify(NUMBERS, "paper", options=QUIET).differing
    assert verify(replace(NUMBERS, tolerance=1e-12), "paper", options=QUIET).differing
    rewritten(table, versions={**table.provenance.versions, "numpy": "0.1"})
    assert verify(NUMBERS, "paper", options=QUIET).tolerance == NUMBERS.tolerance


def test_the_cheapest_cell_of_each_kind_is_chosen_within_the_time(table: ResultTable) -> None:
    experiment = with_kinds()
    frame = pd.concat([table.frame.assign(cell=cell.id).head(1) for cell in experiment.cells_of("paper")])
    shown = replace(table, frame=frame, provenance=table.provenance.model_copy(update={"wall_seconds": 606.0}))
    cells, left_out = cells_to_check(shown, experiment)
    assert [dict(cell.parameters) for cell in cells] == [
        {"level": 1, "method": "slow"},
        {"level": 1, "method": "fast"},
    ]
    assert left_out == []
    cells, left_out = cells_to_check(shown, experiment, longest=50.0)
    assert [cell.parameters["method"] for cell in cells] == ["fast"]
    assert left_out == ["method=slow"]
    # a table that took ten times as long is expected to do so again
    slower = replace(shown, provenance=shown.provenance.model_copy(update={"wall_seconds": 6060.0}))
    assert cells_to_check(slower, experiment, longest=600.0)[1] == ["method=slow"]


def test_further_cells_are_drawn_the_same_for_the_same_seed(table: ResultTable) -> None:
    one, two = (cells_to_check(table, NUMBERS, sample=3, seed="commit")[0] for _ in range(2))
    assert one == two
    assert len(one) == 4
    assert len(cells_to_check(table, NUMBERS, sample=100, seed="commit")[0]) == 8
    draws = {tuple(cell.id for cell in cells_to_check(table, NUMBERS, sample=3, seed=str(s))[0]) for s in range(5)}
    assert len(draws) > 1


def test_cells_that_are_kept_are_not_computed_again(table: ResultTable) -> None:
    found = verify(replace(NUMBERS, kept=lambda parameters: True), "paper", options=QUIET)
    assert not found.checks
    assert found.kept == 8
    assert "rest on trainings that are kept" in next(verification_lines(found, NUMBERS, renewed=False))


def test_numbers_make_no_kinds_and_words_do() -> None:
    assert kind_of({"seed": 3, "share": 0.5, "method": "a", "tau": None, "own": True}) == "method=a, own=True"


def test_a_table_of_older_code_is_renewed_when_its_cells_come_out_equal(table: ResultTable) -> None:
    old = rewritten(table, code_hash="0" * 64)
    content = old.path.read_bytes()
    verify(NUMBERS, "paper", options=QUIET)
    assert not is_current(find_table(NUMBERS, "paper"), NUMBERS)
    found = verify(NUMBERS, "paper", renew=True, options=QUIET)
    renewed = find_table(NUMBERS, "paper")
    assert is_current(renewed, NUMBERS)
    assert renewed.path.read_bytes() == content
    (renewal,) = renewed.provenance.renewals
    assert renewal.code_hash == "0" * 64
    assert renewal.cells == [check.cell.id for check in found.checks]
    assert renewal.kinds == 1
    assert renewal.largest_difference == 0.0
    assert renewed.provenance.commit == old.provenance.commit
    verify(NUMBERS, "paper", renew=True, options=QUIET)
    assert len(find_table(NUMBERS, "paper").provenance.renewals) == 1


@pytest.mark.parametrize("changes", [{"value": 0.5}, {"seeds": {"root": 7}}])
def test_a_table_is_not_renewed_when_a_cell_differs_or_more_than_the_code_changed(
    table: ResultTable, changes: dict[str, object]
) -> None:
    old = rewritten(table, code_hash="0" * 64, **changes)
    before = provenance_path(old.path).read_bytes()
    verify(NUMBERS, "paper", renew=True, options=QUIET)
    assert provenance_path(old.path).read_bytes() == before


def test_one_cell_that_differs_among_equal_ones_is_enough_not_to_renew(table: ResultTable) -> None:
    old = rewritten(table, code_hash="0" * 64, value=0.5)
    before = provenance_path(old.path).read_bytes()
    found = verify(NUMBERS, "paper", renew=True, sample=3, options=QUIET)
    assert (len(found.differing), len(found.checks)) == (1, 4)
    assert provenance_path(old.path).read_bytes() == before


def test_a_table_is_not_renewed_when_there_was_no_time_for_a_kind(build: Path) -> None:
    experiment = with_kinds()
    whole = run(experiment, "paper", backend="sequential", n_jobs=1, progress=False)
    rewritten(whole, code_hash="0" * 64, wall_seconds=6060.0)
    verify(experiment, "paper", renew=True, options=QUIET)
    assert not is_current(find_table(experiment, "paper"), experiment)


def test_an_interrupted_verification_goes_on_and_force_starts_over(
    table: ResultTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    for _ in range(2):
        verify(NUMBERS, "paper", options=QUIET)
    assert len(log.read_text().splitlines()) == 1, "a stored cell of the run does not count, one of a verification does"
    verify(NUMBERS, "paper", options=QUIET, force=True)
    assert len(log.read_text().splitlines()) == 2


def test_without_a_table_the_command_that_computes_it_is_named(build: Path) -> None:
    with pytest.raises(ResultsError, match=r"no table in profile 'paper'; repro run toy\.numbers --profile paper"):
        verify(NUMBERS, "paper", options=QUIET)


def test_a_hand_edited_table_is_refused_and_left_alone(table: ResultTable) -> None:
    edited = table.path.read_text().replace("draw", "drawn")
    table.path.write_text(edited)
    with pytest.raises(ResultsError, match="the table is not the one its provenance describes"):
        verify(NUMBERS, "paper", renew=True, options=QUIET)
    assert table.path.read_text() == edited


CELL = Cell("toy.numbers", {"level": 1}, 1)


def rows(values: list[float], replicates: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"level": 1, "cell": "c", "replicate": replicates, "metric": "m", "value": values})


def test_rows_are_matched_by_their_settings_and_nan_equals_nan() -> None:
    same = compare_rows(CELL, rows([1.0, np.nan], [0, 1]), rows([1.0, np.nan], [0, 1]))
    assert same.identical
    turned = compare_rows(CELL, rows([1.0, 2.0], [0, 1]), rows([2.0, 1.0], [1, 0]))
    assert turned.largest_difference == 0.0
    assert not turned.identical
    large = compare_rows(CELL, rows([1000.0], [0]), rows([1001.0], [0]))
    assert large.largest_difference == pytest.approx(1 / 1001)


@pytest.mark.parametrize("found", [rows([1.0], [0]), rows([1.0, 2.0, 3.0], [0, 1, 2]), rows([1.0, np.nan], [0, 1])])
def test_missing_rows_new_rows_and_new_nan_are_infinitely_far(found: pd.DataFrame) -> None:
    check = compare_rows(CELL, rows([1.0, 2.0], [0, 1]), found)
    assert check.largest_difference == float("inf")
    assert check.where


def test_an_undeclared_data_set_is_refused(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from toy_experiments import READS_A_TABLE

    from repro.running import CellFailed

    with pytest.raises(CellFailed, match=r"reads the data sets \['german_credit'\].*declares \[\]"):
        run(READS_A_TABLE, "quick", backend="sequential", n_jobs=1, progress=False)
    declared = replace(READS_A_TABLE, datasets=lambda parameters: ("german_credit",))
    table = run(declared, "quick", backend="sequential", n_jobs=1, progress=False)
    assert list(json.loads(provenance_path(table.path).read_text())["data"]) == ["german_credit"]
