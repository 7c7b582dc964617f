"""Numbers with as many digits as their interval supports."""

from __future__ import annotations

import math

MINUS = "\N{MINUS SIGN}"
_MOST_DECIMALS = 12


def supported_decimals(width: float, significant: int = 2) -> int:
    """Decimals with which half of an interval shows `significant` digits, at least 0.

    Parameters
    ----------
    width : float
        Width of the interval; 0 and NaN give 4.
    significant : int, default=2
        Digits of half the width that are kept.
    """
    half = width / 2
    if not (math.isfinite(half) and half > 0):
        return 4
    return min(max(significant - 1 - math.floor(math.log10(half)), 0), _MOST_DECIMALS)


def format_number(value: float | None, decimals: int | None = None) -> str:
    """Text of a number with a true minus sign; three significant digits when `decimals` is not given.

    None is a dash.
    """
    if value is None:
        return "\N{EN DASH}"
    text = f"{value:.3g}" if decimals is None else f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", MINUS)


def format_estimate(estimate: float | None, interval: tuple[float, float] | None) -> tuple[str, str]:
    """Texts of an estimate and of its interval, both with the digits that the interval supports.

    Returns
    -------
    (str, str)
        For example ``("0.0031", "[0.0012, 0.0050]")``; the second is a dash when there is no interval.
    """
    if interval is None:
        return format_number(estimate), format_number(None)
    decimals = supported_decimals(interval[1] - interval[0])
    return format_number(estimate, decimals), format_interval(interval, decimals)


def format_interval(interval: tuple[float, float], decimals: int | None = None) -> str:
    """Text of an interval, by default with the digits that it supports itself."""
    places = supported_decimals(interval[1] - interval[0]) if decimals is None else decimals
    return f"[{format_number(interval[0], places)}, {format_number(interval[1], places)}]"
