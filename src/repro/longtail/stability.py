"""Agreement of two views, accuracy and information of predictions for all weights of the experts on a grid."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from repro.ground.arrays import as_array, class_labels
from repro.ground.checks import positive_number, whole_number
from repro.longtail._logits import cached_logits, exponentials, two_views, working_type

Array = NDArray[Any]
_BUFFER = 2**20
"""Bytes of the logits of one block of images under all weights: about what a core's cache holds."""


@dataclass(frozen=True)
class StabilitySurface:
    """Measures for every row of weights.

    Attributes
    ----------
    weights : ndarray of float64, shape (n_weights, experts)
    cosine, inner_product : ndarray of float64, shape (n_weights,)
        Means over images and pairs of views of the cosine similarity and of the inner product of the two predictions.
    entropy : ndarray of float64, shape (n_weights,)
        Mean over images of the entropy of the prediction, in nats.
    accuracy : ndarray of float64, shape (n_weights,)
        Share of images whose label has the largest logit; NaN without labels.
    mutual_information : ndarray of float64, shape (n_weights,)
        Plug-in estimate, in nats, of the mutual information of label and predicted class; NaN without labels.
    """

    weights: NDArray[np.float64]
    cosine: NDArray[np.float64]
    inner_product: NDArray[np.float64]
    entropy: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    mutual_information: NDArray[np.float64]


@dataclass(frozen=True)
class OracleWeights:
    """The weights of a grid with the highest accuracy.

    Attributes
    ----------
    weights : ndarray of float64, shape (experts,)
        Of several with the same accuracy the ones nearest to equal weights; of those the first row.
    accuracy : float
    """

    weights: NDArray[np.float64]
    accuracy: float


def simplex_grid(n_experts: int = 3, step: float = 0.05) -> NDArray[np.float64]:
    """All weights that are multiples of a step, not negative and of sum 1.

    Parameters
    ----------
    n_experts : int, default=3
    step : float, default=0.05
        One over a whole number.

    Returns
    -------
    ndarray of float64, shape (n_weights, n_experts)
        In descending order of the first weight, then the second and so on; for three experts and the default 231 rows.

    Raises
    ------
    TypeError
        If the arguments are no numbers.
    ValueError
        If there is no expert, or no whole number of steps makes 1.

    Examples
    --------
    >>> simplex_grid(2, step=0.25)
    array([[1.  , 0.  ],
           [0.75, 0.25],
           [0.5 , 0.5 ],
           [0.25, 0.75],
           [0.  , 1.  ]])
    """
    experts, size = whole_number("n_experts", n_experts, at_least=1), positive_number("step", step)
    parts = round(1 / size)
    if parts < 1 or abs(parts * size - 1) > 1e-9:
        raise ValueError(f"step must be 1 divided by a whole number, got {step}")
    # bars between stars: the places of experts - 1 bars among parts + experts - 1 places
    places = itertools.combinations(range(parts + experts - 1), experts - 1)
    bars = np.array([(-1, *bar, parts + experts - 1) for bar in places], dtype=np.int64)
    return (np.diff(bars, axis=1) - 1)[::-1] / parts


def _grid(weights: Any, experts: int) -> NDArray[np.float64]:
    if weights is None:
        return simplex_grid(experts)
    found = as_array(weights)
    if found.dtype.kind not in "iuf":
        raise TypeError(f"weights must hold real numbers, got entries of type {found.dtype}")
    if found.ndim != 2 or found.shape[1] != experts or not len(found) or not np.isfinite(found).all():
        raise ValueError(
            f"weights must be finite, one row for each point and one column for each of {experts} experts, got shape "
            f"{found.shape}"
        )
    return found.astype(np.float64)


