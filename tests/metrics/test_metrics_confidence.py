"""Reliability by bins of confidence and temperature scaling: by hand, on honest probabilities, against scikit-learn."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from repro.metrics import expected_calibration_error, fit_temperature, reliability


def test_calibration_error_by_hand() -> None:
    probability = np.array([[0.9, 0.1], [0.95, 0.05], [0.4, 0.6], [0.3, 0.7]])
    labels = np.array([0, 1, 1, 0])
    # bins of ten: 0.9 | 0.95 | 0.6 | 0.7, each with one row
    assert expected_calibration_error(labels, probability, n_bins=10) == pytest.approx((0.1 + 0.95 + 0.4 + 0.7) / 4)
    # two bins: all in the upper one
    assert expected_calibration_error(labels, probability, n_bins=2) == pytest.approx(
        abs((0.9 + 0.95 + 0.6 + 0.7) / 4 - 0.5)
    )
    confidence, accuracy, count = reliability(labels, probability, n_bins=2)
    assert count.tolist() == [0, 4]
    assert np.isnan(confidence[0])
    assert accuracy[1] == 0.5


def test_a_bin_holds_its_upper_end() -> None:
    _, _, count = reliability(np.array([0, 0]), np.array([[0.8, 0.2], [1.0, 0.0]]), n_bins=5)
    assert count.tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize("n_bins", [10, 15, 25, 49, 50, 100])
def test_a_rounded_confidence_at_the_end_of_a_bin_lies_in_it(n_bins: int) -> None:
    for number in range(1, n_bins + 1):
        confidence = float(Fraction(number, n_bins))
        others = (1 - confidence) / 199
        if others > confidence:
            continue
        _, _, count = reliability([0], np.r_[confidence, np.full(199, others)][None], n_bins=n_bins)
        assert np.flatnonzero(count).tolist() == [number - 1]


@pytest.mark.parametrize(
    ("labels", "probability", "n_bins", "message"),
    [
        ([0, 1], [[0.5, 0.5]], 15, "one row for each"),
        ([], np.empty((0, 2)), 15, "at least one"),
        ([0], [[0.5, 0.6]], 15, "add up to 1"),
        ([0], [[1.5, -0.5]], 15, "not negative"),
        ([2], [[0.5, 0.5]], 15, "between 0 and 1, got 2"),
        ([0], [[0.5, 0.5]], 0, "n_bins must be at least 1, got 0"),
    ],
)
def test_bad_predictions_are_refused(labels: list[int], probability: object, n_bins: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        reliability(np.array(labels, dtype=np.int64), np.asarray(probability, dtype=float), n_bins=n_bins)


class _Logits(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose decision function is its input."""

    def __init__(self) -> None:
        self.classes_ = np.arange(3)

    def fit(self, X, y):
        return self

    def decision_function(self, X):
        return X

    def predict(self, X):
        return X.argmax(axis=1)


def test_the_temperature_is_that_of_scikit_learn() -> None:
    generator = np.random.default_rng(2)
    logits = generator.standard_normal((400, 3)) * 4
    labels = (softmax(logits / 2.5, axis=1).cumsum(axis=1) < generator.random(400)[:, None]).sum(axis=1)
    peer = CalibratedClassifierCV(FrozenEstimator(_Logits()), method="temperature").fit(logits, labels)
    ours = softmax(logits / fit_temperature(labels, logits), axis=1)
    np.testing.assert_allclose(ours, peer.predict_proba(logits), atol=1e-4)


def test_a_temperature_needs_labels_and_finite_logits() -> None:
    with pytest.raises(ValueError, match="logits must be finite, got 1"):
        fit_temperature([0, 1], [[0.0, np.inf], [1.0, 0.0]])
    with pytest.raises(ValueError, match="logits must have one row for each"):
        fit_temperature([0], [[0.0, 1.0], [1.0, 0.0]])
    with pytest.raises(TypeError, match="whole numbers"):
        fit_temperature([0.5, 1.0], [[0.0, 1.0], [1.0, 0.0]])


def test_a_temperature_at_the_bound_of_the_search_is_said() -> None:
    right = np.eye(3) / 100
    with pytest.warns(UserWarning, match=r"temperature 0.006738 is at the bound of the search, exp\(-5\)"):
        assert fit_temperature(np.arange(3), right) == pytest.approx(np.exp(-5), rel=1e-5)
    with pytest.warns(UserWarning, match=r"at the bound of the search, exp\(5\)"):
        fit_temperature(np.arange(3), -right)
