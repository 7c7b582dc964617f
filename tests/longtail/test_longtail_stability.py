from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy
from sklearn.metrics import accuracy_score, mutual_info_score
from sklearn.metrics.pairwise import paired_cosine_distances

from repro.longtail import oracle_weights, simplex_grid, stability_surface

N, EXPERTS, CLASSES = 211, 3, 5


def make_problem(seed: int = 0, pairs: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, CLASSES, N)
    clean = generator.normal(size=(N, EXPERTS, CLASSES))
    clean[np.arange(N), :, labels] += [2.0, 1.0, 0.2]
    a, b = (clean[:, None] + generator.normal(size=(N, pairs, EXPERTS, CLASSES)) for _ in range(2))
    return a, b, clean, labels


@pytest.mark.parametrize(("n_experts", "step"), [(3, 0.05), (2, 0.1), (1, 0.5), (4, 0.25), (3, 1.0), (3, 1 / 3)])
def test_the_grid_holds_all_weights_once(n_experts: int, step: float) -> None:
    grid = simplex_grid(n_experts, step)
    parts = round(1 / step)
    assert grid.shape == (math.comb(parts + n_experts - 1, n_experts - 1), n_experts)
    assert len(np.unique(grid, axis=0)) == len(grid)
    assert grid.min() >= 0
    np.testing.assert_allclose(grid.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(grid * parts, np.round(grid * parts), atol=1e-12)
    assert grid[0].tolist() == [1.0] + [0.0] * (n_experts - 1)


@pytest.mark.parametrize("pairs", [1, 2])
def test_the_surface_holds_the_values_that_libraries_give(pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, clean, labels = make_problem(pairs=pairs)
    whole = stability_surface(a, b, clean, labels)
    monkeypatch.setattr("repro.longtail.stability._BUFFER", 231 * CLASSES * 8 * 50)  # five blocks, the last smaller
    found = stability_surface(a, b, clean, labels)
    np.testing.assert_array_equal(found.weights, simplex_grid())
    for place in (0, 5, 100, 230):
        weights = found.weights[place]
        p, q = (softmax(np.einsum("npkc,k->npc", view, weights), axis=2).reshape(-1, CLASSES) for view in (a, b))
        logits = np.einsum("nkc,k->nc", clean, weights)
        predictions = logits.argmax(axis=1)
        assert found.cosine[place] == pytest.approx(1 - paired_cosine_distances(p, q).mean(), rel=1e-12)
        assert found.inner_product[place] == pytest.approx((p * q).sum(axis=1).mean(), rel=1e-12)
        assert found.entropy[place] == pytest.approx(entropy(softmax(logits, axis=1), axis=1).mean(), rel=1e-12)
        assert found.accuracy[place] == accuracy_score(labels, predictions)
        assert found.mutual_information[place] == pytest.approx(mutual_info_score(labels, predictions), rel=1e-10)
    for name in ("cosine", "inner_product", "entropy", "accuracy", "mutual_information"):
        np.testing.assert_allclose(getattr(whole, name), getattr(found, name), rtol=1e-12)


def test_single_precision_tensors_without_labels() -> None:
    a, b, clean, labels = make_problem()
    exact = stability_surface(a, b, clean, labels, weights=[[0.2, 0.3, 0.5]])
    found = stability_surface(
        *(torch.tensor(values).float() for values in (a[:, 0], b[:, 0], clean)), weights=[[0.2, 0.3, 0.5]]
    )
    for name in ("cosine", "inner_product", "entropy"):
        np.testing.assert_allclose(getattr(found, name), getattr(exact, name), rtol=1e-5)
    assert np.isnan(found.accuracy).all()
    assert np.isnan(found.mutual_information).all()


def test_equal_views_agree_fully_and_extreme_logits_do_not_overflow() -> None:
    _, _, clean, labels = make_problem()
    found = stability_surface(clean * 1e4, clean * 1e4, clean * 1e4, labels)
    np.testing.assert_allclose(found.cosine, 1.0, rtol=1e-12)
    assert np.isfinite(found.entropy).all()
    assert found.entropy.max() < 0.1


def test_the_oracle_has_the_highest_accuracy_and_prefers_equal_weights() -> None:
    a, b, clean, labels = make_problem()
    surface = stability_surface(a, b, clean, labels)
    best = oracle_weights(clean, labels)
    assert best.accuracy == surface.accuracy.max()
    place = np.flatnonzero((surface.weights == best.weights).all(axis=1))
    assert surface.accuracy[place] == best.accuracy
    same = np.repeat(clean[:, :1], 3, axis=1)
    assert oracle_weights(same, labels).weights.tolist() == [0.35, 0.35, 0.3]
    only = np.zeros((N, 3, CLASSES))
    only[np.arange(N), 2, labels] = 1.0
    only[np.arange(N), :2, (labels + 1) % CLASSES] = 1.0
    assert oracle_weights(only, labels, weights=np.eye(3)).weights.tolist() == [0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"logits": np.zeros((N, 2, CLASSES))}, ValueError, r"logits must have shape \(211, 3, 5\) as the views do"),
        ({"labels": np.zeros(3, dtype=int)}, ValueError, r"labels must have shape \(211,\)"),
        ({"labels": np.full(N, 5)}, ValueError, "labels must lie between 0 and 4"),
        ({"weights": [[1.0, 0.0]]}, ValueError, "one column for each of 3 experts"),
        ({"weights": [["a", "b", "c"]]}, TypeError, "weights must hold real numbers"),
        ({"logits_b": np.zeros((N, 3, 4))}, ValueError, "must have the same shape"),
    ],
)
def test_bad_input_is_refused(change, error, message) -> None:
    a, b, clean, labels = make_problem()
    arguments = {"logits_a": a[:, 0], "logits_b": b[:, 0], "logits": clean, "labels": labels} | change
    with pytest.raises(error, match=message):
        stability_surface(**arguments)


def test_bad_grids_are_refused() -> None:
    for step in (0.3, 2.0):
        with pytest.raises(ValueError, match="step must be 1 divided by a whole number"):
            simplex_grid(3, step)
    with pytest.raises(ValueError, match="n_experts must be at least 1"):
        simplex_grid(0)
