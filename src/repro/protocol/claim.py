"""Claims: statements of papers in testable form, and the hash that shows when a criterion was changed."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from repro.protocol.experiment import Scalar, canonical_json

Verdict = Literal["reproduced", "partly", "not reproduced", "inconclusive", "not run"]
Name = Annotated[str, Field(min_length=1)]


class _Specification(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Published(BaseModel):
    """One value that the paper prints; further keys name the condition it belongs to, as in ``dataset: pima``.

    Attributes
    ----------
    quantity : str
        What the value is.
    value : float
        The published number.
    source : {"read", "figure", "recalled"}
        Whether it was read in the text, measured from a figure or is known from memory. A recalled number is never
        shown as the paper's.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    quantity: Name
    value: float
    source: Literal["read", "figure", "recalled"]

    def matches(self, condition: dict[str, Scalar]) -> bool:
        """Whether every further key of this entry agrees with `condition`."""
        return all(str(condition.get(key)) == str(value) for key, value in (self.model_extra or {}).items())


class Criterion(_Specification):
    """Rule that turns an estimate with its interval into a verdict.

    Attributes
    ----------
    kind : {"direction", "equivalence", "within", "order", "identity"}
        ``direction``: the effect has the claimed sign. ``equivalence``: it lies inside ``(-margin, margin)``.
        ``within``: ours minus published lies inside ``[-tolerance, tolerance]``. ``order``: adjacent
        paired differences are all positive. ``identity``: no deviation exceeds ``bound``.
    sign : {"positive", "negative"}
        Claimed sign, for ``direction`` and ``order``.
    margin, tolerance, bound : float or None
        In the unit of the quantity; each is required by its kind and refused by the others.
    relative : bool, default=False
        Only for ``within``: the tolerance is a share of the published value, and the quantity is ours over published
        minus 1.
    non_inferiority : float
        Only for ``direction``: the effect may fall short of zero by this much (a margin fixed in advance).
    """

    kind: Literal["direction", "equivalence", "within", "order", "identity"]
    sign: Literal["positive", "negative"] = "positive"
    margin: float | None = Field(None, gt=0)
    tolerance: float | None = Field(None, gt=0)
    bound: float | None = Field(None, ge=0)
    relative: bool = False
    non_inferiority: float = Field(0.0, ge=0)

    @model_validator(mode="after")
    def _limits_belong_to_kind(self) -> Self:
        needed = {"equivalence": "margin", "within": "tolerance", "identity": "bound"}.get(self.kind)
        for name in ("margin", "tolerance", "bound"):
            if (getattr(self, name) is not None) != (name == needed):
                rule = f"requires '{needed}'" if name == needed else f"does not take '{name}'"
                raise ValueError(f"criterion '{self.kind}' {rule}")
        if self.relative and self.kind != "within":
            raise ValueError(f"criterion '{self.kind}' does not take 'relative'")
        if self.non_inferiority and self.kind != "direction":
            raise ValueError(f"criterion '{self.kind}' does not take 'non_inferiority'")
        return self


class Part(_Specification):
    """A named condition of a claim that differs from the others in more than one setting.

    Keys that are not given are taken from the quantity or the claim.
    """

    name: Name
    metric: Name | None = None
    contrast: tuple[Scalar, Scalar] | None = None
    where: dict[str, Scalar | list[Scalar]] = Field(default_factory=dict)
    criterion: Criterion | None = None
    smallest_effect: float | None = Field(None, ge=0)


