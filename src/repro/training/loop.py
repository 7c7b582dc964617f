"""One loop for all trainings: batches or all rows at once, a step-wise learning rate, exact resume."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from repro.training.networks import HeadedNetwork, LinearHead

Objective = Callable[[Tensor, Tensor, Tensor, LinearHead], Tensor]
"""``objective(features, logits, labels, head)``: the scalar that is minimised."""

Watch = Callable[[int, HeadedNetwork], None]


@dataclass(frozen=True)
class Schedule:
    """How long and with what steps is trained.

    Parameters
    ----------
    epochs : int
    learning_rate : float
    optimizer : "adam" or "sgd", default="adam"
        SGD has momentum 0.9.
    milestones : sequence of float, default=(0.5, 0.8)
        Shares of the epochs after which the learning rate is multiplied by `factor`.
    factor : float, default=0.1
    batch_size : int or None, default=None
        None for all rows at once.

    Raises
    ------
    ValueError
        For numbers outside their range.
    """

    epochs: int
    learning_rate: float
    optimizer: Literal["adam", "sgd"] = "adam"
    milestones: Sequence[float] = (0.5, 0.8)
    factor: float = 0.1
    batch_size: int | None = None

    def __post_init__(self) -> None:
        if self.epochs < 0 or self.learning_rate <= 0 or self.factor <= 0:
            raise ValueError(
                "epochs must not be negative, learning_rate and factor must be positive; got "
                f"{self.epochs}, {self.learning_rate} and {self.factor}"
            )
        if self.optimizer not in ("adam", "sgd"):
            raise ValueError(f"optimizer must be 'adam' or 'sgd', got {self.optimizer!r}")
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1 or None, got {self.batch_size}")
        if not all(0 < share < 1 for share in self.milestones):
            raise ValueError(f"milestones must be shares between 0 and 1, got {tuple(self.milestones)}")

    def learning_rate_at(self, epoch: int) -> float:
        """Learning rate of an epoch, counted from 0."""
        passed = sum(epoch >= round(share * self.epochs) for share in self.milestones)
        return float(self.learning_rate * self.factor**passed)


def _optimizer(network: HeadedNetwork, schedule: Schedule) -> torch.optim.Optimizer:
    parameters = list(network.parameters())
    if schedule.optimizer == "sgd":
        return torch.optim.SGD(parameters, lr=schedule.learning_rate, momentum=0.9, foreach=True)
    return torch.optim.Adam(parameters, lr=schedule.learning_rate, foreach=True)


def _store(path: Path, state: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    torch.save(state, temporary)
    temporary.replace(path)


def _restore(path: Path, network: HeadedNetwork, optimizer: torch.optim.Optimizer, generator: torch.Generator) -> int:
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


def train(
    network: HeadedNetwork,
    inputs: Tensor,
    labels: Tensor,
    objective: Objective,
    schedule: Schedule,
    *,
    generator: torch.Generator | None = None,
    watch: Watch | None = None,
    watch_every: int = 0,
    checkpoint: Path | None = None,
    checkpoint_every: int = 1,
) -> HeadedNetwork:
    """Train a network in place.

    Parameters
    ----------
    network : HeadedNetwork
        On the device of `inputs`.
    inputs : Tensor of shape (n, ...)
        All rows, on the device.
    labels : Tensor of shape (n,), int64
    objective : callable
        ``objective(features, logits, labels, head)``; a :class:`repro.training.PenalisedObjective` or a function.
    schedule : Schedule
    generator : torch.Generator or None, default=None
        Shuffles the rows, on the CPU; a fresh one with seed 0 by default. Not used with all rows at once.
    watch : callable or None
        ``watch(epochs_done, network)``, called in evaluation mode after every `watch_every` epochs and at the end.
    watch_every : int, default=0
        0 for the end only.
    checkpoint : Path or None
        File that is written after every `checkpoint_every` epochs and continued from when it exists. A resumed run ends
        with the same weights as one that was not interrupted.
    checkpoint_every : int, default=1

    Returns
    -------
    HeadedNetwork
        The same network, in evaluation mode.

    Raises
    ------
    ValueError
        If lengths differ, or the checkpoint belongs to another network or is damaged; the file is then kept.
    FloatingPointError
        If the objective is no longer finite.
    """
    if len(inputs) != len(labels):
        raise ValueError(f"inputs and labels must have equal length, got {len(inputs)} and {len(labels)}")
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    optimizer = _optimizer(network, schedule)
    first = 0
    if checkpoint is not None and checkpoint.exists():
        first = _restore(checkpoint, network, optimizer, generator)
    size = len(labels) if schedule.batch_size is None else schedule.batch_size
    for epoch in range(first, schedule.epochs):
        network.train()
        for group in optimizer.param_groups:
            group["lr"] = schedule.learning_rate_at(epoch)
        parts: Sequence[Tensor | slice] = [slice(None)]
        if size < len(labels):
            parts = torch.split(torch.randperm(len(labels), generator=generator).to(labels.device), size)
        for part in parts:
            optimizer.zero_grad(set_to_none=True)
            features, logits = network(inputs[part])
            value = objective(features, logits, labels[part], network.head)
            value.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        done = epoch + 1
        if not torch.isfinite(value):
            raise FloatingPointError(
                f"the objective is {value.item():g} after {done} epochs; a smaller learning rate than "
                f"{schedule.learning_rate:g} may help"
            )
        if checkpoint is not None and (done % checkpoint_every == 0 or done == schedule.epochs):
            state = {
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "generator": generator.get_state(),
                "epoch": done,
            }
            _store(checkpoint, state)
        if watch is not None and (done == schedule.epochs or (watch_every and done % watch_every == 0)):
            network.eval()
            with torch.no_grad():
                watch(done, network)
    return network.eval()
