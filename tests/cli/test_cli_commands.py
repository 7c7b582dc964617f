"""What the commands print, where, and with which status."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from repro import studies
from repro.cli import main
from repro.cli.doctor import foreign_packages

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "running"))
from toy_experiments import NAMES, NUMBERS

TOYS = {experiment.name: experiment for experiment in (NUMBERS, NAMES)}


@pytest.fixture
def repro(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Call the command on the toy study; its claims file is empty of claims."""
    from repro.ground import files
    from repro.ground.exceptions import UnknownName

    def experiment(name: str) -> Any:
        if name not in TOYS:
            raise UnknownName("experiment", name, TOYS)
        return TOYS[name]

    monkeypatch.setattr(files, "build_folder", lambda: tmp_path / "_build")
    monkeypatch.setattr(files, "project_root", lambda: tmp_path)
    monkeypatch.setattr(studies, "study_names", lambda: ["toy"])
    monkeypatch.setattr(studies, "chapter_of", lambda study: "toys")
    monkeypatch.setattr(studies, "experiments", lambda study=None: TOYS)
    monkeypatch.setattr(studies, "experiment", experiment)
    monkeypatch.setattr("repro.claims.all_claims", lambda study=None: {})
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main(list(arguments))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


Call = Callable[..., tuple[int, str, str]]


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from repro.cli import main; status = main(['--help']); "
        "heavy = {'numpy', 'pandas', 'sklearn', 'torch', 'matplotlib', 'numba', 'pydantic'} & set(sys.modules); "
        "sys.exit(str(sorted(heavy)) if heavy or status else 0)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    for command in ("list", "run", "claims", "data", "doctor", "new", "set-repository"):
        assert command in answer.stdout


@pytest.mark.parametrize(
    ("command", "text"),
    [("run", "A study or <study>.<experiment>"), ("claims", "all when left out"), ("new", "Name of the study")],
)
def test_help_says_what_the_arguments_are(repro: Call, command: str, text: str) -> None:
    status, out, _ = repro(command, "--help")
    assert status == 0
    assert text in " ".join(out.split())


def test_version(repro: Call) -> None:
    from repro import __version__

    assert repro("--version") == (0, f"repro {__version__}\n", "")


def test_list_names_experiments_profiles_and_times(repro: Call) -> None:
    status, out, _ = repro("list")
    assert status == 0
    assert "toy.numbers" in out
    assert "quick: 8 cells, 16 s" in out
    status, out, err = repro("list", "--format", "json")
    listed = json.loads(out)
    assert err == ""
    assert listed[0]["profiles"]["control"] == {"cells": 2, "seconds": 4.0}
    assert listed[0]["own_data"].startswith("--csv FILE --target COLUMN [--most-levels NUMBER]")
    assert listed[1]["own_data"] is False


def test_dry_run_shows_cells_and_computes_nothing(repro: Call, tmp_path: Path) -> None:
    status, out, _ = repro("run", "toy.numbers", "--dry-run")
    assert status == 0
    assert "level=0.5" in out
    assert "8 of 8 cells to compute, about 16 s on one core" in out
    assert not (tmp_path / "_build").exists()
    repro("run", "toy.numbers", "--backend", "sequential")
    status, out, _ = repro("run", "toy", "--dry-run", "--format", "json")
    plans = json.loads(out)
    assert [plan["seconds"] for plan in plans] == [0.0, 8.0]
    assert all(cell["stored"] for cell in plans[0]["cells"])


def test_study_is_run_with_its_controls_and_the_rest_is_skipped_with_a_word(repro: Call, tmp_path: Path) -> None:
    status, out, err = repro("run", "toy", "--controls", "--format", "json", "--backend", "sequential")
    assert status == 0
    assert [(entry["experiment"], entry["profile"]) for entry in json.loads(out)] == [
        ("toy.numbers", "quick"),
        ("toy.numbers", "control"),
        ("toy.names", "quick"),
    ]
    assert "toy.names: skipped, it has no control runs" in err
    status, _, err = repro("run", "toy", "--profile", "paper", "--backend", "sequential")
    assert status == 0
    assert "toy.names: skipped, it has no profile 'paper'" in err
    assert (tmp_path / "results" / "toy" / "numbers.paper.csv").is_file()


def test_output_goes_to_a_file_on_request(repro: Call, tmp_path: Path) -> None:
    wanted = tmp_path / "out" / "run.json"
    arguments = ("run", "toy.names", "--backend", "sequential", "--format", "json", "--output", str(wanted))
    status, out, err = repro(*arguments)
    assert (status, out) == (0, "")
    assert f"written to {wanted}" in err
    assert json.loads(wanted.read_text())[0]["experiment"] == "toy.names"


