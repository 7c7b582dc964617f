"""Plans: which cells a sweep has, which of them are stored already, how long the others take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repro.protocol.experiment import Cell, Experiment
from repro.results import data_checksums, experiment_hash
from repro.running.store import CellStore, cell_key

__all__ = ["Plan", "PlannedCell", "plan", "plan_cells", "prune", "resolve"]


@dataclass(frozen=True)
class PlannedCell:
    """A cell of a sweep: its key, its data, its expected seconds and whether it is stored already."""

    cell: Cell
    key: str
    data: dict[str, str]
    seconds: float
    stored: bool


@dataclass(frozen=True)
class Plan:
    """What a sweep would do.

    Attributes
    ----------
    experiment : Experiment
        What is run.
    profile : str
        Its size.
    cells : tuple of PlannedCell
        In the order of the table.
    code_hash : str
        Hash of the code that computes them.
    store : CellStore
        Where finished cells are kept.
    """

    experiment: Experiment
    profile: str
    cells: tuple[PlannedCell, ...]
    code_hash: str
    store: CellStore

    @property
    def waiting(self) -> tuple[PlannedCell, ...]:
        """The cells that are not stored."""
        return tuple(planned for planned in self.cells if not planned.stored)

    @property
    def seconds(self) -> float:
        """Expected time of the waiting cells on one core, in seconds."""
        return sum(planned.seconds for planned in self.waiting)


def resolve(experiment: Experiment | str) -> Experiment:
    """Return an experiment that is given by itself or by its name."""
    if isinstance(experiment, Experiment):
        return experiment
    from repro import studies

    return studies.experiment(experiment)


def plan_cells(experiment: Experiment, profile: str, cells: Sequence[Cell], store: CellStore | None = None) -> Plan:
    """Plan the given cells, by default with the store of the experiment."""
    code = experiment_hash(experiment)
    store = store or CellStore.of(experiment.name)
    planned = []
    for cell in cells:
        checksums = data_checksums(experiment, cell)
        key = cell_key(cell, code, checksums)
        seconds = float(experiment.seconds(cell.parameters))
        planned.append(PlannedCell(cell, key, checksums, seconds, store.record(key) is not None))
    return Plan(experiment, profile, tuple(planned), code, store)


def plan(experiment: Experiment | str, profile: str) -> Plan:
    """List the cells of a profile with their expected time, without computing anything.

    Raises
    ------
    UnknownName
        If there is no such experiment, or it does not declare the profile.
    """
    experiment = resolve(experiment)
    return plan_cells(experiment, profile, experiment.cells_of(profile))


def prune(experiment: Experiment | str) -> int:
    """Remove the stored cells that no profile needs any more; return how many were removed."""
    experiment = resolve(experiment)
    code = experiment_hash(experiment)
    cells = [cell for profile in experiment.cells for cell in experiment.cells_of(profile)]
    cells += [twin for _, twin in experiment.plain_twins().values()]
    keys = {cell_key(cell, code, data_checksums(experiment, cell)) for cell in cells}
    return CellStore.of(experiment.name).prune(keys)
