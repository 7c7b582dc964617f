"""Figures of the study `auroc_auprc`. Each takes numbers or a table and returns a picture with its finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.plotting.figures import Shown, key_entry
from repro.plotting.shared import (
    SINGLE,
    chosen,
    distributions,
    forest,
    heat,
    lines,
    number_text,
    panel_axes,
    reused_rows,
    shown,
    summarise,
)
from repro.plotting.styles import GROUND, INK, PALETTE, STYLES, Style, book_style
from repro.protocol.names import name_of
from repro.studies.auroc_auprc.comparing import differences
from repro.studies.auroc_auprc.headline import PUBLISHED_SPEARMAN, SEEDS, STORED_TASKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from repro.metrics.choosing import MetricChoice

WEIGHTING_NAMES: Final = {
    "paper": "paper",
    "higher_prevalence": "weight on the group of higher prevalence (the text)",
    "first_code": "weight on the group whose code comes first (the public code)",
}
SPLITS: Final = reused_rows(3)
METRICS: Final = ("auroc", "average_precision")


def _task(dataset: str, attribute: str) -> str:
    return f"{name_of(dataset, 'dataset')}, {attribute}"


def worth(y_true: npt.ArrayLike, mistakes: pd.DataFrame) -> Shown:
    """Draw one ranking and what each of its atomic mistakes is worth under both metrics.

    Parameters
    ----------
    y_true : array-like of shape (n,), bool
        Labels from the highest score down.
    mistakes : DataFrame
        Result of :func:`repro.metrics.mistakes` for that ranking.
    """
    positive = np.asarray(y_true, dtype=bool)
    rank = np.arange(1, positive.size + 1)
    between = mistakes["rank_of_negative"].to_numpy() + 0.5
    gains = {"auroc": mistakes["delta_auroc"].to_numpy(), "average_precision": mistakes["delta_ap"].to_numpy()}
    with book_style():
        ((_, axes),) = panel_axes(1, (7.2, 3.2))
        top = 1.12 * max(gain.max() for gain in gains.values())
        axes.plot(rank[~positive], np.full((~positive).sum(), top), "o", color=PALETTE["grey"], markerfacecolor=GROUND)
        axes.plot(rank[positive], np.full(positive.sum(), top), "s", color=PALETTE["purple"], markersize=7)
        for shift, (metric, gain) in zip((-0.17, 0.17), gains.items(), strict=True):
            style = STYLES["method", metric]
            axes.vlines(between + shift, 0, gain, color=style.color, linewidth=3)
            axes.plot(between + shift, gain, style.marker, color=style.color, markersize=6)
        axes.set(xlabel="rank, highest score first", ylabel="gain from fixing the mistake", ylim=(0, 1.08 * top))
    ratio = gains["average_precision"].max() / gains["average_precision"].min()
    negative, one = Style(PALETTE["grey"], "o", hollow=True), Style(PALETTE["purple"], "s")
    return shown(
        [axes],
        {
            "title": f"AUROC pays {gains['auroc'][0]:.4f} for every repair, under AUPRC the dearest is worth "
            f"{ratio:.0f} times the cheapest",
            "caption": "One ranking. At each stem a negative stands directly above a positive: exchanging the two "
            "repairs an atomic mistake.",
        },
        f"A row of {positive.size} marks in order of score, {positive.sum()} of them squares for positives. At each "
        f"of {between.size} mistakes two stems: for AUROC all alike, for AUPRC falling to the right",
        table=pd.DataFrame(
            {"between ranks": between} | {name_of(m): [f"{g:.4f}" for g in gain] for m, gain in gains.items()}
        ),
        key=[
            *(key_entry(name, style, line=False) for name, style in (("negative", negative), ("positive", one))),
            *(key_entry(f"worth in {name_of(metric)}", STYLES["method", metric], line=False) for metric in METRICS),
        ],
    )


def models(table: pd.DataFrame) -> Shown:
    """Draw the gap between groups by how a metric ranks the models, from ``auroc_auprc.models``."""
    wide = table.pivot_table(index=["weighting", "draw", "weight"], columns="metric", values="value").reset_index()
    found, rho = [], {}
    for weighting in [name for name in WEIGHTING_NAMES if name in set(wide["weighting"])]:
        part = wide[wide["weighting"] == weighting]
        for metric in METRICS:
            tenth = (part[metric].rank(method="first") * 10 / len(part)).to_numpy()
            rows = part.assign(weighting=weighting, metric=metric, tenth=np.ceil(tenth).astype(int), value=part["gap"])
            found.append(rows[["weighting", "metric", "tenth", "value"]])
            rho[weighting, metric] = part[metric].corr(part["gap"], method="spearman")
    return lines(
        summarise(
            pd.concat(found), ["weighting", "metric", "tenth"], lambda v: (v.mean(), *np.quantile(v, [0.25, 0.75]))
        ),
        "tenth",
        series="metric",
        panel="weighting",
        panel_names={name: f"weight on the {name_of(name, 'weighting')}" for name in WEIGHTING_NAMES},
        xlabel="tenth of the models, by the validation metric",
        ylabel="AUROC gap, test part",
        band=True,
        title="Are models that a metric prefers less fair? Rank correlation with the gap: "
        + "; ".join(
            ", ".join(f"{name_of(metric)} {rho[name, metric]:+.2f}" for metric in METRICS) + f" ({text.split(' (')[1]}"
            for name, text in WEIGHTING_NAMES.items()
            if (name, METRICS[0]) in rho
        ),
        caption=f"Adult by sex, one random split, {len(wide) // wide['weighting'].nunique()} models a weighting. Mean "
        "gap and its middle half in each tenth. Gap: AUROC of the higher-prevalence group minus that of the other.",
    )


def task_table(compared: pd.DataFrame) -> pd.DataFrame:
    """Write the means of all tasks beside the published ones as a table to read, one row a task and weighting."""

    def interval(row: pd.Series[Any], estimate: str, low: str, high: str) -> str:
        return f"{row[estimate]:+.3f} ({row[low]:+.3f} to {row[high]:+.3f})"

    rows = [
        {
            "task": _task(row["dataset"], row["attribute"]),
            "weight on": f"the {name_of(row['weighting'], 'weighting')}",
            "splits": row["splits"],
            "prevalence ratio": f"{row['ratio']:.2f}",
            "ours": interval(row, "ours", "low", "high"),
            "published": interval(row, "published", "published_low", "published_high"),
            "stands out": "yes" if row["published_stands_out"] else "no",
            "within reach": "yes" if row["would_stand_out"] else "no",
        }
        for _, row in compared.iterrows()
    ]
    return pd.DataFrame(rows).set_index(["task", "weight on"])


def tasks(table: pd.DataFrame) -> Shown:
    """Draw, for each task, the difference of the two rank correlations: the paper's and ours with either weighting.

    Table of ``auroc_auprc.fairness``, with that of ``auroc_auprc.lsac`` below it or without.
    """
    values = differences(table).rename(columns={"difference": "value"})
    ours = summarise(values, ["dataset", "attribute", "weighting"], SPLITS)
    theirs = []
    for dataset, attribute in dict.fromkeys(zip(ours["dataset"], ours["attribute"], strict=True)):
        stored = STORED_TASKS[f"{dataset} {attribute}"]
        half = 1.96 * stored.standard_deviation / np.sqrt(SEEDS)
        theirs.append((dataset, attribute, "paper", stored.mean, stored.mean - half, stored.mean + half))
    columns = ["dataset", "attribute", "weighting", "estimate", "low", "high"]
    both = pd.concat([pd.DataFrame(theirs, columns=columns), ours])
    both["task"] = [_task(*task) for task in zip(both["dataset"], both["attribute"], strict=True)]
    clear = [int((ours["low"] > 0).sum()), int(sum(row[4] > 0 for row in theirs))]
    return forest(
        chosen(both, task=sorted(both["task"].unique()), weighting=WEIGHTING_NAMES),
        "task",
        series="weighting",
        names=WEIGHTING_NAMES | {"paper": "the paper's stored means"},
        xlabel="rank correlation with the gap: of validation AUPRC minus of validation AUROC",
        title=f"AUPRC is clearly more tied to the gap in {clear[0]} of our {len(ours)} settings and in {clear[1]} of "
        f"the paper's {len(theirs)} means",
        caption="95 % intervals that allow for reused rows (the paper's: mean ± 1.96 standard errors).",
    )


def headline(table: pd.DataFrame) -> Shown:
    """Draw the draws of the rank correlation over the eight tasks (table of ``auroc_auprc.headline``)."""
    rows = table[table["tasks"] == "all"]
    point = rows[rows["metric"] == "point_estimate"].groupby("ratios")["value"].first()
    draws = rows[rows["metric"] == "spearman"]
    low = draws.groupby("ratios")["value"].quantile(0.025).min()
    high = draws.groupby("ratios")["value"].quantile(0.975).max()
    return distributions(
        draws,
        series="resampled",
        panel="ratios",
        bins=np.linspace(-1, 1, 22),
        xlabel="rank correlation over eight tasks",
        title=f"Draws of the rank correlation over eight tasks reach from {low:.2f} to {high:.2f}; published is "
        f"{PUBLISHED_SPEARMAN}",
        caption="Draws from the stored means and standard errors; recomputed with ratios of one test split (the "
        "paper's axis) and of whole files.",
        marks=lambda ratios: {"recomputed": point[ratios], "published": PUBLISHED_SPEARMAN},
    )


def policies(table: pd.DataFrame, *, auroc: float = 0.85) -> Shown:
    """Draw what fifty repairs do to both groups under two policies, from ``auroc_auprc.repair``."""
    names = {
        "auroc": "all rows",
        "auroc_higher": "group with more positives",
        "auroc_lower": "group with fewer positives",
        "gap": "gap between the groups",
    }
    rows = table[table["normalise"].astype(str).eq("True") & (table["auroc"] == auroc) & table["step"].notna()]
    rows = chosen(rows, sampler="binomial", metric=names, method=["random", "highest"])
    found = rows.pivot_table(index=["metric", "method", "step"], columns="statistic", values="value").reset_index()
    found = found.rename(columns={"mean": "estimate", "p5": "low", "p95": "high"})
    found = chosen(found, metric=names, method=["highest", "random"])
    last = found[found["step"] == found["step"].max()].set_index(["metric", "method"])["estimate"]
    return lines(
        found,
        "step",
        panel="metric",
        names={
            "random": "mistakes at random (AUROC is indifferent)",
            "highest": "highest score first (watching AUPRC)",
        },
        panel_names=names,
        xlabel="repairs",
        ylabel="AUROC",
        shared=False,
        band=True,
        title=f"{found['step'].max():.0f} repairs from the top leave a gap of {last['gap', 'highest']:.3f} between "
        f"the groups, repairs at random one of {last['gap', 'random']:.3f}",
        caption="Fifty repairs in two groups of 200 rows with 10 and 2 positives. Lines: mean over seeds; bands: 5 to "
        "95 % of the seeds.",
    )


def subpopulations(table: pd.DataFrame) -> Shown:
    """Draw how often AUPRC's dearest mistake is in the higher group, from ``auroc_auprc.subpopulations``."""
    found = summarise(table[table["metric"] == "share_inside_higher"], ["scores", "method", "p_lower"])
    share = found[found["scores"] == "calibrated"].pivot(index="p_lower", columns="method", values="estimate")
    most = float(share.index[int((share["ap_best"] - share["uniform"]).argmax())])
    return lines(
        found,
        "p_lower",
        panel="scores",
        ylabel="share inside the higher group",
        xlabel="prevalence of the lower group (the other: 0.2)",
        log="x",
        ylim=(0, 1.04),
        title=f"With a lower group of prevalence {most:g}, the mistake that AUPRC rewards most lies inside the higher "
        f"group in {100 * share['ap_best'][most]:.0f} % of draws, a random one in {100 * share['uniform'][most]:.0f} %",
        caption="Share of draws in which both rows of the mistake belong to the group of higher prevalence, with 95 % "
        "intervals over batches. The numbers above are for calibrated scores.",
    )


