from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import multivariate_normal
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight

from repro.longtail import LinearClassifier, adjust_logits, class_balanced_weights, classifier_retraining, tau_normalise

TRAIN = np.array([0.7, 0.2, 0.1])
TEST = np.array([0.1, 0.2, 0.7])
MEANS = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])


def draw(prior: np.ndarray, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.choice(3, n, p=prior)
    return MEANS[labels] + generator.normal(size=(n, 2)), labels


def densities(points: np.ndarray) -> np.ndarray:
    return np.stack([multivariate_normal(mean).logpdf(points) for mean in MEANS], axis=1)


def test_adjusted_logits_are_the_posteriors_under_the_test_prior() -> None:
    points, _ = draw(TEST, 200, 0)
    trained = densities(points) + np.log(TRAIN) + 3.0  # exact logits under the training prior
    expected = softmax(densities(points) + np.log(TEST), axis=1)
    np.testing.assert_allclose(softmax(adjust_logits(trained, TRAIN, TEST), axis=1), expected, rtol=1e-9)
    uniform = softmax(densities(points), axis=1)
    np.testing.assert_allclose(softmax(adjust_logits(trained, TRAIN), axis=1), uniform, rtol=1e-9)
    balanced = adjust_logits(densities(points), TRAIN, TEST, tau=0.0)
    np.testing.assert_allclose(softmax(balanced, axis=1), expected, rtol=1e-9)


def test_the_strength_multiplies_the_training_prior_only() -> None:
    logits = np.random.default_rng(0).normal(size=(2, 5, 3))
    found = adjust_logits(logits, TRAIN, TEST, tau=1.5)
    np.testing.assert_allclose(found, logits - 1.5 * np.log(TRAIN) + np.log(TEST), rtol=1e-12)


def test_arrays_and_tensors_keep_their_kind_and_are_left_alone() -> None:
    logits = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    copy = logits.copy()
    found = adjust_logits(logits, TRAIN, torch.tensor(TEST))
    tensor = adjust_logits(torch.tensor(logits), TRAIN, TEST)
    assert (found.dtype, tensor.dtype) == (np.float32, torch.float32)
    np.testing.assert_allclose(tensor.numpy(), found, rtol=1e-6)
    np.testing.assert_array_equal(logits, copy)
    weight = torch.tensor(MEANS + 1, dtype=torch.float32)
    assert tau_normalise(weight).dtype == torch.float32
    np.testing.assert_allclose(tau_normalise(weight), tau_normalise(weight.numpy()), rtol=1e-6)


def test_a_class_that_is_not_in_the_test_set_is_ruled_out() -> None:
    found = adjust_logits(np.zeros((1, 3)), TRAIN, [0.5, 0.0, 0.5])
    assert found[0, 1] == -np.inf
    assert found.argmax() == 2


def test_normalised_rows_have_a_power_of_their_length() -> None:
    weight = np.array([[3.0, 4.0], [0.0, 0.5]])
    for tau in (0.0, 0.5, 1.0):
        found = tau_normalise(weight, tau)
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), [5.0 ** (1 - tau), 0.5 ** (1 - tau)])
        np.testing.assert_allclose(found / np.linalg.norm(found, axis=1)[:, None], [[0.6, 0.8], [0.0, 1.0]])
    np.testing.assert_array_equal(tau_normalise(weight, 0.0), weight)


def test_balanced_sampling_gives_every_class_the_same_share() -> None:
    labels = np.array([0, 0, 0, 1, 2, 2])
    weights = class_balanced_weights(labels, 3)
    np.testing.assert_allclose(np.bincount(labels, weights), 1 / 3)
    np.testing.assert_allclose(weights, compute_sample_weight("balanced", labels) / len(labels))


def test_a_retrained_classifier_decides_as_one_with_balanced_weights() -> None:
    points, labels = draw(TRAIN, 3000, 1)
    others, truth = draw(np.full(3, 1 / 3), 3000, 2)
    found = classifier_retraining(points, labels, 3, epochs=20, weight_decay=0.0)
    peer = LogisticRegression(C=np.inf, class_weight="balanced").fit(points, labels)
    plain = LogisticRegression(C=np.inf).fit(points, labels)
    decided = found.logits(others).argmax(axis=1)
    assert np.mean(decided == peer.predict(others)) > 0.97
    assert np.mean(decided == truth) > np.mean(plain.predict(others) == truth) + 0.03
    assert found.loss[-1] < found.loss[0]
    assert (found.weight.shape, found.bias.shape, found.loss.shape) == ((3, 2), (3,), (20,))


