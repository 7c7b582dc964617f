"""Simulations of the theory: what rarity does to the information, and whether PRESTO finds its target.

The statements are read from the abstract, the assumption-checking scripts of the authors and the project's
specification, not from the theorems' texts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from repro.ordinal import PrestoClassifier, ProportionalOddsClassifier
from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.presto.selecting import Floats
from repro.trials.folds import repetitions

RARE: Final = (0.1, 0.03, 0.01, 0.003, 0.001, 1e-4, 1e-5, 1e-6, 1e-7)
"""Mean rare probabilities at which information is computed."""

RARE_FOR_SLOPES: Final = 0.01
"""Slopes are taken over the probabilities up to this one."""

RARITY_SETTINGS: Final = ("method", "rare")
CONSISTENCY_SETTINGS: Final = ("growth", "method", "n")
STUDY_B_SETTINGS: Final = ("correlation", "rare", "code")

INFORMATION_COLUMNS: Final = 5
SIMULATED_RARE: Final = (0.2, 0.1, 0.05, 0.02)
SIMULATED_ROWS: Final = 2000
SIMULATED_COLUMNS: Final = 3

BALANCED_BOUNDARY: Final = "balanced_boundary_for_the_rare_one"
LOGIT_FOR_PO: Final = "logit_for_proportional_odds"


def _rare_intercept(score: Floats, rare: float) -> float:
    """Intercept at which the mean of 1 - s(intercept + score) is `rare`."""
    return float(brentq(lambda a: float(expit(-(a + score)).mean()) - rare, -50.0, 50.0))


def logit_variance(X: Floats, score: Floats, intercept: float) -> Floats:
    """Inverse information of one row on intercept and weights of P(y = K | x), shape (p + 1, p + 1)."""
    probability = expit(-(intercept + score))
    Z = np.column_stack([np.ones(len(X)), X])
    information = (Z * (probability * (1.0 - probability))[:, np.newaxis]).T @ Z / len(X)
    return np.asarray(np.linalg.inv(information), dtype=np.float64)


def proportional_odds_variance(X: Floats, score: Floats, intercepts: tuple[float, float]) -> Floats:
    """Inverse information of one row on two intercepts and the common weights of three classes, shape (p + 2, p + 2).

    The expected information in the linear predictors is tridiagonal: f_k^2 (1/p_k + 1/p_{k+1}) on and
    -f_k f_{k+1} / p_{k+1} beside the diagonal, with f the slope of the logistic function and p the class probabilities.
    """
    F = expit(np.add.outer(score, np.asarray(intercepts)))
    F_rare = expit(-(score + intercepts[1]))
    f = F * (1.0 - F)
    p1, p2, p3 = F[:, 0], F[:, 1] - F[:, 0], F_rare
    first, second = f[:, 0] ** 2 * (1 / p1 + 1 / p2), f[:, 1] ** 2 * (1 / p2 + 1 / p3)
    beside = -f[:, 0] * f[:, 1] / p2
    n, p = X.shape
    information = np.empty((p + 2, p + 2))
    information[:2, :2] = [[first.mean(), beside.mean()], [beside.mean(), second.mean()]]
    for k, row in enumerate((first + beside, second + beside)):
        information[k, 2:] = information[2:, k] = row @ X / n
    information[2:, 2:] = (X * (first + second + 2 * beside)[:, np.newaxis]).T @ X / n
    return np.asarray(np.linalg.inv(information), dtype=np.float64)


def condition_matrix(X: Floats, p1: Floats, p2: Floats, p3: Floats) -> Floats:
    """Compute I_bb - 2 I_ba I_ba' / I_aa of inequality (6), means over rows; shape (p, p)."""
    n = len(X)
    weight = (1.0 - p1) * (1.0 - p2) * (1.0 - p3)
    I_bb = (X * weight[:, np.newaxis]).T @ X / n
    other = (1.0 - p3) * p1 * (1.0 - p1)
    I_ba = other @ X / n
    matrix: Floats = I_bb - 2.0 * np.outer(I_ba, I_ba) / other.mean()
    return matrix


def smallest_eigenvalue(matrix: Floats) -> float:
    """Smallest eigenvalue of a symmetric matrix."""
    return float(np.linalg.eigvalsh(matrix)[0])


def rarity_bound(eigenvalue: float, norm: float) -> float:
    """Right-hand side of (6): lambda_min / (3 M^2 (2 + M)), with M the largest norm of a row."""
    return eigenvalue / (3.0 * norm**2 * (2.0 + norm))


