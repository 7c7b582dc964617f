"""How much a control changes: its cheapest cell against the same cell without the control."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pandas as pd

from repro.protocol.experiment import VARIANT, Cell, Experiment
from repro.results import find_table, scalar_text
from repro.running.planning import Plan
from repro.running.tables import assemble

__all__ = ["changes", "share_changed"]


def share_changed(plain: pd.DataFrame, control: pd.DataFrame) -> float:
    """Share of the values that differ between two sets of rows.

    Parameters
    ----------
    plain, control : pandas.DataFrame
        Tidy rows. They are matched by all columns but ``cell``, ``variant`` and ``value``; a row that only one side has
        counts as changed.

    Returns
    -------
    float
        Between 0 and 1.
    """
    before, after = _by_key(plain), _by_key(control)
    keys = before.keys() | after.keys()
    same = sum(key in before and key in after and _equal(before[key], after[key]) for key in keys)
    return 1.0 - same / len(keys)


def _by_key(frame: pd.DataFrame) -> dict[tuple[str, ...], float]:
    names = [name for name in frame.columns if name not in ("cell", VARIANT, "value")]
    texts = [[scalar_text(value) for value in frame[name]] for name in names]
    return dict(zip(zip(*texts, strict=True), frame["value"].tolist(), strict=True))


def _equal(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def changes(experiment: Experiment, frame: pd.DataFrame, compute: Callable[[Sequence[Cell]], Plan]) -> dict[str, float]:
    """For each control in a table of control runs the share of the values that it changes.

    Parameters
    ----------
    experiment : Experiment
    frame : pandas.DataFrame
        Rows of its control runs.
    compute : callable
        Computes the given cells, those that are stored already excepted, and returns their plan.

    Returns
    -------
    dict of str to float
        Controls whose cheapest cell is not in `frame` are left out.
    """
    present = set(frame["cell"])
    twins = {name: pair for name, pair in experiment.plain_twins().items() if pair[0].id in present}
    found: dict[str, float] = {}
    if twins:
        plain, _ = assemble(compute([*{twin.id: twin for _, twin in twins.values()}.values()]))
        for name, (cell, twin) in twins.items():
            found[name] = share_changed(plain[plain["cell"] == twin.id], frame[frame["cell"] == cell.id])
    for name, profile in experiment.compared.items():
        control = frame[frame[VARIANT] == name]
        table = find_table(experiment, profile) if len(control) else None
        if table is not None:
            wanted = _by_key(control)
            there = [key in wanted for key in _by_key(table.frame)]
            found[name] = share_changed(table.frame[there], control)
    return {name: found[name] for name in experiment.variants if name in found}
