"""How the classifiers behave as part of scikit-learn, cross-validation, repair of probabilities, and bad input."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from ordinal_problems import draw, naive_probabilities
from scipy import sparse
from scipy.special import expit
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from repro.ordinal import PrestoClassifier, PrestoClassifierCV, ProportionalOddsClassifier, presto_path

NO_ORDER = "uses text labels, whose order an ordinal classifier cannot know; they are refused"
SEPARATED = "15 rows in 30 columns: the classes are separated and the likelihood has no maximum"
NO_COMMON_DIRECTION = "three blobs that no single direction orders; needs 83 % accuracy on the training rows"


def left_out(estimator):
    """Checks that an ordinal target rules out, with the reason."""
    reasons = {"check_classifiers_classes": NO_ORDER}
    if isinstance(estimator, ProportionalOddsClassifier):
        reasons["check_classifiers_train"] = NO_COMMON_DIRECTION
        if estimator.lam == 0:
            reasons["check_sample_weight_equivalence_on_dense_data"] = SEPARATED
            reasons["check_sample_weight_equivalence_on_sparse_data"] = SEPARATED
    return reasons


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        PrestoClassifier(),
        PrestoClassifierCV(n_lambdas=4, cv=3),
        ProportionalOddsClassifier(),
        ProportionalOddsClassifier(lam=0.01),
    ],
    expected_failed_checks=left_out,
)
def test_scikit_learn_estimator_checks(estimator, check):
    # One check skips itself: check_array_api_input needs SCIPY_ARRAY_API in the environment of the process.
    check(estimator)


def test_clone_pickle_and_cross_validation_work():
    X, y = draw(0)
    model = PrestoClassifier(0.02, repair="isotonic").fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert clone(model).get_params() == model.get_params()
    assert cross_val_score(model, X, y, cv=3).mean() > 0.3
    assert model.score(X, y) == np.mean(model.predict(X) == y)


def test_column_names_are_remembered_and_checked():
    X, y = draw(0)
    table = pd.DataFrame(X, columns=list("abcd"))
    model = PrestoClassifier().fit(table, y)
    assert model.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table[["b", "a", "c", "d"]])


def test_predictions_follow_their_formulas():
    X, y = draw(1)
    model = PrestoClassifier(0.04).fit(X, y)
    assert np.diff(model.boundary_scores(X), axis=1).min() > 0.1  # no boundaries touch
    scores = X @ model.coef_.T + model.intercept_
    np.testing.assert_allclose(model.boundary_scores(X), scores)
    np.testing.assert_allclose(
        model.predict_proba(X), naive_probabilities(X, model.intercept_, model.coef_), rtol=0, atol=1e-14
    )
    np.testing.assert_allclose(model.predict_rare_proba(X), 1 - expit(scores[:, -1]), atol=1e-14)
    np.testing.assert_allclose(np.exp(model.decision_function(X)), model.predict_proba(X), rtol=1e-10)
    np.testing.assert_array_equal(model.predict(X), model.predict_proba(X).argmax(axis=1))
    np.testing.assert_allclose(np.cumsum(model.psi_, axis=0), model.coef_, atol=1e-14)


def test_tiny_probabilities_keep_their_digits():
    model = PrestoClassifier()
    model.classes_ = model.class_order_ = np.arange(3)
    model.n_features_in_ = 1
    model.coef_, model.intercept_ = np.ones((2, 1)), np.array([40.0, 41.0])
    # s(41) - s(40) = exp(-40) - exp(-41) up to exp(-80)
    expected = np.exp(-40.0) - np.exp(-41.0)
    np.testing.assert_allclose(model.predict_proba([[0.0]])[0, 1:], [expected, np.exp(-41.0)], rtol=1e-12)


def crossing_model(repair):
    model = PrestoClassifier(repair=repair)
    model.classes_ = model.class_order_ = np.arange(4)
    model.n_features_in_ = 1
    model.coef_, model.intercept_ = np.array([[0.0], [2.0], [0.0]]), np.array([0.0, 0.5, 1.0])
    return model


def test_crossing_boundaries_are_shown_or_mended():
    X = np.array([[-1.0], [0.0], [2.0]])
    with pytest.warns(UserWarning, match="cross in 2 of 3 rows.*repair='cumulative_max'"):
        raw = crossing_model(None).predict_proba(X)
    assert (raw < 0).any(axis=1).tolist() == [True, False, True]
    cumulative = expit(np.array([[0, -1.5, 1], [0, 0.5, 1], [0, 4.5, 1]]))
    largest = crossing_model("cumulative_max").predict_proba(X)
    np.testing.assert_allclose(np.cumsum(largest, axis=1)[:, :3], np.maximum.accumulate(cumulative, axis=1))
    isotonic = crossing_model("isotonic").predict_proba(X)
    expected = cumulative.copy()
    expected[0, :2] = cumulative[0, :2].mean()
    expected[2, 1:] = cumulative[2, 1:].mean()
    np.testing.assert_allclose(np.cumsum(isotonic, axis=1)[:, :3], expected)
    for mended in (largest, isotonic):
        assert mended.min() >= 0
        np.testing.assert_allclose(mended.sum(axis=1), 1)
        np.testing.assert_array_equal(mended[1], raw[1])
    np.testing.assert_array_equal(
        crossing_model("isotonic").predict_rare_proba(X), crossing_model(None).predict_rare_proba(X)
    )


def test_a_declared_class_without_rows_gets_probability_zero():
    X, y = draw(2)
    plain = PrestoClassifier(0.01).fit(X, y)
    for order in ([0, 1, 9, 2, 3], [9, 0, 1, 2, 3], [0, 1, 2, 3, 9]):
        with pytest.warns(UserWarning, match="no row .* has the class 9"):
            model = PrestoClassifier(0.01, class_order=order).fit(X, y)
        probabilities = model.predict_proba(X)
        assert model.class_order_.tolist() == order
        assert model.classes_.tolist() == [0, 1, 2, 3, 9]
        assert not probabilities[:, 4].any()
        np.testing.assert_allclose(probabilities[:, :4], plain.predict_proba(X), atol=1e-12)
        assert model.objective_ == plain.objective_
        assert not np.isnan(model.coef_).any()
    assert not model.predict_rare_proba(X).any()


# cross-validation


def brier(probabilities, y):
    return ((probabilities - np.eye(probabilities.shape[1])[y]) ** 2).sum(axis=1).mean()


def log_loss(probabilities, y):
    return -np.log(probabilities[np.arange(len(y)), y]).mean()


@pytest.mark.parametrize(("scoring", "score"), [("brier", brier), ("log_loss", log_loss)])
def test_cross_validation_scores_are_those_of_fits_to_the_folds(scoring, score):
    X, y = draw(3, 200)
    folds = KFold(4, shuffle=True, random_state=1)
    model = PrestoClassifierCV(n_lambdas=6, cv=folds, scoring=scoring, repair="cumulative_max").fit(X, y)
    np.testing.assert_allclose(model.lambdas_, presto_path(X, y, n_lambdas=6).lambdas)
    for number, (train, test) in enumerate(folds.split(X)):
        for place, lam in enumerate(model.lambdas_):
            part = PrestoClassifier(lam, repair="cumulative_max").fit(X[train], y[train])
            expected = score(part.predict_proba(X[test]), y[test])
            assert model.fold_scores_[place, number] == pytest.approx(expected, abs=1e-6)
    np.testing.assert_allclose(model.mean_scores_, model.fold_scores_.mean(axis=1))
    np.testing.assert_allclose(model.standard_errors_, model.fold_scores_.std(axis=1, ddof=1) / 2)
    refit = PrestoClassifier(model.lam_).fit(X, y)
    np.testing.assert_allclose(model.coef_, refit.coef_, rtol=0, atol=1e-6)
    assert model.objective_ == pytest.approx(refit.objective_, abs=1e-9)


def test_the_largest_penalty_with_the_smallest_score_is_chosen():
    X, y = draw(4, 200)
    # above the penalty of the largest gradient all fits are the same, so their scores are equal
    start = presto_path(X, y, n_lambdas=1).lambdas[0]
    model = PrestoClassifierCV(lambdas=[3 * start, 5 * start, 4 * start]).fit(X, y)
    assert model.lam_ == 5 * start
    assert model.lambdas_.tolist() == [5 * start, 4 * start, 3 * start]
    model = PrestoClassifierCV().fit(X, y)
    assert model.lam_ == model.lambdas_[np.flatnonzero(model.mean_scores_ == model.mean_scores_.min())[0]]


def test_the_one_standard_error_rule_takes_the_largest_penalty_within_reach():
    X, y = draw(4, 200)
    model = PrestoClassifierCV(selection="one_se").fit(X, y)
    best = model.mean_scores_.argmin()
    within = model.mean_scores_ <= model.mean_scores_[best] + model.standard_errors_[best]
    assert model.lam_ == model.lambdas_[within].max()
    assert model.lam_ > PrestoClassifierCV().fit(X, y).lam_


def test_groups_stay_together():
    X, y = draw(5, 120)
    groups = np.repeat(np.arange(30), 4)
    by_number = PrestoClassifierCV(n_lambdas=3, cv=3).fit(X, y, groups=groups)
    by_splits = PrestoClassifierCV(n_lambdas=3, cv=list(StratifiedGroupKFold(3).split(X, y, groups))).fit(X, y)
    np.testing.assert_array_equal(by_number.fold_scores_, by_splits.fold_scores_)
    by_splitter = PrestoClassifierCV(n_lambdas=3, cv=GroupKFold(3)).fit(X, y, groups=groups)
    assert by_splitter.fold_scores_.shape == (3, 3)
    plain = PrestoClassifierCV(n_lambdas=3, cv=3).fit(X, y)
    expected = PrestoClassifierCV(n_lambdas=3, cv=list(StratifiedKFold(3).split(X, y))).fit(X, y)
    np.testing.assert_array_equal(plain.fold_scores_, expected.fold_scores_)


@pytest.mark.parametrize("missing", [0, 1, 3])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_a_class_missing_in_a_fold_gets_probability_zero_there(missing, container):
    X, y = draw(6, 100)
    hidden = np.flatnonzero(y == missing)
    others = np.setdiff1d(np.arange(100), hidden)
    folds = [(others[10:], np.concatenate([hidden, others[:10]])), (np.arange(50), np.arange(50, 100))]
    model = PrestoClassifierCV(n_lambdas=3, cv=folds).fit(container(X), y)
    train, test = folds[0]
    position = np.delete(np.arange(4), missing)
    for place, lam in enumerate(model.lambdas_):
        part = PrestoClassifier(lam, repair=None).fit(X[train], y[train])
        probabilities = np.zeros((len(test), 4))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            probabilities[:, position] = part.predict_proba(X[test])
        assert model.fold_scores_[place, 0] == pytest.approx(brier(probabilities, y[test]), abs=1e-6)


def test_weights_of_rows_enter_fit_and_score():
    X, y = draw(7, 120)
    weight = np.random.default_rng(0).integers(1, 4, 120)
    folds = list(KFold(3).split(X))
    repeated = np.repeat(np.arange(120), weight)
    again = [(np.flatnonzero(np.isin(repeated, a)), np.flatnonzero(np.isin(repeated, b))) for a, b in folds]
    by_weight = PrestoClassifierCV(n_lambdas=4, cv=folds).fit(X, y, sample_weight=weight)
    by_row = PrestoClassifierCV(n_lambdas=4, cv=again).fit(X[repeated], y[repeated])
    np.testing.assert_allclose(by_weight.fold_scores_, by_row.fold_scores_, atol=1e-6)
    np.testing.assert_allclose(by_weight.coef_, by_row.coef_, atol=1e-6)


# bad input


@pytest.mark.parametrize("make", [PrestoClassifier, PrestoClassifierCV, ProportionalOddsClassifier])
def test_text_labels_without_an_order_are_refused_with_the_remedy(make):
    X, y = draw(0)
    names = np.array(["none", "mild", "bad", "fatal"])[y]
    for target in (names, pd.Series(names), pd.Categorical(names), list(names)):
        with pytest.raises(ValueError, match=r"without a known order .*class_order=\[\.\.\.\].*ordered pandas"):
            make().fit(X, target)
    with pytest.raises(ValueError, match="without a known order"):
        presto_path(X, names)


BAD_TARGETS = [
    ({"class_order": [0, 1, 2]}, lambda y: y, "class_order does not name: 3"),
    ({"class_order": [0, 1, 1, 2, 3]}, lambda y: y, "different labels, each once"),
    ({"class_order": [0]}, lambda y: y, "at least 2 different labels"),
    ({}, lambda y: np.zeros_like(y), "y holds 1 class"),
    ({}, lambda y: np.where(y == 0, np.nan, y), r"y holds \d+ missing labels"),
    ({}, lambda y: np.where(y == 0, None, y), r"y holds \d+ missing labels \(NaN or None\)"),
    ({}, lambda y: y + 0.5 * np.arange(len(y)) / 7, "continuous"),
    ({}, lambda y: y[:-1], "inconsistent numbers of samples"),
    ({"class_weight": {7: 1.0}}, lambda y: y, "class_weight names the class 7"),
    ({"class_weight": {0: -1.0}}, lambda y: y, "class_weight must be positive"),
]


@pytest.mark.parametrize(("options", "spoil", "message"), BAD_TARGETS)
def test_bad_targets_are_refused(options, spoil, message):
    X, y = draw(0)
    with pytest.raises(ValueError, match=message):
        PrestoClassifier(**options).fit(X, spoil(y))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_missing_and_infinite_values_are_refused(value, container):
    X, y = draw(0)
    X[3, 1] = value
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        PrestoClassifier().fit(container(X), y)


@pytest.mark.parametrize(
    "parameters",
    [
        {"lam": -0.1},
        {"lam": "0.1"},
        {"l1_ratio": 1.1},
        {"level_penalty": -1},
        {"positivity": "some"},
        {"repair": "clip"},
        {"tol": 0},
        {"max_iter": 0},
        {"standardize": "yes"},
        {"class_weight": "even"},
    ],
)
def test_bad_parameters_are_refused_by_name(parameters):
    X, y = draw(0)
    name = next(iter(parameters))
    with pytest.raises((TypeError, ValueError), match=f"'{name}' parameter of PrestoClassifier"):
        PrestoClassifier(**parameters).fit(X, y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"lambdas": [-1.0, 1.0]}, "not negative"),
        ({"lambdas": [[1.0]]}, "vector"),
        ({"lambdas": []}, "vector"),
        ({"n_lambdas": 0}, "'n_lambdas' parameter"),
        ({"lambda_ratio": 1.0}, "'lambda_ratio' parameter"),
        ({"l1_ratio": 2.0}, "'l1_ratio' parameter"),
    ],
)
def test_bad_parameters_of_a_path_are_refused_by_name(parameters, message):
    X, y = draw(0)
    with pytest.raises(ValueError, match=message):
        presto_path(X, y, **parameters)
    with pytest.raises(ValueError, match=message):
        PrestoClassifierCV(**parameters).fit(X, y)


@pytest.mark.parametrize("weight", [-1.0, np.nan, 0.0])
def test_bad_weights_are_refused(weight):
    X, y = draw(0)
    weights = np.full(len(y), weight)
    with pytest.raises(ValueError, match=r"sample_weight|Sample weights|NaN"):
        PrestoClassifier().fit(X, y, sample_weight=weights)


def test_separated_classes_are_reported():
    X = np.linspace(-1, 1, 60)[:, None]
    y = np.searchsorted([-0.3, 0.4], X[:, 0])
    with pytest.warns(ConvergenceWarning, match="separated by the columns of X; lam=0 does not hold"):
        unpenalised = PrestoClassifier(0.0).fit(X, y)
    assert unpenalised.gap_ < 1e-9
    assert np.isfinite(unpenalised.coef_).all()
    with pytest.warns(ConvergenceWarning, match="separated by the columns of X.*lam=1e-06 alone"):
        tiny = PrestoClassifier(1e-6).fit(X, y)
    assert tiny.gap_ < 1e-9
    with pytest.warns(ConvergenceWarning, match="separated"):
        ProportionalOddsClassifier().fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PrestoClassifier(0.02).fit(X, y)


def test_classes_that_are_separated_in_part_are_reported():
    # the second column is zero except in the last class: its weight has no finite optimum
    X, y = draw(8, 100, 1, 3)
    X = np.column_stack([X, (y == 2) * (np.arange(100) % 2)])
    with pytest.warns(ConvergenceWarning, match="lam=0 does not hold the coefficients back"):
        ProportionalOddsClassifier().fit(X, y)


def test_too_few_steps_are_reported_with_the_bound():
    X, y = draw(9)
    with pytest.warns(ConvergenceWarning, match="after 1 of max_iter=1 steps"):
        model = PrestoClassifier(0.001, max_iter=1).fit(X, y)
    assert model.gap_ > 1e-9
