from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from repro.data import Dataset, csv_lines, load, load_csv, own_file, remarks
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
        BASIC.replace(",", "|"),
        "sep=;\n" + BASIC.replace(",", ";"),
        '"sep=|"\r\n' + BASIC.replace(",", "|").replace("\n", "\r\n"),
        BASIC.replace("\n", ",\n"),
        BASIC.replace("yes\n", "yes,,\n"),
        BASIC + ",,,\n,,,\n",
        BASIC.replace(",", ", "),
        BASIC.replace("\n", "\r\n"),
        "\ufeff" + BASIC,
        BASIC.rstrip("\n"),
        BASIC + "\n\n",
        gzip.compress(BASIC.encode(), mtime=0),
        BASIC.replace("red", '"red"').replace("b,", '"b",'),
    ],
    ids=[
        "semicolon",
        "tab",
        "pipe",
        "sep line",
        "sep line of windows",
        "every line ends with a separator",
        "one line ends with separators",
        "lines of separators",
        "blanks",
        "windows",
        "mark",
        "no last line end",
        "blank lines",
        "gzip",
        "quotes",
    ],
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
    assert load_text(tmp_path, "a,y\n1,Some\n2,None\n").target.tolist() == ["Some", "None"]
    assert load_text(tmp_path, "a,y\n1,+\n2,-\n").target.tolist() == ["+", "-"]
    assert load_text(tmp_path, "a;y\n1;0,5\n2;1,0\n").target.tolist() == [0.5, 1.0]


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
    dataset = load_text(tmp_path, ",a,y\n7,5,0\n3,6,1\n")
    assert list(dataset.features) == ["column_1", "a"]
    assert dataset.metadata.notes[0] == "column 1 has no name: it is called 'column_1'"


@pytest.mark.parametrize("name", ["", '""', "Unnamed: 0"])
def test_row_numbers_without_a_name_are_left_out(tmp_path: Path, name: str) -> None:
    dataset = load_text(tmp_path, f"{name},a,y\n0,5,0\n1,6,1\n4,6,0\n")
    assert list(dataset.features) == ["a"]
    assert dataset.metadata.notes[0] == "column 1 has no name: it numbers the rows and is left out"


def test_columns_that_number_or_name_the_rows_are_pointed_out(tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    numbers = generator.permutation(1000)[:40]
    ages = generator.integers(20, 60, size=40)
    lines = [
        f"{row + 1},{number},R-{row:03d},{number * 7},{age},{'abcd'[row % 4]}{row // 6},{int(row < 9)}\n"
        for row, (number, age) in enumerate(zip(numbers, ages, strict=True))
    ]
    dataset = load_text(tmp_path, "count,patient_id,record,income,age,ward,y\n" + "".join(lines))
    assert list(dataset.features) == ["count", "income", "age", "ward"]
    told = {name: [note for note in dataset.metadata.notes if repr(name) in note] for name in dataset.features}
    assert told["count"] == ["column 'count' rises from row to row, as row numbers do; it is used"]
    assert told["ward"] == ["column 'ward' has 28 categories in 40 rows"]
    assert told["income"] == told["age"] == []
    for name, what, hint in (("record", "text", ""), ("patient_id", "whole number", "; if it is a feature, rename it")):
        told_so = f"column {name!r} holds another {what} in each row, as identifiers do: left out{hint}"
        assert told_so in dataset.metadata.notes


def test_an_identifier_of_which_one_occurs_twice_is_used_with_a_note_and_a_wanted_one_is_kept(tmp_path: Path) -> None:
    numbers = np.random.default_rng(5).permutation(1000)[:40]
    (tmp_path / "own.csv").write_text("id,a,y\n" + "".join(f"{n},{n % 7},{n % 2}\n" for n in numbers))
    assert list(load_csv(tmp_path / "own.csv", "y").features) == ["a"]
    assert load_csv(tmp_path / "own.csv", "y", columns=["id"]).features["id"].tolist() == numbers.tolist()
    numbers[1] = numbers[0]
    dataset = load_text(tmp_path, "id,a,y\n" + "".join(f"{n},{n % 7},{n % 2}\n" for n in numbers))
    assert list(dataset.features) == ["id", "a"]
    assert "column 'id' holds 39 different whole numbers, as identifiers do; it is used" in dataset.metadata.notes


def test_lines_are_those_that_an_editor_shows(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text('sep=;\na;y\n1;0\n\n"two\nlines";1\n;;\n3;0\n')
    assert csv_lines(path, "y") == [3, 6, 8]
    assert "1 line holds nothing but separators and is left out" in load_csv(path, "y").metadata.notes
    path.write_text("sep=;\na;y\n1;0\n\n2;\n")
    with pytest.raises(ValueError, match="1 row has no label in column 'y', in line 5 of the file"):
        load_csv(path, "y")


def test_a_column_that_holds_nothing_has_only_missing_values(tmp_path: Path) -> None:
    dataset = load_text(tmp_path, "a,b,y\n1,,0\n2,NA,1\n")
    assert dataset.metadata.missing_values == {"b": 2}


def test_the_separator_is_the_one_that_fits_the_rows_and_names_the_target(tmp_path: Path) -> None:
    dataset = load_text(tmp_path, "age;pressure (sys, dia, mean);y\n54;120,5;0\n61;140,25;1\n")
    assert list(dataset.features) == ["age", "pressure (sys, dia, mean)"]
    assert dataset.features.iloc[:, 1].tolist() == [120.5, 140.25]
    quoted = load_text(tmp_path, '"a, or; b",note,y\n1,"x; y; z",0\n2,"two\nlines; of; text",1\n')
    assert list(quoted.features) == ["a, or; b", "note"]
    assert quoted.features["note"].cat.categories.tolist() == ["two\nlines; of; text", "x; y; z"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["1,25", "2,5", "-3,0"], [1.25, 2.5, -3.0]),
        (["1.250,5", "2.000.000", "7"], [1250.5, 2e6, 7.0]),
        (["1,250.5", "2,000,000", "7"], [1250.5, 2e6, 7.0]),
        (["100.5", "1,234", "2"], [100.5, 1234.0, 2.0]),
        (["12 345", "1 234 567", "8"], [12345, 1234567, 8]),
        (["12'345.5", "1'000", "8"], [12345.5, 1000.0, 8.0]),
        (["1,5e3", "2", "?"], [1500.0, 2.0, None]),
        (["12\u202f345,5", "1", "2"], [12345.5, 1.0, 2.0]),
    ],
)
def test_numbers_of_other_countries_are_read_with_a_note(
    tmp_path: Path, written: list[str], expected: list[float | None]
) -> None:
    dataset = load_text(tmp_path, "v;y\n" + "".join(f"{value};{row % 2}\n" for row, value in enumerate(written)))
    found = dataset.features["v"]
    assert [None if np.isnan(value) else value for value in found.tolist()] == expected
    assert dataset.metadata.notes[0].startswith("column 'v' is read as numbers, ")


