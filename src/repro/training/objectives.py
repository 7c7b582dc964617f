"""Losses with penalties on the head and on the features, as in unconstrained-feature models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from repro.training.networks import LinearHead

Loss = Literal["mse", "cross_entropy"]


class PenalisedObjective:
    r"""Mean loss with penalties on the matrices of a linear head and on the features of all rows.

    .. math:: f = L + \sum_j \tfrac{\lambda_j}{2} \|W_j\|_F^2 + \tfrac{\lambda_H}{2} \|H\|_F^2,

    where H holds the features of all N rows and L is either :math:`\|Z - Y\|_F^2 / (2N)` for logits Z and one-hot
    labels Y, or the mean cross-entropy. A bias of the head is not penalised.

    Parameters
    ----------
    loss : "mse" or "cross_entropy"
    lambda_W : sequence of float
        One penalty for each layer of the head, W_1 first; not negative.
    lambda_H : float
        Not negative.
    n_samples : int or None, default=None
        N, for batches: the penalty of a batch stands for that of all rows. None: the rows that are given are all.

    Raises
    ------
    ValueError
        For an unknown loss or negative penalties.
    """

    def __init__(self, loss: Loss, *, lambda_W: Sequence[float], lambda_H: float, n_samples: int | None = None) -> None:
        if loss not in get_args(Loss):
            raise ValueError(f"loss must be one of {get_args(Loss)}, got {loss!r}")
        if min(lambda_W, default=-1.0) < 0 or lambda_H < 0:
            raise ValueError(
                f"lambda_W must hold a number for each layer and lambda_H one, none negative; got {list(lambda_W)} and "
                f"{lambda_H}"
            )
        self.loss: Loss = loss
        self.lambda_W = tuple(lambda_W)
        self.lambda_H = lambda_H
        self.n_samples = n_samples

    def data_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean loss L of logits of shape (n, K) and labels of shape (n,), int64."""
        if self.loss == "cross_entropy":
            return functional.cross_entropy(logits, labels)
        targets = functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
        return ((logits - targets) ** 2).sum() / (2 * len(labels))

    def __call__(self, features: Tensor, logits: Tensor, labels: Tensor, head: LinearHead) -> Tensor:
        """Value f, a scalar tensor.

        Parameters
        ----------
        features : Tensor of shape (n, d)
        logits : Tensor of shape (n, K)
        labels : Tensor of shape (n,), int64
        head : LinearHead

        Raises
        ------
        ValueError
            If the head has another number of layers than there are penalties.
        """
        weights = head.weights()
        if len(weights) != len(self.lambda_W):
            raise ValueError(f"the head has {len(weights)} layers, lambda_W has {len(self.lambda_W)} penalties")
        share = 1.0 if self.n_samples is None else self.n_samples / len(labels)
        penalty = self.lambda_H * share * (features**2).sum()
        for size, weight in zip(self.lambda_W, weights, strict=True):
            penalty = penalty + size * (weight**2).sum()
        return self.data_loss(logits, labels) + 0.5 * torch.as_tensor(penalty)
