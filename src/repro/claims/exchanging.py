"""Controls that are no runs: the values of a finished table, exchanged as the experiment declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.claims.tidy import Codes, TidyRows
from repro.ground.exceptions import ResultsError, UnknownName
from repro.protocol.exchange import Exchange
from repro.results import scalar_text


def exchange_values(
    table: TidyRows, exchange: Exchange, source: str, *, partial: bool = False
) -> tuple[TidyRows, float]:
    """Exchange the values of a table.

    Parameters
    ----------
    table : TidyRows
        Rows of a result table.
    exchange : Exchange
        What changes places or sign.
    source : str
        Name of the table in error messages.
    partial : bool, default=False
        Whether cells have not been run yet: a level or metric that does not occur is then no mistake.

    Returns
    -------
    rows : TidyRows
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

    rows = table.rows
    names = [name for name in table.columns if name != "cell"]
    codes = {name: table.columns[name].codes[rows] for name in names}
    texts = {name: list(table.columns[name].texts) for name in names}
    wanted = {name: own.copy() for name, own in codes.items()}

    def known(column: str, text: str) -> int:
        if text not in texts[column]:
            texts[column].append(text)
        return texts[column].index(text)

    def having(levels: Mapping[str, str]) -> NDArray[np.bool_]:
        own = [codes[column] == known(column, text) for column, text in levels.items()]
        return np.asarray(np.logical_and.reduce(own), dtype=bool)

    def metrics(named: Sequence[str]) -> NDArray[np.bool_]:
        return np.isin(codes["metric"], [known("metric", name) for name in named])

    present = [texts["metric"][code] for code in np.unique(codes["metric"])]
    for name in (*exchange.metrics, *exchange.metrics.values(), *exchange.negated, *exchange.relative):
        if name not in present and not partial:
            raise fail(UnknownName("metric", name, present))
    for name, other in exchange.metrics.items():
        wanted["metric"][metrics([name])] = known("metric", other)
    levels = [
        {column: scalar_text(level) for column, level in zip(exchange.columns, side, strict=True)}
        for pair in exchange.levels.items()
        for side in pair
    ]
    for ours, theirs in zip(levels[::2], levels[1::2], strict=True):
        for side in (ours, theirs):
            if not (having(side).any() or partial):
                raise fail(f"no row has {side}")
        replaced = having(ours)
        for column, text in theirs.items():
            wanted[column][replaced] = known(column, text)
    index = _index(codes, texts)
    if index.has_duplicates:
        raise fail(f"settings, replicate and metric do not tell rows apart, for example {index[index.duplicated()][0]}")
    values = table.values[rows]

    def looked_up(keys: Mapping[str, Codes]) -> NDArray[np.float64]:
        places = index.get_indexer(_index(keys, texts))
        return np.where(places < 0, np.nan, values[places])

    taken = looked_up(wanted)
    taken[metrics(exchange.negated)] *= -1.0
    if exchange.relative:
        reference = codes | {column: np.full_like(rows, known(column, text)) for column, text in levels[1].items()}
        ahead = metrics(exchange.relative)
        taken[ahead] -= looked_up(reference)[ahead]
    found = ~np.isnan(taken) | np.isnan(values)
    same = (taken == values) | (np.isnan(taken) & np.isnan(values))
    exchanged = table.values.copy()
    exchanged[rows] = taken
    return TidyRows(table.columns, exchanged, rows[found]), float(1.0 - same.mean())


def _index(codes: Mapping[str, Codes], texts: Mapping[str, Sequence[str]]) -> pd.MultiIndex:
    levels: Any = list(texts.values())
    places: Any = list(codes.values())
    return pd.MultiIndex(levels=levels, codes=places, names=list(texts))
