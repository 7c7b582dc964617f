"""Speed and accuracy of repro.geometry beside the algorithm of the public package rhubarbwu/neural-collapse.

    python benchmarks/geometry.py                  # all parts, some minutes
    python benchmarks/geometry.py --part pairs     # one of them: pairs, passes, accuracy or closed_form

The package is on no package index and cannot be installed here. Its algorithm is stated again below, in PyTorch as the
original, from its published source: distances of pairs by subtraction within tiles, the full grid kept and both halves
computed; three passes over the data (class means; variances and covariance about them; decisions), membership of a
class by comparison with all classes and a matrix product. The package also takes a checksum of the class means and
weights with every batch, to notice a change between calls; it is timed with and without them. Its default is single
precision; ours is double always.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from side_by_side import parts_parser, peak_memory, provenance, show, store, time_in_turn
from threadpoolctl import threadpool_limits

from repro.geometry import CollapseMeter, NearestMeanAgreement, log_kernel_moments, ufm_mse

TABLE = Path(__file__).parent / "results" / "geometry.csv"
MODULES = ("repro.geometry",)
OURS = "repro.geometry"
N, D, K, BATCH = 50_000, 512, 100, 512
KINDS = {"float64": torch.float64, "float32": torch.float32}


def restated_log_kernel(vectors: torch.Tensor, tile: int) -> tuple[float, float]:
    """Mean and variance of -log distance over pairs, tile by tile, as the package computes them."""
    count = len(vectors)
    grid = torch.zeros(count, count, dtype=vectors.dtype)
    for top in range(0, count, tile):
        for left in range(0, count, tile):
            difference = vectors[top : top + tile].unsqueeze(1) - vectors[left : left + tile]
            grid[top : top + tile, left : left + tile] = (difference.norm(dim=-1) ** -1).log()
    pairs = count * (count - 1) / 2
    mean = sum(row[place + 1 :].sum() for place, row in enumerate(grid)) / pairs
    variance = sum(((row[place + 1 :] - mean) ** 2).sum() for place, row in enumerate(grid)) / pairs
    return float(mean), float(variance)


class Restated:
    """Three passes over batches, as the package makes them."""

    def __init__(
        self, batches: list[tuple[torch.Tensor, torch.Tensor]], kind: torch.dtype, with_checksums: bool = False
    ) -> None:
        self.batches, self.kind, self.with_checksums = batches, kind, with_checksums

    def check(self, *matrices: torch.Tensor) -> None:
        """Take the checksums that the package compares with those of the batch before."""
        for matrix in matrices if self.with_checksums else ():
            hashlib.sha256(matrix.numpy().tobytes()).hexdigest()

    def members(self, labels: torch.Tensor) -> torch.Tensor:
        """One-hot labels of shape (n_classes, batch)."""
        return (labels[:, None] == torch.arange(K)).mT.to(self.kind)

    def first_two(self) -> dict[str, float]:
        """Means, then variances and covariance about them; NC1 and CDNV."""
        totals, counts = torch.zeros(K, D, dtype=self.kind), torch.zeros(K, dtype=self.kind)
        for rows, labels in self.batches:
            members = self.members(labels)
            counts += members.sum(dim=1)
            totals += members @ rows.to(self.kind)
        self.means = totals / counts[:, None]
        spread, products = torch.zeros(K, dtype=self.kind), torch.zeros(D, D, dtype=self.kind)
        for rows, labels in self.batches:
            # each of the two accumulators finds members and differences for itself
            self.check(self.means, self.means)
            squares = (rows.to(self.kind) - self.means[labels]) ** 2
            spread += (self.members(labels) @ squares).sum(dim=-1)
            self.members(labels)
            difference = rows.to(self.kind) - self.means[labels]
            products += difference.mT @ difference
        centred = self.means - self.means.mean(dim=0)
        within, between = products / counts.sum(), centred.mT @ centred / K
        inverse = torch.linalg.pinv(between, rcond=1e-9 if self.kind == torch.float64 else 1e-5)
        i, j = torch.triu_indices(K, K, 1)
        variance = spread / counts
        squared = ((self.means[i] - self.means[j]) ** 2).sum(dim=-1)
        return {
            "nc1_pinv": float(torch.trace(inverse @ within) / K),
            "nc1_cdnv": float(((variance[i] + variance[j]) / (2 * squared)).mean()),
        }

    def third(self, W: torch.Tensor) -> float:
        """Share of samples on which the classifier and the nearest class mean agree."""
        agreed = 0
        weights = W.to(self.kind)
        for rows, labels in self.batches:
            self.members(labels)
            self.check(self.means, weights)
            rows = rows.to(self.kind)
            distances = (rows**2).sum(dim=-1)[:, None] + (self.means**2).sum(dim=-1) - 2 * rows @ self.means.mT
            agreed += int((distances.argmin(dim=-1) == (rows @ weights.mT).argmax(dim=-1)).sum())
        return agreed / N


def measure_pairs() -> list[dict[str, Any]]:
    """Time the log kernel of GNC2 over all pairs of 4000 vectors with 256 columns."""
    u = np.random.default_rng(0).normal(size=(4000, 256))
    u /= np.linalg.norm(u, axis=1)[:, None]
    programs: dict[str, Callable[[], tuple[float, float]]] = {OURS: lambda: log_kernel_moments(u)}
    for name, kind in KINDS.items():
        vectors = torch.tensor(u, dtype=kind)
        for tile in (16, 64):
            programs[f"restated, {name}, tiles of {tile}"] = lambda v=vectors, t=tile: restated_log_kernel(v, t)
    values = {name: program() for name, program in programs.items()}
    times, rounds = time_in_turn(programs, seconds=60, at_most=5, at_least=2)
    return [
        {"task": "log kernel of 4000 x 256", "program": name, "seconds": seconds, "rounds": rounds}
        | {"speed_ratio": seconds / times[OURS], "error": abs(values[name][1] / values[OURS][1] - 1)}
        | {"peak_megabytes": (peak_memory(programs[name]) or np.nan) / 1e6}
        for name, seconds in times.items()
    ]


def make_rows(generator: np.random.Generator, noise: float, offset: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows around class means of unit variance."""
    labels = generator.integers(0, K, N)
    means = generator.normal(size=(K, D))
    return means[labels] + noise * generator.normal(size=(N, D)) + offset, labels


