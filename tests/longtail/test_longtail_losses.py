from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, logsumexp, softmax
from scipy.stats import entropy as relative_entropy

from repro.ground.exceptions import UnknownName
from repro.longtail import (
    BalancedSoftmax,
    ClassBalancedLoss,
    CrossEntropy,
    FocalLoss,
    LADELoss,
    LDAMLoss,
    LogitAdjustedLoss,
    RideLoss,
    SadeLoss,
    deferred_weights,
    effective_number_weights,
    expert_diversity,
    inverse_frequencies,
    make_loss,
)
from repro.longtail.losses import LOSSES

COUNTS = np.array([500, 80, 30, 7])
PI = COUNTS / COUNTS.sum()
N, C, EXPERTS = 9, 4, 3
generator = np.random.default_rng(0)
LABELS = generator.integers(0, 3, N)  # class 3 is in no batch
LOGITS = 2 * generator.normal(size=(N, C))
MANY = 2 * generator.normal(size=(N, EXPERTS, C))
ONE_HOT = np.eye(C)[LABELS]
WEIGHTS = (1 - 0.9999) / (1 - 0.9999**COUNTS)
WEIGHTS = WEIGHTS * C / WEIGHTS.sum()
MARGINS = 0.5 * COUNTS**-0.25 / (COUNTS**-0.25).max()


def cross_entropy(logits: np.ndarray, weights: np.ndarray | None = None) -> float:
    each = -log_softmax(logits, axis=1)[np.arange(N), LABELS]
    return float(np.average(each, weights=None if weights is None else weights[LABELS]))


def focal(logits: np.ndarray, gamma: float) -> float:
    p = softmax(logits, axis=1)[np.arange(N), LABELS]
    return float(np.mean((1 - p) ** gamma * -np.log(p)))


def lade(logits: np.ndarray, alpha: float, lam: float) -> float:
    estimates = []
    for c in range(C):
        own = logits[c == LABELS, c]
        mean = own.mean() if own.size else 0.0
        spread = logsumexp(logits[:, c] - np.log(PI[c]) + np.log(1 / C)) - np.log(N)
        estimates.append(mean - spread - lam * spread**2)
    return cross_entropy(logits + np.log(PI)) - alpha * float(PI @ estimates)


def sade(logits: np.ndarray, tau: float) -> float:
    backward = logits[:, 2] + np.log(PI) - tau * np.log(PI[::-1])
    return cross_entropy(logits[:, 0]) + cross_entropy(logits[:, 1] + np.log(PI)) + cross_entropy(backward)


def ride(logits: np.ndarray, late: bool) -> float:
    temperatures = C * PI * 0.05 + 0.95
    temperatures = temperatures / temperatures.max() if late else np.ones(C)
    mean, total = softmax(logits.mean(axis=1) / temperatures, axis=1), 0.0
    for k in range(logits.shape[1]):
        margin = cross_entropy(logits[:, k] - 30 * MARGINS * ONE_HOT, WEIGHTS if late else None)
        distance = relative_entropy(mean, softmax(logits[:, k] / temperatures, axis=1), axis=1).mean()
        total += margin - 0.45 * temperatures.mean() ** 2 * distance
    return float(total)


FORMULAS = [
    (CrossEntropy(COUNTS), cross_entropy),
    (BalancedSoftmax(COUNTS), lambda z: cross_entropy(z + np.log(PI))),
    (LogitAdjustedLoss(COUNTS, 1.5), lambda z: cross_entropy(z + 1.5 * np.log(PI))),
    (FocalLoss(COUNTS), lambda z: focal(z, 1.0)),
    (FocalLoss(COUNTS, 2), lambda z: focal(z, 2.0)),
    (FocalLoss(COUNTS, 0.5), lambda z: focal(z, 0.5)),
    (ClassBalancedLoss(COUNTS), lambda z: cross_entropy(z, WEIGHTS)),
    (LDAMLoss(COUNTS), lambda z: cross_entropy(30 * (z - MARGINS * ONE_HOT))),
    (LDAMLoss(COUNTS, 0.3, 10, [1, 2, 3, 4]), lambda z: cross_entropy(10 * (z - 0.6 * MARGINS * ONE_HOT), np.r_[1:5])),
    (LDAMLoss(COUNTS, logits_scaled=True), lambda z: cross_entropy(z - 30 * MARGINS * ONE_HOT)),
    (LADELoss(COUNTS), lambda z: lade(z, 0.1, 0.1)),
    (LADELoss(COUNTS, alpha=0.7, lam=0.01), lambda z: lade(z, 0.7, 0.01)),
]


