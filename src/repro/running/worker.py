"""What a worker does with one cell: compute it on one thread, check its rows, store it."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pandas as pd
import psutil
import threadpoolctl

from repro.ground.code import function_hash
from repro.protocol import used
from repro.protocol.experiment import VARIANT, Cell
from repro.results import table_text
from repro.running import machine
from repro.running.store import CellRecord, CellStore

__all__ = ["Outcome", "Task", "compute_cell"]

PARENT_CHECK_SECONDS = 1.0


@dataclass(frozen=True)
class Task:
    """One cell as it is handed to a worker, with all the worker needs to know.

    Parameters
    ----------
    cell : Cell
        What to compute.
    compute : callable
        The function of the experiment; sent by reference.
    settings : tuple of str
        Setting columns that the rows must have.
    key : str
        Name under which the cell is stored.
    code_hash : str
        Hash of the code that the key stands for.
    data : mapping
        Checksum of each data set.
    claims : mapping
        Specification hash of each claim on the experiment.
    commit : str
        Commit of the code.
    folder : pathlib.Path or None
        Folder of the store that the worker writes to; None when the caller stores the cell, because the worker may run
        on a machine that does not share the folder.
    """

    cell: Cell
    compute: Callable[[Cell], pd.DataFrame]
    settings: tuple[str, ...]
    key: str
    code_hash: str
    data: Mapping[str, str]
    claims: Mapping[str, str]
    commit: str
    folder: Path | None


@dataclass(frozen=True)
class Outcome:
    """What a worker reports about a cell: its seconds, or how it failed."""

    key: str
    cell: Cell
    seconds: float = 0.0
    csv: str | None = None
    record: CellRecord | None = None
    error: str | None = None
    trace: str | None = None
    storage: bool = False


class _BlasLimit:
    """One BLAS thread for the whole process while anybody asks for it; the last to leave restores what was before.

    The limit belongs to the process: if each of two threads restored what it found, it could stay behind.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._limits: threadpoolctl.threadpool_limits | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1
            if self._limits is None:
                self._limits = threadpoolctl.threadpool_limits(limits=1, user_api="blas")

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._limits is not None:
                self._limits.restore_original_limits()
                self._limits = None


_one_blas_thread = _BlasLimit()


@contextmanager
def one_thread() -> Iterator[None]:
    """Run the block with one BLAS, OpenMP and numba thread: the workers are what uses the cores."""
    numba = sys.modules.get("numba")
    before = numba.get_num_threads() if numba else None
    if numba:
        numba.set_num_threads(1)
    try:
        with _one_blas_thread, threadpoolctl.threadpool_limits(limits=1, user_api="openmp"):
            yield
    finally:
        if numba:
            numba.set_num_threads(before)


@cache
def _end_with_parent() -> None:
    """In a process of joblib's: end when the main process is killed.

    Otherwise the workers of a killed run would hold memory and cores for minutes.
    """
    if not multiprocessing.current_process().name.startswith("LokyProcess"):
        return
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_CHECK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def rows_as_csv(frame: object, cell: Cell, settings: tuple[str, ...]) -> str:
    """Check the rows of a cell and write them with the reserved columns, as they stand in the table.

    Raises
    ------
    TypeError
        If `frame` is no DataFrame.
    ValueError
        If a column is missing or not declared.
    ResultsError
        If the rows break the layout of a result table: none, repeated, infinite or no number.
    """
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"compute must return a DataFrame, got {type(frame).__name__}")
    expected = [*settings, "replicate", "metric", "value"]
    if set(frame.columns) != set(expected):
        missing = [name for name in expected if name not in frame.columns]
        extra = [str(name) for name in frame.columns if name not in expected]
        raise ValueError(f"the rows lack the columns {missing} and have the undeclared columns {extra}")
    frame = frame[expected].copy()
    frame.insert(len(settings), "cell", cell.id)
    if cell.variant is not None:
        frame.insert(0, VARIANT, cell.variant)
    return table_text(frame, "rows of the cell")


def _check_declared(looked_at: Iterable[used.Use], declared: Collection[str]) -> None:
    """Refuse a cell that read a data set whose checksum is not part of what it is stored under."""
    undeclared = sorted({use.name for use in looked_at if use.kind == "data set"} - set(declared))
    if undeclared:
        raise ValueError(
            f"the cell reads the data sets {undeclared}, its experiment declares {sorted(declared)}: `datasets` must "
            "name all that a cell reads"
        )


def peak_memory_mib() -> float:
    """Largest resident memory of this process so far, in MiB."""
    try:
        import resource
    except ImportError:
        return float(psutil.Process().memory_info().peak_wset) / 2**20
    kilobyte = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilobyte / 2**20


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def compute_cell(task: Task) -> Outcome:
    """Compute, check and store one cell; errors are reported, not raised, so that no finished cell is lost."""
    _end_with_parent()
    cell = task.cell
    store = CellStore(task.folder) if task.folder else CellStore.of(cell.experiment)
    started, clock = _now(), time.perf_counter()
    try:
        if function_hash(task.compute, *task.settings) != task.code_hash:
            raise RuntimeError("the code changed while the run was under way, or the worker has another version of it")  # noqa: TRY301
        scratch = store.scratch(task.key)
        scratch.mkdir(parents=True, exist_ok=True)
        with one_thread(), used.watching() as looked_at:
            frame = task.compute(replace(cell, scratch=scratch))
        _check_declared(looked_at, task.data)
        seconds = time.perf_counter() - clock
        csv = rows_as_csv(frame, cell, task.settings)
    except Exception as error:
        return _failure(task, error, storage=isinstance(error, OSError) and _is_storage(error))
    record = CellRecord(
        experiment=cell.experiment,
        parameters=dict(cell.parameters),
        seed=cell.seed,
        code_hash=task.code_hash,
        data=dict(task.data),
        claims=dict(task.claims),
        commit=task.commit,
        versions=machine.library_versions(),
        python=machine.python_version(),
        hardware=machine.hardware(),
        seconds=round(seconds, 3),
        peak_memory_mib=round(peak_memory_mib(), 1),
        started=started,
        finished=_now(),
        csv_sha256=hashlib.sha256(csv.encode()).hexdigest(),
    )
    if task.folder is None:
        shutil.rmtree(scratch, ignore_errors=True)
        return Outcome(task.key, cell, seconds, csv, record)
    try:
        store.write(task.key, csv, record)
    except OSError as error:
        return _failure(task, error, storage=True)
    return Outcome(task.key, cell, seconds)


def _is_storage(error: OSError) -> bool:
    import errno

    return error.errno in {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EPERM, errno.EFBIG}


def _failure(task: Task, error: Exception, *, storage: bool) -> Outcome:
    message = f"{type(error).__name__}: {error}"
    return Outcome(task.key, task.cell, error=message, trace=traceback.format_exc(), storage=storage)
