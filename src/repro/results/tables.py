"""Writing and reading tidy result tables, byte for byte the same for the same numbers."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ValidationError

from repro.ground.exceptions import ResultsError
from repro.ground.files import atomic_write_bytes, atomic_write_text
from repro.protocol.experiment import RESERVED_COLUMNS, VARIANT
from repro.results.provenance import Provenance

_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_LARGEST_WHOLE_FLOAT = 2.0**53
LARGEST_PLAIN: Final = 5_000
"""Bytes of CSV text above which a table is stored compressed."""

Coded = tuple[NDArray[np.intp], list[str]]
"""A column of texts: the place of each entry in the list of distinct texts, and that list."""


@dataclass(frozen=True)
class ResultTable:
    """A result table in memory.

    Parameters
    ----------
    frame : pandas.DataFrame
        Tidy rows: ``variant`` (control tables only), setting columns, ``cell``, ``replicate``, ``metric``, ``value``.
    provenance : Provenance
        How it was computed.
    path : pathlib.Path
        Its CSV file, without the ``.gz`` that a compressed one carries.
    """

    frame: pd.DataFrame
    provenance: Provenance
    path: Path


def scalar_text(value: object) -> str:
    """Canonical text of a setting: how it stands in the CSV file and how settings are compared.

    Missing is the empty text. A whole number has no decimal point, whether it came as an integer or as a float, so
    that the text does not depend on how pandas stored the column. Other floats have the shortest text that reads
    back exactly.

    Raises
    ------
    TypeError
        If `value` is no scalar setting.
    """
    if value is None or value is pd.NA:
        return ""
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        number = float(value)
        if math.isnan(number):
            return ""
        whole = number.is_integer() and abs(number) < _LARGEST_WHOLE_FLOAT
        return str(int(number)) if whole else repr(number)
    if isinstance(value, str):
        return value
    raise TypeError(f"a setting must be text, a number, a truth value or None, got {type(value).__name__}: {value!r}")


def _column_texts(column: pd.Series) -> list[str]:
    """Canonical text of every entry of a column; distinct entries are formatted once where the type allows it."""
    if column.dtype == object:  # True and 1 would count as the same entry
        return [scalar_text(value) for value in column]
    codes, distinct = pd.factorize(column, use_na_sentinel=False)
    texts = [scalar_text(value) for value in distinct]
    return [texts[code] for code in codes]


def _codes(texts: Sequence[str]) -> Coded:
    """For each entry its place in the list of distinct ones, and that list."""
    distinct = list(dict.fromkeys(texts))
    place = dict(zip(distinct, range(len(distinct)), strict=True))
    return np.fromiter(map(place.__getitem__, texts), dtype=np.intp, count=len(texts)), distinct


def _from_texts(codes: NDArray[np.intp], distinct: Sequence[str]) -> pd.Series:
    """Column of the narrowest of bool, int, float and text that holds all texts; empty text is missing."""
    present = set(distinct) - {""}
    missing = "" in distinct
    values: list[Any]
    if present and present <= {"True", "False"}:
        values, dtype = [None if text == "" else text == "True" for text in distinct], "object" if missing else "bool"
    elif present and not missing and all(_WHOLE_NUMBER.fullmatch(text) for text in present):
        values, dtype = [int(text) for text in distinct], "int64"
    elif present and all(_WHOLE_NUMBER.fullmatch(text) or _NUMBER.fullmatch(text) for text in present):
        values, dtype = [float(text) if text else math.nan for text in distinct], "float64"
    else:
        values, dtype = [text or None for text in distinct], "str" if present else "object"
    return _taken(values, dtype, codes)


def _taken(values: Sequence[Any], dtype: str, codes: NDArray[np.intp]) -> pd.Series:
    return pd.Series(pd.Series(values, dtype=dtype).array.take(codes))


def _number_of_distinct(columns: Iterable[Coded], rows: int) -> int:
    """Count the distinct rows of several columns of texts."""
    combined, size = np.zeros(rows, dtype=np.int64), 1
    for codes, distinct in columns:
        if size * len(distinct) > np.iinfo(np.int64).max:
            combined = np.unique(combined, return_inverse=True)[1]
            size = int(combined.max()) + 1
        combined = combined * len(distinct) + codes
        size *= len(distinct)
    return np.unique(combined).size


def _regular_columns(text: str) -> list[list[str]] | None:
    """Split a CSV file without quotes whose lines have equally many entries; None for any other."""
    if '"' in text or "\r" in text or not text.endswith("\n"):
        return None
    separators = {line.count(",") for line in text[:-1].split("\n")}
    if len(separators) != 1:
        return None
    entries = text[:-1].replace("\n", ",").split(",")
    width = separators.pop() + 1
    return [entries[place::width] for place in range(width)]


def _columns_of(text: str, source: str) -> dict[str, Sequence[str]]:
    """Entries of a CSV file by column, checked to be a rectangle with the columns of a result table."""
    regular = _regular_columns(text)
    if regular is not None:
        columns = [entries[0] for entries in regular]
        _check_columns(columns, source)
        return {name: entries[1:] for name, entries in zip(columns, regular, strict=True)}
    try:
        lines = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise ResultsError(f"{source}: not a CSV file; {error}") from error
    if not lines:
        raise ResultsError(f"{source}: the file is empty")
    columns, rows = lines[0], lines[1:]
    _check_columns(columns, source)
    for number, row in enumerate(rows, start=2):
        if len(row) != len(columns):
            raise ResultsError(f"{source}: record {number} has {len(row)} entries, expected {len(columns)}")
    return {name: [row[position] for row in rows] for position, name in enumerate(columns)}


def _check_columns(columns: Sequence[str], source: str) -> None:
    tail = tuple(columns[-len(RESERVED_COLUMNS) :])
    if tail != RESERVED_COLUMNS:
        raise ResultsError(f"{source}: columns must end with {', '.join(RESERVED_COLUMNS)}; found {', '.join(columns)}")
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise ResultsError(f"{source}: column {repeated[0]!r} occurs more than once")
    if VARIANT in columns and columns[0] != VARIANT:
        raise ResultsError(
            f"{source}: column {VARIANT!r} must come first, found it in place {columns.index(VARIANT) + 1}"
        )
    if "" in columns:
        raise ResultsError(f"{source}: a column has no name")


def _check_rows(columns: Mapping[str, Coded], value: NDArray[np.float64], source: str) -> None:
    """Check what must hold for any result table, just computed or read; `columns` are all but ``value``."""
    rows = len(value)
    if not rows:
        raise ResultsError(f"{source}: the table has no rows")
    for name in ("cell", "replicate", "metric"):
        codes, distinct = columns[name]
        if "" in distinct:
            missing = int((codes == distinct.index("")).sum())
            raise ResultsError(f"{source}: column {name!r} is empty in {missing} of {rows} rows")
    infinite = int(np.isinf(value).sum())
    if infinite:
        raise ResultsError(f"{source}: column 'value' is infinite in {infinite} of {rows} rows")
    if _number_of_distinct(columns.values(), rows) < rows:
        texts = [[distinct[code] for code in codes] for codes, distinct in columns.values()]
        keys = Counter(zip(*texts, strict=True))
        key = dict(zip(columns, keys.most_common(1)[0][0], strict=True))
        raise ResultsError(f"{source}: {rows - len(keys)} rows repeat the key of another row, for example {key}")


def table_text(frame: pd.DataFrame, source: str = "result table") -> str:
    r"""CSV text of a result table: the same numbers always give the same bytes.

    Columns and rows keep their order; lines end with ``\n``; there is no index; floats have their shortest text that
    reads back exactly; NaN is ``NaN`` in ``value`` and a missing setting is empty.

    Parameters
    ----------
    frame : pandas.DataFrame
        Shape (n_rows, n_columns); columns as in :class:`ResultTable`.
    source : str
        How error messages name the table.

    Raises
    ------
    ResultsError
        If columns, keys or values break the layout, or a setting would be read back as something else.
    """
    columns = [str(name) for name in frame.columns]
    _check_columns(columns, source)
    try:
        value = frame["value"].to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ResultsError(f"{source}: column 'value' must hold numbers; {error}") from error
    texts: dict[str, list[str]] = {}
    for name in columns[:-1]:
        try:
            texts[name] = _column_texts(frame[name])
        except TypeError as error:
            raise ResultsError(f"{source}: column {name!r}: {error}") from error
    coded = {name: _codes(entries) for name, entries in texts.items()}
    _check_rows(coded, value, source)
    for name in (column for column in texts if column not in ("cell", "metric")):
        distinct = coded[name][1]
        back = [scalar_text(entry) for entry in _from_texts(np.arange(len(distinct)), distinct)]
        changed = [text for text, again in zip(distinct, back, strict=True) if text != again]
        if changed:
            raise ResultsError(
                f"{source}: column {name!r} holds {changed[0]!r}, which would be read back as another number"
            )
    texts["value"] = ["NaN" if math.isnan(number) else repr(number) for number in value.tolist()]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(texts[name] for name in columns), strict=True))
    return buffer.getvalue()


def parse_table(text: str, source: str = "result table") -> pd.DataFrame:
    """Read a result table from CSV text; the inverse of :func:`table_text`.

    Parameters
    ----------
    text : str
        Content of the file.
    source : str
        How error messages name the table.

    Returns
    -------
    pandas.DataFrame
        Setting columns and ``replicate`` as bool, int64, float64 or text, whichever holds all entries; ``cell`` and
        ``metric`` as text; ``value`` as float64, exactly as written.

    Raises
    ------
    ResultsError
        If the text is not a result table; the message names `source` and the problem.
    """
    texts = _columns_of(text, source)
    try:
        value = np.array([float(entry) for entry in texts.pop("value")], dtype=np.float64)
    except ValueError as error:
        raise ResultsError(f"{source}: column 'value' must hold numbers; {error}") from error
    coded = {name: _codes(entries) for name, entries in texts.items()}
    _check_rows(coded, value, source)
    content = {
        name: _taken(distinct, "str", codes) if name in ("cell", "metric") else _from_texts(codes, distinct)
        for name, (codes, distinct) in coded.items()
    }
    return pd.DataFrame({**content, "value": value})


def provenance_path(path: Path) -> Path:
    """JSON file that belongs to the CSV file `path`."""
    return path.with_suffix(".json")


def compressed_path(path: Path) -> Path:
    """Compressed form of the CSV file `path`."""
    return path.with_name(f"{path.name}.gz")


def stored_files(path: Path) -> list[Path]:
    """Forms in which the CSV file `path` exists: plain, compressed, both (after an interrupted write) or neither."""
    return [form for form in (path, compressed_path(path)) if form.is_file()]


def read_bytes(path: Path) -> bytes:
    """Content of the CSV file `path` in the form in which it is stored; of two, that which its provenance describes.

    Raises
    ------
    ResultsError
        If there is none, or a compressed one is damaged.
    """
    contents = []
    for form in stored_files(path):
        content = form.read_bytes()
        if form != path:
            try:
                content = gzip.decompress(content)
            except (OSError, EOFError, zlib.error) as error:
                raise ResultsError(f"{form}: damaged gzip file ({error}); run the experiment again") from error
        contents.append(content)
    if not contents:
        raise ResultsError(f"{path}: no such result table")
    if len(contents) == 1:
        return contents[0]
    expected = read_provenance(provenance_path(path)).table_sha256
    return next((content for content in contents if hashlib.sha256(content).hexdigest() == expected), contents[0])


def _compressed(content: bytes) -> bytes:
    """Gzip bytes without name and time, so that equal tables give equal files."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=buffer, mode="wb", compresslevel=9, mtime=0) as file:
        file.write(content)
    return buffer.getvalue()


