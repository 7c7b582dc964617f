"""Effects that are there must be found, effects that are absent must not; what is kept must be what is judged."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from repro.claims import find_claim, judge
from repro.metrics import nadeau_bengio_interval
from repro.plotting import smote as figures
from repro.protocol.experiment import Cell
from repro.results import find_table
from repro.studies import experiment
from repro.studies.smote import interval_coverage as coverage
from repro.studies.smote import learners, repeated_rows, sweep
from repro.studies.smote.problems import FIXED_LEVEL, SMOTE_LEVELS, TABLE_3
from repro.studies.smote.replication import jittered_copies
from repro.trials.folds import stratified_partitions
from repro.trials.table_tasks import BinaryTask, TableTask, simulated_task, with_repeated_rows

SEED = np.random.SeedSequence(11)


def noise(n_rows: int, share: float, seed: int) -> BinaryTask:
    """Rows whose labels have nothing to do with their columns."""
    generator = np.random.default_rng(seed)
    y = generator.permutation(np.arange(n_rows) < round(share * n_rows))
    return TableTask("noise", generator.normal(size=(n_rows, 3)), y)


def far_apart(n_rows: int) -> BinaryTask:
    """Two classes that one cut separates, so that every reading of SMOTE gives nearly the same trees."""
    generator = np.random.default_rng(0)
    y = np.arange(n_rows) < n_rows // 5
    X = generator.normal(size=(n_rows, 3))
    X[y, 0] += 5
    return TableTask("far apart", X, y)


def test_table_3_and_the_fixed_levels_are_those_that_were_read() -> None:
    """Typed once more from the specification of the paper, apart from the package."""
    printed = {
        "pima": "7242 7307",
        "phoneme": "8622 8644 8661",
        "satimage": "8900 8957 8979 8963 8975 8960",
        "forest_cover": "9807 9832 9834 9849 9841 9842",
        "oil_spill": "8524 8523 8368 8161 8339 8537",
        "mammography": "9260 9250 9265 9311 9330 9304",
    }
    for name, row in printed.items():
        numbers = [int(number) for number in row.split()]
        assert list(TABLE_3[name].values()) == numbers
        assert list(TABLE_3[name]) == [0, *SMOTE_LEVELS[name]] == [100 * place for place in range(len(numbers))]
        assert TABLE_3[name][FIXED_LEVEL[name]] == max(numbers[1:])


def test_copies_that_inflate_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Positive control of smote-c11: labels at random, three rows in four are copies, so only copies can be known."""
    table = []
    for partition in range(4):
        task = with_repeated_rows(noise(80, 0.3, seed=partition), 0.75)
        monkeypatch.setattr(repeated_rows, "load_problem", lambda parameters, task=task: task)
        table.append(
            repeated_rows.repeated_rows(Cell("smote.repeated_rows", {"dataset": "x", "partition": partition}, 1))
        )
    found = judge(find_claim("smote-c11"), pd.concat(table))
    assert found.verdict == "reproduced"
    assert all(condition.estimate > 0.3 for condition in found.conditions)


