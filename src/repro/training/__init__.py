"""Training of neural networks: backbones with linear heads, penalised objectives, one resumable loop. Needs PyTorch.

Install it with ``pip install 'imbalance-book[torch]'``.
"""

from __future__ import annotations

from repro.training.augmentation import (
    Augmentation,
    ColourJitter,
    CropFlipRotate,
    GaussianBlur,
    GaussianNoise,
    Grayscale,
)
from repro.training.devices import repeatable, torch_device
from repro.training.loop import Progress, Schedule, train
from repro.training.networks import HeadedNetwork, LinearHead, ResNet18, feature_mlp
from repro.training.objectives import PenalisedObjective
from repro.training.vgg import VGG16

__all__ = [
    "Augmentation",
    "ColourJitter",
    "CropFlipRotate",
    "GaussianBlur",
    "GaussianNoise",
    "Grayscale",
    "HeadedNetwork",
    "LinearHead",
    "PenalisedObjective",
    "Progress",
    "ResNet18",
    "Schedule",
    "VGG16",
    "feature_mlp",
    "repeatable",
    "torch_device",
    "train",
]
