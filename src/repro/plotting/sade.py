"""Figures and tables of the study `sade`, from the table of ``sade.experts`` with networks of one recipe and ratio.

All raise ValueError for a table that mixes recipes or ratios, or lacks what they show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.metrics import bca_interval, mean_interval
from repro.plotting.figures import Shown, key_entry
from repro.plotting.shared import THIRD, chosen, differences, forest, lines, panel_axes, shown, summarise
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
    columns = [*([panel] if panel else []), series]
    found = summarise(values[values["test_set"].isin(order)], [*columns, "test_set"])
    means = found.set_index([*columns, "test_set"])["estimate"]
    found = chosen(found, **{column: values[column].unique() for column in columns}, test_set=order)
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

    `counts` are their training images. More than twenty classes are drawn as means of neighbours, ten points in all.
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
        chosen(found, method=methods),
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
    """Draw the learned weights over the eleven test sets, one panel for each kind of experts."""
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
    """Draw differences in accuracy of pairs of method and reference over the test sets."""
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

    ylabel = (
        f"accuracy over {name_of(*references)} (points)" if len(references) == 1 else "difference in accuracy (points)"
    )
    return _over_test_sets(values, series, names=names, level=0.0, ylabel=ylabel, title=finding, caption=caption)


def _grid(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, pd.DataFrame]]:
    """Rows of the run with a grid; weights at the triangle's points; agreement and accuracy there by test set."""
    rows = _one_recipe(table)[table["method"] == "grid"]
    if rows.empty:
        raise ValueError("table has no rows of method 'grid'")
    wide = {
        str(test_set): part.pivot(index="class_label", columns="metric", values="value")
        for test_set, part in rows.fillna({"test_set": ""}).groupby("test_set")
    }
    run = table[table["replicate"] == rows["replicate"].iloc[0]]
    return run, wide[""], {test_set: wide[test_set] for test_set in _in_order(wide)}


