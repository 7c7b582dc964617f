"""Fitting a network: seeds of the cell, interrupted trainings, kept networks, trainings that are set down."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from repro.ground.exceptions import UnknownName
from repro.protocol.experiment import Cell

torch = pytest.importorskip("torch")

from repro.trials import (  # noqa: E402
    ADAM_BATCHES,
    FULL_BATCH,
    LONG_TAIL_METHODS,
    SGD_STEPS,
    ImageTask,
    Keeping,
    Method,
    Recipe,
    Seeds,
    Trained,
    digit_rows,
    fit,
    fitting,
    headed_convolutions,
    headed_mlp,
    long_tail_loss,
    named,
    penalised,
    resnet32,
    set_down,
    telling,
)
from repro.trials import keeping as keeping_files  # noqa: E402

TASK = digit_rows((9,) * 10)
MLP = Method(partial(headed_mlp, widths=[8, 4]), partial(penalised, loss="cross_entropy", lam=1e-3))
BATCHES = ADAM_BATCHES.of(6, batch_size=32)

PIXELS = np.random.default_rng(0).integers(0, 256, (60, 3, 8, 8), dtype=np.uint8)
IMAGES = ImageTask("noise", PIXELS, np.arange(60) % 4, 4, (0.5,) * 3, (0.2,) * 3)
RESNET = Method(partial(resnet32), partial(long_tail_loss, loss="balanced_softmax"))
SGD = replace(SGD_STEPS.of(6, batch_size=32), precision="bfloat16", channels_last=True)

Case = tuple[ImageTask, Method, Recipe]
CASES: dict[str, Case] = {"Adam, float32": (TASK, MLP, BATCHES), "SGD, crop, bfloat16": (IMAGES, RESNET, SGD)}


@pytest.fixture(autouse=True)
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No folder of the user or of the project is touched."""
    monkeypatch.setenv("REPRO_DATA_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(keeping_files, "project_root", lambda: tmp_path / "project")


def cell_of(scratch: Path | None = None, **more: int) -> Cell:
    return Cell("toys.networks", {"seed": 1, **more}, 7, scratch=scratch)


def assert_equal(first: Trained, second: Trained) -> None:
    ours, theirs = first.network.state_dict(), second.network.state_dict()
    assert ours.keys() == theirs.keys()
    for name, weights in ours.items():
        assert torch.equal(weights, theirs[name]), name


def size_of(trained: Trained) -> dict[str, float]:
    assert not trained.network.training
    return {"size": sum(float(weights.detach().abs().sum()) for weights in trained.network.parameters())}


class Stopped(Exception):
    pass


def stopping_after(epoch: int) -> Callable[..., None]:
    def report(progress: object) -> None:
        if progress.epoch == epoch:
            raise Stopped

    return report


# --- One training -----------------------------------------------------------------------------------------------------


def test_importing_the_room_does_not_import_torch() -> None:
    code = "import repro.trials, sys; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_a_fit_is_the_loop_by_hand() -> None:
    trained = fit(TASK, MLP, FULL_BATCH.of(5), seed=Seeds(3, 4))
    network = MLP.network(TASK, torch.Generator().manual_seed(3))
    inputs, labels = torch.from_numpy(TASK.inputs).float(), torch.from_numpy(TASK.labels)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    for epoch in range(5):
        # half of five epochs is rounded to two, four fifths are four
        optimizer.param_groups[0]["lr"] = 2e-3 * 0.1 ** ((epoch >= 2) + (epoch >= 4))
        optimizer.zero_grad()
        features, logits = network(inputs)
        penalty = features.square().sum() + network.head.weights()[0].square().sum()
        (torch.nn.functional.cross_entropy(logits, labels) + 5e-4 * penalty).backward()
        optimizer.step()
    for ours, theirs in zip(trained.network.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert trained.course == {}


def test_seeds_come_from_the_cell_unless_one_is_given() -> None:
    cell = cell_of()
    weights, order, _ = (int(state) for state in cell.seed_sequence().generate_state(3))
    assert_equal(fit(TASK, MLP, BATCHES, cell), fit(TASK, MLP, BATCHES, seed=Seeds(weights, order)))
    moved = fit(TASK, MLP, BATCHES, Cell("toys.networks", {"seed": 1}, 8))
    child = fit(TASK, MLP, BATCHES, cell, seed=cell.child(0))
    sizes = {size_of(one)["size"] for one in (fit(TASK, MLP, BATCHES, cell), moved, child)}
    assert len(sizes) == 3
    with pytest.raises(ValueError, match="give a cell or a seed, got neither"):
        fit(TASK, MLP, BATCHES)


def test_outputs_are_those_of_the_network() -> None:
    trained = fit(TASK, MLP, BATCHES, cell_of())
    outputs = trained.outputs()
    np.testing.assert_allclose(outputs.logits, outputs.features @ outputs.W.T, atol=1e-6)
    in_parts = trained.outputs(batch=7)
    np.testing.assert_allclose(in_parts.features, outputs.features, atol=1e-6)
    shares = np.exp(outputs.logits) / np.exp(outputs.logits).sum(axis=1, keepdims=True)
    penalty = (outputs.W**2).sum() + (outputs.features**2).sum()
    wanted = -np.log(shares[np.arange(90), TASK.labels]).mean() + 5e-4 * penalty
    assert outputs.objective == pytest.approx(wanted, rel=1e-6)
    right = outputs.logits.argmax(axis=1) == TASK.labels
    np.testing.assert_allclose(outputs.accuracy(), [right[TASK.labels == k].mean() for k in range(10)])


def test_images_are_normalised_before_a_network_sees_them() -> None:
    method = Method(partial(headed_convolutions, backbone="resnet18", n_features=16), MLP.objective)
    trained = fit(IMAGES, method, SGD.of(1), seed=Seeds(1, 2))
    wanted = (PIXELS[5, :, 3, 4] / 255 - 0.5) / 0.2
    np.testing.assert_allclose(trained.prepared(PIXELS)[5, :, 3, 4], wanted, rtol=1e-5)
    np.testing.assert_allclose(trained.embed(trained.prepared(PIXELS))[1], trained.outputs().logits, atol=1e-6)
    with pytest.raises(ValueError, match="only uint8 images can be changed, the inputs are float64"):
        fit(TASK, MLP, replace(BATCHES, transforms=SGD_STEPS.transforms), seed=Seeds(1, 2))


def test_unknown_names_suggest_their_neighbours() -> None:
    with pytest.raises(UnknownName, match="unknown method 'ballanced'; did you mean 'balanced'"):
        named("method", "ballanced", LONG_TAIL_METHODS)
    with pytest.raises(UnknownName, match="unknown backbone 'vgg19'; did you mean 'vgg16'"):
        fit(IMAGES, replace(RESNET, network=partial(headed_convolutions, backbone="vgg19")), SGD, seed=Seeds(1, 2))


def test_a_long_training_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    fit(TASK, MLP, BATCHES.of(23), seed=Seeds(1, 2), report=telling("toy"))
    told = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in told] == [f"toy: epoch {epoch} of 23" for epoch in (10, 20, 23)]


# --- Interruptions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize(("every", "stop"), [(1, 3), (2, 3), (4, 5)])
def test_a_resumed_training_ends_as_the_undisturbed_one(case: Case, every: int, stop: int, tmp_path: Path) -> None:
    notes = {"note": size_of, "note_after": range(2, 7)}
    whole = fit(*case, cell_of(), **notes)
    assert list(whole.course) == [2, 3, 4, 5, 6]
    run = partial(fit, *case, cell_of(tmp_path), checkpoint_every=every, **notes)
    with pytest.raises(Stopped):
        run(report=stopping_after(stop))
    epochs: list[int] = []
    resumed = run(report=lambda progress: epochs.append(progress.epoch))
    assert epochs == list(range(stop // every * every + 1, 7))
    assert_equal(resumed, whole)
    assert resumed.course == whole.course
    # what has ended is not trained again
    again = run(report=lambda progress: pytest.fail("trained again"))
    assert_equal(again, whole)
    assert again.course == whole.course


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"recipe": BATCHES.of(7)}, "recipe.epochs was 6 and is 7"),
        ({"recipe": replace(BATCHES, learning_rate=0.5)}, "recipe.learning_rate was 0.001 and is 0.5"),
        ({"recipe": BATCHES.of(6, batch_size=16)}, "recipe.schedule.batch_size was 32 and is 16"),
        ({"task": digit_rows((9,) * 9 + (8,))}, "task.name was"),
        ({"method": replace(MLP, network=partial(headed_mlp, widths=[8, 5]))}, "network.widths was"),
        ({"seed": Seeds(1, 2)}, "seeds.weights was"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused_and_kept(change: dict, said: str, tmp_path: Path) -> None:
    given = {"task": TASK, "method": MLP, "recipe": BATCHES, "cell": cell_of(tmp_path), "checkpoint_every": 1}
    with pytest.raises(Stopped):
        fit(**given, report=stopping_after(3))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(before) == ["network.begun.json", "network.pt"]
    with pytest.raises(ValueError, match=r"network\.pt was begun with something else: .*It is kept") as refused:
        fit(**{**given, **change})
    assert said in str(refused.value)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert_equal(fit(**given), fit(**{**given, "cell": cell_of()}))


def test_a_checkpoint_of_other_code_is_refused(tmp_path: Path) -> None:
    run = partial(fit, TASK, MLP, BATCHES, cell_of(tmp_path), checkpoint_every=1)
    with pytest.raises(Stopped):
        run(report=stopping_after(3))
    begun = tmp_path / "network.begun.json"
    begun.write_text(json.dumps(json.loads(begun.read_text()) | {"code": "0" * 16}))
    with pytest.raises(ValueError, match="code was '0000000000000000' and is"):
        run()
    begun.write_text("{")
    with pytest.raises(ValueError, match=r"does not say what checkpoint .* was begun with"):
        run()
    begun.unlink()
    with pytest.raises(ValueError, match=r"does not say what checkpoint .* both are kept"):
        run()
    assert (tmp_path / "network.pt").exists()


def test_notes_that_are_lost_are_not_made_up(tmp_path: Path) -> None:
    run = partial(fit, TASK, MLP, BATCHES, cell_of(tmp_path), checkpoint_every=1, note=size_of, note_after=range(1, 7))
    with pytest.raises(Stopped):
        run(report=stopping_after(3))
    course = tmp_path / "network.course.json"
    course.write_text("[7")
    with pytest.raises(ValueError, match=r"course\.json is damaged .* move it away"):
        run()
    course.unlink()
    assert run().course == {}


def test_trainings_of_one_cell_have_files_of_their_own(tmp_path: Path) -> None:
    cell = cell_of(tmp_path)
    for number in range(2):
        fit(TASK, MLP, BATCHES, cell, seed=cell.child(number), name=f"network-{number}", checkpoint_every=3)
    checkpoints = sorted(path.name for path in tmp_path.glob("*.pt"))
    assert checkpoints == ["network-0.pt", "network-1.pt"]


# --- Kept networks ----------------------------------------------------------------------------------------------------

KEEPING = Keeping("toys/small")


def kept_files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "networks" / "toys").iterdir())


