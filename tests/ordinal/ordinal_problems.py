"""Reference problems, random problems, and the objective of equation (3) written down a second time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("p0*.json"))


def load(path: Path) -> dict[str, Any]:
    """A reference problem with its lists as arrays."""
    problem: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    problem["X"], problem["y"] = np.array(problem["X"], dtype=float), np.array(problem["y"])
    return problem


def draw(seed: int, n: int = 120, p: int = 4, n_classes: int = 4, strength: float = 1.0) -> tuple[Any, Any]:
    """Rows from a model whose weights differ between boundaries; every class occurs."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, p)) * generator.uniform(0.3, 3.0, p) + generator.normal(size=p)
    centred = (X - X.mean(axis=0)) / X.std(axis=0)
    score = strength * centred @ generator.normal(size=p) / np.sqrt(p) + generator.logistic(size=n) * (
        1 + 0.5 * (centred[:, 0] > 0)
    )
    # cut so that the last class is the rarest
    shares = np.cumsum(np.arange(n_classes, 0, -1) / np.arange(n_classes, 0, -1).sum())[:-1]
    return X, np.searchsorted(np.quantile(score, shares), score)


def naive_probabilities(X: Any, intercept: Any, coef: Any) -> Any:
    """Differences of cumulative probabilities, as in equation (1)."""
    cumulative = expit(X @ np.atleast_2d(coef).T + intercept)
    return np.diff(cumulative, axis=1, prepend=0.0, append=1.0)


def naive_objective(
    X: Any,
    y: Any,
    intercept: Any,
    coef: Any,
    *,
    lam: float,
    l1_ratio: float = 1.0,
    level_penalty: float = 1.0,
    standardize: bool = True,
    weight: Any = None,
) -> float:
    """Equation (3) for classes 0, ..., K - 1."""
    weight = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=float)
    weight = weight / weight.sum()
    loss = -(weight * np.log(naive_probabilities(X, intercept, coef)[np.arange(len(y)), y])).sum()
    mean = weight @ X
    deviation = np.sqrt(weight @ (X - mean) ** 2) if standardize else np.ones(X.shape[1])
    psi = np.diff(coef * deviation, axis=0, prepend=0.0)
    size = np.full(len(psi), lam)
    size[0] *= level_penalty
    return float(loss + (size[:, None] * (l1_ratio * np.abs(psi) + 0.5 * (1 - l1_ratio) * psi**2)).sum())
