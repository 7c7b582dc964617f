"""The build: what it executes, what it keeps, when it does nothing."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import book_inputs
import book_notebooks
import filelock
import nbformat
import pytest
from book_site import ROOT, parsed
from jupyter_cache import get_cache
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


def loaded_build() -> ModuleType:
    """The build as a module."""
    spec = importlib.util.spec_from_file_location("book_build", ROOT / "book" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


book_build = loaded_build()


def write(path: Path, *sources: str, prose: str = "# Title", **metadata: object) -> Path:
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [new_markdown_cell(prose), *(new_code_cell(source, metadata=metadata) for source in sources)]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)
    return path


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout that the notebook steps work in."""
    build = tmp_path / "_build"
    for module in (book_inputs, book_notebooks):
        monkeypatch.setattr(module, "ROOT", tmp_path)
        monkeypatch.setattr(module, "BUILD", build)
    monkeypatch.setattr(book_notebooks, "EXECUTED", build / "executed")
    monkeypatch.setattr(book_notebooks, "CACHE", build / ".jupyter_cache")
    return tmp_path


def test_table_of_contents_is_read_in_its_order() -> None:
    names = book_inputs.toc_files()
    assert names[0] == "book/index"
    assert names.index("book/how-to-read") < names.index("book/claims") < names.index("book/bibliography")
    for name in names:
        assert any((ROOT / f"{name}{suffix}").is_file() for suffix in (".md", ".ipynb")), name


def test_fingerprint_sees_names_and_contents_and_no_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_inputs, "ROOT", tmp_path)

    def fingerprint() -> str:
        return book_inputs.hash_of(book_inputs.files_below(tmp_path))

    (tmp_path / "a.md").write_text("one", encoding="utf-8")
    first = fingerprint()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("compiled", encoding="utf-8")
    assert fingerprint() == first
    (tmp_path / "a.md").rename(tmp_path / "b.md")
    renamed = fingerprint()
    (tmp_path / "b.md").write_text("two", encoding="utf-8")
    assert len({first, renamed, fingerprint()}) == 3


