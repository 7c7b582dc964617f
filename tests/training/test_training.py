"""Networks, objectives and the loop: against NumPy, PyTorch's own modules, and an undisturbed run."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from repro.training import (  # noqa: E402
    HeadedNetwork,
    LinearHead,
    PenalisedObjective,
    ResNet18,
    Schedule,
    feature_mlp,
    train,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def small_network(seed=0, n_layers=2, bias=True):
    draws = generator(seed)
    backbone = feature_mlp(6, [16, 8], generator=draws)
    return HeadedNetwork(backbone, LinearHead(8, 3, n_layers=n_layers, bias=bias, generator=draws))


def rows(n=60, seed=1):
    draws = generator(seed)
    labels = torch.arange(n) % 3
    return torch.randn(n, 6, generator=draws) + labels[:, None], labels


def test_a_head_is_the_product_of_its_layers():
    head = LinearHead(5, 3, n_layers=3, width=7, bias=True, generator=generator())
    assert [tuple(weight.shape) for weight in head.weights()] == [(7, 5), (7, 7), (3, 7)]
    features = torch.randn(4, 5, generator=generator(1))
    with torch.no_grad():
        head.layers[-1].bias += 1.0
    torch.testing.assert_close(head(features), features @ head.product().T + head.bias())
    square = head.weights()[1]
    torch.testing.assert_close(square @ square.T, torch.eye(7), atol=1e-5, rtol=0)
    assert LinearHead(5, 3).bias() is None


def test_one_layer_is_an_ordinary_linear_layer():
    head = LinearHead(5, 3, generator=generator())
    assert len(head.layers) == 1
    torch.testing.assert_close(head.product(), head.layers[0].weight)


def test_features_may_be_negative_and_equal_seeds_give_equal_networks():
    first, second, third = (small_network(seed) for seed in (0, 0, 1))
    inputs, _ = rows()
    features, logits = first(inputs)
    assert features.shape == (60, 8)
    assert logits.shape == (60, 3)
    assert (features < 0).any()
    torch.testing.assert_close(second(inputs)[1], logits, atol=0, rtol=0)
    assert not torch.equal(third(inputs)[1], logits)


def test_resnet18_has_the_parameters_of_the_small_image_variant():
    network = ResNet18(generator=generator())
    # 11,173,962 with a 10-class head, of which 512 * 10 + 10 are the head's
    assert sum(parameter.numel() for parameter in network.parameters()) == 11_173_962 - 5_130
    assert network.n_features == 512
    narrow = ResNet18(1, width=8, generator=generator())
    assert narrow(torch.zeros(2, 1, 28, 28)).shape == (2, 64)


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_the_objective_is_its_formula(loss):
    network = small_network()
    inputs, labels = rows()
    features, logits = network(inputs)
    H, Z, y = (tensor.detach().numpy().astype(float) for tensor in (features, logits, labels))
    y = y.astype(int)
    if loss == "mse":
        data = ((Z - np.eye(3)[y]) ** 2).sum() / (2 * 60)
    else:
        data = (np.log(np.exp(Z).sum(axis=1)) - Z[np.arange(60), y]).mean()
    weights = [weight.detach().numpy() for weight in network.head.weights()]
    expected = data + 0.5 * (0.1 * (weights[0] ** 2).sum() + 0.2 * (weights[1] ** 2).sum() + 0.03 * (H**2).sum())
    objective = PenalisedObjective(loss, lambda_W=[0.1, 0.2], lambda_H=0.03)
    assert objective(features, logits, labels, network.head).item() == pytest.approx(expected, rel=1e-5)


def test_batches_add_up_to_the_objective_of_all_rows():
    network = small_network()
    inputs, labels = rows()
    of_all = PenalisedObjective("mse", lambda_W=[0.1, 0.1], lambda_H=0.03)
    of_batches = PenalisedObjective("mse", lambda_W=[0.1, 0.1], lambda_H=0.03, n_samples=60)
    parts = [of_batches(*network(inputs[i : i + 20]), labels[i : i + 20], network.head) for i in (0, 20, 40)]
    assert sum(parts).item() / 3 == pytest.approx(of_all(*network(inputs), labels, network.head).item(), rel=1e-5)


@pytest.mark.parametrize(("optimizer", "rate"), [("adam", 0.01), ("sgd", 0.02)])
def test_training_lowers_the_objective_and_learns(optimizer, rate):
    network = small_network()
    inputs, labels = rows()
    objective = PenalisedObjective("mse", lambda_W=[1e-3, 1e-3], lambda_H=1e-5)
    before = float(objective(*network(inputs), labels, network.head).detach())
    train(network, inputs, labels, objective, Schedule(600, rate, optimizer))
    features, logits = network(inputs)
    assert float(objective(features, logits, labels, network.head).detach()) < 0.3 * before
    assert (logits.argmax(1) == labels).float().mean() > 0.95
    assert not network.training


def test_all_rows_at_once_is_gradient_descent():
    network, twin = small_network(), small_network()
    inputs, labels = rows()
    objective = PenalisedObjective("cross_entropy", lambda_W=[1e-3, 1e-3], lambda_H=1e-4)
    train(network, inputs, labels, objective, Schedule(3, 0.1, "sgd", milestones=()))
    buffers = [torch.zeros_like(parameter) for parameter in twin.parameters()]
    for _ in range(3):
        value = objective(*twin(inputs), labels, twin.head)
        for parameter, buffer, gradient in zip(
            twin.parameters(), buffers, torch.autograd.grad(value, list(twin.parameters())), strict=True
        ):
            buffer.mul_(0.9).add_(gradient)
            with torch.no_grad():
                parameter -= 0.1 * buffer
    for ours, theirs in zip(network.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_learning_rate_falls_at_its_milestones():
    schedule = Schedule(10, 1.0, milestones=(0.5, 0.8))
    assert [round(schedule.learning_rate_at(epoch), 6) for epoch in range(10)] == [1.0] * 5 + [0.1] * 3 + [0.01] * 2


class Stopped(Exception):
    pass


@pytest.mark.parametrize("batch_size", [None, 16])
def test_a_resumed_run_ends_like_an_undisturbed_one(tmp_path, batch_size):
    inputs, labels = rows()
    objective = PenalisedObjective("mse", lambda_W=[1e-3, 1e-3], lambda_H=1e-4)
    schedule = Schedule(9, 0.01, batch_size=batch_size)
    plain = train(small_network(), inputs, labels, objective, schedule, generator=generator(3))

    def stop(done, network):
        if done == 5:
            raise Stopped

    file = tmp_path / "run.pt"
    with pytest.raises(Stopped):
        train(
            small_network(), inputs, labels, objective, schedule,
            generator=generator(3), watch=stop, watch_every=1, checkpoint=file,
        )  # fmt: skip
    resumed = train(small_network(seed=9), inputs, labels, objective, schedule, generator=generator(8), checkpoint=file)
    for ours, theirs in zip(resumed.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=0, rtol=0)
    assert [path.name for path in tmp_path.iterdir()] == ["run.pt"]


def test_a_foreign_or_damaged_checkpoint_is_refused_and_kept(tmp_path):
    inputs, labels = rows()
    objective = PenalisedObjective("mse", lambda_W=[0.0], lambda_H=0.0)
    file = tmp_path / "run.pt"
    train(small_network(n_layers=1), inputs, labels, objective, Schedule(1, 0.01), checkpoint=file)
    written = file.read_bytes()
    with pytest.raises(ValueError, match=r"(?s)does not belong to this network or is damaged .* the file is kept"):
        train(small_network(n_layers=2), inputs, labels, objective, Schedule(1, 0.01), checkpoint=file)
    assert file.read_bytes() == written
    file.write_bytes(written[:100])
    with pytest.raises(ValueError, match="is damaged"):
        train(small_network(n_layers=1), inputs, labels, objective, Schedule(2, 0.01), checkpoint=file)
    assert file.read_bytes() == written[:100]


def test_a_watch_sees_the_wanted_epochs_in_evaluation_mode():
    inputs, labels = rows()
    seen = []
    objective = PenalisedObjective("mse", lambda_W=[0.0, 0.0], lambda_H=0.0)
    train(
        small_network(), inputs, labels, objective, Schedule(7, 0.01),
        watch=lambda done, network: seen.append((done, network.training)), watch_every=3,
    )  # fmt: skip
    assert seen == [(3, False), (6, False), (7, False)]


def test_bad_input_is_refused():
    inputs, labels = rows()
    objective = PenalisedObjective("mse", lambda_W=[0.1], lambda_H=0.1)
    with pytest.raises(ValueError, match="the head has 2 layers, lambda_W has 1 penalties"):
        train(small_network(), inputs, labels, objective, Schedule(1, 0.1))
    with pytest.raises(ValueError, match="equal length, got 60 and 59"):
        train(small_network(), inputs, labels[1:], objective, Schedule(1, 0.1))
    with pytest.raises(ValueError, match=r"loss must be one of \('mse', 'cross_entropy'\), got 'hinge'"):
        PenalisedObjective("hinge", lambda_W=[0.1], lambda_H=0.1)
    for of_layers, of_features in (([-0.1], 0.1), ([], 0.1), ([1.0], -1.0)):
        with pytest.raises(ValueError, match="none negative"):
            PenalisedObjective("mse", lambda_W=of_layers, lambda_H=of_features)
    for name, bad in (("epochs", (-1, 0.1)), ("learning_rate", (1, 0.0))):
        with pytest.raises(ValueError, match=name):
            Schedule(*bad)
    with pytest.raises(ValueError, match="optimizer must be 'adam', 'adamw' or 'sgd', got 'lion'"):
        Schedule(1, 0.1, "lion")
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        Schedule(1, 0.1, batch_size=0)
    with pytest.raises(ValueError, match="milestones must be shares between 0 and 1"):
        Schedule(1, 0.1, milestones=(30,))
    with pytest.raises(ValueError, match="n_layers must be at least 1, got 0"):
        LinearHead(5, 3, n_layers=0)
    with pytest.raises(ValueError, match=r"widths\[1\] must be at least 1, got 0"):
        feature_mlp(5, [3, 0])
    with pytest.raises(ValueError, match="at least one layer"):
        feature_mlp(5, [])
    with pytest.raises(FloatingPointError, match=r"after \d+ epochs; a smaller learning rate than 1e\+06"):
        train(small_network(n_layers=1), inputs, labels, objective, Schedule(50, 1e6, "sgd"))


def test_the_package_imports_without_torch():
    code = "import repro, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_training_room_needs_nothing_of_the_book_but_torch_and_numpy():
    code = """
import sys

for name in (
    "IPython", "PIL", "imblearn", "joblib", "matplotlib", "pandas", "pooch", "pydantic", "safetensors", "scipy",
    "sklearn", "torchvision", "yaml",
):
    sys.modules[name] = None
import torch
import repro.training as training

images = torch.randint(0, 256, (8, 1, 8, 8), dtype=torch.uint8)
network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
plan = training.Schedule(1, 0.1, batch_size=4)
change = training.Augmentation([training.CropFlipRotate(padding=1, flip=0.5)], (0.5,), (0.5,))
training.train(
    network, images, torch.arange(8) % 2, torch.nn.functional.cross_entropy, plan, augmentation=change
)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
