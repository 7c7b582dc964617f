"""Training on mixes of rows, and the simplex frame that a classifier may be frozen to."""

from __future__ import annotations

from typing import Final, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.ground.checks import not_negative, positive_number, whole_number
from repro.training.networks import LinearHead
from repro.training.objectives import Loss

COUNTER: Final = "mixed_batches"
"""Name of the buffer in which a network counts its batches."""


class Mixup:
    r"""Mixes the rows of every training batch with the same rows in random order (Zhang et al. 2018).

    .. math:: \tilde x = t x_i + (1 - t) x_j, \qquad \tilde y = t y_i + (1 - t) y_j, \qquad t \sim \mathrm{Beta}(a, a),

    with one-hot y. Attached to a network it changes what goes into it, in training mode only; as an objective it
    compares the outputs with the classes mixed in the same way. Draws depend on the seed and on the number of batches
    before, which is part of the network's state, so that a resumed training goes on with the same draws.

    Parameters
    ----------
    concentration : float or None
        a, from which every row draws its own t; None for no mixing.
    loss : "cross_entropy" or "mse", default="cross_entropy"
        Squared error is half the sum over classes.
    lambda_H : float, default=0
        The mean squared norm of the features counts half of this.
    seed : int, default=0

    Raises
    ------
    TypeError
        If a number is none.
    ValueError
        If the concentration is not positive, the penalty or the seed is negative, or there is no such loss.

    Examples
    --------
    >>> import torch
    >>> from repro.training import HeadedNetwork, LinearHead, feature_mlp
    >>> network = HeadedNetwork(feature_mlp(4, [8]), LinearHead(8, 3))
    >>> mixup = Mixup(0.2)
    >>> mixup.attach(network)
    >>> features, logits = network(torch.zeros(5, 4))
    >>> loss = mixup(features, logits, torch.tensor([0, 1, 2, 1, 0]), network.head)
    """

    def __init__(
        self, concentration: float | None, loss: Loss = "cross_entropy", lambda_H: float = 0.0, seed: int = 0
    ) -> None:
        if concentration is not None:
            positive_number("concentration", concentration)
        if loss not in get_args(Loss):
            raise ValueError(f"loss must be one of {get_args(Loss)}, got {loss!r}")
        self.concentration = concentration
        self.loss: Loss = loss
        self.lambda_H = not_negative("lambda_H", lambda_H)
        self.seed = whole_number("seed", seed, at_least=0)
        self._drawn: tuple[Tensor, Tensor] | None = None

    def attach(self, network: nn.Module) -> None:
        """Let this object change the inputs of a network, which counts its batches from now on.

        Parameters
        ----------
        network : nn.Module
            Called with one tensor of shape (n, ...).

        Raises
        ------
        ValueError
            If the network has such an object already: its rows would be mixed twice.
        """
        if COUNTER in dict(network.named_buffers()):
            raise ValueError(f"network has a buffer {COUNTER!r}: mixup is attached to it already")
        network.register_buffer(COUNTER, torch.zeros((), dtype=torch.int64))
        network.register_forward_pre_hook(self._mix_inputs)

    def draw(self, n: int, batch: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        """Draw what the rows of a batch are mixed with.

        Parameters
        ----------
        n : int
            Rows of the batch.
        batch : int
            How many batches came before.

        Returns
        -------
        partners : ndarray of shape (n,), int
            j for every row i.
        weights : ndarray of shape (n,), float32
            t; all 1 without mixing.
        """
        generator = np.random.default_rng([self.seed, batch])
        if self.concentration is None:
            return np.arange(n), np.ones(n, dtype=np.float32)
        weights = generator.beta(self.concentration, self.concentration, n)
        return generator.permutation(n), weights.astype(np.float32)

    def _mix_inputs(self, network: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        (inputs,) = arguments
        count = network.get_buffer(COUNTER)
        if not network.training:
            return None
        partners, weights = (torch.from_numpy(part).to(inputs.device) for part in self.draw(len(inputs), int(count)))
        count += 1
        self._drawn = partners, weights
        if self.concentration is None:
            return None
        t = weights.view(-1, *[1] * (inputs.ndim - 1))
        return (t * inputs + (1 - t) * inputs[partners],)

    def __call__(self, features: Tensor, logits: Tensor, labels: Tensor, head: LinearHead | None) -> Tensor:
        """Objective of the batch that was mixed last, a scalar tensor.

        Parameters
        ----------
        features : Tensor of shape (n, d)
        logits : Tensor of shape (n, K)
        labels : Tensor of shape (n,), int64
            Of the rows as they were before the mixing.
        head : LinearHead or None
            Not used: nothing but weight decay holds it back.

        Raises
        ------
        RuntimeError
            If no batch of as many rows was mixed before: the object is not attached, or the network does not train.
        """
        if self._drawn is None or len(self._drawn[0]) != len(labels):
            found = "none" if self._drawn is None else f"one of {len(self._drawn[0])}"
            raise RuntimeError(
                f"mixup needs a batch of {len(labels)} rows that went through the network in training mode, found "
                f"{found}; attach it to the network first"
            )
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


def simplex_rows(n_classes: int, n_features: int, norm: float, generator: torch.Generator | None = None) -> Tensor:
    r"""Draw a rotated simplex frame: rows of equal norm with cosines :math:`-1/(K-1)`.

    Parameters
    ----------
    n_classes : int
        K, at least 2.
    n_features : int
        At least K.
    norm : float
        Of every row.
    generator : torch.Generator or None
        Draws the rotation.

    Returns
    -------
    Tensor of shape (n_classes, n_features), float32

    Raises
    ------
    TypeError
        If a number is none.
    ValueError
        If a number is too small.

    Examples
    --------
    >>> rows = simplex_rows(3, 4, 2.0)
    >>> (rows @ rows.T).round(decimals=3)
    tensor([[ 4., -2., -2.],
            [-2.,  4., -2.],
            [-2., -2.,  4.]])
    """
    whole_number("n_classes", n_classes, at_least=2)
    whole_number("n_features", n_features, at_least=n_classes)
    positive_number("norm", norm)
    axes = torch.linalg.qr(torch.randn(n_features, n_classes, generator=generator, dtype=torch.float64))[0]
    frame = torch.eye(n_classes, dtype=torch.float64) - 1.0 / n_classes
    rows: Tensor = norm * (n_classes / (n_classes - 1)) ** 0.5 * frame @ axes.T
    return rows.float()
