"""ResNet-32 with one or several experts, its classifiers: published numbers of parameters, shapes, experts."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from repro.training import CosineClassifier, DotProductClassifier, MultiExpertResNet32, ResNet32


def size(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_published_numbers_of_parameters():
    assert size(MultiExpertResNet32(100)) == 783_856
    assert size(ResNet32(100)) == 469_904


def test_convolutions_take_the_published_number_of_operations():
    for network, millions in ((MultiExpertResNet32(100), 100.3), (ResNet32(100), 68.9)):
        total = 0

        def count(module: torch.nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
            nonlocal total
            total += output[0].numel() * module.weight[0].numel()

        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.register_forward_hook(count)
        network.eval()(torch.zeros(1, 3, 32, 32))
        assert round(total / 1e6, 1) == millions


def test_experts_share_the_first_stage_and_nothing_else():
    torch.manual_seed(0)
    network = MultiExpertResNet32(10, 3).eval()
    images = torch.randn(2, 3, 32, 32)
    network(images)[1][:, 1].sum().backward()
    assert network.stem[0].weight.grad.abs().sum() > 0
    assert network.experts[1][0][0].conv1.weight.grad.abs().sum() > 0
    assert not network.experts[0][0][0].conv1.weight.grad.any()
    assert not network.classifiers[2].weight.grad.any()


def test_shapes_and_reproducible_start():
    network = MultiExpertResNet32(7, 2, generator=torch.Generator().manual_seed(1))
    images = torch.randn(3, 3, 32, 32)
    features, logits = network(images)
    assert logits.shape == (3, 2, 7)
    assert features.shape == network.features(images).shape == (3, 2, 48)
    features, logits = ResNet32(7)(images)
    assert features.shape == (3, 64)
    assert logits.shape == (3, 7)
    again = MultiExpertResNet32(7, 2, generator=torch.Generator().manual_seed(1))
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))
    starts = [classifier.weight for classifier in network.classifiers]
    assert not torch.equal(*starts)


def test_the_shortcut_subsamples_and_pads_channels_on_both_sides():
    network = MultiExpertResNet32(10, 1)
    block = network.experts[0][0][0].eval()
    torch.nn.init.zeros_(block.conv2.weight)
    maps = torch.rand(1, 16, 8, 8)
    out = block(maps)
    assert out.shape == (1, 24, 4, 4)
    assert torch.equal(out[:, 4:20], maps[:, :, ::2, ::2])
    assert out[:, :4].abs().sum() + out[:, 20:].abs().sum() == 0


def test_cosine_logits():
    head = CosineClassifier(5, 4, scale=30.0)
    features = torch.randn(6, 5)
    wanted = 30 * functional.cosine_similarity(features[:, None], head.weight.T[None], dim=2)
    assert torch.allclose(head(features), wanted, atol=1e-5)
    assert torch.allclose(head(100 * features), wanted, atol=1e-5)
    assert torch.allclose(head.weight.norm(dim=0), torch.ones(4))


def test_linear_logits_without_a_bias():
    network = ResNet32(7, scale=None, generator=torch.Generator().manual_seed(3)).eval()
    images = torch.randn(3, 3, 32, 32)
    (head,) = network.one.classifiers
    assert isinstance(head, DotProductClassifier)
    assert head.weight.abs().max() <= 1 / 8
    assert torch.allclose(network(images)[1], network.features(images) @ head.weight.T)
    assert size(ResNet32(100, scale=None)) == 469_904


def test_bad_numbers_are_refused():
    for build in (lambda: MultiExpertResNet32(0), lambda: MultiExpertResNet32(10, 0)):
        with pytest.raises(ValueError, match=r"num_(classes|experts) must be at least 1, got 0"):
            build()
    with pytest.raises(TypeError, match=r"num_classes must be a whole number of at least 1, got 1\.5"):
        ResNet32(1.5)
    with pytest.raises(ValueError, match="scale must be above 0 and finite, got 0"):
        CosineClassifier(3, 3, scale=0)
