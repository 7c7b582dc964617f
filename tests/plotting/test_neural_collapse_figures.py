"""Texts of the neural-collapse figures are computed from what they draw."""

from __future__ import annotations

from itertools import product

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
import pandas as pd

from repro.plotting import neural_collapse as figures


def test_the_plane_reads_the_scatter_of_every_panel() -> None:
    labels = np.repeat([0, 1, 2], 2)
    corners = np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
    tight = corners[labels]
    loose = tight + np.tile([[0.1, 0.0], [-0.1, 0.0]], (3, 1))
    alt = figures.plane({"before": (loose, corners), "after": (tight, corners)}, labels).alt
    # variance 0.01 within; squared distances from the centre 1, 1.06 and 1.06 on average
    assert "before: scatter within classes 0.0096 of that between them" in alt
    assert "after: scatter within classes 0 of that between them" in alt


def test_the_phase_diagram_counts_marks_on_the_wrong_side() -> None:
    rows = [
        (layers, threshold, size, seed, "accuracy", float(size > threshold) if layers == 1 else 0.0)
        for layers, threshold, size, seed in product((1, 3), (30.0, 50.0), (20, 40, 60), range(2))
    ]
    table = pd.DataFrame(rows, columns=["layers", "threshold", "class_size", "replicate", "metric", "value"])
    alt = figures.phase(table).alt
    assert "1 layer: 0 of 6 on the wrong side" in alt
    assert "3 layers: 3 of 6 on the wrong side" in alt


def test_norms_are_the_closed_forms() -> None:
    alt = figures.norms_by_size([1], lam=1e-3).alt
    # |w|^2 = sqrt(n) - N lambda with equal penalties, N lambda = 0.6; w = sqrt(n) h
    w = np.sqrt(np.sqrt([20.0, 100.0]) - 0.6)
    h = w / np.sqrt([20.0, 100.0])
    assert f"1 layer, row: {w[1] / w[0]:.2f}; 1 layer, feature: {h[1] / h[0]:.2f}" in alt


def test_singular_values_show_losses_and_rank() -> None:
    rows = [(3, place, 0, "singular_value", 14.0 if place <= 5 else 0.0) for place in range(1, 11)]
    rows.append((3, None, 0, "loss", 0.1115))
    table = pd.DataFrame(rows, columns=["layers", "position", "replicate", "metric", "value"])
    alt = figures.singular_values(table, 1e-3).alt
    # values of the specification: frame 0.1406, pairs 0.11140
    assert "3 layers: least loss 0.1115, best simplex frame 0.1406, pairs 0.1114; rank 5 to 5" in alt


def test_traps_read_the_share_learnt() -> None:
    rows = [
        (2, 0.2, scale, size, seed, "learnt", float(scale == 0.3))
        for scale, size, seed in product((0.1, 0.3), (40, 5), range(3))
    ]
    table = pd.DataFrame(rows, columns=["layers", "b", "scale", "class_size", "replicate", "metric", "value"])
    alt = figures.traps(table).alt
    assert "2 layers, start 0.1: 0% learnt on average; 2 layers, start 0.3: 100% learnt" in alt


def test_appearance_names_the_first_epoch_without_error() -> None:
    rows = [
        (epoch, seed, metric, value / (epoch if metric != "error" else 1) if epoch < 40 or metric != "error" else 0.0)
        for epoch, seed, (metric, value) in product(
            (20, 40, 60), range(2), {"error": 0.1, "nc1_quot": 1.0, "nc2_etf_err": 2.0, "nc3_dual_err": 3.0}.items()
        )
    ]
    alt = figures.appearance(pd.DataFrame(rows, columns=["epoch", "replicate", "metric", "value"])).alt
    assert "training error: from 0.1 to 0" in alt
    assert "no training error in any run from epoch 40" in alt


def test_minority_reads_both_cosines() -> None:
    rows = [
        (ratio, 0, metric, value)
        for ratio, (metric, value) in product((2, 200), {"minority_cosine": 0.5, "majority_cosine": -0.4}.items())
    ]
    alt = figures.minority(pd.DataFrame(rows, columns=["ratio", "replicate", "metric", "value"])).alt
    assert "the two small classes: 0.50, 0.50; the two large classes: -0.40, -0.40" in alt


def test_norms_and_distances_are_read_by_depth() -> None:
    columns = ["layers", "class_size", "replicate", "metric", "value"]
    rows = []
    for (layers, lost), seed in product({1: 0.0, 6: 2.0}.items(), range(2)):
        for size, metric in product((100, 500), ("w_norm", "h_norm")):
            rows.append((layers, size, seed, metric, (0.99 + 0.02 * seed) * (0.5 if lost and size == 100 else 1.0)))
        for metric in ("nc2_gof_err_W", "nc2_gof_err", "nc3_gof_err"):
            rows.append((layers, None, seed, metric, 0.2 if lost else 0.002 + 0.001 * seed))
        rows += [(layers, None, seed, "nc2_of_err", 0.3 + seed), (layers, None, seed, "directions_lost", lost)]
    alt = figures.against_prediction(pd.DataFrame(rows, columns=columns)).alt
    assert (
        "1 layer: norms 0.99 to 1.01 of the prediction, distance to the general frame at most 0.003, to the balanced "
        "one at least 0.3, 0 to 0 directions lost"
    ) in alt
    assert "6 layers: norms 0.49 to 1.01 of the prediction, distance to the general frame at most 0.2" in alt
    assert "2 to 2 directions lost" in alt


def test_the_terminal_phase_begins_when_no_run_has_an_error() -> None:
    rows = [
        (network, 3, "mse", bias, epoch, seed, f"course_{metric}", value)
        for (network, bias), epoch, seed in product((("mlp", False), ("resnet18", True)), (50, 150, 250), range(2))
        for metric, value in (
            ("predicted_frame_err", (0.8 if bias else 0.4) / epoch),
            # one of both runs still errs at 150
            ("accuracy", 1.0 if epoch == 250 or (epoch, seed) == (150, 0) else 0.9),
        )
    ]
    columns = ["network", "layers", "loss", "bias", "epoch", "replicate", "metric", "value"]
    end = [("mlp", 3, "mse", False, None, 0, "predicted_frame_err", 0.1)]
    alt = figures.terminal_phase(pd.DataFrame(rows + end, columns=columns)).alt
    assert "perceptron, squared error, 3 layers: from 0.008 to 0.0016" in alt
    assert "perceptron, squared error: no training error in any run from epoch 250" in alt
    assert "ResNet-18, squared error, bias, 3 layers: from 0.016 to 0.0032" in alt
