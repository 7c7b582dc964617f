"""Data frames from R's ``.rda`` files, read by the package ``rdata``, which executes nothing that it finds there."""

from __future__ import annotations

import io
import warnings

import pandas as pd

from repro.ground.exceptions import DataUnavailable


def read_data_frame(content: bytes, name: str) -> pd.DataFrame:
    """Read one data frame of an ``.rda`` file.

    Parameters
    ----------
    content : bytes
        The file, plain or compressed by gzip, bzip2 or xz.
    name : str
        What the data frame is called in R.

    Returns
    -------
    pandas.DataFrame
        Rows numbered from 0. Factors are categories with R's levels in their order; numbers, truth values and texts
        have the types of pandas that know missing values.

    Raises
    ------
    ValueError
        If the bytes are no R data, are damaged or cut off, or hold no such data frame.
    DataUnavailable
        If the package ``rdata`` is not installed.
    """
    try:
        import rdata
    except ImportError as error:
        raise DataUnavailable("reading an R file needs an extra: pip install 'imbalance-book[r]'") from error
    try:
        with warnings.catch_warnings(action="ignore"):
            found = dict(rdata.read_rda(io.BytesIO(content), default_encoding="utf-8"))
    except Exception as error:  # rdata gives no promise what it raises: AssertionError, IndexError, lzma.LZMAError, ...
        raise ValueError(f"damaged R data, or none ({type(error).__name__}: {error})") from error
    frames = {key: value for key, value in found.items() if isinstance(value, pd.DataFrame)}
    if name not in frames:
        raise ValueError(f"the R data hold no data frame {name!r}, only {list(frames)}")
    return frames[name].reset_index(drop=True)
