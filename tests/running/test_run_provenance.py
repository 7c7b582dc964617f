"""Provenance of a table: what its cells say, whenever and wherever they were computed."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import joblib
import pytest
from toy_experiments import NUMBERS

from repro.ground import files
from repro.running import machine, plan, run
from repro.running.store import CellRecord, CellStore

QUIET = {"progress": False, "backend": "sequential"}
FEW = replace(NUMBERS, cells={"quick": lambda: [{"level": level} for level in (0, 1)]})


def rewrite(number: int, **changes: object) -> None:
    """Change the record of a stored cell, as if another machine or another day had computed it."""
    item = plan(FEW, "quick").cells[number]
    store = CellStore.of(FEW.name)
    record = store.record(item.key)
    assert record is not None
    changed = CellRecord.model_validate(record.model_dump() | changes)
    store.write(item.key, store.csv(item.key), changed)


def test_claims_hash_is_that_of_the_computation_not_of_the_table(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repro.running.sweep.claim_hashes", lambda experiment: {"toy-c1": "before"})
    assert run(FEW, "quick", **QUIET).provenance.claims == {"toy-c1": "before"}
    monkeypatch.setattr("repro.running.sweep.claim_hashes", lambda experiment: {"toy-c1": "after"})
    assert run(FEW, "quick", **QUIET).provenance.claims == {"toy-c1": "before"}, "stored cells keep their hash"
    assert run(FEW, "quick", force=True, **QUIET).provenance.claims == {"toy-c1": "after"}


@pytest.mark.parametrize("later", [{"toy-c1": "after"}, {}])
def test_cells_under_different_claims_are_mixed(
    build: Path, monkeypatch: pytest.MonkeyPatch, later: dict[str, str]
) -> None:
    monkeypatch.setattr("repro.running.sweep.claim_hashes", lambda experiment: {"toy-c1": "before"})
    run(FEW, "quick", **QUIET)
    rewrite(1, claims=later)
    assert run(FEW, "quick", **QUIET).provenance.claims == {"toy-c1": "mixed"}


def test_times_memory_and_machines_are_put_together(build: Path) -> None:
    run(FEW, "quick", **QUIET)
    here = machine.hardware()
    early = {"started": "2026-01-01T00:00:00+00:00", "finished": "2026-01-01T01:00:00+00:00"}
    late = {"started": "2026-01-02T00:00:00+00:00", "finished": "2026-01-02T00:10:00+00:00"}
    rewrite(0, seconds=3600.0, peak_memory_mib=900.0, commit="old", **late, hardware=here.model_dump())
    other = {"processor": "A vector machine", "cores": 64, "memory_gib": 512.0, "gpu": "an accelerator"}
    rewrite(1, seconds=600.0, peak_memory_mib=500.0, commit="new", **early, hardware=other)
    provenance = run(FEW, "quick", **QUIET).provenance
    assert provenance.wall_seconds == 4200.0
    assert provenance.peak_memory_mib == 900.0
    assert (provenance.started, provenance.finished) == (early["started"], late["finished"])
    assert provenance.commit == "old", "the cell that was finished last decides"
    assert provenance.hardware.processor == "; ".join(sorted(["A vector machine", here.processor]))
    assert provenance.hardware.cores == 64
    assert provenance.hardware.gpu == "an accelerator"


def test_writing_a_table_again_from_stored_cells_changes_no_byte(build: Path) -> None:
    path = run(FEW, "quick", **QUIET).path
    before = path.read_bytes(), path.with_suffix(".json").read_bytes()
    run(FEW, "quick", **QUIET)
    assert (path.read_bytes(), path.with_suffix(".json").read_bytes()) == before


def test_data_checksums_come_from_the_registry(build: Path) -> None:
    from repro.data import checksum

    with_data = replace(FEW, datasets=lambda parameters: ("german_credit",))
    provenance = run(with_data, "quick", **QUIET).provenance
    assert provenance.data == {"german_credit": checksum("german_credit")}


def test_commit_names_head_and_marks_a_changed_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "project_root", lambda: tmp_path)
    assert machine.commit().startswith("tree:")

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        answer = subprocess.run(
            ["git", "-C", str(tmp_path), *identity, *arguments], capture_output=True, text=True, check=True
        )
        return answer.stdout.strip()

    git("init", "-q")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("1\n")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    assert machine.commit() == git("rev-parse", "HEAD")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "new.csv").write_text("a new table is no change of the code")
    assert machine.commit() == git("rev-parse", "HEAD")
    (tmp_path / "src" / "a.py").write_text("2\n")
    assert machine.commit() == git("rev-parse", "HEAD") + "-dirty"
    monkeypatch.setenv("PATH", "")
    assert machine.commit().startswith("tree:"), "no git on this machine"


def test_tree_hash_depends_on_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    first = machine.tree_hash(tmp_path)
    (tmp_path / "a.py").write_text("2")
    second = machine.tree_hash(tmp_path)
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert len({first, second, machine.tree_hash(tmp_path)}) == 3


def test_cores_respect_what_the_process_may_use() -> None:
    assert 1 <= machine.available_cores() <= joblib.cpu_count()