def test_a_cosine_classifier_depends_on_directions_only() -> None:
    _, labels = draw(TRAIN, 600, 3)
    angles = 2 * np.pi / 3 * np.arange(3)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = 3 * directions[labels] + np.random.default_rng(3).normal(size=(600, 2))
    found = classifier_retraining(torch.tensor(points), labels, 3, cosine=True, scale=10.0, epochs=5)
    assert isinstance(found, LinearClassifier)
    assert found.scale == 10.0
    assert not found.bias.any()
    logits = found.logits(points)
    np.testing.assert_allclose(found.logits(7 * points), logits, atol=1e-4)
    lengths = np.linalg.norm(points, axis=1)[:, None] * np.linalg.norm(found.weight, axis=1)
    np.testing.assert_allclose(logits, 10 * points @ found.weight.T / lengths, atol=1e-4)
    # by symmetry the best rows point to the means of the classes
    cosines = np.sum(found.weight * directions, axis=1) / np.linalg.norm(found.weight, axis=1)
    assert cosines.min() > 0.95
    nearest = (points @ directions.T).argmax(axis=1)
    assert np.mean(logits.argmax(axis=1) == nearest) > 0.95


def test_equal_seeds_give_equal_classifiers() -> None:
    points, labels = draw(TRAIN, 200, 4)
    first, same, other = (classifier_retraining(points, labels, 3, epochs=2, seed=seed).weight for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (([[1.0, 2.0, 3.0]], TRAIN), {}, TypeError, "logits must be a NumPy array or a PyTorch tensor, got list"),
        ((np.ones((2, 3), int), TRAIN), {}, TypeError, "logits must hold floating-point numbers, got int64"),
        ((np.ones((2, 4)), TRAIN), {}, ValueError, r"train_prior must have shape \(4,\)"),
        ((np.ones((2, 3)), [1.0, 0.0, 0.0]), {}, ValueError, "train_prior must be above 0 for every class, got 0 for"),
        (
            (np.ones((2, 3)), TRAIN, [2.0, -1.0, 0.0]),
            {},
            ValueError,
            "test_prior must be at least 0 .* got -1 for class",
        ),
        ((np.ones((2, 3)), TRAIN), {"tau": -1}, ValueError, "tau must be at least 0"),
        ((np.array(1.0), TRAIN), {}, ValueError, "logits must have an axis of classes"),
    ],
)
def test_bad_input_of_the_adjustment_is_refused(arguments, options, error, message) -> None:
    with pytest.raises(error, match=message):
        adjust_logits(*arguments, **options)


def test_bad_classifiers_are_refused() -> None:
    with pytest.raises(ValueError, match="weight must have no row of zeros, got one for class 1"):
        tau_normalise(np.array([[1.0, 0.0], [0.0, 0.0]]))
    with pytest.raises(ValueError, match=r"weight must have shape \(C, d\)"):
        tau_normalise(np.ones(3))
    with pytest.raises(ValueError, match="tau must lie between 0 and 1, got 2"):
        tau_normalise(np.ones((2, 2)), 2)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"labels": [0, 1, 1]}, ValueError, "every class needs at least one image, class 2 has none"),
        ({"labels": [0, 1, 3]}, ValueError, "labels must lie between 0 and 2"),
        ({"labels": [0, 1]}, ValueError, r"labels must have shape \(3,\)"),
        ({"features": np.ones(3)}, ValueError, r"features must have shape \(n, d\)"),
        ({"features": np.full((3, 2), np.inf)}, ValueError, "features must be finite"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1"),
        ({"momentum": 1.0}, ValueError, r"momentum must lie between 0 and 1, both excluded, got 1\.0"),
        ({"learning_rate": -1}, ValueError, "learning_rate must be above 0"),
        ({"cosine": "yes"}, TypeError, "cosine must be True or False"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
    ],
)
def test_bad_input_of_the_retraining_is_refused(change, error, message) -> None:
    arguments = {"features": np.ones((3, 2)), "labels": [0, 1, 2], "n_classes": 3} | change
    with pytest.raises(error, match=message):
        classifier_retraining(**arguments)
