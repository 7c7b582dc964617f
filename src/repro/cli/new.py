"""``repro new``: the skeleton of a study, a small worked example that runs."""

from __future__ import annotations

import datetime
import importlib
import importlib.metadata
import json
import keyword
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from repro.cli.output import say
from repro.ground.exceptions import ReproError, UnknownName

__all__ = ["Kind", "new", "write_study"]

TEMPLATES = Path(__file__).parent / "templates"
CHAPTER_LINE = re.compile(r"^( *)- file: notebooks/(\w+) *$", re.MULTILINE)
TEACHING_LINE = re.compile(r"^( *)- file: book/teaching/\w+ *$", re.MULTILINE)
LONGEST = 40
"""Characters of a study's name; with more the lines of its files become too long."""


class Kind(StrEnum):
    """What the worked example is about."""

    table = "table"
    network = "network"
    exact = "exact"


def _checkout() -> Path:
    from repro.ground.files import project_root

    root = project_root()
    if root is None:
        raise ReproError("this needs a checkout of the project; the installed package has no place for a study")
    return root


def _check_name(what: str, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or len(name) > LONGEST:
        raise ValueError(
            f"{what} must be lower-case letters, digits and underscores, a letter first and {LONGEST} at most, "
            f"got {name!r}"
        )
    if keyword.iskeyword(name):
        raise ValueError(f"{what} must not be a word of Python, got {name!r}")
    if name in ("shared", "figures", "test", "tests"):
        raise ValueError(f"{what} must not be {name!r}, which the project uses for something else")
    if name == "repro" or name in sys.stdlib_module_names or name in importlib.metadata.packages_distributions():
        raise ValueError(f"{what} {name!r} is the name of a Python module, which notebooks/{name}.py would hide")


def _check_study(study: str, root: Path, chapters: list[str]) -> None:
    from repro import studies

    _check_name("study", study)
    if study in studies.study_names():
        raise ValueError(
            f"study {study!r} exists already in {root / 'src/repro/studies' / study}, "
            f"chapter {studies.chapter_of(study)!r}"
        )
    if study in chapters:
        raise ValueError(f"{study!r} is the name of a chapter; choose another for the study")
    if hasattr(studies, study):
        raise ValueError(f"study {study!r} would hide repro.studies.{study}; choose another name")
    for path in (root / "tests").rglob(f"test_{study}.py"):
        raise ValueError(f"{path} exists already; tests of the study would have the same name, nothing was written")


def _notebook(text: str, study: str) -> Any:
    """Notebook half of a pair: stripped, with names of the cells that do not change from run to run."""
    try:
        jupytext: Any = importlib.import_module("jupytext")
    except ImportError as error:
        raise ReproError("writing the notebook needs jupytext: pip install 'imbalance-book[book]'") from error
    notebook: Any = jupytext.reads(text, fmt="py:percent")
    for number, cell in enumerate(notebook.cells, start=1):
        cell["id"] = f"{study.replace('_', '-')}-{number:02d}"
    return notebook


def _json(notebook: Any) -> str:
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _toc_with(text: str, chapter: str) -> str:
    """Table of contents with the chapter, and its page for teachers, after the last of their kind."""
    for line, folder in ((CHAPTER_LINE, "notebooks"), (TEACHING_LINE, "book/teaching")):
        found = list(line.finditer(text))
        if not found:
            raise ReproError(f"_toc.yml has no line '- file: {folder}/<chapter>' to put the new one after")
        end = found[-1].end()
        text = f"{text[:end]}\n{found[-1][1]}- file: {folder}/{chapter}{text[end:]}"
    return text


def _joined(source: Path, section: str, study: str) -> dict[Path, str]:
    """Both halves of a chapter with a further section, before its provenance or at its end."""
    text, other = source.read_text(encoding="utf-8"), source.with_suffix(".ipynb")
    found = re.search(r"^# %% \[markdown\][^\n]*\n# ## Provenance", text, re.MULTILINE)
    before, after = (text[: found.start()], text[found.start() :]) if found else (text.rstrip("\n") + "\n\n", "")
    notebook = json.loads(other.read_text(encoding="utf-8"))
    place = len(_notebook(before, study).cells)
    header = before[: before.index("# %%")]
    notebook["cells"][place:place] = _notebook(header + section, study).cells
    return {source: f"{before}{section}{after}".rstrip("\n") + "\n", other: _json(notebook)}


def study_files(study: str, root: Path, kind: Kind, chapter: str, known: list[str]) -> dict[Path, str]:
    """Compose the content of every file that a study adds or changes.

    Parameters
    ----------
    study : str
        Name of the study.
    root : pathlib.Path
        The checkout.
    kind : Kind
        What the worked example is about.
    chapter : str
        Name of its chapter.
    known : list of str
        Chapters that there are.
    """
    from repro import __version__
    from repro.cli.repository import repository_address, slug_of

    address = repository_address(root)
    values = {
        "study": study,
        "title": study.replace("_", " ").capitalize(),
        "chapter": chapter,
        "chapter_title": chapter.replace("_", " ").capitalize(),
        "address": address,
        "slug": slug_of(address),
        "version": __version__,
        "year": str(datetime.datetime.now(datetime.UTC).year),
    }

    def filled(name: str) -> str:
        text = (TEMPLATES / f"{name}.txt").read_text(encoding="utf-8")
        return re.sub(rf"@({'|'.join(values)})@", lambda found: values[found[1]], text)

    package = root / "src" / "repro" / "studies" / study
    start = f'"""Study `{study}`: what is run and what the paper says."""\n'
    section = filled(f"{kind}/section.py")
    source, references = root / "notebooks" / f"{chapter}.py", root / "book" / "references.bib"
    content = {
        package / "__init__.py": start + (f'\nCHAPTER = "{chapter}"\n' if chapter != study else ""),
        package / "experiments.py": filled(f"{kind}/experiments.py"),
        package / "claims.yml": filled(f"{kind}/claims.yml"),
        package / "findings.yml": filled(f"{kind}/findings.yml"),
        root / "tests" / "studies" / f"test_{study}.py": filled(f"{kind}/test.py"),
        references: references.read_text(encoding="utf-8").rstrip("\n") + "\n" + filled("bibliography.bib"),
    }
    if chapter in known:
        return content | _joined(source, section, study)
    notebook = filled("notebook.py").replace("@section@\n", section)
    toc = root / "_toc.yml"
    return content | {
        source: notebook,
        source.with_suffix(".ipynb"): _json(_notebook(notebook, chapter)),
        root / "book" / "teaching" / f"{chapter}.md": filled("teaching.md"),
        toc: _toc_with(toc.read_text(encoding="utf-8"), chapter),
    }


def write_study(
    study: str, root: Path, kind: Kind = Kind.table, chapter: str | None = None, *, begin: bool = False
) -> list[Path]:
    """Write the skeleton of a study; nothing is written when a file is in the way.

    Parameters
    ----------
    study : str
        Name of the study.
    root : pathlib.Path
        The checkout.
    kind : Kind
        What the worked example is about: methods on a table of data, a small network, or a closed form.
    chapter : str or None
        Chapter that the study joins with a section; None for one of its own.
    begin : bool
        Whether to begin the chapter.

    Returns
    -------
    list of pathlib.Path
        The files, those first that are new.

    Raises
    ------
    UnknownName
        If there is no such chapter and it is not to be begun.
    ValueError
        If a name is taken or no identifier, or a file exists.
    """
    from repro.ground.files import atomic_write_text

    known = [found[2] for found in CHAPTER_LINE.finditer((root / "_toc.yml").read_text(encoding="utf-8"))]
    _check_study(study, root, known)
    if chapter is not None and not begin and chapter not in known:
        raise UnknownName("chapter", chapter, known)
    if begin:
        if chapter is None or chapter in known:
            raise ValueError(f"--begin needs --chapter with the name of a new chapter, got {chapter!r}")
        _check_name("chapter", chapter)
    content = study_files(study, root, kind, chapter or study, known)
    changed = {root / "_toc.yml", root / "book" / "references.bib"}
    if chapter in known:
        changed |= {root / "notebooks" / f"{chapter}.py", root / "notebooks" / f"{chapter}.ipynb"}
    for path in content:
        if path not in changed and path.exists():
            raise ValueError(f"{path} exists already; nothing was written")
    for path, text in content.items():
        atomic_write_text(path, text)
    return sorted(content, key=changed.__contains__)


def new(
    study: Annotated[str, typer.Argument(help="Name of the study: lower-case letters, digits, underscores.")],
    kind: Annotated[
        Kind, typer.Option(help="What the example is about: methods on a table, a small network, a closed form.")
    ] = Kind.table,
    chapter: Annotated[
        str | None, typer.Option(help="Chapter that the study joins with a section; without it it gets its own.")
    ] = None,
    begin: Annotated[bool, typer.Option("--begin", help="Begin the chapter that --chapter names.")] = False,
) -> None:
    """Write the skeleton of a study: a small worked example that runs, to be edited."""
    root = _checkout()
    for path in write_study(study, root, kind, chapter, begin=begin):
        say(f"wrote {path.relative_to(root)}")
    say(f"now: repro run {study} --controls && repro claims {study}; CONTRIBUTING.md says what to edit")
