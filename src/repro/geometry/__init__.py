"""Geometry of features: measures of neural collapse, and exact optima of unconstrained-feature models.

Takes NumPy arrays and PyTorch tensors; does not import PyTorch itself.
"""

from __future__ import annotations

from repro.geometry.agreement import NearestMeanAgreement
from repro.geometry.cross_entropy import EtfOptimum, PairsOptimum, ufm_ce_etf, ufm_ce_pairs
from repro.geometry.meter import CollapseMeter
from repro.geometry.mixup import MixedFeature, mixup_ufm
from repro.geometry.pairs import log_kernel_moments
from repro.geometry.unconstrained_features import MseOptimum, StationaryPoint, Thresholds, ufm_gap, ufm_mse

__all__ = [
    "CollapseMeter",
    "EtfOptimum",
    "MixedFeature",
    "MseOptimum",
    "NearestMeanAgreement",
    "PairsOptimum",
    "StationaryPoint",
    "Thresholds",
    "log_kernel_moments",
    "mixup_ufm",
    "ufm_ce_etf",
    "ufm_ce_pairs",
    "ufm_gap",
    "ufm_mse",
]
