"""Figures of the SMOTE chapter. Each takes a result table (tidy frame) and returns a picture with its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.metrics import nadeau_bengio_interval
from repro.plotting.figures import METHOD_STYLES, PALETTE, Shown, book_style, show
from repro.studies.smote.problems import TABLE_3
from repro.trials.folds import FOLDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DATASET_NAMES: Final = {
    "pima": "Pima",
    "phoneme": "Phoneme",
    "satimage": "Satimage",
    "forest_cover": "Forest cover",
    "oil_spill": "Oil",
    "mammography": "Mammography",
    "adult": "Adult",
    "adult_continuous": "Adult, continuous columns",
    "adult_continuous_sample": "Adult, continuous columns (4,000 rows)",
    "breast_cancer": "Breast cancer",
    "simulated": "Simulated",
    "simulated_repeated": "Simulated, rows repeated",
}
"""Names of the problems as a reader sees them."""

LEARNER_NAMES: Final = {
    "pruned_tree": "pruned tree",
    "logistic_regression": "logistic regression",
    "gradient_boosting": "gradient boosting",
}


def _name(dataset: str) -> str:
    return DATASET_NAMES.get(dataset, dataset)


def _mean_and_interval(values: npt.ArrayLike, folds_per_value: int = FOLDS) -> tuple[float, float, float]:
    """Mean and Nadeau-Bengio interval of values of whole partitions, or of single folds."""
    interval = nadeau_bengio_interval(np.asarray(values, dtype=float), folds=FOLDS, folds_per_value=folds_per_value)
    return interval.estimate, interval.low, interval.high


def _whole_curves(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Values of a metric of whole curves: one row a partition, one column a method, for each data set."""
    rows = table[table["step"].isna() & (table["metric"] == metric)]
    return rows.pivot_table(index=["dataset", "replicate"], columns="method", values="value")


