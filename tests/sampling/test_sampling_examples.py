"""The examples in the docstrings give what they show."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["neighbors", "smote", "smote_n", "smote_nc", "under_sampling"])
def test_examples_in_docstrings(name):
    result = doctest.testmod(importlib.import_module(f"repro.sampling.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
