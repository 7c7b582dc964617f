"""Result tables: bytes that depend on numbers only, exact floats, and everything wrong named."""

from __future__ import annotations

import csv
import errno
import gzip
import hashlib
import io
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.ground.exceptions import ResultsError
from repro.results import (
    LARGEST_PLAIN,
    Provenance,
    available_tables,
    parse_table,
    provenance_path,
    read_bytes,
    read_table,
    scalar_text,
    table_text,
    write_table,
)


def test_text_of_a_table_is_plain_csv(make_frame):
    assert table_text(make_frame()) == (
        "dataset,level,cell,replicate,metric,value\n"
        "pima,,12e456789012,0,auc,0.30000000000000004\n"
        "pima,100,12e456789012,1,auc,1e-300\n"
        "glass,200,000000000001,0,auc,1.0\n"
    )


def test_bytes_do_not_depend_on_how_pandas_stores_a_column(make_frame):
    expected = table_text(make_frame())
    assert table_text(make_frame(level=pd.Series([math.nan, 100.0, 200.0]))) == expected
    assert table_text(make_frame(level=pd.array([None, 100, 200], dtype="Int64"))) == expected
    assert table_text(make_frame(replicate=pd.Series([0, 1, 0], dtype="int8"))) == expected
    assert table_text(make_frame(dataset=pd.Categorical(["pima", "pima", "glass"]))) == expected


def test_table_and_provenance_come_back_as_written(tmp_path, make_frame, make_provenance):
    path = tmp_path / "deep" / "trial.quick.csv"
    written = write_table(make_frame(), make_provenance(), path)
    read = read_table(path)
    pd.testing.assert_frame_equal(read.frame, written.frame, check_exact=True)
    assert read.frame["value"].tolist() == [0.1 + 0.2, 1e-300, 1.0]
    assert read.frame["cell"].tolist() == ["12e456789012", "12e456789012", "000000000001"]
    assert read.frame["replicate"].dtype == np.int64
    assert read.provenance == written.provenance
    assert read.provenance.rows == 3
    assert read.provenance.table_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert sorted(file.name for file in path.parent.iterdir()) == ["trial.quick.csv", "trial.quick.json"]


def test_writing_what_was_read_gives_the_same_bytes(tmp_path, make_frame, make_provenance):
    first = write_table(make_frame(), make_provenance(), tmp_path / "first.csv")
    write_table(first.frame, first.provenance, tmp_path / "second.csv")
    assert (tmp_path / "second.csv").read_bytes() == (tmp_path / "first.csv").read_bytes()
    assert (tmp_path / "second.json").read_bytes() == (tmp_path / "first.json").read_bytes()


setting = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(alphabet="abc ,\"'\n-ü", min_size=1),
)


@settings(max_examples=150, deadline=None)
@given(column=st.lists(setting, min_size=1, max_size=6), values=st.data())
def test_any_settings_and_any_floats_survive(column, values):
    floats = st.floats(allow_infinity=False)
    numbers = values.draw(st.lists(floats, min_size=len(column), max_size=len(column)))
    frame = pd.DataFrame(
        {
            "setting": pd.Series(column, dtype=object),
            "cell": "c0ffee000000",
            "replicate": range(len(column)),
            "metric": "auc",
            "value": numbers,
        }
    )
    text = table_text(frame)
    back = parse_table(text)
    assert table_text(back) == text
    assert [scalar_text(value) for value in back["setting"]] == [scalar_text(value) for value in column]
    assert np.array_equal(back["value"].to_numpy(), np.array(numbers), equal_nan=True)


def test_column_types_are_the_narrowest_that_hold_all_entries():
    text = "yes,whole,gap,real,word,cell,replicate,metric,value\nTrue,1,,0.5,a,c,x,m,NaN\nFalse,-2,3,2,1e,c,y,m,2\n"
    frame = parse_table(text)
    kinds = {name: frame[name].dtype.kind for name in ("yes", "whole", "gap", "real", "value")}
    assert kinds == {"yes": "b", "whole": "i", "gap": "f", "real": "f", "value": "f"}
    assert frame["word"].tolist() == ["a", "1e"]
    assert math.isnan(frame["value"][0])


@pytest.mark.parametrize("text", ["1.0", "007.5", "1e3", "1000000000000000000", "100000000000000000000.0"])
def test_text_that_would_read_back_as_a_number_is_refused(text, make_frame):
    with pytest.raises(ResultsError, match=f"column 'dataset' holds '{text}', which would be read back"):
        table_text(make_frame(dataset=[text] * 3))


