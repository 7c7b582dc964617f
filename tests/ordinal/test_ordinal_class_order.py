"""Text labels with a declared order inside scikit-learn: as good as the codes 0, 1, 2 in every function of its own."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.multiclass import OneVsRestClassifier

from repro.ordinal import (
    FirthLogisticRegression,
    PrestoClassifier,
    PrestoClassifierCV,
    ProportionalOddsClassifier,
    SemiParallelClassifier,
    presto_path,
)

EVENT = ["not donated", "donated"]  # the event comes first in the alphabet
GRADES = ["mild", "severe", "critical"]  # sorted: critical, mild, severe
BINARY = [FirthLogisticRegression, PrestoClassifier, ProportionalOddsClassifier, SemiParallelClassifier]


def two_classes() -> tuple[Any, Any]:
    generator = np.random.default_rng(2)
    X = generator.normal(size=(240, 2))
    return X, (2 * X[:, 0] + generator.logistic(size=240) > 1.5).astype(int)


def three_classes() -> tuple[Any, Any]:
    generator = np.random.default_rng(3)
    X = generator.normal(size=(240, 2))
    score = 2 * X[:, 0] + generator.logistic(size=240)
    return X, (score > 0).astype(int) + (score > 2.5)


def containers(names: list[Any], y: Any) -> list[tuple[Any, dict[str, Any]]]:
    text = np.array(names)[y]
    column = pd.Categorical(text, names, ordered=True)
    return [
        (text, {"class_order": names}),
        (text.tolist(), {"class_order": np.array(names)}),
        (pd.Series(text), {"class_order": tuple(names)}),
        (pd.DataFrame({"stage": text}), {"class_order": names}),
        (pl.Series(text), {"class_order": names}),
        (column, {}),
        (pd.Series(column), {}),
        (pd.DataFrame({"stage": column}), {}),
    ]


@pytest.mark.parametrize("names", [GRADES, [30, 10, 20]])
def test_classes_are_sorted_and_columns_follow_them(names: list[Any]) -> None:
    X, y = three_classes()
    plain = PrestoClassifier(0.01).fit(X, y)
    places = np.argsort(names)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for target, options in containers(names, y):
            model = PrestoClassifier(0.01, **options).fit(X, target)
            assert model.classes_.tolist() == sorted(names)
            assert model.class_order_.tolist() == names
            np.testing.assert_array_equal(model.coef_, plain.coef_)
            np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X)[:, places])
            np.testing.assert_array_equal(model.decision_function(X), plain.decision_function(X)[:, places])
            np.testing.assert_array_equal(model.predict_rare_proba(X), plain.predict_rare_proba(X))
            np.testing.assert_array_equal(model.predict(X), np.array(names)[plain.predict(X)])
    assert presto_path(X, np.array(names)[y], [0.01], class_order=names).classes.tolist() == names


def test_an_enum_of_polars_knows_its_order() -> None:
    X, y = three_classes()
    model = PrestoClassifier().fit(X, pl.Series(np.array(GRADES)[y], dtype=pl.Enum(GRADES)))
    assert model.class_order_.tolist() == GRADES


@pytest.mark.parametrize("kind", BINARY)
def test_two_text_classes_have_the_areas_and_losses_of_zero_and_one(kind: Any) -> None:
    X, y = two_classes()
    text = np.array(EVENT)[y]
    for scoring in ("roc_auc", "neg_log_loss"):
        wanted = cross_val_score(kind(), X, y, cv=3, scoring=scoring)
        found = cross_val_score(kind(class_order=EVENT), X, text, cv=3, scoring=scoring)
        np.testing.assert_allclose(found, wanted, rtol=1e-9)
    model = kind(class_order=EVENT).fit(X, text)
    positive = model.decision_function(X) > 0
    np.testing.assert_array_equal(positive, model.predict_proba(X)[:, 1] > 0.5)
    np.testing.assert_array_equal(np.where(positive, "not donated", "donated"), model.predict(X))
    assert roc_auc_score(y, model.predict_rare_proba(X)) > 0.8


def test_a_grid_search_by_log_loss_chooses_and_scores_as_with_codes() -> None:
    X, y = three_classes()

    def best(target: Any, **options: Any) -> tuple[float, float]:
        model = PrestoClassifier(repair="isotonic", **options)
        search = GridSearchCV(model, {"lam": [0.003, 0.3]}, cv=3, scoring="neg_log_loss").fit(X, target)
        return search.best_params_["lam"], search.best_score_

    expected = best(y)
    for target, options in containers(GRADES, y)[:3] + containers(GRADES, y)[6:7]:
        assert best(target, **options) == pytest.approx(expected, abs=1e-9)


def test_out_of_fold_probabilities_keep_the_declared_order_and_say_so() -> None:
    X, y = three_classes()
    wanted = cross_val_predict(PrestoClassifier(repair="isotonic"), X, y, cv=3, method="predict_proba")
    text, places = np.array(GRADES)[y], np.argsort(GRADES)
    model = PrestoClassifier(repair="isotonic", class_order=GRADES)
    with pytest.warns(
        UserWarning, match=r"y holds 0 to 2 in place of .*sorted labels \['critical', 'mild', 'severe'\]"
    ):
        found = cross_val_predict(model, X, text, cv=3, method="predict_proba")
    np.testing.assert_array_equal(found, wanted[:, places])
    # the order of a Categorical never reaches fit; class_order beside it does
    ordered = pd.Series(pd.Categorical(text, GRADES, ordered=True))
    with pytest.warns(UserWarning, match="keep the order"):
        again = cross_val_predict(model, X, ordered, cv=3, method="predict_proba")
    np.testing.assert_array_equal(again, found)


def test_positions_whose_order_is_the_sorted_one_need_no_warning() -> None:
    X, y = three_classes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = PrestoClassifier(class_order=["a", "b", "c"], class_weight={"c": 2.0}).fit(X, y)
    assert model.classes_.tolist() == model.class_order_.tolist() == [0, 1, 2]
    expected = PrestoClassifier(class_weight={2: 2.0}).fit(X, y)
    np.testing.assert_array_equal(model.coef_, expected.coef_)


def test_some_of_the_positions_are_refused() -> None:
    X, y = three_classes()
    with pytest.raises(ValueError, match=r"class_order does not name: .*scikit-learn's functions encode them"):
        PrestoClassifier(class_order=GRADES).fit(X, np.minimum(y, 1))
    with pytest.raises(ValueError, match="encode"):
        OneVsRestClassifier(PrestoClassifier(class_order=GRADES)).fit(X, np.array(GRADES)[y])


@pytest.mark.filterwarnings("ignore:y holds 0 to 1 in place")
@pytest.mark.parametrize("kind", BINARY)
def test_meta_estimators_rank_the_event_as_with_codes(kind: Any) -> None:
    X, y = two_classes()
    text = np.array(EVENT)[y]

    def wrapped(model: Any) -> list[Any]:
        return [
            CalibratedClassifierCV(model, cv=3),
            CalibratedClassifierCV(model, cv=3, ensemble=False),
            CalibratedClassifierCV(model, cv=3, method="isotonic"),
            BaggingClassifier(model, 3, random_state=0),
            OneVsRestClassifier(model),
            VotingClassifier([("model", model)], voting="soft"),
            StackingClassifier([("model", model)], LogisticRegression(), cv=3),
        ]

    for with_codes, with_text in zip(wrapped(kind()), wrapped(kind(class_order=EVENT)), strict=True):
        wanted = with_codes.fit(X, y).predict_proba(X)[:, 1]
        fitted = with_text.fit(X, text)
        found = fitted.predict_proba(X)[:, fitted.classes_.tolist().index("donated")]
        # folds and calibration see the same rows; bootstraps too
        np.testing.assert_allclose(found, wanted, atol=0.02, err_msg=type(with_text).__name__)
        assert log_loss(y, found) < 0.6


def test_a_fold_of_one_class_is_named() -> None:
    X, y = np.random.default_rng(18).normal(size=(40, 2)), np.repeat([0, 1], 20)
    with pytest.raises(ValueError, match=r"^the training part of fold 1 of 2 of cv holds 1 class \(1\); 2 are needed"):
        PrestoClassifierCV(cv=KFold(2)).fit(X, y)
    with pytest.raises(ValueError, match=r"^y holds 1 class \('b'\) with rows of positive weight; 2 are needed"):
        PrestoClassifier(class_order=["a", "b"]).fit(X, np.array(["a", "b"])[y], sample_weight=y)
    odd, last = np.arange(1, 40, 2), np.arange(30, 40)
    model = PrestoClassifierCV(cv=[(odd - 1, odd), (last - 10, last)])
    with pytest.raises(ValueError, match="the test part of fold 2 of 2 of cv holds no row of positive weight"):
        model.fit(X, np.arange(40) % 3, sample_weight=np.arange(40) < 30)
