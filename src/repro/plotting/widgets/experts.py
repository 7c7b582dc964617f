"""Three experts, one slider: where weights learned without labels end, and where one estimated number does."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from repro.longtail import TEST_DISTRIBUTIONS
from repro.metrics import mean_interval
from repro.plotting.widgets.markup import Frame, Widget, assembled, table
from repro.protocol.names import name_of

METHODS: Final = {
    "expert_1": "first expert alone",
    "expert_2": "second expert alone",
    "expert_3": "third expert alone",
    "equal": "equal weights",
    "learned": "learned weights",
    "three_balanced_power": "three balanced experts, one estimated number",
    "oracle": "best weights, which know the labels",
}
WEIGHTS: Final = tuple(f"weight_{number}" for number in (1, 2, 3))
START: Final = (0.35, 0.3, 0.35)
"""Weights that nobody has moved yet: the point of the grid next to equal ones."""

_DRAWN: Final = {
    "equal": ("■", "green", "2 3"),
    "learned": ("●", "blue", ""),
    "three_balanced_power": ("▲", "orange", "7 3"),
}
_FRAME: Final = Frame(40, 10, 230, 170)
_HALVED: Final = 2.0
"""Points below the highest accuracy that halve the shade."""


def _corner(weights: Any) -> tuple[float, float]:
    """Place of weights in the triangle, whose corners from left over the top to the right are the experts."""
    return float(weights[2] + weights[1] / 2), float(-weights[1] * np.sqrt(3) / 2)


def _grid_of(frame: pd.DataFrame, sets: list[str]) -> dict[str, Any]:
    """Weights of the points of the triangle, and accuracy there in every set, of the training that has them."""
    wide = frame[frame["method"] == "grid"].pivot_table(
        index="class_label", columns=["test_set", "metric"], values="value", dropna=False
    )
    points = frame[(frame["method"] == "grid") & frame["test_set"].isna()].pivot(
        index="class_label", columns="metric", values="value"
    )
    weights = np.column_stack([points["weight_1"], 1 - points.sum(axis=1), points["weight_3"]]).round(4)
    return {
        "weights": weights.tolist(),
        "accuracy": {name: (100 * wide[name, "accuracy"]).round(2).tolist() for name in sets},
        "training": int(np.flatnonzero(frame["replicate"].unique() == _training(frame))[0]),
    }


def _training(frame: pd.DataFrame) -> Any:
    return frame.loc[frame["method"] == "grid", "replicate"].iloc[0]


def _values(frame: pd.DataFrame, method: str, metric: str, sets: list[str]) -> list[list[float]]:
    """Return one row for each test set with the value of every training."""
    rows = frame[(frame["method"] == method) & (frame["metric"] == metric)]
    wide = rows.pivot(index="test_set", columns="replicate", values="value").reindex(sets)
    if wide.isna().to_numpy().any() or wide.shape[1] < 2:
        raise ValueError(f"frame must have {metric} of method {method!r} in every set and at least 2 trainings")
    return wide.to_numpy(dtype=np.float64).tolist()


def _triangle(grid: dict[str, Any], learned: np.ndarray[Any, Any], sets: list[str]) -> str:
    """Draw accuracy as colour, where every training ends in the first set, and the way of their mean."""
    values = np.array(grid["accuracy"][sets[0]])
    shades = 0.8 * 2 ** ((values - values.max()) / _HALVED)
    dots = "".join(
        '<circle class="experts-dot" cx="{:.4g}" cy="{:.4g}" r=".027" fill-opacity="{:.3f}"/>'.format(
            *_corner(weights), shade
        )
        for weights, shade in zip(grid["weights"], shades, strict=True)
    )
    way = " ".join("{:.4g},{:.4g}".format(*_corner(mean)) for mean in learned.mean(axis=2).T)
    rings = "".join(
        '<circle class="experts-ring" cx="{:.4g}" cy="{:.4g}" r=".018"/>'.format(*_corner(one))
        for one in learned[:, 0].T
    )
    mean, best = _corner(learned[:, 0].mean(axis=1)), _corner(grid["weights"][int(values.argmax())])
    corners = ((0, 0.08, "start", "1st"), (1, 0.08, "end", "3rd"), (0.5, -0.91, "middle", "2nd"))
    names = "".join(f'<text x="{x}" y="{y}" text-anchor="{side}">{name}</text>' for x, y, side, name in corners)
    own = _corner(START)
    return (
        f'<svg class="experts-triangle" viewBox="-.06 -1 1.12 1.1" role="img" aria-label="Triangle of the weights of '
        f'three experts; the darker, the more accurate">{dots}<polyline class="experts-way" points="{way}"/>{rings}'
        f'<circle class="experts-mean" cx="{mean[0]:.4g}" cy="{mean[1]:.4g}" r=".03"/>'
        f'<text class="experts-best" x="{best[0]:.4g}" y="{best[1]:.4g}">★</text>'
        f'<path class="experts-own" transform="translate({own[0]:.4g} {own[1]:.4g})" d="M-.04 0h.08M0-.04v.08"/>'
        f"{names}</svg>"
    )


def three_experts_one_slider(frame: pd.DataFrame) -> Widget:
    """Show eleven test sets of three experts by hand, with weights of one's own beside the learned ones.

    Parameters
    ----------
    frame : DataFrame
        Rows of the table ``sade.experts`` of one recipe and one imbalance ratio, with at least two trainings.

    Returns
    -------
    Widget
        The resting state shows the test set with the tail of the training set, the way of the weights through all
        sets, and the accuracy of learned weights, equal weights and one estimated number.

    Raises
    ------
    ValueError
        If the rows are of several recipes or ratios, have no grid, or lack a method in a test set.
    """
    if len(frame[["recipe", "ratio"]].drop_duplicates()) != 1 or not (frame["method"] == "grid").any():
        raise ValueError("frame must hold networks of one recipe and one ratio, with rows of method 'grid'")
    sets = list(TEST_DISTRIBUTIONS)
    accuracy = {method: (100 * np.array(_values(frame, method, "accuracy", sets))).tolist() for method in METHODS}
    learned = np.array([_values(frame, "learned", name, sets) for name in WEIGHTS])
    grid, n_trainings = _grid_of(frame, sets), learned.shape[2]
    means = learned.mean(axis=2)
    low, high = (
        bound(np.mean(accuracy[method][place]) for method in _DRAWN for place in range(len(sets)))
        for bound in (min, max)
    )
    low, high = float(np.floor(low / 5) * 5), float(np.ceil(high / 5) * 5)
    curves = []
    for method, (mark, colour, dashes) in _DRAWN.items():
        shares = [
            (n / (len(sets) - 1), float(np.mean(values) - low) / (high - low))
            for n, values in enumerate(accuracy[method])
        ]
        places = [_FRAME.place(*share) for share in shares]
        marks = "".join(
            f'<text class="experts-mark" style="fill:var(--{colour})" x="{x:g}" y="{y:g}">{mark}</text>'
            for x, y in places
        )
        curves.append(
            f'<polyline class="experts-curve" stroke="var(--{colour})" stroke-dasharray="{dashes}" '
            f'points="{_FRAME.points(shares)}"/>{marks}'
        )
    middles = {method: [float(np.mean(values)) for values in accuracy[method]] for method in _DRAWN}
    ends = "; ".join(
        f"{METHODS[method]} {values[0]:.1f}, {values[5]:.1f} and {values[-1]:.1f}" for method, values in middles.items()
    )
    alt = (
        f"Mean accuracy over {n_trainings} trainings in eleven test sets, in percent, with the tail of the training "
        f"set, uniform, and with the inverse tail: {ends}."
    )
    x = _FRAME.place(0, 0)[0]
    now = f'<line class="experts-now" x1="{x:g}" x2="{x:g}" y1="{_FRAME.top}" y2="{_FRAME.top + _FRAME.high}"/>'
    chart = _FRAME.drawn(
        now + "".join(curves), alt=alt, kind="experts", xlabel="test set", ylabel="accuracy (%)",
        x_ends=("tail as in training", "inverse tail"), y_ends=(f"{low:g}", f"{high:g}"),
    )  # fmt: skip
    rows = []
    for method, name in METHODS.items():
        found = mean_interval(accuracy[method][0])
        mark, colour, _ = _DRAWN.get(method, ("", "grey", ""))
        named = f'<span aria-hidden="true" style="color:var(--{colour})">{mark}</span> {name}'.strip()
        rows.append((named, f"{found.estimate:.1f} ({found.low:.1f} to {found.high:.1f})"))
    gap = mean_interval(np.subtract(accuracy["learned"][0], accuracy["three_balanced_power"][0]))
    title = (
        f"Learned without a label, the weight of the first expert goes from {means[0, 0]:.2f} to {means[0, -1]:.2f} "
        f"along the slider, that of the third from {means[2, 0]:.2f} to {means[2, -1]:.2f}"
    )
    weights = ", ".join(f"{weight:.2f}" for weight in means[:, 0])
    still = (
        f'<div class="experts-pictures">{_triangle(grid, learned, sets)}{chart}</div>'
        f'<p class="experts-told">{name_of(sets[0], "test_set").capitalize()}. Learned weights {weights} on average. '
        f"Learned weights minus one number: {gap.estimate:+.1f} points ({gap.low:+.1f} to {gap.high:+.1f}).</p>"
        f"{table(['', f'accuracy in percent, {n_trainings} trainings'], rows)}"
    )
    hint = (
        "Every point of the triangle is a set of weights, a corner one expert alone. Full dot: where the learned "
        "weights end on average, rings: in each training, line: their way through all test sets. The shades, which "
        f"halve with every {_HALVED:g} points below the star of the highest accuracy, and the accuracy at your cross "
        "are of one training, so they are an illustration. Intervals are Student's over trainings."
    )
    data = {
        "sets": [name_of(name, "test_set") for name in sets],
        "accuracy": list(accuracy.values()),
        "methods": list(METHODS),
        "learned": learned.tolist(),
        "grid": {**grid, "accuracy": list(grid["accuracy"].values())},
        "start": START,
        "halved": _HALVED,
        "quantile": float(stats.t.ppf(0.975, n_trainings - 1)),
        "frame": [_FRAME.left, _FRAME.wide],
    }
    return assembled("experts", title, still, data, claims=["sade-t3", "sade-f"], hint=hint, alt=alt)
