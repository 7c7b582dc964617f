"""Long-tailed recognition: losses, test-time aggregation, prior estimation. Needs PyTorch.

Install it with ``pip install 'imbalance-book[torch]'``.
"""

from __future__ import annotations

from repro.longtail.aggregation import Aggregation, aggregate_test_time, combine_experts
from repro.longtail.groups import ShotGroups, ShotRecalls, class_recalls, shot_groups, shot_recalls
from repro.longtail.losses import (
    BalancedSoftmax,
    ClassBalancedLoss,
    CrossEntropy,
    FocalLoss,
    LADELoss,
    LDAMLoss,
    LogitAdjustedLoss,
    RideLoss,
    SadeLoss,
    class_frequencies,
    deferred_weights,
    effective_number_weights,
    expert_diversity,
    inverse_frequencies,
    make_loss,
)
from repro.longtail.post_hoc import (
    LinearClassifier,
    adjust_logits,
    class_balanced_weights,
    classifier_retraining,
    tau_normalise,
)
from repro.longtail.priors import (
    BbsePrior,
    EmPrior,
    PowerPrior,
    PriorInterval,
    estimate_prior_bbse,
    estimate_prior_em,
    estimate_prior_power,
)
from repro.longtail.shifted_tests import (
    TEST_DISTRIBUTIONS,
    reweighted_accuracy,
    shifted_counts,
    shifted_test_indices,
)
from repro.longtail.stability import OracleWeights, StabilitySurface, oracle_weights, simplex_grid, stability_surface

__all__ = [
    "Aggregation",
    "BalancedSoftmax",
    "BbsePrior",
    "ClassBalancedLoss",
    "CrossEntropy",
    "EmPrior",
    "FocalLoss",
    "LADELoss",
    "LDAMLoss",
    "LinearClassifier",
    "LogitAdjustedLoss",
    "OracleWeights",
    "PowerPrior",
    "PriorInterval",
    "RideLoss",
    "SadeLoss",
    "ShotGroups",
    "ShotRecalls",
    "StabilitySurface",
    "TEST_DISTRIBUTIONS",
    "adjust_logits",
    "aggregate_test_time",
    "class_balanced_weights",
    "class_frequencies",
    "class_recalls",
    "classifier_retraining",
    "combine_experts",
    "deferred_weights",
    "effective_number_weights",
    "estimate_prior_bbse",
    "estimate_prior_em",
    "estimate_prior_power",
    "expert_diversity",
    "inverse_frequencies",
    "make_loss",
    "oracle_weights",
    "reweighted_accuracy",
    "shifted_counts",
    "shifted_test_indices",
    "shot_groups",
    "shot_recalls",
    "simplex_grid",
    "stability_surface",
    "tau_normalise",
]
