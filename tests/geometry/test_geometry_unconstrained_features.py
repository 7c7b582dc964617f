"""The exact optimum against reference values, direct optimisation and minimisation of the scalar problem."""

from __future__ import annotations

import numpy as np
import pytest
from geometry_problems import Model, fixtures, load
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from repro.geometry import ufm_gap, ufm_mse

# class sizes, lambda_W, lambda_H, dims, bias
CASES = {
    "dead class, unequal penalties": ([9, 6, 3, 1], [0.06, 0.02], 0.04, (5, 6), False),
    "imbalanced with bias": ([8, 5, 2, 2], [0.02], 0.03, (6,), True),
    "imbalanced with bias, deep": ([8, 5, 4, 2], [0.01, 0.02], 0.01, (5, 5), True),
    "merged classes": ([20, 10, 3, 3], [0.05], 0.05, (5,), True),
    "narrow features": ([7, 5, 3, 2], [0.02], 0.02, (2,), False),
    "narrow middle layer": ([7, 5, 3, 2], [0.01, 0.02, 0.01], 0.02, (5, 2, 4), False),
    "narrow with bias": ([6, 5, 3, 2], [0.01, 0.01], 0.02, (6, 2), True),
    "balanced, six layers": ([3, 3, 3], [0.01] * 6, 0.01, (4,) * 6, False),
}


def solved(case):
    sizes, lambda_W, lambda_H, dims, bias = CASES[case]
    return ufm_mse(sizes, lambda_W, lambda_H, dims, bias), Model(sizes, lambda_W, lambda_H, dims, bias=bias)


@pytest.mark.parametrize("path", fixtures("ufm"), ids=lambda path: path.stem)
def test_optima_agree_with_the_reference(path):
    problem = load(path)
    expected = problem["expected"]
    optimum = ufm_mse(
        problem["class_sizes"], problem["lambda_W"], problem["lambda_H"], problem["layer_input_dims"],
        bias=problem["bias"] != "none",
    )  # fmt: skip
    assert optimum.loss == pytest.approx(expected["loss"], abs=1e-12)
    assert optimum.thresholds.b == pytest.approx(expected["b_threshold"], rel=1e-12)
    weights = [np.inf if b is None else b for b in expected["b"]]
    for found, wanted in [
        (optimum.spectrum, expected["spectrum_of_labels"]),
        (optimum.x, expected["x"]),
        (optimum.b, weights),
        (optimum.singular_values, expected["layer_singular_values"]),
        (np.sqrt(optimum.squared_singular_values), expected["product_singular_values"]),
        (optimum.w_norms, expected["w_norms"]),
        (optimum.h_norms, expected["h_norms"]),
        (optimum.W_gram, expected["W_gram"]),
        (optimum.H_gram, expected["H_gram"]),
        (optimum.logits, expected["logits_of_class_means"]),
    ]:
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)
    if "bias" in expected:
        np.testing.assert_allclose(optimum.bias, expected["bias"], rtol=1e-12)
    if "loss_increase_if_class_dropped" in expected:
        points = {tuple(np.flatnonzero(~point.alive)): point.loss for point in optimum.stationary_points()}
        dropped = [points[(k,)] - optimum.loss for k in range(4)]
        np.testing.assert_allclose(dropped, expected["loss_increase_if_class_dropped"], rtol=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_the_optimum_is_a_stationary_point_of_the_model_with_this_loss_and_geometry(case):
    optimum, model = solved(case)
    point = model.constructed(optimum)
    value, gradient = model.value_and_gradient(point)
    assert value == pytest.approx(optimum.loss, abs=1e-14)
    assert np.abs(gradient).max() < 1e-12
    W_gram, H_gram, logits, within, _ = model.geometry(point)
    np.testing.assert_allclose(optimum.W_gram, W_gram, atol=1e-12)
    np.testing.assert_allclose(optimum.H_gram, H_gram, atol=1e-12)
    np.testing.assert_allclose(optimum.logits, logits, atol=1e-12)
    np.testing.assert_allclose(optimum.w_norms**2, np.diag(W_gram), atol=1e-12)
    np.testing.assert_allclose(optimum.h_norms**2, np.diag(H_gram), atol=1e-12)
    assert within < 1e-12


@pytest.mark.parametrize("case", CASES)
def test_no_start_of_the_optimiser_ends_below_and_the_best_ends_there(case):
    optimum, model = solved(case)
    near = model.constructed(optimum) + model.random_start(9, 0.1)
    ends = [model.minimise(start) for start in [near, *(model.random_start(seed) for seed in range(3))]]
    best = min(ends, key=lambda end: end.fun)
    assert best.fun == pytest.approx(optimum.loss, abs=1e-11)
    W_gram, H_gram, logits, _, bias = model.geometry(best.x)
    np.testing.assert_allclose(W_gram, optimum.W_gram, atol=1e-4)
    np.testing.assert_allclose(H_gram, optimum.H_gram, atol=1e-4)
    np.testing.assert_allclose(logits, optimum.logits, atol=1e-4)
    if optimum.bias is not None:
        np.testing.assert_allclose(bias, optimum.bias, atol=1e-4)


@settings(deadline=None, max_examples=60)
@given(
    n_layers=st.integers(1, 9),
    sizes=st.lists(st.integers(1, 1000), min_size=2, max_size=6),
    exponents=st.lists(st.floats(-6, -0.5), min_size=10, max_size=10),
)
def test_each_direction_solves_its_scalar_problem(n_layers, sizes, exponents):
    optimum = ufm_mse(sizes, [10.0**e for e in exponents[:n_layers]], 10.0 ** exponents[9])
    grid = np.concatenate([[0.0], np.geomspace(1e-8, 1e8, 4001)])
    for b, x in zip(optimum.b, optimum.x, strict=True):

        def g(x, b=b):
            return 1 / (1 + x**n_layers) + b * x

        place = int(np.argmin(g(grid)))
        around = grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)]
        found = minimize_scalar(g, bounds=around, method="bounded", options={"xatol": 1e-14})
        assert g(x) <= min(found.fun, 1.0) + 1e-14
        if x > 0:
            assert b * (1 + x**n_layers) ** 2 == pytest.approx(n_layers * x ** (n_layers - 1), rel=1e-11, abs=0)


