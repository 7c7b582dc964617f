"""Findings and numbers of the SMOTE figures are computed from what they draw."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from repro.plotting import smote as figures

Read = Callable[..., list[float]]


def sweep_table(gain: float) -> pd.DataFrame:
    """A sweep in which every SMOTE curve lies `gain` above plain under-sampling."""
    lifts = {"under": 0.0, "smote_100": gain, "smote_200": gain, "smote_fixed_level": gain, "smote_chosen_level": gain}
    lifts |= {"smote_best_on_test": 2 * gain, "naive_bayes": -gain}
    lifts |= dict.fromkeys(("threshold_pruned", "threshold_unpruned", "threshold_laplace"), 0.0)
    rows: list[tuple[object, ...]] = []
    for dataset in ("pima", "phoneme"):
        for partition in range(3):
            for method, lift in lifts.items():
                for metric in ("auc_paper", "auc_full"):
                    rows.append((dataset, method, np.nan, partition, metric, 0.8 + lift + 0.001 * partition))
                for step, point in {0: (0.1, 0.5), 50: (0.3, 0.7), 100: (0.5, 0.8)}.items():
                    for metric, value in zip(("fpr", "tpr"), point, strict=True):
                        rows.append((dataset, method, step, partition, metric, value + lift * (metric == "tpr")))
    return pd.DataFrame(rows, columns=["dataset", "method", "step", "replicate", "metric", "value"])


def test_sweep_curves_read_the_gap_at_a_false_positive_rate_of_a_fifth(read: Read) -> None:
    shown = figures.sweep_curves(sweep_table(0.05), ["pima", "phoneme"], {"pima": 100, "phoneme": 200})
    assert shown.title.endswith("of under-sampling by +0.050 (Pima), +0.050 (Phoneme)")
    assert read(shown, "Phoneme, SMOTE 200 %", "SMOTE + under-sampling", "0.3") == [0.75]
    assert len(shown.pictures) == 2


def test_the_gain_by_the_choice_of_the_amount(read: Read) -> None:
    shown = figures.selection(sweep_table(0.05))
    assert read(shown, "Phoneme", "amount fixed in advance") == [0.05]
    assert read(shown, "Pima", "best on the test folds (as in the paper)") == [0.1]
    assert "clear on 2 of 2 data sets if its amount is chosen on the test folds, on 2 of 2" in shown.title
    assert "on 0 of 2 data sets" in figures.selection(sweep_table(-0.05)).title


def test_a_moving_threshold_is_compared_by_its_area() -> None:
    table = sweep_table(0.05)
    shown = figures.thresholds(table, "phoneme", level=200)
    assert "0.801 against 0.851" in shown.title
    assert shown.title.startswith("No moving threshold")
    assert "area 0.851" in "".join(shown.key) + shown.pictures[0]


def test_our_areas_stand_beside_table_3(read: Read) -> None:
    # Table 3: Pima 0.7242 and 0.7307, Phoneme 0.8622, 0.8644, 0.8661; ours 0.801 and 0.851
    shown = figures.table_3(sweep_table(0.05))
    assert "within 0.120 of Table 3" in shown.title
    assert read(shown, "Pima", "paper", "none") == [0.724]
    assert read(shown, "Pima", "ours, mean and range over partitions", "none") == [0.801, 0.8, 0.802]


def test_the_replication_figure_reads_both_ends_of_its_lines(read: Read) -> None:
    rows = [
        ("mammography", method, level, partition, metric, base + level * slope + partition * 1e-9)
        for method, slope in (("smote", 0.1), ("replication", 0.2))
        for level in (0, 100, 500)
        for partition in range(2)
        for metric, base in (("nodes", 50), ("recall", 0))
    ]
    table = pd.DataFrame(rows, columns=["dataset", "method", "level", "replicate", "metric", "value"])
    shown = figures.replication(table)
    assert shown.title.startswith("At 500 % copies make trees of 150 nodes, SMOTE of 100")
    assert read(shown, "nodes of the pruned tree", "SMOTE", "0")[0] == pytest.approx(50)


def learners_table() -> pd.DataFrame:
    methods = ("none", "under", "over", "smote", "under_corrected", "over_corrected", "smote_corrected")
    rows = [
        ("phoneme", learner, method, unit, partition, metric, value + partition * 1e-9)
        for learner in ("pruned_tree", "logistic_regression", "gradient_boosting")
        for method in methods
        for unit in ("partition", "fold")
        for partition in range(2)
        for metric, value in (
            ("auroc", 0.9 - 0.01 * (method == "smote")),
            ("log_risk_ratio", np.log(1.0 if method.endswith("_corrected") else 2.0)),
        )
    ]
    return pd.DataFrame(rows, columns=["dataset", "learner", "method", "unit", "replicate", "metric", "value"])


def test_rankings_are_compared_on_one_scale(read: Read) -> None:
    shown = figures.ranking(learners_table())
    assert read(shown, "gradient boosting", "Phoneme", "SMOTE")[0] == pytest.approx(-0.01)
    assert "pruned tree 0, logistic regression 0, gradient boosting 0 of 1" in shown.title
    better = learners_table().assign(value=lambda rows: rows["value"] + 0.02 * (rows["method"] == "smote"))
    assert "pruned tree 1, logistic regression 1, gradient boosting 1 of 1" in figures.ranking(better).title


def test_risks_before_and_after_the_correction(read: Read) -> None:
    shown = figures.risk(learners_table())
    assert "predicts 2.0 times the true risk" in shown.title
    assert "brings it to 1.0" in shown.title
    assert read(shown, "as they come", "Phoneme", "SMOTE")[0] == pytest.approx(2)
    assert read(shown, "after prior correction", "Phoneme", "no sampling")[0] == pytest.approx(2)


def test_the_first_picture_has_three_panels() -> None:
    generator = np.random.default_rng(0)
    minority, majority = generator.normal(size=(4, 2)), generator.normal(size=(9, 2))
    shown = figures.idea(minority, majority, np.array([[0, 1], [2, 3]]), np.tile(minority, (3, 1)), minority)
    assert len(shown.pictures) == 3
    assert "3 synthetic rows of every minority row" in shown.title
