from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from repro.data import Dataset, load, load_csv
from repro.ground.exceptions import UnknownName


def load_text(folder: Path, text: str | bytes, target: str = "y", positive: str | int | None = None) -> Dataset:
    path = folder / "own.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_csv(path, target, positive)


BASIC = "a,b,colour,y\n1,0.5,red,no\n2,1.5,blue,yes\n3,2.5,red,no\n"


def test_types_are_inferred(tmp_path: Path) -> None:
    dataset = load_text(tmp_path, BASIC)
    assert dataset.features["a"].dtype == np.int64
    assert dataset.features["b"].dtype == np.float64
    assert dataset.features["colour"].cat.categories.tolist() == ["blue", "red"]
    assert dataset.target.tolist() == ["no", "yes", "no"]
    assert dataset.name == "own.csv"
    assert dataset.groups is None
    assert dataset.metadata.route == "file"
    assert dataset.metadata.checksum == hashlib.sha256(BASIC.encode()).hexdigest()


@pytest.mark.parametrize(
    "content",
    [
        BASIC.replace(",", ";"),
        BASIC.replace(",", "\t"),
        BASIC.replace(",", ", "),
        BASIC.replace("\n", "\r\n"),
        "\ufeff" + BASIC,
        BASIC.rstrip("\n"),
        BASIC + "\n\n",
        gzip.compress(BASIC.encode()),
        BASIC.replace("red", '"red"').replace("b,", '"b",'),
    ],
    ids=["semicolon", "tab", "blanks", "windows", "mark", "no last line end", "blank lines", "gzip", "quotes"],
)
def test_the_usual_dialects_give_the_same_table(tmp_path: Path, content: str | bytes) -> None:
    dataset = load_text(tmp_path, content)
    expected = load_csv_from(tmp_path / "plain.csv", BASIC)
    pd.testing.assert_frame_equal(dataset.features, expected.features)
    pd.testing.assert_series_equal(dataset.target, expected.target)


def load_csv_from(path: Path, text: str) -> Dataset:
    path.write_text(text)
    return load_csv(path, "y")


def test_the_rarer_class_is_positive_and_the_note_says_so(tmp_path: Path) -> None:
    dataset = load_text(tmp_path, BASIC)
    assert dataset.positive == "yes"
    assert dataset.is_positive.tolist() == [False, True, False]
    assert dataset.metadata.notes == ("'yes' is taken as positive: it has the fewest rows, 1 of 3",)


def test_a_tie_is_told(tmp_path: Path) -> None:
    dataset = load_text(tmp_path, "a,y\n1,0\n2,1\n3,0\n4,1\n")
    assert dataset.positive == 1
    assert dataset.metadata.notes == ("the classes 0, 1 have 2 rows each; 1, the last one, is taken as positive",)


@pytest.mark.parametrize(("named", "found"), [("1", 1), (1, 1), ("1.0", 1), (" 0 ", 0)])
def test_a_positive_label_given_as_text_finds_the_number(tmp_path: Path, named: str | int, found: int) -> None:
    assert load_text(tmp_path, "a,y\n1,0\n2,1\n3,0\n", positive=named).positive == found


def test_a_named_majority_class_is_taken(tmp_path: Path) -> None:
    dataset = load_text(tmp_path, BASIC, positive="no")
    assert dataset.is_positive.sum() == 2
    assert dataset.metadata.notes == ()


def test_a_positive_label_that_does_not_occur_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"unknown label in column 'y' 'yess'; did you mean 'yes'"):
        load_text(tmp_path, BASIC, positive="yess")


def test_labels_as_whole_numbers_quoted_text_or_floats(tmp_path: Path) -> None:
    assert load_text(tmp_path, "a,y\n1,0.0\n2,1.0\n").target.tolist() == [0, 1]
    assert load_text(tmp_path, "a,y\n1,'-1'\n2,'1'\n").target.tolist() == [-1, 1]
    assert load_text(tmp_path, "a,y\n1,0.5\n2,1\n").target.tolist() == [0.5, 1.0]
    assert load_text(tmp_path, "a,y\n1,True\n2,False\n").target.tolist() == ["True", "False"]
    assert load_text(tmp_path, "a,y\n1,NA\n2,None\n").target.tolist() == ["NA", "None"]


def test_one_class_and_many_classes_are_reported(tmp_path: Path) -> None:
    single = load_text(tmp_path, "a,y\n1,x\n2,x\n")
    assert single.positive is None
    assert single.metadata.notes == ("column 'y' has one class only, 'x': there is no positive class",)
    many = load_text(tmp_path, "a,y\n1,x\n2,x\n3,y\n4,y\n5,z\n")
    assert many.positive == "z"
    assert "has 3 classes" in many.metadata.notes[0]