def value(loss: torch.nn.Module, logits: np.ndarray) -> float:
    return float(loss(torch.tensor(logits, dtype=torch.float32), torch.tensor(LABELS)))


@pytest.mark.parametrize(("loss", "formula"), FORMULAS)
def test_losses_have_the_values_of_their_formulas(loss, formula) -> None:
    assert value(loss, LOGITS) == pytest.approx(formula(LOGITS), rel=2e-5)
    by_expert = sum(formula(MANY[:, k]) for k in range(EXPERTS))
    assert value(loss, MANY) == pytest.approx(by_expert, rel=2e-5)


@pytest.mark.parametrize("tau", [0.0, 1.0, 2.0])
def test_the_loss_of_three_skills_has_the_value_of_its_formula(tau: float) -> None:
    assert value(SadeLoss(COUNTS, tau), MANY) == pytest.approx(sade(MANY, tau), rel=2e-5)


def test_classes_receive_the_frequencies_in_reverse_rank() -> None:
    found = inverse_frequencies(torch.tensor([0.3, 0.1, 0.2, 0.4]))
    assert found.tolist() == torch.tensor([0.2, 0.4, 0.3, 0.1]).tolist()
    tied = inverse_frequencies(torch.tensor([0.4, 0.2, 0.2, 0.2]))
    assert tied.tolist() == torch.tensor([0.2, 0.4, 0.2, 0.2]).tolist()


@pytest.mark.parametrize("epoch", [0, 159, 160, 199, 3])
def test_the_loss_that_rewards_diversity_has_the_value_of_its_formula(epoch: int) -> None:
    loss = RideLoss(COUNTS)
    loss.set_epoch(180)
    loss.set_epoch(epoch)
    assert value(loss, MANY) == pytest.approx(ride(MANY, late=epoch >= 160), rel=2e-5)


def test_diversity_is_zero_for_equal_experts_and_rewards_the_others() -> None:
    same = torch.tensor(MANY[:, :1]).repeat(1, 3, 1)
    assert float(expert_diversity(same)) == pytest.approx(0, abs=1e-9)
    assert float(expert_diversity(torch.tensor(MANY))) > 0.1
    assert value(RideLoss(COUNTS), MANY) < value(RideLoss(COUNTS, diversity=0.0), MANY)
    assert value(RideLoss(COUNTS, diversity=0.0), MANY) == pytest.approx(
        value(LDAMLoss(COUNTS, logits_scaled=True), MANY)
    )


def test_deferred_weights_begin_at_their_epoch() -> None:
    assert deferred_weights(COUNTS, 159).tolist() == [1.0] * C
    np.testing.assert_allclose(deferred_weights(COUNTS, 160), WEIGHTS, rtol=1e-5)
    loss = LDAMLoss(COUNTS, reweight_from=2)
    for epoch, weights in ((0, None), (2, WEIGHTS), (1, None)):
        loss.set_epoch(epoch)
        expected = cross_entropy(30 * (LOGITS - MARGINS * ONE_HOT), weights)
        assert value(loss, LOGITS) == pytest.approx(expected, rel=2e-5)
    fixed = LDAMLoss(COUNTS)
    fixed.set_epoch(500)
    assert fixed.class_weights.tolist() == [1.0] * C


def test_effective_numbers_lie_between_equal_weights_and_inverse_counts() -> None:
    assert effective_number_weights(COUNTS, 0.0).tolist() == [1.0] * C
    inverse = 1 / COUNTS * C / (1 / COUNTS).sum()
    np.testing.assert_allclose(effective_number_weights(COUNTS, 1 - 1e-12), inverse, rtol=1e-6)
    assert float(effective_number_weights(COUNTS).sum()) == pytest.approx(C)


EVERY = [(loss, LOGITS) for loss, _ in FORMULAS] + [(SadeLoss(COUNTS), MANY), (RideLoss(COUNTS), MANY)]


