"""Figures of the SADE chapter. Each takes a table and returns a picture with its text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.metrics import bca_interval, mean_interval
from repro.plotting.figures import PALETTE, Shown, book_style, show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from repro.protocol.experiment import Experiment

Floats = npt.NDArray[np.float64]

METHOD_STYLES: Final[Mapping[str, dict[str, Any]]] = {
    "expert_1": {"color": PALETTE["blue"], "marker": "o", "linestyle": "-"},
    "expert_2": {"color": PALETTE["green"], "marker": "s", "linestyle": "--"},
    "expert_3": {"color": PALETTE["orange"], "marker": "^", "linestyle": "-."},
    "equal": {"color": PALETTE["black"], "marker": "x", "linestyle": ":"},
    "learned": {"color": PALETTE["purple"], "marker": "D", "linestyle": "-"},
    "longer": {"color": PALETTE["sky"], "marker": "v", "linestyle": "--"},
    "oracle": {"color": PALETTE["grey"], "marker": "*", "linestyle": ":"},
    "inner": {"color": PALETTE["green"], "marker": "<", "linestyle": "--"},
    "entropy": {"color": PALETTE["orange"], "marker": ">", "linestyle": "-."},
    "equal_augmented": {"color": PALETTE["orange"], "marker": "X", "linestyle": "--"},
    "tau2_equal": {"color": PALETTE["sky"], "marker": "v", "linestyle": "--"},
    "tau2_learned": {"color": PALETTE["orange"], "marker": "P", "linestyle": "--"},
    "balanced_power": {"color": PALETTE["sky"], "marker": "v", "linestyle": "--"},
    "three_balanced": {"color": PALETTE["blue"], "marker": "s", "linestyle": "--"},
    "three_balanced_power": {"color": PALETTE["orange"], "marker": "P", "linestyle": "-."},
    "three_balanced_known": {"color": PALETTE["grey"], "marker": "*", "linestyle": ":"},
}
"""Colour, marker and line of each method, the same in every figure of the chapter."""

METHOD_NAMES: Final[Mapping[str, str]] = {
    "expert_1": "first expert",
    "expert_2": "second expert",
    "expert_3": "third expert",
    "equal": "equal weights",
    "learned": "learned weights",
    "longer": "learned in 25 epochs",
    "oracle": "best weights, which know the labels",
    "inner": "inner product",
    "entropy": "low entropy",
    "equal_augmented": "equal weights, augmented images",
    "tau2_expert_3": "third expert, tau = 2",
    "tau2_equal": "equal weights, tau = 2",
    "tau2_learned": "learned weights, tau = 2",
    "cross_entropy": "one network, cross-entropy",
    "cross_entropy_known": "one network, cross-entropy + true prior",
    "cross_entropy_power": "one network, cross-entropy + estimated power",
    "balanced": "one balanced network",
    "balanced_power": "one balanced network + estimated power",
    "balanced_em": "one balanced network + most likely prior",
    "balanced_known": "one balanced network + true prior",
    "sade": "three experts with different skills",
    "ldam_drw": "one network, LDAM-DRW",
    "focal": "one network, focal loss",
    "lade": "one network, LADE",
    "ride": "three experts of RIDE, first stage",
    "decoupled": "one network, cross-entropy, linear classifier",
    "linear": "one network, cross-entropy, linear classifier",
    "tau_norm": "the same, normalised classifier",
    "crt": "the same, retrained classifier",
    "three_balanced": "three balanced experts",
    "three_balanced_power": "three balanced experts + estimated power",
    "three_balanced_known": "three balanced experts + true prior",
}

COLUMNS: Final = 4
MOST_CLASSES: Final = 20
TENTHS: Final = 10
FEW: Final = 5
"""With no more trainings the bootstrap of a median says nothing."""
EXPERTS: Final = ("expert_1", "expert_2", "expert_3")
GROUPS: Final[Mapping[str, str]] = {"many": "many (over 100)", "medium": "medium (20 to 100)", "few": "few (under 20)"}
"""Groups of classes by training images, and how an axis names them."""
MEASURES: Final[Mapping[str, tuple[str, str]]] = {
    "stability_information": ("information", "expert_1"),
    "stability_certainty": ("certainty", "expert_2"),
    "stability_accuracy": ("accuracy", "expert_3"),
}
_ON_SURFACE: Final[Mapping[str, Any]] = {
    "linestyle": "",
    "color": "white",
    "markeredgecolor": "black",
    "clip_on": False,
    "zorder": 5,
}
VIEW_STYLES: Final[Mapping[str, str]] = {"weak": "expert_1", "usual": "learned", "strong": "expert_3"}


def _name(method: str) -> str:
    return METHOD_NAMES.get(method, method.replace("_", " "))


def _style(method: str) -> dict[str, Any]:
    return METHOD_STYLES.get(method, {"color": PALETTE["grey"], "marker": "h", "linestyle": ":"})


def _one_recipe(table: pd.DataFrame) -> pd.DataFrame:
    """Give the table back if all its networks were trained alike on one training set: others cannot be compared."""
    found = sorted(f"{recipe} {ratio}" for recipe, ratio in set(zip(table["recipe"], table["ratio"], strict=True)))
    if len(found) != 1:
        raise ValueError(
            f"table must hold networks of one recipe and one imbalance ratio, found {', '.join(found) or 'no rows'}"
        )
    return table


def _wide(table: pd.DataFrame, method: str, metric: str, column: str = "test_set") -> pd.DataFrame:
    """Values of a method, one row for each replicate, one column for each test set or class."""
    rows = table[(table["method"] == method) & (table["metric"] == metric) & table[column].notna()]
    if rows.empty:
        known = sorted(table.loc[table["metric"] == metric, "method"].unique())
        raise ValueError(f"table has no {metric} of method {method!r}; it has {', '.join(known) or 'none'}")
    return rows.pivot(index="replicate", columns=column, values="value")


def _in_order(test_sets: Sequence[str]) -> list[str]:
    """Test sets from the one most like the training set to its opposite; others are left out."""
    signs = {"forward": -1.0, "uniform": 0.0, "backward": 1.0}
    parts = {name: name.partition("-") for name in test_sets}
    places = {name: signs[kind] * float(ratio or 0) for name, (kind, _, ratio) in parts.items() if kind in signs}
    return sorted(places, key=places.__getitem__)


def _spread(wide: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    """Means over replicates and the ends of their 95 % intervals; one replicate has no interval."""
    found = []
    for name in wide.columns:
        values = wide[name].dropna().to_numpy(dtype=np.float64)
        if len(values) > 1:
            interval = mean_interval(values)
            found.append((interval.estimate, interval.low, interval.high))
        else:
            found.append((values.mean() if len(values) else np.nan,) * 3)
    means, low, high = np.array(found, dtype=np.float64).T
    return means, low, high


def _curve(axes: Axes, x: Floats, wide: pd.DataFrame, style: dict[str, Any], label: str) -> Floats:
    """Draw means with their intervals; returns the means."""
    means, low, high = _spread(wide)
    axes.errorbar(x, means, yerr=[means - low, high - means], **style, elinewidth=1.1, label=label)
    return means


def short_name(test_set: str) -> str:
    """Give the name of a test set as it stands on an axis: "f 50" for "forward-50", "u" for "uniform"."""
    return (
        test_set.replace("forward-", "f\N{NO-BREAK SPACE}")
        .replace("backward-", "b\N{NO-BREAK SPACE}")
        .replace("uniform", "u")
    )


def _test_set_axis(axes: Axes, test_sets: Sequence[str], *, label: bool = True) -> Floats:
    places = np.arange(len(test_sets), dtype=np.float64)
    axes.set_xticks(places, [short_name(name) for name in test_sets])
    if label:
        axes.set_xlabel("test set (f: tail as in training, u: uniform, b: inverse tail; imbalance ratio)")
    return places


def _replicates(drawn: Iterable[pd.DataFrame]) -> str:
    """Over how many training runs the points of a figure are means; every frame has one row for each run."""
    numbers = {int(number) for wide in drawn for number in wide.notna().sum()}
    if max(numbers) <= 1:
        return "One training run."
    if len(numbers) == 1:
        return f"Means and 95 % intervals over {max(numbers)} training runs."
    return f"Means over {min(numbers)} to {max(numbers)} training runs, with 95 % intervals where there are several."


def recalls(table: pd.DataFrame, counts: Sequence[int] | npt.ArrayLike, methods: Sequence[str] = EXPERTS) -> Shown:
    """Draw the recall of every class, from the class with most training images to the one with fewest.

    More than twenty classes are drawn as means of neighbours, ten points in all.

    Parameters
    ----------
    table : DataFrame
        Table of ``sade.experts`` with networks of one recipe and ratio.
    counts : array-like of shape (C,)
        Training images of every class.
    methods : sequence of str, default=EXPERTS

    Raises
    ------
    ValueError
        If the table mixes recipes or ratios, lacks a method, or `counts` has not one entry for each class.
    """
    import matplotlib.pyplot as plt

    _one_recipe(table)
    sizes = np.asarray(counts)
    parts = np.array_split(np.arange(len(sizes)), len(sizes) if len(sizes) <= MOST_CLASSES else TENTHS)
    one_each = len(parts) == len(sizes)
    spoken = []
    drawn: list[pd.DataFrame] = []
    with book_style():
        figure, axes = plt.subplots(figsize=(7.6, 4.2))
        for number, method in enumerate(methods):
            wide = 100 * _wide(table, method, "recall", "class_label")
            if sizes.shape != (wide.shape[1],):
                raise ValueError(f"counts must have one entry for each of {wide.shape[1]} classes, got {sizes.shape}")
            if not one_each:
                wide = pd.DataFrame({k: wide.iloc[:, part].mean(axis=1) for k, part in enumerate(parts)})
            places = np.arange(len(parts), dtype=np.float64) + 0.08 * (number - (len(methods) - 1) / 2)
            drawn.append(wide)
            means = _curve(axes, places, wide, _style(method), _name(method))
            ends = ("class", "class") if one_each else ("tenth of the classes", "tenth")
            spoken.append(
                f"{_name(method)}: {means[0]:.0f} on the largest {ends[0]}, {means[-1]:.0f} on the smallest {ends[1]}"
            )
        names = [str(sizes[part[0]]) if one_each else f"{sizes[part[0]]}\nto {sizes[part[-1]]}" for part in parts]
        axes.set_xticks(range(len(parts)), names)
        axes.set(xlabel="training images of the class", ylabel="recall on balanced test images (%)", ylim=(-3, 103))
        figure.legend(loc="outside lower center", ncols=min(4, len(methods)))
    return show(
        figure,
        alt="One line for each expert over the classes from head to tail. Recall in percent: "
        + "; ".join(spoken)
        + ".",
        caption="Recall from the head of the tail to its end"
        + ("" if one_each else f", means of {len(parts[0])} neighbouring classes")
        + f". {_replicates(drawn)}",
    )


def steadiness(table: pd.DataFrame) -> Shown:
    """Draw how much each expert's predictions agree on two views, by group of classes.

    Parameters
    ----------
    table : DataFrame
        Table of ``sade.experts`` with networks of one recipe and ratio.

    Raises
    ------
    ValueError
        If the table mixes recipes or ratios, or holds no agreement.
    """
    import matplotlib.pyplot as plt

    _one_recipe(table)
    measured = [group for group in GROUPS if (table["metric"] == f"cosine_{group}").any()]
    if not measured:
        raise ValueError("table has no cosine_many, cosine_medium or cosine_few")
    spoken = []
    drawn: list[pd.DataFrame] = []
    with book_style():
        figure, axes = plt.subplots(figsize=(6.4, 3.8))
        for number, method in enumerate(EXPERTS):
            wide = pd.concat(
                {
                    group: table[(table["method"] == method) & (table["metric"] == f"cosine_{group}")].set_index(
                        "replicate"
                    )["value"]
                    for group in measured
                },
                axis=1,
            )
            places = np.arange(len(measured), dtype=np.float64) + 0.1 * (number - 1)
            drawn.append(wide)
            means = _curve(axes, places, wide, _style(method), _name(method))
            spoken.append(
                f"{_name(method)}: " + ", ".join(f"{g} {m:.3f}" for g, m in zip(measured, means, strict=True))
            )
        axes.set_xticks(range(len(measured)), [GROUPS[group] for group in measured])
        axes.set(xlabel="training images of the class", ylabel="agreement of two views (cosine)")
        figure.legend(loc="outside lower center", ncols=3)
    return show(
        figure,
        alt="One line for each expert over three groups of classes. Mean cosine: " + "; ".join(spoken) + ".",
        caption=f"How steady is each expert when the image is changed a little? {_replicates(drawn)}",
    )


def weights(table: pd.DataFrame, methods: Sequence[str] = ("learned", "three_balanced_learned")) -> Shown:
    """Draw the learned weights over the eleven test sets, one panel for each kind of experts.

    Parameters
    ----------
    table : DataFrame
        Table of ``sade.experts`` with networks of one recipe and ratio.
    methods : sequence of str
        Methods with rows ``weight_1`` to ``weight_3``.

    Raises
    ------
    ValueError
        If the table mixes recipes or ratios, or lacks a method.
    """
    import matplotlib.pyplot as plt

    _one_recipe(table)
    titles = {"learned": "experts with different skills", "three_balanced_learned": "experts trained alike"}
    spoken = []
    drawn: list[pd.DataFrame] = []
    with book_style():
        figure, panels = plt.subplots(1, len(methods), figsize=(5.1 * len(methods), 4.3), sharey=True, squeeze=False)
        for axes, method in zip(panels[0], methods, strict=True):
            title = titles.get(method, _name(method))
            axes.axhline(1 / 3, color=PALETTE["grey"], linewidth=1)
            for number, expert in enumerate(EXPERTS, start=1):
                wide = _wide(table, method, f"weight_{number}")
                test_sets = _in_order(list(wide.columns))
                places = _test_set_axis(axes, test_sets, label=False)
                drawn.append(wide[test_sets])
                means = _curve(axes, places + 0.1 * (number - 2), wide[test_sets], _style(expert), _name(expert))
                middle = means[len(means) // 2]
                spoken.append(f"{title}, {_name(expert)}: {means[0]:.2f}, {middle:.2f}, {means[-1]:.2f}")
            axes.set_title(title)
        panels[0, 0].set(ylabel="learned weight", ylim=(0, min(1.0, panels[0, 0].get_ylim()[1])))
        apart = " " if len(methods) > 1 else "\n"
        figure.supxlabel(
            f"test set (f: tail as in training, u: uniform,{apart}b: inverse tail; imbalance ratio)", fontsize="medium"
        )
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return show(
        figure,
        alt="Weights of three experts over eleven test sets. At the first, the middle and the last test set: "
        + "; ".join(spoken)
        + ".",
        caption="Nobody told the method which test set it sees. The grey line is one third. " + _replicates(drawn),
    )


def gains(table: pd.DataFrame, pairs: Sequence[tuple[str, str]], *, caption: str) -> Shown:
    """Draw differences in accuracy of pairs of methods over the test sets.

    Parameters
    ----------
    table : DataFrame
        Table of ``sade.experts`` with networks of one recipe and ratio.
    pairs : sequence of (str, str)
        Method and reference.
    caption : str

    Raises
    ------
    ValueError
        If the table mixes recipes or ratios, or lacks a method.
    """
    import matplotlib.pyplot as plt

    _one_recipe(table)
    references = {reference for _, reference in pairs}
    shared = _name(references.pop()) if len(references) == 1 else ""
    spoken = []
    drawn: list[pd.DataFrame] = []
    with book_style():
        figure, axes = plt.subplots(figsize=(7.8, 4.3))
        axes.axhline(0, color=PALETTE["black"], linewidth=1)
        for number, (method, reference) in enumerate(pairs):
            difference = 100 * (_wide(table, method, "accuracy") - _wide(table, reference, "accuracy"))
            test_sets = _in_order(list(difference.columns))
            places = _test_set_axis(axes, test_sets) + 0.09 * (number - (len(pairs) - 1) / 2)
            label = _name(method) if shared else f"{_name(method)} over {_name(reference)}"
            style = _style(method if shared else reference)
            drawn.append(difference[test_sets])
            means = _curve(axes, places, difference[test_sets], style, label)
            ends = (0, len(means) // 2, len(means) - 1)
            spoken.append(f"{label}: " + ", ".join(f"{means[k]:+.1f} ({test_sets[k]})" for k in ends))
        axes.set_ylabel(f"accuracy over {shared} (points)" if shared else "difference in accuracy (points)")
        figure.legend(loc="outside lower center", ncols=2 if shared else 1)
    return show(
        figure,
        alt="One line for each comparison over eleven test sets. Points: " + "; ".join(spoken) + ".",
        caption=f"{caption} {_replicates(drawn)}",
    )


def _corner_coordinates(first: Floats, third: Floats) -> tuple[Floats, Floats]:
    """Place in the triangle: first expert left, third right, second on top."""
    second = 1 - first - third
    return third + second / 2, second * np.sqrt(3) / 2


def _learned_weights(table: pd.DataFrame) -> dict[str, Floats]:
    """First and third learned weight of one training run by test set; empty where the table has none."""
    rows = table[(table["method"] == "learned") & table["metric"].isin(["weight_1", "weight_3"])]
    wide = rows.pivot(index="test_set", columns="metric", values="value")
    return dict(zip(wide.index, wide.to_numpy(dtype=np.float64), strict=True))


def _grid(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Weights of the points of the triangle, and agreement and accuracy there by test set, of the run that has them."""
    rows = _one_recipe(table)[table["method"] == "grid"]
    if rows.empty:
        raise ValueError("table has no rows of method 'grid'")
    points = rows[rows["test_set"].isna()].pivot(index="class_label", columns="metric", values="value")
    values = {
        test_set: rows[rows["test_set"] == test_set].pivot(index="class_label", columns="metric", values="value")
        for test_set in _in_order(list(rows["test_set"].dropna().unique()))
    }
    return points, values


