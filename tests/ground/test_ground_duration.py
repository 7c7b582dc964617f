from __future__ import annotations

import pytest

from repro.ground.duration import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (0.24, "0.2 s"),
        (8.0, "8 s"),
        (9.97, "10 s"),
        (89, "89 s"),
        (90, "2 min"),
        (5399, "90 min"),
        (5400, "1.5 h"),
        (90000, "25.0 h"),
    ],
)
def test_duration_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text
