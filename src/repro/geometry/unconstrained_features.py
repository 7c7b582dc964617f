r"""Exact optimum of the unconstrained-feature model with squared error: which classes are learnt, and how they lie.

The model has one free feature vector for each of N samples and a head of M linear layers:

.. math:: f = \frac{1}{2N} \|W_M \cdots W_1 H + b 1^T - Y\|_F^2
          + \sum_j \frac{\lambda_j}{2} \|W_j\|_F^2 + \frac{\lambda_H}{2} \|H\|_F^2 .
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from repro.ground.checks import flag, positive_number, positive_numbers, whole_number

MOST_LISTED = 16
"""Stationary points are listed for at most this many directions that can be alive (65,536 points)."""


@dataclass(frozen=True)
class Thresholds:
    """Where a class is lost.

    Attributes
    ----------
    b : float
        b_c: at the global optimum a direction is alive if and only if its b is below.
    b_stationary : float
        b_sp: below it there is a local minimum in which the direction is alive; not below `b`.
    class_size : float
        `b` as a class size, given the number of all samples: smaller classes are dead. With a bias it applies to the
        entries of the spectrum instead, and two classes of one size merge when that size is not above it.
    """

    b: float
    b_stationary: float
    class_size: float


@dataclass(frozen=True, eq=False)
class StationaryPoint:
    """One stationary point of the model.

    Attributes
    ----------
    loss : float
        Value of the objective.
    alive : ndarray of shape (n_classes,), bool
        Which directions are alive, aligned with `MseOptimum.x`.
    is_minimum : bool
        Whether it is a local minimum (up to rotations that leave the loss as it is); otherwise a saddle.
    """

    loss: float
    alive: NDArray[np.bool_]
    is_minimum: bool


@dataclass(frozen=True, eq=False)
class MseOptimum:
    """Global optimum of the unconstrained-feature model with squared error; made by :func:`ufm_mse`.

    The problem falls apart into one scalar problem for each direction of the labels. Without a bias the directions are
    the classes, and `spectrum`, `b`, `x`, `alive` and `singular_values` are in the order of `class_sizes`. With a bias
    they are the eigenvectors of diag(n) - n n^T / N, in decreasing order of the eigenvalues; the last one is 0. What
    belongs to classes (`bias`, norms, Gram matrices, logits) is always in the order of `class_sizes`.

    Attributes
    ----------
    class_sizes : ndarray of shape (n_classes,), float64
    lambda_W : ndarray of shape (n_layers,), float64
        Penalties of the layers, W_1 (nearest the features) first.
    lambda_H : float
        Penalty of the features.
    rank : int
        R, the largest rank that the widths of the layers allow.
    loss : float
        Smallest value of the objective.
    spectrum : ndarray of shape (n_classes,), float64
        Class sizes, or with a bias the eigenvalues e_i.
    b : ndarray of shape (n_classes,), float64
        Weight of the penalty in the scalar problem (1); infinite where the spectrum is 0.
    x : ndarray of shape (n_classes,), float64
        Solution of the scalar problem; 0 for a dead direction.
    alive : ndarray of shape (n_classes,), bool
        x > 0.
    thresholds : Thresholds
    singular_values : ndarray of shape (n_layers, n_classes), float64
        Singular values of W_1, ..., W_M.
    bias : ndarray of shape (n_classes,), float64, or None
        Optimal bias n / N of the last layer; None in a model without bias.

    Notes
    -----
    Gram matrices, logits and norms are computed when they are first asked for. With a bias this takes the eigenvectors,
    O(K^3). Where the limit of the rank falls between equal class sizes, or a b equals its threshold, the optimum is not
    unique: one of them is given, and only the loss and the spectra of the Gram matrices (at a threshold the loss alone)
    are common to all.
    """

    class_sizes: NDArray[np.float64]
    lambda_W: NDArray[np.float64]  # noqa: N815
    lambda_H: float  # noqa: N815
    rank: int
    loss: float
    spectrum: NDArray[np.float64]
    b: NDArray[np.float64]
    x: NDArray[np.float64]
    alive: NDArray[np.bool_]
    thresholds: Thresholds
    singular_values: NDArray[np.float64]
    bias: NDArray[np.float64] | None

    @property
    def n_samples(self) -> float:
        """N, the number of all samples."""
        return float(self.class_sizes.sum())

    @property
    def squared_singular_values(self) -> NDArray[np.float64]:
        """Squared singular values N lambda_H X of the product W_M ... W_1, aligned with `x`; shape (n_classes,)."""
        return np.asarray(self.n_samples * self.lambda_H * self.x**self.lambda_W.size)

    @cached_property
    def w_norms(self) -> NDArray[np.float64]:
        """Norm of each row w_k of the product of the layers; shape (n_classes,)."""
        return np.sqrt(self._diagonal(self.squared_singular_values))

    @cached_property
    def h_norms(self) -> NDArray[np.float64]:
        """Norm of the mean feature h_k of each class; shape (n_classes,)."""
        spectrum = self._feature_spectrum
        if self.bias is None:
            return np.sqrt(spectrum)
        return np.asarray(np.linalg.norm(np.sqrt(spectrum)[:, None] * self._centred_directions, axis=0))

    @cached_property
    def W_gram(self) -> NDArray[np.float64]:  # noqa: N802
        """Gram matrix W W^T of the rows w_k; shape (n_classes, n_classes)."""
        if self.bias is None:
            return np.diag(self.squared_singular_values)
        return np.asarray((self._directions * self.squared_singular_values) @ self._directions.T)

    @cached_property
    def H_gram(self) -> NDArray[np.float64]:  # noqa: N802
        """Gram matrix of the mean features h_k; shape (n_classes, n_classes)."""
        if self.bias is None:
            return np.diag(self._feature_spectrum)
        return np.asarray(self._centred_directions.T @ (self._feature_spectrum[:, None] * self._centred_directions))

    @cached_property
    def logits(self) -> NDArray[np.float64]:
        """Logits W h_k without the bias, one column for each class; shape (n_classes, n_classes)."""
        power = self.x**self.lambda_W.size
        if self.bias is None:
            return np.diag(power / (1 + power))
        return np.asarray((self._directions * (power / (1 + power))) @ self._centred_directions)

    def local_minima(self) -> list[StationaryPoint]:
        r"""List the local minima, from no direction alive to all that can be.

        With one layer there is only the global optimum. With M >= 2 layers the origin is a local minimum, and so is
        every point in which the r largest directions are alive, as long as b is below b_sp for all of them and r is at
        most the rank. Any other set of alive directions is a saddle: turning an alive direction by an angle t towards a
        larger dead one changes the loss in proportion to :math:`-(e_{large} - e_{small}) \sin^2 t`.

        Returns
        -------
        list of StationaryPoint
            For few classes: each holds a mask over all directions. Of sets that differ in directions of equal size
            only one is listed.
        """
        eligible = self._eligible
        most = min(eligible.size, self.rank)
        counts = range(most + 1) if self.lambda_W.size > 1 else [most]
        return [self._point(eligible[:count]) for count in counts]

    def stationary_points(self) -> list[StationaryPoint]:
        """List the points in which a subset of the directions is alive, each at the largest root of its problem.

        All of them are stationary (section 3); `is_minimum` says which are local minima. The roots between 0 and the
        largest one, where the scalar problem has its maximum, are not listed.

        Returns
        -------
        list of StationaryPoint
            By number of directions alive.

        Raises
        ------
        ValueError
            If more than 16 directions can be alive.
        """
        eligible = self._eligible
        if eligible.size > MOST_LISTED:
            raise ValueError(
                f"stationary_points lists subsets of at most {MOST_LISTED} directions, {eligible.size} can be alive "
                "here; use local_minima"
            )
        subsets = chain.from_iterable(
            combinations(eligible, count) for count in range(min(eligible.size, self.rank) + 1)
        )
        return [self._point(np.array(subset, dtype=np.intp)) for subset in subsets]

    @property
    def _eligible(self) -> NDArray[np.intp]:
        """Directions that are alive in some stationary point, largest first."""
        order = np.argsort(-self.spectrum, kind="stable")
        return order[self.b[order] < self.thresholds.b_stationary]

    def _point(self, chosen: NDArray[np.intp]) -> StationaryPoint:
        n_layers = self.lambda_W.size
        alive = np.zeros(self.x.size, dtype=np.bool_)
        alive[chosen] = True
        x = np.zeros(self.x.size)
        x[alive] = _largest_root(self.b[alive], n_layers)
        largest_dead = self.spectrum[~alive].max(initial=0.0)
        is_minimum = bool((self.spectrum[alive] >= largest_dead).all())
        if n_layers == 1:
            is_minimum &= chosen.size == min(self._eligible.size, self.rank)
        return StationaryPoint(_loss(self.spectrum, self.b, x, self.n_samples, n_layers), alive, is_minimum)

    @property
    def _feature_spectrum(self) -> NDArray[np.float64]:
        power = self.x**self.lambda_W.size
        return np.asarray(power / (self.n_samples * self.lambda_H * (1 + power) ** 2))

    @cached_property
    def _directions(self) -> NDArray[np.float64]:
        """Eigenvectors of diag(n) - n n^T / N as columns, largest eigenvalue first."""
        sizes = self.class_sizes
        vectors = np.linalg.eigh(np.diag(sizes) - np.outer(sizes, sizes) / self.n_samples)[1]
        return np.asarray(vectors[:, ::-1])

    @cached_property
    def _centred_directions(self) -> NDArray[np.float64]:
        """U^T (I - n 1^T / N) of section 4."""
        directions = self._directions.T
        return np.asarray(directions - (directions @ self.class_sizes)[:, None] / self.n_samples)

    def _diagonal(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Diagonal of U diag(values) U^T."""
        return values if self.bias is None else np.asarray(self._directions**2 @ values)