def test_readings_that_agree_are_found_equivalent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Positive control of smote-c10: on classes that lie far apart every reading gives nearly the same curve."""
    monkeypatch.setattr(sweep, "load_problem", lambda parameters: far_apart(600))
    cells = [Cell("smote.readings", {"dataset": "x", "partition": partition}, 1) for partition in range(3)]
    table = pd.concat([sweep.readings(cell) for cell in cells])
    assert table["value"].nunique() > 3
    assert judge(find_claim("smote-c10"), table).verdict == "reproduced"


def test_a_gain_of_smote_that_is_there_is_found() -> None:
    """Positive control of smote-c2 and of the weak learner of smote-m1: a set that SMOTE is made for."""
    for claim, parts in (("smote-c2", 2), ("smote-m1", 1)):
        table = find_table(find_claim(claim).experiment, "quick")
        assert table is not None
        found = judge(find_claim(claim), table.frame)
        on_simulated = [
            condition.verdict
            for condition in found.conditions
            if "simulated" in condition.name and "strong learner" not in condition.name
        ]
        assert on_simulated == ["reproduced"] * parts


def test_jittered_copies_lie_beside_their_parents() -> None:
    rows = np.random.default_rng(3).normal(scale=[1.0, 50.0], size=(20, 2))
    copies = jittered_copies(rows, 300, SEED)
    assert copies.shape == (60, 2)
    distance = np.abs(copies - np.repeat(rows, 3, axis=0)) / rows.std(axis=0)
    assert distance.min() > 0
    assert distance.max() < 1e-5
    assert len(jittered_copies(rows, 0, SEED)) == 0


def test_the_placebo_of_replication_leaves_trees_and_recall_as_copies_do() -> None:
    replication = experiment("smote.replication")
    cell = next(cell for cell in replication.cells_of("control") if cell.variant == "children_jittered")
    table = replication.compute(cell).pivot_table(index=["metric", "level"], columns="method", values="value")
    assert table["smote"].to_numpy() == pytest.approx(table["replication"].to_numpy(), rel=0.02)
    parameters = {"dataset": "simulated", "partition": 0}
    plain = replication.compute(Cell(replication.name, parameters, replication.seed))
    plain = plain.pivot_table(index=["metric", "level"], columns="method", values="value")
    assert not np.allclose(plain["smote"], plain["replication"], rtol=0.02)


def test_values_of_folds_are_numbered_through_all_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learners, "load_problem", lambda parameters: simulated_task(200, minority_share=0.2))
    tables = [
        learners.learners(
            Cell(
                "smote.learners",
                {"dataset": "simulated", "learner": "logistic_regression", "partition": partition},
                1,
            )
        )
        for partition in (0, 3)
    ]
    table = pd.concat(tables)
    folds = table[table["unit"] == "fold"]
    one = folds.query("method == 'smote' and metric == 'auroc'")
    assert one["replicate"].tolist() == [*range(10), *range(30, 40)]
    assert not folds.duplicated(["method", "metric", "replicate"]).any()
    whole = table.query("unit == 'partition' and method == 'smote' and metric == 'auroc'")["value"].to_numpy()
    assert one["value"].to_numpy().reshape(2, 10).mean(axis=1) == pytest.approx(whole)
    kept = Counter(zip(folds["method"], folds["metric"], strict=True))
    assert set(kept.values()) == {20}
    assert {metric for method, metric in kept if method == "smote_corrected"} == {"log_loss", "log_risk_ratio"}
    assert ("none", "balanced_accuracy_tuned") in kept


def test_claims_about_learners_are_judged_on_folds_by_the_formula_of_nadeau_and_bengio() -> None:
    """(1/n + 1/9) of the variance of fold values, n - 1 degrees of freedom, written out here once more."""
    generator = np.random.default_rng(5)
    values = {
        (dataset, learner, method, metric): generator.normal(0.1, 0.05, size=100)
        for dataset in ("pima", "phoneme")
        for learner in ("gradient_boosting", "pruned_tree")
        for method in ("none", "over", "smote")
        for metric in ("auroc", "balanced_accuracy_tuned")
    }
    table = pd.DataFrame(
        [
            (dataset, learner, "fold", method, "c", replicate, metric, value)
            for (dataset, learner, method, metric), series in values.items()
            for replicate, value in enumerate(series)
        ],
        columns=["dataset", "learner", "unit", "method", "cell", "replicate", "metric", "value"],
    )
    found = judge(find_claim("smote-m1"), table)
    weak = next(one for one in found.conditions if one.name == "weak learner, ranking better after SMOTE, phoneme")
    gain = values["phoneme", "pruned_tree", "smote", "auroc"] - values["phoneme", "pruned_tree", "none", "auroc"]
    half = stats.t.ppf(0.975, 99) * np.sqrt(gain.var(ddof=1) * (1 / 100 + 1 / 9))
    assert weak.replicates == 100
    assert weak.interval == pytest.approx((gain.mean() - half, gain.mean() + half))


def test_gains_of_folds_come_from_the_rows_of_the_test_part(monkeypatch: pytest.MonkeyPatch) -> None:
    task = simulated_task(120, minority_share=0.2)
    monkeypatch.setattr(coverage, "PARTITIONS", 2)
    found = coverage.fold_gains(task, coverage.logistic_regression, SEED)
    assert found.shape == (2, 10)
    splits = list(stratified_partitions(task.y, 2, coverage.child_seed(SEED, 1)))
    partition, fold, train, test = splits[13]
    assert (partition, fold) == (1, 3)
    X, y = coverage.smote_sampled(task.rows(train), coverage.child_seed(SEED, 2, 1, 3))
    areas = []
    for rows, labels in ((X, y), (task.X[train], task.y[train])):
        scores = coverage.fitted(coverage.logistic_regression, rows, labels)(task.X[test])
        order = scores[task.y[test]][:, None] - scores[~task.y[test]][None, :]
        areas.append((order > 0).mean() + (order == 0).mean() / 2)
    assert found[1, 3] == pytest.approx(areas[0] - areas[1])


def test_coverage_counts_the_intervals_that_hold_the_mean_of_all_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gains that are drawn, not computed: a shift of every sample that no fold of it shows, plus noise of the folds."""
    generator = np.random.default_rng(1)
    gains = [shift + generator.normal(0, 0.1, size=(10, 10)) for shift in generator.normal(0, 0.03, size=60)]
    left = iter(gains)
    monkeypatch.setattr(coverage, "fold_gains", lambda *arguments: next(left))
    cell = Cell("smote.interval_coverage", {"learner": "pruned_tree", "samples": 60}, 1)
    table = coverage.interval_coverage(cell).pivot_table(
        index="replicate", columns=["method", "metric"], values="value"
    )
    truth = np.mean(gains)
    for method, values, factor in (
        ("folds", [sample.ravel() for sample in gains], 1 / 100 + 1 / 9),
        ("partitions", [sample.mean(axis=1) for sample in gains], 1 / 10 + 10 / 9),
        ("plain_t", [sample.mean(axis=1) for sample in gains], 1 / 10),
    ):
        for number, sample in enumerate(values):
            half = stats.t.ppf(0.975, sample.size - 1) * sample.std(ddof=1) * np.sqrt(factor)
            hit = abs(sample.mean() - truth) <= half
            assert table[method, "width"][number] == pytest.approx(2 * half)
            assert table[method, "covered"][number] == hit
            assert table[method, "surplus"][number] == pytest.approx(hit - 0.93)
    share = table.xs("covered", axis=1, level="metric").mean()
    assert share["folds"] > 0.9 > 0.7 > share["plain_t"]


