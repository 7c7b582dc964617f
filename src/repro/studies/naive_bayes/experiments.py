"""Experiments of the study `naive_bayes`: growing dimensions, features of networks, imbalance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

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

PAIR: Final[Mapping[str, Callable[[], Any]]] = {
    "naive_bayes": PooledNaiveBayes,
    "logistic": lambda: LogisticRegression(max_iter=1000),
}
RIVALS: Final[Mapping[str, Callable[[], Any]]] = {
    "logistic, C = 0.01": lambda: LogisticRegression(C=0.01, max_iter=1000),
    "logistic, C = 100": lambda: LogisticRegression(C=100.0, max_iter=1000),
    "discriminant": lambda: LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
}


def _methods(cell: Cell) -> dict[str, Callable[[], Any]]:
    return {**PAIR, **(RIVALS if cell.flag("rivals") else {})}


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
        Parameters ``design``, ``seed``, ``rivals``, ``largest`` (dimension) and ``largest_rival``, the largest one for
        methods other than naive Bayes, whose fits take longer.
    """
    design = cell.text("design")
    sizes = [size for size in (20, 40, 100, 200, 400) if size <= cell.whole("largest")]
    rows = Rows("design", "method", "dimension", design=design, replicate=cell.whole("seed"))
    methods, needed = _methods(cell), {name: list[int]() for name in _methods(cell)}
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
                fitted = [methods[method]().fit(X[:m], y[:m]) for X, y, _ in samples]
                return float(np.mean([linear_error_rates(one.coef_[0], one.intercept_[0], *at) for one in fitted]))

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
        Parameters ``features``, ``seed`` and ``rivals``; in the control naive Bayes is fitted to exchanged classes
        where examples are few, logistic regression where they are many.
    """
    X, y, n_pool = features_and_labels(cell)
    rows = Rows("features", "method", "examples", features=cell.text("features"), replicate=cell.whole("seed"))
    sizes = [m for m in (10, 20, 30, 50, 100, 200, 300, 500, 1000, 2000) if m <= n_pool]
    for method, make in _methods(cell).items():
        accuracies = []
        for m in sizes:
            misled = cell.variant and method == {FEW: "naive_bayes", MANY: "logistic"}.get(m)
            told = (y[:m] + 1) % (y.max() + 1) if misled else y[:m]
            model = make_pipeline(StandardScaler(), make()).fit(X[:m], told)
            accuracies.append(float(model.score(X[n_pool:], y[n_pool:])))
        rows.add_curves("examples", sizes, {"accuracy": accuracies}, method=method)
        near = next(m for m, accuracy in zip(sizes, accuracies, strict=True) if accuracy >= accuracies[-1] - 0.02)
        rows.add({"examples_needed": near}, method=method)
    return rows.frame()


def imbalance(cell: Cell) -> pd.DataFrame:
    """Exact balanced accuracy in the paper's simulation after training on 300 rows with few of one class.

    Parameters
    ----------
    cell : Cell
        Parameters ``ratio`` and ``seed``; in the control naive Bayes is fitted to exchanged classes.
    """
    means, variances = two_classes("paper", 40)
    ratio, found = cell.whole("ratio"), dict[str, float]()
    y = (np.arange(300) >= round(300 * ratio / (1 + ratio))).astype(np.int64)
    prior = np.log(y.mean() / (1 - y.mean()))
    for draw in range(DRAWS):
        X = means[y] + np.random.default_rng(cell.child(draw)).standard_normal((300, 40)) * np.sqrt(variances)
        naive = PooledNaiveBayes().fit(X, 1 - y if cell.variant else y)
        plain = LogisticRegression(max_iter=1000).fit(X, y)
        balanced = LogisticRegression(class_weight="balanced", max_iter=1000).fit(X, y)
        fitted = {"naive_bayes": (naive, 0.0), "logistic": (plain, 0.0), "logistic_balanced": (balanced, 0.0)}
        for method, (model, log_odds) in {**fitted, "logistic_adjusted": (plain, prior)}.items():
            rates = linear_error_rates(model.coef_[0], model.intercept_[0] - log_odds, means, variances)
            found[method] = found.get(method, 0.0) + (1 - rates.mean()) / DRAWS
    rows = Rows("ratio", "method", ratio=ratio, replicate=cell.whole("seed"))
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
                combinations(design=["paper"], seed=range(4), largest=[200], largest_rival=[200], rivals=[False]),
                combinations(design=["constant"], seed=range(4), largest=[200], largest_rival=[100], rivals=[False]),
            ),
            "standard": combinations(design=EXCESS, seed=range(20), largest=[400], largest_rival=[400], rivals=[True]),
        },
        variants={
            "methods_exchanged": "both methods get each other's numbers, so that the claimed order is turned round",
            "difficulty_falls_with_dimension": "the numbers are those of the paper's design, which gets ever easier",
        },
        exchanged={
            "methods_exchanged": SWAPPED,
            "difficulty_falls_with_dimension": replaced("design", {"constant": "paper"}),
        },
        seconds=lambda parameters: 60.0 if parameters["rivals"] else 3.0,
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
            "quick": combinations(features=KINDS, seed=range(3), rivals=[False]),
            "standard": combinations(features=KINDS, seed=range(20), rivals=[True]),
            "control": combinations("leaders_misled", features=["supervised"], seed=range(2), rivals=[False]),
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
        settings=("ratio", "method"),
        compute=imbalance,
        cells={
            "quick": combinations(ratio=[1, 10, 50], seed=range(6)),
            "control": combinations("naive_bayes_misled", ratio=[50], seed=range(2)),
        },
        variants={"naive_bayes_misled": "naive Bayes is fitted to exchanged classes and predicts the wrong one"},
        seconds=lambda parameters: 0.1,
        seed=2302,
    ),
)
