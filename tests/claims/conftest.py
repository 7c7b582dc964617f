"""A study with two experiments in a checkout of its own, and constructed evidence."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from repro import studies
from repro.ground.exceptions import UnknownName
from repro.protocol.claim import Claim
from repro.protocol.experiment import Experiment
from repro.results import Hardware, Provenance, table_path, write_table


def _compute(cell: object) -> pd.DataFrame:
    raise NotImplementedError("evidence is constructed here, not computed")


TRIAL = Experiment(
    name="toy.trial",
    summary="a constructed trial",
    settings=("dataset", "method"),
    compute=_compute,
    cells={"quick": list, "paper": list, "control": lambda: [{"variant": "flipped"}]},
    variants={"flipped": "the sign of every effect is turned round"},
)
OTHER = Experiment(name="toy.other", summary="another", settings=("level",), compute=_compute, cells={"paper": list})
EXPERIMENTS = {TRIAL.name: TRIAL, OTHER.name: OTHER}

CLAIM: dict[str, Any] = {
    "id": "toy-c1",
    "paper": "someone2020",
    "locator": "Table 1",
    "statement": "A is better than B.",
    "experiment": "toy.trial",
    "quantity": {"metric": "auc", "contrast": ["a", "b"], "conditions": "dataset", "replicate": "partition"},
    "interval": "t",
    "criterion": {"kind": "direction"},
    "control": "flipped",
    "profiles": {"quick": "mechanism demo", "paper": "full"},
}


def a_claim(*, quantity: Mapping[str, Any] | None = None, **changes: Any) -> Claim:
    content = {**CLAIM, **changes, "quantity": {**CLAIM["quantity"], **(quantity or {})}}
    return Claim.model_validate(content)


def some_rows(values: Mapping[tuple[str, str], Sequence[float]], metric: str = "auc", **columns: Any) -> pd.DataFrame:
    rows = [
        {"dataset": dataset, "method": method, "cell": f"{replicate:012x}", "replicate": replicate}
        | {"metric": metric, "value": value}
        for (dataset, method), series in values.items()
        for replicate, value in enumerate(series)
    ]
    frame = pd.DataFrame(rows)
    return pd.concat([pd.DataFrame(columns, index=frame.index), frame], axis=1)


@pytest.fixture
def make_claim() -> Callable[..., Claim]:
    """The claim toy-c1, "a above b on every data set"; keys, and keys of the quantity, may be replaced."""
    return a_claim


@pytest.fixture
def make_rows() -> Callable[..., pd.DataFrame]:
    """Result rows of (dataset, method) and the values of its replicates."""
    return some_rows


@pytest.fixture
def write_evidence() -> Callable[..., Path]:
    """Write rows as the table of an experiment and profile, computed under the given claim hashes."""

    def write(frame: pd.DataFrame, profile: str, claims: Mapping[str, str] | None = None, **changes: Any) -> Path:
        content = {
            "experiment": "toy.trial",
            "profile": profile,
            "commit": "0123456789abcdef0123456789abcdef01234567",
            "code_hash": "ab" * 32,
            "versions": {"numpy": "2.0"},
            "python": "3.11.9",
            "hardware": Hardware(processor="a <fast> processor", cores=2, memory_gib=8.0),
            "seeds": {"root": 2002},
            "data": {},
            "cells": 2,
            "wall_seconds": 125.0,
            "peak_memory_mib": 100.0,
            "started": "2026-01-02T03:04:05Z",
            "finished": "2026-01-02T03:05:05Z",
            "claims": dict(claims or {}),
        }
        path = table_path("toy.trial", profile)
        write_table(frame, Provenance.model_validate(content | changes), path)
        return path

    return write


CLAIMS_FILE = """
    - id: toy-c1
      paper: someone2020
      locator: Table 1
      statement: A is better than B.
      published:
        - {dataset: p, quantity: auc_difference, value: 0.0125, source: read}
        - {dataset: q, quantity: auc_difference, value: 0.0777, source: recalled}
      experiment: toy.trial
      quantity: {metric: auc, contrast: [a, b], conditions: dataset, replicate: partition}
      interval: t
      criterion: {kind: direction}
      control: flipped
      profiles: {quick: mechanism demo, paper: full}
    - id: toy-c2
      paper: book
      locator: our question
      statement: B & A differ by < 0.1.
      experiment: toy.trial
      quantity: {metric: auc, contrast: [a, b], where: {dataset: p}, replicate: partition}
      interval: nadeau_bengio
      folds: 10
      criterion: {kind: equivalence, margin: 0.1}
      control: flipped
      profiles: {paper: full}
"""


@pytest.fixture(autouse=True)
def _no_interval_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals are computed in every test anew, or kept in a folder of its own."""
    monkeypatch.setattr("repro.claims.kept.kept_path", lambda: tmp_path / "judging" / "intervals.json")


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the study toy; gives the path of its claims.yml."""
    monkeypatch.setattr("repro.ground.files.project_root", lambda: tmp_path)
    path = tmp_path / "claims.yml"
    path.write_text(textwrap.dedent(CLAIMS_FILE), encoding="utf-8")

    def check_study(name: str) -> str:
        if name != "toy":
            raise UnknownName("study", name, ["toy"])
        return name

    def experiment(name: str) -> Experiment:
        if name not in EXPERIMENTS:
            raise UnknownName("experiment", name, EXPERIMENTS)
        return EXPERIMENTS[name]

    monkeypatch.setattr(studies, "study_names", lambda: ["toy"])
    monkeypatch.setattr(studies, "check_study", check_study)
    monkeypatch.setattr(studies, "experiments", lambda study=None: EXPERIMENTS)
    monkeypatch.setattr(studies, "experiment", experiment)
    monkeypatch.setattr(studies, "claims_path", lambda name: check_study(name) and path)
    return path
