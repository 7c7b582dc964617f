"""Where the features of mixed rows lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from repro.geometry import CollapseMeter

Floats = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]
Embedding = Callable[[npt.NDArray[np.float32]], Floats]

MIX_WEIGHTS: Final = (0.0, 0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)
"""Values of t at which features of mixes are measured."""

N_PAIRS: Final = 1500


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of training rows.

    Attributes
    ----------
    first, second : ndarray of shape (n,), int64
        Rows i and j.
    """

    first: npt.NDArray[np.intp]
    second: npt.NDArray[np.intp]


def draw_pairs(labels: Classes, n_pairs: int, same_class: bool, generator: np.random.Generator) -> Pairs:
    """Draw pairs of different rows, of the same class or of two classes.

    Parameters
    ----------
    labels : ndarray of shape (n,)
    n_pairs : int
    same_class : bool
    generator : numpy.random.Generator

    Raises
    ------
    ValueError
        If there are no such pairs.
    """
    counts = np.unique(labels, return_counts=True)[1]
    if (same_class and counts.max() < 2) or (not same_class and len(counts) < 2):
        kind = "two rows of one class" if same_class else "rows of two classes"
        raise ValueError(f"labels must hold {kind}, got {len(labels)} rows of {len(counts)} classes")
    first, second = np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    while len(first) < n_pairs:
        i, j = generator.integers(len(labels), size=(2, 4 * n_pairs))
        fitting = (i != j) & ((labels[i] == labels[j]) == same_class)
        first, second = np.append(first, i[fitting]), np.append(second, j[fitting])
    return Pairs(first[:n_pairs], second[:n_pairs])


@dataclass(frozen=True, eq=False)
class Geometry:
    """Features of mixes of training rows beside the classifier.

    Centred are features by the mean of the class means of unmixed rows, and rows w_k by their mean.

    Attributes
    ----------
    W : ndarray of shape (K, d)
        Centred classifier.
    class_means : ndarray of shape (K, d)
        Centred class means.
    classes : ndarray of shape (2, n)
        Classes i and j of the pairs of different classes.
    across : ndarray of shape (T, n, d)
        Centred features of those pairs for every weight in :data:`MIX_WEIGHTS`.
    own_class : ndarray of shape (m,)
        Class of the pairs within a class.
    within : ndarray of shape (T, m, d)
        Centred features of those.
    collapse : dict of str to float
        Measures of collapse of the unmixed rows.
    """

    W: Floats
    class_means: Floats
    classes: npt.NDArray[np.int64]
    across: Floats
    own_class: Classes
    within: Floats
    collapse: dict[str, float]

    def chord(self) -> Floats:
        """Convex combinations t mu_i + (1 - t) mu_j of the class means, shape (T, n, d)."""
        t = np.array(MIX_WEIGHTS)[:, None, None]
        return np.asarray(t * self.class_means[self.classes[0]] + (1 - t) * self.class_means[self.classes[1]])

    def on_the_chord(self) -> Geometry:
        """Put every mix of two classes on its chord."""
        return replace(self, across=self.chord())

    def at_the_sum(self) -> Geometry:
        """Put every mix of two classes with t above 0 and below 1 at the sum of their class means."""
        t = np.array(MIX_WEIGHTS)
        total = self.class_means[self.classes[0]] + self.class_means[self.classes[1]]
        return replace(self, across=np.where(((t > 0) & (t < 1))[:, None, None], total, self.across))

    def in_another_span(self) -> Geometry:
        """Name two other classes for every pair."""
        i, j = self.classes
        K = len(self.W)
        neighbours = np.isin((j - i) % K, (1, K - 1))
        return replace(self, classes=(self.classes + np.where(neighbours, 2, 1)) % K)

    def coefficients(self) -> tuple[Floats, Floats]:
        """Regress mixes of two classes on the rows of both, without an intercept.

        Returns
        -------
        coefficients : ndarray of shape (T, n, 2)
            alpha and beta.
        outside : ndarray of shape (T, n)
            Squared norm of the residual.
        """
        rows = self.W[self.classes]  # (2, n, d)
        gram = np.einsum("and,bnd->nab", rows, rows)
        shadow = np.einsum("tnd,and->tna", self.across, rows)
        found = np.linalg.solve(gram[None], shadow[..., None])[..., 0]
        explained = np.einsum("tna,tna->tn", found, shadow)
        return found, np.maximum(0.0, (self.across**2).sum(axis=2) - explained)

    def summary(self) -> dict[str, float]:
        """Measures that answer the claims.

        Returns
        -------
        dict of str to float
            ``same_class_cosine``: least over t of the mean cosine of mixes within class y and w_y;
            ``same_class_range``: range over t of their mean coefficient along w_y, over its mean; ``residual_share``:
            share of the squared norm of mixes of two classes outside the plane of both rows, all t together;
            ``bulge``: mean alpha + beta at t = 1/2 over that of unmixed rows, minus 1, 0 for a chord;
            ``chord_departure``: mean squared distance of mixes to their chord over the mean squared norm; and
            ``nc1_quot``, ``nc2_etf_err``, ``nc2_etf_err_W``, ``nc3_dual_err``.
        """
        cosine, along = self.same_class()
        found, outside = self.coefficients()
        total = found.sum(axis=2).mean(axis=1)
        squares = (self.across**2).sum(axis=2).mean()
        middle = MIX_WEIGHTS.index(0.5)
        return {
            "same_class_cosine": float(cosine.min()),
            "same_class_range": float(np.ptp(along) / np.abs(along).mean()),
            "residual_share": float(outside.mean() / squares),
            "bulge": float(total[middle] / (0.5 * (total[0] + total[-1])) - 1.0),
            "chord_departure": float(((self.across - self.chord()) ** 2).sum(axis=2).mean() / squares),
        } | self.collapse

    def same_class(self) -> tuple[Floats, Floats]:
        """Mean cosine of mixes within class y with w_y, and mean coefficient along it, each by t, shape (T,)."""
        rows = self.W[self.own_class]
        shadow = np.einsum("tnd,nd->tn", self.within, rows)
        norms = np.linalg.norm(rows, axis=1)
        cosine = shadow / (np.linalg.norm(self.within, axis=2) * norms)
        return cosine.mean(axis=1), (shadow / norms**2).mean(axis=1)

    def curves(self) -> dict[str, Floats]:
        """Means by t, each of shape (T,).

        Returns
        -------
        dict of str to ndarray
            ``alpha`` and ``beta`` of mixes of two classes, ``residual``, their share outside the plane,
            ``cosine`` of mixes within a class, and ``along``, their coefficient.
        """
        found, outside = self.coefficients()
        alpha, beta = found.mean(axis=1).T
        cosine, along = self.same_class()
        residual = outside.mean(axis=1) / (self.across**2).sum(axis=2).mean(axis=1)
        return {"alpha": alpha, "beta": beta, "residual": residual, "cosine": cosine, "along": along}


