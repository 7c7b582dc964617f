"""What shrinking alone brings: logistic regression of the rare class with a cross-validated penalty."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.presto.competitors import SINGLE, Training, fit_methods
from repro.studies.presto.designs import ROWS, draw_problem
from repro.studies.presto.selecting import Floats
from repro.studies.presto.synthetic import SIMULATED_SETTINGS, squared_error, training_rows
from repro.trials.folds import repetitions
from repro.trials.learners import Predictor

STRENGTHS: Final = np.logspace(-3, 2, 20)
"""scikit-learn's ``C``; with 2,500 rows the penalties reach from all weights 0 to nearly none."""


def _penalty(l1_ratio: float) -> dict[str, Any]:
    """Give the options that ask for a penalty: scikit-learn 1.8 has other names for them."""
    if "use_legacy_attributes" in LogisticRegressionCV().get_params():
        return {"l1_ratios": (l1_ratio,), "use_legacy_attributes": False}
    return {"penalty": "l1" if l1_ratio else "l2"}


def penalised_regression(training: Training, l1_ratio: float) -> Predictor:
    """Fit the rare class against the rest on standardised columns, with PRESTO's folds and twenty penalties.

    As for PRESTO the Brier score chooses, and folds without a rare row to learn from are left out.

    Parameters
    ----------
    training : Training
    l1_ratio : float
        1 for an L1 penalty, 0 for ridge.
    """
    rare = training.is_rare
    model = LogisticRegressionCV(
        Cs=STRENGTHS,
        cv=[(train, test) for train, test in training.folds if rare[train].any()],
        scoring="neg_brier_score",
        solver="saga" if l1_ratio else "newton-cholesky",
        max_iter=1000,
        random_state=0,
        **_penalty(l1_ratio),
    )
    pipeline = make_pipeline(StandardScaler(), model).fit(training.X, rare)

    def predict(X: Floats) -> Floats:
        return np.asarray(pipeline.predict_proba(X)[:, 1], dtype=np.float64)

    return predict


def logit_l1(training: Training) -> Predictor:
    """Logistic regression with a cross-validated L1 penalty."""
    return penalised_regression(training, 1.0)


def logit_ridge(training: Training) -> Predictor:
    """Logistic regression with a cross-validated ridge penalty."""
    return penalised_regression(training, 0.0)


PENALISED: Final[dict[str, Callable[[Training], Predictor]]] = {"logit_l1": logit_l1, "logit_ridge": logit_ridge}
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


def shrinkage(cell: Cell) -> pd.DataFrame:
    """Split PRESTO's gain over an unpenalised logistic regression into what shrinking alone brings, and the rest.

    A logistic regression with a cross-validated penalty shrinks and sees the rare class only; what PRESTO gains over it
    is put down to the other classes. Cells with the parameters of one of
    :func:`repro.studies.presto.baselines.baselines` see the same rows.

    Parameters
    ----------
    cell : Cell
        Parameters ``design``, ``intercepts``, ``batch`` and ``repetitions``.

    Returns
    -------
    DataFrame
        Columns and errors as in :func:`repro.studies.presto.baselines.baselines`, for the methods in
        :data:`SHRINKING_METHODS`. ``log_gain``, on fresh rows, for both penalties: ``shrinking_*`` is the logarithm of
        the error without penalty over that with it, ``borrowing_*`` that of the error with it over PRESTO's.
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
