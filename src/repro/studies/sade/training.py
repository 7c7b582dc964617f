"""Networks of the SADE study on CIFAR-100-LT: with what recipe they are trained, and where trained ones are kept."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from repro.data import load_images, long_tail_counts
from repro.ground.exceptions import UnknownName
from repro.ground.files import atomic_path, cache_folder, project_root
from repro.protocol.course import Course, course_text, parse_course, read_course, write_course
from repro.protocol.experiment import canonical_json
from repro.studies.sade.evaluating import first_epoch_to_measure

if TYPE_CHECKING:
    from torch import Tensor, nn

    from repro.training import Augmentation, Progress, Schedule

    Measure = Callable[[nn.Module], dict[str, float]]

RecipeName = Literal["published", "short"]
Method = Literal[
    "sade", "three_balanced", "balanced", "cross_entropy", "ldam_drw", "focal", "lade", "ride", "decoupled"
]

MEAN: Final = (0.4914, 0.4822, 0.4465)
DEVIATION: Final = (0.2023, 0.1994, 0.2010)
N_CLASSES: Final = 100
LARGEST: Final = 500
VERSION: Final = 1
"""Part of the identity of a trained network; raised when the code of a training changes what comes out."""

SEVERAL_EXPERTS: Final = ("sade", "three_balanced", "ride")


class Trained(NamedTuple):
    """A trained network.

    Attributes
    ----------
    network : nn.Module
        In evaluation mode.
    accuracies : dict
        From each of the last epochs to what was measured then; empty if nothing was, or not in every one of them.
    """

    network: nn.Module
    accuracies: Course


@dataclass(frozen=True)
class Setting:
    """What a network is trained with.

    Attributes
    ----------
    method : str
        One of :data:`Method`: the loss, and with it the network (three reduced experts, or one full ResNet-32).
        "decoupled" is cross-entropy with a linear classifier, which is normalised or trained anew afterwards.
    ratio : int
        Imbalance ratio of the training set.
    recipe : "published" or "short"
        200 epochs as published, or the 40 epochs that fit on two cores.
    seed : int
        Of initial weights, order and augmentation; the training set is the same for all seeds.
    """

    method: Method
    ratio: int = 100
    recipe: RecipeName = "published"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise UnknownName("method", self.method, get_args(Method))
        if self.recipe not in get_args(RecipeName):
            raise UnknownName("recipe", self.recipe, get_args(RecipeName))
        if self.ratio < 1:
            raise ValueError(f"ratio must be at least 1, got {self.ratio}")

    @property
    def name(self) -> str:
        """Name of the file of the trained network."""
        return f"{self.method}-ir{self.ratio}-{self.recipe}-seed{self.seed}"

    @property
    def identity(self) -> str:
        """Canonical text of all that the trained network depends on."""
        return canonical_json({**asdict(self), "version": VERSION})


@cache
def counts_of(ratio: int) -> npt.NDArray[np.int64]:
    """Training images of every class of CIFAR-100-LT."""
    return long_tail_counts(LARGEST, N_CLASSES, ratio)


def _schedule(setting: Setting) -> Schedule:
    from repro.training import Schedule

    common: dict[str, Any] = {"batch_size": 128, "nesterov": True, "weight_decay": 5e-4}
    if setting.recipe == "short":
        return Schedule(40, 0.1, "sgd", warm_up=4, decay="cosine", **common)
    return Schedule(200, 0.1, "sgd", milestones=(0.8, 0.9), factor=0.1, warm_up=5, **common)


def augmentation_of(setting: Setting) -> Augmentation:
    """Random crop and flip of the training, with rotation in the published recipe."""
    from repro.training import Augmentation, CropFlipRotate

    degrees = 15.0 if setting.recipe == "published" else 0.0
    return Augmentation([CropFlipRotate(padding=4, flip=0.5, degrees=degrees)], MEAN, DEVIATION)


def _objective(setting: Setting) -> nn.Module:
    from repro.longtail import make_loss

    late = round(0.8 * _schedule(setting).epochs)
    losses: dict[str, tuple[str, dict[str, Any]]] = {
        "sade": ("sade", {"tau": 2.0}),
        "three_balanced": ("balanced_softmax", {}),
        "balanced": ("balanced_softmax", {}),
        "cross_entropy": ("cross_entropy", {}),
        "ldam_drw": ("ldam", {"scale": 30.0, "logits_scaled": True, "reweight_from": late}),
        "focal": ("focal", {"gamma": 1.0}),
        "lade": ("lade", {"alpha": 0.1, "lam": 0.1}),
        "ride": ("ride", {"reweight_from": late}),
        "decoupled": ("cross_entropy", {}),
    }
    name, options = losses[setting.method]
    return make_loss(name, counts_of(setting.ratio), **options)


def untrained(setting: Setting, seed: np.random.SeedSequence | None = None) -> nn.Module:
    """Network of a setting with its initial weights."""
    import torch

    from repro.training import MultiExpertResNet32, ResNet32

    generator = torch.Generator()
    if seed is not None:
        generator.manual_seed(int(seed.generate_state(1, np.uint64)[0] >> 1))
    if setting.method in SEVERAL_EXPERTS:
        return MultiExpertResNet32(N_CLASSES, 3, reduced=True, generator=generator)
    if setting.method == "decoupled":
        return ResNet32(N_CLASSES, scale=None, generator=generator)
    return ResNet32(N_CLASSES, generator=generator)


def training_images(ratio: int) -> tuple[Tensor, Tensor]:
    """Images and labels of CIFAR-100-LT: the rule of the published subset on our order of the images.

    Returns
    -------
    images : Tensor of shape (n, 3, 32, 32), uint8, channels last
    labels : Tensor of shape (n,), int64
    """
    import torch

    from repro.data import make_long_tail

    whole = load_images("cifar100", "train")
    rows = make_long_tail(whole.labels, counts_of(ratio), random_state=np.random.RandomState(0))
    images = torch.from_numpy(np.ascontiguousarray(whole.images[rows])).permute(0, 3, 1, 2)
    return images, torch.from_numpy(whole.labels[rows])


def networks_folder() -> Path:
    """Folder in the user's cache in which trained networks are kept."""
    return cache_folder() / "networks" / "sade"


