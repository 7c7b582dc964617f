"""Hooks of the loop and its checkpoints, against a plain loop stated here and an undisturbed run."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.training import HeadedNetwork, LinearHead, PenalisedObjective, Progress, Schedule, feature_mlp, train

N = 40


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network(seed: int = 0) -> HeadedNetwork:
    draws = generator(seed)
    backbone = feature_mlp(5, [12, 8], batch_norm=True, generator=draws)
    return HeadedNetwork(backbone, LinearHead(8, 3, bias=True, generator=draws))


def problem() -> tuple[Tensor, Tensor]:
    labels = torch.arange(N) % 3
    return torch.randn(N, 5, generator=generator(1)) + labels[:, None], labels


def plan(epochs: int = 4, **changes: Any) -> Schedule:
    return Schedule(
        epochs, 0.05, **{"optimizer": "sgd", "batch_size": 16, "weight_decay": 1e-3, "milestones": (), **changes}
    )


def run(trained: nn.Module | None = None, schedule: Schedule | None = None, **options: Any) -> nn.Module:
    inputs, labels = problem()
    options = {"objective": nn.CrossEntropyLoss(), "generator": generator(3), **options}
    objective = options.pop("objective")
    return train(trained or network(), inputs, labels, objective, schedule or plan(), **options)


def weights(trained: nn.Module) -> Tensor:
    return torch.cat([value.flatten().float() for value in trained.state_dict().values()])


def plain_loop(epochs, batches_of, *, perturb=None, after_step=None):
    """The same training without the package's loop; ``batches_of(epoch)`` gives row numbers."""
    inputs, labels = problem()
    trained = network().train()
    optimizer = torch.optim.SGD(trained.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3, foreach=True)
    for epoch in range(epochs):
        for rows in batches_of(epoch):
            batch = inputs[rows]
            if perturb is not None:
                batch = perturb(trained, batch, labels[rows])
            optimizer.zero_grad()
            functional.cross_entropy(trained(batch)[1], labels[rows]).backward()
            optimizer.step()
            if after_step is not None:
                after_step(trained)
    return trained


