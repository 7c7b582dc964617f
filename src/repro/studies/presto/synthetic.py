"""Errors of the rare probability on simulated rows whose truth is known (Sections 4.1 and 4.2)."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.presto.competitors import PAPER_METHODS, SYNTHETIC, Training, fit_methods
from repro.studies.presto.designs import INTERCEPTS, RARE_SHARES, Sample, draw_problem
from repro.studies.presto.selecting import N_FOLDS, Floats
from repro.trials.folds import repetitions, shuffled_folds
from repro.trials.learners import Predictor

RIDGE_SETTINGS: Final = (("sparse 1/2", "(0, 3, 5)"), ("sparse 1/3", "(0, 3, 5)"))
"""Settings for which the paper shows the ridge form."""

SIMULATED_SETTINGS: Final = ("design", "intercepts", "method")


def training_rows(sample: Sample, generator: np.random.Generator) -> Training:
    """Rows of a sample with five random folds."""
    return Training(sample.X, sample.y, 4, shuffled_folds(len(sample.X), generator, N_FOLDS), SYNTHETIC)


def squared_error(predictor: Predictor, sample: Sample) -> float:
    """Mean squared error of the rare probability."""
    return float(((predictor(sample.X) - sample.rare) ** 2).mean())


def _slope(rarity: Floats, gains: list[float]) -> float:
    return float(np.polyfit(rarity, gains, 1)[0])


def synthetic(cell: Cell) -> pd.DataFrame:
    """Fit the paper's methods to repeated draws of one design, for all its intercepts.

    The settings of a repetition start from the same random numbers, so that they can be compared in pairs.

    Parameters
    ----------
    cell : Cell
        Parameters ``design``, ``batch`` and ``repetitions``.

    Returns
    -------
    DataFrame
        Columns ``design, intercepts, method, replicate, metric, value``. ``rare_mse``: mean over the training rows of
        the squared error of the rare probability. ``rare_share``: mean true probability, no method. ``gain_slope``, no
        intercepts: least-squares slope, over the settings, of the logarithm of the method's error over PRESTO's against
        the logarithm of 1 / published rare share.
    """
    design = cell.text("design")
    rarity = np.array([-np.log(RARE_SHARES[design, intercepts]) for intercepts in INTERCEPTS[design]])
    rows = Rows(*SIMULATED_SETTINGS, design=design)
    for replicate, seed in repetitions(cell, "repetitions"):
        gains: dict[str, list[float]] = {"logit": [], "proportional_odds": []}
        for intercepts in INTERCEPTS[design]:
            generator = np.random.default_rng(seed)
            _, sample = draw_problem(design, intercepts, generator)
            methods = [*PAPER_METHODS, *(["presto_ridge"] if (design, intercepts) in RIDGE_SETTINGS else [])]
            predictors = fit_methods(training_rows(sample, generator), methods)
            errors = {name: squared_error(predictor, sample) for name, predictor in predictors.items()}
            for name, error in errors.items():
                rows.add({"rare_mse": error}, intercepts=intercepts, method=name, replicate=replicate)
            rows.add({"rare_share": float(sample.rare.mean())}, intercepts=intercepts, replicate=replicate)
            for name, found in gains.items():
                found.append(float(np.log(errors[name] / errors["presto"])))
        for name, found in gains.items():
            rows.add({"gain_slope": _slope(rarity, found)}, method=name, replicate=replicate)
    return rows.frame()
