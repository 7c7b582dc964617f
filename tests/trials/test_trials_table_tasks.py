"""Tables as tasks: what becomes of columns, which data are refused, and the named tasks."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from repro.data import Dataset, load
from repro.ground.exceptions import UnknownName
from repro.trials.table_tasks import (
    BinaryTask,
    TableTask,
    as_task,
    data_of_task,
    distinct_rows,
    numeric_matrix,
    row_groups,
    simulated_task,
    table_task,
    task_of,
    with_repeated_rows,
)


@pytest.fixture(scope="module")
def german() -> Dataset:
    return load("german_credit")


def with_labels(dataset: Dataset, ones: int, twos: int) -> Dataset:
    """The first rows of German credit with invented labels; 2 is its positive class."""
    target = pd.Series([1] * ones + [2] * twos)
    return replace(dataset, features=dataset.features.iloc[: ones + twos].reset_index(drop=True), target=target)


def nominal_columns(features: pd.DataFrame) -> list[str]:
    return [name for name in features.columns if isinstance(features[name].dtype, pd.CategoricalDtype)]


def test_codes_are_those_of_scikit_learns_encoder(german: Dataset) -> None:
    X, positions = numeric_matrix(german.features)
    names = nominal_columns(german.features)
    assert [german.features.columns[position] for position in positions] == names
    assert len(names) == 13
    assert np.array_equal(X[:, list(positions)], OrdinalEncoder().fit_transform(german.features[names]))
    numbers = german.features.drop(columns=names).to_numpy(dtype=float)
    assert np.array_equal(np.delete(X, positions, axis=1), numbers)


@pytest.mark.parametrize(("nominal", "drop"), [("one_hot", None), ("dummies", "first")])
def test_levels_become_the_columns_of_scikit_learns_encoder(german: Dataset, nominal: str, drop: str | None) -> None:
    names = nominal_columns(german.features)
    X, positions = numeric_matrix(german.features[names], nominal)
    assert positions == ()
    assert np.array_equal(X, OneHotEncoder(drop=drop, sparse_output=False).fit_transform(german.features[names]))


def test_positions_count_features_and_not_columns_of_the_table() -> None:
    features = pd.DataFrame({"a": list("uvw"), "x": [0.5, 1.5, 2.5], "b": list("zyz")})
    X, positions = numeric_matrix(features)
    assert positions == (0, 2)
    assert np.array_equal(X, [[0, 0.5, 1], [1, 1.5, 0], [2, 2.5, 1]])
    assert np.array_equal(numeric_matrix(features, "left_out")[0], [[0.5], [1.5], [2.5]])


def test_codes_count_only_the_categories_that_occur() -> None:
    features = pd.DataFrame({"a": pd.Categorical(list("wuw"), categories=list("uvw"))})
    assert numeric_matrix(features)[0].ravel().tolist() == [1, 0, 1]


def test_columns_without_numbers_are_refused_by_name() -> None:
    features = pd.DataFrame({"first": [1.0, 2.0], "second": [1.0, None]})
    with pytest.raises(ValueError, match=r"'second' of the table holds 1 missing values"):
        numeric_matrix(features)
    with pytest.raises(ValueError, match=r"'second' of mine holds infinite"):
        numeric_matrix(features.fillna(np.inf), source="mine")
    with pytest.raises(ValueError, match=r"the table has no column of numbers"):
        numeric_matrix(pd.DataFrame({"a": list("uv")}), "left_out")
    with pytest.raises(UnknownName, match=r"'one-hot'; did you mean 'one_hot'"):
        numeric_matrix(features, "one-hot")


def test_a_data_set_without_a_minority_is_refused(german: Dataset) -> None:
    with pytest.raises(ValueError, match=r"two classes, found 1 in german_credit"):
        as_task(with_labels(german, 40, 0))
    with pytest.raises(ValueError, match=r"needs a minority; both classes of german_credit have 40 rows"):
        as_task(with_labels(german, 40, 40))
    with pytest.raises(ValueError, match=r"positive must be the smaller class; german_credit has 50 rows of 2 and 40"):
        as_task(with_labels(german, 40, 50))
    with pytest.raises(ValueError, match=r"at least 10 rows of each class; german_credit has 9 of class 2"):
        as_task(with_labels(german, 40, 9))
    assert as_task(with_labels(german, 40, 40), imbalanced=False).y.sum() == 40
    assert as_task(with_labels(german, 40, 50), imbalanced=False).y.sum() == 50
    assert as_task(with_labels(german, 40, 9), fewest=9).y.sum() == 9


def _own_file(folder: Path, text: str) -> dict[str, str]:
    (folder / "own.csv").write_text(text)
    return {"dataset": "own", "csv": str(folder / "own.csv"), "target": "y"}


def test_an_own_file_becomes_a_task_or_is_refused_by_what_it_lacks(tmp_path: Path) -> None:
    rows = "".join(f"{i},{'uvw'[i % 3]},{'rare' if i % 5 == 0 else 'common'}\n" for i in range(60))
    task = task_of(_own_file(tmp_path, "x,colour,y\n" + rows))
    assert (task.name, task.X.shape, task.y.sum(), task.nominal) == ("own", (60, 2), 12, (1,))
    gap = "".join(f"{i},{'' if i == 3 else i * 2},{'a' if i % 3 else 'b'}\n" for i in range(60))
    with pytest.raises(ValueError, match=r"'second'.*1 missing"):
        task_of(_own_file(tmp_path, "first,second,y\n" + gap))
    three = "".join(f"{i},{'abc'[i % 3]}\n" for i in range(90))
    with pytest.raises(ValueError, match="two classes, found 3"):
        task_of(_own_file(tmp_path, "x,y\n" + three))
    assert data_of_task({"dataset": "own", "csv": "own.csv"}) == ()


def test_an_unknown_task_suggests_its_neighbours() -> None:
    with pytest.raises(UnknownName, match=r"unknown table task 'simulatd'; did you mean 'simulated'"):
        table_task("simulatd")
    with pytest.raises(UnknownName, match=r"'breast_cancr'; did you mean 'breast_cancer'"):
        table_task("breast_cancr")


def test_named_tasks_have_the_rows_of_their_description() -> None:
    cancer = table_task("breast_cancer")
    assert (cancer.name, cancer.X.shape, int(cancer.y.sum()), cancer.nominal) == ("breast_cancer", (569, 30), 212, ())
    sample = table_task("adult_continuous_sample")
    assert (sample.X.shape, sample.nominal) == ((4000, 6), ())
    assert data_of_task({"dataset": "adult_continuous_sample"}) == ("adult",)
    assert data_of_task({"dataset": "simulated"}) == ()
    assert data_of_task({"dataset": "pima"}) == ("pima",)
    repeated = table_task("simulated_repeated")
    assert (repeated.name, repeated.y.size) == ("simulated_repeated", round(1500 / 0.7))


@pytest.mark.mirror
@pytest.mark.skipif("REPRO_DATA_MIRROR" not in os.environ, reason="needs REPRO_DATA_MIRROR for mammography")
def test_mammography_has_its_published_counts() -> None:
    task = table_task("mammography")
    assert (task.X.shape, int(task.y.sum())) == ((11183, 6), 260)


def test_the_simulated_task_has_the_stated_rows_and_share() -> None:
    simulated = simulated_task(1500)
    assert simulated.X.shape == (1500, 5)
    assert simulated.y.sum() == 105  # 7 % of 1,500
    assert np.array_equal(simulated.X, simulated_task(1500).X)


def test_repeated_rows_are_copies_and_distinct_rows_undo_them() -> None:
    task = simulated_task(300)
    repeated = with_repeated_rows(task, 0.25)
    assert repeated.y.size == 400
    seen = {(*row, label) for row, label in zip(task.X.tolist(), task.y, strict=True)}
    assert {(*row, label) for row, label in zip(repeated.X.tolist(), repeated.y, strict=True)} == seen
    again = distinct_rows(repeated)
    assert np.array_equal(again.X, task.X)
    assert np.array_equal(again.y, task.y)
    groups = row_groups(repeated)
    assert pd.DataFrame(repeated.X).groupby(list(range(5)), sort=False).ngroup().nunique() == np.unique(groups).size
    assert all(np.ptp(repeated.X[groups == group], axis=0).max() == 0 for group in groups[300:])


def test_rows_restrict_every_array_also_those_of_a_richer_task() -> None:
    @dataclass(frozen=True, eq=False, kw_only=True)
    class Weighted(TableTask[np.bool_]):
        weight: np.ndarray

    task = Weighted("w", np.arange(8.0).reshape(4, 2), np.arange(4) > 2, groups=np.arange(4), weight=np.arange(4) / 4)
    part = task.rows(np.array([3, 1]))
    assert type(part) is Weighted
    assert (part.X.tolist(), part.y.tolist()) == ([[6, 7], [2, 3]], [True, False])
    assert (part.groups.tolist(), part.weight.tolist()) == ([3, 1], [0.75, 0.25])
    assert task.n_classes == 2


def test_permuted_labels_keep_rows_and_counts() -> None:
    task: BinaryTask = simulated_task(200)
    permuted = task.with_permuted_labels(np.random.default_rng(0))
    assert permuted.X is task.X
    assert permuted.y.sum() == task.y.sum()
    assert (permuted.y != task.y).any()
