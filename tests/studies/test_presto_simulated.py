"""The simulated designs of PRESTO, the choice of a penalty as published and corrected, and the theory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from sklearn.model_selection import KFold

from repro.ordinal import PrestoClassifier, PrestoClassifierCV, ProportionalOddsClassifier, presto_path
from repro.protocol.experiment import Cell
from repro.results import find_table
from repro.studies import experiment
from repro.studies.presto import theory
from repro.studies.presto.competitors import PAPER_METHODS, SYNTHETIC, Training, fit_methods
from repro.studies.presto.designs import INTERCEPTS, RARE_SHARES, SPARSITY, Truth, draw_problem, draw_truth
from repro.studies.presto.selecting import published_intercepts, select
from repro.studies.presto.synthetic import squared_error, synthetic, training_rows

FIXTURES = Path(__file__).parents[1] / "ordinal" / "fixtures"


def path_of(n_classes, n_lambdas=8):
    def path(X, y, lambdas):
        return presto_path(X, y, lambdas, n_lambdas=n_lambdas, lambda_ratio=0.01, class_order=range(n_classes))

    return path


@pytest.mark.parametrize("name", ["p01_small_k3", "p04_shift_scale_k3", "p05_k6", "p06_enet_p40"])
def test_published_intercepts_are_those_that_the_authors_function_returns(name):
    problem = json.loads((FIXTURES / f"{name}.json").read_text())
    expected, returned = problem["expected"], problem["authors_function"]["intercepts_returned"]
    moved = published_intercepts(
        np.array(expected["intercepts"]), np.array(expected["coef_by_boundary"]), np.array(problem["feature_mean"])
    )
    np.testing.assert_allclose(moved, returned, rtol=0, atol=2e-4)


def small_problem(seed=0):
    _, sample = draw_problem("dense", "(0, 2.5, 4.5)", np.random.default_rng(seed))
    X = sample.X + np.linspace(-2, 2, 10)  # means that are not zero, as D1 needs
    return X[:900], sample.y[:900]


def test_the_correct_choice_is_that_of_the_estimator():
    X, y = small_problem()
    folds = KFold(5, shuffle=True, random_state=3)
    corrected, _ = select(X, y, list(folds.split(X)), path_of(4))
    model = PrestoClassifierCV(n_lambdas=8, lambda_ratio=0.01, cv=folds).fit(X, y)
    assert corrected.lam == model.lam_
    np.testing.assert_allclose(corrected.rare_probability(X), model.predict_rare_proba(X), rtol=0, atol=1e-7)


def test_the_published_choice_scores_differences_with_moved_intercepts():
    X, y = small_problem()
    folds = list(KFold(5, shuffle=True, random_state=3).split(X))
    _, published = select(X, y, folds, path_of(4))
    lambdas = presto_path(X, y, n_lambdas=8, lambda_ratio=0.01).lambdas
    scores = []
    for lam in lambdas:  # the rule in words, one penalty and one row after the other
        of_folds = []
        for train, test in folds:
            model = PrestoClassifier(lam).fit(X[train], y[train])
            sums = []
            for row, label in zip(X[test], y[test], strict=True):
                below = [0.0]
                for k in range(3):
                    standardised = model.intercept_[k] + X[train].mean(axis=0) @ model.coef_[k]
                    below.append(expit(standardised + (row - X[train].mean(axis=0)) @ model.psi_[k]))
                sums.append(((np.diff([*below, 1.0]) - (np.arange(4) == label)) ** 2).sum())
            of_folds.append(np.mean(sums))
        scores.append(np.mean(of_folds))
    assert published.lam == pytest.approx(lambdas[int(np.argmin(scores))])
    final = PrestoClassifier(published.lam).fit(X, y)
    shift = X.mean(axis=0) @ final.coef_[1]
    wanted = expit(-(final.intercept_[2] + shift + X @ final.coef_[2]))
    np.testing.assert_allclose(published.rare_probability(X), wanted, rtol=0, atol=1e-6)


def test_both_choices_agree_where_all_means_are_zero_and_one_boundary_is_left():
    generator = np.random.default_rng(1)
    X = generator.normal(size=(400, 3))
    y = (X[:, 0] + generator.logistic(size=400) > 1).astype(int)
    corrected, published = select(X, y, list(KFold(4).split(X)), path_of(2))
    assert corrected.lam == published.lam
    np.testing.assert_array_equal(corrected.rare_probability(X), published.rare_probability(X))


@pytest.mark.parametrize(("design", "intercepts"), sorted(RARE_SHARES))
def test_rare_shares_are_those_in_the_titles_of_the_figures(design, intercepts):
    shares = [draw_problem(design, intercepts, np.random.default_rng([7, seed]))[1].rare.mean() for seed in range(150)]
    error = np.std(shares) / np.sqrt(len(shares))
    assert np.mean(shares) == pytest.approx(RARE_SHARES[design, intercepts], abs=4 * error)


@pytest.mark.parametrize("design", SPARSITY)
def test_coefficients_follow_their_design(design):
    steps = np.stack(
        [
            np.diff(draw_truth(design, "(0, 3, 5)", np.random.default_rng([1, seed])).coef, axis=0, prepend=0.0)
            for seed in range(400)
        ]
    )
    assert steps.shape == (400, 3, 10)
    share = SPARSITY[design]
    if share is None:
        assert abs(steps).max() <= 0.5
        assert steps.std() == pytest.approx(1 / np.sqrt(12), rel=0.02)
        return
    assert set(np.unique(steps[:, 0])) == {0.0, 0.5}
    assert set(np.unique(steps[:, 1:].round(12))) == {-0.5, 0.0, 0.5}
    assert (steps != 0).mean() == pytest.approx(share, abs=0.02)
    assert (steps[:, 1:][steps[:, 1:] != 0] > 0).mean() == pytest.approx(0.5, abs=0.03)


def test_a_problem_is_valid_holds_every_class_and_knows_its_truth():
    truth, sample = draw_problem("sparse 1/2", "(0, 3, 5)", np.random.default_rng(0))
    assert sample.X.shape == (2500, 10)
    assert set(sample.y) == {0, 1, 2, 3}
    assert abs(sample.X).max() <= 1
    linear = truth.intercept + sample.X @ truth.coef.T
    assert (np.diff(linear, axis=1) >= 0).all()
    np.testing.assert_allclose(sample.rare, 1 / (1 + np.exp(linear[:, 2])))
    counts = np.bincount(sample.y) / 2500
    expected = np.diff(expit(linear), axis=1, prepend=0, append=1).mean(axis=0)
    np.testing.assert_allclose(counts, expected, atol=0.03)


def test_boundaries_that_always_cross_end_the_search(monkeypatch):
    monkeypatch.setattr(Truth, "is_valid", lambda self, X: False)
    with pytest.raises(RuntimeError, match=r"dense, intercepts \(0, 3, 5\): no valid problem in 100 attempts"):
        draw_problem("dense", "(0, 3, 5)", np.random.default_rng(0))


def test_rows_of_a_cell_are_the_errors_of_its_methods():
    frame = synthetic(Cell("presto.synthetic", {"design": "sparse 1/3", "batch": 2, "repetitions": 2}, 5))
    assert sorted(frame["replicate"].unique()) == [4, 5]
    wide = frame[frame["metric"] == "rare_mse"].pivot_table(
        index=["replicate", "intercepts"], columns="method", values="value"
    )
    assert wide["presto_ridge"].notna().sum() == 2, "the ridge form is shown for one setting a design"
    seed = (
        Cell("presto.synthetic", {"design": "sparse 1/3", "batch": 2, "repetitions": 2}, 5).seed_sequence().spawn(2)[0]
    )
    generator = np.random.default_rng(seed)
    _, sample = draw_problem("sparse 1/3", "(0, 3, 5)", generator)
    row = wide.loc[(4, "(0, 3, 5)")]
    constant = (sample.y == 3).mean()
    assert row["base_rate"] == pytest.approx(((constant - sample.rare) ** 2).mean())
    po = ProportionalOddsClassifier().fit(sample.X, sample.y).predict_rare_proba(sample.X)
    assert row["proportional_odds"] == pytest.approx(((po - sample.rare) ** 2).mean())
    gains = np.log(wide["logit"] / wide["presto"]).loc[4].loc[list(INTERCEPTS["sparse 1/3"])]
    rarity = [np.log(1 / RARE_SHARES["sparse 1/3", setting]) for setting in INTERCEPTS["sparse 1/3"]]
    slope = frame.query("metric == 'gain_slope' and method == 'logit' and replicate == 4")["value"].item()
    assert slope == pytest.approx(np.cov(rarity, gains)[0, 1] / np.var(rarity, ddof=1))


def test_settings_of_a_repetition_share_their_random_numbers():
    first, second = (
        draw_problem("dense", intercepts, np.random.default_rng(11))[1] for intercepts in ("(0, 3, 5)", "(0, 4, 6)")
    )
    np.testing.assert_array_equal(first.X, second.X)
    assert (second.y <= first.y).all(), "a higher intercept can only move rows to lower classes"


def test_a_repetition_of_the_stored_table_comes_out_again():
    stored = find_table("presto.synthetic", "paper").frame
    cell = next(
        cell for cell in experiment("presto.synthetic").cells_of("paper") if cell.parameters["design"] == "sparse 1/2"
    )
    generator = np.random.default_rng(cell.seed_sequence().spawn(1)[0])
    _, sample = draw_problem("sparse 1/2", "(0, 4, 6)", generator)
    fitted = fit_methods(training_rows(sample, generator), PAPER_METHODS)
    rows = stored[(stored["cell"] == cell.id) & (stored["replicate"] == 0) & (stored["intercepts"] == "(0, 4, 6)")]
    values = rows[rows["metric"] == "rare_mse"].set_index("method")["value"]
    assert set(values.index) == set(fitted)
    for name, predictor in fitted.items():
        assert squared_error(predictor, sample) == pytest.approx(values[name], rel=1e-6)


def test_unknown_methods_are_refused_and_the_order_is_kept():
    sample = draw_problem("dense", "(0, 3, 5)", np.random.default_rng(2))[1]
    training = training_rows(sample, np.random.default_rng(0))
    assert list(fit_methods(training, ["base_rate", "logit"])) == ["base_rate", "logit"]
    with pytest.raises(KeyError):
        fit_methods(training, ["no_such_method"])


def test_folds_are_five_random_parts_of_equal_size():
    sample = draw_problem("dense", "(0, 3, 5)", np.random.default_rng(2))[1]
    training = training_rows(sample, np.random.default_rng(0))
    assert isinstance(training, Training)
    assert training.tuning is SYNTHETIC
    assert [len(test) for _, test in training.folds] == [500] * 5
    assert sorted(np.concatenate([test for _, test in training.folds])) == list(range(2500))


# --- Theory -----------------------------------------------------------------------------------------------------------


def test_variances_without_effects_have_their_closed_forms():
    X = np.random.default_rng(0).uniform(-1, 1, (200_000, 4))
    zero = np.zeros(len(X))
    pi = 0.07
    of_logit = theory.logit_variance(X, zero, float(np.log((1 - pi) / pi)))
    # x has mean 0 and variance 1/3
    np.testing.assert_allclose(of_logit * pi * (1 - pi), np.diag([1, 3, 3, 3, 3]), atol=0.03)
    shares = np.array([0.5, 0.43, 0.07])
    intercepts = (0.0, float(np.log((1 - pi) / pi)))
    of_po = theory.proportional_odds_variance(X, zero, intercepts)
    # Whitehead (1993): the information on a weight is Var(x) (1 - sum of cubed shares) / 3
    expected = 9 / (1 - (shares**3).sum())
    np.testing.assert_allclose(np.diag(of_po)[2:], expected, rtol=0.02)


def test_variances_are_those_of_estimates():
    generator = np.random.default_rng(1)
    weights, intercept, n = np.array([0.8, -0.5]), 2.0, 1500
    X = generator.uniform(-1, 1, (n, 2))
    score = X @ weights
    estimates = []
    for _ in range(300):
        y = (generator.random(n)[:, None] > expit(np.add.outer(score, [0.0, intercept]))).sum(axis=1)
        estimates.append(ProportionalOddsClassifier().fit(X, y).coef_)
    expected = theory.proportional_odds_variance(X, score, (0.0, intercept))[2:, 2:] / n
    np.testing.assert_allclose(np.cov(np.transpose(estimates)), expected, atol=0.25 * expected.max())


def test_the_condition_is_computed_from_its_moments():
    X = np.array([[1.0, 0.0], [0.0, 2.0]])
    p1, p2, p3 = np.array([0.5, 0.2]), np.array([0.3, 0.3]), np.array([0.2, 0.5])
    weights, others = (1 - p1) * (1 - p2) * (1 - p3), (1 - p3) * p1 * (1 - p1)
    I_bb = np.diag([weights[0], 4 * weights[1]]) / 2
    I_ba = np.array([others[0], 2 * others[1]]) / 2
    expected = I_bb - 2 * np.outer(I_ba, I_ba) / others.mean()
    np.testing.assert_allclose(theory.condition_matrix(X, p1, p2, p3), expected)
    assert theory.rarity_bound(0.5, 2.0) == pytest.approx(0.5 / 48)


def test_study_a_and_b_agree_with_independent_values():
    one = theory.study_a(Cell("presto.study_a", {"draw": 0, "rows": 200_000}, 3)).set_index("metric")["value"]
    assert one["eigenvalue"] == pytest.approx(0.02360, rel=0.01)  # the specification's own simulation
    assert one["log_margin"] == pytest.approx(np.log(1.52e-4 / 4.54e-5), abs=0.02)
    frame = theory.study_b(Cell("presto.study_b", {"correlation": 0.5, "draw": 0, "rows": 200_000}, 3))
    values = frame[frame["metric"] == "eigenvalue"].set_index(["code", "rare"])["value"]
    assert values["intended", 0.0] == pytest.approx(0.01575, rel=0.03)
    assert values["intended", 1e-5] == pytest.approx(values["intended", 0.0], rel=1e-3)
    assert values["published", 1e-6] == pytest.approx(0.01108, rel=0.03)
    margins = frame[(frame["metric"] == "log_margin") & (frame["code"] == "intended")].set_index("rare")["value"]
    assert margins[1e-6] == pytest.approx(np.log(5.1e-6 / 1e-6), abs=0.03)
    assert margins[1e-5] < 0 < margins[1e-7]


def test_clipped_columns_have_their_correlation_and_rare_probabilities_their_bound():
    X = theory.clipped_normal(100_000, 0.75, np.random.default_rng(0))
    assert abs(X).max() == 3
    correlations = np.corrcoef(X.T)[np.triu_indices(10, 1)]
    np.testing.assert_allclose(correlations, 0.75, atol=0.01)
    for rare in (1e-7, 1e-5):
        # the smallest score is -30, where the probability is largest
        assert expit(-(theory.second_intercept(rare) - 30)) == pytest.approx(rare, rel=1e-6)
    assert theory.second_intercept(0.0) == np.inf


def test_the_sparse_truth_cannot_cross_and_has_four_entries():
    for p in (10, 160):
        psi = theory.sparse_truth(p)
        assert np.count_nonzero(psi) == 4
        gaps = np.array([1.5, 1.5])
        assert (abs(psi[1:]).sum(axis=1) < gaps).all()
    assert [theory.columns_for("growing", n) for n in theory.SIZES] == [20, 40, 80, 160]


def test_the_penalty_of_the_theory_halves_when_rows_quadruple():
    assert theory.penalty(10, 500) == pytest.approx(0.3 * 0.085894, rel=1e-4)  # root of log(40) / 500
    for p, n in ((10, 500), (160, 32000)):
        assert theory.penalty(p, 4 * n) == pytest.approx(theory.penalty(p, n) / 2)
    # K p from 40 to 1600 doubles the logarithm
    assert theory.penalty(400, 500) == pytest.approx(theory.penalty(10, 500) * np.sqrt(2))


@pytest.mark.parametrize("variant", [None, theory.CONSTANT_PENALTY])
def test_consistency_fits_the_same_rows_with_the_penalty_of_the_theory_and_with_none(variant, monkeypatch):
    monkeypatch.setattr(theory, "SIZES", (500, 1000))
    parameters = {"growth": "fixed", "batch": 0, "draws": 1} | ({"variant": variant} if variant else {})
    cell = Cell("presto.consistency", parameters, 3)
    frame = theory.consistency(cell)
    errors = frame[frame["metric"] == "psi_error"].pivot(index="n", columns="method", values="value")
    generator = np.random.default_rng(cell.seed_sequence().spawn(1)[0].spawn(2)[1])
    X = generator.uniform(-1, 1, (1000, 10))
    weights = np.zeros((3, 10))
    weights[:, :2], weights[1:, 2], weights[2, 3] = 1.0, 0.8, -0.8
    below = expit(np.array([0.0, 1.5, 3.0]) + X @ weights.T)
    y = (generator.random(1000)[:, None] > below).sum(axis=1)
    rows = 500 if variant else 1000
    for method, lam in (("presto", 0.3 * np.sqrt(np.log(40) / rows)), ("no_penalty", 0.0)):
        fitted = PrestoClassifier(lam).fit(X, y)
        distance = np.linalg.norm(np.diff(fitted.coef_ - weights, axis=0, prepend=0.0))
        assert errors.loc[1000, method] == pytest.approx(distance, rel=1e-3), method
    slopes = frame[frame["method"] == "presto"].set_index("metric")["value"]
    assert slopes["log_slope"] == pytest.approx(np.log2(errors["presto"][1000] / errors["presto"][500]))
    assert slopes["log_slope_above_bound"] == pytest.approx(slopes["log_slope"] + 0.4)


def test_estimated_weights_err_as_much_as_their_variance_says():
    cell = Cell("presto.estimation", {"batch": 0, "draws": 1, "simulations": 40}, 3)
    frame = theory.estimation(cell)
    errors = frame[frame["metric"] == "squared_error"].astype({"rare": float}).set_index(["method", "rare"])["value"]
    generator = np.random.default_rng(cell.seed_sequence().spawn(1)[0])
    weights = generator.uniform(-1, 1, 3)
    X = generator.uniform(-1, 1, (50_000, 3))
    score = X @ weights
    for rare in (0.2, 0.05):
        intercept = theory._rare_intercept(score, rare)
        of_po = np.trace(theory.proportional_odds_variance(X, score, (0.0, intercept))[2:, 2:]) / 2000
        of_logit = np.trace(theory.logit_variance(X, score, intercept)[1:, 1:]) / 2000
        # forty sums of three squared normal errors are known to about a seventh
        assert errors["proportional_odds", rare] == pytest.approx(of_po, rel=0.4)
        assert errors["logit", rare] == pytest.approx(of_logit, rel=0.4)
