"""Classifiers whose parameters are solved for, not trained: no gradient descent, a few passes over the rows."""

from __future__ import annotations

from repro.closed_form.discriminant import GaussianDiscriminant, NearestClassMean
from repro.closed_form.gaussian import PooledNaiveBayes, linear_error_rates
from repro.closed_form.random_vector_link import RandomVectorLink, discriminant_graph, fuzzy_scores, solve_link

__all__ = [
    "GaussianDiscriminant",
    "NearestClassMean",
    "PooledNaiveBayes",
    "RandomVectorLink",
    "discriminant_graph",
    "fuzzy_scores",
    "linear_error_rates",
    "solve_link",
]