def ufm_mse(
    class_sizes: ArrayLike,
    lambda_W: Sequence[float] | NDArray[np.float64],
    lambda_H: float,
    dims: Sequence[int] | None = None,
    bias: bool = False,
) -> MseOptimum:
    r"""Global optimum of the unconstrained-feature model with squared error, for classes of any sizes.

    With :math:`P = \lambda_H \prod_j \lambda_j` and :math:`b_k = (M N / n_k) (N P)^{1/M}` the optimum follows from K
    scalar problems, :math:`\min_{x \ge 0} 1 / (1 + x^M) + b_k x` (sections 3 and 4 of the chapter's specification; the
    balanced case is that of Dang et al. 2023). A class whose :math:`b_k` exceeds
    :math:`b_c = (M-1)^{(M-1)/M} / M` is dead: its row and its features are 0.

    Parameters
    ----------
    class_sizes : array-like of shape (n_classes,)
        Samples of each class, at least two classes; above 0. Fractions are allowed, for curves.
    lambda_W : sequence of float
        Penalty of each linear layer, W_1 (nearest the features) first; their number is the depth M.
    lambda_H : float
        Penalty of the features.
    dims : sequence of int, optional
        Input width of each layer, (d, d_2, ..., d_M); limits the rank to the smallest of them. None: no limit.
    bias : bool, default=False
        Whether the last layer has a bias that is not penalised.

    Returns
    -------
    MseOptimum

    Raises
    ------
    TypeError
        If an argument is not of the kind named above.
    ValueError
        If a class size or a penalty is not positive, there is only one class, or `dims` does not hold a width of at
        least 1 for each layer.

    Notes
    -----
    O(K) without a bias, apart from sorting; with a bias the eigenvalues take O(G^3) for G distinct class sizes.

    Examples
    --------
    >>> optimum = ufm_mse([20, 10, 3, 1], [0.04], 0.05)
    >>> optimum.alive.tolist()
    [True, True, True, False]
    >>> round(optimum.thresholds.class_size, 3)
    2.312
    """
    sizes = positive_numbers("class_sizes", class_sizes, at_least=2)
    layers = positive_numbers("lambda_W", lambda_W)
    feature_penalty = positive_number("lambda_H", lambda_H)
    bias = flag("bias", bias)
    n_layers, n_samples = layers.size, float(sizes.sum())
    rank = sizes.size if dims is None else min(sizes.size, *_widths_of_layers(dims, n_layers))

    # (N P)^(1/M), as a sum of logarithms since P may be too small for a float
    scale = float(np.exp((np.log(n_samples) + np.log(feature_penalty) + np.log(layers).sum()) / n_layers))
    spectrum = _centred_spectrum(sizes) if bias else sizes
    with np.errstate(divide="ignore"):
        b = n_layers * n_samples * scale / spectrum
    thresholds = _thresholds(n_layers, n_samples * scale)

    within_rank = np.zeros(sizes.size, dtype=np.bool_)
    within_rank[np.argsort(-spectrum, kind="stable")[:rank]] = True
    alive = within_rank & (b < thresholds.b)
    x = np.zeros(sizes.size)
    x[alive] = _largest_root(b[alive], n_layers)

    optimum = MseOptimum(
        class_sizes=sizes,
        lambda_W=layers,
        lambda_H=feature_penalty,
        rank=rank,
        loss=_loss(spectrum, b, x, n_samples, n_layers),
        spectrum=spectrum,
        b=b,
        x=x,
        alive=alive,
        thresholds=thresholds,
        singular_values=np.sqrt(scale * x / layers[:, None]),
        bias=sizes / n_samples if bias else None,
    )
    for field in vars(optimum).values():
        if isinstance(field, np.ndarray):
            field.setflags(write=False)
    return optimum


