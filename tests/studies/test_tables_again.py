"""Committed tables are what the code gives: the cheapest cell of each experiment is computed again, and some drawn.

The rule is one for all studies, so that a further study costs the time of its cheapest cell. ``repro verify`` computes
more of them again, every week.
"""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pytest

from repro.data import describe
from repro.ground import files
from repro.protocol.experiment import Cell
from repro.results import ResultTable, find_table, reasons_to_renew
from repro.running import machine
from repro.running.sweep import SweepOptions
from repro.running.verify import check_cells, expected_seconds, verification_lines
from repro.studies import experiments

SECONDS = 60.0
"""What the cheapest cells and the drawn ones may take together, as expected."""

Candidate = tuple[float, ResultTable, Cell]


@cache
def at_hand() -> set[str]:
    """Data sets that can be read here without a network."""
    return {summary.name for summary in describe() if summary.place}


@cache
def candidates(name: str) -> list[Candidate]:
    """Cells of the committed tables of an experiment that may be computed again here, the cheapest first.

    Which are cheap is what the experiment declares: how long a table took says as much about what ran beside it.
    """
    experiment, found = experiments()[name], []
    for profile in experiment.cells:
        table = find_table(name, profile)
        if table is None or reasons_to_renew(table, experiment):
            continue
        present = set(table.frame["cell"])
        cells = [
            cell
            for cell in experiment.cells_of(profile)
            if cell.id in present and at_hand().issuperset(experiment.datasets(cell.parameters))
        ]
        seconds = expected_seconds(table, experiment, cells)
        found += [(seconds[cell.id], table, cell) for cell in cells if not experiment.kept(cell.parameters)]
    return sorted(found, key=lambda candidate: (experiment.seconds(candidate[2].parameters), candidate[0]))


@cache
def drawn() -> dict[str, list[Candidate]]:
    """Further cells, drawn from the commit, while all that is computed takes no longer than :data:`SECONDS`."""
    left = SECONDS - sum(found[0][0] for found in map(candidates, experiments()) if found and found[0][0] <= SECONDS)
    everything = [(name, candidate) for name in experiments() for candidate in candidates(name)[1:]]
    random.Random(machine.commit().removesuffix("-dirty")).shuffle(everything)  # a hash of the sources without Git
    chosen: dict[str, list[Candidate]] = {}
    for name, candidate in everything:
        if candidate[0] <= left:
            left -= candidate[0]
            chosen.setdefault(name, []).append(candidate)
    return chosen


def check(name: str, chosen: list[Candidate]) -> None:
    experiment = experiments()[name]
    for _, table, cell in chosen:
        options = SweepOptions(n_jobs=1, backend="sequential", progress=False)
        found = check_cells(table, experiment, [cell], force=True, options=options)
        assert not found.differing, "\n".join(verification_lines(found, experiment, renewed=False))


@pytest.mark.parametrize("name", sorted(experiments()))
def test_the_cheapest_cell_comes_out_as_committed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not candidates(name):
        pytest.skip("no table, or one that is out of date: repro tables --strict, a part of make check, says which")
    if candidates(name)[0][0] > SECONDS:
        pytest.skip(f"its cheapest cell takes {candidates(name)[0][0]:.0f} s: left to repro verify")
    monkeypatch.setattr(files, "build_folder", lambda: tmp_path)
    check(name, candidates(name)[:1])


@pytest.mark.parametrize("name", sorted(experiments()))
def test_drawn_cells_come_out_as_committed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = drawn().get(name, [])
    monkeypatch.setattr(files, "build_folder", lambda: tmp_path)
    check(name, chosen)
