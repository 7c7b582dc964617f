"""The registry of data sets: what ``registry.yml`` says, checked."""

from __future__ import annotations

import fnmatch
import hashlib
import importlib.resources
from functools import cache
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from repro.ground.exceptions import ReproError, UnknownName

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Md5 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
RouteName = Literal["embedded", "scikit-learn", "mirror", "origin"]


class RegistryError(ReproError):
    """``registry.yml`` is malformed; the message names the data set and the key."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataFile(_Strict):
    """One file of a route.

    Parameters
    ----------
    path : str
        ``<folder>/<file>`` as laid out under ``REPRO_DATA_MIRROR`` and in the cache folder; for an embedded file its
        name in the package. A file is also found with ``.gz`` added or taken away.
    url : str or None
        Public address, only for the route ``origin``.
    sha256, md5 : str or None
        Sum of the content, after unpacking one layer of gzip (a ``.tar.gz`` stays as it is); None where unknown.
    packed : bool, default=False
        Whether the sum is that of the file as it is published, before unpacking; an unpacked copy is then not accepted.
    keep_columns : tuple of str or None
        When a CSV is downloaded, only these columns are stored: what identifies a person never reaches the disk.
    """

    path: Annotated[str, StringConstraints(pattern=r"^[^/.][^:]*$")]
    url: Annotated[str, StringConstraints(pattern=r"^https://")] | None = None
    sha256: Sha256 | None = None
    md5: Md5 | None = None
    packed: bool = False
    keep_columns: tuple[str, ...] | None = None


class Route(_Strict):
    """One way to a data set: its files and the converter that makes a table or images of them."""

    converter: str
    options: dict[str, Any] = Field(default_factory=dict)
    files: tuple[DataFile, ...] = ()
    tested: bool = True
    """False where the files behind a public address could not be reached when the route was written."""


class Entry(_Strict):
    """What every data set states."""

    title: str
    source: str
    licence: str
    redistribution: bool
    citation_key: str
    citation: str
    traps: tuple[str, ...] = ()


class TableEntry(Entry):
    """A table: its routes, and the checksum and counts that every route must give.

    The checksum is None where the project has never had the files; then each of them has a sum of its own.
    """

    kind: Literal["table"] = "table"
    routes: dict[RouteName, Route] = Field(min_length=1)
    checksum: Sha256 | None
    rows: int
    features: int
    nominal: int
    class_counts: dict[str, int]
    positive: str | int | None

    @model_validator(mode="after")
    def _some_sum_decides(self) -> Self:
        sums = [file.sha256 for route in self.routes.values() for file in route.files]
        if self.checksum is None and not (sums and all(sums)):
            raise ValueError("a table without checksum needs the sha256 of every file")
        return self

    @property
    def identity(self) -> str:
        """Checksum of the table, or the SHA-256 of its files' sums where none is registered."""
        if self.checksum is not None:
            return self.checksum
        files = next(iter(self.routes.values())).files
        return hashlib.sha256("".join(f"{file.sha256}\n" for file in files).encode()).hexdigest()


class Split(_Strict):
    """The training or the test part of an image set."""

    routes: dict[RouteName, Route] = Field(min_length=1)
    checksum: Sha256
    images: int


class ImageEntry(Entry):
    """An image set: one or more splits, each with its own routes and checksum."""

    kind: Literal["images"]
    splits: dict[Literal["train", "test"], Split] = Field(min_length=1)
    shape: tuple[int, ...]
    classes: int
    keep_decoded: bool = False
    """Whether decoding takes so long that the arrays are kept in the cache folder."""


