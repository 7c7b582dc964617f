"""How a figure reaches its reader: a finding, pictures that follow the theme, and the numbers as a table."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

from repro.plotting.styles import DARK_PALETTE, GRID, GROUND, INK, PALETTE, Style, book_style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MOST_CHARACTERS: Final = 300
"""Of an alternative text: a screen reader cannot pause in it."""
MOST_MARKS: Final = 3000
"""A picture with more of them is stored as pixels."""
DPI: Final = 200

_ROLES: Final = {color: f"var(--repro-{name},{color})" for name, color in PALETTE.items()} | {
    INK: "currentColor",
    GRID: f"var(--repro-grid,{GRID})",
    GROUND: "var(--repro-ground,#fff)",
}
_DARK: Final = ";".join(f"--repro-{name}:{color}" for name, color in DARK_PALETTE.items())
_LOOK: Final = (
    "html[data-theme=dark] .repro-figure,body[data-jp-theme-light=false] .repro-figure,html[theme=dark] .repro-figure,"
    f"body.vscode-dark .repro-figure{{{_DARK};--repro-grid:#2e3339;--repro-ground:#1b1d20}}"
    ".repro-figure{margin:1.2em 0}.repro-figure svg{overflow:visible;max-width:100%;height:auto}"
    ".repro-figure svg text{font-family:system-ui,'Segoe UI','DejaVu Sans',sans-serif}"
    ".repro-title{margin:0 0 .4em;font-weight:600;text-align:left}"
    ".repro-panels{display:flex;flex-wrap:wrap;gap:.4em 1em;align-items:flex-end}"
    ".repro-panels img{max-width:100%;height:auto;min-width:0!important;background:#fff}"
    ".repro-key{flex:1 0 100%;display:flex;flex-wrap:wrap;gap:.1em 1.1em;font-size:.85em}"
    ".repro-key span{display:inline-flex;align-items:center;gap:.4em}.repro-key svg{flex:none}"
    ".repro-figure figcaption{text-align:left}.repro-numbers{overflow-x:auto}"
    ".repro-numbers table{font-size:.85em;border-collapse:collapse}"
    ".repro-numbers th,.repro-numbers td{padding:.15em .6em;text-align:left}"
)
"""For all figures of a page; small enough to stand in each, so that a single notebook shows what the book shows."""
_SVG: Final = "{http://www.w3.org/2000/svg}"
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_NUMBER: Final = re.compile(r"-?\d+\.\d+")


def _rounded(text: str) -> str:
    """Coordinates to a tenth of a point."""
    return re.sub(
        r"\s+", " ", _NUMBER.sub(lambda found: f"{float(found[0]):.1f}".replace("-0.0", "0.0").removesuffix(".0"), text)
    ).strip()


def _restyled(style: str) -> str:
    """Style with the colours of the theme, and the font left to the page."""
    parts = [part.strip() for part in style.split(";")]
    kept = [part for part in parts if part and not part.startswith("font-family")]
    text = ";".join(_rounded(part).replace(": ", ":") for part in kept)
    return re.sub(r"#[0-9a-f]{6}", lambda found: _ROLES.get(found[0], found[0]), text)


def _slim(node: ElementTree.Element, names: dict[str, str]) -> None:
    """Shorten a picture in place: no names that nothing refers to, one style for marks that are alike."""
    node.tag = node.tag.removeprefix(_SVG)
    for child in [*node]:
        if child.tag.removeprefix(_SVG) in {"metadata", "style"} or not isinstance(child.tag, str):
            node.remove(child)
            continue
        _slim(child, names)
    node.tail = None
    if node.tag not in {"text", "tspan"}:
        node.text = None
    attributes = dict(node.attrib)
    node.attrib.clear()
    for name, value in attributes.items():
        if name == "id":
            if value in names:
                node.set("id", names[value])
        elif name == _HREF:
            node.set("href", f"#{names[value[1:]]}")
        elif name == "clip-path":
            node.set(name, f"url(#{names[value[5:-1]]})")
        elif name == "style":
            if text := _restyled(value):
                node.set(name, text)
        elif name == "transform" and re.match(r"rotate\(-?0 ", value):
            continue
        else:
            node.set(name, _rounded(value))
    if node.tag == "defs":
        for child in node:
            child.attrib.pop("style", None)  # marks are styled where they stand
    marks = [child for child in node if child.tag == "use"]
    if len(marks) > 1 and len(marks) == len(node) and len({mark.get("style") for mark in marks}) == 1:
        node.set("style", marks[0].attrib.pop("style"))
        for mark in marks[1:]:
            del mark.attrib["style"]
    flat: list[ElementTree.Element] = []
    for child in node:
        if child.tag == "g" and not child.attrib:
            flat.extend(child)
        else:
            flat.append(child)
    node[:] = flat


def _svg(figure: Figure) -> tuple[str, int]:
    """Picture as a part of a page, with the number of its marks."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    raw = stream.getvalue()
    root = ElementTree.fromstring(raw)  # noqa: S314 - written by the line above
    salt = hashlib.sha256(raw.encode()).hexdigest()[:8]
    used = sorted(set(re.findall(r'(?:xlink:href="|url\()#(\w+)', raw)))
    _slim(root, {name: f"r{salt}-{number}" for number, name in enumerate(used)})
    width, height = (float(root.attrib[name].removesuffix("pt")) for name in ("width", "height"))
    root.attrib.clear()
    root.attrib.update(
        {
            "viewBox": f"0 0 {width:g} {height:g}",
            "width": f"{width * 4 / 3:.0f}",
            "height": f"{height * 4 / 3:.0f}",
            "aria-hidden": "true",
            "style": "fill:currentColor;stroke-linejoin:round",
        }
    )
    return ElementTree.tostring(root, encoding="unicode"), raw.count("<use") + raw.count("<path")


