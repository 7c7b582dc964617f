"""Samplers and learners by name, and what a cross-validation measures of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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


def _regression(defaults: Mapping[str, Any]) -> Callable[..., Any]:
    return lambda nominal, **options: make_pipeline(_scaled(nominal), LogisticRegression(**{**defaults, **options}))


def _boosting(nominal: Sequence[int], **options: Any) -> Any:
    columns = {"categorical_features": list(nominal)} if nominal else {}
    return HistGradientBoostingClassifier(**{"random_state": 0, **columns, **options})


LEARNERS: Final[Mapping[str, Callable[..., Any]]] = {
    "base_rate": lambda nominal, **options: DummyClassifier(strategy="prior", **options),
    "pruned_tree": lambda nominal, **options: C45Classifier(categorical_features=list(nominal) or None, **options),
    "logistic_regression": _regression({"C": 1.0, "max_iter": 2000}),
    "unpenalised_regression": _regression({"C": np.inf, "solver": "newton-cholesky", "tol": 1e-8, "max_iter": 100}),
    "firth_regression": lambda nominal, **options: FirthLogisticRegression(**options),
    "gradient_boosting": _boosting,
}
"""Learners by name, each from the positions of nominal columns and options to an estimator that is not fitted."""


def make_learner(name: str, nominal: Sequence[int] = (), **options: Any) -> Any:
    """Give a classifier by name, not fitted.

    Parameters
    ----------
    name : str
        Key of :data:`LEARNERS`.
    nominal : sequence of int
        Positions of columns that hold category codes.
    **options
        Arguments of the estimator that differ from the named one.

    Raises
    ------
    UnknownName
        If there is no such learner; the message suggests the nearest.
    """
    if name not in LEARNERS:
        raise UnknownName("learner", name, LEARNERS)
    return LEARNERS[name](nominal, **options)


def fitted(learner: str, X: Floats, y: Flags, nominal: Sequence[int] = (), **options: Any) -> Predictor:
    """Fit a learner, arguments as in :func:`make_learner`, and give its probability of the class True."""
    model = make_learner(learner, nominal, **options).fit(X, y)
    return lambda rows: np.asarray(model.predict_proba(rows)[:, 1], dtype=np.float64)


def _untouched(train: BinaryTask, seed: np.random.SeedSequence) -> tuple[Floats, Flags]:
    return train.X, train.y


def _resampled(make: Callable[[BinaryTask, int], Any]) -> Sampler:
    def sample(train: BinaryTask, seed: np.random.SeedSequence) -> tuple[Floats, Flags]:
        X, y = make(train, int(seed.generate_state(1)[0])).fit_resample(train.X, train.y)
        return X, y

    return sample


def _smote(train: BinaryTask, random_state: int) -> SMOTE | SMOTENC:
    if train.nominal:
        return SMOTENC(categorical_features=list(train.nominal), random_state=random_state)
    return SMOTE(random_state=random_state)


SAMPLERS: Final[Mapping[str, Sampler]] = {
    "none": _untouched,
    "under": _resampled(lambda train, state: RandomUnderSampler(minority_percentage=100, random_state=state)),
    "over": _resampled(lambda train, state: RandomOverSampler(random_state=state)),
    "smote": _resampled(_smote),
}
"""Samplers by name; all but ``none`` make the classes equal."""


def with_exchanged_labels(sampler: Sampler) -> Sampler:
    """Give a sampler for controls: what learns after it learns from exchanged labels, so it ranks the wrong way."""

    def sample(train: BinaryTask, seed: np.random.SeedSequence) -> tuple[Floats, Flags]:
        X, y = sampler(train, seed)
        return X, ~y

    return sample


def probabilities(
    train: BinaryTask, X: Floats, learner: str, sampler: Sampler, seed: np.random.SeedSequence
) -> tuple[Floats, Floats]:
    """Probability of the minority after a sampler, as it comes and with the prior of the training part put back.

    Parameters
    ----------
    train : TableTask
        Training part.
    X : ndarray of shape (n, n_features)
        Rows to predict.
    learner : str
        Key of :data:`LEARNERS`.
    sampler : callable
        A value of :data:`SAMPLERS` or a function like them.
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


