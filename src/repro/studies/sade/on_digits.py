"""Experts on a long tail of handwritten digits: small enough to be trained on the page."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.data import long_tail_counts
from repro.longtail import TEST_DISTRIBUTIONS
from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.sade.evaluating import identical_experts, single_network, skilled_experts, table_of
from repro.trials import (
    LONG_TAIL_SMALL,
    Course,
    ExpertLogits,
    ImageTask,
    Method,
    Seeds,
    Trained,
    accuracy_on_every_set,
    best_epoch,
    expert_logits,
    fit,
    last_quarter,
    long_tailed,
    shift_rotate,
    shifted_cross_entropy,
    small_experts,
)
from repro.trials.measures import Row

if TYPE_CHECKING:
    from repro.training.augmentation import Transform

__all__ = ["counts", "evidence_of", "experts_on_digits", "strength_of_views", "task_of", "train_digits"]

N_CLASSES: Final = 10
LARGEST: Final = 200
RATIO: Final = 100
MEAN: Final = (0.1307,)
DEVIATION: Final = (0.3081,)
OF_TAU2: Final = ("accuracy", "recall_many", "recall_medium", "recall_few")
VIEWS: Final = {"weak": (1, 5.0, 0.03), "usual": (3, 15.0, 0.1), "strong": (6, 40.0, 0.5)}
"""Largest shift in pixels, largest rotation in degrees and noise in standard deviations of a pixel."""


def counts() -> npt.NDArray[np.int64]:
    """Training images of every digit: 200 of the first to 2 of the last."""
    return long_tail_counts(LARGEST, N_CLASSES, RATIO)


def task_of(random_state: int) -> ImageTask:
    """Long-tailed part of the embedded digits: 492 of 28 x 28 pixels."""
    return long_tailed("mnist-subset", LARGEST, RATIO, MEAN, DEVIATION, random_state=random_state)


def _view(strength: str) -> list[Transform]:
    """Shift, rotation and noise of a view."""
    from repro.training import CropFlipRotate, GaussianNoise

    shift, degrees, noise = VIEWS[strength]
    return [CropFlipRotate(padding=shift, flip=0.0, degrees=degrees), GaussianNoise(noise * DEVIATION[0])]


def train_digits(
    shifts: npt.NDArray[np.float64],
    seed: np.random.SeedSequence,
    *,
    epochs: int = 30,
    cell: Cell | None = None,
    **options: Any,
) -> Trained:
    """Train small networks side by side, each expert with its own shift of the logits.

    Parameters
    ----------
    shifts : ndarray of shape (networks, experts, 10)
        Added to the logits in training: nothing for cross-entropy, log prior for balanced softmax, ...
    seed : SeedSequence
        Of the training part, the initial weights, the order and the augmentation.
    epochs : int, default=30
    cell : Cell or None
        Gives the device.
    **options
        Of :func:`repro.trials.fit`.
    """
    start, order, part = (int(number >> 1) for number in seed.generate_state(3, np.uint64))
    models, experts, _ = shifts.shape
    method = Method(
        partial(small_experts, models=models, experts=experts), partial(shifted_cross_entropy, shifts=shifts)
    )
    recipe = LONG_TAIL_SMALL.of(epochs, warm_up=round(0.1 * epochs))
    return fit(task_of(part), method, recipe, cell, seed=Seeds(start, order), **options)


def evidence_of(trained: Trained, *, pairs: int, strength: str = "usual", seed: int = 0) -> list[ExpertLogits]:
    """Logits of each of the networks trained side by side, on all test images of the embedded digits.

    Parameters
    ----------
    trained : Trained
    pairs : int
        Pairs of views; 0 for none.
    strength : "weak", "usual" or "strong"
        Of the views.
    seed : int, default=0
        Of the views; the same for all trainings.
    """
    return expert_logits(trained, pairs=pairs, views=_view(strength), augmented=shift_rotate(), seed=seed)


def _accuracies(trained: Trained) -> dict[str, float]:
    """Accuracies on the test sets of networks side by side, each under the number of its network."""
    return {
        f"{model}/{test_set}": found
        for model, logits in enumerate(expert_logits(trained))
        for test_set, found in accuracy_on_every_set(logits.clean, logits.labels).items()
    }


def _course_of(model: int, course: Course) -> Course:
    prefix = f"{model}/"
    return {
        epoch: {name.removeprefix(prefix): value for name, value in noted.items() if name.startswith(prefix)}
        for epoch, noted in course.items()
    }


def _shifts(*taus: float) -> npt.NDArray[np.float64]:
    """Shifts of networks of the paper's kind for each tau, then of one with three balanced experts."""
    from repro.longtail import SadeLoss

    of_tau = [SadeLoss(counts(), tau).shifts.double().numpy() for tau in taus]
    balanced = np.repeat(of_tau[0][1:2], 3, axis=0)
    return np.stack([*of_tau, balanced])


