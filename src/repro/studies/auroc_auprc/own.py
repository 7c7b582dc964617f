"""Both metrics of a reader's own scores, by group, and which of the two fits the purpose."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from repro.metrics import (
    MetricChoice,
    bootstrap_ranking,
    choose_metric,
    ranking_by_group,
)
from repro.metrics.by_group import ALL_ROWS
from repro.metrics.delong import FEWEST_FOR_DELONG
from repro.protocol.experiment import Cell, Experiment, Parameters
from repro.protocol.names import name_of
from repro.protocol.own_data import OwnAnswer, OwnArgument, OwnData, OwnFile
from repro.protocol.rows import Rows
from repro.trials.own_files import SCORE_ARGUMENTS, own_scores

RESAMPLES: Final = 2000
MOST_GROUPS: Final = 6
"""Groups up to which every pair of them is compared."""
METRICS: Final = ("auroc", "average_precision")
ENDS: Final = ("low", "high")

ARGUMENTS: Final = (
    *SCORE_ARGUMENTS,
    OwnArgument("cost_of_miss", "NUMBER", "what a positive costs that is not acted on", "number"),
    OwnArgument("cost_of_false_alarm", "NUMBER", "what a negative costs that is acted on, 1 if not said", "number"),
    OwnArgument("capacity", "NUMBER", "rows that can be acted on, a whole number or a share", "number"),
)


def own(cell: Cell) -> pd.DataFrame:
    """Measure a reader's scores.

    Parameters
    ----------
    cell : Cell
        The arguments of :data:`ARGUMENTS`.

    Returns
    -------
    DataFrame
        Columns ``group, replicate, metric, value``: ``n_positive`` and ``n_negative``, and where both classes are there
        ``auroc`` and ``average_precision``, each with ``_low`` and ``_high``, of all rows and of every group. AUROC by
        DeLong's interval, by Newcombe's with fewer than 20 rows of a class; average precision by the logit interval.
        With two to six groups of both classes also ``auroc_gap`` and ``average_precision_gap`` of every pair, with
        bounds from 2,000 resamples.
    """
    scores = own_scores(cell.parameters)
    rows = Rows("group", replicate=0)
    found = ranking_by_group(scores.positive, scores.score, groups=scores.group)
    complete = []
    for group, part in found.groupby("group", sort=False):
        name, counts = str(group), part[["n_positive", "n_negative"]].iloc[0]
        measures = {str(column): float(value) for column, value in counts.items()}
        if min(measures.values()):
            complete += [name] if name != ALL_ROWS else []
            for one in part.to_dict("records"):
                measures |= _with_bounds(one)
        rows.add(measures, group=name)
    if scores.group is not None and 2 <= len(complete) <= MOST_GROUPS:
        here = np.isin(scores.group, complete)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the answer says which parts are small
            gaps = bootstrap_ranking(
                scores.positive[here],
                scores.score[here],
                groups=scores.group[here],
                n_resamples=RESAMPLES,
                random_state=cell.generator(),
            )
        for gap in gaps[gaps["metric"].str.endswith("_gap")].to_dict("records"):
            rows.add(_with_bounds(gap), group=str(gap["group"]))
    return rows.frame()


def _with_bounds(one: Mapping[Hashable, Any]) -> dict[str, float]:
    return {str(one["metric"]): float(one["estimate"]), **{f"{one['metric']}_{end}": float(one[end]) for end in ENDS}}


def _read(parameters: Parameters) -> OwnFile:
    scores = own_scores(parameters)
    if scores.group is not None and ALL_ROWS in scores.group:
        raise ValueError(f"group must not hold the name {ALL_ROWS!r}, column {parameters['group']!r} does; rename it")
    _choice(parameters, np.array([int(scores.positive.sum()), int((~scores.positive).sum())]), scores.group)
    remarks = list(scores.file.remarks)
    for name in [] if scores.group is None else sorted(set(scores.group)):
        here = scores.positive[scores.group == name]
        if here.all() or not here.any():
            only = "positives" if here.all() else "negatives"
            remarks.append(f"group {name!r} holds {only} only, {len(here)} of them: no metric there")
    return OwnFile(scores.file.checksum, remarks)


def _choice(parameters: Parameters, counts: Any, groups: Any) -> MetricChoice:
    """Ask the chooser of the chapter, with the prevalence of the file."""
    costs = {name: parameters.get(name) for name in ("cost_of_miss", "cost_of_false_alarm", "capacity")}
    options: dict[str, Any] = {name: value for name, value in costs.items() if value is not None}
    if "cost_of_false_alarm" in options and "cost_of_miss" not in options:
        raise ValueError("cost_of_false_alarm says nothing without cost_of_miss; give both")
    options.setdefault("cost_of_miss", None)
    prevalence = float(counts[0] / counts.sum())
    return choose_metric(**options, prevalence=prevalence, groups=groups, n_rows=int(counts.sum()))


def _entry(group: str, found: Mapping[str, float]) -> dict[str, Any]:
    entry: dict[str, Any] = {"group": group}
    for metric in METRICS:
        known = metric in found
        entry[name_of(metric, "metric")] = found[metric] if known else None
        entry[f"{name_of(metric, 'metric')} 95 %"] = [found[f"{metric}_{end}"] for end in ENDS] if known else None
    return entry | {"positives": int(found["n_positive"]), "negatives": int(found["n_negative"])}


def _which_fits(choice: MetricChoice) -> Iterator[str]:
    """Say which of the two fits the purpose, and why."""
    fits = max(choice.agreement, key=lambda metric: choice.agreement[metric])
    other = next(metric for metric in METRICS if metric != fits)
    called = {metric: name_of(metric, "metric") for metric in METRICS}
    if choice.setting == "comparison":
        yield (
            f"You have not said what the scores are for; then {called[fits]} is the one to compare by. cost_of_miss or "
            "capacity say where in the ranking mistakes count."
        )
    else:
        yield (
            f"Of the two, {called[fits]} fits the purpose better: {choice.agreement[fits]:.0%} of its weight lies on "
            f"the mistakes that count, {choice.agreement[other]:.0%} of that of {called[other]}."
        )
    if choice.metrics[0].removesuffix("_by_group") not in METRICS:
        yield f"Better than both: {name_of(choice.metrics[0], 'metric').replace('_', ' ')}."
    yield from choice.reasons


def _cautions(groups: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Say what to be careful about, and where groups differ."""
    whole = groups[ALL_ROWS]
    if whole["auroc_high"] < 0.5:
        yield f"The score ranks the wrong way, AUROC {whole['auroc']:.3g}: it may be that of the other class."
    fewest = {name: min(found["n_positive"], found["n_negative"]) for name, found in groups.items() if "auroc" in found}
    few = [name for name, rows in fewest.items() if 0 < rows < FEWEST_FOR_DELONG]
    if few:
        yield f"Fewer than {FEWEST_FOR_DELONG} rows of a class in {', '.join(few)}: read the intervals there with care."
    for pair, found in groups.items():
        low, high = (found.get(f"auroc_gap_{end}", 0.0) for end in ENDS)
        if low > 0 or high < 0:
            yield f"AUROC differs between groups, {pair}: {found['auroc_gap']:.3g} ({low:.3g} to {high:.3g})."
    prevalence = whole["n_positive"] / (whole["n_positive"] + whole["n_negative"])
    yield f"A random order has an AUROC of 0.5 and an AUPRC of {prevalence:.3g}, the share of positives."


