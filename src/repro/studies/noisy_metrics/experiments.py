"""Experiments of the study `noisy_metrics`: recorded counts, the order of simulated detectors, detectors on data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr, ndtri
from scipy.stats import kendalltau

from repro.metrics import Counts, auroc, average_precision, confusion_metrics, recorded_counts
from repro.protocol.cells import combinations, together
from repro.protocol.exchange import replaced
from repro.protocol.experiment import Cell, Experiment, Scalar
from repro.protocol.rows import Rows
from repro.studies.noisy_metrics.own import OWN
from repro.trials.folds import held_out
from repro.trials.learners import fitted, gradient_boosting, logistic_regression, pruned_tree
from repro.trials.table_tasks import BinaryTask, table_task

Floats = npt.NDArray[np.float64]

PREVALENCE: Final = 492 / 284_807
"""Share of frauds in the public set of card payments."""
ODDS: Final = (1 - PREVALENCE) / PREVALENCE
COSTS: Final = {"5": 5.0, "50": 50.0, "500": 500.0, "prevalence odds": ODDS}
"""What a miss costs, in false alarms."""
TIE: Final = 0.01
"""Values of the first metric of a pair that round to the same multiple of this are ties."""
N_DETECTORS: Final = 200
REFERENCE_RECALL: Final = 0.6
"""Share of the frauds that the reference system finds, without whose alert no fraud is recorded."""
SAID: Final = ("f1", "f1_then_gmean")
"""Methods whose order the control turns round."""
GRID: Final = np.linspace(-5.0, 10.0, 121)
"""Thresholds of the score at which curves are computed; genuine cases are standard normal."""
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


def both_above(first: Floats, second: float, correlation: float) -> Floats:
    """Probability that two standard normals of a correlation below 1 are below `first` and `second`; Plackett 1954."""
    r = correlation * (NODES + 1) / 2
    h = np.asarray(first)[..., None]
    density = np.exp(-(h**2 + second**2 - 2 * h * second * r) / (2 * (1 - r**2))) / np.sqrt(1 - r**2)
    return ndtr(first) * ndtr(second) + correlation / 2 * (density @ WEIGHTS) / (2 * np.pi)


def verified_counts(tpr: Floats, fpr: Floats, correlation: float) -> Counts:
    """Give counts against labels that record a fraud only if a reference system raises an alarm too.

    Parameters
    ----------
    tpr, fpr : ndarray
    correlation : float
        Of the scores of detector and reference system among frauds, from 0 to 1.
    """
    found, ends = REFERENCE_RECALL, np.clip(ndtri(tpr), -9, 9)
    both = np.minimum(tpr, found) if correlation == 1 else both_above(ends, float(ndtri(found)), correlation)
    hits, lost = PREVALENCE * both, PREVALENCE * (tpr - both)
    alarms = (1 - PREVALENCE) * fpr + np.maximum(lost, 0)
    return Counts(hits, alarms, np.maximum(PREVALENCE * found - hits, 0), 1 - PREVALENCE * found - alarms)


def recorded(noise: str, missed: float, invented: float, tpr: Floats, fpr: Floats) -> Counts:
    """Give counts against the recorded labels, of errors that are independent or come of verification."""
    if noise == "independent":
        return recorded_counts(Counts.from_rates(PREVALENCE, tpr, fpr), missed=missed, invented=invented)
    return verified_counts(tpr, fpr, float(noise.removeprefix("verification ")))


def utility(counts: Counts, cost: float) -> Floats:
    """Cost of a row with its sign turned round, where a false alarm costs 1."""
    rows = counts.tp + counts.fp + counts.fn + counts.tn
    return -(cost * counts.fn + counts.fp) / rows


def scores_of(counts: Counts, curves: Counts | None = None) -> dict[str, Floats]:
    """Values of all metrics, of pairs of metrics, and of areas below curves; the larger the better."""
    found = confusion_metrics(counts)
    first, second = found["f1"], found["g_mean"]
    found["f1_then_gmean"] = np.round(first / TIE) + second / 2
    found["gmean_then_f1"] = np.round(second / TIE) + first / 2
    if curves is not None:
        along = confusion_metrics(curves)
        recall, alarms, precision = along["recall"], 1 - along["specificity"], along["precision"]
        found["auroc"] = np.asarray(-np.trapezoid(recall, alarms, axis=-1))
        found["average_precision"] = np.asarray(-np.trapezoid(precision, recall, axis=-1))
    return found


def draw_detectors(generator: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Separations, true and false positive rates of detectors with normal scores."""
    separation = generator.uniform(1.5, 4.5, N_DETECTORS)
    fpr = 10 ** generator.uniform(-4.0, -1.5, N_DETECTORS)
    return separation, ndtr(separation - ndtri(1 - fpr)), fpr