@pytest.mark.parametrize(("loss", "logits"), EVERY)
def test_gradients_are_those_of_differences(loss, logits) -> None:
    loss = copy.deepcopy(loss).double()
    assert torch.autograd.gradcheck(
        lambda z: loss(z, torch.tensor(LABELS)), torch.tensor(logits, requires_grad=True), atol=1e-6
    )


def test_the_gradient_of_diversity_is_that_of_its_second_argument() -> None:
    logits = torch.tensor(MANY, requires_grad=True)
    expert_diversity(logits, 2.0).backward()
    mean = softmax(MANY.mean(axis=1, keepdims=True) / 2, axis=2)
    # KL(m || softmax(z / T)) has the gradient (softmax(z / T) - m) / T in z; times T^2, over n
    np.testing.assert_allclose(logits.grad, 2 * (softmax(MANY / 2, axis=2) - mean) / N, atol=1e-12)


@pytest.mark.parametrize(("loss", "logits"), EVERY)
def test_a_constant_added_to_the_logits_of_an_image_changes_nothing(loss, logits) -> None:
    shift = np.random.default_rng(1).normal(size=(N,) + (1,) * (logits.ndim - 1))
    equal = value(loss, logits + shift) == pytest.approx(value(loss, logits), rel=1e-4)
    assert equal is not isinstance(loss, LADELoss)


@pytest.mark.parametrize(("loss", "logits"), EVERY)
@pytest.mark.parametrize("size", [1e4, -1e4, 0.0])
def test_extreme_logits_do_not_overflow(loss, logits, size: float) -> None:
    given = torch.tensor(size * logits, dtype=torch.float32, requires_grad=True)
    found = loss(given, torch.tensor(LABELS))
    found.backward()
    assert torch.isfinite(found)
    assert torch.isfinite(given.grad).all()


def test_a_certain_right_answer_costs_nothing() -> None:
    certain = torch.tensor(1e4 * ONE_HOT, dtype=torch.float32)
    for gamma in (0.0, 0.5, 1.0, 2.0):
        assert float(FocalLoss(COUNTS, gamma)(certain, torch.tensor(LABELS))) == 0.0
    assert FocalLoss(COUNTS, 0.0)(torch.tensor(LOGITS), torch.tensor(LABELS)) == pytest.approx(cross_entropy(LOGITS))


NAMES = {
    "cross_entropy": CrossEntropy,
    "focal": FocalLoss,
    "class_balanced": ClassBalancedLoss,
    "ldam": LDAMLoss,
    "balanced_softmax": BalancedSoftmax,
    "logit_adjustment": LogitAdjustedLoss,
    "lade": LADELoss,
    "ride": RideLoss,
    "sade": SadeLoss,
}


@pytest.mark.parametrize("name", NAMES)
def test_losses_are_made_by_name_and_refuse_what_does_not_fit(name: str) -> None:
    loss = make_loss(name, COUNTS)
    assert type(loss) is NAMES[name]
    logits, labels = torch.zeros(2, 3, C), torch.tensor([0, 1])
    assert loss(logits, labels).shape == ()
    with pytest.raises(ValueError, match=r"logits must have shape .* the 4 classes of counts, got \(2, 3, 5\)"):
        loss(torch.zeros(2, 3, 5), labels)
    with pytest.raises(ValueError, match=r"logits must have shape .* for 3 labels"):
        loss(logits, torch.tensor([0, 1, 2]))
    with pytest.raises(ValueError, match="labels must lie between 0 and 3, got 1 outside, such as 4"):
        loss(logits, torch.tensor([0, 4]))
    with pytest.raises(ValueError, match="labels must lie between 0 and 3, got 2 outside, such as -100"):
        loss(logits, torch.tensor([-100, -100]))
    with pytest.raises(TypeError, match=r"labels must be of type torch\.int64, got torch\.float32"):
        loss(logits, torch.zeros(2))
    with pytest.raises(ValueError, match=r"labels must be a non-empty vector, got shape \(0,\)"):
        loss(logits[:0], labels[:0])
    with pytest.raises(ValueError, match=r"every class needs at least one image; classes \[1, 3\] have \[0, 0\]"):
        make_loss(name, [5, 0, 2, 0])
    with pytest.raises(ValueError, match="counts must be a non-empty one-dimensional sequence of whole numbers"):
        make_loss(name, [0.5, 2.0])
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        make_loss(name, COUNTS, colour=1)


