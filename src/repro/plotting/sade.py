"""Figures and tables of the study `sade`, from the table of ``sade.experts`` with networks of one recipe and ratio.

All raise ValueError for a table that mixes recipes or ratios, or lacks what they show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.metrics import bca_interval, mean_interval
from repro.plotting.figures import Shown, key_entry, show
from repro.plotting.shared import THIRD, differences, forest, lines, panel_axes, summarise
from repro.plotting.styles import INK, Style, book_style
from repro.protocol.names import name_of

if TYPE_CHECKING:
    from repro.protocol.experiment import Experiment

Floats = npt.NDArray[np.float64]

MOST_CLASSES: Final = 20
TENTHS: Final = 10
FEW: Final = 5
"""With no more trainings the bootstrap of a median says nothing."""
EXPERTS: Final = ("expert_1", "expert_2", "expert_3")
GROUPS: Final[Mapping[str, str]] = {"many": "many (over 100)", "medium": "medium (20 to 100)", "few": "few (under 20)"}
"""Groups of classes by training images, and how an axis names them."""
MEASURES: Final[Mapping[str, str]] = {
    "stability_information": "information",
    "stability_certainty": "certainty",
    "stability_accuracy": "accuracy",
}
TEST_SETS: Final = "test set (f: tail as in training, u: uniform, b: inverse tail; ratio)"


def _one_recipe(table: pd.DataFrame) -> pd.DataFrame:
    """Give the table back if all its networks were trained alike on one training set: others cannot be compared."""
    found = sorted(f"{recipe} {ratio}" for recipe, ratio in set(zip(table["recipe"], table["ratio"], strict=True)))
    if len(found) != 1:
        raise ValueError(
            f"table must hold networks of one recipe and one imbalance ratio, found {', '.join(found) or 'no rows'}"
        )
    return table


def _rows(table: pd.DataFrame, metric: str, methods: Sequence[str], factor: float = 1.0) -> pd.DataFrame:
    """Rows of a metric of some methods, times a factor."""
    rows = table[(table["metric"] == metric) & table["method"].isin(methods)]
    for method in methods:
        if not (rows["method"] == method).any():
            known = sorted(table.loc[table["metric"] == metric, "method"].unique())
            raise ValueError(f"table has no {metric} of method {method!r}; it has {', '.join(known) or 'none'}")
    return rows.assign(value=factor * rows["value"])


def _wide(table: pd.DataFrame, method: str, metric: str) -> pd.DataFrame:
    """Values of a method, one row for each replicate, one column for each test set."""
    rows = _rows(table, metric, [method])
    return rows.dropna(subset=["test_set"]).pivot(index="replicate", columns="test_set", values="value")


def _in_order(test_sets: Iterable[str]) -> list[str]:
    """Test sets from the one most like the training set to its opposite; others are left out."""
    signs = {"forward": -1.0, "uniform": 0.0, "backward": 1.0}
    parts = {name: name.partition("-") for name in test_sets}
    places = {name: signs[kind] * float(ratio or 0) for name, (kind, _, ratio) in parts.items() if kind in signs}
    return sorted(places, key=places.__getitem__)


def short_name(test_set: str) -> str:
    """Give the name of a test set as it stands on an axis: "f 50" for "forward-50", "u" for "uniform"."""
    return (
        test_set.replace("forward-", "f\N{NO-BREAK SPACE}")
        .replace("backward-", "b\N{NO-BREAK SPACE}")
        .replace("uniform", "u")
    )


def _replicates(found: pd.DataFrame) -> str:
    """Over how many training runs the points of a figure are means."""
    least, most = int(found["n"].min()), int(found["n"].max())
    if most <= 1:
        return "One training run."
    if least == most:
        return f"Means and 95 % intervals over {most} training runs."
    return f"Means over {least} to {most} training runs, with 95 % intervals where there are several."


def _over_test_sets(
    values: pd.DataFrame,
    series: str,
    *,
    title: Any,
    caption: str,
    ylabel: str,
    panel: str | None = None,
    **options: Any,
) -> Shown:
    """Draw one line for each series over the test sets; `title` makes a finding of estimates by series and test set."""
    order = _in_order(values["test_set"].dropna().unique())
    found = summarise(values[values["test_set"].isin(order)], [*([panel] if panel else []), series, "test_set"])
    means = found.set_index([*([panel] if panel else []), series, "test_set"])["estimate"]
    found = found.sort_values("test_set", key=lambda names: names.map(order.index), kind="stable")
    keys = list(dict.fromkeys(values[series]))
    found = found.sort_values(series, key=lambda names: names.map(keys.index), kind="stable")
    if panel:
        headings = list(dict.fromkeys(values[panel]))
        found = found.sort_values(panel, key=lambda names: names.map(headings.index), kind="stable")
    return lines(
        found.assign(test_set=found["test_set"].map(short_name)),
        "test_set",
        series=series,
        panel=panel,
        xlabel=TEST_SETS,
        ylabel=ylabel,
        dodge=0.1,
        title=title(means),
        caption=f"{caption} {_replicates(found)}",
        **options,
    )


def recalls(table: pd.DataFrame, counts: Sequence[int] | npt.ArrayLike, methods: Sequence[str] = EXPERTS) -> Shown:
    """Draw the recall of every class, from the class with most training images to the one with fewest.

    More than twenty classes are drawn as means of neighbours, ten points in all.

    Parameters
    ----------
    table : DataFrame
    counts : array-like of shape (C,)
        Training images of every class.
    methods : sequence of str, default=EXPERTS
    """
    sizes = np.asarray(counts)
    rows = _rows(_one_recipe(table), "recall", methods, 100).dropna(subset=["class_label"])
    classes = rows["class_label"].nunique()
    if sizes.shape != (classes,):
        raise ValueError(f"counts must have one entry for each of {classes} classes, got {sizes.shape}")
    parts = np.array_split(np.arange(classes), classes if classes <= MOST_CLASSES else TENTHS)
    one_each = len(parts) == classes
    part_of = {label: number for number, part in enumerate(parts) for label in part}
    rows = rows.assign(part=rows["class_label"].astype(int).map(part_of))
    means = rows.groupby(["method", "part", "replicate"], sort=False)["value"].mean().reset_index()
    found = summarise(means.sort_values("part", kind="stable"), ["method", "part"])
    last = found[found["part"] == len(parts) - 1].set_index("method")["estimate"]
    names = [str(sizes[part[0]]) if one_each else f"{sizes[part[0]]} to {sizes[part[-1]]}" for part in parts]
    return lines(
        found.sort_values("method", key=lambda keys: keys.map(list(methods).index), kind="stable"),
        "part",
        xlabel="training images of the class",
        ylabel="recall on balanced test images (%)",
        ylim=(-3, 103),
        dodge=0.08,
        title=f"On the smallest {'class' if one_each else 'tenth of the classes'} recall is "
        + ", ".join(f"{last[name]:.0f} % ({name_of(name)})" for name in methods),
        caption="Recall from the head of the tail to its end"
        + ("" if one_each else f", means of {len(parts[0])} neighbouring classes")
        + f". {_replicates(found)}",
        decorate=lambda axes, _: (
            axes.set_xticks(range(len(names)), [name.replace(" to ", "\nto ") for name in names]) and None
        ),
    )


def steadiness(table: pd.DataFrame) -> Shown:
    """Draw how much each expert's predictions agree on two views, by group of classes."""
    _one_recipe(table)
    measured = [group for group in GROUPS if (table["metric"] == f"cosine_{group}").any()]
    if not measured:
        raise ValueError("table has no cosine_many, cosine_medium or cosine_few")
    rows = pd.concat([_rows(table, f"cosine_{group}", EXPERTS).assign(group=GROUPS[group]) for group in measured])
    found = summarise(rows.sort_values("method", kind="stable"), ["method", "group"])
    best = found.loc[found.groupby("group", sort=False)["estimate"].idxmax()]
    return lines(
        found,
        "group",
        xlabel="training images of the class",
        ylabel="agreement of two views (cosine)",
        dodge=0.08,
        title="Steadiest: "
        + ", ".join(
            f"the {name_of(method)} on {group.partition(' (')[0]}-image classes"
            for method, group in zip(best["method"], best["group"], strict=True)
        ),
        caption=f"How steady is each expert when the image is changed a little? {_replicates(found)}",
    )


