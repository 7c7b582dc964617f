"""Errors of a sweep."""

from __future__ import annotations

from repro.protocol.exceptions import ReproError

__all__ = ["BackendUnavailable", "CellFailed", "StorageFailed"]


class CellFailed(ReproError):  # noqa: N818 - reads as a sentence where it is raised
    """The computation of a cell raised an error or returned a table that its experiment does not declare."""


class StorageFailed(ReproError):  # noqa: N818
    """A finished cell, a lock or a table could not be written."""


class BackendUnavailable(ReproError):  # noqa: N818
    """The backend that was asked for is not installed or does not answer."""
