"""A forest plot of the conditions of a claim in one small strip, drawn without a plotting library.

Few conditions are rows, with the effect from left to right; more are columns, with the effect upwards, so that forty
stay apart. Effects of different units have panels of their own, each on its own scale. The drawing stretches to the
width of its box, lines and dots keep their size, and colours come from the classes of the verdicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from repro.claims.judgement import ConditionJudgement, Judgement
from repro.claims.naming import condition_names
from repro.claims.scales import Scale
from repro.protocol.claim import Verdict

ROWS: Final = 4
"""Up to so many conditions are rows, which have names beside them."""

_PITCH: Final = 16
"""Pixels from row to row."""

_WIDTH: Final = 1000
"""Units across the drawing, which is stretched to its box."""

_ROOM: Final = 0.75
"""What an interval may add to a scale, as a share of what estimates and marks take."""

_DRAWN: Final[tuple[Verdict, ...]] = ("reproduced", "inconclusive", "not reproduced")


@dataclass(frozen=True)
class Strip:
    """A drawing of conditions.

    Attributes
    ----------
    width, height : int
        Size of the drawing; only the height is in pixels.
    zero, marks : str
        Paths of the lines of no effect and of the marks of the criteria.
    bars, dots : dict of str to str
        Paths of the intervals and of the estimates, by verdict.
    names : tuple of str
        Names of the rows; empty where conditions are columns.
    text : str
        What the drawing shows, in words.
    caption : str
        What its lines mean.
    """

    width: int
    height: int
    zero: str
    marks: str
    bars: dict[Verdict, str]
    dots: dict[Verdict, str]
    names: tuple[str, ...]
    text: str
    caption: str


@dataclass
class _Panel:
    """Conditions on one scale and where they stand in the drawing."""

    scale: Scale
    conditions: list[ConditionJudgement] = field(default_factory=list)

    def limits(self) -> tuple[float, float]:
        """Return the ends of the scale: all estimates and marks, and as much of intervals as leaves them room."""
        inner = [0.0, *self.scale.marks, *(condition.estimate or 0.0 for condition in self.conditions)]
        outer = [bound for condition in self.conditions for bound in condition.interval or ()]
        low, high = min(inner), max(inner)
        room = _ROOM * (high - low) or 1.0
        low, high = max(min([low, *outer]), low - room), min(max([high, *outer]), high + room)
        return (low, high) if low < high else (low - 1.0, high + 1.0)

    @property
    def cut(self) -> bool:
        """Whether an interval is longer than the scale."""
        low, high = self.limits()
        return any(
            found.interval and not low <= found.interval[0] <= found.interval[1] <= high for found in self.conditions
        )


def strip_of(judgement: Judgement, height: int = 60, rows: int = ROWS) -> Strip | None:
    """Draw the conditions of a judgement that were run.

    Parameters
    ----------
    judgement : Judgement
        The judgement.
    height : int, default=60
        Height in pixels where conditions are columns.
    rows : int, default=ROWS
        Up to so many conditions are rows.

    Returns
    -------
    Strip or None
        None when no condition was run.
    """
    named = zip(condition_names(judgement), judgement.conditions, strict=True)
    run = [(name, condition) for name, condition in named if condition.estimate is not None]
    if not run:
        return None
    across = len(run) <= rows
    panels: dict[Scale, _Panel] = {}
    for _, condition in run if across else sorted(run, key=lambda pair: pair[1].estimate or 0.0):
        scale = Scale.of(judgement.claim, condition)
        panels.setdefault(scale, _Panel(scale)).conditions.append(condition)
    order = [condition for panel in panels.values() for condition in panel.conditions]
    slots = len(run) + len(panels) - 1
    pen = _Pen(across, _PITCH * len(run) if across else height, slots)
    for panel in panels.values():
        pen.draw(panel)
    return Strip(
        width=_WIDTH,
        height=pen.height,
        zero="".join(pen.zero),
        marks="".join(pen.marks),
        bars={verdict: "".join(found) for verdict, found in pen.bars.items() if found},
        dots={verdict: "".join(found) for verdict, found in pen.dots.items() if found},
        names=tuple(next(name for name, other in run if other is condition) for condition in order) if across else (),
        text=_text(order),
        caption=_caption(list(panels), across=across, cut=any(panel.cut for panel in panels.values())),
    )


class _Pen:
    """Draws panels one after the other; a slot is what a condition takes, another one lies between two panels."""

    def __init__(self, across: bool, height: int, slots: int) -> None:
        self.across, self.height = across, height
        self.pitch = _PITCH if across else _WIDTH / slots
        self.place = 0
        self.zero: list[str] = []
        self.marks: list[str] = []
        self.bars: dict[Verdict, list[str]] = {verdict: [] for verdict in _DRAWN}
        self.dots: dict[Verdict, list[str]] = {verdict: [] for verdict in _DRAWN}

    def draw(self, panel: _Panel) -> None:
        low, high = panel.limits()
        start, end = (12.0, _WIDTH - 12.0) if self.across else (self.height - 5.0, 5.0)

        def along(value: float) -> int:
            return round(start + (value - low) / (high - low) * (end - start))

        first, last = round(self.place * self.pitch), round((self.place + len(panel.conditions)) * self.pitch)
        self.zero.append(self._line(along(0.0), first, last))
        self.marks += [self._line(along(mark), first, last) for mark in panel.scale.marks]
        for number, condition in enumerate(panel.conditions):
            middle = round((self.place + number + 0.5) * self.pitch)
            estimate = along(condition.estimate or 0.0)
            self.dots[condition.verdict].append(f"M{estimate} {middle}h0" if self.across else f"M{middle} {estimate}h0")
            if condition.interval is not None:
                left, right = (along(min(max(bound, low), high)) for bound in condition.interval)
                self.bars[condition.verdict].append(
                    f"M{left} {middle}H{right}" if self.across else f"M{middle} {left}V{right}"
                )
        self.place += len(panel.conditions) + (not self.across)

    def _line(self, value: int, first: int, last: int) -> str:
        return f"M{value} {first}V{last}" if self.across else f"M{first} {value}H{last}"


def _text(conditions: Sequence[ConditionJudgement]) -> str:
    verdicts = [condition.verdict for condition in conditions]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in _DRAWN if verdict in verdicts)
    what = "effects with 95 % intervals" if any(condition.interval for condition in conditions) else "deviations"
    plural = len(conditions) > 1
    return f"Forest plot of {len(conditions)} condition{'s' * plural}, {what}: {counts}."


def _caption(scales: Sequence[Scale], *, across: bool, cut: bool) -> str:
    """Say what the lines mean; numbers only where all panels share them."""
    first, end = scales[0], "; longer intervals are cut." if cut else "."
    if len(scales) > 1:
        return f"{len(scales)} panels, each on its own scale; solid: zero; dashed: marks of the criterion{end}"
    if first.kind == "identity":
        return f"Solid: no deviation{'; dashed: the bound' if first.marks else ''}."
    around = " and ".join(map(first.mark, first.marks))
    zero = f"Solid: {'agreement with the paper' if first.kind == 'within' else 'no effect'}"
    if first.kind in ("equivalence", "within"):
        return f"{zero}; dashed: {around}{end}"
    what = "smallest effect that matters" if first.marks and first.marks[-1] > 0 else "shortfall that is allowed"
    dashed = f"dashed: {what}, {around}; " if around else ""
    return f"{zero}; {dashed}{'right' if across else 'up'} is as claimed{end}"
