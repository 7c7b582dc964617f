"""PRESTO against reference solutions of another program."""

from __future__ import annotations

import numpy as np
import pytest
from ordinal_problems import FIXTURES, load, naive_objective, naive_probabilities

from repro.ordinal import PrestoClassifier, presto_path

INTERIOR = [path for path in FIXTURES if "p07" not in path.name]
WITH_PATH = [path for path in FIXTURES if path.name[:3] in ("p01", "p02")]
BOUNDARY = next(path for path in FIXTURES if "p07" in path.name)


def fitted(problem, **more):
    return PrestoClassifier(
        problem["lambda"], l1_ratio=problem["l1_ratio"], standardize=problem["standardize"], **more
    ).fit(problem["X"], problem["y"])


@pytest.mark.parametrize("path", INTERIOR, ids=lambda path: path.stem)
def test_interior_optima_agree_with_the_reference(path):
    problem = load(path)
    expected, model = problem["expected"], fitted(problem)
    assert model.objective_ == pytest.approx(expected["objective"], abs=1e-9)
    np.testing.assert_allclose(model.coef_, expected["coef_by_boundary"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(model.intercept_, expected["intercepts"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(model.psi_, expected["psi_by_boundary"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(model.predict_proba(problem["X"][:10]), expected["proba_first10"], rtol=0, atol=1e-6)
    assert np.count_nonzero(model.psi_) == expected["n_nonzero_psi"]
    assert model.gap_ < 1e-9
    assert model.kkt_residual_ < 1e-7


@pytest.mark.parametrize("path", INTERIOR, ids=lambda path: path.stem)
def test_the_objective_is_equation_3_of_the_returned_coefficients(path):
    problem, model = load(path), fitted(load(path))
    again = naive_objective(
        problem["X"], problem["y"] - 1, model.intercept_, model.coef_,
        lam=problem["lambda"], l1_ratio=problem["l1_ratio"], standardize=problem["standardize"],
    )  # fmt: skip
    assert again == pytest.approx(model.objective_, abs=1e-12)


@pytest.mark.parametrize("path", WITH_PATH, ids=lambda path: path.stem)
def test_paths_agree_with_the_reference_at_every_penalty(path):
    problem = load(path)
    found = presto_path(problem["X"], problem["y"], n_lambdas=20, lambda_ratio=0.01)
    np.testing.assert_allclose(found.lambdas, problem["path"]["lambdas"], rtol=1e-12)
    assert found.lambdas[0] == pytest.approx(problem["lambda_max"], rel=1e-12)
    np.testing.assert_allclose(found.objectives, problem["path"]["objective"], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(found.n_nonzero, problem["path"]["n_nonzero_psi"])
    assert found.gaps.max() < 1e-9


def test_the_optimum_on_the_boundary_of_the_feasible_region_is_reached():
    problem = load(BOUNDARY)
    expected, model = problem["expected"], fitted(problem)
    assert model.objective_ == pytest.approx(
        expected["objective_constrained"], abs=expected["objective_gap_bound"] + 1e-9
    )
    assert model.objective_ < expected["objective_reached_by_r_solver"] - 1e-3
    np.testing.assert_allclose(model.coef_, expected["coef_by_boundary"], rtol=0, atol=2e-4)
    assert model.gap_ < 1e-9
    smallest = naive_probabilities(problem["X"], model.intercept_, model.coef_).min()
    assert -1e-10 < smallest < 1e-10
    assert model.predict_proba(problem["X"]).min() >= 0


def test_without_the_inequalities_the_boundary_problem_ends_lower_and_crosses():
    problem = load(BOUNDARY)
    inside, outside = fitted(problem), fitted(problem, positivity="observed")
    assert outside.objective_ < inside.objective_ - 1e-6
    assert naive_probabilities(problem["X"], outside.intercept_, outside.coef_).min() < -1e-4
    assert outside.gap_ < 1e-9


@pytest.mark.parametrize("path", INTERIOR, ids=lambda path: path.stem)
def test_the_penalty_of_the_largest_gradient_is_the_first_that_gives_zero_weights(path):
    problem = load(path)
    start = problem["lambda_max"]
    options = {"l1_ratio": problem["l1_ratio"], "standardize": problem["standardize"]}
    at, below = (
        PrestoClassifier(start * factor, **options).fit(problem["X"], problem["y"]) for factor in (1 + 1e-9, 0.999)
    )
    assert not at.coef_.any()
    assert below.coef_.any()
    shares = np.cumsum(problem["class_counts"])[:-1] / problem["n"]
    np.testing.assert_allclose(at.intercept_, np.log(shares / (1 - shares)), rtol=1e-10)
