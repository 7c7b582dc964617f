"""Methods: what network is trained with what objective, each a function of this package with its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from repro.ground.exceptions import UnknownName
from repro.trials.image_tasks import ImageTask
from repro.trials.recipes import Recipe

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from repro.training import HeadedNetwork, PenalisedObjective


@dataclass(frozen=True)
class Method:
    """A network and an objective.

    Parameters
    ----------
    network : functools.partial
        ``network(task, generator)`` makes the network with its initial weights; a function at the top of a module with
        its options, such as ``partial(headed_mlp, widths=[64] * 4)``.
    objective : functools.partial
        ``objective(task, recipe, seed)`` makes the objective. One with a method ``attach`` is handed the network
        before the training; the seed is for its own draws.
    """

    network: partial[Any]
    objective: partial[Any]


def headed_mlp(
    task: ImageTask,
    generator: torch.Generator,
    *,
    widths: list[int],
    layers: int = 1,
    bias: bool = False,
) -> HeadedNetwork:
    """Make a perceptron with a linear head; the last of the widths is the number of features.

    Parameters
    ----------
    task : ImageTask
    generator : torch.Generator
        Draws the initial weights.
    widths : list of int
        Outputs of the affine layers, with ReLU between them.
    layers : int, default=1
        Linear layers of the head.
    bias : bool, default=False
        Whether the last layer has a bias.
    """
    from repro.training import HeadedNetwork, LinearHead, feature_mlp

    backbone = feature_mlp(int(np.prod(task.inputs.shape[1:])), widths, generator=generator)
    head = LinearHead(widths[-1], task.n_classes, n_layers=layers, bias=bias, generator=generator)
    return HeadedNetwork(backbone, head)


def headed_convolutions(
    task: ImageTask,
    generator: torch.Generator,
    *,
    backbone: str,
    n_features: int = 512,
    layers: int = 1,
    bias: bool = False,
    normalise: bool = False,
) -> HeadedNetwork:
    """Make a convolutional network with a linear head.

    Parameters
    ----------
    task : ImageTask
    generator : torch.Generator
        Draws the initial weights.
    backbone : "resnet18" or "vgg16"
    n_features : int, default=512
        A multiple of 8; the width of the network goes with it.
    layers : int, default=1
        Linear layers of the head.
    bias : bool, default=False
        Whether the last layer has a bias.
    normalise : bool, default=False
        Whether the features are batch-normalised.

    Raises
    ------
    UnknownName
        If there is no such backbone.
    ValueError
        If the number of features does not fit.
    """
    from torch import nn

    from repro.training import VGG16, HeadedNetwork, LinearHead, ResNet18

    kinds = {"resnet18": ResNet18, "vgg16": VGG16}
    if backbone not in kinds:
        raise UnknownName("backbone", backbone, kinds)
    if n_features % 8:
        raise ValueError(f"n_features must be a multiple of 8 for {backbone}, got {n_features}")
    body: nn.Module = kinds[backbone](task.inputs.shape[1], width=n_features // 8, generator=generator)
    if normalise:
        body = nn.Sequential(body, nn.BatchNorm1d(n_features))
    return HeadedNetwork(body, LinearHead(n_features, task.n_classes, n_layers=layers, bias=bias, generator=generator))


def penalised(
    task: ImageTask, recipe: Recipe, seed: int, *, loss: Literal["mse", "cross_entropy"], lam: float, layers: int = 1
) -> PenalisedObjective:
    """Make a loss with one penalty for the features and for each layer of the head.

    Parameters
    ----------
    task : ImageTask
    recipe : Recipe
    seed : int
        Not used.
    loss : "mse" or "cross_entropy"
    lam : float
        0 for the loss alone.
    layers : int, default=1
        Of the head.
    """
    from repro.training import PenalisedObjective

    return PenalisedObjective(loss, lambda_W=[lam] * layers, lambda_H=lam, n_samples=len(task.labels))


def resnet32(task: ImageTask, generator: torch.Generator, *, cosine: bool = True) -> nn.Module:
    """Make a ResNet-32 with a cosine classifier, or with a linear one."""
    from repro.training import ResNet32

    if cosine:
        return ResNet32(task.n_classes, generator=generator)
    return ResNet32(task.n_classes, scale=None, generator=generator)


def resnet32_experts(task: ImageTask, generator: torch.Generator, *, experts: int = 3) -> nn.Module:
    """Make a ResNet-32 of several experts with fewer channels on a shared first stage."""
    from repro.training import MultiExpertResNet32

    return MultiExpertResNet32(task.n_classes, experts, reduced=True, generator=generator)


def small_experts(task: ImageTask, generator: torch.Generator, *, models: int, experts: int) -> nn.Module:
    """Make small networks side by side, each with some experts."""
    from repro.training import SmallExperts

    return SmallExperts(task.n_classes, experts, models, generator=generator)


def long_tail_loss(
    task: ImageTask, recipe: Recipe, seed: int, *, loss: str, late: float | None = None, **options: Any
) -> nn.Module:
    """Make a loss of :func:`repro.longtail.make_loss` for the class sizes of a task.

    Parameters
    ----------
    task : ImageTask
    recipe : Recipe
    seed : int
        Not used.
    loss : str
        Name of the loss.
    late : float or None, default=None
        Share of the epochs after which classes are weighted, for losses that do so.
    **options
        Of the loss.
    """
    from repro.longtail import make_loss

    if late is not None:
        options["reweight_from"] = round(late * recipe.epochs)
    return make_loss(loss, task.counts, **options)


def shifted_cross_entropy(
    task: ImageTask, recipe: Recipe, seed: int, *, shifts: npt.NDArray[np.float64]
) -> ShiftedCrossEntropy:
    """Make the sum of the cross-entropies of networks side by side, each with shifts of its own.

    Parameters
    ----------
    task : ImageTask
    recipe : Recipe
    seed : int
        Not used.
    shifts : ndarray of shape (models, experts, n_classes)
        Added to the logits in training: nothing for cross-entropy, the logarithm of the prior for balanced softmax.
    """
    import torch

    return ShiftedCrossEntropy(torch.from_numpy(shifts).float())


@dataclass(frozen=True, eq=False)
class ShiftedCrossEntropy:
    """Sum over networks and experts of the mean cross-entropy of their shifted logits.

    Attributes
    ----------
    shifts : Tensor of shape (models, experts, n_classes)
    """

    shifts: Tensor

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Value for logits of shape (n, models, experts, n_classes) and labels of shape (n,)."""
        from torch.nn import functional

        models, experts, _ = self.shifts.shape
        repeated = labels.view(-1, 1, 1).expand(-1, models, experts)
        mean = functional.cross_entropy((logits + self.shifts.to(logits.device)).flatten(0, 2), repeated.flatten())
        total: Tensor = models * experts * mean
        return total


