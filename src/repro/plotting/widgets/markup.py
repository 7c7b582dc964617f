"""A widget as a notebook displays it: still picture, data, style and script."""

from __future__ import annotations

import html
import json
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


def assembled(kind: str, title: str, still: str, data: object, *, claim: str, hint: str, alt: str) -> Widget:
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
    claim : str
        Id of the claim that the widget belongs to; a link leads to its card.
    hint : str
        HTML below the picture.
    alt : str
        What is seen, in words.

    Returns
    -------
    Widget
    """
    style, script = (
        "".join((_FOLDER / f"{name}.{suffix}").read_text(encoding="utf-8") for name in ("shared", kind))
        for suffix in ("css", "js")
    )
    markup = (
        f'<div class="widget {kind}" data-widget="{kind}" role="group" aria-label="{html.escape(title, quote=True)}">'
        f'<style>{_colours()}{style}</style><p class="widget-title">{html.escape(title)}</p>'
        f'<div class="{kind}-body">{still}</div><p class="widget-small">{hint} '
        f'What it belongs to: <a href="#card-{claim}">{claim}</a>.</p>'
        f'<p class="widget-small" role="status" aria-live="polite"></p>'
        f'<script type="application/json">{_embedded(data)}</script></div><script>{script}</script>'
    )
    return Widget(markup, alt)