def measure_passes() -> list[dict[str, Any]]:
    """NC1, CDNV and, in all, NC4 of 50,000 x 512 rows in 100 classes, single precision, batches of 512."""
    generator = np.random.default_rng(0)
    rows, labels = make_rows(generator, noise=4.0, offset=0.0)
    features, target = torch.tensor(rows, dtype=torch.float32), torch.tensor(labels)
    W = torch.tensor(generator.normal(size=(K, D)), dtype=torch.float32)
    batches = list(zip(features.split(BATCH), target.split(BATCH), strict=True))

    def ours(with_agreement: bool) -> dict[str, float]:
        meter = CollapseMeter(K, D)
        for some, of_them in batches:
            meter.update(some, of_them)
        found = meter.compute(W)
        if with_agreement:
            agreement = NearestMeanAgreement(meter.class_means, W)
            for some, _ in batches:
                agreement.update(some)
            found["nc4_agree"] = agreement.compute()
        return found

    def restated(kind: torch.dtype, checksums: bool, with_agreement: bool) -> dict[str, float]:
        program = Restated(batches, kind, checksums)
        return program.first_two() | ({"nc4_agree": program.third(W)} if with_agreement else {})

    table: list[dict[str, Any]] = []
    for with_agreement in (False, True):
        programs: dict[str, Callable[[], dict[str, float]]] = {OURS: lambda w=with_agreement: ours(w)}
        for (name, kind), checksums in itertools.product(KINDS.items(), (True, False)):
            label = f"restated, {name}" + (", checksums" if checksums else "")
            programs[label] = lambda k=kind, c=checksums, w=with_agreement: restated(k, c, w)
        values = {name: program() for name, program in programs.items()}
        times, rounds = time_in_turn(programs, seconds=60, at_most=12, at_least=3)
        task = "all passes: 2 of ours, 3 of theirs" if with_agreement else "without NC4: 1 pass of ours, 2 of theirs"
        for name, seconds in times.items():
            shared = values[name].keys() & values[OURS].keys()
            error = max(abs(values[name][key] / values[OURS][key] - 1) for key in shared)
            table.append(
                {"task": task, "program": name, "seconds": seconds, "rounds": rounds, "error": error}
                | {"speed_ratio": seconds / times[OURS]}
            )
    return table


