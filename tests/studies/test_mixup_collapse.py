"""The mixup study: features found by direct optimisation, measures of mixes, training with mixup, calibration."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from repro.claims import find_claim, judge
from repro.geometry import mixup_ufm
from repro.ground.exceptions import UnknownName
from repro.protocol.experiment import Cell
from repro.studies import experiment
from repro.studies.mixup_collapse import exact as exact_models
from repro.studies.mixup_collapse.exact import FrameModel
from repro.studies.mixup_collapse.measures import MIX_WEIGHTS, draw_pairs, measure_geometry

torch = pytest.importorskip("torch")

from repro.studies.mixup_collapse import networks, trainings  # noqa: E402
from repro.studies.mixup_collapse.networks import mixed, recipe_of, task_of  # noqa: E402
from repro.training import simplex_rows  # noqa: E402
from repro.trials import ImageTask, Recipe, divided_digits, fit  # noqa: E402

FIXTURE = Path(__file__).parents[1] / "geometry" / "fixtures" / "mixup_shared_1.json"


# --- The exact model --------------------------------------------------------------------------------------------------


def test_direct_optimisation_finds_the_reference_values() -> None:
    reference = json.loads(FIXTURE.read_text())
    model = FrameModel(reference["K"], reference["m"], reference["lambda_H"])
    generator = np.random.default_rng(0)
    W = model.classifier(8, generator)
    for case in reference["cases"]:
        t = case["target_weight"]
        h = model.minimise(W, np.array([0, t, 0, 1 - t, 0]), generator.standard_normal(8), "cross_entropy")
        np.testing.assert_allclose(h, case["alpha"] * W[1] + case["beta"] * W[3], atol=1e-6)


def test_squared_error_is_solved_by_its_linear_equations() -> None:
    model, generator = FrameModel(4, 1.2, 0.03), np.random.default_rng(1)
    W = model.classifier(6, generator)
    target = np.array([0.3, 0.0, 0.7, 0.0])
    expected = np.linalg.solve(W.T @ W + 0.03 * np.eye(6), W.T @ target)
    np.testing.assert_allclose(model.minimise(W, target, np.zeros(6), "mse"), expected, atol=1e-8)


def test_a_frame_has_equal_norms_and_equal_angles() -> None:
    W = FrameModel(5, 1.3, 0.1).classifier(7, np.random.default_rng(0))
    expected = 1.3**2 * (5 * np.eye(5) - 1) / 4
    np.testing.assert_allclose(W @ W.T, expected, atol=1e-12)
    torch_rows = simplex_rows(5, 7, 1.3, torch.Generator().manual_seed(0)).numpy()
    np.testing.assert_allclose(torch_rows @ torch_rows.T, expected, atol=1e-6)


def test_coefficients_are_those_of_least_squares() -> None:
    generator = np.random.default_rng(0)
    rows, features = generator.standard_normal((2, 6)), generator.standard_normal((4, 6))
    found, residual = exact_models.coefficients(rows, features)
    for h, ours, share in zip(features, found, residual, strict=True):
        expected, squares, *_ = np.linalg.lstsq(rows.T, h, rcond=None)
        np.testing.assert_allclose(ours, expected)
        assert share == pytest.approx(squares.item() / (h @ h))


def exact_values(variant: str | None = None) -> dict[str, float]:
    parameters = {"case": "5 classes", "starts": 1} | ({"variant": variant} if variant else {})
    frame = exact_models.exact(Cell("mixup_collapse.exact", parameters, 1))
    return dict(zip(frame["metric"], frame["value"], strict=True))


def test_the_exact_study_finds_points_curves_and_chords() -> None:
    values = exact_values()
    assert max(values[name] for name in ("same_class_misalignment", "same_class_spread")) < 1e-6
    assert max(values[name] for name in ("closed_form_deviation", "outside_span", "squared_error_departure")) < 1e-6
    assert values["chord_shortfall"] == values["straight_steps"] == 0
    chord = exact_values(exact_models.CHORD)
    assert chord["outside_span"] > 0.5
    # at all eleven inner weights the chord is straight and has no excess
    assert chord["straight_steps"] == len(exact_models.WEIGHTS) - 2
    assert chord["chord_shortfall"] == pytest.approx(exact_models.LEAST_EXCESS)


def test_smaller_penalties_bend_the_channel_more() -> None:
    bulges = []
    for penalty in (1.0, 0.1, 0.01, 0.001):
        half, whole = (mixup_ufm(10, 1.0, penalty, t) for t in (0.5, 1.0))
        bulges.append(2 * half.alpha / whole.alpha - 1)
    assert bulges == sorted(bulges)
    assert bulges[0] > 0


# --- Features of mixes ------------------------------------------------------------------------------------------------

K = 10
LABELS = np.tile(np.arange(K), 6)
ONE_HOT = np.eye(K, dtype=np.float32)[LABELS]
FRAME = FrameModel(K, 1.0, 0.01).classifier(16, np.random.default_rng(3))


def geometry(embed, W=FRAME, **options):
    return measure_geometry(embed, W, ONE_HOT, LABELS, np.random.default_rng(0), n_pairs=90, **options)


def test_linear_features_lie_on_the_chord() -> None:
    found = geometry(lambda inputs: inputs.astype(float) @ FRAME + 5.0)  # a common offset does not count
    summary = found.summary()
    assert summary["same_class_cosine"] == pytest.approx(1.0)
    assert summary["bulge"] == pytest.approx(0.0, abs=1e-6)
    for name in ("same_class_range", "residual_share", "chord_departure", "nc2_etf_err_W"):
        assert summary[name] == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(found.curves()["alpha"], MIX_WEIGHTS, atol=1e-6)
    np.testing.assert_allclose(found.curves()["beta"], MIX_WEIGHTS[::-1], atol=1e-6)


def exact_embedding(inputs: np.ndarray) -> np.ndarray:
    """Best features of the exact model; one-hot inputs say which mix they are."""
    rows = []
    for x in inputs:
        i, j = np.argsort(-x, kind="stable")[:2]
        one = mixup_ufm(K, 1.0, 0.01, float(np.clip(x[i], 0, 1)))
        rows.append(one.alpha * FRAME[i] + one.beta * FRAME[j])
    return np.array(rows)


def test_features_of_the_exact_model_give_its_curve() -> None:
    found = geometry(exact_embedding)
    half, whole = (mixup_ufm(K, 1.0, 0.01, t).alpha for t in (0.5, 1.0))
    summary = found.summary()
    assert summary["bulge"] == pytest.approx(2 * half / whole - 1, abs=1e-5)
    assert summary["residual_share"] == pytest.approx(0.0, abs=1e-9)
    assert summary["same_class_range"] == pytest.approx(0.0, abs=1e-6)
    assert trainings.curve_deviation(found.curves()["alpha"]) == pytest.approx(0.0, abs=1e-5)
    assert trainings.curve_deviation(found.curves()["alpha"], penalty=1.0) > 0.1


def test_coefficients_of_mixes_are_those_of_least_squares() -> None:
    generator = np.random.default_rng(5)
    weights, W = generator.standard_normal((K, 16)), generator.standard_normal((K, 16))
    found = geometry(lambda inputs: np.tanh(inputs @ weights), W)
    alpha_beta, outside = found.coefficients()
    centred = W - W.mean(axis=0)
    for t, pair in ((0, 0), (4, 7), (8, 80)):
        expected, squares, *_ = np.linalg.lstsq(centred[found.classes[:, pair]].T, found.across[t, pair], rcond=None)
        np.testing.assert_allclose(alpha_beta[t, pair], expected)
        assert outside[t, pair] == pytest.approx(squares.item())


def test_falsified_features_are_what_they_are_called() -> None:
    found = geometry(exact_embedding)
    chord = found.on_the_chord()
    np.testing.assert_array_equal(chord.across, chord.chord())
    assert chord.summary()["bulge"] == pytest.approx(0.0, abs=1e-9)
    other = found.in_another_span()
    assert not (other.classes[:, None] == found.classes[None]).any(axis=(0, 1)).any()
    assert (other.classes[0] != other.classes[1]).all()
    total = found.at_the_sum()
    assert total.summary()["bulge"] == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_array_equal(total.across[[0, -1]], found.across[[0, -1]])
    with_others = geometry(exact_embedding, other_partners=True)
    assert with_others.summary()["same_class_range"] > 0.5


def test_pairs_are_of_one_class_or_of_two() -> None:
    labels = np.repeat([0, 1, 2], 5)
    for same in (True, False):
        pairs = draw_pairs(labels, 50, same, np.random.default_rng(0))
        assert len(pairs.first) == len(pairs.second) == 50
        assert (pairs.first != pairs.second).all()
        assert ((labels[pairs.first] == labels[pairs.second]) == same).all()


@pytest.mark.parametrize(("labels", "same"), [([0, 1, 2], True), ([1, 1], False)])
def test_pairs_that_do_not_exist_are_refused(labels: list[int], same: bool) -> None:
    with pytest.raises(ValueError, match="labels must hold"):
        draw_pairs(np.array(labels), 5, same, np.random.default_rng(0))


# --- Training ---------------------------------------------------------------------------------------------------------


def test_bad_settings_are_refused() -> None:
    # cifar10 is an image set, but would be normalised and trained on as CIFAR-100 is
    for name in ("cifar10", "cifar1000"):
        for use in (partial(task_of, name, 100, 0), partial(recipe_of, name, 1), partial(mixed, data=name)):
            with pytest.raises(UnknownName, match=f"unknown data of the mixup study '{name}'; did you mean 'cifar100'"):
                use()
    with pytest.raises(ValueError, match="concentration must be above 0"):
        mixed(0.0)


def test_equal_seeds_give_equal_networks_and_a_frozen_frame_stays_one() -> None:
    task, way = divided_digits(100, 0), mixed(frozen_frame=True)
    first, second, third = (
        fit(task, way, recipe_of("digits", 3), seed=np.random.SeedSequence(seed)) for seed in (0, 0, 1)
    )
    features = [one.embed(one.prepared(task.inputs))[0] for one in (first, second, third)]
    np.testing.assert_array_equal(features[0], features[1])
    assert (features[0] != features[2]).any()
    gram = first.classifier() @ first.classifier().T
    np.testing.assert_allclose(gram, (10 * np.eye(10) - 1) / 9, atol=1e-6)


def test_an_interrupted_training_goes_on_with_the_same_mixes(tmp_path: Path) -> None:
    cell = Cell("mixup_collapse.features", {"seed": 0}, 1, scratch=tmp_path)
    run = partial(fit, divided_digits(100, 0), mixed(), recipe_of("digits", 22), cell, checkpoint_every=10)
    whole = fit(divided_digits(100, 0), mixed(), recipe_of("digits", 22), cell)

    def interrupt(trained: object) -> dict[str, float]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(note=interrupt, note_after=[15])
    assert (tmp_path / "network.pt").exists()
    np.testing.assert_array_equal(run().classifier(), whole.classifier())


def test_ways_of_training_are_paired() -> None:
    frames = []
    for method in ("mixup", "erm"):
        parameters = {
            "method": method,
            "loss": "cross_entropy",
            "head": "trained",
            "data": "digits",
            "epochs": 0,
            "every": 0,
            "seed": 3,
        }
        frames.append(trainings.features(Cell("mixup_collapse.features", parameters, 1)))
    # untrained, both are the same network and see the same mixes
    assert frames[0]["value"].tolist() == frames[1]["value"].tolist()


def test_calibration_rows_agree_with_the_bins() -> None:
    parameters = {"method": "mixup", "rows": 100, "data": "digits", "steps": 20, "seed": 0}
    frame = trainings.calibration(Cell("mixup_collapse.calibration", parameters, 1))
    mine = frame[frame["method"] == "mixup"]
    bins = mine.dropna(subset=["bin"]).pivot_table(index="bin", columns="metric", values="value")
    ece = (bins["bin_share"] * (bins["bin_confidence"] - bins["bin_accuracy"]).abs()).sum()
    values = mine[mine["bin"].isna()].set_index("metric")["value"]
    assert values["ece"] == pytest.approx(ece)
    assert values["accuracy"] == pytest.approx((bins["bin_share"] * bins["bin_accuracy"]).sum())
    assert set(frame["method"]) == {"mixup", "mixup_temperature"}


# --- Calibration: where the statement holds, and what must not see the rows that judge --------------------------------


def noisy_digits(n_train: int, random_state: int) -> ImageTask:
    """Digits of which four in ten have a wrong label: who learns all of them by heart is far too sure of himself."""
    task = divided_digits(n_train, random_state)
    generator = np.random.default_rng(random_state)

    def relabelled(labels: np.ndarray) -> np.ndarray:
        wrong = generator.random(len(labels)) < 0.4
        return np.where(wrong, (labels + generator.integers(1, 10, len(labels))) % 10, labels)

    return replace(task, labels=relabelled(task.labels), test_labels=relabelled(task.test_labels))


def test_mixup_calibrates_where_networks_are_far_too_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The claim that is not reproduced on digits is reproduced where plain training is over-confident."""
    monkeypatch.setattr(trainings, "task_of", lambda _, n_train, random_state: noisy_digits(n_train, random_state))
    frames = []
    for method in ("erm", "mixup"):
        for seed in range(4):
            parameters = {"method": method, "rows": 100, "data": "digits", "steps": 300, "seed": seed}
            frames.append(trainings.calibration(Cell("mixup_collapse.calibration", parameters, 1)))
    rows = pd.concat(frames)
    gap = rows[(rows["metric"] == "confidence_gap") & (rows["method"] == "erm")]["value"]
    assert gap.min() > 0.1
    judged = judge(find_claim("mixup_collapse-mx4"), rows, profile="quick")
    assert judged.verdict == "reproduced"


