"""Sweeps: the waiting cells of a plan, computed on a joblib backend and stored one by one."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import joblib

from repro.ground.exceptions import ReproError, UnknownName
from repro.protocol.experiment import Experiment
from repro.running import machine
from repro.running.errors import BackendUnavailable, CellFailed, StorageFailed
from repro.running.planning import Plan
from repro.running.progress import SweepProgress
from repro.running.store import CellStore
from repro.running.worker import Outcome, Task, compute_cell

__all__ = ["BACKENDS", "DEVICES", "Backend", "Device", "SweepOptions", "compute_cells"]

Backend = Literal["loky", "threading", "sequential", "dask"]
Device = Literal["auto", "cpu", "cuda"]
BACKENDS: tuple[str, ...] = get_args(Backend)
DEVICES: tuple[str, ...] = get_args(Device)

REMEDY = "Make room or allow writing, then run again."


@dataclass(frozen=True)
class SweepOptions:
    """How a sweep is computed; nothing here changes a number.

    Parameters
    ----------
    n_jobs : int or None, default=None
        Number of cells computed at a time; None for one per available core, on a GPU for one.
    backend : {"loky", "threading", "sequential", "dask"}, default="loky"
        Backend of joblib.
    scheduler : str or None, default=None
        Address of a running Dask scheduler; without it the backend ``"dask"`` starts workers here.
    device : {"auto", "cpu", "cuda"}, default="auto"
        Handed to the cells.
    progress : bool, default=True
        Whether to show progress on standard error.

    Raises
    ------
    UnknownName
        If there is no such backend or device.
    ValueError
        If `n_jobs` is below 1, or a scheduler is named for another backend than ``"dask"``.
    """

    n_jobs: int | None = None
    backend: Backend = "loky"
    scheduler: str | None = None
    device: Device = "auto"
    progress: bool = True

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise UnknownName("backend", self.backend, BACKENDS)
        if self.device not in DEVICES:
            raise UnknownName("device", self.device, DEVICES)
        if self.n_jobs is not None and self.n_jobs < 1:
            raise ValueError(f"n_jobs must be at least 1, got {self.n_jobs}")
        if self.scheduler is not None and self.backend != "dask":
            raise ValueError(f"scheduler {self.scheduler!r} needs the backend 'dask', got {self.backend!r}")


def claim_hashes(experiment: Experiment) -> dict[str, str]:
    """Specification hash of every claim that rests on an experiment, as its study states it now."""
    from repro import studies

    if experiment.study not in studies.study_names():
        return {}
    from repro.claims import all_claims

    return {
        name: claim.specification_hash()
        for name, claim in all_claims(experiment.study).items()
        if claim.experiment == experiment.name
    }


@contextmanager
def _backend(backend: str, n_jobs: int, scheduler: str | None) -> Iterator[None]:
    """Set joblib's backend for the block; a Dask client is closed at its end."""
    if backend != "dask":
        threads = {"inner_max_num_threads": 1} if backend == "loky" else {}
        with joblib.parallel_config(backend=backend, n_jobs=n_jobs, **threads):
            yield
        return
    if importlib.util.find_spec("distributed") is None:
        raise BackendUnavailable("the backend 'dask' needs an extra: pip install 'imbalance-book[dask]'")
    from distributed import Client

    here: dict[str, Any] = {"n_workers": n_jobs, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    try:
        client: Any = Client(scheduler, timeout="15s") if scheduler else Client(**here)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise BackendUnavailable(f"no Dask scheduler answers at {scheduler!r}: {error}") from error
    with client, joblib.parallel_config(backend="dask", n_jobs=-1, wait_for_workers_timeout=60):
        yield


def _kept(cells: int) -> str:
    return f"{cells} finished cells are kept."


def _keep(outcome: Outcome, store: CellStore, kept: int) -> None:
    """Store an outcome that its worker did not store, or raise its failure."""
    if outcome.error is None:
        if outcome.record is not None:
            store.write(outcome.key, str(outcome.csv), outcome.record)
        return
    what = str(outcome.error).rstrip(".")
    stop = "" if what.endswith(("?", "!")) else "."
    message = f"{outcome.cell.experiment}, cell {dict(outcome.cell.parameters)}: {what}{stop} {_kept(kept)}"
    failure = StorageFailed(f"{message} {REMEDY}") if outcome.storage else CellFailed(message, str(outcome.error))
    failure.add_note(str(outcome.trace))
    raise failure


def compute_cells(planned: Plan, options: SweepOptions) -> None:
    """Compute the waiting cells of a plan and store each at once.

    Raises
    ------
    CellFailed
        If a cell raised an error or returned other rows than the experiment declares.
    StorageFailed
        If a cell cannot be written, or no Dask scheduler answers.
    """
    experiment, waiting = planned.experiment, planned.waiting
    if not waiting:
        return
    workers = min(options.n_jobs or (1 if options.device == "cuda" else machine.available_cores()), len(waiting))
    backend = "sequential" if workers == 1 and options.backend == "loky" else options.backend
    store = planned.store
    damaged = [item.key for item in waiting if store.holds(item.key)]
    if damaged:
        count = "1 stored cell is" if len(damaged) == 1 else f"{len(damaged)} stored cells are"
        sys.stderr.write(f"{experiment.name} ({planned.profile}): {count} damaged; computed again\n")
    claims, commit = claim_hashes(experiment), machine.commit()
    tasks = [
        Task(
            cell=replace(item.cell, device=options.device),
            compute=experiment.compute,
            settings=tuple(experiment.settings),
            key=item.key,
            code_hash=planned.code_hash,
            data=item.data,
            claims=claims,
            commit=commit,
            folder=None if backend == "dask" else store.folder,
        )
        for item in sorted(waiting, key=lambda item: -item.seconds)
    ]
    expected = {item.key: item.seconds for item in waiting}
    kept = len(planned.cells) - len(waiting)
    title = f"{experiment.name} ({planned.profile})"
    with (
        _backend(backend, workers, options.scheduler),
        SweepProgress(title, planned.seconds, len(tasks), workers, enabled=options.progress) as shown,
    ):
        outcomes = joblib.Parallel(return_as="generator_unordered", batch_size=1)(
            joblib.delayed(compute_cell)(task) for task in tasks
        )
        try:
            for outcome in outcomes:
                _keep(outcome, store, kept)
                kept += 1
                shown.advance(expected[outcome.key], outcome.seconds)
        except OSError as error:
            raise StorageFailed(f"{error}. {_kept(kept)} {REMEDY}") from error
        except ReproError:
            raise
        except Exception as error:  # a worker that was killed, a scheduler that went away
            raise CellFailed(f"{title}: {type(error).__name__}: {error} {_kept(kept)}") from error
        finally:
            with warnings.catch_warnings(action="ignore"):  # joblib says how many cells it cancelled
                outcomes.close()
