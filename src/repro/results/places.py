"""Where result tables lie."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import repro
from repro import studies
from repro.ground import files
from repro.ground.exceptions import ResultsError
from repro.protocol import used
from repro.protocol.experiment import Experiment
from repro.protocol.profile import CONTROL, check_profile
from repro.results.currency import is_current
from repro.results.tables import ResultTable, read_table, stored_files

_COMPUTED_WITH_THE_BOOK = ("quick", CONTROL)


def _relative(experiment: Experiment | str, profile: str) -> Path:
    name = experiment if isinstance(experiment, str) else experiment.name
    study, _, short = name.partition(".")
    if not (study and short):
        raise ValueError(f"experiment must be '<study>.<experiment>', got {name!r}")
    return Path(study) / f"{short}.{check_profile(profile)}.csv"


def _committed(relative: Path) -> Path:
    root = files.project_root()
    return (root / "results" if root else Path(repro.__file__).parent / "_results") / relative


def _built(relative: Path) -> Path:
    return files.build_folder() / "results" / relative


def table_path(experiment: Experiment | str, profile: str, *, built: bool = False) -> Path:
    """File that a run of `experiment` writes its table to.

    In a checkout tables of all profiles go to ``results/<study>/``, where they are committed; what a notebook or the
    build of the book computes by itself, because a committed table is out of date, goes to the build folder. An
    installed copy writes everything to the build folder.

    Parameters
    ----------
    experiment : Experiment or str
        The experiment or its name, ``<study>.<experiment>``.
    profile : str
        ``quick``, ``standard``, ``paper`` or ``control``.
    built : bool, default=False
        Whether the table is one that only this copy needs.

    Raises
    ------
    UnknownName
        If there is no such profile.
    ValueError
        If the name has no dot.
    """
    relative = _relative(experiment, profile)
    return _built(relative) if built or files.project_root() is None else _committed(relative)


def readable_paths(experiment: Experiment | str, profile: str) -> list[Path]:
    """Files in which the table is looked for: the committed one and the one in the build folder.

    Arguments as in :func:`table_path`. Compressed tables are named without their ``.gz``.
    """
    relative = _relative(experiment, profile)
    return [_committed(relative), _built(relative)]


def _existing(experiment: Experiment | str, profile: str) -> list[Path]:
    return [path for path in readable_paths(experiment, profile) if stored_files(path)]


def _read(path: Path, name: str, profile: str) -> ResultTable:
    table = read_table(path)
    found = (table.provenance.experiment, table.provenance.profile)
    if found != (name, profile):
        raise ResultsError(f"{path}: holds {found[0]} in profile {found[1]!r}, expected {name} in {profile!r}")
    return table


def find_table(experiment: Experiment | str, profile: str) -> ResultTable | None:
    """Table of an experiment and profile, or None when there is none.

    Of a committed table and one in the build folder it is the one that the code of today stands behind, the committed
    one where both or neither are; of tables of ``standard`` and ``paper`` it is the one in the build folder, which
    only an installed copy has beside those it brings along.

    Parameters
    ----------
    experiment, profile
        As in :func:`table_path`.

    Raises
    ------
    ResultsError
        If the table is there but damaged, or belongs to another experiment or profile.
    """
    name = experiment if isinstance(experiment, str) else experiment.name
    used.note("result table", f"{name} {profile}")
    path = _chosen(experiment, profile)
    return None if path is None else _read(path, name, profile)


def _chosen(experiment: Experiment | str, profile: str) -> Path | None:
    """File that :func:`find_table` reads."""
    paths = _existing(experiment, profile)
    if len(paths) < 2:
        return paths[0] if paths else None
    committed, built = paths
    if profile not in _COMPUTED_WITH_THE_BOOK:
        return built
    declared = studies.experiment(experiment) if isinstance(experiment, str) else experiment
    if not is_current(_read(committed, declared.name, profile), declared):
        with suppress(ResultsError):  # the build folder may be thrown away at any time
            if is_current(_read(built, declared.name, profile), declared):
                return built
    return committed


def available_tables(study: str | None = None) -> dict[tuple[str, str], Path]:
    """Tables that exist, by experiment and profile (``control`` included).

    Parameters
    ----------
    study : str or None
        Name of a study; None for all.

    Returns
    -------
    dict
        ``(experiment, profile)`` and the CSV file, in the order of declaration. The files are not read.

    Raises
    ------
    UnknownName
        If there is no such study.
    """
    found: dict[tuple[str, str], Path] = {}
    for name, experiment in studies.experiments(study).items():
        for profile in (*experiment.profiles, CONTROL):
            path = _chosen(experiment, profile)
            if path is not None:
                found[name, profile] = path
    return found
