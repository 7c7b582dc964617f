"""The study `fuzzy_rvfl`: its experiments against scikit-learn, written-out choices and the list of families."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

from repro.data import load, names
from repro.protocol.experiment import Cell
from repro.studies import experiment
from repro.studies.fuzzy_rvfl import experiments as study
from repro.studies.fuzzy_rvfl import tables
from repro.trials.folds import stratified_folds

MIRROR = Path(os.environ.get("REPRO_DATA_MIRROR", "no mirror")) / "keel-imbalanced"
with_mirror = pytest.mark.skipif(not MIRROR.exists(), reason="REPRO_DATA_MIRROR has no keel-imbalanced")


def cell(**parameters: object) -> Cell:
    defaults = {"family": "simulated_10", "noise": 0.0, "partitions": 1, "grid": "small"}
    return Cell("fuzzy_rvfl.tables", defaults | parameters, experiment("fuzzy_rvfl.tables").seed)


def a_part(name: str = "simulated_10") -> study._Part:
    task = tables.table(name)
    ((_, train, test), *_) = stratified_folds(task.y, np.random.SeedSequence(0), 4)
    return study._Part((task.X[train], task.y[train]), (task.X[test], task.y[test]), np.random.SeedSequence(1))


def test_families_hold_every_set_of_keel_once() -> None:
    found = [name for family in tables.FAMILIES for name in tables.sets_of(family)]
    assert sorted(found) == sorted(names("keel/*"))
    assert len(found) == 102
    assert set(tables.SMALL_FAMILIES) < set(tables.FAMILIES)


@with_mirror
def test_families_are_those_of_the_list_beside_the_sets() -> None:
    with (MIRROR / "families.csv").open(encoding="utf-8") as lines:
        listed = {f"keel/{row['name']}": row["family"] for row in csv.DictReader(lines)}
    ours = {name: family for family in tables.FAMILIES for name in tables.sets_of(family)}
    pairs = {(ours[name], listed[name]) for name in listed}
    assert len(pairs) == len(tables.FAMILIES) == len(set(listed.values()))


@with_mirror
def test_the_small_sets_are_the_60_smallest() -> None:
    sizes = {name: load(name).target.size for name in names("keel/*")}
    assert sorted(sizes.values())[59:61] == [tables.SMALL_ROWS, 768]
    small = {name for name, size in sizes.items() if size <= tables.SMALL_ROWS}
    assert {family for family in tables.FAMILIES if small & {*tables.sets_of(family)}} == {*tables.SMALL_FAMILIES}


@with_mirror
def test_rows_with_missing_marks_are_left_out_and_levels_become_columns() -> None:
    whole = load("keel/cleveland-0_vs_4")
    task = tables.table("keel/cleveland-0_vs_4")
    assert task.y.size == whole.features.dropna().shape[0] == whole.target.size - 4
    nominal = load("keel/car-good").features
    assert tables.table("keel/car-good").X.shape[1] == sum(nominal[column].nunique() for column in nominal)


@pytest.mark.parametrize(
    ("name", "rows", "rare"), [("digits", 600, 0.1), ("prediabetes", 800, 0.15), ("simulated_5", 600, 0.05)]
)
def test_embedded_tables_have_the_size_and_the_rare_class_they_are_meant_to(name: str, rows: int, rare: float) -> None:
    task = tables.table(name)
    assert task.y.size == rows
    assert task.y.mean() == pytest.approx(rare, abs=0.03)
    assert np.isfinite(task.X).all()


def test_a_network_with_weights_is_weighted_ridge_regression_on_its_features() -> None:
    part = a_part()
    C = (0.1, 100.0)
    found = part.balanced_accuracy("weights", study.Grid(nodes=(30,), C=C))
    assert found.shape == (1, 1, 1, 2)
    Z, Z_held = part.random_features(30)
    share = np.where(part.y, part.y.mean(), 1 - part.y.mean())
    for place, value in enumerate(C):
        penalty = len(part.y) / part.y.sum() / value
        model = Ridge(penalty, fit_intercept=False).fit(Z, 2.0 * part.y - 1, sample_weight=1 / share**2)
        expected = balanced_accuracy_score(part.y_held, model.predict(Z_held) > 0)
        assert found[0, 0, 0, place] == pytest.approx(expected)


def test_every_part_of_a_network_changes_what_it_predicts() -> None:
    part = a_part("german_credit")
    grid = study.Grid(nodes=(30,), C=(1.0,), widths=(1.0,), strengths=(1e-3,))
    found = {method: part.balanced_accuracy(method, grid).item() for method in study.PARTS}
    assert len(set(found.values())) == len(study.PARTS) == 9, found
    held = {
        method: part.balanced_accuracy(method, study.Grid(nodes=(30, 40), widths=(1.0, 2.0))).shape
        for method in study.PARTS
    }
    assert held["rvfl"] == (2, 1, 1, 4)
    assert held["fuzzy"] == (2, 2, 1, 4)
    assert held["graph"] == (2, 1, 3, 4)
    assert held["full"] == (2, 2, 3, 4)


def test_baselines_are_those_of_scikit_learn() -> None:
    part = a_part()
    scaler = StandardScaler().fit(part.X)
    assert scaler.mean_ == pytest.approx(0, abs=1e-12), "rows are standardised by the training rows"
    assert scaler.scale_ == pytest.approx(1)
    grid = study.Grid(C=(1.0,))
    plain = LogisticRegression().fit(part.X, part.y)
    odds = np.log(part.y.mean() / (1 - part.y.mean()))
    expected = balanced_accuracy_score(part.y_held, plain.decision_function(part.X_held) > odds)
    assert part.balanced_accuracy("logistic_prior_threshold", grid).item() == pytest.approx(expected, abs=0.01)
    balanced = LogisticRegression(class_weight="balanced").fit(part.X, part.y).predict(part.X_held)
    expected = balanced_accuracy_score(part.y_held, balanced)
    assert part.balanced_accuracy("logistic_balanced", grid).item() == pytest.approx(expected, abs=0.01)


def test_the_best_setting_is_chosen_and_the_first_of_equally_good_ones() -> None:
    grid = study.Grid()
    scores = np.zeros((3, 4, 3, 4))
    scores[1, 2, 0, 3] = scores[2, 0, 0, 0] = 0.9
    assert study._chosen(grid, scores) == study.Grid((103,), (1e4,), (2.0,), (1e-3,))
    assert study._chosen(grid, np.ones((1, 1, 1, 4))).C == (1e-2,)


def test_the_control_misleads_the_full_network_and_nobody_else() -> None:
    plain, misled = (study.tables(cell(**more)) for more in ({}, {"variant": "full_model_misled"}))
    plain, misled = (
        rows[rows["metric"] == "balanced_accuracy"].set_index("method")["value"] for rows in (plain, misled)
    )
    assert len(plain) == len(study.PARTS) + len(study.BASELINES) == 12
    assert set(plain.index[plain != misled[plain.index]]) == {"full"}
    assert misled["full"] < 0.5 < plain["full"]


def test_noise_hurts_and_is_run_for_some_methods() -> None:
    rows = study.tables(cell(noise=2.0))
    found = rows[rows["metric"] == "balanced_accuracy"].set_index("method")["value"]
    assert set(found.index) == {*study.NOISE_METHODS}
    clean = study.tables(cell()).set_index(["metric", "method"])["value"]["balanced_accuracy"]
    assert (found < clean[found.index] - 0.02).sum() >= 3


def test_the_second_measure_is_over_imbalanced_sets_alone(monkeypatch) -> None:
    monkeypatch.setattr(study, "sets_of", lambda family: ("simulated_10", "breast_cancer"))
    monkeypatch.setattr(study, "PARTS", {"rvfl": ()})
    rows = study.tables(cell()).set_index(["metric", "method"])["value"]
    alone = Cell("fuzzy_rvfl.tables", cell().parameters, cell().seed)
    monkeypatch.setattr(study, "sets_of", lambda family: ("simulated_10",))
    first = study.tables(alone).set_index(["metric", "method"])["value"]
    assert rows["balanced_accuracy_from_ratio_3", "rvfl"] == first["balanced_accuracy", "rvfl"]
    assert rows["balanced_accuracy", "rvfl"] != first["balanced_accuracy", "rvfl"]


def test_exact_facts_fail_on_their_control() -> None:
    parameters = {"family": "breast_cancer"}
    seed = experiment("fuzzy_rvfl.identities").seed
    held = study.identities(Cell("fuzzy_rvfl.identities", parameters, seed))
    broken = study.identities(Cell("fuzzy_rvfl.identities", parameters | {"variant": "doubled"}, seed))
    assert (held["value"] < 1e-8).all()
    assert (broken["value"] > 1e-3).all()
