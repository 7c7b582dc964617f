"""Verdict cards: self-contained HTML that reads on light and dark pages, and Markdown for everything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from repro.claims.judgement import ConditionJudgement, Judgement, headline, larger_under_way
from repro.claims.naming import condition_names, part_of, quantity_words
from repro.claims.numbers import format_interval, format_number
from repro.claims.papers import paper_named
from repro.claims.reasons import plain_sentence
from repro.claims.scales import Scale, rule_of
from repro.claims.strip import strip_of
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
)
from repro.ground.duration import duration
from repro.protocol.claim import Claim, Part
from repro.results import table_path

if TYPE_CHECKING:
    from jinja2 import Environment


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
    templates.globals.update(symbols=SYMBOLS)
    return templates


def forest_svg(judgement: Judgement, *, height: int = 40) -> str:
    """Forest plot of a judgement as a drawing without names, for a row of a table; empty when nothing was run."""
    strip = strip_of(judgement, height, rows=2)
    macros: Any = _templates().get_template("macros.html").module
    return "" if strip is None else str(macros.forest(strip))


def _beside(scale: Scale, condition: ConditionJudgement) -> str:
    """Say what stands beside an estimate: plain and 90 % intervals, marks and notes."""
    parts = []
    if condition.interval_90 is not None:
        parts.append(f"90 % interval {format_interval(scale.bounds(condition.interval_90))}")
    if condition.plain_interval is not None:
        parts.append(f"plain t interval {format_interval(scale.bounds(condition.plain_interval))}")
    return "; ".join([*parts, note] if (note := condition_note(condition)) else parts)


def _replicates(claim: Claim, number: int) -> str:
    return f"{number} × {claim.quantity.replicate}"


def _blanks(name: str) -> str:
    return name.replace("_", " ")


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


def _short_marks(judgement: Judgement) -> list[str]:
    return [mark.partition(":")[0] for mark in mark_words(judgement)]


@dataclass(frozen=True, repr=False)
class Card:
    """Verdict card of one claim: the run that speaks for it, all else folded.

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
    def _shown(self) -> Judgement:
        return headline(self.judgements)

    @property
    def _others(self) -> list[Judgement]:
        """Judgements of the other runs, the largest first."""
        return [found for found in reversed(self.judgements) if found is not self._shown and found.verdict != "not run"]

    def _marks(self) -> list[str]:
        larger = larger_under_way(self.judgements)
        begun = [f"{larger.profile} under way: {larger.under_way}"] if larger and larger.under_way else []
        return [*_short_marks(self._shown), *begun]

    def _published(self) -> list[str]:
        return [published_words(self.claim, entry) for entry in self.claim.published if entry.source != "recalled"]

    def _table(self, judgement: Judgement) -> tuple[str, str | None]:
        """Name and address of the table behind a judgement."""
        profile = str(judgement.profile)
        name = f"{self.claim.study}/{table_path(self.claim.experiment, profile).name}"
        return name, self.table_url(self.claim.experiment, profile) if self.table_url else None

    def _conditions(self) -> dict[str, Any] | None:
        """Table of several conditions: head, rows, and what all rows share."""
        claim, conditions = self.claim, self._shown.conditions
        if len(conditions) < 2:
            return None
        quantities = [quantity_words(claim, part_of(claim, condition)) for condition in conditions]
        shared = len(set(quantities)) == 1
        scales = [Scale.of(claim, condition) for condition in conditions]
        texts = [scale.texts(condition) for scale, condition in zip(scales, conditions, strict=True)]
        columns = {
            "Estimate": [estimate for estimate, _ in texts],
            "95 % interval": [interval for _, interval in texts],
            "90 % interval": [
                format_interval(scale.bounds(found.interval_90))
                for scale, found in zip(scales, conditions, strict=True)
            ],
            "Plain t interval": [
                format_interval(scale.bounds(found.plain_interval))
                for scale, found in zip(scales, conditions, strict=True)
            ],
            "Replicates": [str(condition.replicates) for condition in conditions],
            "Paper": [
                format_number(None if found.published is None else scale.published(found.published))
                for scale, found in zip(scales, conditions, strict=True)
            ],
        }
        for name in ("95 % interval", "90 % interval", "Plain t interval", "Paper"):
            if set(columns[name]) == {format_number(None)}:
                del columns[name]
        names = condition_names(self._shown)
        rows = [
            {
                "name": names[place],
                "quantity": "" if shared else quantities[place],
                "verdict": condition.verdict,
                "note": condition_note(condition),
                "numbers": [column[place] for column in columns.values()],
            }
            for place, condition in enumerate(conditions)
        ]
        unit = f"replicate: {claim.quantity.replicate}"
        return {
            "head": ["Condition", "Verdict", *columns],
            "rows": rows,
            "below": f"{quantities[0]}; {unit}" if shared else unit,
        }

    def _run(self, judgement: Judgement) -> dict[str, Any]:
        """Collect what is said about one run."""
        return {
            "name": judgement.profile,
            "verdict": judgement.verdict,
            "words": judgement.words,
            "marks": _short_marks(judgement),
            "sentence": plain_sentence(judgement),
            "provenance": _provenance_line(judgement),
            "table": dict(zip(("name", "address"), self._table(judgement), strict=True)),
        }

    def _criterion_lines(self) -> list[str]:
        """Say what counts as reproduced, in one line unless parts have criteria of their own."""
        claim = self.claim
        by_words: dict[str, list[str]] = {}
        parts: list[Part | None] = list(claim.quantity.parts) or [None]
        for part in parts:
            by_words.setdefault(criterion_words(*rule_of(claim, part)), []).append(part.name if part else "")
        if len(by_words) == 1:
            return [f"Reproduced when {next(iter(by_words))} ({interval_words(claim)})."]
        return [
            f"Reproduced ({', '.join(names)}) when {words} ({interval_words(claim)})."
            for words, names in by_words.items()
        ]

    def _remarks(self) -> list[str]:
        """Everything else that a reader should know, a sentence or more each."""
        claim, shown = self.claim, self._shown
        said = STATEMENT_FROM[claim.statement_from]
        beside = ""
        if len(shown.conditions) == 1:
            (only,) = shown.conditions
            details = _beside(Scale.of(claim, only), only)
            beside = f"{_replicates(claim, only.replicates)}{f'; {details}' if details else ''}."
        explained = [f"{mark[0].upper()}{mark[1:]}." for mark in mark_words(shown) if ":" in mark]
        note = f"{shown.note}." if shown.note and shown.verdict != "not run" else ""
        ratios = "Judged on logarithms, shown as ratios." if claim.quantity.scale == "log_ratio" else ""
        lines = [f"{said[0].upper()}{said[1:]}." if said else "", ratios, claim.note, beside, note, family_words(shown)]
        return [line for line in [*lines, *explained] if line]

    def _repr_html_(self) -> str:
        shown = self._shown
        control = shown.control
        was_run = shown.verdict != "not run" or bool(shown.conditions)
        return (
            _templates()
            .get_template("card.html")
            .render(
                claim=self.claim,
                paper=paper_named(self.claim.paper),
                shown=was_run,
                verdict=shown.verdict,
                words=f"{shown.words} · {shown.profile} run" if was_run else shown.words,
                marks=self._marks(),
                sentence=plain_sentence(shown),
                strip=strip_of(shown),
                conditions=self._conditions(),
                control=control and {"name": _blanks(control.name), "words": control_words(control)},
                others=[self._run(judgement) for judgement in self._others],
                runs=[self._run(judgement) for judgement in (shown, *self._others)],
                published=self._published(),
                criteria=self._criterion_lines(),
                remarks=self._remarks(),
            )
        )

    def _repr_markdown_(self) -> str:
        claim = self.claim
        lines = [f"**{claim.id}** · {paper_named(claim.paper).name}, {claim.locator}", claim.statement]
        if published := self._published():
            lines.append(f"Published: {'; '.join(published)}.")
        lines.extend(self._criterion_lines())
        lines.extend(self._remarks())
        for judgement in (self._shown, *self._others):
            lines.append("\n".join(self._markdown_of(judgement)))
        return "\n\n".join(lines)

    def _markdown_of(self, judgement: Judgement) -> list[str]:
        claim = self.claim
        marks = "".join(f" ({mark})" for mark in mark_words(judgement))
        items = [
            f"**{judgement.profile}**: {SYMBOLS[judgement.verdict]} **{judgement.words}**{marks}",
            "",
            f"- {plain_sentence(judgement)}",
        ]
        several = len(judgement.conditions) > 1
        for name, condition in zip(condition_names(judgement), judgement.conditions, strict=True):
            scale = Scale.of(claim, condition)
            estimate, interval = scale.texts(condition)
            details = _beside(scale, condition)
            which = f"{name}: {condition.verdict}, " if several else ""
            replicates = _replicates(claim, condition.replicates)
            items.append(
                f"- {which}estimate {estimate}, 95 % interval {interval}, "
                f"{replicates}{f' ({details})' if details else ''}"
            )
        if judgement.control:
            items.append(f"- control {_blanks(judgement.control.name)}: {control_words(judgement.control)}")
        if judgement.provenance:
            name, address = self._table(judgement)
            items.append(f"- {_provenance_line(judgement)}; table {f'[{name}]({address})' if address else name}")
        return items

    def __str__(self) -> str:
        return self._repr_markdown_().replace("**", "")

    def __repr__(self) -> str:
        """Return what a terminal shows: the card as text, not the judgements that it is made of."""
        return str(self)


