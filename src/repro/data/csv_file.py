"""A reader's own table: a CSV file with a header line and one label column.

Nothing is guessed without a word: what was decided on the way stands in the notes, what cannot be decided is refused.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
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
from repro.protocol.own_data import OwnFile

SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}

SPREADSHEET_ERRORS: Final = ("#N/A", "#NA", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!")

MISSING: Final = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "<null>", "<NA>", *SPREADSHEET_ERRORS)
"""Fields that mean a missing value in every column."""

MISSING_AMONG_NUMBERS: Final = ("?", "None", "none", "-", ".")
"""Fields that mean a missing value where everything else in the column is a number, and are a category elsewhere."""

FIRST_RECORDS: Final = 100
"""Records that are looked at for the separator."""

FEW_NUMBERS: Final = 12
"""Different numbers that a column of categories may hold beside its words, as in 1, 2, 3+."""

NEARLY_ALL: Final = 0.9
"""Share of numbers from which a column is one of numbers with errors in it."""

MANY_ROWS: Final = 20
"""Rows from which a different text, or a rising number, in each of them is no chance."""

_SEPARATOR_LINE = re.compile(r'\s*"?sep=([,;|\t:^~])"?[ ]*(?:\r\n|\r|\n)', re.IGNORECASE)
_ARFF = re.compile(r"(?:\s*%.*\n)*\s*@relation\b", re.IGNORECASE)
_IDENTIFIER = re.compile(
    r"(?:.*(?:[^a-zA-Z]|[a-z](?=I[dD])))?(?i:id|uuid|key|index|row|rownames?|record|no|nr|number)\W*"
)

_GAP = " \u00a0\u202f'\u2019"  # between thousands, in all countries
_PLAIN = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?)", re.IGNORECASE)
_POINT_GROUPS = re.compile(rf"[+-]?[1-9][0-9]{{0,2}}(?:[,{_GAP}][0-9]{{3}})+(?:\.[0-9]*)?")
_COMMA = re.compile(r"[+-]?(?:[0-9]+,?[0-9]*|,[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_COMMA_GROUPS = re.compile(rf"[+-]?[1-9][0-9]{{0,2}}(?:[.{_GAP}][0-9]{{3}})+(?:,[0-9]*)?")
_WITHOUT_GROUPS = {
    "point": str.maketrans("", "", "," + _GAP),
    "comma": str.maketrans(",", ".", "." + _GAP),
}


@dataclass(frozen=True)
class _Sheet:
    """The fields of a file: names of the columns, fields by column, number of each row's line in the file."""

    names: list[str]
    columns: list[list[str]]
    lines: list[int]
    notes: list[str]


def load_csv(
    path: str | Path, target: str, positive: Label | None = None, *, columns: Sequence[str] | None = None
) -> Dataset:
    r"""Load a reader's own CSV file.

    The first line names the columns. The separator (comma, semicolon, tab or pipe) is the one by which the first
    records have as many fields as the header, unless a line ``sep=;`` names it; the file may be packed by gzip. Columns
    of numbers become ``int64`` or ``float64``, true/false columns 0 and 1, all others categories. Missing numbers stay
    missing and are counted in ``metadata.missing_values``; ``?`` is missing among numbers and a category of its own
    elsewhere.

    Left out, with a note: columns with neither name nor values, row numbers without a name, and, of 20 rows or more,
    text that is another one in each row and whole numbers that are others in each row of a column called like an
    identifier. Converted, with a note: numbers with decimal commas or with commas, points or gaps between thousands.
    Messages count lines as an editor does, the first line of the file being line 1.

    Parameters
    ----------
    path : str or pathlib.Path
        The file, in UTF-8.
    target : str
        Name of the label column. Labels that are all whole numbers become ``int64``, others stay text.
    positive : label or None, default=None
        Label of the positive class; text matches numbers (``"1"`` finds 1). By default the class with the fewest
        rows; ``metadata.notes`` says which one was taken and whether there was a tie.
    columns : sequence of str or None, default=None
        Columns beside the target that are wanted; no other is read, and none of these is left out. None: all.

    Returns
    -------
    Dataset
        ``metadata`` reports missing values, constant and duplicate columns, repeated rows; ``metadata.notes`` whatever
        was decided on the way, columns that may be identifiers, and a target with one class (``positive`` is None then)
        or more than two. :func:`remarks` puts all of it into sentences.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    UnknownName
        If the file has no such target or other column, or the column no such positive label; the nearest ones are
        named.
    ValueError
        If the file is empty, not UTF-8, has repeated column names, rows of another length than the header, no column
        beside the target, rows without a label (empty or with a mark of missing values), a column of numbers with
        fields that are none, or numbers that can be read in two ways (``1,234``).

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "mine.csv")
    ...     _ = path.write_text("age;income;late\n31;2,5;no\n45;1,5;yes\n52;3,0;no\n")
    ...     mine = load_csv(path, "late")
    >>> mine.metadata.class_counts, mine.features["income"].tolist()
    ({'no': 2, 'yes': 1}, [2.5, 1.5, 3.0])
    """
    path = Path(path)
    sheet = _sheet(path, _text(path), target)
    if columns is not None:
        sheet = _chosen_columns(path, sheet, target, columns)
    labels, said = _labels(path, target, sheet)
    features, decided = _features(path, target, sheet, keep_all=columns is not None)
    facts = table_facts(Table(features, labels))
    chosen, remarked = _positive_class(target, facts["class_counts"], positive)
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
        notes=(*sheet.notes, *decided, *said, *remarked),
        **facts,
    )
    return Dataset(path.name, features, labels, None, chosen, metadata)


