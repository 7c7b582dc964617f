"""What a finished cell is stored under."""

from __future__ import annotations

from repro.protocol.experiment import Cell
from repro.running.store import cell_key


def test_the_key_of_a_cell_moves_with_all_that_its_rows_rest_on() -> None:
    cell = Cell("toy.numbers", {"level": 1}, 2002)
    keys = [
        cell_key(cell, "code", {"pima": "ab"}),
        cell_key(Cell("toy.names", {"level": 1}, 2002), "code", {"pima": "ab"}),
        cell_key(Cell("toy.numbers", {"level": 2}, 2002), "code", {"pima": "ab"}),
        cell_key(Cell("toy.numbers", {"level": 1}, 2003), "code", {"pima": "ab"}),
        cell_key(cell, "newer code", {"pima": "ab"}),
        cell_key(cell, "code", {"pima": "cd"}),
        cell_key(cell, "code", {}),
    ]
    assert len(set(keys)) == len(keys)
    assert cell_key(Cell("toy.numbers", {"level": 1}, 2002), "code", {"pima": "ab"}) == keys[0]
