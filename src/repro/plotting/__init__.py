"""The book's figure style, shared plots, and one module for the figures of each paper."""

from repro.plotting.figures import METHOD_STYLES, PALETTE, Shown, book_style, show
from repro.plotting.shared import paired

__all__ = ["METHOD_STYLES", "PALETTE", "Shown", "book_style", "paired", "show"]
