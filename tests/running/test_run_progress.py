"""What a user sees while cells are computed."""

from __future__ import annotations

import pytest

from repro.running.progress import SweepProgress, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h"), (90000, "25.0 h")],
)
def test_duration_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_time_left_follows_the_measured_speed(capsys: pytest.CaptureFixture[str]) -> None:
    with SweepProgress("x", expected=100.0, cells=10, workers=2, enabled=True) as shown:
        assert shown.left() == "about 50 s left", "100 expected seconds on two workers"
        shown.advance(expected=10.0, measured=30.0)
        assert shown.left() == "about 2 min left", "90 * 3 / 2 = 135 seconds"
        for _ in range(8):
            shown.advance(expected=10.0, measured=30.0)
        assert shown.left() == "about 30 s left", "one cell is left and only one worker can take it"


def test_plain_lines_come_at_most_every_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with SweepProgress("sweep", expected=1.0, cells=200, workers=1, enabled=True) as shown:
        for _ in range(200):
            shown.advance(0.005, 0.005)
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 11
    assert lines[-1] == "sweep: 200/200 cells, done"


def test_silence_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    with SweepProgress("sweep", expected=1.0, cells=2, workers=1, enabled=False) as shown:
        shown.advance(0.5, 0.5)
    assert capsys.readouterr() == ("", "")


def test_bar_in_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with SweepProgress("sweep", expected=1.0, cells=2, workers=1, enabled=True) as shown:
        shown.advance(0.5, 0.5)
        shown.advance(0.5, 0.5)
    text = capsys.readouterr().err
    assert "2/2" in text
    assert "done" in text
