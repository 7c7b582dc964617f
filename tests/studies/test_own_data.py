"""Experiments on a reader's own file, against scikit-learn and closed forms, and what they say of files they refuse."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from repro import studies
from repro.claims import all_claims
from repro.cli.run import run as run_command
from repro.ground import files
from repro.ground.exceptions import UnknownName
from repro.protocol.own_data import OwnData
from repro.running import OwnResult, own_cells, run_own

OFFERED = {name: one.own_data for name, one in studies.experiments().items() if one.own_data is not None}


@pytest.fixture(autouse=True)
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "_build"
    monkeypatch.setattr(files, "build_folder", lambda: folder)
    return folder


def run(name: str, **given: Any) -> OwnResult:
    return run_own(name, backend="sequential", progress=False, **given)


def value(found: OwnResult, metric: str, **settings: object) -> float:
    rows = found.table[found.table["metric"] == metric]
    for column, wanted in settings.items():
        rows = rows[rows[column] == wanted]
    (one,) = rows["value"]
    return float(one)


# What holds for all of them


@pytest.mark.parametrize("name", OFFERED)
def test_arguments_are_not_called_like_options_of_the_command_or_of_the_function(name: str) -> None:
    own = OFFERED[name]
    assert isinstance(own, OwnData)
    asked = {argument.name for argument in own.arguments}
    options = set(inspect.signature(run_command).parameters) | {"all", "format", "rows"}
    assert not asked & (options | (set(inspect.signature(run_own).parameters) - {"given"}))


def test_own_data_decide_no_claim() -> None:
    alone = {name for name in OFFERED if not studies.experiment(name).cells}
    known = "auroc_auprc multiplicity neural_collapse noisy_metrics presto quantile_aggregation"
    assert alone == {f"{name}.own" for name in known.split()}
    assert not [claim for claim in all_claims().values() if claim.experiment in alone]


@pytest.mark.parametrize("name", OFFERED)
def test_a_file_that_is_not_there_is_named(name: str, tmp_path: Path, build: Path) -> None:
    own = OFFERED[name]
    assert isinstance(own, OwnData)
    given = {argument.name: "x" for argument in own.arguments if argument.required}
    with pytest.raises(FileNotFoundError, match=r"no file .*nothing\.csv"):
        run(name, **{**given, own.arguments[0].name: tmp_path / "nothing.csv"})
    assert not build.exists(), "nothing is written"


# Scores


@pytest.fixture
def scores(tmp_path: Path) -> pd.DataFrame:
    generator = np.random.default_rng(3)
    group = np.repeat(["men", "women", "others"], [300, 150, 4])
    ill = np.r_[generator.random(300) < 0.2, generator.random(150) < 0.3, np.zeros(4, bool)]
    frame = pd.DataFrame({"ill": ill.astype(int), "risk": generator.normal(ill * 1.2).round(1), "sex": group})
    frame.assign(note="1,5x").to_csv(tmp_path / "scores.csv", index=False)
    return frame


def test_both_metrics_of_all_rows_and_of_every_group_are_those_of_scikit_learn(
    scores: pd.DataFrame, tmp_path: Path
) -> None:
    found = run("auroc_auprc.own", csv=tmp_path / "scores.csv", target="ill", score="risk", group="sex")
    for name, part in [("all rows", scores), *scores[scores["sex"] != "others"].groupby("sex")]:
        auroc, precision = roc_auc_score(part["ill"], part["risk"]), average_precision_score(part["ill"], part["risk"])
        assert value(found, "auroc", group=name) == pytest.approx(auroc)
        assert value(found, "average_precision", group=name) == pytest.approx(precision)
        assert value(found, "auroc_low", group=name) < auroc < value(found, "auroc_high", group=name)
    gap = value(found, "auroc", group="men") - value(found, "auroc", group="women")
    assert value(found, "auroc_gap", group="men - women") == pytest.approx(gap)
    assert value(found, "n_negative", group="others") == 4
    assert "group 'others' holds negatives only, 4 of them: no metric there" in found.remarks
    assert any(remark.endswith("share their score with another row; such ties count half") for remark in found.remarks)
    assert found.summary["AUROC"].isna().tolist() == [False, False, True, False]
    assert found.answer.summary[2]["AUROC"] is None


def test_interval_of_the_auroc_is_the_published_one_where_the_score_separates(tmp_path: Path) -> None:
    """With n pairs in order the exact lower bound is 0.025 to the power of 1/n."""
    frame = pd.DataFrame({"y": [0] * 30 + [1] * 25, "s": range(55)})
    frame.to_csv(tmp_path / "own.csv", index=False)
    found = run("auroc_auprc.own", csv=tmp_path / "own.csv", target="y", score="s")
    assert value(found, "auroc_low") == pytest.approx(0.025 ** (1 / 25))


def test_the_positive_class_of_0_and_1_is_1_although_it_is_frequent(tmp_path: Path) -> None:
    frame = pd.DataFrame({"y": [0] * 10 + [1] * 40, "s": [*range(10), *range(5, 45)]})
    frame.to_csv(tmp_path / "own.csv", index=False)
    given = {"csv": tmp_path / "own.csv", "target": "y", "score": "s"}
    assert value(run("auroc_auprc.own", **given), "auroc") == pytest.approx(roc_auc_score(frame["y"], frame["s"]))
    turned = run("auroc_auprc.own", **given, positive="0")
    assert value(turned, "auroc") == pytest.approx(1 - roc_auc_score(frame["y"], frame["s"]))
    assert any("ranks the wrong way" in sentence for sentence in turned.answer.said)
    frame.assign(y=frame["y"].map({0: "rare", 1: "often"})).to_csv(tmp_path / "own.csv", index=False)
    assert value(run("auroc_auprc.own", **given), "n_positive") == 10


@pytest.mark.parametrize(
    ("purpose", "first"),
    [
        ({}, "You have not said what the scores are for; then AUROC is the one to compare by"),
        ({"cost_of_miss": 50}, "Of the two, AUROC fits the purpose better"),
        ({"capacity": 10}, "Of the two, AUPRC fits the purpose better"),
        ({"capacity": "0.02"}, "Of the two, AUPRC fits the purpose better"),
    ],
)
def test_which_of_the_two_fits_follows_from_the_purpose(
    scores: pd.DataFrame, tmp_path: Path, purpose: dict[str, Any], first: str
) -> None:
    found = run("auroc_auprc.own", csv=tmp_path / "scores.csv", target="ill", score="risk", **purpose)
    assert found.answer.said[0].startswith(first)


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        ("y,s\n1,0.2\n1,0.3\n", {}, "column 'y' holds one class only, 1"),
        (
            "y,s\n1,0.2\n0,\n",
            {},
            "score, column 's', must have no missing values, it lacks 1 of 2, the first in line 3",
        ),
        ("y,s\n1,high\n0,low\n", {}, "score must be a column of numbers, but 's' holds 'high', 'low'"),
        ("y,s\n1,inf\n0,1\n", {}, "score must be finite, column 's' holds 1 infinite"),
        ("y,s,g\n1,3,a\n0,2,\n", {"group": "g"}, "group, column 'g', must have no missing values, it lacks 1 of 2"),
        ("y,s,g\n1,3,all rows\n0,2,b\n", {"group": "g"}, "group must not hold the name 'all rows'"),
        ("y,s\n1,3\n0,2\n", {"score": "y"}, "'y' is named more than once; other columns: s"),
        ("y,s\nb,3\na,2\nc,1\na,5\n", {}, "it has 3: 'a' (2 rows), 'b' (1 row), 'c' (1 row). Name one, for example"),
        ("y,s\nb,3\na a,2\nc,1\n", {}, "--positive 'a a' (positive='a a' in Python); all others are negative"),
        ("y,s\n1,3\n0,2\n", {"cost_of_miss": -1}, "cost_of_miss must be above 0"),
        ("y,s\n1,3\n0,2\n", {"cost_of_miss": "dear"}, "cost_of_miss must be a number, got 'dear'"),
        ("y,s\n1,3\n0,2\n", {"cost_of_false_alarm": 2}, "says nothing without cost_of_miss"),
        ("y,s\n1,3\n0,2\n", {"capacity": 3}, "capacity must not be larger than the number of rows"),
        ("y,s\n1,3\n0,2\n", {"score": None}, "needs --score, the column with the model's score"),
        ("y,s\n1,3\n,2\n", {}, "1 row has no label in column 'y', in line 3 of the file"),
    ],
)
def test_a_file_of_scores_that_cannot_be_used_is_refused(
    tmp_path: Path, build: Path, text: str, given: dict[str, Any], message: str
) -> None:
    (tmp_path / "own.csv").write_text(text)
    with pytest.raises(ValueError, match=re.escape(message)):
        run("auroc_auprc.own", **{"csv": tmp_path / "own.csv", "target": "y", "score": "s", **given})
    assert not build.exists(), "nothing is written"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"score": "rsik"}, "unknown column of .*scores.csv 'rsik'; did you mean 'risk'"),
        ({"group": "colour"}, "unknown column of .* 'colour'; known: sex, note"),
        ({"score": "level"}, "unknown column of .* 'level'; known: risk, sex, note"),
        ({"target": "sick"}, "unknown target column of .* 'sick'"),
        ({"positive": "2"}, "unknown label in column 'ill' '2'; known: 0, 1"),
        ({"columns": "x"}, "unknown argument of auroc_auprc.own 'columns'"),
    ],
)
def test_a_column_that_is_not_there_is_answered_by_those_that_are(
    scores: pd.DataFrame, tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(UnknownName, match=message):
        run("auroc_auprc.own", **{"csv": tmp_path / "scores.csv", "target": "ill", "score": "risk", **given})


def test_a_group_of_one_row_is_said_and_the_others_are_measured(tmp_path: Path) -> None:
    frame = pd.DataFrame({"y": [0, 1] * 10, "s": range(20), "g": ["a"] * 19 + ["alone"]})
    frame.to_csv(tmp_path / "own.csv", index=False)
    found = run("auroc_auprc.own", csv=tmp_path / "own.csv", target="y", score="s", group="g")
    assert "group 'alone' holds positives only, 1 of them: no metric there" in found.remarks
    assert any(sentence.startswith("Fewer than 20 rows of a class in all rows, a") for sentence in found.answer.said)


def test_every_row_may_be_a_group_of_its_own(tmp_path: Path) -> None:
    frame = pd.DataFrame({"y": [0, 1] * 15, "s": range(30), "g": [f"person {row}" for row in range(30)]})
    frame.to_csv(tmp_path / "own.csv", index=False)
    found = run("auroc_auprc.own", csv=tmp_path / "own.csv", target="y", score="s", group="g")
    assert len(found.answer.summary) == 31


# Ordered classes


@pytest.fixture
def ordered(tmp_path: Path) -> pd.DataFrame:
    generator = np.random.default_rng(5)
    X = generator.normal(size=(400, 3))
    latent = X @ [1.0, -0.5, 0.0] + generator.logistic(size=400)
    level = np.select([latent < 0.5, latent < 2], ["no", "some"], "much")
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(constant=1, level=level)
    frame.to_csv(tmp_path / "ordered.csv", index=False)
    return frame


def test_rivals_predict_the_last_class_of_the_order(ordered: pd.DataFrame, tmp_path: Path) -> None:
    given = {"csv": tmp_path / "ordered.csv", "target": "level", "order": ["no", "some", "much"]}
    found = run("presto.own", **given)
    wide = found.table.pivot(index=["method", "replicate"], columns="metric", values="value")["log_loss"]
    assert len(wide) == 6 * 10
    share = (ordered["level"] == "much").mean()
    entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    assert wide["base_rate"].mean() == pytest.approx(entropy, rel=0.02), "a constant costs the entropy of the class"
    model = LogisticRegression(C=np.inf, max_iter=1000).fit(ordered[["a", "b", "c"]], ordered["level"])
    apparent = log_loss(ordered["level"] == "much", model.predict_proba(ordered[["a", "b", "c"]])[:, 0])
    assert wide["multinomial"].mean() == pytest.approx(apparent, abs=0.03)
    assert wide["proportional_odds"].mean() < wide["base_rate"].mean() - 0.05, "the rows are drawn from that model"
    assert "better than" in found.answer.said[0]
    assert "base rate" in found.answer.said[0]
    assert "column 'constant' is constant" in found.remarks


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ("no,some", "it misses 'much'. It has"),
        ("no,some,much,most", "it adds 'most'"),
        ("no,some,some,much", "it names twice 'some'"),
        ("no,som,much", "it misses 'some', adds 'som'. It has much ("),
        ("", "order must not be empty"),
    ],
)
def test_an_order_must_name_each_class_once(
    ordered: pd.DataFrame, tmp_path: Path, build: Path, order: str, message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        run("presto.own", csv=tmp_path / "ordered.csv", target="level", order=order)
    assert not build.exists()


def test_an_order_of_numbers_is_given_as_it_is_written(ordered: pd.DataFrame, tmp_path: Path) -> None:
    ordered.assign(level=ordered["level"].map({"no": 3, "some": 2, "much": 1})).to_csv(
        tmp_path / "own.csv", index=False
    )
    cells, remarks = own_cells("presto.own", csv=tmp_path / "own.csv", target="level", order="1,2,3")
    assert [cell.parameters["order"] for cell in cells] == ["1,2,3"] * 10
    rarest = (ordered["level"] == "much").sum()
    assert f"the last class, '3', is not the rarest: '1' has {rarest} rows" in remarks


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda frame: frame.assign(a=frame["a"].mask(frame.index == 3)),
            "column 'a' must have no missing .* 1 of 400, the first in line 5",
        ),
        (lambda frame: frame.assign(b=frame["b"] * 1e160), "of column 'b' must differ by 1e-50 to 1e\\+50, they lie "),
        (lambda frame: frame.assign(b=frame["b"] / frame["b"].abs().max() * 1.7e308), "of column 'b' must differ by"),
        (lambda frame: frame.assign(b=frame["b"] * 1e-160), "of column 'b' must differ by"),
        (lambda frame: frame.assign(b=frame["b"].where(frame.index != 7, np.inf)), "'b' must be finite.* in line 9 of"),
        (lambda frame: frame[frame["level"] != "much"], "it adds 'much'"),
        (lambda frame: frame.drop(frame.index[frame["level"] == "much"][2:]), "at least 10 rows, 'much' has 2"),
        (lambda frame: frame[["constant", "level"]], "no column beside 'level' varies, of 'constant'; at least"),
    ],
)
def test_a_table_for_ordered_classes_that_cannot_be_used_is_refused(
    ordered: pd.DataFrame, tmp_path: Path, change: Any, message: str
) -> None:
    change(ordered).to_csv(tmp_path / "own.csv", index=False)
    with pytest.raises(ValueError, match=message):
        run("presto.own", csv=tmp_path / "own.csv", target="level", order="no,some,much")


def test_two_classes_have_no_order(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("a,y\n" + "".join(f"{row % 7},{'xy'[row % 2]}\n" for row in range(40)))
    with pytest.raises(ValueError, match="classes in an order are at least 3, column 'y' has 2"):
        run("presto.own", csv=tmp_path / "own.csv", target="y", order="x,y")


# Features


def frame_of_three(tmp_path: Path, **more: Any) -> Path:
    """Three classes at the corners of a simplex, each with rows in pairs around its corner."""
    corners = np.repeat(np.eye(3), 4, axis=0)
    steps = np.tile([[0.1, -0.1, 0], [-0.1, 0.1, 0], [0, 0.1, -0.1], [0, -0.1, 0.1]], (3, 1))
    arrays: dict[str, Any] = {"features": corners + steps, "labels": np.repeat([0, 1, 2], 4), **more}
    path = tmp_path / "own.npz"
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def test_measures_of_collapse_are_those_of_the_closed_form(tmp_path: Path) -> None:
    found = run("neural_collapse.own", features=frame_of_three(tmp_path, W=np.eye(3), b=np.zeros(3)))
    # spread 0.02 within; the means are unit vectors, at a squared distance of 2/3 from their mean and of 2 apart
    assert value(found, "nc1_quot", labels="given") == pytest.approx(0.02 / (2 / 3))
    assert value(found, "nc1_cdnv", labels="given") == pytest.approx(0.02 / 2)
    assert value(found, "nearest_mean_error", labels="given") == 0
    assert value(found, "nc4_disagreement", labels="given") == 0
    for measure in ("nc2_equinorm", "nc2_etf_err", "nc2_of_err", "nc3_dual_err"):
        assert value(found, measure, labels="given") == pytest.approx(0, abs=1e-7)
    cosines = found.table.loc[found.table["metric"] == "cosine", "value"]
    assert cosines.to_numpy() == pytest.approx([-0.5] * 3)
    assert "every two have 120." in found.answer.said[1]
    shuffled = found.table[(found.table["metric"] == "nc1_quot") & (found.table["labels"] == "shuffled")]
    assert (shuffled["value"] > 1).all(), "shuffled labels: no collapse"


def test_collapse_is_measured_with_labels_of_text_and_without_a_classifier(tmp_path: Path) -> None:
    found = run("neural_collapse.own", features=frame_of_three(tmp_path, labels=np.repeat(["a", "b", "c"], 4)))
    assert value(found, "nc1_quot", labels="given") == pytest.approx(0.03)
    assert "nc3_dual_err" not in set(found.table["metric"])
    assert "no array W, so nothing is said about the classifier (NC3, NC4)" in found.remarks


def test_complete_collapse_and_classes_that_coincide_have_measures(tmp_path: Path) -> None:
    corners = np.repeat(np.eye(3), 4, axis=0)
    found = run("neural_collapse.own", features=frame_of_three(tmp_path, features=corners))
    assert value(found, "nc1_quot", labels="given") == pytest.approx(0, abs=1e-12)
    corners[4:8] = corners[:4]
    found = run("neural_collapse.own", features=frame_of_three(tmp_path, features=corners))
    assert np.isnan(value(found, "nc1_cdnv", labels="given"))
    assert found.answer.summary[1]["your labels"] is None
    assert "those of 0 and 1, at an angle of 0 degrees" in found.answer.said[1]


WIDE = np.eye(5)[np.repeat([0, 1, 2], 4)]
OBJECTS = np.array([[1.0, "x"]] * 12, dtype=object)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"features": OBJECTS}, "features holds Python objects .dtype object., which are not read"),
        ({"labels": np.array(["a"] * 12, dtype=object)}, "labels holds Python objects"),
        ({"features": np.full((12, 3), np.nan)}, "features must be finite, got 36 NaN"),
        ({"features": np.zeros(12)}, r"features must have shape \(n_samples, n_features\), got \(12,\)"),
        ({"labels": np.zeros(11, int)}, r"labels must have shape \(12,\), one for each row of features, got \(11,\)"),
        ({"labels": np.linspace(0, 1, 12)}, "labels must be whole numbers or text, got entries of type float64"),
        ({"labels": np.zeros(12, int)}, "labels must hold at least 2 classes, got 1"),
        ({"labels": np.r_[0, np.ones(11, int)]}, "each class needs at least 2 rows, 0 has one"),
        ({"features": np.full((12, 2), "x")}, "features must hold real numbers, got entries of type <U1"),
        ({"W": np.full((3, 3), "x")}, "W must hold real numbers"),
        (
            {"W": np.zeros((3, 4))},
            r"W must have shape \(3, 3\), a row for each class .*, got \(3, 4\); it looks transposed: save W.T",
        ),
        (
            {"W": np.zeros((2, 3))},
            r"W must have shape \(3, 3\), a row for each class and a column for .*, got \(2, 3\)$",
        ),
        ({"features": WIDE, "W": np.ones((5, 3))}, r"W must have shape \(3, 5\), .* got \(5, 3\); it looks transposed"),
        ({"features": WIDE, "W": np.ones((5, 4))}, r"got \(5, 4\); it looks transposed"),
        ({"W": np.eye(3) * 1e200}, r"W must lie between -1e\+15 and 1e\+15, got 1e\+200"),
        (
            {"features": WIDE * 1e160},
            r"features must lie between -1e\+15 and 1e\+15 .*, they lie between 0 and 1e\+160;",
        ),
        ({"features": np.where(np.arange(5) == 4, 1e200, WIDE)}, "features must lie between"),
        ({"features": WIDE * 1e-160}, "features must .* differ by at least 1e-15, they lie between 0 and 1e-160"),
        ({"features": np.full((12, 2), 0.1)}, "features must differ between rows, all 12 rows are equal"),
        ({"W": np.eye(3), "b": np.zeros(2)}, r"b must have shape \(3,\), got \(2,\)"),
        ({"b": np.zeros(3)}, "b says nothing without W"),
        ({"labels": None}, "unknown array of .*own.npz 'labels'; known: features"),
    ],
)
def test_features_that_cannot_be_used_are_refused(
    tmp_path: Path, build: Path, arrays: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        run("neural_collapse.own", features=frame_of_three(tmp_path, **arrays))
    assert not build.exists(), "nothing is written"


def test_classes_of_one_mean_have_no_quotient_and_the_answer_says_so(tmp_path: Path) -> None:
    found = run("neural_collapse.own", features=frame_of_three(tmp_path, features=np.tile([[1.0], [-1.0]], (6, 3))))
    assert found.answer.said[0].startswith("All classes have the same mean")
    assert "nan" not in " ".join(found.answer.said)
    assert found.answer.summary[0]["your labels"] is None


def test_measures_do_not_depend_on_the_size_of_features_as_long_as_it_is_allowed(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    features, W, b = generator.normal(size=(12, 3)), generator.normal(size=(3, 3)), generator.normal(size=3)
    tables = [
        run("neural_collapse.own", features=frame_of_three(tmp_path, features=features * size, W=W, b=b * size)).table
        for size in (1.0, 2.0**40, 2.0**-40)
    ]
    values = [table.loc[table["metric"] != "norm", "value"].to_numpy() for table in tables]
    assert values[1] == pytest.approx(values[0], rel=1e-9)
    assert values[2] == pytest.approx(values[0], rel=1e-9)


def test_only_a_whole_archive_is_read(tmp_path: Path) -> None:
    single = tmp_path / "own.npy"
    np.save(single, np.zeros(3))
    with pytest.raises(
        ValueError, match=r"is no NumPy archive .* numpy\.savez\(path, features=\.\.\., labels=\.\.\.\)"
    ):
        run("neural_collapse.own", features=single)
    whole = frame_of_three(tmp_path)
    content = bytearray(whole.read_bytes())
    content[90:140] = bytes(50)
    whole.write_bytes(content)
    with pytest.raises(ValueError, match=r"own\.npz"):
        run("neural_collapse.own", features=whole)
