"""Fit a network to a task: seeds from the cell, checkpoints, networks that are kept, trainings that can be set down."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from repro.ground.code import Dependence, dependence, hash_with_libraries
from repro.ground.files import atomic_path, atomic_write_text, cache_folder, project_root
from repro.protocol.experiment import Cell, canonical_json
from repro.trials.course import Course, course_text, parse_course, read_course, write_course
from repro.trials.image_tasks import ImageTask, augmentation_of
from repro.trials.methods import Method
from repro.trials.outputs import Trained
from repro.trials.recipes import Recipe

if TYPE_CHECKING:
    from torch import nn

    from repro.training import Progress

Note = Callable[[Trained], Mapping[str, float]]
Report = Callable[["Progress"], None]
Identity = dict[str, Any]

CHECKPOINT: Final = ".pt"
BEGUN: Final = ".begun.json"
COURSE: Final = ".course.json"
NETWORK: Final = ".safetensors"
LARGEST_FILE: Final = 95_000_000
"""Bytes that a file in the repository may have; hosts of repositories refuse more than 100 MB."""

EPOCHS_BETWEEN_WORDS: Final = 10


# --- What a training is -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seeds:
    """Seeds of a training.

    Attributes
    ----------
    weights : int
        Of the initial weights.
    order : int
        Of the order of the rows and of random transforms.
    objective : int
        Of what the objective draws.
    """

    weights: int
    order: int
    objective: int = 0

    @classmethod
    def of(cls, seed: np.random.SeedSequence) -> Seeds:
        """Derive the seeds of a training from one."""
        return cls(*(int(state) for state in seed.generate_state(3)))


@dataclass(frozen=True)
class Keeping:
    """How a trained network is kept in the user's cache, so that it is trained once.

    Parameters
    ----------
    label : str
        ``<study>/<name>``: what its files are called.
    record : bool, default=False
        Whether the network is a record of a training of hours: one that other code made is used too. Otherwise a
        network counts only for the code that made it.
    earlier : str or None, default=None
        Text by which a record knows itself that was kept before networks were kept by code.
    """

    label: str
    record: bool = False
    earlier: str | None = None


def _described(value: Any) -> Any:
    """Give what tells two options apart, as plain data."""
    if isinstance(value, partial):
        return {"function": value.func.__qualname__, **{name: _described(one) for name, one in value.keywords.items()}}
    if isinstance(value, np.ndarray):
        return hashlib.sha256(repr((value.dtype, value.shape)).encode() + value.tobytes()).hexdigest()[:16]
    if isinstance(value, Mapping):
        return {str(name): _described(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_described(one) for one in value]
    return value.__qualname__ if callable(value) else value


def _functions(value: Any) -> Iterator[Callable[..., Any]]:
    if isinstance(value, partial):
        yield value.func
        for option in value.keywords.values():
            yield from _functions(option)
    elif callable(value):
        yield value


def _dependence(method: Method, recipe: Recipe) -> Dependence:
    """Follow the code of a training to all it depends on.

    Raises
    ------
    ValueError
        If a function of the method or the recipe is none at the top of a module of this package.
    """
    used = {
        _started,
        _train,
        *_functions(method.network),
        *_functions(method.objective),
        *_functions(recipe.transforms),
    }
    return dependence(sorted(f"{one.__module__}.{one.__qualname__}" for one in used))


def identity_of(task: ImageTask, method: Method, recipe: Recipe, seeds: Seeds) -> Identity:
    """All that a trained network depends on but the versions of libraries, as plain data.

    The rows of the task, network and objective with their options, the recipe, the seeds, and the hash of the code.
    """
    return {
        "task": {"name": task.name, "rows": task.digest},
        "network": _described(method.network),
        "objective": _described(method.objective),
        "recipe": {name: _described(value) for name, value in vars(recipe).items()},
        "seeds": vars(seeds),
        "code": _dependence(method, recipe).digest[:16],
    }


def _differences(before: Any, now: Any, name: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            line
            for key in sorted({*before, *now})
            for line in _differences(before.get(key), now.get(key), f"{name}.{key}" if name else key)
        ]
    return [] if before == now else [f"{name} was {before!r} and is {now!r}"]


# --- Where its files lie ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """Files of a training: here, and in the repository for those that are set down; names without their endings."""

    here: Path
    away: Path | None

    @classmethod
    def of(cls, cell: Cell | None, name: str, keeping: Keeping | None) -> _Place | None:
        root = project_root()
        if keeping is not None:
            study, _, label = keeping.label.partition("/")
            here = cache_folder() / "networks" / study / label
        elif cell is not None and cell.scratch is not None:
            study, label, here = cell.experiment.partition(".")[0], f"{cell.id}-{name}", cell.scratch / name
        else:
            return None
        return cls(here, None if root is None else root / "results" / study / "unfinished" / label)

    def file(self, ending: str) -> Path:
        return self.here.with_name(self.here.name + ending)


def _networks(stem: Path) -> list[Path]:
    """Kept networks of a label, the newest first."""
    found = [*stem.parent.glob(f"{stem.name}-{'[0-9a-f]' * 12}{NETWORK}")]
    plain = stem.with_name(stem.name + NETWORK)
    return sorted([*found, *([plain] if plain.exists() else [])], key=lambda path: path.stat().st_mtime, reverse=True)


def _of_training(stem: Path) -> list[Path]:
    """Files of an unfinished training."""
    return [path for ending in (BEGUN, COURSE, CHECKPOINT) if (path := stem.with_name(stem.name + ending)).exists()]


def _copy(files: Collection[Path], before: Path, after: Path) -> list[Path]:
    """Copy files with the name of one stem to another, each whole or not at all."""
    copies = []
    for path in files:
        copy = after.with_name(after.name + path.name.removeprefix(before.name))
        with atomic_path(copy) as temporary:
            temporary.write_bytes(path.read_bytes())
        copies.append(copy)
    return copies


def set_down(cell: Cell | None = None, *, name: str = "network", keeping: Keeping | None = None) -> list[Path]:
    """Put an unfinished training, or a network whose table is not written yet, where git finds it.

    They lie in ``results/<study>/unfinished``. Wherever the repository is checked out, :func:`fit` goes on from there
    and ends as the undisturbed training; they may go when the table is written.

    Parameters
    ----------
    cell : Cell or None
        With its scratch folder, for a training that is not kept in the cache.
    name : str, default="network"
        As in :func:`fit`.
    keeping : Keeping or None
        As in :func:`fit`.

    Returns
    -------
    list of Path
        The files to commit.

    Raises
    ------
    FileNotFoundError
        If there is neither a network nor a checkpoint, or this is no checkout of the project.
    ValueError
        If a file is too large for a repository; it is kept where it is.
    """
    place = _Place.of(cell, name, keeping)
    if place is None:
        raise FileNotFoundError("neither a cell with a scratch folder nor keeping was given, so no training has files")
    if place.away is None:
        raise FileNotFoundError("this is no checkout of the project, so there is no folder results/<study>/unfinished")
    finished = _networks(place.here)[:1] if keeping is not None else []
    files = finished or _of_training(place.here)
    if not finished and place.file(CHECKPOINT) not in files:
        raise FileNotFoundError(f"{place.here.parent} has neither a network nor a checkpoint of {place.here.name}")
    for path in files:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError(
                f"{path} has {path.stat().st_size / 1e6:.0f} MB, a repository takes {LARGEST_FILE / 1e6:.0f} MB; carry "
                f"it by other means to {place.away.parent}"
            )
    copies = _copy(files, place.here, place.away)
    for path in [*_networks(place.away), *_of_training(place.away)]:
        if path not in copies:
            path.unlink()
    return copies


def _take_up(place: _Place) -> None:
    """Bring what the repository keeps of a training here, unless something is here."""
    if place.away is not None and not [*_networks(place.here), *_of_training(place.here)]:
        _copy([*_networks(place.away), *_of_training(place.away)], place.away, place.here)


# --- Kept networks ----------------------------------------------------------------------------------------------------


def _kept_file(place: _Place, identity: Identity, found: Dependence) -> Path:
    """File of a trained network, named by all that it depends on, the versions of libraries included."""
    text = canonical_json([identity, hash_with_libraries(found)])
    return place.file(f"-{hashlib.sha256(text.encode()).hexdigest()[:12]}{NETWORK}")


def _facts(path: Path) -> dict[str, str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as problem:
        raise ValueError(f"{path} is damaged ({problem}); the file is kept; move it away to train anew") from problem


def _known_as(facts: Mapping[str, str]) -> Any:
    try:
        return json.loads(facts.get("identity", "null"))
    except ValueError:
        return None


def _find_kept(place: _Place, keeping: Keeping, identity: Identity, exact: Path) -> Path | None:
    """Kept network of a training; a record may be of other code.

    Raises
    ------
    ValueError
        If a record is asked for and only networks of other trainings are there, or a file is damaged.
    """
    if exact.exists():
        return exact
    there = _networks(place.here)
    if not keeping.record:
        return None
    wanted = {**identity, "code": None}
    problems = []
    for path in there:
        facts = _facts(path)
        known = _known_as(facts)
        if facts.get("identity") == keeping.earlier or (isinstance(known, dict) and {**known, "code": None} == wanted):
            sys.stderr.write(
                f"{keeping.label}: {path} is the record of this training and is used; other code made it\n"
            )
            return path
        problems.append(f"{path.name}: " + "; ".join(_differences(known, wanted, "identity")))
    if problems:
        raise ValueError(
            f"{place.here.parent} holds networks of other trainings only ({' | '.join(problems)}); they are kept; move "
            "them away to train anew"
        )
    return None


def _say_missing(place: _Place, keeping: Keeping, epochs: int) -> None:
    folders = " or ".join(str(stem.parent) for stem in (place.here, place.away) if stem is not None)
    sys.stderr.write(
        f"{keeping.label}: the network of this record is missing, there is neither it nor a checkpoint in {folders}; "
        f"all {epochs} epochs are trained anew\n"
    )


def _load(path: Path, network: nn.Module) -> Course:
    """Give a network the weights of a file and return what was noted while it was trained."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            facts = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        network.load_state_dict(weights)
        return parse_course(facts.get("course", facts.get("accuracies", "{}")))
    except (SafetensorError, RuntimeError, OSError, ValueError) as problem:
        raise ValueError(
            f"{path} is not the trained network asked for ({problem}); the file is kept; move it away to train anew"
        ) from problem


