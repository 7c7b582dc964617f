"""Experiments of the study `naive_bayes`: growing dimensions, features of networks, imbalance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from repro.closed_form import PooledNaiveBayes, linear_error_rates
from repro.protocol.cells import combinations, together
from repro.protocol.exchange import replaced
from repro.protocol.experiment import Cell, Experiment
from repro.protocol.rows import Rows
from repro.studies.naive_bayes.features import Classes, Floats, features_and_labels

EXCESS: Final = {"paper": 0.01, "constant": 0.02}
"""For each design how close to the Bayes error a classifier has to come."""
BAYES_ERROR: Final = 0.10
DRAWS: Final = 5
SMALLEST: Final = 4
FEW: Final = 20
MANY: Final = 1000
SWAPPED: Final = replaced("method", {"logistic": "naive_bayes", "naive_bayes": "logistic"})

LEARNERS: Final[Mapping[str, Callable[[], Any]]] = {
    "naive_bayes": PooledNaiveBayes,
    "logistic": lambda: LogisticRegression(max_iter=1000),
    "logistic, C = 0.01": lambda: LogisticRegression(C=0.01, max_iter=1000),
    "logistic, C = 100": lambda: LogisticRegression(C=100.0, max_iter=1000),
    "discriminant": lambda: LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
}
"""What is fitted to features, whose columns are standardised for all of them."""

Rule = tuple[Floats, float]
"""Weights of the columns and the number that is added; the second class where the sum is above 0."""


def naive_bayes(X: Floats, y: Classes, prior: Literal["empirical", "uniform"] = "empirical") -> Rule:
    """Rule of naive Bayes."""
    model = PooledNaiveBayes(prior).fit(X, y)
    return model.coef_[0], float(model.intercept_[0])


def logistic(
    X: Floats, y: Classes, C: float = 1.0, standardised: bool = False, weights: Literal["balanced"] | None = None
) -> Rule:
    """Rule of logistic regression on the columns as they come, or on standardised ones and turned back to these.

    On columns that are not standardised the solver of the released code stops before it is at the optimum of a weak
    penalty, so that all penalties other than the released one are left to Newton's method.
    """
    centre, scale = (X.mean(axis=0), X.std(axis=0)) if standardised else (np.zeros(X.shape[1]), np.ones(X.shape[1]))
    solver = "lbfgs" if standardised or C == 1 else "newton-cholesky"
    model = LogisticRegression(C=C, class_weight=weights, solver=solver, max_iter=1000).fit((X - centre) / scale, y)
    found = model.coef_[0] / scale
    return found, float(model.intercept_[0] - centre @ found)


RULES: Final[Mapping[str, Callable[[Floats, Classes], Rule]]] = {
    "naive_bayes": naive_bayes,
    "logistic": logistic,
    "logistic, C = 0.01": partial(logistic, C=0.01),
    "logistic, C = 100": partial(logistic, C=100.0),
    "logistic_standardised": partial(logistic, standardised=True),
    "logistic_standardised, C = 0.01": partial(logistic, C=0.01, standardised=True),
}
"""What is fitted to the simulation; where nothing is said C = 1 and the columns are those of the simulation."""
OTHER_PENALTIES: Final = ("logistic, C = 0.01", "logistic, C = 100")


def two_classes(design: str, dimension: int) -> tuple[Floats, Floats]:
    """Means, shape (2, dimension), and variances of the classes of the paper's simulation, or of one equally hard."""
    variances = np.where(np.arange(dimension) < dimension // 2, float(dimension), 1.0)
    reach = 1.0 if design == "paper" else float(ndtri(1 - BAYES_ERROR) / np.sqrt((1 / variances).sum()))
    return np.array([[-reach], [reach]]) * np.ones(dimension), variances


def first_below(curve: Callable[[int], float], bound: float, grid: npt.NDArray[np.int64]) -> int:
    """Smallest entry of the grid at which a falling curve is below a bound, by bisection.

    Raises
    ------
    ValueError
        If the curve does not come below the bound within the grid.
    """
    low, high = -1, 0
    while curve(int(grid[high])) >= bound:
        if high == len(grid) - 1:
            raise ValueError(f"the curve stays above {bound:.3g} up to {grid[-1]}; the grid must reach further")
        low, high = high, min(high + 8, len(grid) - 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if curve(int(grid[middle])) < bound else (middle, high)
    return int(grid[high])


def _sample(means: Floats, variances: Floats, m: int, generator: np.random.Generator) -> tuple[Floats, Classes, int]:
    """Rows, classes, and how often they were drawn again because the first rows held one class only."""
    redrawn = 0
    while len(np.unique((y := generator.integers(0, 2, m))[:SMALLEST])) < 2:
        redrawn += 1
    return means[y] + generator.standard_normal((m, len(variances))) * np.sqrt(variances), y, redrawn


def _power(sizes: list[int], needed: list[int]) -> float:
    return float(np.polyfit(np.log(sizes), np.log(needed), 1)[0])


def growth(cell: Cell) -> pd.DataFrame:
    """Examples that bring the exact error near the Bayes error, as the dimension grows, and the power of their growth.

    Parameters
    ----------
    cell : Cell
        Parameters ``design``, ``seed``, ``penalties`` (whether columns that are not standardised are also fitted with
        penalties other than the released one), ``largest`` (dimension) and ``largest_rival``, the largest one for
        methods other than naive Bayes, whose fits take longer.
    """
    design = cell.text("design")
    sizes = [size for size in (20, 40, 100, 200, 400) if size <= cell.whole("largest")]
    rows = Rows("design", "method", "dimension", design=design, replicate=cell.whole("seed"))
    needed = {name: list[int]() for name in RULES if name not in OTHER_PENALTIES or cell.flag("penalties")}
    for place, size in enumerate(sizes):
        grid = np.unique(np.ceil(SMALLEST * 1.1 ** np.arange(1 + int(np.log(40 * size / SMALLEST) / np.log(1.1)))))
        means, variances = two_classes(design, size)
        bound = EXCESS[design] + linear_error_rates(means[1] / variances, 0.0, means, variances).mean()
        generators = (np.random.default_rng(cell.child(place, draw)) for draw in range(DRAWS))
        samples = [_sample(means, variances, int(grid[-1]), generator) for generator in generators]
        rows.add({"redrawn": sum(sample[2] for sample in samples)}, dimension=size)
        for method in needed:
            if method != "naive_bayes" and size > cell.whole("largest_rival"):
                continue

            def curve(m: int, method: str = method, samples: Any = samples, at: Any = (means, variances)) -> float:
                return float(np.mean([linear_error_rates(*RULES[method](X[:m], y[:m]), *at) for X, y, _ in samples]))

            needed[method].append(first_below(curve, bound, grid.astype(np.int64)))
            rows.add({"examples": needed[method][-1]}, method=method, dimension=size)
    for method, counts in needed.items():
        power = _power(sizes[: len(counts)], counts)
        rows.add({"power": power, "power_minus_one": power - 1}, method=method)
    return rows.frame()


def coordinates(cell: Cell) -> pd.DataFrame:
    """Rows that keep the largest error of a mean's coordinates within 0.3 standard deviations; parameters as above."""
    total = cell.variant is not None
    sizes = [size for size in (10, 30, 100, 300, 1000, 3000, 10_000) if size <= cell.whole("largest")]
    rows, needed = Rows("dimension", replicate=cell.whole("seed")), []
    for place, size in enumerate(sizes):
        limit = int(np.ceil((2 * size if total else 4 * np.log(2 * size)) / 0.3**2))
        errors = np.zeros(limit)
        for draw in range(DRAWS):
            noise = np.random.default_rng(cell.child(place, draw)).standard_normal((limit, size))
            means = noise.cumsum(axis=0) / np.arange(1, limit + 1)[:, None]
            errors += (np.linalg.norm(means, axis=1) if total else np.abs(means).max(axis=1)) / DRAWS
        needed.append(1 + int(np.flatnonzero(errors <= 0.3)[0]))
        rows.add({"examples": needed[-1]}, dimension=size)
    rows.add({"half_minus_power": 0.5 - _power(sizes, needed)})
    return rows.frame()


def features(cell: Cell) -> pd.DataFrame:
    """Accuracy on features as examples are added, and how many bring it within two points of its last value.

    Parameters
    ----------
    cell : Cell
        Parameters ``features`` and ``seed``; in the control naive Bayes is fitted to exchanged classes
        where examples are few, logistic regression where they are many.
    """
    X, y, n_pool = features_and_labels(cell)
    rows = Rows("features", "method", "examples", features=cell.text("features"), replicate=cell.whole("seed"))
    sizes = [m for m in (10, 20, 30, 50, 100, 200, 300, 500, 1000, 2000) if m <= n_pool]
    for method, make in LEARNERS.items():
        accuracies = []
        chosen = [m for m in sizes if m > y.max() + 1 or method != "discriminant"]  # it needs more rows than classes
        for m in chosen:
            misled = cell.variant and method == {FEW: "naive_bayes", MANY: "logistic"}.get(m)
            told = (y[:m] + 1) % (y.max() + 1) if misled else y[:m]
            model = make_pipeline(StandardScaler(), make()).fit(X[:m], told)
            accuracies.append(float(model.score(X[n_pool:], y[n_pool:])))
        rows.add_curves("examples", chosen, {"accuracy": accuracies}, method=method)
        near = next(m for m, accuracy in zip(chosen, accuracies, strict=True) if accuracy >= accuracies[-1] - 0.02)
        rows.add({"examples_needed": near}, method=method)
    return rows.frame()


def imbalance(cell: Cell) -> pd.DataFrame:
    """Exact balanced accuracy in the simulation after training on 300 rows with few of one class.

    Every rule is also shifted by the logarithm of the ratio of the classes (``adjusted``); for naive Bayes that is the
    uniform prior.

    Parameters
    ----------
    cell : Cell
        Parameters ``design``, ``ratio`` and ``seed``; in the control naive Bayes is fitted to exchanged classes.
    """
    means, variances = two_classes(cell.text("design"), 40)
    ratio, found = cell.whole("ratio"), dict[str, float]()
    y = (np.arange(300) >= round(300 * ratio / (1 + ratio))).astype(np.int64)
    log_odds = float(np.log(y.mean() / (1 - y.mean())))
    for draw in range(DRAWS):
        X = means[y] + np.random.default_rng(cell.child(draw)).standard_normal((300, 40)) * np.sqrt(variances)
        rules = {method: fit(X, 1 - y if cell.variant and fit is naive_bayes else y) for method, fit in RULES.items()}
        for method, (weights, bias) in list(rules.items()):
            rules[f"{method}, adjusted"] = (weights, bias - log_odds)
        rules["logistic, balanced weights"] = logistic(X, y, weights="balanced")
        for method, rule in rules.items():
            right = 1 - linear_error_rates(*rule, means, variances).mean()
            found[method] = found.get(method, 0.0) + right / DRAWS
    rows = Rows("design", "ratio", "method", design=cell.text("design"), ratio=ratio, replicate=cell.whole("seed"))
    for method, value in found.items():
        rows.add({"balanced_accuracy": value}, method=method)
    return rows.frame()


KINDS: Final = ("pixels", "supervised", "rotations")
EXPERIMENTS: Final = (
    Experiment(
        name="naive_bayes.growth",
        summary="examples that bring the exact error near the Bayes error, as the dimension grows",
        settings=("design", "method", "dimension"),
        compute=growth,
        cells={
            "quick": together(
                *(
                    combinations(design=[design], seed=seeds, penalties=[more], largest=[200], largest_rival=[rival])
                    for design, rival in {"paper": 200, "constant": 100}.items()
                    for more, seeds in {True: [0], False: [1, 2, 3]}.items()
                )
            ),
            "standard": combinations(
                design=EXCESS, seed=range(20), penalties=[True], largest=[400], largest_rival=[400]
            ),
        },
        variants={
            "methods_exchanged": "both methods get each other's numbers, so that the claimed order is turned round",
            "difficulty_falls_with_dimension": "the numbers are those of the paper's design, which gets ever easier",
            "columns_not_standardised": "logistic regression on standardised columns gets the numbers of the other",
            "every_logistic_exchanged": "every logistic regression gets the numbers of naive Bayes, which gets theirs",
        },
        exchanged={
            "methods_exchanged": SWAPPED,
            "difficulty_falls_with_dimension": replaced("design", {"constant": "paper"}),
            "columns_not_standardised": replaced("method", {"logistic_standardised": "logistic"}),
            "every_logistic_exchanged": replaced(
                "method", {**dict.fromkeys(RULES, "naive_bayes"), "naive_bayes": "logistic"}
            ),
        },
        seconds=lambda parameters: 120.0 if parameters["largest"] == 400 else 3.0,
        tolerance=0.2,
        seed=2302,
    ),
    Experiment(
        name="naive_bayes.coordinates",
        summary="rows that keep the largest error of a mean's coordinates below a bound, as the dimension grows",
        settings=("dimension",),
        compute=coordinates,
        cells={
            "quick": combinations(seed=range(4), largest=[10_000]),
            "control": combinations("total_error_instead_of_the_largest", seed=range(3), largest=[100]),
        },
        variants={"total_error_instead_of_the_largest": "the Euclidean error is bounded, whose square adds up over n"},
        seconds=lambda parameters: float(parameters["largest"] or 0) / 10_000,
        seed=2302,
    ),
    Experiment(
        name="naive_bayes.features",
        summary="accuracy of both methods on pixels and on features of two networks, as examples are added",
        settings=("features", "method", "examples"),
        compute=features,
        cells={
            "quick": combinations(features=KINDS, seed=range(3)),
            "standard": combinations(features=KINDS, seed=range(20)),
            "control": combinations("leaders_misled", features=["supervised"], seed=range(2)),
        },
        variants={
            "methods_exchanged": "both methods get each other's numbers, so that the claimed order is turned round",
            "leaders_misled": "the method said to lead is fitted to classes that are exchanged in a circle",
        },
        exchanged={"methods_exchanged": SWAPPED},
        seconds=lambda parameters: 2.0,
        datasets=lambda parameters: ("digits",) if parameters["features"] == "pixels" else ("mnist-subset",),
        tolerance=0.01,
        seed=2302,
    ),
    Experiment(
        name="naive_bayes.imbalance",
        summary="exact balanced accuracy after training with few rows of one class",
        settings=("design", "ratio", "method"),
        compute=imbalance,
        cells={
            "quick": combinations(design=EXCESS, ratio=[1, 10, 50], seed=range(6)),
            "control": combinations("naive_bayes_misled", design=EXCESS, ratio=[50], seed=range(2)),
        },
        variants={
            "naive_bayes_misled": "naive Bayes is fitted to exchanged classes and predicts the wrong one",
            "columns_not_standardised": "logistic regression with both remedies gets the numbers of that with neither",
        },
        exchanged={"columns_not_standardised": replaced("method", {"logistic_standardised, adjusted": "logistic"})},
        seconds=lambda parameters: 0.3,
        seed=2302,
    ),
)
