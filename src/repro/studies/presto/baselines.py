"""Methods that the paper leaves out, on its simulated rows."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.presto.competitors import PAPER_METHODS, SINGLE, fit_methods
from repro.studies.presto.designs import ROWS, draw_problem
from repro.studies.presto.missing import MISSING
from repro.studies.presto.synthetic import SIMULATED_SETTINGS, squared_error, training_rows
from repro.trials.folds import repetitions

METHODS: Final = tuple(name for name in (*PAPER_METHODS, *MISSING) if name != "presto_published")


def baselines(cell: Cell) -> pd.DataFrame:
    """Fit the methods that the paper leaves out beside PRESTO; errors on training and on fresh rows.

    Parameters
    ----------
    cell : Cell
        Parameters ``design``, ``intercepts``, ``batch`` and ``repetitions``.

    Returns
    -------
    DataFrame
        Columns ``design, intercepts, method, replicate, metric, value``. ``rare_mse`` as in
        :func:`repro.studies.presto.synthetic.synthetic`, ``rare_mse_fresh`` the same on 2,500 further rows.
    """
    design, intercepts = cell.text("design"), cell.text("intercepts")
    rows = Rows(*SIMULATED_SETTINGS, design=design, intercepts=intercepts)
    for replicate, seed in repetitions(cell, "repetitions"):
        generator = np.random.default_rng(seed)
        truth, sample = draw_problem(design, intercepts, generator)
        predictors = fit_methods(training_rows(sample, generator), METHODS, single=SINGLE | MISSING)
        fresh = truth.sample(ROWS, generator)
        for name, predictor in predictors.items():
            errors = {"rare_mse": squared_error(predictor, sample), "rare_mse_fresh": squared_error(predictor, fresh)}
            rows.add(errors, method=name, replicate=replicate)
    return rows.frame()
