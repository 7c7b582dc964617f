"""One run of an experiment and profile at a time."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import filelock

from repro.ground import files
from repro.ground.exceptions import ExperimentLocked
from repro.running.errors import StorageFailed

__all__ = ["experiment_lock"]


def _holder(path: Path) -> str:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return f"process {held['pid']} on {held['host']} since {held['since']}"
    except (OSError, ValueError, KeyError):
        return "another process"


@contextmanager
def experiment_lock(experiment: str, profile: str, *, wait: bool) -> Iterator[None]:
    """Hold the lock of an experiment and profile; it goes when the process ends, also by a kill.

    Parameters
    ----------
    experiment, profile : str
        What is locked.
    wait : bool
        Whether to wait for another run to end, after saying on standard error who holds the lock.

    Raises
    ------
    ExperimentLocked
        If another process holds it and `wait` is False; the message names the process.
    StorageFailed
        If the lock file cannot be written.
    """
    folder = files.build_folder() / "locks"
    name = f"{experiment}.{profile}"
    holder = folder / f"{name}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / f"{name}.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            who = _holder(holder)
            if not wait:
                raise ExperimentLocked(f"{experiment} ({profile}) is being run by {who}") from None
            sys.stderr.write(f"{experiment} ({profile}) is being run by {who}; waiting for it to end\n")
            lock.acquire()
    except (OSError, NotImplementedError) as error:
        raise StorageFailed(f"cannot lock {experiment} ({profile}) in {folder}: {error}") from error
    try:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        text = json.dumps({"pid": os.getpid(), "host": platform.node(), "since": since})
        try:
            files.atomic_write_text(holder, text + "\n")
        except OSError as error:
            raise StorageFailed(f"cannot write to {folder}: {error}") from error
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()
