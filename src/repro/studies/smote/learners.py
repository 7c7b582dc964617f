"""Questions of today: what sampling does to ranking, probabilities and decisions of weak and strong learners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.smote.problems import load_problem
from repro.trials import named
from repro.trials.folds import FOLDS
from repro.trials.learners import (
    Learner,
    Sampler,
    cross_validated,
    gradient_boosting,
    logistic_regression,
    over_sampled,
    pruned_tree,
    smote_sampled,
    under_sampled,
    untouched,
    with_exchanged_labels,
)

LEARNERS: Final[Mapping[str, Learner]] = {
    "pruned_tree": pruned_tree,
    "logistic_regression": logistic_regression,
    "gradient_boosting": gradient_boosting,
}
SAMPLERS: Final[Mapping[str, Sampler]] = {
    "none": untouched,
    "under": under_sampled,
    "over": over_sampled,
    "smote": smote_sampled,
}
LEARNERS_SETTINGS: Final = ("dataset", "learner", "unit", "method")


def _of_folds(learner: str, method: str) -> tuple[str, ...]:
    """Metrics whose values of single folds are kept: those that a claim judges or a figure draws with an interval."""
    decided = () if method.endswith("_corrected") else ("auroc", "balanced_accuracy_tuned")
    return (*decided, *(("log_loss", "log_risk_ratio") if learner == "logistic_regression" else ()))


def _controlled(variant: str | None, learner: str) -> Mapping[str, Sampler]:
    """Samplers of a control: left out, or in front of exchanged labels, so that what learns after them is misled."""
    misled: tuple[str, ...] = ()
    if variant == "claimed_winner_misled":
        misled = ("smote",) if learner == "pruned_tree" else ("none", "over")
    elif variant in ("sampling_left_out", "correction_left_out"):
        misled = ("none",) if variant == "sampling_left_out" else ("over",)
    plain = dict.fromkeys(SAMPLERS, untouched) if variant == "sampling_left_out" else dict(SAMPLERS)
    return plain | {name: with_exchanged_labels(SAMPLERS[name]) for name in misled}


def learners(cell: Cell) -> pd.DataFrame:
    """Cross-validate one learner after every sampler, on one partition (:func:`repro.trials.learners.cross_validated`).

    Parameters
    ----------
    cell : Cell
        Parameters ``dataset``, ``learner`` and ``partition``.

    Returns
    -------
    DataFrame
        Columns ``dataset, learner, unit, method, replicate, metric, value``. Rows of the unit ``partition`` speak of
        the whole partition, the replicate; those of the unit ``fold`` of single folds, numbered through all partitions.
    """
    problem, learner = load_problem(cell.parameters), cell.text("learner")
    measured = cross_validated(
        problem,
        named("learner", learner, LEARNERS),
        cell.seed_sequence(),
        _controlled(cell.variant, learner),
        correct_prior=cell.variant != "correction_left_out",
    )
    partition = cell.whole("partition")
    rows = Rows(*LEARNERS_SETTINGS, dataset=problem.name, learner=learner)
    for method, metrics in measured.whole.items():
        rows.add(metrics, unit="partition", method=method, replicate=partition)
    for method, folds in measured.folds.items():
        for number, metrics in enumerate(folds, start=partition * FOLDS):
            kept = {metric: metrics[metric] for metric in _of_folds(learner, method)}
            rows.add(kept, unit="fold", method=method, replicate=number)
    return rows.frame()
