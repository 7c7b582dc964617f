"""Experiments of the study `gda`: heads on frozen features, few shots, long tails, shifted tests, prototypes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import normalize

from repro.closed_form import GaussianDiscriminant, NearestClassMean
from repro.data import load, long_tail_counts, make_long_tail
from repro.protocol.cells import combinations
from repro.protocol.exchange import replaced
from repro.protocol.experiment import Cell, Experiment
from repro.protocol.rows import Rows
from repro.studies.gda.features import Classes, Features, Floats, features

SHOTS: Final = (1, 2, 4, 8, 16)
RATIOS: Final = (1, 10, 100)
LARGEST: Final = 200
"""Rows of the most frequent class of a long tail."""
PENALTIES: Final = tuple(10.0**power for power in range(-2, 5))
FOLDS: Final = 3
WEIGHTS: Final = tuple(10.0**power for power in range(-4, 3))
"""Factors of the scores of GDA in the ensemble, from which validation rows choose; those of the released code."""
MOST_VALIDATION: Final = 4
NOISE: Final = 1.0
"""Length of the noise on each prototype, in mean distances of the class means from their common mean."""
DATASETS: Final = ("iris", "wine", "breast_cancer")

DISCRIMINANTS: Final[Mapping[str, Callable[[], Any]]] = {
    "gda": GaussianDiscriminant,
    "gda_ledoit_wolf": lambda: GaussianDiscriminant("ledoit_wolf"),
    "gda_empirical_prior": lambda: GaussianDiscriminant(prior="empirical"),
    "gda_ledoit_wolf_empirical_prior": lambda: GaussianDiscriminant("ledoit_wolf", "empirical"),
    "ncm": NearestClassMean,
}
Scores = npt.NDArray[np.float64]


def discriminant(method: str, X: Floats, y: Classes, misled: bool = False) -> Any:
    """Fit a head in closed form; in controls to classes that are exchanged in a circle, but for nearest means."""
    told = (y + 1) % (y.max() + 1) if misled and method != "ncm" else y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # one shot: the nearest class mean decides
        return DISCRIMINANTS[method]().fit(X, told)


def logistic_scores(X: Floats, y: Classes, test: Floats, seed: int, weight: str | None = None) -> dict[str, Scores]:
    """Scores of a logistic regression, as they come and adjusted by the class shares, each with a penalty of its own.

    The penalty is that with the largest balanced accuracy in a cross-validation over the training rows, the strongest
    of equally good ones. Where a class has a single row nothing can be chosen: C = 10, the middle of the seven.
    """

    def fitted(rows: Floats, labels: Classes, C: float) -> Any:
        return LogisticRegression(C=C, class_weight=weight, solver="newton-cholesky", max_iter=200).fit(rows, labels)

    shift = np.log(np.bincount(y) / len(y))
    folds = min(FOLDS, int(np.bincount(y).min()))
    chosen = dict.fromkeys(("plain", "adjusted"), PENALTIES[len(PENALTIES) // 2])
    if folds > 1:
        scores = np.empty((len(PENALTIES), len(y), len(shift)))
        for train, held in StratifiedKFold(folds, shuffle=True, random_state=seed).split(X, y):
            for place, C in enumerate(PENALTIES):
                scores[place, held] = fitted(X[train], y[train], C).decision_function(X[held])
        for kind, taken in {"plain": 0 * shift, "adjusted": shift}.items():
            found = [balanced_accuracy_score(y, (part - taken).argmax(axis=1)) for part in scores]
            chosen[kind] = PENALTIES[int(np.argmax(found))]
    models = {C: fitted(X, y, C) for C in set(chosen.values())}
    return {
        "plain": models[chosen["plain"]].decision_function(test),
        "adjusted": models[chosen["adjusted"]].decision_function(test) - shift,
    }


def all_heads(X: Floats, y: Classes, test: Floats, seed: int, misled: bool) -> dict[str, Scores]:
    """Scores of all heads on test rows."""
    found = {name: discriminant(name, X, y, misled).decision_function(test) for name in DISCRIMINANTS}
    plain = logistic_scores(X, y, test, seed)
    balanced = logistic_scores(X, y, test, seed, "balanced")["plain"]
    return found | {"logistic": plain["plain"], "logistic_balanced": balanced, "logistic_adjusted": plain["adjusted"]}


def _data(cell: Cell) -> tuple[Features, np.random.Generator, int]:
    generator = np.random.default_rng(cell.child(0))
    return features(cell.text("source"), cell.whole("seed")), generator, int(generator.integers(2**31))


def _shots(labels: Classes, count: int, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw equally many rows of each class; the first columns do not depend on how many are drawn."""
    return np.stack([generator.permutation(np.flatnonzero(labels == k))[:count] for k in range(labels.max() + 1)])


