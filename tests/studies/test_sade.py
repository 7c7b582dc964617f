"""The SADE study: what is measured of logits that are made by hand, and how networks are trained and kept."""

from __future__ import annotations

import dataclasses
import os
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from measure_helpers import table, value

torch = pytest.importorskip("torch")
from safetensors import safe_open  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from torch.nn import functional  # noqa: E402

from repro.claims import find_claim, judge  # noqa: E402
from repro.data import long_tail_counts, make_long_tail  # noqa: E402
from repro.ground.exceptions import UnknownName  # noqa: E402
from repro.longtail import TEST_DISTRIBUTIONS  # noqa: E402
from repro.protocol.experiment import Cell  # noqa: E402
from repro.results import find_table  # noqa: E402
from repro.studies.sade import evaluating, on_cifar, on_digits, training  # noqa: E402
from repro.studies.sade.evaluating import (  # noqa: E402
    errors_over_images,
    identical_experts,
    single_network,
    skilled_experts,
    table_of,
)
from repro.training import DotProductClassifier, ResNet32  # noqa: E402
from repro.trials import ExpertLogits, ImageTask, Trained, fit, image_tasks, last_quarter  # noqa: E402

N_CLASSES, PER_CLASS = 10, 60


def constructed(favours: np.ndarray, seed: int = 0, pairs: int = 2, own: float = 0.3) -> ExpertLogits:
    """Experts who see the truth through noise that views do not share, and favour classes by ``favours[expert, c]``.

    Each expert errs by `own` for itself, beside an error that all share.
    """
    draws = np.random.default_rng(seed)
    labels = np.repeat(np.arange(N_CLASSES), PER_CLASS)
    truth = 3.0 * np.eye(N_CLASSES)[labels][:, None] + favours
    shared = draws.normal(size=(len(labels), 1, N_CLASSES))
    clean = truth + shared + own * draws.normal(size=(len(labels), len(favours), N_CLASSES))
    noise = draws.normal(size=(len(labels), pairs, 2, len(favours), N_CLASSES))
    counts = long_tail_counts(200, N_CLASSES, 100)
    return ExpertLogits(labels, counts, clean, (clean[:, None, None] + noise), clean + 2 * noise[:, 0, 0])


def specialists() -> ExpertLogits:
    head = np.repeat([1.5, 0.0, -1.5], [2, 3, 5])
    return constructed(np.stack([head, 0 * head, -head]))


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


def test_each_expert_is_compared_with_the_better_of_the_two_others():
    head = np.repeat([1.5, 0.0, -1.5], [2, 3, 5])
    for second in (2 * head, -2 * head):  # the second expert is the best on many classes, then the best on few
        found = table(skilled_experts("", constructed(np.stack([head, second, -head]))))
        many, few = (
            [value(found, f"expert_{k}", f"recall_{group}", "uniform") for k in (1, 2, 3)] for group in ("many", "few")
        )
        leads = many[0] - max(many[1], many[2]), few[2] - max(few[0], few[1])
        assert value(found, "experts", "lead_many") == pytest.approx(leads[0])
        assert value(found, "experts", "lead_few") == pytest.approx(leads[1])
        assert min(leads) <= 0 < max(many[0] - many[2], few[2] - few[0])
        each = [value(found, f"expert_{k}", "accuracy", "uniform") for k in (1, 2, 3)]
        mean = value(found, "equal", "accuracy", "uniform")
        assert value(found, "experts", "lead_mean") == pytest.approx(mean - max(each))


def trainings(**options) -> pd.DataFrame:
    """A table of four trainings whose experts are truly different."""
    head = np.repeat([3.5, 0.0, -3.5], [2, 3, 5])
    favours = np.stack([head, 0 * head, -head])
    rows = {seed: list(skilled_experts("", constructed(favours, seed, own=1.0), **options)) for seed in range(4)}
    return pd.concat([table_of(of, recipe="short", ratio=100, replicate=seed) for seed, of in rows.items()])


def verdicts(claim: str, frame: pd.DataFrame) -> dict[str, str]:
    return {one.name: one.verdict for one in judge(find_claim(claim), frame, partial=True).conditions}


def test_where_experts_differ_and_test_sets_are_shifted_the_statements_are_reproduced():
    """The positive control: a judge who answers "inconclusive" to everything would not pass."""
    frame = trainings()
    for claim in ("sade-a", "sade-b", "sade-t3", "sade-t4"):
        assert set(verdicts(claim, frame).values()) == {"reproduced"}, claim
    ends = {name: one for name, one in verdicts("sade-e2", frame).items() if "uniform" not in name}
    assert set(ends.values()) == {"reproduced"}


