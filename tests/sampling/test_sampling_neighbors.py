"""The neighbour search is exact, also where rounding, ties and overflow make that hard."""

from __future__ import annotations

import threading

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_info, threadpool_limits

from repro.ground.compiling import kernel
from repro.sampling import nearest_neighbors
from repro.sampling import neighbors as module
from repro.sampling._threads import thread_count


def by_definition(rows, k, n_nominal=0, penalty=0.0):
    """Neighbours straight from the definition: float64 sums in column order, then row numbers."""
    n_rows, n_columns = rows.shape
    result = np.empty((n_rows, k), dtype=np.int32)
    with np.errstate(all="ignore"):
        for row in range(n_rows):
            distances = np.zeros(n_rows)
            for column in range(n_columns - n_nominal):
                difference = rows[:, column] - rows[row, column]
                distances += difference * difference
            for column in range(n_columns - n_nominal, n_columns):
                distances += penalty * (rows[:, column] != rows[row, column])
            order = np.lexsort((np.arange(n_rows), distances))
            result[row] = order[order != row][:k]
    return result


def difficult_rows(kind, n_rows, n_columns):
    generator = np.random.default_rng(7)
    normal = generator.standard_normal((n_rows, n_columns))
    lattice = generator.integers(0, 3, (n_rows, n_columns)).astype(float)
    return {
        "normal": normal,
        "lattice full of ties": lattice,
        "every row several times": normal[generator.integers(0, n_rows // 5, n_rows)],
        "all rows equal": np.ones((n_rows, n_columns)),
        "constant columns": np.hstack([normal[:, :1], np.full((n_rows, n_columns - 1), 3.3)]),
        "large offset": 1e8 + normal,
        "large offset on a lattice": 1e8 + lattice,
        "two distant clusters": normal + 1e6 * (np.arange(n_rows) % 2)[:, None],
        "heavy tails": generator.standard_t(1, (n_rows, n_columns)) ** 3,
        "magnitudes from 1e-30 to 1e30": 10.0 ** generator.integers(-30, 30, (n_rows, n_columns)),
        "squares underflow": 1e-160 * generator.integers(0, 9, (n_rows, n_columns)),
        "squares vanish": 1e-200 * generator.integers(0, 9, (n_rows, n_columns)),
        "squares overflow": 1e200 * normal,
        "differences overflow": 1e308 * np.clip(normal, -1.7, 1.7),
        "sorted": np.sort(normal, axis=0),
    }[kind]


KINDS = [
    "normal",
    "lattice full of ties",
    "every row several times",
    "all rows equal",
    "constant columns",
    "large offset",
    "large offset on a lattice",
    "two distant clusters",
    "heavy tails",
    "magnitudes from 1e-30 to 1e30",
    "squares underflow",
    "squares vanish",
    "squares overflow",
    "differences overflow",
    "sorted",
]


@pytest.mark.parametrize("shape", [(300, 2), (1100, 9), (400, 40)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_every_method_gives_the_neighbours_of_the_definition(kind, shape):
    rows = difficult_rows(kind, *shape)
    expected = by_definition(rows, 5)
    np.testing.assert_array_equal(nearest_neighbors(rows, 5), expected)
    np.testing.assert_array_equal(module._search_blocked(rows, 5), expected)
    np.testing.assert_array_equal(nearest_neighbors(sparse.csr_matrix(rows), 5), expected)


@given(
    rows=hnp.arrays(
        np.float64,
        st.tuples(st.integers(2, 40), st.integers(1, 6)),
        elements=st.integers(-3, 3).map(float) | st.floats(-1e9, 1e9),
    ),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_small_tables_agree_with_the_definition(rows, data):
    k = data.draw(st.integers(1, len(rows) - 1))
    n_nominal = data.draw(st.integers(0, rows.shape[1]))
    penalty = data.draw(st.sampled_from([0.0, 0.5, 7.0]))
    expected = by_definition(rows, k, n_nominal, penalty)
    found = nearest_neighbors(rows, k, n_nominal=n_nominal, nominal_penalty=penalty)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(module._search_blocked(rows, k), by_definition(rows, k))


def test_nominal_columns_split_nodes_of_the_tree():
    generator = np.random.default_rng(0)
    rows = np.hstack([generator.standard_normal((900, 2)), generator.integers(0, 4, (900, 5))])
    found = nearest_neighbors(rows, 4, n_nominal=5, nominal_penalty=0.3)
    np.testing.assert_array_equal(found, by_definition(rows, 4, 5, 0.3))


def test_neighbours_of_generic_data_are_those_of_scikit_learn():
    rows = np.random.default_rng(1).standard_normal((3000, 12))
    peer = NearestNeighbors(n_neighbors=6).fit(rows).kneighbors(rows, return_distance=False)
    np.testing.assert_array_equal(nearest_neighbors(rows, 5), peer[:, 1:])


def test_switches_to_double_precision_where_single_cannot_tell_rows_apart(monkeypatch):
    used = []
    original = module._Screening.__init__

    def record(self, points, dtype):
        used.append(dtype)
        original(self, points, dtype)

    monkeypatch.setattr(module._Screening, "__init__", record)
    generator = np.random.default_rng(2)
    rows = generator.standard_normal((4200, 3)) + 1e6 * generator.integers(0, 2, (4200, 1))
    tree = nearest_neighbors(rows, 3)
    np.testing.assert_array_equal(module._search_blocked(rows, 3), tree)
    assert used == [np.float32, np.float64]


@pytest.mark.parametrize("n_columns", [3, 60])
def test_result_does_not_depend_on_the_number_of_threads(n_columns):
    rows = np.random.default_rng(3).integers(0, 4, (6000, n_columns)).astype(float)
    most = numba.get_num_threads()
    results = []
    for threads in {1, most}:
        numba.set_num_threads(threads)
        try:
            results.append(nearest_neighbors(rows, 5))
        finally:
            numba.set_num_threads(most)
    with threadpool_limits(1):
        results.append(nearest_neighbors(rows, 5))
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_thread_count_obeys_every_limit():
    most = numba.get_num_threads()
    with threadpool_limits(1, user_api="openmp"):
        assert thread_count() == 1
    with threadpool_limits(1, user_api="blas"):
        assert thread_count() == 1
    numba.set_num_threads(1)
    assert thread_count() == 1
    numba.set_num_threads(most)
    assert 1 <= thread_count() <= most


def test_searches_at_the_same_time_leave_the_blas_limit_as_it_was():
    rows = np.random.default_rng(4).standard_normal((3000, 50))
    before = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    results = [None, None]

    def search(number):
        results[number] = nearest_neighbors(rows, 3)

    threads = [threading.Thread(target=search, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(results[0], results[1])
    assert [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"] == before


def test_kernels_compile_where_no_folder_can_be_written_to(monkeypatch):
    monkeypatch.setattr("numba.core.caching.CompileResultCacheImpl._locator_classes", [])
    assert kernel(lambda value: value + 1)(2) == 3


def test_permuting_the_rows_permutes_the_neighbours():
    generator = np.random.default_rng(5)
    rows = generator.standard_normal((500, 4))
    order = generator.permutation(500)
    place = np.argsort(order)
    np.testing.assert_array_equal(nearest_neighbors(rows[order], 6), place[nearest_neighbors(rows, 6)[order]])


def test_a_twin_is_a_neighbour_and_the_row_itself_is_not():
    rows = [[0.0, 0.0], [5.0, 5.0], [0.0, 0.0], [9.0, 9.0]]
    np.testing.assert_array_equal(nearest_neighbors(rows, 1).ravel(), [2, 3, 0, 1])


def test_unsorted_sparse_indices_and_repeated_entries_are_summed_first():
    matrix = sparse.csr_matrix(
        (np.array([1.0, 2.0, 3.0, 1.0]), np.array([2, 0, 0, 1]), np.array([0, 2, 4, 4])), shape=(3, 3)
    )
    repeated = sparse.csr_matrix(
        (np.array([1.0, 1.5, 0.5, 3.0, 1.0]), np.array([2, 0, 0, 0, 1]), np.array([0, 3, 5, 5])), shape=(3, 3)
    )
    expected = by_definition(matrix.toarray(), 2)
    np.testing.assert_array_equal(nearest_neighbors(matrix, 2), expected)
    np.testing.assert_array_equal(nearest_neighbors(repeated, 2), expected)
    assert repeated.nnz == 5


@pytest.mark.parametrize("k", [0, 4, -1])
def test_k_out_of_range_names_the_range(k):
    with pytest.raises(ValueError, match=rf"k must lie within 1 and 3 for 4 rows, found {k}"):
        nearest_neighbors(np.zeros((4, 2)), k)


def test_rows_that_are_not_finite_or_not_a_table_are_refused():
    with pytest.raises(ValueError, match="found 1 NaN or infinite"):
        nearest_neighbors([[1.0], [np.nan]], 1)
    with pytest.raises(ValueError, match="two dimensions"):
        nearest_neighbors([1.0, 2.0], 1)
    with pytest.raises(ValueError, match="n_nominal must lie within"):
        nearest_neighbors(np.zeros((3, 2)), 1, n_nominal=3)
    with pytest.raises(ValueError, match="nominal_penalty must not be negative"):
        nearest_neighbors(np.zeros((3, 2)), 1, n_nominal=1, nominal_penalty=-1.0)
    with pytest.raises(ValueError, match="n_nominal must be 0 for a sparse matrix"):
        nearest_neighbors(sparse.csr_matrix(np.eye(3)), 1, n_nominal=1)
