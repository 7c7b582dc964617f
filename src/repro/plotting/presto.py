"""Figures of the PRESTO chapter. Each takes numbers or a table and returns a picture with its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.claims import find_claim
from repro.metrics import mean_interval, nadeau_bengio_interval
from repro.plotting.figures import PALETTE, Shown, book_style, show
from repro.studies.presto.designs import INTERCEPTS, RARE_SHARES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from repro.ordinal import PrestoPath

METHOD_STYLES: Final[Mapping[str, dict[str, Any]]] = {
    "presto": {"color": PALETTE["blue"], "marker": "o", "linestyle": "-"},
    "presto_published": {"color": PALETTE["sky"], "marker": "s", "linestyle": "--"},
    "logit": {"color": PALETTE["orange"], "marker": "^", "linestyle": "-"},
    "proportional_odds": {"color": PALETTE["green"], "marker": "D", "linestyle": "-."},
    "base_rate": {"color": PALETTE["grey"], "marker": "x", "linestyle": ":"},
    "prior_corrected_logit": {"color": PALETTE["purple"], "marker": "v", "linestyle": "--"},
    "firth": {"color": PALETTE["purple"], "marker": "<", "markerfacecolor": "white", "linestyle": ":"},
    "semi_parallel": {"color": PALETTE["sky"], "marker": "P", "linestyle": ":"},
    "boosting": {"color": PALETTE["black"], "marker": "*", "linestyle": "-"},
    "logit_l1": {"color": PALETTE["orange"], "marker": "h", "markerfacecolor": "white", "linestyle": "--"},
    "logit_ridge": {"color": PALETTE["black"], "marker": "p", "markerfacecolor": "white", "linestyle": ":"},
}
"""Colour, marker and line of each method, the same in every figure of the chapter."""

METHOD_NAMES: Final = {
    "presto": "PRESTO",
    "presto_published": "PRESTO as published",
    "logit": "logistic regression",
    "proportional_odds": "proportional odds",
    "base_rate": "base rate",
    "prior_corrected_logit": "prior-corrected logistic regression",
    "firth": "Firth",
    "semi_parallel": "semi-parallel",
    "boosting": "gradient boosting",
    "logit_l1": "L1 logistic regression",
    "logit_ridge": "ridge logistic regression",
}
SCORE_NAMES: Final = {
    "coded_error": "score as coded",
    "binned_error": "the score as meant",
    "brier": "Brier score",
    "log_loss": "log-loss",
}
CLASS_MARKERS: Final = ("o", "^", "s", "X")
CLASS_COLORS: Final = ("#B8BFC7", "#7FB3D5", PALETTE["purple"], PALETTE["orange"])
BOUNDARY_LINES: Final = ("-", "--", ":")


def drift(X: npt.ArrayLike, y: npt.ArrayLike, path: PrestoPath, places: Sequence[int]) -> Shown:
    """Draw the boundaries of four classes in the plane for several penalties.

    Parameters
    ----------
    X : array-like of shape (n, 2)
    y : array-like of shape (n,)
        Classes 0 to 3.
    path : PrestoPath
        Fitted to these rows.
    places : sequence of int
        Positions in the path, one panel each.
    """
    import matplotlib.pyplot as plt

    points, classes = np.asarray(X, dtype=np.float64), np.asarray(y)
    across = np.array([-1.0, 1.0])
    angles = []
    with book_style():
        figure, panels = plt.subplots(
            1, len(places), figsize=(3.1 * len(places), 3.6), sharex=True, sharey=True, squeeze=False
        )
        for axes, place in zip(panels[0], places, strict=True):
            for label, (marker, color) in enumerate(zip(CLASS_MARKERS, CLASS_COLORS, strict=True)):
                mine = classes == label
                size = 34 if label == classes.max() else 9
                axes.scatter(
                    *points[mine].T, s=size, marker=marker, color=color, linewidths=0, label=f"class {label + 1}"
                )
            for k, line in enumerate(BOUNDARY_LINES):
                first, second = path.coefs[place, k]
                height = -(path.intercepts[place, k] + first * across) / second
                axes.plot(across, height, line, color=PALETTE["black"], linewidth=2.2, label=f"boundary {k + 1}")
            steep = np.degrees(np.arctan2(-path.coefs[place, :, 0], path.coefs[place, :, 1]))
            angles.append(f"{path.lambdas[place]:.2g}: {', '.join(f'{angle:.0f}' for angle in steep)} degrees")
            axes.set(xlim=(-1, 1), ylim=(-1, 1), xlabel="$x_1$", title=f"$\\lambda$ = {path.lambdas[place]:.2g}")
        panels[0, 0].set_ylabel("$x_2$")
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, markerscale=1.4)
    return show(
        figure,
        alt=f"{len(places)} panels with the same points of four classes and three straight lines between them. "
        "Their slopes, by penalty: " + "; ".join(angles) + ".",
        caption="Where P(y ≤ k | x) = 1/2. Only differences between boundaries are penalised here; with growing λ the "
        "three "
        "lines turn until they are parallel, which is the proportional-odds model.",
    )


def _medians_published() -> dict[tuple[str, str, str], float]:
    return {
        (entry.model_extra["design"], entry.model_extra["intercepts"], entry.model_extra["method"]): entry.value
        for entry in find_claim("presto-m1").published
        if entry.model_extra
    }


def errors(table: pd.DataFrame) -> Shown:
    """Draw median and quartiles of the error of the rare probability in the ten settings, ours and the published.

    Parameters
    ----------
    table : DataFrame
        Table of ``presto.synthetic``.
    """
    import matplotlib.pyplot as plt

    found = table[table["metric"] == "rare_mse"]
    published = _medians_published()
    shown_methods = ("presto_published", "logit", "proportional_odds")
    spoken = []
    with book_style():
        figure, panels = plt.subplots(1, len(INTERCEPTS), figsize=(9.6, 4.4), sharey=True)
        for axes, (design, settings) in zip(panels, INTERCEPTS.items(), strict=True):
            for shift, method in zip((0.93, 1.0, 1.07), shown_methods, strict=True):
                style = METHOD_STYLES[method]
                rare = np.array([100 * RARE_SHARES[design, setting] for setting in settings]) * shift
                mine = found[(found["design"] == design) & (found["method"] == method)]
                quartiles = np.array(
                    [mine.loc[mine["intercepts"] == s, "value"].quantile([0.25, 0.5, 0.75]) for s in settings]
                )
                axes.vlines(rare, quartiles[:, 0], quartiles[:, 2], color=style["color"], linewidth=2)
                axes.plot(rare, quartiles[:, 1], **style, label=METHOD_NAMES[method])
                theirs = [published[design, setting, method] for setting in settings]
                axes.plot(rare, theirs, "_", color=PALETTE["black"], markersize=15, label=None)
                spoken.append(
                    f"{design}, {METHOD_NAMES[method]}: "
                    + ", ".join(
                        f"{ours:.3g} (published {other:.3g})"
                        for ours, other in zip(quartiles[:, 1], theirs, strict=True)
                    )
                )
            axes.plot([], [], "_", color=PALETTE["black"], markersize=15, label="published median")
            axes.set(xscale="log", yscale="log", title=design, xlabel="share of the rare class in %")
            axes.set_xticks([0.4, 0.7, 1.0, 1.6], ["0.4", "0.7", "1", "1.6"])
            axes.minorticks_off()
        panels[0].set_ylabel("squared error of P(rare | x)")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return show(
        figure,
        alt="Three panels, one a design, with the error of three methods against the share of the rare class, both on "
        "logarithmic axes. Medians, from the most frequent rare "
        "class to the rarest: " + "; ".join(spoken) + ".",
        caption="Median and quartiles over repetitions, fitted as published. Short black lines: medians measured from "
        "the "
        "paper's figures.",
    )


def _paired(table: pd.DataFrame, metric: str, keys: Sequence[str], first: str, second: str) -> pd.Series:
    """Logarithm of the ratio of two methods' values, by keys and replicate."""
    rows = table[(table["metric"] == metric) & table["method"].isin([first, second])]
    wide = rows.pivot_table(index=[*keys, "replicate"], columns="method", values="value")
    return pd.Series(np.log(wide[first] / wide[second]), name="log_ratio")