def _log_slope(rare: npt.ArrayLike, values: npt.ArrayLike) -> float:
    """Slope of log values against log 1 / rare."""
    return float(np.polyfit(-np.log(np.asarray(rare)), np.log(np.asarray(values)), 1)[0])


def information(cell: Cell) -> pd.DataFrame:
    """Inverse information of logistic regression and of proportional odds as the rare class gets rarer.

    Five columns uniform on (-1, 1), weights uniform on (-1, 1), first intercept 0, the second such that the mean rare
    probability is as wanted.

    Parameters
    ----------
    cell : Cell
        Parameters ``batch``, ``draws`` (weight vectors) and ``rows`` (over which means are taken).

    Returns
    -------
    DataFrame
        Columns ``method, rare, replicate, metric, value``. ``trace``: trace of the inverse information of one row, for
        logistic regression of intercept and weights, for proportional odds of the weights. ``log_slope``, no ``rare``:
        slope of its logarithm against the logarithm of 1 / rare from 0.01 down. ``gain_under_condition``: logarithm of
        the ratio of the traces of the weights, logistic regression over proportional odds, at the largest rare
        probability for which inequality (6) holds.
    """
    n = cell.whole("rows")
    rows = Rows(*RARITY_SETTINGS)
    for replicate, seed in repetitions(cell, "draws"):
        generator = np.random.default_rng(seed)
        X = generator.uniform(-1.0, 1.0, (n, INFORMATION_COLUMNS))
        weights = generator.uniform(-1.0, 1.0, INFORMATION_COLUMNS)
        score = X @ weights
        traces: dict[str, list[float]] = {"logit": [], "proportional_odds": []}
        gain: float | None = None
        for rare in RARE:
            intercept = _rare_intercept(score, rare)
            of_logit = logit_variance(X, score, 0.0 if cell.variant == BALANCED_BOUNDARY else intercept)
            of_weights = proportional_odds_variance(X, score, (0.0, intercept))[2:, 2:]
            if cell.variant == LOGIT_FOR_PO:
                of_weights = of_logit[1:, 1:]
            traces["logit"].append(float(np.trace(of_logit)))
            traces["proportional_odds"].append(float(np.trace(of_weights)))
            p1, p3 = expit(score), expit(-(intercept + score))
            bound = rarity_bound(
                smallest_eigenvalue(condition_matrix(X, p1, 1.0 - p1 - p3, p3)), float(np.sqrt(INFORMATION_COLUMNS))
            )
            if gain is None and expit(-(intercept - np.abs(weights).sum())) <= bound:
                gain = float(np.log(np.trace(of_logit[1:, 1:]) / np.trace(of_weights)))
        small = [place for place, rare in enumerate(RARE) if rare <= RARE_FOR_SLOPES]
        for method, found in traces.items():
            rows.add_curves("rare", RARE, {"trace": found}, method=method, replicate=replicate)
            slope = _log_slope([RARE[place] for place in small], [found[place] for place in small])
            rows.add({"log_slope": slope, "log_slope_minus_1": slope - 1.0}, method=method, replicate=replicate)
        if gain is not None:
            rows.add({"gain_under_condition": gain}, method="proportional_odds", replicate=replicate)
    return rows.frame()


def _squared_distance(estimate: Floats, truth: Floats) -> float:
    return float(((estimate - truth) ** 2).sum())


def estimation(cell: Cell) -> pd.DataFrame:
    """Errors of estimated weights on 2,000 simulated rows of a proportional-odds model as the rare class gets rarer.

    Three columns uniform on (-1, 1), weights uniform on (-1, 1), first intercept 0. The levels of rarity of a replicate
    share rows and random numbers.

    Parameters
    ----------
    cell : Cell
        Parameters ``batch``, ``draws`` and ``simulations`` (data sets, over which squared errors are averaged).

    Returns
    -------
    DataFrame
        Columns ``method, rare, replicate, metric, value``. ``squared_error`` of the weights, mean over data sets;
        ``log_slope`` and ``log_slope_minus_1`` of it as in :func:`information`.
    """
    simulations = cell.whole("simulations")
    rows = Rows(*RARITY_SETTINGS)
    for replicate, seed in repetitions(cell, "draws"):
        generator = np.random.default_rng(seed)
        weights = generator.uniform(-1.0, 1.0, SIMULATED_COLUMNS)
        errors = np.zeros((2, len(SIMULATED_RARE)))
        for _ in range(simulations):
            X = generator.uniform(-1.0, 1.0, (SIMULATED_ROWS, SIMULATED_COLUMNS))
            uniform = generator.random(SIMULATED_ROWS)[:, np.newaxis]
            score = X @ weights
            for place, rare in enumerate(SIMULATED_RARE):
                intercept = _rare_intercept(score, rare)
                y = (uniform > expit(np.add.outer(score, [0.0, intercept]))).sum(axis=1)
                target = y > 0 if cell.variant == BALANCED_BOUNDARY else y == 2
                regression = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8).fit(X, target)
                of_logit = _squared_distance(-regression.coef_[0], weights)
                common = ProportionalOddsClassifier().fit(X, y).coef_
                of_po = _squared_distance(common, weights)
                errors[:, place] += of_logit / simulations, of_po / simulations
        for method, found in zip(("logit", "proportional_odds"), errors, strict=True):
            rows.add_curves("rare", SIMULATED_RARE, {"squared_error": found}, method=method, replicate=replicate)
            slope = _log_slope(SIMULATED_RARE, found)
            rows.add({"log_slope": slope, "log_slope_minus_1": slope - 1.0}, method=method, replicate=replicate)
    return rows.frame()


