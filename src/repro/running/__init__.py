"""Running experiments: sweeps over cells, storage, resume, locks, progress."""

from __future__ import annotations

from repro.running.errors import BackendUnavailable, CellFailed, StorageFailed
from repro.running.execute import chosen_cells, own_cells, results, run, run_on_csv
from repro.running.planning import Plan, PlannedCell, plan, plan_cells, prune
from repro.running.verify import CellCheck, Verification, cells_to_check, kind_of, verify

__all__ = [
    "BackendUnavailable",
    "CellCheck",
    "CellFailed",
    "Plan",
    "PlannedCell",
    "StorageFailed",
    "Verification",
    "cells_to_check",
    "chosen_cells",
    "kind_of",
    "own_cells",
    "plan",
    "plan_cells",
    "prune",
    "results",
    "run",
    "run_on_csv",
    "verify",
]
