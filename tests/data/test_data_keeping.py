from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from repro.data import clear, fetch, load, verify
from repro.ground.exceptions import UnknownName


def copy_to(cache: Path, mirror: Path, *paths: str) -> None:
    for path in paths:
        (cache / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(mirror / path, cache / path)


def test_embedded_and_bundled_sets_verify_without_anything_else() -> None:
    statuses = verify(["adult", "german_credit", "prediabetes", "iris", "wine", "digits", "breast_cancer"])
    assert [status.state for status in statuses] == ["ok"] * 7
    assert statuses[0].route == "embedded"


def test_what_is_not_at_hand_is_absent() -> None:
    (status,) = verify("pima")
    assert (status.state, status.route) == ("absent", None)
    assert "REPRO_DATA_MIRROR" in status.problem


def test_fetching_goes_on_after_a_set_that_cannot_be_had() -> None:
    statuses = fetch(["pima", "adult"])
    assert [(status.name, status.state) for status in statuses] == [("pima", "absent"), ("adult", "ok")]
    assert "raw.githubusercontent.com" in statuses[0].problem


@pytest.mark.mirror
def test_fetching_shows_its_progress_where_asked(mirror: Path, serve, monkeypatch, capsys) -> None:
    monkeypatch.setenv("REPRO_DATA_MIRROR", serve(mirror).address)
    assert fetch("keel/iris0")[0].state == "ok"
    assert capsys.readouterr().err == ""
    assert fetch("phoneme", progress=True)[0].state == "ok"
    shown = capsys.readouterr()
    assert "phoneme.csv.gz" in shown.err
    size = (mirror / "phoneme" / "phoneme.csv.gz").stat().st_size / 1000
    assert f"{size:.1f}/{size:.1f} kB" in shown.err
    assert shown.out == ""


def test_an_unknown_name_is_refused_before_anything_is_fetched() -> None:
    with pytest.raises(UnknownName, match="did you mean 'adult'"):
        fetch(["pima", "adlut"])
    with pytest.raises(UnknownName, match="unknown data set 'kell/"):
        verify("kell/*")


@pytest.mark.mirror
def test_a_local_mirror_is_checked_and_not_copied(mirror: Path, cache: Path) -> None:
    (status,) = fetch("pima")
    assert (status.state, status.route) == ("ok", "mirror")
    assert status.places == (str(mirror / "pima" / "pima-indians-diabetes.csv.gz"),)
    assert not cache.exists()


@pytest.mark.mirror
def test_patterns_name_many_sets_and_each_only_once(mirror: Path) -> None:
    statuses = fetch(["keel/glass*", "keel/glass4", "keel/vehicle0"])
    names = [status.name for status in statuses]
    assert len(names) == len(set(names)) == 14
    assert {status.state for status in statuses} == {"ok"}


@pytest.mark.mirror
def test_verifying_finds_a_damaged_file_of_the_cache(mirror: Path, cache: Path, monkeypatch) -> None:
    path = "phoneme/phoneme.csv.gz"
    copy_to(cache, mirror, path)
    monkeypatch.delenv("REPRO_DATA_MIRROR")
    assert verify("phoneme")[0].state == "ok"
    (cache / path).write_bytes(b"1,2,3\n")
    (status,) = verify("phoneme")
    assert status.state == "damaged"
    assert "expected sha256 eacbb9f7" in status.problem
    assert not (cache / path).exists()
    assert verify("phoneme")[0].state == "absent"


@pytest.mark.mirror
def test_verifying_tells_of_a_damaged_cached_file_also_where_the_mirror_is_sound(mirror: Path, cache: Path) -> None:
    (cache / "phoneme").mkdir(parents=True)
    (cache / "phoneme" / "phoneme.csv").write_bytes(b"damaged")
    (status,) = verify("phoneme")
    assert (status.state, status.route) == ("damaged", "mirror")
    assert verify("phoneme")[0].state == "ok"


@pytest.mark.mirror
def test_verifying_does_not_ask_the_network(mirror: Path, serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(mirror)
    monkeypatch.setenv("REPRO_DATA_MIRROR", server.address)
    assert verify("phoneme")[0].state == "absent"
    assert server.requests == []
    assert fetch("phoneme")[0].state == "ok"
    assert verify("phoneme")[0].state == "ok"
    assert len(server.requests) == 1


@pytest.mark.mirror
def test_clearing_removes_what_is_registered_and_nothing_else(mirror: Path, cache: Path, monkeypatch) -> None:
    path = "phoneme/phoneme.csv.gz"
    copy_to(cache, mirror, path, "keel-imbalanced/iris0.dat.gz")
    (cache / "pima").mkdir()
    (cache / "pima" / "pima-indians-diabetes.csv").write_bytes(b"damaged")
    with pytest.warns(UserWarning, match="damaged file"):
        load("pima")
    (cache / "mine.txt").write_text("keep me")
    (cache / "phoneme" / "notes.txt").write_text("keep me too")
    size = (cache / path).stat().st_size + (cache / "keel-imbalanced" / "iris0.dat.gz").stat().st_size
    assert clear() == size + len(b"damaged")
    assert sorted(str(file.relative_to(cache)) for file in cache.rglob("*")) == [
        "mine.txt",
        "phoneme",
        "phoneme/notes.txt",
    ]
    assert clear() == 0
    assert (mirror / path).exists()


def test_clearing_refuses_to_delete_the_mirror(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache / "pima").mkdir(parents=True)
    file = cache / "pima" / "pima-indians-diabetes.csv"
    file.write_bytes(b"")
    monkeypatch.setenv("REPRO_DATA_MIRROR", str(cache))
    with pytest.raises(ValueError, match="are the same folder"):
        clear()
    assert file.exists()


def test_clearing_a_cache_that_is_not_there_frees_nothing() -> None:
    assert clear() == 0
