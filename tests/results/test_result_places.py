"""Where tables are written and where they are found."""

from __future__ import annotations

import pandas as pd
import pytest

from repro.protocol.exceptions import ResultsError, UnknownName
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
    monkeypatch.setattr("repro.protocol.files.project_root", lambda: tmp_path)
    monkeypatch.setattr("repro.studies.experiments", lambda study=None: {EXPERIMENT.name: EXPERIMENT})
    return tmp_path


@pytest.fixture
def installed(tmp_path, monkeypatch):
    monkeypatch.setattr("repro.protocol.files.project_root", lambda: None)
    monkeypatch.setenv("REPRO_DATA_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("repro.__file__", str(tmp_path / "package" / "__init__.py"))
    return tmp_path


@pytest.fixture
def put(make_frame, make_provenance):
    def put(path, profile="paper", experiment="toy.trial"):
        write_table(make_frame(), make_provenance(profile=profile, experiment=experiment), path)

    return put


def test_quick_and_control_are_built_the_others_committed(checkout):
    assert table_path("toy.trial", "quick") == checkout / "_build/results/toy/trial.quick.csv"
    assert table_path("toy.trial", "control") == checkout / "_build/results/toy/trial.control.csv"
    assert table_path("toy.trial", "standard") == checkout / "results/toy/trial.standard.csv"
    assert table_path(EXPERIMENT, "paper") == checkout / "results/toy/trial.paper.csv"


def test_an_installed_copy_writes_to_the_cache_and_reads_what_it_brings_along(installed, put):
    own = installed / "cache/build/results/toy/trial.paper.csv"
    packaged = installed / "package/_results/toy/trial.paper.csv"
    assert table_path("toy.trial", "paper") == own
    put(packaged)
    assert find_table("toy.trial", "paper").path == packaged
    put(own)
    assert find_table("toy.trial", "paper").path == own


def test_a_committed_control_is_found_when_none_was_built(checkout, put):
    committed, built = checkout / "results/toy/trial.control.csv", checkout / "_build/results/toy/trial.control.csv"
    put(committed, "control")
    assert find_table("toy.trial", "control").path == committed
    put(built, "control")
    assert find_table("toy.trial", "control").path == built


def test_a_quick_table_is_never_taken_from_the_committed_ones(checkout, put):
    put(checkout / "results/toy/trial.quick.csv", "quick")
    assert find_table("toy.trial", "quick") is None


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
