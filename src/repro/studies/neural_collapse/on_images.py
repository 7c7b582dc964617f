"""What networks on images do, against the exact optima of unconstrained-feature models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.geometry import MseOptimum, ufm_mse
from repro.ground.checks import whole_number
from repro.ground.exceptions import UnknownName
from repro.protocol.experiment import Cell, Parameters
from repro.protocol.rows import Rows
from repro.studies.neural_collapse.models import CUT_SHORT, PAIRS, WRONG_SIZES, Floats, undercut
from repro.studies.neural_collapse.networks import IMBALANCED, N_CLASSES, PENALTIES, collapse, recipe_of
from repro.studies.neural_collapse.networks import on_images as method_for
from repro.studies.neural_collapse.on_digits import BALANCED_FRAME
from repro.trials import Course, Outputs, first_rows, fit

SIDE: Final = 32
"""Height and width of the images that convolutional networks see."""

MEASURING_BATCH: Final = 512
CHECKPOINT_EVERY: Final = 10
FRAMES_EXCHANGED: Final = "frames_exchanged"
EQUAL_SIZES_COLLAPSE: Final = "collapse_at_equal_sizes"

UNEQUAL_SIZES: Final[Mapping[str, tuple[int, ...]]] = {
    "cifar10": (100, 100, 200, 200, 300, 300, 400, 400, 500, 500),
    "mnist": (100, 100, 200, 200, 300, 300, 400, 400, 500, 500),
    "digits": IMBALANCED,
}
"""Rows of the ten classes: those of Dang et al. (2023), and a fifth of them for controls."""

EQUAL_SIZE: Final[Mapping[str, int]] = {"cifar10": 5000, "digits": 20}
"""Rows of each class: all that CIFAR-10 has, and few for controls."""

MAJORITY_SIZE: Final[Mapping[str, int]] = {"cifar10": 5000, "digits": 100}
N_MAJORITY: Final = 3
RATIOS: Final = (1, 10, 100, 1000)
"""Ratios R of Fang et al. (2021)."""

RANK_TOLERANCE: Final = 0.01
"""A direction of the class means' logits counts when its singular value is above this share of the largest."""

LEARNT: Final = 0.5
"""Logit above which a direction counts as learnt; with M layers it is 0 or above (M - 1) / M at a minimum."""


def named_dataset(parameters: Parameters) -> str:
    """Name the data set of the rows: in controls the one that the digits stand for."""
    return str(parameters.get("stands_for") or parameters["dataset"])


def a_part(cell: Cell, sizes: Sequence[int]) -> tuple[int, ...]:
    """Give the class sizes that a cell trains on: a part of `sizes` where the parameter ``part`` names one, else all.

    Parameters
    ----------
    cell : Cell
        ``part`` is a share above 0 and at most 1.
    sizes : sequence of int
        Published rows of every class.

    Raises
    ------
    ValueError
        If the part is no such share, or leaves a class without a row.
    """
    part = cell.number("part") if "part" in cell.parameters else 1.0
    taken = tuple(round(part * size) for size in sizes)
    if not (0 < part <= 1 and min(taken) > 0):
        raise ValueError(f"part must be above 0, at most 1 and leave a row in every class of {sizes}, got {part:g}")
    return taken


def downloads(parameters: Parameters) -> tuple[str, ...]:
    """List the registered data sets that a cell reads; the digits come with scikit-learn."""
    name = str(parameters["dataset"])
    return () if name == "digits" else (name,)