def csv_lines(path: str | Path, target: str) -> list[int]:
    """Line in the file of each row that :func:`load_csv` reads, its last one where a field holds line breaks.

    Raises
    ------
    FileNotFoundError, UnknownName, ValueError
        As :func:`load_csv`.
    """
    path = Path(path)
    return _sheet(path, _text(path), target).lines


def counted(count: int, noun: str) -> str:
    """Write a number with its noun, which is given in the plural: 2 rows, 1 row."""
    return f"{count} {noun[:-1] if count == 1 else noun}"


def own_file(loaded: Dataset) -> OwnFile:
    """Sum up what :func:`load_csv` read: a checksum, equal for files that give the same table, and all remarks."""
    facts = canonical_json([table_checksum(Table(loaded.features, loaded.target, loaded.groups)), str(loaded.positive)])
    return OwnFile(hashlib.sha256(facts.encode()).hexdigest(), remarks(loaded.metadata))


def remarks(metadata: Metadata) -> tuple[str, ...]:
    """Put into sentences what to know about a loaded table: its notes, then what is missing, constant or repeated."""
    said = list(metadata.notes)
    said += [
        f"column {name!r} lacks {count} of {counted(metadata.n_rows, 'values')}"
        for name, count in metadata.missing_values.items()
    ]
    said += [f"column {name!r} is constant" for name in metadata.constant_columns]
    said += [f"column {later!r} repeats column {earlier!r}" for later, earlier in metadata.duplicate_columns]
    if metadata.repeated_rows:
        repeat = "repeats" if metadata.repeated_rows == 1 else "repeat"
        said.append(f"{metadata.repeated_rows} of {metadata.n_rows} rows {repeat} an earlier one, also across folds")
    return tuple(said)


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
    if _ARFF.match(text):
        raise ValueError(f"{path} is an ARFF file (Weka, KEEL); save it as CSV: a line of column names, then the rows")
    return text


# From text to fields


def _records(text: str, separator: str, *, strict: bool) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the line and the fields of every record."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=strict)
    try:
        for fields in reader:
            yield reader.line_num, [field.strip() for field in fields]
    except csv.Error as error:
        raise csv.Error(f"{error}, in or above line {reader.line_num}") from error


def _without_empty_end(fields: Sequence[str]) -> list[str]:
    """Fields up to the last one that is not empty."""
    last = max((position for position, field in enumerate(fields) if field), default=-1)
    return list(fields[: last + 1])


def _fits(fields: Sequence[str], header: Sequence[str]) -> bool:
    """Whether a record has the fields of the header, but for empty ones at the end of either."""
    if len(fields) == len(header):
        return True
    return len(_without_empty_end(fields)) <= len(header) and len(fields) >= len(_without_empty_end(header))


