"""Classifiers whose parameters are solved for, not trained: no gradient descent, two passes over the rows."""

from __future__ import annotations

from repro.closed_form.discriminant import GaussianDiscriminant, NearestClassMean
from repro.closed_form.gaussian import PooledNaiveBayes, linear_error_rates

__all__ = ["GaussianDiscriminant", "NearestClassMean", "PooledNaiveBayes", "linear_error_rates"]
