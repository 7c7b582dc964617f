"""Figures of the study `presto`. Each takes numbers or a table and returns a picture with its finding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.claims import find_claim
from repro.plotting.figures import Shown, key_entry
from repro.plotting.shared import (
    THIRD,
    chosen,
    differences,
    distributions,
    forest,
    geometric,
    heat,
    lines,
    panel_axes,
    reused_rows,
    shown,
    spread,
    summarise,
)
from repro.plotting.styles import INK, PALETTE, Style, book_style
from repro.protocol.names import name_of
from repro.studies.presto.designs import INTERCEPTS, RARE_SHARES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from repro.ordinal import PrestoPath

SPLITS: Final = reused_rows(10)
SETTINGS: Final = {
    (design, setting): f"{design}, {100 * RARE_SHARES[design, setting]:.2g} % rare"
    for design, settings in INTERCEPTS.items()
    for setting in settings
}
"""The ten settings, in the order of the paper, by design and published share of the rare class."""
RARE_TICKS: Final = {"x": (0.4, 0.7, 1.0, 1.6)}
CLASSES: Final = (
    Style(PALETTE["grey"], "o", hollow=True), Style(PALETTE["sky"], "^"),
    Style(PALETTE["purple"], "s"), Style(PALETTE["orange"], "X"),
)  # fmt: skip


def drift(X: npt.ArrayLike, y: npt.ArrayLike, path: PrestoPath, places: Sequence[int]) -> Shown:
    """Draw the boundaries of four classes in the plane for penalties at some places of a path fitted to the rows."""
    points, classes = np.asarray(X, dtype=np.float64), np.asarray(y)
    across = np.array([-1.0, 1.0])
    angles = {}
    with book_style():
        drawn = panel_axes(len(places), THIRD)
        for (_, axes), place in zip(drawn, places, strict=True):
            for label, style in enumerate(CLASSES):
                size = 5.5 if label == classes.max() else 2.5
                look: dict[str, Any] = {"markersize": size, "alpha": 0.7, "markeredgewidth": 0.5}
                axes.plot(*points[classes == label].T, style.marker, color=style.color, **look)
            for k, line in enumerate(("-", "--", ":")):
                first, second = path.coefs[place, k]
                axes.plot(across, -(path.intercepts[place, k] + first * across) / second, line, color=INK, linewidth=2)
            angles[path.lambdas[place]] = np.degrees(np.arctan2(-path.coefs[place, :, 0], path.coefs[place, :, 1]))
            axes.set(xlim=(-1, 1), ylim=(-1, 1), xlabel="first feature", ylabel="second feature")
            axes.set_title(f"penalty {path.lambdas[place]:.2g}")
    apart = {penalty: float(np.ptp(found)) for penalty, found in angles.items()}
    return shown(
        [axes for _, axes in drawn],
        {
            "title": f"The directions of the three boundaries differ by {apart[min(apart)]:.0f} degrees under the "
            f"smallest penalty, by {apart[max(apart)]:.0f} under the largest",
            "caption": "Where P(y ≤ k | x) = 1/2 for k = 1 (line), 2 (dashed) and 3 (dotted). Only differences "
            "between boundaries are penalised here; parallel ones are the proportional-odds model.",
        },
        f"{len(places)} panels with the same points of four classes and three straight lines between them",
        table=pd.DataFrame({f"penalty {p:.2g}": [f"{a:.0f} degrees" for a in found] for p, found in angles.items()}),
        key=[key_entry(f"class {label + 1}", style, line=False) for label, style in enumerate(CLASSES)],
    )


def _by_rarity(found: pd.DataFrame) -> pd.DataFrame:
    """Share of the rare class in percent, instead of the setting's intercepts, and designs in the paper's order."""
    rare = [100 * RARE_SHARES[key] for key in zip(found["design"], found["intercepts"], strict=True)]
    return chosen(found.assign(rare=rare).sort_values("rare", kind="stable"), design=INTERCEPTS)


def errors(table: pd.DataFrame) -> Shown:
    """Draw median and quartiles of the error in the ten settings, ours and the published, from ``presto.synthetic``."""
    methods = ("presto_published", "logit", "proportional_odds")
    rows = table[(table["metric"] == "rare_mse") & table["method"].isin(methods)]
    found = _by_rarity(summarise(rows, ["design", "intercepts", "method"], spread(share=0.5)))
    extra = [(entry.model_extra or {}, entry.value) for entry in find_claim("presto-m1").published]
    published = {(one["design"], one["intercepts"], one["method"]): value for one, value in extra if one}
    keys = list(zip(found["design"], found["intercepts"], found["method"], strict=True))
    ratio = found["estimate"].to_numpy() / np.array([published[key] for key in keys])

    def theirs(axes: Axes, design: Any) -> None:
        for rare, key in zip(found["rare"], keys, strict=True):
            if key[0] == design:
                axes.plot(rare, published[key], "_", color=INK, markersize=12)

    return lines(
        found,
        "rare",
        panel="design",
        xlabel="share of the rare class in %",
        ylabel="squared error of P(rare | x)",
        log="xy",
        ticks=RARE_TICKS,
        title=f"Fitted as published, our median errors are {ratio.min():.2f} to {ratio.max():.2f} times those of the "
        "paper",
        caption="Median and quartiles over repetitions. Short black lines: medians measured from the paper's figures.",
        decorate=theirs,
    )


def _log_ratios(table: pd.DataFrame, first: str, second: str, metric: str) -> pd.DataFrame:
    """Logarithm of the ratio of two methods' values, by setting and replicate."""
    rows = table[table["metric"] == metric].assign(value=lambda rows: np.log(rows["value"]))
    return differences(rows, [(first, second)], ["design", "intercepts"])


