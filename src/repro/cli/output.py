"""What commands print: tables for people, JSON for programs. Messages go to standard error."""

from __future__ import annotations

import codecs
import io
import json
import math
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

import typer

__all__ = ["Format", "emit", "in_any_encoding", "interruptible", "json_text", "say", "table_text"]

PLAIN_WIDTH = 160
EXIT_INTERRUPTED = 130


PLAIN: Final = {
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "≈": "~",
    "−": "-",
    "→": "->",
    "←": "<-",
    "✓": "+",
    "✗": "x",
    "…": "...",
}
"""What stands for a character that the encoding of a terminal or a pipe lacks; see also :func:`plain_character`."""


def plain_character(character: str) -> str:
    """Write a character in ASCII: lines of a table as lines, letters without their accents, others by their name."""
    if character in PLAIN:
        return PLAIN[character]
    name = unicodedata.name(character, "")
    if name.startswith("BOX DRAWINGS"):
        return "+" if " AND " in name else "|" if "VERTICAL" in name else "-"
    simple = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return simple or (f"<{name.lower()}>" if name else "?")


def _in_plain_characters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(plain_character, error.object[error.start : error.end])), error.end


def in_any_encoding() -> None:
    """Let standard output and error write plain characters for those that their encoding lacks, instead of failing.

    Output that is piped or redirected has the code page of the system on Windows, 1252 for most.
    """
    codecs.register_error("plain", _in_plain_characters)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plain")


class Format(StrEnum):
    """How a result is printed."""

    table = "table"
    json = "json"


def say(message: str) -> None:
    """Write a message for the user to standard error."""
    sys.stderr.write(f"{message}\n")


@contextmanager
def interruptible() -> Iterator[None]:
    """After Ctrl-C in the block, say what it left behind and end the command with status 130."""
    try:
        yield
    except KeyboardInterrupt as stop:
        say(str(stop) or "stopped")
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _without_nan(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(entry) for entry in value]
    return value


def json_text(value: object) -> str:
    """JSON text with an indent of two blanks; a number that JSON lacks (NaN, infinity) becomes null."""
    return json.dumps(_without_nan(value), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def cell_text(value: object) -> str:
    """Write an entry of a table for people: four digits for floats, a dash for nothing."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        inside = ", ".join(cell_text(entry) for entry in value)
        return f"[{inside}]" if value and isinstance(value[0], float) else inside
    return str(value)


def table_text(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str | None = None) -> str:
    """Table with aligned columns; in a terminal it fits its width."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(Text(cell_text(value)) for value in row))
    terminal = sys.stdout.isatty()
    buffer = io.StringIO()
    console = Console(file=buffer, width=Console().width if terminal else PLAIN_WIDTH, force_terminal=terminal)
    console.print(table)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def emit(text: str, output: Path | None) -> None:
    """Write a result to standard output, or to a file, whole or not at all."""
    if output is None:
        sys.stdout.write(text)
        return
    from repro.ground.files import atomic_write_text

    atomic_write_text(output, text)
    say(f"written to {output}")
