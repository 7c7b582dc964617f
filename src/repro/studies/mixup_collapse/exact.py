"""Best features of mixed targets under a fixed simplex classifier, found by direct optimisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from repro.geometry import mixup_ufm
from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows

Floats = npt.NDArray[np.float64]

OTHER_PARTNERS: Final = "partners_of_other_classes"
CHORD: Final = "chord_in_another_span"
OTHER_LOSS: Final = "cross_entropy_for_squared_error"

WEIGHTS: Final = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
"""Values of t at which the model is solved."""

LEAST_EXCESS: Final = 1e-3
"""How far, relative to the chord, a curve must lie outside it to count as curved."""


@dataclass(frozen=True)
class FrameModel:
    """A classifier that is fixed to a simplex frame, and a penalty on the feature.

    Attributes
    ----------
    n_classes : int
        K.
    row_norm : float
        m.
    penalty : float
        lambda_H, of the feature.
    """

    n_classes: int
    row_norm: float
    penalty: float

    def classifier(self, width: int, generator: np.random.Generator) -> Floats:
        """Draw a rotated simplex frame, shape (K, width), with rows of norm m; `width` is at least K."""
        K = self.n_classes
        axes = np.linalg.qr(generator.standard_normal((width, K)))[0]
        return np.asarray(self.row_norm * np.sqrt(K / (K - 1)) * (np.eye(K) - 1.0 / K) @ axes.T)

    def minimise(self, W: Floats, target: Floats, start: Floats, loss: str) -> Floats:
        """Best feature for a target, by L-BFGS.

        Parameters
        ----------
        W : ndarray of shape (K, width)
        target : ndarray of shape (K,)
            Class weights that add up to 1.
        start : ndarray of shape (width,)
        loss : "cross_entropy" or "mse"
            Squared error is half the sum over classes.

        Returns
        -------
        ndarray of shape (width,)
        """

        def function(h: Floats) -> tuple[float, Floats]:
            logits = W @ h
            if loss == "mse":
                slope = logits - target
                value = 0.5 * float(slope @ slope)
            else:
                slope = softmax(logits) - target
                value = -float(target @ log_softmax(logits))
            return value + 0.5 * self.penalty * float(h @ h), W.T @ slope + self.penalty * h

        options: Any = {"maxiter": 5000, "maxfun": 10_000, "ftol": 0.0, "gtol": 1e-11, "maxcor": 30}
        return np.asarray(minimize(function, start, jac=True, method="L-BFGS-B", options=options).x)


CASES: Final[Mapping[str, FrameModel]] = {
    "3 classes": FrameModel(3, 2.0, 0.05),
    "5 classes": FrameModel(5, 1.3, 0.02),
    "10 classes": FrameModel(10, 1.0, 0.01),
    "10 classes, small penalty": FrameModel(10, 1.5, 1e-3),
    "30 classes": FrameModel(30, 1.5, 0.01),
}
"""Models that are solved; the second is that of the reference values."""


def coefficients(rows: Floats, features: Floats) -> tuple[Floats, Floats]:
    """Regress features on two rows, without an intercept.

    Parameters
    ----------
    rows : ndarray of shape (2, width)
        Linearly independent.
    features : ndarray of shape (n, width)

    Returns
    -------
    coefficients : ndarray of shape (n, 2)
    residual : ndarray of shape (n,)
        Share of the squared norm of each feature that lies outside the plane of the rows.
    """
    found = np.linalg.solve(rows @ rows.T, rows @ features.T).T
    outside = features - found @ rows
    return np.asarray(found), np.asarray((outside**2).sum(axis=1) / (features**2).sum(axis=1))


def exact(cell: Cell) -> pd.DataFrame:
    """Optimise the feature of every mixed target directly and compare with the closed form.

    Parameters
    ----------
    cell : Cell
        Parameters ``case`` (key of :data:`CASES`) and ``starts`` (random starts for every target).

    Returns
    -------
    DataFrame
        Columns ``case, replicate, metric, value``; a replicate is one random start and frame. Features are compared
        relative to their norm, and the largest difference over all weights t is given.
        ``same_class_misalignment``: 1 minus the cosine of a mix within class i and row i; ``same_class_spread``:
        distance between such mixes for different t; ``closed_form_deviation``: distance of mixes of two classes to
        :func:`repro.geometry.mixup_ufm`; ``outside_span``: root of their residual share in the plane of both rows;
        ``chord_shortfall``: how far their excess over the chord between the two unmixed features falls below
        :data:`LEAST_EXCESS`; ``straight_steps``: number of t at which alpha + beta is not strictly concave;
        ``squared_error_departure``: distance to the chord with squared error.
    """
    case = cell.text("case")
    model, generator = CASES[case], cell.generator()
    K, width = model.n_classes, model.n_classes + 3
    t = np.array(WEIGHTS)
    rows = Rows("case", case=case)
    for start in range(cell.whole("starts")):
        W = model.classifier(width, generator)
        i, j = generator.permutation(K)[:2]
        of_first, of_second = np.eye(K)[i], np.eye(K)[j]
        mixed = np.outer(t, of_first) + np.outer(1 - t, of_second)
        within = mixed if cell.variant == OTHER_PARTNERS else np.tile(of_first, (len(t), 1))

        def solve(targets: Floats, loss: str, W: Floats = W) -> Floats:
            begin = generator.standard_normal((len(targets), width))
            return np.array([model.minimise(W, *pair, loss) for pair in zip(targets, begin, strict=True)])

        same = solve(within, "cross_entropy")
        size = np.linalg.norm(same, axis=1)
        cosines = same @ W[i] / (size * model.row_norm)
        found = solve(mixed, "cross_entropy")
        chord = np.outer(t, found[-1]) + np.outer(1 - t, found[0])
        squares = found if cell.variant == OTHER_LOSS else solve(mixed, "mse")
        straight = np.outer(t, squares[-1]) + np.outer(1 - t, squares[0])
        predicted = [mixup_ufm(K, model.row_norm, model.penalty, weight) for weight in WEIGHTS]
        expected = np.array([one.alpha * W[i] + one.beta * W[j] for one in predicted])
        if cell.variant == CHORD:
            i, j = generator.permutation(np.setdiff1d(np.arange(K), [i, j]))[:2]
            found = chord
        alpha_beta, residual = coefficients(W[[i, j]], found)
        total = alpha_beta.sum(axis=1)
        along = t * total[-1] + (1 - t) * total[0]
        slopes = np.diff(total) / np.diff(t)
        excess = (total[1:-1] - along[1:-1]) / np.abs(along[1:-1])
        measures = {
            "same_class_misalignment": float((1 - cosines).max()),
            "same_class_spread": float(np.linalg.norm(same - same[0], axis=1).max() / size[0]),
            "closed_form_deviation": _distance(found, expected),
            "outside_span": float(np.sqrt(residual.max())),
            "chord_shortfall": float(np.maximum(0.0, LEAST_EXCESS - excess).max()),
            "straight_steps": float((np.diff(slopes) > -1e-6 * np.abs(total).max()).sum()),
            "squared_error_departure": _distance(squares, straight),
        }
        rows.add(measures, replicate=start)
    return rows.frame()


def _distance(found: Floats, expected: Floats) -> float:
    """Largest distance of rows over the norm of what is expected."""
    apart = np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1)
    return float(apart.max())
