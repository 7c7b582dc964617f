"""Networks side by side against each alone: a plain perceptron, PyTorch's own optimisers, single stacks in turn."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.training import (
    Augmentation,
    CropFlipRotate,
    MlpStack,
    Schedule,
    SideBySide,
    SmallExperts,
    SummedLosses,
    feature_mlp,
    per_row,
    train,
    train_stack,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def generators(*seeds: int) -> list[torch.Generator]:
    return [generator(seed) for seed in seeds]


def rows(n: int = 60, seed: int = 1) -> tuple[Tensor, Tensor]:
    labels = torch.arange(n) % 3
    return torch.randn(n, 6, generator=generator(seed)) + labels[:, None], labels


def pictures(n: int = 30, seed: int = 1) -> tuple[Tensor, Tensor]:
    labels = torch.arange(n) % 3
    images = torch.randn(n, 1, 12, 12, generator=generator(seed))
    images[torch.arange(n), 0, 4 * labels] += 2.0
    return images, labels


def of_model(stack: nn.Module, model: int, n_models: int) -> list[Tensor]:
    """Parameters of one model, whatever their first axis holds besides models."""
    return [value.detach().chunk(n_models)[model] for value in stack.parameters()]


def assert_same(stack: nn.Module, model: int, n_models: int, alone: list[Tensor], **tolerance: float) -> None:
    mine = of_model(stack, model, n_models)
    assert len(mine) == len(alone)
    for ours, theirs in zip(mine, alone, strict=True):
        torch.testing.assert_close(ours, theirs, **({"atol": 2e-6, "rtol": 1e-5} | tolerance))


def perceptron(seed: int, widths: tuple[int, ...] = (16, 8)) -> nn.Sequential:
    return feature_mlp(6, [*widths, 3], generator=generator(seed))


def assert_same_perceptron(stack: MlpStack, model: int, alone: nn.Sequential, **tolerance: float) -> None:
    flat = [value.T if value.ndim == 2 else value for value in alone.parameters()]
    mine = [value[0] for value in of_model(stack, model, stack.n_models)]
    for ours, theirs in zip(mine, flat, strict=True):
        torch.testing.assert_close(ours, theirs.detach(), **({"atol": 2e-6, "rtol": 1e-5} | tolerance))


def test_a_stack_is_perceptrons_of_the_same_seeds():
    stack = MlpStack(3, 6, (16, 8), 3, generator=generators(4, 5, 4))
    inputs, _ = rows()
    features, logits = stack(inputs)
    assert features.shape == (3, 60, 8)
    assert logits.shape == (3, 60, 3)
    assert torch.equal(logits[0], logits[2])
    for model, seed in enumerate((4, 5)):
        torch.testing.assert_close(logits[model], perceptron(seed)(inputs))
    own = torch.stack([inputs, 2 * inputs, -inputs])
    torch.testing.assert_close(stack(own)[1][1], perceptron(5)(2 * inputs))
    torch.testing.assert_close(stack.head(features), logits)
    linear, tanh = MlpStack(2, 6, (), 3), MlpStack(1, 6, (4,), 3, activation="tanh", generator=generator(2))
    assert linear(inputs)[0].shape == (2, 60, 6)
    inner = perceptron(2, (4,))
    torch.testing.assert_close(tanh(inputs)[1][0], inner[3](torch.tanh(inner[1](inputs))))


def test_one_generator_starts_one_model_after_the_other():
    draws = generator(7)
    both = MlpStack(2, 6, (5,), 3, generator=generator(7))
    for model in range(2):
        assert_same(both, model, 2, [value.detach() for value in MlpStack(1, 6, (5,), 3, generator=draws).parameters()])
    draws = generator(7)
    both = SideBySide(2, 3, n_features=16, generator=generator(7))
    for model in range(2):
        alone = SideBySide(1, 3, n_features=16, generator=draws)
        assert_same(both, model, 2, [value.detach() for value in alone.parameters()], atol=0, rtol=0)


SETTINGS = [(0.01, 0.0), (0.003, 0.02), (2.0, 0.0)]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_every_model_is_trained_as_by_the_optimiser_of_pytorch_alone(optimizer):
    inputs, labels = rows()
    settings = SETTINGS if optimizer == "sgd" else [(rate / 10, decay) for rate, decay in SETTINGS]
    stack = MlpStack(3, 6, (16, 8), 3, generator=generators(4, 5, 6))
    train_stack(
        stack, inputs, labels, steps=8, optimizer=optimizer, momentum=0.8,
        learning_rate=[rate for rate, _ in settings], weight_decay=[decay for _, decay in settings],
    )  # fmt: skip
    assert not stack.training
    for model, (rate, decay) in enumerate(settings):
        alone = perceptron(4 + model)
        choose = {"adam": torch.optim.Adam, "sgd": lambda *a, **k: torch.optim.SGD(*a, momentum=0.8, **k)}[optimizer]
        optimiser = choose(alone.parameters(), lr=rate, weight_decay=decay)
        for _ in range(8):
            optimiser.zero_grad()
            functional.cross_entropy(alone(inputs), labels).backward()
            optimiser.step()
        size = max(1.0, *(float(value.detach().abs().max()) for value in alone.parameters()))
        assert_same_perceptron(stack, model, alone, atol=2e-5 * size, rtol=1e-4)


@pytest.mark.parametrize("kind", ["perceptrons", "networks"])
def test_two_at_once_are_two_in_turn(kind):
    """Own seeds, rows, weights, labels, rates and decays; batches of random rows."""
    inputs, labels = rows(30) if kind == "perceptrons" else pictures()
    own_labels = torch.stack([labels, labels.flip(0)])
    chosen = [torch.arange(20), torch.tensor([3, 3, 7, 11, 29, 29, 29])]
    weights = torch.rand(2, 30, generator=generator(9)) + 0.5
    rates, decays = [0.01, 0.003], [0.0, 0.1]

    def stack(*seeds):
        if kind == "perceptrons":
            return MlpStack(len(seeds), 6, (16,), 3, generator=generators(*seeds))
        return SideBySide(len(seeds), 3, n_features=16, cosine=10.0, generator=generators(*seeds))

    both = train_stack(
        stack(4, 5), inputs, own_labels, steps=40, learning_rate=rates, weight_decay=decays, batch_size=8,
        rows=chosen, row_weights=weights, generator=generators(6, 7),
    )  # fmt: skip
    for model in range(2):
        alone = train_stack(
            stack(4 + model), inputs, own_labels[model], steps=40, learning_rate=rates[model],
            weight_decay=decays[model], batch_size=8, rows=[chosen[model]], row_weights=weights[model],
            generator=generators(6 + model),
        )  # fmt: skip
        assert_same(both, model, 2, [value.detach() for value in alone.parameters()], atol=1e-4, rtol=1e-3)
        for ours, theirs in zip(both.buffers(), alone.buffers(), strict=True):
            mine = ours.chunk(2)[model] if ours.ndim else ours
            torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-3)


def test_a_setting_of_one_model_leaves_the_other_as_it_is():
    inputs, labels = rows()
    common = {"steps": 12, "batch_size": 16}

    def second(**changes):
        options = {
            "learning_rate": [0.01, 0.01], "weight_decay": [0.0, 0.0], "rows": [torch.arange(60)] * 2,
            "row_weights": torch.ones(2, 60), "loss": [per_row(functional_ce)] * 2, "masks": {}, **changes,
        }  # fmt: skip
        stack = MlpStack(2, 6, (16,), 3, generator=generators(4, 5))
        train_stack(stack, inputs, labels, **common, generator=generators(6, 7), **options)
        return of_model(stack, 0, 2), of_model(stack, 1, 2)

    first, second_alone = second()
    mask = torch.ones(2, 6, 16)
    mask[0, :, ::2] = 0
    weights = torch.ones(2, 60)
    weights[0, :30] = 5.0
    for changes in (
        {"learning_rate": [0.02, 0.01]},
        {"learning_rate": torch.tensor([1e30, 0.01])},
        {"weight_decay": [1.0, 0.0]},
        {"rows": [torch.arange(4), torch.arange(60)]},
        {"row_weights": weights},
        {"masks": {"layers.0.weight": mask}},
        {"loss": [per_row(lambda logits, labels: logits.square().sum(1)), per_row(functional_ce)]},
    ):
        other, same = second(**changes)
        assert all(torch.allclose(a, b, atol=1e-6, rtol=0) for a, b in zip(same, second_alone, strict=True)), changes
        assert not all(torch.allclose(a, b, atol=1e-3, rtol=0) for a, b in zip(other, first, strict=True)), changes


def functional_ce(logits: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy(logits, labels, reduction="none")


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_masks_keep_weights_at_nothing_and_let_the_others_learn(optimizer):
    inputs, labels = rows()
    stack = MlpStack(2, 6, (16,), 3, generator=generators(4, 5))
    masks = {
        "layers.0.weight": torch.rand(2, 6, 16, generator=generator(8)) > 0.5,
        "head.bias": torch.tensor([[1, 0, 1], [1, 1, 1]]),
    }
    start = {name: value.detach().clone() for name, value in stack.named_parameters()}
    kept = []

    def note(stack, step):
        kept.append(all(not value[masks[name] == 0].any() for name, value in stack.named_parameters() if name in masks))

    train_stack(
        stack, inputs, labels, steps=30, learning_rate=0.01, weight_decay=0.01, optimizer=optimizer, masks=masks,
        after_step=note,
    )  # fmt: skip
    assert kept == [True] * 30
    for name, mask in masks.items():
        value = dict(stack.named_parameters())[name]
        assert not value[mask == 0].any()
        assert (value != start[name])[mask != 0].all()
    assert (stack(inputs)[1].argmax(2) == labels).float().mean() > 0.6


def test_a_mask_from_the_start_is_the_smaller_network():
    inputs, labels = rows()
    stack = MlpStack(1, 6, (16,), 3, generator=generator(4))
    mask = torch.ones(1, 6, 16)
    mask[:, 3:] = 0
    small = MlpStack(1, 3, (16,), 3)
    state = stack.state_dict()
    small.load_state_dict(state | {"layers.0.weight": state["layers.0.weight"][:, :3]})
    options = {"steps": 20, "learning_rate": 0.01, "weight_decay": 0.1}
    train_stack(stack, inputs, labels, masks={"layers.0.weight": mask}, **options)
    train_stack(small, inputs[:, :3].contiguous(), labels, **options)
    torch.testing.assert_close(stack(inputs)[1], small(inputs[:, :3])[1], atol=1e-5, rtol=1e-4)


def test_weights_of_rows_are_repetitions():
    inputs, labels = rows(12)
    times = torch.arange(12) % 3
    stacks = [MlpStack(1, 6, (8,), 3, generator=generator(4)) for _ in range(2)]
    train_stack(stacks[0], inputs, labels, steps=15, learning_rate=0.01, row_weights=times.float())
    train_stack(
        stacks[1], inputs, labels, steps=15, learning_rate=0.01, rows=[torch.arange(12).repeat_interleave(times)]
    )
    # twelve of twelve in the mean: the sum of the weights is the number of rows
    torch.testing.assert_close(stacks[0](inputs)[1], stacks[1](inputs)[1], atol=1e-5, rtol=1e-4)


def test_each_pass_sees_all_rows_of_a_model_once():
    inputs, labels = rows(20)
    seen: list[Tensor] = []

    def loss(logits, labels, numbers):
        seen.append(numbers)
        return logits.square().sum(2)

    chosen = [torch.arange(10), torch.tensor([12, 14, 14, 19])]
    stack = MlpStack(2, 6, (), 3)
    options = {"steps": 10, "learning_rate": 0.1, "batch_size": 4, "rows": chosen, "row_ids": True}
    train_stack(stack, inputs, labels, loss, **options, generator=generators(3, 3))
    assert all(numbers.shape == (2, 4) for numbers in seen)
    first, second = torch.cat(seen, dim=1)
    for place in range(0, 40, 10):
        assert sorted(first[place : place + 10].tolist()) == list(range(10))
    for place in range(0, 40, 4):
        assert sorted((second[place : place + 4] - 20).tolist()) == [12, 14, 14, 19]
    assert len({tuple(first[place : place + 10].tolist()) for place in range(0, 40, 10)}) > 1
    seen.clear()
    train_stack(MlpStack(1, 6, (), 3), inputs, labels, loss, **options | {"rows": chosen[:1]}, generator=generators(3))
    assert torch.equal(torch.cat(seen, dim=1)[0], first)
    seen.clear()
    train_stack(MlpStack(1, 6, (), 3), inputs, labels, loss, steps=2, learning_rate=0.1, row_ids=True)
    assert [numbers.tolist() for numbers in seen] == [[list(range(20))]] * 2


def test_a_loss_of_the_whole_batch_and_losses_for_each_model():
    inputs, labels = rows()
    sizes: list[tuple[int, ...]] = []

    def margin(logits, labels):
        """One number for each model."""
        sizes.append(tuple(logits.shape))
        return functional_ce(logits.flatten(0, 1), labels.flatten()).view(labels.shape).amax(dim=1)

    mixed = MlpStack(3, 6, (16,), 3, generator=generators(4, 5, 6))
    train_stack(mixed, inputs, labels, [margin, per_row(functional_ce), margin], steps=10, learning_rate=0.01)
    assert sizes == [(2, 60, 3)] * 10
    for model, loss in enumerate((margin, per_row(functional_ce), margin)):
        alone = MlpStack(1, 6, (16,), 3, generator=generator(4 + model))
        train_stack(alone, inputs, labels, loss, steps=10, learning_rate=0.01)
        assert_same(mixed, model, 3, [value.detach() for value in alone.parameters()], atol=1e-5)


def test_parameters_without_gradients_stay():
    inputs, labels = rows()
    stack = MlpStack(2, 6, (16,), 3, generator=generator(4))
    stack.layers.requires_grad_(False)
    before = copy.deepcopy(stack.state_dict())
    train_stack(stack, inputs, labels, steps=5, learning_rate=0.01, weight_decay=0.1)
    changed = {name for name, value in stack.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"head.weight", "head.bias"}


def test_side_by_side_gives_what_each_gives_alone():
    images, _ = pictures()
    for cosine in (None, 12.0):
        both = SideBySide(2, 3, cosine=cosine, n_features=16, generator=generators(4, 5)).eval()
        own = torch.randn(30, 2, 12, 12, generator=generator(3))
        features, logits = both(own)
        assert features.shape == (30, 2, 16)
        assert logits.shape == (30, 2, 3)
        torch.testing.assert_close(both.head(features), logits)
        for model in range(2):
            alone = SideBySide(1, 3, cosine=cosine, n_features=16, generator=generator(4 + model)).eval()
            for ours, theirs in zip(both(own), alone(own[:, model : model + 1]), strict=True):
                torch.testing.assert_close(ours[:, model], theirs[:, 0], atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(both(images)[1][:, model], alone(images)[1][:, 0], atol=1e-5, rtol=1e-4)
        by_model = both.by_model(own.transpose(0, 1)[:, :, None])
        torch.testing.assert_close(by_model[1].transpose(0, 1), logits)
        weight, unit = both.head.weight, functional.normalize(features, dim=2)
        if cosine is None:
            expected = [features[:, model] @ weight[model] for model in range(2)]
        else:
            expected = [cosine * unit[:, model] @ functional.normalize(weight[model], dim=0) for model in range(2)]
        torch.testing.assert_close(logits, torch.stack(expected, dim=1), atol=1e-5, rtol=1e-4)


def test_the_layers_are_those_of_small_experts_with_one_expert():
    side, experts = SideBySide(2, 3, cosine=30.0, generator=generators(4, 5)), SmallExperts(3, 1, 2)
    experts.load_state_dict(side.state_dict())
    own = torch.randn(8, 2, 28, 28, generator=generator(3))
    torch.testing.assert_close(experts(own)[1][:, :, 0], side(own)[1], atol=1e-4, rtol=1e-4)
    colours = SideBySide(2, 3, n_channels=3, n_features=8)
    assert colours(torch.randn(4, 3, 12, 12))[1].shape == colours(torch.randn(4, 6, 12, 12))[1].shape == (4, 2, 3)


def test_the_loop_trains_networks_side_by_side_as_each_alone():
    images, labels = pictures()
    whole = ((images + 4) * 20).clamp(0, 255).to(torch.uint8)
    plan = Schedule(4, 0.05, "sgd", batch_size=10, weight_decay=1e-3)
    change = Augmentation([CropFlipRotate(padding=1)], (0.4,), (0.2,))
    losses = [nn.CrossEntropyLoss(), nn.CrossEntropyLoss(label_smoothing=0.3)]

    def trained(objective, *seeds):
        network = SideBySide(len(seeds), 3, n_features=16, generator=generators(*seeds))
        return train(network, whole, labels, objective, plan, augmentation=change, generator=generator(2))

    both = trained(SummedLosses(losses), 4, 5)
    for model in range(2):
        alone = trained(SummedLosses(losses[model : model + 1]), 4 + model)
        assert_same(both, model, 2, [value.detach() for value in alone.parameters()], atol=1e-4, rtol=1e-3)


def test_summed_losses():
    logits, labels = torch.randn(8, 2, 3, generator=generator(1)), torch.arange(16).view(8, 2) % 3
    told: list[int] = []

    class Told(nn.CrossEntropyLoss):
        def set_epoch(self, epoch: int) -> None:
            told.append(epoch)

    both = SummedLosses([Told(), nn.MultiMarginLoss()], own_labels=True)
    expected = functional.cross_entropy(logits[:, 0], labels[:, 0]) + nn.MultiMarginLoss()(logits[:, 1], labels[:, 1])
    torch.testing.assert_close(both(logits, labels), expected)
    both.set_epoch(3)
    assert told == [3]
    with pytest.raises(
        ValueError, match=r"logits must have shape \(n, 2, classes\), one for each loss, got \(8, 1, 3\)"
    ):
        both(logits[:, :1], labels)
    with pytest.raises(ValueError, match="losses must hold a loss for each network, got none"):
        SummedLosses([])


INPUTS, LABELS = rows()


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"learning_rate": [0.1]}, ValueError, "learning_rate must be one number, or one for each of 2 models, got 1"),
        ({"learning_rate": 0.0}, ValueError, "learning_rate must be above 0 and finite, got 0"),
        ({"learning_rate": [0.1, "fast"]}, TypeError, "learning_rate must be a number above 0, got 'fast'"),
        ({"weight_decay": [0.1, -0.1]}, ValueError, "weight_decay must be at least 0 and finite, got -0.1"),
        ({"steps": -1}, ValueError, "steps must be at least 0, got -1"),
        ({"batch_size": 2.5}, TypeError, "batch_size must be a whole number of at least 1, got 2.5"),
        ({"optimizer": "lion"}, ValueError, "optimizer must be 'adam' or 'sgd', got 'lion'"),
        ({"momentum": 1.0}, ValueError, "momentum must be at least 0 and below 1, got 1.0"),
        ({"inputs": INPUTS[0]}, ValueError, r"inputs must have 2 axes, rows first, or 3, 2 models first; .* \(6,\)"),
        ({"inputs": INPUTS.expand(3, 60, 6)}, ValueError, r"2 models first; got shape \(3, 60, 6\)"),
        ({"labels": LABELS[1:]}, ValueError, r"labels must have shape \(60,\) or \(2, 60\), got \(59,\)"),
        ({"row_weights": torch.ones(3, 60)}, ValueError, r"row_weights must have shape .*, got \(3, 60\)"),
        ({"rows": [torch.arange(5)]}, ValueError, "rows must hold row numbers for each of 2 models, got 1"),
        (
            {"rows": [torch.arange(5), torch.tensor([60])]},
            ValueError,
            r"rows\[1\] must lie between 0 and 59, .* got 60",
        ),
        ({"rows": [torch.ones(5), torch.arange(5)]}, TypeError, r"rows\[0\] must be .* int64, got torch.float32"),
        ({"rows": [torch.arange(5), torch.arange(6)]}, ValueError, r"equally many without a batch_size, got \[5, 6\]"),
        (
            {"masks": {"layers.7.weight": torch.ones(2)}},
            ValueError,
            "masks must be of trained .* got 'layers.7.weight'",
        ),
        (
            {"masks": {"head.bias": torch.ones(2)}},
            ValueError,
            r"mask of head.bias must have shape \(2, 3\), got \(2,\)",
        ),
        ({"loss": [functional_ce]}, ValueError, "loss must be one, or one for each of 2 models, got 1"),
        (
            {"loss": lambda z, y: z.sum()},
            ValueError,
            r"loss must give shape \(2, 60\), a number for each row, .* got \(\)",
        ),
        (
            {"loss": lambda z, y: z.sum((1, 2)), "row_weights": torch.ones(60)},
            ValueError,
            "row_weights need a loss that gives a number for each row",
        ),
        ({"generator": generators(1), "batch_size": 4}, ValueError, "one for each of 2 models, got 1"),
    ],
)
def test_bad_arguments_are_named(changes, kind, message):
    stack = MlpStack(2, 6, (4,), 3, generator=generator())
    before = copy.deepcopy(stack.state_dict())
    options = {"inputs": INPUTS, "labels": LABELS, "steps": 2, "learning_rate": 0.1, **changes}
    with pytest.raises(kind, match=message):
        train_stack(stack, **options)
    assert all(torch.equal(value, before[name]) for name, value in stack.state_dict().items())


def test_bad_sizes_are_named():
    with pytest.raises(ValueError, match="n_models must be at least 1, got 0"):
        MlpStack(0, 6, (4,), 3)
    with pytest.raises(ValueError, match=r"widths\[1\] must be at least 1, got 0"):
        MlpStack(2, 6, (4, 0), 3)
    with pytest.raises(ValueError, match=r"activation must be one of \('relu', 'tanh'\), got 'gelu'"):
        MlpStack(2, 6, (4,), 3, activation="gelu")
    with pytest.raises(ValueError, match="generator must be one, or one for each of 2 models, got 3"):
        MlpStack(2, 6, (4,), 3, generator=generators(1, 2, 3))
    with pytest.raises(ValueError, match="n_features must be divisible by 4, got 10"):
        SideBySide(2, 3, n_features=10)
    with pytest.raises(ValueError, match="cosine must be above 0 and finite, got 0"):
        SideBySide(2, 3, cosine=0)
    with pytest.raises(ValueError, match=r"with 1 channels for all networks or 2 for 2 of them, got \(4, 3, 12, 12\)"):
        SideBySide(2, 3)(torch.zeros(4, 3, 12, 12))


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
        _, logits = both(images)
        (6 * functional.cross_entropy(logits.flatten(0, 2), labels.repeat_interleave(6))).backward()
        for number, network in enumerate(alone):
            _, single = network(images[:, number : number + 1])
            assert torch.allclose(single[:, 0], logits[:, number], atol=1e-3)
            (3 * functional.cross_entropy(single.flatten(0, 2), labels.repeat_interleave(3))).backward()
        for optimizer in optimizers:
            optimizer.step()


def test_small_networks_may_share_their_images():
    network = SmallExperts(4, 2, 3).eval()
    images = torch.randn(5, 1, 28, 28)
    features, logits = network(images)
    assert features.shape == (5, 3, 2, 128)
    assert logits.shape == (5, 3, 2, 4)
    assert torch.allclose(logits, network(images.expand(-1, 3, -1, -1))[1])
    with pytest.raises(ValueError, match="num_models must be at least 1, got 0"):
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
    _, with_gradients = network(images)
    with torch.inference_mode():
        torch.testing.assert_close(network(images)[1], with_gradients.detach(), atol=1e-4, rtol=0)
    assert with_gradients.requires_grad
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name
