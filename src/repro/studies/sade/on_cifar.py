"""Experts on CIFAR-100-LT: from a trained network to the rows of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.data import load_images
from repro.protocol.experiment import Cell
from repro.studies.sade.evaluating import (
    SURFACES,
    Evidence,
    Row,
    identical_experts,
    single_network,
    skilled_experts,
    surface_rows,
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
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from repro.training import Augmentation

__all__ = ["PAIRS", "experts_on_cifar", "rows_of_network"]

PAIRS: Final = 5
BATCH: Final = 500


def _views() -> Augmentation:
    from repro.training import Augmentation, ColourJitter, CropFlipRotate, GaussianBlur, Grayscale

    return Augmentation(
        [CropFlipRotate(padding=4, flip=0.5), ColourJitter(), Grayscale(), GaussianBlur()], MEAN, DEVIATION
    )


def _logits(network: nn.Module, images: Tensor, change: Augmentation, seed: int) -> npt.NDArray[np.float16]:
    """Logits of shape (n, experts, C) in half precision; the rounding is below a thousandth of the scale."""
    import torch

    from repro.training.augmentation import moved_to, rows_of

    drawn = moved_to(change.draw(len(images), torch.Generator().manual_seed(seed)), images.device)
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), BATCH):
            rows = slice(start, start + BATCH)
            found = network(change(images[rows], rows_of(drawn, rows)))
            parts.append((found if found.ndim == 3 else found[:, None]).half().cpu())
    stacked: npt.NDArray[np.float16] = torch.cat(parts).numpy()
    return stacked


def evidence_of(network: nn.Module, setting: Setting, *, device: str = "cpu") -> Evidence:
    """Logits of a trained network on the test set, on views of it and under the augmentation of the training."""
    import torch

    from repro.training import Augmentation

    test = load_images("cifar100", "test")
    images = torch.from_numpy(np.ascontiguousarray(test.images)).permute(0, 3, 1, 2).to(device)
    clean = _logits(network, images, Augmentation([], MEAN, DEVIATION), 0)
    if setting.method not in SEVERAL_EXPERTS:
        return Evidence(test.labels, counts_of(setting.ratio), clean)
    augmented = _logits(network, images, augmentation_of(setting), 1)
    views = [_logits(network, images, _views(), 2 + number) for number in range(2 * PAIRS)]
    stacked = np.stack(views, axis=1).reshape(len(images), PAIRS, 2, *clean.shape[1:])
    return Evidence(test.labels, counts_of(setting.ratio), clean, stacked, augmented)


def rows_of_network(setting: Setting, evidence: Evidence) -> list[Row]:
    """All that is measured of the network of a setting."""
    if setting.method == "sade":
        rows = list(skilled_experts("", evidence))
        if setting.seed == 0:
            rows += [row for test_set in SURFACES for row in surface_rows(evidence, test_set)]
        return rows
    calibrated = "train" if setting.method in ("cross_entropy", "focal") else "uniform"
    rows = list(single_network(setting.method, evidence, calibrated_to=calibrated))
    if setting.method == "three_balanced":
        rows += identical_experts(setting.method, evidence)
    return rows


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
    from repro.training import torch_device

    parameters = cell.parameters
    setting = Setting(
        str(parameters["method"]),  # type: ignore[arg-type]
        int(parameters["ratio"] or 0),
        str(parameters["recipe"]),  # type: ignore[arg-type]
        int(parameters["seed"] or 0),
    )
    device = str(torch_device(cell.device))
    network = trained_network(setting, device=device)
    rows = rows_of_network(setting, evidence_of(network, setting, device=device))
    return pd.DataFrame(tidy(rows, {"recipe": setting.recipe, "ratio": setting.ratio}, setting.seed))
