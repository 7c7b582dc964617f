"""How compiled kernels are built, in every room that has some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["kernel"]

Function = TypeVar("Function", bound=Callable[..., object])


def kernel(function: Function, **options: Any) -> Function:
    """Compile a function with numba at its first call: cached on disk, releasing the interpreter lock.

    Kernels never use numba's own parallel loops: its default thread layer must not be entered by two threads at
    once, which a sweep on joblib's thread backend would do.

    Parameters
    ----------
    function : callable
        What to compile.
    **options
        Further options of :func:`numba.njit`.
    """
    try:
        return cast("Function", numba.njit(cache=True, nogil=True, **options)(function))
    except RuntimeError:
        # neither the package's folder nor the user's cache folder can be written to: compile in every process
        return cast("Function", numba.njit(nogil=True, **options)(function))
