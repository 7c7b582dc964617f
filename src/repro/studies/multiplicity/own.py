"""How many rows of a reader's own table are ambiguous among equally good logistic models, and which move most."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from repro.data import csv_lines
from repro.ground.checks import positive_number, share
from repro.metrics import LogisticLevelSet
from repro.protocol.experiment import Cell, Experiment, Parameters
from repro.protocol.own_data import OwnAnswer, OwnArgument, OwnData, OwnFile
from repro.protocol.rows import Rows
from repro.trials.own_files import TABLE_ARGUMENTS, own_two_classes

ARGUMENTS: Final = (
    *TABLE_ARGUMENTS,
    OwnArgument("epsilon", "NUMBER", "tolerance as a share of the least loss, 0.01 if not said", "number"),
    OwnArgument("delta", "NUMBER", "distance from which a row is ambiguous, 0.1 if not said", "number"),
)
MOST_EXACT: Final = 2000
"""Rows up to which ranges are exact; of larger tables they are those of the ellipsoid."""
SHOWN: Final = 5


def _limits(parameters: Parameters) -> tuple[float, float]:
    epsilon, delta = (parameters.get(name) for name in ("epsilon", "delta"))
    return (
        positive_number("epsilon", 0.01 if epsilon is None else epsilon),
        share("delta", 0.1 if delta is None else delta),
    )


def own(cell: Cell) -> pd.DataFrame:
    """Ambiguity of a reader's rows.

    Parameters
    ----------
    cell : Cell
        The arguments of :data:`ARGUMENTS`.

    Returns
    -------
    DataFrame
        Columns ``class, line, replicate, metric, value``: ``ambiguity`` and ``rows`` of all, the positives and the
        negatives; ``baseline``, ``low`` and ``high`` of the rows whose range is widest, by their line in the file.
    """
    task, _ = own_two_classes(cell.parameters)
    lines = csv_lines(str(cell.parameters["csv"]), str(cell.parameters["target"]))
    epsilon, delta = _limits(cell.parameters)
    X = (task.X - task.X.mean(axis=0)) / task.X.std(axis=0)
    model = LogisticLevelSet(epsilon=epsilon).fit(X, task.y)
    found = model.ranges(X, method="exact" if len(X) <= MOST_EXACT else "ellipsoid")
    rows = Rows("class", "line", replicate=0)
    for name, part in (("all", task.y | True), ("positive", task.y), ("negative", ~task.y)):
        moved = found.moves()[part] >= delta
        rows.add({"ambiguity": float(moved.mean()), "rows": float(len(moved))}, **{"class": name})
    for row in np.argsort(found.low - found.high, kind="stable")[:SHOWN]:
        ends = {"baseline": found.baseline[row], "low": found.low[row], "high": found.high[row]}
        rows.add({name: float(value) for name, value in ends.items()}, line=lines[row])
    return rows.frame()


def _read(parameters: Parameters) -> OwnFile:
    _limits(parameters)
    task, used = own_two_classes(parameters)
    remarks = list(used.remarks)
    if len(task.y) > MOST_EXACT:
        remarks.append(
            f"more than {MOST_EXACT} rows: ranges are those of the ellipsoid, which is close for small epsilon"
        )
    return OwnFile(used.checksum, remarks)


def _answer(table: pd.DataFrame, parameters: Parameters) -> OwnAnswer:
    epsilon, delta = _limits(parameters)
    classes = table[table["class"].notna()].set_index(["class", "metric"])["value"].astype(float).to_dict()
    kinds = ("all", "positive", "negative")
    shares = {name: classes[name, "ambiguity"] for name in kinds}
    summary: list[dict[str, Any]] = [
        {"rows": name, "number": int(classes[name, "rows"]), "ambiguous": round(shares[name], 4)} for name in kinds
    ]
    said = [
        f"For {shares['all']:.1%} of the rows some logistic model whose loss is within {100 * epsilon:.3g} % of the "
        f"least gives a risk that differs by {delta:g} or more.",
        f"Among positives it is {shares['positive']:.1%}, among negatives {shares['negative']:.1%}."
        + (" The share among all rows hides the rarer class." if min(shares.values()) < max(shares.values()) else ""),
    ]
    ends = table[table["line"].notna()].set_index(["line", "metric"])["value"].astype(float).to_dict()
    for line in table.loc[table["metric"] == "low", "line"]:
        risk, low, high = (ends[line, name] for name in ("baseline", "low", "high"))
        said.append(f"Line {int(line)} of the file: risk {risk:.2f}, anywhere from {low:.2f} to {high:.2f}.")
    return OwnAnswer(summary, said)


OWN: Final = Experiment(
    name="multiplicity.own",
    summary="share of the rows of your own table whose risk moves among equally good logistic models, by class",
    settings=("class", "line"),
    compute=own,
    cells={},
    seconds=lambda parameters: 5.0,
    own_data=OwnData(ARGUMENTS, _read, lambda parameters: [{}], _answer),
    seed=2206,
)
