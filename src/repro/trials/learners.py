"""Samplers and learners, and what a cross-validation measures of them.

A study names the ones it runs in a table of its own, so that its results depend on those alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from imblearn.over_sampling import RandomOverSampler
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, balanced_accuracy_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from repro.ground.exceptions import UnknownName
from repro.metrics import best_threshold, calibration_line, cost_threshold, expected_cost, prior_correction
from repro.ordinal import FirthLogisticRegression
from repro.protocol.experiment import child_seed
from repro.sampling import SMOTE, SMOTENC, RandomUnderSampler
from repro.trees import C45Classifier
from repro.trials.folds import FOLDS, stratified_folds
from repro.trials.table_tasks import BinaryTask

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Learner = Callable[..., Any]
"""From the positions of nominal columns and options to an estimator that is not fitted."""

Predictor = Callable[[Floats], Floats]
"""From features of shape (n, p) to probabilities of the minority, shape (n,)."""

Sampler = Callable[[BinaryTask, np.random.SeedSequence], tuple[Floats, Flags]]
"""From a training part and a seed to the rows and labels that a learner sees."""

CLIP: Final = 1e-6
"""Probabilities are kept this far from 0 and 1 for log loss and calibration; pruned trees give exact zeros."""

TUNING_SHARE: Final = 0.25
"""Share of the training part on which a threshold is tuned."""


def _scaled(nominal: Sequence[int]) -> Any:
    """Standardise numbers; nominal columns, if there are any, become a 0/1 column for each code but the first."""
    if not nominal:
        return StandardScaler()
    encoder = OneHotEncoder(drop="first", handle_unknown="ignore", sparse_output=False)
    return make_column_transformer((encoder, list(nominal)), remainder=StandardScaler())


def base_rate(nominal: Sequence[int] = (), **options: Any) -> DummyClassifier:
    """Give the classifier that predicts the share of the class in the training rows."""
    return DummyClassifier(strategy="prior", **options)


def pruned_tree(nominal: Sequence[int] = (), **options: Any) -> C45Classifier:
    """Give a C4.5 tree with the defaults of release 8."""
    return C45Classifier(categorical_features=list(nominal) or None, **options)


def logistic_regression(nominal: Sequence[int] = (), **options: Any) -> Any:
    """Give a logistic regression with a ridge penalty of C = 1 on standardised columns."""
    return make_pipeline(_scaled(nominal), LogisticRegression(**{"C": 1.0, "max_iter": 2000, **options}))


def unpenalised_regression(nominal: Sequence[int] = (), **options: Any) -> Any:
    """Give a logistic regression without penalty, to a tolerance of 1e-8."""
    defaults = {"C": np.inf, "solver": "newton-cholesky", "tol": 1e-8, "max_iter": 100}
    return make_pipeline(_scaled(nominal), LogisticRegression(**{**defaults, **options}))


def firth_regression(nominal: Sequence[int] = (), **options: Any) -> FirthLogisticRegression:
    """Give Firth's logistic regression; nominal codes are taken for numbers."""
    return FirthLogisticRegression(**options)


def gradient_boosting(nominal: Sequence[int] = (), **options: Any) -> HistGradientBoostingClassifier:
    """Give gradient boosting on histograms; nominal columns are split by sets of codes."""
    columns = {"categorical_features": list(nominal)} if nominal else {}
    return HistGradientBoostingClassifier(**{"random_state": 0, **columns, **options})


def fitted(learner: Learner, X: Floats, y: Flags, nominal: Sequence[int] = (), **options: Any) -> Predictor:
    """Fit a learner with options of its own and give its probability of the class True."""
    model = learner(nominal, **options).fit(X, y)
    return lambda rows: np.asarray(model.predict_proba(rows)[:, 1], dtype=np.float64)


def _resampled(sampler: Any, train: BinaryTask) -> tuple[Floats, Flags]:
    X, y = sampler.fit_resample(train.X, train.y)
    return X, y


def _state(seed: np.random.SeedSequence) -> int:
    return int(seed.generate_state(1)[0])


def untouched(train: BinaryTask, seed: np.random.SeedSequence) -> tuple[Floats, Flags]:
    """Leave the training part as it is."""
    return train.X, train.y


def under_sampled(train: BinaryTask, seed: np.random.SeedSequence) -> tuple[Floats, Flags]:
    """Leave out rows of the majority until the classes are equal."""
    return _resampled(RandomUnderSampler(minority_percentage=100, random_state=_state(seed)), train)