def test_missing_values_are_counted_by_column(tmp_path: Path) -> None:
    text = "n,m,t,u,y\n1,?,red,?,0\n,2,,a,1\nNaN,NA,blue,b,0\n4,<null>,x,?,0\n"
    dataset = load_text(tmp_path, text)
    assert dataset.metadata.missing_values == {"n": 2, "m": 3, "t": 1}
    assert dataset.features["m"].dtype == np.float64
    assert dataset.features["u"].cat.categories.tolist() == ["?", "a", "b"]


def test_constant_duplicate_and_repeated_are_reported(tmp_path: Path) -> None:
    text = "a,b,c,d,y\n1,7,1,p,0\n2,7,2,q,1\n1,7,1,p,0\n"
    metadata = load_text(tmp_path, text).metadata
    assert metadata.constant_columns == ("b",)
    assert metadata.duplicate_columns == (("c", "a"),)
    assert metadata.repeated_rows == 1
    assert metadata.class_counts == {0: 2, 1: 1}


def test_true_and_false_are_numbers_among_the_features(tmp_path: Path) -> None:
    assert load_text(tmp_path, "a,y\nTrue,0\nFalse,1\n").features["a"].tolist() == [1, 0]


def test_very_large_whole_numbers_are_kept_as_floats(tmp_path: Path) -> None:
    column = load_text(tmp_path, f"a,y\n{2**63},0\n1,1\n").features["a"]
    assert column.dtype == np.float64
    assert column.tolist() == [float(2**63), 1.0]


def test_a_column_without_name_is_named_by_its_position(tmp_path: Path) -> None:
    dataset = load_text(tmp_path, ",a,y\n0,5,0\n1,6,1\n")
    assert list(dataset.features) == ["column_1", "a"]
    assert "column 1 has no name" in dataset.metadata.notes[0]


def test_numbers_are_read_exactly(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=50) * 1e-7
    dataset = load_text(
        tmp_path, "a,y\n" + "".join(f"{value!r},{index % 2}\n" for index, value in enumerate(values.tolist()))
    )
    np.testing.assert_array_equal(dataset.features["a"], values)


def test_a_written_table_is_read_back(tmp_path: Path) -> None:
    german = load("german_credit")
    path = tmp_path / "german.csv"
    german.features.assign(outcome=german.target).to_csv(path, index=False)
    dataset = load_csv(path, "outcome")
    assert dataset.positive == 2
    pd.testing.assert_frame_equal(dataset.features, german.features)
    np.testing.assert_array_equal(dataset.is_positive, german.is_positive)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"a,y\n", "has a header and no rows"),
        (b"a,a,y\n1,2,0\n", "column names must differ; 'a' occurs more than once"),
        (b"y\n1\n0\n", "'y' is the only column found"),
        (b"a,y\n1,0\n2,1,5\n", "rows do not have the 2 columns of the header"),
        (b"a,y\n1,0,9\n2,1,9\n", "rows do not have the 2 columns of the header"),
        (b"a,y\n1,0\n2,\n3\n", "2 rows have no label in column 'y', the first one is row 2 after the header"),
        ("a,y\n\u00e9,0\n".encode("latin-1"), "is not UTF-8 text"),
        ("a,y\n1,0\n".encode("utf-16-le"), "zero bytes"),
        (gzip.compress(b"a,y\n1,0\n")[:-8], "damaged gzip stream"),
        (b"1,2,0\n3,4,1\n", "no column 'y'; the first line holds only numbers"),
    ],
    ids=[
        "nothing",
        "blank",
        "no rows",
        "repeated name",
        "one column",
        "one long row",
        "all rows long",
        "no label",
        "latin-1",
        "utf-16",
        "cut gzip",
        "no header",
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_text(tmp_path, content)


def test_a_missing_target_column_suggests_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"unknown target column of .*own.csv 'color'; did you mean 'colour'"):
        load_text(tmp_path, BASIC, target="color")


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nowhere.csv"):
        load_csv(tmp_path / "nowhere.csv", "y")
    with pytest.raises(ValueError, match="is a folder"):
        load_csv(tmp_path, "y")


def test_a_wide_file_with_few_positives_loads(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    frame = pd.DataFrame(generator.normal(size=(900, 49)), columns=[f"f{index}" for index in range(49)])
    frame["f3"] = 0
    frame["label"] = np.where(np.arange(900) < 41, "oil", "water")
    path = tmp_path / "oil.csv"
    frame.to_csv(path, index=False)
    dataset = load_csv(str(path), "label")
    assert dataset.is_positive.sum() == 41
    assert dataset.metadata.constant_columns == ("f3",)
