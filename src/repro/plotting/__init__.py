"""The book's figure style, and one module for the figures of each paper."""

from repro.plotting.figures import METHOD_STYLES, PALETTE, Shown, book_style, show

__all__ = ["METHOD_STYLES", "PALETTE", "Shown", "book_style", "show"]