def counts(cell: Cell) -> pd.DataFrame:
    """Compare recorded confusion matrices of a million simulated rows with the expected ones, in standard errors.

    Parameters
    ----------
    cell : Cell
        Parameters ``prevalence``, ``missed``, ``invented`` and ``rows``; in the control the two rates are exchanged in
        what is expected.
    """
    pi, a, b, n = (cell.number(name) for name in ("prevalence", "missed", "invented", "rows"))
    generator, tpr, fpr = cell.generator(), 0.75, 0.01
    truth = generator.random(int(n)) < pi
    called = generator.random(int(n)) < np.where(truth, tpr, fpr)
    label = truth ^ (generator.random(int(n)) < np.where(truth, a, b))
    simulated = np.array([(label & called).mean(), (~label & called).mean(), (label & ~called).mean()])
    rates = {"missed": b, "invented": a} if cell.variant else {"missed": a, "invented": b}
    expected = recorded_counts(Counts.from_rates(pi, tpr, fpr), **rates)
    shares = np.array([expected.tp, expected.fp, expected.fn])
    errors = np.abs(simulated - shares) / np.sqrt(shares * (1 - shares) / n)
    settings = {"prevalence": pi, "missed": a, "invented": b}
    rows = Rows(*settings, **settings, replicate=f"{pi:g} {a:g} {b:g}")
    rows.add({"standard_errors": float(errors.max())})
    return rows.frame()


def _against_truth(
    found: Mapping[str, Floats], seen: Counts, true: Counts, cost: float, reverse: bool = False
) -> tuple[dict[str, float], dict[str, float]]:
    """How well values and the recorded cost order detectors, and how much more than the least the best by each costs.

    Kendall's tau, and the surplus as a share of the least cost, with three decimals.
    """
    truth, taus, regrets = utility(true, cost), {}, {}
    for method, values in (*found.items(), ("expected_cost", utility(seen, cost))):
        values = -values if reverse and method in SAID else values
        taus[method] = round(float(kendalltau(values, truth).statistic), 3)
        regrets[method] = round(float(truth[np.argmax(values)] / truth.max() - 1), 3)
    return taus, regrets


ORDERING: Final = ("cost", "missed", "invented", "noise", "labels", "method")
CLAIMED: Final = ("independent", 0.1, 0.0001)
STRONG: Final = ("independent", 0.3, 0.001)
NOISES: Final = (
    ("independent", 0.0, 0.0),
    CLAIMED,
    STRONG,
    *((f"verification {correlation}", 1 - REFERENCE_RECALL, 0.0) for correlation in ("0", "0.5", "1")),
)
"""Kind of error, share of frauds recorded as genuine, share of genuine cases recorded as frauds."""
NOISE_SETS: Final = {"all": NOISES, "claimed": (CLAIMED,), "compared": (CLAIMED, STRONG)}


def ordering(cell: Cell) -> pd.DataFrame:
    """Kendall's tau between metrics of recorded counts and the true utility of 200 drawn detectors.

    Parameters
    ----------
    cell : Cell
        Parameters ``draw`` and ``noises``, a key of :data:`NOISE_SETS`; in the control the values of F1,
        alone and first of a pair, change sign where labels are recorded.
    """
    separation, tpr, fpr = draw_detectors(cell.generator())
    true = Counts.from_rates(PREVALENCE, tpr, fpr)
    curve = ndtr(separation[:, None] - GRID), np.tile(ndtr(-GRID), (N_DETECTORS, 1))
    rows = Rows(*ORDERING, replicate=cell.whole("draw"))
    every = cell.text("noises") == "all"
    for noise in NOISE_SETS[cell.text("noises")]:
        kind, a, b = noise
        for labels in ("recorded", "correct") if noise == STRONG else ("recorded",):
            source = noise if labels == "recorded" else NOISES[0]
            seen, reverse = recorded(*source, tpr, fpr), cell.variant is not None and labels == "recorded"
            found = scores_of(seen, recorded(*source, *curve))
            for name in COSTS if noise == NOISES[0] else list(COSTS)[:3]:
                place: dict[str, Scalar] = {"cost": name, "missed": a, "invented": b, "noise": kind, "labels": labels}
                taus, regrets = _against_truth(found, seen, true, COSTS[name], reverse)
                shown = every and kind == "independent" and labels == "recorded"
                for method, tau in taus.items():
                    rows.add({"kendall": tau} | ({"regret": regrets[method]} if shown else {}), method=method, **place)
                truth = utility(true, COSTS[name])
                if noise == STRONG:
                    best = round(float(found["f1"][np.argmax(truth)]), 3)
                    rows.add({"f1_of_best": best}, method="f1", **place)
                if noise == NOISES[0]:
                    exact = float(kendalltau(found["balanced_accuracy"], truth).statistic)
                    rows.add({"one_minus_kendall": 1 - exact}, method="balanced_accuracy", **place)
    return rows.frame()


LEARNERS: Final = {"logistic": logistic_regression, "tree": pruned_tree, "boosting": gradient_boosting}
AREAS: Final = {"auroc": auroc, "average_precision": average_precision}
RATES: Final = np.geomspace(1e-3, 0.2, 40)
"""Shares of the rows that detectors call."""