def _separator(path: Path, text: str, target: str) -> str:
    """Separator under which the first records agree best with a header that names the target."""
    best, best_score, below = "", (False, 0.0, 1), ""
    for separator in SEPARATORS:
        first = [fields for _, fields in islice(_records(text, separator, strict=False), FIRST_RECORDS) if any(fields)]
        if not first:
            continue
        header, rows = first[0], first[1:]
        agreeing = float(np.mean([_fits(fields, header) for fields in rows])) if rows else 1.0
        score = (target in header, agreeing, len(_without_empty_end(header)))
        if score[2] > 1 and score > best_score:
            best, best_score = separator, score
        named = (fields for fields in rows if target in fields and sum(map(bool, fields)) > sum(map(bool, header)))
        below = below or separator.join(next(named, []))
    if below and not best_score[0]:
        raise ValueError(
            f"{path}: column {target!r} is not named in the first line but further down, in {below[:60]!r}; remove the "
            "lines above"
        )
    if not best:
        first_line = next(line.strip() for line in text.splitlines() if line.strip())
        tried = ", ".join(SEPARATORS.values())
        raise ValueError(f"{path}: {first_line[:60]!r} is the only column found (separators tried: {tried})")
    return best


def _sheet(path: Path, text: str, target: str) -> _Sheet:
    """Find separator, names and rows; leave out what holds nothing."""
    named = _SEPARATOR_LINE.match(text)
    skipped = 0 if named is None else text[: named.end()].count("\n") or 1
    text = text if named is None else text[named.end() :]
    try:
        separator = _separator(path, text, target) if named is None else named[1]
        records = [(skipped + line, fields) for line, fields in _records(text, separator, strict=True)]
    except csv.Error as error:
        raise ValueError(f"{path} cannot be read as CSV: {error}; is a quotation mark never closed?") from error
    filled = [(line, fields) for line, fields in records if any(fields)]
    if not filled:
        raise ValueError(f"{path} is empty")
    (_, header), rows = filled[0], filled[1:]
    notes = []
    bare = sum(len(fields) > 1 for _, fields in records) - sum(len(fields) > 1 for _, fields in filled)
    if bare:
        does = "holds nothing but separators and is" if bare == 1 else "hold nothing but separators and are"
        notes.append(f"{counted(bare, 'lines')} {does} left out")
    names = [name or f"column_{position}" for position, name in enumerate(header, start=1)]
    if target not in names:
        if all(_PLAIN.fullmatch(name) for name in names):
            raise ValueError(
                f"{path}: no column {target!r}; the first line holds only numbers ({', '.join(names[:4])}, ...): "
                "add a line with column names"
            )
        raise UnknownName(f"target column of {path}", target, names)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(
            f"{path}: column names must differ; {', '.join(map(repr, repeated))} "
            f"{'occurs' if len(repeated) == 1 else 'occur'} more than once"
        )
    if not rows:
        raise ValueError(f"{path} has a header and no rows")
    unfit = [(line, fields) for line, fields in rows if not _fits(fields, header)]
    if unfit:
        line, fields = unfit[0]
        why = "; a number or text that holds a comma needs quotes" if separator == "," else ""
        raise ValueError(
            f"{path}: {len(unfit)} of {counted(len(rows), 'rows')} {'does' if len(unfit) == 1 else 'do'} not have the "
            f"{len(names)} columns of the header, the first one is line {line} of "
            f"the file with {counted(len(fields), 'fields')}{why}"
        )
    width = len(names)
    if any(len(fields) > width for _, fields in rows):
        notes.append(f"empty fields after column {width} are left out")
    columns = [list(column) for column in zip(*((fields + [""] * width)[:width] for _, fields in rows), strict=True)]
    sheet = _Sheet([], [], [line for line, _ in rows], notes)
    for position, (name, fields) in enumerate(zip(names, columns, strict=True)):
        without_name = not header[position] or re.fullmatch(r"Unnamed: [0-9]+", name) is not None
        if without_name and name != target:
            what = "it holds nothing and is" if not any(fields) else "it numbers the rows and is"
            leaves = not any(fields) or _numbers_rows(fields)
            notes.append(
                f"column {position + 1} has no name: " + (f"{what} left out" if leaves else f"it is called {name!r}")
            )
            if leaves:
                continue
        sheet.names.append(name)
        sheet.columns.append(fields)
    if len(sheet.names) == 1:
        raise ValueError(f"{path}: {target!r} is the only column found that can be used")
    return sheet