def _trained(
    cell: Cell,
    sizes: tuple[int, ...],
    note: Callable[[Outputs], dict[str, float]],
    *,
    penalty: str,
    epochs: int | None = None,
    **head: Any,
) -> tuple[Outputs, Course]:
    """Train the network of a cell; `head` has the arguments of the method that the experiment fixes."""
    if penalty not in PENALTIES:
        raise UnknownName("penalty", penalty, PENALTIES)
    every = whole_number("every", cell.whole("every"), at_least=0)
    epochs, lam, decays = (
        cell.whole("epochs") if epochs is None else epochs,
        cell.number("lam"),
        penalty == "weight_decay",
    )
    network = cell.text("network")
    trained = fit(
        first_rows(cell.text("dataset"), sizes, None if network == "mlp" else SIDE),
        method_for(network, cell.whole("width"), lam=0.0 if decays else lam, **head),
        recipe_of(cell.text("recipe"), epochs, lam if decays else 0.0),
        cell,
        note=lambda now: note(now.outputs(MEASURING_BATCH)),
        # in the middle between two checkpoints
        note_after=range(max(every // 2, 1), epochs + 1, every) if every else (),
        checkpoint_every=every or CHECKPOINT_EVERY,
    )
    return trained.outputs(MEASURING_BATCH), trained.course


def _course(rows: Rows, course: Course) -> None:
    for epoch, noted in course.items():
        rows.add({f"course_{name}": value for name, value in noted.items()}, epoch=epoch)


def of_sizes(values: Floats, sizes: Floats) -> dict[int, float]:
    """Mean of what belongs to classes, by class size in rising order.

    Parameters
    ----------
    values, sizes : ndarray of shape (K,)
        A value, and the number of rows, of every class.
    """
    return {int(size): float(values[sizes == size].mean()) for size in np.unique(sizes)}


def order_violations(found: Floats, exact: Floats, sizes: Floats) -> int:
    """Count pairs of neighbouring class sizes between which norms do not go as in the exact solution.

    Parameters
    ----------
    found, exact, sizes : ndarray of shape (K,)
        Norms of a network and of the solution, and number of rows, of every class. Classes of equal size count with
        their mean.
    """
    steps, wanted = (np.diff(list(of_sizes(norms, sizes).values())) for norms in (found, exact))
    return int((np.sign(steps) != np.sign(wanted)).sum())


GENERAL_FRAME: Final = ("nc2_gof_err_W", "nc2_gof_err", "nc3_gof_err")


def living_directions(logits: Floats, sizes: Floats) -> npt.NDArray[np.bool_]:
    """Find which directions of the model without a bias a network has learnt.

    The model does not tell apart classes of equal size: any rotation among them leaves its loss unchanged. A direction
    may so belong to one class, or to two that are merged. What counts is the number of eigenvalues above
    :data:`LEARNT` of the logits among classes of equal size.

    Parameters
    ----------
    logits : ndarray of shape (K, K)
        W Hbar, one column for the mean feature of each class.
    sizes : ndarray of shape (K,)

    Returns
    -------
    ndarray of shape (K,), bool
        Of classes of equal size the first ones are True, as many as there are living directions.
    """
    alive = np.zeros(len(sizes), dtype=np.bool_)
    for size in np.unique(sizes):
        group = np.flatnonzero(sizes == size)
        block = logits[np.ix_(group, group)]
        strengths = np.linalg.eigvalsh((block + block.T) / 2)
        alive[group[: (strengths > LEARNT).sum()]] = True
    return alive


@dataclass(frozen=True, eq=False)
class GeneralFrame:
    """What networks without a bias are compared with: the exact optimum, and the loss of every stationary point.

    Attributes
    ----------
    optimum : MseOptimum
    losses : mapping of bytes to float
        Loss of the stationary point in which exactly the directions of a mask are alive, by the bytes of the mask.
    """

    optimum: MseOptimum
    losses: Mapping[bytes, float]

    @classmethod
    def of(cls, sizes: npt.ArrayLike, layers: int, lam: float) -> GeneralFrame:
        """Solve the model for class sizes, with one penalty for all layers and the features."""
        optimum = ufm_mse(sizes, [lam] * layers, lam)
        return cls(optimum, {point.alive.tobytes(): point.loss for point in optimum.stationary_points()})

    def measure(self, trained: Outputs) -> dict[str, float]:
        """Measure a network: collapse, distances to frames, losses, and directions lost though the optimum keeps them.

        ``local_gap`` is how far the objective lies from the stationary point with the same directions alive, relative
        to it.
        """
        found = collapse(trained, ["of", "gof"], self.optimum)
        alive = living_directions(trained.W @ trained.class_means().T, self.optimum.class_sizes)
        nearest = self.losses.get(alive.tobytes(), self.optimum.loss)
        return {name: found[name] for name in ("nc1_quot", *GENERAL_FRAME, "nc2_of_err")} | {
            "loss_gap": trained.objective / self.optimum.loss - 1.0,
            "local_gap": abs(trained.objective / nearest - 1.0),
            "directions_lost": float((self.optimum.alive & ~alive).sum()),
        }


def imbalanced_images(cell: Cell) -> pd.DataFrame:
    """Train on 100 to 500 images a class, squared error without a bias, and compare with the general orthogonal frame.

    Head and features are penalised, so that the exact optimum bounds the loss from below.

    Parameters
    ----------
    cell : Cell
        Parameters ``dataset``, ``network``, ``layers``, ``lam``, ``width``, ``epochs``, ``recipe``, ``every``,
        ``seed``, where not all published rows are used ``part``, and, in controls, ``stands_for``.

    Returns
    -------
    DataFrame
        Columns ``dataset, network, layers, class_size, epoch, replicate, metric, value``. At the end: ``nc1_quot``,
        ``nc2_gof_err_W``, ``nc2_gof_err``, ``nc3_gof_err``, ``nc2_of_err``, ``of_shortfall`` (0.1 minus the latter, at
        least 0), ``loss_gap``, ``local_gap`` and ``directions_lost`` (:meth:`GeneralFrame.measure`),
        ``order_violations`` (as :func:`order_violations`, for classifier rows and features
        together); by class size ``w_norm`` and ``h_norm`` over those of the optimum, and ``accuracy`` on the training
        images; by epoch ``course_<measure>``.
    """
    layers, lam, epochs = cell.whole("layers"), cell.number("lam"), cell.whole("epochs")
    taken = a_part(cell, UNEQUAL_SIZES[cell.text("dataset")])
    sizes = np.array(taken[::-1] if cell.variant == WRONG_SIZES else taken)
    frame = GeneralFrame.of(sizes, layers, lam)
    trained, course = _trained(
        cell,
        taken,
        frame.measure,
        penalty="head_and_features",
        epochs=epochs // 100 if cell.variant == CUT_SHORT else epochs,
        layers=layers,
    )
    values = frame.measure(trained)
    if cell.variant == BALANCED_FRAME:
        values |= dict.fromkeys(GENERAL_FRAME, values["nc2_of_err"]) | {"nc2_of_err": 0.0}
    norms = {
        "w_norm": (np.linalg.norm(trained.W, axis=1), frame.optimum.w_norms),
        "h_norm": (np.linalg.norm(trained.class_means(), axis=1), frame.optimum.h_norms),
    }
    values["of_shortfall"] = max(0.0, 0.1 - values["nc2_of_err"])
    values["order_violations"] = float(sum(order_violations(*pair, sizes) for pair in norms.values()))
    rows = Rows(
        *("dataset", "network", "layers", "class_size", "epoch"),
        dataset=named_dataset(cell.parameters),
        network=cell.text("network"),
        layers=layers,
        replicate=cell.whole("seed"),
    )
    rows.add(values)
    by_class = {name: found / exact for name, (found, exact) in norms.items()} | {"accuracy": trained.accuracy()}
    for name, each in by_class.items():
        by_size = of_sizes(each, sizes)
        rows.add_curves("class_size", by_size, {name: by_size.values()})
    _course(rows, course)
    return rows.frame()


SIMPLEX: Final = ("nc2_etf_err", "nc2_etf_err_W", "nc3_dual_err")
ORTHOGONAL: Final = ("nc2_of_err", "nc2_of_err_W", "nc3_of_err")


def _against_both_frames(trained: Outputs, *, simplex: bool) -> dict[str, float]:
    found = collapse(trained, ["etf", "of"])
    predicted, other = (SIMPLEX, ORTHOGONAL) if simplex else (ORTHOGONAL, SIMPLEX)
    return {
        "nc1_quot": found["nc1_quot"],
        "nc4": found["nc4"],
        "predicted_frame_err": max(found[name] for name in predicted),
        "other_frame_err": max(found[name] for name in other),
        "accuracy": float(trained.accuracy().mean()),
    }


def rank_deficit(singular: Floats) -> int:
    """Count directions that are missing from the nine of a collapsed network of ten classes.

    Parameters
    ----------
    singular : ndarray of shape (10,)
        Singular values of the class means' logits, largest first.
    """
    return max(0, N_CLASSES - 1 - int((singular > RANK_TOLERANCE * singular[0]).sum()))


def deep_heads(cell: Cell) -> pd.DataFrame:
    """Train a network with a linear head of one or several layers on equal classes.

    Parameters
    ----------
    cell : Cell
        Parameters ``dataset``, ``network``, ``layers``, ``loss``, ``bias``, ``penalty``, ``lam``, ``width``,
        ``epochs``, ``recipe``, ``every``, ``seed``, where not all published rows are used ``part``, and, in controls,
        ``stands_for``.

    Returns
    -------
    DataFrame
        Columns ``dataset, network, layers, loss, bias, penalty, position, epoch, replicate, metric, value``. At the
        end: ``nc1_quot``, ``nc4`` (agreement with the nearest class mean), ``predicted_frame_err``, the largest
        distance of features, classifier and their product to the frame of the theory (orthogonal for squared error
        without a bias, else simplex), ``other_frame_err``, ``accuracy`` and ``objective`` (without weight decay); by
        position the ``singular_value`` of the class means' logits, and ``rank_deficit``; with penalties on head and
        features ``loss_gap`` (squared error) or ``undercut`` (cross-entropy: how far the objective lies below that of
        the best simplex frame, relative to it); by epoch ``course_<measure>``.
    """
    layers, lam, bias = cell.whole("layers"), cell.number("lam"), cell.flag("bias")
    penalty, loss = cell.text("penalty"), cell.text("loss")
    sizes = a_part(cell, (EQUAL_SIZE[cell.text("dataset")],) * N_CLASSES)
    size, simplex = sizes[0], bias or loss == "cross_entropy"
    rows = Rows(
        *("dataset", "network", "layers", "loss", "bias", "penalty", "position", "epoch"),
        dataset=named_dataset(cell.parameters),
        network=cell.text("network"),
        layers=layers,
        loss=loss,
        bias=bias,
        penalty=penalty,
        replicate=cell.whole("seed"),
    )
    if cell.variant == PAIRS:
        # five pairs of opposite classes: five singular values of equal size, and a lower loss than the simplex frame's
        singular = np.repeat([1.0, 0.0], N_CLASSES // 2)
        values = {"undercut": undercut(np.inf, N_CLASSES, size, layers, lam, paired=True)}
    else:
        measure = partial(_against_both_frames, simplex=simplex)
        trained, course = _trained(cell, sizes, measure, penalty=penalty, layers=layers, loss=loss, bias=bias)
        values = measure(trained) | {"objective": trained.objective}
        if cell.variant == FRAMES_EXCHANGED:
            exchanged = values["other_frame_err"], values["predicted_frame_err"]
            values |= dict(zip(("predicted_frame_err", "other_frame_err"), exchanged, strict=True))
        if penalty == "head_and_features" and loss == "mse":
            values["loss_gap"] = trained.objective / ufm_mse(sizes, [lam] * layers, lam, bias=bias).loss - 1.0
        elif penalty == "head_and_features":
            values["undercut"] = undercut(trained.objective, N_CLASSES, size, layers, lam)
        singular = np.linalg.svd(trained.W @ trained.class_means().T, compute_uv=False)
        _course(rows, course)
    values["rank_deficit"] = float(rank_deficit(singular))
    rows.add(values)
    rows.add_curves("position", range(1, len(singular) + 1), {"singular_value": singular})
    return rows.frame()


def faultless(table: pd.DataFrame) -> list[bool]:
    """Tell for each training of a table whether it ends without an error on its training rows.

    Parameters
    ----------
    table : DataFrame
        Table of :func:`imbalanced_images` or :func:`deep_heads`.
    """
    rows = table[(table["metric"] == "accuracy") & table["epoch"].isna()]
    settings = [name for name in ("network", "layers", "loss", "bias", "penalty", "replicate") if name in rows]
    return [bool(least == 1.0) for least in rows.groupby(settings)["value"].min()]


def minority_sizes(dataset: str, ratio: int) -> tuple[int, ...]:
    """List the rows of three large classes and of seven that have one over `ratio` as many, but at least one.

    Raises
    ------
    ValueError
        If `ratio` is below 1.
    """
    if ratio < 1:
        raise ValueError(f"ratio must be at least 1, got {ratio}")
    majority = MAJORITY_SIZE[dataset]
    return (majority,) * N_MAJORITY + (max(1, majority // ratio),) * (N_CLASSES - N_MAJORITY)


def mean_cosine(W: Floats) -> float:
    """Mean cosine over the pairs of rows of a matrix of shape (k, d), k >= 2."""
    unit = W / np.linalg.norm(W, axis=1, keepdims=True)
    return float(np.mean([unit[i] @ unit[j] for i, j in combinations(range(len(unit)), 2)]))


def _of_minority(trained: Outputs) -> dict[str, float]:
    accuracy = trained.accuracy()
    return {
        "minority_cosine": mean_cosine(trained.W[N_MAJORITY:]),
        "majority_cosine": mean_cosine(trained.W[:N_MAJORITY]),
        "minority_accuracy": float(accuracy[N_MAJORITY:].mean()),
        "majority_accuracy": float(accuracy[:N_MAJORITY].mean()),
        "nc1_quot": collapse(trained, ["etf"])["nc1_quot"],
    }


def _collapsed_at_equal_sizes(ratio: int, ratios: Sequence[int]) -> dict[str, float]:
    """Measure made-up rows: those of small classes coincide at the smallest ratio, a simplex frame at the largest."""
    small = N_CLASSES - N_MAJORITY
    share = 1.0 - ratios.index(ratio) / (len(ratios) - 1)
    rows = (1.0 - share) * (np.eye(small) - 1.0 / small) + share / small
    return {"minority_cosine": mean_cosine(rows)}


def minority_images(cell: Cell) -> pd.DataFrame:
    """Train with cross-entropy on three large classes and seven small ones, and measure the classifier's angles.

    Parameters
    ----------
    cell : Cell
        Parameters ``dataset``, ``network``, ``ratio``, ``lam`` (weight decay), ``width``, ``epochs``, ``recipe``,
        ``every``, ``seed`` and, in controls, ``stands_for``.

    Returns
    -------
    DataFrame
        Columns ``dataset, network, ratio, epoch, replicate, metric, value``: ``minority_cosine`` and
        ``majority_cosine``, the mean cosine over pairs of rows of the classifier; ``minority_accuracy`` and
        ``majority_accuracy`` on the training images; ``nc1_quot``; by epoch ``course_<measure>``.
    """
    ratio, dataset = cell.whole("ratio"), named_dataset(cell.parameters)
    rows = Rows(
        *("dataset", "network", "ratio", "epoch"),
        dataset=dataset,
        network=cell.text("network"),
        ratio=ratio,
        replicate=cell.whole("seed"),
    )
    if cell.variant == EQUAL_SIZES_COLLAPSE:
        rows.add(_collapsed_at_equal_sizes(ratio, RATIOS))
        return rows.frame()
    head: dict[str, Any] = {"layers": 1, "loss": "cross_entropy", "bias": True, "normalise": False}
    sizes = minority_sizes(cell.text("dataset"), ratio)
    trained, course = _trained(cell, sizes, _of_minority, penalty="weight_decay", **head)
    _course(rows, course)
    rows.add(_of_minority(trained))
    return rows.frame()