def test_all_runs_everything_and_excludes_targets(repro: Call) -> None:
    status, out, _ = repro("run", "--all", "--format", "json", "--backend", "sequential")
    assert status == 0
    assert len(json.loads(out)) == 2
    assert repro("run", "--all", "toy")[0] == 2
    status, _, err = repro("run")
    assert status == 2
    assert "--all" in err


def test_profile_from_the_environment(repro: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPRO_PROFILE", "paper")
    assert repro("run", "toy.numbers", "--backend", "sequential")[0] == 0
    assert (tmp_path / "results" / "toy" / "numbers.paper.csv").is_file()
    monkeypatch.setenv("REPRO_PROFILE", "papr")
    status, _, err = repro("run", "toy.numbers")
    assert status == 2
    assert "did you mean 'paper'" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "toi"), "unknown study or experiment 'toi'; did you mean 'toy'"),
        (("run", "toy.number"), "unknown experiment 'toy.number'; did you mean 'toy.numbers'"),
        (("run", "toy", "--profile", "quik"), "unknown profile 'quik'; did you mean 'quick'"),
        (("run", "toy.names", "--profile", "paper"), "unknown profile of toy.names 'paper'"),
        (("run", "toy", "--profile", "standard"), "nothing to run"),
        (("run", "toy.names", "--backend", "daks"), "did you mean 'dask'"),
        (("run", "toy.names", "--device", "tpu"), "unknown device 'tpu'"),
        (("run", "toy.names", "--scheduler", "tcp://h:1"), "needs the backend 'dask'"),
        (("run", "toy.names", "--target", "y"), "--target runs one experiment on your own data; name one: toy.numbers"),
        (("run", "toy.names", "--rows", "r.csv"), "--rows belongs to a run on your own data"),
        (("run", "toy.numbers", "--csv", "no.csv"), "needs --target, the class. It takes --csv FILE --target COLUMN ["),
        (("run", "toy.numbers", "--target", "y"), "toy.numbers needs --csv, your file"),
        (("run", "toy.numbers", "--csv"), "--csv needs a value"),
        (("run", "toy.numbers", "--csv", "a", "--csv", "b"), "--csv is given twice"),
        (("run", "toy.numbers", "--cvs", "a"), "unknown option '--cvs'; did you mean '--csv'"),
        (("run", "toy.names", "--jbos", "1"), "unknown option '--jbos'; did you mean '--jobs'"),
        (("run", "toy.numbers", "--csv", "a", "--target", "y", "--most-levels", "x"), "most_levels must be a number"),
        (("run", "toy.numbers", "--csv", "a", "--target", ""), "--target needs a value"),
        (("run", "toy.numbers", "--csv", "no.csv", "--target", "y"), "no.csv"),
        (("run", "toy.names", "--csv", "no.csv", "--target", "y"), "--csv runs one experiment"),
        (("run", "toy", "--csv", "no.csv", "--target", "y", "--only", "level=1"), "--only does not go with --csv"),
        (("run", "toy", "--csv", "no.csv", "--target", "y", "--profile", "paper"), "--profile does not go with --csv"),
        (("run", "toy", "--csv", "no.csv", "--target", "y", "--controls"), "--controls does not go with --csv"),
        (("run", "toy", "--csv", "no.csv", "--target", "y", "--prune"), "--prune does not go with --csv"),
        (("run", "toy", "--csv", "no.csv", "--target", "y", "--dry-run"), "there is no file"),
        (("data", "list", "nothing*"), "unknown data set 'nothing*'"),
        (("data", "fetch", "adlut"), "did you mean 'adult'"),
    ],
)
def test_wrong_input_gives_one_line_and_status_2(repro: Call, arguments: tuple[str, ...], message: str) -> None:
    status, out, err = repro(*arguments)
    assert status == 2
    assert message in err
    assert out == ""
    assert len(err.strip().splitlines()) <= 3
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "toy.names", "--jobs", "0"), "Invalid value for '--jobs'"),
        (("runn",), "No such command 'runn'"),
        (("run", "toy.names", "--format", "yaml"), "Invalid value for '--format'"),
    ],
)
def test_wrong_usage_gives_status_2(repro: Call, arguments: tuple[str, ...], message: str) -> None:
    status, _, err = repro(*arguments)
    assert status == 2
    assert message in err


