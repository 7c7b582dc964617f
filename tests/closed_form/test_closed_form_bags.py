"""Linear models on means of bags: definitions, closed forms, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from repro.closed_form import (
    BagClassifier,
    BagRegressor,
    bag_loss,
    bag_means,
    bag_risk,
    instance_loss,
    interpolation_variance,
)


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows in bags of unequal sizes."""
    generator = np.random.default_rng(3)
    X = generator.normal(size=(60, 3)) + 2
    return X, X @ [1.0, -1.0, 0.5] + 3 + generator.normal(size=60), generator.integers(0, 12, size=60)


@parametrize_with_checks([BagRegressor(), BagClassifier()])
def test_scikit_learn_estimator_checks(estimator: object, check: object) -> None:
    check(estimator)  # type: ignore[operator]


def test_means_follow_the_sorted_names_of_the_bags() -> None:
    assert bag_means([[1.0, 10], [3, 30], [5, 50]], ["z", "a", "z"]).tolist() == [[3.0, 30.0], [3.0, 30.0]]
    assert bag_means([1.0, 2.0, 6.0], [7, -1, 7]).tolist() == [2.0, 3.5]


@pytest.mark.parametrize("rho", [0.0, 0.3, 1.0])
def test_the_regressor_minimises_its_loss(rows: tuple[np.ndarray, ...], rho: float) -> None:
    X, y, bags = rows
    model = BagRegressor(interpolation=rho, ridge=0.1).fit(X, y, bags)

    def loss(parameters: np.ndarray) -> float:
        predicted = X @ parameters[:3] + parameters[3]
        of_bags, of_rows = bag_loss(y, predicted, bags), instance_loss(y, predicted, bags)
        return (1 - rho) * of_bags + rho * of_rows + 0.1 * float(parameters[:3] @ parameters[:3])

    found = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-9}).x
    assert np.append(model.coef_, model.intercept_) == pytest.approx(found, abs=1e-5)


def test_bags_of_one_row_are_least_squares_and_ridge(rows: tuple[np.ndarray, ...]) -> None:
    X, y, _ = rows
    plain, ridge = BagRegressor().fit(X, y), BagRegressor(ridge=0.5, interpolation=0.7).fit(X, y, np.arange(60))
    assert plain.coef_ == pytest.approx(LinearRegression().fit(X, y).coef_)
    expected = Ridge(alpha=30).fit(X, y)
    assert ridge.coef_ == pytest.approx(expected.coef_)
    assert ridge.predict(X) == pytest.approx(expected.predict(X))


def test_one_bag_leaves_the_smallest_coefficients() -> None:
    model = BagRegressor(fit_intercept=False).fit([[1.0, 0.0], [3.0, 0.0]], [4.0, 8.0], bags=[0, 0])
    assert model.coef_ == pytest.approx([3.0, 0.0])


@pytest.mark.parametrize("rho", [0.0, 0.4, 1.0])
def test_the_classifier_minimises_its_loss(rows: tuple[np.ndarray, ...], rho: float) -> None:
    X, y, bags = rows
    positive = (y > np.median(y)).astype(float)
    model = BagClassifier(interpolation=rho, ridge=0.02).fit(X, positive, bags)

    def loss(parameters: np.ndarray) -> float:
        chance = 1 / (1 + np.exp(-(X @ parameters[:3] + parameters[3])))
        parts = [one(positive, chance, bags, loss="logistic") for one in (bag_loss, instance_loss)]
        return (1 - rho) * parts[0] + rho * parts[1] + 0.02 * float(parameters[:3] @ parameters[:3])

    here = np.append(model.coef_[0], model.intercept_)
    best = min(minimize(loss, start, method="BFGS").fun for start in (here, np.zeros(4)))
    assert loss(here) == pytest.approx(best, abs=1e-5)


def test_shares_of_single_rows_are_logistic_regression(rows: tuple[np.ndarray, ...]) -> None:
    X, y, _ = rows
    labels = np.where(y > np.median(y), "yes", "no")
    model = BagClassifier(ridge=0.01, max_iter=5000).fit(X, labels)
    expected = LogisticRegression(C=1 / (2 * 0.01 * 60), tol=1e-10).fit(X, labels)
    assert model.coef_ == pytest.approx(expected.coef_, abs=1e-3)
    assert model.predict(X).tolist() == expected.predict(X).tolist()
    assert model.predict_proba(X) == pytest.approx(expected.predict_proba(X), abs=1e-3)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_the_loss_of_rows_is_no_smaller_than_that_of_bags(loss: str) -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        y, predicted, bags = generator.random(20), generator.random(20), generator.integers(0, 6, 20)
        gap = instance_loss(y, predicted, bags, loss=loss) - bag_loss(y, predicted, bags, loss=loss)
        assert gap >= -1e-12
        if loss == "squared":
            within = np.mean((predicted - bag_means(predicted, bags)[np.unique(bags, return_inverse=True)[1]]) ** 2)
            assert gap == pytest.approx(within)


def test_the_risk_of_the_bag_loss_is_that_of_simulated_designs() -> None:
    generator, traces = np.random.default_rng(0), []
    for _ in range(400):
        means = bag_means(generator.normal(size=(120, 5)), np.repeat(np.arange(30), 4))
        traces.append(np.trace(np.linalg.inv(4 * means.T @ means)))
    assert np.mean(traces) == pytest.approx(bag_risk(1.0, 5, 30), rel=0.03)


def test_the_variance_of_interpolation_is_that_of_simulated_designs() -> None:
    generator, traces = np.random.default_rng(0), []
    for _ in range(20):
        X = generator.normal(size=(600, 60))
        means = bag_means(X, np.repeat(np.arange(150), 4))
        between = 4 * means.T @ means
        inverse = np.linalg.inv(between + 0.2 * (X.T @ X - between))
        traces.append(np.trace(inverse @ between @ inverse))
    assert np.mean(traces) == pytest.approx(interpolation_variance(1.0, 60, 150, 600, 0.2), rel=0.02)
    assert interpolation_variance(2.0, 60, 150, 600, 0.2) == 2 * interpolation_variance(1.0, 60, 150, 600, 0.2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: BagRegressor().fit([[1.0], [2.0]], [1.0, 2.0], bags=[0]), "bags must name the bag of each of the 2"),
        (lambda: BagRegressor().fit([[1.0], [2.0]], [1.0, 2.0], bags=[0, np.nan]), "missing values"),
        (lambda: BagRegressor(interpolation=1.5).fit([[1.0]], [1.0]), "interpolation must"),
        (lambda: BagRegressor(ridge=-1).fit([[1.0]], [1.0]), "ridge must be at least 0"),
        (lambda: BagClassifier().fit([[1.0], [2.0]], [1, 1]), "two classes"),
        (lambda: BagClassifier().fit([[1.0], [2.0], [3.0]], [1, 2, 3]), "Only binary"),
        (lambda: bag_means([], []), "n at least 1"),
        (lambda: bag_loss([1.0], [1.0, 2.0], [0]), "one length"),
        (lambda: bag_loss([1.0], [1.0], [0], loss="hinge"), "loss must be"),
        (lambda: bag_risk(1.0, 5, 6), "at least n_features"),
        (lambda: bag_risk(-1.0, 5, 10), "noise must be at least 0"),
        (lambda: interpolation_variance(1.0, 5, 5, 20, 0.0), "n_bags must exceed"),
        (lambda: interpolation_variance(1.0, 5, 30, 20, 0.5), "n_rows must be at least"),
    ],
)
def test_what_is_not_allowed_is_named(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
