"""Simplex frame, pairs and mixed features against reference values and direct optimisation."""

from __future__ import annotations

import numpy as np
import pytest
from geometry_problems import Model, fixtures, load
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from repro.geometry import mixup_ufm, ufm_ce_etf, ufm_ce_pairs


@pytest.mark.parametrize("path", fixtures("ce"), ids=lambda path: path.stem)
def test_frames_and_pairs_agree_with_the_reference(path):
    problem = load(path)
    expected = problem["expected"]
    arguments = (problem["K"], problem["n_per_class"], problem["lambda_W"], problem["lambda_H"])
    etf, pairs = ufm_ce_etf(*arguments), ufm_ce_pairs(*arguments)
    assert etf.loss == pytest.approx(expected["etf_loss"], abs=1e-12)
    assert etf.logit_scale == pytest.approx(expected["etf_logit_scale_z"], abs=1e-6)
    assert pairs.loss == pytest.approx(expected["pair_configuration"]["loss"], abs=1e-12)
    assert pairs.singular_value == pytest.approx(expected["pair_configuration"]["singular_value"], abs=1e-6)
    assert (etf.loss <= pairs.loss) == expected["etf_is_best"]
    assert min(etf.loss, pairs.loss) == pytest.approx(expected["best_loss_found"], abs=1e-12)


@pytest.mark.parametrize(
    ("n_classes", "n_layers", "penalty", "n", "etf", "pairs"),
    [(10, 2, 2e-3, 2, 0.131862, 0.116382), (5, 2, 5e-3, 3, 0.151027258, None), (5, 3, 5e-3, 3, 0.138767484, None)],
)
def test_losses_found_by_optimisation_elsewhere_come_out(n_classes, n_layers, penalty, n, etf, pairs):
    arguments = (n_classes, n, [penalty] * n_layers, penalty)
    assert ufm_ce_etf(*arguments).loss == pytest.approx(etf, abs=1e-6)
    if pairs is not None:
        assert ufm_ce_pairs(*arguments).loss == pytest.approx(pairs, abs=1e-6)