def _tenths(value: float) -> str:
    """Write a number with sign and one decimal; what would show as zero has neither."""
    text = f"{value:+.1f}"
    return text if float(text) else "0"


def phase(table: pd.DataFrame) -> Shown:
    """Draw whom AUPRC-driven repair serves, by prevalences and shift of scores, from ``auroc_auprc.gap_phase``."""
    served = table[(table["method"] == "highest") & table["metric"].isin(["fixes_higher", "fixes_lower"])]
    wide = served.pivot_table(index=["shift", "ratio"], columns="metric", values="value")
    balance = ((wide["fixes_higher"] - wide["fixes_lower"]) / 50).unstack("ratio").sort_index(ascending=False)
    line = table[table["metric"] == "calibrated_shift"].groupby("ratio")["value"].mean()
    shifts, ratios = balance.index.to_numpy(dtype=float), balance.columns.to_numpy(dtype=float)
    rows = [f"{shift:+g}" if shift else "0" for shift in shifts]
    middle = balance.iloc[int(np.abs(shifts).argmin())]

    def calibrated(axes: Axes, _: str) -> None:
        places = np.interp(line.loc[ratios].to_numpy(), shifts[::-1], np.arange(shifts.size)[::-1]) + 0.5
        axes.plot(np.arange(ratios.size) + 0.5, places, "--", color="#1b1b1b", linewidth=1.6)

    return heat(
        {"": balance.set_axis(rows).set_axis([f"{r:.3g}" for r in ratios], axis=1)},
        text=_tenths,
        cmap="PuOr_r",
        limits=(-1, 1),
        xlabel="ratio of the prevalences, higher to lower",
        ylabel="scores of the lower group raised by (SD)",
        size=(SINGLE[0], 4.2),
        title=f"Without a shift of scores the balance of repairs goes from {_tenths(middle.iloc[0])} at ratio "
        f"{ratios[0]:.3g} to {_tenths(middle.iloc[-1])} at {ratios[-1]:.3g}",
        caption="Share of fifty repairs inside the group of higher prevalence minus share inside the other. The "
        "dashed line is where calibrated scores lie.",
        decorate=calibrated,
    )


