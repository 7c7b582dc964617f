"""Findings and numbers of the neural-collapse figures are computed from what they draw."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
import pytest

from repro.plotting import neural_collapse as figures

Read = Callable[..., list[float]]


def test_the_plane_reads_the_scatter_of_every_panel() -> None:
    labels = np.repeat([0, 1, 2], 2)
    corners = np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
    tight = corners[labels]
    loose = tight + np.tile([[0.1, 0.0], [-0.1, 0.0]], (3, 1))
    title = figures.plane({"before": (loose, corners), "after": (tight, corners)}, labels).title
    # variance 0.01 within; squared distances from the centre 1, 1.06 and 1.06 on average
    assert "is 0.0096 at first and 0 in the end" in title


def test_the_phase_diagram_counts_marks_on_the_wrong_side() -> None:
    rows = [
        (layers, threshold, size, seed, "accuracy", float(size > threshold) if layers == 1 else 0.0)
        for layers, threshold, size, seed in product((1, 3), (30.0, 50.0), (20, 40, 60), range(2))
    ]
    table = pd.DataFrame(rows, columns=["layers", "threshold", "class_size", "replicate", "metric", "value"])
    shown = figures.phase(table)
    assert "agree on 9 of 12 classes" in shown.title, "with three layers three of six are on the wrong side"
    assert not shown.table.query("layers == '3 layers'")["learnt"].any()


def test_norms_are_the_closed_forms(read: Read) -> None:
    shown = figures.norms_by_size([1], lam=1e-3)
    # |w|^2 = sqrt(n) - N lambda with equal penalties, N lambda = 0.6; w = sqrt(n) h
    w = np.sqrt(np.sqrt([20.0, 100.0]) - 0.6)
    h = w / np.sqrt([20.0, 100.0])
    assert read(shown, "classifier row", "1 layer", "100") == [pytest.approx(w[1] / w[0], rel=0.004)]
    assert read(shown, "mean feature", "1 layer", "100") == [pytest.approx(h[1] / h[0], rel=0.004)]


def test_singular_values_stand_beside_both_closed_forms(read: Read) -> None:
    rows = [(3, place, 0, "singular_value", 14.0 if place <= 5 else 0.0) for place in range(1, 11)]
    rows.append((3, None, 0, "loss", 0.1115))
    table = pd.DataFrame(rows, columns=["layers", "position", "replicate", "metric", "value"])
    shown = figures.singular_values(table, 1e-3)
    # loss of the best simplex frame, as in the specification: 0.1406
    assert shown.title == "Networks end below the loss of the best simplex frame with 3 layers"
    assert read(shown, "3 layers", "trained networks", "5") == [14]
    assert read(shown, "3 layers", "opposite pairs", "5")[0] > read(shown, "3 layers", "best simplex frame", "9")[0]
    above = table.assign(value=table["value"].where(table["metric"] != "loss", 0.141))
    assert "with no depth of the head" in figures.singular_values(above, 1e-3).title


def test_traps_read_the_share_learnt() -> None:
    rows = [
        (2, 0.2, scale, size, seed, "learnt", float(scale == 0.3))
        for scale, size, seed in product((0.1, 0.3), (40, 5), range(3))
    ]
    table = pd.DataFrame(rows, columns=["layers", "b", "scale", "class_size", "replicate", "metric", "value"])
    assert figures.traps(table).title.endswith("learn 0 % (start 0.1), 100 % (start 0.3)")


def test_appearance_names_the_first_epoch_without_error() -> None:
    rows = [
        (epoch, seed, metric, value / (epoch if metric != "error" else 1) if epoch < 40 or metric != "error" else 0.0)
        for epoch, seed, (metric, value) in product(
            (20, 40, 60), range(2), {"error": 0.1, "nc1_quot": 1.0, "nc2_etf_err": 2.0, "nc3_dual_err": 3.0}.items()
        )
    ]
    table = pd.DataFrame(rows, columns=["epoch", "replicate", "metric", "value"])
    title = figures.appearance(table).title
    assert title == "From epoch 40, the first without a training error, the measures of collapse fall to 67 to 67 %"
    assert "training errors to the end" in figures.appearance(table[table["epoch"] < 40]).title


def test_minority_reads_both_cosines() -> None:
    rows = [
        (ratio, 0, metric, value)
        for ratio, (metric, value) in product((2, 200), {"minority_cosine": 0.5, "majority_cosine": -0.4}.items())
    ]
    title = figures.minority(pd.DataFrame(rows, columns=["ratio", "replicate", "metric", "value"])).title
    assert title.startswith("At ratio 200 the rows of the small classes have a cosine of 0.50")
    assert title.endswith("of \N{MINUS SIGN}0.40")


def test_norms_and_distances_are_read_by_depth(read: Read) -> None:
    columns = ["layers", "class_size", "replicate", "metric", "value"]
    rows = []
    for (layers, lost), seed in product({1: 0.0, 6: 2.0}.items(), range(2)):
        for size, metric in product((100, 500), ("w_norm", "h_norm")):
            rows.append((layers, size, seed, metric, (0.99 + 0.02 * seed) * (0.5 if lost and size == 100 else 1.0)))
        for metric in ("nc2_gof_err_W", "nc2_gof_err", "nc3_gof_err"):
            rows.append((layers, None, seed, metric, 0.2 if lost else 0.002 + 0.001 * seed))
        rows += [(layers, None, seed, "nc2_of_err", 0.3 + seed), (layers, None, seed, "directions_lost", lost)]
    shown = figures.against_prediction(pd.DataFrame(rows, columns=columns))
    assert shown.title.startswith("Norms are 0.49 to 1.01 times the prediction")
    assert shown.title.endswith("the general frame is at most 0.2 away, the balanced one at least 0.3")
    assert read(shown, "mean feature", "6 layers", "100") == pytest.approx([0.5, 0.495, 0.505], abs=0.0006)


def test_the_terminal_phase_begins_when_no_run_has_an_error(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
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
    upright: list[float] = []
    monkeypatch.setattr(figures, "_upright", lambda _, epoch: upright.append(epoch))
    shown = figures.terminal_phase(pd.DataFrame(rows + end, columns=columns))
    assert upright == [250, 250]
    assert shown.title.startswith("2 of 2 networks end nearer to the predicted frame")
    assert read(shown, "perceptron, squared error", "3 layers", "50") == [0.008]
    assert read(shown, "ResNet-18, squared error, bias", "3 layers", "250") == [0.0032]