class _Blocks:
    """Logits of blocks of images under all weights, in buffers of shape (C, images of a block, n_weights).

    Classes come first, so that a sum or maximum over them runs through memory in order; written over again and again,
    the buffers stay in a core's cache.
    """

    def __init__(self, grid: Array, n_images: int, n_classes: int) -> None:
        self.grid = np.ascontiguousarray(grid.T)
        per_image = len(grid) * n_classes * grid.dtype.itemsize
        size = min(n_images, max(1, _BUFFER // per_image))
        self.slices = [slice(begin, min(begin + size, n_images)) for begin in range(0, n_images, size)]
        self._buffers = [np.empty((n_classes, size, len(grid)), dtype=grid.dtype) for _ in range(3)]

    def mixtures(self, logits: Array, buffer: int) -> Array:
        """Write the mixtures of the logits (n, experts, C) of some images into a buffer; shape (C, n, n_weights)."""
        n_images, _, n_classes = logits.shape
        mixed = self._part(buffer, (n_classes, n_images, self.grid.shape[1]))
        # not a product of the BLAS library, whose threads wait for each other longer than such a thin one takes
        return np.einsum("nkc,kg->cng", logits.astype(mixed.dtype, copy=False), self.grid, out=mixed)

    def scratch(self, like: Array) -> Array:
        """Give a buffer of the shape of a block."""
        return self._part(2, like.shape)

    def _part(self, buffer: int, shape: tuple[int, ...]) -> Array:
        """Beginning of a buffer, contiguous: the last block may be smaller."""
        return self._buffers[buffer].reshape(-1)[: math.prod(shape)].reshape(shape)


def _predictions(logits: Array, grid: Array) -> tuple[Array, NDArray[np.float64]]:
    """Predicted class (n, n_weights) and mean entropy (n_weights,) for every row of weights."""
    n_images, _, n_classes = logits.shape
    classes = np.empty((n_images, len(grid)), dtype=np.min_scalar_type(n_classes - 1))
    entropy, blocks = np.zeros(len(grid)), _Blocks(grid, n_images, n_classes)
    for block in blocks.slices:
        mixed = blocks.mixtures(logits[block], 0)
        classes[block] = mixed.argmax(axis=0)
        mixed -= mixed.max(axis=0)
        powers = np.exp(mixed, out=blocks.scratch(mixed))
        total = powers.sum(axis=0)
        mixed *= powers
        entropy += (np.log(total) - mixed.sum(axis=0) / total).sum(axis=0, dtype=np.float64)
    return classes, entropy / n_images


def _agreement(first: Array, second: Array, grid: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean cosine and mean inner product of the predictions from two views, for every row of weights."""
    n_images, _, n_classes = first.shape
    cosine, inner, blocks = np.zeros(len(grid)), np.zeros(len(grid)), _Blocks(grid, n_images, n_classes)
    for block in blocks.slices:
        p, q = (exponentials(blocks.mixtures(view[block], i), axis=0) for i, view in enumerate((first, second)))
        product = blocks.scratch(p)
        pq, pp, qq = (np.multiply(x, y, out=product).sum(axis=0) for x, y in ((p, q), (p, p), (q, q)))
        cosine += (pq / np.sqrt(pp * qq)).sum(axis=0, dtype=np.float64)
        inner += (pq / (p.sum(axis=0) * q.sum(axis=0))).sum(axis=0, dtype=np.float64)
    return cosine / n_images, inner / n_images


def _mutual_information(labels: Array, predictions: Array, n_classes: int) -> float:
    joint = np.bincount(labels * n_classes + predictions, minlength=n_classes**2).reshape(n_classes, n_classes)
    shares = joint / len(labels)
    information = entr(shares.sum(axis=0)).sum() + entr(shares.sum(axis=1)).sum() - entr(shares).sum()
    return max(0.0, float(information))


def stability_surface(
    logits_a: Any, logits_b: Any, logits: Any, labels: Any = None, *, weights: Any = None
) -> StabilitySurface:
    """Agreement of two views, entropy, accuracy and mutual information for all weights on a grid.

    The theorem behind learning weights from agreement says that the inner product of the predictions from two views
    rises with the mutual information of prediction and label, and falls with the entropy of the prediction (Zhang et
    al. 2022, theorem 1). Here is all that it relates. Images are taken in blocks, so that memory beyond the arguments
    is a few megabytes and one small integer for each image and row of weights.

    Parameters
    ----------
    logits_a, logits_b : array-like or tensor of shape (n, experts, C) or (n, pairs, experts, C)
        Logits of the experts on two independent views of every image.
    logits : array-like or tensor of shape (n, experts, C)
        Logits on the images as they are; entropy, accuracy and mutual information are those of their predictions.
    labels : array-like or tensor of int, shape (n,), optional
    weights : array-like of shape (n_weights, experts), optional
        None: :func:`simplex_grid` with steps of 0.05.

    Returns
    -------
    StabilitySurface

    Raises
    ------
    TypeError
        If logits or weights hold no real numbers, or labels no whole ones.
    ValueError
        If shapes do not fit, an axis is empty, entries are NaN or infinite, or a label lies outside [0, C).

    Examples
    --------
    >>> import numpy as np
    >>> generator = np.random.default_rng(0)
    >>> labels = generator.integers(0, 3, 200)
    >>> logits = np.stack([3 * np.eye(3)[labels], np.zeros((200, 3))], axis=1)  # the second expert knows nothing
    >>> view_a, view_b = (logits + generator.normal(size=logits.shape) for _ in range(2))
    >>> surface = stability_surface(view_a, view_b, view_a, labels)
    >>> surface.weights[surface.cosine.argmax()].round(2)
    array([1., 0.])
    """
    first, second = two_views(logits_a, logits_b)
    clean = cached_logits("logits", logits, dimensions=(3,))
    n_images, n_pairs, experts, n_classes = first.shape
    if clean.shape != (n_images, experts, n_classes):
        raise ValueError(f"logits must have shape {(n_images, experts, n_classes)} as the views do, got {clean.shape}")
    points = _grid(weights, experts)
    grid = points.astype(working_type(first, second, clean))
    agreement = np.mean([_agreement(first[:, pair], second[:, pair], grid) for pair in range(n_pairs)], axis=0)
    classes, entropy = _predictions(clean, grid)
    accuracy, information = np.full(len(points), np.nan), np.full(len(points), np.nan)
    if labels is not None:
        true = class_labels(labels, n_classes, n_images)
        accuracy = (classes == true[:, None]).mean(axis=0)
        information = np.array([_mutual_information(true, column, n_classes) for column in classes.T])
    return StabilitySurface(points, agreement[0], agreement[1], entropy, accuracy, information)


def oracle_weights(logits: Any, labels: Any, *, weights: Any = None) -> OracleWeights:
    """Find the weights with the highest accuracy on labelled images: what no method without labels can beat on a grid.

    Parameters
    ----------
    logits : array-like or tensor of shape (n, experts, C)
    labels : array-like or tensor of int, shape (n,)
    weights : array-like of shape (n_weights, experts), optional
        None: :func:`simplex_grid` with steps of 0.05.

    Returns
    -------
    OracleWeights

    Raises
    ------
    TypeError, ValueError
        As :func:`stability_surface`.

    Examples
    --------
    >>> import numpy as np
    >>> generator = np.random.default_rng(0)
    >>> labels = generator.integers(0, 3, 200)
    >>> logits = np.stack([3 * np.eye(3)[labels], np.zeros((200, 3))], axis=1)  # the second expert knows nothing
    >>> view_a, view_b = (logits + generator.normal(size=logits.shape) for _ in range(2))
    >>> oracle_weights(view_a, labels).accuracy > 0.9
    True
    """
    clean = cached_logits("logits", logits, dimensions=(3,))
    n_images, experts, n_classes = clean.shape
    true = class_labels(labels, n_classes, n_images)
    points = _grid(weights, experts)
    classes, _ = _predictions(clean, points.astype(working_type(clean)))
    hits = np.count_nonzero(classes == true[:, None], axis=0)
    distance = np.square(points - points.mean(axis=1, keepdims=True)).sum(axis=1)
    best = np.lexsort((distance.round(12), -hits))[0]
    return OracleWeights(points[best], float(hits[best] / n_images))