ONE: Final = partial(resnet32)
EXPERTS: Final = partial(resnet32_experts)

LONG_TAIL_METHODS: Final[Mapping[str, Method]] = {
    "sade": Method(EXPERTS, partial(long_tail_loss, loss="sade", tau=2.0)),
    "three_balanced": Method(EXPERTS, partial(long_tail_loss, loss="balanced_softmax")),
    "balanced": Method(ONE, partial(long_tail_loss, loss="balanced_softmax")),
    "cross_entropy": Method(ONE, partial(long_tail_loss, loss="cross_entropy")),
    "ldam_drw": Method(ONE, partial(long_tail_loss, loss="ldam", scale=30.0, logits_scaled=True, late=0.8)),
    "focal": Method(ONE, partial(long_tail_loss, loss="focal", gamma=1.0)),
    "lade": Method(ONE, partial(long_tail_loss, loss="lade", alpha=0.1, lam=0.1)),
    "ride": Method(EXPERTS, partial(long_tail_loss, loss="ride", late=0.8)),
    "decoupled": Method(partial(resnet32, cosine=False), partial(long_tail_loss, loss="cross_entropy")),
}
"""Methods of long-tailed recognition on 32 x 32 images, by name: ResNet-32 or three reduced experts, and a loss.

"decoupled" is cross-entropy with a linear classifier, which is normalised or trained anew afterwards.
"""
