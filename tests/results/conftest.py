"""A small result table and its provenance."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from repro.results import Hardware, Provenance


def a_frame(**changes: object) -> pd.DataFrame:
    content = {
        "dataset": ["pima", "pima", "glass"],
        "level": [None, 100, 200],
        "cell": ["12e456789012", "12e456789012", "000000000001"],
        "replicate": [0, 1, 0],
        "metric": ["auc", "auc", "auc"],
        "value": [0.1 + 0.2, 1e-300, 1.0],
    }
    return pd.DataFrame(content | changes)


def a_provenance(**changes: object) -> Provenance:
    content = {
        "experiment": "toy.trial",
        "profile": "quick",
        "commit": "0123456789abcdef",
        "code_hash": "ab" * 32,
        "versions": {"numpy": "2.0"},
        "python": "3.11.9",
        "hardware": Hardware(processor="a processor", cores=2, memory_gib=8.0),
        "seeds": {"root": 2002},
        "data": {"pima": "cd" * 32},
        "cells": 2,
        "wall_seconds": 12.5,
        "peak_memory_mib": 100.0,
        "started": "2026-01-02T03:04:05Z",
        "finished": "2026-01-02T03:05:05Z",
        "claims": {"toy-c1": "0" * 16},
    }
    return Provenance.model_validate(content | changes)


@pytest.fixture
def make_frame() -> Callable[..., pd.DataFrame]:
    """Three rows of an experiment with the settings dataset and level; columns may be replaced."""
    return a_frame


@pytest.fixture
def make_provenance() -> Callable[..., Provenance]:
    """Provenance of the experiment toy.trial; keys may be replaced."""
    return a_provenance
