"""Tables of the study: embedded ones for a quick run, and the KEEL sets in families that share rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from repro.data import PREDIABETES_PREDICTORS, load, names, prediabetes_response
from repro.trials.table_tasks import BinaryTask, TableTask, as_task, numeric_matrix, simulated_task

FAMILIES: Final = (
    *("abalone", "car", "cleveland", "crx", "dermatology", "ecoli", "flare", "glass", "haberman", "iris", "kddcup"),
    *("kr-vs-k", "led7digit", "lymphography", "new", "page-blocks", "pima", "poker", "segment", "shuttle", "vehicle"),
    *("vowel", "winequality-red", "winequality-white", "wisconsin", "yeast", "zoo"),
)
"""How the names of KEEL sets that share rows begin."""
SMALL_FAMILIES: Final = (
    *("abalone", "cleveland", "crx", "dermatology", "ecoli", "glass", "haberman", "iris", "led7digit", "lymphography"),
    *("new", "page-blocks", "poker", "shuttle", "winequality-red", "winequality-white", "wisconsin", "yeast", "zoo"),
)
"""Families with a set among the 60 smallest."""
SMALL_ROWS: Final = 731
"""Rows of the largest of the 60 smallest sets."""
EMBEDDED: Final = ("breast_cancer", "german_credit", "digits", "prediabetes", "simulated_5", "simulated_10")
FEWEST: Final = 5
"""Rows of the rarer class of the smallest sets."""


def sets_of(family: str) -> tuple[str, ...]:
    """Names of the tables of a family: itself, or all KEEL sets whose name begins so."""
    return (family,) if family in EMBEDDED else tuple(names(f"keel/{family}*"))


def registered(family: str) -> tuple[str, ...]:
    """Names in the data registry that a family reads."""
    return () if family.startswith("simulated") else sets_of(family)


def _sample(task: BinaryTask, count: int) -> BinaryTask:
    return task.rows(np.sort(np.random.default_rng(2307).choice(task.y.size, count, replace=False)))


def table(name: str) -> BinaryTask:
    """Give a table; nominal columns become a 0/1 column for each level, rows with missing marks are left out."""
    if name.startswith("simulated"):
        return simulated_task(600, minority_share=int(name.removeprefix("simulated_")) / 100, seed=int(name[10:]))
    dataset = load(name)
    if name == "digits":
        X, _ = numeric_matrix(dataset.features, source=name)
        return _sample(TableTask(name, X, dataset.target.to_numpy() == 8), 600)
    if name == "prediabetes":
        X, _ = numeric_matrix(dataset.features[list(PREDIABETES_PREDICTORS)], "one_hot", source=name)
        return _sample(TableTask(name, X, prediabetes_response(dataset, 50).to_numpy() == 3), 800)
    whole = dataset.features.notna().all(axis=1).to_numpy()
    dataset = replace(dataset, features=dataset.features[whole], target=dataset.target[whole])
    return as_task(dataset, name=name, nominal="one_hot", fewest=FEWEST, imbalanced=False)
