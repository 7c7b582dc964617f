"""Experts on a long tail of handwritten digits: small enough to be trained on the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
    Recipe,
    Seeds,
    Trained,
    accuracy_on_every_set,
    best_epoch,
    expert_logits,
    fit,
    last_quarter,
    long_tail_loss,
    long_tailed,
    shift_rotate,
    shifted_cross_entropy,
    small_experts,
)
from repro.trials.measures import Row

if TYPE_CHECKING:
    from torch import Tensor

    from repro.longtail import LDAMLoss
    from repro.training.augmentation import Transform

__all__ = [
    "PUBLISHED_TAU",
    "counts",
    "evidence_of",
    "experts_on_digits",
    "experts_with_published_tau",
    "strength_of_views",
    "task_of",
    "train_digits",
]

Floats = npt.NDArray[Any]

N_CLASSES: Final = 10
LARGEST: Final = 200
RATIO: Final = 100
PUBLISHED_TAU: Final = 2.0
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
    models, experts, _ = shifts.shape
    method = Method(
        partial(small_experts, models=models, experts=experts), partial(shifted_cross_entropy, shifts=shifts)
    )
    return _fitted(method, seed, epochs, cell, **options)


def _fitted(
    method: Method, seed: np.random.SeedSequence, epochs: int, cell: Cell | None = None, **options: Any
) -> Trained:
    """Networks of a method, trained on the part of the digits that a seed draws."""
    start, order, part = (int(number >> 1) for number in seed.generate_state(3, np.uint64))
    recipe = LONG_TAIL_SMALL.of(epochs, warm_up=round(0.1 * epochs))
    return fit(task_of(part), method, recipe, cell, seed=Seeds(start, order), **options)


@dataclass(frozen=True, eq=False)
class OfOneNetwork:
    """A loss of (n, experts, C) logits, where networks stand side by side and there is only one."""

    loss: LDAMLoss

    def set_epoch(self, epoch: int) -> None:
        """Tell the loss the epoch, counted from 0."""
        self.loss.set_epoch(epoch)

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Value for logits of shape (n, 1, experts, C) and labels of shape (n,)."""
        value: Tensor = self.loss(logits[:, 0], labels)
        return value


