"""Executing the book's notebooks once, and handing what was executed to the pages."""

from __future__ import annotations

import copy
import datetime
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import nbformat
from book_inputs import BUILD, ROOT, files_below, hash_of
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn

from repro.protocol.used import FILE_VARIABLE, Use, read_uses

EXECUTED = BUILD / "executed"
CACHE = BUILD / ".jupyter_cache"
TIMEOUT = 600  # seconds a cell may take
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
USED = "used.jsonl"
"""File beside a notebook that is executed, into which the package writes what it looks at."""

CARDS = ROOT / "src" / "repro" / "claims" / "templates"
"""What cards are written with; a notebook that shows claims depends on it."""
WIDGETS = ROOT / "src" / "repro" / "plotting" / "widgets"
"""Scripts and styles of widgets; a notebook that shows one depends on them."""


def fingerprint(path: Path, uses: Collection[Use]) -> str:
    """Hash of all that can change the outputs of a notebook.

    Counted are its code cells, what these use of the package, the versions of the libraries that is written with, and
    the data sets, result tables, claims and experiments that it looked at when it was executed. Its prose is not.

    Parameters
    ----------
    path : pathlib.Path
        A notebook of the repository.
    uses : iterable of Use
        What it looked at.
    """
    from repro.ground.code import dependence_of_source, hash_with_libraries

    cells = _code_cells(nbformat.read(path, as_version=4))
    code = "\n\n".join(_plain(cell.source) for cell in cells)
    try:
        depends = hash_with_libraries(dependence_of_source(code))
    except SyntaxError as problem:
        raise SystemExit(f"[book] error: the code of {path.name} is not Python: {problem}") from problem
    tags = json.dumps([cell.metadata.get("tags", []) for cell in cells])
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    looked_at = [f"{use.kind} {use.name} {state_of(use)}" for use in uses]
    if any(use.kind in ("claim", "claims") for use in uses):
        looked_at += [path.read_text(encoding="utf-8") for path in files_below(CARDS)]
    if "repro.plotting.widgets" in code:
        looked_at += [path.read_text(encoding="utf-8") for path in files_below(WIDGETS) if path.suffix != ".py"]
    return hash_of([], code, depends, tags, python, *looked_at)


