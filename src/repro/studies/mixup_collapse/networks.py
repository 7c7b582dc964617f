"""Networks that are trained with mixup: tasks, recipes and methods, one of them with a frozen classifier."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from repro.ground.checks import positive_number
from repro.ground.exceptions import UnknownName
from repro.trials import (
    ADAMW_BATCHES,
    SGD_STEPS,
    ImageTask,
    Method,
    Recipe,
    divided_digits,
    first_classes,
    headed_convolutions,
    headed_mlp,
)

if TYPE_CHECKING:
    import torch

    from repro.training import HeadedNetwork, Mixup
    from repro.training.objectives import Loss

N_CLASSES: Final = 10
WIDTH: Final = 128
"""Units of the perceptron's hidden layers, and number of its features."""

IMAGE_FEATURES: Final = 512
"""Features of the ResNet-18 for images."""

BATCH: Final = 128

FRAME_NORM: Final = 1.0
FRAME_LAMBDA_H: Final = 0.01
"""Norm of the rows of a frozen classifier and penalty of the features under it, as in a case of the exact model."""

CIFAR_MEAN: Final = (0.507, 0.487, 0.441)
CIFAR_DEVIATION: Final = (0.267, 0.256, 0.276)
DIGITS: Final = "digits"
CIFAR: Final = "cifar100"
DATA: Final = (DIGITS, CIFAR)
"""What networks are trained on; normalisation and recipe of the second are those of CIFAR-100."""


def is_digits(data: str) -> bool:
    """Whether data are the digits and not the images.

    Raises
    ------
    UnknownName
        If they are neither. Other image sets are refused too: they would be normalised and trained on as CIFAR-100 is.
    """
    if data not in DATA:
        raise UnknownName("data of the mixup study", data, DATA)
    return data == DIGITS


def task_of(data: str, n_train: int, random_state: int) -> ImageTask:
    """Give the task of a name: ``"digits"``, or ``"cifar100"``, its first ten classes, whose division is fixed.

    Raises
    ------
    UnknownName
        If the name is another one.
    """
    if is_digits(data):
        return divided_digits(n_train, random_state)
    return first_classes(CIFAR, N_CLASSES, CIFAR_MEAN, CIFAR_DEVIATION)


def recipe_of(data: str, epochs: int) -> Recipe:
    """Give AdamW with step size 1e-3 and weight decay 0.01 for digits; SGD with crop and flip for images.

    Raises
    ------
    UnknownName
        If there are no such data.
    """
    return (ADAMW_BATCHES if is_digits(data) else SGD_STEPS).of(epochs)


def mixed(
    concentration: float | None = 1.0,
    loss: Loss = "cross_entropy",
    *,
    frozen_frame: bool = False,
    data: str = DIGITS,
) -> Method:
    """Give a way of training: a network with a linear head without bias, with or without mixup.

    Parameters
    ----------
    concentration : float or None
        a of the distribution Beta(a, a) of the weight t; None for training without mixup.
    loss : "cross_entropy" or "mse"
        Squared error is half the sum over classes.
    frozen_frame : bool
        Whether the classifier is a simplex frame with rows of norm 1 that is not trained, and the features are
        penalised with 0.01, as in the exact model. Otherwise it is trained and nothing but weight decay holds it back.
    data : "digits" or "cifar100"
        A perceptron of two hidden layers of 128 units and an affine layer with 128 outputs, or a ResNet-18.

    Raises
    ------
    UnknownName
        If there are no such data.
    TypeError, ValueError
        If the concentration is no number above 0.
    """
    if concentration is not None:
        positive_number("concentration", concentration)
    network: partial[HeadedNetwork] = partial(headed_mlp, widths=[WIDTH] * 3)
    if not is_digits(data):
        network = partial(headed_convolutions, backbone="resnet18", n_features=IMAGE_FEATURES)
    lambda_H = FRAME_LAMBDA_H if frozen_frame else 0.0
    return Method(
        partial(framed, make=network) if frozen_frame else network,
        partial(mixing, concentration=concentration, loss=loss, lambda_H=lambda_H),
    )


def framed(task: ImageTask, generator: torch.Generator, *, make: partial[HeadedNetwork]) -> HeadedNetwork:
    """Make a network whose classifier is a rotated simplex frame that is not trained."""
    from repro.training import simplex_rows

    network = make(task, generator)
    (weight,) = network.head.weights()
    weight.data.copy_(simplex_rows(weight.shape[0], weight.shape[1], FRAME_NORM, generator))
    weight.requires_grad_(False)
    return network


def mixing(
    task: ImageTask, recipe: Recipe, seed: int, *, concentration: float | None, loss: Loss, lambda_H: float
) -> Mixup:
    """Make the objective that mixes."""
    from repro.training import Mixup

    return Mixup(concentration, loss, lambda_H, seed)
