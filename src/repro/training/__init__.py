"""Training of neural networks: backbones with linear heads, penalised objectives, one resumable loop. Needs PyTorch.

Install it with ``pip install 'imbalance-book[torch]'``.
"""

from __future__ import annotations

from repro.training.loop import Schedule, train
from repro.training.networks import HeadedNetwork, LinearHead, ResNet18, feature_mlp
from repro.training.objectives import PenalisedObjective

__all__ = ["HeadedNetwork", "LinearHead", "PenalisedObjective", "ResNet18", "Schedule", "feature_mlp", "train"]
