"""Estimates and intervals are the same to the last bit as when the file of this test was written.

The fixture was made by the first version of the judging, which looked at every row of a table for every claim.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from repro.claims import judge
from repro.protocol.claim import Claim

FIXTURE = Path(__file__).parent / "fixtures" / "judgements.json"
PLAIN: dict[str, Any] = {
    "id": "toy-c1",
    "paper": "someone2020",
    "locator": "Table 1",
    "statement": "A is better than B.",
    "experiment": "toy.trial",
    "control": "flipped",
    "profiles": {"paper": "full"},
    "interval": "t",
    "criterion": {"kind": "direction"},
    "quantity": {"metric": "error", "contrast": ["a", "b"], "conditions": ["dataset", "size"], "replicate": "seed"},
}
SEVERAL = {"parts": [{"name": "large", "where": {"size": [2, 0.5]}}, {"name": "area", "metric": "area"}]}
CLAIMS: dict[str, dict[str, Any]] = {
    "direction": {},
    "negative log ratio": {
        "criterion": {"kind": "direction", "sign": "negative"},
        "quantity": PLAIN["quantity"] | {"scale": "log_ratio"},
    },
    "bootstrapped median": {
        "interval": "bca",
        "quantity": PLAIN["quantity"] | {"statistic": "median", "where": {"dataset": "q"}},
    },
    "corrected folds": {"interval": "nadeau_bengio", "folds": 10, "quantity": PLAIN["quantity"] | SEVERAL},
    "equivalence of draws": {"interval": "draws", "criterion": {"kind": "equivalence", "margin": 0.1}},
    "order": {
        "criterion": {"kind": "order"},
        "quantity": {"metric": "error", "order": ["c", "b", "a"], "conditions": "dataset", "replicate": "seed"}
        | {"where": {"size": 2}},
    },
    "within": {
        "published": [{"quantity": "error", "method": "a", "value": 0.6, "source": "read"}],
        "criterion": {"kind": "within", "tolerance": 0.5, "relative": True},
        "quantity": {"metric": "error", "where": {"method": "a", "dataset": "p", "size": 0.5}, "replicate": "seed"},
    },
    "identity": {
        "interval": "none",
        "criterion": {"kind": "identity", "bound": 0.0},
        "quantity": {
            "metric": "area",
            "where": {"method": "c"},
            "conditions": ["size", "dataset"],
            "replicate": "seed",
        },
    },
}


def a_table() -> pd.DataFrame:
    """Rows of three methods on two data sets at two sizes, in an order of their own."""
    generator = np.random.default_rng(20)
    rows = [
        (dataset, method, size, seed, metric, shift + generator.gamma(2.0, 0.3))
        for dataset in ("q", "p")
        for method, shift in (("b", 0.05), ("a", 0.2), ("c", 0.1))
        for size in (2.0, 0.5)
        for seed in range(12)
        for metric in ("area", "error")
    ]
    frame = pd.DataFrame(rows, columns=["dataset", "method", "size", "replicate", "metric", "value"])
    frame.insert(3, "cell", "0123456789ab")
    return frame.sample(frac=1.0, random_state=3).reset_index(drop=True)


def judged(name: str) -> list[dict[str, Any]]:
    """Conditions of one of the claims as JSON, without the keys that came later."""
    claim = Claim.model_validate(PLAIN | CLAIMS[name])
    later = {"part", "metric", "settings", "marks", "excludes", "flips", "family_wise", "would_resolve"}
    later |= {"median", "median_interval"}
    dumped = [condition.to_dict() for condition in judge(claim, a_table()).conditions]
    return [{key: value for key, value in content.items() if key not in later} for content in dumped]


@pytest.mark.parametrize("name", CLAIMS)
def test_numbers_are_those_of_the_first_version(name: str) -> None:
    assert json.loads(json.dumps(judged(name))) == json.loads(FIXTURE.read_text())[name]
