"""PyTorch tensors are taken as arrays are."""

from __future__ import annotations

import numpy as np
import pytest

from repro.geometry import CollapseMeter, NearestMeanAgreement

torch = pytest.importorskip("torch")
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_tensors_give_what_arrays_give(device, kind):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 200)
    features = torch.tensor(rng.normal(size=(200, 8)), dtype=kind, device=device, requires_grad=True)
    W, b = (torch.tensor(rng.normal(size=shape), device=device, requires_grad=True) for shape in [(5, 8), 5])
    target = torch.tensor(labels, device=device)
    rounded = features.detach().cpu().double().numpy()
    found, expected = CollapseMeter(5, 8), CollapseMeter(5, 8)
    found.update(features, target)
    expected.update(rounded, labels)
    as_arrays = [part.detach().cpu().numpy() for part in (W, b)]
    assert found.compute(W, b, ("etf", "of")) == expected.compute(*as_arrays, targets=("etf", "of"))
    agreement, other = (
        NearestMeanAgreement(found.class_means, W, b),
        NearestMeanAgreement(found.class_means, *as_arrays),
    )
    agreement.update(features)
    other.update(rounded)
    assert agreement.compute() == other.compute()


def test_a_later_change_of_the_tensor_does_not_reach_the_meter():
    features, labels = torch.randn(50, 3, dtype=torch.float64), torch.arange(50) % 4
    meter = CollapseMeter(4, 3, reference=features[:4])
    meter.update(features, labels)
    before = meter.compute()
    features.zero_()
    assert meter.compute() == before


def test_bad_tensors_are_refused_as_arrays_are():
    meter = CollapseMeter(2, 3)
    with pytest.raises(ValueError, match="features must be finite, got 1 NaN and 0 infinite of 6"):
        meter.update(torch.tensor([[1.0, 2, 3], [1, 2, torch.nan]]), torch.tensor([0, 1]))
    with pytest.raises(TypeError, match="labels must be whole numbers, got entries of type float32"):
        meter.update(torch.ones(2, 3), torch.tensor([0.0, 1.0]))
