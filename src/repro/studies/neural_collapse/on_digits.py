"""What networks on the digits do, against the exact optima of unconstrained-feature models."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from repro.geometry import ufm_mse
from repro.protocol.experiment import Cell
from repro.studies.neural_collapse.models import PAIRS, WRONG_SIZES, undercut
from repro.studies.neural_collapse.networks import (
    BALANCED,
    IMBALANCED,
    N_CLASSES,
    Setting,
    Trained,
    seeds_of,
    train_on_digits,
)

BALANCED_FRAME: Final = "balanced_frame_for_the_general_one"


def _whole(cell: Cell, name: str) -> int:
    return int(cell.parameters[name] or 0)


def _real(cell: Cell, name: str) -> float:
    value = cell.parameters[name]
    assert isinstance(value, float)
    return value


def balanced(cell: Cell) -> pd.DataFrame:
    """Train on 60 rows of every digit, with squared error, and compare with both frames.

    Parameters
    ----------
    cell : Cell
        Parameters ``layers``, ``bias``, ``lam``, ``epochs`` and ``seeds``.

    Returns
    -------
    DataFrame
        Columns ``layers, bias, replicate, metric, value``: ``predicted_frame_err``, the largest distance of features,
        classifier and their product to the frame that the theory predicts (orthogonal without, simplex with a bias),
        ``other_frame_err``, the largest to the other one, ``nc1_quot``, ``accuracy``, ``loss_gap``.
    """
    layers, bias, lam = _whole(cell, "layers"), bool(cell.parameters["bias"]), _real(cell, "lam")
    rows: list[tuple[int, bool, int, str, float]] = []
    for replicate, seed in seeds_of(cell):
        trained = train_on_digits(Setting(BALANCED, layers, lam, _whole(cell, "epochs"), bias=bias), seed)
        found = trained.measures(["etf", "of"])
        simplex = [found[name] for name in ("nc2_etf_err", "nc2_etf_err_W", "nc3_dual_err")]
        orthogonal = [found[name] for name in ("nc2_of_err", "nc2_of_err_W", "nc3_of_err")]
        predicted, other = (simplex, orthogonal) if bias else (orthogonal, simplex)
        optimum = ufm_mse(BALANCED, [lam] * layers, lam, bias=bias)
        values = {
            "predicted_frame_err": max(predicted),
            "other_frame_err": max(other),
            "nc1_quot": found["nc1_quot"],
            "accuracy": float(trained.accuracy().mean()),
            "loss_gap": trained.objective / optimum.loss - 1.0,
        }
        rows += [(layers, bias, replicate, name, value) for name, value in values.items()]
    return pd.DataFrame(rows, columns=["layers", "bias", "replicate", "metric", "value"])


def imbalanced(cell: Cell) -> pd.DataFrame:
    """Train on 20 to 100 rows a digit, without a bias, and compare with the general orthogonal frame.

    Parameters
    ----------
    cell : Cell
        Parameters ``layers``, ``lam``, ``epochs`` and ``seeds``.

    Returns
    -------
    DataFrame
        Columns ``layers, class_size, replicate, metric, value``: the measures ``nc1_quot``, ``nc2_gof_err_W``,
        ``nc2_gof_err``, ``nc3_gof_err``, ``nc2_of_err``, ``of_shortfall`` (0.1 minus the latter, at least 0),
        ``loss_gap`` and ``order_violations`` (pairs of neighbouring sizes whose mean norms of rows or features are not
        in the order of the theory); by class size the mean ``w_norm`` and ``h_norm`` over those of the optimum.
    """
    layers, lam = _whole(cell, "layers"), _real(cell, "lam")
    sizes = np.array(IMBALANCED[::-1] if cell.variant == WRONG_SIZES else IMBALANCED)
    optimum = ufm_mse(sizes, [lam] * layers, lam)
    rows: list[tuple[int, int | None, int, str, float]] = []
    for replicate, seed in seeds_of(cell):
        trained = train_on_digits(Setting(IMBALANCED, layers, lam, _whole(cell, "epochs")), seed)
        found = trained.measures(["of", "gof"], optimum)
        w, h = np.linalg.norm(trained.W, axis=1), np.linalg.norm(trained.class_means(), axis=1)
        distinct = np.unique(sizes)
        of_size = {size: (w[sizes == size].mean(), h[sizes == size].mean()) for size in distinct.tolist()}
        exact = {
            size: (optimum.w_norms[sizes == size][0], optimum.h_norms[sizes == size][0]) for size in distinct.tolist()
        }
        steps = np.diff([of_size[size] for size in distinct.tolist()], axis=0)
        wanted = np.diff([exact[size] for size in distinct.tolist()], axis=0)
        values = {
            name: found[name] for name in ("nc1_quot", "nc2_gof_err_W", "nc2_gof_err", "nc3_gof_err", "nc2_of_err")
        }
        if cell.variant == BALANCED_FRAME:
            values |= dict.fromkeys(("nc2_gof_err_W", "nc2_gof_err", "nc3_gof_err"), found["nc2_of_err"])
            values["nc2_of_err"] = 0.0
        values["of_shortfall"] = max(0.0, 0.1 - values["nc2_of_err"])
        values["loss_gap"] = trained.objective / optimum.loss - 1.0
        values["order_violations"] = float((np.sign(steps) != np.sign(wanted)).sum())
        rows += [(layers, None, replicate, name, value) for name, value in values.items()]
        for size in distinct.tolist():
            rows.append((layers, size, replicate, "w_norm", float(of_size[size][0] / exact[size][0])))
            rows.append((layers, size, replicate, "h_norm", float(of_size[size][1] / exact[size][1])))
    return pd.DataFrame(rows, columns=["layers", "class_size", "replicate", "metric", "value"])


def learnt(cell: Cell) -> pd.DataFrame:
    """Train with a penalty at which the theory says that small classes are not learnt.

    Parameters
    ----------
    cell : Cell
        Parameters ``layers``, ``threshold`` (class size below which classes are dead at the optimum), ``epochs`` and
        ``seeds``.

    Returns
    -------
    DataFrame
        Columns ``layers, threshold, class_size, replicate, metric, value``. By class size the mean ``accuracy`` on the
        training rows; ``misplaced``, the number of class sizes that are learnt (accuracy above one half) although they
        are below the threshold, or not learnt although above it; ``smallest_learnt``; ``loss_gap``.
    """
    layers, threshold = _whole(cell, "layers"), _real(cell, "threshold")
    sizes = np.array(IMBALANCED)
    base = ufm_mse(sizes, [1e-3] * layers, 1e-3).thresholds.class_size
    lam = 1e-3 * (threshold / base) ** (layers / (layers + 1))
    optimum = ufm_mse(sizes, [lam] * layers, lam)
    alive = optimum.alive[::-1] if cell.variant == WRONG_SIZES else optimum.alive
    rows: list[tuple[int, float, int | None, int, str, float]] = []
    for replicate, seed in seeds_of(cell):
        trained = train_on_digits(Setting(IMBALANCED, layers, lam, _whole(cell, "epochs")), seed)
        accuracy = trained.accuracy()
        of_size = {size: float(accuracy[sizes == size].mean()) for size in np.unique(sizes).tolist()}
        expected = {size: bool(alive[sizes == size].any()) for size in of_size}
        is_learnt = {size: value > 0.5 for size, value in of_size.items()}
        values = {
            "misplaced": float(sum(is_learnt[size] != expected[size] for size in of_size)),
            "smallest_learnt": float(min((size for size in of_size if is_learnt[size]), default=max(of_size) + 1)),
            "loss_gap": trained.objective / optimum.loss - 1.0,
        }
        rows += [(layers, threshold, size, replicate, "accuracy", value) for size, value in of_size.items()]
        rows += [(layers, threshold, None, replicate, name, value) for name, value in values.items()]
    return pd.DataFrame(rows, columns=["layers", "threshold", "class_size", "replicate", "metric", "value"])


def cross_entropy(cell: Cell) -> pd.DataFrame:
    """Train a linear head of several layers with cross-entropy on balanced digits and look at loss and rank.

    Parameters
    ----------
    cell : Cell
        Parameters ``layers``, ``lam``, ``epochs`` and ``seeds``.

    Returns
    -------
    DataFrame
        Columns ``layers, position, replicate, metric, value``: ``undercut``, how far the loss lies below that of the
        best simplex frame, relative to it; ``loss``; by position the ``singular_value`` of the class means' logits.
    """
    layers, lam = _whole(cell, "layers"), _real(cell, "lam")
    rows: list[tuple[int, int | None, int, str, float]] = []
    for replicate, seed in seeds_of(cell):
        if cell.variant == PAIRS:
            value = undercut(np.inf, N_CLASSES, BALANCED[0], 3, lam, paired=True)
            rows.append((layers, None, replicate, "undercut", value))
            continue
        trained = train_on_digits(Setting(BALANCED, layers, lam, _whole(cell, "epochs"), "cross_entropy"), seed)
        rows.append((layers, None, replicate, "loss", trained.objective))
        value = undercut(trained.objective, N_CLASSES, BALANCED[0], layers, lam)
        rows.append((layers, None, replicate, "undercut", value))
        singular = np.linalg.svd(trained.W @ trained.class_means().T, compute_uv=False)
        rows += [
            (layers, place, replicate, "singular_value", float(one)) for place, one in enumerate(singular, start=1)
        ]
    return pd.DataFrame(rows, columns=["layers", "position", "replicate", "metric", "value"])


APPEARANCE: Final = ("nc1_quot", "nc2_etf_err", "nc3_dual_err")


def appearance(cell: Cell) -> pd.DataFrame:
    """Follow the measures of collapse through a training on balanced digits with a bias.

    Parameters
    ----------
    cell : Cell
        Parameters ``lam``, ``epochs``, ``every`` and ``seeds``.

    Returns
    -------
    DataFrame
        Columns ``epoch, replicate, metric, value``: by epoch ``error`` on the training rows, ``nc1_quot``,
        ``nc2_etf_err``, ``nc3_dual_err`` and ``nc4_disagreement``; without epoch ``log_change_<measure>``, the
        logarithm of the last value over that at the first epoch without training error.
    """
    rows: list[tuple[int | None, int, str, float]] = []
    for replicate, seed in seeds_of(cell):
        history: list[dict[str, Any]] = []

        def note(epoch: int, trained: Trained, history: list[dict[str, Any]] = history) -> None:
            found = trained.measures(["etf"])
            error = float((trained.logits.argmax(axis=1) != trained.labels).mean())
            kept = {name: found[name] for name in APPEARANCE}
            history.append({"epoch": epoch, "error": error, "nc4_disagreement": 1.0 - found["nc4"], **kept})

        setting = Setting(BALANCED, 1, _real(cell, "lam"), _whole(cell, "epochs"), bias=True)
        train_on_digits(setting, seed, watch=note, watch_every=_whole(cell, "every"))
        first = next((entry for entry in history if entry["error"] == 0.0), history[-1])
        last = history[-1]
        rows += [
            (entry["epoch"], replicate, name, float(value))
            for entry in history
            for name, value in entry.items()
            if name != "epoch"
        ]
        rows += [
            (None, replicate, f"log_change_{name}", float(np.log(last[name] / first[name]))) for name in APPEARANCE
        ]
    return pd.DataFrame(rows, columns=["epoch", "replicate", "metric", "value"])
