"""Methods for rare classes that the paper leaves out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from repro.metrics import prior_correction
from repro.ordinal import FirthLogisticRegression, semi_parallel_path
from repro.studies.presto.competitors import SYNTHETIC, Predictor, Training, chosen_model, logistic_regression
from repro.studies.presto.selecting import Floats, Path, PathFunction, Positions


def _semi_parallel(training: Training) -> PathFunction:
    def path(X: Floats, y: Positions, lambdas: Floats | None) -> Path:
        return semi_parallel_path(
            X,
            y,
            lambdas,
            n_lambdas=SYNTHETIC.n_lambdas,
            lambda_ratio=SYNTHETIC.lambda_ratio,
            class_order=range(training.n_classes),
        )

    return path


def prior_corrected_logit(training: Training) -> Predictor:
    """Logistic regression with both classes weighted alike, whose probabilities are brought back to the true prior."""
    balanced = logistic_regression(training, "balanced")
    odds = float(training.is_rare.mean() / (1.0 - training.is_rare.mean()))
    return lambda X: prior_correction(balanced(X), sampled_odds=1.0, original_odds=odds)


def firth(training: Training) -> Predictor:
    """Logistic regression with Firth's penalty."""
    model = FirthLogisticRegression().fit(training.X, training.is_rare)
    return lambda X: np.asarray(model.predict_proba(X)[:, 1], dtype=np.float64)


def semi_parallel(training: Training) -> Predictor:
    """Fit common weights and deviations of every boundary, both with an L1 penalty; 20 penalties down to 1 %."""
    return chosen_model(training, _semi_parallel(training)).rare_probability


def boosting(training: Training) -> Predictor:
    """Gradient boosted trees of the rare class against the rest: 100 trees of at most 8 leaves, rate 0.05."""
    model = HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=100, max_leaf_nodes=8, early_stopping=False, random_state=0
    ).fit(training.X, training.is_rare)
    return lambda X: np.asarray(model.predict_proba(X)[:, 1], dtype=np.float64)


MISSING: Final[dict[str, Callable[[Training], Predictor]]] = {
    "prior_corrected_logit": prior_corrected_logit,
    "firth": firth,
    "semi_parallel": semi_parallel,
    "boosting": boosting,
}
