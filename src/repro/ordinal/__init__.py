"""Ordinal classifiers for rare events: PRESTO and the proportional-odds model, with certified optima.

The classifiers follow scikit-learn's interface. Classes are ordered; the last one is the rare end.
"""

from __future__ import annotations

from repro.ordinal.presto import PrestoClassifier, PrestoClassifierCV, PrestoPath, presto_path
from repro.ordinal.proportional_odds import ProportionalOddsClassifier

__all__ = ["PrestoClassifier", "PrestoClassifierCV", "PrestoPath", "ProportionalOddsClassifier", "presto_path"]