def error_ratios(table: pd.DataFrame, first: str, second: str, metric: str = "rare_mse_fresh") -> pd.Series:
    """Geometric means of the error of one method over that of another, by setting.

    Parameters
    ----------
    table : DataFrame
        Table of an experiment on simulated rows.
    first, second : str
        Methods.
    metric : str, default="rare_mse_fresh"

    Returns
    -------
    Series
        By design and intercepts.
    """
    logs = _paired(table, metric, ["design", "intercepts"], first, second).groupby(level=[0, 1]).mean()
    return pd.Series(np.exp(logs), name="ratio")


def ridge_ratios(published: pd.DataFrame, corrected: pd.DataFrame) -> pd.DataFrame:
    """Medians of the error of PRESTO over that of its ridge form: the paper's, ours as published, ours corrected.

    Parameters
    ----------
    published : DataFrame
        Table of ``presto.ridge``.
    corrected : DataFrame
        Table of ``presto.synthetic``.
    """
    ratios = {
        "published": {(entry.model_extra or {})["design"]: entry.value for entry in find_claim("presto-s5p").published}
    }
    for name, table, suffix in (("ours, as published", published, "_published"), ("ours, corrected", corrected, "")):
        rows = table[(table["intercepts"] == "(0, 3, 5)") & table["design"].isin(ratios["published"])]
        logs = _paired(rows, "rare_mse", ["design"], f"presto{suffix}", f"presto_ridge{suffix}")
        ratios[name] = np.exp(logs.groupby(level=0).median()).to_dict()
    return pd.DataFrame(ratios).rename_axis("PRESTO over its ridge form, median").round(3)