def test_debug_shows_where_the_input_was_refused(repro: Call) -> None:
    _, _, err = repro("--debug", "run", "toi")
    assert "Traceback" in err
    assert "error: unknown study or experiment" in err


def test_own_file_is_reported_as_table_or_json(repro: Call, tmp_path: Path) -> None:
    table = tmp_path / "my data.csv"
    table.write_text(",a,y\n" + "".join(f"{row},{row % 7},{int(row % 5 == 0)}\n" for row in range(50)))
    arguments = ("run", "toy", "--csv", str(table), "--target", "y", "--backend", "sequential")
    status, out, err = repro(*arguments, "--format", "json")
    notes = err.splitlines()
    assert status == 0
    assert json.loads(out) == {
        "experiment": "toy.numbers",
        "file": str(table),
        "summary": [{"rows": 4, "target": "y"}],
        "said": ["it has 4 rows"],
        "notes": [note.removeprefix("note: ") for note in notes],
    }
    assert notes == [
        "note: column 1 has no name: it numbers the rows and is left out",
        "note: 1 is taken as positive: it has the fewest rows, 10 of 50",
        "note: 36 of 50 rows repeat an earlier one, also across folds",
    ], "notes, and no progress for a sweep of a moment outside a terminal"
    status, out, err = repro(*arguments, "--rows", str(tmp_path / "rows.csv"))
    assert status == 0
    assert out.splitlines()[-1] == "it has 4 rows", "what it means stands below the table"
    written = pd.read_csv(tmp_path / "rows.csv")
    assert list(written.columns) == ["dataset", "level", "cell", "replicate", "metric", "value"]
    assert len(written) == 4
    assert not (tmp_path / "results").exists(), "it is no evidence for a claim"


