"""Training on mixes of rows: what is mixed, with what weights, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax

torch = pytest.importorskip("torch")

from repro.training import Mixup, simplex_rows  # noqa: E402


class _Kept(torch.nn.Module):
    """Hands its inputs on."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_mixup_mixes_inputs_and_targets_alike(loss: str) -> None:
    mixup, network = Mixup(0.7, loss, 0.3, seed=11), _Kept()
    mixup.attach(network)
    generator = np.random.default_rng(0)
    inputs, logits = generator.standard_normal((6, 2)), generator.standard_normal((6, 3))
    features, labels = generator.standard_normal((6, 4)), np.array([0, 1, 2, 2, 1, 0])
    for batch in range(2):  # every batch has draws of its own
        mixed = network.train()(torch.from_numpy(inputs)).numpy()
        partners, t = mixup.draw(6, batch)
        expected = t[:, None] * inputs + (1 - t[:, None]) * inputs[partners]
        np.testing.assert_allclose(mixed, expected, rtol=1e-6)
        assert (mixed != inputs).any()
    targets = t[:, None] * np.eye(3)[labels] + (1 - t[:, None]) * np.eye(3)[labels[partners]]
    if loss == "mse":
        value = 0.5 * ((logits - targets) ** 2).sum() / 6
    else:
        value = -(targets * log_softmax(logits, axis=1)).sum() / 6
    value += 0.15 * (features**2).sum() / 6
    ours = mixup(torch.from_numpy(features), torch.from_numpy(logits), torch.from_numpy(labels), None)
    assert float(ours) == pytest.approx(value, rel=1e-6)
    assert int(network.mixed_batches) == 2
    np.testing.assert_array_equal(network.eval()(torch.from_numpy(inputs)).numpy(), inputs)


def test_weights_follow_the_beta_distribution() -> None:
    from scipy.stats import beta, kstest

    weights = Mixup(0.4, "mse", 0.0, seed=0).draw(4000, 0)[1]
    assert kstest(weights, beta(0.4, 0.4).cdf).pvalue > 0.01


def test_no_mixup_leaves_rows_and_labels_alone() -> None:
    mixup, network = Mixup(None, "cross_entropy", 0.0, seed=0), _Kept()
    mixup.attach(network)
    inputs, logits, labels = torch.randn(5, 2), torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    assert torch.equal(network.train()(inputs), inputs)
    expected = torch.nn.functional.cross_entropy(logits, labels)
    torch.testing.assert_close(mixup(inputs, logits, labels, None), expected)


def test_mixup_without_a_mixed_batch_says_what_it_needs() -> None:
    mixup, logits, labels = Mixup(1.0), torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    with pytest.raises(RuntimeError, match=r"needs a batch of 5 rows .* found none; attach it"):
        mixup(logits, logits, labels, None)
    network = _Kept()
    mixup.attach(network)
    network.train()(torch.randn(4, 2))
    with pytest.raises(RuntimeError, match=r"needs a batch of 5 rows .* found one of 4"):
        mixup(logits, logits, labels, None)
    with pytest.raises(ValueError, match="attached to it already"):
        Mixup(0.2).attach(network)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"concentration": 0.0}, ValueError, "concentration must be above 0"),
        ({"concentration": "1"}, TypeError, "concentration must be a number above 0, got '1'"),
        ({"concentration": 1.0, "loss": "hinge"}, ValueError, "loss must be one of .* got 'hinge'"),
        ({"concentration": 1.0, "lambda_H": -0.1}, ValueError, "lambda_H"),
        ({"concentration": 1.0, "seed": -1}, ValueError, "seed must be at least 0, got -1"),
    ],
)
def test_bad_settings_of_mixup_are_refused(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Mixup(**arguments)


def test_simplex_rows_have_equal_norms_and_angles_and_a_rotation_of_their_own() -> None:
    first, second = (simplex_rows(5, 7, 1.3, torch.Generator().manual_seed(seed)).numpy() for seed in (0, 1))
    np.testing.assert_allclose(first @ first.T, 1.3**2 * (5 * np.eye(5) - 1) / 4, atol=1e-6)
    assert np.abs(first - second).max() > 0.1
    with pytest.raises(ValueError, match="n_features must be at least 5, got 4"):
        simplex_rows(5, 4, 1.0)
    with pytest.raises(ValueError, match="norm must be above 0"):
        simplex_rows(5, 7, 0.0)
