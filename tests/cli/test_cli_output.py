"""How results are written as JSON."""

from __future__ import annotations

import json
import math

from repro.cli.output import json_text


def test_numbers_that_json_lacks_become_null_at_any_depth() -> None:
    content = {"estimate": math.nan, "interval": (-math.inf, 0.5), "conditions": [{"estimate": math.inf, "n": 3}]}
    expected = {"estimate": None, "interval": [None, 0.5], "conditions": [{"estimate": None, "n": 3}]}
    assert json.loads(json_text(content), parse_constant=lambda name: f"no JSON: {name}") == expected
