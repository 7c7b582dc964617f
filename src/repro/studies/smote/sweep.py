"""The paper's experiment: ROC curves from sweeps of under-sampling with and without SMOTE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import spearmanr
from sklearn import config_context
from sklearn.naive_bayes import CategoricalNB, GaussianNB

from repro.metrics import dominance, roc_convex_hull, sweep_auc
from repro.protocol.experiment import Cell, child_seed
from repro.protocol.rows import Rows
from repro.sampling import SMOTE, SMOTEN, SMOTENC
from repro.studies.smote.problems import TABLE_3, THRESHOLDS, UNDER_LEVELS, fixed_level, levels_of, load_problem
from repro.trees import C45Classifier
from repro.trials.folds import stratified_folds
from repro.trials.learners import pruned_tree
from repro.trials.table_tasks import BinaryTask

SWEEP_SETTINGS: Final = ("dataset", "method", "level", "step")
READINGS_SETTINGS: Final = ("dataset", "method")
INNER_FOLDS: Final = 3
NAIVE_BAYES_STEPS: Final = 20
GRID: Final = np.linspace(0.01, 0.99, 99)
NESTED_UP_TO: Final = 20_000
"""Rows up to which the level of SMOTE is also chosen inside the training part; no claim asks for it on Adult."""
NESTED_IN: Final = (None, "smote_adds_nothing")
"""Variants in which the level is also chosen inside the training part: the experiment proper and the control of the
claim that asks for it."""

Point = tuple[float, float]
Curve = Mapping[float, Point]


def misled(variant: str | None, problem: BinaryTask) -> dict[int | str, float]:
    """Share of the training labels that a control exchanges for the other class, by method.

    A method that learns from exchanged labels ranks the wrong way round, one that learns from half of them exchanged
    cannot rank, so a claim that puts it ahead is false by construction. The tree on the untouched training part, level
    0 of every curve, always sees the true labels.

    Parameters
    ----------
    variant : str or None
        ``smote_misled``: SMOTE at every amount. ``claimed_winner_misled``: the method that the paper puts ahead, Naive
        Bayes on Pima and SMOTE elsewhere. ``printed_order_reversed``: the higher Table 3 ranks an amount of SMOTE, the
        more, up to a half. ``low_levels_misled``: plain under-sampling wholly, the lowest amount by half. Others:
        nobody.
    problem : BinaryTask
        Its name and levels count.

    Returns
    -------
    dict
        Amount of SMOTE in percent (0 is plain under-sampling) or ``"naive_bayes"``, and the share between 0 and 1.
    """
    if variant == "claimed_winner_misled" and problem.name == "pima":
        return {"naive_bayes": 1.0}
    if variant in ("claimed_winner_misled", "smote_misled"):
        return dict.fromkeys(levels_of(problem), 1.0)
    if variant == "printed_order_reversed":
        printed = TABLE_3[problem.name]
        worst_first = sorted(levels_of(problem), key=lambda amount: printed[amount])
        return dict(zip(worst_first, np.linspace(0, 0.5, len(worst_first)).tolist(), strict=True))
    if variant == "low_levels_misled":
        return {0: 1.0, min(levels_of(problem)): 0.5}
    return {}


def exchange_labels(y: npt.NDArray[np.bool_], share: float, seed: np.random.SeedSequence) -> npt.NDArray[np.bool_]:
    """Copy of `y`, bool (n_samples,), in which a random `share` of the labels is exchanged for the other class."""
    rows = np.random.default_rng(seed).permutation(y.size)[: round(share * y.size)]
    exchanged = y.copy()
    exchanged[rows] = ~y[rows]
    return exchanged


def fit_tree(
    problem: BinaryTask, X: npt.NDArray[np.float64], y: npt.NDArray[np.bool_], **options: Any
) -> C45Classifier:
    """Fit a C4.5 tree with the defaults of release 8."""
    tree: C45Classifier = pruned_tree(problem.nominal, **options).fit(X, y)
    return tree


def roc_point(y_true: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_]) -> Point:
    """Share of the majority called minority and share of the minority called minority."""
    return float(predicted[~y_true].mean()), float(predicted[y_true].mean())


def synthetic_rows(
    problem: BinaryTask, amount: int, seed: np.random.SeedSequence, *, variant: str | None = None, **reading: Any
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Rows that SMOTE adds to a training part, and their labels: SMOTE-NC with some nominal columns, SMOTE-N with all.

    Parameters
    ----------
    problem : BinaryTask
        The training part.
    amount : int
        Amount of SMOTE in percent; 0 adds nothing.
    seed : SeedSequence
        Seed of the draw.
    variant : str or None
        ``smote_adds_nothing`` or ``children_labelled_majority`` give the controls.
    **reading
        Options of :class:`repro.sampling.SMOTE` that choose a reading of the paper.

    Returns
    -------
    X : ndarray of shape (n_children, n_features)
    y : ndarray of shape (n_children,), bool
    """
    if amount == 0 or variant == "smote_adds_nothing":
        return np.empty((0, problem.X.shape[1])), np.empty(0, dtype=bool)
    options = {"amount": amount, "random_state": np.random.default_rng(seed), **reading}
    if not problem.nominal:
        sampler: SMOTE | SMOTENC | SMOTEN = SMOTE(**options)
    elif len(problem.nominal) < problem.X.shape[1]:
        sampler = SMOTENC(categorical_features=list(problem.nominal), **options)
    else:
        sampler = SMOTEN(**options)
    X, y = sampler.fit_resample(problem.X, problem.y)
    children, labels = X[problem.y.size :], y[problem.y.size :]
    if variant == "children_labelled_majority":
        labels = ~labels
    return children, labels