def write_table(frame: pd.DataFrame, provenance: Provenance, path: Path) -> ResultTable:
    """Write a table and its provenance, each whole or not at all; the provenance last.

    A table of more than :data:`LARGEST_PLAIN` bytes is stored compressed, as ``<path>.gz``. One whose content is in
    place already is left as it is.

    Parameters
    ----------
    frame : pandas.DataFrame
        The rows, see :class:`ResultTable`.
    provenance : Provenance
        ``table_sha256``, ``rows`` and ``columns`` are filled in.
    path : pathlib.Path
        The CSV file; the JSON file lies beside it.

    Returns
    -------
    ResultTable
        As :func:`read_table` would give it.

    Raises
    ------
    ResultsError
        If the rows break the layout of a result table. Nothing is written then.
    """
    text = table_text(frame, source=str(path))
    content = text.encode("utf-8")
    complete = provenance.model_copy(
        update={
            "table_sha256": hashlib.sha256(content).hexdigest(),
            "rows": len(frame),
            "columns": [str(name) for name in frame.columns],
        }
    )
    large = len(content) > LARGEST_PLAIN
    form, other = (compressed_path(path), path) if large else (path, compressed_path(path))
    if not _holds(form, content):
        atomic_write_bytes(form, _compressed(content) if large else content)
    write_provenance(complete, path)
    other.unlink(missing_ok=True)
    return ResultTable(parse_table(text, source=str(path)), complete, path)


