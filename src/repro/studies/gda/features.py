"""Frozen features of digits 5 to 9 by networks that were trained on digits 0 to 4, embedded or made anew."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from sklearn.preprocessing import normalize

from repro.data import load_images
from repro.data.registry import embedded_bytes
from repro.ground.exceptions import IntegrityError
from repro.protocol.experiment import child_seed

Floats = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]
Images = npt.NDArray[np.float32]

SEEN: Final = 5
"""Digits below this train the networks, the others are classified."""
WIDTHS: Final = (256, 32)
NETWORKS: Final = 5
"""Networks whose features are embedded, by ``scripts/pack_digit_features.py``."""
FILE: Final = "digit-features.npz"
SHA256: Final = "88549dfee99bfcbf487e6660db4da4ac8d33e64aefefeb7353cdf01fba700c0a"
SEED: Final = np.random.SeedSequence(240204087)
TRAINING_IMAGES: Final = 6000
POOL: Final = 600
"""Embedded rows of each class from which training and validation rows are drawn; the rest is the test part."""
SHIFTS: Final = ("noise", "blur", "rotation")


@dataclass(frozen=True, eq=False)
class Features:
    """Rows of length 1 with their classes from 0; the tests of the shifts are those of the test part."""

    pool: Floats
    pool_labels: Classes
    test: Floats
    test_labels: Classes
    shifted: dict[str, Floats]


def trained_features(
    images: Images, labels: Classes, others: list[Images], seed: np.random.SeedSequence
) -> list[Images]:
    """Train a perceptron to tell the classes of images apart, and give its last hidden layer for other images."""
    import torch
    from torch.nn import functional

    from repro.training import HeadedNetwork, LinearHead, Schedule, feature_mlp, train

    generator = torch.Generator().manual_seed(int(seed.generate_state(1)[0]))
    backbone = feature_mlp(images[0].size, WIDTHS, generator=generator)
    network = HeadedNetwork(backbone, LinearHead(WIDTHS[-1], SEEN, bias=True, generator=generator))
    train(
        network,
        torch.from_numpy(images),
        torch.from_numpy(labels),
        lambda features, logits, labels, head: functional.cross_entropy(logits, labels),
        Schedule(epochs=10, learning_rate=2e-3, batch_size=64),
        generator=generator,
    )
    with torch.no_grad():
        return [backbone(torch.from_numpy(part)).numpy() for part in others]


def as_bytes(rows: Images) -> tuple[npt.NDArray[np.uint8], Images, Images]:
    """Code each feature in 256 equal steps from its least to its largest value: codes, least values, steps."""
    low = rows.min(axis=0)
    step = np.maximum(np.ptp(rows, axis=0), np.finfo(np.float32).tiny) / 255
    return np.round((rows - low) / step).astype(np.uint8), low, step


def digits(name: str, split: str) -> tuple[Images, Classes]:
    """Images with values from 0 to 1, and their digits."""
    part = load_images(name, "train" if split == "train" else "test")
    return np.ascontiguousarray(part.images, dtype=np.float32) / np.float32(255), part.labels


def shifted_images(images: Images, shift: str, generator: np.random.Generator) -> Images:
    """Images with noise of standard deviation 0.3, blurred by 1.5 pixels, or turned by 25 degrees to either side."""
    if shift == "noise":
        changed = np.clip(images + 0.3 * generator.standard_normal(images.shape), 0, 1)
    elif shift == "blur":
        changed = ndimage.gaussian_filter(images, 1.5, axes=(1, 2))
    else:
        signs = generator.choice([-1, 1], len(images))
        changed = np.stack(
            [
                ndimage.rotate(image, 25 * sign, reshape=False, order=1)
                for image, sign in zip(images, signs, strict=True)
            ]
        )
    return np.ascontiguousarray(changed, dtype=np.float32)


def features(source: str, seed: int) -> Features:
    """Give the features of one network, split into rows to draw from and test rows.

    Parameters
    ----------
    source : {"embedded", "mnist", "mnist-subset"}
        Features that are part of the package, or those of a network that is trained on (up to) 6,000 images of a set.
    seed : int
        Number of the network; of the embedded ones there are five, and the seed also draws their split.
    """
    return _embedded(seed) if source == "embedded" else _made(source, seed)


@cache
def _file() -> dict[str, npt.NDArray[np.generic]]:
    content = embedded_bytes(FILE)
    if (found := hashlib.sha256(content).hexdigest()) != SHA256:
        raise IntegrityError(f"{FILE} must have the sha256 {SHA256}, got {found}; install the package again")
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return dict(stored)


def _embedded(seed: int) -> Features:
    stored = _file()
    labels = stored["labels"].astype(np.int64)
    codes, low, step = (stored[part][seed % NETWORKS].astype(np.float64) for part in ("codes", "low", "step"))
    rows = normalize(low + step * codes)
    order = np.random.default_rng(child_seed(SEED, seed, 1)).permutation(len(labels))
    in_pool = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        in_pool[order[labels[order] == label][:POOL]] = True
    return Features(rows[in_pool], labels[in_pool], rows[~in_pool], labels[~in_pool], {})


@lru_cache(maxsize=32)
def _made(source: str, seed: int) -> Features:
    generator = np.random.default_rng(child_seed(SEED, seed, 2))
    (images, labels), (test_images, test_labels) = (digits(source, split) for split in ("train", "test"))
    early = generator.permutation(np.flatnonzero(labels < SEEN))[:TRAINING_IMAGES]
    pool, test = labels >= SEEN, test_labels >= SEEN
    shifted = [shifted_images(test_images[test], shift, generator) for shift in SHIFTS]
    found = trained_features(
        images[early], labels[early], [images[pool], test_images[test], *shifted], child_seed(SEED, seed, 0)
    )
    rows = [normalize(part.astype(np.float64)) for part in found]
    return Features(
        rows[0], labels[pool] - SEEN, rows[1], test_labels[test] - SEEN, dict(zip(SHIFTS, rows[2:], strict=True))
    )