class Quantity(_Specification):
    """Which number of the result table answers a claim.

    Attributes
    ----------
    metric : str
        Value of the ``metric`` column.
    column : str, default="method"
        Setting column whose levels are compared.
    contrast : (first, second) or None
        The quantity is the paired difference first minus second within a replicate. None: the value itself.
    order : list or None
        For criterion ``order``: levels in the claimed order, largest first.
    where : dict
        Rows that count: setting column and the value, or list of values, that it must have.
    conditions : str or list of str or None
        Setting columns whose combinations each get a verdict of their own.
    parts : list of Part
        Named conditions, where conditions differ in more than a setting column.
    replicate : str
        Name of the unit of replication, for the reader (partition, seed, data set, …).
    scale : {"difference", "log_ratio"}
        Whether a contrast is a difference or the logarithm of a ratio.
    statistic : {"mean", "median"}
        How replicates are summarised; ``median`` needs the interval ``bca`` or ``draws``.
    range : (low, high) or None
        Values that the metric can have, as ``[0, 1]`` for an accuracy. An interval never leaves the values that the
        quantity can have, which for a difference are low - high to high - low.
    """

    metric: Name
    column: str = "method"
    contrast: tuple[Scalar, Scalar] | None = None
    order: list[Scalar] | None = Field(None, min_length=2)
    where: dict[str, Scalar | list[Scalar]] = Field(default_factory=dict)
    conditions: str | list[str] | None = None
    parts: list[Part] = Field(default_factory=list)
    replicate: Name
    scale: Literal["difference", "log_ratio"] = "difference"
    statistic: Literal["mean", "median"] = "mean"
    range: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _range_is_one(self) -> Self:
        if self.range is not None and not self.range[0] < self.range[1]:
            raise ValueError(f"range must be two numbers, the smaller first, got {list(self.range)}")
        if self.range is not None and self.scale == "log_ratio":
            raise ValueError("range belongs to the scale 'difference': a logarithm of a ratio has no bounds")
        return self