def over_sampled(train: BinaryTask, seed: np.random.SeedSequence) -> tuple[Floats, Flags]:
    """Repeat rows of the minority until the classes are equal."""
    return _resampled(RandomOverSampler(random_state=_state(seed)), train)


def smote_sampled(train: BinaryTask, seed: np.random.SeedSequence) -> tuple[Floats, Flags]:
    """Add rows of SMOTE, or of SMOTE-NC where columns are nominal, until the classes are equal."""
    if train.nominal:
        sampler: SMOTE | SMOTENC = SMOTENC(categorical_features=list(train.nominal), random_state=_state(seed))
    else:
        sampler = SMOTE(random_state=_state(seed))
    return _resampled(sampler, train)


def with_exchanged_labels(sampler: Sampler) -> Sampler:
    """Give a sampler for controls: what learns after it learns from exchanged labels, so it ranks the wrong way."""

    def sample(train: BinaryTask, seed: np.random.SeedSequence) -> tuple[Floats, Flags]:
        X, y = sampler(train, seed)
        return X, ~y

    return sample


def probabilities(
    train: BinaryTask, X: Floats, learner: Learner, sampler: Sampler, seed: np.random.SeedSequence
) -> tuple[Floats, Floats]:
    """Probability of the minority after a sampler, as it comes and with the prior of the training part put back.

    Parameters
    ----------
    train : TableTask
        Training part.
    X : ndarray of shape (n, n_features)
        Rows to predict.
    learner : callable
        Such as :func:`logistic_regression`.
    sampler : callable
        Such as :func:`smote_sampled`.
    seed : SeedSequence
        Seed of the sampler.

    Returns
    -------
    as_it_comes, corrected : ndarray of shape (n,)
    """
    X_seen, y_seen = sampler(train, seed)
    probability = fitted(learner, X_seen, y_seen, train.nominal)(X)
    sampled, original = float(y_seen.mean()), float(train.y.mean())
    return probability, prior_correction(
        probability, sampled_odds=sampled / (1 - sampled), original_odds=original / (1 - original)
    )


def fold_metrics(y: Flags, probability: Floats, tuned: float, costs: tuple[float, float]) -> dict[str, float]:
    """Ranking and decision metrics of one fold.

    Parameters
    ----------
    y : ndarray of shape (n,), bool
    probability : ndarray of shape (n,)
    tuned : float
        Threshold tuned inside the training part; the others are 0.5 and the one that follows from the costs.
    costs : (float, float)
        Of a missed row of the minority and of a false alarm.

    Returns
    -------
    dict of str to float
        ``auroc``, ``average_precision``, and ``balanced_accuracy_*`` and ``cost_*`` at the thresholds ``half``,
        ``tuned`` and ``known_costs``.
    """
    miss, alarm = costs
    thresholds = {
        "half": 0.5,
        "tuned": tuned,
        "known_costs": cost_threshold(cost_of_miss=miss, cost_of_false_alarm=alarm),
    }
    metrics = {
        "auroc": float(roc_auc_score(y, probability)),
        "average_precision": float(average_precision_score(y, probability)),
    }
    for name, threshold in thresholds.items():
        decided = probability >= threshold
        metrics[f"balanced_accuracy_{name}"] = float(balanced_accuracy_score(y, decided))
        metrics[f"cost_{name}"] = expected_cost(y, decided, cost_of_miss=miss, cost_of_false_alarm=alarm)
    return metrics


def risk_metrics(y: Flags, probability: Floats) -> dict[str, float]:
    """``log_loss``, and ``log_risk_ratio``: the logarithm of the mean probability over the share of the minority."""
    clipped = np.clip(probability, CLIP, 1 - CLIP)
    return {
        "log_loss": float(log_loss(y, clipped)),
        "log_risk_ratio": float(np.log(clipped.mean() / y.mean())),
    }


def pooled_metrics(y: Flags, probability: Floats) -> dict[str, float]:
    """Metrics of probabilities, over the test rows of all folds together.

    Returns
    -------
    dict of str to float
        Those of :func:`risk_metrics`, ``brier``, ``calibration_slope`` and ``calibration_intercept``.
    """
    clipped = np.clip(probability, CLIP, 1 - CLIP)
    line = calibration_line(y, clipped)
    risk = risk_metrics(y, probability)
    return {
        "log_loss": risk["log_loss"],
        "brier": float(brier_score_loss(y, clipped)),
        "log_risk_ratio": risk["log_risk_ratio"],
        "calibration_slope": line.slope,
        "calibration_intercept": line.intercept,
    }


