"""The L1 and the ridge form of PRESTO, both tuned and transformed as published (Figures 10 and 11)."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.presto.competitors import SINGLE, presto_paths
from repro.studies.presto.designs import draw_problem
from repro.studies.presto.selecting import select
from repro.studies.presto.synthetic import SIMULATED_SETTINGS, squared_error, training_rows
from repro.trials.folds import repetitions
from repro.trials.learners import Predictor

RIDGE_IS_BASE_RATE: Final = "ridge_replaced_by_base_rate"
INTERCEPTS: Final = "(0, 3, 5)"
FORMS: Final = {"presto_published": 1.0, "presto_ridge_published": 0.0}
"""Methods and their part of the penalty that is L1."""


def ridge_as_published(cell: Cell) -> pd.DataFrame:
    """Fit both forms to repeated draws of one design with the most frequent rare class of the sparse designs.

    Parameters
    ----------
    cell : Cell
        Parameters ``design``, ``batch`` and ``repetitions``.

    Returns
    -------
    DataFrame
        Columns ``design, intercepts, method, replicate, metric, value`` with the metric ``rare_mse`` of
        :func:`repro.studies.presto.synthetic.synthetic`.
    """
    design = cell.text("design")
    rows = Rows(*SIMULATED_SETTINGS, design=design, intercepts=INTERCEPTS)
    for replicate, seed in repetitions(cell, "repetitions"):
        generator = np.random.default_rng(seed)
        _, sample = draw_problem(design, INTERCEPTS, generator)
        training = training_rows(sample, generator)
        for name, l1_ratio in FORMS.items():
            _, published = select(training.X, training.y, training.folds, presto_paths(training, l1_ratio))
            predictor: Predictor = published.rare_probability
            if cell.variant == RIDGE_IS_BASE_RATE and l1_ratio == 0:
                predictor = SINGLE["base_rate"](training)
            rows.add({"rare_mse": squared_error(predictor, sample)}, method=name, replicate=replicate)
    return rows.frame()
