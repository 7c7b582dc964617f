"""Colour, marker and line of everything that the book draws, and the look that all figures share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import matplotlib as mpl

INK: Final = "#000000"
"""Text, axes and marks without a colour of their own; follows the text of the page."""
GRID: Final = "#e3e6ea"
GROUND: Final = "#fffffe"
"""Inside of hollow marks: the ground of the page."""
PALETTE: Final = {
    "blue": "#0072b2",
    "orange": "#d55e00",
    "green": "#007a5e",
    "purple": "#9b4f96",
    "sky": "#3e8fc1",
    "grey": "#5f6368",
    "black": INK,
}
"""Colours that stay apart for colour-blind readers; every use pairs them with a marker or a line style."""

DARK_PALETTE: Final = {
    "blue": "#57aee6",
    "orange": "#ff8f52",
    "green": "#3cc39b",
    "purple": "#d596d0",
    "sky": "#9bccee",
    "grey": "#a9afb6",
}
"""The same colours on a dark ground."""

_LINES: Final = {"-": "", "--": (4, 1.6), "-.": (5, 1.4, 1.2, 1.4), ":": (1.2, 1.4)}


@dataclass(frozen=True)
class Style:
    """How a series is drawn.

    Attributes
    ----------
    color, marker, line : str
        Of Matplotlib.
    hollow : bool
        Whether the marks show the ground.
    """

    color: str
    marker: str
    line: str = "-"
    hollow: bool = False

    @property
    def face(self) -> str:
        """Colour inside of a mark."""
        return GROUND if self.hollow else self.color

    @property
    def dashes(self) -> Any:
        """Line as seaborn wants it."""
        return _LINES[self.line]


def _read(table: str) -> dict[tuple[str, str], Style]:
    """Styles of a table: a column, a colon, and its values with colour, marker and line; a plus stands for a blank."""
    found = {}
    for paragraph in re.split(r"\n(?=\w)", table.strip()):
        column, _, entries = paragraph.partition(": ")
        for key, color, marker, line, *hollow in map(str.split, entries.split(";")):
            found[column, key.replace("+", " ")] = Style(PALETTE[color], marker, line, bool(hollow))
    return found


STYLES: Final[Mapping[tuple[str, str], Style]] = _read("""
method: under blue o -; smote orange ^ -; none black X -; over grey < --; replication grey v --;
    naive_bayes green s --; threshold_pruned purple D :; threshold_unpruned grey s --;
    threshold_laplace black * -; smote_fixed_level blue h -; smote_chosen_level green D --;
    smote_best_on_test orange P -.; logistic purple o -; logistic_standardised orange ^ -.; auroc blue o -;
    average_precision orange ^ --; random sky v :; highest orange P --; uniform blue s -; ap_best orange D --;
    presto blue o -; presto_published sky s --; logit orange ^ -; proportional_odds green D -.;
    base_rate grey X :; prior_corrected_logit purple v --; firth purple < : hollow; semi_parallel sky P :;
    boosting black * -; logit_l1 orange h -- hollow; logit_ridge black p : hollow; erm orange ^ --;
    mixup blue o -; erm_temperature green s -.; expert_1 blue o -; expert_2 green s --; expert_3 orange ^ -.;
    equal black X :; learned purple D -; longer sky v --; oracle grey * :; inner green < --; entropy orange > -.;
    equal_augmented orange P --; tau2_equal sky d --; tau2_learned orange d --; cross_entropy grey p :;
    balanced blue d --; ldam_drw green p -.; balanced_power sky P -.; balanced_known grey P :;
    three_balanced blue s --; three_balanced_power orange X -.; three_balanced_known grey h :
metric: auroc blue o -; average_precision orange ^ --; average_precision_at_half green s -. hollow;
    area blue o :
arm: mixup+cross_entropy+trained blue o -; erm+cross_entropy+trained orange ^ --;
    mixup+cross_entropy+frozen+frame green s -.; mixup+mse+trained purple D :; exact black X -