def measure_geometry(
    embed: Embedding,
    W: Floats,
    inputs: npt.NDArray[np.float32],
    labels: Classes,
    generator: np.random.Generator,
    *,
    n_pairs: int = N_PAIRS,
    other_partners: bool = False,
) -> Geometry:
    """Give mixes of rows to a network and collect their features.

    Parameters
    ----------
    embed : callable
        From inputs to features of shape (n, d).
    W : ndarray of shape (K, d)
        Classifier.
    inputs : ndarray of shape (n, ...)
    labels : ndarray of shape (n,)
    generator : numpy.random.Generator
        Draws the pairs.
    n_pairs : int, default=1500
        Pairs of each kind; the same ones for every t.
    other_partners : bool, default=False
        Whether the partner in a mix within a class is taken from another class instead.

    Raises
    ------
    ValueError
        If `labels` has no pairs of a kind.
    """
    K = len(W)
    features = embed(inputs)
    meter = CollapseMeter(K, features.shape[1])
    meter.update(features, labels)
    measured = meter.compute(W, targets="etf")
    centre = meter.class_means.mean(axis=0)
    across = draw_pairs(labels, n_pairs, False, generator)
    within = draw_pairs(labels, n_pairs, True, generator)
    if other_partners:
        within = across

    def mixed(pairs: Pairs) -> Floats:
        first, second = inputs[pairs.first], inputs[pairs.second]
        return np.array([embed((t * first + (1 - t) * second).astype(np.float32)) - centre for t in MIX_WEIGHTS])

    return Geometry(
        W=W - W.mean(axis=0),
        class_means=meter.class_means - centre,
        classes=np.array([labels[across.first], labels[across.second]]),
        across=mixed(across),
        own_class=labels[within.first],
        within=mixed(within),
        collapse={name: measured[name] for name in ("nc1_quot", "nc2_etf_err", "nc2_etf_err_W", "nc3_dual_err")},
    )