def test_a_finished_network_is_kept_and_found_again(tmp_path: Path) -> None:
    run = partial(fit, TASK, MLP, BATCHES, cell_of(), keeping=KEEPING, checkpoint_every=2)
    first = run(note=size_of, note_after=[2, 6])
    (path,) = kept_files(tmp_path)
    assert path.name.startswith("small-")
    assert path.suffix == ".safetensors"
    again = run(note=lambda trained: pytest.fail("trained again"), note_after=[2, 6])
    assert_equal(first, again)
    assert again.course == first.course
    assert list(first.course) == [2, 6]
    assert not again.network.training


def test_another_training_is_kept_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = partial(fit, TASK, MLP, BATCHES, cell_of(), keeping=KEEPING)
    run()
    fit(TASK, MLP, BATCHES.of(2), cell_of(), keeping=KEEPING)
    assert len(kept_files(tmp_path)) == 2
    run()
    assert len(kept_files(tmp_path)) == 2
    monkeypatch.setattr(fitting, "hash_with_libraries", lambda found: "other versions")
    run()
    assert len(kept_files(tmp_path)) == 3


def made_by_other_code(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = fitting.dependence
    monkeypatch.setattr(fitting, "dependence", lambda names: replace(usual(names), digest="f" * 64))


def test_a_record_is_used_whatever_code_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = Keeping("toys/small", record=True)
    first = fit(TASK, MLP, BATCHES, cell_of(), keeping=record)
    said = capsys.readouterr().err
    assert "toys/small: the network of this record is missing" in said
    assert str(tmp_path / "cache" / "networks" / "toys") in said
    assert "all 6 epochs are trained anew" in said
    made_by_other_code(monkeypatch)
    again = fit(TASK, MLP, BATCHES, cell_of(), keeping=record, report=lambda _: pytest.fail("trained again"))
    assert_equal(first, again)
    assert "is the record of this training and is used; other code made it" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"networks of other trainings only .*recipe.epochs was 6 and is 7"):
        fit(TASK, MLP, BATCHES.of(7), cell_of(), keeping=record)
    # what is no record counts only for its own code
    fit(TASK, MLP, BATCHES, cell_of(), keeping=KEEPING)
    assert len(kept_files(tmp_path)) == 2


