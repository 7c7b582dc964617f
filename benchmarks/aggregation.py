"""Speed of learning the weights of experts from cached logits beside automatic derivatives, and of the weight grid.

    python benchmarks/aggregation.py                     # all parts, about three minutes
    python benchmarks/aggregation.py --part learning     # one of them: learning or surface

`repro.longtail.aggregate_test_time` has the derivatives of three numbers written out. Beside it runs what a reader
would write: the same loss in PyTorch, with its derivatives and its optimiser, on the same batches in the same order and
single precision. `repro.longtail.stability_surface` runs beside a loop over the weights in NumPy and SciPy.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.special import softmax
from scipy.stats import entropy
from side_by_side import parts_parser, peak_memory, provenance, show, store, time_in_turn
from sklearn.metrics import mutual_info_score
from threadpoolctl import threadpool_limits
from torch.nn import functional

from repro.longtail import aggregate_test_time, simplex_grid, stability_surface

TABLE = Path(__file__).parent / "results" / "aggregation.csv"
MODULES = ("repro.longtail",)
OURS = "repro.longtail"
EXPERTS, CLASSES, PAIRS, EPOCHS, BATCH = 3, 100, 5, 5, 128


def make_logits(n_images: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Logits of two views (n, pairs, experts, C), of the images themselves (n, experts, C), and labels."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, CLASSES, n_images)
    clean = 2 * generator.normal(size=(n_images, EXPERTS, CLASSES)).astype(np.float32)
    clean[np.arange(n_images), :, labels] += np.array([4.0, 3.0, 2.0], dtype=np.float32)
    noise = np.array([1.0, 1.2, 1.5], dtype=np.float32)[:, None]
    shape = (n_images, PAIRS, EXPERTS, CLASSES)
    first, second = (clean[:, None] + noise * generator.normal(size=shape).astype(np.float32) for _ in range(2))
    return first, second, clean, labels


def by_autograd(first: torch.Tensor, second: torch.Tensor) -> np.ndarray:
    """Weights after all epochs, with automatic derivatives; no stop rule."""
    scores = torch.full((EXPERTS,), 1 / EXPERTS, requires_grad=True)
    optimiser = torch.optim.SGD([scores], lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    generator = np.random.default_rng(0)
    for epoch in range(EPOCHS):
        for rows in torch.from_numpy(generator.permutation(len(first))).split(BATCH):
            weights = scores.softmax(0)[:, None]
            p, q = ((weights * view[rows, epoch % PAIRS]).sum(1).softmax(1) for view in (first, second))
            loss = -functional.cosine_similarity(p, q, dim=1, eps=1e-6).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return scores.softmax(0).detach().numpy()


def measure_learning() -> list[dict[str, Any]]:
    """Five epochs on five pairs of views, for the sizes of the largest and the smallest test set of CIFAR-100."""
    table: list[dict[str, Any]] = []
    for n_images in (10_000, 2_486):
        first, second, _, _ = make_logits(n_images)
        tensors = torch.from_numpy(first), torch.from_numpy(second)
        programs = {
            OURS: lambda a=first, b=second: aggregate_test_time(a, b, epochs=EPOCHS, stop_below=0.0).weights,
            "autograd": lambda a=tensors: by_autograd(*a),
        }
        values = {name: program() for name, program in programs.items()}
        times, rounds = time_in_turn(programs, seconds=30, at_most=15, at_least=3)
        task = f"weights, {n_images} images x {PAIRS} pairs x {EXPERTS} experts x {CLASSES} classes, {EPOCHS} epochs"
        table += [
            {"task": task, "program": name, "seconds": seconds, "rounds": rounds}
            | {"speed_ratio": seconds / times[OURS]}
            | {"error": float(np.abs(values[name] - values[OURS]).max())}
            | {"peak_megabytes": (peak_memory(programs[name]) or np.nan) / 1e6}
            for name, seconds in times.items()
        ]
    return table


def by_loop(first: np.ndarray, second: np.ndarray, clean: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Compute the five measures for every row of weights, one row after the other; shape (n_weights, 5)."""
    found = []
    for weights in simplex_grid(EXPERTS).astype(np.float32):
        p, q = (softmax(np.einsum("nkc,k->nc", view, weights), axis=1) for view in (first, second))
        logits = np.einsum("nkc,k->nc", clean, weights)
        inner = np.einsum("nc,nc->n", p, q)
        cosine = inner / (np.linalg.norm(p, axis=1) * np.linalg.norm(q, axis=1))
        classes = logits.argmax(axis=1)
        uncertain = entropy(softmax(logits, axis=1), axis=1).mean()
        information = mutual_info_score(labels, classes)
        found.append([cosine.mean(), inner.mean(), uncertain, np.mean(classes == labels), information])
    return np.array(found)


def measure_surface() -> list[dict[str, Any]]:
    """Time the measures of all 231 weights on one pair of views of 10,000 images."""
    first, second, clean, labels = make_logits(10_000)
    first, second = first[:, 0], second[:, 0]

    def ours() -> np.ndarray:
        found = stability_surface(first, second, clean, labels)
        names = ("cosine", "inner_product", "entropy", "accuracy", "mutual_information")
        return np.stack([getattr(found, name) for name in names], axis=1)

    programs = {OURS: ours, "loop over the weights": lambda: by_loop(first, second, clean, labels)}
    values = {name: program() for name, program in programs.items()}
    times, rounds = time_in_turn(programs, seconds=60, at_most=5, at_least=2)
    task = f"surface of 231 weights, 10000 images x {EXPERTS} experts x {CLASSES} classes"
    return [
        {"task": task, "program": name, "seconds": seconds, "rounds": rounds}
        | {"speed_ratio": seconds / times[OURS]}
        | {"error": float(np.abs(values[name] - values[OURS]).max())}
        | {"peak_megabytes": (peak_memory(programs[name]) or np.nan) / 1e6}
        for name, seconds in times.items()
    ]


PARTS = {"learning": measure_learning, "surface": measure_surface}
COLUMNS = ["task", "program", "seconds", "rounds", "speed_ratio", "error", "peak_megabytes"]


def store_rows(rows: list[dict[str, Any]]) -> None:
    """Write the table and where it comes from."""
    table = pd.DataFrame(rows).reindex(columns=COLUMNS).astype({"rounds": "Int64"})
    about = provenance("python benchmarks/aggregation.py", MODULES) | {
        "torch": importlib.metadata.version("torch"),
        "columns": {
            "seconds": "shortest of `rounds` runs in turn, one thread, logits in single precision",
            "speed_ratio": "seconds of the program / ours",
            "error": "largest difference from our weights, or from our measures of the surface",
            "peak_megabytes": "peak resident memory above the state before the call",
        },
    }
    store(TABLE, table, about)


def main() -> None:
    """Measure, store, print."""
    chosen = parts_parser(__doc__, PARTS).parse_args().part
    rows: list[dict[str, Any]] = []
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for name, measure in PARTS.items():
            if chosen in ("all", name):
                rows += measure()
    if chosen == "all":
        store_rows(rows)
    show(rows, COLUMNS)


if __name__ == "__main__":
    main()
