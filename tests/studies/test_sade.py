"""The SADE study: what is measured of logits that are made by hand, and how networks are trained and kept."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")
from torch.nn import functional  # noqa: E402

from repro.data import long_tail_counts, make_long_tail  # noqa: E402
from repro.ground.exceptions import UnknownName  # noqa: E402
from repro.longtail import TEST_DISTRIBUTIONS  # noqa: E402
from repro.protocol.experiment import Cell  # noqa: E402
from repro.results import find_table  # noqa: E402
from repro.studies.sade import on_cifar, on_digits, training  # noqa: E402
from repro.studies.sade.evaluating import (  # noqa: E402
    Evidence,
    best_epoch,
    errors_over_images,
    identical_experts,
    on_every_set,
    single_network,
    skilled_experts,
)
from repro.training import DotProductClassifier, ResNet32  # noqa: E402

N_CLASSES, PER_CLASS = 10, 60


def constructed(favours: np.ndarray, seed: int = 0, pairs: int = 2) -> Evidence:
    """Experts who see the truth through noise that views do not share, and favour classes by ``favours[expert, c]``."""
    draws = np.random.default_rng(seed)
    labels = np.repeat(np.arange(N_CLASSES), PER_CLASS)
    truth = 3.0 * np.eye(N_CLASSES)[labels][:, None] + favours
    shared = draws.normal(size=(len(labels), 1, N_CLASSES))
    clean = truth + shared + 0.3 * draws.normal(size=(len(labels), len(favours), N_CLASSES))
    noise = draws.normal(size=(len(labels), pairs, 2, len(favours), N_CLASSES))
    counts = long_tail_counts(200, N_CLASSES, 100)
    return Evidence(labels, counts, clean, (clean[:, None, None] + noise), clean + 2 * noise[:, 0, 0])


def specialists() -> Evidence:
    head = np.repeat([1.5, 0.0, -1.5], [2, 3, 5])
    return constructed(np.stack([head, 0 * head, -head]))


def table(rows) -> pd.DataFrame:
    return pd.DataFrame(rows)


def value(found: pd.DataFrame, method: str, metric: str, test_set: str | None = None) -> float:
    chosen = found[(found["method"] == method) & (found["metric"] == metric) & found["class_label"].isna()]
    chosen = chosen[chosen["test_set"].isna() if test_set is None else chosen["test_set"] == test_set]
    assert len(chosen) == 1
    return float(chosen["value"].iloc[0])


def test_accuracy_is_that_of_the_drawn_set_and_its_expectation():
    evidence = specialists()
    logits = evidence.clean[:, 0]
    found = table(on_every_set("first", lambda test_set, rows: logits, evidence))
    right = logits.argmax(axis=1) == evidence.labels
    for test_set in TEST_DISTRIBUTIONS:
        rows = evidence.rows_of(test_set)
        assert value(found, "first", "accuracy", test_set) == pytest.approx(right[rows].mean())
    recalls = np.array([right[evidence.labels == k].mean() for k in range(N_CLASSES)])
    counts = long_tail_counts(PER_CLASS, N_CLASSES, 50)
    wanted = (recalls * counts).sum() / counts.sum()
    assert value(found, "first", "reweighted_accuracy", "forward-50") == pytest.approx(wanted)
    assert value(found, "first", "recall_many", "uniform") == pytest.approx(recalls[:2].mean())
    assert value(found, "first", "recall_few", "uniform") == pytest.approx(recalls[5:].mean())


def test_skilled_experts_are_told_apart_and_weights_follow_the_test_set():
    found = table(skilled_experts("", specialists()))
    assert value(found, "experts", "lead_many") > 0
    assert value(found, "experts", "lead_few") > 0
    assert value(found, "experts", "steadier_many") > 0
    assert value(found, "experts", "steadier_few") > 0
    assert value(found, "learned", "weight_1", "forward-50") > 1 / 3 > value(found, "learned", "weight_3", "forward-50")
    assert value(found, "learned", "weight_3", "backward-50") > 1 / 3
    assert value(found, "learned", "trend_1") > 0.8
    assert value(found, "learned", "trend_3") > 0.8
    weights = [value(found, "learned", f"weight_{k}", "uniform") for k in (1, 2, 3)]
    assert sum(weights) == pytest.approx(1)
    assert value(found, "learned", "weight_1_from_third", "uniform") == pytest.approx(weights[0] - 1 / 3)
    for test_set in TEST_DISTRIBUTIONS:
        best = value(found, "oracle", "accuracy", test_set)
        assert best >= value(found, "equal", "accuracy", test_set) - 1e-12
        assert best >= max(value(found, f"expert_{k}", "accuracy", test_set) for k in (1, 2, 3)) - 1e-12
    lost = value(found, "equal", "accuracy", "uniform") - value(found, "equal_augmented", "accuracy", "uniform")
    assert value(found, "equal_augmented", "lost", "uniform") == pytest.approx(lost)
    assert lost > 0


def test_errors_over_images_are_those_of_paired_differences():
    evidence = specialists()
    rows = list(skilled_experts("", evidence))
    found = table([*rows, *errors_over_images(evidence, rows)])
    for test_set in ("forward-50", "uniform", "backward-50"):
        chosen = evidence.rows_of(test_set)
        labels, n = evidence.labels[chosen], len(chosen)
        weights = np.array([value(found, "learned", f"weight_{k}", test_set) for k in (1, 2, 3)])
        learned = np.einsum("nkc,k->nc", evidence.clean[chosen], weights).argmax(axis=1) == labels
        second = evidence.clean[chosen, 1].argmax(axis=1) == labels
        won, lost = (learned & ~second).sum(), (second & ~learned).sum()  # as in McNemar's test
        wanted = np.sqrt((won + lost - (won - lost) ** 2 / n) / (n * (n - 1)))
        assert value(found, "learned", "error_over_expert_2", test_set) == pytest.approx(wanted)
        assert 0 <= value(found, "learned", "error_over_equal", test_set) < 0.05


def test_the_gap_is_the_share_of_all_gains():
    found = table(skilled_experts("", specialists()))
    gains = [value(found, "learned", "accuracy", s) - value(found, "equal", "accuracy", s) for s in TEST_DISTRIBUTIONS]
    most = [value(found, "oracle", "accuracy", s) - value(found, "equal", "accuracy", s) for s in TEST_DISTRIBUTIONS]
    assert value(found, "learned", "gap_closed") == pytest.approx(sum(gains) / sum(most))


def test_exchanged_roles_turn_every_statement_round():
    usual, control = (table(skilled_experts("", specialists(), exchanged=flag)) for flag in (False, True))
    for method, metric in (
        ("experts", "lead_many"),
        ("experts", "lead_few"),
        ("experts", "lead_mean"),
        ("experts", "steadier_many"),
        ("experts", "steadier_few"),
        ("learned", "trend_1"),
        ("learned", "trend_3"),
        ("learned", "gap_closed"),
    ):
        assert value(control, method, metric) < 0, metric
        assert value(control, method, metric) < value(usual, method, metric)
    for test_set in ("forward-50", "backward-50"):
        assert value(control, "learned", "accuracy", test_set) < value(control, "equal", "accuracy", test_set)
        for name in ("stability_information", "stability_certainty", "stability_accuracy"):
            assert value(control, "surface", name, test_set) == pytest.approx(
                -value(usual, "surface", name, test_set), abs=0.1
            )


def test_identical_experts_keep_equal_weights():
    alike = constructed(np.zeros((3, N_CLASSES)))
    found = table(identical_experts("alike", alike))
    for test_set in TEST_DISTRIBUTIONS:
        assert abs(value(found, "alike_learned", "weight_1_from_third", test_set)) < 0.1


def test_a_calibrated_network_gains_by_the_true_prior():
    draws = np.random.default_rng(1)
    labels = np.repeat(np.arange(N_CLASSES), 300)
    points = 1.5 * np.eye(N_CLASSES)[labels] + draws.normal(size=(len(labels), N_CLASSES))
    logits = 1.5 * points
    evidence = Evidence(labels, long_tail_counts(200, N_CLASSES, 100), logits[:, None])
    found = table(single_network("net", evidence, calibrated_to="uniform"))
    assert value(found, "net_known", "accuracy", "forward-50") > value(found, "net", "accuracy", "forward-50") + 0.05
    assert value(found, "net_known", "accuracy", "uniform") == value(found, "net", "accuracy", "uniform")
    for way in ("power", "em"):
        known = value(found, "net_known", "accuracy", "backward-50")
        assert abs(value(found, f"net_{way}", "accuracy", "backward-50") - known) < 0.03
    gains = []
    for rows, prior in evidence.random_orders():  # Bayes' rule by hand, on the same images with and without the prior
        right = [
            (scores.argmax(axis=1) == labels[rows]).mean() for scores in (logits[rows] + np.log(prior), logits[rows])
        ]
        gains.append(right[0] - right[1])
    assert min(gains) > 0.0
    assert value(found, "net_known", "gain", "random-order") == pytest.approx(np.mean(gains))
    assert np.mean(gains) > 0.05


def test_the_same_network_told_the_training_prior_undoes_it():
    evidence = specialists()
    prior = evidence.prior
    shifted = Evidence(evidence.labels, evidence.counts, evidence.clean[:, 1:2] + np.log(prior))
    plain = Evidence(evidence.labels, evidence.counts, evidence.clean[:, 1:2])
    trained, balanced = (
        table(single_network("net", one, calibrated_to=base)) for one, base in ((shifted, "train"), (plain, "uniform"))
    )
    for test_set in ("forward-50", "uniform", "backward-10"):
        first, second = (value(one, "net_known", "accuracy", test_set) for one in (trained, balanced))
        assert first == pytest.approx(second)


def test_the_digits_of_a_seed_are_a_long_tail():
    images, labels = on_digits.training_part(1)
    assert torch.bincount(labels).tolist() == [200, 119, 71, 43, 25, 15, 9, 5, 3, 2]
    assert images.shape == (492, 1, 28, 28)
    other, _ = on_digits.training_part(2)
    assert not torch.equal(images, other)


def test_two_trainings_of_a_seed_see_the_same_images(monkeypatch):
    seen = []
    images, labels = on_digits.training_part(1)
    monkeypatch.setattr(on_digits, "training_part", lambda seed: seen.append(seed) or (images[:64], labels[:64]))
    root = np.random.SeedSequence(3)
    on_digits.train_digits(on_digits._shifts(1.0), root, epochs=1)
    on_digits.train_digits(on_digits._shifts(1.0)[:1, :1], root, epochs=1)
    assert seen[0] == seen[1]


def test_the_three_shifts_are_those_of_the_losses():
    shifts = on_digits._shifts(1.0, 2.0)
    counts = on_digits.counts()
    prior = counts / counts.sum()
    np.testing.assert_allclose(shifts[0, 0], 0)
    np.testing.assert_allclose(shifts[0, 1], np.log(prior), atol=1e-5)
    np.testing.assert_allclose(shifts[0, 2], np.log(prior) - np.log(prior[::-1]), atol=1e-5)
    np.testing.assert_allclose(shifts[1, 2], np.log(prior) - 2 * np.log(prior[::-1]), atol=1e-5)
    np.testing.assert_allclose(shifts[2], np.tile(np.log(prior), (3, 1)), atol=1e-5)


@pytest.fixture
def small_training(monkeypatch):
    """A training of two epochs on 60 random images, which are small because the networks take any size."""
    from repro.training import Schedule

    draws = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (60, 3, 8, 8), generator=draws).to(torch.uint8)
    monkeypatch.setattr(training, "project_root", lambda: None)
    monkeypatch.setattr(training, "training_images", lambda ratio: (images, torch.arange(60) % 100))
    monkeypatch.setattr(training, "_schedule", lambda setting: Schedule(2, 0.1, "sgd", batch_size=32, warm_up=1))


def test_a_long_training_says_how_far_it_is(small_training, tmp_path, capsys):
    setting = training.Setting("balanced", recipe="short")
    training.trained_network(setting, folder=tmp_path, report=on_cifar._tell(setting))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("balanced-ir100-short-seed0: epoch 2 of 2, loss ")
    assert line.endswith(" 0 min left")


def test_a_trained_network_is_kept_and_read_again(small_training, tmp_path, monkeypatch):
    setting = training.Setting("balanced", recipe="short")
    first = training.trained_network(setting, folder=tmp_path).network
    assert [path.name for path in tmp_path.iterdir()] == ["balanced-ir100-short-seed0.safetensors"]
    monkeypatch.setattr(training, "train_network", lambda *args, **options: pytest.fail("trained again"))
    again = training.trained_network(setting, folder=tmp_path).network
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name])


def test_an_interrupted_training_goes_on_to_the_same_weights(small_training, tmp_path):
    setting = training.Setting("balanced", recipe="short")
    (whole, _), _ = training.train_network(setting)

    def interrupt(progress):
        if progress.epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.trained_network(setting, folder=tmp_path, report=interrupt)
    assert [path.suffix for path in tmp_path.iterdir()] == [".checkpoint"]
    resumed = training.trained_network(setting, folder=tmp_path).network
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name


def test_an_unfinished_training_travels_with_the_checkout(small_training, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "project_root", lambda: tmp_path / "checkout")
    setting = training.Setting("sade", recipe="short")

    def interrupt(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.trained_network(setting, folder=tmp_path / "here", report=interrupt)
    kept = training.keep_unfinished(setting, folder=tmp_path / "here")
    assert kept.stat().st_size < 5e6
    epochs = []
    elsewhere = training.trained_network(
        setting, folder=tmp_path / "elsewhere", report=lambda progress: epochs.append(progress.epoch)
    ).network
    assert epochs == [2], "only the second epoch is left"
    here = training.trained_network(setting, folder=tmp_path / "here").network
    weights = [torch.cat([value.flatten() for value in one.parameters()]) for one in (here, elsewhere)]
    assert torch.linalg.norm(weights[0] - weights[1]) < 1e-2 * torch.linalg.norm(weights[0])
    finished = training.keep_unfinished(setting, folder=tmp_path / "here")
    assert sorted(path.name for path in finished.parent.iterdir()) == [finished.name]
    with pytest.raises(FileNotFoundError, match="neither"):
        training.keep_unfinished(training.Setting("balanced"), folder=tmp_path / "here")


def test_the_best_epoch_is_the_earliest_of_the_best_on_the_uniform_set():
    by_epoch = {10: {"uniform": 0.5, "forward-2": 0.6}, 8: {"uniform": 0.5, "forward-2": 0.7}, 9: {"uniform": 0.4}}
    found = table(best_epoch("equal", by_epoch))
    assert value(found, "equal_best_epoch", "epoch") == 8
    assert value(found, "equal_best_epoch", "accuracy", "forward-2") == 0.7
    assert list(best_epoch("equal", {})) == []


@pytest.fixture
def eight_epochs(small_training, monkeypatch):
    """The same in eight epochs, of which the last two are measured, interrupted after the seventh."""
    from repro.training import Schedule

    monkeypatch.setattr(training, "_schedule", lambda setting: Schedule(8, 0.1, "sgd", batch_size=60))
    setting = training.Setting("balanced", recipe="short")

    def measure(network):
        return {"uniform": sum(float(weights.abs().mean()) for weights in network.parameters())}

    def interrupt(progress):
        if progress.epoch == 7:
            raise KeyboardInterrupt

    def run(folder, *, undisturbed=False):
        if not undisturbed:
            with pytest.raises(KeyboardInterrupt):
                training.trained_network(setting, folder=folder, report=interrupt, measure=measure)
        return lambda: training.trained_network(setting, folder=folder, measure=measure).accuracies

    return run


def test_what_was_measured_outlives_an_interruption(eight_epochs, tmp_path):
    whole = eight_epochs(tmp_path / "whole", undisturbed=True)()
    resume = eight_epochs(tmp_path / "halves")
    names = sorted(path.name for path in (tmp_path / "halves").iterdir())
    assert names == ["balanced-ir100-short-seed0.checkpoint", "balanced-ir100-short-seed0.epochs"]
    assert list(whole) == [7, 8]
    assert resume() == whole
    assert [path.suffix for path in (tmp_path / "halves").iterdir()] == [".safetensors"]
    assert resume() == whole, "read from the file of the network"


def test_the_best_of_some_epochs_is_not_the_best_of_all(eight_epochs, tmp_path):
    resume = eight_epochs(tmp_path)
    file = tmp_path / "balanced-ir100-short-seed0.epochs"
    file.write_text("[7")
    with pytest.raises(ValueError, match=r"epochs is damaged .* move it away"):
        resume()
    file.unlink()
    assert resume() == {}


def test_a_file_of_another_network_is_refused_and_kept(small_training, tmp_path):
    balanced, other = (training.Setting(method, recipe="short") for method in ("balanced", "cross_entropy"))
    training.trained_network(balanced, folder=tmp_path)
    (path,) = tmp_path.iterdir()
    with pytest.raises(ValueError, match="holds the network of"):
        training.kept_network(path, other)
    with pytest.raises(ValueError, match="is not the trained network asked for"):
        training.kept_network(path, training.Setting("sade", recipe="short"))
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    with pytest.raises(ValueError, match="the file is kept"):
        training.trained_network(balanced, folder=tmp_path)
    assert path.read_bytes() == whole[:1000]


def test_unknown_names_are_refused():
    with pytest.raises(UnknownName, match="mixup"):
        training.Setting("mixup")
    with pytest.raises(UnknownName, match="long"):
        training.Setting("sade", recipe="long")
    with pytest.raises(ValueError, match="ratio must be at least 1, got 0"):
        training.Setting("sade", ratio=0)


@pytest.mark.mirror
@pytest.mark.skipif("REPRO_DATA_MIRROR" not in os.environ, reason="needs REPRO_DATA_MIRROR for cifar100")
def test_the_training_set_has_the_published_size():
    images, labels = training.training_images(100)
    assert images.shape == (10_847, 3, 32, 32)
    assert torch.bincount(labels)[:5].tolist() == [500, 477, 455, 434, 415]
    again = make_long_tail(labels.numpy(), long_tail_counts(500, 100, 100), random_state=np.random.RandomState(0))
    assert len(again) == 10_847


@pytest.mark.parametrize("method", ["sade", "three_balanced", "ldam_drw", "focal", "lade", "ride", "decoupled"])
def test_every_method_can_be_trained(small_training, tmp_path, method):
    (network, accuracies), history = training.train_network(training.Setting(method, recipe="short"))
    assert accuracies == {}
    assert len(history) == 2
    assert np.isfinite(history[-1].loss)
    with torch.no_grad():
        shape = tuple(network(torch.zeros(2, 3, 32, 32))[1].shape)
    assert shape == ((2, 3, 100) if method in training.SEVERAL_EXPERTS else (2, 100))


class MeanColours(torch.nn.Module):
    """Stands for a trained ResNet-32: its features are the mean colours, which is quick on thousands of images."""

    def __init__(self) -> None:
        super().__init__()
        self.one = ResNet32(100, scale=None, generator=torch.Generator().manual_seed(0)).one
        self.one.classifiers[0] = DotProductClassifier(3, 100, generator=torch.Generator().manual_seed(1))

    def features(self, images):
        return images.mean(dim=(2, 3))


def test_a_normalised_and_a_retrained_classifier_share_the_features(small_training, monkeypatch):
    draws = torch.Generator().manual_seed(0)
    colours = torch.randint(0, 256, (100, 3, 1, 1), generator=draws)
    labels = np.repeat(np.arange(100), 50)
    noise = torch.randint(-20, 21, (5000, 3, 8, 8), generator=draws)
    images = (colours[labels] + noise).clamp(0, 255).to(torch.uint8)
    monkeypatch.setattr(on_cifar, "_test_images", lambda device: (images, labels))
    monkeypatch.setattr(on_cifar, "training_images", lambda ratio: (images[::5], torch.from_numpy(labels[::5])))
    network = MeanColours()
    mean, deviation = (torch.tensor(numbers).view(3, 1, 1) for numbers in (training.MEAN, training.DEVIATION))
    lengths = torch.linspace(2, 0.5, 100)[:, None]  # as in a trained classifier, first classes have longer weights
    weight = lengths * functional.normalize(network.features((colours / 255 - mean) / deviation))
    network.one.classifiers[0].weight.data = weight
    found = table(on_cifar.decoupled_rows(network, training.Setting("decoupled", recipe="short")))
    features = network.features((images / 255 - mean) / deviation)
    for method, rows in (("linear", weight), ("tau_norm", functional.normalize(weight))):
        right = functional.linear(features, rows).argmax(dim=1).numpy() == labels
        assert value(found, method, "accuracy", "uniform") == pytest.approx(right.mean(), abs=1e-9), method
    linear, normalised, retrained = (
        value(found, name, "accuracy", "uniform") for name in ("linear", "tau_norm", "crt")
    )
    assert linear < normalised
    assert 3 / 100 < retrained != linear, "better than chance after an only epoch"


@pytest.fixture(scope="module")
def digits_cell():
    """Rows of a cell that trains for one epoch and is measured on 50 test images of every class; plain ones once."""
    usual, known = on_digits.load_images, {}

    def fewer(name, part):
        images = usual(name, part)
        if part == "train":
            return images
        rows = np.sort(np.concatenate([np.flatnonzero(images.labels == k)[:50] for k in range(N_CLASSES)]))
        return dataclasses.replace(images, images=images.images[rows], labels=images.labels[rows])

    def rows_of(**more):
        key = tuple(more.items())
        if key not in known:
            settings = {"recipe": "digits", "seed": 1, "epochs": 1, "pairs": 1, "tau2": True}
            known[key] = on_digits.experts_on_digits(Cell("sade.experts", settings | more, 2107))
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(on_digits, "load_images", fewer)
        yield rows_of


def test_the_parts_of_a_quick_cell_are_the_whole(digits_cell):
    parts = [digits_cell(part=part) for part in ("experts", "singles")]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), digits_cell())


def test_an_only_epoch_is_the_best_one_of_each_network(digits_cell):
    found = digits_cell(best_epoch=True)
    for method in ("cross_entropy", "balanced", "three_balanced", "equal"):
        assert value(found, f"{method}_best_epoch", "epoch") == 1
        for test_set in TEST_DISTRIBUTIONS:
            last, best = (value(found, name, "accuracy", test_set) for name in (method, f"{method}_best_epoch"))
            assert best == last, (method, test_set)
    without = found[~found["method"].str.endswith("_best_epoch")].reset_index(drop=True)
    pd.testing.assert_frame_equal(without, digits_cell())


@pytest.mark.parametrize(("recipe", "epochs"), [("digits", 30), ("short", 40)])
def test_committed_accuracies_of_a_last_epoch_are_those_of_the_evaluation(recipe, epochs):
    """Measured while the network was trained, and afterwards by the evaluation: the same images, the same network."""
    rows = find_table("sade.experts", "standard").frame
    rows = rows[(rows["recipe"] == recipe) & rows["class_label"].isna()]
    chosen = rows[(rows["metric"] == "epoch") & (rows["value"] == epochs)]
    assert len(chosen)
    for method, seed in zip(chosen["method"], chosen["replicate"], strict=True):
        of_run = rows[(rows["replicate"] == seed) & (rows["metric"] == "accuracy")]
        best, last = (
            of_run[of_run["method"] == name].set_index("test_set")["value"].sort_index()
            for name in (method, method.removesuffix("_best_epoch"))
        )
        assert len(best) == len(TEST_DISTRIBUTIONS)
        pd.testing.assert_series_equal(best, last, check_exact=True)


def test_late_weights_begin_at_the_first_milestone():
    loss = training._objective(training.Setting("ldam_drw"))
    loss.set_epoch(159)
    assert torch.equal(loss.class_weights, torch.ones(100))
    loss.set_epoch(160)
    assert loss.class_weights[99] > loss.class_weights[0]
