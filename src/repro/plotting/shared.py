"""The figures that every chapter draws with: each takes a tidy frame and a finding, and says what is seen.

A *summary* is a frame with the columns ``estimate``, ``low`` and ``high`` beside the settings; :func:`summarise` makes
one from the rows of a result table. All figures raise ValueError where there is nothing to draw, or where two series
could not be told apart; their common options are those of :class:`Options`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Required, TypedDict, Unpack

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.metrics import mean_interval, nadeau_bengio_interval
from repro.plotting.figures import MOST_CHARACTERS, Shown, key_entry, show
from repro.plotting.styles import GROUND, INK, PALETTE, Style, book_style, styles_of
from repro.protocol.names import name_of, setting_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]
Interval = Callable[[Floats], tuple[float, float, float]]
"""From the values of all replicates to an estimate and the ends of its interval."""

SINGLE: Final = (5.6, 3.3)
HALF: Final = (3.55, 2.75)
THIRD: Final = (2.42, 2.5)
"""Widths and heights of panels in inches, so that text has one size everywhere."""
DENSE: Final = 25
"""With more points not every one has a mark."""
MOST_DIRECT: Final = 5
LONGEST_DIRECT: Final = 34
"""More or longer names stand in a legend, not at the ends of the lines."""
LINE_HEIGHT: Final = 11.5
_SIDES: Final = {
    "right of the line": Style(PALETTE["blue"], "o"),
    "left of it": Style(PALETTE["orange"], "X"),
    "undecided": Style(PALETTE["grey"], "D"),
}


def student(values: Floats) -> tuple[float, float, float]:
    """Mean with Student's 95 % interval; a single value has none."""
    if len(values) < 2:
        return (float(values[0]),) * 3
    found = mean_interval(values)
    return found.estimate, found.low, found.high


def geometric(values: Floats) -> tuple[float, float, float]:
    """Geometric mean with its 95 % interval."""
    estimate, low, high = np.exp(student(np.log(values)))
    return float(estimate), float(low), float(high)


def reused_rows(folds: int, folds_per_value: int = 1) -> Interval:
    """Mean with a 95 % interval that allows for reused rows, see :func:`repro.metrics.nadeau_bengio_interval`."""

    def interval(values: Floats) -> tuple[float, float, float]:
        if len(values) < 2:
            return (float(values[0]),) * 3
        found = nadeau_bengio_interval(values, folds=folds, folds_per_value=folds_per_value)
        return found.estimate, found.low, found.high

    return interval


def mean_range(values: Floats) -> tuple[float, float, float]:
    """Mean, least and largest value."""
    return float(values.mean()), float(values.min()), float(values.max())


def spread(share: float = 1.0) -> Interval:
    """Median with the range of the middle share of the values."""

    def interval(values: Floats) -> tuple[float, float, float]:
        low, estimate, high = np.quantile(values, [0.5 - share / 2, 0.5, 0.5 + share / 2])
        return float(estimate), float(low), float(high)

    return interval


def summarise(table: pd.DataFrame, by: Sequence[str], interval: Interval = student) -> pd.DataFrame:
    """Estimate and interval of the column ``value`` for each combination of settings.

    Parameters
    ----------
    table : DataFrame
        Rows of a result table, one for each replicate and combination.
    by : sequence of str
        Setting columns.
    interval : callable, default=student
        From values to estimate, low and high.

    Returns
    -------
    DataFrame
        Columns: `by`, then ``estimate``, ``low``, ``high`` and ``n``, the number of values. The combinations stand in
        the order of the table, numbers in theirs.

    Raises
    ------
    ValueError
        If the table has no value.
    """
    values = table.dropna(subset=["value"])
    if values.empty:
        raise ValueError(f"table must have values by {', '.join(by)}, got no rows")
    rows = []
    for keys, part in values.groupby(list(by), sort=False, dropna=False):
        found = part["value"].to_numpy(dtype=np.float64)
        rows.append((*keys, *interval(found), len(found)))
    frame = pd.DataFrame(rows, columns=[*by, "estimate", "low", "high", "n"])
    numbers = [name for name in by if pd.api.types.is_numeric_dtype(frame[name])]
    return frame.sort_values(numbers, kind="stable", ignore_index=True) if numbers else frame


