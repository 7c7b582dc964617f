"""Storage of finished cells: one CSV and one JSON file each, named by a key of all that decides their content."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from repro.ground import files
from repro.protocol.experiment import Cell, Scalar, canonical_json
from repro.results import Hardware

__all__ = ["CellRecord", "CellStore", "cell_key"]

SCHEMA_VERSION = 2


class CellRecord(BaseModel):
    """What is kept about a finished cell beside its rows.

    Attributes
    ----------
    experiment, parameters, seed
        Identity of the cell.
    code_hash : str
        Hash of the code that computed it.
    data : dict
        Checksum of each data set it read.
    claims : dict
        Specification hash of each claim on the experiment at the time of the computation.
    commit : str
        Git commit or tree hash of the code.
    versions, python, hardware
        Where it was computed.
    seconds : float
        Wall time of the computation.
    peak_memory_mib : float
        Largest resident memory of the worker process up to the end of the cell.
    started, finished : str
        Times in ISO format, UTC.
    csv_sha256 : str
        Checksum of the CSV file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int = SCHEMA_VERSION
    experiment: str
    parameters: dict[str, Scalar]
    seed: int
    code_hash: str
    data: dict[str, str]
    claims: dict[str, str]
    commit: str
    versions: dict[str, str]
    python: str
    hardware: Hardware
    seconds: float
    peak_memory_mib: float
    started: str
    finished: str
    csv_sha256: str


def cell_key(cell: Cell, code: str, checksums: Mapping[str, str]) -> str:
    """Name under which a cell is stored: a hash of experiment, parameters, seed, code and data (32 hex digits)."""
    text = canonical_json([SCHEMA_VERSION, cell.experiment, dict(cell.parameters), cell.seed, code, dict(checksums)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class CellStore:
    """Folder of the finished cells of one experiment.

    Parameters
    ----------
    folder : pathlib.Path
        Where the cells lie; made when the first one is written.
    """

    folder: Path

    @classmethod
    def of(cls, experiment: str, purpose: str = "cells") -> CellStore:
        """Store of an experiment in a folder of the build folder: ``cells``, or ``verified`` for those run again."""
        return cls(files.build_folder() / purpose / experiment)

    def scratch(self, key: str) -> Path:
        """Folder in which an unfinished cell may keep a checkpoint."""
        return self.folder / f"{key}.scratch"

    def write(self, key: str, csv: str, record: CellRecord) -> None:
        """Write a cell, the CSV first, each file whole or not at all.

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        files.atomic_write_text(self.folder / f"{key}.csv", csv)
        files.atomic_write_text(self.folder / f"{key}.json", record.model_dump_json(indent=1) + "\n")
        shutil.rmtree(self.scratch(key), ignore_errors=True)

    def record(self, key: str) -> CellRecord | None:
        """Record of a stored cell, or None when the cell is missing or damaged and has to be computed again."""
        try:
            record = CellRecord.model_validate_json((self.folder / f"{key}.json").read_bytes())
            whole = files.sha256_of_file(self.folder / f"{key}.csv") == record.csv_sha256
        except (OSError, ValidationError, json.JSONDecodeError):
            return None
        return record if whole else None

    def holds(self, key: str) -> bool:
        """Whether both files of a cell lie there, whole or damaged; the JSON file is written last."""
        return all((self.folder / f"{key}{suffix}").exists() for suffix in (".json", ".csv"))

    def csv(self, key: str) -> str:
        """Rows of a stored cell as CSV text."""
        return (self.folder / f"{key}.csv").read_text(encoding="utf-8")

    def discard(self, keys: Sequence[str]) -> None:
        """Remove cells so that they are computed again."""
        for key in keys:
            for suffix in (".json", ".csv"):
                (self.folder / f"{key}{suffix}").unlink(missing_ok=True)
            shutil.rmtree(self.scratch(key), ignore_errors=True)

    def prune(self, keep: Collection[str]) -> int:
        """Remove all cells but those named; return how many were removed."""
        if not self.folder.is_dir():
            return 0
        stored = {path.name.partition(".")[0] for path in self.folder.iterdir() if not path.name.startswith(".")}
        stale = sorted(stored - set(keep))
        self.discard(stale)
        return len(stale)
