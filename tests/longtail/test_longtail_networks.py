"""Networks of the long-tail room: published numbers of parameters, shapes, experts."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from repro.longtail import CosineClassifier, DotProductClassifier, MultiExpertResNet32, ResNet32, SmallExperts


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
    network(images)[:, 1].sum().backward()
    assert network.stem[0].weight.grad.abs().sum() > 0
    assert network.experts[1][0][0].conv1.weight.grad.abs().sum() > 0
    assert not network.experts[0][0][0].conv1.weight.grad.any()
    assert not network.classifiers[2].weight.grad.any()


def test_shapes_and_reproducible_start():
    network = MultiExpertResNet32(7, 2, generator=torch.Generator().manual_seed(1))
    images = torch.randn(3, 3, 32, 32)
    assert network(images).shape == (3, 2, 7)
    assert network.features(images).shape == (3, 2, 48)
    assert ResNet32(7)(images).shape == (3, 7)
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
    assert torch.allclose(network(images), network.features(images) @ head.weight.T)
    assert size(ResNet32(100, scale=None)) == 469_904


def test_bad_numbers_are_refused():
    for build in (lambda: MultiExpertResNet32(0), lambda: MultiExpertResNet32(10, 0), lambda: ResNet32(1.5)):
        with pytest.raises(ValueError, match="must be a whole number of at least 1"):
            build()
    with pytest.raises(ValueError, match="scale must be positive, got 0"):
        CosineClassifier(3, 3, scale=0)


def test_small_networks_side_by_side_learn_as_each_alone():
    """Two networks in one, against a copy of each trained alone on the same batches."""
    torch.manual_seed(0)
    both = SmallExperts(10, 3, 2)
    alone = [SmallExperts(10, 3, 1), SmallExperts(10, 3, 1)]
    for number, network in enumerate(alone):
        state = {}
        for name, value in network.state_dict().items():
            whole = both.state_dict()[name]
            state[name] = whole.reshape(2, -1)[number].view_as(value) if whole.ndim else whole
        network.load_state_dict(state)
    optimizers = [torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9) for network in (both, *alone)]
    for _ in range(3):
        images, labels = torch.randn(16, 2, 28, 28), torch.randint(0, 10, (16,))
        for optimizer in optimizers:
            optimizer.zero_grad()
        logits = both(images)
        (6 * functional.cross_entropy(logits.flatten(0, 2), labels.repeat_interleave(6))).backward()
        for number, network in enumerate(alone):
            single = network(images[:, number : number + 1])
            assert torch.allclose(single[:, 0], logits[:, number], atol=1e-3)
            (3 * functional.cross_entropy(single.flatten(0, 2), labels.repeat_interleave(3))).backward()
        for optimizer in optimizers:
            optimizer.step()


def test_small_networks_may_share_their_images():
    network = SmallExperts(4, 2, 3).eval()
    images = torch.randn(5, 1, 28, 28)
    assert network(images).shape == (5, 3, 2, 4)
    assert torch.allclose(network(images), network(images.expand(-1, 3, -1, -1)))
    with pytest.raises(ValueError, match="num_models must be a whole number of at least 1, got 0"):
        SmallExperts(4, 2, 0)


def test_small_networks_give_the_same_logits_with_and_without_gradients():
    network = SmallExperts(10, 3, 2, generator=torch.Generator().manual_seed(0))
    images = torch.randn(64, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    for _ in range(3):
        network(images)  # moves the running statistics
    with torch.no_grad():
        for layer in network.layers:
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.weight.uniform_(0.5, 2.0)
                layer.bias.uniform_(-1.0, 1.0)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.eval()
    with_gradients = network(images)
    with torch.inference_mode():
        torch.testing.assert_close(network(images), with_gradients.detach(), atol=1e-4, rtol=0)
    assert with_gradients.requires_grad
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name