def differences(table: pd.DataFrame, pairs: Sequence[tuple[str, str]], by: Sequence[str]) -> pd.DataFrame:
    """Differences of two methods on the same replicate, as a table to summarise.

    Parameters
    ----------
    table : DataFrame
        Rows of one metric.
    pairs : sequence of (str, str)
        Method and reference.
    by : sequence of str
        Setting columns that both share.

    Returns
    -------
    DataFrame
        Columns `by`, ``replicate``, ``method``, ``reference`` and ``value``.

    Raises
    ------
    ValueError
        If a method is missing.
    """
    wide = table.pivot_table(index=[*by, "replicate"], columns="method", values="value")
    for name in dict.fromkeys(name for pair in pairs for name in pair):
        if name not in wide:
            raise ValueError(f"table has no rows of method {name!r}; it has {', '.join(wide.columns) or 'none'}")
    found = [
        (wide[method] - wide[reference]).rename("value").reset_index().assign(method=method, reference=reference)
        for method, reference in pairs
    ]
    return pd.concat(found, ignore_index=True).dropna(subset=["value"])


def chosen(table: pd.DataFrame, **wanted: Any) -> pd.DataFrame:
    """Rows with the wanted value, or one of the wanted values, of some columns, sorted as these are given."""
    orders = {column: [kept] if isinstance(kept, str) else list(kept) for column, kept in wanted.items()}
    rows = table[np.all([table[column].isin(order) for column, order in orders.items()], axis=0)]
    return rows.sort_values([*orders], key=lambda column: column.map(orders[str(column.name)].index), kind="stable")


def number_text(estimate: float, low: float | None = None, high: float | None = None) -> str:
    """Estimate and interval with as many digits as the interval supports; ends that are none or equal are left out."""
    if low is None or high is None or not high - low > 1e-9 * max(abs(low), abs(high)):
        text = f"{estimate:.3g}"
        return text.replace("-", "\N{MINUS SIGN}") if float(text) else "0"
    digits = max(0, int(1 - np.floor(np.log10((high - low) / 2))))
    texts = [f"{number:.{digits}f}" if digits < 6 else f"{number:.3g}" for number in (estimate, low, high)]
    return "{} ({} to {})".format(*texts).replace("-", "\N{MINUS SIGN}")


def _named(frame: pd.DataFrame, columns: Mapping[str | None, Mapping[Any, str] | None]) -> dict[str, dict[Any, str]]:
    """Names of the values of some columns, those that were given first."""
    return {
        column: {value: (given or {}).get(value) or name_of(value, column) for value in dict.fromkeys(frame[column])}
        for column, given in columns.items()
        if column
    }


def _texts(
    frame: pd.DataFrame,
    called: Mapping[str, Mapping[Any, str]],
    quantity: str,
    heading: tuple[str, str | None] = ("", ""),
) -> pd.DataFrame:
    """Numbers of a summary as a reader's table; one column may have a heading of its own."""
    headings = {column: setting_name(column) for column in called} | ({heading[0]: heading[1]} if heading[1] else {})
    table = pd.DataFrame({headings[column]: frame[column].map(names) for column, names in called.items()})
    table[quantity] = [number_text(*row) for row in frame[["estimate", "low", "high"]].itertuples(index=False)]
    return table


def _wrapped(text: str, width: int) -> str:
    return textwrap.fill(text, width, break_long_words=False)


class Options(TypedDict, total=False):
    """What the shared figures have in common.

    Attributes
    ----------
    title, caption : str
        The finding, and the text below the picture.
    names, panel_names : mapping
        Names of series and panels where those of the book do not serve.
    log : str
        "x", "y" or "xy" for logarithmic axes.
    ticks : mapping of str to sequence of float
        Ticks of "x" and "y".
    level : float or None
        Place of a line to compare with.
    shared : bool
        Whether all panels have one range; they have if nothing is said.
    size : (float, float)
        Width and height of a panel in inches.
    decorate : callable
        Adds to each panel; gets its axes and its value of the panel's column.
    ax : Axes or None
        Axes to draw into instead of a new figure, where there is one panel; the series are named in a legend there.
    """

    title: Required[str]
    caption: Required[str]
    names: Mapping[Any, str]
    panel_names: Mapping[Any, str]
    log: str
    ticks: Mapping[str, Sequence[float]]
    level: float | None
    shared: bool
    size: tuple[float, float]
    decorate: Callable[[Axes, Any], object]
    ax: Axes | None