def gains(table: pd.DataFrame) -> Shown:
    """Draw how many times smaller PRESTO's error is than that of its competitors, by rarity.

    Parameters
    ----------
    table : DataFrame
        Table of ``presto.synthetic``.
    """
    import matplotlib.pyplot as plt

    spoken = []
    with book_style():
        figure, panels = plt.subplots(1, len(INTERCEPTS), figsize=(9.6, 3.9), sharey=True)
        for axes, (design, settings) in zip(panels, INTERCEPTS.items(), strict=True):
            axes.axhline(1, color=PALETTE["black"], linewidth=1)
            rare = [100 * RARE_SHARES[design, setting] for setting in settings]
            for other in ("logit", "proportional_odds"):
                ratios = _paired(table[table["design"] == design], "rare_mse", ["intercepts"], other, "presto")
                found = [mean_interval(ratios.loc[setting].to_numpy()) for setting in settings]
                middle = np.exp([interval.estimate for interval in found])
                low, high = (np.exp([getattr(interval, end) for interval in found]) for end in ("low", "high"))
                style = METHOD_STYLES[other]
                axes.errorbar(rare, middle, [middle - low, high - middle], **style, label=f"over {METHOD_NAMES[other]}")
                spoken.append(f"{design}, over {METHOD_NAMES[other]}: " + ", ".join(f"{value:.2f}" for value in middle))
            axes.set(xscale="log", yscale="log", title=design, xlabel="share of the rare class in %")
            axes.set_xticks([0.4, 0.7, 1.0, 1.6], ["0.4", "0.7", "1", "1.6"])
            axes.set_yticks([1, 1.5, 2, 3, 4], ["1", "1.5", "2", "3", "4"])
            axes.minorticks_off()
        panels[0].set_ylabel("times smaller error")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return show(
        figure,
        alt="Three panels, one a design, with two lines over the share of the rare class. How many times "
        "smaller PRESTO's error is, from the most frequent rare class to the rarest: " + "; ".join(spoken) + ".",
        caption="Error of the competitor over that of PRESTO, geometric mean over paired repetitions with 95 % "
        "intervals. "
        "Above 1 PRESTO is better. PRESTO is selected and transformed correctly.",
    )


