"""Readers' names: complete for the committed tables, and no two things of a chapter have the same one."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest

from repro.protocol.names import difference_name, name_of, setting_name

RESULTS = Path(__file__).resolve().parents[2] / "results"
STUDIES = sorted(path.name for path in RESULTS.iterdir() if any(path.glob("*.csv*")))


def methods_of(study: str) -> set[str]:
    """Methods of every committed table of a study."""
    found: set[str] = set()
    for path in (RESULTS / study).glob("*.csv*"):
        if "method" in pd.read_csv(path, nrows=0).columns:
            found.update(pd.read_csv(path, usecols=["method"])["method"].dropna())
    return found


@pytest.mark.parametrize("study", STUDIES)
def test_no_two_methods_of_a_study_have_one_name(study: str) -> None:
    keys = defaultdict(set)
    for key in methods_of(study):
        keys[name_of(key)].add(key)
    shared = {name: found for name, found in keys.items() if len(found) > 1}
    assert not shared
    assert not any("_" in name for name in keys)


@pytest.mark.parametrize(
    ("value", "column", "wanted"),
    [
        ("smote_200", "method", "SMOTE 200 % + under-sampling"),
        ("smote_corrected", "method", "SMOTE, prior corrected"),
        ("tau2_learned", "method", "learned weights, tau = 2"),
        ("three_balanced_power", "method", "three balanced experts + estimated power"),
        ("erm_temperature", "method", "no mixup, temperature"),
        ("oil_spill", "dataset", "Oil"),
        ("forward-50", "test_set", "tail as in training, ratio 50"),
        ("uniform", "test_set", "uniform"),
        ("random-order", "test_set", "random-order"),
        (1.0, "layers", "1 layer"),
        (3, "layers", "3 layers"),
        (True, "bias", "with bias"),
        (0.1, "p_lower", "0.1"),
        ("a_new_method", "method", "a new method"),
        ("a_value", "a_column", "a value"),
    ],
)
def test_values_read_as_people_say_them(value: object, column: str, wanted: str) -> None:
    assert name_of(value, column) == wanted


def test_a_setting_and_a_difference_have_names() -> None:
    assert setting_name("p_lower") == "prevalence of the lower group"
    assert setting_name("a_new_setting") == "a new setting"
    assert difference_name("smote_200", "under") == "SMOTE 200 % + under-sampling − under-sampling"
