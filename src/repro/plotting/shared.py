"""Plots that every chapter uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from repro.plotting.figures import PALETTE, Shown, book_style, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from repro.claims import Judgement

VERDICT_MARKERS: Final = {
    "reproduced": ("o", PALETTE["green"]),
    "not reproduced": ("X", PALETTE["orange"]),
    "inconclusive": ("D", PALETTE["grey"]),
}
"""Marker and colour of a verdict: told apart by shape first."""


def forest(judgement: Judgement, *, xlabel: str, unit: str = "", caption: str = "") -> Shown:
    """Draw the conditions of one claim as points with their 95 % intervals, the claimed direction to the right.

    Parameters
    ----------
    judgement : Judgement
        A judged claim with at least one condition.
    xlabel : str
        Name of the quantity, with its unit.
    unit : str, default=""
        Unit of the numbers in the alternative text.
    caption : str, default=""
        Caption; by default the claim's statement.

    Returns
    -------
    Shown
        The picture; its alternative text reads the numbers out.

    Raises
    ------
    ValueError
        If no condition has an interval.
    """
    import matplotlib.pyplot as plt

    conditions = [condition for condition in judgement.conditions if condition.interval is not None]
    if not conditions:
        raise ValueError(f"judgement of {judgement.claim.id} ({judgement.profile}) has no condition with an interval")
    with book_style():
        figure, axes = plt.subplots(figsize=(7.2, 0.9 + 0.42 * len(conditions)))
        axes.axvline(0, color=PALETTE["black"], linewidth=1)
        if judgement.claim.smallest_effect:
            axes.axvline(judgement.claim.smallest_effect, color=PALETTE["grey"], linewidth=1, linestyle=":")
        shown: set[str] = set()
        for row, condition in enumerate(reversed(conditions)):
            marker, color = VERDICT_MARKERS[condition.verdict]
            low, high = condition.interval or (0.0, 0.0)
            estimate = condition.estimate if condition.estimate is not None else 0.0
            axes.plot([low, high], [row, row], color=color, linewidth=2)
            label = None if condition.verdict in shown else condition.verdict
            axes.plot(estimate, row, marker, color=color, markersize=7, linestyle="", label=label)
            shown.add(condition.verdict)
        axes.set_yticks(range(len(conditions)), [condition.name for condition in reversed(conditions)])
        axes.set_ylim(-0.6, len(conditions) - 0.4)
        axes.set_xlabel(xlabel)
        figure.legend(loc="outside upper left", ncols=len(shown))
    spoken = "; ".join(
        f"{condition.name}: {condition.estimate:.3g}{unit}, from {condition.interval[0]:.3g} to "
        f"{condition.interval[1]:.3g}, "
        f"{condition.verdict}"
        for condition in conditions
        if condition.interval is not None
    )
    return show(
        figure,
        alt=f"One point with a horizontal interval for each condition, around a line at zero. {spoken}.",
        caption=caption or judgement.claim.statement,
    )


def paired(table: pd.DataFrame, levels: Sequence[str], *, ylabel: str, column: str = "method") -> Shown:
    """Draw the values of two levels on every replicate, joined by a line.

    Parameters
    ----------
    table : DataFrame
        Rows of one metric of a result table, one for each level and replicate.
    levels : sequence of two str
        Levels of `column`, from left to right.
    ylabel : str
        Name of the values, with their unit.
    column : str, default="method"
        Setting column that is compared.

    Returns
    -------
    Shown
        The picture; its alternative text gives both means.

    Raises
    ------
    ValueError
        If there are not two levels, or one has not exactly one value on every replicate.
    """
    import matplotlib.pyplot as plt

    if len(levels) != 2:
        raise ValueError(f"levels must be two, got {list(levels)}")
    rows = table[table[column].isin(levels)]
    counts = rows.groupby(["replicate", column]).size().unstack(column).reindex(columns=list(levels))
    if rows.empty or not (counts == 1).all(axis=None):
        raise ValueError(f"table must have one row for each replicate with {column} {levels[0]!r} and {levels[1]!r}")
    wide = rows.pivot(index="replicate", columns=column, values="value")
    with book_style():
        figure, axes = plt.subplots(figsize=(5.2, 3.4))
        axes.plot([0, 1], wide[list(levels)].to_numpy().T, color=PALETTE["grey"], linewidth=0.8)
        for place, (level, marker, color) in enumerate(zip(levels, "o^", ("blue", "orange"), strict=True)):
            axes.plot([place] * len(wide), wide[level], marker, color=PALETTE[color])
        names = [level.replace("_", " ") for level in levels]
        axes.set_xticks([0, 1], names)
        axes.set_xlim(-0.4, 1.4)
        axes.set_ylabel(ylabel)
    first, second = (float(wide[level].mean()) for level in levels)
    return show(
        figure,
        alt=(
            f"Two columns of {len(wide)} points joined by lines: {ylabel} is {first:.3g} on average for {names[0]}, "
            f"{second:.3g} for {names[1]}."
        ),
        caption=f"{ylabel[:1].upper()}{ylabel[1:]}, {names[0]} and {names[1]}; each line is one replicate.",
    )