def _setting_names(settings: Sequence[tuple[str, str]]) -> list[str]:
    """Name settings by their design and the published share of the rare class."""
    return [f"{design}, {100 * RARE_SHARES[design, setting]:.2g} % rare" for design, setting in settings]


def _settings_of(table: pd.DataFrame) -> list[tuple[str, str]]:
    """List the settings of a table in the order of the paper."""
    present = set(map(tuple, table[["design", "intercepts"]].drop_duplicates().to_numpy()))
    return [
        (design, setting) for design, values in INTERCEPTS.items() for setting in values if (design, setting) in present
    ]


def shrinking_and_borrowing(table: pd.DataFrame) -> Shown:
    """Draw how many times smaller the error gets by a penalty, and by PRESTO, than that of a plain logistic regression.

    Parameters
    ----------
    table : DataFrame
        Table of ``presto.shrinkage``.
    """
    import matplotlib.pyplot as plt

    settings = _settings_of(table)
    places = np.arange(len(settings), dtype=np.float64)
    spoken = []
    with book_style():
        figure, axes = plt.subplots(figsize=(7.6, 1.6 + 0.42 * len(settings)))
        axes.axvline(1, color=PALETTE["black"], linewidth=1)
        for shift, method in zip((-0.2, 0.0, 0.2), ("logit_l1", "logit_ridge", "presto"), strict=True):
            ratios = _paired(table, "rare_mse_fresh", ["design", "intercepts"], "logit", method)
            found = [mean_interval(ratios.loc[setting].to_numpy()) for setting in settings]
            middle, low, high = (
                np.exp([getattr(interval, end) for interval in found]) for end in ("estimate", "low", "high")
            )
            style = METHOD_STYLES[method] | {"linestyle": ""}
            axes.errorbar(
                middle, places + shift, xerr=[middle - low, high - middle], **style, label=METHOD_NAMES[method]
            )
            spoken.append(f"{METHOD_NAMES[method]}: " + ", ".join(f"{value:.2f}" for value in middle))
        axes.set_yticks(places, _setting_names(settings))
        axes.invert_yaxis()
        axes.set(xscale="log", xlabel="times smaller error than logistic regression without penalty")
        axes.set_xticks([1, 1.5, 2, 3, 4, 6], ["1", "1.5", "2", "3", "4", "6"])
        axes.minorticks_off()
        figure.legend(loc="outside lower center", ncols=3)
    return show(
        figure,
        alt=f"{len(settings)} rows, one a setting, a point and interval for each of three methods, on a logarithmic "
        "axis. How many times smaller the error is, from the first row to the last: " + "; ".join(spoken) + ".",
        caption="On fresh rows, geometric means over paired repetitions with 95 % intervals. The way from 1 to a "
        "penalised regression is shrinking; the rest of the way to PRESTO is what the other classes add.",
    )


def _curve(axes: Axes, table: pd.DataFrame, metric: str, method: str, label: str | None) -> list[float]:
    """Means with intervals that allow for reused rows, over the cutoffs."""
    rows = table[(table["metric"] == metric) & (table["method"] == method)]
    cutoffs = sorted(rows["cutoff"].unique())
    found = [
        nadeau_bengio_interval(
            rows.loc[rows["cutoff"] == cutoff, "value"].to_numpy(dtype=np.float64), folds=10, folds_per_value=1
        )
        for cutoff in cutoffs
    ]
    middle = np.array([interval.estimate for interval in found])
    low = np.maximum([interval.low for interval in found], middle / 20)
    high = np.array([interval.high for interval in found])
    axes.errorbar(
        cutoffs,
        middle,
        np.array([middle - low, high - middle]),
        **METHOD_STYLES[method],
        label=label,
    )
    return [float(value) for value in middle]


