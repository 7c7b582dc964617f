"""Experiments of the study `subpopulation_curve`: an ellipse of linear classifiers, and clouds of trained models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier

from repro.closed_form import linear_error_rates
from repro.protocol.cells import combinations, together
from repro.protocol.exchange import Exchange, replaced
from repro.protocol.experiment import Cell, Experiment, Scalar
from repro.protocol.rows import Rows
from repro.studies.subpopulation_curve.tasks import GroupTask, group_task

if TYPE_CHECKING:
    from repro.training.stacks import Stack

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NETWORKS: Final = 40
READINGS: Final = 4
"""Times at which each network counts as a model."""
STEPS: Final = 240
WIDTHS: Final = {"mlp": (16,), "linear": ()}
LEAST: Final = 0.6
"""Models whose mean of both accuracies is below this are left out; fixed in advance."""
MODELS: Final = ("data", "agreement", "amplitude", "family", "chosen_by")


def ellipse(cell: Cell) -> pd.DataFrame:
    """Distance of drawn linear classifiers from the ellipse, in exact accuracies of two Gaussian groups.

    Parameters
    ----------
    cell : Cell
        Parameters ``core`` and ``cue``, half distances of the means, and ``models``; in the control accuracies stand in
        for their probits.
    """
    core, cue, n_nuisance = cell.number("core"), cell.number("cue"), 3
    rows = Rows("core", "cue", core=core, cue=cue)
    for model, weights in enumerate(cell.generator().standard_normal((cell.whole("models"), 2 + n_nuisance))):
        right = []
        for agrees in (1.0, -1.0):
            mean = np.array([core, agrees * cue, *np.zeros(n_nuisance)])
            right.append(1 - linear_error_rates(weights, 0.0, [-mean, mean], np.ones(len(mean))).mean())
        u, v = right if cell.variant else ndtri(right)
        nuisance = float((weights[2:] ** 2).sum() / (weights**2).sum())
        off = ((u + v) / (2 * core)) ** 2 + ((u - v) / (2 * cue)) ** 2 - (1 - nuisance)
        rows.add({"deviation": abs(float(off))}, replicate=model)
    return rows.frame()


def _networks(task: GroupTask, family: str, seed: np.random.SeedSequence) -> Iterator[Flags]:
    """Predictions on the test rows of networks with drawn learning rates and decays, read after drawn steps."""
    import torch

    from repro.training.stacks import MlpStack, train_stack

    generator = np.random.default_rng(seed)
    draws = torch.Generator().manual_seed(int(seed.generate_state(1)[0]))
    stack = MlpStack(NETWORKS, task.X.shape[1], WIDTHS[family], 2, generator=draws)
    read = generator.integers(2, STEPS + 1, (NETWORKS, READINGS))
    test, found = torch.from_numpy(task.X_test), list[Flags]()

    def after(networks: Stack, step: int) -> None:
        wanted, times = np.unique(np.nonzero(read == step)[0], return_counts=True)
        if len(wanted):
            logits = networks.by_model(test)[1][torch.from_numpy(wanted)]
            predicted = logits.argmax(dim=2).numpy().astype(bool)
            found.extend(np.repeat(predicted, times, axis=0))

    train_stack(
        stack, torch.from_numpy(task.X), torch.from_numpy(task.y.astype(np.int64)), steps=STEPS, optimizer="sgd",
        momentum=0.0, learning_rate=(10 ** generator.uniform(-2.0, 0.3, NETWORKS)).tolist(), batch_size=128,
        weight_decay=(10 ** generator.uniform(-5.0, -2.0, NETWORKS)).tolist(), generator=draws, after_step=after,
    )  # fmt: skip
    yield from found


def _library(task: GroupTask, family: str, seed: np.random.SeedSequence) -> Iterator[Flags]:
    """Predictions of forests of depth 1 to 12, or of neighbours in drawn columns."""
    generator = np.random.default_rng(seed)
    n_columns = task.X.shape[1]
    for model in range(NETWORKS * READINGS):
        state, columns = int(generator.integers(2**31)), np.arange(n_columns)
        if family == "forest":
            share = float(generator.uniform(0.05, 1.0))
            learner: Any = RandomForestClassifier(5, max_depth=1 + model % 12, max_features=share, random_state=state)
        else:
            columns = generator.permutation(n_columns)[: int(generator.integers(2, n_columns + 1))]
            learner = KNeighborsClassifier(int(np.rint(np.exp(generator.uniform(0, np.log(100))))))
        yield np.asarray(learner.fit(task.X[:, columns], task.y).predict(task.X_test[:, columns]), dtype=bool)


def cloud(cell: Cell) -> tuple[GroupTask, Flags]:
    """Task of a cell and whether each model is right on each test row, shape (n_models, n_rows)."""
    generator = np.random.default_rng(cell.child(0))
    task = group_task(cell.text("data"), cell.number("agreement"), cell.number("amplitude"), generator)
    family = cell.text("family")
    predicted = (_networks if family in WIDTHS else _library)(task, family, cell.child(1))
    return task, np.array([prediction == task.y_test for prediction in predicted])


def accuracies(right: Flags, minority: Flags) -> tuple[Floats, Floats]:
    """Accuracies of models on the majority and the minority."""
    return right[:, ~minority].mean(axis=1), right[:, minority].mean(axis=1)


def r_squared(u: Floats, v: Floats, degree: int, seed: np.random.SeedSequence) -> float:
    """Share of the variance of `v` that a polynomial in `u` predicts for models it was not fitted to."""
    folds, missed = KFold(10, shuffle=True, random_state=int(seed.generate_state(1)[0])), np.zeros(len(u))
    for train, test in folds.split(u):
        missed[test] = v[test] - np.polynomial.Polynomial.fit(u[train], v[train], degree)(u[test])
    return 1 - float((missed**2).sum() / ((v - v.mean()) ** 2).sum())


def models(cell: Cell) -> pd.DataFrame:
    """How well a line and a parabola predict the accuracy on the minority from that on the majority, over models.

    Parameters
    ----------
    cell : Cell
        Parameters ``data``, ``agreement``, ``amplitude``, ``family`` and ``seed``; in the control the accuracy on the
        minority is a line in that on the majority, with noise as large as what the line leaves.
    """
    task, right = cloud(cell)
    rows = Rows(*MODELS, data=cell.text("data"), agreement=cell.number("agreement"), amplitude=cell.number("amplitude"),
                family=cell.text("family"), replicate=cell.whole("seed"))  # fmt: skip
    major, minor = accuracies(right, task.minority_test)
    kept = (major + minor) / 2 >= LEAST
    found = {"kept": float(kept.sum())}
    end = 0.5 / len(task.y_test)
    for unit in ("accuracy", "probit"):
        u, v = (ndtri(np.clip(a[kept], end, 1 - end)) if unit == "probit" else a[kept] for a in (major, minor))
        if cell.variant:
            line = np.polynomial.Polynomial.fit(u, v, 1)(u)
            v = line + np.random.default_rng(cell.child(2)).normal(0, (v - line).std(), len(v))
        line_r2, parabola_r2 = (r_squared(u, v, degree, cell.child(3)) for degree in (1, 2))
        bend = np.polynomial.Polynomial.fit(u, v, 2).convert().coef
        found |= {
            f"r2_line_{unit}": line_r2,
            f"r2_parabola_{unit}": parabola_r2,
            f"curvature_gain_{unit}": parabola_r2 - line_r2,
            f"curvature_{unit}": float(bend[2]) if len(bend) > 2 else 0.0,
        }
    rows.add({name: round(value, 4) for name, value in found.items()})
    first = np.random.default_rng(cell.child(4)).permutation(len(task.y_test)) < len(task.y_test) // 2
    chosen_on = accuracies(right[:, first], task.minority_test[first])
    judged_on = accuracies(right[:, ~first], task.minority_test[~first])[1]
    share = task.minority.mean()
    for name, score in (
        ("overall", (1 - share) * chosen_on[0] + share * chosen_on[1]),
        ("worst_group", np.minimum(*chosen_on)),
    ):
        rows.add({"minority_accuracy": round(float(judged_on[np.argmax(score)]), 4)}, chosen_by=name)
    return rows.frame()


def _cells(seeds: range, agreements: list[float], amplitudes: list[float], family: str = "mlp", *variants: str) -> Any:
    return combinations(
        *variants, data=["cue_digits"], agreement=agreements, amplitude=amplitudes, family=[family], seed=seeds
    )


def _other(data: str, seeds: range, agreements: tuple[float, ...] = (0.9,), amplitude: float = 0.5) -> Any:
    return combinations(data=[data], agreement=agreements, amplitude=[amplitude], family=["mlp"], seed=seeds)


def on_many_seeds(column: str, levels: Mapping[Scalar, Scalar]) -> Exchange:
    """Declare that levels change places in the larger table: three seeds of the smaller one decide nothing."""
    return replace(replaced(column, levels), profile="standard")


EXPERIMENTS: Final = (
    Experiment(
        name="subpopulation_curve.ellipse",
        summary="distance of linear classifiers from an ellipse in probits of their accuracies",
        settings=("core", "cue"),
        compute=ellipse,
        cells={
            "quick": combinations(core=[0.5, 1.0], cue=[0.7, 1.5], models=[100]),
            "control": combinations("accuracies_without_probit", core=[1.0], cue=[0.7], models=[20]),
        },
        variants={"accuracies_without_probit": "the accuracies themselves stand in for their probits"},
        seconds=lambda parameters: 0.1,
        seed=2305,
    ),
    Experiment(
        name="subpopulation_curve.models",
        summary="a line and a parabola through the accuracies of many models on majority and minority",
        settings=MODELS,
        compute=models,
        cells={
            "quick": together(_cells(range(3), [0.5, 0.9], [0.5, 1.0]), _other("rare_digits", range(3))),
            "standard": together(
                _cells(range(10), [0.5, 0.9], [0.5, 1.0]),
                _other("rare_digits", range(10)),
                *(_cells(range(4), [0.9], [0.5], family) for family in ("linear", "forest", "neighbours")),
                _other("mnist_patch", range(1), (0.5, 0.9), 1.0),
            ),
            "control": _cells(range(12), [0.9], [0.5, 1.0], "mlp", "minority_is_a_noisy_line"),
        },
        variants={
            "minority_is_a_noisy_line": "accuracy on the minority is a line in that on the majority, with noise",
            "agreements_exchanged": "a cue of no use gets the numbers of a strong one and the reverse",
            "data_exchanged": "digits without a cue get the numbers of those with one and the reverse",
            "choices_exchanged": "both ways to choose a model get each other's numbers",
        },
        exchanged={
            "agreements_exchanged": on_many_seeds("agreement", {0.9: 0.5, 0.5: 0.9}),
            "data_exchanged": on_many_seeds("data", {"cue_digits": "rare_digits", "rare_digits": "cue_digits"}),
            "choices_exchanged": on_many_seeds("chosen_by", {"worst_group": "overall", "overall": "worst_group"}),
        },
        seconds=lambda parameters: {"forest": 8.0, "neighbours": 6.0}.get(str(parameters["family"]), 1.0),
        datasets=lambda parameters: ("mnist-subset",) if parameters["data"] == "mnist_patch" else ("digits",),
        tolerance=0.05,
        seed=2305,
    ),
)