@pytest.mark.parametrize("n_layers", [1, 2, 3, 6, 9])
@pytest.mark.parametrize("bias", [False, True])
def test_a_class_dies_at_the_threshold(n_layers, bias):
    # the two classes of equal size are one direction of their own in the model with bias
    sizes, lambda_H = [40, 20, 5, 5], 0.01
    n = sum(sizes)
    threshold = {1: 1.0, 2: 0.5, 3: 0.5291336839893998, 6: 0.6372, 9: 0.7055}[n_layers]
    start = ufm_mse(sizes, [0.01] * n_layers, lambda_H, bias=bias).thresholds
    assert start.b == pytest.approx(threshold, abs=1e-4)
    # (M N / n_k) (N P)^(1/M) = b_c for n_k = 5
    penalty = (start.b * 5 / (n_layers * n)) * (n * lambda_H) ** (-1 / n_layers)
    below, above = (
        ufm_mse(sizes, [penalty * factor] * n_layers, lambda_H, bias=bias) for factor in (1 - 1e-9, 1 + 1e-9)
    )
    assert below.thresholds.class_size == pytest.approx(5, rel=1e-8)
    assert below.loss == pytest.approx(above.loss, rel=1e-7)
    row = below.logits[2] - below.logits[3]
    jump = (n_layers - 1) / n_layers
    assert row[2] == pytest.approx(jump, abs=1e-4)
    np.testing.assert_array_equal(above.alive, [True, True, False, False])
    if bias:
        np.testing.assert_allclose(above.W_gram[2], above.W_gram[3], atol=1e-12)
        assert above.w_norms[3] > 0.1
        assert np.abs(below.W_gram[2] - below.W_gram[3]).max() > (0.1 if n_layers > 1 else 1e-12)
    else:
        np.testing.assert_array_equal(below.alive, [True] * 4)
        np.testing.assert_array_equal(above.W_gram[2:], 0)
        np.testing.assert_array_equal(above.H_gram[2:], 0)


def test_between_the_thresholds_a_root_exists_but_zero_is_better():
    for n_layers, stationary in [(2, 0.6495), (3, 0.8399)]:
        optimum = ufm_mse([10, 10], [1.0] * n_layers, 1.0)
        assert optimum.thresholds.b_stationary == pytest.approx(stationary, abs=1e-4)
        middle = (optimum.thresholds.b + optimum.thresholds.b_stationary) / 2
        factor = (middle / optimum.b[0]) ** (n_layers / (n_layers + 1))
        dead = ufm_mse([10, 10], [factor] * n_layers, factor)
        np.testing.assert_allclose(dead.b, middle)
        assert not dead.alive.any()
        assert dead.loss == 0.5
        losses = [point.loss for point in dead.local_minima()]
        assert losses[0] == 0.5
        assert min(losses[1:]) > 0.5


