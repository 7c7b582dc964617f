"""Losses for long-tailed training sets. All take logits and labels, as PyTorch's own do.

Logits may have any floating type; those in half precision are computed with in single precision, which is what
automatic mixed precision does with PyTorch's own losses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.ground.checks import not_negative, positive_number, share, whole_number
from repro.ground.exceptions import UnknownName

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

    Examples
    --------
    >>> class_frequencies([90, 10]).tolist()
    [0.9, 0.1]
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

    Examples
    --------
    >>> inverse_frequencies(class_frequencies([60, 30, 10])).tolist()
    [0.1, 0.3, 0.6]
    """
    order = torch.argsort(frequencies, stable=True)
    inverse = torch.empty_like(frequencies)
    inverse[order] = frequencies[order.flip(0)]
    return inverse


def check_logits(logits: Tensor, labels: Tensor, n_classes: int, *, experts: int | None = None) -> None:
    """Refuse logits and labels that do not fit together or to the number of classes.

    Parameters
    ----------
    logits : Tensor
        Of shape (n, C), or (n, experts, C) where `experts` is given.
    labels : Tensor
        Of shape (n,), int64.
    n_classes : int
    experts : int or None, default=None

    Raises
    ------
    TypeError
        If labels are not int64.
    ValueError
        If a shape is another one, there is no image, or a label lies outside [0, C). Labels are looked at on the
        processor and not in compiled code; on an accelerator, where that would wait for all work in flight,
        PyTorch's own assertion stops the process.
    """
    if labels.dtype != torch.int64:
        raise TypeError(f"labels must be of type torch.int64, got {labels.dtype}")
    if labels.ndim != 1 or not len(labels):
        raise ValueError(f"labels must be a non-empty vector, got shape {tuple(labels.shape)}")
    shape = (len(labels), n_classes) if experts is None else (len(labels), experts, n_classes)
    if logits.shape != shape:
        raise ValueError(
            f"logits must have shape {shape} for {len(labels)} labels and the {n_classes} classes of counts, got "
            f"{tuple(logits.shape)}"
        )
    if labels.device.type == "cpu" and not torch.compiler.is_compiling():
        wrong = labels[(labels < 0) | (labels >= n_classes)]
        if len(wrong):
            raise ValueError(
                f"labels must lie between 0 and {n_classes - 1}, got {len(wrong)} outside, such as {int(wrong[0])}"
            )


def _checked(logits: Tensor, labels: Tensor, n_classes: int, *, experts: int | None = None) -> Tensor:
    """Check logits and give them in the precision to compute in: single where they come in half, else their own.

    They have shape (n, C) or, of any number of experts unless it is given, (n, experts, C).
    """
    if experts is None and logits.ndim == 3:
        experts = logits.shape[1]
    check_logits(logits, labels, n_classes, experts=experts)
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits


