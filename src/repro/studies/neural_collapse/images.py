"""Networks on images: rows, trainings that can be interrupted, and their state afterwards as arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from repro.protocol.course import Course, read_course, write_course
from repro.studies.neural_collapse.networks import N_CLASSES, Classes, Trained

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from repro.training import HeadedNetwork, PenalisedObjective
    from repro.training.objectives import Loss

Pixels = npt.NDArray[np.float32]
NetworkName = Literal["mlp", "resnet18", "vgg16"]
Penalty = Literal["head_and_features", "weight_decay"]

SIDE: Final = 32
"""Height and width of the images that convolutional networks see."""

N_HIDDEN: Final = 6
"""ReLU layers of the perceptron of Dang et al. (2023); one more affine layer stands before the head."""

MEASURING_BATCH: Final = 512
CHECKPOINT_EVERY: Final = 10


@dataclass(frozen=True)
class Recipe:
    """How the objective is minimised.

    Attributes
    ----------
    optimizer : "adam" or "sgd"
        SGD has momentum 0.9.
    learning_rate : float
    milestones : tuple of float
        Shares of the epochs after which the learning rate falls to a tenth.
    batch_size : int or None
        None for all rows at once.
    """

    optimizer: Literal["adam", "sgd"]
    learning_rate: float
    milestones: tuple[float, ...]
    batch_size: int | None


RECIPES: Final[Mapping[str, Recipe]] = {
    "full_batch": Recipe("adam", 2e-3, (0.5, 0.8), None),
    "full_batch_published": Recipe("adam", 1e-4, (0.5,), None),
    "batches": Recipe("adam", 1e-3, (0.5, 0.8), 128),
    "batches_published": Recipe("sgd", 1e-3, (), 128),
    "layer_peeled_published": Recipe("sgd", 0.1, (1 / 3, 2 / 3), 128),
}
"""Recipes of the released codes (``..._published``: Dang et al. 2023, Fang et al. 2021), and our own."""


@dataclass(frozen=True)
class ImageSetting:
    """What a network is trained with.

    Attributes
    ----------
    dataset : "mnist", "cifar100" or "digits"
        The ten digits, or the first ten classes of CIFAR-100; the 8x8 digits of scikit-learn need no download.
    network : "mlp", "resnet18" or "vgg16"
        Six ReLU layers and an affine one; or a convolutional network, with a batch normalisation of its features when
        `normalise` says so.
    sizes : tuple of int
        Rows of the ten classes, the first ones in file order.
    layers : int
        M, linear layers of the head.
    penalty : "head_and_features" or "weight_decay"
        What is held back: the layers of the head and the features, as in unconstrained-feature models; or all
        parameters of the network, by the optimiser.
    lam : float
        Size of the penalty.
    width : int
        Number of features, and width of all layers of the perceptron; for the others a multiple of 8.
    epochs : int
    recipe : str
        Key of :data:`RECIPES`.
    loss : "mse" or "cross_entropy"
    bias : bool
        Whether the last layer has a bias.
    normalise : bool
        Whether the features of a convolutional network are batch-normalised.

    Raises
    ------
    ValueError
        For an unknown network, penalty or recipe, another number of sizes than ten, or a width that does not fit.
    """

    dataset: str
    network: NetworkName
    sizes: tuple[int, ...]
    layers: int
    penalty: Penalty
    lam: float
    width: int
    epochs: int
    recipe: str
    loss: Loss = "mse"
    bias: bool = False
    normalise: bool = True

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("network", self.network, get_args(NetworkName)),
            ("penalty", self.penalty, get_args(Penalty)),
            ("recipe", self.recipe, tuple(RECIPES)),
        ):
            if value not in allowed:
                raise ValueError(f"{name} must be one of {allowed}, got {value!r}")
        if len(self.sizes) != N_CLASSES:
            raise ValueError(f"sizes must hold {N_CLASSES} numbers, got {len(self.sizes)}")
        if self.network != "mlp" and self.width % 8:
            raise ValueError(f"width must be a multiple of 8 for {self.network}, got {self.width}")


def _to_side(images: npt.NDArray[Any], side: int) -> npt.NDArray[Any]:
    """Bring square images of shape (n, height, height, channels) to a side: repeat pixels, or add a black border."""
    height = images.shape[1]
    if side % height == 0:
        return images.repeat(side // height, axis=1).repeat(side // height, axis=2)
    before = (side - height) // 2
    border = (before, side - height - before)
    return np.pad(images, ((0, 0), border, border, (0, 0)))


@lru_cache(maxsize=2)
def image_rows(dataset: str, sizes: tuple[int, ...], side: int | None = None) -> tuple[Pixels, Classes]:
    """Take the first training images of ten classes, each channel with mean 0 and variance 1 over what is taken.

    Parameters
    ----------
    dataset : "mnist", "cifar100" or "digits"
    sizes : tuple of int
        Rows of the classes 0 to 9.
    side : int or None, default=None
        Height and width of the result: a multiple of that of the images, whose pixels are repeated, or larger than it,
        for a black border. None leaves the images as they are.

    Returns
    -------
    images : ndarray of shape (n, channels, height, width), float32
    labels : ndarray of shape (n,), int64

    Raises
    ------
    ValueError
        If the data set is another one, a class has fewer rows than asked for, or `side` is too small.
    """
    if dataset == "digits":
        from sklearn.datasets import load_digits

        loaded = load_digits()
        images, target = loaded.images[..., None], loaded.target
    elif dataset in ("mnist", "cifar100"):
        from repro.data import load_images

        found = load_images(dataset, "train")
        images, target = found.images.reshape(*found.images.shape[:3], -1), found.labels
    else:
        raise ValueError(f"dataset must be 'mnist', 'cifar100' or 'digits', got {dataset!r}")
    rows_of = [np.flatnonzero(target == k) for k in range(len(sizes))]
    short = [k for k, rows in enumerate(rows_of) if len(rows) < sizes[k]]
    if short:
        wanted, there = sizes[short[0]], len(rows_of[short[0]])
        raise ValueError(f"sizes asks for {wanted} rows of class {short[0]} of {dataset!r}, which has {there}")
    rows = np.concatenate([rows[:size] for rows, size in zip(rows_of, sizes, strict=True)])
    taken = images[rows].astype(np.float32)
    if side is not None:
        if side < taken.shape[1]:
            raise ValueError(f"side must be at least {taken.shape[1]} for {dataset!r}, got {side}")
        taken = _to_side(taken, side)
    over = (0, 1, 2)
    taken = (taken - taken.mean(axis=over, dtype=np.float64)) / taken.std(axis=over, dtype=np.float64)
    return np.ascontiguousarray(taken.transpose(0, 3, 1, 2), dtype=np.float32), target[rows].astype(np.int64)


def make_network(setting: ImageSetting, input_shape: tuple[int, ...], generator: torch.Generator) -> HeadedNetwork:
    """Make the network of a setting: backbone, batch normalisation of its features where asked for, linear head.

    Parameters
    ----------
    setting : ImageSetting
    input_shape : tuple of int
        Channels, height and width of the images.
    generator : torch.Generator
        Draws the initial weights.

    Returns
    -------
    HeadedNetwork
        On the CPU.
    """
    from torch import nn

    from repro.training import VGG16, HeadedNetwork, LinearHead, ResNet18, feature_mlp

    backbone: nn.Module
    if setting.network == "mlp":
        backbone = feature_mlp(int(np.prod(input_shape)), [setting.width] * (N_HIDDEN + 1), generator=generator)
    else:
        kind = ResNet18 if setting.network == "resnet18" else VGG16
        backbone = kind(input_shape[0], width=setting.width // 8, generator=generator)
        if setting.normalise:
            backbone = nn.Sequential(backbone, nn.BatchNorm1d(setting.width))
    head = LinearHead(setting.width, N_CLASSES, n_layers=setting.layers, bias=setting.bias, generator=generator)
    return HeadedNetwork(backbone, head)


def as_arrays(
    network: HeadedNetwork,
    images: Tensor,
    labels: Tensor,
    objective: PenalisedObjective,
) -> Trained:
    """State of a network on all rows, in evaluation mode, batch after batch.

    Parameters
    ----------
    network : HeadedNetwork
    images : Tensor of shape (n, channels, height, width)
    labels : Tensor of shape (n,), int64
    objective : PenalisedObjective
        As in training, for the number of all rows; weight decay of the optimiser is no part of it.

    Returns
    -------
    Trained
        Float64 on the CPU.
    """
    import torch

    from repro.training import repeatable

    network.eval()
    with torch.no_grad(), repeatable(images.device, exact=True):
        parts = [network(batch) for batch in torch.split(images, MEASURING_BATCH)]
        features, logits = (torch.cat(columns).double() for columns in zip(*parts, strict=True))
        value = float(objective(features, logits, labels, network.head))
        bias = network.head.bias()
        return Trained(
            features=features.cpu().numpy(),
            logits=logits.cpu().numpy(),
            labels=labels.cpu().numpy(),
            W=network.head.product().double().cpu().numpy(),
            b=None if bias is None else bias.double().cpu().numpy(),
            objective=value,
        )


Note = Callable[[Trained], dict[str, float]]


def train_on_images(
    setting: ImageSetting,
    seed: np.random.SeedSequence,
    *,
    device: str = "cpu",
    folder: Path | None = None,
    note: Note | None = None,
    every: int = 0,
) -> tuple[Trained, Course]:
    """Train a network on images, from where an interrupted run stopped.

    Parameters
    ----------
    setting : ImageSetting
    seed : SeedSequence
        Draws the initial weights and the order of the batches.
    device : "auto", "cpu" or "cuda", default="cpu"
    folder : Path or None
        Where a checkpoint and the notes are kept; a run that finds them there continues and ends as one that was not
        interrupted.
    note : callable or None
        ``note(trained) -> dict of str to float``, called every `every` epochs.
    every : int, default=0
        0 for no notes. They are taken in the middle between two checkpoints, after ``every // 2`` epochs and so on, so
        that none is lost when a run is interrupted.

    Returns
    -------
    trained : Trained
    course : dict of int to dict of str to float
        The notes by number of epochs.

    Raises
    ------
    ValueError
        If `every` is 1 or negative, or as in :func:`image_rows`, :func:`repro.training.torch_device` and
        :func:`repro.training.train`.
    """
    import torch

    from repro.training import PenalisedObjective, Schedule, repeatable, torch_device, train

    if every < 0 or every == 1:
        raise ValueError(f"every must be 0 or at least 2, got {every}")
    where = torch_device(device)
    if where.type == "cpu":
        torch.set_num_threads(1)
    side = None if setting.network == "mlp" else SIDE
    images, labels = (torch.from_numpy(part).to(where) for part in image_rows(setting.dataset, setting.sizes, side))
    of_weights, of_order = (int(state) for state in seed.generate_state(2))
    network = make_network(setting, tuple(images.shape[1:]), torch.Generator().manual_seed(of_weights)).to(where)
    recipe = RECIPES[setting.recipe]
    of_parameters = setting.penalty == "weight_decay"
    lam = 0.0 if of_parameters else setting.lam
    objective = PenalisedObjective(setting.loss, lambda_W=[lam] * setting.layers, lambda_H=lam, n_samples=len(labels))
    file = None if folder is None else folder / "course.json"
    course = read_course(file)

    def watch(done: int, network: HeadedNetwork) -> None:
        if note is not None and every and done % every == every // 2:
            course[done] = note(as_arrays(network, images, labels, objective))
            if file is not None:
                write_course(file, course)

    with repeatable(where):
        train(
            network,
            images,
            labels,
            objective,
            Schedule(
                setting.epochs,
                recipe.learning_rate,
                recipe.optimizer,
                milestones=recipe.milestones,
                batch_size=recipe.batch_size,
                weight_decay=setting.lam if of_parameters else 0.0,
            ),
            generator=torch.Generator().manual_seed(of_order),
            watch=watch,
            watch_every=1,
            checkpoint=None if folder is None else folder / "network.pt",
            checkpoint_every=every or CHECKPOINT_EVERY,
        )
    return as_arrays(network, images, labels, objective), dict(sorted(course.items()))
