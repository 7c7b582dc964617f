"""Logistic regression of the rare class with a cross-validated penalty: it shrinks and borrows nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from repro.studies.presto.competitors import Training
from repro.studies.presto.selecting import Floats
from repro.trials.learners import Predictor

STRENGTHS: Final = np.logspace(-3, 2, 20)
"""scikit-learn's ``C``; with 2,500 rows the penalties reach from all weights 0 to nearly none."""


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
        l1_ratios=(l1_ratio,),
        solver="saga" if l1_ratio else "newton-cholesky",
        max_iter=1000,
        random_state=0,
        use_legacy_attributes=False,
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
