"""Figures of the study `mixup_collapse`. Each takes numbers or a table and returns a picture with its finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.geometry import mixup_ufm
from repro.plotting.figures import Shown
from repro.plotting.shared import HALF, chosen, forest, lines, mean_range, panel_axes, shown, summarise
from repro.plotting.shared import reliability as reliability_diagram
from repro.plotting.styles import INK, PALETTE, book_style
from repro.protocol.names import name_of
from repro.studies.mixup_collapse.measures import MIX_WEIGHTS, Geometry
from repro.studies.mixup_collapse.networks import FRAME_LAMBDA_H, FRAME_NORM, N_CLASSES

Floats = npt.NDArray[np.float64]

ARM_NAMES: Final[Mapping[str, str]] = {
    "mixup cross_entropy trained": "mixup",
    "erm cross_entropy trained": "no mixup",
    "mixup cross_entropy frozen frame": "mixup, frozen frame",
    "mixup mse trained": "mixup, squared error",
    "exact": "exact model, frozen frame",
}
"""Method, loss and head of a network, in the order of the figures."""
CALIBRATED: Final = ("erm", "erm_temperature", "mixup", "mixup_temperature", "mild_mixup", "mild_mixup_temperature")
LEAST_SHARE: Final = 0.005
"""Bins with a smaller share of the rows are left out of a reliability diagram."""


def in_plane(geometry: Geometry, first: int, second: int) -> tuple[Floats, Floats, Floats]:
    """Mixes of two classes in orthonormal coordinates of the plane of both rows; the first axis halves their angle.

    Points of shape (T, n, 2) are mixes with t for the first class; then classifier rows and class means, each of shape
    (2, 2). Raises ValueError if there is no mix of the two classes.
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
    """Draw mixes of two classes in the plane of both classifier rows, one panel for each network."""
    import matplotlib.pyplot as plt

    excess = {}
    with book_style():
        drawn = panel_axes(len(geometries), HALF)
        for (_, axes), (title, geometry) in zip(drawn, geometries.items(), strict=True):
            points, rows, means = in_plane(geometry, first, second)
            middle, size = points.mean(axis=1), np.linalg.norm(means, axis=1).mean()
            for number, (t, cloud) in enumerate(zip(MIX_WEIGHTS, points, strict=True)):
                shade = plt.get_cmap("cividis")(0.1 + 0.75 * t)
                axes.scatter(cloud[:, 1] / size, cloud[:, 0] / size, s=7, color=shade, alpha=0.35, linewidths=0)
                if t in (0.0, 0.5, 1.0):
                    axes.annotate(
                        f"t = {t:g}", middle[number, ::-1] / size, (0, 8), textcoords="offset points", ha="center"
                    )
            axes.plot(*(middle[:, ::-1] / size).T, "o-", color=INK, markersize=3.5)
            axes.plot(*(means[:, ::-1] / size).T, "--", color=PALETTE["orange"])
            axes.annotate(
                "chord", means.mean(axis=0)[::-1] / size, (0, -4), color=PALETTE["orange"], va="top", ha="center",
                textcoords="offset points",
            )  # fmt: skip
            for row, name in zip(rows, (first, second), strict=True):
                tip = 0.75 * np.abs(points).max() / size * row[::-1] / np.linalg.norm(row)
                axes.annotate("", tip, (0, 0), arrowprops={"arrowstyle": "->", "color": PALETTE["grey"]})
                axes.annotate(f"row {name}", 0.4 * tip, ha="center", va="top")
            chord = 0.5 * (means[0] + means[1])[0]
            excess[title] = round(middle[MIX_WEIGHTS.index(0.5)][0] / chord - 1.0, 2) + 0.0  # no minus zero
            axes.set(
                aspect="equal", title=title, xlabel=f"from class {second} to class {first}", ylabel="along both rows"
            )
        across, top = np.array([axes.get_xlim() for _, axes in drawn]), max(axes.get_ylim()[1] for _, axes in drawn)
        for _, axes in drawn:
            axes.set(xlim=(across.min(), across.max()), ylim=(-0.25, top))
    return shown(
        [axes for _, axes in drawn],
        {
            "title": "Half-way between two classes the mean of the mixes lies beyond the chord by "
            + ", ".join(f"{100 * value:+.0f} % ({name})" for name, value in excess.items()),
            "caption": f"Features of mixes of {first} and {second} in the plane of the classifier's two rows. Unit: "
            f"the length of a class mean. The darker, the more of class {second}.",
        },
        f"Mixes of the classes {first} and {second} as clouds of points from one class mean to the other, beside the "
        "straight chord",
        table=pd.DataFrame({"network": [*excess], "beyond the chord": [f"{value:+.0%}" for value in excess.values()]}),
    )


