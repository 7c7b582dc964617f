"""Findings of the figures of `quantile_aggregation` are computed from what they draw."""

from __future__ import annotations

from itertools import product

import pandas as pd

from repro.plotting import quantile_aggregation as figures


def test_gains_are_shares_of_the_loss_of_the_average() -> None:
    losses = {"average": 2.0, "global_coarse": 1.5}
    rows = [
        (dataset, n, method, replicate, "pinball", losses.get(method, 2.0) - 0.1 * (method != "average") * (n == 3000))
        for dataset, n in (("hetero", 300), ("hetero", 1000), ("adult", 3000))
        for method, replicate in product(("average", *figures.POOLED), (0, 1))
    ]
    table = pd.DataFrame(rows, columns=["dataset", "rows", "method", "replicate", "metric", "value"])
    shown = figures.gains(table)
    assert shown.title == (
        "One learned weight a model saves 30.0 % of the loss of the average (Adult, 3,000 rows) "
        "and 25.0 % (simulation, 1,000 rows)"
    )


def test_the_slice_names_the_model_with_the_largest_weight() -> None:
    rows = [
        (f"model_{name}", None, x, "weight", weight)
        for name, weight in (("linear", 0.3), ("curved", 0.7))
        for x in (-1.0, 1.0)
    ]
    rows += [
        (method, level, x, "quantile", level) for method in figures.SHOWN for level in (0.05, 0.95) for x in (-1.0, 1.0)
    ]
    shown = figures.fans(pd.DataFrame(rows, columns=["method", "level", "position", "metric", "value"]))
    assert shown.title == "Along the slice the weights lean on one model, linear in curved features: 70% on average"