def test_dry_run_of_an_own_file_shows_its_cells_and_notes_and_computes_nothing(repro: Call, tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("a;y\n" + "".join(f"{row % 7},5;{int(row % 5 == 0)}\n" for row in range(50)))
    arguments = ("run", "toy", "--csv", str(table), "--target", "y", "--backend", "sequential")
    status, out, err = repro(*arguments, "--dry-run")
    assert status == 0
    assert "2 of 2 cells to compute, about 4 s on one core" in out
    assert "note: column 'a' is read as numbers, '0,5' as 0.5" in err
    assert not (tmp_path / "_build").exists()
    repro(*arguments)
    (plan,) = json.loads(repro(*arguments, "--dry-run", "--format", "json")[1])
    assert [(cell["stored"], cell["parameters"]["csv"]) for cell in plan["cells"]] == [(True, str(table))] * 2


def test_own_file_that_a_cell_refuses_is_wrong_input(
    repro: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(cell: Any) -> None:
        raise ValueError("column 'a' holds 3 missing values")

    refuse.__module__ = NUMBERS.compute.__module__
    monkeypatch.setitem(TOYS, "toy.numbers", __import__("dataclasses").replace(NUMBERS, compute=refuse))
    table = tmp_path / "own.csv"
    table.write_text("a,y\n" + "".join(f"{row},{int(row % 5 == 0)}\n" for row in range(50)))
    status, _, err = repro("run", "toy", "--csv", str(table), "--target", "y", "--backend", "sequential")
    assert status == 2
    assert err.splitlines()[-1] == "error: column 'a' holds 3 missing values"


def test_prune_is_reported(repro: Call) -> None:
    repro("run", "toy.names", "--backend", "sequential")
    status, _, err = repro("run", "toy.names", "--backend", "sequential", "--prune")
    assert status == 0
    assert "toy.names: 0 stored cells removed that no profile needs" in err


def test_data_commands(repro: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_DATA_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("REPRO_DATA_MIRROR", raising=False)
    status, out, _ = repro("data", "list", "--format", "json")
    places = {entry["name"]: entry["place"] for entry in json.loads(out)}
    assert status == 0
    assert places["adult"] == "embedded"
    assert places["pima"] is None
    status, out, _ = repro("data", "verify", "german_credit", "pima")
    assert status == 0, "a data set that is not here is no failure"
    assert "ok" in out
    assert "absent" in out
    status, out, err = repro("data", "clear")
    assert (status, out) == (0, "")
    assert "0.0 MiB freed" in err


def test_doctor_reports_what_is_missing_instead_of_failing(
    repro: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    status, out, _ = repro("doctor")
    assert status == 0
    assert "not found; the browser tests are skipped" in out
    assert "none found" in out
    assert "toy quick" in out
    status, out, _ = repro("doctor", "--format", "json")
    found = json.loads(out)
    assert found["cores"] >= 1
    assert found["commit"].startswith("tree:")
    assert found["data_sets"]["embedded"] >= 3


def test_interrupted_run_has_status_130(repro: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt("stopped; 1 of 8 cells are kept")

    monkeypatch.setattr("repro.running.run", stop)
    status, out, err = repro("run", "toy.names")
    assert (status, out) == (130, "")
    assert "stopped; 1 of 8 cells are kept" in err


def test_some_cells_are_run_and_join_the_table(repro: Call, tmp_path: Path) -> None:
    for done, level in enumerate(("0.5", "3"), start=1):
        status, _, _ = repro("run", "toy.numbers", "--profile", "paper", "--only", f"level={level}", "--jobs", "1")
        assert status == 0
        record = json.loads((tmp_path / "results" / "toy" / "numbers.paper.json").read_text())
        assert (record["cells"], record["cells_declared"]) == (done, 8)
    status, out, _ = repro("run", "toy.numbers", "--profile", "paper", "--only", "level=3", "--dry-run")
    assert status == 0
    assert "0 of 1 cells to compute" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "level"], "--only must be KEY=VALUE"),
        (["--only", "level=1", "--only", "level=2"], "names 'level' twice"),
        (["--only", "level=99"], "no cell of toy.numbers in profile 'paper'"),
        (["--only", "depth=1"], "depth"),
    ],
)
def test_a_wrong_choice_of_cells_is_refused(repro: Call, words: list[str], message: str) -> None:
    status, _, err = repro("run", "toy.numbers", "--profile", "paper", *words)
    assert status == 2
    assert message in err


# Tables and their verification


def test_tables_says_what_is_missing_current_and_out_of_date_and_what_helps(
    repro: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert repro("run", "toy.numbers", "--profile", "paper")[0] == 0
    status, out, err = repro("tables", "--format", "json")
    found = {(entry["experiment"], entry["profile"]): entry for entry in json.loads(out)}
    assert status == 0
    assert found["toy.numbers", "paper"]["state"] == "current"
    assert found["toy.numbers", "paper"]["cells"] == 8
    assert found["toy.numbers", "quick"]["state"] == found["toy.names", "quick"]["state"] == "not there"
    status, _, err = repro("tables", "toy.numbers", "--strict")
    assert status == 1
    assert "toy.numbers (quick): not there: repro run toy.numbers --profile quick" in err
    assert repro("tables", "toy.numbers", "--profile", "paper", "--strict")[0] == 0

    provenance = tmp_path / "results" / "toy" / "numbers.paper.json"
    content = json.loads(provenance.read_text())
    provenance.write_text(json.dumps(content | {"code_hash": "0" * 64}))
    status, out, err = repro("tables", "toy.numbers", "--profile", "paper", "--strict")
    assert status == 1
    assert "out of date" in out
    assert "the code has changed since commit" in err
    assert "repro verify toy.numbers --profile paper --renew, or repro run toy.numbers --profile paper" in err

    provenance.write_text(json.dumps(content | {"code_hash": "0" * 64, "seeds": {"root": 1}}))
    assert "--renew" not in repro("tables", "toy.numbers", "--profile", "paper", "--strict")[2]

    table = provenance.with_suffix(".csv")
    table.write_text(table.read_text() + "\n")
    status, out, err = repro("tables", "toy.numbers", "--profile", "paper", "--strict")
    assert status == 1
    assert "damaged" in out
    assert "the table is not the one its provenance describes" in err


def test_tables_of_an_experiment_that_is_gone_are_listed(repro: Call, tmp_path: Path) -> None:
    assert repro("run", "toy.numbers", "--profile", "paper")[0] == 0
    folder = tmp_path / "results" / "toy"
    for form in ("csv", "json"):
        (folder / f"renamed.paper.{form}").write_bytes((folder / f"numbers.paper.{form}").read_bytes())
    (folder / "expected.json").write_text("{}")
    status, out, err = repro("tables", "--profile", "paper", "--strict")
    assert status == 1
    assert "of no experiment" in out
    assert "toy.renamed (paper): of no experiment: git rm results/toy/renamed.paper.*" in err
    assert repro("tables", "toy.numbers", "--profile", "paper", "--strict")[0] == 0
    assert "renamed" not in repro("tables", "--profile", "quick")[1]


def test_verify_says_what_differs_and_renews_what_comes_out_equal(repro: Call, tmp_path: Path) -> None:
    repro("run", "toy.numbers", "--profile", "paper")
    status, out, err = repro("verify", "toy", "--sample", "2")
    assert status == 0
    assert "toy.numbers (paper): 3 of 8 cells, 1 kinds: 3 in equal bytes" in out
    assert "1 tables, 3 cells computed again, 0 differ" in err

    provenance = tmp_path / "results" / "toy" / "numbers.paper.json"
    content = json.loads(provenance.read_text())
    provenance.write_text(json.dumps(content | {"code_hash": "0" * 64}))
    status, out, _ = repro("verify", "--renew")
    assert status == 0
    assert out.startswith("toy.numbers (paper): ")
    assert "; renewed" in out
    assert json.loads(provenance.read_text())["renewals"][0]["code_hash"] == "0" * 64
    status, out, err = repro("verify", "--renew")
    assert (status, out) == (0, "")
    assert "0 tables, 0 cells computed again" in err

    provenance.write_text(json.dumps(content | {"code_hash": "0" * 64, "seeds": {"root": 1}}))
    status, out, _ = repro("verify", "--renew")
    assert status == 1
    assert "not renewed: " in out
    assert "the seed is 2002" in out


def test_verify_of_a_table_that_is_wrong_ends_with_status_1(repro: Call, tmp_path: Path) -> None:
    from repro.results import find_table, write_table

    repro("run", "toy.numbers", "--profile", "paper")
    table = find_table("toy.numbers", "paper")
    write_table(table.frame.assign(value=table.frame["value"] + 1e-3), table.provenance, table.path)
    status, out, _ = repro("verify", "--format", "json")
    (outcome,) = json.loads(out)
    assert status == 1
    assert [cell["equal"] for cell in outcome["cells"]] == [False]
    status, out, err = repro("verify")
    assert status == 1
    assert "differs by" in out
    assert "in the table, now" in out
    assert "1 differ" in err
    assert repro("verify", "toy.nubmers")[0] == 2


def test_unfinished_trainings_of_a_study_are_set_down(
    repro: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in the scratch folder of its cell, one in the cache; they end up where git finds them."""
    from repro.running import plan
    from repro.trials import keeping

    monkeypatch.setattr(keeping, "project_root", lambda: tmp_path)
    monkeypatch.setenv("REPRO_DATA_DIR", str(tmp_path / "cache"))
    status, out, err = repro("set-down", "toy")
    assert (status, out, err) == (0, "", "no unfinished training of toy here\n")
    planned = plan(NAMES, "quick")
    scratch = planned.store.scratch(planned.waiting[0].key)
    scratch.mkdir(parents=True)
    (tmp_path / "cache" / "networks" / "toy").mkdir(parents=True)
    for path in (scratch / "network", tmp_path / "cache" / "networks" / "toy" / "large-0"):
        path.with_suffix(".pt").write_bytes(b"checkpoint of " + path.name.encode())
        path.with_suffix(".begun.json").write_text("{}")
    status, out, err = repro("set-down", "toy")
    assert (status, err) == (0, "")
    stems = ("large-0", f"{planned.waiting[0].cell.id}-network")
    names = sorted(f"{stem}{ending}" for stem in stems for ending in (".begun.json", ".pt"))
    assert sorted(Path(line).name for line in out.splitlines()) == names
    assert sorted(path.name for path in (tmp_path / "results" / "toy" / "unfinished").iterdir()) == names


def test_doctor_finds_packages_that_bring_the_same_names(
    repro: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, record, commands in (
        ("reproducible_science", "repro/__init__.py,,\n", ""),
        ("other", "other/repro/__init__.py,,\n", "[console_scripts]\nrepro = other:main\n"),
        ("harmless", "harmless/repro.py,,\n", "[console_scripts]\nreproduce = harmless:main\n"),
    ):
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (folder / "RECORD").write_text(record)
        (folder / "entry_points.txt").write_text(commands)
    for name in ("repro", "other/repro", "harmless"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "harmless" / "repro.py").touch()
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])  # behind the package itself
    assert foreign_packages() == ["other", "reproducible_science"]
    status, out, _ = repro("doctor")
    assert status == 0
    assert "other, reproducible_science: also bring a module or command 'repro'" in " ".join(out.split())


def test_the_command_has_a_second_name_that_nobody_else_uses() -> None:
    names = {entry.name: entry.value for entry in distribution("imbalance-book").entry_points}
    assert names["imbalance-book"] == names["repro"]
