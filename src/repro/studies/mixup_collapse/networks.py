"""Networks that are trained with mixup, and data to train them on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from repro.studies.neural_collapse.networks import digits

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from repro.training import HeadedNetwork, LinearHead, Schedule
    from repro.training.augmentation import Augmentation
    from repro.training.objectives import Loss

Floats = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]

N_CLASSES: Final = 10
WIDTH: Final = 128
"""Units of the perceptron's hidden layers, and number of its features."""

ALL_DIGITS: Final = (178, 182, 177, 183, 181, 182, 181, 179, 174, 180)
"""Rows that scikit-learn's digits have of every class."""

BATCH: Final = 128
MEASURING_BATCH: Final = 2048

FRAME_NORM: Final = 1.0
FRAME_LAMBDA_H: Final = 0.01
"""Norm of the rows of a frozen classifier and penalty of the features under it, as in a case of the exact model."""

CIFAR_MEAN: Final = (0.507, 0.487, 0.441)
CIFAR_DEVIATION: Final = (0.267, 0.256, 0.276)


@dataclass(frozen=True, eq=False)
class Split:
    """Inputs and classes for training and for testing.

    Attributes
    ----------
    inputs, test_inputs : ndarray of shape (n, 64), float64, or (n, 3, 32, 32), uint8
        Grey values of digits over 16, or images.
    labels, test_labels : ndarray of shape (n,), int64
        0 to 9.
    """

    inputs: npt.NDArray[Any]
    labels: Classes
    test_inputs: npt.NDArray[Any]
    test_labels: Classes


def digits_split(n_train: int, random_state: int, n_test: int = 297) -> Split:
    """Divide scikit-learn's 1,797 digits at random, with equal class shares in both parts.

    Parameters
    ----------
    n_train : int
        Rows for training, at least 10.
    random_state : int
    n_test : int, default=297
        Rows for testing; the same ones for every `n_train`.

    Raises
    ------
    ValueError
        If the digits are not enough.
    """
    inputs, labels = digits(ALL_DIGITS)
    if n_train < N_CLASSES or n_train + n_test > len(labels):
        raise ValueError(
            f"n_train must lie between {N_CLASSES} and {len(labels) - n_test}, what {n_test} test rows leave of "
            f"{len(labels)}; got {n_train}"
        )
    train, test = train_test_split(np.arange(len(labels)), test_size=n_test, stratify=labels, random_state=random_state)
    if n_train < len(train):
        train, _ = train_test_split(train, train_size=n_train, stratify=labels[train], random_state=random_state)
    return Split(inputs[train], labels[train], inputs[test], labels[test])


@lru_cache(maxsize=1)
def cifar_split() -> Split:
    """Training and test images of the first ten classes of CIFAR-100: 5,000 and 1,000.

    Raises
    ------
    DataUnavailable
        If the images can be found nowhere.
    """
    from repro.data import load_images

    parts: list[npt.NDArray[Any]] = []
    for name in ("train", "test"):
        found = load_images("cifar100", name)
        mine = found.labels < N_CLASSES
        parts += [np.ascontiguousarray(found.images[mine].transpose(0, 3, 1, 2)), found.labels[mine]]
    return Split(*parts)


def split_of(data: str, n_train: int, random_state: int) -> Split:
    """Give the data of a name: ``"digits"``, or ``"cifar100"``, whose division is fixed.

    Raises
    ------
    ValueError
        If the name is another one.
    """
    if data == "digits":
        return digits_split(n_train, random_state)
    if data == "cifar100":
        return cifar_split()
    raise ValueError(f"data must be 'digits' or 'cifar100', got {data!r}")


