"""Figures of the neural-collapse chapter. Each takes numbers or a table and returns a picture with its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.geometry import ufm_ce_etf, ufm_ce_pairs, ufm_mse
from repro.plotting.figures import PALETTE, Shown, book_style, show
from repro.studies.neural_collapse.networks import BALANCED, IMBALANCED

DEPTH_STYLES: Final[Mapping[int, dict[str, Any]]] = {
    1: {"color": PALETTE["blue"], "marker": "o", "linestyle": "-"},
    2: {"color": PALETTE["green"], "marker": "s", "linestyle": "--"},
    3: {"color": PALETTE["orange"], "marker": "^", "linestyle": "-."},
    6: {"color": PALETTE["purple"], "marker": "D", "linestyle": ":"},
}
"""Colour, marker and line of heads with one to six linear layers, the same in every figure of the chapter."""

CLASS_STYLES: Final = (("o", PALETTE["blue"]), ("^", PALETTE["orange"]), ("s", PALETTE["green"]))


def _layers(number: int) -> str:
    return f"{number} layer" if number == 1 else f"{number} layers"


def plane(snapshots: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]], labels: npt.ArrayLike) -> Shown:
    """Draw features of three classes in the plane with the classifier's rows, one panel for each moment.

    Parameters
    ----------
    snapshots : mapping of str to (features, W)
        Features of shape (n, 2) and classifier of shape (3, 2), by the title of the panel.
    labels : array-like of shape (n,)
        Classes 0 to 2.
    """
    import matplotlib.pyplot as plt

    classes = np.asarray(labels)
    spoken = []
    with book_style():
        figure, panels = plt.subplots(1, len(snapshots), figsize=(3.3 * len(snapshots), 3.7), squeeze=False)
        for axes, (title, (points, rows)) in zip(panels[0], snapshots.items(), strict=True):
            features, W = np.asarray(points, dtype=np.float64), np.asarray(rows, dtype=np.float64)
            reach = 1.1 * np.abs(features).max()
            for k, (marker, color) in enumerate(CLASS_STYLES):
                mine = features[classes == k]
                axes.scatter(*mine.T, s=16, marker=marker, color=color, alpha=0.6, linewidths=0, label=f"class {k}")
                tip = 0.9 * reach * W[k] / max(np.linalg.norm(W, axis=1))
                axes.annotate("", tip, (0, 0), arrowprops={"arrowstyle": "->", "color": color, "linewidth": 2})
            axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=title)
            means = np.array([features[classes == k].mean(axis=0) for k in range(3)])
            spread = np.mean([features[classes == k].var(axis=0).sum() for k in range(3)])
            between = np.mean(((means - means.mean(axis=0)) ** 2).sum(axis=1))
            spoken.append(f"{title}: scatter within classes {spread / between:.2g} of that between them")
        handles, names = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=3)
    return show(
        figure,
        alt="Points of three classes in the plane, with an arrow for the classifier's row of each class, in "
        f"{len(snapshots)} panels. " + "; ".join(spoken) + ".",
        caption="Features (points) of three kinds of digits, and the classifier's rows (arrows). Rotation is "
        "arbitrary.",
    )


def phase(table: pd.DataFrame) -> Shown:
    """Draw which classes trained networks learnt over the threshold of the theory.

    Parameters
    ----------
    table : DataFrame
        Table of ``neural_collapse.learnt``.
    """
    import matplotlib.pyplot as plt

    rows = table[table["metric"] == "accuracy"]
    depths = sorted(rows["layers"].unique())
    spoken = []
    with book_style():
        figure, panels = plt.subplots(
            1, len(depths), figsize=(3.3 * len(depths) + 0.6, 3.9), sharey=True, squeeze=False
        )
        for axes, layers in zip(panels[0], depths, strict=True):
            mine = rows[rows["layers"] == layers].groupby(["threshold", "class_size"])["value"].mean().reset_index()
            is_learnt = mine["value"] > 0.5
            ends = np.array([0.0, 1.08 * mine["class_size"].max()])
            axes.plot(ends, ends, color=PALETTE["black"], linewidth=1.5, label="theory: learnt above the line")
            axes.plot(
                mine["threshold"][is_learnt], mine["class_size"][is_learnt], "o", color=PALETTE["blue"], label="learnt"
            )
            axes.plot(
                mine["threshold"][~is_learnt],
                mine["class_size"][~is_learnt],
                "x",
                color=PALETTE["orange"],
                markersize=8,
                markeredgewidth=2,
                label="not learnt",
            )
            axes.set(title=_layers(int(layers)), xlabel="threshold of the theory", xlim=ends, ylim=ends)
            wrong = int((is_learnt != (mine["class_size"] > mine["threshold"])).sum())
            spoken.append(f"{_layers(int(layers))}: {wrong} of {len(mine)} on the wrong side of the line")
        panels[0, 0].set_ylabel("rows of the class")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return show(
        figure,
        alt="One panel for each depth of the head. Crosses for classes that were not learnt, dots for classes that "
        "were, "
        "by class size and threshold, with the diagonal that separates them in theory. " + "; ".join(spoken) + ".",
        caption="Which classes are learnt? Each column of marks is a penalty, drawn at the class size below which the "
        "theory "
        "gives classes up. Learnt: more than half of the training rows right, mean over seeds.",
    )


def norms_by_size(layers: Sequence[int], lam: float) -> Shown:
    """Draw the exact norms of classifier rows and features for the imbalanced digits.

    Parameters
    ----------
    layers : sequence of int
        Depths of the head, of 1, 2 and 3.
    lam : float
        Penalty of all layers and of the features.
    """
    import matplotlib.pyplot as plt

    sizes = np.unique(IMBALANCED)
    spoken = []
    with book_style():
        figure, panels = plt.subplots(1, 2, figsize=(8.2, 3.6))
        for depth in layers:
            optimum = ufm_mse(IMBALANCED, [lam] * depth, lam)
            for axes, norms, name in zip(panels, (optimum.w_norms, optimum.h_norms), ("row", "feature"), strict=True):
                of_size = np.array([norms[np.asarray(IMBALANCED) == size][0] for size in sizes])
                axes.plot(sizes, of_size / of_size[0], **DEPTH_STYLES[depth], label=_layers(depth))
                spoken.append(f"{_layers(depth)}, {name}: {of_size[-1] / of_size[0]:.2f}")
        panels[0].set(xlabel="rows of the class", ylabel="norm over that of the smallest class", title="classifier row")
        panels[1].set(xlabel="rows of the class", title="mean feature")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return show(
        figure,
        alt="Two panels with one line for each depth. Norm of the largest class over that of the smallest: "
        + "; ".join(spoken)
        + ".",
        caption=f"Exact norms for classes of 20 to 100 rows, all penalties {lam:g}.",
    )


def singular_values(table: pd.DataFrame, lam: float) -> Shown:
    """Draw the singular values of the class-mean logits of networks with cross-entropy, beside both closed forms.

    Parameters
    ----------
    table : DataFrame
        Table of ``neural_collapse.cross_entropy``.
    lam : float
        Penalty of the runs.
    """
    import matplotlib.pyplot as plt

    rows = table[table["metric"] == "singular_value"]
    losses = table[table["metric"] == "loss"].groupby("layers")["value"].min()
    depths = sorted(rows["layers"].unique())
    K, n = len(BALANCED), BALANCED[0]
    spoken = []
    with book_style():
        figure, panels = plt.subplots(1, len(depths), figsize=(3.2 * len(depths) + 0.6, 3.9), squeeze=False)
        for axes, depth in zip(panels[0], depths, strict=True):
            layers = int(depth)
            mine = rows[rows["layers"] == depth]
            for number, (_, one) in enumerate(mine.groupby("replicate")):
                axes.plot(
                    one["position"],
                    one["value"],
                    "o-",
                    color=PALETTE["blue"],
                    alpha=0.6,
                    label="trained networks" if number == 0 else None,
                )
            frame = ufm_ce_etf(K, n, [lam] * layers, lam)
            axes.hlines(
                frame.logit_scale, 1, K - 1, color=PALETTE["orange"], linestyle="--", label="best simplex frame"
            )
            text = f"{_layers(layers)}: least loss {losses[depth]:.4f}, best simplex frame {frame.loss:.4f}"
            if layers > 1:
                pairs = ufm_ce_pairs(K, n, [lam] * layers, lam)
                axes.hlines(
                    pairs.singular_value, 1, K // 2, color=PALETTE["green"], linestyle=":", linewidth=2.5, label="pairs"
                )
                text += f", pairs {pairs.loss:.4f}"
            rank = mine[mine["value"] > 0.01 * mine["value"].max()].groupby("replicate")["position"].max()
            spoken.append(f"{text}; rank {int(rank.min())} to {int(rank.max())}")
            axes.set(title=_layers(layers), xlabel="singular value", xticks=range(1, K + 1, 3))
        panels[0, 0].set_ylabel("size, class-mean logits")
        handles, labels = panels[0, -1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return show(
        figure,
        alt="One panel for each depth of the head with the singular values of trained networks in order, and a dashed "
        "line "
        "for the simplex frame. " + "; ".join(spoken) + ".",
        caption="Cross-entropy on balanced digits: how many directions are in use? A collapsed network uses nine, all "
        "alike.",
    )


def traps(table: pd.DataFrame) -> Shown:
    """Draw the share of random starts in which each class is learnt against its place below the threshold.

    Parameters
    ----------
    table : DataFrame
        Table of ``neural_collapse.traps``.
    """
    import matplotlib.pyplot as plt

    rows = table[table["metric"] == "learnt"]
    depths = sorted(rows["layers"].unique())
    styles = {0.1: ("o", PALETTE["orange"], "start 0.1"), 0.3: ("s", PALETTE["blue"], "start 0.3")}
    smallest = rows["class_size"].min()
    spoken = []
    with book_style():
        figure, panels = plt.subplots(1, len(depths), figsize=(8.2, 3.8), sharey=True, squeeze=False)
        for axes, depth in zip(panels[0], depths, strict=True):
            limit = ufm_mse([2, 1], [1.0] * int(depth), 1.0).thresholds.b
            for scale, (marker, color, label) in styles.items():
                mine = rows[(rows["layers"] == depth) & (rows["scale"] == scale)]
                place = mine["b"] * smallest / mine["class_size"] / limit
                shares = mine["value"].groupby(place.round(9)).mean()
                axes.plot(
                    shares.index, shares, marker, color=color, label=label, linestyle="-", alpha=0.85, markersize=6
                )
                spoken.append(f"{_layers(int(depth))}, {label}: {shares.mean():.0%} learnt on average")
            axes.axvline(1, color=PALETTE["black"], linewidth=1)
            axes.set(title=_layers(int(depth)), xlabel="b of the class over its threshold", xscale="log")
        panels[0, 0].set_ylabel("share of starts that learn it")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return show(
        figure,
        alt="Two panels, one a depth, with the share of starts against how close a class is to its threshold. "
        + "; ".join(spoken)
        + ".",
        caption="Classes left of the black line are kept by the optimum. Small random starts lose many of them.",
    )


def appearance(table: pd.DataFrame) -> Shown:
    """Draw training error and measures of collapse through the training.

    Parameters
    ----------
    table : DataFrame
        Table of ``neural_collapse.appearance``.
    """
    import matplotlib.pyplot as plt

    names = {
        "error": ("training error", PALETTE["black"], "x", ":"),
        "nc1_quot": ("scatter within over between classes", PALETTE["blue"], "o", "-"),
        "nc2_etf_err": ("distance of means to the simplex frame", PALETTE["orange"], "^", "--"),
        "nc3_dual_err": ("distance of classifier to the means", PALETTE["green"], "s", "-."),
    }
    rows = table.dropna(subset=["epoch"])
    spoken = []
    with book_style():
        figure, axes = plt.subplots(figsize=(7.4, 4.2))
        for metric, (label, color, marker, line) in names.items():
            mine = rows[rows["metric"] == metric].groupby("epoch")["value"].median()
            shown_values = mine.where(mine > 0)
            axes.plot(
                shown_values.index,
                shown_values,
                color=color,
                marker=marker,
                linestyle=line,
                markevery=max(1, len(mine) // 15),
                label=label,
            )
            spoken.append(f"{label}: from {mine.iloc[0]:.2g} to {mine.iloc[-1]:.2g}")
        error = rows[rows["metric"] == "error"].groupby("epoch")["value"].max()
        first = error[error == 0].index.min()
        if np.isfinite(first):
            axes.axvline(first, color=PALETTE["grey"], linewidth=1)
            spoken.append(f"no training error in any run from epoch {first:.0f}")
        axes.set(yscale="log", xlabel="epoch")
        figure.legend(loc="outside lower center", ncols=2)
    return show(
        figure,
        alt="Four curves over the epochs on a logarithmic axis. " + "; ".join(spoken) + ".",
        caption="Median over seeds; a curve ends where it is zero. The grey line marks the end of all training errors. "
        "The step size falls to a tenth at half and to a hundredth at four fifths of the epochs.",
    )


def minority(table: pd.DataFrame) -> Shown:
    """Draw the cosines between the classifier's rows of the two small and of the two large classes.

    Parameters
    ----------
    table : DataFrame
        Table of ``neural_collapse.minority``.
    """
    import matplotlib.pyplot as plt

    names = {
        "minority_cosine": ("the two small classes", "o", PALETTE["orange"], "-"),
        "majority_cosine": ("the two large classes", "s", PALETTE["blue"], "--"),
    }
    spoken = []
    with book_style():
        figure, axes = plt.subplots(figsize=(6.6, 3.8))
        axes.axhline(-1 / 3, color=PALETTE["grey"], linewidth=1, label="simplex frame")
        for metric, (label, marker, color, line) in names.items():
            mine = table[table["metric"] == metric].groupby("ratio")["value"].median()
            axes.plot(mine.index, mine, marker=marker, color=color, linestyle=line, label=label)
            spoken.append(f"{label}: " + ", ".join(f"{value:.2f}" for value in mine))
        axes.set(xscale="log", xlabel="size of large over small classes", ylabel="cosine of the classifier's rows")
        ratios = sorted(table["ratio"].unique())
        axes.set_xticks(ratios, [f"{ratio:g}" for ratio in ratios])
        axes.minorticks_off()
        figure.legend(loc="outside lower center", ncols=3)
    return show(
        figure,
        alt="Two lines over the imbalance. Cosines from the least to the largest imbalance, " + "; ".join(spoken) + ".",
        caption="Cross-entropy with one linear layer, four classes. At equal sizes all cosines are -1/3.",
    )


KINDS: Final[Mapping[tuple[str, bool], str]] = {
    ("mse", False): "squared error",
    ("mse", True): "squared error, bias",
    ("cross_entropy", False): "cross-entropy",
}
NETWORKS: Final[Mapping[str, str]] = {"mlp": "perceptron", "resnet18": "ResNet-18", "vgg16": "VGG-16"}


def terminal_phase(table: pd.DataFrame) -> Shown:
    """Draw the distance to the predicted frame through the training, before and after the training error is zero.

    Parameters
    ----------
    table : DataFrame
        Table of ``neural_collapse.deep_heads``.
    """
    import matplotlib.pyplot as plt

    course = table.dropna(subset=["epoch"])
    kinds = course[["network", "loss", "bias"]].drop_duplicates().to_numpy().tolist()
    spoken = []
    with book_style():
        figure, panels = plt.subplots(1, len(kinds), figsize=(2.7 * len(kinds) + 0.6, 3.9), sharey=True, squeeze=False)
        for axes, (network, loss, bias) in zip(panels[0], kinds, strict=True):
            mine = course[(course["network"] == network) & (course["loss"] == loss) & (course["bias"] == bias)]
            title = f"{NETWORKS[network]}\n{KINDS[loss, bool(bias)]}"
            for depth in sorted(int(layers) for layers in mine["layers"].unique()):
                by_epoch = mine[mine["layers"] == depth].pivot_table(
                    index="epoch", columns="metric", values="value", aggfunc="median"
                )
                distance = by_epoch["course_predicted_frame_err"]
                axes.plot(distance.index, distance, **DEPTH_STYLES[depth], label=_layers(depth))
                spoken.append(
                    f"{title.replace(chr(10), ', ')}, {_layers(depth)}: from {distance.iloc[0]:.2g} to "
                    f"{distance.iloc[-1]:.2g}"
                )
            error = 1.0 - mine[mine["metric"] == "course_accuracy"].groupby("epoch")["value"].min()
            first = error[error <= 0].index.min()
            if np.isfinite(first):
                axes.axvline(first, color=PALETTE["grey"], linewidth=1)
                spoken.append(f"{title.replace(chr(10), ', ')}: no training error in any run from epoch {first:.0f}")
            axes.set(title=title, xlabel="epoch", yscale="log")
        panels[0, 0].set_ylabel("distance to the predicted frame")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return show(
        figure,
        alt="One panel for each network and loss with a line for each depth of the head. Distance to the predicted "
        "frame at the first and the last measurement, " + "; ".join(spoken) + ".",
        caption="Equal classes of CIFAR-10, median over seeds. The grey line marks the first measurement without a "
        "training error in any run: what comes after it is the terminal phase.",
    )


def against_prediction(table: pd.DataFrame) -> Shown:
    """Draw norms of classifier rows and features over those of the theory, and distances to both frames.

    Parameters
    ----------
    table : DataFrame
        Table of ``neural_collapse.mnist``, or the rows of one network in that of
        ``neural_collapse.imbalanced_images``.
    """
    import matplotlib.pyplot as plt

    depths = sorted(int(layers) for layers in table["layers"].unique())
    frames = ["nc2_gof_err_W", "nc2_gof_err", "nc3_gof_err"]
    ends = table[table["metric"].isin([*frames, "nc2_of_err", "directions_lost"])]
    spoken = []
    with book_style():
        figure, panels = plt.subplots(1, 3, figsize=(10.4, 3.9))
        for layers in depths:
            style, label = DEPTH_STYLES[layers], _layers(layers)
            mine = table[table["layers"] == layers]
            reached = []
            for axes, metric in zip(panels, ("w_norm", "h_norm"), strict=False):
                norms = mine[mine["metric"] == metric].groupby("class_size")["value"]
                middle = norms.median()
                axes.plot(middle.index, middle, **style, label=label)
                axes.fill_between(middle.index, norms.min(), norms.max(), color=style["color"], alpha=0.15, linewidth=0)
                reached += [norms.min().min(), norms.max().max()]
            found = ends[ends["layers"] == layers].pivot_table(index="replicate", columns="metric", values="value")
            general = found[frames].max(axis=1)
            panels[2].plot(general, found["nc2_of_err"], style["marker"], color=style["color"], alpha=0.85)
            spoken.append(
                f"{label}: norms {min(reached):.2f} to {max(reached):.2f} of the prediction, distance to the general "
                f"frame at most {general.max():.2g}, to the balanced one at least {found['nc2_of_err'].min():.2g}, "
                f"{found['directions_lost'].min():.0f} to {found['directions_lost'].max():.0f} directions lost"
            )
        for axes, title in zip(panels, ("classifier row", "mean feature"), strict=False):
            axes.axhline(1, color=PALETTE["black"], linewidth=1)
            axes.set(title=title, xlabel="images of the class")
        panels[0].set_ylabel("norm over the prediction")
        panels[2].axvline(0.01, color=PALETTE["grey"], linewidth=1)
        panels[2].axhline(0.1, color=PALETTE["grey"], linewidth=1)
        panels[2].set(
            title="each network",
            xscale="log",
            ylim=(0, None),
            xlabel="distance to the general frame",
            ylabel="distance to the balanced frame",
        )
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(depths))
    return show(
        figure,
        alt="Three panels with one marker for each depth of the head: norms of classifier rows and of features over "
        "the exact ones by class size, and the distance to the balanced frame over that to the general one. "
        + "; ".join(spoken)
        + ".",
        caption="Median and range over seeds; at the black line norms are as predicted. Right: a network that follows "
        "the theory lies above and left of the grey lines; the vertical one is the bound of the claim.",
    )
