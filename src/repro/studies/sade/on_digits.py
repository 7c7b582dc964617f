"""Experts on a long tail of handwritten digits: small enough to be trained on the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.data import load_images, long_tail_counts
from repro.longtail import TEST_DISTRIBUTIONS
from repro.protocol.course import Course
from repro.protocol.experiment import Cell
from repro.studies.sade.evaluating import (
    Evidence,
    Row,
    accuracy_on_every_set,
    best_epoch,
    first_epoch_to_measure,
    identical_experts,
    single_network,
    skilled_experts,
    tidy,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from repro.training import Augmentation

__all__ = ["counts", "evidence_of", "experts_on_digits", "strength_of_views", "train_digits", "training_part"]

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


def _as_tensor(images: npt.NDArray[np.uint8]) -> Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(images))[:, None]


def training_part(seed: int) -> tuple[Tensor, Tensor]:
    """Images of shape (492, 1, 28, 28), uint8, and labels of a long-tailed part of the embedded digits."""
    import torch

    from repro.data import make_long_tail

    whole = load_images("mnist-subset", "train")
    rows = make_long_tail(whole.labels, counts(), random_state=np.random.RandomState(seed % 2**32))
    return _as_tensor(whole.images[rows]), torch.from_numpy(whole.labels[rows])


def _augmentation(shift: int, degrees: float, noise: float = 0.0) -> Augmentation:
    from repro.training import Augmentation, CropFlipRotate, GaussianNoise

    transforms: list[Any] = [CropFlipRotate(padding=shift, flip=0.0, degrees=degrees)]
    if noise:
        transforms.append(GaussianNoise(noise * DEVIATION[0]))
    return Augmentation(transforms, MEAN, DEVIATION)


def train_digits(
    shifts: npt.NDArray[np.float64],
    seed: np.random.SeedSequence,
    *,
    epochs: int = 30,
    watch: Callable[[int, nn.Module], None] | None = None,
) -> tuple[nn.Module, Augmentation]:
    """Train small networks side by side, each expert with its own shift of the logits.

    Parameters
    ----------
    shifts : ndarray of shape (networks, experts, 10)
        Added to the logits in training: nothing for cross-entropy, log prior for balanced softmax, ...
    seed : SeedSequence
        Of the training part, the initial weights, the order and the augmentation.
    epochs : int, default=30
    watch : callable or None
        ``watch(epochs_done, network)`` after every epoch.

    Returns
    -------
    network : SmallExperts
        In evaluation mode.
    augmentation : Augmentation
        That of the training.
    """
    import torch
    from torch.nn import functional

    from repro.training import Schedule, SmallExperts, train

    torch.set_num_threads(1)
    start, order, part = (int(number >> 1) for number in seed.generate_state(3, np.uint64))
    images, labels = training_part(part)
    models, experts, classes = shifts.shape
    network = SmallExperts(classes, experts, models, generator=torch.Generator().manual_seed(start))
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    added = torch.from_numpy(shifts).float()
    augmentation = _augmentation(2, 10.0)

    def objective(logits: Tensor, labels: Tensor) -> Tensor:
        repeated = labels.view(-1, 1, 1).expand(-1, models, experts)
        mean = functional.cross_entropy((logits + added).flatten(0, 2), repeated.flatten())
        total: Tensor = models * experts * mean
        return total

    plan = Schedule(
        epochs,
        0.1,
        "sgd",
        batch_size=64,
        nesterov=True,
        weight_decay=5e-4,
        warm_up=round(0.1 * epochs),
        decay="cosine",
    )
    train(
        network,
        images,
        labels,
        objective,
        plan,
        augmentation=augmentation,
        generator=torch.Generator().manual_seed(order),
        watch=watch,
        watch_every=1,
    )
    return network, augmentation


def _logits(network: nn.Module, images: Tensor, change: Augmentation, seed: int) -> npt.NDArray[np.float32]:
    """Logits of shape (n, networks, experts, 10)."""
    import torch

    from repro.training.augmentation import rows_of

    drawn = change.draw(len(images), torch.Generator().manual_seed(seed))
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), 500):
            rows = slice(start, start + 500)
            parts.append(network(change(images[rows], rows_of(drawn, rows)))[1])
    found: npt.NDArray[np.float32] = torch.cat(parts).numpy()
    return found


def evidence_of(
    network: nn.Module,
    augmentation: Augmentation,
    *,
    pairs: int,
    strength: str = "usual",
    seed: int = 0,
) -> list[Evidence]:
    """Logits of each of the networks trained side by side, on all test images of the embedded digits.

    Parameters
    ----------
    network : SmallExperts
    augmentation : Augmentation
        That of the training, for the evaluation with it.
    pairs : int
        Pairs of views; 0 for none.
    strength : "weak", "usual" or "strong"
        Of the views.
    seed : int, default=0
        Of the views; the same for all trainings.
    """
    from repro.training import Augmentation

    test = load_images("mnist-subset", "test")
    images = _as_tensor(test.images)
    clean = _logits(network, images, Augmentation([], MEAN, DEVIATION), seed)
    augmented = _logits(network, images, augmentation, seed + 1) if pairs else None
    change = _augmentation(*VIEWS[strength])
    views = [_logits(network, images, change, seed + 2 + number) for number in range(2 * pairs)]
    stacked = np.stack(views, axis=1).reshape(len(images), pairs, 2, *clean.shape[1:]) if pairs else None
    return [
        Evidence(
            test.labels,
            counts(),
            clean[:, model],
            None if stacked is None else stacked[:, :, :, model],
            None if augmented is None else augmented[:, model],
        )
        for model in range(clean.shape[1])
    ]


class _Accuracies:
    """Accuracies of networks side by side in the last epochs."""

    def __init__(self, epochs: int) -> None:
        self.first = first_epoch_to_measure(epochs)
        self.of: dict[int, Course] = {}

    def __call__(self, done: int, network: nn.Module) -> None:
        from repro.training import Augmentation

        if done < self.first:
            return
        test = load_images("mnist-subset", "test")
        logits = _logits(network, _as_tensor(test.images), Augmentation([], MEAN, DEVIATION), 0)
        for model in range(logits.shape[1]):
            self.of.setdefault(model, {})[done] = accuracy_on_every_set(logits[:, model], test.labels)


def _shifts(*taus: float) -> npt.NDArray[np.float64]:
    """Shifts of networks of the paper's kind for each tau, then of one with three balanced experts."""
    from repro.longtail import SadeLoss

    of_tau = [SadeLoss(counts(), tau).shifts.double().numpy() for tau in taus]
    balanced = np.repeat(of_tau[0][1:2], 3, axis=0)
    return np.stack([*of_tau, balanced])