def test_a_damaged_network_is_refused_and_kept(tmp_path: Path) -> None:
    run = partial(fit, TASK, MLP, BATCHES, cell_of(), keeping=KEEPING)
    run()
    (path,) = kept_files(tmp_path)
    half = path.read_bytes()[:200]
    path.write_bytes(half)
    with pytest.raises(ValueError, match=r"is not the trained network asked for .* the file is kept"):
        run()
    assert path.read_bytes() == half


# --- Set down and taken up --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("keeping", [None, KEEPING], ids=["in scratch", "in the cache"])
def test_a_training_is_set_down_and_taken_up_elsewhere(
    case: Case, keeping: Keeping | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = {"note": size_of, "note_after": [1, 3, 5, 6]}
    whole = fit(*case, cell_of(), **notes)
    with pytest.raises(Stopped):
        fit(
            *case,
            cell_of(tmp_path / "here"),
            checkpoint_every=1,
            keeping=keeping,
            report=stopping_after(4),
            **notes,
        )
    files = set_down(cell_of(tmp_path / "here"), keeping=keeping)
    assert {path.parent for path in files} == {tmp_path / "project" / "results" / "toys" / "unfinished"}
    assert sorted(path.name.partition(".")[2] for path in files) == ["begun.json", "course.json", "pt"]
    monkeypatch.setenv("REPRO_DATA_DIR", str(tmp_path / "cache elsewhere"))
    epochs: list[int] = []
    elsewhere = fit(
        *case,
        cell_of(tmp_path / "there"),
        checkpoint_every=1,
        keeping=keeping,
        report=lambda progress: epochs.append(progress.epoch),
        **notes,
    )
    assert epochs == [5, 6]
    assert_equal(elsewhere, whole)
    assert elsewhere.course == whole.course


def test_a_recipe_that_changed_is_refused_where_a_training_is_taken_up(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        fit(TASK, MLP, BATCHES, cell_of(tmp_path / "here"), checkpoint_every=1, report=stopping_after(4))
    set_down(cell_of(tmp_path / "here"))
    with pytest.raises(ValueError, match=r"recipe.epochs was 6 and is 8"):
        fit(TASK, MLP, BATCHES.of(8), cell_of(tmp_path / "there"), checkpoint_every=1)


def test_networks_of_other_trainings_do_not_hinder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = partial(fit, TASK, MLP, BATCHES, cell_of(), checkpoint_every=1, keeping=KEEPING)
    fit(TASK, MLP, BATCHES.of(3), cell_of(), keeping=KEEPING)
    with pytest.raises(Stopped):
        run(report=stopping_after(4))
    assert sorted(path.suffix for path in set_down(keeping=KEEPING)) == [".json", ".pt"]
    monkeypatch.setenv("REPRO_DATA_DIR", str(tmp_path / "cache elsewhere"))
    fit(TASK, MLP, BATCHES.of(2), cell_of(), keeping=KEEPING)
    epochs: list[int] = []
    first = run(report=lambda progress: epochs.append(progress.epoch))
    assert epochs == [5, 6]
    set_down(keeping=KEEPING)
    monkeypatch.setenv("REPRO_DATA_DIR", str(tmp_path / "a third cache"))
    fit(TASK, MLP, BATCHES.of(2), cell_of(), keeping=KEEPING)
    assert_equal(run(report=lambda _: pytest.fail("trained again")), first)


def test_a_finished_network_takes_the_place_of_its_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = partial(fit, TASK, MLP, BATCHES, cell_of(), checkpoint_every=1, keeping=KEEPING)
    with pytest.raises(Stopped):
        run(report=stopping_after(2))
    set_down(keeping=KEEPING)
    first = run()
    (kept,) = set_down(keeping=KEEPING)
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    monkeypatch.setenv("REPRO_DATA_DIR", str(tmp_path / "cache elsewhere"))
    assert_equal(run(report=lambda _: pytest.fail("trained again")), first)


def test_what_is_not_there_cannot_be_set_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match="neither a network nor a checkpoint of small"):
        set_down(keeping=KEEPING)
    with pytest.raises(FileNotFoundError, match="neither a cell with a scratch folder nor keeping"):
        set_down(cell_of())
    with pytest.raises(Stopped):
        fit(TASK, MLP, BATCHES, cell_of(tmp_path), checkpoint_every=1, report=stopping_after(2))
    monkeypatch.setattr(keeping_files, "LARGEST_FILE", 100)
    with pytest.raises(ValueError, match="carry it by other means to"):
        set_down(cell_of(tmp_path))
    monkeypatch.setattr(keeping_files, "project_root", lambda: None)
    with pytest.raises(FileNotFoundError, match="no checkout of the project"):
        set_down(cell_of(tmp_path))


def test_trainings_of_a_study_are_found_by_their_checkpoints() -> None:
    assert keeping_files.unfinished_labels("toys") == []
    with pytest.raises(Stopped):
        fit(TASK, MLP, BATCHES, cell_of(), checkpoint_every=1, keeping=KEEPING, report=stopping_after(2))
    assert keeping_files.unfinished_labels("toys") == [KEEPING.label]
    fit(TASK, MLP, BATCHES, cell_of(), checkpoint_every=1, keeping=KEEPING)
    assert keeping_files.unfinished_labels("toys") == []  # it is done
