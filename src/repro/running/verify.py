"""Computing cells of a committed table again, to see whether the code of today still gives what the table says."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import numpy as np
import pandas as pd

from repro.ground.exceptions import ResultsError
from repro.protocol.experiment import Cell, Experiment, Parameters
from repro.results import (
    Renewal,
    ResultTable,
    experiment_hash,
    find_table,
    parse_table,
    reasons_to_renew,
    scalar_text,
    write_provenance,
)
from repro.running import machine
from repro.running.execute import saying_what_is_kept
from repro.running.lock import experiment_lock
from repro.running.planning import plan_cells, resolve
from repro.running.store import CellStore
from repro.running.sweep import SweepOptions, compute_cells

__all__ = ["CellCheck", "Verification", "cells_to_check", "check_cells", "expected_seconds", "kind_of", "verify"]

LONGEST: Final = 600.0
"""Seconds of computing that the cells of one table may take together, unless more are asked for."""


def kind_of(parameters: Parameters) -> str:
    """Kind of a cell: its parameters that are words or truth values; numbers (seeds, sizes) make no other kind."""
    words = {name: value for name, value in parameters.items() if isinstance(value, str | bool)}
    return ", ".join(f"{name}={scalar_text(value)}" for name, value in words.items())


@dataclass(frozen=True)
class CellCheck:
    """What came out when a cell was computed again.

    Attributes
    ----------
    cell : Cell
        The cell.
    identical : bool
        Whether its rows have the same bytes as those of the table.
    largest_difference : float
        Largest deviation of a value, as a share of 1 plus its size; infinite where rows are missing or new.
    where : str
        The row with the largest deviation, in words; empty when there is none.
    """

    cell: Cell
    identical: bool
    largest_difference: float
    where: str = ""


@dataclass(frozen=True)
class Verification:
    """A table and what came out of its cells.

    Attributes
    ----------
    table : ResultTable
        The table.
    checks : tuple of CellCheck
        One for each cell that was computed again.
    tolerance : float
        Largest deviation that counts as equal; 0 where the platform and the libraries are those of the table.
    kept : int
        Cells that rest on a training that is not repeated.
    left_out : tuple of str
        Kinds of cells for which there was no time.
    """

    table: ResultTable
    checks: tuple[CellCheck, ...]
    tolerance: float
    kept: int = 0
    left_out: tuple[str, ...] = ()

    @property
    def differing(self) -> tuple[CellCheck, ...]:
        """Cells that came out otherwise than the table says."""
        return tuple(
            check for check in self.checks if not (check.identical or check.largest_difference <= self.tolerance)
        )


def expected_seconds(table: ResultTable, experiment: Experiment, cells: Sequence[Cell]) -> dict[str, float]:
    """Return the expected seconds of each cell, scaled by what the cells of the table took together."""
    declared = {cell.id: float(experiment.seconds(cell.parameters)) for cell in cells}
    present = [declared[name] for name in table.frame["cell"].unique() if name in declared]
    scale = table.provenance.wall_seconds / sum(present) if sum(present) > 0 else 1.0
    return {name: seconds * scale for name, seconds in declared.items()}


def cells_to_check(
    table: ResultTable, experiment: Experiment, *, sample: int = 0, seed: str = "", longest: float = LONGEST
) -> tuple[list[Cell], list[str]]:
    """Choose the cells that stand for a table: the cheapest of each kind, and some drawn at random.

    Parameters
    ----------
    table : ResultTable
    experiment : Experiment
    sample : int, default=0
        How many further cells are drawn.
    seed : str
        What the draw depends on, for example a commit.
    longest : float, default=600
        Seconds that all of them may take together, as expected; at least one cell is chosen whatever it takes.

    Returns
    -------
    cells : list of Cell
        In the order of the table.
    left_out : list of str
        Kinds whose cheapest cell did not fit into the time.
    """
    profile = table.provenance.profile
    present = set(table.frame["cell"])
    cells = [
        cell for cell in experiment.cells_of(profile) if cell.id in present and not experiment.kept(cell.parameters)
    ]
    seconds = expected_seconds(table, experiment, cells)
    cheapest: dict[str, Cell] = {}
    for cell in sorted(cells, key=lambda cell: seconds[cell.id]):
        cheapest.setdefault(kind_of(cell.parameters), cell)
    chosen: dict[str, Cell] = {}
    left_out, spent = [], 0.0
    for kind, cell in cheapest.items():
        if chosen and spent + seconds[cell.id] > longest:
            left_out.append(kind)
            continue
        chosen[cell.id] = cell
        spent += seconds[cell.id]
    others = [cell for cell in cells if cell.id not in chosen]
    drawn = random.Random(f"{seed} {experiment.name} {profile}").sample(others, min(sample, len(others)))  # noqa: S311
    for cell in drawn:
        if spent + seconds[cell.id] <= longest:
            chosen[cell.id] = cell
            spent += seconds[cell.id]
    return [cell for cell in cells if cell.id in chosen], left_out


def _keys(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    columns = [name for name in frame.columns if name not in ("cell", "value")]
    return list(zip(*([scalar_text(value) for value in frame[name]] for name in columns), strict=True))


def compare_rows(cell: Cell, expected: pd.DataFrame, found: pd.DataFrame) -> CellCheck:
    """Compare the rows of a cell as the table has them with those that were computed again.

    Parameters
    ----------
    cell : Cell
    expected, found : pandas.DataFrame
        Rows with the same columns.
    """
    before, now = _keys(expected), _keys(found)
    if set(before) != set(now) or list(expected.columns) != list(found.columns):
        odd = sorted(set(before) ^ set(now))
        where = f"{len(odd)} rows are on one side only, for example {', '.join(odd[0])}" if odd else "other columns"
        return CellCheck(cell, identical=False, largest_difference=float("inf"), where=where)
    place = {key: number for number, key in enumerate(now)}
    old = expected["value"].to_numpy(dtype=np.float64)
    new = found["value"].to_numpy(dtype=np.float64)[[place[key] for key in before]]
    missing = np.isnan(old)
    if (missing != np.isnan(new)).any():
        number = int(np.flatnonzero(missing != np.isnan(new))[0])
        where = f"{', '.join(before[number])}: {old[number]!r} in the table, now {new[number]!r}"
        return CellCheck(cell, identical=False, largest_difference=float("inf"), where=where)
    deviation = np.where(missing, 0.0, np.abs(new - old) / (1.0 + np.abs(old)))
    worst = int(deviation.argmax())
    identical = before == now and bool((deviation == 0).all())
    where = ""
    if deviation[worst] > 0:
        where = f"{', '.join(before[worst])}: {old[worst]!r} in the table, now {new[worst]!r}"
    return CellCheck(cell, identical, float(deviation[worst]), where)


def _same_platform(table: ResultTable, versions: dict[str, str]) -> bool:
    """Whether a table was computed on this kind of processor, by this Python and with these libraries."""
    provenance = table.provenance
    return (
        provenance.hardware.processor == machine.processor_name()
        and provenance.hardware.gpu is None
        and provenance.python.rpartition(".")[0] == machine.python_version().rpartition(".")[0]
        and provenance.versions == versions
    )


def verify(
    experiment: Experiment | str,
    profile: str,
    *,
    sample: int = 0,
    seed: str = "",
    longest: float = LONGEST,
    renew: bool = False,
    force: bool = False,
    options: SweepOptions | None = None,
) -> Verification:
    """Compute cells of a committed table again and compare.

    Equal bytes are asked for where processor, Python and libraries are those of the table, else the tolerance of the
    experiment. Cells are kept while they are computed, so that an interrupted verification goes on where it stopped.

    Parameters
    ----------
    experiment : Experiment or str
        The experiment or its name.
    profile : str
        ``quick``, ``standard``, ``paper`` or ``control``.
    sample, seed, longest
        As in :func:`cells_to_check`.
    renew : bool, default=False
        Whether a table that is out of date only because the code has changed, and whose cells of every kind come out
        equal, gets the hash of the code of today; its provenance keeps the old one and what was computed again.
    force : bool, default=False
        Whether to compute again what an earlier verification with the same code has computed.
    options : SweepOptions or None, default=None
        How the cells are computed.

    Raises
    ------
    ResultsError
        If there is no such table, or it is damaged.
    CellFailed
        If a cell raised an error.
    """
    experiment = resolve(experiment)
    table = find_table(experiment, profile)
    if table is None:
        raise ResultsError(
            f"{experiment.name} has no table in profile {profile!r}; repro run {experiment.name} --profile {profile} "
            "computes it"
        )
    cells, left_out = cells_to_check(table, experiment, sample=sample, seed=seed, longest=longest)
    found = replace(check_cells(table, experiment, cells, force=force, options=options), left_out=tuple(left_out))
    if renew:
        _renew(found, experiment)
    return found


def check_cells(
    table: ResultTable,
    experiment: Experiment,
    cells: Sequence[Cell],
    *,
    force: bool = False,
    options: SweepOptions | None = None,
) -> Verification:
    """Compute the given cells of a table again and compare; parameters and errors as in :func:`verify`."""
    profile = table.provenance.profile
    store, name = CellStore.of(experiment.name, "verified"), f"{profile}, verified"
    with experiment_lock(experiment.name, f"{profile}.verified", wait=True):
        planned = plan_cells(experiment, name, cells, store)
        if force:
            store.discard([item.key for item in planned.cells])
            planned = plan_cells(experiment, name, cells, store)
        with saying_what_is_kept(experiment, name, list(cells), store):
            compute_cells(planned, options or SweepOptions())
        checks = tuple(
            compare_rows(
                item.cell,
                table.frame[table.frame["cell"] == item.cell.id],
                parse_table(store.csv(item.key), experiment.name),
            )
            for item in planned.cells
        )
    present = set(table.frame["cell"])
    kept = sum(cell.id in present and experiment.kept(cell.parameters) for cell in experiment.cells_of(profile))
    tolerance = 0.0 if _same_platform(table, machine.library_versions()) else experiment.tolerance
    return Verification(table, checks, tolerance, kept)


def _renew(verification: Verification, experiment: Experiment) -> None:
    table = verification.table
    today = experiment_hash(experiment)
    if (
        table.provenance.code_hash == today
        or verification.differing
        or verification.left_out
        or not verification.checks
    ):
        return
    renewal = Renewal(
        code_hash=table.provenance.code_hash,
        commit=machine.commit(),
        versions=machine.library_versions(),
        python=machine.python_version(),
        processor=machine.processor_name(),
        cells=[check.cell.id for check in verification.checks],
        kinds=len({kind_of(check.cell.parameters) for check in verification.checks}),
        largest_difference=max(check.largest_difference for check in verification.checks),
        tolerance=verification.tolerance,
        when=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    provenance = table.provenance.model_copy(
        update={"code_hash": today, "renewals": [*table.provenance.renewals, renewal]}
    )
    renewed = ResultTable(table.frame, provenance, table.path)
    others = reasons_to_renew(renewed, experiment)
    if not others:
        write_provenance(provenance, table.path)


def verification_lines(verification: Verification, experiment: Experiment, *, renewed: bool) -> Iterator[str]:
    """Say in lines of text what a verification found."""
    checks, table = verification.checks, verification.table
    name = f"{experiment.name} ({table.provenance.profile})"
    if not checks:
        yield f"{name}: nothing to compute again; all {verification.kept} cells rest on trainings that are kept"
        return
    identical = sum(check.identical for check in checks)
    kinds = len({kind_of(check.cell.parameters) for check in checks})
    summary = f"{len(checks)} of {table.frame['cell'].nunique()} cells, {kinds} kinds: {identical} in equal bytes"
    if identical < len(checks) - len(verification.differing):
        largest = max(check.largest_difference for check in checks)
        summary += f", all within {largest:.1e} (allowed {verification.tolerance:.0e})"
    yield f"{name}: {summary}{'; renewed' if renewed else ''}"
    for check in verification.differing:
        allowed = f"allowed {verification.tolerance:.0e}" if verification.tolerance else "equal bytes expected"
        yield (
            f"  differs by {check.largest_difference:.1e} ({allowed}): "
            f"cell {dict(check.cell.parameters)}; {check.where}"
        )
    if verification.left_out:
        yield f"  no time for {len(verification.left_out)} kinds, for example {verification.left_out[0]}"
