"""One loop for all trainings: batches or all rows at once, augmentation, learning rates, exact resume."""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from repro.training.augmentation import Augmentation, moved_to, rows_of
from repro.training.networks import HeadedNetwork

Objective = Callable[..., Tensor]
"""The scalar that is minimised: ``objective(features, logits, labels, head)`` of a :class:`HeadedNetwork`, and
``objective(outputs, labels)``, as PyTorch's losses, of any other module."""

Precision = Literal["float32", "bfloat16"]
Watch = Callable[[int, Any], None]


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


def _restore(path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, generator: torch.Generator) -> int:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        generator.set_state(state["generator"])
        return int(state["epoch"])
    except Exception as problem:
        raise ValueError(
            f"checkpoint {path} does not belong to this network or is damaged ({problem}); the file is kept; "
            "move it away to start anew"
        ) from problem


class _Steps:
    """Gradients of a batch, in parts where the memory of the device asks for it."""

    def __init__(self, network: nn.Module, objective: Objective, precision: Precision) -> None:
        self.network, self.objective, self.precision = network, objective, precision
        self.largest: int | None = None

    def _value(self, inputs: Tensor, labels: Tensor) -> Tensor:
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            outputs = self.network(inputs)
        if isinstance(self.network, HeadedNetwork):
            features, logits = outputs
            return self.objective(features, logits, labels, self.network.head)
        return self.objective(outputs, labels)

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
    network : HeadedNetwork or any nn.Module
        On the device of `inputs`.
    inputs : Tensor of shape (n, ...)
        All rows, on the device; uint8 images of shape (n, channels, height, width) with an `augmentation`.
    labels : Tensor of shape (n,), int64
        Or (n, ...), as the objective wants it.
    objective : callable
        ``objective(features, logits, labels, head)`` for a :class:`repro.training.HeadedNetwork`, for example a
        :class:`repro.training.PenalisedObjective`; ``objective(outputs, labels)`` for any other module. One with a
        method ``set_epoch`` is told the epoch, counted from 0, before it begins.
    schedule : Schedule
    augmentation : Augmentation or None, default=None
        Changes the images of every batch on the device.
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
        with the same weights as one that was not interrupted.
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
    ValueError
        If lengths differ, the precision is unknown, or the checkpoint belongs to another network or is damaged; the
        file is then kept.
    FloatingPointError
        If the objective is no longer finite.
    """
    if len(inputs) != len(labels):
        raise ValueError(f"inputs and labels must have equal length, got {len(inputs)} and {len(labels)}")
    if precision not in ("float32", "bfloat16"):
        raise ValueError(f"precision must be 'float32' or 'bfloat16', got {precision!r}")
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    optimizer = _optimizer(network, schedule)
    first = 0
    if checkpoint is not None and checkpoint.exists():
        first = _restore(checkpoint, network, optimizer, generator)
    n = len(labels)
    size = n if schedule.batch_size is None else schedule.batch_size
    steps = _Steps(network, objective, precision)
    began = time.monotonic()
    for epoch in range(first, schedule.epochs):
        epoch_began = time.monotonic()
        network.train()
        if hasattr(objective, "set_epoch"):
            objective.set_epoch(epoch)
        order = torch.randperm(n, generator=generator).to(labels.device) if size < n else None
        drawn = [] if augmentation is None else moved_to(augmentation.draw(n, generator), inputs.device)
        values = []
        starts = range(0, n, size)
        for number, start in enumerate(starts):
            rate = schedule.learning_rate_at(
                epoch + ((number + 0.5) / len(starts) if schedule.decay == "cosine" else 0.0)
            )
            for group in optimizer.param_groups:
                group["lr"] = rate
            place = slice(start, start + size)
            part = place if order is None else order[place]
            batch = inputs[part]
            if augmentation is not None:
                batch = augmentation(batch, rows_of(drawn, place))
            optimizer.zero_grad(set_to_none=True)
            values.append(steps.backward(batch, labels[part]))
            optimizer.step()
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
            }
            _store(checkpoint, state)
        if report is not None:
            now = time.monotonic()
            left = (now - began) / (done - first) * (schedule.epochs - done)
            mean = float(torch.stack(values).mean())
            report(Progress(done, schedule.epochs, mean, rate, n / max(now - epoch_began, 1e-9), left))
    return network.eval()
