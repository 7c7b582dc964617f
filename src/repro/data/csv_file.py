"""A reader's own table: a CSV file with a header line and one label column."""

from __future__ import annotations

import csv
import hashlib
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from repro.data.dataset import Dataset, Label, Metadata, Table, table_checksum, table_facts
from repro.data.store import unpacked
from repro.data.tables import nominal
from repro.ground.exceptions import UnknownName
from repro.ground.files import sha256_of_file
from repro.protocol.experiment import canonical_json

DELIMITERS: Final = (",", ";", "\t")

MISSING: Final = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "<null>")
"""Fields that mean a missing value in every feature column."""

MISSING_AMONG_NUMBERS: Final = ("?", "None", "-", ".")
"""Fields that mean a missing value where everything else in the column is a number, and are a category elsewhere."""


def load_csv(path: str | Path, target: str, positive: Label | None = None) -> Dataset:
    """Load a reader's own CSV file.

    The first line names the columns; the delimiter (comma, semicolon or tab) is found by itself; the file may be
    packed by gzip. Columns of numbers become ``int64`` or ``float64``, true/false columns 0 and 1, all others
    categories. Missing numbers stay missing and are counted in ``metadata.missing_values``; ``?`` is missing among
    numbers and a category of its own elsewhere.

    Parameters
    ----------
    path : str or pathlib.Path
        The file, in UTF-8.
    target : str
        Name of the label column. Labels that are all whole numbers become ``int64``, others stay text.
    positive : label or None, default=None
        Label of the positive class; text matches numbers (``"1"`` finds 1). By default the class with the fewest
        rows; ``metadata.notes`` says which one was taken and whether there was a tie.

    Returns
    -------
    Dataset
        ``metadata`` reports missing values, constant and duplicate columns, repeated rows; ``metadata.notes`` whatever
        was decided on the way, and a target with one class (``positive`` is None then) or more than two.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    UnknownName
        If the file has no such target column, or the column no such positive label; the nearest ones are named.
    ValueError
        If the file is empty, not UTF-8, has repeated column names, rows of another length than the header, no column
        beside the target, or rows without a label.
    """
    path = Path(path)
    text = _text(path)
    delimiter, header, notes = _header(path, text)
    if target not in header:
        if all(_is_number(name) for name in header):
            raise ValueError(
                f"{path}: no column {target!r}; the first line holds only numbers ({', '.join(header[:4])}, ...): "
                "add a line with column names"
            )
        raise UnknownName(f"target column of {path}", target, header)
    if len(header) == 1:
        raise ValueError(f"{path}: {target!r} is the only column found (delimiters tried: comma, semicolon, tab)")
    frame = _frame(path, text, delimiter, header, target)
    labels = _labels(path, frame[target])
    features = pd.DataFrame({name: _feature(frame[name]) for name in header if name != target})
    facts = table_facts(Table(features, labels))
    chosen, remarks = _positive_class(target, facts["class_counts"], positive)
    metadata = Metadata(
        title=path.name,
        source=str(path),
        licence="a reader's own file",
        redistribution=False,
        citation_key="",
        citation="",
        traps=(),
        checksum=sha256_of_file(path),
        route="file",
        notes=(*notes, *remarks),
        **facts,
    )
    return Dataset(path.name, features, labels, None, chosen, metadata)


def own_checksum(path: str | Path, target: str, positive: Label | None = None) -> str:
    """Checksum of what :func:`load_csv` reads from a file; parameters and errors are those of it.

    Returns
    -------
    str
        64 hexadecimal digits: equal for files that give the same table, wherever they lie.
    """
    loaded = load_csv(path, target, positive)
    facts = canonical_json([table_checksum(Table(loaded.features, loaded.target, loaded.groups)), str(loaded.positive)])
    return hashlib.sha256(facts.encode()).hexdigest()


def _text(path: Path) -> str:
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    if path.is_dir():
        raise ValueError(f"{path} is a folder, not a CSV file")
    try:
        content = unpacked(path.read_bytes(), path.name)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error
    if "\0" in text:
        raise ValueError(f"{path} holds zero bytes: it is no text file")
    if not text.strip():
        raise ValueError(f"{path} is empty")
    return text


