"""Which ranking metric fits a deployment, and what each would weigh instead."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from repro.ground.checks import positive_number
from repro.ground.exceptions import UnknownName
from repro.metrics._metric_advice import COST_FACTOR, Selection, Setting, advise
from repro.metrics.thresholds import cost_threshold

Floats = NDArray[np.float64]

ROWS_WITHOUT_N = 1000
"""Length of the reference ranking when nothing says how many rows there are."""
ROWS_PER_CAPACITY = 10
"""Rows for each one that can be acted on, when a capacity comes without a number of rows."""
CAPACITY = "a whole number of rows or a share between 0 and 1"
N_CELLS = 60
"""Cells of the grid of firing rates, before those without a whole rank are merged."""


@dataclass(frozen=True, eq=False)
class MetricChoice:
    """Metrics for a deployment, with the reasons.

    Names of metrics: ``auroc``, ``partial_auroc`` (over the firing rates of `region`), ``average_precision``,
    ``precision_at_k``, ``recall_at_k``, ``expected_cost``; with the ending ``_by_group`` computed inside each group.

    Attributes
    ----------
    setting : {"comparison", "screening", "balanced", "alarms", "retrieval", "shared_resource"}
        What the deployment was recognised as, see :func:`choose_metric`.
    metrics : tuple of str
        What to choose between models by, the best first.
    report : tuple of str
        What to show beside them.
    avoid : tuple of str
        What not to choose by, or not alone.
    reasons : tuple of str
        Why, in sentences.
    assumptions : tuple of str
        What was not said and had to be assumed.
    threshold : float or None
        Probability from which acting costs less than not acting; None without costs.
    firing_rate : float or None
        Share of rows that will be acted on: what the capacity or, in the reference ranking, the threshold allows. None
        when neither is known.
    region : tuple of float
        Firing rates between which the deployment puts its weight.
    agreement : dict of str to float
        For "auroc" and "average_precision" the share of its weight that lies where the deployment has its own, from 0
        to 1 (one minus the total variation distance).
    weights : DataFrame
        One row per cell of ranks: ``first_rank``, ``last_rank`` of the negative, ``firing_rate`` (of the last rank),
        and the weights of one fixed mistake ``deployment``, ``auroc``, ``average_precision``, each relative to its mean
        over all ranks (1 = no rank is special).
    """

    setting: Setting
    metrics: tuple[str, ...]
    report: tuple[str, ...]
    avoid: tuple[str, ...]
    reasons: tuple[str, ...]
    assumptions: tuple[str, ...]
    threshold: float | None
    firing_rate: float | None
    region: tuple[float, float]
    agreement: dict[str, float]
    weights: pd.DataFrame


@dataclass(frozen=True)
class _Reference:
    """Binormal ranking of equal spreads, for what depends on a model that is not known."""

    n_rows: int
    prevalence: float
    auroc: float

    @property
    def _shift(self) -> float:
        return float(np.sqrt(2) * stats.norm.ppf(self.auroc))

    def _fired(self, score: Floats) -> Floats:
        positives, negatives = stats.norm.sf(score - self._shift), stats.norm.sf(score)
        return np.asarray(self.prevalence * positives + (1 - self.prevalence) * negatives)

    def firing_rate(self, slope: float) -> float:
        """Share of rows above the score at which the ROC curve has the given slope."""
        return float(self._fired(np.array(np.log(slope) / self._shift + self._shift / 2)))

    def gains(self) -> Floats:
        """Gain in average precision of the mistake at every rank 1, ..., n - 1."""
        rank = np.arange(1, self.n_rows)
        score = np.linspace(self._shift + 9, -9, 4001)
        recall = np.interp((rank - 1) / self.n_rows, self._fired(score), stats.norm.sf(score - self._shift))
        n_positive = self.prevalence * self.n_rows
        return np.asarray((n_positive * recall + 1) / (n_positive * rank * (rank + 1.0)))


def _rows_and_groups(groups: Any, n_rows: Any, selection: str) -> tuple[int | None, int]:
    """Check groups and number of rows; give the numbers of rows (if it is known) and of groups."""
    if n_rows is not None and (not isinstance(n_rows, Integral) or n_rows < 2):
        raise ValueError(f"n_rows must be a whole number of at least 2, got {n_rows!r}")
    n_groups = 1
    if groups is not None:
        labels = pd.Series(groups).reset_index(drop=True)
        if labels.isna().any():
            raise ValueError(f"groups holds {int(labels.isna().sum())} missing values; leave these rows out")
        if len(labels) < 2:
            raise ValueError(f"groups must hold the group of each row, at least 2, got {len(labels)}")
        if n_rows is not None and n_rows != len(labels):
            raise ValueError(f"groups must hold one label for each of n_rows ({n_rows}) rows, got {len(labels)}")
        n_rows, n_groups = len(labels), labels.nunique()
    if selection == "per_group" and n_groups < 2:
        found = "none" if groups is None else "one group only"
        raise ValueError(f"selection='per_group' needs groups with at least 2 different labels, got {found}")
    return n_rows, n_groups


def _share_and_rows(capacity: Any, n_rows: int | None) -> tuple[float | None, int, tuple[str, ...]]:
    """Check the capacity; give it as a share of the rows, the number of rows, and what was assumed about that."""
    if isinstance(capacity, bool):
        raise TypeError(f"capacity must be {CAPACITY}, got {capacity!r}")
    if capacity is None:
        share = None
    elif isinstance(capacity, Integral):
        count = int(capacity)
        if count < 1:
            raise ValueError(f"capacity must be at least 1 row, got {count}")
        if n_rows is None:
            told = f"n_rows not given: the capacity is taken as one row in {ROWS_PER_CAPACITY}"
            return 1 / ROWS_PER_CAPACITY, ROWS_PER_CAPACITY * count, (told,)
        if count > n_rows:
            raise ValueError(f"capacity must not be larger than the number of rows ({n_rows}), got {count}")
        share = count / n_rows
    elif isinstance(capacity, Real) and 0 < float(capacity) < 1:
        share = float(capacity)
    else:
        raise ValueError(f"capacity must be {CAPACITY}, got {capacity!r}")
    if n_rows is None:
        return share, ROWS_WITHOUT_N, (f"n_rows not given: a ranking of {ROWS_WITHOUT_N} rows",)
    return share, n_rows, ()


def _weights(reference: _Reference, region: tuple[float, float]) -> tuple[pd.DataFrame, dict[str, float]]:
    """Weights on cells of ranks, and how much of each metric's weight lies where the deployment has its own."""
    n_rows = reference.n_rows
    first, last = (int(np.clip(round(rate * n_rows), 1, n_rows - 1)) for rate in region)
    rank = np.arange(1, n_rows)
    by_rank = {
        "deployment": ((rank >= first) & (rank <= last)).astype(np.float64),
        "auroc": np.ones(n_rows - 1),
        "average_precision": reference.gains(),
    }
    by_rank = {name: values / values.mean() for name, values in by_rank.items()}
    ends = np.unique(np.geomspace(1, n_rows - 1, N_CELLS).round().astype(np.int64))
    begins = np.append(0, ends[:-1])
    cells = {name: np.add.reduceat(values, begins) / (ends - begins) for name, values in by_rank.items()}
    table = pd.DataFrame({"first_rank": begins + 1, "last_rank": ends, "firing_rate": ends / n_rows} | cells)
    agreement = {
        name: float(np.minimum(by_rank[name], by_rank["deployment"]).mean()) for name in ("auroc", "average_precision")
    }
    return table, agreement