def weights(table: pd.DataFrame, methods: Sequence[str] = ("learned", "three_balanced_learned")) -> Shown:
    """Draw the learned weights over the eleven test sets, one panel for each kind of experts.

    Parameters
    ----------
    table : DataFrame
    methods : sequence of str
        Methods with rows ``weight_1`` to ``weight_3``.
    """
    _one_recipe(table)
    titles = {"learned": "experts with different skills", "three_balanced_learned": "experts trained alike"}
    values = pd.concat(
        [
            _rows(table, f"weight_{k}", [method]).assign(expert=expert, method=method)
            for method in methods
            for k, expert in enumerate(EXPERTS, start=1)
        ]
    )
    values = values.rename(columns={"method": "kind", "expert": "method"})

    def finding(means: pd.Series) -> str:
        order = _in_order(means.index.get_level_values("test_set").unique())
        first, last = (
            f"{means[methods[0], EXPERTS[0], order[end]]:.2f} to the first and "
            f"{means[methods[0], EXPERTS[2], order[end]]:.2f} to the third expert"
            for end in (0, -1)
        )
        return (
            f"Without being told, the method gives {first} on {short_name(order[0])}, and {last} on "
            f"{short_name(order[-1])}"
        )

    return _over_test_sets(
        values,
        "method",
        panel="kind" if len(methods) > 1 else None,
        panel_names=titles,
        ylabel="learned weight",
        level=1 / 3,
        title=finding if len(methods) > 1 else lambda means: finding(pd.concat({methods[0]: means})),
        caption="Nobody told the method which test set it sees. The black line is at one third.",
    )


