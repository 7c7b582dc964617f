"""Reader of R's serialisation (``.rda``, binary XDR format, versions 2 and 3), as far as data frames need it.

The format is described in the manual "R Internals", section 1.8. Nothing in a file is executed: closures, calls and
environments are refused.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

_SYMBOL, _PAIRLIST, _CHARACTER, _LOGICAL, _INTEGER, _REAL, _STRINGS, _LIST = 1, 2, 9, 10, 13, 14, 16, 19
_ALTREP, _NIL, _REFERENCE = 238, 254, 255
_HAS_ATTRIBUTES, _HAS_TAG, _LATIN1 = 1 << 9, 1 << 10, 1 << (12 + 2)
_MISSING_INTEGER: Final = -(2**31)


@dataclass
class _Vector:
    """A vector of R with its attributes (names, class, levels, ...)."""

    values: Any
    attributes: dict[str, _Vector] = field(default_factory=dict)

    def texts(self, attribute: str) -> list[str]:
        found = self.attributes.get(attribute)
        return [] if found is None else list(found.values)


class _Reader:
    """Walks through the items of a serialised object."""

    def __init__(self, content: bytes, start: int) -> None:
        self.content, self.position = content, start
        self.symbols: list[str] = []

    def take(self, size: int) -> bytes:
        piece = self.content[self.position : self.position + size]
        if size < 0 or len(piece) < size:
            raise ValueError("the R data end in the middle of an object")
        self.position += size
        return piece

    def integer(self) -> int:
        return int(struct.unpack(">i", self.take(4))[0])

    def item(self, flags: int | None = None) -> Any:
        flags = self.integer() if flags is None else flags
        kind = flags & 0xFF
        if kind == _NIL:
            return None
        if kind == _REFERENCE:
            return self.symbols[(flags >> 8 or self.integer()) - 1]
        if kind == _SYMBOL:
            self.symbols.append(self.item())
            return self.symbols[-1]
        if kind == _PAIRLIST:
            return self.pairlist(flags)
        if kind == _CHARACTER:
            size = self.integer()
            return None if size == -1 else self.take(size).decode("latin-1" if flags & _LATIN1 else "utf-8")
        if kind == _ALTREP:
            return self.compact()
        vector = _Vector(self.values(kind))
        if flags & _HAS_ATTRIBUTES:
            vector.attributes = dict(self.item())
        return vector

    def values(self, kind: int) -> Any:
        if kind not in (_LOGICAL, _INTEGER, _REAL, _STRINGS, _LIST):
            raise ValueError(f"the R data hold an object of type {kind}, which no data frame needs")
        size = self.integer()
        if kind in (_LOGICAL, _INTEGER):
            return np.frombuffer(self.take(4 * size), ">i4").astype("int64")
        if kind == _REAL:
            return np.frombuffer(self.take(8 * size), ">f8").astype("float64")
        return [self.item() for _ in range(size)]

    def pairlist(self, flags: int) -> list[tuple[str, Any]]:
        pairs = []
        while flags & 0xFF == _PAIRLIST:
            if flags & _HAS_ATTRIBUTES:
                self.item()
            tag = self.item() if flags & _HAS_TAG else ""
            pairs.append((tag, self.item()))
            flags = self.integer()
        if flags & 0xFF != _NIL:
            pairs.append(("", self.item(flags)))
        return pairs

    def compact(self) -> _Vector:
        """Read a compact representation (R >= 3.5): a range, numbers shown as text, or a wrapped vector."""
        name = self.item()[0][1]
        state = self.item()
        attributes = self.item()
        if name in ("compact_intseq", "compact_realseq"):
            size, first, step = state.values
            values: Any = first + step * np.arange(int(size))
            vector = _Vector(values.astype("int64") if name == "compact_intseq" else values)
        elif name == "deferred_string":
            vector = _Vector([f"{number:.15g}" for number in state[0][1].values.tolist()])
        elif name.startswith("wrap_"):
            vector = state[0][1]
        else:
            raise ValueError(f"the R data hold a compact object of class {name!r}, which is not known")
        return _Vector(vector.values, dict(attributes) if attributes else vector.attributes)


def _decompressed(content: bytes) -> bytes:
    for start, decompress in ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress), (b"\xfd7zXZ", lzma.decompress)):
        if content.startswith(start):
            return decompress(content)
    return content


def _column(vector: _Vector) -> Any:
    levels = vector.texts("levels")
    if levels:
        codes: npt.NDArray[np.int64] = np.where(vector.values == _MISSING_INTEGER, 0, vector.values) - 1
        return pd.Categorical.from_codes(codes, pd.Index(levels), ordered="ordered" in vector.texts("class"))
    if isinstance(vector.values, np.ndarray) and vector.values.dtype == np.int64:
        missing = vector.values == _MISSING_INTEGER
        return np.where(missing, np.nan, vector.values) if missing.any() else vector.values
    return vector.values


def read_data_frames(content: bytes) -> dict[str, pd.DataFrame]:
    """Read the data frames of an ``.rda`` file.

    Parameters
    ----------
    content : bytes
        The file, plain or compressed by gzip, bzip2 or xz.

    Returns
    -------
    dict of str to pandas.DataFrame
        Every data frame by name. Factors become categories with R's levels in their order, integers ``int64``
        (``float64`` where some are missing), doubles ``float64``, strings objects (None where missing).

    Raises
    ------
    ValueError
        If the bytes are no binary R data, are cut off or hold something that a data frame does not need.
    """
    try:
        plain = _decompressed(content)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise ValueError(f"the compressed R data are damaged ({error})") from error
    if plain[:7] not in (b"RDX2\nX\n", b"RDX3\nX\n"):
        raise ValueError(
            f"no binary R data: the file starts with {plain[:7]!r}, expected b'RDX2\\nX\\n' or b'RDX3\\nX\\n'"
        )
    reader = _Reader(plain, 7)
    version = reader.integer()
    reader.take(8)
    if version == 3:
        reader.take(reader.integer())
    try:
        objects = reader.item()
        frames = {}
        for name, vector in objects:
            if isinstance(vector, _Vector) and "data.frame" in vector.texts("class"):
                columns = zip(vector.texts("names"), vector.values, strict=True)
                frames[name] = pd.DataFrame({column: _column(values) for column, values in columns})
    except (TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"the R data are malformed ({error})") from error
    return frames
