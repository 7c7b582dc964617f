"""Losses for long-tailed training sets. All take logits and labels, as PyTorch's own do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

Counts = Sequence[int] | npt.NDArray[np.integer]
TINY = 1e-9


def class_frequencies(counts: Counts) -> Tensor:
    """Shares of the classes in the training set.

    Parameters
    ----------
    counts : sequence of int of shape (C,)
        Training images of every class.

    Returns
    -------
    Tensor of shape (C,), float64

    Raises
    ------
    ValueError
        If there is no class, a count is not whole, or a class has no image (it is named).
    """
    sizes = np.asarray(counts)
    if sizes.ndim != 1 or not len(sizes) or not np.issubdtype(sizes.dtype, np.integer):
        raise ValueError(
            f"counts must be a non-empty one-dimensional sequence of whole numbers, got {type(counts).__name__} of "
            f"shape {sizes.shape} and type {sizes.dtype}"
        )
    if sizes.min() < 1:
        empty = np.flatnonzero(sizes < 1)
        raise ValueError(f"every class needs at least one image; classes {empty.tolist()} have {sizes[empty].tolist()}")
    return torch.from_numpy(sizes.astype(np.float64) / float(sizes.sum()))


def inverse_frequencies(frequencies: Tensor) -> Tensor:
    """Give the frequencies to the classes in reverse rank: the rarest class receives the largest value.

    Parameters
    ----------
    frequencies : Tensor of shape (C,)

    Returns
    -------
    Tensor of shape (C,)
        The class of rank r (ascending, ties in order of the classes) receives the value of rank C - 1 - r.
    """
    order = torch.argsort(frequencies, stable=True)
    inverse = torch.empty_like(frequencies)
    inverse[order] = frequencies[order.flip(0)]
    return inverse


def check_logits(logits: Tensor, labels: Tensor, n_classes: int, *, experts: int | None = None) -> None:
    """Raise ValueError unless logits and labels fit together and to the number of classes.

    Parameters
    ----------
    logits : Tensor
        Of shape (n, C), or (n, experts, C) where `experts` is given.
    labels : Tensor
        Of shape (n,).
    n_classes : int
    experts : int or None, default=None
    """
    shape = (len(labels), n_classes) if experts is None else (len(labels), experts, n_classes)
    if logits.shape != shape:
        raise ValueError(
            f"logits must have shape {shape} for {len(labels)} labels and the {n_classes} classes of counts, got "
            f"{tuple(logits.shape)}"
        )


class CrossEntropy(nn.Module):
    """Mean cross-entropy; for several experts the sum over them.

    Parameters
    ----------
    counts : sequence of int of shape (C,)
    """

    def __init__(self, counts: Counts) -> None:
        super().__init__()
        self.n_classes = len(class_frequencies(counts))

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Scalar loss of logits of shape (n, C) or (n, experts, C) and labels of shape (n,)."""
        experts = logits.shape[1] if logits.ndim == 3 else None
        check_logits(logits, labels, self.n_classes, experts=experts)
        return _cross_entropy(logits, labels)


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    if logits.ndim == 2:
        return functional.cross_entropy(logits, labels)
    experts = logits.shape[1]
    repeated = labels[:, None].expand(-1, experts).reshape(-1)
    return experts * functional.cross_entropy(logits.flatten(0, 1), repeated)


class BalancedSoftmax(nn.Module):
    r"""Cross-entropy of :math:`z + \log \pi` (Ren et al. 2020); for several experts the sum over them.

    Parameters
    ----------
    counts : sequence of int of shape (C,)
        Training images of every class; :math:`\pi` are their shares.
    """

    log_prior: Tensor

    def __init__(self, counts: Counts) -> None:
        super().__init__()
        frequencies = class_frequencies(counts)
        self.register_buffer("log_prior", torch.log(frequencies + TINY).float())

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Scalar loss of logits of shape (n, C) or (n, experts, C) and labels of shape (n,)."""
        experts = logits.shape[1] if logits.ndim == 3 else None
        check_logits(logits, labels, len(self.log_prior), experts=experts)
        return _cross_entropy(logits + self.log_prior, labels)


class SadeLoss(nn.Module):
    r"""Sum of the losses of three experts with different skills (Zhang et al. 2022).

    The first sees the plain cross-entropy, the second :math:`z + \log \pi` and the third
    :math:`z + \log \pi - \tau \log \bar\pi`, where :math:`\bar\pi` has the frequencies in reverse rank.

    Parameters
    ----------
    counts : sequence of int of shape (C,)
    tau : float, default=2
        :math:`\tau`; at test the third expert behaves as if the prior were :math:`\bar\pi^\tau`, normalised.

    Attributes
    ----------
    shifts : Tensor of shape (3, C)
        What is added to the logits of each expert in training.

    Raises
    ------
    ValueError
        If counts are no valid class sizes or tau is negative.
    """

    shifts: Tensor

    def __init__(self, counts: Counts, tau: float = 2.0) -> None:
        super().__init__()
        if not tau >= 0:
            raise ValueError(f"tau must be a number of at least 0, got {tau}")
        frequencies = class_frequencies(counts)
        balanced = torch.log(frequencies + TINY)
        backward = balanced - tau * torch.log(inverse_frequencies(frequencies) + TINY)
        self.register_buffer("shifts", torch.stack([torch.zeros_like(balanced), balanced, backward]).float())

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Scalar loss of logits of shape (n, 3, C) and labels of shape (n,)."""
        check_logits(logits, labels, self.shifts.shape[1], experts=3)
        return _cross_entropy(logits + self.shifts, labels)
