"""What the benchmarks share: command line, timing in turn, peak memory, tables and where their numbers come from."""

from __future__ import annotations

import argparse
import ctypes
import datetime
import gc
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
from rich.console import Console
from rich.table import Table

from repro.ground.code import code_hash
from repro.ground.files import atomic_write_text

LIBRARIES = ("imbalanced-learn", "numba", "numpy", "scikit-learn", "scipy")


def time_in_turn(
    programs: Mapping[str, Callable[[], object]], *, seconds: float, at_most: int, at_least: int = 1
) -> tuple[dict[str, float], int]:
    """Run programs in turn and keep the shortest time of each.

    Turns make a slow spell of the machine hit all programs alike; the minimum is what the machine can do undisturbed.

    Parameters
    ----------
    programs : mapping of str to callable
        What to run.
    seconds : float
        No new round starts once this much time has gone by.
    at_most, at_least : int
        Bounds of the number of rounds.

    Returns
    -------
    times : dict of str to float
        Shortest time of each program in seconds.
    rounds : int
        Number of rounds.
    """
    times = dict.fromkeys(programs, float("inf"))
    begin, rounds = time.perf_counter(), 0
    while rounds < at_least or (rounds < at_most and time.perf_counter() - begin < seconds):
        for name, program in programs.items():
            start = time.perf_counter()
            result = program()
            times[name] = min(times[name], time.perf_counter() - start)
            del result
        rounds += 1
    return times, rounds


def peak_memory(program: Callable[[], object]) -> int | None:
    """Bytes of resident memory that a program needs at its peak above what was in use when it started.

    Linux only, where the high-water mark can be reset; None elsewhere.
    """
    reset, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    if not reset.exists():
        return None
    gc.collect()
    # give back what earlier runs have freed, or the program would seem to need less
    getattr(ctypes.CDLL(None), "malloc_trim", lambda pad: 0)(0)
    before = psutil.Process().memory_info().rss
    reset.write_text("5")
    result = program()
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    del result
    return max(0, int(line.split()[1]) * 1024 - before)


def provenance(command: str, modules: Sequence[str]) -> dict[str, Any]:
    """Describe machine, versions and code of a run."""
    return {
        "command": command,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "code": code_hash(modules),
        "machine": machine(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def machine() -> dict[str, Any]:
    """Processor, memory and library versions."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return {
        "processor": (names[0] if names else platform.processor()) if info.exists() else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{library: importlib.metadata.version(library) for library in LIBRARIES},
    }


def parts_parser(description: str | None, parts: Iterable[str]) -> argparse.ArgumentParser:
    """Command line of a benchmark: the text above it as help, and ``--part`` to measure one of `parts` alone."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("all", *parts), default="all", help="what to measure")
    return parser


def store(path: Path, table: pd.DataFrame, about: Mapping[str, Any], *, missing: str = "nan") -> None:
    """Write a table to `path`, and where it comes from beside it."""
    atomic_write_text(path, table.to_csv(index=False, float_format="%.6g", na_rep=missing))
    atomic_write_text(path.with_suffix(".json"), json.dumps(about, indent=2) + "\n")


def show(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print rows as a table, numbers with three digits."""
    table = Table(*columns)
    for row in rows:
        cells = (row.get(column, "") for column in columns)
        table.add_row(*(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells))
    Console(width=160).print(table)
