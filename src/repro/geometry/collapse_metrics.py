"""The measures of neural collapse, from the moments of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from repro.geometry.pairs import Indices, negative_log, pair_moments
from repro.geometry.unconstrained_features import MseOptimum

Target = Literal["etf", "of", "gof"]
GlobalMean = Literal["classes", "samples"]
Matrix = NDArray[np.float64]

CUT_OFF = 1e-9
"""Eigenvalues of Sigma_B below this share of the largest count as 0 in its pseudo-inverse."""


@dataclass(frozen=True, eq=False)
class ClassMoments:
    """Moments of K classes, none of them empty.

    Attributes
    ----------
    counts : ndarray of shape (K,), int64
    means : ndarray of shape (K, n_features), float64
    variances : ndarray of shape (K,), float64
        Mean squared distance to the class mean.
    within : ndarray of shape (n_features, n_features), float64
        Pooled within-class covariance, divided by the number of samples.
    """

    counts: NDArray[np.int64]
    means: Matrix
    variances: Matrix
    within: Matrix


def collapse_metrics(
    moments: ClassMoments,
    W: Matrix | None,
    b: Matrix,
    targets: Target | Sequence[Target],
    *,
    global_mean: GlobalMean,
    optimum: MseOptimum | None,
    seen: NDArray[np.bool_],
) -> dict[str, float]:
    """Compute all measures; see :meth:`repro.geometry.CollapseMeter.compute`, which checks the arrays.

    Parameters
    ----------
    moments : ClassMoments
    W : ndarray of shape (K, n_features), or None
    b : ndarray of shape (K,)
    targets, global_mean, optimum
        As there.
    seen : ndarray of bool
        Which classes of the optimum the K classes are.

    Raises
    ------
    TypeError, ValueError
        As there.
    """
    wanted = _targets(targets)
    if global_mean not in get_args(GlobalMean):
        raise ValueError(f"global_mean must be one of {get_args(GlobalMean)}, got {global_mean!r}")
    weights = moments.counts if global_mean == "samples" else np.ones(len(moments.counts))
    centre = np.average(moments.means, axis=0, weights=weights)
    centred = moments.means - centre
    with np.errstate(divide="ignore", invalid="ignore"):
        found = _within_class(moments, centred) | _equal_norms_and_angles(centred, "") | _uniform(centred)
        if W is not None:
            found |= _equal_norms_and_angles(W, "_W") | _duality(W, centred)
            found["nc4_class_means"] = float(np.mean(np.argmax(moments.means @ W.T + b, axis=1) == np.arange(len(W))))
        if "etf" in wanted:
            found |= _simplex_frame(W, centred)
        if "of" in wanted:
            found |= _orthogonal_frame(W, moments.means)
        if "gof" in wanted:
            found |= _general_frame(W, moments.means, _fitting(optimum, seen), seen)
    return found


def _targets(targets: Target | Sequence[Target]) -> tuple[str, ...]:
    wanted = (targets,) if isinstance(targets, str) else tuple(targets)
    for name in wanted:
        if name not in get_args(Target):
            raise ValueError(f"targets must be among {get_args(Target)}, got {name!r}")
    return wanted


def _fitting(optimum: MseOptimum | None, seen: NDArray[np.bool_]) -> MseOptimum:
    if not isinstance(optimum, MseOptimum):
        raise TypeError(f"optimum must be a result of ufm_mse for targets='gof', got {type(optimum).__name__}")
    if optimum.bias is not None:
        raise ValueError("optimum must be that of a model without bias for targets='gof', got one with bias")
    if len(optimum.class_sizes) != len(seen):
        raise ValueError(f"optimum must have {len(seen)} classes, got {len(optimum.class_sizes)}")
    return optimum


def _within_class(moments: ClassMoments, centred: Matrix) -> dict[str, float]:
    """NC1: size of the scatter within classes against that between them."""
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    between = singular**2 / len(centred)
    kept = between > CUT_OFF * between.max(initial=0.0)
    along = np.einsum("ij,jk,ik->i", directions[kept], moments.within, directions[kept], optimize=True)
    variances = moments.variances

    def normalised(first: Indices, second: Indices, squared: Matrix) -> Matrix:
        return np.asarray((variances[first] + variances[second]) / (2 * squared))

    def normalised_twice(first: Indices, second: Indices, squared: Matrix) -> Matrix:
        return np.asarray((variances[first] + variances[second]) / (2 * squared**2))

    pairs = pair_moments(centred, {"nc1_cdnv": normalised, "nc1_cdnv_exp2": normalised_twice})
    return {
        "nc1_pinv": float((along / between[kept]).sum() / len(centred)) if kept.any() else np.nan,
        "nc1_quot": float(np.divide(np.trace(moments.within), between.sum())),
        **{name: mean for name, (mean, _) in pairs.items()},
    }


def _equal_norms_and_angles(vectors: Matrix, suffix: str) -> dict[str, float]:
    """Papyan's parts of NC2."""
    norms = np.linalg.norm(vectors, axis=1)
    expected = -1 / (len(vectors) - 1)

    def cosine(first: Indices, second: Indices, squared: Matrix) -> Matrix:
        return np.asarray(1 - squared / 2)

    def excess(first: Indices, second: Indices, squared: Matrix) -> Matrix:
        return np.abs(1 - squared / 2 - expected)

    pairs = pair_moments(vectors / norms[:, None], {"cosine": cosine, "excess": excess})
    return {
        f"nc2_equinorm{suffix}": float(norms.std(ddof=1) / norms.mean()),
        f"nc2_equiangular{suffix}": float(np.sqrt(pairs["cosine"][1])),
        f"nc2_max_angle{suffix}": pairs["excess"][0],
    }