def majority_rows(
    problem: BinaryTask, seed: np.random.SeedSequence, levels: Sequence[int] = UNDER_LEVELS
) -> dict[int, npt.NDArray[np.intp]]:
    """Rows of a training part that are left at each level of under-sampling.

    The paper fixes the number of majority rows by the original minority count, so the same draw serves the plain
    curve and every SMOTE curve. Levels that need more majority rows than there are, or fewer than one, are left out.
    The rows are those that :class:`repro.sampling.RandomUnderSampler` keeps; its checks of the input, once for each
    level, would take longer than the draws.
    """
    majority = np.flatnonzero(~problem.y)
    n_minority = problem.y.size - majority.size
    kept = {}
    for level in levels:
        if 1 <= n_minority / (level / 100) <= majority.size:
            generator = np.random.default_rng(int(child_seed(seed, level).generate_state(1)[0]))
            keep = problem.y.copy()
            keep[generator.permutation(majority)[: round(n_minority * 100 / level)]] = True
            kept[level] = np.flatnonzero(keep)
    return kept


def fold_curves(
    train: BinaryTask,
    X_test: npt.NDArray[np.float64],
    y_test: npt.NDArray[np.bool_],
    amounts: Iterable[int],
    seed: np.random.SeedSequence,
    *,
    variant: str | None = None,
    **reading: Any,
) -> dict[int, dict[float, Point]]:
    """One fold's points: for each amount of SMOTE (0 is none) and each level of under-sampling (0 is none).

    Level 0 is the tree on the untouched training part, the lower left point of every curve. In a control, `variant`
    decides what SMOTE adds (:func:`synthetic_rows`) and who learns from exchanged labels (:func:`misled`).
    """
    curves: dict[int, dict[float, Point]] = {}
    with config_context(skip_parameter_validation=True):  # thousands of small trees, all with the same options
        shares = misled(variant, train)
        raw = roc_point(y_test, fit_tree(train, train.X, train.y).predict(X_test))
        kept = majority_rows(train, child_seed(seed, 1))
        for amount in amounts:
            children, labels = synthetic_rows(train, amount, child_seed(seed, 2, amount), variant=variant, **reading)
            curve: dict[float, Point] = {0: raw}
            for level, rows in kept.items():
                X = np.vstack([train.X[rows], children])
                y = np.concatenate([train.y[rows], labels])
                if shares.get(amount):
                    y = exchange_labels(y, shares[amount], child_seed(seed, 3, amount, level))
                curve[level] = roc_point(y_test, fit_tree(train, X, y).predict(X_test))
            curves[amount] = curve
    return curves


def mean_curve(curves: Sequence[Curve]) -> dict[float, Point]:
    """Average the points of several folds, key by key; keys that some fold lacks are left out."""
    shared = set(curves[0]).intersection(*curves[1:])
    return {
        key: (float(np.mean([curve[key][0] for curve in curves])), float(np.mean([curve[key][1] for curve in curves])))
        for key in curves[0]
        if key in shared
    }


def curve_areas(curve: Curve) -> dict[str, float]:
    """Area by the paper's rule (from the raw point to (1, 1)) and the ordinary one (from (0, 0))."""
    fpr, tpr = np.array(list(curve.values())).T
    return {"auc_paper": sweep_auc(fpr, tpr, rule="paper"), "auc_full": sweep_auc(fpr, tpr, rule="full")}


