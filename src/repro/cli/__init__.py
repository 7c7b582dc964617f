"""The ``repro`` command. Commands import what they need when they run, so that help is quick."""

from __future__ import annotations

import sys
import traceback
from typing import Annotated

import typer

from repro import __version__
from repro.cli.claims import claims
from repro.cli.data import app as data_app
from repro.cli.doctor import doctor
from repro.cli.new import new
from repro.cli.output import in_any_encoding
from repro.cli.repository import set_repository
from repro.cli.run import list_studies, run
from repro.cli.tables import tables, verify
from repro.cli.unfinished import set_down
from repro.ground.exceptions import ExperimentLocked, ReproError

__all__ = ["app", "main"]

EXIT_FAILED, EXIT_WRONG_INPUT = 1, 2

app = typer.Typer(
    name="repro",
    help="Run the studies of The Imbalance Book and judge the claims of their papers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_settings = {"debug": False}


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"repro {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    _settings["debug"] = debug


app.command("list")(list_studies)
app.command("run", context_settings={"ignore_unknown_options": True})(run)
app.command("claims")(claims)
app.command("tables")(tables)
app.command("verify")(verify)
app.command("set-down")(set_down)
app.add_typer(data_app, name="data")
app.command("doctor")(doctor)
app.command("new")(new)
app.command("set-repository")(set_repository)


def _report(error: BaseException) -> None:
    if _settings["debug"]:
        traceback.print_exception(error)
    message = " ".join(str(error).split("\n")) if isinstance(error, ReproError) else str(error)
    sys.stderr.write(f"error: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    arguments : list of str or None
        Without the name of the program; None for those of this process.

    Returns
    -------
    int
        0: done. 1: a cell, the storage or a check failed. 2: the input was wrong. 130: interrupted.
    """
    _settings["debug"] = False
    in_any_encoding()
    try:
        app(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except (ReproError, ValueError, FileNotFoundError) as error:
        _report(error)
        return EXIT_FAILED if _failed_while_running(error) else EXIT_WRONG_INPUT
    return 0


def _failed_while_running(error: Exception) -> bool:
    if isinstance(error, ValueError):
        return False
    from repro.running import BackendUnavailable, CellFailed, StorageFailed

    return isinstance(error, BackendUnavailable | CellFailed | StorageFailed | ExperimentLocked)
