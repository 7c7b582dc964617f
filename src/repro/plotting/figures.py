"""Style of the book's figures and how one is shown with its alternative text."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PALETTE: Final = {
    "blue": "#0072B2",
    "orange": "#D55E00",
    "green": "#007A5E",
    "purple": "#9B4F96",
    "sky": "#3E8FC1",
    "grey": "#5F6368",
    "black": "#1B1B1B",
}
"""Colours that stay apart for colour-blind readers; every use pairs them with a marker or a line style."""

METHOD_STYLES: Final[dict[str, dict[str, Any]]] = {
    "under": {"color": PALETTE["blue"], "marker": "o", "linestyle": "-"},
    "smote": {"color": PALETTE["orange"], "marker": "^", "linestyle": "-"},
    "naive_bayes": {"color": PALETTE["green"], "marker": "s", "linestyle": "--"},
    "threshold": {"color": PALETTE["purple"], "marker": "D", "linestyle": ":"},
    "replication": {"color": PALETTE["grey"], "marker": "v", "linestyle": "--"},
    "over": {"color": PALETTE["grey"], "marker": "v", "linestyle": "--"},
    "none": {"color": PALETTE["black"], "marker": "x", "linestyle": "-"},
}
"""Colour, marker and line of each method, the same in every figure of the book."""

_STYLE: Final[dict[str, Any]] = {
    "figure.facecolor": "white",
    "figure.dpi": 100,
    "savefig.dpi": 160,
    "axes.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
    "grid.color": "#E3E6EA",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "font.size": 10.5,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "errorbar.capsize": 2.5,
    "figure.constrained_layout.use": True,
}


@contextmanager
def book_style() -> Iterator[None]:
    """Draw what is made inside the block in the book's style, on a solid light ground."""
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]
        yield


@dataclass(frozen=True)
class Shown:
    """A figure as a notebook displays it: a picture with alternative text and a caption.

    Attributes
    ----------
    png : bytes
        The picture.
    alt : str
        What is seen, in words.
    caption : str
        Text below the picture.
    """

    png: bytes
    alt: str
    caption: str

    def _repr_html_(self) -> str:
        source = base64.b64encode(self.png).decode("ascii")
        return (
            '<figure class="repro-figure" style="margin:1em 0">'
            '<div role="region" aria-label="figure, scrolls sideways" tabindex="0" style="overflow-x:auto">'
            f'<img alt="{html.escape(self.alt, quote=True)}" src="data:image/png;base64,{source}" '
            'style="width:100%;min-width:34rem;max-width:60rem;height:auto;background:#fff"></div>'
            f"<figcaption>{html.escape(self.caption)}</figcaption></figure>"
        )

    def __repr__(self) -> str:
        """Caption and alternative text, for a terminal."""
        return f"{self.caption}\n[{self.alt}]"


def show(figure: Figure, *, alt: str, caption: str) -> Shown:
    """Render a figure once, close it, and return it with its alternative text.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    alt : str
        What is seen, in words; not the caption again.
    caption : str
        Text below the picture.

    Raises
    ------
    ValueError
        If `alt` or `caption` is empty.
    """
    for name, text in (("alt", alt), ("caption", caption)):
        if not text.strip():
            raise ValueError(f"{name} must say what is seen, got an empty text")
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    plt.close(figure)
    return Shown(buffer.getvalue(), alt, caption)
