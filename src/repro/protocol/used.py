"""What a computation looks at besides its code: data sets, result tables, claims.

Whoever hands such a thing out calls :func:`note`; whoever wants to know opens :func:`watching`. So a cell that reads a
data set which its experiment does not declare is found out, and a notebook is executed again when something changed
that it showed, and only then.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final, Literal, NamedTuple

FILE_VARIABLE: Final = "REPRO_USED_FILE"
"""Environment variable with the name of a file to which every use is written, one JSON list in a line.

A relative name is taken from the folder in which this process is when it imports the package."""

Kind = Literal["data set", "result table", "claim", "claims", "findings", "experiment"]


class Use(NamedTuple):
    """One thing that was looked at."""

    kind: Kind
    name: str


_FILE: Final = Path(os.environ[FILE_VARIABLE]).absolute() if os.environ.get(FILE_VARIABLE) else None
_watchers: ContextVar[tuple[set[Use], ...]] = ContextVar("watchers", default=())
_written: set[Use] = set()


@contextmanager
def watching() -> Iterator[set[Use]]:
    """Collect all that is looked at in the block, by this thread."""
    found: set[Use] = set()
    token = _watchers.set((*_watchers.get(), found))
    try:
        yield found
    finally:
        _watchers.reset(token)


def note(kind: Kind, name: str) -> None:
    """Say that something is looked at.

    Parameters
    ----------
    kind : {"data set", "result table", "claim", "claims", "findings", "experiment"}
        What it is; "claims" stands for all claims of a study, "findings" for the sentences about them.
    name : str
        Which; ``<experiment> <profile>`` for a table.
    """
    use = Use(kind, name)
    for found in _watchers.get():
        found.add(use)
    if _FILE is not None and use not in _written:
        _written.add(use)
        with _FILE.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(use) + "\n")


def read_uses(file: Path) -> list[Use]:
    """Read the uses in a file, each once, sorted; none where there is no file.

    Raises
    ------
    ValueError
        If a line is no pair of two texts.
    """
    if not file.exists():
        return []
    found = set()
    for line in file.read_text(encoding="utf-8").splitlines():
        kind, name = json.loads(line)
        found.add(Use(kind, str(name)))
    return sorted(found)
