"""Experiments small enough for tests; workers import this module by name."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pandas as pd

from repro.data import load_csv, own_file
from repro.protocol.experiment import Cell, Experiment
from repro.protocol.own_data import OwnAnswer, OwnArgument, OwnData, OwnFile


def draws(cell: Cell) -> pd.DataFrame:
    """Two normal draws per cell; the environment variables slow it down or make it fail."""
    log = os.environ.get("TOY_LOG")
    if log:
        with Path(log).open("a") as file:
            file.write(f"{cell.parameters['level']}\n")
    if str(cell.parameters["level"]) == os.environ.get("TOY_FAIL"):
        raise ZeroDivisionError("toy failure")
    time.sleep(float(os.environ.get("TOY_SECONDS", "0")))
    values = cell.generator().normal(size=2)
    return pd.DataFrame(
        {"dataset": "toy", "level": cell.parameters["level"], "replicate": [0, 1], "metric": "draw", "value": values}
    )


def levels() -> list[dict[str, str | int | float | None]]:
    """Levels of several types, so that a column's type must not depend on which cell comes first."""
    return [{"level": level} for level in (0, 1, 2, 0.5, None, 3, 100, 7)]


def names() -> list[dict[str, str]]:
    return [{"level": level} for level in "abcdefgh"]


def controls() -> list[dict[str, str | int]]:
    return [{"level": level, "variant": "sign_flipped"} for level in (0, 1)]


def read_own(options: dict[str, str]) -> OwnFile:
    return own_file(load_csv(options["csv"], options["target"]))


def own_cells(options: dict[str, str]) -> list[dict[str, object]]:
    return [{"level": level} for level in (1, 2)]


def own_answer(table: pd.DataFrame, options: dict[str, str]) -> OwnAnswer:
    return OwnAnswer([{"rows": len(table), "target": options["target"]}], [f"it has {len(table)} rows"])


OWN = OwnData(
    (
        OwnArgument("csv", "FILE", "your file", "file", required=True),
        OwnArgument("target", "COLUMN", "the class", required=True),
        OwnArgument("most_levels", "NUMBER", "how many", "number"),
        OwnArgument("order", "A,B", "in their order", "list"),
    ),
    read_own,
    own_cells,
    own_answer,
)

NUMBERS = Experiment(
    name="toy.numbers",
    summary="draws",
    settings=("dataset", "level"),
    compute=draws,
    cells={"quick": levels, "paper": levels, "control": controls},
    variants={"sign_flipped": "the sign is flipped"},
    seconds=lambda parameters: 2.0,
    datasets=lambda parameters: (),
    own_data=OWN,
)

NAMES = Experiment(
    name="toy.names",
    summary="draws",
    settings=("dataset", "level"),
    compute=draws,
    cells={"quick": names},
    datasets=lambda parameters: (),
)


def threads(cell: Cell) -> pd.DataFrame:
    """Largest number of threads that a BLAS or OpenMP library would use now."""
    import threadpoolctl

    largest = max(pool["num_threads"] for pool in threadpoolctl.threadpool_info())
    return draws(cell).assign(value=float(largest))


def keeps_checkpoint(cell: Cell) -> pd.DataFrame:
    """Write into the scratch folder, as a long training does."""
    assert cell.scratch is not None
    (cell.scratch / "checkpoint").write_text("half")
    return draws(cell)


def kills_its_worker(cell: Cell) -> pd.DataFrame:
    """End the process without a word, as the kernel does when memory runs out."""
    if cell.parameters["level"] == 3:
        os._exit(9)
    return draws(cell)


def reads_a_table(cell: Cell) -> pd.DataFrame:
    """Load a data set."""
    from repro.data import load

    return draws(cell).assign(value=float(len(load("german_credit").features)))


READS_A_TABLE = Experiment(
    name="toy.reading",
    summary="reads a table",
    settings=("dataset", "level"),
    compute=reads_a_table,
    cells={"quick": lambda: [{"level": 1}]},
    datasets=lambda parameters: (),
)