@dataclass(frozen=True, repr=False)
class ClaimsTable:
    """Verdicts of several claims, one row for each claim: the run that speaks for it, the others in a word.

    Parameters
    ----------
    judgements : tuple of Judgement
        The verdicts, one for each claim and profile.
    """

    judgements: tuple[Judgement, ...]

    def _rows(self) -> list[dict[str, Any]]:
        claims: dict[str, list[Judgement]] = {}
        for judgement in self.judgements:
            claims.setdefault(judgement.claim.id, []).append(judgement)
        return [self._row(of_claim) for of_claim in claims.values()]

    def _row(self, judgements: Sequence[Judgement]) -> dict[str, Any]:
        shown = headline(judgements)
        effect = ""
        if len(shown.conditions) == 1:
            texts = Scale.of(shown.claim, shown.conditions[0]).texts(shown.conditions[0])
            effect = " ".join(text for text in texts if text != format_number(None))
        others = [
            f"{found.profile}: {SYMBOLS[found.verdict]} {found.words}" for found in judgements if found is not shown
        ]
        run = [str(shown.profile), *_short_marks(shown)] if shown.verdict != "not run" else []
        return {
            "id": shown.claim.id,
            "statement": shown.claim.statement,
            "verdict": shown.verdict,
            "words": shown.words,
            "effect": effect,
            "notes": [text for text in (", ".join(run), "; ".join(others)) if text],
        }

    def _repr_html_(self) -> str:
        return _templates().get_template("claims.html").render(rows=self._rows())

    def _repr_markdown_(self) -> str:
        return markdown_table(
            TABLE_HEAD,
            [
                [
                    row["id"],
                    row["statement"],
                    f"{SYMBOLS[row['verdict']]} {row['words']}",
                    row["effect"],
                    "; ".join(row["notes"]),
                ]
                for row in self._rows()
            ],
        )

    def __str__(self) -> str:
        return self._repr_markdown_()

    def __repr__(self) -> str:
        """Return what a terminal shows: the table as text, not the judgements that it is made of."""
        return str(self)


TABLE_HEAD: Final = ("Claim", "Statement", "Verdict", "Effect", "Runs")


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown table; bars in the entries are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(entry.replace("|", "\\|") for entry in line) + " |" for line in lines)