def _answer(table: pd.DataFrame, parameters: Parameters) -> OwnAnswer:
    found: dict[str, dict[str, float]] = {}
    for group, metric, value in zip(table["group"], table["metric"], table["value"], strict=True):
        found.setdefault(str(group), {})[str(metric)] = float(value)
    sizes = {name: int(one["n_positive"] + one["n_negative"]) for name, one in found.items() if "n_positive" in one}
    inside = [name for name in sizes if name != ALL_ROWS]
    groups = np.repeat(inside, [sizes[name] for name in inside]) if inside else None
    counts = np.array([int(found[ALL_ROWS][f"n_{label}"]) for label in ("positive", "negative")])
    choice = _choice(parameters, counts, groups)
    said = [*_which_fits(choice), *_cautions(found)]
    if len([name for name in inside if "auroc" in found[name]]) > MOST_GROUPS:
        said.append(f"More than {MOST_GROUPS} groups: their gaps are not compared in pairs.")
    return OwnAnswer([_entry(name, found[name]) for name in sizes], said)


OWN: Final = Experiment(
    name="auroc_auprc.own",
    summary="AUROC and AUPRC of your own scores with intervals, by group, and which of the two fits your purpose",
    settings=("group",),
    compute=own,
    cells={},
    seconds=lambda parameters: 5.0,
    own_data=OwnData(ARGUMENTS, _read, lambda parameters: [{}], _answer),
    seed=2024,
)
