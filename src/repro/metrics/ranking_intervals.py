"""Interval of the average precision without resampling."""

from __future__ import annotations

import warnings
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import expit, logit

from repro.ground.exceptions import UnknownName
from repro.metrics._ranking import average_precision_of_weights, cumulative_weights, rank_rows
from repro.metrics._uncertainty import average_precision_influence, checked_level
from repro.metrics.intervals import Interval

Method = Literal["logit", "logit_influence", "logit_binomial"]

FEWEST_POSITIVES = {"logit_influence": 3, "logit_binomial": 10}
"""Positives below which a method is warned about."""
INSTEAD = {
    "logit_influence": "with so few, report newcombe_interval of the AUROC and the ranks of the positives",
    "logit_binomial": "method='logit_influence' covers better",
}


def average_precision_interval(
    y_true: ArrayLike, y_score: ArrayLike, *, level: float = 0.95, method: Method = "logit"
) -> Interval:
    r"""Interval of the average precision, symmetric in its logit; O(n log n).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Booleans, 0 and 1, or -1 and 1.
    y_score : array-like of shape (n_samples,)
        Finite scores, larger for the positives; a block of equal scores is one threshold.
    level : float, default=0.95
        Coverage.
    method : {"logit", "logit_influence", "logit_binomial"}, default="logit"
        Where the variance comes from, see Notes. ``"logit"`` is short for ``"logit_influence"``.

    Returns
    -------
    Interval
        Its method is ``"logit_influence"``, ``"logit_binomial"`` or, for an average precision of 1, ``"exact"``; its n
        the number of rows.

    Raises
    ------
    ValueError
        If an input is refused by :func:`repro.metrics.average_precision`, or `level` is no probability.
    UnknownName
        If `method` is unknown.

    Warns
    -----
    UserWarning
        With fewer than 3 positives (``"logit_influence"``) or 10 (``"logit_binomial"``). In simulations with binormal
        scores at prevalences from 0.5 to 0.005 both stay near their level down to these numbers, but the second is
        several times wider where the average precision is small. What they cover is the value of the population; the
        estimate itself is too high when positives are few and rare, because one lucky positive at the top counts much.

    Notes
    -----
    With A the average precision and :math:`\tau` its standard error, the interval is that of the logit,
    :math:`\operatorname{logit} A \pm q \, \tau / (A (1 - A))`.

    ``"logit_binomial"`` [1]_ takes A for a share of the :math:`n_1` positives: :math:`\tau^2 = A (1 - A) / n_1`, and q
    from the normal distribution. It looks at nothing but A and :math:`n_1`.

    ``"logit_influence"`` uses how much every row moves A. With precision p at the score of a positive, N the number of
    rows from there up, and sums over the positives k that stand not above row i,

    .. math:: \varphi_i = \frac{n}{n_1}\Bigl(y_i (p_i - A) + \sum_k \frac{y_i - p_k}{N_k}\Bigr), \qquad
              \tau^2 = \frac{n_1}{n_1 - 1} \, \frac{1}{n^2} \sum_i \varphi_i^2

    and q from Student's t with :math:`n_1 - 1` degrees of freedom, since hardly anything but the positives carries
    the variance. The number of positives is taken as random, as in rows drawn from a population; with one positive the
    interval is [0, 1].

    A = 1 means that the score separates the classes. The interval is then :math:`[(\alpha/2)^{1/n_1}, 1]`, the exact
    binomial one for :math:`n_1` successes in :math:`n_1` trials.

    References
    ----------
    .. [1] K. Boyd, K. H. Eng, C. D. Page, Area under the precision-recall curve: point estimates and confidence
       intervals, ECML PKDD 2013, 451-466.

    Examples
    --------
    >>> import numpy as np
    >>> generator = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], [300, 30])
    >>> score = y + generator.normal(size=330)
    >>> interval = average_precision_interval(y, score)
    >>> round(interval.estimate, 3), round(interval.low, 3), round(interval.high, 3)
    (0.235, 0.137, 0.374)
    """
    checked_level(level)
    if method not in get_args(Method):
        raise UnknownName("method", str(method), get_args(Method))
    chosen = "logit_influence" if method == "logit" else method
    ranking = rank_rows(y_true, y_score)
    n_positive, n_rows = int(ranking.positive.sum()), ranking.positive.size
    if n_positive < FEWEST_POSITIVES[chosen]:
        warnings.warn(
            f"{chosen} wants at least {FEWEST_POSITIVES[chosen]} positives, got {n_positive}; {INSTEAD[chosen]}",
            UserWarning,
            stacklevel=2,
        )
    average = float(average_precision_of_weights(*cumulative_weights(ranking)))
    if average == 1:
        return Interval(average, float(((1 - level) / 2) ** (1 / n_positive)), 1.0, level, "exact", n_rows)
    tail = (1 + level) / 2
    if chosen == "logit_binomial":
        half = float(stats.norm.ppf(tail)) * np.sqrt(average * (1 - average) / n_positive)
    elif n_positive == 1:
        half = np.inf
    else:
        influence = average_precision_influence(ranking)
        error = np.sqrt(n_positive / (n_positive - 1) * (influence**2).sum()) / n_rows
        half = float(stats.t.ppf(tail, n_positive - 1)) * error
    low, high = (float(expit(logit(average) + side * half / (average * (1 - average)))) for side in (-1, 1))
    return Interval(average, low, high, level, chosen, n_rows)
