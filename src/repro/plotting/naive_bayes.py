"""Figures of the study `naive_bayes`. Each takes a result table and returns a picture with its finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from repro.plotting.figures import Shown
from repro.plotting.shared import geometric, lines, summarise
from repro.plotting.styles import INK, PALETTE
from repro.protocol.names import name_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

METHODS = ("naive_bayes", "logistic", "logistic_standardised")


def growth(table: pd.DataFrame) -> Shown:
    """Draw the examples needed against the dimension in both designs, on logarithmic axes.

    Table of the experiment ``naive_bayes.growth``.
    """
    rows = table[(table["metric"] == "examples") & table["method"].isin(METHODS)]
    found = summarise(rows, ["design", "method", "dimension"], geometric)
    found = found.sort_values("design", key=lambda names: names != "paper", kind="stable")
    sizes = sorted(found["dimension"].unique())
    ends = np.array([sizes[0], sizes[-1]])
    need = found[found["design"] == "constant"].set_index(["method", "dimension"])["estimate"]
    last = min(need[name].index.max() for name in METHODS[:2])

    def guides(axes: Axes, _: Any) -> None:
        axes.plot(ends, 2.0 * ends / ends[0], color=PALETTE["grey"], linewidth=1, linestyle=":")
        axes.plot(ends, [2.0, 2.0], color=INK, linewidth=1, linestyle="-.")

    return lines(
        found,
        "dimension",
        panel="design",
        panel_names={
            "paper": "paper's design, ever easier: within 1 point",
            "constant": "equally hard, Bayes error 10 %: within 2 points",
        },
        ylabel="examples needed",
        log="xy",
        ticks={"x": sizes},
        band=True,
        title=f"Among equally hard problems of dimension {last:.0f}, naive Bayes needs "
        f"{need['naive_bayes', last]:.0f} examples and logistic "
        f"regression {need['logistic', last]:.0f}",
        caption="Examples until the mean error over five draws is within one point (left) or two points (right) of the "
        "Bayes error: geometric mean over seeds with its 95 % interval. Guides: dotted slope 1, dash-dotted slope 0. "
        "On "
        "the right logistic regression ends in dimension 100, because in 200 it needs thousands of rows and too much "
        "time for a quick run.",
        decorate=guides,
    )


def learning_curves(table: pd.DataFrame) -> Shown:
    """Draw the accuracy of both methods against the number of examples, one panel for each kind of features.

    Table of the experiment ``naive_bayes.features``.
    """
    rows = table[(table["metric"] == "accuracy") & table["method"].isin(METHODS[:2]) & table["examples"].notna()]
    found = summarise(rows, ["features", "method", "examples"])
    ends = found[found["examples"] == found.groupby("features")["examples"].transform("max")]
    best = ends.set_index(["features", "method"])["estimate"].unstack()
    ahead = [
        name_of(kind, "features") for kind in best.index if best.loc[kind, "logistic"] > best.loc[kind, "naive_bayes"]
    ]
    return lines(
        found,
        "examples",
        panel="features",
        ylabel="accuracy on test rows",
        log="x",
        band=True,
        title=f"With the most examples logistic regression is ahead on {len(ahead)} of {len(best)} kinds of features"
        + (f": {', '.join(ahead)}" if ahead else ""),
        caption="Accuracy as examples are added, mean over seeds with its 95 % interval. Ten small digits by 40 "
        "principal components, five larger ones by 64 features of a network that never saw them.",
    )
