"""Networks on the bundled 8x8 digits: training, and what is measured afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from repro.geometry import CollapseMeter, MseOptimum, NearestMeanAgreement
from repro.protocol.experiment import Cell

if TYPE_CHECKING:
    from repro.training.objectives import Loss

Floats = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]

N_CLASSES: Final = 10
WIDTH: Final = 64
BALANCED: Final = (60,) * N_CLASSES
IMBALANCED: Final = (20, 20, 40, 40, 60, 60, 80, 80, 100, 100)
LEARNING_RATE: Final = 2e-3


@cache
def digits(sizes: tuple[int, ...]) -> tuple[Floats, Classes]:
    """Take the first rows of every class of scikit-learn's digits, grey values divided by 16.

    Parameters
    ----------
    sizes : tuple of int
        Rows of the classes 0 to 9.

    Returns
    -------
    inputs : ndarray of shape (n, 64), float64
    labels : ndarray of shape (n,), int64
    """
    from sklearn.datasets import load_digits

    loaded = load_digits()
    rows = np.concatenate([np.flatnonzero(loaded.target == k)[:size] for k, size in enumerate(sizes)])
    return loaded.data[rows] / 16.0, loaded.target[rows].astype(np.int64)


@dataclass(frozen=True)
class Setting:
    """What a network is trained with.

    Attributes
    ----------
    sizes : tuple of int
        Rows of every class.
    n_layers : int
        M, linear layers of the head.
    lam : float
        Penalty of every layer of the head and of the features.
    epochs : int
        Full-batch Adam steps of size 2e-3, a tenth from half and a hundredth from four fifths of them.
    loss : "mse" or "cross_entropy"
    bias : bool
        Whether the last layer has a bias.
    """

    sizes: tuple[int, ...]
    n_layers: int
    lam: float
    epochs: int
    loss: Loss = "mse"
    bias: bool = False


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network as arrays.

    Attributes
    ----------
    features : ndarray of shape (n, 64)
    logits : ndarray of shape (n, 10)
    labels : ndarray of shape (n,)
    W : ndarray of shape (10, 64)
        Product of the layers of the head.
    b : ndarray of shape (10,) or None
    objective : float
        Loss with its penalties.
    """

    features: Floats
    logits: Floats
    labels: Classes
    W: Floats
    b: Floats | None
    objective: float

    def accuracy(self) -> Floats:
        """Share of training rows of every class that the network gets right, shape (10,)."""
        right = self.logits.argmax(axis=1) == self.labels
        return np.array([right[self.labels == k].mean() for k in range(N_CLASSES)])

    def class_means(self) -> Floats:
        """Mean feature of every class, shape (10, 64)."""
        return np.array([self.features[self.labels == k].mean(axis=0) for k in range(N_CLASSES)])

    def measures(self, targets: Sequence[str], optimum: MseOptimum | None = None) -> dict[str, float]:
        """Measures of collapse, `nc4` (agreement with the nearest class mean) among them."""
        meter = CollapseMeter(N_CLASSES, self.features.shape[1])
        meter.update(self.features, self.labels)
        found = meter.compute(self.W, self.b, targets, optimum=optimum)  # type: ignore[arg-type]
        agreement = NearestMeanAgreement(meter.class_means, self.W, self.b)
        agreement.update(self.features)
        return found | {"nc4": agreement.compute()}


Watch = Callable[[int, Trained], None]


def train_on_digits(
    setting: Setting, seed: np.random.SeedSequence, *, watch: Watch | None = None, watch_every: int = 0
) -> Trained:
    """Train a perceptron of three hidden layers of 64 units, a last affine layer and a linear head on digits.

    Parameters
    ----------
    setting : Setting
    seed : SeedSequence
        Draws the initial weights.
    watch : callable or None
        ``watch(epochs, trained)`` after every `watch_every` epochs.
    watch_every : int, default=0

    Returns
    -------
    Trained
    """
    import torch

    from repro.training import HeadedNetwork, LinearHead, PenalisedObjective, Schedule, feature_mlp, train

    torch.set_num_threads(1)
    inputs, labels = (torch.from_numpy(part) for part in digits(setting.sizes))
    inputs = inputs.float()
    draws = torch.Generator().manual_seed(int(seed.generate_state(1)[0]))
    backbone = feature_mlp(inputs.shape[1], [WIDTH] * 4, generator=draws)
    head = LinearHead(WIDTH, N_CLASSES, n_layers=setting.n_layers, bias=setting.bias, generator=draws)
    network = HeadedNetwork(backbone, head)
    objective = PenalisedObjective(setting.loss, lambda_W=[setting.lam] * setting.n_layers, lambda_H=setting.lam)

    def as_arrays() -> Trained:
        with torch.no_grad():
            features, logits = network(inputs)
            value = objective(features.double(), logits.double(), labels, head)
        bias = head.bias()
        return Trained(
            features=features.double().numpy(),
            logits=logits.double().numpy(),
            labels=labels.numpy(),
            W=head.product().detach().double().numpy(),
            b=None if bias is None else bias.detach().double().numpy(),
            objective=float(value),
        )

    train(
        network,
        inputs,
        labels,
        objective,
        Schedule(setting.epochs, LEARNING_RATE),
        watch=None if watch is None else lambda done, _: watch(done, as_arrays()),
        watch_every=watch_every,
    )
    return as_arrays()


def seeds_of(cell: Cell) -> list[tuple[int, np.random.SeedSequence]]:
    """Replicates of a cell: its parameter ``seed``, or 0 to ``seeds`` - 1, each with a seed of its own."""
    count = int(cell.parameters["seeds"] or 0)
    return list(enumerate(cell.seed_sequence().spawn(count)))
