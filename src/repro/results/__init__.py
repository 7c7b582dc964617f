"""Result tables with their provenance: what a run measured, and under which conditions.

A table is a CSV file of tidy rows, one number each, beside a JSON file of the same name that says which code,
data, seeds, libraries and machine produced it. Both are written whole or not at all and checked on reading.
"""

from __future__ import annotations

from repro.results.currency import data_checksums, experiment_hash, is_current, reasons_to_renew
from repro.results.places import available_tables, find_table, readable_paths, table_path
from repro.results.provenance import SCHEMA_VERSION, EarlierRun, Hardware, Provenance, Renewal
from repro.results.tables import (
    LARGEST_PLAIN,
    ResultTable,
    compressed_path,
    parse_table,
    provenance_path,
    read_bytes,
    read_table,
    scalar_text,
    stored_files,
    table_text,
    write_provenance,
    write_table,
)

__all__ = [
    "LARGEST_PLAIN",
    "SCHEMA_VERSION",
    "EarlierRun",
    "Hardware",
    "Provenance",
    "Renewal",
    "ResultTable",
    "available_tables",
    "compressed_path",
    "data_checksums",
    "experiment_hash",
    "find_table",
    "is_current",
    "parse_table",
    "provenance_path",
    "read_bytes",
    "read_table",
    "readable_paths",
    "reasons_to_renew",
    "scalar_text",
    "stored_files",
    "table_path",
    "table_text",
    "write_provenance",
    "write_table",
]
