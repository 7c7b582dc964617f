"""Networks whose features and head are penalised, as methods and recipes, and what is measured of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from repro.geometry import CollapseMeter, MseOptimum, NearestMeanAgreement
from repro.ground.exceptions import UnknownName
from repro.protocol.experiment import Cell
from repro.trials import (
    ADAM_BATCHES,
    FULL_BATCH,
    Method,
    Outputs,
    Recipe,
    headed_convolutions,
    headed_mlp,
    named,
    penalised,
)

if TYPE_CHECKING:
    from repro.training.objectives import Loss

N_CLASSES: Final = 10
WIDTH: Final = 64
BALANCED: Final = (60,) * N_CLASSES
IMBALANCED: Final = (20, 20, 40, 40, 60, 60, 80, 80, 100, 100)

N_HIDDEN: Final = 6
"""ReLU layers of the perceptron of Dang et al. (2023); one more affine layer stands before the head."""

NETWORKS: Final = ("mlp", "resnet18", "vgg16")
PENALTIES: Final = ("head_and_features", "weight_decay")
"""What is held back: the layers of the head and the features, as in unconstrained-feature models; or all parameters of
the network, by the optimiser."""

RECIPES: Final[Mapping[str, Recipe]] = {
    "full_batch": FULL_BATCH,
    "full_batch_published": Recipe(12_000, 1e-4, {"milestones": (0.5,)}),
    "batches": ADAM_BATCHES,
    "batches_published": Recipe(200, 1e-3, {"optimizer": "sgd", "milestones": (), "batch_size": 128}),
    "layer_peeled_published": Recipe(350, 0.1, {"optimizer": "sgd", "milestones": (1 / 3, 2 / 3), "batch_size": 128}),
}
"""Recipes of the released codes (``..._published``: Dang et al. 2023, Fang et al. 2021), and our own."""


def penalised_mlp(layers: int, lam: float, loss: Loss = "mse", *, bias: bool = False) -> Method:
    """Give a perceptron for digits of three hidden layers of 64 units and an affine one, with a linear head.

    Parameters
    ----------
    layers : int
        M, linear layers of the head.
    lam : float
        Penalty of every layer of the head and of the features.
    loss : "mse" or "cross_entropy"
    bias : bool
        Whether the last layer has a bias.
    """
    return Method(
        partial(headed_mlp, widths=[WIDTH] * 4, layers=layers, bias=bias),
        partial(penalised, loss=loss, lam=lam, layers=layers),
    )


def on_images(
    network: str, width: int, layers: int, lam: float, loss: Loss = "mse", *, bias: bool = False, normalise: bool = True
) -> Method:
    """Give a network for images with a linear head.

    Parameters
    ----------
    network : "mlp", "resnet18" or "vgg16"
        Six ReLU layers and an affine one; or a convolutional network.
    width : int
        Number of features, and width of all layers of the perceptron; for the others a multiple of 8.
    layers : int
        M, linear layers of the head.
    lam : float
        Penalty of head and features; 0 for none.
    loss : "mse" or "cross_entropy"
    bias : bool
        Whether the last layer has a bias.
    normalise : bool
        Whether the features of a convolutional network are batch-normalised.

    Raises
    ------
    UnknownName
        If there is no such network.
    """
    head: dict[str, Any] = {"layers": layers, "bias": bias}
    made: partial[Any] = partial(headed_mlp, widths=[width] * (N_HIDDEN + 1), **head)
    if network not in NETWORKS:
        raise UnknownName("network", network, NETWORKS)
    if network != "mlp":
        made = partial(headed_convolutions, backbone=network, n_features=width, normalise=normalise, **head)
    return Method(made, partial(penalised, loss=loss, lam=lam, layers=layers))


def recipe_of(name: str, epochs: int, weight_decay: float = 0.0) -> Recipe:
    """Give a recipe of :data:`RECIPES` with weight decay.

    Raises
    ------
    UnknownName
        If there is no such recipe.
    """
    return named("recipe", name, RECIPES).of(epochs, weight_decay=weight_decay)


def collapse(outputs: Outputs, targets: Sequence[str], optimum: MseOptimum | None = None) -> dict[str, float]:
    """Measures of collapse, ``nc4`` (agreement with the nearest class mean) among them."""
    meter = CollapseMeter(len(outputs.W), outputs.features.shape[1])
    meter.update(outputs.features, outputs.labels)
    found = meter.compute(outputs.W, outputs.b, targets, optimum=optimum)  # type: ignore[arg-type]
    agreement = NearestMeanAgreement(meter.class_means, outputs.W, outputs.b)
    agreement.update(outputs.features)
    return found | {"nc4": agreement.compute()}


def seeds_of(cell: Cell) -> Iterator[tuple[int, np.random.SeedSequence]]:
    """Replicates of a cell: 0 to ``seeds`` - 1, each with a seed of its own."""
    return ((replicate, cell.child(replicate)) for replicate in range(cell.whole("seeds")))