def test_weights_of_the_opposite_set_do_harm():
    usual, placebo = trainings(), trainings(opposite=True)
    for claim in ("sade-b", "sade-t4"):
        assert set(verdicts(claim, placebo).values()) == {"not reproduced"}, claim
    weights = [
        frame[(frame["method"] == "learned") & (frame["metric"] == "weight_1")]
        .pivot(index="replicate", columns="test_set", values="value")
        .loc[:, list(TEST_DISTRIBUTIONS)]
        for frame in (usual, placebo)
    ]
    np.testing.assert_array_equal(weights[0], weights[1].iloc[:, ::-1])
    equal = [frame[frame["method"] == "equal"].reset_index(drop=True) for frame in (usual, placebo)]
    pd.testing.assert_frame_equal(*equal)


def test_labels_of_the_test_images_choose_nothing(monkeypatch):
    """With permuted labels the same images give the same weights and the same estimated priors."""
    evidence = specialists()
    drawn = {name: evidence.rows_of(name) for name in TEST_DISTRIBUTIONS}
    monkeypatch.setattr(ExpertLogits, "rows_of", lambda self, test_set: drawn[test_set])
    corrected = []
    usual = evaluating.adjust_logits

    def adjusted(logits, base, prior):
        corrected.append((base, prior))
        return usual(logits, base, prior)

    monkeypatch.setattr(evaluating, "adjust_logits", adjusted)
    found = []
    for labels in (evidence.labels, np.random.default_rng(5).permutation(evidence.labels)):
        poisoned = dataclasses.replace(evidence, labels=labels)
        single = dataclasses.replace(poisoned, clean=evidence.clean[:, 1:2])
        rows = [*skilled_experts("", poisoned), *identical_experts("alike", poisoned)]
        rows += single_network("net", single, calibrated_to="uniform")
        found.append(table(rows))
    weights = [one[one["metric"].str.startswith("weight_")].reset_index(drop=True) for one in found]
    assert {"learned", "inner", "entropy", "longer", "alike_learned"} <= set(weights[0]["method"])
    pd.testing.assert_frame_equal(*weights, check_exact=True)
    half = len(corrected) // 2
    for first, second in zip(corrected[:half], corrected[half:], strict=True):
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[1], second[1])
    accuracy = [value(one, "learned", "accuracy", "uniform") for one in found]
    assert accuracy[0] > 0.5 > 0.2 > accuracy[1], "the labels were not permuted"


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
    evidence = ExpertLogits(labels, long_tail_counts(200, N_CLASSES, 100), logits[:, None])
    found = table(single_network("net", evidence, calibrated_to="uniform"))
    assert value(found, "net_known", "accuracy", "forward-50") > value(found, "net", "accuracy", "forward-50") + 0.05
    assert value(found, "net_known", "accuracy", "uniform") == value(found, "net", "accuracy", "uniform")
    for way in ("power", "em"):
        known = value(found, "net_known", "accuracy", "backward-50")
        assert abs(value(found, f"net_{way}", "accuracy", "backward-50") - known) < 0.03
    gains = []
    for rows, prior in evidence.random_orders(3):  # Bayes' rule by hand, on the same images with and without the prior
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
    shifted = ExpertLogits(evidence.labels, evidence.counts, evidence.clean[:, 1:2] + np.log(prior))
    plain = ExpertLogits(evidence.labels, evidence.counts, evidence.clean[:, 1:2])
    trained, balanced = (
        table(single_network("net", one, calibrated_to=base)) for one, base in ((shifted, "train"), (plain, "uniform"))
    )
    for test_set in ("forward-50", "uniform", "backward-10"):
        first, second = (value(one, "net_known", "accuracy", test_set) for one in (trained, balanced))
        assert first == pytest.approx(second)


def test_the_digits_of_a_seed_are_a_long_tail():
    task = on_digits.task_of(1)
    assert task.counts.tolist() == [200, 119, 71, 43, 25, 15, 9, 5, 3, 2] == on_digits.counts().tolist()
    assert task.inputs.shape == (492, 1, 28, 28)
    assert (on_digits.task_of(2).inputs != task.inputs).any()


def test_two_trainings_of_a_seed_see_the_same_images(monkeypatch):
    seen = []
    usual = on_digits.task_of
    monkeypatch.setattr(on_digits, "task_of", lambda part: seen.append(part) or usual(part))
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


def cell_of(method="balanced", recipe="short", ratio=3, seed=0, experiment_seed=2107):
    parameters = {"method": method, "recipe": recipe, "ratio": ratio, "seed": seed}
    return Cell("sade.experts", parameters, experiment_seed)