def figure4(table: pd.DataFrame) -> Shown:
    """Draw the published score on PreDiabetes against the cutoff: the paper's means, ours, and that of a constant.

    Parameters
    ----------
    table : DataFrame
        Table of ``presto.prediabetes``.
    """
    import matplotlib.pyplot as plt

    published: dict[str, list[tuple[float, float]]] = {}
    for entry in find_claim("presto-m2").published:
        extra = entry.model_extra or {}
        published.setdefault(str(extra["method"]), []).append((float(extra["cutoff"]), entry.value))
    spoken = []
    with book_style():
        figure, axes = plt.subplots(figsize=(7.4, 4.6))
        for method in ("logit", "proportional_odds", "presto_published", "base_rate"):
            ours = _curve(axes, table, "coded_error", method, METHOD_NAMES[method])
            spoken.append(f"{METHOD_NAMES[method]}: " + ", ".join(f"{value:.3g}" for value in ours))
        for number, values in enumerate(published.values()):
            axes.plot(
                *np.array(values).T,
                "_",
                color=PALETTE["black"],
                markersize=16,
                label="paper, Figure 4" if number == 0 else None,
            )
        axes.set(yscale="log", xlabel="age cutoff in years", ylabel="score as coded (smaller counts as better)")
        figure.legend(loc="outside lower center", ncols=3)
    return show(
        figure,
        alt="Four curves over the age cutoff on a logarithmic axis, with short black lines for the paper's values. "
        "Our means by cutoff: " + "; ".join(spoken) + ".",
        caption="The published score on PreDiabetes, by the age up to which diabetes counts. Points: our mean over "
        "random "
        "splits with a 95 % interval that allows for reused rows. Black: the paper's Figure 4.",
    )


def sound_scores(table: pd.DataFrame) -> Shown:
    """Draw by how much PRESTO's sound scores on PreDiabetes are better than its competitors', against the cutoff.

    Parameters
    ----------
    table : DataFrame
        Table of ``presto.prediabetes``.
    """
    import matplotlib.pyplot as plt

    worth = {part.metric: part.smallest_effect for part in find_claim("presto-r4").quantity.parts}
    spoken = []
    with book_style():
        figure, panels = plt.subplots(1, 3, figsize=(9.8, 4.0), sharex=True)
        for axes, metric in zip(panels, ("brier", "log_loss", "binned_error"), strict=True):
            axes.axhspan(-(worth[metric] or 0.0), worth[metric] or 0.0, color=PALETTE["grey"], alpha=0.25, linewidth=0)
            axes.axhline(0, color=PALETTE["black"], linewidth=1)
            rows = table[table["metric"] == metric]
            wide = rows.pivot_table(index=["cutoff", "replicate"], columns="method", values="value")
            cutoffs = np.array(sorted(rows["cutoff"].unique()), dtype=np.float64)
            for shift, other in ((-0.6, "logit"), (0.6, "proportional_odds")):
                gained = wide[other] - wide["presto"]
                found = [
                    nadeau_bengio_interval(gained.loc[cutoff].to_numpy(), folds=10, folds_per_value=1)
                    for cutoff in cutoffs
                ]
                middle, low, high = (
                    np.array([getattr(interval, end) for interval in found]) for end in ("estimate", "low", "high")
                )
                style = METHOD_STYLES[other] | {"linestyle": ""}
                axes.errorbar(
                    cutoffs + shift, middle, [middle - low, high - middle], **style, label=f"over {METHOD_NAMES[other]}"
                )
                spoken.append(
                    f"{SCORE_NAMES[metric]}, over {METHOD_NAMES[other]}: "
                    + ", ".join(f"{value:.2g}" for value in middle)
                )
            axes.set(xlabel="age cutoff in years", title=SCORE_NAMES[metric])
        panels[0].set_ylabel("PRESTO's advantage")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return show(
        figure,
        alt="Three panels with the Brier score, the log-loss and the binned error against the age cutoff. By how much "
        "PRESTO is better, by cutoff: " + "; ".join(spoken) + ".",
        caption="Score of the competitor minus that of PRESTO on the same splits; above 0 PRESTO is better. 95 % "
        "intervals allow for reused rows. Grey: differences too small to be worth mentioning, as fixed in the claim.",
    )


