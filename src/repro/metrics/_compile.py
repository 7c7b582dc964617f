"""How the compiled kernels of this room are built."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def kernel(function: Function) -> Function:
    """Compile a function with numba at its first call: cached on disk, releasing the interpreter lock."""
    try:
        return cast("Function", numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:
        # neither the package's folder nor the user's cache folder can be written to: compile in every process
        return cast("Function", numba.njit(nogil=True)(function))
