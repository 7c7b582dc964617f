"""The rules of the verdict table, on and around their borders."""

from __future__ import annotations

import pytest

from repro.claims import overall_verdict
from repro.claims.criteria import (
    direction_verdict,
    equivalence_verdict,
    identity_verdict,
    order_verdict,
    within_verdict,
)


@pytest.mark.parametrize(
    ("bounds", "smallest", "verdict"),
    [
        ((0.001, 0.2), 0.0, "reproduced"),
        ((0.0, 0.2), 0.0, "inconclusive"),
        ((-0.1, 0.2), 0.0, "inconclusive"),
        ((-0.2, 0.0), 0.0, "inconclusive"),
        ((-0.2, -0.001), 0.0, "not reproduced"),
        ((0.0, 0.0), 0.0, "inconclusive"),
        ((-0.01, 0.049), 0.05, "not reproduced"),
        ((-0.01, 0.05), 0.05, "inconclusive"),
        ((0.001, 0.049), 0.05, "reproduced"),
    ],
)
def test_direction(bounds, smallest, verdict):
    assert direction_verdict(bounds, smallest) == verdict


@pytest.mark.parametrize(
    ("bounds_90", "bounds_95", "verdict"),
    [
        ((-0.9, 0.9), (-1.1, 1.1), "reproduced"),
        ((-1.0, 0.9), (-1.1, 1.1), "inconclusive"),
        ((-0.9, 1.0), (-1.1, 1.1), "inconclusive"),
        ((1.1, 1.9), (1.0, 2.0), "not reproduced"),
        ((1.1, 1.9), (0.999, 2.0), "inconclusive"),
        ((-1.9, -1.1), (-2.0, -1.0), "not reproduced"),
        ((-2.0, 2.0), (-3.0, 3.0), "inconclusive"),
    ],
)
def test_equivalence(bounds_90, bounds_95, verdict):
    assert equivalence_verdict(bounds_90, bounds_95, 1.0) == verdict


@pytest.mark.parametrize(
    ("bounds", "verdict"),
    [
        ((-1.0, 1.0), "reproduced"),
        ((-1.001, 1.0), "inconclusive"),
        ((1.0, 2.0), "inconclusive"),
        ((1.001, 2.0), "not reproduced"),
        ((-2.0, -1.0), "inconclusive"),
        ((-2.0, -1.001), "not reproduced"),
        ((-2.0, 2.0), "inconclusive"),
    ],
)
def test_within(bounds, verdict):
    assert within_verdict(bounds, 1.0) == verdict


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        ([(0.1, 0.2), (0.001, 0.1)], "reproduced"),
        ([(0.1, 0.2), (0.0, 0.1)], "inconclusive"),
        ([(0.1, 0.2), (-0.1, -0.001)], "not reproduced"),
        ([(-0.1, 0.0), (-0.1, 0.1)], "inconclusive"),
    ],
)
def test_order(steps, verdict):
    assert order_verdict(steps) == verdict


@pytest.mark.parametrize(
    ("deviation", "bound", "verdict"),
    [(1e-9, 1e-9, "reproduced"), (1.0001e-9, 1e-9, "not reproduced"), (0.0, 0.0, "reproduced")],
)
def test_identity(deviation, bound, verdict):
    assert identity_verdict(deviation, bound) == verdict


@pytest.mark.parametrize(
    ("verdicts", "overall"),
    [
        (["reproduced", "reproduced"], "reproduced"),
        (["reproduced", "not reproduced", "inconclusive"], "partly"),
        (["reproduced", "inconclusive"], "partly"),
        (["not reproduced", "inconclusive"], "not reproduced"),
        (["inconclusive", "inconclusive"], "inconclusive"),
        (["reproduced", "not run"], "reproduced"),
        (["inconclusive", "not run"], "inconclusive"),
        (["not run"], "not run"),
        ([], "not run"),
    ],
)
def test_overall(verdicts, overall):
    assert overall_verdict(verdicts) == overall


@pytest.mark.parametrize(
    ("verdicts", "overall"),
    [
        (["reproduced", "reproduced", "not run"], "reproduced"),
        (["reproduced", "not reproduced", "inconclusive"], "not reproduced"),
        (["reproduced", "inconclusive"], "partly"),
        (["inconclusive", "not run"], "inconclusive"),
        (["not run"], "not run"),
    ],
)
def test_overall_of_a_universal_statement(verdicts, overall):
    """One counterexample is enough; a question left open is none."""
    assert overall_verdict(verdicts, universal=True) == overall
