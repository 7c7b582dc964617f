"""Studies: one package per paper, with what is run (``experiments``) and what the paper says (``claims.yml``).

A study is found by its folder: adding one needs no registration anywhere. It tells its story in a chapter of its own,
or in the one that ``CHAPTER`` in its ``__init__`` names, with other studies of the same question.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import traceback
from functools import cache
from pathlib import Path

from repro.ground.exceptions import StudyError, UnknownName
from repro.protocol import used
from repro.protocol.experiment import Experiment

__all__ = ["chapter_of", "chapters", "claims_path", "experiment", "experiments", "study_names"]


def study_names() -> list[str]:
    """Names of all studies, sorted."""
    return list(_study_names(Path(__file__).parent.stat().st_mtime_ns))


@cache
def _study_names(modified: int) -> tuple[str, ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)
    for name in names:
        if any(Path(folder, f"{name}.py").exists() for folder in __path__):
            raise ValueError(f"two studies are called {name!r}: a folder and a file {name}.py; a study is a folder")
    return tuple(names)


def check_study(study: str) -> str:
    """Return `study` when a study of that name exists.

    Raises
    ------
    UnknownName
        If there is none; the message suggests the nearest.
    """
    if study not in study_names():
        raise UnknownName("study", study, study_names())
    return study


def chapter_of(study: str) -> str:
    """Name of the chapter that tells of a study: ``notebooks/<chapter>``.

    Raises
    ------
    UnknownName
        If there is no such study.
    ValueError
        If its ``CHAPTER`` is no name of a chapter.
    """
    chapter = getattr(importlib.import_module(f"{__name__}.{check_study(study)}"), "CHAPTER", study)
    if not isinstance(chapter, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", chapter):
        raise ValueError(
            f"CHAPTER of study {study!r} must be the name of a chapter, lower-case letters, digits and underscores, "
            f"got {chapter!r}"
        )
    return chapter


def chapters() -> dict[str, list[str]]:
    """Chapters and the studies of each, both sorted by name.

    Raises
    ------
    ValueError
        If a study has the name of a chapter that others share and it does not belong to.
    """
    found: dict[str, list[str]] = {}
    for study in study_names():
        found.setdefault(chapter_of(study), []).append(study)
    for study in study_names():
        if study in found and chapter_of(study) != study:
            raise ValueError(
                f"study {study!r} belongs to chapter {chapter_of(study)!r}, but {', '.join(found[study])} share a "
                "chapter of its name; rename one of them"
            )
    return dict(sorted(found.items()))


def _what_is_wrong(study: str, error: Exception) -> StudyError:
    """Name the place in a study where reading its experiments failed."""
    if isinstance(error, SyntaxError):
        return StudyError(f"{error.filename}:{error.lineno}: {error.msg}")
    places = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent.name == study]
    place = f"{places[-1].filename}:{places[-1].lineno}" if places else f"{study}/experiments.py"
    return StudyError(f"{place}: {type(error).__name__}: {error}")


@cache
def _experiments_of(study: str) -> tuple[Experiment, ...]:
    module = f"{__name__}.{study}.experiments"
    try:
        declared: tuple[Experiment, ...] = tuple(importlib.import_module(module).EXPERIMENTS)
    except Exception as error:  # whatever is wrong with a study is said with its file and line
        raise _what_is_wrong(study, error) from error
    for place, experiment in enumerate(declared):
        if experiment.study != study:
            raise ValueError(f"experiment {experiment.name!r} is declared in study {study!r}")
        if experiment.name in [other.name for other in declared[:place]]:
            raise ValueError(f"experiment {experiment.name!r} is declared twice in study {study!r}")
    return declared


def experiments(study: str | None = None) -> dict[str, Experiment]:
    """Experiments of a study, or of all, by name, in the order in which they are declared.

    Parameters
    ----------
    study : str or None
        Name of a study; None for all.

    Raises
    ------
    UnknownName
        If there is no such study.
    StudyError
        If the declarations of a study cannot be read; the message names file and line.
    """
    studies = study_names() if study is None else [check_study(study)]
    return {experiment.name: experiment for name in studies for experiment in _experiments_of(name)}


def experiment(name: str) -> Experiment:
    """Experiment of the given name, ``<study>.<experiment>``.

    Raises
    ------
    UnknownName
        If there is no such study or experiment; the message suggests the nearest.
    """
    study = name.partition(".")[0]
    if study not in study_names():
        raise UnknownName("experiment", name, [*experiments(), *study_names()])
    declared = experiments(study)
    if name not in declared:
        raise UnknownName("experiment", name, declared)
    used.note("experiment", name)
    return declared[name]


def claims_path(study: str) -> Path:
    """Path of the ``claims.yml`` of a study.

    Raises
    ------
    UnknownName
        If there is no such study.
    """
    return Path(__file__).parent / check_study(study) / "claims.yml"