def test_text_like_007_stays_text(make_frame):
    frame = parse_table(table_text(make_frame(dataset=["007", "1_0", "nan"])))
    assert frame["dataset"].tolist() == ["007", "1_0", "nan"]


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (lambda a_frame: a_frame().drop(columns="metric"), "columns must end with cell, replicate, metric, value"),
        (lambda a_frame: a_frame()[["cell", "dataset", "replicate", "metric", "value"]], "columns must end with"),
        (
            lambda a_frame: a_frame(variant="flipped")[["dataset", "variant", "cell", "replicate", "metric", "value"]],
            "must come first",
        ),
        (lambda a_frame: a_frame().iloc[:0], "no rows"),
        (lambda a_frame: a_frame(value=[1.0, math.inf, -math.inf]), "column 'value' is infinite in 2 of 3 rows"),
        (lambda a_frame: a_frame(value=["1", "two", "3"]), "column 'value' must hold numbers"),
        (lambda a_frame: a_frame(replicate=[0, None, 0]), "column 'replicate' is empty in 1 of 3 rows"),
        (lambda a_frame: a_frame(metric=["auc", "", "auc"]), "column 'metric' is empty in 1 of 3 rows"),
        (lambda a_frame: a_frame(level=[100, 100, 200], replicate=[1, 1, 0]), "1 rows repeat the key of another row"),
        (lambda a_frame: a_frame(level=[[1], 2, 3]), "column 'level': a setting must be text"),
    ],
)
def test_a_malformed_frame_is_refused_and_nothing_written(tmp_path, make_frame, make_provenance, frame, problem):
    with pytest.raises(ResultsError, match=problem) as caught:
        write_table(frame(make_frame), make_provenance(), tmp_path / "trial.quick.csv")
    assert "trial.quick.csv" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the file is empty"),
        ("a,b\n1,2\n", "columns must end with"),
        ("x,x,cell,replicate,metric,value\n1,2,c,0,m,1\n", "'x' occurs more than once"),
        (",cell,replicate,metric,value\n1,c,0,m,1\n", "a column has no name"),
        ("cell,replicate,metric,value\nc,0,m,1\nc,1,m\n", "record 3 has 3 entries, expected 4"),
        ("cell,replicate,metric,value\nc,0,m,1,5\n", "record 2 has 5 entries, expected 4"),
        ("cell,replicate,metric,value\nc,0,m,one\n", "column 'value' must hold numbers"),
        ("cell,replicate,metric,value\nc,0,m,inf\n", "infinite in 1 of 1 rows"),
        ("cell,replicate,metric,value\nc,,m,1\n", "column 'replicate' is empty in 1 of 1 rows"),
        ("cell,replicate,metric,value\nc,0,m,1\nc,0,m,2\n", "repeat the key"),
        ('cell,replicate,metric,value\n"c"x,0,m,1\n', "not a CSV file"),
    ],
)
def test_a_malformed_text_is_refused(text, problem):
    with pytest.raises(ResultsError, match=problem):
        parse_table(text, source="some.csv")


@pytest.fixture
def written(tmp_path, make_frame, make_provenance):
    path = tmp_path / "trial.quick.csv"
    write_table(make_frame(), make_provenance(), path)
    return path


def test_a_changed_table_is_noticed(written):
    written.write_text(written.read_text().replace("1e-300", "1e-301"))
    with pytest.raises(ResultsError, match=r"trial\.quick\.csv: the table is not the one its provenance describes"):
        read_table(written)


def test_a_table_without_provenance_is_refused(written):
    provenance_path(written).unlink()
    with pytest.raises(ResultsError, match=r"trial\.quick\.json: provenance is missing; run the experiment again"):
        read_table(written)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(ResultsError, match=r"none\.csv: no such result table"):
        read_table(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('"rows": 3', '"rows": 4', "the provenance says 4 rows"),
        ('"rows": 3', '"rows": "many"', "key 'rows'"),
        ('"schema_version": 1', '"schema_version": 2', "key 'schema_version'"),
        ('"cells": 2', '"cells": 2, "cell": 3', "key 'cell': Extra inputs"),
        ('"profile": "quick"', '"profile": "quik"', "key 'profile'"),
        ("2026-01-02T03:04:05Z", "yesterday", "key 'started'"),
        ('"rows": 3', '"rows" 3', r"key '\(file\)'"),
    ],
)
def test_a_malformed_provenance_names_the_key(written, before, after, problem):
    file = provenance_path(written)
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))
    with pytest.raises(ResultsError, match=problem) as caught:
        read_table(written)
    assert "trial.quick" in str(caught.value)


