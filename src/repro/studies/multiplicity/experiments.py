"""Experiments of the study `multiplicity`: exactness of ranges, simulated classes, data of people, refits."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit

from repro.data import load
from repro.metrics.multiplicity import LogisticLevelSet, Method, ViableRanges
from repro.protocol.cells import combinations, together
from repro.protocol.exchange import replaced
from repro.protocol.experiment import Cell, Experiment
from repro.protocol.rows import Rows
from repro.studies.multiplicity.own import OWN
from repro.trials.table_tasks import numeric_matrix

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

EPSILON: Final = 0.01
DELTA: Final = 0.1
N_ROWS: Final = 1000
PEOPLE: Final = 20
COUNTS: Final = ("age", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count")
"""Columns of COMPAS."""


def simulated(
    prevalence: float, separation: float, outliers: str, generator: np.random.Generator, n: int = N_ROWS
) -> tuple[Floats, Flags]:
    """Two classes in eight columns of unit variance, four of which tell them apart.

    Parameters
    ----------
    prevalence : float
        Share of positives, exactly.
    separation : float
        Distance of the means in each of four columns.
    outliers : "none", "leverage" or "labels"
        Whether 5 % of the rows are six times as far out, or have the wrong label.
    generator : Generator
    n : int, default=1000
    """
    y = generator.permutation(np.arange(n) < round(prevalence * n))
    X = generator.standard_normal((n, 8))
    X[:, :4] += separation * (y[:, None] - 0.5)
    chosen = generator.permutation(n)[: round(0.05 * n)]
    if outliers == "leverage":
        X[chosen] *= 6
    if outliers == "labels":
        y[chosen] = ~y[chosen]
    return X, y


def best_of_solver(model: LogisticLevelSet, X: Floats, y: Flags, directions: Floats) -> Floats:
    """Models of the level set with the largest score along each direction by a general solver, one call for each."""
    rows, start, found = np.column_stack([X, np.ones(len(X))]), np.append(model.coef_[0], model.intercept_), []

    def room(theta: Floats) -> float:
        scores = rows @ theta
        return model.level_ - float((np.logaddexp(0, scores) - scores * y).mean() + model.l2 / 2 * theta @ theta)

    def slope(theta: Floats) -> Floats:
        return np.asarray(rows.T @ (y - expit(rows @ theta)) / len(y) - model.l2 * theta)

    limits: Any = {"type": "ineq", "fun": room, "jac": slope}
    often: Any = {"ftol": 1e-12, "maxiter": 200}
    for direction in directions:
        linear: Any = lambda theta, x=direction: (-x @ theta, -x)  # noqa: E731 - value and slope
        solved = minimize(linear, start, jac=True, method="SLSQP", constraints=limits, options=often)
        within = model.level_ - model.loss_
        found.append(start + within / max(within, within - room(solved.x)) * (solved.x - start))
    return np.array(found)


def ranges(cell: Cell) -> pd.DataFrame:
    """Distance of the extreme models from the boundary, and how far other models of the set lie outside the ranges.

    The others are drawn models, the extreme models of all people, and what a general solver finds.

    Parameters
    ----------
    cell : Cell
        Parameters ``epsilon`` and ``prevalence``; in the control ranges are those of half the tolerance.
    """
    generator, epsilon = cell.generator(), cell.number("epsilon")
    X, y = simulated(cell.number("prevalence"), 1.0, "none", generator)
    model = LogisticLevelSet(epsilon=epsilon).fit(X, y)
    people = X[generator.permutation(len(X))[:PEOPLE]]
    with_one = np.column_stack([people, np.ones(PEOPLE)])
    judged = LogisticLevelSet(epsilon=epsilon / 2).fit(X, y) if cell.variant else model
    found, rough = judged.ranges(people), judged.ranges(people, method="ellipsoid")
    ends = np.stack([model.losses(found.low_coef), model.losses(found.high_coef)])
    others = np.vstack(
        [
            model.sample(500, random_state=generator),
            model.sample(500, on_boundary=True, random_state=generator),
            found.low_coef, found.high_coef, best_of_solver(model, X, y, np.vstack([with_one, -with_one])),
        ]
    )  # fmt: skip
    risks = expit(others @ with_one.T)
    settings = {"epsilon": epsilon, "prevalence": cell.number("prevalence")}
    rows = Rows(*settings, **settings)
    for person in range(PEOPLE):
        outside = max(risks[:, person].max() - found.high[person], found.low[person] - risks[:, person].min(), 0.0)
        off = max(abs(rough.high - found.high)[person], abs(rough.low - found.low)[person])
        rows.add(
            {
                "boundary_gap": float(abs(ends[:, person] / model.level_ - 1).max()),
                "outside": float(outside),
                "certificate": float(found.gap[person]),
                "ellipsoid_error": float(off),
            },
            replicate=person,
        )
    return rows.frame()


def _share(moved: Flags) -> float:
    return round(float(moved.mean()), 4)


def standard_error_band(model: LogisticLevelSet, X: Floats) -> ViableRanges:
    """Give the ends of the 95 % intervals of standard errors, in the shape of viable ranges."""
    level, model.level_ = model.level_, model.loss_ + 1.959964**2 / (2 * N_ROWS)
    found = model.ranges(X, method="ellipsoid")
    model.level_ = level
    return found


def simulated_ambiguity(cell: Cell) -> pd.DataFrame:
    """Ambiguity in simulated classes, on the rows of the fit and on others, for relative and absolute tolerances.

    Parameters
    ----------
    cell : Cell
        Parameters ``prevalence``, ``separation``, ``outliers``, ``seed`` and ``method`` ("ellipsoid" or "exact").
    """
    pi, separation, outliers = cell.number("prevalence"), cell.number("separation"), cell.text("outliers")
    method: Method = "exact" if cell.text("method") == "exact" else "ellipsoid"
    generator = cell.generator()
    X, y = simulated(pi, separation, outliers, generator)
    fresh, fresh_y = simulated(pi, separation, outliers, generator)
    rows = Rows("prevalence", "separation", "outliers", "tolerance", "class", prevalence=pi, separation=separation,
                outliers=outliers, replicate=cell.whole("seed"))  # fmt: skip
    for tolerance in ("relative", "absolute"):
        model = LogisticLevelSet(epsilon=EPSILON, relative=tolerance == "relative").fit(X, y)
        own, others = (model.ranges(people, method=method).moves() >= DELTA for people in (X, fresh))
        for name, mine, theirs in (
            ("all", y | True, fresh_y | True),
            ("positive", y, fresh_y),
            ("negative", ~y, ~fresh_y),
        ):
            measures = {"ambiguity": _share(own[mine]), "ambiguity_held_out": _share(others[theirs])}
            if tolerance == "relative":
                measures["ambiguity_of_errors"] = _share(standard_error_band(model, X).moves()[mine] >= DELTA)
            rows.add(measures, tolerance=tolerance, **{"class": name})
    return rows.frame()


def people_of(dataset: str) -> tuple[Floats, Flags, npt.NDArray[Any] | None]:
    """Features as numbers, outcomes, and the sex where it is a column."""
    data = load(dataset)
    features = data.features[list(COUNTS)] if dataset == "compas" else data.features
    X, _ = numeric_matrix(features, "dummies", source=dataset)
    sex = np.asarray(data.features["sex"]).astype(str) if "sex" in data.features else None
    return X, np.asarray(data.is_positive, dtype=bool), sex


def on_data(cell: Cell) -> pd.DataFrame:
    """Ambiguity of the people of a data set, in subsamples of 1,000 or of four fifths of fewer than 1,250 rows.

    Parameters
    ----------
    cell : Cell
        Parameters ``dataset``, ``subsample`` and ``method``; in the control the tolerance is a thousandth.
    """
    X, y, sex = people_of(cell.text("dataset"))
    chosen = np.sort(cell.generator().permutation(len(y))[: min(N_ROWS, round(0.8 * len(y)))])
    X, y = X[chosen], y[chosen]
    spread = X.std(axis=0)
    X = (X - X.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    model = LogisticLevelSet(epsilon=EPSILON / 1000 if cell.variant else EPSILON).fit(X, y)
    found = model.ranges(X, method="exact" if cell.text("method") == "exact" else "ellipsoid").moves()
    parts = {"all": y | True, "positive": y, "negative": ~y}
    if sex is not None:
        parts |= {name: sex[chosen] == name.capitalize() for name in ("female", "male")}
    rows = Rows("dataset", "epsilon", "delta", "class", dataset=cell.text("dataset"), epsilon=EPSILON,
                replicate=cell.whole("subsample"))  # fmt: skip
    for delta in (0.05, DELTA):
        for name, part in parts.items():
            rows.add({"ambiguity": _share(found[part] >= delta)}, delta=delta, **{"class": name})
    return rows.frame()


def refits(cell: Cell) -> pd.DataFrame:
    """Share of viable ranges that a hundred refits do not reach, of those refits that lie in the level set.

    Parameters
    ----------
    cell : Cell
        Parameters ``prevalence`` and ``seed``; in the control the models at the ends stand in for the refits.
    """
    generator = cell.generator()
    X, y = simulated(cell.number("prevalence"), 1.0, "none", generator)
    model = LogisticLevelSet(epsilon=EPSILON).fit(X, y)
    people = X[generator.permutation(len(X))[:PEOPLE]]
    found, with_one = model.ranges(people), np.column_stack([people, np.ones(PEOPLE)])
    rows = Rows("prevalence", "refit", prevalence=cell.number("prevalence"), replicate=cell.whole("seed"))
    for refit, size in (("bootstrap", len(X)), ("half", len(X) // 2)):
        models = []
        for _ in range(100):
            drawn = (
                generator.integers(len(X), size=size) if refit == "bootstrap" else generator.permutation(len(X))[:size]
            )
            again = LogisticLevelSet().fit(X[drawn], y[drawn])
            models.append(np.append(again.coef_[0], again.intercept_))
        if cell.variant:
            models = [*found.low_coef, *found.high_coef]
        theta = np.array(models)
        inside = model.losses(theta) <= model.level_ * (1 + 1e-9)
        risks = np.vstack([found.baseline, expit(theta[inside] @ with_one.T)])
        reached = (risks.max(axis=0) - risks.min(axis=0)) / (found.high - found.low)
        rows.add({"share_not_reached": float(1 - reached.mean()), "share_inside": _share(inside)}, refit=refit)
    return rows.frame()


DESIGNS: Final = (
    *((0.5, separation, "none") for separation in (0.3, 1.0, 2.0, 3.0)),
    *((prevalence, 1.0, "none") for prevalence in (0.2, 0.05, 0.02)),
    (0.5, 1.0, "leverage"),
    (0.5, 1.0, "labels"),
)
"""Prevalence, separation and outliers."""


def _designs(seeds: range, method: str) -> Any:
    return together(
        *(
            combinations(
                prevalence=[prevalence], separation=[separation], outliers=[outliers], seed=seeds, method=[method]
            )
            for prevalence, separation, outliers in DESIGNS
        )
    )


SETS: Final = ("german_credit", "breast_cancer", "adult", "compas", "mammography")
EMBEDDED: Final = SETS[:3]
EXPERIMENTS: Final = (
    Experiment(
        name="multiplicity.ranges",
        summary="whether the ends of viable ranges are those of the level set, by models found in other ways",
        settings=("epsilon", "prevalence"),
        compute=ranges,
        cells={
            "quick": combinations(epsilon=[0.1, 0.01, 0.001], prevalence=[0.5, 0.05]),
            "control": combinations("ranges_of_half_the_level", epsilon=[0.1, 0.01, 0.001], prevalence=[0.5]),
        },
        variants={"ranges_of_half_the_level": "the ranges are those of a level set of half the tolerance"},
        seconds=lambda parameters: 1.0,
        seed=2206,
    ),
    Experiment(
        name="multiplicity.simulated",
        summary="share of people whose risk is ambiguous, by prevalence, separation and outliers",
        settings=("prevalence", "separation", "outliers", "tolerance", "class"),
        compute=simulated_ambiguity,
        cells={"quick": _designs(range(10), "ellipsoid"), "standard": _designs(range(20), "exact")},
        variants={
            "outliers_left_out": "rows with outliers get the numbers of those without",
            "separations_reversed": "the closest classes get the numbers of the most distant and the reverse",
            "classes_exchanged": "positives get the numbers of negatives and the reverse",
            "prevalences_reversed": "the rarest class gets the numbers of the balanced one and the reverse",
        },
        exchanged={
            "outliers_left_out": replaced("outliers", {"leverage": "none", "labels": "none"}),
            "separations_reversed": replaced("separation", {0.3: 2.0, 2.0: 0.3}),
            "classes_exchanged": replaced("class", {"positive": "negative", "negative": "positive"}),
            "prevalences_reversed": replaced("prevalence", {0.5: 0.05, 0.05: 0.5}),
        },
        seconds=lambda parameters: 4.0 if parameters["method"] == "exact" else 0.05,
        seed=2206,
    ),
    Experiment(
        name="multiplicity.data",
        summary="share of people whose risk is ambiguous, in subsamples of five data sets",
        settings=("dataset", "epsilon", "delta", "class"),
        compute=on_data,
        cells={
            "quick": combinations(dataset=EMBEDDED, subsample=range(5), method=["ellipsoid"]),
            "standard": together(
                combinations(dataset=[*EMBEDDED[:2], *SETS[3:]], subsample=range(20), method=["exact"]),
                combinations(dataset=["adult"], subsample=range(20), method=["ellipsoid"]),
            ),
            "control": combinations(
                "level_a_thousand_times_smaller", dataset=EMBEDDED, subsample=range(3), method=["ellipsoid"]
            ),
        },
        variants={"level_a_thousand_times_smaller": "the tolerance is a thousandth of what it is said to be"},
        seconds=lambda parameters: 20.0 if parameters["method"] == "exact" else 0.3,
        tolerance=1e-3,
        seed=2206,
    ),
    Experiment(
        name="multiplicity.refits",
        summary="share of viable ranges that refitted models of the level set do not reach",
        settings=("prevalence", "refit"),
        compute=refits,
        cells={
            "quick": together(
                combinations(prevalence=[0.5], seed=range(10)), combinations(prevalence=[0.2, 0.05], seed=range(4))
            ),
            "control": combinations("the_extreme_models_themselves", prevalence=[0.5], seed=range(4)),
        },
        variants={"the_extreme_models_themselves": "the models at the ends of the ranges stand in for the refits"},
        seconds=lambda parameters: 0.6,
        tolerance=1e-3,
        seed=2206,
    ),
    OWN,
)
