"""The semi-parallel model against its special cases, optimality conditions from scratch and direct minimisation."""

from __future__ import annotations

import numpy as np
import pytest
from ordinal_problems import draw, naive_probabilities
from scipy import sparse
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from repro.ordinal import PrestoClassifier, ProportionalOddsClassifier, SemiParallelClassifier, semi_parallel_path

LEFT_OUT = {"check_classifiers_classes": "uses text labels, whose order an ordinal classifier cannot know"}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks([SemiParallelClassifier()], expected_failed_checks=lambda estimator: LEFT_OUT)
def test_scikit_learn_estimator_checks(estimator, check):
    check(estimator)


def test_with_two_classes_it_is_l1_logistic_regression():
    X, y = draw(0)
    ours, presto = (model.fit(X, y > 1) for model in (SemiParallelClassifier(0.01), PrestoClassifier(0.01)))
    np.testing.assert_allclose(ours.coef_, presto.coef_, atol=1e-6)
    assert ours.objective_ == pytest.approx(presto.objective_, abs=1e-12)


def test_with_two_classes_scikit_learn_finds_the_same():
    X, y = draw(0)
    lam = 0.01
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    peer = LogisticRegression(l1_ratio=1.0, C=1 / (lam * len(y)), solver="saga", tol=1e-10, max_iter=10**5)
    peer.fit(Z, y > 1)
    ours = SemiParallelClassifier(lam).fit(X, y > 1)
    # the common weight and the deviation of the only boundary share the penalty of one weight
    np.testing.assert_allclose(-ours.coef_ * X.std(axis=0), peer.coef_, atol=1e-6)
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(Z), atol=1e-6)


def test_without_standardisation_the_penalty_is_on_the_columns_as_they_are():
    X, y = draw(0)
    scale = X.std(axis=0)
    plain = SemiParallelClassifier(0.01, standardize=False)
    assert not np.allclose(plain.fit(X, y).coef_, SemiParallelClassifier(0.01).fit(X, y).coef_, atol=1e-3)
    np.testing.assert_allclose(
        plain.fit(X / scale, y).coef_ / scale, SemiParallelClassifier(0.01).fit(X, y).coef_, atol=1e-7
    )


def test_with_dear_deviations_it_is_l1_proportional_odds():
    X, y = draw(0)
    ours = SemiParallelClassifier(0.01, deviation_penalty=1e3).fit(X, y)
    parallel = ProportionalOddsClassifier(0.01).fit(X, y)
    np.testing.assert_allclose(ours.coef_, np.tile(parallel.coef_, (3, 1)), atol=1e-8)
    np.testing.assert_allclose(ours.common_, parallel.coef_, atol=1e-8)
    assert ours.objective_ == pytest.approx(parallel.objective_, abs=1e-12)


@pytest.mark.parametrize("lam", [0.003, 0.02, 0.08])
def test_optimality_conditions_hold_for_numerical_gradients(lam):
    X, y = draw(1)
    model = SemiParallelClassifier(lam, deviation_penalty=0.8).fit(X, y)
    mean, sd = X.mean(axis=0), X.std(axis=0)
    Z = (X - mean) / sd
    alpha, weights = model.intercept_ + model.coef_ @ mean, model.coef_ * sd
    common = model.common_ * sd

    def loss(alpha, weights):
        p = naive_probabilities(Z, alpha, weights)
        return -np.log(p[np.arange(len(y)), y]).mean()

    step, by_boundary = 1e-6, np.empty_like(weights)
    for index in np.ndindex(weights.shape):
        change = np.zeros_like(weights)
        change[index] = step
        by_boundary[index] = (loss(alpha, weights + change) - loss(alpha, weights - change)) / (2 * step)
    of_intercepts = [
        (loss(alpha + step * unit, weights) - loss(alpha - step * unit, weights)) / (2 * step) for unit in np.eye(3)
    ]
    np.testing.assert_allclose(of_intercepts, 0, atol=1e-7)
    for value, gradient, size in (
        (common, by_boundary.sum(axis=0), lam),
        (weights - common, by_boundary, 0.8 * lam),
    ):
        at_zero = np.abs(value) < 1e-10
        assert (np.abs(gradient[at_zero]) <= size + 1e-7).all()
        np.testing.assert_allclose(gradient[~at_zero], -size * np.sign(value[~at_zero]), atol=1e-7)
    penalty = lam * (np.abs(common).sum() + 0.8 * np.abs(weights - common).sum())
    assert model.objective_ == pytest.approx(loss(alpha, weights) + penalty, abs=1e-12)


def test_no_direct_minimisation_goes_lower():
    X, y = draw(2)
    model = SemiParallelClassifier(0.01).fit(X, y)
    Z, n, p = (X - X.mean(axis=0)) / X.std(axis=0), *X.shape

    def objective(v):
        blocks = (v[3 : 3 + 4 * p] - v[3 + 4 * p :]).reshape(4, p)
        chances = naive_probabilities(Z, v[:3], blocks[0] + blocks[1:])[np.arange(n), y]
        return 1e3 if chances.min() <= 0 else -np.log(chances).mean() + 0.01 * v[3:].sum()

    shares = np.cumsum(np.bincount(y))[:3] / n
    start = np.r_[np.log(shares / (1 - shares)), np.full(8 * p, 0.01)]
    bounds = [(None, None)] * 3 + [(0, None)] * 8 * p
    options = {"maxfun": 10**6, "maxiter": 10**4, "ftol": 1e-14, "gtol": 1e-9}
    found = minimize(objective, start, bounds=bounds, method="L-BFGS-B", options=options)
    assert model.objective_ <= found.fun + 1e-12
    assert found.fun == pytest.approx(model.objective_, abs=1e-6)