# --- Consistency (T3) -------------------------------------------------------------------------------------------------

SIZES: Final = (500, 2000, 8000, 32000)
PENALTY_CONSTANT: Final = 0.3
CONSTANT_PENALTY: Final = "penalty_that_does_not_vanish"
NEARLY_NONE: Final = 1e-8
"""Penalty of the fit that stands for an unpenalised one."""

SLOWEST_RATE: Final = -0.4
"""Largest slope that counts as the rate of the theory, -1/2 less what the growing logarithm of the columns takes."""

N_CLASSES: Final = 4
FIXED_COLUMNS: Final = 10


def columns_for(growth: str, n: int) -> int:
    """Return the number of columns: 10, or 20 at 500 rows and growing like the root of the rows."""
    return FIXED_COLUMNS if growth == "fixed" else round(20 * np.sqrt(n / SIZES[0]))


def sparse_truth(p: int) -> Floats:
    """Weights and differences with four entries that are not zero, shape (3, p); boundaries cannot cross on (-1, 1)."""
    psi = np.zeros((N_CLASSES - 1, p))
    psi[0, :2] = 1.0
    psi[1, 2] = 0.8
    psi[2, 3] = -0.8
    return psi


def penalty(p: int, n: int) -> float:
    """Penalty of the order that the theory asks for: 0.3 sqrt(log(p K) / n) with four classes."""
    return float(PENALTY_CONSTANT * np.sqrt(np.log(p * N_CLASSES) / n))


def consistency(cell: Cell) -> pd.DataFrame:
    """Distance of PRESTO's estimate to a sparse truth as the rows get more, with the penalty that the theory asks for.

    Intercepts 0, 1.5 and 3; columns uniform on (-1, 1). The same rows are fitted with nearly no penalty.

    Parameters
    ----------
    cell : Cell
        Parameters ``growth`` (``fixed`` or ``growing`` number of columns), ``batch`` and ``draws``.

    Returns
    -------
    DataFrame
        Columns ``growth, method, n, replicate, metric, value``; methods ``presto`` and ``no_penalty``. ``psi_error``:
        Euclidean norm of estimated minus true first weights and differences. ``log_slope``, no ``n``: slope of its
        logarithm against that of n; ``log_slope_above_bound``: that slope minus :data:`SLOWEST_RATE`.
    """
    growth = cell.text("growth")
    rows = Rows(*CONSISTENCY_SETTINGS, growth=growth)
    for replicate, seed in repetitions(cell, "draws"):
        errors: dict[str, list[float]] = {"presto": [], "no_penalty": []}
        for n, child in zip(SIZES, seed.spawn(len(SIZES)), strict=True):
            generator = np.random.default_rng(child)
            p = columns_for(growth, n)
            psi = sparse_truth(p)
            X = generator.uniform(-1.0, 1.0, (n, p))
            cumulative = expit(np.array([0.0, 1.5, 3.0]) + X @ psi.cumsum(axis=0).T)
            y = (generator.random(n)[:, np.newaxis] > cumulative).sum(axis=1)
            ours = penalty(p, SIZES[0] if cell.variant == CONSTANT_PENALTY else n)
            for method, lam in (("presto", ours), ("no_penalty", NEARLY_NONE)):
                model = PrestoClassifier(lam, class_order=range(N_CLASSES)).fit(X, y)
                errors[method].append(float(np.sqrt(_squared_distance(model.psi_, psi))))
        for method, found in errors.items():
            rows.add_curves("n", SIZES, {"psi_error": found}, method=method, replicate=replicate)
            slope = -_log_slope(SIZES, found)
            measures = {"log_slope": slope, "log_slope_above_bound": slope - SLOWEST_RATE}
            rows.add(measures, method=method, replicate=replicate)
    return rows.frame()