def _chosen_columns(path: Path, sheet: _Sheet, target: str, columns: Sequence[str]) -> _Sheet:
    """Leave the target and the wanted columns, in the order of the wish."""
    wanted = [target, *columns]
    for name in columns:
        if name not in sheet.names:
            raise UnknownName(f"column of {path}", name, [known for known in sheet.names if known not in wanted])
    repeated = sorted({name for name in wanted if wanted.count(name) > 1})
    if repeated:
        left = ", ".join(name for name in sheet.names if name not in wanted)
        raise ValueError(
            f"{path}: target and columns must differ, {repeated[0]!r} is named more than once; other columns: "
            f"{left or 'none'}"
        )
    return _Sheet(wanted, [sheet.columns[sheet.names.index(name)] for name in wanted], sheet.lines, sheet.notes)


def _numbers_rows(fields: Sequence[str]) -> bool:
    """Whether the fields are whole numbers, another one in each row, and too many or too well ordered for chance."""
    if not all(field.isascii() and field.isdigit() for field in fields) or len(set(fields)) < len(fields):
        return False
    return len(fields) >= MANY_ROWS or _rises(list(map(float, fields)))


def _rises(numbers: Sequence[float]) -> bool:
    return all(later > earlier for earlier, later in pairwise(numbers))


# From fields to columns


def _features(path: Path, target: str, sheet: _Sheet, *, keep_all: bool = False) -> tuple[pd.DataFrame, list[str]]:
    """Turn the fields of every column but the target into numbers or categories."""
    notes: list[str] = []
    texts = {name: fields for name, fields in zip(sheet.names, sheet.columns, strict=True) if name != target}
    writings = {name: _writing(_present(fields)) for name, fields in texts.items()}
    clear = set(writings.values()) & {"point", "comma"}
    if any(
        "." in field and not _COMMA_GROUPS.fullmatch(field)
        for name, writing in writings.items()
        if writing == "plain" and {"comma", "either"} & set(writings.values())
        for field in texts[name]
    ):
        clear.add("point")
    columns: dict[str, pd.Series[Any]] = {}
    for name, fields in texts.items():
        column, said = _feature(path, name, fields, sheet.lines, writings[name], clear)
        if keep_all and column is None:
            column, said = nominal(pd.Series(fields, name=name, dtype=object)), []
        elif not keep_all and column is not None and _identifies_rows(name, column):
            column, said = None, [_LEFT_OUT.format(name, "whole number") + "; if it is a feature, rename it"]
        notes += said
        if column is not None:
            columns[name] = column
    if not columns:
        raise ValueError(f"{path}: {target!r} is the only column found that can be used; {'; '.join(notes)}")
    return pd.DataFrame(columns), notes


def _feature(
    path: Path, name: str, fields: list[str], lines: Sequence[int], writing: str, clear: set[str]
) -> tuple[pd.Series[Any] | None, list[str]]:
    """Turn the fields of a column into numbers or categories; None for one that is left out.

    `clear` holds the writings of numbers that some column of the file shows beyond doubt.
    """
    notes = []
    broken = [field for field in fields if field in SPREADSHEET_ERRORS]
    if broken:
        notes.append(
            f"column {name!r} holds {counted(len(broken), 'errors')} of a spreadsheet ({broken[0]!r}): missing"
        )
    present = set(_present(fields))
    if not present and set(fields) <= set(MISSING):
        return pd.Series(np.nan, index=range(len(fields)), name=name), notes
    if present and present <= _TRUTH.keys():
        truth = [_TRUTH.get(field) for field in fields]
        return pd.Series(truth, name=name, dtype="float64" if None in truth else "int64"), notes
    if writing == "text":
        return _category(path, name, fields, lines, notes)
    grouped = "" if writing == "plain" else next(field for field in _present(fields) if not _PLAIN.fullmatch(field))
    if writing == "plain" and clear == {"comma"}:
        grouped = next((field for field in fields if "." in field and field != "."), "")
        writing = "either" if grouped else writing
    if writing == "either":
        numbers = (field for field in _present(fields) if _number(field, "point") != _number(field, "comma"))
        grouped = next(numbers, grouped)
        values = {_number(grouped, "point"), _number(grouped, "comma")}
        if len(values) > 1 and len(clear) != 1:
            raise ValueError(
                f"{path}: {grouped!r} in column {name!r} can be {min(values):g} or {max(values):g}; write "
                "numbers with a decimal point and nothing between thousands"
            )
        writing = next(iter(clear), "point")
    if grouped:
        notes.append(f"column {name!r} is read as numbers, {grouped!r} as {_number(grouped, writing):.16g}")
    kept = ["" if field not in present else field if not grouped else _plainly(field, writing) for field in fields]
    column = _numbers(kept).rename(name)
    return column, notes + _remarks_on_numbers(name, fields, column)


