"""A widget as a notebook displays it: still picture, data, style and script."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.plotting.styles import DARK_PALETTE, PALETTE

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Widget:
    """A picture that moves, as a notebook displays it.

    Attributes
    ----------
    markup : str
        HTML with the still picture, the data, style and script.
    alt : str
        What the still picture shows, in words.
    """

    markup: str
    alt: str

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        """Return what is seen, for a terminal."""
        return f"[{self.alt}]"


def _embedded(value: object) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value).replace("<", "\\u003c")


def _colours() -> str:
    """Return the book's colours for style sheets, in both themes and where the reader's own are forced."""
    light, dark = (
        "".join(f"--{name}:{colour};" for name, colour in palette.items() if name != "black")
        for palette in (PALETTE, DARK_PALETTE)
    )
    forced = "".join(f"--{name}:CanvasText;" for name in DARK_PALETTE)
    return (
        f'.widget{{{light}}}html[data-theme="dark"] .widget{{{dark}}}'
        f"@media (forced-colors:active){{html .widget.widget{{{forced}}}}}"
    )


@dataclass(frozen=True)
class Frame:
    """Where the axes of a small chart stand inside its picture, in pixels from the left and the top.

    Attributes
    ----------
    left, top, wide, high : float
    """

    left: float
    top: float
    wide: float
    high: float

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Place of a point whose coordinates are shares of the axes."""
        return self.left + self.wide * x, self.top + self.high * (1 - y)

    def points(self, shares: Iterable[tuple[float, float]]) -> str:
        """Give the places of several points, as a polyline wants them."""
        return " ".join("{:.5g},{:.5g}".format(*self.place(x, y)) for x, y in shares)

    def drawn(
        self,
        inside: str,
        *,
        alt: str,
        xlabel: str,
        ylabel: str,
        x_ends: Sequence[str],
        y_ends: Sequence[str],
        kind: str,
    ) -> str:
        """Picture with axes, what their ends mean, and what was drawn inside."""
        (left, bottom), (right, top) = self.place(0, 0), self.place(1, 1)
        texts = (
            (left - 4, top + 8, "end", y_ends[1]), (left - 4, bottom, "end", y_ends[0]),
            (left, bottom + 13, "start", x_ends[0]), (right, bottom + 13, "end", x_ends[1]),
            ((left + right) / 2, bottom + 27, "middle", xlabel),
        )  # fmt: skip
        words = "".join(
            f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{text}</text>' for x, y, anchor, text in texts
        )
        return (
            f'<svg class="{kind}-chart" viewBox="0 0 {right + 12:g} {bottom + 32:g}" role="img" aria-label="{alt}">'
            f'<path d="M{left:g} {top:g}V{bottom:g}H{right:g}" fill="none" stroke="currentColor"/>{words}<text '
            f'transform="translate(12 {(top + bottom) / 2:g})rotate(-90)" text-anchor="middle">{ylabel}</text>'
            f"{inside}</svg>"
        )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Make a table; the first entry of each row names it, and entries are HTML."""
    heads = "".join(f'<th scope="col">{name}</th>' if name else "<td></td>" for name in head)
    lines = "".join(
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>' for name, *cells in rows
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"


def assembled(kind: str, title: str, still: str, data: object, *, claims: Sequence[str], hint: str, alt: str) -> Widget:
    """Put the parts of a widget together.

    Parameters
    ----------
    kind : str
        Its short name: that of the files with its style and its script, and of their classes.
    title : str
        The finding.
    still : str
        HTML that is seen where no script runs.
    data : object
        What the script needs, as JSON knows it.
    claims : sequence of str
        Ids of the claims that the widget belongs to; links lead to their cards.
    hint : str
        HTML below the picture.
    alt : str
        What is seen, in words.

    Returns
    -------
    Widget
    """
    links = " and ".join(f'<a href="#card-{claim}">{claim}</a>' for claim in claims)
    style, script = (
        "".join((_FOLDER / f"{name}.{suffix}").read_text(encoding="utf-8") for name in ("shared", kind))
        for suffix in ("css", "js")
    )
    markup = (
        f'<div class="widget {kind}" data-widget="{kind}" role="group" aria-label="{html.escape(title, quote=True)}">'
        f'<style>{_colours()}{style}</style><p class="widget-title">{html.escape(title)}</p>'
        f'<div class="{kind}-body">{still}</div><p class="widget-small">{hint} '
        f"What it belongs to: {links}.</p>"
        f'<p class="widget-small" role="status" aria-live="polite"></p>'
        f'<script type="application/json">{_embedded(data)}</script></div><script>{script}</script>'
    )
    return Widget(markup, alt)