def family(n_classes, n_layers, product, scale, pairs):
    """Loss from explicit logits and the best factorisation, written down a second time."""
    if pairs:
        logits = np.kron(np.eye(n_classes // 2), scale / 2 * np.array([[1, -1], [-1, 1]]))
        rank = n_classes // 2
    else:
        logits = scale * (np.eye(n_classes) - 1 / n_classes)
        rank = n_classes - 1
    cross_entropy = -np.diag(log_softmax(logits, axis=0)).mean()
    return cross_entropy + rank * (n_layers + 1) / 2 * product ** (1 / (n_layers + 1)) * scale ** (2 / (n_layers + 1))


@settings(deadline=None, max_examples=60)
@given(
    n_classes=st.integers(1, 20).map(lambda half: 2 * half),
    n=st.integers(1, 50),
    exponents=st.lists(st.floats(-5, -0.3), min_size=2, max_size=7),
    pairs=st.booleans(),
)
def test_both_minimise_over_their_family(n_classes, n, exponents, pairs):
    *layers, features = (10.0**e for e in exponents)
    product = n * features * np.prod(layers)
    found = (ufm_ce_pairs if pairs else ufm_ce_etf)(n_classes, n, layers, features)
    scale = found.singular_value if pairs else found.logit_scale
    assert found.loss == pytest.approx(family(n_classes, len(layers), product, scale, pairs), rel=1e-12)
    grid = np.concatenate([[0.0], np.geomspace(1e-4, 100, 300)])
    assert found.loss <= min(family(n_classes, len(layers), product, z, pairs) for z in grid) + 1e-12


@pytest.mark.parametrize(("n_classes", "n_layers", "penalty"), [(4, 1, 5e-3), (2, 3, 6e-3), (3, 2, 6e-3)])
def test_the_optimiser_finds_the_frame_where_it_is_best(n_classes, n_layers, penalty):
    etf = ufm_ce_etf(n_classes, 3, [penalty] * n_layers, penalty)
    model = Model([3] * n_classes, [penalty] * n_layers, penalty, [5] * n_layers, loss="ce")
    best = min((model.minimise(model.random_start(seed)) for seed in range(4)), key=lambda end: end.fun)
    assert best.fun == pytest.approx(etf.loss, abs=1e-10)
    logits = model.geometry(best.x)[2]
    np.testing.assert_allclose(logits, etf.logit_scale * (np.eye(n_classes) - 1 / n_classes), atol=1e-4)


def test_the_optimiser_finds_less_than_the_frame_with_six_classes_and_two_layers():
    etf, pairs = ufm_ce_etf(6, 2, [2e-3] * 2, 2e-3), ufm_ce_pairs(6, 2, [2e-3] * 2, 2e-3)
    model = Model([2] * 6, [2e-3] * 2, 2e-3, [7, 7], loss="ce")
    best = min(model.minimise(model.random_start(seed)).fun for seed in range(6))
    assert pairs.loss < etf.loss - 1e-3
    assert best <= pairs.loss + 1e-9


def test_one_layer_stops_learning_at_its_threshold():
    # K^2 n lambda_W lambda_H = 1
    limit = 1 / (16 * 5 * 0.1)
    below, above = ufm_ce_etf(4, 5, [limit * 0.99], 0.1), ufm_ce_etf(4, 5, [limit * 1.01], 0.1)
    assert 0 < below.logit_scale < 0.1
    assert above.logit_scale == 0
    assert above.loss == pytest.approx(np.log(4), rel=1e-15)
    assert ufm_ce_pairs(4, 5, [1.0], 1.0).singular_value == 0


def simplex(n_classes, row_norm):
    return row_norm * np.sqrt(n_classes / (n_classes - 1)) * (np.eye(n_classes) - 1 / n_classes)


@pytest.mark.parametrize("path", fixtures("mixup"), ids=lambda path: path.stem)
def test_mixed_features_agree_with_the_reference(path):
    problem = load(path)
    for case in problem["cases"]:
        found = mixup_ufm(problem["K"], problem["m"], problem["lambda_H"], case["target_weight"])
        assert found.alpha == pytest.approx(case["alpha"], abs=1e-9)
        assert found.beta == pytest.approx(case["beta"], abs=1e-9)
        assert found.norm == pytest.approx(case["norm_h"], abs=1e-9)
        assert found.loss == pytest.approx(case["loss"], abs=1e-9)
        np.testing.assert_allclose(found.probabilities, case["probabilities"], atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(n_classes=st.integers(2, 12), exponent=st.floats(-4, 1), row_norm=st.floats(0.1, 6), weight=st.floats(0, 1))
def test_the_mixed_feature_has_no_gradient_and_is_symmetric(n_classes, exponent, row_norm, weight):
    penalty = 10.0**exponent
    W = simplex(n_classes, row_norm)
    found, turned = (mixup_ufm(n_classes, row_norm, penalty, t) for t in (weight, 1 - weight))
    h = found.alpha * W[0] + found.beta * W[1]
    target = np.eye(n_classes)[0] * weight + np.eye(n_classes)[1] * (1 - weight)
    gradient = W.T @ (softmax(W @ h) - target) + penalty * h
    assert np.abs(gradient).max() < 1e-10 * (1 + penalty)
    assert found.loss == pytest.approx(-target @ log_softmax(W @ h) + penalty / 2 * h @ h, abs=1e-11)
    assert found.norm == pytest.approx(np.linalg.norm(h), abs=1e-10)
    assert (turned.alpha, turned.beta) == pytest.approx((found.beta, found.alpha), abs=1e-9)
    np.testing.assert_allclose(found.probabilities[:2], softmax(W @ h)[:2], atol=1e-10)


def test_a_numerical_minimum_over_all_features_lies_in_the_span_of_the_two_rows():
    W = simplex(6, 2.0)
    target = np.array([0.3, 0, 0.7, 0, 0, 0])

    def objective(h):
        return -target @ log_softmax(W @ h) + 0.05 / 2 * h @ h

    best = minimize(objective, np.zeros(6), method="BFGS", options={"gtol": 1e-9})
    found = mixup_ufm(6, 2.0, 0.05, 0.7)
    np.testing.assert_allclose(best.x, found.alpha * W[2] + found.beta * W[0], atol=1e-6)