_LEFT_OUT: Final = "column {!r} holds another {} in each row, as identifiers do: left out"

_ABSENT: Final = frozenset((*MISSING, *MISSING_AMONG_NUMBERS))
_TRUTH: Final = {"True": 1, "TRUE": 1, "true": 1, "False": 0, "FALSE": 0, "false": 0}


def _present(fields: Sequence[str]) -> list[str]:
    """Fields that are there if the column is one of numbers."""
    return [field for field in fields if field not in _ABSENT]


def _writing(present: Sequence[str]) -> str:
    """How the numbers of a column are written.

    ``plain``: as programs do. ``point``: with commas or gaps between thousands. ``comma``: with a decimal comma.
    ``either``: both can be. ``text``: not all are numbers, or there are none.
    """
    if not present:
        return "text"
    if _is_plain(present):
        return "plain"
    different = set(present)
    point = all(_PLAIN.fullmatch(field) or _POINT_GROUPS.fullmatch(field) for field in different)
    comma = all(_COMMA.fullmatch(field) or _COMMA_GROUPS.fullmatch(field) for field in different)
    return "either" if point and comma else "point" if point else "comma" if comma else "text"


def _is_plain(fields: Sequence[str]) -> bool:
    if not set("".join(fields)) <= set("0123456789+-.eE"):
        return all(map(_PLAIN.fullmatch, fields))
    try:
        list(map(float, fields))
    except ValueError:
        return False
    return True


def _plainly(field: str, writing: str) -> str:
    return field.translate(_WITHOUT_GROUPS[writing])


def _number(field: str, writing: str) -> float:
    return float(_plainly(field, writing))


def _numbers(fields: Sequence[str]) -> pd.Series[Any]:
    """Numbers of plain fields, exact in every release of pandas; empty ones are missing."""
    if set("".join(fields)) <= set("0123456789+-") and all(0 < len(field) < 20 for field in fields):
        whole = list(map(int, fields))
        if min(whole) >= -(2**63) and max(whole) < 2**63:
            return pd.Series(whole, dtype="int64")
    return pd.Series([float(field or "nan") for field in fields], dtype="float64")


def _remarks_on_numbers(name: str, fields: Sequence[str], column: pd.Series[Any]) -> list[str]:
    zeros = next((field for field in fields if field[:1] == "0" and field.isdigit() and len(field) > 1), None)
    if zeros is not None:
        return [f"column {name!r} is read as numbers although some begin with 0 ({zeros!r}); is it a code?"]
    if _whole(column) and len(column) >= MANY_ROWS and column.nunique() > len(column) / 2:
        if _rises(column.to_list()):
            return [f"column {name!r} rises from row to row, as row numbers do; it is used"]
        if _IDENTIFIER.fullmatch(name):
            return [f"column {name!r} holds {column.nunique()} different whole numbers, as identifiers do; it is used"]
    return []


def _whole(column: pd.Series[Any]) -> bool:
    return bool(column.notna().all() and np.isfinite(column).all() and (column == np.round(column)).all())


def _identifies_rows(name: str, column: pd.Series[Any]) -> bool:
    """Whether a column is called like an identifier and holds another whole number in each of many rows."""
    if len(column) < MANY_ROWS or _IDENTIFIER.fullmatch(name) is None or not pd.api.types.is_numeric_dtype(column):
        return False
    return _whole(column) and column.nunique() == len(column)


