"""Bad input is refused with the argument, what was found and what is allowed."""

from __future__ import annotations

import numpy as np
import pytest

from repro.geometry import (
    CollapseMeter,
    NearestMeanAgreement,
    mixup_ufm,
    ufm_ce_etf,
    ufm_ce_pairs,
    ufm_gap,
    ufm_mse,
)

GOOD = np.arange(12.0).reshape(4, 3)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([3, 0, 2], [0.1], 0.1), ValueError, "class_sizes must be above 0 and finite, got 0 at position 1"),
        (([3, -1], [0.1], 0.1), ValueError, "class_sizes must be above 0 and finite, got -1 at position 1"),
        (([3, np.nan], [0.1], 0.1), ValueError, "class_sizes must be above 0 and finite, got nan"),
        (([3], [0.1], 0.1), ValueError, r"class_sizes must be a vector with at least 2 entries, got shape \(1,\)"),
        (([], [0.1], 0.1), ValueError, r"at least 2 entries, got shape \(0,\)"),
        ((3, [0.1], 0.1), TypeError, "class_sizes must be a sequence of numbers, got 3"),
        ((["3", "2"], [0.1], 0.1), TypeError, "class_sizes must hold numbers, got entries of type <U1"),
        (([3, 2], [], 0.1), ValueError, "lambda_W must be a vector with at least 1 entries"),
        (([3, 2], 0.1, 0.1), TypeError, r"lambda_W must be a sequence of numbers, got 0\.1"),
        (([3, 2], [0.1, 0.0], 0.1), ValueError, r"lambda_W must be above 0 and finite, got 0\.0 at position 1"),
        (([3, 2], [0.1], 0), ValueError, "lambda_H must be above 0 and finite, got 0"),
        (([3, 2], [0.1], -0.5), ValueError, r"lambda_H must be above 0 and finite, got -0\.5"),
        (([3, 2], [0.1], np.inf), ValueError, "lambda_H must be above 0 and finite, got inf"),
        (([3, 2], [0.1], "0.1"), TypeError, r"lambda_H must be a number above 0, got '0\.1'"),
        (([3, 2], [0.1], 0.1, 4), TypeError, "dims must be a sequence of whole numbers, got 4"),
        (([3, 2], [0.1], 0.1, None, "none"), TypeError, "bias must be True or False, got 'none'"),
        (([3, 2], [0.1], 0.1, (0,)), ValueError, "dims must be at least 1, got 0"),
        (([3, 2], [0.1], 0.1, (2.5,)), TypeError, r"dims must be a whole number of at least 1, got 2\.5"),
        (([3, 2], [0.1, 0.1], 0.1, (4,)), ValueError, r"\(d, d_2, \.\.\., d_M\), 2 for this lambda_W; got \(4,\)"),
    ],
)
def test_the_model_with_squared_error(arguments, error, message):
    with pytest.raises(error, match=message):
        ufm_mse(*arguments)
    with pytest.raises(error, match=message):
        ufm_gap(1.0, *arguments)


def test_a_gap_needs_finite_losses():
    with pytest.raises(ValueError, match="training_loss must be finite, got nan"):
        ufm_gap([1.0, np.nan], [3, 2], [0.1], 0.1)


def test_too_many_stationary_points_are_not_listed():
    with pytest.raises(ValueError, match="at most 16 directions, 17 can be alive here; use local_minima"):
        ufm_mse([5] * 17, [1e-3] * 2, 1e-3).stationary_points()


@pytest.mark.parametrize("solve", [ufm_ce_etf, ufm_ce_pairs])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((1, 5, [0.1], 0.1), ValueError, "n_classes must be at least 2, got 1"),
        ((4.0, 5, [0.1], 0.1), TypeError, r"n_classes must be a whole number of at least 2, got 4\.0"),
        ((4, 0, [0.1], 0.1), ValueError, "n_per_class must be at least 1, got 0"),
        ((4, 5, [-0.1], 0.1), ValueError, r"lambda_W must be above 0 and finite, got -0\.1 at position 0"),
        ((4, 5, [0.1], 0.0), ValueError, r"lambda_H must be above 0 and finite, got 0\.0"),
    ],
)
def test_the_model_with_cross_entropy(solve, arguments, error, message):
    with pytest.raises(error, match=message):
        solve(*arguments)


