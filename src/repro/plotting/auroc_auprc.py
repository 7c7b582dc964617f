"""Figures of the chapter on AUROC and AUPRC. Each takes numbers or a table and returns a picture with its text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.metrics import mean_interval, nadeau_bengio_interval
from repro.plotting.figures import PALETTE, Shown, book_style, show
from repro.studies.auroc_auprc.comparing import differences
from repro.studies.auroc_auprc.headline import PUBLISHED_SPEARMAN, SEEDS, STORED_TASKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from repro.metrics.choosing import MetricChoice

METRIC_STYLES: Final[Mapping[str, dict[str, Any]]] = {
    "auroc": {"color": PALETTE["blue"], "marker": "o", "linestyle": "-"},
    "average_precision": {"color": PALETTE["orange"], "marker": "^", "linestyle": "--"},
}
"""Colour, marker and line of each metric, the same in every figure of the chapter."""

METRIC_NAMES: Final = {"auroc": "AUROC", "average_precision": "AUPRC"}
WEIGHTING_NAMES: Final = {
    "higher_prevalence": "weight on the group of higher prevalence (the text)",
    "first_code": "weight on the group whose code comes first (the public code)",
}
SHORT_WEIGHTINGS: Final = {
    "higher_prevalence": "weight on the group\nof higher prevalence",
    "first_code": "weight on the group\nwhose code comes first",
}
TASK_NAMES: Final = {
    ("adult", "sex"): "Adult, sex",
    ("adult", "race"): "Adult, race",
    ("compas", "sex"): "COMPAS, sex",
    ("compas", "race"): "COMPAS, race",
    ("lsac", "sex"): "LSAC, sex",
    ("lsac", "race"): "LSAC, race",
}


def worth(y_true: npt.ArrayLike, mistakes: pd.DataFrame) -> Shown:
    """Draw one ranking and what each of its atomic mistakes is worth under both metrics.

    Parameters
    ----------
    y_true : array-like of shape (n,), bool
        Labels from the highest score down.
    mistakes : DataFrame
        Result of :func:`repro.metrics.mistakes` for that ranking.
    """
    import matplotlib.pyplot as plt

    positive = np.asarray(y_true, dtype=bool)
    rank = np.arange(1, positive.size + 1)
    between = mistakes["rank_of_negative"].to_numpy() + 0.5
    gains = {"auroc": mistakes["delta_auroc"].to_numpy(), "average_precision": mistakes["delta_ap"].to_numpy()}
    with book_style():
        figure, (top, bottom) = plt.subplots(2, 1, figsize=(8.4, 4.4), sharex=True, height_ratios=(1, 2.6))
        top.plot(rank[~positive], np.zeros((~positive).sum()), "o", color="#B8BFC7", markersize=7, label="negative")
        top.plot(rank[positive], np.zeros(positive.sum()), "s", color=PALETTE["purple"], markersize=8, label="positive")
        for place in between:
            top.annotate(
                "", (place - 0.5, 0.55), (place + 0.5, 0.55), arrowprops={"arrowstyle": "<->", "color": PALETTE["grey"]}
            )
        top.set(yticks=[], ylim=(-0.6, 1.1))
        top.grid(visible=False)
        for spine in ("left", "bottom"):
            top.spines[spine].set_visible(False)
        top.tick_params(axis="x", length=0)
        for shift, (metric, gain) in zip((-0.17, 0.17), gains.items(), strict=True):
            style = METRIC_STYLES[metric]
            bottom.vlines(between + shift, 0, gain, color=style["color"], linewidth=3)
            bottom.plot(
                between + shift, gain, style["marker"], color=style["color"], markersize=7, label=METRIC_NAMES[metric]
            )
        bottom.set(xlabel="rank, highest score first", ylabel="gain from fixing the mistake")
        bottom.set_ylim(bottom=0)
        figure.legend(loc="outside upper left", ncols=4)
    ratio = gains["average_precision"].max() / gains["average_precision"].min()
    return show(
        figure,
        alt=f"A row of {positive.size} dots in order of score, {positive.sum()} of them squares for positives. "
        f"{between.size} double arrows mark a negative directly above a positive. Below each arrow two stems: the "
        f"AUROC stem is {gains['auroc'][0]:.4f} high everywhere, the AUPRC stem is "
        f"{gains['average_precision'][0]:.4f} at the top and {gains['average_precision'][-1]:.4f} at the bottom; the "
        f"largest is {ratio:.0f} times the smallest.",
        caption="One ranking. Each arrow is an atomic mistake: exchanging the two rows repairs it. AUROC pays the same "
        "for every repair, AUPRC pays more at the top.",
    )


def _scatter(axes: Axes, models: pd.DataFrame, metric: str, weights: npt.NDArray[np.float64]) -> Any:
    return axes.scatter(
        models[metric],
        models["gap"],
        c=np.log10(weights),
        cmap="cividis",
        s=12,
        alpha=0.8,
        marker=METRIC_STYLES[metric]["marker"],
        linewidths=0,
    )


def models(table: pd.DataFrame) -> Shown:
    """Draw the gap between groups against each validation metric, one point a model.

    Parameters
    ----------
    table : DataFrame
        Table of ``auroc_auprc.models``.
    """
    import matplotlib.pyplot as plt

    wide = table.pivot_table(index=["weighting", "draw", "weight"], columns="metric", values="value").reset_index()
    spoken = []
    with book_style():
        figure, panels = plt.subplots(2, 2, figsize=(8.4, 6.2), sharey="row", sharex="col")
        drawn = None
        for row, (weighting, name) in zip(panels, WEIGHTING_NAMES.items(), strict=True):
            part = wide[wide["weighting"] == weighting]
            for axes, metric in zip(row, METRIC_STYLES, strict=True):
                drawn = _scatter(axes, part, metric, part["weight"].to_numpy(dtype=float))
                rho = part[metric].corr(part["gap"], method="spearman")
                axes.set_title(f"rank correlation {rho:+.2f}")
                spoken.append(f"{name}, {METRIC_NAMES[metric]}: {rho:+.2f}")
            row[0].set_ylabel(f"{SHORT_WEIGHTINGS[weighting]}\n\nAUROC gap, test part")
        for axes, metric in zip(panels[-1], METRIC_STYLES, strict=True):
            axes.set_xlabel(f"{METRIC_NAMES[metric]}, validation part")
        assert drawn is not None
        bar = figure.colorbar(drawn, ax=panels, ticks=np.log10([1, 3, 10, 50]), shrink=0.7)
        bar.ax.set_yticklabels(["1", "3", "10", "50"])
        bar.set_label("weight of a row of that group")
    return show(
        figure,
        alt="Four scatter plots of the same kind: the gap between the groups' AUROC against a validation metric, one "
        "point a model, darker for smaller weights. Rank correlations: " + "; ".join(spoken) + ".",
        caption=f"Adult by sex, one random split, {len(wide) // 2} models a row. Gap: AUROC of the higher-prevalence "
        "group minus that of the other.",
    )


def _with_interval(row: pd.Series[Any], estimate: str, low: str, high: str) -> str:
    return f"{row[estimate]:+.3f} ({row[low]:+.3f} to {row[high]:+.3f})"


def task_table(compared: pd.DataFrame) -> pd.DataFrame:
    """Write the means of all tasks and the published ones as a table to read.

    Parameters
    ----------
    compared : DataFrame
        Result of :func:`repro.studies.auroc_auprc.comparing.beside_the_paper`.

    Returns
    -------
    DataFrame
        One row a task and weighting, named by both.
    """
    rows = [
        {
            "task": TASK_NAMES[row["dataset"], row["attribute"]],
            "weight on": SHORT_WEIGHTINGS[row["weighting"]].removeprefix("weight on ").replace("\n", " "),
            "splits": row["splits"],
            "prevalence ratio": f"{row['ratio']:.2f}",
            "ours": _with_interval(row, "ours", "low", "high"),
            "published": _with_interval(row, "published", "published_low", "published_high"),
            "stands out": "yes" if row["published_stands_out"] else "no",
            "within reach": "yes" if row["would_stand_out"] else "no",
        }
        for _, row in compared.iterrows()
    ]
    return pd.DataFrame(rows).set_index(["task", "weight on"])


def tasks(table: pd.DataFrame) -> Shown:
    """Draw, for each task, the difference of the two rank correlations: the paper's and ours with either weighting.

    Parameters
    ----------
    table : DataFrame
        Table of ``auroc_auprc.fairness``, with that of ``auroc_auprc.lsac`` below it or without.
    """
    import matplotlib.pyplot as plt

    found = differences(table).set_index(["dataset", "attribute", "weighting"])["difference"].sort_index()
    known = {(dataset, attribute) for dataset, attribute, _ in found.index}
    present = [task for task in TASK_NAMES if task in known]
    styles = {
        "higher_prevalence": ("ours, weight on the group of higher prevalence", "o", PALETTE["blue"], 0.0),
        "first_code": ("ours, weight on the group whose code comes first", "s", PALETTE["green"], -0.24),
    }
    spoken = []
    with book_style():
        figure, axes = plt.subplots(figsize=(8.2, 1.4 + 0.8 * len(present)))
        axes.axvline(0, color=PALETTE["black"], linewidth=1)
        for row, task in enumerate(reversed(present)):
            stored = STORED_TASKS[" ".join(task)]
            half = 1.96 * stored.standard_deviation / np.sqrt(SEEDS)
            entries = [("paper", "D", PALETTE["orange"], 0.24, stored.mean, stored.mean - half, stored.mean + half)]
            for weighting, (label, marker, color, offset) in styles.items():
                if (*task, weighting) not in found.index:
                    continue
                values = found.loc[(*task, weighting)].to_numpy()
                interval, plain = nadeau_bengio_interval(values, folds=3), mean_interval(values)
                axes.plot([plain.low, plain.high], [row + offset] * 2, color=color, linewidth=4, alpha=0.45)
                entries.append((label, marker, color, offset, interval.estimate, interval.low, interval.high))
            for label, marker, color, offset, mean, low, high in entries:
                axes.plot([low, high], [row + offset] * 2, color=color)
                named = label not in axes.get_legend_handles_labels()[1]
                axes.plot(mean, row + offset, marker, color=color, linestyle="", label=label if named else None)
                spoken.append(f"{TASK_NAMES[task]}, {label}: {mean:+.3f} ({low:+.3f} to {high:+.3f})")
        axes.set_yticks(range(len(present)), [TASK_NAMES[task] for task in reversed(present)])
        axes.set_xlabel("rank correlation with the gap: of validation AUPRC minus of validation AUROC")
        figure.legend(loc="outside lower center", ncols=1)
    return show(
        figure,
        alt="Points with intervals around a line at zero, two or three for each task. " + "; ".join(spoken) + ".",
        caption="Is a high validation AUPRC more closely tied to a large gap than a high validation AUROC? Thin lines: "
        "95 % intervals that allow for reused rows (the paper's: mean ± 1.96 standard errors); thick: plain.",
    )


def headline(table: pd.DataFrame) -> Shown:
    """Draw the draws of the rank correlation over the eight tasks.

    Parameters
    ----------
    table : DataFrame
        Table of ``auroc_auprc.headline``.
    """
    import matplotlib.pyplot as plt

    titles = {"first_split": "ratios of one test split (the paper's axis)", "full_file": "ratios of the whole files"}
    kinds = {
        "seeds": ("the means vary", PALETTE["blue"], "-"),
        "seeds_and_tasks": ("means and tasks vary", PALETTE["purple"], "--"),
    }
    rows = table[table["tasks"] == "all"]
    spoken = []
    edges = np.linspace(-1, 1, 22)
    with book_style():
        figure, panels = plt.subplots(1, 2, figsize=(8.6, 3.4), sharey=True)
        for axes, (ratios, title) in zip(panels, titles.items(), strict=True):
            part = rows[rows["ratios"] == ratios]
            point = part.loc[part["metric"] == "point_estimate", "value"].iloc[0]
            for resampled, (label, color, line) in kinds.items():
                draws = part.loc[(part["metric"] == "spearman") & (part["resampled"] == resampled), "value"]
                share, _ = np.histogram(draws, edges)
                axes.stairs(share / len(draws), edges, color=color, linestyle=line, linewidth=1.8, label=label)
                low, high = np.quantile(draws, [0.025, 0.975])
                spoken.append(f"{title}, {label}: 95 % of the draws from {low:.2f} to {high:.2f}")
            axes.axvline(point, color=PALETTE["black"], linewidth=1.4, label="recomputed")
            axes.axvline(PUBLISHED_SPEARMAN, color=PALETTE["orange"], linewidth=1.4, linestyle=":", label="published")
            axes.set(title=title, xlabel="rank correlation over eight tasks", xticks=[-1, -0.5, 0, 0.5, 1])
            spoken.append(f"{title}, recomputed: {point:.3f}")
        panels[0].set_ylabel("share of draws")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return show(
        figure,
        alt="Two histograms of a rank correlation with a line for the recomputed and the published value. "
        + "; ".join(spoken)
        + f"; published: {PUBLISHED_SPEARMAN}.",
        caption="How firmly eight points hold a rank correlation: draws from the stored means and standard errors.",
    )


POLICY_STYLES: Final[Mapping[str, tuple[str, str, str]]] = {
    "random": ("mistakes at random (AUROC is indifferent)", PALETTE["blue"], "-"),
    "highest": ("highest score first (watching AUPRC)", PALETTE["orange"], "--"),
}


def policies(table: pd.DataFrame, *, auroc: float = 0.85) -> Shown:
    """Draw what fifty repairs do to both groups under two policies.

    Parameters
    ----------
    table : DataFrame
        Table of ``auroc_auprc.repair``.
    auroc : float, default=0.85
        AUROC of both groups at the start.
    """
    import matplotlib.pyplot as plt

    chosen = (table["sampler"] == "binomial") & table["normalise"].astype(str).eq("True") & (table["auroc"] == auroc)
    rows = table[chosen & table["step"].notna()]
    panels_of = {
        "auroc": "all rows",
        "auroc_higher": "group with more positives",
        "auroc_lower": "group with fewer positives",
        "gap": "gap between the groups",
    }
    spoken = []
    with book_style():
        figure, panels = plt.subplots(1, 4, figsize=(10.4, 3.3))
        for axes, (metric, title) in zip(panels, panels_of.items(), strict=True):
            for policy, (label, color, line) in POLICY_STYLES.items():
                part = rows[(rows["metric"] == metric) & (rows["method"] == policy)]
                steps = part.pivot_table(index="step", columns="statistic", values="value")
                axes.fill_between(steps.index, steps["p5"], steps["p95"], color=color, alpha=0.15, linewidth=0)
                axes.plot(steps.index, steps["mean"], color=color, linestyle=line, label=label)
                ends = steps["mean"].iloc[[0, -1]]
                spoken.append(f"{title}, {label.partition(' (')[0]}: {ends.iloc[0]:.3f} to {ends.iloc[1]:.3f}")
            axes.set(title=title, xlabel="repairs")
        panels[0].set_ylabel("AUROC")
        panels[3].axhline(0, color=PALETTE["black"], linewidth=0.8)
        low = min(axes.get_ylim()[0] for axes in panels[:3])
        high = max(axes.get_ylim()[1] for axes in panels[:3])
        for axes in panels[:3]:
            axes.set_ylim(low, high)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return show(
        figure,
        alt="Four panels with one line for each policy against the number of repairs, mean over seeds with a band from "
        "5 to 95 %. AUROC, from the start to the end: " + "; ".join(spoken) + ".",
        caption="Fifty repairs in two groups of 200 rows with 10 and 2 positives. Lines: mean over seeds; bands: 5 to "
        "95 % of the seeds.",
    )


def subpopulations(table: pd.DataFrame) -> Shown:
    """Draw how often the mistake that AUPRC rewards most lies inside the higher-prevalence group.

    Parameters
    ----------
    table : DataFrame
        Table of ``auroc_auprc.subpopulations``.
    """
    import matplotlib.pyplot as plt

    titles = {"calibrated": "calibrated scores", "ranks": "ranks within each group"}
    styles = {
        "ap_best": ("the mistake AUPRC rewards most", PALETTE["orange"], "^", "--"),
        "uniform": ("a mistake drawn at random", PALETTE["blue"], "o", "-"),
    }
    spoken = []
    rows = table[table["metric"] == "share_inside_higher"]
    with book_style():
        figure, panels = plt.subplots(1, 2, figsize=(8.4, 3.5), sharey=True)
        for axes, (scores, title) in zip(panels, titles.items(), strict=True):
            for method, (label, color, marker, line) in styles.items():
                part = rows[(rows["scores"] == scores) & (rows["method"] == method)]
                groups = part.groupby("p_lower")["value"]
                intervals = {float(str(key)): mean_interval(values.to_numpy()) for key, values in groups}
                places = np.array(sorted(intervals))
                means = np.array([intervals[place].estimate for place in places])
                half = means - [intervals[place].low for place in places]
                axes.errorbar(places, means, half, color=color, marker=marker, linestyle=line, label=label)
                spoken.append(
                    f"{title}, {label}: "
                    + ", ".join(f"{mean:.2f} at {place:g}" for place, mean in zip(places, means, strict=True))
                )
            axes.set(title=title, xlabel="prevalence of the lower group (the other: 0.2)", xscale="log", ylim=(0, 1.04))
            axes.invert_xaxis()
        panels[0].set_ylabel("share inside the higher group")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return show(
        figure,
        alt="Two panels, each with a line for the mistake that AUPRC rewards most and one for a random one, against "
        "the prevalence of the lower group, falling to the right. " + "; ".join(spoken) + ".",
        caption="Where the mistake lies: share of draws in which both rows belong to the group of higher prevalence, "
        "with 95 % intervals over batches.",
    )


def _tenths(value: float) -> str:
    """Write a number with sign and one decimal; what would show as zero has neither."""
    text = f"{value:+.1f}"
    return text if float(text) else "0"


def phase(table: pd.DataFrame) -> Shown:
    """Draw whom AUPRC-driven repair serves, by the ratio of prevalences and the shift between the groups' scores.

    Parameters
    ----------
    table : DataFrame
        Table of ``auroc_auprc.gap_phase``.
    """
    import matplotlib.pyplot as plt

    rows = table[table["method"] == "highest"]
    served = rows[rows["metric"].isin(["fixes_higher", "fixes_lower"])]
    wide = served.pivot_table(index=["shift", "ratio"], columns="metric", values="value")
    balance = ((wide["fixes_higher"] - wide["fixes_lower"]) / 50).unstack("ratio")
    line = table[table["metric"] == "calibrated_shift"].groupby("ratio")["value"].mean()
    shifts, ratios = balance.index.to_numpy(dtype=float), balance.columns.to_numpy(dtype=float)
    with book_style():
        figure, axes = plt.subplots(figsize=(7.4, 4.4))
        axes.grid(visible=False)
        drawn = axes.imshow(
            balance.to_numpy(), origin="lower", aspect="auto", cmap="PuOr_r", vmin=-1, vmax=1, interpolation="nearest"
        )
        for (row, column), value in np.ndenumerate(balance.to_numpy()):
            ink = "white" if abs(value) > 0.65 else PALETTE["black"]
            axes.text(column, row, _tenths(value), ha="center", va="center", fontsize=8.5, color=ink)
        places = np.interp(line.loc[ratios].to_numpy(), shifts, np.arange(shifts.size))
        axes.plot(range(ratios.size), places, "k--", linewidth=1.6, label="shift that calibrated scores have")
        axes.set_xticks(range(ratios.size), [f"{ratio:.3g}" for ratio in ratios])
        axes.set_yticks(range(shifts.size), [f"{shift:+g}" if shift else "0" for shift in shifts])
        axes.set(xlabel="ratio of the prevalences, higher to lower", ylabel="scores of the lower group raised by (SD)")
        bar = figure.colorbar(drawn, ax=axes)
        bar.set_label("share of 50 repairs inside the higher group\nminus inside the lower group")
        figure.legend(loc="outside lower center")
    middle = balance.to_numpy()[np.abs(shifts).argmin()]
    return show(
        figure,
        alt=f"A grid of {balance.size} cells coloured by the balance of repairs. With the lower group's scores "
        f"{-shifts[0]:g} standard deviations down the balance is {_tenths(balance.iloc[0].min())} to "
        f"{_tenths(balance.iloc[0].max())}; without a shift it goes from {_tenths(middle[0])} at ratio {ratios[0]:.3g} "
        f"to {_tenths(middle[-1])} at {ratios[-1]:.3g}; {shifts[-1]:g} up it is {_tenths(balance.iloc[-1].min())} to "
        f"{_tenths(balance.iloc[-1].max())}.",
        caption="Whom AUPRC-driven repair serves: +1 means all fifty repairs inside the group of higher prevalence, -1 "
        "all inside the other. The dashed line is where calibrated scores lie.",
    )


def prevalence_shift(table: pd.DataFrame) -> Shown:
    """Draw AUPRC against the base rate, as observed and at a reference prevalence of one half.

    Parameters
    ----------
    table : DataFrame
        Table of ``auroc_auprc.prevalence_shift``.
    """
    import matplotlib.pyplot as plt

    metrics = {
        "average_precision": ("AUPRC as observed", PALETTE["orange"], "^", "--"),
        "average_precision_at_half": ("AUPRC at prevalence 0.5", PALETTE["green"], "s", "-."),
        "area": ("AUROC", PALETTE["blue"], "o", ":"),
    }
    open_square = {"markersize": 9, "markerfacecolor": "none"}
    levels = sorted(table["auroc"].unique())
    spoken = []
    with book_style():
        figure, panels = plt.subplots(1, len(levels), figsize=(3.1 * len(levels), 3.5), sharey=True, squeeze=False)
        for axes, level in zip(panels[0], levels, strict=True):
            part = table[table["auroc"] == level]
            for metric, (label, color, marker, line) in metrics.items():
                values = part[part["metric"] == metric].groupby("prevalence")["value"]
                mean, spread = values.mean(), values.std()
                look = {"color": color, "marker": marker, "linestyle": line} | (open_square if marker == "s" else {})
                axes.errorbar(mean.index, mean, spread, label=label, **look)
                spoken.append(
                    f"AUROC {level:g}, {label}: {mean.iloc[-1]:.2f} at {mean.index[-1]:g}, {mean.iloc[0]:.2f} at "
                    f"{mean.index[0]:g}"
                )
            axes.set(title=f"true AUROC {level:g}", xlabel="prevalence", xscale="log", ylim=(0, 1.04))
        panels[0][0].set_ylabel("metric")
        figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return show(
        figure,
        alt="One panel for each true AUROC, with three lines against the prevalence. " + "; ".join(spoken) + ".",
        caption="The same model, other base rates: mean over draws, bars of one standard deviation.",
    )


INTERVAL_NAMES: Final = {
    ("auroc", "percentile"): "AUROC: bootstrap, percentile",
    ("auroc", "bca"): "AUROC: bootstrap, BCa",
    ("auroc", "delong"): "AUROC: DeLong",
    ("auroc", "delong_logit"): "AUROC: DeLong, logit",
    ("auroc", "newcombe"): "AUROC: Newcombe",
    ("average_precision", "percentile"): "AUPRC: bootstrap, percentile",
    ("average_precision", "bca"): "AUPRC: bootstrap, BCa",
    ("average_precision", "logit_influence"): "AUPRC: logit, influence",
    ("average_precision", "logit_binomial"): "AUPRC: logit, binomial",
}


def coverage(table: pd.DataFrame) -> Shown:
    """Draw the share of intervals that hold the true value, by method, number of rows and prevalence.

    Parameters
    ----------
    table : DataFrame
        Table of ``auroc_auprc.interval_coverage``.
    """
    import matplotlib.pyplot as plt

    rows = table[table["metric"] == "coverage"]
    sizes, prevalences = sorted(rows["n"].unique()), sorted(rows["prevalence"].unique(), reverse=True)
    present = [key for key in INTERVAL_NAMES if ((rows["area"] == key[0]) & (rows["method"] == key[1])).any()]
    means = rows.groupby(["n", "area", "method", "prevalence"])["value"].mean()
    spoken = []
    with book_style():
        figure, panels = plt.subplots(
            1, len(sizes), figsize=(9.6, 0.9 + 0.36 * len(present)), sharey=True, squeeze=False
        )
        for axes, size in zip(panels[0], sizes, strict=True):
            shares = np.array([[means.loc[(size, *key, prevalence)] for prevalence in prevalences] for key in present])
            axes.grid(visible=False)
            axes.imshow(np.abs(shares - 0.95), aspect="auto", cmap="Oranges", vmin=0, vmax=0.3, interpolation="nearest")
            for (row, column), value in np.ndenumerate(shares):
                ink = "white" if abs(value - 0.95) > 0.2 else PALETTE["black"]
                axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=9, color=ink)
            expected = [f"{prevalence:g}\n({size * prevalence:.0f})" for prevalence in prevalences]
            axes.set_xticks(range(len(expected)), expected)
            axes.set(title=f"{size:,} rows", xlabel="prevalence (positives expected)")
            spoken += [
                f"{size:,} rows, {INTERVAL_NAMES[key]}: {100 * line[0]:.0f} % at prevalence {prevalences[0]:g}, "
                f"{100 * line[-1]:.0f} % at {prevalences[-1]:g}"
                for key, line in zip(present, shares, strict=True)
            ]
        panels[0][0].set_yticks(range(len(present)), [INTERVAL_NAMES[key] for key in present])
    return show(
        figure,
        alt="A grid for each number of rows with a line for each kind of interval and a column for each prevalence; "
        "in each cell the coverage in percent, darker the further it is from 95. " + "; ".join(spoken) + ".",
        caption="Share of nominal 95 % intervals that hold the true value, in percent; binormal scores of AUROC 0.85.",
    )


def weights(choice: MetricChoice) -> Shown:
    """Draw what a deployment and both metrics weigh a mistake with, along the ranking.

    Parameters
    ----------
    choice : MetricChoice
        Result of :func:`repro.metrics.choose_metric`.
    """
    import matplotlib.pyplot as plt

    table = choice.weights
    edges = np.append(table["first_rank"], table["last_rank"].iloc[-1] + 1) / (table["last_rank"].iloc[-1] + 1)
    lines = {
        "auroc": ("AUROC", PALETTE["blue"], "-"),
        "average_precision": ("AUPRC", PALETTE["orange"], "--"),
    }
    with book_style():
        figure, axes = plt.subplots(figsize=(7.4, 3.6))
        axes.stairs(table["deployment"], edges, fill=True, color="#D9DEE4", label="your deployment")
        for column, (label, color, line) in lines.items():
            axes.stairs(table[column], edges, baseline=None, color=color, linestyle=line, linewidth=2, label=label)
        if choice.firing_rate is not None:
            axes.axvline(choice.firing_rate, color=PALETTE["black"], linewidth=1.2, linestyle=":", label="cut")
        axes.set(xscale="log", yscale="symlog", xlim=(edges[0], 1), ylim=(0, None))
        axes.set(xlabel="share of rows with a higher score", ylabel="weight of a mistake (1 = mean)")
        figure.legend(loc="outside lower center", ncols=4)
    low, high = choice.region
    return show(
        figure,
        alt=f"Three step lines along the ranking on logarithmic axes. The deployment puts its weight between {low:.1%} "
        f"and {high:.1%} of the rows. AUROC is flat; AUPRC falls from {table['average_precision'].iloc[0]:.3g} at the "
        f"top to {table['average_precision'].iloc[-1]:.2g} at the bottom. {choice.agreement['auroc']:.0%} of AUROC's "
        f"weight and {choice.agreement['average_precision']:.0%} of AUPRC's lie where the deployment has its own.",
        caption="What a mistake weighs along the ranking: for the deployment described, for AUROC and for AUPRC.",
    )


def ratios(table: pd.DataFrame) -> Shown:
    """Draw the difference of the two rank correlations against a prevalence ratio that was made by resampling.

    Parameters
    ----------
    table : DataFrame
        Table of ``auroc_auprc.prevalence_ratio``.
    """
    import matplotlib.pyplot as plt

    rows = table[table["metric"] == "rho_difference"]
    styles = {"higher_prevalence": ("o", PALETTE["blue"], "-"), "first_code": ("s", PALETTE["green"], "--")}
    spoken = []
    with book_style():
        figure, axes = plt.subplots(figsize=(7.2, 3.6))
        axes.axhline(0, color=PALETTE["black"], linewidth=1)
        for weighting, (marker, color, line) in styles.items():
            groups = rows[rows["weighting"] == weighting].groupby("ratio")["value"]
            found = {float(str(ratio)): nadeau_bengio_interval(values, folds=3) for ratio, values in groups}
            places = np.array(sorted(found))
            means = np.array([found[place].estimate for place in places])
            half = means - [found[place].low for place in places]
            axes.errorbar(
                places, means, half, marker=marker, color=color, linestyle=line, label=WEIGHTING_NAMES[weighting]
            )
            spoken.append(
                f"{WEIGHTING_NAMES[weighting]}: "
                + ", ".join(f"{mean:+.3f} at {place:g}" for place, mean in zip(places, means, strict=True))
            )
        axes.set(xlabel="ratio of the prevalences", ylabel="correlation with the gap:\nAUPRC minus AUROC")
        figure.legend(loc="outside lower center", ncols=1)
    return show(
        figure,
        alt="Two lines with intervals against the ratio of the prevalences, around a line at zero. "
        + "; ".join(spoken)
        + ".",
        caption="Adult by sex, resampled: only the ratio of the prevalences changes. 95 % intervals allow for reused "
        "rows.",
    )