def identity(cell: Cell) -> pd.DataFrame:
    """Largest difference between scores of discriminant analysis and logarithms of joint densities by SciPy."""
    dataset = load(cell.text("dataset"))
    X = dataset.features.to_numpy(np.float64)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    classes, y = np.unique(dataset.target.to_numpy(), return_inverse=True)
    model = GaussianDiscriminant("none", "empirical").fit(X, y)
    centred = X - np.stack([X[y == k].mean(axis=0) for k in range(len(classes))])[y]
    spread = centred.T @ centred / len(X)
    joint = [np.log((y == k).mean()) + multivariate_normal.logpdf(X, X[y == k].mean(axis=0), spread) for k in set(y)]
    scores = X @ model.coef_.T + model.intercept_
    if cell.variant:
        scores += (model.coef_ * model.means_).sum(axis=1) / 2
    apart = [(part - part[:, :1]) for part in (scores, np.stack(joint, axis=1))]
    rows = Rows("dataset", dataset=dataset.name, replicate=dataset.name)
    rows.add({"decision_deviation": float(np.abs(apart[0] - apart[1]).max())})
    return rows.frame()


def few_shot(cell: Cell) -> pd.DataFrame:
    """Balanced accuracy of all heads with few rows of each class; parameters ``source`` and ``seed``."""
    data, generator, state = _data(cell)
    rows = Rows("shots", "method", replicate=cell.whole("seed"))
    drawn = _shots(data.pool_labels, max(SHOTS), generator)
    for shots in SHOTS:
        chosen = drawn[:, :shots].ravel()
        X, y = data.pool[chosen], data.pool_labels[chosen]
        for method, scores in all_heads(X, y, data.test, state, cell.variant is not None).items():
            right = balanced_accuracy_score(data.test_labels, scores.argmax(axis=1))
            rows.add({"balanced_accuracy": float(right)}, shots=shots, method=method)
    return rows.frame()


def long_tail(cell: Cell) -> pd.DataFrame:
    """Balanced accuracy of all heads, and recall of the two rarest classes, when training rows have a long tail.

    Parameters
    ----------
    cell : Cell
        Parameters ``source`` and ``seed``, which also draws the order of the classes from frequent to rare.
    """
    data, generator, state = _data(cell)
    order = generator.permutation(data.pool_labels.max() + 1)
    rows = Rows("ratio", "method", replicate=cell.whole("seed"))
    for ratio in RATIOS:
        counts = long_tail_counts(LARGEST, len(order), ratio)
        chosen = make_long_tail(data.pool_labels, counts, class_order=order.tolist(), random_state=state)
        X, y = data.pool[chosen], data.pool_labels[chosen]
        for method, scores in all_heads(X, y, data.test, state, cell.variant is not None).items():
            recalls = recall_score(data.test_labels, scores.argmax(axis=1), average=None)
            found = {"balanced_accuracy": float(recalls.mean()), "rare_recall": float(recalls[order[-2:]].mean())}
            rows.add(found, ratio=ratio, method=method)
    return rows.frame()


def shift(cell: Cell) -> pd.DataFrame:
    """Balanced accuracy on changed test images of heads that were fitted to 16 rows of each class, unchanged."""
    data, generator, state = _data(cell)
    chosen = _shots(data.pool_labels, max(SHOTS), generator).ravel()
    tests = {"unchanged": data.test} | data.shifted
    found = all_heads(
        data.pool[chosen], data.pool_labels[chosen], np.vstack(list(tests.values())), state, cell.variant is not None
    )
    rows = Rows("test_images", "method", replicate=cell.whole("seed"))
    for method, scores in found.items():
        for name, part in zip(tests, np.split(scores.argmax(axis=1), len(tests)), strict=True):
            right = balanced_accuracy_score(data.test_labels, part)
            rows.add({"balanced_accuracy": float(right)}, test_images=name, method=method)
    return rows.frame()