def ufm_gap(
    training_loss: ArrayLike,
    class_sizes: ArrayLike,
    lambda_W: Sequence[float] | NDArray[np.float64],
    lambda_H: float,
    dims: Sequence[int] | None = None,
    bias: bool = False,
) -> NDArray[np.float64] | float:
    """Relative distance of a training loss from the least that any features could give.

    The features of a network are one choice of H, so the optimum of :func:`ufm_mse` bounds the loss of every network
    from below. This holds for the loss of the model: squared error with its factor 1/(2N), summed over the classes,
    and the penalties on the head's weights and on the features of all samples.

    Parameters
    ----------
    training_loss : float or array-like
        Loss with its penalties, for example after each epoch.
    class_sizes, lambda_W, lambda_H, dims, bias
        As in :func:`ufm_mse`.

    Returns
    -------
    float or ndarray of the shape of `training_loss`
        (loss - optimum) / optimum; not below 0, up to rounding.

    Raises
    ------
    TypeError, ValueError
        If `training_loss` is not finite, and as :func:`ufm_mse` does.

    Examples
    --------
    >>> least = ufm_mse([100, 10], [1e-3], 1e-5).loss
    >>> round(ufm_gap(1.5 * least, [100, 10], [1e-3], 1e-5), 6)
    0.5
    """
    loss = np.asarray(training_loss, dtype=np.float64)
    if not np.isfinite(loss).all():
        raise ValueError(f"training_loss must be finite, got {loss[~np.isfinite(loss)][0] if loss.ndim else loss}")
    optimum = ufm_mse(class_sizes, lambda_W, lambda_H, dims, bias).loss
    gap = (loss - optimum) / optimum
    return gap if loss.ndim else float(gap)