def _ratios(table: pd.DataFrame, pairs: Sequence[tuple[str, str]], metric: str) -> pd.DataFrame:
    """Summary of the ratios of two methods' errors in each setting, geometric means with intervals."""
    logs = pd.concat([_log_ratios(table, first, second, metric) for first, second in pairs])
    return summarise(
        logs.assign(value=np.exp(logs["value"])), ["design", "intercepts", "method", "reference"], geometric
    )


def error_ratios(table: pd.DataFrame, first: str, second: str, metric: str = "rare_mse_fresh") -> pd.Series:
    """Geometric means of the error of one method over that of another, by setting, in simulated rows."""
    logs = _log_ratios(table, first, second, metric).groupby(["design", "intercepts"])["value"].mean()
    return pd.Series(np.exp(logs), name="ratio")


def ridge_ratios(published: pd.DataFrame, corrected: pd.DataFrame) -> pd.DataFrame:
    """Medians of the error of PRESTO over that of its ridge form: the paper's, ours as published, ours corrected.

    Tables of ``presto.ridge`` and ``presto.synthetic``.
    """
    ratios = {
        "published": {(entry.model_extra or {})["design"]: entry.value for entry in find_claim("presto-s5p").published}
    }
    for name, table, suffix in (("ours, as published", published, "_published"), ("ours, corrected", corrected, "")):
        rows = table[(table["intercepts"] == "(0, 3, 5)") & table["design"].isin(ratios["published"])]
        logs = _log_ratios(rows, f"presto{suffix}", f"presto_ridge{suffix}", "rare_mse")
        ratios[name] = np.exp(logs.groupby("design")["value"].median()).to_dict()
    return pd.DataFrame(ratios).rename_axis("PRESTO over its ridge form, median").round(3)


def gains(table: pd.DataFrame) -> Shown:
    """Draw how many times smaller PRESTO's error is than that of its competitors, from ``presto.synthetic``."""
    found = _by_rarity(_ratios(table, [("logit", "presto"), ("proportional_odds", "presto")], "rare_mse"))
    clear = (found["low"] > 1).groupby(found["method"]).sum()
    count = found["method"].value_counts()
    return lines(
        found,
        "rare",
        panel="design",
        names={name: f"over {name_of(name)}" for name in count.index},
        xlabel="share of the rare class in %",
        ylabel="times smaller error",
        log="xy",
        ticks=RARE_TICKS | {"y": (1, 1.5, 2, 3, 4)},
        level=1.0,
        title="PRESTO's error is clearly smaller than that of "
        + " and of ".join(f"{name_of(name)} in {clear[name]} of {count[name]} settings" for name in clear.index),
        caption="Error of the competitor over that of PRESTO, geometric mean over paired repetitions with 95 % "
        "intervals. Above 1 PRESTO is better. PRESTO is selected and transformed correctly.",
    )