def pooled_metrics(y: Flags, probability: Floats) -> dict[str, float]:
    """Metrics of probabilities, over the test rows of all folds together.

    Returns
    -------
    dict of str to float
        ``log_loss``, ``brier``, ``log_risk_ratio`` (mean prediction over the share of the minority),
        ``calibration_slope`` and ``calibration_intercept``.
    """
    clipped = np.clip(probability, CLIP, 1 - CLIP)
    line = calibration_line(y, clipped)
    return {
        "log_loss": float(log_loss(y, clipped)),
        "brier": float(brier_score_loss(y, clipped)),
        "log_risk_ratio": float(np.log(clipped.mean() / y.mean())),
        "calibration_slope": line.slope,
        "calibration_intercept": line.intercept,
    }


def cross_validated(
    task: BinaryTask,
    learner: str,
    seed: np.random.SeedSequence,
    *,
    samplers: Iterable[str] = tuple(SAMPLERS),
    instead: Mapping[str, Sampler] | None = None,
    correct_prior: bool = True,
    n_folds: int = FOLDS,
) -> dict[str, dict[str, float]]:
    """Cross-validate one learner after every sampler, on one partition.

    Sampling is applied to the training part only. The cost of a missed minority row is the ratio of majority to
    minority, that of a false alarm 1, so that balanced accuracy and cost rank alike in expectation. The tuned threshold
    minimises that cost on a quarter of the training part that a second fit does not see.

    Parameters
    ----------
    task : TableTask
        Two classes.
    learner : str
        Key of :data:`LEARNERS`.
    seed : SeedSequence
        Of the cell: child 0 makes the folds, and child (1, fold, number of the sampler) its draws, so that a sampler
        sees the same ones whichever others there are.
    samplers : iterable of str
        Keys of :data:`SAMPLERS` or of `instead`; all of the former by default.
    instead : mapping of str to callable or None
        Samplers that stand under a name in place of its own, for controls, or that come in addition.
    correct_prior : bool, default=True
        Whether ``*_corrected`` has the prior put back; without, a control, it is the probability as it comes.
    n_folds : int, default=10

    Returns
    -------
    dict of str to dict of str to float
        For each sampler, and for each but ``none`` also as ``*_corrected``, the means over the folds of
        :func:`fold_metrics`, and :func:`pooled_metrics`.

    Raises
    ------
    UnknownName
        If there is no such learner or sampler.
    """
    known = {**SAMPLERS, **(instead or {})}
    chosen = list(samplers)
    for name in chosen:
        if name not in known:
            raise UnknownName("sampler", name, known)
    make_learner(learner)
    share = float(task.y.mean())
    costs = ((1 - share) / share, 1.0)
    pooled: dict[str, list[Floats]] = {}
    labels: list[Flags] = []
    folds: list[dict[str, Any]] = []
    for number, train_rows, test_rows in stratified_folds(task.y, child_seed(seed, 0), n_folds):
        train, test = task.rows(train_rows), task.rows(test_rows)
        labels.append(test.y)
        splitter = StratifiedShuffleSplit(1, test_size=TUNING_SHARE, random_state=number)
        fit_rows, tuning_rows = next(splitter.split(train.X, train.y))
        part, tuning = train.rows(fit_rows), train.rows(tuning_rows)
        for name in chosen:
            draw = child_seed(seed, 1, number, list(known).index(name))
            inner = probabilities(part, tuning.X, learner, known[name], child_seed(draw, 0))
            outer = probabilities(train, test.X, learner, known[name], child_seed(draw, 1))
            found = {name: (inner[0], outer[0])}
            if name != "none":
                found[f"{name}_corrected"] = (inner[1], outer[1]) if correct_prior else found[name]
            for method, (on_tuning, on_test) in found.items():
                tuned = best_threshold(tuning.y, on_tuning, cost_of_miss=costs[0], cost_of_false_alarm=costs[1])
                pooled.setdefault(method, []).append(on_test)
                folds.append({"method": method} | fold_metrics(test.y, on_test, tuned, costs))
    y = np.concatenate(labels)
    means = pd.DataFrame(folds).groupby("method", sort=False).mean().to_dict("index")
    return {
        method: {
            **{str(metric): float(mean) for metric, mean in means[method].items()},
            **pooled_metrics(y, np.concatenate(found_everywhere)),
        }
        for method, found_everywhere in pooled.items()
    }
