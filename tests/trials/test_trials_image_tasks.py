"""Named tasks on images: which rows they hold, counted against closed forms, and what they refuse."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from repro.ground.exceptions import UnknownName
from repro.trials import ImageTask, digit_rows, divided_digits, first_classes, first_rows, image_tasks, long_tailed

FEW = (6,) * 10


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch):
    """Random images in place of the registered sets, equally many of each class, classes in turn."""
    draws = np.random.default_rng(0)
    kinds = {"mnist": ((28, 28), 10), "cifar100": ((32, 32, 3), 10), "mnist-subset": ((8, 8), 40)}
    sets = {
        (name, part): SimpleNamespace(
            images=draws.integers(0, 256, (10 * each, *shape), dtype=np.uint8),
            labels=np.tile(np.arange(10), each).astype(np.int64),
        )
        for name, (shape, each) in kinds.items()
        for part in ("train", "test")
    }
    monkeypatch.setattr(image_tasks, "load_images", lambda name, part: sets[name, part])
    for cached in (first_rows, first_classes):
        cached.cache_clear()
    yield sets
    for cached in (first_rows, first_classes):
        cached.cache_clear()


def test_digit_rows_are_the_first_of_every_class() -> None:
    sizes = (20, 20, 40, 40, 60, 60, 80, 80, 100, 100)
    task = digit_rows(sizes)
    assert task.inputs.shape == (600, 64)
    assert (task.inputs.min(), task.inputs.max()) == (0.0, 1.0)
    assert task.counts.tolist() == list(sizes)
    loaded = load_digits()
    np.testing.assert_array_equal(task.inputs[task.labels == 3] * 16, loaded.data[loaded.target == 3][:40])
    assert digit_rows((60, 60, 60)).n_classes == 3


def test_digits_are_divided_without_overlap() -> None:
    large, small = divided_digits(1500, 7), divided_digits(100, 7)
    assert [len(large.labels), len(large.test_labels), len(small.labels)] == [1500, 297, 100]
    np.testing.assert_array_equal(large.test_inputs, small.test_inputs)
    rows = {row.tobytes() for row in large.inputs}
    assert not rows & {row.tobytes() for row in large.test_inputs}
    assert {row.tobytes() for row in small.inputs} <= rows
    assert small.counts.min() >= 9
    assert (divided_digits(1500, 8).test_labels != large.test_labels).any()
    with pytest.raises(ValueError, match="n_train must lie between 10 and 1500"):
        divided_digits(1501, 0)


def test_rows_are_the_first_of_each_class_with_equal_channels() -> None:
    task = first_rows("digits", tuple(range(1, 11)))
    assert task.inputs.shape == (55, 1, 8, 8)
    assert task.inputs.dtype == np.float32
    assert task.counts.tolist() == list(range(1, 11))
    loaded = load_digits()
    thirds = loaded.images[loaded.target == 2][:3]
    # an affine map of the pixels with mean 0 and variance 1 over all that was taken
    ours = task.inputs[task.labels == 2]
    assert np.corrcoef(ours.ravel(), thirds.ravel())[0, 1] == pytest.approx(1.0)
    assert task.inputs.mean() == pytest.approx(0.0, abs=1e-6)
    assert task.inputs.var() == pytest.approx(1.0, rel=1e-5)


def test_small_images_are_enlarged_by_repeating_pixels() -> None:
    small, large = first_rows("digits", FEW), first_rows("digits", FEW, 32)
    assert large.inputs.shape == (60, 1, 32, 32)
    np.testing.assert_allclose(large.inputs, np.kron(small.inputs, np.ones((4, 4))), atol=1e-6)


def test_grey_images_get_a_black_border_and_colours_their_own_mean(simulated) -> None:
    grey = first_rows("mnist", FEW, 32).inputs
    assert grey.shape == (60, 1, 32, 32)
    assert np.ptp(grey[:, :, :2]) == np.ptp(grey[:, :, :, -2:]) == 0
    assert (grey[:, :, 2:-2, 2:-2] >= grey.min()).all()
    assert grey[0, 0, 0, 0] == grey.min()
    task = first_rows("cifar100", FEW, 32)
    np.testing.assert_allclose(task.inputs.mean(axis=(0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(task.inputs.var(axis=(0, 2, 3)), 1, rtol=1e-4)
    raw = simulated["cifar100", "train"].images[3::10][:6, :, :, 1].ravel()
    assert np.corrcoef(task.inputs[task.labels == 3][:, 1].ravel(), raw)[0, 1] == pytest.approx(1.0)


def test_first_classes_keep_the_division_of_their_set(simulated) -> None:
    task = first_classes("cifar100", 4, (0.5,) * 3, (0.2,) * 3)
    assert task.n_classes == 4
    for part, inputs, labels in (("train", task.inputs, task.labels), ("test", task.test_inputs, task.test_labels)):
        whole = simulated["cifar100", part]
        mine = whole.labels < 4
        np.testing.assert_array_equal(inputs, whole.images[mine].transpose(0, 3, 1, 2))
        np.testing.assert_array_equal(labels, whole.labels[mine])


@pytest.mark.parametrize(
    ("kind", "counts"),
    [
        ("exponential", [40, 24, 14, 8, 5, 3, 1, 1, 0, 0]),  # 40 / 100**(i / 9), here up to the empty classes
        ("step", [40] * 5 + [10] * 5),
    ],
)
def test_class_sizes_follow_their_profile(simulated, kind: str, counts: list[int]) -> None:
    ratio = 40 if kind == "exponential" else 4
    task = long_tailed("mnist-subset", 40, ratio, (0.1,), (0.3,), kind=kind, random_state=3)
    if kind == "exponential":
        counts = [int(40 * 40 ** (-place / 9) + 1e-9) for place in range(10)]
    assert task.counts.tolist() == counts
    np.testing.assert_allclose(task.prior, np.array(counts) / sum(counts))
    whole = simulated["mnist-subset", "train"]
    there = {(label, image.tobytes()) for label, image in zip(whole.labels, whole.images, strict=True)}
    taken = {(label, image[0].tobytes()) for label, image in zip(task.labels, task.inputs, strict=True)}
    assert taken <= there
    assert len(taken) == sum(counts)
    np.testing.assert_array_equal(task.test_inputs[:, 0], simulated["mnist-subset", "test"].images)


def test_subsets_of_a_seed_are_those_of_the_published_rule(simulated) -> None:
    task = long_tailed("mnist-subset", 40, 4, (0.1,), (0.3,), random_state=0)
    labels, draws, rows = simulated["mnist-subset", "train"].labels, np.random.RandomState(0), []
    for label, count in enumerate(task.counts):
        found = np.flatnonzero(labels == label)
        draws.shuffle(found)
        rows.append(found[:count])
    wanted = simulated["mnist-subset", "train"].images[np.sort(np.concatenate(rows))]
    np.testing.assert_array_equal(task.inputs[:, 0], wanted)
    other = long_tailed("mnist-subset", 40, 4, (0.1,), (0.3,), random_state=1)
    assert (other.inputs != task.inputs).any()
    assert other.digest != task.digest


def test_a_task_without_a_minority_is_refused_where_one_is_asked_for() -> None:
    assert digit_rows((5, 7, 7, 6)).minority().tolist() == [0, 3]
    with pytest.raises(ValueError, match="no minority class: each of its 10 classes has 60 rows"):
        digit_rows((60,) * 10).minority()


def test_names_and_rows_that_do_not_exist_are_refused(simulated) -> None:
    with pytest.raises(UnknownName, match="did you mean 'cifar100'"):
        first_rows("cifar1000", FEW)
    for make in (long_tailed, first_classes):
        with pytest.raises(UnknownName, match="image set with test images 'digits'"):
            make("digits", 10, 10, (0.5,)) if make is first_classes else make("digits", 10, 10, (0.5,), (0.5,))
    with pytest.raises(UnknownName, match="did you mean 'exponential'"):
        long_tailed("mnist-subset", 40, 10, (0.1,), (0.3,), kind="exponental")
    with pytest.raises(ValueError, match="sizes asks for 11 rows of class 4 of 'mnist', which has 10"):
        first_rows("mnist", (10,) * 4 + (11,) * 6)
    with pytest.raises(ValueError, match="sizes asks for 0 rows of class 1"):
        digit_rows((3, 0))
    with pytest.raises(ValueError, match="side must be at least 28 for 'mnist', got 16"):
        first_rows("mnist", FEW, 16)
    with pytest.raises(ValueError, match="the smallest class would be empty"):
        long_tailed("mnist-subset", 40, 100, (0.1,), (0.3,))


def test_a_task_that_contradicts_itself_is_refused() -> None:
    grey = np.zeros((3, 1, 2, 2), dtype=np.uint8)
    with pytest.raises(ValueError, match="odd: inputs and labels must be equally many, got 3 and 2"):
        ImageTask("odd", grey, np.array([0, 1]), 2, (0.5,), (0.5,))
    with pytest.raises(ValueError, match="odd: labels must lie between 0 and 1"):
        ImageTask("odd", grey, np.array([0, 1, 2]), 2, (0.5,), (0.5,))
    with pytest.raises(ValueError, match="mean and deviation belong to uint8 images"):
        ImageTask("odd", grey, np.array([0, 1, 1]), 2)


def test_the_digest_is_that_of_what_a_network_sees() -> None:
    task = digit_rows((3, 4))
    assert task.digest == digit_rows((3, 4)).digest
    others = [
        digit_rows((4, 3)),
        ImageTask(task.name, task.inputs, task.labels[::-1].copy(), 2),
        ImageTask(task.name, task.inputs.astype(np.float32), task.labels, 2),
        ImageTask(task.name, task.inputs, task.labels, 3),
    ]
    assert len({task.digest, *(other.digest for other in others)}) == 5
