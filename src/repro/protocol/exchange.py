"""Controls that need no run: values of a finished table that change places or sign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from repro.protocol.experiment import Scalar

Levels = tuple[Scalar, ...]


@dataclass(frozen=True)
class Exchange:
    """Where the values of a control come from in the finished table of its experiment.

    Every row keeps its settings, replicate and metric. Its value becomes that of the row it would be after the
    exchange: with the level that stands for its own, and the metric that stands for its own.

    Parameters
    ----------
    columns : sequence of str
        Setting columns whose levels are exchanged, together.
    levels : mapping
        For levels of these columns, in their order, the levels whose values they get. Two entries make two levels
        change places.
    metrics : mapping of str to str
        For a metric the one whose values it gets.
    negated : sequence of str
        Metrics whose values change sign.
    relative : sequence of str
        Metrics that say by how much a level is ahead of the only one that is replaced, as a difference. The value of
        the level that stands in its place is subtracted from them.
    profile : str or None
        Profile whose table the control is judged on; None for the smallest one of the claim that has a table.

    Raises
    ------
    ValueError
        If nothing is exchanged, levels and columns differ in number, or ``relative`` has not one replaced level.
    """

    columns: Sequence[str] = ()
    levels: Mapping[Levels, Levels] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)
    negated: Sequence[str] = ()
    relative: Sequence[str] = ()
    profile: str | None = None

    def __post_init__(self) -> None:
        if not (self.levels or self.metrics or self.negated):
            raise ValueError("an exchange needs levels, metrics or negated, got none of them")
        for key, value in self.levels.items():
            if len(key) != len(self.columns) or len(value) != len(self.columns):
                raise ValueError(
                    f"levels must have one entry for each of the columns {list(self.columns)}, got {key!r}: {value!r}"
                )
        if self.relative and len(self.levels) != 1:
            raise ValueError(f"relative needs exactly one replaced level, got {len(self.levels)}")


def replaced(column: str, levels: Mapping[Scalar, Scalar], relative: Sequence[str] = ()) -> Exchange:
    """Declare that levels of one column get the values of others.

    Parameters
    ----------
    column : str
        Setting column.
    levels : mapping
        For a level the one whose values it gets.
    relative : sequence of str
        As in :class:`Exchange`.

    Examples
    --------
    >>> replaced("method", {"presto": "logit"}).levels
    {('presto',): ('logit',)}
    """
    return Exchange((column,), {(level,): (other,) for level, other in levels.items()}, relative=relative)