def test_pairs_need_an_even_number_of_classes():
    with pytest.raises(ValueError, match="n_classes must be even for classes in pairs, got 5"):
        ufm_ce_pairs(5, 3, [0.1], 0.1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((1, 1.0, 0.1, 0.5), ValueError, "n_classes must be at least 2, got 1"),
        ((4, 0.0, 0.1, 0.5), ValueError, r"row_norm must be above 0 and finite, got 0\.0"),
        ((4, 1.0, -1, 0.5), ValueError, "lambda_H must be above 0 and finite, got -1"),
        ((4, 1.0, 0.1, 1.5), ValueError, r"target_weight must lie between 0 and 1, got 1\.5"),
        ((4, 1.0, 0.1, np.nan), ValueError, "target_weight must lie between 0 and 1, got nan"),
        ((4, 1.0, 0.1, None), TypeError, "target_weight must be a number between 0 and 1, got None"),
    ],
)
def test_the_mixed_feature(arguments, error, message):
    with pytest.raises(error, match=message):
        mixup_ufm(*arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((1, 3), ValueError, "n_classes must be at least 2, got 1"),
        ((2, 0), ValueError, "n_features must be at least 1, got 0"),
        ((2.0, 3), TypeError, r"n_classes must be a whole number of at least 2, got 2\.0"),
        ((True, 3), TypeError, "n_classes must be a whole number of at least 2, got True"),
    ],
)
def test_the_size_of_a_meter(arguments, error, message):
    with pytest.raises(error, match=message):
        CollapseMeter(*arguments)


def test_the_reference_of_a_meter():
    with pytest.raises(ValueError, match=r"reference must have shape \(2, 3\), got \(3, 2\)"):
        CollapseMeter(2, 3, reference=np.ones((3, 2)))


NOT_FINITE = np.array([[np.nan, 1, 2], [np.inf, np.nan, 0]])


@pytest.mark.parametrize(
    ("features", "labels", "error", "message"),
    [
        (GOOD, [0, 1, 2, 0], ValueError, "labels must lie between 0 and 1, got 1 outside, such as 2"),
        (GOOD, [0, 1, -1, 0], ValueError, "labels must lie between 0 and 1, got 1 outside, such as -1"),
        (GOOD, [0.0, 1.0, 0.0, 0.0], TypeError, "labels must be whole numbers, got entries of type float64"),
        (GOOD, [True, False, True, False], TypeError, "labels must be whole numbers, got entries of type bool"),
        (GOOD, [0, 1], ValueError, r"labels must have shape \(4,\), one for each row of features, got \(2,\)"),
        (GOOD, [[0], [1], [0], [1]], ValueError, r"labels must have shape \(4,\).*got \(4, 1\)"),
        (GOOD[:, :2], [0, 1, 0, 1], ValueError, r"features must have shape \(n_samples, 3\), got \(4, 2\)"),
        (GOOD[0], [0, 1, 0], ValueError, r"features must have shape \(n_samples, 3\), got \(3,\)"),
        (NOT_FINITE, [0, 1], ValueError, "features must be finite, got 2 NaN and 1 infinite of 6"),
        (GOOD.astype(complex), [0, 1, 0, 1], TypeError, "features must hold real numbers, got .* complex128"),
        (GOOD.astype(str), [0, 1, 0, 1], TypeError, "features must hold real numbers"),
    ],
)
def test_a_batch_that_does_not_fit_leaves_the_meter_as_it_was(features, labels, error, message):
    meter = CollapseMeter(2, 3)
    meter.update(GOOD, [0, 0, 1, 1])
    before = meter.compute(np.eye(2, 3))
    with pytest.raises(error, match=message):
        meter.update(features, labels)
    assert meter.compute(np.eye(2, 3)) == before


def test_an_empty_batch_changes_nothing():
    meter = CollapseMeter(2, 3)
    meter.update(np.empty((0, 3)), np.empty(0, dtype=int))
    meter.update(np.empty((0, 3)), [])
    assert not meter.counts.any()


