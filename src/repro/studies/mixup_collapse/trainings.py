"""What networks that are trained with mixup do, against the same networks trained without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy.special import softmax

from repro.geometry import mixup_ufm
from repro.metrics import reliability
from repro.protocol.experiment import Cell, Parameters, child_seed
from repro.protocol.rows import Rows
from repro.studies.mixup_collapse.exact import CHORD, OTHER_PARTNERS
from repro.studies.mixup_collapse.measures import MIX_WEIGHTS, N_PAIRS, Floats, Geometry, measure_geometry
from repro.studies.mixup_collapse.networks import (
    BATCH,
    DIGITS,
    FRAME_LAMBDA_H,
    FRAME_NORM,
    N_CLASSES,
    mixed,
    recipe_of,
    task_of,
)
from repro.trials import ImageTask, Trained, calibration_measures, cross_fitted, fit
from repro.trials.measures import share_right

if TYPE_CHECKING:
    from repro.training.objectives import Loss

SUMS: Final = "sums_in_place_of_means"
OTHER_PENALTY: Final = "curve_of_another_penalty"
SCALED_GUESS: Final = "scaled_to_a_guess"

N_TRAIN: Final = 1500
CHECKPOINT_EVERY: Final = 10
CONCENTRATIONS: Final[Mapping[str, float | None]] = {"erm": None, "mixup": 1.0, "mild_mixup": 0.2}
"""Ways of training: empirical risk minimisation (no mixup), and mixup with t from Beta(a, a)."""


def downloads(parameters: Parameters) -> tuple[str, ...]:
    """List the registered data sets that a cell reads; the digits come with scikit-learn."""
    return () if parameters["data"] == DIGITS else (str(parameters["data"]),)


def _prepare(cell: Cell, n_train: int) -> tuple[ImageTask, np.random.SeedSequence, np.random.Generator]:
    """Task, seed of the training and draws of the evaluation: the same for every way of training, so that they pair."""
    seed = np.random.SeedSequence(cell.seed)
    divide, train, evaluate = (child_seed(seed, cell.whole("seed"), number) for number in range(3))
    task = task_of(cell.text("data"), n_train, int(divide.generate_state(1)[0]))
    return task, train, np.random.default_rng(evaluate)


def _checkpoints(cell: Cell) -> int:
    return 0 if cell.text("data") == DIGITS else CHECKPOINT_EVERY


def curve_deviation(alpha: Floats, penalty: float = FRAME_LAMBDA_H) -> float:
    """Largest distance of a curve alpha(t) to that of the exact model with ten classes, over the exact alpha(1).

    Parameters
    ----------
    alpha : ndarray of shape (T,)
        At the weights :data:`repro.studies.mixup_collapse.measures.MIX_WEIGHTS`.
    penalty : float
        lambda_H of the exact model.
    """
    exact = np.array([mixup_ufm(N_CLASSES, FRAME_NORM, penalty, t).alpha for t in MIX_WEIGHTS])
    return float(np.abs(alpha - exact).max() / exact[-1])


def _falsified(geometry: Geometry, variant: str | None) -> Geometry:
    if variant == CHORD:
        return geometry.on_the_chord().in_another_span()
    return geometry.at_the_sum() if variant == SUMS else geometry


def geometry_of(trained: Trained, seed: int, *, n_pairs: int = N_PAIRS, other_partners: bool = False) -> Geometry:
    """Measure features of mixes of the rows that a network was trained on.

    Parameters
    ----------
    trained : Trained
    seed : int
        Draws the pairs.
    n_pairs : int, default=1500
        Pairs within and across classes.
    other_partners : bool, default=False
        As in :func:`repro.studies.mixup_collapse.measures.measure_geometry`.
    """
    return measure_geometry(
        lambda inputs: trained.embed(inputs)[0],
        trained.classifier(),
        trained.prepared(trained.task.inputs),
        trained.task.labels,
        np.random.default_rng(seed),
        n_pairs=n_pairs,
        other_partners=other_partners,
    )


def features(cell: Cell) -> pd.DataFrame:
    """Train with or without mixup and measure where the features of mixed training rows lie.

    Both kinds of network are given the same mixes.

    Parameters
    ----------
    cell : Cell
        Parameters ``method`` ("mixup" or "erm"), ``loss``, ``head`` ("trained" or "frozen frame"), ``data``,
        ``epochs``, ``every`` (epochs between two measurements, 0 for none) and ``seed``.

    Returns
    -------
    DataFrame
        Columns ``method, loss, head, epoch, t, replicate, metric, value``: at the end the measures of
        :meth:`repro.studies.mixup_collapse.measures.Geometry.summary`, ``same_class_misalignment`` (1 minus the
        cosine), ``accuracy`` on test rows, ``row_norm`` (mean norm of the classifier's rows) and, under a frozen frame,
        ``curve_deviation``; by t the curves of :meth:`repro.studies.mixup_collapse.measures.Geometry.curves`; by epoch
        ``course_<measure>``.
    """
    variant, method, head = cell.variant, cell.text("method"), cell.text("head")
    epochs, every, frozen = cell.whole("epochs"), cell.whole("every"), head == "frozen frame"
    loss: Loss = "cross_entropy" if cell.text("loss") == "cross_entropy" else "mse"
    task, seed, generator = _prepare(cell, N_TRAIN)
    of_pairs = int(generator.integers(2**32))

    def measured(trained: Trained) -> Geometry:
        geometry = geometry_of(trained, of_pairs, other_partners=variant == OTHER_PARTNERS)
        return _falsified(geometry, variant)

    trained = fit(
        task,
        mixed(CONCENTRATIONS[method], loss, frozen_frame=frozen, data=cell.text("data")),
        recipe_of(cell.text("data"), epochs),
        cell,
        seed=seed,
        note=lambda trained: measured(trained).summary(),
        note_after={*range(every, epochs + 1, every), epochs} if every else (),
        checkpoint_every=_checkpoints(cell),
    )
    settings = ("method", "loss", "head", "epoch", "t")
    rows = Rows(*settings, method=method, loss=cell.text("loss"), head=head, replicate=cell.whole("seed"))
    for epoch, noted in trained.course.items():
        rows.add({f"course_{name}": value for name, value in noted.items()}, epoch=epoch)
    geometry = measured(trained)
    values = geometry.summary()
    values["same_class_misalignment"] = 1.0 - values["same_class_cosine"]
    values["row_norm"] = float(np.linalg.norm(geometry.W, axis=1).mean())
    values["accuracy"] = share_right(trained.test_logits(), task.test_labels)
    curves = geometry.curves()
    if frozen:
        penalty = FRAME_LAMBDA_H * (100.0 if variant == OTHER_PENALTY else 1.0)
        values["curve_deviation"] = curve_deviation(curves["alpha"], penalty)
    rows.add(values)
    rows.add_curves("t", MIX_WEIGHTS, curves)
    return rows.frame()


def calibration(cell: Cell) -> pd.DataFrame:
    """Train with or without mixup and judge the probabilities of rows that were not trained on.

    Parameters
    ----------
    cell : Cell
        Parameters ``method`` (key of :data:`CONCENTRATIONS`), ``rows`` for training, ``data``, ``steps`` (batches in
        all, so that few rows are trained on as long as many) and ``seed``.

    Returns
    -------
    DataFrame
        Columns ``rows, method, bin, replicate, metric, value``: the measures of
        :func:`repro.trials.calibration_measures` for the method and for
        ``<method>_temperature``, whose logits are divided by a temperature fitted on the other half of the test rows,
        ``temperature`` itself, and by bin of the confidence ``bin_confidence``, ``bin_accuracy`` and ``bin_share``.
    """
    method, n_train, data = cell.text("method"), cell.whole("rows"), cell.text("data")
    task, seed, generator = _prepare(cell, n_train)
    epochs = round(cell.whole("steps") / np.ceil(len(task.labels) / BATCH))
    way, recipe = mixed(CONCENTRATIONS[method], data=data), recipe_of(data, epochs)
    logits = fit(task, way, recipe, cell, seed=seed, checkpoint_every=_checkpoints(cell)).test_logits()
    labels = task.test_labels
    scaled, temperature = cross_fitted(labels, logits, generator)
    if cell.variant == SCALED_GUESS:
        scaled = softmax(1e-6 * logits, axis=1)
    of_method = {
        method: softmax(logits, axis=1),
        f"{method}_temperature": scaled,
    }
    rows = Rows("rows", "method", "bin", rows=n_train, replicate=cell.whole("seed"))
    rows.add({"temperature": temperature}, method=f"{method}_temperature")
    for name, probability in of_method.items():
        rows.add(calibration_measures(labels, probability), method=name)
        confidence, right, count = reliability(labels, probability)
        for place in np.flatnonzero(count):
            rows.add(
                {
                    "bin_confidence": float(confidence[place]),
                    "bin_accuracy": float(right[place]),
                    "bin_share": float(count[place] / count.sum()),
                },
                method=name,
                bin=int(place) + 1,
            )
    return rows.frame()
