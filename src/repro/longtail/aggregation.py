r"""Weights of experts, learned on unlabelled test images from the agreement of two views (Zhang et al. 2022).

Everything here works on logits that were computed once: the networks are frozen, only one number per expert is learned.
With weights :math:`w = \mathrm{softmax}(a)` the logits of view j are :math:`z_j = \sum_k w_k v^k_j` and its prediction
is :math:`p_j = \mathrm{softmax}(z_j)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from repro.ground.arrays import as_array
from repro.ground.checks import not_negative, positive_number, share, whole_number
from repro.ground.exceptions import UnknownName
from repro.ground.random_state import RandomState, as_generator
from repro.longtail._logits import cached_logits, exponentials, two_views, working_type

Objective = Literal["cosine", "inner", "entropy"]
Array = NDArray[Any]


@dataclass(frozen=True)
class Aggregation:
    """Learned weights of the experts.

    Attributes
    ----------
    weights : ndarray of float64, shape (experts,)
        Not negative, of sum 1.
    history : ndarray of float64, shape (steps + 1, experts)
        Weights before the first and after every step.
    objective : ndarray of float64, shape (epochs that ran,)
        Mean objective over the images of every epoch, each at the weights of its step.
    steps : int
        Steps of the optimiser.
    stopped_early : bool
        Whether the safety rule ended the loop: a weight, rounded to two decimals, fell below `stop_below`.
    """

    weights: NDArray[np.float64]
    history: NDArray[np.float64]
    objective: NDArray[np.float64]
    steps: int
    stopped_early: bool


def _softmax(logits: Array) -> Array:
    """Softmax over the last axis, in place."""
    powers = exponentials(logits)
    powers /= powers.sum(axis=-1, keepdims=True)
    return powers


def _dot(first: Array, second: Array) -> Array:
    products: Array = np.einsum("nc,nc->n", first, second)[:, None]
    return products


def _cosine(p: Array, q: Array) -> tuple[float, Array, Array]:
    r"""Sum of :math:`\cos(p, q)` over the rows and its gradients in the logits of p and q.

    The derivative in p is :math:`q / (|p| |q|) - \cos \, p / |p|^2`; it is orthogonal to p, so the softmax multiplies
    it by p and subtracts nothing.
    """
    pp, qq, pq = _dot(p, p), _dot(q, q), _dot(p, q)
    length = np.sqrt(pp * qq)
    cosine = pq / length
    shared = p * q / length
    return float(cosine.sum(dtype=np.float64)), shared - p * p * (cosine / pp), shared - q * q * (cosine / qq)


def _inner(p: Array, q: Array) -> tuple[float, Array, Array]:
    """Sum of the inner products of the rows and its gradients in the logits of p and q."""
    product = p * q
    inner = product.sum(axis=1, keepdims=True)
    return float(inner.sum(dtype=np.float64)), product - p * inner, product - q * inner


def _negative_entropy(p: Array, q: Array) -> tuple[float, Array, Array]:
    """Sum over the rows of the mean of sum p log p and sum q log q, and its gradients in the logits."""
    value, gradients = 0.0, []
    for prediction in (p, q):
        logarithm = np.log(np.maximum(prediction, np.finfo(prediction.dtype).tiny))
        negative = _dot(prediction, logarithm)
        value += 0.5 * float(negative.sum(dtype=np.float64))
        gradients.append(0.5 * prediction * (logarithm - negative))
    return value, gradients[0], gradients[1]


_OBJECTIVES: dict[str, Callable[[Array, Array], tuple[float, Array, Array]]] = {
    "cosine": _cosine,
    "inner": _inner,
    "entropy": _negative_entropy,
}


def combine_experts(logits: Any, weights: Any = None) -> Array:
    """Weighted mean of the logits of several experts.

    Parameters
    ----------
    logits : array-like or tensor of shape (n, experts, C)
    weights : array-like of shape (experts,), optional
        None: equal weights, the arithmetic mean.

    Returns
    -------
    ndarray of shape (n, C)
        float32 for logits in single or half precision, else float64.

    Raises
    ------
    TypeError
        If logits or weights are no real numbers.
    ValueError
        If shapes do not fit, or entries are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> experts = np.array([[[2.0, 0.0], [0.0, 4.0]]])  # one image, two experts, two classes
    >>> combine_experts(experts), combine_experts(experts, [0.75, 0.25])
    (array([[1., 2.]]), array([[1.5, 1. ]]))
    """
    found = cached_logits("logits", logits, dimensions=(3,))
    experts = found.shape[1]
    given = np.full(experts, 1 / experts) if weights is None else _expert_numbers("weights", weights, experts)
    return _mix(found.astype(working_type(found), copy=False), given)


def _mix(logits: Array, weights: Array) -> Array:
    """Logits (n, C) of the ensemble from those (n, experts, C) of its experts."""
    mixed: Array = logits[:, 0] * logits.dtype.type(weights[0])
    for expert in range(1, logits.shape[1]):
        mixed += logits[:, expert] * logits.dtype.type(weights[expert])
    return mixed


def _expert_numbers(name: str, values: Any, experts: int) -> NDArray[np.float64]:
    found = as_array(values)
    if found.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got entries of type {found.dtype}")
    if found.shape != (experts,) or not np.isfinite(found).all():
        raise ValueError(f"{name} must be {experts} finite numbers, one for each expert, got {found.tolist()}")
    return found.astype(np.float64)


def aggregate_test_time(
    logits_a: Any,
    logits_b: Any,
    *,
    objective: Objective = "cosine",
    epochs: int = 5,
    batch_size: int = 128,
    learning_rate: float = 0.1,
    momentum: float = 0.9,
    weight_decay: float = 5e-4,
    stop_below: float = 0.05,
    initial: Any = None,
    random_state: RandomState = 0,
) -> Aggregation:
    r"""Learn one weight per expert from the agreement of two views of unlabelled images.

    Every expert has one number :math:`a_k`, all equal at first; the weights are their softmax. The mean objective over
    a batch is maximised by stochastic gradient descent with Nesterov momentum and weight decay on a, with the update
    of ``torch.optim.SGD``. Images are shuffled in every epoch; the last batch may be smaller. After every epoch the
    weights are rounded to two decimals, and the loop ends if one of them is below `stop_below`.

    Parameters
    ----------
    logits_a, logits_b : array-like or tensor of shape (n, experts, C) or (n, pairs, experts, C)
        Logits of the experts on two independent views of every image. With several pairs epoch e uses pair e modulo
        their number. Computed in float32 if both are of single or half precision, else in float64.
    objective : {"cosine", "inner", "entropy"}, default="cosine"
        What is maximised: :math:`\cos(p_1, p_2)`; :math:`p_1 \cdot p_2`, which rewards confidence too; or minus
        the mean entropy of the two predictions.
    epochs, batch_size : int, default=5 and 128
    learning_rate : float, default=0.1
        Constant.
    momentum : float, default=0.9
        Between 0 and 1; 0 is plain gradient descent.
    weight_decay : float, default=5e-4
        Pulls a to 0, so the weights to equality.
    stop_below : float, default=0.05
        0 never stops.
    initial : array-like of shape (experts,), optional
        a before the first step; None: 1 / experts for each.
    random_state : int, numpy Generator, numpy RandomState or None, default=0
        Order of the images.

    Returns
    -------
    Aggregation

    Raises
    ------
    UnknownName
        If there is no such objective.
    TypeError
        If logits hold no real numbers, or a setting is of the wrong type.
    ValueError
        If shapes differ, an axis is empty, entries are NaN or infinite, or a setting is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> generator = np.random.default_rng(0)
    >>> labels = generator.integers(0, 3, 200)
    >>> logits = np.stack([3 * np.eye(3)[labels], np.zeros((200, 3))], axis=1)  # the second expert knows nothing
    >>> view_a, view_b = (logits + generator.normal(size=logits.shape) for _ in range(2))
    >>> found = aggregate_test_time(view_a, view_b, random_state=0)
    >>> int(found.weights.argmax())  # the expert that agrees with itself
    0
    """
    if objective not in get_args(Objective):
        raise UnknownName("objective", str(objective), get_args(Objective))
    first, second = two_views(logits_a, logits_b)
    n_images, n_pairs, experts, _ = first.shape
    whole_number("epochs", epochs, at_least=1)
    whole_number("batch_size", batch_size, at_least=1)
    positive_number("learning_rate", learning_rate)
    decay, drag = not_negative("weight_decay", weight_decay), share("momentum", momentum)
    lowest = share("stop_below", stop_below)
    start = np.full(experts, 1 / experts) if initial is None else _expert_numbers("initial", initial, experts)
    generator, kind, evaluate = as_generator(random_state), working_type(first, second), _OBJECTIVES[objective]

    scores, velocity = start.copy(), np.zeros(experts)
    weights = softmax(scores)
    history, values, stopped = [weights], [], False
    for epoch in range(epochs):
        order, pair, total = generator.permutation(n_images), epoch % n_pairs, 0.0
        for begin in range(0, n_images, batch_size):
            rows = order[begin : begin + batch_size]
            batch_a, batch_b = (view[rows, pair].astype(kind, copy=False) for view in (first, second))
            value, slope_a, slope_b = evaluate(_softmax(_mix(batch_a, weights)), _softmax(_mix(batch_b, weights)))
            total += value
            slope = np.einsum("nkc,nc->k", batch_a, slope_a) + np.einsum("nkc,nc->k", batch_b, slope_b)
            slope = slope.astype(np.float64) / len(rows)
            # minimised: minus the objective, through the softmax of the scores
            gradient = decay * scores - weights * (slope - weights @ slope)
            velocity = drag * velocity + gradient
            scores = scores - learning_rate * (gradient + drag * velocity)
            weights = softmax(scores)
            history.append(weights)
        values.append(total / n_images)
        if np.round(weights, 2).min() < lowest:
            stopped = True
            break
    return Aggregation(weights, np.array(history), np.array(values), len(history) - 1, stopped)