def test_options_reach_the_loss_and_unknown_names_are_refused() -> None:
    assert make_loss("focal", COUNTS, gamma=2.0).gamma == 2.0
    with pytest.raises(UnknownName, match="unknown loss 'focus'; did you mean 'focal'"):
        make_loss("focus", COUNTS)
    with pytest.raises(UnknownName, match=r"known: cross_entropy, focal, .*sade"):
        make_loss("hinge", COUNTS)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: FocalLoss(COUNTS, -1), ValueError, "gamma must be at least 0 and finite, got -1"),
        (lambda: FocalLoss(COUNTS, "2"), TypeError, "gamma must be a number of at least 0, got '2'"),
        (lambda: ClassBalancedLoss(COUNTS, 1.0), ValueError, r"beta must be below 1, got 1\.0"),
        (lambda: ClassBalancedLoss(COUNTS, 1.5), ValueError, "beta must lie between 0 and 1"),
        (lambda: LDAMLoss(COUNTS, -0.5), ValueError, "max_margin must be at least 0"),
        (lambda: LDAMLoss(COUNTS, scale=0), ValueError, "scale must be above 0"),
        (lambda: LDAMLoss(COUNTS, weights=[1.0]), ValueError, "weights must be 4 positive numbers"),
        (lambda: LDAMLoss(COUNTS, weights=[1.0, 1, 1, 0]), ValueError, "weights must be 4 positive numbers"),
        (lambda: LDAMLoss(COUNTS, weights=[1.0] * 4, reweight_from=3), ValueError, "give either weights or"),
        (lambda: LDAMLoss(COUNTS, reweight_from=1.5), TypeError, "reweight_from must be a whole number"),
        (lambda: LogitAdjustedLoss(COUNTS, -1), ValueError, "tau must be at least 0"),
        (lambda: LADELoss(COUNTS, alpha=-1), ValueError, "alpha must be at least 0"),
        (lambda: LADELoss(COUNTS, lam=np.nan), ValueError, "lam must be at least 0"),
        (lambda: RideLoss(COUNTS, temperature=0), ValueError, "temperature must be above 0"),
        (lambda: RideLoss(COUNTS, temperature_spread=1.0), ValueError, "temperature_spread must be below 1"),
        (lambda: RideLoss(COUNTS, diversity=np.inf), ValueError, "diversity must be finite, got inf"),
        (lambda: RideLoss(COUNTS)(torch.zeros(2, C), torch.tensor([0, 1])), ValueError, r"must have shape \(n, exp"),
        (lambda: SadeLoss(COUNTS)(torch.zeros(2, 2, C), torch.tensor([0, 1])), ValueError, r"shape \(2, 3, 4\)"),
        (lambda: SadeLoss(COUNTS, -1.0), ValueError, "tau must be a number of at least 0"),
    ],
)
def test_bad_settings_are_refused(make, error, message) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("gamma", [0.01, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_focal_gradients_are_finite_at_a_sure_and_right_prediction(kind: torch.dtype, gamma: float) -> None:
    logits = torch.tensor([[60.0, 0, 0], [0.2, 0.1, 0]], dtype=kind, requires_grad=True)
    loss = FocalLoss([50, 20, 5], gamma=gamma)(logits, torch.tensor([0, 2]))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0].abs().max().item() < 1e-20
    assert logits.grad[1].all()


@pytest.mark.parametrize("name", list(LOSSES))
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_every_loss_takes_logits_of_any_floating_type(name: str, kind: torch.dtype) -> None:
    # many images of one class: sums of whole numbers in half precision stop at 2048
    rows = 5000
    labels = torch.arange(rows).remainder(50).clamp(max=2)
    shape = (rows, 3, 3) if name in ("ride", "sade") else (rows, 3)
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(kind)
    loss = make_loss(name, [90, 20, 4])
    if name in ("ride", "ldam"):
        loss.set_epoch(500)
    leaf = logits.clone().requires_grad_(True)
    found = loss(leaf, labels)
    found.backward()
    assert leaf.grad.dtype == kind
    assert found.item() == pytest.approx(loss(logits.float(), labels).item(), rel=1e-5)
