"""The progress bar of a download.

Pooch has a bar of its own (``progressbar=True``, drawn by tqdm). It does not name the file, looks unlike the bars of
sweeps, writes up to ten times a second into a log (this one writes one line, at the end) and needs one package more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class ProgressBar:
    """A rich progress bar with the methods that pooch calls on one.

    Parameters
    ----------
    progress : rich.progress.Progress
        The display.
    task : rich.progress.TaskID
        The bar in it.
    """

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task
        self._total = 0.0

    @property
    def total(self) -> float:
        """Expected size in bytes."""
        return self._total

    @total.setter
    def total(self, value: float) -> None:
        self._total = value
        self._progress.update(self._task, total=value)

    def update(self, amount: float) -> None:
        """Advance by `amount` bytes."""
        self._progress.advance(self._task, amount)

    def reset(self) -> None:
        """Start again; pooch calls this at the end, before it shows the full bar."""
        self._progress.update(self._task, completed=0)

    def close(self) -> None:
        """Nothing to do: the display ends with :func:`progress_bar`."""


@contextmanager
def progress_bar(name: str, shown: bool) -> Iterator[ProgressBar | None]:
    """Show a bar for the download of `name` while the block runs; None when not `shown`."""
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield ProgressBar(progress, progress.add_task(name, total=None))
