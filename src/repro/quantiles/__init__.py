"""Forecasts that are quantiles: their scores, repairs that keep them in order, models, and how to pool them.

A forecast is an array whose last axis runs over the quantile levels; those of several models are stacked along the axis
before it. The module :mod:`repro.quantiles.local` needs PyTorch and is imported on its own.
"""

from __future__ import annotations

from repro.quantiles.models import BoostedQuantiles, GaussianQuantiles, LinearQuantiles, NeighbourQuantiles
from repro.quantiles.pooling import GlobalAggregator, QuantileRegressionAverage
from repro.quantiles.repairs import conformalise, isotonic_levels, running_levels, sort_levels
from repro.quantiles.scores import checked_forecasts, checked_levels, pinball_loss, weighted_interval_score

__all__ = [
    "BoostedQuantiles",
    "GaussianQuantiles",
    "GlobalAggregator",
    "LinearQuantiles",
    "NeighbourQuantiles",
    "QuantileRegressionAverage",
    "checked_forecasts",
    "checked_levels",
    "conformalise",
    "isotonic_levels",
    "pinball_loss",
    "running_levels",
    "sort_levels",
    "weighted_interval_score",
]
