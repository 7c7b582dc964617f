"""Data sets: loading by name with checksums, long-tailed subsets, a reader's own CSV.

>>> from repro.data import load
>>> load("german_credit").metadata.class_counts
{1: 700, 2: 300}
"""

from __future__ import annotations

from repro.data.csv_file import counted, csv_lines, load_csv, own_file, remarks
from repro.data.dataset import Dataset, ImageDataset, Metadata
from repro.data.keeping import Status, Summary, clear, describe, fetch, verify
from repro.data.loading import checksum, load, load_images
from repro.data.long_tail import long_tail_counts, make_long_tail
from repro.data.npz_file import load_npz
from repro.data.registry import names
from repro.data.tables import PREDIABETES_PREDICTORS, prediabetes_response

__all__ = [
    "Dataset",
    "ImageDataset",
    "Metadata",
    "PREDIABETES_PREDICTORS",
    "Status",
    "Summary",
    "checksum",
    "clear",
    "counted",
    "csv_lines",
    "describe",
    "fetch",
    "load",
    "load_csv",
    "load_images",
    "load_npz",
    "long_tail_counts",
    "make_long_tail",
    "names",
    "own_file",
    "remarks",
    "prediabetes_response",
    "verify",
]
