"""Figures of the study `smote`. Each takes a result table and returns a picture with its finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.plotting.figures import Shown, key_entry
from repro.plotting.shared import (
    THIRD,
    chosen,
    differences,
    forest,
    lines,
    mean_range,
    panel_axes,
    reused_rows,
    shown,
    summarise,
)
from repro.plotting.styles import INK, PALETTE, Style, book_style
from repro.protocol.names import name_of
from repro.studies.smote.problems import TABLE_3
from repro.trials.folds import FOLDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PARTITIONS = reused_rows(FOLDS, FOLDS)
"""Interval of values of whole partitions."""
SINGLE_FOLDS = reused_rows(FOLDS)


def _whole_curves(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Rows of a metric of whole curves."""
    return table[table["step"].isna() & (table["metric"] == metric)]


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
    minority, majority : ndarray of shape (n, 2)
        Rows of both classes.
    parents : ndarray of shape (n_children, 2), int
        Row numbers in `minority` of parent and neighbour of every child of the segment reading.
    segment, box : ndarray of shape (n_children, 2)
        Children of the two readings.
    """
    styles = {
        "majority": Style(PALETTE["blue"], "o"),
        "minority": Style(PALETTE["orange"], "s"),
        "synthetic": Style(PALETTE["orange"], "^", hollow=True),
    }
    headings = {"few minority rows": None, "children on segments": segment, "other reading: boxes": box}
    low, high = minority.min(axis=0) - 0.35, minority.max(axis=0) + 0.35
    with book_style():
        drawn = panel_axes(3, THIRD)
        for (_, axes), (heading, children) in zip(drawn, headings.items(), strict=True):
            axes.plot(*majority.T, "o", color=PALETTE["blue"], markersize=3, alpha=0.45)
            axes.plot(*minority.T, "s", color=PALETTE["orange"], markersize=5.5)
            if children is segment:
                for pair in parents:
                    axes.plot(*minority[pair].T, "-", color=PALETTE["orange"], linewidth=0.6, alpha=0.6)
            if children is not None:
                style = styles["synthetic"]
                axes.plot(*children.T, "^", color=style.color, markerfacecolor=style.face, markersize=4.5)
            axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), title=heading, xticks=[], yticks=[])
            axes.set(xlabel="first feature", ylabel="second feature")
    return shown(
        [axes for _, axes in drawn],
        {
            "title": f"SMOTE makes {len(segment) / len(minority):.0f} synthetic rows of every minority row, each "
            "between it and a close neighbour",
            "caption": "A neighbour is one of the five nearest minority rows. The paper's text means segments; its "
            "pseudo-code draws from boxes.",
        },
        "Three scatter plots of the same rows: few squares among many dots; hollow triangles added on thin lines "
        "between two squares; triangles spread over the rectangles between them",
        key=[key_entry(name, style, line=False) for name, style in styles.items()],
    )


def _mean_curves(table: pd.DataFrame, methods: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Mean ROC points of methods, by data set, as a summary without intervals."""
    wanted = [(table["dataset"] == dataset) & table["method"].isin(names) for dataset, names in methods.items()]
    rows = table[np.any(wanted, axis=0) & table["step"].notna()]
    points = rows.pivot_table(index=["dataset", "method", "step"], columns="metric", values="value").reset_index()
    points = points.sort_values(["fpr", "tpr"]).assign(estimate=lambda rows: rows["tpr"])
    backwards = dict.fromkeys(name for names in reversed([*methods.values()]) for name in reversed(names))
    return chosen(points, dataset=methods, method=reversed(backwards))


def sweep_curves(table: pd.DataFrame, datasets: Sequence[str], levels: Mapping[str, int]) -> Shown:
    """Draw sweeps of under-sampling, of SMOTE at a level, and of naive Bayes priors, from ``smote.roc_sweep``."""
    points = _mean_curves(table, {name: ["under", f"smote_{levels[name]}", "naive_bayes"] for name in datasets})
    points["method"] = points["method"].str.replace(r"smote_\d+", "smote", regex=True)
    curves = dict(iter(points.groupby(["dataset", "method"])))
    gaps = [
        np.interp(0.2, curves[name, "smote"]["fpr"], curves[name, "smote"]["tpr"])
        - np.interp(0.2, curves[name, "under"]["fpr"], curves[name, "under"]["tpr"])
        for name in datasets
    ]

    def raw(axes: Axes, dataset: Any) -> None:
        tree = curves[dataset, "under"]
        found = {name: float(tree.loc[tree["step"] == 0, name].iloc[0]) for name in ("fpr", "tpr")}
        axes.axvspan(0, found["fpr"], color=PALETTE["grey"], alpha=0.13, linewidth=0)
        axes.plot(found["fpr"], found["tpr"], "*", color=INK, markersize=11, zorder=4)
        axes.set(xlim=(0, 1), ylim=(0, 1.02))

    return lines(
        points,
        "fpr",
        panel="dataset",
        names={"smote": "SMOTE + under-sampling", "naive_bayes": "naive Bayes, prior shifted"},
        panel_names={name: f"{name_of(name, 'dataset')}, SMOTE {levels[name]} %" for name in datasets},
        xlabel="false positive rate",
        ylabel="true positive rate",
        title="At a false positive rate of 0.2, SMOTE changes the true positive rate of under-sampling by "
        + ", ".join(f"{gap:+.3f} ({name_of(name, 'dataset')})" for gap, name in zip(gaps, datasets, strict=True)),
        caption="Mean over partitions. Every point is one hard classifier; the star is the tree on the raw data, and "
        "the shaded strip left of it counts nothing in the paper's area.",
        decorate=raw,
    )


