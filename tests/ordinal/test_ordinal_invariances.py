"""What may change in the data without changing the model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ordinal_problems import draw

from repro.ordinal import PrestoClassifier, PrestoClassifierCV, ProportionalOddsClassifier, presto_path

SMALL = 0.01


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1000), shift=st.floats(-1000, 1000), scale=st.floats(-3, 3).map(lambda e: 10.0**e))
def test_shifting_and_scaling_columns_leaves_the_probabilities(seed, shift, scale):
    X, y = draw(seed)
    moved = X * np.array([scale, 1, -scale, 1]) + np.array([shift, -shift, 0, 1])
    model, other = PrestoClassifier(SMALL).fit(X, y), PrestoClassifier(SMALL).fit(moved, y)
    np.testing.assert_allclose(other.predict_proba(moved), model.predict_proba(X), rtol=0, atol=1e-6)
    assert other.objective_ == pytest.approx(model.objective_, abs=1e-9)


def test_shifting_leaves_the_model_without_standardisation_too():
    X, y = draw(1)
    model = PrestoClassifier(SMALL, standardize=False).fit(X, y)
    other = PrestoClassifier(SMALL, standardize=False).fit(X + 100, y)
    np.testing.assert_allclose(other.coef_, model.coef_, rtol=0, atol=1e-6)


@pytest.mark.parametrize("lam", [0.001, SMALL])
def test_the_order_of_rows_and_columns_does_not_matter(lam):
    X, y = draw(2, 150, 6, 5)
    rows, columns = np.random.default_rng(0).permutation(150), np.random.default_rng(1).permutation(6)
    model = PrestoClassifier(lam).fit(X, y)
    by_row, by_column = PrestoClassifier(lam).fit(X[rows], y[rows]), PrestoClassifier(lam).fit(X[:, columns], y)
    np.testing.assert_allclose(by_row.coef_, model.coef_, rtol=0, atol=1e-6)
    np.testing.assert_allclose(by_column.coef_, model.coef_[:, columns], rtol=0, atol=1e-6)


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
@pytest.mark.parametrize("lam", [0.001, SMALL])
def test_weights_count_like_repeated_rows(l1_ratio, lam):
    X, y = draw(3, 100, 5)
    weight = np.random.default_rng(0).integers(0, 4, 100)
    repeated = np.repeat(np.arange(100), weight)
    by_weight = PrestoClassifier(lam, l1_ratio=l1_ratio).fit(X, y, sample_weight=weight)
    by_row = PrestoClassifier(lam, l1_ratio=l1_ratio).fit(X[repeated], y[repeated])
    assert by_weight.objective_ == pytest.approx(by_row.objective_, abs=1e-9)
    np.testing.assert_allclose(by_weight.coef_, by_row.coef_, rtol=0, atol=1e-6)
    scaled = PrestoClassifier(lam, l1_ratio=l1_ratio).fit(X, y, sample_weight=weight * 17.5)
    np.testing.assert_allclose(scaled.coef_, by_weight.coef_, rtol=0, atol=1e-6)


def test_class_weights_multiply_the_weights_of_rows():
    X, y = draw(4)
    by_class = PrestoClassifier(SMALL, class_weight={3: 5.0, 0: 0.5}).fit(X, y)
    by_row = PrestoClassifier(SMALL).fit(X, y, sample_weight=np.array([0.5, 1, 1, 5])[y])
    np.testing.assert_allclose(by_class.coef_, by_row.coef_, rtol=0, atol=1e-9)
    balanced = PrestoClassifier(10.0, class_weight="balanced").fit(X, y)
    np.testing.assert_allclose(balanced.predict_proba(X[:1]), np.full((1, 4), 0.25), rtol=1e-10)


def test_the_names_of_the_classes_do_not_matter():
    X, y = draw(5)
    names = np.array(["none", "mild", "bad", "fatal"])
    model = PrestoClassifier(SMALL).fit(X, y)
    for target, options in [
        (y * 10 - 3, {}),
        (y.astype(float), {}),
        (y.astype(object), {}),
        (names[y], {"class_order": names.tolist()}),
        (pd.Series(names[y]), {"class_order": names}),
        (pd.Series(pd.Categorical(names[y], categories=names, ordered=True)), {}),
        (pd.Categorical(names[y], categories=names, ordered=True), {}),
    ]:
        other = PrestoClassifier(SMALL, **options).fit(X, target)
        np.testing.assert_array_equal(other.coef_, model.coef_)
        np.testing.assert_array_equal(other.predict(X) == np.asarray(target), model.predict(X) == y)
    assert other.class_order_.tolist() == names.tolist()
    assert other.classes_.tolist() == sorted(names)


def test_reversing_the_classes_reverses_the_boundaries_of_the_common_model():
    X, y = draw(6)
    model, reverse = ProportionalOddsClassifier(SMALL).fit(X, y), ProportionalOddsClassifier(SMALL).fit(X, 3 - y)
    np.testing.assert_allclose(reverse.coef_, -model.coef_, rtol=0, atol=1e-6)
    np.testing.assert_allclose(reverse.intercept_, -model.intercept_[::-1], rtol=0, atol=1e-6)
    ordered = ProportionalOddsClassifier(SMALL, class_order=[3, 2, 1, 0]).fit(X, y)
    np.testing.assert_allclose(ordered.coef_, reverse.coef_, rtol=0, atol=1e-9)


def test_the_penalty_is_anchored_at_the_first_boundary():
    X, y = draw(6)
    model = PrestoClassifier(SMALL).fit(X, y)
    reverse = PrestoClassifier(SMALL).fit(X, 3 - y)
    assert np.abs(reverse.coef_[::-1] + model.coef_).max() > 1e-3
    free = PrestoClassifier(SMALL, level_penalty=0.0).fit(X, y)
    free_reverse = PrestoClassifier(SMALL, level_penalty=0.0).fit(X, 3 - y)
    np.testing.assert_allclose(free_reverse.coef_[::-1], -free.coef_, rtol=0, atol=1e-6)


def test_constant_columns_get_no_weight_and_duplicates_share_the_optimum():
    X, y = draw(7)
    model = PrestoClassifier(SMALL).fit(X, y)
    wider = np.column_stack([X, np.full(len(y), 0.1), X[:, 0], np.zeros(len(y))])
    other = PrestoClassifier(SMALL).fit(wider, y)
    assert other.objective_ == pytest.approx(model.objective_, abs=1e-9)
    assert not other.coef_[:, [4, 6]].any()
    np.testing.assert_allclose(other.predict_proba(wider), model.predict_proba(X), rtol=0, atol=1e-5)
    ridge = PrestoClassifier(SMALL, l1_ratio=0.0).fit(wider, y)
    np.testing.assert_allclose(ridge.coef_[:, 5], ridge.coef_[:, 0], rtol=0, atol=1e-6)
    unpenalised = ProportionalOddsClassifier().fit(wider, y)
    assert unpenalised.objective_ == pytest.approx(ProportionalOddsClassifier().fit(X, y).objective_, abs=1e-9)


def test_equal_runs_give_equal_bytes():
    X, y = draw(8, 200, 10, 5)
    first, second = (presto_path(X.copy(), y) for _ in range(2))
    np.testing.assert_array_equal(first.coefs, second.coefs)
    np.testing.assert_array_equal(first.gaps, second.gaps)
    first, second = (PrestoClassifierCV(n_lambdas=5).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(first.fold_scores_, second.fold_scores_)


def test_input_is_left_alone():
    X, y = draw(9)
    before = X.copy()
    X.setflags(write=False)
    PrestoClassifier().fit(X, y)
    np.testing.assert_array_equal(X, before)
