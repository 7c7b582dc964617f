"""The paper's methods for the probability of the rare class, and a constant."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from repro.ordinal import ProportionalOddsClassifier, presto_path
from repro.studies.presto.selecting import Floats, Model, Path, PathFunction, Positions, select
from repro.trials.folds import Folds
from repro.trials.learners import Learner, Predictor, base_rate, fitted, unpenalised_regression


@dataclass(frozen=True)
class Tuning:
    """How penalties are tuned.

    Attributes
    ----------
    n_lambdas : int
        Values of the sequence.
    lambda_ratio : float
        Last value relative to the first.
    """

    n_lambdas: int
    lambda_ratio: float


SYNTHETIC: Final = Tuning(20, 0.01)
REAL: Final = Tuning(100, 1e-4)


@dataclass(frozen=True, eq=False)
class Training:
    """Rows to fit.

    Attributes
    ----------
    X : ndarray of shape (n, p), float64
    y : ndarray of shape (n,), intp
        Classes from 0.
    n_classes : int
        The last one is rare.
    folds : sequence of (train, test)
        For the choice of a penalty.
    tuning : Tuning
    """

    X: Floats
    y: Positions
    n_classes: int
    folds: Folds
    tuning: Tuning

    @property
    def is_rare(self) -> npt.NDArray[np.bool_]:
        """Whether a row has the last class, shape (n,)."""
        flags: npt.NDArray[np.bool_] = self.y == self.n_classes - 1
        return flags


def presto_paths(training: Training, l1_ratio: float) -> PathFunction:
    """Give the function that fits PRESTO down a sequence of penalties."""

    def path(X: Floats, y: Positions, lambdas: Floats | None) -> Path:
        return presto_path(
            X,
            y,
            lambdas,
            n_lambdas=training.tuning.n_lambdas,
            lambda_ratio=training.tuning.lambda_ratio,
            l1_ratio=l1_ratio,
            class_order=range(training.n_classes),
        )

    return path


def chosen_model(training: Training, path: PathFunction) -> Model:
    """Fit with the penalty that correct cross-validation chooses."""
    return select(training.X, training.y, training.folds, path)[0]


def rare_against_rest(learner: Learner, **options: Any) -> Callable[[Training], Predictor]:
    """Give the function that fits a learner to the rare class against the rest."""
    return lambda training: fitted(learner, training.X, training.is_rare, **options)


def proportional_odds(training: Training) -> Predictor:
    """Unpenalised proportional-odds model of all classes."""
    model = ProportionalOddsClassifier(class_order=range(training.n_classes)).fit(training.X, training.y)
    return model.predict_rare_proba


def presto_ridge(training: Training) -> Predictor:
    """PRESTO with the ridge penalty in place of L1, equation (3) with a = 0."""
    return chosen_model(training, presto_paths(training, 0.0)).rare_probability


SINGLE: Final[dict[str, Callable[[Training], Predictor]]] = {
    "base_rate": rare_against_rest(base_rate),
    "logit": rare_against_rest(unpenalised_regression),
    "proportional_odds": proportional_odds,
    "presto_ridge": presto_ridge,
}
"""Methods that stand alone; ``presto`` and ``presto_published`` share their fits."""

PRESTO: Final = ("presto", "presto_published")
PAPER_METHODS: Final = (*PRESTO, "logit", "proportional_odds", "base_rate")


def fit_methods(
    training: Training,
    methods: Sequence[str],
    *,
    single: Mapping[str, Callable[[Training], Predictor]] = SINGLE,
) -> dict[str, Predictor]:
    """Fit several methods to the same rows.

    Parameters
    ----------
    training : Training
    methods : sequence of str
        Names in `single` or :data:`PRESTO`.
    single : mapping of str to callable
        Methods that stand alone.

    Returns
    -------
    dict of str to callable
        In the order of `methods`.
    """
    with warnings.catch_warnings():
        # unpenalised fits of rare classes are often separated; that their probabilities are poor is what is measured
        warnings.simplefilter("ignore")
        fitted = {name: single[name](training) for name in methods if name in single}
        if set(methods) & set(PRESTO):
            path = presto_paths(training, 1.0)
            models = select(training.X, training.y, training.folds, path)
            fitted |= {name: model.rare_probability for name, model in zip(PRESTO, models, strict=True)}
    return {name: fitted[name] for name in methods}