def table_3(table: pd.DataFrame) -> Shown:
    """Draw our areas, from ``smote.roc_sweep``, beside those of Table 3, level by level."""
    areas = _whole_curves(table, "auc_paper")
    methods = {
        name: {"under" if level == 0 else f"smote_{level}": value / 1e4 for level, value in row.items()}
        for name, row in TABLE_3.items()
    }
    keys = {(name, method): value for name, row in methods.items() for method, value in row.items()}
    ours = areas[[key in keys for key in zip(areas["dataset"], areas["method"], strict=True)]]
    found = summarise(ours, ["dataset", "method"], mean_range)
    found["published"] = [keys[key] for key in zip(found["dataset"], found["method"], strict=True)]
    theirs = found.assign(**dict.fromkeys(("estimate", "low", "high"), found["published"]), source="paper")
    both = pd.concat([found.assign(source="ours, mean and range over partitions"), theirs])
    both["amount"] = both["method"].str.extract(r"(\d+)", expand=False).fillna("none")
    both = both.assign(place=both["amount"].replace("none", "0").astype(int)).sort_values("place", kind="stable")
    both = chosen(both, dataset=TABLE_3)
    return lines(
        both,
        "amount",
        panel="dataset",
        series="source",
        xlabel="amount of SMOTE in %",
        ylabel="area, paper's rule",
        shared=False,
        dodge=0.2,
        size=THIRD,
        title=f"Our areas come within {(found['estimate'] - found['published']).abs().max():.3f} of Table 3",
        caption="Table 3 again: bars reach from the worst to the best partition of the same data into ten folds. "
        "Every panel has its own range.",
    )


def selection(table: pd.DataFrame) -> Shown:
    """Draw SMOTE's gain over under-sampling by how its amount was chosen, from ``smote.roc_sweep``."""
    areas = _whole_curves(table, "auc_paper")
    areas = areas[areas["dataset"].isin(areas.loc[areas["method"] == "smote_chosen_level", "dataset"])]
    several = areas[areas["method"].str.fullmatch(r"smote_\d+")].groupby("dataset")["method"].nunique() > 1
    ways = ("smote_fixed_level", "smote_chosen_level", "smote_best_on_test")
    gains = summarise(
        differences(areas, [(way, "under") for way in ways], ["dataset"]), ["dataset", "method"], PARTITIONS
    )
    gains = gains[(gains["method"] == ways[0]) | gains["dataset"].map(several)]
    gains = chosen(gains, dataset=areas["dataset"].unique())
    clear = {way: int((gains.loc[gains["method"] == way, "low"] > 0).sum()) for way in ways}
    count = gains["method"].value_counts()
    return forest(
        gains,
        "dataset",
        series="method",
        names={
            ways[0]: "amount fixed in advance",
            ways[1]: "chosen inside the training part",
            ways[2]: "best on the test folds (as in the paper)",
        },
        xlabel="area with SMOTE minus area without (paper's rule)",
        title=f"SMOTE's gain is clear on {clear[ways[2]]} of {count.get(ways[2], 0)} data sets if its amount is "
        f"chosen on the test folds, on {clear[ways[0]]} of {count[ways[0]]} if it is fixed in advance",
        caption="Mean over partitions with Nadeau-Bengio 95 % interval. Where a data set has one amount there is "
        "nothing to choose.",
    )


