"""What comes out when evidence judges a claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from repro.protocol.claim import Claim, Verdict
from repro.protocol.experiment import Scalar
from repro.protocol.profile import CONTROL
from repro.results import Provenance

Bounds = tuple[float, float]


@dataclass(frozen=True)
class ControlJudgement:
    """Verdict of a claim on evidence on which it must not come out as reproduced.

    Parameters
    ----------
    name : str
        Name of the control.
    verdict : Verdict
        Verdict on the control's rows; ``not run`` when there are none.
    changed : float or None
        Share of the values that the control changes; None when that is not known.
    profile : str
        Profile of the table that was judged, or ``control`` for a table of control runs.
    """

    name: str
    verdict: Verdict
    changed: float | None = None
    profile: str = CONTROL

    @property
    def problem(self) -> str:
        """What is wrong with a control that was run, as a sentence without its full stop; empty when nothing is."""
        unchanged = f"its control {self.name!r} changes none of the values" if self.changed == 0 else ""
        if self.verdict not in ("not reproduced", "not run"):
            why = f"; {unchanged}" if unchanged else ""
            return f"the claim is {self.verdict} on its control {self.name!r}, so it cannot fail as it must{why}"
        return unchanged


@dataclass(frozen=True)
class ConditionJudgement:
    """Verdict of one condition of a claim.

    Parameters
    ----------
    name : str
        Name of the condition; empty when the claim has only one.
    part : str
        Name of the claim's part it belongs to; empty when the claim has no parts.
    verdict : Verdict
        ``not run`` when the table has no row of this condition.
    estimate : float or None
        Effect, signed so that the claimed direction is positive. For ``within`` ours minus published (or over it,
        minus 1, when relative), for ``identity`` the largest deviation, for ``order`` the adjacent difference that
        decides.
    interval : (low, high) or None
        95 % interval of the estimate; None for ``identity`` and for a single replicate.
    replicates : int
        Number of replicates.
    published : float or None
        The paper's value for this condition as it prints it; None when it prints none or several.
    published_source : {"read", "figure"} or None
        Where the published value comes from.
    plain_interval : (low, high) or None
        Student's t interval over the replicates, given beside a Nadeau-Bengio interval.
    interval_90 : (low, high) or None
        90 % interval that decides whether a claimed equivalence is reproduced.
    note : str
        What a reader should know about this verdict.
    metric : str
        Metric of the table that was judged.
    settings : mapping of str to scalar
        Settings that all rows of the condition share: those that the claim asks for, and those that tell its
        conditions apart.
    """

    name: str
    verdict: Verdict
    part: str = ""
    estimate: float | None = None
    interval: Bounds | None = None
    replicates: int = 0
    published: float | None = None
    published_source: Literal["read", "figure"] | None = None
    plain_interval: Bounds | None = None
    interval_90: Bounds | None = None
    note: str = ""
    metric: str = ""
    settings: Mapping[str, Scalar] = field(default_factory=dict, hash=False)

    def to_dict(self) -> dict[str, Any]:
        """Content as JSON types."""
        return {
            "name": self.name,
            "part": self.part,
            "metric": self.metric,
            "settings": dict(self.settings),
            "verdict": self.verdict,
            "estimate": self.estimate,
            "interval": _listed(self.interval),
            "plain_interval": _listed(self.plain_interval),
            "interval_90": _listed(self.interval_90),
            "replicates": self.replicates,
            "published": self.published,
            "note": self.note,
        }


@dataclass(frozen=True)
class Judgement:
    """Verdict of a claim in one profile, with all that it rests on.

    Parameters
    ----------
    claim : Claim
        The claim.
    profile : str or None
        Profile of the evidence; None for a frame that belongs to none.
    verdict : Verdict
        Overall verdict.
    conditions : tuple of ConditionJudgement
        The verdicts behind it; empty when there is no table.
    level : float
        Level of the intervals.
    control : ControlJudgement or None
        Verdict on the control; None when it was not asked for.
    criterion_changed : bool
        Whether the specification is another one than when the evidence was computed or accepted.
    mechanism_demo : bool
        Whether the evidence is a stand-in for the paper's data or system.
    provenance : Provenance or None
        How the evidence was computed.
    note : str
        What a reader should know about this verdict.
    """

    claim: Claim
    profile: str | None
    verdict: Verdict
    conditions: tuple[ConditionJudgement, ...] = ()
    level: float = 0.95
    control: ControlJudgement | None = None
    criterion_changed: bool = False
    mechanism_demo: bool = False
    provenance: Provenance | None = None
    note: str = ""

    @property
    def _only(self) -> ConditionJudgement | None:
        return self.conditions[0] if len(self.conditions) == 1 else None

    @property
    def estimate(self) -> float | None:
        """Estimate of the only condition; None when there are several."""
        return self._only.estimate if self._only else None

    @property
    def interval(self) -> Bounds | None:
        """Interval of the only condition; None when there are several."""
        return self._only.interval if self._only else None

    @property
    def plain_interval(self) -> Bounds | None:
        """Student's t interval of the only condition, beside a Nadeau-Bengio interval; None when there are several."""
        return self._only.plain_interval if self._only else None

    @property
    def replicates(self) -> int:
        """Replicates behind the verdict: the smallest number among the conditions that were run, else 0."""
        return min((condition.replicates for condition in self.conditions if condition.replicates), default=0)

    def to_dict(self) -> dict[str, Any]:
        """Content as JSON types; numbers known from memory only are left out."""
        claim = self.claim
        return {
            "id": claim.id,
            "study": claim.study,
            "paper": claim.paper,
            "locator": claim.locator,
            "statement": claim.statement,
            "experiment": claim.experiment,
            "metric": claim.quantity.metric,
            "replicate_unit": claim.quantity.replicate,
            "profile": self.profile,
            "verdict": self.verdict,
            "estimate": self.estimate,
            "interval": _listed(self.interval),
            "plain_interval": _listed(self.plain_interval),
            "level": self.level,
            "replicates": self.replicates,
            "criterion": claim.criterion.model_dump(mode="json", exclude_none=True),
            "smallest_effect": claim.smallest_effect,
            "published": [entry.model_dump(mode="json") for entry in claim.published if entry.source != "recalled"],
            "control": {
                "name": claim.control,
                "verdict": self.control.verdict if self.control else "not run",
                "changed": self.control.changed if self.control else None,
            },
            "conditions": [condition.to_dict() for condition in self.conditions],
            "criterion_changed": self.criterion_changed,
            "mechanism_demo": self.mechanism_demo,
            "commit": self.provenance.commit if self.provenance else None,
            "note": self.note,
        }


def overall_verdict(verdicts: Sequence[Verdict]) -> Verdict:
    """Verdict of a claim from those of its conditions; conditions that were not run do not count.

    All reproduced: reproduced. Some: partly. None, and at least one not reproduced: not reproduced. Else
    inconclusive. Nothing run: not run.
    """
    run = [verdict for verdict in verdicts if verdict != "not run"]
    if not run:
        return "not run"
    if all(verdict == "reproduced" for verdict in run):
        return "reproduced"
    if "reproduced" in run or "partly" in run:
        return "partly"
    return "not reproduced" if "not reproduced" in run else "inconclusive"


def _listed(bounds: Bounds | None) -> list[float] | None:
    return None if bounds is None else list(bounds)
