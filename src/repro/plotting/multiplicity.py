"""Figures of the study `multiplicity`. Each takes ranges or a result table and returns a picture with its finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from repro.plotting.figures import Shown, key_entry, show
from repro.plotting.shared import lines, panel_axes, summarise
from repro.plotting.styles import Style, book_style, styles_of

if TYPE_CHECKING:
    import pandas as pd

    from repro.metrics import ViableRanges


def people(ranges: ViableRanges, y: npt.ArrayLike, *, delta: float = 0.1) -> Shown:
    """Draw the viable range of every person as a bar, sorted by risk.

    Parameters
    ----------
    ranges : ViableRanges
    y : array-like of shape (n,), bool
        True for the rare class.
    delta : float, default=0.1
        Distance from which a person counts as ambiguous.
    """
    positive, moves = np.asarray(y, dtype=bool), ranges.moves()
    place = np.argsort(np.argsort(ranges.baseline))
    styles = styles_of([False, True], "class")
    called = {False: "outcome did not happen", True: "outcome happened"}
    with book_style():
        [(figure, axes)] = panel_axes(1, (6.4, 3.4))
        for kind, style in styles.items():
            mine = positive == kind
            axes.vlines(place[mine], ranges.low[mine], ranges.high[mine], color=style.color, linewidth=2.4, alpha=0.45)
            axes.plot(place[mine], ranges.baseline[mine], style.marker, color=style.color, markersize=4)
        axes.set(xlabel="people, by risk of the best model", ylabel="predicted risk", ylim=(0, 1))
    widest = int(np.argmax(ranges.high - ranges.low))
    count = int((moves >= delta).sum())
    return show(
        figure,
        title=f"For {count} of {len(moves)} people the risk moves by {delta:g} or more; the widest range goes from "
        f"{ranges.low[widest]:.2f} to {ranges.high[widest]:.2f}",
        alt=f"Bars of the risk that models with nearly the same loss give each of {len(moves)} people, with a dot for "
        "the best model: short at both ends, long in the middle, and long for most people with the outcome.",
        caption="Each bar reaches from the least to the largest risk among all models whose loss is within 1 % of the "
        "least; the mark is the best model.",
        key=[key_entry(called[kind], Style(style.color, style.marker), line=False) for kind, style in styles.items()],
    )


def by_prevalence(table: pd.DataFrame) -> Shown:
    """Draw the share of ambiguous people in each class against the share of positives, for both tolerances.

    Table of the experiment ``multiplicity.simulated``.
    """
    rows = table[(table["metric"] == "ambiguity") & (table["separation"] == 1.0) & (table["outliers"] == "none")]
    found = summarise(rows, ["tolerance", "class", "prevalence"])
    found = found.sort_values("tolerance", key=lambda names: names != "relative", kind="stable")
    at = found[found["tolerance"] == "relative"].set_index(["class", "prevalence"])["estimate"]
    return lines(
        found,
        "prevalence",
        series="class",
        panel="tolerance",
        panel_names={"relative": "loss within 1 %", "absolute": "loss within 0.01 nats"},
        names={"all": "all people", "positive": "positives", "negative": "negatives"},
        xlabel="share of positives",
        ylabel="share of ambiguous people",
        log="x",
        ticks={"x": sorted(rows["prevalence"].unique())},
        ylim=(0, 1),
        title=f"At 5 % positives {100 * at['all', 0.05]:.0f} % of all people are ambiguous, and "
        f"{100 * at['positive', 0.05]:.0f} % of the positives",
        caption="Share of people whose risk can move by 0.1, mean over seeds with its 95 % interval. Left the "
        "tolerance is a share of the least loss, which is small for rare classes; right it is the same for all.",
    )
