"""Running experiments: sweeps over cells, storage, resume, locks, progress."""

from __future__ import annotations

from repro.running.errors import BackendUnavailable, CellFailed, StorageFailed
from repro.running.execute import chosen_cells, results, run
from repro.running.own_data import OwnResult, own_cells, run_own
from repro.running.planning import Plan, PlannedCell, plan, plan_cells, prune
from repro.running.verify import CellCheck, Verification, cells_to_check, kind_of, verify

__all__ = [
    "BackendUnavailable",
    "CellCheck",
    "CellFailed",
    "OwnResult",
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
    "run_own",
    "verify",
]
