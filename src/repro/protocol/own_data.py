"""Experiments on a reader's own file: what they ask the reader for, how they read it, and what they answer.

Any experiment can have this: it declares its arguments, a function that reads and checks the file, the cells, and the
answer. The command line, the call from Python and their errors follow from the declaration. What comes out is never
the evidence of a claim.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from repro.ground.exceptions import UnknownName
from repro.protocol.experiment import Cell, Parameters, Scalar

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["file", "text", "number", "list"]
"""``list`` is several names, given as ``a,b,c`` or as a sequence."""

Given = str | Path | float | Sequence[str] | None


@dataclass(frozen=True)
class OwnArgument:
    """One thing that an experiment asks the reader for.

    Parameters
    ----------
    name : str
        Of the argument in Python; on the command line ``--name``, with hyphens for underscores.
    shown : str
        What stands for its value in a line of help, such as ``COLUMN``.
    help : str
        What it means.
    kind : {"file", "text", "number", "list"}, default="text"
    required : bool, default=False
    """

    name: str
    shown: str
    help: str
    kind: Kind = "text"
    required: bool = False

    @property
    def option(self) -> str:
        """Its name on the command line."""
        return f"--{self.name.replace('_', '-')}"

    def value(self, given: object) -> Scalar:
        """Turn what a reader gave into the parameter of a cell: an absolute path, a text, a number, a list as text.

        Raises
        ------
        TypeError
            If it is not of the kind.
        ValueError
            If it is empty, or no finite number.
        """
        if self.kind == "number":
            return _number(self.name, given)
        if self.kind == "list" and not isinstance(given, str) and isinstance(given, Iterable):
            return listed(given)
        if self.kind == "text" and isinstance(given, int | np.integer) and not isinstance(given, bool):
            given = str(int(given))
        if not isinstance(given, str) and not (self.kind == "file" and isinstance(given, Path)):
            raise TypeError(f"{self.name} must be text, got {given!r}")
        if not str(given).strip():
            raise ValueError(f"{self.name} must not be empty; it is {self.help}")
        return str(Path(given).expanduser().resolve()) if self.kind == "file" else str(given)


def _number(name: str, given: object) -> Scalar:
    if isinstance(given, str):
        try:
            given = int(given)
        except ValueError:
            try:
                given = float(given)
            except ValueError:
                raise ValueError(f"{name} must be a number, got {given!r}") from None
    if isinstance(given, bool) or not isinstance(given, Real):
        raise TypeError(f"{name} must be a number, got {given!r}")
    if not math.isfinite(given):
        raise ValueError(f"{name} must be finite, got {given}")
    return int(given) if isinstance(given, Integral) else float(given)


def listed(names: Iterable[object]) -> str:
    """Write names as one line, separated by commas, those that hold a comma in quotation marks."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([str(name) for name in names])
    return line.getvalue()


def names_in(line: str) -> list[str]:
    """Names of a line as :func:`listed` writes it, without the blanks around them."""
    return [name.strip() for row in csv.reader([line], skipinitialspace=True) for name in row]


@dataclass(frozen=True)
class OwnFile:
    """What reading a reader's file has shown.

    Attributes
    ----------
    checksum : str
        Of all that is used of the file, so that finished cells are found again only for equal content.
    remarks : sequence of str
        What was decided on the way, and what the reader should know; said before anything is computed.
    """

    checksum: str
    remarks: Sequence[str] = ()


@dataclass(frozen=True)
class OwnAnswer:
    """What a reader is told.

    Attributes
    ----------
    summary : list of dict
        Rows of a small table, equal keys in all; an interval is a list of two numbers.
    said : sequence of str
        What it means, in sentences, the conclusion first.
    """

    summary: list[dict[str, Any]]
    said: Sequence[str] = ()


@dataclass(frozen=True)
class OwnData:
    """How an experiment runs on a reader's own file.

    Parameters
    ----------
    arguments : sequence of OwnArgument
        What the reader is asked for; the first is the file.
    read : callable
        ``read(parameters) -> OwnFile``: reads the file and raises the errors that concern it. It gets all arguments,
        None for those that were not given.
    cells : callable
        ``cells(parameters) -> list of parameter sets``; all arguments are added to every set.
    answer : callable
        ``answer(table, parameters) -> OwnAnswer``.

    Raises
    ------
    ValueError
        If the first argument is no required file, or two have one name.
    """

    arguments: Sequence[OwnArgument]
    read: Callable[[Parameters], OwnFile]
    cells: Callable[[Parameters], Sequence[Parameters]]
    answer: Callable[[pd.DataFrame, Parameters], OwnAnswer]

    def __post_init__(self) -> None:
        names = [argument.name for argument in self.arguments]
        if not names or self.arguments[0].kind != "file" or not self.arguments[0].required:
            raise ValueError(f"the first of the arguments must be a required file, got {names}")
        if len(set(names)) < len(names):
            raise ValueError(f"arguments must have different names, got {names}")

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the arguments that are files."""
        return tuple(argument.name for argument in self.arguments if argument.kind == "file")

    def usage(self) -> str:
        """Arguments as they are typed, those that may be left out in brackets."""
        typed = [(f"{argument.option} {argument.shown}", argument.required) for argument in self.arguments]
        return " ".join(text if required else f"[{text}]" for text, required in typed)

    def parameters(self, experiment: str, given: Mapping[str, Given]) -> dict[str, Scalar]:
        """Check what a reader gave and turn it into parameters of cells, None for what is left out.

        Raises
        ------
        UnknownName
            If something was given that the experiment does not ask for.
        TypeError
            If a value is not of its kind.
        ValueError
            If something is missing or empty, or a number is none; names what is asked for.
        """
        for name in given:
            if name not in [argument.name for argument in self.arguments]:
                raise UnknownName(f"argument of {experiment}", name, [argument.name for argument in self.arguments])
        here = {name: value for name, value in given.items() if value is not None}
        missing = [argument for argument in self.arguments if argument.required and argument.name not in here]
        if missing:
            wanted = "; ".join(f"{argument.option}, {argument.help}" for argument in missing)
            raise ValueError(f"{experiment} needs {wanted}. It takes {self.usage()}")
        return {
            argument.name: argument.value(here[argument.name]) if argument.name in here else None
            for argument in self.arguments
        }


@dataclass(frozen=True)
class OwnCell(Cell):
    """A cell on a reader's file: the file may change its folder without moving the seed.

    Parameters
    ----------
    files : tuple of str
        Parameters that are paths.
    """

    files: tuple[str, ...] = ()

    def seed_sequence(self) -> np.random.SeedSequence:
        """Return the seed of this cell, as that of :class:`Cell` without the paths of files."""
        parameters = {name: value for name, value in self.parameters.items() if name not in self.files}
        return Cell(self.experiment, parameters, self.seed).seed_sequence()
