"""The oldest versions that are declared have what the code asks of them."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
RNG_OF_SCIPY = Version("1.15")
"""First version in which functions of scipy.stats take ``rng``."""


def test_scipy_is_new_enough_for_the_arguments_that_are_passed() -> None:
    passed = []
    for path in (ROOT / "src" / "repro").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called.startswith("stats.") and any(keyword.arg == "rng" for keyword in node.keywords):
                passed.append(f"{path.name}: {called}")
    assert passed, "nothing passes rng to scipy.stats any more; this test can go"
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    (scipy,) = (Requirement(line) for line in declared if Requirement(line).name == "scipy")
    assert not any(scipy.specifier.contains(f"1.{minor}.0") for minor in range(RNG_OF_SCIPY.minor)), passed
    assert scipy.specifier.contains(str(RNG_OF_SCIPY))
