"""What is measured of trained networks: calibration, and accuracy by group of classes and by test set, as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from repro.metrics import expected_calibration_error, fit_temperature
from repro.trials.image_tasks import Classes
from repro.trials.outputs import ExpertLogits

Floats = npt.NDArray[Any]
Row = dict[str, Any]
Predict = Callable[[str, Classes], Floats]


# --- Calibration ------------------------------------------------------------------------------------------------------


def cross_fitted(labels: Classes, logits: Floats, generator: np.random.Generator) -> tuple[Floats, float]:
    """Scale each half of the rows with the temperature of the other half.

    Parameters
    ----------
    labels : ndarray of shape (n,)
    logits : ndarray of shape (n, K)
    generator : numpy.random.Generator
        Draws the halves.

    Returns
    -------
    probability : ndarray of shape (n, K)
    temperature : float
        Geometric mean of both.
    """
    halves = np.array_split(generator.permutation(len(labels)), 2)
    scaled = np.empty_like(logits)
    temperatures = []
    for mine, other in (halves, halves[::-1]):
        temperatures.append(fit_temperature(labels[other], logits[other]))
        scaled[mine] = logits[mine] / temperatures[-1]
    return softmax(scaled, axis=1), float(np.sqrt(np.prod(temperatures)))


def calibration_measures(labels: Classes, probability: Floats) -> dict[str, float]:
    """Summarise predictions for rows that were not trained on.

    Returns
    -------
    dict of str to float
        ``ece`` (15 bins), ``accuracy``, ``confidence_gap`` (mean confidence minus accuracy: above 0 over-confident,
        below 0 under-confident), ``log_loss``.
    """
    accuracy = float((probability.argmax(axis=1) == labels).mean())
    of_truth = np.maximum(probability[np.arange(len(labels)), labels], np.finfo(float).tiny)
    return {
        "ece": expected_calibration_error(labels, probability),
        "accuracy": accuracy,
        "confidence_gap": float(probability.max(axis=1).mean()) - accuracy,
        "log_loss": -float(np.log(of_truth).mean()),
    }


# --- Test sets of other class frequencies -----------------------------------------------------------------------------


def share_right(logits: Floats, labels: Classes) -> float:
    """Share of rows whose largest logit, of shape (n, C), is that of their class."""
    return float((logits.argmax(axis=1) == labels).mean())


def as_row(test_set: str | None, method: str, metric: str, value: float, class_label: int | None = None) -> Row:
    """Give one measure of a method on a test set, of all classes or of one."""
    return {"test_set": test_set, "method": method, "class_label": class_label, "metric": metric, "value": value}


def on_every_set(method: str, predict: Predict, logits: ExpertLogits) -> Iterator[Row]:
    """Accuracy on the eleven sets, drawn and reweighted from the recalls of the whole test set.

    Parameters
    ----------
    method : str
    predict : callable
        ``predict(test_set, rows)``: logits of the method on the whole test set, adapted to the images `rows`.
    logits : ExpertLogits
        Whose labels and class sizes count.

    Yields
    ------
    dict
        ``test_set, method, class_label, metric, value``: ``accuracy`` and ``reweighted_accuracy``; on the uniform set
        ``recall_many``, ``recall_medium``, ``recall_few`` by group of classes, and ``recall`` of every class.
    """
    from repro.longtail import TEST_DISTRIBUTIONS, class_recalls, reweighted_accuracy, shifted_counts, shot_recalls

    n_classes = len(logits.counts)
    for test_set in TEST_DISTRIBUTIONS:
        rows = logits.rows_of(test_set)
        found = predict(test_set, rows)
        yield as_row(test_set, method, "accuracy", share_right(found[rows], logits.labels[rows]))
        recalls = class_recalls(logits.labels, found.argmax(axis=1), n_classes)
        counts = shifted_counts(n_classes, int(np.bincount(logits.labels).min()), test_set)
        yield as_row(test_set, method, "reweighted_accuracy", reweighted_accuracy(recalls, counts))
        if test_set == "uniform":
            groups = shot_recalls(recalls, logits.counts)
            for group in ("many", "medium", "few"):
                yield as_row(test_set, method, f"recall_{group}", getattr(groups, group))
            for label, recall in enumerate(recalls):
                yield as_row(test_set, method, "recall", float(recall), label)


def accuracy_on_every_set(logits: Floats, labels: Classes) -> dict[str, float]:
    """Accuracy on the eleven test sets from logits of shape (n, experts, C), whose mean counts."""
    from repro.longtail import TEST_DISTRIBUTIONS, combine_experts, shifted_test_indices

    mean = combine_experts(logits)
    found = {}
    for test_set in TEST_DISTRIBUTIONS:
        rows = shifted_test_indices(labels, test_set)
        found[test_set] = share_right(mean[rows], labels[rows])
    return found


def last_quarter(epochs: int) -> range:
    """Epochs whose accuracy is measured where a published protocol keeps the best epoch, which is one of the last.

    Accuracy before the learning rate has fallen is far below that at the end, so the last quarter is enough.
    """
    return range(epochs - max(epochs // 4, 1) + 1, epochs + 1)


def best_epoch(name: str, by_epoch: Mapping[int, Mapping[str, float]]) -> Iterator[Row]:
    """Accuracies at the epoch that is best on the uniform test set, the earliest of several.

    The epoch is chosen with the labels of the test images, so these accuracies are optimistic. Published code does so;
    here it is an extra, and the last epoch is the result.

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
    for test_set, found in by_epoch[best].items():
        yield as_row(test_set, f"{name}_best_epoch", "accuracy", found)
    yield as_row(None, f"{name}_best_epoch", "epoch", float(best))