def shrinking_and_borrowing(table: pd.DataFrame) -> Shown:
    """Draw how many times smaller a penalty, and PRESTO, make the error, from ``presto.shrinkage``."""
    methods = ("logit_l1", "logit_ridge", "presto")
    found = _ratios(table, [("logit", method) for method in methods], "rare_mse_fresh")
    settings = [SETTINGS[key] for key in zip(found["design"], found["intercepts"], strict=True)]
    found = chosen(found.assign(method=found["reference"], setting=settings), setting=SETTINGS.values())
    middle = found.groupby("method")["estimate"].median()
    return forest(
        found,
        "setting",
        series="method",
        log="x",
        ticks={"x": (1, 1.5, 2, 3, 4, 6)},
        level=1.0,
        xlabel="times smaller error than logistic regression without penalty",
        title="Median over settings, times smaller error than plain logistic regression: "
        + ", ".join(f"{name_of(method)} {middle[method]:.1f}" for method in methods),
        caption="On fresh rows, geometric means over paired repetitions with 95 % intervals. The way from 1 to a "
        "penalised regression is shrinking; the rest of the way to PRESTO is what the other classes add.",
    )


def figure4(table: pd.DataFrame) -> Shown:
    """Draw the published score against the cutoff, the paper's and ours, from ``presto.prediabetes``."""
    methods = ("logit", "proportional_odds", "presto_published", "base_rate")
    rows = chosen(table, metric="coded_error", method=methods)
    found = chosen(summarise(rows, ["method", "cutoff"], SPLITS), method=methods)
    found["low"] = np.maximum(found["low"], found["estimate"] / 20)  # the axis is logarithmic
    means = found.pivot(index="cutoff", columns="method", values="estimate")
    wins = int((means["base_rate"] <= means.min(axis=1)).sum())

    def theirs(axes: Axes, _: Any) -> None:
        for entry in find_claim("presto-m2").published:
            axes.plot(float((entry.model_extra or {})["cutoff"]), entry.value, "_", color=INK, markersize=14)

    return lines(
        found,
        "cutoff",
        ylabel="score as coded (smaller counts as better)",
        log="y",
        title=f"A constant prediction has the best published score at {wins} of {len(means)} cutoffs",
        caption="The published score on PreDiabetes, by the age up to which diabetes counts. Points: our mean over "
        "random splits with a 95 % interval that allows for reused rows. Black: the paper's Figure 4.",
        decorate=theirs,
    )


def sound_scores(table: pd.DataFrame) -> Shown:
    """Draw by how much PRESTO's sound scores are better, against the cutoff, from ``presto.prediabetes``."""
    worth = {part.metric: part.smallest_effect or 0.0 for part in find_claim("presto-r4").quantity.parts}
    metrics, others = ("brier", "log_loss", "binned_error"), ("logit", "proportional_odds")
    gained = differences(table, [(other, "presto") for other in others], ["metric", "cutoff"])
    found = summarise(chosen(gained, metric=metrics), ["metric", "method", "cutoff"], SPLITS)
    found = chosen(found, metric=metrics)
    clear = int((found["low"] > 0).sum())

    def negligible(axes: Axes, metric: Any) -> None:
        axes.axhspan(-worth[metric], worth[metric], color=PALETTE["grey"], alpha=0.2, linewidth=0)
        axes.set_yscale("symlog", linthresh=worth[metric])
        axes.set_yticks([factor * worth[metric] for factor in (-10, -1, 0, 1, 10)], minor=False)
        axes.yaxis.set_major_formatter("{x:g}")

    return lines(
        found,
        "cutoff",
        panel="metric",
        names={other: f"over {name_of(other)}" for other in others},
        ylabel="PRESTO's advantage",
        level=0.0,
        dodge=1.2,
        shared=False,
        title=f"With sound scores PRESTO is clearly better in {clear} of {len(found)} comparisons on PreDiabetes",
        caption="Score of the competitor minus that of PRESTO on the same splits; above 0 PRESTO is better. 95 % "
        "intervals allow for reused rows. Grey: differences too small to be worth mentioning, as fixed in the claim; "
        "outside of it the axis is logarithmic.",
        decorate=negligible,
    )


