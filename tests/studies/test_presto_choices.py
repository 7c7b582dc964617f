"""What the PRESTO study chooses: penalties, by training rows alone, and the same way for all methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from repro.protocol.experiment import Cell
from repro.results import find_table
from repro.studies.presto import baselines, real_data, shrinking
from repro.studies.presto.competitors import SYNTHETIC, Training, presto_paths
from repro.studies.presto.designs import Truth, draw_problem
from repro.studies.presto.selecting import Floats, select
from repro.studies.presto.shrinking import PENALISED, STRENGTHS
from repro.studies.presto.synthetic import training_rows
from repro.trials.folds import shuffled_folds
from repro.trials.table_tasks import ClassTask, TableTask


def simulated(seed: int = 0, intercepts: str = "(0, 3, 5)") -> Training:
    generator = np.random.default_rng(seed)
    return training_rows(draw_problem("sparse 1/2", intercepts, generator)[1], generator)


def weights_on_standardised_columns(training: Training, name: str) -> tuple[float, Floats]:
    """Intercept and weights of a penalised regression, read from its predictions."""
    Z = StandardScaler().fit_transform(training.X)
    probability = PENALISED[name](training)(training.X)
    design = np.column_stack([np.ones(len(Z)), Z])
    solution, residual, *_ = np.linalg.lstsq(design, np.log(probability / (1 - probability)), rcond=None)
    assert residual.sum() < 1e-8, "no logistic regression of standardised columns"
    return float(solution[0]), solution[1:]


@pytest.mark.parametrize(("name", "l1_ratio"), [("logit_l1", 1.0), ("logit_ridge", 0.0)])
def test_penalties_of_the_regression_are_chosen_by_the_brier_score_of_the_folds(
    name: str, l1_ratio: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = simulated()
    monkeypatch.setattr(shrinking, "STRENGTHS", STRENGTHS[4:16:2])  # some of them, the chosen ones not at an end
    Z, rare = StandardScaler().fit_transform(training.X), training.is_rare
    solver = "liblinear" if l1_ratio else "lbfgs"  # other solvers than those of the study
    options = {"solver": solver, "l1_ratio": l1_ratio, "tol": 1e-6, "intercept_scaling": 100.0, "max_iter": 5000}
    scores = np.zeros(shrinking.STRENGTHS.size)
    for train, test in training.folds:
        for place, strength in enumerate(shrinking.STRENGTHS):
            model = LogisticRegression(C=strength, **options).fit(Z[train], rare[train])
            scores[place] += ((model.predict_proba(Z[test])[:, 1] - rare[test]) ** 2).mean()
    intercept, weights = weights_on_standardised_columns(training, name)
    residual = rare - 1 / (1 + np.exp(-(intercept + Z @ weights)))
    assert abs(residual.sum()) < 0.2, "the intercept is not penalised"
    pull = Z.T @ residual
    if l1_ratio:
        found = 1 / abs(pull[abs(weights) > 1e-3])
        assert (abs(pull) * found.mean() < 1.05).all()
    else:
        found = weights / pull
    chosen = shrinking.STRENGTHS[int(np.argmin(scores))]
    np.testing.assert_allclose(found, chosen, rtol=0.05)


@pytest.mark.parametrize("name", PENALISED)
def test_penalised_regressions_do_with_folds_that_hold_no_rare_row_to_learn_from(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shrinking, "STRENGTHS", np.array([0.001, 0.01]))
    training = simulated()
    y = np.where(training.is_rare, 0, training.y)
    y[training.folds[0][1][0]] = 3  # the only rare row; one fold has none left
    lonely = replace(training, y=y)
    predicted = PENALISED[name](lonely)(training.X)
    assert np.isfinite(predicted).all()
    assert predicted.mean() < 0.01


# --- Poisoned folds: labels of test rows that change nothing ----------------------------------------------------------


def poisoned(task: ClassTask, test: np.ndarray) -> ClassTask:
    """The task with the labels of the test rows turned round."""
    y = task.y.copy()
    y[test] = y[test][::-1]
    return replace(task, y=y)


@pytest.mark.parametrize("split_by", ["rows", "respondents"])
def test_labels_of_test_rows_change_no_prediction_on_real_data(split_by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(400, 4))
    latent = X[:, 0] - X[:, 1] + generator.logistic(size=400)
    y = (latent[:, np.newaxis] > [0.0, 1.5]).sum(axis=1)
    whole: ClassTask = TableTask("made", X, y.astype(np.intp), groups=np.arange(400) // 5)
    splits: list[np.ndarray] = []
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    hold_out = real_data.held_out

    def recorded(*arguments: object, **options: object) -> tuple[np.ndarray, np.ndarray]:
        train, test = hold_out(whole.y, *arguments[1:], **options)  # the same split, whatever the labels are
        splits.append(test)
        return train, test

    def scores(is_rare: np.ndarray, probability: np.ndarray, **options: object) -> dict[str, float]:
        seen.append((is_rare, probability))
        return {"brier": 0.0}

    choosing = ("presto", "presto_published", "presto_ridge", "semi_parallel", "logit")
    monkeypatch.setattr(real_data, "METHODS", choosing)
    monkeypatch.setattr(real_data, "held_out", recorded)
    monkeypatch.setattr(real_data, "all_scores", scores)
    monkeypatch.setattr(real_data, "REAL", replace(SYNTHETIC, n_lambdas=6))
    cell = Cell("presto.soup", {"dataset": "soup", "split_by": split_by, "batch": 0, "splits": 1}, 1)
    monkeypatch.setattr(real_data, "soup", lambda: whole)
    real_data.soup_splits(cell)
    clean = seen.copy()
    seen.clear()
    monkeypatch.setattr(real_data, "soup", lambda: poisoned(whole, splits[0]))
    real_data.soup_splits(cell)
    assert len(clean) == len(seen) == len(choosing)
    for (is_rare, before), (others, after) in zip(clean, seen, strict=True):
        assert (is_rare != others).any(), "the poison has not reached the test rows"
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("compute", [baselines.baselines, shrinking.shrinkage])
def test_labels_of_fresh_rows_change_no_error_on_simulated_rows(
    compute: Callable[[Cell], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = {"design": "dense", "intercepts": "(0, 3, 5)", "batch": 0, "repetitions": 1}
    monkeypatch.setattr(baselines, "METHODS", ("presto", "logit", "firth"))
    cell = Cell("presto.shrinkage", parameters, 5)
    clean = compute(cell)
    draw, calls = Truth.sample, []

    def with_other_labels(self: Truth, rows: int, generator: np.random.Generator) -> object:
        sample = draw(self, rows, generator)
        calls.append(rows)
        return sample if len(calls) < drawn else replace(sample, y=np.zeros_like(sample.y))

    drawn = np.inf
    monkeypatch.setattr(Truth, "sample", with_other_labels)
    compute(cell)
    drawn, _ = len(calls), calls.clear()
    assert clean.equals(compute(cell))
    assert len(calls) == drawn >= 2


def test_a_fold_is_judged_by_a_fit_that_has_not_seen_it() -> None:
    training = simulated()
    changed = training.y.copy()
    first = training.folds[0][1]
    changed[first] = changed[first][::-1]
    fits: list[list[np.ndarray]] = [[], []]

    for y, kept in zip((training.y, changed), fits, strict=True):
        path = presto_paths(training, 1.0)

        def recorded(X: Floats, labels: np.ndarray, lambdas: Floats | None, kept=kept, path=path) -> object:
            # the same penalties for both, so that only the labels of the fold can make a difference
            found = path(X, labels, np.geomspace(0.05, 0.005, 4))
            kept.append(found.coefs)
            return found

        select(training.X, y, training.folds, recorded)
    assert len(fits[0]) == len(fits[1]) == 6
    np.testing.assert_array_equal(fits[0][1], fits[1][1])  # trained without the first fold
    assert (fits[0][2] != fits[1][2]).any()


# --- The parts of a gain ----------------------------------------------------------------------------------------------


def test_parts_of_the_gain_add_up_and_are_those_of_the_errors() -> None:
    parameters = {"design": "dense", "intercepts": "(0, 3.5, 5.5)", "batch": 0, "repetitions": 1}
    wide = shrinking.shrinkage(Cell("presto.shrinkage", parameters, 5)).pivot(
        index="method", columns="metric", values="value"
    )
    errors, gains = wide["rare_mse_fresh"], wide["log_gain"]
    for penalty in ("l1", "ridge"):
        assert gains[f"shrinking_{penalty}"] == pytest.approx(np.log(errors["logit"] / errors[f"logit_{penalty}"]))
        assert gains[f"borrowing_{penalty}"] == pytest.approx(np.log(errors[f"logit_{penalty}"] / errors["presto"]))
    assert (wide["rare_mse"].dropna() != errors.dropna()).all()


@pytest.mark.parametrize("profile", ["quick", "paper"])
def test_the_tables_of_baselines_and_of_shrinking_have_the_same_problems(profile: str) -> None:
    keys = ["design", "intercepts", "replicate", "method", "metric"]
    first, second = (
        find_table(f"presto.{name}", profile).frame.set_index(keys)["value"] for name in ("baselines", "shrinkage")
    )
    shared = first.index.intersection(second.index)
    assert set(shared.get_level_values("method")) == {"presto", "logit"}
    assert set(shared.get_level_values("metric")) == {"rare_mse", "rare_mse_fresh"}
    np.testing.assert_allclose(first[shared], second[shared], rtol=1e-5)


def test_folds_of_a_grouped_split_keep_respondents_together() -> None:
    groups = np.arange(100) // 5
    for train, test in shuffled_folds(100, np.random.default_rng(0), 5, groups=groups):
        assert not set(groups[train]) & set(groups[test])
