"""Studies: one package per paper, with what is run (``experiments``) and what the paper says (``claims.yml``).

A study is found by its folder: adding one needs no registration anywhere.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from repro.ground.exceptions import UnknownName
from repro.protocol import used
from repro.protocol.experiment import Experiment

__all__ = ["claims_path", "experiment", "experiments", "study_names"]


def study_names() -> list[str]:
    """Names of all studies, sorted."""
    return list(_study_names(Path(__file__).parent.stat().st_mtime_ns))


@cache
def _study_names(modified: int) -> tuple[str, ...]:
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg))


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


@cache
def _experiments_of(study: str) -> tuple[Experiment, ...]:
    declared: tuple[Experiment, ...] = importlib.import_module(f"{__name__}.{study}.experiments").EXPERIMENTS
    for experiment in declared:
        if experiment.study != study:
            raise ValueError(f"experiment {experiment.name!r} is declared in study {study!r}")
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
