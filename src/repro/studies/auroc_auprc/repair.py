"""Fixing mistakes one at a time in two groups that differ in prevalence: whom each policy serves (Section 3.1)."""

from __future__ import annotations

from typing import Final, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit, ndtri

from repro.metrics import fix_mistakes
from repro.metrics.mistakes import RepairPolicy
from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.auroc_auprc.samplers import (
    HIGHER,
    LOWER,
    TwoGroups,
    generators,
    over_seeds,
    two_groups,
)

POLICIES: Final[tuple[RepairPolicy, ...]] = get_args(RepairPolicy)
"""What stands for optimising AUROC, the paper's stand-in for optimising AUPRC, and optimising it fix by fix."""

REPAIR_SETTINGS: Final = ("sampler", "normalise", "auroc", "method", "step", "statistic")
GAP_PHASE_SETTINGS: Final = ("shift", "ratio", "method")
STEPS: Final = 50
SHOWN_EVERY: Final = 5
GROUPS: Final = (HIGHER, LOWER)

PHASE_AUROC: Final = 0.85
PHASE_ROWS: Final = 200
PHASE_POSITIVES: Final = 20
"""Positives of the group with the higher prevalence in the phase diagram; the prevalence there is 0.1."""

PHASE_POSITIVES_LOWER: Final = (20, 15, 10, 8, 5, 4, 2)
"""Positives of the other group: prevalence ratios 1, 1.33, 2, 2.5, 4, 5 and 10."""

PHASE_SHIFTS: Final = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)


def repair_path(
    sample: TwoGroups, policy: RepairPolicy, rng: np.random.Generator, steps: int = STEPS
) -> dict[str, NDArray[np.float64]]:
    """Fix `steps` mistakes and read metrics and gap after each.

    Parameters
    ----------
    sample : TwoGroups
        Scores without ties.
    policy : {"random", "highest", "largest_ap_gain"}
        Which mistake is fixed next.
    rng : Generator
        For the policy ``random``.
    steps : int, default=50
        Number of fixes.

    Returns
    -------
    dict of str to ndarray of shape (steps + 1,), float64
        ``auroc`` and ``average_precision``, also with the suffix ``_higher`` and ``_lower`` for each group, and the
        ``gap``, AUROC of the higher minus that of the lower group.
    """
    path = fix_mistakes(
        sample.labels, sample.scores, policy=policy, steps=steps, groups=sample.groups, random_state=rng
    )
    shown = {"auroc": path.auroc, "average_precision": path.average_precision}
    for place, group in enumerate(path.by_group.index):
        shown[f"auroc_{group}"] = path.group_auroc[:, place]
        shown[f"average_precision_{group}"] = path.group_average_precision[:, place]
    shown["gap"] = shown[f"auroc_{HIGHER}"] - shown[f"auroc_{LOWER}"]
    return shown


def repair(cell: Cell) -> pd.DataFrame:
    """Follow 50 fixes under each policy for many seeds.

    Parameters
    ----------
    cell : Cell
        Parameters ``sampler``, ``normalise``, ``auroc`` (expected in each group) and ``seeds``.

    Returns
    -------
    DataFrame
        Columns ``sampler, normalise, auroc, method, step, statistic, replicate, metric, value``; ``method`` is the
        policy. ``gap_change`` over all fixes has one row a seed. Rows with a ``step`` give mean, 5 % and 95 % quantile
        over the seeds (``statistic``, replicate 0) of what :func:`repair_path` follows.
    """
    sampler, target, normalise = cell.text("sampler"), cell.number("auroc"), cell.flag("normalise")
    paths: dict[RepairPolicy, list[dict[str, NDArray[np.float64]]]] = {policy: [] for policy in POLICIES}
    for rng in generators(cell, cell.whole("seeds")):
        sample = two_groups(sampler, target, rng, normalise=normalise)
        for policy in POLICIES:
            paths[policy].append(repair_path(sample, policy, rng))
    rows = Rows(*REPAIR_SETTINGS, sampler=sampler, normalise=normalise, auroc=target)
    for method, followed in paths.items():
        for seed, path in enumerate(followed):
            rows.add({"gap_change": float(path["gap"][-1] - path["gap"][0])}, method=method, replicate=seed)
        for metric in followed[0]:
            values = np.array([path[metric] for path in followed])
            for step in range(0, STEPS + 1, SHOWN_EVERY):
                for name, value in over_seeds(values[:, step]).items():
                    rows.add({metric: value}, method=method, step=step, statistic=name, replicate=0)
    return rows.frame()