@pytest.fixture
def small_training(monkeypatch, tmp_path):
    """CIFAR-100 with random images, which are small because the networks take any size, and recipes of two epochs."""
    draws = np.random.default_rng(0)

    def images(name, part):
        n = {"train": 3, "test": 50}[part]
        pixels = draws.integers(0, 256, (100 * n, 8, 8, 3), dtype=np.uint8)
        return SimpleNamespace(images=pixels, labels=np.repeat(np.arange(100), n))

    monkeypatch.setattr(image_tasks, "load_images", images)
    monkeypatch.setattr(training, "LARGEST", 3)
    monkeypatch.setattr(training, "RECIPES", {name: one.of(2, warm_up=1) for name, one in training.RECIPES.items()})
    monkeypatch.setenv("REPRO_DATA_DIR", str(tmp_path))


def fitted(cell):
    return fit(
        training.task_of(cell), training.method_of(cell), training.recipe_of(cell), cell, seed=training.seeds_of(cell)
    )


def test_a_record_of_a_network_is_found_again(small_training, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(on_cifar, "rows_of_network", lambda *_: [])
    first = on_cifar.experts_on_cifar(cell_of())
    said = capsys.readouterr().err
    assert "the network of this record is missing" in said
    assert "sade/balanced-ir3-short-seed0: epoch 2 of 2, loss " in said
    (kept,) = (tmp_path / "networks" / "sade").iterdir()
    # under its first name, with the identity of that time and made by other code
    with safe_open(kept, "pt") as file:
        weights, facts = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    kept.unlink()
    facts |= {"identity": '{"method":"balanced","ratio":3,"recipe":"short","seed":0,"version":1}'}
    facts["accuracies"] = facts.pop("course")
    save_file(weights, kept.with_name("balanced-ir3-short-seed0.safetensors"), facts)
    pd.testing.assert_frame_equal(on_cifar.experts_on_cifar(cell_of()), first)
    said = capsys.readouterr().err
    assert "is the record of this training" in said
    assert "epoch" not in said


def test_seeds_follow_the_cell():
    records, others = (training.seeds_of(cell_of(experiment_seed=seed)) for seed in (2107, 2108))
    start, order = np.random.SeedSequence([2022, 0]).spawn(2)
    assert records.weights == int(start.generate_state(1, np.uint64)[0]) // 2
    assert records.order == int(order.generate_state(1, np.uint64)[0]) // 2
    assert records != others
    assert training.seeds_of(cell_of(seed=1)) != records


def test_unknown_names_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'balanced'"):
        training.method_of(cell_of(method="balancd"))
    with pytest.raises(UnknownName, match="did you mean 'short'"):
        training.recipe_of(cell_of(recipe="shorter"))


@pytest.mark.mirror
@pytest.mark.skipif("REPRO_DATA_MIRROR" not in os.environ, reason="needs REPRO_DATA_MIRROR for cifar100")
def test_the_training_set_has_the_published_size():
    task = training.task_of(cell_of(ratio=100))
    assert task.inputs.shape == (10_847, 3, 32, 32)
    assert task.counts[:5].tolist() == [500, 477, 455, 434, 415]
    np.testing.assert_array_equal(task.counts, training.counts_of(100))
    again = make_long_tail(task.labels, long_tail_counts(500, 100, 100), random_state=np.random.RandomState(0))
    assert len(again) == 10_847


@pytest.mark.parametrize("method", ["sade", "three_balanced", "ldam_drw", "focal", "lade", "ride", "decoupled"])
def test_every_method_can_be_trained(small_training, method):
    cell = cell_of(method)
    network = fitted(cell).network
    assert all(torch.isfinite(weight).all() for weight in network.parameters())
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


def test_a_normalised_and_a_retrained_classifier_share_the_features():
    draws = torch.Generator().manual_seed(0)
    colours = torch.randint(0, 256, (100, 3, 1, 1), generator=draws)
    labels = np.repeat(np.arange(100), 50)
    noise = torch.randint(-20, 21, (5000, 3, 8, 8), generator=draws)
    images = (colours[labels] + noise).clamp(0, 255).to(torch.uint8)
    shown = images.numpy()
    rows = np.concatenate([np.arange(50 * k, 50 * k + (12 if k < 50 else 8)) for k in range(100)])
    normalisation = training.MEAN, training.DEVIATION
    task = ImageTask("colours", shown[rows], labels[rows], 100, *normalisation, test_inputs=shown, test_labels=labels)
    network = MeanColours()
    mean, deviation = (torch.tensor(numbers).view(3, 1, 1) for numbers in (training.MEAN, training.DEVIATION))
    lengths = torch.linspace(2, 0.5, 100)[:, None]  # as in a trained classifier, first classes have longer weights
    weight = lengths * functional.normalize(network.features((colours / 255 - mean) / deviation))
    network.one.classifiers[0].weight.data = weight
    found = table(on_cifar.decoupled_rows(Trained(network, task, None), training.RECIPES["short"], seed=0))
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
    usual, known = image_tasks.load_images, {}

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
        patch.setattr(image_tasks, "load_images", fewer)
        yield rows_of


def test_the_parts_of_a_quick_cell_are_the_whole(digits_cell):
    parts = [digits_cell(part=part) for part in ("experts", "singles")]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), digits_cell())