def state_of(use: Use) -> str:
    """Text that changes when something that a notebook looked at has changed."""
    from repro import data
    from repro.claims import all_claims
    from repro.claims.accepted import read_expected
    from repro.claims.telling import sentences_path
    from repro.data.registry import entry
    from repro.ground.exceptions import ReproError
    from repro.results import provenance_path, readable_paths, stored_files
    from repro.studies import experiments

    try:
        if use.kind == "data set":
            return f"{data.checksum(use.name)} {entry(use.name).model_dump_json()}"
        if use.kind == "result table":
            paths = readable_paths(*use.name.split(" "))
            files = [file for path in paths for file in (*stored_files(path), provenance_path(path)) if file.is_file()]
            return " ".join(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
        if use.kind == "findings":
            path = sentences_path(use.name)
            return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "none"
        if use.kind == "experiment":
            declared = experiments(use.name.partition(".")[0])[use.name]
            return f"{declared.summary} {declared.settings} {declared.variants} {declared.exchanged} {declared.seed}"
        study = use.name.partition("-")[0]
        accepted = read_expected(study)
        known = all_claims(study)
        names = [use.name] if use.kind == "claim" else list(known)
        return " ".join(f"{known[name].model_dump_json()} {accepted.get(name)!r}" for name in names)
    except (ReproError, KeyError) as problem:
        return f"gone: {problem}"


def _plain(source: str) -> str:
    """Code of a cell without the lines that only a notebook understands."""
    return "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))


def studies_of(path: Path) -> list[str]:
    """Studies that a notebook is about or that its code names."""
    from repro.studies import chapter_of, study_names

    code = "\n\n".join(cell.source for cell in _code_cells(nbformat.read(path, as_version=4)))
    return [name for name in study_names() if chapter_of(name) == path.stem or re.search(rf"\b{name}\b", code)]


def _stored(path: Path) -> Path:
    return EXECUTED / path.relative_to(ROOT)


def is_stale(path: Path) -> bool:
    """Whether a notebook has to be executed: never done, or something that its outputs depend on has changed.

    A stored execution that is not as it was written counts as never done, and a line says so.
    """
    executed, record = _stored(path), _stored(path).with_suffix(".json")
    if not (executed.is_file() and record.is_file()):
        return True
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
        uses = [Use(kind, name) for kind, name in known["used"]]
        whole = set(known) == {"fingerprint", "seconds", "sha256", "used"} and known["sha256"] == _sha256(executed)
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        whole = False
    if not whole:
        print(f"[book] the stored execution of {path.name} is damaged; it is executed again", flush=True)
    return not whole or bool(known["fingerprint"] != fingerprint(path, uses))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def share_of_threads(at_once: int) -> dict[str, str]:
    """Environment in which the compiled libraries of one of so many processes take their share of the processors."""
    return dict.fromkeys(THREADS, str(max(1, (os.cpu_count() or 1) // at_once)))


def execute(paths: list[Path], workers: int) -> list[Path]:
    """Execute notebooks through nbmake and store those that ran to their end.

    They run in a temporary folder with the kernel of this environment: a notebook may rely on the installed package,
    not on its place in the repository. (nbmake also passes over every path that contains ``_build``.) The processors
    are shared out: threads of two kernels that wait for each other on the same two cores took ten times as long.
    ``OMP_NUM_THREADS`` and the like are left as they are where they are set.

    Parameters
    ----------
    paths : list of pathlib.Path
        Notebooks of the repository.
    workers : int
        How many are executed at once, at most.

    Returns
    -------
    list of pathlib.Path
        The notebooks that failed; their tracebacks have been printed.
    """
    with tempfile.TemporaryDirectory(prefix="imbalance-book-") as name:
        folder = Path(name)
        # each in a folder of its own, so that what it looks at can be told from what the others do
        copies = {path: folder / path.stem / path.relative_to(ROOT) for path in paths}
        for path, place in copies.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        environ = {
            key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "JUPYTER_", "IPYTHON"))
        }
        at_once = max(1, min(workers, len(paths)))
        environ = share_of_threads(at_once) | environ
        environ |= {
            "REPRO_PROFILE": "quick",
            FILE_VARIABLE: USED,
            "JUPYTER_PREFER_ENV_PATH": "1",
            "IPYTHONDIR": str(folder / ".ipython"),
        }
        options = ["--nbmake", "--overwrite", f"--nbmake-timeout={TIMEOUT}", "--nbmake-kernel=python3"]
        parallel = ["-n", str(at_once), "--dist", "worksteal"] if at_once > 1 else []
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-c",
            "pytest.ini",
            "-p",
            "no:cacheprovider",
            "-q",
            *options,
            *parallel,
        ]
        subprocess.run([*command, *map(str, copies.values())], cwd=folder, env=environ, check=False)
        failed = [path for path, place in copies.items() if not _ran_to_its_end(place)]
        for path in set(paths) - set(failed):
            target = _stored(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(copies[path], target)
            uses = read_uses(copies[path].parent / USED)
            record = {
                "fingerprint": fingerprint(path, uses),
                "seconds": _seconds(target),
                "sha256": _sha256(target),
                "used": uses,
            }
            target.with_suffix(".json").write_text(json.dumps(record) + "\n", encoding="utf-8")
    return failed


def _code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _ran_to_its_end(path: Path) -> bool:
    cells = _code_cells(nbformat.read(path, as_version=4))
    errors = any(output.output_type == "error" for cell in cells for output in cell.outputs)
    return not errors and all(cell.execution_count for cell in cells if cell.source.strip())


def _seconds(path: Path) -> float:
    """Time from the start of the first cell to the end of the last, in seconds."""
    times = [
        datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        for cell in _code_cells(nbformat.read(path, as_version=4))
        for value in cell.metadata.get("execution", {}).values()
    ]
    return round((max(times) - min(times)).total_seconds(), 1) if times else 0.0


def with_outputs(source: Any, executed: Any) -> Any:
    """Copy of the notebook `source`, prose and cell metadata as they are now, with the outputs of `executed`."""
    merged = copy.deepcopy(source)
    merged.metadata["language_info"] = executed.metadata.get("language_info", {})
    for cell, done in zip(_code_cells(merged), _code_cells(executed), strict=True):
        cell.outputs, cell.execution_count = done.outputs, done.execution_count
    return merged


def fill_cache(paths: list[Path], folder: Path | None = None) -> None:
    """Write a fresh cache that holds exactly the executed notebooks `paths`, by default that of the whole book.

    The cache knows a notebook by its code alone, so it is filled anew each time: a changed alternative text or tag
    reaches the page without another execution, and records of the past are gone.
    """
    folder = folder or CACHE
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    cache = get_cache(str(folder))
    for path in paths:
        source, executed = (nbformat.read(place, as_version=4) for place in (path, _stored(path)))
        record = json.loads(_stored(path).with_suffix(".json").read_text(encoding="utf-8"))
        bundle = CacheBundleIn(with_outputs(source, executed), str(path), data={"execution_seconds": record["seconds"]})
        cache.cache_notebook_bundle(bundle, check_validity=True)


def executed_by_the_pages(folder: Path | None = None) -> list[str]:
    """Notebooks that the page build did not find in the cache and executed itself."""
    return [Path(record.uri).name for record in get_cache(str(folder or CACHE)).list_project_records()]
