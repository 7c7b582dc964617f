"""Residual networks for 32 x 32 images, with one or several experts on a shared first stage (He et al. 2016)."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.training.networks import SCALE, CosineClassifier, DotProductClassifier, at_least_one, start_convolutions

BLOCKS: Final = 5


def _classifier(n_features: int, n_classes: int, scale: float | None, generator: torch.Generator | None) -> nn.Module:
    if scale is None:
        return DotProductClassifier(n_features, n_classes, generator=generator)
    return CosineClassifier(n_features, n_classes, scale=scale, generator=generator)


class _Block(nn.Module):
    """Two 3x3 convolutions; a shortcut without parameters where the shape changes (option A of He et al. 2016)."""

    def __init__(self, n_inputs: int, n_outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_inputs, n_outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_outputs)
        self.conv2 = nn.Conv2d(n_outputs, n_outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_outputs)
        self.stride = stride
        self.missing = n_outputs - n_inputs

    def forward(self, maps: Tensor) -> Tensor:
        """Feature maps of shape (n, n_outputs, height / stride, width / stride)."""
        straight = maps
        if self.stride != 1:
            straight = maps[:, :, :: self.stride, :: self.stride]
        if self.missing:
            before = self.missing // 2
            straight = functional.pad(straight, (0, 0, 0, 0, before, self.missing - before))
        inner = torch.relu(self.bn1(self.conv1(maps)))
        return torch.relu(self.bn2(self.conv2(inner)) + straight)


def _stage(n_inputs: int, n_outputs: int, stride: int) -> nn.Sequential:
    first = _Block(n_inputs, n_outputs, stride)
    return nn.Sequential(first, *(_Block(n_outputs, n_outputs, 1) for _ in range(BLOCKS - 1)))


class _Heads(nn.ModuleList):
    """A classifier for each expert."""

    def forward(self, features: Tensor) -> Tensor:
        """Logits of shape (n, experts, C) from features of shape (n, experts, d)."""
        return torch.stack([head(features[:, k]) for k, head in enumerate(self)], dim=1)


class MultiExpertResNet32(nn.Module):
    """ResNet-32 whose stem and first stage are shared by experts; each has its own second and third stage.

    Parameters
    ----------
    num_classes : int
        C.
    num_experts : int, default=3
    reduced : bool, default=True
        Whether stages two and three have 24 and 48 channels instead of 32 and 64.
    scale : float or None, default=30
        Scale of the cosine classifiers; None for linear classifiers without a bias.
    n_channels : int, default=3
        Channels of the images.
    generator : torch.Generator or None
        Draws the initial weights (convolutions as He et al. 2015, fan-in).

    Raises
    ------
    ValueError
        If a number is below 1.

    Notes
    -----
    783,856 parameters with three reduced experts and 100 classes.
    """

    def __init__(
        self,
        num_classes: int,
        num_experts: int = 3,
        reduced: bool = True,
        *,
        scale: float | None = SCALE,
        n_channels: int = 3,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        at_least_one(num_classes=num_classes, num_experts=num_experts, n_channels=n_channels)
        middle, last = (24, 48) if reduced else (32, 64)
        self.num_classes = num_classes
        self.num_experts = num_experts
        self.stem = nn.Sequential(nn.Conv2d(n_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.shared = _stage(16, 16, 1)
        self.experts = nn.ModuleList(
            nn.Sequential(
                _stage(16, middle, 2),
                _stage(middle, last, 2),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
            )
            for _ in range(num_experts)
        )
        start_convolutions(self, generator)
        self.classifiers = _Heads(_classifier(last, num_classes, scale, generator) for _ in range(num_experts))

    @property
    def head(self) -> nn.Module:
        """The classifiers of all experts: from features of shape (n, num_experts, d) to logits."""
        return self.classifiers

    def features(self, images: Tensor) -> Tensor:
        """Pooled features of shape (n, num_experts, n_features) from images of shape (n, n_channels, 32, 32)."""
        maps = self.shared(self.stem(images))
        return torch.stack([expert(maps) for expert in self.experts], dim=1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features of shape (n, num_experts, d) and logits of shape (n, num_experts, num_classes), these float32."""
        features = self.features(images)
        return features, self.classifiers(features)


class ResNet32(nn.Module):
    """ResNet-32 with a cosine or a linear classifier.

    Parameters
    ----------
    num_classes : int
        C.
    scale : float or None, default=30
        Of the cosine classifier; None for a linear classifier without a bias.
    n_channels : int, default=3
    generator : torch.Generator or None

    Raises
    ------
    ValueError
        If a number is below 1.

    Notes
    -----
    469,904 parameters with 100 classes.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        scale: float | None = SCALE,
        n_channels: int = 3,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.one = MultiExpertResNet32(
            num_classes, 1, reduced=False, scale=scale, n_channels=n_channels, generator=generator
        )
        self.num_classes = num_classes

    @property
    def head(self) -> nn.Module:
        """The classifier."""
        return self.one.classifiers[0]

    def features(self, images: Tensor) -> Tensor:
        """Pooled features of shape (n, 64)."""
        return self.one.features(images)[:, 0]

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features of shape (n, 64) and logits of shape (n, num_classes), these float32."""
        features, logits = self.one(images)
        return features[:, 0], logits[:, 0]
