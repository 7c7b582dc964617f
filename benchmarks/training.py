"""Rows a second of repro.training beside a plain loop as published code has it, and of small networks side by side.

    python benchmarks/training.py                    # all parts, some minutes on two cores
    python benchmarks/training.py --part loop        # one of them: loop, share, together or stacks
    python benchmarks/training.py --device cuda      # on a GPU; rows of the other device are kept

The plain loop states the published one again: every image is a PIL image that workers crop, flip and rotate one by one,
the network runs in single precision in PyTorch's usual memory order. Ours keeps the images on the device as bytes,
changes a batch at a time, uses channels-last order and bfloat16. Both train the experts of SADE, or one ResNet-32, on
random images of the size of CIFAR, with all threads that are there. "forward and backward alone" is our step without
augmentation, optimiser and bookkeeping, on a batch that is ready. Stacks of small networks, perceptrons on 64 numbers
and convolutional ones on images of 28 x 28, stand beside a loop over single networks with PyTorch's own Adam.
"""

from __future__ import annotations

import importlib.metadata
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from side_by_side import parts_parser, provenance, show, store
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from repro.data import long_tail_counts
from repro.longtail import BalancedSoftmax, SadeLoss
from repro.training import (
    Augmentation,
    CropFlipRotate,
    MlpStack,
    MultiExpertResNet32,
    ResNet32,
    Schedule,
    SideBySide,
    SmallExperts,
    feature_mlp,
    train,
    train_stack,
)

TABLE = Path(__file__).parent / "results" / "training.csv"
MODULES = ("repro.training", "repro.longtail")
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
BATCH, BATCHES, ROUNDS = 128, 6, 2
STEPS = {"perceptrons": 40, "networks": 4}
COUNTS = long_tail_counts(500, 100, 100)
NETWORKS: dict[str, tuple[Callable[[], nn.Module], Callable[[], nn.Module]]] = {
    "SADE, 3 experts": (lambda: MultiExpertResNet32(100), lambda: SadeLoss(COUNTS)),
    "ResNet-32": (lambda: ResNet32(100), lambda: BalancedSoftmax(COUNTS)),
}
COLUMNS = ["device", "task", "program", "images_per_second", "speed_ratio"]


