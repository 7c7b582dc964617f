"""The measures of neural collapse: reference values, definitions written down a second time, invariances, accuracy."""

from __future__ import annotations

import pickle
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from geometry_problems import fixtures, load
from hypothesis import given, settings
from hypothesis import strategies as st

import repro.geometry.pairs
from repro.geometry import CollapseMeter, NearestMeanAgreement, log_kernel_moments, ufm_mse

ALL = ("etf", "of", "gof")


def draw(seed=0, counts=(30, 20, 9, 4), n_features=7, offset=0.0, noise=1.0):
    """Rows in random order, labels and a classifier."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    means = rng.normal(size=(len(counts), n_features))
    features = means[labels] + noise * rng.normal(size=(len(labels), n_features)) + offset
    return features, labels, means + 0.5 * rng.normal(size=means.shape)


def measured(features, labels, W, n_classes=None, optimum=None, **options):
    n_classes = len(W) if n_classes is None else n_classes
    meter = CollapseMeter(n_classes, features.shape[1])
    meter.update(features, labels)
    optimum = ufm_mse(np.maximum(np.bincount(labels, minlength=n_classes), 1), [1e-3, 1e-3], 1e-3)
    return meter.compute(W, targets=ALL, optimum=optimum, **options)


def assert_equal(found, expected, rtol=1e-9):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=rtol, abs=1e-12), name


def normed(A):
    return A / np.linalg.norm(A)


def by_definition(X, y, W, b, optimum, weighted=False):
    """Section 2 of the specification, with loops and explicit matrices."""
    K, N = len(W), len(X)
    mu = np.array([X[y == k].mean(axis=0) for k in range(K)])
    Mc = mu - (X.mean(axis=0) if weighted else mu.mean(axis=0))
    within = sum(np.outer(h - mu[k], h - mu[k]) for h, k in zip(X, y, strict=True)) / N
    between = Mc.T @ Mc / K
    v = np.array([((X[y == k] - mu[k]) ** 2).sum(axis=1).mean() for k in range(K)])
    pairs = list(combinations(range(K), 2))
    u, w = Mc / np.linalg.norm(Mc, axis=1)[:, None], W / np.linalg.norm(W, axis=1)[:, None]
    d = np.array([np.linalg.norm(mu[i] - mu[j]) for i, j in pairs])
    v_pairs = np.array([v[i] + v[j] for i, j in pairs]) / 2
    u_pairs = np.array([np.linalg.norm(u[i] - u[j]) for i, j in pairs])
    norms, cosines = np.linalg.norm(Mc, axis=1), (w * u).sum(axis=1)
    etf, of = normed(np.eye(K) - 1 / K), normed(np.eye(K))
    penalty = optimum.n_samples * optimum.lambda_H
    s2 = penalty * optimum.x**2
    found = {
        "nc1_pinv": np.trace(within @ np.linalg.pinv(between, rcond=1e-9)) / K,
        "nc1_quot": np.trace(within) / np.trace(between),
        "nc1_cdnv": (v_pairs / d**2).mean(),
        "nc1_cdnv_exp2": (v_pairs / d**4).mean(),
        "nc2_norms_mean": norms.mean(),
        "nc2_norms_var": norms.var(ddof=1),
        "nc2_lognorm_var": np.log(norms).var(ddof=1),
        "gnc2_dist_mean": u_pairs.mean(),
        "gnc2_dist_var": u_pairs.var(),
        "gnc2_log_mean": -np.log(u_pairs).mean(),
        "gnc2_log_var": np.log(u_pairs).var(),
        "nc3_dist_mean": np.linalg.norm(w - u, axis=1).mean(),
        "nc3_papyan": ((normed(W) - normed(Mc)) ** 2).sum(),
        "unc3_dot_var": (W * Mc).sum(axis=1).var(ddof=1),
        "unc3_cos_mean": cosines.mean(),
        "unc3_cos_var": cosines.var(ddof=1),
        "nc4_class_means": np.mean([np.argmax(W @ m + b) == k for k, m in enumerate(mu)]),
        "nc2_etf_err": np.linalg.norm(normed(Mc @ Mc.T) - etf),
        "nc2_etf_err_W": np.linalg.norm(normed(W @ W.T) - etf),
        "nc3_dual_err": np.linalg.norm(normed(W @ Mc.T) - etf),
        "nc2_of_err": np.linalg.norm(normed(mu @ mu.T) - of),
        "nc2_of_err_W": np.linalg.norm(normed(W @ W.T) - of),
        "nc3_of_err": np.linalg.norm(normed(W @ mu.T) - of),
        "nc2_gof_err_W": np.linalg.norm(normed(W @ W.T) - normed(np.diag(s2))),
        "nc2_gof_err": np.linalg.norm(normed(mu @ mu.T) - normed(np.diag(s2 / (s2 + penalty) ** 2))),
        "nc3_gof_err": np.linalg.norm(normed(W @ mu.T) - normed(np.diag(s2 / (s2 + penalty)))),
        "nc3_gof_dual_err": np.linalg.norm(normed(W) - normed(np.diag(s2 + penalty) @ mu)),
    }
    for suffix, vectors, unit in [("", Mc, u), ("_W", W, w)]:
        lengths = np.linalg.norm(vectors, axis=1)
        angles = np.array([unit[i] @ unit[j] for i, j in pairs])
        found[f"nc2_equinorm{suffix}"] = lengths.std(ddof=1) / lengths.mean()
        found[f"nc2_equiangular{suffix}"] = angles.std()
        found[f"nc2_max_angle{suffix}"] = np.abs(angles + 1 / (K - 1)).mean()
    return found


@pytest.mark.parametrize("path", fixtures("metrics"), ids=lambda path: path.stem)
@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_measures_agree_with_the_reference(path, batch):
    problem = load(path)
    meter = CollapseMeter(problem["K"], problem["D"])
    for start in range(0, len(problem["labels"]), batch):
        meter.update(problem["features"][start : start + batch], problem["labels"][start : start + batch])
    np.testing.assert_array_equal(meter.counts, problem["counts"])
    found = meter.compute(problem["W"])
    agreement = NearestMeanAgreement(meter.class_means, problem["W"])
    for start in range(0, len(problem["labels"]), batch):
        agreement.update(problem["features"][start : start + batch])
    found["nc4_agree"] = agreement.compute()
    for name, value in problem["metrics"].items():
        assert found[name] == pytest.approx(value, rel=1e-9), name


@pytest.mark.parametrize(
    ("counts", "n_features"), [((30, 20, 9, 4), 7), ((5,) * 12, 4), ((3, 1, 1), 30)], ids=["K<D", "K>D", "D>N"]
)
@pytest.mark.parametrize("global_mean", ["classes", "samples"])
def test_measures_agree_with_their_definitions(counts, n_features, global_mean):
    features, labels, W = draw(3, counts, n_features)
    b = np.random.default_rng(0).normal(size=len(W))
    optimum = ufm_mse(counts, [1e-3, 1e-3], 1e-3)
    expected = by_definition(features, labels, W, b, optimum, weighted=global_mean == "samples")
    assert_equal(measured(features, labels, W, b=b, global_mean=global_mean), expected)


def test_only_what_is_asked_for_is_in_the_result():
    features, labels, W = draw()
    meter = CollapseMeter(4, 7)
    meter.update(features, labels)
    without = meter.compute()
    assert not any(name.endswith("_W") or name.startswith(("nc3", "unc3", "nc4")) for name in without)
    assert without == {name: value for name, value in meter.compute(W).items() if name in without}
    assert not any("_of_" in name or "_gof_" in name for name in meter.compute(W, targets="etf"))
    assert {"nc2_of_err", "nc3_of_err", "nc2_etf_err"} <= meter.compute(W, targets=["of", "etf"]).keys()


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), pieces=st.integers(1, 12))
def test_splitting_and_merging_in_any_order_changes_nothing(seed, pieces):
    features, labels, W = draw(offset=5.0)
    rng = np.random.default_rng(seed)
    meters = []
    for rows in np.array_split(rng.permutation(len(labels)), pieces):
        meters.append(CollapseMeter(4, 7))
        for part in np.array_split(rows, rng.integers(1, 4)):
            meters[-1].update(features[part], labels[part])
    meters = [pickle.loads(pickle.dumps(meter)) for meter in meters]
    while len(meters) > 1:
        first, second = rng.permutation(len(meters))[:2]
        assert meters[first].merge(meters[second]) is meters[first]
        del meters[second]
    assert_equal(meters[0].compute(W), _etf_only(measured(features, labels, W)))


def _etf_only(found):
    return {name: value for name, value in found.items() if "_of_" not in name and "_gof_" not in name}


def test_merging_leaves_the_other_meter_as_it_was():
    features, labels, W = draw()
    first, second = CollapseMeter(4, 7), CollapseMeter(4, 7)
    first.update(features[:30], labels[:30])
    second.update(features[30:], labels[30:])
    before = second.compute(W)
    first.merge(second)
    first.update(features, labels)
    assert second.compute(W) == before


def test_rotating_the_features_changes_nothing():
    features, labels, W = draw(2)
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(7, 7)))[0]
    assert_equal(measured(features @ rotation, labels, W @ rotation), measured(features, labels, W))


def test_permuting_the_classes_changes_nothing():
    features, labels, W = draw(2)
    order = np.array([2, 0, 3, 1])
    places = np.argsort(order)
    assert_equal(measured(features, places[labels], W[order]), measured(features, labels, W))


@pytest.mark.parametrize("empty", [[1], [0, 5]])
def test_classes_without_samples_are_left_out_everywhere(empty):
    features, labels, W = draw(4)
    n_classes = 4 + len(empty)
    kept = np.setdiff1d(np.arange(n_classes), empty)
    wide = np.full((n_classes, 7), 1e3)
    wide[kept] = W
    sizes = np.full(n_classes, 10)
    sizes[kept] = np.bincount(labels)
    meter = CollapseMeter(n_classes, 7)
    meter.update(features, kept[labels])
    assert np.isnan(meter.class_means[empty]).all()
    optimum = ufm_mse(sizes, [1e-3, 1e-3], 1e-3)
    found = meter.compute(wide, targets=ALL, optimum=optimum)
    expected = by_definition(features, labels, W, np.zeros(4), PartOfOptimum(optimum, kept))
    assert_equal(found, expected)
    agreement, other = NearestMeanAgreement(meter.class_means, wide), NearestMeanAgreement(meter.class_means[kept], W)
    for each in (agreement, other):
        each.update(features)
    assert agreement.compute() == other.compute()


class PartOfOptimum:
    """The part of an optimum that belongs to some classes."""

    def __init__(self, optimum, kept):
        self.n_samples, self.lambda_H, self.x = optimum.n_samples, optimum.lambda_H, optimum.x[kept]


@pytest.mark.parametrize("order", ["shuffled", "sorted"])
@pytest.mark.parametrize("merged", [False, True])
def test_tiny_scatter_far_from_the_origin_keeps_its_digits(order, merged):
    features, labels, W = draw(1, (300, 200, 100, 50), 16, offset=1e3, noise=1e-6)
    if order == "sorted":
        features, labels = features[np.argsort(labels)], np.sort(labels)
    exact = features.astype(np.longdouble)
    means = np.array([exact[labels == k].mean(axis=0) for k in range(4)])
    deviations = (exact - means[labels]).astype(np.float64)
    within = deviations.T @ deviations / len(labels)
    centred = (means - means.mean(axis=0)).astype(np.float64)
    expected = np.trace(within @ np.linalg.pinv(centred.T @ centred / 4, rcond=1e-9)) / 4
    meter = CollapseMeter(4, 16)
    parts = np.array_split(np.arange(len(labels)), 6)
    for part in parts[:3] if merged else parts:
        meter.update(features[part], labels[part])
    if merged:
        other = CollapseMeter(4, 16)
        for part in parts[3:]:
            other.update(features[part], labels[part])
        meter.merge(other)
    found = meter.compute(W)
    assert found["nc1_pinv"] == pytest.approx(expected, rel=1e-9, abs=0)
    assert found["nc1_quot"] == pytest.approx(np.trace(within) / np.trace(centred.T @ centred / 4), rel=1e-9, abs=0)
    # the two-pass method: reference points are the means of the first pass
    second = CollapseMeter(4, 16, reference=meter.class_means)
    second.update(features, labels)
    assert second.compute(W)["nc1_pinv"] == pytest.approx(expected, rel=1e-9, abs=0)


def test_an_offset_leaves_what_is_centred():
    features, labels, W = draw(5)
    near, far = measured(features, labels, W), measured(features + 1e3, labels, W)
    for name in near.keys() - {"nc4_class_means"}:
        if "_of_" not in name and "_gof_" not in name:
            assert far[name] == pytest.approx(near[name], rel=1e-9), name


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.int64])
def test_features_of_other_types_are_accumulated_in_double_precision(kind):
    features, labels, W = draw(6, (3000, 2000, 900, 400), offset=100.0)
    rounded = features.astype(kind)
    assert_equal(measured(rounded, labels, W), measured(rounded.astype(np.float64), labels, W), rtol=1e-12)


def test_perfect_collapse_gives_zeros():
    sizes = [40, 20, 10, 5]
    optimum = ufm_mse(sizes, [1e-3, 1e-3], 1e-3)
    labels = np.repeat(np.arange(4), sizes)
    W, means = np.diag(optimum.w_norms), np.diag(optimum.h_norms)
    meter = CollapseMeter(4, 4)
    meter.update(means[labels], labels)
    found = meter.compute(W, targets=ALL, optimum=optimum)
    for name in ("nc1_pinv", "nc1_quot", "nc1_cdnv", "nc2_gof_err", "nc2_gof_err_W", "nc3_gof_err", "nc3_gof_dual_err"):
        assert found[name] == pytest.approx(0, abs=1e-14), name
    assert found["nc2_of_err"] > 0.05
    simplex = 3 * (np.eye(4) - 0.25)
    meter = CollapseMeter(4, 4)
    meter.update(simplex[labels] + 7, labels)
    found = meter.compute(simplex)
    for name in ("nc2_etf_err", "nc2_etf_err_W", "nc3_dual_err", "nc3_papyan", "nc2_equinorm", "nc2_equiangular"):
        assert found[name] == pytest.approx(0, abs=1e-7), name
    assert found["nc2_max_angle"] == pytest.approx(0, abs=1e-14)
    assert found["unc3_cos_mean"] == pytest.approx(1, abs=1e-14)


def test_coinciding_class_means_give_infinite_measures_without_a_warning(recwarn):
    labels = np.repeat(np.arange(3), 4)
    features = np.random.default_rng(0).normal(size=(12, 5))
    features[4:8] = features[:4]
    meter = CollapseMeter(3, 5)
    meter.update(features, labels)
    found = meter.compute(np.eye(3, 5))
    assert found["nc1_cdnv"] == np.inf
    assert found["gnc2_log_mean"] == np.inf
    assert np.isfinite(found["nc1_pinv"])
    assert not recwarn.list


def test_a_direction_of_rounding_errors_does_not_count_as_scatter_between_classes():
    rng = np.random.default_rng(0)
    means = np.column_stack([rng.normal(size=(5, 2)), 1e-8 * rng.normal(size=5)])
    labels = np.repeat(np.arange(5), 50)
    meter = CollapseMeter(5, 3)
    meter.update(means[labels] + 0.01 * rng.normal(size=(250, 3)) * [1, 1, 1e-6], labels)
    assert meter.compute()["nc1_pinv"] < 1e-2


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_agreement_counts_as_a_loop_over_samples_does(offset):
    features, labels, W = draw(8, offset=offset)
    b = 5 * np.random.default_rng(1).normal(size=4)
    b -= W @ np.full(7, offset)
    means = np.array([features[labels == k].mean(axis=0) for k in range(4)])
    agreed = [np.argmax(W @ h + b) == np.argmin(((h - means) ** 2).sum(axis=1)) for h in features]
    agreement = NearestMeanAgreement(means, W, b)
    agreement.update(features[:20])
    agreement.update(features[20:])
    assert 0.1 < np.mean(agreed) < 0.9
    assert (agreement.n_samples, agreement.n_agreed) == (63, sum(agreed))
    assert agreement.compute() == np.mean(agreed)
    without = NearestMeanAgreement(means, W)
    without.update(features)
    assert without.compute() != agreement.compute()


@pytest.mark.parametrize("n_vectors", [2, 255, 256, 257, 700])
def test_the_log_kernel_agrees_with_distances_pair_by_pair(n_vectors):
    u = np.random.default_rng(n_vectors).normal(size=(n_vectors, 5))
    u /= np.linalg.norm(u, axis=1)[:, None]
    u[-1] = u[0] + 1e-9 * u[1] if n_vectors > 2 else u[-1]
    rows, columns = np.triu_indices(n_vectors, 1)
    values = -np.log(np.linalg.norm(u[rows] - u[columns], axis=1))
    assert log_kernel_moments(u) == pytest.approx((values.mean(), values.var()), rel=1e-12)


def test_many_coinciding_directions_keep_their_digits(monkeypatch):
    monkeypatch.setattr(repro.geometry.pairs, "BLOCK", 8)
    rng = np.random.default_rng(0)
    u = np.array([1.0, 0, 0]) + 1e-7 * rng.normal(size=(30, 3))
    rows, columns = np.triu_indices(30, 1)
    values = -np.log(np.linalg.norm(u[rows] - u[columns], axis=1))
    assert log_kernel_moments(u) == pytest.approx((values.mean(), values.var()), rel=1e-7)


def test_importing_the_room_imports_neither_torch_nor_matplotlib():
    program = (
        "import sys, numpy, repro.geometry; meter = repro.geometry.CollapseMeter(2, 1); "
        "meter.update(numpy.ones((2, 1)), numpy.arange(2)); print({'torch', 'matplotlib'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_agreement_in_low_precision_decides_as_in_double(kind: type, offset: float) -> None:
    """Random rows, and rows that lie as near to a border as their type allows."""
    generator = np.random.default_rng(4)
    means, W, b = generator.normal(size=(5, 7)) + offset, generator.normal(size=(5, 7)), generator.normal(size=5)
    rows = [means[generator.integers(0, 5, 400)] + generator.normal(size=(400, 7))]
    for _ in range(100):
        i, j = generator.choice(5, 2, replace=False)
        difference = W[i] - W[j]
        point = generator.normal(size=7) + offset
        on_border = point - (difference @ point + b[i] - b[j]) / (difference @ difference) * difference
        rows += [
            (means[i] + means[j])[None] / 2,
            on_border[None],
            on_border[None] + 1e-7 * generator.normal(size=(3, 7)),
        ]
    features = np.concatenate(rows).astype(kind)
    found = NearestMeanAgreement(means, W, b)
    for batch in np.array_split(features, 7):
        found.update(batch)
    exact = features.astype(np.float64)
    nearest = np.square(exact[:, None] - means).sum(axis=2).argmin(axis=1)
    agreed = nearest == (exact @ W.T + b).argmax(axis=1)
    assert found.n_agreed == agreed.sum()
    _, unsure = found._decide_in_single_precision(features.astype(np.float32))
    assert 0 < unsure.sum() < len(features)
