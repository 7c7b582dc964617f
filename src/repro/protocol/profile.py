"""Profiles: how large an experiment runs."""

from __future__ import annotations

import os
from typing import Final

from repro.ground.exceptions import UnknownName

PROFILES: Final = ("quick", "standard", "paper")
"""The sizes a user can ask for, from seconds on a laptop to the paper's own repetitions."""

CONTROL: Final = "control"
"""The size at which a claim's control is run: the smallest that decides it."""


def check_profile(profile: str) -> str:
    """Return `profile` when it is one of :data:`PROFILES` or the control size.

    Raises
    ------
    UnknownName
        If it is neither; the message suggests the nearest.
    """
    if profile not in (*PROFILES, CONTROL):
        raise UnknownName("profile", profile, PROFILES)
    return profile


def default_profile() -> str:
    """Profile that is used when none is named: ``REPRO_PROFILE``, else ``quick``.

    Raises
    ------
    UnknownName
        If the environment variable holds no profile.
    """
    return check_profile(os.environ.get("REPRO_PROFILE", "quick"))