# --- Inequality (6) in the settings of Appendix E ---------------------------------------------------------------------

APPENDIX_COLUMNS: Final = 10
CORRELATIONS: Final = (0.0, 0.25, 0.5, 0.75)
RARE_PROBABILITIES: Final = (0.0, 1e-7, 1e-6, 1e-5)
CLIP: Final = 3.0

NO_RARE_CLASS: Final = "second_intercept_is_zero"


def _eigenvalue(X: Floats, intercept: float) -> float:
    """Smallest eigenvalue for intercepts (0, `intercept`) and weights 1."""
    score = X.sum(axis=1)
    p1, p3 = expit(score), expit(-(intercept + score))
    return smallest_eigenvalue(condition_matrix(X, p1, 1.0 - p1 - p3, p3))


def study_a(cell: Cell) -> pd.DataFrame:
    """Inequality (6) for intercepts (0, 20), weights 1 and ten columns uniform on (-1, 1) (Figure 12).

    Parameters
    ----------
    cell : Cell
        Parameters ``draw`` and ``rows``.

    Returns
    -------
    DataFrame
        Columns ``replicate, metric, value``: ``eigenvalue`` and ``log_margin``, the logarithm of the bound over the
        largest rare probability on the cube.
    """
    X = cell.generator().uniform(-1.0, 1.0, (cell.whole("rows"), APPENDIX_COLUMNS))
    intercept = 0.0 if cell.variant == NO_RARE_CLASS else 20.0
    eigenvalue = _eigenvalue(X, intercept)
    bound = rarity_bound(max(eigenvalue, np.finfo(np.float64).tiny), np.sqrt(APPENDIX_COLUMNS))
    largest = float(expit(-(intercept - APPENDIX_COLUMNS)))
    rows = Rows(replicate=cell.whole("draw"))
    rows.add({"eigenvalue": eigenvalue, "log_margin": float(np.log(bound / largest))})
    return rows.frame()


def clipped_normal(rows: int, correlation: float, generator: np.random.Generator) -> Floats:
    """Ten normal columns of variance 1 with a common correlation, clipped to [-3, 3], shape (rows, 10)."""
    common = generator.standard_normal((rows, 1))
    own = generator.standard_normal((rows, APPENDIX_COLUMNS))
    columns: Floats = np.clip(np.sqrt(correlation) * common + np.sqrt(1.0 - correlation) * own, -CLIP, CLIP)
    return columns


def second_intercept(rare: float) -> float:
    """Intercept that keeps the rare probability at `rare` or below on the clipped columns; infinite for 0."""
    return float(CLIP * APPENDIX_COLUMNS + logit(1.0 - rare)) if rare > 0 else np.inf


def study_b(cell: Cell) -> pd.DataFrame:
    """Inequality (6) for clipped normal columns, by correlation and rare probability (Figures 13 to 20).

    Parameters
    ----------
    cell : Cell
        Parameters ``correlation``, ``draw`` and ``rows``.

    Returns
    -------
    DataFrame
        Columns ``correlation, rare, code, replicate, metric, value``: ``eigenvalue`` and, for positive rare
        probabilities, ``log_margin`` as in :func:`study_a`. The published code sets both intercepts to 0 for every
        positive rare probability (a comparison that is false for small numbers, D6); ``intended`` is without that.
    """
    correlation = cell.number("correlation")
    X = clipped_normal(cell.whole("rows"), correlation, cell.generator())
    intercepts: dict[str, Callable[[float], float]] = {
        "intended": second_intercept,
        "published": lambda rare: 0.0 if rare > 0 else np.inf,
    }
    norm = CLIP * np.sqrt(APPENDIX_COLUMNS)
    rows = Rows(*STUDY_B_SETTINGS, correlation=correlation, replicate=cell.whole("draw"))
    for code, intercept_of in intercepts.items():
        for rare in RARE_PROBABILITIES:
            eigenvalue = _eigenvalue(X, intercept_of(rare))
            measured = {"eigenvalue": eigenvalue}
            if rare > 0:
                measured["log_margin"] = float(np.log(rarity_bound(eigenvalue, norm) / rare))
            rows.add(measured, rare=rare, code=code)
    return rows.frame()
