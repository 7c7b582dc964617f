"""Exceptions of the package. Every message names what was found and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ReproError(Exception):
    """Base class of the errors that this package raises on purpose."""


class UnknownName(ReproError, ValueError):  # noqa: N818 - reads as a sentence where it is raised
    """A name that nothing is registered under; the message suggests the nearest ones.

    Parameters
    ----------
    kind : str
        What was looked for, for example ``"experiment"``.
    name : str
        The name that was asked for.
    known : iterable of str
        The names that exist.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        near = difflib.get_close_matches(name, self.known, n=3, cutoff=0.5)
        if near:
            hint = "did you mean " + " or ".join(repr(candidate) for candidate in near) + "?"
        elif len(self.known) <= 20:
            hint = "known: " + ", ".join(self.known) if self.known else "none is registered"
        else:
            hint = f"{len(self.known)} are known, for example " + ", ".join(self.known[:5])
        super().__init__(f"unknown {kind} {name!r}; {hint}")

    def __reduce__(self) -> tuple[type[UnknownName], tuple[str, str, tuple[str, ...]]]:
        """Survive the way between worker processes."""
        return type(self), (self.kind, self.name, self.known)


class DataUnavailable(ReproError):  # noqa: N818
    """A data set is neither embedded nor in the cache, the mirror or reachable at its source."""


class IntegrityError(ReproError):
    """A file or table does not have the checksum that is registered for it."""


class ClaimFileError(ReproError):
    """A ``claims.yml`` is malformed; the message names file, line and key."""


class StudyError(ReproError):
    """The experiments of a study cannot be read; the message names file and line."""


class ResultsError(ReproError):
    """A result table or its provenance is missing a column, malformed or inconsistent."""


class ExperimentLocked(ReproError):  # noqa: N818
    """Another process runs the same experiment and profile."""
