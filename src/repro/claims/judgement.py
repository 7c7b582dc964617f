"""What comes out when evidence judges a claim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from repro.protocol.claim import Claim, Verdict
from repro.protocol.experiment import Scalar
from repro.protocol.profile import CONTROL, PROFILES
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
    decides : bool
        Whether the replicates are enough for a verdict: false for a single one that has no interval.
    excludes : bool
        Whether the whole interval lies below the smallest effect of interest, so that an effect worth mentioning is
        excluded. A condition that is reproduced all the same is negligible.
    flips : int
        Replicates without which the verdict would be another one.
    otherwise : tuple of Verdict
        The verdicts that would come out then.
    family_wise : Verdict or None
        Verdict when the error of 5 % is shared by all conditions of the claim (Bonferroni); None where there is no
        interval.
    would_resolve : bool or None
        Whether an effect as large as the paper's would be reproduced with the spread found here; None where the paper
        prints none.
    median : float or None
        Median of the replicates, given beside the mean where they are skewed.
    median_interval : (low, high) or None
        95 % interval of that median, from the sign test.
    metric : str
        Metric of the table that was judged.
    settings : mapping of str to scalar
        Settings that all rows of the condition share: those that the claim asks for, and those that tell its
        conditions apart.
    cells : tuple of str
        Cells of the experiment that the replicates come from.
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
    decides: bool = True
    excludes: bool = False
    flips: int = 0
    otherwise: tuple[Verdict, ...] = ()
    family_wise: Verdict | None = None
    would_resolve: bool | None = None
    median: float | None = None
    median_interval: Bounds | None = None
    metric: str = ""
    settings: Mapping[str, Scalar] = field(default_factory=dict, hash=False)
    cells: tuple[str, ...] = field(default=(), repr=False)

    @property
    def negligible(self) -> bool:
        """Whether the effect has the claimed sign and is wholly below the smallest effect of interest."""
        return self.verdict == "reproduced" and self.excludes

    @property
    def marks(self) -> tuple[str, ...]:
        """Notes beside the verdict: ``negligible``, ``fragile``."""
        return ("negligible",) * self.negligible + ("fragile",) * bool(self.flips)

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
            "median": self.median,
            "median_interval": _listed(self.median_interval),
            "marks": list(self.marks),
            "excludes": self.excludes,
            "flips": self.flips,
            "family_wise": self.family_wise,
            "would_resolve": self.would_resolve,
            "note": self.note,
        }


@dataclass(frozen=True)
class Count:
    """How the conditions of a claim came out.

    As text ``3 of 12``, those that are reproduced out of all; ``f"{count:against}"`` names those that are not, and
    ``f"{count:excluded}"`` those in which an effect worth mentioning is excluded.

    Parameters
    ----------
    reproduced : int
        Conditions that are reproduced.
    against : int
        Conditions that are not reproduced; the others are inconclusive.
    total : int
        Conditions that were run.
    excluded : int
        Conditions whose whole interval lies below the smallest effect of interest, whatever their verdict.
    """

    reproduced: int
    against: int
    total: int
    excluded: int = 0

    @classmethod
    def of(cls, conditions: Iterable[ConditionJudgement]) -> Self:
        """Count judged conditions; those that were not run do not count."""
        run = [condition for condition in conditions if condition.verdict != "not run"]
        verdicts = [condition.verdict for condition in run]
        excluded = sum(condition.excludes for condition in run)
        return cls(verdicts.count("reproduced"), verdicts.count("not reproduced"), len(run), excluded)

    def __str__(self) -> str:
        return format(self)

    def __format__(self, which: str) -> str:
        numbers = {
            "": self.reproduced,
            "reproduced": self.reproduced,
            "against": self.against,
            "excluded": self.excluded,
        }
        if which not in numbers:
            raise ValueError(f"a count is shown as 'reproduced', 'against' or 'excluded', got {which!r}")
        return f"{numbers[which]} of {self.total}"


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
    changes : tuple of str
        What of criterion, statement and profiles is another than when the evidence was computed or accepted.
    mechanism_demo : bool
        Whether the evidence is a stand-in for the paper's data or system.
    provenance : Provenance or None
        How the evidence was computed.
    note : str
        What a reader should know about this verdict.
    begun : (int, int) or None
        Replicates of the condition that has the fewest so far, and how many it will have when all declared cells have
        run; None where all have.
    """

    claim: Claim
    profile: str | None
    verdict: Verdict
    conditions: tuple[ConditionJudgement, ...] = ()
    level: float = 0.95
    control: ControlJudgement | None = None
    changes: tuple[str, ...] = ()
    mechanism_demo: bool = False
    provenance: Provenance | None = None
    note: str = ""
    begun: tuple[int, int] | None = None

    @property
    def criterion_changed(self) -> bool:
        """Whether criterion, statement or profiles are others than when the evidence was computed or accepted."""
        return bool(self.changes)

    @property
    def counts(self) -> Count:
        """How the conditions came out."""
        return Count.of(self.conditions)

    @property
    def decides(self) -> bool:
        """Whether there is a verdict to speak of: some condition has the replicates that a verdict needs."""
        return any(condition.decides and condition.verdict != "not run" for condition in self.conditions)

    @property
    def words(self) -> str:
        """The verdict as it is shown: with counts where conditions disagree, and with the stand-in it was found in.

        For example ``partly, 9 of 48; 34 against`` or ``not reproduced in the stand-in``.
        """
        place = " in the stand-in" if self.mechanism_demo and self.verdict == "not reproduced" else ""
        counts = self.counts
        if self.verdict == "reproduced" and counts.reproduced and counts.excluded == counts.reproduced:
            return "reproduced, negligible"
        if self.verdict == "partly" or (self.verdict == "not reproduced" and counts.reproduced):
            against = f"; {counts.against} against" if counts.against else ""
            return f"{self.verdict}{place}, {counts}{against}"
        return f"{self.verdict}{place}"

    @property
    def marks(self) -> tuple[str, ...]:
        """Notes beside the verdict.

        ``mixed`` when conditions are reproduced and others are not, ``negligible`` when an effect is there that is too
        small to matter, ``fragile`` when the verdict hangs on a single replicate.
        """
        counts, total = self.counts, len(self.conditions)
        marks = ["mixed"] if counts.reproduced and counts.against else []
        negligible = sum(condition.negligible for condition in self.conditions)
        if 0 < negligible < counts.reproduced or (negligible and self.verdict != "reproduced"):
            marks.append(f"negligible in {negligible} of {total}")
        if self.hangs_on_one:
            marks.append("fragile")
        return tuple(marks)

    @property
    def hangs_on_one(self) -> bool:
        """Whether the verdict would be another one without one replicate of one condition."""
        verdicts = [condition.verdict for condition in self.conditions]
        for place, condition in enumerate(self.conditions):
            for other in condition.otherwise:
                changed = [*verdicts[:place], other, *verdicts[place + 1 :]]
                if overall_verdict(changed, universal=self.claim.universal) != self.verdict:
                    return True
        return False

    @property
    def under_way(self) -> str:
        """How far a run is that has not all its replicates yet, for example ``1 of 3 trainings``; else empty."""
        if self.begun is None:
            return ""
        return f"{self.begun[0]} of {self.begun[1]} {self.claim.quantity.replicate}{'s' if self.begun[1] > 1 else ''}"

    @property
    def family_wise(self) -> Count | None:
        """Counts when all conditions share the error of 5 %; None for a single one and where nothing is random."""
        run = [(condition, condition.family_wise) for condition in self.conditions]
        judged = [replace(condition, verdict=verdict) for condition, verdict in run if verdict is not None]
        return Count.of(judged) if len(judged) > 1 else None

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
            "words": self.words,
            "marks": list(self.marks),
            "decides": self.decides,
            "under_way": self.under_way,
            "statement_from": claim.statement_from,
            "universal": claim.universal,
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
            "changes": list(self.changes),
            "mechanism_demo": self.mechanism_demo,
            "commit": self.provenance.commit if self.provenance else None,
            "note": self.note,
        }