def gains(table: pd.DataFrame, pairs: Sequence[tuple[str, str]], *, caption: str) -> Shown:
    """Draw differences in accuracy of pairs of methods over the test sets.

    Parameters
    ----------
    table : DataFrame
    pairs : sequence of (str, str)
        Method and reference.
    caption : str
    """
    rows = _rows(_one_recipe(table), "accuracy", list(dict.fromkeys(name for pair in pairs for name in pair)), 100)
    values = differences(rows, pairs, ["test_set"])
    references = {reference for _, reference in pairs}
    if len(references) == 1:
        series, names = "method", {}
    else:
        series = "reference" if len(references) == len(pairs) and len({method for method, _ in pairs}) == 1 else "pair"
        values["pair"] = values["method"] + " over " + values["reference"]
        names = {f"{m} over {r}" if series == "pair" else r: f"{name_of(m)} over {name_of(r)}" for m, r in pairs}

    def finding(means: pd.Series) -> str:
        parts = []
        for key in dict.fromkeys(values[series]):
            mine = means[key][_in_order(means[key].index)]
            parts.append(f"{names.get(key) or name_of(key)} {mine.min():+.1f} to {mine.max():+.1f}")
        return "Points over the test sets: " + "; ".join(parts)

    return _over_test_sets(
        values,
        series,
        names=names,
        level=0.0,
        ylabel=f"accuracy over {name_of(*references)} (points)"
        if len(references) == 1
        else "difference in accuracy (points)",
        title=finding,
        caption=caption,
    )


