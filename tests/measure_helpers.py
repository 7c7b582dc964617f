"""Reading the rows that the measures of trained networks give."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd


def table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a table."""
    return pd.DataFrame(rows)


def value(found: pd.DataFrame, method: str, metric: str, test_set: str | None = None) -> float:
    """The one value of a method that has no class: of a test set, or of none."""
    chosen = found[(found["method"] == method) & (found["metric"] == metric) & found["class_label"].isna()]
    chosen = chosen[chosen["test_set"].isna() if test_set is None else chosen["test_set"] == test_set]
    assert len(chosen) == 1
    return float(chosen["value"].iloc[0])
