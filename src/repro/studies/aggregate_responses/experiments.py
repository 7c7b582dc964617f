"""Experiments of the study `aggregate_responses`: an identity, risks, closed forms, privacy, rare labels in bags."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.linalg import eigh
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from repro.closed_form import (
    BagClassifier,
    bag_loss,
    bag_means,
    bag_risk,
    instance_loss,
    interpolation_variance,
)
from repro.data import load
from repro.metrics import auroc
from repro.protocol.cells import combinations, together
from repro.protocol.exchange import replaced
from repro.protocol.experiment import Cell, Experiment
from repro.protocol.rows import Rows
from repro.trials.folds import held_out
from repro.trials.table_tasks import as_task

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

STRENGTHS: Final = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0)
"""Interpolations that are tried; the ridge penalties that are tried weigh as much: the strength times (n - m) / n."""
PENALTIES: Final = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Ridge penalties that are tried under privacy noise, for each row: without bags a strength of interpolation weighs
nothing, and the noise asks for penalties of a hundred times those above."""
N_FOLDS: Final = 5


class Bags:
    """Sums of squares between and within bags of one size, and the solutions along both penalties without a new one.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    means : ndarray of shape (m,) or (m, draws)
        Mean response of each bag.
    bags : ndarray of shape (n,)
        Numbers from 0 to m - 1.
    penalties : ndarray of shape (penalties,), optional
        Ridge penalties for each row; by default those that weigh as much as :data:`STRENGTHS`.
    """

    def __init__(self, X: Floats, means: Floats, bags: Places, penalties: Floats | None = None) -> None:
        self.size = len(X) // len(means)
        self.X, self.means = bag_means(X, bags), means
        self.between = self.size * self.X.T @ self.X
        self.within = X.T @ X - self.between
        self.target = self.size * self.X.T @ means
        inner = 1 - len(means) / len(X)
        self.penalties = inner * np.array(STRENGTHS) if penalties is None else penalties

    def few(self) -> bool:
        """Whether there are too few bags for the bag loss to have a finite risk."""
        return bool(len(self.means) < self.X.shape[1] + 2)

    def path(self, kind: str) -> Floats:
        """Coefficients for all strengths or penalties, shape (number of them, d); ``kind`` is interpolated or ridge.

        Where there are too few bags those of strength 0 are the solution of smallest norm.
        """
        if kind == "ridge":
            values, vectors = eigh(self.between)
            weights = values + self.penalties[:, None] * self.size * len(self.X)
        else:
            values, vectors = eigh(self.between, self.between + self.within)
            weights = values + np.array(STRENGTHS)[:, None] * (1 - values)
        found = (vectors.T @ self.target) / np.where(weights > 1e-9 * values.max(), weights, np.inf) @ vectors.T
        if self.few():
            found[0] = np.linalg.lstsq(self.X, self.means, rcond=None)[0]
        return np.asarray(found)

    def part(self, bags: Places) -> Bags:
        """Give the same of some bags; what is within is only known in sum, so it is scaled."""
        rest = object.__new__(Bags)
        rest.size, rest.X, rest.means = self.size, self.X[bags], self.means[bags]
        rest.between, rest.target = self.size * rest.X.T @ rest.X, self.size * rest.X.T @ rest.means
        rest.within, rest.penalties = self.within * (len(bags) / len(self.X)), self.penalties
        return rest

    def chosen(self, kind: str, order: Places) -> int:
        """Place of the strength or penalty with the least loss on bags that are held out; `order` permutes the bags."""
        losses = np.zeros(len(self.path(kind)))
        for fold in np.array_split(order, N_FOLDS):
            found = self.part(np.setdiff1d(order, fold)).path(kind)
            losses += ((self.means[fold, None] - self.X[fold] @ found.T) ** 2).sum(axis=0)
        return int(losses.argmin())


def _errors(found: Floats, truth: Floats, scale: Floats) -> Floats:
    """Give the expected squared error of the prediction of a new row, for each row of coefficients."""
    return np.asarray(((found - truth) ** 2) @ scale**2)


