"""One form of all networks; VGG-16 against its published size and a plain evaluation; networks of torchvision."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402
from torchvision_peer import functional as functional_of_peer  # noqa: E402

from repro.training import (  # noqa: E402
    VGG16,
    HeadedNetwork,
    LinearHead,
    MlpStack,
    MultiExpertResNet32,
    ResNet18,
    ResNet32,
    Schedule,
    SideBySide,
    SmallExperts,
    feature_mlp,
    headless,
    train,
)


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


def headed(backbone, n_features):
    return HeadedNetwork(backbone, LinearHead(n_features, 3, generator=generator()))


NETWORKS = {
    "perceptron": (lambda: headed(feature_mlp(3 * 32 * 32, [8]), 8), (6, 8), (6, 3)),
    "ResNet-18": (lambda: headed(ResNet18(width=2), 16), (6, 16), (6, 3)),
    "VGG-16": (lambda: headed(VGG16(width=2), 16), (6, 16), (6, 3)),
    "ResNet-32": (lambda: ResNet32(3), (6, 64), (6, 3)),
    "experts": (lambda: MultiExpertResNet32(3, 2), (6, 2, 48), (6, 2, 3)),
    "small experts": (lambda: SmallExperts(3, 2, 3), (6, 3, 2, 128), (6, 3, 2, 3)),
    "side by side": (lambda: SideBySide(2, 3, n_channels=3), (6, 2, 128), (6, 2, 3)),
    "stack": (lambda: MlpStack(2, 3 * 32 * 32, (8,), 3), (2, 6, 8), (2, 6, 3)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_gives_features_and_logits_and_has_a_head_between_them(name):
    build, of_features, of_logits = NETWORKS[name]
    network = build().eval()
    images = torch.randn(6, 3, 32, 32, generator=generator(1))
    if name == "small experts":
        assert sum("head" in key for key in network.state_dict()) == 0
    inputs = images.flatten(1) if name == "stack" else images
    features, logits = network(inputs)
    assert features.shape == of_features
    assert logits.shape == of_logits
    torch.testing.assert_close(network.head(features), logits)
    if name == "stack":
        return
    seen = []

    def objective(features, logits, labels, head):
        seen.append(head)
        return logits.square().mean() + features.square().mean()

    train(network, images, torch.arange(6), objective, Schedule(1, 0.01))
    assert seen[0] is network.head


def test_a_network_of_torchvision_becomes_a_backbone():
    functional_of_peer()
    from torchvision.models import mobilenet_v3_small, resnet18

    images = torch.randn(2, 3, 64, 64, generator=generator(1))
    for build, layer, n_features in ((resnet18, "fc", 512), (mobilenet_v3_small, "classifier.3", 1024)):
        whole, network = build(num_classes=7).eval(), build(num_classes=7).eval()
        network.load_state_dict(whole.state_dict())
        backbone = headless(network)
        assert backbone is network
        assert backbone.n_features == n_features
        features = backbone(images)
        assert features.shape == (2, n_features)
        torch.testing.assert_close(whole.get_submodule(layer)(features), whole(images))


def test_resnet18_is_the_one_of_torchvision_with_a_small_stem():
    functional_of_peer()
    from torchvision.models import resnet18

    ours = ResNet18(width=64, generator=generator(2)).eval()
    theirs = resnet18()
    theirs.conv1, theirs.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    theirs = headless(theirs).eval()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    images = torch.randn(2, 3, 32, 32, generator=generator(1))
    torch.testing.assert_close(ours(images), theirs(images), atol=1e-5, rtol=1e-4)


def test_a_network_without_a_linear_layer_has_no_head_to_take():
    with pytest.raises(ValueError, match="network must have a linear layer inside, and Sequential has none"):
        headless(nn.Sequential(nn.ReLU()))
