"""The study `multiplicity`: its experiments against computations of another kind."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from repro.metrics import LogisticLevelSet
from repro.protocol.experiment import Cell
from repro.running import results
from repro.studies import experiment
from repro.studies.multiplicity import experiments as study


def cell(name: str, **parameters: object) -> Cell:
    return Cell(f"multiplicity.{name}", parameters, experiment(f"multiplicity.{name}").seed)


@pytest.mark.parametrize("prevalence", [0.5, 0.05])
def test_simulated_classes_have_the_stated_share_and_distance(prevalence: float) -> None:
    X, y = study.simulated(prevalence, 2.0, "none", np.random.default_rng(0), n=40_000)
    assert y.mean() == prevalence
    distance = X[y].mean(axis=0) - X[~y].mean(axis=0)
    assert distance == pytest.approx([2.0] * 4 + [0.0] * 4, abs=0.1)
    assert X[~y].std(axis=0) == pytest.approx(np.ones(8), abs=0.02)


@pytest.mark.parametrize(("kind", "changed_rows", "changed_labels"), [("leverage", 50, 0), ("labels", 0, 50)])
def test_outliers_are_one_row_in_twenty(kind: str, changed_rows: int, changed_labels: int) -> None:
    (X, y), (plain, labels) = (study.simulated(0.5, 1.0, one, np.random.default_rng(1)) for one in (kind, "none"))
    moved = (plain != X).any(axis=1)
    assert (moved.sum(), (y != labels).sum()) == (changed_rows, changed_labels)
    assert X[moved] == pytest.approx(6 * plain[moved])


def test_a_general_solver_finds_the_ends_of_ranges_and_the_control_lies_inside() -> None:
    where = {"epsilon": 0.01, "prevalence": 0.5}
    plain, halved = (
        study.ranges(cell("ranges", **where, **more)).pivot(index="replicate", columns="metric", values="value")
        for more in ({}, {"variant": "ranges_of_half_the_level"})
    )
    assert plain["outside"].max() < 1e-6
    assert plain["boundary_gap"].max() < 1e-6
    assert plain["certificate"].max() <= 1e-7
    assert halved["outside"].min() > 0.01, "the solver finds what lies between half and the whole level, for everybody"
    assert halved["boundary_gap"].min() > 0.004


def test_ambiguity_is_that_of_sampled_models_from_below_and_of_the_formula() -> None:
    drawn = cell("simulated", prevalence=0.2, separation=1.0, outliers="none", seed=3, method="exact")
    found = study.simulated_ambiguity(drawn)
    found = found[found["tolerance"] == "relative"].set_index(["class", "metric"])["value"]
    X, y = study.simulated(0.2, 1.0, "none", drawn.generator())
    model = LogisticLevelSet().fit(X, y)
    sampled = expit(np.column_stack([X, np.ones(1000)]) @ model.sample(2000, on_boundary=True, random_state=0).T)
    moved = (np.abs(sampled - model.predict_proba(X)[:, 1:]) >= 0.1).any(axis=1)
    assert moved[y].mean() <= found["positive", "ambiguity"] + 1e-4
    assert moved[y].mean() > found["positive", "ambiguity"] - 0.2
    share = y.mean()
    parts = share * found["positive", "ambiguity"] + (1 - share) * found["negative", "ambiguity"]
    assert found["all", "ambiguity"] == pytest.approx(parts, abs=1e-4)


def test_the_band_of_standard_errors_is_that_of_the_information_matrix() -> None:
    X, y = study.simulated(0.5, 1.0, "none", np.random.default_rng(2))
    model = LogisticLevelSet(l2=1e-9).fit(X, y)
    found = study.standard_error_band(model, X)
    peer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(X, y)
    p, rows = peer.predict_proba(X)[:, 1], np.column_stack([X, np.ones(1000)])
    errors = np.sqrt(np.einsum("ij,jk,ik->i", rows, np.linalg.inv((rows.T * (p * (1 - p))) @ rows), rows))
    assert found.high == pytest.approx(expit(peer.decision_function(X) + 1.959964 * errors), abs=1e-4)
    assert model.level_ == pytest.approx(1.01 * model.loss_)


def test_refits_reach_part_of_the_range_and_the_extreme_models_all_of_it() -> None:
    where = {"prevalence": 0.5, "seed": 0}
    plain, extreme = (
        study.refits(cell("refits", **where, **more)).set_index(["refit", "metric"])["value"]
        for more in ({}, {"variant": "the_extreme_models_themselves"})
    )
    assert extreme["bootstrap", "share_not_reached"] == pytest.approx(0, abs=1e-6)
    assert extreme["bootstrap", "share_inside"] == 1
    assert 0.1 < plain["bootstrap", "share_inside"] < 0.9
    assert 0.2 < plain["bootstrap", "share_not_reached"] < 0.8


def test_groups_of_people_are_taken_from_the_data() -> None:
    _, y, sex = study.people_of("adult")
    assert (len(y), y.sum()) == (48_842, 11_687)
    assert sex is not None
    assert (sex == "Female").sum() == 16_192
    assert study.people_of("german_credit")[2] is None


def test_all_people_are_the_mean_of_the_groups_in_the_committed_table() -> None:
    rows = results("multiplicity.data", "quick", progress=False).frame
    rows = rows[rows["delta"] == 0.1].pivot(index=["dataset", "replicate"], columns="class", values="value")
    for first, second in (("positive", "negative"), ("female", "male")):
        groups = rows[[first, second]].dropna()
        assert len(groups)
        between = groups.min(axis=1) <= rows.loc[groups.index, "all"] + 1e-4
        assert (between & (rows.loc[groups.index, "all"] <= groups.max(axis=1) + 1e-4)).all()


def test_newton_steps_end_at_the_least_loss_where_classes_are_nearly_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparisons of losses that differ by less than rounding stopped them 1e-9 short; one range was not found."""
    where = {"prevalence": 0.5, "separation": 3.0, "outliers": "none", "seed": 9, "method": "exact"}
    X, y = study.simulated(0.5, 3.0, "none", cell("simulated", **where).generator())
    model = LogisticLevelSet(epsilon=study.EPSILON, relative=False).fit(X, y)
    solve, left = model._newton, []

    def noted(*arguments: object) -> object:
        models, gradients = solve(*arguments)
        left.append(np.abs(gradients).max())
        return models, gradients

    monkeypatch.setattr(model, "_newton", noted)
    model.ranges(X[:200])
    assert max(left) < 1e-11
