"""The files `r-frame-*.rda` and `r-function.rda` were written by R 4.2.2 (`save`, versions 2 and 3)."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest

from repro.data.r_data import read_data_frames

HERE = Path(__file__).parent


@pytest.mark.parametrize("version", [2, 3])
def test_a_data_frame_written_by_r_is_read(version: int) -> None:
    frames = read_data_frames((HERE / f"r-frame-version{version}.rda").read_bytes())
    assert list(frames) == ["d"]  # the vector saved beside it is no data frame
    frame = frames["d"]
    np.testing.assert_array_equal(frame["whole"], [1, np.nan, 3])
    np.testing.assert_array_equal(frame["number"], [0.5, np.nan, -2])
    assert frame["text"].fillna("missing").tolist() == ["aé", "missing", "b"]
    assert frame["range"].tolist() == [4, 5, 6]  # a compact range in version 3
    assert frame["sorted"].tolist() == ["7", "8", "9"]  # numbers shown as text in version 3
    assert frame["ordered"].cat.ordered
    assert frame["ordered"].cat.codes.tolist() == [0, -1, 1]
    assert frame["ordered"].cat.categories.tolist() == ["low", "high"]


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, bytes])
def test_every_compression_of_r_is_read(pack) -> None:
    plain = gzip.decompress((HERE / "r-frame-version2.rda").read_bytes())
    assert len(read_data_frames(pack(plain))["d"]) == 3


def test_code_is_refused() -> None:
    with pytest.raises(ValueError, match="object of type 3, which no data frame needs"):
        read_data_frames((HERE / "r-function.rda").read_bytes())


def test_every_cut_of_a_file_is_refused() -> None:
    content = (HERE / "r-frame-version3.rda").read_bytes()
    plain = gzip.decompress(content)
    for end in range(0, len(plain) - 4, 7):
        with pytest.raises(ValueError, match="R data"):
            read_data_frames(plain[:end])
    with pytest.raises(ValueError, match="compressed R data are damaged"):
        read_data_frames(content[:-20])


def test_other_files_are_refused() -> None:
    with pytest.raises(ValueError, match="no binary R data: the file starts with b'a,b"):
        read_data_frames(b"a,b\n1,2\n")
