"""Figures of the study `aggregate_responses`. Each takes a result table and returns a picture with its finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repro.plotting.figures import Shown
from repro.plotting.shared import lines, summarise

if TYPE_CHECKING:
    import pandas as pd


def strengths(table: pd.DataFrame) -> Shown:
    """Draw the risk along the strength of interpolation and of ridge, a panel for each noise.

    Table of the experiment ``aggregate_responses.path``.
    """
    found = summarise(table, ["noise", "method", "strength"])
    means = found.set_index(["noise", "method", "strength"])["estimate"]
    ends = {noise: (means[noise, "interpolated", 0.0], means[noise, "interpolated", 1.0]) for noise in (0.1, 4.0)}
    return lines(
        found.assign(strength=found["strength"].clip(lower=0.002)),
        "strength",
        panel="noise",
        xlabel="strength (left end: 0, the bag loss)",
        ylabel="risk",
        log="xy",
        shared=True,
        ticks={"x": (0.01, 0.1, 1)},
        panel_names={noise: f"noise {noise:g}" for noise in found["noise"].unique()},
        title=f"From bag loss to instance loss the risk goes from {ends[0.1][0]:.2f} to {ends[0.1][1]:.2f} with little "
        f"noise, and from {ends[4.0][0]:.2f} to {ends[4.0][1]:.2f} with much",
        caption="Squared error of the coefficients over the strength: 0 is the bag loss, 1 the instance loss; ridge "
        "with a penalty of equal weight. 1,000 rows in bags of five, 50 features, mean of 20 draws with 95 % interval. "
        "Coefficients that are all zero have a risk of 1.",
    )


def sizes(table: pd.DataFrame) -> Shown:
    """Draw the risk under privacy noise over the size of bags. Table of ``aggregate_responses.privacy``."""
    rows = table[(table["epsilon"] == 0.5) & (table["bag_size"] > 0)]
    found = summarise(rows, ["method", "bag_size"])
    means = found.set_index(["method", "bag_size"])["estimate"]
    instance = means["instance"]
    return lines(
        found,
        "bag_size",
        xlabel="rows of a bag",
        ylabel="risk",
        log="xy",
        level=1.0,
        ticks={"x": (1, 2, 5, 10, 20), "y": (1, 2, 5, 10, 20)},
        title=f"Under privacy noise the instance loss is best at bags of {instance.idxmin():g}, with a risk of "
        f"{instance.min():.2f}; knowing nothing has 1",
        caption="Squared error of the coefficients over the size of bags, epsilon 0.5, 2,000 rows, 50 features; mean "
        "over draws with its 95 % interval. Line: coefficients that are all zero. The penalty of ridge is chosen on "
        "held-out private means.",
    )