def test_training_does_not_see_the_labels_it_is_judged_on(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = divided_digits(100, 5)
    poisoned = replace(plain, test_labels=np.random.default_rng(1).permutation(plain.test_labels))
    confidences = []
    for task in (plain, poisoned):
        monkeypatch.setattr(trainings, "task_of", lambda *_, task=task: task)
        parameters = {"method": "mixup", "rows": 100, "data": "digits", "steps": 20, "seed": 0}
        frame = trainings.calibration(Cell("mixup_collapse.calibration", parameters, 1))
        values = frame[(frame["method"] == "mixup") & frame["bin"].isna()].set_index("metric")["value"]
        confidences.append(values["confidence_gap"] + values["accuracy"])
    assert confidences[0] == pytest.approx(confidences[1], abs=1e-12)


def test_the_temperature_of_a_half_does_not_see_its_labels() -> None:
    generator = np.random.default_rng(0)
    logits, labels = 5 * generator.standard_normal((60, 10)), generator.integers(10, size=60)
    first, second = np.array_split(np.random.default_rng(3).permutation(60), 2)
    poisoned = labels.copy()
    poisoned[first] = logits[first].argmax(axis=1)
    found = [trainings.cross_fitted(one, logits, np.random.default_rng(3))[0] for one in (labels, poisoned)]
    np.testing.assert_array_equal(found[0][first], found[1][first])
    assert np.abs(found[0][second] - found[1][second]).max() > 0.1


def test_few_rows_are_trained_on_as_long_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    epochs = []

    class Fitted(Exception):
        pass

    def fitted(task: ImageTask, way: object, recipe: Recipe, *_: object, **__: object) -> None:
        epochs.append(recipe.epochs)
        raise Fitted

    monkeypatch.setattr(trainings, "fit", fitted)
    for n_train in (100, 1500):
        parameters = {"method": "erm", "rows": n_train, "data": "digits", "steps": 1800, "seed": 0}
        with pytest.raises(Fitted):
            trainings.calibration(Cell("mixup_collapse.calibration", parameters, 1))
    assert epochs == [1800, 150]  # in batches of 128: one an epoch, and twelve


def test_images_take_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(256, size=(40, 3, 8, 8), dtype=np.uint8)
    mean, deviation = networks.CIFAR_MEAN, networks.CIFAR_DEVIATION
    labels = np.tile(np.arange(10), 4)
    tiny = ImageTask("tiny", images, labels, 10, mean, deviation, images[:20], labels[:20])
    monkeypatch.setattr(networks, "first_classes", lambda *_: tiny)
    monkeypatch.setattr(networks, "IMAGE_FEATURES", 32)
    parameters = {"method": "mixup", "rows": 40, "data": "cifar100", "steps": 1, "seed": 0}
    frame = trainings.calibration(Cell("mixup_collapse.calibration", parameters, 1))
    assert np.isfinite(frame["value"]).all()
    trained = fit(tiny, mixed(data="cifar100"), recipe_of("cifar100", 1), seed=np.random.SeedSequence(0))
    prepared = trained.prepared(images)
    np.testing.assert_allclose(
        prepared[3, :, 5, 6], (images[3, :, 5, 6] / 255 - np.array(mean)) / np.array(deviation), rtol=1e-5
    )
    found = trainings.geometry_of(trained, 0, n_pairs=2)
    assert found.across.shape == (len(MIX_WEIGHTS), 2, 32)


def test_only_the_paper_profile_needs_a_download() -> None:
    for name in ("mixup_collapse.features", "mixup_collapse.calibration"):
        declared = experiment(name)
        needed = {
            profile: {data for cell in declared.cells_of(profile) for data in declared.datasets(cell.parameters)}
            for profile in declared.cells
        }
        assert needed == {"quick": set(), "standard": set(), "paper": {"cifar100"}, "control": set()}
