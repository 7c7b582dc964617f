"""Which metric selects models with a larger gap between groups: boosted trees on real data (Section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import train_test_split

from repro.data import load
from repro.protocol.experiment import Cell, Parameters
from repro.protocol.rows import Rows
from repro.trials.table_tasks import TableTask, numeric_matrix

GROUPS: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("adult", "sex"): ("Female", "Male"),
    ("adult", "race"): ("Black", "White"),
    ("compas", "sex"): ("Female", "Male"),
    ("compas", "race"): ("African-American", "Caucasian"),
}
"""Tasks by data set and attribute, with the two groups in alphabetical order, the order of their codes."""

RACES: Final = ("Black", "White", "African-American", "Caucasian")
"""Rows of other races are left out, for both attributes."""

ADULT_TRAINING_ROWS: Final = 32_561
COMPAS_FEATURES: Final = (
    "age",
    "juv_fel_count",
    "juv_misd_count",
    "juv_other_count",
    "priors_count",
    "c_charge_degree",
)
SENSITIVE: Final = ("sex", "race")
WEIGHTS: Final = (1, 2, 3, 4, 5, 10, 15, 20, 25, 50)
"""Weights of the rows of one group; those of the other count once."""

WEIGHTINGS: Final = ("higher_prevalence", "first_code")
"""Which group is weighted: the one of higher prevalence, as the paper intends, or the first in alphabetical order, as
its published code does."""

TASK_SETTINGS: Final = ("dataset", "attribute", "weighting")
FAIRNESS_SETTINGS: Final = (*TASK_SETTINGS, "method")
MODELS_SETTINGS: Final = (*TASK_SETTINGS, "draw", "weight")
RATIO_SETTINGS: Final = (*TASK_SETTINGS, "ratio", "method")
RATIOS: Final = (1.0, 1.5, 2.0, 3.0, 5.0)
"""Prevalence ratios between the two groups that are made by resampling."""

NO_DIFFERENCE: Final = "average_precision_replaced_by_auroc"
GAP_IS_MINUS_AUROC: Final = "gap_is_minus_auroc"

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class Population(TableTask[np.bool_]):
    """Rows of one task in two groups; sex and race are not among the features.

    Attributes
    ----------
    sensitive : ndarray of shape (n_rows, 2), float64
        Codes of sex and race.
    second : ndarray of shape (n_rows,), bool
        Whether a row belongs to the second group.
    """

    sensitive: Floats
    second: Flags

    def prevalences(self) -> tuple[float, float]:
        """Share of positives in the first and in the second group."""
        return float(self.y[~self.second].mean()), float(self.y[self.second].mean())


@dataclass(frozen=True)
class Draw:
    """One draw of hyper-parameters of the boosted trees."""

    max_depth: int
    learning_rate: float
    n_estimators: int
    min_child_weight: int
    with_sensitive: bool


FIRST_DRAW: Final = Draw(5, 0.3, 100, 1, with_sensitive=False)


def draws(count: int, generator: np.random.Generator) -> list[Draw]:
    """Hyper-parameters as the paper draws them: depth 1-9, rate U(0.01, 0.3), 50-999 trees, child weight 1-9.

    The first draw is fixed. Half of the others, at random, also see the sensitive columns. The first k of many draws
    are the k draws of a smaller count.
    """
    found = [FIRST_DRAW]
    for _ in range(count - 1):
        found.append(
            Draw(
                max_depth=int(generator.integers(1, 10)),
                learning_rate=float(generator.uniform(0.01, 0.3)),
                n_estimators=int(generator.integers(50, 1000)),
                min_child_weight=int(generator.integers(1, 10)),
                with_sensitive=bool(generator.integers(2)),
            )
        )
    return found[:count]


@cache
def population(dataset: str, attribute: str) -> Population:
    """Load the rows of a task: the official training part of Adult, or COMPAS with ``is_recid``; two races only.

    Raises
    ------
    DataUnavailable
        If COMPAS is neither in the cache nor at the mirror or its origin.
    """
    loaded = load(dataset)
    assert loaded.groups is not None  # both data sets have sex and race
    groups = loaded.groups.astype(str)
    keep = groups["race"].isin(RACES).to_numpy()
    if dataset == "adult":
        keep = keep & (np.arange(len(keep)) < ADULT_TRAINING_ROWS)
    names = [
        name
        for name in loaded.features.columns
        if name not in SENSITIVE and (dataset == "adult" or name in COMPAS_FEATURES)
    ]
    X, nominal = numeric_matrix(loaded.features.loc[keep, names], source=dataset)
    sensitive, _ = numeric_matrix(groups.loc[keep, list(SENSITIVE)], source=dataset)
    second = groups.loc[keep, attribute].to_numpy() == GROUPS[dataset, attribute][1]
    return Population(dataset, X, loaded.is_positive[keep], nominal, sensitive=sensitive, second=second)


def equal_groups(everyone: Population, generator: np.random.Generator) -> Population:
    """Draw rows without replacement until both groups are as large as the smaller one."""
    members = [np.flatnonzero(everyone.second == second) for second in (False, True)]
    size = min(map(len, members))
    return everyone.rows(np.concatenate([generator.choice(rows, size, replace=False) for rows in members]))


def with_prevalence_ratio(everyone: Population, ratio: float, generator: np.random.Generator) -> Population:
    """Draw equal groups, the second of which has `ratio` times the prevalence of the first.

    The first group stays as it is; positives and negatives of the second are drawn without replacement.

    Raises
    ------
    ValueError
        If the second group has too few positives or negatives.
    """
    first = np.flatnonzero(~everyone.second)
    n_positive = round(ratio * float(everyone.y[first].mean()) * len(first))
    chosen = [first]
    for label, wanted in ((True, n_positive), (False, len(first) - n_positive)):
        rows = np.flatnonzero(everyone.second & (everyone.y == label))
        if not 0 <= wanted <= len(rows):
            raise ValueError(
                f"ratio {ratio} needs {wanted} rows with label {label} in the second group, has {len(rows)}"
            )
        chosen.append(generator.choice(rows, wanted, replace=False))
    return everyone.rows(np.concatenate(chosen))


def split(sample: Population, random_state: int) -> tuple[Population, Population, Population]:
    """Split into training (50 %), validation and test part (25 % each), stratified by group."""
    train, rest = train_test_split(
        np.arange(len(sample.y)), train_size=0.5, stratify=sample.second, random_state=random_state
    )
    validation, test = train_test_split(
        rest, train_size=0.5, stratify=sample.second[rest], random_state=random_state + 1
    )
    return sample.rows(train), sample.rows(validation), sample.rows(test)


def _design(part: Population, draw: Draw) -> Floats:
    return np.hstack([part.X, part.sensitive]) if draw.with_sensitive else part.X


def _fitted_scores(parts: Sequence[Population], draw: Draw, weight: int, weighted_second: bool) -> list[Floats]:
    """Train on the first part and score the others; without sub-sampling there is nothing random in the trees."""
    import xgboost

    train = parts[0]
    model = xgboost.XGBClassifier(
        max_depth=draw.max_depth,
        learning_rate=draw.learning_rate,
        n_estimators=draw.n_estimators,
        min_child_weight=draw.min_child_weight,
        tree_method="hist",
        n_jobs=1,
    )
    model.fit(
        _design(train, draw), train.y, sample_weight=np.where(train.second == weighted_second, float(weight), 1.0)
    )
    return [np.asarray(model.predict_proba(_design(part, draw))[:, 1], dtype=np.float64) for part in parts[1:]]


def model_table(
    sample: Population,
    weighting: str,
    weights: Sequence[int],
    n_draws: int,
    seed: np.random.SeedSequence,
) -> pd.DataFrame:
    """Train one model for each draw and weight.

    Parameters
    ----------
    sample : Population
        Rows with equally large groups.
    weighting : {"higher_prevalence", "first_code"}
        Which group gets the weights.
    weights : sequence of int
        Weights.
    n_draws : int
        Draws of hyper-parameters.
    seed : SeedSequence
        Seed of split and draws; the same for both weightings.

    Returns
    -------
    DataFrame
        One row a model: ``draw, weight, auroc, average_precision`` on the validation part, and on the test part
        ``gap`` (AUROC of the higher-prevalence group minus that of the other) and ``test_auroc``.
    """
    split_seed, draw_seed = seed.spawn(2)
    random_state = int(split_seed.generate_state(1)[0] // 2)
    train, validation, test = split(sample, random_state)
    first, second = sample.prevalences()
    weighted_second = weighting == "higher_prevalence" and second > first
    found = []
    for number, draw in enumerate(draws(n_draws, np.random.default_rng(draw_seed))):
        for weight in weights:
            on_validation, on_test = _fitted_scores((train, validation, test), draw, weight, weighted_second)
            within = [
                float(roc_auc_score(test.y[test.second == flag], on_test[test.second == flag]))
                for flag in (False, True)
            ]
            gap = within[1] - within[0]
            found.append(
                {
                    "draw": number,
                    "weight": weight,
                    "auroc": float(roc_auc_score(validation.y, on_validation)),
                    "average_precision": float(average_precision_score(validation.y, on_validation)),
                    "gap": gap if second > first else -gap,
                    "test_auroc": float(roc_auc_score(test.y, on_test)),
                }
            )
    return pd.DataFrame(found)


def rank_correlations(models: pd.DataFrame, variant: str | None = None) -> dict[str, float]:
    """Spearman correlation over models between each validation metric and the gap on the test part."""
    columns = {"auroc": "auroc", "average_precision": "auroc" if variant == NO_DIFFERENCE else "average_precision"}
    gap = -models["auroc"] if variant == GAP_IS_MINUS_AUROC else models["gap"]
    return {method: float(spearmanr(models[column], gap).statistic) for method, column in columns.items()}


def _seeds(cell: Cell) -> list[np.random.SeedSequence]:
    """Seeds of the sample and of the models: children of task and replicate, so that both weightings share them."""
    task = list(GROUPS).index((cell.text("dataset"), cell.text("attribute")))
    return np.random.SeedSequence(cell.seed, spawn_key=(task, cell.whole("seed"))).spawn(2)


def _weights(cell: Cell) -> tuple[int, ...]:
    count = cell.whole("weights")
    return WEIGHTS if count >= len(WEIGHTS) else tuple(WEIGHTS[i] for i in np.linspace(0, 9, count).round().astype(int))


def _rows(cell: Cell, settings: Sequence[str]) -> Rows:
    return Rows(*settings, **{name: cell.text(name) for name in TASK_SETTINGS}, replicate=cell.whole("seed"))


def _trained(cell: Cell, sample: Population, seed: np.random.SeedSequence) -> pd.DataFrame:
    """Train the models that the parameters of a cell ask for."""
    return model_table(sample, cell.text("weighting"), _weights(cell), cell.whole("draws"), seed)


def _equal_groups_and_models(cell: Cell) -> tuple[Population, pd.DataFrame]:
    sample_seed, model_seed = _seeds(cell)
    everyone = population(cell.text("dataset"), cell.text("attribute"))
    sample = equal_groups(everyone, np.random.default_rng(sample_seed))
    return sample, _trained(cell, sample, model_seed)


def fairness(cell: Cell) -> pd.DataFrame:
    """Correlate two selection metrics with the gap between groups over many models, on one random split.

    Parameters
    ----------
    cell : Cell
        Parameters ``dataset``, ``attribute``, ``weighting``, ``seed``, ``draws`` and ``weights`` (how many of
        :data:`WEIGHTS`).

    Returns
    -------
    DataFrame
        Columns ``dataset, attribute, weighting, method, replicate, metric, value``. ``rho_with_gap`` for the methods
        ``auroc`` and ``average_precision``; for the method ``sample`` the prevalence of both groups, their ratio, the
        median gap and the number of models.
    """
    sample, models = _equal_groups_and_models(cell)
    low, high = sorted(sample.prevalences())
    facts = {
        "prevalence_low": low,
        "prevalence_high": high,
        "prevalence_ratio": high / low,
        "median_gap": float(models["gap"].median()),
        "models": float(len(models)),
    }
    rows = _rows(cell, FAIRNESS_SETTINGS)
    for method, value in rank_correlations(models, cell.variant).items():
        rows.add({"rho_with_gap": value}, method=method)
    rows.add(facts, method="sample")
    return rows.frame()


def models(cell: Cell) -> pd.DataFrame:
    """Show every model of one random split: its metrics on the validation part and its gap on the test part.

    Parameters
    ----------
    cell : Cell
        Parameters as in :func:`fairness`.

    Returns
    -------
    DataFrame
        Columns ``dataset, attribute, weighting, draw, weight, replicate, metric, value``.
    """
    _, table = _equal_groups_and_models(cell)
    tidy = table.melt(["draw", "weight"], var_name="metric", value_name="value")
    return tidy.assign(**{name: cell.text(name) for name in TASK_SETTINGS}, replicate=cell.whole("seed"))


def prevalence_ratio(cell: Cell) -> pd.DataFrame:
    """Repeat :func:`fairness` on samples whose groups differ more and more in prevalence, on one random split.

    The first group of Adult by sex stays as it is; the second is drawn so that it has 1 to 5 times its prevalence.

    Parameters
    ----------
    cell : Cell
        Parameters as in :func:`fairness`.

    Returns
    -------
    DataFrame
        Columns ``dataset, attribute, weighting, ratio, method, replicate, metric, value``: for each ratio
        ``rho_with_gap`` of both methods and ``rho_difference``; without a ratio ``spearman_with_ratio``, the rank
        correlation of the five differences with the ratio (0 when all differences are equal).
    """
    sample_seed, model_seed = _seeds(cell)
    everyone = population(cell.text("dataset"), cell.text("attribute"))
    rows = _rows(cell, RATIO_SETTINGS)
    differences = []
    for ratio, seed, fit_seed in zip(
        RATIOS, sample_seed.spawn(len(RATIOS)), model_seed.spawn(len(RATIOS)), strict=True
    ):
        sample = with_prevalence_ratio(everyone, ratio, np.random.default_rng(seed))
        found = rank_correlations(_trained(cell, sample, fit_seed), cell.variant)
        differences.append(found["average_precision"] - found["auroc"])
        for method, value in found.items():
            rows.add({"rho_with_gap": value}, ratio=ratio, method=method)
        rows.add({"rho_difference": differences[-1]}, ratio=ratio, method="difference")
    trend = 0.0 if np.ptp(differences) == 0 else float(spearmanr(RATIOS, differences).statistic)
    rows.add({"spearman_with_ratio": trend}, method="difference")
    return rows.frame()


def seconds(parameters: Parameters) -> float:
    """Rough seconds of a cell on one core."""
    task = str(parameters["dataset"]), str(parameters["attribute"])
    one = {("adult", "sex"): 0.22, ("adult", "race"): 0.11, ("lsac", "sex"): 0.25, ("lsac", "race"): 0.1}.get(
        task, 0.06
    )
    return one * int(str(parameters["draws"])) * int(str(parameters["weights"]))
