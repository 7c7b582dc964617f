"""Models of conditional quantiles that this study pools, and all the ways in which it pools them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from repro.quantiles import (
    BoostedQuantiles,
    GaussianQuantiles,
    GlobalAggregator,
    LinearQuantiles,
    NeighbourQuantiles,
    QuantileRegressionAverage,
    pinball_loss,
)
from repro.quantiles.local import LocalAggregator

Floats = npt.NDArray[np.float64]

LEVELS: Final = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
N_FOLDS: Final = 4


def _curved(X: Floats) -> Floats:
    return np.hstack([X, X**2, np.sin(2 * X)])


def base_models(trees: bool) -> dict[str, Any]:
    """Models that are pooled, by name."""
    models: dict[str, Any] = {
        "linear": LinearQuantiles(LEVELS),
        "curved": make_pipeline(FunctionTransformer(_curved), LinearQuantiles(LEVELS)),
        "near_15": NeighbourQuantiles(LEVELS, 15),
        "near_60": NeighbourQuantiles(LEVELS, 60),
        "gaussian": GaussianQuantiles(LEVELS),
    }
    return models | ({"trees": BoostedQuantiles(LEVELS)} if trees else {})


def forecasts(
    models: dict[str, Any], X: Floats, y: Floats, places: list[Floats], generator: np.random.Generator
) -> tuple[Floats, list[Floats]]:
    """Out-of-fold forecasts of the training rows, and those of refitted models elsewhere: (rows, models, levels)."""
    folds = KFold(N_FOLDS, shuffle=True, random_state=int(generator.integers(2**31)))
    held = np.stack([cross_val_predict(model, X, y, cv=folds) for model in models.values()], axis=1)
    fitted = [clone(model).fit(X, y) for model in models.values()]
    return held, [np.stack([model.predict(rows) for model in fitted], axis=1) for rows in places]


def pooled(
    held: Floats, y: Floats, X: Floats, new: Floats, X_new: Floats, seed: int, variant: str | None = None
) -> dict[str, Floats]:
    """Forecasts of new rows by all ways of pooling, before sorting.

    Parameters
    ----------
    held, y, X : ndarray
        Out-of-fold forecasts, responses and features of the training rows.
    new, X_new : ndarray
        Forecasts and features of the new rows.
    seed : int
        Of the networks.
    variant : str or None
        Of the controls one exchanges the weights of the worst and the best model, the other fits the quantile
        regression to responses that are mirrored about their mean.
    """
    losses = pinball_loss(np.repeat(y[:, None], held.shape[1], axis=1), held, LEVELS).mean(axis=(0, 2))
    found = {"average": new.mean(axis=1), "median": np.median(new, axis=1), "best_single": new[:, losses.argmin()]}
    for kind in ("coarse", "medium"):
        model = GlobalAggregator(LEVELS, kind).fit(held, y)
        if variant == "learned_weights_turned_round":
            ends = [losses.argmin(), losses.argmax()]
            model.weights_[ends] = model.weights_[ends[::-1]]
        found[f"global_{kind}"] = model.predict(new)
        found[f"local_{kind}"] = LocalAggregator(LEVELS, kind, random_state=seed).fit(held, y, X).predict(new, X_new)
    mirrored = 2 * y.mean() - y if variant == "qra_misled" else y
    return found | {"qra": QuantileRegressionAverage(LEVELS).fit(held, mirrored).predict(new)}