def _grid(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Weights of the points of the triangle, and agreement and accuracy there by test set, of the run that has them."""
    rows = _one_recipe(table)[table["method"] == "grid"]
    if rows.empty:
        raise ValueError("table has no rows of method 'grid'")
    points = rows[rows["test_set"].isna()].pivot(index="class_label", columns="metric", values="value")
    values = {
        test_set: rows[rows["test_set"] == test_set].pivot(index="class_label", columns="metric", values="value")
        for test_set in _in_order(rows["test_set"].dropna().unique())
    }
    return points, values


def _run_with_grid(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the training run whose surfaces the table holds."""
    with_grid = table.loc[table["method"] == "grid", "replicate"]
    found: pd.DataFrame = table[table["replicate"] == with_grid.iloc[0]]
    return found


def tops(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy where the method ends, where agreement is highest and where accuracy is, for the run with a grid.

    With rows of method ``grid`` of one training.

    Returns
    -------
    DataFrame of shape (test sets with a grid, 3)
        In percent.
    """
    _, grids = _grid(table)
    learned = _wide(_run_with_grid(table), "learned", "accuracy")
    found = {}
    for test_set, grid in grids.items():
        cosine, accuracy = (grid[name].to_numpy(dtype=np.float64) for name in ("cosine", "accuracy"))
        found[test_set] = {
            "at the learned weights": learned[test_set].iloc[0],
            "at the highest agreement": accuracy[cosine.argmax()],
            "highest": accuracy.max(),
        }
    return 100 * pd.DataFrame(found).T


def landscapes(table: pd.DataFrame) -> Shown:
    """Draw what learned weights and the top of the objective miss of the highest accuracy, over all test sets.

    With rows of method ``grid`` of one training.
    """
    found = tops(table)
    missed = found.drop(columns="highest").sub(found["highest"], axis=0)
    values = (
        missed.rename_axis("test_set")
        .reset_index()
        .melt("test_set", var_name="where")
        .sort_values("where", kind="stable")
    )
    worst = missed["at the highest agreement"]
    return _over_test_sets(
        values,
        "where",
        ylabel="accuracy minus the highest (points)",
        level=0.0,
        title=lambda _: (
            f"Where agreement is highest, accuracy misses the best weights by up to {-worst.min():.1f} points "
            f"({short_name(str(worst.idxmin()))})"
        ),
        caption="Zero is the best of 231 weightings, which knows the labels. What the line of highest agreement "
        "misses is "
        "the error of the objective; what lies between the lines is the error of the climb.",
    )


def surfaces(table: pd.DataFrame, test_sets: Sequence[str] = ("forward-50", "uniform", "backward-50")) -> Shown:
    """Draw accuracy as colour and agreement of views as lines for all weights of three experts, a triangle a test set.

    With rows of method ``grid`` of one training.
    test_sets : sequence of str
        From left to right; those without a grid are left out.
    """
    points, grids = _grid(table)
    one = _run_with_grid(table)
    rows = one[(one["method"] == "learned") & one["metric"].isin(["weight_1", "weight_3"])]
    learned = rows.pivot(index="test_set", columns="metric", values="value")
    first, third = (points[name].to_numpy(dtype=np.float64) for name in ("weight_1", "weight_3"))

    def corner(first: Any, third: Any) -> tuple[Any, Any]:
        second = 1 - first - third  # first expert left, third right, second on top
        return third + second / 2, second * np.sqrt(3) / 2

    x, y = corner(first, third)
    marks = {"highest agreement": "D", "highest accuracy": "*", "learned weights": "o"}
    found = []
    with book_style():
        drawn = panel_axes(sum(name in grids for name in test_sets), (THIRD[0], 2.75))
        for (figure, axes), test_set in zip(drawn, [name for name in test_sets if name in grids], strict=True):
            cosine, accuracy = (grids[test_set][name].to_numpy(dtype=np.float64) for name in ("cosine", "accuracy"))
            levels = 100 * np.linspace(accuracy.min(), accuracy.max(), 9)
            filled = axes.tricontourf(x, y, 100 * accuracy, levels=levels, cmap="viridis")
            steps = cosine.max() - np.ptp(cosine) * 0.5 ** np.arange(6)  # each halves the distance to the top
            axes.tricontour(x, y, cosine, levels=steps[1:], colors="#ffffff", linewidths=0.7)
            at, top = int(cosine.argmax()), int(accuracy.argmax())
            places = {"highest agreement": (x[at], y[at]), "highest accuracy": (x[top], y[top])}
            if test_set in learned.index:
                places["learned weights"] = corner(*learned.loc[test_set])
            for name, place in places.items():
                axes.plot(
                    *place,
                    marks[name],
                    color="#ffffff",
                    markeredgecolor="#1b1b1b",
                    markersize=7 + 4 * (marks[name] == "*"),
                    clip_on=False,
                )
            for (right, up), text, side in (
                ((0, 0), "1st", "right"),
                ((1, 0), "3rd", "left"),
                ((0.5, np.sqrt(3) / 2), "2nd", "center"),
            ):
                axes.text(right, up + (0.03 if side == "center" else 0), f" {text} ", ha=side, va="bottom")
            axes.set_axis_off()
            axes.set(aspect="equal", xlim=(-0.14, 1.14), ylim=(-0.03, 1.0))
            axes.set_title(name_of(test_set, "test_set").replace(", ", ",\n"))
            bar = figure.colorbar(
                filled, ax=axes, orientation="horizontal", shrink=0.85, pad=0.02, label="accuracy (%)"
            )
            bar.set_ticks(list(levels[[0, -1]]), labels=[f"{level:.1f}" for level in levels[[0, -1]]])
            found.append(
                {
                    "test set": name_of(test_set, "test_set"),
                    **{
                        name: ", ".join(f"{w:.2f}" for w in (first[k], 1 - first[k] - third[k], third[k]))
                        for name, k in (("highest agreement at", at), ("highest accuracy at", top))
                    },
                    "accuracy at the highest agreement": f"{100 * accuracy[at]:.1f}",
                    "highest accuracy": f"{100 * accuracy[top]:.1f}",
                }
            )
    apart = [f"{float(row['highest accuracy']) - float(row['accuracy at the highest agreement']):.1f}" for row in found]
    title = f"Climbing agreement to its top costs {', '.join(apart)} points of accuracy on these test sets"
    return show(
        [figure for figure, _ in drawn],
        title=title,
        alt=f"{len(drawn)} triangles of weights, accuracy as colour, agreement of views as lines, with marks where "
        f"both are "
        f"highest. {title}",
        caption="Every point of a triangle is a set of weights; a corner is one expert alone. The method climbs the "
        "lines, "
        "each of which halves the distance to the top; the reader wants the brightest spot. One training run.",
        table=pd.DataFrame(found),
        key=[key_entry(name, Style(INK, marker, hollow=True), line=False) for name, marker in marks.items()],
    )


def correlations(table: pd.DataFrame) -> Shown:
    """Draw rank correlations of agreement with information, certainty and accuracy over the test sets."""
    _one_recipe(table)
    values = pd.concat([_rows(table, metric, ["surface"]).assign(measure=name) for metric, name in MEASURES.items()])

    def finding(means: pd.Series) -> str:
        lowest = means["accuracy"]
        return (
            f"Weights that agree more are more accurate on {(lowest > 0).sum()} of {len(lowest)} test sets, least "
            f"at {short_name(str(lowest.idxmin()))} ({lowest.min():+.2f})"
        )

    return _over_test_sets(
        values,
        "measure",
        ylabel="rank correlation with agreement",
        level=0.0,
        title=finding,
        caption="Over 231 sets of weights: do weights that agree more know more? Below zero the objective points the "
        "wrong way.",
    )


def gains_by_views(table: pd.DataFrame) -> Shown:
    """Draw the gain of learned over equal weights for weak, usual and strong views (table of ``sade.views``)."""
    rows = table[table["metric"] == "gain"]
    if rows.empty:
        raise ValueError("table has no rows of metric 'gain'")
    order = ["weak", "usual", "strong"]
    values = rows.assign(value=100 * rows["value"]).sort_values(
        "views", key=lambda v: v.map(order.index), kind="stable"
    )
    return _over_test_sets(
        values,
        "views",
        names={strength: f"{strength} views" for strength in order},
        ylabel="accuracy over equal weights (points)",
        level=0.0,
        title=lambda means: (
            "Mean gain over the test sets: "
            + ", ".join(
                f"{means[strength].mean():+.1f} points with {strength} views" for strength in order if strength in means
            )
        ),
        caption="Gain of learned weights with views of three strengths.",
    )


def rivals(
    table: pd.DataFrame,
    opponents: Sequence[str],
    test_sets: Sequence[str] = ("forward-50", "uniform", "backward-50"),
) -> Shown:
    """Draw how far learned weights are ahead of other methods, one panel for each test set.

    Parameters
    ----------
    table : DataFrame
    opponents : sequence of str
        From top to bottom.
    test_sets : sequence of str
    """
    rows = _rows(_one_recipe(table), "accuracy", ["learned", *opponents], 100)
    values = differences(rows, [("learned", name) for name in opponents], ["test_set"])
    values = values[values["test_set"].isin(test_sets)].assign(method=values["reference"])
    found = summarise(values, ["test_set", "method"])
    order = {name: number for number, name in enumerate((*test_sets, *opponents))}
    found = found.sort_values(["test_set", "method"], key=lambda names: names.map(order))
    ahead, behind = int((found["low"] > 0).sum()), int((found["high"] < 0).sum())
    single = (found["n"] == 1).all()
    return forest(
        found,
        "method",
        panel="test_set",
        xlabel="accuracy of learned weights minus that of the method (points)",
        title=f"Learned weights are {'' if single else 'clearly '}ahead in {ahead} of {len(found)} comparisons and "
        f"behind in {behind}",
        caption=f"Right of zero learned weights are better. {_replicates(found)}",
    )


def accuracies(table: pd.DataFrame, methods: Sequence[str], metric: str = "accuracy") -> pd.DataFrame:
    """Mean accuracy of methods on the test sets, in percent.

    Parameters
    ----------
    table : DataFrame
    methods : sequence of str
        From top to bottom.
    metric : str, default="accuracy"
        "accuracy" on the drawn test sets, or "reweighted_accuracy", from the recalls of all test images.

    Returns
    -------
    DataFrame of shape (methods, test sets)
        Test sets from the one most like the training set to its opposite.
    """
    means = {name_of(method): _wide(_one_recipe(table), method, metric).mean() for method in methods}
    frame = 100 * pd.DataFrame(means).T
    return frame[_in_order(frame.columns)].rename_axis(columns="test set")


def best_epochs(table: pd.DataFrame, test_set: str = "uniform") -> pd.DataFrame:
    """Accuracy of the last epoch beside that of the epoch chosen on the uniform test images, in percent.

    Parameters
    ----------
    table : DataFrame
    test_set : str, default="uniform"
        Whose accuracies are shown.

    Returns
    -------
    DataFrame of shape (methods, 4)
        Number of trainings in which the last epochs were measured, and means over these: "last epoch", "best epoch on
        the test images (optimistic)" and their difference in points, "flattery". Without rows if there is no such
        training.
    """
    suffix = "_best_epoch"
    if len(table):
        _one_recipe(table)
    measured = table[table["method"].str.endswith(suffix) & (table["metric"] == "accuracy")]["method"].unique()
    found = {}
    for method in (name.removesuffix(suffix) for name in measured):
        best = 100 * _wide(table, f"{method}{suffix}", "accuracy")[test_set]
        last = 100 * _wide(table, method, "accuracy")[test_set].loc[best.index]
        found[name_of(method)] = {
            "trainings": len(best),
            "last epoch": last.mean(),
            "best epoch on the test images (optimistic)": best.mean(),
            "flattery": (best - last).mean(),
        }
    return pd.DataFrame.from_dict(found, orient="index")


def certainty(table: pd.DataFrame, reference: str = "equal") -> pd.DataFrame:
    """Gain of learned weights in each training, with its standard error over the test images, in points.

    Parameters
    ----------
    table : DataFrame
    reference : "equal" or "expert_2", default="equal"

    Returns
    -------
    DataFrame
        One row for each training and test set; columns "gain" and "standard error".
    """
    _one_recipe(table)
    gain = _wide(table, "learned", "accuracy") - _wide(table, reference, "accuracy")
    errors = _wide(table, "learned", f"error_over_{reference}")
    test_sets = _in_order(errors.columns)
    frame = pd.concat(
        {"gain": gain.loc[errors.index, test_sets].stack(), "standard error": errors[test_sets].stack()}, axis=1
    )
    return 100 * frame.rename_axis(["training", "test set"])


def gains_by_training(table: pd.DataFrame, pairs: Sequence[tuple[str, str]], test_sets: Sequence[str]) -> pd.DataFrame:
    """Differences in accuracy of pairs of methods: their mean and, where one run may carry it, the median beside it.

    Parameters
    ----------
    table : DataFrame
    pairs : sequence of (str, str)
        Method and reference.
    test_sets : sequence of str

    Returns
    -------
    DataFrame
        One row for each pair and test set. Columns, in points: "trainings", "mean" and "95 % of it" (Student's t),
        "median" and "95 % of the median" (BCa bootstrap, empty for fewer than six trainings), "lowest", "highest", and
        "losses", how many trainings are below zero.
    """
    found = {}
    for method, reference in pairs:
        wide = 100 * (_wide(_one_recipe(table), method, "accuracy") - _wide(table, reference, "accuracy"))
        for test_set in test_sets:
            each = wide[test_set].dropna().to_numpy(dtype=np.float64)
            mean = mean_interval(each) if len(each) > 1 else None
            median = bca_interval(each, statistic=np.median, random_state=0) if len(each) > FEW else None
            found[f"{name_of(method)} over {name_of(reference)}", test_set] = {
                "trainings": len(each),
                "mean": each.mean(),
                "95 % of it": f"{mean.low:+.1f} to {mean.high:+.1f}" if mean else "",
                "median": np.median(each),
                "95 % of the median": f"{median.low:+.1f} to {median.high:+.1f}" if median else "",
                "lowest": each.min(),
                "highest": each.max(),
                "losses": int((each < 0).sum()),
            }
    return pd.DataFrame.from_dict(found, orient="index").rename_axis(["difference", "test set"])


def places_ahead(table: pd.DataFrame, reference: str, method: str = "learned") -> str:
    """Say on which test sets a method is ahead of another, in the mean over trainings.

    Parameters
    ----------
    table : DataFrame
    reference : str
    method : str, default="learned"

    Returns
    -------
    str
        For example "against equal weights: ahead on 3 of 4 test sets (f 50 to u), behind on 1 (b 50), 2 trainings".
    """
    wide = _wide(_one_recipe(table), method, "accuracy") - _wide(table, reference, "accuracy")
    test_sets = _in_order(wide.columns)
    means = wide[test_sets].mean()

    def among(chosen: npt.NDArray[np.bool_]) -> str:
        runs: list[list[str]] = []
        for place, name in enumerate(test_sets):
            if chosen[place]:
                if place and chosen[place - 1]:
                    runs[-1].append(name)
                else:
                    runs.append([name])
        words = [short_name(run[0]) + (f" to {short_name(run[-1])}" if len(run) > 1 else "") for run in runs]
        return f" ({', '.join(words)})" if words else ""

    ahead, behind = (means > 0).to_numpy(), (means < 0).to_numpy()
    number = len(wide.dropna())
    return (
        f"against {name_of(reference)}: ahead on {ahead.sum()} of {len(test_sets)} test sets{among(ahead)}, behind on "
        f"{behind.sum()}{among(behind)}, {number} training{'s' * (number > 1)}"
    )


def trainings(experiment: Experiment, tables: Mapping[str, pd.DataFrame | None]) -> pd.DataFrame:
    """How many of the declared trainings on CIFAR-100-LT have been run, in words.

    Parameters
    ----------
    experiment : Experiment
        ``sade.experts``.
    tables : mapping of profile to DataFrame or None
        Its tables as far as there are any.

    Returns
    -------
    DataFrame of str
        Rows: methods as they are trained. Columns: recipe and imbalance ratio. Entries as "1 of 3", empty where nothing
        is declared.
    """
    found = []
    for profile, table in tables.items():
        there = set() if table is None else set(table["cell"])
        for cell in experiment.cells_of(profile):
            if not str(cell.parameters["recipe"]).startswith("digits"):
                column = f"{cell.parameters['recipe']}, ratio {cell.parameters['ratio']}"
                found.append((name_of(str(cell.parameters["method"])), column, cell.id in there))
    frame = pd.DataFrame(found, columns=["trained", "recipe", "run"])
    counted = frame.groupby(["trained", "recipe"], sort=False)["run"].agg(["sum", "size"])
    words = (counted["sum"].astype(str) + " of " + counted["size"].astype(str)).unstack(fill_value="")
    return words.loc[frame["trained"].unique(), frame["recipe"].unique()].rename_axis(None).rename_axis(None, axis=1)
