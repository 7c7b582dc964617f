"""Figures of the study `noisy_metrics`. Each takes counts or a result table and returns a picture with its finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from repro.metrics import Counts, confusion_metrics
from repro.plotting.figures import Shown, key_entry, show
from repro.plotting.shared import lines, panel_axes, summarise
from repro.plotting.styles import INK, PALETTE, Style, book_style
from repro.protocol.names import name_of

if TYPE_CHECKING:
    import pandas as pd

COSTS: Final = {5: ":", 50: "-.", 500: "--"}
METHODS: Final = ("expected_cost", "f1_then_gmean", "gmean_then_f1", "f1", "mcc", "accuracy", "auroc")


def exchange(prevalence: float, tpr: float, fpr: float) -> Shown:
    """Draw the lines on which F1, g-mean and three costs are as good as at one detector, in the plane of its rates.

    Parameters
    ----------
    prevalence, tpr, fpr : float
        Share of positives, true and false positive rate of the detector.
    """
    alarms, hits = np.geomspace(1e-5, 0.1, 400), np.linspace(0.4, 1.0, 400)
    plane, here = Counts.from_rates(prevalence, hits[:, None], alarms), Counts.from_rates(prevalence, tpr, fpr)
    values, own = confusion_metrics(plane), confusion_metrics(here)
    styles = {"f1": Style(PALETTE["blue"], ""), "g_mean": Style(PALETTE["orange"], "")}
    key = [key_entry(name_of(name), style) for name, style in styles.items()]
    f1 = float(own["f1"])
    with book_style():
        [(figure, axes)] = panel_axes(1)
        for name, style in styles.items():
            axes.contour(alarms, hits, values[name], [float(own[name])], colors=style.color, linewidths=2.2)
        for cost, dashes in COSTS.items():
            paid = cost * plane.fn + plane.fp
            level = float(cost * here.fn + here.fp)
            axes.contour(alarms, hits, paid, [level], colors=PALETTE["grey"], linestyles=dashes, linewidths=1.3)
            key.append(key_entry(f"a miss costs {cost} alarms", Style(PALETTE["grey"], "", dashes)))
        axes.plot(fpr, tpr, "o", color=INK)
        axes.annotate("the detector", (fpr, tpr), (8, -12), textcoords="offset points")
        axes.set(xscale="log", xlabel="false positive rate", ylabel="true positive rate")
    price = (2 - f1) / f1
    return show(
        figure,
        title=f"Here F1 says that a miss costs {price:.1f} false alarms, g-mean that it costs "
        f"{(1 - prevalence) * (1 - fpr) / (prevalence * tpr):.0f}",
        alt="Curves through one detector in the plane of true and false positive rate, on a logarithmic axis: that of "
        "F1 runs like the line of a cheap miss and bends up early, that of g-mean stays flat like that of a dear miss.",
        caption="On a line all detectors are as good as the marked one: above it they are better. A line that rises "
        "early refuses false alarms; a flat one accepts them. Grey: three prices of a miss.",
        key=key,
    )


def order(table: pd.DataFrame) -> Shown:
    """Draw how well metrics order detectors against the cost of a miss, without errors and after verification.

    Table of the experiment ``noisy_metrics.ordering``.
    """
    rows = table[
        (table["metric"] == "kendall") & (table["labels"] == "recorded") & (table["cost"] != "prevalence odds")
    ]
    rows = rows[rows["method"].isin(METHODS)]
    strong = (rows["noise"] == "independent") & (rows["missed"] == 0.3)
    panels = {
        "correct labels": (rows["noise"] == "independent") & (rows["missed"] == 0),
        "independent errors": strong,
        "frauds a like system found": rows["noise"] == "verification 1",
    }
    found = summarise(
        rows.assign(panel=np.select(list(panels.values()), list(panels), "")).query("panel != ''"),
        ["panel", "method", "cost"],
    )
    found = found.sort_values("panel", key=lambda names: names.map(list(panels).index), kind="stable")
    at = found[found["panel"] == "correct labels"].set_index(["method", "cost"])["estimate"]
    return lines(
        found,
        "cost",
        panel="panel",
        xlabel="cost of a miss, in false alarms",
        ylabel="Kendall's tau with the true cost",
        level=0.0,
        title=f"F1, then g-mean agrees with the true cost at {at['f1_then_gmean', '5']:.2f} where a miss costs 5 false "
        f"alarms, and at {at['f1_then_gmean', '500']:.2f} where it costs 500",
        caption="Agreement of the order by each metric of recorded labels with the order by true cost, mean of 30 "
        "draws of 200 detectors with its 95 % interval. Middle: 30 % of frauds missed, one genuine case in 1,000 "
        "recorded as fraud. Right: a fraud is recorded only if a system with the same scores finds it.",
    )
