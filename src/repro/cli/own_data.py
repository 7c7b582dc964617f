"""``repro run EXPERIMENT --csv FILE …``: the arguments that an experiment asks a reader's own data for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from repro.cli.output import Format, emit, interruptible, json_text, say, table_text
from repro.ground.exceptions import UnknownName

if TYPE_CHECKING:
    from collections.abc import Iterable

    from repro.protocol.experiment import Experiment
    from repro.running import Plan

__all__ = ["experiment_on_own_data", "plan_on_own_data", "run_on_own_data", "split_arguments"]


def split_arguments(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Tell targets from options that the command itself does not have: those are for an experiment on own data.

    Returns
    -------
    targets : list of str
    given : dict of str to str
        Names of arguments, with underscores, and their values.

    Raises
    ------
    ValueError
        If an option has no value, or is given twice.
    """
    targets: list[str] = []
    given: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            targets.append(word)
            continue
        option, equals, value = word.partition("=")
        if not equals:
            value = next(rest, "")
            if not value:
                raise ValueError(f"{option} needs a value")
        name = option.removeprefix("--").replace("-", "_")
        if name in given:
            raise ValueError(f"{option} is given twice")
        given[name] = value
    return targets, given


def unknown_option(name: str, context: typer.Context, able: Iterable[Experiment]) -> UnknownName:
    """Say that there is no such option, neither of the command nor of the experiments named."""
    known = {option for parameter in context.command.params for option in parameter.opts if option.startswith("--")}
    asked = {argument.option for one in able if one.own_data for argument in one.own_data.arguments}
    return UnknownName("option", f"--{name.replace('_', '-')}", sorted(known | asked))


def experiment_on_own_data(
    chosen: list[tuple[Experiment, bool]], given: dict[str, str], context: typer.Context
) -> Experiment:
    """Give the one experiment among those chosen that runs on own data.

    Raises
    ------
    UnknownName
        If an option belongs to no experiment.
    ValueError
        If none or several of those chosen run on own data; names those that do.
    """
    able = [experiment for experiment, _ in chosen if experiment.own_data is not None]
    if len(able) == 1:
        for name in given:
            if name not in [argument.name for argument in able[0].own_data.arguments]:  # type: ignore[union-attr]
                raise unknown_option(name, context, able)
        return able[0]
    from repro import studies

    everywhere = [experiment for experiment in studies.experiments().values() if experiment.own_data is not None]
    asked = {argument.name for one in everywhere if one.own_data for argument in one.own_data.arguments}
    for name in given:
        if name not in asked:
            raise unknown_option(name, context, able)
    names = ", ".join(experiment.name for experiment in able or everywhere)
    option = f"--{next(iter(given)).replace('_', '-')}"
    raise ValueError(f"{option} runs one experiment on your own data; {'of these, ' if able else ''}name one: {names}")


def run_on_own_data(
    experiment: Experiment,
    given: dict[str, str],
    *,
    layout: Format,
    output: Path | None,
    rows: Path | None,
    options: dict[str, Any],
) -> None:
    """Run it and print what it found; `rows` is the file for the tidy rows."""
    from repro import running

    def note(remark: str) -> None:
        say(f"note: {remark}")

    with interruptible():
        found = running.run_own(experiment, **{**given, **options, "say": note})
    summary = found.answer.summary
    if layout is Format.json:
        content = {
            "experiment": found.experiment,
            "file": str(found.file),
            "summary": summary,
            "said": list(found.answer.said),
            "notes": list(found.remarks),
        }
        emit(json_text(content), output)
    else:
        columns = list(summary[0]) if summary else []
        table = table_text(columns, [list(entry.values()) for entry in summary], title=str(found.file))
        emit(table + "".join(f"{sentence}\n" for sentence in found.answer.said), output)
    if rows is not None:
        emit(found.table.to_csv(index=False), rows)


def plan_on_own_data(experiment: Experiment, given: dict[str, str]) -> Plan:
    """Plan its cells, after saying what is to be said about the file."""
    from repro import running

    cells, remarks = running.own_cells(experiment, **given)
    for remark in remarks:
        say(f"note: {remark}")
    return running.plan_cells(experiment, Path(next(iter(given.values()))).name, cells)
