"""With this file the folder is on the path of every test, so that rooms can share ``measure_helpers``."""

from __future__ import annotations

import os

import pytest

if "PYTEST_XDIST_WORKER_COUNT" in os.environ:  # before NumPy or torch is imported, here and in what a test starts
    share = max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))
    for limit in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(limit, str(share))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests of one group reach one process again.

    pytest-xdist 3.8 appends the group to a name that pytest no longer reads since 9.2, so that the scheduler sees no
    group: every page of the book was visited by both workers.
    """
    try:
        from _pytest.nodeid import coerce_node_id
    except ImportError:  # an older pytest reads the name that is appended to
        return
    for item in items:
        grouped = vars(item).get("_nodeid")
        if grouped and grouped != item.nodeid:
            item._id = coerce_node_id(grouped)
