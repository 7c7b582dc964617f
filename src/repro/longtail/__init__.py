"""Long-tailed recognition: losses, networks with experts, test-time aggregation, prior estimation. Needs PyTorch.

Install it with ``pip install 'imbalance-book[torch]'``.
"""

from __future__ import annotations

from repro.longtail.groups import ShotGroups, ShotRecalls, class_recalls, shot_groups, shot_recalls
from repro.longtail.losses import BalancedSoftmax, CrossEntropy, SadeLoss, class_frequencies, inverse_frequencies
from repro.longtail.networks import CosineClassifier, MultiExpertResNet32, ResNet32
from repro.longtail.test_distributions import (
    TEST_DISTRIBUTIONS,
    reweighted_accuracy,
    seeded_subset,
    shifted_counts,
    shifted_test_indices,
)

__all__ = [
    "BalancedSoftmax",
    "CosineClassifier",
    "CrossEntropy",
    "MultiExpertResNet32",
    "ResNet32",
    "SadeLoss",
    "ShotGroups",
    "ShotRecalls",
    "TEST_DISTRIBUTIONS",
    "class_frequencies",
    "class_recalls",
    "inverse_frequencies",
    "reweighted_accuracy",
    "seeded_subset",
    "shifted_counts",
    "shifted_test_indices",
    "shot_groups",
    "shot_recalls",
]
