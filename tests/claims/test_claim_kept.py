"""Bootstrap intervals are computed once and kept; what goes wrong with the file only costs time."""

from __future__ import annotations

import json

import numpy as np
import pytest

from repro.claims import kept
from repro.claims.kept import KeptIntervals

VALUES = np.array([0.1, 0.3, 0.2])


class Counted:
    """An interval that counts how often it is computed."""

    def __init__(self, bounds=(0.1, 1 / 3)):
        self.bounds, self.calls = bounds, 0

    def __call__(self):
        self.calls += 1
        return self.bounds


def test_an_interval_is_computed_once_and_read_back_to_the_last_bit(tmp_path):
    path, compute = tmp_path / "folder" / "intervals.json", Counted()
    first = KeptIntervals(path)
    assert first.get(VALUES, "bca mean 0.95", compute) == (0.1, 1 / 3)
    assert first.get(VALUES, "bca mean 0.95", compute) == (0.1, 1 / 3)
    first.write()
    assert KeptIntervals(path).get(VALUES.copy(), "bca mean 0.95", compute) == (0.1, 1 / 3)
    assert compute.calls == 1


@pytest.mark.parametrize("what", ["values", "order", "method", "library"])
def test_whatever_the_interval_depends_on_belongs_to_its_name(tmp_path, monkeypatch, what):
    intervals, compute = KeptIntervals(tmp_path / "intervals.json"), Counted()
    intervals.get(VALUES, "bca mean 0.95", compute)
    other = {"values": VALUES + 1e-16, "order": VALUES[::-1]}.get(what, VALUES)
    if what == "library":
        monkeypatch.setattr(kept, "_versions", lambda: "scipy==0")
    intervals.get(other, "bca median 0.95" if what == "method" else "bca mean 0.95", compute)
    assert compute.calls == 2


@pytest.mark.parametrize(
    "content", ["", "{", "[1, 2]", '{"key": 3}', '{"key": ["a", "b"]}', '{"key": [0, 1e999]}', "ÿ"]
)
def test_a_damaged_file_is_ignored_and_written_anew(tmp_path, content):
    path, compute = tmp_path / "intervals.json", Counted()
    path.write_text(content, encoding="latin-1")
    intervals = KeptIntervals(path)
    intervals.get(VALUES, "bca mean 0.95", compute)
    intervals.write()
    (bounds,) = json.loads(path.read_text()).values()
    assert bounds == [0.1, 1 / 3]


def test_two_processes_keep_what_both_have_computed(tmp_path):
    path = tmp_path / "intervals.json"
    one, other = KeptIntervals(path), KeptIntervals(path)
    one.get(VALUES, "a", Counted())
    one.write()
    other.get(VALUES, "b", Counted())
    other.write()
    assert len(json.loads(path.read_text())) == 2


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError("read-only")

    monkeypatch.setattr("repro.ground.files.atomic_write_text", refuse)
    intervals = KeptIntervals(tmp_path / "intervals.json")
    assert intervals.get(VALUES, "a", Counted()) == (0.1, 1 / 3)
    intervals.write()
    assert not (tmp_path / "intervals.json").exists()