def _thresholds(n_layers: int, n_times_scale: float) -> Thresholds:
    b = (n_layers - 1) ** ((n_layers - 1) / n_layers) / n_layers
    turning = ((n_layers - 1) / (n_layers + 1)) ** ((n_layers - 1) / n_layers)
    b_stationary = n_layers * turning / (1 + (n_layers - 1) / (n_layers + 1)) ** 2
    return Thresholds(b=b, b_stationary=b_stationary, class_size=n_layers * n_times_scale / b)


def _largest_root(b: NDArray[np.float64], n_layers: int) -> NDArray[np.float64]:
    """Largest root x of b (1 + x^M)^2 = M x^(M-1), for b below b_sp.

    Newton's method on the difference of logarithms as a function of log x: it is convex, so the steps approach the
    root from above, after at most one step from below. It starts at x^M = M - 1, the root at the threshold b_c.
    """
    if n_layers == 1:
        root = np.sqrt(b)
        return np.asarray((1 - b) / (root * (1 + root)))
    log_x = np.full(b.size, np.log(n_layers - 1) / n_layers)
    wanted = np.log(n_layers / b)
    tolerance = 8 * np.finfo(np.float64).eps * max(1.0, np.abs(wanted).max(initial=0.0))
    for _ in range(100):
        excess = 2 * np.logaddexp(0, n_layers * log_x) - (n_layers - 1) * log_x - wanted
        step = excess / (2 * n_layers * expit(n_layers * log_x) - (n_layers - 1))
        log_x -= step
        if np.abs(step).max(initial=0.0) <= tolerance:
            break
    return np.asarray(np.exp(log_x))


def _loss(
    spectrum: NDArray[np.float64], b: NDArray[np.float64], x: NDArray[np.float64], n_samples: float, n_layers: int
) -> float:
    penalty = np.multiply(b, x, out=np.zeros_like(x), where=x > 0)
    return float((spectrum * (1 / (1 + x**n_layers) + penalty)).sum() / (2 * n_samples))


def _centred_spectrum(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Eigenvalues of diag(n) - n n^T / N in decreasing order.

    m classes of one size s give it m - 1 times; the rest follow from the mean directions of the distinct sizes.
    """
    distinct, counts = np.unique(sizes, return_counts=True)
    weights = distinct * np.sqrt(counts)
    means = np.linalg.eigvalsh(np.diag(distinct) - np.outer(weights, weights) / sizes.sum())
    means[0] = 0.0  # exactly, not up to rounding
    return -np.sort(-np.concatenate([means, np.repeat(distinct, counts - 1)]))


def _widths_of_layers(dims: Sequence[int], n_layers: int) -> list[int]:
    """Give the widths (d, d_2, ..., d_M).

    Raises
    ------
    TypeError
        If it is no sequence, or one is no whole number.
    ValueError
        If their number is not that of the layers, or one is below 1.
    """
    if np.ndim(dims) != 1:
        raise TypeError(f"dims must be a sequence of whole numbers, got {dims!r}")
    if len(dims) != n_layers:
        raise ValueError(
            f"dims must hold the input width of each layer, (d, d_2, ..., d_M), {n_layers} for this lambda_W; "
            f"got {tuple(dims)}"
        )
    return [whole_number("dims", width, at_least=1) for width in dims]