def random_images(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise of the size of CIFAR, and labels."""
    draws = np.random.default_rng(0)
    return draws.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8), draws.integers(0, 100, n)


class PlainImages(Dataset[tuple[torch.Tensor, int]]):
    """One PIL image at a time: padded crop, flip, rotation to the nearest pixel, normalisation."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        wide = Image.new("RGB", (40, 40))
        wide.paste(Image.fromarray(self.images[index]), (4, 4))
        left, top = random.randint(0, 8), random.randint(0, 8)
        image = wide.crop((left, top, left + 32, top + 32))
        if random.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        image = image.rotate(random.uniform(-15, 15), Image.Resampling.NEAREST)
        ready = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
        ready = (ready - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(DEVIATION).view(3, 1, 1)
        return ready, int(self.labels[index])


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def plain_loop(name: str, device: str, workers: int) -> Callable[[], float]:
    """Make an epoch of the plain loop; it returns images a second."""
    build, objective = NETWORKS[name]
    network, loss = build().to(device), objective().to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    images, labels = random_images(BATCH * BATCHES)
    loader = DataLoader(
        PlainImages(images, labels), BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )

    def epoch() -> float:
        network.train()
        _wait(device)
        began = time.perf_counter()
        for batch, target in loader:
            optimizer.zero_grad()
            loss(network(batch.to(device))[1], target.to(device)).backward()
            optimizer.step()
        _wait(device)
        return BATCH * BATCHES / (time.perf_counter() - began)

    return epoch


def our_loop(name: str, device: str) -> Callable[[], float]:
    """Make an epoch of our loop; it returns images a second."""
    build, objective = NETWORKS[name]
    network = build().to(device, memory_format=torch.channels_last)
    loss = objective().to(device)
    images, labels = random_images(BATCH * BATCHES)
    held = torch.from_numpy(images).permute(0, 3, 1, 2).to(device)
    classes = torch.from_numpy(labels).to(device)
    augmentation = Augmentation([CropFlipRotate(4, 0.5, 15.0)], MEAN, DEVIATION)
    plan = Schedule(1, 0.1, "sgd", batch_size=BATCH, nesterov=True, weight_decay=5e-4)

    def epoch() -> float:
        speeds: list[float] = []
        _wait(device)
        train(
            network,
            held,
            classes,
            loss,
            plan,
            augmentation=augmentation,
            precision="bfloat16",
            report=lambda progress: speeds.append(progress.rows_per_second),
        )
        return speeds[0]

    return epoch


def bare_steps(name: str, device: str) -> Callable[[], float]:
    """Make forward and backward passes alone on a batch that is ready; images a second."""
    build, objective = NETWORKS[name]
    network = build().to(device, memory_format=torch.channels_last).train()
    loss = objective().to(device)
    batch = torch.randn(BATCH, 3, 32, 32, device=device).contiguous(memory_format=torch.channels_last)
    target = torch.randint(0, 100, (BATCH,), device=device)

    def steps() -> float:
        _wait(device)
        began = time.perf_counter()
        for _ in range(BATCHES):
            network.zero_grad(set_to_none=True)
            with torch.autocast(device, torch.bfloat16):
                _, logits = network(batch)
            loss(logits, target).backward()
        _wait(device)
        return BATCH * BATCHES / (time.perf_counter() - began)

    return steps


def small_networks(count: int, together: bool, device: str) -> Callable[[], float]:
    """Make steps of several small networks with three experts, side by side or one after the other."""
    groups = [count] if together else [1] * count
    networks = [SmallExperts(10, 3, size).to(device, memory_format=torch.channels_last) for size in groups]
    optimizers = [torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9) for network in networks]
    images = torch.randn(64, 1, 28, 28, device=device)
    labels = torch.randint(0, 10, (64,), device=device)

    def steps() -> float:
        _wait(device)
        began = time.perf_counter()
        for network, optimizer, size in zip(networks, optimizers, groups, strict=True):
            for _ in range(BATCHES):
                optimizer.zero_grad(set_to_none=True)
                _, logits = network(images)
                repeated = labels.repeat_interleave(3 * size)
                (3 * size * functional.cross_entropy(logits.flatten(0, 2), repeated)).backward()
                optimizer.step()
        _wait(device)
        return 64 * BATCHES * count / (time.perf_counter() - began)

    return steps


def stacked(kind: str, count: int, batch: int, device: str) -> Callable[[], float]:
    """Make steps of a stack of small networks; rows a second, all networks together."""
    inputs, labels = _rows_for(kind, device)
    stack = MlpStack(count, 64, (64,), 10).to(device) if kind == "perceptrons" else SideBySide(count, 10).to(device)

    def steps() -> float:
        _wait(device)
        began = time.perf_counter()
        train_stack(stack, inputs, labels, steps=STEPS[kind], learning_rate=3e-3, batch_size=batch)
        _wait(device)
        return batch * STEPS[kind] * count / (time.perf_counter() - began)

    return steps


def single(kind: str, count: int, batch: int, device: str) -> Callable[[], float]:
    """Make the same steps of single networks, one after the other, in a plain loop; rows a second."""
    inputs, labels = _rows_for(kind, device)

    def build() -> nn.Module:
        return feature_mlp(64, [64, 10]) if kind == "perceptrons" else SideBySide(1, 10)

    networks = [build().to(device) for _ in range(count)]

    def steps() -> float:
        _wait(device)
        began = time.perf_counter()
        for network in networks:
            optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
            for _ in range(STEPS[kind]):
                rows = torch.randint(len(labels), (batch,)).to(device)
                optimizer.zero_grad(set_to_none=True)
                outputs = network(inputs[rows])
                logits = outputs if kind == "perceptrons" else outputs[1][:, 0]
                functional.cross_entropy(logits, labels[rows]).backward()
                optimizer.step()
        _wait(device)
        return batch * STEPS[kind] * count / (time.perf_counter() - began)

    return steps


def _rows_for(kind: str, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    shape = (1000, 64) if kind == "perceptrons" else (1000, 1, 28, 28)
    return torch.randn(shape, device=device), torch.randint(0, 10, (1000,), device=device)


def in_turn(programs: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Best speed of each program over some rounds in which they take turns, after one to warm up."""
    best = dict.fromkeys(programs, 0.0)
    for turn in range(ROUNDS + 1):
        for name, program in programs.items():
            speed = program()
            if turn:
                best[name] = max(best[name], speed)
    return best


def _rows(device: str, task: str, speeds: dict[str, float], ours: str) -> list[dict[str, Any]]:
    return [
        {
            "device": device,
            "task": task,
            "program": name,
            "images_per_second": speed,
            "speed_ratio": speeds[ours] / speed,
        }
        for name, speed in speeds.items()
    ]


def measure_loop(device: str) -> list[dict[str, Any]]:
    """Ours against the plain loop, with and without worker processes."""
    rows = []
    for name in NETWORKS:
        programs = {"ours": our_loop(name, device)}
        for workers in (0, 2):
            programs[f"plain loop, {workers} workers"] = plain_loop(name, device, workers)
        rows += _rows(device, f"train {name}", in_turn(programs), "ours")
    return rows


def measure_share(device: str) -> list[dict[str, Any]]:
    """Our loop against forward and backward passes alone."""
    rows = []
    for name in NETWORKS:
        programs = {"ours": our_loop(name, device), "forward and backward alone": bare_steps(name, device)}
        rows += _rows(device, f"share of {name}", in_turn(programs), "ours")
    return rows


def measure_together(device: str) -> list[dict[str, Any]]:
    """Sixteen small networks side by side against one after the other."""
    programs = {f"{way}": small_networks(16, way == "side by side", device) for way in ("side by side", "in turn")}
    return _rows(device, "16 small networks", in_turn(programs), "side by side")


def measure_stacks(device: str) -> list[dict[str, Any]]:
    """Stacks against a loop over single networks."""
    rows = []
    for kind, count, batch in (("perceptrons", 40, 64), ("networks", 8, 64)):
        programs = {"stack": stacked(kind, count, batch, device), "single ones": single(kind, count, batch, device)}
        rows += _rows(device, f"{count} small {kind}", in_turn(programs), "stack")
    return rows


PARTS = {"loop": measure_loop, "share": measure_share, "together": measure_together, "stacks": measure_stacks}


def store_rows(rows: list[dict[str, Any]], device: str) -> None:
    """Write the table and where it comes from; rows of the other device stay."""
    table = pd.DataFrame(rows)[COLUMNS]
    other = "cpu" if device == "cuda" else "cuda"
    if TABLE.exists():
        before = pd.read_csv(TABLE, keep_default_na=False)
        table = pd.concat([table, before[before["device"] == other]])
    if not (table["device"] == "cuda").any():
        missing = {"device": "cuda", "task": "all", "program": "all", "images_per_second": "not measured"}
        table = pd.concat([table, pd.DataFrame([missing])])
    about = provenance("python benchmarks/training.py", MODULES) | {
        "torch": importlib.metadata.version("torch"),
        "threads": torch.get_num_threads(),
        "peer": "a plain loop stated in benchmarks/training.py: PIL images one by one, single precision",
        "columns": {
            "images_per_second": f"best of {ROUNDS} rounds of {BATCHES} batches in turn",
            "speed_ratio": "ours / the program",
        },
    }
    store(TABLE, table, about, missing="not measured")


def main() -> None:
    """Measure, store, print."""
    parser = parts_parser(__doc__, PARTS)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where")
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        parser.error("CUDA was asked for, and PyTorch sees no CUDA device here; --device cpu is what there is")
    rows: list[dict[str, Any]] = []
    for name, measure in PARTS.items():
        if arguments.part in ("all", name):
            rows += measure(arguments.device)
    if arguments.part == "all":
        store_rows(rows, arguments.device)
    show(rows, COLUMNS)


if __name__ == "__main__":
    main()
