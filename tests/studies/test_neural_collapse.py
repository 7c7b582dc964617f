"""The neural-collapse study: models minimised directly, and networks on the digits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

from repro.claims import find_claim, judge
from repro.geometry import ufm_ce_etf, ufm_mse
from repro.protocol.experiment import Cell
from repro.results import find_table
from repro.studies import experiment
from repro.studies.neural_collapse import models
from repro.studies.neural_collapse.models import CASES, Descent, Model, penalty_for, product, undercut

torch = pytest.importorskip("torch")

from repro.studies.neural_collapse import on_digits  # noqa: E402
from repro.studies.neural_collapse.networks import BALANCED, IMBALANCED, collapse, penalised_mlp  # noqa: E402
from repro.trials import FULL_BATCH, Outputs, digit_rows, fit  # noqa: E402


@pytest.mark.parametrize(
    "model",
    [
        Model((3, 2), (0.1, 0.2, 0.3), 0.05, width=3),
        Model((3, 2, 1), (0.1,), 0.05, width=2, loss="cross_entropy", bias=True),
        Model((2, 2), (0.1, 0.2), 0.3, width=4, bias=True),
    ],
)
def test_gradients_are_those_of_the_objective(model):
    generator = np.random.default_rng(0)
    parts, b = model.draw(0.7, generator), generator.normal(size=len(model.sizes))
    shapes = model.shapes()
    cuts = np.cumsum([rows * columns for rows, columns in shapes])

    def value(v):
        *flat, bias = np.split(v, cuts)
        return model.value_and_gradients([part.reshape(shape) for part, shape in zip(flat, shapes, strict=True)], bias)[
            0
        ]

    point = np.concatenate([*(part.ravel() for part in parts), b])
    _, gradients, of_bias = model.value_and_gradients(parts, b)
    expected = approx_fprime(point, value, 1e-6)
    np.testing.assert_allclose(np.concatenate([*(g.ravel() for g in gradients), of_bias]), expected, atol=2e-6)


def test_the_objective_is_its_formula():
    model = Model((2, 1), (0.1, 0.2), 0.3, width=3)
    W1, W2, H = model.draw(1.0, np.random.default_rng(1))
    Y = np.array([[1, 1, 0], [0, 0, 1]])
    expected = ((W2 @ W1 @ H - Y) ** 2).sum() / 6 + 0.05 * (W1**2).sum() + 0.1 * (W2**2).sum() + 0.15 * (H**2).sum()
    assert model.value_and_gradients([W1, W2, H], np.zeros(2))[0] == pytest.approx(expected)


def test_the_constructed_optimum_has_no_slope_and_the_closed_loss():
    model = CASES["unequal sizes, three layers"]
    optimum = ufm_mse(model.sizes, model.layer_penalties, model.feature_penalty)
    parts = model.at_optimum(optimum)
    value, gradients, _ = model.value_and_gradients(parts, np.zeros(4))
    assert value == pytest.approx(optimum.loss, abs=1e-14)
    assert max(np.abs(gradient).max() for gradient in gradients) < 1e-14
    W = product(parts[:-1])
    np.testing.assert_allclose(W @ W.T, optimum.W_gram, atol=1e-12)


def test_descent_is_heavy_ball_and_ends_at_the_optimum_of_one_layer():
    model = Model((6, 3), (0.02,), 0.02, width=4)
    start = model.draw(0.5, np.random.default_rng(0))
    descent = Descent(model, [part.copy() for part in start], 0.1)
    descent.run(1)
    _, gradients, _ = model.value_and_gradients(start, np.zeros(2))
    for ours, before, gradient in zip(descent.parts, start, gradients, strict=True):
        np.testing.assert_allclose(ours, before - 0.1 * gradient)
    assert descent.run(8000) == pytest.approx(ufm_mse((6, 3), [0.02], 0.02).loss, rel=1e-6)


def test_the_penalty_gives_the_smallest_class_the_wanted_b():
    for layers in (1, 2, 3):
        lam = penalty_for(0.3, (40, 20, 10, 5), layers)
        assert ufm_mse((40, 20, 10, 5), [lam] * layers, lam).b[3] == pytest.approx(0.3)


def test_norm_laws_of_one_layer_turn_at_four_times_the_threshold():
    n = np.arange(4, 60)
    optimum = ufm_mse(n, [1e-3], 4.0 / n.sum() ** 2 / 1e-3)
    assert optimum.thresholds.class_size == pytest.approx(4.0)
    h = optimum.h_norms
    assert np.argmax(h) == np.flatnonzero(n == 16)[0]


def test_undercut_is_measured_from_the_simplex_frame():
    frame = ufm_ce_etf(10, 60, [1e-3] * 3, 1e-3).loss
    assert undercut(frame, 10, 60, 3, 1e-3) == 0.0
    assert undercut(0.9 * frame, 10, 60, 3, 1e-3) == pytest.approx(0.1)
    assert undercut(2 * frame, 10, 60, 3, 1e-3) == 0.0
    # closed form of the pairs in the specification: 0.11140 against 0.1406
    assert undercut(np.inf, 10, 60, 3, 1e-3, paired=True) == pytest.approx(1 - 0.11140 / 0.1406, abs=1e-3)


def test_minority_cosines_are_those_of_the_specification():
    # read as -0.22, -0.02, 0.16, 0.59, 0.89 for 2, 5, 10, 50, 200
    for ratio, cosine in ((2, -0.22), (10, 0.16), (50, 0.59)):
        frame = models.minority(Cell("neural_collapse.minority", {"ratio": ratio, "starts": 1}, 1))
        assert frame.set_index("metric")["value"]["minority_cosine"] == pytest.approx(cosine, abs=0.006)


def test_small_starts_lose_what_larger_ones_learn():
    lost = {}
    for scale in (0.1, 0.3):
        parameters = {"layers": 3, "b": 0.3, "scale": scale, "seed": 0}
        frame = models.traps(Cell("neural_collapse.traps", parameters, 1))
        assert frame["class_size"].dropna().tolist() == [40, 20, 10, 5]
        lost[scale] = frame[frame["metric"] == "lost"]["value"].item()
    assert lost[0.1] > lost[0.3]


def test_a_network_comes_close_to_the_bound_and_never_below():
    seed = np.random.SeedSequence(0)
    trained = fit(digit_rows(BALANCED), penalised_mlp(1, 5e-3), FULL_BATCH.of(500), seed=seed).outputs()
    optimum = ufm_mse(BALANCED, [5e-3], 5e-3)
    assert optimum.loss < trained.objective < 1.01 * optimum.loss
    assert trained.accuracy().min() == 1.0
    np.testing.assert_allclose(trained.logits, trained.features @ trained.W.T, atol=1e-5)
    values = trained.objective, ((trained.logits - np.eye(10)[trained.labels]) ** 2).sum() / 1200
    penalty = 2.5e-3 * ((trained.W**2).sum() + (trained.features**2).sum())
    assert values[0] == pytest.approx(values[1] + penalty, rel=1e-5)
    measures = collapse(trained, ["of"])
    assert measures["nc2_of_err"] < 0.1
    assert measures["nc4"] == 1.0


def test_equal_seeds_give_equal_networks():
    task, method = digit_rows(IMBALANCED), penalised_mlp(2, 5e-3, bias=True)
    first, second, third = (
        fit(task, method, FULL_BATCH.of(3), seed=np.random.SeedSequence(seed)).outputs() for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.features, second.features)
    assert (first.features != third.features).any()


@pytest.mark.parametrize("bias", [False, True])
def test_direct_optimisation_of_equal_classes_ends_in_the_frame_of_its_head(bias):
    parameters = {"layers": 1, "bias": bias, "seed": 0, "steps": 6000}
    frame = models.direct_balanced(Cell("neural_collapse.direct_balanced", parameters, 1))
    found = frame.set_index("metric")["value"]
    assert max(found[name] for name in ("classifier_err", "features_err", "product_err")) < 1e-3
    # the same descent by hand: rows at right angles, or cosines of -1/3 and a bias of 1/4
    model = Model((100,) * 4, (5e-4,), 5e-4, 64, bias=bias)
    descent = Descent(model, model.draw(0.1, np.random.default_rng(0)), 0.1)
    value = descent.run(6000)
    unit = descent.parts[0] / np.linalg.norm(descent.parts[0], axis=1, keepdims=True)
    np.testing.assert_allclose((unit @ unit.T)[~np.eye(4, dtype=bool)], -1 / 3 if bias else 0.0, atol=1e-3)
    np.testing.assert_allclose(descent.b, 0.25 if bias else 0.0, atol=3e-3)
    assert found["loss_gap"] == pytest.approx(value / ufm_mse([100] * 4, [5e-4], 5e-4, bias=bias).loss - 1, abs=1e-3)


def test_descent_moves_a_bias_as_it_moves_the_matrices():
    model = Model((6, 3), (0.02,), 0.02, width=4, bias=True)
    descent = Descent(model, model.draw(0.5, np.random.default_rng(0)), 0.1)
    _, _, slope = model.value_and_gradients(descent.parts, np.zeros(2))
    descent.run(1)
    np.testing.assert_allclose(descent.b, -0.1 * slope)


# --- What is counted, and claims on networks in which their statement holds -------------------------------------------


def network_with(right, objective=1.0):
    """Outputs of a network on the imbalanced digits of which, by class size, a share of the rows is right."""
    labels = np.repeat(np.arange(10), IMBALANCED)
    places = np.concatenate([np.arange(size) / size for size in IMBALANCED])
    shares = np.repeat([right[size] for size in IMBALANCED], IMBALANCED)
    logits = np.eye(10)[np.where(places < shares, labels, (labels + 1) % 10)]
    return Outputs(np.zeros((len(labels), 2)), logits, labels, np.zeros((10, 2)), None, objective)


def learnt_of(layers, threshold, seeds=1):
    parameters = {"layers": layers, "threshold": threshold, "epochs": 0, "seeds": seeds}
    return on_digits.learnt(Cell("neural_collapse.learnt", parameters, 1))


@pytest.mark.parametrize(
    ("right", "misplaced", "smallest"),
    [
        ({20: 0.0, 40: 0.0, 60: 1.0, 80: 1.0, 100: 1.0}, 0, 60),
        ({20: 0.6, 40: 0.0, 60: 1.0, 80: 1.0, 100: 1.0}, 1, 20),  # learnt although below the threshold
        ({20: 0.0, 40: 0.0, 60: 0.0, 80: 0.4, 100: 1.0}, 2, 100),  # not learnt although above it
        ({20: 0.4, 40: 0.4, 60: 0.6, 80: 0.6, 100: 0.6}, 0, 60),  # learnt: more than half of the rows are right
        ({20: 1.0, 40: 1.0, 60: 0.0, 80: 0.0, 100: 0.0}, 5, 20),
    ],
)
def test_classes_on_either_wrong_side_of_the_threshold_are_counted(monkeypatch, right, misplaced, smallest):
    monkeypatch.setattr(on_digits, "_outputs", lambda *_: network_with(right))
    found = learnt_of(1, 50.0)
    values = found[found["class_size"].isna()].set_index("metric")["value"]
    assert (values["misplaced"], values["smallest_learnt"]) == (misplaced, smallest)


def test_wrong_sides_tell_lost_classes_from_kept_ones():
    rows = [
        (2, 50.0, size, seed, "accuracy", value)
        for seed, by_size in enumerate(({20: 0.0, 40: 0.6, 60: 0.5, 80: 1.0}, {20: 0.9, 40: 0.0, 60: 0.4, 80: 0.3}))
        for size, value in by_size.items()
    ]
    rows.append((2, 50.0, None, 0, "misplaced", 2.0))
    table = pd.DataFrame(rows, columns=["layers", "threshold", "class_size", "replicate", "metric", "value"])
    assert on_digits.wrong_sides(table).loc[2].to_dict() == {"above": 4, "lost": 3, "below": 4, "kept": 2}


def test_networks_that_follow_the_threshold_reproduce_the_claim_at_every_depth(monkeypatch):
    frames = []
    for cell in experiment("neural_collapse.learnt").cells_of("standard"):
        threshold = cell.parameters["threshold"]
        alive = {size: float(size > threshold) for size in IMBALANCED}
        monkeypatch.setattr(on_digits, "_outputs", lambda *_, alive=alive: network_with(alive))
        frames.append(learnt_of(cell.parameters["layers"], threshold, seeds=3))
    judged = judge(find_claim("neural_collapse-nc5"), pd.concat(frames), profile="standard")
    assert (judged.verdict, len(judged.conditions)) == ("reproduced", 15)


def test_networks_at_the_simplex_frame_reproduce_the_claim_on_cross_entropy(monkeypatch):
    frames = []
    for layers in (1, 2, 3):
        at_frame = network_with(dict.fromkeys(IMBALANCED, 1.0), ufm_ce_etf(10, 60, [1e-3] * layers, 1e-3).loss)
        monkeypatch.setattr(on_digits, "_outputs", lambda *_, at_frame=at_frame: at_frame)
        parameters = {"layers": layers, "lam": 1e-3, "epochs": 0, "seeds": 3}
        frames.append(on_digits.cross_entropy(Cell("neural_collapse.cross_entropy", parameters, 1)))
    judged = judge(find_claim("neural_collapse-nc7"), pd.concat(frames), profile="standard")
    assert judged.verdict == "reproduced"


def test_changes_are_counted_from_the_first_epoch_without_any_error(monkeypatch):
    course = {
        epoch: {"error": error, "nc1_quot": value, "nc2_etf_err": 2 * value, "nc3_dual_err": 3.0}
        for epoch, error, value in ((20, 0.4, 8.0), (40, 0.01, 4.0), (60, 0.0, 2.0), (80, 0.0, 1.0), (100, 0.0, 0.5))
    }

    class Followed:
        def __init__(self):
            self.course = course

    monkeypatch.setattr(on_digits, "_trained", lambda *_, **__: Followed())
    parameters = {"lam": 2e-3, "epochs": 100, "every": 20, "seeds": 2}
    found = on_digits.appearance(Cell("neural_collapse.appearance", parameters, 1))
    changes = found[found["epoch"].isna() & (found["replicate"] == 0)].set_index("metric")["value"]
    assert changes["log_change_nc1_quot"] == pytest.approx(np.log(0.5 / 2.0))
    assert changes["log_change_nc2_etf_err"] == pytest.approx(np.log(0.5 / 2.0))
    assert changes["log_change_nc3_dual_err"] == 0.0


def test_a_stored_start_comes_out_again():
    stored = find_table("neural_collapse.traps", "standard").frame
    cell = experiment("neural_collapse.traps").cells_of("standard")[0]
    again = models.traps(Cell(cell.experiment, cell.parameters, cell.seed))
    rows = stored[stored["cell"] == cell.id]
    assert rows["value"].tolist() == again["value"].tolist()
