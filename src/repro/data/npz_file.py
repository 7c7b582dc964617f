"""A reader's own arrays: a NumPy archive (``.npz``), read without unpickling anything."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from repro.ground.exceptions import UnknownName

__all__ = ["load_npz"]


def load_npz(path: str | Path, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, npt.NDArray[Any]]:
    """Load named arrays of a NumPy archive, as ``numpy.savez(path, features=..., labels=...)`` writes it.

    Parameters
    ----------
    path : str or pathlib.Path
    required, optional : sequence of str
        Names of arrays; no other is read.

    Returns
    -------
    dict of str to ndarray
        Those that are there.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    UnknownName
        If a required array is missing; names those that are there.
    ValueError
        If it is no such archive, or an array holds Python objects, which only unpickling could read.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is no NumPy archive (.npz); write it by numpy.savez(path, {_call(required)})")
    try:
        with np.load(path, allow_pickle=False) as archive:
            for name in required:
                if name not in archive.files:
                    raise UnknownName(f"array of {path}", name, archive.files)
            names = [name for name in (*required, *optional) if name in archive.files]
            return {name: _array(path, archive, name) for name in names}
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def _call(names: Sequence[str]) -> str:
    return ", ".join(f"{name}=..." for name in names)


def _array(path: Path, archive: Any, name: str) -> npt.NDArray[Any]:
    try:
        found = archive[name]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise ValueError(f"{path}: {name} cannot be read: {error}") from error
        raise ValueError(
            f"{path}: {name} holds Python objects (dtype object), which are not read; save numbers or text, for "
            f"example {name}.astype(float)"
        ) from error
    if not isinstance(found, np.ndarray):
        raise ValueError(f"{path}: {name} is no array that NumPy has written")  # noqa: TRY004 - the file is wrong
    return found
