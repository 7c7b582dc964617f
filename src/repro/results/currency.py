"""Whether the code of today stands behind a result table, and if not, why."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from repro import data
from repro.ground import files
from repro.ground.code import function_hash
from repro.protocol.experiment import Cell, Experiment, Parameters, Scalar
from repro.protocol.own_data import OwnCell, OwnFile
from repro.results.tables import ResultTable


def experiment_hash(experiment: Experiment) -> str:
    """Hash of the code that computes the cells of an experiment, and of the columns of its table.

    Raises
    ------
    ValueError
        If its function is in no module that a worker could import.
    """
    return function_hash(experiment.compute, *experiment.settings)


def data_checksums(experiment: Experiment, cell: Cell) -> dict[str, str]:
    """Checksum of every table or image set that a cell reads, by name; a reader's own file counts under its path.

    Raises
    ------
    UnknownName
        If the experiment names a data set that is not registered.
    ValueError
        If a reader's own file cannot be used; the message says why.
    """
    checksums = {name: data.checksum(name) for name in experiment.datasets(cell.parameters)}
    if experiment.own_data is not None and isinstance(cell, OwnCell):
        sums = [files.sha256_of_file(Path(str(cell.parameters[name]))) for name in cell.files]
        given = {argument.name: cell.parameters.get(argument.name) for argument in experiment.own_data.arguments}
        used = _read_own_file(experiment.own_data.read, tuple(given.items()), *sums)
        checksums[str(cell.parameters[cell.files[0]])] = used.checksum
    return checksums


@cache
def _read_own_file(
    read: Callable[[Parameters], OwnFile], parameters: tuple[tuple[str, Scalar], ...], *sums: str
) -> OwnFile:
    """Read a reader's own file, once for the same bytes."""
    return read(dict(parameters))


def reasons_to_renew(table: ResultTable, experiment: Experiment) -> list[str]:
    """Why a table is not what the code of today would give, in words; empty when it is.

    A cell that is kept (:attr:`repro.protocol.experiment.Experiment.kept`) is a record of a long training: newer code
    does not put it out of date, other data, another seed or other columns do.

    Parameters
    ----------
    table : ResultTable
        A table of any profile, the controls included.
    experiment : Experiment
        The experiment as it is declared today.
    """
    provenance = table.provenance
    declared = {cell.id: cell for cell in experiment.cells_of(provenance.profile)}
    present = list(table.frame["cell"].drop_duplicates())
    gone = [name for name in present if name not in declared]
    missing = len(declared) - (len(present) - len(gone))
    reasons = []
    bound = [name for name in present if name in declared and not experiment.kept(declared[name].parameters)]
    if bound and provenance.code_hash != experiment_hash(experiment):
        reasons.append(f"the code has changed since commit {provenance.commit[:12]}")
    if provenance.seeds != {"root": experiment.seed}:
        reasons.append(f"the seed is {experiment.seed}, the table has {provenance.seeds}")
    found = {name: value for cell in declared.values() for name, value in data_checksums(experiment, cell).items()}
    changed = [name for name, value in provenance.data.items() if found.get(name) != value]
    if changed:
        reasons.append(f"the data {', '.join(changed)} have changed")
    if gone:
        reasons.append(f"{len(gone)} of its cells are declared no longer")
    if missing and not provenance.partial:
        reasons.append(f"{missing} declared cells are not in it")
    if [name for name in present if name in declared] != [name for name in declared if name in set(present)]:
        reasons.append("its cells are in another order")
    settings = [name for name in table.frame.columns[:-4] if name != "variant"]
    if settings != list(experiment.settings):
        reasons.append(f"its setting columns are {', '.join(settings)}, declared are {', '.join(experiment.settings)}")
    return reasons


def is_current(table: ResultTable, experiment: Experiment) -> bool:
    """Whether nothing speaks against a table (:func:`reasons_to_renew`)."""
    return not reasons_to_renew(table, experiment)
