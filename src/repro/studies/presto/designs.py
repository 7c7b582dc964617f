"""The paper's simulated data: ten uniform columns, four classes, boundaries that differ sparsely or densely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import expit

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]

ROWS: Final = 2500
COLUMNS: Final = 10
ATTEMPTS: Final = 100
"""How often coefficients are drawn anew when boundaries cross in a row."""

REDRAWS: Final = 10
"""How often rows are drawn anew when a class does not occur."""

SPARSITY: Final[Mapping[str, float | None]] = {"sparse 1/2": 1 / 2, "sparse 1/3": 1 / 3, "dense": None}
"""Designs by name, with the probability that an entry of the first weights, or a difference, is not zero."""

_THREE: Final = ("(0, 3, 5)", "(0, 3.5, 5.5)", "(0, 4, 6)")
INTERCEPTS: Final[Mapping[str, tuple[str, ...]]] = {
    "sparse 1/2": _THREE,
    "sparse 1/3": _THREE,
    "dense": ("(0, 2.5, 4.5)", *_THREE),
}
"""Settings of each design from the most to the least frequent rare class."""

RARE_SHARES: Final[Mapping[tuple[str, str], float]] = {
    ("sparse 1/2", "(0, 3, 5)"): 0.011664,
    ("sparse 1/2", "(0, 3.5, 5.5)"): 0.007091,
    ("sparse 1/2", "(0, 4, 6)"): 0.004348,
    ("sparse 1/3", "(0, 3, 5)"): 0.00996,
    ("sparse 1/3", "(0, 3.5, 5.5)"): 0.00614,
    ("sparse 1/3", "(0, 4, 6)"): 0.00370,
    ("dense", "(0, 2.5, 4.5)"): 0.01598,
    ("dense", "(0, 3, 5)"): 0.00994,
    ("dense", "(0, 3.5, 5.5)"): 0.00616,
    ("dense", "(0, 4, 6)"): 0.00364,
}
"""Share of the rare class that the titles of the paper's figures give."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows with their true probabilities.

    Attributes
    ----------
    X : ndarray of shape (n, 10), float64
    y : ndarray of shape (n,), intp
        Classes 0 to 3; 3 is the rare one.
    rare : ndarray of shape (n,), float64
        True probability of the rare class.
    """

    X: Floats
    y: Positions
    rare: Floats


@dataclass(frozen=True, eq=False)
class Truth:
    """Coefficients of the cumulative logit model.

    Attributes
    ----------
    intercept : ndarray of shape (3,), float64
    coef : ndarray of shape (3, 10), float64
        Weights by boundary.
    """

    intercept: Floats
    coef: Floats

    def cumulative(self, X: Floats) -> Floats:
        """P(y <= k | x) for k = 1, 2, 3, shape (n, 3)."""
        probabilities: Floats = expit(self.intercept + X @ self.coef.T)
        return probabilities

    def sample(self, rows: int, generator: np.random.Generator) -> Sample:
        """Draw rows; their boundaries may cross."""
        X = generator.uniform(-1.0, 1.0, (rows, COLUMNS))
        cumulative = self.cumulative(X)
        y = (generator.random(rows)[:, np.newaxis] > cumulative).sum(axis=1)
        return Sample(X, y, 1.0 - cumulative[:, -1])

    def is_valid(self, X: Floats) -> bool:
        """Whether no class has a negative probability in any row."""
        return bool((np.diff(self.cumulative(X), axis=1) >= 0).all())


def draw_truth(design: str, intercepts: str, generator: np.random.Generator) -> Truth:
    """Draw coefficients: the first weights, and what every further boundary adds to the one before.

    Parameters
    ----------
    design : str
        Key of :data:`SPARSITY`. Sparse: entries are 0.5 with that probability, differences +0.5 or -0.5. Dense: all
        uniform on (-0.5, 0.5).
    intercepts : str
        Three numbers in parentheses, separated by commas.
    generator : Generator
    """
    share = SPARSITY[design]
    if share is None:
        steps = generator.uniform(-0.5, 0.5, (3, COLUMNS))
    else:
        steps = np.where(generator.random((3, COLUMNS)) < share, 0.5, 0.0)
        steps[1:] *= generator.choice([-1.0, 1.0], (2, COLUMNS))
    return Truth(np.array([float(text) for text in intercepts.strip("()").split(",")]), steps.cumsum(axis=0))


def draw_problem(design: str, intercepts: str, generator: np.random.Generator) -> tuple[Truth, Sample]:
    """Draw coefficients and 2,500 rows as the paper does.

    Coefficients and columns are drawn anew, up to 100 times, while a class probability of a row is negative; columns
    and classes, up to 10 times, until all four classes occur.

    Returns
    -------
    Truth
    Sample

    Raises
    ------
    RuntimeError
        If the attempts are used up.
    """
    for _ in range(ATTEMPTS):
        truth = draw_truth(design, intercepts, generator)
        sample = truth.sample(ROWS, generator)
        if not truth.is_valid(sample.X):
            continue
        for _ in range(REDRAWS):
            if np.bincount(sample.y, minlength=4).all() and truth.is_valid(sample.X):
                return truth, sample
            sample = truth.sample(ROWS, generator)
    raise RuntimeError(f"{design}, intercepts {intercepts}: no valid problem in {ATTEMPTS} attempts")
