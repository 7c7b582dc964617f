"""Running an experiment on a reader's own file. Nothing of it is written beside the committed tables or judged."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from repro.protocol.experiment import Cell, Experiment
from repro.protocol.own_data import Given, OwnAnswer, OwnCell, OwnData
from repro.running.errors import CellFailed
from repro.running.execute import compute, saying_what_is_kept
from repro.running.lock import experiment_lock
from repro.running.planning import resolve
from repro.running.sweep import Backend, Device, SweepOptions
from repro.running.tables import assemble

__all__ = ["OwnResult", "own_cells", "run_own"]


@dataclass(frozen=True)
class OwnResult:
    """What an experiment found in a reader's own file; a notebook shows it as a table below its conclusion.

    Attributes
    ----------
    experiment : str
        Its name.
    file : pathlib.Path
        The reader's file.
    table : DataFrame
        Tidy rows: setting columns, then ``cell``, ``replicate``, ``metric`` and ``value``.
    answer : OwnAnswer
        A small table and what it means.
    remarks : tuple of str
        How the file was read, and what is missing, constant or repeated in it.
    """

    experiment: str
    file: Path
    table: pd.DataFrame
    answer: OwnAnswer
    remarks: tuple[str, ...]

    @property
    def summary(self) -> pd.DataFrame:
        """The small table, numbers as numbers; an interval has two columns, ``low`` and ``high``."""
        rows = []
        for entry in self.answer.summary:
            row: dict[str, Any] = {}
            for name, value in entry.items():
                if isinstance(value, list | tuple):
                    row |= {f"{name} {end}": bound for end, bound in zip(("low", "high"), value, strict=True)}
                else:
                    row[name] = value
            rows.append(row)
        return pd.DataFrame(rows)

    def _repr_html_(self) -> str:
        """Show the conclusion, the table, what else is to be said, and the remarks folded below."""
        first, *others = [html.escape(sentence) for sentence in self.answer.said] or [""]
        said = f"<p><strong>{first}</strong></p>" if first else ""
        more = f"<ul>{''.join(f'<li>{sentence}</li>' for sentence in others)}</ul>" if others else ""
        columns = list(self.answer.summary[0]) if self.answer.summary else []
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(shown(entry.get(name)))}</td>" for name in columns) + "</tr>"
            for entry in self.answer.summary
        )
        items = "".join(f"<li>{html.escape(remark)}</li>" for remark in self.remarks)
        notes = f"<details><summary>How {html.escape(self.file.name)} was read</summary><ul>{items}</ul></details>"
        return (
            f"<div>{said}<table><caption>{html.escape(self.experiment)} on {html.escape(self.file.name)}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}{notes if items else ''}</div>"
        )

    def __repr__(self) -> str:
        """Write sentences and table, for a terminal."""
        return "\n".join([*self.answer.said, self.summary.to_string(index=False)])


def shown(value: object) -> str:
    """Write an entry of the small table for people: four digits for floats, a dash for nothing."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    return str(value)


def own_cells(experiment: Experiment | str, **given: Given) -> tuple[list[Cell], tuple[str, ...]]:
    """Cells of an experiment on the reader's own file, and what is to be said about the file.

    Parameters
    ----------
    experiment, **given
        As in :func:`run_own`.

    Returns
    -------
    cells : list of Cell
    remarks : tuple of str
        How the file was read and what is missing, constant or repeated in it.

    Raises
    ------
    UnknownName, TypeError, ValueError
        As :func:`run_own`.
    FileNotFoundError
        If there is no such file.
    """
    experiment = resolve(experiment)
    own = _own_data(experiment)
    parameters = own.parameters(experiment.name, given)
    remarks = tuple(own.read(parameters).remarks)
    cells = [
        OwnCell(experiment.name, {**one, **parameters}, experiment.seed, files=own.files)
        for one in own.cells(parameters)
    ]
    return list(cells), remarks


def _own_data(experiment: Experiment) -> OwnData:
    if experiment.own_data is None:
        from repro import studies

        able = [name for name, other in studies.experiments().items() if other.own_data is not None]
        raise ValueError(f"{experiment.name} does not run on own data; those that do: {', '.join(able)}")
    return experiment.own_data


def run_own(
    experiment: Experiment | str,
    *,
    n_jobs: int | None = None,
    backend: Backend = "loky",
    scheduler: str | None = None,
    device: Device = "auto",
    progress: bool = True,
    force: bool = False,
    wait: bool = True,
    say: Callable[[str], None] | None = None,
    **given: Given,
) -> OwnResult:
    """Run an experiment on the reader's own file.

    Parameters
    ----------
    experiment : Experiment or str
        An experiment that declares how it runs on own data.
    n_jobs, backend, scheduler, device, progress, force, wait
        As in :func:`repro.running.run`.
    say : callable, optional
        Called with each remark on the file, before anything is computed. In any case the result keeps them.
    **given : str, pathlib.Path, int, float or sequence of str
        What the experiment asks for, as in ``csv="scores.csv", target="ill", score="risk"``; ``repro list`` names it.

    Returns
    -------
    OwnResult
        Its rows are stored as cells; no table is written, and no claim is judged by them.

    Raises
    ------
    UnknownName
        If something is given that the experiment does not ask for, or the file has no such column or class.
    TypeError
        If an argument is not of its kind.
    FileNotFoundError
        If there is no such file.
    ValueError
        If the experiment does not run on own data, something is missing, or the file cannot be used; says why.
    """
    options = SweepOptions(n_jobs, backend, scheduler, device, progress)
    experiment = resolve(experiment)
    cells, remarks = own_cells(experiment, **given)
    if say is not None:
        for remark in remarks:
            say(remark)
    own = _own_data(experiment)
    parameters = own.parameters(experiment.name, given)
    path = Path(str(parameters[own.files[0]]))
    table = _table(experiment, path, cells, options, force=force, wait=wait)
    return OwnResult(experiment.name, path, table, own.answer(table, parameters), remarks)


def _table(
    experiment: Experiment, path: Path, cells: Sequence[Cell], options: SweepOptions, *, force: bool, wait: bool
) -> pd.DataFrame:
    name = f"own-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    with experiment_lock(experiment.name, name, wait=wait), saying_what_is_kept(experiment, path.name, list(cells)):
        try:
            planned = compute(experiment, path.name, cells, options, force=force)
        except CellFailed as failure:
            kind, _, reason = failure.error.partition(": ")
            if kind == ValueError.__name__:  # the file is to blame, not the program
                raise ValueError(reason) from failure
            raise
        return assemble(planned)[0]
