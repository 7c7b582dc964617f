"""Training on images: schedules, precision, augmentation, resume, scarce memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from repro.training import Augmentation, CropFlipRotate, Progress, Schedule, train

MEAN, DEVIATION = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
AUGMENTATION = Augmentation([CropFlipRotate(padding=2, degrees=10)], MEAN, DEVIATION)


def problem(n: int = 48) -> tuple[Tensor, Tensor]:
    """Three kinds of pictures: bright at the top, in the middle or at the bottom."""
    draws = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % 3
    images = torch.randint(0, 60, (n, 3, 9, 9), generator=draws)
    for k in range(3):
        images[labels == k, :, 3 * k : 3 * k + 3] += 150
    return images.to(torch.uint8), labels


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 81, 3)
    )


def schedule(epochs: int = 4, **changes: Any) -> Schedule:
    return Schedule(
        epochs, 0.05, **{"optimizer": "sgd", "batch_size": 20, "nesterov": True, "weight_decay": 1e-3, **changes}
    )


def weights(trained: nn.Module) -> Tensor:
    return torch.cat([value.flatten().float() for value in trained.state_dict().values()])


def run(trained: nn.Module, plan: Schedule, **options: Any) -> nn.Module:
    images, labels = problem()
    options = {"augmentation": AUGMENTATION, **options}
    return train(trained, images, labels, nn.CrossEntropyLoss(), plan, **options)


def test_augmented_images_are_learnt():
    images, labels = problem()
    trained = run(network(), schedule(30))
    outputs = trained(Augmentation([], MEAN, DEVIATION)(images, []))
    assert (outputs.argmax(1) == labels).all()


def test_a_run_interrupted_after_any_epoch_ends_with_the_same_weights(tmp_path):
    whole = weights(run(network(), schedule(4)))
    for stop in (1, 2, 3):
        path = tmp_path / f"{stop}.checkpoint"

        def interrupt(progress: Progress, stop: int = stop) -> None:
            if progress.epoch == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(network(), schedule(4), checkpoint=path, report=interrupt)
        resumed = run(network(seed=99), schedule(4), checkpoint=path)
        assert torch.equal(weights(resumed), whole)


def test_sgd_agrees_with_a_plain_loop():
    images, labels = problem()
    ours = train(
        network(), images.float() / 255, labels, nn.CrossEntropyLoss(), schedule(3, batch_size=None, milestones=())
    )
    plain = network()
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3)
    for _ in range(3):
        optimizer.zero_grad()
        nn.functional.cross_entropy(plain(images.float() / 255), labels).backward()
        optimizer.step()
    assert torch.allclose(weights(ours), weights(plain), atol=1e-6)


def test_the_last_batch_may_be_smaller_and_every_image_is_seen_once_an_epoch():
    seen: list[int] = []

    class Watching(nn.Module):
        def forward(self, outputs: Tensor, labels: Tensor) -> Tensor:
            seen.append(len(labels))
            return outputs.square().mean()

    images, labels = problem()
    train(network(), images, labels, Watching(), schedule(2), augmentation=AUGMENTATION)
    assert seen == [20, 20, 8] * 2


def test_bfloat16_changes_little_and_keeps_weights_in_float32():
    exact, rounded = run(network(), schedule(4)), run(network(), schedule(4), precision="bfloat16")
    assert all(value.dtype == torch.float32 for value in rounded.parameters())
    difference = (weights(exact) - weights(rounded)).norm() / weights(exact).norm()
    assert 0 < difference < 0.02


def test_scarce_memory_halves_the_part_and_keeps_the_batch():
    sizes: list[int] = []

    class Scarce(nn.Module):
        """A device that holds 6 rows."""

        def forward(self, outputs: Tensor, labels: Tensor) -> Tensor:
            sizes.append(len(labels))
            if len(labels) > 6:
                raise torch.OutOfMemoryError("too much")
            return nn.functional.cross_entropy(outputs, labels)

    images, labels = problem()
    plan = schedule(2, batch_size=20, milestones=())
    plain = nn.Sequential(nn.Flatten(), nn.Linear(3 * 81, 3))
    start = {name: value.clone() for name, value in plain.state_dict().items()}
    with pytest.warns(UserWarning, match="out of memory on cpu with 20 rows at a time; the batch keeps its 20 rows"):
        scarce = train(plain, images, labels, Scarce(), plan, augmentation=AUGMENTATION)
    assert sizes[:6] == [20, 10, 5, 5, 5, 5]
    assert set(sizes[6:]) <= {5, 3}
    other = nn.Sequential(nn.Flatten(), nn.Linear(3 * 81, 3))
    other.load_state_dict(start)
    enough = train(other, images, labels, nn.CrossEntropyLoss(), plan, augmentation=AUGMENTATION)
    assert torch.allclose(weights(scarce), weights(enough), atol=1e-6)


def test_memory_for_not_even_one_row_is_an_error():
    class None_(nn.Module):
        def forward(self, outputs: Tensor, labels: Tensor) -> Tensor:
            raise torch.OutOfMemoryError("too much")

    images, labels = problem()
    with pytest.warns(UserWarning, match="out of memory"), pytest.raises(torch.OutOfMemoryError):
        train(network(), images, labels, None_(), schedule(1), augmentation=AUGMENTATION)


def test_published_learning_rates():
    plan = Schedule(200, 0.1, "sgd", milestones=(0.8, 0.9), warm_up=5)
    rates = [plan.learning_rate_at(epoch) for epoch in range(200)]
    assert np.allclose(rates[:6], [0.02, 0.04, 0.06, 0.08, 0.1, 0.1])
    assert np.allclose(rates[5:160], 0.1)
    assert np.allclose(rates[160:180], 0.01)
    assert np.allclose(rates[180:], 0.001)


def test_cosine_rises_then_falls_to_nothing():
    plan = Schedule(40, 0.1, "sgd", warm_up=4, decay="cosine")
    assert plan.learning_rate_at(0) == 0
    assert plan.learning_rate_at(2) == pytest.approx(0.05)
    assert plan.learning_rate_at(4) == pytest.approx(0.1)
    assert plan.learning_rate_at(22) == pytest.approx(0.05)
    assert plan.learning_rate_at(13) == pytest.approx(0.05 * (1 + math.cos(math.pi / 4)))
    assert plan.learning_rate_at(40) == pytest.approx(0, abs=1e-12)


def test_the_objective_is_told_the_epoch_and_progress_is_reported():
    told: list[int] = []

    class Told(nn.CrossEntropyLoss):
        def set_epoch(self, epoch: int) -> None:
            told.append(epoch)

    reports: list[Progress] = []
    images, labels = problem()
    train(network(), images, labels, Told(), schedule(3), augmentation=AUGMENTATION, report=reports.append)
    assert told == [0, 1, 2]
    assert [report.epoch for report in reports] == [1, 2, 3]
    assert reports[-1].seconds_left == 0
    assert reports[0].loss > reports[-1].loss > 0


def test_bad_input_is_refused(tmp_path):
    with pytest.raises(ValueError, match="precision must be 'float32' or 'bfloat16', got 'float16'"):
        run(network(), schedule(), precision="float16")
    with pytest.raises(ValueError, match="decay must be 'steps' or 'cosine', got 'linear'"):
        schedule(decay="linear")
    with pytest.raises(ValueError, match="warm_up between 0 and epochs"):
        schedule(warm_up=5)
    path = tmp_path / "other.checkpoint"
    run(network(), schedule(1), checkpoint=path)
    before = path.read_bytes()
    other = nn.Sequential(nn.Flatten(), nn.Linear(3 * 81, 3))
    with pytest.raises(ValueError, match="does not belong to this network or is damaged"):
        run(other, schedule(1), checkpoint=path)
    assert path.read_bytes() == before
    path.write_bytes(before[: len(before) // 2])
    with pytest.raises(ValueError, match="does not belong to this network or is damaged"):
        run(network(), schedule(2), checkpoint=path)