def panel_axes(count: int, size: tuple[float, float] | None = None) -> list[tuple[Figure, Axes]]:
    """Make empty panels of one size, each a figure of its own so that they wrap where the page is narrow."""
    import matplotlib.pyplot as plt

    usual = {1: SINGLE, 2: HALF, 4: HALF}.get(count, THIRD)
    return [plt.subplots(figsize=size or usual) for _ in range(count)]


def _draw(
    frame: pd.DataFrame,
    panel: str | None,
    draw: Callable[[Axes, pd.DataFrame, Any], object],
    options: Options,
    share: str = "y",
) -> tuple[list[Axes], list[str]]:
    """Draw every panel, and give their axes and headings back."""
    if frame.empty:
        raise ValueError("there is nothing to draw: the frame has no rows")
    keys = list(dict.fromkeys(frame[panel])) if panel else [None]
    given = options.get("panel_names", {})
    headings = [given.get(key) or name_of(key, panel) for key in keys] if panel else [""]
    own = options.get("ax")
    drawn = [own] if own is not None else [axes for _, axes in panel_axes(len(keys), options.get("size"))]
    for axes, key, heading in zip(drawn, keys, headings, strict=True):
        draw(axes, frame if panel is None else frame[frame[panel] == key], key)
        width = int(9.5 * axes.figure.get_figwidth())  # type: ignore[union-attr]
        if own is None:
            axes.set_title(_wrapped(heading, width))
        elif len(axes.get_legend_handles_labels()[1]) > 1:
            axes.legend()
        axes.set(xlabel=_wrapped(axes.get_xlabel(), width + 8), ylabel=_wrapped(axes.get_ylabel(), 40))
        for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
            if name in options.get("log", ""):
                getattr(axes, f"set_{name}scale")("log")
            if ticks := options.get("ticks", {}).get(name):
                axis.set_ticks(list(ticks), [f"{tick:g}" for tick in ticks])
                axis.set_ticks([], minor=True)
        if decorate := options.get("decorate"):
            decorate(axes, key)
    if options.get("shared", True):
        ends = np.array([getattr(axes, f"get_{share}lim")() for axes in drawn])
        reverse = ends[0, 0] > ends[0, 1]
        for axes in drawn:
            low, high = ends.min(), ends.max()
            getattr(axes, f"set_{share}lim")(*((high, low) if reverse else (low, high)))
    return drawn, headings


def shown(
    drawn: Sequence[Axes],
    options: Options,
    kind: str,
    details: Sequence[str] = (),
    table: pd.DataFrame | None = None,
    key: Sequence[str] = (),
) -> Shown:
    """Show what was drawn; the alternative text says what is seen, as long as there is room, and the finding."""
    title = options["title"]
    details = [detail for detail in details if detail]
    seen = ["; ".join([kind, *details[:end]]) for end in range(len(details), -1, -1)]
    alt = next((f"{text}. {title}" for text in seen if len(text) + len(title) + 2 <= MOST_CHARACTERS), title)
    figures = [axes.get_figure(root=True) for axes in drawn]
    return show(
        [figure for figure in figures if figure],
        title=title,
        alt=textwrap.shorten(alt, MOST_CHARACTERS, placeholder="…"),
        caption=options["caption"],
        table=table,
        key=key,
        close=options.get("ax") is None,
    )


def _label_ends(axes: Axes, ends: Mapping[str, tuple[float, float]]) -> bool:
    """Write names to the right of where lines end, far enough apart to be read; say whether they are near enough."""
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    names = sorted(ends, key=lambda name: ends[name][1])
    points = axes.transData.transform([ends[name] for name in names]) * 72 / axes.figure.dpi
    texts = [_wrapped(name, 18) for name in names]
    heights = [LINE_HEIGHT * (1 + text.count("\n")) for text in texts]
    places = points[:, 1].copy()
    for _ in range(50):
        for one in range(len(names) - 1):
            missing = (heights[one] + heights[one + 1]) / 2 - (places[one + 1] - places[one])
            if missing > 0:
                places[one] -= missing / 2
                places[one + 1] += missing / 2
    if np.abs(places - points[:, 1]).max() > LINE_HEIGHT:
        return False
    right = axes.transAxes.transform((1, 0))[0] * 72 / axes.figure.dpi
    for text, name, point, place in zip(texts, names, points, places, strict=True):
        offset = (right - point[0] + 7, place - point[1])
        axes.annotate(text, ends[name], offset, textcoords="offset points", va="center", annotation_clip=False)
    return True


