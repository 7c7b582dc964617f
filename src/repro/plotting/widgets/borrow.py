"""Borrowing from frequent steps: PRESTO's path from separate steps to shared ones."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from repro.ordinal import presto_path
from repro.plotting.widgets.markup import Frame, Widget, assembled, table

Floats = npt.NDArray[np.float64]

TRUTHS: Final = {"as the others": (1.5, 1.5), "a little otherwise": (2.0, 0.8), "another way": (2.2, -0.3)}
"""How the last step goes: its true weights. Those of the steps before it are (1.5, 1.5)."""
INTERCEPTS: Final = (0.0, 2.0, 4.6)
LAMBDAS: Final = np.geomspace(0.05, 4e-4, 13)
ROWS: Final = 1000
START: Final = (-0.8, 0.8)
"""The row that is asked about before anybody moves it."""
SHARES: Final = (0.5, 0.02)
"""What part of the rows passes the first and the rare step on the lines that are drawn."""

_DASHES: Final = ("", "7 3", "2 3")
_MARKS: Final = (("●", "blue"), ("▲", "green"), ("■", "purple"))
_FRAME, _MOST = Frame(34, 10, 230, 150), 3.0


def _simulated(last: tuple[float, float], draws: int, random_state: int) -> dict[str, Any]:
    """Fit the path to simulated sets with one truth; the first is shown, the error is that of all."""
    generator = np.random.default_rng(random_state)
    intercepts, slopes = np.array(INTERCEPTS), np.array([(1.5, 1.5), (1.5, 1.5), last])
    side = np.linspace(-0.95, 0.95, 20)
    square = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    rare, squares, first = expit(-(INTERCEPTS[2] + square @ slopes[2])), [], {}
    for draw in range(draws):
        X = generator.uniform(-1, 1, (ROWS, 2))
        y = (generator.random((ROWS, 1)) > expit(X @ slopes.T + intercepts)).sum(axis=1)
        path = presto_path(X, y, LAMBDAS, level_penalty=0, tol=1e-6)
        estimate = expit(-(path.intercepts[:, 2:] + path.coefs[:, 2] @ square.T))
        squares.append(((estimate - rare) ** 2).mean(axis=1))
        if draw == 0:
            first = {
                "fits": [
                    {"intercepts": alpha.tolist(), "coefs": beta.tolist()}
                    for alpha, beta in zip(path.intercepts, path.coefs, strict=True)
                ],
                "others": "".join(f"M{x:.2f} {-z:.2f}h0" for x, z in X[y < 3]),
                "rare": "".join(f"M{x - 0.03:.2f} {-z - 0.03:.2f}l.06 .06m0-.06l-.06 .06" for x, z in X[y == 3]),
                "count": int((y == 3).sum()),
            }
    errors = 100 * np.sqrt(np.mean(squares, axis=0))
    return {"slopes": slopes.tolist(), "errors": errors.tolist(), **first}


def _line(intercept: float, weights: Floats, share: float) -> str:
    """Give the attributes of the line on which a share of the rows passes a step, long enough to leave the square."""
    size = float(weights @ weights) or np.inf  # no weights, no line: it shrinks to the middle
    middle = -(intercept + logit(share)) * weights / size
    along = 3 * np.array([-weights[1], weights[0]]) / np.sqrt(size)
    places = (middle - along, middle + along)
    return " ".join(f'x{n}="{x:.4f}" y{n}="{-y:.4f}"' for n, (x, y) in enumerate(places, 1))


def _plane(world: dict[str, Any], fit: tuple[Floats, Floats]) -> str:
    """Draw the rows of a world in the square, and which way the steps go."""
    truth = (INTERCEPTS[2], np.array(world["slopes"][2]), SHARES[1])
    steps = ((fit[0][0], fit[1][0], SHARES[0]), (fit[0][2], fit[1][2], SHARES[1]), truth)
    lines = "".join(
        f'<line class="borrow-line" {_line(*step)} stroke-dasharray="{dashes}" pathLength="200"/>'
        for step, dashes in zip(steps, _DASHES, strict=True)
    )
    return (
        f'<svg class="borrow-plane" viewBox="-1.05 -1.05 2.1 2.1" role="img" aria-label="{world["count"]} rare rows, '
        f'and which way the steps go"><rect x="-1" y="-1" width="2" height="2" class="borrow-frame"/>'
        f'<path class="borrow-others" d="{world["others"]}"/><path class="borrow-rare" d="{world["rare"]}"/>'
        f'<svg x="-1" y="-1" width="2" height="2" viewBox="-1 -1 2 2">{lines}</svg>'
        f'<circle class="borrow-row" cx="{START[0]}" cy="{-START[1]}" r=".06"/></svg>'
    )


def _chart(worlds: list[dict[str, Any]], best: list[int], alt: str) -> str:
    """Draw the error along the path in all worlds, that of the one in the middle marked."""
    inside = []
    for number, (world, at, dashes, (mark, colour)) in enumerate(zip(worlds, best, _DASHES, _MARKS, strict=True)):
        shares = [(n / (LAMBDAS.size - 1), min(error / _MOST, 1.0)) for n, error in enumerate(world["errors"])]
        x, y = _FRAME.place(*shares[at])
        inside.append(
            f'<polyline class="borrow-curve{" borrow-here" if number == 1 else ""}" stroke="var(--{colour})" '
            f'stroke-dasharray="{dashes}" points="{_FRAME.points(shares)}"/>'
            f'<text class="borrow-mark" style="fill:var(--{colour})" x="{x:g}" y="{y:g}">{mark}</text>'
        )
        if number == 1:
            bottom = _FRAME.top + _FRAME.high
            inside.append(
                f'<line class="borrow-now" x1="{x:g}" x2="{x:g}" y1="{_FRAME.top}" y2="{bottom}"/>'
                f'<circle class="borrow-dot" cx="{x:g}" cy="{y:g}" r="5"/>'
            )
    return _FRAME.drawn(
        "".join(inside), alt=alt, kind="borrow", xlabel=f"penalty from {LAMBDAS[0]:.2g} to {LAMBDAS[-1]:.2g}",
        ylabel="error in points", x_ends=("shared", "separate"), y_ends=("0", f"{_MOST:g}"),
    )  # fmt: skip


def borrowing_from_frequent_steps(draws: int = 8, *, random_state: int = 5) -> Widget:
    """Draw PRESTO's path on simulated rows: penalty, truth of the rare step and a row to ask about by hand.

    Four ordered classes in the plane; the last is rare. In three worlds the last step has the weights of the others,
    others by a little, or quite others.

    Parameters
    ----------
    draws : int, default=8
        Simulated sets in each world, over which the error is averaged; the first of them is drawn.
    random_state : int, default=5

    Returns
    -------
    Widget
        The resting state shows the world in the middle at its best penalty, and the error along the path in all three.

    Raises
    ------
    ValueError
        If `draws` is below 1.
    """
    if draws < 1:
        raise ValueError(f"draws must be at least 1, got {draws}")
    worlds = [{"name": name, **_simulated(last, draws, random_state)} for name, last in TRUTHS.items()]
    best = [int(np.argmin(world["errors"])) for world in worlds]
    world, at = worlds[1], best[1]
    fit = (np.array(world["fits"][at]["intercepts"]), np.array(world["fits"][at]["coefs"]))
    sides = ((INTERCEPTS[2], np.array(world["slopes"][2])), (fit[0][2], fit[1][2]))  # truth, estimate
    weights = [" and ".join(f"{value:.2f}" for value in slopes) for _, slopes in sides]
    chances = [f"{100 * expit(-(intercept + slopes @ np.array(START))):.2f} %" for intercept, slopes in sides]
    penalties = [f"{LAMBDAS[place]:.2g}" for place in best]
    best_at = f"the best penalty goes from {penalties[0]} over {penalties[1]} to {penalties[2]}"
    title = (
        f"The less the rare step is like the others, the less to borrow: {best_at}"
        if best[0] < best[1] < best[2]
        else f"How much to borrow from the other steps: as the rare step grows unlike them, {best_at}"
    )
    told = "; ".join(
        f"{one['name']}: {one['errors'][0]:.2f} shared, {min(one['errors']):.2f} at best, {one['errors'][-1]:.2f} "
        "separate"
        for one in worlds
    )
    alt = f"Error of the rare probability along the path, in percentage points. The rare step goes {told}."
    key = " ".join(
        f'<span aria-hidden="true" style="color:var(--{colour})">{mark}</span> {name}'
        for name, (mark, colour) in zip(TRUTHS, _MARKS, strict=True)
    )
    numbers = table(
        ["", "truth", "estimate"],
        [
            ("weights of the rare step", *weights),
            ("its probability at the ringed row", *chances),
            ("mean error over the square", "", f"{world['errors'][at]:.2f} points"),
        ],
    )
    still = (
        f'<div class="borrow-pictures">{_plane(world, fit)}{_chart(worlds, best, alt)}</div>'
        f'<p class="widget-small">The rare step goes: {key}; the mark is the smallest error.</p>{numbers}'
    )
    hint = (
        f"{ROWS:,} simulated rows, the rare ones crossed. Half of the rows pass the first step on the solid line, one "
        "in 50 the rare step on the dashed one; on the dotted one they do in truth. Errors are root mean squares over "
        f"{draws} such sets. A picture of the mechanism, no evidence."
    )
    data = {
        "worlds": worlds, "intercepts": INTERCEPTS, "lambdas": LAMBDAS.tolist(), "best": best, "start": START,
        "shares": SHARES, "frame": [_FRAME.left, _FRAME.top, _FRAME.wide, _FRAME.high, _MOST],
    }  # fmt: skip
    return assembled("borrow", title, still, data, claims=["presto-s1", "presto-s2"], hint=hint, alt=alt)
