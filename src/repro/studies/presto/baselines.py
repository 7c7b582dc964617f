"""Methods that the paper leaves out, on its simulated rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.presto.competitors import PAPER_METHODS, SINGLE, Training, fit_methods
from repro.studies.presto.designs import ROWS, draw_problem
from repro.studies.presto.missing import MISSING
from repro.studies.presto.shrinking import PENALISED
from repro.studies.presto.synthetic import SIMULATED_SETTINGS, squared_error, training_rows
from repro.trials.folds import repetitions
from repro.trials.learners import Predictor

METHODS: Final = tuple(name for name in (*PAPER_METHODS, *MISSING) if name != "presto_published")
SHRINKING_METHODS: Final = ("presto", "logit", *PENALISED)

NO_PENALTY: Final = "penalties_left_out"


def _errors(
    cell: Cell, methods: Sequence[str], single: Mapping[str, Callable[[Training], Predictor]]
) -> Iterator[tuple[int, dict[str, dict[str, float]]]]:
    """Yield the number of each repetition and the errors of every method, on its training rows and on fresh ones."""
    design, intercepts = cell.text("design"), cell.text("intercepts")
    for replicate, seed in repetitions(cell, "repetitions"):
        generator = np.random.default_rng(seed)
        truth, sample = draw_problem(design, intercepts, generator)
        predictors = fit_methods(training_rows(sample, generator), methods, single=single)
        fresh = truth.sample(ROWS, generator)
        yield (
            replicate,
            {
                name: {"rare_mse": squared_error(predictor, sample), "rare_mse_fresh": squared_error(predictor, fresh)}
                for name, predictor in predictors.items()
            },
        )


def _rows(cell: Cell) -> Rows:
    return Rows(*SIMULATED_SETTINGS, design=cell.text("design"), intercepts=cell.text("intercepts"))


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
    rows = _rows(cell)
    for replicate, errors in _errors(cell, METHODS, SINGLE | MISSING):
        for name, measures in errors.items():
            rows.add(measures, method=name, replicate=replicate)
    return rows.frame()


def shrinkage(cell: Cell) -> pd.DataFrame:
    """Split PRESTO's gain over an unpenalised logistic regression into what shrinking alone brings, and the rest.

    A logistic regression with a cross-validated penalty shrinks and sees the rare class only; what PRESTO gains over it
    comes from the other classes. Cells with the parameters of one of :func:`baselines` see the same rows.

    Parameters
    ----------
    cell : Cell
        Parameters ``design``, ``intercepts``, ``batch`` and ``repetitions``.

    Returns
    -------
    DataFrame
        Columns and errors as in :func:`baselines`, for the methods in :data:`SHRINKING_METHODS`. ``log_gain``, on fresh
        rows, for both penalties: ``shrinking_*`` is the logarithm of the error without penalty over that with it,
        ``borrowing_*`` that of the error with it over PRESTO's.
    """
    single = SINGLE | (dict.fromkeys(PENALISED, SINGLE["logit"]) if cell.variant == NO_PENALTY else PENALISED)
    rows = _rows(cell)
    for replicate, errors in _errors(cell, SHRINKING_METHODS, single):
        for name, measures in errors.items():
            rows.add(measures, method=name, replicate=replicate)
        fresh = {name: float(np.log(measures["rare_mse_fresh"])) for name, measures in errors.items()}
        for name in PENALISED:
            penalty = name.removeprefix("logit_")
            rows.add({"log_gain": fresh["logit"] - fresh[name]}, method=f"shrinking_{penalty}", replicate=replicate)
            rows.add({"log_gain": fresh[name] - fresh["presto"]}, method=f"borrowing_{penalty}", replicate=replicate)
    return rows.frame()
