"""``repro data``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from repro.cli.output import Format, emit, json_text, say, table_text

if TYPE_CHECKING:
    from repro.data import Status

__all__ = ["app"]

app = typer.Typer(help="List, fetch, verify and clear data sets.", no_args_is_help=True)

NAMES = typer.Argument(metavar="NAME...", help="Names or patterns such as 'keel/*'.")


@app.command("list")
def list_data(
    pattern: Annotated[str, typer.Argument(help="Only names that match, as in 'keel/*'.")] = "*",
    layout: Annotated[Format, typer.Option("--format", help="How to print the list.")] = Format.table,
) -> None:
    """List the data sets and where they lie on this machine."""
    from dataclasses import asdict

    from repro.data import describe, names
    from repro.ground.exceptions import UnknownName

    summaries = describe(pattern)
    if not summaries:
        raise UnknownName("data set", pattern, names())
    if layout is Format.json:
        emit(json_text([asdict(summary) for summary in summaries]), None)
        return
    rows = [
        (
            summary.name,
            summary.place or "to fetch",
            summary.rows,
            summary.features,
            ", ".join(f"{label}: {count}" for label, count in summary.class_counts.items()),
            summary.licence,
        )
        for summary in summaries
    ]
    emit(table_text(("data set", "here", "rows", "columns", "classes", "licence"), rows), None)


def _report(statuses: list[Status], failing: tuple[str, ...]) -> None:
    rows = [
        (status.name, status.state, status.route, ", ".join(status.places) or None, status.problem)
        for status in statuses
    ]
    emit(table_text(("data set", "state", "route", "from", "problem"), rows), None)
    bad = sum(status.state in failing for status in statuses)
    if bad:
        say(f"{bad} of {len(statuses)} data sets: {' or '.join(failing)}")
        raise typer.Exit(1)


@app.command()
def fetch(names: Annotated[list[str], NAMES]) -> None:
    """Make data sets available here and check them; downloads what is missing."""
    from repro import data

    _report(data.fetch(names, progress=True), ("absent", "damaged"))


@app.command()
def verify(names: Annotated[list[str] | None, NAMES] = None) -> None:
    """Check the checksums of the data sets at hand, without network."""
    from repro import data

    _report(data.verify(names or None), ("damaged",))


@app.command()
def clear() -> None:
    """Remove downloaded data sets from the cache folder."""
    from repro import data
    from repro.ground.files import cache_folder

    say(f"{data.clear() / 2**20:.1f} MiB freed in {cache_folder()}")
