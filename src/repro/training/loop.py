"""One loop for all trainings: batches or all rows at once, augmentation, learning rates, hooks, exact resume."""

from __future__ import annotations

import inspect
import math
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn

from repro.training.augmentation import Augmentation, moved_to, rows_of

Objective = Callable[..., Tensor]
"""The scalar that is minimised: ``objective(logits, labels)``, as PyTorch's losses, or, where four arguments are
required, ``objective(features, logits, labels, head)``."""

Order = Callable[[int, torch.Generator], Tensor | Sequence[Tensor]]
Perturb = Callable[[nn.Module, Tensor, Tensor], Tensor]
AfterStep = Callable[[nn.Module, int], object]

Precision = Literal["float32", "bfloat16"]
Watch = Callable[[int, Any], None]

SIMPLE: Final = (bool, int, float, str, tuple)
"""Types of arguments that the identity of an objective or hook tells."""


@dataclass(frozen=True)
class Progress:
    """Where a training stands after an epoch.

    Attributes
    ----------
    epoch, epochs : int
        Epochs done, and all of them.
    loss : float
        Mean objective of the epoch's steps.
    learning_rate : float
        Of the last step.
    rows_per_second : float
        Of this epoch.
    seconds_left : float
        From the mean time of the epochs since the start or resume.
    """

    epoch: int
    epochs: int
    loss: float
    learning_rate: float
    rows_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class Schedule:
    """How long and with what steps is trained.

    Parameters
    ----------
    epochs : int
    learning_rate : float
    optimizer : "adam", "adamw" or "sgd", default="adam"
    milestones : sequence of float, default=(0.5, 0.8)
        Shares of the epochs after which the learning rate is multiplied by `factor`; only with ``decay="steps"``.
    factor : float, default=0.1
    batch_size : int or None, default=None
        None for all rows at once.
    momentum : float, default=0.9
        Of SGD.
    nesterov : bool, default=False
        Of SGD.
    weight_decay : float, default=0
        Of all parameters.
    warm_up : int, default=0
        Epochs in which the learning rate rises in equal steps, one an epoch, to `learning_rate`.
    decay : "steps" or "cosine", default="steps"
        ``"cosine"`` falls to 0 from step to step after the warm-up, which then rises from step to step too.

    Raises
    ------
    ValueError
        For numbers outside their range.
    """

    epochs: int
    learning_rate: float
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    milestones: Sequence[float] = (0.5, 0.8)
    factor: float = 0.1
    batch_size: int | None = None
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    warm_up: int = 0
    decay: Literal["steps", "cosine"] = "steps"

    def __post_init__(self) -> None:
        if self.epochs < 0 or self.learning_rate <= 0 or self.factor <= 0:
            raise ValueError(
                "epochs must not be negative, learning_rate and factor must be positive; got "
                f"{self.epochs}, {self.learning_rate} and {self.factor}"
            )
        if self.optimizer not in ("adam", "adamw", "sgd"):
            raise ValueError(f"optimizer must be 'adam', 'adamw' or 'sgd', got {self.optimizer!r}")
        if self.decay not in ("steps", "cosine"):
            raise ValueError(f"decay must be 'steps' or 'cosine', got {self.decay!r}")
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1 or None, got {self.batch_size}")
        if not all(0 < share < 1 for share in self.milestones):
            raise ValueError(f"milestones must be shares between 0 and 1, got {tuple(self.milestones)}")
        if not 0 <= self.momentum < 1 or self.weight_decay < 0 or not 0 <= self.warm_up <= self.epochs:
            raise ValueError(
                "momentum must be at least 0 and below 1, weight_decay not negative, warm_up between 0 and epochs; got "
                f"{self.momentum}, {self.weight_decay} and {self.warm_up}"
            )

    def learning_rate_at(self, epoch: float) -> float:
        """Learning rate of an epoch, counted from 0; a fraction says how much of the epoch is done."""
        if self.decay == "cosine":
            if epoch < self.warm_up:
                return self.learning_rate * epoch / self.warm_up
            share = (epoch - self.warm_up) / max(self.epochs - self.warm_up, 1)
            return 0.5 * self.learning_rate * (1.0 + math.cos(math.pi * share))
        whole = math.floor(epoch)
        if whole < self.warm_up:
            return self.learning_rate * (whole + 1) / self.warm_up
        passed = sum(whole >= round(share * self.epochs) for share in self.milestones)
        return float(self.learning_rate * self.factor**passed)


