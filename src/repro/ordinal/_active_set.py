"""Minimum of the quadratic model where boundaries touch, by a primal active-set method.

The method starts from the current point of the solver, which is feasible, and moves from face to face. A face is given
by the signs of the coefficients (zero included) and by the gaps that are held at zero. Every move ends at the minimum
of the face or where a coefficient or the gap of any training row becomes zero first; at the minimum of a face the most
promising coefficients and gaps are released. The model falls and the point stays feasible all the way, so that the
result is useful even if the method is stopped early. Every gap may fall to its own tiny number below zero instead of
zero: without that, many faces can meet in one point (columns of zeros and ones do this) and the method run in circles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from repro.ordinal import _row_kernels
from repro.ordinal._face import Face, Floats

LIMIT, LIMIT_PER_COEFFICIENT = 100, 2
OPTIMAL = 1e-12
"""Largest wrong gradient or multiplier at the minimum."""
RELEASED = 0.2
"""Released at once: what is at least this part as wrong as the worst."""

Pair = tuple[int, int]


@dataclass(frozen=True)
class Model:
    """Quadratic model with an L1 penalty: ``1/2 x'Hx + c'x + sum_v l1_v |x_v|``.

    Attributes
    ----------
    H : ndarray of shape (n_chosen, n_chosen)
    c, l1 : ndarray of shape (n_chosen,)
    start : ndarray of shape (n_classes + 1,)
        Where the classes begin in the rows.
    allowance : ndarray of shape (K - 1, n)
        How far each gap may fall below zero.
    gaps_of : callable
        Gaps of all rows, shape (K - 1, n), as a linear function of x.
    inequality_of : callable
        The vector a of shape (n_chosen,) with gap = a'x for a pair of row and boundary.
    """

    H: Floats
    c: Floats
    l1: Floats
    start: np.ndarray
    allowance: Floats
    gaps_of: Callable[[Floats], Floats]
    inequality_of: Callable[[Pair], Floats]


@dataclass(frozen=True)
class Touching:
    """Minimum of a model.

    Attributes
    ----------
    x : ndarray of shape (n_chosen,)
    pairs : list of (row, boundary)
        Gaps held at zero.
    multipliers : ndarray of shape (n_pairs,)
        Their prices, not negative.
    moves : int
        Faces visited.
    """

    x: Floats
    pairs: list[Pair]
    multipliers: Floats
    moves: int


def minimise_touching(model: Model, x: Floats, pairs: list[Pair]) -> Touching:
    """Minimise the model over the feasible region.

    Parameters
    ----------
    model : Model
    x : ndarray of shape (n_chosen,)
        A feasible point.
    pairs : list of (row, boundary)
        Gaps that are zero there, as far as they are known.
    """
    x, pairs = x.copy(), list(pairs)
    face = Face(model.H, model.c, model.l1, np.sign(x))

    def hold(pair: Pair) -> None:
        row, boundary = pair
        face.hold(model.inequality_of(pair), -float(model.allowance[boundary, row]))

    for pair in pairs:
        hold(pair)
    room = model.gaps_of(x) + model.allowance
    limit = LIMIT + LIMIT_PER_COEFFICIENT * x.size
    moves, idle = 0, False
    multipliers = np.zeros(len(pairs))
    while moves < limit:
        moves += 1
        best, multipliers, dependent = face.minimum()
        if dependent >= 0:
            del pairs[dependent]
            face.let_go(dependent)
            continue
        direction = best - x
        length, vanishing = _first_zero(x, direction, face.signs, model.l1)
        falling = model.gaps_of(direction)
        for row, boundary in pairs:
            falling[boundary, row] = 0.0
        touch_length, row, boundary = _row_kernels.first_touch(room, falling, model.start)
        if touch_length < length:
            length, vanishing = touch_length, -1
        idle = length == 0.0 or (idle and length == 1.0)
        if length < 1.0:
            x += length * direction
            room += length * falling
            if vanishing >= 0:
                x[vanishing] = 0.0
                face.fix(vanishing)
            else:
                pairs.append((row, boundary))
                hold((row, boundary))
            continue
        x = best
        room += falling
        slope = model.H @ x + model.c - multipliers @ face.equations
        asking = np.where((face.signs == 0) & (model.l1 > 0), np.abs(slope) - model.l1, 0.0)
        wrong = np.concatenate([asking, -multipliers])
        worst = float(wrong.max())
        if worst <= OPTIMAL:
            break
        for k in np.flatnonzero(wrong >= (worst if idle else RELEASED * worst))[::-1]:
            if k < x.size:
                face.release(int(k), -float(np.sign(slope[k])))
            else:
                del pairs[k - x.size]
                face.let_go(k - x.size)
    count = min(len(pairs), multipliers.size)
    return Touching(x, pairs[:count], np.maximum(multipliers[:count], 0.0), moves)


def _first_zero(x: Floats, direction: Floats, signs: Floats, l1: Floats) -> tuple[float, int]:
    """Part of the way at which a coefficient changes its sign, at most 1, and which; -1 for none."""
    turning = np.flatnonzero((l1 > 0) & (direction * signs < 0) & ((x + direction) * signs <= 0))
    if turning.size == 0:
        return 1.0, -1
    parts = -x[turning] / direction[turning]
    first = int(np.argmin(parts))
    return min(max(float(parts[first]), 0.0), 1.0), int(turning[first])
