"""Training of neural networks: networks, penalised objectives, one resumable loop, stacks. Needs PyTorch.

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
from repro.training.mixup import Mixup, simplex_rows
from repro.training.networks import (
    VGG16,
    CosineClassifier,
    DotProductClassifier,
    HeadedNetwork,
    LinearHead,
    ResNet18,
    feature_mlp,
    headless,
)
from repro.training.objectives import PenalisedObjective
from repro.training.resnet32 import MultiExpertResNet32, ResNet32
from repro.training.stacks import (
    MlpStack,
    SideBySide,
    SmallExperts,
    SummedLosses,
    per_row,
    train_stack,
)

__all__ = [
    "Augmentation",
    "ColourJitter",
    "CosineClassifier",
    "CropFlipRotate",
    "DotProductClassifier",
    "GaussianBlur",
    "GaussianNoise",
    "Grayscale",
    "HeadedNetwork",
    "LinearHead",
    "Mixup",
    "MlpStack",
    "MultiExpertResNet32",
    "PenalisedObjective",
    "Progress",
    "ResNet18",
    "ResNet32",
    "Schedule",
    "SideBySide",
    "SmallExperts",
    "SummedLosses",
    "VGG16",
    "feature_mlp",
    "headless",
    "per_row",
    "repeatable",
    "simplex_rows",
    "torch_device",
    "train",
    "train_stack",
]
