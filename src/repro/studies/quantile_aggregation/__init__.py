"""Pooling forecasts of conditional quantiles: which weights, which repair of crossings, and what calibration adds.

After Fakoor and colleagues (2021); quantile regression on the forecasts, the old way, beside their weights.
"""

CHAPTER = "bags_and_quantiles"
