"""Running experiments: sweeps over cells, storage, resume, locks, progress."""

from __future__ import annotations

from repro.running.errors import BackendUnavailable, CellFailed, StorageFailed
from repro.running.execute import results, run, run_on_csv
from repro.running.planning import Plan, PlannedCell, plan, prune

__all__ = [
    "BackendUnavailable",
    "CellFailed",
    "Plan",
    "PlannedCell",
    "StorageFailed",
    "plan",
    "prune",
    "results",
    "run",
    "run_on_csv",
]
