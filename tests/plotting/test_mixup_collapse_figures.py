"""Findings and numbers of the mixup figures are computed from what they draw."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
import pytest

from repro.geometry import mixup_ufm
from repro.plotting import mixup_collapse as figures
from repro.studies.mixup_collapse.exact import FrameModel
from repro.studies.mixup_collapse.measures import MIX_WEIGHTS, Geometry, measure_geometry

Read = Callable[..., list[float]]
FRAME = FrameModel(10, 1.0, 0.01).classifier(12, np.random.default_rng(0))
LABELS = np.tile(np.arange(10), 3)


@pytest.fixture(scope="module")
def linear() -> Geometry:
    inputs = np.eye(10, dtype=np.float32)[LABELS]
    return measure_geometry(lambda x: x @ FRAME, FRAME, inputs, LABELS, np.random.default_rng(0), n_pairs=600)


def test_mixes_in_the_plane_run_from_one_class_mean_to_the_other(linear: Geometry) -> None:
    points, rows, means = figures.in_plane(linear, 2, 5)
    for place, t in enumerate(MIX_WEIGHTS):
        expected = t * means[0] + (1 - t) * means[1]
        np.testing.assert_allclose(points[place], np.tile(expected, (points.shape[1], 1)), atol=1e-6)
    np.testing.assert_allclose(rows @ rows.T, [[1, -1 / 9], [-1 / 9, 1]], atol=1e-6)
    assert means[0, 1] > 0 > means[1, 1]


def test_the_channel_reads_the_excess_over_the_chord(linear: Geometry) -> None:
    t = np.array(MIX_WEIGHTS)[:, None, None]
    total = linear.class_means[linear.classes[0]] + linear.class_means[linear.classes[1]]
    bent = Geometry(**{**vars(linear), "across": linear.across + 0.5 * t * (1 - t) * total})
    shown = figures.channel({"straight": linear, "bent": bent}, 0, 1)
    # at t = 1/2 the chord is half the sum, and an eighth of it is added
    assert shown.title.endswith("beyond the chord by +0 % (straight), +25 % (bent)")
    assert len(shown.pictures) == 2


def test_a_pair_without_mixes_is_refused(linear: Geometry) -> None:
    with pytest.raises(ValueError, match="no mix of the classes 3 and 3"):
        figures.in_plane(linear, 3, 3)


def test_exact_channels_are_the_closed_form(read: Read) -> None:
    shown = figures.exact_channels(5, 1.3, [0.02, 0.5])
    # reference values of the fixture: 1.6895997 at one half, 2.2192392 unmixed
    wanted = 2 * 1.6895997 / 2.2192392
    assert shown.title.endswith(f"to {wanted:.2f} times (penalty 0.02) the size of unmixed rows")
    assert read(shown, "penalty 0.02", "alpha + beta", "0.5") == [pytest.approx(wanted, abs=0.006)]


def features_table() -> pd.DataFrame:
    columns = ["method", "loss", "head", "epoch", "t", "replicate", "metric", "value"]
    rows = []
    for method, seed, t in product(("mixup", "erm"), range(2), MIX_WEIGHTS):
        bulge = t * (1 - t) if method == "mixup" else 0.0
        curve = {"alpha": t + bulge / 2, "beta": 1 - t + bulge / 2, "cosine": 0.8 if method == "mixup" else 0.7}
        rows += [(method, "cross_entropy", "trained", None, t, seed, name, value) for name, value in curve.items()]
    for method, seed, epoch in product(("mixup", "erm"), range(2), (50, 100)):
        at = {"course_same_class_cosine": 0.5 + epoch / 1000, "course_residual_share": 0.4, "course_bulge": 0.1}
        at["course_nc2_etf_err"] = 20 / epoch
        rows += [(method, "cross_entropy", "trained", epoch, None, seed, name, value) for name, value in at.items()]
    return pd.DataFrame(rows, columns=columns)


def test_curves_read_the_middle_and_the_cosine(read: Read) -> None:
    shown = figures.curves(features_table())
    exact = [mixup_ufm(10, 1.0, 0.01, t).alpha for t in (0.5, 1.0)]
    assert shown.title.startswith("Half-way between two classes features are 1.25 times (mixup), 1.00 times (no mixup)")
    two, within = "mixes of two classes", "mixes within a class"
    assert read(shown, two, "exact model, frozen frame", "0.5") == [pytest.approx(2 * exact[0] / exact[1], abs=0.006)]
    assert read(shown, within, "no mixup", "0.5") == [0.7]


def test_the_course_reads_the_last_epoch(read: Read) -> None:
    table = features_table()
    shown = figures.course(table)
    assert shown.title.startswith("Where mixup ends: cosine within a class 0.60, share outside the span 0.40")
    assert read(shown, "means to simplex frame", "no mixup", "50") == [0.4]
    with pytest.raises(ValueError, match="no measurements by epoch"):
        figures.course(table[table["epoch"].isna()])


def calibration_table() -> pd.DataFrame:
    rows = []
    for number, seed, (method, ece) in product(
        (100, 1500), range(3), {"erm": 0.05, "mixup": 0.1, "erm_temperature": 0.02}.items()
    ):
        rows += [(number, method, None, seed, "ece", ece + 0.001 * seed)]
        rows += [(number, method, None, seed, "confidence_gap", -ece)]
        for place, share in ((8, 0.25), (15, 0.75)):
            at = {"bin_confidence": place / 15 - 0.03, "bin_accuracy": place / 15, "bin_share": share}
            rows += [(number, method, place, seed, name, value) for name, value in at.items()]
    return pd.DataFrame(rows, columns=["rows", "method", "bin", "replicate", "metric", "value"])


def test_reliability_reads_confidence_minus_accuracy(read: Read) -> None:
    shown = figures.reliability(calibration_table())
    assert "\N{MINUS SIGN}0.100 after 100 training rows" in shown.title
    assert read(shown, "1500", "mixup", "0.97") == [0.75], "three divisions with three quarters of the rows each"


def test_calibration_errors_have_intervals(read: Read) -> None:
    shown = figures.calibration_errors(calibration_table())
    # 0.05, 0.051, 0.052: mean 0.051, t with 2 degrees of freedom 4.303, standard error 0.001 / sqrt(3)
    reach = 4.303 * 0.001 / np.sqrt(3)
    wanted = [0.051, 0.051 - reach, 0.051 + reach]
    assert read(shown, "no mixup", "100 training rows") == pytest.approx(wanted, abs=6e-5)
    assert shown.title.count("no mixup, temperature after") == 2
