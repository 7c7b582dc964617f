"""What networks on the digits do, against the exact optima of unconstrained-feature models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from repro.geometry import ufm_mse
from repro.protocol.experiment import Cell
from repro.protocol.rows import Rows
from repro.studies.neural_collapse.models import PAIRS, WRONG_SIZES, undercut
from repro.studies.neural_collapse.networks import (
    BALANCED,
    IMBALANCED,
    N_CLASSES,
    collapse,
    penalised_mlp,
    seeds_of,
)
from repro.trials import FULL_BATCH, Method, Outputs, Trained, digit_rows, fit

BALANCED_FRAME: Final = "balanced_frame_for_the_general_one"
APPEARANCE: Final = ("nc1_quot", "nc2_etf_err", "nc3_dual_err")


def _trained(cell: Cell, sizes: Sequence[int], method: Method, seed: np.random.SeedSequence, **options: Any) -> Trained:
    """Train on rows of the digits for the epochs of a cell."""
    return fit(digit_rows(sizes), method, FULL_BATCH.of(cell.whole("epochs")), cell, seed=seed, **options)


def _outputs(cell: Cell, sizes: Sequence[int], method: Method, seed: np.random.SeedSequence) -> Outputs:
    return _trained(cell, sizes, method, seed).outputs()


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
    layers, bias, lam = cell.whole("layers"), cell.flag("bias"), cell.number("lam")
    rows = Rows("layers", "bias", layers=layers, bias=bias)
    for replicate, seed in seeds_of(cell):
        trained = _outputs(cell, BALANCED, penalised_mlp(layers, lam, bias=bias), seed)
        found = collapse(trained, ["etf", "of"])
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
        rows.add(values, replicate=replicate)
    return rows.frame()


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
    layers, lam = cell.whole("layers"), cell.number("lam")
    sizes = np.array(IMBALANCED[::-1] if cell.variant == WRONG_SIZES else IMBALANCED)
    optimum = ufm_mse(sizes, [lam] * layers, lam)
    rows = Rows("layers", "class_size", layers=layers)
    for replicate, seed in seeds_of(cell):
        trained = _outputs(cell, IMBALANCED, penalised_mlp(layers, lam), seed)
        found = collapse(trained, ["of", "gof"], optimum)
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
        rows.add(values, replicate=replicate)
        for size in distinct.tolist():
            shares = (float(mean / best) for mean, best in zip(of_size[size], exact[size], strict=True))
            rows.add(dict(zip(("w_norm", "h_norm"), shares, strict=True)), class_size=size, replicate=replicate)
    return rows.frame()


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
    layers, threshold = cell.whole("layers"), cell.number("threshold")
    sizes = np.array(IMBALANCED)
    base = ufm_mse(sizes, [1e-3] * layers, 1e-3).thresholds.class_size
    lam = 1e-3 * (threshold / base) ** (layers / (layers + 1))
    optimum = ufm_mse(sizes, [lam] * layers, lam)
    alive = optimum.alive[::-1] if cell.variant == WRONG_SIZES else optimum.alive
    rows = Rows("layers", "threshold", "class_size", layers=layers, threshold=threshold)
    for replicate, seed in seeds_of(cell):
        trained = _outputs(cell, IMBALANCED, penalised_mlp(layers, lam), seed)
        accuracy = trained.accuracy()
        of_size = {size: float(accuracy[sizes == size].mean()) for size in np.unique(sizes).tolist()}
        expected = {size: bool(alive[sizes == size].any()) for size in of_size}
        is_learnt = {size: value > 0.5 for size, value in of_size.items()}
        values = {
            "misplaced": float(sum(is_learnt[size] != expected[size] for size in of_size)),
            "smallest_learnt": float(min((size for size in of_size if is_learnt[size]), default=max(of_size) + 1)),
            "loss_gap": trained.objective / optimum.loss - 1.0,
        }
        rows.add_curves("class_size", of_size, {"accuracy": of_size.values()}, replicate=replicate)
        rows.add(values, replicate=replicate)
    return rows.frame()


def wrong_sides(table: pd.DataFrame) -> pd.DataFrame:
    """Count class sizes on either side of the threshold, and those that networks put on the wrong one.

    Parameters
    ----------
    table : DataFrame
        Table of :func:`learnt`.

    Returns
    -------
    DataFrame
        By ``layers``: ``above`` and ``below``, class sizes above and below the threshold, each once for every threshold
        and replicate; ``lost``, those above that are not learnt, and ``kept``, those below that are.
    """
    rows = table[table["metric"] == "accuracy"]
    above, is_learnt = rows["class_size"] > rows["threshold"], rows["value"] > 0.5
    counted = {"above": above, "lost": above & ~is_learnt, "below": ~above, "kept": ~above & is_learnt}
    return pd.DataFrame(counted).groupby(rows["layers"].astype(int)).sum().astype(int)


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
    layers, lam = cell.whole("layers"), cell.number("lam")
    rows = Rows("layers", "position", layers=layers)
    for replicate, seed in seeds_of(cell):
        if cell.variant == PAIRS:
            rows.add({"undercut": undercut(np.inf, N_CLASSES, BALANCED[0], 3, lam, paired=True)}, replicate=replicate)
            continue
        trained = _outputs(cell, BALANCED, penalised_mlp(layers, lam, "cross_entropy"), seed)
        below = undercut(trained.objective, N_CLASSES, BALANCED[0], layers, lam)
        rows.add({"loss": trained.objective, "undercut": below}, replicate=replicate)
        singular = np.linalg.svd(trained.W @ trained.class_means().T, compute_uv=False)
        places = range(1, len(singular) + 1)
        rows.add_curves("position", places, {"singular_value": singular}, replicate=replicate)
    return rows.frame()


def _appearance(trained: Trained) -> dict[str, float]:
    outputs = trained.outputs()
    found = collapse(outputs, ["etf"])
    error = float((outputs.logits.argmax(axis=1) != outputs.labels).mean())
    return {"error": error, "nc4_disagreement": 1.0 - found["nc4"], **{name: found[name] for name in APPEARANCE}}


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
    rows = Rows("epoch")
    epochs, every = cell.whole("epochs"), cell.whole("every")
    noted = {*range(every, epochs + 1, every), epochs}
    for replicate, seed in seeds_of(cell):
        method = penalised_mlp(1, cell.number("lam"), bias=True)
        course = _trained(cell, BALANCED, method, seed, note=_appearance, note_after=noted).course
        first = next((values for values in course.values() if values["error"] == 0.0), course[epochs])
        last = course[epochs]
        for epoch, values in course.items():
            rows.add(values, epoch=epoch, replicate=replicate)
        changes = {f"log_change_{name}": float(np.log(last[name] / first[name])) for name in APPEARANCE}
        rows.add(changes, replicate=replicate)
    return rows.frame()
