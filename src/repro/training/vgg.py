"""VGG-16 with batch normalisation for small images."""

from __future__ import annotations

from typing import Final

import torch
from torch import nn

STAGES: Final = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))
"""Channels over those of the first stage, and number of convolutions, of every stage (Simonyan and Zisserman, D)."""


class VGG16(nn.Sequential):
    """VGG-16 for small images: thirteen 3x3 convolutions in five stages, each stage halves the picture.

    Every convolution is followed by batch normalisation and ReLU. Instead of the fully connected layers of the original
    the mean over what is left of the picture, one pixel for images of 32 x 32, is the feature.

    Parameters
    ----------
    n_channels : int, default=3
        Channels of the images, which have at least 32 x 32 pixels.
    width : int, default=64
        Channels of the first stage; the features are 8 times as many.
    generator : torch.Generator or None
        Draws the initial weights of the convolutions (He et al. 2015, fan-out); their biases start at 0.

    Attributes
    ----------
    n_features : int

    Raises
    ------
    ValueError
        If a number is below 1.
    """

    def __init__(self, n_channels: int = 3, *, width: int = 64, generator: torch.Generator | None = None) -> None:
        for name, value in (("n_channels", n_channels), ("width", width)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        layers: list[nn.Module] = []
        before = n_channels
        for factor, convolutions in STAGES:
            channels = factor * width
            for _ in range(convolutions):
                layers += [nn.Conv2d(before, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
                before = channels
            layers.append(nn.MaxPool2d(2))
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.n_features = before
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
                assert module.bias is not None
                nn.init.zeros_(module.bias)
