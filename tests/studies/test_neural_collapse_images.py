"""The neural-collapse study on images: rows, objectives, interrupted runs, and every large run at a tiny size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from repro.claims import find_claim, judge
from repro.geometry import ufm_ce_etf, ufm_mse
from repro.ground.exceptions import UnknownName
from repro.protocol.experiment import Cell
from repro.running.worker import rows_as_csv
from repro.studies import experiment
from repro.studies.neural_collapse import on_images
from repro.studies.neural_collapse.models import Model, product
from repro.studies.neural_collapse.networks import IMBALANCED

torch = pytest.importorskip("torch")

from repro.studies.neural_collapse import networks  # noqa: E402
from repro.trials import Outputs, first_rows  # noqa: E402

FEW = (6,) * 10


def cell_of(scratch=None, **more):
    parameters = {
        "dataset": "digits", "network": "mlp", "lam": 1e-3, "width": 8, "epochs": 4, "recipe": "full_batch",
        "every": 0, "seed": 5,
    }  # fmt: skip
    return Cell("neural_collapse.mnist", parameters | more, 1, scratch=scratch)


def objective_of(outputs):
    return {"objective": outputs.objective}


def value_of(frame, metric):
    return frame.loc[frame["metric"] == metric, "value"]


# --- Networks and objectives ------------------------------------------------------------------------------------------


def test_the_perceptron_has_six_hidden_layers_and_an_affine_one():
    method = networks.on_images("mlp", 8, 3, 1e-3)
    network = method.network(first_rows("digits", FEW), torch.Generator().manual_seed(0))
    affine = [module for module in network.backbone if isinstance(module, torch.nn.Linear)]
    assert [module.in_features for module in affine] == [64] + [8] * 6
    assert sum(isinstance(module, torch.nn.ReLU) for module in network.backbone) == 6
    assert isinstance(network.backbone[-1], torch.nn.Linear)
    assert network.head.bias() is None
    assert len(network.head.weights()) == 3


@pytest.mark.parametrize("penalty", ["weight_decay", "head_and_features"])
def test_the_penalty_goes_where_it_belongs(penalty):
    parameters = {"lam": 0.1, "recipe": "layer_peeled_published", "epochs": 3}
    trained, _ = on_images._trained(cell_of(**parameters), FEW, objective_of, penalty=penalty, layers=2)
    # the same by hand, on all rows: 60 are fewer than a batch; the step size falls after each epoch
    task = first_rows("digits", FEW)
    images, labels = torch.from_numpy(task.inputs), torch.from_numpy(task.labels)
    of_weights = int(cell_of(**parameters).seed_sequence().generate_state(1)[0])
    network = networks.on_images("mlp", 8, 2, 0.1).network(task, torch.Generator().manual_seed(of_weights))
    decay = 0.1 if penalty == "weight_decay" else 0.0
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=decay)
    targets = torch.eye(10)[labels]
    for rate in (0.1, 0.01, 0.001):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        features, logits = network(images)
        value = (logits - targets).square().sum() / 120
        if penalty == "head_and_features":
            value = value + 0.05 * (features.square().sum() + sum(W.square().sum() for W in network.head.weights()))
        value.backward()
        optimizer.step()
    np.testing.assert_allclose(trained.W, network.head.product().detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(trained.features, network(images)[0].detach().numpy(), atol=1e-6)


def test_what_does_not_fit_is_refused():
    for name, bad, near in (("network", "resnet81", "resnet18"), ("recipe", "batch", "batches")):
        with pytest.raises(UnknownName, match=near):
            on_images._trained(cell_of(**{name: bad}), FEW, objective_of, penalty="weight_decay", layers=1)
    with pytest.raises(UnknownName, match="weight_decay"):
        on_images._trained(cell_of(), FEW, objective_of, penalty="decay", layers=1)
    with pytest.raises(ValueError, match="n_features must be a multiple of 8 for vgg16, got 12"):
        on_images._trained(cell_of(network="vgg16", width=12), FEW, objective_of, penalty="weight_decay", layers=1)
    with pytest.raises(ValueError, match="every must be at least 0, got -2"):
        on_images._trained(cell_of(every=-2), FEW, objective_of, penalty="weight_decay", layers=1)


# --- Interrupted runs -------------------------------------------------------------------------------------------------


class Stopped(Exception):
    pass


@pytest.mark.parametrize(
    "more",
    [{}, {"network": "resnet18", "recipe": "batches_published", "width": 16}],
    ids=["all rows, Adam", "batches, SGD, batch normalisation"],
)
def test_an_interrupted_run_ends_like_an_undisturbed_one(tmp_path, more):
    sizes, penalty = (13,) * 10, "weight_decay" if more else "head_and_features"
    plain, course = on_images._trained(cell_of(every=2, **more), sizes, objective_of, penalty=penalty, layers=2)
    assert list(course) == [1, 3]
    calls = []

    def stop(outputs):
        calls.append(outputs)
        if len(calls) == 2:
            raise Stopped
        return objective_of(outputs)

    there = cell_of(tmp_path, every=2, **more)
    with pytest.raises(Stopped):
        on_images._trained(there, sizes, stop, penalty=penalty, layers=2)
    resumed, whole = on_images._trained(there, sizes, objective_of, penalty=penalty, layers=2)
    np.testing.assert_array_equal(resumed.features, plain.features)
    np.testing.assert_array_equal(resumed.W, plain.W)
    assert resumed.objective == plain.objective
    assert whole == course
    # a run that has ended is not trained again
    again, whole = on_images._trained(there, sizes, stop, penalty=penalty, layers=2)
    np.testing.assert_array_equal(again.W, plain.W)
    assert (whole, len(calls)) == (course, 2)


# --- Cells ------------------------------------------------------------------------------------------------------------


def tiny(cell, **more):
    """The cell on the digits, with a narrow network and two epochs."""
    parameters = dict(cell.parameters) | {"dataset": "digits", "stands_for": "cifar10", "width": 16, "epochs": 2}
    return Cell(cell.experiment, parameters | {"every": 2} | more, cell.seed, device="auto")


def paper_cells():
    """One cell of every kind that differs in more than depth, data or seed."""
    kinds = {}
    for name in ("imbalanced_images", "deep_heads", "minority_images"):
        for cell in experiment(f"neural_collapse.{name}").cells_of("paper"):
            kind = {
                key: value
                for key, value in cell.parameters.items()
                if key not in ("dataset", "layers", "ratio", "seed")
            }
            kinds[name, *map(str, kind.values())] = cell  # the last one: deepest head, largest ratio
    return list(kinds.values())


@pytest.mark.parametrize("cell", paper_cells(), ids=lambda cell: "-".join(map(str, cell.parameters.values())))
def test_large_runs_work_at_a_tiny_size(cell, monkeypatch):
    monkeypatch.setitem(on_images.EQUAL_SIZE, "digits", 6)
    monkeypatch.setitem(on_images.MAJORITY_SIZE, "digits", 12)
    monkeypatch.setitem(on_images.UNEQUAL_SIZES, "digits", (2, 2, 4, 4, 6, 6, 8, 8, 10, 10))
    small = tiny(cell)
    declared = experiment(cell.experiment)
    frame = declared.compute(small)
    text = rows_as_csv(frame, small, tuple(declared.settings))
    assert len(text.splitlines()) == len(frame) + 1
    assert set(frame["dataset"]) == {"cifar10"}
    assert set(frame["replicate"]) == {cell.parameters["seed"]}
    # one note, after the first epoch, of the same quantities as at the end
    course = frame[frame["metric"].str.startswith("course_")]
    assert set(course["epoch"]) == {1}
    assert set(course["metric"].str.removeprefix("course_")) <= set(frame["metric"])
    if cell.parameters.get("penalty", "head_and_features") == "head_and_features" and "undercut" in set(
        frame["metric"]
    ):
        loss = value_of(frame, "objective").item()
        layers, lam = cell.parameters["layers"], cell.parameters["lam"]
        frame_loss = ufm_ce_etf(10, on_images.EQUAL_SIZE["digits"], [lam] * layers, lam).loss
        assert value_of(frame, "undercut").item() == max(0.0, 1 - loss / frame_loss)
    if "loss_gap" in set(frame["metric"]):
        assert value_of(frame, "loss_gap").item() > 0
    if "singular_value" in set(frame["metric"]):
        assert frame.loc[frame["metric"] == "singular_value", "position"].tolist() == list(range(1, 11))


def test_unequal_digits_follow_the_closed_form(monkeypatch):
    sizes = tuple(size // 2 for size in IMBALANCED)
    monkeypatch.setitem(on_images.UNEQUAL_SIZES, "digits", sizes)
    parameters = {
        "dataset": "digits", "network": "mlp", "layers": 1, "lam": 3e-3, "width": 64, "epochs": 500,
        "recipe": "full_batch", "every": 0, "seed": 4,
    }  # fmt: skip
    frame = on_images.imbalanced_images(Cell("neural_collapse.mnist", parameters, 1))
    assert 0 < value_of(frame, "loss_gap").item() < 0.02
    assert value_of(frame, "order_violations").item() == 0
    assert value_of(frame, "nc2_gof_err").item() < 0.05 < value_of(frame, "nc2_of_err").item()
    norms = frame[frame["metric"] == "w_norm"].set_index("class_size")["value"]
    assert norms.index.tolist() == sorted(set(sizes))
    np.testing.assert_allclose(norms, 1.0, atol=0.05)
    assert value_of(frame, "accuracy").tolist() == [1.0] * 5
    assert set(frame["dataset"]) == {"digits"}


def test_a_network_is_compared_with_the_point_in_which_its_own_directions_are_alive():
    sizes, lam = np.array(IMBALANCED), 1e-3
    model = Model(IMBALANCED, (lam,) * 2, lam, width=12)
    optimum = ufm_mse(sizes, [lam] * 2, lam)
    *layers, H = model.at_optimum(optimum)
    # the two smallest classes are taken out: their features and their direction in every layer
    H[:2] = 0
    for W in layers:
        W[:2, :2] = 0
    W = product(layers)
    value, *_ = model.value_and_gradients([*layers, H], np.zeros(10))
    trained = Outputs(H.T, (W @ H).T, model.labels, W, None, value)
    found = on_images.GeneralFrame.of(sizes, 2, lam).measure(trained)
    assert found["directions_lost"] == 2
    assert found["local_gap"] < 1e-12
    assert found["loss_gap"] == pytest.approx(value / optimum.loss - 1)
    assert found["loss_gap"] > 0.01
    whole = model.at_optimum(optimum)
    at_optimum = Outputs(
        whole[-1].T, (product(whole[:-1]) @ whole[-1]).T, model.labels, product(whole[:-1]), None, optimum.loss
    )
    found = on_images.GeneralFrame.of(sizes, 2, lam).measure(at_optimum)
    assert (found["directions_lost"], found["local_gap"], found["loss_gap"]) == (0, 0, 0)
    assert max(found["nc2_gof_err_W"], found["nc2_gof_err"], found["nc3_gof_err"]) < 1e-9


def at_stationary_point(sizes, layers, lam, lost=()):
    """Outputs of a model at the exact optimum, or where the directions of some classes are taken out of it."""
    model = Model(tuple(sizes), (lam,) * layers, lam, width=12)
    *layers_, H = model.at_optimum(ufm_mse(sizes, [lam] * layers, lam))
    for k in lost:
        H[:, model.labels == k] = 0
        for W in layers_:
            W[k, k] = 0
    W = product(layers_)
    value, *_ = model.value_and_gradients([*layers_, H], np.zeros(len(sizes)))
    return Outputs(H.T, (W @ H).T, model.labels, W, None, value)


@pytest.mark.parametrize(
    ("experiment_name", "labels"), [("mnist", ("nc4m", "nc6m", "nc8m")), ("imbalanced_images", ("nc4i", "nc6i"))]
)
@pytest.mark.parametrize("lost", [(), (0, 1)], ids=["at the optimum", "two classes lost"])
def test_the_general_frame_is_reproduced_where_it_is_and_only_there(monkeypatch, experiment_name, labels, lost):
    declared, frames = experiment(f"neural_collapse.{experiment_name}"), []

    def trained(cell, sizes, measure, *, layers, **options):
        return at_stationary_point(sizes, layers, cell.number("lam"), lost), {}

    monkeypatch.setattr(on_images, "_trained", trained)
    for cell in declared.cells_of("standard"):
        frames.append(declared.compute(cell))
    for label in labels:
        judged = judge(find_claim(f"neural_collapse-{label}"), pd.concat(frames), profile="standard")
        # what is left of a network that has lost classes is a stationary point, and it is far from the balanced frame
        holds = not lost or label == "nc8m"
        assert judged.verdict == ("reproduced" if holds else "not reproduced"), label
        if label in ("nc4m", "nc4i"):
            assert len(judged.conditions) == 9
            assert {one.verdict for one in judged.conditions} == {judged.verdict}


@pytest.mark.parametrize("turned", ["classifier", "features"])
def test_the_order_of_rows_and_of_features_is_compared(monkeypatch, turned):
    sizes = on_images.UNEQUAL_SIZES["cifar10"]
    exact = at_stationary_point(sizes, 1, 1e-3)
    place = np.arange(10)[::-1]  # norms in reversed order, directions as they are
    norms = {name: np.linalg.norm(one, axis=1) for name, one in (("W", exact.W), ("h", exact.class_means()))}
    W, features = exact.W, exact.features
    if turned == "classifier":
        W = W * (norms["W"][place] / norms["W"])[:, None]
    else:
        features = features * (norms["h"][place] / norms["h"])[exact.labels][:, None]
    found = Outputs(features, exact.logits, exact.labels, W, None, exact.objective)
    monkeypatch.setattr(on_images, "_trained", lambda *_, **__: (found, {}))
    cell = cell_of(dataset="cifar10", layers=1)
    assert value_of(on_images.imbalanced_images(cell), "order_violations").item() == 4  # five sizes, four steps


def test_living_directions_are_counted_within_classes_of_equal_size():
    sizes = np.array([1.0, 2.0, 2.0, 3.0, 3.0, 3.0])
    logits = np.zeros((6, 6))
    logits[0, 0] = 0.9
    logits[1:3, 1:3] = 0.45  # two classes merged: one direction of strength 0.9
    logits[3, 3], logits[5, 5] = 0.8, 0.4
    assert on_images.living_directions(logits, sizes).tolist() == [True, True, False, True, False, False]
    # a rotation among the three classes of equal size changes nothing
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    logits[3:, 3:] = turn @ logits[3:, 3:] @ turn.T
    assert on_images.living_directions(logits, sizes).tolist() == [True, True, False, True, False, False]


def test_measures_of_the_minority_are_those_of_its_rows(monkeypatch):
    W = np.vstack([np.eye(3, 5), np.tile([0.0, 0.0, 0.0, 3.0, 4.0], (7, 1))])
    labels = np.arange(10).repeat(2)
    logits = np.eye(10)[labels]
    logits[-1] = 0.0  # one of the fourteen small rows is taken for class 0
    features = np.random.default_rng(0).normal(size=(20, 5))
    trained = Outputs(features, logits, labels, W, None, 0.0)
    monkeypatch.setattr(on_images, "_trained", lambda *_, **__: (trained, {}))
    parameters = {
        "dataset": "digits", "network": "resnet18", "ratio": 10, "lam": 5e-4, "width": 8, "epochs": 1,
        "recipe": "layer_peeled_published", "every": 0, "seed": 2,
    }  # fmt: skip
    frame = on_images.minority_images(Cell("neural_collapse.minority_images", parameters, 1))
    found = frame.set_index("metric")["value"]
    assert found["minority_cosine"] == pytest.approx(1.0)
    assert found["majority_cosine"] == pytest.approx(0.0)
    assert found["minority_accuracy"] == pytest.approx(13 / 14)
    assert found["majority_accuracy"] == 1.0


def test_the_minority_is_turned_together_by_imbalance():
    parameters = {
        "dataset": "digits", "network": "mlp", "lam": 5e-4, "width": 32, "epochs": 12,
        "recipe": "layer_peeled_published", "every": 0, "seed": 0,
    }  # fmt: skip
    cosines = [
        value_of(
            on_images.minority_images(Cell("neural_collapse.minority_images", parameters | {"ratio": ratio}, 1)),
            "minority_cosine",
        ).item()
        for ratio in (1, 100)
    ]
    assert cosines[0] < cosines[1]


def test_all_cells_have_their_rows_and_controls_download_nothing():
    for name in ("mnist", "imbalanced_images", "deep_heads", "minority_images"):
        declared = experiment(f"neural_collapse.{name}")
        for cell in declared.cells_of("control"):
            assert not declared.datasets(cell.parameters)
            assert cell.parameters["dataset"] == "digits"
        for profile in declared.profiles:
            for cell in declared.cells_of(profile):
                assert declared.datasets(cell.parameters) == (cell.parameters["dataset"],)
                assert declared.seconds(cell.parameters) > 0
    # CIFAR-10 has 5,000 training images a class; the rarest class of MNIST has 5,421
    used = (on_images.EQUAL_SIZE["cifar10"], on_images.MAJORITY_SIZE["cifar10"], *on_images.UNEQUAL_SIZES["cifar10"])
    assert max(used) <= 5000
    assert max(on_images.UNEQUAL_SIZES["mnist"]) <= 5421
    assert on_images.MAJORITY_SIZE["cifar10"] // max(on_images.RATIOS) >= 1


def test_a_part_of_the_images_keeps_the_shares_of_the_classes():
    sizes = (100, 100, 200, 200, 300, 300, 400, 400, 500, 500)
    assert on_images.a_part(cell_of(), sizes) == sizes
    assert on_images.a_part(cell_of(part=0.5), sizes) == (50, 50, 100, 100, 150, 150, 200, 200, 250, 250)
    assert on_images.a_part(cell_of(part=0.012), (5000,) * 10) == (60,) * 10
    for bad in (0.0, -0.5, 1.5, 0.004):
        with pytest.raises(ValueError, match="part must be above 0, at most 1 and leave a row in every class"):
            on_images.a_part(cell_of(part=bad), sizes)


def test_a_part_is_what_networks_are_trained_on(monkeypatch):
    taken = []

    def trained(cell, sizes, measure, **options):
        taken.append(sizes)
        raise Stopped

    monkeypatch.setattr(on_images, "_trained", trained)
    for name in ("imbalanced_images", "deep_heads"):
        declared = experiment(f"neural_collapse.{name}")
        for cell in declared.cells_of("standard"):
            with pytest.raises(Stopped):
                declared.compute(cell)
    fifth = (20, 20, 40, 40, 60, 60, 80, 80, 100, 100)
    assert taken == [fifth] * 9 + [(60,) * 10] * 24


# --- Measures ---------------------------------------------------------------------------------------------------------


def test_a_training_is_faultless_when_no_class_has_an_error():
    rows = [
        ("mlp", 1, size, seed, "accuracy", 1.0 - 0.1 * (size == 20 and seed)) for size in (20, 40) for seed in (0, 1)
    ]
    rows += [("mlp", 3, 20, 0, "accuracy", 1.0), ("mlp", 3, None, 0, "loss_gap", 0.5)]
    table = pd.DataFrame(rows, columns=["network", "layers", "class_size", "replicate", "metric", "value"])
    assert on_images.faultless(table.assign(epoch=np.nan)) == [True, False, True]


def test_minority_sizes():
    assert on_images.minority_sizes("cifar10", 10) == (5000,) * 3 + (500,) * 7
    assert on_images.minority_sizes("digits", 1000) == (100,) * 3 + (1,) * 7
    with pytest.raises(ValueError, match="ratio must be at least 1, got 0"):
        on_images.minority_sizes("mnist", 0)


def test_mean_cosine_of_frames():
    simplex = np.eye(5) - 1 / 5
    assert on_images.mean_cosine(simplex * np.arange(1.0, 6.0)[:, None]) == pytest.approx(-1 / 4)
    assert on_images.mean_cosine(np.ones((4, 3))) == pytest.approx(1.0)
    assert on_images.mean_cosine(np.array([[1.0, 0.0], [2.0, 2.0]])) == pytest.approx(0.5**0.5)


def test_rank_deficit_counts_missing_directions():
    assert on_images.rank_deficit(np.array([5.0] * 9 + [1e-9])) == 0
    assert on_images.rank_deficit(np.array([5.0] * 10)) == 0
    assert on_images.rank_deficit(np.array([5.0] * 5 + [0.04] + [0.0] * 4)) == 4


def test_order_violations_compare_with_the_exact_order():
    sizes = np.array([1, 1, 2, 2, 3, 3])
    rising = np.array([1.0, 1.2, 2.0, 2.1, 3.0, 3.1])
    assert on_images.order_violations(rising, rising, sizes) == 0
    assert on_images.order_violations(-rising, rising, sizes) == 2
    assert on_images.order_violations(np.array([1.0, 1.0, 3.0, 3.0, 2.0, 2.0]), rising, sizes) == 1
