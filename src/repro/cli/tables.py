"""``repro tables`` and ``repro verify``: the result tables at hand, and whether the code stands behind them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repro.cli.output import Format, emit, interruptible, json_text, say, table_text
from repro.cli.run import experiments_of
from repro.protocol.profile import CONTROL, PROFILES, check_profile

if TYPE_CHECKING:
    from repro.protocol.experiment import Experiment

__all__ = ["tables", "verify"]

EXIT_DIFFERENT = 1

Targets = Annotated[
    list[str] | None, typer.Argument(metavar="TARGET...", help="Studies or <study>.<experiment>; without one, all.")
]
Profile = Annotated[
    str | None, typer.Option("--profile", "-p", help="quick, standard, paper or control; all when left out.")
]


def _chosen(targets: list[str], profile: str | None) -> list[tuple[Experiment, str]]:
    """Experiments that the targets name, all without a target, each with its profiles or the one asked for."""
    wanted = (*PROFILES, CONTROL) if profile is None else (check_profile(profile),)
    experiments = [experiment for experiment, _ in experiments_of(targets, everything=not targets)]
    return [(experiment, name) for experiment in experiments for name in wanted if name in experiment.cells]


def _without_experiment(targets: list[str]) -> list[Path]:
    """Provenance of committed tables in the folders of the chosen studies that no experiment declares."""
    from repro.results import table_path

    chosen = [experiment for experiment, _ in experiments_of(targets, everything=not targets)]
    declared = {f"{one.name}.{profile}" for one in chosen for profile in one.cells}
    studies = {one.study: table_path(one, "quick").parent for one in chosen if one.name not in targets}
    found = [path for folder in studies.values() for path in sorted(folder.glob("*.*.json"))]
    return [path for path in found if f"{path.parent.name}.{path.stem}" not in declared]


def tables(
    targets: Targets = None,
    profile: Profile = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with status 1 if a table is out of date, damaged or not there.")
    ] = False,
    layout: Annotated[Format, typer.Option("--format", help="How to print the list.")] = Format.table,
) -> None:
    """List the result tables, with their size and whether the code of today stands behind them."""
    from repro.ground.exceptions import ResultsError
    from repro.results import read_table, readable_paths, reasons_to_renew, stored_files

    entries: list[dict[str, Any]] = []
    for experiment, name in _chosen(targets or [], profile):
        path = readable_paths(experiment, name)[0]
        entry: dict[str, Any] = {"experiment": experiment.name, "profile": name, "cells": 0, "rows": 0, "bytes": 0}
        reasons: list[str] = []
        if not stored_files(path):
            if name not in ("quick", CONTROL):
                continue
            state = "not there"
        else:
            try:
                table = read_table(path)
                reasons = reasons_to_renew(table, experiment)
                state = "out of date" if reasons else "current"
                entry |= {"cells": table.provenance.cells, "rows": table.provenance.rows}
            except ResultsError as problem:
                state, reasons = "damaged", [str(problem)]
            entry["bytes"] = sum(form.stat().st_size for form in stored_files(path))
        entries.append(entry | {"state": state, "reasons": reasons})
    for path in _without_experiment(targets or []):
        short, _, name = path.stem.partition(".")
        if profile in (None, name):
            about = {"experiment": f"{path.parent.name}.{short}", "profile": name, "cells": 0, "rows": 0}
            size = sum(form.stat().st_size for form in stored_files(path.with_suffix(".csv")))
            entries.append(about | {"bytes": size, "state": "of no experiment", "reasons": []})
    bad = [entry for entry in entries if entry["state"] != "current"]
    if layout is Format.json:
        emit(json_text(entries), None)
    else:
        columns = ("experiment", "profile", "cells", "rows", "bytes", "state", "reasons")
        rows = [[entry[name] for name in columns[:-1]] + ["; ".join(entry["reasons"])] for entry in entries]
        emit(table_text(columns, rows), None)
        total = sum(entry["bytes"] for entry in entries)
        say(f"{len(entries)} tables, {total / 1e6:.1f} MB, {len(bad)} of them not current")
    for entry in bad if strict else ():
        why = f" ({'; '.join(entry['reasons'])})" if entry["reasons"] else ""
        say(f"{entry['experiment']} ({entry['profile']}): {entry['state']}{why}: {_command(entry)}")
    if strict and bad:
        raise typer.Exit(EXIT_DIFFERENT)


def _command(entry: dict[str, Any]) -> str:
    """Return the command that puts a table right."""
    if entry["state"] == "of no experiment":
        study, _, short = entry["experiment"].partition(".")
        return f"git rm results/{study}/{short}.{entry['profile']}.*"
    run = f"repro run {entry['experiment']} --profile {entry['profile']}"
    code_only = entry["state"] == "out of date" and len(entry["reasons"]) == 1 and "code" in entry["reasons"][0]
    return f"repro verify {entry['experiment']} --profile {entry['profile']} --renew, or {run}" if code_only else run


def verify(
    targets: Targets = None,
    profile: Profile = None,
    sample: Annotated[
        int, typer.Option("--sample", min=0, help="Also this many cells drawn at random from each table.")
    ] = 0,
    renew: Annotated[
        bool,
        typer.Option(
            "--renew",
            help="Only tables that are out of date: those that come out equal get the hash of the code of today.",
        ),
    ] = False,
    minutes: Annotated[
        float, typer.Option(min=0.0, help="Computing time that the cells of one table may take.")
    ] = 10.0,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Cells at a time; one per core.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Compute again what was verified with this code.")] = False,
    layout: Annotated[Format, typer.Option("--format", help="How to print the outcome.")] = Format.table,
) -> None:
    """Compute cells of the committed tables again and compare: the cheapest of each kind, and more with --sample.

    Exits with status 1 if a cell comes out otherwise than its table says.
    """
    from repro.results import find_table, reasons_to_renew
    from repro.running import verify as verify_table
    from repro.running.machine import commit
    from repro.running.sweep import SweepOptions
    from repro.running.verify import verification_lines

    outcomes: list[dict[str, Any]] = []
    for experiment, name in _chosen(targets or [], profile):
        table = find_table(experiment, name)
        if table is None or (renew and not reasons_to_renew(table, experiment)):
            continue
        with interruptible():
            found = verify_table(
                experiment,
                name,
                sample=sample,
                seed=commit(),
                longest=60.0 * minutes,
                renew=renew,
                force=force,
                options=SweepOptions(n_jobs=jobs),
            )
        renewed_table = find_table(experiment, name)
        left = reasons_to_renew(renewed_table, experiment) if renewed_table else []
        lines = [*verification_lines(found, experiment, renewed=renew and not left)]
        if renew and left:
            lines.append(f"  not renewed: {'; '.join(left)}")
        for line in lines if layout is Format.table else ():
            typer.echo(line)
        outcomes.append(
            {
                "experiment": experiment.name,
                "profile": name,
                "tolerance": found.tolerance,
                "kept": found.kept,
                "left_out": list(found.left_out),
                "renewed": renew and not left,
                "cells": [
                    {
                        "cell": check.cell.id,
                        "parameters": dict(check.cell.parameters),
                        "identical": check.identical,
                        "largest_difference": check.largest_difference,
                        "where": check.where,
                        "equal": check not in found.differing,
                    }
                    for check in found.checks
                ],
            }
        )
    if layout is Format.json:
        emit(json_text(outcomes), None)
    different = sum(not cell["equal"] for outcome in outcomes for cell in outcome["cells"])
    checked = sum(len(outcome["cells"]) for outcome in outcomes)
    say(f"{len(outcomes)} tables, {checked} cells computed again, {different} differ")
    unrenewed = renew and not all(outcome["renewed"] for outcome in outcomes)
    if different or unrenewed:
        raise typer.Exit(EXIT_DIFFERENT)