def unfinished_folder() -> Path | None:
    """Folder of the checkout with what is kept of trainings whose table is not written yet; None outside one."""
    root = project_root()
    return None if root is None else root / "results" / "sade" / "unfinished"


def keep_unfinished(setting: Setting, *, folder: Path | None = None) -> Path:
    """Put the checkpoint or the trained network of a setting where git finds it, in at most 5 MB.

    Momentum is rounded to bfloat16, so that a training which goes on from there is not exactly the undisturbed one.

    Parameters
    ----------
    setting : Setting
    folder : Path or None
        Folder of kept networks, default :func:`networks_folder`.

    Returns
    -------
    Path
        The file. It may go when the table is written.

    Raises
    ------
    FileNotFoundError
        If there is neither a network nor a checkpoint, or this is no checkout.
    """
    import torch

    folder = networks_folder() if folder is None else folder
    target = unfinished_folder()
    if target is None:
        raise FileNotFoundError("this is no checkout of the project, so there is no folder results/sade/unfinished")
    network, checkpoint = (folder / f"{setting.name}.{suffix}" for suffix in ("safetensors", "checkpoint"))
    if network.exists():
        kept = target / network.name
        with atomic_path(kept) as temporary:
            temporary.write_bytes(network.read_bytes())
        (target / checkpoint.name).unlink(missing_ok=True)
        return kept
    if not checkpoint.exists():
        raise FileNotFoundError(f"{folder} has neither {network.name} nor {checkpoint.name}")
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    for entries in state["optimizer"]["state"].values():
        entries["momentum_buffer"] = entries["momentum_buffer"].bfloat16()
    kept = target / checkpoint.name
    with atomic_path(kept) as temporary:
        torch.save(state, temporary)
    return kept


def _from_checkout(setting: Setting, folder: Path) -> None:
    """Bring what the checkout keeps of a setting into the folder of kept networks, unless something is there."""
    source = unfinished_folder()
    names = [f"{setting.name}.{suffix}" for suffix in ("safetensors", "checkpoint")]
    if source is None or any((folder / name).exists() for name in names):
        return
    for name in names:
        if (source / name).exists():
            with atomic_path(folder / name) as temporary:
                temporary.write_bytes((source / name).read_bytes())
            return


def kept_network(path: Path, setting: Setting) -> Trained:
    """Read a trained network from a safetensors file, with the accuracies that were measured while it was trained.

    Raises
    ------
    ValueError
        If the file is damaged or belongs to another setting; it is kept.
    """
    from safetensors import SafetensorError, safe_open

    network = untrained(setting)
    try:
        with safe_open(path, framework="pt") as file:
            facts = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        network.load_state_dict(weights)
        accuracies = parse_course(facts.get("accuracies", "{}"))
    except (SafetensorError, RuntimeError, OSError, ValueError) as problem:
        raise ValueError(f"{path} is not the trained network asked for ({problem}); the file is kept") from problem
    if (identity := facts.get("identity")) != setting.identity:
        raise ValueError(f"{path} holds the network of {identity}, not of {setting.identity}; the file is kept")
    return Trained(network.eval(), accuracies)