def test_figures_speak_of_the_intervals_that_cards_show() -> None:
    """Values of folds in the figure of rankings, and one point where a data set has one level only."""
    generator = np.random.default_rng(9)
    rows = [
        ("pima", learner, unit, method, replicate, "auroc", generator.normal(0.8, 0.02))
        for learner in ("pruned_tree", "logistic_regression", "gradient_boosting")
        for unit, number in (("fold", 20), ("partition", 2))
        for method in ("none", "under", "over", "smote")
        for replicate in range(number)
    ]
    table = pd.DataFrame(rows, columns=["dataset", "learner", "unit", "method", "replicate", "metric", "value"])
    of_folds = table.query("unit == 'fold' and learner == 'pruned_tree'").pivot_table(
        index="replicate", columns="method", values="value"
    )
    interval = nadeau_bengio_interval((of_folds["smote"] - of_folds["none"]).to_numpy(), folds=10)
    numbers = figures.ranking(table).table
    (said,) = numbers.query("learner == 'pruned tree' and method == 'SMOTE'").iloc[:, -1]
    assert [float(number.replace("\N{MINUS SIGN}", "-")) for number in re.findall(r"[\d.\N{MINUS SIGN}]+", said)] == [
        pytest.approx(number, abs=0.0006) for number in (interval.estimate, interval.low, interval.high)
    ]
    methods = {"pima": ("smote_100",), "phoneme": ("smote_100", "smote_200")}
    areas = [
        (dataset, method, None, replicate, "auc_paper", generator.normal(0.8, 0.02))
        for dataset, levels in methods.items()
        for method in ("under", "smote_fixed_level", "smote_chosen_level", "smote_best_on_test", *levels)
        for replicate in range(3)
    ]
    sweep_table = pd.DataFrame(areas, columns=["dataset", "method", "step", "replicate", "metric", "value"])
    assert figures.selection(sweep_table).table["data set"].value_counts().to_dict() == {"Phoneme": 3, "Pima": 1}
    assert "Our areas come within" in figures.table_3(sweep_table).alt