def test_bytes_that_are_no_text_are_named(written):
    content = b"\xff\xfe"
    written.write_bytes(content)
    file = provenance_path(written)
    provenance = Provenance.model_validate_json(file.read_bytes())
    changed = provenance.model_copy(update={"table_sha256": hashlib.sha256(content).hexdigest()})
    file.write_text(changed.model_dump_json())
    with pytest.raises(ResultsError, match="not UTF-8"):
        read_table(written)


def test_an_interrupted_rewrite_is_noticed_and_mended_by_writing_again(
    written, monkeypatch, make_frame, make_provenance
):
    def killed(path, text):
        raise KeyboardInterrupt

    monkeypatch.setattr("repro.results.tables.atomic_write_text", killed)
    with pytest.raises(KeyboardInterrupt):
        write_table(make_frame(value=[1.0, 2.0, 3.0]), make_provenance(), written)
    with pytest.raises(ResultsError, match="run the experiment again"):
        read_table(written)
    monkeypatch.undo()
    write_table(make_frame(value=[1.0, 2.0, 3.0]), make_provenance(), written)
    assert read_table(written).frame["value"].tolist() == [1.0, 2.0, 3.0]


def test_a_disk_that_fills_up_leaves_the_old_table(written, monkeypatch, make_frame, make_provenance):
    before = written.read_bytes()
    write_bytes = Path.write_bytes

    def half(path, content):
        write_bytes(path, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="no space left"):
        write_table(make_frame(value=[1.0, 2.0, 3.0]), make_provenance(), written)
    monkeypatch.undo()
    assert written.read_bytes() == before
    assert read_table(written).path == written
    assert len(list(written.parent.iterdir())) == 2, "nothing half written stays"


# Large tables are compressed


@pytest.fixture
def compressed(monkeypatch):
    monkeypatch.setattr("repro.results.tables.LARGEST_PLAIN", 10)


