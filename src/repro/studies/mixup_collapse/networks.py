"""Networks that are trained with mixup: the mixing, a frozen classifier, and the methods made of both."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

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
    from torch import Tensor, nn

    from repro.training import HeadedNetwork, LinearHead
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


def task_of(data: str, n_train: int, random_state: int) -> ImageTask:
    """Give the task of a name: ``"digits"``, or ``"cifar100"``, its first ten classes, whose division is fixed.

    Raises
    ------
    UnknownName
        If the name is another one.
    """
    if data == DIGITS:
        return divided_digits(n_train, random_state)
    return first_classes(data, N_CLASSES, CIFAR_MEAN, CIFAR_DEVIATION)


def recipe_of(data: str, epochs: int) -> Recipe:
    """AdamW with step size 1e-3 and weight decay 0.01 for digits; SGD with crop and flip for images."""
    return (ADAMW_BATCHES if data == DIGITS else SGD_STEPS).of(epochs)


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
    ValueError
        If the concentration is not positive.
    """
    if concentration is not None and not concentration > 0:
        raise ValueError(f"concentration must be above 0, or None for no mixup; got {concentration}")
    network: partial[HeadedNetwork] = partial(headed_mlp, widths=[WIDTH] * 3)
    if data != DIGITS:
        network = partial(headed_convolutions, backbone="resnet18", n_features=IMAGE_FEATURES)
    lambda_H = FRAME_LAMBDA_H if frozen_frame else 0.0
    return Method(
        partial(framed, make=network) if frozen_frame else network,
        partial(mixing, concentration=concentration, loss=loss, lambda_H=lambda_H),
    )


def framed(task: ImageTask, generator: torch.Generator, *, make: partial[HeadedNetwork]) -> HeadedNetwork:
    """Make a network whose classifier is a rotated simplex frame that is not trained."""
    network = make(task, generator)
    (weight,) = network.head.weights()
    weight.data.copy_(simplex_rows(weight.shape[0], weight.shape[1], FRAME_NORM, generator))
    weight.requires_grad_(False)
    return network


def mixing(
    task: ImageTask, recipe: Recipe, seed: int, *, concentration: float | None, loss: Loss, lambda_H: float
) -> Mixup:
    """Make the objective that mixes."""
    return Mixup(concentration, loss, lambda_H, seed)


def simplex_rows(n_classes: int, n_features: int, norm: float, generator: torch.Generator) -> Tensor:
    """Draw a rotated simplex frame as a float32 tensor of shape (n_classes, n_features)."""
    import torch

    axes = torch.linalg.qr(torch.randn(n_features, n_classes, generator=generator, dtype=torch.float64))[0]
    frame = torch.eye(n_classes, dtype=torch.float64) - 1.0 / n_classes
    rows: Tensor = norm * (n_classes / (n_classes - 1)) ** 0.5 * frame @ axes.T
    return rows.float()


class Mixup:
    """Mixes the rows of every training batch with the same rows in random order, t x_i + (1 - t) x_j.

    Attached to a network it changes what goes into it, in training mode only; as an objective it compares the outputs
    with the classes mixed in the same way. Draws depend on the seed and on the number of batches before, which is part
    of the network's state, so that a resumed training goes on with the same draws.

    Parameters
    ----------
    concentration : float or None
        a of Beta(a, a), from which every row draws its t; None for no mixing.
    loss : "cross_entropy" or "mse"
        Squared error is half the sum over classes.
    lambda_H : float
        The mean squared norm of the features counts half of this.
    seed : int

    Notes
    -----
    Zhang et al. (2018) draw t for pairs of random rows.
    """

    def __init__(self, concentration: float | None, loss: Loss, lambda_H: float, seed: int) -> None:
        self.concentration = concentration
        self.loss: Loss = loss
        self.lambda_H = lambda_H
        self.seed = seed
        self._drawn: tuple[Tensor, Tensor] | None = None

    def attach(self, network: nn.Module) -> None:
        """Let this object change the inputs of a network."""
        import torch

        network.register_buffer("mixed_batches", torch.zeros((), dtype=torch.int64))
        network.register_forward_pre_hook(self._mix_inputs)

    def draw(self, n: int, batch: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        """Partners, shape (n,), and weights t, shape (n,), of the rows of a batch."""
        generator = np.random.default_rng([self.seed, batch])
        if self.concentration is None:
            return np.arange(n), np.ones(n, dtype=np.float32)
        weights = generator.beta(self.concentration, self.concentration, n)
        return generator.permutation(n), weights.astype(np.float32)

    def _mix_inputs(self, network: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        import torch

        (inputs,) = arguments
        count = network.mixed_batches
        assert isinstance(count, torch.Tensor)
        if not network.training:
            return None
        partners, weights = (torch.from_numpy(part).to(inputs.device) for part in self.draw(len(inputs), int(count)))
        count += 1
        self._drawn = partners, weights
        if self.concentration is None:
            return None
        t = weights.view(-1, *[1] * (inputs.ndim - 1))
        return (t * inputs + (1 - t) * inputs[partners],)

    def __call__(self, features: Tensor, logits: Tensor, labels: Tensor, head: LinearHead) -> Tensor:
        """Objective of the batch that was mixed last, a scalar tensor; `head` is not used."""
        from torch.nn import functional

        assert self._drawn is not None
        partners, weights = self._drawn
        hot = functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
        t = weights[:, None]
        targets = t * hot + (1 - t) * hot[partners]
        if self.loss == "mse":
            value = 0.5 * ((logits - targets) ** 2).sum(dim=1).mean()
        else:
            value = functional.cross_entropy(logits, targets)
        if self.lambda_H:
            value = value + 0.5 * self.lambda_H * (features**2).sum(dim=1).mean()
        return value
