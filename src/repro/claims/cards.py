"""Verdict cards: self-contained HTML that reads on light and dark pages, and Markdown for everything else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from repro.claims.judgement import ConditionJudgement, Judgement
from repro.claims.numbers import format_estimate, format_interval, format_number
from repro.claims.wording import (
    STATEMENT_FROM,
    SYMBOLS,
    condition_note,
    control_words,
    criterion_words,
    family_words,
    hardware_words,
    interval_words,
    mark_words,
    published_words,
    quantity_words,
)
from repro.ground.duration import duration
from repro.protocol.claim import Claim, Part
from repro.results import table_path

if TYPE_CHECKING:
    from jinja2 import Environment

MANY_CONDITIONS: Final = 8
"""A card shows up to this many conditions or published values at once; more are folded under their count."""


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # only whoever shows a card waits for it

    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals.update(symbols=SYMBOLS, many=MANY_CONDITIONS)
    return templates


def _part_of(claim: Claim, condition: ConditionJudgement) -> Part | None:
    return next((part for part in claim.quantity.parts if part.name == condition.part), None)


def _criterion_of(claim: Claim, part: Part | None) -> str:
    criterion = part.criterion if part and part.criterion else claim.criterion
    smallest = claim.smallest_effect if part is None or part.smallest_effect is None else part.smallest_effect
    return criterion_words(criterion, smallest)


def _details(condition: ConditionJudgement) -> str:
    """Say what stands beside an estimate: plain and 90 % intervals, marks and notes."""
    parts = []
    if condition.interval_90 is not None:
        parts.append(f"90 % interval {format_interval(condition.interval_90)}")
    if condition.plain_interval is not None:
        parts.append(f"plain t interval {format_interval(condition.plain_interval)}")
    return "; ".join([*parts, note] if (note := condition_note(condition)) else parts)


def _readable(name: str) -> str:
    """Name of a condition, level or control as a reader expects it: blanks for underscores."""
    return name.replace("_", " ")


def _replicates(claim: Claim, number: int) -> str:
    unit = claim.quantity.replicate
    return f"{number} × {unit}"


def _provenance_line(judgement: Judgement) -> str:
    provenance = judgement.provenance
    if provenance is None:
        return ""
    hardware = provenance.hardware
    declared = provenance.cells_declared or provenance.cells
    parts = f"{provenance.cells} of {declared} cells run so far; " if declared > provenance.cells else ""
    renewed = ""
    if provenance.renewals:
        last = provenance.renewals[-1]
        cells = f"{len(last.cells)} {'cell' if len(last.cells) == 1 else 'cells'}"
        renewed = f"; {cells} computed again with commit {last.commit[:12]} came out equal"
    return (
        f"{parts}"
        f"commit {provenance.commit[:12]}{' (dirty)' if provenance.commit.endswith('-dirty') else ''}; "
        f"{hardware_words(hardware.processor, hardware.cores, hardware.gpu)}; "
        f"{duration(provenance.wall_seconds)} of computing; finished {provenance.finished[:10]}{renewed}"
    )


@dataclass(frozen=True)
class Card:
    """Verdict card of one claim.

    Parameters
    ----------
    claim : Claim
        The claim.
    judgements : tuple of Judgement
        One for each profile.
    table_url : callable or None
        Gives the address of a table from experiment and profile.
    """

    claim: Claim
    judgements: tuple[Judgement, ...]
    table_url: Callable[[str, str], str | None] | None = None

    @property
    def _paper(self) -> str:
        return "a question of this book" if self.claim.paper == "book" else self.claim.paper

    def _published(self) -> list[str]:
        return [published_words(entry) for entry in self.claim.published if entry.source != "recalled"]

    def _table(self, judgement: Judgement) -> tuple[str, str | None]:
        """Name and address of the table behind a judgement."""
        profile = str(judgement.profile)
        name = f"{self.claim.study}/{table_path(self.claim.experiment, profile).name}"
        return name, self.table_url(self.claim.experiment, profile) if self.table_url else None

    def _quantity(self, condition: ConditionJudgement) -> str:
        return _readable(quantity_words(self.claim, _part_of(self.claim, condition)))

    def _conditions(self, judgement: Judgement) -> dict[str, Any]:
        """Table of several conditions: head, rows, and what all rows share."""
        conditions = judgement.conditions
        quantities = [self._quantity(condition) for condition in conditions]
        shared = len(set(quantities)) == 1
        columns = {
            "Estimate": [format_estimate(condition.estimate, condition.interval)[0] for condition in conditions],
            "95 % interval": [format_interval(condition.interval) for condition in conditions],
            "90 % interval": [format_interval(condition.interval_90) for condition in conditions],
            "Plain t interval": [format_interval(condition.plain_interval) for condition in conditions],
            "Replicates": [str(condition.replicates) for condition in conditions],
            "Paper": [format_number(condition.published) for condition in conditions],
        }
        for name in ("90 % interval", "Plain t interval", "Paper"):
            if set(columns[name]) == {format_number(None)}:
                del columns[name]
        rows = [
            {
                "name": _readable(condition.name),
                "quantity": "" if shared else quantities[position],
                "verdict": condition.verdict,
                "note": condition_note(condition),
                "numbers": [texts[position] for texts in columns.values()],
            }
            for position, condition in enumerate(conditions)
        ]
        unit = f"replicate: {self.claim.quantity.replicate}"
        counted = Counter(condition.verdict for condition in conditions).most_common()
        return {
            "head": ["Condition", "Verdict", *columns],
            "rows": rows,
            "below": f"{quantities[0]}; {unit}" if shared else unit,
            "counts": ", ".join(f"{number} {verdict}" for verdict, number in counted),
        }

    def _only(self, condition: ConditionJudgement) -> dict[str, str]:
        """Return what is said about a condition that is the only one of its claim."""
        estimate, interval = format_estimate(condition.estimate, condition.interval)
        return {
            "estimate": estimate,
            "interval": interval,
            "quantity": self._quantity(condition),
            "replicates": _replicates(self.claim, condition.replicates),
            "details": _details(condition),
        }

    def _profile(self, judgement: Judgement) -> dict[str, Any]:
        """Content of the part of the card that belongs to one profile."""
        control, name_and_address = judgement.control, self._table(judgement)
        several = len(judgement.conditions) > 1
        return {
            "name": judgement.profile,
            "verdict": judgement.verdict,
            "words": judgement.words,
            "marks": mark_words(judgement),
            "only": self._only(judgement.conditions[0]) if len(judgement.conditions) == 1 else None,
            "conditions": self._conditions(judgement) if several else None,
            "note": judgement.note,
            "family": family_words(judgement),
            "control": control and {"name": _readable(control.name), "words": control_words(control)},
            "provenance": _provenance_line(judgement),
            "table": dict(zip(("name", "address"), name_and_address, strict=True)),
        }

    def _criterion_lines(self) -> list[str]:
        """Say what counts as reproduced, in one line unless parts have criteria of their own."""
        claim = self.claim
        by_words: dict[str, list[str]] = {}
        parts: list[Part | None] = list(claim.quantity.parts) or [None]
        for part in parts:
            by_words.setdefault(_criterion_of(claim, part), []).append(part.name if part else "")
        if len(by_words) == 1:
            return [f"Reproduced when {next(iter(by_words))} ({interval_words(claim)})."]
        return [
            f"Reproduced ({', '.join(names)}) when {words} ({interval_words(claim)})."
            for words, names in by_words.items()
        ]

    def _repr_html_(self) -> str:
        return (
            _templates()
            .get_template("card.html")
            .render(
                claim=self.claim,
                paper=self._paper,
                statement_from=STATEMENT_FROM[self.claim.statement_from],
                published=self._published(),
                criteria=self._criterion_lines(),
                profiles=[self._profile(judgement) for judgement in self.judgements],
            )
        )

    def _repr_markdown_(self) -> str:
        claim = self.claim
        lines = [f"**{claim.id}** · {self._paper}, {claim.locator}", claim.statement]
        if STATEMENT_FROM[claim.statement_from]:
            lines.append(f"({STATEMENT_FROM[claim.statement_from]})")
        if published := self._published():
            lines.append(f"Published: {'; '.join(published)}.")
        lines.extend(self._criterion_lines())
        if claim.note:
            lines.append(claim.note)
        for judgement in self.judgements:
            marks = "".join(f" ({mark})" for mark in mark_words(judgement))
            items = [f"**{judgement.profile}**: {SYMBOLS[judgement.verdict]} **{judgement.words}**{marks}"]
            for condition in judgement.conditions:
                estimate, interval = format_estimate(condition.estimate, condition.interval)
                name = f"{_readable(condition.name)}: {condition.verdict}, " if len(judgement.conditions) > 1 else ""
                details = _details(condition)
                items.append(
                    f"- {name}estimate {estimate}, 95 % interval {interval}, "
                    f"{_replicates(claim, condition.replicates)}{f' ({details})' if details else ''}"
                )
            if judgement.note:
                items.append(f"- {judgement.note}")
            if family_words(judgement):
                items.append(f"- {family_words(judgement)}")
            if judgement.control:
                items.append(f"- control {_readable(judgement.control.name)}: {control_words(judgement.control)}")
            if judgement.provenance:
                name, address = self._table(judgement)
                items.append(f"- {_provenance_line(judgement)}; table {f'[{name}]({address})' if address else name}")
            lines.append("\n".join([items[0], "", *items[1:]]))
        return "\n\n".join(lines)

    def __str__(self) -> str:
        return self._repr_markdown_().replace("**", "")


@dataclass(frozen=True)
class ClaimsTable:
    """Verdicts of several claims, one row for each claim and profile.

    Parameters
    ----------
    judgements : tuple of Judgement
        The verdicts.
    """

    judgements: tuple[Judgement, ...]

    def _rows(self) -> list[list[str]]:
        rows = []
        for judgement in self.judgements:
            claim = judgement.claim
            if len(judgement.conditions) > 1:
                counts = [condition.verdict for condition in judgement.conditions]
                evidence = f"{counts.count('reproduced')} of {len(counts)} conditions"
            else:
                texts = format_estimate(judgement.estimate, judgement.interval)
                evidence = " ".join(text for text in texts if text != format_number(None))
            rows.append(
                [
                    claim.id,
                    claim.statement,
                    str(judgement.profile),
                    f"{SYMBOLS[judgement.verdict]} {judgement.words}",
                    evidence,
                    _replicates(claim, judgement.replicates) if judgement.replicates else "",
                    "; ".join(mark.partition(":")[0] for mark in mark_words(judgement)),
                ]
            )
        return rows

    def _repr_html_(self) -> str:
        return _templates().get_template("claims.html").render(head=TABLE_HEAD, rows=self._rows())

    def _repr_markdown_(self) -> str:
        return markdown_table(TABLE_HEAD, self._rows())

    def __str__(self) -> str:
        return self._repr_markdown_()


TABLE_HEAD: Final = ("Claim", "Statement", "Profile", "Verdict", "Effect", "Replicates", "Marks")


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown table; bars in the entries are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(entry.replace("|", "\\|") for entry in line) + " |" for line in lines)