def test_meters_of_other_sizes_do_not_merge():
    with pytest.raises(ValueError, match=r"other must have \(n_classes, n_features\) = \(2, 3\), got \(2, 4\)"):
        CollapseMeter(2, 3).merge(CollapseMeter(2, 4))
    with pytest.raises(TypeError, match="other must be a CollapseMeter, got dict"):
        CollapseMeter(2, 3).merge({})


def test_measures_need_two_classes_with_samples():
    meter = CollapseMeter(3, 3)
    with pytest.raises(ValueError, match="the meter has seen no samples"):
        _ = meter.within_covariance
    with pytest.raises(ValueError, match="at least 2 classes must have samples, 0 of 3 have"):
        meter.compute()
    meter.update(GOOD, [1, 1, 1, 1])
    with pytest.raises(ValueError, match="at least 2 classes must have samples, 1 of 3 have"):
        meter.compute()


W = np.eye(2, 3)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"W": np.eye(3)}, ValueError, r"W must have shape \(2, 3\), got \(3, 3\)"),
        ({"W": np.full((2, 3), np.nan)}, ValueError, "W must be finite, got 6 NaN and 0 infinite of 6"),
        ({"W": W, "b": [0.0, 1, 2]}, ValueError, r"b must have shape \(2,\), got \(3,\)"),
        ({"W": W, "b": [0.0, np.inf]}, ValueError, "b must be finite, got 0 NaN and 1 infinite of 2"),
        ({"W": W, "targets": "frame"}, ValueError, r"targets must be among \('etf', 'of', 'gof'\), got 'frame'"),
        ({"W": W, "global_mean": "all"}, ValueError, r"global_mean must be one of \('classes', 'samples'\), got 'all'"),
        ({"W": W, "targets": "gof"}, TypeError, "optimum must be a result of ufm_mse for targets='gof', got NoneType"),
        (
            {"W": W, "targets": "gof", "optimum": ufm_mse([3, 2], [0.1], 0.1, bias=True)},
            ValueError,
            "optimum must be that of a model without bias",
        ),
        (
            {"W": W, "targets": "gof", "optimum": ufm_mse([3, 2, 1], [0.1], 0.1)},
            ValueError,
            "optimum must have 2 classes, got 3",
        ),
        (
            {"W": W, "targets": "gof", "optimum": ufm_mse([3, 2], [9.0], 9.0)},
            ValueError,
            "optimum must have a class alive among those with samples for targets='gof', all are dead",
        ),
        (
            {"targets": "gof", "optimum": ufm_mse([3, 2], [0.1], 0.1)},
            ValueError,
            "W must be given for targets='gof', got None",
        ),
    ],
)
def test_arguments_of_compute(options, error, message):
    meter = CollapseMeter(2, 3)
    meter.update(GOOD, [0, 1, 1, 0])
    with pytest.raises(error, match=message):
        meter.compute(**options)


@pytest.mark.parametrize(
    ("means", "weights", "message"),
    [
        (GOOD[0], W, r"class_means must have shape \(n_classes, n_features\), got \(3,\)"),
        ([[0.0, 1, 2], [np.nan] * 3], W, "class_means must have at least 2 rows that are not NaN, got 1"),
        ([[0.0, 1, np.nan], [0, 1, 2]], W, "class_means must be finite, got 1 NaN and 0 infinite of 6"),
        (GOOD[:2], np.eye(2), r"W must have shape \(2, 3\), got \(2, 2\)"),
    ],
)
def test_arguments_of_the_agreement(means, weights, message):
    with pytest.raises(ValueError, match=message):
        NearestMeanAgreement(means, weights)


def test_batches_of_the_agreement():
    agreement = NearestMeanAgreement(GOOD[:2], W, [0.0, 1.0])
    with pytest.raises(ValueError, match="no samples have been added"):
        agreement.compute()
    with pytest.raises(ValueError, match=r"features must have shape \(n_samples, 3\), got \(4, 2\)"):
        agreement.update(GOOD[:, :2])
    with pytest.raises(ValueError, match="features must be finite, got 2 NaN and 1 infinite of 6"):
        agreement.update(NOT_FINITE)