def prevalence_shift(table: pd.DataFrame) -> Shown:
    """Draw AUPRC, observed and at one half, against the base rate, from ``auroc_auprc.prevalence_shift``."""
    metrics = ("average_precision", "average_precision_at_half", "area")
    found = summarise(
        chosen(table, metric=metrics),
        ["auroc", "metric", "prevalence"],
        lambda values: (values.mean(), values.mean() - values.std(ddof=1), values.mean() + values.std(ddof=1)),
    )
    found = chosen(found, auroc=found["auroc"].unique(), metric=metrics)
    rare = found[(found["prevalence"] == found["prevalence"].min()) & (found["auroc"] == found["auroc"].max())]
    fallen = rare.set_index("metric")["estimate"]
    return lines(
        found,
        "prevalence",
        series="metric",
        panel="auroc",
        names={"average_precision": "AUPRC as observed"},
        panel_names={level: f"true AUROC {level:g}" for level in found["auroc"].unique()},
        ylabel="metric",
        log="x",
        ylim=(0, 1.04),
        title=f"At prevalence {found['prevalence'].min():g} the same model (AUROC {found['auroc'].max():g}) has an "
        f"AUPRC of {fallen['average_precision']:.2f}, and of {fallen['average_precision_at_half']:.2f} at a reference "
        "prevalence of one half",
        caption="The same model, other base rates: mean over draws, bars of one standard deviation.",
    )


