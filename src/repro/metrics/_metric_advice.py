"""Rules from a deployment to ranking metrics, with their reasons in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Selection = Literal["pooled", "per_group"]
Setting = Literal["comparison", "screening", "balanced", "alarms", "retrieval", "shared_resource"]

COST_FACTOR = 2.0
"""Costs are taken as known up to this factor, both ways."""


@dataclass(frozen=True)
class Advice:
    """What to choose by, what to show and what to avoid; fields as in :class:`repro.metrics.MetricChoice`."""

    setting: Setting
    metrics: tuple[str, ...]
    report: tuple[str, ...]
    avoid: tuple[str, ...]
    reasons: tuple[str, ...]

    def inside_groups(self) -> Advice:
        """Give the same advice for metrics inside each group."""
        metrics, report = (
            tuple(name if name.endswith("_by_group") else f"{name}_by_group" for name in names)
            for names in (self.metrics, self.report)
        )
        reason = "Rows are taken inside each group, so only the order inside a group matters: compute metrics there."
        return replace(self, metrics=metrics, report=report, reasons=(*self.reasons, reason))


GROUPS_IN_POOLED_AP = (
    "Average precision over all rows weighs mistakes near the top most; those lie in the group whose scores are "
    "highest, usually that of higher prevalence, so choosing by it serves that group."
)


def _on_scarcity(selection: str, n_groups: int) -> Advice:
    """Advise on a capacity that is used up before acting stops to pay."""
    if selection == "per_group":
        return Advice(
            "shared_resource",
            ("precision_at_k_by_group",),
            ("recall_at_k_by_group", "average_precision_by_group", "auroc_by_group"),
            ("average_precision",),
            (
                "The resource is scarce and each group has its own part: the top of each group's ranking counts.",
                GROUPS_IN_POOLED_AP,
            ),
        )
    if n_groups > 1:
        return Advice(
            "shared_resource",
            ("precision_at_k",),
            ("recall_at_k_by_group", "auroc_by_group"),
            ("average_precision",),
            (
                "Groups compete for a scarce resource in one ranking: precision at k is what is gained, recall by "
                "group says who gains it.",
                GROUPS_IN_POOLED_AP,
            ),
        )
    return Advice(
        "retrieval",
        ("precision_at_k", "average_precision"),
        ("recall_at_k", "auroc"),
        (),
        (
            "Only the top of one ranking is looked at, in one population: precision at k where k is fixed, average "
            "precision where it is not, since it weighs high-scored mistakes most.",
        ),
    )


def _on_costs(slope: float, n_groups: int, agreement: dict[str, float]) -> Advice:
    """Advise on a threshold that follows from the costs."""
    if slope < 1 / COST_FACTOR:
        return Advice(
            "screening",
            ("auroc", "partial_auroc"),
            ("expected_cost",),
            ("average_precision",),
            (
                "Misses outweigh false alarms, so the threshold lies deep in the ranking: low-scored mistakes matter "
                "as much as high-scored ones or more, and average precision looks at the wrong end.",
            ),
        )
    if slope <= COST_FACTOR:
        return Advice(
            "balanced",
            ("auroc",),
            ("expected_cost",),
            ("average_precision",),
            (
                "Misses and false alarms weigh about the same, so the threshold lies at neither end of the ranking: "
                "AUROC favours no region.",
            ),
        )
    nearest = max(agreement, key=lambda name: agreement[name])
    reasons = [
        "False alarms outweigh misses, so the threshold lies high in the ranking. Costs are known: choose by the "
        f"expected cost. Of AUROC and average precision, {nearest} has more of its weight where the deployment has it "
        f"({agreement[nearest]:.0%})."
    ]
    if n_groups > 1:
        reasons.append(GROUPS_IN_POOLED_AP)
    inside = {"average_precision": "average_precision_by_group"} if n_groups > 1 else {}
    shown = tuple(inside.get(name, name) for name in (nearest, *(name for name in agreement if name != nearest)))
    return Advice(
        "alarms",
        ("expected_cost", shown[0]),
        shown[1:],
        ("average_precision",) if n_groups > 1 else (),
        tuple(reasons),
    )


def advise(scarce: bool, selection: str, n_groups: int, slope: float | None, agreement: dict[str, float]) -> Advice:
    """Give the advice of the first rule that matches; the table of them is in :func:`repro.metrics.choose_metric`.

    Parameters
    ----------
    scarce : bool
        Whether the capacity is used up before acting stops to pay.
    selection : str
        "pooled" or "per_group".
    n_groups : int
        Number of groups, 1 without any.
    slope : float or None
        Slope of the ROC curve from which acting pays; None without costs.
    agreement : dict of str to float
        Share of the weight of "auroc" and "average_precision" that lies where the deployment has its own.

    Returns
    -------
    Advice
    """
    if scarce:
        return _on_scarcity(selection, n_groups)
    if slope is None:
        advice = Advice(
            "comparison",
            ("auroc",),
            (),
            ("average_precision",),
            ("Nothing is known about the deployment, so no region of the ranking is special: AUROC favours none.",),
        )
    else:
        advice = _on_costs(slope, n_groups, agreement)
    if selection == "per_group":
        return advice.inside_groups()
    if n_groups > 1:
        reason = "There are several groups: show the metric inside each of them, an overall value hides their gaps."
        return replace(advice, report=(*advice.report, "auroc_by_group"), reasons=(*advice.reasons, reason))
    return advice
