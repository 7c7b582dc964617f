"""From a result table to the replicated values that answer a claim."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.claims.tidy import Codes, Column, Rows, TidyRows
from repro.ground.exceptions import ResultsError, UnknownName
from repro.protocol.claim import Claim, Criterion, Part, Published
from repro.protocol.experiment import VARIANT, Scalar
from repro.results import scalar_text

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """Values that judge one condition of a claim.

    Parameters
    ----------
    name : str
        Name of the condition; empty when the claim has only one.
    part : str
        Name of the claim's part it belongs to; empty when the claim has no parts.
    metric : str
        Metric that answers this condition.
    settings : dict of str to scalar
        Settings that all rows of this condition share: those that the claim asks for, and those that tell its
        conditions apart.
    criterion : Criterion
        Rule for this condition.
    smallest_effect : float
        Smallest effect of interest for this condition.
    series : dict of str to ndarray
        One value for each replicate, shape (n_replicates,), float64. One entry; for the criterion ``order`` one for
        each pair of adjacent levels, named after the pair. Empty when the table has no row of this condition.
    published : Published or None
        The paper's value on the scale of `series`.
    contrasted : bool
        Whether the values are effects of one level against another.
    cells : tuple of str
        Cells that the values come from.
    """

    name: str
    part: str
    metric: str
    settings: Mapping[str, Scalar]
    criterion: Criterion
    smallest_effect: float
    series: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    published: Published | None = None
    contrasted: bool = False
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Table:
    """A prepared result table and the claim that asks it."""

    claim: Claim
    tidy: TidyRows
    source: str
    partial: bool

    def fail(self, problem: str) -> NoReturn:
        raise ResultsError(f"claim {self.claim.id}: table {self.source}: {problem}")

    def column(self, name: str) -> Column:
        if name not in self.tidy.columns:
            self.fail(str(UnknownName("column", name, self.tidy.settings)))
        return self.tidy.columns[name]

    def select(self, metric: str, where: Mapping[str, Scalar | list[Scalar]]) -> Rows:
        """Rows of a metric that have the wanted settings."""
        metrics = self.tidy.columns["metric"]
        rows = self.tidy.rows[metrics.among(self.tidy.rows, [metric])]
        if not rows.size and not self.partial:
            present = dict.fromkeys(metrics.texts[code] for code in metrics.codes[self.tidy.rows])
            self.fail(str(UnknownName("metric", metric, present)))
        for name, wanted in where.items():
            allowed = [scalar_text(value) for value in (wanted if isinstance(wanted, list) else [wanted])]
            rows = rows[self.column(name).among(rows, allowed)]
        return rows

    def by_replicate(self, rows: Rows, what: str) -> tuple[Codes, Values]:
        """Replicates, each once, and their values, none of them NaN."""
        replicate = self.column("replicate")
        codes, values = replicate.codes[rows], self.tidy.values[rows]
        occurrences = np.bincount(codes, minlength=1)
        if occurrences.max() > 1:
            repeated = next(code for place, code in enumerate(codes.tolist()) if code in codes[:place])
            same = rows[codes == repeated]
            varying = [
                name
                for name, column in self.tidy.columns.items()
                if name not in ("replicate", "metric", VARIANT) and len(set(column.codes[same].tolist())) > 1
            ]
            self.fail(
                f"{len(same)} values of {what} for replicate {replicate.texts[repeated]}; "
                f"they differ in {', '.join(varying)}: "
                "narrow them by quantity.where or list the column in quantity.conditions"
            )
        missing = int(np.isnan(values).sum())
        if missing:
            self.fail(f"{missing} of {len(values)} values of {what} are NaN")
        return codes, values


def _published_for(claim: Claim, metric: str, contrasted: bool, condition: Mapping[str, Scalar]) -> Published | None:
    """Return the one value that the paper gives for a condition, on the scale of our estimate.

    An entry belongs to a quantity when it names it: the metric itself, for a contrast ``<metric>_difference`` or, on
    the scale of logarithms, ``<metric>_ratio``, whose logarithm is taken. Values known from memory do not count.
    """
    ratio = claim.quantity.scale == "log_ratio"
    wanted = f"{metric}_{'ratio' if ratio else 'difference'}" if contrasted else metric
    fitting = [
        entry
        for entry in claim.published
        if entry.source != "recalled" and entry.quantity == wanted and entry.matches(dict(condition))
    ]
    if len(fitting) != 1:
        return None
    entry = fitting[0]
    return entry.model_copy(update={"value": math.log(entry.value)}) if contrasted and ratio else entry


def _effect(
    table: _Table, first: tuple[Codes, Values], second: tuple[Codes, Values], levels: tuple[str, str]
) -> Values:
    """Paired effect of the first level against the second, one for each replicate."""
    texts = table.column("replicate").texts
    (ours_of, ours), (theirs_of, theirs) = first, second
    shared = np.isin(ours_of, theirs_of)
    unpaired = sorted(texts[code] for code in {*ours_of.tolist()} ^ {*theirs_of.tolist()})
    if unpaired and not table.partial:
        table.fail(
            f"replicates of {levels[0]!r} and {levels[1]!r} are not paired: "
            f"{', '.join(unpaired[:5])}{' and others' if len(unpaired) > 5 else ''} on one side only"
        )
    place = np.full(len(texts), -1, dtype=np.intp)
    place[theirs_of] = np.arange(len(theirs_of))
    ours, theirs = ours[shared], theirs[place[ours_of[shared]]]
    if table.claim.quantity.scale == "difference":
        return np.asarray(ours - theirs)
    if min(ours.min(), theirs.min()) <= 0:
        table.fail(f"a log ratio of {levels[0]!r} and {levels[1]!r} needs positive values")
    return np.asarray(np.log(ours) - np.log(theirs))


def _series(
    table: _Table, rows: Rows, condition: str, criterion: Criterion, contrast: tuple[Scalar, Scalar] | None
) -> dict[str, Values]:
    quantity = table.claim.quantity
    compared: Iterable[Scalar] = ()
    if criterion.kind == "order":
        compared = quantity.order or ()
    elif contrast is not None:
        compared = contrast
    levels = [scalar_text(level) for level in compared]
    place = f" in condition {condition!r}" if condition else ""
    if not levels:
        return {"": table.by_replicate(rows, f"the quantity{place}")[1]}
    column = table.column(quantity.column)
    of_level = [rows[column.codes[rows] == column.code(level)] for level in levels]
    for level, found in zip(levels, of_level, strict=True):
        if not found.size and table.partial:
            return {}
        if not found.size:
            present = dict.fromkeys(column.texts[code] for code in column.codes[rows])
            error = UnknownName(f"level of {quantity.column!r}", level, present)
            table.fail(f"no row{place} for level {level!r}; {error}")
    values = [
        table.by_replicate(found, f"level {level!r}{place}") for level, found in zip(levels, of_level, strict=True)
    ]
    effects = {
        f"{levels[step]} over {levels[step + 1]}": _effect(
            table, values[step], values[step + 1], (levels[step], levels[step + 1])
        )
        for step in range(len(levels) - 1)
    }
    return effects if all(map(len, effects.values())) else {}


def _cells(table: _Table, rows: Rows, levels: Sequence[Scalar] | None) -> tuple[str, ...]:
    """Cells of the rows that have one of the compared levels, or of all rows where none are compared."""
    if levels:
        texts = [scalar_text(level) for level in levels]
        rows = rows[table.column(table.claim.quantity.column).among(rows, texts)]
    cells = table.tidy.columns.get("cell")
    return () if cells is None else tuple(cells.texts[code] for code in dict.fromkeys(cells.codes[rows].tolist()))


def _groups(table: _Table, rows: Rows) -> Iterator[tuple[dict[str, Scalar], Rows]]:
    """Split rows by the combinations of the condition columns, in order of appearance."""
    conditions = table.claim.quantity.conditions
    names = [] if conditions is None else [conditions] if isinstance(conditions, str) else conditions
    if not names or not rows.size:
        yield {}, rows
        return
    columns = [table.column(name) for name in names]
    combined = np.stack([column.codes[rows] for column in columns])
    distinct, first, inverse = np.unique(combined, axis=1, return_index=True, return_inverse=True)
    for number in np.argsort(first):
        values = (column.values[code] for column, code in zip(columns, distinct[:, number], strict=True))
        yield dict(zip(names, values, strict=True)), rows[inverse.ravel() == number]


def condition_words(column: str, value: Scalar) -> str:
    """Name of a condition: its value, with the column in front of numbers and truth values, which say little alone."""
    text = scalar_text(value)
    try:
        float(text)
    except ValueError:
        if text not in ("True", "False"):
            return text
        text = "yes" if text == "True" else "no"
    return f"{column.replace('_', ' ')} {text}"


def collect_evidence(
    claim: Claim, frame: pd.DataFrame | TidyRows, source: str, *, partial: bool = False
) -> list[Evidence]:
    """Values of every condition of a claim.

    Parameters
    ----------
    claim : Claim
        The claim.
    frame : pandas.DataFrame or TidyRows
        Tidy result rows, without other variants than the one to judge.
    source : str
        Name of the table in error messages.
    partial : bool, default=False
        Whether cells of the experiment have not been run yet. A level, metric or replicate that is missing is then no
        mistake: the condition counts as not run, or stands on the replicates that both sides have.

    Returns
    -------
    list of Evidence
        In the order of the parts, then of the rows.

    Raises
    ------
    ResultsError
        If the table lacks the metric, a column or a level of a contrast, if a value is NaN, if replicates are
        not paired or not unique, or if ``within`` has no single published value.
    """
    quantity = claim.quantity
    table = _Table(claim, frame if isinstance(frame, TidyRows) else TidyRows.of(frame), source, partial)
    parts: list[Part | None] = list(quantity.parts) or [None]
    collected = []
    for part in parts:
        metric = part.metric if part and part.metric else quantity.metric
        contrast = part.contrast if part and part.contrast else quantity.contrast
        criterion = part.criterion if part and part.criterion else claim.criterion
        smallest = claim.smallest_effect if part is None or part.smallest_effect is None else part.smallest_effect
        where = {**quantity.where, **(part.where if part else {})}
        fixed = {column: wanted for column, wanted in where.items() if not isinstance(wanted, list)}
        for condition, rows in _groups(table, table.select(metric, where)):
            name = ", ".join([*([part.name] if part else []), *(condition_words(*item) for item in condition.items())])
            settings = {**fixed, **condition}
            contrasted = contrast is not None and criterion.kind != "order"
            published = _published_for(claim, metric, contrasted, settings | ({"part": part.name} if part else {}))
            if criterion.kind == "within" and published is None and rows.size:
                table.fail(f"criterion 'within' needs one published value for condition {name!r}")
            series = _series(table, rows, name, criterion, contrast) if rows.size else {}
            collected.append(
                Evidence(
                    name=name,
                    part=part.name if part else "",
                    metric=metric,
                    settings=settings,
                    criterion=criterion,
                    smallest_effect=smallest,
                    series=series,
                    published=published,
                    contrasted=contrast is not None or criterion.kind == "order",
                    cells=_cells(table, rows, contrast if criterion.kind != "order" else quantity.order),
                )
            )
    return collected
