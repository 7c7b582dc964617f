"""Numbers for the sentences of a chapter, taken from the judged conditions of its claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from repro.claims.judgement import ConditionJudgement, Count
from repro.claims.judging import judge_claim
from repro.claims.numbers import format_number, supported_decimals
from repro.ground.exceptions import ResultsError, UnknownName
from repro.protocol.experiment import Scalar
from repro.results import scalar_text

HUNDREDTHS: Final = ("points", "%")
"""Units that are a hundredth of what tables hold: shares are between 0 and 1 there."""


class Findings:
    """Judged claims of one profile, as a chapter speaks of them.

    Conditions are selected by their settings, whose names are those of the setting columns of the table; ``part`` and
    ``metric`` select by the claim's part and by the metric. A list selects whichever of its values a condition has.

    Parameters
    ----------
    profile : str
        Profile whose tables the chapter shows.
    **settings : scalar or iterable of scalar
        Settings that all selections share, unless they say otherwise.

    Examples
    --------
    >>> findings = Findings("paper")
    >>> sentence = f"a larger area in {findings.count('smote-c2')} comparisons"  # doctest: +SKIP
    >>> gain = findings.effect("smote-c6", dataset="phoneme", part="unpruned tree")  # doctest: +SKIP
    """

    def __init__(self, profile: str, **settings: Scalar | Iterable[Scalar]) -> None:
        self.profile = profile
        self.settings = settings

    def conditions(self, claim: str, /, **settings: Scalar | Iterable[Scalar]) -> tuple[ConditionJudgement, ...]:
        """Judged conditions of a claim that have the given settings.

        Parameters
        ----------
        claim : str
            Id of the claim.
        **settings : scalar or iterable of scalar
            What the conditions must have.

        Returns
        -------
        tuple of ConditionJudgement
            In the order of the claim; at least one.

        Raises
        ------
        UnknownName
            If there is no such claim, profile, setting or value; the message suggests the nearest.
        ResultsError
            If the claim has no table in this profile, or no condition has all settings.
        """
        judgement = judge_claim(claim, self.profile)
        found = judgement.conditions
        if not found:
            raise ResultsError(f"claim {claim} has no verdict in profile {self.profile!r}: {judgement.note}")
        wanted = {name: _texts(value) for name, value in (self.settings | settings).items()}
        texts = [_described(condition) for condition in found]
        for name, allowed in wanted.items():
            known = dict.fromkeys(described[name] for described in texts if name in described)
            if not known:
                names = dict.fromkeys(name for described in texts for name in described)
                raise UnknownName(f"setting of claim {claim}", name, names)
            for text in allowed:
                if text not in known:
                    raise UnknownName(f"{name} of claim {claim} in profile {self.profile!r}", text, known)
        selected = tuple(
            condition
            for condition, described in zip(found, texts, strict=True)
            if all(described.get(name) in allowed for name, allowed in wanted.items())
        )
        if not selected:
            raise ResultsError(f"claim {claim}: no condition has {_words(wanted)}; its conditions: {_names(found)}")
        return selected

    def condition(self, claim: str, /, **settings: Scalar | Iterable[Scalar]) -> ConditionJudgement:
        """Return the one condition of a claim that has the given settings; parameters as in :meth:`conditions`.

        Raises
        ------
        UnknownName, ResultsError
            As :meth:`conditions` does, and if several conditions have the settings.
        """
        found = self.conditions(claim, **settings)
        if len(found) > 1:
            texts = [_described(condition) for condition in found]
            names = dict.fromkeys(name for described in texts for name in described)
            differing = [name for name in names if len({described.get(name) for described in texts}) > 1]
            raise ResultsError(
                f"claim {claim}: {len(found)} conditions fit, one is wanted; they differ in {', '.join(differing)}: "
                f"{_names(found)}"
            )
        return found[0]

    def count(self, claim: str, /, **settings: Scalar | Iterable[Scalar]) -> Count:
        """How many conditions of a claim are reproduced; those that were not run do not count.

        Parameters and errors are those of :meth:`conditions`.
        """
        return Count.of(self.conditions(claim, **settings))

    def effect(
        self,
        claim: str,
        /,
        *,
        unit: str = "",
        decimals: int | None = None,
        signed: bool = True,
        **settings: Scalar | Iterable[Scalar],
    ) -> str:
        """Effect of one condition of a claim with its 95 % interval, as text.

        Parameters
        ----------
        claim : str
            Id of the claim.
        unit : str, default=""
            Stands behind the effect. ``points`` and ``%`` multiply the numbers by 100.
        decimals : int or None
            Decimals of all three numbers; None for as many as the interval supports.
        signed : bool, default=True
            Whether positive numbers have a plus sign.
        **settings : scalar or iterable of scalar
            What tells the condition from the others of the claim.

        Returns
        -------
        str
            For example ``+0.8 points (+0.2 to +1.3)``; without brackets where there is no interval.

        Raises
        ------
        UnknownName, ResultsError
            As :meth:`condition` does, and if the condition was not run.
        """
        found = self.condition(claim, **settings)
        if found.estimate is None:
            raise ResultsError(f"claim {claim}: condition {found.name!r} has no effect: {found.note}")
        factor = 100.0 if unit in HUNDREDTHS else 1.0
        interval = None if found.interval is None else (factor * found.interval[0], factor * found.interval[1])
        places = supported_decimals(interval) if decimals is None and interval is not None else decimals
        effect = format_number(factor * found.estimate, places, signed=signed) + (f" {unit}" if unit else "")
        if interval is None:
            return effect
        low, high = (format_number(bound, places, signed=signed) for bound in interval)
        return f"{effect} ({low} to {high})"


def _texts(value: Scalar | Iterable[Scalar]) -> tuple[str, ...]:
    """Canonical texts of one value, or of several."""
    several = [value] if value is None or isinstance(value, str | int | float) else value
    return tuple(map(scalar_text, several))


def _described(condition: ConditionJudgement) -> dict[str, str]:
    """Canonical texts of all that a condition can be selected by."""
    part = {"part": condition.part} if condition.part else {}
    settings = {name: scalar_text(value) for name, value in condition.settings.items()}
    return settings | part | {"metric": condition.metric}


def _words(wanted: Mapping[str, tuple[str, ...]]) -> str:
    return ", ".join(f"{name} {' or '.join(texts)}" for name, texts in wanted.items())


def _names(conditions: Iterable[ConditionJudgement]) -> str:
    return "; ".join(condition.name or "the only one" for condition in conditions)