def ensemble(cell: Cell) -> pd.DataFrame:
    """Balanced accuracy of noisy prototypes, of GDA, and of both together with a weight that validation rows choose.

    Prototypes are means of rows that are drawn for nothing else, with noise; their score is 100 times the cosine.
    Validation rows, as many as shots and at most four of each class, count as training rows of those that choose
    nothing (``gda``); ``gda_shots_only`` has the shots alone, as in the ensemble.
    """
    data, generator, state = _data(cell)
    rows, labels = Rows("shots", "method", replicate=cell.whole("seed")), data.pool_labels
    drawn = _shots(labels, max(SHOTS) + MOST_VALIDATION, generator)
    rest = np.setdiff1d(np.arange(len(labels)), drawn)
    means = np.stack([data.pool[rest][labels[rest] == k].mean(axis=0) for k in range(len(drawn))])
    length = NOISE * np.linalg.norm(means - means.mean(axis=0), axis=1).mean()
    prototypes = normalize(means + length * normalize(generator.standard_normal(means.shape)))
    exchanged = cell.variant is not None
    for shots in SHOTS:
        train, held = drawn[:, :shots].ravel(), drawn[:, max(SHOTS) :][:, : min(shots, MOST_VALIDATION)].ravel()
        both = np.concatenate([train, held])
        model = discriminant("gda", data.pool[train], labels[train], exchanged)

        def mixed(X: Floats, weight: float, model: Any = model) -> Scores:
            cosines = 100 * X @ np.roll(prototypes, 1, axis=0).T if exchanged else 100 * X @ prototypes.T
            return np.asarray(cosines + weight * model.decision_function(X))

        right = [(mixed(data.pool[held], weight).argmax(axis=1) == labels[held]).mean() for weight in WEIGHTS]
        scores = {
            "prototypes": data.test @ prototypes.T,
            "gda": discriminant("gda", data.pool[both], labels[both]).decision_function(data.test),
            "gda_shots_only": discriminant("gda", data.pool[train], labels[train]).decision_function(data.test),
            "ensemble": mixed(data.test, WEIGHTS[int(np.argmax(right))]),
            "logistic": logistic_scores(data.pool[both], labels[both], data.test, state)["plain"],
        }
        for method, part in scores.items():
            value = balanced_accuracy_score(data.test_labels, part.argmax(axis=1))
            rows.add({"balanced_accuracy": float(value)}, shots=shots, method=method)
    return rows.frame()


def _experiment(
    name: str, summary: str, column: str, compute: Callable[[Cell], pd.DataFrame], **more: Any
) -> Experiment:
    control = next(iter(more["variants"]))
    quick = {} if compute is shift else {"quick": combinations(source=["embedded"], seed=range(5))}
    source = "mnist-subset" if compute is shift else "embedded"
    return Experiment(
        name=f"gda.{name}",
        summary=summary,
        settings=(column, "method"),
        compute=compute,
        cells=quick
        | {
            "standard": combinations(source=["mnist"], seed=range(20)),
            "control": combinations(control, source=[source], seed=range(3)),
        },
        seconds=lambda parameters: {"mnist": 20.0, "mnist-subset": 4.0, "embedded": 1.0}[str(parameters["source"])],
        datasets=lambda parameters: () if parameters["source"] == "embedded" else (str(parameters["source"]),),
        tolerance=0.02,
        seed=2402,
        **more,
    )


MISLED: Final = {"gda_misled": "the heads of discriminant analysis are fitted to classes exchanged in a circle"}
EXPERIMENTS: Final = (
    Experiment(
        name="gda.identity",
        summary="scores of discriminant analysis against logarithms of densities",
        settings=("dataset",),
        compute=identity,
        cells={
            "quick": combinations(dataset=DATASETS),
            "control": combinations("quadratic_term_left_out", dataset=["iris"]),
        },
        variants={"quadratic_term_left_out": "the offset lacks the squared length of the class mean"},
        seconds=lambda parameters: 0.1,
        seed=2402,
    ),
    _experiment("few_shot", "heads with few rows of each class", "shots", few_shot, variants=MISLED),
    _experiment(
        "long_tail",
        "heads when training rows have a long tail",
        "ratio",
        long_tail,
        variants=MISLED
        | {
            "methods_exchanged": "the two priors get each other's numbers",
            "shrinkage_exchanged": "the two kinds of shrinkage get each other's numbers",
        },
        exchanged={
            "methods_exchanged": replaced(
                "method",
                {
                    "gda": "gda_empirical_prior",
                    "gda_empirical_prior": "gda",
                    "gda_ledoit_wolf": "gda_ledoit_wolf_empirical_prior",
                    "gda_ledoit_wolf_empirical_prior": "gda_ledoit_wolf",
                },
            ),
            "shrinkage_exchanged": replaced("method", {"gda": "gda_ledoit_wolf", "gda_ledoit_wolf": "gda"}),
        },
    ),
    _experiment("shift", "heads on test images that were changed", "test_images", shift, variants=MISLED),
    _experiment(
        "ensemble",
        "prototypes, discriminant analysis and both together",
        "shots",
        ensemble,
        variants={"ensemble_with_exchanged_classes": "the ensemble is built from classes exchanged in a circle"},
    ),
)
