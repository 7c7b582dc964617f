"""Arguments of experiments on a reader's own file, and the seeds of their cells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from repro.ground.exceptions import UnknownName
from repro.protocol.experiment import Cell
from repro.protocol.own_data import OwnArgument, OwnCell, OwnData, listed, names_in

FILE = OwnArgument("features", "FILE", "your file", "file", required=True)
ARGUMENTS = (
    FILE,
    OwnArgument("target", "COLUMN", "the class", required=True),
    OwnArgument("cost_of_miss", "NUMBER", "a cost", "number"),
    OwnArgument("order", "A,B", "an order", "list"),
)


def own(arguments: Any = ARGUMENTS) -> OwnData:
    return OwnData(arguments, None, None, None)  # type: ignore[arg-type]


def test_parameters_are_paths_texts_numbers_and_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"features": "a.npz", "target": 3, "cost_of_miss": "0.5", "order": ["x", "y, z"]}
    assert own().parameters("toy.own", given) == {
        "features": str(tmp_path / "a.npz"),
        "target": "3",
        "cost_of_miss": 0.5,
        "order": 'x,"y, z"',
    }
    assert own().parameters("toy.own", {"features": tmp_path, "target": "y"})["order"] is None
    whole = own().parameters("toy.own", {"features": "a", "target": "y", "cost_of_miss": "7"})["cost_of_miss"]
    assert (whole, type(whole)) == (7, int)
    assert own().usage() == "--features FILE --target COLUMN [--cost-of-miss NUMBER] [--order A,B]"


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            {"target": "y"},
            ValueError,
            "toy.own needs --features, your file. It takes --features FILE --target COLUMN [",
        ),
        ({"features": "a", "target": ""}, ValueError, "target must not be empty; it is the class"),
        ({"features": 3, "target": "y"}, TypeError, "features must be text, got 3"),
        ({"features": "a", "target": ["y"]}, TypeError, "target must be text, got ['y']"),
        ({"features": "a", "target": True}, TypeError, "target must be text, got True"),
        ({"features": "a", "target": "y", "cost_of_miss": "dear"}, ValueError, "must be a number, got 'dear'"),
        ({"features": "a", "target": "y", "cost_of_miss": float("nan")}, ValueError, "must be finite, got nan"),
        ({"features": "a", "target": "y", "cost_of_miss": True}, TypeError, "must be a number, got True"),
        ({"features": "a", "target": "y", "tagret": "z"}, UnknownName, "toy.own 'tagret'; did you mean 'target'"),
    ],
)
def test_what_a_reader_gave_wrong_is_named(given: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        own().parameters("toy.own", given)


@pytest.mark.parametrize("arguments", [(), ARGUMENTS[1:], (OwnArgument("a", "A", "a", "file"),)])
def test_a_declaration_begins_with_a_required_file(arguments: Any) -> None:
    with pytest.raises(ValueError, match="the first of the arguments must be a required file"):
        own(arguments)


def test_a_declaration_names_nothing_twice() -> None:
    with pytest.raises(ValueError, match="different names"):
        own((FILE, FILE))


def test_lists_of_names_survive_the_way_through_the_command_line() -> None:
    names = ["low", "a, b", 'said "no"', "3"]
    assert names_in(listed(names)) == names
    assert names_in("low, middle ,high") == ["low", "middle", "high"]


def test_a_file_may_change_its_folder_without_moving_the_seed_and_nothing_else_may() -> None:
    def draw(cell: Cell) -> float:
        return float(cell.generator().random())

    here, there = (OwnCell("toy.own", {"features": path, "split": 1}, 7, files=("features",)) for path in "ab")
    assert draw(here) == draw(there)
    assert here.id != there.id
    assert draw(OwnCell("toy.own", {"features": "a", "split": 2}, 7, files=("features",))) != draw(here)
    assert draw(OwnCell("toy.own", {"features": "a", "split": 1}, 8, files=("features",))) != draw(here)
