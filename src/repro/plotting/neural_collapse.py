"""Figures of the study `neural_collapse`. Each takes numbers or a table and returns a picture with its finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.geometry import ufm_ce_etf, ufm_ce_pairs, ufm_mse
from repro.plotting.figures import Shown, key_entry
from repro.plotting.shared import THIRD, chosen, lines, panel_axes, shown, spread, summarise
from repro.plotting.styles import INK, PALETTE, Style, book_style, styles_of
from repro.protocol.names import name_of
from repro.studies.neural_collapse.networks import BALANCED, IMBALANCED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEDIAN: Final = spread()
ALIKE: Final = spread(0)
"""Median without a range."""


def plane(snapshots: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]], labels: npt.ArrayLike) -> Shown:
    """Draw features of three classes in the plane with the classifier's rows, one panel for each moment.

    Snapshots are features of shape (n, 2) and the classifier of shape (3, 2), by the title of the panel.
    """
    classes = np.asarray(labels)
    styles = styles_of(range(3), "class")
    scatter = {}
    with book_style():
        drawn = panel_axes(len(snapshots), (THIRD[0], THIRD[0]))
        for (_, axes), (title, (points, rows)) in zip(drawn, snapshots.items(), strict=True):
            features, W = np.asarray(points, dtype=np.float64), np.asarray(rows, dtype=np.float64)
            reach = 1.1 * np.abs(features).max()
            for k, style in styles.items():
                mine = features[classes == k]
                look: dict[str, Any] = {"marker": style.marker, "color": style.color, "alpha": 0.6, "linewidths": 0}
                axes.scatter(mine[:, 0], mine[:, 1], s=12, **look)
                tip = 0.9 * reach * W[k] / max(np.linalg.norm(W, axis=1))
                axes.annotate("", tip, (0, 0), arrowprops={"arrowstyle": "->", "color": style.color, "linewidth": 2})
            axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=title, xticks=[0], yticks=[0])
            means = np.array([features[classes == k].mean(axis=0) for k in styles])
            within = np.mean([features[classes == k].var(axis=0).sum() for k in styles])
            scatter[title] = within / np.mean(((means - means.mean(axis=0)) ** 2).sum(axis=1))
    numbers = [f"{ratio:.2g}" for ratio in scatter.values()]
    return shown(
        [axes for _, axes in drawn],
        {
            "title": f"Scatter within classes, over that between them, is {numbers[0]} at first and {numbers[-1]} in "
            "the end",
            "caption": "Features (points) of three kinds of digits, and the classifier's rows (arrows). Rotation is "
            "arbitrary.",
        },
        f"{len(drawn)} panels with points of three classes in the plane and an arrow for the classifier's row of each "
        "class",
        table=pd.DataFrame({"moment": list(scatter), "scatter within over between classes": numbers}),
        key=[key_entry(f"class {k}", style, line=False) for k, style in styles.items()],
    )


def phase(table: pd.DataFrame) -> Shown:
    """Draw which classes are learnt over the threshold of the theory, from ``neural_collapse.learnt``."""
    rows = table[table["metric"] == "accuracy"]
    found = rows.groupby(["layers", "threshold", "class_size"])["value"].mean().reset_index()
    found["learnt"] = found["value"] > 0.5
    styles = {"learnt": Style(PALETTE["blue"], "o"), "not learnt": Style(PALETTE["orange"], "X")}
    depths = sorted(found["layers"].unique())
    with book_style():
        drawn = panel_axes(len(depths), THIRD)
        for (_, axes), depth in zip(drawn, depths, strict=True):
            mine = found[found["layers"] == depth]
            ends = np.array([0.0, 1.08 * mine["class_size"].max()])
            axes.plot(ends, ends, color=INK)
            for learnt, style in zip((True, False), styles.values(), strict=True):
                part = mine[mine["learnt"] == learnt]
                axes.plot(part["threshold"], part["class_size"], style.marker, color=style.color, markersize=5)
            axes.set(title=name_of(depth, "layers"), xlim=ends, ylim=ends)
            axes.set(xlabel="threshold of the theory", ylabel="rows of the class")
    right = int((found["learnt"] == (found["class_size"] > found["threshold"])).sum())
    return shown(
        [axes for _, axes in drawn],
        {
            "title": f"Theory and training agree on {right} of {len(found)} classes: those above the line should be "
            "learnt",
            "caption": "Which classes are learnt? Each column of marks is a penalty, drawn at the class size below "
            "which the theory gives classes up. Learnt: more than half of the training rows right, mean over seeds.",
        },
        "One panel for each depth of the head: circles for classes that were learnt and crosses for others, by class "
        "size and threshold, with the diagonal that separates them in theory",
        table=found.assign(layers=found["layers"].map(lambda n: name_of(n, "layers"))).drop(columns="value").round(1),
        key=[key_entry(name, style, line=False) for name, style in styles.items()],
    )


def norms_by_size(layers: Sequence[int], lam: float) -> Shown:
    """Draw the exact norms of classifier rows and features for the imbalanced digits, by depth of the head."""
    sizes = np.asarray(IMBALANCED)
    found = []
    for depth in layers:
        optimum = ufm_mse(IMBALANCED, [lam] * depth, lam)
        for panel, norms in (("classifier row", optimum.w_norms), ("mean feature", optimum.h_norms)):
            relative = np.asarray(norms) / norms[int(sizes.argmin())]
            found.append(pd.DataFrame({"panel": panel, "layers": depth, "class_size": sizes, "estimate": relative}))
    columns = ["panel", "layers", "class_size"]
    frame = pd.concat(found).drop_duplicates(columns).sort_values(columns)
    last = frame[frame["class_size"] == sizes.max()].set_index(["panel", "layers"])["estimate"]
    return lines(
        frame,
        "class_size",
        series="layers",
        panel="panel",
        ylabel="norm over that of the smallest class",
        shared=False,
        title=f"The largest class has a classifier row {last['classifier row', max(layers)]:.2f} to "
        f"{last['classifier row', min(layers)]:.2f} times as long as the smallest, depending on depth",
        caption=f"Exact norms for classes of {sizes.min()} to {sizes.max()} rows, all penalties {lam:g}.",
    )


def singular_values(table: pd.DataFrame, lam: float) -> Shown:
    """Draw singular values of logits beside both closed forms, from ``neural_collapse.cross_entropy``."""
    losses = table[table["metric"] == "loss"].groupby("layers")["value"].min()
    K, n = len(BALANCED), BALANCED[0]
    rows = table[table["metric"] == "singular_value"].assign(source="trained networks")
    extra, below = [], []
    for depth in sorted(int(layers) for layers in rows["layers"].unique()):
        frame = ufm_ce_etf(K, n, [lam] * depth, lam)
        forms = {"best simplex frame": (K - 1, frame.logit_scale)}
        if depth > 1:
            forms["opposite pairs"] = (K // 2, ufm_ce_pairs(K, n, [lam] * depth, lam).singular_value)
        for name, (last, value) in forms.items():
            places = np.arange(1, last + 1)
            extra.append(pd.DataFrame({"layers": depth, "source": name, "position": places, "value": value}))
        if losses[depth] < frame.loss:
            below.append(depth)
    found = summarise(pd.concat([rows, *extra]), ["layers", "source", "position"], MEDIAN)
    return lines(
        found,
        "position",
        series="source",
        panel="layers",
        ylabel="size, class-mean logits",
        ticks={"x": range(1, K + 1, 3)},
        title="Networks end below the loss of the best simplex frame with "
        + (" and ".join(name_of(depth, "layers") for depth in below) or "no depth of the head"),
        caption="Cross-entropy on balanced digits, median and range over seeds: how many directions are in use? A "
        "collapsed network uses nine, all alike.",
    )


def traps(table: pd.DataFrame) -> Shown:
    """Draw how often random starts learn each class, by its threshold, from ``neural_collapse.traps``."""
    rows = table[table["metric"] == "learnt"]
    limits = {depth: ufm_mse([2, 1], [1.0] * int(depth), 1.0).thresholds.b for depth in rows["layers"].unique()}
    place = rows["b"] * rows["class_size"].min() / rows["class_size"] / rows["layers"].map(limits)
    found = summarise(rows.assign(place=place.round(9)), ["layers", "scale", "place"], lambda v: (v.mean(),) * 3)
    kept = found[found["place"] < 1].groupby("scale")["estimate"].mean()
    return lines(
        found,
        "place",
        series="scale",
        panel="layers",
        names={scale: f"start {scale:g}" for scale in found["scale"].unique()},
        xlabel="b of the class over its threshold",
        ylabel="share of starts that learn it",
        log="x",
        title="Of the classes that the optimum keeps, random starts learn "
        + ", ".join(f"{100 * share:.0f} % (start {scale:g})" for scale, share in kept.items()),
        caption="Classes left of the upright line are kept by the optimum.",
        decorate=lambda axes, _: axes.axvline(1, color=INK, linewidth=0.9),
    )


def _faultless(errors: pd.Series) -> float:
    """First epoch without an error in any run; NaN if there is none."""
    return float(errors[errors <= 0].index.min())


def _upright(axes: Axes, epoch: float) -> None:
    if np.isfinite(epoch):
        axes.axvline(epoch, color=PALETTE["grey"], linewidth=1)


def appearance(table: pd.DataFrame) -> Shown:
    """Draw training error and measures of collapse through the training (table of ``neural_collapse.appearance``)."""
    names = {
        "error": "training error",
        "nc1_quot": "scatter within over between classes",
        "nc2_etf_err": "means to the simplex frame",
        "nc3_dual_err": "classifier to the means",
    }
    rows = table[table["epoch"].notna() & table["metric"].isin(names)]
    found = summarise(rows, ["metric", "epoch"], ALIKE)
    first = _faultless(rows[rows["metric"] == "error"].groupby("epoch")["value"].max())
    courses = found.set_index(["metric", "epoch"])["estimate"]
    fall = {
        name: courses[name].loc[first] / courses[name].iloc[-1]
        for name in names
        if name != "error" and np.isfinite(first)
    }
    return lines(
        found[found["estimate"] > 0],
        "epoch",
        series="metric",
        names=names,
        ylabel="distance, share (median)",
        log="y",
        title=f"From epoch {first:.0f}, the first without a training error, the measures of collapse fall to "
        f"{100 / max(fall.values()):.2g} to {100 / min(fall.values()):.2g} %"
        if fall
        else "Some run had training errors to the end",
        caption="Median over seeds; a curve ends where it is zero. The upright line marks the end of all training "
        "errors. The step size falls to a tenth at half and to a hundredth at four fifths of the epochs.",
        decorate=lambda axes, _: _upright(axes, first),
    )


def minority(table: pd.DataFrame) -> Shown:
    """Draw cosines between classifier rows of the small and large classes, from ``neural_collapse.minority``."""
    names = {"minority_cosine": "the two small classes", "majority_cosine": "the two large classes"}
    found = summarise(table[table["metric"].isin(names)], ["metric", "ratio"], MEDIAN)
    last = found[found["ratio"] == found["ratio"].max()].set_index("metric")["estimate"]
    return lines(
        found,
        "ratio",
        series="metric",
        names=names,
        xlabel="size of large over small classes",
        ylabel="cosine of the classifier's rows",
        log="x",
        ticks={"x": sorted(found["ratio"].unique())},
        level=-1 / 3,
        title=f"At ratio {found['ratio'].max():g} the rows of the small classes have a cosine of "
        f"{last['minority_cosine']:.2f}, those of the large ones of {last['majority_cosine']:.2f}",
        caption="Cross-entropy with one linear layer, four classes; median and range over seeds. The line is the "
        "simplex frame: at equal sizes all cosines are −1/3.",
    )


def terminal_phase(table: pd.DataFrame) -> Shown:
    """Draw the distance to the predicted frame through training, from ``neural_collapse.deep_heads``."""
    rows = table.dropna(subset=["epoch"])
    bias = np.where(rows["bias"].astype(str) == "True", ", bias", "")
    rows = rows.assign(
        kind=[
            f"{name_of(n, 'network')}, {name_of(loss, 'loss')}{b}"
            for n, loss, b in zip(rows["network"], rows["loss"], bias, strict=True)
        ]
    )
    found = summarise(
        rows[rows["metric"] == "course_predicted_frame_err"],
        ["kind", "layers", "epoch"],
        ALIKE,
    )
    accuracy = rows[rows["metric"] == "course_accuracy"].groupby(["kind", "epoch"])["value"].min()
    first = {kind: _faultless(1.0 - accuracy[kind]) for kind in found["kind"].unique()}
    last = found.groupby(["kind", "layers"])["estimate"].agg(["first", "last"])
    closer = int((last["last"] < last["first"]).sum())
    return lines(
        found,
        "epoch",
        series="layers",
        panel="kind",
        ylabel="distance to the predicted frame",
        log="y",
        title=f"{closer} of {len(last)} networks end nearer to the predicted frame than they began; the largest "
        f"distance is {last['last'].max():.2g}",
        caption="Equal classes of CIFAR-10, median over seeds. The upright line marks the first measurement without a "
        "training error in any run: what comes after it is the terminal phase.",
        decorate=lambda axes, kind: _upright(axes, first[kind]),
    )


def against_prediction(table: pd.DataFrame) -> Shown:
    """Draw norms of classifier rows and features over those of the theory, by the size of the class.

    Table of ``neural_collapse.mnist``, or the rows of one network in that of
        ``neural_collapse.imbalanced_images``.
    """
    names = {"w_norm": "classifier row", "h_norm": "mean feature"}
    found = summarise(table[table["metric"].isin(names)], ["metric", "layers", "class_size"], MEDIAN)
    found = chosen(found, metric=names)
    ends = table[table["metric"].isin(["nc2_gof_err_W", "nc2_gof_err", "nc3_gof_err", "nc2_of_err"])]
    wide = ends.pivot_table(index=["layers", "replicate"], columns="metric", values="value")
    general = wide.drop(columns="nc2_of_err").max(axis=1)
    return lines(
        found,
        "class_size",
        series="layers",
        panel="metric",
        panel_names=names,
        xlabel="images of the class",
        ylabel="norm over the prediction",
        level=1.0,
        band=True,
        title=f"Norms are {found['low'].min():.2f} to {found['high'].max():.2f} times the prediction; the general "
        f"frame is at most {general.max():.2g} away, the balanced one at least {wide['nc2_of_err'].min():.2g}",
        caption="Median and range over seeds; at the black line norms are as predicted. The bound of the claim for "
        "the distance to the general frame is 0.01.",
    )