@settings(deadline=None, max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=2, max_size=7, unique=True),
    seed=st.integers(0, 1000),
    n_layers=st.integers(1, 4),
    bias=st.booleans(),
    width=st.integers(1, 8),
)
def test_permuting_the_classes_permutes_the_result(sizes, seed, n_layers, bias, width):
    order = np.random.default_rng(seed).permutation(len(sizes))
    arguments = ([0.003] * n_layers, 0.004, [width] * n_layers, bias)
    first, second = ufm_mse(sizes, *arguments), ufm_mse(np.array(sizes)[order], *arguments)
    assert second.loss == pytest.approx(first.loss, rel=1e-12)
    for name in ("W_gram", "H_gram", "logits"):
        np.testing.assert_allclose(getattr(second, name), getattr(first, name)[np.ix_(order, order)], atol=1e-9)
    np.testing.assert_allclose(second.w_norms, first.w_norms[order], atol=1e-9)
    if not bias:
        np.testing.assert_array_equal(second.alive, first.alive[order])
        np.testing.assert_allclose(second.singular_values, first.singular_values[:, order])


def test_balanced_classes_give_an_orthogonal_frame_or_a_simplex():
    free, biased = ufm_mse([30] * 5, [1e-3, 2e-3], 1e-3), ufm_mse([30] * 5, [1e-3, 2e-3], 1e-3, bias=True)
    simplex = np.eye(5) - 0.2
    for name in ("W_gram", "H_gram", "logits"):
        orthogonal, equiangular = getattr(free, name), getattr(biased, name)
        np.testing.assert_allclose(orthogonal, orthogonal[0, 0] * np.eye(5), atol=1e-12)
        np.testing.assert_allclose(equiangular, equiangular[0, 0] / 0.8 * simplex, atol=1e-12)
    np.testing.assert_allclose(biased.bias, 0.2)
    # fewer dimensions than classes: a projection of that rank
    narrow = ufm_mse([30] * 5, [1e-3, 2e-3], 1e-3, dims=(9, 3), bias=True)
    values = np.linalg.eigvalsh(narrow.W_gram)
    np.testing.assert_allclose(values, [0, 0, *[narrow.squared_singular_values[0]] * 3], atol=1e-12)


def test_the_published_shapes_of_the_imbalanced_network_come_out():
    sizes = np.repeat([500, 400, 300, 200, 100], 2)
    ratios = {
        1: ([1.497, 1.415, 1.317, 1.190, 1], [0.669, 0.708, 0.760, 0.841, 1]),
        3: ([1.830, 1.683, 1.510, 1.297, 1], [0.547, 0.595, 0.662, 0.771, 1]),
        6: ([1.994, 1.812, 1.602, 1.346, 1], [0.502, 0.552, 0.625, 0.743, 1]),
    }
    for n_layers, (rows, features) in ratios.items():
        optimum = ufm_mse(sizes, [1e-5] * n_layers, 1e-5)
        np.testing.assert_allclose(optimum.w_norms[::2] / optimum.w_norms[-1], rows, atol=6e-4)
        np.testing.assert_allclose(optimum.h_norms[::2] / optimum.h_norms[-1], features, atol=6e-4)
    assert ufm_mse([200, 100, 50, 50], [5e-4] * 3, 5e-4).loss == pytest.approx(0.01221840, abs=6e-9)
    assert ufm_mse([200, 100, 50, 50], [5e-4] * 6, 5e-4).loss == pytest.approx(0.01322035, abs=6e-9)


@pytest.mark.parametrize(("n_layers", "bias"), [(2, False), (3, False), (2, True)])
def test_every_run_of_the_optimiser_ends_at_a_listed_local_minimum(n_layers, bias):
    sizes, lambda_W, dims = [6, 4, 3, 1], [0.015] * n_layers, [5] * n_layers
    listed = [point.loss for point in ufm_mse(sizes, lambda_W, 0.01, dims, bias).local_minima()]
    model = Model(sizes, lambda_W, 0.01, dims, bias=bias)
    ends = [model.minimise(model.random_start(seed, 0.3)).fun for seed in range(10)]
    distance = [min(abs(end - loss) for loss in listed) for end in ends]
    assert max(distance) < 1e-9
    assert len({round(end, 8) for end in ends}) > 1


