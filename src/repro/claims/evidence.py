"""From a result table to the replicated values that answer a claim."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from repro.protocol.claim import Claim, Criterion, Part, Published
from repro.protocol.exceptions import ResultsError, UnknownName
from repro.protocol.experiment import RESERVED_COLUMNS, VARIANT, Scalar
from repro.results import scalar_text


@dataclass(frozen=True)
class Evidence:
    """Values that judge one condition of a claim.

    Parameters
    ----------
    name : str
        Name of the condition; empty when the claim has only one.
    part : str
        Name of the claim's part it belongs to; empty when the claim has no parts.
    criterion : Criterion
        Rule for this condition.
    smallest_effect : float
        Smallest effect of interest for this condition.
    series : dict of str to ndarray
        One value for each replicate, shape (n_replicates,), float64. One entry; for the criterion ``order`` one for
        each pair of adjacent levels, named after the pair. Empty when the table has no row of this condition.
    published : Published or None
        The paper's value.
    """

    name: str
    part: str
    criterion: Criterion
    smallest_effect: float
    series: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    published: Published | None = None


class _Table:
    """Rows of a result table with settings compared by their canonical text."""

    def __init__(self, claim: Claim, frame: pd.DataFrame, source: str, partial: bool) -> None:
        self.claim, self.frame, self.source, self.partial = claim, frame, source, partial

    def fail(self, problem: str) -> NoReturn:
        raise ResultsError(f"claim {self.claim.id}: table {self.source}: {problem}")

    def texts(self, rows: pd.DataFrame, column: str) -> NDArray[np.object_]:
        if column not in rows.columns:
            settings = [name for name in rows.columns if name not in RESERVED_COLUMNS]
            self.fail(str(UnknownName("column", column, settings)))
        return np.array([scalar_text(value) for value in rows[column]], dtype=object)

    def select(self, metric: str, where: Mapping[str, Scalar | list[Scalar]]) -> pd.DataFrame:
        """Rows of a metric that have the wanted settings."""
        rows = self.frame[self.frame["metric"] == metric]
        if rows.empty and not self.partial:
            self.fail(str(UnknownName("metric", metric, self.frame["metric"].unique())))
        for column, wanted in where.items():
            allowed = {scalar_text(value) for value in (wanted if isinstance(wanted, list) else [wanted])}
            rows = rows[np.array([text in allowed for text in self.texts(rows, column)], dtype=bool)]
        return rows

    def by_replicate(self, rows: pd.DataFrame, what: str) -> pd.Series:
        """Values with their replicate as index; each replicate once, no NaN."""
        replicate = self.texts(rows, "replicate")
        values = pd.Series(rows["value"].to_numpy(dtype=np.float64), index=replicate)
        if values.index.has_duplicates:
            repeated = str(values.index[values.index.duplicated()][0])
            same = rows[replicate == repeated]
            varying = [
                name
                for name in same.columns
                if name not in ("replicate", "metric", "value") and len(set(self.texts(same, name))) > 1
            ]
            self.fail(
                f"{len(same)} values of {what} for replicate {repeated}; they differ in {', '.join(varying)}: "
                "narrow them by quantity.where or list the column in quantity.conditions"
            )
        missing = int(values.isna().sum())
        if missing:
            self.fail(f"{missing} of {len(values)} values of {what} are NaN")
        return values


def _published_for(claim: Claim, metric: str, condition: Mapping[str, Scalar]) -> Published | None:
    """Return the one value that the paper gives for a condition; values known from memory do not count."""
    fitting = [entry for entry in claim.published if entry.source != "recalled" and entry.matches(dict(condition))]
    exact = [entry for entry in fitting if entry.quantity == metric] or fitting
    return exact[0] if len(exact) == 1 else None


def _effect(table: _Table, first: pd.Series, second: pd.Series, levels: tuple[str, str]) -> NDArray[np.float64]:
    """Paired effect of the first level against the second, one for each replicate."""
    if table.partial:
        first, second = first[first.index.isin(second.index)], second[second.index.isin(first.index)]
    unpaired = sorted(set(first.index) ^ set(second.index))
    if unpaired:
        table.fail(
            f"replicates of {levels[0]!r} and {levels[1]!r} are not paired: "
            f"{', '.join(unpaired[:5])}{' and others' if len(unpaired) > 5 else ''} on one side only"
        )
    ours, theirs = first.to_numpy(dtype=np.float64), second.loc[first.index].to_numpy(dtype=np.float64)
    if table.claim.quantity.scale == "difference":
        return np.asarray(ours - theirs)
    if min(ours.min(), theirs.min()) <= 0:
        table.fail(f"a log ratio of {levels[0]!r} and {levels[1]!r} needs positive values")
    return np.asarray(np.log(ours) - np.log(theirs))


def _series(
    table: _Table, rows: pd.DataFrame, condition: str, criterion: Criterion, contrast: tuple[Scalar, Scalar] | None
) -> dict[str, NDArray[np.float64]]:
    quantity = table.claim.quantity
    compared: Iterable[Scalar] = ()
    if criterion.kind == "order":
        compared = quantity.order or ()
    elif contrast is not None:
        compared = contrast
    levels = [scalar_text(level) for level in compared]
    place = f" in condition {condition!r}" if condition else ""
    if not levels:
        return {"": table.by_replicate(rows, f"the quantity{place}").to_numpy(dtype=np.float64)}
    found = table.texts(rows, quantity.column)
    for level in levels:
        if level not in found and table.partial:
            return {}
        if level not in found:
            error = UnknownName(f"level of {quantity.column!r}", level, dict.fromkeys(found))
            table.fail(f"no row{place} for level {level!r}; {error}")
    values = [table.by_replicate(rows[found == level], f"level {level!r}{place}") for level in levels]
    effects = {
        f"{levels[step]} over {levels[step + 1]}": _effect(
            table, values[step], values[step + 1], (levels[step], levels[step + 1])
        )
        for step in range(len(levels) - 1)
    }
    return effects if all(map(len, effects.values())) else {}


def _groups(table: _Table, rows: pd.DataFrame) -> Iterator[tuple[dict[str, Scalar], pd.DataFrame]]:
    """Split rows by the combinations of the condition columns, in order of appearance."""
    conditions = table.claim.quantity.conditions
    columns = [] if conditions is None else [conditions] if isinstance(conditions, str) else conditions
    if not columns or rows.empty:
        yield {}, rows
        return
    keys = list(zip(*(table.texts(rows, column) for column in columns), strict=True))
    for wanted in dict.fromkeys(keys):
        yield dict(zip(columns, wanted, strict=True)), rows[[key == wanted for key in keys]]


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


def collect_evidence(claim: Claim, frame: pd.DataFrame, source: str, *, partial: bool = False) -> list[Evidence]:
    """Values of every condition of a claim.

    Parameters
    ----------
    claim : Claim
        The claim.
    frame : pandas.DataFrame
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
    if VARIANT in frame.columns:
        frame = frame.drop(columns=VARIANT)
    table = _Table(claim, frame, source, partial)
    parts: list[Part | None] = list(quantity.parts) or [None]
    collected = []
    for part in parts:
        metric = part.metric if part and part.metric else quantity.metric
        contrast = part.contrast if part and part.contrast else quantity.contrast
        criterion = part.criterion if part and part.criterion else claim.criterion
        smallest = claim.smallest_effect if part is None or part.smallest_effect is None else part.smallest_effect
        where = {**quantity.where, **(part.where if part else {})}
        fixed: dict[str, Scalar] = {column: wanted for column, wanted in where.items() if not isinstance(wanted, list)}
        if part:
            fixed["part"] = part.name
        for condition, rows in _groups(table, table.select(metric, where)):
            name = ", ".join([*([part.name] if part else []), *(condition_words(*item) for item in condition.items())])
            published = _published_for(claim, metric, {**fixed, **condition})
            if criterion.kind == "within" and published is None and not rows.empty:
                table.fail(f"criterion 'within' needs one published value for condition {name!r}")
            series = {} if rows.empty else _series(table, rows, name, criterion, contrast)
            collected.append(Evidence(name, part.name if part else "", criterion, smallest, series, published))
    return collected
