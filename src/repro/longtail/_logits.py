"""Cached logits as NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.ground.arrays import as_array, finite_rows


def cached_logits(name: str, logits: Any, *, dimensions: tuple[int, ...]) -> NDArray[Any]:
    """Give logits as an array of real, finite numbers of their own type.

    Parameters
    ----------
    name : str
        Name of the argument.
    logits : array-like or tensor
        The last axis runs over classes.
    dimensions : tuple of int
        Allowed numbers of axes.

    Returns
    -------
    ndarray

    Raises
    ------
    TypeError
        If the entries are no real numbers.
    ValueError
        If the number of axes is not allowed, an axis is empty, or entries are NaN or infinite.
    """
    found = as_array(logits)
    if found.ndim not in dimensions or 0 in found.shape:
        allowed = " or ".join(map(str, dimensions))
        raise ValueError(f"{name} must have {allowed} axes, the last for classes, none empty; got shape {found.shape}")
    finite_rows(name, found.reshape(-1, found.shape[-1]), found.shape[-1])
    return found


def two_views(logits_a: Any, logits_b: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Give the logits of two views as arrays of shape (n, pairs, experts, C).

    Parameters
    ----------
    logits_a, logits_b : array-like or tensor of shape (n, experts, C) or (n, pairs, experts, C)

    Returns
    -------
    tuple of two ndarray of the same shape

    Raises
    ------
    TypeError, ValueError
        As :func:`cached_logits`; also if the shapes differ.
    """
    first = cached_logits("logits_a", logits_a, dimensions=(3, 4))
    second = cached_logits("logits_b", logits_b, dimensions=(3, 4))
    if first.shape != second.shape:
        raise ValueError(f"logits_a and logits_b must have the same shape, got {first.shape} and {second.shape}")
    return (first, second) if first.ndim == 4 else (first[:, None], second[:, None])


def exponentials(logits: NDArray[Any], axis: int = -1) -> NDArray[Any]:
    """Exponentials of logits minus the largest along an axis, in place: a softmax that is not yet divided."""
    logits -= logits.max(axis=axis, keepdims=True)
    np.exp(logits, out=logits)
    return logits


def working_type(*arrays: NDArray[Any]) -> type[np.float32] | type[np.float64]:
    """Type to compute in: float64 if one of the arrays has it or holds whole numbers, else float32."""
    return np.float32 if all(a.dtype in (np.float16, np.float32) for a in arrays) else np.float64
