from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from repro.ground.exceptions import UnknownName
from repro.longtail import Aggregation, aggregate_test_time, combine_experts


def make_views(
    noise: tuple[float, ...], n: int = 300, n_classes: int = 7, pairs: int = 1, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Logits of experts that disagree between views by the given amounts."""
    generator = np.random.default_rng(seed)
    base = 2.0 * generator.normal(size=(n, 1, len(noise), n_classes))
    shape = (n, pairs, len(noise), n_classes)
    spread = np.array(noise)[:, None]
    return tuple(base + spread * generator.normal(size=shape) for _ in range(2))  # type: ignore[return-value]


def by_autograd(
    a: np.ndarray, b: np.ndarray, objective: str, epochs: int, batch_size: int, seed: int, start: list[float]
) -> tuple[np.ndarray, np.ndarray]:
    """The same with automatic derivatives and PyTorch's optimiser, without the stop rule."""
    scores = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([scores], lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    generator, history, values = np.random.default_rng(seed), [scores.softmax(0).detach().numpy()], []
    for epoch in range(epochs):
        order, total = generator.permutation(len(a)), 0.0
        for rows in np.split(order, range(batch_size, len(a), batch_size)):
            weights = scores.softmax(0)
            p, q = (
                (weights[:, None] * torch.tensor(v[rows, epoch % v.shape[1]], dtype=torch.float64)).sum(1).softmax(1)
                for v in (a, b)
            )
            if objective == "cosine":
                value = functional.cosine_similarity(p, q, dim=1, eps=1e-6).mean()
            elif objective == "inner":
                value = (p * q).sum(1).mean()
            else:
                value = ((p * p.log()).sum(1) + (q * q.log()).sum(1)).mean() / 2
            optimiser.zero_grad()
            (-value).backward()
            optimiser.step()
            total += float(value.detach()) * len(rows)
            history.append(scores.softmax(0).detach().numpy())
        values.append(total / len(a))
    return np.array(history), np.array(values)


@pytest.mark.parametrize("objective", ["cosine", "inner", "entropy"])
@pytest.mark.parametrize("pairs", [1, 2])
def test_every_step_is_that_of_autograd_and_of_the_optimiser(objective, pairs: int) -> None:
    a, b = make_views((0.2, 0.5, 1.5), pairs=pairs)
    start = [0.1, 0.5, -0.2]
    history, values = by_autograd(a, b, objective, 5, 64, 3, start)
    found = aggregate_test_time(a, b, objective=objective, batch_size=64, stop_below=0.0, initial=start, random_state=3)
    np.testing.assert_allclose(found.history, history, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.objective, values, rtol=1e-12)
    np.testing.assert_array_equal(found.weights, found.history[-1])
    assert (found.steps, found.stopped_early) == (25, False)
    single = aggregate_test_time(
        torch.tensor(a, dtype=torch.float32),
        torch.tensor(b, dtype=torch.float32),
        objective=objective,
        batch_size=64,
        stop_below=0.0,
        initial=start,
        random_state=3,
    )
    np.testing.assert_allclose(single.history, history, rtol=0, atol=1e-6)


def test_weights_go_to_the_expert_whose_views_agree() -> None:
    a, b = make_views((0.1, 2.0, 2.0), n=2000)
    found = aggregate_test_time(a, b, epochs=40, stop_below=0.0)
    assert found.weights[0] > 0.9
    assert np.all(np.diff(found.objective) > -1e-3)
    assert found.objective[-1] > found.objective[0]


def test_equal_experts_keep_a_third_each() -> None:
    one_a, one_b = make_views((1.0,))
    found = aggregate_test_time(np.repeat(one_a, 3, axis=2), np.repeat(one_b, 3, axis=2))
    assert found.weights.tolist() == [1 / 3, 1 / 3, 1 / 3]


def test_weights_follow_a_permutation_of_the_experts() -> None:
    a, b = make_views((0.2, 0.6, 1.5))
    found = aggregate_test_time(a, b)
    permuted = aggregate_test_time(a[:, :, [2, 0, 1]], b[:, :, [2, 0, 1]])
    np.testing.assert_allclose(permuted.weights, found.weights[[2, 0, 1]], rtol=1e-12)


def test_views_may_be_exchanged() -> None:
    a, b = make_views((0.2, 0.6, 1.5))
    np.testing.assert_allclose(aggregate_test_time(a, b).weights, aggregate_test_time(b, a).weights, rtol=1e-12)


def test_constants_added_to_logits_change_nothing_and_extremes_do_not_overflow() -> None:
    a, b = make_views((0.2, 0.6, 1.5))
    found = aggregate_test_time(a, b)
    np.testing.assert_allclose(aggregate_test_time(a + 1e6, b - 1e6).weights, found.weights, rtol=1e-6)
    for objective in ("cosine", "inner", "entropy"):
        extreme = aggregate_test_time(1e4 * a.astype(np.float32), 1e4 * b.astype(np.float32), objective=objective)
        assert np.isfinite(extreme.history).all()
        assert np.isfinite(extreme.objective).all()


def test_a_single_pair_may_go_without_its_axis_and_half_precision_is_enough() -> None:
    a, b = make_views((0.2, 0.6, 1.5))
    found = aggregate_test_time(a, b)
    np.testing.assert_array_equal(aggregate_test_time(a[:, 0], b[:, 0]).history, found.history)
    half = aggregate_test_time(a.astype(np.float16), torch.tensor(b).half())
    np.testing.assert_allclose(half.history, found.history, atol=2e-4)


def test_epochs_take_the_pairs_in_turn() -> None:
    a, b = make_views((0.2, 0.6, 1.5), pairs=2)
    other = a.copy()
    other[:, 1] = 0.0
    for epochs, equal in ((1, True), (2, False)):
        first, second = (aggregate_test_time(view, b, epochs=epochs).weights for view in (a, other))
        assert np.array_equal(first, second) is equal


def test_a_weight_that_is_nearly_lost_ends_the_loop() -> None:
    a, b = make_views((0.1, 2.0, 2.0), n=2000)
    found = aggregate_test_time(a, b, epochs=100)
    assert found.stopped_early
    assert found.steps == 16 * len(found.objective) < 1600
    at_end = found.history[::16].min(axis=1)
    assert at_end[-1] < 0.045 + 1e-12
    assert np.all(at_end[:-1] >= 0.045 - 1e-12)
    assert not aggregate_test_time(a, b, epochs=20, stop_below=0.0).stopped_early


@pytest.mark.parametrize(("smallest", "stops"), [(0.044, True), (0.046, False), (0.051, False)])
def test_weights_are_rounded_to_two_decimals_before_they_are_compared(smallest: float, stops: bool) -> None:
    a, b = make_views((0.2, 0.6), n=50)
    found = aggregate_test_time(a, b, epochs=2, learning_rate=1e-9, initial=np.log([smallest, 1 - smallest]))
    assert found.weights[0] == pytest.approx(smallest)
    assert found.stopped_early is stops


def test_small_sets_make_fewer_steps_and_the_seed_sets_the_order() -> None:
    a, b = make_views((0.2, 0.6, 1.5), n=300)
    found = aggregate_test_time(a, b)
    assert found.steps == 5 * 3
    np.testing.assert_array_equal(found.history, aggregate_test_time(a, b, random_state=0).history)
    again = aggregate_test_time(a, b, random_state=np.random.default_rng(0))
    np.testing.assert_array_equal(found.history, again.history)
    assert not np.array_equal(found.history, aggregate_test_time(a, b, random_state=1).history)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.steps = 0  # type: ignore[misc]
    assert isinstance(found, Aggregation)


def test_arguments_are_left_alone() -> None:
    a, b = (view.astype(np.float32) for view in make_views((0.2, 0.6), n=20))
    copies = a.copy(), b.copy()
    aggregate_test_time(a, b, batch_size=100)
    np.testing.assert_array_equal(a, copies[0])
    np.testing.assert_array_equal(b, copies[1])


def test_experts_are_combined_by_a_weighted_mean() -> None:
    logits = make_views((0.2, 0.6, 1.5))[0][:, 0]
    np.testing.assert_allclose(combine_experts(logits), logits.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(
        combine_experts(logits, [0.5, 0.3, 0.2]), np.einsum("nkc,k->nc", logits, [0.5, 0.3, 0.2]), rtol=1e-12
    )
    assert combine_experts(torch.tensor(logits).float()).dtype == np.float32


GOOD = np.zeros((4, 2, 3))


@pytest.mark.parametrize(
    ("a", "b", "options", "error", "message"),
    [
        (GOOD, GOOD[:, :1], {}, ValueError, r"must have the same shape, got \(4, 2, 3\) and \(4, 1, 3\)"),
        (GOOD[0], GOOD[0], {}, ValueError, r"logits_a must have 3 or 4 axes, .* got shape \(2, 3\)"),
        (GOOD[:0], GOOD[:0], {}, ValueError, r"none empty; got shape \(0, 2, 3\)"),
        (GOOD, GOOD + np.nan, {}, ValueError, "logits_b must be finite, got 24 NaN"),
        (GOOD.astype(str), GOOD, {}, TypeError, "logits_a must hold real numbers"),
        (GOOD, GOOD, {"objective": "cosin"}, UnknownName, "unknown objective 'cosin'; did you mean 'cosine'"),
        (GOOD, GOOD, {"epochs": 0}, ValueError, "epochs must be at least 1, got 0"),
        (GOOD, GOOD, {"batch_size": 1.5}, TypeError, "batch_size must be a whole number"),
        (GOOD, GOOD, {"learning_rate": 0}, ValueError, "learning_rate must be above 0"),
        (GOOD, GOOD, {"momentum": 1.5}, ValueError, "momentum must lie between 0 and 1"),
        (GOOD, GOOD, {"weight_decay": -1}, ValueError, "weight_decay must be at least 0"),
        (GOOD, GOOD, {"stop_below": 2}, ValueError, "stop_below must lie between 0 and 1"),
        (GOOD, GOOD, {"initial": [1.0]}, ValueError, r"initial must be 2 finite numbers, one for each expert, got \[1"),
        (GOOD, GOOD, {"initial": ["a", "b"]}, TypeError, "initial must hold real numbers"),
        (GOOD, GOOD, {"random_state": "0"}, TypeError, "random_state must be None, a whole number, a numpy Generator"),
    ],
)
def test_bad_input_is_refused(a, b, options, error, message) -> None:
    with pytest.raises(error, match=message):
        aggregate_test_time(a, b, **options)


def test_bad_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="weights must be 2 finite numbers"):
        combine_experts(GOOD, [1.0, np.nan])
