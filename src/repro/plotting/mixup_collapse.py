"""Figures of the mixup chapter. Each takes numbers or a table and returns a picture with its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.geometry import mixup_ufm
from repro.metrics import mean_interval
from repro.plotting.figures import PALETTE, Shown, book_style, show
from repro.studies.mixup_collapse.measures import MIX_WEIGHTS, Geometry
from repro.studies.mixup_collapse.networks import FRAME_LAMBDA_H, FRAME_NORM, N_CLASSES

Floats = npt.NDArray[np.float64]

ARM_STYLES: Final[Mapping[tuple[str, str, str], dict[str, Any]]] = {
    ("mixup", "cross_entropy", "trained"): {"color": PALETTE["blue"], "marker": "o", "linestyle": "-"},
    ("erm", "cross_entropy", "trained"): {"color": PALETTE["orange"], "marker": "^", "linestyle": "--"},
    ("mixup", "cross_entropy", "frozen frame"): {"color": PALETTE["green"], "marker": "s", "linestyle": "-."},
    ("mixup", "mse", "trained"): {"color": PALETTE["purple"], "marker": "D", "linestyle": ":"},
}
"""Colour, marker and line of method, loss and head, the same in every figure of the chapter."""

ARM_NAMES: Final[Mapping[tuple[str, str, str], str]] = {
    ("mixup", "cross_entropy", "trained"): "mixup",
    ("erm", "cross_entropy", "trained"): "no mixup",
    ("mixup", "cross_entropy", "frozen frame"): "mixup, frozen frame",
    ("mixup", "mse", "trained"): "mixup, squared error",
}

METHOD_NAMES: Final[Mapping[str, str]] = {
    "erm": "no mixup",
    "erm_temperature": "no mixup, temperature",
    "mixup": "mixup",
    "mixup_temperature": "mixup, temperature",
    "mild_mixup": "mild mixup",
    "mild_mixup_temperature": "mild mixup, temperature",
}
"""What the methods of the calibration table are called, in the order in which they are shown."""

LEAST_SHARE: Final = 0.005
"""Bins with a smaller share of the rows are left out of a reliability diagram."""

RELIABILITY_STYLES: Final[Mapping[str, tuple[str, str]]] = {
    "erm": ("^", PALETTE["orange"]),
    "mixup": ("o", PALETTE["blue"]),
    "erm_temperature": ("s", PALETTE["green"]),
}


def in_plane(geometry: Geometry, first: int, second: int) -> tuple[Floats, Floats, Floats]:
    """Mixes of two classes in orthonormal coordinates of the plane of both rows; the first axis halves their angle.

    Parameters
    ----------
    geometry : Geometry
    first, second : int
        Classes i and j.

    Returns
    -------
    points : ndarray of shape (T, n, 2)
        Mixes with t for class i.
    rows : ndarray of shape (2, 2)
        Classifier rows i and j.
    means : ndarray of shape (2, 2)
        Class means i and j.

    Raises
    ------
    ValueError
        If there is no mix of the two classes.
    """
    i, j = geometry.classes
    forward, backward = (i == first) & (j == second), (i == second) & (j == first)
    if not (forward | backward).any():
        raise ValueError(f"there is no mix of the classes {first} and {second} among {i.size} pairs")
    w, v = geometry.W[first], geometry.W[second]
    along, across = w / np.linalg.norm(w) + v / np.linalg.norm(v), w / np.linalg.norm(w) - v / np.linalg.norm(v)
    axes = np.array([along / np.linalg.norm(along), across / np.linalg.norm(across)]).T
    mixes = np.concatenate([geometry.across[:, forward], geometry.across[::-1, backward]], axis=1)
    return mixes @ axes, np.array([w, v]) @ axes, geometry.class_means[[first, second]] @ axes


def channel(geometries: Mapping[str, Geometry], first: int, second: int) -> Shown:
    """Draw mixes of two classes in the plane of both classifier rows, one panel for each network.

    Parameters
    ----------
    geometries : mapping of str to Geometry
        By title of the panel.
    first, second : int
        The two classes.
    """
    import matplotlib.pyplot as plt

    spoken = []
    with book_style():
        figure, panels = plt.subplots(
            1, len(geometries), figsize=(4.5 * len(geometries), 3.5), squeeze=False, sharex=True, sharey=True
        )
        for axes, (title, geometry) in zip(panels[0], geometries.items(), strict=True):
            points, rows, means = in_plane(geometry, first, second)
            middle = points.mean(axis=1)
            size = np.linalg.norm(means, axis=1).mean()
            for number, (t, cloud) in enumerate(zip(MIX_WEIGHTS, points, strict=True)):
                shade = plt.get_cmap("cividis")(0.1 + 0.75 * t)
                axes.scatter(*(cloud[:, ::-1] / size).T, s=9, color=shade, alpha=0.35, linewidths=0)
                axes.plot(*(middle[number, ::-1] / size), "o", color=shade, markeredgecolor="white", zorder=3)
                if t in (0.0, 0.5, 1.0):
                    axes.annotate(
                        f"t = {t:g}", middle[number, ::-1] / size, (0, 9), textcoords="offset points", ha="center"
                    )
            axes.plot(*(middle[:, ::-1] / size).T, color=PALETTE["black"], linewidth=2, label="mean of the mixes")
            axes.plot(
                *(means[:, ::-1] / size).T, "--", color=PALETTE["orange"], linewidth=2, label="chord of class means"
            )
            reach = np.abs(points).max() / size
            for row, name in zip(rows, (first, second), strict=True):
                tip = 0.75 * reach * row[::-1] / np.linalg.norm(row)
                axes.annotate(
                    "", tip, (0, 0), arrowprops={"arrowstyle": "->", "color": PALETTE["grey"], "linewidth": 2}
                )
                axes.annotate(f"row {name}", 0.4 * tip, color=PALETTE["black"], ha="center", va="top")
            chord = 0.5 * (means[0] + means[1])[0]
            excess = round(middle[MIX_WEIGHTS.index(0.5)][0] / chord - 1.0, 2) + 0.0  # no minus zero
            spoken.append(f"{title}: at t = 1/2 the mean of the mixes lies {excess:+.0%} beyond the chord")
            axes.set(aspect="equal", title=title, xlabel=f"from class {second} to class {first}")
        panels[0, 0].set_ylim(bottom=-0.25)
        panels[0, 0].set_ylabel("along both rows")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return show(
        figure,
        alt=f"Mixes of the classes {first} and {second} as points in the plane of two rows, from one class mean to the "
        f"other, beside the straight chord, in {len(geometries)} panels. " + "; ".join(spoken) + ".",
        caption=f"Features of mixes of {first} and {second} in the plane of the classifier's two rows. "
        f"Unit: the length of a class mean. The darker, the more of class {second}.",
    )


def exact_channels(n_classes: int, row_norm: float, penalties: Sequence[float]) -> Shown:
    """Draw the exact curve of the best feature for several penalties.

    Parameters
    ----------
    n_classes : int
        K.
    row_norm : float
        m.
    penalties : sequence of float
        Values of lambda_H, at most four.
    """
    import matplotlib.pyplot as plt

    t = np.linspace(0.0, 1.0, 101)
    styles = [("-", "o"), ("--", "^"), ("-.", "s"), (":", "D")]
    colors = [PALETTE[name] for name in ("blue", "orange", "green", "purple")]
    spoken = []
    with book_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 4.0))
        for penalty, (line, marker), color in zip(penalties, styles, colors, strict=False):
            found = [mixup_ufm(n_classes, row_norm, penalty, weight) for weight in t]
            alpha = np.array([one.alpha for one in found]) / found[-1].alpha
            options: dict[str, Any] = {"color": color, "linestyle": line, "marker": marker, "markevery": 10}
            left.plot(alpha, alpha[::-1], label=f"penalty {penalty:g}", **options)
            right.plot(t, alpha, **options)
            spoken.append(f"penalty {penalty:g}: alpha + beta at t = 1/2 is {2 * alpha[50]:.2f} times the unmixed one")
        for axes, line_points in ((left, ([0, 1], [1, 0])), (right, ([0, 1], [0, 1]))):
            axes.plot(*line_points, color=PALETTE["black"], linewidth=1, label="chord")
        left.set(xlabel="alpha over that of an unmixed row", ylabel="beta over the same", aspect="equal")
        right.set(xlabel="weight t", ylabel="alpha over that of an unmixed row")
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return show(
        figure,
        alt="Two panels: curves from one axis to the other that bend away from a straight chord, and alpha against t, "
        "steep at both ends. " + "; ".join(spoken) + ".",
        caption=f"Exact features of mixes for {n_classes} classes and rows of norm {row_norm:g}. The smaller the "
        "penalty, the further the curve bends away from the chord.",
    )


def _by_arm(table: pd.DataFrame, column: str) -> dict[tuple[str, str, str], pd.DataFrame]:
    """Rows with a value in a column, by method, loss and head, in the order of the styles."""
    rows = table.dropna(subset=[column])
    found = {}
    for arm in ARM_STYLES:
        mine = rows[(rows["method"] == arm[0]) & (rows["loss"] == arm[1]) & (rows["head"] == arm[2])]
        if not mine.empty:
            found[arm] = mine
    return found


def curves(table: pd.DataFrame) -> Shown:
    """Draw coefficients and angles of mixes against t, for every kind of network.

    Parameters
    ----------
    table : DataFrame
        Table of ``mixup_collapse.features``.
    """
    import matplotlib.pyplot as plt

    spoken = []
    exact = np.array([mixup_ufm(N_CLASSES, FRAME_NORM, FRAME_LAMBDA_H, t).alpha for t in MIX_WEIGHTS])
    with book_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(8.8, 4.3))
        total = (exact + exact[::-1]) / exact[-1]
        left.plot(MIX_WEIGHTS, total, color=PALETTE["black"], linewidth=2.2, label="exact model, frozen frame")
        for arm, mine in _by_arm(table, "t").items():
            wide = mine.pivot_table(index=["replicate", "t"], columns="metric", values="value")
            along = (wide["alpha"] + wide["beta"]).unstack("t")
            relative = along.div(along[[0.0, 1.0]].mean(axis=1), axis=0)
            cosine = wide["cosine"].unstack("t")
            for axes, values in ((left, relative), (right, cosine)):
                style = ARM_STYLES[arm]
                axes.plot(values.columns, values.mean(), label=ARM_NAMES[arm], **style)
                axes.fill_between(
                    values.columns, values.min(), values.max(), color=style["color"], alpha=0.15, linewidth=0
                )
            spoken.append(
                f"{ARM_NAMES[arm]}: alpha + beta at t = 1/2 {relative[0.5].mean():.2f} times that of unmixed rows, "
                f"cosine within a class {cosine.mean().min():.2f} at the least"
            )
        left.axhline(1.0, color=PALETTE["grey"], linewidth=1)
        left.set(xlabel="weight t", ylabel="alpha + beta over that of unmixed rows", title="mixes of two classes")
        right.set(
            xlabel="weight t", ylabel="cosine with the row of the class", title="mixes within a class", ylim=(0, 1.02)
        )
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return show(
        figure,
        alt="Two panels with one line for each kind of network, and the exact curve in the left one, where it reaches "
        f"{total[MIX_WEIGHTS.index(0.5)]:.2f}. " + "; ".join(spoken) + ".",
        caption="Means and ranges over seeds. On a chord, alpha + beta is the same for all t (grey line).",
    )


def course(table: pd.DataFrame) -> Shown:
    """Draw how far features are from collapse as training goes on.

    Parameters
    ----------
    table : DataFrame
        Table of ``mixup_collapse.features`` with measurements by epoch.

    Raises
    ------
    ValueError
        If the table has none.
    """
    import matplotlib.pyplot as plt

    arms = _by_arm(table, "epoch")
    if not arms:
        raise ValueError("table has no measurements by epoch; those of the standard profile have")
    names = {
        "course_same_class_cosine": "cosine within a class",
        "course_residual_share": "share outside the span",
        "course_bulge": "bulge over the chord",
        "course_nc2_etf_err": "means to simplex frame",
    }
    spoken = []
    with book_style():
        figure, panels = plt.subplots(1, len(names), figsize=(2.5 * len(names), 3.6), sharey=True)
        for axes, (metric, title) in zip(panels, names.items(), strict=True):
            for arm, mine in arms.items():
                wide = mine[mine["metric"] == metric].pivot_table(index="replicate", columns="epoch", values="value")
                style = ARM_STYLES[arm]
                axes.plot(wide.columns, wide.mean(), label=ARM_NAMES[arm], **style)
                axes.fill_between(wide.columns, wide.min(), wide.max(), color=style["color"], alpha=0.15, linewidth=0)
                first, last = wide.mean().iloc[[0, -1]]
                spoken.append(f"{title}, {ARM_NAMES[arm]}: from {first:.2f} to {last:.2f}")
            axes.set(title=title, xlabel="epoch", ylim=(-0.02, 1.02))
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return show(
        figure,
        alt="Four panels over the epochs, with one line for training with and one without mixup. "
        + "; ".join(spoken)
        + ".",
        caption="Means and ranges over seeds. Collapsed features have a cosine of 1, nothing outside the span, and "
        "class means at no distance from a simplex frame.",
    )


def reliability(table: pd.DataFrame) -> Shown:
    """Draw accuracy against confidence on test rows, one panel for each number of training rows.

    Parameters
    ----------
    table : DataFrame
        Table of ``mixup_collapse.calibration``.
    """
    import matplotlib.pyplot as plt

    rows = table.dropna(subset=["bin"])
    spoken = []
    with book_style():
        numbers = sorted(rows["rows"].unique())
        figure, panels = plt.subplots(1, len(numbers), figsize=(4.3 * len(numbers), 5.0), squeeze=False)
        for axes, number in zip(panels[0], numbers, strict=True):
            axes.plot([0, 1], [0, 1], color=PALETTE["black"], linewidth=1)
            for method, (marker, color) in RELIABILITY_STYLES.items():
                mine = rows[(rows["rows"] == number) & (rows["method"] == method)]
                wide = mine.pivot_table(index=["replicate", "bin"], columns="metric", values="value")
                share = wide["bin_share"]
                weighted = wide[["bin_confidence", "bin_accuracy"]].mul(share, axis=0).groupby("bin").sum()
                total = share.groupby("bin").sum()
                total = total[total > LEAST_SHARE * total.sum()]
                points = weighted.div(total, axis=0).loc[total.index]
                axes.plot(points["bin_confidence"], points["bin_accuracy"], color=color, linewidth=1)
                axes.scatter(
                    points["bin_confidence"],
                    points["bin_accuracy"],
                    s=12 + 160 * total / total.sum(),
                    marker=marker,
                    color=color,
                    alpha=0.8,
                    label=METHOD_NAMES[method],
                )
                gaps = table[(table["rows"] == number) & (table["method"] == method)]
                gap = gaps[gaps["metric"] == "confidence_gap"]["value"].mean()
                spoken.append(f"{number} training rows, {METHOD_NAMES[method]}: confidence minus accuracy {gap:+.3f}")
            axes.set(
                xlabel="confidence", xlim=(0, 1.03), ylim=(0, 1.03), aspect="equal", title=f"{number} training rows"
            )
        panels[0, 0].set_ylabel("accuracy on test rows")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return show(
        figure,
        alt="Accuracy against confidence in bins, with the diagonal on which both agree; above it a network is "
        "under-confident. " + "; ".join(spoken) + ".",
        caption="Reliability on test rows, all divisions together; the larger a mark, the more rows in its bin; bins "
        "with less than 0.5 % are left out. Above the diagonal: right more often than it says.",
    )


def calibration_errors(table: pd.DataFrame) -> Shown:
    """Draw the expected calibration error of every method with its interval.

    Parameters
    ----------
    table : DataFrame
        Table of ``mixup_collapse.calibration``.
    """
    import matplotlib.pyplot as plt

    rows = table[table["metric"] == "ece"]
    present = [method for method in METHOD_NAMES if method in set(rows["method"])]
    numbers = sorted(rows["rows"].unique())
    styles = [("o", PALETTE["blue"]), ("s", PALETTE["orange"]), ("^", PALETTE["green"])]
    spoken = []
    with book_style():
        figure, axes = plt.subplots(figsize=(7.2, 0.9 + 0.45 * len(present)))
        for number, (marker, color), shift in zip(numbers, styles, (-0.12, 0.12, 0.0), strict=False):
            for place, method in enumerate(present):
                values = rows[(rows["rows"] == number) & (rows["method"] == method)]["value"].to_numpy()
                height = len(present) - 1 - place - shift
                mean = float(values.mean())
                text = f"{METHOD_NAMES[method]}, {number} rows: {mean:.3f}"
                if len(values) > 1:
                    interval = mean_interval(values, level=0.95)
                    axes.plot([interval.low, interval.high], [height] * 2, color=color, linewidth=2)
                    text += f" ({interval.low:.3f} to {interval.high:.3f})"
                label = f"{number} training rows" if place == 0 else None
                axes.plot(mean, height, marker, color=color, markersize=7, linestyle="", label=label)
                spoken.append(text)
        axes.set_yticks(range(len(present)), [METHOD_NAMES[method] for method in reversed(present)])
        axes.set(xlabel="expected calibration error on test rows, 15 bins", ylim=(-0.6, len(present) - 0.4))
        axes.set_xlim(left=0)
        figure.legend(loc="outside upper left", ncols=len(numbers))
    return show(
        figure,
        alt="One row for each method, with a mark for each number of training rows. " + "; ".join(spoken) + ".",
        caption="Mean expected calibration error over divisions of the digits, with plain 95 % intervals of the mean.",
    )