def exact_channels(n_classes: int, row_norm: float, penalties: Sequence[float]) -> Shown:
    """Draw the exact curve of the best feature for several penalties lambda_H."""
    weights = np.linspace(0.0, 1.0, 41)
    found = []
    for penalty in penalties:
        alpha = np.array([mixup_ufm(n_classes, row_norm, penalty, weight).alpha for weight in weights])
        relative = alpha / alpha[-1]
        for panel, values in (("alpha of class i", relative), ("alpha + beta", relative + relative[::-1])):
            found.append(pd.DataFrame({"penalty": penalty, "panel": panel, "t": weights, "estimate": values}))
    frame = pd.concat(found, ignore_index=True)
    at_half = frame[(frame["t"] == 0.5) & (frame["panel"] == "alpha + beta")].set_index("penalty")["estimate"]
    return lines(
        frame,
        "t",
        series="penalty",
        panel="panel",
        names={penalty: f"penalty {penalty:g}" for penalty in penalties},
        ylabel="size over that of an unmixed row",
        shared=False,
        title=f"At t = 1/2 mixes are {at_half[max(penalties)]:.2f} (penalty {max(penalties):g}) to "
        f"{at_half[min(penalties)]:.2f} times (penalty {min(penalties):g}) the size of unmixed rows",
        caption=f"Exact features of mixes for {n_classes} classes and rows of norm {row_norm:g}. On the chord alpha "
        "grows in a straight line and alpha + beta stays at 1.",
        decorate=lambda axes, panel: axes.plot([0, 1], [panel == "alpha + beta", 1], color=INK, linewidth=0.9),
    )