def fast_gradient(trained: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """Move inputs against the network; gradients of its weights are left behind."""
    moved = inputs.clone().requires_grad_()
    functional.cross_entropy(trained(moved)[1], labels).backward()
    return inputs + 0.1 * moved.grad.sign()


def random_start(trained: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    return inputs + 0.1 * torch.rand_like(inputs)


def repeated(epoch: int, draws: torch.Generator) -> Tensor:
    """25 rows, some of them twice and more."""
    return torch.randint(N, (25,), generator=draws)


def ready(epoch: int, draws: torch.Generator) -> list[Tensor]:
    """As many batches as the number of the epoch says, of unequal size."""
    return [torch.randperm(N, generator=draws)[: 5 + place] for place in range(epoch + 1)]


def halve_first_weight(trained: nn.Module, step: int) -> None:
    if step % 3 == 0:
        trained.head.layers[0].weight[0] *= 0.5


class Wandering:
    """A hook with random numbers of its own, which it gives to the checkpoint."""

    def __init__(self) -> None:
        self.draws = generator(11)

    def __call__(self, trained: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
        return inputs + 0.2 * torch.randn(inputs.shape, generator=self.draws)

    def state_dict(self) -> dict[str, Tensor]:
        return {"draws": self.draws.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.draws.set_state(state["draws"])


class Remembering(nn.Module):
    """A loss that weighs each row by what it remembers of it; labels are class and row number."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(N))

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        classes, rows = labels.unbind(1)
        assert torch.equal(classes, rows % 3)
        values = functional.cross_entropy(logits, classes, reduction="none")
        self.seen[rows] = 0.9 * self.seen[rows] + values.detach()
        return (values * self.seen[rows]).mean()


def test_without_hooks_the_loop_is_a_plain_loop_bit_for_bit():
    draws = generator(3)
    plain = plain_loop(4, lambda epoch: torch.split(torch.randperm(N, generator=draws), 16))
    assert torch.equal(weights(run()), weights(plain))


def test_row_numbers_of_an_epoch_are_cut_into_batches():
    draws = generator(3)
    plain = plain_loop(4, lambda epoch: torch.split(torch.randint(N, (25,), generator=draws), 16))
    assert torch.equal(weights(run(order=repeated)), weights(plain))
    draws = generator(3)
    at_once = plain_loop(4, lambda epoch: [torch.randint(N, (25,), generator=draws)])
    assert torch.equal(weights(run(schedule=plan(batch_size=None), order=repeated)), weights(at_once))


def test_ready_batches_are_taken_as_they_are():
    draws = generator(3)
    plain = plain_loop(4, lambda epoch: ready(epoch, draws))
    reports: list[Progress] = []
    assert torch.equal(weights(run(order=ready, report=reports.append)), weights(plain))
    assert all(report.rows_per_second > 0 for report in reports)


def test_repeated_rows_get_augmentations_of_their_own():
    shown: list[Tensor] = []

    class Numbering:
        """Shows which draws come with which row."""

        def draw(self, n, draws):
            return [{"number": torch.arange(n)}]

        def __call__(self, inputs, parameters):
            shown.append(parameters[0]["number"])
            return inputs

    run(schedule=plan(1), order=repeated, augmentation=Numbering())
    assert [tuple(part.tolist()) for part in shown] == [tuple(range(16)), tuple(range(16, 25))]


def test_inputs_are_perturbed_after_their_labels_and_leave_no_gradient():
    draws = generator(3)

    def batches(epoch):
        rows = torch.randperm(N, generator=draws)
        torch.randint(2**62, (), generator=draws)  # the seed of the epoch's random starts
        return torch.split(rows, 16)

    plain = plain_loop(4, batches, perturb=fast_gradient)
    ours, before = network(), torch.get_rng_state()
    assert torch.equal(weights(run(ours, perturb=fast_gradient)), weights(plain))
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(weights(run()), weights(plain))


def test_a_perturbation_may_leave_the_network_in_evaluation_mode():
    def evaluating(trained, inputs, labels):
        trained.eval()
        return inputs

    def restless(trained, inputs, labels):
        return inputs

    assert torch.equal(weights(run(perturb=evaluating)), weights(run(perturb=restless)))


def test_a_mask_after_every_step_and_its_number():
    steps: list[int] = []

    def mask(trained, step=None):
        with torch.no_grad():
            trained.head.layers[0].weight[:, :4] = 0.0
        steps.append(step)

    ours = run(after_step=mask)
    assert steps == list(range(1, 13))
    draws = generator(3)
    plain = plain_loop(4, lambda epoch: torch.split(torch.randperm(N, generator=draws), 16), after_step=mask)
    assert torch.equal(weights(ours), weights(plain))
    assert not ours.head.layers[0].weight[:, :4].any()
    assert ours.head.layers[0].weight[:, 4:].all()


HOOKS: dict[str, Any] = {
    "order": lambda: {"order": repeated},
    "ready batches": lambda: {"order": ready},
    "perturb": lambda: {"perturb": fast_gradient},
    "random starts": lambda: {"perturb": random_start},
    "random numbers of its own": lambda: {"perturb": Wandering()},
    "after_step": lambda: {"after_step": halve_first_weight},
    "after_step of unequal epochs": lambda: {"order": ready, "after_step": halve_first_weight},
    "all": lambda: {"order": ready, "perturb": Wandering(), "after_step": halve_first_weight},
}


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("stop", [1, 3])
def test_hooks_survive_a_resume(tmp_path, name, stop):
    whole = weights(run(**HOOKS[name]()))
    file = tmp_path / "run.checkpoint"

    def interrupt(progress: Progress) -> None:
        if progress.epoch == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(checkpoint=file, report=interrupt, **HOOKS[name]())
    torch.rand(7)  # PyTorch's own random numbers go on meanwhile
    resumed = run(network(seed=9), checkpoint=file, **(HOOKS[name]() | {"generator": generator(8)}))
    assert torch.equal(weights(resumed), whole)


@pytest.mark.parametrize("order", [None, repeated])
def test_an_objective_with_a_memory_of_rows_survives_a_resume(tmp_path, order):
    inputs, labels = problem()
    both = torch.stack([labels, torch.arange(N)], dim=1)

    def once(**options):
        loss = Remembering()
        trained = train(network(), inputs, both, loss, plan(), generator=generator(3), order=order, **options)
        return torch.cat([weights(trained), loss.seen])

    whole = once()
    file = tmp_path / "run.checkpoint"

    def interrupt(progress: Progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        once(checkpoint=file, report=interrupt)
    assert torch.equal(once(checkpoint=file), whole)


def moved(trained, inputs, labels):
    return inputs.double()


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no row numbers": (
        {"order": lambda epoch, draws: None},
        TypeError,
        "order must return a tensor of row numbers or a sequence of them, one a batch; got NoneType",
    ),
    "no batch": ({"order": lambda epoch, draws: []}, TypeError, "order must return .* got an empty sequence"),
    "a mask of rows": (
        {"order": lambda epoch, draws: torch.ones(N, dtype=torch.bool)},
        TypeError,
        "order: the row numbers must be a tensor of row numbers of type int64, got torch.bool",
    ),
    "lists": (
        {"order": lambda epoch, draws: [torch.arange(3), [1, 2]]},
        TypeError,
        "order: batch 1 must be a tensor of row numbers of type int64, got list",
    ),
    "a table": (
        {"order": lambda epoch, draws: torch.zeros(4, 2, dtype=torch.int64)},
        ValueError,
        r"order: the row numbers must be a vector of at least one row number, got shape \(4, 2\)",
    ),
    "an empty batch": (
        {"order": lambda epoch, draws: [torch.arange(0)]},
        ValueError,
        r"order: batch 0 must be a vector of at least one row number, got shape \(0,\)",
    ),
    "too large": (
        {"order": lambda epoch, draws: torch.tensor([0, N])},
        ValueError,
        "order: the row numbers must lie between 0 and 39, the last row; got 40",
    ),
    "negative": (
        {"order": lambda epoch, draws: [torch.tensor([3, -1])]},
        ValueError,
        "order: batch 0 must lie between 0 and 39, the last row; got -1",
    ),
    "nothing": (
        {"perturb": lambda trained, inputs, labels: None},
        TypeError,
        r"perturb must return a tensor of type and shape of the inputs' own, torch.float32 of shape \(16, 5\) on cpu; "
        "got NoneType",
    ),
    "other type": ({"perturb": moved}, TypeError, "perturb must return a tensor .* got torch.float64"),
    "other shape": (
        {"perturb": lambda trained, inputs, labels: inputs[:3]},
        ValueError,
        r"perturb must return a tensor .* got shape \(3, 5\) on cpu",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_hook_that_gives_what_it_must_not_is_named_and_the_checkpoint_stays(tmp_path, name):
    hooks, kind, message = BAD[name]
    ((hook, wrong),) = hooks.items()
    good = {"order": repeated, "perturb": random_start}[hook]
    calls = []

    class Turning:
        """Good in the first epoch, wrong in the second."""

        def __call__(self, *arguments):
            calls.append(1)
            return (good if len(calls) <= (1 if hook == "order" else 3) else wrong)(*arguments)

    file = tmp_path / "run.checkpoint"
    with pytest.raises(kind, match=message):
        run(checkpoint=file, **{hook: Turning()})
    kept = file.read_bytes()
    assert torch.load(file, weights_only=True)["epoch"] == 1
    with pytest.raises(kind, match=message):
        run(checkpoint=file, **{hook: Turning()})
    assert file.read_bytes() == kept
    assert [path.name for path in tmp_path.iterdir()] == ["run.checkpoint"]


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "epochs": ({"schedule": plan(9)}, "epochs was 4 and is 9"),
    "batch size": ({"schedule": plan(batch_size=8)}, "batch_size was 16 and is 8"),
    "learning rate": ({"schedule": plan(milestones=(0.5,))}, r"milestones was \(\) and is \(0.5,\)"),
    "precision": ({"precision": "bfloat16"}, "precision was float32 and is bfloat16"),
    "kind of objective": (
        {"objective": nn.MultiMarginLoss()},
        r"objective was CrossEntropyLoss\(.*\) and is MultiMarginLoss\(.*\)",
    ),
    "option of the objective": ({"objective": nn.CrossEntropyLoss(label_smoothing=0.1)}, "label_smoothing=0.1"),
    "hook": ({"order": repeated}, "order was None and is repeated"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_recipe_is_refused_before_anything_changes(tmp_path, name):
    options, message = OTHERS[name]
    file = tmp_path / "run.checkpoint"

    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(checkpoint=file, report=interrupt)
    kept, fresh = file.read_bytes(), network(seed=5)
    before = weights(fresh).clone()
    with pytest.raises(ValueError, match=rf"was written with another recipe: .*{message}.*; the file is kept; go on"):
        run(fresh, checkpoint=file, **options)
    assert file.read_bytes() == kept
    assert torch.equal(weights(fresh), before)
    assert torch.equal(weights(run(network(seed=6), checkpoint=file)), weights(run()))


def test_penalties_are_part_of_the_recipe(tmp_path):
    file = tmp_path / "run.checkpoint"
    run(objective=PenalisedObjective("mse", lambda_W=[0.1], lambda_H=0.1), checkpoint=file)
    with pytest.raises(ValueError, match=r"lambda_W=\(0.1,\).* and is .*lambda_W=\(0.2,\)"):
        run(objective=PenalisedObjective("mse", lambda_W=[0.2], lambda_H=0.1), checkpoint=file)


def test_a_checkpoint_from_before_recipes_were_noted_goes_on(tmp_path):
    file = tmp_path / "run.checkpoint"

    def interrupt(progress: Progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt

    steps: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        run(checkpoint=file, report=interrupt)
    state = torch.load(file, weights_only=True)
    torch.save({name: state[name] for name in ("network", "optimizer", "generator", "epoch")}, file)
    resumed = run(network(seed=9), checkpoint=file, after_step=lambda trained, step: steps.append(step))
    assert torch.equal(weights(resumed), weights(run()))
    assert steps == list(range(7, 13))


def test_what_an_objective_is_given_follows_from_what_it_requires():
    def of_features(features, logits, labels, head):
        assert torch.equal(head(features), logits)
        return functional.cross_entropy(logits, labels) + 0.0 * features.sum()

    assert torch.equal(weights(run(objective=of_features)), weights(run(objective=functional.cross_entropy)))
    bare = nn.Linear(5, 3)
    run(bare, objective=functional.cross_entropy)
    with pytest.raises(
        TypeError, match="must give features and logits and have a head, as a HeadedNetwork; got Linear"
    ):
        run(bare, objective=of_features)
