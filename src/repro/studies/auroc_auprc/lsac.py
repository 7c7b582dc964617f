"""The two tasks of the paper on bar passage (LSAC): the models and correlations of Adult and COMPAS on other rows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np
import pandas as pd

from repro.data import load
from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.auroc_auprc.fairness import (
    FAIRNESS_SETTINGS,
    GROUPS,
    TASK_SETTINGS,
    WEIGHTS,
    Population,
    equal_groups,
    model_table,
    rank_correlations,
)
from repro.trials.table_tasks import numeric_matrix

LSAC_GROUPS: Final[Mapping[str, tuple[str, str]]] = {"sex": ("Female", "Male"), "race": ("White", "Black")}
"""The two groups of each attribute in the order of their codes in the file."""

SENSITIVE_COLUMNS: Final = ("male", "race1")


@cache
def students(attribute: str) -> Population:
    """Load the students of two races, with the eight columns that the paper trains on; positive is passing the bar.

    Raises
    ------
    DataUnavailable
        If LSAC is neither in the cache nor at the mirror or its origin.
    """
    loaded = load("lsac")
    assert loaded.groups is not None  # sex and race
    keep = loaded.groups["race"].isin(LSAC_GROUPS["race"]).to_numpy()
    X, nominal = numeric_matrix(loaded.features.loc[keep].drop(columns=list(SENSITIVE_COLUMNS)), source="lsac")
    sensitive, _ = numeric_matrix(loaded.features.loc[keep, list(SENSITIVE_COLUMNS)], source="lsac")
    second = loaded.groups.loc[keep, attribute].to_numpy() == LSAC_GROUPS[attribute][1]
    return Population("lsac", X, loaded.is_positive[keep], nominal, sensitive=sensitive, second=second)


def lsac(cell: Cell) -> pd.DataFrame:
    """Correlate two selection metrics with the gap between groups over many models, on one random split of LSAC.

    Parameters
    ----------
    cell : Cell
        Parameters as in :func:`repro.studies.auroc_auprc.fairness.fairness`; ``weights`` is the number of weights, the
        first ones of :data:`WEIGHTS`.

    Returns
    -------
    DataFrame
        Columns and metrics as there.
    """
    attribute = cell.text("attribute")
    task = len(GROUPS) + list(LSAC_GROUPS).index(attribute)
    sample_seed, model_seed = np.random.SeedSequence(cell.seed, spawn_key=(task, cell.whole("seed"))).spawn(2)
    sample = equal_groups(students(attribute), np.random.default_rng(sample_seed))
    weights = WEIGHTS[: cell.whole("weights")]
    models = model_table(sample, cell.text("weighting"), weights, cell.whole("draws"), model_seed)
    low, high = sorted(sample.prevalences())
    rows = Rows(*FAIRNESS_SETTINGS, **{name: cell.text(name) for name in TASK_SETTINGS}, replicate=cell.whole("seed"))
    for method, value in rank_correlations(models, cell.variant).items():
        rows.add({"rho_with_gap": value}, method=method)
    facts = {
        "prevalence_low": low,
        "prevalence_high": high,
        "prevalence_ratio": high / low,
        "median_gap": float(models["gap"].median()),
        "models": float(len(models)),
    }
    rows.add(facts, method="sample")
    return rows.frame()
