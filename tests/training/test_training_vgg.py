"""VGG-16 for small images against the published parameter count and a plain evaluation of its layers."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from repro.training import VGG16  # noqa: E402


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_vgg16_has_the_parameters_of_the_published_convolutions():
    network = VGG16(generator=generator())
    # 138,365,992 with batch normalisation, of which the three fully connected layers for 1,000 classes have the rest
    dense = (512 * 7 * 7 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 1000
    assert sum(parameter.numel() for parameter in network.parameters()) == 138_365_992 - dense
    assert network.n_features == 512
    assert sum(isinstance(module, nn.Conv2d) for module in network) == 13


def test_features_are_those_of_the_layers_one_by_one():
    network = VGG16(1, width=2, generator=generator()).eval()
    images = torch.randn(3, 1, 32, 32, generator=generator(1))
    convolutions = [module for module in network if isinstance(module, nn.Conv2d)]
    expected = images
    for place, convolution in enumerate(convolutions):
        expected = functional.conv2d(expected, convolution.weight, convolution.bias, padding=1)
        # fresh running statistics: mean 0, variance 1
        expected = (expected / (1 + 1e-5) ** 0.5).clamp(min=0)
        if place in (1, 3, 6, 9, 12):
            expected = functional.max_pool2d(expected, 2)
    features = network(images)
    assert features.shape == (3, 16)
    torch.testing.assert_close(features, expected.flatten(1))


def test_equal_seeds_give_equal_networks():
    first, second, third = (VGG16(1, width=2, generator=generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(first[0].weight, second[0].weight)
    assert not torch.equal(first[0].weight, third[0].weight)
    assert not first[0].bias.any()


def test_bad_numbers_are_refused():
    with pytest.raises(ValueError, match="n_channels must be at least 1, got 0"):
        VGG16(0)
    with pytest.raises(ValueError, match="width must be at least 1, got -1"):
        VGG16(width=-1)
