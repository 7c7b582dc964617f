"""``repro run`` and ``repro list``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli.output import Format, emit, interruptible, json_text, say, table_text
from repro.cli.own_data import (
    experiment_on_own_data,
    plan_on_own_data,
    run_on_own_data,
    split_arguments,
)
from repro.ground.exceptions import UnknownName
from repro.protocol.profile import CONTROL, check_profile, default_profile

if TYPE_CHECKING:
    from repro.protocol.experiment import Experiment
    from repro.running import Plan

__all__ = ["experiments_of", "list_studies", "run"]


def experiments_of(targets: list[str], everything: bool) -> list[tuple[Experiment, bool]]:
    """Experiments that the targets name, each with whether it was named itself (not through its study)."""
    from repro import studies

    if everything == bool(targets):
        raise ValueError("name studies or experiments to run, or give --all; repro list shows them")
    if everything:
        return [(experiment, False) for experiment in studies.experiments().values()]
    found: dict[str, tuple[Experiment, bool]] = {}
    for target in targets:
        if "." in target:
            found[target] = (studies.experiment(target), True)
        elif target in studies.study_names():
            for name, experiment in studies.experiments(target).items():
                found.setdefault(name, (experiment, False))
        else:
            raise UnknownName("study or experiment", target, [*studies.study_names(), *studies.experiments()])
    return list(found.values())


def _runs_of(chosen: list[tuple[Experiment, bool]], profile: str, controls: bool) -> list[tuple[Experiment, str]]:
    """Pair every experiment with its profiles; what a study's experiment does not have is skipped, with a word."""
    runs = []
    for experiment, named in chosen:
        if named and experiment.own_data is not None and not experiment.cells:
            raise ValueError(f"{experiment.name} runs on your own data: it takes {experiment.own_data.usage()}")
        if not experiment.cells:
            continue
        for wanted in dict.fromkeys([profile, *([CONTROL] if controls else [])]):
            if wanted in experiment.cells:
                runs.append((experiment, wanted))
            elif named and wanted == profile:
                experiment.cells_of(wanted)
            else:
                exchanged = wanted == CONTROL and experiment.exchanged
                lacking = "no control runs" if wanted == CONTROL else f"no profile {wanted!r}"
                why = "its controls only exchange values of its tables" if exchanged else f"it has {lacking}"
                say(f"{experiment.name}: skipped, {why}")
    if not runs:
        raise ValueError(f"nothing to run: none of the experiments named has the profile {profile!r}")
    return runs


def _values_of(only: list[str]) -> dict[str, str]:
    """Parameters and values of ``--only KEY=VALUE``."""
    values = {}
    for entry in only:
        name, equals, value = entry.partition("=")
        if not (name and equals):
            raise ValueError(f"--only must be KEY=VALUE, as in --only seed=0, got {entry!r}")
        if name in values:
            raise ValueError(f"--only names {name!r} twice; run the command once for each value")
        values[name] = value
    return values


def _show_plan(plans: list[Plan], layout: Format, output: Path | None) -> None:
    from repro.ground.duration import duration

    if layout is Format.json:
        content = [
            {
                "experiment": planned.experiment.name,
                "profile": planned.profile,
                "seconds": planned.seconds,
                "cells": [
                    {
                        "cell": item.cell.id,
                        "parameters": dict(item.cell.parameters),
                        "seconds": item.seconds,
                        "stored": item.stored,
                    }
                    for item in planned.cells
                ],
            }
            for planned in plans
        ]
        emit(json_text(content), output)
        return
    rows = [
        (
            planned.experiment.name if number == 0 else "",
            planned.profile if number == 0 else "",
            ", ".join(f"{key}={value}" for key, value in item.cell.parameters.items()),
            "stored" if item.stored else duration(item.seconds),
        )
        for planned in plans
        for number, item in enumerate(planned.cells)
    ]
    seconds = sum(planned.seconds for planned in plans)
    waiting = sum(len(planned.waiting) for planned in plans)
    text = table_text(("experiment", "profile", "cell", "expected on one core"), rows)
    emit(f"{text}{waiting} of {len(rows)} cells to compute, about {duration(seconds)} on one core\n", output)