def _whole(cell: Cell, name: str) -> int:
    return int(cell.parameters[name] or 0)


def _root(seed: int) -> np.random.SeedSequence:
    return np.random.SeedSequence([2107, seed])


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
    seed, part = _whole(cell, "seed"), cell.parameters.get("part")
    rows: list[Row] = []
    if part in (None, "experts"):
        rows += _three_experts(cell)
    if part in (None, "singles"):
        plain = np.zeros((1, 1, N_CLASSES))
        singles = np.concatenate([plain, _shifts(1.0)[1:, :1]])
        network, augmentation, by_epoch = _trained(cell, singles)
        cross_entropy, balanced = evidence_of(network, augmentation, pairs=0)
        rows += single_network("cross_entropy", cross_entropy, calibrated_to="train")
        rows += single_network("balanced", balanced, calibrated_to="uniform")
        for model, name in enumerate(("cross_entropy", "balanced")):
            rows += best_epoch(name, by_epoch.get(model, {}))
    return pd.DataFrame(tidy(rows, {"recipe": cell.parameters.get("stands_for", "digits"), "ratio": RATIO}, seed))


def _trained(cell: Cell, shifts: npt.NDArray[np.float64]) -> tuple[nn.Module, Augmentation, dict[int, Course]]:
    """Networks of a cell, the augmentation of their training and, if asked for, accuracies by network and epoch."""
    epochs = _whole(cell, "epochs")
    watch = _Accuracies(epochs) if cell.parameters.get("best_epoch") else None
    network, augmentation = train_digits(shifts, _root(_whole(cell, "seed")), epochs=epochs, watch=watch)
    return network, augmentation, {} if watch is None else watch.of


def _three_experts(cell: Cell) -> list[Row]:
    """Rows of the networks with three experts."""
    seed, exchanged = _whole(cell, "seed"), cell.variant == "roles_exchanged"
    taus = (1.0, 2.0) if cell.parameters["tau2"] else (1.0,)
    network, augmentation, by_epoch = _trained(cell, _shifts(*taus))
    usual, *others, balanced = evidence_of(network, augmentation, pairs=_whole(cell, "pairs"))
    grid = seed == 0 and not exchanged
    rows: list[Row] = list(skilled_experts("", usual, exchanged=exchanged, grid=grid))
    rows += identical_experts("three_balanced", usual if exchanged else balanced)
    rows += single_network("three_balanced", balanced, calibrated_to="uniform")
    rows += best_epoch("equal", by_epoch.get(0, {}))
    rows += best_epoch("three_balanced", by_epoch.get(len(taus), {}))
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
    seed = _whole(cell, "seed")
    network, augmentation = train_digits(_shifts(1.0), _root(seed), epochs=_whole(cell, "epochs"))
    rows: list[Row] = []
    for strength in VIEWS:
        usual, _ = evidence_of(network, augmentation, pairs=_whole(cell, "pairs"), strength=strength)
        found = {
            (row["method"], row["test_set"]): row["value"]
            for row in skilled_experts("", usual)
            if row["metric"] == "accuracy"
        }
        for test_set in TEST_DISTRIBUTIONS:
            gain = found["learned", test_set] - found["equal", test_set]
            rows.append({"views": strength, "test_set": test_set, "replicate": seed, "metric": "gain", "value": gain})
    return pd.DataFrame(rows)
