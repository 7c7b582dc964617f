"""The optimum and its certificate, checked by other means: other solvers, optimality conditions written down anew."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ordinal_problems import draw, naive_objective, naive_probabilities
from scipy import sparse
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from repro.ordinal import PrestoClassifier, ProportionalOddsClassifier, presto_path
from repro.ordinal._active_set import Model, minimise_touching


def numerical_gradient(X, y, model):
    """Gradient of the mean loss in (gamma, psi) on the standardised scale, by the formulas of the score."""
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    n, K = len(y), len(model.classes_)
    cumulative = 1 / (1 + np.exp(-(X @ model.coef_.T + model.intercept_)))
    probability = np.diff(cumulative, axis=1, prepend=0.0, append=1.0)
    density = cumulative * (1 - cumulative)
    score = np.zeros((n, K - 1))
    for k in range(K - 1):
        score[y == k, k] = -density[y == k, k] / probability[y == k, k]
        score[y == k + 1, k] = density[y == k + 1, k] / probability[y == k + 1, k + 1]
    score /= n
    by_boundary = np.column_stack([score.sum(axis=0), score.T @ standard])
    return np.cumsum(by_boundary[::-1], axis=0)[::-1]


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 10_000),
    size=st.tuples(st.integers(40, 200), st.integers(1, 8), st.integers(2, 6)),
    lam=st.floats(-3.0, -0.7).map(lambda exponent: 10.0**exponent),
    l1_ratio=st.sampled_from([0.0, 0.5, 1.0]),
    level_penalty=st.sampled_from([0.5, 1.0, 3.0]),
)
def test_optimality_conditions_hold_wherever_no_boundaries_touch(seed, size, lam, l1_ratio, level_penalty):
    X, y = draw(seed, *size)
    options = {"l1_ratio": l1_ratio, "level_penalty": level_penalty}
    model = PrestoClassifier(lam, positivity="observed", **options).fit(X, y)
    gradient = numerical_gradient(X, y, model)
    psi = model.psi_ * X.std(axis=0)
    size = np.full(len(psi), lam)
    size[0] *= level_penalty
    size = np.broadcast_to(size[:, None], psi.shape)
    pull = gradient[:, 1:] + (1 - l1_ratio) * size * psi
    zero = model.psi_ == 0
    tolerance = 1e-7
    assert np.abs(gradient[:, 0]).max() < tolerance
    assert (np.abs(pull[zero]) <= l1_ratio * size[zero] + tolerance).all()
    np.testing.assert_allclose(pull[~zero], -(l1_ratio * size * np.sign(psi))[~zero], rtol=0, atol=tolerance)
    assert model.gap_ < 1e-9
    assert model.objective_ == pytest.approx(
        naive_objective(X, y, model.intercept_, model.coef_, lam=lam, **options), abs=1e-10
    )


def constrained_by_scipy(X, y, lam, K):
    """Minimise (3) under (5) with SLSQP on intercept gaps and positive and negative parts of the differences."""
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    p, size = X.shape[1], K - 1

    def unpack(theta):
        psi = (theta[size : size + size * p] - theta[size + size * p :]).reshape(size, p)
        return np.cumsum(theta[:size]), np.cumsum(psi, axis=0)

    def loss(theta):
        probability = naive_probabilities(standard, *unpack(theta))[np.arange(len(y)), y]
        return -np.log(np.maximum(probability, 1e-9)).mean() + lam * theta[size:].sum()

    def gaps(theta):
        psi = (theta[size : size + size * p] - theta[size + size * p :]).reshape(size, p)
        return (standard @ psi[1:].T + theta[1:size]).ravel()

    shares = np.cumsum(np.bincount(y))[:-1] / len(y)
    start = np.concatenate([np.diff(np.log(shares / (1 - shares)), prepend=0.0), np.full(2 * size * p, 1e-3)])
    bounds = [(None, None)] * size + [(0, None)] * (2 * size * p)
    found = minimize(
        loss, start, method="SLSQP", bounds=bounds, constraints={"type": "ineq", "fun": gaps},
        options={"ftol": 1e-13, "maxiter": 500},
    )  # fmt: skip
    assert gaps(found.x).min() > -1e-9
    return found.fun


@pytest.mark.parametrize("seed", [0, 1, 2, 5, 6, 8, 9, 10])
def test_touching_boundaries_give_the_optimum_of_a_general_solver(seed):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(50, 2))
    y = np.searchsorted([-0.3, 0.3, 1.0], X[:, 0] * generator.normal(size=50) + 0.5 * generator.normal(size=50))
    lam = 0.003
    model = PrestoClassifier(lam).fit(X, y)
    gaps = np.diff(model.boundary_scores(X), axis=1)
    assert gaps.min() == pytest.approx(0, abs=1e-9)
    reference = constrained_by_scipy(X, y, lam, 4)
    assert model.objective_ == pytest.approx(reference, abs=1e-6)
    assert model.objective_ <= reference + 1e-9
    assert model.gap_ < 1e-9


@pytest.mark.parametrize("degenerate", [False, True])
def test_the_active_set_method_solves_the_quadratic_model(degenerate):
    # columns of zeros and ones let many inequalities meet in one point
    generator = np.random.default_rng(3)
    n, p, K = 60, 3, 4
    columns = (generator.random((n, p)) < 0.5) * 1.0 if degenerate else generator.normal(size=(n, p))
    rows = np.column_stack([np.ones(n), columns])
    size = (p + 1) * (K - 1)
    root = generator.normal(size=(2 * size, size))
    H, c = root.T @ root / size, 3 * generator.normal(size=size)
    l1 = np.where(np.arange(size) % (p + 1) == 0, 0.0, 0.2)
    start = np.array([0, 0, n, n, n])

    def gaps_of(x):
        return np.ascontiguousarray((rows @ x.reshape(K - 1, p + 1).T).T)

    def inequality_of(pair):
        inequality = np.zeros((K - 1, p + 1))
        inequality[pair[1]] = rows[pair[0]]
        return inequality.ravel()

    allowance = np.zeros((K - 1, n)) if not degenerate else 1e-10 * generator.uniform(0.5, 1, (K - 1, n))
    first = np.zeros(size)
    first[[p + 1, 2 * (p + 1)]] = 1.0
    found = minimise_touching(Model(H, c, l1, start, allowance, gaps_of, inequality_of), first, [])
    matrix = np.array([inequality_of((row, 2)) for row in range(n)])
    multipliers = np.zeros(n)
    for (row, boundary), price in zip(found.pairs, found.multipliers, strict=True):
        assert boundary == 2  # the rows have the class behind the first gap
        multipliers[row] = price
    slope = H @ found.x + c - matrix.T @ multipliers
    held = found.x != 0
    assert len(found.pairs) > 0
    assert (matrix @ found.x).min() > -1e-9
    assert abs(multipliers @ (matrix @ found.x)) < 1e-8
    np.testing.assert_allclose(slope[held], -(l1 * np.sign(found.x))[held], atol=1e-9)
    assert (np.abs(slope) <= l1 + 1e-9).all()


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), lam=st.floats(0.001, 0.05), max_iter=st.integers(1, 4))
def test_the_gap_bounds_the_distance_to_the_optimum_from_above(seed, lam, max_iter):
    X, y = draw(seed, 80, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        rough = PrestoClassifier(lam, max_iter=max_iter).fit(X, y)
    exact = PrestoClassifier(lam).fit(X, y)
    assert exact.gap_ < 1e-9
    assert rough.objective_ - exact.objective_ <= rough.gap_ + 2e-9


def test_the_gap_is_sharp_before_the_last_steps():
    X, y = draw(21, 300, 6)
    optimum = PrestoClassifier(0.004).fit(X, y).objective_
    with pytest.warns(ConvergenceWarning, match="of max_iter=2 steps"):
        rough = PrestoClassifier(0.004, max_iter=2).fit(X, y)
    distance = rough.objective_ - optimum
    assert distance > 1e-6
    assert distance <= rough.gap_ <= 10 * distance


@pytest.mark.parametrize("standardize", [True, False])
def test_two_classes_equal_the_l1_logistic_regression_of_scikit_learn(standardize):
    X, y = draw(5, 300, 6, 2)
    lam = 0.02
    model = PrestoClassifier(lam, standardize=standardize).fit(X, y)
    scale = X.std(axis=0) if standardize else np.ones(6)
    peer = LogisticRegression(l1_ratio=1.0, C=1 / (lam * len(y)), solver="saga", tol=1e-10, max_iter=100_000)
    peer.fit((X - X.mean(axis=0)) / scale, y)
    np.testing.assert_allclose(-model.coef_[0] * scale, peer.coef_[0], atol=1e-6)
    np.testing.assert_allclose(
        model.predict_proba(X), peer.predict_proba((X - X.mean(axis=0)) / scale), rtol=0, atol=1e-6
    )


def test_the_proportional_odds_fit_is_the_maximum_of_the_likelihood():
    X, y = draw(11, 250, 4, 5)

    def loss(theta):
        intercept = np.cumsum(np.concatenate([theta[:1], np.exp(theta[1:4])]))
        return -np.log(naive_probabilities(X, intercept, theta[4:])[np.arange(len(y)), y]).mean()

    found = minimize(loss, np.concatenate([[-1.0, 0, 0, 0], np.zeros(4)]), method="BFGS", options={"gtol": 1e-9})
    model = ProportionalOddsClassifier().fit(X, y)
    assert model.objective_ == pytest.approx(found.fun, abs=1e-9)
    assert model.objective_ <= found.fun + 1e-12
    np.testing.assert_allclose(model.coef_, found.x[4:], atol=1e-5)
    assert (np.diff(model.intercept_) > 0).all()
    assert model.gap_ < 1e-9


def test_a_free_level_and_a_large_penalty_give_the_proportional_odds_model():
    X, y = draw(12, 250, 4, 4)
    shared = PrestoClassifier(10.0, level_penalty=0.0).fit(X, y)
    parallel = ProportionalOddsClassifier().fit(X, y)
    np.testing.assert_allclose(shared.coef_, np.tile(parallel.coef_, (3, 1)), rtol=1e-6)
    assert not shared.psi_[1:].any()
    path = presto_path(X, y, level_penalty=0.0, n_lambdas=3)
    np.testing.assert_allclose(path.coefs[0], shared.coef_, rtol=1e-6)
    assert path.n_nonzero[0] == 4
    assert path.n_nonzero[1] > 4


def test_a_vanishing_penalty_approaches_the_unpenalised_fit_of_the_common_model():
    X, y = draw(13, 400, 3, 3)
    penalised = ProportionalOddsClassifier(1e-7).fit(X, y)
    np.testing.assert_allclose(penalised.coef_, ProportionalOddsClassifier().fit(X, y).coef_, atol=1e-4)


@pytest.mark.parametrize("positivity", ["all", "observed"])
@pytest.mark.parametrize("l1_ratio", [0.3, 1.0])
def test_warm_starts_on_a_path_equal_cold_fits(positivity, l1_ratio):
    X, y = draw(7, 150, 12, 5)
    path = presto_path(X, y, n_lambdas=8, l1_ratio=l1_ratio, positivity=positivity)
    for k, lam in enumerate(path.lambdas):
        cold = PrestoClassifier(lam, l1_ratio=l1_ratio, positivity=positivity).fit(X, y)
        assert path.objectives[k] == pytest.approx(cold.objective_, abs=2e-9)
        np.testing.assert_allclose(path.coefs[k], cold.coef_, rtol=0, atol=1e-5)
        np.testing.assert_allclose(path.intercepts[k], cold.intercept_, rtol=0, atol=1e-5)


def test_more_columns_than_rows_reach_the_optimum():
    X, y = draw(8, 60, 150, 4, strength=2.0)
    path = presto_path(X, y, n_lambdas=10, lambda_ratio=0.1)
    assert path.gaps.max() < 1e-9
    assert path.kkt_residuals.max() < 1e-6


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_singular_problem_without_penalty_is_certified_too():
    # 15 different rows and 20 columns whose common weights are free
    generator = np.random.default_rng(0)
    X = generator.normal(size=(15, 20))[np.arange(120) % 15]
    y = generator.integers(0, 4, 120)
    model = PrestoClassifier(0.001, level_penalty=0.0).fit(X, y)
    counts = np.array([np.bincount(y[np.arange(120) % 15 == row], minlength=4) for row in range(15)])
    floor = -(counts * np.log(np.maximum(counts / 8, 1e-300))).sum() / 120
    assert model.gap_ < 1e-9
    assert model.objective_ > floor


@pytest.mark.parametrize("l1_ratio", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("standardize", [True, False])
def test_sparse_and_dense_columns_give_the_same_model(l1_ratio, standardize):
    generator = np.random.default_rng(4)
    X = np.where(generator.random((200, 8)) < 0.2, generator.normal(1, 2, (200, 8)), 0.0)
    y = np.searchsorted([0, 1.5, 3], X[:, 0] - X[:, 1] + generator.logistic(size=200))
    options = {"lam": 0.004, "l1_ratio": l1_ratio, "standardize": standardize}
    dense = PrestoClassifier(**options).fit(X, y)
    for container in (sparse.csr_array, sparse.csc_matrix, sparse.coo_array):
        model = PrestoClassifier(**options).fit(container(X), y)
        assert model.objective_ == pytest.approx(dense.objective_, abs=1e-9)
        np.testing.assert_allclose(model.coef_, dense.coef_, rtol=0, atol=1e-6)
        np.testing.assert_allclose(model.intercept_, dense.intercept_, rtol=0, atol=1e-6)
        np.testing.assert_allclose(model.predict_proba(container(X)), dense.predict_proba(X), atol=1e-6)
