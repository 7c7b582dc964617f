"""How the compiled kernels of this room are built."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from repro.ground import compiling

Function = TypeVar("Function", bound=Callable[..., object])

SUMS_IN_ANY_ORDER = {"contract", "reassoc"}


def kernel(function: Function) -> Function:
    """Compile as :func:`repro.ground.compiling.kernel`; divisions by zero follow NumPy."""
    return compiling.kernel(function, error_model="numpy")


def summing_kernel(function: Function) -> Function:
    """Compile as :func:`kernel`, with sums taken in the order that the processor's vector units like best."""
    return compiling.kernel(function, error_model="numpy", fastmath=SUMS_IN_ANY_ORDER)
