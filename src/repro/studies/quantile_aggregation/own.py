"""Pooled quantile forecasts of a number in a reader's own table: losses and coverage, by way of pooling."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.preprocessing import StandardScaler

from repro.data import load_csv, own_file
from repro.protocol.experiment import Cell, Experiment, Parameters
from repro.protocol.names import name_of
from repro.protocol.own_data import OwnAnswer, OwnArgument, OwnData, OwnFile
from repro.protocol.rows import Rows
from repro.quantiles import pinball_loss, sort_levels
from repro.studies.quantile_aggregation.ways import LEVELS, base_models, forecasts, pooled
from repro.trials.own_files import CSV
from repro.trials.table_tasks import numeric_matrix

Floats = npt.NDArray[np.float64]

ARGUMENTS: Final = (CSV, OwnArgument("target", "COLUMN", "the column with the number to forecast", required=True))
N_PARTITIONS: Final = 3
FEWEST: Final = 120
"""Rows that a model of 60 neighbours needs in all folds."""
MOST: Final = 5000
"""Rows that are used at most, drawn at random."""
SHOWN: Final = (
    "best_single",
    "average",
    "median",
    "global_coarse",
    "global_medium",
    "local_coarse",
    "local_medium",
    "qra",
)


def _table(parameters: Parameters) -> tuple[Floats, Floats, OwnFile]:
    path, target = str(parameters["csv"]), str(parameters["target"])
    loaded = load_csv(path, target)
    if loaded.target.dtype.kind not in "if":
        raise ValueError(f"{path}: target must be a column of numbers, {target!r} holds {loaded.target.iloc[0]!r}")
    X, _ = numeric_matrix(loaded.features, "dummies", source=path)
    varying = np.ptp(X, axis=0) > 0
    if not varying.any():
        raise ValueError(f"{path}: no column beside {target!r} varies")
    if len(X) < FEWEST:
        raise ValueError(f"{path}: pooling quantile forecasts needs at least {FEWEST} rows, the file has {len(X)}")
    y = loaded.target.to_numpy(dtype=np.float64)
    if len(np.unique(y)) < len(LEVELS):
        raise ValueError(
            f"{path}: {target!r} must have at least {len(LEVELS)} different numbers for {len(LEVELS)} quantiles, "
            f"it has {len(np.unique(y))}"
        )
    used = own_file(loaded)
    remarks = [remark for remark in used.remarks if "positive" not in remark]
    if len(y) > MOST:
        remarks.append(f"of {len(y)} rows {MOST} are drawn for each partition")
    return X[:, varying], y, OwnFile(used.checksum, remarks)


def own(cell: Cell) -> pd.DataFrame:
    """Loss and coverage on a fifth of a reader's rows, which no model has seen.

    Parameters
    ----------
    cell : Cell
        The arguments of :data:`ARGUMENTS`, and ``partition``.
    """
    X, y, _ = _table(cell.parameters)
    generator = cell.generator()
    order = generator.permutation(len(y))[:MOST]
    test, train = np.split(order, [len(order) // 5])
    X = StandardScaler().fit(X[train]).transform(X)
    held, (new,) = forecasts(base_models(trees=False), X[train], y[train], [X[test]], generator)
    found = pooled(held, y[train], X[train], new, X[test], int(generator.integers(2**31)))
    rows = Rows("method", replicate=cell.whole("partition"))
    for method, raw in found.items():
        quantiles = sort_levels(raw)
        inside = (quantiles[:, 0] <= y[test]) & (y[test] <= quantiles[:, -1])
        loss = float(pinball_loss(y[test], quantiles, LEVELS).mean())
        rows.add({"pinball": loss, "coverage": float(inside.mean())}, method=method)
    return rows.frame()


def _answer(table: pd.DataFrame, parameters: Parameters) -> OwnAnswer:
    means = table.groupby(["method", "metric"])["value"].mean()
    summary: list[dict[str, Any]] = [
        {
            "method": name_of(method),
            "mean pinball loss": float(f"{means[method, 'pinball']:.4g}"),
            "coverage of 90 % intervals": round(float(means[method, "coverage"]), 3),
        }
        for method in SHOWN
    ]
    losses = {method: float(means[method, "pinball"]) for method in SHOWN}
    best = min(losses, key=lambda method: losses[method])
    wins = table[table["metric"] == "pinball"].pivot_table(index="replicate", columns="method", values="value")
    won = int((wins[list(SHOWN)].idxmin(axis=1) == best).sum())
    return OwnAnswer(
        summary,
        [
            f"The least mean loss on rows that no model has seen has {name_of(best)}; it is first in {won} of "
            f"{len(wins)} partitions. So few partitions show large differences only.",
            f"Against the plain average the loss is {1 - losses[best] / losses['average']:.1%} smaller, against the "
            f"best single model {1 - losses[best] / losses['best_single']:.1%}.",
        ],
    )


OWN: Final = Experiment(
    name="quantile_aggregation.own",
    summary="loss of pooled quantile forecasts of a number in your own table",
    settings=("method",),
    compute=own,
    cells={},
    seconds=lambda parameters: 10.0,
    own_data=OwnData(
        ARGUMENTS,
        lambda parameters: _table(parameters)[2],
        lambda parameters: [{"partition": partition} for partition in range(N_PARTITIONS)],
        _answer,
    ),
    seed=2131,
)