class _Measured:
    """What was measured in the last epochs, kept in a file until the training is done."""

    def __init__(self, path: Path | None, measure: Measure, epochs: int, *, resumed: bool) -> None:
        self.path, self.measure, self.epochs = path, measure, epochs
        self.first = first_epoch_to_measure(epochs)
        self.accuracies = read_course(path if resumed else None)

    def __call__(self, done: int, network: nn.Module) -> None:
        if done < self.first:
            return
        self.accuracies[done] = self.measure(network)
        if self.path is not None:
            write_course(self.path, self.accuracies)

    def complete(self) -> Course:
        """All of them, or none if an epoch is missing: the best of some epochs is not the best of all."""
        there = all(epoch in self.accuracies for epoch in range(self.first, self.epochs + 1))
        return self.accuracies if there else {}


def train_network(
    setting: Setting,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
    report: Callable[[Progress], None] | None = None,
    measure: Measure | None = None,
) -> tuple[Trained, list[Progress]]:
    """Train the network of a setting, going on from a checkpoint where there is one.

    Parameters
    ----------
    setting : Setting
    device : str, default="cpu"
    checkpoint : Path or None
        File of the checkpoint; what is measured is kept beside it, with the suffix ``.epochs``.
    report : callable or None
        ``report(progress)`` after every epoch.
    measure : callable or None
        ``measure(network)`` gives the accuracies on the test sets; called in each of the last epochs.

    Returns
    -------
    trained : Trained
        On the device.
    history : list of Progress
        Of the epochs of this run.
    """
    import torch

    from repro.training import repeatable, train

    root = np.random.SeedSequence([2022, setting.seed])
    start, order = root.spawn(2)
    images, labels = training_images(setting.ratio)
    network = untrained(setting, start).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    history: list[Progress] = []
    plan = _schedule(setting)
    measured = None
    if measure is not None:
        beside = None if checkpoint is None else checkpoint.with_suffix(".epochs")
        measured = _Measured(beside, measure, plan.epochs, resumed=checkpoint is not None and checkpoint.exists())

    def note(progress: Progress) -> None:
        history.append(progress)
        if report is not None:
            report(progress)

    with repeatable(torch.device(device)):
        train(
            network,
            images.to(device),
            labels.to(device),
            _objective(setting).to(device),
            plan,
            augmentation=augmentation_of(setting),
            precision="bfloat16",
            generator=torch.Generator().manual_seed(int(order.generate_state(1, np.uint64)[0] >> 1)),
            checkpoint=checkpoint,
            report=note,
            watch=measured,
            watch_every=1,
        )
    return Trained(network, {} if measured is None else measured.complete()), history


def trained_network(
    setting: Setting,
    *,
    device: str = "cpu",
    folder: Path | None = None,
    report: Callable[[Progress], None] | None = None,
    measure: Measure | None = None,
) -> Trained:
    """Trained network of a setting: from the folder of kept networks, or trained now and kept.

    Parameters
    ----------
    setting : Setting
    device : str, default="cpu"
    folder : Path or None
        Default :func:`networks_folder`. A training that was interrupted goes on from its last epoch.
    report : callable or None
        ``report(progress)`` after every epoch.
    measure : callable or None
        ``measure(network)`` gives the accuracies on the test sets; called in each of the last epochs of a training.

    Returns
    -------
    Trained
    """
    import torch
    from safetensors.torch import save_file

    folder = networks_folder() if folder is None else folder
    path = folder / f"{setting.name}.safetensors"
    _from_checkout(setting, folder)
    if path.exists():
        kept = kept_network(path, setting)
        return Trained(kept.network.to(device), kept.accuracies)
    checkpoint = folder / f"{setting.name}.checkpoint"
    trained, history = train_network(setting, device=device, checkpoint=checkpoint, report=report, measure=measure)
    facts = {
        "identity": setting.identity,
        "torch": str(torch.__version__),
        "machine": platform.machine(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "last_loss": json.dumps(history[-1].loss if history else None),
        "accuracies": course_text(trained.accuracies),
    }
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in trained.network.state_dict().items()}
    with atomic_path(path) as temporary:
        save_file(weights, temporary, metadata=facts)
    for file in (checkpoint, checkpoint.with_suffix(".epochs")):
        file.unlink(missing_ok=True)
    return trained
