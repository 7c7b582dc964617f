"""Classifiers in closed form against scikit-learn, a simulation and their own formula."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB
from sklearn.utils.estimator_checks import parametrize_with_checks

from repro.closed_form import PooledNaiveBayes, linear_error_rates


class Diagonal:
    """Covariance estimator of scikit-learn's discriminant analysis: the variances alone."""

    def fit(self, X: np.ndarray) -> Diagonal:
        self.covariance_ = np.diag(X.var(axis=0))
        return self


@parametrize_with_checks([PooledNaiveBayes(), PooledNaiveBayes(prior="uniform")])
def test_it_keeps_the_conventions_of_scikit_learn(estimator, check) -> None:
    check(estimator)


def apart(scores: np.ndarray) -> np.ndarray:
    """Scores less that of the last class; what all classes of a row share decides nothing."""
    return scores if scores.ndim == 1 else scores[:, :-1] - scores[:, -1:]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_is_discriminant_analysis_with_a_diagonal_covariance(n_classes: int) -> None:
    X, y = load_iris(return_X_y=True)
    rows = np.flatnonzero((y < n_classes) & (np.arange(150) % 50 < 10 + 15 * y))
    X, y = X[rows], y[rows]
    peer = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=Diagonal()).fit(X, y)
    ours = PooledNaiveBayes(var_smoothing=0.0).fit(X, y)
    expected = peer.decision_function(X)
    assert apart(ours.decision_function(X)) == pytest.approx(apart(expected), rel=1e-9)
    linear = X @ ours.coef_.T + ours.intercept_
    assert ours.decision_function(X) == pytest.approx(linear[:, 0] if n_classes == 2 else linear, rel=1e-9)
    assert (ours.predict(X) == peer.predict(X)).all()
    uniform = PooledNaiveBayes(prior="uniform", var_smoothing=0.0).fit(X, y).decision_function(X)
    log_shares = np.log(np.bincount(y) / len(y))
    moved = np.diff(log_shares) if n_classes == 2 else log_shares
    assert apart(uniform) == pytest.approx(apart(expected - moved), rel=1e-9)


def test_with_equal_variances_of_the_classes_it_is_the_naive_bayes_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    half = generator.standard_normal((50, 4))
    X, y = np.vstack([half, half + np.array([3.0, 0.0, 1.0, 0.5])]), np.repeat(["a", "b"], 50)
    log_odds = np.diff(GaussianNB(var_smoothing=0.0).fit(X, y).predict_joint_log_proba(X))[:, 0]
    ours = PooledNaiveBayes(var_smoothing=0.0).fit(X, y).decision_function(X)
    assert ours == pytest.approx(log_odds, rel=1e-9)


def test_error_rates_are_those_of_a_large_test_sample() -> None:
    generator = np.random.default_rng(1)
    weights, means, variances = (generator.standard_normal(shape) for shape in (5, (2, 5), 5))
    variances = variances**2 + 0.2
    found = linear_error_rates(weights, 0.3, means, variances)
    noise = generator.standard_normal((2, 200_000, 5)) * np.sqrt(variances)
    predicted = (noise + means[:, None]) @ weights + 0.3 > 0
    assert found == pytest.approx([predicted[0].mean(), 1 - predicted[1].mean()], abs=4 * 0.5 / np.sqrt(200_000))


def test_the_best_rule_has_the_bayes_error_and_a_constant_rule_is_wrong_on_one_class() -> None:
    means, variances = np.array([[-1.0] * 6, [1.0] * 6]), np.array([6.0, 6.0, 6.0, 1.0, 1.0, 1.0])
    best = linear_error_rates((means[1] - means[0]) / variances, 0.0, means, variances)
    assert best == pytest.approx(norm.sf(np.sqrt(3 + 3 / 6)))
    assert linear_error_rates(np.zeros(6), -1.0, means, variances).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_shift_of_all_rows_changes_no_prediction(n_classes: int) -> None:
    generator = np.random.default_rng(2)
    y = np.arange(90) % n_classes
    X = np.round(generator.standard_normal((90, 4)) + y[:, None], 3)
    near = PooledNaiveBayes().fit(X, y).decision_function(X)
    far = PooledNaiveBayes().fit(X + 1e8, y).decision_function(X + 1e8)
    assert far == pytest.approx(near, abs=1e-4)


def test_error_rates_take_lists() -> None:
    assert linear_error_rates([1, 0], 0, [[-1, 0], [1, 0]], [1, 1]) == pytest.approx([norm.sf(1)] * 2)


def test_wrong_arguments_are_named() -> None:
    X, y = np.eye(4), np.array([0, 0, 1, 1])
    with pytest.raises(ValueError, match=r"prior must be 'empirical' or 'uniform', got 'flat'"):
        PooledNaiveBayes(prior="flat").fit(X, y)
    with pytest.raises(ValueError, match=r"at least two classes, got one class"):
        PooledNaiveBayes().fit(X, np.zeros(4))
    with pytest.raises(ValueError, match=r"not constant, got none"):
        PooledNaiveBayes().fit(np.ones((4, 2)), y)
    with pytest.raises(ValueError, match=r"var_smoothing must be above 0"):
        PooledNaiveBayes(var_smoothing=0).fit(np.column_stack([y, np.arange(4)]), y)
    with pytest.raises(ValueError, match=r"shapes \(n,\), \(2, n\) and \(n,\), got \(2,\), \(2, 3\) and \(3,\)"):
        linear_error_rates(np.ones(2), 0.0, np.ones((2, 3)), np.ones(3))
    with pytest.raises(ValueError, match=r"prior must be 'empirical' or 'uniform', got array\(\[0.5, 0.5\]\)"):
        PooledNaiveBayes(prior=np.array([0.5, 0.5])).fit(X, y)
    with pytest.raises(ValueError, match=r"variances must be at least 0, got -1"):
        linear_error_rates([1, 1], 0.0, [[0, 0], [1, 1]], [1, -1])
