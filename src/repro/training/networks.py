"""Backbones that give features, and heads of one or several linear layers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


def _whole(**numbers: int) -> None:
    for name, value in numbers.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")


class LinearHead(nn.Module):
    """Linear layers one after the other without activation; only the last one may have a bias.

    Parameters
    ----------
    n_features, n_classes : int
    n_layers : int, default=1
        M, the number of layers.
    width : int or None, default=None
        Outputs of the layers before the last; None for `n_features`.
    bias : bool, default=False
        Whether the last layer has a bias.
    generator : torch.Generator or None
        Draws the initial weights, which are orthogonal.

    Attributes
    ----------
    layers : nn.ModuleList of nn.Linear
        W_1, which sees the features, first.

    Raises
    ------
    ValueError
        If a number is below 1.
    """

    def __init__(
        self,
        n_features: int,
        n_classes: int,
        *,
        n_layers: int = 1,
        width: int | None = None,
        bias: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        inner = n_features if width is None else width
        _whole(n_features=n_features, n_classes=n_classes, n_layers=n_layers, width=inner)
        sizes = [n_features, *[inner] * (n_layers - 1), n_classes]
        self.layers = nn.ModuleList(
            nn.Linear(size, following, bias=bias and place == n_layers - 1)
            for place, (size, following) in enumerate(pairwise(sizes))
        )
        for layer in self.layers:
            assert isinstance(layer, nn.Linear)
            nn.init.orthogonal_(layer.weight, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def weights(self) -> list[Tensor]:
        """Weight matrices, W_1 first."""
        return [parameter for name, parameter in self.named_parameters() if name.endswith("weight")]

    def product(self) -> Tensor:
        """Product W_M ... W_1 of shape (n_classes, n_features)."""
        first, *others = self.weights()
        product = first
        for weight in others:
            product = weight @ product
        return product

    def bias(self) -> Tensor | None:
        """Bias of the last layer of shape (n_classes,), or None."""
        last = self.layers[-1]
        assert isinstance(last, nn.Linear)
        return last.bias

    def forward(self, features: Tensor) -> Tensor:
        """Logits of shape (n, n_classes) from features of shape (n, n_features)."""
        for layer in self.layers:
            features = layer(features)
        return features


class HeadedNetwork(nn.Module):
    """A backbone and a linear head; gives features and logits.

    Parameters
    ----------
    backbone : nn.Module
        From inputs to features of shape (n, n_features).
    head : LinearHead
    """

    def __init__(self, backbone: nn.Module, head: LinearHead) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Features of shape (n, n_features) and logits of shape (n, n_classes)."""
        features = self.backbone(inputs)
        return features, self.head(features)


def feature_mlp(
    n_inputs: int,
    widths: Sequence[int],
    *,
    batch_norm: bool = False,
    generator: torch.Generator | None = None,
) -> nn.Sequential:
    """Make a perceptron of affine layers with ReLU between them; features, without one, may be negative.

    Parameters
    ----------
    n_inputs : int
    widths : sequence of int
        Outputs of the layers; the last one is the number of features.
    batch_norm : bool, default=False
        Whether every ReLU is followed by batch normalisation.
    generator : torch.Generator or None
        Draws the initial weights and biases, uniform within one over the root of a layer's inputs as in PyTorch.

    Returns
    -------
    nn.Sequential

    Raises
    ------
    ValueError
        If there is no layer or a width is below 1.
    """
    if not widths:
        raise ValueError("widths must name at least one layer, got none")
    _whole(n_inputs=n_inputs, **{f"widths[{place}]": width for place, width in enumerate(widths)})
    layers: list[nn.Module] = [nn.Flatten()]
    before = n_inputs
    for place, width in enumerate(widths):
        affine = nn.Linear(before, width)
        reach = before**-0.5
        for parameter in (affine.weight, affine.bias):
            nn.init.uniform_(parameter, -reach, reach, generator=generator)
        layers.append(affine)
        if place < len(widths) - 1:
            layers.append(nn.ReLU())
            if batch_norm:
                layers.append(nn.BatchNorm1d(width))
        before = width
    return nn.Sequential(*layers)


class _Block(nn.Module):
    """Two 3x3 convolutions with a shortcut (He et al. 2016)."""

    def __init__(self, n_inputs: int, n_outputs: int, stride: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(n_inputs, n_outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(n_outputs),
            nn.ReLU(),
            nn.Conv2d(n_outputs, n_outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(n_outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or n_inputs != n_outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(n_inputs, n_outputs, 1, stride, bias=False), nn.BatchNorm2d(n_outputs)
            )

    def forward(self, images: Tensor) -> Tensor:
        """Feature maps of shape (n, n_outputs, height / stride, width / stride)."""
        return torch.relu(self.convolutions(images) + self.shortcut(images))


class ResNet18(nn.Sequential):
    """ResNet-18 for small images: a 3x3 stem without pooling, four stages, mean over the picture.

    Parameters
    ----------
    n_channels : int, default=3
        Channels of the images.
    width : int, default=64
        Channels of the first stage; the features are 8 times as many.
    generator : torch.Generator or None
        Draws the initial weights of the convolutions (He et al. 2015, fan-out).

    Attributes
    ----------
    n_features : int

    Raises
    ------
    ValueError
        If a number is below 1.
    """

    def __init__(self, n_channels: int = 3, *, width: int = 64, generator: torch.Generator | None = None) -> None:
        _whole(n_channels=n_channels, width=width)
        layers: list[nn.Module] = [
            nn.Conv2d(n_channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
        before = width
        for stage, stride in enumerate((1, 2, 2, 2)):
            channels = width * 2**stage
            layers += [_Block(before, channels, stride), _Block(channels, channels, 1)]
            before = channels
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.n_features = before
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
