"""Figures of the study `naive_bayes`. Each takes a result table (tidy frame) and returns a picture with its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from repro.plotting.figures import PALETTE, Shown, book_style, show

if TYPE_CHECKING:
    import pandas as pd

STYLES: Final[dict[str, dict[str, Any]]] = {
    "naive_bayes": {"color": PALETTE["green"], "marker": "s", "linestyle": "--", "label": "naive Bayes"},
    "logistic": {"color": PALETTE["purple"], "marker": "o", "linestyle": "-", "label": "logistic regression"},
}
STANDARDISED: Final[dict[str, dict[str, Any]]] = {
    "logistic_standardised": {
        "color": PALETTE["orange"],
        "marker": "^",
        "linestyle": "-",
        "label": "logistic regression, standardised columns",
    }
}
"""Drawn beside the two where logistic regression also sees standardised columns."""


def _interval(values: pd.DataFrame) -> tuple[Any, Any, Any]:
    """Mean over replicates and its 95 % t interval, for a frame with one column for each replicate."""
    from scipy.stats import t

    n = values.notna().sum(axis=1)
    half = t.ppf(0.975, n - 1) * values.std(axis=1) / np.sqrt(n)
    return values.mean(axis=1), values.mean(axis=1) - half, values.mean(axis=1) + half


def growth(table: pd.DataFrame) -> Shown:
    """Draw the examples needed against the dimension in both designs, on logarithmic axes.

    Parameters
    ----------
    table : DataFrame
        Table of the experiment ``naive_bayes.growth``.
    """
    import matplotlib.pyplot as plt

    spoken = []
    with book_style():
        figure, panels = plt.subplots(1, 2, figsize=(8.6, 3.7), sharey=True)
        titles = {
            "paper": "paper's design, ever easier: within 1 point",
            "constant": "equally hard, Bayes error 10 %: within 2 points",
        }
        for axes, (design, title) in zip(panels, titles.items(), strict=True):
            for method, style in (STYLES | STANDARDISED).items():
                rows = table[
                    (table["design"] == design) & (table["method"] == method) & (table["metric"] == "examples")
                ]
                wide = rows.pivot(index="dimension", columns="replicate", values="value").apply(np.log)
                middle, low, high = (np.exp(part) for part in _interval(wide))
                axes.plot(middle.index, middle, **style)
                axes.fill_between(middle.index, low, high, color=style["color"], alpha=0.2, linewidth=0)
                spoken.append(
                    f"{title}, {style['label']}: {middle.iloc[0]:.0f} examples in dimension {middle.index[0]:.0f}, "
                    f"{middle.iloc[-1]:.0f} in dimension {middle.index[-1]:.0f}"
                )
            sizes = sorted(table["dimension"].dropna().unique())
            ends, start = np.array([sizes[0], sizes[-1]]), 2.0  # below all curves, so that the guides hide none
            axes.plot(ends, start * ends / ends[0], color=PALETTE["grey"], linewidth=1, linestyle=":", label="slope 1")
            axes.plot(ends, [start, start], color=PALETTE["black"], linewidth=1, linestyle="-.", label="slope 0")
            axes.set(xscale="log", yscale="log", xlabel="dimension n", title=title)
            axes.set_xticks(sizes, [f"{size:.0f}" for size in sizes])
            axes.minorticks_off()
        panels[0].set_ylabel("examples needed")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=4)
    return show(
        figure,
        alt=f"Two panels of curves on logarithmic axes, with guides of slope 0 and 1. {'; '.join(spoken)}.",
        caption="Examples until the mean error over five draws is within one point (left) or two points (right) of the "
        "Bayes error: geometric mean over seeds with its 95 % interval. On the right logistic regression ends in "
        "dimension 100, because in 200 it needs thousands of rows and too much time for a quick run.",
    )


def learning_curves(table: pd.DataFrame) -> Shown:
    """Draw the accuracy of both methods against the number of examples, one panel for each kind of features.

    Parameters
    ----------
    table : DataFrame
        Table of the experiment ``naive_bayes.features``.
    """
    import matplotlib.pyplot as plt

    spoken = []
    titles = {"pixels": "principal components", "supervised": "supervised network", "rotations": "rotation network"}
    with book_style():
        figure, panels = plt.subplots(1, 3, figsize=(9.4, 3.4), sharey=True)
        for axes, (features, title) in zip(panels, titles.items(), strict=True):
            for method, style in STYLES.items():
                chosen = (table["features"] == features) & (table["method"] == method) & (table["metric"] == "accuracy")
                wide = table[chosen].pivot(index="examples", columns="replicate", values="value")
                middle, low, high = _interval(wide)
                axes.plot(middle.index, middle, **style)
                axes.fill_between(middle.index, low, high, color=style["color"], alpha=0.2, linewidth=0)
                spoken.append(
                    f"{title}, {style['label']}: {middle.iloc[0]:.2f} with {middle.index[0]:.0f} examples, "
                    f"{middle.iloc[-1]:.2f} with {middle.index[-1]:.0f}"
                )
            axes.set(xscale="log", xlabel="training examples", title=title)
        panels[0].set_ylabel("accuracy on test rows")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return show(
        figure,
        alt=f"Three panels of rising curves. {'; '.join(spoken)}.",
        caption="Accuracy as examples are added, mean over seeds with its 95 % interval. Ten small digits by 40 "
        "principal components, five larger ones by 64 features of a network that never saw them.",
    )
