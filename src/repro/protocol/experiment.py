"""Experiments and their cells: what a study declares and what running executes."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from repro.ground.exceptions import UnknownName
from repro.protocol.profile import CONTROL, PROFILES

if TYPE_CHECKING:
    import pandas as pd

    from repro.protocol.exchange import Exchange
    from repro.protocol.own_data import OwnData

Scalar = str | int | float | bool | None
Parameters = Mapping[str, Scalar]

RESERVED_COLUMNS: Final = ("cell", "replicate", "metric", "value")
"""Columns that every result table ends with, after the setting columns of its experiment."""

VARIANT: Final = "variant"
"""Name of the parameter and setting column that says which control, if any, a cell runs."""

UNSEEDED: Final = (VARIANT, "csv")
"""Parameters that do not move the seed: a control sees the draws of what it controls, a file may change its folder."""


def child_seed(parent: np.random.SeedSequence, *key: int) -> np.random.SeedSequence:
    """Child of `parent` with the given spawn key, so that a draw has a name and no position in a queue."""
    return np.random.SeedSequence(parent.entropy, spawn_key=(*parent.spawn_key, *key))


def canonical_json(value: object) -> str:
    """JSON text of `value` with sorted keys and no blanks: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True)
class Cell:
    """One unit of work: a parameter set with its own seed.

    Parameters
    ----------
    experiment : str
        Name of the experiment, ``<study>.<experiment>``.
    parameters : mapping of str to scalar
        What distinguishes this cell from the others of its experiment.
    seed : int
        Seed of the experiment, shared by its cells.
    device : str, default="cpu"
        Where tensors live (``"cpu"``, ``"cuda"``, …). Not part of the identity.
    scratch : pathlib.Path or None, default=None
        Folder in which a long cell may keep a checkpoint. Not part of the identity.
    """

    experiment: str
    parameters: Parameters
    seed: int
    device: str = "cpu"
    scratch: Path | None = field(default=None, compare=False)

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits that name experiment and parameters; the ``cell`` column of the table."""
        text = canonical_json([self.experiment, dict(self.parameters)])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def variant(self) -> str | None:
        """Name of the control that this cell runs, or None for the experiment proper."""
        value = self.parameters.get(VARIANT)
        return None if value is None else str(value)

    def seed_sequence(self) -> np.random.SeedSequence:
        """Return the seed of this cell: a child of the experiment's, as ``SeedSequence.spawn`` makes them.

        The spawn key is derived from the parameters (without :data:`UNSEEDED`), not from the position in a
        list. So a result depends neither on order nor on the number of workers, cells can be added
        without moving the others, and a control sees the same random draws as the experiment it controls.
        """
        identity = {key: value for key, value in self.parameters.items() if key not in UNSEEDED}
        digest = hashlib.sha256(canonical_json(identity).encode()).digest()
        spawn_key = tuple(int.from_bytes(digest[start : start + 4], "little") for start in (0, 4, 8))
        return np.random.SeedSequence(self.seed, spawn_key=spawn_key)

    def generator(self) -> np.random.Generator:
        """Return a fresh generator seeded by :meth:`seed_sequence`."""
        return np.random.default_rng(self.seed_sequence())

    def child(self, *key: int) -> np.random.SeedSequence:
        """Return a child of this cell's seed, so that a draw has a name and no position in a queue.

        ``child(0)``, ``child(1)``, … are those that the first call of ``seed_sequence().spawn`` gives.

        Parameters
        ----------
        *key : int
            Name of the child, for example the number of a fold and of a level, each at least 0.
        """
        return child_seed(self.seed_sequence(), *key)

    def whole(self, name: str) -> int:
        """Return a parameter that is a whole number.

        Raises
        ------
        KeyError
            If the cell has no such parameter; names those there are.
        TypeError
            If it is None, a truth value, text, or a number with a fraction.
        """
        value = self._parameter(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer():
            raise TypeError(f"parameter {name!r} of {self.experiment} must be a whole number, got {value!r}")
        return int(value)

    def number(self, name: str) -> float:
        """Return a parameter that is a finite number, as float.

        Raises
        ------
        KeyError
            If the cell has no such parameter; names those there are.
        TypeError
            If it is None, a truth value, text or not finite.
        """
        value = self._parameter(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise TypeError(f"parameter {name!r} of {self.experiment} must be a finite number, got {value!r}")
        return float(value)

    def text(self, name: str) -> str:
        """Return a parameter that is text.

        Raises
        ------
        KeyError
            If the cell has no such parameter; names those there are.
        TypeError
            If it is anything else.
        """
        value = self._parameter(name)
        if not isinstance(value, str):
            raise TypeError(f"parameter {name!r} of {self.experiment} must be text, got {value!r}")
        return value

    def flag(self, name: str) -> bool:
        """Return a parameter that is true or false.

        Raises
        ------
        KeyError
            If the cell has no such parameter; names those there are.
        TypeError
            If it is anything else.
        """
        value = self._parameter(name)
        if not isinstance(value, bool):
            raise TypeError(f"parameter {name!r} of {self.experiment} must be True or False, got {value!r}")
        return value

    def _parameter(self, name: str) -> Scalar:
        if name not in self.parameters:
            raise KeyError(f"{self.experiment}: this cell has no parameter {name!r}, only {sorted(self.parameters)}")
        return self.parameters[name]


def _no_datasets(parameters: Parameters) -> tuple[str, ...]:
    name = parameters.get("dataset")
    return (str(name),) if name is not None else ()


def _never(parameters: Parameters) -> bool:
    return False


@dataclass(frozen=True)
class Experiment:
    """One named, parameterised computation of a study.

    Parameters
    ----------
    name : str
        ``<study>.<experiment>``.
    summary : str
        One sentence: what is computed.
    settings : sequence of str
        Setting columns of the table, in order. ``variant`` is added in front of them for control runs.
    compute : callable
        ``compute(cell) -> DataFrame`` with the setting columns, ``replicate``, ``metric`` and ``value``. Must be
        importable (a module-level function), must draw randomness only from the cell, must not read the clock.
    cells : mapping of str to callable
        For each profile that makes sense a function without arguments that lists the parameter sets.
        The key ``"control"`` lists those of the control runs, each with a ``variant``.
    variants : mapping of str to str
        The controls: name and the reason why the claimed statement is false by construction there.
    exchanged : mapping of str to Exchange
        Controls that are not run: values of the finished table change places or sign.
    compared : mapping of str to str
        Control runs that no plain cell can be compared with, and the profile whose table shows what they change.
    seconds : callable, optional
        ``seconds(parameters)``: expected time of a cell on one core, for ``--dry-run``.
    datasets : callable, optional
        ``datasets(parameters)``: names of the data sets a cell reads; by default the parameter ``dataset``.
    own_data : OwnData or None
        How the experiment runs on a reader's own file; None when it does not. One that runs on nothing else has no
        cells.
    seed : int, default=2002
        Root of all randomness of the experiment.
    kept : callable, optional
        ``kept(parameters)``: whether a cell rests on a training that is too long to be repeated whenever the code
        changes. Its rows are a record of that training; newer code does not put them out of date.
    tolerance : float, default=1e-6
        How far a value may come out from the one computed elsewhere, as a share of 1 plus its size: on another
        processor, or with other versions of the libraries. On the same ones equal bytes are asked for.
    """

    name: str
    summary: str
    settings: Sequence[str]
    compute: Callable[[Cell], pd.DataFrame]
    cells: Mapping[str, Callable[[], Sequence[Parameters]]]
    variants: Mapping[str, str] = field(default_factory=dict)
    exchanged: Mapping[str, Exchange] = field(default_factory=dict)
    compared: Mapping[str, str] = field(default_factory=dict)
    seconds: Callable[[Parameters], float] = lambda parameters: 1.0
    datasets: Callable[[Parameters], Sequence[str]] = _no_datasets
    own_data: OwnData | None = None
    seed: int = 2002
    kept: Callable[[Parameters], bool] = _never
    tolerance: float = 1e-6

    def __post_init__(self) -> None:
        study, _, short = self.name.partition(".")
        if not (study.isidentifier() and short.isidentifier()):
            raise ValueError(f"name must be '<study>.<experiment>' of two identifiers, got {self.name!r}")
        unknown = set(self.cells) - {*PROFILES, CONTROL}
        if unknown:
            raise ValueError(
                f"cells of {self.name}: {sorted(unknown)} are no profiles; allowed: {PROFILES} and {CONTROL!r}"
            )
        for profile, listed in self.cells.items():
            if not callable(listed):
                raise TypeError(
                    f"cells of {self.name}, profile {profile!r}, must be a function without arguments that lists "
                    f"parameter sets, as combinations() makes one, got {type(listed).__name__}"
                )
        clash = set(self.settings) & {*RESERVED_COLUMNS, VARIANT}
        if clash:
            raise ValueError(f"settings of {self.name}: {sorted(clash)} are reserved columns")
        for variant in (*self.exchanged, *self.compared):
            if variant not in self.variants:
                raise UnknownName(f"variant of {self.name}", variant, self.variants)
        for variant, exchange in self.exchanged.items():
            for column in exchange.columns:
                if column not in self.settings:
                    raise UnknownName(f"setting column of {self.name}, control {variant!r}", column, self.settings)

    @property
    def study(self) -> str:
        """Name of the study, the part before the dot."""
        return self.name.partition(".")[0]

    @property
    def profiles(self) -> tuple[str, ...]:
        """Profiles that this experiment declares, smallest first."""
        return tuple(profile for profile in PROFILES if profile in self.cells)

    def cells_of(self, profile: str) -> list[Cell]:
        """List the cells of a profile, in the order of the table.

        Raises
        ------
        UnknownName
            If the experiment does not declare the profile.
        ValueError
            If two cells have equal parameters, or a control cell names no known variant.
        """
        if profile not in self.cells:
            raise UnknownName(f"profile of {self.name}", profile, [*self.profiles, *({CONTROL} & set(self.cells))])
        cells = [Cell(self.name, dict(parameters), self.seed) for parameters in self.cells[profile]()]
        if len({cell.id for cell in cells}) < len(cells):
            raise ValueError(f"{self.name}: two cells of profile {profile!r} have equal parameters")
        for cell in cells:
            if (profile == CONTROL) != (cell.variant is not None):
                raise ValueError(
                    f"{self.name}: cells of {CONTROL!r}, and only they, name a variant; got {cell.parameters}"
                )
            if cell.variant is not None and cell.variant not in self.variants:
                raise UnknownName(f"variant of {self.name}", cell.variant, self.variants)
            if cell.variant in self.exchanged:
                raise ValueError(f"{self.name}: control {cell.variant!r} is an exchange, it has no cells")
        return cells

    def plain_twins(self) -> dict[str, tuple[Cell, Cell]]:
        """For each control that is run its cheapest cell, the first of several, and the same cell without the control.

        Both see the same random draws. Controls in ``compared`` have no such twin and are left out.
        """
        twins: dict[str, tuple[Cell, Cell]] = {}
        cells = self.cells_of(CONTROL) if CONTROL in self.cells else []
        for cell in sorted(cells, key=lambda cell: self.seconds(cell.parameters)):
            if cell.variant is not None and cell.variant not in (*twins, *self.compared):
                plain = {name: value for name, value in cell.parameters.items() if name != VARIANT}
                twins[cell.variant] = (cell, Cell(self.name, plain, self.seed))
        return twins
