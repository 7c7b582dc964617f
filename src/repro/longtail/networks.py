"""Residual networks for 32 x 32 images, with one or several experts on a shared first stage (He et al. 2016)."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

BLOCKS: Final = 5
SCALE: Final = 30.0


def _at_least_one(**numbers: int) -> None:
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")


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
    """

    def __init__(
        self, n_features: int, n_classes: int, *, scale: float = SCALE, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        _at_least_one(n_features=n_features, n_classes=n_classes)
        if not scale > 0:
            raise ValueError(f"scale must be positive, got {scale}")
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
        _at_least_one(n_features=n_features, n_classes=n_classes)
        bound = n_features**-0.5
        self.weight = nn.Parameter(torch.empty(n_classes, n_features).uniform_(-bound, bound, generator=generator))

    def forward(self, features: Tensor) -> Tensor:
        """Logits of shape (n, n_classes), float32, from features of shape (n, n_features)."""
        with torch.autocast(features.device.type, enabled=False):
            return functional.linear(features.float(), self.weight)


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


def _start(network: nn.Module, generator: torch.Generator | None) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, generator=generator)


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
        _at_least_one(num_classes=num_classes, num_experts=num_experts, n_channels=n_channels)
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
        _start(self, generator)
        self.classifiers = nn.ModuleList(_classifier(last, num_classes, scale, generator) for _ in range(num_experts))

    def features(self, images: Tensor) -> Tensor:
        """Pooled features of shape (n, num_experts, n_features) from images of shape (n, n_channels, 32, 32)."""
        maps = self.shared(self.stem(images))
        return torch.stack([expert(maps) for expert in self.experts], dim=1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of shape (n, num_experts, num_classes), float32."""
        features = self.features(images)
        return torch.stack([head(features[:, k]) for k, head in enumerate(self.classifiers)], dim=1)


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

    def features(self, images: Tensor) -> Tensor:
        """Pooled features of shape (n, 64)."""
        return self.one.features(images)[:, 0]

    def forward(self, images: Tensor) -> Tensor:
        """Logits of shape (n, num_classes), float32."""
        logits: Tensor = self.one(images)[:, 0]
        return logits


class _CosineClassifiers(nn.Module):
    """One cosine classifier for each of several groups of features."""

    def __init__(
        self, groups: int, n_features: int, n_classes: int, scale: float, generator: torch.Generator | None
    ) -> None:
        super().__init__()
        self.scale = scale
        start = torch.empty(groups, n_features, n_classes).uniform_(-1.0, 1.0, generator=generator)
        self.weight = nn.Parameter(functional.normalize(start, dim=1))

    def forward(self, features: Tensor) -> Tensor:
        """Logits of shape (n, groups, n_classes) from features of shape (n, groups, n_features)."""
        with torch.autocast(features.device.type, enabled=False):
            unit = functional.normalize(features.float(), dim=2)
            return self.scale * torch.einsum("ngf,gfc->ngc", unit, functional.normalize(self.weight, dim=1))


class SmallExperts(nn.Module):
    """Several small networks with experts, trained side by side by grouped convolutions.

    Each network has a shared 3x3 convolution to 8 channels, then for each expert two of 16 and 32 channels and the mean
    over a 2 x 2 grid; all with batch normalisation and ReLU, pooling after the first two, cosine classifiers at the
    end. No number goes from one network to another, so training them together under the sum of their losses is
    training each alone.

    Parameters
    ----------
    num_classes : int
        C.
    num_experts : int, default=3
    num_models : int, default=1
        Networks side by side.
    scale : float, default=30
    generator : torch.Generator or None

    Raises
    ------
    ValueError
        If a number is below 1.
    """

    def __init__(
        self,
        num_classes: int,
        num_experts: int = 3,
        num_models: int = 1,
        *,
        scale: float = SCALE,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        _at_least_one(num_classes=num_classes, num_experts=num_experts, num_models=num_models)
        self.num_models, self.num_experts, self.num_classes = num_models, num_experts, num_classes
        groups = num_models * num_experts

        def layer(n_inputs: int, n_outputs: int, parts: int) -> list[nn.Module]:
            convolution = nn.Conv2d(n_inputs, n_outputs, 3, padding=1, bias=False, groups=parts)
            return [convolution, nn.BatchNorm2d(n_outputs)]

        # the largest of a square and ReLU may change places: a quarter of the numbers is left for ReLU
        self.layers = nn.Sequential(
            *layer(num_models, 8 * num_models, num_models),
            nn.MaxPool2d(2),
            nn.ReLU(inplace=True),
            *layer(8 * num_models, 16 * groups, num_models),
            nn.MaxPool2d(2),
            nn.ReLU(inplace=True),
            *layer(16 * groups, 32 * groups, groups),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(2),
        )
        _start(self, generator)
        self.classifiers = _CosineClassifiers(groups, 128, num_classes, scale, generator)

    def _folded(self) -> nn.Sequential:
        """Layers for evaluation, with batch normalisation folded into convolutions: the same function, sooner."""
        folded: list[nn.Module] = []
        for layer in self.layers:
            if isinstance(layer, nn.BatchNorm2d):
                convolution = folded.pop()
                assert isinstance(convolution, nn.Conv2d)
                folded.append(fuse_conv_bn_eval(convolution, layer))
            else:
                folded.append(layer)
        return nn.Sequential(*folded)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of grey images.

        Parameters
        ----------
        images : Tensor of shape (n, num_models, height, width)
            The images of each network as a channel; with one channel all networks see the same.

        Returns
        -------
        Tensor of shape (n, num_models, num_experts, num_classes)
        """
        layers = self.layers if self.training or torch.is_grad_enabled() else self._folded()
        maps = layers(images.expand(-1, self.num_models, -1, -1))
        features = maps.reshape(len(maps), self.num_models * self.num_experts, -1)
        logits: Tensor = self.classifiers(features)
        return logits.view(len(maps), self.num_models, self.num_experts, self.num_classes)