def idea(
    minority: npt.NDArray[np.float64],
    majority: npt.NDArray[np.float64],
    parents: npt.NDArray[np.intp],
    segment: npt.NDArray[np.float64],
    box: npt.NDArray[np.float64],
) -> Shown:
    """Draw synthetic rows between minority rows, under both readings of the paper.

    Parameters
    ----------
    minority : ndarray of shape (n_minority, 2)
        Minority rows.
    majority : ndarray of shape (n_majority, 2)
        Majority rows.
    parents : ndarray of shape (n_children, 2), int
        Row numbers in `minority` of parent and neighbour of every child of the segment reading.
    segment, box : ndarray of shape (n_children, 2)
        Children of the two readings.
    """
    import matplotlib.pyplot as plt

    with book_style():
        figure, panels = plt.subplots(1, 3, figsize=(9.6, 3.4), sharex=True, sharey=True)
        titles = ("1. Few minority rows", "2. Children on segments", "3. The other reading: boxes")
        for axes, title in zip(panels, titles, strict=True):
            axes.plot(*majority.T, "o", color=PALETTE["blue"], markersize=3, alpha=0.45, label="majority")
            axes.plot(*minority.T, "s", color=PALETTE["orange"], markersize=6, label="minority")
            axes.set_title(title)
            axes.set_xlabel("first feature")
        panels[0].set_ylabel("second feature")
        for parent, neighbour in parents:
            panels[1].plot(*minority[[parent, neighbour]].T, "-", color=PALETTE["orange"], linewidth=0.6, alpha=0.6)
        for axes, children in ((panels[1], segment), (panels[2], box)):
            axes.plot(
                *children.T, "^", color=PALETTE["orange"], markerfacecolor="white", markersize=4.5, label="synthetic"
            )
        low, high = minority.min(axis=0) - 0.35, minority.max(axis=0) + 0.35
        panels[0].set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        handles, labels = panels[1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return show(
        figure,
        alt="Three scatter plots of the same rows. First, a few orange squares of the minority among blue dots of "
        "the majority. Second, hollow orange triangles have been added, each on a thin line between two squares. "
        "Third, the triangles are spread over the rectangles between two squares and leave the lines.",
        caption="SMOTE in one picture: every synthetic row lies between a minority row and one of its five "
        "nearest minority neighbours.",
    )


def _mean_curve(table: pd.DataFrame, dataset: str, method: str) -> pd.DataFrame:
    rows = table[(table["dataset"] == dataset) & (table["method"] == method) & table["step"].notna()]
    points = rows.groupby(["step", "metric"])["value"].mean().unstack()
    return points.sort_values(["fpr", "tpr"])


def _draw_curve(axes: Axes, points: pd.DataFrame, style: Mapping[str, Any], label: str) -> None:
    axes.plot(points["fpr"], points["tpr"], label=label, markevery=1, **{"markersize": 4, **style})


def sweep_curves(table: pd.DataFrame, datasets: Sequence[str], levels: Mapping[str, int]) -> Shown:
    """Draw the sweep of plain under-sampling, of SMOTE with under-sampling, and of Naive Bayes priors.

    Parameters
    ----------
    table : DataFrame
        Table of ``smote.roc_sweep``.
    datasets : sequence of str
        One panel each.
    levels : mapping of str to int
        Level of SMOTE in percent that is drawn for each data set.
    """
    import matplotlib.pyplot as plt

    spoken = []
    with book_style():
        figure, panels = plt.subplots(1, len(datasets), figsize=(3.4 * len(datasets), 3.7), squeeze=False)
        for axes, dataset in zip(panels[0], datasets, strict=True):
            curves = {
                "under": _mean_curve(table, dataset, "under"),
                "smote": _mean_curve(table, dataset, f"smote_{levels[dataset]}"),
                "naive_bayes": _mean_curve(table, dataset, "naive_bayes"),
            }
            raw = curves["under"].loc[0]
            axes.axvspan(0, raw["fpr"], color="#EEF1F4")
            labels = {
                "under": "under-sampling",
                "smote": "SMOTE + under-sampling",
                "naive_bayes": "Naive Bayes, prior shifted",
            }
            for key, points in curves.items():
                _draw_curve(axes, points, METHOD_STYLES[key], labels[key])
            axes.plot(raw["fpr"], raw["tpr"], "*", color=PALETTE["black"], markersize=12, label="tree on the raw data")
            axes.set(
                title=f"{_name(dataset)}, {levels[dataset]} %",
                xlabel="false positive rate",
                xlim=(0, 1),
                ylim=(0, 1.02),
            )
            gap = np.interp(0.2, curves["smote"]["fpr"], curves["smote"]["tpr"]) - np.interp(
                0.2, curves["under"]["fpr"], curves["under"]["tpr"]
            )
            spoken.append(
                f"{_name(dataset)}: at a false positive rate of 0.2 SMOTE lies {gap:+.3f} from under-sampling"
            )
        panels[0][0].set_ylabel("true positive rate")
        handles, names = panels[0][0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=2)
    return show(
        figure,
        alt="ROC curves of under-sampling, SMOTE and Naive Bayes, one panel for each data set. "
        + "; ".join(spoken)
        + ".",
        caption="Mean over partitions. Every point is one hard classifier; the strip left of the raw tree "
        "(shaded) counts nothing in "
        "the paper's area.",
    )


def _rows_of_panels(datasets: Sequence[str]) -> list[list[str]]:
    """Panels of Table 3 in two rows of equal length, each as wide as its data set has columns."""
    cells = [dataset for dataset in datasets for _ in range(1 + len(TABLE_3[dataset]))]
    widths = np.cumsum([1 + len(TABLE_3[dataset]) for dataset in datasets])
    cut = int(widths[np.argmin(np.abs(widths - len(cells) / 2))])
    longest = max(cut, len(cells) - cut)
    return [row + ["."] * (longest - len(row)) for row in (cells[:cut], cells[cut:]) if row]


def table_3(table: pd.DataFrame) -> Shown:
    """Draw our areas beside those of Table 3, level by level.

    Parameters
    ----------
    table : DataFrame
        Table of ``smote.roc_sweep`` that holds a data set of Table 3.
    """
    import matplotlib.pyplot as plt

    areas = _whole_curves(table, "auc_paper")
    datasets = [dataset for dataset in TABLE_3 if dataset in areas.index.get_level_values("dataset")]
    distances = []
    with book_style():
        mosaic: list[Any] = _rows_of_panels(datasets)
        first = {row[0] for row in mosaic}
        figure, panels = plt.subplot_mosaic(mosaic, figsize=(9, 6.2))
        for dataset in datasets:
            axes = panels[dataset]
            for position, (level, published) in enumerate(TABLE_3[dataset].items()):
                values = areas.loc[dataset]["under" if level == 0 else f"smote_{level}"].to_numpy()
                axes.plot(
                    np.full(values.size, position - 0.12), values, "o", color=PALETTE["sky"], markersize=3.5, alpha=0.7
                )
                axes.plot(
                    position - 0.12, values.mean(), "_", color=PALETTE["blue"], markersize=18, markeredgewidth=2.5
                )
                axes.plot(position + 0.18, published / 1e4, "D", color=PALETTE["orange"], markersize=7)
                distances.append(abs(values.mean() - published / 1e4))
            names = ["none" if level == 0 else str(level) for level in TABLE_3[dataset]]
            axes.set_xticks(range(len(names)), names)
            axes.set(title=_name(dataset), xlabel="amount of SMOTE in %", xlim=(-0.6, len(names) - 0.4))
            if dataset in first:
                axes.set_ylabel("area, paper's rule")
        axes.plot([], [], "o", color=PALETTE["sky"], label="ours, one partition")
        axes.plot([], [], "_", color=PALETTE["blue"], markersize=14, markeredgewidth=2.5, label="ours, mean")
        axes.plot([], [], "D", color=PALETTE["orange"], label="paper")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return show(
        figure,
        alt="Our areas as one dot a partition with a bar for the mean, beside a diamond for the paper's number, "
        "for each amount of SMOTE. "
        f"The mean lies between {min(distances):.4f} and {max(distances):.4f} away from the paper's number.",
        caption="Table 3 again: every dot is one partition of the same data into ten folds.",
    )


def selection(table: pd.DataFrame) -> Shown:
    """Draw SMOTE's gain over plain under-sampling by how its level was chosen, for the data sets that have all three.

    Parameters
    ----------
    table : DataFrame
        Table of ``smote.roc_sweep``.
    """
    import matplotlib.pyplot as plt

    areas = _whole_curves(table, "auc_paper").dropna(subset=["smote_chosen_level"])
    datasets = list(dict.fromkeys(areas.index.get_level_values("dataset")))
    ways = {
        "smote_fixed_level": ("fixed in advance", "o", PALETTE["blue"]),
        "smote_chosen_level": ("chosen inside the training part", "s", PALETTE["green"]),
        "smote_best_on_test": ("best on the test folds (as in the paper)", "^", PALETTE["orange"]),
    }
    spoken = []
    with book_style():
        figure, axes = plt.subplots(figsize=(7.6, 1.2 + 0.62 * len(datasets)))
        axes.axvline(0, color=PALETTE["black"], linewidth=1)
        for row, dataset in enumerate(reversed(datasets)):
            several = areas.loc[dataset].filter(regex=r"^smote_\d+$").dropna(axis=1).shape[1] > 1
            for offset, (method, (label, marker, color)) in zip((0.22, 0, -0.22), ways.items(), strict=True):
                if method != "smote_fixed_level" and not several:
                    continue  # nothing to choose from
                gain = (areas.loc[dataset][method] - areas.loc[dataset]["under"]).to_numpy()
                mean, low, high = _mean_and_interval(gain)
                place = row + (offset if several else 0)
                axes.plot([low, high], [place] * 2, color=color)
                named = label if label not in axes.get_legend_handles_labels()[1] else None
                axes.plot(mean, place, marker, color=color, label=named, linestyle="")
                spoken.append(f"{_name(dataset)}, {label}: {mean:+.4f} ({low:+.4f} to {high:+.4f})")
        axes.set_yticks(range(len(datasets)), [_name(dataset) for dataset in reversed(datasets)])
        axes.set_xlabel("area with SMOTE minus area without (paper's rule)")
        found = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        names = [label for label, _, _ in ways.values() if label in found]
        figure.legend([found[name] for name in names], names, loc="outside lower center", ncols=1)
    return show(
        figure,
        alt="Points with intervals around a line at zero, up to three for each data set. " + "; ".join(spoken) + ".",
        caption="How much of SMOTE's gain is the choice of its level: mean over partitions with Nadeau-Bengio "
        "95 % interval. Where a data set has one level there is nothing to choose.",
    )


def replication(table: pd.DataFrame) -> Shown:
    """Draw tree size and recall against the amount of over-sampling, for SMOTE and replication.

    Parameters
    ----------
    table : DataFrame
        Table of ``smote.replication``, one data set.
    """
    import matplotlib.pyplot as plt

    dataset = str(table["dataset"].iloc[0])
    titles = {"nodes": "nodes of the pruned tree", "recall": "recall of the minority"}
    spoken = []
    with book_style():
        figure, panels = plt.subplots(1, 2, figsize=(8, 3.3))
        for axes, (metric, title) in zip(panels, titles.items(), strict=True):
            for method, label in (("smote", "SMOTE"), ("replication", "replication")):
                rows = table[(table["metric"] == metric) & (table["method"] == method)]
                summary = rows.groupby("level")["value"].apply(_mean_and_interval)
                mean, low, high = np.array(summary.to_list()).T
                style = METHOD_STYLES[method]
                axes.fill_between(summary.index, low, high, color=style["color"], alpha=0.15, linewidth=0)
                axes.plot(summary.index, mean, label=label, **style)
                spoken.append(f"{title}, {label}: {mean[0]:.3g} at 0 %, {mean[-1]:.3g} at 500 %")
            axes.set(title=title, xlabel="amount of over-sampling in %")
        panels[0].legend()
    return show(
        figure,
        alt=f"Two line plots against the amount of over-sampling on {_name(dataset)}. " + "; ".join(spoken) + ".",
        caption=f"{_name(dataset)}, all majority rows kept: mean over partitions, band: Nadeau-Bengio 95 % interval.",
    )


def thresholds(table: pd.DataFrame, dataset: str, level: int) -> Shown:
    """Draw the SMOTE sweep beside the threshold curves of one pruned and two unpruned trees.

    Parameters
    ----------
    table : DataFrame
        Table of ``smote.roc_sweep``.
    dataset : str
        Data set to draw.
    level : int
        Level of SMOTE in percent.
    """
    import matplotlib.pyplot as plt

    areas = dict(_whole_curves(table[table["dataset"] == dataset], "auc_full").mean(axis=0).items())
    curves = {
        f"smote_{level}": (f"SMOTE {level} % + under-sampling", METHOD_STYLES["smote"]),
        "threshold_pruned": ("threshold, pruned tree", {**METHOD_STYLES["threshold"], "color": PALETTE["purple"]}),
        "threshold_unpruned": (
            "threshold, unpruned tree",
            {"color": PALETTE["grey"], "marker": "s", "linestyle": "--"},
        ),
        "threshold_laplace": (
            "threshold, unpruned + Laplace",
            {"color": PALETTE["black"], "marker": "x", "linestyle": "-"},
        ),
    }
    with book_style():
        figure, axes = plt.subplots(figsize=(6.2, 4.6))
        lowest = 1.0
        for method, (label, style) in curves.items():
            points = _mean_curve(table, dataset, method)
            lowest = min(lowest, float(points["tpr"].min()))
            _draw_curve(axes, points, style, f"{label} ({areas[method]:.3f})")
        axes.set(
            xlabel="false positive rate",
            ylabel="true positive rate",
            xlim=(0, 1),
            ylim=(max(0.0, lowest - 0.15), 1.02),
            title=_name(dataset),
        )
        axes.legend(loc="lower right", title="area from (0, 0)")
    spoken = ", ".join(f"{label} {areas[method]:.3f}" for method, (label, _) in curves.items())
    return show(
        figure,
        alt=f"Four ROC curves on {_name(dataset)}. Areas: {spoken}.",
        caption="One tree with a moving threshold against a sweep of trees: the legend gives the area of each.",
    )


def ranking(table: pd.DataFrame) -> Shown:
    """Draw the change in AUROC that each sampler brings, for each learner and data set.

    Parameters
    ----------
    table : DataFrame
        Table of ``smote.learners``.
    """
    import matplotlib.pyplot as plt

    auroc = table[(table["metric"] == "auroc") & (table["unit"] == "fold")].pivot_table(
        index=["learner", "dataset", "replicate"], columns="method", values="value"
    )
    learner_keys = [key for key in LEARNER_NAMES if key in auroc.index.get_level_values("learner")]
    datasets = list(dict.fromkeys(table["dataset"]))
    spoken = []
    with book_style():
        figure, panels = plt.subplots(
            1, len(learner_keys), figsize=(9.6, 1.4 + 0.55 * len(datasets)), sharey=True, squeeze=False
        )
        for axes, learner in zip(panels[0], learner_keys, strict=True):
            axes.axvline(0, color=PALETTE["black"], linewidth=1)
            for row, dataset in enumerate(reversed(datasets)):
                block = auroc.loc[learner].loc[dataset]
                for offset, method in zip((0.24, 0, -0.24), ("under", "over", "smote"), strict=True):
                    mean, low, high = _mean_and_interval(block[method] - block["none"], folds_per_value=1)
                    style = METHOD_STYLES[method]
                    axes.plot([low, high], [row + offset] * 2, color=style["color"])
                    label = {"under": "under-sampling", "over": "random over-sampling", "smote": "SMOTE"}[method]
                    axes.plot(
                        mean, row + offset, style["marker"], color=style["color"], label=label if row == 0 else None
                    )
                    if method == "smote":
                        spoken.append(
                            f"{LEARNER_NAMES[learner]}, {_name(dataset)}: SMOTE {mean:+.3f} ({low:+.3f} to {high:+.3f})"
                        )
            axes.set(title=LEARNER_NAMES[learner], xlabel="change in AUROC")
        panels[0][0].set_yticks(range(len(datasets)), [_name(dataset) for dataset in reversed(datasets)])
        figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return show(
        figure,
        alt="Points with intervals around a line at zero: change in AUROC against no sampling. "
        + "; ".join(spoken)
        + ".",
        caption="What sampling does to the ranking, by learner: mean over folds with Nadeau-Bengio 95 % interval. The "
        "three scales differ.",
    )


def risk(table: pd.DataFrame, learner: str = "logistic_regression") -> Shown:
    """Draw mean predicted over observed risk after each sampler, before and after the correction of the prior.

    Parameters
    ----------
    table : DataFrame
        Table of ``smote.learners``.
    learner : str, default="logistic_regression"
        Learner to draw.
    """
    import matplotlib.pyplot as plt

    wanted = {"metric": "log_risk_ratio", "learner": learner, "unit": "partition"}
    rows = table[(table[list(wanted)] == pd.Series(wanted)).all(axis=1)]
    ratio = rows.groupby(["dataset", "method"])["value"].mean().unstack().map(np.exp)
    names = {"none": "no sampling", "under": "under-sampling", "over": "random over-sampling", "smote": "SMOTE"}
    with book_style():
        figure, panels = plt.subplots(1, 2, figsize=(9, 3.5), sharey=True)
        for axes, suffix, title in zip(
            panels, ("", "_corrected"), ("as they come", "after prior correction"), strict=True
        ):
            for position, (method, label) in enumerate(names.items()):
                column = method if method == "none" else method + suffix
                style = METHOD_STYLES[method]
                axes.plot(
                    np.arange(len(ratio)) + 0.15 * (position - 1.5),
                    ratio[column],
                    style["marker"],
                    color=style["color"],
                    markersize=8,
                    label=label,
                )
            axes.axhline(1, color=PALETTE["black"], linewidth=1)
            axes.set_yscale("log")
            ticks = [0.5, 1, 2, 5, 10, 20]
            axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.minorticks_off()
            axes.set_xticks(
                range(len(ratio)), [_name(dataset).replace(", ", ",\n") for dataset in ratio.index], fontsize=9
            )
            axes.set(title=title, xlim=(-0.5, len(ratio) - 0.5))
        panels[0].set_ylabel("predicted / observed risk")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    spoken = "; ".join(
        f"{_name(str(dataset))}: SMOTE {row['smote']:.2f} before and {row['smote_corrected']:.2f} after, no "
        f"sampling {row['none']:.2f}"
        for dataset, row in ratio.iterrows()
    )
    return show(
        figure,
        alt=f"Ratio of mean predicted to observed risk of {LEARNER_NAMES[learner]} by data set, left as it "
        f"comes, right with the prior corrected. {spoken}.",
        caption="A model trained on balanced data believes in a balanced world; one line of arithmetic takes "
        "most of it back.",
    )
