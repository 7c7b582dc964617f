"""Experiments of the study `fuzzy_rvfl`: parts of the network on many tables, and two exact facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import balanced_accuracy_score, confusion_matrix
from sklearn.preprocessing import StandardScaler

from repro.closed_form import RandomVectorLink, discriminant_graph, fuzzy_scores, solve_link
from repro.protocol.cells import combinations, together
from repro.protocol.exchange import replaced
from repro.protocol.experiment import Cell, Experiment, child_seed
from repro.protocol.rows import Rows
from repro.studies.fuzzy_rvfl.tables import (
    EMBEDDED,
    FAMILIES,
    SMALL_FAMILIES,
    SMALL_ROWS,
    registered,
    sets_of,
    table,
)
from repro.trials.folds import stratified_folds, stratified_partitions

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
OUTER: Final = 4
INNER: Final = 3
IMBALANCED: Final = 3.0
"""From this ratio of the classes on a set counts in the second measure."""


@dataclass(frozen=True)
class Grid:
    """What is chosen from: nodes, penalties, widths of the kernel in square roots of the inputs, graph strengths."""

    nodes: Sequence[int] = (23, 103, 203)
    C: Sequence[float] = (1e-2, 1.0, 1e2, 1e4)
    widths: Sequence[float] = (0.5, 1.0, 2.0, 4.0)
    strengths: Sequence[float] = (1e-3, 1.0, 1e3)


GRIDS: Final[Mapping[str, Grid]] = {
    "whole": Grid(),
    "smaller": Grid(nodes=(23, 103), widths=(0.5, 2.0)),
    "small": Grid(nodes=(23,), widths=(0.5, 2.0), strengths=(1e-3, 1.0)),
}

PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "rvfl": (),
    "weights": ("weights",),
    "fuzzy": ("fuzzy",),
    "graph": ("graph",),
    "weights_fuzzy": ("weights", "fuzzy"),
    "weights_graph": ("weights", "graph"),
    "fuzzy_graph": ("fuzzy", "graph"),
    "full": ("weights", "fuzzy", "graph"),
    "full_released": ("weights", "fuzzy", "graph", "released"),
}
"""Which parts each network has."""


def _logistic(X: Floats, y: Flags, C: float, weight: str | None) -> LogisticRegression:
    return LogisticRegression(C=C, class_weight=weight, solver="newton-cholesky", max_iter=100).fit(X, y)


BASELINES: Final[Mapping[str, Callable[[Floats, Flags, Floats, float], Flags]]] = {
    "logistic_balanced": lambda X, y, held, C: _logistic(X, y, C, "balanced").predict(held),
    "logistic_prior_threshold": lambda X, y, held, C: _logistic(X, y, C, None).predict_proba(held)[:, 1] > y.mean(),
    "ridge_weighted": lambda X, y, held, C: RidgeClassifier(1 / C, class_weight="balanced").fit(X, y).predict(held),
}
NOISE_METHODS: Final = ("rvfl", "weights", "full", "logistic_balanced")
"""What is also run under noise."""
MISLED: Final = ("breast_cancer", "digits", "simulated_5", "simulated_10")
"""Families of the control under noise."""


def _balanced(y: Flags, predicted: Flags) -> Floats:
    """Balanced accuracy along the last axis."""
    return np.asarray((predicted[..., y].mean(axis=-1) + 1 - predicted[..., ~y].mean(axis=-1)) / 2)


class _Part:
    """Training and held rows, standardised, with the fuzzy scores that several networks share."""

    def __init__(self, train: tuple[Floats, Flags], held: tuple[Floats, Flags], seed: np.random.SeedSequence) -> None:
        scaler = StandardScaler().fit(train[0])
        (self.X, self.y), (self.X_held, self.y_held) = ((scaler.transform(X), y) for X, y in (train, held))
        self.seed = seed
        self._scores: dict[float, Floats] = {}

    def scores(self, widths: Sequence[float]) -> list[Floats]:
        """Fuzzy scores of the training rows for each width, in square roots of the inputs."""
        if missing := [width for width in widths if width not in self._scores]:
            generator = np.random.default_rng(child_seed(self.seed, 0))
            found = fuzzy_scores(self.X, self.y, np.sqrt(self.X.shape[1]) * np.array(missing), random_state=generator)
            self._scores |= dict(zip(missing, found, strict=True))
        return [self._scores[width] for width in widths]

    def random_features(self, nodes: int) -> tuple[Floats, Floats]:
        """Draw a hidden layer, and give inputs, layer and constant of the training and of the held rows."""
        generator = np.random.default_rng(child_seed(self.seed, nodes))
        weights, bias = generator.uniform(-1, 1, (self.X.shape[1], nodes)), generator.uniform(0, 1, nodes)
        train, held = (
            np.hstack([rows, np.maximum(rows @ weights + bias, 0), np.ones((len(rows), 1))])
            for rows in (self.X, self.X_held)
        )
        return train, held

    def balanced_accuracy(self, method: str, grid: Grid) -> Floats:
        """Of every setting, shape (nodes, widths, strengths, penalties), with length 1 where a method has no choice."""
        if method in BASELINES:
            found = [_balanced(self.y_held, BASELINES[method](self.X, self.y, self.X_held, C)) for C in grid.C]
            return np.reshape(found, (1, 1, 1, len(grid.C)))
        parts = PARTS[method]
        scores = self.scores(grid.widths) if "fuzzy" in parts else [None]
        strengths = grid.strengths if "graph" in parts else (0.0,)
        found = []
        for nodes in grid.nodes:
            Z, Z_held = self.random_features(nodes)
            graph = discriminant_graph(Z, self.y) if "graph" in parts else None
            for score in scores:
                solved = solve_link(
                    Z,
                    self.y,
                    grid.C,
                    weights="classes" if "weights" in parts else "none",
                    scores=score,
                    graph=graph,
                    strengths=strengths,
                    form="released" if "released" in parts else "least_squares",
                )
                found.append(_balanced(self.y_held, solved @ Z_held.T > 0))
        return np.stack(found).reshape(len(grid.nodes), len(scores), len(strengths), len(grid.C))


def _chosen(grid: Grid, scores: Floats) -> Grid:
    """Grid with the best setting alone, the first of equally good ones."""
    place = np.unravel_index(int(scores.argmax()), scores.shape)
    nodes, width, strength, penalty = (int(number) for number in place)
    return Grid((grid.nodes[nodes],), (grid.C[penalty],), (grid.widths[width],), (grid.strengths[strength],))


def tables(cell: Cell) -> pd.DataFrame:
    """Balanced accuracy of networks and baselines on a family: mean over its sets, partitions and folds.

    All settings are chosen inside the training part, by balanced accuracy in three folds. The measure comes a second
    time for the sets of the family whose larger class has at least three times as many rows as the other, if there are
    any.

    Parameters
    ----------
    cell : Cell
        Parameters ``family``, ``noise`` (standard deviations of normal noise on every feature, in those of the training
        rows, before anything else), ``partitions`` and ``grid``; in the control the full network is fitted to
        exchanged classes.
    """
    noise, grid = cell.number("noise"), GRIDS[cell.text("grid")]
    found: dict[str, list[float]] = {}
    rare: list[bool] = []
    for number, name in enumerate(sets_of(cell.text("family"))):
        task = table(name)
        if noise and task.y.size > SMALL_ROWS:
            continue
        per_fold = _of_set(task.X, task.y, cell, number, noise, grid)
        rare.append(np.bincount(task.y).max() >= IMBALANCED * np.bincount(task.y).min())
        for method, values in per_fold.items():
            found.setdefault(method, []).append(float(np.mean(values)))
    rows = Rows("noise", "method", noise=noise, replicate=cell.text("family"))
    for method, means in found.items():
        rows.add({"balanced_accuracy": float(np.mean(means))}, method=method)
        if any(rare):
            rows.add({"balanced_accuracy_from_ratio_3": float(np.mean(np.array(means)[rare]))}, method=method)
    return rows.frame()


def _of_set(X: Floats, y: Flags, cell: Cell, number: int, noise: float, grid: Grid) -> dict[str, list[float]]:
    """Balanced accuracy of every method on every fold of every partition."""
    seed = cell.child(number)
    found: dict[str, list[float]] = {}
    for partition, fold, train, test in stratified_partitions(y, cell.whole("partitions"), child_seed(seed, 0), OUTER):
        here = child_seed(seed, 1, partition, fold)
        spread = X[train].std(axis=0)
        noisy = X + noise * spread * np.random.default_rng(child_seed(here, 0)).standard_normal(X.shape)
        inner = [(train[rows], train[held]) for _, rows, held in stratified_folds(y[train], child_seed(here, 1), INNER)]
        for misled in (False, True) if cell.variant else (False,):
            told = y ^ misled
            parts = [
                _Part((noisy[rows], told[rows]), (noisy[held], told[held]), child_seed(here, 2, place))
                for place, (rows, held) in enumerate(inner)
            ]
            whole = _Part((noisy[train], told[train]), (noisy[test], y[test]), child_seed(here, 3))
            for method in NOISE_METHODS if noise else (*PARTS, *BASELINES):
                if cell.variant and misled != (method == "full"):
                    continue
                scores = np.mean([part.balanced_accuracy(method, grid) for part in parts], axis=0)
                right = whole.balanced_accuracy(method, _chosen(grid, scores))
                found.setdefault(method, []).append(float(right.item()))
    return found


def identities(cell: Cell) -> pd.DataFrame:
    """Largest deviation from two exact facts: ridge regression on random features, and an area that is none.

    Parameters
    ----------
    cell : Cell
        Parameter ``family``; in the control the penalty of the ridge regression is doubled, and the rate of false
        alarms is put for that of detections.
    """
    task, C = table(cell.text("family")), 10.0
    network = RandomVectorLink(60, C, random_state=int(cell.child(0).generate_state(1)[0])).fit(task.X, task.y)
    Z = network._features(network._scaler.transform(task.X))
    ridge = Ridge((4 if cell.variant else 2) / C, fit_intercept=False, solver="cholesky")
    outputs = ridge.fit(Z, np.where(task.y, 1.0, -1.0)).predict(Z)
    predicted = network.predict(task.X)
    (no_alarm, alarm), (missed, detected) = confusion_matrix(task.y, predicted)
    rates = detected / (missed + detected), alarm / (no_alarm + alarm)
    detection, false_alarm = rates[::-1] if cell.variant else rates
    area = (1 + detection - false_alarm) / 2
    rows = Rows("fact", replicate=cell.text("family"))
    rows.add({"deviation": float(np.abs(outputs - network.decision_function(task.X)).max())}, fact="ridge regression")
    rows.add({"deviation": float(abs(area - balanced_accuracy_score(task.y, predicted)))}, fact="balanced accuracy")
    return rows.frame()


def _seconds(parameters: Mapping[str, Any]) -> float:
    return len(sets_of(str(parameters["family"]))) * (2.0 if parameters["grid"] == "small" else 15.0)


EXPERIMENTS: Final = (
    Experiment(
        name="fuzzy_rvfl.tables",
        summary="balanced accuracy of networks with some of the parts, and of plain baselines, on tables",
        settings=("noise", "method"),
        compute=tables,
        cells={
            "quick": combinations(family=EMBEDDED, noise=[0.0], partitions=[2], grid=["small"]),
            "standard": together(
                combinations(family=FAMILIES, noise=[0.0], partitions=[1], grid=["smaller"]),
                combinations(family=SMALL_FAMILIES, noise=[0.1, 0.2, 0.4], partitions=[1], grid=["smaller"]),
            ),
            "paper": together(
                combinations(family=FAMILIES, noise=[0.0], partitions=[5], grid=["whole"]),
                combinations(family=SMALL_FAMILIES, noise=[0.1, 0.2, 0.4], partitions=[5], grid=["whole"]),
            ),
            "control": together(
                combinations("full_model_misled", family=EMBEDDED, noise=[0.0], partitions=[1], grid=["small"]),
                combinations("full_model_misled", family=MISLED, noise=[0.1, 0.2, 0.4], partitions=[1], grid=["small"]),
            ),
        },
        variants={
            "methods_exchanged": "the full and the plain network get each other's numbers",
            "full_model_misled": "the full network is fitted to exchanged classes and predicts the wrong one",
        },
        exchanged={"methods_exchanged": replaced("method", {"full": "rvfl", "rvfl": "full"})},
        seconds=_seconds,
        datasets=lambda parameters: registered(str(parameters["family"])),
        tolerance=0.02,
        seed=230707,
    ),
    Experiment(
        name="fuzzy_rvfl.identities",
        summary="the network without its parts against ridge regression, and its area against balanced accuracy",
        settings=("fact",),
        compute=identities,
        cells={
            "quick": combinations(family=EMBEDDED),
            "control": combinations("penalty_doubled_and_rates_exchanged", family=["breast_cancer", "simulated_10"]),
        },
        variants={
            "penalty_doubled_and_rates_exchanged": "ridge regression has twice the penalty, and false alarms are put "
            "for detections"
        },
        seconds=lambda parameters: 0.2,
        datasets=lambda parameters: registered(str(parameters["family"])),
        seed=230707,
    ),
)
