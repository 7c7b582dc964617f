"""Where result tables lie."""

from __future__ import annotations

from pathlib import Path

import repro
from repro import studies
from repro.protocol import files
from repro.protocol.exceptions import ResultsError
from repro.protocol.experiment import Experiment
from repro.protocol.profile import CONTROL, check_profile
from repro.results.tables import ResultTable, read_table

_COMPUTED_WITH_THE_BOOK = ("quick", CONTROL)


def _relative(experiment: Experiment | str, profile: str) -> Path:
    name = experiment if isinstance(experiment, str) else experiment.name
    study, _, short = name.partition(".")
    if not (study and short):
        raise ValueError(f"experiment must be '<study>.<experiment>', got {name!r}")
    return Path(study) / f"{short}.{check_profile(profile)}.csv"


def table_path(experiment: Experiment | str, profile: str) -> Path:
    """File that a run of `experiment` writes its table to.

    Tables of the profile ``quick`` and of the controls go to the build folder, those of ``standard`` and ``paper`` to
    ``results/<study>/`` of the checkout, where they are committed. An installed copy writes all to the build folder.

    Parameters
    ----------
    experiment : Experiment or str
        The experiment or its name, ``<study>.<experiment>``.
    profile : str
        ``quick``, ``standard``, ``paper`` or ``control``.

    Raises
    ------
    UnknownName
        If there is no such profile.
    ValueError
        If the name has no dot.
    """
    root = files.project_root()
    relative = _relative(experiment, profile)
    if root is None or profile in _COMPUTED_WITH_THE_BOOK:
        return files.build_folder() / "results" / relative
    return root / "results" / relative


def readable_paths(experiment: Experiment | str, profile: str) -> list[Path]:
    """Files in which the table is looked for, in this order; arguments as in :func:`table_path`.

    After the place it is written to come, except for ``quick``, the committed tables of the checkout and those that
    an installed package brings along.
    """
    paths = [table_path(experiment, profile)]
    if profile != "quick":
        root = files.project_root()
        folder = root / "results" if root else Path(repro.__file__).parent / "_results"
        paths.append(folder / _relative(experiment, profile))
    return list(dict.fromkeys(paths))


def _existing(experiment: Experiment | str, profile: str) -> Path | None:
    return next((path for path in readable_paths(experiment, profile) if path.is_file()), None)


def find_table(experiment: Experiment | str, profile: str) -> ResultTable | None:
    """Table of an experiment and profile, or None when there is none.

    Parameters
    ----------
    experiment, profile
        As in :func:`table_path`.

    Raises
    ------
    ResultsError
        If the table is there but damaged, or belongs to another experiment or profile.
    """
    path = _existing(experiment, profile)
    if path is None:
        return None
    table = read_table(path)
    name = experiment if isinstance(experiment, str) else experiment.name
    found = (table.provenance.experiment, table.provenance.profile)
    if found != (name, profile):
        raise ResultsError(f"{path}: holds {found[0]} in profile {found[1]!r}, expected {name} in {profile!r}")
    return table


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
            path = _existing(experiment, profile)
            if path is not None:
                found[name, profile] = path
    return found