def replication(table: pd.DataFrame) -> Shown:
    """Draw tree size and recall by the amount of SMOTE and of copies on a data set, from ``smote.replication``."""
    found = summarise(table, ["metric", "method", "level"], PARTITIONS)
    found = chosen(found, metric=["nodes", "recall"], method=["smote", "replication"])
    last = found[found["level"] == found["level"].max()].set_index(["metric", "method"])["estimate"]
    return lines(
        found,
        "level",
        panel="metric",
        panel_names={"recall": "recall of the minority"},
        ylabel="nodes or recall",
        shared=False,
        band=True,
        title=f"At {found['level'].max():.0f} % copies make trees of {last['nodes', 'replication']:.0f} nodes, SMOTE "
        f"of {last['nodes', 'smote']:.0f}; SMOTE's recall is {last['recall', 'smote']:.2f}, that of copies "
        f"{last['recall', 'replication']:.2f}",
        caption=f"{name_of(table['dataset'].iloc[0], 'dataset')}, all majority rows kept: mean over partitions, band: "
        "Nadeau-Bengio 95 % interval.",
    )


def thresholds(table: pd.DataFrame, dataset: str, level: int) -> Shown:
    """Draw the SMOTE sweep of a level beside threshold curves of three trees, from ``smote.roc_sweep``."""
    methods = [f"smote_{level}", "threshold_pruned", "threshold_unpruned", "threshold_laplace"]
    points = _mean_curves(table, {dataset: methods})
    areas = _whole_curves(table[table["dataset"] == dataset], "auc_full").groupby("method")["value"].mean()[methods]
    return lines(
        points,
        "fpr",
        names={name: f"{name_of(name)}: area {areas[name]:.3f}" for name in methods},
        xlabel="false positive rate",
        ylabel="true positive rate",
        ylim=(max(0.0, points["tpr"].min() - 0.05), 1.02),
        title=f"{'A' if areas.iloc[1:].max() > areas.iloc[0] else 'No'} moving threshold on one tree reaches the area "
        f"of a sweep of SMOTE: {areas.iloc[1:].max():.3f} against {areas.iloc[0]:.3f}",
        caption=f"{name_of(dataset, 'dataset')}, mean over partitions; areas from (0, 0).",
    )


def ranking(table: pd.DataFrame) -> Shown:
    """Draw the change in AUROC of each sampler, for each learner and data set, from ``smote.learners``."""
    rows = table[(table["metric"] == "auroc") & (table["unit"] == "fold")]
    methods = ("under", "over", "smote")
    learners = ("pruned_tree", "logistic_regression", "gradient_boosting")
    changes = differences(rows, [(method, "none") for method in methods], ["learner", "dataset"])
    found = summarise(chosen(changes, learner=learners), ["learner", "dataset", "method"], SINGLE_FOLDS)
    counts = {
        learner: f"{name_of(learner, 'learner')} {int((part['low'] > 0).sum())}"
        for learner, part in found[found["method"] == "smote"].groupby("learner", sort=False)
    }

    def fine(axes: Axes, _: Any) -> None:
        axes.set_xscale("symlog", linthresh=0.01, linscale=1)
        axes.set_xticks([-0.1, -0.01, 0, 0.01, 0.1], ["−0.1", "−0.01", "0", "0.01", "0.1"])
        axes.set_xticks([], minor=True)

    return forest(
        found,
        "dataset",
        series="method",
        panel="learner",
        xlabel="change in AUROC against no sampling",
        title=f"SMOTE's ranking is clearly better than without sampling on {', '.join(counts.values())} of "
        f"{found['dataset'].nunique()} data sets",
        caption="Mean over folds with Nadeau-Bengio 95 % interval. All panels have one scale, which is linear between "
        "−0.01 and 0.01 and logarithmic outside.",
        decorate=fine,
    )


def risk(table: pd.DataFrame, learner: str = "logistic_regression") -> Shown:
    """Draw predicted over observed risk after each sampler, corrected and not, from ``smote.learners``."""
    rows = table[(table["metric"] == "log_risk_ratio") & (table["learner"] == learner) & (table["unit"] == "partition")]
    found = summarise(rows, ["dataset", "method"], mean_range)
    ends = ["estimate", "low", "high"]
    found[ends] = np.exp(found[ends])
    panels = {}
    for stage, ending in (("as they come", ""), ("after prior correction", "_corrected")):
        wanted = {"none": "none", **{f"{name}{ending}": name for name in ("under", "over", "smote")}}
        part = chosen(found, method=wanted)
        panels[stage] = part.assign(method=part["method"].map(wanted), stage=stage)
    both = pd.concat(panels.values())
    of_smote = both[both["method"] == "smote"].groupby("stage")["estimate"].median()
    return forest(
        both,
        "dataset",
        series="method",
        panel="stage",
        log="x",
        level=1.0,
        ticks={"x": [0.5, 1, 2, 5, 10, 20]},
        xlabel="mean predicted risk over observed risk",
        title=f"After SMOTE {name_of(learner, 'learner')} predicts {of_smote['as they come']:.1f} times the true risk "
        f"(median over data sets); the correction of the prior brings it to {of_smote['after prior correction']:.1f}",
        caption="A model trained on balanced data believes in a balanced world. Mean and range over partitions.",
    )
