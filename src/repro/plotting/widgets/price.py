"""The price of one mistake: a ranking whose rows can be moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from repro.metrics import auroc, average_precision, mistakes
from repro.plotting.widgets.markup import Widget, assembled

COUNTEREXAMPLE: Final = (0, 0, 0, 0, 1, 1, 0, 1)
"""Labels from the highest score to the lowest: the smallest ranking whose highest-scored mistake is not worth most."""


def price_of_one_mistake(labels: npt.ArrayLike = COUNTEREXAMPLE, groups: Sequence[str] | None = None) -> Widget:
    """Ranking whose rows can be moved; AUROC and average precision follow, and the next repairs are priced.

    Parameters
    ----------
    labels : array-like of shape (n_rows,), int
        From the highest score to the lowest, 1 for a positive row; at least one row of each class, at most 40 rows.
    groups : sequence of {"A", "B"} or None
        Group of each row; by default they alternate.

    Returns
    -------
    Widget
        The resting state gives both metrics and what each repair adds (Theorem 2 of the chapter).

    Raises
    ------
    ValueError
        If labels are others than 0 and 1, too many, or of one class, or `groups` has another length or other names.
    """
    rows = np.asarray(labels)
    if rows.ndim != 1 or not 2 <= rows.size <= 40 or not np.isin(rows, (0, 1)).all() or len(set(rows.tolist())) < 2:
        raise ValueError(f"labels must be 2 to 40 zeros and ones, both there, got {labels!r}")
    named = list(groups) if groups is not None else ["AB"[place % 2] for place in range(rows.size)]
    if len(named) != rows.size or not set(named) <= {"A", "B"}:
        raise ValueError(f"groups must be {rows.size} times 'A' or 'B', got {groups!r}")
    y, score = rows.astype(int), -np.arange(rows.size, dtype=float)
    found = mistakes(y, score)
    ranks, gains = found["rank_of_negative"].to_numpy(), found["delta_ap"].to_numpy()
    best = int(gains.argmax()) if len(gains) else 0
    title = (
        "The highest-scored mistake is not the one that is worth most"
        if len(gains) and gains[best] > gains[0] + 1e-12
        else "What one mistake is worth"
    )
    balls = "".join(
        f'<span class="price-ball price-{"positive" if label else "negative"}">{"+" if label else "−"}</span>'
        for label in y
    )
    lines = "".join(
        f'<tr><th scope="row">exchange ranks {rank} and {rank + 1}</th><td>+{gain:.3f}</td><td>+{price:.3f}</td></tr>'
        for rank, gain, price in zip(ranks, found["delta_auroc"], gains, strict=True)
    )
    values = f"AUROC {auroc(y, score):.3f}, average precision {average_precision(y, score):.3f}"
    still = (
        f'<div class="price-row">{balls}</div><p>{values}.</p><table><thead><tr><th scope="col">Repair</th>'
        f'<th scope="col">adds to AUROC</th><th scope="col">adds to average precision</th></tr></thead>'
        f"<tbody>{lines}</tbody></table>"
    )
    dearest = (
        f" Of {len(ranks)} mistakes the one at ranks {ranks[best]} and {ranks[best] + 1} adds most to the average "
        f"precision, +{gains[best]:.3f}."
        if len(ranks)
        else " There is no mistake in it."
    )
    alt = f"A ranking of {y.size} rows, {y.sum()} of them positive, the highest score first. {values}.{dearest}"
    hint = (
        "Drag a ball, or move it with the left and right arrow keys; the space bar turns a positive row into a "
        "negative one, and with two groups the key g changes the group."
    )
    data = {"rows": [{"label": int(label), "group": group} for label, group in zip(y, named, strict=True)]}
    return assembled("price", title, still, data, claims=["auroc_auprc-a3"], hint=hint, alt=alt)
