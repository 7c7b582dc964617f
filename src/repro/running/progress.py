"""Progress of a sweep: a bar with the time left in a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import importlib.util
import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from repro.ground.duration import duration

LINE_SECONDS = 10.0


class SweepProgress:
    """Shows how far a sweep is. Use as a context manager.

    The time left follows from the expected seconds of the remaining cells, corrected by how the measured times of
    the finished ones compare with what was expected of them.

    Outside a terminal a line comes with the first cell that ends ten seconds or more after the line before; a sweep
    that is expected to take longer than that says so at its start, one that is over sooner says nothing, and one that
    has said anything says when it is done.

    Parameters
    ----------
    title : str
        What is run.
    expected : float
        Expected seconds of all waiting cells together, on one core.
    cells : int
        Number of waiting cells.
    workers : int
        Number of cells computed at a time.
    enabled : bool
        Whether anything is shown.
    """

    def __init__(self, title: str, expected: float, cells: int, workers: int, *, enabled: bool) -> None:
        self.title, self.cells, self.workers, self.enabled = title, cells, workers, enabled
        self.remaining = expected
        self.finished_expected = self.finished_measured = 0.0
        self.done = 0
        console = Console(stderr=True)
        live = console.is_terminal or (console.is_jupyter and importlib.util.find_spec("ipywidgets") is not None)
        self._bar = (
            Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("cells"),
                TimeElapsedColumn(),
                TextColumn("{task.fields[left]}"),
                console=console,
            )
            if enabled and live
            else None
        )
        self._begin = self._last_line = time.monotonic()
        self._spoken = False

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
            self._task = self._bar.add_task(self.title, total=self.cells, left=self.left())
        elif self.enabled and self.seconds_left() > LINE_SECONDS:
            self._line(f"{self.cells} cells, {self.left()}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def seconds_left(self) -> float:
        """Time left in seconds."""
        speed = self.finished_measured / self.finished_expected if self.finished_expected else 1.0
        return self.remaining * speed / max(1, min(self.workers, self.cells - self.done))

    def left(self) -> str:
        """Time left in words."""
        return "done" if self.done == self.cells else f"about {duration(self.seconds_left())} left"

    def advance(self, expected: float, measured: float) -> None:
        """Count a finished cell with its expected and measured seconds."""
        self.done += 1
        self.remaining = max(0.0, self.remaining - expected)
        self.finished_expected += expected
        self.finished_measured += measured
        if self._bar:
            self._bar.update(self._task, advance=1, left=self.left())
        elif self.enabled:
            now = time.monotonic()
            if self.done == self.cells and self._spoken:
                self._line(f"{self.done}/{self.cells} cells, done in {duration(now - self._begin)}")
            elif self.done < self.cells and now - self._last_line >= LINE_SECONDS:
                self._line(f"{self.done}/{self.cells} cells, {self.left()}")

    def _line(self, text: str) -> None:
        self._last_line, self._spoken = time.monotonic(), True
        sys.stderr.write(f"{self.title}: {text}\n")
        sys.stderr.flush()
