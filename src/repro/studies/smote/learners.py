"""Questions of today: what sampling does to ranking, probabilities and decisions of weak and strong learners."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from imblearn.over_sampling import RandomOverSampler
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, balanced_accuracy_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from repro.metrics import best_threshold, calibration_line, cost_threshold, expected_cost, prior_correction
from repro.protocol.experiment import Cell
from repro.sampling import SMOTE, RandomUnderSampler
from repro.studies.smote.problems import Problem, load_problem
from repro.studies.smote.sweep import child_seed, folds_of
from repro.trees import C45Classifier

LEARNERS = ("pruned_tree", "logistic_regression", "gradient_boosting")
SAMPLERS = ("none", "under", "over", "smote")
CLIP = 1e-6
"""Probabilities are kept this far from 0 and 1 for log loss and calibration; pruned trees give exact zeros."""

Probabilities = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]


def _model(learner: str) -> Any:
    if learner == "pruned_tree":
        return C45Classifier()
    if learner == "logistic_regression":
        return make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=2000))
    return HistGradientBoostingClassifier(random_state=0)


def _is_misled(variant: str | None, learner: str, sampler: str) -> bool:
    """Whether a control exchanges all labels that the learner sees after this sampler, so that it ranks wrongly."""
    if variant == "claimed_winner_misled":
        return sampler == "smote" if learner == "pruned_tree" else sampler in ("none", "over")
    return (variant, sampler) in {("sampling_left_out", "none"), ("correction_left_out", "over")}


def _sampled(
    train: Problem, sampler: str, seed: np.random.SeedSequence, variant: str | None
) -> tuple[npt.NDArray[np.float64], Labels]:
    """Training part with equal class counts; untouched for ``none`` and for the control."""
    if sampler == "none" or variant == "sampling_left_out":
        return train.X, train.y
    random_state = int(seed.generate_state(1)[0])
    samplers = {
        "under": RandomUnderSampler(minority_percentage=100, random_state=random_state),
        "over": RandomOverSampler(random_state=random_state),
        "smote": SMOTE(random_state=random_state),
    }
    X, y = samplers[sampler].fit_resample(train.X, train.y)
    return X, y


def _probabilities(
    train: Problem,
    X_test: npt.NDArray[np.float64],
    learner: str,
    sampler: str,
    seed: np.random.SeedSequence,
    variant: str | None,
) -> dict[str, Probabilities]:
    """Probability of the minority by one learner after one sampler, as it comes and with the prior corrected."""
    X, y = _sampled(train, sampler, seed, variant)
    if _is_misled(variant, learner, sampler):
        y = ~y
    probability = _model(learner).fit(X, y).predict_proba(X_test)[:, 1]
    found = {sampler: probability}
    if sampler != "none":
        sampled, original = float(y.mean()), float(train.y.mean())
        corrected = prior_correction(
            probability, sampled_odds=sampled / (1 - sampled), original_odds=original / (1 - original)
        )
        found[f"{sampler}_corrected"] = probability if variant == "correction_left_out" else corrected
    return found


def _fold_metrics(y: Labels, probability: Probabilities, tuned: float, costs: tuple[float, float]) -> dict[str, float]:
    """Ranking and decision metrics of one fold; the threshold at 0.5, tuned inside the training part, or from costs."""
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


def _pooled_metrics(y: Labels, probability: Probabilities) -> dict[str, float]:
    """Metrics of probabilities, over the test rows of all folds together."""
    clipped = np.clip(probability, CLIP, 1 - CLIP)
    line = calibration_line(y, clipped)
    return {
        "log_loss": float(log_loss(y, clipped)),
        "brier": float(brier_score_loss(y, clipped)),
        "log_risk_ratio": float(np.log(clipped.mean() / y.mean())),
        "calibration_slope": line.slope,
        "calibration_intercept": line.intercept,
    }


def learners(cell: Cell) -> pd.DataFrame:
    """Cross-validate one learner after every sampler, on one partition.

    Sampling is applied to the training part only and makes the classes equal. The cost of a missed minority row is
    the ratio of majority to minority, that of a false alarm 1, so that balanced accuracy and cost rank alike in
    expectation. The tuned threshold minimises that cost on a quarter of the training part that a second fit does not
    see.

    Parameters
    ----------
    cell : Cell
        Parameters ``dataset``, ``learner`` and ``partition``.

    Returns
    -------
    DataFrame
        Columns ``dataset, learner, method, replicate, metric, value``.
    """
    problem = load_problem(cell.parameters)
    learner = str(cell.parameters["learner"])
    seed = cell.seed_sequence()
    share = float(problem.y.mean())
    costs = ((1 - share) / share, 1.0)
    pooled: dict[str, list[Probabilities]] = {}
    labels: list[Labels] = []
    folds: list[dict[str, Any]] = []
    for number, train_rows, test_rows in folds_of(problem, child_seed(seed, 0)):
        train, test = problem.rows(train_rows), problem.rows(test_rows)
        labels.append(test.y)
        splitter = StratifiedShuffleSplit(1, test_size=0.25, random_state=number)
        fit_rows, held_rows = next(splitter.split(train.X, train.y))
        part, held_out = train.rows(fit_rows), train.rows(held_rows)
        for position, sampler in enumerate(SAMPLERS):
            draw = child_seed(seed, 1, number, position)
            inner = _probabilities(part, held_out.X, learner, sampler, child_seed(draw, 0), cell.variant)
            outer = _probabilities(train, test.X, learner, sampler, child_seed(draw, 1), cell.variant)
            for method, probability in outer.items():
                tuned = best_threshold(held_out.y, inner[method], cost_of_miss=costs[0], cost_of_false_alarm=costs[1])
                pooled.setdefault(method, []).append(probability)
                folds.append({"method": method} | _fold_metrics(test.y, probability, tuned, costs))
    y = np.concatenate(labels)
    means = pd.DataFrame(folds).groupby("method", sort=False).mean()
    rows = [
        (problem.name, learner, method, cell.parameters["partition"], metric, value)
        for method in means.index
        for metric, value in {
            **{str(name): float(mean) for name, mean in means.loc[method].items()},
            **_pooled_metrics(y, np.concatenate(pooled[method])),
        }.items()
    ]
    return pd.DataFrame(rows, columns=["dataset", "learner", "method", "replicate", "metric", "value"])