def _keel_entries(section: dict[str, Any]) -> dict[str, Any]:
    """Write out the compact table of the KEEL sets: name, then the values named in its ``columns``."""
    entries = {}
    for name, values in section["sets"].items():
        facts = dict(zip(section["columns"], values, strict=True))
        path = section["path"].format(name=name)
        folder, file = section["origin_files"].get(name, (name, name))
        url = section["url"].format(folder=folder, file=file)
        sha256 = facts["file_sha256"]
        repeated = facts["repeated_rows"]
        own_traps = [f"{repeated} rows repeat an earlier row."] if repeated else []
        own_traps += section["own_traps"].get(name, [])
        entries[f"keel/{name}"] = {
            **section["common"],
            "title": section["title"].format(name=name),
            "traps": [*section["common"]["traps"], *own_traps],
            "routes": {
                "mirror": {"converter": "keel", "files": [{"path": path, "sha256": sha256}]},
                "origin": {
                    "converter": "keel",
                    "files": [{"path": path, "url": url, "sha256": sha256}],
                    "tested": False,
                },
            },
            "checksum": facts["checksum"],
            "rows": facts["positive"] + facts["negative"],
            "features": facts["features"],
            "nominal": facts["nominal"],
            "class_counts": {"negative": facts["negative"], "positive": facts["positive"]},
            "positive": "positive",
        }
    return entries


def _expand_sums(route: dict[str, Any]) -> dict[str, Any]:
    """Replace ``sums: {file, folder, prefix}`` by the files that an embedded list of checksums names."""
    sums = route.get("sums")
    if sums is None:
        return route
    lines = embedded_bytes(sums["file"]).decode().splitlines()
    pairs = [line.split("  ", 1) for line in lines]
    files = [
        {"path": f"{sums['folder']}/{path}", "sha256": sha256}
        for sha256, path in pairs
        if path.startswith(sums["prefix"])
    ]
    return {**{key: value for key, value in route.items() if key != "sums"}, "files": files}


def embedded_bytes(name: str) -> bytes:
    """Content of a file that is part of the package."""
    return importlib.resources.files("repro.data").joinpath("embedded", name).read_bytes()


def parse_registry(text: str) -> dict[str, TableEntry | ImageEntry]:
    """Read a registry.

    Parameters
    ----------
    text : str
        YAML with the sections ``tables``, ``images`` and ``keel``.

    Returns
    -------
    dict of str to TableEntry or ImageEntry
        Every data set by name.

    Raises
    ------
    RegistryError
        If the text is no YAML, or an entry lacks a key, has an unknown one or a value that is not allowed.
    """
    try:
        raw = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except yaml.YAMLError as error:
        raise RegistryError(f"registry.yml is no valid YAML: {error}") from error
    entries: dict[str, TableEntry | ImageEntry] = {}
    for name, value in [*raw["tables"].items(), *_keel_entries(raw["keel"]).items()]:
        entries[name] = _checked(TableEntry, name, value)
    for name, value in raw["images"].items():
        for split in value.get("splits", {}).values():
            split["routes"] = {key: _expand_sums(route) for key, route in split["routes"].items()}
        entries[name] = _checked(ImageEntry, name, {**value, "kind": "images"})
    return entries


AnyEntry = TypeVar("AnyEntry", bound=Entry)


def _checked(model: type[AnyEntry], name: str, value: Any) -> AnyEntry:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems = "; ".join(
            f"key {'.'.join(str(part) for part in problem['loc'])!r}: {problem['msg']}" for problem in error.errors()
        )
        raise RegistryError(f"registry.yml, data set {name!r}: {problems}") from error


@cache
def registry() -> dict[str, TableEntry | ImageEntry]:
    """Every registered data set by name; tables first, then KEEL, then images."""
    return parse_registry(importlib.resources.files("repro.data").joinpath("registry.yml").read_text("utf-8"))


def entry(name: str) -> TableEntry | ImageEntry:
    """Look up what is registered under a name.

    Raises
    ------
    UnknownName
        If nothing is; the message suggests the nearest names.
    """
    try:
        return registry()[name]
    except KeyError:
        raise UnknownName("data set", name, registry()) from None


def names(pattern: str = "*") -> list[str]:
    """Names of the registered data sets, in the order of the registry.

    Parameters
    ----------
    pattern : str, default="*"
        Only names that match, with ``*`` and ``?`` as in a shell: ``"keel/glass*"``.

    Examples
    --------
    >>> names("*credit*")
    ['german_credit']
    """
    return [name for name in registry() if fnmatch.fnmatchcase(name, pattern)]