def soup(table: pd.DataFrame) -> Shown:
    """Draw all scores of the paper's methods on soup, split by rows and by respondents.

    Parameters
    ----------
    table : DataFrame
        Table of ``presto.soup``.
    """
    import matplotlib.pyplot as plt

    methods = ("presto_published", "presto", "proportional_odds", "logit", "base_rate")
    markers = {"rows": ("s", -0.12, "split by rows (published)"), "respondents": ("o", 0.12, "split by respondents")}
    spoken = []
    with book_style():
        figure, panels = plt.subplots(2, 2, figsize=(9.2, 5.6), sharey=True)
        for axes, (metric, name) in zip(panels.flat, SCORE_NAMES.items(), strict=True):
            for split_by, (marker, shift, label) in markers.items():
                rows = table[(table["metric"] == metric) & (table["split_by"] == split_by)]
                for place, method in enumerate(reversed(methods)):
                    values = rows.loc[rows["method"] == method, "value"].to_numpy(dtype=np.float64)
                    interval = nadeau_bengio_interval(values, folds=10, folds_per_value=1)
                    color = METHOD_STYLES[method]["color"]
                    axes.plot([interval.low, interval.high], [place + shift] * 2, color=color)
                    axes.plot(
                        interval.estimate,
                        place + shift,
                        marker,
                        color=color,
                        markerfacecolor=color if split_by == "rows" else "white",
                    )
                    spoken.append(f"{name}, {METHOD_NAMES[method]}, {label}: {interval.estimate:.3g}")
            axes.set_title(name)
            axes.locator_params(axis="x", nbins=4)
            axes.set_yticks(range(len(methods)), [METHOD_NAMES[method] for method in reversed(methods)])
        for marker, _, label in markers.values():
            panels[0, 0].plot(
                [],
                [],
                marker,
                color=PALETTE["black"],
                markerfacecolor=PALETTE["black"] if marker == "s" else "white",
                label=label,
                linestyle="",
            )
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return show(
        figure,
        alt="Four panels, one a score, with one point and interval for each of five methods, twice. Means: "
        + "; ".join(spoken)
        + ".",
        caption="Soup: mean over 350 random splits with 95 % intervals that allow for reused rows; smaller is better.",
    )


def missing_baselines(table: pd.DataFrame) -> Shown:
    """Draw the error of each method over that of PRESTO in the ten settings, on fresh rows.

    Parameters
    ----------
    table : DataFrame
        Table of ``presto.baselines``, with or without the rows of ``presto.shrinkage``, which has the same problems.
    """
    import matplotlib.pyplot as plt

    shown = (
        "prior_corrected_logit", "firth", "semi_parallel", "boosting", "logit_l1", "logit_ridge", "logit",
        "proportional_odds", "base_rate",
    )  # fmt: skip
    methods = [name for name in shown if name in set(table["method"])]
    settings = _settings_of(table)
    keys = ["design", "intercepts"]
    spoken = []
    with book_style():
        figure, axes = plt.subplots(figsize=(8.6, 1.6 + 0.42 * len(settings)))
        axes.axvline(1, color=PALETTE["black"], linewidth=1)
        for method in methods:
            ratios = _paired(table, "rare_mse_fresh", keys, method, "presto")
            means = [float(np.exp(ratios.loc[setting].mean())) for setting in settings]
            style = METHOD_STYLES[method] | {"linestyle": ""}
            axes.plot(means, range(len(settings)), **style, markersize=8, label=METHOD_NAMES[method])
            spoken.append(f"{METHOD_NAMES[method]}: from {min(means):.2f} to {max(means):.2f}")
        axes.set_yticks(range(len(settings)), _setting_names(settings))
        axes.invert_yaxis()
        axes.set(xscale="log", xlabel="error over that of PRESTO (geometric mean)")
        axes.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
        axes.minorticks_off()
        figure.legend(loc="outside lower center", ncols=4)
    return show(
        figure,
        alt=f"{len(settings)} rows, one a setting, with a marker for each of {len(methods)} methods on a logarithmic "
        f"axis; "
        "to the right of 1 PRESTO has the smaller error. Range over the settings: " + "; ".join(spoken) + ".",
        caption="Squared error of the rare probability relative to PRESTO, on fresh rows. Only unpenalised logistic "
        "regression and proportional odds are in the paper.",
    )