def test_what_can_be_read_in_two_ways_is_decided_by_the_file_or_refused(tmp_path: Path) -> None:
    def read(*columns: str) -> list[float]:
        rows = "".join(
            f"{';'.join(fields)};{row % 2}\n" for row, fields in enumerate(zip(*map(str.split, columns), strict=True))
        )
        found: list[float] = load_text(tmp_path, ";".join("vwx"[: len(columns)]) + ";y\n" + rows).features["v"].tolist()
        return found

    assert read("1,234 2,500", "0,5 1,25") == [1.234, 2.5]
    assert read("1,234 2,500", "0.5 1.25") == [1234, 2500]
    assert read("1.234 2.500", "0.5 1.25") == [1.234, 2.5]
    assert read("1.234 2.500") == [1.234, 2.5]
    assert read("1.234 2.500", "0,5 1,25") == [1234, 2500]
    for columns in (["1,234 2,500"], ["12'345 1,234"], ["1,234 2,500", "0,5 1,5", "0.5 1.5"]):
        with pytest.raises(ValueError, match=r"'1.234' in column 'v' can be 1\.234 or 1234; write numbers"):
            read(*columns)


@pytest.mark.parametrize("wrong", ["12o", "1,5", "12%", "n.a.x", "\u2212 4"])
def test_a_column_of_numbers_with_a_wrong_field_is_refused_by_column_field_and_line(tmp_path: Path, wrong: str) -> None:
    rows = "".join(f'"{wrong if row == 7 else 100 + row / 8}",{row % 2}\n' for row in range(60))
    with pytest.raises(ValueError, match=rf"column 'level' holds numbers.*'{wrong}' in line 9 of the file; write"):
        load_text(tmp_path, "level,y\n" + rows)


def test_a_few_numbers_beside_words_are_categories_with_a_note(tmp_path: Path) -> None:
    dataset = load_text(tmp_path, "stage,y\n1,0\n2,0\n2,1\n3+,1\n")
    assert dataset.features["stage"].tolist() == ["1", "2", "2", "3+"]
    assert dataset.metadata.notes[0] == "column 'stage' is read as categories: it holds numbers, but also '3+'"


def test_errors_of_a_spreadsheet_are_missing_and_told(tmp_path: Path) -> None:
    dataset = load_text(tmp_path, "a,b,y\n1.5,x,0\n#DIV/0!,y,1\n#N/A,<NA>,1\n")
    assert dataset.metadata.missing_values == {"a": 2, "b": 1}
    assert dataset.features["a"].dtype == np.float64
    assert dataset.metadata.notes[0] == "column 'a' holds 2 errors of a spreadsheet ('#DIV/0!'): missing"


def test_leading_zeros_and_marks_among_words_are_told(tmp_path: Path) -> None:
    notes = load_text(tmp_path, "zip,c,y\n01234,?,0\n98765,a,1\n").metadata.notes
    assert notes[0] == "column 'zip' is read as numbers although some begin with 0 ('01234'); is it a code?"
    assert notes[1] == "'?' in column 'c' is a category of its own, not a missing value"