def _holds(form: Path, content: bytes) -> bool:
    try:
        found = form.read_bytes()
        return (gzip.decompress(found) if form.suffix == ".gz" else found) == content
    except (OSError, EOFError, zlib.error):
        return False


def write_provenance(provenance: Provenance, path: Path) -> None:
    """Write the JSON file beside the CSV file `path`, whole or not at all."""
    atomic_write_text(provenance_path(path), provenance.model_dump_json(indent=2) + "\n")


def read_provenance(path: Path) -> Provenance:
    """Provenance in the JSON file `path`.

    Raises
    ------
    ResultsError
        If the file is missing or malformed; the message names the key.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ResultsError(f"{path}: provenance is missing; run the experiment again") from None
    try:
        return Provenance.model_validate_json(content)
    except ValidationError as error:
        problems = "; ".join(
            f"key {'.'.join(str(part) for part in problem['loc']) or '(file)'!r}: {problem['msg']}"
            for problem in error.errors()
        )
        raise ResultsError(f"{path}: {problems}") from error


def read_table(path: Path) -> ResultTable:
    """Read a table and its provenance and check that both are whole and belong together.

    Parameters
    ----------
    path : pathlib.Path
        The CSV file, named without the ``.gz`` of a compressed one.

    Raises
    ------
    ResultsError
        If a file is missing, malformed or changed since it was written; the message names the file and the problem.
    """
    content = read_bytes(path)
    provenance = read_provenance(provenance_path(path))
    found = hashlib.sha256(content).hexdigest()
    if found != provenance.table_sha256:
        raise ResultsError(
            f"{path}: the table is not the one its provenance describes (SHA-256 {found[:12]}…, expected "
            f"{provenance.table_sha256[:12] or 'none'}…); run the experiment again"
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ResultsError(f"{path}: not UTF-8; {error}") from error
    frame = parse_table(text, source=str(path))
    if list(frame.columns) != provenance.columns or len(frame) != provenance.rows:
        raise ResultsError(
            f"{path}: {len(frame)} rows of {', '.join(frame.columns)}; the provenance says "
            f"{provenance.rows} rows of {', '.join(provenance.columns)}"
        )
    return ResultTable(frame, provenance, path)
