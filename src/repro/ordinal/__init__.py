"""Classifiers for rare events: PRESTO, proportional-odds and semi-parallel models, Firth's logistic regression.

The classifiers follow scikit-learn's interface. Classes are ordered; the last one is the rare end.
"""

from __future__ import annotations

from repro.ordinal.firth import FirthLogisticRegression
from repro.ordinal.presto import PrestoClassifier, PrestoClassifierCV, PrestoPath, presto_path
from repro.ordinal.proportional_odds import ProportionalOddsClassifier
from repro.ordinal.semi_parallel import SemiParallelClassifier, SemiParallelPath, semi_parallel_path

__all__ = [
    "FirthLogisticRegression",
    "PrestoClassifier",
    "PrestoClassifierCV",
    "PrestoPath",
    "ProportionalOddsClassifier",
    "SemiParallelClassifier",
    "SemiParallelPath",
    "presto_path",
    "semi_parallel_path",
]
