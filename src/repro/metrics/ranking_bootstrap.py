"""Bootstrap of ranking metrics from one sort: values, gaps between groups, differences between two scores."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from repro.ground.exceptions import UnknownName
from repro.ground.random_state import RandomState, as_generator
from repro.metrics._ranking import Ranking, rank_rows
from repro.metrics._uncertainty import (
    Floats,
    auroc_without_each_row,
    average_precision_without_each_row,
    block_of_row,
    checked_level,
    rank_named,
)

Method = Literal["percentile", "bca"]

METRICS = ("auroc", "average_precision")
OVERALL = "overall"
FEWEST_OF_A_CLASS = 20
"""Rows of a class below which the bootstrap covers too little."""


@dataclass(frozen=True)
class _Target:
    """A row of the result: a sum of signed metrics of rankings, which are (number of the ranking, sign)."""

    metric: str
    group: Hashable
    kind: int
    terms: tuple[tuple[int, int], ...]

    def of(self, values: Floats) -> Floats:
        """Combine values of shape (..., n_rankings, 2)."""
        return np.asarray(sum(sign * values[..., number, self.kind] for number, sign in self.terms))


def _by_group(ranking: Ranking) -> list[Ranking]:
    """Give the ranking itself and the part of every group; row numbers stay those of the whole input."""
    parts = [ranking]
    block = block_of_row(ranking)
    for number in range(len(ranking.group_names)):
        chosen = np.flatnonzero(ranking.group == number)
        ends = np.append(np.diff(block[chosen]) != 0, True)
        parts.append(
            Ranking(
                ranking.positive[chosen],
                ranking.order[chosen],
                None,
                np.flatnonzero(ends),
                ranking.score[chosen],
                None,
                (),
            )
        )
    return parts


def _targets(names: Sequence[Hashable], two_scores: bool) -> list[_Target]:
    """Rows of the result, by what they are and then by metric; numbers of a second score follow those of the first."""
    n_parts = 1 + len(names)
    groups = [OVERALL, *names]
    pairs = [(f"{groups[a]} - {groups[b]}", a, b) for a, b in combinations(range(1, n_parts), 2)]
    found = []
    for suffix, scores in (("", ((0, 1),)), ("_difference", ((0, 1), (n_parts, -1)))):
        if suffix and not two_scores:
            continue
        for kind, metric in enumerate(METRICS):
            for part, group in enumerate(groups):
                terms = tuple((first + part, sign) for first, sign in scores)
                found.append(_Target(metric + suffix, group, kind, terms))
        for kind, metric in enumerate(METRICS):
            for group, a, b in pairs:
                terms = tuple((first + part, sign * side) for first, sign in scores for part, side in ((a, 1), (b, -1)))
                found.append(_Target(f"{metric}_gap{suffix}", group, kind, terms))
    return found


class _Resampler:
    """Draws multiplicities of rows and computes both metrics of several rankings of them."""

    def __init__(self, rankings: Sequence[Ranking], stratum: NDArray[np.intp]) -> None:
        self._rows = np.concatenate([ranking.order for ranking in rankings]).astype(np.int32)
        self._positive = np.concatenate([ranking.positive for ranking in rankings])
        self._ends = np.cumsum([ranking.order.size for ranking in rankings])
        self._starts = np.zeros(self._rows.size, dtype=np.bool_)
        for ranking, end in zip(rankings, self._ends, strict=True):
            self._starts[end - ranking.order.size + np.append(0, ranking.block_end[:-1] + 1)] = True
        members = np.argsort(stratum, kind="stable").astype(np.int32)
        self._strata = np.split(members, np.cumsum(np.bincount(stratum))[:-1])
        # a row is drawn once on average, and 256 times with a probability below 1 / 256!; with one byte for each, a
        # million counts stay in the cache
        self._multiplicity = np.ones(stratum.size, dtype=np.uint8)

    def observed(self) -> Floats:
        """Metrics of the rows as they are, shape (n_rankings, 2)."""
        self._multiplicity[:] = 1
        return self._measure(np.empty((self._ends.size, 2)))

    def resampled(self, n_resamples: int, generator: np.random.Generator) -> Floats:
        """Metrics of the resamples, shape (n_resamples, n_rankings, 2)."""
        from repro.metrics._resample_kernels import count_rows

        found = np.empty((n_resamples, self._ends.size, 2))
        for out in found:
            self._multiplicity[:] = 0
            for members in self._strata:
                draws = generator.integers(members.size, size=members.size, dtype=np.int32)
                # a single stratum holds all rows in their order
                count_rows(draws if len(self._strata) == 1 else members[draws], self._multiplicity)
            self._measure(out)
        return found

    def _measure(self, out: Floats) -> Floats:
        from repro.metrics._resample_kernels import resampled_metrics

        resampled_metrics(self._rows, self._positive, self._starts, self._ends, self._multiplicity, out)
        return out


class _Jackknife:
    """Acceleration of the BCa method from the values that leave one row out."""

    def __init__(self, rankings: Sequence[Ranking], observed: Floats, stratum: NDArray[np.intp]) -> None:
        self._rankings, self._observed, self._stratum = rankings, observed, stratum
        self._sizes = np.bincount(stratum)
        self._known: dict[tuple[int, int], Floats] = {}

    def _values(self, number: int, kind: int) -> Floats:
        """Leave-one-out values of the rows of a ranking."""
        if (number, kind) not in self._known:
            without = (auroc_without_each_row, average_precision_without_each_row)[kind]
            self._known[number, kind] = without(self._rankings[number])
        return self._known[number, kind]

    def acceleration(self, target: _Target) -> float:
        """Third over second moment of the influence of the rows; NaN where leaving one out leaves no value."""
        change = np.zeros(self._stratum.size)
        for number, sign in target.terms:
            values = self._values(number, target.kind)
            change[self._rankings[number].order] += sign * (values - self._observed[number, target.kind])
        mean = np.bincount(self._stratum, change) / self._sizes
        influence = (mean[self._stratum] - change) * ((self._sizes - 1) / self._sizes)[self._stratum]
        with np.errstate(invalid="ignore", divide="ignore"):
            return float((influence**3).sum() / (6 * (influence**2).sum() ** 1.5))


def _bca_tails(values: Floats, estimate: float, acceleration: float, tails: Floats) -> Floats:
    """Tail probabilities after the correction for bias and acceleration; NaN where they are not defined."""
    share = ((values < estimate).mean() + (values <= estimate).mean()) / 2
    bias = stats.norm.ppf(share)
    with np.errstate(invalid="ignore", divide="ignore"):
        shifted = bias + stats.norm.ppf(tails)
        return np.asarray(stats.norm.cdf(bias + shifted / (1 - acceleration * shifted)))


def _warn_of_parts(names: Sequence[Hashable], counts: NDArray[np.int64], found: pd.DataFrame) -> None:
    """Warn of groups of one class, of few rows of a class, and of resamples without a value."""
    fewest = dict(zip(names, counts.min(axis=1).tolist(), strict=True))
    one_class = [str(name) for name, least in fewest.items() if least == 0]
    few = [f"{name} ({least})" for name, least in fewest.items() if 0 < least < FEWEST_OF_A_CLASS]
    undefined = found.loc[found["estimate"].notna() & (found["n_undefined"] > 0), ["group", "n_undefined"]]
    messages = []
    if one_class:
        messages.append(f"one class only in groups {', '.join(one_class)}: metrics are undefined and given as NaN")
    if few:
        messages.append(
            f"the bootstrap wants at least {FEWEST_OF_A_CLASS} rows of each class, got fewer in {', '.join(few)}; "
            "newcombe_interval and average_precision_interval cover better there, and a gap to such a group is no more "
            "certain than its part"
        )
    if len(undefined):
        shown = undefined.drop_duplicates("group").to_numpy().tolist()
        messages.append(
            "resamples that hold one class only were left out: "
            + ", ".join(f"{number} of {group}" for group, number in shown)
            + "; the bounds describe the others, stratified=True has none"
        )
    for message in messages:
        warnings.warn(message, UserWarning, stacklevel=3)


def bootstrap_ranking(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    groups: Any = None,
    other_score: ArrayLike | None = None,
    n_resamples: int = 2000,
    method: Method = "percentile",
    stratified: bool = False,
    level: float = 0.95,
    random_state: RandomState = None,
) -> pd.DataFrame:
    r"""Bootstrap intervals of AUROC and average precision, of their gaps between groups, and of paired differences.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Booleans, 0 and 1, or -1 and 1.
    y_score : array-like of shape (n_samples,)
        Finite scores, larger for the positives.
    groups : array-like of shape (n_samples,), optional
        Label of the group of each row.
    other_score : array-like of shape (n_samples,), optional
        Scores of another model for the same rows; they need no common scale.
    n_resamples : int, default=2000
        Resamples. The same rows are drawn for all rows of the result.
    method : {"percentile", "bca"}, default="percentile"
        Percentiles of the resampled values, or Efron's correction of them for bias and acceleration.
    stratified : bool, default=False
        Whether the number of rows of each class (in each group) is the same in every resample. Say True when the
        design has fixed these numbers, as in a case-control sample. The default lets them vary, as they do in rows
        drawn from a population: the average precision moves with the prevalence, and stratified intervals leave that
        out and cover less than their level (binormal scores, any prevalence). For the AUROC both are much alike.
    level : float, default=0.95
        Coverage.
    random_state : None, int, Generator or RandomState, default=None
        Seed. The rows drawn depend on seed, number of rows and (when stratified) classes and groups, not on the scores,
        so calls for several models with one seed are paired.

    Returns
    -------
    DataFrame
        Columns ``metric, group, estimate, low, high, n_positive, n_negative, method, n_undefined``. Rows, for both
        metrics m ("auroc", "average_precision"):

        - m of each group; the group of all rows is called "overall";
        - ``m_gap`` of every two groups in sorted order, group "a - b";
        - with `other_score`, ``m_difference``: `y_score` minus `other_score`, overall and in each group;
        - with both, ``m_gap_difference``: gap under `y_score` minus gap under `other_score`.

        The counts are those of the rows that enter. ``method`` is "percentile" where bias or acceleration of "bca" are
        not defined, as when the score separates the classes. ``n_undefined`` counts the resamples in which a group
        had one class only; bounds describe the others. A group that has one class only has NaN for estimate and
        bounds.

    Raises
    ------
    ValueError
        If an input is refused by :func:`repro.metrics.ranking_summary`, a group is named "overall", `n_resamples` is
        below 1, or `level` is no probability.
    UnknownName
        If `method` is unknown.

    Warns
    -----
    UserWarning
        If a class has fewer than 20 rows, overall or in a group: a handful of rows is drawn too much alike, and the
        interval is too narrow (in simulations with binormal scores; the message names the better method). If a group
        has one class only. If resamples had to be left out.

    Notes
    -----
    A resample is a vector of multiplicities c, drawn with replacement, and nothing is sorted again: down the blocks b
    of equal scores with :math:`p_b = \sum c_i y_i`, :math:`q_b = \sum c_i (1 - y_i)` and running sums :math:`P_b, Q_b`,

    .. math:: \mathrm{AUROC} = \frac{\sum_b q_b\,(P_{b-1} + p_b/2)}{P Q}, \qquad
              \mathrm{AP} = \frac{1}{P} \sum_b p_b \frac{P_b}{P_b + Q_b}.

    Time is O(n) for each resample and score, twice that with groups; memory is O(n). BCa takes its acceleration from
    the values that leave one row out, all of them in O(n) by cumulative sums (for strata as in [1]_, section 5.4).

    References
    ----------
    .. [1] A. C. Davison, D. V. Hinkley, Bootstrap Methods and their Application, Cambridge University Press, 1997.

    Examples
    --------
    >>> import numpy as np
    >>> generator = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], [300, 30])
    >>> score = y + generator.normal(size=330)
    >>> intervals = bootstrap_ranking(y, score, n_resamples=200, random_state=0)
    >>> intervals[["metric", "estimate", "low", "high"]].round(2)
                  metric  estimate   low  high
    0              auroc      0.79  0.71  0.86
    1  average_precision      0.24  0.15  0.37
    """
    checked_level(level)
    if method not in get_args(Method):
        raise UnknownName("method", str(method), get_args(Method))
    if n_resamples < 1:
        raise ValueError(f"n_resamples must be at least 1, got {n_resamples}")
    ranking = rank_rows(y_true, y_score, groups=groups)
    if OVERALL in ranking.group_names:
        raise ValueError(f"groups must not hold the name {OVERALL!r}, which stands for all rows")
    n_rows = ranking.order.size
    positive, group = np.empty(n_rows, dtype=np.intp), np.zeros(n_rows, dtype=np.intp)
    positive[ranking.order] = ranking.positive
    if ranking.group is not None:
        group[ranking.order] = ranking.group
    rankings = _by_group(ranking)
    if other_score is not None:
        other = rank_named(y_true, other_score, "other_score")
        rankings += _by_group(replace(other, group=group[other.order], group_names=ranking.group_names))
    stratum = np.zeros(n_rows, dtype=np.intp)
    if stratified:
        stratum = np.unique(2 * group + positive, return_inverse=True)[1]

    resampler = _Resampler(rankings, stratum)
    observed = resampler.observed()
    resampled = resampler.resampled(n_resamples, as_generator(random_state))
    jackknife = _Jackknife(rankings, observed, stratum)
    counts = np.array([[part.positive.sum(), (~part.positive).sum()] for part in rankings])
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    rows = []
    for target in _targets(ranking.group_names, other_score is not None):
        estimate, values = float(target.of(observed)), target.of(resampled)
        defined = values[~np.isnan(values)]
        bounds, used = np.full(2, np.nan), str(method)
        if np.isfinite(estimate) and defined.size:
            at = tails
            if method == "bca":
                at = _bca_tails(defined, estimate, jackknife.acceleration(target), tails)
                if np.isnan(at).any():
                    at, used = tails, "percentile"
            bounds = np.quantile(defined, at)
        parts = sorted({number % (1 + len(ranking.group_names)) for number, _ in target.terms})
        rows.append(
            (
                target.metric,
                target.group,
                estimate,
                *map(float, bounds),
                *map(int, counts[parts].sum(axis=0)),
                used,
                n_resamples - defined.size,
            )
        )
    columns = ["metric", "group", "estimate", "low", "high", "n_positive", "n_negative", "method", "n_undefined"]
    found = pd.DataFrame(rows, columns=columns)
    n_parts = 1 + len(ranking.group_names)
    _warn_of_parts([OVERALL, *ranking.group_names], counts[:n_parts], found)
    return found