@pytest.mark.parametrize("mark", ["nan", "NaN", "NA", "?", "<NA>", "NULL", "null", "#N/A", "none", "None", "-", "."])
def test_marks_of_missing_labels_are_no_class(tmp_path: Path, mark: str) -> None:
    rows = "".join(f"{row},{mark if row == 5 else float(row % 3 == 0)}\n" for row in range(20))
    with pytest.raises(ValueError, match=r"1 row has no label in column 'y' \(.*\), in line 7 of the file; remove it"):
        load_text(tmp_path, "a,y\n" + rows)


def test_a_word_among_labels_that_are_numbers_is_told(tmp_path: Path) -> None:
    notes = load_text(tmp_path, "a,y\n1,0\n2,1\n3,o\n").metadata.notes
    assert notes[0] == "column 'y' holds numbers and also 'o': each is a class"


def test_everything_to_know_about_a_file_is_put_into_sentences(tmp_path: Path) -> None:
    text = "a,b,c,d,y\n1,7,1,,0\n2,7,2,3,1\n1,7,1,,0\n"
    assert remarks(load_text(tmp_path, text).metadata) == (
        "1 is taken as positive: it has the fewest rows, 1 of 3",
        "column 'd' lacks 2 of 3 values",
        "column 'b' is constant",
        "column 'c' repeats column 'a'",
        "1 of 3 rows repeats an earlier one, also across folds",
    )


def test_checksum_is_that_of_what_is_read(tmp_path: Path) -> None:
    texts = [BASIC, BASIC.replace(",", ";"), BASIC.replace("0.5", "0.50"), BASIC.replace("\n", ",\n")]
    sums = []
    for text in [*texts, BASIC.replace("0.5", "0.75")]:
        (tmp_path / "own.csv").write_text(text)
        sums.append(own_file(load_csv(tmp_path / "own.csv", "y")).checksum)
    assert len(set(sums[:-1])) == 1
    assert sums[-1] != sums[0]


def test_only_the_wanted_columns_are_read_in_the_order_of_the_wish(tmp_path: Path) -> None:
    texts = [f"text {row}" for row in range(30)]
    broken = [*(f"{row}.5" for row in range(29)), "x"]
    rows = [f"{row},{wrong},{text},{row % 2}" for row, (wrong, text) in enumerate(zip(broken, texts, strict=True))]
    path = tmp_path / "own.csv"
    path.write_text("\n".join(["a,broken,person,y", *rows, ""]))
    with pytest.raises(ValueError, match="column 'broken'"):
        load_csv(path, "y")
    found = load_csv(path, "y", columns=["person", "a"])
    assert list(found.features.columns) == ["person", "a"], "a text in each row is left out only where nobody wants it"
    assert found.features["person"].tolist() == texts
    assert own_file(found).checksum != own_file(load_csv(path, "y", columns=["a"])).checksum


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        (["colur"], UnknownName, "unknown column of .*own.csv 'colur'; did you mean 'colour'"),
        (["y"], ValueError, "target and columns must differ, 'y' is named more than once"),
        (["a", "a"], ValueError, "'a' is named more than once"),
    ],
)
def test_wanted_columns_must_be_there_and_differ(
    tmp_path: Path, columns: list[str], error: type[Exception], message: str
) -> None:
    (tmp_path / "own.csv").write_text(BASIC)
    with pytest.raises(error, match=message):
        load_csv(tmp_path / "own.csv", "y", columns=columns)


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
        (b"a,y\n1,0\n2,1,5\n", "1 of 2 rows does not have the 2 columns of the header"),
        (b"a,y\n1,0,9\n2,1,9\n", "rows do not have the 2 columns of the header"),
        (b"a,y\n1,0\n2,\n3,\n", "2 rows have no label in column 'y', the first one in line 3 of the file"),
        (
            b"a,y\n1,0\n2\n",
            "1 of 2 rows does not have the 2 columns of the header, the first one is line 3 of the file with 1 field;",
        ),
        (b"a b y\n1 2 0\n", "'a b y' is the only column found .separators tried: comma, semicolon, tab, pipe"),
        (b"@relation r\n@attribute a real\n@data\n1\n", "is an ARFF file"),
        (b'a,y\n"1,0\n2,1\n', "cannot be read as CSV: unexpected end of data, in or above line 3"),
        (b"Report of 2024,,\n\na,b,y\n1,2,0\n", "column 'y' is not named in the first line but further down"),
        ("a,y\n\u00e9,0\n".encode("latin-1"), "is not UTF-8 text"),
        ("a,y\n1,0\n".encode("utf-16-le"), "zero bytes"),
        (gzip.compress(b"a,y\n1,0\n", mtime=0)[:-8], "damaged gzip stream"),
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
        "one short row",
        "blanks between fields",
        "arff",
        "open quotation mark",
        "lines above the header",
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