layers: 1 blue o -; 2 green s --; 3 orange ^ -.; 6 purple D :
weighting: higher_prevalence blue o -; first_code green s --; paper orange D -
reference: equal black X :; equal_augmented orange P --; three_balanced blue s --;
    three_balanced_power orange X -.; three_balanced_known grey h :
measure: information blue o -; certainty green s --; accuracy orange ^ -.
views: weak blue o -; usual purple D --; strong orange ^ -.
resampled: seeds blue o -; seeds_and_tasks purple s --
class: 0 blue o -; 1 orange ^ --; 2 green s -.
""")
"""Of the values of each column, the same in every figure of the book."""

_SPARE: Final = tuple(
    Style(PALETTE[color], marker, line)
    for color, marker, line in zip(
        ("blue", "orange", "green", "purple", "sky", "grey", "black"),
        "o^sDvPX",
        ("-", "--", "-.", ":") * 2,
        strict=False,
    )
)


def style_of(key: object, column: str = "method") -> Style | None:
    """Style of one value of a column; None if it has none of its own.

    Parameters
    ----------
    key : object
        Value: all levels of SMOTE share one style, and a correction is its method with hollow marks.
    column : str, default="method"
        Column of the table.
    """
    text = f"{key:g}" if isinstance(key, float) else str(key)
    if text.startswith("smote_") and text.removeprefix("smote_").isdigit():
        text = "smote"
    if style := STYLES.get((column, text)):
        return style
    style = STYLES.get((column, text.removesuffix("_corrected").removesuffix("_temperature")))
    return style and replace(style, hollow=True, line=":")


def styles_of(keys: Iterable[object], column: str = "method") -> dict[Any, Style]:
    """Styles of the series of one figure, which differ without colour.

    Parameters
    ----------
    keys : iterable of object
        Values of the column, in the order in which they are drawn.
    column : str, default="method"
        Column of the table.

    Returns
    -------
    dict of object to Style
        Those without a style of their own get one that is not taken.

    Raises
    ------
    ValueError
        If two have one marker, or there are more than can be told apart.
    """
    series = list(dict.fromkeys(keys))
    found = {key: style for key in series if (style := style_of(key, column))}
    spare = [style for style in _SPARE if style.marker not in {known.marker for known in found.values()}]
    for key in series:
        if key not in found:
            if not spare:
                raise ValueError(f"series {key!r} of column {column!r} has no style and none is left; give it one")
            found[key] = spare.pop(0)
    shapes: dict[tuple[str, bool], object] = {}
    for key in series:
        shape = found[key].marker, found[key].hollow
        if shape in shapes:
            raise ValueError(f"series {shapes[shape]!r} and {key!r} have one marker, {shape[0]!r}; readers need two")
        shapes[shape] = key
    return {key: found[key] for key in series}


_LOOK: Final[dict[str, Any]] = {
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    "axes.facecolor": "none", "figure.facecolor": "none", "savefig.facecolor": "none",
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.8, "axes.formatter.useoffset": False,
    "axes.grid": True, "grid.color": GRID, "grid.linewidth": 0.7,
    "axes.titlelocation": "left", "axes.titlesize": 10, "axes.titleweight": "bold",
    "font.family": "DejaVu Sans", "font.size": 9.5, "axes.labelsize": 9.5, "xtick.labelsize": 9, "ytick.labelsize": 9,
    "lines.linewidth": 1.7, "lines.markersize": 5.5, "xtick.major.size": 3, "ytick.major.size": 3,
    "figure.constrained_layout.use": True, "svg.fonttype": "none", "svg.hashsalt": "repro",
}  # fmt: skip


@contextmanager
def book_style() -> Iterator[None]:
    """Draw and save what is made inside the block in the book's style."""
    import seaborn as sns

    with mpl.rc_context(), sns.axes_style("ticks"):
        mpl.rcParams.update(_LOOK)  # type: ignore[arg-type]
        yield