def _keep(path: Path, trained: Trained, identity: Identity) -> None:
    import torch
    from safetensors.torch import save_file

    facts = {
        "identity": canonical_json(identity),
        "torch": str(torch.__version__),
        "machine": platform.machine(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "course": course_text(trained.course),
    }
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in trained.network.state_dict().items()}
    with atomic_path(path) as temporary:
        save_file(weights, temporary, metadata=facts)


# --- Checkpoints ------------------------------------------------------------------------------------------------------


def _begin(place: _Place, identity: Identity) -> None:
    """Write down what is trained, or check that a checkpoint is of the same training.

    Raises
    ------
    ValueError
        If the checkpoint is of another training; all files are kept.
    """
    checkpoint, begun = place.file(CHECKPOINT), place.file(BEGUN)
    if not checkpoint.exists():
        for stale in _of_training(place.here):
            stale.unlink()
        atomic_write_text(begun, json.dumps(identity, indent=1) + "\n")
        return
    try:
        before = json.loads(begun.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ValueError(
            f"{begun} does not say what checkpoint {checkpoint} was begun with ({problem}); both are kept; move the "
            "checkpoint away to start anew"
        ) from problem
    if changed := _differences(before, json.loads(json.dumps(identity))):
        raise ValueError(
            f"checkpoint {checkpoint} was begun with something else: {'; '.join(changed)}. It is kept; go back to what "
            "it was begun with to go on, or move it away to start anew"
        )


class _Noting:
    """What is noted after some epochs, kept in a file until the training is done."""

    def __init__(self, path: Path | None, note: Note, epochs: Collection[int], trained: Trained) -> None:
        self.path, self.note, self.epochs, self.trained = path, note, frozenset(epochs), trained
        self.course = read_course(path)

    def __call__(self, done: int, network: nn.Module) -> None:
        if done in self.epochs:
            self.course[done] = dict(self.note(self.trained))
            if self.path is not None:
                write_course(self.path, self.course)

    def whole(self) -> Course:
        """All notes by rising epochs, or none if one is missing: some epochs do not stand for all."""
        return dict(sorted(self.course.items())) if self.epochs <= self.course.keys() else {}


# --- Training ---------------------------------------------------------------------------------------------------------


def telling(label: str) -> Report:
    """Say on standard error now and then how far a training is; it may take hours."""

    def tell(progress: Progress) -> None:
        if progress.epoch % EPOCHS_BETWEEN_WORDS == 0 or progress.epoch == progress.epochs:
            sys.stderr.write(
                f"{label}: epoch {progress.epoch} of {progress.epochs}, loss {progress.loss:.3f}, "
                f"{progress.rows_per_second:.0f} rows a second, {progress.seconds_left / 60:.0f} min left\n"
            )

    return tell


def _started(
    task: ImageTask, method: Method, recipe: Recipe, seeds: Seeds, device: str
) -> tuple[nn.Module, Callable[..., Any]]:
    """Network with its initial weights, and its objective."""
    import torch

    network = method.network(task, torch.Generator().manual_seed(seeds.weights))
    objective = method.objective(task, recipe, seeds.objective)
    if hasattr(objective, "attach"):
        objective.attach(network)
    layout = torch.channels_last if recipe.channels_last else torch.preserve_format
    network.to(device, memory_format=layout)
    return network, objective.to(device) if isinstance(objective, torch.nn.Module) else objective


def _train(trained: Trained, recipe: Recipe, seeds: Seeds, **options: Any) -> None:
    """Train a network in place."""
    import torch

    from repro.training import Schedule, repeatable, train

    task, where = trained.task, torch.device(trained.device)
    inputs, labels = torch.from_numpy(task.inputs), torch.from_numpy(task.labels)
    augmentation = None
    if recipe.transforms is not None or task.mean:
        augmentation = augmentation_of(task, () if recipe.transforms is None else recipe.transforms())
    else:
        inputs = inputs.float()
    with repeatable(where):
        train(
            trained.network,
            inputs.to(where),
            labels.to(where),
            trained.objective,
            Schedule(recipe.epochs, recipe.learning_rate, **recipe.schedule),
            augmentation=augmentation,
            precision=recipe.precision,
            generator=torch.Generator().manual_seed(seeds.order),
            **options,
        )


def fit(
    task: ImageTask,
    method: Method,
    recipe: Recipe,
    cell: Cell | None = None,
    *,
    seed: np.random.SeedSequence | Seeds | None = None,
    note: Note | None = None,
    note_after: Collection[int] = (),
    name: str = "network",
    checkpoint_every: int = 0,
    keeping: Keeping | None = None,
    report: Report | None = None,
) -> Trained:
    """Train the network of a method on a task by a recipe, from where an interrupted run stopped; or find it kept.

    Parameters
    ----------
    task : ImageTask
    method : Method
    recipe : Recipe
    cell : Cell or None
        Gives the device, the seed and the folder for the checkpoint. None: on the CPU, without files but those of
        `keeping`.
    seed : SeedSequence, Seeds or None
        In place of the seed of the cell.
    note : callable or None
        ``note(trained) -> dict of str to float``, called after the epochs of `note_after`, with the network as it is
        then. What it gives comes back as ``course`` and survives interruptions.
    note_after : collection of int
        Numbers of epochs.
    name : str, default="network"
        Tells the trainings of one cell apart.
    checkpoint_every : int, default=0
        Epochs between two checkpoints, in the scratch folder of the cell or beside the kept network; 0 for none.
    keeping : Keeping or None
        How the trained network is kept in the user's cache; None if it is not.
    report : callable or None
        ``report(progress)`` after every epoch.

    Returns
    -------
    Trained
        In evaluation mode, on the device.

    Raises
    ------
    ValueError
        If there is neither a cell nor a seed; if a checkpoint was begun with another task, method, recipe, seed or
        code; if a file is damaged; as :func:`repro.training.train`. Files are kept.
    """
    import torch

    from repro.training import torch_device

    if seed is None and cell is None:
        raise ValueError("give a cell or a seed, got neither")
    if seed is None:
        assert cell is not None
        seed = cell.seed_sequence()
    seeds = seed if isinstance(seed, Seeds) else Seeds.of(seed)
    where = torch_device("cpu" if cell is None else cell.device)
    if where.type == "cpu":
        torch.set_num_threads(1)
    network, objective = _started(task, method, recipe, seeds, str(where))
    trained = Trained(network, task, objective)
    place = _Place.of(cell, name, keeping) if checkpoint_every or keeping is not None else None
    if place is not None:
        identity = identity_of(task, method, recipe, seeds)
        _take_up(place)
    if place is not None and keeping is not None:
        file = _kept_file(place, identity, _dependence(method, recipe))
        if (kept := _find_kept(place, keeping, identity, file)) is not None:
            course = _load(kept, network)
            network.eval()
            return replace(trained, course=course)
        if keeping.record and not place.file(CHECKPOINT).exists():
            _say_missing(place, keeping, recipe.epochs)
    stored = place if checkpoint_every else None
    if stored is not None:
        _begin(stored, identity)
    noting = None
    if note is not None:
        noting = _Noting(None if stored is None else stored.file(COURSE), note, note_after, trained)
    _train(
        trained,
        recipe,
        seeds,
        watch=noting,
        watch_every=1,
        checkpoint=None if stored is None else stored.file(CHECKPOINT),
        checkpoint_every=max(checkpoint_every, 1),
        report=report,
    )
    trained = replace(trained, course={} if noting is None else noting.whole())
    if place is not None and keeping is not None:
        _keep(file, trained, identity)
        for path in _of_training(place.here):
            path.unlink()
    return trained
