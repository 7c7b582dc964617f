"""Findings of the naive Bayes figures are computed from what they draw."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pandas as pd
import pytest

from repro.plotting import naive_bayes as figures

Read = Callable[..., list[float]]


def test_growth_reads_the_largest_dimension_that_both_have(read: Read) -> None:
    sizes = {("naive_bayes", 20): 10, ("naive_bayes", 200): 40, ("logistic", 20): 30}
    rows = [
        (design, method, dimension, replicate, "examples", value * 2.0**replicate)
        for design, ((method, dimension), value), replicate in product(("constant", "paper"), sizes.items(), (-1, 1))
    ]
    table = pd.DataFrame(rows, columns=["design", "method", "dimension", "replicate", "metric", "value"])
    shown = figures.growth(table)
    assert "of dimension 20, naive Bayes needs 10 examples and logistic regression 30" in shown.title
    panel = "equally hard, Bayes error 10 %: within 2 points"
    assert read(shown, panel, "naive Bayes", "200")[0] == pytest.approx(40), "geometric mean of 20 and 80"


def test_learning_curves_count_who_is_ahead_in_the_end() -> None:
    accuracy = {"naive_bayes": {10: 0.5, 100: 0.6}, "logistic": {10: 0.4, 100: 0.7}}
    rows = [
        (features, method, examples, replicate, "accuracy", value + 0.01 * replicate)
        for features, method, replicate in product(("pixels", "rotations"), accuracy, range(2))
        for examples, value in accuracy[method].items()
        if features == "pixels" or examples == 10
    ]
    table = pd.DataFrame(rows, columns=["features", "method", "examples", "replicate", "metric", "value"])
    assert figures.learning_curves(table).title.endswith("ahead on 1 of 2 kinds of features: principal components")
