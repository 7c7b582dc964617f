"""Sweeps: the same bytes whatever computes them, resume, stored cells."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import toy_experiments
from bs4 import BeautifulSoup
from joblib.externals.loky import get_reusable_executor
from toy_experiments import NAMES, NUMBERS

from repro.ground.exceptions import ResultsError, UnknownName
from repro.protocol.experiment import Cell
from repro.results import read_table, scalar_text, write_table
from repro.running import BackendUnavailable, CellFailed, own_cells, plan, plan_cells, prune, results, run, run_own
from repro.running.store import CellStore
from repro.running.worker import one_thread

QUIET = {"progress": False}


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """File that names every cell that is really computed.

    Worker processes keep the environment they were started in, so those of an earlier test are ended first.
    """
    path = tmp_path / "log"
    path.touch()
    monkeypatch.setenv("TOY_LOG", str(path))
    get_reusable_executor().shutdown(wait=True)
    return path


def computed(log: Path) -> list[str]:
    levels = log.read_text().split()
    log.write_text("")
    return levels


def reference_bytes(build: Path) -> bytes:
    return run(NUMBERS, "quick", backend="sequential", n_jobs=1, **QUIET).path.read_bytes()


def test_table_has_settings_then_reserved_columns_in_order_of_cells(build: Path) -> None:
    table = run(NUMBERS, "quick", backend="sequential", n_jobs=1, **QUIET)
    assert table.path == build.parent / "results" / "toy" / "numbers.quick.csv"
    assert list(table.frame.columns) == ["dataset", "level", "cell", "replicate", "metric", "value"]
    wanted = [Cell("toy.numbers", parameters, 2002) for parameters in toy_experiments.levels()]
    assert list(table.frame["cell"].unique()) == [cell.id for cell in wanted]
    drawn = np.concatenate([cell.generator().normal(size=2) for cell in wanted])
    assert np.array_equal(table.frame["value"], drawn)
    assert np.array_equal(read_table(table.path).frame["value"], drawn)


@pytest.mark.parametrize(("backend", "n_jobs"), [("threading", 3), ("loky", 2), ("loky", 1), ("dask", 2)])
def test_every_backend_writes_the_same_bytes(
    build: Path, backend: str, n_jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend == "dask" and importlib.util.find_spec("distributed") is None:
        pytest.skip("the extra dask is not installed")
    expected = reference_bytes(build)
    CellStore.of("toy.numbers").prune([])
    monkeypatch.setenv("TOY_SECONDS", "0.02")
    table = run(NUMBERS, "quick", backend=backend, n_jobs=n_jobs, **QUIET)
    assert table.path.read_bytes() == expected
    assert table.provenance.cells == 8


def test_running_scheduler_is_used_and_left_running(build: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
    expected = reference_bytes(build)
    CellStore.of("toy.numbers").prune([])
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        table = run(NUMBERS, "quick", backend="dask", scheduler=cluster.scheduler_address, **QUIET)
        assert cluster.scheduler.status.name == "running"
    assert table.path.read_bytes() == expected


def test_order_of_computation_does_not_change_the_bytes(build: Path, log: Path) -> None:
    expected = reference_bytes(build)
    first = computed(log)
    CellStore.of("toy.numbers").prune([])
    order = {level: float(number) for number, level in enumerate([100, 0, None, 7, 0.5, 1, 3, 2])}
    shuffled = replace(NUMBERS, seconds=lambda parameters: order[parameters["level"]])
    table = run(shuffled, "quick", backend="sequential", **QUIET)
    assert computed(log) != first
    assert table.path.read_bytes() == expected


def test_stored_cells_are_not_computed_again(build: Path, log: Path) -> None:
    run(NUMBERS, "quick", backend="sequential", **QUIET)
    assert len(computed(log)) == 8
    first = run(NUMBERS, "quick", backend="sequential", **QUIET)
    assert computed(log) == []
    assert all(item.stored for item in plan(NUMBERS, "quick").cells)
    again = run(NUMBERS, "quick", backend="sequential", force=True, **QUIET)
    assert len(computed(log)) == 8
    assert first.path.read_bytes() == again.path.read_bytes()


def test_profiles_share_the_cells_they_have_in_common(build: Path, log: Path) -> None:
    run(NUMBERS, "quick", backend="sequential", **QUIET)
    computed(log)
    table = run(NUMBERS, "paper", backend="sequential", **QUIET)
    assert computed(log) == []
    assert table.path == build.parent / "results" / "toy" / "numbers.paper.csv"


def test_changed_code_data_parameters_or_seed_make_new_cells(
    build: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = {item.key for item in plan(NUMBERS, "quick").cells}
    assert keys.isdisjoint(item.key for item in plan(replace(NUMBERS, seed=1), "quick").cells)
    other_code = replace(NUMBERS, compute=toy_experiments.threads)
    assert keys.isdisjoint(item.key for item in plan(other_code, "quick").cells)
    table = tmp_path / "own.csv"
    table.write_text("a,y\n1,0\n3,1\n")

    def own_keys() -> set[str]:
        return {item.key for item in plan_cells(NUMBERS, "own", own_cells(NUMBERS, csv=table, target="y")[0]).cells}

    before = own_keys()
    assert own_keys() == before
    table.write_text("a,y\n2,0\n3,1\n")
    assert own_keys().isdisjoint(before)


@pytest.mark.parametrize("suffix", [".csv", ".json"])
@pytest.mark.parametrize("damage", [lambda content: content[:-5], lambda content: b"\xff\x00" * 9, lambda content: b""])
def test_damaged_cell_is_computed_again_and_said(
    build: Path, log: Path, capsys: pytest.CaptureFixture[str], suffix: str, damage: Callable[[bytes], bytes]
) -> None:
    expected = reference_bytes(build)
    computed(log)
    assert capsys.readouterr().err == ""
    damaged = plan(NUMBERS, "quick").cells[2]
    path = CellStore.of("toy.numbers").folder / f"{damaged.key}{suffix}"
    path.write_bytes(damage(path.read_bytes()))
    assert reference_bytes(build) == expected
    assert computed(log) == ["2"]
    assert capsys.readouterr().err == "toy.numbers (quick): 1 stored cell is damaged; computed again\n"


def test_error_names_experiment_and_cell_and_keeps_the_others(
    build: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_FAIL", "e")
    with pytest.raises(CellFailed, match=r"toy\.names, cell {'level': 'e'}: ZeroDivisionError: toy failure") as caught:
        run(NAMES, "quick", backend="sequential", **QUIET)
    assert str(caught.value).endswith("toy failure. 4 finished cells are kept.")
    assert "in draws" in caught.value.__notes__[0]
    assert not (build / "results").exists()
    assert computed(log) == ["a", "b", "c", "d", "e"]
    monkeypatch.delenv("TOY_FAIL")
    run(NAMES, "quick", backend="sequential", **QUIET)
    assert computed(log) == ["e", "f", "g", "h"]


def test_error_in_a_worker_process_arrives_with_its_cell(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = replace(NAMES, settings=("dataset", "level", "method"))
    with pytest.raises(CellFailed, match=r"lack the columns \['method'\]"):
        run(bad, "quick", backend="loky", n_jobs=2, **QUIET)


def test_undeclared_columns_and_infinite_values_are_refused(build: Path) -> None:
    with pytest.raises(CellFailed, match=r"undeclared columns \['dataset'\]"):
        run(replace(NAMES, settings=("level",)), "quick", backend="sequential", **QUIET)


def test_control_runs_carry_the_variant_first(build: Path) -> None:
    table = run(NUMBERS, "control", backend="sequential", **QUIET)
    assert table.frame.columns[0] == "variant"
    assert set(table.frame["variant"]) == {"sign_flipped"}
    plain = run(NUMBERS, "quick", backend="sequential", **QUIET).frame
    same_level = plain[plain["level"].isin([0, 1])]["value"].to_numpy()
    assert np.array_equal(table.frame["value"], same_level), "a control sees the draws of its experiment"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "lokey"}, "unknown backend 'lokey'; did you mean 'loky'"),
        ({"device": "gpu"}, "unknown device 'gpu'"),
        ({"n_jobs": 0}, "n_jobs must be at least 1, got 0"),
        ({"scheduler": "tcp://host:1"}, "needs the backend 'dask'"),
    ],
)
def test_wrong_options_are_refused_by_name(build: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        run(NUMBERS, "quick", **options)


def test_unknown_profile_and_experiment_suggest_the_nearest(build: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'paper'"):
        run(NUMBERS, "papre")
    with pytest.raises(UnknownName, match=r"smote\.roc_sweep"):
        run("smote.roc_sweeps", "quick")


def test_missing_dask_and_silent_scheduler_are_said(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackendUnavailable, match="no Dask scheduler answers at 'nonsense://x'"):
        run(NUMBERS, "quick", backend="dask", scheduler="nonsense://x", **QUIET)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackendUnavailable, match=r"imbalance-book\[dask\]"):
        run(NUMBERS, "quick", backend="dask", **QUIET)


def test_worker_uses_one_thread_and_gives_the_limit_back(build: Path) -> None:
    import threadpoolctl

    def limits() -> dict[str, int]:
        return {pool["filepath"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}

    before = limits()
    table = run(replace(NUMBERS, compute=toy_experiments.threads), "quick", backend="sequential", **QUIET)
    assert set(table.frame["value"]) == {1.0}
    assert limits() | before == limits()  # the run may have loaded a library more


def test_thread_limit_goes_with_the_last_of_overlapping_cells() -> None:
    import threadpoolctl

    def blas() -> list[int]:
        return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]

    with threadpoolctl.threadpool_limits(limits=2):
        first, second = one_thread(), one_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert set(blas()) == {1}, "the second cell is still running"
        second.__exit__(None, None, None)
        assert set(blas()) == {2}


def test_plan_counts_only_what_is_missing(build: Path) -> None:
    assert plan(NUMBERS, "quick").seconds == 16.0
    run(NUMBERS, "control", backend="sequential", **QUIET)
    assert plan(NUMBERS, "control").seconds == 0.0
    planned = plan(NUMBERS, "quick")
    assert planned.seconds == 14.0, "controls have cells of their own, but one plain cell was computed beside them"


def test_prune_removes_only_cells_that_no_profile_needs(build: Path) -> None:
    run(NUMBERS, "quick", backend="sequential", **QUIET)
    run(replace(NUMBERS, seed=7), "quick", backend="sequential", **QUIET)
    assert prune(NUMBERS) == 8
    assert all(item.stored for item in plan(NUMBERS, "quick").cells)
    assert prune(NUMBERS) == 0


def test_scratch_folder_is_there_and_goes_with_the_cell(build: Path) -> None:
    run(replace(NUMBERS, compute=toy_experiments.keeps_checkpoint), "quick", backend="sequential", **QUIET)
    assert not list((build / "cells" / "toy.numbers").glob("*.scratch"))


def test_results_takes_a_current_table_and_recomputes_a_stale_one(
    build: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results(NUMBERS, "quick", progress=False)
    assert len(computed(log)) == 8
    CellStore.of("toy.numbers").prune([])
    results(NUMBERS, "quick", progress=False)
    assert computed(log) == [], "the table alone is enough"
    results(replace(NUMBERS, seed=3), "quick", progress=False)
    assert len(computed(log)) == 8
    path = build / "results" / "toy" / "numbers.quick.csv"
    path.write_text(path.read_text().replace("toy", "tot"))
    assert set(results(replace(NUMBERS, seed=3), "quick", progress=False).frame["dataset"]) == {"toy"}


@pytest.mark.parametrize("profile", ["quick", "control"])
def test_what_is_computed_instead_of_a_stale_committed_table_leaves_it_alone(
    build: Path, log: Path, profile: str
) -> None:
    committed = run(NUMBERS, profile, backend="sequential", **QUIET)
    files = {path: path.read_bytes() for path in committed.path.parent.iterdir()}
    computed(log)
    assert results(NUMBERS, profile, progress=False).path == committed.path
    assert computed(log) == []
    other = replace(NUMBERS, seed=3)
    table = results(other, profile, progress=False)
    assert table.path == build / "results" / "toy" / f"numbers.{profile}.csv"
    assert {path: path.read_bytes() for path in committed.path.parent.iterdir()} == files
    computed(log)
    assert results(other, profile, progress=False).path == table.path, "the one in the build folder is current"
    assert computed(log) == []
    assert results(NUMBERS, profile, progress=False).path == committed.path


def test_a_damaged_committed_table_is_an_error_and_nothing_is_overwritten(build: Path, log: Path) -> None:
    committed = run(NUMBERS, "quick", backend="sequential", **QUIET)
    edited = committed.path.read_text().replace("toy", "tot")
    committed.path.write_text(edited)
    computed(log)
    with pytest.raises(ResultsError, match=r"numbers\.quick\.csv: the table is not the one its provenance describes"):
        results(NUMBERS, "quick", progress=False)
    assert computed(log) == []
    assert committed.path.read_text() == edited
    assert not (build / "results").exists()


def test_results_shows_a_committed_table_of_older_code(build: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed = run(NUMBERS, "paper", backend="sequential", **QUIET)
    computed(log)
    monkeypatch.setenv("REPRO_PROFILE", "paper")
    newer = replace(NUMBERS, compute=toy_experiments.threads)
    assert results(newer, progress=False).provenance == committed.provenance
    assert computed(log) == []


def test_own_file_is_run_in_the_cells_the_experiment_lists(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "own.csv"
    table.write_text("a,y\n" + "".join(f"{row},{int(row % 5 == 0)}\n" for row in range(50)))
    said: list[str] = []
    found = run_own(NUMBERS, csv=table, target="y", backend="sequential", **QUIET, say=said.append)
    assert list(found.table["level"]) == [1, 1, 2, 2]
    assert said == list(found.remarks)
    assert said == [
        "column 'a' rises from row to row, as row numbers do; it is used",
        "1 is taken as positive: it has the fewest rows, 10 of 50",
    ]
    monkeypatch.setenv("TOY_FAIL", "1")
    said.clear()
    with pytest.raises(CellFailed):
        run_own(NUMBERS, csv=table, target="y", backend="sequential", **QUIET, force=True, say=said.append)
    assert said == list(found.remarks), "they are said before anything is computed"
    assert not (build / "results").exists()
    with pytest.raises(ValueError, match=r"toy\.names does not run on own data; those that do: .*smote\.roc_sweep"):
        run_own(NAMES, csv=table, target="y", **QUIET)
    with pytest.raises(ValueError, match="'z'"):
        run_own(NUMBERS, csv=table, target="z", **QUIET)


def test_an_own_file_gives_the_same_numbers_from_another_folder(build: Path, tmp_path: Path) -> None:
    values = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "own.csv").write_text("a,y\n1,0\n2,1\n5,0\n")
        found = run_own(NUMBERS, csv=tmp_path / name / "own.csv", target="y", backend="sequential", **QUIET)
        values.append(list(found.table["value"]))
    assert values[0] == values[1]
    other = run_own(
        NUMBERS, csv=tmp_path / "one" / "own.csv", target="y", order=["b", "a"], backend="sequential", **QUIET
    )
    assert list(other.table["value"]) != values[0], "another question is another draw"


def test_a_notebook_shows_the_answer_as_a_table_with_everything_escaped(build: Path, tmp_path: Path) -> None:
    table = tmp_path / "<own>.csv"
    table.write_text("a,<y>\n1,0\n2,1\n5,0\n")
    found = run_own(NUMBERS, csv=table, target="<y>", backend="sequential", **QUIET)
    page = BeautifulSoup(found._repr_html_(), "html.parser")
    assert [cell.get_text() for cell in page.select("thead th")] == ["rows", "target"]
    assert [cell.get_text() for cell in page.select("tbody td")] == ["4", "<y>"]
    assert page.find("p").get_text() == "it has 4 rows"
    assert [item.get_text() for item in page.select("details li")] == list(found.remarks)
    assert list(found.summary["rows"]) == [4]
    assert repr(found).startswith("it has 4 rows\n")


def test_store_keeps_what_each_cell_rests_on(build: Path) -> None:
    run(NUMBERS, "quick", backend="sequential", **QUIET)
    item = plan(NUMBERS, "quick").cells[3]
    content = json.loads((CellStore.of("toy.numbers").folder / f"{item.key}.json").read_text())
    assert content["parameters"] == {"level": 0.5}
    assert content["seed"] == 2002
    assert content["code_hash"] == plan(NUMBERS, "quick").code_hash
    assert content["versions"]["numpy"] == np.__version__
    assert content["seconds"] >= 0
    assert content["peak_memory_mib"] > 10


def test_compute_of_a_notebook_is_refused(build: Path) -> None:
    def local(cell: Cell) -> None: ...

    local.__module__ = "__main__"
    with pytest.raises(ValueError, match="importable module"):
        run(replace(NUMBERS, compute=local), "quick")


def test_worker_with_other_code_fails_instead_of_storing(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repro.running.worker.function_hash", lambda compute, *further: "newer")
    with pytest.raises(CellFailed, match="the code changed while the run was under way"):
        run(NUMBERS, "quick", backend="sequential", **QUIET)
    assert not any(item.stored for item in plan(NUMBERS, "quick").cells)


def test_killed_worker_is_reported_and_finished_cells_stay(build: Path) -> None:
    killing = replace(NUMBERS, compute=toy_experiments.kills_its_worker)
    with pytest.raises(CellFailed, match=r"(?s)TerminatedWorkerError.*finished cells are kept"):
        run(killing, "quick", backend="loky", n_jobs=2, **QUIET)
    assert 1 <= sum(item.stored for item in plan(killing, "quick").cells) < 8


LEVELS = [scalar_text(parameters["level"]) for parameters in toy_experiments.levels()]


def test_cells_run_in_parts_make_the_table_of_all(build: Path, log: Path) -> None:
    whole = reference_bytes(build)
    table_path = run(NUMBERS, "quick", backend="sequential", n_jobs=1, **QUIET).path
    table_path.unlink()
    table_path.with_suffix(".json").unlink()
    CellStore.of("toy.numbers").prune([])
    computed(log)
    for done, level in enumerate(reversed(LEVELS), start=1):
        table = run(NUMBERS, "quick", backend="sequential", n_jobs=1, only={"level": level}, **QUIET)
        assert [scalar_text(found) for found in table.frame["level"].iloc[::2]] == LEVELS[-done:]
        assert table.provenance.cells == table.frame["cell"].nunique()
        assert table.provenance.cells_declared == 8
        assert len(table.provenance.earlier) == done - 1
        assert sum(part.cells for part in table.provenance.earlier) < table.provenance.cells
        CellStore.of("toy.numbers").prune([])
    assert len(computed(log)) == 8, "no cell is computed twice"
    assert table.path.read_bytes() == whole
    assert read_table(table.path).provenance == table.provenance


def test_cells_run_again_replace_those_of_the_table(build: Path) -> None:
    first = run(NUMBERS, "quick", backend="sequential", n_jobs=1, **QUIET)
    damaged = first.frame.assign(value=0.0)
    write_table(damaged, first.provenance, first.path)
    again = run(NUMBERS, "quick", backend="sequential", n_jobs=1, only={"level": "0.5"}, **QUIET)
    mine = again.frame["level"] == 0.5
    assert (again.frame.loc[mine, "value"] == first.frame.loc[mine, "value"]).all()
    assert (again.frame.loc[~mine, "value"] == 0.0).all()
    assert again.provenance.cells == again.provenance.cells_declared == 8
    (before,) = again.provenance.earlier
    assert before.commit == first.provenance.commit


def test_a_table_from_another_seed_is_not_mixed_with_new_cells(build: Path) -> None:
    first = run(replace(NUMBERS, seed=1), "quick", backend="sequential", n_jobs=1, **QUIET)
    before = first.path.read_bytes()
    with pytest.raises(ResultsError, match="run all, without --only"):
        run(NUMBERS, "quick", backend="sequential", n_jobs=1, only={"level": "0.5"}, **QUIET)
    assert first.path.read_bytes() == before


def test_a_choice_that_no_cell_meets_names_what_there_is(build: Path) -> None:
    with pytest.raises(UnknownName, match="levle"):
        run(NUMBERS, "quick", only={"levle": "1"}, **QUIET)
    with pytest.raises(ValueError, match=r"no cell of toy.numbers in profile 'quick' has \{'level': '99'\}; there are"):
        run(NUMBERS, "quick", only={"level": "99"}, **QUIET)
