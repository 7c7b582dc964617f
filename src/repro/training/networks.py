"""Backbones that give features, heads that make logits of them, and both together.

All networks of this room have one form: ``network(inputs)`` gives features and logits, and ``network.head`` is what
makes the logits of the features. A backbone alone gives features, and says how many in ``n_features`` where that is
not plain; :class:`HeadedNetwork` puts a head on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.ground.checks import positive_number, whole_number

SCALE: Final = 30.0
"""Usual scale of a cosine classifier."""


def at_least_one(**numbers: int) -> None:
    """Refuse what is no whole number of at least 1.

    Raises
    ------
    TypeError
        If it is no whole number.
    ValueError
        If it is below 1.
    """
    for name, value in numbers.items():
        whole_number(name, value, at_least=1)


def start_convolutions(network: nn.Module, generator: torch.Generator | None) -> None:
    """Draw the weights of all convolutions (He et al. 2015, fan-in)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, generator=generator)


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
        at_least_one(n_features=n_features, n_classes=n_classes, n_layers=n_layers, width=inner)
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


class CosineClassifier(nn.Module):
    r"""Linear classifier on the sphere: logits :math:`s \, h / |h| \cdot w_c / |w_c|`, without a bias.

    Parameters
    ----------
    n_features, n_classes : int
    scale : float, default=30
        s.
    generator : torch.Generator or None
        Draws the initial weights: uniform in [-1, 1], then columns of unit length.

    Attributes
    ----------
    weight : nn.Parameter of shape (n_features, n_classes)

    Raises
    ------
    ValueError
        If a number is below 1 or the scale is not positive.

    Examples
    --------
    >>> import torch
    >>> classifier = CosineClassifier(2, 3, scale=16.0)
    >>> feature = torch.tensor([[1.0, 2.0]])
    >>> torch.allclose(classifier(feature), classifier(10 * feature), atol=1e-4)  # the length does not count
    True
    """

    def __init__(
        self, n_features: int, n_classes: int, *, scale: float = SCALE, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        at_least_one(n_features=n_features, n_classes=n_classes)
        positive_number("scale", scale)
        self.scale = scale
        start = torch.empty(n_features, n_classes).uniform_(-1.0, 1.0, generator=generator)
        self.weight = nn.Parameter(functional.normalize(start, dim=0))

    def forward(self, features: Tensor) -> Tensor:
        """Logits of shape (n, n_classes), float32, from features of shape (n, n_features)."""
        with torch.autocast(features.device.type, enabled=False):
            unit = functional.normalize(features.float(), dim=1)
            return self.scale * unit @ functional.normalize(self.weight, dim=0)


class DotProductClassifier(nn.Module):
    r"""Linear classifier without a bias: logits :math:`h \cdot w_c`.

    Parameters
    ----------
    n_features, n_classes : int
    generator : torch.Generator or None
        Draws the initial weights: uniform between -1 and 1 over the root of `n_features`.

    Attributes
    ----------
    weight : nn.Parameter of shape (n_classes, n_features)

    Raises
    ------
    ValueError
        If a number is below 1.
    """

    def __init__(self, n_features: int, n_classes: int, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        at_least_one(n_features=n_features, n_classes=n_classes)
        bound = n_features**-0.5
        self.weight = nn.Parameter(torch.empty(n_classes, n_features).uniform_(-bound, bound, generator=generator))

    def forward(self, features: Tensor) -> Tensor:
        """Logits of shape (n, n_classes), float32, from features of shape (n, n_features)."""
        with torch.autocast(features.device.type, enabled=False):
            return functional.linear(features.float(), self.weight)


class HeadedNetwork(nn.Module):
    """A backbone and a linear head; gives features and logits.

    Parameters
    ----------
    backbone : nn.Module
        From inputs to features of shape (n, n_features).
    head : LinearHead

    Examples
    --------
    >>> import torch
    >>> network = HeadedNetwork(feature_mlp(4, [8, 3]), LinearHead(3, 5))
    >>> features, logits = network(torch.zeros(2, 4))
    >>> features.shape, logits.shape
    (torch.Size([2, 3]), torch.Size([2, 5]))
    """

    def __init__(self, backbone: nn.Module, head: LinearHead) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Features of shape (n, n_features) and logits of shape (n, n_classes)."""
        features = self.backbone(inputs)
        return features, self.head(features)


def headless(network: nn.Module) -> nn.Module:
    """Make a backbone of a network of torchvision, or of another one that ends in a linear layer.

    Parameters
    ----------
    network : nn.Module
        A classifier whose last linear layer gives the logits, such as ``torchvision.models.resnet50()``. It is changed
        in place: the identity takes the place of that layer.

    Returns
    -------
    nn.Module
        The same network, which now gives features; ``n_features`` says how many.

    Raises
    ------
    ValueError
        If the network has no linear layer inside.
    """
    linear = [(name, part) for name, part in network.named_modules() if name and isinstance(part, nn.Linear)]
    if not linear:
        raise ValueError(f"network must have a linear layer inside, and {type(network).__name__} has none")
    name, last = linear[-1]
    network.set_submodule(name, nn.Identity())
    network.n_features = last.in_features  # type: ignore[assignment]
    return network


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

    Examples
    --------
    >>> import torch
    >>> feature_mlp(4, [8, 3])(torch.zeros(2, 4)).shape
    torch.Size([2, 3])
    """
    if not widths:
        raise ValueError("widths must name at least one layer, got none")
    at_least_one(n_inputs=n_inputs, **{f"widths[{place}]": width for place, width in enumerate(widths)})
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
        at_least_one(n_channels=n_channels, width=width)
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
        at_least_one(n_channels=n_channels, width=width)
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