def soup(table: pd.DataFrame) -> Shown:
    """Draw all scores of the paper's methods on soup, split by rows and by respondents (table of ``presto.soup``)."""
    methods = ("presto_published", "presto", "proportional_odds", "logit", "base_rate")
    metrics = ("coded_error", "binned_error", "brier", "log_loss")
    found = summarise(chosen(table, metric=metrics, method=methods), ["metric", "method", "split_by"], SPLITS)
    by_rows = found[found["split_by"] == "rows"]
    best = by_rows.loc[by_rows.groupby("metric", sort=False)["estimate"].idxmin()].set_index("metric")["method"]
    return forest(
        found,
        "method",
        series="split_by",
        panel="metric",
        level=None,
        shared=False,
        xlabel="score, smaller is better",
        title="Best on soup, split by rows: "
        + ", ".join(f"{name_of(method)} ({name_of(metric, 'metric')})" for metric, method in best.items()),
        caption="Soup: mean over 350 random splits with 95 % intervals that allow for reused rows. Every panel has "
        "its own range.",
    )


def missing_baselines(table: pd.DataFrame) -> Shown:
    """Draw the error of each method over that of PRESTO in the ten settings, on fresh rows.

    Table of ``presto.baselines``, with or without the rows of ``presto.shrinkage``, which has the same problems.
    """
    measured = table.loc[table["metric"] == "rare_mse_fresh", "method"].unique()
    methods = [name for name in measured if name not in {"presto", "presto_published"}]
    found = pd.DataFrame({name: error_ratios(table, name, "presto") for name in methods}).T
    settings = [key for key in SETTINGS if key in found.columns]
    found = found[settings]
    found = found.loc[found.mean(axis=1).sort_values().index]
    better = [name_of(name) for name, row in found.iterrows() if (row < 1).sum() > len(row) / 2]
    columns = [f"{design}\n{100 * RARE_SHARES[design, setting]:.2g} %" for design, setting in settings]
    columns = [name.replace("sparse ", "sp. ") for name in columns]
    ahead = f"ahead of it in most settings: {', '.join(better)}"
    return heat(
        {"": found.set_axis([name_of(name) for name in found.index]).set_axis(columns, axis=1)},
        shade=lambda ratio: float(np.log(ratio)),
        text=lambda value: f"{value:.2g}" if value < 10 else f"{value:.0f}",
        limits=(-3.0, 3.0),
        xlabel="design and share of the rare class",
        size=(7.2, 0.9 + 0.34 * len(found)),
        title=f"PRESTO's error is the smaller one in {(found > 1).to_numpy().sum()} of {found.size} comparisons; "
        f"{ahead if better else 'no method is ahead of it in most settings'}",
        caption="Squared error of the rare probability over that of PRESTO, geometric mean on fresh rows; above 1 "
        "(red) PRESTO is better. Only unpenalised logistic regression and proportional odds are in the paper. sp.: "
        "sparse design.",
    )


def information(table: pd.DataFrame) -> Shown:
    """Draw the variance that one row leaves, against rarity, from ``presto.information``."""
    rows = table[(table["metric"] == "trace") & table["method"].isin(["logit", "proportional_odds"])]
    found = summarise(rows.astype({"rare": float}), ["method", "rare"], spread(share=0.9))
    near = min(found["rare"].unique(), key=lambda rare: abs(np.log(rare / 0.01)))
    there = found[found["rare"] == near].set_index("method")["estimate"]
    return lines(
        found,
        "rare",
        names={
            "logit": "logistic regression of the rare class",
            "proportional_odds": "proportional odds, common weights",
        },
        ylabel="variance left by one row",
        log="xy",
        band=True,
        title=f"At a rare probability of {near:.2g} logistic regression has "
        f"{there['logit'] / there['proportional_odds']:.0f} times the variance of proportional odds",
        caption="Trace of the inverse information, median and range of nine in ten weight vectors.",
        decorate=lambda axes, _: axes.invert_xaxis(),
    )


def row_order(values: npt.ArrayLike, constant: float, sound: float) -> Shown:
    """Draw how a score spreads when nothing but the order of the rows changes.

    `constant` is the score as coded of the base rate, `sound` the score as meant, which knows no order.
    """
    scores = np.asarray(values, dtype=np.float64)
    return distributions(
        pd.DataFrame({"value": scores}),
        xlabel="score of the same predictions",
        title=f"The order of the rows alone moves the published score of perfect predictions from {scores.min():.3f} "
        f"to {scores.max():.3f}",
        caption="Perfect predictions of simulated rows, scored after shuffling. As meant the score knows no order.",
        marks=lambda _: {"as meant": sound, "base rate, as coded": constant},
    )