def _category(
    path: Path, name: str, fields: Sequence[str], lines: Sequence[int], notes: list[str]
) -> tuple[pd.Series[Any] | None, list[str]]:
    """Turn a column of text into a category, unless it is one of numbers with errors, or an identifier."""
    text = pd.Series(fields, name=name, dtype=object)
    text = text.mask(text.isin(MISSING))
    counts = text.value_counts()
    point = {field for field in counts.index if _PLAIN.fullmatch(field) or _POINT_GROUPS.fullmatch(field)}
    comma = {field for field in counts.index if _COMMA.fullmatch(field) or _COMMA_GROUPS.fullmatch(field)}
    numbers = max(point, comma, key=lambda fields: counts[list(fields)].sum())
    others = [field for field in counts.index if field not in numbers]
    share = counts[list(numbers)].sum() / counts.sum()
    if (share >= NEARLY_ALL and len(numbers) > FEW_NUMBERS) or len(point | comma) == len(counts):
        wrong = [field for field in others if field not in MISSING_AMONG_NUMBERS]
        raise ValueError(
            f"{path}: column {name!r} holds numbers, as {min(numbers)!r}, and also {counted(len(wrong), 'texts')}, "
            f"{wrong[0]!r} in line {lines[fields.index(wrong[0])]} of the file; write numbers in one way, and nothing "
            "where the value is missing"
        )
    if share >= 0.5:
        named = ", ".join(map(repr, sorted(others)[:3]))
        notes.append(f"column {name!r} is read as categories: it holds numbers, but also {named}")
    marks = [mark for mark in MISSING_AMONG_NUMBERS if mark in counts]
    if marks:
        notes.append(f"{marks[0]!r} in column {name!r} is a category of its own, not a missing value")
    if len(fields) >= MANY_ROWS:
        if len(counts) == len(fields):
            return None, [*notes, _LEFT_OUT.format(name, "text")]
        if len(counts) > len(fields) / 2:
            notes.append(f"column {name!r} has {len(counts)} categories in {len(fields)} rows")
    return nominal(text), notes


def _labels(path: Path, target: str, sheet: _Sheet) -> tuple[pd.Series[Any], list[str]]:
    labels = list(sheet.columns[sheet.names.index(target)])
    if all(len(label) > 1 and label[0] == label[-1] == "'" for label in labels):
        labels = [label[1:-1] for label in labels]
    marks = {mark.casefold() for mark in (*MISSING, "?")}
    rest = [label for label in labels if label.casefold() not in marks]
    if rest and _writing(_present(rest)) != "text":
        marks |= {mark.casefold() for mark in MISSING_AMONG_NUMBERS}
    absent = [row for row, label in enumerate(labels) if label.casefold() in marks]
    if absent:
        mark = labels[absent[0]]
        means = f" ({mark!r} means a missing one; if it is a class, give it another name)" if mark else ""
        one = len(absent) == 1
        raise ValueError(
            f"{path}: {counted(len(absent), 'rows')} {'has' if one else 'have'} no label in column {target!r}{means}, "
            f"{'' if one else 'the first one '}in line {sheet.lines[absent[0]]} of the file; remove "
            f"{'it or fill it' if one else 'them or fill them'} in"
        )
    writing = _writing(labels)
    if writing == "either":
        writing = "text"
    if writing != "text" and not any(re.search("inf", label, re.IGNORECASE) for label in labels):
        numbers = _numbers([label if writing == "plain" else _plainly(label, writing) for label in labels])
        whole = bool((numbers == np.round(numbers)).all()) and bool((numbers.abs() < 2**53).all())
        said = [] if writing == "plain" else [f"the labels in column {target!r} are read as numbers with a {writing}"]
        return numbers.astype("int64" if whole else "float64").rename(target), said
    numbers_among = sorted({label for label in labels if _is_plain([label])})
    words = sorted(set(labels) - set(numbers_among))
    mixed = (
        [f"column {target!r} holds numbers and also {words[0]!r}: each is a class"] if numbers_among and words else []
    )
    return nominal(pd.Series(labels, name=target, dtype=object)), mixed


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
        notes.append(
            f"the classes {tied} have {counted(fewest, 'rows')} each; {chosen!r}, the last one, is taken as positive"
        )
    else:
        notes.append(f"{chosen!r} is taken as positive: it has the fewest rows, {fewest} of {sum(counts.values())}")
    return chosen, notes


def _same_label(label: Label, wanted: Label) -> bool:
    if str(label) == str(wanted).strip():
        return True
    return not isinstance(label, str) and _PLAIN.fullmatch(str(wanted).strip()) is not None and float(wanted) == label