def _run_with_grid(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the training run whose surfaces the table holds."""
    with_grid = table.loc[table["method"] == "grid", "replicate"]
    found: pd.DataFrame = table[table["replicate"] == with_grid.iloc[0]]
    return found


def _corners(axes: Axes) -> None:
    """Name the experts at the corners of a triangle of weights and leave out the frame."""
    for (x, y), text, side in (
        ((0, 0), "1st", "right"),
        ((1, 0), "3rd", "left"),
        ((0.5, np.sqrt(3) / 2), "2nd", "center"),
    ):
        axes.text(x, y + (0.03 if side == "center" else 0), f" {text} ", ha=side, va="bottom")
    axes.set_axis_off()
    axes.set(aspect="equal", xlim=(-0.12, 1.12), ylim=(-0.03, 1.0))


def _levels(values: Floats) -> Floats:
    """From the lowest point every level halves the distance to the top."""
    levels: Floats = values.max() - np.ptp(values) * np.array([*0.5 ** np.arange(6), 0.0])
    return levels


def landscapes(table: pd.DataFrame) -> Shown:
    """Draw accuracy as colour and agreement as lines for all weights of three experts, one triangle for each test set.

    Parameters
    ----------
    table : DataFrame
        Table of ``sade.experts`` with networks of one recipe and ratio, and rows of method ``grid`` of one training.

    Raises
    ------
    ValueError
        If the table mixes recipes or ratios, or holds no grid.
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import BoundaryNorm

    points, values = _grid(table)
    learned = _learned_weights(_run_with_grid(table))
    x, y = _corner_coordinates(*(points[name].to_numpy(dtype=np.float64) for name in ("weight_1", "weight_3")))
    spoken = []
    with book_style():
        n_rows = -(-len(values) // COLUMNS)
        figure, panels = plt.subplots(n_rows, COLUMNS, figsize=(2.5 * COLUMNS, 2.5 * n_rows), squeeze=False)
        for axes in panels.ravel()[len(values) :]:
            axes.set_axis_off()
        for axes, (test_set, grid) in zip(panels.ravel(), values.items(), strict=False):
            cosine, accuracy = (grid[name].to_numpy(dtype=np.float64) for name in ("cosine", "accuracy"))
            levels = _levels(accuracy)
            axes.tricontourf(x, y, accuracy, levels=levels, norm=BoundaryNorm(levels, 256), cmap="viridis")
            axes.tricontour(x, y, cosine, levels=_levels(cosine)[1:-1], colors="white", linewidths=0.8)
            at, top = int(cosine.argmax()), int(accuracy.argmax())
            axes.plot(x[at], y[at], "D", markersize=8, label="highest agreement", **_ON_SURFACE)
            axes.plot(x[top], y[top], "*", markersize=13, label="highest accuracy", **_ON_SURFACE)
            if test_set in learned:
                axes.plot(
                    *_corner_coordinates(*learned[test_set]), "o", markersize=7, label="learned weights", **_ON_SURFACE
                )
            _corners(axes)
            axes.set_title(test_set)
            spoken.append(
                f"{test_set}: {100 * accuracy[at]:.1f} at the highest agreement, {100 * accuracy[top]:.1f} at most"
            )
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return show(
        figure,
        alt="One triangle of weights for each test set, accuracy as colour, agreement as lines. Accuracy in percent: "
        + "; ".join(spoken)
        + ".",
        caption="Colour: accuracy, brighter is better. Lines: agreement of two views; each line halves the distance to "
        "its top, the diamond. Where diamond and star lie apart, the objective points the wrong way. One training run.",
    )


def surfaces(table: pd.DataFrame, test_sets: Sequence[str] = ("forward-50", "uniform", "backward-50")) -> Shown:
    """Draw agreement of two views and accuracy for all weights of three experts, one column for each test set.

    Parameters
    ----------
    table : DataFrame
        Table of ``sade.experts`` with networks of one recipe and ratio, and rows of method ``grid`` of one training.
    test_sets : sequence of str
        From left to right; those without a grid are left out.

    Raises
    ------
    ValueError
        If the table mixes recipes or ratios, or holds no grid.
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import BoundaryNorm

    points, grids = _grid(table)
    test_sets = [name for name in test_sets if name in grids]
    found = _learned_weights(_run_with_grid(table))
    first, third = (points[name].to_numpy(dtype=np.float64) for name in ("weight_1", "weight_3"))
    x, y = _corner_coordinates(first, third)
    scales = {"cosine": ("agreement of views (cosine)", 1.0, "{:.3f}"), "accuracy": ("accuracy (%)", 100.0, "{:.1f}")}
    marks = {"cosine": ("highest agreement", "D", 9), "accuracy": ("highest accuracy", "*", 14)}
    spoken = []
    with book_style():
        figure, panels = plt.subplots(2, len(test_sets), figsize=(3.5 * len(test_sets), 6.8), squeeze=False)

        def words(place: int) -> str:
            return f"{first[place]:.2f}, {1 - first[place] - third[place]:.2f}, {third[place]:.2f}"

        for column, test_set in enumerate(test_sets):
            grid = grids[test_set]
            best = {metric: int(grid[metric].to_numpy().argmax()) for metric in scales}
            for row, (metric, (label, factor, style)) in enumerate(scales.items()):
                axes = panels[row, column]
                values = factor * grid[metric].to_numpy(dtype=np.float64)
                levels = _levels(values)
                norm = BoundaryNorm(levels, 256)
                filled = axes.tricontourf(x, y, values, levels=levels, norm=norm, cmap="viridis")
                axes.tricontour(x, y, values, levels=levels[1:-1], colors="white", linewidths=0.7)
                bar = figure.colorbar(
                    filled, ax=axes, orientation="horizontal", shrink=0.9, pad=0.02, label=label, spacing="uniform"
                )
                bar.set_ticks(list(levels), labels=[style.format(level) for level in levels])
                bar.ax.tick_params(labelsize=6.5)
                for name, place in best.items():
                    text, marker, size = marks[name]
                    axes.plot(x[place], y[place], marker, markersize=size, label=text, **_ON_SURFACE)
                if test_set in found:
                    spot = _corner_coordinates(*found[test_set])
                    axes.plot(*spot, "o", markersize=7, label="learned weights", **_ON_SURFACE)
                _corners(axes)
            panels[0, column].set_title(test_set)
            at, top = best["cosine"], best["accuracy"]
            accuracy = 100 * grid["accuracy"].to_numpy()

            spoken.append(
                f"{test_set}: highest agreement at weights {words(at)} with accuracy {accuracy[at]:.1f}; highest "
                f"accuracy {accuracy[top]:.1f} at {words(top)}"
            )
            if test_set in found:
                ends = found[test_set]
                spoken[-1] += f"; learned weights {ends[0]:.2f}, {1 - ends.sum():.2f}, {ends[1]:.2f}"
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return show(
        figure,
        alt="Triangles of weights, one column for each test set: agreement of views above, accuracy below. "
        + ". ".join(spoken)
        + ".",
        caption="Every point of a triangle is a set of weights; a corner is one expert alone. The method climbs the "
        "upper surface, the reader wants the top of the lower one. Every line halves the distance to the top. One "
        "training run.",
    )


def accuracies(table: pd.DataFrame, methods: Sequence[str], metric: str = "accuracy") -> pd.DataFrame:
    """Mean accuracy of methods on the test sets, in percent.

    Parameters
    ----------
    table : DataFrame
        Table of ``sade.experts`` with networks of one recipe and ratio.
    methods : sequence of str
        From top to bottom.
    metric : str, default="accuracy"
        "accuracy" on the drawn test sets, or "reweighted_accuracy", from the recalls of all test images.

    Returns
    -------
    DataFrame of shape (methods, test sets)
        Test sets from the one most like the training set to its opposite.

    Raises
    ------
    ValueError
        If the table mixes recipes or ratios, or lacks a method.
    """
    means = {_name(method): _wide(_one_recipe(table), method, metric).mean() for method in methods}
    frame = 100 * pd.DataFrame(means).T
    return frame[_in_order(list(frame.columns))].rename_axis(columns="test set")


def best_epochs(table: pd.DataFrame, test_set: str = "uniform") -> pd.DataFrame:
    """Accuracy of the last epoch beside that of the epoch chosen on the uniform test images, in percent.

    Parameters
    ----------
    table : DataFrame
        Table of ``sade.experts`` with networks of one recipe and ratio.
    test_set : str, default="uniform"
        Whose accuracies are shown.

    Returns
    -------
    DataFrame of shape (methods, 4)
        Number of trainings in which the last epochs were measured, and means over these: "last epoch", "best epoch on
        the test images (optimistic)" and their difference in points, "flattery". Without rows if there is no such
        training.

    Raises
    ------
    ValueError
        If the table mixes recipes or ratios.
    """
    suffix = "_best_epoch"
    if len(table):
        _one_recipe(table)
    measured = table[table["method"].str.endswith(suffix) & (table["metric"] == "accuracy")]["method"].unique()
    found = {}
    for method in (name.removesuffix(suffix) for name in measured):
        best = 100 * _wide(table, f"{method}{suffix}", "accuracy")[test_set]
        last = 100 * _wide(table, method, "accuracy")[test_set].loc[best.index]
        found[_name(method)] = {
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
        Table of ``sade.experts`` with networks of one recipe and ratio.
    reference : "equal" or "expert_2", default="equal"

    Returns
    -------
    DataFrame
        One row for each training and test set; columns "gain" and "standard error".

    Raises
    ------
    ValueError
        If the table mixes recipes or ratios, or holds no standard errors.
    """
    _one_recipe(table)
    gain = _wide(table, "learned", "accuracy") - _wide(table, reference, "accuracy")
    errors = _wide(table, "learned", f"error_over_{reference}")
    test_sets = _in_order(list(errors.columns))
    frame = pd.concat(
        {"gain": gain.loc[errors.index, test_sets].stack(), "standard error": errors[test_sets].stack()}, axis=1
    )
    return 100 * frame.rename_axis(["training", "test set"])


def gains_by_training(table: pd.DataFrame, pairs: Sequence[tuple[str, str]], test_sets: Sequence[str]) -> pd.DataFrame:
    """Differences in accuracy of pairs of methods: their mean and, where one run may carry it, the median beside it.

    Parameters
    ----------
    table : DataFrame
        Table of ``sade.experts`` with networks of one recipe and ratio.
    pairs : sequence of (str, str)
        Method and reference.
    test_sets : sequence of str

    Returns
    -------
    DataFrame
        One row for each pair and test set. Columns, in points: "trainings", "mean" and "95 % of it" (Student's t),
        "median" and "95 % of the median" (BCa bootstrap, empty for fewer than six trainings), "lowest", "highest", and
        "losses", how many trainings are below zero.

    Raises
    ------
    ValueError
        If the table mixes recipes or ratios, or lacks a method.
    """
    found = {}
    for method, reference in pairs:
        wide = 100 * (_wide(_one_recipe(table), method, "accuracy") - _wide(table, reference, "accuracy"))
        for test_set in test_sets:
            each = wide[test_set].dropna().to_numpy(dtype=np.float64)
            mean = mean_interval(each) if len(each) > 1 else None
            median = bca_interval(each, statistic=np.median, random_state=0) if len(each) > FEW else None
            found[f"{_name(method)} over {_name(reference)}", test_set] = {
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
        Table of ``sade.experts`` with networks of one recipe and ratio.
    reference : str
    method : str, default="learned"

    Returns
    -------
    str
        For example "against equal weights: ahead on 3 of 4 test sets (f 50 to u), behind on 1 (b 50), 2 trainings".

    Raises
    ------
    ValueError
        If the table mixes recipes or ratios, or lacks a method.
    """
    wide = _wide(_one_recipe(table), method, "accuracy") - _wide(table, reference, "accuracy")
    test_sets = _in_order(list(wide.columns))
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
        f"against {_name(reference)}: ahead on {ahead.sum()} of {len(test_sets)} test sets{among(ahead)}, behind on "
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
                found.append((_name(str(cell.parameters["method"])), column, cell.id in there))
    frame = pd.DataFrame(found, columns=["trained", "recipe", "run"])
    counted = frame.groupby(["trained", "recipe"], sort=False)["run"].agg(["sum", "size"])
    words = (counted["sum"].astype(str) + " of " + counted["size"].astype(str)).unstack(fill_value="")
    return words.loc[frame["trained"].unique(), frame["recipe"].unique()].rename_axis(None).rename_axis(None, axis=1)


def tops(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy where the method ends, where agreement is highest and where accuracy is, for the run with a grid.

    Parameters
    ----------
    table : DataFrame
        Table of ``sade.experts`` with networks of one recipe and ratio, and rows of method ``grid`` of one training.

    Returns
    -------
    DataFrame of shape (test sets with a grid, 3)
        In percent.

    Raises
    ------
    ValueError
        If the table mixes recipes or ratios, or holds no grid.
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


def correlations(table: pd.DataFrame) -> Shown:
    """Draw rank correlations of agreement with information, certainty and accuracy over the test sets.

    Parameters
    ----------
    table : DataFrame
        Table of ``sade.experts`` with networks of one recipe and ratio.

    Raises
    ------
    ValueError
        If the table mixes recipes or ratios, or holds no correlations.
    """
    import matplotlib.pyplot as plt

    _one_recipe(table)
    spoken = []
    drawn: list[pd.DataFrame] = []
    with book_style():
        figure, axes = plt.subplots(figsize=(7.6, 4.1))
        axes.axhline(0, color=PALETTE["black"], linewidth=1)
        for number, (metric, (label, like)) in enumerate(MEASURES.items()):
            wide = _wide(table, "surface", metric)
            test_sets = _in_order(list(wide.columns))
            places = _test_set_axis(axes, test_sets) + 0.1 * (number - 1)
            drawn.append(wide[test_sets])
            means = _curve(axes, places, wide[test_sets], _style(like), label)
            lowest = int(means.argmin())
            spoken.append(
                f"{label}: {means[0]:+.2f} at {test_sets[0]}, lowest {means[lowest]:+.2f} at {test_sets[lowest]}"
            )
        axes.set(ylabel="rank correlation with agreement", ylim=(None, 1.05))
        figure.legend(loc="outside lower center", ncols=3)
    return show(
        figure,
        alt="Three lines over eleven test sets. Rank correlation of the agreement of views with "
        + "; ".join(spoken)
        + ".",
        caption="Over 231 sets of weights: do weights that agree more know more? Below zero the objective points the "
        f"wrong way. {_replicates(drawn)}",
    )


def gains_by_views(table: pd.DataFrame) -> Shown:
    """Draw the gain of learned over equal weights for weak, usual and strong views.

    Parameters
    ----------
    table : DataFrame
        Table of ``sade.views``.

    Raises
    ------
    ValueError
        If the table holds no gains.
    """
    import matplotlib.pyplot as plt

    rows = table[table["metric"] == "gain"]
    if rows.empty:
        raise ValueError("table has no rows of metric 'gain'")
    spoken = []
    drawn: list[pd.DataFrame] = []
    with book_style():
        figure, axes = plt.subplots(figsize=(7.6, 4.1))
        axes.axhline(0, color=PALETTE["black"], linewidth=1)
        for number, (strength, like) in enumerate(VIEW_STYLES.items()):
            wide = 100 * rows[rows["views"] == strength].pivot(index="replicate", columns="test_set", values="value")
            test_sets = _in_order(list(wide.columns))
            places = _test_set_axis(axes, test_sets) + 0.1 * (number - 1)
            drawn.append(wide[test_sets])
            means = _curve(axes, places, wide[test_sets], _style(like), f"{strength} views")
            ends = (0, len(means) // 2, len(means) - 1)
            spoken.append(f"{strength}: " + ", ".join(f"{means[k]:+.1f} ({test_sets[k]})" for k in ends))
        axes.set_ylabel("accuracy over equal weights (points)")
        figure.legend(loc="outside lower center", ncols=3)
    return show(
        figure,
        alt="Three lines over eleven test sets. Gain in points: " + "; ".join(spoken) + ".",
        caption=f"Gain of learned weights with views of three strengths. {_replicates(drawn)}",
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
        Table of ``sade.experts`` with networks of one recipe and ratio.
    opponents : sequence of str
        From top to bottom.
    test_sets : sequence of str

    Raises
    ------
    ValueError
        If the table mixes recipes or ratios, or lacks a method.
    """
    import matplotlib.pyplot as plt

    learned = _wide(_one_recipe(table), "learned", "accuracy")
    spoken = []
    drawn: list[pd.DataFrame] = []
    with book_style():
        figure, panels = plt.subplots(
            1,
            len(test_sets),
            figsize=(2.6 * len(test_sets) + 3.0, 1.3 + 0.42 * len(opponents)),
            sharey=True,
            squeeze=False,
        )
        for axes, test_set in zip(panels[0], test_sets, strict=True):
            axes.axvline(0, color=PALETTE["black"], linewidth=1)
            ahead = pd.concat(
                {name: 100 * (learned - _wide(table, name, "accuracy"))[test_set] for name in opponents}, axis=1
            )
            drawn.append(ahead)
            means, low, high = _spread(ahead)
            for row, (mean, left, right) in enumerate(zip(means, low, high, strict=True)):
                clear = "o" if left > 0 else "X" if right < 0 else "D"
                color = {"o": PALETTE["purple"], "X": PALETTE["orange"], "D": PALETTE["grey"]}[clear]
                axes.plot([left, right], [row, row], color=color, linewidth=2)
                axes.plot(mean, row, clear, color=color, markersize=7)
            axes.set(title=test_set, ylim=(len(opponents) - 0.4, -0.6))
            axes.set_yticks(range(len(opponents)), [_name(name) for name in opponents])
            spoken.append(
                f"{test_set}: "
                + ", ".join(
                    f"{_name(name)} {mean:+.1f} from {left:+.1f} to {right:+.1f}"
                    for name, mean, left, right in zip(opponents, means, low, high, strict=True)
                )
            )
        figure.supxlabel("accuracy of learned weights minus that of the method (points)", fontsize="medium")
    return show(
        figure,
        alt="One panel for each test set with a point and an interval for each method, around a line at zero. "
        + "; ".join(spoken)
        + ".",
        caption="Right of zero learned weights are better. Circle: the whole interval lies right of zero; cross: left "
        f"of it; diamond: undecided. {_replicates(drawn)}",
    )
