"""Fit a network to a task, with seeds from the cell, from where an interrupted run stopped; or find it kept."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from repro.ground.code import Dependence, dependence, hash_with_libraries
from repro.protocol.experiment import Cell
from repro.trials.course import Course, read_course, write_course
from repro.trials.image_tasks import ImageTask, augmentation_of
from repro.trials.keeping import (
    CHECKPOINT,
    COURSE,
    Identity,
    Keeping,
    Place,
    begin,
    find_kept,
    keep_network,
    kept_file,
    load_network,
    say_missing,
    take_up_networks,
    take_up_training,
    unfinished_files,
)
from repro.trials.methods import Method
from repro.trials.outputs import Trained
from repro.trials.recipes import Recipe

if TYPE_CHECKING:
    from torch import nn

    from repro.training import Progress

Note = Callable[[Trained], Mapping[str, float]]
Report = Callable[["Progress"], None]

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
    place = Place.of(cell, name, keeping) if checkpoint_every or keeping is not None else None
    if place is not None:
        identity = identity_of(task, method, recipe, seeds)
    if place is not None and keeping is not None:
        file = kept_file(place, identity, hash_with_libraries(_dependence(method, recipe)))
        take_up_networks(place)
        if (kept := find_kept(place, keeping, identity, file)) is not None:
            course = load_network(kept, network)
            network.eval()
            return replace(trained, course=course)
    stored = place if checkpoint_every else None
    if stored is not None:
        take_up_training(stored)
    if place is not None and keeping is not None and keeping.record and not place.file(CHECKPOINT).exists():
        say_missing(place, keeping, recipe.epochs)
    if stored is not None:
        begin(stored, identity)
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
        keep_network(file, network, trained.course, identity)
        for path in unfinished_files(place.here):
            path.unlink()
    return trained
