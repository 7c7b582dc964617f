"""How many threads the compiled kernels of this room may use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import joblib
import numba
from threadpoolctl import ThreadpoolController

Task = TypeVar("Task")

_blas_limit = threading.Lock()


@cache
def _thread_pools() -> ThreadpoolController:
    # looking the libraries up takes milliseconds; those that matter here are loaded before the first search
    return ThreadpoolController()


def thread_count() -> int:
    """Threads that a search may use: the smallest limit that is in force.

    Counts the processors this process may use, ``NUMBA_NUM_THREADS`` or ``numba.set_num_threads``, and the limits of
    the BLAS and OpenMP libraries (``OMP_NUM_THREADS``, ``threadpoolctl.threadpool_limits``), so that a worker of a
    sweep that was given one thread uses one.
    """
    pools = [int(pool["num_threads"]) for pool in _thread_pools().info()]
    return max(1, min([int(joblib.cpu_count()), int(numba.get_num_threads()), *pools]))


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Keep the BLAS library to one thread per caller.

    The limit belongs to the whole process, so one caller at a time may change it: two at once could leave it behind.
    """
    with _blas_limit, _thread_pools().limit(limits=1, user_api="blas"):
        yield


def run_in_threads(work: Callable[[Task], object], tasks: Iterable[Task], n_threads: int) -> None:
    """Call `work` on every task, with up to `n_threads` at once; the first error is raised."""
    if n_threads == 1:
        for task in tasks:
            work(task)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        for _ in pool.map(work, tasks):
            pass