def _header(path: Path, text: str) -> tuple[str, list[str], list[str]]:
    """Find the delimiter, the column names and what is to be said about them."""
    first_line = next(line for line in text.splitlines() if line.strip())
    candidates = {
        delimiter: next(csv.reader([first_line], delimiter=delimiter, skipinitialspace=True))
        for delimiter in DELIMITERS
    }
    delimiter = max(DELIMITERS, key=lambda candidate: len(candidates[candidate]))
    names = [name.strip() for name in candidates[delimiter]]
    notes = []
    for position, name in enumerate(names):
        if not name:
            names[position] = f"column_{position + 1}"
            notes.append(f"column {position + 1} has no name and is called {names[position]!r}")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{path}: column names must differ; {', '.join(map(repr, repeated))} occurs more than once")
    return delimiter, names, notes


def _frame(path: Path, text: str, delimiter: str, header: Sequence[str], target: str) -> pd.DataFrame:
    missing = {name: [""] if name == target else list(MISSING) for name in header}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame: pd.DataFrame = pd.read_csv(
                io.StringIO(text),
                sep=delimiter,
                header=0,
                names=list(header),
                index_col=False,
                dtype={target: str},
                skipinitialspace=True,
                keep_default_na=False,
                na_values=missing,
                low_memory=False,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise ValueError(f"{path}: rows do not have the {len(header)} columns of the header ({error})") from error
    if frame.empty:
        raise ValueError(f"{path} has a header and no rows")
    return frame


def _feature(column: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.astype("int64")
    if pd.api.types.is_signed_integer_dtype(column.dtype):
        return column.astype("int64")
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype("float64")
    text = column.where(column.isna(), column.astype(str).str.strip())
    rest = text.mask(text.isin(MISSING_AMONG_NUMBERS))
    numbers = pd.to_numeric(rest, errors="coerce")
    if rest.notna().any() and numbers.notna().equals(rest.notna()):
        return numbers.astype("float64")
    return nominal(text)


def _labels(path: Path, column: pd.Series[Any]) -> pd.Series[Any]:
    labels = column.where(column.isna(), column.astype(str).str.strip())
    quoted = labels.str.fullmatch(r"'.*'")
    if quoted.eq(True).all():
        labels = labels.str[1:-1]
    absent = labels.isna() | labels.eq("")
    if absent.any():
        raise ValueError(
            f"{path}: {int(absent.sum())} rows have no label in column {column.name!r}, the first one is row "
            f"{int(np.flatnonzero(absent)[0]) + 1} after the header; remove them or fill them in"
        )
    numbers = pd.to_numeric(labels, errors="coerce")
    if numbers.notna().all() and np.isfinite(numbers).all():
        whole = (numbers == np.round(numbers)).all() and (numbers.abs() < 2**53).all()
        return numbers.astype("int64" if whole else "float64")
    return nominal(labels)


def _positive_class(target: str, counts: dict[Label, int], wanted: Label | None) -> tuple[Label | None, list[str]]:
    notes = []
    if len(counts) > 2:
        notes.append(f"column {target!r} has {len(counts)} classes; the positive class stands against all others")
    if wanted is not None:
        for label in counts:
            if _same_label(label, wanted):
                return label, notes
        raise UnknownName(f"label in column {target!r}", str(wanted), [str(label) for label in counts])
    if len(counts) == 1:
        (only,) = counts
        return None, [f"column {target!r} has one class only, {only!r}: there is no positive class"]
    fewest = min(counts.values())
    smallest = [label for label, count in counts.items() if count == fewest]
    chosen = smallest[-1]
    if len(smallest) > 1:
        tied = ", ".join(repr(label) for label in smallest)
        notes.append(f"the classes {tied} have {fewest} rows each; {chosen!r}, the last one, is taken as positive")
    else:
        notes.append(f"{chosen!r} is taken as positive: it has the fewest rows, {fewest} of {sum(counts.values())}")
    return chosen, notes


def _same_label(label: Label, wanted: Label) -> bool:
    if str(label) == str(wanted).strip():
        return True
    return not isinstance(label, str) and _is_number(str(wanted)) and float(wanted) == label


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