@pytest.mark.parametrize("n_layers", [1, 2, 3])
def test_stationary_points_are_minima_or_saddles_as_marked(n_layers):
    sizes, lambda_W, dims = [5, 3, 2], [0.01] * n_layers, [3] * n_layers
    optimum = ufm_mse(sizes, lambda_W, 0.01, dims)
    model = Model(sizes, lambda_W, 0.01, dims)
    points = optimum.stationary_points()
    assert len(points) == 8
    for point in points:
        values = optimum.singular_values * point.alive
        layers = [np.diag(row) for row in values]
        W = np.linalg.multi_dot([*layers[::-1], np.eye(3)]) if n_layers > 1 else layers[0]
        H = (W.T / (np.diag(W) ** 2 + model.n * 0.01))[:, model.labels]
        flat = np.concatenate([*(layer.ravel() for layer in layers), H.ravel(), np.zeros(3)])
        value, gradient = model.value_and_gradient(flat)
        assert value == pytest.approx(point.loss, abs=1e-14)
        assert np.abs(gradient).max() < 1e-14
        free = np.eye(flat.size)[:-3]
        rows = [
            model.value_and_gradient(flat + 1e-5 * unit)[1] - model.value_and_gradient(flat - 1e-5 * unit)[1]
            for unit in free
        ]
        hessian = np.array(rows)[:, :-3] / 2e-5
        lowest = np.linalg.eigvalsh((hessian + hessian.T) / 2)[0]
        assert (lowest > -1e-8) == point.is_minimum, (point, lowest)
    minima = [point for point in points if point.is_minimum]
    assert sorted(point.loss for point in minima) == sorted(point.loss for point in optimum.local_minima())
    assert len(minima) == (1 if n_layers == 1 else 4)
    assert min(point.loss for point in minima) == pytest.approx(optimum.loss, abs=1e-15)


def test_the_rank_limits_the_local_minima_too():
    optimum = ufm_mse([9, 7, 5, 3], [1e-3, 1e-3], 1e-3, dims=(2, 8))
    assert [int(point.alive.sum()) for point in optimum.local_minima()] == [0, 1, 2]
    assert max(int(point.alive.sum()) for point in optimum.stationary_points()) == 2
    single = ufm_mse([9, 7, 5, 3], [1e-3], 1e-3, dims=(2,))
    assert [point.loss for point in single.local_minima()] == [pytest.approx(single.loss)]


def test_small_and_large_penalties_keep_all_digits():
    tiny = ufm_mse([1000, 1], [1e-200, 1e-150], 1e-12)
    assert tiny.alive.all()
    np.testing.assert_allclose(tiny.b * (1 + tiny.x**2) ** 2, 2 * tiny.x, rtol=1e-10)
    huge = ufm_mse([1000, 1], [1e200, 1e200], 1e200)
    assert not huge.alive.any()
    assert huge.loss == 0.5


@pytest.mark.parametrize("bias", [False, True])
def test_a_hundred_thousand_classes_take_no_square_of_memory(bias):
    sizes = np.random.default_rng(0).integers(1, 1000, 100_000)
    optimum = ufm_mse(sizes, [1e-9, 1e-9], 1e-9, bias=bias)
    assert optimum.singular_values.shape == (2, 100_000)
    assert sum(np.asarray(field).nbytes for field in vars(optimum).values()) < 10e6


def test_results_cannot_be_changed():
    optimum = ufm_mse([3, 2], [0.01], 0.01)
    with pytest.raises(AttributeError):
        optimum.loss = 1.0
    with pytest.raises(ValueError, match="read-only"):
        optimum.x[0] = 1.0


def test_the_gap_is_relative_to_the_optimum_and_never_negative():
    arguments = ([6, 4, 2], [0.01, 0.02], 0.01, (5, 5), True)
    model, optimum = Model(*arguments[:4], bias=True), ufm_mse(*arguments)
    for seed in range(5):
        value = model.value_and_gradient(model.random_start(seed, 0.3))[0]
        assert ufm_gap(value, *arguments) == pytest.approx(value / optimum.loss - 1, rel=1e-12)
        assert ufm_gap(value, *arguments) > 0
    np.testing.assert_allclose(ufm_gap(optimum.loss * np.array([1.0, 2.0]), *arguments), [0, 1], atol=1e-15)
