"""Running experiments: sweeps over cells, storage, resume, locks, progress."""

from __future__ import annotations

from repro.running.errors import BackendUnavailable, CellFailed, StorageFailed
from repro.running.execute import chosen_cells, results, run, run_on_csv
from repro.running.planning import Plan, PlannedCell, plan, plan_cells, prune

__all__ = [
    "BackendUnavailable",
    "CellFailed",
    "Plan",
    "PlannedCell",
    "StorageFailed",
    "chosen_cells",
    "plan",
    "plan_cells",
    "prune",
    "results",
    "run",
    "run_on_csv",
]
