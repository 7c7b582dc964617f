"""How the compiled kernels of this room are built and how many threads they may use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

import joblib
import numba
from threadpoolctl import threadpool_info

Function = TypeVar("Function", bound=Callable[..., object])
Task = TypeVar("Task")


def kernel(function: Function) -> Function:
    """Compile a function with numba at its first call: cached on disk, releasing the interpreter lock.

    Kernels never use numba's own parallel loops: its default thread layer must not be entered by two threads at
    once, which a sweep on joblib's thread backend would do. Threads are started by :func:`run_in_threads`.
    """
    return cast("Function", numba.njit(cache=True, nogil=True)(function))


def thread_count() -> int:
    """Threads that a search may use: the smallest limit that is in force.

    Counts the processors this process may use, ``NUMBA_NUM_THREADS`` or ``numba.set_num_threads``, and the limits of
    the BLAS and OpenMP libraries (``OMP_NUM_THREADS``, ``threadpoolctl.threadpool_limits``), so that a worker of a
    sweep that was given one thread uses one. Takes some milliseconds: ask only when the work is long.
    """
    pools = [int(pool["num_threads"]) for pool in threadpool_info()]
    return max(1, min([int(joblib.cpu_count()), int(numba.get_num_threads()), *pools]))


def run_in_threads(work: Callable[[Task], object], tasks: Iterable[Task], n_threads: int) -> None:
    """Call `work` on every task, with up to `n_threads` at once; the first error is raised."""
    if n_threads == 1:
        for task in tasks:
            work(task)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        for _ in pool.map(work, tasks):
            pass