def ldam_of_one_network(task: ImageTask, recipe: Recipe, seed: int) -> OfOneNetwork:
    """Make the loss of LDAM-DRW, whose class weights set in after four fifths of the epochs as in its own recipe."""
    loss: Any = long_tail_loss(task, recipe, seed, loss="ldam", scale=30.0, logits_scaled=True, late=0.8)
    return OfOneNetwork(loss)


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
        :mod:`repro.studies.sade.evaluating` for methods and measures. The third expert is trained with tau = 1; in
        methods that begin with ``tau2_`` with the published tau, of which :func:`experts_with_published_tau` measures
        all.
    """
    part = cell.text("part") if "part" in cell.parameters else None
    rows: list[Row] = []
    if part in (None, "experts"):
        rows += _three_experts(cell)
    if part in (None, "singles"):
        rows += _single_networks(cell)
    return table_of(rows, recipe="digits", ratio=RATIO, replicate=cell.whole("seed"))


def experts_with_published_tau(cell: Cell) -> pd.DataFrame:
    """Train the experts of the paper with the published tau and their opponents on the digits, and measure all.

    Parameters
    ----------
    cell : Cell
        Parameters ``recipe``, ``seed``, ``epochs``, ``pairs`` and ``part`` as in :func:`experts_on_digits`, and
        ``stands_for``, a recipe whose name the rows of a control get. The variant "weights_of_the_opposite_set" gives
        every test set the weights of its mirror image, "views_of_noise" learns them from views of noise,
        "roles_exchanged" is that of :func:`repro.studies.sade.evaluating.skilled_experts`.

    Returns
    -------
    DataFrame
        As that of :func:`experts_on_digits`, with a network trained by LDAM-DRW.
    """
    part = cell.text("part") if "part" in cell.parameters else None
    rows: list[Row] = []
    if part in (None, "experts"):
        rows += _three_experts_of_the_paper(cell)
    if part in (None, "singles"):
        rows += _single_networks(cell)
        late = Method(partial(small_experts, models=1, experts=1), partial(ldam_of_one_network))
        (ldam,) = evidence_of(_fitted(late, _root(cell), cell.whole("epochs"), cell), pairs=0)
        rows += single_network("ldam_drw", ldam, calibrated_to="uniform")
    recipe = str(cell.parameters.get("stands_for", cell.text("recipe")))
    return table_of(rows, recipe=recipe, ratio=RATIO, replicate=cell.whole("seed"))


def _three_experts_of_the_paper(cell: Cell) -> list[Row]:
    """Rows of the networks with three experts, with the published tau."""
    variant, pairs = cell.variant, cell.whole("pairs")
    exchanged, opposite = variant == "roles_exchanged", variant == "weights_of_the_opposite_set"
    trained = _trained(cell, _shifts(PUBLISHED_TAU))
    skilled, balanced = evidence_of(trained, pairs=pairs)
    if variant == "views_of_noise":
        skilled = replace(skilled, views=_views_of_noise(trained, pairs)[0])
    grid = cell.whole("seed") % 10 == 0 and variant is None
    rows = list(skilled_experts("", skilled, exchanged=exchanged, opposite=opposite, grid=grid))
    rows += identical_experts("three_balanced", skilled if exchanged else balanced)
    rows += single_network("three_balanced", balanced, calibrated_to="uniform")
    return rows


def _views_of_noise(trained: Trained, pairs: int) -> Sequence[Floats]:
    """Logits of each network on views of images without a digit; the two views of a pair are of different images."""
    draws = np.random.default_rng(0)
    pixels = trained.task.test_inputs
    noise = draws.permutation(pixels.ravel()).reshape(pixels.shape)
    found = []
    for logits in evidence_of(replace(trained, task=replace(trained.task, test_inputs=noise)), pairs=pairs):
        assert logits.views is not None
        views = logits.views.copy()
        views[:, :, 1] = views[draws.permutation(len(views)), :, 1]
        found.append(views)
    return found


def _single_networks(cell: Cell) -> list[Row]:
    """Rows of one network trained by cross-entropy and one by balanced softmax."""
    trained = _trained(cell, np.concatenate([np.zeros((1, 1, N_CLASSES)), _shifts(1.0)[1:, :1]]))
    cross_entropy, balanced = evidence_of(trained, pairs=0)
    rows = list(single_network("cross_entropy", cross_entropy, calibrated_to="train"))
    rows += single_network("balanced", balanced, calibrated_to="uniform")
    for model, name in enumerate(("cross_entropy", "balanced")):
        rows += best_epoch(name, _course_of(model, trained.course))
    return rows


def _root(cell: Cell) -> np.random.SeedSequence:
    return np.random.SeedSequence([cell.seed, cell.whole("seed")])


def _trained(cell: Cell, shifts: npt.NDArray[np.float64]) -> Trained:
    """Networks of a cell; if asked for, accuracies are noted in the last epochs."""
    epochs = cell.whole("epochs")
    noted: dict[str, Any] = {}
    if cell.parameters.get("best_epoch"):
        noted = {"note": _accuracies, "note_after": last_quarter(epochs)}
    return train_digits(shifts, _root(cell), epochs=epochs, cell=cell, **noted)


def _three_experts(cell: Cell) -> list[Row]:
    """Rows of the networks with three experts."""
    taus = (1.0, PUBLISHED_TAU) if cell.flag("tau2") else (1.0,)
    trained = _trained(cell, _shifts(*taus))
    usual, *others, balanced = evidence_of(trained, pairs=cell.whole("pairs"))
    rows: list[Row] = list(skilled_experts("", usual, grid=cell.whole("seed") == 0))
    rows += identical_experts("three_balanced", balanced)
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
