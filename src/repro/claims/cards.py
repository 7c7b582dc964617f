"""Verdict cards: self-contained HTML that reads on light and dark pages, and Markdown for everything else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from repro.claims.judgement import ConditionJudgement, ControlJudgement, Judgement
from repro.claims.numbers import format_estimate, format_interval, format_number
from repro.claims.wording import (
    SYMBOLS,
    criterion_words,
    hardware_words,
    interval_words,
    published_words,
    quantity_words,
)
from repro.ground.duration import duration
from repro.protocol.claim import Claim, Part, Verdict
from repro.results import table_path

STYLE: Final = """<style>
.repro-card{border:1px solid currentColor;border-radius:.5rem;padding:.75rem 1rem;margin:1rem 0;background:transparent;
color:inherit;overflow-wrap:anywhere}
.repro-card p{margin:.3rem 0}
.repro-card-profile{border-left:.3rem solid var(--repro-mark,#808080);padding-left:.75rem;margin-top:.75rem}
.repro-badge{display:inline-block;border:2px solid var(--repro-mark,#808080);border-radius:1rem;padding:0 .6rem;
font-weight:600;white-space:nowrap}
.repro-mark{display:inline-block;border:1px dashed currentColor;border-radius:.25rem;padding:0 .4rem;font-size:.9em}
.repro-reproduced{--repro-mark:#009e73}.repro-partly{--repro-mark:#cc79a7}.repro-not-reproduced{--repro-mark:#d55e00}
.repro-inconclusive{--repro-mark:#3b8fc4}.repro-not-run{--repro-mark:#808080}
.repro-scroll{overflow-x:auto;overflow-wrap:normal;max-width:100%;margin:.4rem 0}
.repro-scroll table{border-collapse:collapse;color:inherit;background:transparent}
.repro-scroll th,.repro-scroll td{text-align:left;padding:.15rem .7rem .15rem 0;border-bottom:1px solid #808080;
vertical-align:top;color:inherit;background:transparent}
.repro-claims table{min-width:44rem}
.repro-claims th{white-space:nowrap}
.repro-number{white-space:nowrap;font-variant-numeric:tabular-nums}
.repro-small{font-size:.9em;font-weight:400}
</style>"""
"""Style of cards and badges: colours are inherited, verdict colours are borders only."""


def badge_html(verdict: Verdict) -> str:
    """Badge of a verdict: its sign and its word; the colour of its border adds nothing that they do not say."""
    kind = verdict.replace(" ", "-")
    return f'<span class="repro-badge repro-{kind}"><span aria-hidden="true">{SYMBOLS[verdict]}</span> {verdict}</span>'


def _marks(judgement: Judgement) -> list[str]:
    marks = []
    if judgement.mechanism_demo:
        marks.append("mechanism demo: a stand-in for the paper's data or system")
    if judgement.criterion_changed:
        marks.append("criterion changed after the run")
    if judgement.control and judgement.control.problem:
        marks.append(f"control fails: {judgement.control.problem}")
    return marks


def _part_of(claim: Claim, condition: ConditionJudgement) -> Part | None:
    return next((part for part in claim.quantity.parts if part.name == condition.part), None)


def _criterion_of(claim: Claim, part: Part | None) -> str:
    criterion = part.criterion if part and part.criterion else claim.criterion
    smallest = claim.smallest_effect if part is None or part.smallest_effect is None else part.smallest_effect
    return criterion_words(criterion, smallest)


def _details(condition: ConditionJudgement) -> str:
    """Say what stands beside an estimate: plain and 90 % intervals, notes."""
    parts = []
    if condition.interval_90 is not None:
        parts.append(f"90 % interval {format_interval(condition.interval_90)}")
    if condition.plain_interval is not None:
        parts.append(f"plain t interval {format_interval(condition.plain_interval)}")
    if condition.note:
        parts.append(condition.note)
    return "; ".join(parts)


def _control_words(control: ControlJudgement) -> str:
    """Verdict on a control and how much it changes."""
    changed = "" if control.changed is None else f", changes {100 * control.changed:.3g} % of the values"
    return f"{control.verdict}{changed}"


def _readable(name: str) -> str:
    """Name of a condition, level or control as a reader expects it: blanks for underscores."""
    return name.replace("_", " ")


MANY_CONDITIONS: Final = 8
"""A card shows up to this many conditions at once; more are folded under their count."""


def _folded(judgement: Judgement, table: str) -> str:
    """Table of conditions, behind a line that counts their verdicts when there are many."""
    if len(judgement.conditions) <= MANY_CONDITIONS:
        return table
    verdicts = Counter(condition.verdict for condition in judgement.conditions)
    counts = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.most_common())
    return f"<details><summary>{len(judgement.conditions)} conditions: {counts}</summary>{table}</details>"


def _small(text: str) -> str:
    return f'<span class="repro-small">{escape(text)}</span>'


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

    def _published(self) -> list[str]:
        return [published_words(entry) for entry in self.claim.published if entry.source != "recalled"]

    def _table(self, judgement: Judgement) -> tuple[str, str | None]:
        """Name and address of the table behind a judgement."""
        profile = str(judgement.profile)
        name = f"{self.claim.study}/{table_path(self.claim.experiment, profile).name}"
        return name, self.table_url(self.claim.experiment, profile) if self.table_url else None

    def _conditions_html(self, judgement: Judgement) -> str:
        conditions = judgement.conditions
        quantities = [
            _readable(quantity_words(self.claim, _part_of(self.claim, condition))) for condition in conditions
        ]
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
        rows = []
        for position, condition in enumerate(conditions):
            quantity = "" if shared else f"<br>{_small(quantities[position])}"
            note = f"<br>{_small(condition.note)}" if condition.note else ""
            numbers = "".join(f'<td class="repro-number">{texts[position]}</td>' for texts in columns.values())
            rows.append(
                f'<tr><th scope="row">{escape(_readable(condition.name))}{quantity}</th>'
                f'<td><span class="repro-number">{SYMBOLS[condition.verdict]} {condition.verdict}</span>{note}</td>'
                f"{numbers}</tr>"
            )
        label = escape(f"Conditions of {self.claim.id}, profile {judgement.profile}")
        head = "".join(f'<th scope="col">{name}</th>' for name in ("Condition", "Verdict", *columns))
        unit = f"replicate: {self.claim.quantity.replicate}"
        return (
            f'<div class="repro-scroll" tabindex="0" role="region" aria-label="{label}"><table><thead><tr>{head}</tr>'
            f"</thead><tbody>{''.join(rows)}</tbody></table></div>"
            f"<p>{_small(f'{quantities[0]}; {unit}' if shared else unit)}</p>"
        )

    def _profile_html(self, judgement: Judgement) -> str:
        claim = self.claim
        kind = judgement.verdict.replace(" ", "-")
        marks = "".join(f' <span class="repro-mark">{escape(mark)}</span>' for mark in _marks(judgement))
        lines = [f"<p><strong>{judgement.profile}</strong> {badge_html(judgement.verdict)}{marks}</p>"]
        if len(judgement.conditions) == 1:
            condition = judgement.conditions[0]
            estimate, interval = format_estimate(condition.estimate, condition.interval)
            lines.append(
                f"<p>Estimate <strong>{estimate}</strong>, 95 % interval {interval} "
                f"({escape(_readable(quantity_words(claim, _part_of(claim, condition))))}; "
                f"{escape(_replicates(claim, condition.replicates))})</p>"
            )
            if details := _details(condition):
                lines.append(f"<p>{_small(details)}</p>")
        elif judgement.conditions:
            lines.append(_folded(judgement, self._conditions_html(judgement)))
        if judgement.note:
            lines.append(f"<p>{_small(judgement.note)}</p>")
        if judgement.control:
            lines.append(
                f'<p class="repro-small">Control {escape(_readable(judgement.control.name))} (must not be reproduced): '
                f"{SYMBOLS[judgement.control.verdict]} {_control_words(judgement.control)}</p>"
            )
        if judgement.provenance:
            name, address = self._table(judgement)
            table = f'<a href="{escape(address)}">{escape(name)}</a>' if address else f"<code>{escape(name)}</code>"
            lines.append(f'<p class="repro-small">{escape(_provenance_line(judgement))}; table {table}</p>')
        return f'<div class="repro-card-profile repro-{kind}">{"".join(lines)}</div>'

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
        claim = self.claim
        paper = "a question of this book" if claim.paper == "book" else claim.paper
        lines = [
            f"<p><strong>{escape(claim.id)}</strong> · {escape(paper)}, {escape(claim.locator)}</p>",
            f"<p>{escape(claim.statement)}</p>",
        ]
        if published := self._published():
            text = escape("; ".join(published))
            if len(published) > MANY_CONDITIONS:
                text = f"<details><summary>Published: {len(published)} values</summary>{text}.</details>"
                lines.append(f'<div class="repro-small">{text}</div>')
            else:
                lines.append(f'<p class="repro-small">Published: {text}.</p>')
        lines.extend(f"<p>{_small(line)}</p>" for line in self._criterion_lines())
        if claim.note:
            lines.append(f"<p>{_small(claim.note)}</p>")
        profiles = "".join(self._profile_html(judgement) for judgement in self.judgements)
        return (
            f'<div class="repro-card" role="group" aria-label="Verdict on claim {escape(claim.id)}">'
            f"{STYLE}{''.join(lines)}{profiles}</div>"
        )

    def _repr_markdown_(self) -> str:
        claim = self.claim
        paper = "a question of this book" if claim.paper == "book" else claim.paper
        lines = [f"**{claim.id}** · {paper}, {claim.locator}", claim.statement]
        if published := self._published():
            lines.append(f"Published: {'; '.join(published)}.")
        lines.extend(self._criterion_lines())
        if claim.note:
            lines.append(claim.note)
        for judgement in self.judgements:
            marks = "".join(f" ({mark})" for mark in _marks(judgement))
            items = [f"**{judgement.profile}**: {SYMBOLS[judgement.verdict]} **{judgement.verdict}**{marks}"]
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
            if judgement.control:
                items.append(f"- control {_readable(judgement.control.name)}: {_control_words(judgement.control)}")
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
                    f"{SYMBOLS[judgement.verdict]} {judgement.verdict}",
                    evidence,
                    _replicates(claim, judgement.replicates) if judgement.replicates else "",
                    "; ".join(mark.partition(":")[0] for mark in _marks(judgement)),
                ]
            )
        return rows

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{name}</th>' for name in TABLE_HEAD)
        body = "".join(
            f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
            for row in self._rows()
        )
        return (
            f'<div class="repro-claims">{STYLE}<div class="repro-scroll" tabindex="0" role="region" '
            f'aria-label="Verdicts of the claims"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
            "</div></div>"
        )

    def _repr_markdown_(self) -> str:
        return markdown_table(TABLE_HEAD, self._rows())

    def __str__(self) -> str:
        return self._repr_markdown_()


TABLE_HEAD: Final = ("Claim", "Statement", "Profile", "Verdict", "Effect", "Replicates", "Marks")


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown table; bars in the entries are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(entry.replace("|", "\\|") for entry in line) + " |" for line in lines)
