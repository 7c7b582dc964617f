"""Random-vector networks against ridge regression, the formulas written out, and exact cases."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

from repro.closed_form import RandomVectorLink, discriminant_graph, fuzzy_scores, solve_link
from repro.ground.exceptions import UnknownName


@parametrize_with_checks(
    [
        RandomVectorLink(random_state=0),
        RandomVectorLink(10, weights="classes", scores=1.0, graph=0.1, random_state=0),
        RandomVectorLink(10, weights="classes", form="released", random_state=0),
    ]
)
def test_it_keeps_the_conventions_of_scikit_learn(estimator, check) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_breast_cancer(return_X_y=True)
    kept = (y == 1) | (np.arange(len(y)) % 4 == 0)
    return X[kept][:200], y[kept][:200] == 0


@pytest.mark.parametrize("C", [0.01, 1.0, 1e4])
def test_the_plain_network_is_ridge_regression_on_random_features(rows, C: float) -> None:
    X, y = rows
    network = RandomVectorLink(60, C, random_state=3).fit(X, y)
    Z = network._features(network._scaler.transform(X))
    peer = Ridge(2 / C, fit_intercept=False, solver="cholesky").fit(Z, np.where(y, 1.0, -1.0))
    assert network.decision_function(X) == pytest.approx(peer.predict(Z), abs=1e-8)


@pytest.mark.parametrize("form", ["least_squares", "released"])
@pytest.mark.parametrize("graphed", [False, True])
def test_weights_scores_and_graph_stand_in_the_system_where_they_belong(rows, form: str, graphed: bool) -> None:
    X, flags = rows
    Z = np.hstack([(X[:, :5] - X[:, :5].mean(axis=0)) / X[:, :5].std(axis=0), np.ones((len(X), 1))])
    scores = np.random.default_rng(0).uniform(0, 1, len(X))
    G = discriminant_graph(Z, flags)
    C, strength = 10.0, 0.3
    l_p = C
    l_n = C * flags.sum() / (~flags).sum()
    s = scores * np.where(flags, 1 + (~flags).sum() / flags.sum(), 1 + flags.sum() / (~flags).sum())
    S = np.diag(s)
    Y = np.stack([~flags, flags], axis=1).astype(float)
    left = (1 / l_p + 1 / l_n) * (np.eye(6) + strength * graphed * G) + Z.T @ S**2 @ Z
    beta = np.linalg.solve(left, Z.T @ (S if form == "released" else S**2) @ Y)
    found = solve_link(
        Z,
        flags,
        [C],
        weights="classes",
        scores=scores,
        graph=G if graphed else None,
        strengths=[strength],
        form=form,
    )
    assert found[0, 0] == pytest.approx(beta[:, 1] - beta[:, 0], rel=1e-7)


@pytest.mark.parametrize("graph", [0.0, 0.1])
def test_a_path_gives_what_single_fits_give(rows, graph: float) -> None:
    X, y = rows
    penalties = [0.01, 1.0, 100.0]
    path = RandomVectorLink(20, graph=graph, weights="classes", random_state=1).fit_path(X, y, penalties)
    for C, network in zip(penalties, path, strict=True):
        single = RandomVectorLink(20, C, graph=graph, weights="classes", random_state=1).fit(X, y)
        assert network.C == C
        assert network.decision_function(X) == pytest.approx(single.decision_function(X), rel=1e-8)


def test_scores_are_those_of_a_loop_over_the_definition(rows) -> None:
    X, flags = rows
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    width = np.sqrt(30)
    kernel = np.array([[np.exp(-((a - b) ** 2).sum() / width**2) for b in X] for a in X])
    r = np.array(
        [
            np.sqrt(
                1
                - 2 * np.mean([kernel[i, j] for j in np.flatnonzero(flags == flags[i])])
                + kernel[np.ix_(flags == flags[i], flags == flags[i])].mean()
            )
            for i in range(len(X))
        ]
    )
    expected = []
    for i in range(len(X)):
        m = 1 - r[i] / (r[flags == flags[i]].max() + 1e-4)
        near = np.sqrt(np.maximum(2 * (1 - kernel[i]), 0)) < r.max()
        v = (1 - m) * (flags[near] != flags[i]).mean()
        expected.append(m if v == 0 else 0.0 if m <= v else (1 - v) / (2 - m - v))
    found = fuzzy_scores(X, flags, [width, 0.01])
    assert found[0] == pytest.approx(expected)
    assert found[1] == pytest.approx(np.zeros(len(X)), abs=1e-3), "the kernel is the identity: nobody belongs anywhere"
    assert (fuzzy_scores(X, flags, 0.01) == found[1]).all()


def test_an_outlier_among_the_other_class_has_score_0() -> None:
    generator = np.random.default_rng(0)
    X = np.vstack([generator.normal(0, 0.3, (60, 2)), generator.normal(5, 0.3, (30, 2)), [[0.0, 0.0]]])
    scores = fuzzy_scores(X, np.arange(91) >= 60, 2.0)
    assert scores[90] == 0
    assert np.median(scores[:90]) > 0.5


def test_beyond_the_cap_means_are_over_a_part_of_the_rows(rows) -> None:
    generator = np.random.default_rng(5)
    flags = np.arange(3000) % 10 == 0
    X = generator.standard_normal((3000, 3)) + flags[:, None]
    whole, part = (fuzzy_scores(X, flags, 2.0, max_rows=most, random_state=0) for most in (3000, 1500))
    assert np.corrcoef(whole, part)[0, 1] > 0.95
    assert not np.array_equal(whole, part)


def test_the_graph_is_the_pseudo_inverse_written_out(rows) -> None:
    X, flags = rows
    Z = (X[:, :6] - X[:, :6].mean(axis=0)) / X[:, :6].std(axis=0)
    means = {kind: Z[flags == kind].mean(axis=0) for kind in (False, True)}
    within = sum(np.outer(z - means[kind], z - means[kind]) for z, kind in zip(Z, flags, strict=True))
    between = sum(
        (flags == kind).sum() * np.outer(mean - Z.mean(axis=0), mean - Z.mean(axis=0)) for kind, mean in means.items()
    )
    expected = np.linalg.pinv(between + 1e-3 * np.eye(6)) @ within
    assert discriminant_graph(Z, flags) == pytest.approx(expected, rel=1e-6, abs=1e-6 * np.abs(expected).max())


def test_fewer_rows_than_nodes_and_a_constant_column_have_a_solution() -> None:
    X = np.column_stack([np.arange(12.0), np.ones(12)])
    network = RandomVectorLink(500, 1e6, weights="classes", graph=0.1, random_state=0).fit(X, np.arange(12) > 7)
    assert (network.predict(X) == (np.arange(12) > 7)).all()


def test_wrong_arguments_are_named(rows) -> None:
    X, y = rows
    with pytest.raises(ValueError, match=r"y must hold two classes, got 1 class: "):
        RandomVectorLink().fit(X, np.zeros(len(y)))
    with pytest.raises(ValueError, match=r"y must hold two classes, got 3 classes: \[0, 1, 2\]"):
        fuzzy_scores(X[:3], [0, 1, 2], 1.0)
    with pytest.raises(ValueError, match="C must be"):
        RandomVectorLink(C=0).fit(X, y)
    with pytest.raises(ValueError, match="C must be"):
        RandomVectorLink().fit_path(X, y, [1.0, -1.0])
    with pytest.raises(ValueError, match="width must be"):
        fuzzy_scores(X, y, [1.0, 0.0])
    with pytest.raises(ValueError, match="scores must be"):
        RandomVectorLink(scores=0.0).fit(X, y)
    for wrong in ({"weights": "balanced"}, {"form": "ridge"}):
        with pytest.raises(UnknownName, match=f"unknown {next(iter(wrong))}"):
            RandomVectorLink(**wrong).fit(X, y)