def calibrated_shift(positives_lower: int) -> float:
    """Shift at which equal scores of the two groups mean equal odds.

    The log odds of a binormal score z are mu z - mu^2/2 + logit(p), with mu = sqrt(2) Phi^-1(AUROC); groups that differ
    in p alone are brought to one scale by adding the difference of logit(p) over mu.

    Returns
    -------
    float
        In standard deviations of the scores of a class; 0 for equal prevalences, else negative.
    """
    prevalences = np.array([positives_lower, PHASE_POSITIVES]) / PHASE_ROWS
    low, high = logit(prevalences)
    return float((low - high) / (np.sqrt(2) * ndtri(PHASE_AUROC)))


def shifted_groups(shift: float, positives_lower: int, rng: np.random.Generator) -> TwoGroups:
    """Draw two groups of 200 binormal scores; those of the lower-prevalence group are raised by `shift`."""
    labels = np.concatenate([np.arange(PHASE_ROWS) < count for count in (PHASE_POSITIVES, positives_lower)])
    scores = rng.standard_normal(labels.size) + np.sqrt(2) * ndtri(PHASE_AUROC) * labels
    groups = np.repeat(GROUPS, PHASE_ROWS)
    return TwoGroups(labels, scores + shift * (groups == LOWER), groups)


def gap_phase(cell: Cell) -> pd.DataFrame:
    """Measure whom 50 fixes serve, for one shift between the groups and all ratios of their prevalences.

    Parameters
    ----------
    cell : Cell
        Parameters ``shift`` (what is added to the scores of the group with the lower prevalence, in standard
        deviations of a class) and ``seeds``.

    Returns
    -------
    DataFrame
        Columns ``shift, ratio, method, replicate, metric, value``; over the seeds the mean ``gap_change``, its 5 % and
        95 % quantile (``gap_change_p5``, ``gap_change_p95``), the ``share_widened``, and how many of the fixes lay
        within each group (``fixes_higher``, ``fixes_lower``). The method ``calibration`` holds the
        ``calibrated_shift`` of the ratio.
    """
    shift = cell.number("shift")
    ratios = {count: PHASE_POSITIVES / count for count in PHASE_POSITIVES_LOWER}
    found: dict[tuple[int, str], list[tuple[float, float, float]]] = {}
    for rng in generators(cell, cell.whole("seeds")):
        for count in PHASE_POSITIVES_LOWER:
            sample = shifted_groups(shift, count, rng)
            pairs = [positive * (PHASE_ROWS - positive) for positive in (PHASE_POSITIVES, count)]
            for policy in POLICIES[1:]:
                path = repair_path(sample, policy, rng)
                rises = [float(path[f"auroc_{group}"][-1] - path[f"auroc_{group}"][0]) for group in GROUPS]
                change = rises[0] - rises[1]
                found.setdefault((count, policy), []).append((change, rises[0] * pairs[0], rises[1] * pairs[1]))
    rows = Rows(*GAP_PHASE_SETTINGS, shift=shift, replicate=0)
    for (count, method), values in found.items():
        change, higher, lower = np.array(values).T
        summary = over_seeds(change)
        measured = {
            "gap_change": summary["mean"],
            "gap_change_p5": summary["p5"],
            "gap_change_p95": summary["p95"],
            "share_widened": float((change > 0).mean()),
            "fixes_higher": float(higher.mean()),
            "fixes_lower": float(lower.mean()),
        }
        rows.add(measured, ratio=ratios[count], method=method)
    for count, ratio in ratios.items():
        rows.add({"calibrated_shift": calibrated_shift(count)}, ratio=ratio, method="calibration")
    return rows.frame()
