"""Trees, sizes and predictions that Weka 3.6.14 (J48) gives on the same rows.

All constants below are output of ``weka.classifiers.trees.J48`` of Weka 3.6.14 on the data that scikit-learn bundles
or that are written out here. Class c<k> and column a<k> of that output are class k and column k.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from repro.trees import C45Classifier

OPTIONS: dict[str, dict[str, Any]] = {
    "": {},
    "-S": {"subtree_raising": False},
    "-U": {"prune": False},
    "-M 5 -C 0.1": {"min_samples_leaf": 5, "confidence": 0.1},
    "-M 1 -C 0.5": {"min_samples_leaf": 1, "confidence": 0.5},
    "-M 20 -C 0.05": {"min_samples_leaf": 20, "confidence": 0.05},
}

IRIS = """
column 3 <= 0.6: 0 (50)
column 3 > 0.6
|   column 3 <= 1.7
|   |   column 2 <= 4.9: 1 (48/1)
|   |   column 2 > 4.9
|   |   |   column 3 <= 1.5: 2 (3)
|   |   |   column 3 > 1.5: 1 (3/1)
|   column 3 > 1.7: 2 (46/1)
"""

BREAST_CANCER = """
column 23 <= 880.8
|   column 27 <= 0.1357
|   |   column 13 <= 36.46: 1 (319/3)
|   |   column 13 > 36.46
|   |   |   column 0 <= 14.97
|   |   |   |   column 11 <= 1.978: 1 (11)
|   |   |   |   column 11 > 1.978
|   |   |   |   |   column 11 <= 2.239: 0 (2)
|   |   |   |   |   column 11 > 2.239: 1 (3)
|   |   |   column 0 > 14.97: 0 (2)
|   column 27 > 0.1357
|   |   column 21 <= 27.37
|   |   |   column 27 <= 0.1789
|   |   |   |   column 13 <= 21.91: 1 (12)
|   |   |   |   column 13 > 21.91
|   |   |   |   |   column 12 <= 2.615: 0 (6/1)
|   |   |   |   |   column 12 > 2.615: 1 (6)
|   |   |   column 27 > 0.1789: 0 (4)
|   |   column 21 > 27.37: 0 (21)
column 23 > 880.8
|   column 6 <= 0.0716
|   |   column 1 <= 19.54: 1 (9/1)
|   |   column 1 > 19.54: 0 (10)
|   column 6 > 0.0716: 0 (164)
"""

# Breast cancer, unpruned: what stands in the place of the first leaf of the tree above.
BREAST_CANCER_UNPRUNED_PART = """
|   |   column 13 <= 36.46
|   |   |   column 21 <= 30.12: 1 (274)
|   |   |   column 21 > 30.12
|   |   |   |   column 14 <= 0.0042: 0 (3/1)
|   |   |   |   column 14 > 0.0042: 1 (42/1)
"""

WEATHER = """
outlook = sunny
|   humidity <= 75: yes (2)
|   humidity > 75: no (3)
outlook = overcast: yes (4)
outlook = rainy
|   windy = TRUE: no (2)
|   windy = FALSE: yes (3)
"""

CONTACT_LENSES = """
tear-prod-rate = reduced: none (12)
tear-prod-rate = normal
|   astigmatism = no: soft (6/1)
|   astigmatism = yes
|   |   spectacle-prescrip = myope: hard (3)
|   |   spectacle-prescrip = hypermetrope: none (3/1)
"""


def weather() -> tuple[pd.DataFrame, np.ndarray]:
    rows = """sunny,85,85,FALSE,no sunny,80,90,TRUE,no overcast,83,86,FALSE,yes rainy,70,96,FALSE,yes
        rainy,68,80,FALSE,yes rainy,65,70,TRUE,no overcast,64,65,TRUE,yes sunny,72,95,FALSE,no sunny,69,70,FALSE,yes
        rainy,75,80,FALSE,yes sunny,75,70,TRUE,yes overcast,72,90,TRUE,yes overcast,81,75,FALSE,yes
        rainy,71,91,TRUE,no"""
    table = pd.DataFrame([row.split(",") for row in rows.split()])
    table.columns = ["outlook", "temperature", "humidity", "windy", "play"]
    table["outlook"] = pd.Categorical(table["outlook"], categories=["sunny", "overcast", "rainy"])
    table["windy"] = pd.Categorical(table["windy"], categories=["TRUE", "FALSE"])
    table = table.astype({"temperature": int, "humidity": int})
    return table.drop(columns="play"), table["play"].to_numpy()


def contact_lenses() -> tuple[pd.DataFrame, np.ndarray]:
    columns = {
        "age": ["young", "pre-presbyopic", "presbyopic"],
        "spectacle-prescrip": ["myope", "hypermetrope"],
        "astigmatism": ["no", "yes"],
        "tear-prod-rate": ["reduced", "normal"],
    }
    table = pd.MultiIndex.from_product(columns.values(), names=list(columns)).to_frame(index=False)
    for name, categories in columns.items():
        table[name] = pd.Categorical(table[name], categories=categories)
    lenses = "none soft none hard none soft none hard none soft none hard none soft none none "
    lenses += "none none none hard none soft none none"
    return table, np.array(lenses.split())


@pytest.mark.parametrize(
    ("load", "expected"), [(datasets.load_iris, IRIS), (datasets.load_breast_cancer, BREAST_CANCER)]
)
def test_the_pruned_tree_is_that_of_j48(load: Any, expected: str) -> None:
    X, y = load(return_X_y=True)
    tree = C45Classifier().fit(X, y)
    assert tree.to_text() == expected.strip("\n")
    assert tree.leaf_count_ == expected.count(":")
    assert tree.node_count_ == expected.count("column") + 1


def test_the_unpruned_tree_is_that_of_j48() -> None:
    X, y = datasets.load_breast_cancer(return_X_y=True)
    expected = BREAST_CANCER.replace("|   |   column 13 <= 36.46: 1 (319/3)", BREAST_CANCER_UNPRUNED_PART.strip("\n"))
    assert C45Classifier(prune=False).fit(X, y).to_text() == expected.strip("\n")


@pytest.mark.parametrize("prune", [True, False])
@pytest.mark.parametrize(("data", "expected", "size"), [(weather, WEATHER, 8), (contact_lenses, CONTACT_LENSES, 7)])
def test_trees_with_nominal_columns_are_those_of_j48(data: Any, expected: str, size: int, prune: bool) -> None:
    X, y = data()
    tree = C45Classifier(prune=prune).fit(X, y)
    assert tree.to_text() == expected.strip("\n")
    assert tree.node_count_ == size


def test_of_two_equally_large_branches_the_last_one_is_raised_as_in_j48() -> None:
    rows = "0000 0001 0010 0010 0010 0010 0010 0010 0010 0010 0010 0100 1000 1000 1000 1001 1010 1010 1011 1100 1100"
    table = np.array([list(row) for row in [*rows.split(), "1100", "1111", "1111"]])
    frame = pd.DataFrame(table[:, :3], columns=["a0", "a1", "a2"])
    tree = C45Classifier(confidence=0.5).fit(frame, table[:, 3])
    assert tree.to_text() == "a2 = 0: 0 (10/2)\na2 = 1\n|   a1 = 0: 0 (12/1)\n|   a1 = 1: 1 (2)"


# Trained on the even rows: size, leaves, wrong predictions on the odd rows, sum over them of the squared class
# probabilities.
EVEN_ROWS = [
    ("iris", "", 5, 3, 6, 71.0064),
    ("iris", "-M 1 -C 0.5", 7, 4, 5, 73.2336),
    ("breast_cancer", "", 11, 6, 26, 278.277506),
    ("breast_cancer", "-M 5 -C 0.1", 9, 5, 26, 270.577506),
    ("wine", "", 7, 4, 12, 86.4656),
    ("wine", "-M 1 -C 0.5", 9, 5, 12, 89.0),
    ("digits", "", 129, 65, 165, 861.41863),
    ("digits", "-M 5 -C 0.1", 83, 42, 156, 790.033603),
    ("digits", "-M 1 -C 0.5", 173, 87, 169, 893.718704),
]


@pytest.mark.parametrize(("name", "options", "size", "leaves", "wrong", "squares"), EVEN_ROWS)
def test_sizes_and_predictions_are_those_of_j48(
    name: str, options: str, size: int, leaves: int, wrong: int, squares: float
) -> None:
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    tree = C45Classifier(**OPTIONS[options]).fit(X[::2], y[::2])
    assert (tree.node_count_, tree.leaf_count_) == (size, leaves)
    assert (tree.predict(X[1::2]) != y[1::2]).sum() == wrong
    assert (tree.predict_proba(X[1::2]) ** 2).sum() == pytest.approx(squares, abs=1e-6)
