"""What is measured of trained experts and of single networks, from logits that were computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from repro.longtail import (
    TEST_DISTRIBUTIONS,
    adjust_logits,
    aggregate_test_time,
    class_recalls,
    combine_experts,
    estimate_prior_em,
    estimate_prior_power,
    reweighted_accuracy,
    shifted_counts,
    shifted_test_indices,
    shot_groups,
    shot_recalls,
    stability_surface,
)

Floats = npt.NDArray[Any]
Classes = npt.NDArray[np.int64]
Row = dict[str, Any]

ENDS: Final = (TEST_DISTRIBUTIONS[0], TEST_DISTRIBUTIONS[-1])
RANDOM_ORDER: Final = "random-order"
RANDOM_ORDERS: Final = 3
MANY_EPOCHS: Final = 25

EQUAL: Final = np.full(3, 1 / 3)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Logits of networks on a balanced test set.

    Attributes
    ----------
    labels : ndarray of shape (n,)
    counts : ndarray of shape (C,)
        Training images of every class.
    clean : ndarray of shape (n, experts, C)
        On the test images as they are; single networks have one expert.
    views : ndarray of shape (n, pairs, 2, experts, C), or None
        On pairs of random views.
    augmented : ndarray of shape (n, experts, C), or None
        On the test images under the augmentation of the training.
    """

    labels: Classes
    counts: Classes
    clean: Floats
    views: Floats | None = None
    augmented: Floats | None = None

    @property
    def prior(self) -> Floats:
        """Class frequencies of the training set."""
        return np.asarray(self.counts / self.counts.sum())

    def rows_of(self, test_set: str) -> Classes:
        """Test images of one of the eleven distributions."""
        return shifted_test_indices(self.labels, test_set)

    def test_prior(self, test_set: str) -> Floats:
        """Class frequencies of one of the eleven distributions."""
        counts = shifted_counts(len(self.counts), int(np.bincount(self.labels).min()), test_set)
        return np.asarray(counts / counts.sum())

    def random_orders(self) -> Iterator[tuple[Classes, Floats]]:
        """Test images and true prior of 50:1 tails whose order of the classes is random."""
        n_classes = len(self.counts)
        for draw in range(RANDOM_ORDERS):
            order = np.random.default_rng([50, draw]).permutation(n_classes)
            rows = shifted_test_indices(order[self.labels], "forward-50")
            yield rows, self.test_prior("forward-50")[order]


def _accuracy(logits: Floats, labels: Classes) -> float:
    return float((logits.argmax(axis=1) == labels).mean())


def _row(test_set: str | None, method: str, metric: str, value: float, class_label: int | None = None) -> Row:
    return {"test_set": test_set, "method": method, "class_label": class_label, "metric": metric, "value": value}


def _always(logits: Floats) -> Callable[[str, Classes], Floats]:
    """Logits that know nothing of the test set."""
    return lambda test_set, rows: logits


def on_every_set(method: str, predict: Callable[[str, Classes], Floats], evidence: Evidence) -> Iterator[Row]:
    """Accuracy on the eleven sets, drawn and reweighted from the recalls of the whole test set.

    Parameters
    ----------
    method : str
    predict : callable
        ``predict(test_set, rows)``: logits of the method on the whole test set, adapted to the images `rows`.
    evidence : Evidence
    """
    n_classes = len(evidence.counts)
    for test_set in TEST_DISTRIBUTIONS:
        rows = evidence.rows_of(test_set)
        logits = predict(test_set, rows)
        yield _row(test_set, method, "accuracy", _accuracy(logits[rows], evidence.labels[rows]))
        recalls = class_recalls(evidence.labels, logits.argmax(axis=1), n_classes)
        counts = shifted_counts(n_classes, int(np.bincount(evidence.labels).min()), test_set)
        yield _row(test_set, method, "reweighted_accuracy", reweighted_accuracy(recalls, counts))
        if test_set == "uniform":
            groups = shot_recalls(recalls, evidence.counts)
            for group in ("many", "medium", "few"):
                yield _row(test_set, method, f"recall_{group}", getattr(groups, group))
            for label, recall in enumerate(recalls):
                yield _row(test_set, method, "recall", float(recall), label)


