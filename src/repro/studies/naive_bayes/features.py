"""Features on which both methods are compared: pixels of digits, and two networks that never saw the classes."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA

from repro.data import load, load_images
from repro.protocol.experiment import Cell

Floats = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]

SEEN: Final = 5
"""Digits below this train the network, the others are classified."""
WIDTHS: Final = (256, 64)


def features_and_labels(cell: Cell) -> tuple[Floats, Classes, int]:
    """Features, classes counted from 0, and how many of the rows may be used for training; the rest is the test part.

    Rows that may be used for training come in rounds, one of each class.

    Parameters
    ----------
    cell : Cell
        Parameter ``features``: 40 principal components of the ``pixels`` of small digits, or 64 outputs of a network
        that told digits 0 to 4 apart (``supervised``) or how far they were turned (``rotations``), for digits 5 to 9.
    """
    kind, n_pool = cell.text("features"), 1000
    generator = np.random.default_rng(cell.child(0))
    if kind == "pixels":
        digits = load("digits")
        inputs, labels = digits.features.to_numpy(np.float64) / 16.0, digits.target.to_numpy()
    else:
        parts = [load_images("mnist-subset", split) for split in ("train", "test")]
        images = np.concatenate([part.images for part in parts]).astype(np.float32) / 255.0
        labels, n_pool = np.concatenate([part.labels for part in parts]), 2000
        early = np.flatnonzero(labels < SEEN)[: len(parts[0].labels) // 2]
        inputs = _outputs(kind, images[early], labels[early], images[labels >= SEEN], cell).astype(np.float64)
        labels = labels[labels >= SEEN] - SEEN
    order = generator.permutation(len(labels))
    rounds = np.zeros(len(labels))
    for label in np.unique(labels):
        rounds[labels[order] == label] = np.arange((labels == label).sum())
    order = order[np.argsort(rounds, kind="stable")]
    X, y = inputs[order], labels[order].astype(np.int64)
    if kind == "pixels":
        X = PCA(40, random_state=0).fit(X[:n_pool]).transform(X)
    return X, y, n_pool


def _outputs(
    kind: str, images: npt.NDArray[np.float32], labels: Classes, others: npt.NDArray[np.float32], cell: Cell
) -> npt.NDArray[np.float32]:
    """Train a perceptron on images and give its features of others."""
    import torch
    from torch.nn import functional

    from repro.training import HeadedNetwork, LinearHead, Schedule, feature_mlp, train

    if kind == "rotations":
        images = np.concatenate([np.rot90(images[::2], turns, axes=(1, 2)) for turns in range(4)])
        labels = np.repeat(np.arange(4), len(images) // 4)
    generator = torch.Generator().manual_seed(int(cell.child(1).generate_state(1)[0]))
    backbone = feature_mlp(images[0].size, WIDTHS, generator=generator)
    network = HeadedNetwork(backbone, LinearHead(WIDTHS[-1], int(labels.max()) + 1, bias=True, generator=generator))
    inputs = torch.from_numpy(np.ascontiguousarray(images))
    train(
        network,
        inputs,
        torch.from_numpy(labels.astype(np.int64)),
        lambda features, logits, labels, head: functional.cross_entropy(logits, labels),
        Schedule(epochs=10, learning_rate=2e-3, batch_size=64),
        generator=generator,
    )
    with torch.no_grad():
        found: npt.NDArray[np.float32] = backbone(torch.from_numpy(others)).numpy()
    return found
