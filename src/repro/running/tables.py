"""From stored cells to a result table with its provenance."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from repro.results import Hardware, Provenance, parse_table
from repro.running.errors import StorageFailed
from repro.running.planning import Plan
from repro.running.store import CellRecord, CellStore

__all__ = ["assemble", "provenance_of"]

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
    store = CellStore.of(planned.experiment.name)
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
        wall_seconds=round(sum(record.seconds for record in records), 3),
        peak_memory_mib=max(record.peak_memory_mib for record in records),
        started=min(record.started for record in records),
        finished=last.finished,
        claims=_claim_hashes(records),
        table_sha256="",
        rows=0,
    )