def identities(cell: Cell) -> pd.DataFrame:
    """Compare instance loss with bag loss plus the variance within bags, for the predictions of a fitted model.

    Parameters
    ----------
    cell : Cell
        Parameters ``model`` and ``sample``; in the control the variance is that over all rows.
    """
    generator, name = cell.generator(), cell.text("model")
    X = generator.normal(size=(600, 5))
    y = np.sin(X[:, 0]) + X @ np.array([1.0, 0.5, 0, 0, -0.5]) + generator.normal(size=600)
    bags = generator.permutation(600) % 100
    model = {"linear": LinearRegression(), "tree": DecisionTreeRegressor(max_depth=6, random_state=0),
             "neighbours": KNeighborsRegressor(10)}[name].fit(X, bag_means(y, bags)[bags])  # fmt: skip
    predicted = model.predict(X)
    spread = predicted.var() if cell.variant else np.mean((predicted - bag_means(predicted, bags)[bags]) ** 2)
    gap = instance_loss(y, predicted, bags) - bag_loss(y, predicted, bags)
    rows = Rows("loss", "model", model=name, replicate=cell.whole("sample"))
    rows.add({"deviation": float(abs(gap - spread)), "instance_minus_bag": float(gap)}, loss="squared")
    positive, chance = (y > 1).astype(float), 1 / (1 + np.exp(-predicted))
    gap = instance_loss(positive, chance, bags, loss="logistic") - bag_loss(positive, chance, bags, loss="logistic")
    rows.add({"instance_minus_bag": float(gap)}, loss="logistic")
    return rows.frame()


DESIGN: Final = ("rows", "dimension", "covariance", "bag_size", "noise", "method")