def run(
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="TARGET...", help="A study or <study>.<experiment>; several are allowed."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Run the experiments of all studies.")] = False,
    profile: Annotated[
        str | None, typer.Option("--profile", "-p", help="quick, standard or paper; by default REPRO_PROFILE or quick.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Cells at a time; by default one per core.")
    ] = None,
    backend: Annotated[str, typer.Option(help="loky (processes), threading, sequential or dask.")] = "loky",
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler, as in tcp://host:8786.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda, for experiments that train networks.")] = "auto",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the cells and the expected time, run nothing.")
    ] = False,
    controls: Annotated[bool, typer.Option("--controls", help="Also run the controls of the claims.")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="KEY=VALUE",
            help="Only the cells with this parameter; they join those that the table has. May be given several times.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Compute cells again that are stored.")] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Fail at once where another process runs the same.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Afterwards remove stored cells that no profile needs.")
    ] = False,
    rows_file: Annotated[
        Path | None, typer.Option("--rows", help="On your own data: write the tidy rows to this CSV.", dir_okay=False)
    ] = None,
    layout: Annotated[Format, typer.Option("--format", help="How to print the outcome.")] = Format.table,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the outcome to this file.", dir_okay=False)
    ] = None,
) -> None:
    """Run experiments; cells that are stored already are not computed again.

    Ctrl-C is safe: finished cells are kept and the same command continues.

    On your own data: repro run EXPERIMENT --csv FILE …; repro list names the experiments that take a file and what
    each of them asks for.
    """
    if profile is not None:
        check_profile(profile)
    named, given = split_arguments(targets or [])
    chosen = experiments_of(named, everything)
    options: dict[str, Any] = {
        "n_jobs": jobs,
        "backend": backend,
        "scheduler": scheduler,
        "device": device,
        "force": force,
        "wait": not no_wait,
    }
    values = _values_of(only or [])
    if given:
        own = experiment_on_own_data(chosen, given, context)
        others = {"--profile": profile, "--only": values, "--controls": controls, "--prune": prune}
        for name, value in others.items():
            if value:
                raise ValueError(f"{name} does not go with --{next(iter(given)).replace('_', '-')}")
        if dry_run:
            _show_plan([plan_on_own_data(own, given)], layout, output)
        else:
            run_on_own_data(own, given, layout=layout, output=output, rows=rows_file, options=options)
        return
    if rows_file is not None:
        raise ValueError("--rows belongs to a run on your own data")
    runs = _runs_of(chosen, profile or default_profile(), controls)
    from repro import running

    if dry_run:
        plans = [
            running.plan_cells(experiment, wanted, running.chosen_cells(experiment, wanted, values))
            for experiment, wanted in runs
        ]
        _show_plan(plans, layout, output)
        return
    rows = []
    for experiment, wanted in runs:
        with interruptible():
            table = running.run(experiment, wanted, **options, only=values)
        rows.append(
            {
                "experiment": experiment.name,
                "profile": wanted,
                "cells": table.provenance.cells,
                "rows": table.provenance.rows,
                "seconds": table.provenance.wall_seconds,
                "table": str(table.path),
            }
        )
    if prune:
        for experiment, _ in chosen:
            removed = running.prune(experiment)
            say(f"{experiment.name}: {removed} stored cells removed that no profile needs")
    if layout is Format.json:
        emit(json_text(rows), output)
    else:
        columns = ("experiment", "profile", "cells", "rows", "seconds", "table")
        emit(table_text(columns, [tuple(row.values()) for row in rows]), output)


def list_studies(
    study: Annotated[str | None, typer.Argument(help="A study; all when left out.")] = None,
    layout: Annotated[Format, typer.Option("--format", help="How to print the list.")] = Format.table,
) -> None:
    """List studies and experiments with their chapter, profiles, claims and expected time."""
    from repro import studies
    from repro.claims import all_claims
    from repro.ground.duration import duration

    experiments = studies.experiments(study)
    claims = all_claims(study)
    entries: list[dict[str, Any]] = [
        {
            "study": experiment.study,
            "chapter": studies.chapter_of(experiment.study),
            "experiment": experiment.name,
            "summary": experiment.summary,
            "profiles": {
                profile: {
                    "cells": len(cells),
                    "seconds": float(sum(experiment.seconds(cell.parameters) for cell in cells)),
                }
                for profile in (*experiment.profiles, *([CONTROL] if CONTROL in experiment.cells else []))
                for cells in [experiment.cells_of(profile)]
            },
            "claims": [name for name, claim in claims.items() if claim.experiment == experiment.name],
            "own_data": experiment.own_data is not None and experiment.own_data.usage(),
        }
        for experiment in experiments.values()
    ]
    if layout is Format.json:
        emit(json_text(entries), None)
        return
    rows = [
        (
            entry["experiment"],
            entry["chapter"],
            "\n".join(
                f"{profile}: {size['cells']} cells, {duration(size['seconds'])}"
                for profile, size in entry["profiles"].items()
            ),
            "\n".join(entry["claims"]),
            entry["own_data"] or None,
            entry["summary"],
        )
        for entry in entries
    ]
    head = ("experiment", "chapter", "profiles (time on one core)", "claims", "own file", "summary")
    emit(table_text(head, rows), None)