def test_a_large_table_is_stored_compressed_and_read_back_exactly(tmp_path, make_frame, make_provenance, compressed):
    path = tmp_path / "trial.quick.csv"
    written = write_table(make_frame(), make_provenance(), path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["trial.quick.csv.gz", "trial.quick.json"]
    text = gzip.decompress((tmp_path / "trial.quick.csv.gz").read_bytes())
    assert text.decode() == table_text(make_frame())
    assert written.provenance.table_sha256 == hashlib.sha256(text).hexdigest()
    pd.testing.assert_frame_equal(read_table(path).frame, written.frame, check_exact=True)


def test_compressed_bytes_depend_on_the_numbers_only(tmp_path, make_frame, make_provenance, compressed, monkeypatch):
    write_table(make_frame(), make_provenance(), tmp_path / "first.csv")
    monkeypatch.setattr("time.time", lambda: 2e9)
    write_table(make_frame(), make_provenance(), tmp_path / "other.csv")
    assert (tmp_path / "first.csv.gz").read_bytes() == (tmp_path / "other.csv.gz").read_bytes()


def test_a_table_that_grows_or_shrinks_leaves_one_form(tmp_path, make_frame, make_provenance, monkeypatch):
    path = tmp_path / "trial.csv"
    for largest, name in ((10, "trial.csv.gz"), (10_000, "trial.csv"), (10, "trial.csv.gz")):
        monkeypatch.setattr("repro.results.tables.LARGEST_PLAIN", largest)
        write_table(make_frame(), make_provenance(), path)
        assert sorted(file.name for file in tmp_path.iterdir()) == sorted([name, "trial.json"])
        assert len(read_table(path).frame) == 3


def test_of_two_forms_after_an_interrupted_write_the_described_one_counts(
    tmp_path, make_frame, make_provenance, compressed
):
    path = tmp_path / "trial.csv"
    write_table(make_frame(), make_provenance(), path)
    path.write_text(table_text(make_frame(value=[5.0, 6.0, 7.0])))
    assert read_table(path).frame["value"].tolist() == [0.1 + 0.2, 1e-300, 1.0]


def test_content_that_is_in_place_is_not_written_again(tmp_path, make_frame, make_provenance, compressed):
    path = tmp_path / "trial.csv"
    write_table(make_frame(), make_provenance(), path)
    form = tmp_path / "trial.csv.gz"
    other = gzip.compress(gzip.decompress(form.read_bytes()), compresslevel=1, mtime=5)
    form.write_bytes(other)  # as another version of zlib would have packed it
    write_table(make_frame(), make_provenance(), path)
    assert form.read_bytes() == other


@pytest.mark.parametrize("damage", [lambda content: content[:-9], lambda content: b"no gzip", lambda content: b""])
def test_a_damaged_compressed_table_is_named(tmp_path, make_frame, make_provenance, compressed, damage):
    path = tmp_path / "trial.csv"
    write_table(make_frame(), make_provenance(), path)
    form = tmp_path / "trial.csv.gz"
    form.write_bytes(damage(form.read_bytes()))
    with pytest.raises(ResultsError, match=r"trial\.csv"):
        read_table(path)


def test_committed_tables_are_small_and_large_ones_compressed():
    root = Path(__file__).resolve().parents[2] / "results"
    tables = [path for path in root.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in tables) < 10e6
    plain = [path.name for path in root.rglob("*.csv") if path.stat().st_size > LARGEST_PLAIN]
    assert not plain


def test_the_tables_of_a_compact_study_are_small():
    """Six studies are deep; of the others two keep the values of every draw, which a budget of their own allows."""
    deep = {"auroc_auprc", "mixup_collapse", "neural_collapse", "presto", "sade", "smote"}
    larger = {"aggregate_responses": 300_000, "noisy_metrics": 210_000}
    folders = [folder for folder in (Path(__file__).resolve().parents[2] / "results").iterdir() if folder.is_dir()]
    sizes = {folder.name: sum(path.stat().st_size for path in folder.iterdir()) for folder in folders}
    assert deep < set(sizes)
    assert {name: size for name, size in sizes.items() if name not in deep and size > larger.get(name, 100_000)} == {}


def as_first_read(text: str) -> pd.DataFrame:
    """Table read line by line and entry by entry, as the first version of the reader did."""
    columns, *rows = list(csv.reader(io.StringIO(text), strict=True))
    content = {}
    for place, name in enumerate(columns):
        texts = [row[place] for row in rows]
        present = set(texts) - {""}
        if name == "value":
            content[name] = pd.Series([float(text) for text in texts], dtype="float64")
        elif name in ("cell", "metric"):
            content[name] = pd.Series(texts, dtype="str")
        elif present and present <= {"True", "False"}:
            values = [None if text == "" else text == "True" for text in texts]
            content[name] = pd.Series(values, dtype=object if "" in texts else bool)
        elif present and "" not in texts and all(re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", text) for text in present):
            content[name] = pd.Series([int(text) for text in texts], dtype="int64")
        elif present and all(re.fullmatch(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?", text) for text in present):
            content[name] = pd.Series([float(text) if text else math.nan for text in texts], dtype="float64")
        else:
            content[name] = pd.Series([text or None for text in texts], dtype="str" if present else object)
    return pd.DataFrame(content)


def test_all_tables_are_read_as_they_always_were() -> None:
    tables = available_tables()
    assert len(tables) > 40
    for path in tables.values():
        text = read_bytes(path).decode()
        pd.testing.assert_frame_equal(parse_table(text), as_first_read(text), check_exact=True)


@pytest.mark.parametrize("quoted", ["a,b", 'say "a"', "two\nlines", "a"])
def test_texts_with_quotes_and_line_ends_are_read_like_others(make_frame, quoted) -> None:
    text = table_text(make_frame(dataset=[quoted, "b", "c"]))
    assert parse_table(text)["dataset"].tolist() == [quoted, "b", "c"]


def test_many_distinct_keys_are_told_apart() -> None:
    rows = 2000
    columns = {f"setting_{number}": [f"{number}-{row}" for row in range(rows)] for number in range(7)}
    frame = pd.DataFrame(columns | {"cell": "a", "replicate": 0, "metric": "m", "value": 0.5})
    assert len(parse_table(table_text(frame))) == rows
    with pytest.raises(ResultsError, match="1 rows repeat the key of another row"):
        table_text(pd.concat([frame, frame[-1:]], ignore_index=True))
