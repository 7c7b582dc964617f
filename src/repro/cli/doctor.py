"""``repro doctor``: what this machine can run."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from repro.cli.output import Format, emit, json_text, table_text

__all__ = ["doctor"]

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def _disk(folder: Path) -> str:
    existing = next(candidate for candidate in (folder, *folder.parents) if candidate.exists())
    writable = "" if os.access(existing, os.W_OK) else ", not writable"
    return f"{folder} ({shutil.disk_usage(existing).free / 2**30:.1f} GiB free{writable})"


def _torch() -> str | None:
    """Version of torch and the devices it sees; torch is imported here because the user asks for it."""
    import importlib

    try:
        torch = importlib.import_module("torch")
    except ImportError:
        return None
    return f"{torch.__version__}, CUDA {'available' if torch.cuda.is_available() else 'not available'}"


def foreign_packages() -> list[str]:
    """Other installed distributions with a module or command ``repro``, which can overwrite ours; sorted."""
    from importlib.metadata import distributions

    found = set()
    for distribution in distributions():
        commands = distribution.entry_points.select(group="console_scripts", name="repro")
        modules = any(file.parts[0] in ("repro", "repro.py") for file in distribution.files or ())
        if commands or modules:
            found.add(distribution.name)
    return sorted(found - {"imbalance-book"})


def _findings() -> dict[str, Any]:
    import psutil

    from repro import studies
    from repro.data import describe
    from repro.ground import files
    from repro.running import machine

    places: dict[str, int] = {}
    for summary in describe():
        places[summary.place or "to fetch"] = places.get(summary.place or "to fetch", 0) + 1
    seconds: dict[str, float] = {}
    for experiment in studies.experiments().values():
        for profile in experiment.profiles:
            cells = experiment.cells_of(profile)
            name = f"{experiment.study} {profile}"
            seconds[name] = seconds.get(name, 0.0) + sum(experiment.seconds(cell.parameters) for cell in cells)
    cores = machine.available_cores()
    memory = psutil.virtual_memory()
    return {
        "python": f"{platform.python_version()} at {sys.executable}",
        "system": platform.platform(),
        "processor": machine.processor_name(),
        "cores": cores,
        "memory_gib": round(memory.total / 2**30, 1),
        "memory_free_gib": round(memory.available / 2**30, 1),
        "gpu": machine.present_gpus(),
        "torch": _torch(),
        "chromium": next((path for name in CHROMIUM if (path := shutil.which(name))), None),
        "git": shutil.which("git"),
        "commit": machine.commit(),
        "project": str(files.project_root() or "installed package"),
        "build_folder": _disk(files.build_folder()),
        "data_folder": _disk(files.cache_folder()),
        "data_mirror": os.environ.get("REPRO_DATA_MIRROR"),
        "data_sets": places,
        "versions": machine.library_versions(),
        "foreign_packages": foreign_packages(),
        "hours_on_these_cores": {name: round(total / cores / 3600, 3) for name, total in seconds.items()},
    }


def doctor(
    layout: Annotated[Format, typer.Option("--format", help="How to print the findings.")] = Format.table,
) -> None:
    """Show what this machine can run: versions, cores, memory, GPU, data at hand, expected times."""
    from repro.ground.duration import duration

    found = _findings()
    if layout is Format.json:
        emit(json_text(found), None)
        return
    missing = {
        "gpu": "none found",
        "torch": "not installed; pip install 'imbalance-book[torch]'",
        "chromium": "not found; the browser tests are skipped",
        "git": "not found; provenance records a hash of the files",
        "data_mirror": "REPRO_DATA_MIRROR is not set",
    }
    words = {
        "data_sets": ", ".join(f"{place}: {count}" for place, count in found["data_sets"].items()),
        "versions": ", ".join(f"{name} {version}" for name, version in found["versions"].items()),
        "foreign_packages": f"{', '.join(found['foreign_packages'])}: also bring a module or command 'repro' and can "
        "overwrite this one; use the command imbalance-book, and an environment without them"
        if found["foreign_packages"]
        else "none",
        "hours_on_these_cores": ", ".join(
            f"{name}: {duration(3600 * hours)}" for name, hours in found["hours_on_these_cores"].items()
        ),
    }
    labels = {"hours_on_these_cores": "expected time on these cores"}
    rows = [
        (labels.get(name, name.replace("_", " ")), words.get(name, missing.get(name, "") if value is None else value))
        for name, value in found.items()
    ]
    emit(table_text(("what", "found"), rows), None)
