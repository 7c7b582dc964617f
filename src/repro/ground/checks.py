"""Checks of single arguments.

Not scikit-learn's ``check_scalar``: that lets NaN and infinity through a bound, and takes True for 1.
"""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray


def positive_number(name: str, value: object) -> float:
    """Give a number as float.

    Raises
    ------
    TypeError
        If it is no real number.
    ValueError
        If it is not positive and finite.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number above 0, got {value!r}")
    if not 0 < float(value) < np.inf:
        raise ValueError(f"{name} must be above 0 and finite, got {value}")
    return float(value)


def not_negative(name: str, value: object) -> float:
    """Give a number of at least 0 as float.

    Raises
    ------
    TypeError
        If it is no real number.
    ValueError
        If it is negative or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number of at least 0, got {value!r}")
    if not 0 <= float(value) < np.inf:
        raise ValueError(f"{name} must be at least 0 and finite, got {value}")
    return float(value)


def share(name: str, value: object) -> float:
    """Give a number between 0 and 1 as float.

    Raises
    ------
    TypeError
        If it is no real number.
    ValueError
        If it lies outside [0, 1].
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number between 0 and 1, got {value!r}")
    if not 0 <= float(value) <= 1:
        raise ValueError(f"{name} must lie between 0 and 1, got {value}")
    return float(value)


def positive_numbers(name: str, values: ArrayLike, *, at_least: int = 1) -> NDArray[np.float64]:
    """Give a sequence of numbers as a vector of its own.

    Raises
    ------
    TypeError
        If it is a single number, or holds anything but real numbers.
    ValueError
        If it is no vector of `at_least` entries, or one of them is not positive and finite.
    """
    found = np.asarray(values)
    if found.ndim == 0:
        raise TypeError(f"{name} must be a sequence of numbers, got {values!r}")
    if found.size and found.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold numbers, got entries of type {found.dtype}")
    if found.ndim != 1 or found.size < at_least:
        raise ValueError(f"{name} must be a vector with at least {at_least} entries, got shape {found.shape}")
    numbers = found.astype(np.float64)
    wrong = np.flatnonzero(~((numbers > 0) & np.isfinite(numbers)))
    if wrong.size:
        raise ValueError(f"{name} must be above 0 and finite, got {found[wrong[0]]} at position {wrong[0]}")
    return numbers


def whole_number(name: str, value: object, *, at_least: int) -> int:
    """Give a whole number as int.

    Raises
    ------
    TypeError
        If it is no whole number.
    ValueError
        If it is below `at_least`.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number of at least {at_least}, got {value!r}")
    if int(value) < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {value}")
    return int(value)


def flag(name: str, value: object) -> bool:
    """Give a truth value; any other object, such as the text "none", is refused.

    Raises
    ------
    TypeError
        If it is neither True nor False.
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)
