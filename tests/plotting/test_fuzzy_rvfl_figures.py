"""Findings of the figures of `fuzzy_rvfl` are computed from what they draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from repro.plotting import fuzzy_rvfl as figures


def results() -> pd.DataFrame:
    values = {"full": (0.9, 0.7), "rvfl": (0.6, 0.6), "logistic_balanced": (0.8, 0.8)}
    rows = [
        (noise, method, family, "balanced_accuracy", value - noise)
        for method, per_family in values.items()
        for family, value in zip("ab", per_family, strict=True)
        for noise in (0.0, 0.1)
    ]
    return pd.DataFrame(rows, columns=["noise", "method", "replicate", "metric", "value"])


def test_ranks_are_within_families_and_1_is_best() -> None:
    found = figures.ranks_of(results()).pivot(index="method", columns="replicate", values="value")
    assert found.loc["full"].tolist() == [1, 2]
    assert found.loc["logistic_balanced"].tolist() == [2, 1]
    assert found.loc["rvfl"].tolist() == [3, 3]
    title = figures.ranks(results()).title
    assert "best mean rank, 1.5 of 3" in title
    assert "the plain one 3.0" in title


def test_scores_name_the_largest_one_at_the_least_width(read) -> None:
    generator = np.random.default_rng(0)
    X, y = generator.standard_normal((80, 4)), np.arange(80) % 4 == 0
    shown = figures.scores(X, y, [0.01, 2.0])
    assert shown.title.startswith("At a width of 0.01 no score exceeds")
    assert float(shown.title.split("exceeds ")[1].split(";")[0]) == pytest.approx(1e-4, rel=0.5)
