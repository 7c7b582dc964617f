"""Rows of a table as an experiment collects them."""

from __future__ import annotations

import pandas as pd
import pytest

from repro.ground.exceptions import UnknownName
from repro.protocol.rows import Rows


def test_rows_are_those_written_by_hand() -> None:
    rows = Rows("data", "method", "epoch", data="digits", replicate=4)
    rows.add({"accuracy": 0.5, "loss": 2.0}, method="mixup")
    rows.add({"accuracy": 0.25}, method="erm", epoch=3, data="mnist")
    rows.add_curves("epoch", [1, 2], {"course": [0.1, 0.2]}, method="erm", replicate=5)
    by_hand = [
        ("digits", "mixup", None, 4, "accuracy", 0.5),
        ("digits", "mixup", None, 4, "loss", 2.0),
        ("mnist", "erm", 3, 4, "accuracy", 0.25),
        ("digits", "erm", 1, 5, "course", 0.1),
        ("digits", "erm", 2, 5, "course", 0.2),
    ]
    columns = ["data", "method", "epoch", "replicate", "metric", "value"]
    pd.testing.assert_frame_equal(rows.frame(), pd.DataFrame(by_hand, columns=columns))


def test_no_rows_are_a_table_with_columns() -> None:
    assert list(Rows("data").frame().columns) == ["data", "replicate", "metric", "value"]


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(UnknownName, match="setting column 'metod'; did you mean 'method'"):
        Rows("method", metod="mixup")
    with pytest.raises(UnknownName, match="setting column 'epoch'"):
        Rows("method").add({"loss": 1.0}, epoch=1, replicate=0)


def test_a_replicate_is_needed() -> None:
    with pytest.raises(ValueError, match="replicate must be given"):
        Rows("method").add({"loss": 1.0}, method="erm")


def test_a_curve_has_one_value_for_each_position() -> None:
    with pytest.raises(ValueError, match="curve 'loss' must have 2 values, one a position, got 1"):
        Rows("epoch", replicate=0).add_curves("epoch", [1, 2], {"loss": [1.0]})