def overall_verdict(verdicts: Sequence[Verdict], *, universal: bool = False) -> Verdict:
    """Verdict of a claim from those of its conditions; conditions that were not run do not count.

    All reproduced: reproduced. Some: partly. None, and at least one not reproduced: not reproduced. Else
    inconclusive. Nothing run: not run. A universal statement is not reproduced as soon as one condition is not.
    """
    run = [verdict for verdict in verdicts if verdict != "not run"]
    if not run:
        return "not run"
    if all(verdict == "reproduced" for verdict in run):
        return "reproduced"
    if universal and "not reproduced" in run:
        return "not reproduced"
    if "reproduced" in run or "partly" in run:
        return "partly"
    return "not reproduced" if "not reproduced" in run else "inconclusive"


def headline(judgements: Sequence[Judgement]) -> Judgement:
    """Judgement that speaks for a claim: of the largest profile that decides it.

    Parameters
    ----------
    judgements : sequence of Judgement
        Those of one claim, one for each profile.

    Returns
    -------
    Judgement
        Of the largest profile that decides; else of the largest that was run, else of the largest.

    Raises
    ------
    ValueError
        If there is none.
    """
    if not judgements:
        raise ValueError("judgements must hold at least one")
    largest_first = sorted(judgements, key=lambda found: PROFILES.index(found.profile or PROFILES[0]), reverse=True)
    deciding = (found for found in largest_first if found.decides)
    run = (found for found in largest_first if found.verdict != "not run")
    return next(deciding, None) or next(run, None) or largest_first[0]


def larger_under_way(judgements: Sequence[Judgement]) -> Judgement | None:
    """Judgement of a profile larger than the headline's that was begun and does not decide yet; None without one."""
    shown = headline(judgements)
    larger = [
        found
        for found in judgements
        if found.conditions
        and not found.decides
        and PROFILES.index(found.profile or PROFILES[0]) > PROFILES.index(shown.profile or PROFILES[0])
    ]
    return larger[-1] if larger else None


def _listed(bounds: Bounds | None) -> list[float] | None:
    return None if bounds is None else list(bounds)