def first_epoch_to_measure(epochs: int) -> int:
    """First epoch whose accuracy is measured; a published protocol keeps the best epoch, which is one of the last.

    Accuracy before the learning rate has fallen is far below that at the end, so the last quarter is enough.
    """
    return epochs - max(epochs // 4, 1) + 1


def accuracy_on_every_set(logits: Floats, labels: Classes) -> dict[str, float]:
    """Accuracy on the eleven test sets from logits of shape (n, experts, C), whose mean counts."""
    mean = combine_experts(logits)
    found = {}
    for test_set in TEST_DISTRIBUTIONS:
        rows = shifted_test_indices(labels, test_set)
        found[test_set] = _accuracy(mean[rows], labels[rows])
    return found


def best_epoch(name: str, by_epoch: Mapping[int, Mapping[str, float]]) -> Iterator[Row]:
    """Accuracies at the epoch that is best on the uniform test set, the earliest of several.

    The epoch is chosen with the labels of the test images, so these accuracies are optimistic. The published code does
    so; here it is an extra, and the last epoch is the result.

    Parameters
    ----------
    name : str
        Of the method; the rows are called ``<name>_best_epoch``.
    by_epoch : mapping
        From epochs to accuracies on the test sets; nothing is said of none.
    """
    if not by_epoch:
        return
    best = max(sorted(by_epoch), key=lambda epoch: by_epoch[epoch]["uniform"])
    for test_set, accuracy in by_epoch[best].items():
        yield _row(test_set, f"{name}_best_epoch", "accuracy", accuracy)
    yield _row(None, f"{name}_best_epoch", "epoch", float(best))


def single_network(name: str, evidence: Evidence, *, calibrated_to: str) -> Iterator[Row]:
    """Measure one network: as it is, and corrected by the true prior or one estimated without labels.

    Parameters
    ----------
    name : str
        Method; ``<name>_known``, ``<name>_power`` and ``<name>_em`` are corrected by the true prior, by the best power
        of the training prior and by the most likely prior.
    evidence : Evidence
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
    for rows, prior in evidence.random_orders():
        known = adjust_logits(logits[rows], base, prior)
        gains.append(_accuracy(known, evidence.labels[rows]) - _accuracy(logits[rows], evidence.labels[rows]))
    yield _row(RANDOM_ORDER, f"{name}_known", "gain", float(np.mean(gains)))


def _learned(evidence: Evidence, rows: Classes, **options: Any) -> Floats:
    assert evidence.views is not None
    views = evidence.views[rows]
    return aggregate_test_time(views[:, :, 0], views[:, :, 1], **options).weights


def identical_experts(name: str, evidence: Evidence) -> Iterator[Row]:
    """Learn weights of experts that were trained alike: there is nothing to find."""
    for test_set in TEST_DISTRIBUTIONS:
        rows = evidence.rows_of(test_set)
        weights = _learned(evidence, rows)
        logits = combine_experts(evidence.clean[rows], weights)
        yield _row(test_set, f"{name}_learned", "accuracy", _accuracy(logits, evidence.labels[rows]))
        for number, weight in enumerate(weights, start=1):
            yield _row(test_set, f"{name}_learned", f"weight_{number}", float(weight))
            yield _row(test_set, f"{name}_learned", f"weight_{number}_from_third", float(weight - 1 / 3))


def _stability(evidence: Evidence) -> Iterator[Row]:
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
            yield _row("uniform", f"expert_{number + 1}", f"cosine_{group}", float(corners.cosine[number]))
            yield _row("uniform", f"expert_{number + 1}", f"inner_{group}", float(corners.inner_product[number]))
    if ("many", 0) in of_group:
        yield _row(None, "experts", "steadier_many", of_group["many", 0] - of_group["many", 2])
    if ("few", 0) in of_group:
        yield _row(None, "experts", "steadier_few", of_group["few", 2] - of_group["few", 0])


def _surfaces(evidence: Evidence, sign: float, *, grid: bool) -> Iterator[Row]:
    """Rank correlations over the simplex of weights, the accuracy of its best point and, if asked for, all points."""
    assert evidence.views is not None
    for number, test_set in enumerate(TEST_DISTRIBUTIONS):
        rows = evidence.rows_of(test_set)
        first, second = evidence.views[rows, 0, 0], evidence.views[rows, 0, 1]
        surface = stability_surface(first, second, evidence.clean[rows], evidence.labels[rows])
        if grid and number == 0:
            for point, weights in enumerate(surface.weights):
                yield _row(None, "grid", "weight_1", float(weights[0]), point)
                yield _row(None, "grid", "weight_3", float(weights[2]), point)
        for point in range(len(surface.weights) if grid else 0):
            yield _row(test_set, "grid", "cosine", float(surface.cosine[point]), point)
            yield _row(test_set, "grid", "accuracy", float(surface.accuracy[point]), point)
        cosine = sign * surface.cosine
        best = float(surface.accuracy.max())
        measures = {
            "stability_accuracy": (surface.accuracy, 1.0),
            "stability_information": (surface.mutual_information, 1.0),
            "stability_certainty": (surface.entropy, -1.0),
        }
        for name, (values, direction) in measures.items():
            correlation = direction * float(spearmanr(cosine, values).statistic)
            yield _row(test_set, "surface", name, correlation)
        yield _row(test_set, "oracle", "accuracy", best)


def skilled_experts(name: str, evidence: Evidence, *, exchanged: bool = False, grid: bool = False) -> Iterator[Row]:
    """Measure three experts with different skills and their aggregation.

    Parameters
    ----------
    name : str
        Put before the names of the methods; empty for the method of the paper as published.
    evidence : Evidence
        With views.
    exchanged : bool, default=False
        Control: the first and third expert change places, the worst expert stands for the learned weights, and
        stability counts with the wrong sign.
    grid : bool, default=False
        Whether all 231 points of each surface become rows of method "grid", numbered in the class column.
    """
    prefix = f"{name}_" if name else ""
    if exchanged:
        evidence = Evidence(
            evidence.labels,
            evidence.counts,
            evidence.clean[:, ::-1],
            None if evidence.views is None else evidence.views[..., ::-1, :],
            None if evidence.augmented is None else evidence.augmented[:, ::-1],
        )
    rows = list(_skilled(evidence, exchanged=exchanged, grid=grid))
    yield from ({**row, "method": prefix + row["method"]} for row in rows)


def errors_over_images(evidence: Evidence, measured: Sequence[Row]) -> Iterator[Row]:
    """Paired standard errors over test images of what learned weights gain: how sure a single training can be.

    Parameters
    ----------
    evidence : Evidence
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
            yield _row(test_set, "learned", f"error_over_{name}", error)


def _skilled(evidence: Evidence, *, exchanged: bool, grid: bool) -> Iterator[Row]:
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

    def learned(test_set: str, rows: Classes) -> Floats:
        if exchanged:
            return min(experts, key=lambda logits: _accuracy(logits[rows], labels[rows]))
        return combine_experts(clean, weights[test_set])

    yield from noted(on_every_set("learned", learned, evidence))
    for test_set, values in weights.items():
        for number, weight in enumerate(values, start=1):
            yield _row(test_set, "learned", f"weight_{number}", float(weight))
            yield _row(test_set, "learned", f"weight_{number}_from_third", float(weight - 1 / 3))
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
    yield _row(None, "learned", "gap_closed", gained / possible if possible > 0 else float("nan"))
    yield from _in_random_order(evidence, exchanged=exchanged)
    if evidence.augmented is not None:
        blurred = combine_experts(evidence.augmented)
        for test_set in TEST_DISTRIBUTIONS:
            rows = evidence.rows_of(test_set)
            accuracy = _accuracy(blurred[rows], labels[rows])
            loss = found["equal accuracy"][test_set] - accuracy
            yield _row(test_set, "equal_augmented", "accuracy", accuracy)
            yield _row(test_set, "equal_augmented", "lost", -loss if exchanged else loss)


def _objectives(evidence: Evidence, learned: Mapping[str, float]) -> Iterator[Row]:
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
            accuracy = _accuracy(combine_experts(evidence.clean[rows], weights), evidence.labels[rows])
            yield _row(test_set, name, "accuracy", accuracy)
            yield _row(test_set, name, "behind_cosine", learned[test_set] - accuracy)
            for number, weight in enumerate(weights, start=1):
                yield _row(test_set, name, f"weight_{number}", float(weight))


def _trends(weights: Mapping[str, Floats]) -> Iterator[Row]:
    """Rank correlation of the weights with the place of the test set, signed as the claim has it."""
    values = np.array([weights[test_set] for test_set in TEST_DISTRIBUTIONS])
    places = np.arange(len(values))
    yield _row(None, "learned", "trend_1", -float(spearmanr(places, values[:, 0]).statistic))
    yield _row(None, "learned", "trend_3", float(spearmanr(places, values[:, 2]).statistic))


def _leads(found: Mapping[str, Mapping[str, float]], *, exchanged: bool) -> Iterator[Row]:
    """How far each expert is ahead where it should be best, and the mean ahead of each."""

    def of(metric: str) -> list[float]:
        return [found[f"expert_{number} {metric}"]["uniform"] for number in (1, 2, 3)]

    many, few, uniform = of("recall_many"), of("recall_few"), of("accuracy")
    yield _row(None, "experts", "lead_many", many[0] - max(many[1:]))
    yield _row(None, "experts", "lead_few", few[2] - max(few[:2]))
    mean = min(uniform) if exchanged else found["equal accuracy"]["uniform"]
    yield _row(None, "experts", "lead_mean", mean - max(uniform))


def _in_random_order(evidence: Evidence, *, exchanged: bool) -> Iterator[Row]:
    """Gain of learned over equal weights where the tail has no order that the experts know."""
    gains = []
    for rows, _ in evidence.random_orders():
        clean, labels = evidence.clean[rows], evidence.labels[rows]
        if exchanged:
            after = min(_accuracy(clean[:, number], labels) for number in range(3))
        else:
            after = _accuracy(combine_experts(clean, _learned(evidence, rows)), labels)
        gains.append(after - _accuracy(combine_experts(clean), labels))
    yield _row(RANDOM_ORDER, "learned", "gain", float(np.mean(gains)))


def tidy(rows: Sequence[Row], settings: Mapping[str, Any], replicate: int) -> list[Row]:
    """Rows with further setting columns and their replicate."""
    return [{**settings, **row, "replicate": replicate} for row in rows]
