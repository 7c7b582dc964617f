"""ROC curves from sweeps of hard classifiers: areas, convex hulls, dominance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.ground.exceptions import UnknownName

ROUNDING = 1e-12
"""Differences of rates and cross products of points up to this count as zero."""


def _fractions(name: str, values: ArrayLike) -> NDArray[np.float64]:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or found.size == 0:
        raise ValueError(f"{name} must be a vector with at least 1 entry, got shape {found.shape}")
    if not np.isfinite(found).all():
        raise ValueError(f"{name} holds {np.count_nonzero(~np.isfinite(found))} NaN or infinite values")
    if found.min() < 0 or found.max() > 1:
        hint = "; divide percentages by 100" if found.max() > 1 else ""
        raise ValueError(
            f"{name} must hold fractions between 0 and 1, got values from {found.min():g} to {found.max():g}{hint}"
        )
    return found


def _points(fpr: ArrayLike, tpr: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = _fractions("fpr", fpr), _fractions("tpr", tpr)
    if x.shape != y.shape:
        raise ValueError(f"fpr and tpr must have the same length, got {x.size} and {y.size}")
    return x, y


def _ordered(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    order = np.lexsort((y, x))
    return x[order], y[order]


def sweep_auc(fpr: ArrayLike, tpr: ArrayLike, rule: Literal["paper", "full"] = "full") -> float:
    """Area under the points of a sweep, by trapezoids in the order of the false positive rate.

    Parameters
    ----------
    fpr, tpr : array-like of shape (n_points,)
        False and true positive rates as fractions, one hard classifier each, in any order. Points with equal `fpr` are
        taken in the order of `tpr`.
    rule : {"full", "paper"}, default="full"
        ``"full"``: the points (0, 0) and (1, 1) are added, as for any ROC curve. ``"paper"``: only (1, 1) is added, so
        the strip left of the first point counts nothing, as in Table 3 of Chawla et al. (2002). Areas by this rule may
        be compared only between curves that share their first point.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the rates are no fractions or differ in length.
    UnknownName
        If `rule` is unknown.

    Examples
    --------
    >>> round(sweep_auc([0.1, 0.2, 0.4], [0.6, 0.75, 0.9], rule="paper"), 4)
    0.8025
    >>> round(sweep_auc([0.1, 0.2, 0.4], [0.6, 0.75, 0.9]), 4)
    0.8325
    """
    if rule not in ("paper", "full"):
        raise UnknownName("rule", str(rule), ("paper", "full"))
    x, y = _points(fpr, tpr)
    ends = [1.0] if rule == "paper" else [0.0, 1.0]
    x, y = _ordered(np.append(x, ends), np.append(y, ends))
    return float(np.trapezoid(y, x))


@dataclass(frozen=True)
class RocHull:
    """Upper convex hull of ROC points.

    Attributes
    ----------
    fpr, tpr : ndarray of shape (n_vertices,)
        Vertices from (0, 0) to (1, 1).
    vertices : ndarray of shape (n_vertices,), int
        Position of each vertex among the input points, the first of equal ones; -1 for a corner that was added.
    area : float
        Area below the hull.
    """

    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]
    vertices: NDArray[np.intp]
    area: float


def roc_convex_hull(fpr: ArrayLike, tpr: ArrayLike) -> RocHull:
    """Upper convex hull of the points with (0, 0) and (1, 1) added (Provost and Fawcett 2001).

    Only vertices of the hull are optimal for some prior and some costs. Points inside an edge are no vertices.

    Parameters
    ----------
    fpr, tpr : array-like of shape (n_points,)
        False and true positive rates as fractions.

    Returns
    -------
    RocHull

    Raises
    ------
    ValueError
        If the rates are no fractions or differ in length.

    Examples
    --------
    >>> hull = roc_convex_hull([0.1, 0.3, 0.5], [0.6, 0.5, 0.9])
    >>> hull.fpr, hull.tpr
    (array([0. , 0.1, 0.5, 1. ]), array([0. , 0.6, 0.9, 1. ]))
    """
    x, y = _points(fpr, tpr)
    positions = np.append(np.arange(x.size), [x.size, x.size])
    x, y = np.append(x, [0.0, 1.0]), np.append(y, [0.0, 1.0])
    hull: list[int] = []
    for point in np.lexsort((positions, y, x)).tolist():
        if hull and x[hull[-1]] == x[point] and y[hull[-1]] == y[point]:
            continue
        while len(hull) > 1:
            (ax, ay), (bx, by) = (x[hull[-2]], y[hull[-2]]), (x[hull[-1]], y[hull[-1]])
            if (bx - ax) * (y[point] - ay) - (by - ay) * (x[point] - ax) < -ROUNDING:
                break
            hull.pop()
        hull.append(point)
    positions[-2:] = -1
    index = np.array(hull)
    return RocHull(x[index], y[index], positions[index], float(np.trapezoid(y[index], x[index])))


def interpolate_roc(fpr: ArrayLike, tpr: ArrayLike, grid: ArrayLike) -> NDArray[np.float64]:
    """Read a curve at given false positive rates; (0, 0) and (1, 1) belong to the curve.

    Parameters
    ----------
    fpr, tpr : array-like of shape (n_points,)
        Points of the curve as fractions.
    grid : array-like of shape (n_grid,)
        False positive rates to read the curve at.

    Returns
    -------
    ndarray of shape (n_grid,), float64
        The points are joined as in :func:`sweep_auc`; where the curve rises vertically, its upper end.

    Raises
    ------
    ValueError
        If the rates or the grid are no fractions, or the rates differ in length.

    Examples
    --------
    >>> interpolate_roc([0.2], [0.8], [0.0, 0.1, 0.6, 1.0])
    array([0. , 0.4, 0.9, 1. ])
    """
    x, y = _points(fpr, tpr)
    at = _fractions("grid", grid)
    x, y = _ordered(np.append(x, [0.0, 1.0]), np.append(y, [0.0, 1.0]))
    left = np.searchsorted(x, at, side="right") - 1
    right = np.minimum(left + 1, x.size - 1)
    width = np.where(x[right] > x[left], x[right] - x[left], 1.0)
    return np.asarray(y[left] + (y[right] - y[left]) * (at - x[left]) / width)


@dataclass(frozen=True)
class Dominance:
    """How far one ROC curve lies above another.

    Attributes
    ----------
    share_above : float
        Share of the grid at which the first curve lies above.
    share_equal : float
        Share of the grid at which both are equal, up to rounding (1e-12).
    largest_deficit : float
        Largest amount by which the first curve lies below; 0 when it never does.
    """

    share_above: float
    share_equal: float
    largest_deficit: float


def dominance(
    fpr: ArrayLike, tpr: ArrayLike, other_fpr: ArrayLike, other_tpr: ArrayLike, *, grid: ArrayLike
) -> Dominance:
    """Compare two curves on a common grid of false positive rates.

    Parameters
    ----------
    fpr, tpr : array-like of shape (n_points,)
        First curve.
    other_fpr, other_tpr : array-like of shape (n_other_points,)
        Second curve.
    grid : array-like of shape (n_grid,)
        False positive rates.

    Returns
    -------
    Dominance

    Raises
    ------
    ValueError
        If rates or grid are no fractions, or the rates of a curve differ in length.

    Examples
    --------
    >>> compared = dominance([0.2], [0.8], [0.2], [0.6], grid=[0.1, 0.2, 0.5])
    >>> compared
    Dominance(share_above=1.0, share_equal=0.0, largest_deficit=0.0)
    """
    difference = interpolate_roc(fpr, tpr, grid) - interpolate_roc(other_fpr, other_tpr, grid)
    difference[np.abs(difference) <= ROUNDING] = 0.0
    return Dominance(
        float(np.mean(difference > 0)), float(np.mean(difference == 0)), float(max(0.0, -difference.min()))
    )
