"""Files of trainings: checkpoints that say what they belong to, kept networks, trainings that are set down."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from repro.ground.files import atomic_path, atomic_write_text, cache_folder, project_root
from repro.protocol.experiment import Cell, canonical_json
from repro.trials.course import Course, course_text, parse_course

if TYPE_CHECKING:
    from torch import nn

Identity = dict[str, Any]
"""All that a training depends on, as plain data."""

CHECKPOINT: Final = ".pt"
BEGUN: Final = ".begun.json"
COURSE: Final = ".course.json"
NETWORK: Final = ".safetensors"
LARGEST_FILE: Final = 95_000_000
"""Bytes that a file in the repository may have; hosts of repositories refuse more than 100 MB."""


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
class Place:
    """Files of a training: here, and in the repository for those that are set down; names without their endings."""

    here: Path
    away: Path | None

    @classmethod
    def of(cls, cell: Cell | None, name: str, keeping: Keeping | None) -> Place | None:
        """Place of a training: in the cache if it is kept, else in the scratch folder of its cell; None for neither."""
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
        """File with an ending, here."""
        return self.here.with_name(self.here.name + ending)


def networks_of(stem: Path) -> list[Path]:
    """Kept networks of a label, the newest first."""
    found = [*stem.parent.glob(f"{stem.name}-{'[0-9a-f]' * 12}{NETWORK}")]
    plain = stem.with_name(stem.name + NETWORK)
    return sorted([*found, *([plain] if plain.exists() else [])], key=lambda path: path.stat().st_mtime, reverse=True)


def unfinished_files(stem: Path) -> list[Path]:
    """Files of an unfinished training."""
    return [path for ending in (BEGUN, COURSE, CHECKPOINT) if (path := stem.with_name(stem.name + ending)).exists()]


def unfinished_labels(study: str) -> list[str]:
    """Labels of the trainings of a study that have a checkpoint in the user's cache, sorted."""
    folder = cache_folder() / "networks" / study
    return sorted(f"{study}/{path.name.removesuffix(CHECKPOINT)}" for path in folder.glob(f"*{CHECKPOINT}"))


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

    They lie in ``results/<study>/unfinished``; of several networks of a label it is the newest. Wherever the repository
    is checked out, :func:`repro.trials.fit` goes on from there and ends as the undisturbed training; they may go when
    the table is written.

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
    place = Place.of(cell, name, keeping)
    if place is None:
        raise FileNotFoundError("neither a cell with a scratch folder nor keeping was given, so no training has files")
    if place.away is None:
        raise FileNotFoundError("this is no checkout of the project, so there is no folder results/<study>/unfinished")
    files = unfinished_files(place.here)
    if place.file(CHECKPOINT) not in files:
        files = networks_of(place.here)[:1] if keeping is not None else []
    if not files:
        raise FileNotFoundError(f"{place.here.parent} has neither a network nor a checkpoint of {place.here.name}")
    for path in files:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError(
                f"{path} has {path.stat().st_size / 1e6:.0f} MB, a repository takes {LARGEST_FILE / 1e6:.0f} MB; carry "
                f"it by other means to {place.away.parent}"
            )
    copies = _copy(files, place.here, place.away)
    for path in unfinished_files(place.away):
        if path not in copies:
            path.unlink()
    return copies


def take_up_networks(place: Place) -> None:
    """Bring networks that the repository keeps here, those that are not here yet."""
    if place.away is not None:
        here = {path.name.removeprefix(place.here.name) for path in networks_of(place.here)}
        there = [path for path in networks_of(place.away) if path.name.removeprefix(place.away.name) not in here]
        _copy(there, place.away, place.here)


def take_up_training(place: Place) -> None:
    """Bring the unfinished training that the repository keeps here, unless one is here."""
    if place.away is not None and not place.file(CHECKPOINT).exists():
        _copy(unfinished_files(place.away), place.away, place.here)


# --- Kept networks ----------------------------------------------------------------------------------------------------


def kept_file(place: Place, identity: Identity, code: str) -> Path:
    """File of a trained network, named by all that it depends on: `code` is the hash with the versions of libraries."""
    text = canonical_json([identity, code])
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


def find_kept(place: Place, keeping: Keeping, identity: Identity, exact: Path) -> Path | None:
    """Kept network of a training; a record may be of other code.

    Raises
    ------
    ValueError
        If a record is asked for and only networks of other trainings are there, or a file is damaged.
    """
    if exact.exists():
        return exact
    there = networks_of(place.here)
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


def say_missing(place: Place, keeping: Keeping, epochs: int) -> None:
    """Say on standard error that a record is trained anew."""
    folders = " or ".join(str(stem.parent) for stem in (place.here, place.away) if stem is not None)
    sys.stderr.write(
        f"{keeping.label}: the network of this record is missing, there is neither it nor a checkpoint in {folders}; "
        f"all {epochs} epochs are trained anew\n"
    )


def load_network(path: Path, network: nn.Module) -> Course:
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


def keep_network(path: Path, network: nn.Module, course: Course, identity: Identity) -> None:
    """Write a trained network, whole or not at all, with what was noted while it was trained."""
    import torch
    from safetensors.torch import save_file

    facts = {
        "identity": canonical_json(identity),
        "torch": str(torch.__version__),
        "machine": platform.machine(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "course": course_text(course),
    }
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    with atomic_path(path) as temporary:
        save_file(weights, temporary, metadata=facts)


# --- Checkpoints ------------------------------------------------------------------------------------------------------


def begin(place: Place, identity: Identity) -> None:
    """Write down what is trained, or check that a checkpoint is of the same training.

    Raises
    ------
    ValueError
        If the checkpoint is of another training; all files are kept.
    """
    checkpoint, begun = place.file(CHECKPOINT), place.file(BEGUN)
    if not checkpoint.exists():
        for stale in unfinished_files(place.here):
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
