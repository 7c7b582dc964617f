"""Where tables are written and where they are found."""

from __future__ import annotations

import pandas as pd
import pytest

from repro.ground.exceptions import ResultsError, UnknownName
from repro.protocol.experiment import Experiment
from repro.results import available_tables, find_table, table_path, write_table

EXPERIMENT = Experiment(
    name="toy.trial",
    summary="a trial",
    settings=("dataset", "level"),
    compute=lambda cell: pd.DataFrame(),
    cells={"quick": list, "paper": list, "control": list},
)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    monkeypatch.setattr("repro.ground.files.project_root", lambda: tmp_path)
    monkeypatch.setattr("repro.studies.experiments", lambda study=None: {EXPERIMENT.name: EXPERIMENT})
    return tmp_path


@pytest.fixture
def installed(tmp_path, monkeypatch):
    monkeypatch.setattr("repro.ground.files.project_root", lambda: None)
    monkeypatch.setenv("REPRO_DATA_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("repro.__file__", str(tmp_path / "package" / "__init__.py"))
    return tmp_path


@pytest.fixture
def put(make_frame, make_provenance):
    def put(path, profile="paper", experiment="toy.trial"):
        write_table(make_frame(), make_provenance(profile=profile, experiment=experiment), path)

    return put


def test_a_run_writes_where_tables_are_committed_and_the_book_beside_them(checkout):
    for profile in ("quick", "standard", "paper", "control"):
        assert table_path(EXPERIMENT, profile) == checkout / f"results/toy/trial.{profile}.csv"
        assert table_path("toy.trial", profile, built=True) == checkout / f"_build/results/toy/trial.{profile}.csv"


def test_an_installed_copy_writes_to_the_cache_and_reads_what_it_brings_along(installed, put):
    own = installed / "cache/build/results/toy/trial.paper.csv"
    packaged = installed / "package/_results/toy/trial.paper.csv"
    assert table_path("toy.trial", "paper") == own
    put(packaged)
    assert find_table("toy.trial", "paper").path == packaged
    put(own)
    assert find_table("toy.trial", "paper").path == own


@pytest.mark.parametrize("profile", ["quick", "control"])
@pytest.mark.parametrize(
    ("current", "expected"),
    [(("committed", "built"), "committed"), (("built",), "built"), (("committed",), "committed"), ((), "committed")],
)
def test_of_two_tables_that_is_taken_which_the_code_stands_behind(
    checkout, put, monkeypatch, profile, current, expected
):
    places = {
        "committed": checkout / f"results/toy/trial.{profile}.csv",
        "built": checkout / f"_build/results/toy/trial.{profile}.csv",
    }
    for path in places.values():
        put(path, profile)
    good = {places[name] for name in current}
    monkeypatch.setattr("repro.results.places.is_current", lambda table, experiment: table.path in good)
    assert find_table(EXPERIMENT, profile).path == places[expected]
    assert available_tables("toy") == {("toy.trial", profile): places[expected]}


def test_a_damaged_table_in_the_build_folder_does_not_hide_the_committed_one(checkout, put, monkeypatch):
    committed, built = (checkout / f"{folder}/toy/trial.quick.csv" for folder in ("results", "_build/results"))
    put(committed, "quick")
    put(built, "quick")
    built.write_text("damaged")
    monkeypatch.setattr("repro.results.places.is_current", lambda table, experiment: False)
    assert find_table(EXPERIMENT, "quick").path == committed


def test_a_damaged_committed_table_is_an_error_whatever_lies_in_the_build_folder(checkout, put):
    committed, built = (checkout / f"{folder}/toy/trial.quick.csv" for folder in ("results", "_build/results"))
    put(committed, "quick")
    put(built, "quick")
    committed.write_text(committed.read_text().replace("pima", "PIMA"))
    with pytest.raises(ResultsError, match=r"results/toy/trial\.quick\.csv: the table is not the one its provenance"):
        find_table(EXPERIMENT, "quick")


def test_a_compressed_table_is_found_by_its_plain_name(checkout, make_frame, make_provenance, monkeypatch):
    monkeypatch.setattr("repro.results.tables.LARGEST_PLAIN", 10)
    path = checkout / "results/toy/trial.paper.csv"
    write_table(make_frame(), make_provenance(profile="paper"), path)
    assert not path.exists()
    assert find_table("toy.trial", "paper").path == path
    assert available_tables("toy") == {("toy.trial", "paper"): path}


def test_available_tables_lists_what_exists_in_order(checkout, put):
    put(checkout / "results/toy/trial.paper.csv")
    put(checkout / "_build/results/toy/trial.quick.csv", "quick")
    assert list(available_tables("toy")) == [("toy.trial", "quick"), ("toy.trial", "paper")]


def test_a_table_in_the_wrong_place_is_refused(checkout, put):
    put(checkout / "results/toy/trial.paper.csv", experiment="toy.other")
    with pytest.raises(ResultsError, match=r"holds toy\.other in profile 'paper', expected toy\.trial"):
        find_table("toy.trial", "paper")


def test_unknown_profile_suggests_the_nearest(checkout):
    with pytest.raises(UnknownName, match="did you mean 'paper'"):
        table_path("toy.trial", "papr")


def test_a_name_without_study_is_refused(checkout):
    with pytest.raises(ValueError, match=r"experiment must be '<study>\.<experiment>', got 'trial'"):
        table_path("trial", "paper")