def choose_metric(
    *,
    cost_of_miss: float | None,
    cost_of_false_alarm: float = 1.0,
    prevalence: float | None = None,
    capacity: float | None = None,
    selection: Selection = "pooled",
    groups: Any = None,
    n_rows: int | None = None,
    reference_auroc: float = 0.8,
) -> MetricChoice:
    r"""Recommend ranking metrics for a deployment, by where in the ranking its mistakes cost.

    Parameters
    ----------
    cost_of_miss : float or None
        Cost of a positive that is not acted on; None when nothing is known about it.
    cost_of_false_alarm : float, default=1.0
        Cost of a negative that is acted on, in the same unit.
    prevalence : float, optional
        Share of positives where the model will be used. Without it the costs are weighed as if both classes were
        equally frequent.
    capacity : int or float, optional
        How many rows can be acted on in all: a whole number of rows, or a share between 0 and 1.
    selection : {"pooled", "per_group"}, default="pooled"
        Whether rows are taken from one ranking of all, or from a ranking inside each group (by its share of the
        capacity).
    groups : array-like of shape (n_rows,), optional
        Group of each row. Required when `selection` is "per_group".
    n_rows : int, optional
        Rows in one round of decisions; that of `groups` if these are given.
    reference_auroc : float, default=0.8
        AUROC of the binormal reference ranking that stands for a model not yet chosen. It places the threshold on the
        axis of firing rates and gives the positives above a rank.

    Returns
    -------
    MetricChoice

    Raises
    ------
    ValueError
        If a cost is not positive and finite, `prevalence` is not inside (0, 1), `capacity` is below one row, larger
        than the number of rows or no whole number or share, `groups` are missing where they are needed, hold missing
        values or do not have `n_rows` labels, or `reference_auroc` is not inside (0.5, 1).
    TypeError
        If `capacity` is a boolean.
    UnknownName
        If `selection` is unknown.

    Notes
    -----
    With costs, acting pays where the ROC curve is at least as steep as

    .. math:: m = \frac{1 - \pi}{\pi} \cdot \frac{c_\text{false alarm}}{c_\text{miss}},

    that is from the probability c_alarm / (c_alarm + c_miss) on. A capacity is *scarce* when it is smaller than the
    share of rows for which acting pays, and always when costs or prevalence are not known. The first rule that matches
    decides:

    ================== ============================================ =======================================
    setting            when                                         choose by
    ================== ============================================ =======================================
    shared_resource    scarce, selection "per_group"                precision at k in each group
    shared_resource    scarce, pooled, several groups               precision at k; show recall by group
    retrieval          scarce, one population                       precision at k, average precision
    comparison         no costs, no scarce capacity                 AUROC
    screening          m < 1/2: misses outweigh false alarms        AUROC, or its part around the threshold
    balanced           1/2 <= m <= 2                                AUROC
    alarms             m > 2: false alarms outweigh misses          expected cost; then what agrees most
    ================== ============================================ =======================================

    Outside "shared_resource", selection "per_group" computes the same metrics inside each group, and with several
    groups the average precision is recommended inside groups only: over all rows it favours the group whose positives
    score highest, usually that of higher prevalence.

    Weight of one fixed mistake, a negative at rank r directly above a positive. AUROC: the same everywhere, 1/(n1 n0).
    Average precision: (T + 1) / (n1 r (r + 1)) with T positives above, precision times inverse firing rate.
    Deployment: with a scarce capacity of k rows the same for ranks 1 to k, since every budget up to k is served by the
    same ranking, and zero below; with costs the same for all ranks that are the threshold for some cost ratio up to a
    factor 2 from the stated one, and zero elsewhere; with neither, the same everywhere.

    References
    ----------
    C. Elkan, The foundations of cost-sensitive learning, IJCAI 2001, 973-978.
    M. McDermott et al., A closer look at AUROC and AUPRC under class imbalance, NeurIPS 2024.

    Examples
    --------
    >>> choice = choose_metric(cost_of_miss=20, prevalence=0.02)
    >>> choice.metrics
    ('expected_cost', 'auroc')
    """
    if cost_of_miss is not None:
        positive_number("cost_of_miss", cost_of_miss)
    positive_number("cost_of_false_alarm", cost_of_false_alarm)
    if selection not in get_args(Selection):
        raise UnknownName("selection", str(selection), get_args(Selection))
    if prevalence is not None and not 0 < prevalence < 1:
        raise ValueError(f"prevalence must lie between 0 and 1, got {prevalence}")
    if not 0.5 < reference_auroc < 1:
        raise ValueError(f"reference_auroc must lie between 0.5 and 1, got {reference_auroc}")
    known_rows, n_groups = _rows_and_groups(groups, n_rows, selection)
    share, rows, about_rows = _share_and_rows(capacity, known_rows)
    assumptions = [f"weights are those of a binormal ranking of AUROC {reference_auroc:g}", *about_rows]
    if prevalence is None:
        assumptions.append("prevalence not given: weighed as if both classes were equally frequent")
    reference = _Reference(rows, 0.5 if prevalence is None else prevalence, reference_auroc)
    threshold = slope = paying = None
    if cost_of_miss is not None:
        threshold = cost_threshold(cost_of_miss=cost_of_miss, cost_of_false_alarm=cost_of_false_alarm)
        slope = (1 - reference.prevalence) / reference.prevalence * cost_of_false_alarm / cost_of_miss
        paying = reference.firing_rate(slope)

    reasons = []
    scarce = share is not None and share < 1
    if share is not None and not scarce:
        reasons.append("The capacity covers all rows, so it decides nothing.")
    if scarce and share is not None and paying is not None and prevalence is not None and share >= paying:
        scarce = False
        reasons.append(
            f"The capacity of {share:.1%} of the rows is not scarce: acting pays for about {paying:.1%} of them only, "
            "so the costs decide."
        )
    firing_rate, region = paying, (0.0, 1.0)
    if scarce and share is not None:
        firing_rate, region = share, (0.0, share)
    elif slope is not None:
        region = (reference.firing_rate(slope * COST_FACTOR), reference.firing_rate(slope / COST_FACTOR))
    weights, agreement = _weights(reference, region)
    if cost_of_miss is not None:
        ratio = f"A miss costs {cost_of_miss / cost_of_false_alarm:.3g} times a false alarm"
        if prevalence is not None:
            ratio += f" and negatives are {(1 - prevalence) / prevalence:.3g} times as frequent as positives"
        reasons.append(f"{ratio}: acting pays from a probability of {threshold:.3g}, about {paying:.1%} of the rows.")
    advice = advise(scarce, selection, n_groups, slope, agreement)
    return MetricChoice(
        advice.setting,
        advice.metrics,
        advice.report,
        advice.avoid,
        (*reasons, *advice.reasons),
        tuple(assumptions),
        threshold,
        firing_rate,
        region,
        agreement,
        weights,
    )