def test_notebooks_are_executed_once_and_a_failed_one_is_named(
    checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    good = write(checkout / "notebooks" / "good.ipynb", "import os", "print(6 * 7, os.environ['REPRO_PROFILE'])")
    bad = write(checkout / "notebooks" / "bad.ipynb", "print('before')", "raise ValueError('the reason')")
    assert book_notebooks.execute([good, bad], 1) == [bad]
    assert "the reason" in capfd.readouterr().out
    assert nbformat.read(good, 4).cells[2].outputs == []
    executed = nbformat.read(checkout / "_build" / "executed" / "notebooks" / "good.ipynb", 4)
    assert executed.cells[2].outputs[0].text == "42 quick\n"
    assert not book_notebooks.is_stale(good)
    assert book_notebooks.is_stale(bad)

    write(
        good,
        "import os",
        "print(6 * 7, os.environ['REPRO_PROFILE'])",
        prose="# Another title",
        mystnb={"image": {"alt": "a text"}},
    )
    assert not book_notebooks.is_stale(good), "prose and alternative texts need no execution"
    book_notebooks.fill_cache([good])
    merged = get_cache(str(book_notebooks.CACHE)).merge_match_into_notebook(nbformat.read(good, 4))[1]
    assert merged.cells[2].outputs[0].text == "42 quick\n"
    assert merged.cells[2].metadata["mystnb"]["image"]["alt"] == "a text"
    assert book_notebooks.executed_by_the_pages() == []

    write(good, "import os", "print(6 * 8)")
    assert book_notebooks.is_stale(good)


@pytest.mark.parametrize(("processors", "at_once", "each"), [(2, 1, "2"), (2, 2, "1"), (16, 3, "5"), (2, 4, "1")])
def test_notebooks_share_the_processors(
    monkeypatch: pytest.MonkeyPatch, processors: int, at_once: int, each: str
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert set(book_notebooks.share_of_threads(at_once).values()) == {each}


def test_a_limit_of_threads_that_is_set_stays(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    path = write(checkout / "notebooks" / "threads.ipynb", "import os", "print(os.environ['OMP_NUM_THREADS'])")
    assert book_notebooks.execute([path], 1) == []
    executed = nbformat.read(checkout / "_build" / "executed" / "notebooks" / "threads.ipynb", 4)
    assert executed.cells[2].outputs[0].text == "7\n"


def test_a_damaged_execution_is_done_again_and_said(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(checkout / "notebooks" / "whole.ipynb", "print('first')")
    assert book_notebooks.execute([path], 1) == []
    executed = checkout / "_build" / "executed" / "notebooks" / "whole.ipynb"
    record = executed.with_suffix(".json")
    notebook, known = executed.read_text(encoding="utf-8"), record.read_text(encoding="utf-8")
    capsys.readouterr()
    assert not book_notebooks.is_stale(path)
    assert capsys.readouterr().out == ""
    other_record = json.dumps({"fingerprint": json.loads(known)["fingerprint"]})
    for place, text in [
        (record, known[:20]),
        (record, "[]"),
        (record, "null"),
        (record, "\0" * 40),
        (record, other_record),
        (executed, notebook[: len(notebook) // 2]),
        (executed, notebook.replace("first", "other")),
        (executed, ""),
    ]:
        executed.write_text(notebook, encoding="utf-8")
        record.write_text(known, encoding="utf-8")
        place.write_text(text, encoding="utf-8")
        assert book_notebooks.is_stale(path), f"{place.name} with {text[:40]!r}"
        assert "whole.ipynb is damaged; it is executed again" in capsys.readouterr().out
    record.write_bytes(b"\xff\xfe\x00")
    assert book_notebooks.is_stale(path)
    assert book_notebooks.execute([path], 1) == []
    assert not book_notebooks.is_stale(path)
    record.unlink()
    capsys.readouterr()
    assert book_notebooks.is_stale(path)
    assert capsys.readouterr().out == "", "one that was never executed is not damaged"


def test_a_damaged_cache_of_the_pages_is_written_anew(checkout: Path) -> None:
    path = write(checkout / "notebooks" / "page.ipynb", "print(6 * 7)")
    assert book_notebooks.execute([path], 1) == []
    for damage in ("global.db", "executed"):
        book_notebooks.fill_cache([path])
        place = book_notebooks.CACHE / damage
        for file in [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]:
            file.write_bytes(b"damaged")
        book_notebooks.fill_cache([path])
        merged = get_cache(str(book_notebooks.CACHE)).merge_match_into_notebook(nbformat.read(path, 4))[1]
        assert merged.cells[1].outputs[0].text == "42\n"


def test_old_records_leave_the_cache(checkout: Path) -> None:
    for name in ("one", "two"):
        path = write(checkout / "notebooks" / f"{name}.ipynb", f"print('{name}')")
        target = checkout / "_build" / "executed" / "notebooks" / f"{name}.ipynb"
        write(target, f"print('{name}')")
        notebook = nbformat.read(target, 4)
        notebook.cells[1].execution_count = 1
        nbformat.write(notebook, target)
        target.with_suffix(".json").write_text(json.dumps({"fingerprint": "", "seconds": 1.0}), encoding="utf-8")
        book_notebooks.fill_cache([path])
    records = get_cache(str(book_notebooks.CACHE)).list_cache_records()
    assert [Path(record.uri).stem for record in records] == ["two"]


def test_a_notebook_depends_on_what_it_looked_at_and_on_nothing_else(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = write(
        checkout / "notebooks" / "looking.ipynb",
        "from repro.data import load\nload('german_credit')",
        "from repro.claims import card\ncard('smote-c2', ['paper'])",
    )
    plain = write(checkout / "notebooks" / "plain.ipynb", "print(1)")
    assert book_notebooks.execute([looking, plain], 1) == []
    records = [
        json.loads((checkout / f"_build/executed/notebooks/{name}.json").read_text()) for name in ("looking", "plain")
    ]
    uses = [tuple(use) for use in records[0]["used"]]
    assert ("data set", "german_credit") in uses
    assert ("claim", "smote-c2") in uses
    assert ("result table", "smote.roc_sweep paper") in uses
    assert not {("data set", "adult"), ("claim", "smote-c1"), ("claims", "smote")} & set(uses)
    assert records[1]["used"] == []
    assert not book_notebooks.is_stale(looking)
    state_of = book_notebooks.state_of
    for changed in (*uses, ("data set", "adult"), ("claim", "smote-c1")):
        monkeypatch.setattr(
            book_notebooks, "state_of", lambda use, changed=changed: "new" if use == changed else state_of(use)
        )
        assert book_notebooks.is_stale(looking) == (changed in uses)
        assert not book_notebooks.is_stale(plain)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose only study is a toy with committed tables; its folder of results."""
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "running"))
    from toy_experiments import NUMBERS

    from repro import studies
    from repro.ground import files
    from repro.running import run

    monkeypatch.setattr(files, "build_folder", lambda: tmp_path / "_build")
    monkeypatch.setattr(files, "project_root", lambda: tmp_path)
    monkeypatch.setattr(studies, "experiments", lambda study=None: {NUMBERS.name: NUMBERS})
    for profile in ("quick", "control"):
        run(NUMBERS, profile, backend="sequential", n_jobs=1, progress=False)
    return tmp_path / "results" / "toy"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_committed_tables_that_are_current_are_not_computed_again(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    book_build.run_experiments()
    assert "2 tables current, 0 computed" in capsys.readouterr().out
    assert not log.exists()


def test_a_stale_committed_table_is_computed_beside_it_and_the_reason_is_said(
    toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provenance = toy / "numbers.quick.json"
    provenance.write_text(provenance.read_text().replace('"code_hash": "', '"code_hash": "0'), encoding="utf-8")
    before = contents(toy)
    book_build.run_experiments()
    out = capsys.readouterr().out
    assert "toy.numbers (quick) is computed: the code has changed since commit" in out
    assert "1 tables current, 1 computed" in out
    assert contents(toy) == before
    assert (tmp_path / "_build" / "results" / "toy" / "numbers.quick.csv").is_file()
    book_build.run_experiments()
    assert "2 tables current, 0 computed" in capsys.readouterr().out


def test_a_missing_control_table_is_computed_and_said(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for suffix in ("csv", "json"):
        (toy / f"numbers.control.{suffix}").unlink()
    book_build.run_experiments()
    assert "toy.numbers (control) is computed: there is no table" in capsys.readouterr().out
    assert not (toy / "numbers.control.csv").exists()


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_a_damaged_committed_table_stops_the_build_and_stays_as_it_is(toy: Path, suffix: str) -> None:
    file = toy / f"numbers.quick.{suffix}"
    file.write_text(file.read_text()[:-30], encoding="utf-8")
    before = contents(toy)
    with pytest.raises(book_build.BuildError, match=r"toy\.numbers, profile quick: .*numbers\.quick\."):
        book_build.run_experiments()
    assert contents(toy) == before


@pytest.mark.book
@pytest.mark.xdist_group("book")
def test_a_second_build_waits_for_the_first_and_does_nothing(site: Path) -> None:
    page = site / "book" / "index.html"
    written = page.stat().st_mtime_ns
    command = [sys.executable, str(ROOT / "book" / "build.py")]
    with filelock.FileLock(ROOT / "_build" / ".book.lock"):
        waiting = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert waiting.stdout is not None
        assert "another build is running" in waiting.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(timeout=1)
    out, _ = waiting.communicate(timeout=120)
    assert waiting.returncode == 0
    assert "nothing changed" in out
    assert (site / "index.html").as_uri() in out
    assert page.stat().st_mtime_ns == written


@pytest.mark.book
@pytest.mark.xdist_group("book")
def test_one_chapter_is_built_alone(site: Path) -> None:
    stamp = (book_inputs.BUILD / "book.json").read_bytes()
    command = [sys.executable, str(ROOT / "book" / "build.py"), "--chapter", "smote"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    alone = book_inputs.BUILD / "chapters" / "smote" / "_build" / "html"
    page = alone / "notebooks" / "smote.html"
    assert page.as_uri() in finished.stdout
    assert "0 to execute, 1 up to date" in finished.stdout
    figures = [len(parsed(path).select(".cell_output figure")) for path in (page, site / "notebooks" / "smote.html")]
    assert figures[0] == figures[1] > 0
    assert [path.name for path in (alone / "notebooks").glob("*.html")] == ["smote.html"]
    assert (book_inputs.BUILD / "book.json").read_bytes() == stamp, "the book itself stays built"


def test_a_chapter_that_does_not_exist_is_refused_with_those_that_do() -> None:
    command = [sys.executable, str(ROOT / "book" / "build.py"), "--chapter", "smoke"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 1
    assert "no chapter 'smoke'" in finished.stdout
    assert "smote, auroc_auprc" in finished.stdout
    with pytest.raises(book_build.BuildError, match="no chapter 'naive_bayes'; the study is told of in 'closed_form'"):
        book_build.build_chapter("naive_bayes", force=False)


def test_a_study_of_an_unknown_chapter_stops_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    book_build.check_chapters()
    found = [name for name in book_build.toc_files() if name != "notebooks/closed_form"]
    monkeypatch.setattr(book_build, "toc_files", lambda: found)
    with pytest.raises(
        book_build.BuildError,
        match=r"unknown chapter 'closed_form' of fuzzy_rvfl, gda, naive_bayes: .*; there are smote",
    ):
        book_build.check_chapters()


def test_a_chapter_is_built_with_all_its_studies(checkout: Path) -> None:
    notebook = write(checkout / "notebooks" / "closed_form.ipynb", "print(1)")
    assert book_notebooks.studies_of(notebook) == ["fuzzy_rvfl", "gda", "naive_bayes"]


@pytest.mark.book
@pytest.mark.xdist_group("book")
def test_the_pages_executed_nothing_themselves(site: Path) -> None:
    assert book_notebooks.executed_by_the_pages() == []
    executed = {path.stem for path in book_notebooks.EXECUTED.rglob("*.ipynb")}
    assert {Path(name).stem for name in book_inputs.toc_files() if (ROOT / f"{name}.ipynb").is_file()} <= executed
