r"""Unconstrained-feature model with cross-entropy: the best simplex frame, and the best pairs, which may beat it.

Both are families of solutions with one free number z. With n samples in each of K classes, M layers and
:math:`P = \lambda_H \prod_j \lambda_j` the penalties of a logit matrix with r equal singular values z add up to
:math:`r \frac{M+1}{2} (n P)^{1/(M+1)} z^{2/(M+1)}` (section 5 of the chapter's specification).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from repro.ground.checks import positive_number, positive_numbers, whole_number

Curve = Callable[[float], float]


@dataclass(frozen=True)
class EtfOptimum:
    """Best simplex equiangular tight frame.

    Attributes
    ----------
    loss : float
        Value of the objective.
    logit_scale : float
        z: the class-mean logits are z (I - 1 1^T / K); 0 where nothing is learnt.
    """

    loss: float
    logit_scale: float


@dataclass(frozen=True)
class PairsOptimum:
    """Best configuration of classes in opposite pairs.

    Attributes
    ----------
    loss : float
        Value of the objective.
    singular_value : float
        t: the class-mean logits have K/2 singular values t, in blocks (t/2) [[1, -1], [-1, 1]]; 0 where nothing is
        learnt.
    """

    loss: float
    singular_value: float


def ufm_ce_etf(
    n_classes: int, n_per_class: int, lambda_W: Sequence[float] | NDArray[np.float64], lambda_H: float
) -> EtfOptimum:
    """Best simplex frame of the balanced unconstrained-feature model with cross-entropy.

    With one layer it is the global optimum (no bias, at least K - 1 features). With more layers it is the best of its
    family only: :func:`ufm_ce_pairs` and others can be lower.

    Parameters
    ----------
    n_classes : int
        K, at least 2.
    n_per_class : int
        Samples of each class.
    lambda_W : sequence of float
        Penalty of each layer, W_1 (nearest the features) first.
    lambda_H : float
        Penalty of the features.

    Returns
    -------
    EtfOptimum

    Raises
    ------
    TypeError
        If an argument is not of the kind named above.
    ValueError
        If there are fewer than 2 classes, no samples, or a penalty is not positive.

    Examples
    --------
    >>> optimum = ufm_ce_etf(10, 100, [5e-4], 5e-6)
    >>> round(optimum.loss, 4), round(optimum.logit_scale, 2)
    (0.0387, 7.6)
    """
    n_classes, unit, n_layers = _problem(n_classes, n_per_class, lambda_W, lambda_H)
    others = n_classes - 1

    def loss(z: float) -> float:
        return float(np.log1p(others * np.exp(-z)) + others * _penalty(z, unit, n_layers))

    if n_layers == 1:
        share = others * unit
        scale = float(np.log(others * (1 - share) / share)) if n_classes * unit < 1 else 0.0
        return EtfOptimum(loss=loss(scale), logit_scale=max(scale, 0.0))

    bend = (n_layers - 1) / (n_layers + 1)
    shift = np.log(others)

    def excess(z: float) -> float:
        return float(bend * np.log(z) - np.log(unit) - np.logaddexp(z, shift))

    def slope(z: float) -> float:
        return float(bend / z - expit(z - shift))

    scale = _best(loss, excess, slope)
    return EtfOptimum(loss=loss(scale), logit_scale=scale)


def ufm_ce_pairs(
    n_classes: int, n_per_class: int, lambda_W: Sequence[float] | NDArray[np.float64], lambda_H: float
) -> PairsOptimum:
    """Best pairs of the balanced unconstrained-feature model with cross-entropy: rank K/2 instead of K - 1.

    Parameters
    ----------
    n_classes : int
        K, even.
    n_per_class, lambda_W, lambda_H
        As in :func:`ufm_ce_etf`.

    Returns
    -------
    PairsOptimum

    Raises
    ------
    TypeError
        If an argument is not of the kind named above.
    ValueError
        If the number of classes is odd or below 2, there are no samples, or a penalty is not positive.

    Examples
    --------
    >>> ufm_ce_pairs(10, 100, [5e-4], 5e-6).loss > ufm_ce_etf(10, 100, [5e-4], 5e-6).loss  # one linear layer
    True
    """
    n_classes, unit, n_layers = _problem(n_classes, n_per_class, lambda_W, lambda_H)
    if n_classes % 2:
        raise ValueError(f"n_classes must be even for classes in pairs, got {n_classes}")
    half = n_classes / 2 - 1
    bend = (n_layers - 1) / (n_layers + 1)

    def loss(t: float) -> float:
        part = np.exp(-t / 2)
        return float(np.log1p(part**2 + 2 * half * part) + n_classes / 2 * _penalty(t, unit, n_layers))

    def excess(t: float) -> float:
        part = np.exp(-t / 2)
        falls = -t / 2 + np.log(part + half) - np.log1p(part**2 + 2 * half * part)
        return float(falls + bend * np.log(t) - np.log(n_classes / 2 * unit))

    def slope(t: float) -> float:
        part = np.exp(-t / 2)
        share = (part**2 + half * part) / (1 + part**2 + 2 * half * part)
        return float(bend / t - 0.5 - part / (2 * (part + half)) + share)

    best = _best(loss, excess, slope)
    return PairsOptimum(loss=loss(best), singular_value=best)


def _problem(
    n_classes: int, n_per_class: int, lambda_W: Sequence[float] | NDArray[np.float64], lambda_H: float
) -> tuple[int, float, int]:
    """Give K, (n P)^(1/(M+1)) and M, checked."""
    classes = whole_number("n_classes", n_classes, at_least=2)
    samples = whole_number("n_per_class", n_per_class, at_least=1)
    layers = positive_numbers("lambda_W", lambda_W)
    logarithm = np.log(samples) + np.log(positive_number("lambda_H", lambda_H)) + np.log(layers).sum()
    return classes, float(np.exp(logarithm / (layers.size + 1))), layers.size


def _penalty(z: float, unit: float, n_layers: int) -> float:
    """Penalty of one singular value z of the logits, shared optimally by the layers and the features."""
    return float((n_layers + 1) / 2 * unit * z ** (2 / (n_layers + 1)))


def _best(loss: Curve, excess: Curve, slope: Curve) -> float:
    """Minimise a loss over z >= 0 whose derivative has the sign of -excess(z).

    `excess` (log of the fall of the data loss over the rise of the penalty) is concave with derivative `slope`, so
    there are at most two stationary points; the larger one is a minimum and competes with z = 0.
    """
    low, high = 1e-12, 1.0
    while slope(high) > 0:
        high *= 2
    peak = low if slope(low) <= 0 else brentq(slope, low, high, xtol=1e-12)
    if excess(peak) <= 0:
        return 0.0
    while excess(high) > 0:
        high *= 2
    largest = float(brentq(excess, peak, high, xtol=1e-14, rtol=4 * np.finfo(np.float64).eps))
    return largest if loss(largest) < loss(0.0) else 0.0
