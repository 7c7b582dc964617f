"""What is measured of trained experts and of single networks, from logits that were computed once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import spearmanr

from repro.longtail import (
    TEST_DISTRIBUTIONS,
    adjust_logits,
    aggregate_test_time,
    combine_experts,
    estimate_prior_em,
    estimate_prior_power,
    shot_groups,
    stability_surface,
)
from repro.protocol.rows import Rows
from repro.studies.sade.training import COLUMNS
from repro.trials import ExpertLogits, on_every_set
from repro.trials.measures import Predict, Row, as_row, share_right

Floats = npt.NDArray[Any]
Classes = npt.NDArray[np.int64]

RANDOM_ORDER: Final = "random-order"
RANDOM_ORDERS: Final = 3
MANY_EPOCHS: Final = 25

EQUAL: Final = np.full(3, 1 / 3)


def _always(logits: Floats) -> Predict:
    """Logits that know nothing of the test set."""
    return lambda test_set, rows: logits


def single_network(name: str, evidence: ExpertLogits, *, calibrated_to: str) -> Iterator[Row]:
    """Measure one network: as it is, and corrected by the true prior or one estimated without labels.

    Parameters
    ----------
    name : str
        Method; ``<name>_known``, ``<name>_power`` and ``<name>_em`` are corrected by the true prior, by the best power
        of the training prior and by the most likely prior.
    evidence : ExpertLogits
        With one expert, or several whose mean logits count.
    calibrated_to : "uniform" or "train"
        "uniform" for balanced softmax, "train" for cross-entropy.
    """
    logits = combine_experts(evidence.clean)
    uniform = np.full(len(evidence.counts), 1 / len(evidence.counts))
    base = uniform if calibrated_to == "uniform" else evidence.prior
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)

    def power(test_set: str, rows: Classes) -> Floats:
        found = estimate_prior_power(logits[rows], evidence.prior, calibrated_to=calibrated_to, n_bootstrap=0)  # type: ignore[arg-type]
        return adjust_logits(logits, base, found.prior)

    def most_likely(test_set: str, rows: Classes) -> Floats:
        found = estimate_prior_em(probabilities[rows], base, n_bootstrap=0)
        return adjust_logits(logits, base, np.maximum(found.prior, 1e-9))

    yield from on_every_set(name, _always(logits), evidence)
    yield from on_every_set(
        f"{name}_known", lambda test_set, rows: adjust_logits(logits, base, evidence.test_prior(test_set)), evidence
    )
    yield from on_every_set(f"{name}_power", power, evidence)
    yield from on_every_set(f"{name}_em", most_likely, evidence)
    gains = []
    for rows, prior in evidence.random_orders(RANDOM_ORDERS):
        known = adjust_logits(logits[rows], base, prior)
        gains.append(share_right(known, evidence.labels[rows]) - share_right(logits[rows], evidence.labels[rows]))
    yield as_row(RANDOM_ORDER, f"{name}_known", "gain", float(np.mean(gains)))


def _learned(evidence: ExpertLogits, rows: Classes, **options: Any) -> Floats:
    assert evidence.views is not None
    views = evidence.views[rows]
    return aggregate_test_time(views[:, :, 0], views[:, :, 1], **options).weights


def identical_experts(name: str, evidence: ExpertLogits) -> Iterator[Row]:
    """Learn weights of experts that were trained alike: there is nothing to find."""
    for test_set in TEST_DISTRIBUTIONS:
        rows = evidence.rows_of(test_set)
        weights = _learned(evidence, rows)
        logits = combine_experts(evidence.clean[rows], weights)
        yield as_row(test_set, f"{name}_learned", "accuracy", share_right(logits, evidence.labels[rows]))
        for number, weight in enumerate(weights, start=1):
            yield as_row(test_set, f"{name}_learned", f"weight_{number}", float(weight))
            yield as_row(test_set, f"{name}_learned", f"weight_{number}_from_third", float(weight - 1 / 3))


def _stability(evidence: ExpertLogits) -> Iterator[Row]:
    """Agreement of two views of every expert alone, by group of classes."""
    assert evidence.views is not None
    groups = shot_groups(evidence.counts)
    of_group: dict[tuple[str, int], float] = {}
    for group in ("many", "medium", "few"):
        rows = getattr(groups, group)[evidence.labels]
        if not rows.any():
            continue
        views = evidence.views[rows]
        corners = stability_surface(views[:, :, 0], views[:, :, 1], evidence.clean[rows], weights=np.eye(3))
        for number in range(3):
            of_group[group, number] = float(corners.cosine[number])
            yield as_row("uniform", f"expert_{number + 1}", f"cosine_{group}", float(corners.cosine[number]))
            yield as_row("uniform", f"expert_{number + 1}", f"inner_{group}", float(corners.inner_product[number]))
    if ("many", 0) in of_group:
        yield as_row(None, "experts", "steadier_many", of_group["many", 0] - of_group["many", 2])
    if ("few", 0) in of_group:
        yield as_row(None, "experts", "steadier_few", of_group["few", 2] - of_group["few", 0])


def _surfaces(evidence: ExpertLogits, sign: float, *, grid: bool) -> Iterator[Row]:
    """Rank correlations over the simplex of weights, the accuracy of its best point and, if asked for, all points."""
    assert evidence.views is not None
    for number, test_set in enumerate(TEST_DISTRIBUTIONS):
        rows = evidence.rows_of(test_set)
        first, second = evidence.views[rows, 0, 0], evidence.views[rows, 0, 1]
        surface = stability_surface(first, second, evidence.clean[rows], evidence.labels[rows])
        if grid and number == 0:
            for point, weights in enumerate(surface.weights):
                yield as_row(None, "grid", "weight_1", float(weights[0]), point)
                yield as_row(None, "grid", "weight_3", float(weights[2]), point)
        for point in range(len(surface.weights) if grid else 0):
            yield as_row(test_set, "grid", "cosine", float(surface.cosine[point]), point)
            yield as_row(test_set, "grid", "accuracy", float(surface.accuracy[point]), point)
        cosine = sign * surface.cosine
        best = float(surface.accuracy.max())
        measures = {
            "stability_accuracy": (surface.accuracy, 1.0),
            "stability_information": (surface.mutual_information, 1.0),
            "stability_certainty": (surface.entropy, -1.0),
        }
        for name, (values, direction) in measures.items():
            correlation = direction * float(spearmanr(cosine, values).statistic)
            yield as_row(test_set, "surface", name, correlation)
        yield as_row(test_set, "oracle", "accuracy", best)


def skilled_experts(
    name: str, evidence: ExpertLogits, *, exchanged: bool = False, opposite: bool = False, grid: bool = False
) -> Iterator[Row]:
    """Measure three experts with different skills and their aggregation.

    Parameters
    ----------
    name : str
        Put before the names of the methods; empty for the method of the paper as published.
    evidence : ExpertLogits
        With views.
    exchanged : bool, default=False
        Control: the first and third expert change places, the worst expert stands for the learned weights, and
        stability counts with the wrong sign.
    opposite : bool, default=False
        Control: every test set gets the weights that were learned on its mirror image, backward-50 those of forward-50.
    grid : bool, default=False
        Whether all 231 points of each surface become rows of method "grid", numbered in the class column.
    """
    prefix = f"{name}_" if name else ""
    if exchanged:
        evidence = ExpertLogits(
            evidence.labels,
            evidence.counts,
            evidence.clean[:, ::-1],
            None if evidence.views is None else evidence.views[..., ::-1, :],
            None if evidence.augmented is None else evidence.augmented[:, ::-1],
        )
    rows = list(_skilled(evidence, exchanged=exchanged, opposite=opposite, grid=grid))
    yield from ({**row, "method": prefix + row["method"]} for row in rows)


def errors_over_images(evidence: ExpertLogits, measured: Sequence[Row]) -> Iterator[Row]:
    """Paired standard errors over test images of what learned weights gain: how sure a single training can be.

    Parameters
    ----------
    evidence : ExpertLogits
    measured : sequence of dict
        Rows of :func:`skilled_experts` with an empty name, for the weights.

    Yields
    ------
    dict
        Rows of method "learned" with metrics "error_over_equal" and "error_over_expert_2".
    """
    weights = {
        (row["test_set"], row["metric"]): row["value"]
        for row in measured
        if row["method"] == "learned" and row["metric"].startswith("weight_")
    }
    for test_set in TEST_DISTRIBUTIONS:
        rows = evidence.rows_of(test_set)
        clean, labels = evidence.clean[rows], evidence.labels[rows]
        found = np.array([weights[test_set, f"weight_{number}"] for number in (1, 2, 3)])
        right = combine_experts(clean, found).argmax(axis=1) == labels
        for name, logits in (("equal", combine_experts(clean)), ("expert_2", clean[:, 1])):
            difference = right.astype(np.float64) - (logits.argmax(axis=1) == labels)
            error = float(difference.std(ddof=1) / np.sqrt(len(labels)))
            yield as_row(test_set, "learned", f"error_over_{name}", error)


def _skilled(evidence: ExpertLogits, *, exchanged: bool, opposite: bool, grid: bool) -> Iterator[Row]:
    labels, clean = evidence.labels, evidence.clean
    experts = [clean[:, number] for number in range(3)]
    mean = combine_experts(clean)
    found: dict[str, dict[str, float]] = {}

    def noted(rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            if row["class_label"] is None and row["test_set"] is not None:
                found.setdefault(f"{row['method']} {row['metric']}", {})[row["test_set"]] = row["value"]
            yield row

    for number, logits in enumerate(experts, start=1):
        yield from noted(on_every_set(f"expert_{number}", _always(logits), evidence))
    yield from noted(on_every_set("equal", _always(mean), evidence))
    weights = {test_set: _learned(evidence, evidence.rows_of(test_set)) for test_set in TEST_DISTRIBUTIONS}
    if opposite:
        weights = dict(zip(weights, reversed(weights.values()), strict=True))

    def learned(test_set: str, rows: Classes) -> Floats:
        if exchanged:
            return min(experts, key=lambda logits: share_right(logits[rows], labels[rows]))
        return combine_experts(clean, weights[test_set])

    yield from noted(on_every_set("learned", learned, evidence))
    for test_set, values in weights.items():
        for number, weight in enumerate(values, start=1):
            yield as_row(test_set, "learned", f"weight_{number}", float(weight))
            yield as_row(test_set, "learned", f"weight_{number}_from_third", float(weight - 1 / 3))
    yield from _objectives(evidence, found["learned accuracy"])
    yield from _trends(weights)
    yield from _leads(found, exchanged=exchanged)
    yield from _stability(evidence)
    yield from noted(_surfaces(evidence, -1.0 if exchanged else 1.0, grid=grid))
    best = found["oracle accuracy"]
    gained = sum(found["learned accuracy"][test_set] - found["equal accuracy"][test_set] for test_set in best)
    # the control, where the worst expert stands for learned weights, measures against the whole range: at least -1
    lowest = found["learned accuracy" if exchanged else "equal accuracy"]
    possible = sum(best[test_set] - lowest[test_set] for test_set in best)
    yield as_row(None, "learned", "gap_closed", gained / possible if possible > 0 else float("nan"))
    yield from _in_random_order(evidence, exchanged=exchanged)
    if evidence.augmented is not None:
        blurred = combine_experts(evidence.augmented)
        for test_set in TEST_DISTRIBUTIONS:
            rows = evidence.rows_of(test_set)
            accuracy = share_right(blurred[rows], labels[rows])
            loss = found["equal accuracy"][test_set] - accuracy
            yield as_row(test_set, "equal_augmented", "accuracy", accuracy)
            yield as_row(test_set, "equal_augmented", "lost", -loss if exchanged else loss)


def _objectives(evidence: ExpertLogits, learned: Mapping[str, float]) -> Iterator[Row]:
    """Other objectives, and more epochs, with the same views."""
    changes: dict[str, dict[str, Any]] = {
        "inner": {"objective": "inner"},
        "entropy": {"objective": "entropy"},
        "longer": {"epochs": MANY_EPOCHS},
    }
    for test_set in TEST_DISTRIBUTIONS:
        rows = evidence.rows_of(test_set)
        for name, options in changes.items():
            weights = _learned(evidence, rows, **options)
            accuracy = share_right(combine_experts(evidence.clean[rows], weights), evidence.labels[rows])
            yield as_row(test_set, name, "accuracy", accuracy)
            yield as_row(test_set, name, "behind_cosine", learned[test_set] - accuracy)
            for number, weight in enumerate(weights, start=1):
                yield as_row(test_set, name, f"weight_{number}", float(weight))


def _trends(weights: Mapping[str, Floats]) -> Iterator[Row]:
    """Rank correlation of the weights with the place of the test set, signed as the claim has it."""
    values = np.array([weights[test_set] for test_set in TEST_DISTRIBUTIONS])
    places = np.arange(len(values))
    yield as_row(None, "learned", "trend_1", -float(spearmanr(places, values[:, 0]).statistic))
    yield as_row(None, "learned", "trend_3", float(spearmanr(places, values[:, 2]).statistic))


def _leads(found: Mapping[str, Mapping[str, float]], *, exchanged: bool) -> Iterator[Row]:
    """How far each expert is ahead where it should be best, and the mean ahead of each."""

    def of(metric: str) -> list[float]:
        return [found[f"expert_{number} {metric}"]["uniform"] for number in (1, 2, 3)]

    many, few, uniform = of("recall_many"), of("recall_few"), of("accuracy")
    yield as_row(None, "experts", "lead_many", many[0] - max(many[1:]))
    yield as_row(None, "experts", "lead_few", few[2] - max(few[:2]))
    mean = min(uniform) if exchanged else found["equal accuracy"]["uniform"]
    yield as_row(None, "experts", "lead_mean", mean - max(uniform))


def _in_random_order(evidence: ExpertLogits, *, exchanged: bool) -> Iterator[Row]:
    """Gain of learned over equal weights where the tail has no order that the experts know."""
    gains = []
    for rows, _ in evidence.random_orders(RANDOM_ORDERS):
        clean, labels = evidence.clean[rows], evidence.labels[rows]
        if exchanged:
            after = min(share_right(clean[:, number], labels) for number in range(3))
        else:
            after = share_right(combine_experts(clean, _learned(evidence, rows)), labels)
        gains.append(after - share_right(combine_experts(clean), labels))
    yield as_row(RANDOM_ORDER, "learned", "gain", float(np.mean(gains)))


def table_of(rows: Sequence[Row], *, recipe: str, ratio: int, replicate: int) -> pd.DataFrame:
    """Give rows of one training as a table."""
    table = Rows(*COLUMNS, recipe=recipe, ratio=ratio, replicate=replicate)
    for row in rows:
        places = {name: row[name] for name in ("test_set", "method", "class_label")}
        table.add({row["metric"]: row["value"]}, **places)
    return table.frame()
