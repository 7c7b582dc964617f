"""Models whose parameters are solved for, not trained: no gradient descent, a few passes over the rows."""

from __future__ import annotations

from repro.closed_form.bags import (
    BagClassifier,
    BagRegressor,
    bag_loss,
    bag_means,
    bag_risk,
    instance_loss,
    interpolation_variance,
)
from repro.closed_form.discriminant import GaussianDiscriminant, NearestClassMean
from repro.closed_form.gaussian import PooledNaiveBayes, linear_error_rates
from repro.closed_form.random_vector_link import RandomVectorLink, discriminant_graph, fuzzy_scores, solve_link

__all__ = [
    "BagClassifier",
    "BagRegressor",
    "GaussianDiscriminant",
    "NearestClassMean",
    "PooledNaiveBayes",
    "RandomVectorLink",
    "bag_loss",
    "bag_means",
    "bag_risk",
    "discriminant_graph",
    "fuzzy_scores",
    "instance_loss",
    "interpolation_variance",
    "linear_error_rates",
    "solve_link",
]
