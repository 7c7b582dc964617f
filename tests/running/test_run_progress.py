"""What a user sees while cells are computed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from repro.running import progress
from repro.running.progress import SweepProgress


def test_time_left_follows_the_measured_speed(capsys: pytest.CaptureFixture[str]) -> None:
    with SweepProgress("x", expected=100.0, cells=10, workers=2, enabled=True) as shown:
        assert shown.left() == "about 50 s left", "100 expected seconds on two workers"
        shown.advance(expected=10.0, measured=30.0)
        assert shown.left() == "about 2 min left", "90 * 3 / 2 = 135 seconds"
        for _ in range(8):
            shown.advance(expected=10.0, measured=30.0)
        assert shown.left() == "about 30 s left", "one cell is left and only one worker can take it"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time as the display reads it; tests move it."""
    shown = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: shown.now))
    return shown


def lines(
    capsys: pytest.CaptureFixture[str], clock: SimpleNamespace, *, cells: int, takes: float, expected: float
) -> list[tuple[float, str]]:
    """Run a sweep of equal cells one after the other; return seconds since its start and text of each line it shows."""
    begin, found = clock.now, []

    def look() -> None:
        captured = capsys.readouterr()
        assert captured.out == ""
        found.extend((clock.now - begin, line) for line in captured.err.splitlines())

    with SweepProgress("sweep", expected=cells * expected, cells=cells, workers=1, enabled=True) as shown:
        look()
        for _ in range(cells):
            clock.now += takes
            shown.advance(expected, takes)
            look()
    look()
    return found


def test_a_sweep_of_some_seconds_says_nothing_outside_a_terminal(capsys, clock) -> None:
    assert lines(capsys, clock, cells=400, takes=0.005, expected=0.005) == []


def test_a_long_sweep_says_what_starts_then_a_line_every_ten_seconds_then_that_it_is_done(capsys, clock) -> None:
    found = lines(capsys, clock, cells=400, takes=0.25, expected=0.25)
    assert found[0] == (0.0, "sweep: 400 cells, about 2 min left")
    assert found[1] == (10.0, "sweep: 40/400 cells, about 2 min left")
    assert found[-1] == (100.0, "sweep: 400/400 cells, done in 2 min")
    assert [at for at, _ in found] == [float(at) for at in range(0, 101, 10)]


def test_a_sweep_that_takes_longer_than_expected_speaks_after_ten_seconds(capsys, clock) -> None:
    found = lines(capsys, clock, cells=8, takes=4.0, expected=0.1)
    assert [at for at, _ in found] == [12.0, 24.0, 32.0]
    assert found[0][1] == "sweep: 3/8 cells, about 20 s left"
    assert found[-1][1] == "sweep: 8/8 cells, done in 32 s"


def test_a_sweep_over_before_ten_seconds_that_announced_itself_ends_what_it_began(capsys, clock) -> None:
    found = lines(capsys, clock, cells=50, takes=0.1, expected=1.0)
    assert found == [(0.0, "sweep: 50 cells, about 50 s left"), (clock.now - 1000.0, "sweep: 50/50 cells, done in 5 s")]


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
