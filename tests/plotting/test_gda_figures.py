"""Findings of the figures of `gda` are computed from what they draw."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from repro.closed_form import GaussianDiscriminant
from repro.plotting import gda as figures


def table(column: str, values: dict[tuple[str, float], float]) -> pd.DataFrame:
    rows = [
        (setting, method, replicate, "balanced_accuracy", value + 0.01 * replicate)
        for ((method, setting), value), replicate in product(values.items(), (-1, 1))
    ]
    return pd.DataFrame(rows, columns=[column, "method", "replicate", "metric", "value"])


def test_the_picture_counts_what_both_priors_find() -> None:
    generator = np.random.default_rng(0)
    y = np.arange(220) >= 200
    X = generator.standard_normal((220, 2)) + 1.5 * y[:, None]
    shown = figures.idea(X, y)
    for prior in ("uniform", "empirical"):
        found = GaussianDiscriminant("none", prior).fit(X, y).predict(X)[y].mean()
        assert f"{found:.0%}" in shown.title


def test_the_long_tail_speaks_of_the_largest_ratio() -> None:
    values = {("gda", 10): 0.7, ("gda", 100): 0.6, ("logistic", 100): 0.5, ("logistic_adjusted", 100): 0.65}
    values |= {("logistic", 10): 0.6, ("logistic_adjusted", 10): 0.7}
    shown = figures.long_tail(table("ratio", values))
    assert shown.title == ("At 100 to 1, GDA reaches 0.60, logistic regression with adjusted logits 0.65, without 0.50")


def test_shots_name_who_leads_in_the_end() -> None:
    values = {("gda", 1): 0.5, ("gda", 4): 0.7, ("ncm", 1): 0.6, ("ncm", 4): 0.65}
    shown = figures.shots(table("shots", values), ("gda", "ncm"))
    assert shown.title == "With 4 rows of each class GDA leads with 0.700, 0.050 ahead of nearest class mean"
