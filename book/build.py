"""Build the book: quick experiments, executed notebooks, strict pages; each step only when its inputs changed.

``python book/build.py`` writes the site to ``_build/html``. The steps and what they keep:

1. those ``quick`` and control tables whose committed form is missing or out of date, into ``_build/results`` (cells are
   kept in ``_build/cells``); committed tables are never written;
2. the notebooks of the table of contents that are out of date, once each, through nbmake, into ``_build/executed``;
3. the executed notebooks, into the cache from which the pages take their outputs, so that no page executes anything;
4. the pages, strictly and from fresh doctrees, into ``_build/html``.

When nothing that the pages depend on has changed since the last successful build, all of it is skipped.

``python book/build.py --chapter sade`` does the same for one chapter, its studies and those that it names, into
``_build/chapters/sade``: what its author looks at between two edits. Links to other pages lead nowhere there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import filelock

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import book_notebooks  # noqa: E402
from book_inputs import BUILD, site_fingerprint, toc_files  # noqa: E402

SITE = BUILD / "html"
STAMP = BUILD / "book.json"


class BuildError(Exception):
    """A step failed; the message says which and what to do."""


def say(text: str) -> None:
    """Print a line of progress at once."""
    print(f"[book] {text}", flush=True)


def run_experiments(studies: Sequence[str | None] = (None,)) -> None:
    """Compute the result tables of quick experiments and controls that are not up to date, and say why.

    Parameters
    ----------
    studies : sequence of str or None, default=(None,)
        Names of studies; None for all.

    Raises
    ------
    BuildError
        If an experiment fails, or a committed table is damaged.
    """
    from repro.ground.exceptions import ReproError
    from repro.protocol.profile import CONTROL
    from repro.results import find_table, reasons_to_renew
    from repro.running import results
    from repro.studies import experiments

    computed = current = 0
    for experiment in [experiment for study in studies for experiment in experiments(study).values()]:
        for profile in ("quick", CONTROL):
            if profile not in experiment.cells:
                continue
            try:
                table = find_table(experiment, profile)
                reasons = ["there is no table"] if table is None else reasons_to_renew(table, experiment)
                if reasons:
                    say(f"    {experiment.name} ({profile}) is computed: {'; '.join(reasons)}")
                    results(experiment, profile)
            except ReproError as problem:
                raise BuildError(f"{experiment.name}, profile {profile}: {problem}") from problem
            computed, current = computed + bool(reasons), current + (not reasons)
    say(f"    {current} tables current, {computed} computed")


def check_chapters() -> None:
    """Refuse a study that is told of in no chapter of the table of contents.

    Raises
    ------
    BuildError
        With the study, its chapter, and those there are.
    """
    from repro.studies import chapters

    known = [Path(name).name for name in toc_files() if name.startswith("notebooks/")]
    try:
        found = chapters()
    except ValueError as problem:
        raise BuildError(str(problem)) from problem
    for name, studies in found.items():
        if name not in known:
            raise BuildError(
                f"unknown chapter {name!r} of {', '.join(studies)}: _toc.yml has no line 'notebooks/{name}'; "
                f"there are {', '.join(known)}"
            )


def run_notebooks(paths: Sequence[Path], *, force: bool, workers: int) -> None:
    """Execute the notebooks that are out of date.

    Raises
    ------
    BuildError
        If one fails.
    """
    stale = [path for path in paths if force or book_notebooks.is_stale(path)]
    say(f"2/4 notebooks: {len(stale)} to execute, {len(paths) - len(stale)} up to date")
    failed = book_notebooks.execute(stale, workers) if stale else []
    if failed:
        raise BuildError(f"failed: {', '.join(path.name for path in failed)}; the traceback stands above")


def jupyter_book(*options: str) -> int:
    """Run Jupyter Book over the repository and return its exit code."""
    program = Path(sys.executable).with_name("jupyter-book")
    command = [str(program), "build", str(ROOT), "-q", *options]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "REPRO_PROFILE": "quick"}, check=False).returncode


def build_pages() -> None:
    """Write all pages, with every warning an error.

    Doctrees of an earlier build are removed first: a page that Sphinx does not read again repeats no warning.

    Raises
    ------
    BuildError
        If a page has a warning or an error, if a notebook was executed after all, or if pages are missing.
    """
    for folder in (BUILD / ".doctrees", SITE):
        shutil.rmtree(folder, ignore_errors=True)
    if jupyter_book("-W", "--keep-going"):
        raise BuildError("the pages have warnings or errors (listed above); the strict build refuses them")
    executed = book_notebooks.executed_by_the_pages()
    if executed:
        raise BuildError(f"the page build executed {', '.join(executed)} itself, though nbmake had done so")
    missing = [name for name in toc_files() if not (SITE / name).with_suffix(".html").is_file()]
    if missing or not (SITE / "index.html").is_file():
        raise BuildError(f"the site is incomplete: no page for {', '.join(missing) or 'index'}")


def build(*, force: bool, workers: int) -> None:
    """Bring the book up to date.

    Parameters
    ----------
    force : bool
        Execute every notebook and write every page, whatever is up to date.
    workers : int
        How many notebooks are executed at once, at most.

    Raises
    ------
    BuildError
        If a notebook fails or the pages are not clean.
    """
    if not force and up_to_date():
        say("nothing changed since the last build")
        return
    STAMP.unlink(missing_ok=True)
    check_chapters()
    say("1/4 quick experiments and controls")
    run_experiments()
    fingerprint = site_fingerprint()
    notebooks = [ROOT / f"{name}.ipynb" for name in toc_files() if (ROOT / f"{name}.ipynb").is_file()]
    run_notebooks(notebooks, force=force, workers=workers)
    say("3/4 cache of executed notebooks")
    book_notebooks.fill_cache(notebooks)
    say("4/4 pages")
    build_pages()
    STAMP.write_text(json.dumps({"fingerprint": fingerprint}) + "\n", encoding="utf-8")


def build_chapter(name: str, *, force: bool) -> Path:
    """Build one chapter alone, with the quick experiments and controls of its studies and those that it names.

    Parameters
    ----------
    name : str
        Of a notebook of the table of contents, without folder and suffix.
    force : bool
        Execute the notebook whether or not it is up to date.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    BuildError
        If there is no such chapter, its notebook fails, or there is no page. Warnings are shown and pass.
    """
    from repro.studies import chapter_of, study_names

    chapters = {Path(entry).name: entry for entry in toc_files() if (ROOT / f"{entry}.ipynb").is_file()}
    if name not in chapters:
        hint = f"the study is told of in {chapter_of(name)!r}" if name in study_names() else ""
        raise BuildError(f"there is no chapter {name!r}; {hint or 'there are ' + ', '.join(chapters)}")
    notebook, target = ROOT / f"{chapters[name]}.ipynb", BUILD / "chapters" / name
    studies = book_notebooks.studies_of(notebook)
    say(f"1/4 quick experiments and controls of {', '.join(studies) or 'no study'}")
    run_experiments(studies)
    run_notebooks([notebook], force=force, workers=1)
    say("3/4 cache of the executed notebook")
    cache = target / "_build" / ".jupyter_cache"
    book_notebooks.fill_cache([notebook], cache)
    say("4/4 page")
    for folder in (".doctrees", "html"):
        shutil.rmtree(target / "_build" / folder, ignore_errors=True)
    contents = target / "toc.yml"
    contents.write_text(f"format: jb-book\nroot: {chapters[name]}\n", encoding="utf-8")
    jupyter_book("--toc", str(contents), "--path-output", str(target))
    page = (target / "_build" / "html" / chapters[name]).with_suffix(".html")
    if not page.is_file() or book_notebooks.executed_by_the_pages(cache):
        raise BuildError(f"{page.name} was not built; the reason stands above")
    return page


def up_to_date() -> bool:
    """Whether the site stands and everything it depends on is as it was when it was built."""
    try:
        recorded = json.loads(STAMP.read_text(encoding="utf-8"))["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return (SITE / "book" / "index.html").is_file() and bool(recorded == site_fingerprint())


def main() -> int:
    """Run the build and return the exit code."""
    parser = argparse.ArgumentParser(description="Build the book into _build/html.")
    parser.add_argument("--force", action="store_true", help="execute every notebook and write every page again")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="notebooks executed at once")
    parser.add_argument("--chapter", metavar="NAME", help="build only this chapter, into _build/chapters/NAME")
    options = parser.parse_args()
    started = time.monotonic()
    BUILD.mkdir(exist_ok=True)
    lock = filelock.FileLock(BUILD / ".book.lock")
    try:
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            say("another build is running; waiting for it to finish")
            lock.acquire()
        try:
            if options.chapter is None:
                build(force=options.force, workers=max(1, options.workers))
                page = SITE / "index.html"
            else:
                page = build_chapter(options.chapter, force=options.force)
        finally:
            lock.release()
    except BuildError as problem:
        say(f"error: {problem}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; finished cells and notebooks are kept")
        return 130
    say(f"done in {time.monotonic() - started:.0f} s; open {page.as_uri()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