@dataclass(frozen=True)
class Setting:
    """What a network is trained with.

    Attributes
    ----------
    epochs : int
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

    epochs: int
    concentration: float | None = 1.0
    loss: Loss = "cross_entropy"
    frozen_frame: bool = False
    data: str = "digits"

    def __post_init__(self) -> None:
        if self.concentration is not None and not self.concentration > 0:
            raise ValueError(f"concentration must be above 0, or None for no mixup; got {self.concentration}")


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


@dataclass(frozen=True, eq=False)
class Trained:
    """A network in evaluation mode, to which inputs can be given.

    Attributes
    ----------
    network : HeadedNetwork
    normalise : Augmentation or None
        What is done to uint8 images first.
    """

    network: HeadedNetwork
    normalise: Augmentation | None

    def classifier(self) -> Floats:
        """Weights of the head, shape (10, d)."""
        return np.asarray(self.network.head.product().detach().double().cpu().numpy())

    def prepared(self, inputs: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Give inputs as the network sees them, float32: images normalised, digits as they are."""
        import torch

        if self.normalise is None:
            return inputs.astype(np.float32)
        images = torch.from_numpy(inputs)
        return np.ascontiguousarray(self.normalise(images, []).numpy())

    def outputs(self, prepared: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
        """Features, shape (n, d), and logits, shape (n, 10), of inputs that are prepared."""
        import torch

        self.network.eval()
        where = next(self.network.parameters()).device
        with torch.no_grad():
            parts = [
                [part.double().cpu().numpy() for part in self.network(batch.to(where))]
                for batch in torch.split(torch.from_numpy(prepared), MEASURING_BATCH)
            ]
        features, logits = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return features, logits


def simplex_rows(n_classes: int, n_features: int, norm: float, generator: torch.Generator) -> Tensor:
    """Draw a rotated simplex frame as a float32 tensor of shape (n_classes, n_features)."""
    import torch

    axes = torch.linalg.qr(torch.randn(n_features, n_classes, generator=generator, dtype=torch.float64))[0]
    frame = torch.eye(n_classes, dtype=torch.float64) - 1.0 / n_classes
    rows: Tensor = norm * (n_classes / (n_classes - 1)) ** 0.5 * frame @ axes.T
    return rows.float()


def _schedule(setting: Setting) -> Schedule:
    from repro.training import Schedule

    if setting.data == "digits":
        return Schedule(setting.epochs, 1e-3, "adamw", batch_size=BATCH, weight_decay=0.01)
    return Schedule(setting.epochs, 0.1, "sgd", milestones=(0.5, 0.75), batch_size=BATCH, weight_decay=5e-4)


def train_with_mixup(
    setting: Setting,
    split: Split,
    seed: np.random.SeedSequence,
    *,
    watch: Callable[[int, Trained], None] | None = None,
    watch_every: int = 0,
    device: str = "cpu",
    checkpoint: Path | None = None,
) -> Trained:
    """Train a network with a linear head without bias, with or without mixup.

    AdamW with step size 1e-3 and weight decay 0.01 for digits; SGD with 0.1, momentum 0.9 and 5e-4 for images, which
    are cropped and flipped too. Batches of 128; the step size falls to a tenth twice.

    Parameters
    ----------
    setting : Setting
    split : Split
        Only its training part is used.
    seed : SeedSequence
        Draws initial weights, order of rows and mixes.
    watch : callable or None
        ``watch(epochs, trained)`` after every `watch_every` epochs and at the end.
    watch_every : int, default=0
    device : "auto", "cpu" or "cuda", default="cpu"
    checkpoint : Path or None
        File from which an interrupted training continues.

    Returns
    -------
    Trained
    """
    import torch

    from repro.training import (
        Augmentation,
        CropFlipRotate,
        HeadedNetwork,
        LinearHead,
        ResNet18,
        feature_mlp,
        torch_device,
        train,
    )

    where = torch_device(device)
    if where.type == "cpu":
        torch.set_num_threads(1)
    of_weights, of_order, of_mixes = (int(state) for state in seed.generate_state(3))
    draws = torch.Generator().manual_seed(of_weights)
    augmentation = normalise = None
    backbone: nn.Module
    if setting.data == "digits":
        inputs = torch.from_numpy(split.inputs).float()
        backbone, n_features = feature_mlp(inputs.shape[1], [WIDTH] * 3, generator=draws), WIDTH
    else:
        inputs = torch.from_numpy(split.inputs)
        images = ResNet18(generator=draws)
        backbone, n_features = images, images.n_features
        augmentation = Augmentation([CropFlipRotate()], CIFAR_MEAN, CIFAR_DEVIATION)
        normalise = Augmentation([], CIFAR_MEAN, CIFAR_DEVIATION)
    head = LinearHead(n_features, N_CLASSES, generator=draws)
    if setting.frozen_frame:
        (weight,) = head.weights()
        weight.data.copy_(simplex_rows(N_CLASSES, n_features, FRAME_NORM, draws))
        weight.requires_grad_(False)
    network = HeadedNetwork(backbone, head)
    mixup = Mixup(setting.concentration, setting.loss, FRAME_LAMBDA_H if setting.frozen_frame else 0.0, of_mixes)
    mixup.attach(network)
    network.to(where)
    trained = Trained(network, normalise)
    train(
        network,
        inputs.to(where),
        torch.from_numpy(split.labels).to(where),
        mixup,
        _schedule(setting),
        augmentation=augmentation,
        generator=torch.Generator().manual_seed(of_order),
        watch=None if watch is None else lambda done, _: watch(done, trained),
        watch_every=watch_every,
        checkpoint=checkpoint,
        checkpoint_every=10,
    )
    return trained