def risk(cell: Cell) -> pd.DataFrame:
    """Error of the coefficients by each method on drawn designs, with a true vector of length 1.

    The methods: bag loss (the solution of smallest norm, under a name of its own, where bags are too few), instance
    loss, and interpolation and ridge on the bag loss with the strength chosen on held-out bags or by the truth.

    Parameters
    ----------
    cell : Cell
        Parameters ``rows``, ``dimension``, ``covariance``, ``bag_size``, ``noise``, ``draws`` and ``block``. Of the
        controls one turns the chosen interpolated coefficients round, the other sets the ridge penalty to 0.
    """
    n, d, k = (cell.whole(name) for name in ("rows", "dimension", "bag_size"))
    noise, generator = cell.number("noise"), cell.generator()
    scale = np.ones(d) if cell.text("covariance") == "equal" else np.geomspace(1.0, 0.1, d)
    rows = Rows(*DESIGN, rows=n, dimension=d, covariance=cell.text("covariance"), bag_size=k, noise=noise)
    for draw in range(cell.whole("draws")):
        X = generator.normal(size=(n, d)) * scale
        truth = generator.normal(size=d)
        truth /= np.linalg.norm(truth * scale)
        bags = np.repeat(np.arange(n // k), k)
        means = bag_means(X @ truth + np.sqrt(noise) * generator.normal(size=n), bags)
        known, order = Bags(X, means, bags), generator.permutation(n // k)
        errors: dict[str, float] = {}
        for kind in ("interpolated", "ridge"):
            path, place = known.path(kind), known.chosen(kind, order)
            if kind == "interpolated" and cell.variant == "interpolated_estimate_turned_round":
                path[place] *= -1
            along = _errors(path, truth, scale)
            errors[kind] = along[0 if kind == "ridge" and cell.variant == "ridge_left_out" else place]
            errors[f"{kind}_oracle"] = along.min()
            if kind == "interpolated":
                errors["minimum_norm" if known.few() else "bag"], errors["instance"] = along[0], along[-1]
        replicate = cell.whole("block") * cell.whole("draws") + draw
        for method, error in errors.items():
            rows.add({"risk": round(float(error), 6)}, method=method, replicate=replicate)
    return rows.frame()


def path(cell: Cell) -> pd.DataFrame:
    """Error of the coefficients along the strength of interpolation and of ridge on the bag loss; 50 features.

    Parameters
    ----------
    cell : Cell
        Parameters ``noise`` and ``draw``; bags of five of 1,000 rows.
    """
    noise, generator, n, d, k = cell.number("noise"), cell.generator(), 1000, 50, 5
    X, truth, bags = generator.normal(size=(n, d)), generator.normal(size=d), np.repeat(np.arange(n // k), k)
    truth /= np.linalg.norm(truth)
    known = Bags(X, bag_means(X @ truth + np.sqrt(noise) * generator.normal(size=n), bags), bags)
    rows = Rows("noise", "method", "strength", noise=noise, replicate=cell.whole("draw"))
    for kind in ("interpolated", "ridge"):
        for strength, error in zip(STRENGTHS, _errors(known.path(kind), truth, np.ones(d)), strict=True):
            rows.add({"risk": round(float(error), 6)}, method=kind, strength=strength)
    return rows.frame()


def asymptotics(cell: Cell) -> pd.DataFrame:
    """Risk from noise alone, by simulation over 200 draws of the noise on each design, against its closed form.

    Parameters
    ----------
    cell : Cell
        Parameters ``formula``, ``rows``, ``dimension``, ``bag_size``, ``interpolation`` and ``design``; in the control
        the formula is that of as many bags as rows.
    """
    n, d, k = (cell.whole(name) for name in ("rows", "dimension", "bag_size"))
    rho, formula, generator = cell.number("interpolation"), cell.text("formula"), cell.generator()
    X, bags = generator.normal(size=(n, d)), np.repeat(np.arange(n // k), k)
    known = Bags(X, bag_means(generator.normal(size=(n, 200)), bags), bags)
    found = np.linalg.solve(known.between + rho * known.within, known.target)
    simulated = float((found**2).sum(axis=0).mean())
    m = n if cell.variant else n // k
    expected = bag_risk(1.0, d, m) if formula == "bag loss" else interpolation_variance(1.0, d, m, n, rho)
    setting = f"d = {d}, k = {k}" + ("" if formula == "bag loss" else f", rho = {rho:g}")
    rows = Rows("formula", "setting", formula=formula, setting=setting, replicate=cell.whole("design"))
    rows.add({"simulated": simulated, "expected": expected, "ratio_minus_one": simulated / expected - 1})
    return rows.frame()


SIZES: Final = (1, 2, 4, 5, 8, 10, 20)
CLIP: Final = 3.0


def privacy(cell: Cell) -> pd.DataFrame:
    """Error of the coefficients from bag means with Laplace noise that hides single responses, by bag size.

    Responses are clipped to 3; the scale of the noise on the mean of a bag of k is 6 / (k epsilon), which is
    epsilon-differentially private when one response changes and bags are disjoint. The mechanism is ours. Bag size 0
    stands for what is chosen: the best size of the instance loss by the truth, or ridge without bags, whose penalty is
    chosen on held-out private responses.

    Parameters
    ----------
    cell : Cell
        Parameters ``epsilon`` and ``draw``. Of the controls one adds no private noise and little of the labels', the
        other sets the ridge penalty to 0.
    """
    n, d, epsilon, generator = 2000, 50, cell.number("epsilon"), cell.generator()
    plain = cell.variant == "no_privacy_noise_and_little_label_noise"
    X, truth = generator.normal(size=(n, d)), generator.normal(size=d)
    truth /= np.linalg.norm(truth)
    y = np.clip(X @ truth + (0.1 if plain else 1.0) * generator.normal(size=n), -CLIP, CLIP)
    rows = Rows("epsilon", "bag_size", "method", epsilon=epsilon, replicate=cell.whole("draw"))
    instance = {}
    for k in SIZES:
        bags = np.repeat(np.arange(n // k), k)
        hidden = generator.laplace(scale=2 * CLIP / (k * epsilon), size=n // k)
        known = Bags(X, bag_means(y, bags) + (0.0 if plain else hidden), bags, np.array(PENALTIES))
        along = _errors(known.path("interpolated"), truth, np.ones(d))
        place = known.chosen("ridge", generator.permutation(n // k))
        shrunk = _errors(known.path("ridge"), truth, np.ones(d))
        ridge = shrunk[0 if cell.variant == "ridge_left_out" else place]
        instance[k] = float(along[-1])
        for method, error in {"bag": along[0], "instance": along[-1], "ridge": ridge}.items():
            rows.add({"risk": round(float(error), 6)}, bag_size=k, method=method)
        if k == 1:
            rows.add({"risk": round(float(ridge), 6)}, bag_size=0, method="ridge_no_bags")
            rows.add({"risk": round(float(shrunk.min()), 6)}, bag_size=0, method="ridge_no_bags_oracle")
    rows.add({"risk": round(min(instance.values()), 6)}, bag_size=0, method="instance_best_size")
    return rows.frame()


def _rare_rows(name: str, generator: np.random.Generator) -> tuple[Floats, Places, Floats]:
    """Features, labels, and the feature by which bags are sorted."""
    if name == "adult":
        task = as_task(load("adult"), nominal="one_hot")
        chosen = generator.choice(len(task.y), 5000, replace=False)
        return task.X[chosen], task.y[chosen].astype(np.intp), task.X[chosen, 0]
    X = generator.normal(size=(4000, 10))
    score = X @ np.linspace(1.5, 0, 10) - 4.6
    return X, (generator.random(4000) < 1 / (1 + np.exp(-score))).astype(np.intp), X[:, 0]


RIDGES: Final = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Penalties of the logistic bag loss that are tried."""


def _chosen_ridge(X: Floats, y: Places, bags: Places, generator: np.random.Generator) -> float:
    """Give the penalty with the least logistic bag loss on a fifth of the bags, which is held out."""
    held = np.isin(bags, generator.permutation(bags[-1] + 1)[: (bags[-1] + 1) // 5])

    def loss(ridge: float) -> float:
        model = BagClassifier(ridge=ridge).fit(X[~held], y[~held], bags[~held])
        return bag_loss(y[held], model.predict_proba(X[held])[:, 1], bags[held], loss="logistic")

    return min(RIDGES, key=loss)


def rare(cell: Cell) -> pd.DataFrame:
    """AUROC on single test rows of logistic models that saw the share of the rare class in bags only.

    Parameters
    ----------
    cell : Cell
        Parameters ``dataset`` (``simulated`` has about 5 % positives), ``bags`` (``random`` or ``sorted`` by the first
        feature), ``bag_size`` and ``seed``.
    """
    generator, k = cell.generator(), cell.whole("bag_size")
    X, y, key = _rare_rows(cell.text("dataset"), generator)
    train, test = held_out(y, generator, 0.5)
    train = train[: len(train) // k * k]
    order = generator.permutation(len(train))
    if cell.text("bags") == "sorted":
        order = order[np.argsort(key[train][order], kind="stable")]
    train, bags = train[order], np.repeat(np.arange(len(train) // k), k)
    scaler = StandardScaler().fit(X[train])
    shown, labels, judged = scaler.transform(X[train]), y[train], scaler.transform(X[test])
    rows = Rows("dataset", "bags", "bag_size", "method", dataset=cell.text("dataset"), bags=cell.text("bags"),
                bag_size=k, replicate=cell.whole("seed"))  # fmt: skip
    chosen = _chosen_ridge(shown, labels, bags, generator)
    models: dict[str, tuple[dict[str, Any], Places | None]] = {
        "bag": ({"interpolation": 0.0}, bags),
        "interpolated": ({"interpolation": 0.2}, bags),
        "instance": ({"interpolation": 1.0}, bags),
        "ridge": ({"ridge": chosen}, bags),
        "rows": ({}, None),
    }
    for method, (options, known) in models.items():
        score = BagClassifier(**options).fit(shown, labels, known).decision_function(judged)
        rows.add({"auroc": round(auroc(y[test], score), 5)}, method=method)
    return rows.frame()


EXPERIMENTS: Final = (
    Experiment(
        name="aggregate_responses.identities",
        summary="instance loss against bag loss plus the variance of predictions within bags",
        settings=("loss", "model"),
        compute=identities,
        cells={
            "quick": combinations(model=["linear", "tree", "neighbours"], sample=range(10)),
            "control": combinations("variance_over_all_rows", model=["linear", "tree", "neighbours"], sample=range(2)),
        },
        variants={"variance_over_all_rows": "the variance that is added is that of all predictions"},
        seconds=lambda parameters: 0.02,
        seed=2401,
    ),
    Experiment(
        name="aggregate_responses.risk",
        summary="error of the coefficients by bag loss, instance loss, interpolation and ridge",
        settings=DESIGN,
        compute=risk,
        cells={
            "quick": combinations(
                rows=[1000],
                dimension=[50],
                covariance=["equal"],
                bag_size=[5, 10],
                noise=[0.1, 1.0, 4.0],
                draws=[20],
                block=range(3),
            ),
            "standard": together(
                *(
                    combinations(
                        rows=[rows],
                        dimension=[dimension],
                        covariance=["equal", "falling"] if rows == 1000 else ["equal"],
                        bag_size=[2, 5, 10, 20] if rows == 1000 else [5, 20],
                        noise=[0.1, 1.0, 4.0] if rows == 1000 else [1.0],
                        draws=[draws],
                        block=range(blocks),
                    )
                    for rows, dimension, draws, blocks in ((1000, 50, 50, 2), (1000, 200, 25, 1), (20_000, 200, 10, 1))
                )
            ),
            "control": combinations(
                "interpolated_estimate_turned_round",
                "ridge_left_out",
                rows=[1000],
                dimension=[50],
                covariance=["equal"],
                bag_size=[5, 10],
                noise=[1.0, 4.0],
                draws=[20],
                block=[0],
            ),
        },
        variants={
            "losses_exchanged": "the errors of bag loss and instance loss change places",
            "interpolated_estimate_turned_round": "the interpolated coefficients change sign",
            "ridge_left_out": "the penalty of the chosen ridge regression is 0, so that it is the bag loss",
        },
        exchanged={"losses_exchanged": replaced("method", {"bag": "instance", "instance": "bag"})},
        seconds=lambda parameters: 0.02 * float(parameters["draws"] or 1) * float(parameters["dimension"] or 1) / 50,
        seed=2401,
    ),
    Experiment(
        name="aggregate_responses.path",
        summary="error of the coefficients along the strength of interpolation and of ridge",
        settings=("noise", "method", "strength"),
        compute=path,
        cells={"quick": combinations(noise=[0.1, 1.0, 4.0], draw=range(20))},
        seconds=lambda parameters: 0.01,
        seed=2402,
    ),
    Experiment(
        name="aggregate_responses.asymptotics",
        summary="risk from noise alone against closed forms",
        settings=("formula", "setting"),
        compute=asymptotics,
        cells={
            profile: together(
                combinations(
                    formula=["bag loss"],
                    rows=[rows],
                    dimension=[50],
                    bag_size=[5, 10],
                    interpolation=[0.0],
                    design=range(designs),
                ),
                combinations(
                    formula=["interpolation"],
                    rows=[rows],
                    dimension=[50, 150],
                    bag_size=[5],
                    interpolation=[0.05, 0.3],
                    design=range(designs),
                ),
            )
            for profile, rows, designs in (("quick", 1000, 12), ("standard", 1000, 30))
        }
        | {
            "control": together(
                combinations(
                    "formula_of_unbagged_rows",
                    formula=["bag loss"],
                    rows=[1000],
                    dimension=[50],
                    bag_size=[5, 10],
                    interpolation=[0.0],
                    design=range(3),
                ),
                combinations(
                    "formula_of_unbagged_rows",
                    formula=["interpolation"],
                    rows=[1000],
                    dimension=[50, 150],
                    bag_size=[5],
                    interpolation=[0.05, 0.3],
                    design=range(3),
                ),
            )
        },
        variants={"formula_of_unbagged_rows": "the closed form is that of as many bags as rows"},
        seconds=lambda parameters: 0.05,
        seed=2401,
    ),
    Experiment(
        name="aggregate_responses.privacy",
        summary="error of the coefficients from bag means under privacy noise, by bag size",
        settings=("epsilon", "bag_size", "method"),
        compute=privacy,
        cells={
            "quick": combinations(epsilon=[0.5], draw=range(30)),
            "standard": combinations(epsilon=[0.25, 0.5, 1.0, 2.0], draw=range(60)),
            "control": combinations(
                "no_privacy_noise_and_little_label_noise", "ridge_left_out", epsilon=[0.5], draw=range(6)
            ),
        },
        variants={
            "no_privacy_noise_and_little_label_noise": "nothing is hidden, and labels are nearly exact",
            "ridge_left_out": "the penalty of ridge is 0",
        },
        seconds=lambda parameters: 0.1,
        seed=2401,
    ),
    Experiment(
        name="aggregate_responses.rare",
        summary="ranking of single rows by models that saw the share of the rare class in bags",
        settings=("dataset", "bags", "bag_size", "method"),
        compute=rare,
        cells={
            "quick": combinations(dataset=["simulated"], bags=["random", "sorted"], bag_size=[5, 20], seed=range(3)),
            "standard": combinations(
                dataset=["simulated", "adult"], bags=["random", "sorted"], bag_size=[2, 5, 10, 20, 50], seed=range(20)
            ),
        },
        seconds=lambda parameters: 5.0 if parameters["dataset"] == "adult" else 0.3,
        datasets=lambda parameters: ("adult",) if parameters["dataset"] == "adult" else (),
        tolerance=1e-3,
        seed=2401,
    ),
)
