"""Gaussian discriminant analysis and the nearest class mean against densities, scikit-learn and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.covariance import LedoitWolf
from sklearn.datasets import load_iris, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import NearestCentroid
from sklearn.utils.estimator_checks import parametrize_with_checks

from repro.closed_form import GaussianDiscriminant, NearestClassMean
from repro.ground.exceptions import UnknownName


@parametrize_with_checks(
    [
        GaussianDiscriminant(),
        GaussianDiscriminant("ledoit_wolf", "empirical"),
        GaussianDiscriminant("identity", covariance="class"),
        NearestClassMean(),
        NearestClassMean("cosine"),
    ]
)
def test_they_keep_the_conventions_of_scikit_learn(estimator, check) -> None:
    check(estimator)


def uneven_iris() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_iris(return_X_y=True)
    kept = np.arange(150) % 50 < 15 + 15 * y
    return X[kept], y[kept]


@pytest.mark.parametrize("prior", ["uniform", "empirical"])
@pytest.mark.parametrize("covariance", ["tied", "class"])
def test_probabilities_are_those_of_the_densities(covariance: str, prior: str) -> None:
    X, y = uneven_iris()
    centred = np.concatenate([X[y == k] - X[y == k].mean(axis=0) for k in range(3)])
    shares = np.bincount(y) / len(y) if prior == "empirical" else np.full(3, 1 / 3)
    joint = np.stack(
        [
            shares[k]
            * multivariate_normal.pdf(
                X,
                X[y == k].mean(axis=0),
                np.cov(centred.T if covariance == "tied" else X[y == k].T, bias=True),
            )
            for k in range(3)
        ],
        axis=1,
    )
    model = GaussianDiscriminant("none", prior, covariance).fit(X, y)
    assert model.predict_proba(X) == pytest.approx(joint / joint.sum(axis=1, keepdims=True), rel=1e-7)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_with_empirical_shares_it_is_linear_discriminant_analysis(n_classes: int) -> None:
    X, y = uneven_iris()
    X, y = X[y < n_classes], y[y < n_classes]
    peer = LinearDiscriminantAnalysis(solver="lsqr").fit(X, y).decision_function(X)
    ours = GaussianDiscriminant("none", "empirical").fit(X, y)
    found = ours.decision_function(X)
    if n_classes > 2:  # scores are known up to a number that all classes of a row share
        found, peer = found[:, 1:] - found[:, :1], peer[:, 1:] - peer[:, :1]
    assert found == pytest.approx(peer, rel=1e-8)
    scores = X @ ours.coef_.T + ours.intercept_
    assert ours.decision_function(X) == pytest.approx(scores[:, 1] - scores[:, 0] if n_classes == 2 else scores)


def test_the_trace_rule_is_its_formula_and_its_scale_decides_nothing_between_equal_classes() -> None:
    X, y = uneven_iris()
    centred = np.concatenate([X[y == k] - X[y == k].mean(axis=0) for k in range(3)])
    n, d = X.shape
    S = np.cov(centred.T)
    expected = d * np.linalg.inv((n - 1) * S + np.trace(S) * np.eye(d))
    model = GaussianDiscriminant().fit(X, y)
    assert model.precision_ == pytest.approx(expected)
    # the same eigenvectors and ratios of eigenvalues: S + tr(S) / (n - 1) I is a shrunken covariance
    amount = d / (n - 1) / (1 + d / (n - 1))
    same = GaussianDiscriminant(amount).fit(X, y)
    assert model.precision_ / model.precision_[0, 0] == pytest.approx(same.precision_ / same.precision_[0, 0])
    assert (model.predict(X) == same.predict(X)).all()


def test_ledoit_wolf_is_scikit_learns_on_pooled_rows() -> None:
    X, y = load_wine(return_X_y=True)
    centred = X - np.stack([X[y == k].mean(axis=0) for k in range(3)])[y]
    expected = np.linalg.inv(LedoitWolf(assume_centered=True).fit(centred).covariance_)
    assert GaussianDiscriminant("ledoit_wolf").fit(X, y).precision_ == pytest.approx(expected)


def test_the_nearest_mean_is_scikit_learns_and_by_angle_the_largest_cosine() -> None:
    X, y = uneven_iris()
    assert (NearestClassMean().fit(X, y).predict(X) == NearestCentroid().fit(X, y).predict(X)).all()
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    means = np.stack([unit[y == k].mean(axis=0) for k in range(3)])
    cosines = unit @ (means / np.linalg.norm(means, axis=1, keepdims=True)).T
    angle = NearestClassMean("cosine").fit(X, y)
    assert angle.decision_function(X) == pytest.approx(cosines)
    assert (angle.predict(5 * X) == cosines.argmax(axis=1)).all()
    assert (angle.predict(X) != NearestClassMean().fit(X, y).predict(X)).any()


def test_one_row_of_each_class_leaves_the_nearest_mean_and_says_so() -> None:
    X, y = load_iris(return_X_y=True)
    rows = [0, 60, 120]
    with pytest.warns(UserWarning, match="the nearest class mean decides"):
        one_shot = GaussianDiscriminant().fit(X[rows], y[rows])
    assert (one_shot.predict(X) == NearestClassMean().fit(X[rows], y[rows]).predict(X)).all()


@pytest.mark.parametrize("covariance", ["tied", "class"])
def test_virtual_rows_have_the_means_and_the_covariance_of_the_classes(covariance: str) -> None:
    X, y = uneven_iris()
    model = GaussianDiscriminant("none", covariance=covariance).fit(X, y)
    rows, labels = model.sample(100_000, random_state=0)
    assert np.bincount(labels).tolist() == [100_000] * 3
    for k in range(3):
        precision = model.precision_ if covariance == "tied" else model.precision_[k]
        assert rows[labels == k].mean(axis=0) == pytest.approx(model.means_[k], abs=0.01)
        assert np.cov(rows[labels == k].T) @ precision == pytest.approx(np.eye(4), abs=0.1)


@pytest.mark.parametrize("shrinkage", ["trace", "ledoit_wolf", "none"])
def test_a_shift_of_all_rows_changes_no_score(shrinkage: str) -> None:
    X, y = (
        np.round(np.random.default_rng(2).standard_normal((90, 4)) + (np.arange(90) % 3)[:, None], 3),
        np.arange(90) % 3,
    )
    near = GaussianDiscriminant(shrinkage).fit(X, y).decision_function(X)
    assert GaussianDiscriminant(shrinkage).fit(X + 1e8, y).decision_function(X + 1e8) == pytest.approx(near, abs=1e-4)


def test_wrong_arguments_are_named() -> None:
    X, y = np.random.default_rng(0).standard_normal((6, 8)), np.arange(6) % 2
    with pytest.raises(
        ValueError, match=r"covariance of 6 rows is singular, of rank 4 in 8 features; shrinkage must be"
    ):
        GaussianDiscriminant("none").fit(X, y)
    with pytest.raises(ValueError, match=r"at least two classes, got one class"):
        GaussianDiscriminant().fit(X, np.zeros(6))
    for wrong in ({"shrinkage": "ks"}, {"shrinkage": 1.5}, {"prior": "flat"}, {"covariance": "shared"}):
        with pytest.raises(UnknownName, match=f"unknown {next(iter(wrong))}"):
            GaussianDiscriminant(**wrong).fit(X, y)
    with pytest.raises(UnknownName, match="unknown metric"):
        NearestClassMean("city").fit(X, y)