def lines(
    frame: pd.DataFrame,
    x: str,
    *,
    ylabel: str,
    xlabel: str | None = None,
    series: str = "method",
    panel: str | None = None,
    ylim: tuple[float | None, float | None] | None = None,
    band: bool = False,
    dodge: float = 0.0,
    **options: Unpack[Options],
) -> Shown:
    """Draw estimates with their intervals over a setting, one line a series, one picture a panel.

    Parameters
    ----------
    frame : DataFrame
        Summary with the columns `x`, `series`, `panel`. Texts in `x` stand at equal distances, in their order. Without
        ``low`` and ``high`` there are no intervals.
    x, series, panel : str
        Columns along the axis, of the lines, and of the panels.
    xlabel, ylabel : str
        Names of the axes, with units; along the axis by default the setting's.
    ylim : (float, float) or None
        Range of the values.
    band : bool, default=False
        Whether intervals are bands instead of bars.
    dodge : float, default=0.0
        Distance of two series at one place, in units of the axis; texts stand 1 apart.
    """
    import seaborn as sns

    if "low" not in frame:
        frame = frame.assign(low=frame["estimate"], high=frame["estimate"])
    everything = _named(frame, {panel: options.get("panel_names"), series: options.get("names"), x: None})
    styles, called = styles_of(frame[series], series), everything[series]
    order = [] if pd.api.types.is_numeric_dtype(frame[x]) else list(dict.fromkeys(frame[x]))
    shifts = {one: dodge * (number - (len(styles) - 1) / 2) for number, one in enumerate(styles)}

    def draw(axes: Axes, part: pd.DataFrame, _: Any) -> None:
        if (level := options.get("level")) is not None:
            axes.axhline(level, color=INK, linewidth=0.9)
        present = [one for one in styles if one in set(part[series])]
        places = part[x].map(order.index) if order else part[x]
        part = part.assign(place=places.astype(float) + part[series].map(shifts).astype(float))
        sns.lineplot(
            part, x="place", y="estimate", hue=series, style=series, hue_order=present, style_order=present,
            palette={one: styles[one].color for one in present}, markers={one: styles[one].marker for one in present},
            dashes={one: styles[one].dashes for one in present}, errorbar=None, legend=False, ax=axes,
        )  # fmt: skip
        for one, line in zip(present, axes.lines[-len(present) :], strict=True):
            mine, style = part[part[series] == one].sort_values("place"), styles[one]
            line.set(markeredgecolor=style.color, markerfacecolor=style.face, zorder=3)
            line.set_markevery(max(1, len(mine) // 12) if len(mine) > DENSE else 1)
            ends = mine["place"], mine["low"], mine["high"]
            if not (mine["high"] > mine["low"]).any():
                continue
            if band:
                axes.fill_between(*ends, color=style.color, alpha=0.16, linewidth=0)
            else:
                axes.vlines(*ends, color=style.color, linewidth=1.3)
        if order:
            small: dict[str, Any] = {"fontsize": 8} if len(order) > 9 and panel else {}
            axes.set_xticks(range(len(order)), [_wrapped(name_of(value, x), 12) for value in order], **small)
        axes.set(xlabel=xlabel or setting_name(x), ylabel=ylabel)
        if ylim:
            axes.set_ylim(*ylim)

    with book_style():
        drawn, headings = _draw(frame, panel, draw, options)
        direct = len(drawn) == 1 and len(styles) <= MOST_DIRECT and max(map(len, called.values())) <= LONGEST_DIRECT
        if direct:
            last = (frame if order else frame.sort_values(x, kind="stable")).groupby(series, sort=False).last()
            ends = {
                name: (order.index(last.loc[one, x]) if order else last.loc[one, x], last.loc[one, "estimate"])
                for one, name in called.items()
            }
            direct = _label_ends(drawn[0], ends)
    return shown(
        drawn,
        options,
        f"Lines over {xlabel or setting_name(x)}: {', '.join(called.values())}",
        [f"{len(drawn)} panels: {', '.join(headings)}" if panel else ""],
        _texts(frame, everything, ylabel, (x, xlabel)),
        () if direct else [key_entry(called[one], style) for one, style in styles.items()],
    )


def forest(
    frame: pd.DataFrame,
    rows: str,
    *,
    xlabel: str,
    series: str | None = None,
    panel: str | None = None,
    **options: Unpack[Options],
) -> Shown:
    """Draw a row for each condition with points and intervals beside a line, which is at 0 if nothing is said.

    Parameters
    ----------
    frame : DataFrame
        Summary with the columns `rows`, `series`, `panel`.
    rows, series, panel : str
        Columns of the rows, from top to bottom in the order of the frame, of the marks within a row, and of the panels.
        Without series a mark tells on which side of the line its interval lies.
    xlabel : str
        What is measured, with its unit.
    """
    everything = _named(frame, {panel: options.get("panel_names"), rows: None, series: options.get("names")})
    level = options.get("level", 0.0)
    within = frame[series].nunique() if series else 1
    if series:
        styles, called = styles_of(frame[series], series), everything[series]
    else:
        series, sides = "side", [frame["low"] > (level or 0.0), frame["high"] < (level or 0.0)]
        frame = frame.assign(side=np.select(sides, ["right of the line", "left of it"], "undecided"))
        styles = {name: style for name, style in _SIDES.items() if name in set(frame["side"])}
        called = {name: name for name in styles}
    panels = frame[panel].nunique() if panel else 1
    labels = {row: _wrapped(name, 24 if panels == 1 else 17) for row, name in everything[rows].items()}
    row_height = max([0.2 + 0.14 * within, *(0.1 + 0.15 * (1 + label.count("\n")) for label in labels.values())])
    height = 0.75 + 0.25 * bool(panel) + len(labels) * row_height
    options.setdefault("size", (SINGLE[0] if panels == 1 else HALF[0], height))

    def draw(axes: Axes, part: pd.DataFrame, _: Any) -> None:
        axes.grid(visible=False, axis="y")
        if level is not None:
            axes.axvline(level, color=INK, linewidth=0.9)
        for number, (one, style) in enumerate(styles.items()):
            mine = part[part[series] == one]
            shift = 0.7 * (number - (within - 1) / 2) / within if within > 1 else 0.0
            places = mine[rows].map(list(labels).index).astype(float) + shift
            axes.hlines(places, mine["low"], mine["high"], color=style.color, linewidth=1.7)
            look: dict[str, Any] = {"color": style.color, "markerfacecolor": style.face, "markersize": 6.5}
            axes.plot(mine["estimate"], places, style.marker, label=called[one], **look)
        axes.set_yticks(range(len(labels)), list(labels.values()))
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.locator_params(axis="x", nbins=5)
        axes.set(ylim=(len(labels) - 0.45, -0.55), xlabel=xlabel)

    with book_style():
        drawn, headings = _draw(frame, panel, draw, options, "x")
    return shown(
        drawn,
        options,
        f"{len(labels)} rows with points and intervals",
        [
            ", ".join(called.values()),
            f"panels: {', '.join(headings)}" if panel else ", ".join(everything[rows].values()),
        ],
        _texts(frame, everything, xlabel),
        [key_entry(called[one], style, line=False) for one, style in styles.items()] if len(styles) > 1 else (),
    )


def heat(
    tables: Mapping[str, pd.DataFrame],
    *,
    xlabel: str,
    ylabel: str = "",
    text: Callable[[float], str] = "{:.0f}".format,
    shade: Callable[[float], float] = float,
    cmap: str = "vlag",
    limits: tuple[float, float] = (0.0, 1.0),
    **options: Unpack[Options],
) -> Shown:
    """Draw tables as cells with their numbers, coloured by how large they are.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        One panel each, by its heading; rows and columns are named by the index.
    xlabel, ylabel : str
        What columns and rows are.
    text, shade : callable
        From a number to what stands in its cell, and to what is coloured.
    cmap : str, default="vlag"
        Colour map.
    limits : (float, float)
        Ends of the colour map.
    """
    import seaborn as sns

    if not tables or any(table.empty for table in tables.values()):
        raise ValueError("there is nothing to draw: a table without cells")

    def draw(axes: Axes, _: pd.DataFrame, heading: Any) -> None:
        table = tables[heading]
        sns.heatmap(
            table.map(shade).astype(float), annot=table.map(text), fmt="", cmap=cmap, vmin=limits[0], vmax=limits[1],
            cbar=False, linewidths=1, linecolor=GROUND, annot_kws={"size": 8.5}, ax=axes,
        )  # fmt: skip
        axes.set(xlabel=xlabel, ylabel=ylabel)
        axes.tick_params(length=0)
        axes.set_yticklabels([_wrapped(str(name), 24) for name in table.index], rotation=0)
        axes.set_xticklabels([str(name) for name in table.columns], rotation=0)

    with book_style():
        options["shared"] = False
        drawn, _ = _draw(pd.DataFrame({"panel": list(tables)}), "panel", draw, options)
    cells = [table.map(text).rename_axis(ylabel or "row").reset_index() for table in tables.values()]
    if len(cells) > 1:
        cells = [cell.assign(panel=heading) for cell, heading in zip(cells, tables, strict=True)]
    rows, columns = next(iter(tables.values())).shape
    return shown(
        drawn, options, f"Coloured table of {rows} by {columns} numbers", [f"columns: {xlabel}"], pd.concat(cells)
    )


def distributions(
    draws: pd.DataFrame,
    *,
    xlabel: str,
    bins: Floats | int = 30,
    series: str | None = None,
    panel: str | None = None,
    marks: Callable[[Any], Mapping[str, float]] = lambda _: {},
    **options: Unpack[Options],
) -> Shown:
    """Draw how values spread, with lines at what they are compared with.

    Parameters
    ----------
    draws : DataFrame
        Column ``value`` beside `series` and `panel`.
    xlabel : str
        What the values are.
    bins : ndarray or int, default=30
        Edges, or their number.
    series, panel : str or None
        Columns.
    marks : callable
        From the value of the panel to names and places of lines.
    """
    import seaborn as sns

    styles = styles_of(draws[series], series) if series else {}
    rows = []

    def draw(axes: Axes, part: pd.DataFrame, key: Any) -> None:
        heading = name_of(key, panel) if panel else ""
        for one, style in styles.items() or [(None, Style(PALETTE["sky"], "s"))]:
            mine = part if one is None else part[part[series] == one]
            sns.histplot(
                mine, x="value", bins=bins, stat="proportion", element="step", fill=one is None, color=style.color,
                linestyle=style.line, linewidth=1.7 if series else 0, alpha=0.55 if one is None else 1, ax=axes,
            )  # fmt: skip
            low, high = mine["value"].quantile([0.025, 0.975])
            rows.append(
                (heading, name_of(one, series) if series else "draws", number_text(mine["value"].mean(), low, high))
            )
        for number, (name, place) in enumerate(marks(key).items()):
            axes.axvline(place, color=INK, linewidth=1.3, linestyle=("-", ":", "--")[number % 3])
            left = place > np.mean(axes.get_xlim())
            axes.annotate(
                _wrapped(name, 16), (place, 1.0 - 0.13 * number), (-4 if left else 4, -2), va="top",
                ha="right" if left else "left", xycoords=("data", "axes fraction"), textcoords="offset points",
            )  # fmt: skip
            rows.append((heading, name, number_text(place)))
        axes.set(xlabel=xlabel, ylabel="share of draws")

    with book_style():
        drawn, headings = _draw(draws, panel, draw, options)
    table = pd.DataFrame(rows, columns=["panel", "of", f"{xlabel}: mean (95 % of the draws)"])
    return shown(
        drawn,
        options,
        "Histogram" + "s" * (len(drawn) > 1) + f" of {xlabel}",
        [", ".join(headings)] if panel else [],
        table if panel else table.drop(columns="panel"),
        [key_entry(name_of(one, series or ""), style) for one, style in styles.items()],
    )


def reliability(
    frame: pd.DataFrame, *, series: str = "method", panel: str | None = None, **options: Unpack[Options]
) -> Shown:
    """Draw how often a model is right against how sure it is; larger marks stand for more rows.

    Parameters
    ----------
    frame : DataFrame
        Columns ``confidence``, ``accuracy`` and ``share`` beside `series` and `panel`.
    series, panel : str or None
        Columns.
    """
    import seaborn as sns

    styles = styles_of(frame[series], series)
    everything = _named(frame, {panel: options.get("panel_names"), series: options.get("names")})
    options.setdefault("size", (HALF[0], HALF[0]))

    def draw(axes: Axes, part: pd.DataFrame, _: Any) -> None:
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.9)
        for one, style in styles.items():
            mine = part[part[series] == one].sort_values("confidence")
            look: dict[str, Any] = {"color": style.color, "linewidth": 1, "label": everything[series][one]}
            axes.plot(mine["confidence"], mine["accuracy"], style.line, **look)
            sns.scatterplot(
                mine, x="confidence", y="accuracy", size="share", sizes=(14, 150), size_norm=(0, 1),
                marker=style.marker, color=style.color, alpha=0.85, linewidth=0, legend=False, ax=axes,
            )  # fmt: skip
        axes.set(xlim=(0, 1.03), ylim=(0, 1.03), aspect="equal", ylabel="accuracy on test rows")

    with book_style():
        drawn, headings = _draw(frame, panel, draw, options)
    table = pd.DataFrame({setting_name(column): frame[column].map(names) for column, names in everything.items()})
    table = table.assign(**{name: frame[name].map(number_text) for name in ("confidence", "accuracy", "share")})
    return shown(
        drawn,
        options,
        "Accuracy against confidence, with the diagonal on which both agree",
        [", ".join(everything[series].values()), ", ".join(headings)],
        table,
        [key_entry(everything[series][one], style) for one, style in styles.items()],
    )


def paired(table: pd.DataFrame, levels: Sequence[str], *, ylabel: str, column: str = "method") -> Shown:
    """Draw the values of two levels on every replicate, joined by a line.

    Parameters
    ----------
    table : DataFrame
        Rows of one metric of a result table, one for each level and replicate.
    levels : sequence of two str
        Levels of `column`, from left to right.
    ylabel : str
        Name of the values, with their unit.
    column : str, default="method"
        Setting column that is compared.

    Raises
    ------
    ValueError
        If there are not two levels, or one has not exactly one value on every replicate.
    """
    if len(levels) != 2:
        raise ValueError(f"levels must be two, got {list(levels)}")
    rows = table[table[column].isin(levels)]
    counts = rows.groupby(["replicate", column]).size().unstack(column).reindex(columns=list(levels))
    if rows.empty or not (counts == 1).all(axis=None):
        raise ValueError(f"table must have one row for each replicate with {column} {levels[0]!r} and {levels[1]!r}")
    wide = rows.pivot(index="replicate", columns=column, values="value")[list(levels)]
    names = [name_of(level, column) for level in levels]
    difference = student((wide[levels[1]] - wide[levels[0]]).to_numpy(dtype=np.float64))
    more = (wide[levels[1]] > wide[levels[0]]).sum()
    with book_style():
        ((_, axes),) = panel_axes(1, HALF)
        axes.plot([0, 1], wide.to_numpy().T, color=PALETTE["grey"], linewidth=0.9)
        for place, (level, style) in enumerate(styles_of(levels, column).items()):
            axes.plot([place] * len(wide), wide[level], style.marker, color=style.color, markerfacecolor=style.face)
        axes.set_xticks([0, 1], [_wrapped(name, 18) for name in names])
        axes.set(xlim=(-0.4, 1.4), ylabel=ylabel)
    means = [number_text(float(wide[level].mean())) for level in levels]
    options: Options = {
        "title": f"{ylabel[:1].upper()}{ylabel[1:]} is higher with {names[1]} in {more} of {len(wide)} replicates",
        "caption": f"Each line is one replicate; mean difference {number_text(*difference)}.",
    }
    text = wide.map(number_text).set_axis(names, axis=1).reset_index()
    kind = f"Two columns of {len(wide)} points joined by lines, means {means[0]} and {means[1]}"
    return shown([axes], options, kind, [], text)
