"""Where seven metrics of a reader's own scores set the threshold, and what each takes a miss to cost there."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from repro.ground.checks import positive_number
from repro.metrics import Counts, best_metric_threshold, best_threshold, confusion_metrics
from repro.protocol.experiment import Cell, Experiment, Parameters
from repro.protocol.names import name_of
from repro.protocol.own_data import OwnAnswer, OwnArgument, OwnData, OwnFile
from repro.protocol.rows import Rows
from repro.trials.own_files import CSV, POSITIVE, SCORE, TARGET, OwnScores, own_scores

ARGUMENTS: Final = (
    CSV,
    TARGET,
    SCORE,
    POSITIVE,
    OwnArgument("cost_of_miss", "NUMBER", "what a missed positive costs, in false alarms", "number"),
)
METRICS: Final = ("f1", "f2", "g_mean", "balanced_accuracy", "mcc", "kappa", "accuracy")
STEP: Final = 1e-3
"""Rows that change sides to see what a metric exchanges."""


def counts_at(scores: OwnScores, threshold: float) -> Counts:
    """Confusion matrix of calling the rows at and above a threshold."""
    called, positive = scores.score >= threshold, scores.positive
    sides = ((called, positive), (called, ~positive), (~called, positive), (~called, ~positive))
    tp, fp, fn, tn = (np.asarray(np.count_nonzero(one & other), dtype=np.float64) for one, other in sides)
    return Counts(tp, fp, fn, tn)


def price(metric: str, counts: Counts) -> float:
    """Give the false alarms that a metric exchanges for one hit more at a confusion matrix; NaN where none matters."""
    here = confusion_metrics(counts)[metric]
    if counts.fn < STEP or counts.tn < STEP:
        return float("nan")
    hit = Counts(counts.tp + STEP, counts.fp, counts.fn - STEP, counts.tn)
    alarm = Counts(counts.tp, counts.fp + STEP, counts.fn, counts.tn - STEP)
    lost = float(here - confusion_metrics(alarm)[metric])
    return float(confusion_metrics(hit)[metric] - here) / lost if lost else float("nan")


def own(cell: Cell) -> pd.DataFrame:
    """Thresholds of a reader's scores.

    Parameters
    ----------
    cell : Cell
        The arguments of :data:`ARGUMENTS`.

    Returns
    -------
    DataFrame
        Columns ``method, replicate, metric, value``: for each metric ``threshold``, ``score``, ``called`` (rows),
        ``false_alarms``, ``misses`` and ``price``, and with a cost of a miss ``cost`` of all rows, also for the
        threshold of least cost.
    """
    scores, cost = own_scores(cell.parameters), cell.parameters.get("cost_of_miss")
    rows = Rows("method", replicate=0)
    chosen: dict[str, float] = {}
    for metric in METRICS:
        chosen[metric] = best_metric_threshold(scores.positive, scores.score, metric).threshold
    if cost is not None:
        chosen["expected_cost"] = best_threshold(
            scores.positive, scores.score, cost_of_miss=float(cost), cost_of_false_alarm=1.0
        )
    for method, threshold in chosen.items():
        counts = counts_at(scores, threshold)
        measures = {
            "threshold": threshold if np.isfinite(threshold) else float("nan"),
            "called": float(counts.tp + counts.fp),
            "false_alarms": float(counts.fp),
            "misses": float(counts.fn),
        }
        if method in METRICS:
            measures |= {"score": float(confusion_metrics(counts)[method]), "price": price(method, counts)}
        if cost is not None:
            measures["cost"] = float(float(cost) * counts.fn + counts.fp)
        rows.add(measures, method=method)
    return rows.frame()


def _read(parameters: Parameters) -> OwnFile:
    if parameters.get("cost_of_miss") is not None:
        positive_number("cost_of_miss", parameters["cost_of_miss"])
    return own_scores(parameters).file


def _answer(table: pd.DataFrame, parameters: Parameters) -> OwnAnswer:
    found = table.pivot_table(index="method", columns="metric", values="value", sort=False)
    names = {"threshold": "threshold", "score": "value", "price": "a miss costs", "called": "rows called"}
    names |= {"false_alarms": "false alarms", "misses": "misses"} | ({"cost": "cost"} if "cost" in found else {})
    summary: list[dict[str, Any]] = []
    for method, row in found.iterrows():
        entry = {said: row.get(column, float("nan")) for column, said in names.items()}
        values = {said: None if np.isnan(value) else float(f"{value:.4g}") for said, value in entry.items()}
        summary.append(
            {"chosen by": "least cost at your price" if method == "expected_cost" else name_of(method), **values}
        )
    low, high = found["called"].min(), found["called"].max()
    said = [
        f"The choice of the metric decides how many rows are called positive: from {low:.0f} to {high:.0f}.",
        "'a miss costs' is the number of false alarms that the metric gives for one hit more at its own threshold.",
        "Thresholds were chosen on these rows, so values flatter; F1 and F2 change with the share of positives.",
    ]
    if "cost" in found:
        costs = found["cost"].astype(float)
        dear = [name_of(one) for one, cost in costs.items() if cost > 1.1 * costs["expected_cost"]]
        said.insert(0, f"At your cost more than a tenth above the least: {', '.join(dear) or 'none'}.")
    return OwnAnswer(summary, said)


OWN: Final = Experiment(
    name="noisy_metrics.own",
    summary="where seven metrics of your own scores set the threshold, and what each takes a miss to cost",
    settings=("method",),
    compute=own,
    cells={},
    seconds=lambda parameters: 1.0,
    own_data=OwnData(ARGUMENTS, _read, lambda parameters: [{}], _answer),
    seed=2208,
)
