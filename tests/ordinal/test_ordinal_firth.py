"""Firth's logistic regression against closed forms, direct maximisation and scikit-learn's expectations."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from repro.ordinal import FirthLogisticRegression

LEFT_OUT = {
    "check_classifiers_classes": "uses text labels, whose order is not known; they are refused",
    "check_sample_weight_equivalence_on_dense_data": "15 rows in 30 columns depend on each other and are refused",
}


@parametrize_with_checks([FirthLogisticRegression()], expected_failed_checks=lambda estimator: LEFT_OUT)
def test_scikit_learn_estimator_checks(estimator, check):
    check(estimator)


def penalised_log_likelihood(theta, X, y, weight):
    Z = np.column_stack([np.ones(len(X)), X])
    score = Z @ theta
    p = expit(score)
    likelihood = (weight * np.where(y, np.log(p), np.log1p(-p))).sum()
    return likelihood + 0.5 * np.linalg.slogdet((Z * (weight * p * (1 - p))[:, None]).T @ Z)[1]


def draw(seed, n=200):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, 3)) * [1, 10, 0.1]
    y = X[:, 0] + generator.logistic(size=n) > 2.5
    return X, y, generator.integers(0, 3, n).astype(float)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_maximum_is_found(weighted):
    X, y, weight = draw(0)
    if not weighted:
        weight = np.ones(len(y))
    model = FirthLogisticRegression().fit(X, y, sample_weight=weight)
    theta = np.r_[model.intercept_, model.coef_[0]]
    at = penalised_log_likelihood(theta, X, y, weight)
    assert at == pytest.approx(model.penalized_log_likelihood_, abs=1e-9)
    scale = np.r_[1, 1 / X.std(axis=0)]
    found = minimize(
        lambda t: -penalised_log_likelihood(theta + scale * t, X, y, weight), np.full(4, 0.3), method="BFGS", tol=1e-10
    )
    assert -found.fun <= at + 1e-7
    np.testing.assert_allclose(found.x, 0, atol=1e-4)


def test_a_saturated_table_gets_half_an_event_in_every_cell():
    x = np.repeat([0, 0, 1, 1], [30, 2, 20, 7])[:, None]
    y = np.repeat([0, 1, 0, 1], [30, 2, 20, 7])
    model = FirthLogisticRegression().fit(x, y)
    assert model.intercept_[0] == pytest.approx(np.log(2.5 / 30.5))
    assert model.coef_[0, 0] == pytest.approx(np.log(7.5 / 20.5) - np.log(2.5 / 30.5))


def test_an_empty_cell_and_separated_classes_stay_finite():
    x, y = np.repeat([0, 0, 1], [10, 10, 8])[:, None], np.repeat([0, 1, 0], [10, 10, 8])
    model = FirthLogisticRegression().fit(x, y)
    assert model.coef_[0, 0] == pytest.approx(np.log(0.5 / 8.5))
    line = np.arange(20.0)[:, None]
    separated = FirthLogisticRegression().fit(line, line[:, 0] > 9.5)
    assert 0 < separated.coef_[0, 0] < 3
    np.testing.assert_allclose(separated.predict_proba([[9.5]]), [[0.5, 0.5]], atol=1e-8)


def test_firthmodels_finds_the_same_coefficients():
    # firthmodels 0.8.2 from PyPI, gtol and xtol 1e-12
    generator = np.random.default_rng(0)
    X = np.round(generator.normal(size=(40, 2)), 1)
    y = X[:, 0] + np.round(generator.logistic(size=40), 1) > 2.0
    model = FirthLogisticRegression(tol=1e-12).fit(X, y)
    np.testing.assert_allclose(model.coef_, [[0.64613078, -0.64954621]], atol=1e-8)
    assert model.intercept_[0] == pytest.approx(-1.2254174212804807, abs=1e-8)
    assert model.penalized_log_likelihood_ == pytest.approx(-16.06668579344901, abs=1e-9)


def test_a_rare_class_loses_less_than_by_maximum_likelihood():
    generator = np.random.default_rng(0)
    firth, plain = [], []
    for _ in range(120):
        X = generator.normal(size=(300, 1))
        y = generator.random(300) < expit(-3.5 + X[:, 0])
        firth.append(FirthLogisticRegression().fit(X, y).coef_[0, 0])
        plain.append(LogisticRegression(C=np.inf, solver="newton-cholesky").fit(X, y).coef_[0, 0])
    assert abs(np.mean(firth) - 1) < 0.6 * abs(np.mean(plain) - 1)


def test_shift_and_scale_of_columns_change_nothing():
    X, y, _ = draw(1)
    model = FirthLogisticRegression().fit(X, y)
    moved = FirthLogisticRegression().fit((X + 1e3) * 1e-3, y)
    np.testing.assert_allclose(moved.predict_proba((X + 1e3) * 1e-3), model.predict_proba(X), atol=1e-7)


def heavy_tails(seed):
    generator = np.random.default_rng(seed)
    return generator.standard_cauchy(size=(60, 4)), generator.permutation(60) < 4


def test_rare_events_and_heavy_tails_need_few_steps():
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        for seed in range(20):
            assert FirthLogisticRegression(max_iter=20).fit(*heavy_tails(seed)).n_iter_ <= 20


def test_more_steps_never_lower_the_penalised_likelihood():
    for seed in range(10):
        X, y = heavy_tails(seed)
        reached = []
        for steps in range(1, 8):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                reached.append(FirthLogisticRegression(max_iter=steps).fit(X, y).penalized_log_likelihood_)
        assert (np.diff(reached) >= -1e-10).all(), seed


def test_weights_count_rows_and_zeros_drop_them():
    X, y, weight = draw(2)
    repeated = np.repeat(np.arange(len(y)), weight.astype(int))
    weighted = FirthLogisticRegression().fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(weighted.coef_, FirthLogisticRegression().fit(X[repeated], y[repeated]).coef_, rtol=1e-6)


def test_the_event_is_the_last_class_of_the_order():
    X, y, _ = draw(3)
    labels = np.where(y, "buys", "looks")
    model = FirthLogisticRegression(class_order=["looks", "buys"]).fit(X, labels)
    assert model.class_order_.tolist() == ["looks", "buys"]
    assert model.classes_.tolist() == ["buys", "looks"]
    np.testing.assert_allclose(model.coef_, FirthLogisticRegression().fit(X, y).coef_)
    ordered = pd.Series(pd.Categorical(labels, ["looks", "buys"], ordered=True))
    np.testing.assert_array_equal(FirthLogisticRegression().fit(X, ordered).coef_, model.coef_)
    np.testing.assert_array_equal(model.predict_proba(X)[:, 0], model.predict_rare_proba(X))
    np.testing.assert_array_equal(model.predict(X) == "buys", model.predict_rare_proba(X) > 0.5)
    np.testing.assert_array_equal(model.predict(X) == "looks", model.decision_function(X) > 0)


def test_bad_input_is_refused():
    X, y, _ = draw(4)
    with pytest.raises(ValueError, match=r"y holds 3 classes; FirthLogisticRegression needs two"):
        FirthLogisticRegression().fit(X, np.arange(len(y)) % 3)
    with pytest.raises(ValueError, match=r"^y holds 1 class \(0.0\); 2 are needed"):
        FirthLogisticRegression().fit(X, np.zeros(len(y)))
    with pytest.raises(ValueError, match="give class_order"):
        FirthLogisticRegression().fit(X, np.where(y, "a", "b"))
    with pytest.raises(ValueError, match=r"span 3 of 4 dimensions .* constant or depend on each other"):
        FirthLogisticRegression().fit(np.column_stack([X[:, :2], X[:, 0] + X[:, 1]]), y)
    with pytest.raises(ValueError, match="span 4 of 5 dimensions"):
        FirthLogisticRegression().fit(np.column_stack([X, np.ones(len(y))]), y)
    with pytest.raises(ValueError, match="span 3 of 4 dimensions in 3 rows"):
        FirthLogisticRegression().fit(X[:3], [0, 1, 1])
    with pytest.raises(ValueError, match="NaN"):
        FirthLogisticRegression().fit(np.where(X > 1, np.nan, X), y)
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        FirthLogisticRegression().fit(sparse.csr_array(X), y)
    with pytest.raises(ValueError, match="tol"):
        FirthLogisticRegression(tol=0).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="after 1 of max_iter=1 steps"):
        FirthLogisticRegression(max_iter=1).fit(X, y)
