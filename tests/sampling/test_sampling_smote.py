"""SMOTE does what section 4.2 of Chawla et al. (2002) says, in each of its readings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats
from sklearn.neighbors import NearestNeighbors

from repro.sampling import SMOTE, nearest_neighbors

READINGS = st.fixed_dictionaries(
    {
        "interpolation": st.sampled_from(["segment", "box"]),
        "neighbor_replacement": st.booleans(),
        "parents": st.sampled_from(["fixed", "random"]),
        "random_state": st.integers(0, 2**31),
    }
)


def two_classes(n_majority, n_minority, n_columns, seed=0):
    """Shuffled rows of two classes with repeated values; class 1 is the minority."""
    generator = np.random.default_rng(seed)
    X = np.round(generator.standard_normal((n_majority + n_minority, n_columns)), 1)
    y = generator.permutation(np.repeat([0, 1], [n_majority, n_minority]))
    return X, y


def assert_children_lie_between(X, children, parents, interpolation):
    start, end = X[parents[:, 0]], X[parents[:, 1]]
    assert (children >= np.minimum(start, end)).all()
    assert (children <= np.maximum(start, end)).all()
    if interpolation == "segment":
        step = np.where(end == start, np.nan, (children - start) / np.where(end == start, 1, end - start))
        spread = np.nanmax(np.column_stack([step, np.zeros(len(step))]), axis=1) - np.nanmin(
            np.column_stack([step, np.ones(len(step))]), axis=1
        )
        assert (np.abs(spread[~np.isnan(step).all(axis=1)]) < 1e-9).all()


@given(
    sizes=st.tuples(st.integers(13, 40), st.integers(4, 12), st.integers(1, 5)),
    k=st.integers(1, 3),
    amount=st.sampled_from([0, 25, 50, 100, 200, 250, 700]),
    reading=READINGS,
    seed=st.integers(0, 100),
)
@settings(max_examples=40, deadline=None)
def test_every_child_lies_between_a_row_and_one_of_its_nearest(sizes, k, amount, reading, seed):
    X, y = two_classes(*sizes, seed=seed)
    sampler = SMOTE(amount, k_neighbors=k, **reading)
    X_resampled, y_resampled = sampler.fit_resample(X, y)
    n_minority = sizes[1]
    n_children = n_minority * amount // 100 if amount < 100 else n_minority * (amount // 100)

    np.testing.assert_array_equal(X_resampled[: len(X)], X)
    np.testing.assert_array_equal(y_resampled, [*y, *[1] * n_children])
    assert sampler.parents_.shape == (n_children, 2)
    assert_children_lie_between(X, X_resampled[len(X) :], sampler.parents_, reading["interpolation"])

    members = np.flatnonzero(y == 1)
    neighbours = {
        members[row]: set(members[those]) for row, those in enumerate(nearest_neighbors(X[members], k).tolist())
    }
    assert all(neighbour in neighbours[parent] for parent, neighbour in sampler.parents_.tolist())

    per_parent = np.bincount(sampler.parents_[:, 0], minlength=len(X))
    if reading["parents"] == "fixed":
        assert set(per_parent[members]) <= ({amount // 100} if amount >= 100 else {0, 1})
    if not reading["neighbor_replacement"]:
        pairs, counts = np.unique(sampler.parents_, axis=0, return_counts=True)
        for (parent, _), count in zip(pairs, counts, strict=True):
            assert per_parent[parent] // k <= count <= -(-per_parent[parent] // k)

    again = SMOTE(amount, k_neighbors=k, **reading).fit_resample(X, y)
    np.testing.assert_array_equal(again[0], X_resampled)


def test_worked_example_of_the_paper():
    # Table 1: from (6, 4) towards (4, 3): (6, 4) + gap * (-2, -1)
    X = np.array([[6.0, 4.0], [4.0, 3.0], *[[50.0, 50.0]] * 4])
    sampler = SMOTE(1000, k_neighbors=1, random_state=0)
    children = sampler.fit_resample(X, [1, 1, 0, 0, 0, 0])[0][6:]
    gaps = (children[sampler.parents_[:, 0] == 0] - [6, 4]) / [-2, -1]
    np.testing.assert_allclose(gaps[:, 0], gaps[:, 1], atol=1e-12)
    assert len(set(gaps[:, 0])) == 10
    assert (gaps >= 0).all()
    assert (gaps < 1).all()


@pytest.mark.parametrize(
    ("interpolation", "covariance"),
    [
        ("segment", lambda difference: np.outer(difference, difference) / 12),
        ("box", lambda difference: np.diag(difference**2) / 12),
    ],
)
def test_children_of_a_pair_have_the_midpoint_as_mean_and_the_covariance_of_the_reading(interpolation, covariance):
    X = np.array([[0.0, 0.0, 5.0], [2.0, -1.0, 5.0], *[[99.0, 99.0, 99.0]] * 3])
    y = [1, 1, 0, 0, 0]
    n_children = 20_000
    sampler = SMOTE(100 * n_children, k_neighbors=1, interpolation=interpolation, random_state=1)
    children = sampler.fit_resample(X, y)[0][5:][:n_children]
    difference = X[1] - X[0]
    # five standard errors; the variance of a uniform number is 1/12, of its square 4/45
    np.testing.assert_allclose(children.mean(axis=0), (X[0] + X[1]) / 2, atol=5 * 2 * np.sqrt(1 / 12 / n_children))
    np.testing.assert_allclose(np.cov(children.T), covariance(difference), atol=5 * 4 * np.sqrt(1 / 80 / n_children))
    assert stats.kstest(children[:, 0] / 2, "uniform").pvalue > 1e-4


def test_neighbours_are_drawn_uniformly_and_independently():
    X, y = two_classes(60, 20, 3)
    sampler = SMOTE(10_000, k_neighbors=4, random_state=2)
    sampler.fit_resample(X, y)
    members = np.flatnonzero(y == 1)
    nearest = members[nearest_neighbors(X[members], 4)]
    first = members[0]
    towards = sampler.parents_[sampler.parents_[:, 0] == first, 1]
    counts = np.array([(towards == neighbour).sum() for neighbour in nearest[0]])
    assert counts.sum() == 100
    assert stats.chisquare(counts).pvalue > 1e-4


def test_without_replacement_the_children_go_towards_different_neighbours():
    # "two of the five nearest neighbours are chosen" at 200 %
    X, y = two_classes(60, 20, 3)
    sampler = SMOTE(200, neighbor_replacement=False, random_state=0)
    sampler.fit_resample(X, y)
    pairs = sampler.parents_.reshape(20, 2, 2)
    assert (pairs[:, 0, 1] != pairs[:, 1, 1]).all()
    assert len({tuple(pair) for pair in pairs[:, :, 1].tolist()}) > 10


def test_random_parents_leave_some_rows_without_children():
    X, y = two_classes(300, 100, 3)
    sampler = SMOTE(100, parents="random", random_state=0)
    sampler.fit_resample(X, y)
    without = 100 - len(set(sampler.parents_[:, 0].tolist()))
    # each row is missed with probability (1 - 1/100)^100 = 0.366
    assert 20 < without < 55


def test_neighbours_agree_with_imbalanced_learn_on_generic_data():
    generator = np.random.default_rng(3)
    X, y = generator.standard_normal((400, 6)), np.repeat([0, 1], [320, 80])
    sampler = SMOTE(5_000, random_state=0)
    sampler.fit_resample(X, y)
    peer = 320 + NearestNeighbors(n_neighbors=6).fit(X[320:]).kneighbors(X[320:], return_distance=False)[:, 1:]
    ours = {(parent, neighbour) for parent, neighbour in sampler.parents_.tolist()}
    assert ours == {(320 + row, neighbour) for row, those in enumerate(peer.tolist()) for neighbour in those}


def test_twins_are_neighbours_and_a_row_is_never_its_own():
    X = np.array([[0.0], [0.0], [7.0], [7.0], *[[50.0]] * 6])
    sampler = SMOTE(500, k_neighbors=1, random_state=0)
    X_resampled, _ = sampler.fit_resample(X, [1] * 4 + [0] * 6)
    assert (sampler.parents_[:, 0] != sampler.parents_[:, 1]).all()
    assert set(X_resampled[10:].ravel()) == {0.0, 7.0}


def test_below_a_hundred_percent_neighbours_come_from_the_whole_class():
    X = np.array([[0.0], [1.0], [10.0], [11.0], *[[99.0]] * 6])
    y = [1] * 4 + [0] * 6
    seen = set()
    for seed in range(40):
        sampler = SMOTE(25, k_neighbors=1, random_state=seed)
        sampler.fit_resample(X, y)
        assert sampler.parents_.shape == (1, 2)
        seen.add(tuple(sampler.parents_[0].tolist()))
    assert seen == {(0, 1), (1, 0), (2, 3), (3, 2)}


def test_without_amount_classes_become_equal_and_parents_are_used_equally_often():
    generator = np.random.default_rng(0)
    X, y = generator.standard_normal((170, 3)), np.repeat(["a", "b", "c"], [100, 47, 23])
    sampler = SMOTE(random_state=0)
    _, y_resampled = sampler.fit_resample(X, y)
    assert dict(zip(*np.unique(y_resampled, return_counts=True), strict=True)) == {"a": 100, "b": 100, "c": 100}
    assert sampler.sampling_strategy_ == {"b": 53, "c": 77}
    per_parent = np.bincount(sampler.parents_[:, 0], minlength=170)
    assert set(per_parent[:100]) == {0}
    assert set(per_parent[100:147]) == {1, 2}
    assert set(per_parent[147:]) == {3, 4}
    assert (np.sort(y[sampler.parents_], axis=1)[:, 0] == y_resampled[170:]).all()


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("auto", {"c": 46}),
        ("minority", {"c": 46}),
        ("not majority", {"b": 94, "c": 46}),
        ("not minority", {"a": 200, "b": 94}),
        ("all", {"a": 200, "b": 94, "c": 46}),
    ],
)
def test_amount_applies_to_the_classes_that_sampling_strategy_names(strategy, expected):
    X, y = np.random.default_rng(0).standard_normal((170, 3)), np.repeat(["a", "b", "c"], [100, 47, 23])
    sampler = SMOTE(200, sampling_strategy=strategy, random_state=0)
    sampler.fit_resample(X, y)
    assert sampler.sampling_strategy_ == expected


def test_imbalanced_learn_strategies_without_amount():
    X, y = two_classes(60, 20, 2)
    assert SMOTE(sampling_strategy=0.5).fit(X, y).sampling_strategy_ == {1: 10}
    assert SMOTE(sampling_strategy={1: 33}).fit(X, y).sampling_strategy_ == {1: 13}
    assert SMOTE(sampling_strategy=lambda y: {1: 25}).fit(X, y).sampling_strategy_ == {1: 5}


@pytest.mark.parametrize("amount", [100, 230])
def test_random_states_of_every_kind_are_reproducible(amount):
    X, y = two_classes(40, 10, 3)

    def run(random_state):
        return SMOTE(amount, random_state=random_state).fit_resample(X, y)[0]

    np.testing.assert_array_equal(run(np.random.default_rng(5)), run(np.random.default_rng(5)))
    np.testing.assert_array_equal(run(np.random.RandomState(5)), run(np.random.RandomState(5)))
    assert not np.array_equal(run(1), run(2))
    assert not np.array_equal(run(None), run(None))
    state = np.random.RandomState(5)
    assert not np.array_equal(run(state), run(state))


def test_children_do_not_depend_on_the_size_of_the_pieces_they_are_written_in(monkeypatch):
    X, y = two_classes(300, 100, 3)
    for interpolation in ("segment", "box"):
        whole = SMOTE(interpolation=interpolation, random_state=0).fit_resample(X, y)[0]
        monkeypatch.setattr("repro.sampling.smote._VALUES_AT_ONCE", 50)
        np.testing.assert_array_equal(SMOTE(interpolation=interpolation, random_state=0).fit_resample(X, y)[0], whole)
        monkeypatch.undo()


@pytest.mark.parametrize(
    "kind", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array], ids=lambda kind: kind.__name__
)
@pytest.mark.parametrize("reading", [{}, {"neighbor_replacement": False}, {"parents": "random"}], ids=str)
def test_sparse_input_stays_sparse_and_gives_the_dense_result(kind, reading):
    generator = np.random.default_rng(0)
    X = generator.standard_normal((120, 30)) * (generator.random((120, 30)) < 0.2)
    y = np.repeat([0, 1], [90, 30])
    dense, y_dense = SMOTE(random_state=0, **reading).fit_resample(X, y)
    found, y_found = SMOTE(random_state=0, **reading).fit_resample(kind(X), y)
    assert type(found) is kind
    np.testing.assert_array_equal(found.toarray(), dense)
    np.testing.assert_array_equal(y_found, y_dense)


def test_sparse_box_children_lie_in_the_box_and_store_no_other_columns():
    generator = np.random.default_rng(1)
    X = generator.standard_normal((60, 40)) * (generator.random((60, 40)) < 0.1)
    sampler = SMOTE(300, interpolation="box", random_state=0)
    found, _ = sampler.fit_resample(sparse.csr_matrix(X), np.repeat([0, 1], [40, 20]))
    children = found.toarray()[60:]
    assert_children_lie_between(X, children, sampler.parents_, "box")
    stored = (X[sampler.parents_[:, 0]] != 0) | (X[sampler.parents_[:, 1]] != 0)
    assert found[60:].nnz == stored.sum()


def test_a_wide_sparse_matrix_is_not_made_dense():
    generator = np.random.default_rng(2)
    columns = np.sort(generator.integers(3_000_000, size=(400, 6)), axis=1)
    X = sparse.csr_matrix((generator.standard_normal(2400), columns.ravel(), np.arange(0, 2401, 6)), (400, 3_000_000))
    found, _ = SMOTE(random_state=0).fit_resample(X, np.repeat([0, 1], [360, 40]))
    # dense, these 720 rows would take 17 GB
    assert found.shape == (720, 3_000_000)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_float_types_are_kept(dtype, order):
    X, y = two_classes(40, 10, 3)
    X = np.array(X, dtype=dtype, order=order)
    sampler = SMOTE(random_state=0)
    found, _ = sampler.fit_resample(X, y)
    assert found.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(found[:50], X)
    assert_children_lie_between(X.astype(float), found[50:].astype(float), sampler.parents_, "box")


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool])
def test_arrays_of_whole_numbers_come_back_as_floats_between_the_parents(dtype):
    X, y = two_classes(40, 10, 3)
    X = (10 * X + 100).astype(dtype)
    sampler = SMOTE(random_state=0)
    found, _ = sampler.fit_resample(X, y)
    assert found.dtype == np.float64
    assert_children_lie_between(X.astype(float), found[50:], sampler.parents_, "segment")
    assert (found[50:] != np.round(found[50:])).any() or dtype is bool


def test_opposite_extremes_do_not_overflow():
    largest = np.finfo(float).max
    X = np.array([[largest], [-largest], *[[0.0]] * 3])
    children = SMOTE(1000, k_neighbors=1, random_state=0).fit_resample(X, [1, 1, 0, 0, 0])[0][5:]
    assert np.isfinite(children).all()
