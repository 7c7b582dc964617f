"""How results are written: as JSON, and in an encoding that lacks characters."""

from __future__ import annotations

import io
import json
import math
import sys

import pytest

from repro.cli import main
from repro.cli.output import emit, in_any_encoding, json_text, say, table_text


def test_numbers_that_json_lacks_become_null_at_any_depth() -> None:
    content = {"estimate": math.nan, "interval": (-math.inf, 0.5), "conditions": [{"estimate": math.inf, "n": 3}]}
    expected = {"estimate": None, "interval": [None, 0.5], "conditions": [{"estimate": None, "n": 3}]}
    assert json.loads(json_text(content), parse_constant=lambda name: f"no JSON: {name}") == expected


Streams = tuple[io.BytesIO, io.BytesIO]


def streams_in(encoding: str, monkeypatch: pytest.MonkeyPatch) -> Streams:
    """Output and error in an encoding, as of a pipe on Windows."""
    pipes = io.BytesIO(), io.BytesIO()
    for name, pipe in zip(("stdout", "stderr"), pipes, strict=True):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(pipe, encoding=encoding, write_through=True))
    return pipes


def test_what_a_code_page_lacks_is_written_in_plain_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = streams_in("cp1252", monkeypatch)
    in_any_encoding()
    emit("café ≥ 2 – ½ ✓ → ńo\n", None)
    say("┌─┬│┘ 北 \U0001f600")
    assert streams[0].getvalue().decode("cp1252").split() == ["café", ">=", "2", "–", "½", "+", "->", "no"]
    assert streams[1].getvalue().decode("cp1252").split() == [
        "+-+|+",
        "<cjk",
        "unified",
        "ideograph-5317>",
        "<grinning",
        "face>",
    ]


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437"])
def test_commands_print_their_tables_in_any_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = streams_in(encoding, monkeypatch)
    assert main(["list", "smote"]) == 0
    assert main(["run", "mixup", "--profile", "größer ≥"]) == 2
    out, err = (pipe.getvalue().decode(encoding) for pipe in streams)
    assert "smote.roc_sweep" in out
    assert "gr" in err
    assert "codec" not in err


def test_where_the_encoding_has_them_lines_stay_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = streams_in("utf-8", monkeypatch)
    in_any_encoding()
    emit(table_text(("a",), [("≥",)]), None)
    assert "─" in streams[0].getvalue().decode()
    assert "≥" in streams[0].getvalue().decode()