def coverage(table: pd.DataFrame) -> Shown:
    """Draw the share of intervals that hold the true value, from ``auroc_auprc.interval_coverage``."""
    rows = table[table["metric"] == "coverage"]
    rows = rows.assign(
        interval=[f"{name_of(a, 'area')}: {name_of(m)}" for a, m in zip(rows["area"], rows["method"], strict=True)]
    )
    order = sorted(rows["interval"].unique(), key=lambda name: (not name.startswith("AUROC"), name))
    tables = {}
    for size, part in rows.groupby("n"):
        shares = 100 * part.pivot_table(index="interval", columns="prevalence", values="value").reindex(order)
        shares = shares[sorted(shares.columns, reverse=True)]
        tables[f"{size:,} rows"] = shares.set_axis([f"{p:g}\n({size * p:.0f})" for p in shares.columns], axis=1)  # type: ignore[operator]
    whole = pd.concat([shares.stack() for shares in tables.values()]).groupby(level=0).min()
    return heat(
        tables,
        shade=lambda share: abs(share - 95),
        cmap="Oranges",
        limits=(0, 30),
        xlabel="prevalence (positives expected)",
        size=(SINGLE[0], 0.9 + 0.3 * len(order)),
        title=f"At their worst, 95 % intervals hold the true value in {whole.max():.0f} % ({whole.idxmax()}) down to "
        f"{whole.min():.0f} % ({whole.idxmin()})",
        caption="Share of nominal 95 % intervals that hold the true value, in percent; binormal scores of AUROC 0.85. "
        "The darker, the further from 95.",
    )