def chosen_level(train: BinaryTask, amounts: Sequence[int], seed: np.random.SeedSequence, variant: str | None) -> int:
    """Amount of SMOTE with the largest ``auc_paper`` in a cross-validation inside the training part."""
    if len(amounts) == 1:
        return amounts[0]
    inner: dict[int, list[Curve]] = {amount: [] for amount in amounts}
    for number, fit_rows, test_rows in stratified_folds(train.y, child_seed(seed, 0), INNER_FOLDS):
        part, held_out = train.rows(fit_rows), train.rows(test_rows)
        curves = fold_curves(part, held_out.X, held_out.y, amounts, child_seed(seed, 1, number), variant=variant)
        for amount in amounts:
            inner[amount].append(curves[amount])
    areas = {amount: curve_areas(mean_curve(inner[amount]))["auc_paper"] for amount in amounts}
    return max(amounts, key=lambda amount: (areas[amount], -amount))


def naive_bayes_curve(
    train: BinaryTask, X_test: npt.NDArray[np.float64], y_test: npt.NDArray[np.bool_]
) -> dict[float, Point]:
    """Points of Naive Bayes while the minority's prior rises from its own to 50 times the majority's.

    One fit serves all priors, because a prior only shifts the log odds. Numeric columns are normal within a class,
    nominal ones have smoothed frequencies.
    """
    nominal = list(train.nominal)
    numeric = [column for column in range(train.X.shape[1]) if column not in train.nominal]
    log_odds = np.zeros(y_test.size)
    if numeric:
        joint = (
            GaussianNB(priors=[0.5, 0.5]).fit(train.X[:, numeric], train.y).predict_joint_log_proba(X_test[:, numeric])
        )
        log_odds += joint[:, 1] - joint[:, 0]
    if nominal:
        categories = np.maximum(train.X[:, nominal].max(axis=0), X_test[:, nominal].max(axis=0)).astype(int) + 1
        model = CategoricalNB(min_categories=categories, fit_prior=False).fit(train.X[:, nominal], train.y)
        joint = model.predict_joint_log_proba(X_test[:, nominal])
        log_odds += joint[:, 1] - joint[:, 0]
    share = float(train.y.mean())
    prior_odds = np.geomspace(share / (1 - share), 50, NAIVE_BAYES_STEPS)
    return {step: roc_point(y_test, log_odds + np.log(odds) > 0) for step, odds in enumerate(prior_odds)}


def threshold_curves(
    train: BinaryTask, X_test: npt.NDArray[np.float64], y_test: npt.NDArray[np.bool_]
) -> dict[str, dict[float, Point]]:
    """Points of one tree while its leaf threshold falls (Figure 24): pruned, unpruned, unpruned with Laplace."""
    trees: dict[str, dict[str, Any]] = {
        "threshold_pruned": {},
        "threshold_unpruned": {"prune": False, "collapse": False},
        "threshold_laplace": {"prune": False, "collapse": False, "laplace": True},
    }
    curves = {}
    for name, options in trees.items():
        probability = fit_tree(train, train.X, train.y, **options).predict_proba(X_test)[:, 1]
        curves[name] = {threshold: roc_point(y_test, probability >= threshold) for threshold in THRESHOLDS}
    return curves


