"""Experts on CIFAR-100-LT: from a trained network to the rows of the table."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.data import load_images
from repro.protocol.experiment import Cell
from repro.studies.sade.evaluating import (
    Evidence,
    Row,
    accuracy_on_every_set,
    best_epoch,
    errors_over_images,
    identical_experts,
    on_every_set,
    single_network,
    skilled_experts,
    tidy,
)
from repro.studies.sade.training import (
    DEVIATION,
    MEAN,
    SEVERAL_EXPERTS,
    Setting,
    augmentation_of,
    counts_of,
    trained_network,
    training_images,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from repro.training import Augmentation, Progress, ResNet32

__all__ = ["PAIRS", "experts_on_cifar", "rows_of_network"]

PAIRS: Final = 5
BATCH: Final = 500
DRAWS_OF_CRT: Final = 10
EPOCHS_BETWEEN_WORDS: Final = 10


def _views() -> Augmentation:
    from repro.training import Augmentation, ColourJitter, CropFlipRotate, GaussianBlur, Grayscale

    return Augmentation(
        [CropFlipRotate(padding=4, flip=0.5), ColourJitter(), Grayscale(), GaussianBlur()], MEAN, DEVIATION
    )


def _outputs(compute: Callable[[Tensor], Tensor], images: Tensor, change: Augmentation, seed: int) -> Tensor:
    """Apply a network, or a part of one, to changed images batch by batch, and bring its outputs to the processor."""
    import torch

    from repro.training.augmentation import moved_to, rows_of

    drawn = moved_to(change.draw(len(images), torch.Generator().manual_seed(seed)), images.device)
    batches = [slice(start, start + BATCH) for start in range(0, len(images), BATCH)]
    with torch.inference_mode():
        return torch.cat([compute(change(images[rows], rows_of(drawn, rows))).cpu() for rows in batches])


def _logits(network: nn.Module, images: Tensor, change: Augmentation, seed: int) -> npt.NDArray[np.float16]:
    """Logits of shape (n, experts, C) in half precision; the rounding is below a thousandth of the scale."""
    found = _outputs(lambda batch: network(batch)[1], images, change, seed).half()
    stacked: npt.NDArray[np.float16] = (found if found.ndim == 3 else found[:, None]).numpy()
    return stacked


def _test_images(device: str) -> tuple[Tensor, npt.NDArray[np.int64]]:
    """Images of shape (10 000, 3, 32, 32), uint8, and labels."""
    import torch

    test = load_images("cifar100", "test")
    return torch.from_numpy(np.ascontiguousarray(test.images)).permute(0, 3, 1, 2).to(device), test.labels


def evidence_of(network: nn.Module, setting: Setting, *, device: str = "cpu") -> Evidence:
    """Logits of a trained network on the test set, on views of it and under the augmentation of the training."""
    from repro.training import Augmentation

    images, labels = _test_images(device)
    clean = _logits(network, images, Augmentation([], MEAN, DEVIATION), 0)
    if setting.method not in SEVERAL_EXPERTS:
        return Evidence(labels, counts_of(setting.ratio), clean)
    augmented = _logits(network, images, augmentation_of(setting), 1)
    views = [_logits(network, images, _views(), 2 + number) for number in range(2 * PAIRS)]
    stacked = np.stack(views, axis=1).reshape(len(images), PAIRS, 2, *clean.shape[1:])
    return Evidence(labels, counts_of(setting.ratio), clean, stacked, augmented)


def accuracies_of(network: nn.Module, *, device: str = "cpu") -> dict[str, float]:
    """Accuracy of a network, or of the mean of its experts, on the eleven test sets."""
    from repro.training import Augmentation

    images, labels = _test_images(device)
    return accuracy_on_every_set(_logits(network, images, Augmentation([], MEAN, DEVIATION), 0), labels)


def decoupled_rows(network: ResNet32, setting: Setting, *, device: str = "cpu") -> list[Row]:
    """Measure a network with a linear classifier: as it is ("linear"), normalised and with a retrained classifier.

    There are no images to choose tau with: "tau_norm" has tau = 1. The classifier of "crt" sees every training image
    under ten draws of the augmentation of the training.
    """
    import torch

    from repro.longtail import classifier_retraining, tau_normalise
    from repro.training import Augmentation, DotProductClassifier

    images, labels = _test_images(device)
    counts = counts_of(setting.ratio)
    body = network.features
    features = _outputs(body, images, Augmentation([], MEAN, DEVIATION), 0)
    (head,) = network.one.classifiers
    assert isinstance(head, DotProductClassifier)
    weight = head.weight.detach().cpu()
    training, targets = training_images(setting.ratio)
    shown = [
        _outputs(body, training.to(device), augmentation_of(setting), 1 + number) for number in range(DRAWS_OF_CRT)
    ]
    retrained = classifier_retraining(
        torch.cat(shown), targets.repeat(DRAWS_OF_CRT), len(counts), epochs=1, seed=setting.seed
    )
    linear = Evidence(labels, counts, (features @ weight.T).numpy()[:, None])
    normalised = (features @ tau_normalise(weight, 1.0).T).numpy()
    rows = list(single_network("linear", linear, calibrated_to="train"))
    rows += on_every_set("tau_norm", lambda test_set, chosen: normalised, linear)
    again = retrained.logits(features)
    return [*rows, *on_every_set("crt", lambda test_set, chosen: again, linear)]


def rows_of_network(setting: Setting, evidence: Evidence) -> list[Row]:
    """All that is measured of the network of a setting."""
    if setting.method == "sade":
        rows = list(skilled_experts("", evidence, grid=setting.seed == 0))
        return [*rows, *errors_over_images(evidence, rows)]
    calibrated = "train" if setting.method in ("cross_entropy", "focal") else "uniform"
    rows = list(single_network(setting.method, evidence, calibrated_to=calibrated))
    if setting.method == "three_balanced":
        rows += identical_experts(setting.method, evidence)
    return rows


def _tell(setting: Setting) -> Callable[[Progress], None]:
    """Say on standard error now and then how far a training is; it may take hours."""

    def tell(progress: Progress) -> None:
        if progress.epoch % EPOCHS_BETWEEN_WORDS == 0 or progress.epoch == progress.epochs:
            sys.stderr.write(
                f"{setting.name}: epoch {progress.epoch} of {progress.epochs}, loss {progress.loss:.3f}, "
                f"{progress.rows_per_second:.0f} images a second, {progress.seconds_left / 60:.0f} min left\n"
            )

    return tell


def experts_on_cifar(cell: Cell) -> pd.DataFrame:
    """Train one network on CIFAR-100-LT, or take the one that is kept, and measure it.

    Parameters
    ----------
    cell : Cell
        Parameters ``method``, ``ratio``, ``recipe`` and ``seed``. A training that was interrupted goes on from its last
        epoch; a trained network is kept in the cache folder.

    Returns
    -------
    DataFrame
    """
    from repro.training import ResNet32, torch_device

    parameters = cell.parameters
    setting = Setting(
        str(parameters["method"]),  # type: ignore[arg-type]
        int(parameters["ratio"] or 0),
        str(parameters["recipe"]),  # type: ignore[arg-type]
        int(parameters["seed"] or 0),
    )
    device = str(torch_device(cell.device))
    network, by_epoch = trained_network(
        setting, device=device, report=_tell(setting), measure=lambda network: accuracies_of(network, device=device)
    )
    if setting.method == "decoupled":
        assert isinstance(network, ResNet32)
        rows = decoupled_rows(network, setting, device=device)
    else:
        rows = rows_of_network(setting, evidence_of(network, setting, device=device))
    names = {"sade": "equal", "decoupled": "linear"}
    rows += best_epoch(names.get(setting.method, setting.method), by_epoch)
    return pd.DataFrame(tidy(rows, {"recipe": setting.recipe, "ratio": setting.ratio}, setting.seed))
