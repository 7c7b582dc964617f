"""PRESTO against its rivals on a reader's own table: which of them predicts the rare class best."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import StratifiedShuffleSplit

from repro.metrics import nadeau_bengio_interval
from repro.protocol.experiment import Cell, Experiment, Parameters
from repro.protocol.names import name_of
from repro.protocol.own_data import OwnAnswer, OwnData, OwnFile, names_in
from repro.protocol.rows import Rows
from repro.studies.presto.competitors import SINGLE, Training, Tuning, fit_methods
from repro.studies.presto.selecting import N_FOLDS, Floats
from repro.studies.presto.shrinking import logit_ridge
from repro.trials.folds import shuffled_folds
from repro.trials.learners import Predictor, risk_metrics, unpenalised_regression
from repro.trials.own_files import ORDERED_ARGUMENTS, own_classes

SPLITS: Final = 10
FOLDS: Final = 5
"""One fifth of the rows is predicted in each split."""
TUNING: Final = Tuning(50, 1e-3)


def multinomial(training: Training) -> Predictor:
    """Unpenalised multinomial logistic regression of all classes."""
    model = unpenalised_regression().fit(training.X, training.y)

    def predict(X: Floats) -> Floats:
        return np.asarray(model.predict_proba(X)[:, -1], dtype=np.float64)

    return predict


RIVALS: Final[dict[str, Callable[[Training], Predictor]]] = {
    "proportional_odds": SINGLE["proportional_odds"],
    "logit": SINGLE["logit"],
    "multinomial": multinomial,
    "logit_ridge": logit_ridge,
    "base_rate": SINGLE["base_rate"],
}


def own(cell: Cell) -> pd.DataFrame:
    """Fit PRESTO and its rivals to four fifths of a reader's rows and predict the last class of the others.

    Parameters
    ----------
    cell : Cell
        The arguments of :data:`repro.trials.own_files.ORDERED_ARGUMENTS`, and ``split``.

    Returns
    -------
    DataFrame
        Columns ``method, replicate, metric, value``: ``log_loss``, ``brier`` and ``auroc`` of the last class against
        the rest, on the test rows.
    """
    task, _ = own_classes(cell.parameters)
    generator = cell.generator()
    splitter = StratifiedShuffleSplit(1, test_size=1 / FOLDS, random_state=int(generator.integers(2**31)))
    train, test = (task.rows(part) for part in next(splitter.split(task.X, task.y)))
    folds = shuffled_folds(train.y.size, generator, N_FOLDS)
    training = Training(train.X, train.y, task.n_classes, folds, TUNING)
    is_rare = test.y == task.n_classes - 1
    rows = Rows("method", replicate=cell.whole("split"))
    for name, predictor in fit_methods(training, ("presto", *RIVALS), single=RIVALS).items():
        probability = predictor(test.X)
        rows.add(
            {
                "log_loss": risk_metrics(is_rare, probability)["log_loss"],
                "brier": float(brier_score_loss(is_rare, probability)),
                "auroc": float(roc_auc_score(is_rare, probability)),
            },
            method=name,
        )
    return rows.frame()


def _read(parameters: Parameters) -> OwnFile:
    return own_classes(parameters)[1]


def _answer(table: pd.DataFrame, parameters: Parameters) -> OwnAnswer:
    """Compare by the log-loss, with intervals that allow for rows used in several splits."""
    called = {method: name_of(method) for method in ("presto", *RIVALS)}
    values: dict[str, dict[str, list[float]]] = {method: {} for method in called}
    for method, metric, value in zip(table["method"], table["metric"], table["value"], strict=True):
        values[str(method)].setdefault(str(metric), []).append(float(value))
    losses = {method: np.array(found["log_loss"]) for method, found in values.items()}
    verdicts: dict[str, list[str]] = {"better than": [], "worse than": [], "not told apart from": []}
    summary: list[dict[str, Any]] = []
    for method, name in called.items():
        entry: dict[str, Any] = {"method": name, "log-loss": float(losses[method].mean())}
        entry |= {"more than PRESTO": None, "95 %": None}
        if method != "presto":
            found = nadeau_bengio_interval(losses[method] - losses["presto"], folds=FOLDS)
            entry |= {"more than PRESTO": found.estimate, "95 %": [found.low, found.high]}
            verdict = "better than" if found.low > 0 else "worse than" if found.high < 0 else "not told apart from"
            verdicts[verdict].append(name)
        summary.append(entry | {"Brier score": fmean(values[method]["brier"]), "AUROC": fmean(values[method]["auroc"])})
    rare = names_in(str(parameters["order"]))[-1]
    told = "; ".join(f"{verdict} {', '.join(names)}" for verdict, names in verdicts.items() if names)
    best = min(summary, key=lambda entry: entry["log-loss"])["method"]
    return OwnAnswer(
        summary,
        [
            f"For the probability of {rare!r}, by the log-loss on rows not trained on, PRESTO is {told}.",
            f"The smallest mean log-loss is that of {best}. Means of {SPLITS} splits, a fifth of the rows each.",
        ],
    )


OWN: Final = Experiment(
    name="presto.own",
    summary="PRESTO and its rivals on your own table with ordered classes: who predicts the rare class best",
    settings=("method",),
    compute=own,
    cells={},
    seconds=lambda parameters: 10.0,
    own_data=OwnData(
        ORDERED_ARGUMENTS, _read, lambda parameters: [{"split": split} for split in range(SPLITS)], _answer
    ),
    seed=2023,
)