def roc_sweep(cell: Cell) -> pd.DataFrame:
    """Run the whole sweep on one partition of one data set.

    Parameters
    ----------
    cell : Cell
        Parameters ``dataset``, ``partition`` and, in controls, ``stands_for``.

    Returns
    -------
    DataFrame
        Columns ``dataset, method, level, step, replicate, metric, value``. Rows with a ``step`` (under-sampling level,
        leaf threshold or number of the prior) are points of a curve, rows without one speak of the whole curve.
    """
    problem = load_problem(cell.parameters)
    if cell.variant == "labels_permuted":
        problem = problem.with_permuted_labels(np.random.default_rng(cell.child(9)))
    amounts, fixed = levels_of(problem), fixed_level(problem)
    wrong_labels_of_bayes = misled(cell.variant, problem).get("naive_bayes", 0.0)
    per_fold: dict[str, list[Curve]] = {}
    for number, train_rows, test_rows in stratified_folds(problem.y, cell.child(0)):
        train, test = problem.rows(train_rows), problem.rows(test_rows)
        fold_seed = cell.child(1, number)
        curves = fold_curves(train, test.X, test.y, (0, *amounts), fold_seed, variant=cell.variant)
        named: dict[str, Curve] = {"under": curves[0]}
        if problem.y.size <= NESTED_UP_TO and cell.variant in NESTED_IN:
            level = chosen_level(train, amounts, cell.child(2, number), cell.variant)
            named["smote_chosen_level"] = curves[level]
        named |= {f"smote_{amount}": curves[amount] for amount in amounts}
        if wrong_labels_of_bayes:
            exchanged = exchange_labels(train.y, wrong_labels_of_bayes, child_seed(fold_seed, 4))
            named["naive_bayes"] = naive_bayes_curve(replace(train, y=exchanged), test.X, test.y)
        else:
            named["naive_bayes"] = naive_bayes_curve(train, test.X, test.y)
        named |= threshold_curves(train, test.X, test.y)
        for method, curve in named.items():
            per_fold.setdefault(method, []).append(curve)
    curves_of = {method: mean_curve(fold) for method, fold in per_fold.items()}
    areas = {method: curve_areas(curve) for method, curve in curves_of.items()}
    best = max(amounts, key=lambda amount: areas[f"smote_{amount}"]["auc_paper"])
    for alias, amount in (("smote_fixed_level", fixed), ("smote_best_on_test", best)):
        areas[alias] = areas[f"smote_{amount}"]
    levels = {"under": 0, "smote_fixed_level": fixed, "smote_best_on_test": best}
    levels |= {f"smote_{amount}": amount for amount in amounts}

    rows = Rows(*SWEEP_SETTINGS, dataset=problem.name, replicate=cell.whole("partition"))
    for method, curve in curves_of.items():
        if method != "smote_chosen_level":
            for step, point in curve.items():
                rows.add(
                    dict(zip(("fpr", "tpr"), point, strict=True)), method=method, level=levels.get(method), step=step
                )
    whole = {method: dict(area) for method, area in areas.items()}
    smote = curves_of[f"smote_{fixed}"]
    for method, extra in hull_summary(
        {"under": curves_of["under"], "smote_fixed_level": smote, "naive_bayes": curves_of["naive_bayes"]}
    ).items():
        whole[method] |= extra
    for method in ("threshold_pruned", "threshold_unpruned", "threshold_laplace"):
        whole[method]["share_dominated_by_smote"] = dominance(
            *_arrays(smote), *_arrays(curves_of[method]), grid=GRID
        ).share_above
    row = {level: area for level, area in TABLE_3.get(problem.name, {}).items() if level}
    if len(row) > 2:
        ours = [areas[f"smote_{level}"]["auc_paper"] for level in row]
        agreement = 0.0 if np.ptp(ours) == 0 else float(spearmanr(ours, list(row.values())).statistic)
        whole["smote_fixed_level"]["spearman_with_table_3"] = agreement
    for method, metrics in whole.items():
        rows.add(metrics, method=method, level=levels.get(method))
    return rows.frame()


def hull_summary(families: Mapping[str, Curve]) -> dict[str, dict[str, float]]:
    """Vertices of the joint convex hull that lie on each family, and the hull's area lost without the family."""

    def hull(names: Iterable[str]) -> tuple[set[Point], float]:
        points = np.array([point for name in names for point in families[name].values()])
        result = roc_convex_hull(points[:, 0], points[:, 1])
        return set(zip(result.fpr.tolist(), result.tpr.tolist(), strict=True)), result.area

    vertices, area = hull(families)
    ends = {(0.0, 0.0), (1.0, 1.0)}
    return {
        name: {
            "hull_vertices": float(len((vertices - ends) & set(families[name].values()))),
            "hull_area_lost_without": area - hull(set(families) - {name})[1],
        }
        for name in families
    }


def _arrays(curve: Curve) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    fpr, tpr = np.array(list(curve.values())).T
    return fpr, tpr


READINGS: Mapping[str, Mapping[str, Any]] = {
    "segment": {},
    "box": {"interpolation": "box"},
    "without_replacement": {"neighbor_replacement": False},
    "random_parents": {"parents": "random"},
}
"""Readings of the paper's ambiguous points A1 (segment or box), A2 (neighbours) and A3 (parents)."""


def readings(cell: Cell) -> pd.DataFrame:
    """Areas of the SMOTE curve at the fixed level under each reading of the paper, on one partition.

    Parameters
    ----------
    cell : Cell
        Parameters ``dataset`` and ``partition``.

    Returns
    -------
    DataFrame
        Columns ``dataset, method, replicate, metric, value``; ``method`` names the reading.
    """
    problem = load_problem(cell.parameters)
    amount = fixed_level(problem)
    per_reading: dict[str, list[Curve]] = {name: [] for name in READINGS}
    for number, train_rows, test_rows in stratified_folds(problem.y, cell.child(0)):
        train, test = problem.rows(train_rows), problem.rows(test_rows)
        for name, options in READINGS.items():
            variant = None if name == "segment" else cell.variant
            curves = fold_curves(train, test.X, test.y, [amount], cell.child(1, number), variant=variant, **options)
            per_reading[name].append(curves[amount])
    rows = Rows(*READINGS_SETTINGS, dataset=problem.name, replicate=cell.whole("partition"))
    for name, curves_of in per_reading.items():
        rows.add(curve_areas(mean_curve(curves_of)), method=name)
    return rows.frame()
