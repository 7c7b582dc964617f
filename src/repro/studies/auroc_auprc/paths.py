"""What is true of every path of fixes: the rise of AUROC, the length of the way, the parts of groups."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from repro.metrics import auroc, fix_mistakes, ranking_summary
from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.auroc_auprc.repair import GROUPS, POLICIES
from repro.studies.auroc_auprc.samplers import TwoGroups, binormal_scores, generators

FACTS: Final = ("rise per fix", "number of fixes", "own group", "pairs of groups")


def small_groups(rng: np.random.Generator) -> TwoGroups:
    """Draw two groups of 10 to 25 rows with 2 to 6 positives each, an AUROC of 0.5 to 0.9 and a shift between them."""
    parts = []
    for _ in GROUPS:
        positive, size = int(rng.integers(2, 7)), int(rng.integers(10, 26))
        labels, scores = binormal_scores(positive, size - positive, rng.uniform(0.5, 0.9), rng)
        parts.append((labels, scores + rng.uniform(-0.3, 0.3)))
    groups = np.repeat(GROUPS, [labels.size for labels, _ in parts])
    return TwoGroups(np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]), groups)


def deviations(sample: TwoGroups, rng: np.random.Generator, *, misread: bool = False) -> list[float]:
    """Largest deviation of each of :data:`FACTS` on the paths of all policies to a perfect ranking.

    The metrics are computed again after every fix from the exchanged scores.

    Parameters
    ----------
    sample : TwoGroups
        Scores without ties.
    rng : Generator
        For the policy ``random`` and for the coarse scores of the last fact.
    misread : bool, default=False
        Whether pairs across groups are left out of the counts, and taken for pairs of the positive's group: then no
        fact holds.
    """
    y, groups = sample.labels, sample.groups
    n_pairs = int(y.sum()) * int((~y).sum())
    own = {group: int(y[groups == group].sum()) * int((~y)[groups == group].sum()) for group in GROUPS}
    start = auroc(y, sample.scores)
    rise, count, within = 0.0, 0.0, 0.0
    for policy in POLICIES:
        path = fix_mistakes(y, sample.scores, policy=policy, steps=n_pairs, groups=groups, random_state=rng)
        way = (1 - start) * n_pairs
        if misread:
            way = sum((1 - auroc(y[groups == group], sample.scores[groups == group])) * own[group] for group in GROUPS)
        count = max(count, abs(path.n_fixes - way))
        scores, counted = sample.scores.copy(), 0
        before = {group: auroc(y[groups == group], scores[groups == group]) for group in GROUPS}
        for negative, positive in zip(path.negative_row[: path.n_fixes], path.positive_row, strict=False):
            scores[[negative, positive]] = scores[[positive, negative]]
            same = groups[negative] == groups[positive]
            counted += bool(same) if misread else 1
            rise = max(rise, abs(auroc(y, scores) - start - counted / n_pairs))
            for group in GROUPS:
                after = auroc(y[groups == group], scores[groups == group])
                belongs = groups[positive] == group and (misread or same)
                within = max(within, abs(after - before[group] - belongs / own[group]))
                before[group] = after
    coarse = np.round(5 * sample.scores + rng.uniform(-0.5, 0.5))
    summary = ranking_summary(y, coarse, groups=groups)
    parts = summary.pair_weight.to_numpy() * summary.pair_auroc.to_numpy()
    total = float(np.trace(parts) if misread else parts.sum())
    return [rise, count, within, abs(auroc(y, coarse) - total)]


def path_facts(cell: Cell) -> pd.DataFrame:
    """Check the facts on random rankings of two groups.

    Parameters
    ----------
    cell : Cell
        Parameters ``batches`` and ``size`` (rankings in a batch).

    Returns
    -------
    DataFrame
        Columns ``fact, replicate, metric, value``; ``deviation`` is the largest absolute difference in a batch.
    """
    misread = cell.variant == "pairs_across_groups_misread"
    rows = Rows("fact")
    for batch, rng in enumerate(generators(cell, cell.whole("batches"))):
        found = [deviations(small_groups(rng), rng, misread=misread) for _ in range(cell.whole("size"))]
        largest = np.max(found, axis=0)
        rows.add_curves("fact", FACTS, {"deviation": largest}, replicate=batch)
    return rows.frame()
