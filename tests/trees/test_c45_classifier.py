"""How the classifier behaves as part of scikit-learn, with tables of every kind, and with bad input."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import repro
from repro.ground.exceptions import UnknownName
from repro.trees import C45Classifier


@parametrize_with_checks([C45Classifier()])
def test_scikit_learn_estimator_checks(estimator: Any, check: Any) -> None:
    # One check skips itself: check_array_api_input needs SCIPY_ARRAY_API in the environment of the process.
    check(estimator)


@pytest.fixture
def table() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "size": generator.normal(size=80),
            "colour": generator.choice(["red", "green", "blue"], 80),
            "shape": pd.Categorical(generator.choice(["round", "flat"], 80), categories=["round", "flat", "long"]),
            "count": generator.integers(0, 4, 80),
        }
    )


@pytest.fixture
def target(table: pd.DataFrame) -> np.ndarray:
    return np.where((table["colour"] == "red") | ((table["shape"] == "flat") & (table["size"] > 0)), "yes", "no")


def test_text_and_category_columns_of_a_table_are_nominal(table: pd.DataFrame, target: np.ndarray) -> None:
    tree = C45Classifier().fit(table, target)
    text = tree.to_text()
    assert "colour = red: yes" in text
    assert "shape = long" in text  # declared, without a row: an empty leaf
    assert (tree.predict(table) == target).all()
    assert tree.classes_.tolist() == ["no", "yes"]


def test_arrays_polars_and_pandas_give_the_same_tree(table: pd.DataFrame, target: np.ndarray) -> None:
    observed = table.assign(shape=table["shape"].astype(str))
    expected = C45Classifier().fit(observed, target)
    by_number = C45Classifier(categorical_features=[1, 2]).fit(observed.to_numpy(), target)
    by_mask = C45Classifier(categorical_features=[False, True, True, False]).fit(observed, target)
    by_name = C45Classifier(categorical_features=["colour", "shape"]).fit(observed, target)
    polars = C45Classifier().fit(pl.from_pandas(observed), target)
    for tree, X in [
        (by_number, observed.to_numpy()),
        (by_mask, observed),
        (by_name, observed),
        (polars, pl.from_pandas(observed)),
    ]:
        assert tree.node_count_ == expected.node_count_
        np.testing.assert_array_equal(tree.predict_proba(X), expected.predict_proba(observed))
    assert polars.feature_names_in_.tolist() == list(table.columns)


def test_numbers_can_be_declared_nominal() -> None:
    X = np.array([[0.0], [0.0], [1.0], [1.0], [2.0], [2.0]])
    y = [1, 1, 0, 0, 1, 1]
    assert C45Classifier(prune=False).fit(X, y).leaf_count_ == 3
    assert C45Classifier(prune=False, categorical_features=[0]).fit(X, y).to_text() == (
        "column 0 = 0.0: 1 (2)\ncolumn 0 = 1.0: 0 (2)\ncolumn 0 = 2.0: 1 (2)"
    )


def test_unseen_and_empty_categories_get_the_class_counts_of_the_node_that_asks(
    table: pd.DataFrame, target: np.ndarray
) -> None:
    frame = table[["colour"]]
    share = (target == "yes").mean()
    tree = C45Classifier(prune=False).fit(frame, target)
    np.testing.assert_allclose(tree.predict_proba(pd.DataFrame({"colour": ["violet"]})), [[1 - share, share]])
    assert tree.apply(pd.DataFrame({"colour": ["violet"]})).tolist() == [0]

    shapes = table[["shape"]]
    tree = C45Classifier(prune=False, collapse=False).fit(shapes, target)
    never = pd.DataFrame({"shape": pd.Categorical(["long"], categories=["round", "flat", "long"])})
    np.testing.assert_allclose(tree.predict_proba(never), [[1 - share, share]])
    assert tree.leaf_count_ == 3


def test_leaf_frequencies_and_laplace_smoothing_follow_their_formulas() -> None:
    X, y = load_iris(return_X_y=True)
    plain = C45Classifier().fit(X, y)
    smooth = C45Classifier(laplace=True).fit(X, y)
    leaves = plain.apply(X)
    for leaf in np.unique(leaves):
        counts = np.bincount(y[leaves == leaf], minlength=3)
        np.testing.assert_allclose(plain.predict_proba(X[leaves == leaf])[0], counts / counts.sum())
        np.testing.assert_allclose(smooth.predict_proba(X[leaves == leaf])[0], (counts + 1) / (counts.sum() + 3))
    np.testing.assert_array_equal(plain.predict(X), smooth.predict(X))


def test_equal_counts_go_to_the_first_class() -> None:
    assert C45Classifier().fit([[0.0], [0.0]], ["b", "a"]).predict([[0.0]]) == ["a"]


def test_threshold_is_a_value_of_the_data_anywhere_in_the_column() -> None:
    # At the root the neighbours are 2 and 10; the middle, 6, does not occur, so the threshold is 2.
    X = np.array([[0.0], [1], [2], [10], [11], [12]])
    tree = C45Classifier(prune=False).fit(X, [0, 0, 0, 1, 1, 1])
    assert tree.to_text() == "column 0 <= 2: 0 (3)\ncolumn 0 > 2: 1 (3)"
    assert tree.predict([[2.0], [2.1]]).tolist() == [0, 1]


def test_cuts_are_charged_for_their_number() -> None:
    # 16 distinct values leave 13 cuts with two rows on both sides. The best cut gains 0.083 bits a row, less than
    # log2(13) / 16 = 0.231 bits, so the column is useless; declared as few values it is not.
    y = [1, 0] * 5 + [1, 1, 0, 1, 1, 0]
    many = np.arange(16.0)[:, None]
    few = (np.arange(16) >= 10).astype(float)[:, None]
    assert C45Classifier(prune=False, collapse=False).fit(many, y).node_count_ == 1
    assert C45Classifier(prune=False, collapse=False).fit(few, y).node_count_ == 3


def test_values_closer_than_the_tolerance_are_one_value() -> None:
    X = np.array([0, 0, 0, 5e-6, 5e-6, 5e-6])[:, None]
    y = [0, 0, 0, 1, 1, 1]
    with pytest.warns(UserWarning, match="can be cut at 0 of the 1 steps"):
        assert C45Classifier().fit(X, y).node_count_ == 1
    assert C45Classifier(value_tolerance=0).fit(X, y).node_count_ == 3


def test_extreme_numbers_are_split_apart() -> None:
    epsilon = np.finfo(float).eps
    for low, high in (
        (1.0, 1.0 + epsilon),
        (1.0 + epsilon, 1.0 + 2 * epsilon),  # the middle rounds to the larger one
        (-1.7e308, 1.7e308),
        (1e12, 1e12 + 1),
    ):
        X = np.array([low, low, high, high])[:, None]
        tree = C45Classifier(value_tolerance=0, prune=False).fit(X, [0, 0, 1, 1])
        assert tree.predict(X).tolist() == [0, 0, 1, 1]


def test_pruning_options_order_the_sizes() -> None:
    X, y = make_classification(1500, 8, n_informative=5, flip_y=0.2, random_state=0)
    grown = C45Classifier(prune=False, collapse=False).fit(X, y)
    collapsed = C45Classifier(prune=False).fit(X, y)
    replaced = C45Classifier(subtree_raising=False).fit(X, y)
    raised = C45Classifier().fit(X, y)
    sizes = [tree.node_count_ for tree in (grown, collapsed, replaced, raised)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[1] > sizes[2] > sizes[3]
    assert (grown.predict(X) == y).mean() == (collapsed.predict(X) == y).mean()
    for tree in (grown, collapsed, replaced, raised):
        assert tree.leaf_count_ == (tree.node_count_ + 1) // 2
        assert max(line.count("|") for line in tree.to_text().splitlines()) == tree.depth_ - 1


def test_same_rows_in_another_order_give_the_same_tree() -> None:
    X, y = make_classification(600, 5, flip_y=0.2, random_state=1)
    order = np.random.default_rng(0).permutation(len(y))
    assert C45Classifier().fit(X, y).to_text() == C45Classifier().fit(X[order], y[order]).to_text()


def test_input_is_left_alone_and_read_only_input_is_accepted() -> None:
    X, y = make_classification(200, 5, random_state=2)
    before = X.copy()
    X.setflags(write=False)
    y.setflags(write=False)
    tree = C45Classifier().fit(X, y)
    np.testing.assert_array_equal(X, before)
    assert tree.predict(X).shape == (200,)


def test_clone_pickle_and_cross_validation_work(table: pd.DataFrame, target: np.ndarray) -> None:
    tree = C45Classifier(confidence=0.1, categorical_features=["colour", "shape"]).fit(table, target)
    again = pickle.loads(pickle.dumps(tree))
    np.testing.assert_array_equal(again.predict_proba(table), tree.predict_proba(table))
    assert clone(tree).get_params() == tree.get_params()
    assert cross_val_score(tree, table, target, cv=4).mean() > 0.9


BAD_TABLES = [
    (lambda t: t.assign(size=t["size"].where(t["size"] > 0)), "missing values .NaN. in the column 'size'"),
    (lambda t: t.assign(count=np.where(t["count"] == 0, np.inf, 1.0)), "infinite values .inf. in the column 'count'"),
    (lambda t: t.assign(colour=t["colour"].where(t["size"] > 0)), "missing values in the nominal column 'colour'"),
    (lambda t: t.assign(count=pd.Timestamp("2020-01-01")), "type datetime64.* in the column 'count'"),
    (lambda t: t.assign(count=1j), "type complex128 in the column 'count'"),
    (lambda t: t.iloc[:0], "at least 1 row"),
    (lambda t: t.iloc[:, :0], "at least 1 row and 1 column"),
]


@pytest.mark.parametrize(("spoil", "message"), BAD_TABLES)
def test_bad_tables_are_refused_by_the_name_of_the_column(
    table: pd.DataFrame, target: np.ndarray, spoil: Any, message: str
) -> None:
    bad = spoil(table)
    with pytest.raises(ValueError, match=message):
        C45Classifier().fit(bad, target[: len(bad)])


def test_missing_values_at_prediction_are_refused(table: pd.DataFrame, target: np.ndarray) -> None:
    tree = C45Classifier().fit(table, target)
    with pytest.raises(ValueError, match=r"1 missing values .NaN. in the column 'size'"):
        tree.predict(table.assign(size=[np.nan, *table["size"][1:]]))


@pytest.mark.parametrize("features", [None, ["shape"]])
def test_text_in_a_numeric_column_names_column_and_remedy(
    table: pd.DataFrame, target: np.ndarray, features: list[str] | None
) -> None:
    with pytest.raises(ValueError, match=r"numeric column 'colour' that are no numbers .*categorical_features"):
        C45Classifier(categorical_features=features).fit(table, target)
    with pytest.raises(ValueError, match="numeric column 'column 1' that are no numbers"):
        C45Classifier().fit(table.to_numpy(), target)


BAD_FEATURES = [
    ([4], ValueError, "column numbers from 0 to 3, got .4."),
    ([-1], ValueError, "column numbers from 0 to 3"),
    ([True, False], ValueError, "one entry for each of the 4 columns, got 2"),
    (["color"], UnknownName, "did you mean 'colour'"),
    ([["colour"]], ValueError, "one-dimensional"),
    ("all", ValueError, "'auto'"),
]


@pytest.mark.parametrize(("features", "error", "message"), BAD_FEATURES)
def test_bad_categorical_features_are_refused(
    table: pd.DataFrame, target: np.ndarray, features: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        C45Classifier(categorical_features=features).fit(table, target)


def test_names_without_a_table_are_refused(table: pd.DataFrame, target: np.ndarray) -> None:
    with pytest.raises(ValueError, match="needs a table with column names"):
        C45Classifier(categorical_features=["colour"]).fit(table.to_numpy(), target)


@pytest.mark.parametrize(
    "parameters",
    [
        {"min_samples_leaf": 0},
        {"min_samples_leaf": 2.5},
        {"confidence": 0},
        {"confidence": 0.6},
        {"confidence": "0.25"},
        {"value_tolerance": -1e-9},
        {"prune": "yes"},
    ],
)
def test_bad_parameters_are_refused_by_name(parameters: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError), match=f"'{next(iter(parameters))}' parameter of C45Classifier"):
        C45Classifier(**parameters).fit([[0.0], [1.0]], [0, 1])


def test_bad_targets_are_refused(table: pd.DataFrame, target: np.ndarray) -> None:
    with pytest.raises(ValueError, match="80 rows and 79 labels"):
        C45Classifier().fit(table, target[:-1])
    for missing in (None, float("nan")):
        with pytest.raises(ValueError, match="y holds 1 missing labels"):
            C45Classifier().fit(table, [missing, *target[1:].tolist()])
    with pytest.raises(TypeError, match=r"y holds labels of several types \(int, str\)"):
        C45Classifier().fit(table, [1, *target[1:].tolist()])
    with pytest.raises(ValueError, match="continuous"):
        C45Classifier().fit(table, table["size"])


def test_one_class_gives_one_leaf() -> None:
    tree = C45Classifier().fit([[0.0], [1.0]], ["x", "x"])
    assert (tree.node_count_, tree.leaf_count_, tree.depth_, tree.to_text()) == (1, 1, 0, ": x (2)")
    assert tree.predict_proba([[5.0]]).tolist() == [[1.0]]


def test_whole_numbers_among_objects_are_the_classes_that_they_are(table: pd.DataFrame, target: np.ndarray) -> None:
    codes = (target == "yes").astype(int)
    tree = C45Classifier().fit(table, pd.Series(codes, dtype=object))
    assert tree.classes_.dtype.kind == "i"
    np.testing.assert_array_equal(tree.predict(table), C45Classifier().fit(table, codes).predict(table))
    assert C45Classifier().fit(table, pd.DataFrame({"y": codes})).classes_.tolist() == [0, 1]


def test_a_column_in_too_large_a_unit_draws_a_warning_and_a_smaller_tolerance_mends_it() -> None:
    generator = np.random.default_rng(0)
    y = np.repeat([0, 1], [60, 30])
    micromol = 3 + 4 * y + generator.normal(size=90)
    table = pd.DataFrame({"other": generator.normal(size=90), "conc": micromol * 1e-6})
    with pytest.warns(UserWarning, match=r"column 'conc' can be cut at 0 of the 89 steps .* value_tolerance=1e-05"):
        C45Classifier().fit(table, y)
    with pytest.warns(UserWarning, match="column 'conc' can be cut at 1 of the 89 steps"):
        C45Classifier().fit(table.assign(conc=np.r_[1.0, table["conc"][1:]]), y)  # an outlier does not hide it
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = C45Classifier().fit(micromol[:, None], y)
        assert C45Classifier(value_tolerance=0).fit(micromol[:, None] * 1e-6, y).node_count_ == expected.node_count_
        C45Classifier().fit(np.c_[np.zeros(90), micromol.round(1)], y)  # a constant and rounded values are no matter
    assert expected.node_count_ > 1


def test_kernels_are_compiled_where_no_cache_can_be_written(tmp_path: Path) -> None:
    copy = tmp_path / "repro"
    shutil.copytree(Path(repro.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__", "embedded"))
    for room in copy.iterdir():
        if room.is_dir():
            (room / "__pycache__").write_text("")  # nobody, root included, can make the folder
    users = [path for path in copy.rglob("*.py") if "import kernel" in path.read_text(encoding="utf-8")]
    modules = [".".join(path.relative_to(tmp_path).with_suffix("").parts) for path in users]
    assert len(modules) > 5
    code = (  # a kernel that cannot be kept fails where it is defined
        "import numpy as np\n"
        f"import {', '.join(modules)}\n"
        "from repro.ground.compiling import kernel\n"
        "print(repro.__file__, kernel(lambda x: x + 1.0)(0.0))"
    )
    kept = {name: value for name, value in os.environ.items() if name not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    environment = kept | {"HOME": "/proc/nowhere", "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(copy / "__init__.py"), "1.0"]
