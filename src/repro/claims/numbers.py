"""Numbers with as many digits as their interval supports."""

from __future__ import annotations

import math

MINUS = "\N{MINUS SIGN}"
_MORE_DECIMALS = 3
_MOST_DIGITS = 4
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def supported_decimals(interval: tuple[float, float], significant: int = 2) -> int:
    """Decimals with which half of an interval shows `significant` digits, at least 0.

    The larger bound never has more than four digits, however narrow the interval is. A bound that is not zero must not
    look like zero, because a verdict may hang on its sign; it gets up to three decimals more.

    Parameters
    ----------
    interval : (low, high)
        The interval; one without width gives 4 decimals, or none at zero.
    significant : int, default=2
        Digits of half the width that are kept.
    """
    low, high = interval
    if low == high == 0:
        return 0
    half = (high - low) / 2
    decimals = 4
    if math.isfinite(half) and half > 0:
        decimals = significant - 1 - math.floor(math.log10(half))
    if largest := max(map(abs, interval)):
        decimals = min(decimals, _MOST_DIGITS - 1 - math.floor(math.log10(largest)) if math.isfinite(largest) else 4)
    decimals = max(decimals, 0)
    for further in range(_MORE_DECIMALS + 1):
        if all(bound == 0 or float(f"{bound:.{decimals + further}f}") != 0 for bound in interval):
            return decimals + further
    return decimals


def format_number(value: float | None, decimals: int | None = None, *, signed: bool = False) -> str:
    """Text of a number with a true minus sign; three significant digits when `decimals` is not given.

    None is a dash; the smallest and largest are shown with a power of ten. With `signed` a number that is not below
    zero, as it is shown, has a plus sign.
    """
    if value is None:
        return "\N{EN DASH}"
    if decimals is None and 1e3 <= abs(value) < 1e6:
        decimals = 0
    text = f"{value:.3g}" if decimals is None else f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    plus = "+" if signed and not text.startswith("-") else ""
    return plus + readable_number(text)


def readable_number(text: str) -> str:
    """Text of a number as it is set: with a true minus sign and powers of ten.

    Examples
    --------
    >>> readable_number("-1.5e-12"), readable_number("1e-07")
    ('−1.5 × 10⁻¹²', '10⁻⁷')
    """
    mantissa, _, exponent = text.partition("e")
    if exponent:
        power = f"10{str(int(exponent)).translate(_RAISED)}"
        text = f"{mantissa[:-1]}{power}" if mantissa in ("1", "-1") else f"{mantissa} × {power}"
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
    decimals = supported_decimals(interval)
    return format_number(estimate, decimals), format_interval(interval, decimals)


def format_interval(interval: tuple[float, float] | None, decimals: int | None = None) -> str:
    """Text of an interval, by default with the digits that it supports itself; None is a dash."""
    if interval is None:
        return format_number(None)
    places = supported_decimals(interval) if decimals is None else decimals
    return f"[{format_number(interval[0], places)}, {format_number(interval[1], places)}]"
