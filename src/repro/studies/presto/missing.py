"""Methods for rare classes that the paper leaves out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from repro.metrics import prior_correction
from repro.ordinal import semi_parallel_path
from repro.studies.presto.competitors import SYNTHETIC, Training, chosen_model, rare_against_rest
from repro.studies.presto.selecting import Floats, Path, PathFunction, Positions
from repro.trials.learners import Predictor, firth_regression, gradient_boosting, unpenalised_regression


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
    balanced = rare_against_rest(unpenalised_regression, class_weight="balanced")(training)
    odds = float(training.is_rare.mean() / (1.0 - training.is_rare.mean()))
    return lambda X: prior_correction(balanced(X), sampled_odds=1.0, original_odds=odds)


def semi_parallel(training: Training) -> Predictor:
    """Fit common weights and deviations of every boundary, both with an L1 penalty; 20 penalties down to 1 %."""
    return chosen_model(training, _semi_parallel(training)).rare_probability


MISSING: Final[dict[str, Callable[[Training], Predictor]]] = {
    "prior_corrected_logit": prior_corrected_logit,
    "firth": rare_against_rest(firth_regression),
    "semi_parallel": semi_parallel,
    "boosting": rare_against_rest(
        gradient_boosting, learning_rate=0.05, max_iter=100, max_leaf_nodes=8, early_stopping=False
    ),
}
