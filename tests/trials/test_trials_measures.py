"""Measures of trained networks, against formulas by hand and logits that are made for the purpose."""

from __future__ import annotations

import numpy as np
import pytest
from measure_helpers import table, value
from scipy.special import log_softmax, softmax

from repro.data import long_tail_counts
from repro.metrics import fit_temperature

torch = pytest.importorskip("torch")

from repro.longtail import TEST_DISTRIBUTIONS  # noqa: E402
from repro.trials import (  # noqa: E402
    ExpertLogits,
    ImageTask,
    Trained,
    accuracy_on_every_set,
    best_epoch,
    calibration_measures,
    cross_fitted,
    expert_logits,
    on_every_set,
    shift_rotate,
)

N_CLASSES, PER_CLASS = 10, 60


def experts() -> ExpertLogits:
    """Three experts who see the truth through noise; each favours other classes."""
    draws = np.random.default_rng(0)
    labels = np.repeat(np.arange(N_CLASSES), PER_CLASS)
    head = np.repeat([1.5, 0.0, -1.5], [2, 3, 5])
    clean = 3.0 * np.eye(N_CLASSES)[labels][:, None] + np.stack([head, 0 * head, -head])
    return ExpertLogits(labels, long_tail_counts(200, N_CLASSES, 100), clean + draws.normal(size=clean.shape))


def test_accuracy_is_that_of_the_drawn_set_and_its_expectation():
    evidence = experts()
    logits = evidence.clean[:, 0]
    found = table(on_every_set("first", lambda test_set, rows: logits, evidence))
    right = logits.argmax(axis=1) == evidence.labels
    for test_set in TEST_DISTRIBUTIONS:
        rows = evidence.rows_of(test_set)
        assert value(found, "first", "accuracy", test_set) == pytest.approx(right[rows].mean())
    recalls = np.array([right[evidence.labels == k].mean() for k in range(N_CLASSES)])
    counts = long_tail_counts(PER_CLASS, N_CLASSES, 50)
    wanted = (recalls * counts).sum() / counts.sum()
    assert value(found, "first", "reweighted_accuracy", "forward-50") == pytest.approx(wanted)
    assert value(found, "first", "recall_many", "uniform") == pytest.approx(recalls[:2].mean())
    assert value(found, "first", "recall_few", "uniform") == pytest.approx(recalls[5:].mean())


def test_accuracies_of_an_epoch_are_those_of_the_mean_of_the_experts():
    evidence = experts()
    right = evidence.clean.mean(axis=1).argmax(axis=1) == evidence.labels
    found = accuracy_on_every_set(evidence.clean, evidence.labels)
    assert found == {name: pytest.approx(right[evidence.rows_of(name)].mean()) for name in TEST_DISTRIBUTIONS}


def test_the_best_epoch_is_the_earliest_of_the_best_on_the_uniform_set():
    by_epoch = {10: {"uniform": 0.5, "forward-2": 0.6}, 8: {"uniform": 0.5, "forward-2": 0.7}, 9: {"uniform": 0.4}}
    found = table(best_epoch("equal", by_epoch))
    assert value(found, "equal_best_epoch", "epoch") == 8
    assert value(found, "equal_best_epoch", "accuracy", "forward-2") == 0.7
    assert list(best_epoch("equal", {})) == []


class Brightness(torch.nn.Module):
    """Logits from the mean brightness: the second class the brighter, the second expert with the sign turned."""

    def __init__(self, networks: int) -> None:
        super().__init__()
        self.networks = networks
        self.slope = torch.nn.Parameter(torch.ones(()))

    def forward(self, images):
        mean = self.slope * images.mean(dim=(1, 2, 3))
        experts = torch.stack([torch.stack([-mean, mean], 1), torch.stack([mean, -mean], 1)], 1)
        side_by_side = [(1 + k) * experts for k in range(self.networks)]
        return mean, torch.stack(side_by_side, 1) if self.networks else experts


@pytest.mark.parametrize("networks", [0, 2])
def test_logits_are_those_of_clean_and_of_changed_images(networks: int):
    draws = np.random.default_rng(1)
    images = draws.integers(0, 256, (600, 1, 6, 6), dtype=np.uint8)
    labels = np.arange(600) % 2
    task = ImageTask("grey", images[:3], np.array([0, 0, 1]), 2, (0.25,), (0.5,), images, labels)
    found = expert_logits(Trained(Brightness(networks), task, None), pairs=2, views=shift_rotate(), augmented=[])
    assert len(found) == max(networks, 1)
    mean = (images.mean(axis=(1, 2, 3)) / 255 - 0.25) / 0.5
    for number, logits in enumerate(found, start=1):
        assert logits.counts.tolist() == [2, 1]
        np.testing.assert_allclose(logits.clean[:, 0, 1], number * mean, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(logits.clean[:, 1], -logits.clean[:, 0])
        np.testing.assert_array_equal(logits.augmented, logits.clean)
        assert logits.views.shape == (600, 2, 2, 2, 2)
        flat = logits.views.reshape(600, 4, 4)
        assert all((flat[:, a] != flat[:, b]).any() for a in range(4) for b in range(a))
    if networks:
        np.testing.assert_allclose(found[1].views, 2 * found[0].views, rtol=1e-6)
    (halved, *_) = expert_logits(Trained(Brightness(networks), task, None), half=True)
    assert halved.views is None
    assert halved.clean.dtype == np.float16
    np.testing.assert_allclose(halved.clean, found[0].clean, rtol=1e-3)


def test_calibrated_probabilities_have_a_small_error_and_sharpened_ones_a_large() -> None:
    generator = np.random.default_rng(0)
    logits = 2 * generator.standard_normal((20_000, 4))
    probability = softmax(logits, axis=1)
    labels = (probability.cumsum(axis=1) < generator.random(20_000)[:, None]).sum(axis=1)
    honest, sharp = (calibration_measures(labels, softmax(scale * logits, axis=1)) for scale in (1.0, 5.0))
    assert honest["ece"] < 0.015
    assert abs(honest["confidence_gap"]) < 0.01
    assert sharp["ece"] == pytest.approx(sharp["confidence_gap"], abs=0.01)
    assert sharp["confidence_gap"] > 0.1
    assert sharp["accuracy"] == honest["accuracy"]
    assert honest["log_loss"] == pytest.approx(-log_softmax(logits, axis=1)[np.arange(20_000), labels].mean())
    assert fit_temperature(labels, 5 * logits) == pytest.approx(5.0, rel=0.05)


def test_each_half_is_scaled_by_the_temperature_of_the_other() -> None:
    generator = np.random.default_rng(4)
    logits = generator.standard_normal((60, 3)) * 3
    labels = generator.integers(3, size=60)
    probability, temperature = cross_fitted(labels, logits, np.random.default_rng(9))
    first, second = np.array_split(np.random.default_rng(9).permutation(60), 2)
    of_first, of_second = (fit_temperature(labels[half], logits[half]) for half in (first, second))
    np.testing.assert_allclose(probability[first], softmax(logits[first] / of_second, axis=1))
    np.testing.assert_allclose(probability[second], softmax(logits[second] / of_first, axis=1))
    assert temperature == pytest.approx(np.sqrt(of_first * of_second))
