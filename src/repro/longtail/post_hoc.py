r"""Corrections after training: adjusted logits, normalised classifiers, classifiers retrained on balanced classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from repro.ground.arrays import as_array, class_labels, finite_rows
from repro.ground.checks import flag, not_negative, positive_number, share, whole_number
from repro.longtail.priors import checked_prior

Values = TypeVar("Values", NDArray[Any], Tensor)


def adjust_logits(logits: Values, train_prior: Any, test_prior: Any = None, *, tau: float = 1.0) -> Values:
    r"""Logits corrected for the class prior: :math:`z - \tau \log \pi_{train} + \log \pi_{test}`.

    Without a test prior this is logit adjustment (Menon et al. 2021), for a test set of equal classes. With one and
    :math:`\tau = 1` it is the PC-softmax (Hong et al. 2021). For a model trained with balanced softmax, whose logits
    are corrected already, give :math:`\tau = 0`.

    Parameters
    ----------
    logits : ndarray or Tensor of shape (..., C)
        Floating-point numbers.
    train_prior : array-like of shape (C,)
        Class shares of the training set.
    test_prior : array-like of shape (C,), optional
        Class shares of the test set, known or estimated. A share of 0 rules the class out. None: equal.
    tau : float, default=1
        :math:`\tau`, at least 0.

    Returns
    -------
    ndarray or Tensor of shape (..., C)
        As `logits`: same kind, type and device. A new object.

    Raises
    ------
    TypeError
        If logits are neither an array nor a tensor of floating-point numbers, or a prior holds no real numbers.
    ValueError
        If shapes do not fit, a prior does not sum to 1 or has a share that is not allowed, or tau is negative.

    Examples
    --------
    >>> import numpy as np
    >>> adjust_logits(np.array([[2.0, 1.0]]), train_prior=[0.9, 0.1]).round(2)
    array([[2.11, 3.3 ]])
    >>> adjust_logits(np.array([[2.0, 1.0]]), [0.9, 0.1], [0.5, 0.5]).round(2)
    array([[1.41, 2.61]])
    """
    if isinstance(logits, Tensor):
        floating = logits.is_floating_point()
    elif isinstance(logits, np.ndarray):
        floating = logits.dtype.kind == "f"
    else:
        raise TypeError(f"logits must be a NumPy array or a PyTorch tensor, got {type(logits).__name__}")
    if not floating:
        raise TypeError(f"logits must hold floating-point numbers, got {logits.dtype}")
    if logits.ndim == 0:
        raise ValueError("logits must have an axis of classes, got a single number")
    n_classes = logits.shape[-1]
    shift = -not_negative("tau", tau) * np.log(checked_prior("train_prior", train_prior, n_classes))
    if test_prior is not None:
        with np.errstate(divide="ignore"):
            shift = shift + np.log(checked_prior("test_prior", test_prior, n_classes, zeros=True))
    if isinstance(logits, Tensor):
        return logits + torch.as_tensor(shift, dtype=logits.dtype, device=logits.device)
    adjusted: NDArray[Any] = logits + shift.astype(logits.dtype)
    return adjusted


def tau_normalise(weight: Values, tau: float = 1.0) -> Values:
    r"""Rows of a linear classifier divided by a power of their length (Kang et al. 2020): :math:`w_c / \|w_c\|^\tau`.

    Used without a bias.

    Parameters
    ----------
    weight : ndarray or Tensor of shape (C, d)
        One row for each class.
    tau : float, default=1
        From 0 (nothing changes) to 1 (all rows have length 1).

    Returns
    -------
    ndarray or Tensor of shape (C, d)
        A new object of the same kind and type.

    Raises
    ------
    TypeError
        If the weights are no real numbers.
    ValueError
        If the shape is another one, weights are not finite, a row is 0, or tau lies outside [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> tau_normalise(np.array([[3.0, 4.0], [0.6, 0.8]]))
    array([[0.6, 0.8],
           [0.6, 0.8]])
    """
    found = as_array(weight)
    if found.ndim != 2:
        raise ValueError(f"weight must have shape (C, d), one row for each class, got {found.shape}")
    lengths = np.linalg.norm(finite_rows("weight", found, found.shape[1]).astype(np.float64), axis=1)
    if not lengths.all():
        raise ValueError(f"weight must have no row of zeros, got one for class {int(np.flatnonzero(lengths == 0)[0])}")
    factors = lengths[:, None] ** -share("tau", tau)
    if isinstance(weight, Tensor):
        return weight * torch.as_tensor(factors, dtype=weight.dtype, device=weight.device)
    normalised: NDArray[Any] = weight * factors.astype(found.dtype)
    return normalised


def class_balanced_weights(labels: Any, n_classes: int) -> NDArray[np.float64]:
    """Probability of every image under class-balanced sampling: first a class, all alike, then one of its images.

    Parameters
    ----------
    labels : array-like or tensor of int, shape (n,)
    n_classes : int
        C.

    Returns
    -------
    ndarray of float64, shape (n,)
        1 / (C n_y), of sum 1; fit for ``torch.utils.data.WeightedRandomSampler``.

    Raises
    ------
    TypeError
        If labels are no whole numbers.
    ValueError
        If labels are no vector, lie outside [0, C), or a class has no image.

    Examples
    --------
    >>> class_balanced_weights([0, 0, 0, 1], 2).round(3)
    array([0.167, 0.167, 0.167, 0.5  ])
    """
    size = whole_number("n_classes", n_classes, at_least=1)
    classes = class_labels(labels, size, np.size(as_array(labels)))
    counts = np.bincount(classes, minlength=size)
    if counts.min() == 0:
        raise ValueError(f"every class needs at least one image, class {counts.argmin()} has none")
    weights: NDArray[np.float64] = 1 / (size * counts[classes])
    return weights


@dataclass(frozen=True)
class LinearClassifier:
    """A linear or cosine classifier on features.

    Attributes
    ----------
    weight : ndarray of float32, shape (C, d)
        One row for each class.
    bias : ndarray of float32, shape (C,)
        Zero for a cosine classifier.
    scale : float or None
        Cosine classifier: its logits are `scale` times the cosine of feature and row. None: a linear one.
    loss : ndarray of float64, shape (epochs,)
        Mean training loss of every epoch.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    scale: float | None
    loss: NDArray[np.float64]

    def logits(self, features: Any) -> NDArray[np.float32]:
        """Logits of shape (n, C) of features of shape (n, d).

        Raises
        ------
        TypeError, ValueError
            If features are no real, finite numbers or have another number of columns.
        """
        rows = torch.from_numpy(finite_rows("features", features, self.weight.shape[1]).astype(np.float32))
        found: NDArray[np.float32] = _scores(
            rows, torch.from_numpy(self.weight), torch.from_numpy(self.bias), self.scale
        ).numpy()
        return found


def _scores(features: Tensor, weight: Tensor, bias: Tensor, scale: float | None) -> Tensor:
    if scale is None:
        return functional.linear(features, weight, bias)
    return scale * functional.linear(functional.normalize(features), functional.normalize(weight))


def classifier_retraining(
    features: Any,
    labels: Any,
    n_classes: int,
    *,
    cosine: bool = False,
    scale: float = 30.0,
    epochs: int = 10,
    batch_size: int = 128,
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    weight_decay: float = 5e-4,
    seed: int = 0,
) -> LinearClassifier:
    """Train a classifier anew on frozen features, with class-balanced sampling: cRT (Kang et al. 2020).

    Every epoch draws as many images as there are, with replacement, by :func:`class_balanced_weights`. Stochastic
    gradient descent with Nesterov momentum; the learning rate falls to 0 along a half cosine.

    Parameters
    ----------
    features : array-like or tensor of shape (n, d)
        Features of the training images from the frozen network.
    labels : array-like or tensor of int, shape (n,)
    n_classes : int
        C.
    cosine : bool, default=False
        False: a linear classifier with a bias. True: a cosine classifier.
    scale : float, default=30
        Of the cosine classifier.
    epochs, batch_size : int, default=10 and 128
    learning_rate, momentum, weight_decay : float, default=0.1, 0.9 and 5e-4
        Momentum above 0 and below 1.
    seed : int, default=0
        Draws the first weights and the images.

    Returns
    -------
    LinearClassifier

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If shapes do not fit, features are not finite, a class has no image, or a setting is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> generator = np.random.default_rng(0)
    >>> labels = np.repeat([0, 1], [180, 20])
    >>> features = np.eye(2)[labels] + 0.1 * generator.normal(size=(200, 2))
    >>> classifier = classifier_retraining(features, labels, 2, epochs=5)
    >>> bool((classifier.logits(features).argmax(axis=1) == labels).mean() > 0.9)
    True
    """
    found = as_array(features)
    if found.ndim != 2 or 0 in found.shape:
        raise ValueError(f"features must have shape (n, d), none of them 0, got {found.shape}")
    rows = torch.from_numpy(finite_rows("features", found, found.shape[1]).astype(np.float32))
    size = whole_number("n_classes", n_classes, at_least=1)
    targets = torch.from_numpy(class_labels(labels, size, len(rows)).astype(np.int64))
    shares = torch.from_numpy(class_balanced_weights(targets, size))
    n_epochs, n_batch = (whole_number(n, v, at_least=1) for n, v in (("epochs", epochs), ("batch_size", batch_size)))
    rate, decay = positive_number("learning_rate", learning_rate), not_negative("weight_decay", weight_decay)
    if not 0 < share("momentum", momentum) < 1:
        raise ValueError(f"momentum must lie between 0 and 1, both excluded, got {momentum}")
    factor = positive_number("scale", scale) if flag("cosine", cosine) else None
    generator = torch.Generator().manual_seed(whole_number("seed", seed, at_least=0))

    bound = rows.shape[1] ** -0.5
    weight = nn.Parameter(torch.empty(size, rows.shape[1]).uniform_(-bound, bound, generator=generator))
    bias = nn.Parameter(torch.zeros(size))
    parameters = [weight] if factor else [weight, bias]
    optimiser = torch.optim.SGD(parameters, lr=rate, momentum=momentum, nesterov=True, weight_decay=decay)
    n_steps = n_epochs * -(-len(rows) // n_batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, n_steps)
    losses = []
    for _ in range(n_epochs):
        total = 0.0
        drawn = torch.multinomial(shares, len(rows), replacement=True, generator=generator)
        for some in torch.split(drawn, n_batch):
            loss = functional.cross_entropy(_scores(rows[some], weight, bias, factor), targets[some])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            total += loss.item() * len(some)
        losses.append(total / len(rows))
    return LinearClassifier(weight.detach().numpy(), bias.detach().numpy(), factor, np.array(losses))
