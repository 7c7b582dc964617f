"""Bootstrap intervals that were computed before, kept in a small file of the build folder."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repro.claims.judgement import Bounds
from repro.ground import files

LIBRARIES = ("numpy", "scipy")
"""Libraries that compute the intervals: another version may give other numbers."""


def kept_path() -> Path:
    """File of the intervals that are kept."""
    return files.build_folder() / "judging" / "intervals.json"


@cache
def _versions() -> str:
    return " ".join(f"{name}=={importlib.metadata.version(name)}" for name in LIBRARIES)


class KeptIntervals:
    """Intervals by a hash of the values and of all that their computation depends on.

    A file that is missing, damaged or cannot be written only costs time.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept: dict[str, Bounds] = self._read()
        self._new: dict[str, Bounds] = {}

    def _read(self) -> dict[str, Bounds]:
        try:
            content = json.loads(self.path.read_bytes())
            kept = {str(key): (float(low), float(high)) for key, (low, high) in content.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}
        return {key: bounds for key, bounds in kept.items() if all(map(math.isfinite, bounds))}

    def get(self, values: NDArray[np.float64], what: str, compute: Callable[[], Bounds]) -> Bounds:
        """Interval of `values` by the method that `what` names, computed unless it is kept.

        Parameters
        ----------
        values : ndarray of shape (n,), float64
            In the order in which they are resampled.
        what : str
            Method, level and seed.
        compute : callable
            Gives the interval.
        """
        digest = hashlib.sha256(f"{what} {_versions()} {values.size} ".encode())
        digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
        key = digest.hexdigest()
        if key not in self._kept:
            self._kept[key] = self._new[key] = compute()
        return self._kept[key]

    def write(self) -> None:
        """Write what was computed since the last time, beside what is in the file by now."""
        if not self._new:
            return
        try:
            files.atomic_write_text(self.path, json.dumps(self._read() | self._new, indent=0) + "\n")
        except OSError:  # a read-only folder: they are computed again next time
            return
        self._new.clear()


@cache
def _kept_at(path: Path) -> KeptIntervals:
    return KeptIntervals(path)


def kept_intervals() -> KeptIntervals:
    """Intervals that are kept in the build folder."""
    return _kept_at(kept_path())