class CrossEntropy(nn.Module):
    """Mean cross-entropy; for several experts the sum over them.

    Parameters
    ----------
    counts : sequence of int of shape (C,)

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> labels = torch.tensor([0, 1])
    >>> round(CrossEntropy([90, 10])(logits, labels).item(), 3)
    0.22
    """

    def __init__(self, counts: Counts) -> None:
        super().__init__()
        self.n_classes = len(class_frequencies(counts))

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Scalar loss of logits of shape (n, C) or (n, experts, C) and labels of shape (n,)."""
        logits = _checked(logits, labels, self.n_classes)
        return _cross_entropy(logits, labels)


def _by_rows(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, int]:
    """Logits of shape (n * experts, C), the label of each row, and the number of experts."""
    if logits.ndim == 2:
        return logits, labels, 1
    experts = logits.shape[1]
    return logits.flatten(0, 1), labels[:, None].expand(-1, experts).reshape(-1), experts


def _cross_entropy(logits: Tensor, labels: Tensor, weight: Tensor | None = None) -> Tensor:
    """Sum over the experts of the mean cross-entropy; weighted as PyTorch does, by the sum of the weights."""
    rows, targets, experts = _by_rows(logits, labels)
    loss = functional.cross_entropy(rows, targets, weight=None if weight is None else weight.to(rows.dtype))
    return experts * loss if experts > 1 else loss


class BalancedSoftmax(nn.Module):
    r"""Cross-entropy of :math:`z + \log \pi` (Ren et al. 2020); for several experts the sum over them.

    Parameters
    ----------
    counts : sequence of int of shape (C,)
        Training images of every class; :math:`\pi` are their shares.

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> labels = torch.tensor([0, 1])
    >>> round(BalancedSoftmax([90, 10])(logits, labels).item(), 3)
    0.738
    """

    log_prior: Tensor

    def __init__(self, counts: Counts) -> None:
        super().__init__()
        frequencies = class_frequencies(counts)
        self.register_buffer("log_prior", torch.log(frequencies + TINY).float())

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Scalar loss of logits of shape (n, C) or (n, experts, C) and labels of shape (n,)."""
        logits = _checked(logits, labels, len(self.log_prior))
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

    Examples
    --------
    >>> import torch
    >>> experts = torch.tensor([[[2.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])  # one image, three experts, two classes
    >>> round(SadeLoss([90, 10])(experts, torch.tensor([0])).item(), 3)
    0.171
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
        logits = _checked(logits, labels, self.shifts.shape[1], experts=3)
        return _cross_entropy(logits + self.shifts, labels)


def effective_number_weights(counts: Counts, beta: float = 0.9999) -> Tensor:
    r"""Weights of the classes by their effective number of images (Cui et al. 2019).

    :math:`w_c \propto (1 - \beta) / (1 - \beta^{n_c})`, scaled to sum C: all 1 at :math:`\beta = 0`, near
    :math:`1 / n_c` for :math:`\beta` near 1.

    Parameters
    ----------
    counts : sequence of int of shape (C,)
    beta : float, default=0.9999
        At least 0 and below 1.

    Returns
    -------
    Tensor of shape (C,), float64

    Raises
    ------
    TypeError
        If beta is no number.
    ValueError
        If counts are no valid class sizes or beta is out of range.

    Examples
    --------
    >>> effective_number_weights([90, 10], beta=0.99).round(decimals=3).tolist()
    [0.277, 1.723]
    """
    class_frequencies(counts)
    if share("beta", beta) == 1:
        raise ValueError(f"beta must be below 1, got {beta}")
    sizes = torch.from_numpy(np.asarray(counts).astype(np.float64))
    # 1 - beta^n without cancellation
    weights = 1 / -torch.expm1(sizes * math.log(beta)) if beta > 0 else torch.ones_like(sizes)
    return weights * (len(weights) / weights.sum())


def deferred_weights(counts: Counts, epoch: int, start: int = 160, beta: float = 0.9999) -> Tensor:
    """Weights of deferred re-weighting (Cao et al. 2019): 1 for all before an epoch, by effective number from it on.

    Parameters
    ----------
    counts : sequence of int of shape (C,)
    epoch : int
        The epoch that begins, counted from 0.
    start : int, default=160
        The first epoch with weights, also counted from 0.
    beta : float, default=0.9999
        See :func:`effective_number_weights`.

    Returns
    -------
    Tensor of shape (C,), float32

    Raises
    ------
    TypeError, ValueError
        As :func:`effective_number_weights`.

    Examples
    --------
    >>> deferred_weights([90, 10], epoch=0, start=5).tolist()
    [1.0, 1.0]
    >>> deferred_weights([90, 10], epoch=5, start=5, beta=0.99).numpy().round(2)
    array([0.28, 1.72], dtype=float32)
    """
    weights = effective_number_weights(counts, beta).float()
    return weights if epoch >= start else torch.ones_like(weights)


class FocalLoss(nn.Module):
    r"""Mean of :math:`-(1 - p_y)^\gamma \log p_y` (Lin et al. 2017); for several experts the sum over them.

    Parameters
    ----------
    counts : sequence of int of shape (C,)
    gamma : float, default=1
        :math:`\gamma`; 0 is the cross-entropy.

    Raises
    ------
    TypeError
        If gamma is no number.
    ValueError
        If counts are no valid class sizes or gamma is negative.

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> labels = torch.tensor([0, 1])
    >>> round(FocalLoss([90, 10], gamma=2.0)(logits, labels).item(), 3)
    0.012
    """

    def __init__(self, counts: Counts, gamma: float = 1.0) -> None:
        super().__init__()
        self.n_classes = len(class_frequencies(counts))
        self.gamma = not_negative("gamma", gamma)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Scalar loss of logits of shape (n, C) or (n, experts, C) and labels of shape (n,)."""
        logits = _checked(logits, labels, self.n_classes)
        rows, targets, experts = _by_rows(logits, labels)
        entropy = functional.cross_entropy(rows, targets, reduction="none")
        # the power of a 0 has no finite slope for gamma below 1
        missing = (-torch.expm1(-entropy)).clamp_min(TINY)
        return experts * (missing**self.gamma * entropy).mean()


class ClassBalancedLoss(nn.Module):
    r"""Cross-entropy with weights by the effective number of images (Cui et al. 2019); for several experts the sum.

    The mean is weighted as PyTorch's: :math:`\sum_i w_{y_i} \ell_i / \sum_i w_{y_i}` over the batch.

    Parameters
    ----------
    counts : sequence of int of shape (C,)
    beta : float, default=0.9999
        See :func:`effective_number_weights`.

    Attributes
    ----------
    class_weights : Tensor of shape (C,)

    Raises
    ------
    TypeError
        If beta is no number.
    ValueError
        If counts are no valid class sizes or beta is out of range.

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> labels = torch.tensor([0, 1])
    >>> round(ClassBalancedLoss([90, 10], beta=0.99)(logits, labels).item(), 3)
    0.287
    """

    class_weights: Tensor

    def __init__(self, counts: Counts, beta: float = 0.9999) -> None:
        super().__init__()
        self.register_buffer("class_weights", effective_number_weights(counts, beta).float())

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Scalar loss of logits of shape (n, C) or (n, experts, C) and labels of shape (n,)."""
        logits = _checked(logits, labels, len(self.class_weights))
        return _cross_entropy(logits, labels, self.class_weights)


class LDAMLoss(nn.Module):
    r"""Label-distribution-aware margin loss (Cao et al. 2019); for several experts the sum over them.

    Cross-entropy of :math:`s (z_j - [j = y] m_y)` with margins :math:`m_c \propto n_c^{-1/4}`, the largest for the
    rarest class. The mean is weighted as PyTorch's: divided by the sum of the weights in the batch.

    Parameters
    ----------
    counts : sequence of int of shape (C,)
    max_margin : float, default=0.5
        Margin of the rarest class.
    scale : float, default=30
        s.
    weights : sequence of float of shape (C,), optional
        Weights of the classes; None: 1 for all.
    reweight_from : int or None, default=None
        First epoch, counted from 0, with :func:`deferred_weights`; the training loop says the epoch by
        :meth:`set_epoch`. LDAM-DRW uses 160 of 200. None: the weights stay as they are.
    beta : float, default=0.9999
        Of the deferred weights.
    logits_scaled : bool, default=False
        False: logits are cosines, s multiplies them. True: they are s times cosines already, as from
        :class:`repro.training.CosineClassifier` with the same scale; only the margin is multiplied.

    Attributes
    ----------
    margins : Tensor of shape (C,)
    class_weights : Tensor of shape (C,)
        In force.

    Raises
    ------
    TypeError
        If a setting is no number.
    ValueError
        If counts are no valid class sizes, a setting is out of range, weights are not C positive numbers, or both
        `weights` and `reweight_from` are given.

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> labels = torch.tensor([0, 1])
    >>> round(LDAMLoss([90, 10], scale=3.0)(logits, labels).item(), 3)
    0.104
    """

    margins: Tensor
    class_weights: Tensor
    _deferred: Tensor

    def __init__(
        self,
        counts: Counts,
        max_margin: float = 0.5,
        scale: float = 30.0,
        weights: Sequence[float] | Tensor | None = None,
        *,
        reweight_from: int | None = None,
        beta: float = 0.9999,
        logits_scaled: bool = False,
    ) -> None:
        super().__init__()
        rarity = class_frequencies(counts) ** -0.25
        self.scale = positive_number("scale", scale)
        self.logits_scaled = logits_scaled
        self.reweight_from = None if reweight_from is None else whole_number("reweight_from", reweight_from, at_least=0)
        margins = rarity * (not_negative("max_margin", max_margin) / rarity.max())
        self.register_buffer("margins", margins.float())
        if weights is not None and reweight_from is not None:
            raise ValueError("give either weights or reweight_from, not both")
        given = torch.ones(len(rarity)) if weights is None else torch.as_tensor(weights, dtype=torch.float32)
        if given.shape != (len(rarity),) or not bool(((given > 0) & given.isfinite()).all()):
            raise ValueError(f"weights must be {len(rarity)} positive numbers, one for each class, got {weights!r}")
        self.register_buffer("class_weights", given.clone())
        self.register_buffer("_deferred", effective_number_weights(counts, beta).float(), persistent=False)

    def set_epoch(self, epoch: int) -> None:
        """Take the weights of an epoch, counted from 0."""
        if self.reweight_from is not None:
            late = epoch >= self.reweight_from
            self.class_weights.copy_(self._deferred if late else torch.ones_like(self._deferred))

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Scalar loss of logits of shape (n, C) or (n, experts, C) and labels of shape (n,)."""
        logits = _checked(logits, labels, len(self.margins))
        rows, targets, experts = _by_rows(logits if self.logits_scaled else self.scale * logits, labels)
        margins = self.scale * functional.one_hot(targets, len(self.margins)) * self.margins
        return experts * functional.cross_entropy(rows - margins, targets, weight=self.class_weights.to(rows.dtype))


class LogitAdjustedLoss(nn.Module):
    r"""Cross-entropy of :math:`z + \tau \log \pi` (Menon et al. 2021); for several experts the sum over them.

    At :math:`\tau = 1` it is :class:`BalancedSoftmax`.

    Parameters
    ----------
    counts : sequence of int of shape (C,)
    tau : float, default=1
        :math:`\tau`, at least 0.

    Raises
    ------
    TypeError
        If tau is no number.
    ValueError
        If counts are no valid class sizes or tau is negative.

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> labels = torch.tensor([0, 1])
    >>> round(LogitAdjustedLoss([90, 10], tau=1.0)(logits, labels).item(), 3)
    0.738
    """

    shift: Tensor

    def __init__(self, counts: Counts, tau: float = 1.0) -> None:
        super().__init__()
        strength = not_negative("tau", tau)
        self.register_buffer("shift", (strength * torch.log(class_frequencies(counts) + TINY)).float())

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Scalar loss of logits of shape (n, C) or (n, experts, C) and labels of shape (n,)."""
        logits = _checked(logits, labels, len(self.shift))
        return _cross_entropy(logits + self.shift, labels)


class LADELoss(nn.Module):
    r"""Label-distribution disentangling loss (Hong et al. 2021); for several experts the sum over them.

    Balanced softmax plus :math:`\alpha L`, where, with T the mean logit of a class over its own images (0 if it has
    none in the batch) and N the size of the batch,

    .. math:: L = -\sum_c \pi_c \left(T_c - S_c - \lambda S_c^2\right), \quad
        S_c = \log \frac1N \sum_i \exp(z_{ic} - \log \pi_c - \log C).

    Unlike the other losses it is not the same after a constant is added to all logits of an image. At test
    :math:`z + \log \pi_{test}` is used.

    Parameters
    ----------
    counts : sequence of int of shape (C,)
    alpha : float, default=0.1
        :math:`\alpha`.
    lam : float, default=0.1
        :math:`\lambda`.

    Raises
    ------
    TypeError
        If a setting is no number.
    ValueError
        If counts are no valid class sizes or a setting is negative.

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> labels = torch.tensor([0, 1])
    >>> round(LADELoss([90, 10])(logits, labels).item(), 3)
    0.658
    """

    prior: Tensor
    log_prior: Tensor

    def __init__(self, counts: Counts, alpha: float = 0.1, lam: float = 0.1) -> None:
        super().__init__()
        self.alpha, self.lam = not_negative("alpha", alpha), not_negative("lam", lam)
        frequencies = class_frequencies(counts)
        self.register_buffer("prior", frequencies.float())
        self.register_buffer("log_prior", torch.log(frequencies + TINY).float())

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Scalar loss of logits of shape (n, C) or (n, experts, C) and labels of shape (n,)."""
        n_classes = len(self.prior)
        logits = _checked(logits, labels, n_classes)
        by_expert = logits.reshape(len(labels), -1, n_classes)
        own = functional.one_hot(labels, n_classes).to(logits.dtype)
        means = torch.einsum("nkc,nc->kc", by_expert, own) / own.sum(dim=0).clamp_min(1)
        spread = torch.logsumexp(by_expert, dim=0) - self.log_prior - math.log(n_classes * len(labels))
        regulariser = -(self.prior * (means - spread - self.lam * spread**2)).sum()
        return _cross_entropy(logits + self.log_prior, labels) + self.alpha * regulariser


def expert_diversity(logits: Tensor, temperatures: Tensor | float = 1.0) -> Tensor:
    r"""How far the experts are from their mean, as RIDE rewards it (Wang et al. 2021).

    :math:`\sum_k \bar T^2 \, \mathrm{KL}(\mathrm{softmax}(\bar z / T) \,\|\, \mathrm{softmax}(z^k / T))`, the mean over
    images, where :math:`\bar z` is the mean of the experts' logits. Of all distributions in place of the first the
    sum is smallest there, so that no gradient flows through :math:`\bar z`.

    Parameters
    ----------
    logits : Tensor of shape (n, experts, C)
    temperatures : Tensor of shape (C,) or float, default=1
        T of every class, or of all; :math:`\bar T` is their mean.

    Returns
    -------
    Tensor
        Scalar, not negative.

    Examples
    --------
    >>> import torch
    >>> alike = torch.zeros(3, 4, 2)
    >>> expert_diversity(alike)
    tensor(0.)
    """
    divisor = torch.as_tensor(temperatures, dtype=logits.dtype, device=logits.device)
    means = functional.log_softmax(logits.detach().mean(dim=1, keepdim=True) / divisor, dim=2)
    experts = functional.log_softmax(logits / divisor, dim=2)
    return divisor.mean() ** 2 * (means.exp() * (means - experts)).sum() / len(logits)


class RideLoss(nn.Module):
    r"""First-stage loss of RIDE (Wang et al. 2021) for several experts.

    The sum over experts of :class:`LDAMLoss` plus `diversity` times :func:`expert_diversity`. From the epoch
    `reweight_from` on LDAM has :func:`deferred_weights`, and class c the temperature
    :math:`T (C \pi_c g + 1 - g) / \max_d (C \pi_d g + 1 - g)` with g the `temperature_spread`; before, T for all.

    Parameters
    ----------
    counts : sequence of int of shape (C,)
    max_margin, scale : float, default=0.5 and 30
        Of LDAM. The logits are `scale` times cosines already, as from :class:`repro.training.CosineClassifier`.
    diversity : float, default=-0.45
        Negative: distance from the mean of the experts is rewarded.
    temperature : float, default=1
        T.
    temperature_spread : float, default=0.05
        g, between 0 and 1.
    reweight_from : int or None, default=160
        First epoch, counted from 0, with weights and temperatures of the classes; None: never. The training loop says
        the epoch by :meth:`set_epoch`.
    beta : float, default=0.9999
        Of the weights.

    Attributes
    ----------
    temperatures : Tensor of shape (C,)
        In force.

    Raises
    ------
    TypeError
        If a setting is no number.
    ValueError
        If counts are no valid class sizes or a setting is out of range.

    Examples
    --------
    >>> import torch
    >>> experts = torch.tensor([[[0.2, 0.0], [0.1, 0.0], [0.0, 0.1]]])  # one image, three experts, two classes
    >>> round(RideLoss([90, 10])(experts, torch.tensor([0])).item(), 3)
    25.779
    """

    temperatures: Tensor
    _late_temperatures: Tensor

    def __init__(
        self,
        counts: Counts,
        *,
        max_margin: float = 0.5,
        scale: float = 30.0,
        diversity: float = -0.45,
        temperature: float = 1.0,
        temperature_spread: float = 0.05,
        reweight_from: int | None = 160,
        beta: float = 0.9999,
    ) -> None:
        super().__init__()
        self.margin_loss = LDAMLoss(
            counts, max_margin, scale, reweight_from=reweight_from, beta=beta, logits_scaled=True
        )
        if not math.isfinite(diversity):
            raise ValueError(f"diversity must be finite, got {diversity}")
        self.diversity = float(diversity)
        self.temperature = positive_number("temperature", temperature)
        spread = share("temperature_spread", temperature_spread)
        if spread == 1:
            raise ValueError(f"temperature_spread must be below 1, got {temperature_spread}")
        frequencies = class_frequencies(counts)
        shape = len(frequencies) * frequencies * spread + 1 - spread
        self.register_buffer("temperatures", torch.full((len(shape),), self.temperature))
        self.register_buffer("_late_temperatures", (self.temperature * shape / shape.max()).float(), persistent=False)

    def set_epoch(self, epoch: int) -> None:
        """Take weights and temperatures of an epoch, counted from 0."""
        self.margin_loss.set_epoch(epoch)
        start = self.margin_loss.reweight_from
        if start is not None and epoch >= start:
            self.temperatures.copy_(self._late_temperatures)
        else:
            self.temperatures.fill_(self.temperature)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Scalar loss of logits of shape (n, experts, C) and labels of shape (n,)."""
        if logits.ndim != 3:
            raise ValueError(f"logits must have shape (n, experts, C), got {tuple(logits.shape)}")
        logits = _checked(logits, labels, len(self.temperatures))
        loss: Tensor = self.margin_loss(logits, labels)
        return loss + self.diversity * expert_diversity(logits, self.temperatures)


LOSSES: Final[Mapping[str, Callable[..., nn.Module]]] = {
    "cross_entropy": CrossEntropy,
    "focal": FocalLoss,
    "class_balanced": ClassBalancedLoss,
    "ldam": LDAMLoss,
    "balanced_softmax": BalancedSoftmax,
    "logit_adjustment": LogitAdjustedLoss,
    "lade": LADELoss,
    "ride": RideLoss,
    "sade": SadeLoss,
}


def make_loss(name: str, counts: Counts, **options: Any) -> nn.Module:
    """Make a loss by its name.

    Parameters
    ----------
    name : str
        One of "cross_entropy", "focal", "class_balanced", "ldam", "balanced_softmax", "logit_adjustment", "lade",
        "ride" and "sade".
    counts : sequence of int of shape (C,)
        Training images of every class.
    **options
        Further arguments of the class.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    UnknownName
        If there is no such loss.
    TypeError
        If the loss has no such option.
    ValueError
        If counts or options are not valid.

    Examples
    --------
    >>> import torch
    >>> logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> labels = torch.tensor([0, 1])
    >>> round(make_loss("focal", [90, 10], gamma=2.0)(logits, labels).item(), 3)
    0.012
    """
    if name not in LOSSES:
        raise UnknownName("loss", str(name), LOSSES)
    return LOSSES[name](counts, **options)
