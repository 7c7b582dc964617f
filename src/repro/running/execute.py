"""Running an experiment: on a profile, or for a notebook that wants its table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

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
from repro.running.errors import StorageFailed
from repro.running.lock import experiment_lock
from repro.running.planning import Plan, plan_cells, resolve
from repro.running.store import CellStore
from repro.running.sweep import REMEDY, Backend, Device, SweepOptions, compute_cells
from repro.running.tables import assemble, beside_earlier, provenance_of

__all__ = ["results", "run"]


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
        planned = compute(experiment, profile, cells, options, force=force)
        frame, records = assemble(planned)
        provenance = provenance_of(planned, records)
        if only:
            frame, provenance = beside_earlier(experiment, profile, frame, provenance)
        if profile == CONTROL:
            twins = partial(compute, experiment, "plain twins of controls", options=options, force=force)
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


def compute(experiment: Experiment, name: str, cells: Sequence[Cell], options: SweepOptions, *, force: bool) -> Plan:
    """Compute the cells that are not stored, all of them with `force`, and give the plan of what is stored now."""
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
