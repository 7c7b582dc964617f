"""Controls that are no runs: the values of a finished table, exchanged as the experiment declares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.protocol.exceptions import ResultsError, UnknownName
from repro.protocol.exchange import Exchange
from repro.results import scalar_text


def _texts(column: pd.Series) -> NDArray[np.object_]:
    return np.array([scalar_text(value) for value in column], dtype=object)


def exchange_values(
    frame: pd.DataFrame, exchange: Exchange, source: str, *, partial: bool = False
) -> tuple[pd.DataFrame, float]:
    """Exchange the values of a table.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of a result table.
    exchange : Exchange
        What changes places or sign.
    source : str
        Name of the table in error messages.
    partial : bool, default=False
        Whether cells have not been run yet: a level or metric that does not occur is then no mistake.

    Returns
    -------
    frame : pandas.DataFrame
        The rows with their new values. Rows that have no counterpart are left out: in the table of a run that measures
        what is exchanged they would be missing too.
    changed : float
        Share of the values that differ from what they were, between 0 and 1; a row that is left out counts.

    Raises
    ------
    ResultsError
        If a level or metric does not occur in the table, or settings, replicate and metric do not tell rows apart.
    """

    def fail(problem: object) -> ResultsError:
        return ResultsError(f"table {source}: cannot be exchanged: {problem}")

    keys = {name: _texts(frame[name]) for name in frame.columns if name not in ("cell", "value")}
    wanted = {name: texts.copy() for name, texts in keys.items()}
    metric = keys["metric"]
    for name in (*exchange.metrics, *exchange.metrics.values(), *exchange.negated, *exchange.relative):
        if name not in metric and not partial:
            raise fail(UnknownName("metric", name, dict.fromkeys(metric)))
    for ours, other in exchange.metrics.items():
        wanted["metric"][metric == ours] = other
    levels = [
        {column: scalar_text(level) for column, level in zip(exchange.columns, side, strict=True)}
        for pair in exchange.levels.items()
        for side in pair
    ]
    for ours_at, other_at in zip(levels[::2], levels[1::2], strict=True):
        rows = _having(keys, ours_at)
        for side, there in ((ours_at, rows), (other_at, _having(keys, other_at))):
            if not (there.any() or partial):
                raise fail(f"no row has {side}")
        for column, level in other_at.items():
            wanted[column][rows] = level
    index = pd.MultiIndex.from_arrays(list(keys.values()), names=list(keys))
    if index.has_duplicates:
        raise fail(f"settings, replicate and metric do not tell rows apart, for example {index[index.duplicated()][0]}")
    values = frame["value"].to_numpy(dtype=np.float64)
    taken = _looked_up(index, values, wanted)
    taken[np.isin(metric, list(exchange.negated))] *= -1.0
    relative = np.isin(metric, list(exchange.relative))
    if relative.any():
        reference = {name: texts.copy() for name, texts in keys.items()}
        for column, level in levels[1].items():
            reference[column][:] = level
        taken[relative] -= _looked_up(index, values, reference)[relative]
    found = ~np.isnan(taken) | np.isnan(values)
    same = (taken == values) | (np.isnan(taken) & np.isnan(values))
    return frame.assign(value=taken)[found], float(1.0 - same.mean())


def _having(keys: Mapping[str, NDArray[np.object_]], levels: Mapping[str, str]) -> NDArray[np.bool_]:
    rows = [keys[column] == level for column, level in levels.items()]
    return np.asarray(np.logical_and.reduce(rows), dtype=bool)


def _looked_up(
    index: pd.MultiIndex, values: NDArray[np.float64], wanted: Mapping[str, NDArray[np.object_]]
) -> NDArray[np.float64]:
    """Values of the wanted rows, NaN where there is none."""
    places = index.get_indexer(pd.MultiIndex.from_arrays(list(wanted.values())))
    return np.where(places < 0, np.nan, values[places])
