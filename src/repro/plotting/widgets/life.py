"""Same AUROC, different life: four rankings that one number cannot tell apart."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from repro.metrics import (
    auroc,
    average_precision,
    average_precision_interval,
    best_threshold,
    expected_cost,
    newcombe_interval,
)
from repro.plotting.widgets.markup import Frame, Widget, assembled, table

POSITIVES: Final = 50
"""Positives of each ranking, and negatives."""
PREVALENCES: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
COSTS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
COUNTS: Final = (3, 5, 10, 20, 50, 100, 200, 500, 1000, 5000)
"""What can be set by hand; the picture starts at 5 %, 50 false alarms for a miss, and 50 positives."""

_MARKS: Final = (("●", "blue", ""), ("▲", "orange", "7 3"), ("■", "green", "8 3 2 3"), ("◆", "purple", "2 3"))
_FRAME: Final = Frame(38, 8, 200, 200)


def _rankings() -> dict[str, npt.NDArray[np.intp]]:
    """Labels from the highest score to the lowest, by name; the AUROC of each is exactly 0.8.

    A ranking is made from the number of negatives above each positive, which sums to 500 of 2,500 pairs.
    """
    from scipy.stats import norm

    places = (np.arange(POSITIVES) + 0.5) / POSITIVES
    bell = np.cumsum(norm.cdf(norm.ppf(places) - np.sqrt(2) * norm.ppf(0.8)))
    above = {
        "even": np.sort(np.diff(np.round(500 * bell / bell[-1]), prepend=0)),
        "sure at the top": np.floor(np.maximum(np.arange(POSITIVES) - 29.5, 0) * 2.5 + 0.5),
        "sure at the bottom": np.floor(places * 20 + 0.5),
        "fooled at the top": np.full(POSITIVES, 10),
    }
    rankings = {}
    for name, counts in above.items():
        labels = np.zeros(2 * POSITIVES, dtype=np.intp)
        labels[np.floor(counts).astype(np.intp) + np.arange(POSITIVES)] = 1
        rankings[name] = labels
    return rankings


def same_auroc_different_life() -> Widget:
    """Four rankings of one AUROC; prevalence, cost of a miss and number of positives by hand.

    Each ranking has fifty positives and fifty negatives, and stands for a population with any share of positives: what
    is kept are the rates.

    Returns
    -------
    Widget
        The resting state lists AUROC and average precision with intervals, and the least cost of decisions, for 1,000
        rows of which 50 are positive, when a miss costs as much as 50 false alarms.
    """
    per_row, costs = 19, {"cost_of_miss": 50.0, "cost_of_false_alarm": 1.0}
    lines, found, drawn = [], dict[str, tuple[float, float]](), []
    for (name, labels), (mark, colour, dashes) in zip(_rankings().items(), _MARKS, strict=True):
        y = np.repeat(labels, np.where(labels == 1, 1, per_row))
        score = np.repeat(-np.arange(labels.size, dtype=float), np.where(labels == 1, 1, per_row))
        area, precision = newcombe_interval(y, score), average_precision_interval(y, score, method="logit_binomial")
        called = score >= best_threshold(y, score, **costs)
        cost = 1000 * expected_cost(y, called, **costs)
        hits, alarms = called[y == 1].mean(), called[y == 0].mean()
        found[name] = (average_precision(y, score), cost)
        rates = zip(np.cumsum(labels == 0) / POSITIVES, np.cumsum(labels) / POSITIVES, strict=True)
        x, height = _FRAME.place(alarms, hits)
        drawn.append(
            f'<polyline points="{_FRAME.points([(0, 0), *rates])}" stroke="var(--{colour})" '
            f'stroke-dasharray="{dashes}"/>'
            f'<text class="life-mark" x="{x:g}" y="{height:g}" style="fill:var(--{colour})">{mark}</text>'
        )
        lines.append(
            (
                f'<span aria-hidden="true" style="color:var(--{colour})">{mark}</span> {name}',
                f"{area.estimate:.2f}<small> {area.low:.2f} to {area.high:.2f}</small>",
                f"{precision.estimate:.2f}<small> {precision.low:.2f} to {precision.high:.2f}</small>",
                f"{cost:.0f}<small> {100 * hits:.0f} % caught, {100 * alarms:.0f} % false alarms</small>",
            )
        )
    precisions = [precision for precision, _ in found.values()]
    title = (
        f"One AUROC, four lives: average precision runs from {min(precisions):.2f} to {max(precisions):.2f}, and the "
        "lowest goes with the cheapest decisions"
    )
    seen = "; ".join(f"{name}: average precision {ap:.2f}, cost {cost:.0f}" for name, (ap, cost) in found.items())
    alt = (
        f"Four ROC curves that enclose the same area of {auroc(y, score):.2f}, each marked where decisions cost least. "
        f"With 5 % positives, and costs of 1,000 rows in false alarms: {seen}."
    )
    picture = _FRAME.drawn(
        "".join(drawn), alt=alt, kind="life", xlabel="share of negatives called", ylabel="share of positives called",
        x_ends="01", y_ends="01",
    )  # fmt: skip
    still = (
        '<p class="life-setting">5 % positives, 50 of them in the sample; a miss costs as much as 50 false alarms.</p>'
        f'<div class="widget-columns">{picture}<div>'
        f"{table(['Ranking', 'AUROC', 'average precision', 'least cost of 1,000 rows'], lines)}</div></div>"
    )
    hint = (
        "Even: two normal distributions. Sure at the top: the first 30 of 50 positives stand above everything, the "
        "others anywhere. Sure at the bottom: of 50 negatives 30 stand below everything. Fooled at the top: 10 "
        "negatives outrank all positives, and nothing else is wrong. Costs are counted in false alarms, at the best "
        "threshold; the intervals are Newcombe's and, for average precision, the binomial one on log odds."
    )
    data = {
        "rankings": [{"name": name, "labels": labels.tolist()} for name, labels in _rankings().items()],
        "frame": [_FRAME.left, _FRAME.top, _FRAME.wide],
        "prevalences": PREVALENCES,
        "costs": COSTS,
        "counts": COUNTS,
    }
    return assembled("life", title, still, data, claims=["auroc_auprc-b1"], hint=hint, alt=alt)