def information(table: pd.DataFrame) -> Shown:
    """Draw the variance that one row leaves, for logistic regression and proportional odds, against rarity.

    Parameters
    ----------
    table : DataFrame
        Table of ``presto.information``.
    """
    import matplotlib.pyplot as plt

    rows = table[table["metric"] == "trace"]
    spoken = []
    with book_style():
        figure, axes = plt.subplots(figsize=(6.8, 4.2))
        for method, label in (
            ("logit", "logistic regression of the rare class"),
            ("proportional_odds", "proportional odds, common weights"),
        ):
            mine = rows[rows["method"] == method].astype({"rare": float}).groupby("rare")["value"]
            low, middle, high = (mine.quantile(share) for share in (0.05, 0.5, 0.95))
            style = METHOD_STYLES[method]
            axes.fill_between(middle.index, low, high, color=style["color"], alpha=0.2, linewidth=0)
            axes.plot(middle.index, middle, **style, label=label)
            spoken.append(
                f"{label}: from {middle.iloc[-1]:.3g} at {middle.index[-1]:g} to {middle.iloc[0]:.3g} at "
                f"{middle.index[0]:g}"
            )
        axes.set(xscale="log", yscale="log", xlabel="probability of the rare class", ylabel="variance left by one row")
        axes.invert_xaxis()
        figure.legend(loc="outside lower center", ncols=1)
    return show(
        figure,
        alt="Two curves on logarithmic axes, the class getting rarer to the right. " + "; ".join(spoken) + ".",
        caption="Trace of the inverse information, median and range of nine in ten weight vectors.",
    )


def row_order(values: npt.ArrayLike, constant: float, sound: float) -> Shown:
    """Draw how a score spreads when nothing but the order of the rows changes.

    Parameters
    ----------
    values : array-like of shape (n_orders,)
        The score as coded, one value an order of the rows.
    constant : float
        Its value for the base rate.
    sound : float
        The score as meant, which knows no order.
    """
    import matplotlib.pyplot as plt

    scores = np.asarray(values, dtype=np.float64)
    with book_style():
        figure, axes = plt.subplots(figsize=(7.4, 3.2))
        axes.hist(scores, bins=30, color=PALETTE["sky"], label="as coded, rows shuffled")
        for place, line, label in ((sound, "-", "as meant"), (constant, "--", "base rate, as coded")):
            axes.axvline(place, color=PALETTE["black"], linestyle=line, linewidth=2, label=label)
        axes.set(xlabel="score of the same predictions", ylabel="orders of the rows", xlim=(0, None))
        figure.legend(loc="outside lower center", ncols=3)
    return show(
        figure,
        alt=f"A histogram of {scores.size} scores between {scores.min():.3f} and {scores.max():.3f}. Two lines stand "
        f"at {sound:.4f} for the score as meant and at {constant:.4f} for a constant prediction.",
        caption="Perfect predictions of simulated rows: the published score depends on the order of the rows.",
    )