def weights(choice: MetricChoice) -> Shown:
    """Draw what a deployment and both metrics weigh a mistake with, along the ranking."""
    table = choice.weights
    edges = np.append(table["first_rank"], table["last_rank"].iloc[-1] + 1) / (table["last_rank"].iloc[-1] + 1)
    with book_style():
        ((_, axes),) = panel_axes(1)
        axes.stairs(table["deployment"], edges, fill=True, color=PALETTE["grey"], alpha=0.3)
        for metric in METRICS:
            style = STYLES["method", metric]
            axes.stairs(table[metric], edges, baseline=None, color=style.color, linestyle=style.line, linewidth=2)
        if choice.firing_rate is not None:
            axes.axvline(choice.firing_rate, color=INK, linewidth=1.2, linestyle=":")
        axes.set(xscale="log", yscale="symlog", xlim=(edges[0], 1), ylim=(0, None))
        axes.set(xlabel="share of rows with a higher score", ylabel="weight of a mistake (1 = mean)")
    low, high = choice.region
    shares = [f"{100 * choice.agreement[metric]:.0f} % of {name_of(metric)}'s weight" for metric in METRICS]
    return shown(
        [axes],
        {
            "title": f"{shares[0]} and {shares[1]} lie where this deployment has its own",
            "caption": "What a mistake weighs along the ranking. Grey: the deployment described; dotted: its cut.",
        },
        "Step lines along the ranking on logarithmic axes: the deployment's weight as an area, AUROC flat, AUPRC "
        f"falling. The deployment looks between {low:.1%} and {high:.1%} of the rows",
        table=table.round(3),
        key=[key_entry(name_of(metric), STYLES["method", metric]) for metric in METRICS],
    )


def ratios(table: pd.DataFrame) -> Shown:
    """Draw the difference of both correlations against a made ratio, from ``auroc_auprc.prevalence_ratio``."""
    found = summarise(table[table["metric"] == "rho_difference"], ["weighting", "ratio"], SPLITS)
    clear = int((found["low"] > 0).sum())
    return lines(
        chosen(found, weighting=WEIGHTING_NAMES),
        "ratio",
        series="weighting",
        dodge=0.05,
        names=WEIGHTING_NAMES,
        xlabel="ratio of the prevalences",
        ylabel="correlation with the gap: AUPRC minus AUROC",
        level=0.0,
        title=f"AUPRC is clearly more tied to the gap at {clear} of {len(found)} ratios and weightings; the largest "
        f"difference is {number_text(found['estimate'].max())}",
        caption="Adult by sex, resampled: only the ratio of the prevalences changes. 95 % intervals allow for reused "
        "rows.",
    )
