"""Resampling of imbalanced data: SMOTE and its relatives for nominal columns, and random under-sampling.

The samplers follow the interface of imbalanced-learn and work in its ``Pipeline``.
"""

from __future__ import annotations

from repro.sampling.neighbors import nearest_neighbors
from repro.sampling.smote import SMOTE
from repro.sampling.smote_n import SMOTEN, value_differences
from repro.sampling.smote_nc import SMOTENC
from repro.sampling.under_sampling import RandomUnderSampler

__all__ = ["SMOTE", "SMOTEN", "SMOTENC", "RandomUnderSampler", "nearest_neighbors", "value_differences"]
