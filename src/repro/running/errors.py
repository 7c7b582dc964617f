"""Errors of a sweep."""

from __future__ import annotations

from repro.ground.exceptions import ReproError

__all__ = ["BackendUnavailable", "CellFailed", "StorageFailed"]


class CellFailed(ReproError):  # noqa: N818 - reads as a sentence where it is raised
    """The computation of a cell raised an error or returned a table that its experiment does not declare.

    Parameters
    ----------
    message : str
        What is said.
    error : str, default=""
        Type and message of the error that the computation raised.
    """

    def __init__(self, message: str, error: str = "") -> None:
        super().__init__(message)
        self.error = error


class StorageFailed(ReproError):  # noqa: N818
    """A finished cell, a lock or a table could not be written."""


class BackendUnavailable(ReproError):  # noqa: N818
    """The backend that was asked for is not installed or does not answer."""