@dataclass(frozen=True)
class CrossValidation:
    """What one partition into folds measured, for each sampler, and for each but ``none`` also as ``*_corrected``.

    Attributes
    ----------
    whole : mapping of str to mapping of str to float
        Means over the folds of :func:`fold_metrics`, and :func:`pooled_metrics` of all test rows together.
    folds : mapping of str to list of mapping of str to float
        :func:`fold_metrics` and :func:`risk_metrics` of every fold, in their order.
    """

    whole: dict[str, dict[str, float]]
    folds: dict[str, list[dict[str, float]]]


def cross_validated(
    task: BinaryTask,
    learner: Learner,
    seed: np.random.SeedSequence,
    samplers: Mapping[str, Sampler],
    *,
    only: Iterable[str] | None = None,
    correct_prior: bool = True,
    n_folds: int = FOLDS,
) -> CrossValidation:
    """Cross-validate one learner after every sampler, on one partition.

    Sampling is applied to the training part only. The cost of a missed minority row is the ratio of majority to
    minority, that of a false alarm 1, so that balanced accuracy and cost rank alike in expectation. The tuned threshold
    minimises that cost on a quarter of the training part that a second fit does not see.

    Parameters
    ----------
    task : TableTask
        Two classes.
    learner : callable
        Such as :func:`logistic_regression`.
    seed : SeedSequence
        Of the cell: child 0 makes the folds, and child (1, fold, place of the sampler in `samplers`) its draws.
    samplers : mapping of str to callable
        Samplers by the names under which their results come back. In a control another function stands under a name.
    only : iterable of str or None
        Names to run, None for all; the draws of those are the same as if all ran.
    correct_prior : bool, default=True
        Whether ``*_corrected`` has the prior put back; without, a control, it is the probability as it comes.
    n_folds : int, default=10

    Returns
    -------
    CrossValidation

    Raises
    ------
    UnknownName
        If `only` names a sampler that is not there.
    """
    chosen = list(samplers if only is None else only)
    for name in chosen:
        if name not in samplers:
            raise UnknownName("sampler", name, samplers)
    share = float(task.y.mean())
    costs = ((1 - share) / share, 1.0)
    pooled: dict[str, list[Floats]] = {}
    labels: list[Flags] = []
    folds: dict[str, list[dict[str, float]]] = {}
    risks: dict[str, list[dict[str, float]]] = {}
    for number, train_rows, test_rows in stratified_folds(task.y, child_seed(seed, 0), n_folds):
        train, test = task.rows(train_rows), task.rows(test_rows)
        labels.append(test.y)
        splitter = StratifiedShuffleSplit(1, test_size=TUNING_SHARE, random_state=number)
        fit_rows, tuning_rows = next(splitter.split(train.X, train.y))
        part, tuning = train.rows(fit_rows), train.rows(tuning_rows)
        for name in chosen:
            draw = child_seed(seed, 1, number, list(samplers).index(name))
            inner = probabilities(part, tuning.X, learner, samplers[name], child_seed(draw, 0))
            outer = probabilities(train, test.X, learner, samplers[name], child_seed(draw, 1))
            found = {name: (inner[0], outer[0])}
            if name != "none":
                found[f"{name}_corrected"] = (inner[1], outer[1]) if correct_prior else found[name]
            for method, (on_tuning, on_test) in found.items():
                tuned = best_threshold(tuning.y, on_tuning, cost_of_miss=costs[0], cost_of_false_alarm=costs[1])
                pooled.setdefault(method, []).append(on_test)
                folds.setdefault(method, []).append(fold_metrics(test.y, on_test, tuned, costs))
                risks.setdefault(method, []).append(risk_metrics(test.y, on_test))
    y = np.concatenate(labels)
    flat = [{"method": method} | metrics for method, of_folds in folds.items() for metrics in of_folds]
    means = pd.DataFrame(flat).groupby("method", sort=False).mean().to_dict("index")
    whole = {
        method: {
            **{str(metric): float(mean) for metric, mean in means[method].items()},
            **pooled_metrics(y, np.concatenate(found_everywhere)),
        }
        for method, found_everywhere in pooled.items()
    }
    both = {method: [a | b for a, b in zip(folds[method], risks[method], strict=True)] for method in folds}
    return CrossValidation(whole, both)