def _uniform(centred: Matrix) -> dict[str, float]:
    """Norms of the centred means and GNC2: their spread over the sphere."""
    norms = np.linalg.norm(centred, axis=1)

    def distance(first: Indices, second: Indices, squared: Matrix) -> Matrix:
        return np.sqrt(squared)

    pairs = pair_moments(centred / norms[:, None], {"gnc2_dist": distance, "gnc2_log": negative_log})
    return {
        "nc2_norms_mean": float(norms.mean()),
        "nc2_norms_var": float(norms.var(ddof=1)),
        "nc2_lognorm_var": float(np.log(norms).var(ddof=1)),
        **{f"{name}_mean": mean for name, (mean, _) in pairs.items()},
        **{f"{name}_var": variance for name, (_, variance) in pairs.items()},
    }


def _duality(W: Matrix, centred: Matrix) -> dict[str, float]:
    """NC3 and UNC3: rows of the classifier against centred means."""
    dots = np.einsum("ij,ij->i", W, centred)
    w_norms, norms = np.linalg.norm(W, axis=1), np.linalg.norm(centred, axis=1)
    cosines = dots / (w_norms * norms)
    distances = np.linalg.norm(W / w_norms[:, None] - centred / norms[:, None], axis=1)
    return {
        "nc3_dist_mean": float(distances.mean()),
        "nc3_papyan": _distance(W, centred) ** 2,
        "unc3_dot_var": float(dots.var(ddof=1)),
        "unc3_cos_mean": float(cosines.mean()),
        "unc3_cos_var": float(cosines.var(ddof=1)),
    }


def _simplex_frame(W: Matrix | None, centred: Matrix) -> dict[str, float]:
    frame = np.eye(len(centred)) - 1 / len(centred)
    found = {"nc2_etf_err": _distance(centred @ centred.T, frame)}
    if W is not None:
        found["nc2_etf_err_W"] = _distance(W @ W.T, frame)
        found["nc3_dual_err"] = _distance(W @ centred.T, frame)
    return found


def _orthogonal_frame(W: Matrix | None, means: Matrix) -> dict[str, float]:
    frame = np.eye(len(means))
    found = {"nc2_of_err": _distance(means @ means.T, frame)}
    if W is not None:
        found["nc2_of_err_W"] = _distance(W @ W.T, frame)
        found["nc3_of_err"] = _distance(W @ means.T, frame)
    return found


def _general_frame(W: Matrix | None, means: Matrix, optimum: MseOptimum, seen: NDArray[np.bool_]) -> dict[str, float]:
    if W is None:
        raise ValueError("W must be given for targets='gof', got None")
    squared = optimum.squared_singular_values[seen]
    if not squared.any():
        raise ValueError("optimum must have a class alive among those with samples for targets='gof', all are dead")
    penalty = optimum.n_samples * optimum.lambda_H
    shrunk = squared / (squared + penalty)
    return {
        "nc2_gof_err": _distance(means @ means.T, np.diag(shrunk / (squared + penalty))),
        "nc2_gof_err_W": _distance(W @ W.T, np.diag(squared)),
        "nc3_gof_err": _distance(W @ means.T, np.diag(shrunk)),
        "nc3_gof_dual_err": _distance(W, (squared + penalty)[:, None] * means),
    }


def _distance(first: Matrix, second: Matrix) -> float:
    """Frobenius distance of two matrices after each is divided by its own norm."""
    return float(np.linalg.norm(first / np.linalg.norm(first) - second / np.linalg.norm(second)))
