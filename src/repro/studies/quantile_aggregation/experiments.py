"""Experiments of the study `quantile_aggregation`: repairs of crossings, pooling, calibration, weights along a slice.

Sizes were fixed before any table was looked at: simulated rows up to 4,000, 3,059 rows of PreDiabetes and 3,000 of
Adult, ten partitions in the profile ``standard``; how long that took stands in the provenance of its tables.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from repro.data import load
from repro.protocol.cells import combinations, together
from repro.protocol.exchange import replaced
from repro.protocol.experiment import Cell, Experiment, Parameters
from repro.protocol.rows import Rows
from repro.quantiles import (
    GlobalAggregator,
    conformalise,
    isotonic_levels,
    pinball_loss,
    running_levels,
    sort_levels,
)
from repro.quantiles.local import LocalAggregator
from repro.studies.quantile_aggregation.own import OWN
from repro.studies.quantile_aggregation.ways import LEVELS, base_models, forecasts, pooled
from repro.trials.table_tasks import numeric_matrix

Floats = npt.NDArray[np.float64]

TEST_SHARE: Final = 0.2
FRESH_ROWS: Final = 2000
"""Test rows of simulated data."""
TABLES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "prediabetes": ("BMI", ("Age", "Sex", "IMD_Decile", "HbA1C")),
    "adult": ("hours-per-week", ("age", "education-num", "capital-gain", "capital-loss")),
}
"""Target and features of the embedded tables."""


def _hetero(n: int, generator: np.random.Generator) -> tuple[Floats, Floats]:
    X = generator.uniform(-2, 2, size=(n, 3))
    scale = np.where(X[:, 2] > 0, 0.2 + 0.5 * np.abs(X[:, 0]), 0.3)
    return X, np.sin(2 * X[:, 0]) + X[:, 1] / 2 + scale * generator.standard_t(4, size=n)


def _split(name: str, n_rows: int, generator: np.random.Generator) -> tuple[Floats, Floats, Floats, Floats]:
    """Features and responses to train on, and to judge by: fresh rows of a simulation, a fifth of a table."""
    if name == "hetero":
        return *_hetero(n_rows, generator), *_hetero(FRESH_ROWS, generator)
    target, features = TABLES[name]
    table = load(name).features
    chosen = table.iloc[generator.choice(len(table), min(n_rows, len(table)), replace=False)]
    X, _ = numeric_matrix(chosen[list(features)], source=name)
    train, test = train_test_split(np.arange(len(X)), test_size=TEST_SHARE, random_state=int(generator.integers(2**31)))
    X = StandardScaler().fit(X[train]).transform(X)
    y = chosen[target].to_numpy(dtype=np.float64)
    return X[train], y[train], X[test], y[test]


def methods(cell: Cell) -> pd.DataFrame:
    """Loss of pooled forecasts of new rows, over all levels and in the tails, with the share of rows that crossed.

    ``in_sample`` has coarse weights that were fitted to forecasts of rows which the models had seen.

    Parameters
    ----------
    cell : Cell
        Parameters ``dataset``, ``rows``, ``trees`` (whether boosted trees are pooled, too) and ``partition``.
    """
    generator, name = cell.generator(), cell.text("dataset")
    X, y, X_new, y_new = _split(name, cell.whole("rows"), generator)
    models = base_models(bool(cell.parameters["trees"]))
    held, (seen, new) = forecasts(models, X, y, [X, X_new], generator)
    found = pooled(held, y, X, new, X_new, int(generator.integers(2**31)), cell.variant)
    found["in_sample"] = GlobalAggregator(LEVELS).fit(seen, y).predict(new)
    found |= {f"model_{name}": new[:, place] for place, name in enumerate(models)}
    rows = Rows("dataset", "rows", "method", dataset=name, rows=cell.whole("rows"), replicate=cell.whole("partition"))
    for method, raw in found.items():
        losses = pinball_loss(y_new, sort_levels(raw), LEVELS).mean(axis=0)
        measures = {"pinball": losses.mean(), "pinball_lowest": losses[0], "pinball_highest": losses[-1],
                    "crossing": (np.diff(raw, axis=1) < 0).any(axis=1).mean()}  # fmt: skip
        rows.add({metric: round(float(value), 6) for metric, value in measures.items()}, method=method)
    return rows.frame()


REPAIRS: Final[dict[str, Callable[[Floats], Floats]]] = {
    "sort": sort_levels,
    "isotonic": isotonic_levels,
    "running": partial(running_levels, levels=LEVELS),
}


def repairs(cell: Cell) -> pd.DataFrame:
    """Change of the weighted loss of single forecasts by each repair: the largest rise of a batch, at least 0.

    Forecasts are random, or those that cross among the pooled and the linear ones of simulated rows.

    Parameters
    ----------
    cell : Cell
        Parameters ``source`` (``random`` or ``models``) and ``batch``.
    """
    generator = cell.generator()
    if cell.text("source") == "random":
        raw, y = generator.normal(size=(400, len(LEVELS))), generator.normal(size=400)
    else:
        X, y, X_new, y_new = _split("hetero", 300, generator)
        held, (new,) = forecasts(base_models(trees=False), X, y, [X_new], generator)
        found = [*pooled(held, y, X, new, X_new, 0).values(), new[:, 0], new[:, 1]]
        raw, y = np.concatenate(found), np.tile(y_new, len(found))
        crossing = (np.diff(raw, axis=1) < 0).any(axis=1)
        raw, y = raw[crossing], y[crossing]
    rows = Rows("source", "repair", "weights", source=cell.text("source"), replicate=cell.whole("batch"))
    uneven = generator.dirichlet(np.ones(len(LEVELS)), size=len(y))
    for repair, mend in REPAIRS.items():
        change = pinball_loss(y, mend(raw), LEVELS) - pinball_loss(y, raw, LEVELS)
        for weights, weighted in (("equal", change.mean(axis=1)), ("random", (change * uneven).sum(axis=1))):
            largest = float(weighted.max())
            measures = {"rise": max(largest, 0.0), "largest_rise": largest, "mean_change": float(weighted.mean())}
            rows.add(measures, repair=repair, weights=weights)
    return rows.frame()


def conformal(cell: Cell) -> pd.DataFrame:
    """Coverage of 90 % intervals of new rows, minus 0.9, and their width, before and after conformal calibration.

    A quarter of the training rows is held back for calibration. ``average`` is the average of the models;
    ``average_narrowed`` its intervals about the median, half as wide.

    Parameters
    ----------
    cell : Cell
        Parameters ``dataset``, ``rows`` and ``partition``.
    """
    generator, name = cell.generator(), cell.text("dataset")
    X, y, X_new, y_new = _split(name, cell.whole("rows"), generator)
    held = np.arange(len(y)) < len(y) // 4
    order = generator.permutation(len(y))
    X, y = X[order], y[order]
    fitted = [model.fit(X[~held], y[~held]) for model in base_models(trees=False).values()]
    rows = Rows("dataset", "rows", "method", "calibration", dataset=name, rows=cell.whole("rows"),
                replicate=cell.whole("partition"))  # fmt: skip
    ends = {}
    for place, features in (("held", X[held]), ("new", X_new)):
        average = sort_levels(np.mean([model.predict(features) for model in fitted], axis=0))
        middle = average[:, [3]]
        ends[place] = {"average": average[:, [0, -1]], "average_narrowed": (average[:, [0, -1]] + middle) / 2}
    for method, interval in ends["new"].items():
        low, high = ends["held"][method].T
        margin = conformalise(low, high, y[held], coverage=0.9)
        for calibration, wider in (("before", 0.0), ("after", margin)):
            low, high = interval[:, 0] - wider, interval[:, 1] + wider
            inside = float(((low <= y_new) & (y_new <= high)).mean())
            width = float(np.maximum(high - low, 0).mean())
            measures = {"coverage_minus_nominal": round(inside - 0.9, 6), "width": round(width, 6)}
            rows.add(measures, method=method, calibration=calibration)
    return rows.frame()


SLICE: Final = np.linspace(-2, 2, 41)


def along(cell: Cell) -> pd.DataFrame:
    """Forecasts of the models and the pooled one, and local weights, along the first feature of simulated rows.

    The second feature is 0, the third 1, so that the spread of the response grows with the size of the first.

    Parameters
    ----------
    cell : Cell
        Parameters ``rows`` and ``draw``.
    """
    generator = cell.generator()
    X, y = _hetero(cell.whole("rows"), generator)
    X_new = np.column_stack([SLICE, np.zeros(len(SLICE)), np.ones(len(SLICE))])
    models = base_models(trees=False)
    held, (new,) = forecasts(models, X, y, [X_new], generator)
    model = LocalAggregator(LEVELS, random_state=int(generator.integers(2**31))).fit(held, y, X)
    weights, fan = model.weights_at(X_new)[:, :, 0], sort_levels(model.predict(new, X_new))
    rows = Rows("method", "level", "position", replicate=cell.whole("draw"))
    places = [round(float(place), 3) for place in SLICE]
    for number, name in enumerate(models):
        rows.add_curves("position", places, {"weight": weights[:, number].round(4)}, method=f"model_{name}")
    fans = {f"model_{name}": sort_levels(new[:, number]) for number, name in enumerate(models)} | {"local_coarse": fan}
    for method, quantiles in fans.items():
        for place in (0, 3, 6):
            curve = {"quantile": quantiles[:, place].round(3)}
            rows.add_curves("position", places, curve, method=method, level=LEVELS[place])
    return rows.frame()


def _tables(parameters: Parameters) -> tuple[str, ...]:
    return () if parameters["dataset"] == "hetero" else (str(parameters["dataset"]),)


def _seconds(parameters: Parameters) -> float:
    rows = float(parameters["rows"] or 0)
    return 0.5 + rows / 500 * (1.5 if parameters.get("trees") else 0.6)


EXPERIMENTS: Final = (
    Experiment(
        name="quantile_aggregation.repairs",
        summary="change of the loss of forecasts that cross, by repair and weights of the levels",
        settings=("source", "repair", "weights"),
        compute=repairs,
        cells={
            "quick": together(
                combinations(source=["random"], batch=range(20)), combinations(source=["models"], batch=range(2))
            )
        },
        variants={
            "running_extremes": "sorting and isotonic regression get the losses of running extremes",
            "equal_weights": "random weights of the levels are equal ones",
        },
        exchanged={
            "running_extremes": replaced("repair", {"sort": "running", "isotonic": "running"}),
            "equal_weights": replaced("weights", {"random": "equal"}),
        },
        seconds=lambda parameters: 0.02 if parameters["source"] == "random" else 1.0,
        tolerance=1e-3,
        seed=2131,
    ),
    Experiment(
        name="quantile_aggregation.methods",
        summary="loss of pooled quantile forecasts of new rows, by way of pooling",
        settings=("dataset", "rows", "method"),
        compute=methods,
        cells={
            "quick": combinations(dataset=["hetero", "prediabetes"], rows=[500], trees=[False], partition=range(3)),
            "standard": together(
                combinations(dataset=["hetero"], rows=[300, 1000, 4000], trees=[True], partition=range(10)),
                combinations(dataset=["prediabetes", "adult"], rows=[3000], trees=[True], partition=range(10)),
            ),
            "control": combinations(
                "learned_weights_turned_round",
                "qra_misled",
                dataset=["hetero", "prediabetes"],
                rows=[500],
                trees=[False],
                partition=range(3),
            ),
        },
        variants={
            "learned_weights_turned_round": "the weights of the best model and the worst change places",
            "richer_weights_left_out": "weights that vary with level or features get the losses of one for each model",
            "qra_misled": "the quantile regression is fitted to responses that are mirrored about their mean",
        },
        exchanged={
            "richer_weights_left_out": replaced(
                "method", dict.fromkeys(("global_medium", "local_coarse", "local_medium"), "global_coarse")
            )
        },
        seconds=_seconds,
        datasets=_tables,
        tolerance=1e-3,
        seed=2131,
    ),
    Experiment(
        name="quantile_aggregation.conformal",
        summary="coverage of intervals of an average of quantile forecasts, before and after calibration",
        settings=("dataset", "rows", "method", "calibration"),
        compute=conformal,
        cells={
            "quick": combinations(dataset=["hetero", "prediabetes"], rows=[2000], partition=range(10)),
            "standard": combinations(dataset=["hetero", "prediabetes", "adult"], rows=[3000], partition=range(30)),
        },
        variants={"calibration_left_out": "intervals stay as they were before calibration"},
        exchanged={"calibration_left_out": replaced("calibration", {"after": "before"})},
        seconds=lambda parameters: 0.3,
        datasets=_tables,
        tolerance=1e-3,
        seed=2131,
    ),
    Experiment(
        name="quantile_aggregation.along",
        summary="forecasts and weights of models along one feature",
        settings=("method", "level", "position"),
        compute=along,
        cells={"quick": combinations(rows=[1000], draw=[0])},
        seconds=lambda parameters: 1.5,
        tolerance=1e-2,
        seed=2131,
    ),
    OWN,
)
