"""Level sets of logistic models against scikit-learn, a general solver, and what convexity says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

import repro.metrics.multiplicity as room
from repro.ground.exceptions import UnknownName
from repro.metrics import LogisticLevelSet


def people(seed: int = 0, n: int = 120, d: int = 3) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d))
    return X, generator.random(n) < expit(X[:, 0] - 0.5)


@parametrize_with_checks([LogisticLevelSet()])
def test_it_is_an_estimator_of_scikit_learn(estimator: LogisticLevelSet, check: object) -> None:
    check(estimator)  # type: ignore[operator]


def test_the_best_model_is_that_of_scikit_learn() -> None:
    X, y = people()
    model = LogisticLevelSet(l2=0.01, fit_intercept=False).fit(X, y)
    peer = LogisticRegression(C=1 / (0.01 * len(y)), fit_intercept=False, tol=1e-10).fit(X, y)
    assert model.coef_ == pytest.approx(peer.coef_, abs=1e-5)
    assert model.predict_proba(X) == pytest.approx(peer.predict_proba(X), abs=1e-5)
    loss = -np.log(peer.predict_proba(X)[np.arange(len(y)), y.astype(int)]).mean() + 0.005 * (peer.coef_**2).sum()
    assert model.loss_ == pytest.approx(loss, abs=1e-9)
    assert LogisticLevelSet(epsilon=0.2).fit(X, y).level_ == pytest.approx(1.2 * LogisticLevelSet().fit(X, y).loss_)
    absolute = LogisticLevelSet(epsilon=0.2, relative=False).fit(X, y)
    assert absolute.level_ == pytest.approx(absolute.loss_ + 0.2)


@pytest.mark.parametrize("epsilon", [0.5, 0.05, 1e-3])
def test_ends_are_those_of_a_general_solver_and_certified(epsilon: float) -> None:
    X, y = people()
    model = LogisticLevelSet(l2=1e-3, epsilon=epsilon).fit(X, y)
    found = model.ranges(X[:4])
    rows, sign = np.column_stack([X, np.ones(len(X))]), np.where(y, 1, -1)

    def loss(theta: np.ndarray) -> float:
        return float(np.log1p(np.exp(-sign * (rows @ theta))).mean() + 1e-3 / 2 * theta @ theta)

    for person in range(4):
        for side, ends in ((-1, found.low), (1, found.high)):
            solved = minimize(
                lambda theta, x=side * rows[person]: -x @ theta,
                np.append(model.coef_[0], model.intercept_),
                constraints={"type": "ineq", "fun": lambda theta: model.level_ - loss(theta)},
                method="SLSQP",
                options={"ftol": 1e-12, "maxiter": 300},
            )
            assert ends[person] == pytest.approx(expit(rows[person] @ solved.x), abs=1e-5)
    for models in (found.low_coef, found.high_coef):
        assert [loss(theta) for theta in models] == pytest.approx([model.level_] * 4, rel=1e-9)
        assert (model.losses(models) <= model.level_ * (1 + 1e-12)).all()
    assert (found.gap <= 1e-7).all()
    assert (found.gap > -1e-9).all()


@pytest.mark.parametrize("epsilon", [3.0, 0.01])
def test_the_safe_search_finds_the_same_ends(epsilon: float, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = people(1)
    model = LogisticLevelSet(epsilon=epsilon).fit(X, y)
    quick = model.ranges(X[:20])
    monkeypatch.setattr(room, "JOINT_STEPS", 0)
    safe = model.ranges(X[:20])
    assert safe.low == pytest.approx(quick.low, abs=1e-7)
    assert safe.high == pytest.approx(quick.high, abs=1e-7)


def test_batches_and_many_columns_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = people(2)
    whole = LogisticLevelSet().fit(X, y).ranges(X)
    monkeypatch.setattr(room, "MOST_NUMBERS", 1000)
    parts = LogisticLevelSet().fit(X, y).ranges(X)
    assert parts.high == pytest.approx(whole.high, abs=1e-9)


def test_separable_rows_have_ranges_that_reach_far() -> None:
    X = np.linspace(-1, 1, 40)[:, None]
    model = LogisticLevelSet(l2=1e-6, epsilon=0.5).fit(X, X[:, 0] > 0)
    found = model.ranges(X)
    assert (found.low <= found.baseline).all()
    assert (found.baseline <= found.high).all()
    assert found.high[19] - found.low[19] > 0.2
    assert (found.low[0], found.high[-1]) == (pytest.approx(0, abs=1e-6), pytest.approx(1, abs=1e-6))
    assert (found.gap <= 1e-7).all()


def test_the_formula_of_the_ellipsoid_and_its_error_that_vanishes_with_the_tolerance() -> None:
    X, y = people()
    errors = []
    for epsilon in (0.1, 0.01, 0.001):
        model = LogisticLevelSet(epsilon=epsilon).fit(X, y)
        exact, rough = model.ranges(X), model.ranges(X, method="ellipsoid")
        rows = np.column_stack([X, np.ones(len(X))])
        p = model.predict_proba(X)[:, 1]
        hessian = (rows.T * (p * (1 - p))) @ rows / len(X) + 1e-4 * np.eye(4)
        reach = np.sqrt(2 * epsilon * model.loss_ * np.einsum("ij,jk,ik->i", rows, np.linalg.inv(hessian), rows))
        assert rough.high == pytest.approx(expit(model.decision_function(X) + reach))
        assert np.isnan(rough.gap).all()
        errors.append(np.abs(exact.high - rough.high).max())
    assert errors[0] > 5 * errors[1] > 25 * errors[2]


def test_ranges_widen_with_the_tolerance_and_hold_every_drawn_model() -> None:
    X, y = people(4)
    widths = []
    for epsilon in (0.01, 0.05, 0.2):
        model = LogisticLevelSet(epsilon=epsilon).fit(X, y)
        found = model.ranges(X)
        widths.append(found.high - found.low)
        for on_boundary in (False, True):
            drawn = model.sample(300, on_boundary=on_boundary, random_state=0)
            risks = expit(np.column_stack([X, np.ones(len(X))]) @ drawn.T)
            assert (model.losses(drawn) <= model.level_ * (1 + 1e-10)).all()
            assert (risks >= found.low[:, None] - 1e-9).all()
            assert (risks <= found.high[:, None] + 1e-9).all()
        assert model.losses(drawn) == pytest.approx(np.full(300, model.level_))
    assert (widths[0] < widths[1]).all()
    assert (widths[1] < widths[2]).all()


def test_one_model_moves_no_more_people_than_all_together() -> None:
    X, y = people(5)
    model = LogisticLevelSet(epsilon=0.03).fit(X, y)
    moves = model.ranges(X).moves()
    for delta in (0.02, 0.1, 0.2):
        assert model.ambiguity(X, delta=delta) == (moves >= delta).mean()
        assert model.discrepancy(X, delta=delta) <= model.ambiguity(X, delta=delta)
    assert model.discrepancy(X, delta=0.02) > 0.5
    assert model.ambiguity(X, delta=0.0) == model.discrepancy(X, delta=0.0) == 1


def test_a_person_about_whom_nothing_is_known_has_one_risk_without_an_intercept() -> None:
    X, y = people()
    found = LogisticLevelSet(fit_intercept=False).fit(X, y).ranges(np.zeros((1, 3)))
    assert (found.low, found.high) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"l2": 0.0}, "l2 must be above 0"),
        ({"epsilon": 0.0}, "epsilon must be above 0"),
        ({"epsilon": -1.0}, "epsilon must be above 0"),
    ],
)
def test_parameters_out_of_their_range_are_refused(options: dict[str, float], message: str) -> None:
    X, y = people()
    with pytest.raises(ValueError, match=message):
        LogisticLevelSet(**options).fit(X, y)


def test_what_does_not_fit_is_refused() -> None:
    X, y = people()
    model = LogisticLevelSet().fit(X, y)
    with pytest.raises(ValueError, match="y must hold two classes, got 3"):
        LogisticLevelSet().fit(X, np.arange(len(y)) % 3)
    with pytest.raises(ValueError, match=r"delta must lie between 0 and 1, got 2"):
        model.ambiguity(X, delta=2)
    with pytest.raises(UnknownName, match="exakt"):
        model.ranges(X, method="exakt")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"coefs must have shape \(n_models, 4\), got \(1, 3\)"):
        model.losses(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="n must be at least 1"):
        model.sample(0)