def measure_accuracy() -> list[dict[str, Any]]:
    """Relative error of NC1 where the scatter within classes is 1e-6 and the rows lie 1e3 from the origin."""
    rows, labels = make_rows(np.random.default_rng(1), noise=1e-6, offset=1e3)
    means, deviations = np.empty((K, D), dtype=np.longdouble), np.empty((N, D))
    for k in range(K):
        some = rows[labels == k].astype(np.longdouble)
        means[k] = some.mean(axis=0)
        deviations[labels == k] = some - means[k]
    centred = (means - means.mean(axis=0)).astype(np.float64)
    within = deviations.T @ deviations / N
    exact = np.trace(within @ np.linalg.pinv(centred.T @ centred / K, rcond=1e-9)) / K
    meter = CollapseMeter(K, D)
    for start in range(0, N, BATCH):
        meter.update(rows[start : start + BATCH], labels[start : start + BATCH])
    found = {OURS: meter.compute()["nc1_pinv"]}
    batches = list(zip(torch.tensor(rows).split(BATCH), torch.tensor(labels).split(BATCH), strict=True))
    for name, kind in KINDS.items():
        found[f"restated, {name}"] = Restated(batches, kind).first_two()["nc1_pinv"]
    raw = rows.T @ rows / N - (np.bincount(labels)[:, None] * means).astype(np.float64).T @ means.astype(np.float64) / N
    found["one pass, sums not shifted, float64"] = (
        np.trace(raw @ np.linalg.pinv(centred.T @ centred / K, rcond=1e-9)) / K
    )
    task = "NC1, noise 1e-6, offset 1e3"
    return [{"task": task, "program": name, "error": abs(value / exact - 1)} for name, value in found.items()]


def measure_closed_form() -> list[dict[str, Any]]:
    """Time the exact optimum for 100,000 classes of 1 to 999 samples."""
    sizes = np.random.default_rng(0).integers(1, 1000, 100_000)
    table: list[dict[str, Any]] = []
    for n_layers in (1, 3):
        for bias in (False, True):
            program = {OURS: lambda m=n_layers, b=bias: ufm_mse(sizes, [1e-9] * m, 1e-9, bias=b)}
            times, rounds = time_in_turn(program, seconds=5, at_most=10, at_least=3)
            task = f"optimum of 100,000 classes, {n_layers} layers{', bias' if bias else ''}"
            table.append(
                {"task": task, "program": OURS, "seconds": times[OURS], "rounds": rounds}
                | {"peak_megabytes": (peak_memory(program[OURS]) or np.nan) / 1e6}
            )
    return table


PARTS = {
    "pairs": measure_pairs,
    "passes": measure_passes,
    "accuracy": measure_accuracy,
    "closed_form": measure_closed_form,
}
COLUMNS = ["task", "program", "seconds", "rounds", "speed_ratio", "error", "peak_megabytes"]


def store_rows(rows: list[dict[str, Any]]) -> None:
    """Write the table and where it comes from."""
    table = pd.DataFrame(rows).reindex(columns=COLUMNS).astype({"rounds": "Int64"})
    about = provenance("python benchmarks/geometry.py", MODULES) | {
        "torch": importlib.metadata.version("torch"),
        "peer": "rhubarbwu/neural-collapse, not installable here; algorithm stated again in benchmarks/geometry.py",
        "columns": {
            "seconds": "shortest of `rounds` runs in turn, one thread",
            "speed_ratio": "seconds of the program / ours",
            "error": (
                "log kernel: relative difference of the variance from ours; passes: largest relative difference of a "
                "measure from ours; NC1: relative error against extended precision"
            ),
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