def tops(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy where the method ends, where agreement is highest and where accuracy is, for the run with a grid.

    In percent, one row for each test set with a grid.
    """
    run, _, grids = _grid(table)
    learned = _wide(run, "learned", "accuracy").iloc[0]
    found = {
        test_set: {
            "at the learned weights": learned[test_set],
            "at the highest agreement": grid["accuracy"].iloc[grid["cosine"].argmax()],
            "highest": grid["accuracy"].max(),
        }
        for test_set, grid in grids.items()
    }
    return 100 * pd.DataFrame(found).T


def landscapes(table: pd.DataFrame) -> Shown:
    """Draw what learned weights and the top of the objective miss of the highest accuracy, over all test sets."""
    found = tops(table)
    missed = found.drop(columns="highest").sub(found["highest"], axis=0)
    values = missed.rename_axis("test_set").reset_index().melt("test_set", var_name="where").sort_values("where")
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
        "misses is the error of the objective; what lies between the lines is the error of the climb.",
    )


def surfaces(table: pd.DataFrame, test_sets: Sequence[str] = ("forward-50", "uniform", "backward-50")) -> Shown:
    """Draw accuracy as colour and agreement of views as lines for all weights of three experts, a triangle a test set.

    Test sets without a grid are left out.
    """
    run, points, grids = _grid(table)
    learned = chosen(run, method="learned", metric=["weight_1", "weight_3"]).pivot(
        index="test_set", columns="metric", values="value"
    )
    first, third = (points[name].to_numpy(dtype=np.float64) for name in ("weight_1", "weight_3"))

    def corner(first: Any, third: Any) -> tuple[Any, Any]:
        second = 1 - first - third  # first expert left, third right, second on top
        return third + second / 2, second * np.sqrt(3) / 2

    x, y = corner(first, third)
    corners = {"1st": (0, 0, "right"), "3rd": (1, 0, "left"), "2nd": (0.5, np.sqrt(3) / 2 + 0.03, "center")}
    marks = {"highest agreement": "D", "highest accuracy": "*", "learned weights": "o"}
    look: dict[str, Any] = {"color": "#ffffff", "markeredgecolor": "#1b1b1b", "clip_on": False}
    found = []
    with book_style():
        drawn = panel_axes(sum(name in grids for name in test_sets), (THIRD[0], 2.75))
        for (figure, axes), test_set in zip(drawn, [name for name in test_sets if name in grids], strict=True):
            cosine, accuracy = (grids[test_set][name].to_numpy(dtype=np.float64) for name in ("cosine", "accuracy"))
            levels = 100 * np.linspace(accuracy.min(), accuracy.max(), 9)
            filled = axes.tricontourf(x, y, 100 * accuracy, levels=levels, cmap="viridis")
            steps = cosine.max() - np.ptp(cosine) * 0.5 ** np.arange(6)  # each halves the distance to the top
            axes.tricontour(x, y, cosine, levels=steps[1:], colors="#ffffff", linewidths=0.7)
            best = {"highest agreement": int(cosine.argmax()), "highest accuracy": int(accuracy.argmax())}
            places = {name: (x[k], y[k]) for name, k in best.items()}
            if test_set in learned.index:
                places["learned weights"] = corner(*learned.loc[test_set])
            for name, place in places.items():
                axes.plot(*place, marks[name], markersize=7 + 4 * (marks[name] == "*"), **look)
            for text, (right, up, side) in corners.items():
                axes.text(right, up, f" {text} ", ha=side, va="bottom")
            axes.set_axis_off()
            axes.set(aspect="equal", xlim=(-0.14, 1.14), ylim=(-0.03, 1.0))
            axes.set_title(name_of(test_set, "test_set").replace(", ", ",\n"))
            bar = figure.colorbar(filled, ax=axes, location="bottom", shrink=0.85, pad=0.02, label="accuracy (%)")
            bar.set_ticks(list(levels[[0, -1]]), labels=[f"{level:.1f}" for level in levels[[0, -1]]])
            weights_at = {
                f"{name} at": f"{first[k]:.2f}, {1 - first[k] - third[k]:.2f}, {third[k]:.2f}"
                for name, k in best.items()
            }
            reached = [f"{100 * accuracy[k]:.1f}" for k in best.values()]
            columns = ("accuracy at the highest agreement", "highest accuracy")
            found.append(
                {"test set": name_of(test_set, "test_set")} | weights_at | dict(zip(columns, reached, strict=True))
            )
    apart = [f"{float(row[columns[1]]) - float(row[columns[0]]):.1f}" for row in found]
    return shown(
        [axes for _, axes in drawn],
        {
            "title": f"Climbing agreement to its top costs {', '.join(apart)} points of accuracy on these test sets",
            "caption": "Every point of a triangle is a set of weights; a corner is one expert alone. The method "
            "climbs the lines, each of which halves the distance to the top; the reader wants the brightest spot. One "
            "training run.",
        },
        f"{len(drawn)} triangles of weights, accuracy as colour, agreement of views as lines, with marks where both "
        "are highest",
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
            f"Weights that agree more are more accurate on {(lowest > 0).sum()} of {len(lowest)} test sets, least at "
            f"{short_name(str(lowest.idxmin()))} ({lowest.min():+.2f})"
        )

    caption = (
        "Over 231 sets of weights: do weights that agree more know more? Below zero the objective points the wrong way."
    )
    return _over_test_sets(
        values, "measure", ylabel="rank correlation with agreement", level=0.0, title=finding, caption=caption
    )


def gains_by_views(table: pd.DataFrame) -> Shown:
    """Draw the gain of learned over equal weights for weak, usual and strong views (table of ``sade.views``)."""
    order = ["weak", "usual", "strong"]
    rows = chosen(table, metric="gain", views=order)
    if rows.empty:
        raise ValueError("table has no rows of metric 'gain'")
    values = rows.assign(value=100 * rows["value"])
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
    table: pd.DataFrame, opponents: Sequence[str], test_sets: Sequence[str] = ("forward-50", "uniform", "backward-50")
) -> Shown:
    """Draw how far learned weights are ahead of other methods, one panel for each test set."""
    rows = _rows(_one_recipe(table), "accuracy", ["learned", *opponents], 100)
    values = differences(rows, [("learned", name) for name in opponents], ["test_set"])
    values = values.assign(method=values["reference"])
    found = summarise(chosen(values, test_set=test_sets, method=opponents), ["test_set", "method"])
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
    """Mean accuracy of methods on the test sets, from the one most like the training set to its opposite, in percent.

    The metric is "accuracy" on the drawn test sets, or "reweighted_accuracy", from the recalls of all test images.
    """
    means = {name_of(method): _wide(_one_recipe(table), method, metric).mean() for method in methods}
    frame = 100 * pd.DataFrame(means).T
    return frame[_in_order(frame.columns)].rename_axis(columns="test set")


def best_epochs(table: pd.DataFrame, test_set: str = "uniform") -> pd.DataFrame:
    """Accuracy of the last epoch beside that of the epoch chosen on the uniform test images, in percent.

    One row for each method with trainings in which both were measured: their number, and means over them.
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

    The reference is "equal" or "expert_2"; there is one row for each training and test set.
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

    One row for each pair of method and reference and each test set, in points. Intervals are Student's t and, from six
    trainings on, the BCa bootstrap; losses are the trainings below zero.
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

    For example "against equal weights: ahead on 3 of 4 test sets (f 50 to u), behind on 1 (b 50), 2 trainings".
    """
    wide = _wide(_one_recipe(table), method, "accuracy") - _wide(table, reference, "accuracy")
    test_sets = _in_order(wide.columns)
    means = wide[test_sets].mean()

    def among(found: npt.NDArray[np.bool_]) -> str:
        runs = [
            [name for name, _ in run]
            for there, run in groupby(zip(test_sets, found, strict=True), itemgetter(1))
            if there
        ]
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

    From ``sade.experts`` and its tables, as far as there are any, by profile. One row for each method as it is trained,
    one column for each recipe and imbalance ratio; entries as "1 of 3", empty where nothing is declared.
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
