"""Result tables with their provenance: what a run measured, and under which conditions.

A table is a CSV file of tidy rows, one number each, beside a JSON file of the same name that says which code,
data, seeds, libraries and machine produced it. Both are written whole or not at all and checked on reading.
"""

from __future__ import annotations

from repro.results.places import available_tables, find_table, readable_paths, table_path
from repro.results.provenance import SCHEMA_VERSION, EarlierRun, Hardware, Provenance
from repro.results.tables import (
    ResultTable,
    parse_table,
    provenance_path,
    read_table,
    scalar_text,
    table_text,
    write_table,
)

__all__ = [
    "SCHEMA_VERSION",
    "EarlierRun",
    "Hardware",
    "Provenance",
    "ResultTable",
    "available_tables",
    "find_table",
    "parse_table",
    "provenance_path",
    "read_table",
    "readable_paths",
    "scalar_text",
    "table_path",
    "table_text",
    "write_table",
]
