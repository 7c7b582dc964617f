"""Figures of the study `quantile_aggregation`. Each takes a result table and returns a picture with its finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from repro.plotting.figures import Shown
from repro.plotting.shared import forest, lines, reused_rows, summarise
from repro.plotting.styles import INK
from repro.protocol.names import name_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POOLED = ("best_single", "median", "global_coarse", "global_medium", "local_coarse", "local_medium", "qra")
SHOWN = ("model_linear", "model_curved", "model_near_60", "local_coarse")


def fans(table: pd.DataFrame) -> Shown:
    """Draw lower and upper quantiles of models and the pooled forecast along a slice, and the weights of the models.

    Table of the experiment ``quantile_aggregation.along``.
    """
    names = {0.05: "quantile of level 0.05", 0.95: "quantile of level 0.95"}
    quantiles = table[table["level"].isin(list(names)) & table["method"].isin(SHOWN)]
    weights = table[(table["metric"] == "weight") & table["method"].isin(SHOWN)]
    found = pd.concat([quantiles.assign(panel=quantiles["level"].map(names)), weights.assign(panel="weight")])
    found = found.assign(estimate=found["value"], low=found["value"], high=found["value"])
    mean = table[table["metric"] == "weight"].groupby("method")["value"].mean()
    levels = {name: level for level, name in names.items()}

    def truth(axes: Axes, panel: Any) -> None:
        if panel in levels:
            at = np.array(sorted(table["position"].unique()))
            exact = np.sin(2 * at) + (0.2 + 0.5 * np.abs(at)) * student_t(4).ppf(levels[panel])
            axes.plot(at, exact, color=INK, linewidth=1, linestyle=":")
        else:
            axes.set_ylabel("weight")

    return lines(
        found,
        "position",
        panel="panel",
        xlabel="first feature",
        ylabel="response",
        shared=False,
        title=f"Along the slice the weights lean on one model, {name_of(mean.idxmax())}: {mean.max():.0%} on average",
        caption="Forecasts of three of five models and the pooled one along the first feature of a simulation, whose "
        "spread grows away from 0; dotted: the true quantiles. On the right the weights that a small network gave the "
        "models, trained on 1,000 rows. One draw.",
        decorate=truth,
    )


def gains(table: pd.DataFrame) -> Shown:
    """Draw by how much each way of pooling lowers the loss of the plain average. Table of ``.methods``."""
    shown = table[(table["metric"] == "pinball") & ((table["dataset"] != "hetero") | (table["rows"] == 1000))]
    loss = shown.pivot_table(index=["dataset", "rows", "replicate"], columns="method", values="value")
    saved = (1 - loss[list(POOLED)].div(loss["average"], axis=0)).mul(100)
    rows = saved.reset_index().melt(["dataset", "rows", "replicate"], var_name="method")
    rows["data"] = [
        f"{name_of(name, 'dataset')}, {n:,} rows" for name, n in zip(rows["dataset"], rows["rows"], strict=True)
    ]
    found = summarise(rows, ["data", "method"], reused_rows(5))
    found = found.sort_values("method", key=lambda names: names.map(POOLED.index), kind="stable")
    means = found[found["method"] == "global_coarse"].set_index("data")["estimate"]
    return forest(
        found,
        "method",
        panel="data",
        xlabel="loss saved against the average, %",
        title=f"One learned weight a model saves {means.max():.1f} % of the loss of the average ({means.idxmax()}) "
        f"and {means.min():.1f} % ({means.idxmin()})",
        caption="Mean pinball loss of seven levels on new rows, by how much it is below that of the plain average of "
        "the models: mean over partitions with its 95 % interval. The best single model is chosen on held-out folds.",
    )
