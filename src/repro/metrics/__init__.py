"""Metrics: ROC and PR analysis of rankings, atomic mistakes, ROC sweeps, intervals, calibration, thresholds and costs.

Log loss and the Brier score come from scikit-learn.
"""

from __future__ import annotations

from repro.metrics.by_group import ranking_by_group
from repro.metrics.calibration import (
    CalibrationLine,
    binned_probability_error,
    calibration_line,
    prior_correction,
    risk_ratio,
)
from repro.metrics.choosing import MetricChoice, choose_metric
from repro.metrics.confidence import expected_calibration_error, fit_temperature, reliability
from repro.metrics.confusion import (
    Counts,
    ThresholdChoice,
    best_metric_threshold,
    confusion_metrics,
    f_score,
    recorded_counts,
    threshold_counts,
)
from repro.metrics.delong import DelongTest, delong_interval, delong_test, newcombe_interval
from repro.metrics.intervals import (
    Equivalence,
    Interval,
    bca_interval,
    equivalence_test,
    mean_interval,
    nadeau_bengio_interval,
)
from repro.metrics.mistakes import RepairPath, fix_mistakes, mistakes
from repro.metrics.multiclass import multiclass_auroc, multiclass_average_precision
from repro.metrics.multiplicity import LogisticLevelSet, ViableRanges
from repro.metrics.ranking import (
    PositiveThresholds,
    RankingSummary,
    auroc,
    average_precision,
    average_precision_at_prevalence,
    positive_thresholds,
    ranking_summary,
)
from repro.metrics.ranking_bootstrap import bootstrap_ranking
from repro.metrics.ranking_intervals import average_precision_interval
from repro.metrics.roc import Dominance, RocHull, dominance, interpolate_roc, roc_convex_hull, sweep_auc
from repro.metrics.thresholds import best_threshold, cost_threshold, expected_cost

__all__ = [
    "CalibrationLine",
    "Counts",
    "DelongTest",
    "Dominance",
    "Equivalence",
    "Interval",
    "LogisticLevelSet",
    "MetricChoice",
    "PositiveThresholds",
    "RankingSummary",
    "RepairPath",
    "RocHull",
    "ThresholdChoice",
    "ViableRanges",
    "auroc",
    "average_precision",
    "average_precision_at_prevalence",
    "average_precision_interval",
    "bca_interval",
    "best_metric_threshold",
    "best_threshold",
    "binned_probability_error",
    "bootstrap_ranking",
    "calibration_line",
    "choose_metric",
    "confusion_metrics",
    "cost_threshold",
    "delong_interval",
    "delong_test",
    "dominance",
    "equivalence_test",
    "expected_calibration_error",
    "expected_cost",
    "f_score",
    "fit_temperature",
    "fix_mistakes",
    "interpolate_roc",
    "mean_interval",
    "mistakes",
    "multiclass_auroc",
    "multiclass_average_precision",
    "nadeau_bengio_interval",
    "newcombe_interval",
    "positive_thresholds",
    "prior_correction",
    "ranking_by_group",
    "ranking_summary",
    "recorded_counts",
    "reliability",
    "risk_ratio",
    "roc_convex_hull",
    "sweep_auc",
    "threshold_counts",
]