def _png(figure: Figure) -> str:
    """Picture in pixels on a white ground, at double density."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DPI, facecolor="white", metadata={"Software": None})
    source = base64.b64encode(stream.getvalue()).decode("ascii")
    return f'<img alt="" width="{figure.get_figwidth() * 96:.0f}" src="data:image/png;base64,{source}">'


def key_entry(name: str, style: Style, *, line: bool = True) -> str:
    """Entry of a legend: a small drawing of the mark, and its name.

    Parameters
    ----------
    name : str
        Name of the series.
    style : Style
        How it is drawn.
    line : bool, default=True
        Whether a line joins its marks.
    """
    from matplotlib.markers import MarkerStyle

    marker = MarkerStyle(style.marker)
    path = marker.get_path().transformed(marker.get_transform())
    points = " ".join(
        {1: "M", 2: "L", 3: "Q", 4: "C", 79: "Z"}[int(code)]
        + ("" if code == 79 else " ".join(f"{14 + 8 * x:.1f} {7 - 8 * y:.1f}" for x, y in vertices.reshape(-1, 2)))
        for vertices, code in path.iter_segments(simplify=False)
    )
    color, dashes = _ROLES.get(style.color, style.color), " ".join(str(2 * length) for length in style.dashes)
    stroke = (
        f'<path d="M0 7H28" style="stroke:{color};stroke-width:2;stroke-dasharray:{dashes or "none"}"/>' if line else ""
    )
    drawing = (
        f'<svg width="28" height="14" viewBox="0 0 28 14" aria-hidden="true">{stroke}<path d="{points}" '
        f'style="fill:{_ROLES.get(style.face, style.face)};stroke:{color};stroke-width:1.4"/></svg>'
    )
    return f"<span>{drawing}{html.escape(name)}</span>"


def _numbers(table: pd.DataFrame) -> str:
    """Folded table of what is drawn."""
    head = "".join(f'<th scope="col">{html.escape(str(name))}</th>' for name in table.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(entry))}</td>" for entry in row) + "</tr>"
        for row in table.itertuples(index=False)
    )
    return (
        '<details><summary>Figure as text</summary><div class="repro-numbers" role="group" tabindex="0" '
        f'aria-label="numbers of the figure"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        "</details>"
    )


@dataclass(frozen=True)
class Shown:
    """A figure as a notebook displays it.

    Attributes
    ----------
    title : str
        The finding, computed from the data.
    pictures : tuple of str
        One a panel, as parts of a page; they wrap where the page is narrow.
    alt : str
        What is seen and what it shows, in at most 300 characters.
    caption : str
        Text below the picture.
    table : DataFrame or None
        The numbers that are drawn, as texts, shown as a folded table.
    key : tuple of str
        Entries of the legend, as parts of a page.
    figures : tuple of matplotlib.figure.Figure
        The panels themselves, closed if they were made for it; for :mod:`repro.plotting.displays`.
    """

    title: str
    pictures: tuple[str, ...]
    alt: str
    caption: str
    table: pd.DataFrame | None = None
    key: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = field(default=(), repr=False, compare=False)

    def _repr_html_(self) -> str:
        key = f'<div class="repro-key">{"".join(self.key)}</div>' if self.key else ""
        numbers = "" if self.table is None else _numbers(self.table)
        return (
            f'<figure class="repro-figure"><style>{_LOOK}</style><p class="repro-title">{html.escape(self.title)}</p>'
            f'<div class="repro-panels" role="img" aria-label="{html.escape(self.alt, quote=True)}">{key}'
            f"{''.join(self.pictures)}</div>"
            f"<figcaption>{html.escape(self.caption)}{numbers}</figcaption></figure>"
        )

    def __repr__(self) -> str:
        """Write finding, caption and alternative text, for a terminal."""
        return f"{self.title}\n{self.caption}\n[{self.alt}]"


def show(
    figures: Figure | Sequence[Figure],
    *,
    title: str,
    alt: str,
    caption: str,
    table: pd.DataFrame | None = None,
    key: Sequence[str] = (),
    close: bool = True,
) -> Shown:
    """Render figures once, in the book's style, close them, and return them with their texts.

    Parameters
    ----------
    figures : matplotlib.figure.Figure or sequence of Figure
        One a panel.
    title : str
        The finding.
    alt : str
        What is seen and what it shows, in at most 300 characters; not the caption again.
    caption : str
        Text below the picture.
    table : DataFrame or None, default=None
        The numbers that are drawn.
    key : sequence of str, default=()
        Entries of the legend.
    close : bool, default=True
        Whether to close the figures; one that a reader made stays open.

    Raises
    ------
    ValueError
        If a text is empty, or `alt` is too long.
    """
    import matplotlib.pyplot as plt

    for name, text in (("title", title), ("alt", alt), ("caption", caption)):
        if not text.strip():
            raise ValueError(f"{name} must say what is seen, got an empty text")
    if len(alt) > MOST_CHARACTERS:
        raise ValueError(f"alt must have at most {MOST_CHARACTERS} characters, got {len(alt)}: {alt[:60]}…")
    title, alt = (re.sub(r"(?<![\w.])-(?=\d)", "\N{MINUS SIGN}", text) for text in (title, alt))
    panels = list(figures) if isinstance(figures, Sequence) else [figures]
    with book_style():
        drawn = [_svg(panel) for panel in panels]
        many = sum(marks for _, marks in drawn) > MOST_MARKS
        pictures = tuple(_png(panel) if many else picture for panel, (picture, _) in zip(panels, drawn, strict=True))
    for panel in panels if close else ():
        plt.close(panel)
    return Shown(title, pictures, alt, caption, table, tuple(key), tuple(panels))
