"""How much a control changes: against the same cell without it, and where that is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy_experiments import NUMBERS, draws

from repro.protocol.experiment import Cell, Experiment
from repro.protocol.profile import CONTROL
from repro.results import read_table
from repro.running import prune, run
from repro.running.changes import share_changed

OPTIONS = {"backend": "sequential", "progress": False}


def half_negated(cell: Cell) -> pd.DataFrame:
    """Draws of which the control negates the second and leaves out a third that the plain cell has."""
    frame = draws(cell)
    if cell.variant == "negated":
        frame.loc[1, "value"] *= -1.0
    elif cell.variant is None:
        frame = pd.concat([frame, frame[:1].assign(replicate=2)])
    return frame


def controls() -> list[dict[str, object]]:
    return [{"level": level, "variant": name} for name in ("negated", "idle") for level in (2, 1)]


CONTROLLED: Experiment = replace(
    NUMBERS,
    name="toy.controlled",
    compute=half_negated,
    cells=NUMBERS.cells | {"control": controls},
    variants={"negated": "the second draw is negated", "idle": "nothing at all is done"},
    seconds=lambda parameters: float(parameters["level"] or 0),
)


def test_the_share_counts_changed_values_and_rows_of_one_side(build: Path) -> None:
    table = run(CONTROLLED, CONTROL, **OPTIONS)
    # of three rows of the plain cell one is negated, one missing; the idle control only lacks one
    assert table.provenance.changed == {"negated": pytest.approx(2 / 3), "idle": pytest.approx(1 / 3)}
    assert read_table(table.path).provenance.changed == table.provenance.changed


def test_a_control_that_does_nothing_changes_nothing(build: Path) -> None:
    assert run(NUMBERS, CONTROL, **OPTIONS).provenance.changed == {"sign_flipped": 0.0}


def test_tables_of_profiles_have_no_controls(build: Path) -> None:
    assert run(NUMBERS, "quick", **OPTIONS).provenance.changed == {}


def test_the_plain_twin_is_the_cheapest_cell_with_the_same_draws() -> None:
    twins = CONTROLLED.plain_twins()
    assert {name: cell.parameters for name, (cell, _) in twins.items()} == {
        "negated": {"level": 1, "variant": "negated"},
        "idle": {"level": 1, "variant": "idle"},
    }
    for cell, plain in twins.values():
        assert plain.parameters == {"level": 1}
        assert plain.generator().normal() == cell.generator().normal()


def test_a_twin_that_is_stored_is_not_computed_again_and_is_kept(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "computed.log"
    monkeypatch.setenv("TOY_LOG", str(log))
    run(CONTROLLED, CONTROL, **OPTIONS)
    assert log.read_text().split() == ["2", "2", "1", "1", "1"]  # four controls and one twin for both
    log.unlink()
    run(CONTROLLED, CONTROL, **OPTIONS)
    assert not log.exists()
    assert prune(CONTROLLED) == 0
    run(NUMBERS, "quick", **OPTIONS)
    log.unlink()
    run(NUMBERS, CONTROL, **OPTIONS)
    assert log.read_text().split() == ["0", "1"]  # the twin is a cell of the quick profile


def test_a_run_of_some_cells_says_what_the_others_changed(build: Path) -> None:
    run(CONTROLLED, CONTROL, only={"variant": "idle"}, **OPTIONS)
    table = run(CONTROLLED, CONTROL, only={"variant": "negated"}, **OPTIONS)
    assert set(table.provenance.changed) == {"negated", "idle"}


def test_a_control_may_be_compared_with_the_table_of_a_profile(build: Path) -> None:
    compared = replace(CONTROLLED, compared={"idle": "paper"})
    assert "idle" not in compared.plain_twins()
    assert set(run(compared, CONTROL, **OPTIONS).provenance.changed) == {"negated"}  # no such table yet
    run(compared, "paper", **OPTIONS)
    # the rows that the control has are as they are in the table, what else the table has does not count
    assert run(compared, CONTROL, **OPTIONS).provenance.changed["idle"] == 0.0


def test_tables_from_before_say_nothing(build: Path) -> None:
    path = run(NUMBERS, CONTROL, **OPTIONS).path.with_suffix(".json")
    text = path.read_text()
    older = text.replace('  "changed": {\n    "sign_flipped": 0.0\n  },\n', "")
    assert older != text
    path.write_text(older)
    assert read_table(path.with_suffix(".csv")).provenance.changed == {}


def test_rows_are_matched_by_what_they_say_not_by_their_order() -> None:
    plain = pd.DataFrame({"level": [1, 2, 3], "cell": "a", "replicate": 0, "metric": "m", "value": [0.1, np.nan, 0.3]})
    control = pd.DataFrame(
        {"variant": "v", "level": [3.0, 2.0, 1.0], "cell": "b", "replicate": 0, "metric": "m"}
    ).assign(value=[0.3, np.nan, 0.1])
    assert share_changed(plain, control) == 0.0
    assert share_changed(plain, control.assign(value=[0.3, 0.0, 0.1])) == pytest.approx(1 / 3)
    assert share_changed(plain, control.assign(level=[4, 2, 1])) == pytest.approx(2 / 4)