def _thinned(task: BinaryTask, share: float, generator: np.random.Generator) -> BinaryTask:
    """Leave out positives until they have a share of the rows, if they have more."""
    positives = np.flatnonzero(task.y)
    wanted = round(share / (1 - share) * int((~task.y).sum()))
    kept = generator.permutation(positives)[:wanted]
    return task.rows(np.sort(np.append(np.flatnonzero(~task.y), kept)))


def learners(cell: Cell) -> pd.DataFrame:
    """Kendall's tau as in :func:`ordering`, of 120 detectors on the test half of a data set with injected errors.

    Parameters
    ----------
    cell : Cell
        Parameters ``dataset`` and ``seed``. Training labels are correct.
    """
    task, generator = table_task(cell.text("dataset")), cell.generator()
    if task.y.mean() > 0.05:
        task = _thinned(task, 0.01, generator)
    train_rows, test_rows = held_out(task.y.astype(np.intp), generator, 0.5)
    train, test = task.rows(train_rows), task.rows(test_rows)
    flips = generator.random(test.y.size)
    calls, scores = [], []
    for learner in LEARNERS.values():
        probability = fitted(learner, train.X, train.y, train.nominal)(test.X)
        untied = probability + generator.uniform(0, 1e-9, probability.size)
        calls += [untied >= np.quantile(untied, 1 - rate) for rate in RATES]
        scores += [probability] * len(RATES)
    called = np.array(calls)

    def against(y: npt.NDArray[np.bool_]) -> Counts:
        shares = ((called & y).mean(axis=1), (called & ~y).mean(axis=1), (~called & y).mean(axis=1))
        return Counts(*shares, 1 - sum(shares))

    rows = Rows("dataset", *ORDERING, dataset=cell.text("dataset"), noise="independent", labels="recorded",
                replicate=cell.whole("seed"))  # fmt: skip
    true = against(test.y)
    for _, a, b in (NOISES[0], STRONG):
        labels = test.y ^ (flips < np.where(test.y, a, b))
        areas = {name: np.array([area(labels, score) for score in scores]) for name, area in AREAS.items()}
        seen = against(labels)
        for name in ("5", "50", "500"):
            taus, regrets = _against_truth(scores_of(seen) | areas, seen, true, COSTS[name])
            for method, tau in taus.items():
                measures = {"kendall": tau, "regret": regrets[method]}
                rows.add(measures, missed=a, invented=b, cost=name, method=method)
    return rows.frame()


EXPERIMENTS: Final = (
    Experiment(
        name="noisy_metrics.counts",
        summary="recorded confusion matrices of simulated rows against the expected ones",
        settings=("prevalence", "missed", "invented"),
        compute=counts,
        cells={
            "quick": together(
                *(
                    combinations(prevalence=[PREVALENCE, 0.01, 0.1, 0.5], missed=[a], invented=[b], rows=[10**6])
                    for a, b in ((0.0, 0.001), (0.1, 0.0001), (0.3, 0.001), (0.1, 0.01), (0.3, 0.05))
                )
            ),
            "control": combinations(
                "error_rates_exchanged", prevalence=[PREVALENCE], missed=[0.3], invented=[0.05], rows=[10**6]
            ),
        },
        variants={"error_rates_exchanged": "expected counts are those of the two rates exchanged"},
        seconds=lambda parameters: 0.05,
        seed=2208,
    ),
    Experiment(
        name="noisy_metrics.ordering",
        summary="how well metrics of recorded counts order 200 drawn detectors by their true cost",
        settings=ORDERING,
        compute=ordering,
        cells={
            "quick": combinations(draw=range(30), noises=["all"]),
            "standard": combinations(draw=range(200), noises=["claimed"]),
            "control": combinations("order_reversed", draw=range(4), noises=["compared"]),
        },
        variants={
            "order_reversed": "F1 on recorded labels, alone and first of a pair, orders detectors the wrong way round",
            "cost_of_five": "the cost is that of five false alarms a miss and not of the prevalence odds",
            "errors_left_out": "recorded labels get the numbers of the correct ones, nothing can fall",
        },
        exchanged={
            "cost_of_five": replaced("cost", {"prevalence odds": "5"}),
            "errors_left_out": replaced("labels", {"recorded": "correct"}),
        },
        seconds=lambda parameters: 0.05,
        seed=2208,
    ),
    Experiment(
        name="noisy_metrics.learners",
        summary="how well metrics of recorded counts order thresholds of three learners on data by their true cost",
        settings=("dataset", *ORDERING),
        compute=learners,
        cells={
            "standard": combinations(dataset=["mammography", "adult"], seed=range(20)),
        },
        seconds=lambda parameters: 12.0 if parameters["dataset"] == "adult" else 2.0,
        datasets=lambda parameters: (str(parameters["dataset"]),),
        tolerance=0.05,
        seed=2208,
    ),
    OWN,
)
