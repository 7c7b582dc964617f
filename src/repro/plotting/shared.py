"""Plots that every chapter uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.plotting.figures import PALETTE, Shown, book_style, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


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
