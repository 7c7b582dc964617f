"""What loading returns: a table or a set of images, with its facts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from repro.protocol.experiment import canonical_json

Label = str | int | float
"""A class label as it stands in the file."""


@dataclass(frozen=True)
class Metadata:
    """Where a data set comes from and what has to be known before it is used.

    Parameters
    ----------
    title : str
        Name in words.
    source : str
        Where the data were first published and the address of the copy used here.
    licence : str
        Terms as far as they are known.
    redistribution : bool
        Whether the licence allows to pass the data on.
    citation_key : str
        Key in ``book/references.bib``; empty for a reader's own file.
    citation : str
        Text of the reference.
    n_rows : int
        Number of rows or images.
    class_counts : mapping of label to int
        Rows of each class, in the order of the labels.
    traps : tuple of str
        Known pitfalls, one sentence or two each.
    checksum : str
        SHA-256 of the loaded table or image set (:func:`table_checksum`, :func:`image_checksum`); of the
        file for a reader's own CSV.
    route : str
        How the data came: ``"embedded"``, ``"scikit-learn"``, ``"mirror"``, ``"origin"`` or ``"file"``.
    missing_values : mapping of str to int
        Number of missing values of every feature that has some.
    constant_columns : tuple of str
        Features with a single value.
    duplicate_columns : tuple of (str, str)
        Features that repeat an earlier one: (the later, the earlier). Constant ones are not compared.
    repeated_rows : int
        Rows whose features and label occur in an earlier row.
    notes : tuple of str
        Remarks on this very table, for example how the positive class was chosen.
    """

    title: str
    source: str
    licence: str
    redistribution: bool
    citation_key: str
    citation: str
    n_rows: int
    class_counts: Mapping[Label, int]
    traps: tuple[str, ...]
    checksum: str
    route: str
    missing_values: Mapping[str, int] = field(default_factory=dict)
    constant_columns: tuple[str, ...] = ()
    duplicate_columns: tuple[tuple[str, str], ...] = ()
    repeated_rows: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table with one label column.

    Parameters
    ----------
    name : str
        Name under which it was loaded, or the file's name.
    features : pandas.DataFrame of shape (n_rows, n_features)
        Nominal columns have dtype ``category``, whole numbers ``int64``, other numbers ``float64``.
    target : pandas.Series of shape (n_rows,)
        Labels as they stand in the file.
    groups : pandas.DataFrame of shape (n_rows, n_groupings) or None
        Protected attributes or clusters of rows that belong together (for example the respondent).
    positive : label or None
        Label of the positive class; None where no class is one.
    metadata : Metadata
        Source, licence, counts, traps.
    """

    name: str
    features: pd.DataFrame
    target: pd.Series[Any]
    groups: pd.DataFrame | None
    positive: Label | None
    metadata: Metadata

    @property
    def is_positive(self) -> npt.NDArray[np.bool_]:
        """Whether a row belongs to the positive class: bool array of shape (n_rows,).

        Raises
        ------
        ValueError
            If the data set has no positive class.
        """
        if self.positive is None:
            labels = list(self.metadata.class_counts)
            raise ValueError(f"data set {self.name!r} has no positive class; its labels are {labels}")
        return np.asarray(self.target == self.positive, dtype=np.bool_)


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """A set of labelled images.

    Parameters
    ----------
    name : str
        Name under which it was loaded.
    split : str
        ``"train"`` or ``"test"``.
    images : ndarray of uint8, shape (n_images, height, width) or (n_images, height, width, 3)
        Grey or red-green-blue values from 0 to 255.
    labels : ndarray of int64, shape (n_images,)
        Class of each image.
    class_names : tuple of str
        Name of every class.
    coarse_labels : ndarray of int64, shape (n_images,), or None
        Superclass of each image, where the data set has superclasses.
    coarse_names : tuple of str or None
        Name of every superclass.
    metadata : Metadata
        Source, licence, counts, traps.
    """

    name: str
    split: str
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    class_names: tuple[str, ...]
    coarse_labels: npt.NDArray[np.int64] | None
    coarse_names: tuple[str, ...] | None
    metadata: Metadata


@dataclass(frozen=True, eq=False)
class Table:
    """What a converter makes of a file: features, labels and groups, before names and facts are added."""

    features: pd.DataFrame
    target: pd.Series[Any]
    groups: pd.DataFrame | None = None


FORMAT: Final = "1"
"""Version of the checksum's byte stream."""


def _canonical_bytes(column: pd.Series[Any]) -> tuple[str, list[Label], bytes]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        kind = "ordered" if column.dtype.ordered else "nominal"
        labels = [label.item() if isinstance(label, np.generic) else label for label in column.cat.categories]
        return kind, labels, column.cat.codes.to_numpy(dtype="<i4").tobytes()
    if pd.api.types.is_integer_dtype(column.dtype):
        return "integer", [], column.to_numpy(dtype="<i8").tobytes()
    if pd.api.types.is_float_dtype(column.dtype):
        values = column.to_numpy(dtype="<f8", copy=True)
        values[np.isnan(values)] = np.nan
        return "float", [], values.tobytes()
    raise TypeError(f"column {column.name!r} has dtype {column.dtype}; allowed are category, integers and floats")


def table_checksum(table: Table) -> str:
    """SHA-256 of the values of a table, independent of the file that it came from.

    The stream holds, for every column of features, target and groups in order, a JSON line (part, name, kind,
    number of rows, categories) and the values: 8-byte little-endian integers or floats (one bit pattern for
    all missing values), 4-byte category codes with -1 for missing.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256(f"repro table {FORMAT}\n".encode())
    parts = [("features", table.features), ("target", table.target.to_frame())]
    if table.groups is not None:
        parts.append(("groups", table.groups))
    for part, frame in parts:
        for position, name in enumerate(frame.columns):
            kind, labels, values = _canonical_bytes(frame.iloc[:, position])
            digest.update((canonical_json([part, str(name), kind, len(frame), labels]) + "\n").encode())
            digest.update(values)
    return digest.hexdigest()


def image_checksum(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]) -> str:
    """SHA-256 of shape, labels (8-byte little-endian) and pixels of an image set, as 64 hexadecimal digits."""
    digest = hashlib.sha256(f"repro images {FORMAT}\n{canonical_json(list(images.shape))}\n".encode())
    digest.update(labels.astype("<i8").tobytes())
    digest.update(np.ascontiguousarray(images).data)
    return digest.hexdigest()


def table_facts(table: Table) -> dict[str, Any]:
    """Facts of a table that :class:`Metadata` holds: counts, missing values, constant and repeated columns and rows."""
    features = table.features
    missing = features.isna().sum()
    constant = [str(name) for name in features.columns if features[name].nunique(dropna=False) <= 1]
    first_of: dict[tuple[str, bytes], str] = {}
    duplicates = []
    for name in features.columns.difference(constant, sort=False):
        kind, labels, values = _canonical_bytes(features[name])
        key = (canonical_json([kind, labels]), hashlib.sha256(values).digest())
        earlier = first_of.setdefault(key, str(name))
        if earlier != str(name):
            duplicates.append((str(name), earlier))
    counts = table.target.value_counts(sort=False).sort_index()
    return {
        "n_rows": len(features),
        "class_counts": {
            (label.item() if isinstance(label, np.generic) else label): int(count) for label, count in counts.items()
        },
        "missing_values": {str(name): int(count) for name, count in missing.items() if count},
        "constant_columns": tuple(constant),
        "duplicate_columns": tuple(duplicates),
        "repeated_rows": int(pd.concat([features, table.target], axis=1).duplicated().sum()),
    }
