"""What networks that are trained with mixup do, against the same networks trained without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import softmax

from repro.geometry import mixup_ufm
from repro.metrics import reliability
from repro.protocol.experiment import Cell, Parameters
from repro.studies.mixup_collapse.exact import CHORD, OTHER_PARTNERS
from repro.studies.mixup_collapse.measures import (
    MIX_WEIGHTS,
    N_PAIRS,
    Floats,
    Geometry,
    calibration_measures,
    cross_fitted,
    measure_geometry,
)
from repro.studies.mixup_collapse.networks import (
    BATCH,
    FRAME_LAMBDA_H,
    FRAME_NORM,
    N_CLASSES,
    Setting,
    Split,
    Trained,
    split_of,
    train_with_mixup,
)

SUMS: Final = "sums_in_place_of_means"
OTHER_PENALTY: Final = "curve_of_another_penalty"
GUESS: Final = "confidence_of_a_guess"
SCALED_GUESS: Final = "scaled_to_a_guess"

N_TRAIN: Final = 1500
CONCENTRATIONS: Final[Mapping[str, float | None]] = {"erm": None, "mixup": 1.0, "mild_mixup": 0.2}
"""Ways of training: empirical risk minimisation (no mixup), and mixup with t from Beta(a, a)."""


def downloads(parameters: Parameters) -> tuple[str, ...]:
    """List the registered data sets that a cell reads; the digits come with scikit-learn."""
    return () if parameters["data"] == "digits" else (str(parameters["data"]),)


def _whole(cell: Cell, name: str) -> int:
    return int(cell.parameters[name] or 0)


def _seeds(cell: Cell) -> tuple[int, np.random.SeedSequence, np.random.Generator]:
    """Draw seeds of division, training and evaluation: the same for every way of training, so that they are paired."""
    divide, train, evaluate = np.random.SeedSequence(cell.seed, spawn_key=(_whole(cell, "seed"),)).spawn(3)
    return int(divide.generate_state(1)[0]), train, np.random.default_rng(evaluate)


def _prepare(cell: Cell, n_train: int) -> tuple[Split, np.random.SeedSequence, np.random.Generator]:
    of_split, of_training, generator = _seeds(cell)
    return split_of(str(cell.parameters["data"]), n_train, of_split), of_training, generator


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


def geometry_of(
    trained: Trained, split: Split, seed: int, *, n_pairs: int = N_PAIRS, other_partners: bool = False
) -> Geometry:
    """Measure features of mixes of the training rows of a network.

    Parameters
    ----------
    trained : Trained
    split : Split
    seed : int
        Draws the pairs.
    n_pairs : int, default=1500
        Pairs within and across classes.
    other_partners : bool, default=False
        As in :func:`repro.studies.mixup_collapse.measures.measure_geometry`.
    """
    return measure_geometry(
        lambda inputs: trained.outputs(inputs)[0],
        trained.classifier(),
        trained.prepared(split.inputs),
        split.labels,
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
    parameters, variant = cell.parameters, cell.variant
    method, loss, head = str(parameters["method"]), str(parameters["loss"]), str(parameters["head"])
    split, seed, generator = _prepare(cell, N_TRAIN)
    setting = Setting(
        _whole(cell, "epochs"),
        CONCENTRATIONS[method],
        "cross_entropy" if loss == "cross_entropy" else "mse",
        frozen_frame=head == "frozen frame",
        data=str(parameters["data"]),
    )
    of_pairs = int(generator.integers(2**32))

    def measured(trained: Trained) -> Geometry:
        geometry = geometry_of(trained, split, of_pairs, other_partners=variant == OTHER_PARTNERS)
        return _falsified(geometry, variant)

    rows: list[tuple[int | None, float | None, str, float]] = []

    def watch(done: int, trained: Trained) -> None:
        if parameters["every"]:
            rows.extend((done, None, f"course_{name}", one) for name, one in measured(trained).summary().items())

    trained = train_with_mixup(
        setting,
        split,
        seed,
        watch=watch,
        watch_every=_whole(cell, "every"),
        device=cell.device,
        checkpoint=None if cell.scratch is None or setting.data == "digits" else cell.scratch / "network.pt",
    )
    geometry = measured(trained)
    values = geometry.summary()
    values["same_class_misalignment"] = 1.0 - values["same_class_cosine"]
    values["row_norm"] = float(np.linalg.norm(geometry.W, axis=1).mean())
    logits = trained.outputs(trained.prepared(split.test_inputs))[1]
    values["accuracy"] = float((logits.argmax(axis=1) == split.test_labels).mean())
    curves = geometry.curves()
    if setting.frozen_frame:
        penalty = FRAME_LAMBDA_H * (100.0 if variant == OTHER_PENALTY else 1.0)
        values["curve_deviation"] = curve_deviation(curves["alpha"], penalty)
    rows += [(None, None, name, value) for name, value in values.items()]
    rows += [
        (None, t, name, float(value))
        for name, curve in curves.items()
        for t, value in zip(MIX_WEIGHTS, curve, strict=True)
    ]
    return pd.DataFrame(
        [(method, loss, head, epoch, t, parameters["seed"], name, value) for epoch, t, name, value in rows],
        columns=["method", "loss", "head", "epoch", "t", "replicate", "metric", "value"],
    )


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
        :func:`repro.studies.mixup_collapse.measures.calibration_measures` for the method and for
        ``<method>_temperature``, whose logits are divided by a temperature fitted on the other half of the test rows,
        ``temperature`` itself, and by bin of the confidence ``bin_confidence``, ``bin_accuracy`` and ``bin_share``.
    """
    method, n_train = str(cell.parameters["method"]), _whole(cell, "rows")
    split, seed, generator = _prepare(cell, n_train)
    epochs = round(_whole(cell, "steps") / np.ceil(len(split.labels) / BATCH))
    setting = Setting(epochs, CONCENTRATIONS[method], data=str(cell.parameters["data"]))
    trained = train_with_mixup(
        setting,
        split,
        seed,
        device=cell.device,
        checkpoint=None if cell.scratch is None or setting.data == "digits" else cell.scratch / "network.pt",
    )
    logits = trained.outputs(trained.prepared(split.test_inputs))[1]
    labels = split.test_labels
    scaled, temperature = cross_fitted(labels, logits, generator)
    guess = softmax(1e-6 * logits, axis=1)
    of_method = {
        method: guess if cell.variant == GUESS and method == "mixup" else softmax(logits, axis=1),
        f"{method}_temperature": guess if cell.variant == SCALED_GUESS else scaled,
    }
    rows: list[tuple[str, int | None, str, Any]] = [(f"{method}_temperature", None, "temperature", temperature)]
    for name, probability in of_method.items():
        rows += [(name, None, metric, value) for metric, value in calibration_measures(labels, probability).items()]
        confidence, accuracy, count = reliability(labels, probability)
        for place in np.flatnonzero(count):
            rows.append((name, int(place) + 1, "bin_confidence", float(confidence[place])))
            rows.append((name, int(place) + 1, "bin_accuracy", float(accuracy[place])))
            rows.append((name, int(place) + 1, "bin_share", float(count[place] / count.sum())))
    return pd.DataFrame(
        [(n_train, name, place, cell.parameters["seed"], metric, value) for name, place, metric, value in rows],
        columns=["rows", "method", "bin", "replicate", "metric", "value"],
    )