def _by_arm(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Rows with a value in a column, with method, loss and head as one name, in the order of the figures."""
    rows = table.dropna(subset=[column])
    return chosen(rows.assign(arm=rows["method"] + " " + rows["loss"] + " " + rows["head"]), arm=ARM_NAMES)


def curves(table: pd.DataFrame) -> Shown:
    """Draw coefficients and angles of mixes against t, by network, from ``mixup_collapse.features``."""
    rows = _by_arm(table, "t")
    wide = rows.pivot_table(index=["arm", "replicate", "t"], columns="metric", values="value", sort=False)
    along = (wide["alpha"] + wide["beta"]).unstack("t")
    relative = along.div(along[[0.0, 1.0]].mean(axis=1), axis=0).stack()
    parts = [("mixes of two classes", relative), ("mixes within a class", wide["cosine"])]
    long = pd.concat([pd.DataFrame({"value": values}).reset_index().assign(panel=panel) for panel, values in parts])
    exact = np.array([mixup_ufm(N_CLASSES, FRAME_NORM, FRAME_LAMBDA_H, t).alpha for t in MIX_WEIGHTS])
    line = pd.DataFrame({"t": MIX_WEIGHTS, "value": (exact + exact[::-1]) / exact[-1]})
    line = line.assign(panel="mixes of two classes", arm="exact", replicate=0)
    found = summarise(pd.concat([long, line]), ["panel", "arm", "t"], mean_range)
    half = found[(found["t"] == 0.5) & (found["panel"] == "mixes of two classes")].set_index("arm")["estimate"]
    return lines(
        found,
        "t",
        series="arm",
        panel="panel",
        names=ARM_NAMES,
        ylabel="relative size (left), cosine with the class's row (right)",
        level=1.0,
        band=True,
        title="Half-way between two classes features are "
        + ", ".join(f"{half[arm]:.2f} times ({ARM_NAMES[arm]})" for arm in list(ARM_NAMES)[:2] if arm in half)
        + " as long as unmixed ones",
        caption="Means and ranges over seeds. Left: alpha + beta over that of unmixed rows; on a chord it is 1 for "
        "all t.",
    )


def course(table: pd.DataFrame) -> Shown:
    """Draw how far features are from collapse as training goes on, if ``mixup_collapse.features`` has epochs."""
    names = {
        "course_same_class_cosine": "cosine within a class",
        "course_residual_share": "share outside the span",
        "course_bulge": "bulge over the chord",
        "course_nc2_etf_err": "means to simplex frame",
    }
    rows = _by_arm(table, "epoch")
    if rows.empty:
        raise ValueError("table has no measurements by epoch; those of the standard profile have")
    found = chosen(summarise(rows, ["metric", "arm", "epoch"], mean_range), metric=names)
    last = found[found["epoch"] == found["epoch"].max()].set_index(["metric", "arm"])["estimate"]
    mixed = [f"{names[metric]} {last[metric, 'mixup cross_entropy trained']:.2f}" for metric in names]
    return lines(
        found,
        "epoch",
        series="arm",
        panel="metric",
        names=ARM_NAMES,
        panel_names=names,
        ylabel="distance or share",
        ylim=(-0.02, 1.05),
        band=True,
        title=f"Where mixup ends: {', '.join(mixed)}",
        caption="Means and ranges over seeds. Collapsed features have a cosine of 1, nothing outside the span, and "
        "class means at no distance from a simplex frame.",
    )


def reliability(table: pd.DataFrame) -> Shown:
    """Draw accuracy against confidence, by training rows, from ``mixup_collapse.calibration``."""
    methods = ["erm", "mixup", "erm_temperature"]
    rows = table[table["bin"].notna() & table["method"].isin(methods)]
    keys = ["rows", "method", "bin"]
    wide = rows.pivot_table(index=[*keys, "replicate"], columns="metric", values="value")
    sums = wide[["bin_confidence", "bin_accuracy"]].mul(wide["bin_share"], axis=0).groupby(keys).sum()
    share = wide["bin_share"].groupby(keys).sum()
    frame = sums.div(share, axis=0).set_axis(["confidence", "accuracy"], axis=1)
    frame["share"] = share / share.groupby(keys[:2]).transform("sum")
    frame = frame[frame["share"] > LEAST_SHARE].reset_index()
    frame = chosen(frame, rows=sorted(frame["rows"].unique()), method=methods)
    gaps = table[table["metric"] == "confidence_gap"].groupby(["method", "rows"])["value"].mean()["mixup"]
    return reliability_diagram(
        frame,
        panel="rows",
        title="With mixup confidence minus accuracy is "
        + ", ".join(f"{gap:+.3f} after {number} training rows" for number, gap in gaps.items()),
        caption="Reliability on test rows, all divisions together; the larger a mark, the more rows in its bin; bins "
        "with less than 0.5 % are left out. Above the diagonal: right more often than it says.",
    )


def calibration_errors(table: pd.DataFrame) -> Shown:
    """Draw the calibration error of every method, from ``mixup_collapse.calibration``."""
    found = chosen(summarise(table[table["metric"] == "ece"], ["method", "rows"]), method=CALIBRATED)
    best = found.loc[found.groupby("rows")["estimate"].idxmin()]
    return forest(
        found,
        "method",
        series="rows",
        names={number: f"{number} training rows" for number in found["rows"].unique()},
        level=None,
        xlabel="expected calibration error on test rows, 15 bins",
        title="Least calibration error: "
        + ", ".join(f"{name_of(row.method)} after {row.rows} training rows" for row in best.itertuples()),
        caption="Mean expected calibration error over divisions of the digits, with plain 95 % intervals of the mean.",
        decorate=lambda axes, _: axes.set_xlim(left=0),
    )