def test_the_path_holds_the_single_fits_and_starts_at_zero():
    X, y = draw(3)
    path = semi_parallel_path(X, y, n_lambdas=8, lambda_ratio=0.02)
    assert not path.coefs[0].any()
    assert path.coefs[1].any()
    assert path.lambdas[-1] == pytest.approx(0.02 * path.lambdas[0])
    assert path.kkt_residuals.max() <= 1e-8
    for place in (3, 7):
        model = SemiParallelClassifier(path.lambdas[place]).fit(X, y)
        np.testing.assert_allclose(path.coefs[place], model.coef_, atol=1e-6)
        np.testing.assert_allclose(path.intercepts[place], model.intercept_, atol=1e-6)
        assert path.objectives[place] == pytest.approx(model.objective_, abs=1e-12)
    around = semi_parallel_path(X, y, path.lambdas[0] * np.array([1.001, 0.999]))
    assert [weights.any() for weights in around.coefs] == [False, True]
    given = semi_parallel_path(X, y, [0.01, 0.1])
    assert given.lambdas.tolist() == [0.1, 0.01]


def test_shift_and_scale_change_nothing_and_weights_count_rows():
    X, y = draw(4)
    model = SemiParallelClassifier(0.01, repair="isotonic").fit(X, y)
    scale = np.array([1e3, 1e-2, 1.0, 5.0])
    moved = SemiParallelClassifier(0.01, repair="isotonic").fit(X * scale + 7, y)
    np.testing.assert_allclose(moved.predict_proba(X * scale + 7), model.predict_proba(X), atol=1e-6)
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    rows = np.repeat(np.arange(len(y)), weight)
    weighted = SemiParallelClassifier(0.01).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(weighted.coef_, SemiParallelClassifier(0.01).fit(X[rows], y[rows]).coef_, atol=1e-6)


@pytest.mark.parametrize("order", [[0, 1, 9, 2, 3], [9, 0, 1, 2, 3], [0, 1, 2, 3, 9]])
def test_a_declared_class_without_rows_gets_probability_zero(order):
    X, y = draw(2)
    plain = SemiParallelClassifier(0.01, repair="cumulative_max").fit(X, y)
    with pytest.warns(UserWarning, match="no row .* has the class 9"):
        model = SemiParallelClassifier(0.01, class_order=order, repair="cumulative_max").fit(X, y)
    probabilities = model.predict_proba(X)
    assert not probabilities[:, 4].any()
    np.testing.assert_allclose(probabilities[:, :4], plain.predict_proba(X), atol=1e-12)


def one_row_far_on_the_wrong_side():
    generator = np.random.default_rng(1)
    X = 8 * generator.normal(size=(400, 1))
    y = (X[:, 0] + generator.logistic(size=400) > [[0], [3]]).sum(axis=0)
    return np.vstack([X, [[-400.0]]]), np.append(y, 2)


@pytest.mark.parametrize("lam", [1e-3, 1e-4, 1e-5])
def test_a_row_far_on_the_wrong_side_does_not_stop_the_solver(lam):
    # there 1 - P(y <= K - 1) of the observed class K rounds to zero
    X, y = one_row_far_on_the_wrong_side()
    model = SemiParallelClassifier(lam).fit(X, y)
    assert model.kkt_residual_ <= 1e-8
    assert model.boundary_scores(X[-1:])[0, 1] > 30
    assert model.predict_rare_proba(X[-1:])[0] > 0


def test_only_the_observed_class_needs_a_positive_probability():
    X, y = one_row_far_on_the_wrong_side()
    model = SemiParallelClassifier(1e-3).fit(X, y)
    with pytest.warns(UserWarning, match="boundaries cross in"):
        probabilities = model.predict_proba(X)
    assert probabilities.min() < 0
    assert probabilities[np.arange(len(y)), y].min() > 0


def test_constant_columns_and_more_columns_than_rows_are_fine():
    X, y = draw(0)
    model = SemiParallelClassifier(0.01).fit(np.column_stack([X, np.full(len(y), 3.0)]), y)
    assert not model.coef_[:, -1].any()
    wide = np.random.default_rng(0).normal(size=(30, 60))
    found = SemiParallelClassifier(0.05).fit(wide, np.arange(30) % 3)
    assert found.kkt_residual_ <= 1e-8


def test_bad_input_is_refused():
    X, y = draw(0)
    for name, value in (
        ("lam", -1),
        ("deviation_penalty", -1),
        ("tol", 0),
        ("max_iter", 0),
        ("repair", "sort"),
        ("standardize", "yes"),
    ):
        with pytest.raises(ValueError, match=name):
            SemiParallelClassifier(**{name: value}).fit(X, y)
    with pytest.raises(ValueError, match="give class_order"):
        SemiParallelClassifier().fit(X, np.array(list("abcd"))[y])
    with pytest.raises(ValueError, match="y holds 1 class"):
        SemiParallelClassifier().fit(X, np.zeros(len(y)))
    with pytest.raises(ValueError, match="lambdas must be a vector of finite numbers"):
        semi_parallel_path(X, y, [0.1, -1])
    with pytest.raises(ValueError, match="n_lambdas"):
        semi_parallel_path(X, y, n_lambdas=0)
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        SemiParallelClassifier().fit(sparse.csr_array(X), y)
    with pytest.warns(ConvergenceWarning, match="after 1 of max_iter=1 steps"):
        SemiParallelClassifier(1e-4, max_iter=1).fit(X, y)
