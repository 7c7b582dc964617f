"""Running an experiment: on a profile, on a reader's own file, or for a notebook that wants its table."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pandas as pd

from repro.ground.exceptions import ResultsError, UnknownName
from repro.protocol.experiment import Cell, Experiment
from repro.protocol.profile import CONTROL, default_profile
from repro.results import (
    ResultTable,
    find_table,
    is_current,
    readable_paths,
    scalar_text,
    stored_files,
    table_path,
    write_table,
)
from repro.running.changes import changes
from repro.running.errors import CellFailed, StorageFailed
from repro.running.lock import experiment_lock
from repro.running.planning import Plan, plan_cells, resolve
from repro.running.store import CellStore
from repro.running.sweep import REMEDY, Backend, Device, SweepOptions, compute_cells
from repro.running.tables import assemble, beside_earlier, provenance_of

__all__ = ["own_cells", "results", "run", "run_on_csv"]


def run(
    experiment: Experiment | str,
    profile: str,
    *,
    n_jobs: int | None = None,
    backend: Backend = "loky",
    scheduler: str | None = None,
    device: Device = "auto",
    progress: bool = True,
    force: bool = False,
    wait: bool = True,
    only: Mapping[str, str] | None = None,
    built: bool = False,
) -> ResultTable:
    """Run an experiment and write its table; cells that are stored already are not computed again.

    Parameters
    ----------
    experiment : Experiment or str
        The experiment or its name.
    profile : str
        ``"quick"``, ``"standard"``, ``"paper"`` or, for the control runs, ``"control"``.
    n_jobs : int or None, default=None
        Number of cells computed at a time; None for one per available core, with ``device="cuda"`` for one.
    backend : {"loky", "threading", "sequential", "dask"}, default="loky"
        Where joblib computes the cells. The table has the same bytes for each.
    scheduler : str or None, default=None
        Address of a running Dask scheduler; without it the backend ``"dask"`` starts workers here.
    device : {"auto", "cpu", "cuda"}, default="auto"
        Handed to the cells.
    progress : bool, default=True
        Whether to show progress on standard error.
    force : bool, default=False
        Whether to compute stored cells again.
    wait : bool, default=True
        Whether to wait while another process runs the same experiment and profile.
    only : mapping of str to str, optional
        Computes only the cells whose parameters have these values, as text. They join the cells that the table at hand
        has already, so that a long sweep can be computed and committed in parts.
    built : bool, default=False
        Whether the table is one that only this copy needs: it goes to the build folder, not beside the committed ones.

    Returns
    -------
    ResultTable

    Raises
    ------
    UnknownName
        If there is no such experiment, profile, backend or device, or no cell has such a parameter.
    ValueError
        If no cell has the values of `only`.
    CellFailed
        If a cell raised an error; the message names it. Finished cells are kept.
    StorageFailed
        If a cell or the table cannot be written.
    ExperimentLocked
        If another process runs the same and `wait` is False.
    KeyboardInterrupt
        After Ctrl-C, with a message that says what is kept; the table is whole, as it was or as it shall be.
    """
    options = SweepOptions(n_jobs, backend, scheduler, device, progress)
    experiment = resolve(experiment)
    cells = chosen_cells(experiment, profile, only or {})
    with experiment_lock(experiment.name, profile, wait=wait), saying_what_is_kept(experiment, profile, cells):
        planned = _compute(experiment, profile, cells, options, force=force)
        frame, records = assemble(planned)
        provenance = provenance_of(planned, records)
        if only:
            frame, provenance = beside_earlier(experiment, profile, frame, provenance)
        if profile == CONTROL:
            twins = partial(_compute, experiment, "plain twins of controls", options=options, force=force)
            provenance = provenance.model_copy(update={"changed": changes(experiment, frame, twins)})
        path = table_path(experiment.name, profile, built=built)
        try:
            return write_table(frame, provenance, path)
        except OSError as error:
            raise StorageFailed(f"cannot write {path}: {error}. All cells are kept. {REMEDY}") from error


@contextmanager
def saying_what_is_kept(
    experiment: Experiment, name: str, cells: list[Cell], store: CellStore | None = None
) -> Iterator[None]:
    """After Ctrl-C anywhere in the block, also between the last cell and the table, say which cells are kept."""
    try:
        yield
    except KeyboardInterrupt:
        planned = plan_cells(experiment, name, cells, store)
        kept, total = len(planned.cells) - len(planned.waiting), len(planned.cells)
        message = f"stopped; {kept} of {total} cells of {experiment.name} ({name}) are kept"
        raise KeyboardInterrupt(f"{message}; run the same command to continue") from None


def chosen_cells(experiment: Experiment, profile: str, only: Mapping[str, str]) -> list[Cell]:
    """Cells of a profile whose parameters have the given values, as text.

    Raises
    ------
    UnknownName
        If there is no such profile, or no cell of it has one of the parameters.
    ValueError
        If no cell has all the values; the message names those that there are.
    """
    cells = experiment.cells_of(profile)
    for name in only:
        if not any(name in cell.parameters for cell in cells):
            raise UnknownName(
                f"parameter of {experiment.name}", name, {key for cell in cells for key in cell.parameters}
            )
    chosen = [
        cell
        for cell in cells
        if all(name in cell.parameters and scalar_text(cell.parameters[name]) == only[name] for name in only)
    ]
    if not chosen:
        there = {
            name: list(dict.fromkeys(scalar_text(cell.parameters[name]) for cell in cells if name in cell.parameters))
            for name in only
        }
        raise ValueError(
            f"only: no cell of {experiment.name} in profile {profile!r} has {dict(only)}; there are {there}"
        )
    return chosen


def _compute(experiment: Experiment, name: str, cells: Sequence[Cell], options: SweepOptions, *, force: bool) -> Plan:
    planned = plan_cells(experiment, name, cells)
    if force:
        planned.store.discard([item.key for item in planned.cells])
        planned = plan_cells(experiment, name, cells)
    compute_cells(planned, options)
    return planned


def results(experiment: Experiment | str, profile: str | None = None, *, progress: bool = True) -> ResultTable:
    """Table of an experiment for a notebook: the one at hand if it is current, else computed now.

    A ``quick`` or ``control`` table counts as current when code, libraries, data, seed and cells are those of today
    (:func:`repro.results.reasons_to_renew`); what is computed instead goes to the build folder and leaves the committed
    one alone. A table of a longer profile is shown as it was committed; its provenance says from which code.

    Parameters
    ----------
    experiment : Experiment or str
        The experiment or its name.
    profile : str or None, default=None
        None for :func:`repro.protocol.profile.default_profile`.
    progress : bool, default=True
        Whether to show progress when cells have to be computed.

    Returns
    -------
    ResultTable

    Raises
    ------
    ResultsError
        If a committed table is damaged, or not the one that its provenance describes.
    """
    experiment = resolve(experiment)
    profile = default_profile() if profile is None else profile
    try:
        table = find_table(experiment, profile)
    except ResultsError:
        if stored_files(readable_paths(experiment, profile)[0]):
            raise
        table = None  # what lies in the build folder may be computed again without asking
    if table is not None and (profile in ("standard", "paper") or is_current(table, experiment)):
        return table
    return run(experiment, profile, progress=progress, built=profile not in ("standard", "paper"))


def own_cells(
    experiment: Experiment | str, csv: Path | str, target: str, positive: str | None = None
) -> tuple[list[Cell], tuple[str, ...]]:
    """Cells of an experiment on the reader's own file, and what is to be said about the file.

    Parameters
    ----------
    experiment, csv, target, positive
        As in :func:`run_on_csv`.

    Returns
    -------
    cells : list of Cell
    remarks : tuple of str
        How the file was read and what is missing, constant or repeated in it (:func:`repro.data.remarks`).

    Raises
    ------
    ValueError
        If the experiment does not run on own data, or the file cannot be used; the message says why.
    """
    from repro.data import load_csv, remarks

    experiment = resolve(experiment)
    if experiment.own_data is None:
        raise ValueError(f"{experiment.name} does not run on own data")
    path = Path(csv).expanduser().resolve()
    said = remarks(load_csv(path, target, positive).metadata)
    sets = experiment.own_data.cells({"csv": str(path), "target": target, "positive": positive})
    return [Cell(experiment.name, dict(parameters), experiment.seed) for parameters in sets], said


def _warn(remark: str) -> None:
    warnings.warn(remark, UserWarning, stacklevel=3)


def run_on_csv(
    experiment: Experiment | str,
    csv: Path | str,
    target: str,
    positive: str | None = None,
    *,
    n_jobs: int | None = None,
    backend: Backend = "loky",
    scheduler: str | None = None,
    device: Device = "auto",
    progress: bool = True,
    force: bool = False,
    wait: bool = True,
    say: Callable[[str], None] = _warn,
) -> pd.DataFrame:
    """Run an experiment on the reader's own file.

    Parameters
    ----------
    experiment : Experiment or str
        An experiment that declares how it runs on own data.
    csv : pathlib.Path or str
        The file.
    target : str
        Column with the class.
    positive : str or None, default=None
        Label of the positive class; None for the rarer one.
    n_jobs, backend, scheduler, device, progress, force, wait
        As in :func:`run`.
    say : callable, optional
        Called with each remark on the file, before anything is computed; by default they are warnings.

    Returns
    -------
    DataFrame
        Tidy rows as in a result table. They are stored as cells; no table is written.

    Raises
    ------
    ValueError
        If the experiment does not run on own data, or the file cannot be used; the message says why.
    """
    options = SweepOptions(n_jobs, backend, scheduler, device, progress)
    experiment = resolve(experiment)
    cells, remarks = own_cells(experiment, csv, target, positive)
    for remark in remarks:
        say(remark)
    path = Path(csv).expanduser().resolve()
    name = f"own-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    with experiment_lock(experiment.name, name, wait=wait), saying_what_is_kept(experiment, path.name, cells):
        try:
            planned = _compute(experiment, path.name, cells, options, force=force)
        except CellFailed as failure:
            kind, _, reason = failure.error.partition(": ")
            if kind == ValueError.__name__:  # the file is to blame, not the program
                raise ValueError(reason) from failure
            raise
        return assemble(planned)[0]