def experts_on_digits(cell: Cell) -> pd.DataFrame:
    """Train the experts of the paper and their opponents on one long-tailed part of the digits, and measure all.

    Parameters
    ----------
    cell : Cell
        Parameters ``seed``, ``epochs``, ``pairs`` (of views), ``tau2`` (whether a third expert as on CIFAR is trained
        too), ``best_epoch`` (whether accuracy is measured in the last epochs as well) and ``part``: "experts" for the
        networks with three experts, "singles" for those with one, both if absent.

    Returns
    -------
    DataFrame
        Columns ``recipe, ratio, test_set, method, class_label, replicate, metric, value``; see
        :mod:`repro.studies.sade.evaluating` for methods and measures. Methods that begin with ``tau2_`` have the third
        expert as trained on CIFAR.
    """
    part = cell.text("part") if "part" in cell.parameters else None
    rows: list[Row] = []
    if part in (None, "experts"):
        rows += _three_experts(cell)
    if part in (None, "singles"):
        plain = np.zeros((1, 1, N_CLASSES))
        trained = _trained(cell, np.concatenate([plain, _shifts(1.0)[1:, :1]]))
        cross_entropy, balanced = evidence_of(trained, pairs=0)
        rows += single_network("cross_entropy", cross_entropy, calibrated_to="train")
        rows += single_network("balanced", balanced, calibrated_to="uniform")
        for model, name in enumerate(("cross_entropy", "balanced")):
            rows += best_epoch(name, _course_of(model, trained.course))
    recipe = str(cell.parameters.get("stands_for", "digits"))
    return table_of(rows, recipe=recipe, ratio=RATIO, replicate=cell.whole("seed"))


def _trained(cell: Cell, shifts: npt.NDArray[np.float64]) -> Trained:
    """Networks of a cell; if asked for, accuracies are noted in the last epochs."""
    root, epochs = np.random.SeedSequence([cell.seed, cell.whole("seed")]), cell.whole("epochs")
    noted: dict[str, Any] = {}
    if cell.parameters.get("best_epoch"):
        noted = {"note": _accuracies, "note_after": last_quarter(epochs)}
    return train_digits(shifts, root, epochs=epochs, cell=cell, **noted)


def _three_experts(cell: Cell) -> list[Row]:
    """Rows of the networks with three experts."""
    exchanged = cell.variant == "roles_exchanged"
    taus = (1.0, 2.0) if cell.flag("tau2") else (1.0,)
    trained = _trained(cell, _shifts(*taus))
    usual, *others, balanced = evidence_of(trained, pairs=cell.whole("pairs"))
    grid = cell.whole("seed") == 0 and not exchanged
    rows: list[Row] = list(skilled_experts("", usual, exchanged=exchanged, grid=grid))
    rows += identical_experts("three_balanced", usual if exchanged else balanced)
    rows += single_network("three_balanced", balanced, calibrated_to="uniform")
    rows += best_epoch("equal", _course_of(0, trained.course))
    rows += best_epoch("three_balanced", _course_of(len(taus), trained.course))
    for second in others:
        rows += [row for row in skilled_experts("tau2", second) if row["metric"] in OF_TAU2]
    return rows


def strength_of_views(cell: Cell) -> pd.DataFrame:
    """Learn weights from weak, usual and strong views of the same trained experts.

    Parameters
    ----------
    cell : Cell
        Parameters ``seed``, ``epochs`` and ``pairs``.

    Returns
    -------
    DataFrame
        Columns ``views, test_set, replicate, metric, value``: ``gain`` of learned over equal weights on the drawn sets.
    """
    trained = _trained(cell, _shifts(1.0))
    table = Rows("views", "test_set", replicate=cell.whole("seed"))
    for strength in VIEWS:
        usual, _ = evidence_of(trained, pairs=cell.whole("pairs"), strength=strength)
        found = {
            (row["method"], row["test_set"]): row["value"]
            for row in skilled_experts("", usual)
            if row["metric"] == "accuracy"
        }
        for test_set in TEST_DISTRIBUTIONS:
            gain = found["learned", test_set] - found["equal", test_set]
            table.add({"gain": gain}, views=strength, test_set=test_set)
    return table.frame()