def test_the_published_tau_has_rows_of_its_own(digits_cell, monkeypatch):
    used = []
    usual = on_digits._fitted

    def fitted(method, *rest, **options):
        used.append(method.objective.keywords.get("shifts"))
        return usual(method, *rest, **options)

    monkeypatch.setattr(on_digits, "_fitted", fitted)
    cell = {"recipe": "digits with tau 2", "seed": 1, "epochs": 1, "pairs": 1}
    whole = on_digits.experts_with_published_tau(Cell("sade.experts", cell, 2107))
    prior = on_digits.counts() / on_digits.counts().sum()
    np.testing.assert_allclose(used[0][0, 2], np.log(prior) - 2 * np.log(prior[::-1]), atol=1e-5)
    assert used[-1] is None
    assert set(whole["recipe"]) == {"digits with tau 2"}
    assert {"learned", "three_balanced_learned", "cross_entropy", "balanced", "ldam_drw"} <= set(whole["method"])
    parts = [
        on_digits.experts_with_published_tau(Cell("sade.experts", cell | {"part": part}, 2107))
        for part in ("experts", "singles")
    ]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)
    singles = digits_cell(part="singles")
    shared = whole[whole["method"].isin(singles["method"])].drop(columns="recipe").reset_index(drop=True)
    pd.testing.assert_frame_equal(shared, singles.drop(columns="recipe").reset_index(drop=True))


class Brightness(torch.nn.Module):
    """Three experts side by side in one network whose logits are the mean brightness of the image."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = torch.nn.Parameter(torch.ones(1))

    def forward(self, images):
        mean = self.slope * images.mean(dim=(1, 2, 3))
        return mean, mean.view(-1, 1, 1, 1).expand(-1, 1, 3, 2)


def test_views_of_noise_know_neither_the_image_nor_each_other(monkeypatch):
    bright = np.random.default_rng(0).integers(0, 256, 600)
    images = np.repeat(bright, 64).reshape(600, 1, 8, 8).astype(np.uint8)
    task = ImageTask("grey", images[:2], np.array([0, 1]), 2, (0.5,), (0.5,), images, np.arange(600) % 2)
    trained = Trained(Brightness(), task, None)
    (usual,), (noise,) = (
        [one.views for one in on_digits.evidence_of(trained, pairs=1)],
        on_digits._views_of_noise(trained, 1),
    )
    assert usual.shape == noise.shape
    for views, together in ((usual, True), (noise, False)):
        first, second = views[:, 0, 0, 0, 0], views[:, 0, 1, 0, 0]
        for one, other in ((first, bright), (first, second)):
            assert (np.corrcoef(one, other)[0, 1] > 0.8) == together
            assert together or abs(np.corrcoef(one, other)[0, 1]) < 0.15
    monkeypatch.setattr(on_digits, "_view", lambda strength: [])  # views that do not change the image
    first, second = on_digits._views_of_noise(trained, 1)[0][:, 0, :, 0, 0].T
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.15
    np.testing.assert_array_equal(np.sort(first), np.sort(second))


def test_class_weights_of_ldam_set_in_after_four_fifths_of_the_epochs():
    recipe = training.RECIPES["short"].of(30)
    loss = on_digits.ldam_of_one_network(on_digits.task_of(1), recipe, 0)
    logits, labels = torch.randn((20, 1, 1, 10), generator=torch.Generator().manual_seed(0)), torch.arange(20) % 10
    values = []
    for epoch in (0, 23, 24):
        loss.set_epoch(epoch)
        values.append(float(loss(logits, labels)))
    assert values[0] == values[1] != values[2]
    margin = 0.5 * (on_digits.counts() / 2.0) ** -0.25
    raw = logits[:, 0, 0].double().numpy()
    raw[np.arange(20), labels.numpy()] -= 30 * margin[labels.numpy()]
    wanted = functional.cross_entropy(torch.from_numpy(raw), labels)
    assert values[0] == pytest.approx(float(wanted), rel=1e-5)


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
    cell = cell_of("ldam_drw", "published")
    task = ImageTask("two", np.zeros((3, 1)), np.array([0, 0, 1]), 2)
    loss = training.method_of(cell).objective(task, training.recipe_of(cell), 0)
    loss.set_epoch(159)
    assert torch.equal(loss.class_weights, torch.ones(2))
    loss.set_epoch(160)
    assert loss.class_weights[1] > loss.class_weights[0]


def test_the_last_quarter_of_the_epochs_is_measured():
    assert list(last_quarter(8)) == [7, 8]
    assert list(last_quarter(1)) == [1]
    assert (last_quarter(200)[0], last_quarter(200)[-1]) == (151, 200)
