"""``repro new``: the skeleton of a study, a small worked example that runs."""

from __future__ import annotations

import datetime
import importlib
import json
import keyword
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from repro.cli.output import say
from repro.ground.exceptions import ReproError

__all__ = ["new", "write_study"]

TEMPLATES = Path(__file__).parent / "templates"
CHAPTER_LINE = re.compile(r"^( *)- file: notebooks/\w+ *$", re.MULTILINE)


def _checkout() -> Path:
    from repro.ground.files import project_root

    root = project_root()
    if root is None:
        raise ReproError("this needs a checkout of the project; the installed package has no place for a study")
    return root


def _check_name(study: str, root: Path) -> None:
    from repro import studies

    if not re.fullmatch(r"[a-z][a-z0-9_]*", study) or keyword.iskeyword(study):
        raise ValueError(f"study must be lower-case letters, digits and underscores, got {study!r}")
    if study in studies.study_names():
        raise ValueError(f"study {study!r} exists already in {root / 'src/repro/studies' / study}")


def _notebook(text: str, study: str) -> str:
    """Notebook half of a pair: stripped, with names of the cells that do not change from run to run."""
    try:
        jupytext: Any = importlib.import_module("jupytext")
    except ImportError as error:
        raise ReproError("writing the notebook needs jupytext: pip install 'imbalance-book[book]'") from error
    notebook: Any = jupytext.reads(text, fmt="py:percent")
    for number, cell in enumerate(notebook.cells, start=1):
        cell["id"] = f"{study.replace('_', '-')}-{number:02d}"
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _toc_with(text: str, study: str) -> str:
    """Table of contents with the chapter after the last one."""
    chapters = list(CHAPTER_LINE.finditer(text))
    if not chapters:
        raise ReproError("_toc.yml has no chapter of the form '- file: notebooks/<study>' to put the new one after")
    end = chapters[-1].end()
    return f"{text[:end]}\n{chapters[-1][1]}- file: notebooks/{study}{text[end:]}"


def study_files(study: str, root: Path) -> dict[Path, str]:
    """Compose the content of every file that a study adds or changes.

    Parameters
    ----------
    study : str
        Name of the study.
    root : pathlib.Path
        The checkout.
    """
    from repro import __version__
    from repro.cli.repository import repository_address, slug_of

    address = repository_address(root)
    values = {
        "study": study,
        "title": study.replace("_", " ").capitalize(),
        "key": f"{study}_paper",
        "address": address,
        "slug": slug_of(address),
        "version": __version__,
        "year": str(datetime.datetime.now(datetime.UTC).year),
    }

    def filled(name: str) -> str:
        text = (TEMPLATES / f"{name}.txt").read_text(encoding="utf-8")
        return re.sub(rf"@({'|'.join(values)})@", lambda found: values[found[1]], text)

    package = root / "src" / "repro" / "studies" / study
    notebook = filled("notebook.py")
    toc, references = root / "_toc.yml", root / "book" / "references.bib"
    return {
        package / "__init__.py": f'"""Study `{study}`: what is run and what the paper says."""\n',
        package / "experiments.py": filled("experiments.py"),
        package / "claims.yml": filled("claims.yml"),
        root / "src" / "repro" / "plotting" / f"{study}.py": filled("plotting.py"),
        root / "notebooks" / f"{study}.py": notebook,
        root / "notebooks" / f"{study}.ipynb": _notebook(notebook, study),
        root / "tests" / "studies" / f"test_{study}.py": filled("test.py"),
        toc: _toc_with(toc.read_text(encoding="utf-8"), study),
        references: references.read_text(encoding="utf-8").rstrip("\n") + "\n" + filled("bibliography.bib"),
    }


def write_study(study: str, root: Path) -> list[Path]:
    """Write the skeleton of a study; nothing is written when a file is in the way.

    Returns
    -------
    list of pathlib.Path
        The files, those first that are new.

    Raises
    ------
    ValueError
        If the name is taken or no identifier, or a file exists.
    """
    from repro.ground.files import atomic_write_text

    _check_name(study, root)
    content = study_files(study, root)
    changed = {root / "_toc.yml", root / "book" / "references.bib"}
    for path in content:
        if path not in changed and path.exists():
            raise ValueError(f"{path} exists already; nothing was written")
    for path, text in content.items():
        atomic_write_text(path, text)
    return list(content)


def new(
    study: Annotated[str, typer.Argument(help="Name of the study: lower-case letters, digits, underscores.")],
) -> None:
    """Write the skeleton of a study: a small worked example that runs, to be edited."""
    root = _checkout()
    for path in write_study(study, root):
        say(f"wrote {path.relative_to(root)}")
    say(f"now: repro run {study} --controls && repro claims {study}; CONTRIBUTING.md says what to edit")
