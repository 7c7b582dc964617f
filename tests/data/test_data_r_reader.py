"""The files `r-frame-*.rda` and `r-function.rda` were written by R 4.2.2 (`save`, versions 2 and 3)."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
from pathlib import Path

import pytest

from repro.data.r_data import read_data_frame
from repro.ground.exceptions import DataUnavailable

HERE = Path(__file__).parent


@pytest.mark.parametrize("version", [2, 3])
def test_a_data_frame_written_by_r_is_read(version: int) -> None:
    frame = read_data_frame((HERE / f"r-frame-version{version}.rda").read_bytes(), "d")
    assert frame.index.tolist() == [0, 1, 2]
    assert frame["whole"].fillna(-1).tolist() == [1, -1, 3]
    assert frame["number"].fillna(-1).tolist() == [0.5, -1, -2]
    assert frame["text"].fillna("missing").tolist() == ["aé", "missing", "b"]
    assert frame["range"].tolist() == [4, 5, 6]  # a compact range in version 3
    assert frame["sorted"].tolist() == ["7", "8", "9"]  # numbers shown as text in version 3
    assert frame["ordered"].cat.ordered
    assert frame["ordered"].cat.codes.tolist() == [0, -1, 1]
    assert frame["ordered"].cat.categories.tolist() == ["low", "high"]


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, bytes])
def test_every_compression_of_r_is_read(pack) -> None:
    plain = gzip.decompress((HERE / "r-frame-version2.rda").read_bytes())
    assert len(read_data_frame(pack(plain), "d")) == 3


def test_code_and_vectors_are_no_data_frame() -> None:
    with pytest.raises(ValueError, match="R data"):
        read_data_frame((HERE / "r-function.rda").read_bytes(), "f")
    with pytest.raises(ValueError, match=r"the R data hold no data frame 'other', only \['d'\]"):
        read_data_frame((HERE / "r-frame-version2.rda").read_bytes(), "other")


def test_every_cut_of_a_file_is_refused() -> None:
    content = (HERE / "r-frame-version3.rda").read_bytes()
    plain = gzip.decompress(content)
    for end in range(0, len(plain) - 4, 7):
        with pytest.raises(ValueError, match="damaged R data"):
            read_data_frame(plain[:end], "d")
    with pytest.raises(ValueError, match=r"damaged R data, or none \(EOFError"):
        read_data_frame(content[:-20], "d")


def test_other_files_are_refused(recwarn: pytest.WarningsRecorder) -> None:
    with pytest.raises(ValueError, match=r"damaged R data, or none .*Unknown file format"):
        read_data_frame(b"a,b\n1,2\n", "d")
    assert recwarn.list == []


def test_without_the_extra_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rdata", None)
    with pytest.raises(DataUnavailable, match=r"pip install 'imbalance-book\[r\]'"):
        read_data_frame(b"", "d")