class Claim(_Specification):
    """One statement in testable form.

    Attributes
    ----------
    id : str
        ``<study>-<label>`` in lower case.
    paper : str
        Key in ``book/references.bib``; ``book`` for a question of our own.
    locator : str
        Table, figure, theorem, page.
    statement : str
        The statement in our words.
    statement_from : {"text", "abstract", "code", "summary", "memory"}
        Where the statement was found: in the paper's text, only in its abstract, in the authors' code, in a summary by
        others, or known from memory. All but the first are said on the card.
    universal : bool
        Whether the statement is about every condition ("whatever", "every"). Such a claim is not reproduced as soon as
        one condition is not.
    published : list of Published
        Values the paper prints.
    experiment : str
        Name of the experiment that answers it.
    quantity : Quantity
        Which number of its table.
    interval : {"t", "bca", "nadeau_bengio", "draws", "none"}
        How the 95 % interval is computed; ``draws`` takes quantiles of replicates that are themselves bootstrap draws
        over the units; ``none`` only for ``identity``.
    folds : int
        Folds of the cross-validation behind one replicate, for ``nadeau_bengio``.
    folds_per_value : int or None
        Folds that one replicate averages, for ``nadeau_bengio``: None for all of them, 1 for a single split whose test
        part is a share 1 / `folds` of training and test rows together.
    criterion : Criterion
        How the verdict follows.
    smallest_effect : float
        Smallest effect of interest, in the unit of the quantity.
    control : str
        Variant of the experiment on which the claim must not come out as reproduced.
    former_controls : list of str
        Controls that the claim had when committed tables were computed; nothing is run for them.
    profiles : dict
        Profiles in which the claim is judged, each ``full`` or ``mechanism demo``.
    note : str
        What a reader should know about how the statement was turned into a criterion.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*-[a-z0-9]+$")
    paper: Name
    locator: Name
    statement: Name
    statement_from: Literal["text", "abstract", "code", "summary", "memory"] = "text"
    universal: bool = False
    published: list[Published] = Field(default_factory=list)
    experiment: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    quantity: Quantity
    interval: Literal["t", "bca", "nadeau_bengio", "draws", "none"]
    folds: int = Field(10, ge=2)
    folds_per_value: int | None = Field(None, ge=1)
    criterion: Criterion
    smallest_effect: float = Field(0.0, ge=0)
    control: Name
    former_controls: list[Name] = Field(default_factory=list)
    profiles: dict[Literal["quick", "standard", "paper"], Literal["full", "mechanism demo"]] = Field(min_length=1)
    note: str = ""

    @model_validator(mode="after")
    def _keys_agree(self) -> Self:
        kinds = {self.criterion.kind, *(part.criterion.kind for part in self.quantity.parts if part.criterion)}
        effects = [(self.smallest_effect, kinds, "smallest_effect")] + [
            (
                part.smallest_effect or 0.0,
                {(part.criterion or self.criterion).kind},
                f"smallest_effect of {part.name!r}",
            )
            for part in self.quantity.parts
        ]
        for effect, judged, name in effects:
            if effect and "direction" not in judged:
                raise ValueError(f"{name} belongs to the criterion 'direction', got {' and '.join(sorted(judged))}")
        if (self.interval == "none") != (kinds == {"identity"}):
            raise ValueError("interval 'none' belongs to the criterion 'identity', and only to it")
        if "order" in kinds and self.quantity.order is None:
            raise ValueError("criterion 'order' requires quantity.order")
        if "within" in kinds and not self.published:
            raise ValueError("criterion 'within' requires published values")
        if self.quantity.statistic == "median" and self.interval not in ("bca", "draws"):
            raise ValueError("statistic 'median' requires interval 'bca' or 'draws'")
        if self.interval == "nadeau_bengio" and "folds" not in self.model_fields_set:
            raise ValueError("interval 'nadeau_bengio' requires folds, the number of parts of one partition")
        if self.folds_per_value is not None and not (
            self.interval == "nadeau_bengio" and self.folds_per_value <= self.folds
        ):
            raise ValueError(
                "folds_per_value belongs to interval 'nadeau_bengio' and is at most folds "
                f"({self.folds}), got {self.folds_per_value}"
            )
        unfit = [entry.value for entry in self.published if entry.quantity.endswith("_ratio") and entry.value <= 0]
        if self.quantity.scale == "log_ratio" and unfit:
            raise ValueError(f"a published ratio must be positive, got {unfit[0]}")
        if self.id.partition("-")[0] != self.experiment.partition(".")[0]:
            raise ValueError(f"id {self.id!r} and experiment {self.experiment!r} name different studies")
        return self

    @property
    def study(self) -> str:
        """Name of the study this claim belongs to."""
        return self.id.partition("-")[0]

    def specification_hash(self) -> str:
        """Return what a table records about the claim: criterion, statement and profiles at the time of the run.

        Three parts with a slash between them: sixteen hexadecimal digits for all that decides the verdict, eight for
        the statement, and the profiles with their marks, as ``paper=full+quick=mechanism demo``. Locator, note and
        the control, which tests the claim and does not judge the evidence, do not count.
        """
        profiles = "+".join(f"{profile}={mark}" for profile, mark in sorted(self.profiles.items()))
        return f"{self._hash({})}/{self._statement_hash()}/{profiles}"

    def changes_since(self, recorded: str | None) -> tuple[str, ...]:
        """Name what has changed since a hash was recorded with a table or with accepted verdicts.

        Tables of the first versions recorded only the hash of what decides the verdict, the oldest with the name of the
        control in it. Such a hash counts when it is that of the present specification, with the control or with one of
        the former controls of the claim; of statement and profiles it says nothing.

        Parameters
        ----------
        recorded : str or None
            What :meth:`specification_hash` gave then; None where nothing was recorded.

        Returns
        -------
        tuple of str
            For example ``("criterion", "profile paper left out")``; empty when nothing has changed. A profile that was
            added is no change.
        """
        criterion, _, rest = (recorded or "").partition("/")
        named = (self._hash({"control": control}) for control in (self.control, *self.former_controls))
        changes = [] if criterion in (self._hash({}), *named) else ["criterion"]
        if rest:
            statement, _, profiles = rest.partition("/")
            changes += [] if statement == self._statement_hash() else ["statement"]
            for profile, _, mark in (entry.partition("=") for entry in profiles.split("+")):
                now = {str(name): value for name, value in self.profiles.items()}.get(profile)
                if now is None:
                    changes.append(f"profile {profile} left out")
                elif now != mark:
                    changes.append(f"mark of profile {profile}")
        return tuple(changes)

    def is_specified_by(self, recorded: str | None) -> bool:
        """Whether nothing has changed since a hash was recorded, see :meth:`changes_since`."""
        return not self.changes_since(recorded)

    def _statement_hash(self) -> str:
        return hashlib.sha256(" ".join(self.statement.split()).encode()).hexdigest()[:8]

    def _hash(self, more: dict[str, str]) -> str:
        unhashed = {
            "paper",
            "locator",
            "statement",
            "statement_from",
            "note",
            "profiles",
            "control",
            "former_controls",
        }
        content = self.model_dump(mode="json", exclude=unhashed) | more
        # keys that came later than the first tables, which hold hashes without them
        if self.folds_per_value is None:
            del content["folds_per_value"]
        if not self.universal:
            del content["universal"]
        if self.quantity.range is None:
            del content["quantity"]["range"]
        for criterion in (content["criterion"], *(part["criterion"] for part in content["quantity"]["parts"])):
            if criterion is not None and not criterion["relative"]:
                del criterion["relative"]
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()[:16]
