"""Metrics: ROC sweeps and hulls, intervals over repetitions, calibration, thresholds and costs.

Areas under ranked scores (AUROC, average precision), log loss and the Brier score come from scikit-learn.
"""

from __future__ import annotations

from repro.metrics.calibration import CalibrationLine, calibration_line, prior_correction, risk_ratio
from repro.metrics.intervals import (
    Equivalence,
    Interval,
    bca_interval,
    equivalence_test,
    mean_interval,
    nadeau_bengio_interval,
)
from repro.metrics.roc import Dominance, RocHull, dominance, interpolate_roc, roc_convex_hull, sweep_auc
from repro.metrics.thresholds import best_threshold, cost_threshold, expected_cost

__all__ = [
    "CalibrationLine",
    "Dominance",
    "Equivalence",
    "Interval",
    "RocHull",
    "bca_interval",
    "best_threshold",
    "calibration_line",
    "cost_threshold",
    "dominance",
    "equivalence_test",
    "expected_cost",
    "interpolate_roc",
    "mean_interval",
    "nadeau_bengio_interval",
    "prior_correction",
    "risk_ratio",
    "roc_convex_hull",
    "sweep_auc",
]
