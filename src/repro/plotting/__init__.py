"""The book's figures: shared ones, their style, and one module for what only one paper needs."""

from repro.plotting.displays import CollapseDisplay, RankingDisplay, ReliabilityDisplay
from repro.plotting.figures import Shown, show
from repro.plotting.shared import distributions, forest, heat, lines, paired, reliability, summarise
from repro.plotting.styles import PALETTE, STYLES, book_style

__all__ = [
    "CollapseDisplay",
    "PALETTE",
    "RankingDisplay",
    "ReliabilityDisplay",
    "STYLES",
    "Shown",
    "book_style",
    "distributions",
    "forest",
    "heat",
    "lines",
    "paired",
    "reliability",
    "show",
    "summarise",
]
