"""A reader's own scores and table in the chapter One number, against computations of another kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from repro.ground import files
from repro.running import run_own


@pytest.fixture(autouse=True)
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "build_folder", lambda: tmp_path / "_build")


def run(name: str, **given: Any) -> Any:
    return run_own(name, backend="sequential", progress=False, **given)


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    y = np.arange(400) % 10 == 0
    frame = pd.DataFrame({"ill": np.where(y, "yes", "no"), "risk": np.round(generator.normal(size=400) + 1.5 * y, 2)})
    frame.to_csv(tmp_path / "scores.csv", index=False)
    return tmp_path / "scores.csv"


def test_thresholds_of_own_scores_are_those_of_a_loop_and_the_price_of_f1_is_its_formula(scores: Path) -> None:
    found = run("noisy_metrics.own", csv=scores, target="ill", score="risk", cost_of_miss=5)
    table = found.table.set_index(["method", "metric"])["value"]
    frame = pd.read_csv(scores)
    y = frame["ill"] == "yes"
    values = {level: f1_score(y, frame["risk"] >= level) for level in sorted(frame["risk"].unique(), reverse=True)}
    best = max(values.values())
    assert table["f1", "threshold"] == next(level for level, value in values.items() if value >= best - 1e-12)
    assert table["f1", "score"] == pytest.approx(best)
    assert table["f1", "price"] == pytest.approx((2 - best) / best, rel=1e-3)
    costs = {level: 5 * (y & (frame["risk"] < level)).sum() + (~y & (frame["risk"] >= level)).sum() for level in values}
    assert table["expected_cost", "cost"] == min(costs.values())
    assert all(table[method, "cost"] >= min(costs.values()) for method in ("f1", "g_mean", "accuracy"))
    assert "At your cost" in found.answer.said[0]
    assert {"chosen by", "threshold", "a miss costs"} <= set(found.answer.summary[0])


def test_a_cost_that_is_none_is_refused(scores: Path) -> None:
    with pytest.raises(ValueError, match="cost_of_miss must be above 0"):
        run("noisy_metrics.own", csv=scores, target="ill", score="risk", cost_of_miss=0)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    generator = np.random.default_rng(1)
    X = generator.normal(size=(300, 3))
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    frame["town"] = generator.choice(["x", "y", "z"], 300)
    frame["ill"] = (generator.random(300) < expit(X[:, 0] - 1)).astype(int)
    frame.to_csv(tmp_path / "table.csv", index=False)
    return tmp_path / "table.csv"


def test_ambiguity_of_an_own_table_grows_with_the_tolerance_and_names_the_rows_that_move(table: Path) -> None:
    shares = []
    for epsilon in (0.002, 0.02):
        found = run("multiplicity.own", csv=table, target="ill", epsilon=epsilon)
        values = found.table.dropna(subset=["class"]).set_index(["class", "metric"])["value"]
        y = pd.read_csv(table)["ill"]
        assert values["positive", "rows"] == y.sum()
        mean = (values["positive", "ambiguity"] * y.sum() + values["negative", "ambiguity"] * (1 - y).sum()) / len(y)
        assert values["all", "ambiguity"] == pytest.approx(mean)
        shares.append(values["all", "ambiguity"])
    assert shares[0] < shares[1]
    assert found.answer.summary[0]["rows"] == "all"
    told = [line for line in found.answer.said if line.startswith("Line ")]
    assert len(told) == 5
    first = int(told[0].split()[1])
    frame = pd.read_csv(table)
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    X = pd.get_dummies(frame.drop(columns="ill"), drop_first=True).astype(float)
    risk = model.fit(X, frame["ill"]).predict_proba(X)[first - 2, 1]
    assert f"Line {first} of the file: risk {risk:.2f}," in told[0], "the header is line 1"


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("multiplicity.own", {}),
        ("noisy_metrics.own", {"score": "a"}),
        ("auroc_auprc.own", {"score": "a"}),
    ],
)
def test_one_of_three_labels_stands_against_the_others_once_it_is_named(
    table: Path, name: str, given: dict[str, str]
) -> None:
    frame = pd.read_csv(table)
    frame["ill"] = np.where(np.arange(len(frame)) % 3 == 0, "unknown", frame["ill"].map(str))
    frame.to_csv(table, index=False)
    with pytest.raises(ValueError, match=r"column 'ill' must have two classes, or .* it has 3: .*--positive \w+"):
        run(name, csv=table, target="ill", **given)
    found = run(name, csv=table, target="ill", positive="unknown", **given)
    assert "column 'ill' has 3 classes; the positive class stands against all others" in found.remarks
    frame.assign(ill=np.where(frame["ill"] == "unknown", "unknown", "known")).to_csv(table, index=False)
    two = run(name, csv=table, target="ill", positive="unknown", **given)
    assert two.table["value"].to_numpy() == pytest.approx(found.table["value"].to_numpy(), nan_ok=True)


def test_labels_of_a_table_for_smote_are_named_where_they_are_three(table: Path) -> None:
    frame = pd.read_csv(table)
    frame.assign(ill=["a", "b", "c"] * 100).to_csv(table, index=False)
    with pytest.raises(ValueError, match=r"must have two classes, it has 3: 'a' \(100 rows\), .*; leave rows out, or"):
        run("smote.roc_sweep", csv=table, target="ill", positive="a")


def test_an_identifier_is_no_feature(table: Path) -> None:
    ranges = []
    for frame in (pd.read_csv(table), pd.read_csv(table)):
        if ranges:
            frame.insert(0, "id", np.random.default_rng(2).permutation(300))
            frame["name"] = [f"person {row}" for row in range(300)]
        frame.to_csv(table, index=False)
        found = run("multiplicity.own", csv=table, target="ill")
        ranges.append(found.table["value"].to_numpy())
    assert ranges[1] == pytest.approx(ranges[0])
    assert sum("as identifiers do: left out" in remark for remark in found.remarks) == 2


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": 1, "b": 2, "c": 3, "town": "x"}, "no column beside 'ill' varies, of 'a', 'b', 'c', 'town'"),
        ({"a": [1e300, 0, 0] * 100}, "the numbers of column 'a' must differ by 1e-50 to"),
        (
            {"a": [1.5, np.nan, 0] * 100},
            "column 'a' must have no missing values, it lacks 100 of 300, the first in line 3",
        ),
        ({"ill": [1] * 3 + [0] * 297}, "at least 10 rows, the positive one of column 'ill' has 3"),
        ({"ill": 1}, "column 'ill' holds one class only, 1"),
    ],
)
def test_a_table_of_two_classes_that_cannot_be_used_is_refused(table: Path, columns: Any, message: str) -> None:
    pd.read_csv(table).assign(**columns).to_csv(table, index=False)
    with pytest.raises(ValueError, match=message):
        run("multiplicity.own", csv=table, target="ill")


def test_a_distance_beyond_one_is_refused(table: Path) -> None:
    with pytest.raises(ValueError, match="delta must lie between 0 and 1, got 2"):
        run("multiplicity.own", csv=table, target="ill", delta=2)