def _optimizer(network: nn.Module, schedule: Schedule) -> torch.optim.Optimizer:
    parameters = list(network.parameters())
    rate, decay = schedule.learning_rate, schedule.weight_decay
    if schedule.optimizer == "sgd":
        return torch.optim.SGD(
            parameters,
            lr=rate,
            momentum=schedule.momentum,
            nesterov=schedule.nesterov,
            weight_decay=decay,
            foreach=True,
        )
    if schedule.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, foreach=True)
    return torch.optim.Adam(parameters, lr=rate, weight_decay=decay, foreach=True)


def _store(path: Path, state: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    torch.save(state, temporary)
    temporary.replace(path)


def checked_rows(name: str, given: object, n: int) -> Tensor:
    """Row numbers as a vector on the CPU.

    Raises
    ------
    TypeError
        If they are no tensor of int64.
    ValueError
        If they are no vector, none, or outside 0 to n - 1.
    """
    if not isinstance(given, Tensor) or given.dtype != torch.int64:
        found = given.dtype if isinstance(given, Tensor) else type(given).__name__
        raise TypeError(f"{name} must be a tensor of row numbers of type int64, got {found}")
    if given.ndim != 1 or not len(given):
        raise ValueError(f"{name} must be a vector of at least one row number, got shape {tuple(given.shape)}")
    numbers = given.cpu()
    low, high = int(numbers.min()), int(numbers.max())
    if low < 0 or high >= n:
        raise ValueError(f"{name} must lie between 0 and {n - 1}, the last row; got {low if low < 0 else high}")
    return numbers


def _identity(thing: object) -> str:
    """Name the kind of an objective, an augmentation or a hook, and the arguments that it was made with and keeps."""
    if is_dataclass(thing):
        return repr(thing)
    if thing is None or hasattr(thing, "__qualname__"):
        return str(getattr(thing, "__qualname__", None))
    try:
        names = list(inspect.signature(type(thing)).parameters)
    except ValueError:  # compiled kinds without a signature
        names = []
    kept = [f"{name}={getattr(thing, name)!r}" for name in names if isinstance(getattr(thing, name, None), SIMPLE)]
    return f"{type(thing).__qualname__}({', '.join(kept)})"


def _check_recipe(path: Path, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse a checkpoint of another recipe; one that was written before recipes were noted passes."""
    names = sorted(before.keys() & now.keys())
    if changed := [f"{name} was {before[name]} and is {now[name]}" for name in names if before[name] != now[name]]:
        raise ValueError(
            f"checkpoint {path} was written with another recipe: {'; '.join(changed)}; the file is kept; go on with "
            "the recipe that it was begun with, or move it away to start anew"
        )


def _restore(
    path: Path,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    recipe: Mapping[str, str],
    memories: Mapping[str, Any],
) -> tuple[int, int | None]:
    """Epochs and, where the file says so, steps that are done."""
    damaged = f"checkpoint {path} does not belong to this network or is damaged"
    advice = "the file is kept; move it away to start anew"
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        before = dict(state.get("recipe", {}))
    except Exception as problem:
        raise ValueError(f"{damaged} ({problem}); {advice}") from problem
    _check_recipe(path, before, recipe)
    try:
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        generator.set_state(state["generator"])
        for name, memory in memories.items():
            if name in state.get("memories", {}):
                memory.load_state_dict(state["memories"][name])
        return int(state["epoch"]), state.get("step")
    except Exception as problem:
        raise ValueError(f"{damaged} ({problem}); {advice}") from problem


def _batches_of(order: Order, epoch: int, generator: torch.Generator, n: int, size: int | None) -> list[Tensor]:
    """Row numbers of the batches of an epoch, on the CPU, as the hook wants them."""
    given = order(epoch, generator)
    if isinstance(given, Tensor):
        rows = checked_rows("order: the row numbers", given, n)
        return list(torch.split(rows, len(rows) if size is None else size))
    if not isinstance(given, (list, tuple)) or not given:
        found = "an empty sequence" if isinstance(given, (list, tuple)) else type(given).__name__
        raise TypeError(f"order must return a tensor of row numbers or a sequence of them, one a batch; got {found}")
    return [checked_rows(f"order: batch {place}", rows, n) for place, rows in enumerate(given)]


def _perturbed(perturb: Perturb, network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """Change inputs by the hook, without a trace of how; the network is left in training mode."""
    changed = perturb(network, inputs, labels)
    network.train()
    wanted = f"the inputs' own, {inputs.dtype} of shape {tuple(inputs.shape)} on {inputs.device}"
    if not isinstance(changed, Tensor) or changed.dtype != inputs.dtype:
        found = str(changed.dtype) if isinstance(changed, Tensor) else type(changed).__name__
        raise TypeError(f"perturb must return a tensor of type and shape of {wanted}; got {found}")
    if changed.shape != inputs.shape or changed.device != inputs.device:
        raise ValueError(
            f"perturb must return a tensor of type and shape of {wanted}; got shape {tuple(changed.shape)} on "
            f"{changed.device}"
        )
    return changed.detach()


@contextmanager
def _seeded(generator: torch.Generator, device: torch.device) -> Iterator[None]:
    """Draw the seed of PyTorch's own random numbers from a generator, and leave them as they were afterwards."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        yield


def _takes_features(objective: Objective) -> bool:
    """Whether an objective requires four arguments: features, logits, labels and head."""
    try:
        parameters = inspect.signature(getattr(objective, "forward", objective)).parameters.values()
    except ValueError:  # compiled functions without a signature
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in positional and one.default is one.empty for one in parameters) == 4


class _Steps:
    """Gradients of a batch, in parts where the memory of the device asks for it."""

    def __init__(self, network: nn.Module, objective: Objective, precision: Precision) -> None:
        self.network, self.objective, self.precision = network, objective, precision
        self.takes_features = _takes_features(objective)
        if self.takes_features and not hasattr(network, "head"):
            raise TypeError(
                "objective takes features, logits, labels and a head, so the network must give features and logits and "
                f"have a head, as a HeadedNetwork; got {type(network).__name__}"
            )
        self.largest: int | None = None

    def _value(self, inputs: Tensor, labels: Tensor) -> Tensor:
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            outputs = self.network(inputs)
        if self.takes_features:
            features, logits = outputs
            return self.objective(features, logits, labels, self.network.head)
        return self.objective(outputs if isinstance(outputs, Tensor) else outputs[1], labels)

    def backward(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Add the gradients of the batch to the parameters and return its objective."""
        while True:
            size = len(labels) if self.largest is None else min(self.largest, len(labels))
            try:
                total = torch.zeros((), device=labels.device)
                for start in range(0, len(labels), size):
                    part = slice(start, start + size)
                    value = self._value(inputs[part], labels[part]) * (len(labels[part]) / len(labels))
                    value.backward()  # type: ignore[no-untyped-call]
                    total += value.detach()
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
            else:
                return total
            self.network.zero_grad(set_to_none=True)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            self.largest = (size + 1) // 2
            warnings.warn(
                f"out of memory on {labels.device} with {size} rows at a time; the batch keeps its {len(labels)} rows "
                f"and is computed {self.largest} at a time, with batch normalisation over those",
                stacklevel=3,
            )


def train(
    network: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    objective: Objective,
    schedule: Schedule,
    *,
    augmentation: Augmentation | None = None,
    order: Order | None = None,
    perturb: Perturb | None = None,
    after_step: AfterStep | None = None,
    precision: Precision = "float32",
    generator: torch.Generator | None = None,
    watch: Watch | None = None,
    watch_every: int = 0,
    checkpoint: Path | None = None,
    checkpoint_every: int = 1,
    report: Callable[[Progress], None] | None = None,
) -> Any:
    """Train a network in place.

    Parameters
    ----------
    network : nn.Module
        On the device of `inputs`. Gives features and logits, as all networks of this room, or logits alone.
    inputs : Tensor of shape (n, ...)
        All rows, on the device; uint8 images of shape (n, channels, height, width) with an `augmentation`.
    labels : Tensor of shape (n,), int64
        Or (n, ...), as the objective wants it: with columns class and row number it can remember something of rows.
    objective : callable
        ``objective(logits, labels)``, as PyTorch's losses; or one that requires four arguments, ``objective(features,
        logits, labels, head)``, for example a :class:`repro.training.PenalisedObjective`. One with a method
        ``set_epoch`` is told the epoch, counted from 0, before it begins.
    schedule : Schedule
    augmentation : Augmentation or None, default=None
        Changes the images of every batch on the device.
    order : callable or None
        ``order(epoch, generator)``, epochs counted from 0: row numbers of the epoch, a vector of int64 of any length in
        which rows may be missing or repeated, cut into batches of the schedule's size; or a sequence of such vectors,
        one a batch. None: all rows, shuffled.
    perturb : callable or None
        ``perturb(network, inputs, labels)`` changes a batch after the augmentation, with the network in training mode:
        a tensor of the same type and shape. Gradients that it leaves are forgotten. While there is one, PyTorch's own
        random numbers are seeded from `generator` in every epoch, so that random starts are repeatable.
    after_step : callable or None
        ``after_step(network, step)`` after every step, counted from 1 over all epochs, without gradients.
    precision : "float32" or "bfloat16", default="float32"
        ``"bfloat16"`` runs convolutions and products of the network in bfloat16; weights and objective stay float32.
    generator : torch.Generator or None, default=None
        Shuffles the rows and draws the augmentation, on the CPU; a fresh one with seed 0 by default. Not used with all
        rows at once and no augmentation.
    watch : callable or None
        ``watch(epochs_done, network)``, called in evaluation mode after every `watch_every` epochs and at the end,
        before the checkpoint of the epoch is written: what a resumed run goes on from has been watched.
    watch_every : int, default=0
        0 for the end only.
    checkpoint : Path or None
        File that is written after every `checkpoint_every` epochs and continued from when it exists. A resumed run ends
        with the same weights as one that was not interrupted. What hooks and the objective remember is kept too where
        they have ``state_dict`` and ``load_state_dict``, as PyTorch's modules.
    checkpoint_every : int, default=1
    report : callable or None
        ``report(progress)`` after every epoch.

    Returns
    -------
    nn.Module
        The same network, in evaluation mode.

    Warns
    -----
    UserWarning
        When the device has not enough memory for a batch. It is then computed in halves, quarters, ...

    Raises
    ------
    TypeError
        If a hook returns something of another type than it must, or the objective wants a head that is not there.
    ValueError
        If lengths differ, the precision is unknown, a hook returns another shape or row numbers that are not there, or
        the checkpoint belongs to another network or recipe or is damaged; the file is then kept.
    FloatingPointError
        If the objective is no longer finite.

    Examples
    --------
    >>> import torch
    >>> generator = torch.Generator().manual_seed(0)
    >>> labels = torch.arange(60) % 2
    >>> inputs = torch.randn(60, 3, generator=generator) + 3 * labels[:, None]
    >>> network = HeadedNetwork(feature_mlp(3, [8], generator=generator), LinearHead(8, 2, generator=generator))
    >>> _ = train(network, inputs, labels, torch.nn.functional.cross_entropy, Schedule(epochs=100, learning_rate=0.05))
    >>> bool((network(inputs)[1].argmax(dim=1) == labels).float().mean() > 0.9)
    True
    """
    if len(inputs) != len(labels):
        raise ValueError(f"inputs and labels must have equal length, got {len(inputs)} and {len(labels)}")
    if precision not in ("float32", "bfloat16"):
        raise ValueError(f"precision must be 'float32' or 'bfloat16', got {precision!r}")
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    optimizer = _optimizer(network, schedule)
    steps = _Steps(network, objective, precision)
    n = len(labels)
    size = n if schedule.batch_size is None else schedule.batch_size
    keeping: dict[str, Any] = {"objective": objective, "order": order, "perturb": perturb, "after_step": after_step}
    recipe = {name: repr(value) for name, value in asdict(schedule).items()}
    recipe |= {name: _identity(thing) for name, thing in (keeping | {"augmentation": augmentation}).items()}
    recipe |= {"precision": precision, "shape of inputs": str(tuple(inputs.shape))}
    memories = {name: thing for name, thing in keeping.items() if hasattr(thing, "load_state_dict")}
    first, step = 0, 0
    if checkpoint is not None and checkpoint.exists():
        first, noted = _restore(checkpoint, network, optimizer, generator, recipe, memories)
        step = first * math.ceil(n / size) if noted is None else noted
    began = time.monotonic()
    for epoch in range(first, schedule.epochs):
        epoch_began = time.monotonic()
        network.train()
        if hasattr(objective, "set_epoch"):
            objective.set_epoch(epoch)
        batches: Sequence[Tensor | slice]
        if order is not None:
            batches = _batches_of(order, epoch, generator, n, schedule.batch_size)
            seen = sum(map(len, batches))
            batches = [rows.to(labels.device) for rows in batches]
        elif size < n:
            batches, seen = torch.split(torch.randperm(n, generator=generator).to(labels.device), size), n
        else:
            batches, seen = [slice(0, n)], n
        drawn = [] if augmentation is None else moved_to(augmentation.draw(seen, generator), inputs.device)
        values = []
        place = 0
        with nullcontext() if perturb is None else _seeded(generator, inputs.device):
            for number, part in enumerate(batches):
                rate = schedule.learning_rate_at(
                    epoch + ((number + 0.5) / len(batches) if schedule.decay == "cosine" else 0.0)
                )
                for group in optimizer.param_groups:
                    group["lr"] = rate
                batch, targets = inputs[part], labels[part]
                if augmentation is not None:
                    batch = augmentation(batch, rows_of(drawn, slice(place, place + len(batch))))
                place += len(batch)
                if perturb is not None:
                    batch = _perturbed(perturb, network, batch, targets)
                optimizer.zero_grad(set_to_none=True)
                values.append(steps.backward(batch, targets))
                optimizer.step()
                step += 1
                if after_step is not None:
                    with torch.no_grad():
                        after_step(network, step)
        done = epoch + 1
        last = float(values[-1])
        if not math.isfinite(last):
            raise FloatingPointError(
                f"the objective is {last:g} after {done} epochs; a smaller learning rate than "
                f"{schedule.learning_rate:g} may help"
            )
        if watch is not None and (done == schedule.epochs or (watch_every and done % watch_every == 0)):
            network.eval()
            with torch.no_grad():
                watch(done, network)
        if checkpoint is not None and (done % checkpoint_every == 0 or done == schedule.epochs):
            state = {
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "generator": generator.get_state(),
                "epoch": done,
                "step": step,
                "recipe": recipe,
                "memories": {name: memory.state_dict() for name, memory in memories.items()},
            }
            _store(checkpoint, state)
        if report is not None:
            now = time.monotonic()
            left = (now - began) / (done - first) * (schedule.epochs - done)
            mean = float(torch.stack(values).mean())
            report(Progress(done, schedule.epochs, mean, rate, seen / max(now - epoch_began, 1e-9), left))
    return network.eval()
