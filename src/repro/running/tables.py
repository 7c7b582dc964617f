"""From stored cells to a result table with its provenance."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from repro.ground.exceptions import ResultsError
from repro.protocol.experiment import Experiment
from repro.results import EarlierRun, Hardware, Provenance, ResultTable, find_table, parse_table, table_text
from repro.running.errors import StorageFailed
from repro.running.planning import Plan
from repro.running.store import CellRecord

__all__ = ["assemble", "beside_earlier", "provenance_of"]

MIXED = "mixed"
"""What stands for the hash of a claim whose cells were computed under different specifications."""


def assemble(planned: Plan) -> tuple[pd.DataFrame, list[CellRecord]]:
    """Put the stored cells of a plan into one frame, in the order of the plan.

    The frame is read from the stored text as a whole, so the type of a column depends neither on which cells were
    computed now and which earlier nor on the worker.

    Returns
    -------
    frame : DataFrame
        Setting columns, then ``cell, replicate, metric, value``.
    records : list of CellRecord
        One for each cell.

    Raises
    ------
    StorageFailed
        If a cell is missing, because something else removed it.
    """
    store = planned.store
    records, texts = [], []
    for item in planned.cells:
        record = store.record(item.key)
        if record is None:
            missing = (
                f"{planned.experiment.name}, cell {dict(item.cell.parameters)}: removed while the run was under way"
            )
            raise StorageFailed(f"{missing}; run again")
        header, _, rows = store.csv(item.key).partition("\n")
        texts.append(rows)
        records.append(record)
    return parse_table(f"{header}\n{''.join(texts)}", planned.experiment.name), records


def _claim_hashes(records: Sequence[CellRecord]) -> dict[str, str]:
    names = sorted({name for record in records for name in record.claims})
    hashes = {}
    for name in names:
        found = {record.claims.get(name) for record in records}
        only = found.pop()
        hashes[name] = only if not found and only is not None else MIXED
    return hashes


def provenance_of(planned: Plan, records: Sequence[CellRecord]) -> Provenance:
    """Provenance of a table, from the records of its cells.

    Commit and versions are those of the cell that was finished last; processors and GPUs are all that took part.
    """
    last = max(records, key=lambda record: record.finished)
    hardware = Hardware(
        processor="; ".join(sorted({record.hardware.processor for record in records})),
        cores=max(record.hardware.cores for record in records),
        memory_gib=max(record.hardware.memory_gib for record in records),
        gpu="; ".join(sorted({record.hardware.gpu for record in records if record.hardware.gpu})) or None,
    )
    return Provenance(
        experiment=planned.experiment.name,
        profile=planned.profile,  # type: ignore[arg-type]
        commit=last.commit,
        code_hash=planned.code_hash,
        versions=last.versions,
        python=last.python,
        hardware=hardware,
        seeds={"root": planned.experiment.seed},
        data=dict(sorted({name: value for record in records for name, value in record.data.items()}.items())),
        cells=len(records),
        cells_declared=None,
        wall_seconds=round(sum(record.seconds for record in records), 3),
        peak_memory_mib=max(record.peak_memory_mib for record in records),
        started=min(record.started for record in records),
        finished=last.finished,
        claims=_claim_hashes(records),
        table_sha256="",
        rows=0,
    )


def _joined(*texts: str | None) -> str | None:
    return "; ".join(sorted({part for text in texts if text for part in text.split("; ")})) or None


def _kept(table: ResultTable, declared: Collection[str], computed: Collection[str]) -> set[str]:
    """Cells of a table that the profile still declares and that were not computed again."""
    return (set(table.frame["cell"]) & set(declared)) - set(computed)


def beside_earlier(
    experiment: Experiment, profile: str, frame: pd.DataFrame, provenance: Provenance
) -> tuple[pd.DataFrame, Provenance]:
    """Put the cells of a run of some cells beside those that the table at hand has already.

    Parameters
    ----------
    experiment : Experiment
    profile : str
    frame : DataFrame
        Rows of the cells that were computed now.
    provenance : Provenance
        Of those.

    Returns
    -------
    frame : DataFrame
        Cells in the order in which the profile declares them; cells that it declares no longer are left out.
    provenance : Provenance
        Says how many cells are declared, and from which runs the older ones come.

    Raises
    ------
    ResultsError
        If the table at hand is damaged, has other columns, or comes from another seed.
    """
    declared = [cell.id for cell in experiment.cells_of(profile)]
    table = find_table(experiment, profile)
    kept = set() if table is None else _kept(table, declared, set(frame["cell"]))
    if table is None or not kept:
        return frame, provenance.model_copy(update={"cells_declared": len(declared)})
    before = table.provenance
    if list(table.frame.columns) != list(frame.columns) or before.seeds != provenance.seeds:
        raise ResultsError(
            f"{table.path}: it has the columns {', '.join(table.frame.columns)} and the seeds {before.seeds}, the "
            f"cells computed now {', '.join(map(str, frame.columns))} and {provenance.seeds}; run all, without --only"
        )
    texts: dict[str, list[str]] = {}
    header = ""
    for part in (table.frame[table.frame["cell"].isin(kept)], frame):
        header, *lines = table_text(part, source=str(table.path)).splitlines()
        for cell, line in zip(part["cell"], lines, strict=True):
            texts.setdefault(cell, []).append(line)
    lines = [line for cell in declared for line in texts.get(cell, [])]
    merged = parse_table("\n".join([header, *lines]) + "\n", experiment.name)
    earlier = [*before.earlier]
    last = before.cells - sum(run.cells for run in before.earlier)
    if last > 0:
        earlier.append(
            EarlierRun(
                commit=before.commit,
                code_hash=before.code_hash,
                hardware=before.hardware,
                cells=last,
                started=before.started,
                finished=before.finished,
            )
        )
    hardware = Hardware(
        processor=str(_joined(before.hardware.processor, provenance.hardware.processor)),
        cores=max(before.hardware.cores, provenance.hardware.cores),
        memory_gib=max(before.hardware.memory_gib, provenance.hardware.memory_gib),
        gpu=_joined(before.hardware.gpu, provenance.hardware.gpu),
    )
    claims = {
        name: hashed if before.claims.get(name) == hashed else MIXED for name, hashed in provenance.claims.items()
    }
    return merged, provenance.model_copy(
        update={
            "hardware": hardware,
            "data": dict(sorted((before.data | provenance.data).items())),
            "cells": merged["cell"].nunique(),
            "cells_declared": len(declared),
            "earlier": earlier,
            "wall_seconds": round(before.wall_seconds + provenance.wall_seconds, 3),
            "peak_memory_mib": max(before.peak_memory_mib, provenance.peak_memory_mib),
            "started": min(before.started, provenance.started),
            "claims": claims,
        }
    )
