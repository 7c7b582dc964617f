"""Tasks of the study `subpopulation_curve`: digits with a cue that agrees with the class, digits with a rare kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from repro.data import load, load_images

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

RARE: Final = (2, 7)
RARE_SHARE: Final = 0.1
PATCH: Final = 3
"""Rows and columns of the patch on MNIST."""


@dataclass(frozen=True, eq=False)
class GroupTask:
    """Rows of two classes in two groups.

    Attributes
    ----------
    X, X_test : ndarray of shape (n, n_features), float32
    y, y_test : ndarray of shape (n,), bool
    minority, minority_test : ndarray of shape (n,), bool
    """

    X: Floats
    y: Flags
    minority: Flags
    X_test: Floats
    y_test: Flags
    minority_test: Flags


def _pixels(data: str) -> tuple[Floats, npt.NDArray[np.intp]]:
    if data == "mnist_patch":
        images = load_images("mnist-subset")
        return (images.images.reshape(len(images.labels), -1) / 255).astype(np.float32), images.labels.astype(np.intp)
    digits = load("digits")
    return (digits.features.to_numpy() / 16).astype(np.float32), np.asarray(digits.target, dtype=np.intp)


def _with_cue(data: str, X: Floats, says: Flags, amplitude: float, generator: np.random.Generator) -> Floats:
    """Two noisy columns that speak for a class, or a patch in one of two corners of MNIST."""
    if data == "mnist_patch":
        images = X.reshape(-1, 28, 28).copy()
        images[~says, :PATCH, :PATCH] = amplitude
        images[says, :PATCH, -PATCH:] = amplitude
        return images.reshape(X.shape)
    cue = amplitude * (2.0 * says[:, None] - 1 + generator.standard_normal((len(X), 2)))
    return np.hstack([X, cue.astype(np.float32)])


def group_task(data: str, agreement: float, amplitude: float, generator: np.random.Generator) -> GroupTask:
    """Divide digits into training and test rows; the class is whether a digit is above 4.

    Parameters
    ----------
    data : "cue_digits", "rare_digits" or "mnist_patch"
        With a cue; without one, where 2 and 7 make a tenth of their class in training; MNIST with a patch as cue.
    agreement : float
        Share of the training rows whose cue agrees with the class, exactly; of the test rows one half.
    amplitude : float
        Size of the cue and of its noise.
    generator : Generator
    """
    X, digits = _pixels(data)
    order = generator.permutation(len(X))
    X, digits = X[order], digits[order]
    y, train = digits >= 5, np.arange(len(X)) < len(X) // 2
    if data == "rare_digits":
        minority = np.isin(digits, RARE)
        kept = train & ~minority
        for side in (False, True):
            rows = np.flatnonzero(minority & (y == side))
            wanted = round(RARE_SHARE / (1 - RARE_SHARE) * int((kept & (y == side)).sum()))
            train[rows] = np.arange(len(rows)) < wanted
    else:
        minority = np.zeros(len(X), dtype=bool)
        for rows, share in ((np.flatnonzero(train), agreement), (np.flatnonzero(~train), 0.5)):
            minority[rows] = generator.permutation(len(rows)) >= round(share * len(rows))
        X = _with_cue(data, X, y ^ minority, amplitude, generator)
    return GroupTask(X[train], y[train], minority[train], X[~train], y[~train], minority[~train])
