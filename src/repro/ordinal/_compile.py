"""How the compiled kernels of this room are built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])

SUMS_IN_ANY_ORDER = {"contract", "reassoc"}


def _compiled(function: Function, **options: Any) -> Function:
    options |= {"nogil": True, "error_model": "numpy"}
    try:
        return cast("Function", numba.njit(cache=True, **options)(function))
    except RuntimeError:
        # neither the package's folder nor the user's cache folder can be written to: compile in every process
        return cast("Function", numba.njit(**options)(function))


def kernel(function: Function) -> Function:
    """Compile a function with numba at its first call: cached on disk, releasing the interpreter lock, one thread."""
    return _compiled(function)


def summing_kernel(function: Function) -> Function:
    """Compile as :func:`kernel`, with sums taken in the order that the processor's vector units like best."""
    return _compiled(function, fastmath=SUMS_IN_ANY_ORDER)
