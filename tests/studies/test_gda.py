"""The study `gda`: its experiments against closed forms and computations of another kind."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import NearestCentroid

from repro.data.registry import embedded_bytes
from repro.ground.exceptions import IntegrityError
from repro.protocol.experiment import Cell
from repro.studies import experiment
from repro.studies.gda import experiments as study
from repro.studies.gda import features as features_of


def cell(name: str, **parameters: object) -> Cell:
    return Cell(f"gda.{name}", {"source": "embedded", "seed": 0} | parameters, experiment(f"gda.{name}").seed)


def values(rows) -> dict[tuple, float]:
    """Balanced accuracy by setting and method."""
    rows = rows[rows["metric"] == "balanced_accuracy"]
    return rows.set_index([*rows.columns[:2]])["value"].to_dict()


def test_embedded_features_are_split_into_rows_of_length_1_and_differ_between_networks() -> None:
    assert len(embedded_bytes(features_of.FILE)) < 1_000_000
    first, second = (features_of.features("embedded", seed) for seed in (0, 1))
    assert first.pool.shape == (5 * 600, 32)
    assert first.test.shape == (5 * 590, 32)
    assert np.bincount(first.pool_labels).tolist() == [600] * 5
    assert np.linalg.norm(first.pool, axis=1) == pytest.approx(1.0)
    assert np.abs(first.pool[:100] - second.pool[:100]).max() > 0.1
    both = np.vstack([first.pool, first.test])
    assert len(np.unique(both, axis=0)) > 0.999 * len(both), "no row is in both parts"


def test_features_survive_their_way_through_bytes() -> None:
    rows = np.random.default_rng(0).normal(1.0, [0.1, 5.0, 0.0], (500, 3)).astype(np.float32)
    codes, low, step = features_of.as_bytes(rows)
    assert codes.dtype == np.uint8
    assert np.abs(low + step * codes - rows).max(axis=0) == pytest.approx(step / 2, rel=0.05, abs=1e-6)
    assert rows.min() < 0, "negative features too"


def test_embedded_features_tell_digits_apart_that_their_network_never_saw() -> None:
    for seed in range(features_of.NETWORKS):
        data = features_of.features("embedded", seed)
        head = LinearDiscriminantAnalysis().fit(data.pool, data.pool_labels)
        assert 0.8 < head.score(data.test, data.test_labels) < 0.95, seed


def test_embedded_features_that_were_changed_are_refused(monkeypatch) -> None:
    features_of._file.cache_clear()
    monkeypatch.setattr(features_of, "SHA256", "0" * 64)
    with pytest.raises(IntegrityError, match=r"digit-features.npz must have the sha256 0{64}, got .*install"):
        features_of.features("embedded", 0)


def test_heads_with_few_shots_are_those_of_scikit_learn() -> None:
    where = cell("few_shot")
    found = values(study.few_shot(where))
    data, generator, state = study._data(where)
    drawn = study._shots(data.pool_labels, 16, generator)
    assert np.bincount(data.pool_labels[drawn[:, :4].ravel()]).tolist() == [4] * 5
    X, y = data.pool[drawn.ravel()], data.pool_labels[drawn.ravel()]
    assert found[16, "ncm"] == pytest.approx(
        balanced_accuracy_score(data.test_labels, NearestCentroid().fit(X, y).predict(data.test))
    )
    # equal classes: the released shrinkage is a shrunken covariance, which scikit-learn pools as we do
    amount = 32 / 79 / (1 + 32 / 79)

    class Shrunken:
        def fit(self, rows):
            pooled = sum(np.cov(X[y == k].T, bias=True) for k in range(5)) / 5
            self.covariance_ = (1 - amount) * pooled + amount * np.trace(pooled) / 32 * np.eye(32)
            return self

    peer = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=Shrunken()).fit(X, y)
    assert found[16, "gda"] == pytest.approx(balanced_accuracy_score(data.test_labels, peer.predict(data.test)))
    folds = StratifiedKFold(3, shuffle=True, random_state=state)
    tuned = GridSearchCV(
        LogisticRegression(solver="newton-cholesky"), {"C": study.PENALTIES}, cv=folds, scoring="balanced_accuracy"
    )
    close = tuned.fit(X, y)
    right = balanced_accuracy_score(data.test_labels, close.predict(data.test))
    assert found[16, "logistic"] == pytest.approx(right, abs=0.02)


def test_one_shot_is_the_nearest_class_mean() -> None:
    found = values(study.few_shot(cell("few_shot")))
    assert found[1, "gda"] == found[1, "gda_ledoit_wolf"] == found[1, "ncm"]
    assert found[16, "gda"] != found[16, "ncm"]


def test_in_a_long_tail_only_the_prior_tells_two_heads_apart() -> None:
    where = cell("long_tail")
    found = values(study.long_tail(where))
    for head in ("gda", "gda_ledoit_wolf"):
        assert found[1, head] == found[1, f"{head}_empirical_prior"], "equal classes, equal priors"
        assert found[100, head] != found[100, f"{head}_empirical_prior"]


def test_adjusted_logits_equal_plain_ones_where_classes_are_equal() -> None:
    generator = np.random.default_rng(0)
    y = np.arange(60) % 3
    X = generator.standard_normal((60, 4)) + np.eye(3, 4)[y]
    equal = study.logistic_scores(X, y, X, 0)
    assert (equal["adjusted"] - equal["plain"]) == pytest.approx(np.log(3) * np.ones((60, 3)))
    rare = study.logistic_scores(X[:50], np.where(np.arange(50) < 5, 2, np.arange(50) % 2), X, 0)
    plain, adjusted = (part.argmax(axis=1) for part in (rare["plain"], rare["adjusted"]))
    assert (adjusted == 2).sum() > (plain == 2).sum(), "the rare class is found more often"


def test_the_control_misleads_discriminant_analysis_and_nobody_else() -> None:
    plain, misled = (values(study.few_shot(cell("few_shot", **more))) for more in ({}, {"variant": "gda_misled"}))
    changed = {method for (_, method), value in plain.items() if misled[_, method] != value}
    assert changed == {name for name in study.DISCRIMINANTS if name != "ncm"}


def test_validation_rows_of_the_ensemble_are_training_rows_of_its_rival() -> None:
    found = values(study.ensemble(cell("ensemble")))
    assert found[1, "gda"] != found[1, "gda_shots_only"]
    assert len({found[shots, "prototypes"] for shots in study.SHOTS}) == 1, "prototypes see no shot"


def test_shifted_images_are_what_they_are_called() -> None:
    generator = np.random.default_rng(0)
    image = np.zeros((2, 28, 28), dtype=np.float32)
    image[:, 10:18, 13:15] = 1.0
    noisy, blurred, turned = (features_of.shifted_images(image, shift, generator) for shift in features_of.SHIFTS)
    assert noisy.min() >= 0
    assert noisy.max() <= 1
    assert np.std((noisy - image)[image == 0]) == pytest.approx(0.3 * np.sqrt(0.5 - 1 / (2 * np.pi)), rel=0.1)
    assert blurred.sum() == pytest.approx(image.sum(), rel=0.01)
    assert blurred.max() < 0.6
    rows, columns = np.mgrid[:28, :28] - 13.5
    tilt = [np.degrees(np.arctan2((part * rows * columns).sum(), (part * rows * rows).sum())) for part in turned]
    assert np.abs(tilt) == pytest.approx([25, 25], abs=3)
